/* SPDX-License-Identifier: Apache-2.0 */

#ifndef GUEST_RX_H
#define GUEST_RX_H 1

/* The RX ring.  The queue's mutex is held. */

#include <stdbool.h>
#include <stdint.h>

struct guest;
struct guest_queue;
struct netif_rx_rules;

/* Posts as many buffers as the user wants to have posted. */
void guest_rx_refill(struct guest_queue *);

/* Takes the responses that are there, posts new buffers and, if there were
 * none, asks for an event with the next.  Returns true if there may be
 * more. */
bool guest_rx_poll(struct guest_queue *);

/* Ends the backend's access to the buffer of request 'idx' and takes the page
 * back.  'rule' is what is broken if the backend still uses it. */
void guest_rx_release(struct guest_queue *, uint32_t idx, const char *rule);

/* Stores what the guest has agreed to receive by its feature keys and over
 * its control ring, but for the headroom, which may be changing. */
void guest_rx_rules(const struct guest *, struct netif_rx_rules *);

#endif /* guest/rx.h */
