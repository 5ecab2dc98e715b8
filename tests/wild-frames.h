/* SPDX-License-Identifier: Apache-2.0 */

#ifndef WILD_FRAMES_H
#define WILD_FRAMES_H 1

/* Frames as nobody but an attacker sends them, and a judge of their checksums.
 * Neither uses any code of the provider or of Open vSwitch. */

#include <stdbool.h>
#include <stdint.h>

/* A frame, and what a guest says of it. */
struct wild_frame {
    uint32_t len;               /* At least an Ethernet header. */
    bool blank;                 /* Is its checksum left to the backend? */
    bool validated;             /* Is it said to be right? */
    uint8_t gso_type;           /* XEN_NETIF_GSO_TYPE_* or 0. */
    uint16_t gso_size;
    uint8_t data[65536];
};

/* Makes a frame of up to some 1500 bytes, or of any size if 'large': any
 * number of tags; IPv4 with options, IPv6 with extension headers, or both
 * behind MPLS, PPPoE and LLC; TCP, UDP, tunnels and other things; fragments;
 * lengths that are not true; padding; truncated anywhere. */
void wild_make(struct wild_frame *, bool large);

/* What the judge found in a frame. */
struct wild_l4 {
    unsigned int n_tags;        /* VLAN tags. */
    bool options;               /* IPv4 options or IPv6 extension headers? */
    bool v6;
    uint8_t proto;              /* TCP or UDP. */
    uint32_t l3, l4;            /* Offsets. */
    uint32_t l4_len;            /* Without padding. */
    uint32_t header_len;        /* Of the L4 header. */
};

/* Finds the TCP or UDP checksum of a frame, behind any number of tags and MPLS
 * labels.  Returns false if there is none: in fragments, with hops left before
 * the final destination, with lengths that contradict each other. */
bool wild_find(const uint8_t *data, uint32_t len, struct wild_l4 *);

static inline uint32_t
wild_csum_ofs(const struct wild_l4 *l4)
{
    return l4->l4 + (l4->proto == 6 ? 16 : 6);
}

/* Is the checksum right?  (A missing one is not.) */
bool wild_csum_is_ok(const uint8_t *data, const struct wild_l4 *);

/* Returns the sum of the pseudo-header, folded. */
uint16_t wild_pseudo(const uint8_t *data, const struct wild_l4 *);

/* Puts into the checksum's place, where the sum of the pseudo-header is, what
 * a network card makes of it that is told to sum up from 'start' on. */
void wild_finish(uint8_t *data, const struct wild_l4 *, uint32_t start);

/* Is the checksum of the IPv4 header at 'l3' right? */
bool wild_ip_is_ok(const uint8_t *data, uint32_t l3);

#endif /* wild-frames.h */
