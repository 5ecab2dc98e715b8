# -*- shell-script -*-
#
# SPDX-License-Identifier: Apache-2.0

# What a scenario does with guests.  Guest gN has the addresses 10.77.D.N and
# fd77:D::N on its device ethD.

# domid GUEST
#
# Prints its number.  To start xl takes a while on an emulated processor, so
# the last answer serves as long as XenStore agrees.
domid () {
    local id
    if read -r id <"/run/domid.$1" &&
            test "$(xenstore-read "/local/domain/$id/name")" = "$1"; then
        echo "$id"
        return
    fi 2>/dev/null
    id=$(xl domid "$1" 2>/dev/null) || return
    echo "$id" | tee "/run/domid.$1"
}

# guest_number GUEST
guest_number () {
    echo "${1#g}"
}

# mac GUEST [DEVICE]
mac () {
    printf '00:16:3e:77:%02x:%02x' "${2:-0}" "$(guest_number "$1")"
}

# address GUEST [DEVICE]
address () {
    echo "10.77.${2:-0}.$(guest_number "$1")"
}

# address6 GUEST [DEVICE]
address6 () {
    echo "fd77:${2:-0}::$(guest_number "$1")"
}

# port GUEST [DEVICE]
#
# Prints the name of the OVS port of a guest's network device.
port () {
    echo "vif$(domid "$1").${2:-0}"
}

# backend_path GUEST [DEVICE]
backend_path () {
    echo "/local/domain/0/backend/vif/$(domid "$1")/${2:-0}"
}

# states GUEST [DEVICE]
#
# Prints the states of frontend and backend.
states () {
    local id
    id=$(domid "$1")
    # shellcheck disable=SC2046 # Two words.
    set -- $(xenstore-read "/local/domain/$id/device/vif/${2:-0}/state" \
        "/local/domain/0/backend/vif/$id/${2:-0}/state" 2>/dev/null)
    echo "$*"
}

# is_connected GUEST [DEVICE]
is_connected () {
    test "$(states "$@")" = "4 4"
}

# vif_spec GUEST DEVICE [WORDS]
#
# Prints what xl wants to know about a vif.  Words override what is usual.
vif_spec () {
    echo "mac=$(mac "$1" "$2"),bridge=br0,script=vif-xenvif${3:+,$3}"
}

# guest_config GUEST [vcpus=N] [memory=MIB] [vif=WORDS]... [NAME=VALUE]...
#
# Prints a configuration file for xl.  A guest has one vif if none is given;
# vif=none is for a guest that has none.
guest_config () {
    local guest=$1 vcpus=1 memory=128 vifs='' device=0 word more=
    shift
    for word; do
        case $word in
        vif=none) device=1 ;;
        vif=*)
            vifs="$vifs${vifs:+, }'$(vif_spec "$guest" $device \
                                         "${word#vif=}")'"
            device=$((device + 1)) ;;
        vcpus=*) vcpus=${word#*=} ;;
        memory=*) memory=${word#*=} ;;
        *) more="$more$word
" ;;
        esac
    done
    test $device -gt 0 || vifs="'$(vif_spec "$guest" 0)'"
    cat <<CONFIG_EOF
name = '$guest'
type = 'pv'
kernel = '/guest/vmlinux'
ramdisk = '/guest/guest.img'
extra = 'console=hvc0 $guest_kernel_options guest.name=$guest guest.number=$(
    guest_number "$guest")'
memory = $memory
vcpus = $vcpus
vif = [ $vifs ]
on_crash = 'destroy'
$more
CONFIG_EOF
}

# guest_create GUEST [WORD]...
#
# Creates a guest (see guest_config) and waits until it can be used.  Fails the
# scenario if that takes too long.
guest_create () {
    local guest=$1 before
    guest_config "$@" >"/run/$guest.cfg"
    before=$(boots "$guest")
    expect xl create -q "/run/$guest.cfg"
    expect_soon 90 has_booted "$guest" "$before"
}

console_log () {
    echo "$log_dir/console/guest-$1.log"
}

# boots GUEST
#
# Prints how often a guest has reached the end of its start.
boots () {
    grep -c '^@ready' "$(console_log "$1")" 2>/dev/null || :
}

# has_booted GUEST N
#
# Has it done so more often than N times?
has_booted () {
    test "$(boots "$1")" -gt "${2:-0}"
}

# is_gone GUEST
is_gone () {
    ! domid "$1" >/dev/null
}

# Sets 'line' to its arguments without ends of lines.
one_line () {
    local end='
'
    line=$*
    while :; do
        case $line in
        *"$end"*) line="${line%%"$end"*} ${line#*"$end"}" ;;
        *) return ;;
        esac
    done
}

# guest_send GUEST COMMAND...
#
# Starts a shell command in a guest and prints a number to get its result with.
# Ends of lines are no more than blanks there.
guest_send () {
    local guest=$1 id tty line
    shift
    read -r id </proc/sys/kernel/random/uuid
    id=${id%%-*}
    tty=$(xenstore-read "/local/domain/$(domid "$guest")/console/tty")
    one_line "$*"
    echo "$id $line" >"$tty"
    echo "$id"
}

# guest_answer GUEST ID
#
# Prints the output and returns the status, or 255 if there is none yet.
guest_answer () {
    awk -v "output=@$2: " -v "end=@$2=" '
        index($0, output) == 1 { s = s substr($0, length(output) + 1) "\n" }
        index($0, end) == 1 { printf "%s", s
                              exit status = substr($0, length(end) + 1) }
        BEGIN { status = 255 }
        END { exit status }' "$(console_log "$1")"
}

# guest_result GUEST ID
#
# Waits for a result.  Prints the output and returns the status.
guest_result () {
    local end clock status pause=0.1
    read_clock
    end=$((clock + 60 * patience * 100))
    while :; do
        guest_answer "$1" "$2"
        status=$?
        test $status -eq 255 || return $status
        read_clock
        if test "$clock" -gt $end; then
            echo "guest $1 does not answer" >&2
            return 124
        fi
        sleep $pause
        longer_pause
    done
}

# guest_exec GUEST COMMAND...
#
# Runs a shell command in a guest (see guest_send).  Prints what it prints and
# returns its status.  A guest does one command after the other; something that
# takes longer can be put in the background there.
guest_exec () {
    local id
    id=$(guest_send "$@") || return
    # It takes at least that long.
    sleep 0.1
    guest_result "$1" "$id"
}

# pings FROM ADDRESS [OPTION...]
#
# Does each of a few pings get an answer?
pings () {
    local from=$1 address=$2
    shift 2
    if test "$from" = dom0; then
        ping -c 3 -i 0.2 -w $((10 * patience)) "$@" "$address"
    else
        guest_exec "$from" \
            ping -c 3 -i 0.2 -w $((10 * patience)) "$@" "$address"
    fi | tee /run/ping
    grep -q ' 3 packets received, 0% packet loss' /run/ping
}

# unreachable FROM ADDRESS
#
# Does ADDRESS not answer guest FROM for two seconds?
unreachable () {
    ! guest_exec "$1" ping -c 1 -W 2 "$2"
}

# guest_receive GUEST
#
# Has a guest receive what comes through TCP on port 5000.  Prints an id, by
# which guest_result prints the checksum of that.
guest_receive () {
    # nc ends as soon as one side does, so its input must not.
    guest_send "$1" "test -p /tmp/never || mkfifo /tmp/never;
        timeout $((60 * patience)) nc -l -p 5000 <>/tmp/never | md5sum"
}

# sends_tcp FROM TO ADDRESS [KIB]
#
# Does a random file arrive unchanged through TCP?
sends_tcp () {
    local from=$1 to=$2 address=$3 kib=${4:-1024} receiver sent received
    receiver=$(guest_receive "$to")
    guest_exec "$from" "dd if=/dev/urandom of=/tmp/file bs=1k count=$kib" || :
    sent=$(guest_exec "$from" \
        "md5sum </tmp/file;
        timeout $((60 * patience)) nc $address 5000 </tmp/file")
    received=$(guest_result "$to" "$receiver")
    note "sent $sent, received $received"
    test -n "$sent" && test "$sent" = "$received"
}

# try_iperf FROM TO ADDRESS [OPTION...]
try_iperf () {
    local from=$1 to=$2 address=$3
    shift 3
    if test "$to" = dom0; then
        iperf3 -s -1 -D >/dev/null
    else
        guest_exec "$to" "iperf3 -s -1 -D >/dev/null"
    fi || return
    guest_exec "$from" "iperf3 -f m -t 3 -c $address $*" >/run/iperf || {
        cat /run/iperf >&2
        return 1
    }
}

# iperf FROM TO ADDRESS [OPTION...]
#
# Prints how many Mbit/s arrive, at least 1 if anything does.  TO may be dom0.
# iperf3 gives up if either end does not answer for ten seconds, as may happen
# on a slow machine, so one that fails does not count.
iperf () {
    local tries=$patience
    until try_iperf "$@"; do
        tries=$((tries - 1))
        test $tries -gt 0 || return 1
        note "iperf3 once more"
    done >&2
    cat /run/iperf >&2
    awk '/receiver/ { print ($7 > 0 && $7 < 1 ? 1 : int($7)) }' /run/iperf
}

# iperf_limited MBIT FROM TO ADDRESS
#
# Fails unless something arrives, but no more than MBIT Mbit/s.
iperf_limited () {
    local limit=$1 rate
    shift
    rate=$(iperf "$@") || fail "iperf3 failed"
    note "$rate Mbit/s"
    expect test "$rate" -ge 1
    expect test "$rate" -le "$limit"
}

# start_traffic FROM TO ADDRESS [OPTION...]
#
# Starts a TCP stream of up to ten minutes and waits until something flows.  It
# leaves some of the processor to others, unless OPTION says otherwise.
start_traffic () {
    local from=$1 to=$2 address=$3
    shift 3
    expect guest_exec "$to" "iperf3 -s -1 -D >/dev/null"
    expect guest_exec "$from" "iperf3 -c $address --forceflush -f m -t 600
        --fq-rate 4M $* >/tmp/iperf 2>&1 & echo \$! >/tmp/iperf.pid"
    expect_soon 20 guest_exec "$from" "grep -q /sec /tmp/iperf"
}

# stop_traffic FROM
#
# Ends the stream.  Fails if it has ended already.  Prints its report.
stop_traffic () {
    expect guest_exec "$1" 'kill $(cat /tmp/iperf.pid)'
    expect_soon 20 guest_exec "$1" "! kill -0 \$(cat /tmp/iperf.pid)"
    guest_exec "$1" cat /tmp/iperf
}

# start_pings ADDRESS
#
# Starts to ping from dom0, ten times a second.
start_pings () {
    now >/run/pings.begin
    ping -i 0.1 "$1" >/run/pings 2>&1 &
    echo $! >/run/pings.pid
}

# lost_pings
#
# Ends the pings, when one that was sent after this call has its answer, and
# prints how many of those before got none.
lost_pings () {
    local sent
    sent=$((($(now) - $(cat /run/pings.begin)) / 10))
    wait_for 20 answered $sent >&2
    kill -INT "$(cat /run/pings.pid)"
    awk -v sent=$sent '
        /seq=/ { sub(/.*seq=/, ""); if ($1 + 0 <= sent) n++ }
        END { print sent + 1 - n }' /run/pings
}

# answered N
#
# Was a ping after the Nth one answered?
answered () {
    test "$(sed -n 's/.* seq=\([0-9]*\) .*/\1/p' /run/pings |
        tail -n 1)" -gt "$1"
}
