#!/usr/bin/env python3
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
