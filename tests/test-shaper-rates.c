/* SPDX-License-Identifier: Apache-2.0 */

/* Unit test: the rates of the shaper, on a virtual clock.  "3 %" is what the
 * documentation promises. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "util.h"
#include "rate/xenvif-shaper.h"

#define US INT64_C(1000)
#define MS INT64_C(1000000)
#define SECOND INT64_C(1000000000)
#define MBIT UINT64_C(1000000)
#define GBIT UINT64_C(1000000000)

#define MAX_SOURCES 4

/* One that sends packets to a queue. */
struct source {
    uint32_t queue;             /* Its id. */
    uint32_t len;               /* Of each packet. */
    uint32_t n_waiting;         /* Packets that it keeps waiting... */
    int64_t interval;           /* ...or ns from one to the next. */
    int64_t next;
    uint64_t sent;              /* Bytes that left. */
};

static struct source sources[MAX_SOURCES];
static size_t n_sources;

static void
free_packet(void *source OVS_UNUSED)
{
    /* There is nothing behind the name. */
}

static struct xenvif_shaper_config
make_config(uint64_t min_rate, uint64_t max_rate, uint32_t priority)
{
    struct xenvif_shaper_config config;

    xenvif_shaper_config_init(&config);
    config.min_rate = min_rate;
    config.max_rate = max_rate;
    config.priority = priority;
    config.max_packets = 1000000;
    config.max_bytes = 1 << 30;
    config.max_age = 60000;
    return config;
}

/* Adds a queue and a source that always has packets for it, enough for the
 * longest time that nobody looks. */
static struct source *
add_queue(struct xenvif_shaper *shaper, uint64_t min_rate, uint64_t max_rate,
          uint32_t priority, uint32_t len)
{
    struct xenvif_shaper_config config = make_config(min_rate, max_rate,
                                                     priority);
    struct source *source = &sources[n_sources++];

    memset(source, 0, sizeof *source);
    source->queue = n_sources;
    source->len = len;
    source->n_waiting = shaper->max_rate / 8 / len / 40 + 4;
    assert_non_null(xenvif_shaper_set_queue(shaper, source->queue, &config,
                                            0));
    return source;
}

static void
supply(struct xenvif_shaper *shaper, struct source *source, int64_t now)
{
    struct xenvif_shaper_queue *queue
        = xenvif_shaper_find_queue(shaper, source->queue);

    if (source->n_waiting) {
        while (xenvif_shaper_queue_count(queue) < source->n_waiting) {
            assert_true(xenvif_shaper_push(shaper, source->queue, source,
                                           source->len, now));
        }
    } else if (source->interval) {
        for (; source->next <= now; source->next += source->interval) {
            xenvif_shaper_push(shaper, source->queue, source, source->len,
                               now);
        }
    }
}

/* Lets 'duration' ns go by, with a look every 'tick' ns. */
static int64_t
run(struct xenvif_shaper *shaper, int64_t now, int64_t duration, int64_t tick)
{
    for (size_t i = 0; i < n_sources; i++) {
        sources[i].sent = 0;
    }
    for (int64_t end = now + duration; now < end; now += tick) {
        struct source *source;

        for (size_t i = 0; i < n_sources; i++) {
            supply(shaper, &sources[i], now);
        }
        while ((source = xenvif_shaper_pop(shaper, now)) != NULL) {
            source->sent += source->len;
        }
        assert_true(xenvif_shaper_next(shaper) > now);
    }
    return now;
}

/* Is 'sent' what 'rate' bit/s are in 'duration' ns, but for 3 %? */
static void
assert_rate(uint64_t sent, uint64_t rate, int64_t duration)
{
    double got = sent * 8.0 * SECOND / duration;

    if (got < rate * .97 || got > rate * 1.03) {
        fail_msg("%.6g bit/s instead of %.6g", got, (double) rate);
    }
}

/* How long to look at a rate for 1 % not to be less than a packet. */
static int64_t
duration_for(uint64_t rate, uint32_t len)
{
    return MAX(SECOND / 5, (int64_t) (len * 8.0 * 300 / rate * SECOND));
}

static const uint64_t rates[] = {
    MBIT, 10 * MBIT, 100 * MBIT, GBIT, 10 * GBIT
};
static const uint32_t lens[] = { 60, 1514, 65000 };

/* A thread that polls, one that sleeps as long as it may, and the main loop,
 * which has a clock of 1 ms. */
static const int64_t ticks[] = { 10 * US, 1 * MS, 10 * MS };

/* The tick that makes most sense of those that are not longer. */
static int64_t
limit_tick(int64_t tick, uint64_t rate, uint32_t len)
{
    int64_t packet = len * 8 * SECOND / rate;

    return tick == ticks[0] && packet > 20 * tick ? packet / 20 : tick;
}

static void
test_max_rate(void **state OVS_UNUSED)
{
    for (size_t i = 0; i < ARRAY_SIZE(rates); i++) {
        for (size_t j = 0; j < ARRAY_SIZE(lens); j++) {
            for (size_t k = 0; k < ARRAY_SIZE(ticks); k++) {
                int64_t duration = duration_for(rates[i], lens[j]);
                int64_t tick = limit_tick(ticks[k], rates[i], lens[j]);
                struct xenvif_shaper shaper;
                int64_t now;

                n_sources = 0;
                xenvif_shaper_init(&shaper, rates[i], free_packet, 0);
                add_queue(&shaper, 0, 0, 0, lens[j]);
                now = run(&shaper, 0, duration / 10, tick);
                run(&shaper, now, duration, tick);
                assert_rate(sources[0].sent, rates[i], duration);
                xenvif_shaper_destroy(&shaper);
            }
        }
    }
}

/* The same about the max-rate of a queue, beside one that takes the rest. */
static void
test_queue_max_rate(void **state OVS_UNUSED)
{
    for (size_t i = 0; i < ARRAY_SIZE(rates); i++) {
        for (size_t k = 0; k < ARRAY_SIZE(ticks); k++) {
            int64_t duration = duration_for(rates[i], 1514);
            int64_t tick = limit_tick(ticks[k], rates[i], 1514);
            struct xenvif_shaper shaper;
            int64_t now;

            n_sources = 0;
            xenvif_shaper_init(&shaper, 2 * rates[i], free_packet, 0);
            add_queue(&shaper, 0, rates[i] / 2, 0, 1514);
            add_queue(&shaper, 0, 0, 1, 1514);
            now = run(&shaper, 0, duration / 10, tick);
            run(&shaper, now, duration, tick);
            assert_rate(sources[0].sent, rates[i] / 2, duration);
            assert_rate(sources[1].sent, rates[i] * 3 / 2, duration);
            xenvif_shaper_destroy(&shaper);
        }
    }
}

/* What queues are guaranteed, they get, whatever others want. */
static void
test_min_rate(void **state OVS_UNUSED)
{
    for (size_t k = 0; k < ARRAY_SIZE(ticks); k++) {
        struct xenvif_shaper shaper;
        int64_t now;

        n_sources = 0;
        xenvif_shaper_init(&shaper, 100 * MBIT, free_packet, 0);
        add_queue(&shaper, 60 * MBIT, 0, 9, 1514);
        add_queue(&shaper, 10 * MBIT, 0, 0, 60);
        add_queue(&shaper, 20 * MBIT, 0, 5, 9000);
        add_queue(&shaper, 0, 0, 5, 1514);
        now = run(&shaper, 0, SECOND, ticks[k]);
        run(&shaper, now, 5 * SECOND, ticks[k]);
        assert_rate(sources[0].sent, 60 * MBIT, 5 * SECOND);
        assert_rate(sources[1].sent, 20 * MBIT, 5 * SECOND);
        assert_rate(sources[2].sent, 20 * MBIT, 5 * SECOND);

        /* Least of all, a packet per second. */
        assert_true(sources[3].sent >= 4 * 1514);
        xenvif_shaper_destroy(&shaper);
    }
}

/* Guarantees that cannot all be kept are reduced in proportion. */
static void
test_overbooked(void **state OVS_UNUSED)
{
    struct xenvif_shaper shaper;
    int64_t now;

    n_sources = 0;
    xenvif_shaper_init(&shaper, 10 * MBIT, free_packet, 0);
    add_queue(&shaper, 30 * MBIT, 0, 1, 1514);
    add_queue(&shaper, 10 * MBIT, 0, 0, 1514);
    add_queue(&shaper, 5 * MBIT, 0, 2, 1514);
    assert_true(xenvif_shaper_is_overbooked(&shaper));
    now = run(&shaper, 0, SECOND, 100 * US);
    run(&shaper, now, 10 * SECOND, 100 * US);

    /* The first asks for more than there is, which counts as all there is. */
    assert_rate(sources[0].sent, 4 * MBIT, 10 * SECOND);
    assert_rate(sources[1].sent, 4 * MBIT, 10 * SECOND);
    assert_rate(sources[2].sent, 2 * MBIT, 10 * SECOND);
    xenvif_shaper_destroy(&shaper);
}

static void
test_fairness(void **state OVS_UNUSED)
{
    static const uint32_t other_lens[] = { 60, 1514, 65000 };

    for (size_t i = 0; i < ARRAY_SIZE(other_lens); i++) {
        struct xenvif_shaper shaper;
        int64_t now;

        n_sources = 0;
        xenvif_shaper_init(&shaper, 100 * MBIT, free_packet, 0);
        add_queue(&shaper, 1 * MBIT, 0, 0, 1514);
        add_queue(&shaper, 3 * MBIT, 0, 0, other_lens[i]);
        add_queue(&shaper, 6 * MBIT, 0, 0, 1514);
        now = run(&shaper, 0, SECOND, 100 * US);
        run(&shaper, now, 10 * SECOND, 100 * US);
        assert_rate(sources[0].sent, 10 * MBIT, 10 * SECOND);
        assert_rate(sources[1].sent, 30 * MBIT, 10 * SECOND);
        assert_rate(sources[2].sent, 60 * MBIT, 10 * SECOND);
        xenvif_shaper_destroy(&shaper);
    }
}

/* Neither a queue that comes and goes nor one that was not there for long gets
 * more than its share. */
static void
test_fairness_of_comers(void **state OVS_UNUSED)
{
    struct xenvif_shaper shaper;
    int64_t now;

    n_sources = 0;
    xenvif_shaper_init(&shaper, 10 * MBIT, free_packet, 0);
    add_queue(&shaper, 10000, 0, 0, 1000);
    add_queue(&shaper, 90000, 0, 0, 1000);
    sources[1].n_waiting = 0;
    now = run(&shaper, 0, 100 * SECOND, 100 * US);
    assert_rate(sources[0].sent, 10 * MBIT, 100 * SECOND);
    sources[1].n_waiting = 10;
    now = run(&shaper, now, 10 * SECOND, 100 * US);
    assert_true(sources[0].sent * 8 > 10 * MBIT);
    assert_rate(sources[1].sent, 10 * MBIT * 88 / 100, 10 * SECOND);

    /* One packet at a time. */
    sources[0].n_waiting = 1;
    run(&shaper, now, 10 * SECOND, 100 * US);
    assert_rate(sources[1].sent, 10 * MBIT * 88 / 100, 10 * SECOND);
    xenvif_shaper_destroy(&shaper);
}

/* A queue whose priority changes is one among those that it comes to,
 * whatever it received before. */
static void
test_new_priority(void **state OVS_UNUSED)
{
    struct xenvif_shaper_config config = make_config(100000, 0, 1);
    struct xenvif_shaper shaper;
    int64_t now;

    n_sources = 0;
    xenvif_shaper_init(&shaper, 10 * MBIT, free_packet, 0);
    add_queue(&shaper, 100000, 8 * MBIT, 0, 1514);
    add_queue(&shaper, 100000, 0, 1, 1514);
    now = run(&shaper, 0, 100 * SECOND, MS);
    assert_rate(sources[0].sent, 8 * MBIT, 100 * SECOND);
    xenvif_shaper_set_queue(&shaper, sources[0].queue, &config, now);
    now = run(&shaper, now, 10 * SECOND, MS);
    assert_rate(sources[0].sent, 5 * MBIT, 10 * SECOND);
    assert_rate(sources[1].sent, 5 * MBIT, 10 * SECOND);

    /* And back. */
    config.priority = 0;
    xenvif_shaper_set_queue(&shaper, sources[0].queue, &config, now);
    run(&shaper, now, 10 * SECOND, MS);
    assert_true(sources[0].sent * 8 > 97 * MBIT);
    xenvif_shaper_destroy(&shaper);
}

/* The counts of service stay small in years of overload. */
static void
test_years(void **state OVS_UNUSED)
{
    const uint64_t large = UINT64_C(1) << 62;
    struct xenvif_shaper shaper;

    n_sources = 0;
    xenvif_shaper_init(&shaper, 10 * MBIT, free_packet, 0);
    for (unsigned int i = 0; i < 3; i++) {
        struct xenvif_shaper_queue *queue;

        add_queue(&shaper, 100000, 0, 1, 1514);
        queue = xenvif_shaper_find_queue(&shaper, sources[i].queue);
        queue->vtime = queue->level->vtime = large;
    }
    run(&shaper, 0, 10 * SECOND, MS);
    for (unsigned int i = 0; i < 3; i++) {
        struct xenvif_shaper_queue *queue
            = xenvif_shaper_find_queue(&shaper, sources[i].queue);

        assert_rate(sources[i].sent, 10 * MBIT / 3, 10 * SECOND);
        assert_true(queue->vtime < large / 2);
        assert_true(queue->level->vtime < large / 2);
    }
    xenvif_shaper_destroy(&shaper);
}

/* Spare bandwidth is for the lowest number first. */
static void
test_priority(void **state OVS_UNUSED)
{
    struct xenvif_shaper shaper;
    int64_t now;

    n_sources = 0;
    xenvif_shaper_init(&shaper, 100 * MBIT, free_packet, 0);
    add_queue(&shaper, 10 * MBIT, 0, 5, 1514);
    add_queue(&shaper, 10 * MBIT, 50 * MBIT, 1, 1514);
    add_queue(&shaper, 10 * MBIT, 0, 7, 1514);
    now = run(&shaper, 0, SECOND, 100 * US);
    now = run(&shaper, now, 5 * SECOND, 100 * US);
    assert_rate(sources[0].sent, 40 * MBIT, 5 * SECOND);
    assert_rate(sources[1].sent, 50 * MBIT, 5 * SECOND);
    assert_rate(sources[2].sent, 10 * MBIT, 5 * SECOND);

    /* Work conservation: what the others leave, the last one gets. */
    sources[0].n_waiting = 0;
    now = run(&shaper, now, SECOND, 100 * US);
    now = run(&shaper, now, 5 * SECOND, 100 * US);
    assert_int_equal(sources[0].sent, 0);
    assert_rate(sources[1].sent, 50 * MBIT, 5 * SECOND);
    assert_rate(sources[2].sent, 50 * MBIT, 5 * SECOND);
    sources[1].n_waiting = 0;
    now = run(&shaper, now, SECOND, 100 * US);
    run(&shaper, now, 5 * SECOND, 100 * US);
    assert_rate(sources[2].sent, 100 * MBIT, 5 * SECOND);
    xenvif_shaper_destroy(&shaper);
}

/* A packet of a preferred queue waits for those that have left, not for those
 * that wait. */
static void
test_latency(void **state OVS_UNUSED)
{
    /* One packet at 10 Mbit/s, one look, and itself. */
    int64_t bound = 2 * 1514 * 8 * SECOND / (10 * MBIT) + 100 * US;
    struct source *low, *high;
    struct xenvif_shaper shaper;
    int64_t now;

    n_sources = 0;
    xenvif_shaper_init(&shaper, 10 * MBIT, free_packet, 0);
    low = add_queue(&shaper, 8 * MBIT, 0, 1, 1514);
    low->n_waiting = 900;
    high = add_queue(&shaper, 1 * MBIT, 0, 0, 100);
    high->n_waiting = 0;
    now = run(&shaper, 0, SECOND, 100 * US);
    for (unsigned int i = 0; i < 1000; i++) {
        int64_t begin = now;
        void *packet;

        xenvif_shaper_push(&shaper, high->queue, high, high->len, now);
        do {
            now += 100 * US;
            while ((packet = xenvif_shaper_pop(&shaper, now)) == low) {
                supply(&shaper, low, now);
            }
        } while (!packet);
        assert_true(now - begin <= bound);
        now = run(&shaper, now, (i % 13) * MS, 100 * US);
    }
    xenvif_shaper_destroy(&shaper);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_max_rate),
        cmocka_unit_test(test_queue_max_rate),
        cmocka_unit_test(test_min_rate),
        cmocka_unit_test(test_overbooked),
        cmocka_unit_test(test_fairness),
        cmocka_unit_test(test_fairness_of_comers),
        cmocka_unit_test(test_new_priority),
        cmocka_unit_test(test_years),
        cmocka_unit_test(test_priority),
        cmocka_unit_test(test_latency),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
