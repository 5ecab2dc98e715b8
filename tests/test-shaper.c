/* SPDX-License-Identifier: Apache-2.0 */

/* Unit test: what waits in the shaper, and what happens to it: bounds, age,
 * reconfiguration, absurd values.  (For rates see test-shaper-rates.c.) */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "random.h"
#include "util.h"
#include "rate/xenvif-shaper.h"

#define MS INT64_C(1000000)
#define SECOND INT64_C(1000000000)
#define MBIT UINT64_C(1000000)

/* A packet is a number; one that was freed is remembered. */
static struct {
    bool waits;
    uint32_t queue;
} packets[100000];
static uint32_t n_freed;
static uint32_t last_freed;

static void *
name(uint32_t number)
{
    return (void *) (uintptr_t) (number + 1);
}

static uint32_t
number_of(const void *packet)
{
    return (uintptr_t) packet - 1;
}

static void
free_packet(void *packet)
{
    last_freed = number_of(packet);
    n_freed++;
    assert_true(packets[last_freed].waits);
    packets[last_freed].waits = false;
}

/* Packet 'number' of 'len' bytes for queue 'id'. */
static bool
push(struct xenvif_shaper *shaper, uint32_t id, uint32_t number, uint32_t len,
     int64_t now)
{
    assert_false(packets[number].waits);
    packets[number].waits = true;
    packets[number].queue = id;
    return xenvif_shaper_push(shaper, id, name(number), len, now);
}

/* Returns the number of the next packet, or -1. */
static int
pop(struct xenvif_shaper *shaper, int64_t now)
{
    void *packet = xenvif_shaper_pop(shaper, now);

    if (!packet) {
        return -1;
    }
    assert_true(packets[number_of(packet)].waits);
    packets[number_of(packet)].waits = false;
    return number_of(packet);
}

static int
setup(void **state)
{
    static struct xenvif_shaper shaper;

    memset(packets, 0, sizeof packets);
    n_freed = 0;
    xenvif_shaper_init(&shaper, MBIT, free_packet, 0);
    *state = &shaper;
    return 0;
}

static int
teardown(void **state)
{
    struct xenvif_shaper *shaper = *state;
    uint32_t n_waiting = shaper->n_packets;

    n_freed = 0;
    xenvif_shaper_destroy(shaper);
    assert_int_equal(n_freed, n_waiting);
    for (size_t i = 0; i < ARRAY_SIZE(packets); i++) {
        assert_false(packets[i].waits);
    }
    return 0;
}

static struct xenvif_shaper_config
default_config(void)
{
    struct xenvif_shaper_config config;

    xenvif_shaper_config_init(&config);
    return config;
}

/* Packets leave in the order in which they came, also when the ring that holds
 * them grows or its indexes wrap. */
static void
test_order(void **state)
{
    struct xenvif_shaper *shaper = *state;
    uint32_t head = 0, tail = 0;
    int64_t now = 0;

    shaper->default_queue->head = shaper->default_queue->tail = -1000;
    while (tail < 50000) {
        uint32_t n = random_range(100);

        for (uint32_t i = 0; i < n && tail - head < 1000; i++) {
            assert_true(push(shaper, 0, tail++, 60, now));
        }
        for (uint32_t i = random_range(100); i > 0; i--) {
            int number;

            now += MS;
            number = pop(shaper, now);
            assert_int_equal(number, head != tail ? (int) head : -1);
            head += number >= 0;
        }
        assert_int_equal(shaper->n_packets, tail - head);
    }
}

static void
test_bound_of_packets(void **state)
{
    struct xenvif_shaper_config config = default_config();
    struct xenvif_shaper *shaper = *state;

    config.max_packets = 5;
    assert_non_null(xenvif_shaper_set_queue(shaper, 7, &config, 0));
    for (uint32_t i = 0; i < 8; i++) {
        assert_int_equal(push(shaper, 7, i, 60, 0), i < 5);
    }
    assert_int_equal(n_freed, 3);
    assert_int_equal(xenvif_shaper_find_queue(shaper, 7)->stats.full, 3);
    assert_int_equal(shaper->full, 3);
    assert_int_equal(pop(shaper, 0), 0);
    assert_true(push(shaper, 7, 8, 60, 0));
    assert_false(push(shaper, 7, 9, 60, 0));

    /* Other queues have bounds of their own. */
    assert_true(push(shaper, 0, 10, 60, 0));
}

static void
test_bound_of_bytes(void **state)
{
    struct xenvif_shaper_config config = default_config();
    struct xenvif_shaper *shaper = *state;

    config.max_bytes = 10000;
    xenvif_shaper_set_queue(shaper, 0, &config, 0);
    assert_true(push(shaper, 0, 0, 9000, 0));
    assert_false(push(shaper, 0, 1, 1001, 0));
    assert_true(push(shaper, 0, 2, 1000, 0));
    assert_false(push(shaper, 0, 3, 1, 0));
    assert_int_equal(pop(shaper, 0), 0);
    assert_true(push(shaper, 0, 4, 9000, 0));
    assert_int_equal(shaper->default_queue->stats.tx_bytes, 9000);
    assert_int_equal(shaper->default_queue->n_bytes, 10000);
}

static void
test_age(void **state)
{
    struct xenvif_shaper_config config = default_config();
    struct xenvif_shaper *shaper = *state;

    config.max_age = 50;
    config.max_packets = 4;
    xenvif_shaper_set_queue(shaper, 0, &config, 0);
    /* 12 ms each; the first may leave at once. */
    for (uint32_t i = 0; i < 4; i++) {
        assert_true(push(shaper, 0, i, 1500, i * MS));
    }
    assert_int_equal(pop(shaper, 4 * MS), 0);
    assert_int_equal(pop(shaper, 4 * MS), 1);
    assert_int_equal(pop(shaper, 4 * MS), -1);
    assert_int_equal(pop(shaper, 52 * MS), 2);
    assert_true(push(shaper, 0, 4, 1500, 52 * MS));
    assert_true(push(shaper, 0, 5, 1500, 53 * MS));
    assert_int_equal(n_freed, 0);
    assert_int_equal(pop(shaper, 54 * MS), 4);
    assert_int_equal(n_freed, 1);
    assert_int_equal(last_freed, 3);
    assert_int_equal(shaper->default_queue->stats.aged, 1);
    assert_int_equal(shaper->aged, 1);
    assert_int_equal(shaper->full, 0);

    /* Where there is no room, old packets make it. */
    for (uint32_t i = 6; i < 9; i++) {
        assert_true(push(shaper, 0, i, 1500, 54 * MS));
    }
    assert_false(push(shaper, 0, 9, 1500, 103 * MS));
    assert_true(push(shaper, 0, 10, 1500, 104 * MS));
    assert_int_equal(last_freed, 5);

    xenvif_shaper_expire(shaper, SECOND);
    assert_int_equal(shaper->n_packets, 0);
    assert_int_equal(pop(shaper, SECOND), -1);
    assert_true(xenvif_shaper_next(shaper) == INT64_MAX);
}

/* Packets that name no queue that exists go to the default queue. */
static void
test_unknown_queue(void **state)
{
    struct xenvif_shaper *shaper = *state;

    assert_true(push(shaper, 12345, 0, 60, 0));
    assert_true(push(shaper, UINT32_MAX, 1, 60, 0));
    assert_int_equal(xenvif_shaper_queue_count(shaper->default_queue), 2);
}

/* Smaller bounds cost the packets that came last. */
static void
test_smaller_bounds(void **state)
{
    struct xenvif_shaper_config config = default_config();
    struct xenvif_shaper *shaper = *state;

    for (uint32_t i = 0; i < 100; i++) {
        assert_true(push(shaper, 0, i, 1000, 0));
    }
    config.max_packets = 100;
    xenvif_shaper_set_queue(shaper, 0, &config, 0);
    assert_int_equal(n_freed, 0);
    config.max_packets = 60;
    xenvif_shaper_set_queue(shaper, 0, &config, 0);
    assert_int_equal(n_freed, 40);
    assert_int_equal(last_freed, 60);
    config.max_bytes = 30999;
    xenvif_shaper_set_queue(shaper, 0, &config, 0);
    assert_int_equal(n_freed, 70);
    assert_int_equal(shaper->default_queue->stats.full, 70);
    for (int i = 0; i < 30; i++) {
        assert_int_equal(pop(shaper, i * 10 * MS), i);
    }
    assert_int_equal(shaper->n_packets, 0);
}

/* The packets of a queue that is deleted go to the default queue. */
static void
test_delete_queue(void **state)
{
    struct xenvif_shaper_config config = default_config();
    struct xenvif_shaper *shaper = *state;

    xenvif_shaper_set_queue(shaper, 1, &config, 0);
    config.max_packets = 10;
    config.priority = 3;
    xenvif_shaper_set_queue(shaper, 0, &config, 0);
    for (uint32_t i = 0; i < 4; i++) {
        assert_true(push(shaper, 0, i, 100, 0));
    }
    for (uint32_t i = 4; i < 20; i++) {
        assert_true(push(shaper, 1, i, 100, 0));
    }
    assert_false(xenvif_shaper_delete_queue(shaper, 2, 0));
    assert_true(xenvif_shaper_delete_queue(shaper, 1, 0));
    assert_null(xenvif_shaper_find_queue(shaper, 1));
    assert_int_equal(n_freed, 10);
    assert_int_equal(shaper->full, 10);
    for (int i = 0; i < 10; i++) {
        assert_int_equal(pop(shaper, i * MS), i);
    }

    /* The default queue can only be reset. */
    assert_true(xenvif_shaper_delete_queue(shaper, 0, 0));
    assert_ptr_equal(xenvif_shaper_find_queue(shaper, 0),
                     shaper->default_queue);
    assert_int_equal(shaper->default_queue->config.priority, 0);
    assert_int_equal(shaper->default_queue->config.max_packets, 1000);
}

/* Equal parameters change nothing: Open vSwitch sets them again whenever
 * anything in its database changes. */
static void
test_same_again(void **state)
{
    struct xenvif_shaper_config config = default_config();
    struct xenvif_shaper *shaper = *state;
    int64_t now = SECOND;

    config.min_rate = 500000;
    xenvif_shaper_set_queue(shaper, 1, &config, now);
    for (uint32_t i = 0; i < 10; i++) {
        push(shaper, 1, i, 1500, now);
    }
    while (pop(shaper, now) >= 0) {
        continue;
    }
    for (unsigned int i = 0; i < 1000; i++) {
        xenvif_shaper_set_rate(shaper, MBIT, now);
        xenvif_shaper_set_queue(shaper, 1, &config, now);
        assert_int_equal(pop(shaper, now), -1);
    }
    assert_int_equal(shaper->n_packets, 8);
}

/* A new rate holds from now on, and nothing is lost. */
static void
test_new_rate(void **state)
{
    struct xenvif_shaper *shaper = *state;
    unsigned int n = 0;

    for (uint32_t i = 0; i < 1000; i++) {
        assert_true(push(shaper, 0, i, 1250, 0));
    }
    while (pop(shaper, 0) >= 0) {
        n++;
    }
    assert_true(n <= 2);
    for (int64_t now = 0; now <= 200 * MS; now += MS) {
        n += pop(shaper, now) >= 0;
    }
    assert_in_range(n, 20, 22);

    xenvif_shaper_set_rate(shaper, 10 * MBIT, 200 * MS);
    n = 0;
    for (int64_t now = 200 * MS; now <= 400 * MS; now += MS) {
        n += pop(shaper, now) >= 0;
    }
    assert_in_range(n, 198, 202);

    xenvif_shaper_set_rate(shaper, 100000, 400 * MS);
    n = 0;
    for (int64_t now = 400 * MS; now <= 900 * MS; now += MS) {
        n += pop(shaper, now) >= 0;
    }
    assert_in_range(n, 4, 6);
    assert_int_equal(n_freed, 0);
}

/* However long a port was idle, no more than the burst and a packet leaves at
 * once; however long nobody looked, no more than is due in 100 ms. */
static void
test_credit(void **state)
{
    struct xenvif_shaper_config config = default_config();
    struct xenvif_shaper *shaper = *state;
    int64_t now = 3600 * SECOND;
    unsigned int n = 0;

    xenvif_shaper_set_rate(shaper, 20 * MBIT, 0);
    config.burst = 10000 * 8;
    config.max_age = 60000;
    xenvif_shaper_set_queue(shaper, 1, &config, 0);
    for (uint32_t i = 0; i < 900; i++) {
        assert_true(push(shaper, 1, i, 1000, now));
    }
    while (pop(shaper, now) >= 0) {
        n++;
    }
    assert_int_equal(n, 11);

    now += 10 * SECOND;
    for (n = 0; pop(shaper, now) >= 0; n++) {
        continue;
    }
    assert_in_range(n, 248, 251);
}

/* Credit of a time with packets is of no use after a time without. */
static void
test_credit_is_spent(void **state)
{
    struct xenvif_shaper *shaper = *state;
    int64_t now = 0;
    unsigned int n = 0;

    /* One packet that nobody took out for 100 ms, and then a hundred. */
    assert_true(push(shaper, 0, 0, 60, now));
    now += 100 * MS;
    assert_int_equal(pop(shaper, now), 0);
    for (uint32_t i = 1; i <= 100; i++) {
        assert_true(push(shaper, 0, i, 1500, now));
    }
    while (pop(shaper, now) >= 0) {
        n++;
    }
    assert_in_range(n, 1, 2);
}

/* All queues together save no more than the port. */
static void
test_credit_of_port(void **state)
{
    struct xenvif_shaper_config config = default_config();
    struct xenvif_shaper *shaper = *state;
    int64_t now = 3600 * SECOND;
    unsigned int n = 0;

    config.burst = 10000 * 8;
    for (uint32_t id = 1; id <= 3; id++) {
        xenvif_shaper_set_queue(shaper, id, &config, 0);
    }
    for (uint32_t i = 0; i < 60; i++) {
        assert_true(push(shaper, 1 + i % 3, i, 1000, now));
    }
    while (pop(shaper, now) >= 0) {
        n++;
    }
    assert_int_equal(n, 11);
}

/* Credit of a high rate does not outlive it. */
static void
test_credit_of_old_rate(void **state)
{
    struct xenvif_shaper *shaper = *state;
    unsigned int n = 0;

    xenvif_shaper_set_rate(shaper, 1000 * MBIT, 0);
    for (uint32_t i = 0; i < 1000; i++) {
        assert_true(push(shaper, 0, i, 1000, 0));
    }
    xenvif_shaper_set_rate(shaper, 2 * MBIT, 100 * MS);
    while (pop(shaper, 100 * MS) >= 0) {
        n++;
    }
    assert_in_range(n, 25, 26);
}

/* xenvif_shaper_next() tells the truth about when something may leave. */
static void
test_next(void **state)
{
    struct xenvif_shaper_config config = default_config();
    struct xenvif_shaper *shaper = *state;
    int64_t now = 0;

    assert_true(xenvif_shaper_next(shaper) == INT64_MAX);
    config.max_rate = 300000;
    xenvif_shaper_set_queue(shaper, 1, &config, 0);
    for (uint32_t i = 0; i < 100; i++) {
        push(shaper, i % 2, i, 100 + random_range(1000), now);
    }
    while (shaper->n_packets) {
        int64_t next;

        while (pop(shaper, now) >= 0) {
            continue;
        }
        next = xenvif_shaper_next(shaper);
        if (next != INT64_MAX) {
            assert_true(next > now);
            assert_int_equal(pop(shaper, next - 2), -1);
            assert_int_not_equal(pop(shaper, next), -1);
            now = next;
        }
    }
}

/* Without limits, everything leaves. */
static void
test_open_up(void **state)
{
    struct xenvif_shaper_config config = default_config();
    struct xenvif_shaper *shaper = *state;

    config.max_rate = 1;
    xenvif_shaper_set_queue(shaper, 1, &config, 0);
    for (uint32_t i = 0; i < 500; i++) {
        assert_true(push(shaper, i % 2, i, 1000, 0));
    }
    xenvif_shaper_open_up(shaper);
    assert_true(xenvif_shaper_next(shaper) <= 0);
    for (unsigned int i = 0; i < 500; i++) {
        assert_int_not_equal(pop(shaper, 0), -1);
    }
    assert_int_equal(pop(shaper, 0), -1);
}

static void
test_absurd_queues(void **state)
{
    struct xenvif_shaper_config config = default_config();
    struct xenvif_shaper *shaper = *state;
    struct xenvif_shaper_queue *queue;

    /* The guarantee is more than the bound: the bound gives way. */
    config.min_rate = 800000;
    config.max_rate = 100000;
    queue = xenvif_shaper_set_queue(shaper, 1, &config, 0);
    assert_int_equal(queue->max_rate, 800000);

    /* More than the port: less than the port, for the default queue is
     * guaranteed something, too. */
    config.min_rate = UINT64_MAX;
    config.max_rate = UINT64_MAX;
    config.burst = UINT64_MAX;
    queue = xenvif_shaper_set_queue(shaper, 1, &config, 0);
    assert_in_range(queue->min_rate, 980000, 1000000);
    assert_int_equal(queue->max_rate, 1000000);
    assert_int_equal(queue->burst, UINT32_MAX);
    assert_true(xenvif_shaper_is_overbooked(shaper));

    memset(&config, 0, sizeof config);
    queue = xenvif_shaper_set_queue(shaper, 1, &config, 0);
    assert_int_equal(queue->min_rate, XENVIF_SHAPER_LEAST_RATE);
    assert_int_equal(queue->max_rate, 1000000);
    assert_int_equal(queue->burst, XENVIF_SHAPER_LEAST_BURST);
    assert_false(xenvif_shaper_is_overbooked(shaper));
    assert_false(push(shaper, 1, 0, 60, 0));

    /* As many as there may be, the default queue included. */
    for (uint32_t i = 2; i < XENVIF_SHAPER_MAX_QUEUES; i++) {
        assert_non_null(xenvif_shaper_set_queue(shaper, i * 1000003, &config,
                                                0));
    }
    assert_null(xenvif_shaper_set_queue(shaper, 5, &config, 0));
    assert_non_null(xenvif_shaper_set_queue(shaper, 1, &config, 0));
    assert_true(xenvif_shaper_delete_queue(shaper, 1, 0));
    assert_non_null(xenvif_shaper_set_queue(shaper, 5, &config, 0));
}

/* Rates without sense still let something through, and no more. */
static void
test_absurd_rates(void **state)
{
    static const uint64_t absurd[] = {
        0, 1, 7, XENVIF_SHAPER_MAX_RATE, XENVIF_SHAPER_MAX_RATE + 1, UINT64_MAX
    };
    struct xenvif_shaper *shaper = *state;
    int64_t now = 0;

    for (size_t i = 0; i < ARRAY_SIZE(absurd); i++) {
        struct xenvif_shaper_config config = default_config();

        config.max_age = UINT32_MAX;
        config.min_rate = absurd[i];
        now += 30000 * SECOND;
        xenvif_shaper_set_rate(shaper, absurd[i], now);
        xenvif_shaper_set_queue(shaper, 1, &config, now);
        assert_in_range(shaper->max_rate, 1, XENVIF_SHAPER_MAX_RATE);
        for (uint32_t j = 0; j < 100; j++) {
            push(shaper, j % 3, j, 1000, now);
        }
        while (shaper->n_packets) {
            int64_t next = xenvif_shaper_next(shaper);

            assert_true(next < now + 10000 * SECOND);
            now = MAX(now, next);
            assert_int_not_equal(pop(shaper, now), -1);
        }
    }
}

/* A clock that stands still or goes backwards does no harm. */
static void
test_clock(void **state)
{
    struct xenvif_shaper *shaper = *state;

    for (uint32_t i = 0; i < 10; i++) {
        push(shaper, 0, i, 1500, 10 * SECOND);
    }
    while (pop(shaper, 10 * SECOND) >= 0) {
        continue;
    }
    assert_int_equal(pop(shaper, 0), -1);
    push(shaper, 0, 10, 1500, 0);
    assert_int_equal(pop(shaper, 10 * SECOND), -1);
    assert_int_equal(pop(shaper, 10 * SECOND + 12 * MS), 2);
    assert_int_equal(pop(shaper, 10 * SECOND), -1);
}

/* Whatever is done, each packet leaves once or is dropped once, and packets of
 * a queue stay in order. */
static void
test_anything(void **state)
{
    struct xenvif_shaper *shaper = *state;
    uint64_t n_popped = 0, n_pushed = 0;
    uint32_t number = 0;
    int64_t now = 0;

    for (unsigned int i = 0; i < 200000; i++) {
        struct xenvif_shaper_config config = default_config();
        uint32_t id = random_range(6);

        now += random_range(3) * MS / 4;
        switch (random_range(100)) {
        case 0:
            config.min_rate = random_uint32() >> random_range(32);
            config.max_rate = random_uint32() >> random_range(32);
            config.burst = random_uint32() >> random_range(32);
            config.priority = random_range(3);
            config.max_packets = 1 + random_range(50);
            config.max_bytes = 1 + random_range(50000);
            config.max_age = 1 + random_range(1000);
            assert_non_null(xenvif_shaper_set_queue(shaper, id, &config, now));
            break;
        case 1:
            xenvif_shaper_delete_queue(shaper, id, now);
            break;
        case 2:
            xenvif_shaper_set_rate(shaper, random_uint32() >> random_range(32),
                                   now);
            break;
        case 3 ... 50:
            while (packets[number].waits) {
                number = (number + 1) % ARRAY_SIZE(packets);
            }
            push(shaper, id, number, 1 + random_range(2000), now);
            n_pushed++;
            break;
        default:
            n_popped += pop(shaper, now) >= 0;
        }
        assert_int_equal(n_pushed, n_popped + n_freed + shaper->n_packets);
        assert_int_equal(n_freed, shaper->full + shaper->aged);
    }
    assert_true(n_popped > 10000 && shaper->full > 1000 && shaper->aged > 100);
}

int
main(void)
{
#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_order),
        TEST(test_bound_of_packets),
        TEST(test_bound_of_bytes),
        TEST(test_age),
        TEST(test_unknown_queue),
        TEST(test_smaller_bounds),
        TEST(test_delete_queue),
        TEST(test_same_again),
        TEST(test_new_rate),
        TEST(test_credit),
        TEST(test_credit_is_spent),
        TEST(test_credit_of_port),
        TEST(test_credit_of_old_rate),
        TEST(test_next),
        TEST(test_open_up),
        TEST(test_absurd_queues),
        TEST(test_absurd_rates),
        TEST(test_clock),
        TEST(test_anything),
    };
#undef TEST

    return cmocka_run_group_tests(tests, NULL, NULL);
}
