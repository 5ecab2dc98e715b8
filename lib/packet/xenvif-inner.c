/* SPDX-License-Identifier: Apache-2.0 */

/* Checksums inside of a tunnel that is none of Open vSwitch's. */

#include <config.h>

#include "packet/xenvif-inner.h"

#include <netinet/in.h>

#include "csum.h"
#include "dp-packet.h"
#include "packets.h"
#include "unaligned.h"
#include "util.h"
#include "packet/xenvif-frame.h"
#include "packet/xenvif-ovs-compat.h"

/* By how many bytes the L4 header may be elsewhere than where it was when the
 * packet came in: VLAN tags come and go, and nobody keeps that up to date. */
#define MAX_SHIFT (2 * VLAN_HEADER_LEN)

/* Completes the checksum of the frame inside, the 'len' bytes at 'data', if
 * its L4 header begins at 'l4_ofs' and its checksum field, 'csum_ofs' bytes
 * behind that, holds what it does where a checksum is left open: the sum of
 * the pseudo-header.  Returns false if not. */
static bool
complete_frame(uint8_t *data, size_t len, uint32_t l4_ofs, uint16_t csum_ofs)
{
    struct xenvif_frame frame;
    uint32_t header_len, ofs;
    ovs_be16 *field;
    ovs_be16 sum;

    if (!xenvif_frame_parse(data, len, &frame) || frame.l4_ofs != l4_ofs) {
        return false;
    }
    ofs = xenvif_frame_csum_ofs(&frame, data, &header_len);
    field = ALIGNED_CAST(ovs_be16 *, data + ofs);
    if (ofs != l4_ofs + csum_ofs
        || get_unaligned_be16(field)
           != (OVS_FORCE ovs_be16) ~csum_finish(frame.pseudo)) {
        return false;
    }
    sum = csum(data + l4_ofs, frame.l4_len);
    if (!sum && frame.proto == IPPROTO_UDP) {
        sum = OVS_BE16_MAX;
    }
    put_unaligned_be16(field, sum);
    return true;
}

/* Tries that with an L4 header at 'l4_ofs' of 'packet', behind an Ethernet and
 * an IPv4 or IPv6 header without options. */
static bool
complete_at(struct dp_packet *packet, uint32_t l4_ofs, uint16_t csum_ofs)
{
    static const uint32_t l3_lens[] = { IP_HEADER_LEN, IPV6_HEADER_LEN };

    for (size_t i = 0; i < ARRAY_SIZE(l3_lens); i++) {
        uint32_t headers = ETH_HEADER_LEN + l3_lens[i];
        uint8_t *data = dp_packet_data(packet);
        size_t len = dp_packet_size(packet);

        if (l4_ofs >= headers && l4_ofs < len
            && complete_frame(data + l4_ofs - headers, len - l4_ofs + headers,
                              headers, csum_ofs)) {
            return true;
        }
    }
    return false;
}

void
xenvif_inner_complete(struct dp_packet *packet)
{
    uint16_t csum_ofs;
    uint32_t start = xenvif_packet_csum_start(packet, &csum_ofs);
    struct xenvif_frame frame;

    /* There are headers in between; so much for most packets. */
    if (OVS_LIKELY(start <= ETH_HEADER_LEN + IP_HEADER_LEN + MAX_SHIFT)
        || !xenvif_packet_l4_is_partial(packet)
        || !xenvif_frame_parse(dp_packet_data(packet), dp_packet_size(packet),
                               &frame)
        || start <= frame.l4_ofs + MAX_SHIFT) {
        return;
    }
    for (uint32_t shift = 0; shift <= MAX_SHIFT; shift += VLAN_HEADER_LEN) {
        if (complete_at(packet, start - shift, csum_ofs)
            || complete_at(packet, start + shift, csum_ofs)) {
            return;
        }
    }
}
