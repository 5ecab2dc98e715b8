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


# Vifs that change hands between xen-netback and us while a guest runs, and how
# to repair what that does.  See 45-netback for everything else about it.
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

# It has the vif first, and serves it.
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
    # Otherwise it would take the new vif as well.
    unload
    replug g1
    expect tcp_to_dom0 g1
}

# Loaded again, it takes what it can: not the rings.  What is in XenStore after
# it is gone has to be put right.
loaded_later () {
    expect modprobe xen-netback
    expect_soon 10 kernel_has g1
    sleep 2
    ovs-appctl xenvif/show "$(port g1)"
    expect shows 'status: up' "$(port g1)"
    unload
    expect_equal 'states' "$(states g1)" '6 6'
    expect pings dom0 "$(address g1)"
    replug g1
    expect tcp_to_dom0 g1
}

# Unless that is done, the guest does not survive a restart of the daemon: to
# that it is not connected.
restarted () {
    expect modprobe xen-netback
    expect_soon 10 kernel_has g1
    sleep 2
    unload
    expect pings dom0 "$(address g1)"
    expect kill_vswitchd TERM
    expect start_vswitchd
    expect_soon 10 has_reason g1 'waiting for the guest (frontend is Closed)'
    expect_not ping -c 1 -W 3 "$(address g1)"
    replug g1
}

need 'xen-netback is there first, and keeps the vif' loaded_before
check 'taken from it while the guest is connected' unbound_while_connected
check 'loaded and unloaded again while the guest is connected' loaded_later
check 'a restart of ovs-vswitchd after that' restarted
