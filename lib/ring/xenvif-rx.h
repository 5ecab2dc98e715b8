/* SPDX-License-Identifier: Apache-2.0 */

#ifndef XENVIF_RX_H
#define XENVIF_RX_H 1

/* Switch to guest: one burst into an RX ring. */

#include <stdbool.h>
#include <stdint.h>

#include "ring/xenvif-queue.h"

struct dp_packet;

/* Sends the 'n' packets in 'packets' to the guest through 'queue''s RX ring.
 * Does not take ownership.  Any thread; never blocks on the guest.
 *
 * Packets that the guest has posted no room for wait in a short queue (see
 * xenvif-backlog.h), for xenvif_rx_poll() or the next call.  Those that do not
 * fit in there, or that the guest cannot take, are dropped and counted.  What
 * needs as many slots as a packet that waited in vain does not wait any more,
 * until the guest is seen to post that many.
 *
 * The grant copies are done with one call (more, if the packets are large),
 * every packet is published whole, and the guest gets at most one
 * notification.
 *
 * Returns false, and counts nothing, if the vif stopped because of a vif
 * error. */
bool xenvif_rx_burst(struct xenvif_queue *queue, struct dp_packet **packets,
                     unsigned int n);

/* Counts a packet that is not sent because of 'verdict'.  Returns false, and
 * counts nothing, like xenvif_rx_burst().  Any thread. */
bool xenvif_rx_drop(struct xenvif_queue *queue,
                    enum xenvif_rx_verdict verdict);

/* Counts a packet that was cut in software for the guest.  Any thread. */
void xenvif_rx_count_segmented(struct xenvif_queue *queue);

/* Has the guest had 'n_slots' requests posted at a time, or has it now?  A
 * packet that needs more has little hope.  Any thread. */
bool xenvif_rx_has_posted(struct xenvif_queue *queue, uint32_t n_slots);

/* Sends packets that wait, as far as the guest made room for them.  To be
 * called often, by any thread. */
void xenvif_rx_poll(struct xenvif_queue *queue);

/* Returns how many packets wait. */
static inline uint32_t
xenvif_rx_n_waiting(const struct xenvif_queue *queue)
{
    uint32_t n;

    atomic_read_relaxed(
        &CONST_CAST(struct xenvif_queue *, queue)->rx_n_waiting, &n);
    return n;
}

/* Has no packet gone through ever since 'since' (ms) or earlier because the
 * guest failed to post the slots that they needed?  Control thread. */
bool xenvif_rx_is_stalled(struct xenvif_queue *queue, long long int since);

#endif /* xenvif-rx.h */
