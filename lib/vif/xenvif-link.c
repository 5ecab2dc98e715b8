/* SPDX-License-Identifier: Apache-2.0 */

/* One virtual interface: its data path begins and ends. */

#include <config.h>

#include "vif/xenvif-link.h"

#include <stdlib.h>

#include "openvswitch/vlog.h"
#include "timeval.h"
#include "util.h"
#include "packet/xenvif-hash.h"
#include "rate/xenvif-budget.h"
#include "ring/xenvif-ctrl-ring.h"
#include "vif/xenvif-life.h"
#include "vif/xenvif-polled.h"

VLOG_DEFINE_THIS_MODULE(xenvif_connect);

/* How often a vif may connect: so many times at once, and so many times a
 * second after that.  Each connect, and each end of a connection, has Open
 * vSwitch look at all flows of the host anew.  Windows goes through several
 * connects when it boots, and spins while it waits for our answers, so the
 * first ones must not wait. */
#define CONNECT_BURST 30
#define CONNECT_RATE 1

void
xenvif_link_init(struct xenvif *xenvif)
{
    xenvif_bucket_init(&xenvif->connects, CONNECT_RATE, CONNECT_BURST,
                       xenvif_bucket_now());
}

/* May the vif connect now?  If not, arranges for another try. */
static bool
may_connect(struct xenvif *xenvif)
{
    xenvif_bucket_refill(&xenvif->connects, xenvif_bucket_now());
    if (xenvif->connects.level >= XENVIF_BUCKET_TOKEN) {
        return true;
    }
    xenvif_complain(xenvif, "the guest connects too often, at most once a "
                    "second from now on");
    xenvif->retry_at = time_msec() + 1000 / CONNECT_RATE / 5;
    return false;
}

bool
xenvif_disconnect(struct xenvif *xenvif, bool drain)
{
    struct xenvif_conn *conn
        = ovsrcu_get_protected(struct xenvif_conn *, &xenvif->conn);

    if (!conn) {
        xenvif->drain_dying |= drain;
        return !xenvif->dying;
    }
    xenvif_saved_end(&xenvif->saved, !drain);
    ovsrcu_set(&xenvif->conn, NULL);

    /* PMD and other threads may be using the rings until they quiesce.  There
     * is no older connection that is dying, because nothing connects before
     * that is gone. */
    xenvif->dying = conn;
    xenvif->drain_dying = drain;
    xenvif->dying_grace = xenvif_grace_ask();
    xenvif_budget_spend(xenvif->terms.budget, XENVIF_PRICE_GRACE);
    xenvif->now.connected = false;
    xenvif->now.stalled = false;
    xenvif->stalled_ms = 0;
    xenvif->now.fault = 0;
    xenvif->now.n_queues = 0;
    xenvif->n_refused_before = 0;
    VLOG_INFO_RL(&xenvif->rl, "vif%"PRIu16".%"PRIu16": disconnected",
                 xenvif->domid, xenvif->handle);
    return false;
}

void
xenvif_settle(struct xenvif *xenvif)
{
    if (xenvif->dying && xenvif_grace_is_over(xenvif->dying_grace)) {
        if (xenvif->drain_dying) {
            xenvif_conn_drain(xenvif->dying);
        }
        xenvif_conn_close(xenvif->dying);
        xenvif->dying = NULL;
        xenvif->dirty = true;

        /* Tables that were freed made other threads wait for us. */
        ovsrcu_quiesce_start();
    }
}

/* Returns how many queues the frontend may have: what was offered, by us or by
 * an earlier backend. */
static unsigned int
read_max_queues(const struct xenvif *xenvif)
{
    uint32_t max_queues;

    return (xenvif_store_read_u32(XENVIF_STORE_NO_TXN, xenvif->backend_dir,
                                  "multi-queue-max-queues", &max_queues)
            ? 1 : MAX(1, MIN(max_queues, XENVIF_MAX_QUEUES)));
}

/* Fixes what stays the same during the connection that is about to be opened.
 * The previous one is gone, so that no thread is reading this. */
static void
fix_terms(struct xenvif *xenvif)
{
    struct xenvif_settings settings = xenvif_get_settings(xenvif);
    struct xenvif_terms *terms = &xenvif->terms;

    ovs_assert(!xenvif->dying && !xenvif_get_conn(xenvif));
    terms->partial = settings.partial;
    terms->tso = settings.tso;
    xenvif_bus_read_offers(xenvif->backend_dir, &terms->offers);
}

/* Reads what the frontend wants and opens the connection to it.  Returns NULL
 * and stores a text in '*problem' if that fails. */
static struct xenvif_conn *
open_conn(struct xenvif *xenvif, const struct xenvif_hash *hash,
          char **problem)
{
    struct xenvif_request request;

    *problem = xenvif_bus_read_request(xenvif->frontend_dir,
                                       read_max_queues(xenvif), &request);
    if (!*problem && !xenvif->kernel.conflict
        && xenvif_observed_read_state(xenvif->frontend_dir)
           != XenbusStateConnected) {
        *problem = xstrdup("frontend left state Connected");
    }
    if (*problem) {
        return NULL;
    }
    fix_terms(xenvif);
    return xenvif_conn_open(&xenvif->terms, &request, hash, problem);
}

/* Brings the data path up, with the configuration 'hash' of a guest that
 * is connected already, unless it is NULL.  Returns true if that worked. */
static bool
connect_rings(struct xenvif *xenvif, const struct xenvif_hash *hash)
{
    struct xenvif_conn *conn;
    char *problem;

    if (!may_connect(xenvif)) {
        return false;
    }
    xenvif_budget_spend(xenvif->terms.budget, XENVIF_PRICE_CONNECT);
    conn = open_conn(xenvif, hash, &problem);
    if (!conn) {
        xenvif_complain(xenvif, "%s", problem);
        free(problem);
        xenvif_retry_later(xenvif);
        return false;
    }

    xenvif_saved_begin(&xenvif->saved, conn, hash != NULL);
    ovsrcu_set(&xenvif->conn, conn);
    xenvif_bucket_take(&xenvif->connects, 1);
    xenvif_budget_spend(xenvif->terms.budget,
                        conn->n_queues * XENVIF_PRICE_QUEUE);
    xenvif->served = true;
    xenvif->now.connected = true;
    xenvif->now.unpolled = XENVIF_POLLED_ALL;
    xenvif->now.n_queues = conn->n_queues;
    xenvif_report_follow(&xenvif->now, conn);
    xenvif->now.n_connects++;
    xenvif->retry_interval = XENVIF_RETRY_MIN_MS;
    if (xenvif->now.last_error[0]) {
        xenvif->now.last_error[0] = '\0';
        xenvif_store_remove(xenvif->error_dir, "error");
    }
    return true;
}

/* Tells the guest that we are there. */
static void
announce_connection(struct xenvif *xenvif, const char *what)
{
    struct xenvif_conn *conn
        = ovsrcu_get_protected(struct xenvif_conn *, &xenvif->conn);

    xenvif_conn_notify_all(conn);
    VLOG_INFO_RL(&xenvif->rl, "vif%"PRIu16".%"PRIu16": %s, %u queue%s, %s "
                 "event channels", xenvif->domid, xenvif->handle, what,
                 conn->n_queues, conn->n_queues > 1 ? "s" : "",
                 conn->common.features.split_channels ? "split" : "single");
}

void
xenvif_connect(struct xenvif *xenvif)
{
    /* What an earlier guest of this number left behind is not this one's. */
    xenvif_saved_clear(&xenvif->saved);
    if (connect_rings(xenvif, NULL)) {
        xenvif_write_state(xenvif, XenbusStateConnected);
        if (xenvif->now.backend == XenbusStateConnected) {
            announce_connection(xenvif, "connected");
        } else {
            xenvif_disconnect(xenvif, false);
        }
    }
}

void
xenvif_attach(struct xenvif *xenvif)
{
    struct xenvif_hash *hash = xmalloc(sizeof *hash);

    xenvif_saved_load(&xenvif->saved, hash, &xenvif->terms.multicast);
    if (connect_rings(xenvif, hash)) {
        announce_connection(xenvif, "attached to running guest");
    }
    free(hash);
}

void
xenvif_close(struct xenvif *xenvif, unsigned int state)
{
    if (!xenvif_disconnect(xenvif, true)) {
        return;
    }
    xenvif_multicast_clear(&xenvif->terms.multicast);
    xenvif_saved_clear(&xenvif->saved);
    xenvif_write_state(xenvif, state);
}
