/* SPDX-License-Identifier: Apache-2.0 */

#ifndef XENVIF_BUCKET_H
#define XENVIF_BUCKET_H 1

/* A token bucket on a clock of nanoseconds, in integers: what flows in is
 * exact, whatever the rate and however often one looks.
 *
 * What the tokens stand for, bits or bytes, is the user's choice.  They are
 * kept in units of 1e-9, so that RATE tokens per second are RATE units per
 * nanosecond.
 *
 * Thread-safety: the caller's. */

#include <stdbool.h>
#include <stdint.h>

#include "timeval.h"
#include "util.h"

/* Limits within which nothing overflows: tokens per second, and tokens. */
#define XENVIF_BUCKET_MAX_RATE UINT64_C(1000000000000)
#define XENVIF_BUCKET_MAX_DEPTH UINT32_MAX

/* One token. */
#define XENVIF_BUCKET_TOKEN INT64_C(1000000000)

/* The clock that rates are kept by, in ns. */
static inline int64_t
xenvif_bucket_now(void)
{
    return (int64_t) time_usec() * 1000;
}

struct xenvif_bucket {
    uint64_t rate;              /* Tokens per second, may be 0. */
    int64_t depth;              /* What the bucket holds, in units. */
    int64_t level;              /* What is in it, in units; may be a debt. */
    int64_t updated;            /* When 'level' was true, in ns. */
};

/* Lets flow in what is due at time 'now' (ns), up to a level of 'cap' units,
 * which is at most XENVIF_BUCKET_MAX_DEPTH tokens.  A higher level stays. */
static inline void
xenvif_bucket_refill_to(struct xenvif_bucket *bucket, int64_t now, int64_t cap)
{
    int64_t elapsed = now - bucket->updated;
    int64_t room = cap - bucket->level;

    if (elapsed <= 0) {
        return;
    }
    bucket->updated = now;
    if (room <= 0 || !bucket->rate) {
        return;
    }
    if (elapsed > room / (int64_t) bucket->rate) {
        bucket->level = cap;
    } else {
        bucket->level += elapsed * (int64_t) bucket->rate;
    }
}

static inline void
xenvif_bucket_refill(struct xenvif_bucket *bucket, int64_t now)
{
    xenvif_bucket_refill_to(bucket, now, bucket->depth);
}

/* A full bucket of 'depth' tokens. */
static inline void
xenvif_bucket_init(struct xenvif_bucket *bucket, uint64_t rate, uint64_t depth,
                   int64_t now)
{
    bucket->rate = MIN(rate, XENVIF_BUCKET_MAX_RATE);
    bucket->depth = (int64_t) MIN(depth, XENVIF_BUCKET_MAX_DEPTH)
                    * XENVIF_BUCKET_TOKEN;
    bucket->level = bucket->depth;
    bucket->updated = now;
}

/* Changes rate and depth.  What was in the bucket stays there, as far as it
 * fits. */
static inline void
xenvif_bucket_change(struct xenvif_bucket *bucket, uint64_t rate,
                     uint64_t depth, int64_t now)
{
    xenvif_bucket_refill(bucket, now);
    bucket->rate = MIN(rate, XENVIF_BUCKET_MAX_RATE);
    bucket->depth = (int64_t) MIN(depth, XENVIF_BUCKET_MAX_DEPTH)
                    * XENVIF_BUCKET_TOKEN;
    bucket->level = MIN(bucket->level, bucket->depth);
}

/* Takes 'n' tokens, if there are so many. */
static inline bool
xenvif_bucket_take(struct xenvif_bucket *bucket, uint32_t n)
{
    int64_t units = n * XENVIF_BUCKET_TOKEN;

    if (bucket->level < units) {
        return false;
    }
    bucket->level -= units;
    return true;
}

/* Returns when a debt will be paid, in ns: not before 'bucket->updated', and
 * INT64_MAX for never. */
static inline int64_t
xenvif_bucket_due(const struct xenvif_bucket *bucket)
{
    if (bucket->level >= 0) {
        return bucket->updated;
    }
    return (bucket->rate
            ? bucket->updated - bucket->level / (int64_t) bucket->rate + 1
            : INT64_MAX);
}

#endif /* xenvif-bucket.h */
