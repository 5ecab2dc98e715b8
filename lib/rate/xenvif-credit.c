/* SPDX-License-Identifier: Apache-2.0 */

/* The rate at which a guest may transmit. */

#include <config.h>

#include "rate/xenvif-credit.h"

#include "util.h"

#define NS_PER_S UINT64_C(1000000000)
#define US_PER_S UINT64_C(1000000)

/* At this speed, in bytes per second, a limit is indistinguishable from none.
 */
#define MAX_SPEED UINT64_C(100000000000)

/* How long the threads that poll may be kept from it without the guest losing
 * credit, in ns, even if the interval asked for is shorter. */
#define MIN_DEPTH_NS (10 * 1000 * 1000)

/* Credit for one burst, so that there is some left for other queues: at least
 * this, and at least this part of a full bucket. */
#define MIN_GRANT 65536
#define GRANT_DIVISOR 8

/* A queue that used up its credit must find this much, and at most this part
 * of a full bucket: many small bursts are what makes a backend slow. */
#define MAX_START 16384
#define START_DIVISOR 16

/* A queue that others come before must find this part of a full bucket. */
#define TURN_DIVISOR 4

/* Configuration. */

/* Reads a decimal number up to 'max' at '*sp' and moves '*sp' behind it. */
static bool
parse_number(const char **sp, uint64_t max, uint64_t *value)
{
    const char *s = *sp;

    *value = 0;
    for (; *s >= '0' && *s <= '9'; s++) {
        unsigned int digit = *s - '0';

        if (*value > (max - digit) / 10) {
            return false;
        }
        *value = *value * 10 + digit;
    }
    if (s == *sp) {
        return false;
    }
    *sp = s;
    return true;
}

bool
xenvif_credit_parse(const char *s, struct xenvif_credit_config *config)
{
    uint64_t bytes, usec;

    config->bytes = 0;
    config->usec = 0;
    if (!parse_number(&s, UINT64_MAX, &bytes) || *s++ != ','
        || !parse_number(&s, UINT32_MAX, &usec) || *s || !bytes || !usec) {
        return false;
    }
    config->bytes = bytes;
    config->usec = usec;
    return true;
}

uint64_t
xenvif_credit_speed(const struct xenvif_credit_config *config)
{
    uint64_t bytes = config->bytes;
    uint32_t usec = config->usec;
    uint64_t speed;

    if (!usec) {
        return 0;
    }
    if (bytes / usec >= MAX_SPEED / US_PER_S) {
        return MAX_SPEED;
    }
    speed = bytes / usec * US_PER_S + bytes % usec * US_PER_S / usec;
    return MAX(speed, 1);
}

void
xenvif_credit_init(struct xenvif_credit *rate)
{
    memset(rate, 0, sizeof *rate);
    atomic_init(&rate->limited, false);
    atomic_init(&rate->balance, 0);
    atomic_flag_clear(&rate->busy);
}

/* The bucket.  It belongs to whoever set 'rate->busy'. */

static int64_t
get_balance(struct xenvif_credit *rate)
{
    long long int balance;

    atomic_read_relaxed(&rate->balance, &balance);
    return balance;
}

static void
add_balance(struct xenvif_credit *rate, int64_t n)
{
    long long int orig;

    atomic_add_relaxed(&rate->balance, n, &orig);
}

/* Adds the credit that time brought.  What does not fit is lost. */
static void
refill(struct xenvif_credit *rate, uint64_t now)
{
    struct xenvif_bucket *bucket = &rate->bucket;
    int64_t room = rate->depth - get_balance(rate);

    room = MAX(room, 0) * XENVIF_BUCKET_TOKEN;
    bucket->level = MIN(bucket->level, room);
    xenvif_bucket_refill_to(bucket, now, room);
    add_balance(rate, bucket->level / XENVIF_BUCKET_TOKEN);
    bucket->level %= XENVIF_BUCKET_TOKEN;
}

/* Returns the largest credit for one burst. */
static int64_t
get_grant(const struct xenvif_credit *rate)
{
    return MAX(MIN_GRANT, rate->depth / GRANT_DIVISOR);
}

static uint64_t
get_used(const struct xenvif_credit *rate, unsigned int queue)
{
    uint64_t used;

    atomic_read_relaxed(
        &CONST_CAST(struct xenvif_credit *, rate)->used[queue], &used);
    return used;
}

/* A queue that was quiet may not make up for all that it did not use. */
static void
catch_up(struct xenvif_credit *rate, unsigned int queue)
{
    uint64_t grant = get_grant(rate);

    if (get_used(rate, queue) + grant < rate->used_most) {
        atomic_store_relaxed(&rate->used[queue], rate->used_most - grant);
    }
}

static uint64_t
get_hungry(const struct xenvif_credit *rate)
{
    uint64_t hungry;

    atomic_read_relaxed(&CONST_CAST(struct xenvif_credit *, rate)->hungry,
                        &hungry);
    return hungry;
}

/* Returns the queues that want more and have used less than 'queue'. */
static uint64_t
find_poorer(const struct xenvif_credit *rate, unsigned int queue)
{
    uint64_t used = get_used(rate, queue);
    uint64_t hungry = get_hungry(rate);
    uint64_t poorer = 0;

    while (hungry) {
        unsigned int other = raw_ctz(hungry);

        if (get_used(rate, other) < used) {
            poorer |= UINT64_C(1) << other;
        }
        hungry = zero_rightmost_1bit(hungry);
    }
    return poorer;
}

/* Returns how much credit there has to be for 'queue' to get some while those
 * in 'poorer' come before it.
 *
 * Without an order, the queue that happens to be polled first after a longer
 * pause would get everything.  If those that come before do not ask for it,
 * credit piles up, until it is clear that they do not want it any more. */
static int64_t
get_need(const struct xenvif_credit *rate, unsigned int queue, uint64_t poorer)
{
    int64_t need = 1;

    if (poorer) {
        need = rate->depth / TURN_DIVISOR;
    } else if (get_hungry(rate) & UINT64_C(1) << queue) {
        need = MIN(rate->depth / START_DIVISOR, MAX_START);
    }
    return MAX(need, 1);
}

void
xenvif_credit_set(struct xenvif_credit *rate,
                  const struct xenvif_credit_config *config, uint64_t now)
{
    uint64_t speed = xenvif_credit_speed(config);
    bool was_limited = xenvif_credit_is_limited(rate);
    int64_t depth;

    while (atomic_flag_test_and_set(&rate->busy)) {
        /* For less than a microsecond. */
    }
    depth = MAX(MIN(config->bytes, XENVIF_BUCKET_MAX_DEPTH),
                speed * MIN_DEPTH_NS / NS_PER_S);
    depth = MAX(depth, 1);
    if (!was_limited || get_balance(rate) > depth) {
        add_balance(rate, depth - get_balance(rate));
    }
    if (!was_limited) {
        rate->bucket.updated = now;
        rate->bucket.level = 0;
    }
    rate->bucket.rate = speed;
    rate->depth = depth;
    atomic_store_relaxed(&rate->limited, speed > 0);
    atomic_flag_clear(&rate->busy);
}

int64_t
xenvif_credit_reserve(struct xenvif_credit *rate, unsigned int queue,
                      uint64_t now)
{
    int64_t credit = 0;
    uint64_t poorer, orig;

    if (atomic_flag_test_and_set(&rate->busy)) {
        return 0;
    }
    if (!rate->bucket.rate) {
        /* The limit went away in this moment. */
        credit = XENVIF_CREDIT_NO_LIMIT;
        goto out;
    }

    queue = MIN(queue, XENVIF_CREDIT_MAX_QUEUES - 1);
    refill(rate, now);
    catch_up(rate, queue);
    poorer = find_poorer(rate, queue);
    if (get_balance(rate) < get_need(rate, queue, poorer)) {
        atomic_or_relaxed(&rate->hungry, UINT64_C(1) << queue, &orig);
    } else {
        credit = MIN(get_balance(rate), get_grant(rate));
        add_balance(rate, -credit);
        rate->used_most = MAX(rate->used_most, get_used(rate, queue));
        atomic_and_relaxed(&rate->hungry,
                           ~(poorer | UINT64_C(1) << queue), &orig);
    }

out:
    atomic_flag_clear(&rate->busy);
    return credit;
}

void
xenvif_credit_settle(struct xenvif_credit *rate, unsigned int queue,
                     int64_t reserved, uint64_t used)
{
    uint64_t orig;

    if (reserved != XENVIF_CREDIT_NO_LIMIT) {
        queue = MIN(queue, XENVIF_CREDIT_MAX_QUEUES - 1);
        atomic_add_relaxed(&rate->used[queue], used, &orig);
        add_balance(rate, reserved - (int64_t) used);
        if (used >= (uint64_t) reserved) {
            atomic_or_relaxed(&rate->hungry, UINT64_C(1) << queue, &orig);
        }
    }
}

long long int
xenvif_credit_wait_ms(struct xenvif_credit *rate, unsigned int queue,
                      uint64_t now)
{
    long long int ms = 0;
    int64_t missing;

    if (!xenvif_credit_is_limited(rate)
        || atomic_flag_test_and_set(&rate->busy)) {
        return 0;
    }
    if (rate->bucket.rate) {
        queue = MIN(queue, XENVIF_CREDIT_MAX_QUEUES - 1);
        refill(rate, now);
        missing = get_need(rate, queue, find_poorer(rate, queue))
                  - get_balance(rate);
        if (missing > 0) {
            ms = 1 + missing * 1000 / (int64_t) rate->bucket.rate;
        }
    }
    atomic_flag_clear(&rate->busy);
    return ms;
}
