/* SPDX-License-Identifier: Apache-2.0 */

/* Unit test: ingress policing.  Time is simulated. */

#include <config.h>

#include "mock-frontend.h"

#include "util.h"
#include "rate/xenvif-ingress.h"
#include "rate/xenvif-credit.h"

#define SECOND_NS UINT64_C(1000000000)
#define START UINT64_C(987654321)

static struct xenvif_ingress policer;

static int
setup(void **state OVS_UNUSED)
{
    xenvif_ingress_init(&policer);
    return 0;
}

static int
teardown(void **state OVS_UNUSED)
{
    xenvif_ingress_destroy(&policer);
    return 0;
}

static void
set_policer(struct xenvif_ingress *p, uint32_t kbits_rate,
            uint32_t kbits_burst, uint32_t kpkts_rate, uint32_t kpkts_burst,
            uint64_t now)
{
    const struct xenvif_ingress_config config = {
        kbits_rate, kbits_burst, kpkts_rate, kpkts_burst
    };

    xenvif_ingress_set(p, &config, now);
}

/* Offers packets of 'size' bytes every 'gap' ns for 'duration' ns.  Returns
 * how many were admitted. */
static uint64_t
offer(uint32_t size, uint64_t gap, uint64_t from, uint64_t duration)
{
    uint64_t n = 0;

    for (uint64_t now = from; now < from + duration; now += gap) {
        n += xenvif_ingress_admit(&policer, size, now);
    }
    return n;
}

static void
assert_about(uint64_t value, uint64_t wanted)
{
    assert_in_range(value, wanted - wanted / 100, wanted + wanted / 100);
}

static void
test_bytes(void **state OVS_UNUSED)
{
    assert_false(xenvif_ingress_is_active(&policer));
    set_policer(&policer, 100 * 1000, 1000, 0, 0, START);
    assert_true(xenvif_ingress_is_active(&policer));

    /* 5 s of 100 Mbit/s, and the burst. */
    assert_about(offer(1250, 3000, START, 5 * SECOND_NS), 50000 + 100);
    assert_about(offer(60, 1000, START + 5 * SECOND_NS, 5 * SECOND_NS),
                 5 * 12500000 / 60);
    set_policer(&policer, 0, 1000, 0, 0, START);
    assert_false(xenvif_ingress_is_active(&policer));
}

static void
test_packets(void **state OVS_UNUSED)
{
    set_policer(&policer, 0, 0, 10, 2, START);
    assert_about(offer(1250, 3000, START, 5 * SECOND_NS), 50000 + 2000);
    assert_about(offer(60, 1000, START + 5 * SECOND_NS, SECOND_NS), 10000);
}

/* The stricter one decides. */
static void
test_both(void **state OVS_UNUSED)
{
    set_policer(&policer, 8 * 1000, 8, 2, 1, START);
    assert_about(offer(1000, 10000, START, 5 * SECOND_NS), 5000);
    set_policer(&policer, 80 * 1000, 8, 2, 1, START);
    assert_about(offer(1000, 10000, START, 5 * SECOND_NS), 11000);
}

static void
test_defaults(void **state OVS_UNUSED)
{
    set_policer(&policer, 1, 0, 0, 0, START);
    assert_int_equal(offer(1000, 1, START, 3000), 1000);
    set_policer(&policer, 0, 0, 1, 0, START);
    assert_int_equal(offer(1000, 1, START, 20000), 16000);
}

/* The bridge sets the same values again and again. */
static void
test_unchanged(void **state OVS_UNUSED)
{
    set_policer(&policer, 1, 80, 0, 0, START);
    assert_int_equal(offer(1000, 1, START, 100), 10);
    set_policer(&policer, 1, 80, 0, 0, START + 100);
    assert_int_equal(offer(1000, 1, START + 100, 100), 0);
    set_policer(&policer, 1, 160, 0, 0, START + 200);
    assert_int_equal(offer(1000, 1, START + 200, 100), 20);
}

static void
test_extremes(void **state OVS_UNUSED)
{
    set_policer(&policer, UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX,
                START);
    assert_int_equal(offer(65535, 1000, START, SECOND_NS / 10), 100000);
    assert_int_equal(offer(65535, 1000, START + (UINT64_C(1) << 60), 1000),
                     1);
    set_policer(&policer, UINT32_MAX, 1, 1, 0, START);
    assert_int_equal(offer(126, 1000, START, SECOND_NS / 1000), 0);
    assert_int_equal(offer(125, 1000000, START, SECOND_NS / 10), 100);
}

/* On a ring: policed packets are answered as if nothing was wrong, and cost no
 * copy. */
static void
test_ring(void **state)
{
    static uint8_t frame[1000];
    struct mock *mock = *state;
    struct mock_queue *q = &mock->queues[0];
    struct dp_packet_batch batch;

    set_policer(&mock->terms.policer, 1, 80, 0, 0, xenvif_bucket_now());
    for (int i = 0; i < 20; i++) {
        mock_fill_frame(frame, sizeof frame);
        mock_tx_frame(q, frame, sizeof frame, NULL, 0, 0);
    }
    mock_tx_push(q);
    assert_int_equal(mock_tx_burst(q, &batch), 10);
    dp_packet_delete_batch(&batch, true);
    assert_int_equal(mock_tx_reap(q), 20);
    for (unsigned int i = 0; i < 20; i++) {
        assert_int_equal(mock_tx_status(q, q->tx_prod - 20 + i),
                         NETIF_RSP_OKAY);
    }
    assert_int_equal(mock_tx_verdicts(q, XENVIF_TX_E_POLICED), 10);
    assert_int_equal(mock_tx_verdicts(q, XENVIF_TX_GOOD), 10);
    assert_int_equal(mock_tx_count(q, packets), 10);
    assert_int_equal(mock_tx_count(q, bytes), 10000);
    assert_int_equal(mock_tx_count(q, copies), 10);

    /* They count for the rate all the same. */
    set_policer(&mock->terms.policer, 1, 8, 0, 0, xenvif_bucket_now());
    xenvif_credit_set(&mock->terms.rate,
                      &(struct xenvif_credit_config) { 4000, UINT32_MAX },
                      xenvif_bucket_now());
    for (int i = 0; i < 10; i++) {
        mock_tx_frame(q, frame, sizeof frame, NULL, 0, 0);
    }
    mock_tx_push(q);
    assert_int_equal(mock_tx_burst(q, &batch), 1);
    dp_packet_delete_batch(&batch, true);
    assert_int_equal(mock_tx_reap(q), 4);
    xenvif_credit_set(&mock->terms.rate,
                      &(struct xenvif_credit_config) { 0, 0 },
                      xenvif_bucket_now());
    assert_int_equal(mock_tx_burst(q, &batch), 0);
    assert_int_equal(mock_tx_reap(q), 6);
    assert_int_equal(mock_tx_verdicts(q, XENVIF_TX_E_POLICED), 19);
}

static int
run(const char *name)
{
#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_bytes),
        TEST(test_packets),
        TEST(test_both),
        TEST(test_defaults),
        TEST(test_unchanged),
        TEST(test_extremes),
        cmocka_unit_test_setup_teardown(test_ring, mock_setup,
                                        mock_teardown),
    };
#undef TEST

    return cmocka_run_group_tests_name(name, tests, NULL, NULL);
}

int
main(void)
{
    return mock_main(run);
}
