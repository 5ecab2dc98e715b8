# -*- shell-script -*-
#
# SPDX-License-Identifier: Apache-2.0

# What a scenario does with the switch, and the start of Xen's and its own
# daemons in dom0.

export OVS_RUNDIR=/run/openvswitch OVS_DBDIR=/run/openvswitch
export OVS_SYSCONFDIR=/run/openvswitch OVS_LOGDIR=$log_dir

# Starts what a Xen host runs.
start_xen () {
    mkdir -p "$log_dir/console" "$log_dir/xl"
    ln -sfn "$log_dir/xl" /var/log/xen
    : >/etc/xen/xl.conf
    install_script
    start_toolstack
}

# Starts its daemons.
start_toolstack () {
    xenstored --pid-file /run/xenstored.pid
    wait_for 10 test -S /run/xenstored/socket || return 1
    xen-init-dom0 || return 1
    xenconsoled --log=all --log-dir="$log_dir/console" \
        --pid-file=/run/xenconsoled.pid
}

# Installs the hotplug script.
install_script () {
    cp /share/vif-xenvif* /etc/xen/scripts/
    chmod +x /etc/xen/scripts/vif-xenvif
}

start_ovsdb () {
    mkdir -p $OVS_RUNDIR
    ovsdb-tool create $OVS_DBDIR/conf.db /share/vswitch.ovsschema || return 1
    ovsdb-server $OVS_DBDIR/conf.db --remote=punix:$OVS_RUNDIR/db.sock \
        --pidfile --detach --log-file -vconsole:off || return 1
    ovs-vsctl --no-wait init
    # A PMD thread that never sleeps would take a processor from the guests,
    # of which there are few.
    ovs-vsctl --no-wait set Open_vSwitch . other_config:pmd-maxsleep=200
}

# Starts ovs-vswitchd.
start_vswitchd () {
    (ulimit -c unlimited
     cd "$log_dir" &&
     ovs-vswitchd --pidfile --detach --log-file --disable-system \
         -vconsole:off -vcoverage:off)
}

vswitchd_pid () {
    cat $OVS_RUNDIR/ovs-vswitchd.pid
}

# kill_vswitchd SIGNAL
#
# Ends ovs-vswitchd and waits until it is gone.
kill_vswitchd () {
    local pid
    pid=$(vswitchd_pid)
    kill "-$1" "$pid"
    wait_for 20 is_dead "$pid"
}

is_dead () {
    test ! -e "/proc/$1/stat"
}

# bridge NAME
#
# Makes sure that there is a bridge whose address in dom0 is 10.77.0.254.
bridge () {
    ovs-vsctl --may-exist add-br "$1" \
        -- set Bridge "$1" datapath_type=netdev || return 1
    ip addr replace 10.77.0.254/24 dev "$1"
    ip addr replace fd77:0::fe/64 nodad dev "$1"
    ip link set dev "$1" up
}

# interface PORT COLUMN[:KEY]
#
# Prints a value of a port's Interface record, without quotes.
interface () {
    ovs-vsctl --if-exists get Interface "$1" "$2" 2>/dev/null | tr -d '"'
}

# shows PATTERN [PORT]
#
# Does xenvif/show print a line that matches?
shows () {
    ovs-appctl xenvif/show ${2:+"$2"} | grep -q -e "$1"
}

# vif_ports
#
# Prints the ports that are vifs of guests.
vif_ports () {
    ovs-vsctl --bare --columns=name find Interface type=xenvif | grep . || :
}

# Makes everything as it was before the scenario.
clean_up () {
    local guest bridge
    for guest in $(xl list | awk 'NR > 1 && $1 != "Domain-0" { print $1 }'); do
        xl destroy "$guest"
    done
    install_script
    echo 1 >/sys/bus/xen-backend/drivers_autoprobe
    rm -f /etc/modprobe.d/xenvif.conf
    if grep -q '^xen_netback ' /proc/modules; then
        wait_for 10 rmmod xen_netback
    fi
    ovs-appctl version >/dev/null 2>&1 || start_vswitchd
    for bridge in $(ovs-vsctl list-br); do
        ovs-vsctl del-br "$bridge"
    done
    if test -n "$(ovs-vsctl get Open_vSwitch . \
            other_config:userspace-tso-enable 2>/dev/null)"; then
        # The daemon reads this once.
        ovs-vsctl remove Open_vSwitch . other_config userspace-tso-enable
        kill_vswitchd TERM
        start_vswitchd
    fi
}

# only_dom0
only_dom0 () {
    test "$(xl list | tail -n +2 | wc -l)" = 1
}

# no_backend
#
# Is there no vif in XenStore any more?
no_backend () {
    test -z "$(xenstore-list /local/domain/0/backend/vif 2>/dev/null)"
}

# maps
#
# Prints how many pages of guests ovs-vswitchd has mapped.
maps () {
    grep -c gntdev "/proc/$(vswitchd_pid)/maps"
}

# nothing_left
#
# The last case of each scenario, after all guests have ended.
nothing_left () {
    expect_soon 20 only_dom0
    expect_soon 10 no_backend
    expect_equal 'vif ports' "$(vif_ports)" ''
    expect_equal 'vifs known' "$(ovs-appctl xenvif/list | tail -n +2)" ''
    expect_equal 'mapped pages' "$(maps)" 0
}
