/*
 * Copyright (c) 2026 The ovs-xenvif authors.
 *
 * Licensed under the Apache License, Version 2.0 (the "License");
 * you may not use this file except in compliance with the License.
 * You may obtain a copy of the License at:
 *
 *     http://www.apache.org/licenses/LICENSE-2.0
 *
 * Unless required by applicable law or agreed to in writing, software
 * distributed under the License is distributed on an "AS IS" BASIS,
 * WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
 * See the License for the specific language governing permissions and
 * limitations under the License.
 */

/* The ovs-appctl commands xenvif/show and xenvif/list. */

#include <config.h>

#include "netdev-xenvif-private.h"

#include <stdlib.h>

#include "openvswitch/dynamic-string.h"
#include "openvswitch/shash.h"
#include "unixctl.h"
#include "util.h"
#include "xenvif-control.h"
#include "xenvif-grant.h"

/* Returns true if 'name' is a port of ours, and it in '*dev', to be closed by
 * the caller. */
static bool
open_port(const char *name, struct netdev_xenvif **dev)
{
    struct netdev *netdev = netdev_from_name(name);

    if (netdev && netdev_xenvif_is_class(netdev_get_class(netdev))) {
        *dev = netdev_xenvif_cast(netdev);
        return true;
    }
    netdev_close(netdev);
    return false;
}

static void
format_state(struct ds *ds, const char *side, unsigned int state)
{
    ds_put_format(ds, "  %s state: %u (%s)\n", side, state,
                  xenvif_bus_state_to_string(state));
}

static void
format_features(struct ds *ds, const struct xenvif_features *f)
{
    ds_put_format(ds, "  features: sg=%d rx-notify=%d csum-v4=%d csum-v6=%d "
                  "gso-v4=%d gso-v6=%d\n", f->sg, f->rx_notify, f->csum_v4,
                  f->csum_v6, f->gso_v4, f->gso_v6);
    ds_put_format(ds, "  event channels: %s\n",
                  f->split_channels ? "split" : "single");
}

static void
format_info(struct ds *ds, const struct xenvif_info *info, bool tx_csum)
{
    ds_put_format(ds, "  status: %s%s%s\n",
                  xenvif_info_carrier(info) ? "up" : "down",
                  info->reason[0] ? ": " : "", info->reason);
    ds_put_format(ds, "  served by: %s\n",
                  xenvif_owner_to_string(info->owner));
    format_state(ds, "frontend", info->frontend);
    format_state(ds, "backend", info->backend);
    ds_put_format(ds, "  online: %s, connects: %"PRIu32", "
                  "carrier changes: %"PRIu32"\n", info->online ? "yes" : "no",
                  info->n_connects, info->n_carrier_changes);
    if (info->mac[0]) {
        ds_put_format(ds, "  guest MAC: %s\n", info->mac);
    }
    if (info->rate.usec) {
        ds_put_format(ds, "  rate of the guest: %"PRIu64" bytes every %"PRIu32
                      " us (%"PRIu64" kbit/s)\n", info->rate.bytes,
                      info->rate.usec, xenvif_rate_speed(&info->rate) / 125);
    }
    if (info->n_bad_rates) {
        ds_put_format(ds, "  rates not understood: %"PRIu32"\n",
                      info->n_bad_rates);
    }
    if (info->last_error[0]) {
        ds_put_format(ds, "  last error: %s\n", info->last_error);
    }
    if (info->connected) {
        format_features(ds, &info->features);
        if (!tx_csum) {
            ds_put_cstr(ds, "  tx-csum-offload: false, the guest gets "
                        "complete checksums\n");
        }
    }
}

/* Indexes of a ring.  They belong to another thread, so that what is printed
 * is a snapshot that may be a burst old. */
static void
format_ring(struct ds *ds, const char *name, const struct xenvif_ring *ring)
{
    uint32_t prod = xenvif_ring_req_prod(ring);

    ds_put_format(ds, "    %s ring: req_prod %"PRIu32", req_cons %"PRIu32
                  ", rsp_prod %"PRIu32", %"PRIu32" of %"PRIu32
                  " slots posted\n", name, prod, ring->req_cons,
                  ring->rsp_prod, prod - ring->req_cons, ring->size);
}

static void
format_counters(struct ds *ds, const char *name,
                const struct xenvif_counters *counters)
{
    ds_put_format(ds, "    %s:", name);
#define XENVIF_COUNTER(NAME)                                            \
    if (xenvif_counter_get(&counters->NAME)) {                          \
        ds_put_format(ds, " "#NAME"=%"PRIu64,                           \
                      xenvif_counter_get(&counters->NAME));             \
    }
    XENVIF_COUNTERS
#undef XENVIF_COUNTER
    ds_put_char(ds, '\n');
}

static void
format_drops(struct ds *ds, const struct xenvif_queue_stats *stats)
{
    for (unsigned int v = 0; v < XENVIF_TX_N_VERDICTS; v++) {
        uint64_t n = xenvif_counter_get(&stats->tx_verdicts[v]);

        if (n && xenvif_tx_verdict_name(v)) {
            ds_put_format(ds, "    from guest dropped %"PRIu64": %s\n", n,
                          xenvif_tx_verdict_to_string(v));
        }
    }
    for (unsigned int v = 0; v < XENVIF_RX_N_VERDICTS; v++) {
        uint64_t n = xenvif_counter_get(&stats->rx_verdicts[v]);

        if (n && xenvif_rx_verdict_name(v)) {
            ds_put_format(ds, "    to guest dropped %"PRIu64": %s\n", n,
                          xenvif_rx_verdict_to_string(v));
        }
    }
}

static void
format_queues(struct ds *ds, const struct netdev_xenvif *dev)
    OVS_NO_THREAD_SAFETY_ANALYSIS
{
    const struct xenvif_conn *conn = xenvif_get_conn(dev->vif);
    unsigned int n = conn ? conn->n_queues : MAX(dev->up.n_rxq, 1);

    for (unsigned int i = 0; i < n; i++) {
        ds_put_format(ds, "  queue %u:\n", i);
        if (conn) {
            format_ring(ds, "TX", &conn->queues[i].tx);
            format_ring(ds, "RX", &conn->queues[i].rx);
        }
        format_counters(ds, "from guest", &dev->vif->stats[i].tx);
        format_counters(ds, "to guest", &dev->vif->stats[i].rx);
        format_drops(ds, &dev->vif->stats[i]);
    }
}

static void
format_port(struct ds *ds, struct netdev_xenvif *dev)
{
    struct xenvif_info info;
    bool tx_csum;

    ds_put_format(ds, "%s (%s):", netdev_get_name(&dev->up),
                  netdev_get_type(&dev->up));
    if (!dev->vif) {
        ds_put_cstr(ds, " not configured\n");
        return;
    }
    xenvif_get_info(dev->vif, &info);
    ds_put_format(ds, " domid %"PRIu16", handle %"PRIu16", rxqs %d, txqs %d\n",
                  dev->vif->domid, dev->vif->handle, dev->up.n_rxq,
                  dev->up.n_txq);
    ovs_mutex_lock(&dev->mutex);
    tx_csum = dev->tx_csum;
    ovs_mutex_unlock(&dev->mutex);
    format_info(ds, &info, tx_csum);
    format_queues(ds, dev);
}

static void
format_all_ports(struct ds *ds)
{
    struct shash ports = SHASH_INITIALIZER(&ports);
    const struct shash_node **nodes;
    size_t n;

    netdev_xenvif_get_ports(&ports);
    nodes = shash_sort(&ports);
    n = shash_count(&ports);
    for (size_t i = 0; i < n; i++) {
        struct netdev *netdev = nodes[i]->data;

        format_port(ds, netdev_xenvif_cast(netdev));
        netdev_close(netdev);
    }
    free(nodes);
    shash_destroy(&ports);
}

static void
xenvif_show(struct unixctl_conn *conn, int argc, const char *argv[],
            void *aux OVS_UNUSED)
{
    struct ds ds = DS_EMPTY_INITIALIZER;

    if (argc > 1) {
        struct netdev_xenvif *dev;

        if (!open_port(argv[1], &dev)) {
            unixctl_command_reply_error(conn, "no xenvif port of that name");
            return;
        }
        format_port(&ds, dev);
        netdev_close(&dev->up);
    } else {
        ds_put_format(&ds, "XenStore: %s, grant copies: %s\n",
                      xenvif_control_is_connected() ? "connected"
                      : "not connected",
                      xenvif_bounce_is_self_granted() ? "self-granted pages"
                      : "plain memory");
        format_all_ports(&ds);
    }
    unixctl_command_reply(conn, ds_cstr(&ds));
    ds_destroy(&ds);
}

static void
xenvif_list(struct unixctl_conn *conn, int argc OVS_UNUSED,
            const char *argv[] OVS_UNUSED, void *aux OVS_UNUSED)
{
    struct ds ds = DS_EMPTY_INITIALIZER;
    struct xenvif_control_entry *entries;
    size_t n;

    ds_put_format(&ds, "%-12s %-16s %-14s %-14s %s\n", "vif", "port",
                  "frontend", "backend", "status");
    entries = xenvif_control_list(&n);
    for (size_t i = 0; i < n; i++) {
        const struct xenvif_control_entry *e = &entries[i];
        char name[16];

        snprintf(name, sizeof name, "%"PRIu16".%"PRIu16, e->domid, e->handle);
        ds_put_format(&ds, "%-12s %-16s %-14s %-14s %s\n", name,
                      e->port_name ? e->port_name : "-",
                      xenvif_bus_state_to_string(e->info.frontend),
                      xenvif_bus_state_to_string(e->info.backend),
                      e->info.reason[0] ? e->info.reason
                      : xenvif_owner_to_string(e->info.owner));
    }
    xenvif_control_free_list(entries, n);
    unixctl_command_reply(conn, ds_cstr(&ds));
    ds_destroy(&ds);
}

void
netdev_xenvif_unixctl_init(void)
{
    unixctl_command_register("xenvif/show", "[port]", 0, 1, xenvif_show, NULL);
    unixctl_command_register("xenvif/list", "", 0, 0, xenvif_list, NULL);
}
