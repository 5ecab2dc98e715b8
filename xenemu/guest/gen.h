/* SPDX-License-Identifier: Apache-2.0 */

#ifndef GUEST_GEN_H
#define GUEST_GEN_H 1

/* The packet generator, and what the sink has to know of it. */

#include <stdbool.h>
#include <stdint.h>

struct guest;
struct guest_queue;

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

/* Returns the pattern of which each packet has a part.  Any bytes will do,
 * as long as both ends have the same and shifted copies differ. */
const uint8_t *guest_gen_pattern(void);

/* Starts to generate what 'text' specifies, in place of anything before.
 * Returns NULL or an error message to be freed.  Any thread. */
char *guest_gen_start(struct guest *, const char *spec);

/* Ends the generation of packets.  Any thread. */
void guest_gen_stop(struct guest *);

/* Returns true if there is nothing left to generate. */
bool guest_gen_done(struct guest *);

/* Returns the packets made in this run. */
uint64_t guest_gen_sent(struct guest *);

/* Generates packets.  Returns true if there are more to send at once, else
 * sets '*wake_ns' to when there will be, if ever. */
bool guest_gen_poll(struct guest_queue *, uint64_t *wake_ns);

#endif /* guest/gen.h */
