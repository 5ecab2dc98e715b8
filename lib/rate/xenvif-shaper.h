/* SPDX-License-Identifier: Apache-2.0 */

#ifndef XENVIF_SHAPER_H
#define XENVIF_SHAPER_H 1

/* A shaper: packets wait in queues and leave at the rates that an operator
 * wants, in the manner of a hierarchical token bucket.  Arithmetic on bytes
 * and time, which knows no port and no ring; the caller brings the clock.
 *
 * The shaper has a rate, each queue a rate that it is guaranteed (min-rate)
 * and one that it never exceeds (max-rate).  A packet may leave if the shaper
 * and the max-rate of its queue permit it; who goes first is decided by these
 * rules:
 *
 *     1. Queues below their min-rate, in the order of their priorities.  What
 *        they are guaranteed together never exceeds the shaper's rate: if it
 *        would, all guarantees are reduced in proportion.
 *     2. What is left goes to the queue with the lowest priority number, and
 *        among equals in proportion to their min-rates.
 *
 * Nothing that could be sent is held back.
 *
 * Time: all rates are kept on a clock in ns, however seldom anybody looks.
 * Credit that a waiting queue could not use because nobody looked is kept for
 * XENVIF_SHAPER_CATCH_UP_NS; credit from times without packets only up to the
 * burst.  A packet leaves as soon as there is no debt and its bits become one,
 * so that packets may be larger than any bucket.
 *
 * Thread-safety: the caller's. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "openvswitch/hmap.h"
#include "openvswitch/list.h"
#include "rate/xenvif-bucket.h"
#include "rate/xenvif-rate-queue.h"

/* Each packet that leaves looks at all queues that have packets. */
#define XENVIF_SHAPER_MAX_QUEUES 256

/* PMD threads can be told to sleep for 10 ms, and the CPUs that they run on
 * may be virtual: Xen's schedulers have time slices of 5 to 30 ms. */
#define XENVIF_SHAPER_CATCH_UP_NS INT64_C(100000000)

/* The least that a queue is guaranteed, in bit/s, and the least burst, in
 * bits: a full-sized packet per second, and one packet. */
#define XENVIF_SHAPER_LEAST_RATE (1500 * 8)
#define XENVIF_SHAPER_LEAST_BURST (1564 * 8)

/* Limits of configuration. */
#define XENVIF_SHAPER_MAX_RATE XENVIF_BUCKET_MAX_RATE
#define XENVIF_SHAPER_MAX_BURST XENVIF_BUCKET_MAX_DEPTH

/* The configuration of a queue. */
struct xenvif_shaper_config {
    uint64_t min_rate;          /* bit/s; 0 if not given. */
    uint64_t max_rate;          /* bit/s; 0 if not given. */
    uint64_t burst;             /* Bits; 0 if not given. */
    uint32_t priority;          /* Lower is better. */
    uint32_t max_packets;       /* Bounds of what waits; not 0. */
    uint64_t max_bytes;
    uint32_t max_age;           /* ms */
};

struct xenvif_shaper_stats {
    uint64_t tx_packets, tx_bytes; /* That left. */
    uint64_t full;              /* Packets dropped for want of room. */
    uint64_t aged;              /* Packets dropped because they waited for too
                                 * long. */
};

struct xenvif_shaper_entry;
struct xenvif_shaper_level;

struct xenvif_shaper_queue {
    struct xenvif_rate_queue up; /* In the shaper's 'queues'. */
    struct ovs_list active_node; /* In 'active', if there are packets. */
    struct xenvif_shaper_config config; /* As given. */
    uint64_t min_rate, max_rate; /* In force, in bit/s. */
    uint64_t burst;             /* In force, in bits. */
    struct xenvif_bucket min, max;
    struct xenvif_shaper_level *level; /* Of its priority. */
    uint64_t vtime;             /* Spare bandwidth received, by weight. */
    struct xenvif_shaper_stats stats;

    /* The packets: a ring that grows to what is needed. */
    struct xenvif_shaper_entry *entries;
    uint32_t n_allocated;       /* A power of two, or 0. */
    uint32_t head, tail;        /* Free-running. */
    uint64_t n_bytes;
};

/* Queues of the same priority. */
struct xenvif_shaper_level {
    uint32_t priority;
    uint64_t vtime;             /* Of the queue that was served last. */
};

struct xenvif_shaper {
    void (*free_packet)(void *packet);
    uint64_t max_rate;          /* bit/s */
    struct xenvif_bucket bucket;
    struct hmap queues;         /* Of struct xenvif_rate_queue. */
    struct xenvif_shaper_queue *default_queue;
    struct xenvif_shaper_level *levels;
    size_t n_levels;
    struct ovs_list active;     /* Queues with packets. */
    uint32_t n_packets;         /* In all queues. */
    bool open;                  /* True if there are no limits any more. */
    int64_t looked;             /* Time of the last look, in ns. */
    uint64_t full, aged;        /* Drops not yet reported. */
};

/* The configuration of a queue for which none is given. */
void xenvif_shaper_config_init(struct xenvif_shaper_config *);

bool xenvif_shaper_config_equals(const struct xenvif_shaper_config *,
                                 const struct xenvif_shaper_config *);

/* A shaper of 'max_rate' bit/s, not 0, with a default queue.  Packets that are
 * dropped are given to 'free_packet'. */
void xenvif_shaper_init(struct xenvif_shaper *, uint64_t max_rate,
                        void (*free_packet)(void *), int64_t now);

/* Drops, without counting, what waits, and frees. */
void xenvif_shaper_destroy(struct xenvif_shaper *);

/* Changes the rate.  No packet is lost. */
void xenvif_shaper_set_rate(struct xenvif_shaper *, uint64_t max_rate,
                            int64_t now);

/* Creates or changes queue 'id'.  Only packets that no longer fit are lost.
 * Returns the queue, or NULL if there are too many. */
struct xenvif_shaper_queue *xenvif_shaper_set_queue(
    struct xenvif_shaper *, uint32_t id, const struct xenvif_shaper_config *,
    int64_t now);

/* Deletes queue 'id', whose packets go to the default queue as far as they
 * fit.  The default queue itself goes back to its initial configuration.
 * Returns false if there is no such queue. */
bool xenvif_shaper_delete_queue(struct xenvif_shaper *, uint32_t id,
                                int64_t now);

struct xenvif_shaper_queue *xenvif_shaper_find_queue(
    const struct xenvif_shaper *, uint32_t id);

/* Returns true if the queues' min-rates add up to more than the shaper's rate.
 */
bool xenvif_shaper_is_overbooked(const struct xenvif_shaper *);

/* Removes all limits for good: what waits may leave at once. */
void xenvif_shaper_open_up(struct xenvif_shaper *);

/* Puts 'packet' of 'len' bytes, which becomes the shaper's, into queue 'id'.
 * Returns false if it was dropped. */
bool xenvif_shaper_push(struct xenvif_shaper *, uint32_t id, void *packet,
                        uint32_t len, int64_t now);

/* Returns the packet that is to leave at time 'now', which becomes the
 * caller's, or NULL if there is none (yet). */
void *xenvif_shaper_pop(struct xenvif_shaper *, int64_t now);

/* Returns when to look next, in ns: the earliest time at which a packet may
 * leave, perhaps in the past, or INT64_MAX if none waits. */
int64_t xenvif_shaper_next(const struct xenvif_shaper *);

/* Drops, and counts, all packets that are too old. */
void xenvif_shaper_expire(struct xenvif_shaper *, int64_t now);

/* Drops all packets, without counting them, and returns how many they were. */
uint32_t xenvif_shaper_clear(struct xenvif_shaper *);

/* Returns how many packets wait in 'queue'. */
static inline uint32_t
xenvif_shaper_queue_count(const struct xenvif_shaper_queue *queue)
{
    return queue->tail - queue->head;
}

#endif /* xenvif-shaper.h */
