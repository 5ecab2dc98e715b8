#!/bin/sh
# SPDX-License-Identifier: Apache-2.0

# Makes the configure script of a fresh checkout.

set -e
cd "$(dirname "$0")"

for pair in autoreconf:autoconf automake:automake libtoolize:libtool \
            pkg-config:pkg-config m4:m4; do
    if ! command -v "${pair%%:*}" >/dev/null 2>&1; then
        echo "boot.sh: ${pair%%:*} not found (install Debian's ${pair#*:})" >&2
        exit 1
    fi
done
exec autoreconf --install --force
