/* SPDX-License-Identifier: Apache-2.0 */

#ifndef GUEST_KICK_H
#define GUEST_KICK_H 1

/* How a queue and its backend wake each other up. */

struct guest_queue;
struct guest_ring;

/* Notifies the backend of what is new in ring 'r'.  The queue's mutex is
 * held. */
void guest_queue_kick(struct guest_queue *, const struct guest_ring *);

/* Makes the thread of the queue look at both rings, without an event.  Any
 * thread. */
void guest_queue_wake(struct guest_queue *);

#endif /* guest/kick.h */
