# -*- shell-script -*-
#
# SPDX-License-Identifier: Apache-2.0

# What a user does first: two guests on a bridge.
#
# Lasts about 65 s.

bridge br0

created () {
    guest_create g1
    expect is_connected g1
    expect_equal 'link state' "$(interface "$(port g1)" link_state)" up
}

# The hotplug script tells others whose port it is.
external_ids () {
    local port uuid
    port=$(port g1)
    uuid=$(xenstore-read "/local/domain/$(domid g1)/vm" |
        sed 's,^/vm/,,')
    expect_equal attached-mac \
        "$(interface "$port" external_ids:attached-mac)" "$(mac g1)"
    expect_equal xs-vm-uuid \
        "$(interface "$port" external_ids:xs-vm-uuid)" "$uuid"
    expect test -n "$(interface "$port" external_ids:iface-id)"
    expect test -n "$(interface "$port" external_ids:xs-vif-uuid)"
}

# tcp_both_ways [KIB]
tcp_both_ways () {
    expect sends_tcp g1 g2 "$(address g2)" "$@"
    expect sends_tcp g2 g1 "$(address g1)" "$@"
}

# iperf3_both_ways FROM TO ADDRESS
iperf3_both_ways () {
    local there back
    there=$(iperf "$@") || fail "iperf3 failed"
    back=$(iperf "$@" -R) || fail "iperf3 -R failed"
    note "$there Mbit/s there, $back Mbit/s back"
    expect test "$there" -gt 0
    expect test "$back" -gt 0
}

# set_types TYPE MODE
set_types () {
    local guest
    for guest in g1 g2; do
        expect ovs-vsctl set Interface "$(port $guest)" type="$1"
        expect_soon 10 shows "$1" "$(port $guest)"
        expect_soon 10 eval \
            'test "$(interface "$(port $guest)" status:mode)" = '"$2"
    done
}

# events GUEST
#
# Prints how many events came from a guest.
events () {
    ovs-appctl xenvif/show "$(port "$1")" | tr ' ' '\n' |
        awk -F= '$1 == "events" { n += $2 } END { print n + 0 }'
}

# events_wake_up
#
# Do packets of both guests come with an event each, or nearly so?
events_wake_up () {
    local before1 before2
    expect pings g1 "$(address g2)"
    before1=$(events g1)
    before2=$(events g2)
    expect pings g1 "$(address g2)"
    expect pings g2 "$(address g1)"
    note "$(($(events g1) - before1)) and $(($(events g2) - before2)) events"
    expect test "$(events g1)" -ge $((before1 + 3))
    expect test "$(events g2)" -ge $((before2 + 3))
}

to_nonpmd () {
    set_types xenvif-nonpmd interrupt
    events_wake_up
    tcp_both_ways 128
}

# From the start of a connection, that is.
nonpmd_from_the_start () {
    expect guest_exec g1 'echo vif-0 >/sys/bus/xen/drivers/vif/unbind
        && rmmod xen_netfront && modprobe xen-netfront && net-up'
    expect_soon 20 is_connected g1
    events_wake_up
    tcp_both_ways 128
}

to_pmd () {
    set_types xenvif poll
    tcp_both_ways 128
}

need 'xl creates a guest, whose vif connects' created
check 'external_ids of its port' external_ids
check 'ping from dom0' pings dom0 "$(address g1)"
need 'a second guest' guest_create g2
check 'ping from guest to guest' pings g1 "$(address g2)"
check 'ping through IPv6' pings g2 "$(address6 g1)"
check 'a file through TCP, both ways' tcp_both_ways
check 'iperf3 between guests, both ways' \
    iperf3_both_ways g1 g2 "$(address g2)"
check 'iperf3 between a guest and dom0, both ways' \
    iperf3_both_ways g1 dom0 10.77.0.254
check 'type xenvif-nonpmd under running guests' to_nonpmd
check 'type xenvif-nonpmd from the start of a connection' \
    nonpmd_from_the_start
check 'type xenvif again' to_pmd
