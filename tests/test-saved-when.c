/* SPDX-License-Identifier: Apache-2.0 */

/* Unit test: when what is kept of a guest's configuration is written, and when
 * it is forgotten. */

#include <config.h>

#include "mock-frontend.h"

#include <limits.h>
#include <string.h>

#include "mock-store.h"
#include "util.h"
#include "packet/xenvif-hash.h"
#include "ring/xenvif-ctrl-ring.h"
#include "vif/xenvif-saved.h"
#include "xen/xenvif-gref.h"

#define DIR "/local/domain/0/data/xenvif/7/1"

enum {
    SUCCESS = XEN_NETIF_CTRL_STATUS_SUCCESS,
    INVALID = XEN_NETIF_CTRL_STATUS_INVALID_PARAMETER,
    NOW = 100000,               /* Ms, as good as any. */
    N_PAGES = 40,
};

static struct xenvif_saved saved;
static struct xen_netif_gref list[2 * NETIF_RING_SIZE];

static void
set_dir(void)
{
    xenvif_saved_set_dir(&saved, xstrdup(DIR));
}

static int
setup(void **state)
{
    struct mock *mock;

    store_clear();
    mock_setup_ctrl(state, 1, 0);
    mock = *state;
    mock_stage(&mock->queues[0], list);
    xenvif_saved_init(&saved);
    set_dir();
    xenvif_saved_begin(&saved, mock->conn, false);
    return 0;
}

static int
teardown(void **state)
{
    struct mock *mock = *state;

    mock_disconnect(mock);
    mock_unstage(&mock->queues[0]);
    mock_destroy(mock);
    xenvif_saved_destroy(&saved);
    return 0;
}

/* The guest has its pages mapped. */
static void
map_pages(struct mock *mock)
{
    assert_int_equal(mock_gref_add(mock, 0, list, N_PAGES), SUCCESS);
    xenvif_saved_note_changed(&saved, mock->changed);
}

/* The guest wants its pages back. */
static uint32_t
try_unmap(struct mock *mock)
{
    return mock_ctrl_call_page(mock, XEN_NETIF_CTRL_TYPE_DEL_GREF_MAPPING, 0,
                               0, N_PAGES, 1, list, N_PAGES * sizeof *list,
                               NULL);
}

static void
add_address(struct mock *mock, uint8_t last)
{
    struct eth_addr addr = { .ea = { 0x33, 0x33, 0, 0, 0, last } };

    assert_true(xenvif_multicast_add(&mock->terms.multicast, addr));
}

/* Runs at 'now'.  Returns how many nodes were written. */
static unsigned int
run_at(long long int now)
{
    unsigned int before = mock_store.n_writes;

    xenvif_saved_run(&saved, now);
    return mock_store.n_writes - before;
}

/* Nothing changed: nothing to write, ever. */
static void
test_idle(void **state OVS_UNUSED)
{
    assert_true(xenvif_saved_next(&saved) == LLONG_MAX);
    assert_int_equal(run_at(NOW), 0);
    xenvif_saved_look(&saved);
    assert_int_equal(run_at(NOW), 0);
}

/* The first change is written at once, the next one after 'interval'. */
static void
expect_interval(unsigned int changed, unsigned int n_nodes, int interval)
{
    xenvif_saved_note_changed(&saved, changed);
    assert_true(xenvif_saved_next(&saved) <= NOW);
    assert_int_equal(run_at(NOW), n_nodes);
    assert_true(xenvif_saved_next(&saved) == LLONG_MAX);
    assert_int_equal(run_at(NOW + 10 * interval), 0);

    xenvif_saved_note_changed(&saved, changed);
    assert_true(xenvif_saved_next(&saved) == NOW + interval);
    assert_int_equal(run_at(NOW + interval - 1), 0);
    assert_int_equal(run_at(NOW + interval), n_nodes);
    assert_true(xenvif_saved_next(&saved) == LLONG_MAX);
}

static void
test_hash_interval(void **state OVS_UNUSED)
{
    expect_interval(XENVIF_CTRL_HASH, 4, 100);
}

static void
test_grefs_interval(void **state OVS_UNUSED)
{
    expect_interval(XENVIF_CTRL_GREFS, 1, 1000);
}

/* Each part has its own time; the next one counts. */
static void
test_earliest_counts(void **state OVS_UNUSED)
{
    xenvif_saved_note_changed(&saved, XENVIF_CTRL_HASH | XENVIF_CTRL_GREFS);
    assert_int_equal(run_at(NOW), 5);
    xenvif_saved_note_changed(&saved, XENVIF_CTRL_GREFS);
    assert_true(xenvif_saved_next(&saved) == NOW + 1000);
    xenvif_saved_note_changed(&saved, XENVIF_CTRL_HASH);
    assert_true(xenvif_saved_next(&saved) == NOW + 100);
    assert_int_equal(run_at(NOW + 100), 4);
    assert_true(xenvif_saved_next(&saved) == NOW + 1000);
    assert_int_equal(run_at(NOW + 1000), 1);
}

/* Pages that come back by themselves are not kept. */
static void
test_persistent(void **state)
{
    struct mock *mock = *state;

    mock->conn->common.features.persistent = true;
    xenvif_saved_note_changed(&saved, XENVIF_CTRL_GREFS);
    assert_true(xenvif_saved_next(&saved) == LLONG_MAX);
    assert_int_equal(run_at(NOW), 0);
}

/* While there is no XenStore, changes wait for it. */
static void
test_no_store(void **state)
{
    struct mock *mock = *state;

    xenvif_saved_set_dir(&saved, NULL);
    xenvif_saved_note_changed(&saved, XENVIF_CTRL_HASH | XENVIF_CTRL_GREFS);
    add_address(mock, 1);
    xenvif_saved_look(&saved);
    assert_true(xenvif_saved_next(&saved) == LLONG_MAX);
    assert_int_equal(run_at(NOW), 0);
    set_dir();
    assert_true(xenvif_saved_next(&saved) <= NOW);
    assert_int_equal(run_at(NOW), 6);
    assert_string_equal(store_get(DIR"/multicast"), "33:33:00:00:00:01 ");
}

/* Whichever node cannot be written, all are there after another try, which
 * does not follow at once. */
static void
test_failed_writes_are_retried(void **state)
{
    struct mock *mock = *state;

    for (int i = 0; i < 6; i++) {
        long long int now = NOW + i * 10000;

        xenvif_saved_note_changed(&saved,
                                  XENVIF_CTRL_HASH | XENVIF_CTRL_GREFS);
        add_address(mock, i);
        xenvif_saved_look(&saved);
        mock_store.fail_write_at = i;
        run_at(now);
        assert_int_equal(mock_store.fail_write_at, -1);
        assert_true(xenvif_saved_next(&saved) == now + 1000);
        assert_int_equal(run_at(now + 999), 0);
        assert_int_equal(run_at(now + 1000), i < 4 ? 4 : 1);
        assert_true(xenvif_saved_next(&saved) == LLONG_MAX);
    }
    assert_int_equal(strlen(store_get(DIR"/multicast")), 6 * 18);
}

/* The list of addresses is written if it changed, and for a connection that
 * begins with one. */
static void
test_multicast_version(void **state)
{
    struct mock *mock = *state;

    add_address(mock, 1);
    assert_int_equal(run_at(NOW), 0);
    xenvif_saved_look(&saved);
    assert_int_equal(run_at(NOW), 1);
    xenvif_saved_look(&saved);
    assert_int_equal(run_at(NOW + 1), 0);
    add_address(mock, 1);
    xenvif_saved_look(&saved);
    assert_int_equal(run_at(NOW + 2), 0);
    xenvif_multicast_clear(&mock->terms.multicast);
    xenvif_saved_look(&saved);
    assert_int_equal(run_at(NOW + 3), 1);
    assert_string_equal(store_get(DIR"/multicast"), "");

    add_address(mock, 2);
    xenvif_saved_end(&saved, false);
    xenvif_saved_clear(&saved);
    xenvif_saved_begin(&saved, mock->conn, false);
    assert_int_equal(run_at(NOW + 4), 1);
    assert_string_equal(store_get(DIR"/multicast"), "33:33:00:00:00:02 ");
}

/* The list of pages is removed before any of them is unmapped, and not written
 * while one of them is on its way out. */
static void
test_case_18_forget_before_unmap(void **state)
{
    struct mock *mock = *state;
    uint32_t pfn = xenemu_dom_alloc_page(mock->dom);
    int32_t gref = xenemu_grant(mock->dom, 0, pfn, false);
    struct xen_netif_ctrl_response rsp;
    bool more = false;

    map_pages(mock);
    assert_int_equal(run_at(NOW), 1);
    assert_non_null(store_get(DIR"/grefs"));

    memcpy(xenemu_dom_page(mock->dom, pfn), list, N_PAGES * sizeof *list);
    mock_ctrl_put(mock, XEN_NETIF_CTRL_TYPE_DEL_GREF_MAPPING, 0, gref,
                  N_PAGES, true);
    xenvif_saved_note_changed(&saved, xenvif_conn_run_ctrl(mock->conn, &more));
    assert_non_null(mock->conn->ctrl->del.list);
    assert_null(store_get(DIR"/grefs"));
    mock_assert_mapped(mock, N_PAGES);
    assert_true(xenvif_saved_next(&saved) == LLONG_MAX);
    assert_int_equal(run_at(NOW + 5000), 0);

    mock_ctrl_run(mock);
    mock_ctrl_take(mock, &rsp);
    assert_int_equal(rsp.status, SUCCESS);
    mock_assert_mapped(mock, 0);
    assert_int_equal(run_at(NOW + 5000), 1);
    assert_string_equal(store_get(DIR"/grefs"), "");
    assert_int_equal(xenemu_ungrant(mock->dom, gref), 0);
}

/* If the list cannot be removed, pages stay mapped. */
static void
test_case_18_cannot_forget(void **state)
{
    struct mock *mock = *state;

    map_pages(mock);
    assert_int_equal(run_at(NOW), 1);
    xenvif_saved_set_dir(&saved, NULL);
    assert_int_equal(try_unmap(mock), INVALID);
    mock_assert_mapped(mock, N_PAGES);
    set_dir();
    mock_store.fail_removes = true;
    assert_int_equal(try_unmap(mock), INVALID);
    mock_assert_mapped(mock, N_PAGES);
    assert_non_null(store_get(DIR"/grefs"));
    mock_store.fail_removes = false;
    assert_int_equal(try_unmap(mock), SUCCESS);
    mock_assert_mapped(mock, 0);
    assert_null(store_get(DIR"/grefs"));
}

/* With nothing to be removed, a guest does not need XenStore. */
static void
test_nothing_to_forget(void **state)
{
    struct mock *mock = *state;

    map_pages(mock);
    xenvif_saved_set_dir(&saved, NULL);
    assert_int_equal(try_unmap(mock), SUCCESS);
    mock_assert_mapped(mock, 0);
}

/* A list that failed to be written may be there, as may one that failed to be
 * removed with everything else when a connection begins. */
static void
test_case_18_forget_after_failure(void **state)
{
    struct mock *mock = *state;

    map_pages(mock);
    mock_store.fail_write_at = 0;
    assert_int_equal(run_at(NOW), 0);
    mock_store.fail_removes = true;
    assert_int_equal(try_unmap(mock), INVALID);
    mock_store.fail_removes = false;
    assert_int_equal(try_unmap(mock), SUCCESS);

    map_pages(mock);
    xenvif_saved_end(&saved, false);
    store_put(DIR"/grefs", "0:1-2");
    mock_store.fail_removes = true;
    xenvif_saved_clear(&saved);
    xenvif_saved_begin(&saved, mock->conn, false);
    assert_int_equal(try_unmap(mock), INVALID);
    mock_store.fail_removes = false;
    assert_int_equal(try_unmap(mock), SUCCESS);
    assert_null(store_get(DIR"/grefs"));
}

/* The next process, or port, maps what was mapped, and forgets it in time. */
static void
test_case_18_resumed(void **state)
{
    struct mock *mock = *state;

    map_pages(mock);
    assert_int_equal(run_at(NOW), 1);
    xenvif_saved_end(&saved, true);
    mock_disconnect(mock);
    mock_connect(mock);
    mock_assert_mapped(mock, 0);
    xenvif_saved_destroy(&saved);
    xenvif_saved_init(&saved);
    set_dir();
    xenvif_saved_begin(&saved, mock->conn, true);
    mock_assert_mapped(mock, N_PAGES);
    assert_int_equal(try_unmap(mock), SUCCESS);
    assert_null(store_get(DIR"/grefs"));
    mock_assert_mapped(mock, 0);
}

/* What the guest configured right before its port is deleted is there for the
 * next port, and nothing is if the guest closes. */
static void
test_hash_at_the_end(void **state)
{
    struct mock *mock = *state;

    xenvif_saved_note_changed(&saved, XENVIF_CTRL_HASH);
    assert_int_equal(run_at(NOW), 4);
    mock->conn->ctrl->hash->flags = 5;
    xenvif_saved_note_changed(&saved, XENVIF_CTRL_HASH);
    assert_int_equal(run_at(NOW + 1), 0);
    xenvif_saved_end(&saved, true);
    assert_string_equal(store_get(DIR"/hash-flags"), "5");
    assert_true(xenvif_saved_next(&saved) == LLONG_MAX);

    xenvif_saved_begin(&saved, mock->conn, true);
    mock->conn->ctrl->hash->flags = 6;
    xenvif_saved_note_changed(&saved, XENVIF_CTRL_HASH);
    xenvif_saved_end(&saved, false);
    assert_string_equal(store_get(DIR"/hash-flags"), "5");
    xenvif_saved_clear(&saved);
    assert_null(store_get(DIR"/hash-flags"));
}

static void
test_conflict(void **state OVS_UNUSED)
{
    assert_false(xenvif_saved_get_conflict(&saved));
    xenvif_saved_set_conflict(&saved, true);
    assert_true(xenvif_saved_get_conflict(&saved));
    xenvif_saved_set_conflict(&saved, false);
    assert_false(xenvif_saved_get_conflict(&saved));
}

#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, setup, teardown)

static int
run(const char *name)
{
    const struct CMUnitTest tests[] = {
        TEST(test_idle),
        TEST(test_hash_interval),
        TEST(test_grefs_interval),
        TEST(test_earliest_counts),
        TEST(test_persistent),
        TEST(test_no_store),
        TEST(test_failed_writes_are_retried),
        TEST(test_multicast_version),
        TEST(test_case_18_forget_before_unmap),
        TEST(test_case_18_cannot_forget),
        TEST(test_nothing_to_forget),
        TEST(test_case_18_forget_after_failure),
        TEST(test_case_18_resumed),
        TEST(test_hash_at_the_end),
        TEST(test_conflict),
    };

    return cmocka_run_group_tests_name(name, tests, mock_store_group_setup,
                                       mock_store_group_teardown);
}

int
main(void)
{
    return mock_main(run);
}
