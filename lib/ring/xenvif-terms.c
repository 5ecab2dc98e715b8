/* SPDX-License-Identifier: Apache-2.0 */

/* The terms on which a vif's connections are served. */

#include <config.h>

#include "ring/xenvif-terms.h"

#include <string.h>

#include "util.h"
#include "ring/xenvif-backlog.h"

void
xenvif_terms_init(struct xenvif_terms *terms, uint16_t domid,
                  struct xenvif_budget *budget, struct latch *fault_latch)
{
    terms->domid = domid;
    terms->budget = budget;
    terms->fault_latch = fault_latch;
    terms->partial = terms->tso = false;
    memset(&terms->offers, 0, sizeof terms->offers);
    terms->max_backlog = XENVIF_BACKLOG_MAX_PACKETS;
    atomic_init(&terms->max_frame, 0);
    atomic_init(&terms->tx_csum_offload, true);
    xenvif_ingress_init(&terms->policer);
    xenvif_credit_init(&terms->rate);
    xenvif_multicast_init(&terms->multicast);
    xenvif_terms_reset_stats(terms);
}

void
xenvif_terms_destroy(struct xenvif_terms *terms)
{
    xenvif_ingress_destroy(&terms->policer);
    xenvif_multicast_destroy(&terms->multicast);
}

void
xenvif_terms_reset_stats(struct xenvif_terms *terms)
{
    xenvif_counter *counters = (xenvif_counter *) terms->stats;
    size_t size = sizeof terms->stats;

    BUILD_ASSERT_DECL(sizeof terms->stats % sizeof *counters == 0);
    for (size_t i = 0; i < size / sizeof *counters; i++) {
        atomic_store_relaxed(&counters[i], 0);
    }
    atomic_store_relaxed(&terms->held_events, 0);
}
