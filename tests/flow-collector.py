#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0

"""A collector of sFlow and IPFIX for tests.

  flow-collector.py PORT    listens on that UDP port of 127.0.0.1 until killed

Prints what it receives, one line for each sample or record, as key=value:

  sflow-sample in=IFINDEX out=N len=N dst=MAC
  sflow-counters if=IFINDEX in_octets=N in_packets=N out_octets=N out_packets=N
  ipfix-flow in=IFINDEX packets=N octets=N dst=MAC
"""

import socket
import struct
import sys


def mac(data):
    return ":".join("%02x" % byte for byte in data)


def show(kind, **values):
    print(kind, *("%s=%s" % item for item in values.items()), flush=True)


def sflow_records(data, n):
    """Yields format and content of the 'n' records at the start of 'data'."""
    offset = 0
    for _ in range(n):
        kind, length = struct.unpack_from(">II", data, offset)
        yield kind, data[offset + 8:offset + 8 + length]
        offset += 8 + length


def sflow_sample(data):
    (_, _, _, _, _, port_in, port_out, n) = struct.unpack_from(">8I", data)
    for kind, record in sflow_records(data[32:], n):
        if kind == 1:           # The start of the packet.
            length = struct.unpack_from(">I", record, 4)[0]
            # sFlow counts the frame check sequence, which was stripped.
            show("sflow-sample", **{"in": port_in}, out=port_out,
                 len=length - 4, dst=mac(record[16:22]))


def sflow_counters(data):
    n = struct.unpack_from(">I", data, 8)[0]
    for kind, record in sflow_records(data[12:], n):
        if kind == 1:           # Generic interface counters.
            v = struct.unpack_from(">IIQII Q6I Q6I", record)
            show("sflow-counters", **{"if": v[0]}, in_octets=v[5],
                 in_packets=sum(v[6:9]), out_octets=v[12],
                 out_packets=sum(v[13:16]))


def sflow(data):
    n = struct.unpack_from(">I", data, 24)[0]
    for kind, sample in sflow_records(data[28:], n):
        if kind == 1:
            sflow_sample(sample)
        elif kind == 2:
            sflow_counters(sample)


# Information elements.
OCTETS, PACKETS, INGRESS, DST_MAC = 1, 2, 10, 80

templates = {}


def ipfix_template(data):
    while len(data) >= 4:
        number, n = struct.unpack_from(">HH", data)
        data = data[4:]
        fields = []
        for _ in range(n):
            element, length = struct.unpack_from(">HH", data)
            data = data[4:]
            if element & 0x8000:
                element = None  # Somebody's own.
                data = data[4:]
            fields.append((element, length))
        templates[number] = fields


def ipfix_record(fields, data):
    """Returns the values of a record and what follows it."""
    values = {}
    for element, length in fields:
        if length == 0xffff:
            length, data = data[0], data[1:]
            if length == 255:
                length, data = struct.unpack_from(">H", data)[0], data[2:]
        if element is not None:
            values[element] = data[:length]
        data = data[length:]
    return values, data


def ipfix_data(fields, data):
    shortest = sum(1 if length == 0xffff else length for _, length in fields)
    while len(data) >= max(shortest, 1):
        values, data = ipfix_record(fields, data)
        if DST_MAC in values:
            numbers = {element: int.from_bytes(value, "big")
                       for element, value in values.items()}
            show("ipfix-flow", **{"in": numbers.get(INGRESS)},
                 packets=numbers[PACKETS], octets=numbers[OCTETS],
                 dst=mac(values[DST_MAC]))


def ipfix(data):
    data = data[16:]
    while len(data) >= 4:
        kind, length = struct.unpack_from(">HH", data)
        if kind == 2:
            ipfix_template(data[4:length])
        elif kind in templates:
            ipfix_data(templates[kind], data[4:length])
        data = data[length:]


def main():
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind(("127.0.0.1", int(sys.argv[1])))
    while True:
        data = sock.recv(65536)
        if data[:4] == b"\0\0\0\5":
            sflow(data)
        elif data[:2] == b"\0\n":
            ipfix(data)


if __name__ == "__main__":
    main()
