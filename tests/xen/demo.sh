# -*- shell-script -*-
#
# SPDX-License-Identifier: Apache-2.0

# What "./demo.sh --xen" shows: the demonstration, on a real Xen.  Unlike a
# scenario in scenarios/ it prints its commands and what they print.
#
# Lasts about 100 s.

# in_guest GUEST COMMAND
#
# Shows a command that runs in a guest.
in_guest () {
    local status
    tell "$1\$ $2"
    guest_exec "$1" "$2" >/run/output 2>&1
    status=$?
    tell_file /run/output
    return $status
}

the_host () {
    expect show uname -srv
    cd /sys/hypervisor/version || return
    tell "on Xen $(cat major).$(cat minor)$(cat extra)"
    expect show ovs-appctl version
    expect show ovs-vsctl add-br br0 -- set Bridge br0 datapath_type=netdev
    expect bridge br0
}

guest () {
    guest_config "$1" >"/run/$1.cfg"
    show grep -e ^name -e ^vif "/run/$1.cfg"
    tell "\$ xl create $1.cfg"
    guest_create "$1"
    show xl network-list "$1"
    expect_equal 'link state' "$(interface "$(port "$1")" link_state)" up
}

ports () {
    show xl list
    expect show ovs-vsctl show
}

ping_between () {
    expect in_guest g1 "ping -c 5 -w 20 $(address g2)"
}

run_iperf () {
    expect guest_exec g2 'iperf3 -s -1 -D >/dev/null'
    expect in_guest g1 "iperf3 -f m -t 3 -c $(address g2)"
    expect grep -q ' [1-9][0-9.]* Mbits/sec .*receiver' /run/output
    tell "(under QEMU, which emulates every instruction)"
}

# listen_in_g2 PORT...
listen_in_g2 () {
    local port
    for port; do
        expect guest_exec g2 "while :; do nc -l -p $port </dev/null; done \
            >/dev/null 2>&1 &"
    done
}

connects () {
    guest_exec g1 "nc -w 3 $(address g2) $1 </dev/null"
}

drop_rule () {
    listen_in_g2 25 80
    expect_soon 10 connects 25
    expect_soon 10 connects 80
    tell 'guest g1 can connect to ports 25 and 80 of guest g2'
    expect show ovs-ofctl add-flow br0 \
        "priority=100,in_port=$(port g1),tcp,tp_dst=25,actions=drop"
    expect ovs-appctl revalidator/wait
    expect_not connects 25
    expect connects 80
    tell 'port 25 is closed now, port 80 still open'
    expect_soon 10 eval 'ovs-ofctl dump-flows br0 tcp,tp_dst=25 |
        grep "n_packets=[1-9].*actions=drop"'
    expect show ovs-ofctl dump-flows br0
}

restart () {
    expect guest_exec g1 "ping -i 0.2 $(address g2) >/tmp/pings 2>&1 &"
    tell '$ kill -9 $(pidof ovs-vswitchd)'
    expect kill_vswitchd KILL
    expect is_connected g1
    tell '$ ovs-vswitchd --pidfile --detach --log-file'
    expect start_vswitchd
    expect_soon 60 shows 'status: up' "$(port g1)"
    expect_soon 60 pings g1 "$(address g2)"
    expect guest_exec g1 'killall -INT ping'
    expect in_guest g1 'tail -n 2 /tmp/pings'
    expect is_connected g1
}

has_packets () {
    test "$(interface "$1" statistics:rx_packets)" -gt 0
}

what_is_known () {
    expect show ovs-appctl xenvif/show "$(port g1)"
    expect_soon 20 has_packets "$(port g1)"
    expect show ovs-vsctl --columns=name,type,link_state,status list \
        Interface "$(port g1)"
}

need 'the host' the_host
need 'a guest' guest g1
need 'another one' guest g2
check 'their ports' ports
check 'ping' ping_between
check 'iperf3' run_iperf
check 'a rule that drops one TCP port' drop_rule
check 'ovs-vswitchd dies and comes back' restart
check 'what Open vSwitch knows' what_is_known
