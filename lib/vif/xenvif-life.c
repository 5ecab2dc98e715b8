/* SPDX-License-Identifier: Apache-2.0 */

/* One virtual interface: what all parts of its life do. */

#include <config.h>

#include "vif/xenvif-life.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "openvswitch/vlog.h"
#include "ovs-thread.h"
#include "timeval.h"
#include "util.h"
#include "xen/xenvif-store.h"

VLOG_DEFINE_THIS_MODULE(xenvif);

/* See XENVIF_RETRY_MIN_MS. */
#define RETRY_MAX_MS 1000

/* Queues offered to a guest if nobody says how many, at most.  Linux's
 * drivers, on both sides, stop at as many by themselves; each one costs the
 * host memory, event channels and an rxq, and it is the guest that takes
 * them. */
#define MAX_DEFAULT_QUEUES 8

void
xenvif_write_error(struct xenvif *xenvif)
{
    if (xenvif->error_dir && xenvif->now.last_error[0]) {
        xenvif_store_write(XENVIF_STORE_NO_TXN, xenvif->error_dir, "error",
                           xenvif->now.last_error);
    }
}

void
xenvif_complain(struct xenvif *xenvif, const char *format, ...)
{
    char *old = xstrdup(xenvif->now.last_error);
    va_list args;

    va_start(args, format);
    vsnprintf(xenvif->now.last_error, sizeof xenvif->now.last_error, format,
              args);
    va_end(args);

    if (strcmp(old, xenvif->now.last_error)) {
        VLOG_WARN_RL(&xenvif->rl, "vif%"PRIu16".%"PRIu16": %s",
                     xenvif->domid, xenvif->handle, xenvif->now.last_error);
        xenvif_write_error(xenvif);
    }
    free(old);
}

void
xenvif_retry_later(struct xenvif *xenvif)
{
    xenvif->retry_at = time_msec() + xenvif->retry_interval;
    xenvif->retry_interval = MIN(2 * xenvif->retry_interval, RETRY_MAX_MS);
}

struct xenvif_settings
xenvif_get_settings(struct xenvif *xenvif)
{
    struct xenvif_settings settings;

    ovs_mutex_lock(&xenvif->mutex);
    settings = xenvif->settings;
    ovs_mutex_unlock(&xenvif->mutex);
    if (!settings.max_queues) {
        settings.max_queues = xenvif_default_queues();
    }
    return settings;
}

unsigned int
xenvif_default_queues(void)
{
    return MAX(1, MIN(count_cpu_cores(), MAX_DEFAULT_QUEUES));
}

void
xenvif_write_state(struct xenvif *xenvif, unsigned int state)
{
    int error = xenvif_bus_write_state(xenvif->backend_dir, state);

    if (!error) {
        VLOG_DBG("vif%"PRIu16".%"PRIu16": %s -> %s", xenvif->domid,
                 xenvif->handle,
                 xenvif_bus_state_to_string(xenvif->now.backend),
                 xenvif_bus_state_to_string(state));
        xenvif->now.backend = state;
        xenvif->dirty = true;
    } else if (error != ENOENT) {
        xenvif_complain(xenvif, "cannot write state (%s)",
                        ovs_strerror(error));
        xenvif_retry_later(xenvif);
    }
}

bool
xenvif_publish_report(struct xenvif *xenvif)
{
    struct xenvif_report *now = &xenvif->now;
    bool changed;

    ovs_mutex_lock(&xenvif->mutex);
    if (strcmp(now->reason, xenvif->report.reason)) {
        now->since = time_wall_msec() - xenvif->stalled_ms;
    }
    if (xenvif_report_carrier(now) != xenvif_report_carrier(&xenvif->report)) {
        now->n_carrier_changes++;
    }
    changed = memcmp(&xenvif->report, now, sizeof *now);
    memcpy(&xenvif->report, now, sizeof *now);
    ovs_mutex_unlock(&xenvif->mutex);
    return changed;
}

void
xenvif_get_report(struct xenvif *xenvif, struct xenvif_report *report)
{
    ovs_mutex_lock(&xenvif->mutex);
    memcpy(report, &xenvif->report, sizeof *report);
    ovs_mutex_unlock(&xenvif->mutex);
}
