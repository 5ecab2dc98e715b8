/* SPDX-License-Identifier: Apache-2.0 */

/* Unit test: XenStore keys.  The numbers in the names are those of the list of
 * cases in the project's test plan. */

#include <config.h>

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "mock-store.h"
#include "util.h"
#include "vif/xenvif-bus.h"
#include "xen/xenvif-store.h"

#define B "/local/domain/0/backend/vif/7/0"
#define F "/local/domain/7/device/vif/0"

static int
setup(void **state OVS_UNUSED)
{
    store_clear();
    store_put(B"/state", "1");
    store_put(F"/state", "4");
    store_put(F"/request-rx-copy", "1");
    store_put(F"/tx-ring-ref", "8");
    store_put(F"/rx-ring-ref", "9");
    store_put(F"/event-channel", "3");
    return 0;
}

static int
teardown(void **state OVS_UNUSED)
{
    assert_false(mock_store.in_transaction);
    return 0;
}

static void
test_case_88_numbers(void **state OVS_UNUSED)
{
    static const struct {
        const char *s;
        int64_t value;          /* -1: none. */
    } numbers[] = {
        { "0", 0 }, { "1", 1 }, { "42", 42 }, { "007", 7 },
        { "4294967295", UINT32_MAX }, { "0000000001", 1 },
        { "4294967296", -1 }, { "9999999999", -1 }, { "00000000001", -1 },
        { "18446744073709551617", -1 }, { "999999999999", -1 },
        { "", -1 }, { " ", -1 }, { "-1", -1 }, { "+1", -1 }, { "1x", -1 },
        { "x1", -1 }, { " 1", -1 }, { "1 ", -1 }, { "1\n", -1 },
        { "0x10", -1 }, { "1.0", -1 }, { "1e3", -1 }, { "one", -1 },
        { "1,2", -1 }, { "\xc2\xb2", -1 },
    };
    char digits[2049];

    for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
        uint32_t value = 0;
        bool ok = xenvif_parse_u32(numbers[i].s, &value);

        if (ok != (numbers[i].value >= 0)
            || (ok && value != numbers[i].value)) {
            fail_msg("\"%s\"", numbers[i].s);
        }
    }
    memset(digits, '1', sizeof digits - 1);
    digits[sizeof digits - 1] = '\0';
    assert_false(xenvif_parse_u32(digits, &(uint32_t) { 0 }));
}

static void
test_read(void **state OVS_UNUSED)
{
    uint16_t domid;
    uint32_t value;
    char *s;

    s = xenvif_store_read(XENVIF_STORE_NO_TXN, F, "state");
    assert_string_equal(s, "4");
    free(s);
    assert_null(xenvif_store_read(XENVIF_STORE_NO_TXN, F, "nothing"));
    assert_int_equal(errno, ENOENT);
    assert_int_equal(xenvif_store_read_u32(XENVIF_STORE_NO_TXN, F, "nothing",
                                           &value), ENOENT);

    /* Bytes that would spoil a log, or that end a string early. */
    for (unsigned int c = 0; c < 256; c++) {
        uint8_t bytes[3] = { '1', c, '2' };

        store_put_bytes(F"/odd", bytes, 3);
        s = xenvif_store_read(XENVIF_STORE_NO_TXN, F, "odd");
        assert_int_equal(s != NULL, c >= ' ' && c <= '~');
        if (!s) {
            assert_int_equal(errno, EINVAL);
        }
        free(s);
    }
    store_put_bytes(F"/odd", "12\0", 3);
    assert_int_equal(xenvif_store_read_u32(XENVIF_STORE_NO_TXN, F, "odd",
                                           &value), EINVAL);

    assert_int_equal(xenvif_store_read_own_domid(&domid), 0);
    assert_int_equal(domid, 0);
    store_put("/local/domain/0/domid", "65536");
    assert_int_equal(xenvif_store_read_own_domid(&domid), EINVAL);
}

static char *
read_request(struct xenvif_request *request)
{
    memset(request, 0, sizeof *request);
    return xenvif_bus_read_request(F, 8, request);
}

static void
expect_accepted(struct xenvif_request *request)
{
    char *problem = read_request(request);

    if (problem) {
        fail_msg("%s", problem);
    }
}

/* Refused, with a reason that contains 'text' and can be printed. */
static void
expect_refused(const char *text)
{
    struct xenvif_request request;
    char *problem = read_request(&request);

    assert_non_null(problem);
    if (!strstr(problem, text)) {
        fail_msg("\"%s\" instead of \"%s\"", problem, text);
    }
    assert_true(strlen(problem) < 160);
    free(problem);
}

/* Values that are no number, whatever the key. */
static void
try_bad_values(const char *key, const char *text)
{
    static const char *const values[] = {
        "-1", "999999999999", "1x", "", " 1", "text", "0x1", "4294967296"
    };
    char *path = xasprintf(F"/%s", key);
    char *old = xstrdup(store_get(path));
    struct xenvif_request request;
    char large[2048];

    for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
        store_put(path, values[i]);
        expect_refused(text);
    }
    memset(large, '1', sizeof large);
    store_put_bytes(path, large, sizeof large);
    expect_refused(text);
    store_put_bytes(path, "1\0", 2);
    expect_refused(text);
    store_put_bytes(path, "\0", 1);
    expect_refused(text);

    /* Once it is put right, the vif connects. */
    store_put(path, old);
    expect_accepted(&request);
    free(old);
    free(path);
}

static void
test_case_88_bad_values(void **state OVS_UNUSED)
{
    store_put(F"/multi-queue-num-queues", "1");
    try_bad_values("multi-queue-num-queues", "multi-queue-num-queues");
    try_bad_values("tx-ring-ref", "tx-ring-ref");
    try_bad_values("rx-ring-ref", "rx-ring-ref");
    try_bad_values("event-channel", "event-channel");
    try_bad_values("request-rx-copy", "rx-copy");
}

static void
test_missing_keys(void **state OVS_UNUSED)
{
    static const char *const keys[] = {
        F"/tx-ring-ref", F"/rx-ring-ref", F"/event-channel",
        F"/request-rx-copy"
    };
    struct xenvif_request request;

    expect_accepted(&request);
    for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
        char *old = xstrdup(store_get(keys[i]));

        store_drop(keys[i]);
        expect_refused(strrchr(keys[i], '/') + (i == 3 ? 9 : 1));
        store_put(keys[i], old);
        free(old);
    }
    store_put(F"/request-rx-copy", "0");
    expect_refused("rx-copy");
}

static void
test_case_89_bad_combinations(void **state OVS_UNUSED)
{
    store_put(F"/event-channel", "0");
    expect_refused("event channel is 0");
    store_put(F"/event-channel", "3");
    store_put(F"/rx-ring-ref", "8");
    expect_refused("same page");
}

static void
put_queue(unsigned int i, unsigned int base)
{
    static const char *const keys[] = {
        "tx-ring-ref", "rx-ring-ref", "event-channel-tx", "event-channel-rx"
    };

    for (size_t j = 0; j < ARRAY_SIZE(keys); j++) {
        char *path = xasprintf(F"/queue-%u/%s", i, keys[j]);
        char *value = xasprintf("%zu", base + j);

        store_put(path, value);
        free(path);
        free(value);
    }
}

/* A page is a ring of one queue only. */
static void
test_case_89_shared_rings(void **state OVS_UNUSED)
{
    static const char *const keys[] = { "tx-ring-ref", "rx-ring-ref" };
    struct xenvif_request request;

    store_put(F"/multi-queue-num-queues", "3");
    for (unsigned int i = 0; i < 3; i++) {
        put_queue(i, 100 * i);
    }
    expect_accepted(&request);
    for (unsigned int i = 0; i < 4; i++) {
        char *path = xasprintf(F"/queue-2/%s", keys[i % 2]);
        char *old = xstrdup(store_get(path));

        store_put(path, i / 2 ? "100" : "101");
        expect_refused("queues 1 and 2 share a ring page");
        store_put(path, old);
        free(old);
        free(path);
    }
    expect_accepted(&request);
}

static void
test_case_44_event_channels(void **state OVS_UNUSED)
{
    struct xenvif_request request;

    expect_accepted(&request);
    assert_int_equal(request.queues[0].tx_port, 3);
    assert_int_equal(request.queues[0].rx_port, 3);
    assert_false(request.features.split_channels);

    store_put(F"/event-channel-tx", "5");
    expect_accepted(&request);
    assert_int_equal(request.queues[0].tx_port, 3);
    assert_int_equal(request.queues[0].rx_port, 3);

    store_put(F"/event-channel-rx", "6");
    expect_accepted(&request);
    assert_int_equal(request.queues[0].tx_port, 5);
    assert_int_equal(request.queues[0].rx_port, 6);
    assert_true(request.features.split_channels);

    store_put(F"/event-channel-rx", "5");
    expect_accepted(&request);
    assert_false(request.features.split_channels);

    store_put(F"/event-channel-rx", "0");
    expect_refused("event channel is 0");
}

static void
test_case_45_layouts(void **state OVS_UNUSED)
{
    struct xenvif_request request;

    for (unsigned int n = 2; n <= 9; n++) {
        char *value = xasprintf("%u", n);

        store_put(F"/multi-queue-num-queues", value);
        free(value);
        put_queue(n - 2, 100 * n - 200);
        if (n < 9) {
            expect_refused("did not write");
            put_queue(n - 1, 100 * n - 100);
            put_queue(0, 50);
            expect_accepted(&request);
            assert_int_equal(request.n_queues, n);
            for (unsigned int i = 1; i < n; i++) {
                assert_int_equal(request.queues[i].tx_ref, 100 * i);
                assert_int_equal(request.queues[i].rx_port, 100 * i + 3);
            }
        } else {
            expect_refused("between 1 and 8");
        }
    }

    /* Fewer again: what is left of the other layout means nothing. */
    store_put(F"/multi-queue-num-queues", "2");
    expect_accepted(&request);
    assert_int_equal(request.n_queues, 2);
    store_put(F"/multi-queue-num-queues", "1");
    expect_accepted(&request);
    assert_int_equal(request.n_queues, 1);
    assert_int_equal(request.queues[0].tx_ref, 8);
    store_drop(F"/multi-queue-num-queues");
    expect_accepted(&request);
    assert_int_equal(request.n_queues, 1);
    store_put(F"/multi-queue-num-queues", "0");
    expect_refused("between 1 and 8");
}

static void
test_features(void **state OVS_UNUSED)
{
    struct xenvif_request request;

    /* What a missing key means differs from one to the other; a value that is
     * no truth value is as good as none. */
    for (unsigned int i = 0; i < 3; i++) {
        static const char *const values[] = { NULL, "2", "yes" };

        if (values[i]) {
            store_put(F"/feature-sg", values[i]);
            store_put(F"/feature-gso-tcpv4", values[i]);
            store_put(F"/feature-no-csum-offload", values[i]);
            store_put(F"/feature-ipv6-csum-offload", values[i]);
            store_put(F"/feature-rx-notify", values[i]);
        }
        expect_accepted(&request);
        assert_false(request.features.sg);
        assert_false(request.features.gso_v4);
        assert_false(request.features.gso_v6);
        assert_true(request.features.csum_v4);
        assert_false(request.features.csum_v6);
        assert_false(request.features.rx_notify);
    }
    store_put(F"/feature-sg", "1");
    store_put(F"/feature-gso-tcpv4", "1");
    store_put(F"/feature-gso-tcpv6", "1");
    store_put(F"/feature-no-csum-offload", "1");
    store_put(F"/feature-ipv6-csum-offload", "1");
    store_put(F"/feature-rx-notify", "1");
    expect_accepted(&request);
    assert_true(request.features.sg);
    assert_true(request.features.gso_v4);
    assert_true(request.features.gso_v6);
    assert_false(request.features.csum_v4);
    assert_true(request.features.csum_v6);
    assert_true(request.features.rx_notify);
}

static void
test_case_92_headroom(void **state OVS_UNUSED)
{
    static const struct {
        const char *value;
        uint32_t headroom;
    } cases[] = {
        { "0", 0 }, { "256", 256 }, { "4081", 4081 }, { "4082", 0 },
        { "4095", 0 }, { "4096", 0 }, { "32767", 0 }, { "65536", 0 },
        { "-1", 0 }, { "4294967295", 0 }, { "x", 0 }, { "", 0 },
    };
    struct xenvif_request request;

    expect_accepted(&request);
    assert_int_equal(request.headroom, 0);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        store_put(F"/xdp-headroom", cases[i].value);
        expect_accepted(&request);
        assert_int_equal(request.headroom, cases[i].headroom);
        assert_int_equal(xenvif_bus_read_headroom(F), cases[i].headroom);
    }
}

static void
test_control_ring(void **state OVS_UNUSED)
{
    struct xenvif_request request;

    expect_accepted(&request);
    assert_false(request.has_ctrl);
    store_put(F"/ctrl-ring-ref", "33");
    expect_accepted(&request);
    assert_false(request.has_ctrl);
    store_put(F"/event-channel-ctrl", "0");
    expect_accepted(&request);
    assert_false(request.has_ctrl);
    store_put(F"/event-channel-ctrl", "12");
    expect_accepted(&request);
    assert_true(request.has_ctrl);
    assert_int_equal(request.ctrl_ref, 33);
    assert_int_equal(request.ctrl_port, 12);
    store_put(F"/ctrl-ring-ref", "bad");
    expect_accepted(&request);
    assert_false(request.has_ctrl);
}

/* All features are there, as digits, and the state comes last. */
static void
test_offer(void **state OVS_UNUSED)
{
    static const char *const keys[] = {
        "feature-rx-copy", "feature-rx-flip", "feature-sg",
        "feature-gso-tcpv4", "feature-gso-tcpv6", "feature-no-csum-offload",
        "feature-ipv6-csum-offload", "feature-split-event-channels",
        "feature-multicast-control", "feature-dynamic-multicast-control",
        "feature-ctrl-ring", "feature-xdp-headroom", "feature-persistent",
    };
    const struct xenvif_bus_offer offer = { .max_queues = 5 };

    mock_store.n_conflicts = 3;
    assert_int_equal(xenvif_bus_write_offer(B, &offer), 0);
    assert_int_equal(mock_store.n_commits, 1);
    for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
        char *path = xasprintf(B"/%s", keys[i]);
        const char *value = store_get(path);

        assert_non_null(value);
        assert_true(!strcmp(value, "0") || !strcmp(value, "1"));
        free(path);
    }
    assert_string_equal(store_get(B"/feature-rx-copy"), "1");
    assert_string_equal(store_get(B"/feature-rx-flip"), "0");
    assert_string_equal(store_get(B"/feature-sg"), "1");
    assert_string_equal(store_get(B"/feature-split-event-channels"), "1");
    assert_string_equal(store_get(B"/feature-no-csum-offload"), "0");
    assert_string_equal(store_get(B"/multi-queue-max-queues"), "5");
    assert_string_equal(store_get(B"/state"), "2");
    assert_string_equal(mock_store.last_written, B"/state");
}

/* All of it or nothing. */
static void
test_offer_fails(void **state OVS_UNUSED)
{
    const struct xenvif_bus_offer offer = { .max_queues = 1 };
    unsigned int n = mock_store.n_nodes;

    for (int i = 0;; i++) {
        mock_store.fail_write_at = i;
        if (!xenvif_bus_write_offer(B, &offer)) {
            assert_true(i > 10);
            break;
        }
        assert_int_equal(mock_store.n_aborts, i + 1);
        assert_int_equal(mock_store.n_nodes, n);
        assert_string_equal(store_get(B"/state"), "1");
    }
}

static void
test_write_state(void **state OVS_UNUSED)
{
    mock_store.n_conflicts = 2;
    assert_int_equal(xenvif_bus_write_state(B, 4), 0);
    assert_string_equal(store_get(B"/state"), "4");
    assert_int_equal(mock_store.n_commits, 1);
    assert_int_equal(mock_store.n_aborts, 0);
}

/* A transaction that always meets with another one ends all the same. */
static void
test_conflicts_without_end(void **state OVS_UNUSED)
{
    const struct xenvif_bus_offer offer = { .max_queues = 5 };

    mock_store.n_conflicts = 1000;
    assert_int_equal(xenvif_bus_write_state(B, 4), EAGAIN);
    assert_int_equal(xenvif_bus_write_offer(B, &offer), EAGAIN);
    assert_in_range(mock_store.n_conflicts, 980, 999);
    assert_int_equal(mock_store.n_commits, 0);
    assert_string_equal(store_get(B"/state"), "1");
}

/* What is removed takes the directory that it was in along if there is nothing
 * else in that. */
static void
test_remove_dir(void **state OVS_UNUSED)
{
    store_put("/local/domain/0/error/backend/vif/7/0/error", "a");
    store_put("/local/domain/0/error/backend/vif/7/1/error", "b");
    store_put("/local/domain/0/error/backend/vif/7", "");
    store_put("/local/domain/0/error/backend/vif/77/0/error", "c");
    xenvif_store_remove_dir("/local/domain/0/error/backend/vif/7/0");
    assert_null(store_get("/local/domain/0/error/backend/vif/7/0/error"));
    assert_non_null(store_get("/local/domain/0/error/backend/vif/7/1/error"));
    assert_non_null(store_get("/local/domain/0/error/backend/vif/7"));
    xenvif_store_remove_dir("/local/domain/0/error/backend/vif/7/1");
    assert_null(store_get("/local/domain/0/error/backend/vif/7"));
    assert_non_null(store_get("/local/domain/0/error/backend/vif/77/0/error"));
}

/* A directory that was removed does not come back to life. */
static void
test_case_90_directory_gone(void **state OVS_UNUSED)
{
    const struct xenvif_bus_offer offer = { .max_queues = 1 };
    unsigned int n;

    store_drop(B"/state");
    n = mock_store.n_nodes;
    assert_int_equal(xenvif_bus_write_state(B, 6), ENOENT);
    assert_int_equal(xenvif_bus_write_offer(B, &offer), ENOENT);
    assert_int_equal(mock_store.n_nodes, n);
    assert_int_equal(mock_store.n_aborts, 2);
}

#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_case_88_numbers),
        TEST(test_case_88_bad_values),
        TEST(test_read),
        TEST(test_missing_keys),
        TEST(test_case_89_bad_combinations),
        TEST(test_case_89_shared_rings),
        TEST(test_case_44_event_channels),
        TEST(test_case_45_layouts),
        TEST(test_features),
        TEST(test_case_92_headroom),
        TEST(test_control_ring),
        TEST(test_offer),
        TEST(test_offer_fails),
        TEST(test_write_state),
        TEST(test_conflicts_without_end),
        TEST(test_remove_dir),
        TEST(test_case_90_directory_gone),
    };

    return cmocka_run_group_tests(tests, mock_store_group_setup,
                                  mock_store_group_teardown);
}
