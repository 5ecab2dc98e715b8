/* SPDX-License-Identifier: Apache-2.0 */

/* The netdev classes "xenvif" and "xenvif-nonpmd": Open vSwitch's view of a
 * Xen virtual interface.
 *
 * Open vSwitch counts directions from the switch: what it receives on an rxq
 * is what the guest transmits on a TX ring, and the other way round.
 *
 * Nothing here waits for a guest or for XenStore.  What happens to the vif is
 * followed from the main loop: see netdev-xenvif-follow.c. */

#include <config.h>

#include "netdev-xenvif.h"

#include <errno.h>

#include "dp-packet.h"
#include "hash.h"
#include "netdev-provider.h"
#include "openvswitch/vlog.h"
#include "ovs-numa.h"
#include "smap.h"
#include "util.h"
#include "netdev-xenvif-private.h"
#include "netdev-xenvif-qos.h"
#include "packet/xenvif-ovs-compat.h"
#include "ring/xenvif-rx.h"
#include "ring/xenvif-steer.h"
#include "ring/xenvif-tx.h"
#include "vif/xenvif-polled.h"
#include "vif/xenvif-thread.h"

VLOG_DEFINE_THIS_MODULE(netdev_xenvif);

/* MTUs: bounds and what a vif has if nobody says anything.  The largest frame
 * that fits a ring has 65535 bytes. */
#define MIN_MTU 68
#define MAX_MTU (65535 - ETH_HEADER_LEN)

#define MTU_TO_MAX_FRAME(MTU) MIN((MTU) + XENVIF_FRAME_OVERHEAD, 65535)

/* Invented interface indexes. */
#define MIN_IFINDEX (1 << 20)
#define MAX_IFINDEX ((1 << 24) - 1)

/* Domain ids from here on do not denote domains (xen.h). */
#define FIRST_RESERVED_DOMID 0x7ff0

/* Life cycle. */

static struct netdev *
netdev_xenvif_alloc(void)
{
    struct netdev_xenvif *dev = xzalloc(sizeof *dev);

    return &dev->up;
}

static int
netdev_xenvif_construct(struct netdev *netdev)
    OVS_NO_THREAD_SAFETY_ANALYSIS
{
    struct netdev_xenvif *dev = netdev_xenvif_cast(netdev);

    ovs_mutex_init(&dev->mutex);
    netdev_xenvif_qos_construct(dev);
    atomic_init(&dev->admin_up, true);
    dev->flags = NETDEV_UP;

    /* As kernel vifs have it.  A locally administered address also keeps the
     * bridge from adopting it as its own. */
    dev->etheraddr = (struct eth_addr) ETH_ADDR_C(fe,ff,ff,ff,ff,ff);
    if (xenvif_datapath_takes_partial()) {
        netdev->ol_flags |= (NETDEV_TX_OFFLOAD_TCP_CKSUM
                             | NETDEV_TX_OFFLOAD_UDP_CKSUM);
    }
    if (xenvif_datapath_takes_tso()) {
        netdev->ol_flags |= NETDEV_TX_OFFLOAD_TCP_TSO;
    }
    dev->tx_csum = true;
    netdev->n_rxq = dev->requested_n_rxq = 1;
    netdev->n_txq = dev->requested_n_txq = 1;

    netdev_xenvif_follow(dev);
    netdev_request_reconfigure(netdev);
    return 0;
}

static void
netdev_xenvif_destruct(struct netdev *netdev)
{
    struct netdev_xenvif *dev = netdev_xenvif_cast(netdev);

    netdev_xenvif_unfollow(dev);
    if (dev->vif) {
        if (!dev->taken) {
            VLOG_WARN("%s: no datapath took the port; does its bridge have "
                      "datapath_type=netdev?", netdev_get_name(netdev));
        }
        xenvif_thread_release(dev->vif, dev);
    }
    netdev_xenvif_qos_destruct(dev);
    ovs_mutex_destroy(&dev->mutex);
}

static void
netdev_xenvif_dealloc(struct netdev *netdev)
{
    free(netdev_xenvif_cast(netdev));
}

/* MTU. */

uint32_t
netdev_xenvif_mtu(const struct netdev_xenvif *dev)
    OVS_REQUIRES(dev->mutex)
{
    uint32_t mtu = dev->user_mtu ? dev->user_mtu : dev->announced.mtu;

    return mtu >= MIN_MTU && mtu <= MAX_MTU ? mtu : ETH_PAYLOAD_MAX;
}

void
netdev_xenvif_apply_mtu(struct netdev_xenvif *dev)
    OVS_REQUIRES(dev->mutex)
{
    if (dev->vif) {
        atomic_store_relaxed(&dev->vif->terms.max_frame,
                             MTU_TO_MAX_FRAME(netdev_xenvif_mtu(dev)));
    }
}

/* Configuration. */

/* Options of a port, parsed. */
struct options {
    uint16_t domid, handle;
    uint32_t n_rxq;             /* 0 if not given. */
    bool tx_csum;               /* May the guest get partial checksums? */
};

/* Reads number 'key' from 'args', or takes '*value' if it is not there.
 * Returns false if it is not between 'min' and 'max'. */
static bool
get_number(const struct smap *args, const char *key, uint32_t min,
           uint32_t max, uint32_t *value)
{
    const char *s = smap_get(args, key);

    return !s || (xenvif_parse_u32(s, value)
                  && *value >= min && *value <= max);
}

static int
parse_options(const char *name, const struct smap *args,
              struct options *options, char **errp)
{
    uint32_t domid = UINT32_MAX, handle = UINT32_MAX, n_rxq = 0;
    int n = 0;

    if (!ovs_scan(name, "vif%"SCNu32".%"SCNu32"%n", &domid, &handle, &n)
        || name[n]) {
        domid = handle = UINT32_MAX;
    }
    if (!get_number(args, "domid", 0, FIRST_RESERVED_DOMID - 1, &domid)) {
        VLOG_WARN_BUF(errp, "%s: options:domid must be a number between 0 and "
                      "%d", name, FIRST_RESERVED_DOMID - 1);
        return EINVAL;
    }
    if (!get_number(args, "handle", 0, UINT16_MAX, &handle)) {
        VLOG_WARN_BUF(errp, "%s: options:handle must be a number between 0 "
                      "and %d", name, UINT16_MAX);
        return EINVAL;
    }
    if (!get_number(args, "n_rxq", 1, XENVIF_MAX_QUEUES, &n_rxq)) {
        VLOG_WARN_BUF(errp, "%s: options:n_rxq must be a number between 1 and "
                      "%d", name, XENVIF_MAX_QUEUES);
        return EINVAL;
    }
    if (domid >= FIRST_RESERVED_DOMID || handle > UINT16_MAX) {
        VLOG_WARN_BUF(errp, "%s: options:domid and options:handle are needed "
                      "because the name does not have the form "
                      "vifDOMID.HANDLE", name);
        return EINVAL;
    }
    options->domid = domid;
    options->handle = handle;
    options->n_rxq = n_rxq;
    options->tx_csum = smap_get_bool(args, "tx-csum-offload", true);
    return 0;
}

/* Is the vif claimed by another port that exists?  After a quick del-port and
 * add-port there can be one that lives on without a name until the last thread
 * let go of it; it does not count. */
static bool
check_claim(const struct netdev_xenvif *dev, const struct options *options,
            char **errp)
{
    const void *port;
    char *port_name = xenvif_thread_get_port(options->domid,
                                             options->handle, &port);
    bool ok = true;

    if (port_name && port != dev) {
        struct netdev *other = netdev_from_name(port_name);

        if (other && netdev_xenvif_is_class(netdev_get_class(other))
            && netdev_xenvif_cast(other) == port) {
            VLOG_WARN_BUF(errp, "%s: vif %"PRIu16".%"PRIu16" is in use by "
                          "port %s", netdev_get_name(&dev->up),
                          options->domid, options->handle, port_name);
            ok = false;
        }
        netdev_close(other);
    }
    free(port_name);
    return ok;
}

static int
netdev_xenvif_set_config(struct netdev *netdev, const struct smap *args,
                         char **errp)
{
    struct netdev_xenvif *dev = netdev_xenvif_cast(netdev);
    struct xenvif_settings settings = {
        .poll = netdev->netdev_class->is_pmd,
        .partial = xenvif_datapath_takes_partial(),
        .tso = xenvif_datapath_takes_tso(),
    };
    struct options options;
    int error = parse_options(netdev_get_name(netdev), args, &options, errp);
    bool changed;

    if (error) {
        return error;
    }
    if (dev->vif && (dev->vif->domid != options.domid
                     || dev->vif->handle != options.handle)) {
        /* It is another device now: have this one destroyed and a new one
         * created. */
        return EAGAIN;
    }

    settings.max_queues = options.n_rxq;
    if (!dev->vif) {
        if (!check_claim(dev, &options, errp)) {
            return EBUSY;
        }
        dev->vif = xenvif_thread_claim(options.domid, options.handle, dev,
                                       netdev_get_name(netdev), &settings);
        changed = false;
        netdev_xenvif_update_announced(dev);
    } else {
        ovs_mutex_lock(&dev->mutex);
        changed = dev->n_rxq_option != options.n_rxq;
        ovs_mutex_unlock(&dev->mutex);
    }

    ovs_mutex_lock(&dev->mutex);
    dev->n_rxq_option = options.n_rxq;
    dev->tx_csum = options.tx_csum;
    ovs_mutex_unlock(&dev->mutex);
    atomic_store_relaxed(&dev->vif->terms.tx_csum_offload, options.tx_csum);
    atomic_store_relaxed(&dev->vif->down, !netdev_xenvif_is_up(dev));
    if (changed) {
        xenvif_thread_set(dev->vif, dev, &settings);
    }
    return 0;
}

static int
netdev_xenvif_get_config(const struct netdev *netdev, struct smap *args)
{
    struct netdev_xenvif *dev = netdev_xenvif_cast(netdev);

    if (dev->vif) {
        smap_add_format(args, "domid", "%"PRIu16, dev->vif->domid);
        smap_add_format(args, "handle", "%"PRIu16, dev->vif->handle);
    }
    ovs_mutex_lock(&dev->mutex);
    if (dev->n_rxq_option) {
        smap_add_format(args, "n_rxq", "%"PRIu32, dev->n_rxq_option);
    }
    if (!dev->tx_csum) {
        smap_add(args, "tx-csum-offload", "false");
    }
    ovs_mutex_unlock(&dev->mutex);
    return 0;
}

static int
netdev_xenvif_get_numa_id(const struct netdev *netdev OVS_UNUSED)
{
    /* Guest memory is wherever Xen put it, which dom0 cannot know. */
    return 0;
}

static int
netdev_xenvif_set_tx_multiq(struct netdev *netdev, unsigned int n_txq)
{
    struct netdev_xenvif *dev = netdev_xenvif_cast(netdev);

    ovs_mutex_lock(&dev->mutex);
    if (dev->requested_n_txq != n_txq) {
        dev->requested_n_txq = n_txq;
        netdev_request_reconfigure(netdev);
    }
    ovs_mutex_unlock(&dev->mutex);
    return 0;
}

static int
netdev_xenvif_reconfigure(struct netdev *netdev)
{
    struct netdev_xenvif *dev = netdev_xenvif_cast(netdev);
    bool changed;

    dev->taken = true;
    ovs_mutex_lock(&dev->mutex);
    changed = (netdev->n_rxq != dev->requested_n_rxq
               || netdev->n_txq != dev->requested_n_txq);
    netdev->n_rxq = dev->requested_n_rxq;
    netdev->n_txq = dev->requested_n_txq;
    ovs_mutex_unlock(&dev->mutex);

    if (changed) {
        netdev_change_seq_changed(netdev);
    }
    return 0;
}

/* Packets. */

/* Returns the queue that 'rxq' receives from, or NULL. */
static struct xenvif_queue *
rxq_to_queue(const struct netdev_rxq *rxq)
{
    struct netdev_xenvif *dev = netdev_xenvif_cast(rxq->netdev);
    struct xenvif_conn *conn = xenvif_get_conn(dev->vif);

    return (conn && netdev_xenvif_is_up(dev) && rxq->queue_id < conn->n_queues
            ? &conn->queues[rxq->queue_id] : NULL);
}

static int
netdev_xenvif_rxq_recv(struct netdev_rxq *rxq, struct dp_packet_batch *batch,
                       int *qfill)
{
    struct netdev_xenvif *dev = netdev_xenvif_cast(rxq->netdev);
    struct xenvif_qos *qos = netdev_xenvif_qos_get(dev);
    struct xenvif_queue *queue = rxq_to_queue(rxq);
    int error;

    if (OVS_UNLIKELY(!queue)) {
        return EAGAIN;
    }
    xenvif_polled_count(queue);
    xenvif_rx_poll(queue);
    if (OVS_UNLIKELY(qos)) {
        netdev_xenvif_qos_poll(qos, dev);
    }
    error = xenvif_tx_burst(queue, batch);
    if (qfill) {
        *qfill = error ? -ENOTSUP : xenvif_tx_n_pending(queue);
    }
    return error;
}

/* Called by the main thread before it goes to sleep. */
static void
netdev_xenvif_rxq_wait(struct netdev_rxq *rxq)
{
    struct xenvif_queue *queue = rxq_to_queue(rxq);

    if (queue) {
        xenvif_tx_wait(queue);
        netdev_xenvif_qos_wait(netdev_xenvif_cast(rxq->netdev));
    }
}

static bool
netdev_xenvif_rxq_enabled(struct netdev_rxq *rxq)
{
    return rxq_to_queue(rxq) != NULL;
}

void
netdev_xenvif_deliver(struct netdev_xenvif *dev, struct dp_packet_batch *batch)
{
    struct xenvif_conn *conn = xenvif_get_conn(dev->vif);
    size_t n = dp_packet_batch_size(batch);
    uint64_t orig;

    if (OVS_UNLIKELY(!netdev_xenvif_is_up(dev))) {
        atomic_add_relaxed(&dev->tx_drops.down, n, &orig);
    } else if (OVS_UNLIKELY(!conn || !xenvif_steer(conn, batch))) {
        atomic_add_relaxed(&dev->tx_drops.disconnected, n, &orig);
    }
    dp_packet_delete_batch(batch, true);
    dp_packet_batch_init(batch);
}

static int
netdev_xenvif_send(struct netdev *netdev, int qid OVS_UNUSED,
                   struct dp_packet_batch *batch,
                   bool concurrent_txq OVS_UNUSED)
{
    struct netdev_xenvif *dev = netdev_xenvif_cast(netdev);
    struct xenvif_qos *qos = netdev_xenvif_qos_get(dev);

    /* Where nothing can be delivered, nothing is to wait, either. */
    if (OVS_UNLIKELY(qos) && netdev_xenvif_is_up(dev)
        && xenvif_get_conn(dev->vif)) {
        netdev_xenvif_qos_send(qos, dev, batch);
    }
    netdev_xenvif_deliver(dev, batch);
    return 0;
}

/* Rxqs.  What belongs to a queue is in the connection: rxqs come and go with
 * every reconfiguration. */

static struct netdev_rxq *
netdev_xenvif_rxq_alloc(void)
{
    return xzalloc(sizeof(struct netdev_rxq));
}

static int
netdev_xenvif_rxq_construct(struct netdev_rxq *rxq OVS_UNUSED)
{
    return 0;
}

static void
netdev_xenvif_rxq_destruct(struct netdev_rxq *rxq OVS_UNUSED)
{
}

static void
netdev_xenvif_rxq_dealloc(struct netdev_rxq *rxq)
{
    free(rxq);
}

/* Properties. */

static int
netdev_xenvif_set_etheraddr(struct netdev *netdev, const struct eth_addr mac)
{
    struct netdev_xenvif *dev = netdev_xenvif_cast(netdev);
    bool changed;

    ovs_mutex_lock(&dev->mutex);
    changed = !eth_addr_equals(dev->etheraddr, mac);
    dev->etheraddr = mac;
    ovs_mutex_unlock(&dev->mutex);
    if (changed) {
        netdev_change_seq_changed(netdev);
    }
    return 0;
}

static int
netdev_xenvif_get_etheraddr(const struct netdev *netdev, struct eth_addr *mac)
{
    struct netdev_xenvif *dev = netdev_xenvif_cast(netdev);

    ovs_mutex_lock(&dev->mutex);
    *mac = dev->etheraddr;
    ovs_mutex_unlock(&dev->mutex);
    return 0;
}

static int
netdev_xenvif_get_mtu(const struct netdev *netdev, int *mtu)
{
    struct netdev_xenvif *dev = netdev_xenvif_cast(netdev);

    ovs_mutex_lock(&dev->mutex);
    *mtu = netdev_xenvif_mtu(dev);
    ovs_mutex_unlock(&dev->mutex);
    return 0;
}

static int
netdev_xenvif_set_mtu(struct netdev *netdev, int mtu)
{
    struct netdev_xenvif *dev = netdev_xenvif_cast(netdev);
    bool changed;

    if (mtu < MIN_MTU || mtu > MAX_MTU) {
        VLOG_WARN("%s: MTU %d is not between %d and %d",
                  netdev_get_name(netdev), mtu, MIN_MTU, MAX_MTU);
        return EINVAL;
    }
    ovs_mutex_lock(&dev->mutex);
    changed = dev->user_mtu != mtu;
    dev->user_mtu = mtu;
    netdev_xenvif_apply_mtu(dev);
    ovs_mutex_unlock(&dev->mutex);
    if (changed) {
        netdev_change_seq_changed(netdev);
    }
    return 0;
}

static int
netdev_xenvif_set_policing(struct netdev *netdev, uint32_t kbits_rate,
                           uint32_t kbits_burst, uint32_t kpkts_rate,
                           uint32_t kpkts_burst)
{
    const struct xenvif_ingress_config config = {
        .kbits_rate = kbits_rate,
        .kbits_burst = kbits_burst,
        .kpkts_rate = kpkts_rate,
        .kpkts_burst = kpkts_burst,
    };
    struct netdev_xenvif *dev = netdev_xenvif_cast(netdev);

    if (!dev->vif) {
        return ENODEV;
    }
    xenvif_ingress_set(&dev->vif->terms.policer, &config, xenvif_bucket_now());
    return 0;
}

static int
netdev_xenvif_get_ifindex(const struct netdev *netdev)
{
    /* There is no such device, but sFlow and IPFIX know ports by this number.
     * It is made of the name, so that it outlives restarts, positive and of 24
     * bits, and larger than what a host has for its real devices. */
    return MIN_IFINDEX + (hash_string(netdev_get_name(netdev), 0)
                          % (MAX_IFINDEX - MIN_IFINDEX + 1));
}

static int
netdev_xenvif_get_carrier(const struct netdev *netdev, bool *carrier)
{
    struct netdev_xenvif *dev = netdev_xenvif_cast(netdev);

    ovs_mutex_lock(&dev->mutex);
    *carrier = xenvif_report_carrier(&dev->announced);
    ovs_mutex_unlock(&dev->mutex);
    return 0;
}

static long long int
netdev_xenvif_get_carrier_resets(const struct netdev *netdev)
{
    struct netdev_xenvif *dev = netdev_xenvif_cast(netdev);
    long long int resets;

    ovs_mutex_lock(&dev->mutex);
    resets = dev->announced.n_carrier_changes;
    ovs_mutex_unlock(&dev->mutex);
    return resets;
}

static int
netdev_xenvif_get_features(const struct netdev *netdev OVS_UNUSED,
                           enum netdev_features *current,
                           enum netdev_features *advertised,
                           enum netdev_features *supported,
                           enum netdev_features *peer)
{
    /* There is no wire.  This is what makes spanning tree costs sensible. */
    *current = NETDEV_F_10GB_FD | NETDEV_F_OTHER;
    *advertised = *supported = *peer = 0;
    return 0;
}

static int
netdev_xenvif_update_flags(struct netdev *netdev, enum netdev_flags off,
                           enum netdev_flags on, enum netdev_flags *old_flags)
{
    struct netdev_xenvif *dev = netdev_xenvif_cast(netdev);
    enum netdev_flags new_flags;

    if ((off | on) & ~(NETDEV_UP | NETDEV_PROMISC)) {
        return EINVAL;
    }
    ovs_mutex_lock(&dev->mutex);
    *old_flags = dev->flags;
    new_flags = dev->flags = (dev->flags & ~off) | on;
    atomic_store_relaxed(&dev->admin_up, (new_flags & NETDEV_UP) != 0);
    if (dev->vif) {
        atomic_store_relaxed(&dev->vif->down, !(new_flags & NETDEV_UP));
    }
    ovs_mutex_unlock(&dev->mutex);
    if (*old_flags != new_flags) {
        netdev_change_seq_changed(netdev);
    }
    return 0;
}

static void
add_features(struct smap *args, const struct xenvif_report *report)
{
    struct ds s = DS_EMPTY_INITIALIZER;

    xenvif_features_format(&s, &report->features, &report->uses);
    smap_add(args, "features", ds_cstr(&s));
    ds_clear(&s);
    xenvif_offers_format(&s, &report->offers);
    smap_add(args, "offered_features", ds_cstr(&s));
    ds_destroy(&s);
    smap_add(args, "event_channels",
             report->features.split_channels ? "split" : "single");
}

void
netdev_xenvif_missing_features(const struct netdev_xenvif *dev_,
                               struct smap *to_guest, struct smap *from_guest)
{
    struct netdev_xenvif *dev = CONST_CAST(struct netdev_xenvif *, dev_);
    struct xenvif_feature_settings settings = {
        .partial = xenvif_datapath_takes_partial(),
        .tso = xenvif_datapath_takes_tso(),
    };
    struct xenvif_report report;

    xenvif_get_report(dev->vif, &report);
    if (report.connected) {
        ovs_mutex_lock(&dev->mutex);
        settings.tx_csum = dev->tx_csum;
        ovs_mutex_unlock(&dev->mutex);
        xenvif_features_explain(&report.features, &settings, to_guest);
        xenvif_offers_explain(&report.offers, &settings, from_guest);
    }
}

static void
add_qos_problems(const struct netdev_xenvif *dev, struct smap *args)
{
    char *problems = netdev_xenvif_qos_problems(dev);

    if (problems) {
        smap_add(args, "qos_problem", problems);
        free(problems);
    }
}

static int
netdev_xenvif_get_status(const struct netdev *netdev, struct smap *args)
{
    struct netdev_xenvif *dev = netdev_xenvif_cast(netdev);
    struct xenvif_report report;

    if (!dev->vif) {
        return EOPNOTSUPP;
    }
    ovs_mutex_lock(&dev->mutex);
    memcpy(&report, &dev->announced, sizeof report);
    smap_add_format(args, "mtu", "%"PRIu32, netdev_xenvif_mtu(dev));
    ovs_mutex_unlock(&dev->mutex);

    smap_add(args, "mode",
             netdev->netdev_class->is_pmd ? "poll" : "interrupt");
    smap_add(args, "status", (report.fault ? "stopped"
                              : report.stalled ? "stalled"
                              : report.connected ? "connected"
                              : "disconnected"));
    if (report.reason[0]) {
        smap_add(args, "reason", report.reason);
        smap_add_nocopy(args, xstrdup("reason_since"),
                        xenvif_report_since(&report));
    } else if (!netdev_xenvif_is_up(dev)) {
        smap_add(args, "reason", NETDEV_XENVIF_DOWN);
    }
    if (report.last_error[0]) {
        smap_add(args, "last_error", report.last_error);
    }
    add_qos_problems(dev, args);
    smap_add_format(args, "domid", "%"PRIu16, dev->vif->domid);
    smap_add_format(args, "handle", "%"PRIu16, dev->vif->handle);
    smap_add(args, "frontend_state",
             xenvif_bus_state_to_string(report.frontend));
    smap_add(args, "backend_state",
             xenvif_bus_state_to_string(report.backend));
    if (report.mac[0]) {
        smap_add(args, "guest_mac", report.mac);
    }
    if (report.rate.usec) {
        smap_add_format(args, "rate", "%"PRIu64" bytes every %"PRIu32" us",
                        report.rate.bytes, report.rate.usec);
    }
    smap_add_format(args, "n_rxq", "%d", netdev->n_rxq);
    smap_add_format(args, "n_txq", "%d", netdev->n_txq);
    if (report.connected) {
        smap_add_format(args, "queues", "%u", report.n_queues);
        add_features(args, &report);
    }
    return 0;
}

#define NETDEV_XENVIF_CLASS_COMMON                              \
    .run = netdev_xenvif_run,                                   \
    .wait = netdev_xenvif_wait,                                 \
    .alloc = netdev_xenvif_alloc,                               \
    .construct = netdev_xenvif_construct,                       \
    .destruct = netdev_xenvif_destruct,                         \
    .dealloc = netdev_xenvif_dealloc,                           \
    .get_config = netdev_xenvif_get_config,                     \
    .set_config = netdev_xenvif_set_config,                     \
    .get_numa_id = netdev_xenvif_get_numa_id,                   \
    .set_tx_multiq = netdev_xenvif_set_tx_multiq,               \
    .send = netdev_xenvif_send,                                 \
    .set_etheraddr = netdev_xenvif_set_etheraddr,               \
    .get_etheraddr = netdev_xenvif_get_etheraddr,               \
    .get_mtu = netdev_xenvif_get_mtu,                           \
    .set_mtu = netdev_xenvif_set_mtu,                           \
    .get_ifindex = netdev_xenvif_get_ifindex,                   \
    .get_carrier = netdev_xenvif_get_carrier,                   \
    .get_carrier_resets = netdev_xenvif_get_carrier_resets,     \
    .get_stats = netdev_xenvif_get_stats,                       \
    .get_custom_stats = netdev_xenvif_get_custom_stats,         \
    .get_features = netdev_xenvif_get_features,                 \
    .set_policing = netdev_xenvif_set_policing,                 \
    .get_status = netdev_xenvif_get_status,                     \
    .get_qos_types = netdev_xenvif_get_qos_types,               \
    .get_qos_capabilities = netdev_xenvif_get_qos_capabilities, \
    .get_qos = netdev_xenvif_get_qos,                           \
    .set_qos = netdev_xenvif_set_qos,                           \
    .get_queue = netdev_xenvif_get_queue,                       \
    .set_queue = netdev_xenvif_set_queue,                       \
    .delete_queue = netdev_xenvif_delete_queue,                 \
    .get_queue_stats = netdev_xenvif_get_queue_stats,           \
    .queue_dump_start = netdev_xenvif_queue_dump_start,         \
    .queue_dump_next = netdev_xenvif_queue_dump_next,           \
    .queue_dump_done = netdev_xenvif_queue_dump_done,           \
    .dump_queue_stats = netdev_xenvif_dump_queue_stats,         \
    .update_flags = netdev_xenvif_update_flags,                 \
    .reconfigure = netdev_xenvif_reconfigure,                   \
    .rxq_alloc = netdev_xenvif_rxq_alloc,                       \
    .rxq_construct = netdev_xenvif_rxq_construct,               \
    .rxq_destruct = netdev_xenvif_rxq_destruct,                 \
    .rxq_dealloc = netdev_xenvif_rxq_dealloc,                   \
    .rxq_recv = netdev_xenvif_rxq_recv,                         \
    .rxq_enabled = netdev_xenvif_rxq_enabled

static const struct netdev_class xenvif_class = {
    NETDEV_XENVIF_CLASS_COMMON,
    .type = "xenvif",
    .is_pmd = true,
};

static const struct netdev_class xenvif_nonpmd_class = {
    NETDEV_XENVIF_CLASS_COMMON,
    .type = "xenvif-nonpmd",
    .is_pmd = false,
    .rxq_wait = netdev_xenvif_rxq_wait,
};

bool
netdev_xenvif_is_class(const struct netdev_class *class)
{
    return class == &xenvif_class || class == &xenvif_nonpmd_class;
}

void
netdev_xenvif_get_ports(struct shash *ports)
{
    netdev_get_devices(&xenvif_class, ports);
    netdev_get_devices(&xenvif_nonpmd_class, ports);
}

void
netdev_xenvif_register(void)
{
    xenvif_thread_start();
    netdev_xenvif_unixctl_init();
    netdev_register_provider(&xenvif_class);
    netdev_register_provider(&xenvif_nonpmd_class);
}
