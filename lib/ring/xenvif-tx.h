/* SPDX-License-Identifier: Apache-2.0 */

#ifndef XENVIF_TX_H
#define XENVIF_TX_H 1

/* Guest to switch: one burst from a TX ring. */

#include <stdbool.h>

struct dp_packet_batch;
struct xenvif_queue;

/* Takes up to a batch of packets out of 'queue''s TX ring and appends them to
 * 'batch', which is empty.  The caller owns the packets.
 *
 * The work is bounded in slots, not only in packets, so that a guest gains
 * nothing from sending rubbish.  All requests consumed are answered before the
 * function returns: one grant copy call, one publish, at most one
 * notification.
 *
 * Returns 0 if there are packets in 'batch', otherwise EAGAIN. */
int xenvif_tx_burst(struct xenvif_queue *queue, struct dp_packet_batch *batch);

/* Returns how many requests the guest published that were not taken out yet.
 * To be called by the thread that polls the queue. */
unsigned int xenvif_tx_n_pending(const struct xenvif_queue *queue);

/* Asks the guest to send an event for its next request.  Returns true if there
 * already is one, in which case the caller must not wait for the event.  To be
 * called by the thread that polls the queue. */
bool xenvif_tx_arm(struct xenvif_queue *queue);

/* Returns in how many milliseconds 'queue' may take out a packet if there is
 * one: 0 unless the vif has used up its rate. */
long long int xenvif_tx_wait_ms(const struct xenvif_queue *queue);

/* Makes poll_block() wake up when there may be something to do for 'queue': a
 * request to take out, a packet that waits for room in the guest.  Takes the
 * events that came until now.  To be called by the one thread that polls the
 * queue and sleeps in between. */
void xenvif_tx_wait(struct xenvif_queue *queue);

#endif /* xenvif-tx.h */
