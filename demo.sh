#!/bin/bash
# SPDX-License-Identifier: Apache-2.0

# Shows ovs-xenvif at work on an emulated Xen host, on a Debian machine, as
# root:
#
#   ./demo.sh                 does everything and leaves nothing behind
#   ./demo.sh --xen           does the same on a real Xen, in a virtual machine
#   ./demo.sh --keep          leaves it running to look around
#   ./demo.sh --stop FOLDER   ends what --keep left running
#
# Installs the packages that are missing, builds in _build/, and starts a Xen
# host (a real xenstored on emulated hypercalls), Open vSwitch and two guests.
# Each guest is a complete frontend whose TCP/IP stack is that of a network
# namespace.  The exit status is 0 only if all that is announced happened.
#
# With --xen the host is Xen with a Linux dom0 and two Linux guests, under QEMU
# (see tests/xen).  Everything is real there, but emulated instruction by
# instruction.
#
# All files are in one scratch folder; the switch and the guests have network
# namespaces of their own, so that nothing meets the machine's network.

set -eEu -o pipefail
top=$(cd "$(dirname "$0")" && pwd)
build_root=${XENVIF_BUILD_ROOT:-$top/_build}
build_dir=$build_root/main
# shellcheck source=build-aux/functions.sh
. "$top/build-aux/functions.sh"

keep=false
dir=            # Scratch folder, once there is one.

## ------------------------- ##
## Processes and cleaning up ##
## ------------------------- ##

# started PID
#
# Prints when a process started, or nothing if there is no such process: with
# its number, that names it for ever.
started () {
    sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | cut -d' ' -f20
}

# start NAME COMMAND...
#
# Starts a process of the demonstration in the background, with a log file.
start () {
    local name=$1
    shift
    setsid "$@" >"$dir/log/$name.log" 2>&1 </dev/null &
    echo "$! $(started $!) $name" >>"$dir/processes"
}

# alive PID START
alive () {
    test "$(started "$1")" = "$2"
}

# Ends the processes that "start" started, the last one first.
stop_processes () {
    local pid start name signal i
    test -e "$dir/processes" || return 0
    tac "$dir/processes" | while read -r pid start name; do
        for signal in TERM KILL; do
            alive "$pid" "$start" || break
            kill -$signal "$pid" 2>/dev/null || break
            for ((i = 0; i < 50; i++)); do
                alive "$pid" "$start" || break
                sleep 0.1
            done
        done
    done
}

# Removes all that the demonstration in folder $dir consists of.
clean_up () {
    local ns
    stop_processes
    if test -d "$dir/xen"; then
        "$dir/bin/xenemu" host-stop "$dir/xen" >/dev/null 2>&1 || :
    fi
    if test -e "$dir/namespaces"; then
        while read -r ns; do
            ip netns del "$ns" 2>/dev/null || :
        done <"$dir/namespaces"
    fi
    rm -rf "$dir"
}

leave () {
    local status=$?
    trap - EXIT ERR
    trap '' INT TERM HUP
    if test -n "$dir"; then
        # After a signal there is nothing to find out.
        if test $status -ne 0 && test $status -lt 128; then
            for log in "$dir"/log/*.log; do
                echo "--- end of ${log##*/}:"
                tail -n 15 "$log"
            done >&2
        fi
        if $keep && test $status -eq 0; then
            explain_keep
        else
            clean_up
        fi
    fi
    if test $status -ne 0; then
        echo "demo.sh: failed" >&2
    fi
    exit $status
}

## ------------------- ##
## Telling and waiting ##
## ------------------- ##

# step TEXT...
step () {
    printf '\n=== %s  (%d s)\n' "$*" $SECONDS
}

# show COMMAND...
#
# Prints a command as a user would type it, then runs it.
show () {
    echo "\$ $*"
    "$@"
}

# wait_for SECONDS WHAT COMMAND...
wait_for () {
    local end=$((SECONDS + $1)) what=$2
    shift 2
    until "$@" >/dev/null 2>&1; do
        test $SECONDS -lt $end || die "gave up waiting for $what"
        sleep 0.1
    done
}

## ----------------- ##
## The demonstration ##
## ----------------- ##

build_all () {
    mkdir -p "$build_root/log"
    local log=$build_root/log/demo-build.log
    echo "output in $log"
    # A build that is there is used however it was configured.
    {
        if test -e "$build_dir/Makefile"; then
            make -C "$build_dir" -j"$n_jobs"
        else
            build main
        fi
    } >"$log" 2>&1 || {
        tail -n 30 "$log" >&2
        die "cannot build"
    }
}

make_scratch () {
    local base=${TMPDIR:-/dev/shm} ns
    dir=$(mktemp -d "$base/xenvif-demo.XXXXXX")
    id=xenvif-${dir##*.}
    mkdir "$dir/bin" "$dir/log" "$dir/ovs" "$dir/xen"
    local ovs_builddir
    ovs_builddir=$(sed -n 's/^ovs_builddir = //p' "$build_dir/Makefile")
    ovs_srcdir=$(sed -n 's/^ovs_srcdir = //p' "$build_dir/Makefile")
    ln -s "$ovs_builddir"/utilities/ovs-{vsctl,appctl,ofctl,dpctl} \
        "$ovs_builddir"/ovsdb/ovsdb-{server,tool,client} \
        "$build_dir/tests/ovs-vswitchd" \
        "$build_dir"/xenemu/{xenemu,xenemu-guest} "$dir/bin"
    cat >"$dir/env" <<ENV_EOF
export PATH="$dir/bin:\$PATH"
export OVS_RUNDIR="$dir/ovs" OVS_LOGDIR="$dir/log" OVS_DBDIR="$dir/ovs"
export OVS_SYSCONFDIR="$dir/ovs"
ENV_EOF
    # shellcheck source=/dev/null
    . "$dir/env"
    for ns in host g1 g2; do
        ip netns add "$id-$ns"
        echo "$id-$ns" >>"$dir/namespaces"
        ip netns exec "$id-$ns" ip link set dev lo up
    done
}

start_host () {
    show xenemu host-start "$dir/xen"
    # The emulation library is for the daemon only (see tests/ovs-vswitchd);
    # everything else speaks with the host through files and sockets.
    xenemu env "$dir/xen" | sed 's/LD_PRELOAD=/XENEMU_PRELOAD=/' >>"$dir/env"
    # shellcheck source=/dev/null
    . "$dir/env"
}

start_switch () {
    ovsdb-tool create "$dir/ovs/conf.db" \
        "$ovs_srcdir/vswitchd/vswitch.ovsschema"
    start ovsdb-server ovsdb-server "$dir/ovs/conf.db" \
        --remote=punix:"$dir/ovs/db.sock" --pidfile -vsyslog:off
    wait_for 10 ovsdb-server test -S "$dir/ovs/db.sock"
    ovs-vsctl --no-wait init
    start ovs-vswitchd ip netns exec "$id-host" ovs-vswitchd \
        --pidfile --disable-system -vsyslog:off
    wait_for 20 ovs-vswitchd ovs-appctl version
    show ovs-appctl version
    show ovs-vsctl add-br br0 -- set Bridge br0 datapath_type=netdev
}

# start_guest N
#
# Adds the port of domain N, creates the domain and runs its frontend.  The
# port comes first because a toolstack waits for the backend.
start_guest () {
    local n=$1
    local port=vif$n.0
    show ovs-vsctl add-port br0 "$port" \
        -- set Interface "$port" type=xenvif
    show xenemu create --name="guest$n" --domid="$n" --vif=bridge=br0
    start "guest$n" ip netns exec "$id-g$n" \
        xenemu-guest --domid "$n" --devid 0 --tap eth0
    wait_for 10 "the guest's network device" \
        ip -n "$id-g$n" link show dev eth0
    ip -n "$id-g$n" addr add "10.99.0.$n/24" dev eth0
    ip -n "$id-g$n" link set dev eth0 up
    wait_for 20 "$port to connect" is_up "$port"
    echo "$port is up: guest $n has address 10.99.0.$n"
}

# is_up PORT
is_up () {
    test "$(ovs-vsctl get Interface "$1" link_state)" = up
}

run_iperf () {
    start iperf3 ip netns exec "$id-g2" iperf3 -s -1 -p 5201
    wait_for 10 "iperf3's server" listens 2 5201
    show ip netns exec "$id-g1" iperf3 -c 10.99.0.2 -p 5201 -t 3 -f m |
        tee "$dir/iperf"
    awk '/receiver/ && $7 > 0 { ok = 1 } END { exit !ok }' "$dir/iperf" ||
        die "iperf3 moved nothing"
    echo "(emulated grants: this says nothing about the rate on Xen)"
}

# listens N PORT
listens () {
    ip netns exec "$id-g$1" ss -Hltn "sport = :$2" | grep -q LISTEN
}

# connects PORT
#
# Can guest 1 open a TCP connection to guest 2?
connects () {
    ip netns exec "$id-g1" python3 "$top/tests/tcp-peer.py" try 10.99.0.2 "$1"
}

# dropped PORT
#
# Prints how many packets the rule for PORT has dropped.
dropped () {
    ovs-ofctl dump-flows br0 "tcp,tp_dst=$1" |
        sed -n 's/.*n_packets=\([0-9]*\),.*actions=drop.*/\1/p'
}

has_dropped () {
    test "$(dropped "$1")" -gt 0
}

run_drop_rule () {
    local port
    for port in 25 80; do
        start "listen-$port" ip netns exec "$id-g2" \
            python3 "$top/tests/tcp-peer.py" listen "$port"
        wait_for 10 "a server on port $port" listens 2 "$port"
        connects "$port" || die "no connection to port $port to begin with"
        echo "guest 1 can connect to port $port of guest 2"
    done
    show ovs-ofctl add-flow br0 \
        "priority=100,in_port=vif1.0,tcp,tp_dst=25,actions=drop"
    ovs-appctl revalidator/wait
    if connects 25; then
        die "port 25 answers in spite of the rule"
    fi
    connects 80 || die "the rule for port 25 has closed port 80"
    echo "port 25 is closed now, port 80 still open"
    wait_for 10 "the rule to count" has_dropped 25
    show ovs-ofctl dump-flows br0
    echo "the rule dropped $(dropped 25) packets"
}

# has_packets PORT
has_packets () {
    test "$(ovs-vsctl --if-exists get Interface "$1" \
                statistics:rx_packets)" -gt 0
}

show_state () {
    local n port
    show ovs-appctl xenvif/show
    show ovs-appctl dpif-netdev/pmd-rxq-show
    for n in 1 2; do
        port=vif$n.0
        # Open vSwitch writes statistics into its database every 5 seconds.
        wait_for 15 "statistics of $port" has_packets "$port"
        show ovs-vsctl --columns=name,type,link_state,status \
            list Interface "$port"
        echo "statistics of $port that are not 0:"
        ovs-vsctl get Interface "$port" statistics | tr -s '{}, ' '\n' |
            sed '/^$/d; /=0$/d' | paste -sd' ' | fold -s -w 74 |
            sed 's/^/    /; s/ $//'
        test "$(ovs-vsctl get Interface "$port" status:domid | tr -d '"')" \
            = "$n" || die "$port does not know its domain"
    done
}

explain_keep () {
    cat <<KEEP_EOF

All of this goes on running.  To look around in a shell:

    . $dir/env
    ovs-vsctl show
    ovs-appctl xenvif/show
    ip netns exec $id-g1 ping 10.99.0.2
    xenstore-ls -f /local/domain

Logs are in $dir/log.  To stop and remove it:

    $top/demo.sh --stop $dir
KEEP_EOF
}

stop_kept () {
    dir=${1%/}
    if test ! -e "$dir/processes" || test ! -e "$dir/env"; then
        die "'$dir' is no folder of a demonstration"
    fi
    # shellcheck source=/dev/null
    . "$dir/env"
    clean_up
    echo "stopped and removed $dir"
}

usage () {
    sed -n 's/^#   \(\.\/demo.sh\)/\1/p' "$0"
}

case ${1-} in
'') ;;
--keep) keep=true ;;
--xen)
    test "$(id -u)" = 0 || die "must be run as root (packages)"
    step 'packages'
    install_packages build run xen
    step 'build'
    build_all
    step 'Xen, dom0 and guests, under QEMU'
    XENVIF_BUILDDIR=$build_dir exec "$top/tests/xen/run" \
        "$top/tests/xen/demo.sh" ;;
--stop)
    test $# -eq 2 || die "--stop needs the folder that --keep named"
    stop_kept "$2"
    exit ;;
-h | --help)
    usage
    exit ;;
*)
    usage >&2
    exit 1 ;;
esac
test "$(id -u)" = 0 || die "must be run as root (packages, namespaces)"

trap leave EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM
trap 'echo "demo.sh: line $LINENO: \"$BASH_COMMAND\" failed" >&2' ERR

step 'packages'
install_packages build run
step 'build'
build_all
step 'Xen host (emulated), with the real xenstored'
make_scratch
start_host
step 'Open vSwitch'
start_switch
step 'guests'
start_guest 1
start_guest 2
step 'ping'
show ip netns exec "$id-g1" ping -c 5 -i 0.2 -w 5 10.99.0.2
step 'iperf3'
run_iperf
step 'a rule that drops one TCP port'
run_drop_rule
step 'what Open vSwitch knows'
show_state
step 'everything happened as announced'
