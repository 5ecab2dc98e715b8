# -*- shell-script -*-
#
# SPDX-License-Identifier: Apache-2.0

# Guests with several queues, several vifs and large frames; XDP programs.
#
# Lasts about 100 s.

bridge br0

# By default there are as many queues as dom0 and the guest have processors in
# common.
two_queues () {
    guest_create g1 vcpus=2 vif= vif=vifname=blue,mtu=9000
    expect is_connected g1
    expect_equal queues "$(guest_queues g1)" 2
    expect_equal 'queues of the port' \
        "$(interface "$(port g1)" status:queues)" 2
}

# guest_queues GUEST
guest_queues () {
    guest_exec "$1" 'ls /sys/class/net/eth0/queues | grep -c tx-'
}

# The port can be told another number until the guest connects.
three_queues () {
    local boots
    guest_config g2 vcpus=4 vif= vif= >/run/g2.cfg
    boots=$(boots g2)
    expect xl create -p -q /run/g2.cfg
    expect ovs-vsctl set Interface "$(port g2)" options:n_rxq=3
    expect xl unpause g2
    expect_soon 90 has_booted g2 "$boots"
    expect is_connected g2
    expect_equal queues "$(guest_queues g2)" 3
    expect_equal 'queues of the port' \
        "$(interface "$(port g2)" status:queues)" 3
}

# busy_queues GUEST from|to
#
# Prints how many queues have carried packets.
busy_queues () {
    ovs-appctl xenvif/show "$(port "$1")" | grep -c "$2 guest: .*packets="
}

all_queues () {
    expect iperf g1 g2 "$(address g2)" -P 16
    expect iperf g1 g2 "$(address g2)" -P 16 -R
    ovs-appctl xenvif/show
    expect_equal 'queues from g1' "$(busy_queues g1 from)" 2
    expect_equal 'queues from g2' "$(busy_queues g2 from)" 3
    expect_equal 'queues to g1' "$(busy_queues g1 to)" 2
    expect_equal 'queues to g2' "$(busy_queues g2 to)" 3
}

# Prints how many PMD threads there are that read queues.  Which reads those of
# which port depends on how much there was to do.
pmds () {
    ovs-appctl dpif-netdev/pmd-rxq-show | awk '
        /^pmd thread/ { pmd = $0 }
        $1 == "port:" && !seen[pmd]++ { n++ }
        END { print n + 0 }'
}

two_pmds () {
    expect ovs-vsctl set Open_vSwitch . other_config:pmd-cpu-mask=3
    expect_soon 10 eval 'test "$(pmds)" = 2'
    ovs-appctl dpif-netdev/pmd-rxq-show
    expect is_connected g1
    expect pings g1 "$(address g2)"
    expect iperf g1 g2 "$(address g2)" -P 4
    expect ovs-vsctl remove Open_vSwitch . other_config pmd-cpu-mask
    expect_soon 10 eval 'test "$(pmds)" = 1'
    expect pings g1 "$(address g2)"
}

second_vif () {
    expect is_connected g1 1
    expect is_connected g2 1
    expect_equal 'guest MAC of port blue' \
        "$(interface blue status:guest_mac)" "$(mac g1 1)"
    expect pings g1 "$(address g2 1)"
    expect pings g1 "$(address g2 0)"
    expect sends_tcp g2 g1 "$(address g1 1)" 256
}

# fragments GUEST
#
# Prints how many fragments of datagrams a guest has sent.
fragments () {
    guest_exec "$1" "awk '\$1 == \"Ip:\" && \$20 ~ /^[0-9]/ { print \$20 }' \
        /proc/net/snmp"
}

# frames_of MTU
#
# Do frames of that size go both ways between the second vifs?
frames_of () {
    local mtu=$1 before
    expect guest_exec g1 "ip link set dev eth1 mtu $mtu"
    expect guest_exec g2 "ip link set dev eth1 mtu $mtu"
    before="$(fragments g1) $(fragments g2)"
    expect pings g1 "$(address g2 1)" -s $((mtu - 28))
    expect_equal 'fragments sent' "$(fragments g1) $(fragments g2)" "$before"
    expect sends_tcp g1 g2 "$(address g2 1)" 512
    expect sends_tcp g2 g1 "$(address g1 1)" 512
}

# One port has its MTU from the toolstack, the other one from us.
jumbo_frames () {
    local other
    other=$(port g2 1)
    expect_equal 'MTU of port blue' "$(interface blue mtu)" 9000
    expect ovs-vsctl set Interface "$other" mtu_request=9000
    expect_equal "MTU of port $other" "$(interface "$other" mtu)" 9000
    frames_of 9000
}

largest_frames () {
    expect ovs-vsctl set Interface blue mtu_request=65000 \
        -- set Interface "$(port g2 1)" mtu_request=65000
    frames_of 65000
}

# xdp DEVICE OBJECT|off
xdp () {
    local what=off
    test "$2" = off || what="object /usr/share/xdp/$2.o section xdp"
    guest_exec g1 "ip link set dev $1 xdp $what"
}

# The guest asks for room in front of packets, for which both go to
# Reconfiguring and back.
xdp_programs () {
    guest_exec g1 'test -e /usr/share/xdp/pass.o' ||
        skip 'there was no clang to compile XDP programs with'
    expect xdp eth0 pass
    expect_soon 10 is_connected g1
    expect_equal headroom "$(xenstore-read "/local/domain/$(
        domid g1)/device/vif/0/xdp-headroom")" 256
    expect pings g1 "$(address g2)"
    expect pings g1 "$(address g2)" -s 8000
    expect sends_tcp g2 g1 "$(address g1)" 256
    expect xdp eth0 off
    expect xdp eth0 drop
    expect_soon 10 is_connected g1
    expect unreachable g2 "$(address g1)"
    expect xdp eth0 off
    expect_soon 10 is_connected g1
    expect_equal headroom "$(xenstore-read "/local/domain/$(
        domid g1)/device/vif/0/xdp-headroom")" 0
    expect pings g2 "$(address g1)"
    expect sends_tcp g2 g1 "$(address g1)" 256
}

need 'a guest with two processors, two vifs' two_queues
need 'a guest with four processors, options:n_rxq=3' three_queues
check 'all queues of both are used' all_queues
check 'queues on two PMD threads' two_pmds
check 'second vifs; vifname' second_vif
check 'frames of 9000 bytes; mtu in the configuration of xl' jumbo_frames
check 'frames of 65000 bytes' largest_frames
check 'XDP programs in a guest' xdp_programs
