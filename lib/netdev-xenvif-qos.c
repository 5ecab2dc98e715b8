/* SPDX-License-Identifier: Apache-2.0 */

/* Quality of service towards the guest: Open vSwitch's callbacks.
 *
 * Open vSwitch calls set_qos(), delete_queue() and set_queue() one after the
 * other whenever anything in its database changes, and tells nobody what they
 * return.  So values that are in force already are not touched, and what is
 * wrong is kept for users to see in the port's status. */

#include <config.h>

#include "netdev-xenvif-qos.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "openvswitch/vlog.h"
#include "smap.h"
#include "sset.h"
#include "util.h"
#include "qos/xenvif-qos.h"
#include "ring/xenvif-conn.h"
#include "ring/xenvif-rx.h"

VLOG_DEFINE_THIS_MODULE(netdev_xenvif_qos);

/* Where packets go: see struct xenvif_qos_sink. */

static struct netdev_xenvif *
sink_to_dev(const struct xenvif_qos_sink *sink)
{
    return CONTAINER_OF(sink, struct netdev_xenvif, qos.sink);
}

static void
deliver(struct xenvif_qos_sink *sink, struct dp_packet_batch *batch)
{
    netdev_xenvif_deliver(sink_to_dev(sink), batch);
}

static bool
is_held_back(const struct xenvif_qos_sink *sink)
{
    const struct xenvif_conn *conn = xenvif_get_conn(sink_to_dev(sink)->vif);

    if (!conn) {
        return false;
    }
    for (unsigned int i = 0; i < conn->n_queues; i++) {
        if (!xenvif_rx_n_waiting(&conn->queues[i])) {
            return false;
        }
    }
    return true;
}

static void
count_drops(struct xenvif_qos_sink *sink, enum xenvif_qos_drop reason,
            uint32_t n)
{
    struct netdev_xenvif_drops *drops = &sink_to_dev(sink)->tx_drops;
    uint64_t orig;

    switch (reason) {
    case XENVIF_QOS_DROP_POLICED:
        atomic_add_relaxed(&drops->qos_policed, n, &orig);
        break;
    case XENVIF_QOS_DROP_FULL:
        atomic_add_relaxed(&drops->qos_full, n, &orig);
        break;
    case XENVIF_QOS_DROP_AGED:
        atomic_add_relaxed(&drops->qos_aged, n, &orig);
        break;
    case XENVIF_QOS_DROP_FLUSHED:
        atomic_add_relaxed(&drops->disconnected, n, &orig);
        break;
    default:
        OVS_NOT_REACHED();
    }
}

/* Life cycle. */

void
netdev_xenvif_qos_construct(struct netdev_xenvif *dev)
{
    ovsrcu_init(&dev->qos.current, NULL);
    dev->qos.sink = (struct xenvif_qos_sink) {
        .deliver = deliver,
        .is_held_back = is_held_back,
        .count_drops = count_drops,
        .sleeps = !dev->up.netdev_class->is_pmd,
    };
    dev->qos.refused = false;
    ds_init(&dev->qos.problems);
    ds_init(&dev->qos.old_problems);
}

static struct xenvif_qos *
get_protected(struct netdev_xenvif *dev)
{
    return ovsrcu_get_protected(struct xenvif_qos *, &dev->qos.current);
}

void
netdev_xenvif_qos_destruct(struct netdev_xenvif *dev)
{
    struct xenvif_qos *qos = get_protected(dev);

    if (qos) {
        ovsrcu_set(&dev->qos.current, NULL);
        ovsrcu_postpone(xenvif_qos_destroy, qos);
    }
    ds_destroy(&dev->qos.problems);
    ds_destroy(&dev->qos.old_problems);
}

/* Puts 'qos', which may be NULL, in the place of what there is.  Threads may
 * go on to use that for a moment. */
static void
replace_qos(struct netdev_xenvif *dev, struct xenvif_qos *qos)
{
    struct xenvif_qos *old = get_protected(dev);

    if (old) {
        xenvif_qos_retire(old, &dev->qos.sink);
    }
    ovsrcu_set(&dev->qos.current, qos);
    if (old) {
        ovsrcu_postpone(xenvif_qos_destroy, old);
    }
    netdev_change_seq_changed(&dev->up);
}

/* Packets. */

void
netdev_xenvif_qos_send(struct xenvif_qos *qos, struct netdev_xenvif *dev,
                       struct dp_packet_batch *batch)
{
    xenvif_qos_send(qos, &dev->qos.sink, batch);
}

void
netdev_xenvif_qos_poll(struct xenvif_qos *qos, struct netdev_xenvif *dev)
{
    xenvif_qos_poll(qos, &dev->qos.sink);
}

void
netdev_xenvif_qos_wait(const struct netdev_xenvif *dev)
{
    struct xenvif_qos *qos = netdev_xenvif_qos_get(dev);

    if (qos) {
        xenvif_qos_wait(qos, &dev->qos.sink);
    }
}

void
netdev_xenvif_qos_flush(struct netdev_xenvif *dev)
{
    struct xenvif_qos *qos = get_protected(dev);

    if (qos) {
        xenvif_qos_flush(qos, &dev->qos.sink);
    }
}

/* Problems. */

/* Forgets the problems of the last configuration, because another one comes.
 */
static void
forget_problems(struct netdev_xenvif *dev)
{
    ds_clear(&dev->qos.old_problems);
    if (dev->qos.problems.length) {
        ds_put_cstr(&dev->qos.old_problems, ds_cstr(&dev->qos.problems));
        ds_clear(&dev->qos.problems);
        netdev_change_seq_changed(&dev->up);
    }
}

/* Tells users about a problem, with 'text', which is freed.  It is logged if
 * it was not there before. */
static void
complain(struct netdev_xenvif *dev, char *text)
{
    if (dev->qos.problems.length) {
        ds_put_cstr(&dev->qos.problems, "; ");
    }
    ds_put_cstr(&dev->qos.problems, text);
    if (!dev->qos.old_problems.length
        || !strstr(ds_cstr(&dev->qos.old_problems), text)) {
        VLOG_WARN("%s: %s", netdev_get_name(&dev->up), text);
    }
    free(text);
    netdev_change_seq_changed(&dev->up);
}

char *
netdev_xenvif_qos_problems(const struct netdev_xenvif *dev_)
{
    struct netdev_xenvif *dev = CONST_CAST(struct netdev_xenvif *, dev_);
    struct xenvif_qos *qos = get_protected(dev);
    char *doubts = qos ? xenvif_qos_get_doubts(qos) : NULL;
    bool problems = dev->qos.problems.length > 0;
    char *text = NULL;

    if (problems || doubts) {
        text = xasprintf("%s%s%s",
                         problems ? ds_cstr(&dev->qos.problems) : "",
                         problems && doubts ? "; " : "",
                         doubts ? doubts : "");
    }
    free(doubts);
    return text;
}

/* Callbacks about the port. */

int
netdev_xenvif_get_qos_types(const struct netdev *netdev OVS_UNUSED,
                            struct sset *types)
{
    xenvif_qos_get_types(types);
    return 0;
}

int
netdev_xenvif_get_qos_capabilities(const struct netdev *netdev OVS_UNUSED,
                                   const char *type,
                                   struct netdev_qos_capabilities *caps)
{
    bool has_queues;

    if (!xenvif_qos_find_type(type, &has_queues)) {
        return EOPNOTSUPP;
    }
    caps->n_queues = has_queues ? XENVIF_QOS_N_IDS : 0;
    return 0;
}

int
netdev_xenvif_get_qos(const struct netdev *netdev, const char **typep,
                      struct smap *details)
{
    struct xenvif_qos *qos = get_protected(netdev_xenvif_cast(netdev));

    *typep = qos ? xenvif_qos_type(qos) : "";
    if (qos) {
        xenvif_qos_get(qos, details);
    }
    return 0;
}

/* Does the work of netdev_xenvif_set_qos() for a type that is supported.
 * Returns NULL, or what is wrong. */
static char *
set_type(struct netdev_xenvif *dev, const char *type,
         const struct smap *details)
{
    struct xenvif_qos *qos = get_protected(dev);
    bool changed = false;
    char *problem = NULL;

    if (qos && !strcmp(xenvif_qos_type(qos), type)) {
        problem = xenvif_qos_set(qos, details, &changed);
        if (changed) {
            netdev_change_seq_changed(&dev->up);
        }
    } else {
        qos = xenvif_qos_create(type, details, &problem);
        if (qos) {
            replace_qos(dev, qos);
        } else {
            /* The set_queue() calls that follow belong to the refused type. */
            dev->qos.refused = true;
        }
    }
    return problem;
}

int
netdev_xenvif_set_qos(struct netdev *netdev, const char *type,
                      const struct smap *details)
{
    struct netdev_xenvif *dev = netdev_xenvif_cast(netdev);
    bool has_queues;
    char *problem;

    forget_problems(dev);
    dev->qos.refused = false;
    if (!type[0]) {
        if (get_protected(dev)) {
            replace_qos(dev, NULL);
        }
        return 0;
    }
    if (!xenvif_qos_find_type(type, &has_queues)) {
        complain(dev, xasprintf("QoS type %s is not supported: nothing was "
                                "changed", type));
        dev->qos.refused = true;
        return EOPNOTSUPP;
    }
    problem = set_type(dev, type, details);
    if (problem) {
        complain(dev, xasprintf("QoS %s: %s: nothing was changed", type,
                                problem));
        free(problem);
        return EINVAL;
    }
    return 0;
}

/* Callbacks about queues. */

/* Returns what is configured if it has queues, or NULL. */
static struct xenvif_qos *
get_with_queues(const struct netdev *netdev)
{
    struct netdev_xenvif *dev = netdev_xenvif_cast(netdev);
    struct xenvif_qos *qos = get_protected(dev);

    return qos && xenvif_qos_has_queues(qos) ? qos : NULL;
}

int
netdev_xenvif_set_queue(struct netdev *netdev, unsigned int queue_id,
                        const struct smap *details)
{
    struct netdev_xenvif *dev = netdev_xenvif_cast(netdev);
    struct xenvif_qos *qos = get_with_queues(netdev);
    bool changed = false;
    char *problem;

    if (!qos || dev->qos.refused) {
        return EOPNOTSUPP;
    }
    problem = xenvif_qos_set_queue(qos, queue_id, details, &changed);
    if (problem) {
        complain(dev, xasprintf("QoS %s, queue %u: %s: nothing was changed",
                                xenvif_qos_type(qos), queue_id, problem));
        free(problem);
        return EINVAL;
    }
    if (changed) {
        netdev_change_seq_changed(netdev);
    }
    return 0;
}

int
netdev_xenvif_delete_queue(struct netdev *netdev, unsigned int queue_id)
{
    struct xenvif_qos *qos = get_with_queues(netdev);
    bool changed = false;

    if (!qos || netdev_xenvif_cast(netdev)->qos.refused) {
        return EOPNOTSUPP;
    }
    if (!xenvif_qos_delete_queue(qos, queue_id, &changed)) {
        return ENOENT;
    }
    if (changed) {
        netdev_change_seq_changed(netdev);
    }
    return 0;
}

int
netdev_xenvif_get_queue(const struct netdev *netdev, unsigned int queue_id,
                        struct smap *details)
{
    struct xenvif_qos *qos = get_with_queues(netdev);

    return (!qos ? EOPNOTSUPP
            : xenvif_qos_get_queue(qos, queue_id, details) ? 0 : ENOENT);
}

int
netdev_xenvif_get_queue_stats(const struct netdev *netdev,
                              unsigned int queue_id,
                              struct netdev_queue_stats *stats)
{
    struct xenvif_qos *qos = get_with_queues(netdev);

    return (!qos ? EOPNOTSUPP
            : xenvif_qos_get_queue_stats(qos, queue_id, stats) ? 0 : ENOENT);
}

/* The ids of a port's queues when a dump began. */
struct dump {
    size_t n, i;
    unsigned int ids[XENVIF_QOS_MAX_QUEUES];
};

int
netdev_xenvif_queue_dump_start(const struct netdev *netdev, void **statep)
{
    struct xenvif_qos *qos = get_with_queues(netdev);
    struct dump *dump;

    if (!qos) {
        return EOPNOTSUPP;
    }
    dump = xmalloc(sizeof *dump);
    dump->n = xenvif_qos_list_queues(qos, dump->ids);
    dump->i = 0;
    *statep = dump;
    return 0;
}

int
netdev_xenvif_queue_dump_next(const struct netdev *netdev, void *state,
                              unsigned int *queue_id, struct smap *details)
{
    struct dump *dump = state;

    while (dump->i < dump->n) {
        *queue_id = dump->ids[dump->i++];
        if (!netdev_xenvif_get_queue(netdev, *queue_id, details)) {
            return 0;
        }
    }
    return EOF;
}

int
netdev_xenvif_queue_dump_done(const struct netdev *netdev OVS_UNUSED,
                              void *state)
{
    free(state);
    return 0;
}

int
netdev_xenvif_dump_queue_stats(const struct netdev *netdev,
                               netdev_dump_queue_stats_cb *cb, void *aux)
{
    void *state;
    int error = netdev_xenvif_queue_dump_start(netdev, &state);
    struct dump *dump = state;

    if (error) {
        return error;
    }
    for (size_t i = 0; i < dump->n; i++) {
        struct netdev_queue_stats stats;

        if (!netdev_xenvif_get_queue_stats(netdev, dump->ids[i], &stats)) {
            cb(dump->ids[i], &stats, aux);
        }
    }
    free(dump);
    return 0;
}
