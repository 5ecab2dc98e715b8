/* SPDX-License-Identifier: Apache-2.0 */

#ifndef XENVIF_POLLED_H
#define XENVIF_POLLED_H 1

/* Finds queues that no thread polls.
 *
 * The datapath decides which thread polls a queue, from the operator's
 * configuration, and does not tell ports.  So polls are counted, and the count
 * is looked at now and then.  It is looks that are counted, not time, so that
 * a process that was stopped as a whole does not cause an alarm. */

#include "ovs-atomic.h"
#include "ring/xenvif-queue.h"

struct xenvif_conn;

/* Returned instead of a queue if all are polled. */
#define XENVIF_POLLED_ALL (-1)

/* Counts a poll of 'queue'.  Any thread. */
static inline void
xenvif_polled_count(struct xenvif_queue *queue)
{
    uint32_t n;

    /* If two threads poll at the same time, a count may be lost, which does
     * not matter. */
    atomic_read_relaxed(&queue->n_polls, &n);
    atomic_store_relaxed(&queue->n_polls, n + 1);
}

/* Looks at all queues; to be called about once a second.  Returns the first
 * queue that no thread has polled during the last few calls, or
 * XENVIF_POLLED_ALL if there is none or if polls are not 'expected'.  Control
 * thread. */
int xenvif_polled_check(struct xenvif_conn *, bool expected);

#endif /* xenvif-polled.h */
