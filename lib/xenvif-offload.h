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

#ifndef XENVIF_OFFLOAD_H
#define XENVIF_OFFLOAD_H 1

/* Checksum offload between the netif protocol and Open vSwitch's packets. */

#include <stdbool.h>

struct dp_packet;

/* Computes the TCP or UDP checksum of 'packet', an Ethernet frame from a guest
 * whose checksum field holds only the sum of the pseudo-header, and marks it
 * as verified.  Handles VLAN tags and IPv6 extension headers.
 *
 * Every length in the packet is the guest's word and is checked against the
 * frame.  Returns false, with the packet unchanged, if there is no TCP or UDP
 * checksum to compute in it: fragments, truncated headers, other protocols. */
bool xenvif_offload_complete_l4(struct dp_packet *packet);

#endif /* xenvif-offload.h */
