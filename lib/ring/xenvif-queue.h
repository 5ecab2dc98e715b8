/* SPDX-License-Identifier: Apache-2.0 */

#ifndef XENVIF_QUEUE_H
#define XENVIF_QUEUE_H 1

/* One queue of a connected vif: a TX ring, an RX ring and their event
 * channels.
 *
 * A queue exists from the moment a vif connects until no thread can hold it
 * any more after the vif disconnected; everything that outlives a connection,
 * like counters, is elsewhere and only pointed to. */

#include <stdbool.h>
#include <stdint.h>

#include "openvswitch/thread.h"
#include "ovs-atomic.h"
#include "ovs-rcu.h"
#include "util.h"
#include "packet/xenvif-counters.h"
#include "packet/xenvif-features.h"
#include "ring/xenvif-backlog.h"
#include "ring/xenvif-terms.h"
#include "ring/xenvif-tx-overflow.h"
#include "xen/xenvif-event.h"
#include "xen/xenvif-gref.h"
#include "xen/xenvif-ring.h"

struct xenvif_hash;

/* What a connection's queues have in common. */
struct xenvif_common {
    struct xenvif_terms *terms; /* Those of the vif; not owned. */
    struct xenvif_features features; /* Constant. */

    /* How the guest wants packets spread over its queues; NULL if it has not
     * said. */
    OVSRCU_TYPE(struct xenvif_hash *) hash;

    /* True if the guest wants only the multicast packets that it listed. */
    atomic_bool filter_multicast;

    /* Bytes to leave free in front of a packet in its first page, which a
     * Linux guest asks for while it has an XDP program; less than a page. */
    atomic_uint32_t headroom;

    /* The first vif error: an enum xenvif_tx_verdict, or XENVIF_FAULT_RX_RING,
     * or 0.  Once set, nothing touches the rings until the vif reconnects. */
    atomic_uint fault;
};

/* A vif error in the RX ring, whose verdicts have an enum of their own. */
#define XENVIF_FAULT_RX_RING XENVIF_TX_N_VERDICTS

struct xenvif_queue {
    /* Constant. */
    unsigned int id;
    struct xenvif_common *common;
    struct xenvif_terms *terms; /* Those in 'common'. */
    struct xenvif_event event;
    struct xenvif_queue_stats *stats; /* Not owned; outlives the queue. */
    struct xenvif_gref_table grefs; /* Pages that are mapped. */

    /* Control thread only; see xenvif-polled.h. */
    uint32_t n_polls_seen;      /* 'n_polls' at the last look. */
    unsigned int n_looks;       /* Looks that found it unchanged. */

    /* TX side.  Belongs to the thread that set 'tx_busy': Open vSwitch lets a
     * single thread poll an rxq, but two netdevs can share a vif for a moment
     * while a port is deleted and added again. */
    PADDED_MEMBERS_CACHELINE_MARKER(CACHE_LINE_SIZE, cacheline_tx,
        atomic_flag tx_busy;
        struct xenvif_ring tx;

        /* Requests before this free-running index were published before we
         * attached, perhaps while an earlier backend was answering them. */
        uint32_t tx_recover_end;
        bool tx_recovering;

        struct xenvif_tx_overflow tx_segments; /* To be received next. */
        atomic_uint32_t n_polls; /* Times that a thread looked for packets. */
    );

    /* RX side.  Any thread may send to the guest. */
    PADDED_MEMBERS_CACHELINE_MARKER(CACHE_LINE_SIZE, cacheline_rx,
        struct ovs_mutex rx_mutex;
        struct xenvif_ring rx OVS_GUARDED;
        struct xenvif_backlog rx_backlog OVS_GUARDED;
        atomic_uint32_t rx_n_waiting; /* In 'rx_backlog'. */

        /* When (ms) packets began to be stuck for want of slots, 0 if they
         * are not; and the slots that the smallest of them needs. */
        atomic_llong rx_stalled_since;
        atomic_uint32_t rx_needed;

        /* How many slots the guest posts at a time, as far as it has shown.
         * 'rx_most' is the most seen since a packet last waited in vain for
         * more.  'rx_wanted' is what the first waiting packet needs.
         * 'rx_hopeless' is what the smallest packet needed that waited in vain
         * while others went through, or UINT32_MAX. */
        atomic_uint32_t rx_most;
        uint32_t rx_wanted OVS_GUARDED;
        uint32_t rx_hopeless OVS_GUARDED;
    );
};

/* What a queue looks like at one moment to a thread that does not own it. */
struct xenvif_queue_snapshot {
    struct xenvif_ring_snapshot tx, rx;
    bool throttled;             /* Does the guest's rate hold requests back? */
    uint32_t n_waiting;         /* Packets that wait for room in the guest. */
    long long int stalled_since; /* Since when (ms) none fits, or 0. */
};

/* Returns a snapshot of a queue of a connected vif, without waiting for
 * anybody.  Each value is from a moment of its own, up to a burst ago.  Any
 * thread. */
struct xenvif_queue_snapshot xenvif_queue_snapshot(
    const struct xenvif_queue *);

/* Records vif error 'fault' and wakes the control thread, unless the vif has
 * one already. */
void xenvif_common_set_fault(struct xenvif_common *, unsigned int fault);

/* Returns the vif error, or 0. */
static inline unsigned int
xenvif_common_fault(const struct xenvif_common *common)
{
    unsigned int fault;

    atomic_read_relaxed(&CONST_CAST(struct xenvif_common *, common)->fault,
                        &fault);
    return fault;
}

/* Returns the agreed features that may be used at this moment.  A port can be
 * configured not to send partial checksums to its guest, which rules out TSO
 * packets, too. */
static inline struct xenvif_features
xenvif_common_features(const struct xenvif_common *common)
{
    struct xenvif_features features = common->features;
    bool tx_csum_offload;

    atomic_read_relaxed(&common->terms->tx_csum_offload, &tx_csum_offload);
    if (OVS_UNLIKELY(!tx_csum_offload)) {
        features.csum_v4 = features.csum_v6 = false;
    }
    return features;
}

/* Returns a description of vif error 'fault', for people. */
const char *xenvif_fault_to_string(unsigned int fault);

#endif /* xenvif-queue.h */
