# -*- shell-script -*-
#
# SPDX-License-Identifier: Apache-2.0

# What the switch does with packets of guests.
#
# Lasts about 110 s.

bridge br0

# ofport GUEST
#
# Prints the OpenFlow number of the port of a guest.
ofport () {
    ovs-vsctl get Interface "$(port "$1")" ofport
}

# Replaces all flows of br0 by those in standard input, and waits until that
# has an effect on packets.
flows () {
    ovs-ofctl -O OpenFlow13 replace-flows br0 - ||
        fail "flows are refused"
    expect ovs-appctl revalidator/wait
}

# Ends a case: the bridge just forwards again.
no_flows () {
    echo 'actions=NORMAL' | flows
}

# flow_counts FIELDS
#
# Prints how many packets a flow has seen.
flow_counts () {
    ovs-ofctl dump-flows br0 "$1" |
        sed -n 's/.*n_packets=\([0-9]*\).*/\1/p'
}

# Datagrams with 0 to 1472 bytes of data, then such that do not fit in one
# frame.
all_sizes () {
    expect guest_exec g1 "for size in \$(seq 0 31 1472) 1471 1472; do
        ping -c 1 -w $((5 * patience)) -s \$size $(address g2) >/dev/null ||
            { echo size \$size; exit 1; }; done"
    expect pings g1 "$(address g2)" -s 8000
    expect pings g1 "$(address g2)" -s 60000
    expect pings dom0 "$(address g2)" -s 8000
}

# udp_errors GUEST
#
# Prints how many UDP datagrams a guest could not take.
udp_errors () {
    guest_exec "$1" "awk '\$1 == \"Udp:\" && \$2 ~ /^[0-9]/ { print \$4 }' \
        /proc/net/snmp"
}

# Prints how many datagrams iperf3 lost, and how many there were.
udp_lost () {
    sed -n 's,.* \([0-9]*\)/\([0-9]*\) (.*receiver.*,\1 \2,p' /run/iperf
}

# udp_arrives LENGTH
#
# Do all UDP datagrams that g1 sends arrive in g2?  That one finds a socket
# full there is not the switch's business.
udp_arrives () {
    local errors
    errors=$(udp_errors g2)
    iperf g1 g2 "$(address g2)" -u -b 1M -l "$1" -t 1 >/dev/null || return
    errors=$(($(udp_errors g2) - errors))
    # shellcheck disable=SC2046 # Two words.
    set -- $(udp_lost)
    note "$1 of $2 datagrams lost, $errors of them in the guest"
    test "$2" -gt 10 && test "$1" -le $errors
}

udp () {
    local length
    for length in 17 1448 8000; do
        expect udp_arrives $length
    done
}

broadcast () {
    expect guest_exec g2 'sysctl -w net.ipv4.icmp_echo_ignore_broadcasts=0'
    expect guest_exec g1 "ping -c 2 -w $((5 * patience)) 10.77.0.255 |
        grep 'from $(address g2)'"
}

# Both guests tag; then the switch does it for one of them.
vlan () {
    local guest
    for guest in g1 g2; do
        expect guest_exec $guest "modprobe 8021q;
            ip link add link eth0 name vlan5 type vlan id 5 &&
            ip addr add 10.79.0.$(guest_number $guest)/24 dev vlan5 &&
            ip link set dev vlan5 up"
    done
    expect pings g1 10.79.0.2
    expect sends_tcp g1 g2 10.79.0.2 256
    expect guest_exec g2 'ip link del dev vlan5;
        ip addr add 10.79.0.2/24 dev eth0'
    expect ovs-vsctl set Port "$(port g2)" tag=5
    expect pings g1 10.79.0.2
    expect sends_tcp g2 g1 10.79.0.1 256
    expect unreachable g1 "$(address g2)"
    expect ovs-vsctl clear Port "$(port g2)" tag
    expect guest_exec g1 'ip link del dev vlan5'
    expect guest_exec g2 'ip addr del 10.79.0.2/24 dev eth0'
}

drop () {
    flows <<FLOWS
priority=10,icmp,in_port=$(ofport g1),actions=drop
priority=0,actions=NORMAL
FLOWS
    expect unreachable g1 "$(address g2)"
    expect_soon 10 eval 'test "$(flow_counts icmp)" = 1'
    expect sends_tcp g1 g2 "$(address g2)" 256
    no_flows
}

# g2 has another address for g1.  What guests leave for hardware to sum up is
# right only if the switch takes notice of that.
rewrite () {
    local two g1
    two=$(ofport g2)
    g1=$(address g1)
    expect guest_exec g1 \
        "ip neigh replace 10.77.0.99 lladdr $(mac g2) dev eth0"
    flows <<FLOWS
priority=10,ip,nw_dst=10.77.0.99,actions=mod_nw_dst:$(address g2),NORMAL
priority=10,ip,in_port=$two,nw_dst=$g1,actions=mod_nw_src:10.77.0.99,NORMAL
priority=0,actions=NORMAL
FLOWS
    expect pings g1 10.77.0.99
    expect sends_tcp g1 g2 10.77.0.99 256
    no_flows
}

# The switch tags what one guest sends; the other one sees the tag.
push_and_pop () {
    local one two
    one=$(ofport g1) two=$(ofport g2)
    expect guest_exec g2 'modprobe 8021q;
        ip link add link eth0 name vlan7 type vlan id 7 &&
        ip addr add 10.80.0.2/24 dev vlan7 && ip link set dev vlan7 up'
    expect guest_exec g1 'ip addr add 10.80.0.1/24 dev eth0'
    flows <<FLOWS
in_port=$one,actions=push_vlan:0x8100,mod_vlan_vid:7,output:$two
in_port=$two,dl_vlan=7,actions=pop_vlan,output:$one
FLOWS
    expect pings g1 10.80.0.2
    expect sends_tcp g1 g2 10.80.0.2 256
    expect sends_tcp g2 g1 10.80.0.1 256
    expect guest_exec g2 'ip link del dev vlan7'
    expect guest_exec g1 'ip addr del 10.80.0.1/24 dev eth0'
    no_flows
}

mirror () {
    local seen
    expect ovs-vsctl add-port br0 mirror0 \
        -- set Interface mirror0 type=internal \
        -- --id=@out get Port mirror0 -- --id=@in get Port "$(port g1)" \
        -- --id=@m create Mirror name=m select_src_port=@in \
               select_dst_port=@in output_port=@out \
        -- set Bridge br0 mirrors=@m
    expect ip link set dev mirror0 up
    seen=$(cat /sys/class/net/mirror0/statistics/rx_packets)
    expect pings g1 "$(address g2)"
    seen=$(($(cat /sys/class/net/mirror0/statistics/rx_packets) - seen))
    note "$seen mirrored packets of three pings"
    expect test $seen -ge 6
    expect test $seen -le 12
    expect ovs-vsctl clear Bridge br0 mirrors -- del-port mirror0
}

# Did iperf3 lose more than half of the datagrams, but not all?
most_are_lost () {
    # shellcheck disable=SC2046 # Two words.
    set -- $(udp_lost)
    note "$1 of $2 datagrams lost"
    expect test "$1" -gt $(($2 / 2))
    expect test "$1" -lt "$2"
}

# Most of what g1 sends is more than the meter allows.
meter () {
    expect ovs-ofctl -O OpenFlow13 add-meter br0 \
        meter=1,kbps,burst,band=type=drop,rate=400,burst_size=50
    flows <<FLOWS
priority=10,udp,in_port=$(ofport g1),actions=meter:1,NORMAL
priority=0,actions=NORMAL
FLOWS
    expect iperf g1 g2 "$(address g2)" -u -b 3M -l 1000
    ovs-ofctl -O OpenFlow13 meter-stats br0
    most_are_lost
    no_flows
    expect ovs-ofctl -O OpenFlow13 del-meters br0
}

# The same without a flow: what g1 may send is limited at its port.
policing () {
    local port
    port=$(port g1)
    expect ovs-vsctl set Interface "$port" \
        ingress_policing_rate=500 ingress_policing_burst=100
    expect iperf g1 g2 "$(address g2)" -u -b 3M -l 1000
    most_are_lost
    expect ovs-vsctl set Interface "$port" \
        ingress_policing_rate=0 ingress_policing_burst=0
}

# What goes to g2 waits in a queue.
shaping () {
    local port
    port=$(port g2)
    expect ovs-vsctl set Port "$port" qos=@qos \
        -- --id=@qos create QoS type=linux-htb other_config:max-rate=3000000
    iperf_limited 3 g1 g2 "$(address g2)"
    ovs-appctl qos/show "$port"
    expect ovs-vsctl clear Port "$port" qos -- --all destroy QoS
}

# g1 appears as 10.77.0.200, and only it may begin a connection.
connection_tracking () {
    local one two
    one=$(ofport g1) two=$(ofport g2)
    expect guest_exec g2 \
        "ip neigh replace 10.77.0.200 lladdr $(mac g1) dev eth0"
    flows <<FLOWS
ip,in_port=$one,actions=ct(commit,zone=1,nat(src=10.77.0.200)),output:$two
ip,in_port=$two,actions=ct(zone=1,nat,table=1)
table=1,ct_state=+trk+est,actions=output:$one
table=1,priority=0,actions=drop
priority=0,actions=NORMAL
FLOWS
    expect pings g1 "$(address g2)"
    expect sends_tcp g1 g2 "$(address g2)" 256
    ovs-appctl dpctl/dump-conntrack
    expect eval 'ovs-appctl dpctl/dump-conntrack |
        grep "dst=10.77.0.200" | grep tcp'
    expect unreachable g2 "$(address g1)"
    no_flows
}

# g1 goes to a bridge that has a tunnel to g2, where Linux has the other end.
tunnel () {
    local port
    port=$(port g1)
    expect ovs-vsctl add-br br1 -- set Bridge br1 datapath_type=netdev \
        -- del-port br0 "$port" -- add-port br1 "$port" \
        -- set Interface "$port" type=xenvif \
        -- add-port br1 tunnel0 -- set Interface tunnel0 type=vxlan \
           options:remote_ip="$(address g2)" options:key=7
    expect guest_exec g2 'modprobe vxlan;
        ip link add vxlan7 type vxlan id 7 remote 10.77.0.254 dstport 4789
            dev eth0 &&
        ip addr add 10.81.0.2/24 dev vxlan7 && ip link set dev vxlan7 up'
    expect guest_exec g1 'ip addr add 10.81.0.1/24 dev eth0'
    expect_soon 20 is_connected g1
    expect_soon 10 pings g1 10.81.0.2
    expect sends_tcp g1 g2 10.81.0.2 256
    expect sends_tcp g2 g1 10.81.0.1 256
    expect ovs-vsctl del-br br1 \
        -- add-port br0 "$port" -- set Interface "$port" type=xenvif
    expect guest_exec g2 'ip link del dev vxlan7'
    expect guest_exec g1 'ip addr del 10.81.0.1/24 dev eth0'
    expect_soon 10 pings g1 "$(address g2)"
}

# counters GUEST
#
# Prints packets and bytes from a guest, then to it, as the switch has them.
counters () {
    ovs-ofctl dump-ports br0 "$(ofport "$1")" |
        sed -n 's/.*[rt]x pkts=\([0-9]*\), bytes=\([0-9]*\),.*/\1 \2/p' |
        tr '\n' ' '
}

# guest_counters GUEST
#
# Prints the same as the guest has them.
guest_counters () {
    guest_exec "$1" 'cd /sys/class/net/eth0/statistics;
        echo $(cat tx_packets tx_bytes rx_packets rx_bytes)'
}

# difference BEFORE AFTER
difference () {
    echo "$1 $2" | awk '{ for (i = 1; i <= 4; i++) printf "%d ", $(i + 4) - $i
                          print "" }'
}

# Linux counts a received packet without its Ethernet header.
counters_agree () {
    local switch_before guest_before switch guest
    switch_before=$(counters g1)
    guest_before=$(guest_counters g1)
    pings g1 "$(address g2)" -s 1000 || return
    switch=$(difference "$switch_before" "$(counters g1)")
    guest=$(difference "$guest_before" "$(guest_counters g1)")
    note "packets and bytes from, to the guest: switch $switch, guest $guest"
    set -- $switch $guest
    test "$1" -ge 3 && test "$*" = "$1 $2 $3 $4 $1 $2 $3 $(($4 - 14 * $3))"
}

# Something else may be sent at the same time, but not every time.
statistics () {
    expect_soon 20 counters_agree
}

need 'two guests' eval 'guest_create g1 && guest_create g2'
check 'datagrams of all sizes, fragments' all_sizes
check 'UDP' udp
check 'broadcast' broadcast
check 'VLANs of guests, of ports' vlan
check 'flow that drops' drop
check 'flow that rewrites addresses' rewrite
check 'flows that push and pop a VLAN' push_and_pop
check 'mirror' mirror
check 'meter' meter
check 'ingress policing' policing
check 'shaping by linux-htb' shaping
check 'connection tracking with NAT' connection_tracking
check 'VXLAN tunnel to a guest, which moves to another bridge' tunnel
check 'statistics are those of the guest' statistics
