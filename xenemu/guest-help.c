/*
 * Copyright (c) 2026 The ovs-xenvif authors.
 *
 * Licensed under the Apache License, Version 2.0 (the "License");
 * you may not use this file except in compliance with the License.
 * You may obtain a copy of the License at:
 *
 *     http://www.apache.org/licenses/LICENSE-2.0
 *
 * Unless required by applicable law or agreed to in writing, software
 * distributed under the License is distributed on an "AS IS" BASIS,
 * WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
 * See the License for the specific language governing permissions and
 * limitations under the License.
 */

/* The text of --help. */

#include "guest.h"

static const char usage[] =
"usage: xenemu-guest --domid D [OPTION]...\n"
"       xenemu-guest ctl D [DEVID] COMMAND [ARGUMENT]...\n"
"       xenemu-guest ctl D [DEVID] -        (commands on standard input)\n"
"A network frontend of domain D of the emulated Xen host in $XENEMU_DIR,\n"
"which judges all that the backend does.\n"
"\n"
"Device (+: a reload may change it):\n"
"  --devid N             interface of the domain (default: 0)\n"
"  --profile linux|windows|freebsd|netbsd|minios|unikraft + keys and habits\n"
"                        of such a driver, comes before what changes them\n"
"                        (default: $XENEMU_GUEST_PROFILE, or linux)\n"
"  --order linux|minios  + minios: Connected at once, without InitWait; sets\n"
"                        the keys below, so it has to come first\n"
"  --queues N            + queue pairs wanted (default: 1)\n"
"  --split --no-split    + event channel for each ring, if offered\n"
"  --feature KEY=0|1|none + any of the keys that a frontend writes, or:\n"
"  --sg --rx-copy --rx-notify --gso-tcpv4 --gso-tcpv6 --no-csum-offload\n"
"  --ipv6-csum-offload --multicast-control (each also --no-..., ...=none) +\n"
"  --xdp-headroom N      + ask for free space in front of received frames\n"
"  --ctrl-ring           + share a control ring, if offered\n"
"  --rss                 + choose Toeplitz over it, given several queues\n"
"  --staging             + fixed pages, which the backend is told to map\n"
"  --persistent          + fixed pages, which the backend may keep mapped\n"
"  --set KEY=VALUE       + write a key last on connect; \\xNN is a byte,\n"
"                        @tx0, @rx0, @evtchn0 is what queue 0 really has,\n"
"                        @ctrl, @evtchn-ctrl the control ring\n"
"  --unset KEY           + do not write a key;  --clear-sets: forget both\n"
"  --start-index N       + initial value of all ring indexes\n"
"  --rx-buffers N        + RX requests to keep posted (default: 256)\n"
"  --mac MAC, --mtu N    default: what the toolstack says\n"
"Habits (all +; see the manual for those of each profile):\n"
"  --max-queues N --rx-lazy N --rewrite --close-first --need-ctrl\n"
"  --rx-id-slot --strict-errors --tx-hash --tx-poll --half-events\n"
"  --csum-bare --drain --staging-optional\n"
"  --answer MS           longest time for an answer to a state\n"
"  --cycle MS            the same before it connects (--close-first)\n"
"Traffic:\n"
"  --tap NAME            TAP device, created in this network namespace\n"
"  --csum-blank          leave checksums of the TAP device to the backend\n"
"  --gso                 leave TCP segmentation to the backend, too\n"
"  --pktgen SPEC         generate: size=N|N-M,rate=PPS|max,count=N,flows=N,\n"
"                        dst=MAC,frags=N,ip=4|6,csum=none|full|blank,vlan=N,\n"
"                        dport=N\n"
"  --sink                + judge generated packets received\n"
"  --echo                + send back what is received\n"
"Judging:\n"
"  --canary              + find writes beyond the payload of RX pages\n"
"  --spin                + never sleep: sees every step of the ring\n"
"  --wakeup SECS         + responses without event are a violation after\n"
"                        this time (default: 10, 0: never)\n"
"  --timeout SECS        + to wait for answers of the backend (default: 30)\n"
"  --keep-going          count violations instead of ending at the first\n"
"\n"
"Commands (nowait: do not wait for the outcome):\n"
"  reload [nowait] [OPTION=VALUE]...   unload and load the driver\n"
"  close, connect                      the two halves of that\n"
"  return                              Mini-OS's shutdown: ends in state 1\n"
"  jump, skip-closing                  4->1 and 4->6 without Closing\n"
"  suspend, resume, resume-init        silent; resume connects at InitWait\n"
"  stall on|off                        do not post RX buffers\n"
"  hold on|off                         do not take TX completions\n"
"  stop                                end like SIGTERM\n"
"  wait CONDITION [SECS]               up, phase=P, backend=N, connects>=N,\n"
"                                      pktgen, COUNTER>=N\n"
"  stats, state                        counters; states and ring indexes\n"
"  pktgen SPEC|stop                    change the generator\n"
"  send [q=N] [n=N] [frags=N] [csum] [valid] HEX\n"
"  kick [q=N] [n=N]                    notify the backend for nothing\n"
"  capture on|off, captured            remember and print received frames\n"
"  ctrl hash-algorithm|hash-flags|hash-mapping-size N, ctrl hash-key [HEX],\n"
"  ctrl hash-mapping OFFSET:A,B..., ctrl get-flags, ctrl get-mapping-size,\n"
"  ctrl raw TYPE [D0 [D1 [D2]]]        send a message, print the answer\n"
"  gref size|add|del [q=N] [n=N]       the same about fixed pages\n"
"  xdp N                               change the headroom\n"
"  mcast add|del MAC, mcast request 0|1  multicast filter\n"
"  xs-write KEY VALUE, xs-rm KEY, xs-read KEY, xs-ls KEY\n"
"  raw on|off, slots [q=N] STATEMENT;...   requests made by hand:\n"
"    tx gref=self|bad|revoked|other|ring|rxring|N off=N size=N id=N\n"
"       flags=FLAG,...|N data=pattern|zero|HEX repeat=N\n"
"    extra type=N flags=more|N gso=SIZE:TYPE mcast=MAC data=HEX repeat=N\n"
"    push [always|never]               publish TX requests; notify if asked\n"
"    rx gref=self|ro|bad|revoked|other|ring|rxring|last|N id=N repeat=N;\n"
"    rxpush [always|never]\n"
"    rsp [all|N] [MS], rxrsp [N] [MS] [bytes=N]   await and print responses\n"
"    grant [ro]                        grant a page, print its reference\n"
"    set tx|rx req_prod|req_event|rsp_prod|rsp_event [rsp|req]+N|-N|N|random\n"
"    get tx|rx;  sleep MS;  scribble tx|rx MS [SEED]\n"
"Exit status: 0 clean end, 1 failure, 2 wrong command line, 3 violation.\n";

/* Prints how to use the program. */
void
guest_usage(FILE *out)
{
    fputs(usage, out);
}
