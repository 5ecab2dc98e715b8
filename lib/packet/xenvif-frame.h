/* SPDX-License-Identifier: Apache-2.0 */

#ifndef XENVIF_FRAME_H
#define XENVIF_FRAME_H 1

/* Where the headers of an Ethernet frame are.
 *
 * Every length in a frame may be a guest's lie: nothing is looked at before it
 * was checked against the frame, and nothing is asserted. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What was found in a frame.  Offsets are in bytes from its beginning. */
struct xenvif_frame {
    uint16_t eth_type;          /* After any VLAN tags; 0 if truncated. */
    bool tagged;                /* Are there VLAN tags? */
    bool options;               /* Are there IPv4 options, or IPv6 extension
                                 * headers? */
    bool padded;                /* Are there bytes behind the packet? */
    bool is_fragment;           /* Of an IP datagram. */
    uint8_t proto;              /* IPPROTO_* of what is at 'l4_ofs'. */
    uint32_t l3_ofs;            /* Of the IP header. */
    uint32_t l4_ofs;            /* Of what follows the IP headers. */
    uint32_t l4_len;            /* Bytes of that, without padding.  What is
                                 * behind a UDP datagram counts as such. */
    uint32_t pseudo;            /* Partial sum of the pseudo-header for
                                 * 'l4_len' bytes of 'proto'. */
    bool final_dst;             /* Is the destination address in the IP header
                                 * the one in the pseudo-header? */
};

/* Parses the 'len' bytes of frame 'data' down to the L4 header.  Returns true
 * if it is a well-formed IPv4 or IPv6 packet; 'l4_len' may then be anything
 * down to 0.  Otherwise only 'eth_type' and 'tagged' are valid. */
bool xenvif_frame_parse(const void *data, size_t len, struct xenvif_frame *);

/* If the packet is TCP or UDP, whole, and its L4 header lies within it,
 * returns the offset of its checksum from the beginning of the frame and
 * stores the length of the L4 header in '*header_len'.  Otherwise returns
 * 0. */
uint32_t xenvif_frame_csum_ofs(const struct xenvif_frame *, const void *data,
                               uint32_t *header_len);

#endif /* xenvif-frame.h */
