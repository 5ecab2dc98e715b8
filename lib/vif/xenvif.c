/* SPDX-License-Identifier: Apache-2.0 */

/* One virtual interface. */

#include <config.h>

#include "vif/xenvif.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "openvswitch/poll-loop.h"
#include "openvswitch/vlog.h"
#include "ovs-thread.h"
#include "timeval.h"
#include "util.h"
#include "rate/xenvif-budget.h"
#include "ring/xenvif-ctrl-ring.h"
#include "vif/xenvif-life.h"
#include "vif/xenvif-link.h"

VLOG_DEFINE_THIS_MODULE(xenvif_steps);

struct xenvif *
xenvif_create(uint16_t domid, uint16_t handle, struct latch *fault_latch)
    OVS_NO_THREAD_SAFETY_ANALYSIS
{
    static const struct vlog_rate_limit rl = VLOG_RATE_LIMIT_INIT(10, 10);
    struct xenvif *xenvif = xzalloc_cacheline(sizeof *xenvif);

    xenvif->domid = domid;
    xenvif->handle = handle;
    ovsrcu_init(&xenvif->conn, NULL);
    xenvif_terms_init(&xenvif->terms, domid, xenvif_budget_ref(domid),
                      fault_latch);
    atomic_init(&xenvif->down, false);
    ovs_mutex_init(&xenvif->mutex);
    xenvif_saved_init(&xenvif->saved);
    xenvif_link_init(xenvif);
    xenvif->rl = rl;
    xenvif->dirty = true;
    xenvif->retry_at = LLONG_MAX;
    xenvif->retry_interval = XENVIF_RETRY_MIN_MS;
    return xenvif;
}

/* Keys of the frontend that may change while it exists. */
static const char *const watched_keys[] = {
    "state",
    "request-multicast-control",
};

/* Sets, or clears, the watches on 'xenvif->frontend_dir'. */
static void
watch_frontend(const struct xenvif *xenvif, bool set)
{
    char token[32];

    snprintf(token, sizeof token, "%"PRIu16"/%"PRIu16,
             xenvif->domid, xenvif->handle);
    for (size_t i = 0; i < ARRAY_SIZE(watched_keys); i++) {
        char *path = xasprintf("%s/%s", xenvif->frontend_dir, watched_keys[i]);

        if (set) {
            xenvif_store_watch(path, token);
        } else {
            xenvif_store_unwatch(path, token);
        }
        free(path);
    }
}

static void
set_frontend_dir(struct xenvif *xenvif, char *frontend_dir)
{
    if (xenvif->frontend_dir) {
        watch_frontend(xenvif, false);
        free(xenvif->frontend_dir);
    }
    xenvif->frontend_dir = frontend_dir;
    if (frontend_dir) {
        watch_frontend(xenvif, true);
    }
}

void
xenvif_store_lost(struct xenvif *xenvif)
{
    free(xenvif->frontend_dir);
    free(xenvif->backend_dir);
    free(xenvif->error_dir);
    xenvif->frontend_dir = xenvif->backend_dir = xenvif->error_dir = NULL;
    xenvif_saved_set_dir(&xenvif->saved, NULL);
    xenvif->dirty = true;
}

void
xenvif_destroy(struct xenvif *xenvif)
    OVS_NO_THREAD_SAFETY_ANALYSIS
{
    set_frontend_dir(xenvif, NULL);
    xenvif_budget_unref(xenvif->terms.budget);
    xenvif_terms_destroy(&xenvif->terms);
    ovs_mutex_destroy(&xenvif->mutex);
    free(xenvif->port_name);
    free(xenvif->backend_dir);
    free(xenvif->error_dir);
    xenvif_saved_destroy(&xenvif->saved);
    free_cacheline(xenvif);
}

static void
set_dirs(struct xenvif *xenvif, const char *own_dir)
{
    xenvif->backend_dir = xasprintf("%s/backend/vif/%"PRIu16"/%"PRIu16,
                                    own_dir, xenvif->domid, xenvif->handle);
    xenvif->error_dir = xasprintf("%s/error/backend/vif/%"PRIu16"/%"PRIu16,
                                  own_dir, xenvif->domid, xenvif->handle);
    xenvif_saved_set_dir(&xenvif->saved,
                         xasprintf("%s/data/xenvif/%"PRIu16"/%"PRIu16, own_dir,
                                   xenvif->domid, xenvif->handle));
}

/* Takes over the limit on what the guest transmits, which the toolstack may
 * change, or remove, at any time. */
static void
follow_rate(struct xenvif *xenvif)
{
    const char *text = xenvif->observed.rate;
    bool has_rate = xenvif->observed.has_rate;

    if (has_rate == xenvif->has_rate && !strcmp(text, xenvif->rate_text)) {
        return;
    }
    xenvif->has_rate = has_rate;
    ovs_strlcpy(xenvif->rate_text, text, sizeof xenvif->rate_text);
    if (!xenvif_credit_parse(text, &xenvif->now.rate) && has_rate) {
        xenvif->now.n_bad_rates++;
        VLOG_WARN_RL(&xenvif->rl, "vif%"PRIu16".%"PRIu16": ignoring rate "
                     "\"%s\", which is not BYTES,MICROSECONDS",
                     xenvif->domid, xenvif->handle, text);
    }
    xenvif_credit_set(&xenvif->terms.rate, &xenvif->now.rate,
                      xenvif_bucket_now());
}

/* Reads what XenStore says, and takes over what users are shown of it.
 * Returns false if there is no such vif. */
static bool
observe(struct xenvif *xenvif)
{
    if (!xenvif->frontend_dir) {
        char *frontend_dir = xenvif_store_read(XENVIF_STORE_NO_TXN,
                                               xenvif->backend_dir,
                                               "frontend");

        if (!frontend_dir) {
            return false;
        }
        set_frontend_dir(xenvif, frontend_dir);
    }
    if (!xenvif_observed_read(xenvif->backend_dir, xenvif->frontend_dir,
                              xenvif->domid, xenvif->handle,
                              &xenvif->observed)) {
        return false;
    }
    xenvif->now.frontend = xenvif->observed.frontend;
    xenvif->now.online = xenvif->observed.online;
    xenvif->now.mtu = xenvif->observed.mtu;
    memcpy(xenvif->now.mac, xenvif->observed.mac, sizeof xenvif->now.mac);
    follow_rate(xenvif);
    return true;
}

static enum xenvif_owner
decide_owner(const struct xenvif *xenvif)
{
    if (xenvif->observed.kernel && !xenvif->kernel.conflict) {
        return XENVIF_KERNEL;
    } else if (xenvif->has_port) {
        return XENVIF_OURS_BY_PORT;
    } else if (xenvif->observed.our_script) {
        return XENVIF_OURS_BY_SCRIPT;
    } else if (xenvif->served) {
        return XENVIF_OURS_BY_HISTORY;
    } else {
        return XENVIF_NOT_OURS;
    }
}

/* Takes notice of what xen-netback does.  Returns true if the states in
 * XenStore are not to be believed. */
static bool
is_conflict(struct xenvif *xenvif)
{
    struct xenvif_kernel *kernel = &xenvif->kernel;

    if (!xenvif->seen && !kernel->conflict
        && xenvif_kernel_may_resume(&xenvif->observed)
        && xenvif_saved_get_conflict(&xenvif->saved)) {
        xenvif_kernel_resume(kernel);
    }
    if (xenvif_kernel_run(kernel, &xenvif->observed, xenvif->now.connected)) {
        if (kernel->conflict) {
            xenvif_complain(xenvif, "Linux xen-netback was bound to a vif in "
                            "use; ignoring what it does to the state");
        } else {
            xenvif_disconnect(xenvif, false);
        }
        xenvif_saved_set_conflict(&xenvif->saved, kernel->conflict);
    }
    return kernel->conflict;
}

/* Tells when a vif that is meant for us turns out to be the kernel's. */
static void
log_owner(const struct xenvif *xenvif, enum xenvif_owner owner)
{
    if (owner == XENVIF_KERNEL && xenvif->now.owner != owner
        && (xenvif->has_port || xenvif->observed.our_script)) {
        VLOG_WARN("vif%"PRIu16".%"PRIu16": not served, because Linux "
                  "xen-netback is bound to it", xenvif->domid,
                  xenvif->handle);
    }
}

/* Toolstacks write Closing into B/state to have a vif removed, and create the
 * directory anew when a domain is restored.  Whatever somebody else wrote
 * there, it is the state now. */
static void
follow_backend_state(struct xenvif *xenvif)
{
    unsigned int backend = xenvif->observed.backend;

    if (xenvif->seen && backend != xenvif->now.backend) {
        VLOG_INFO_RL(&xenvif->rl, "vif%"PRIu16".%"PRIu16": state set to %s by "
                     "the toolstack", xenvif->domid, xenvif->handle,
                     xenvif_bus_state_to_string(backend));
        xenvif_disconnect(xenvif, false);
    }
    if (!xenvif->seen && backend == XenbusStateInitWait) {
        /* Whoever was here before us may have offered what we cannot keep. */
        xenvif->offered.max_queues = 0;
    }
    xenvif->seen = true;
    xenvif->now.backend = backend;
}

static void
offer(struct xenvif *xenvif)
{
    struct xenvif_settings settings = xenvif_get_settings(xenvif);
    struct xenvif_bus_offer bus_offer = {
        .max_queues = settings.max_queues,
        .partial = settings.partial,
        .tso = settings.tso,
    };
    int error = xenvif_bus_write_offer(xenvif->backend_dir, &bus_offer);

    if (!error) {
        xenvif->offered = settings;
        xenvif->now.backend = XenbusStateInitWait;
        xenvif->served = true;
        xenvif->dirty = true;
    } else if (error != ENOENT) {
        xenvif_complain(xenvif, "cannot publish features (%s)",
                        ovs_strerror(error));
        xenvif_retry_later(xenvif);
    }
}

/* Returns when to look at the vif next, if nobody says anything before, as
 * time_msec() has it. */
static long long int
next_look(const struct xenvif *xenvif)
{
    long long int due = xenvif->dirty ? 0 : xenvif->retry_at;

    return (due == LLONG_MAX ? LLONG_MAX
            : MAX(due, xenvif_budget_due(xenvif->terms.budget, 0)));
}

static bool
is_due(const struct xenvif *xenvif)
{
    return time_msec() >= next_look(xenvif);
}

void
xenvif_wait(const struct xenvif *xenvif, bool have_store)
{
    const struct xenvif_conn *conn = xenvif_get_conn(xenvif);

    if (have_store) {
        poll_timer_wait_until(next_look(xenvif));
    }
    if (conn && conn->ctrl) {
        xenvif_ctrl_wait(conn->ctrl);
    }
    poll_timer_wait_until(xenvif_saved_next(&xenvif->saved));
}

/* The guest attached or removed an XDP program.  It may write the headroom
 * only after the state that announces it, so that this happens twice. */
static void
reconfigure(struct xenvif *xenvif, unsigned int state)
{
    struct xenvif_conn *conn
        = ovsrcu_get_protected(struct xenvif_conn *, &xenvif->conn);

    if (conn) {
        atomic_store_relaxed(&conn->common.headroom,
                             xenvif_bus_read_headroom(xenvif->frontend_dir));
    }
    xenvif_write_state(xenvif, state);
}

/* May the guest have a data path now?  It must not get at a port before the
 * hotplug script made that its own: there may be one of an earlier guest. */
static bool
may_connect(const struct xenvif *xenvif)
{
    const struct xenvif_observed *observed = &xenvif->observed;

    /* Who is connected had the script done.  Linux xen-netback deletes the key
     * when the vif is taken away from it. */
    return xenvif->has_port
           && (observed->hotplug_done
               || (observed->hotplug_missing
                   && xenvif->now.backend == XenbusStateConnected));
}

/* Goes on with a guest that is connected already. */
static void
attach(struct xenvif *xenvif)
{
    xenvif_attach(xenvif);
    if (xenvif->now.connected && xenvif->observed.hotplug_missing) {
        /* For its next connection. */
        xenvif_store_write(XENVIF_STORE_NO_TXN, xenvif->backend_dir,
                           "hotplug-status", "connected");
    }
}

/* Takes the next step, if there is one. */
static void
step(struct xenvif *xenvif)
{
    struct xenvif_bus_view bus_view = {
        .frontend = xenvif->now.frontend,
        .backend = xenvif->now.backend,
        .online = xenvif->now.online,
        .connected = xenvif->now.connected,
        .may_connect = may_connect(xenvif),
    };

    switch (xenvif_bus_next(&bus_view)) {
    case XENVIF_BUS_NOTHING:
        break;
    case XENVIF_BUS_OFFER:
        offer(xenvif);
        break;
    case XENVIF_BUS_CONNECT:
        xenvif_connect(xenvif);
        break;
    case XENVIF_BUS_ATTACH:
        attach(xenvif);
        break;
    case XENVIF_BUS_RECONFIGURE:
        reconfigure(xenvif, XenbusStateReconfigured);
        break;
    case XENVIF_BUS_RECONFIGURED:
        reconfigure(xenvif, XenbusStateConnected);
        break;
    case XENVIF_BUS_CLOSING:
        xenvif_close(xenvif, XenbusStateClosing);
        break;
    case XENVIF_BUS_CLOSED:
        xenvif_close(xenvif, XenbusStateClosed);
        break;
    default:
        OVS_NOT_REACHED();
    }
}

/* Follows what a frontend may change while it is connected. */
static void
follow_frontend(struct xenvif *xenvif)
{
    struct xenvif_conn *conn
        = ovsrcu_get_protected(struct xenvif_conn *, &xenvif->conn);

    if (conn) {
        atomic_store_relaxed(
            &conn->common.filter_multicast,
            xenvif_bus_read_filter_multicast(xenvif->frontend_dir));
    }
}

/* Is what frontends can read what the port wants to offer now? */
static bool
is_offer_valid(struct xenvif *xenvif)
{
    struct xenvif_settings settings = xenvif_get_settings(xenvif);

    return (xenvif->offered.max_queues == settings.max_queues
            && xenvif->offered.partial == settings.partial
            && xenvif->offered.tso == settings.tso);
}

/* Does what there is to do for a vif that is ours. */
static void
serve(struct xenvif *xenvif)
{
    follow_backend_state(xenvif);
    if (!xenvif->has_port) {
        xenvif_disconnect(xenvif, false);
    }
    follow_frontend(xenvif);
    if (xenvif->dying) {
        return;
    }
    if (xenvif->now.backend == XenbusStateInitWait
        && !is_offer_valid(xenvif)) {
        offer(xenvif);
    } else {
        step(xenvif);
    }
}

/* Likewise, in a conflict with xen-netback: the rings are all there is. */
static void
serve_in_conflict(struct xenvif *xenvif)
{
    if (!xenvif->has_port) {
        xenvif_disconnect(xenvif, false);
    } else if (!xenvif->now.connected && !xenvif->dying) {
        xenvif_attach(xenvif);
    }
    xenvif->seen = true;
}

/* Does what there is to do for a vif that is somebody else's. */
static void
leave_alone(struct xenvif *xenvif)
{
    xenvif_disconnect(xenvif, false);
    xenvif->now.backend = xenvif->observed.backend;
    xenvif->seen = false;
}

/* There is nothing in XenStore (any more). */
static void
forget(struct xenvif *xenvif)
{
    xenvif_disconnect(xenvif, false);
    set_frontend_dir(xenvif, NULL);
    xenvif_saved_clear(&xenvif->saved);
    xenvif_store_remove_dir(xenvif->error_dir);
    xenvif->seen = xenvif->served = false;
    memset(&xenvif->kernel, 0, sizeof xenvif->kernel);
    xenvif->now.frontend = xenvif->now.backend = XenbusStateUnknown;
    xenvif->now.online = false;
    xenvif->now.mac[0] = '\0';
    xenvif->now.mtu = 0;
    xenvif->now.last_error[0] = '\0';
    xenvif->now.owner = XENVIF_NOT_OURS;
    memset(&xenvif->observed, 0, sizeof xenvif->observed);
    follow_rate(xenvif);
}

/* Takes notice of what the port wants.  Returns true if it changed. */
static bool
take_port(struct xenvif *xenvif)
{
    bool changed;

    ovs_mutex_lock(&xenvif->mutex);
    changed = xenvif->changed;
    xenvif->changed = false;
    xenvif->has_port = xenvif->port != NULL;
    ovs_mutex_unlock(&xenvif->mutex);
    return changed;
}

/* Does what there is to do, which depends on whose the vif is. */
static void
serve_owner(struct xenvif *xenvif)
{
    bool conflict = is_conflict(xenvif);
    enum xenvif_owner owner = decide_owner(xenvif);

    log_owner(xenvif, owner);
    xenvif->now.owner = owner;
    if (owner < XENVIF_OURS_BY_PORT) {
        leave_alone(xenvif);
    } else if (conflict) {
        serve_in_conflict(xenvif);
    } else if (xenvif_kernel_is_coming(&xenvif->kernel, &xenvif->observed)) {
        xenvif_retry_later(xenvif);
    } else {
        serve(xenvif);
    }
}

bool
xenvif_run(struct xenvif *xenvif, const char *own_dir)
{
    bool changed = take_port(xenvif);

    /* What a guest does to its part of XenStore waits until it can be paid
     * for; what a port wants does not. */
    if (!changed && !is_due(xenvif)) {
        return false;
    }
    xenvif_budget_spend(xenvif->terms.budget, XENVIF_PRICE_LOOK);
    xenvif->dirty = false;
    xenvif->retry_at = LLONG_MAX;
    if (!xenvif->backend_dir) {
        set_dirs(xenvif, own_dir);
        xenvif_write_error(xenvif);
    }

    xenvif->now.present = observe(xenvif);
    if (!xenvif->now.present) {
        forget(xenvif);
    } else {
        serve_owner(xenvif);
    }
    xenvif_report_explain(&xenvif->now, xenvif->has_port, &xenvif->observed);
    return xenvif_publish_report(xenvif);
}

bool
xenvif_is_forgotten(struct xenvif *xenvif)
{
    bool forgotten;

    ovs_mutex_lock(&xenvif->mutex);
    forgotten = !xenvif->n_claims && !xenvif->changed && !xenvif->now.present
                && !xenvif->dirty && !xenvif->now.connected && !xenvif->dying;
    ovs_mutex_unlock(&xenvif->mutex);
    return forgotten;
}
