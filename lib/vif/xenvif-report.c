/* SPDX-License-Identifier: Apache-2.0 */

/* What users are shown of a vif. */

#include <config.h>

#include "vif/xenvif-report.h"

#include <stdio.h>

#include "cmap.h"
#include "timeval.h"
#include "util.h"
#include "ring/xenvif-conn.h"
#include "vif/xenvif-bus.h"
#include "vif/xenvif-observed.h"
#include "vif/xenvif-polled.h"

void
xenvif_report_explain(struct xenvif_report *report, bool has_port,
                      const struct xenvif_observed *observed)
{
    char *reason = report->reason;
    size_t size = sizeof report->reason;

    reason[0] = '\0';
    if (!report->present) {
        snprintf(reason, size, "no such vif in XenStore");
    } else if (report->owner == XENVIF_KERNEL) {
        snprintf(reason, size, "Linux xen-netback is bound to the vif");
    } else if (report->owner == XENVIF_NOT_OURS) {
        snprintf(reason, size, "no port of this switch, and its hotplug "
                 "script is not "XENVIF_SCRIPT);
    } else if (report->fault) {
        snprintf(reason, size, "stopped until the guest reconnects: %s",
                 xenvif_fault_to_string(report->fault));
    } else if (report->stalled) {
        snprintf(reason, size, "guest does not post RX slots");
    } else if (report->connected && report->unpolled != XENVIF_POLLED_ALL) {
        snprintf(reason, size, "connected, but no thread polls queue %d (see "
                 "pmd-cpu-mask and pmd-rxq-show)", report->unpolled);
    } else if (report->connected) {
        return;
    } else if (!has_port) {
        snprintf(reason, size, "no port of this switch");
    } else if (report->last_error[0]) {
        snprintf(reason, size, "%s", report->last_error);
    } else if (observed->hotplug_error[0]) {
        snprintf(reason, size, "the hotplug script failed: %s",
                 observed->hotplug_error);
    } else if (!observed->hotplug_done) {
        snprintf(reason, size, "waiting for the hotplug script to write "
                 "hotplug-status=connected");
    } else {
        snprintf(reason, size, "waiting for the guest (frontend is %s)",
                 xenvif_bus_state_to_string(report->frontend));
    }
}

/* Did the guest have pages mapped, rather than leave it to us? */
static bool
has_mapped_grefs(const struct xenvif_conn *conn)
{
    bool mapped = false;

    for (unsigned int i = 0; i < conn->n_queues; i++) {
        mapped |= !cmap_is_empty(&conn->grefs[i]->map);
    }
    return mapped && !conn->common.features.persistent;
}

bool
xenvif_report_follow(struct xenvif_report *report,
                     const struct xenvif_conn *conn)
{
    struct xenvif_common *common
        = CONST_CAST(struct xenvif_common *, &conn->common);
    struct xenvif_uses old = report->uses;
    uint32_t headroom;

    report->features = common->features;
    report->offers = common->terms->offers;
    report->uses.ctrl_ring = conn->ctrl != NULL;
    report->uses.hash
        = ovsrcu_get(struct xenvif_hash *, &common->hash) != NULL;
    report->uses.gref_mapping = has_mapped_grefs(conn);
    atomic_read_relaxed(&common->filter_multicast,
                        &report->uses.multicast_control);
    atomic_read_relaxed(&common->headroom, &headroom);
    report->uses.xdp_headroom = headroom > 0;
    return memcmp(&old, &report->uses, sizeof old);
}

char *
xenvif_report_since(const struct xenvif_report *report)
{
    return xastrftime_msec("%Y-%m-%d %H:%M:%S UTC", report->since, true);
}

const char *
xenvif_owner_to_string(enum xenvif_owner owner)
{
    switch (owner) {
    case XENVIF_NOT_OURS:
        return "not ours";
    case XENVIF_KERNEL:
        return "Linux xen-netback";
    case XENVIF_OURS_BY_PORT:
        return "ours (port)";
    case XENVIF_OURS_BY_SCRIPT:
        return "ours (hotplug script)";
    case XENVIF_OURS_BY_HISTORY:
        return "ours (served before)";
    default:
        OVS_NOT_REACHED();
    }
}
