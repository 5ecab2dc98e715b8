/* SPDX-License-Identifier: Apache-2.0 */

#ifndef XENVIF_TERMS_H
#define XENVIF_TERMS_H 1

/* The terms on which a vif's connections are served: everything that the data
 * path needs and that outlives a connection.  There is one object for each
 * vif, to which its connections, one after the other, point.
 *
 * Each group of members says who writes it and when.  Threads that poll and
 * send reach the terms through a connection and read them at any time. */

#include <stdbool.h>
#include <stdint.h>

#include "ovs-atomic.h"
#include "packet/xenvif-counters.h"
#include "packet/xenvif-features.h"
#include "packet/xenvif-multicast.h"
#include "rate/xenvif-credit.h"
#include "rate/xenvif-ingress.h"
#include "ring/xenvif-request.h"

struct latch;
struct xenvif_budget;

struct xenvif_terms {
    /* Constant from before the first connection is opened. */
    uint16_t domid;             /* The guest's id. */
    struct xenvif_budget *budget; /* The guest's account; not owned. */
    struct latch *fault_latch;  /* Wakes the control thread; not owned. */

    /* Fixed for the duration of a connection: a guest and the packets that are
     * on their way rely on them, so that a setting that changes has to wait
     * for the next connection.  The control thread writes them right before it
     * opens one, when no thread can reach the previous one any more. */
    bool partial;               /* True if packets with partial checksums may
                                 * enter the datapath. */
    bool tso;                   /* True if TSO packets may enter it. */
    struct xenvif_offers offers; /* What the guest was told that it may leave
                                  * to us. */
    uint32_t max_backlog;       /* Packets that may wait in each queue. */

    /* The operator's, set by the main thread; in force at once. */
    atomic_uint32_t max_frame;  /* Length of the largest frame, in bytes,
                                 * without FCS. */
    atomic_bool tx_csum_offload; /* True if the guest may get partial
                                  * checksums. */
    struct xenvif_ingress policer; /* Limits what the guest transmits. */

    /* The toolstack's limit on what the guest transmits, set by the control
     * thread; in force at once. */
    struct xenvif_credit rate;

    /* The multicast addresses that the guest listed.  Threads that poll its
     * queues change the list; the control thread loads and clears it. */
    struct xenvif_multicast multicast;

    /* What is counted, by the thread that has the ring in question.  The
     * thread that claims the vif for a new port resets them. */
    struct xenvif_queue_stats stats[XENVIF_MAX_QUEUES];
    atomic_uint64_t held_events; /* See struct xenvif_event. */
};

/* Initializes the terms for domain 'domid', without any limits. */
void xenvif_terms_init(struct xenvif_terms *, uint16_t domid,
                       struct xenvif_budget *, struct latch *fault_latch);

/* Frees what the members own.  No connection may point to the terms. */
void xenvif_terms_destroy(struct xenvif_terms *);

/* Sets all counters to 0.  A thread that is counting meanwhile may bring one
 * of them back. */
void xenvif_terms_reset_stats(struct xenvif_terms *);

#endif /* xenvif-terms.h */
