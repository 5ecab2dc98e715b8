/* SPDX-License-Identifier: Apache-2.0 */

/* The QoS type "linux-htb": packets wait and leave at the rates that are
 * configured.  Keys and meaning are those of Linux's ports; see
 * xenvif-shaper.h for the rules, and Documentation/topics/qos.rst for what
 * users are told.
 *
 * Threads: those that send put packets into the shaper; they, and those that
 * poll the port, let leave what may leave.  Two mutexes, taken in this order:
 *
 *     'leaving' is held by the one thread at a time that takes packets out and
 *     delivers them, so that they arrive in the order in which they left.  No
 *     thread waits for it: whoever holds it, or whoever polls next, goes on.
 *
 *     The mutex of struct xenvif_qos protects the rules, in which the packets
 *     wait.  It is held for the arithmetic of a batch.
 */

#include <config.h>

#include "qos/xenvif-qos-class.h"

#include "coverage.h"
#include "openvswitch/poll-loop.h"
#include "openvswitch/thread.h"
#include "seq.h"
#include "smap.h"
#include "util.h"
#include "rate/xenvif-shaper.h"

COVERAGE_DEFINE(xenvif_qos_held_back);

/* Rate of a port for which none is given, as Open vSwitch has it where it does
 * not know the speed of a link. */
#define DEFAULT_RATE UINT64_C(10000000000)

/* Batches to deliver at a time: as many packets as a ring has slots, because a
 * thread that sleeps between its polls has to deliver what was due meanwhile.
 */
#define MAX_BATCHES_PER_POLL (256 / NETDEV_MAX_BURST)

/* How soon the main thread looks again whether a guest made room, in ms. */
#define HELD_BACK_WAIT_MS 1

#define NS_PER_MS 1000000

/* Where there is room for a queue, there is room for its rules. */
BUILD_ASSERT_DECL(XENVIF_SHAPER_MAX_QUEUES >= XENVIF_QOS_MAX_QUEUES);

struct shaper {
    struct xenvif_qos up;       /* Whose mutex protects 'rules'. */
    struct xenvif_shaper rules OVS_GUARDED;
    atomic_uint32_t n_waiting;  /* Packets in 'rules'. */
    struct seq *arrivals;       /* Changes when a packet is the first to wait.
                                 */
    struct ovs_mutex leaving;
};

static struct shaper *
shaper_cast(const struct xenvif_qos *qos)
{
    return CONTAINER_OF(qos, struct shaper, up);
}

static struct xenvif_shaper_queue *
queue_cast(const struct xenvif_rate_queue *queue)
{
    return CONTAINER_OF(queue, struct xenvif_shaper_queue, up);
}

static void
free_packet(void *packet)
{
    dp_packet_delete(packet);
}

/* Configuration. */

/* Parses the configuration of a queue.  Keys whose lower bound is 0 are 0 if
 * they are not given; others have the shaper's defaults. */
static char *
parse_queue(const struct smap *details, struct xenvif_shaper_config *config)
{
    uint64_t priority, packets, age;
    struct {
        const char *key;
        uint64_t min, max, missing;
        uint64_t *value;
    } keys[] = {
        { "min-rate", 0, XENVIF_SHAPER_MAX_RATE, 0, &config->min_rate },
        { "max-rate", 0, XENVIF_SHAPER_MAX_RATE, 0, &config->max_rate },
        { "burst", 0, XENVIF_SHAPER_MAX_BURST, 0, &config->burst },
        { "priority", 0, UINT32_MAX, 0, &priority },
        { "limit", 1, 100000, 0, &packets },
        { "limit-bytes", 1, 1 << 30, 0, &config->max_bytes },
        { "limit-age", 1, 60000, 0, &age },
    };

    xenvif_shaper_config_init(config);
    keys[4].missing = config->max_packets;
    keys[5].missing = config->max_bytes;
    keys[6].missing = config->max_age;
    for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
        char *problem
            = xenvif_qos_parse(details, keys[i].key, keys[i].min,
                               keys[i].max, keys[i].missing,
                               keys[i].value);

        if (problem) {
            return problem;
        }
    }
    config->priority = priority;
    config->max_packets = packets;
    config->max_age = age;
    return NULL;
}

static char *
parse_port(const struct smap *details, uint64_t *max_rate)
{
    char *problem = xenvif_qos_parse(details, "max-rate", 0,
                                     XENVIF_SHAPER_MAX_RATE, 0, max_rate);

    if (!problem && !*max_rate) {
        *max_rate = DEFAULT_RATE;
    }
    return problem;
}

static struct xenvif_qos *
shaper_create(const struct xenvif_qos_class *class OVS_UNUSED,
              const struct smap *details, char **problem)
    OVS_NO_THREAD_SAFETY_ANALYSIS /* Nobody else knows it yet. */
{
    struct shaper *shaper;
    uint64_t max_rate;

    *problem = parse_port(details, &max_rate);
    if (*problem) {
        return NULL;
    }
    shaper = xzalloc(sizeof *shaper);
    atomic_init(&shaper->n_waiting, 0);
    shaper->arrivals = seq_create();
    ovs_mutex_init(&shaper->leaving);
    xenvif_shaper_init(&shaper->rules, max_rate, free_packet,
                       xenvif_bucket_now());
    shaper->up.queues = &shaper->rules.queues;
    return &shaper->up;
}

static void
shaper_destroy(struct xenvif_qos *qos)
    OVS_NO_THREAD_SAFETY_ANALYSIS /* Nobody else knows it any more. */
{
    struct shaper *shaper = shaper_cast(qos);

    xenvif_shaper_destroy(&shaper->rules);
    ovs_mutex_destroy(&shaper->leaving);
    seq_destroy(shaper->arrivals);
    free(shaper);
}

static char *
shaper_set(struct xenvif_qos *qos, const struct smap *details,
           bool *changed)
    OVS_REQUIRES(qos->mutex)
{
    struct xenvif_shaper *rules = &shaper_cast(qos)->rules;
    uint64_t max_rate;
    char *problem = parse_port(details, &max_rate);

    if (!problem && max_rate != rules->max_rate) {
        xenvif_shaper_set_rate(rules, max_rate, xenvif_bucket_now());
        *changed = true;
    }
    return problem;
}

static void
shaper_get(const struct xenvif_qos *qos, struct smap *details)
    OVS_REQUIRES(qos->mutex)
{
    smap_add_format(details, "max-rate", "%"PRIu64,
                    shaper_cast(qos)->rules.max_rate);
}

/* Returns true if the bounds of a queue contradict each other, and sets '*id'
 * to its id. */
static bool
has_reversed_rates(const struct xenvif_shaper *rules, uint32_t *id)
{
    const struct xenvif_shaper_queue *queue;

    HMAP_FOR_EACH (queue, up.node, &rules->queues) {
        if (queue->config.max_rate
            && queue->config.min_rate > queue->config.max_rate) {
            *id = queue->up.id;
            return true;
        }
    }
    return false;
}

static char *
shaper_get_doubts(const struct xenvif_qos *qos)
    OVS_REQUIRES(qos->mutex)
{
    const struct xenvif_shaper *rules = &shaper_cast(qos)->rules;
    uint32_t id;

    if (has_reversed_rates(rules, &id)) {
        return xasprintf("QoS linux-htb, queue %"PRIu32": min-rate is more "
                         "than max-rate, which is taken to be as much", id);
    }
    if (xenvif_shaper_is_overbooked(rules)) {
        return xstrdup("QoS linux-htb: the queues' min-rates add up to more "
                       "than max-rate: they are reduced in proportion");
    }
    return NULL;
}

/* Queues. */

static char *
shaper_set_queue(struct xenvif_qos *qos, struct xenvif_rate_queue *queue,
                 uint32_t id, const struct smap *details, bool *changed)
    OVS_REQUIRES(qos->mutex)
{
    struct xenvif_shaper_config config;
    char *problem = parse_queue(details, &config);

    if (!problem
        && (!queue || !xenvif_shaper_config_equals(&queue_cast(queue)->config,
                                                   &config))) {
        xenvif_shaper_set_queue(&shaper_cast(qos)->rules, id, &config,
                                xenvif_bucket_now());
        *changed = true;
    }
    return problem;
}

static bool
shaper_delete_queue(struct xenvif_qos *qos, struct xenvif_rate_queue *queue)
    OVS_REQUIRES(qos->mutex)
{
    struct xenvif_shaper_config config;
    bool changed;

    xenvif_shaper_config_init(&config);
    changed = (queue->id != XENVIF_RATE_DEFAULT_QUEUE
               || !xenvif_shaper_config_equals(&queue_cast(queue)->config,
                                               &config));
    xenvif_shaper_delete_queue(&shaper_cast(qos)->rules, queue->id,
                               xenvif_bucket_now());
    return changed;
}

static void
shaper_get_queue(const struct xenvif_rate_queue *queue_, struct smap *details)
{
    const struct xenvif_shaper_queue *queue = queue_cast(queue_);
    const struct {
        const char *key;
        uint64_t value;
    } keys[] = {
        { "min-rate", queue->min_rate },
        { "max-rate", queue->max_rate },
        { "burst", queue->burst },
        { "priority", queue->config.priority },
        { "limit", queue->config.max_packets },
        { "limit-bytes", queue->config.max_bytes },
        { "limit-age", queue->config.max_age },
    };

    for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
        smap_add_format(details, keys[i].key, "%"PRIu64, keys[i].value);
    }
}

static void
shaper_get_queue_stats(const struct xenvif_rate_queue *queue_,
                       struct netdev_queue_stats *stats)
{
    const struct xenvif_shaper_queue *queue = queue_cast(queue_);

    stats->tx_packets = queue->stats.tx_packets;
    stats->tx_bytes = queue->stats.tx_bytes;
    stats->tx_errors = queue->stats.full + queue->stats.aged;
}

/* Packets. */

/* Passes on what the shaper dropped to the sink's counters. */
static void
count_drops(struct shaper *shaper, struct xenvif_qos_sink *sink)
    OVS_REQUIRES(shaper->up.mutex)
{
    if (OVS_UNLIKELY(shaper->rules.full)) {
        sink->count_drops(sink, XENVIF_QOS_DROP_FULL, shaper->rules.full);
        shaper->rules.full = 0;
    }
    if (OVS_UNLIKELY(shaper->rules.aged)) {
        sink->count_drops(sink, XENVIF_QOS_DROP_AGED, shaper->rules.aged);
        shaper->rules.aged = 0;
    }
    atomic_store_relaxed(&shaper->n_waiting, shaper->rules.n_packets);
}

static uint32_t
n_waiting(const struct shaper *shaper)
{
    uint32_t n;

    atomic_read_relaxed(&CONST_CAST(struct shaper *, shaper)->n_waiting, &n);
    return n;
}

/* Takes out up to a batch of packets that may leave. */
static void
take_packets(struct shaper *shaper, struct xenvif_qos_sink *sink,
             struct dp_packet_batch *batch)
{
    int64_t now = xenvif_bucket_now();

    dp_packet_batch_init(batch);
    ovs_mutex_lock(&shaper->up.mutex);
    while (!dp_packet_batch_is_full(batch)) {
        struct dp_packet *packet = xenvif_shaper_pop(&shaper->rules, now);

        if (!packet) {
            break;
        }
        dp_packet_batch_add(batch, packet);
    }
    count_drops(shaper, sink);
    ovs_mutex_unlock(&shaper->up.mutex);
}

/* Delivers a batch of packets that may leave.  Returns false if there are
 * none. */
static bool
deliver_batch(struct shaper *shaper, struct xenvif_qos_sink *sink)
    OVS_REQUIRES(shaper->leaving)
{
    struct dp_packet_batch batch;

    take_packets(shaper, sink, &batch);
    if (dp_packet_batch_is_empty(&batch)) {
        return false;
    }
    sink->deliver(sink, &batch);
    return true;
}

/* Releases eligible packets, unless another thread is already doing so. */
static void
shaper_poll(struct xenvif_qos *qos, struct xenvif_qos_sink *sink)
{
    struct shaper *shaper = shaper_cast(qos);

    if (!n_waiting(shaper) || ovs_mutex_trylock(&shaper->leaving)) {
        return;
    }
    for (unsigned int i = 0; i < MAX_BATCHES_PER_POLL; i++) {
        if (sink->is_held_back(sink)) {
            COVERAGE_INC(xenvif_qos_held_back);
            break;
        }
        if (!deliver_batch(shaper, sink)) {
            break;
        }
    }
    ovs_mutex_unlock(&shaper->leaving);
}

/* Lets leave what waits in a shaper that was opened up. */
static void
deliver_rest(struct shaper *shaper, struct xenvif_qos_sink *sink)
{
    ovs_mutex_lock(&shaper->leaving);
    while (deliver_batch(shaper, sink)) {
        continue;
    }
    ovs_mutex_unlock(&shaper->leaving);
}

/* Returns a packet that can be kept: 'packet' itself, if it is in no port's
 * pool and nobody's buffer, or a copy. */
static struct dp_packet *
keep_packet(struct dp_packet *packet)
{
    struct dp_packet *copy;

    if (packet->source == DPBUF_MALLOC) {
        return packet;
    }
    copy = dp_packet_clone(packet);
    dp_packet_delete(packet);
    return copy;
}

static void
shaper_send(struct xenvif_qos *qos, struct xenvif_qos_sink *sink,
            struct dp_packet_batch *batch)
{
    struct shaper *shaper = shaper_cast(qos);
    int64_t now = xenvif_bucket_now();
    struct dp_packet *packet;
    uint32_t n_before;
    bool open;

    DP_PACKET_BATCH_FOR_EACH (i, packet, batch) {
        batch->packets[i] = keep_packet(packet);
    }

    ovs_mutex_lock(&shaper->up.mutex);
    n_before = shaper->rules.n_packets;
    open = shaper->rules.open;
    DP_PACKET_BATCH_FOR_EACH (i, packet, batch) {
        xenvif_shaper_push(&shaper->rules, packet->md.skb_priority, packet,
                           dp_packet_size(packet), now);
    }
    count_drops(shaper, sink);
    ovs_mutex_unlock(&shaper->up.mutex);
    dp_packet_batch_init(batch);

    if (OVS_UNLIKELY(open)) {
        deliver_rest(shaper, sink);
        return;
    }
    shaper_poll(qos, sink);
    if (!n_before && n_waiting(shaper) && sink->sleeps) {
        seq_change(shaper->arrivals);
    }
}

static void
shaper_wait(struct xenvif_qos *qos, const struct xenvif_qos_sink *sink)
{
    struct shaper *shaper = shaper_cast(qos);
    uint64_t seqno = seq_read(shaper->arrivals);
    int64_t now, next;

    if (n_waiting(shaper) && sink->is_held_back(sink)) {
        poll_timer_wait(HELD_BACK_WAIT_MS);
        return;
    }
    ovs_mutex_lock(&shaper->up.mutex);
    next = xenvif_shaper_next(&shaper->rules);
    ovs_mutex_unlock(&shaper->up.mutex);
    now = xenvif_bucket_now();
    if (next == INT64_MAX) {
        seq_wait(shaper->arrivals, seqno);
    } else if (next <= now) {
        poll_immediate_wake();
    } else {
        poll_timer_wait(DIV_ROUND_UP(next - now, NS_PER_MS));
    }
}

static void
shaper_flush(struct xenvif_qos *qos, struct xenvif_qos_sink *sink)
{
    struct shaper *shaper = shaper_cast(qos);
    uint32_t n;

    ovs_mutex_lock(&shaper->up.mutex);
    n = xenvif_shaper_clear(&shaper->rules);
    count_drops(shaper, sink);
    ovs_mutex_unlock(&shaper->up.mutex);
    sink->count_drops(sink, XENVIF_QOS_DROP_FLUSHED, n);
}

static void
shaper_retire(struct xenvif_qos *qos, struct xenvif_qos_sink *sink)
{
    struct shaper *shaper = shaper_cast(qos);

    ovs_mutex_lock(&shaper->up.mutex);
    xenvif_shaper_open_up(&shaper->rules);
    ovs_mutex_unlock(&shaper->up.mutex);
    deliver_rest(shaper, sink);
}

const struct xenvif_qos_class xenvif_qos_htb = {
    .type = "linux-htb",
    .create = shaper_create,
    .destroy = shaper_destroy,
    .set = shaper_set,
    .get = shaper_get,
    .get_doubts = shaper_get_doubts,
    .set_queue = shaper_set_queue,
    .delete_queue = shaper_delete_queue,
    .get_queue = shaper_get_queue,
    .get_queue_stats = shaper_get_queue_stats,
    .send = shaper_send,
    .poll = shaper_poll,
    .wait = shaper_wait,
    .flush = shaper_flush,
    .retire = shaper_retire,
};
