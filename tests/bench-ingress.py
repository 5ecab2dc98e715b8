#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0

"""Measures what guests may send, on an emulated Xen host.

  run-isolated bench-ingress.py [--build=DIR] rate [--seconds=N]
                                [--interval=MS] [MBIT/S...]
      How exactly the toolstack's rate is kept, by TCP and by UDP.

  run-isolated bench-ingress.py [--build=DIR] fairness [--seconds=N]
                                [--guests=N] [--pps=N]
      What guests that behave get beside one that floods the same PMD thread.

Needs root and a finished build (default: the current directory), and iperf3
for "rate".  run-isolated ends all that was started.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

top = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def wait_for(what, function):
    for _ in range(300):
        if function():
            return
        time.sleep(0.1)
    sys.exit("bench-ingress: gave up waiting for " + what)


class Host:
    """An emulated Xen host with Open vSwitch and its guests."""

    def __init__(self, build):
        with open(os.path.join(build, "Makefile")) as makefile:
            text = makefile.read()
        ovs_build, ovs_source = (
            re.search("^%s = (.*)$" % name, text, re.M).group(1)
            for name in ("ovs_builddir", "ovs_srcdir"))
        self.dir = tempfile.mkdtemp(prefix="xenvif-bench.", dir="/dev/shm")
        self.processes = []
        self.env = dict(os.environ, OVS_RUNDIR=self.dir, OVS_LOGDIR=self.dir,
                        OVS_DBDIR=self.dir, OVS_SYSCONFDIR=self.dir)
        self.env["PATH"] = ":".join(
            [build + "/tests", build + "/xenemu", ovs_build + "/utilities",
             ovs_build + "/ovsdb", self.env["PATH"]])
        self.run("xenemu", "host-start", self.dir + "/xen")
        for line in self.run("xenemu", "env", self.dir + "/xen").splitlines():
            name, _, value = line.replace("export ", "").partition("=")
            name = "XENEMU_PRELOAD" if name == "LD_PRELOAD" else name
            self.env[name] = value.strip("'\";")
        self.run("ovsdb-tool", "create", self.dir + "/conf.db",
                 ovs_source + "/vswitchd/vswitch.ovsschema")
        self.start("ovsdb-server", self.dir + "/conf.db",
                   "--remote=punix:%s/db.sock" % self.dir)
        wait_for("ovsdb-server",
                 lambda: os.path.exists(self.dir + "/db.sock"))
        self.run("ovs-vsctl", "--no-wait", "init", "--", "set",
                 "Open_vSwitch", ".", "other_config:pmd-cpu-mask=0x1")
        self.start("ovs-vswitchd", "--pidfile", "--disable-system",
                   "-vconsole:err")
        self.run("ovs-vsctl", "add-br", "br0", "--", "set", "Bridge", "br0",
                 "datapath_type=netdev", "fail_mode=secure")

    def run(self, *command):
        return subprocess.run(command, env=self.env, check=True, text=True,
                              stdout=subprocess.PIPE).stdout

    def start(self, *command):
        log = open(os.path.join(self.dir, "log"), "a")
        process = subprocess.Popen(command, env=self.env, stdout=log,
                                   stderr=log, stdin=subprocess.DEVNULL)
        self.processes.append(process)

    def add_guest(self, domid, *options, netns=None):
        port = "vif%d.0" % domid
        self.run("ovs-vsctl", "add-port", "br0", port, "--", "set",
                 "Interface", port, "type=xenvif", "options:n_rxq=4")
        self.run("xenemu", "create", "--domid=%d" % domid, "--vif=bridge=br0")
        prefix = ["ip", "netns", "exec", netns] if netns else []
        self.start(*prefix, "xenemu-guest", "--domid", str(domid), *options)
        wait_for(port, lambda: self.run("ovs-vsctl", "get", "Interface", port,
                                        "link_state").strip() == "up")

    def tell(self, domid, *command):
        return self.run("xenemu-guest", "ctl", str(domid), *command)

    def received(self, port):
        """Packets and bytes that the switch received from a port's guest."""
        text = self.run("ovs-ofctl", "dump-ports", "br0", port)
        return [int(n) for n in re.search(r"rx pkts=(\d+), bytes=(\d+)",
                                          text).groups()]

    def measure(self, ports, seconds):
        """Packets and bytes per second, for each port."""
        before = {port: (time.monotonic(), *self.received(port))
                  for port in ports}
        time.sleep(seconds)
        result = {}
        for port in ports:
            now = (time.monotonic(), *self.received(port))
            t, packets, size = (b - a for a, b in zip(before[port], now))
            result[port] = packets / t, size / t
        return result

    def remove(self):
        for process in reversed(self.processes):
            process.terminate()
            process.wait()
        self.run("xenemu", "host-stop", self.dir + "/xen")
        shutil.rmtree(self.dir)


def iperf(host, netns, address, seconds, *options):
    """Runs iperf3 and returns what the switch got from guest 1 meanwhile, in
    bytes per second, after a second to get going."""
    client = subprocess.Popen(
        ["ip", "netns", "exec", netns, "iperf3", "-c", address, "-J",
         "-t", str(seconds + 3), *options],
        env=host.env, stdout=subprocess.PIPE, text=True)
    before, _ = host.received("vif1.0")
    wait_for("iperf3", lambda: host.received("vif1.0")[0] > before + 30)
    time.sleep(1)
    _, speed = host.measure(["vif1.0"], seconds)["vif1.0"]
    text = client.communicate()[0]
    if client.returncode:
        sys.exit("bench-ingress: iperf3: " + json.loads(text)["error"])
    return speed


def bench_rate(host, args):
    for n in 1, 2:
        netns = "g%d" % n
        subprocess.run(["ip", "netns", "add", netns], check=True)
        host.add_guest(n, "--tap", "eth0", "--queues", "4", netns=netns)
        for command in ("addr add 10.9.0.%d/24 dev eth0" % n,
                        "link set dev eth0 up", "link set dev lo up"):
            subprocess.run(["ip", "-n", netns] + command.split(), check=True)
    host.run("ovs-ofctl", "add-flow", "br0", "actions=normal")
    subprocess.Popen(["ip", "netns", "exec", "g2", "iperf3", "-s"],
                     stdout=subprocess.DEVNULL)
    time.sleep(1)
    print("Mbit/s of Ethernet frames over %d s\n" % args.seconds)
    print("%8s %8s %9s %8s %9s" % ("rate", "TCP", "", "UDP", ""))
    for mbps in args.rates or [1, 10, 100, 1000]:
        host.run("xenstore-write", "/local/domain/0/backend/vif/1/0/rate",
                 "%d,%d" % (mbps * 125 * args.interval,
                           1000 * args.interval))
        time.sleep(0.5)
        print("%8g" % mbps, end="", flush=True)
        for options in [], ["-u", "-b", "%dM" % (mbps * 1.2), "-l", "1400"]:
            reached = iperf(host, "g1", "10.9.0.2", args.seconds,
                            *options) * 8 / 1e6
            print(" %8.2f %+8.2f%%" % (reached, (reached / mbps - 1) * 100),
                  end="", flush=True)
        print()


def bench_fairness(host, args):
    honest = ["vif%d.0" % n for n in range(1, args.guests + 1)]
    flooder = args.guests + 1
    for n in range(1, flooder + 1):
        host.add_guest(n)
    host.run("ovs-ofctl", "add-flow", "br0", "actions=drop")
    print("%d guests send %d packets/s each, one PMD thread, %d s\n"
          % (args.guests, args.pps, args.seconds))
    print("%-34s %9s %9s %9s %11s" % ("the other guest", "least", "average",
                                      "most", "the other"))
    for n in range(1, flooder):
        host.tell(n, "pktgen", "rate=%d,size=60" % args.pps)
    for what, spec in (("is quiet", None),
                       ("floods with 60 bytes", "size=60"),
                       ("floods with 1514 bytes", "size=1514"),
                       ("floods with 18 slots a packet",
                        "size=1514,frags=18")):
        if spec:
            host.tell(flooder, "pktgen", "rate=max," + spec)
        time.sleep(1)
        speeds = host.measure(honest + ["vif%d.0" % flooder], args.seconds)
        other = speeds.pop("vif%d.0" % flooder)[0]
        pps = [speed[0] for speed in speeds.values()]
        print("%-34s %9d %9d %9d %11d"
              % (what, min(pps), sum(pps) / len(pps), max(pps), other))
        host.tell(flooder, "pktgen", "stop")
    for n in range(1, flooder + 1):
        host.tell(n, "pktgen", "rate=max,size=60")
    time.sleep(1)
    pps = [speed[0] for speed in
           host.measure(honest + ["vif%d.0" % flooder],
                        args.seconds).values()]
    print("%-34s %9d %9d %9d" % ("all flood with 60 bytes", min(pps),
                                 sum(pps) / len(pps), max(pps)))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", default=".")
    commands = parser.add_subparsers(dest="command", required=True)
    rate = commands.add_parser("rate")
    rate.add_argument("--seconds", type=int, default=5)
    rate.add_argument("--interval", type=int, default=50, help="in ms")
    rate.add_argument("rates", type=float, nargs="*", metavar="MBIT/S")
    fairness = commands.add_parser("fairness")
    fairness.add_argument("--seconds", type=int, default=5)
    fairness.add_argument("--guests", type=int, default=8)
    fairness.add_argument("--pps", type=int, default=2000)
    args = parser.parse_args()
    host = Host(os.path.abspath(args.build))
    try:
        (bench_rate if args.command == "rate" else bench_fairness)(host, args)
    finally:
        host.remove()


if __name__ == "__main__":
    main()
