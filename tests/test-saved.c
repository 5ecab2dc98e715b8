/* SPDX-License-Identifier: Apache-2.0 */

/* Unit test: what is kept of a guest's configuration for the next process.
 * The numbers in the names are those of the list of cases in the project's
 * test plan. */

#include <config.h>

#include "mock-frontend.h"

#include <string.h>

#include "mock-store.h"
#include "util.h"
#include "xen/xenvif-gref.h"
#include "packet/xenvif-hash.h"
#include "vif/xenvif-saved-format.h"
#include "xen/xenvif-store.h"

#define DIR "/local/domain/0/xenvif/7/1"

static struct xenvif_multicast multicast, loaded_multicast;
static struct xenvif_hash hash, loaded;

static int
setup(void **state OVS_UNUSED)
{
    store_clear();
    memset(&hash, 0, sizeof hash);
    memset(&loaded, 0xee, sizeof loaded);
    xenvif_multicast_init(&multicast);
    xenvif_multicast_init(&loaded_multicast);
    return 0;
}

static int
teardown(void **state OVS_UNUSED)
{
    xenvif_multicast_destroy(&multicast);
    xenvif_multicast_destroy(&loaded_multicast);
    return 0;
}

static void
make_hash(uint32_t mapping_size)
{
    uint8_t key[XENVIF_HASH_KEY_SIZE];

    memset(&hash, 0, sizeof hash);
    mock_fill_frame(key, sizeof key);
    hash.toeplitz = mock_random_range(2);
    hash.flags = mock_random_range(16);
    xenvif_hash_set_key(&hash, key, mock_random_range(sizeof key + 1));
    hash.mapping_size = mapping_size;
    for (uint32_t i = 0; i < mapping_size; i++) {
        hash.mapping[i] = mock_random_range(64);
    }
}

static void
test_case_19_hash(void **state OVS_UNUSED)
{
    for (uint32_t size = 0; size <= XENVIF_HASH_MAPPING_MAX; size++) {
        make_hash(size);
        xenvif_saved_write_hash(DIR, &hash);
        xenvif_saved_read_hash(DIR, &loaded);
        assert_memory_equal(&loaded, &hash, sizeof hash);
    }
}

/* The values of a guest that never said anything. */
static void
expect_no_hash(void)
{
    static struct xenvif_hash none;

    xenvif_saved_read_hash(DIR, &loaded);
    assert_memory_equal(&loaded, &none, sizeof none);
}

static void
test_nothing_saved(void **state OVS_UNUSED)
{
    struct eth_addr addrs[XENVIF_MULTICAST_MAX];
    unsigned int version;

    expect_no_hash();
    xenvif_saved_read_multicast(DIR, &loaded_multicast);
    assert_int_equal(xenvif_multicast_get(&loaded_multicast, addrs,
                                          &version), 0);
}

/* Every value by itself, damaged: as if it had not been set. */
static void
test_damaged_hash(void **state OVS_UNUSED)
{
    static const char *const numbers[] = { "", "x", "-1", "99999999999" };
    static const char *const keys[] = {
        "", "00", "zz", "0x",
        "6d5a56da255b0ec24167253d43a38fb0d0ca2bcbae7b30b477cb2da38030f20c"
        "6a42b73bbeac01f",
        "6d5a56da255b0ec24167253d43a38fb0d0ca2bcbae7b30b477cb2da38030f20c"
        "6a42b73bbeac01fa0",
        "6d5a56da255b0ec24167253d43a38fb0d0ca2bcbae7b30b477cb2da38030f20c"
        "6a42b73bbeac01fg",
    };
    static const char *const mappings[] = {
        "", " ", "64", "0 1 64", "x", "0 1 x", "0 -1", "4294967296", "0,1",
    };

    for (unsigned int i = 0; i < ARRAY_SIZE(numbers); i++) {
        store_put(DIR"/hash-toeplitz", numbers[i]);
        store_put(DIR"/hash-flags", numbers[i]);
        expect_no_hash();
    }
    for (unsigned int i = 0; i < ARRAY_SIZE(keys); i++) {
        store_put(DIR"/hash-key", keys[i]);
        expect_no_hash();
    }
    for (unsigned int i = 0; i < ARRAY_SIZE(mappings); i++) {
        store_put(DIR"/hash-mapping", mappings[i]);
        xenvif_saved_read_hash(DIR, &loaded);
        assert_int_equal(loaded.mapping_size, 0);
    }
}

/* More entries than a mapping has. */
static void
test_long_mapping(void **state OVS_UNUSED)
{
    char text[2 * 200 + 1] = "";

    for (unsigned int i = 0; i < 200; i++) {
        strcat(text, "3 ");
    }
    store_put(DIR"/hash-mapping", text);
    xenvif_saved_read_hash(DIR, &loaded);
    assert_int_equal(loaded.mapping_size, XENVIF_HASH_MAPPING_MAX);
}

static void
test_case_19_multicast(void **state OVS_UNUSED)
{
    for (unsigned int n = 0; n <= XENVIF_MULTICAST_MAX; n++) {
        struct eth_addr addrs[XENVIF_MULTICAST_MAX];
        unsigned int version, saved;

        assert_int_equal(xenvif_saved_write_multicast(DIR, &multicast, &saved),
                         0);
        xenvif_multicast_get(&multicast, addrs, &version);
        assert_int_equal(saved, version);
        xenvif_multicast_clear(&loaded_multicast);
        xenvif_saved_read_multicast(DIR, &loaded_multicast);
        assert_int_equal(xenvif_multicast_get(&loaded_multicast, addrs,
                                              &version), n);
        for (unsigned int i = 0; i < n; i++) {
            assert_true(xenvif_multicast_contains(&multicast, addrs[i]));
        }
        if (n < XENVIF_MULTICAST_MAX) {
            struct eth_addr addr;

            mock_fill_frame((uint8_t *) &addr, sizeof addr);
            addr.ea[0] |= 1;
            assert_true(xenvif_multicast_add(&multicast, addr));
        }
    }
}

static void
test_damaged_multicast(void **state OVS_UNUSED)
{
    struct eth_addr addrs[XENVIF_MULTICAST_MAX];
    unsigned int version;

    store_put(DIR"/multicast",
              "x 33:33:00:00:00:01 33:33 33:33:00:00:00:0g  "
              "33:33:00:00:00:02 33:33:00:00:00:01 ");
    xenvif_saved_read_multicast(DIR, &loaded_multicast);
    assert_int_equal(xenvif_multicast_get(&loaded_multicast, addrs,
                                          &version), 2);
    assert_int_equal(addrs[0].ea[5], 1);
    assert_int_equal(addrs[1].ea[5], 2);
}

/* Pages that stay mapped. */

enum { N_TABLES = 3 };

static struct xen_netif_gref staged[2 * NETIF_RING_SIZE];
static struct xenvif_gref_table tables[N_TABLES];
static struct xenvif_gref_table *table_list[N_TABLES]
    = { &tables[0], &tables[1], &tables[2] };

static void
init_tables(struct mock *mock, struct xenvif_gref_table *t)
{
    for (unsigned int i = 0; i < N_TABLES; i++) {
        xenvif_gref_table_init(&t[i], mock->domid, false, &mock->budget,
                               &mock->latch);
    }
}

static void
destroy_tables(struct xenvif_gref_table *t)
{
    for (unsigned int i = 0; i < N_TABLES; i++) {
        xenvif_gref_table_destroy(&t[i]);
    }
}

static struct xenvif_gref_id
staged_id(unsigned int i)
{
    return (struct xenvif_gref_id) {
        .gref = staged[i].ref,
        .readonly = staged[i].flags & XEN_NETIF_CTRLF_GREF_readonly,
    };
}

/* Maps 'n' of the pages in 'staged', in any order. */
static void
map_some(struct xenvif_gref_table *table, unsigned int n)
{
    unsigned int i = 0;

    while (i < n) {
        struct xenvif_gref_id id
            = staged_id(mock_random_range(ARRAY_SIZE(staged)));

        i += xenvif_gref_add(table, &id, 1);
    }
}

/* Checks that the next process maps what 'tables' have, or the lower part of
 * each; returns how much that is. */
static uint32_t
expect_same(struct mock *mock)
{
    struct xenvif_gref_table next[N_TABLES];
    struct xenvif_gref_table *next_list[N_TABLES]
        = { &next[0], &next[1], &next[2] };
    uint32_t sum = 0;

    init_tables(mock, next);
    xenvif_saved_read_grefs(DIR, next_list, N_TABLES);
    for (unsigned int t = 0; t < N_TABLES; t++) {
        struct xenvif_gref_id list[XENVIF_GREF_MAX];
        struct xenvif_gref_id loaded_list[XENVIF_GREF_MAX];
        uint32_t n_old = xenvif_gref_list(&tables[t], list);
        uint32_t n = xenvif_gref_list(&next[t], loaded_list);

        assert_in_range(n, 0, n_old);
        for (uint32_t i = 0; i < n; i++) {
            assert_int_equal(loaded_list[i].gref, list[i].gref);
            assert_int_equal(loaded_list[i].readonly, list[i].readonly);
        }
        sum += n;
    }
    destroy_tables(next);
    return sum;
}

static void
test_case_18_grefs(void **state OVS_UNUSED)
{
    struct mock *mock = mock_create(1, false, 0);

    mock_connect(mock);
    mock_stage(&mock->queues[0], staged);
    for (unsigned int n = 0; n <= ARRAY_SIZE(staged); n += 1 + n / 3) {
        init_tables(mock, tables);
        map_some(&tables[n % N_TABLES], n);
        map_some(&tables[(n + 1) % N_TABLES], n / 2);
        xenvif_saved_write_grefs(DIR, table_list, N_TABLES);
        mock_assert_usage(mock, 2 + n + n / 2);

        /* Those of a page here and a page there do not fit, but few do not. */
        assert_true(expect_same(mock) >= MIN(n + n / 2, 100));
        assert_int_equal(xenvif_saved_remove_grefs(DIR), 0);
        assert_int_equal(expect_same(mock), 0);
        destroy_tables(tables);
    }

    /* All that a guest has takes two rows for each queue. */
    init_tables(mock, tables);
    for (unsigned int t = 0; t < N_TABLES; t++) {
        struct xenvif_gref_id list[XENVIF_GREF_MAX];

        for (unsigned int i = 0; i < ARRAY_SIZE(staged); i++) {
            list[i] = staged_id(i);
        }
        assert_true(xenvif_gref_add(&tables[t], list, ARRAY_SIZE(staged)));
    }
    xenvif_saved_write_grefs(DIR, table_list, N_TABLES);
    assert_int_equal(expect_same(mock), N_TABLES * ARRAY_SIZE(staged));
    destroy_tables(tables);
    mock_disconnect(mock);
    mock_unstage(&mock->queues[0]);
    mock_destroy(mock);
}

static void
test_damaged_grefs(void **state OVS_UNUSED)
{
    static const char *const rows[] = {
        "", " ", "-", ":", "0:", "0:-", "0:5", "0:5-", "0:x-7", "0:7-5",
        "0:0-512", "0:0-4294967295", "0:5-7x", "0:5-7rr", "0:-5-5",
        "0:4294967296-4294967297", "5-7", "3:5-7", "4294967296:5-7", ":5-7",
    };
    struct mock *mock = mock_create(1, false, 0);

    mock_connect(mock);
    for (unsigned int i = 0; i < ARRAY_SIZE(rows); i++) {
        init_tables(mock, tables);
        store_put(DIR"/grefs", rows[i]);
        assert_int_equal(expect_same(mock), 0);
        mock_assert_usage(mock, 2);
        destroy_tables(tables);
    }
    mock_disconnect(mock);
    mock_destroy(mock);
}

/* A list of pages that the guest took back since it was saved: not one of them
 * can be mapped, which is not tried a thousand times. */
static void
test_grefs_taken_back(void **state OVS_UNUSED)
{
    struct mock *mock = mock_create(1, false, 0);
    int64_t left;

    mock_connect(mock);
    init_tables(mock, tables);
    store_put(DIR"/grefs", "0:10000-10511 1:10000-10511 2:10000-10511");
    left = xenvif_budget_left(&mock->budget);
    assert_int_equal(expect_same(mock), 0);
    assert_true(left - xenvif_budget_left(&mock->budget)
                < N_TABLES * 1200 * XENVIF_PRICE_PAGE);
    destroy_tables(tables);
    mock_disconnect(mock);
    mock_destroy(mock);
}

/* What one vif saved is its own. */
static void
test_remove(void **state OVS_UNUSED)
{
    struct xenvif_hash other;
    unsigned int version;

    make_hash(10);
    xenvif_saved_write_hash(DIR"0", &hash);
    memcpy(&other, &hash, sizeof other);
    make_hash(20);
    hash.toeplitz = true;
    xenvif_saved_write_hash(DIR, &hash);
    xenvif_saved_write_multicast(DIR, &multicast, &version);
    xenvif_saved_remove(DIR);
    expect_no_hash();
    assert_null(store_get(DIR"/multicast"));
    xenvif_saved_read_hash(DIR"0", &loaded);
    assert_memory_equal(&loaded, &other, sizeof other);
    xenvif_saved_remove(DIR);
}

#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, setup, teardown)

static int
run(const char *name)
{
    const struct CMUnitTest tests[] = {
        TEST(test_case_19_hash),
        TEST(test_nothing_saved),
        TEST(test_damaged_hash),
        TEST(test_long_mapping),
        TEST(test_case_19_multicast),
        TEST(test_damaged_multicast),
        TEST(test_case_18_grefs),
        TEST(test_damaged_grefs),
        TEST(test_grefs_taken_back),
        TEST(test_remove),
    };

    return cmocka_run_group_tests_name(name, tests, mock_store_group_setup,
                                       mock_store_group_teardown);
}

int
main(void)
{
    return mock_main(run);
}
