/* SPDX-License-Identifier: Apache-2.0 */

/* Ports as JSON, with the names that the database has for the same things. */

#include <config.h>

#include "netdev-xenvif-private.h"

#include <stdlib.h>

#include "openvswitch/json.h"
#include "smap.h"
#include "util.h"
#include "ring/xenvif-ctrl-ring.h"

/* The standard statistics that a port of ours may have. */
#define STATISTICS                                                      \
    STATISTIC(rx_packets) STATISTIC(rx_bytes) STATISTIC(rx_dropped)     \
    STATISTIC(rx_errors) STATISTIC(multicast)                           \
    STATISTIC(rx_broadcast_packets) STATISTIC(rx_undersized_errors)     \
    STATISTIC(rx_oversize_errors)                                       \
    STATISTIC(tx_packets) STATISTIC(tx_bytes) STATISTIC(tx_dropped)     \
    STATISTIC(tx_errors) STATISTIC(tx_multicast_packets)                \
    STATISTIC(tx_broadcast_packets)

static struct json *
smap_to_object(const struct smap *smap)
{
    struct json *object = json_object_create();
    struct smap_node *node;

    SMAP_FOR_EACH (node, smap) {
        json_object_put_string(object, node->key, node->value);
    }
    return object;
}

static void
put_number(struct json *object, const char *name, uint64_t value)
{
    json_object_put(object, name, json_integer_create(MIN(value, INT64_MAX)));
}

static void
put_stats(struct json *object, const struct netdev_stats *stats)
{
#define STATISTIC(NAME)                                 \
    if (stats->NAME != UINT64_MAX) {                    \
        put_number(object, #NAME, stats->NAME);         \
    }
    STATISTICS
#undef STATISTIC
#define XENVIF_SIZE(NAME)                                                   \
    put_number(object, "rx_"#NAME"_packets", stats->rx_##NAME##_packets);   \
    put_number(object, "tx_"#NAME"_packets", stats->tx_##NAME##_packets);
    XENVIF_SIZES
#undef XENVIF_SIZE
}

static struct json *
statistics_to_object(const struct netdev *netdev)
{
    struct json *object = json_object_create();
    struct netdev_custom_stats custom;
    struct netdev_stats stats;

    if (!netdev_get_stats(netdev, &stats)) {
        put_stats(object, &stats);
    }
    if (!netdev_get_custom_stats(netdev, &custom)) {
        for (unsigned int i = 0; i < custom.size; i++) {
            put_number(object, custom.counters[i].name,
                       custom.counters[i].value);
        }
        netdev_free_custom_stats_counters(&custom);
    }
    return object;
}

/* Counters of one direction of a queue that are not 0. */
static struct json *
counters_to_object(const struct xenvif_counters *counters)
{
    struct json *object = json_object_create();

#define XENVIF_COUNTER(NAME)                                    \
    if (xenvif_counter_get(&counters->NAME)) {                  \
        put_number(object, #NAME,                               \
                   xenvif_counter_get(&counters->NAME));        \
    }
    XENVIF_COUNTERS
#undef XENVIF_COUNTER
    return object;
}

static void
put_drops(struct json *object, const char *name, const xenvif_counter *counter)
{
    uint64_t n = xenvif_counter_get(counter);

    if (name && n) {
        char *key = xasprintf("drop_%s", name);

        put_number(object, key, n);
        free(key);
    }
}

/* What queues counted, each in the direction of the switch. */
static struct json *
queues_to_array(const struct netdev_xenvif *dev)
{
    struct json *array = json_array_create_empty();

    for (int i = 0; i < dev->up.n_rxq; i++) {
        const struct xenvif_queue_stats *stats = &dev->vif->terms.stats[i];
        struct json *rx = counters_to_object(&stats->tx);
        struct json *tx = counters_to_object(&stats->rx);
        struct json *queue = json_object_create();

        for (unsigned int v = 0; v < XENVIF_TX_N_VERDICTS; v++) {
            put_drops(rx, xenvif_tx_verdict_name(v), &stats->tx_verdicts[v]);
        }
        for (unsigned int v = 0; v < XENVIF_RX_N_VERDICTS; v++) {
            put_drops(tx, xenvif_rx_verdict_name(v), &stats->rx_verdicts[v]);
        }
        json_object_put(queue, "rx", rx);
        json_object_put(queue, "tx", tx);
        json_array_add(array, queue);
    }
    return array;
}

/* Adds what is not made use of, and why. */
static void
put_missing_features(struct json *object, const struct netdev_xenvif *dev)
{
    struct smap to_guest = SMAP_INITIALIZER(&to_guest);
    struct smap from_guest = SMAP_INITIALIZER(&from_guest);

    netdev_xenvif_missing_features(dev, &to_guest, &from_guest);
    json_object_put(object, "missing_features", smap_to_object(&to_guest));
    json_object_put(object, "missing_offered_features",
                    smap_to_object(&from_guest));
    smap_destroy(&to_guest);
    smap_destroy(&from_guest);
}

/* Adds what passed the control ring since the guest connected. */
static void
put_ctrl(struct json *object, const struct xenvif_conn *conn)
{
    if (conn && conn->ctrl) {
        struct json *ctrl = json_object_create();

        put_number(ctrl, "messages",
                   xenvif_counter_get(&conn->ctrl->n_messages));
        put_number(ctrl, "refused",
                   xenvif_counter_get(&conn->ctrl->n_refused));
        json_object_put(object, "control_ring", ctrl);
    }
}

struct json *
netdev_xenvif_to_json(const struct netdev_xenvif *dev)
{
    const struct netdev *netdev = &dev->up;
    struct json *object = json_object_create();
    struct smap status = SMAP_INITIALIZER(&status);

    json_object_put_string(object, "name", netdev_get_name(netdev));
    json_object_put_string(object, "type", netdev_get_type(netdev));
    if (dev->vif) {
        put_number(object, "domid", dev->vif->domid);
        put_number(object, "handle", dev->vif->handle);
        netdev_get_status(netdev, &status);
        json_object_put(object, "queues", queues_to_array(dev));
        put_missing_features(object, dev);
        put_ctrl(object, xenvif_get_conn(dev->vif));
    }
    json_object_put(object, "status", smap_to_object(&status));
    json_object_put(object, "statistics", statistics_to_object(netdev));
    smap_destroy(&status);
    return object;
}
