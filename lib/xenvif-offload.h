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

/* Checksum and segmentation offload: between the flags and extra infos of the
 * netif protocol and the marks on Open vSwitch's packets. */

#include <stdbool.h>
#include <stdint.h>

#include "xenvif-counters.h"
#include "xenvif-queue.h"

struct dp_packet;

/* Guest to switch. */

/* Computes the TCP or UDP checksum of 'packet', an Ethernet frame whose
 * checksum field holds anything, and marks it as verified.  Handles VLAN tags
 * and IPv6 extension headers.
 *
 * Every length in the packet may be a guest's lie and is checked against the
 * frame.  Returns false, with the packet unchanged, if there is no TCP or UDP
 * checksum to compute in it: fragments, truncated headers, other protocols. */
bool xenvif_offload_complete_l4(struct dp_packet *packet);

/* Marks 'packet', which a guest sent with XEN_NETTXF_csum_blank, so that the
 * port that sends it takes care of the checksum.  If 'gso_type' is not 0, it
 * is also marked to be cut into segments of 'gso_size' bytes there. */
enum xenvif_tx_verdict
xenvif_offload_from_guest(struct dp_packet *packet, uint8_t gso_type,
                          uint16_t gso_size);

/* Switch to guest. */

/* What to tell the guest about a packet. */
struct xenvif_rx_offload {
    uint16_t flags;             /* XEN_NETRXF_*. */
    uint16_t gso_size;          /* 0 if the packet is no TSO packet. */
    uint8_t gso_type;           /* XEN_NETIF_GSO_TYPE_*. */
};

/* Can a guest with these features take TSO packet 'packet' as it is? */
bool xenvif_offload_takes_tso(const struct xenvif_features *features,
                              const struct dp_packet *packet);

/* Returns the bytes of payload per segment of TCP packet 'packet', which is to
 * be cut on arrival into segments of 'gso_size' bytes at most, in IP packets
 * of up to 'mtu' bytes; 0 if it cannot be cut. */
uint32_t xenvif_offload_cut_mss(const struct dp_packet *packet,
                                uint32_t gso_size, uint32_t mtu);

/* Returns the bytes of payload per segment of TSO packet 'packet' for a port
 * that takes IP packets of up to 'mtu' bytes; 0 if it is none that can be cut.
 */
uint32_t xenvif_offload_mss(const struct dp_packet *packet, uint32_t mtu);

/* Prepares 'packet' for a guest with 'features' and says what to tell it.  A
 * checksum that the guest cannot complete is completed here, which sets
 * '*completed'.  TSO packets are none but those the guest takes.  Returns
 * false if that is impossible. */
bool xenvif_offload_to_guest(const struct xenvif_features *features,
                             uint32_t mtu, struct dp_packet *packet,
                             struct xenvif_rx_offload *offload,
                             bool *completed);

#endif /* xenvif-offload.h */
