/* SPDX-License-Identifier: Apache-2.0 */

/* What all types of quality of service have in common: they are found by name,
 * their queues by id, and whoever configures them takes turns with the threads
 * that send packets. */

#include <config.h>

#include "qos/xenvif-qos.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "smap.h"
#include "sset.h"
#include "timeval.h"
#include "util.h"
#include "qos/xenvif-qos-class.h"

static const struct xenvif_qos_class *const classes[] = {
    &xenvif_qos_egress_policer,
    &xenvif_qos_trtcm_policer,
    &xenvif_qos_htb,
};

/* Types. */

static const struct xenvif_qos_class *
find_class(const char *type)
{
    for (size_t i = 0; i < ARRAY_SIZE(classes); i++) {
        if (!strcmp(classes[i]->type, type)) {
            return classes[i];
        }
    }
    return NULL;
}

void
xenvif_qos_get_types(struct sset *types)
{
    for (size_t i = 0; i < ARRAY_SIZE(classes); i++) {
        sset_add(types, classes[i]->type);
    }
}

bool
xenvif_qos_find_type(const char *type, bool *has_queues)
{
    const struct xenvif_qos_class *class = find_class(type);

    *has_queues = class && class->set_queue;
    return class != NULL;
}

char *
xenvif_qos_parse(const struct smap *details, const char *key,
                 uint64_t min, uint64_t max, uint64_t missing,
                 uint64_t *value)
{
    const char *s = smap_get(details, key);
    unsigned long long int number;

    if (!s) {
        *value = missing;
        return NULL;
    }
    if (!isdigit((unsigned char) s[0]) || !str_to_ullong(s, 10, &number)
        || number < min || number > max) {
        return xasprintf("%s \"%s\" is not a number between %"PRIu64" and "
                         "%"PRIu64, key, s, min, max);
    }
    *value = number;
    return NULL;
}

/* Life cycle and configuration. */

struct xenvif_qos *
xenvif_qos_create(const char *type, const struct smap *details, char **problem)
{
    const struct xenvif_qos_class *class = find_class(type);
    struct xenvif_qos *qos = class->create(class, details, problem);
    struct xenvif_rate_queue *queue;

    if (!qos) {
        return NULL;
    }
    qos->class = class;
    ovs_mutex_init_adaptive(&qos->mutex);
    if (qos->queues) {
        HMAP_FOR_EACH (queue, node, qos->queues) {
            queue->created = time_msec();
        }
    }
    return qos;
}

void
xenvif_qos_destroy(struct xenvif_qos *qos)
{
    ovs_mutex_destroy(&qos->mutex);
    qos->class->destroy(qos);
}

const char *
xenvif_qos_type(const struct xenvif_qos *qos)
{
    return qos->class->type;
}

char *
xenvif_qos_set(struct xenvif_qos *qos, const struct smap *details,
               bool *changed)
{
    char *problem;

    ovs_mutex_lock(&qos->mutex);
    problem = qos->class->set(qos, details, changed);
    ovs_mutex_unlock(&qos->mutex);
    return problem;
}

void
xenvif_qos_get(struct xenvif_qos *qos, struct smap *details)
{
    ovs_mutex_lock(&qos->mutex);
    qos->class->get(qos, details);
    ovs_mutex_unlock(&qos->mutex);
}

char *
xenvif_qos_get_doubts(struct xenvif_qos *qos)
{
    char *doubts = NULL;

    if (qos->class->get_doubts) {
        ovs_mutex_lock(&qos->mutex);
        doubts = qos->class->get_doubts(qos);
        ovs_mutex_unlock(&qos->mutex);
    }
    return doubts;
}

/* Queues. */

bool
xenvif_qos_has_queues(const struct xenvif_qos *qos)
{
    return qos->queues != NULL;
}

static struct xenvif_rate_queue *
find_queue(const struct xenvif_qos *qos, unsigned int id)
    OVS_REQUIRES(qos->mutex)
{
    return qos->queues ? xenvif_rate_queue_find(qos->queues, id) : NULL;
}

/* Does the work of xenvif_qos_set_queue() for an id that may exist. */
static char *
set_queue(struct xenvif_qos *qos, unsigned int id, const struct smap *details,
          bool *changed)
    OVS_REQUIRES(qos->mutex)
{
    struct xenvif_rate_queue *queue = find_queue(qos, id);
    char *problem;

    if (!queue && hmap_count(qos->queues) >= XENVIF_QOS_MAX_QUEUES) {
        return xasprintf("more than %d queues", XENVIF_QOS_MAX_QUEUES);
    }
    problem = qos->class->set_queue(qos, queue, id, details, changed);
    if (!queue && !problem) {
        find_queue(qos, id)->created = time_msec();
    }
    return problem;
}

char *
xenvif_qos_set_queue(struct xenvif_qos *qos, unsigned int id,
                     const struct smap *details, bool *changed)
{
    char *problem;

    if (id >= XENVIF_QOS_N_IDS) {
        return xasprintf("queue ids end at %d", XENVIF_QOS_N_IDS - 1);
    }
    ovs_mutex_lock(&qos->mutex);
    problem = set_queue(qos, id, details, changed);
    ovs_mutex_unlock(&qos->mutex);
    return problem;
}

bool
xenvif_qos_delete_queue(struct xenvif_qos *qos, unsigned int id, bool *changed)
{
    struct xenvif_rate_queue *queue;

    ovs_mutex_lock(&qos->mutex);
    queue = find_queue(qos, id);
    if (queue && qos->class->delete_queue(qos, queue)) {
        *changed = true;
    }
    ovs_mutex_unlock(&qos->mutex);
    return queue != NULL;
}

bool
xenvif_qos_get_queue(struct xenvif_qos *qos, unsigned int id,
                     struct smap *details)
{
    const struct xenvif_rate_queue *queue;

    ovs_mutex_lock(&qos->mutex);
    queue = find_queue(qos, id);
    if (queue) {
        qos->class->get_queue(queue, details);
    }
    ovs_mutex_unlock(&qos->mutex);
    return queue != NULL;
}

bool
xenvif_qos_get_queue_stats(struct xenvif_qos *qos, unsigned int id,
                           struct netdev_queue_stats *stats)
{
    const struct xenvif_rate_queue *queue;

    ovs_mutex_lock(&qos->mutex);
    queue = find_queue(qos, id);
    if (queue) {
        qos->class->get_queue_stats(queue, stats);
        stats->created = queue->created;
    }
    ovs_mutex_unlock(&qos->mutex);
    return queue != NULL;
}

static int
compare_ids(const void *a_, const void *b_)
{
    const unsigned int *a = a_;
    const unsigned int *b = b_;

    return *a < *b ? -1 : *a > *b;
}

size_t
xenvif_qos_list_queues(struct xenvif_qos *qos,
                       unsigned int ids[XENVIF_QOS_MAX_QUEUES])
{
    const struct xenvif_rate_queue *queue;
    size_t n = 0;

    if (!qos->queues) {
        return 0;
    }
    ovs_mutex_lock(&qos->mutex);
    HMAP_FOR_EACH (queue, node, qos->queues) {
        ids[n++] = queue->id;
    }
    ovs_mutex_unlock(&qos->mutex);
    qsort(ids, n, sizeof ids[0], compare_ids);
    return n;
}

/* Packets. */

void
xenvif_qos_send(struct xenvif_qos *qos, struct xenvif_qos_sink *sink,
                struct dp_packet_batch *batch)
{
    qos->class->send(qos, sink, batch);
}

void
xenvif_qos_poll(struct xenvif_qos *qos, struct xenvif_qos_sink *sink)
{
    if (qos->class->poll) {
        qos->class->poll(qos, sink);
    }
}

void
xenvif_qos_wait(struct xenvif_qos *qos, const struct xenvif_qos_sink *sink)
{
    if (qos->class->wait) {
        qos->class->wait(qos, sink);
    }
}

void
xenvif_qos_flush(struct xenvif_qos *qos, struct xenvif_qos_sink *sink)
{
    if (qos->class->flush) {
        qos->class->flush(qos, sink);
    }
}

void
xenvif_qos_retire(struct xenvif_qos *qos, struct xenvif_qos_sink *sink)
{
    if (qos->class->retire) {
        qos->class->retire(qos, sink);
    }
}
