# -*- shell-script -*-
#
# SPDX-License-Identifier: Apache-2.0

# What grants cost here.  The figures are in the log of the scenario.
#
# Lasts about 10 s.

not_here () {
    skip 'tests/xen/run does not bring the program to dom0'
}

# has_row PATTERN
has_row () {
    grep -q -e "$1" /run/cost
}

cost () {
    xenvif-grant-cost --blocks=9 --calls=4 >/run/cost 2>&1 || {
        cat /run/cost
        fail "$(tail -n 1 /run/cost)"
    }
    cat /run/cost
    expect has_row '^Xen: *[0-9][0-9]*\.[0-9]'
    expect_not has_row emulated
    expect_equal 'number of rows about copies' \
        "$(grep -c 'guest, .* segment' /run/cost)" 48
    expect has_row '^unmap 32 pages  *[0-9]'
    expect has_row '^notify, and the peer reads and unmasks  *[0-9]'
}

# The daemon is not disturbed, and what was granted is free again.
again () {
    local i
    for i in 1 2 3; do
        expect xenvif-grant-cost --blocks=1 --calls=1
    done
    expect shows 'XenStore: connected, .*: self-granted'
}

if ! command -v xenvif-grant-cost; then
    check 'xenvif-grant-cost' not_here
    exit 0
fi
need 'xenvif-grant-cost' cost
check 'again' again
