/* SPDX-License-Identifier: Apache-2.0 */

/* One virtual interface: what happens to it while it is connected. */

#include <config.h>

#include "vif/xenvif-life.h"

#include "openvswitch/vlog.h"
#include "timeval.h"
#include "util.h"
#include "rate/xenvif-budget.h"
#include "ring/xenvif-ctrl-ring.h"
#include "ring/xenvif-rx.h"
#include "vif/xenvif-polled.h"

VLOG_DEFINE_THIS_MODULE(xenvif_check);

/* How long a guest may fail to post the RX slots that a packet needs before
 * its carrier goes down.  The kernel's backend waits as long. */
#define STALL_TIMEOUT_MS 10000

/* Tells of pages that the guest may not have mapped. */
static void
count_refused(struct xenvif *xenvif, const struct xenvif_conn *conn)
{
    uint64_t n = xenvif_conn_n_refused(conn);

    if (n != xenvif->n_refused_before) {
        struct xenvif_budget_limits limits = xenvif_budget_get_limits();

        VLOG_WARN_RL(&xenvif->rl, "vif%"PRIu16".%"PRIu16": %"PRIu64" pages "
                     "not mapped, the guest has %"PRIu32" of at most %"PRIu32
                     " (and all guests may have %"PRIu32")", xenvif->domid,
                     xenvif->handle, n - xenvif->n_refused_before,
                     xenvif->terms.budget->n_pages, limits.guest,
                     limits.total);
        xenvif->now.n_maps_refused += n - xenvif->n_refused_before;
        xenvif->n_refused_before = n;
        xenvif->refused_unpublished = true;
    }
}

bool
xenvif_run_ctrl(struct xenvif *xenvif)
{
    struct xenvif_conn *conn
        = ovsrcu_get_protected(struct xenvif_conn *, &xenvif->conn);
    bool more = false;

    if (!conn) {
        return false;
    }
    xenvif_saved_note_changed(&xenvif->saved,
                              xenvif_conn_run_ctrl(conn, &more));
    xenvif_saved_run(&xenvif->saved, time_msec());
    count_refused(xenvif, conn);
    return more;
}

/* Returns for how long, in ms, a guest has not been taking packets, or 0 if it
 * does, or has not been doing so for a while yet. */
static long long int
get_stalled_ms(struct xenvif_conn *conn)
{
    long long int now = time_msec();
    long long int ms = 0;

    for (unsigned int i = 0; i < conn->n_queues; i++) {
        struct xenvif_queue *queue = &conn->queues[i];

        if (xenvif_rx_is_stalled(queue, now - STALL_TIMEOUT_MS)) {
            long long int since;

            atomic_read_relaxed(&queue->rx_stalled_since, &since);
            ms = MAX(ms, since ? now - since : 0);
        }
    }
    return ms;
}

/* Notices queues that no thread polls.  Returns true if that changed.  Where
 * events are waited for, or nothing is to pass, nobody needs to poll. */
static bool
check_polls(struct xenvif *xenvif, struct xenvif_conn *conn)
{
    int unpolled;
    bool down;

    atomic_read_relaxed(&xenvif->down, &down);
    unpolled = xenvif_polled_check(
        conn, !down && xenvif_get_settings(xenvif).poll);
    if (unpolled == xenvif->now.unpolled) {
        return false;
    }
    if (unpolled == XENVIF_POLLED_ALL) {
        VLOG_INFO_RL(&xenvif->rl, "vif%"PRIu16".%"PRIu16": all queues are "
                     "polled again", xenvif->domid, xenvif->handle);
    } else {
        VLOG_INFO_RL(&xenvif->rl, "vif%"PRIu16".%"PRIu16": no thread polls "
                     "queue %d", xenvif->domid, xenvif->handle, unpolled);
    }
    xenvif->now.unpolled = unpolled;
    return true;
}

/* Tells when a guest begins to send events for no reason. */
static void
check_events(struct xenvif *xenvif)
{
    uint64_t held;
    bool storm;

    atomic_read_relaxed(&xenvif->terms.held_events, &held);
    storm = held != xenvif->held_seen && held;
    if (storm && !xenvif->storm) {
        VLOG_WARN_RL(&xenvif->rl, "vif%"PRIu16".%"PRIu16": guest sends events "
                     "without requests; most of them have to wait",
                     xenvif->domid, xenvif->handle);
    }
    xenvif->storm = storm;
    xenvif->held_seen = held;
}

bool
xenvif_upkeep(struct xenvif *xenvif, bool periodic)
{
    struct xenvif_conn *conn
        = ovsrcu_get_protected(struct xenvif_conn *, &xenvif->conn);
    unsigned int fault;
    bool changed = false;
    bool stalled;

    if (!conn) {
        return false;
    }
    if (periodic) {
        xenvif_saved_look(&xenvif->saved);
        changed = check_polls(xenvif, conn);
        changed |= xenvif_report_follow(&xenvif->now, conn);
        check_events(xenvif);
    }
    fault = xenvif_common_fault(&conn->common);
    if (fault) {
        xenvif->stalled_ms = 0;
    }
    if (periodic && !fault) {
        xenvif->stalled_ms = get_stalled_ms(conn);
    }
    stalled = (fault ? false
               : periodic ? xenvif->stalled_ms > 0
               : xenvif->now.stalled);
    if (fault && !xenvif->now.fault) {
        xenvif_complain(xenvif, "stopped: %s", xenvif_fault_to_string(fault));
    }
    if (stalled != xenvif->now.stalled) {
        VLOG_INFO_RL(&xenvif->rl, "vif%"PRIu16".%"PRIu16": guest %s",
                     xenvif->domid, xenvif->handle,
                     stalled ? "does not post RX slots"
                     : "takes packets again");
    }
    if (fault == xenvif->now.fault && stalled == xenvif->now.stalled
        && !changed && !(periodic && xenvif->refused_unpublished)) {
        return false;
    }
    xenvif->now.fault = fault;
    xenvif->now.stalled = stalled;
    xenvif->refused_unpublished = false;
    xenvif_report_explain(&xenvif->now, xenvif->has_port, &xenvif->observed);
    return xenvif_publish_report(xenvif);
}
