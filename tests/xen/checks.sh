# -*- shell-script -*-
#
# SPDX-License-Identifier: Apache-2.0

# What a scenario says about results.  A scenario is a shell script; its cases
# are its calls of check.

# How many times as long as usual a machine may take.
patience=4

# To start a program takes an emulated processor 25 ms and more, during which
# guests wait for it.  So what is called often here does without.

# Sets 'clock' to the time since the start of dom0 in hundredths of a second.
read_clock () {
    local up rest
    read -r up rest </proc/uptime
    clock=${up%.*}${up#*.}
}

# Prints that.
now () {
    read_clock
    echo "$clock"
}

# note TEXT...
#
# Writes a line to the log of the scenario.
note () {
    local up rest
    read -r up rest </proc/uptime
    echo "[$up] $*"
}

# fail TEXT...
#
# Ends the case, which has failed, and says why.
fail () {
    note "fail: $*"
    echo "$*" | tr '\n' ' ' | cut -c1-200 >/run/reason
    exit 1
}

# skip TEXT...
#
# Ends the case, which cannot be run here, and says why.
skip () {
    echo "$*" >/run/reason
    exit 77
}

# expect COMMAND...
#
# Fails if the command does.
expect () {
    note "expect: $*"
    "$@" || fail "'$*' failed"
}

# expect_not COMMAND...
expect_not () {
    note "expect not: $*"
    if "$@"; then
        fail "'$*' succeeded"
    fi
}

# expect_equal WHAT ACTUAL EXPECTED
expect_equal () {
    note "$1 is '$2', expected '$3'"
    test "$2" = "$3" || fail "$1 is '$2' instead of '$3'"
}

# wait_for SECONDS COMMAND...
#
# Runs the command again and again until it succeeds.  SECONDS are enough on a
# machine that has nothing else to do; any gets $patience times as many.
wait_for () {
    local end pause=0.1
    read_clock
    end=$((clock + $1 * patience * 100))
    shift
    note "wait for: $*"
    until "$@"; do
        read_clock
        test "$clock" -lt $end || {
            note "gave up"
            return 1
        }
        sleep $pause
        longer_pause
    done
}

# What did not happen at once is asked for less often.
longer_pause () {
    case $pause in
    0.1) pause=0.2 ;;
    0.2) pause=0.3 ;;
    *) pause=0.5 ;;
    esac
}

# expect_soon SECONDS COMMAND...
#
# Fails if the command does not succeed within some time.
expect_soon () {
    local seconds=$1
    shift
    wait_for "$seconds" "$@" ||
        fail "'$*' failed for $((seconds * patience)) seconds"
}

# Writes what may tell why a case failed to the log of the scenario.
dump_state () {
    timeout 10 xl list
    timeout 10 ovs-vsctl show
    timeout 10 ovs-appctl xenvif/list
    timeout 10 ovs-appctl xenvif/show
    timeout 10 xenstore-ls -f /local/domain/0/backend/vif
}

# result NAME SECONDS TEXT
result () {
    printf '%-62s %4d s %s\n' "$scenario: $1" "$2" "$3" >>$results
}

# tell TEXT...
#
# Writes a line for people among the results, such as something measured.
tell () {
    echo "    $*" >>$results
    note "$*"
}

# show COMMAND...
#
# Prints a command as a user would type it, and what it prints, among the
# results.  Returns its status.
show () {
    local status
    echo "    \$ $*" >>$results
    "$@" >/run/output 2>&1
    status=$?
    tell_file /run/output
    return $status
}

# tell_file FILE
#
# Writes the lines of a file among the results.
tell_file () {
    sed 's/^/    /' "$1" >>$results
    cat "$1"
}

# check NAME COMMAND...
#
# A case: it is passed if the command succeeds.  The command runs in a
# sub-shell, so it can end early and what it sets is forgotten.  Returns false
# if the case failed.
check () {
    local name=$1 status begin seconds
    shift
    note "case: $name"
    begin=$(now)
    rm -f /run/reason
    ("$@")
    status=$?
    seconds=$((($(now) - begin) / 100))
    note "case: $name: status $status"
    case $status in
    0) result "$name" $seconds ok ;;
    77) result "$name" $seconds "skipped ($(cat /run/reason))" ;;
    *) result "$name" $seconds \
            "FAILED ($(cat /run/reason 2>/dev/null || echo "$*"))"
       rm -f /run/reason
       dump_state
       return 1 ;;
    esac
}

# need NAME COMMAND...
#
# A case without which the rest of the scenario makes no sense.
need () {
    check "$@" || exit 0
}
