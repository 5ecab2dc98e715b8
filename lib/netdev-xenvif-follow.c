/* SPDX-License-Identifier: Apache-2.0 */

/* Devices follow what happens to their vifs, in the main loop. */

#include <config.h>

#include "netdev-xenvif-private.h"

#include <limits.h>
#include <string.h>

#include "netdev-provider.h"
#include "openvswitch/list.h"
#include "openvswitch/poll-loop.h"
#include "seq.h"
#include "timeval.h"
#include "util.h"
#include "netdev-xenvif-qos.h"
#include "vif/xenvif-thread.h"

/* A change is announced again so many times, after so many ms.
 *
 * Open vSwitch omits from a transaction whatever it believes the database to
 * say already.  That belief ignores transactions that are still on their way.
 * When a new process starts, the database says "connected", as before.  The
 * process writes "disconnected" for the new port and, a few ms later, as soon
 * as it has the rings, "connected".  If the former is still on its way then,
 * the latter is omitted. */
#define N_REPEATS 3
#define REPEAT_INTERVAL_MS 1000

/* What a guest can have announced, each of which makes the database write the
 * port's row and, if the carrier changed, Open vSwitch look at all flows
 * again: some at once, so that guests that boot are followed closely, and
 * then no more than one in as many ms, in which the database gets the port's
 * statistics anyhow.  Until then the port stays as it was announced; what is
 * announced is always the latest. */
#define ANNOUNCE_BURST 20
#define ANNOUNCE_INTERVAL_MS 5000

/* How soon to look again at what could not be announced yet, in ms. */
#define RETRY_MS 250

/* Protects 'devices'. */
static struct ovs_mutex devices_mutex = OVS_MUTEX_INITIALIZER;
static struct ovs_list devices OVS_GUARDED_BY(devices_mutex)
    = OVS_LIST_INITIALIZER(&devices);

/* Main thread only. */
static uint64_t info_seqno;     /* xenvif_thread_seq() that they follow. */
static long long int next_repeat = LLONG_MAX; /* When to announce again. */
static long long int next_update = LLONG_MAX; /* When to look again. */

void
netdev_xenvif_follow(struct netdev_xenvif *dev)
{
    token_bucket_init(&dev->announce_tokens, 1,
                      ANNOUNCE_BURST * ANNOUNCE_INTERVAL_MS);
    dev->rxqs = (struct netdev_xenvif_rxqs) {
        .n = 1, .changed_at = LLONG_MIN / 2, .grown_at = LLONG_MIN / 2,
    };
    ovs_mutex_lock(&devices_mutex);
    ovs_list_push_back(&devices, &dev->list_node);
    ovs_mutex_unlock(&devices_mutex);
}

void
netdev_xenvif_unfollow(struct netdev_xenvif *dev)
{
    ovs_mutex_lock(&devices_mutex);
    ovs_list_remove(&dev->list_node);
    ovs_mutex_unlock(&devices_mutex);
}

/* Has the database told what changed, now and later. */
static void
announce(struct netdev_xenvif *dev)
{
    netdev_change_seq_changed(&dev->up);
    dev->n_repeats = N_REPEATS;
    next_repeat = MIN(next_repeat, time_msec() + REPEAT_INTERVAL_MS);
}

bool
netdev_xenvif_rxqs_run(struct netdev_xenvif_rxqs *rxqs, unsigned int n_queues,
                       unsigned int max, long long int now)
{
    unsigned int old = rxqs->n;

    if (n_queues != rxqs->n_queues) {
        rxqs->n_queues = n_queues;
        rxqs->changed_at = now;
    }
    if (n_queues > rxqs->n) {
        /* A queue needs its rxq at once.  A guest that wanted more only a
         * while ago gets all that it can want. */
        rxqs->n = (now - rxqs->grown_at < NETDEV_XENVIF_QUIET_MS
                   ? MAX(n_queues, max) : n_queues);
        rxqs->grown_at = now;
    } else if (now >= netdev_xenvif_rxqs_next(rxqs)) {
        /* An rxq without a queue costs next to nothing, so this can wait. */
        rxqs->n = n_queues;
    }
    return rxqs->n != old;
}

long long int
netdev_xenvif_rxqs_next(const struct netdev_xenvif_rxqs *rxqs)
{
    return (rxqs->n_queues && rxqs->n_queues < rxqs->n
            ? rxqs->changed_at + NETDEV_XENVIF_QUIET_MS : LLONG_MAX);
}

/* Follows the number of queues. */
static void
update_rxqs(struct netdev_xenvif *dev, unsigned int n_queues)
    OVS_REQUIRES(dev->mutex)
{
    unsigned int max = (dev->n_rxq_option ? dev->n_rxq_option
                        : xenvif_default_queues());

    if (netdev_xenvif_rxqs_run(&dev->rxqs, n_queues, max, time_msec())) {
        dev->requested_n_rxq = dev->rxqs.n;
        netdev_request_reconfigure(&dev->up);
    }
    next_update = MIN(next_update, netdev_xenvif_rxqs_next(&dev->rxqs));
}

/* Takes notice of what happened to the device's vif. */
void
netdev_xenvif_update_announced(struct netdev_xenvif *dev)
{
    struct xenvif_report report;
    bool changed;

    xenvif_get_report(dev->vif, &report);

    ovs_mutex_lock(&dev->mutex);
    update_rxqs(dev, report.n_queues);
    changed = memcmp(&report, &dev->announced, sizeof report);
    if (changed && !token_bucket_withdraw(&dev->announce_tokens,
                                          ANNOUNCE_INTERVAL_MS)) {
        next_update = MIN(next_update, time_msec() + RETRY_MS);
        changed = false;
    }
    if (changed) {
        memcpy(&dev->announced, &report, sizeof report);
    }
    netdev_xenvif_apply_mtu(dev);
    ovs_mutex_unlock(&dev->mutex);

    if (changed) {
        announce(dev);
    }
    if (!report.connected) {
        netdev_xenvif_qos_flush(dev);
    }
}

/* Updates all devices. */
static void
update_all(void)
{
    struct netdev_xenvif *dev;

    next_update = LLONG_MAX;
    ovs_mutex_lock(&devices_mutex);
    LIST_FOR_EACH (dev, list_node, &devices) {
        if (dev->vif) {
            netdev_xenvif_update_announced(dev);
        }
    }
    ovs_mutex_unlock(&devices_mutex);
}

/* Announces again what changed lately. */
static void
repeat_all(void)
{
    struct netdev_xenvif *dev;

    next_repeat = LLONG_MAX;
    ovs_mutex_lock(&devices_mutex);
    LIST_FOR_EACH (dev, list_node, &devices) {
        if (dev->n_repeats) {
            netdev_change_seq_changed(&dev->up);
            if (--dev->n_repeats) {
                next_repeat = time_msec() + REPEAT_INTERVAL_MS;
            }
        }
    }
    ovs_mutex_unlock(&devices_mutex);
}

void
netdev_xenvif_run(const struct netdev_class *class OVS_UNUSED)
{
    uint64_t seqno = seq_read(xenvif_thread_seq());

    if (seqno != info_seqno || time_msec() >= next_update) {
        info_seqno = seqno;
        update_all();
    }
    if (time_msec() >= next_repeat) {
        repeat_all();
    }
}

void
netdev_xenvif_wait(const struct netdev_class *class OVS_UNUSED)
{
    seq_wait(xenvif_thread_seq(), info_seqno);
    if (MIN(next_repeat, next_update) != LLONG_MAX) {
        poll_timer_wait_until(MIN(next_repeat, next_update));
    }
}
