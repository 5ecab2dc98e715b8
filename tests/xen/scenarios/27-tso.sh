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

# Segmentation offload: other_config:userspace-tso-enable=true.
#
# Time limit: 240 s

bridge br0

# The daemon reads the setting once.  clean_up undoes it.
enabled () {
    expect ovs-vsctl set Open_vSwitch . \
        other_config:userspace-tso-enable=true
    expect kill_vswitchd TERM
    expect start_vswitchd
    expect_soon 10 shows 'XenStore: connected'
    guest_create g1
    guest_create g2
}

# offload GUEST FEATURE
#
# Prints whether a guest has it on or off.
offload () {
    guest_exec "$1" "ethtool -k eth0 | sed -n 's/^$2: \([a-z]*\).*/\1/p'"
}

negotiated () {
    expect shows 'gso-v4=1 gso-v6=1' "$(port g1)"
    expect_equal 'TSO of g1' "$(offload g1 tcp-segmentation-offload)" on
    expect_equal 'checksums by g1' "$(offload g1 tx-checksum-ip-generic)" on
}

# from_g1
#
# Prints how many packets and bytes the switch had from g1.
from_g1 () {
    ovs-ofctl dump-ports br0 "$(ovs-vsctl get Interface "$(port g1)" \
        ofport)" | sed -n 's/.*rx pkts=\([0-9]*\), bytes=\([0-9]*\),.*/\1 \2/p'
}

# segments_are_joined
#
# Are frames that g1 sends much longer than its MTU?
segments_are_joined () {
    local before after
    before=$(from_g1)
    iperf g1 g2 "$(address g2)" || return
    after=$(from_g1)
    echo "$before $after" | awk '{
        size = ($4 - $2) / ($3 - $1)
        print "mean size", size
        exit !(size > 3000) }'
}

# csum_errors
#
# Prints how many TCP segments and UDP datagrams dom0 refused because of their
# checksum.
csum_errors () {
    awk '($1 == "Tcp:" || $1 == "Udp:") && !column[$1] {
            for (i = 2; i <= NF; i++) if ($i == "InCsumErrors") column[$1] = i
            next }
        column[$1] { n += $column[$1]; column[$1] = 0 }
        END { print n + 0 }' /proc/net/snmp
}

# to_and_from_dom0
#
# Does a file arrive unchanged in dom0, and one from there in a guest?
to_and_from_dom0 () {
    local receiver sent
    test -p /tmp/never || mkfifo /tmp/never
    timeout 60 nc -l -p 5000 <>/tmp/never | md5sum >/run/received &
    receiver=$!
    sent=$(guest_exec g1 'dd if=/dev/urandom of=/tmp/file bs=1k count=2048 \
            2>/dev/null; md5sum </tmp/file;
        timeout 60 nc 10.77.0.254 5000 </tmp/file')
    wait $receiver
    note "sent $sent, received $(cat /run/received)"
    test "$sent" = "$(cat /run/received)" || return
    receiver=$(guest_send g1 'test -p /tmp/never || mkfifo /tmp/never;
        timeout 60 nc -l -p 5000 <>/tmp/never | md5sum')
    sleep 1
    timeout 60 nc "$(address g1)" 5000 </share/bin/ovs-ofctl
    test "$(guest_result g1 "$receiver")" = "$(md5sum </share/bin/ovs-ofctl)"
}

# with OFFLOADS
#
# Sends files everywhere while the offloads of g1 are set like this.
with () {
    expect guest_exec g1 "ethtool -K eth0 $*"
    expect sends_tcp g1 g2 "$(address g2)" 1024
    expect sends_tcp g2 g1 "$(address g1)" 1024
    expect to_and_from_dom0
    expect_equal 'checksum errors in dom0' "$(csum_errors)" 0
}

# The frames are no longer than the MTU, whoever cuts them.
to_a_guest_without () {
    expect guest_exec g2 'ethtool -K eth0 gro off tx off'
    with tso on
    expect guest_exec g2 'ethtool -K eth0 gro on tx on'
}

restart () {
    expect kill_vswitchd KILL
    expect start_vswitchd
    expect_soon 10 shows 'status: up' "$(port g1)"
    expect shows 'gso-v4=1' "$(port g1)"
    with tso on
}

need 'two guests of a switch with segmentation offload' enabled
check 'guests have it' negotiated
check 'frames are longer than the MTU' expect segments_are_joined
check 'TCP with it' with tso on tx on
check 'TCP with checksum offload only' with tso off tx on
check 'TCP without any offload' with tso off tx off
check 'back on, and to a guest without' to_a_guest_without
check 'after kill -9' restart
