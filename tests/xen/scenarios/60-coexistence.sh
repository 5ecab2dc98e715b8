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


# Linux xen-netback on the same host, in every order.
#
# Time limit: 400 s

bridge br0

drivers=/sys/bus/xen-backend/drivers/vif
reason='Linux xen-netback is bound to the vif'

device () {
    echo "vif-$(domid "$1")-0"
}

# kernel_has GUEST
kernel_has () {
    readlink "/sys/bus/xen-backend/devices/$(device "$1")/driver"
}

# has_reason GUEST REASON
has_reason () {
    test "$(interface "$(port "$1")" status:reason)" = "$2"
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
    expect xl network-attach "$1" $(vif_spec "$1" 0 | tr , ' ')
    expect_soon 10 guest_exec "$1" 'test -e /sys/class/net/eth0'
    expect guest_exec "$1" net-up
    works "$1"
}

# Prints what a backend has promised.
promises () {
    xenstore-ls "$(backend_path "$1")" | grep -e feature -e multi -e hotplug
}

# The module cannot go while it has vifs.
unload () {
    local vif
    for vif in $drivers/vif-*; do
        test ! -e "$vif" || expect eval "echo ${vif##*/} >$drivers/unbind"
    done
    expect rmmod xen-netback
    expect_not test -e $drivers
}

# Does a file arrive in dom0?  (nc ends when its input does.)
tcp_to_dom0 () {
    test -p /run/never || mkfifo /run/never
    nc -l -p 5001 <>/run/never >/run/received &
    expect guest_exec "$1" 'dd if=/dev/urandom of=/tmp/file bs=1k count=512'
    guest_exec "$1" 'timeout 20 nc 10.77.0.254 5001 </tmp/file'
    sleep 1
    kill $! 2>/dev/null
    test "$(md5sum </run/received)" = "$(guest_exec "$1" 'md5sum </tmp/file')"
}

# It has the vif first: it keeps it, and users are told so.
loaded_before () {
    expect modprobe xen-netback
    guest_create g1
    expect kernel_has g1
    expect_soon 10 has_reason g1 "$reason"
    expect eval 'ovs-appctl xenvif/list | grep -e "$reason"'
    expect test -e "/sys/class/net/$(port g1)"
    expect_not ping -c 1 -W 2 "$(address g1)"
    promises g1
}

# Taken from it while the guest is connected, the rings go on.  The guest still
# does what xen-netback allowed it, such as to send large TCP segments, which
# are dropped here, until it connects anew.
unbound_while_connected () {
    local states
    expect eval "echo $(device g1) >$drivers/unbind"
    note "states $(states g1)"
    promises g1
    expect_soon 10 shows 'status: up' "$(port g1)"
    expect pings dom0 "$(address g1)"
    expect is_connected g1
    tcp_to_dom0 g1 && note 'TCP works'
    ovs-appctl xenvif/show "$(port g1)"
    replug g1
    expect tcp_to_dom0 g1
}

# Taken from it before the guest connects: nothing of its promises is left.
unbound_before () {
    guest_config g2 >/run/g2.cfg
    expect xl create -q -p /run/g2.cfg
    expect kernel_has g2
    ovs-appctl xenvif/list
    expect eval "echo $(device g2) >$drivers/unbind"
    expect_soon 10 eval 'test "$(xenstore-read \
        "$(backend_path g2)/feature-persistent")" = 1'
    promises g2
    expect_equal 'states' "$(states g2)" '1 2'
    expect xl unpause g2
    expect_soon 90 has_booted g2 0
    works g2
    expect tcp_to_dom0 g2
}

# With this switch the kernel binds no backend by itself.
autoprobe_off () {
    echo 0 >/sys/bus/xen-backend/drivers_autoprobe
    expect modprobe xen-netback
    guest_create g3
    expect_not kernel_has g3
    works g3
    unload
    echo 1 >/sys/bus/xen-backend/drivers_autoprobe
}

# Loaded under running guests it takes what it can: not the rings.
loaded_later () {
    start_pings "$(address g2)"
    expect modprobe xen-netback
    expect_soon 10 kernel_has g2
    sleep 2
    note "states $(states g2)"
    ovs-appctl xenvif/show "$(port g2)"
    expect shows 'last error: Linux xen-netback was bound' "$(port g2)"
    expect shows 'status: up' "$(port g2)"
    expect_equal 'pings lost' "$(lost_pings)" 0
    expect pings g2 "$(address g3)"
}

# What puts the states right again without a restart of the guest.
repaired () {
    unload
    expect pings dom0 "$(address g2)"
    note "states $(states g2)"
    replug g2
    expect tcp_to_dom0 g2
}

# The other guest, whose states are still wrong, does not survive a restart of
# the daemon: to that the guest is not connected.
restarted () {
    note "states $(states g3)"
    expect pings dom0 "$(address g3)"
    expect kill_vswitchd TERM
    expect start_vswitchd
    works g2
    sleep 2
    ovs-appctl xenvif/show "$(port g3)"
    expect_not ping -c 1 -W 3 "$(address g3)"
    replug g3
}

need 'xen-netback is there first, and keeps the vif' loaded_before
check 'taken from it while the guest is connected' unbound_while_connected
xl destroy g1
check 'taken from it before the guest connects' unbound_before
unload_first () { unload; works g2; }
check 'unloaded' unload_first
check 'loaded, but drivers_autoprobe is 0' autoprobe_off
check 'loaded while guests are connected' loaded_later
check 'unloaded again; network-detach, network-attach' repaired
check 'a restart of ovs-vswitchd after that' restarted
