/* SPDX-License-Identifier: Apache-2.0 */

/* Unit and component test: the control ring.  The numbers in the names are
 * those of the list of cases in the project's test plan. */

#include <config.h>

#include "mock-frontend.h"

#include <string.h>
#include <xenevtchn.h>

#include "frames.h"
#include "openvswitch/poll-loop.h"
#include "timeval.h"
#include "util.h"
#include "ring/xenvif-ctrl-ring.h"
#include "packet/xenvif-hash.h"

enum { N_QUEUES = 4, ALL_FLAGS = 0xf };

enum {
    SUCCESS = XEN_NETIF_CTRL_STATUS_SUCCESS,
    NOT_SUPPORTED = XEN_NETIF_CTRL_STATUS_NOT_SUPPORTED,
    INVALID = XEN_NETIF_CTRL_STATUS_INVALID_PARAMETER,
    OVERFLOW = XEN_NETIF_CTRL_STATUS_BUFFER_OVERFLOW,
};

/* Messages without a ring. */

enum { FAKE_DOMID = 77, FAKE_GREF = 4242 };

static uint8_t fake_page[NETIF_PAGE_SIZE];
static unsigned int n_reads;    /* Of the page. */
static size_t last_len;

static bool
fake_read(uint16_t domid, uint32_t gref, void *data, size_t len)
{
    assert_int_equal(domid, FAKE_DOMID);
    assert_in_range(len, 1, sizeof fake_page);
    n_reads++;
    last_len = len;
    if (gref != FAKE_GREF) {
        return false;
    }
    memcpy(data, fake_page, len);
    return true;
}

static bool
fake_write(uint16_t domid OVS_UNUSED, uint32_t gref OVS_UNUSED,
           const void *data OVS_UNUSED, size_t len OVS_UNUSED)
{
    fail_msg("nothing here writes");
    return false;
}

static struct xenvif_hash hash;
static struct xenvif_ctrl ctrl;

static int
setup_fake(void **state OVS_UNUSED)
{
    memset(&hash, 0, sizeof hash);
    memset(&ctrl, 0, sizeof ctrl);
    ctrl.domid = FAKE_DOMID;
    ctrl.n_queues = N_QUEUES;
    ctrl.read_page = fake_read;
    ctrl.write_page = fake_write;
    ctrl.hash = &hash;
    n_reads = 0;
    mock_fill_frame(fake_page, sizeof fake_page);
    return 0;
}

/* Executes a message, which has to get 'status', and returns the data of the
 * response.  What fails changes nothing. */
static uint32_t
execute(uint16_t type, uint32_t data0, uint32_t data1, uint32_t data2,
        uint32_t status)
{
    struct xen_netif_ctrl_request req = {
        .id = mock_random(), .type = type, .data = { data0, data1, data2 },
    };
    bool is_set = (type == XEN_NETIF_CTRL_TYPE_SET_HASH_ALGORITHM
                   || type == XEN_NETIF_CTRL_TYPE_SET_HASH_FLAGS
                   || type == XEN_NETIF_CTRL_TYPE_SET_HASH_KEY
                   || type == XEN_NETIF_CTRL_TYPE_SET_HASH_MAPPING_SIZE
                   || type == XEN_NETIF_CTRL_TYPE_SET_HASH_MAPPING);
    uint64_t n_messages = xenvif_counter_get(&ctrl.n_messages);
    uint64_t n_refused = xenvif_counter_get(&ctrl.n_refused);
    struct xen_netif_ctrl_response rsp;
    struct xenvif_hash before = hash;

    ctrl.changed = 0;
    memset(&rsp, 0xee, sizeof rsp);
    xenvif_ctrl_execute(&ctrl, &req, &rsp);
    assert_int_equal(rsp.id, req.id);
    assert_int_equal(rsp.type, type);
    assert_int_equal(rsp.status, status);
    assert_int_equal(xenvif_counter_get(&ctrl.n_messages), n_messages + 1);
    assert_int_equal(xenvif_counter_get(&ctrl.n_refused),
                     n_refused + (status != SUCCESS));
    assert_int_equal(ctrl.changed, (is_set && status == SUCCESS
                                    ? XENVIF_CTRL_HASH : 0));
    if (!ctrl.changed) {
        assert_memory_equal(&hash, &before, sizeof hash);
    }
    return rsp.data;
}

static void
test_case_70_unknown_types(void **state OVS_UNUSED)
{
    for (unsigned int type = 0; type < 0x10000; type++) {
        if (!type || type > XEN_NETIF_CTRL_TYPE_DEL_GREF_MAPPING) {
            execute(type, mock_random(), mock_random(), mock_random(),
                    NOT_SUPPORTED);
        }
    }
    assert_int_equal(n_reads, 0);
}

/* Without tables, as if mapping were not implemented. */
static void
test_case_70_no_mapping(void **state OVS_UNUSED)
{
    execute(XEN_NETIF_CTRL_TYPE_GET_GREF_MAPPING_SIZE, 0, 0, 0,
            NOT_SUPPORTED);
    execute(XEN_NETIF_CTRL_TYPE_ADD_GREF_MAPPING, 0, FAKE_GREF, 1,
            NOT_SUPPORTED);
    execute(XEN_NETIF_CTRL_TYPE_DEL_GREF_MAPPING, 0, FAKE_GREF, 1,
            NOT_SUPPORTED);
    assert_int_equal(n_reads, 0);
}

static void
set_toeplitz(void)
{
    execute(XEN_NETIF_CTRL_TYPE_SET_HASH_ALGORITHM, 1, 0, 0, SUCCESS);
    assert_true(hash.toeplitz);
}

static void
test_algorithm(void **state OVS_UNUSED)
{
    static const uint32_t bad[] = { 2, 3, 255, 256, 257, UINT32_MAX };

    for (unsigned int i = 0; i < ARRAY_SIZE(bad); i++) {
        execute(XEN_NETIF_CTRL_TYPE_SET_HASH_ALGORITHM, bad[i], 0, 0,
                INVALID);
        if (i == 2) {
            set_toeplitz();
        }
    }
    execute(XEN_NETIF_CTRL_TYPE_SET_HASH_ALGORITHM, 0, 0, 0, SUCCESS);
    assert_false(hash.toeplitz);
}

static void
test_case_67_flags(void **state OVS_UNUSED)
{
    /* Without an algorithm there are none. */
    assert_int_equal(execute(XEN_NETIF_CTRL_TYPE_GET_HASH_FLAGS, 0, 0, 0,
                             NOT_SUPPORTED), 0);
    for (uint32_t flags = 0; flags <= 16; flags++) {
        execute(XEN_NETIF_CTRL_TYPE_SET_HASH_FLAGS, flags, 0, 0, INVALID);
    }

    set_toeplitz();
    assert_int_equal(execute(XEN_NETIF_CTRL_TYPE_GET_HASH_FLAGS, 0, 0, 0,
                             SUCCESS), ALL_FLAGS);
    for (uint32_t flags = 0; flags <= ALL_FLAGS; flags++) {
        execute(XEN_NETIF_CTRL_TYPE_SET_HASH_FLAGS, flags, 0, 0, SUCCESS);
        assert_int_equal(hash.flags, flags);
    }
    for (unsigned int bit = 4; bit < 32; bit++) {
        execute(XEN_NETIF_CTRL_TYPE_SET_HASH_FLAGS, 1u << bit, 0, 0, INVALID);
        execute(XEN_NETIF_CTRL_TYPE_SET_HASH_FLAGS, 1u << bit | ALL_FLAGS, 0,
                0, INVALID);
    }
}

static void
test_case_69_key(void **state OVS_UNUSED)
{
    static const uint32_t too_long[] = { 41, 64, 4096, 4097, UINT32_MAX };
    static const uint8_t zeros[XENVIF_HASH_KEY_SIZE];

    for (uint32_t len = 0; len <= XENVIF_HASH_KEY_SIZE; len++) {
        struct xenvif_hash expected;

        memset(&expected, 0, sizeof expected);
        xenvif_hash_set_key(&expected, fake_page, len);
        n_reads = 0;
        execute(XEN_NETIF_CTRL_TYPE_SET_HASH_KEY, FAKE_GREF, len, 0, SUCCESS);
        assert_memory_equal(hash.key, fake_page, len);
        assert_memory_equal(hash.key + len, zeros, sizeof zeros - len);
        assert_memory_equal(hash.table, expected.table, sizeof hash.table);

        /* Without content there is no page. */
        assert_int_equal(n_reads, len > 0);
        assert_true(!len || last_len == len);
    }
    n_reads = 0;
    for (unsigned int i = 0; i < ARRAY_SIZE(too_long); i++) {
        execute(XEN_NETIF_CTRL_TYPE_SET_HASH_KEY, FAKE_GREF, too_long[i], 0,
                OVERFLOW);
    }
    assert_int_equal(n_reads, 0);
    execute(XEN_NETIF_CTRL_TYPE_SET_HASH_KEY, FAKE_GREF + 1, 40, 0, INVALID);
    assert_memory_equal(hash.key, fake_page, sizeof hash.key);
}

/* Puts 'n' random queues into the page, then 'last' if that is any. */
static void
put_queues(unsigned int n, int64_t last)
{
    uint32_t *queues = (uint32_t *) fake_page;

    for (unsigned int i = 0; i < n; i++) {
        queues[i] = mock_random_range(N_QUEUES);
    }
    if (last >= 0) {
        queues[n] = last;
    }
}

static void
set_mapping(uint32_t gref, uint32_t len, uint32_t first, uint32_t status)
{
    execute(XEN_NETIF_CTRL_TYPE_SET_HASH_MAPPING, gref, len, first, status);
}

static void
set_mapping_size(uint32_t size, uint32_t status)
{
    execute(XEN_NETIF_CTRL_TYPE_SET_HASH_MAPPING_SIZE, size, 0, 0, status);
}

static void
test_case_68_mapping_size(void **state OVS_UNUSED)
{
    static const uint32_t too_large[] = { 129, 256, 1024, UINT32_MAX };
    static const uint32_t zeros[XENVIF_HASH_MAPPING_MAX];

    assert_int_equal(execute(XEN_NETIF_CTRL_TYPE_GET_HASH_MAPPING_SIZE, 0, 0,
                             0, SUCCESS), 128);
    for (uint32_t size = 0; size <= 128; size++) {
        set_mapping_size(128, SUCCESS);
        put_queues(128, -1);
        set_mapping(FAKE_GREF, 128, 0, SUCCESS);
        assert_memory_equal(hash.mapping, fake_page, sizeof hash.mapping);

        /* A new table is empty. */
        set_mapping_size(size, SUCCESS);
        assert_int_equal(hash.mapping_size, size);
        assert_memory_equal(hash.mapping, zeros, sizeof hash.mapping);
    }
    for (unsigned int i = 0; i < ARRAY_SIZE(too_large); i++) {
        set_mapping_size(too_large[i], INVALID);
    }
}

static void
test_case_68_sub_tables(void **state OVS_UNUSED)
{
    uint32_t expected[128] = { 0 };

    set_mapping_size(100, SUCCESS);
    for (unsigned int i = 0; i < 1000; i++) {
        uint32_t first = mock_random_range(101);
        uint32_t len = mock_random_range(101 - first);

        put_queues(len, -1);
        n_reads = 0;
        set_mapping(FAKE_GREF, len, first, SUCCESS);
        assert_int_equal(n_reads, len > 0);
        assert_true(!len || last_len == 4 * len);
        memcpy(&expected[first], fake_page, 4 * len);
        assert_memory_equal(hash.mapping, expected, sizeof expected);
    }
}

static void
test_case_85_mapping(void **state OVS_UNUSED)
{
    put_queues(1024, -1);
    for (uint32_t size = 0; size <= 128; size += 64) {
        set_mapping_size(size, SUCCESS);
        set_mapping(FAKE_GREF, 0, size, SUCCESS);
        n_reads = 0;
        set_mapping(FAKE_GREF, 0, size + 1, INVALID);
        set_mapping(FAKE_GREF, size + 1, 0, INVALID);
        set_mapping(FAKE_GREF, 1, size, INVALID);
        set_mapping(FAKE_GREF, 2, UINT32_MAX, INVALID); /* XSA-270. */
        set_mapping(FAKE_GREF, UINT32_MAX, 1, INVALID);
        set_mapping(FAKE_GREF, UINT32_MAX, UINT32_MAX, INVALID);
        set_mapping(FAKE_GREF, 1024, 0, INVALID);
        set_mapping(FAKE_GREF, 1025, 0, INVALID);
        set_mapping(FAKE_GREF, 1025, UINT32_MAX - 1024, INVALID);
        set_mapping(FAKE_GREF, 1u << 30, 0, INVALID);
        assert_int_equal(n_reads, 0);
    }

    /* A page that cannot be read; entries that are no queues. */
    set_mapping(FAKE_GREF + 1, 128, 0, INVALID);
    for (unsigned int i = 0; i < 128; i++) {
        put_queues(i, N_QUEUES);
        set_mapping(FAKE_GREF, i + 1, 0, INVALID);
        put_queues(i, UINT32_MAX);
        set_mapping(FAKE_GREF, i + 1, 127 - i, INVALID);
    }
    put_queues(127, N_QUEUES - 1);
    set_mapping(FAKE_GREF, 128, 0, SUCCESS);
}

/* The ring. */

static int
setup(void **state)
{
    return mock_setup_ctrl(state, N_QUEUES, -50);
}

/* What a Windows driver does at first, one message at a time, around the wrap
 * of index and ring. */
static void
test_synchronous_messages(void **state)
{
    struct mock *mock = *state;
    uint32_t mapping[128];
    uint8_t key[40];

    mock_fill_frame(key, sizeof key);
    for (unsigned int i = 0; i < 40; i++) {
        const struct xenvif_hash *h = mock->conn->ctrl->hash;
        uint32_t data;

        for (unsigned int j = 0; j < ARRAY_SIZE(mapping); j++) {
            mapping[j] = mock_random_range(N_QUEUES);
        }
        assert_int_equal(mock_ctrl_call(
            mock, XEN_NETIF_CTRL_TYPE_SET_HASH_ALGORITHM, 1, 0, 0, NULL), 0);
        assert_int_equal(mock_ctrl_call(
            mock, XEN_NETIF_CTRL_TYPE_GET_HASH_FLAGS, 0, 0, 0, &data), 0);
        assert_int_equal(data, ALL_FLAGS);
        assert_int_equal(mock_ctrl_call(
            mock, XEN_NETIF_CTRL_TYPE_SET_HASH_FLAGS, data, 0, 0, NULL), 0);
        assert_int_equal(mock_ctrl_call_page(
            mock, XEN_NETIF_CTRL_TYPE_SET_HASH_KEY, 0, 40, 0, 0, key,
            sizeof key, NULL), 0);
        assert_int_equal(mock_ctrl_call(
            mock, XEN_NETIF_CTRL_TYPE_GET_HASH_MAPPING_SIZE, 0, 0, 0, &data),
            0);
        assert_int_equal(mock_ctrl_call(
            mock, XEN_NETIF_CTRL_TYPE_SET_HASH_MAPPING_SIZE, data, 0, 0,
            NULL), 0);
        assert_int_equal(mock_ctrl_call_page(
            mock, XEN_NETIF_CTRL_TYPE_SET_HASH_MAPPING, 0, 128, 0, 0, mapping,
            sizeof mapping, NULL), 0);
        assert_true(h->toeplitz);
        assert_int_equal(h->flags, ALL_FLAGS);
        assert_memory_equal(h->key, key, sizeof key);
        assert_memory_equal(h->mapping, mapping, sizeof mapping);
        assert_int_equal(mock_ctrl_call(
            mock, XEN_NETIF_CTRL_TYPE_SET_HASH_ALGORITHM, 0, 0, 0, NULL), 0);
        assert_int_equal(mock_ctrl_call(
            mock, XEN_NETIF_CTRL_TYPE_GET_HASH_FLAGS, 0, 0, 0, NULL),
            NOT_SUPPORTED);
    }
    assert_int_equal(xenvif_counter_get(&mock->conn->ctrl->n_messages),
                     40 * 9);
    assert_int_equal(xenvif_counter_get(&mock->conn->ctrl->n_refused), 40);
}

/* References that lead nowhere. */
static void
test_bad_pages(void **state)
{
    static const uint32_t grefs[] = { 0, 5, 30000, 1u << 20, UINT32_MAX };
    struct mock *mock = *state;

    assert_int_equal(mock_ctrl_call(
        mock, XEN_NETIF_CTRL_TYPE_SET_HASH_MAPPING_SIZE, 128, 0, 0, NULL), 0);
    for (unsigned int i = 0; i < ARRAY_SIZE(grefs); i++) {
        assert_int_equal(mock_ctrl_call(
            mock, XEN_NETIF_CTRL_TYPE_SET_HASH_KEY, grefs[i], 40, 0, NULL),
            INVALID);
        assert_int_equal(mock_ctrl_call(
            mock, XEN_NETIF_CTRL_TYPE_SET_HASH_MAPPING, grefs[i], 128, 0,
            NULL), INVALID);
    }
}

/* Several messages at once, with the guest's wish for events anywhere. */
static void
test_notify_formula(void **state)
{
    struct mock *mock = *state;
    struct mock_ctrl *c = mock->ctrl;
    unsigned int n_notified = 0;

    for (unsigned int round = 0; round < 2000; round++) {
        unsigned int n = 1 + mock_random_range(10);
        uint32_t event = c->cons + mock_random_range(20) - 8;
        bool more = false, wanted;

        for (unsigned int i = 0; i < n; i++) {
            mock_ctrl_put(mock, 100 + i, 0, 0, 0, i == n - 1);
        }
        mock_take_events(mock, c->port);
        netif_ring_store(c->page, NETIF_RSP_EVENT, event);
        assert_false(xenvif_conn_run_ctrl(mock->conn, &more));
        assert_false(more);
        wanted = event - c->cons >= 1 && event - c->cons <= n;
        assert_int_equal(mock_take_events(mock, c->port), wanted);
        n_notified += wanted;
        for (unsigned int i = 0; i < n; i++) {
            struct xen_netif_ctrl_response rsp;

            mock_ctrl_take(mock, &rsp);
            assert_int_equal(rsp.type, 100 + i);
            assert_int_equal(rsp.status, NOT_SUPPORTED);
        }
    }
    assert_in_range(n_notified, 200, 1800);
}

/* Nothing to do is no reason to touch the ring. */
static void
test_idle(void **state)
{
    struct mock *mock = *state;
    uint32_t prod = netif_ring_load(mock->ctrl->page, NETIF_RSP_PROD);
    bool more = false;

    mock_take_events(mock, mock->ctrl->port);
    for (unsigned int i = 0; i < 10; i++) {
        netif_ring_store(mock->ctrl->page, NETIF_RSP_EVENT, prod + i - 5);
        assert_false(xenvif_conn_run_ctrl(mock->conn, &more));
    }
    assert_false(more);
    assert_int_equal(netif_ring_load(mock->ctrl->page, NETIF_RSP_PROD), prod);
    assert_int_equal(mock_take_events(mock, mock->ctrl->port), 0);
}

/* The thread that sleeps wakes up with a message, and not without one. */
static void
test_wakes_up(void **state)
{
    struct mock *mock = *state;
    bool more = false;

    xenvif_conn_run_ctrl(mock->conn, &more);
    for (unsigned int i = 0; i < 20; i++) {
        struct xen_netif_ctrl_response rsp;
        long long int start;

        start = time_msec();
        xenvif_ctrl_wait(mock->conn->ctrl);
        poll_timer_wait(10);
        poll_block();
        assert_true(time_msec() - start >= 9);

        mock_ctrl_put(mock, XEN_NETIF_CTRL_TYPE_GET_HASH_FLAGS, 0, 0, 0,
                      true);
        start = time_msec();
        xenvif_ctrl_wait(mock->conn->ctrl);
        poll_timer_wait(60000);
        poll_block();
        assert_true(time_msec() - start < 50000);
        xenvif_conn_run_ctrl(mock->conn, &more);
        mock_ctrl_take(mock, &rsp);
    }
}

/* That is so as well if it had to wait for the guest's budget, which may be
 * balanced by the time that the thread goes to sleep. */
static void
test_wakes_up_after_hold(void **state)
{
    struct mock *mock = *state;
    struct xen_netif_ctrl_response rsp;
    long long int start;
    bool more = false;

    xenvif_conn_run_ctrl(mock->conn, &more);
    mock_ctrl_put(mock, XEN_NETIF_CTRL_TYPE_GET_HASH_FLAGS, 0, 0, 0, true);
    mock->budget.work.level = -1000 * mock->budget.work.depth;
    xenvif_conn_run_ctrl(mock->conn, &more);
    assert_false(more);
    assert_int_equal(xenvif_counter_get(&mock->conn->ctrl->n_messages), 0);

    mock->budget.work.level = mock->budget.work.depth;
    start = time_msec();
    xenvif_ctrl_wait(mock->conn->ctrl);
    poll_timer_wait(60000);
    poll_block();
    assert_true(time_msec() - start < 50000);
    xenvif_conn_run_ctrl(mock->conn, &more);
    mock_ctrl_take(mock, &rsp);
}

static void
test_case_73_broken_index(void **state)
{
    static const uint32_t steps[] = { 129, 1000, 1u << 31, UINT32_MAX };
    struct mock *mock = *state;
    uint8_t frame[60];

    for (unsigned int i = 0; i < ARRAY_SIZE(steps); i++) {
        uint32_t rsp_prod = netif_ring_load(mock->ctrl->page, NETIF_RSP_PROD);
        bool more = false;

        netif_ring_store(mock->ctrl->page, NETIF_REQ_PROD,
                         rsp_prod + steps[i]);
        assert_false(xenvif_conn_run_ctrl(mock->conn, &more));
        assert_false(more);
        assert_true(mock->conn->ctrl->broken);
        assert_int_equal(xenvif_counter_get(&mock->conn->ctrl->n_messages),
                         0);

        /* It stays so, until the guest connects again; data goes on. */
        netif_ring_store(mock->ctrl->page, NETIF_REQ_PROD, rsp_prod + 1);
        assert_false(xenvif_conn_run_ctrl(mock->conn, &more));
        assert_false(more);
        assert_int_equal(netif_ring_load(mock->ctrl->page, NETIF_RSP_PROD),
                         rsp_prod);
        mock_fill_frame(frame, sizeof frame);
        mock_tx_through(&mock->queues[1], frame, sizeof frame, NULL, 0);

        mock_reconnect(mock, i * 77);
        assert_int_equal(mock_ctrl_call(
            mock, XEN_NETIF_CTRL_TYPE_SET_HASH_ALGORITHM, 1, 0, 0, NULL), 0);
        mock_reconnect(mock, i * 77);
    }
}

/* Messages without end: each turn of the control thread answers a few, and
 * packets flow between its turns. */
static void
test_case_86_flood(void **state)
{
    struct mock *mock = *state;
    struct mock_ctrl *c = mock->ctrl;
    struct xenvif_ctrl *backend = mock->conn->ctrl;
    uint8_t frame[60];

    mock_fill_frame(frame, sizeof frame);
    while (xenvif_counter_get(&backend->n_messages) < 100000) {
        uint64_t n = xenvif_counter_get(&backend->n_messages);
        bool more = false;

        while (c->prod - c->cons < XENVIF_CTRL_RING_SIZE) {
            mock_ctrl_put(mock, XEN_NETIF_CTRL_TYPE_SET_HASH_MAPPING, 0, 1,
                          0, true);
        }
        mock->budget.work.level = mock->budget.work.depth;
        assert_false(xenvif_conn_run_ctrl(mock->conn, &more));
        assert_true(more);
        assert_int_equal(xenvif_counter_get(&backend->n_messages),
                         n + XENVIF_CTRL_BURST);
        while (netif_ring_load(c->page, NETIF_RSP_PROD) != c->cons) {
            struct xen_netif_ctrl_response rsp;

            mock_ctrl_take(mock, &rsp);
            assert_int_equal(rsp.status, INVALID);
        }
        if (n % 1024 == 0) {
            mock_tx_through(&mock->queues[0], frame, sizeof frame, NULL, 0);
            mock_rx_post(&mock->queues[0], 1);
            mock_rx_through(&mock->queues[0], frame, sizeof frame, 1);
        }
    }
}

/* Connecting. */

static void
expect_no_ctrl(struct mock *mock, const struct xenvif_request *request,
               const char *text)
{
    char *problem = NULL;

    assert_null(mock_try_connect(mock, request, &problem));
    assert_non_null(problem);
    if (!strstr(problem, text)) {
        fail_msg("\"%s\" has no \"%s\"", problem, text);
    }
    free(problem);
    mock_assert_usage(mock, 0);
}

static void
test_cannot_open(void **state)
{
    struct mock *mock = *state;
    struct xenvif_request request;

    mock_disconnect(mock);
    mock_request(mock, &request);
    request.ctrl_ref = 30000;
    expect_no_ctrl(mock, &request, "cannot map control ring");
    mock_request(mock, &request);
    request.ctrl_port = 200;
    expect_no_ctrl(mock, &request, "cannot bind event channel 200");
    mock_request(mock, &request);
    request.ctrl_port = request.queues[0].tx_port;
    expect_no_ctrl(mock, &request, "cannot bind event channel");
    mock_request(mock, &request);
    netif_ring_store(mock->ctrl->page, NETIF_REQ_PROD, -50 + 129);
    expect_no_ctrl(mock, &request, "out of range");

    mock_reset(mock, 5);
    mock_connect(mock);
    assert_int_equal(mock_ctrl_call(
        mock, XEN_NETIF_CTRL_TYPE_SET_HASH_ALGORITHM, 1, 0, 0, NULL), 0);
}

/* A message that an earlier backend did not live to answer; and what it had
 * been told. */
static void
test_case_19_attach(void **state)
{
    struct mock *mock = *state;
    struct xen_netif_ctrl_response rsp;
    bool more = false;

    mock_disconnect(mock);
    mock_ctrl_put(mock, XEN_NETIF_CTRL_TYPE_GET_HASH_FLAGS, 0, 0, 0, true);
    memset(&hash, 0, sizeof hash);
    hash.toeplitz = true;
    hash.flags = 3;
    mock->hash = &hash;
    mock_connect(mock);
    mock->hash = NULL;
    assert_non_null(ovsrcu_get(struct xenvif_hash *,
                               &mock->conn->common.hash));
    assert_ptr_not_equal(mock->conn->ctrl->hash, &hash);
    xenvif_conn_run_ctrl(mock->conn, &more);
    mock_ctrl_take(mock, &rsp);
    assert_int_equal(rsp.status, SUCCESS);
    assert_int_equal(rsp.data, ALL_FLAGS);
}

/* What is configured reaches the threads that send, without waiting. */
static void
test_change_is_published(void **state)
{
    struct mock *mock = *state;
    struct xenvif_common *common = &mock->conn->common;
    struct xen_netif_ctrl_response rsp;
    bool more = false;

    assert_null(ovsrcu_get(struct xenvif_hash *, &common->hash));
    mock_ctrl_put(mock, XEN_NETIF_CTRL_TYPE_SET_HASH_ALGORITHM, 1, 0, 0,
                  true);
    assert_int_equal(xenvif_conn_run_ctrl(mock->conn, &more),
                     XENVIF_CTRL_HASH);
    mock_ctrl_take(mock, &rsp);
    assert_non_null(ovsrcu_get(struct xenvif_hash *, &common->hash));

    /* Once. */
    assert_false(xenvif_conn_run_ctrl(mock->conn, &more));
    mock_ctrl_put(mock, XEN_NETIF_CTRL_TYPE_SET_HASH_FLAGS, 16, 0, 0, true);
    assert_false(xenvif_conn_run_ctrl(mock->conn, &more));
    mock_ctrl_take(mock, &rsp);

    for (uint32_t flags = 0; flags < 16; flags++) {
        mock_ctrl_call(mock, XEN_NETIF_CTRL_TYPE_SET_HASH_FLAGS, flags, 0, 0,
                       NULL);
        assert_int_equal(
            ovsrcu_get(struct xenvif_hash *, &common->hash)->flags, flags);
    }
    mock_ctrl_call(mock, XEN_NETIF_CTRL_TYPE_SET_HASH_ALGORITHM, 0, 0, 0,
                   NULL);
    assert_null(ovsrcu_get(struct xenvif_hash *, &common->hash));
    assert_false(more);
}

#define UNIT(NAME) cmocka_unit_test_setup(NAME, setup_fake)
#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, setup, mock_teardown)

static int
run(const char *name)
{
    const struct CMUnitTest tests[] = {
        UNIT(test_case_70_unknown_types),
        UNIT(test_case_70_no_mapping),
        UNIT(test_algorithm),
        UNIT(test_case_67_flags),
        UNIT(test_case_69_key),
        UNIT(test_case_68_mapping_size),
        UNIT(test_case_68_sub_tables),
        UNIT(test_case_85_mapping),
        TEST(test_synchronous_messages),
        TEST(test_bad_pages),
        TEST(test_notify_formula),
        TEST(test_idle),
        TEST(test_wakes_up),
        TEST(test_wakes_up_after_hold),
        TEST(test_case_73_broken_index),
        TEST(test_case_86_flood),
        TEST(test_cannot_open),
        TEST(test_case_19_attach),
        TEST(test_change_is_published),
    };

    return cmocka_run_group_tests_name(name, tests, NULL, NULL);
}

int
main(void)
{
    return mock_main(run);
}
