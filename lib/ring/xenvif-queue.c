/* SPDX-License-Identifier: Apache-2.0 */

/* One queue of a connected vif. */

#include <config.h>

#include "ring/xenvif-queue.h"

#include "latch.h"

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
