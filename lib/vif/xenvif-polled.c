/* SPDX-License-Identifier: Apache-2.0 */

/* Is each queue polled? */

#include <config.h>

#include "vif/xenvif-polled.h"

#include "util.h"
#include "ring/xenvif-conn.h"

/* How many looks in a row have to find a queue that was not polled since the
 * look before.  PMD threads that sleep do so for milliseconds. */
#define N_LOOKS 3

/* Returns true if that was the last of so many looks at 'queue'. */
static bool
is_left_alone(struct xenvif_queue *queue, bool expected)
{
    uint32_t n;

    atomic_read_relaxed(&queue->n_polls, &n);
    if (n != queue->n_polls_seen || !expected) {
        queue->n_polls_seen = n;
        queue->n_looks = 0;
    } else if (queue->n_looks < N_LOOKS) {
        queue->n_looks++;
    }
    return queue->n_looks >= N_LOOKS;
}

int
xenvif_polled_check(struct xenvif_conn *conn, bool expected)
{
    int first = XENVIF_POLLED_ALL;

    for (unsigned int i = 0; i < conn->n_queues; i++) {
        if (is_left_alone(&conn->queues[i], expected)
            && first == XENVIF_POLLED_ALL) {
            first = i;
        }
    }
    return first;
}
