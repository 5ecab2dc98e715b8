# -*- shell-script -*-
#
# SPDX-License-Identifier: Apache-2.0

# What toolstacks and guests do to a vif in its life.
#
# Lasts about 100 s.

bridge br0

# works GUEST
#
# Is the guest's first vif connected, and does the guest answer?
works () {
    expect_soon 20 is_connected "$1"
    expect pings dom0 "$(address "$1")"
}

pause () {
    expect xl pause g1
    expect_not ping -c 2 -W 1 "$(address g1)"
    expect is_connected g1
    expect xl unpause g1
    works g1
}

# Linux unloads xen-netfront only after it has let go of all devices.
unload='for d in /sys/bus/xen/drivers/vif/vif-*; do
        echo ${d##*/} >/sys/bus/xen/drivers/vif/unbind; done;
    rmmod xen_netfront'

# What the guest does with its driver is not to be seen by others.
driver_reload () {
    start_pings "$(address g2)"
    expect guest_exec g1 "for i in 1 2 3 4 5; do
        $unload && modprobe xen-netfront && net-up &&
            ping -c 1 -w $((10 * patience)) 10.77.0.254 || exit 1; done"
    works g1
    expect_equal 'pings lost by another guest' "$(lost_pings)" 0
    expect shows 'connects: 6' "$(port g1)"
}

driver_gone () {
    expect guest_exec g1 "$unload"
    expect_soon 10 eval 'test "$(interface "$(port g1)" link_state)" = down'
    expect guest_exec g1 'modprobe xen-netfront && net-up'
    works g1
}

detach () {
    local port
    port=$(port g1)
    expect xl network-detach g1 0
    expect_equal 'ports of the name' \
        "$(vif_ports | grep -c "$port" || :)" 0
    expect_not xenstore-exists "$(backend_path g1)"
    expect_soon 10 guest_exec g1 'test ! -e /sys/class/net/eth0'
}

attach () {
    # shellcheck disable=SC2046 # A list.
    expect xl network-attach g1 $(vif_spec g1 0 rate=3Mb/s | tr , ' ')
    expect_soon 10 guest_exec g1 'test -e /sys/class/net/eth0'
    expect guest_exec g1 net-up
    works g1
}

# As was said when it was attached.
rate () {
    expect_equal 'rate of the port' "$(interface "$(port g1)" status:rate)" \
        '18750 bytes every 50000 us'
    iperf_limited 3 g1 g2 "$(address g2)"
}

reboot_guest () {
    local boots id
    boots=$(boots g1)
    id=$(domid g1)
    expect xl reboot g1
    expect_soon 90 has_booted g1 "$boots"
    expect_not test "$(domid g1)" = "$id"
    works g1
    expect_equal 'number of ports' "$(vif_ports | wc -l)" 2
}

save_and_restore () {
    expect guest_exec g1 'echo it is the same >/tmp/mark'
    expect xl save g1 /tmp/g1.save
    expect is_gone g1
    expect_equal 'number of ports' "$(vif_ports | wc -l)" 1
    expect xl restore /tmp/g1.save
    rm -f /tmp/g1.save
    works g1
    expect_equal 'mark in the guest' "$(guest_exec g1 cat /tmp/mark)" \
        'it is the same'
}

destroy_under_load () {
    start_traffic g1 g2 "$(address g2)"
    start_pings "$(address g2)"
    expect xl destroy g1
    expect_equal 'pings lost by the other guest' "$(lost_pings)" 0
    expect_equal 'number of ports' "$(vif_ports | wc -l)" 1
    works g2
}

panic () {
    guest_send g1 'echo c >/proc/sysrq-trigger' >/dev/null
    expect_soon 30 is_gone g1
    expect_soon 10 eval 'test "$(vif_ports | wc -l)" = 1'
    works g2
}

shutdown_guest () {
    expect xl shutdown -w g2
    expect_soon 10 is_gone g2
    expect_soon 10 eval 'test -z "$(vif_ports)"'
}

need 'two guests' eval 'guest_create g1 && guest_create g2'
check 'xl pause, unpause' pause
check 'the guest reloads its driver five times' driver_reload
check 'the guest unloads its driver' driver_gone
check 'xl network-detach' detach
check 'xl network-attach' attach
check 'rate= in the configuration of xl' rate
check 'xl reboot' reboot_guest
check 'xl save, restore' save_and_restore
check 'xl destroy under load' destroy_under_load
need 'the guest again' guest_create g1
check 'guest panic' panic
check 'xl shutdown' shutdown_guest
