/* SPDX-License-Identifier: Apache-2.0 */

/* Component test: what a guest transmits, by honest guests of all kinds.  The
 * numbers in the names are those of the list of cases in the project's test
 * plan. */

#include <config.h>

#include "mock-frontend.h"

#include <netinet/in.h>
#include <string.h>

#include "csum.h"
#include "packets.h"
#include "util.h"
#include "xen/xenvif-grant.h"
#include "packet/xenvif-ovs-compat.h"
#include "ring/xenvif-tx.h"

static uint8_t frame[MOCK_FRAME_MAX];

static const struct netif_extra_info empty_extra;

/* Makes a new frame of 'len' bytes and has it go through in one packet. */
static void
send_one(struct mock_queue *q, uint32_t len, const uint16_t *sizes,
         unsigned int n)
{
    mock_fill_frame(frame, len);
    mock_tx_through(q, frame, len, sizes, n);
}

static void
test_case_30_sizes(void **state)
{
    static const uint32_t lens[] = {
        14, 15, 60, 1514, 4095, 4096, 4097, 9018, 8 * 4096, 65534, 65535
    };
    struct mock_queue *q = mock_queue_of(state);
    uint16_t sizes[18];

    for (unsigned int i = 0; i < ARRAY_SIZE(lens); i++) {
        send_one(q, lens[i], NULL, 0);
    }

    /* As many slots as a packet may have. */
    for (unsigned int i = 0; i < 18; i++) {
        sizes[i] = i ? 3640 : 65535 - 17 * 3640;
    }
    send_one(q, 65535, sizes, 18);
    assert_int_equal(q->tx_kicks, 0);
}

/* Frames of all sizes, cut and placed at random. */
/* Conntrack's FTP helper makes a packet up to 45 bytes longer where it is, if
 * only the allocation, whatever it is used for, is so much larger than the
 * packet. */
static void
test_room_to_grow(void **state OVS_UNUSED)
{
    static const uint32_t lens[] = {
        14, 60, 1514, 9018, 65300, 65400, 65489, 65490, 65491, 65534, 65535
    };

    for (size_t i = 0; i < ARRAY_SIZE(lens); i++) {
        struct dp_packet *packet = xenvif_packet_new(lens[i]);
        const uint8_t *data = dp_packet_data(packet);

        assert_int_equal(dp_packet_size(packet), lens[i]);
        if (lens[i] + 45 <= dp_packet_get_allocated(packet)) {
            assert_true(dp_packet_tailroom(packet) >= 45);
        }
        assert_int_equal((uintptr_t) data % 2, 0);
        dp_packet_delete(packet);
    }
}

static void
test_random_layouts(void **state)
{
    struct mock_queue *q = mock_queue_of(state);
    uint16_t sizes[18];

    for (unsigned int i = 0; i < 1500; i++) {
        uint32_t len = 14 + mock_random_range(i % 3 ? 3000 : 65535 - 13);

        send_one(q, len, sizes, mock_random_layout(len, 18, sizes));
    }
}

static void
put_multicast(struct mock_queue *q, uint8_t type, struct eth_addr addr)
{
    struct netif_extra_info extra = empty_extra;

    extra.type = type;
    memcpy(extra.u.mcast.addr, &addr, sizeof addr);
    mock_tx_request(q, 0, 0, 0, NETTXF_extra_info);
    mock_tx_extra(q, &extra);
    mock_tx_end(q);
}

static int16_t
edit_multicast(struct mock_queue *q, uint8_t type, struct eth_addr addr)
{
    uint64_t n = mock_tx_verdicts(q, XENVIF_TX_MULTICAST);
    uint32_t first = q->tx_prod;
    struct dp_packet_batch batch;

    put_multicast(q, type, addr);
    mock_tx_push(q);
    assert_int_equal(mock_tx_burst(q, &batch), 0);
    assert_int_equal(mock_tx_reap(q), 2);
    assert_int_equal(mock_tx_status(q, first + 1), NETIF_RSP_NULL);
    assert_int_equal(mock_tx_verdicts(q, XENVIF_TX_MULTICAST), n + 1);
    return mock_tx_status(q, first);
}

static void
test_case_31_multicast_request(void **state)
{
    const struct eth_addr addr = ETH_ADDR_C(01,00,5e,01,02,03);
    struct mock_queue *q = mock_queue_of(state);

    assert_int_equal(edit_multicast(q, XEN_NETIF_EXTRA_TYPE_MCAST_ADD, addr),
                     NETIF_RSP_OKAY);
    assert_true(xenvif_multicast_contains(&q->mock->terms.multicast, addr));
    assert_int_equal(edit_multicast(q, XEN_NETIF_EXTRA_TYPE_MCAST_DEL, addr),
                     NETIF_RSP_OKAY);
    assert_false(xenvif_multicast_contains(&q->mock->terms.multicast, addr));
    assert_int_equal(mock_tx_count(q, copy_calls), 0);

    /* Not a multicast address. */
    assert_int_equal(edit_multicast(q, XEN_NETIF_EXTRA_TYPE_MCAST_ADD,
                                    (struct eth_addr) ETH_ADDR_C(02,00,00,00,
                                                                 00,01)),
                     NETIF_RSP_ERROR);
}

/* As much as the Windows driver ever puts into one packet. */
static void
test_case_32_all_extras(void **state)
{
    struct mock_queue *q = mock_queue_of(state);
    struct netif_extra_info gso = empty_extra, hash = empty_extra;
    uint32_t first = q->tx_prod;
    struct dp_packet_batch batch;
    uint16_t sizes[18];

    /* A hash means nothing to us. */
    mock_fill_frame(frame, 9000);
    hash.u.hash.algorithm = XEN_NETIF_CTRL_HASH_ALGORITHM_TOEPLITZ;
    mock_tx_stage_extra(q, XEN_NETIF_EXTRA_TYPE_HASH, &hash);
    mock_tx_frame(q, frame, 9000, sizes, mock_random_layout(9000, 18, sizes),
                  0);
    mock_tx_push(q);
    assert_int_equal(mock_tx_burst(q, &batch), 1);
    mock_assert_packet(batch.packets[0], frame, 9000);
    dp_packet_delete_batch(&batch, true);
    assert_int_equal(mock_tx_reap(q), q->tx_prod - first);

    /* 18 data slots and three extras, of which one makes it a request of
     * another kind: whatever it is, it has 21 slots, with three NULL
     * responses right after the first. */
    first = q->tx_prod;
    for (unsigned int i = 0; i < 18; i++) {
        sizes[i] = 500;
    }
    gso.u.gso.size = 1448;
    gso.u.gso.type = XEN_NETIF_GSO_TYPE_TCPV4;
    mock_tx_stage_extra(q, XEN_NETIF_EXTRA_TYPE_GSO, &gso);
    mock_tx_stage_extra(q, XEN_NETIF_EXTRA_TYPE_MCAST_ADD, &empty_extra);
    mock_tx_stage_extra(q, XEN_NETIF_EXTRA_TYPE_HASH, &hash);
    mock_tx_frame(q, frame, 9000, sizes, 18, 0);
    mock_tx_push(q);
    assert_int_equal(mock_tx_burst(q, &batch), 0);
    assert_int_equal(mock_tx_reap(q), 21);
    for (uint32_t i = 0; i < 21; i++) {
        assert_int_equal(mock_tx_status(q, first + i) == NETIF_RSP_NULL,
                         i >= 1 && i <= 3);
    }
    send_one(q, 100, NULL, 0);
}

static void
test_case_33_one_byte_first(void **state)
{
    static const uint16_t sizes[] = { 1, 1, 1, 57 };

    for (uint32_t len = 14; len <= 60; len += 23) {
        uint16_t cut[] = { 1, len - 1 };

        send_one(mock_queue_of(state), len, cut, 2);
    }
    send_one(mock_queue_of(state), 60, sizes, 4);
}

static void
test_case_34_empty_slots(void **state)
{
    static const uint16_t sizes[] = { 100, 0, 0, 300, 0, 1, 0 };
    struct mock_queue *q = mock_queue_of(state);

    send_one(q, 401, sizes, ARRAY_SIZE(sizes));
    assert_int_equal(mock_tx_count(q, copies), 3);

    /* What a slot without data says about its grant does not matter. */
    mock_fill_frame(frame, 64);
    for (unsigned int i = 0; i < 18; i++) {
        uint8_t *page;
        uint32_t gref = i ? 0xdeadbeef : mock_tx_grant(q, &page);

        if (!i) {
            memcpy(page, frame, 64);
        }
        mock_tx_request(q, gref, i ? 4096 : 0, i ? 0 : 64,
                        i < 17 ? NETTXF_more_data : 0);
    }
    mock_tx_end(q);
    mock_tx_push(q);

    struct dp_packet_batch batch;
    assert_int_equal(mock_tx_burst(q, &batch), 1);
    mock_assert_packet(batch.packets[0], frame, 64);
    dp_packet_delete_batch(&batch, true);
    assert_int_equal(mock_tx_reap(q), 18);
}

static void
test_case_35_shortest(void **state)
{
    struct mock_queue *q = mock_queue_of(state);

    send_one(q, 14, NULL, 0);
    for (uint32_t len = 0; len < 14; len++) {
        mock_fill_frame(frame, len);
        mock_tx_frame(q, frame, len, NULL, 0, 0);
        mock_tx_push(q);
        mock_tx_expect_drop(q, NETIF_RSP_ERROR, XENVIF_TX_E_RUNT);
    }
    send_one(q, 14, NULL, 0);
}

/* Puts a packet of 60 bytes and another slot. */
static void
put_second_slot(struct mock_queue *q, uint16_t offset, uint16_t size)
{
    uint8_t *page;
    uint32_t gref = mock_tx_grant(q, &page);

    memcpy(page, frame, 60);
    mock_tx_request(q, gref, 0, 60 + size, NETTXF_more_data);
    gref = mock_tx_grant(q, &page);
    if (offset + size <= NETIF_PAGE_SIZE) {
        memcpy(page + offset, frame + 60, size);
    }
    mock_tx_request(q, gref, offset, size, 0);
    mock_tx_end(q);
    mock_tx_push(q);
}

static void
test_case_36_page_edges(void **state)
{
    static const struct {
        uint16_t offset, size;
    } good[] = { { 4095, 1 }, { 4096, 0 }, { 0, 4096 }, { 1, 4095 } },
      bad[] = { { 4090, 7 }, { 4096, 1 }, { 4097, 0 }, { 65535, 65535 },
                { 65535, 1 }, { 1, 4096 }, { 0, 4097 } };
    struct mock_queue *q = mock_queue_of(state);
    struct dp_packet_batch batch;

    mock_fill_frame(frame, 60 + NETIF_PAGE_SIZE);
    for (unsigned int i = 0; i < ARRAY_SIZE(good); i++) {
        put_second_slot(q, good[i].offset, good[i].size);
        assert_int_equal(mock_tx_burst(q, &batch), 1);
        mock_assert_packet(batch.packets[0], frame, 60 + good[i].size);
        dp_packet_delete_batch(&batch, true);
        assert_int_equal(mock_tx_reap(q), 2);
    }
    for (unsigned int i = 0; i < ARRAY_SIZE(bad); i++) {
        put_second_slot(q, bad[i].offset, bad[i].size);
        mock_tx_expect_fault(q, XENVIF_TX_E_CROSSING);
        mock_reconnect(q->mock, 0);
    }

    /* The first slot, whose share is not written anywhere. */
    for (uint16_t offset = 4096 - 60; offset <= 4096 - 59; offset++) {
        uint8_t *page;
        uint32_t gref = mock_tx_grant(q, &page);

        memcpy(page + 4096 - 60, frame, 60);
        mock_tx_request(q, gref, offset, 60, 0);
        mock_tx_end(q);
        mock_tx_push(q);
        if (offset + 60 <= NETIF_PAGE_SIZE) {
            assert_int_equal(mock_tx_burst(q, &batch), 1);
            mock_assert_packet(batch.packets[0], frame, 60);
            dp_packet_delete_batch(&batch, true);
            assert_int_equal(mock_tx_reap(q), 1);
        } else {
            mock_tx_expect_fault(q, XENVIF_TX_E_CROSSING);
        }
    }
}

/* The wrap of the ring, and that of the indexes, at each slot of a packet with
 * extras. */
static void
test_case_37_ring_wrap(void **state)
{
    struct mock *mock = *state;
    struct mock_queue *q = &mock->queues[0];
    struct netif_extra_info hash = empty_extra;
    struct dp_packet_batch batch;
    uint16_t sizes[18];

    for (uint32_t back = 0; back < 24; back++) {
        mock_reconnect(mock, back % 2 ? -back : 256 - back);

        mock_fill_frame(frame, 20000);
        for (unsigned int i = 0; i < 18; i++) {
            sizes[i] = i ? 1000 : 3000;
        }
        mock_tx_stage_extra(q, XEN_NETIF_EXTRA_TYPE_HASH, &hash);
        mock_tx_stage_extra(q, 5 /* XDP */, &empty_extra);
        mock_tx_frame(q, frame, 20000, sizes, 18, 0);
        mock_tx_push(q);
        assert_int_equal(mock_tx_burst(q, &batch), 1);
        mock_assert_packet(batch.packets[0], frame, 20000);
        dp_packet_delete_batch(&batch, true);
        assert_int_equal(mock_tx_reap(q), 20);

        /* Three more rounds, so that every slot is used. */
        for (unsigned int i = 0; i < 3 * 256; i += 4) {
            uint16_t four[] = { 50, 50, 50, 50 };

            send_one(q, 200, four, 4);
        }
    }
    assert_int_equal(q->tx_kicks, 0);
}

/* Fills the ring with packets of one or a few slots, each with its number in
 * it.  Returns how many. */
static unsigned int
fill_ring(struct mock_queue *q, unsigned int max_slots, uint32_t number)
{
    unsigned int n = 0;

    for (;;) {
        uint16_t sizes[18];
        unsigned int n_slots = 1 + mock_random_range(max_slots);

        if (q->tx_prod - q->tx_cons + n_slots > NETIF_RING_SIZE) {
            mock_tx_push(q);
            return n;
        }
        mock_fill_frame(frame, 64 * n_slots);
        number++;
        memcpy(frame + 14, &number, sizeof number);
        for (unsigned int i = 0; i < n_slots; i++) {
            sizes[i] = 64;
        }
        mock_tx_frame(q, frame, 64 * n_slots, sizes, n_slots, 0);
        n++;
    }
}

/* Takes 'n' packets, the first of which has number 'number' + 1, in bursts. */
static unsigned int
drain_ring(struct mock_queue *q, unsigned int n, uint32_t number)
{
    struct dp_packet_batch batch;
    unsigned int n_bursts = 0;

    while (n) {
        struct dp_packet *packet;
        unsigned int got = mock_tx_burst(q, &batch);

        assert_in_range(got, 1, MIN(n, NETDEV_MAX_BURST));
        DP_PACKET_BATCH_FOR_EACH (i, packet, &batch) {
            uint32_t found;

            memcpy(&found, (uint8_t *) dp_packet_data(packet) + 14,
                   sizeof found);
            assert_int_equal(found, ++number);
        }
        dp_packet_delete_batch(&batch, true);
        mock_tx_reap(q);
        n -= got;
        n_bursts++;
    }
    assert_int_equal(q->tx_cons, q->tx_prod);
    return n_bursts;
}

static void
test_case_38_order_over_bursts(void **state)
{
    struct mock_queue *q = mock_queue_of(state);
    unsigned int n = fill_ring(q, 1, 0);

    assert_int_equal(n, 256);
    assert_int_equal(xenvif_tx_n_pending(mock_backend(q)), 256);
    assert_int_equal(drain_ring(q, n, 0), 256 / NETDEV_MAX_BURST);
    assert_int_equal(xenvif_tx_n_pending(mock_backend(q)), 0);

    for (uint32_t i = 0; i < 20; i++) {
        n = fill_ring(q, 1 + i % 18, 1000 * i);
        drain_ring(q, n, 1000 * i);
    }
}

/* The largest packets that there are, as many as fit: no burst takes more than
 * there is room for, and nothing is lost.  Cut in pieces of 'size' bytes. */
static void
check_large_packets(struct mock_queue *q, uint16_t size)
{
    struct dp_packet_batch batch;
    unsigned int n = 0, n_sent = 0, n_sizes = 0;
    uint16_t sizes[18];

    for (uint32_t left = 65535; left; left -= sizes[n_sizes++]) {
        sizes[n_sizes] = MIN(left, size);
    }
    mock_fill_frame(frame, 65535);
    while (q->tx_prod - q->tx_cons + n_sizes <= NETIF_RING_SIZE) {
        mock_tx_frame(q, frame, 65535, sizes, n_sizes, 0);
        n_sent++;
    }
    mock_tx_push(q);
    while (q->tx_cons != q->tx_prod) {
        struct dp_packet *packet;

        assert_true(mock_tx_burst(q, &batch) > 0);
        DP_PACKET_BATCH_FOR_EACH (i, packet, &batch) {
            mock_assert_packet(packet, frame, 65535);
            n++;
        }
        dp_packet_delete_batch(&batch, true);
        assert_true(mock_tx_reap(q) > 0);
    }
    assert_int_equal(n, n_sent);
}

static void
test_case_38_large_packets(void **state)
{
    static const uint16_t sizes[] = { 4096, 3641, 3800, 4033, 4095 };

    for (unsigned int i = 0; i < ARRAY_SIZE(sizes); i++) {
        check_large_packets(mock_queue_of(state), sizes[i]);
    }
}

/* Where there is room there is room, whatever was taken before; and no buffer
 * crosses a page or lies in another one. */
static void
test_bounce_pages(void **state OVS_UNUSED)
{
    for (unsigned int round = 0; round < 3000; round++) {
        struct xenvif_bounce *bounce = xenvif_bounce_get();
        uint8_t *end = NULL;

        for (;;) {
            uint32_t len = 14 + mock_random_range(round % 5 ? 3000
                                                  : 65535 - 13);
            uint16_t sizes[18];
            unsigned int n = mock_random_layout(len, 18, sizes);

            if (!xenvif_bounce_has_room(bounce, n, len)) {
                break;
            }
            for (unsigned int i = 0; i < n; i++) {
                uint8_t *p;

                if (!sizes[i]) {
                    continue;
                }
                p = xenvif_bounce_alloc(bounce, sizes[i]);
                assert_true(!end || p >= end);
                assert_true((uintptr_t) p % 4096 + sizes[i] <= 4096);
                memset(p, round, sizes[i]);
                end = p + sizes[i];
            }
        }
        assert_non_null(end);
    }
}

/* The strict rules are in mock_tx_reap(): here they meet every kind of packet
 * in random order, good and bad. */
static void
test_case_39_strict_responses(void **state)
{
    struct mock_queue *q = mock_queue_of(state);
    struct netif_extra_info gso = empty_extra;
    unsigned int n_good = 0, n_packets = 0;
    uint64_t n_errors;

    gso.u.gso.type = XEN_NETIF_GSO_TYPE_TCPV4;
    for (unsigned int i = 0; i < 300; i++) {
        uint32_t len = 14 + mock_random_range(4000);
        struct dp_packet_batch batch;
        uint16_t sizes[18];
        unsigned int n = mock_random_layout(len, 12, sizes);

        mock_fill_frame(frame, len);
        switch (mock_random_range(4)) {
        case 0:
            mock_tx_stage_extra(q, XEN_NETIF_EXTRA_TYPE_GSO, &gso);
            mock_tx_frame(q, frame, len, sizes, n, 0);
            break;
        case 1:
            put_multicast(q, XEN_NETIF_EXTRA_TYPE_MCAST_DEL, eth_addr_zero);
            break;
        default:
            mock_tx_frame(q, frame, len, sizes, n, 0);
            n_good++;
            break;
        }
        mock_tx_push(q);
        if (q->tx_prod - q->tx_cons > 256 - 13 || i == 299) {
            while (q->tx_prod != q->tx_cons) {
                n_packets += mock_tx_burst(q, &batch);
                dp_packet_delete_batch(&batch, true);
                assert_true(mock_tx_reap(q) > 0);
            }
        }
    }
    n_errors = mock_tx_verdicts(q, XENVIF_TX_E_GSO_REFUSED);
    assert_int_equal(n_packets, n_good);
    assert_int_equal(mock_tx_verdicts(q, XENVIF_TX_GOOD), n_good);
    assert_true(n_errors > 0);
    assert_int_equal(n_good + n_errors
                     + mock_tx_verdicts(q, XENVIF_TX_MULTICAST), 300);
}

static void
test_case_40_completion_in_same_burst(void **state)
{
    struct mock_queue *q = mock_queue_of(state);
    struct dp_packet_batch batch;

    for (unsigned int i = 0; i < 100; i++) {
        unsigned int n = 1 + mock_random_range(NETDEV_MAX_BURST);

        for (unsigned int j = 0; j < n; j++) {
            mock_tx_frame(q, frame, 60, NULL, 0, 0);
        }
        mock_tx_push(q);
        assert_int_equal(mock_tx_burst(q, &batch), n);
        assert_int_equal(mock_tx_reap(q), n);
        dp_packet_delete_batch(&batch, true);
    }
}

/* A polled guest does not kick, however its indexes run. */
static void
test_case_42_no_kicks(void **state)
{
    struct mock *mock = *state;
    struct mock_queue *q = &mock->queues[0];

    mock_reconnect(mock, -1000);
    for (unsigned int i = 0; i < 2000; i++) {
        send_one(q, 60, NULL, 0);
    }
    assert_int_equal(q->tx_kicks, 0);
}

/* From polling to sleeping and back. */
static void
test_case_43_arm(void **state)
{
    struct mock_queue *q = mock_queue_of(state);
    struct xenvif_queue *queue = mock_backend(q);
    unsigned int kicks = 0;

    xenvif_event_drain(&queue->event, queue->tx.req_cons);
    for (unsigned int i = 0; i < 500; i++) {
        struct dp_packet_batch batch;
        bool early = mock_random_range(2);

        mock_tx_frame(q, frame, 60, NULL, 0, 0);
        if (early) {
            mock_tx_push(q);
        }
        assert_int_equal(xenvif_tx_arm(queue), early);
        if (!early) {
            mock_tx_push(q);
            assert_int_equal(q->tx_kicks, ++kicks);
            assert_int_equal(xenvif_event_drain(&queue->event,
                                                queue->tx.req_cons), 1);
        }
        assert_int_equal(q->tx_kicks, kicks);
        assert_int_equal(mock_tx_burst(q, &batch), 1);
        dp_packet_delete_batch(&batch, true);
        assert_int_equal(mock_tx_reap(q), 1);
    }
    assert_true(kicks > 0);
}

/* A checksum that the guest left blank comes out right. */
static void
check_blank_checksum(struct mock_queue *q, uint32_t len)
{
    uint32_t udp_len = len - 14 - 20;
    struct ip_header ip = {
        .ip_ihl_ver = IP_IHL_VER(5, 4), .ip_tot_len = htons(len - 14),
        .ip_ttl = 64, .ip_proto = IPPROTO_UDP,
    };
    struct udp_header udp = { .udp_len = htons(udp_len) }, found;
    struct dp_packet_batch batch;
    uint16_t sizes[18];

    mock_fill_frame(frame, len);
    frame[12] = 0x08;
    frame[13] = 0x00;
    ip.ip_csum = csum(&ip, sizeof ip);
    memcpy(frame + 14, &ip, sizeof ip);
    memcpy(frame + 34, &udp, sizeof udp);
    udp.udp_csum = csum_finish(csum_continue(packet_csum_pseudoheader(&ip),
                                             frame + 34, udp_len));
    mock_tx_frame(q, frame, len, sizes, mock_random_layout(len, 18, sizes),
                  NETTXF_csum_blank | NETTXF_data_validated);
    mock_tx_push(q);
    assert_int_equal(mock_tx_burst(q, &batch), 1);
    memcpy(&found, (uint8_t *) dp_packet_data(batch.packets[0]) + 34,
           sizeof found);
    assert_int_equal(found.udp_csum, udp.udp_csum);
    assert_true(xenvif_packet_l4_is_good(batch.packets[0]));
    memcpy(frame + 34, &udp, sizeof udp);
    mock_assert_packet(batch.packets[0], frame, len);
    dp_packet_delete_batch(&batch, true);
    mock_tx_reap(q);
}

static void
test_case_57_blank_checksum(void **state)
{
    struct mock_queue *q = mock_queue_of(state);
    unsigned int n = 0;

    for (uint32_t len = 60; len <= 2000; len += 97) {
        check_blank_checksum(q, len);
        n++;
    }
    for (uint32_t len = 65400; len <= 65535; len++) {
        check_blank_checksum(q, len);
        n++;
    }
    assert_int_equal(mock_tx_count(q, csum_completed), n);
}

static void
test_case_91_multicast_list_full(void **state)
{
    struct mock_queue *q = mock_queue_of(state);
    struct eth_addr addr = ETH_ADDR_C(33,33,00,00,00,00);

    for (unsigned int i = 0; i < 65; i++) {
        addr.ea[5] = i;
        assert_int_equal(
            edit_multicast(q, XEN_NETIF_EXTRA_TYPE_MCAST_ADD, addr),
            i < 64 ? NETIF_RSP_OKAY : NETIF_RSP_ERROR);
    }
    addr.ea[5] = 7;
    assert_int_equal(edit_multicast(q, XEN_NETIF_EXTRA_TYPE_MCAST_ADD, addr),
                     NETIF_RSP_OKAY);
    assert_int_equal(edit_multicast(q, XEN_NETIF_EXTRA_TYPE_MCAST_DEL, addr),
                     NETIF_RSP_OKAY);
    addr.ea[5] = 64;
    assert_int_equal(edit_multicast(q, XEN_NETIF_EXTRA_TYPE_MCAST_ADD, addr),
                     NETIF_RSP_OKAY);
}

static void
test_case_94_multicast_with_data(void **state)
{
    struct mock_queue *q = mock_queue_of(state);
    struct dp_packet_batch batch;
    uint16_t sizes[18];
    uint32_t first = q->tx_prod;

    mock_fill_frame(frame, 5000);
    mock_tx_stage_extra(q, XEN_NETIF_EXTRA_TYPE_MCAST_ADD, &empty_extra);
    q->extras[0].u.mcast.addr[0] = 1;
    mock_tx_frame(q, frame, 5000, sizes, mock_random_layout(5000, 18, sizes),
                  0);
    mock_tx_push(q);
    assert_int_equal(mock_tx_burst(q, &batch), 0);
    assert_int_equal(mock_tx_reap(q), q->tx_prod - first);
    assert_int_equal(mock_tx_verdicts(q, XENVIF_TX_MULTICAST), 1);
    assert_int_equal(mock_tx_count(q, copies), 0);
    send_one(q, 60, NULL, 0);
}

/* Counters by kind of destination. */
static void
test_multicast_counters(void **state)
{
    struct mock_queue *q = mock_queue_of(state);

    send_one(q, 60, NULL, 0);
    memset(frame, 0xff, 6);
    mock_tx_through(q, frame, 60, NULL, 0);
    frame[0] = 1;
    mock_tx_through(q, frame, 60, NULL, 0);
    assert_int_equal(mock_tx_count(q, packets), 3);
    assert_int_equal(mock_tx_count(q, bytes), 180);
    assert_int_equal(mock_tx_count(q, broadcast), 1);
    assert_int_equal(mock_tx_count(q, multicast), 1);
}

static void
test_max_frame(void **state)
{
    struct mock_queue *q = mock_queue_of(state);

    atomic_store(&q->mock->terms.max_frame, 1522);
    send_one(q, 1522, NULL, 0);
    mock_tx_frame(q, frame, 1523, NULL, 0, 0);
    mock_tx_push(q);
    mock_tx_expect_drop(q, NETIF_RSP_ERROR, XENVIF_TX_E_OVERSIZE);
}

#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, mock_setup, \
                                                   mock_teardown)
static int
run(const char *name)
{
    const struct CMUnitTest tests[] = {
        TEST(test_case_30_sizes),
        TEST(test_room_to_grow),
        TEST(test_random_layouts),
        TEST(test_case_31_multicast_request),
        TEST(test_case_32_all_extras),
        TEST(test_case_33_one_byte_first),
        TEST(test_case_34_empty_slots),
        TEST(test_case_35_shortest),
        TEST(test_case_36_page_edges),
        TEST(test_case_37_ring_wrap),
        TEST(test_case_38_order_over_bursts),
        TEST(test_case_38_large_packets),
        TEST(test_bounce_pages),
        TEST(test_case_39_strict_responses),
        TEST(test_case_40_completion_in_same_burst),
        TEST(test_case_42_no_kicks),
        TEST(test_case_43_arm),
        TEST(test_case_57_blank_checksum),
        TEST(test_case_91_multicast_list_full),
        TEST(test_case_94_multicast_with_data),
        TEST(test_multicast_counters),
        TEST(test_max_frame),
    };

    return cmocka_run_group_tests_name(name, tests, NULL, NULL);
}

int
main(void)
{
    return mock_main(run);
}
