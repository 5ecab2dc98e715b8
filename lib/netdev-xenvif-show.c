/* SPDX-License-Identifier: Apache-2.0 */

/* The ovs-appctl commands xenvif/... */

#include <config.h>

#include "netdev-xenvif-private.h"

#include <stdlib.h>

#include "openvswitch/dynamic-string.h"
#include "openvswitch/json.h"
#include "openvswitch/shash.h"
#include "smap.h"
#include "timeval.h"
#include "unixctl.h"
#include "util.h"
#include "xenvif-config.h"
#include "packet/xenvif-ovs-compat.h"
#include "ring/xenvif-ctrl-ring.h"
#include "ring/xenvif-queue.h"
#include "vif/xenvif-thread.h"
#include "xen/xenvif-grant.h"

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
format_features(struct ds *ds, const struct xenvif_report *report)
{
    struct ds names = DS_EMPTY_INITIALIZER;

    xenvif_features_format(&names, &report->features, &report->uses);
    ds_put_format(ds, "  features: %s\n",
                  names.length ? ds_cstr(&names) : "none");
    ds_clear(&names);
    xenvif_offers_format(&names, &report->offers);
    ds_put_format(ds, "  offered features: %s\n",
                  names.length ? ds_cstr(&names) : "none");
    ds_destroy(&names);
    ds_put_format(ds, "  event channels: %s\n",
                  report->features.split_channels ? "split" : "single");
}

/* What is not done in one direction, and why. */
static void
format_missing(struct ds *ds, const char *direction,
               const struct smap *missing)
{
    const struct smap_node **nodes = smap_sort(missing);

    for (size_t i = 0; i < smap_count(missing); i++) {
        ds_put_format(ds, "  no %s %s the guest: %s\n", nodes[i]->key,
                      direction, nodes[i]->value);
    }
    free(nodes);
}

static void
format_all_missing(struct ds *ds, const struct netdev_xenvif *dev)
{
    struct smap to_guest = SMAP_INITIALIZER(&to_guest);
    struct smap from_guest = SMAP_INITIALIZER(&from_guest);

    netdev_xenvif_missing_features(dev, &to_guest, &from_guest);
    format_missing(ds, "to", &to_guest);
    format_missing(ds, "from", &from_guest);
    smap_destroy(&to_guest);
    smap_destroy(&from_guest);
}

static void
format_reason(struct ds *ds, const struct netdev_xenvif *dev,
              const struct xenvif_report *report)
{
    bool admin_up = netdev_xenvif_is_up(dev);

    ds_put_format(ds, "  status: %s",
                  xenvif_report_carrier(report) && admin_up ? "up" : "down");
    if (report->reason[0]) {
        char *since = xenvif_report_since(report);

        ds_put_format(ds, ": %s (since %s)", report->reason, since);
        free(since);
    } else if (!admin_up) {
        ds_put_cstr(ds, ": "NETDEV_XENVIF_DOWN);
    }
    ds_put_char(ds, '\n');
}

static void
format_report(struct ds *ds, const struct xenvif_report *report, bool tx_csum)
{
    ds_put_format(ds, "  served by: %s\n",
                  xenvif_owner_to_string(report->owner));
    format_state(ds, "frontend", report->frontend);
    format_state(ds, "backend", report->backend);
    ds_put_format(ds, "  online: %s, connects: %"PRIu32", "
                  "carrier changes: %"PRIu32"\n",
                  report->online ? "yes" : "no", report->n_connects,
                  report->n_carrier_changes);
    if (report->mac[0]) {
        ds_put_format(ds, "  guest MAC: %s\n", report->mac);
    }
    if (report->rate.usec) {
        ds_put_format(ds, "  rate of the guest: %"PRIu64" bytes every %"PRIu32
                      " us (%"PRIu64" kbit/s)\n", report->rate.bytes,
                      report->rate.usec,
                      xenvif_credit_speed(&report->rate) / 125);
    }
    if (report->n_bad_rates) {
        ds_put_format(ds, "  rates not understood: %"PRIu32"\n",
                      report->n_bad_rates);
    }
    if (report->n_maps_refused) {
        ds_put_format(ds, "  pages not mapped, because they were one too many:"
                      " %"PRIu64"\n", report->n_maps_refused);
    }
    if (report->last_error[0]) {
        ds_put_format(ds, "  last error: %s\n", report->last_error);
    }
    if (report->connected) {
        format_features(ds, report);
        if (!tx_csum) {
            ds_put_cstr(ds, "  tx-csum-offload: false, the guest gets "
                        "complete checksums\n");
        }
    }
}

/* Indexes of a ring.  What was consumed is answered by the end of the burst,
 * so that both have the same index. */
static void
format_ring(struct ds *ds, const char *name,
            const struct xenvif_ring_snapshot *ring)
{
    ds_put_format(ds, "    %s ring: req_prod %"PRIu32", req_cons %"PRIu32
                  ", rsp_prod %"PRIu32", %"PRIu32" of %"PRIu32
                  " slots posted\n", name, ring->req_prod, ring->rsp_prod,
                  ring->rsp_prod, ring->req_prod - ring->rsp_prod,
                  ring->size);
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

/* What keeps packets waiting at this moment, if that is not for us to end. */
static void
format_waiting(struct ds *ds, const struct xenvif_queue_snapshot *s)
{
    if (s->throttled) {
        ds_put_format(ds, "    from guest: %"PRIu32" requests wait for the "
                      "rate of the guest\n", s->tx.req_prod - s->tx.rsp_prod);
    }
    if (s->stalled_since) {
        ds_put_format(ds, "    to guest: no room for %lld ms, %"PRIu32
                      " packets wait\n", time_msec() - s->stalled_since,
                      s->n_waiting);
    }
}

static void
format_queues(struct ds *ds, const struct netdev_xenvif *dev)
{
    const struct xenvif_conn *conn = xenvif_get_conn(dev->vif);
    unsigned int n = conn ? conn->n_queues : MAX(dev->up.n_rxq, 1);

    for (unsigned int i = 0; i < n; i++) {
        ds_put_format(ds, "  queue %u:\n", i);
        if (conn) {
            struct xenvif_queue_snapshot snapshot
                = xenvif_queue_snapshot(&conn->queues[i]);

            format_ring(ds, "TX", &snapshot.tx);
            format_ring(ds, "RX", &snapshot.rx);
            format_waiting(ds, &snapshot);
        }
        format_counters(ds, "from guest", &dev->vif->terms.stats[i].tx);
        format_counters(ds, "to guest", &dev->vif->terms.stats[i].rx);
        format_drops(ds, &dev->vif->terms.stats[i]);
    }
}

/* Messages on the control ring since the guest connected. */
static void
format_ctrl(struct ds *ds, const struct xenvif_conn *conn)
{
    if (conn && conn->ctrl) {
        ds_put_format(ds, "  control ring: %"PRIu64" messages, %"PRIu64
                      " refused\n",
                      xenvif_counter_get(&conn->ctrl->n_messages),
                      xenvif_counter_get(&conn->ctrl->n_refused));
    }
}

static void
format_port(struct ds *ds, struct netdev_xenvif *dev)
{
    struct xenvif_report report;
    bool tx_csum;

    ds_put_format(ds, "%s (%s):", netdev_get_name(&dev->up),
                  netdev_get_type(&dev->up));
    if (!dev->vif) {
        ds_put_cstr(ds, " not configured\n");
        return;
    }
    xenvif_get_report(dev->vif, &report);
    ds_put_format(ds, " domid %"PRIu16", handle %"PRIu16", rxqs %d, txqs %d\n",
                  dev->vif->domid, dev->vif->handle, dev->up.n_rxq,
                  dev->up.n_txq);
    ovs_mutex_lock(&dev->mutex);
    tx_csum = dev->tx_csum;
    ovs_mutex_unlock(&dev->mutex);
    format_reason(ds, dev, &report);
    format_report(ds, &report, tx_csum);
    format_all_missing(ds, dev);
    format_ctrl(ds, xenvif_get_conn(dev->vif));
    format_queues(ds, dev);
}

/* Calls 'cb' for each port, by name. */
static void
for_each_port(void (*cb)(struct netdev_xenvif *, void *aux), void *aux)
{
    struct shash ports = SHASH_INITIALIZER(&ports);
    const struct shash_node **nodes;
    size_t n;

    netdev_xenvif_get_ports(&ports);
    nodes = shash_sort(&ports);
    n = shash_count(&ports);
    for (size_t i = 0; i < n; i++) {
        struct netdev *netdev = nodes[i]->data;

        cb(netdev_xenvif_cast(netdev), aux);
        netdev_close(netdev);
    }
    free(nodes);
    shash_destroy(&ports);
}

static void
show_port(struct netdev_xenvif *dev, void *ds)
{
    format_port(ds, dev);
}

static void
add_port(struct netdev_xenvif *dev, void *array)
{
    json_array_add(array, netdev_xenvif_to_json(dev));
}

static void
show_all(struct ds *ds)
{
    ds_put_format(ds, "XenStore: %s, grant copies: %s, "
                  "ovs-xenvif: "XENVIF_VERSION"\n",
                  xenvif_thread_is_connected() ? "connected"
                  : "not connected",
                  xenvif_bounce_is_self_granted() ? "self-granted pages"
                  : "plain memory");
    for_each_port(show_port, ds);
}

/* Arguments of a command. */
struct arguments {
    bool json;                  /* Does the user want JSON? */
    const char *port;           /* Or NULL. */
};

/* Parses 'argv'.  Replies with an error and returns false if that fails. */
static bool
parse_arguments(struct unixctl_conn *conn, int argc, const char *argv[],
                struct arguments *args)
{
    args->json = xenvif_unixctl_is_json(conn);
    args->port = NULL;
    for (int i = 1; i < argc; i++) {
        char *error;

        if (!strcmp(argv[i], "--json")) {
            args->json = true;
        } else if (argv[i][0] != '-' && !args->port) {
            args->port = argv[i];
        } else {
            error = xasprintf("%s: unknown argument \"%s\" (see xenvif/help)",
                              argv[0], argv[i]);
            unixctl_command_reply_error(conn, error);
            free(error);
            return false;
        }
    }
    return true;
}

static void
reply_no_port(struct unixctl_conn *conn, const char *name)
{
    char *error = xasprintf("there is no xenvif port named \"%s\" "
                            "(xenvif/list shows all vifs)", name);

    unixctl_command_reply_error(conn, error);
    free(error);
}

static void
xenvif_show(struct unixctl_conn *conn, int argc, const char *argv[],
            void *aux OVS_UNUSED)
{
    struct json *array = json_array_create_empty();
    struct ds ds = DS_EMPTY_INITIALIZER;
    struct netdev_xenvif *dev = NULL;
    struct arguments args;

    if (!parse_arguments(conn, argc, argv, &args)) {
        goto out;
    }
    if (args.port && !open_port(args.port, &dev)) {
        reply_no_port(conn, args.port);
        goto out;
    }
    if (args.json) {
        if (dev) {
            add_port(dev, array);
        } else {
            for_each_port(add_port, array);
        }
        xenvif_unixctl_reply_json(conn, json_clone(array));
    } else {
        if (dev) {
            format_port(&ds, dev);
        } else {
            show_all(&ds);
        }
        unixctl_command_reply(conn, ds_cstr(&ds));
    }

out:
    netdev_close(dev ? &dev->up : NULL);
    json_destroy(array);
    ds_destroy(&ds);
}

/* What is to be said about a vif in one line. */
static const char *
entry_status(const struct xenvif_thread_entry *e)
{
    return (e->report.reason[0] ? e->report.reason
            : xenvif_owner_to_string(e->report.owner));
}

static void
list_as_text(struct ds *ds, const struct xenvif_thread_entry *entries,
             size_t n)
{
    ds_put_format(ds, "%-12s %-16s %-14s %-14s %s\n", "vif", "port",
                  "frontend", "backend", "status");
    for (size_t i = 0; i < n; i++) {
        const struct xenvif_thread_entry *e = &entries[i];
        char name[16];

        snprintf(name, sizeof name, "%"PRIu16".%"PRIu16, e->domid, e->handle);
        ds_put_format(ds, "%-12s %-16s %-14s %-14s %s\n", name,
                      e->port_name ? e->port_name : "-",
                      xenvif_bus_state_to_string(e->report.frontend),
                      xenvif_bus_state_to_string(e->report.backend),
                      entry_status(e));
    }
}

static struct json *
list_as_json(const struct xenvif_thread_entry *entries, size_t n)
{
    struct json *array = json_array_create_empty();

    for (size_t i = 0; i < n; i++) {
        const struct xenvif_thread_entry *e = &entries[i];
        struct json *object = json_object_create();

        json_object_put(object, "domid", json_integer_create(e->domid));
        json_object_put(object, "handle", json_integer_create(e->handle));
        if (e->port_name) {
            json_object_put_string(object, "port", e->port_name);
        }
        json_object_put_string(object, "frontend_state",
                               xenvif_bus_state_to_string(e->report.frontend));
        json_object_put_string(object, "backend_state",
                               xenvif_bus_state_to_string(e->report.backend));
        json_object_put_string(object, "owner",
                               xenvif_owner_to_string(e->report.owner));
        if (e->report.reason[0]) {
            json_object_put_string(object, "reason", e->report.reason);
        }
        json_array_add(array, object);
    }
    return array;
}

static void
xenvif_list(struct unixctl_conn *conn, int argc, const char *argv[],
            void *aux OVS_UNUSED)
{
    struct ds ds = DS_EMPTY_INITIALIZER;
    struct xenvif_thread_entry *entries;
    struct arguments args;
    size_t n;

    if (!parse_arguments(conn, argc, argv, &args)) {
        return;
    }
    if (args.port) {
        unixctl_command_reply_error(conn, "xenvif/list takes no port: "
                                    "xenvif/show does");
        return;
    }
    entries = xenvif_thread_list(&n);
    if (args.json) {
        xenvif_unixctl_reply_json(conn, list_as_json(entries, n));
    } else {
        list_as_text(&ds, entries, n);
        unixctl_command_reply(conn, ds_cstr(&ds));
    }
    xenvif_thread_free_list(entries, n);
    ds_destroy(&ds);
}

static void
xenvif_help(struct unixctl_conn *conn, int argc OVS_UNUSED,
            const char *argv[] OVS_UNUSED, void *aux OVS_UNUSED)
{
    unixctl_command_reply(conn,
"xenvif/show [--json] [port]\n"
"    What is known about a port, or all of type xenvif and xenvif-nonpmd:\n"
"    why traffic does not flow, states, features, rings and counters.\n"
"xenvif/list [--json]\n"
"    All vifs whose backend is this domain, also those that have no port,\n"
"    and who serves each.\n"
"With --json (or, where Open vSwitch has it, ovs-appctl --format json) the\n"
"answer is an array of objects with the names of columns of the database.\n");
}

void
netdev_xenvif_unixctl_init(void)
{
    unixctl_command_register("xenvif/show", "[--json] [port]", 0, 2,
                             xenvif_show, NULL);
    unixctl_command_register("xenvif/list", "[--json]", 0, 2, xenvif_list,
                             NULL);
    unixctl_command_register("xenvif/help", "", 0, 0, xenvif_help, NULL);
}
