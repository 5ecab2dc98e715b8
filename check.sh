#!/bin/bash
# SPDX-License-Identifier: Apache-2.0

# Builds and checks everything, on a Debian machine, as root:
#
#   ./check.sh
#
# Installs the packages that are missing, builds in _build/, and runs the unit,
# component and system tests with a plain build, with one under the sanitizers,
# with DPDK and AF_XDP, and in the packages of Debian 13; those on a real Xen,
# Open vSwitch's checkpatch.py, a build with clang, an installation and "make
# distcheck".  Prints each step with its time, and in the end one line with
# what became of all tests.  The exit status is 0 if none failed.  Tests that
# passed only when they were repeated do not count as failures, but are named.

set -u
top=$(cd "$(dirname "$0")" && pwd)
build_root=$(realpath -m "${XENVIF_BUILD_ROOT:-$top/_build}")
log_dir=$build_root/log
# shellcheck source=build-aux/functions.sh
. "$top/build-aux/functions.sh"

passed=0
failed=0
skipped=0
repeated=()     # Tests that failed, and passed when they were repeated.

# run NAME COMMAND...
#
# Runs a step with its output in the file $log.  Prints its name, how it ended
# and how long it took.
run () {
    local name=$1 begin=$SECONDS status
    shift
    printf '%-42s' "$name"
    log=$log_dir/${name//[^a-z]/-}.log
    ("$@") >"$log" 2>&1 </dev/null
    status=$?
    if test $status -eq 0; then
        printf 'ok %13d s\n' $((SECONDS - begin))
    else
        printf 'FAILED %9d s\n' $((SECONDS - begin))
    fi
    return $status
}

# Prints the end of the output of the step that has just failed.
show_end () {
    tail -n 40 "$log" | sed 's/^/    /'
    echo "    (all of it: $log)"
}

# check NAME COMMAND...
#
# A step that counts as one test.
check () {
    if run "$@"; then
        passed=$((passed + 1))
    else
        show_end
        failed=$((failed + 1))
    fi
}

# need NAME COMMAND...
#
# A step without which nothing else can be done.
need () {
    run "$@" || {
        show_end
        failed=$((failed + 1))
        finish
    }
}

# try NAME COMMAND...
#
# A step without which something else can be done.
try () {
    run "$@" || {
        show_end
        failed=$((failed + 1))
        return 1
    }
}

# results PATTERN
#
# Prints the lines of the suite that has just run, for tests that ended so.
results () {
    grep -E "^ *[0-9]+: .* $1 *\$" "$log"
}

# n_repeated TEST...
#
# Prints what to add to a count of tests, if anything.
n_repeated () {
    test $# -eq 0 || echo ", $# passed when repeated"
}

# suite NAME SUITE-DIR COMMAND...
#
# A step that runs an Autotest suite with its files in SUITE-DIR.  Its results
# are counted one by one, and the reason of each skip is shown.
suite () {
    local name=$1 dir=$2 ok bad skip status again test
    shift 2
    rm -f "$dir/skip-reasons"
    run "$name" "$@"
    status=$?
    ok=$(results ok | wc -l)
    bad=$(results 'FAILED \(.*\)' | wc -l)
    skip=$(results 'skipped \(.*\)' | wc -l)
    if test $status -ne 0 && test "$bad" -eq 0; then
        # Something else than a test went wrong.
        show_end
        bad=1
    elif test $((ok + bad + skip)) -eq 0; then
        echo "    no test ran"
        bad=1
    fi
    mapfile -t again < <(sed -n 's/^passed when repeated: //p' "$log")
    echo "    $ok passed, $bad failed, $skip skipped$(
        n_repeated "${again[@]}")"
    for test in "${again[@]}"; do
        echo "    passed when repeated: $test"
        repeated+=("$name: $test")
    done
    if results 'FAILED \(.*\)'; then
        echo "    (what they left: ${dir%.dir}*.dir)"
    fi
    if results 'skipped \(.*\)'; then
        sed 's/^/    skipped: /' "$dir/skip-reasons" 2>/dev/null
    fi
    passed=$((passed + ok))
    failed=$((failed + bad))
    skipped=$((skipped + skip))
}

finish () {
    echo
    echo "took $((SECONDS / 60)) min $((SECONDS % 60)) s"
    if test ${#repeated[@]} -ne 0; then
        printf 'passed when repeated: %s\n' "${repeated[@]}"
    fi
    # The last line has this form, whatever happened, for programs that look
    # for it.
    echo "$passed passed, $failed failed, $skipped skipped"
    test $failed -eq 0
    exit
}

# The folder of the Open vSwitch source that the main build uses.
ovs_source () {
    sed -n 's/^ovs_srcdir = //p' "$build_root/main/Makefile"
}

# installs BUILD TEST...
#
# Installs BUILD into a scratch folder, which TEST gets as its last argument.
installs () {
    local build=$1 dest status
    shift
    dest=$(mktemp -d "$build_root/install.XXXXXX") || return 1
    make -C "$build_root/$build" --no-print-directory install \
        DESTDIR="$dest" && "$@" "$dest"
    status=$?
    rm -rf "$dest"
    return $status
}

# What a user gets: the daemon, and nothing of the emulated host.
has_daemon_only () {
    local xenemu
    "$1/usr/local/sbin/ovs-vswitchd" --version || return 1
    xenemu=$(find "$1" -name '*xenemu*' ! -name '*.rst')
    test -z "$xenemu" || {
        echo "installed without being asked for: $xenemu"
        return 1
    }
}

# What somebody gets who wants the emulated host, too.
has_xenemu () {
    "$1/usr/local/sbin/ovs-vswitchd" --version &&
        "$1/usr/local/bin/xenemu" --help &&
        "$1/usr/local/bin/xenemu-guest" --help &&
        test -e "$1/usr/local/lib/ovs-xenvif/libxenemu.so"
}

# Both installations.  What is the same in both builds is Open vSwitch.
check_install () {
    installs main has_daemon_only &&
        build xenemu-install --enable-Werror --enable-xenemu-install \
            --with-ovs-source="$(ovs_source)" \
            --with-ovs-build="$build_root/main/ovs-build" &&
        installs xenemu-install has_xenemu
}

# A build by clang, linked with the Open vSwitch of the main build.
build_clang () {
    build clang CC=clang --enable-Werror \
        --with-ovs-source="$(ovs_source)" \
        --with-ovs-build="$build_root/main/ovs-build" &&
        make -C "$build_root/clang" --no-print-directory -j"$n_jobs" \
            check TESTSUITEFLAGS="-j$n_jobs"
}

# build_dpdk NAME
build_dpdk () {
    build "$1" --enable-Werror \
        OVS_CONFIGURE_ARGS='--with-dpdk=shared --enable-afxdp'
}

# Prints what the daemon of build NAME consists of.
built () {
    local dir=$build_root/$1
    "${inside[@]}" "$dir/vswitchd/ovs-vswitchd" --version |
        sed -n 's/^ovs-vswitchd (\(.*\)) /    \1 /p; s/^DPDK/    &/p'
    if grep -qs '^#define HAVE_AF_XDP 1' "$dir"/ovs-build/config.h; then
        echo "    AF_XDP"
    fi
}

# suites NAME DIR [TEST-SELECTION]
#
# The steps that run both suites of the build in DIR, the system suite with a
# selection of tests.
suites () {
    local name=$1 dir=$build_root/$2
    suite "make check$name" "$dir/tests/testsuite.dir" \
        "${inside[@]}" make -C "$dir" --no-print-directory -j"$n_jobs" \
        check TESTSUITEFLAGS="-j$n_jobs"
    # Twice as many tests as CPUs, because most of them wait a lot.
    suite "make check-system$name" \
        "$dir/tests/system-xenvif-testsuite.dir" \
        "${inside[@]}" make -C "$dir" --no-print-directory check-system \
        JOBS="$((2 * n_jobs))" TESTSUITEFLAGS="${3-}"
}

distcheck () {
    make -C "$build_root/main" --no-print-directory -j"$n_jobs" distcheck \
        TESTSUITEFLAGS="-j$n_jobs"
}

test $# -eq 0 || die "takes no arguments"
test "$(id -u)" = 0 || die "must be run as root (packages, namespaces)"
mkdir -p "$log_dir"
cd "$top" || exit

need 'packages' install_packages build run check more matrix xen
check 'style of the files' "$top/build-aux/check-style"

need 'build' build main --enable-Werror
built main
suites '' main '-k !dpdk,!af_xdp'

check 'checkpatch.py' "$top/build-aux/run-checkpatch" "$(ovs_source)"
check 'build and unit tests with clang' build_clang
check 'make install' check_install

if try 'build with DPDK and AF_XDP' build_dpdk dpdk; then
    built dpdk
    suites ', DPDK' dpdk '-k userspace-ports'
fi
if try 'packages of Debian 13' root_of_suite trixie; then
    # Everything in it is Debian 13's: compiler, DPDK, Xen's tools.
    enter_root trixie
    if try 'build on Debian 13, DPDK and AF_XDP' build_dpdk trixie; then
        built trixie
        suites ', Debian 13' trixie
    fi
    inside=()
fi
if try 'build with sanitizers' build asan --enable-Werror --enable-asan \
       --with-ovs-source="$(ovs_source)"; then
    # What a guest can do to us.  "make check-asan" runs everything.
    tests='-k hostile,!bystander -k attach -k mapped -k reconnect'
    suites ', sanitizers' asan "$tests -k QoS -k profile"
fi

suite 'make check-xen' "$build_root/xen-results" \
    make -C "$build_root/main" --no-print-directory check-xen
check 'make distcheck' distcheck
finish
