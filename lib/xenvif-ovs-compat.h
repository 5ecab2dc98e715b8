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

#ifndef XENVIF_OVS_COMPAT_H
#define XENVIF_OVS_COMPAT_H 1

/* What differs between releases of Open vSwitch, and nothing else: packet
 * allocation and the marks that a packet carries about its checksums. */

#include <stdbool.h>
#include <stdint.h>

#include "dp-packet.h"
#include "util.h"

/* Room in front of a received frame for tunnel headers and tags, as other
 * userspace ports have it.  DP_NETDEV_HEADROOM would do for one VLAN tag. */
#define XENVIF_PACKET_HEADROOM 128

/* Returns a new packet with room for a frame of 'size' bytes, at most 65535,
 * and its size set to that; the content is not initialised.
 *
 * One allocation for structure and buffer is a good deal cheaper than two.
 * dp_packet_delete() frees it as a whole. */
static inline struct dp_packet *
xenvif_packet_new(uint32_t size)
{
    /* 'allocated_' has 16 bits. */
    uint32_t headroom = MIN(XENVIF_PACKET_HEADROOM, UINT16_MAX - size);
    struct dp_packet *packet = xmalloc(sizeof *packet + headroom + size);

    dp_packet_use_stub(packet, packet + 1, headroom + size);
    dp_packet_reserve(packet, headroom);
    dp_packet_set_size(packet, size);
    return packet;
}

/* Does the packet's L4 checksum count as verified? */
static inline bool
xenvif_packet_l4_is_good(const struct dp_packet *packet)
{
    return dp_packet_l4_checksum_valid(packet);
}

/* Marks the L4 checksum as verified. */
static inline void
xenvif_packet_set_l4_good(struct dp_packet *packet)
{
    *dp_packet_ol_flags_ptr(packet) |= DP_PACKET_OL_RX_L4_CKSUM_GOOD;
}

#endif /* xenvif-ovs-compat.h */
