/* SPDX-License-Identifier: Apache-2.0 */

#ifndef GUEST_OFFLOAD_H
#define GUEST_OFFLOAD_H 1

/* Internet checksums, and where a frame has them. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where the TCP or UDP header of a frame is and where its checksum. */
struct guest_l4 {
    bool ipv6;
    uint8_t proto;
    unsigned int ofs;           /* Of the L4 header in the frame. */
    unsigned int len;           /* Of L4 header and payload. */
    unsigned int csum_ofs;      /* Of the checksum in the L4 header. */
};

/* Finds the TCP or UDP header of the frame whose first 'len' bytes are at
 * 'frame', behind up to two VLAN tags.  The payload may lie beyond 'len', the
 * checksum may not.  Returns false if there is none. */
bool guest_find_l4(const uint8_t *frame, unsigned int len, struct guest_l4 *);

/* Is the checksum that a network stack left open, whose sum begins at 'ofs'
 * and whose field is 'csum_ofs' bytes behind that, the one of the outermost
 * TCP or UDP header?  The protocol has no words for others. */
bool guest_csum_is_outermost(const uint8_t *frame, unsigned int len,
                             unsigned int ofs, unsigned int csum_ofs);

/* Returns the sum over the pseudo-header of the frame's L4 header. */
uint16_t guest_pseudo_sum(const uint8_t *frame, const struct guest_l4 *);

/* Folds a sum to 16 bits, without complement. */
uint16_t guest_csum_fold(uint32_t sum);

/* Adds 'n' bytes to a one's complement sum in network byte order.  Only the
 * last call of a series may have an odd 'n'. */
uint32_t guest_csum_add(uint32_t sum, const void *, size_t n);

/* Computes the checksum of a complete frame in place. */
void guest_csum_finish(uint8_t *frame, const struct guest_l4 *);

#endif /* guest/offload.h */
