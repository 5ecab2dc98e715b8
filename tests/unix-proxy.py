#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0

"""Puts itself between a Unix socket and its clients, so that a test can break
their connections: by ending it.

  unix-proxy.py LISTEN-PATH CONNECT-PATH
"""

import os
import socket
import sys
import threading


def pump(source, sink):
    """Copies bytes until either side ends, then ends the other one."""
    try:
        while True:
            data = source.recv(65536)
            if not data:
                break
            sink.sendall(data)
    except OSError:
        pass
    for sock in source, sink:
        try:
            sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    listen_path, connect_path = sys.argv[1:]
    if os.path.exists(listen_path):
        os.unlink(listen_path)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(listen_path)
        listener.listen()
        while True:
            client, _ = listener.accept()
            server = socket.socket(socket.AF_UNIX)
            server.connect(connect_path)
            for pair in (client, server), (server, client):
                threading.Thread(target=pump, args=pair, daemon=True).start()


main()
