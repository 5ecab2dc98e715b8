/* SPDX-License-Identifier: Apache-2.0 */

/* Unit test: how many rxqs a port has, whatever its guest does. */

#include <config.h>

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "netdev-xenvif-private.h"
#include "random.h"
#include "util.h"

#define QUIET NETDEV_XENVIF_QUIET_MS

/* As long ago as nothing else. */
#define NEVER (LLONG_MIN / 2)

static struct netdev_xenvif_rxqs
new_port(void)
{
    return (struct netdev_xenvif_rxqs) {
        .n = 1, .changed_at = NEVER, .grown_at = NEVER,
    };
}

/* A guest that boots, and again with other numbers of queues. */
static void
test_grow_and_shrink(void **state OVS_UNUSED)
{
    struct netdev_xenvif_rxqs rxqs = new_port();
    long long int now = 1000;

    assert_false(netdev_xenvif_rxqs_run(&rxqs, 0, 8, now));
    assert_int_equal(rxqs.n, 1);
    assert_true(netdev_xenvif_rxqs_run(&rxqs, 4, 8, now));
    assert_int_equal(rxqs.n, 4);
    assert_false(netdev_xenvif_rxqs_run(&rxqs, 4, 8, now + 10 * QUIET));
    assert_true(netdev_xenvif_rxqs_next(&rxqs) == LLONG_MAX);

    /* It is gone: nothing changes. */
    now += 20 * QUIET;
    assert_false(netdev_xenvif_rxqs_run(&rxqs, 0, 8, now));
    assert_true(netdev_xenvif_rxqs_next(&rxqs) == LLONG_MAX);
    assert_false(netdev_xenvif_rxqs_run(&rxqs, 0, 8, now + 10 * QUIET));

    /* It comes back with fewer. */
    now += 20 * QUIET;
    assert_false(netdev_xenvif_rxqs_run(&rxqs, 2, 8, now));
    assert_int_equal(netdev_xenvif_rxqs_next(&rxqs), now + QUIET);
    assert_false(netdev_xenvif_rxqs_run(&rxqs, 2, 8, now + QUIET - 1));
    assert_int_equal(rxqs.n, 4);
    assert_true(netdev_xenvif_rxqs_run(&rxqs, 2, 8, now + QUIET));
    assert_int_equal(rxqs.n, 2);
}

/* Reconnecting begins the time anew. */
static void
test_no_quiet(void **state OVS_UNUSED)
{
    struct netdev_xenvif_rxqs rxqs = new_port();
    long long int now = 1000;

    netdev_xenvif_rxqs_run(&rxqs, 4, 8, now);
    for (int i = 0; i < 10; i++) {
        now += QUIET / 2;
        assert_false(netdev_xenvif_rxqs_run(&rxqs, 2, 8, now));
        now += QUIET / 2;
        assert_false(netdev_xenvif_rxqs_run(&rxqs, 0, 8, now));
    }
    assert_int_equal(rxqs.n, 4);
}

/* A guest that wants one more each time gets what it can want. */
static void
test_steps(void **state OVS_UNUSED)
{
    struct netdev_xenvif_rxqs rxqs = new_port();

    assert_true(netdev_xenvif_rxqs_run(&rxqs, 2, 64, 1000));
    assert_true(netdev_xenvif_rxqs_run(&rxqs, 3, 64, 1001));
    for (unsigned int n = 4; n <= 64; n++) {
        assert_false(netdev_xenvif_rxqs_run(&rxqs, n, 64, 1000 + n));
    }

    /* An earlier backend may have offered more than we would. */
    rxqs = new_port();
    assert_true(netdev_xenvif_rxqs_run(&rxqs, 2, 4, 1000));
    assert_true(netdev_xenvif_rxqs_run(&rxqs, 6, 4, 1001));
    assert_int_equal(rxqs.n, 6);
}

/* As netdev_xenvif_rxqs_run(), and checks that this is not the fourth change
 * within a short time.  'changes' are the times of the last three. */
static void
run_and_judge(struct netdev_xenvif_rxqs *rxqs, unsigned int n_queues,
              long long int now, long long int changes[3])
{
    if (netdev_xenvif_rxqs_run(rxqs, n_queues, 8, now)) {
        assert_true(now - changes[0] >= QUIET);
        changes[0] = changes[1];
        changes[1] = changes[2];
        changes[2] = now;
    }
    assert_in_range(rxqs->n, MAX(n_queues, 1), 8);
}

/* Whatever a guest does and whenever: each queue has its rxq, and there are at
 * most three changes in the time in which nothing may shrink. */
static void
test_bound(void **state OVS_UNUSED)
{
    for (uint32_t seed = 1; seed <= 200; seed++) {
        struct netdev_xenvif_rxqs rxqs = new_port();
        long long int changes[3] = { NEVER, NEVER, NEVER };
        long long int now = 1000;
        unsigned int max_ms;

        random_set_seed(seed);
        max_ms = 1 + random_range(2 * QUIET);
        for (int i = 0; i < 2000; i++) {
            unsigned int n_queues = random_range(9);

            now += random_range(max_ms);
            run_and_judge(&rxqs, n_queues, now, changes);
            if (netdev_xenvif_rxqs_next(&rxqs) != LLONG_MAX
                && random_range(2)) {
                now = MAX(now, netdev_xenvif_rxqs_next(&rxqs));
                run_and_judge(&rxqs, n_queues, now, changes);
                assert_int_equal(rxqs.n, n_queues);
            }
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_grow_and_shrink),
        cmocka_unit_test(test_no_quiet),
        cmocka_unit_test(test_steps),
        cmocka_unit_test(test_bound),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
