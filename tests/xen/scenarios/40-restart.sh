# -*- shell-script -*-
#
# SPDX-License-Identifier: Apache-2.0

# ovs-vswitchd dies and comes back while guests run.
#
# Lasts about 230 s.

bridge br0

# Prints how many bytes guest g2 has received.
received () {
    guest_exec g2 cat /sys/class/net/eth0/statistics/rx_bytes
}

# Starts to note in guest g2 when bytes arrive.
start_watch () {
    expect guest_exec g2 'while :; do
        read -r up rest </proc/uptime;
        read -r bytes </sys/class/net/eth0/statistics/rx_bytes;
        echo $up $bytes;
        sleep 0.1; done >/tmp/watch & echo $! >/tmp/watch.pid'
}

# Ends that and prints the longest time without a change, in milliseconds.
longest_gap () {
    guest_exec g2 'kill $(cat /tmp/watch.pid)'
    guest_exec g2 cat /tmp/watch | awk '
        $2 != last { last = $2; since = $1 }
        $1 - since > gap { gap = $1 - since }
        END { printf "%d\n", gap * 1000 }'
}

# still_connected GUEST
#
# Has the backend never left Connected for this process to see, and did the
# process just take the rings over?
still_connected () {
    expect is_connected "$1"
    expect_soon 10 shows 'status: up' "$(port "$1")"
}

# has_queues GUEST NUMBER
has_queues () {
    test "$(interface "$(port "$1")" status:queues)" = "$2"
}

# restart_under_load SIGNAL OPTION...
#
# OPTION is for iperf3 (-R: the stream goes the other way).
restart_under_load () {
    local signal=$1 begin down started before
    shift
    start_traffic g1 g2 "$(address g2)" "$@"
    start_watch
    sleep 1
    begin=$(now)
    expect kill_vswitchd "$signal"
    expect is_connected g1
    expect is_connected g2
    down=$((($(now) - begin) * 10))
    begin=$(now)
    expect start_vswitchd
    started=$((($(now) - begin) * 10))
    before=$(received)
    expect_soon 60 eval "test \$(received) -gt $((before + 20000))"
    tell "no traffic for $(longest_gap) ms, $down of them until the start," \
        "which took $started"
    stop_traffic g1
    still_connected g1
    still_connected g2
    # The database hears of it later.
    expect_soon 20 has_queues g2 2
}

many_kills () {
    local i before
    start_traffic g1 g2 "$(address g2)" -P 4 --fq-rate 1M
    for i in $(seq "$restart_kills"); do
        expect kill_vswitchd KILL
        expect start_vswitchd
        before=$(received)
        expect_soon 60 eval "test \$(received) -gt $((before + 20000))"
        expect is_connected g1
        expect is_connected g2
    done
    stop_traffic g1
    expect pings dom0 "$(address g1)"
    expect pings g2 "$(address g1)"
}

# The port goes and comes back, the guest notices only that nothing arrives.
port_deleted () {
    local port before
    port=$(port g1)
    start_traffic g1 g2 "$(address g2)"
    expect ovs-vsctl del-port "$port"
    expect is_connected g1
    expect ovs-vsctl add-port br0 "$port" \
        -- set Interface "$port" type=xenvif
    before=$(received)
    expect_soon 60 eval "test \$(received) -gt $((before + 20000))"
    stop_traffic g1
    still_connected g1
    expect pings g2 "$(address g1)"
}

# Kernel messages and errors since the start.
no_trace_in_guests () {
    local guest
    for guest in g1 g2; do
        guest_exec $guest 'dmesg >/tmp/dmesg.new;
            diff /tmp/dmesg /tmp/dmesg.new'
        expect_not guest_exec $guest 'diff /tmp/dmesg /tmp/dmesg.new |
            grep ^+ | grep -e xen_netfront -e eth0: -e vif -e xenbus'
        expect_equal "transmit errors of $guest" "$(guest_exec $guest \
            cat /sys/class/net/eth0/statistics/tx_errors)" 0
    done
}

# One of them has two queues, the other one has one.
two_guests () {
    guest_create g1
    guest_create g2 vcpus=2
    expect_equal 'queues of g1' "$(interface "$(port g1)" status:queues)" 1
    expect_equal 'queues of g2' "$(interface "$(port g2)" status:queues)" 2
}

need 'two guests' two_guests
guest_exec g1 'dmesg >/tmp/dmesg'
guest_exec g2 'dmesg >/tmp/dmesg'
check 'kill -9 under iperf3' restart_under_load KILL
check 'kill -9 under iperf3 the other way' restart_under_load KILL -R
check 'kill -9 under iperf3 with eight streams' \
    restart_under_load KILL -P 8 --fq-rate 1M
check 'SIGTERM under iperf3' restart_under_load TERM
check "kill -9, $restart_kills times in a row" many_kills
check 'del-port and add-port under iperf3' port_deleted
check 'nothing about it in the guests' no_trace_in_guests
