/* SPDX-License-Identifier: Apache-2.0 */

/* The QoS types "egress-policer" and "trtcm-policer": a packet passes or is
 * dropped at once.  Keys and meaning are those that Open vSwitch's DPDK ports
 * have; the meters are our own, so that there is no need for DPDK.
 *
 * egress-policer is the single bucket that RFC 2697's marker is without an
 * excess burst.  trtcm-policer is RFC 4115's marker twice: color-blind for the
 * queue of a packet, then color-aware for the port.
 *
 * Threads: several may send at a time, and the main thread changes the
 * configuration.  The mutex of struct xenvif_qos is held for the arithmetic of
 * a batch. */

#include <config.h>

#include "qos/xenvif-qos-class.h"

#include "openvswitch/hmap.h"
#include "openvswitch/thread.h"
#include "smap.h"
#include "util.h"
#include "rate/xenvif-meter.h"

struct policer_queue {
    struct xenvif_rate_queue up; /* In the policer's 'queues'. */
    struct xenvif_meter_config config;
    struct xenvif_meter meter;
    struct netdev_queue_stats stats;
};

struct policer {
    struct xenvif_qos up;
    struct xenvif_meter_config config OVS_GUARDED;
    struct xenvif_meter meter OVS_GUARDED;
    struct hmap queues OVS_GUARDED;
    struct policer_queue *default_queue OVS_GUARDED; /* NULL if no queues. */
};

static struct policer *
policer_cast(const struct xenvif_qos *qos)
{
    return CONTAINER_OF(qos, struct policer, up);
}

static struct policer_queue *
queue_cast(const struct xenvif_rate_queue *queue)
{
    return queue ? CONTAINER_OF(queue, struct policer_queue, up) : NULL;
}

static bool
configs_equal(const struct xenvif_meter_config *a,
              const struct xenvif_meter_config *b)
{
    return (a->cir == b->cir && a->cbs == b->cbs
            && a->eir == b->eir && a->ebs == b->ebs);
}

/* Parses a rate and the burst that it needs.  Returns NULL, or what is wrong.
 */
static char *
parse_pair(const struct smap *details, const char *rate_key,
           const char *burst_key, uint64_t *rate, uint64_t *burst)
{
    char *problem
        = xenvif_qos_parse(details, rate_key, 0,
                           XENVIF_BUCKET_MAX_RATE / 8, 0, rate);

    if (!problem) {
        problem = xenvif_qos_parse(details, burst_key, 0,
                                   XENVIF_BUCKET_MAX_DEPTH, 0, burst);
    }
    if (!problem && *rate && !*burst) {
        problem = xasprintf("%s needs a %s", rate_key, burst_key);
    }
    return problem;
}

static char *
parse_two_rates(const struct smap *details, struct xenvif_meter_config *config)
{
    char *problem = parse_pair(details, "cir", "cbs", &config->cir,
                               &config->cbs);

    return (problem ? problem
            : parse_pair(details, "eir", "ebs", &config->eir, &config->ebs));
}

static char *
parse_single_rate(const struct smap *details,
                  struct xenvif_meter_config *config)
{
    char *problem = parse_pair(details, "cir", "cbs", &config->cir,
                               &config->cbs);

    config->eir = config->ebs = 0;
    if (!problem && !config->cir) {
        problem = xstrdup("cir is needed");
    }
    return problem;
}

static char *
parse(const struct xenvif_qos_class *class, const struct smap *details,
      struct xenvif_meter_config *config)
{
    return (class == &xenvif_qos_egress_policer
            ? parse_single_rate(details, config)
            : parse_two_rates(details, config));
}

static void
put_config(const struct xenvif_meter_config *config, bool two_rates,
           struct smap *details)
{
    smap_add_format(details, "cir", "%"PRIu64, config->cir);
    smap_add_format(details, "cbs", "%"PRIu64, config->cbs);
    if (two_rates) {
        smap_add_format(details, "eir", "%"PRIu64, config->eir);
        smap_add_format(details, "ebs", "%"PRIu64, config->ebs);
    }
}

/* The port. */

/* Adds a queue, which has been idle until now. */
static struct policer_queue *
create_queue(struct hmap *queues, uint32_t id,
             const struct xenvif_meter_config *config)
{
    struct policer_queue *queue = xzalloc(sizeof *queue);

    queue->config = *config;
    xenvif_meter_init(&queue->meter, config, xenvif_bucket_now());
    xenvif_rate_queue_insert(queues, &queue->up, id);
    return queue;
}

/* Changes a meter and what is kept of its configuration.  Returns false if it
 * is the same already. */
static bool
change_meter(struct xenvif_meter *meter, struct xenvif_meter_config *old,
             const struct xenvif_meter_config *new)
{
    if (configs_equal(old, new)) {
        return false;
    }
    *old = *new;
    xenvif_meter_change(meter, new, xenvif_bucket_now());
    return true;
}

static struct xenvif_qos *
policer_create(const struct xenvif_qos_class *class,
               const struct smap *details, char **problem)
    OVS_NO_THREAD_SAFETY_ANALYSIS /* Nobody else knows it yet. */
{
    struct xenvif_meter_config config;
    struct policer *policer;

    *problem = parse(class, details, &config);
    if (*problem) {
        return NULL;
    }
    policer = xzalloc(sizeof *policer);
    policer->config = config;
    xenvif_meter_init(&policer->meter, &config, xenvif_bucket_now());
    hmap_init(&policer->queues);
    if (class->set_queue) {
        policer->up.queues = &policer->queues;
        policer->default_queue
            = create_queue(&policer->queues, XENVIF_RATE_DEFAULT_QUEUE,
                           &config);
    }
    return &policer->up;
}

static void
policer_destroy(struct xenvif_qos *qos)
    OVS_NO_THREAD_SAFETY_ANALYSIS /* Nobody else knows it any more. */
{
    struct policer *policer = policer_cast(qos);
    struct policer_queue *queue;

    HMAP_FOR_EACH_POP (queue, up.node, &policer->queues) {
        free(queue);
    }
    hmap_destroy(&policer->queues);
    free(policer);
}

static char *
policer_set(struct xenvif_qos *qos, const struct smap *details,
            bool *changed)
    OVS_REQUIRES(qos->mutex)
{
    struct policer *policer = policer_cast(qos);
    struct xenvif_meter_config config;
    char *problem = parse(qos->class, details, &config);

    if (!problem) {
        *changed = change_meter(&policer->meter, &policer->config, &config);
    }
    return problem;
}

static void
policer_get(const struct xenvif_qos *qos, struct smap *details)
    OVS_REQUIRES(qos->mutex)
{
    put_config(&policer_cast(qos)->config, qos->queues != NULL, details);
}

/* Queues. */

static char *
policer_set_queue(struct xenvif_qos *qos, struct xenvif_rate_queue *queue_,
                  uint32_t id, const struct smap *details, bool *changed)
    OVS_REQUIRES(qos->mutex)
{
    struct policer *policer = policer_cast(qos);
    struct policer_queue *queue = queue_cast(queue_);
    struct xenvif_meter_config config;
    char *problem = parse_two_rates(details, &config);

    if (problem) {
        return problem;
    }
    if (id == XENVIF_RATE_DEFAULT_QUEUE && smap_is_empty(details)) {
        config = policer->config;
    }
    if (queue) {
        *changed = change_meter(&queue->meter, &queue->config, &config);
    } else {
        create_queue(&policer->queues, id, &config);
        *changed = true;
    }
    return NULL;
}

static bool
policer_delete_queue(struct xenvif_qos *qos, struct xenvif_rate_queue *queue_)
    OVS_REQUIRES(qos->mutex)
{
    struct policer *policer = policer_cast(qos);
    struct policer_queue *queue = queue_cast(queue_);

    if (queue == policer->default_queue) {
        return change_meter(&queue->meter, &queue->config, &policer->config);
    }
    hmap_remove(&policer->queues, &queue->up.node);
    free(queue);
    return true;
}

static void
policer_get_queue(const struct xenvif_rate_queue *queue, struct smap *details)
{
    put_config(&queue_cast(queue)->config, true, details);
}

static void
policer_get_queue_stats(const struct xenvif_rate_queue *queue,
                        struct netdev_queue_stats *stats)
{
    *stats = queue_cast(queue)->stats;
}

/* Packets. */

/* Returns true if 'packet' may pass, which is then paid for. */
static bool
admit(struct policer *policer, const struct dp_packet *packet, int64_t now)
    OVS_REQUIRES(policer->up.mutex)
{
    /* Without the Ethernet header. */
    uint32_t len = MAX(dp_packet_size(packet), ETH_HEADER_LEN)
                   - ETH_HEADER_LEN;
    enum xenvif_color color = XENVIF_GREEN;
    struct policer_queue *queue = policer->default_queue;

    if (queue && packet->md.skb_priority != XENVIF_RATE_DEFAULT_QUEUE) {
        queue = queue_cast(xenvif_rate_queue_find(&policer->queues,
                                                  packet->md.skb_priority));
        queue = queue ? queue : policer->default_queue;
    }
    if (queue) {
        color = xenvif_meter_mark(&queue->meter, len, color, now);
    }
    color = xenvif_meter_mark(&policer->meter, len, color, now);
    if (queue) {
        if (color == XENVIF_RED) {
            queue->stats.tx_errors++;
        } else {
            queue->stats.tx_packets++;
            queue->stats.tx_bytes += len;
        }
    }
    return color != XENVIF_RED;
}

static void
policer_send(struct xenvif_qos *qos, struct xenvif_qos_sink *sink,
             struct dp_packet_batch *batch)
{
    struct policer *policer = policer_cast(qos);
    size_t n = dp_packet_batch_size(batch);
    int64_t now = xenvif_bucket_now();
    struct dp_packet *packet;
    size_t i;

    ovs_mutex_lock(&policer->up.mutex);
    DP_PACKET_BATCH_REFILL_FOR_EACH (i, n, packet, batch) {
        if (admit(policer, packet, now)) {
            dp_packet_batch_refill(batch, packet, i);
        } else {
            dp_packet_delete(packet);
        }
    }
    ovs_mutex_unlock(&policer->up.mutex);

    n -= dp_packet_batch_size(batch);
    if (n) {
        sink->count_drops(sink, XENVIF_QOS_DROP_POLICED, n);
    }
}

const struct xenvif_qos_class xenvif_qos_egress_policer = {
    .type = "egress-policer",
    .create = policer_create,
    .destroy = policer_destroy,
    .set = policer_set,
    .get = policer_get,
    .send = policer_send,
};

const struct xenvif_qos_class xenvif_qos_trtcm_policer = {
    .type = "trtcm-policer",
    .create = policer_create,
    .destroy = policer_destroy,
    .set = policer_set,
    .get = policer_get,
    .set_queue = policer_set_queue,
    .delete_queue = policer_delete_queue,
    .get_queue = policer_get_queue,
    .get_queue_stats = policer_get_queue_stats,
    .send = policer_send,
};
