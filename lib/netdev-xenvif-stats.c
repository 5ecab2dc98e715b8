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

/* Statistics of a port: from counters per queue in the protocol's words to
 * totals and names in Open vSwitch's, where rx is what comes from the guest
 * (its TX rings) and tx what goes to it (its RX rings). */

#include <config.h>

#include "netdev-xenvif-private.h"

#include <errno.h>
#include <stdio.h>

#include "openvswitch/dynamic-string.h"
#include "util.h"

/* Sums of what the queues counted. */
struct totals {
    struct {
        uint64_t packets, bytes, multicast, broadcast;
        uint64_t sizes[XENVIF_N_SIZES];
        uint64_t dropped;       /* Good packets without room. */
        uint64_t errors;        /* Packets that were not good. */
    } tx, rx;
    uint64_t tx_verdicts[XENVIF_TX_N_VERDICTS];
    uint64_t rx_verdicts[XENVIF_RX_N_VERDICTS];
};

#define SUM_COUNTERS(SUMS, COUNTERS)                                        \
    (SUMS)->packets += xenvif_counter_get(&(COUNTERS)->packets);            \
    (SUMS)->bytes += xenvif_counter_get(&(COUNTERS)->bytes);                \
    (SUMS)->multicast += xenvif_counter_get(&(COUNTERS)->multicast);        \
    (SUMS)->broadcast += xenvif_counter_get(&(COUNTERS)->broadcast);        \
    for (unsigned int i = 0; i < XENVIF_N_SIZES; i++) {                     \
        (SUMS)->sizes[i] += xenvif_counter_get(&(COUNTERS)->sizes[i]);      \
    }

static void
sum_queue(const struct xenvif_queue_stats *stats, struct totals *totals)
{
    SUM_COUNTERS(&totals->tx, &stats->tx);
    SUM_COUNTERS(&totals->rx, &stats->rx);
    for (unsigned int i = 0; i < XENVIF_TX_N_VERDICTS; i++) {
        totals->tx_verdicts[i] += xenvif_counter_get(&stats->tx_verdicts[i]);
    }
    for (unsigned int i = 0; i < XENVIF_RX_N_VERDICTS; i++) {
        totals->rx_verdicts[i] += xenvif_counter_get(&stats->rx_verdicts[i]);
    }
}

static void
sum_drops(struct totals *totals)
{
    for (unsigned int i = 0; i < XENVIF_TX_N_VERDICTS; i++) {
        if (i == XENVIF_TX_E_OVERSIZE || i == XENVIF_TX_E_POLICED) {
            totals->tx.dropped += totals->tx_verdicts[i];
        } else if (xenvif_tx_verdict_name(i)) {
            totals->tx.errors += totals->tx_verdicts[i];
        }
    }
    for (unsigned int i = 0; i < XENVIF_RX_N_VERDICTS; i++) {
        if (i == XENVIF_RX_E_GRANT || i == XENVIF_RX_E_RING) {
            totals->rx.errors += totals->rx_verdicts[i];
        } else if (xenvif_rx_verdict_name(i)) {
            totals->rx.dropped += totals->rx_verdicts[i];
        }
    }
}

static void
get_totals(const struct netdev_xenvif *dev, struct totals *totals)
{
    memset(totals, 0, sizeof *totals);
    for (unsigned int i = 0; i < XENVIF_MAX_QUEUES; i++) {
        sum_queue(&dev->vif->stats[i], totals);
    }
    sum_drops(totals);
}

/* Packets dropped before they got near a ring. */
static uint64_t
get_tx_drops(const struct netdev_xenvif *dev)
{
    uint64_t sum = 0;

#define NETDEV_XENVIF_DROP(NAME, TEXT)                          \
    {                                                           \
        uint64_t n;                                             \
                                                                \
        atomic_read_relaxed(                                    \
            CONST_CAST(atomic_uint64_t *, &dev->tx_drops.NAME), \
            &n);                                                \
        sum += n;                                               \
    }
    NETDEV_XENVIF_DROPS
#undef NETDEV_XENVIF_DROP
    return sum;
}

/* Those of them that quality of service is the reason of.  (Other userspace
 * ports have this sum under this name.) */
static uint64_t
sum_qos_drops(struct netdev_xenvif *dev)
{
    uint64_t policed, full, aged;

    atomic_read_relaxed(&dev->tx_drops.qos_policed, &policed);
    atomic_read_relaxed(&dev->tx_drops.qos_full, &full);
    atomic_read_relaxed(&dev->tx_drops.qos_aged, &aged);
    return policed + full + aged;
}

int
netdev_xenvif_get_stats(const struct netdev *netdev,
                        struct netdev_stats *stats)
{
    struct netdev_xenvif *dev = netdev_xenvif_cast(netdev);
    struct totals t;

    if (!dev->vif) {
        return EOPNOTSUPP;
    }
    get_totals(dev, &t);

    /* From here on in Open vSwitch's direction. */
    stats->rx_packets = t.tx.packets;
    stats->rx_bytes = t.tx.bytes;
    stats->rx_dropped = t.tx.dropped;
    stats->rx_errors = t.tx.errors;
    stats->multicast = t.tx.multicast;
    stats->rx_broadcast_packets = t.tx.broadcast;
    stats->rx_undersized_errors = t.tx_verdicts[XENVIF_TX_E_RUNT];
    stats->rx_oversize_errors = t.tx_verdicts[XENVIF_TX_E_OVERSIZE];
    stats->tx_packets = t.rx.packets;
    stats->tx_bytes = t.rx.bytes;
    stats->tx_dropped = t.rx.dropped + get_tx_drops(dev);
    stats->tx_errors = t.rx.errors;
    stats->tx_multicast_packets = t.rx.multicast;
    stats->tx_broadcast_packets = t.rx.broadcast;
#define XENVIF_SIZE(NAME)                                               \
    stats->rx_##NAME##_packets = t.tx.sizes[XENVIF_SIZE_##NAME];        \
    stats->tx_##NAME##_packets = t.rx.sizes[XENVIF_SIZE_##NAME];
    XENVIF_SIZES
#undef XENVIF_SIZE
    return 0;
}

/* A growing list of custom statistics. */
struct list {
    struct netdev_custom_counter *counters;
    size_t n, allocated;
};

static void OVS_PRINTF_FORMAT(3, 4)
list_add(struct list *list, uint64_t value, const char *format, ...)
{
    struct netdev_custom_counter *counter;
    va_list args;

    if (list->n >= list->allocated) {
        list->counters = x2nrealloc(list->counters, &list->allocated,
                                    sizeof *list->counters);
    }
    counter = &list->counters[list->n++];
    counter->value = value;
    va_start(args, format);
    vsnprintf(counter->name, sizeof counter->name, format, args);
    va_end(args);
}

/* Adds the counters of one direction of queue 'i', whose names begin with
 * 'prefix'. */
static void
list_counters(struct list *list, const char *prefix, unsigned int i,
              const struct xenvif_counters *counters)
{
#define XENVIF_COUNTER(NAME)                                            \
    list_add(list, xenvif_counter_get(&counters->NAME), "%s_q%u_"#NAME, \
             prefix, i);
    XENVIF_COUNTERS
#undef XENVIF_COUNTER
}

static void
list_queue(struct list *list, unsigned int i,
           const struct xenvif_queue_stats *stats)
{
    list_counters(list, "rx", i, &stats->tx);
    for (unsigned int v = 0; v < XENVIF_TX_N_VERDICTS; v++) {
        const char *name = xenvif_tx_verdict_name(v);

        if (name) {
            list_add(list, xenvif_counter_get(&stats->tx_verdicts[v]),
                     "rx_q%u_drop_%s", i, name);
        }
    }
    list_counters(list, "tx", i, &stats->rx);
    for (unsigned int v = 0; v < XENVIF_RX_N_VERDICTS; v++) {
        const char *name = xenvif_rx_verdict_name(v);

        if (name) {
            list_add(list, xenvif_counter_get(&stats->rx_verdicts[v]),
                     "tx_q%u_drop_%s", i, name);
        }
    }
}

/* Drops of all queues that other userspace ports count, by their names. */
static void
list_totals(struct list *list, const struct netdev_xenvif *dev)
{
    struct totals t;

    get_totals(dev, &t);
    list_add(list, t.tx_verdicts[XENVIF_TX_E_POLICED], "ovs_rx_qos_drops");
    list_add(list, t.rx_verdicts[XENVIF_RX_E_NO_SLOTS],
             "ovs_tx_failure_drops");
    list_add(list, t.rx_verdicts[XENVIF_RX_E_MTU],
             "ovs_tx_mtu_exceeded_drops");
    list_add(list, t.rx_verdicts[XENVIF_RX_E_OFFLOAD],
             "ovs_tx_invalid_hwol_drops");
}

/* What the control thread counts. */
static void
list_info(struct list *list, struct netdev_xenvif *dev)
{
    ovs_mutex_lock(&dev->mutex);
    list_add(list, dev->info.n_bad_rates, "xenstore_bad_rates");
    list_add(list, dev->info.n_maps_refused, "grant_maps_refused");
    ovs_mutex_unlock(&dev->mutex);
}

int
netdev_xenvif_get_custom_stats(const struct netdev *netdev,
                               struct netdev_custom_stats *custom_stats)
{
    struct netdev_xenvif *dev = netdev_xenvif_cast(netdev);
    struct list list = { .counters = NULL };

    if (!dev->vif) {
        return EOPNOTSUPP;
    }
#define NETDEV_XENVIF_DROP(NAME, TEXT)                          \
    {                                                           \
        uint64_t n;                                             \
                                                                \
        atomic_read_relaxed(&dev->tx_drops.NAME, &n);           \
        list_add(&list, n, "ovs_tx_"#NAME"_drops");             \
    }
    NETDEV_XENVIF_DROPS
#undef NETDEV_XENVIF_DROP
    list_totals(&list, dev);
    list_info(&list, dev);
    list_add(&list, sum_qos_drops(dev), "ovs_tx_qos_drops");
    for (int i = 0; i < netdev->n_rxq; i++) {
        list_queue(&list, i, &dev->vif->stats[i]);
    }
    custom_stats->size = list.n;
    custom_stats->counters = list.counters;
    return 0;
}
