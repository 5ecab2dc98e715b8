/* SPDX-License-Identifier: Apache-2.0 */

#ifndef XENVIF_POLLED_H
#define XENVIF_POLLED_H 1

/* Is each queue polled?
 *
 * Whether some thread does is decided by the datapath, from what the operator
 * configured, and it tells ports nothing.  So polls are counted and looked at
 * now and then: looks are counted, not time, so that a process that was
 * stopped, or did not run, as a whole is not accused. */

#include "ovs-atomic.h"
#include "ring/xenvif-queue.h"

struct xenvif_conn;

/* No queue. */
#define XENVIF_POLLED_ALL (-1)

/* A thread came by to poll 'queue'.  Any thread. */
static inline void
xenvif_polled_count(struct xenvif_queue *queue)
{
    uint32_t n;

    /* Should there be two threads for a moment, one count is as good. */
    atomic_read_relaxed(&queue->n_polls, &n);
    atomic_store_relaxed(&queue->n_polls, n + 1);
}

/* Looks at all queues.  To be called about once a second.  Returns the first
 * one that no thread has polled since the last few calls, or
 * XENVIF_POLLED_ALL, also if nobody is 'expected' to poll them.  Control
 * thread. */
int xenvif_polled_check(struct xenvif_conn *, bool expected);

#endif /* xenvif-polled.h */
