/* SPDX-License-Identifier: Apache-2.0 */

/* Unit test: meters on a virtual clock. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "util.h"
#include "rate/xenvif-meter.h"

#define SECOND INT64_C(1000000000)

/* Offers 'len' bytes every 'interval' ns for 'duration' ns and returns how
 * many bytes passed with each color. */
static void
offer(struct xenvif_meter *meter, uint32_t len, int64_t interval,
      int64_t duration, enum xenvif_color color, int64_t *now,
      uint64_t passed[3])
{
    memset(passed, 0, 3 * sizeof *passed);
    for (int64_t end = *now + duration; *now < end; *now += interval) {
        passed[xenvif_meter_mark(meter, len, color, *now)] += len;
    }
}

static void
assert_near(uint64_t value, uint64_t expected)
{
    assert_true(value >= expected - expected * 3 / 100);
    assert_true(value <= expected + expected * 3 / 100);
}

/* A single bucket lets its rate pass, and its burst once. */
static void
test_single_bucket(void **state OVS_UNUSED)
{
    static const uint64_t rates[] = {
        125000, 1250000, 12500000, 125000000, 1250000000
    };

    for (size_t i = 0; i < ARRAY_SIZE(rates); i++) {
        struct xenvif_meter_config config = { .cir = rates[i], .cbs = 3000 };
        int64_t now = 5 * SECOND;
        /* Twice the rate, for the time of 10,000 packets. */
        int64_t interval = SECOND / 2 * 1486 / rates[i];
        struct xenvif_meter meter;
        uint64_t passed[3];

        xenvif_meter_init(&meter, &config, now);
        offer(&meter, 1486, interval, 20000 * interval, XENVIF_GREEN, &now,
              passed);
        assert_near(passed[XENVIF_GREEN],
                    rates[i] * 20000 * interval / SECOND);
        assert_int_equal(passed[XENVIF_YELLOW], 0);
        assert_int_equal(passed[XENVIF_GREEN] + passed[XENVIF_RED],
                         UINT64_C(20000) * 1486);

        /* However long it was idle, there is one burst. */
        now += 3600 * SECOND;
        offer(&meter, 1000, 1, 10, XENVIF_GREEN, &now, passed);
        assert_int_equal(passed[XENVIF_GREEN], 3000);
    }
}

/* A packet larger than the bucket never passes. */
static void
test_small_burst(void **state OVS_UNUSED)
{
    struct xenvif_meter_config config = { .cir = 1000000, .cbs = 1000 };
    struct xenvif_meter meter;

    xenvif_meter_init(&meter, &config, 0);
    assert_int_equal(xenvif_meter_mark(&meter, 1001, XENVIF_GREEN, SECOND),
                     XENVIF_RED);
    assert_int_equal(xenvif_meter_mark(&meter, 1000, XENVIF_GREEN, SECOND),
                     XENVIF_GREEN);
}

/* The table of RFC 4115: committed, then excess, and never greener. */
static void
test_rfc4115(void **state OVS_UNUSED)
{
    struct xenvif_meter_config config = {
        .cir = 1000, .cbs = 1000, .eir = 500, .ebs = 500,
    };
    struct xenvif_meter meter;
    int64_t now = 0;

    xenvif_meter_init(&meter, &config, now);
    assert_int_equal(xenvif_meter_mark(&meter, 600, XENVIF_GREEN, now),
                     XENVIF_GREEN);
    assert_int_equal(xenvif_meter_mark(&meter, 500, XENVIF_GREEN, now),
                     XENVIF_YELLOW);
    assert_int_equal(xenvif_meter_mark(&meter, 500, XENVIF_GREEN, now),
                     XENVIF_RED);
    assert_int_equal(xenvif_meter_mark(&meter, 400, XENVIF_GREEN, now),
                     XENVIF_GREEN);

    /* In a second, both are full again. */
    now += SECOND;
    assert_int_equal(xenvif_meter_mark(&meter, 100, XENVIF_RED, now),
                     XENVIF_RED);
    assert_int_equal(xenvif_meter_mark(&meter, 500, XENVIF_YELLOW, now),
                     XENVIF_YELLOW);
    assert_int_equal(xenvif_meter_mark(&meter, 1, XENVIF_YELLOW, now),
                     XENVIF_RED);
    assert_int_equal(xenvif_meter_mark(&meter, 1000, XENVIF_GREEN, now),
                     XENVIF_GREEN);
}

static void
test_two_rates(void **state OVS_UNUSED)
{
    struct xenvif_meter_config config = {
        .cir = 1000000, .cbs = 2000, .eir = 3000000, .ebs = 2000,
    };
    struct xenvif_meter meter;
    int64_t now = 0;
    uint64_t passed[3];

    xenvif_meter_init(&meter, &config, now);
    /* 10 MB/s for 10 s. */
    offer(&meter, 1000, SECOND / 10000, 10 * SECOND, XENVIF_GREEN, &now,
          passed);
    assert_near(passed[XENVIF_GREEN], 10000000);
    assert_near(passed[XENVIF_YELLOW], 30000000);
    offer(&meter, 1000, SECOND / 10000, 10 * SECOND, XENVIF_YELLOW, &now,
          passed);
    assert_int_equal(passed[XENVIF_GREEN], 0);
    assert_near(passed[XENVIF_YELLOW], 30000000);
}

/* New parameters do not fill the buckets. */
static void
test_change(void **state OVS_UNUSED)
{
    struct xenvif_meter_config config = { .cir = 1000, .cbs = 5000 };
    struct xenvif_meter meter;

    xenvif_meter_init(&meter, &config, 0);
    assert_int_equal(xenvif_meter_mark(&meter, 4000, XENVIF_GREEN, 0),
                     XENVIF_GREEN);
    config.cbs = 100000;
    xenvif_meter_change(&meter, &config, 0);
    assert_int_equal(xenvif_meter_mark(&meter, 1001, XENVIF_GREEN, 0),
                     XENVIF_RED);
    assert_int_equal(xenvif_meter_mark(&meter, 1000, XENVIF_GREEN, 0),
                     XENVIF_GREEN);
    config.cir = 50000;
    xenvif_meter_change(&meter, &config, SECOND);
    assert_int_equal(xenvif_meter_mark(&meter, 1001, XENVIF_GREEN, SECOND),
                     XENVIF_RED);
    assert_int_equal(xenvif_meter_mark(&meter, 50000, XENVIF_GREEN,
                                       2 * SECOND), XENVIF_GREEN);
}

/* The largest numbers do not overflow, and clocks that stand still or go
 * backwards do no harm. */
static void
test_extremes(void **state OVS_UNUSED)
{
    struct xenvif_meter_config config = {
        .cir = XENVIF_BUCKET_MAX_RATE, .cbs = XENVIF_BUCKET_MAX_DEPTH,
        .eir = 0, .ebs = 0,
    };
    struct xenvif_meter meter;

    xenvif_meter_init(&meter, &config, 0);
    for (unsigned int i = 0; i < 3; i++) {
        assert_int_equal(xenvif_meter_mark(&meter, UINT32_MAX, XENVIF_GREEN,
                                           INT64_MAX / 4 * (i + 1)),
                         XENVIF_GREEN);
        assert_int_equal(xenvif_meter_mark(&meter, 1, XENVIF_GREEN,
                                           INT64_MAX / 4 * (i + 1)),
                         XENVIF_RED);
        assert_int_equal(xenvif_meter_mark(&meter, 1, XENVIF_GREEN, 0),
                         XENVIF_RED);
    }

    memset(&config, 0, sizeof config);
    xenvif_meter_init(&meter, &config, 0);
    assert_int_equal(xenvif_meter_mark(&meter, 1, XENVIF_GREEN, INT64_MAX),
                     XENVIF_RED);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_single_bucket),
        cmocka_unit_test(test_small_burst),
        cmocka_unit_test(test_rfc4115),
        cmocka_unit_test(test_two_rates),
        cmocka_unit_test(test_change),
        cmocka_unit_test(test_extremes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
