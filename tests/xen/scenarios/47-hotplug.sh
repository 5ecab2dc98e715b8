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

# What xl says if the hotplug script cannot do its work, and that nothing stays
# behind then.  The words of xl for vifs.
#
# Time limit: 240 s

bridge br0

# fails WORDS TEXT...
#
# Does xl refuse to create a guest with such a vif, with a message that has
# each of the texts in it?
fails () {
    local words=$1 text
    shift
    guest_config g3 "vif=$words" >/run/g3.cfg
    if xl create -p /run/g3.cfg >/run/xl 2>&1; then
        fail "xl creates a guest with $words"
    fi
    cat /run/xl
    for text; do
        expect grep -q -e "$text" /run/xl
    done
    nothing_of_it
}

# Is there no trace of a guest that could not be created?
nothing_of_it () {
    expect_soon 20 is_gone g3
    expect_soon 10 no_backend
    expect_soon 5 eval 'test -z "$(vif_ports)"'
    expect_soon 5 eval 'test -z "$(ovs-appctl xenvif/list | tail -n +2)"'
}

script_missing () {
    fails script=/nowhere/vif-xenvif '/nowhere/vif-xenvif'
}

# By the script's name a vif is another backend's, of which there is none.
other_script () {
    fails script=vif-nobody 'unable to add device'
}

bridge_missing () {
    fails bridge=nobody 'bridge nobody does not exist'
}

bridge_of_kernel () {
    expect ovs-vsctl add-br kernel0
    fails bridge=kernel0 'kernel0 does not have datapath_type=netdev'
    expect ovs-vsctl del-br kernel0
}

# A script that only says that something is wrong.
hotplug_error () {
    mkdir -p /tmp/broken
    cat >/tmp/broken/vif-xenvif <<'SCRIPT_EOF'
#!/bin/sh
test "$1" = online || exit 0
xenstore-write "$XENBUS_PATH/hotplug-error" 'the cable is broken' \
    "$XENBUS_PATH/hotplug-status" error
exit 1
SCRIPT_EOF
    chmod +x /tmp/broken/vif-xenvif
    fails script=/tmp/broken/vif-xenvif 'the cable is broken'
    rm -r /tmp/broken
}

port_in_use () {
    expect ovs-vsctl add-port br0 taken -- set Interface taken type=internal
    fails vifname=taken 'port taken exists'
    expect_equal 'type of the port' "$(interface taken type)" internal
    expect ovs-vsctl del-port taken
}

# The guest runs; only the vif cannot be had.  libxl leaves what it wrote
# about it, until it is told to detach it.
attach_fails () {
    local n
    n=$(vif_ports | wc -l)
    if xl network-attach g1 bridge=nobody script=vif-xenvif \
            >/run/xl 2>&1; then
        fail 'xl attaches a vif to no bridge'
    fi
    cat /run/xl
    expect grep -q 'bridge nobody does not exist' /run/xl
    expect xl network-detach g1 1
    expect_soon 10 eval '! xenstore-exists "$(backend_path g1 1)"'
    expect_equal 'number of ports' "$(vif_ports | wc -l)" "$n"
    expect pings dom0 "$(address g1)"
}

# Unlike in a configuration, commas do not separate words here.
attach_words () {
    expect xl network-attach g1 $(vif_spec g1 1 vifname=blue | tr , ' ')
    expect_equal 'vif of port blue' "$(interface blue options:domid).$(
        interface blue options:handle)" "$(domid g1).1"
    expect_soon 10 guest_exec g1 'test -e /sys/class/net/eth1'
    expect guest_exec g1 'net-up'
    expect_soon 10 is_connected g1 1
    expect_equal 'guest MAC' "$(interface blue status:guest_mac)" \
        "$(mac g1 1)"
    expect xl network-detach g1 "$(mac g1 1)"
    expect_soon 10 eval '! vif_ports | grep blue'
    expect_soon 10 guest_exec g1 'test ! -e /sys/class/net/eth1'
    expect pings dom0 "$(address g1)"
}

# A VLAN in the bridge's name is that of the port.
vlan_of_bridge () {
    expect xl network-attach g1 $(vif_spec g1 1 bridge=br0.9 | tr , ' ')
    expect_equal tag "$(ovs-vsctl get Port "$(port g1 1)" tag)" 9
    expect xl network-detach g1 1
}

check 'script missing' script_missing
check "another backend's vif" other_script
check 'bridge missing' bridge_missing
check 'bridge that is not of the userspace datapath' bridge_of_kernel
check 'hotplug-status=error' hotplug_error
check 'port name in use' port_in_use
need 'a guest' guest_create g1
check 'xl network-attach that fails' attach_fails
check 'xl network-attach with words; vifname' attach_words
check 'xl network-attach to BRIDGE.VLAN' vlan_of_bridge
