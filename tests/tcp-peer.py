#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0

"""A TCP peer for tests: sends or takes bytes, or only tries to connect.

  tcp-peer.py take PORT >FILE     waits for one connection, copies it to stdout
  tcp-peer.py send HOST PORT <FILE
  tcp-peer.py listen PORT         accepts and closes connections until killed
  tcp-peer.py try HOST PORT       exit status 0 if connected within 2 seconds
"""

import shutil
import socket
import sys

TRY_SECONDS = 2
SEND_SECONDS = 60


def listener(port):
    """Returns a socket that listens on 'port' of all addresses."""
    dual = socket.has_dualstack_ipv6()
    return socket.create_server(
        ("", port), family=socket.AF_INET6 if dual else socket.AF_INET,
        dualstack_ipv6=dual)


def take(port):
    with listener(port) as sock:
        connection, _ = sock.accept()
        with connection, connection.makefile("rb") as source:
            shutil.copyfileobj(source, sys.stdout.buffer)


def send(host, port):
    with socket.create_connection((host, port), SEND_SECONDS) as sock:
        with sock.makefile("wb") as sink:
            shutil.copyfileobj(sys.stdin.buffer, sink)


def listen(port):
    with listener(port) as sock:
        while True:
            connection, _ = sock.accept()
            connection.close()


def try_connect(host, port):
    try:
        socket.create_connection((host, port), TRY_SECONDS).close()
    except OSError as error:
        sys.exit("%s port %d: %s" % (host, port, error))


def main():
    args = sys.argv[1:]
    if len(args) == 2 and args[0] == "take":
        take(int(args[1]))
    elif len(args) == 3 and args[0] == "send":
        send(args[1], int(args[2]))
    elif len(args) == 2 and args[0] == "listen":
        listen(int(args[1]))
    elif len(args) == 3 and args[0] == "try":
        try_connect(args[1], int(args[2]))
    else:
        sys.exit(__doc__)


main()
