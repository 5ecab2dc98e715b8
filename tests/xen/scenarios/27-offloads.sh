# -*- shell-script -*-
#
# SPDX-License-Identifier: Apache-2.0

# Offloads: what guests leave to the switch is done before a frame leaves the
# host, whatever they turn on and off.
#
# Lasts about 140 s.

bridge br0

# What is outside: a network namespace behind a pair of devices.  The end here
# is a port of br0 that can do nothing itself, so that its peer gets frames as
# a wire has them.
wire () {
    expect ip netns add outside
    expect ip link add wire0 type veth peer name wire1 netns outside
    expect ethtool -K wire0 tx off tso off gso off gro off
    expect ip link set dev wire0 up
    ip -n outside addr add 10.77.0.200/24 dev wire1
    ip -n outside addr add fd77:0::c8/64 nodad dev wire1
    ip -n outside link set dev wire1 up
    expect ip netns exec outside ethtool -K wire1 tx off tso off gro off
    expect ovs-vsctl add-port br0 wire0
}

# offload GUEST FEATURE
#
# Prints whether a guest has it on or off.
offload () {
    guest_exec "$1" ethtool -k eth0 |
        awk -v "name=$2:" '$1 == name { print $2 }'
}

# queue_counter GUEST NAME
#
# Prints the sum of a counter over queue 0 of a port, of both directions.
queue_counter () {
    ovs-appctl xenvif/show "$(port "$1")" |
        tr ' ' '\n' | awk -F= -v "name=$2" '
            $1 == name { n += $2 }
            END { print n + 0 }'
}

# Starts to write down what arrives outside.
start_capture () {
    ip netns exec outside tcpdump -Z root -l -n -vv -i wire1 \
        'ip proto 6 or ip6 proto 6 or udp' \
        >/run/capture 2>/run/capture.err &
    capture=$!
    expect_soon 10 grep -q 'listening on' /run/capture.err
}

# capture_is_good
#
# Were there frames from guests in the capture, and were all of their checksums
# right and none of them larger than the MTU?  (tcpdump calls it incorrect, or
# bad for UDP.)
capture_is_good () {
    sleep 1
    kill "$capture"
    wait "$capture" || :
    note "$(grep -c '(correct)' /run/capture) right," \
        "$(grep -c -e '(incorrect' -e 'bad udp' /run/capture) wrong"
    expect grep -q '(correct)' /run/capture
    expect grep -q 'udp sum ok' /run/capture
    expect_not grep -e '(incorrect' -e 'bad udp' /run/capture
    expect_not grep -E 'length ([2-9][0-9]{3}|[0-9]{5,})\)' /run/capture
}

# sends_datagrams GUEST
#
# Do some arrive there?  That iperf3, which sends them, loses its patience with
# a slow machine does not matter.
sends_datagrams () {
    local tries
    for tries in $(seq "$patience"); do
        ip netns exec outside iperf3 -s -1 -D
        guest_exec "$1" 'iperf3 -u -b 200k -l 1000 -t 1 -c 10.77.0.200'
        if wait_for 2 grep -q 'udp sum ok' /run/capture; then
            return 0
        fi
    done
    return 1
}

# to_outside GUEST
#
# Does what a guest sends arrive there, through TCP and UDP, v4 and v6?
to_outside () {
    local address sum capture
    start_capture
    expect guest_exec "$1" 'test -e /tmp/file ||
        dd if=/dev/urandom of=/tmp/file bs=1k count=256'
    sum=$(guest_exec "$1" 'md5sum </tmp/file')
    for address in 10.77.0.200 fd77:0::c8; do
        test -p /run/never || mkfifo /run/never
        ip netns exec outside nc -l -p 5000 <>/run/never >/run/received &
        sleep 0.5
        expect guest_exec "$1" \
            "timeout $((60 * patience)) nc $address 5000 </tmp/file"
        wait $! || :
        expect_equal "file through $address" "$(md5sum </run/received)" "$sum"
    done
    expect sends_datagrams "$1"
    capture_is_good
}

# from_outside GUEST
from_outside () {
    local address receiver sum
    head -c 262144 /share/bin/ovs-dpctl >/run/file
    sum=$(md5sum </run/file)
    for address in "$(address "$1")" "$(address6 "$1")"; do
        receiver=$(guest_receive "$1")
        sleep 1
        ip netns exec outside timeout $((60 * patience)) \
            nc "$address" 5000 </run/file
        expect_equal "file to $address" "$(guest_result "$1" "$receiver")" \
            "$sum"
    done
}

# with OFFLOADS...
#
# Sends files everywhere while the offloads of g1 are set like this.
with () {
    expect guest_exec g1 "ethtool -K eth0 $*"
    expect sends_tcp g1 g2 "$(address g2)" 256
    expect sends_tcp g1 g2 "$(address6 g2)" 256
    expect sends_tcp g2 g1 "$(address g1)" 256
    to_outside g1
}

two_guests () {
    wire
    guest_create g1
    guest_create g2
}

# Between guests nobody computes a checksum.
nobody_computes () {
    expect sends_tcp g1 g2 "$(address g2)" 256
    ovs-appctl xenvif/show
    expect_equal 'checksums computed' \
        "$(($(queue_counter g1 csum_completed)
            + $(queue_counter g2 csum_completed)))" 0
    expect test "$(queue_counter g1 csum_partial)" -gt 0
}

# The daemon reads the setting once.  clean_up undoes it.
enable_tso () {
    expect xl destroy g1
    expect xl destroy g2
    expect ovs-vsctl set Open_vSwitch . \
        other_config:userspace-tso-enable=true
    expect kill_vswitchd TERM
    expect start_vswitchd
    expect_soon 10 shows 'XenStore: connected'
    guest_create g1
    guest_create g2
    expect shows '^  features:.* gso-tcpv4 gso-tcpv6' "$(port g1)"
    expect_equal 'TSO of g1' "$(offload g1 tcp-segmentation-offload)" on
    expect_equal 'checksums by g1' "$(offload g1 tx-checksum-ipv4)" on
}

# Are frames that g1 sends to g2 much longer than its MTU?
segments_are_joined () {
    local before
    before=$(queue_counter g1 gso_packets)
    expect iperf g1 g2 "$(address g2)" -t 1
    expect test "$(queue_counter g1 gso_packets)" -gt "$before"
}

# The switch is restarted without it while guests have it.
disable_tso () {
    expect ovs-vsctl remove Open_vSwitch . other_config userspace-tso-enable
    expect kill_vswitchd KILL
    expect start_vswitchd
    expect_soon 20 shows 'status: up' "$(port g1)"
    expect_soon 20 shows 'status: up' "$(port g2)"
    expect is_connected g1
    expect guest_exec g1 "ethtool -K eth0 tx on tso on"
    expect sends_tcp g1 g2 "$(address g2)" 256
    to_outside g1
    expect_equal 'TSO of g1' "$(offload g1 tcp-segmentation-offload)" on
    expect test "$(queue_counter g1 gso_segmented)" -gt 0
}

remove_wire () {
    expect ovs-vsctl del-port br0 wire0
    expect ip link del dev wire0
    expect ip netns del outside
}

need 'two guests, and a wire' two_guests
check 'to the wire' to_outside g1
check 'from the wire' from_outside g1
need 'guests with segmentation offload' enable_tso
check 'no checksum is computed between guests' nobody_computes
check 'frames between guests are longer than the MTU' segments_are_joined
check 'to the wire, with it' with tx on tso on
check 'from the wire, with it' from_outside g1
check 'checksum offload only' with tx on tso off
check 'no offload at all' with tx off tso off
check 'taken back while guests have it' disable_tso
check 'the wire goes' remove_wire
