/* SPDX-License-Identifier: Apache-2.0 */

/* Component test: connecting, failing to connect, and taking over the rings of
 * a backend that is gone.  The numbers in the names are those of the list of
 * cases in the project's test plan. */

#include <config.h>

#include "mock-frontend.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>
#include <xenevtchn.h>

#include "util.h"
#include "ring/xenvif-rx.h"
#include "ring/xenvif-tx.h"

static uint8_t frame[MOCK_FRAME_MAX];

static const struct netif_extra_info empty_extra;

/* Passes a packet in each direction through each queue. */
static void
check_traffic(struct mock *mock)
{
    for (unsigned int i = 0; i < mock->n_queues; i++) {
        struct mock_queue *q = &mock->queues[i];

        mock_fill_frame(frame, 9000);
        mock_tx_through(q, frame, 9000, NULL, 0);
        mock_rx_post(q, 3);
        mock_rx_through(q, frame, 9000, 3);
    }
}

static void
put_frames(struct mock_queue *q, unsigned int n, uint8_t number)
{
    for (unsigned int i = 0; i < n; i++) {
        uint16_t sizes[] = { 30, 30 };

        frame[14] = number + i;
        mock_tx_frame(q, frame, 60, sizes, 2, 0);
    }
    mock_tx_push(q);
}

/* Takes bursts until there is nothing left; expects packets with the numbers
 * from 'number' on.  Returns how many. */
static unsigned int
take_frames(struct mock_queue *q, unsigned int max_bursts, uint8_t number)
{
    struct dp_packet_batch batch;
    unsigned int n = 0;

    while (max_bursts-- && mock_tx_burst(q, &batch)) {
        struct dp_packet *packet;

        DP_PACKET_BATCH_FOR_EACH (i, packet, &batch) {
            const uint8_t *data = dp_packet_data(packet);

            assert_int_equal(dp_packet_size(packet), 60);
            assert_int_equal(data[14], (uint8_t) (number + n++));
        }
        dp_packet_delete_batch(&batch, true);
        mock_tx_reap(q);
    }
    return n;
}

/* What the guest sent before we had bound anything. */
static void
test_case_41_requests_before_connect(void **state)
{
    struct mock *mock = *state;
    struct mock_queue *q = &mock->queues[0];

    mock_disconnect(mock);
    mock_reset(mock, 0);
    put_frames(q, 5, 0);
    assert_int_equal(q->tx_kicks, 1);
    mock_rx_post(q, 3);
    mock_connect(mock);
    assert_int_equal(take_frames(q, 100, 0), 5);
    mock_rx_through(q, frame, 9000, 3);
}

static void
test_case_44_channels(void **state OVS_UNUSED)
{
    for (unsigned int split = 0; split < 2; split++) {
        struct mock *mock = mock_create(2, split, 0);

        mock_connect(mock);
        for (unsigned int i = 0; i < 10; i++) {
            check_traffic(mock);
        }

        /* After an earlier backend: every channel is notified, once. */
        for (unsigned int i = 0; i < 2; i++) {
            mock_take_events(mock, mock->queues[i].tx_port);
            mock_take_events(mock, mock->queues[i].rx_port);
        }
        xenvif_conn_notify_all(mock->conn);
        for (unsigned int i = 0; i < 2; i++) {
            struct mock_queue *q = &mock->queues[i];

            assert_int_equal(mock_take_events(mock, q->tx_port), 1);
            assert_int_equal(mock_take_events(mock, q->rx_port), split);
        }
        mock_destroy(mock);
    }
}

/* Other numbers of queues at each connection. */
static void
test_case_45_queues(void **state OVS_UNUSED)
{
    static const unsigned int numbers[] = { 4, 1, 2, 4, 3, 1 };
    struct mock *mock = mock_create(4, true, 0);

    for (unsigned int i = 0; i < ARRAY_SIZE(numbers); i++) {
        struct xenvif_request request;
        char *problem;

        mock_request(mock, &request);
        request.n_queues = numbers[i];
        mock->conn = mock_try_connect(mock, &request, &problem);
        assert_non_null(mock->conn);
        assert_int_equal(mock->conn->n_queues, numbers[i]);
        for (unsigned int j = 0; j < numbers[i]; j++) {
            struct mock_queue *q = &mock->queues[j];

            mock_fill_frame(frame, 3000);
            mock_tx_through(q, frame, 3000, NULL, 0);
            mock_rx_post(q, 1);
            mock_rx_through(q, frame, 3000, 1);
        }
        xenvif_conn_close(mock->conn);
        mock->conn = NULL;
        mock_assert_usage(mock, 0);
        mock_reset(mock, i);
    }
    mock_destroy(mock);
}

/* Has to fail, with a reason that contains 'text', and leave nothing. */
static void
expect_refusal(struct mock *mock, const struct xenvif_request *request,
               const char *text)
{
    char *problem = NULL;

    assert_null(mock_try_connect(mock, request, &problem));
    assert_non_null(problem);
    if (!strstr(problem, text)) {
        fail_msg("\"%s\" instead of \"%s\"", problem, text);
    }
    free(problem);
    mock_assert_usage(mock, 0);
}

static void
test_case_89_bad_references(void **state OVS_UNUSED)
{
    struct mock *mock = mock_create(2, true, 0);
    uint32_t pfn = xenemu_dom_alloc_page(mock->dom);
    const uint32_t grefs[] = {
        xenemu_grant(mock->dom, 0, pfn, true), /* Read-only. */
        xenemu_grant(mock->dom, 99, pfn, false), /* To somebody else. */
        0, 30000, 32768, UINT32_MAX
    };
    struct xenvif_request request;

    for (unsigned int i = 0; i < ARRAY_SIZE(grefs); i++) {
        for (unsigned int j = 0; j < 2; j++) {
            mock_request(mock, &request);
            request.queues[j].tx_ref = grefs[i];
            expect_refusal(mock, &request, "cannot map TX ring");
            mock_request(mock, &request);
            request.queues[j].rx_ref = grefs[i];
            expect_refusal(mock, &request, "cannot map RX ring");
        }
    }
    assert_int_equal(xenemu_ungrant(mock->dom, grefs[0]), 0);
    assert_int_equal(xenemu_ungrant(mock->dom, grefs[1]), 0);
    mock_connect(mock);
    check_traffic(mock);
    mock_destroy(mock);
}

static void
test_case_89_bad_ports(void **state OVS_UNUSED)
{
    struct mock *mock = mock_create(2, true, 0);
    struct mock *other = mock_create(1, false, 0);
    struct xenvif_request request;
    uint32_t ports[] = { 0, 4095, 4096, UINT32_MAX, 0 };

    /* The last one is bound by somebody: by us, for another queue. */
    for (unsigned int i = 0; i < ARRAY_SIZE(ports); i++) {
        mock_request(mock, &request);
        ports[ARRAY_SIZE(ports) - 1] = request.queues[0].rx_port;
        request.queues[1].tx_port = ports[i];
        expect_refusal(mock, &request, "cannot bind event channel");
        mock_request(mock, &request);
        ports[ARRAY_SIZE(ports) - 1] = request.queues[0].tx_port;
        request.queues[1].rx_port = ports[i];
        expect_refusal(mock, &request, "cannot bind event channel");
    }

    /* Two backends for one vif: the second one keeps its hands off. */
    mock_connect(mock);
    mock_request(mock, &request);
    {
        char *problem;

        assert_null(mock_try_connect(mock, &request, &problem));
        assert_non_null(strstr(problem, "another backend has it"));
        free(problem);
    }
    mock_assert_usage(mock, 4);
    check_traffic(mock);
    mock_connect(other);
    check_traffic(other);
    mock_destroy(other);
    mock_destroy(mock);
}

/* One page as both rings: whatever is decided about that, nothing breaks. */
static void
test_case_89_one_page_for_both_rings(void **state)
{
    struct mock *mock = *state;
    struct mock_queue *q = &mock->queues[0];
    struct dp_packet *packet = mock_packet(frame, 60);
    struct xenvif_request request;
    char *problem = NULL;

    mock_disconnect(mock);
    mock_reset(mock, 0);
    mock_request(mock, &request);
    request.queues[0].rx_ref = request.queues[0].tx_ref;
    put_frames(q, 20, 0);
    mock->conn = mock_try_connect(mock, &request, &problem);
    for (unsigned int i = 0; mock->conn && i < 100; i++) {
        struct dp_packet_batch batch;

        dp_packet_batch_init(&batch);
        xenvif_tx_burst(mock_backend(q), &batch);
        dp_packet_delete_batch(&batch, true);
        xenvif_rx_burst(mock_backend(q), &packet, 1);
    }
    dp_packet_delete(packet);
    free(problem);
    if (mock->conn) {
        xenvif_conn_close(mock->conn);
        mock->conn = NULL;
    }
    latch_poll(&mock->latch);
    mock_assert_usage(mock, 0);
    mock_reset(mock, 0);
    mock_connect(mock);
    check_traffic(mock);
}

static unsigned int
count_descriptors(void)
{
    DIR *dir = opendir("/proc/self/fd");
    unsigned int n = 0;

    assert_non_null(dir);
    while (readdir(dir)) {
        n++;
    }
    closedir(dir);
    return n;
}

/* Each call that connecting takes fails once. */
static void
test_case_89_faults(void **state OVS_UNUSED)
{
    static const char *const calls[] = { "open", "bind", "map" };
    static const unsigned int expected[] = { 3, 6, 6 };
    struct mock *mock = mock_create(3, true, 0);
    unsigned int n_fds = count_descriptors();

    for (unsigned int i = 0; i < ARRAY_SIZE(calls); i++) {
        struct xenvif_request request;
        unsigned int skip = 0;

        mock_request(mock, &request);
        for (;; skip++) {
            char *problem = NULL;

            assert_int_equal(xenemu_set_fault(NULL, calls[i], 0, ENOMEM, skip,
                                              1), 0);
            mock->conn = mock_try_connect(mock, &request, &problem);
            assert_int_equal(xenemu_set_fault(NULL, calls[i], 0, 0, 0, 0), 0);
            if (mock->conn) {
                break;
            }
            assert_non_null(strstr(problem, "Cannot allocate memory"));
            free(problem);
            mock_assert_usage(mock, 0);
            assert_int_equal(count_descriptors(), n_fds);
        }
        assert_int_equal(skip, expected[i]);
        check_traffic(mock);
        xenvif_conn_close(mock->conn);
        mock->conn = NULL;
        mock_assert_usage(mock, 0);
        assert_int_equal(count_descriptors(), n_fds);
    }
    mock_destroy(mock);
}

/* Another backend takes over at any moment, and no packet is lost, doubled or
 * out of order. */
static void
test_case_18_restart_under_traffic(void **state)
{
    struct mock *mock = *state;
    struct mock_queue *q = &mock->queues[0];
    uint8_t sent = 0, taken = 0;

    for (unsigned int i = 0; i < 300; i++) {
        unsigned int room = 256 - (q->tx_prod - q->tx_cons);
        unsigned int n = mock_random_range(room / 2 + 1);

        put_frames(q, n, sent);
        sent += n;
        taken += take_frames(q, mock_random_range(3), taken);
        mock_rx_post(q, 1 + i % 3);
        mock_disconnect(mock);
        mock_connect(mock);
        taken += take_frames(q, mock_random_range(3), taken);
        for (unsigned int j = 0; j < i % 4; j++) {
            mock_rx_through(q, frame, 500, 1);
        }
    }
    taken += take_frames(q, UINT_MAX, taken);
    assert_int_equal(taken, sent);
    assert_int_equal(q->tx_cons, q->tx_prod);
    assert_int_equal(mock_tx_verdicts(q, XENVIF_TX_ANSWERED), 0);
}

/* With both rings full. */
static void
test_case_18_restart_full_rings(void **state)
{
    struct mock *mock = *state;
    struct mock_queue *q = &mock->queues[0];
    unsigned int taken;

    put_frames(q, 128, 0);
    mock_rx_post(q, 256);
    taken = take_frames(q, 1, 0);
    mock_rx_through(q, frame, 4096, 1);
    mock_disconnect(mock);
    mock_connect(mock);
    assert_int_equal(taken + take_frames(q, 100, taken), 128);
    for (unsigned int i = 0; i < 255; i++) {
        mock_rx_through(q, frame, 4096, 1);
    }
}

/* A vif error does not survive a new connection, but the rings must be sane
 * then: here they still are not. */
static void
test_reconnect_to_broken_ring(void **state)
{
    struct mock *mock = *state;
    struct mock_queue *q = &mock->queues[0];

    mock_tx_request(q, 30000, 0, 60, NETTXF_more_data);
    mock_tx_push(q);
    mock_tx_expect_fault(q, XENVIF_TX_E_CUT);
    mock_disconnect(mock);
    mock_connect(mock);
    assert_int_equal(mock_backend(q)->common->fault, 0);
    mock_tx_expect_fault(q, XENVIF_TX_E_CUT);

    /* The rest of the chain came in the meantime. */
    {
        uint8_t *page;
        uint32_t gref = mock_tx_grant(q, &page);

        mock_tx_request(q, gref, 0, 30, 0);
        mock_tx_end(q);
        mock_tx_push(q);
    }
    mock_disconnect(mock);
    mock_connect(mock);
    mock_tx_expect_drop(q, NETIF_RSP_ERROR, XENVIF_TX_E_GRANT);
    check_traffic(mock);
}

/* Writes a response as a backend does that then dies before it publishes it:
 * the first 4 bytes of the slot. */
static void
write_tx_response(struct mock_queue *q, uint32_t index, int16_t status)
{
    const struct netif_tx_slot *kind = &q->tx_kinds[NETIF_SLOT(index)];
    uint32_t *word = ((uint32_t *) q->tx_page + 16 + 3 * NETIF_SLOT(index));

    if (kind->kind == NETIF_SLOT_EXTRA) {
        *word = (*word & 0xffff) | NETIF_RSP_NULL << 16;
    } else {
        *word = kind->id | (uint32_t) (uint16_t) status << 16;
    }
}

/* Some packets, of which the first 'n_written' slots have been answered. */
static void
check_tx_crash_window(struct mock *mock, unsigned int n_written)
{
    struct mock_queue *q = &mock->queues[0];
    uint64_t answered = mock_tx_verdicts(q, XENVIF_TX_ANSWERED);
    uint32_t first = q->tx_prod;
    struct dp_packet_batch batch;
    struct dp_packet *packet;
    uint16_t sizes[18];
    unsigned int n_bad = 0, done;

    mock_disconnect(mock);
    for (unsigned int i = 0; i < 6; i++) {
        unsigned int n;

        mock_fill_frame(frame, 700);
        frame[14] = i;
        n = mock_random_layout(700, 5, sizes);
        if (i % 2) {
            mock_tx_stage_extra(q, XEN_NETIF_EXTRA_TYPE_HASH, &empty_extra);
            mock_tx_stage_extra(q, 5, &empty_extra);
        }
        n_bad += q->tx_prod - first < n_written;
        mock_tx_frame(q, frame, 700, sizes, n, 0);
    }
    mock_tx_push(q);
    done = MIN(n_written, q->tx_prod - first);
    for (unsigned int i = 0; i < done; i++) {
        write_tx_response(q, first + i, -mock_random_range(3));
    }
    mock_connect(mock);

    assert_int_equal(mock_tx_burst(q, &batch), 6 - n_bad);
    DP_PACKET_BATCH_FOR_EACH (i, packet, &batch) {
        const uint8_t *data = dp_packet_data(packet);

        assert_int_equal(data[14], n_bad + i);
    }
    dp_packet_delete_batch(&batch, true);
    assert_int_equal(mock_tx_reap(q), q->tx_prod - first);
    for (unsigned int i = 0; i < done; i++) {
        assert_int_not_equal(mock_tx_status(q, first + i), NETIF_RSP_ERROR);
    }
    assert_int_equal(mock_tx_verdicts(q, XENVIF_TX_ANSWERED),
                     answered + n_bad);
}

static void
test_crash_window_tx(void **state)
{
    for (unsigned int n = 0; n < 30; n++) {
        check_tx_crash_window(*state, n);
    }
    check_traffic(*state);
}

/* A good request can look like a response, if its reference is its id.  That
 * may cost a packet right after a takeover, but never later. */
static void
test_crash_window_lookalike(void **state)
{
    struct mock *mock = *state;
    struct mock_queue *q = &mock->queues[0];

    for (unsigned int taken_over = 0; taken_over < 2; taken_over++) {
        struct dp_packet_batch batch;
        uint8_t *page;
        int32_t gref;

        if (taken_over) {
            mock_disconnect(mock);
        }
        gref = mock_tx_grant(q, &page);
        assert_true(gref <= UINT16_MAX);
        q->tx_next_id = gref;
        mock_tx_request(q, gref, 0, 60, 0);
        mock_tx_end(q);
        mock_tx_push(q);
        if (taken_over) {
            mock_connect(mock);
        }
        assert_int_equal(mock_tx_burst(q, &batch), !taken_over);
        dp_packet_delete_batch(&batch, true);
        assert_int_equal(mock_tx_reap(q), 1);
        assert_int_equal(mock_tx_verdicts(q, XENVIF_TX_ANSWERED), taken_over);
    }

    /* The same right after those that were there at the takeover. */
    mock_disconnect(mock);
    put_frames(q, 3, 0);
    mock_connect(mock);
    for (unsigned int i = 0; i < 40; i++) {
        uint8_t *page;
        int32_t gref = mock_tx_grant(q, &page);

        page[14] = 3 + i;
        q->tx_next_id = gref;
        mock_tx_request(q, gref, 0, 60, 0);
        mock_tx_end(q);
    }
    mock_tx_push(q);
    assert_int_equal(take_frames(q, 100, 0), 43);
}

/* RX slots that the old backend had answered, but not published: they cost
 * what was in them, and the guest gets an error with the right id. */
static void
test_crash_window_rx(void **state)
{
    struct mock *mock = *state;
    struct mock_queue *q = &mock->queues[0];
    struct mock_rx_packet *p = xmalloc(sizeof *p);
    struct dp_packet *packets[6];

    mock_disconnect(mock);
    mock_rx_post(q, 6);
    for (unsigned int i = 0; i < 3; i++) {
        struct netif_rx_response rsp = {
            .id = q->rx_ids[NETIF_SLOT(q->rx_cons + i)],
            .flags = i < 2 ? NETRXF_more_data : NETRXF_data_validated,
            .status = i < 2 ? 4096 : -1,
        };

        memcpy((uint8_t *) q->rx_page + 64 + 8 * NETIF_SLOT(q->rx_cons + i),
               &rsp, sizeof rsp);
    }
    mock_connect(mock);
    mock_fill_frame(frame, 60);
    for (unsigned int i = 0; i < 6; i++) {
        packets[i] = mock_packet(frame, 60);
    }
    mock_rx_burst(q, packets, 6);
    for (unsigned int i = 0; i < 6; i++) {
        dp_packet_delete(packets[i]);
        assert_true(mock_rx_take(q, p));
        assert_int_equal(p->info.error, i < 3 ? NETIF_RSP_ERROR : 0);
        assert_int_equal(p->info.n_slots, 1);
    }
    assert_false(mock_rx_take(q, p));
    free(p);
}

static void
test_many_reconnects(void **state)
{
    struct mock *mock = *state;
    unsigned int n_fds = count_descriptors();

    for (unsigned int i = 0; i < 1000; i++) {
        mock_disconnect(mock);
        if (i % 5 == 0) {
            mock_reset(mock, mock_random());
        }
        mock_connect(mock);
        if (i % 50 == 0) {
            check_traffic(mock);
        }
    }
    assert_int_equal(count_descriptors(), n_fds);
}

/* Destroyed while it is connected and busy. */
static void
test_case_08_domain_destroyed(void **state OVS_UNUSED)
{
    struct mock *mock = mock_create(2, true, 0);
    struct mock *other = mock_create(1, false, 0);
    struct mock_queue *q = &mock->queues[0];
    struct dp_packet *packet = mock_packet(frame, 60);
    struct dp_packet_batch batch;

    mock_connect(mock);
    mock_connect(other);
    put_frames(q, 10, 0);
    mock_rx_post(q, 10);
    mock_kill(mock);

    dp_packet_batch_init(&batch);
    assert_int_equal(xenvif_tx_burst(mock_backend(q), &batch), EAGAIN);
    assert_int_equal(mock_tx_verdicts(q, XENVIF_TX_E_GRANT), 10);
    xenvif_rx_burst(mock_backend(q), &packet, 1);
    assert_int_equal(mock_rx_verdicts(q, XENVIF_RX_E_GRANT), 1);
    xenvif_conn_notify_all(mock->conn);
    dp_packet_delete(packet);
    check_traffic(other);
    mock_bury(mock);
    check_traffic(other);
    mock_destroy(other);
}

#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, mock_setup, \
                                                   mock_teardown)
static int
run(const char *name)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_case_08_domain_destroyed),
        TEST(test_case_18_restart_under_traffic),
        TEST(test_case_18_restart_full_rings),
        TEST(test_case_41_requests_before_connect),
        cmocka_unit_test(test_case_44_channels),
        cmocka_unit_test(test_case_45_queues),
        cmocka_unit_test(test_case_89_bad_references),
        cmocka_unit_test(test_case_89_bad_ports),
        TEST(test_case_89_one_page_for_both_rings),
        cmocka_unit_test(test_case_89_faults),
        TEST(test_reconnect_to_broken_ring),
        TEST(test_crash_window_tx),
        TEST(test_crash_window_lookalike),
        TEST(test_crash_window_rx),
        TEST(test_many_reconnects),
    };

    return cmocka_run_group_tests_name(name, tests, NULL, NULL);
}

int
main(void)
{
    return mock_main(run);
}
