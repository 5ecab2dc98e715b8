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
 * configuration.  One mutex, held for the arithmetic of a batch. */

#include <config.h>

#include "qos/xenvif-qos-class.h"

#include "openvswitch/hmap.h"
#include "openvswitch/thread.h"
#include "smap.h"
#include "timeval.h"
#include "util.h"
#include "rate/xenvif-meter.h"

struct policer_queue {
    struct hmap_node node;      /* In the policer's 'queues'. */
    uint32_t id;
    struct xenvif_meter_config config;
    struct xenvif_meter meter;
    struct netdev_queue_stats stats;
};

struct policer {
    struct xenvif_qos up;
    struct ovs_mutex mutex;
    struct xenvif_meter_config config OVS_GUARDED;
    struct xenvif_meter meter OVS_GUARDED;
    struct hmap queues OVS_GUARDED; /* By id. */
    struct policer_queue *default_queue OVS_GUARDED; /* NULL if no queues. */
};

static struct policer *
policer_cast(const struct xenvif_qos *qos)
{
    return CONTAINER_OF(qos, struct policer, up);
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

/* Queues. */

static struct policer_queue *
find_queue(struct policer *policer, uint32_t id)
    OVS_REQUIRES(policer->mutex)
{
    struct policer_queue *queue;

    HMAP_FOR_EACH_WITH_HASH (queue, node, hash_int(id, 0), &policer->queues) {
        if (queue->id == id) {
            return queue;
        }
    }
    return NULL;
}

static struct policer_queue *
create_queue(struct policer *policer, uint32_t id,
             const struct xenvif_meter_config *config)
    OVS_REQUIRES(policer->mutex)
{
    struct policer_queue *queue = xzalloc(sizeof *queue);

    queue->id = id;
    queue->config = *config;
    queue->stats.created = time_msec();
    xenvif_meter_init(&queue->meter, config, xenvif_bucket_now());
    hmap_insert(&policer->queues, &queue->node, hash_int(id, 0));
    return queue;
}

static bool
change_queue(struct policer_queue *queue,
             const struct xenvif_meter_config *config)
{
    if (configs_equal(&queue->config, config)) {
        return false;
    }
    queue->config = *config;
    xenvif_meter_change(&queue->meter, config, xenvif_bucket_now());
    return true;
}

static char *
policer_set_queue(struct xenvif_qos *qos, unsigned int id,
                  const struct smap *details, bool *changed)
{
    struct policer *policer = policer_cast(qos);
    struct xenvif_meter_config config;
    struct policer_queue *queue;
    char *problem = parse_two_rates(details, &config);

    if (problem) {
        return problem;
    }
    ovs_mutex_lock(&policer->mutex);
    if (id == XENVIF_SHAPER_DEFAULT_QUEUE && smap_is_empty(details)) {
        config = policer->config;
    }
    queue = find_queue(policer, id);
    if (queue) {
        *changed = change_queue(queue, &config);
    } else if (hmap_count(&policer->queues) < XENVIF_QOS_MAX_QUEUES) {
        create_queue(policer, id, &config);
        *changed = true;
    } else {
        problem = xasprintf("more than %d queues",
                            XENVIF_QOS_MAX_QUEUES);
    }
    ovs_mutex_unlock(&policer->mutex);
    return problem;
}

static bool
policer_delete_queue(struct xenvif_qos *qos, unsigned int id,
                     bool *changed)
{
    struct policer *policer = policer_cast(qos);
    struct policer_queue *queue;

    ovs_mutex_lock(&policer->mutex);
    queue = find_queue(policer, id);
    if (queue && queue == policer->default_queue) {
        *changed = change_queue(queue, &policer->config);
    } else if (queue) {
        *changed = true;
        hmap_remove(&policer->queues, &queue->node);
        free(queue);
    }
    ovs_mutex_unlock(&policer->mutex);
    return queue != NULL;
}

static bool
policer_get_queue(struct xenvif_qos *qos, unsigned int id,
                  struct smap *details)
{
    struct policer *policer = policer_cast(qos);
    struct policer_queue *queue;

    ovs_mutex_lock(&policer->mutex);
    queue = find_queue(policer, id);
    if (queue) {
        put_config(&queue->config, true, details);
    }
    ovs_mutex_unlock(&policer->mutex);
    return queue != NULL;
}

static bool
policer_get_queue_stats(struct xenvif_qos *qos, unsigned int id,
                        struct netdev_queue_stats *stats)
{
    struct policer *policer = policer_cast(qos);
    struct policer_queue *queue;

    ovs_mutex_lock(&policer->mutex);
    queue = find_queue(policer, id);
    if (queue) {
        *stats = queue->stats;
    }
    ovs_mutex_unlock(&policer->mutex);
    return queue != NULL;
}

static size_t
policer_list_queues(struct xenvif_qos *qos,
                    unsigned int ids[XENVIF_QOS_MAX_QUEUES])
{
    struct policer *policer = policer_cast(qos);
    struct policer_queue *queue;
    size_t n = 0;

    ovs_mutex_lock(&policer->mutex);
    HMAP_FOR_EACH (queue, node, &policer->queues) {
        ids[n++] = queue->id;
    }
    ovs_mutex_unlock(&policer->mutex);
    return n;
}

/* The port. */

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
    policer->up.class = class;
    ovs_mutex_init_adaptive(&policer->mutex);
    policer->config = config;
    xenvif_meter_init(&policer->meter, &config, xenvif_bucket_now());
    hmap_init(&policer->queues);
    if (class->set_queue) {
        policer->default_queue
            = create_queue(policer, XENVIF_SHAPER_DEFAULT_QUEUE, &config);
    }
    return &policer->up;
}

static struct xenvif_qos *
egress_policer_create(const struct smap *details, char **problem)
{
    return policer_create(&xenvif_qos_egress_policer, details, problem);
}

static struct xenvif_qos *
trtcm_policer_create(const struct smap *details, char **problem)
{
    return policer_create(&xenvif_qos_trtcm_policer, details, problem);
}

static void
policer_destroy(struct xenvif_qos *qos)
    OVS_NO_THREAD_SAFETY_ANALYSIS /* Nobody else knows it any more. */
{
    struct policer *policer = policer_cast(qos);
    struct policer_queue *queue;

    HMAP_FOR_EACH_POP (queue, node, &policer->queues) {
        free(queue);
    }
    hmap_destroy(&policer->queues);
    ovs_mutex_destroy(&policer->mutex);
    free(policer);
}

static char *
policer_set(struct xenvif_qos *qos, const struct smap *details,
            bool *changed)
{
    struct policer *policer = policer_cast(qos);
    struct xenvif_meter_config config;
    char *problem = parse(qos->class, details, &config);

    if (problem) {
        return problem;
    }
    ovs_mutex_lock(&policer->mutex);
    *changed = !configs_equal(&policer->config, &config);
    if (*changed) {
        policer->config = config;
        xenvif_meter_change(&policer->meter, &config, xenvif_bucket_now());
    }
    ovs_mutex_unlock(&policer->mutex);
    return NULL;
}

static void
policer_get(const struct xenvif_qos *qos, struct smap *details)
{
    struct policer *policer = policer_cast(qos);

    ovs_mutex_lock(&policer->mutex);
    put_config(&policer->config, qos->class->set_queue != NULL, details);
    ovs_mutex_unlock(&policer->mutex);
}

/* Packets. */

/* May 'packet' pass? */
static bool
admit(struct policer *policer, const struct dp_packet *packet, int64_t now)
    OVS_REQUIRES(policer->mutex)
{
    /* Without the Ethernet header. */
    uint32_t len = MAX(dp_packet_size(packet), ETH_HEADER_LEN)
                   - ETH_HEADER_LEN;
    enum xenvif_color color = XENVIF_GREEN;
    struct policer_queue *queue = policer->default_queue;

    if (queue && packet->md.skb_priority != XENVIF_SHAPER_DEFAULT_QUEUE) {
        queue = find_queue(policer, packet->md.skb_priority);
        if (!queue) {
            queue = policer->default_queue;
        }
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

    ovs_mutex_lock(&policer->mutex);
    DP_PACKET_BATCH_REFILL_FOR_EACH (i, n, packet, batch) {
        if (admit(policer, packet, now)) {
            dp_packet_batch_refill(batch, packet, i);
        } else {
            dp_packet_delete(packet);
        }
    }
    ovs_mutex_unlock(&policer->mutex);

    n -= dp_packet_batch_size(batch);
    if (n) {
        sink->count_drops(sink, XENVIF_QOS_DROP_POLICED, n);
    }
}

const struct xenvif_qos_class xenvif_qos_egress_policer = {
    .type = "egress-policer",
    .create = egress_policer_create,
    .destroy = policer_destroy,
    .set = policer_set,
    .get = policer_get,
    .send = policer_send,
};

const struct xenvif_qos_class xenvif_qos_trtcm_policer = {
    .type = "trtcm-policer",
    .create = trtcm_policer_create,
    .destroy = policer_destroy,
    .set = policer_set,
    .get = policer_get,
    .set_queue = policer_set_queue,
    .delete_queue = policer_delete_queue,
    .get_queue = policer_get_queue,
    .get_queue_stats = policer_get_queue_stats,
    .list_queues = policer_list_queues,
    .send = policer_send,
};
