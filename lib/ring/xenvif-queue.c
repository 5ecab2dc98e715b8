/* SPDX-License-Identifier: Apache-2.0 */

/* One queue of a connected vif. */

#include <config.h>

#include "ring/xenvif-queue.h"

#include "latch.h"
#include "rate/xenvif-credit.h"

struct xenvif_queue_snapshot
xenvif_queue_snapshot(const struct xenvif_queue *queue_)
    OVS_NO_THREAD_SAFETY_ANALYSIS /* See xenvif_ring_snapshot(). */
{
    struct xenvif_queue *queue = CONST_CAST(struct xenvif_queue *, queue_);
    struct xenvif_credit *rate = &queue->terms->rate;
    struct xenvif_queue_snapshot s = {
        .tx = xenvif_ring_snapshot(&queue->tx),
        .rx = xenvif_ring_snapshot(&queue->rx),
    };

    s.throttled = (s.tx.req_prod != s.tx.rsp_prod
                   && xenvif_credit_wait_ms(rate, queue->id,
                                            xenvif_bucket_now()));
    atomic_read_relaxed(&queue->rx_n_waiting, &s.n_waiting);
    atomic_read_relaxed(&queue->rx_stalled_since, &s.stalled_since);
    return s;
}

void
xenvif_common_set_fault(struct xenvif_common *common, unsigned int fault)
{
    unsigned int none = 0;

    if (atomic_compare_exchange_strong(&common->fault, &none, fault)) {
        latch_set(common->terms->fault_latch);
    }
}

const char *
xenvif_fault_to_string(unsigned int fault)
{
    return (fault == XENVIF_FAULT_RX_RING
            ? xenvif_rx_verdict_to_string(XENVIF_RX_E_RING)
            : xenvif_tx_verdict_to_string(fault));
}
