/* SPDX-License-Identifier: Apache-2.0 */

#ifndef XENVIF_HASH_H
#define XENVIF_HASH_H 1

/* The hash by which a guest wants its packets distributed over its queues
 * (netif.h, "Hash types", "Toeplitz hash" and the control messages for them).
 *
 * A struct xenvif_hash is never changed once threads that send can see it: a
 * change is a changed copy. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes of a key; the longest input of the hash, two IPv6 addresses and two
 * ports, makes use of all. */
#define XENVIF_HASH_KEY_SIZE 40

/* Entries that a mapping may have: as many as the kernel's backend takes. */
#define XENVIF_HASH_MAPPING_MAX 128

/* Longest input, in bytes. */
#define XENVIF_HASH_INPUT_MAX 36

struct xenvif_hash {
    bool toeplitz;              /* Is an algorithm chosen at all? */
    uint32_t flags;             /* XEN_NETIF_CTRL_HASH_TYPE_*. */
    uint8_t key[XENVIF_HASH_KEY_SIZE];
    uint32_t mapping_size;      /* 0: hash modulo number of queues. */
    uint32_t mapping[XENVIF_HASH_MAPPING_MAX]; /* Queues. */

    /* What each value of each input byte contributes to the hash: follows from
     * 'key', see xenvif_hash_set_key(). */
    uint32_t table[XENVIF_HASH_INPUT_MAX][256];
};

/* Result of hashing a packet. */
struct xenvif_hash_result {
    uint32_t value;
    uint8_t type;               /* Bit number of the flag that applied. */
};

/* Sets the first 'len' bytes of the key, at most XENVIF_HASH_KEY_SIZE; the
 * rest becomes 0. */
void xenvif_hash_set_key(struct xenvif_hash *, const void *key, size_t len);

/* Returns the Toeplitz hash of 'len' bytes, at most XENVIF_HASH_INPUT_MAX, in
 * network byte order. */
uint32_t xenvif_hash_bytes(const struct xenvif_hash *, const void *data,
                           size_t len);

/* Hashes the Ethernet frame 'data', 'len' bytes.  Returns false if there is no
 * algorithm, or no flag that applies to the frame. */
bool xenvif_hash_frame(const struct xenvif_hash *, const void *data,
                       size_t len, struct xenvif_hash_result *);

/* Returns the queue for a packet whose hash is 'value', less than
 * 'n_queues'. */
uint32_t xenvif_hash_queue(const struct xenvif_hash *, uint32_t value,
                           uint32_t n_queues);

#endif /* xenvif-hash.h */
