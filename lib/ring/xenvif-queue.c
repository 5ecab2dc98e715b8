/*
 * Copyright (c) 2026 The ovs-xenvif authors.
 *
 * Licensed under the Apache License, Version 2.0 (the "License");
 * you may not use this file except in compliance with the License.
 * You may obtain a copy of the License at:
 *
 *     http://www.apache.org/licenses/LICENSE-2.0
 *
 * Unless required by applicable law or agreed to in writing, software
 * distributed under the License is distributed on an "AS IS" BASIS,
 * WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
 * See the License for the specific language governing permissions and
 * limitations under the License.
 */

/* One queue of a connected vif. */

#include <config.h>

#include "ring/xenvif-queue.h"

#include "latch.h"

void
xenvif_common_set_fault(struct xenvif_common *shared, unsigned int fault)
{
    unsigned int none = 0;

    if (atomic_compare_exchange_strong(&shared->fault, &none, fault)) {
        latch_set(shared->fault_latch);
    }
}

const char *
xenvif_fault_to_string(unsigned int fault)
{
    return (fault == XENVIF_FAULT_RX_RING
            ? xenvif_rx_verdict_to_string(XENVIF_RX_E_RING)
            : xenvif_tx_verdict_to_string(fault));
}
