/* SPDX-License-Identifier: Apache-2.0 */

/* A shaper: packets wait in queues and leave at the rates that an operator
 * wants. */

#include <config.h>

#include "rate/xenvif-shaper.h"

#include "util.h"

/* Bounds of a queue for which none are given. */
#define DEFAULT_MAX_PACKETS 1000
#define DEFAULT_MAX_BYTES (4 * 1024 * 1024)
#define DEFAULT_MAX_AGE 1000

#define NS_PER_MS 1000000

/* Service received is counted in 2**-36 s at the queue's min-rate, so that a
 * small packet counts even at the highest one.  When it passes VTIME_MAX, it
 * is reduced for all queues that are compared. */
#define VTIME_SHIFT 36
#define VTIME_MAX (UINT64_C(1) << 62)

struct xenvif_shaper_entry {
    void *packet;
    uint32_t len;
    int64_t arrival;            /* ns */
};

/* Buckets. */

/* Returns how much credit a bucket keeps while packets wait. */
static int64_t
catch_up_level(const struct xenvif_bucket *bucket)
{
    /* Beyond that, it would not fit a bucket. */
    uint64_t rate = MIN(bucket->rate,
                        (uint64_t) XENVIF_BUCKET_MAX_DEPTH
                        * XENVIF_BUCKET_TOKEN / XENVIF_SHAPER_CATCH_UP_NS);

    return MAX(bucket->depth, (int64_t) rate * XENVIF_SHAPER_CATCH_UP_NS);
}

/* Brings a bucket up to date after a time with packets. */
static void
refill_busy(struct xenvif_bucket *bucket, int64_t now)
{
    xenvif_bucket_refill_to(bucket, now, catch_up_level(bucket));
}

/* Brings a bucket up to date after a time without packets. */
static void
refill_idle(struct xenvif_bucket *bucket, int64_t now)
{
    xenvif_bucket_refill(bucket, now);
    bucket->level = MIN(bucket->level, bucket->depth);
}

/* Changes a bucket that is up to date.  Credit stays as far as it fits. */
static void
change_bucket(struct xenvif_bucket *bucket, uint64_t rate, uint64_t depth)
{
    bucket->rate = rate;
    bucket->depth = (int64_t) depth * XENVIF_BUCKET_TOKEN;
    bucket->level = MIN(bucket->level, catch_up_level(bucket));
}

static void
charge(struct xenvif_bucket *bucket, uint32_t len)
{
    bucket->level -= (int64_t) len * 8 * XENVIF_BUCKET_TOKEN;
}

/* The packets of a queue. */

static struct xenvif_shaper_entry *
get_entry(const struct xenvif_shaper_queue *queue, uint32_t i)
{
    return &queue->entries[i & (queue->n_allocated - 1)];
}

static void
grow(struct xenvif_shaper_queue *queue)
{
    struct xenvif_shaper_queue bigger = *queue;

    bigger.n_allocated = MAX(16, queue->n_allocated * 2);
    bigger.entries = xmalloc(bigger.n_allocated * sizeof *bigger.entries);
    for (uint32_t i = queue->head; i != queue->tail; i++) {
        *get_entry(&bigger, i) = *get_entry(queue, i);
    }
    free(queue->entries);
    queue->entries = bigger.entries;
    queue->n_allocated = bigger.n_allocated;
}

static bool
has_room(const struct xenvif_shaper_queue *queue, uint32_t len)
{
    return (xenvif_shaper_queue_count(queue) < queue->config.max_packets
            && queue->n_bytes + len <= queue->config.max_bytes);
}

/* Gives a queue that gets its first packet a place among the others. */
static void
activate(struct xenvif_shaper *shaper, struct xenvif_shaper_queue *queue,
         int64_t now)
{
    if (ovs_list_is_empty(&shaper->active)) {
        refill_idle(&shaper->bucket, now);
    }
    refill_idle(&queue->min, now);
    refill_idle(&queue->max, now);
    ovs_list_push_back(&shaper->active, &queue->active_node);
}

static void
append(struct xenvif_shaper *shaper, struct xenvif_shaper_queue *queue,
       const struct xenvif_shaper_entry *entry, int64_t now)
{
    uint32_t n = xenvif_shaper_queue_count(queue);

    if (!n) {
        activate(shaper, queue, now);
    }
    if (n >= queue->n_allocated) {
        grow(queue);
    }
    *get_entry(queue, queue->tail++) = *entry;
    queue->n_bytes += entry->len;
    shaper->n_packets++;
}

/* Takes note of a packet that was removed. */
static void
removed(struct xenvif_shaper *shaper, struct xenvif_shaper_queue *queue,
        uint32_t len)
{
    queue->n_bytes -= len;
    shaper->n_packets--;
    if (!xenvif_shaper_queue_count(queue)) {
        ovs_list_remove(&queue->active_node);
    }
}

/* Removes the first packet and returns it. */
static struct xenvif_shaper_entry
remove_first(struct xenvif_shaper *shaper, struct xenvif_shaper_queue *queue)
{
    struct xenvif_shaper_entry entry = *get_entry(queue, queue->head++);

    removed(shaper, queue, entry.len);
    return entry;
}

static void
drop_full(struct xenvif_shaper *shaper, struct xenvif_shaper_queue *queue,
          void *packet)
{
    queue->stats.full++;
    shaper->full++;
    shaper->free_packet(packet);
}

/* Drops the last packets until the others fit. */
static void
enforce_bounds(struct xenvif_shaper *shaper, struct xenvif_shaper_queue *queue)
{
    while (xenvif_shaper_queue_count(queue) > queue->config.max_packets
           || queue->n_bytes > queue->config.max_bytes) {
        struct xenvif_shaper_entry entry = *get_entry(queue, --queue->tail);

        removed(shaper, queue, entry.len);
        drop_full(shaper, queue, entry.packet);
    }
}

static void
expire_queue(struct xenvif_shaper *shaper, struct xenvif_shaper_queue *queue,
             int64_t now)
{
    int64_t max_age = (int64_t) queue->config.max_age * NS_PER_MS;

    while (xenvif_shaper_queue_count(queue)
           && now - get_entry(queue, queue->head)->arrival > max_age) {
        shaper->free_packet(remove_first(shaper, queue).packet);
        queue->stats.aged++;
        shaper->aged++;
    }
}

/* Configuration. */

void
xenvif_shaper_config_init(struct xenvif_shaper_config *config)
{
    memset(config, 0, sizeof *config);
    config->max_packets = DEFAULT_MAX_PACKETS;
    config->max_bytes = DEFAULT_MAX_BYTES;
    config->max_age = DEFAULT_MAX_AGE;
}

bool
xenvif_shaper_config_equals(const struct xenvif_shaper_config *a,
                            const struct xenvif_shaper_config *b)
{
    return (a->min_rate == b->min_rate && a->max_rate == b->max_rate
            && a->burst == b->burst && a->priority == b->priority
            && a->max_packets == b->max_packets
            && a->max_bytes == b->max_bytes && a->max_age == b->max_age);
}

/* Returns the rate that 'queue' would be guaranteed if it was alone. */
static uint64_t
wanted_rate(const struct xenvif_shaper *shaper,
            const struct xenvif_shaper_queue *queue)
{
    return MIN(MAX(queue->config.min_rate, XENVIF_SHAPER_LEAST_RATE),
               shaper->max_rate);
}

/* Brings all buckets up to date before their rates change. */
static void
settle(struct xenvif_shaper *shaper, int64_t now)
{
    struct xenvif_shaper_queue *queue;

    if (shaper->n_packets) {
        refill_busy(&shaper->bucket, now);
    } else {
        refill_idle(&shaper->bucket, now);
    }
    HMAP_FOR_EACH (queue, up.node, &shaper->queues) {
        if (xenvif_shaper_queue_count(queue)) {
            refill_busy(&queue->min, now);
            refill_busy(&queue->max, now);
        } else {
            refill_idle(&queue->min, now);
            refill_idle(&queue->max, now);
        }
    }
}

/* Returns the level of 'priority' among the first 'n' of 'levels', or NULL. */
static struct xenvif_shaper_level *
find_level(struct xenvif_shaper_level *levels, size_t n, uint32_t priority)
{
    for (size_t i = 0; i < n; i++) {
        if (levels[i].priority == priority) {
            return &levels[i];
        }
    }
    return NULL;
}

/* Sorts the queues into levels of equal priority. */
static void
assign_levels(struct xenvif_shaper *shaper)
{
    struct xenvif_shaper_level *levels
        = xcalloc(hmap_count(&shaper->queues), sizeof *levels);
    struct xenvif_shaper_queue *queue;
    size_t n = 0;

    HMAP_FOR_EACH (queue, up.node, &shaper->queues) {
        uint32_t priority = queue->config.priority;
        struct xenvif_shaper_level *old
            = find_level(shaper->levels, shaper->n_levels, priority);
        struct xenvif_shaper_level *level = find_level(levels, n, priority);

        if (!level) {
            level = &levels[n++];
            level->priority = priority;
            level->vtime = old ? old->vtime : 0;
        }
        if (!old || queue->level != old) {
            queue->vtime = level->vtime;
        }
        queue->level = level;
    }
    free(shaper->levels);
    shaper->levels = levels;
    shaper->n_levels = n;
}

/* Works out what follows from the configuration. */
static void
apply_config(struct xenvif_shaper *shaper, int64_t now)
{
    uint64_t burst = XENVIF_SHAPER_LEAST_BURST;
    struct xenvif_shaper_queue *queue;
    double sum = 0, scale;

    settle(shaper, now);
    assign_levels(shaper);
    HMAP_FOR_EACH (queue, up.node, &shaper->queues) {
        sum += wanted_rate(shaper, queue);
    }
    scale = sum > shaper->max_rate ? shaper->max_rate / sum : 1;
    HMAP_FOR_EACH (queue, up.node, &shaper->queues) {
        const struct xenvif_shaper_config *config = &queue->config;
        uint64_t wanted = wanted_rate(shaper, queue);

        queue->min_rate = MAX(1, (uint64_t) (wanted * scale));
        queue->max_rate = (config->max_rate
                           ? MIN(MAX(config->max_rate, wanted),
                                 shaper->max_rate)
                           : shaper->max_rate);
        queue->burst = MAX(MIN(config->burst, XENVIF_SHAPER_MAX_BURST),
                           XENVIF_SHAPER_LEAST_BURST);
        burst = MAX(burst, queue->burst);
        change_bucket(&queue->min, queue->min_rate, queue->burst);
        change_bucket(&queue->max, queue->max_rate, queue->burst);
    }
    change_bucket(&shaper->bucket, shaper->max_rate, burst);
}

bool
xenvif_shaper_is_overbooked(const struct xenvif_shaper *shaper)
{
    const struct xenvif_shaper_queue *queue;
    double sum = 0;

    HMAP_FOR_EACH (queue, up.node, &shaper->queues) {
        sum += queue->config.min_rate;
    }
    return sum > shaper->max_rate;
}

struct xenvif_shaper_queue *
xenvif_shaper_find_queue(const struct xenvif_shaper *shaper, uint32_t id)
{
    struct xenvif_rate_queue *queue
        = xenvif_rate_queue_find(&shaper->queues, id);

    return (queue ? CONTAINER_OF(queue, struct xenvif_shaper_queue, up)
            : NULL);
}

static struct xenvif_shaper_queue *
create_queue(struct xenvif_shaper *shaper, uint32_t id, int64_t now)
{
    struct xenvif_shaper_queue *queue = xzalloc(sizeof *queue);

    xenvif_bucket_init(&queue->min, 0, XENVIF_SHAPER_LEAST_BURST, now);
    xenvif_bucket_init(&queue->max, 0, XENVIF_SHAPER_LEAST_BURST, now);
    xenvif_rate_queue_insert(&shaper->queues, &queue->up, id);
    return queue;
}

static void
free_queue(struct xenvif_shaper *shaper, struct xenvif_shaper_queue *queue)
{
    hmap_remove(&shaper->queues, &queue->up.node);
    free(queue->entries);
    free(queue);
}

void
xenvif_shaper_init(struct xenvif_shaper *shaper, uint64_t max_rate,
                   void (*free_packet)(void *), int64_t now)
{
    memset(shaper, 0, sizeof *shaper);
    shaper->free_packet = free_packet;
    shaper->max_rate = MAX(1, MIN(max_rate, XENVIF_SHAPER_MAX_RATE));
    xenvif_bucket_init(&shaper->bucket, shaper->max_rate,
                       XENVIF_SHAPER_LEAST_BURST, now);
    hmap_init(&shaper->queues);
    ovs_list_init(&shaper->active);
    shaper->looked = now;
    shaper->default_queue = create_queue(shaper, XENVIF_RATE_DEFAULT_QUEUE,
                                         now);
    xenvif_shaper_config_init(&shaper->default_queue->config);
    apply_config(shaper, now);
}

void
xenvif_shaper_destroy(struct xenvif_shaper *shaper)
{
    struct xenvif_shaper_queue *queue;

    xenvif_shaper_clear(shaper);
    HMAP_FOR_EACH_SAFE (queue, up.node, &shaper->queues) {
        free_queue(shaper, queue);
    }
    hmap_destroy(&shaper->queues);
    free(shaper->levels);
}

void
xenvif_shaper_set_rate(struct xenvif_shaper *shaper, uint64_t max_rate,
                       int64_t now)
{
    /* What was earned at the old rate was earned. */
    settle(shaper, now);
    shaper->max_rate = MAX(1, MIN(max_rate, XENVIF_SHAPER_MAX_RATE));
    apply_config(shaper, now);
}

struct xenvif_shaper_queue *
xenvif_shaper_set_queue(struct xenvif_shaper *shaper, uint32_t id,
                        const struct xenvif_shaper_config *config, int64_t now)
{
    struct xenvif_shaper_queue *queue = xenvif_shaper_find_queue(shaper, id);

    if (!queue) {
        if (hmap_count(&shaper->queues) >= XENVIF_SHAPER_MAX_QUEUES) {
            return NULL;
        }
        queue = create_queue(shaper, id, now);
    } else if (xenvif_shaper_config_equals(&queue->config, config)) {
        return queue;
    }
    queue->config = *config;
    apply_config(shaper, now);
    enforce_bounds(shaper, queue);
    return queue;
}

bool
xenvif_shaper_delete_queue(struct xenvif_shaper *shaper, uint32_t id,
                           int64_t now)
{
    struct xenvif_shaper_queue *queue = xenvif_shaper_find_queue(shaper, id);

    if (!queue) {
        return false;
    }
    if (queue == shaper->default_queue) {
        struct xenvif_shaper_config config;

        xenvif_shaper_config_init(&config);
        xenvif_shaper_set_queue(shaper, id, &config, now);
        return true;
    }
    while (xenvif_shaper_queue_count(queue)) {
        struct xenvif_shaper_entry entry = remove_first(shaper, queue);

        if (has_room(shaper->default_queue, entry.len)) {
            append(shaper, shaper->default_queue, &entry, now);
        } else {
            drop_full(shaper, queue, entry.packet);
        }
    }
    free_queue(shaper, queue);
    apply_config(shaper, now);
    return true;
}

void
xenvif_shaper_open_up(struct xenvif_shaper *shaper)
{
    shaper->open = true;
}

/* Packets come and go. */

bool
xenvif_shaper_push(struct xenvif_shaper *shaper, uint32_t id, void *packet,
                   uint32_t len, int64_t now)
{
    struct xenvif_shaper_queue *queue
        = (id == XENVIF_RATE_DEFAULT_QUEUE ? NULL
           : xenvif_shaper_find_queue(shaper, id));
    struct xenvif_shaper_entry entry = {
        .packet = packet,
        .len = len,
        .arrival = now,
    };

    if (!queue) {
        queue = shaper->default_queue;
    }
    if (!has_room(queue, len)) {
        expire_queue(shaper, queue, now);
        if (!has_room(queue, len)) {
            drop_full(shaper, queue, packet);
            return false;
        }
    }
    append(shaper, queue, &entry, now);
    return true;
}

void
xenvif_shaper_expire(struct xenvif_shaper *shaper, int64_t now)
{
    struct xenvif_shaper_queue *queue;

    LIST_FOR_EACH_SAFE (queue, active_node, &shaper->active) {
        expire_queue(shaper, queue, now);
    }
}

uint32_t
xenvif_shaper_clear(struct xenvif_shaper *shaper)
{
    struct xenvif_shaper_queue *queue;
    uint32_t n = shaper->n_packets;

    HMAP_FOR_EACH (queue, up.node, &shaper->queues) {
        while (xenvif_shaper_queue_count(queue)) {
            shaper->free_packet(remove_first(shaper, queue).packet);
        }
    }
    return n;
}

/* Brings everything up to date, once for each reading of the clock. */
static void
look(struct xenvif_shaper *shaper, int64_t now)
{
    struct xenvif_shaper_queue *queue;

    if (now <= shaper->looked) {
        return;
    }
    shaper->looked = now;
    xenvif_shaper_expire(shaper, now);
    if (!ovs_list_is_empty(&shaper->active)) {
        refill_busy(&shaper->bucket, now);
    }
    LIST_FOR_EACH (queue, active_node, &shaper->active) {
        refill_busy(&queue->min, now);
        refill_busy(&queue->max, now);
    }
}

/* Returns true if 'a' goes before 'b', where both are below their min-rates if
 * 'guaranteed', and neither is otherwise. */
static bool
is_before(const struct xenvif_shaper_queue *a,
          const struct xenvif_shaper_queue *b, bool guaranteed)
{
    if (a->level != b->level) {
        return a->level->priority < b->level->priority;
    }
    return (guaranteed
            ? a->min.level / (int64_t) a->min.rate
              > b->min.level / (int64_t) b->min.rate
            : a->vtime < b->vtime);
}

/* Returns the queue whose turn it is, or NULL.  Sets '*guaranteed' to whether
 * that is because of its min-rate. */
static struct xenvif_shaper_queue *
choose(struct xenvif_shaper *shaper, bool *guaranteed)
{
    struct xenvif_shaper_queue *best = NULL;
    struct xenvif_shaper_queue *queue;

    *guaranteed = false;
    if (!shaper->open && shaper->bucket.level < 0) {
        return NULL;
    }
    LIST_FOR_EACH (queue, active_node, &shaper->active) {
        bool below_min = queue->min.level >= 0;

        if (!shaper->open && queue->max.level < 0) {
            continue;
        }
        if (!best || below_min > *guaranteed
            || (below_min == *guaranteed
                && is_before(queue, best, below_min))) {
            best = queue;
            *guaranteed = below_min;
        }
    }
    return best;
}

/* Keeps the counts of service of a level small. */
static void
reduce_vtimes(struct xenvif_shaper *shaper, struct xenvif_shaper_level *level)
{
    struct xenvif_shaper_queue *queue;

    HMAP_FOR_EACH (queue, up.node, &shaper->queues) {
        if (queue->level == level) {
            queue->vtime -= MIN(queue->vtime, level->vtime);
        }
    }
    level->vtime = 0;
}

/* Counts spare bandwidth that 'queue' is about to use for 'len' bytes. */
static void
count_service(struct xenvif_shaper *shaper, struct xenvif_shaper_queue *queue,
              uint32_t len)
{
    struct xenvif_shaper_level *level = queue->level;
    uint64_t bits = (uint64_t) len * 8;

    /* A queue that could not use its turn, because it had no packets or
     * because of its max-rate, has no claim to it later. */
    level->vtime = MAX(level->vtime, queue->vtime);
    queue->vtime = level->vtime + (bits << VTIME_SHIFT) / queue->min_rate;
    if (level->vtime > VTIME_MAX) {
        reduce_vtimes(shaper, level);
    }
}

void *
xenvif_shaper_pop(struct xenvif_shaper *shaper, int64_t now)
{
    struct xenvif_shaper_queue *queue;
    struct xenvif_shaper_entry entry;
    bool guaranteed;

    if (!shaper->n_packets) {
        return NULL;
    }
    look(shaper, now);
    queue = choose(shaper, &guaranteed);
    if (!queue) {
        return NULL;
    }

    entry = *get_entry(queue, queue->head);
    if (guaranteed) {
        charge(&queue->min, entry.len);
    } else {
        count_service(shaper, queue, entry.len);
    }
    charge(&queue->max, entry.len);
    charge(&shaper->bucket, entry.len);
    queue->stats.tx_packets++;
    queue->stats.tx_bytes += entry.len;
    remove_first(shaper, queue);
    return entry.packet;
}

int64_t
xenvif_shaper_next(const struct xenvif_shaper *shaper)
{
    const struct xenvif_shaper_queue *queue;
    int64_t next = INT64_MAX;

    LIST_FOR_EACH (queue, active_node, &shaper->active) {
        next = MIN(next, xenvif_bucket_due(&queue->max));
    }
    return (next == INT64_MAX || shaper->open ? next
            : MAX(next, xenvif_bucket_due(&shaper->bucket)));
}
