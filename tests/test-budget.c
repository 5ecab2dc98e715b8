/* SPDX-License-Identifier: Apache-2.0 */

/* Unit test: what a guest may cost. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <unistd.h>

#include "timeval.h"
#include "util.h"
#include "rate/xenvif-budget.h"

/* Returns the limits that follow from a file with this content. */
static struct xenvif_budget_limits
limits_of(const char *content)
{
    char path[] = "/tmp/xenvif-budget.XXXXXX";
    struct xenvif_budget_limits limits;
    int fd = mkstemp(path);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, content, strlen(content)), strlen(content));
    close(fd);
    limits = xenvif_budget_read_limits(path);
    unlink(path);
    return limits;
}

static void
expect_limits(const char *content, uint32_t total, uint32_t guest)
{
    struct xenvif_budget_limits limits = limits_of(content);

    assert_int_equal(limits.total, total);
    assert_int_equal(limits.guest, guest);
}

/* Well under what the kernel allows, whatever that is. */
static void
test_limits(void **state OVS_UNUSED)
{
    struct xenvif_budget_limits limits;

    expect_limits("65530\n", 40956, 5119);
    expect_limits("1000\n", 625, 78);
    expect_limits("262144\n", 131072, 16384);
    expect_limits("2147483642\n", 131072, 16384);

    /* Linux's default if the kernel does not say. */
    expect_limits("", 40956, 5119);
    expect_limits("0\n", 40956, 5119);
    expect_limits("many\n", 40956, 5119);
    limits = xenvif_budget_read_limits("/nonexistent");
    assert_int_equal(limits.total, 40956);

    /* Eight queues with two rings full each are within them. */
    assert_true(limits.guest >= 8 * 512);
}

static void
test_pages(void **state OVS_UNUSED)
{
    const struct xenvif_budget_limits limits = { .total = 150, .guest = 100 };
    struct xenvif_budget a, b;

    xenvif_budget_set_limits(&limits);
    xenvif_budget_init(&a, 1);
    xenvif_budget_init(&b, 2);
    assert_int_equal(xenvif_budget_page_room(&a), 100);
    xenvif_budget_take_pages(&a, 100);
    assert_int_equal(xenvif_budget_page_room(&a), 0);
    assert_int_equal(xenvif_budget_page_room(&b), 50);
    xenvif_budget_take_pages(&b, 50);
    assert_int_equal(xenvif_budget_page_room(&b), 0);
    xenvif_budget_give_pages(&a, 10);
    assert_int_equal(xenvif_budget_page_room(&a), 10);
    assert_int_equal(xenvif_budget_page_room(&b), 10);
    xenvif_budget_take_pages(&b, 10);
    assert_int_equal(xenvif_budget_page_room(&a), 0);
    xenvif_budget_give_pages(&a, 90);
    xenvif_budget_give_pages(&b, 60);
    assert_int_equal(xenvif_budget_page_room(&a), 100);
}

/* Vifs of a guest share an account, those of others have others. */
static void
test_shared(void **state OVS_UNUSED)
{
    struct xenvif_budget *a = xenvif_budget_ref(7);
    struct xenvif_budget *b = xenvif_budget_ref(8);
    int64_t left = xenvif_budget_left(a);

    assert_ptr_equal(xenvif_budget_ref(7), a);
    assert_ptr_not_equal(a, b);
    xenvif_budget_spend(a, left + 1000);
    assert_false(xenvif_budget_can_spend(a, 0));
    assert_true(xenvif_budget_can_spend(b, 0));
    assert_int_equal(xenvif_budget_left(b), left);
    xenvif_budget_unref(a);
    assert_ptr_equal(xenvif_budget_ref(7), a);
    assert_false(xenvif_budget_can_spend(a, 0));
    xenvif_budget_unref(a);
    xenvif_budget_unref(a);
    xenvif_budget_unref(b);
}

/* Whoever overdrew the account waits until it is balanced. */
static void
test_debt(void **state OVS_UNUSED)
{
    struct xenvif_budget budget;
    long long int due;

    xenvif_budget_init(&budget, 1);
    assert_true(xenvif_budget_due(&budget, 0) <= time_msec());
    xenvif_budget_spend(&budget, xenvif_budget_left(&budget) + 50 * 1000);
    due = xenvif_budget_due(&budget, 0);
    assert_in_range(due - time_msec(), 1, 1100);

    /* A second of its own later, there is something again. */
    budget.work.updated -= 1001 * 1000 * INT64_C(1000);
    assert_true(xenvif_budget_can_spend(&budget, 0));
    assert_true(xenvif_budget_due(&budget, 0) <= time_msec());
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_pages),
        cmocka_unit_test(test_shared),
        cmocka_unit_test(test_debt),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
