/* SPDX-License-Identifier: Apache-2.0 */

#ifndef GUEST_GEN_H
#define GUEST_GEN_H 1

/* What generator and sink agree on. */

#include <stdint.h>

#define GUEST_GEN_MAGIC 0x5847
#define GUEST_GEN_ETHERTYPE 0x88b5 /* For local experiments. */

/* Start of the UDP payload; the rest is the pattern, shifted. */
struct guest_gen_header {
    uint16_t magic;
    uint16_t nonce;             /* Differs from run to run. */
    uint16_t source;            /* Domain id of the generator. */
    uint16_t flow;
    uint64_t seq;               /* From 0 in each flow of a run. */
};

/* How far the pattern of a packet is shifted: neighbours differ. */
static inline unsigned int
guest_gen_shift(const struct guest_gen_header *h)
{
    return (h->seq * 7 + h->flow) & 0xff;
}

const uint8_t *guest_gen_pattern(void);

#endif /* guest/gen.h */
