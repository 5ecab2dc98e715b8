/* SPDX-License-Identifier: Apache-2.0 */

#ifndef XENVIF_RATE_QUEUE_H
#define XENVIF_RATE_QUEUE_H 1

/* What the queues of all types of quality of service have in common: an id, by
 * which packets and users choose them.
 *
 * Thread-safety: the caller's. */

#include <stddef.h>
#include <stdint.h>

#include "hash.h"
#include "openvswitch/hmap.h"

/* The queue of packets that name none, or one that does not exist. */
#define XENVIF_RATE_DEFAULT_QUEUE 0

/* A member of each type's own queue. */
struct xenvif_rate_queue {
    struct hmap_node node;      /* In a table of queues, by id. */
    uint32_t id;
    long long int created;      /* In ms, for statistics. */
};

/* Adds 'queue' to 'queues', which has none of that id. */
static inline void
xenvif_rate_queue_insert(struct hmap *queues, struct xenvif_rate_queue *queue,
                         uint32_t id)
{
    queue->id = id;
    hmap_insert(queues, &queue->node, hash_int(id, 0));
}

/* Returns queue 'id' of 'queues', or NULL. */
static inline struct xenvif_rate_queue *
xenvif_rate_queue_find(const struct hmap *queues, uint32_t id)
{
    struct xenvif_rate_queue *queue;

    HMAP_FOR_EACH_WITH_HASH (queue, node, hash_int(id, 0), queues) {
        if (queue->id == id) {
            return queue;
        }
    }
    return NULL;
}

#endif /* xenvif-rate-queue.h */
