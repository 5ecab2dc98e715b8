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

struct xenvif_ctrl;
struct xenvif_hash;
struct xenvif_terms;

struct xenvif_conn {
    struct xenvif_common common; /* State that all queues share. */
    struct xenvif_ctrl *ctrl;   /* NULL if the guest has no control ring. */
    unsigned int n_queues;      /* Number of queues. */
    struct xenvif_queue *queues; /* Array of 'n_queues' queues. */
    struct xenvif_gref_table **grefs; /* Array of pointers to the tables of
                                       * mapped pages of these queues. */
};

/* Binds the event channels and maps the rings that 'request' names, in this
 * order: the process that has the event channels has the vif.  Continues at
 * the place where an earlier backend left the rings.
 *
 * 'terms' have to stay as long as the connection.  'hash' is what the guest
 * configured before we attached to its rings, or NULL for a new connection.
 *
 * All or nothing.  On failure returns NULL and stores a text for the user in
 * '*problem', which the caller frees.  Control thread. */
struct xenvif_conn *xenvif_conn_open(struct xenvif_terms *terms,
                                     const struct xenvif_request *,
                                     const struct xenvif_hash *hash,
                                     char **problem);

/* Answers messages on the control ring, and maps pages if grants are
 * persistent.  Returns what the guest changed in its configuration, as
 * XENVIF_CTRL_* bits (see xenvif-ctrl-ring.h).  Sets '*more' to true if there
 * may be more messages.  Control thread. */
unsigned int xenvif_conn_run_ctrl(struct xenvif_conn *, bool *more);

/* Returns how many pages were not mapped, since the connection began, because
 * the guest or all guests together had as many as allowed (see
 * xenvif-budget.h).  Control thread. */
uint64_t xenvif_conn_n_refused(const struct xenvif_conn *);

/* Notifies the guest once on every channel: it may be waiting for an event
 * that an earlier backend was stopped before it sent. */
void xenvif_conn_notify_all(const struct xenvif_conn *);

/* Answers the transmit requests that are left, without sending the packets:
 * some guests, such as Mini-OS, wait for all answers before they free the
 * rings.
 *
 * No other thread may be using the connection any more.  Control thread. */
void xenvif_conn_drain(struct xenvif_conn *);

/* Unmaps and unbinds everything.  Every request that was consumed has been
 * answered, because each burst answers all that it consumes.  The guest's
 * rings are left in a state from which xenvif_conn_open() can continue.
 *
 * No other thread may be using the connection any more.  Control thread. */
void xenvif_conn_close(struct xenvif_conn *);

#endif /* xenvif-conn.h */
