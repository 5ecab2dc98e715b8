/* SPDX-License-Identifier: Apache-2.0 */

#ifndef XENVIF_TX_OVERFLOW_H
#define XENVIF_TX_OVERFLOW_H 1

/* Packets left over when a burst yields more than one batch.
 *
 * A guest sends large TCP segments if a backend offered it to, perhaps one
 * that was here before us: xen-netback, or a process under another setting of
 * userspace-tso-enable.  It goes on when the datapath takes none, so they are
 * cut on arrival. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct dp_packet;
struct dp_packet_batch;

/* A queue.  Belongs to the thread that polls the guest's TX ring. */
struct xenvif_tx_overflow {
    struct dp_packet **packets; /* Those from 'head' on wait. */
    size_t head, n, allocated;
};

/* Initialisation is zeroing.  Frees the packets, too. */
void xenvif_tx_overflow_destroy(struct xenvif_tx_overflow *);

static inline bool
xenvif_tx_overflow_is_empty(const struct xenvif_tx_overflow *segments)
{
    return segments->head == segments->n;
}

/* Cuts 'packet', which stays the caller's, and appends what comes of it.  Each
 * segment has at most 'mss' bytes of payload, and a complete checksum unless
 * 'partial' is true.  Returns their number, 0 if 'packet' cannot be cut or too
 * many wait already. */
size_t xenvif_tx_overflow_cut(struct xenvif_tx_overflow *,
                              const struct dp_packet *packet, uint32_t mss,
                              bool partial);

/* Appends 'packet', which must not overtake those before it. */
void xenvif_tx_overflow_append(struct xenvif_tx_overflow *,
                               struct dp_packet *packet);

/* Moves packets to 'batch' until that is full.  Returns how many. */
size_t xenvif_tx_overflow_take(struct xenvif_tx_overflow *,
                               struct dp_packet_batch *batch);

#endif /* xenvif-tx-overflow.h */
