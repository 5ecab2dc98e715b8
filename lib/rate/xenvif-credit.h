/* SPDX-License-Identifier: Apache-2.0 */

#ifndef XENVIF_CREDIT_H
#define XENVIF_CREDIT_H 1

/* The rate at which a guest may transmit: XenStore's key "rate" of a vif.
 *
 * One token bucket for all queues of the vif.  A queue without credit leaves
 * the guest's requests in the ring, which fills up, so that the guest's own
 * queueing discipline feels the limit; nothing is dropped.
 *
 * Credit may become negative: a packet is let through as long as any credit is
 * left, and the next one waits longer.  So the bucket need not be as deep as
 * the largest packet, and the rate over a few seconds is exact also where that
 * is slow.
 *
 * Threads: a vif without a rate costs a look at one flag, which hardly ever
 * changes.  With a rate, the bucket is shared by the threads that poll the
 * vif's queues.  Its arithmetic (refill, choice among queues) needs several
 * fields to change together, so it is protected by a flag that no one ever
 * waits for in the data path: a thread that finds it taken goes without credit
 * and comes back with its next poll.  It is taken once per burst, not per
 * packet.  Functions are for any thread unless they say otherwise.
 *
 * The time that they expect is that of xenvif_bucket_now(). */

#include <stdbool.h>
#include <stdint.h>

#include "ovs-atomic.h"
#include "rate/xenvif-bucket.h"

/* Credit without a limit. */
#define XENVIF_CREDIT_NO_LIMIT INT64_MAX

/* More queues than this share the last one's place. */
#define XENVIF_CREDIT_MAX_QUEUES 64

/* What the key says: 'bytes' every 'usec' microseconds.  No limit if 'usec' is
 * 0. */
struct xenvif_credit_config {
    uint64_t bytes;
    uint32_t usec;
};

struct xenvif_credit {
    atomic_bool limited;        /* Is there a rate? */
    atomic_flag busy;           /* Protects what follows. */

    /* Credit in bytes, negative if it was overdrawn.  This, and the other
     * atomic members, may also change without 'busy'. */
    atomic_llong balance;

    int64_t depth;              /* Largest credit, in bytes. */
    struct xenvif_bucket bucket; /* Counts time; empty but for fractions. */
    uint64_t used_most;         /* Largest of 'used' that got credit. */

    ATOMIC(uint64_t) hungry;    /* Queues that want more credit. */

    /* Bytes that each queue used, so that those that used less come first.
     * Each written by the thread that polls the queue. */
    ATOMIC(uint64_t) used[XENVIF_CREDIT_MAX_QUEUES];
};

/* Parses the key's value, two decimal numbers with a comma in between, into
 * '*config'.  Returns false if it is anything else, or one of the numbers
 * is 0 or too large; '*config' then says that there is no limit. */
bool xenvif_credit_parse(const char *s, struct xenvif_credit_config *config);

/* Returns bytes per second, rounded down, at least 1 and no more than can be
 * told from no limit; 0 if there is none. */
uint64_t xenvif_credit_speed(const struct xenvif_credit_config *);

/* Initialises 'rate', without a limit. */
void xenvif_credit_init(struct xenvif_credit *rate);

/* Changes the limit.  Control thread. */
void xenvif_credit_set(struct xenvif_credit *,
                       const struct xenvif_credit_config *, uint64_t now);

static inline bool
xenvif_credit_is_limited(const struct xenvif_credit *rate)
{
    bool limited;

    atomic_read_relaxed(&CONST_CAST(struct xenvif_credit *, rate)->limited,
                        &limited);
    return limited;
}

/* Takes credit for a burst of queue 'queue'.  Returns how many bytes, 0 if
 * there is nothing for this queue now, or XENVIF_CREDIT_NO_LIMIT.  To be
 * followed by xenvif_credit_settle(). */
int64_t xenvif_credit_reserve(struct xenvif_credit *, unsigned int queue,
                              uint64_t now);

/* Returns what 'queue' has not used of 'reserved' bytes, or takes what it used
 * beyond. */
void xenvif_credit_settle(struct xenvif_credit *, unsigned int queue,
                          int64_t reserved, uint64_t used);

/* Returns in how many milliseconds xenvif_credit_reserve() should be tried
 * again, 0 for at once. */
long long int xenvif_credit_wait_ms(struct xenvif_credit *, unsigned int queue,
                                    uint64_t now);

#endif /* xenvif-credit.h */
