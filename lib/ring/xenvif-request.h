/* SPDX-License-Identifier: Apache-2.0 */

#ifndef XENVIF_REQUEST_H
#define XENVIF_REQUEST_H 1

/* What a frontend asks for when it connects. */

#include <stdbool.h>
#include <stdint.h>

#include "packet/xenvif-features.h"

/* Queues that a vif may have, whatever is configured. */
#define XENVIF_MAX_QUEUES 64

/* One queue as the frontend described it. */
struct xenvif_request_queue {
    uint32_t tx_ref, rx_ref;    /* Grant references of the rings. */
    uint32_t tx_port, rx_port;  /* Event channels; equal if there is one. */
};

/* What the frontend asks for. */
struct xenvif_request {
    bool has_ctrl;              /* Is there a control ring? */
    uint32_t ctrl_ref;          /* Its grant reference. */
    uint32_t ctrl_port;         /* Its event channel. */
    unsigned int n_queues;
    struct xenvif_request_queue queues[XENVIF_MAX_QUEUES];
    struct xenvif_features features;
    uint32_t headroom;          /* See struct xenvif_common. */
    bool filter_multicast;      /* Likewise. */
};

#endif /* xenvif-request.h */
