/* SPDX-License-Identifier: Apache-2.0 */

/* Component test: what mapping pages of a guest may cost.  See also
 * test-gref.c. */

#include <config.h>

#include "mock-frontend.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>

#include "latch.h"
#include "openvswitch/poll-loop.h"
#include "ovs-atomic.h"
#include "ovs-rcu.h"
#include "ovs-thread.h"
#include "timeval.h"
#include "util.h"
#include "rate/xenvif-budget.h"
#include "ring/xenvif-ctrl-ring.h"
#include "vif/xenvif.h"
#include "xen/xenvif-grace.h"
#include "xen/xenvif-gref.h"

enum {
    N_QUEUES = 2,
    MAX_GREFS = XENVIF_GREF_MAX
};

enum {
    SUCCESS = XEN_NETIF_CTRL_STATUS_SUCCESS,
    INVALID = XEN_NETIF_CTRL_STATUS_INVALID_PARAMETER,
};

static struct xen_netif_gref list[MAX_GREFS];

static int
setup(void **state)
{
    return mock_setup_ctrl(state, N_QUEUES, -20);
}

/* How many calls that map, and that unmap, there were since the last call. */
static void
expect_calls(unsigned int n_map, unsigned int n_unmap)
{
    static struct xenemu_counters before;
    struct xenemu_counters now;

    assert_int_equal(xenemu_get_counters(NULL, 0, &now), 0);
    if (n_map != UINT_MAX) {
        assert_int_equal(now.map_calls - before.map_calls, n_map);
        assert_int_equal(now.unmap_calls - before.unmap_calls, n_unmap);
    }
    before = now;
}

/* A list takes a call for each kind of page, whatever its length, because each
 * call takes one of the mappings that a process can have. */
static void
test_one_call_for_a_list(void **state)
{
    struct mock *mock = *state;

    mock_stage(&mock->queues[0], list);
    expect_calls(UINT_MAX, 0);
    assert_int_equal(mock_gref_add(mock, 0, list, MAX_GREFS), SUCCESS);
    expect_calls(2, 0);

    /* Of the pages that can only be read, some are taken back: the others are
     * mapped again with one call. */
    assert_int_equal(mock_gref_del(mock, 0, &list[20], 100), 100);
    expect_calls(1, 1);
    mock_assert_mapped(mock, MAX_GREFS - 100);
    assert_int_equal(mock_gref_del(mock, 0, list, MAX_GREFS), MAX_GREFS - 100);
    expect_calls(0, 2);
    mock_assert_mapped(mock, 0);

    /* Alternating kinds. */
    for (unsigned int i = 0; i < 40; i++) {
        list[i].flags = i % 2 ? XEN_NETIF_CTRLF_GREF_readonly : 0;
        list[i].ref = mock->queues[0].tx_slots[i].staged;
    }
    for (unsigned int i = 0; i < 40; i += 2) {
        list[i].ref = mock->queues[0].rx_slots[i].staged;
    }
    expect_calls(UINT_MAX, 0);
    assert_int_equal(mock_gref_add(mock, 0, list, 40), SUCCESS);
    expect_calls(2, 0);
    assert_int_equal(mock_gref_del(mock, 0, list, 40), 40);
    mock_unstage(&mock->queues[0]);
}

/* What is left of a list cannot be mapped again: it is copied, and the guest
 * gets its answer. */
static void
test_cannot_map_again(void **state)
{
    struct mock *mock = *state;

    mock_stage(&mock->queues[0], list);
    assert_int_equal(mock_gref_add(mock, 0, list, 40), SUCCESS);
    assert_int_equal(xenemu_set_fault(NULL, "map", -1, ENOMEM, 0, 100), 0);
    assert_int_equal(mock_gref_del(mock, 0, list, 10), 10);
    assert_int_equal(xenemu_set_fault(NULL, "map", -1, 0, 0, 0), 0);
    mock_assert_mapped(mock, 0);
    assert_int_equal(mock_gref_del(mock, 0, &list[10], 30), 0);
    assert_int_equal(mock_gref_add(mock, 0, list, 40), SUCCESS);
    assert_int_equal(mock_gref_del(mock, 0, list, 40), 40);
    mock_unstage(&mock->queues[0]);
}

/* Limits on what one guest, and what all together may have mapped. */

static void
set_limits(uint32_t guest, uint32_t total)
{
    struct xenvif_budget_limits limits = { .guest = guest, .total = total };

    xenvif_budget_set_limits(&limits);
}

static int
teardown_limits(void **state)
{
    struct xenvif_budget_limits limits
        = xenvif_budget_read_limits("/nonexistent");

    xenvif_budget_set_limits(&limits);
    return mock_teardown(state);
}

static void
test_limit_of_a_guest(void **state)
{
    struct mock *mock = *state;

    set_limits(100, 1000);
    mock_stage(&mock->queues[0], list);
    assert_int_equal(mock_gref_add(mock, 0, list, 60), SUCCESS);

    /* The other queue has the same account. */
    assert_int_equal(mock_gref_add(mock, 1, list, 41), INVALID);
    assert_int_equal(xenvif_conn_n_refused(mock->conn), 41);
    assert_int_equal(mock_gref_add(mock, 1, list, 40), SUCCESS);
    assert_int_equal(mock_gref_add(mock, 1, &list[40], 1), INVALID);
    assert_int_equal(xenvif_conn_n_refused(mock->conn), 42);
    mock_assert_mapped(mock, 100);

    /* What is given back can be had again. */
    assert_int_equal(mock_gref_del(mock, 0, &list[59], 1), 1);
    assert_int_equal(mock_gref_add(mock, 1, &list[40], 1), SUCCESS);
    assert_int_equal(mock_gref_del(mock, 0, list, 59), 59);
    assert_int_equal(mock_gref_del(mock, 1, list, 41), 41);
    assert_int_equal(mock->budget.n_pages, 0);

    /* So does what goes with a connection. */
    assert_int_equal(mock_gref_add(mock, 0, list, 100), SUCCESS);
    mock_reconnect(mock, 0);
    assert_int_equal(mock->budget.n_pages, 0);
    assert_int_equal(mock_gref_add(mock, 1, list, 100), SUCCESS);
    assert_int_equal(mock_gref_del(mock, 1, list, 100), 100);
    mock_unstage(&mock->queues[0]);
}

static void
test_limit_of_all(void **state)
{
    static struct xen_netif_gref other_list[MAX_GREFS];
    struct mock *mock = *state;
    struct mock *other = mock_create(1, false, 0);

    set_limits(100, 150);
    mock_add_ctrl(other);
    mock_connect(other);
    mock_stage(&mock->queues[0], list);
    mock_stage(&other->queues[0], other_list);
    assert_int_equal(mock_gref_add(mock, 0, list, 100), SUCCESS);
    assert_int_equal(mock_gref_add(other, 0, other_list, 51), INVALID);
    assert_int_equal(xenvif_conn_n_refused(other->conn), 51);
    assert_int_equal(xenvif_conn_n_refused(mock->conn), 0);
    assert_int_equal(mock_gref_add(other, 0, other_list, 50), SUCCESS);
    assert_int_equal(mock_gref_del(mock, 0, list, 100), 100);
    assert_int_equal(mock_gref_add(other, 0, &other_list[50], 50), SUCCESS);
    assert_int_equal(mock_gref_del(other, 0, other_list, 100), 100);
    mock_unstage(&mock->queues[0]);
    mock_unstage(&other->queues[0]);
    mock_destroy(other);
}

/* A guest that takes pages back waits until nobody uses them.  Nobody waits
 * with it. */

static atomic_bool may_quiesce = false;

static void *
idler_main(void *ready_)
{
    bool stop = false;

    latch_set(ready_);
    while (!stop) {
        atomic_read(&may_quiesce, &stop);
        sched_yield();
    }
    ovsrcu_quiesce();
    return NULL;
}

static void
test_others_do_not_wait(void **state)
{
    struct mock *mock = *state;
    struct mock *other = mock_create(1, false, 0);
    uint32_t pfn = xenemu_dom_alloc_page(mock->dom);
    int32_t gref = xenemu_grant(mock->dom, 0, pfn, false);
    struct xen_netif_ctrl_response rsp;
    struct latch ready;
    bool more = false;
    pthread_t thread;

    mock_add_ctrl(other);
    mock_connect(other);
    mock_stage(&mock->queues[0], list);
    assert_int_equal(mock_gref_add(mock, 0, list, 100), SUCCESS);
    latch_init(&ready);
    atomic_store(&may_quiesce, false);
    thread = ovs_thread_create("idler", idler_main, &ready);
    while (!latch_poll(&ready)) {
        sched_yield();
    }

    memcpy(xenemu_dom_page(mock->dom, pfn), list, 100 * sizeof *list);
    mock_ctrl_put(mock, XEN_NETIF_CTRL_TYPE_DEL_GREF_MAPPING, 0, gref, 100,
                  true);
    for (unsigned int i = 0; i < 20; i++) {
        xenvif_conn_run_ctrl(mock->conn, &more);
        xenvif_grace_run();
        assert_int_equal(mock_ctrl_call(
            other, XEN_NETIF_CTRL_TYPE_GET_HASH_MAPPING_SIZE, 0, 0, 0, NULL),
            SUCCESS);
        mock_assert_mapped(mock, 100);
        assert_int_equal(netif_ring_load(mock->ctrl->page, NETIF_RSP_PROD),
                         mock->ctrl->cons);
    }

    /* They cannot be found any more, though. */
    assert_null(xenvif_gref_lookup(&mock_backend(&mock->queues[0])->grefs,
                                   list[0].ref, false));
    atomic_store(&may_quiesce, true);
    xpthread_join(thread, NULL);
    while (mock_ctrl_run(mock)) {
        continue;
    }
    mock_ctrl_take(mock, &rsp);
    assert_int_equal(rsp.status, SUCCESS);
    assert_int_equal(rsp.data, 100);
    mock_assert_mapped(mock, 0);
    assert_int_equal(xenemu_ungrant(mock->dom, gref), 0);
    mock_unstage(&mock->queues[0]);
    mock_destroy(other);
    latch_destroy(&ready);
}

/* Messages cost something: a guest that sends too many has to wait until it is
 * served again, and only this guest. */
static void
test_messages_are_paid_for(void **state)
{
    struct mock *mock = *state;
    struct mock *other = mock_create(1, false, 0);
    struct xenvif_ctrl *backend = mock->conn->ctrl;
    struct xen_netif_ctrl_response rsp;
    uint64_t n_messages;
    bool more = false;

    mock_add_ctrl(other);
    mock_connect(other);
    for (unsigned int i = 0; i < 100; i++) {
        mock_ctrl_put(mock, XEN_NETIF_CTRL_TYPE_GET_HASH_MAPPING_SIZE, 0, 0,
                      0, true);
    }
    mock->budget.work.level = (XENVIF_BUDGET_RESERVE
                               + 5 * XENVIF_PRICE_MESSAGE)
                              * XENVIF_BUCKET_TOKEN;
    mock->budget.work.rate = 0;
    for (unsigned int i = 0; i < 10; i++) {
        xenvif_conn_run_ctrl(mock->conn, &more);
        assert_int_equal(mock_ctrl_call(
            other, XEN_NETIF_CTRL_TYPE_GET_HASH_MAPPING_SIZE, 0, 0, 0, NULL),
            SUCCESS);
    }
    assert_int_equal(xenvif_counter_get(&backend->n_messages), 5);
    assert_true(xenvif_ctrl_is_held(backend));

    /* An expensive one may overdraw the account. */
    mock->budget.work.level = (XENVIF_BUDGET_RESERVE + 1)
                              * XENVIF_BUCKET_TOKEN;
    n_messages = xenvif_counter_get(&backend->n_messages);
    xenvif_conn_run_ctrl(mock->conn, &more);
    assert_int_equal(xenvif_counter_get(&backend->n_messages),
                     n_messages + 1);
    assert_true(xenvif_budget_left(&mock->budget) < XENVIF_BUDGET_RESERVE);
    xenvif_conn_run_ctrl(mock->conn, &more);
    assert_int_equal(xenvif_counter_get(&backend->n_messages),
                     n_messages + 1);

    while (mock_ctrl_run(mock)) {
        continue;
    }
    for (unsigned int i = 0; i < 100; i++) {
        mock_ctrl_take(mock, &rsp);
        assert_int_equal(rsp.status, SUCCESS);
    }
    mock_destroy(other);
}

/* However many messages there are, they leave something for what the toolstack
 * and the guest say in XenStore. */
static void
test_messages_leave_something(void **state)
{
    struct mock *mock = *state;
    struct xen_netif_ctrl_response rsp;
    bool more = false;

    mock->budget.work.rate = 0;
    while (!xenvif_ctrl_is_held(mock->conn->ctrl)) {
        while (mock->ctrl->prod - mock->ctrl->cons < XENVIF_CTRL_RING_SIZE) {
            mock_ctrl_put(mock, XEN_NETIF_CTRL_TYPE_GET_HASH_FLAGS, 0, 0, 0,
                          true);
        }
        xenvif_conn_run_ctrl(mock->conn, &more);
        while (netif_ring_load(mock->ctrl->page, NETIF_RSP_PROD)
               != mock->ctrl->cons) {
            mock_ctrl_take(mock, &rsp);
        }
    }
    assert_true(xenvif_budget_left(&mock->budget) > XENVIF_PRICE_CONNECT);
    assert_true(xenvif_budget_due(&mock->budget, 0) <= time_msec());
    while (mock_ctrl_run(mock)) {
        continue;
    }
    while (mock->ctrl->cons != mock->ctrl->prod) {
        mock_ctrl_take(mock, &rsp);
    }
}

/* While a message waits for other threads, the control thread sleeps, though
 * what is mapped has to be saved again. */
static void
test_sleeps_meanwhile(void **state)
{
    struct mock *mock = *state;
    struct xenvif *xenvif = xenvif_create(mock->domid, 0, &mock->latch);
    uint32_t pfn = xenemu_dom_alloc_page(mock->dom);
    int32_t gref = xenemu_grant(mock->dom, 0, pfn, false);
    struct xen_netif_ctrl_response rsp;
    long long int start;

    mock_stage(&mock->queues[0], list);
    assert_int_equal(mock_gref_add(mock, 0, list, 100), SUCCESS);
    memcpy(xenemu_dom_page(mock->dom, pfn), list, 100 * sizeof *list);
    ovsrcu_set(&xenvif->conn, mock->conn);
    xenvif_saved_begin(&xenvif->saved, mock->conn, false);
    xenvif_saved_set_dir(&xenvif->saved, xstrdup("/saved"));

    mock_ctrl_put(mock, XEN_NETIF_CTRL_TYPE_DEL_GREF_MAPPING, 0, gref, 100,
                  true);
    xenvif_run_ctrl(xenvif);
    assert_non_null(mock->conn->ctrl->del.list);
    start = time_msec();
    xenvif_wait(xenvif, false);
    poll_timer_wait(20);
    poll_block();
    assert_true(time_msec() - start >= 19);

    while (mock_ctrl_run(mock)) {
        continue;
    }
    mock_ctrl_take(mock, &rsp);
    assert_int_equal(rsp.status, SUCCESS);
    ovsrcu_set(&xenvif->conn, NULL);
    xenvif_destroy(xenvif);
    assert_int_equal(xenemu_ungrant(mock->dom, gref), 0);
    mock_unstage(&mock->queues[0]);
}

/* Likewise while nobody knows where to save it: a new connection to XenStore
 * is there, and the guest has to wait for its turn. */
static void
test_sleeps_without_store(void **state)
{
    struct mock *mock = *state;
    struct xenvif *xenvif = xenvif_create(mock->domid, 0, &mock->latch);
    struct xen_netif_ctrl_response rsp;
    long long int start;

    ovsrcu_set(&xenvif->conn, mock->conn);
    xenvif_saved_begin(&xenvif->saved, mock->conn, false);
    xenvif_run_ctrl(xenvif);
    mock_ctrl_put(mock, XEN_NETIF_CTRL_TYPE_SET_HASH_ALGORITHM, 1, 0, 0,
                  true);
    assert_false(xenvif_run_ctrl(xenvif));
    mock_ctrl_take(mock, &rsp);
    assert_int_equal(rsp.status, SUCCESS);
    assert_true(xenvif->saved.hash.unsaved);
    start = time_msec();
    xenvif_wait(xenvif, false);
    poll_timer_wait(20);
    poll_block();
    assert_true(time_msec() - start >= 19);
    ovsrcu_set(&xenvif->conn, NULL);
    xenvif_destroy(xenvif);
}

#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, setup, mock_teardown)
#define LIMIT_TEST(NAME) \
    cmocka_unit_test_setup_teardown(NAME, setup, teardown_limits)

static int
run(const char *name)
{
    const struct CMUnitTest tests[] = {
        TEST(test_one_call_for_a_list),
        TEST(test_cannot_map_again),
        LIMIT_TEST(test_limit_of_a_guest),
        LIMIT_TEST(test_limit_of_all),
        TEST(test_others_do_not_wait),
        TEST(test_messages_are_paid_for),
        TEST(test_messages_leave_something),
        TEST(test_sleeps_meanwhile),
        TEST(test_sleeps_without_store),
    };

    return cmocka_run_group_tests_name(name, tests, NULL, NULL);
}

int
main(void)
{
    return mock_main(run);
}
