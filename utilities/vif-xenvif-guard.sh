# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# shellcheck disable=SC2154

# The part of vif-xenvif that sees to it that a guest uses no addresses but its
# own.
#
# A vif that may not use all addresses is on a bridge that nothing passes
# without a rule (fail_mode=secure), and which a pair of patch ports joins with
# the bridge that it was meant for:
#
#   PORT -- xenvif-guard -- PORT-in == PORT-out -- BRIDGE
#
# Rules are OpenFlow's.  Open vSwitch forgets them when it is restarted, unless
# somebody saves them, and then nothing passes until they are there again:
# "vif-xenvif restore" makes them from the database, and "vif-xenvif watch"
# does that whenever it is necessary.

guard=xenvif-guard
# In the rules, for those who look at them.
cookie=0x78656e766966

# Makes the bridge.
add_guard () {
    vsctl --may-exist add-br "$guard" \
        -- set Bridge "$guard" datapath_type=netdev fail_mode=secure
}

# Prints the Interfaces behind a patch port: the guest's own driver's, and that
# of its emulated card.
behind () {
    vsctl --bare --columns=name find Interface \
        external_ids:xenvif-patch="$(quote "$1")"
}

# Prints the address that a guest makes for itself of its MAC address.
link_local () {
    IFS=: read -r a b c d e f <<END
$1
END
    printf 'fe80::%x:%x:%x:%x\n' $(((0x$a ^ 2) << 8 | 0x$b)) \
        $((0x$c << 8 | 0xff)) $((0xfe00 | 0x$d)) $((0x$e << 8 | 0x$f))
}

# print_rules IN-PORT OUT-PORT MAC "ADDRESS..."
#
# Whoever has no address yet may ask for one, and ask whether one is free.
print_rules () {
    in=cookie=$cookie,in_port=$1,dl_src=$3 out=actions=output:$2
    rule="$in,priority=100"
    echo "$rule,arp,arp_op=1,arp_sha=$3,arp_spa=0.0.0.0,$out"
    echo "$rule,udp,nw_src=0.0.0.0,nw_dst=255.255.255.255,tp_src=68,tp_dst=67,\
$out"
    ipv6=''
    for address in $4; do
        case $address in
            *:*) ipv6="$ipv6 $address" ;;
            *) echo "$rule,arp,arp_sha=$3,arp_spa=$address,$out"
               echo "$rule,ip,nw_src=$address,$out" ;;
        esac
    done
    if [ -n "$ipv6" ]; then
        print_ipv6_rules "$3" "$ipv6 $(link_local "$3")"
    fi
}

# print_ipv6_rules MAC "ADDRESS..."
#
# Table 0 looks at the source, table 1 at what neighbours are told.
print_ipv6_rules () {
    none=00:00:00:00:00:00
    for address in $2; do
        echo "$rule,ipv6,ipv6_src=$address,actions=resubmit(,1)"
        echo "$rule,icmp6,ipv6_src=::,icmp_type=135,icmp_code=0,nd_sll=$none,\
nd_target=$address,$out"
        for lladdr in "$1" $none; do
            echo "table=1,$in,priority=300,icmp6,icmp_type=136,icmp_code=0,\
nd_target=$address,nd_tll=$lladdr,$out"
        done
    done
    # From those without an address: is there a router, and who else listens?
    for icmp in 133 143; do
        echo "$rule,icmp6,ipv6_src=::,icmp_type=$icmp,$out"
    done
    for lladdr in "$1" $none; do
        echo "table=1,$in,priority=300,icmp6,icmp_type=135,icmp_code=0,\
nd_sll=$lladdr,$out"
    done
    # A guest is no router, whatever it says.
    for icmp in 134 135 136 137; do
        echo "table=1,$in,priority=200,icmp6,icmp_type=$icmp,actions=drop"
    done
    echo "table=1,$in,priority=100,ipv6,$out"
}

# guard_rules PATCH-PORT
#
# Replaces the rules of a vif by those that the database asks for, all at once.
# Its two ports do not see each other.
guard_rules () {
    patch=$(columns "$1" ofport)
    case $patch in
        '' | *[!0-9]*) return 1 ;;
    esac
    both='' rules=''
    for name in $(behind "$1"); do
        {
            read -r number; read -r address; read -r mode; read -r list
        } <<END
$(columns "$name" ofport external_ids:attached-mac \
    external_ids:xenvif-lock external_ids:xenvif-allowed)
END
        case $number in
            # The device of an emulated card goes before its port does.
            '' | *[!0-9]*) continue ;;
        esac
        rules="$rules
delete in_port=$number"
        if [ "$mode" = locked ]; then
            both="$both${both:+,}output:$number"
            rules="$rules
$(print_rules "$number" "$patch" "$address" "$list")"
        fi
    done
    ovs-ofctl --bundle add-flows "$guard" - <<END
cookie=$cookie,priority=0,actions=drop
delete in_port=$patch
$rules
cookie=$cookie,in_port=$patch,priority=100,actions=${both:-drop}
END
}

# Deletes the rules of a port.
delete_rules () {
    number=$(columns "$1" ofport)
    case $number in
        '' | *[!0-9]*) ;;
        *) ovs-ofctl --timeout=5 del-flows "$guard" "in_port=$number" ||
               log "no answer to the deletion of the rules of port $1" ;;
    esac 2>/dev/null
}

# The rules of all vifs.
restore () {
    vsctl br-exists "$guard" || return 0
    status=0
    for patch in $(vsctl --bare --columns=name find Interface type=patch \
                       external_ids:xenvif-guard=in); do
        guard_rules "$patch" || status=1
    done
    return $status
}

rules_are_there () {
    flows=$(ovs-ofctl --timeout=5 --no-names dump-flows "$guard" \
                "cookie=$cookie/-1" 2>/dev/null) || return 1
    for number in $(vsctl --bare --columns=ofport find Interface type=patch \
                        external_ids:xenvif-guard=in); do
        case $flows in
            *"in_port=$number "*) ;;
            *) return 1 ;;
        esac
    done
}

# Sleeps until a switch appears, or another one than before, and gives it its
# rules.  Whoever monitors a switch learns when it ends; the timeout is for one
# that ended before.
watch () {
    while :; do
        ovs-vsctl wait-until Bridge "$guard" 2>/dev/null || sleep 1
        rules_are_there || restore 2>/dev/null || sleep 1
        ovs-ofctl --timeout=5 -O OpenFlow14 monitor "$guard" \
            >/dev/null 2>&1 || sleep 0.1
    done
}
