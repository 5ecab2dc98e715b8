#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0

"""Prints an Ethernet frame with an SCTP packet, in hexadecimal, for tests.

  sctp-frame.py 4|6|vlan [blank]

IPv4, IPv6, or IPv4 behind a VLAN tag.  The checksum is correct, or 0.
"""

import ipaddress
import struct
import sys

SCTP = 132
ETH = b"\xff" * 6 + bytes.fromhex("00163e010001")
VLAN = bytes.fromhex("81000005")


def crc32c(data):
    crc = 0xffffffff
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82f63b78 if crc & 1 else 0)
    return crc ^ 0xffffffff


def sctp(blank):
    """Returns a common header and 88 bytes that nobody looks at."""
    packet = bytearray(struct.pack("!HHII", 5000, 6000, 0x12345678, 0)
                       + bytes(range(88)))
    if not blank:
        struct.pack_into("<I", packet, 8, crc32c(packet))
    return packet


def ipv4(payload):
    header = bytearray(struct.pack(
        "!BBHHHBBHII", 0x45, 0, 20 + len(payload), 0, 0, 64, SCTP, 0,
        int(ipaddress.ip_address("10.1.1.1")),
        int(ipaddress.ip_address("10.1.1.2"))))
    total = sum(struct.unpack("!10H", header))
    total = (total & 0xffff) + (total >> 16)
    struct.pack_into("!H", header, 10, ~total & 0xffff)
    return b"\x08\x00" + header + payload


def ipv6(payload):
    return (b"\x86\xdd" + struct.pack("!IHBB", 6 << 28, len(payload), SCTP, 64)
            + ipaddress.ip_address("fd00::1").packed
            + ipaddress.ip_address("fd00::2").packed + payload)


def main():
    args = sys.argv[1:]
    if not args or args[0] not in ("4", "6", "vlan") or \
            args[1:] not in ([], ["blank"]):
        sys.exit(__doc__)
    payload = sctp(len(args) > 1)
    rest = ipv6(payload) if args[0] == "6" else ipv4(payload)
    print((ETH + (VLAN if args[0] == "vlan" else b"") + rest).hex())


main()
