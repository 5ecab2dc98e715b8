/* SPDX-License-Identifier: Apache-2.0 */

#ifndef GUEST_TX_H
#define GUEST_TX_H 1

/* The TX ring.  The queue's mutex is held. */

#include <stdbool.h>
#include <stdint.h>

struct guest_queue;
struct guest_tx_frame;

/* Returns the number of free slots. */
unsigned int guest_tx_room(const struct guest_queue *);

/* Puts frame 'f' on the ring, to be published by guest_tx_flush().  Returns
 * false and counts it if that is not possible: the ring is full, or it needs
 * several slots and the backend takes only one. */
bool guest_tx_frame(struct guest_queue *, const struct guest_tx_frame *);

/* Puts a request without data on the ring, whose extra info adds address 'mac'
 * to the list of wanted ones, or takes it away.  'q->mcast_sent' is true until
 * it is answered.  Returns false if the ring is full. */
bool guest_tx_multicast(struct guest_queue *, bool add,
                        const uint8_t mac[6]);

/* Publishes what was put on the ring, and collects completions as a real
 * driver does on each transmission. */
void guest_tx_flush(struct guest_queue *);

/* Takes the completions that are there and asks for an event with the next.
 * Returns true if it took any. */
bool guest_tx_gc(struct guest_queue *);

#endif /* guest/tx.h */
