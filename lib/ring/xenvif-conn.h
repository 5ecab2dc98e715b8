/* SPDX-License-Identifier: Apache-2.0 */

#ifndef XENVIF_CONN_H
#define XENVIF_CONN_H 1

/* A connection: the rings and event channels of a vif from the moment that
 * both sides are Connected until one of them closes, or until this process
 * ends and the next one attaches to the same rings. */

#include <stdbool.h>
#include <stdint.h>

#include "ring/xenvif-queue.h"
#include "ring/xenvif-request.h"

struct latch;
struct xenvif_budget;
struct xenvif_ctrl;
struct xenvif_hash;
struct xenvif_multicast;
struct xenvif_ingress;
struct xenvif_credit;

struct xenvif_conn {
    struct xenvif_common common;
    struct xenvif_ctrl *ctrl;   /* NULL if the guest has no control ring. */
    unsigned int n_queues;
    struct xenvif_queue *queues; /* 'n_queues' of them... */
    struct xenvif_gref_table **grefs; /* ...and their tables. */
};

/* What a connection needs that outlives it. */
struct xenvif_conn_params {
    uint16_t domid;             /* The guest's. */
    struct xenvif_budget *budget; /* Of the guest. */
    struct xenvif_queue_stats *stats; /* One for each queue. */
    struct xenvif_multicast *multicast;
    const atomic_uint32_t *max_frame;
    const atomic_bool *tx_csum_offload;
    struct xenvif_credit *rate;
    struct xenvif_ingress *policer;
    bool partial, tso;          /* See struct xenvif_common, */
    bool gso_offered_v4, gso_offered_v6; /* likewise. */
    uint32_t max_backlog;       /* Packets that may wait in each queue. */
    struct latch *fault_latch;
    atomic_uint64_t *held_events; /* See struct xenvif_event; may be NULL. */

    /* Before pages that the guest had mapped are unmapped because it says so:
     * see struct xenvif_ctrl. */
    bool (*forget_grefs)(void *aux);
    void *forget_aux;

    /* What the guest configured before we attached to its rings; NULL for a
     * new connection. */
    const struct xenvif_hash *hash;
};

/* Binds the event channels and maps the rings that 'request' names, in this
 * order: whoever has the event channels has the vif.  Continues at the place
 * where an earlier backend left the rings.
 *
 * All or nothing.  On failure returns NULL and stores a text for the user in
 * '*problem', which the caller frees.  Control thread. */
struct xenvif_conn *xenvif_conn_open(const struct xenvif_conn_params *,
                                     const struct xenvif_request *,
                                     char **problem);

/* Answers messages on the control ring, and maps pages if grants are
 * persistent.  Returns true if the guest changed its configuration.  Sets
 * '*more' to true if there may be more messages.  Control thread. */
bool xenvif_conn_run_ctrl(struct xenvif_conn *, bool *more);

/* Returns how many pages were not mapped because they were one too many for
 * the guest or for all (see xenvif-budget.h), since the connection began.
 * Control thread. */
uint64_t xenvif_conn_n_refused(const struct xenvif_conn *);

/* Kicks the guest once on every channel: it may be waiting for an event that
 * an earlier backend did not live to send. */
void xenvif_conn_notify_all(const struct xenvif_conn *);

/* Answers what the guest asked to send and nobody got to, without sending it:
 * Mini-OS, for one, waits for all answers before it frees the rings.
 *
 * No other thread may be using the connection any more.  Control thread. */
void xenvif_conn_drain(struct xenvif_conn *);

/* Unmaps and unbinds everything.  Every request that was consumed has been
 * answered, because bursts answer what they consume.  The guest's ring is left
 * in a state in which xenvif_conn_open() can continue.
 *
 * No other thread may be using the connection any more.  Control thread. */
void xenvif_conn_close(struct xenvif_conn *);

#endif /* xenvif-conn.h */
