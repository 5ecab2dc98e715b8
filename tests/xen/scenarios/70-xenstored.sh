# -*- shell-script -*-
#
# SPDX-License-Identifier: Apache-2.0

# A xenstored that is not there: it dies under a running switch, and the switch
# starts before it.  What xenstored knew is lost, so there is no guest.
#
# Lasts about 20 s.

pid_of () {
    cat "/run/$1.pid"
}

kill_xenstored () {
    expect kill -KILL "$(pid_of xenstored)"
    expect_soon 10 is_dead "$(pid_of xenstored)"
    rm -f /run/xenstored/socket
}

# Starts xenstored, and what does not live without it.
restart_xenstored () {
    kill "$(pid_of xenconsoled)"
    expect_soon 10 is_dead "$(pid_of xenconsoled)"
    rm -f /run/xenstored.pid /run/xenconsoled.pid /var/lib/xenstored/tdb
    expect start_toolstack
}

# For several times as long as it took to be taken in by the kernel's device.
stays_without () {
    local i
    expect_soon 10 shows 'XenStore: not connected'
    for i in 1 2 3; do
        sleep 1
        expect shows 'XenStore: not connected'
    done
}

dies () {
    expect shows 'XenStore: connected'
    kill_xenstored
    stays_without
}

comes_back () {
    restart_xenstored
    expect_soon 20 shows 'XenStore: connected'
}

comes_late () {
    expect kill_vswitchd TERM
    kill_xenstored
    expect start_vswitchd
    stays_without
    restart_xenstored
    expect_soon 20 shows 'XenStore: connected'
}

# With a guest, as ever.
guest_works () {
    bridge br0
    guest_create g1
    expect_soon 20 is_connected g1
    expect pings dom0 "$(address g1)"
}

check 'xenstored is killed' dies
check 'it comes back' comes_back
check 'the switch starts before xenstored' comes_late
check 'a guest after that' guest_works
