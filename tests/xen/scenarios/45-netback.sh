# -*- shell-script -*-
#
# Copyright (c) 2026 The ovs-xenvif authors.
#
# Licensed under the Apache License, Version 2.0 (the "License");
# you may not use this file except in compliance with the License.
# You may obtain a copy of the License at:
#
#     http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS,
# WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
# See the License for the specific language governing permissions and
# limitations under the License.

# Linux's own backend, xen-netback, is on the same host.
#
# Time limit: 400 s

bridge br0

# Here modprobe is told what it may load.  Whatever happens, clean_up removes
# it, and xen-netback.
settings=/etc/modprobe.d/xenvif.conf

# Unloads xen-netback.  That is refused as long as it is bound to a vif.
unload () {
    local device
    for device in /sys/bus/xen-backend/drivers/vif/vif-*; do
        test ! -e "$device" ||
            echo "${device##*/}" >/sys/bus/xen-backend/drivers/vif/unbind
    done
    rmmod xen_netback
}

# kernel_device GUEST
#
# Prints where the driver core has a guest's vif.
kernel_device () {
    echo "/sys/bus/xen-backend/devices/vif-$(domid "$1")-0"
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

# As above, without xen-netback.
connected () {
    expect is_connected g1
    expect_equal status "$(interface "$(port g1)" status:status)" connected
    expect pings dom0 "$(address g1)"
}

# xen-netback is offered a vif that is in use.  It cannot have it, and then
# says in XenStore that the vif is closed.
loaded_later () {
    start_pings "$(address g1)"
    expect modprobe xen-netback
    sleep 5
    note "states: $(states g1)"
    dmesg | tail -n 5
    expect_equal 'pings lost' "$(lost_pings)" 0
    ovs-appctl xenvif/show "$(port g1)"
    expect shows 'last error: .*xen-netback' "$(port g1)"
    expect pings dom0 "$(address g1)"
    expect grep -q 'xen-netback was bound to a vif in use' \
        "$log_dir/ovs-vswitchd.log"
}

# The states say that the vif is closed.  A new process finds the rings.
restart_meanwhile () {
    local boots=$(boots g1)
    note "states: $(states g1)"
    expect kill_vswitchd KILL
    expect start_vswitchd
    expect_soon 20 shows 'status: up' "$(port g1)"
    expect pings dom0 "$(address g1)"
    note "states: $(states g1)"
    expect_equal 'boots of the guest' "$(boots g1)" "$boots"
}

# The module goes, which the guest does not notice either.  All is as usual for
# the next guest.
unloaded () {
    local boots
    expect unload
    expect pings dom0 "$(address g1)"
    boots=$(boots g1)
    expect xl destroy g1
    expect_soon 20 is_gone g1
    expect_soon 10 no_backend
    guest_create g1
    connected
}

# A vif that xen-netback got first is left alone, and everybody can see why.
loaded_before () {
    expect xl destroy g1
    expect modprobe xen-netback
    guest_config g2 >/run/g2.cfg
    expect xl create -p -q /run/g2.cfg
    expect test -e "$(kernel_device g2)/driver"
    # Only we offer this.
    expect_not xenstore-read "$(backend_path g2)/feature-persistent"
    expect_soon 10 eval 'interface "$(port g2)" status:reason |
        grep xen-netback'
    ovs-appctl xenvif/list
    expect eval 'ovs-appctl xenvif/list |
        grep "^$(domid g2)\.0 .*xen-netback"'
    expect_equal 'link state' "$(interface "$(port g2)" link_state)" down
}

# It is taken from the kernel before the guest connects.  That deletes
# hotplug-status, so the hotplug script runs once more.
unbound () {
    local boots path
    path=$(backend_path g2)
    boots=$(boots g2)
    expect eval 'echo "vif-$(domid g2)-0" \
        >/sys/bus/xen-backend/drivers/vif/unbind'
    expect env XENBUS_PATH="$path" /etc/xen/scripts/vif-xenvif online
    expect xl unpause g2
    expect_soon 90 has_booted g2 "$boots"
    expect_soon 20 is_connected g2
    expect pings dom0 "$(address g2)"
    expect pings g2 10.77.0.254 -s 8000
    expect unload
    expect pings dom0 "$(address g2)"
    expect xl destroy g2
}

check 'modprobe.d keeps xen-netback away' modprobe_settings
need 'a guest' guest_create g1
check 'xen-netback loaded while a guest is connected' loaded_later
check 'ovs-vswitchd killed and started meanwhile' restart_meanwhile
check 'xen-netback unloaded, another guest' unloaded
check 'xen-netback loaded before: the vif is refused' loaded_before
check 'unbind, then the vif is ours' unbound
