/* SPDX-License-Identifier: Apache-2.0 */

/* Unit test: a vif's life beside the table of states: the order in which vifs
 * are served, and what is written about trouble. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "latch.h"
#include "mock-store.h"
#include "util.h"
#include "rate/xenvif-budget.h"
#include "vif/xenvif-life.h"
#include "vif/xenvif-thread.h"

#define OWN "/local/domain/0"
#define BACKEND OWN"/backend/vif/7/0"
#define ERROR_NODE OWN"/error/backend/vif/7/0/error"

static struct latch latch;

static int
setup(void **state OVS_UNUSED)
{
    store_clear();
    latch_init(&latch);
    return 0;
}

static int
teardown(void **state OVS_UNUSED)
{
    latch_destroy(&latch);
    return 0;
}

/* Serves as many of 'vifs' as there is time for in turn 'turn'. */
static void
serve(struct xenvif **vifs, size_t n, size_t n_served, uint64_t turn)
{
    xenvif_thread_sort(vifs, n);
    for (size_t i = 0; i < n_served; i++) {
        vifs[i]->turn = turn;
    }
}

/* All vifs of a guest have the same budget.  If turns end before all of them
 * were served, each has its turn nevertheless, in whatever order they are
 * found. */
static void
test_vifs_of_a_guest_take_turns(void **state OVS_UNUSED)
{
    struct xenvif *table[3], *vifs[3];
    unsigned int n_turns[3] = { 0 };

    for (size_t i = 0; i < ARRAY_SIZE(vifs); i++) {
        table[i] = xenvif_create(7, i, &latch);
    }
    for (uint64_t turn = 1; turn <= 30; turn++) {
        memcpy(vifs, table, sizeof vifs);
        serve(vifs, ARRAY_SIZE(vifs), 1, turn);
        n_turns[vifs[0]->handle]++;
    }
    for (size_t i = 0; i < ARRAY_SIZE(vifs); i++) {
        assert_int_equal(n_turns[i], 10);
        xenvif_destroy(table[i]);
    }
}

/* What is left of the budget counts for more than whose turn it is. */
static void
test_budget_comes_first(void **state OVS_UNUSED)
{
    struct xenvif *spender = xenvif_create(7, 0, &latch);
    struct xenvif *other = xenvif_create(8, 0, &latch);
    struct xenvif *vifs[] = { spender, other };

    xenvif_budget_spend(spender->terms.budget, XENVIF_PRICE_LOOK);
    other->turn = 5;
    xenvif_thread_sort(vifs, ARRAY_SIZE(vifs));
    assert_ptr_equal(vifs[0], other);
    assert_ptr_equal(vifs[1], spender);
    xenvif_destroy(spender);
    xenvif_destroy(other);
}

/* Trouble between the begin of a session with XenStore and the first look at
 * the vif is written down as soon as it is known where. */
static void
test_trouble_after_new_session(void **state OVS_UNUSED)
{
    struct xenvif *xenvif = xenvif_create(7, 0, &latch);

    store_put(BACKEND"/frontend", "/local/domain/7/device/vif/0");
    store_put(BACKEND"/state", "4");
    store_put("/local/domain/7/device/vif/0/state", "4");
    xenvif_run(xenvif, OWN);
    xenvif_store_lost(xenvif);
    xenvif_complain(xenvif, "something %s", "broke");
    assert_null(mock_store.last_written);
    assert_string_equal(xenvif->now.last_error, "something broke");

    xenvif_run(xenvif, OWN);
    assert_string_equal(store_get(ERROR_NODE), "something broke");
    assert_string_equal(mock_store.last_written, ERROR_NODE);

    /* Once. */
    store_drop(ERROR_NODE);
    xenvif->dirty = true;
    xenvif_run(xenvif, OWN);
    xenvif_complain(xenvif, "something broke");
    assert_null(store_get(ERROR_NODE));
    xenvif_destroy(xenvif);
}

#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_vifs_of_a_guest_take_turns),
        TEST(test_budget_comes_first),
        TEST(test_trouble_after_new_session),
    };

    return cmocka_run_group_tests(tests, mock_store_group_setup,
                                  mock_store_group_teardown);
}
