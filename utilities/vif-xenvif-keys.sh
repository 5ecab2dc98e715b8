# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# What one file sets another one uses.
# shellcheck disable=SC2034,SC2154

# The part of vif-xenvif that reads what a toolstack wants of a vif: the keys
# of libxl, and what XAPI keeps elsewhere.  A wish that cannot be granted ends
# the script.  Nothing here changes anything.

# Sets vm_uuid, and the directory in which XAPI keeps what it knows about the
# vif, if this is a host of XAPI's.  In a driver domain, none of these can be
# read.
read_vm () {
    vm=$(xs_read "/local/domain/$domid/vm")
    vm_uuid=${vm##*/}
    if [ -z "$vm_uuid" ]; then
        # The guest may be gone.
        vm_uuid=$(columns "$port" external_ids:xs-vm-uuid)
    fi
    xapi='' xapi_hotplug=''
    if [ -n "$vm_uuid" ] && xenstore-exists "/xapi/$vm_uuid" 2>/dev/null; then
        xapi=/xapi/$vm_uuid/private/vif/$handle
        xapi_hotplug=/xapi/$vm_uuid/hotplug/$domid/vif/$handle/hotplug
    fi
}

# Sets everything that the port needs.  What XAPI knows is elsewhere than what
# libxl does.
read_vif () {
    mac=$(xs_read "$XENBUS_PATH/mac" | tr A-F a-f)
    vm_name=$(xs_read "/local/domain/$domid/name")
    vif_uuid=${vm_uuid:+$vm_uuid.$handle} network_uuid='' mtu='' xs_vm=$vm_uuid
    tag='' trunks='' vlan_mode='' any_trunks='' csum='' lock='' allowed=''
    if [ -n "$xapi" ]; then
        read_xapi
    fi
    bridge=$(xs_read "$XENBUS_PATH/bridge" "${bridge:-}")
    if [ "$mtu" = 1500 ]; then
        mtu=
    fi
    addresses=$(xs_read "$XENBUS_PATH/ip")
    if [ -n "$addresses" ]; then
        lock=locked
        allow "$addresses"
    fi
    if [ -n "$lock" ]; then
        case $mac in
            ??:??:??:??:??:??) ;;
            *) fatal "a vif with addresses needs a MAC address" ;;
        esac
    fi
    refuse_rest
}

# Wishes that only a network device of the kernel could fulfil.
refuse_rest () {
    [ -z "${netdev:-}" ] ||
        fatal "gatewaydev=$netdev is for guests that the kernel routes to"
    [ -z "$(xs_read "$XENBUS_PATH/forwarddev")" ] ||
        fatal "COLO needs a network device of the kernel"
}

# What XAPI has in a place of its own.
read_xapi () {
    bridge=$(xs_read "$xapi/bridge" "${bridge:-}")
    vif_uuid=$(xs_read "$xapi/vif-uuid" "$vif_uuid")
    network_uuid=$(xs_read "$xapi/network-uuid")
    # libxl writes the MTU where the backend finds it.
    mtu=$(xs_read "$xapi/MTU")
    # A guest that arrives from another host has two UUIDs for a while.
    xs_vm=$(xs_read "/vm/$vm_uuid/final-uuid" "$vm_uuid")
    if xenstore-exists "$xapi/trunks" 2>/dev/null; then
        trunks=$(xs_read "$xapi/trunks")
        case $trunks in
            '') any_trunks=yes ;;
            *[!0-9,]*) fatal "VLANs '$trunks' are not numbers" ;;
        esac
    fi
    if xenstore-exists "$xapi/pvs-interface" 2>/dev/null; then
        fatal "the PVS proxy needs a network device of the kernel"
    fi
    read_ethtool
    read_locking
}

# Settings of a network device that we do not have.  Without checksums left
# open for a guest, it gets no segments either, and without these, no packet
# of more than a page, unless frames are that large.
read_ethtool () {
    for feature in tx tso gso sg ufo rx; do
        value=$(xs_read "$xapi/other-config/ethtool-$feature")
        case $feature=$value in
            *= | *=on | *=true | ufo=off | ufo=false) ;;
            tx=off | tx=false | tso=off | tso=false | gso=off | gso=false)
                csum=false ;;
            sg=off | sg=false)
                [ "${mtu:-1500}" -le 3500 ] ||
                    fatal "ethtool-sg=$value cannot be had with MTU $mtu"
                csum=false ;;
            *) fatal "ethtool-$feature=$value cannot be had" ;;
        esac
    done
    case $(xs_read "$xapi/other-config/promiscuous") in
        true | on) log "Open vSwitch has no promiscuous ports" ;;
    esac
}

# May the guest use any address, some, or none?  XAPI's own script finds that
# in a file of xenopsd's.
read_locking () {
    xenopsd=$(xs_read "$xapi/xenopsd-backend")
    [ -n "$xenopsd" ] || return 0
    file=${XENOPSD_DIR:-/var/run/nonpersistent/xenopsd}
    file=$file/$xenopsd/VM/$vm_uuid/vif.$handle
    [ -r "$file" ] && mode=$(tr -d ' \t\r\n' <"$file") ||
        fatal "cannot read in $file whether the vif is locked"
    case $mode in
        *'"locking_mode":'*) mode=${mode#*'"locking_mode":'} ;;
        *) return 0 ;;
    esac
    case $mode in
        '"unlocked"'* | '"Unlocked"'*) ;;
        '"disabled"'* | '"Disabled"'*) lock=disabled ;;
        '["locked",{'*'}'* | '["Locked",{'*'}'*)
            lock=locked
            mode=${mode%%\}*}
            for list in ipv4 ipv6; do
                case $mode in
                    *"\"$list\":["*) ;;
                    *) fatal "cannot read in $file what is allowed" ;;
                esac
                list=${mode#*"\"$list\":["}
                allow "$(echo "${list%%]*}" | tr '",' '  ')"
            done ;;
        *) fatal "cannot read in $file whether the vif is locked" ;;
    esac
}

# allow "ADDRESS..."
#
# Adds addresses, or networks, to those that the guest may use.  They become
# part of OpenFlow rules, so nothing else may be in them.
allow () {
    for address in $(echo "$1" | tr ,A-F ' a-f'); do
        case $address in
            *:*[!0-9a-f:./]* | *[!0-9a-f:./]*:* | */*/* | */)
                fatal "ip=$address is no address" ;;
            *:*) ;;
            *[!0-9./]*) fatal "ip=$address is no address" ;;
            *) check_ipv4 "$address" ;;
        esac
        allowed="$allowed${allowed:+ }$address"
    done
}

# Open vSwitch would read 300 as 44.  (It is strict about IPv6.)
check_ipv4 () {
    numbers=$(echo "${1%/*}" | tr . ' ')
    # shellcheck disable=SC2086
    set -- "$1" $numbers
    [ "$#" = 5 ] || fatal "ip=$1 is no address"
    for number in $numbers; do
        case $number in
            0 | [1-9] | [1-9][0-9] | 1[0-9][0-9] | 2[0-4][0-9] | 25[0-5]) ;;
            *) fatal "ip=$1 is no address" ;;
        esac
    done
}

# Splits BRIDGE.TAG:TRUNK:TRUNK into bridge, tag and trunks.  A bridge may have
# a dot in its name.
split_bridge () {
    given=$bridge
    case $bridge in
        *:*) trunks=$(echo "${bridge#*:}" | tr : ,) bridge=${bridge%%:*} ;;
    esac
    case $bridge in
        *.*) if ! vsctl br-exists "$bridge"; then
                 tag=${bridge##*.} bridge=${bridge%.*}
             fi ;;
    esac
    case $tag/$trunks in
        *[!0-9]*/* | */*[!0-9,]*)
            fatal "bridge $given does not exist" ;;
    esac
    vlan=$(xs_read "$XENBUS_PATH/vlan")
    if [ -n "$vlan" ]; then
        [ -z "$tag$trunks" ] ||
            fatal "both vlan=$vlan and the bridge name VLANs"
        split_vlan
    fi
    # With a tag alone, or trunks alone, Open vSwitch knows what is meant.
    if [ -n "$tag" ] && [ -n "$trunks" ]; then
        vlan_mode=native-untagged
    fi
}

bad_vlan () {
    fatal "vlan=$vlan: $*"
}

# Sets tag and trunks as vlan=ITEM/ITEM... says.  Each item is one VLAN, or a
# range (10-20), or a number of steps from the first one (100+10x4).  The "p"
# after one of them means: not tagged.
split_vlan () {
    rest=$vlan/ single=''
    case $vlan in
        *[!0-9]*) ;;
        *) rest=${vlan}p/ ;;
    esac
    while [ -n "$rest" ]; do
        item=${rest%%/*} rest=${rest#*/}
        case $item in
            *p) [ -z "$tag" ] || bad_vlan "two VLANs are marked with p"
                check_vlan "${item%p}"
                tag=${item%p} ;;
            *u) bad_vlan "one VLAN can be untagged, the one with p" ;;
            *-*) list_vlans "${item%%-*}" 1 "${item#*-}" ;;
            *+*x*) step=${item#*+}
                   count_vlans "${item%%+*}" "${step%%x*}" "${step#*x}" ;;
            *) list_vlans "$item" 1 "$item" ;;
        esac
    done
    [ -n "$tag" ] || bad_vlan "no VLAN is marked with p"
}

check_vlan () {
    for number; do
        case $number in
            '' | 0* | *[!0-9]* | ?????*) bad_vlan "'$number' is no VLAN" ;;
        esac
        [ "$number" -le 4094 ] || bad_vlan "'$number' is no VLAN"
    done
}

# count_vlans FIRST STEP MORE
count_vlans () {
    check_vlan "$@"
    list_vlans "$1" "$2" $(($1 + $2 * $3))
}

# list_vlans FIRST STEP LAST
list_vlans () {
    check_vlan "$1" "$2" "$3"
    number=$1
    [ "$number" -le "$3" ] || bad_vlan "the range $1-$3 is empty"
    while [ "$number" -le "$3" ]; do
        trunks="$trunks${trunks:+,}$number"
        number=$((number + $2))
    done
}

# Settings that are kept for a vif in files, because Open vSwitch forgets them
# with the port: for all vifs, or the one with this address, UUID or name.
# (The name vifDOMID.HANDLE is another guest's tomorrow.)  Sets 'profile' to
# more commands for ovs-vsctl, as a shell quotes them.
read_profile () {
    profile=''
    directory=${XENVIF_PROFILES:-/etc/xen/vif-xenvif.d}
    [ "$port" != "vif$domid.$handle" ] && name=$port || name=''
    for file in default ${mac:+"$mac"} ${vif_uuid:+"$vif_uuid"} \
                ${name:+"$name"}; do
        if [ -f "$directory/$file" ]; then
            profile="$profile -- $(sed '/^[[:blank:]]*#/d' \
                                   "$directory/$file" | tr '\n' ' ')"
        fi
    done
    # A shell ends if it has to evaluate what makes no sense.
    # shellcheck disable=SC2034
    (eval "set -- $profile") 2>/dev/null ||
        fatal "unfinished quotes in a file of $directory"
}
