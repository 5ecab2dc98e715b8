# -*- shell-script -*-
#
# SPDX-License-Identifier: Apache-2.0


# The backend in a domain of its own: Open vSwitch and "xl devd" run in guest
# g9, whose root is what dom0's is.  It has one processor, most of which the
# PMD thread takes, so that scripts take some time there.
#
# Lasts about 130 s.

driver_address=10.77.0.253

# The first process of the driver domain.
driver_init () {
    cat <<'INIT_EOF'
#!/bin/sh
export PATH=/usr/bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mkdir -p /dev/pts /dev/shm
mount -t devpts devpts /dev/pts
mount -t tmpfs shm /dev/shm
ln -sf /proc/self/fd /dev/fd
for module in tun xenfs xen-evtchn xen-gntdev xen-gntalloc xen-privcmd; do
    modprobe $module
done
mount -t xenfs xenfs /proc/xen
ip link set dev lo up
export OVS_RUNDIR=/run/openvswitch OVS_DBDIR=/run/openvswitch
export OVS_SYSCONFDIR=/run/openvswitch OVS_LOGDIR=/run/openvswitch
. /usr/bin/guest-console
INIT_EOF
}

# Makes the driver domain's initramfs: dom0's files, and another /init.
driver_image () {
    local stage=/tmp/stage
    mkdir -p $stage
    (cd $stage && mkdir -p dev proc sys tmp root run/xen run/lock \
        run/openvswitch var/lib var/lock var/log/xen)
    ln -s /run $stage/var/run
    driver_init >$stage/init
    chmod +x $stage/init
    cp /share/vswitch.ovsschema $stage/tmp/
    (cd / && find bin sbin lib lib64 usr etc | cpio -o -H newc
     cd $stage && find . | cpio -o -H newc) >/tmp/driver.img
    rm -rf $stage
}

created () {
    driver_image
    guest_config g9 vif=none memory=384 driver_domain=1 |
        sed 's,/guest/guest.img,/tmp/driver.img,' >/run/g9.cfg
    expect xl create -q /run/g9.cfg
    expect_soon 120 has_booted g9 0
    rm /tmp/driver.img
}

started () {
    expect guest_exec g9 'ovsdb-tool create $OVS_DBDIR/conf.db
            /tmp/vswitch.ovsschema &&
        ovsdb-server $OVS_DBDIR/conf.db --remote=punix:$OVS_RUNDIR/db.sock
            --pidfile --detach --log-file -vconsole:off &&
        ovs-vsctl --no-wait init &&
        ovs-vsctl --no-wait set Open_vSwitch . other_config:pmd-maxsleep=200'
    start_driver_vswitchd
    expect guest_exec g9 "ovs-vsctl add-br br0
            -- set Bridge br0 datapath_type=netdev &&
        ip addr add $driver_address/24 dev br0 && ip link set dev br0 up"
    expect guest_exec g9 'xl devd'
    guest_exec g9 'xenstore-read domid; ovs-appctl xenvif/show; ps'
}

start_driver_vswitchd () {
    expect guest_exec g9 'ovs-vswitchd --pidfile --detach --log-file
        --disable-system -vconsole:off'
}

# is_served GUEST
#
# Is the guest connected to the driver domain?
is_served () {
    test "$(xenstore-read "/local/domain/$(domid "$1")/device/vif/0/state" \
        "/local/domain/$(domid g9)/backend/vif/$(domid "$1")/0/state" |
        tr '\n' ' ')" = '4 4 '
}

# What is known there.
driver_state () {
    guest_exec g9 'ovs-vsctl show; ovs-appctl xenvif/list;
        ovs-appctl xenvif/show; ovs-vsctl list Interface |
        grep external_ids; grep -e WARN -e xenvif $OVS_LOGDIR/ovs-vswitchd.log;
        cat /var/log/xen/xldevd.log'
    xenstore-ls -fp "/local/domain/$(domid g9)/backend"
}

guest_there () {
    guest_create "$1" vif=backend=g9
    expect_soon 60 is_served "$1"
    expect guest_exec "$1" "ping -c 3 -w $((10 * patience)) $driver_address"
}

both_ways () {
    expect sends_tcp g1 g2 "$(address g2)" 512
    expect sends_tcp g2 g1 "$(address g1)" 512
}

# A domain may write below its "data", where we keep what guests configured.
may_save () {
    guest_exec g9 'dir=/local/domain/$(xenstore-read domid)/data/xenvif &&
        xenstore-write $dir/test 1 && xenstore-rm $dir'
}

restarted () {
    expect guest_exec g9 'kill -9 $(cat $OVS_RUNDIR/ovs-vswitchd.pid)'
    sleep 1
    expect is_served g1
    start_driver_vswitchd
    expect_soon 20 guest_exec g9 'ovs-appctl xenvif/show |
        grep -c "status: up" | grep 2'
    expect is_served g1
    expect pings g1 "$(address g2)"
}

detached () {
    expect xl network-detach g1 0
    expect_soon 10 guest_exec g1 'test ! -e /sys/class/net/eth0'
    expect_soon 10 guest_exec g9 "! ovs-vsctl list-ports br0 |
        grep -x $(port g1)"
    expect_not xenstore-exists \
        "/local/domain/$(domid g9)/backend/vif/$(domid g1)"
}

attached () {
    # shellcheck disable=SC2046 # A list.
    expect xl network-attach g1 $(vif_spec g1 0 backend=g9 | tr , ' ')
    expect_soon 10 guest_exec g1 'test -e /sys/class/net/eth0'
    expect guest_exec g1 net-up
    expect_soon 60 is_served g1
    expect pings g1 "$(address g2)"
}

rebooted () {
    local boots
    boots=$(boots g2)
    expect xl reboot g2
    expect_soon 90 has_booted g2 "$boots"
    expect_soon 60 is_served g2
    expect pings g1 "$(address g2)"
}

destroyed () {
    local port
    port=$(port g2)
    expect xl destroy g2
    expect_soon 10 guest_exec g9 "! ovs-vsctl list-ports br0 | grep -x $port"
    expect guest_exec g9 'ovs-appctl xenvif/list'
}

# What a script that fails there looks like here: xl does not wait for it.
no_bridge () {
    guest_config g3 vif=backend=g9,bridge=br9 >/run/g3.cfg
    xl create -q /run/g3.cfg
    note "xl create: status $?"
    xl list
    expect_soon 20 eval 'guest_exec g9 "xenstore-read \
        backend/vif/$(domid g3)/0/hotplug-error" | grep "br9 does not exist"'
    guest_exec g9 'cat /var/log/xen/xldevd.log; ovs-appctl xenvif/list'
    expect xl destroy g3
    expect_soon 10 is_gone g3
}

# Without the driver domain the guest has no network, and goes as always.
driver_destroyed () {
    expect xl destroy g9
    expect_soon 10 is_gone g9
    expect guest_exec g1 'dmesg | tail -n 5'
    expect xl destroy g1
    expect_soon 10 is_gone g1
}

need 'a driver domain' created
need 'Open vSwitch and xl devd in it' started
need 'a guest with its vif there' guest_there g1
check 'state' driver_state
need 'another one' guest_there g2
check 'a file through TCP, both ways' both_ways
check 'what guests configure can be kept there' may_save
check 'kill -9 ovs-vswitchd in the driver domain' restarted
check 'xl network-detach' detached
check 'xl network-attach' attached
check 'xl reboot' rebooted
check 'xl destroy' destroyed
check 'no such bridge there' no_bridge
driver_state
check 'the driver domain is destroyed' driver_destroyed
