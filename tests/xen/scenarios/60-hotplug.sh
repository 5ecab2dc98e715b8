# -*- shell-script -*-
#
# SPDX-License-Identifier: Apache-2.0


# What users see when the hotplug script, or what it needs, is not as it
# should be.
#
# Lasts about 90 s.

bridge br0

# xl_fails NAME CONFIGURATION-WORD...
#
# xl does not create guest g1, and nothing of it is left.
xl_fails () {
    guest_config g1 "$@" >/run/g1.cfg
    expect_not eval 'xl create /run/g1.cfg >/run/xl.out 2>&1'
    cat /run/xl.out
    expect is_gone g1
    expect no_backend
    expect_equal 'vif ports' "$(vif_ports)" ''
}

# said PATTERN
said () {
    expect grep -q -e "$1" /run/xl.out
}

no_bridge () {
    xl_fails vif=bridge=br9
    said 'bridge br9 does not exist'
}

other_bridge () {
    ovs-vsctl --no-wait add-br br9
    xl_fails vif=bridge=br9
    ovs-vsctl --no-wait del-br br9
    said 'bridge br9 does not have datapath_type=netdev'
}

name_taken () {
    ovs-vsctl add-port br0 uplink -- set Interface uplink type=internal
    xl_fails vif=vifname=uplink
    expect_equal 'ports' "$(ovs-vsctl list-ports br0)" uplink
    ovs-vsctl del-port uplink
    said "port uplink exists and is not a vif's"
}

not_our_script () {
    printf '#!/bin/sh\nexit 0\n' >/etc/xen/scripts/vif-other
    chmod +x /etc/xen/scripts/vif-other
    xl_fails vif=script=vif-other
}

# Somebody forgot to install it.
no_script () {
    rm /etc/xen/scripts/vif-xenvif
    xl_fails
    install_script
    said '/etc/xen/scripts/vif-xenvif'
}

no_daemon () {
    expect kill_vswitchd TERM
    begin=$(now)
    xl_fails
    note "xl create: $((($(now) - begin) / 100)) s"
    expect start_vswitchd
}

# What is shown of a guest that has not started yet, and of one whose port is
# taken away.
reasons () {
    local boots
    boots=$(boots g1)
    guest_config g1 vif=vifname=web >/run/g1.cfg
    expect xl create -q -p /run/g1.cfg
    expect_equal 'reason' "$(interface web status:reason)" \
        'waiting for the guest (frontend is Initialising)'
    ovs-appctl xenvif/show web
    expect xl unpause g1
    expect_soon 90 has_booted g1 "$boots"
    expect_soon 20 is_connected g1
    expect pings dom0 "$(address g1)"
    expect_soon 10 test -z "$(interface web status:reason)"
    ovs-vsctl get Interface web status
    xl network-list g1
    xenstore-ls "$(backend_path g1)"
    expect ovs-vsctl del-port web
    expect_soon 10 eval \
        'ovs-appctl xenvif/list | grep "no port of this switch"'
    expect is_connected g1
    expect eval "XENBUS_PATH=backend/vif/$(domid g1)/0 \
        /etc/xen/scripts/vif-xenvif online"
    expect_soon 10 shows 'status: up' web
    expect pings dom0 "$(address g1)"
}

# To another bridge and back, with one transaction each.
moved () {
    expect ovs-vsctl add-br br1 -- set Bridge br1 datapath_type=netdev
    expect ovs-vsctl del-port web -- add-port br1 web \
        -- set Interface web type=xenvif options:domid="$(domid g1)" \
           options:handle=0
    expect_soon 10 shows 'status: up' web
    expect is_connected g1
    expect_not ping -c 1 -W 2 "$(address g1)"
    expect eval "XENBUS_PATH=backend/vif/$(domid g1)/0 \
        /etc/xen/scripts/vif-xenvif online"
    expect_equal 'bridge' "$(ovs-vsctl port-to-br web)" br0
    expect_soon 10 shows 'status: up' web
    expect pings dom0 "$(address g1)"
    expect is_connected g1
    expect ovs-vsctl del-br br1
}

# Nobody answers; the domain goes nevertheless, but its port stays, as do those
# of a host that was not shut down orderly.
destroyed_without_daemon () {
    local begin port domid
    expect kill_vswitchd TERM
    begin=$(now)
    xl destroy g1 2>&1
    note "xl destroy: status $?, $((($(now) - begin) / 100)) s"
    xl list
    expect is_gone g1
    expect no_backend
    expect start_vswitchd
    expect_equal 'vif ports' "$(vif_ports)" web
    ovs-appctl xenvif/list
    for port in $(ovs-vsctl --bare --columns=name find Interface type=xenvif)
    do
        domid=$(ovs-vsctl get Interface "$port" options:domid | tr -d '"')
        xenstore-exists "/local/domain/$domid" || ovs-vsctl del-port "$port"
    done
    expect_equal 'vif ports' "$(vif_ports)" ''
}

gntalloc () {
    local limit=/sys/module/xen_gntalloc/parameters/limit
    expect_equal 'limit' "$(cat $limit)" 1024
    echo 4096 >$limit
    expect_equal 'limit' "$(cat $limit)" 4096
    echo 1024 >$limit
}

check 'no such bridge' no_bridge
check 'a bridge of the kernel datapath' other_bridge
check 'vifname of another port' name_taken
check 'another script, and no port' not_our_script
check 'no such script' no_script
check 'ovs-vswitchd does not run' no_daemon
check 'reasons for no traffic' reasons
check 'the port moves to another bridge' moved
check 'xl destroy while ovs-vswitchd does not run' destroyed_without_daemon
check 'limit of xen-gntalloc' gntalloc
