/* SPDX-License-Identifier: Apache-2.0 */

/* Statistics of a port: from counters per queue in the protocol's words to
 * totals and names in Open vSwitch's, where rx is what comes from the guest
 * (its TX rings) and tx what goes to it (its RX rings). */

#include <config.h>

#include "netdev-xenvif-private.h"

#include <errno.h>
#include <stdio.h>

#include "openvswitch/dynamic-string.h"
#include "util.h"

/* What all queues counted together. */
struct totals {
    struct xenvif_queue_stats sum;

    /* Sums of verdicts: good packets without room, and packets that were not
     * good. */
    uint64_t tx_dropped, tx_errors;
    uint64_t rx_dropped, rx_errors;
};

/* Adds all counters of one queue to 'sum'. */
static void
add_queue(struct xenvif_queue_stats *sum,
          const struct xenvif_queue_stats *stats)
{
    xenvif_counter *to = (xenvif_counter *) sum;
    const xenvif_counter *from = (const xenvif_counter *) stats;

    BUILD_ASSERT_DECL(sizeof *stats % sizeof *from == 0);
    for (size_t i = 0; i < sizeof *stats / sizeof *from; i++) {
        xenvif_counter_add(&to[i], xenvif_counter_get(&from[i]));
    }
}

static void
sum_drops(struct totals *totals)
{
    for (unsigned int i = 0; i < XENVIF_TX_N_VERDICTS; i++) {
        uint64_t n = xenvif_counter_get(&totals->sum.tx_verdicts[i]);

        if (i == XENVIF_TX_E_OVERSIZE || i == XENVIF_TX_E_POLICED) {
            totals->tx_dropped += n;
        } else if (xenvif_tx_verdict_name(i)) {
            totals->tx_errors += n;
        }
    }
    for (unsigned int i = 0; i < XENVIF_RX_N_VERDICTS; i++) {
        uint64_t n = xenvif_counter_get(&totals->sum.rx_verdicts[i]);

        if (i == XENVIF_RX_E_GRANT || i == XENVIF_RX_E_RING) {
            totals->rx_errors += n;
        } else if (xenvif_rx_verdict_name(i)) {
            totals->rx_dropped += n;
        }
    }
}

/* Adds up 'n' queues. */
static void
get_totals(const struct xenvif_queue_stats stats[], unsigned int n,
           struct totals *totals)
{
    memset(totals, 0, sizeof *totals);
    for (unsigned int i = 0; i < n; i++) {
        add_queue(&totals->sum, &stats[i]);
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

static uint64_t
get_held_events(const struct netdev_xenvif *dev)
{
    uint64_t n;

    atomic_read_relaxed(&dev->vif->terms.held_events, &n);
    return n;
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
    get_totals(dev->vif->terms.stats, XENVIF_MAX_QUEUES, &t);

    /* From here on in Open vSwitch's direction. */
    stats->rx_packets = xenvif_counter_get(&t.sum.tx.packets);
    stats->rx_bytes = xenvif_counter_get(&t.sum.tx.bytes);
    stats->rx_dropped = t.tx_dropped;
    stats->rx_errors = t.tx_errors;
    stats->multicast = xenvif_counter_get(&t.sum.tx.multicast);
    stats->rx_broadcast_packets = xenvif_counter_get(&t.sum.tx.broadcast);
    stats->rx_undersized_errors
        = xenvif_counter_get(&t.sum.tx_verdicts[XENVIF_TX_E_RUNT]);
    stats->rx_oversize_errors
        = xenvif_counter_get(&t.sum.tx_verdicts[XENVIF_TX_E_OVERSIZE]);
    stats->tx_packets = xenvif_counter_get(&t.sum.rx.packets);
    stats->tx_bytes = xenvif_counter_get(&t.sum.rx.bytes);
    stats->tx_dropped = t.rx_dropped + get_tx_drops(dev);
    stats->tx_errors = t.rx_errors;
    stats->tx_multicast_packets = xenvif_counter_get(&t.sum.rx.multicast);
    stats->tx_broadcast_packets = xenvif_counter_get(&t.sum.rx.broadcast);
#define XENVIF_SIZE(NAME)                                               \
    stats->rx_##NAME##_packets                                          \
        = xenvif_counter_get(&t.sum.tx.sizes[XENVIF_SIZE_##NAME]);      \
    stats->tx_##NAME##_packets                                          \
        = xenvif_counter_get(&t.sum.rx.sizes[XENVIF_SIZE_##NAME]);
    XENVIF_SIZES
#undef XENVIF_SIZE
    return 0;
}

/* Custom statistics.
 *
 * OpenFlow 1.4 and later have the statistics of a port in one property, whose
 * length has 16 bits, of one message, whose length has as many.  Open vSwitch
 * aborts if a port has more, so there may be only so many counters for each of
 * the queues, whose number the guest chooses: what shows how its traffic
 * spreads.  Everything else is counted for all queues together here, and for
 * each by xenvif/show. */

/* What there is of each queue: its name and where the value is. */
#define QUEUE_STATS                                                         \
    QUEUE_STAT("rx_q%u_packets", xenvif_counter_get(&stats->tx.packets))    \
    QUEUE_STAT("rx_q%u_bytes", xenvif_counter_get(&stats->tx.bytes))        \
    QUEUE_STAT("rx_q%u_drops", t.tx_dropped + t.tx_errors)                  \
    QUEUE_STAT("tx_q%u_packets", xenvif_counter_get(&stats->rx.packets))    \
    QUEUE_STAT("tx_q%u_bytes", xenvif_counter_get(&stats->rx.bytes))        \
    QUEUE_STAT("tx_q%u_drops", t.rx_dropped + t.rx_errors)

/* What there is once, and has another name than its counter: that of the same
 * thing in other userspace ports, if they have it. */
#define PORT_STATS                                                          \
    PORT_STAT("ovs_rx_qos_drops",                                           \
        xenvif_counter_get(&t.sum.tx_verdicts[XENVIF_TX_E_POLICED]))        \
    PORT_STAT("ovs_tx_failure_drops",                                       \
        xenvif_counter_get(&t.sum.rx_verdicts[XENVIF_RX_E_NO_SLOTS]))       \
    PORT_STAT("ovs_tx_mtu_exceeded_drops",                                  \
        xenvif_counter_get(&t.sum.rx_verdicts[XENVIF_RX_E_MTU]))            \
    PORT_STAT("ovs_tx_invalid_hwol_drops",                                  \
        xenvif_counter_get(&t.sum.rx_verdicts[XENVIF_RX_E_OFFLOAD]))        \
    PORT_STAT("ovs_tx_qos_drops", sum_qos_drops(dev))                       \
    PORT_STAT("xenstore_bad_rates", report.n_bad_rates)                     \
    PORT_STAT("grant_maps_refused", report.n_maps_refused)                  \
    PORT_STAT("held_events", get_held_events(dev))

/* Bytes of a counter in an OpenFlow message: its name, which a byte with its
 * length precedes, and the value.  ("%u" in a name stands for up to two
 * digits.) */
#define WIRE_SIZE(NAME) (sizeof NAME + 8)

/* What all custom statistics of a port take at most. */
#define QUEUE_STAT(NAME, VALUE) + WIRE_SIZE(NAME)
#define PORT_STAT(NAME, VALUE) + WIRE_SIZE(NAME)
#define NETDEV_XENVIF_DROP(NAME, TEXT) + WIRE_SIZE("ovs_tx_"#NAME"_drops")
#define XENVIF_COUNTER(NAME) + WIRE_SIZE("rx_"#NAME) + WIRE_SIZE("tx_"#NAME)
#define XENVIF_TX_ERROR(ENUM, NAME, TEXT) + WIRE_SIZE("rx_drop_"#NAME)
#define XENVIF_RX_ERROR(ENUM, NAME, TEXT) + WIRE_SIZE("tx_drop_"#NAME)
enum {
    MAX_WIRE_SIZE = XENVIF_MAX_QUEUES * (0 QUEUE_STATS)
                    PORT_STATS NETDEV_XENVIF_DROPS XENVIF_WORK_COUNTERS
                    XENVIF_TX_PACKET_ERRORS XENVIF_TX_DROPS
                    XENVIF_TX_VIF_ERRORS XENVIF_RX_ERRORS
};
#undef QUEUE_STAT
#undef PORT_STAT
#undef NETDEV_XENVIF_DROP
#undef XENVIF_COUNTER
#undef XENVIF_TX_ERROR
#undef XENVIF_RX_ERROR

/* The rest of the message, headers and standard statistics, takes some 500
 * bytes.  Half of what is left is for names to come, and for controllers that
 * have to read all this. */
BUILD_ASSERT_DECL(MAX_WIRE_SIZE + 1024 <= UINT16_MAX / 2);
BUILD_ASSERT_DECL(XENVIF_MAX_QUEUES <= 100);

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

/* Adds what there is of queue 'i'. */
static void
list_queue(struct list *list, unsigned int i,
           const struct xenvif_queue_stats *stats)
{
    struct totals t;

    get_totals(stats, 1, &t);
#define QUEUE_STAT(NAME, VALUE) list_add(list, VALUE, NAME, i);
    QUEUE_STATS
#undef QUEUE_STAT
}

/* Adds what all queues counted together. */
static void
list_totals(struct list *list, const struct xenvif_queue_stats *sum)
{
#define XENVIF_COUNTER(NAME)                                                \
    list_add(list, xenvif_counter_get(&sum->tx.NAME), "rx_"#NAME);          \
    list_add(list, xenvif_counter_get(&sum->rx.NAME), "tx_"#NAME);
    XENVIF_WORK_COUNTERS
#undef XENVIF_COUNTER
#define XENVIF_TX_ERROR(ENUM, NAME, TEXT)                                   \
    list_add(list,                                                          \
             xenvif_counter_get(&sum->tx_verdicts[XENVIF_TX_E_##ENUM]),     \
             "rx_drop_"#NAME);
    XENVIF_TX_PACKET_ERRORS
    XENVIF_TX_DROPS
    XENVIF_TX_VIF_ERRORS
#undef XENVIF_TX_ERROR
#define XENVIF_RX_ERROR(ENUM, NAME, TEXT)                                   \
    list_add(list,                                                          \
             xenvif_counter_get(&sum->rx_verdicts[XENVIF_RX_E_##ENUM]),     \
             "tx_drop_"#NAME);
    XENVIF_RX_ERRORS
#undef XENVIF_RX_ERROR
}

int
netdev_xenvif_get_custom_stats(const struct netdev *netdev,
                               struct netdev_custom_stats *custom_stats)
{
    struct netdev_xenvif *dev = netdev_xenvif_cast(netdev);
    struct list list = { .counters = NULL };
    struct xenvif_report report;
    struct totals t;

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
    get_totals(dev->vif->terms.stats, XENVIF_MAX_QUEUES, &t);
    xenvif_get_report(dev->vif, &report);
#define PORT_STAT(NAME, VALUE) list_add(&list, VALUE, NAME);
    PORT_STATS
#undef PORT_STAT
    list_totals(&list, &t.sum);
    for (int i = 0; i < netdev->n_rxq; i++) {
        list_queue(&list, i, &dev->vif->terms.stats[i]);
    }
    custom_stats->size = list.n;
    custom_stats->counters = list.counters;
    return 0;
}
