#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0

"""Frames that nobody but an attacker sends, without their checksums.

  odd-frames.py make           hexadecimal, one in each line, to be sent with
                               "csum"; the last three have no checksum
  odd-frames.py judge FILE [NAME...]
                               looks for them in a pcap file, also inside of
                               VXLAN; prints those whose checksum is bad, and
                               fails if one with that name (without names: any
                               but the last three) is missing
"""

import re
import struct
import sys

ETH = b"\xff" * 6 + bytes.fromhex("020000000001")
TCP, UDP = 6, 17
# Name: IP version, protocol, VLAN tags, what else is odd.
GOOD = {
    "tcp4": (4, TCP, [], ""),
    "udp4": (4, UDP, [], ""),
    "tcp6": (6, TCP, [], ""),
    "udp6": (6, UDP, [], ""),
    "tcp4-tag": (4, TCP, [5], ""),
    "udp6-tag": (6, UDP, [5], ""),
    "tcp4-tags": (4, TCP, [5, 6], ""),
    "udp4-tags": (4, UDP, [5, 6], ""),
    "tcp6-tags": (6, TCP, [5, 6], ""),
    "udp6-tags": (6, UDP, [5, 6], ""),
    "tcp4-priority-tags": (4, TCP, [0, 6], ""),
    "udp6-priority-tags": (6, UDP, [0, 6], ""),
    "tcp4-five-tags": (4, TCP, [5, 6, 7, 8, 9], ""),
    "tcp4-options": (4, TCP, [], "options"),
    "tcp6-extensions": (6, TCP, [], "options"),
    "udp6-extensions": (6, UDP, [], "options"),
    "tcp4-padded": (4, TCP, [], "padded"),
    "udp4-short": (4, UDP, [], "short"),
    "udp4-zero": (4, UDP, [], "zero"),
    "udp6-zero": (6, UDP, [], "zero"),
}
REFUSED = {
    "tcp4-fragment": (4, TCP, [], "fragment"),
    "udp4-long": (4, UDP, [], "long"),
    "tcp4-cut-tags": (4, TCP, [5, 6], "cut"),
}


def add(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return total


def pseudo(src, dst, proto, n):
    return add(src + dst + struct.pack("!IHH", n, 0, proto))


def make(name):
    version, proto, tags, odd = {**GOOD, **REFUSED}[name]
    text = b"[%s]" % name.encode()
    l4_len = (20 if proto == TCP else 8) + len(text)
    size = 4 if version == 4 else 16
    src, dst = bytes([10] * size), bytes([11] * size)
    blank = 0 if odd == "zero" else pseudo(src, dst, proto, l4_len)
    if proto == TCP:
        l4 = struct.pack("!HHIIBBHHH", 5000, 6000, 1, 1, 0x50, 0x10, 1000,
                         blank, 0)
    else:
        l4 = struct.pack("!HHHH", 5000, 6000,
                         l4_len + (9 if odd == "long" else 0), blank)
    l4 += text + (b"more" if odd == "short" else b"")
    options = bytes([1] * 40) if odd == "options" else b""
    if version == 4:
        ip = bytearray(struct.pack(
            "!BBHHHBBH", 0x45 + len(options) // 4, 0,
            20 + len(options) + len(l4), 0,
            0x2000 if odd == "fragment" else 0, 64, proto, 0)
            + src + dst + options)
        struct.pack_into("!H", ip, 10, ~add(ip) & 0xffff)
    else:
        options = bytes([proto, 0, 1, 4, 0, 0, 0, 0]) if options else b""
        ip = struct.pack("!IHBB", 6 << 28, len(options) + len(l4),
                         60 if options else proto, 64) + src + dst + options
    frame = ETH
    for i, tag in enumerate(tags):
        frame += struct.pack("!HH", 0x8100 if i else 0x88a8, tag)
    frame += b"\x08\x00" if version == 4 else b"\x86\xdd"
    frame += bytes(ip) + l4
    if odd == "padded":
        frame += bytes(range(1, 201))
    return frame[:-30] if odd == "cut" else frame


def is_good(frame):
    """Is the checksum right, behind any number of tags?"""
    ofs = 12
    while frame[ofs:ofs + 2] in (b"\x81\x00", b"\x88\xa8"):
        ofs += 4
    ip = ofs + 2
    if frame[ofs:ip] == b"\x08\x00":
        l4 = ip + (frame[ip] & 15) * 4
        end = ip + struct.unpack("!H", frame[ip + 2:ip + 4])[0]
        proto, addresses = frame[ip + 9], frame[ip + 12:ip + 20]
    else:
        l4 = ip + 40
        end = l4 + struct.unpack("!H", frame[ip + 4:ip + 6])[0]
        proto, addresses = frame[ip + 6], frame[ip + 8:ip + 40]
        while proto == 60:
            proto, l4 = frame[l4], l4 + 8 + 8 * frame[l4 + 1]
    if proto == UDP:
        end = l4 + struct.unpack("!H", frame[l4 + 4:l4 + 6])[0]
        if frame[l4 + 6:l4 + 8] == b"\0\0":
            return False
    half = len(addresses) // 2
    return add(struct.pack("!HH",
                           pseudo(addresses[:half], addresses[half:], proto,
                                  end - l4), 0) + frame[l4:end]) == 0xffff


def judge(path, names):
    found = set()
    data = open(path, "rb").read()
    pos = 24
    while pos + 16 <= len(data):
        n = struct.unpack("=I", data[pos + 8:pos + 12])[0]
        frame = data[pos + 16:pos + 16 + n]
        pos += 16 + n
        inner = frame.find(ETH, 1)
        if inner > 0:
            frame = frame[inner:]
        name = re.search(rb"\[([a-z0-9-]+)\]", frame)
        if name and frame.startswith(ETH):
            found.add((name.group(1).decode(), is_good(frame)))
    for name, good in sorted(found):
        if not good:
            print(name, "bad")
    return all((name, True) in found for name in names or GOOD)


def main():
    args = sys.argv[1:]
    if args == ["make"]:
        for name in list(GOOD) + list(REFUSED):
            print(make(name).hex())
    elif len(args) >= 2 and args[0] == "judge":
        sys.exit(not judge(args[1], args[2:]))
    else:
        sys.exit(__doc__)


main()
