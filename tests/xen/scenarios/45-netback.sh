# -*- shell-script -*-
#
# SPDX-License-Identifier: Apache-2.0

# Linux's own backend, xen-netback, is on the same host.
#
# Lasts about 60 s.

bridge br0

# Here modprobe is told what it may load.  Whatever happens, clean_up removes
# it, and xen-netback.
settings=/etc/modprobe.d/xenvif.conf

bus=/sys/bus/xen-backend
reason='Linux xen-netback is bound to the vif'

# device GUEST
#
# Prints the kernel's name of a guest's vif.
device () {
    echo "vif-$(domid "$1")-0"
}

# kernel_has GUEST
kernel_has () {
    readlink "$bus/devices/$(device "$1")/driver"
}

# take_from_kernel DEVICE
take_from_kernel () {
    expect eval "echo $1 >$bus/drivers/vif/unbind"
}

# Unloads xen-netback.  That is refused as long as it is bound to a vif.
unload () {
    local vif
    for vif in $bus/drivers/vif/vif-*; do
        test ! -e "$vif" || take_from_kernel "${vif##*/}"
    done
    expect rmmod xen_netback
}

# is_refused GUEST
#
# Does the port of a guest say that the kernel has the vif?
is_refused () {
    test "$(interface "$(port "$1")" status:reason)" = "$reason"
}

# works GUEST
works () {
    expect_soon 20 is_connected "$1"
    expect pings dom0 "$(address "$1")"
}

# replug GUEST
#
# The guest gets a new vif, so that both sides negotiate from the beginning.
replug () {
    expect xl network-detach "$1" 0
    expect_soon 10 guest_exec "$1" 'test ! -e /sys/class/net/eth0'
    # shellcheck disable=SC2046 # A list.
    expect xl network-attach "$1" $(vif_spec "$1" 0 | tr , ' ')
    expect_soon 10 guest_exec "$1" 'test -e /sys/class/net/eth0'
    expect guest_exec "$1" net-up
    works "$1"
}

# The settings that are recommended: whatever asks for the module, by its name
# or for a vif, gets nothing.
modprobe_settings () {
    mkdir -p /etc/modprobe.d
    cat >$settings <<'CONF_EOF'
blacklist xen-netback
install xen-netback /bin/false
CONF_EOF
    modprobe xen-netback
    modprobe xen-backend:vif
    expect_not grep '^xen_netback ' /proc/modules
    rm $settings
}

# xen-netback is offered a vif that is in use.  It cannot have it, and then
# says in XenStore that the vif is closed.
loaded_later () {
    start_pings "$(address g1)"
    expect modprobe xen-netback
    expect_soon 20 kernel_has g1
    expect_soon 20 shows 'last error: .*xen-netback' "$(port g1)"
    expect_soon 20 eval 'test "$(states g1)" = "6 6"'
    expect_equal 'pings lost' "$(lost_pings)" 0
    expect shows 'status: up' "$(port g1)"
    expect grep -q 'xen-netback was bound to a vif in use' \
        "$log_dir/ovs-vswitchd.log"
}

# The states say that the vif is closed.  A new process finds the rings.
restarted () {
    expect kill_vswitchd "$1"
    expect start_vswitchd
    expect_soon 20 shows 'status: up' "$(port g1)"
    expect pings dom0 "$(address g1)"
    expect_equal states "$(states g1)" '6 6'
}

# The module goes, which the guest does not notice either, nor what comes
# after that.
unloaded () {
    unload
    expect pings dom0 "$(address g1)"
    restarted TERM
    replug g1
}

# Loaded, but told to take nothing by itself.
without_autoprobe () {
    expect eval "echo 0 >$bus/drivers_autoprobe"
    expect modprobe xen-netback
    works g1
    expect_not kernel_has g1
    replug g1
    expect_not kernel_has g1
    unload
    expect eval "echo 1 >$bus/drivers_autoprobe"
}

# A vif that xen-netback got first is left alone, and everybody can see why.
loaded_before () {
    expect modprobe xen-netback
    guest_config g2 >/run/g2.cfg
    expect xl create -p -q /run/g2.cfg
    expect kernel_has g2
    expect_soon 10 is_refused g2
    expect eval 'ovs-appctl xenvif/list | grep -e "$reason"'
    expect grep -q "$(port g2): not served" "$log_dir/ovs-vswitchd.log"
    # Only we offer this.
    expect_not xenstore-read "$(backend_path g2)/feature-persistent"
    expect_equal 'link state' "$(interface "$(port g2)" link_state)" down
}

# It is taken from the kernel before the guest connects.  That deletes
# hotplug-status, so the hotplug script runs once more.
unbound () {
    local boots path
    path=$(backend_path g2)
    boots=$(boots g2)
    take_from_kernel "$(device g2)"
    expect env XENBUS_PATH="$path" /etc/xen/scripts/vif-xenvif online
    expect xl unpause g2
    expect_soon 90 has_booted g2 "$boots"
    works g2
    expect pings g2 10.77.0.254 -s 8000
}

# It is taken from the kernel while the guest is connected: the rings go on.
unbound_while_connected () {
    expect xl network-detach g2 0
    expect_soon 10 guest_exec g2 'test ! -e /sys/class/net/eth0'
    # shellcheck disable=SC2046 # A list.
    expect xl network-attach g2 $(vif_spec g2 0 | tr , ' ')
    expect_soon 10 guest_exec g2 'test -e /sys/class/net/eth0'
    expect guest_exec g2 net-up
    expect_soon 20 is_connected g2
    expect kernel_has g2
    expect is_refused g2
    take_from_kernel "$(device g2)"
    expect_soon 10 shows 'status: up' "$(port g2)"
    works g2
    unload
    works g2
    expect sends_tcp g2 g1 "$(address g1)" 256
}

check 'modprobe.d keeps xen-netback away' modprobe_settings
need 'a guest' guest_create g1
check 'xen-netback loaded while a guest is connected' loaded_later
check 'ovs-vswitchd killed and started meanwhile' restarted KILL
check 'xen-netback unloaded, a restart, a new vif' unloaded
check 'xen-netback loaded with drivers_autoprobe off' without_autoprobe
check 'xen-netback loaded before: the vif is refused' loaded_before
check 'unbind, then the vif is ours' unbound
check 'unbind while the guest is connected' unbound_while_connected
