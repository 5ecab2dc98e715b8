/* SPDX-License-Identifier: Apache-2.0 */

#ifndef NETIF_HASH_H
#define NETIF_HASH_H 1

/* How a guest wants its packets hashed and distributed over its queues, and
 * whether a packet that it received was.  Pure functions, like those of
 * netif/check.h. */

#include "netif/check.h"

#define NETIF_HASH_KEY_SIZE 40
#define NETIF_HASH_MAPPING_MAX 1024 /* What one message can carry. */

/* What was agreed on over the control ring.  All zeros is how a connection
 * starts. */
struct netif_hash {
    bool toeplitz;              /* Is there an algorithm? */
    uint32_t flags;             /* XEN_NETIF_CTRL_HASH_TYPE_*. */
    uint8_t key[NETIF_HASH_KEY_SIZE];
    uint32_t mapping_size;      /* 0: hash modulo number of queues. */
    uint32_t mapping[NETIF_HASH_MAPPING_MAX];
};

/* Returns the Toeplitz hash of 'len' bytes. */
uint32_t netif_toeplitz(const uint8_t key[NETIF_HASH_KEY_SIZE],
                        const void *data, unsigned int len);

/* Hashes the frame of 'total' bytes whose first 'len' are at 'frame', headers
 * included.  Returns false if no flag applies to it, otherwise true with the
 * bit number of the flag in '*type'. */
bool netif_hash_frame(const struct netif_hash *, const uint8_t *frame,
                      unsigned int len, unsigned int total, uint8_t *type,
                      uint32_t *value);

/* Returns the queue for hash 'value', which is 0 for a packet without. */
uint32_t netif_hash_queue(const struct netif_hash *, uint32_t value,
                          unsigned int n_queues);

/* Judges the hash of 'pkt', the first 'len' bytes of which are in 'frame', and
 * the choice of queue 'queue' for it.  Returns true if both are right. */
bool netif_check_hash(const struct netif_hash *,
                      const struct netif_rx_packet *pkt,
                      const uint8_t *frame, unsigned int len,
                      unsigned int queue, unsigned int n_queues,
                      struct netif_verdict *v);

#endif /* netif/hash.h */
