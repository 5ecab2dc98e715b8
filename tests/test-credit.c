/* SPDX-License-Identifier: Apache-2.0 */

/* Unit test: the rate at which a guest may transmit.  Time is simulated, but
 * for the last tests, which let frames wait in a ring. */

#include <config.h>

#include "mock-frontend.h"

#include "openvswitch/util.h"
#include "util.h"
#include "rate/xenvif-credit.h"
#include "ring/xenvif-tx.h"

#define NS_PER_MS UINT64_C(1000000)
#define SECOND_NS UINT64_C(1000000000)

/* A moment; any will do. */
#define START UINT64_C(123456789012345)

static void
set_rate(struct xenvif_credit *rate, uint64_t bytes, uint32_t usec,
         uint64_t now)
{
    const struct xenvif_credit_config config = { bytes, usec };

    xenvif_credit_set(rate, &config, now);
}

static void
test_parse(void **state OVS_UNUSED)
{
    static const struct {
        const char *s;
        uint64_t bytes;
        uint32_t usec;
    } good[] = {
        { "1,1", 1, 1 },
        { "500000,50000", 500000, 50000 },
        { "007,0010", 7, 10 },
        { "18446744073709551615,4294967295", UINT64_MAX, UINT32_MAX },
    };
    static const char *const bad[] = {
        "", ",", "1", "1,", ",1", "0,0", "0,50000", "500000,0", "-1,50000",
        "1,-1", "+1,1", " 1,1", "1, 1", "1 ,1", "1,1 ", "1,1,", "1,1,1",
        "1,1x", "0x10,1", "1e6,1", "1.5,1", "1;1", "1,1\n", "ten,1",
        "18446744073709551616,1", "1,4294967296", "99999999999999999999999,1",
        "1,99999999999999999999999",
    };
    struct xenvif_credit_config config;

    for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
        assert_true(xenvif_credit_parse(good[i].s, &config));
        assert_int_equal(config.bytes, good[i].bytes);
        assert_int_equal(config.usec, good[i].usec);
    }
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        config.usec = 1;
        assert_false(xenvif_credit_parse(bad[i], &config));
        assert_int_equal(config.usec, 0);
    }
}

static uint64_t
speed(uint64_t bytes, uint32_t usec)
{
    const struct xenvif_credit_config config = { bytes, usec };

    return xenvif_credit_speed(&config);
}

static void
test_speed(void **state OVS_UNUSED)
{
    assert_int_equal(speed(500000, 50000), 10000000);
    assert_int_equal(speed(1, 1), 1000000);
    assert_int_equal(speed(7, 3), 2333333);
    assert_int_equal(speed(0, 0), 0);
    assert_int_equal(speed(1, UINT32_MAX), 1);
    assert_int_equal(speed(UINT64_MAX, 1), UINT64_C(100000000000));
    assert_int_equal(speed(UINT64_MAX, UINT32_MAX), UINT64_C(100000000000));
}

/* A simulated thread that polls 'n_queues' queues in turn, all of which always
 * have packets of 'size' bytes. */
struct poller {
    struct xenvif_credit rate;
    uint64_t now;
    unsigned int n_queues;
    uint32_t size;
    uint64_t sent[4];           /* Bytes of each queue. */
};

static void
poll_queue(struct poller *p, unsigned int queue)
{
    int64_t reserved = xenvif_credit_reserve(&p->rate, queue, p->now);
    int64_t credit = reserved;
    uint64_t used = 0;

    for (int i = 0; i < 32 && credit > 0; i++) {
        credit -= p->size;
        used += p->size;
    }
    if (reserved) {
        xenvif_credit_settle(&p->rate, queue, reserved, used);
    }
    p->sent[queue] += used;
}

/* Runs for 'duration' ns.  One round over all queues takes 'round' ns on
 * average, half of which pass after the last queue. */
static void
run_poller(struct poller *p, uint64_t duration, uint64_t round)
{
    uint64_t end = p->now + duration;

    memset(p->sent, 0, sizeof p->sent);
    while (p->now < end) {
        for (unsigned int i = 0; i < p->n_queues; i++) {
            poll_queue(p, i);
            p->now += round / 2 / p->n_queues;
        }
        p->now += mock_random_range(round + 1);
    }
}

static uint64_t
total(const struct poller *p)
{
    return p->sent[0] + p->sent[1] + p->sent[2] + p->sent[3];
}

static void
assert_within(uint64_t value, uint64_t wanted, unsigned int percent)
{
    assert_in_range(value, wanted - wanted * percent / 100,
                    wanted + wanted * percent / 100);
}

/* Checks 'bps' bytes per second in intervals of 'usec', with packets of 'size'
 * bytes from 'n_queues' queues that together could send twice as much. */
static void
check_accuracy(uint64_t bps, uint32_t usec, uint32_t size,
               unsigned int n_queues)
{
    uint64_t round = 32 * size * n_queues * SECOND_NS / bps / 2;
    struct poller p = { .now = START, .n_queues = n_queues, .size = size };

    round = MAX(100, MIN(round, 100 * 1000));
    xenvif_credit_init(&p.rate);
    set_rate(&p.rate, bps * usec / 1000000, usec, p.now);
    run_poller(&p, 5 * SECOND_NS, round);
    assert_within(total(&p), 5 * bps, 3);
    for (unsigned int i = 0; i < n_queues; i++) {
        uint64_t share = 5 * bps / n_queues;
        uint64_t turn = 32 * size;

        assert_in_range(p.sent[i], MAX(share * 95 / 100, turn) - turn,
                        share * 105 / 100 + turn);
    }
}

static void
test_accuracy(void **state OVS_UNUSED)
{
    static const uint32_t mbps[] = { 1, 10, 100, 1000, 10000 };
    static const uint32_t sizes[] = { 60, 1514, 65535 };

    for (size_t i = 0; i < ARRAY_SIZE(mbps); i++) {
        for (size_t j = 0; j < ARRAY_SIZE(sizes); j++) {
            /* At 1 Mbit/s, 5 s are ten of the largest packets. */
            if (mbps[i] > 1 || sizes[j] < 9000) {
                check_accuracy(mbps[i] * 125000, 50000, sizes[j], 1);
                check_accuracy(mbps[i] * 125000, 50000, sizes[j], 4);
            }
        }
    }
}

/* Intervals that are shorter than it takes to poll, and longer than 5 s. */
static void
test_intervals(void **state OVS_UNUSED)
{
    struct poller p = { .now = START, .n_queues = 1, .size = 1514 };

    check_accuracy(12500000, 2, 1514, 1);
    check_accuracy(12500000, 100, 1514, 4);
    check_accuracy(1250000000, 8, 60, 1);

    /* A minute's worth at once, and then nothing but the rate. */
    xenvif_credit_init(&p.rate);
    set_rate(&p.rate, 60 * 125000, 60 * 1000000, p.now);
    run_poller(&p, SECOND_NS, 10 * 1000);
    assert_within(total(&p), 61 * 125000, 3);
    run_poller(&p, 5 * SECOND_NS, 10 * 1000);
    assert_within(total(&p), 5 * 125000, 3);
}

/* Long pauses of the poller. */
static void
test_pauses(void **state OVS_UNUSED)
{
    struct poller p = { .now = START, .n_queues = 4, .size = 1514 };
    uint64_t sum = 0;

    xenvif_credit_init(&p.rate);
    set_rate(&p.rate, 625000, 50000, p.now);
    for (int i = 0; i < 100; i++) {
        run_poller(&p, 10 * NS_PER_MS, 20 * 1000);
        sum += total(&p);
        p.now += 40 * NS_PER_MS;
    }
    /* Nothing is lost, ... */
    assert_within(sum, 100 * 625000, 3);

    /* ...and nothing saved for more than an interval. */
    p.now += 3600 * SECOND_NS;
    run_poller(&p, 50 * NS_PER_MS, 20 * 1000);
    assert_within(total(&p), 2 * 625000, 1);
    p.now += UINT64_C(100000000) * SECOND_NS;
    run_poller(&p, 50 * NS_PER_MS, 20 * 1000);
    assert_within(total(&p), 2 * 625000, 1);
}

/* Queues that stop asking do not keep their share to themselves. */
static void
test_quiet_queues(void **state OVS_UNUSED)
{
    struct poller p = { .now = START, .n_queues = 4, .size = 1514 };

    xenvif_credit_init(&p.rate);
    set_rate(&p.rate, 62500, 50000, p.now);
    run_poller(&p, SECOND_NS, 10 * 1000);
    p.n_queues = 2;
    run_poller(&p, 5 * SECOND_NS, 10 * 1000);
    assert_within(total(&p), 5 * 1250000, 3);
    assert_within(p.sent[0], 5 * 625000, 5);
    p.n_queues = 1;
    run_poller(&p, 5 * SECOND_NS, 10 * 1000);
    assert_within(p.sent[0], 5 * 1250000, 3);
}

/* The queue that is polled first after a pause gets no more than others. */
static void
test_order(void **state OVS_UNUSED)
{
    struct poller p = { .now = START, .n_queues = 3, .size = 1514 };

    xenvif_credit_init(&p.rate);
    set_rate(&p.rate, 62500, 50000, p.now);
    for (int i = 0; i < 20000; i++) {
        for (unsigned int q = 0; q < p.n_queues; q++) {
            poll_queue(&p, q);
            p.now += 100;
        }
        p.now += 500 * 1000;
    }
    for (unsigned int q = 0; q < p.n_queues; q++) {
        assert_within(p.sent[q], total(&p) / 3, 5);
    }
}

static void
test_change(void **state OVS_UNUSED)
{
    struct poller p = { .now = START, .n_queues = 1, .size = 1514 };

    xenvif_credit_init(&p.rate);
    assert_false(xenvif_credit_is_limited(&p.rate));
    set_rate(&p.rate, 6250000, 50000, p.now);
    assert_true(xenvif_credit_is_limited(&p.rate));
    run_poller(&p, SECOND_NS, 10 * 1000);
    assert_within(total(&p), 125000000 + 6250000, 3);

    /* What was saved at the higher rate does not last. */
    p.now += SECOND_NS;
    set_rate(&p.rate, 6250, 50000, p.now);
    run_poller(&p, 5 * SECOND_NS, 10 * 1000);
    assert_within(total(&p), 5 * 125000, 3);
    set_rate(&p.rate, 625000, 50000, p.now);
    run_poller(&p, 5 * SECOND_NS, 10 * 1000);
    assert_within(total(&p), 5 * 12500000, 3);

    /* Reserved with a limit, settled without one, and the other way round. */
    assert_true(xenvif_credit_reserve(&p.rate, 0, p.now + SECOND_NS) > 0);
    set_rate(&p.rate, 0, 0, p.now);
    assert_false(xenvif_credit_is_limited(&p.rate));
    xenvif_credit_settle(&p.rate, 0, 1000, 3000);
    assert_int_equal(xenvif_credit_reserve(&p.rate, 0, p.now),
                     XENVIF_CREDIT_NO_LIMIT);
    set_rate(&p.rate, 6250, 50000, p.now);
    xenvif_credit_settle(&p.rate, 0, XENVIF_CREDIT_NO_LIMIT, 3000);
    run_poller(&p, 5 * SECOND_NS, 10 * 1000);
    assert_within(total(&p), 5 * 125000, 3);
}

/* The largest packet may overdraw a small bucket, and is paid for. */
static void
test_overdraft(void **state OVS_UNUSED)
{
    struct xenvif_credit rate;
    int64_t credit;

    xenvif_credit_init(&rate);
    set_rate(&rate, 12500, 100000, START);
    credit = xenvif_credit_reserve(&rate, 0, START);
    assert_int_equal(credit, 12500);
    xenvif_credit_settle(&rate, 0, credit, 65535);
    assert_int_equal(xenvif_credit_reserve(&rate, 0, START), 0);

    /* 53035 bytes, and a 16th of a bucket, at 125000 bytes/s: 430.5 ms. */
    assert_int_equal(xenvif_credit_wait_ms(&rate, 0, START), 431);
    assert_int_equal(xenvif_credit_reserve(&rate, 0, START + 430 * NS_PER_MS),
                     0);
    assert_int_equal(xenvif_credit_wait_ms(&rate, 0, START + 430 * NS_PER_MS),
                     1);
    assert_int_equal(xenvif_credit_wait_ms(&rate, 0, START + 431 * NS_PER_MS),
                     0);
    assert_true(xenvif_credit_reserve(&rate, 0, START + 431 * NS_PER_MS) > 0);
}

/* A clock that another thread looked at later is no time machine. */
static void
test_clock(void **state OVS_UNUSED)
{
    struct xenvif_credit rate;
    int64_t credit;

    xenvif_credit_init(&rate);
    set_rate(&rate, 1000, 1000, START);
    credit = xenvif_credit_reserve(&rate, 0, START);
    xenvif_credit_settle(&rate, 0, credit, credit);
    assert_int_equal(xenvif_credit_reserve(&rate, 0, START - SECOND_NS), 0);
    assert_int_equal(xenvif_credit_reserve(&rate, 0, START), 0);
    assert_int_equal(xenvif_credit_reserve(&rate, 0, START + NS_PER_MS), 1000);
}

/* Numbers that only a hostile or absent-minded toolstack would write. */
static void
test_extremes(void **state OVS_UNUSED)
{
    static const struct xenvif_credit_config configs[] = {
        { 1, UINT32_MAX }, { UINT64_MAX, 1 }, { UINT64_MAX, UINT32_MAX },
        { UINT32_MAX, UINT32_MAX }, { 1, 1 },
    };

    for (size_t i = 0; i < ARRAY_SIZE(configs); i++) {
        struct poller p = { .now = START, .n_queues = 4, .size = 65535 };
        uint64_t bps = xenvif_credit_speed(&configs[i]);

        xenvif_credit_init(&p.rate);
        xenvif_credit_set(&p.rate, &configs[i], p.now);
        run_poller(&p, SECOND_NS, 100 * 1000);
        assert_true(total(&p) <= bps + 3 * UINT64_C(0x100000000));
        assert_true(total(&p) > 0);
        p.now += UINT64_C(3600) * 24 * 365 * SECOND_NS;
        run_poller(&p, SECOND_NS, 100 * 1000);
        assert_true(total(&p) > 0);
    }
}

/* On a ring. */

static void
put_frames(struct mock_queue *q, unsigned int n)
{
    static uint8_t frame[1000];

    for (unsigned int i = 0; i < n; i++) {
        mock_fill_frame(frame, sizeof frame);
        mock_tx_frame(q, frame, sizeof frame, NULL, 0, 0);
    }
    mock_tx_push(q);
}

static unsigned int
burst(struct mock_queue *q)
{
    struct dp_packet_batch batch;
    unsigned int n = mock_tx_burst(q, &batch);

    dp_packet_delete_batch(&batch, true);
    return n;
}

/* What exceeds the rate stays in the ring: not answered, not dropped. */
static void
test_ring(void **state)
{
    struct mock *mock = *state;
    struct mock_queue *q = &mock->queues[0];

    set_rate(&mock->terms.rate, 4500, 1000 * 1000 * 1000, xenvif_bucket_now());
    put_frames(q, 20);
    assert_int_equal(burst(q), 5);
    assert_int_equal(mock_tx_reap(q), 5);
    assert_int_equal(xenvif_tx_n_pending(mock_backend(q)), 15);
    assert_int_equal(mock_tx_count(q, throttled), 0);
    for (int i = 1; i < 10; i++) {
        assert_int_equal(burst(q), 0);
        assert_int_equal(mock_tx_reap(q), 0);
        assert_int_equal(mock_tx_count(q, throttled), i);
    }
    assert_true(xenvif_tx_wait_ms(mock_backend(q)) > 1000);

    /* The guest may fill its ring. */
    put_frames(q, NETIF_RING_SIZE - 15);
    assert_int_equal(burst(q), 0);
    assert_int_equal(xenvif_tx_n_pending(mock_backend(q)), NETIF_RING_SIZE);

    /* It goes on at once when the limit is gone. */
    set_rate(&mock->terms.rate, 0, 0, xenvif_bucket_now());
    assert_int_equal(xenvif_tx_wait_ms(mock_backend(q)), 0);
    for (int i = 0; i < NETIF_RING_SIZE / 32; i++) {
        assert_int_equal(burst(q), 32);
    }
    assert_int_equal(mock_tx_reap(q), NETIF_RING_SIZE);
    assert_int_equal(mock_tx_verdicts(q, XENVIF_TX_GOOD),
                     NETIF_RING_SIZE + 5);
}

/* Packets that are refused cost the guest no credit. */
static void
test_ring_errors(void **state)
{
    struct mock *mock = *state;
    struct mock_queue *q = &mock->queues[0];

    set_rate(&mock->terms.rate, 1000, 1000 * 1000 * 1000, xenvif_bucket_now());
    for (int i = 0; i < 10; i++) {
        mock_tx_request(q, 0, 0, 13, 0);
        mock_tx_end(q);
    }
    put_frames(q, 2);
    assert_int_equal(burst(q), 1);
    assert_int_equal(mock_tx_reap(q), 11);
    assert_int_equal(mock_tx_verdicts(q, XENVIF_TX_E_RUNT), 10);
    set_rate(&mock->terms.rate, 0, 0, xenvif_bucket_now());
    assert_int_equal(burst(q), 1);
    assert_int_equal(mock_tx_reap(q), 1);
}

static int
run(const char *name)
{
#define RING_TEST(NAME) \
    cmocka_unit_test_setup_teardown(NAME, mock_setup, mock_teardown)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse),
        cmocka_unit_test(test_speed),
        cmocka_unit_test(test_accuracy),
        cmocka_unit_test(test_intervals),
        cmocka_unit_test(test_pauses),
        cmocka_unit_test(test_quiet_queues),
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_change),
        cmocka_unit_test(test_overdraft),
        cmocka_unit_test(test_clock),
        cmocka_unit_test(test_extremes),
        RING_TEST(test_ring),
        RING_TEST(test_ring_errors),
    };
#undef RING_TEST

    return cmocka_run_group_tests_name(name, tests, NULL, NULL);
}

int
main(void)
{
    return mock_main(run);
}
