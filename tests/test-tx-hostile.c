/* SPDX-License-Identifier: Apache-2.0 */

/* Component test: what a hostile guest transmits.  The numbers in the names
 * are those of the list of cases in the project's test plan. */

#include <config.h>

#include "mock-frontend.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <xen/grant_table.h>

#include "packets.h"
#include "util.h"
#include "ring/xenvif-rx.h"
#include "ring/xenvif-tx.h"
#include "ring/xenvif-tx-parse.h"

static uint8_t frame[MOCK_FRAME_MAX];

static const struct netif_extra_info empty_extra;

/* After a vif error: the guest connects again, and all is well. */
static void
recover(struct mock_queue *q, uint32_t start)
{
    mock_reconnect(q->mock, start);
    mock_fill_frame(frame, 1514);
    mock_tx_through(q, frame, 1514, NULL, 0);
    mock_rx_post(q, 1);
    mock_rx_through(q, frame, 1514, 1);
}

static void
send_good(struct mock_queue *q)
{
    mock_fill_frame(frame, 100);
    mock_tx_through(q, frame, 100, NULL, 0);
}

/* A packet of 'n' slots as they are given, each with a good grant. */
static void
put_slots(struct mock_queue *q, uint16_t total, const uint16_t *sizes,
          unsigned int n)
{
    for (unsigned int i = 0; i < n; i++) {
        uint8_t *page;
        uint32_t gref = mock_tx_grant(q, &page);

        mock_tx_request(q, gref, 0, i ? sizes[i] : total,
                        i + 1 < n ? NETTXF_more_data : 0);
    }
    mock_tx_end(q);
    mock_tx_push(q);
}

/* Producer indexes that no honest guest has. */
static void
test_case_73_tx_index(void **state)
{
    static const uint32_t jumps[] = { 257, -1, 0x80000000, 300, 65536, -256 };
    struct mock_queue *q = mock_queue_of(state);
    struct mock *other = mock_create(1, false, 0);

    mock_connect(other);
    for (unsigned int i = 0; i < ARRAY_SIZE(jumps); i++) {
        send_good(q);
        netif_ring_store(q->tx_page, NETIF_REQ_PROD, q->tx_cons + jumps[i]);
        mock_tx_expect_fault(q, XENVIF_TX_E_RING);
        assert_int_equal(netif_ring_load(q->tx_page, NETIF_RSP_PROD),
                         q->tx_cons);
        assert_true(xenvif_tx_n_pending(mock_backend(q)) <= NETIF_RING_SIZE);
        send_good(&other->queues[0]);
        recover(q, i % 2 ? 0 : -3);
    }
    mock_destroy(other);
}

/* The guest goes back behind a request that was consumed already. */
static void
test_case_73_tx_index_back(void **state)
{
    struct mock_queue *q = mock_queue_of(state);

    for (unsigned int i = 0; i < 10; i++) {
        send_good(q);
    }
    netif_ring_store(q->tx_page, NETIF_REQ_PROD, q->tx_prod - 1);
    mock_tx_expect_fault(q, XENVIF_TX_E_RING);
    recover(q, 0);
}

static void
test_case_73_rx_index(void **state)
{
    static const uint32_t jumps[] = { 257, -1, 0x80000000, 1000 };
    struct mock_queue *q = mock_queue_of(state);

    for (unsigned int i = 0; i < ARRAY_SIZE(jumps); i++) {
        struct dp_packet *packet = mock_packet(frame, 60);
        uint64_t n = mock_rx_verdicts(q, XENVIF_RX_E_RING);

        netif_ring_store(q->rx_page, NETIF_REQ_PROD, q->rx_cons + jumps[i]);
        assert_true(xenvif_rx_burst(mock_backend(q), &packet, 1));
        assert_int_equal(xenvif_common_fault(mock_backend(q)->common),
                         XENVIF_FAULT_RX_RING);
        assert_true(latch_poll(&q->mock->latch));
        assert_int_equal(mock_rx_verdicts(q, XENVIF_RX_E_RING), n + 1);
        assert_int_equal(netif_ring_load(q->rx_page, NETIF_RSP_PROD),
                         q->rx_cons);
        assert_false(xenvif_rx_burst(mock_backend(q), &packet, 1));
        assert_int_equal(mock_rx_verdicts(q, XENVIF_RX_E_RING), n + 1);
        dp_packet_delete(packet);
        recover(q, 0);
    }
}

static void
test_case_73_connect_to_bad_index(void **state)
{
    struct mock *mock = *state;
    struct mock_queue *q = &mock->queues[0];
    struct xenvif_request request;

    mock_disconnect(mock);
    mock_request(mock, &request);
    for (unsigned int i = 0; i < 2; i++) {
        void *ring = i ? q->tx_page : q->rx_page;
        char *problem;

        netif_ring_store(ring, NETIF_REQ_PROD, 257);
        assert_null(mock_try_connect(mock, &request, &problem));
        assert_non_null(strstr(problem, "out of range"));
        free(problem);
        mock_assert_usage(mock, 0);
        netif_ring_store(ring, NETIF_REQ_PROD, 0);
    }
    mock_connect(mock);
    send_good(q);
}

static void
test_case_74_sizes_do_not_add_up(void **state)
{
    struct mock_queue *q = mock_queue_of(state);
    uint16_t sizes[18];

    /* The fragments are as large as the packet, or larger. */
    for (uint16_t size = 86; size < 90; size++) {
        sizes[1] = size;
        put_slots(q, 86, sizes, 2);
        mock_tx_expect_drop(q, NETIF_RSP_ERROR, XENVIF_TX_E_BAD_SIZE);
    }

    /* Their sum does not fit 16 bits. */
    for (unsigned int i = 0; i < 18; i++) {
        sizes[i] = 4096;
    }
    put_slots(q, 100, sizes, 18);
    mock_tx_expect_drop(q, NETIF_RSP_ERROR, XENVIF_TX_E_BAD_SIZE);
    put_slots(q, 17 * 4096 % 65536 + 60, sizes, 18);
    mock_tx_expect_drop(q, NETIF_RSP_ERROR, XENVIF_TX_E_BAD_SIZE);
    send_good(q);
}

static void
test_case_75_too_many_slots(void **state)
{
    struct mock_queue *q = mock_queue_of(state);
    uint16_t sizes[256];

    for (unsigned int i = 0; i < 256; i++) {
        sizes[i] = 10;
    }
    for (unsigned int n = 19; n <= 20; n++) {
        put_slots(q, 10 * n, sizes, n);
        mock_tx_expect_drop(q, NETIF_RSP_ERROR, XENVIF_TX_E_TOO_MANY_SLOTS);
        send_good(q);
    }
    for (unsigned int n = 21; n <= 255; n += 234) {
        put_slots(q, 10 * n, sizes, n);
        mock_tx_expect_fault(q, XENVIF_TX_E_ENDLESS);
        recover(q, 0);
    }

    /* Chains without an end, in a ring that is full or not. */
    for (unsigned int n = 1; n <= 256; n = n < 25 ? n + 1 : n + 231) {
        for (unsigned int i = 0; i < n; i++) {
            uint8_t *page;
            uint32_t gref = mock_tx_grant(q, &page);

            mock_tx_request(q, gref, 0, i ? 10 : 1000, NETTXF_more_data);
        }
        mock_tx_push(q);
        mock_tx_expect_fault(q, n <= 20 ? XENVIF_TX_E_CUT
                                : XENVIF_TX_E_ENDLESS);
        recover(q, -10);
    }
}

/* Good packets before a broken one are not lost. */
static void
test_vif_error_after_good_packets(void **state)
{
    struct mock_queue *q = mock_queue_of(state);
    struct dp_packet_batch batch;

    mock_fill_frame(frame, 500);
    mock_tx_frame(q, frame, 500, NULL, 0, 0);
    mock_tx_frame(q, frame, 400, NULL, 0, 0);
    mock_tx_request(q, 0, 0, 60, NETTXF_more_data);
    mock_tx_end(q);
    mock_tx_push(q);
    assert_int_equal(mock_tx_burst(q, &batch), 2);
    mock_assert_packet(batch.packets[0], frame, 500);
    mock_assert_packet(batch.packets[1], frame, 400);
    dp_packet_delete_batch(&batch, true);
    assert_int_equal(mock_tx_reap(q), 2);
    assert_int_equal(xenvif_common_fault(mock_backend(q)->common),
                     XENVIF_TX_E_CUT);
    assert_true(latch_poll(&q->mock->latch));
    recover(q, 0);
}

/* The first vif error is the one that is remembered, and it wakes the control
 * thread once. */
static void
test_first_fault_counts(void **state)
{
    struct mock_queue *q = mock_queue_of(state);
    struct xenvif_common *common = mock_backend(q)->common;

    assert_int_equal(xenvif_common_fault(common), 0);
    xenvif_common_set_fault(common, XENVIF_TX_E_EXTRA);
    assert_true(latch_poll(&q->mock->latch));
    xenvif_common_set_fault(common, XENVIF_TX_E_RING);
    assert_int_equal(xenvif_common_fault(common), XENVIF_TX_E_EXTRA);
    assert_false(latch_is_set(&q->mock->latch));
    recover(q, 0);
}

static void
put_extras(struct mock_queue *q, const uint8_t *types, unsigned int n,
           bool endless)
{
    uint8_t *page;
    uint32_t gref = mock_tx_grant(q, &page);

    mock_tx_request(q, gref, 0, 60, NETTXF_extra_info);
    for (unsigned int i = 0; i < n; i++) {
        struct netif_extra_info extra = empty_extra;

        extra.type = types[i];
        extra.flags = (i + 1 < n || endless ? XEN_NETIF_EXTRA_FLAG_MORE : 0);
        mock_tx_extra(q, &extra);
    }
    mock_tx_end(q);
    mock_tx_push(q);
}

static void
test_case_76_extras(void **state)
{
    struct mock_queue *q = mock_queue_of(state);
    uint8_t types[8];

    /* Each invalid type, alone and after a valid one. */
    for (unsigned int type = 0; type < 256; type += type < 8 ? 1 : 13) {
        if (type >= 1 && type <= 5) {
            continue;
        }
        types[0] = type;
        put_extras(q, types, 1, false);
        mock_tx_expect_fault(q, XENVIF_TX_E_EXTRA);
        recover(q, 0);
        types[0] = XEN_NETIF_EXTRA_TYPE_HASH;
        types[1] = type;
        put_extras(q, types, 2, false);
        mock_tx_expect_fault(q, XENVIF_TX_E_EXTRA);
        recover(q, 0);
    }

    /* Each valid one twice. */
    for (unsigned int type = 1; type <= 5; type++) {
        types[0] = types[1] = type;
        put_extras(q, types, 2, false);
        mock_tx_expect_fault(q, XENVIF_TX_E_EXTRA);
        recover(q, 0);
    }

    /* Chains without an end. */
    for (unsigned int n = 0; n <= 6; n++) {
        for (unsigned int i = 0; i < n; i++) {
            types[i] = 1 + i % 5;
        }
        put_extras(q, types, n, true);
        mock_tx_expect_fault(q, n < 6 ? XENVIF_TX_E_CUT : XENVIF_TX_E_EXTRA);
        recover(q, 0);
    }
}

/* XSA-432: many slots with little in them. */
static void
test_case_77_slots_and_sizes(void **state)
{
    struct mock_queue *q = mock_queue_of(state);

    for (unsigned int n = 1; n <= 20; n++) {
        for (uint16_t total = 0; total <= 128; total++) {
            uint16_t sizes[20] = { 0 }, left = total;
            struct dp_packet_batch batch;
            bool good;

            /* A byte each, as long as there are any; the rest in the first
             * slot, or in the last one. */
            for (unsigned int i = 1; i < n && left > 1; i++) {
                sizes[i] = 1;
                left--;
            }
            if (total % 2 && n > 1 && left > 1) {
                sizes[n - 1] += left - 1;
            }
            good = total >= 14 && n <= 18;
            put_slots(q, total, sizes, n);
            assert_int_equal(mock_tx_burst(q, &batch), good);
            if (good) {
                assert_int_equal(dp_packet_size(batch.packets[0]), total);
            }
            dp_packet_delete_batch(&batch, true);
            assert_int_equal(mock_tx_reap(q), n);
            assert_int_equal(mock_tx_status(q, q->tx_prod - n),
                             good ? NETIF_RSP_OKAY : NETIF_RSP_ERROR);
        }
    }
}

/* XSA-448: many slots with nothing in them. */
static void
test_case_78_all_slots_empty(void **state)
{
    static const uint16_t zeros[20];
    struct mock_queue *q = mock_queue_of(state);

    for (unsigned int n = 1; n <= 20; n++) {
        put_slots(q, 0, zeros, n);
        mock_tx_expect_drop(q, NETIF_RSP_ERROR, XENVIF_TX_E_RUNT);
    }
    assert_int_equal(mock_tx_count(q, copy_calls), 0);
    send_good(q);
}

/* Puts a packet of three slots, of which slot 'bad' has reference 'gref'. */
static void
put_with_gref(struct mock_queue *q, unsigned int bad, uint32_t gref)
{
    for (unsigned int i = 0; i < 3; i++) {
        uint8_t *page;

        mock_tx_request(q, i == bad ? gref : mock_tx_grant(q, &page), 0,
                        i ? 1000 : 3000, i < 2 ? NETTXF_more_data : 0);
    }
    mock_tx_end(q);
    mock_tx_push(q);
}

static void
test_case_79_bad_grants(void **state)
{
    struct mock_queue *q = mock_queue_of(state);
    struct xenemu_dom *dom = q->mock->dom;
    uint32_t pfn = xenemu_dom_alloc_page(dom);
    int32_t foreign = xenemu_grant(dom, 99, pfn, false);
    int32_t revoked = xenemu_grant(dom, 0, pfn, false);
    const uint32_t grefs[] = { foreign, revoked, 0, 7, 32767, 32768, -1 };

    assert_true(foreign > 0 && revoked > 0);
    xenemu_revoke(dom, revoked);
    for (unsigned int i = 0; i < ARRAY_SIZE(grefs); i++) {
        for (unsigned int bad = 0; bad < 3; bad++) {
            /* Something secret that must not turn up anywhere. */
            mock_fill_frame(frame, 5000);
            mock_tx_through(q, frame, 5000, NULL, 0);
            put_with_gref(q, bad, grefs[i]);
            mock_tx_expect_drop(q, NETIF_RSP_ERROR, XENVIF_TX_E_GRANT);
        }
    }
    send_good(q);
    assert_int_equal(xenemu_ungrant(dom, foreign), 0);
    assert_int_equal(xenemu_ungrant(dom, revoked), 0);
}

/* A bad packet costs its neighbours in the same burst nothing. */
static void
test_case_79_neighbours(void **state)
{
    struct mock_queue *q = mock_queue_of(state);
    uint32_t first = q->tx_prod;
    struct dp_packet_batch batch;

    mock_fill_frame(frame, 3000);
    for (unsigned int i = 0; i < 20; i++) {
        if (i % 3 == 1) {
            put_with_gref(q, i % 2, 32000);
        } else {
            mock_tx_frame(q, frame, 3000 - i, NULL, 0, 0);
        }
    }
    mock_tx_push(q);
    assert_int_equal(mock_tx_burst(q, &batch), 13);
    for (unsigned int i = 0, j = 0; i < 20; i++) {
        if (i % 3 != 1) {
            mock_assert_packet(batch.packets[j++], frame, 3000 - i);
        }
    }
    dp_packet_delete_batch(&batch, true);
    assert_int_equal(mock_tx_reap(q), q->tx_prod - first);
    assert_int_equal(mock_tx_verdicts(q, XENVIF_TX_E_GRANT), 7);
    assert_int_equal(mock_tx_count(q, copy_calls), 1);
}

/* Revoked while bursts run: either the packet is whole or it is not there. */
static void
test_case_79_whole_call_fails(void **state)
{
    struct mock_queue *q = mock_queue_of(state);
    struct dp_packet_batch batch;

    /* The call fails after it preset all states to success. */
    mock_fill_frame(frame, 9000);
    for (unsigned int i = 0; i < 5; i++) {
        mock_tx_frame(q, frame, 9000, NULL, 0, 0);
    }
    mock_tx_push(q);
    assert_int_equal(xenemu_set_fault(NULL, "copy", 0, EINVAL, 0, 1), 0);
    assert_int_equal(mock_tx_burst(q, &batch), 0);
    assert_int_equal(mock_tx_reap(q), 15);
    assert_int_equal(mock_tx_verdicts(q, XENVIF_TX_E_GRANT), 5);
    send_good(q);

    /* One segment after the other fails. */
    for (unsigned int i = 0; i < 4; i++) {
        mock_tx_frame(q, frame, 9000, NULL, 0, 0);
        mock_tx_push(q);
        assert_int_equal(xenemu_set_fault(NULL, "segment", 0,
                                          GNTST_bad_page, i, 1), 0);
        assert_int_equal(mock_tx_burst(q, &batch), i == 3);
        dp_packet_delete_batch(&batch, true);
        assert_int_equal(mock_tx_reap(q), 3);
    }
    assert_int_equal(xenemu_set_fault(NULL, "segment", 0, 0, 0, 0), 0);
    send_good(q);
}

static void
test_case_80_gso_lies(void **state)
{
    static const uint16_t sizes[] = { 0, 1, 8, 1448, 65535 };
    static const uint8_t types[] = { 0, 1, 2, 3, 255 };
    struct mock_queue *q = mock_queue_of(state);

    /* Nobody agreed on GSO, so no such packet passes, nor is it split. */
    for (unsigned int i = 0; i < ARRAY_SIZE(sizes); i++) {
        for (unsigned int j = 0; j < ARRAY_SIZE(types); j++) {
            struct netif_extra_info gso = empty_extra;

            if (!sizes[i] && !types[j]) {
                continue;
            }
            gso.u.gso.size = sizes[i];
            gso.u.gso.type = types[j];
            mock_tx_stage_extra(q, XEN_NETIF_EXTRA_TYPE_GSO, &gso);
            mock_tx_frame(q, frame, j % 2 ? 54 : 60000, NULL, 0,
                          NETTXF_csum_blank | NETTXF_data_validated);
            mock_tx_push(q);
            mock_tx_expect_drop(q, NETIF_RSP_ERROR, XENVIF_TX_E_GSO_REFUSED);
        }
    }
    send_good(q);
}

/* Frames whose checksum cannot be completed. */
static void
test_case_81_bad_csum_blank(void **state)
{
    struct mock_queue *q = mock_queue_of(state);

    memset(frame, 0, sizeof frame);
    for (unsigned int i = 0; i < 6; i++) {
        uint32_t len = 200;

        memset(frame + 14, 0, 200);
        frame[12] = 0x08;
        frame[13] = 0x00;
        frame[14] = 0x45;
        frame[17] = 186;        /* Total length. */
        frame[23] = IPPROTO_TCP;
        switch (i) {
        case 0:
            len = 14;
            break;
        case 1:
            frame[14] = 0x4f;   /* Header of 60 bytes, in... */
            len = 14 + 59;      /* ...59. */
            break;
        case 2:
            frame[20] = 0x20;   /* A fragment. */
            break;
        case 3:
            frame[23] = 132;    /* SCTP. */
            break;
        case 4:
            frame[12] = 0x86;   /* IPv6, all extension headers. */
            frame[13] = 0xdd;
            frame[14] = 0x60;
            frame[19] = 146;
            break;
        case 5:
            frame[17] = 187;    /* More than there is. */
            break;
        }
        mock_tx_frame(q, frame, len, NULL, 0, NETTXF_csum_blank);
        mock_tx_push(q);
        mock_tx_expect_drop(q, NETIF_RSP_ERROR, XENVIF_TX_E_CSUM);
    }
    send_good(q);
}

/* Whatever rsp_event says: at most one notification per burst, which is what
 * mock_tx_burst() checks. */
static void
test_case_95_rsp_event(void **state)
{
    struct mock_queue *q = mock_queue_of(state);
    unsigned int n_notifies = 0;

    q->silent = true;
    for (unsigned int i = 0; i < 2000; i++) {
        unsigned int n = 1 + mock_random_range(NETDEV_MAX_BURST);
        struct dp_packet_batch batch;
        uint64_t old = mock_tx_count(q, notifies);

        for (unsigned int j = 0; j < n; j++) {
            mock_tx_frame(q, frame, 60, NULL, 0, 0);
        }
        mock_tx_push(q);
        netif_ring_store(q->tx_page, NETIF_RSP_EVENT,
                         (i % 2 ? q->tx_cons + mock_random_range(80) - 10
                          : mock_random()));
        assert_int_equal(mock_tx_burst(q, &batch), n);
        dp_packet_delete_batch(&batch, true);
        assert_int_equal(mock_tx_reap(q), n);
        n_notifies += mock_tx_count(q, notifies) - old;
    }
    assert_in_range(n_notifies, 100, 1900);

    /* An honest guest afterwards. */
    q->silent = false;
    assert_int_equal(mock_tx_reap(q), 0);
    send_good(q);
    assert_int_equal(mock_tx_count(q, notifies), n_notifies + 1);
}

/* The ring full of rubbish: bursts are bounded in slots, too. */
static void
test_bounded_work(void **state)
{
    struct mock_queue *q = mock_queue_of(state);
    struct dp_packet_batch batch;
    unsigned int n_bursts = 0;

    for (unsigned int i = 0; i < 256; i++) {
        mock_tx_request(q, 0, 0, 0, 0);
        mock_tx_end(q);
    }
    mock_tx_push(q);
    while (q->tx_cons != q->tx_prod) {
        assert_int_equal(mock_tx_burst(q, &batch), 0);
        assert_in_range(mock_tx_reap(q), 1, 64 + XENVIF_TX_MAX_CHAIN);
        n_bursts++;
    }
    assert_true(n_bursts >= 3);
    assert_int_equal(mock_tx_verdicts(q, XENVIF_TX_E_RUNT), 256);
}

#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, mock_setup, \
                                                   mock_teardown)
static int
run(const char *name)
{
    const struct CMUnitTest tests[] = {
        TEST(test_case_73_tx_index),
        TEST(test_case_73_tx_index_back),
        TEST(test_case_73_rx_index),
        TEST(test_case_73_connect_to_bad_index),
        TEST(test_case_74_sizes_do_not_add_up),
        TEST(test_case_75_too_many_slots),
        TEST(test_vif_error_after_good_packets),
        TEST(test_first_fault_counts),
        TEST(test_case_76_extras),
        TEST(test_case_77_slots_and_sizes),
        TEST(test_case_78_all_slots_empty),
        TEST(test_case_79_bad_grants),
        TEST(test_case_79_neighbours),
        TEST(test_case_79_whole_call_fails),
        TEST(test_case_80_gso_lies),
        TEST(test_case_81_bad_csum_blank),
        TEST(test_case_95_rsp_event),
        TEST(test_bounded_work),
    };

    return cmocka_run_group_tests_name(name, tests, NULL, NULL);
}

int
main(void)
{
    return mock_main(run);
}
