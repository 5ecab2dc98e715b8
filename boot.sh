#!/bin/sh
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
