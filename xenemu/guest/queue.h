/* SPDX-License-Identifier: Apache-2.0 */

#ifndef GUEST_QUEUE_H
#define GUEST_QUEUE_H 1

/* A queue's life and its thread.  Called by the main thread. */

#include <stdbool.h>

struct guest;
struct guest_queue;

/* Returns a new queue that shares nothing yet, or NULL if out of memory. */
struct guest_queue *guest_queue_new(struct guest *, unsigned int idx);

/* Allocates and grants all that queue 'q' shares with the backend, with one
 * event channel or two, and posts RX buffers.  Returns 0 or a negative errno;
 * guest_queue_unshare() undoes both success and failure. */
int guest_queue_share(struct guest_queue *, bool split);

/* Starts the thread of a queue that has been shared.  Returns 0 or a
 * negative errno. */
int guest_queue_start(struct guest_queue *);

/* Ends the thread of a queue and waits for that. */
void guest_queue_stop(struct guest_queue *);

/* Takes back all that the queue shares.  Its thread must not run.  If
 * 'strict', the backend says that it uses nothing any more. */
void guest_queue_unshare(struct guest_queue *, bool strict);

#endif /* guest/queue.h */
