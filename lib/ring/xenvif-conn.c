/* SPDX-License-Identifier: Apache-2.0 */

/* A connection of a vif. */

#include <config.h>

#include "ring/xenvif-conn.h"

#include <errno.h>

#include "dp-packet.h"
#include "latch.h"
#include "util.h"
#include "packet/xenvif-hash.h"
#include "packet/xenvif-multicast.h"
#include "ring/xenvif-ctrl-ring.h"
#include "ring/xenvif-tx.h"
#include "xen/xenvif-grant.h"

/* Maps the ring page 'gref' and starts to serve it.  Returns NULL or a text
 * that says what is wrong. */
static char *
open_ring(struct xenvif_ring *ring, const char *name, uint16_t domid,
          uint32_t gref, uint32_t size, uint32_t slot_words)
{
    struct xenvif_ring_page *page = xenvif_grant_map(domid, gref, true);

    ring->page = NULL;
    if (!page) {
        return xasprintf("cannot map %s ring, grant %"PRIu32" (%s)",
                         name, gref, ovs_strerror(errno));
    }
    if (!xenvif_ring_attach(ring, page, size, slot_words)) {
        xenvif_grant_unmap(page);
        ring->page = NULL;
        return xasprintf("indexes of %s ring are out of range", name);
    }
    xenvif_ring_disarm(ring);
    return NULL;
}

/* Prepares 'queue' for xenvif_queue_close(). */
static void
init_queue(struct xenvif_queue *queue, unsigned int id,
           struct xenvif_common *common)
    OVS_NO_THREAD_SAFETY_ANALYSIS /* Nobody else knows the queue yet. */
{
    struct xenvif_terms *terms = common->terms;

    queue->id = id;
    queue->common = common;
    queue->terms = terms;
    queue->stats = &terms->stats[id];
    queue->event.xce = NULL;
    queue->event.n_held = &terms->held_events;
    queue->tx.page = queue->rx.page = NULL;
    atomic_flag_clear(&queue->tx_busy);
    ovs_mutex_init_adaptive(&queue->rx_mutex);
    atomic_init(&queue->rx_stalled_since, 0);
    xenvif_backlog_init(&queue->rx_backlog, terms->domid, terms->max_backlog);
    atomic_init(&queue->rx_n_waiting, 0);
    atomic_init(&queue->rx_needed, 0);
    atomic_init(&queue->rx_most, 0);
    queue->rx_wanted = 0;
    queue->rx_hopeless = UINT32_MAX;
    xenvif_gref_table_init(&queue->grefs, terms->domid,
                           common->features.persistent, terms->budget,
                           terms->fault_latch);
}

static char *
open_queue(struct xenvif_queue *queue,
           const struct xenvif_request_queue *request)
    OVS_NO_THREAD_SAFETY_ANALYSIS /* Nobody else knows the queue yet. */
{
    uint16_t domid = queue->terms->domid;
    char *problem;
    int error = xenvif_event_open(&queue->event, domid,
                                  request->tx_port, request->rx_port);

    if (error) {
        return xasprintf("cannot bind event channel %"PRIu32" (%s)%s",
                         request->tx_port, ovs_strerror(error),
                         (error == EINVAL
                          ? ": it does not exist or another backend has it"
                          : ""));
    }
    problem = open_ring(&queue->tx, "TX", domid, request->tx_ref,
                        XENVIF_TX_RING_SIZE, XENVIF_TX_SLOT_WORDS);
    if (!problem) {
        queue->tx_recover_end = xenvif_ring_req_prod(&queue->tx);
        queue->tx_recovering = queue->tx_recover_end != queue->tx.req_cons;
        problem = open_ring(&queue->rx, "RX", domid, request->rx_ref,
                            XENVIF_RX_RING_SIZE, XENVIF_RX_SLOT_WORDS);
    }
    return problem;
}

static void
close_queue(struct xenvif_queue *queue)
    OVS_NO_THREAD_SAFETY_ANALYSIS /* Nobody else knows the queue any more. */
{
    /* The rings first: while we have the event channels, nobody else attaches
     * to them. */
    xenvif_grant_unmap(queue->tx.page);
    xenvif_grant_unmap(queue->rx.page);
    xenvif_event_close(&queue->event);
    xenvif_gref_table_destroy(&queue->grefs);
    xenvif_tx_overflow_destroy(&queue->tx_segments);
    xenvif_backlog_destroy(&queue->rx_backlog);
    ovs_mutex_destroy(&queue->rx_mutex);
}

/* Makes 'hash', which is copied, what threads that send go by. */
static void
publish_hash(struct xenvif_conn *conn, const struct xenvif_hash *hash)
{
    struct xenvif_hash *old
        = ovsrcu_get_protected(struct xenvif_hash *, &conn->common.hash);

    ovsrcu_set(&conn->common.hash,
               hash->toeplitz ? xmemdup(hash, sizeof *hash) : NULL);
    if (old) {
        ovsrcu_postpone(free, old);

        /* ovsrcu_postpone() ended this thread's quiescence: resume it. */
        ovsrcu_quiesce_start();
    }
}

/* Opens the control ring.  Returns NULL or a text that says what is wrong. */
static char *
open_ctrl(struct xenvif_conn *conn, const struct xenvif_request *request,
          const struct xenvif_hash *hash)
{
    static const struct xenvif_hash none;
    struct xenvif_terms *terms = conn->common.terms;
    char *problem = NULL;

    hash = hash ? hash : &none;
    conn->ctrl = xenvif_ctrl_open(terms->domid, conn->n_queues,
                                  request->ctrl_ref, request->ctrl_port, hash,
                                  terms->budget, &problem);
    if (conn->ctrl) {
        conn->ctrl->event.n_held = &terms->held_events;
        conn->ctrl->grefs = conn->grefs;
        publish_hash(conn, hash);
    }
    return problem;
}

unsigned int
xenvif_conn_run_ctrl(struct xenvif_conn *conn, bool *more)
{
    struct xenvif_ctrl *ctrl = conn->ctrl;
    unsigned int changed;

    for (unsigned int i = 0; i < conn->n_queues; i++) {
        xenvif_gref_run(conn->grefs[i]);
    }
    if (!ctrl) {
        return 0;
    }
    *more |= xenvif_ctrl_run(ctrl);
    changed = ctrl->changed;
    ctrl->changed = 0;
    if (changed & XENVIF_CTRL_HASH) {
        publish_hash(conn, ctrl->hash);
    }
    return changed;
}

struct xenvif_conn *
xenvif_conn_open(struct xenvif_terms *terms,
                 const struct xenvif_request *request,
                 const struct xenvif_hash *hash, char **problem)
{
    struct xenvif_conn *conn = xzalloc(sizeof *conn);

    conn->common.terms = terms;
    conn->common.features = request->features;
    atomic_init(&conn->common.fault, 0);
    ovsrcu_init(&conn->common.hash, NULL);
    atomic_init(&conn->common.headroom, request->headroom);
    atomic_init(&conn->common.filter_multicast, request->filter_multicast);
    conn->n_queues = request->n_queues;
    conn->queues = xzalloc_cacheline(conn->n_queues * sizeof *conn->queues);
    conn->grefs = xmalloc(conn->n_queues * sizeof *conn->grefs);
    for (unsigned int i = 0; i < conn->n_queues; i++) {
        init_queue(&conn->queues[i], i, &conn->common);
        conn->grefs[i] = &conn->queues[i].grefs;
    }

    *problem = NULL;
    for (unsigned int i = 0; !*problem && i < conn->n_queues; i++) {
        *problem = open_queue(&conn->queues[i], &request->queues[i]);
    }
    if (!*problem && request->has_ctrl) {
        *problem = open_ctrl(conn, request, hash);
    }
    if (*problem) {
        xenvif_conn_close(conn);
        return NULL;
    }
    return conn;
}

uint64_t
xenvif_conn_n_refused(const struct xenvif_conn *conn)
{
    uint64_t n = 0;

    for (unsigned int i = 0; i < conn->n_queues; i++) {
        n += conn->grefs[i]->n_refused;
    }
    return n;
}

void
xenvif_conn_notify_all(const struct xenvif_conn *conn)
{
    for (unsigned int i = 0; i < conn->n_queues; i++) {
        const struct xenvif_event *event = &conn->queues[i].event;

        xenvif_event_notify(event, event->tx_port);
        if (event->rx_port != event->tx_port) {
            xenvif_event_notify(event, event->rx_port);
        }
    }
}

void
xenvif_conn_drain(struct xenvif_conn *conn)
{
    for (unsigned int i = 0; i < conn->n_queues; i++) {
        struct xenvif_queue *queue = &conn->queues[i];
        uint32_t start = queue->tx.req_cons;
        uint32_t before;

        /* At most a ring full: more can only come from a guest that does not
         * mean to close. */
        do {
            struct dp_packet_batch batch;

            before = queue->tx.req_cons;
            dp_packet_batch_init(&batch);
            xenvif_tx_burst(queue, &batch);
            dp_packet_delete_batch(&batch, true);
            xenvif_tx_overflow_destroy(&queue->tx_segments);
        } while (queue->tx.req_cons != before
                 && queue->tx.req_cons - start < queue->tx.size);
    }
}

void
xenvif_conn_close(struct xenvif_conn *conn)
{
    for (unsigned int i = 0; i < conn->n_queues; i++) {
        close_queue(&conn->queues[i]);
    }
    xenvif_ctrl_close(conn->ctrl);
    free(ovsrcu_get_protected(struct xenvif_hash *, &conn->common.hash));
    free_cacheline(conn->queues);
    free(conn->grefs);
    free(conn);
}
