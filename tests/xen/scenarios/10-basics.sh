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

# What a user does first: two guests on a bridge.
#
# Lasts about 40 s.

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

tcp_both_ways () {
    expect sends_tcp g1 g2 "$(address g2)"
    expect sends_tcp g2 g1 "$(address g1)"
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
