/* SPDX-License-Identifier: Apache-2.0 */

/* Component test: what a guest receives.  The numbers in the names are those
 * of the list of cases in the project's test plan. */

#include <config.h>

#include "mock-frontend.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <xen/grant_table.h>

#include "ovs-atomic.h"
#include "timeval.h"
#include "util.h"
#include "xen/xenvif-grant.h"
#include "packet/xenvif-ovs-compat.h"
#include "ring/xenvif-rx.h"

static uint8_t frame[MOCK_FRAME_MAX];

/* Posts just enough and sends a new frame through. */
static void
send_one(struct mock_queue *q, uint32_t len)
{
    unsigned int n_slots = DIV_ROUND_UP(len, NETIF_PAGE_SIZE);

    mock_fill_frame(frame, len);
    mock_rx_post(q, n_slots);
    mock_rx_through(q, frame, len, n_slots);
}

/* One burst of 'n' frames of the given lengths, which are parts of 'frame'. */
static void
send_burst(struct mock_queue *q, const uint32_t *lens, unsigned int n)
{
    struct dp_packet *packets[NETDEV_MAX_BURST];

    assert_in_range(n, 1, NETDEV_MAX_BURST);
    for (unsigned int i = 0; i < n; i++) {
        packets[i] = mock_packet(frame + i, lens[i]);
    }
    mock_rx_burst(q, packets, n);
    for (unsigned int i = 0; i < n; i++) {
        dp_packet_delete(packets[i]);
    }
}

static void
expect(struct mock_queue *q, struct mock_rx_packet *p, const uint8_t *data,
       uint32_t len)
{
    assert_true(mock_rx_take(q, p));
    assert_int_equal(p->info.error, 0);
    assert_int_equal(p->info.len, len);
    assert_memory_equal(p->data, data, len);
}

static void
expect_none(struct mock_queue *q, struct mock_rx_packet *p)
{
    assert_false(mock_rx_take(q, p));
}

/* One burst of a single packet that is dropped without a trace in the ring. */
static void
expect_drop(struct mock_queue *q, uint32_t len, enum xenvif_rx_verdict verdict)
{
    uint32_t rsp_prod = netif_ring_load(q->rx_page, NETIF_RSP_PROD);
    uint64_t n = mock_rx_verdicts(q, verdict);
    uint64_t packets = mock_rx_count(q, packets);

    send_burst(q, &len, 1);
    assert_int_equal(netif_ring_load(q->rx_page, NETIF_RSP_PROD), rsp_prod);
    assert_int_equal(mock_rx_verdicts(q, verdict), n + 1);
    assert_int_equal(mock_rx_count(q, packets), packets);
}

static void
test_case_46_sizes(void **state)
{
    static const uint32_t lens[] = {
        14, 60, 1514, 4095, 4096, 4097, 8192, 8193, 9018, 65534, 65535
    };
    struct mock_queue *q = mock_queue_of(state);

    for (unsigned int i = 0; i < ARRAY_SIZE(lens); i++) {
        send_one(q, lens[i]);
    }
    for (unsigned int i = 0; i < 500; i++) {
        send_one(q, 14 + mock_random_range(i % 4 ? 9000 : 65535 - 13));
    }
}

static void
test_case_46_bursts(void **state)
{
    struct mock_queue *q = mock_queue_of(state);
    struct mock_rx_packet *p = xmalloc(sizeof *p);

    mock_fill_frame(frame, sizeof frame);
    for (unsigned int round = 0; round < 300; round++) {
        unsigned int n = 1 + mock_random_range(NETDEV_MAX_BURST);
        uint64_t calls = mock_rx_count(q, copy_calls);
        uint32_t lens[NETDEV_MAX_BURST];

        for (unsigned int i = 0; i < n; i++) {
            frame[i] &= ~1;
            lens[i] = 14 + mock_random_range(round % 2 ? 1500 : 9000);
        }
        mock_rx_post(q, 255 - (q->rx_prod - q->rx_cons));
        send_burst(q, lens, n);
        for (unsigned int i = 0; i < n; i++) {
            expect(q, p, frame + i, lens[i]);
        }
        expect_none(q, p);
        if (round % 2) {
            assert_int_equal(mock_rx_count(q, copy_calls), calls + 1);
        }
    }
    free(p);
}

/* More data than there are bounce pages for: several calls, one publish for
 * each, and still at most one notification. */
static void
test_case_46_largest_burst(void **state)
{
    struct mock_queue *q = mock_queue_of(state);
    struct mock_rx_packet *p = xmalloc(sizeof *p);
    uint32_t lens[15];

    mock_fill_frame(frame, sizeof frame);
    for (unsigned int i = 0; i < ARRAY_SIZE(lens); i++) {
        lens[i] = 65535 - i;
    }
    mock_rx_post(q, 256);
    send_burst(q, lens, ARRAY_SIZE(lens));
    for (unsigned int i = 0; i < ARRAY_SIZE(lens); i++) {
        expect(q, p, frame + i, lens[i]);
    }
    expect_none(q, p);
    assert_in_range(mock_rx_count(q, copy_calls), 2, 15);
    assert_int_equal(mock_rx_count(q, notifies), 1);
    free(p);
}

static void
test_case_47_without_sg(void **state)
{
    struct mock *mock = *state;
    struct mock_queue *q = &mock->queues[0];

    mock->rules.sg = false;
    mock_reconnect(mock, 0);

    mock_rx_post(q, 16);
    expect_drop(q, 4097, XENVIF_RX_E_TOO_LONG);
    mock_fill_frame(frame, 4096);
    mock_rx_through(q, frame, 4096, 1);
}

static void
test_case_48_exactly_enough_slots(void **state)
{
    struct mock_queue *q = mock_queue_of(state);
    struct mock_rx_packet *p = xmalloc(sizeof *p);
    const uint32_t mix[] = { 4097, 4097, 60, 4096 };

    for (unsigned int need = 1; need <= 16; need++) {
        uint32_t len = need * 4096 - 1;

        mock_fill_frame(frame, len);
        mock_rx_post(q, need - 1);
        expect_drop(q, len, XENVIF_RX_E_NO_SLOTS);
        expect_none(q, p);
        mock_rx_post(q, 1);
        mock_rx_through(q, frame, len, need);
    }

    /* Where a large one does not fit, smaller ones still may. */
    mock_rx_post(q, 3);
    send_burst(q, mix, 4);
    expect(q, p, frame, 4097);
    expect(q, p, frame + 2, 60);
    expect_none(q, p);
    assert_int_equal(mock_rx_verdicts(q, XENVIF_RX_E_NO_SLOTS), 16 + 2);
    free(p);
}

/* Linux with an XDP program. */
static void
test_case_49_headroom(void **state)
{
    static const uint16_t headrooms[] = { 256, 1, 4081, 0, 256 };
    struct mock *mock = *state;
    struct mock_queue *q = &mock->queues[0];

    for (unsigned int i = 0; i < ARRAY_SIZE(headrooms); i++) {
        uint32_t first = 4096 - headrooms[i];
        unsigned int n_extras = headrooms[i] > 0;
        const uint32_t lens[] = {
            14, first, first + 1, first + 4096, first + 4097, 65535
        };

        mock->rules.headroom = headrooms[i];
        mock_reconnect(mock, 0);
        for (unsigned int j = 0; j < ARRAY_SIZE(lens); j++) {
            unsigned int n = n_extras + DIV_ROUND_UP(headrooms[i] + lens[j],
                                                     4096);

            /* The extra info takes a slot, too. */
            mock_fill_frame(frame, lens[j]);
            mock_rx_post(q, n - 1);
            expect_drop(q, lens[j], XENVIF_RX_E_NO_SLOTS);
            mock_rx_post(q, 1);
            mock_rx_through(q, frame, lens[j], n);
        }
    }

    /* Without sg the headroom counts against the one page. */
    mock->rules.sg = false;
    mock_reconnect(mock, 0);
    mock_rx_post(q, 10);
    expect_drop(q, 3841, XENVIF_RX_E_TOO_LONG);
    mock_rx_through(q, frame, 3840, 2);
}

static void
test_case_52_offset_zero(void **state)
{
    struct mock_queue *q = mock_queue_of(state);
    struct mock_rx_packet *p = xmalloc(sizeof *p);
    const uint32_t len = 20000;
    uint32_t first = q->rx_cons;

    mock_rx_post(q, 5);
    send_burst(q, &len, 1);
    for (unsigned int i = 0; i < 5; i++) {
        union netif_rx_answer answer = netif_rx_get(q->rx_page, first + i);

        assert_int_equal(answer.rsp.offset, 0);
        assert_int_equal(answer.rsp.status, i < 4 ? 4096 : 20000 - 4 * 4096);
        assert_int_equal(answer.rsp.flags, i < 4 ? NETRXF_more_data : 0);
    }
    expect(q, p, frame, len);
    free(p);
}

/* Pages that cannot be written to, in each slot of a chain: the chain keeps
 * its shape, and the neighbours are whole. */
static void
test_case_53_bad_grants(void **state)
{
    struct mock_queue *q = mock_queue_of(state);
    struct mock_rx_packet *p = xmalloc(sizeof *p);
    struct xenemu_dom *dom = q->mock->dom;
    uint32_t pfn = xenemu_dom_alloc_page(dom);
    const uint32_t grefs[] = {
        xenemu_grant(dom, 0, pfn, true), xenemu_grant(dom, 99, pfn, false),
        0, 32767, 1u << 20, UINT32_MAX
    };
    const uint32_t lens[] = { 60, 9000, 1000 };

    mock_fill_frame(frame, 10000);
    for (unsigned int i = 0; i < ARRAY_SIZE(grefs); i++) {
        for (unsigned int bad = 0; bad < 3; bad++) {
            uint64_t n = mock_rx_verdicts(q, XENVIF_RX_E_GRANT);
            uint64_t packets = mock_rx_count(q, packets);

            mock_rx_post(q, 1 + bad);
            mock_rx_post_gref(q, grefs[i]);
            mock_rx_post(q, 3 - bad);
            send_burst(q, lens, 3);
            expect(q, p, frame, 60);
            assert_true(mock_rx_take(q, p));
            assert_int_equal(p->info.error, NETIF_RSP_ERROR);
            assert_int_equal(p->info.n_slots, 3);
            expect(q, p, frame + 2, 1000);
            assert_int_equal(mock_rx_verdicts(q, XENVIF_RX_E_GRANT), n + 1);
            assert_int_equal(mock_rx_count(q, packets), packets + 2);
        }
    }
    assert_int_equal(xenemu_ungrant(dom, grefs[0]), 0);
    assert_int_equal(xenemu_ungrant(dom, grefs[1]), 0);
    send_one(q, 1514);
    free(p);
}

static void
test_case_53_whole_call_fails(void **state)
{
    struct mock_queue *q = mock_queue_of(state);
    struct mock_rx_packet *p = xmalloc(sizeof *p);
    const uint32_t lens[] = { 60, 9000, 1000 };

    mock_fill_frame(frame, 10000);
    mock_rx_post(q, 5);
    assert_int_equal(xenemu_set_fault(NULL, "copy", 0, ENOMEM, 0, 1), 0);
    send_burst(q, lens, 3);
    for (unsigned int i = 0; i < 3; i++) {
        assert_true(mock_rx_take(q, p));
        assert_int_equal(p->info.error, NETIF_RSP_ERROR);
    }
    assert_int_equal(mock_rx_verdicts(q, XENVIF_RX_E_GRANT), 3);
    assert_int_equal(mock_rx_count(q, packets), 0);
    send_one(q, 1514);
    free(p);
}

static void
test_case_54_full_ring(void **state)
{
    struct mock_queue *q = mock_queue_of(state);
    struct mock_rx_packet *p = xmalloc(sizeof *p);
    uint32_t lens[NETDEV_MAX_BURST];

    mock_fill_frame(frame, 200);
    for (unsigned int i = 0; i < NETDEV_MAX_BURST; i++) {
        frame[i] &= ~1;
        lens[i] = 60 + i;
    }
    for (unsigned int round = 0; round < 4; round++) {
        uint64_t n = mock_rx_verdicts(q, XENVIF_RX_E_NO_SLOTS);

        mock_rx_post(q, 256);
        for (unsigned int i = 0; i < 256 / NETDEV_MAX_BURST; i++) {
            send_burst(q, lens, NETDEV_MAX_BURST);
        }
        send_burst(q, lens, NETDEV_MAX_BURST);
        assert_int_equal(mock_rx_verdicts(q, XENVIF_RX_E_NO_SLOTS),
                         n + NETDEV_MAX_BURST);
        for (unsigned int i = 0; i < 256; i++) {
            expect(q, p, frame + i % NETDEV_MAX_BURST,
                   lens[i % NETDEV_MAX_BURST]);
        }
        expect_none(q, p);
    }
    free(p);
}

/* The frontend's end of the RX ring, in a thread. */
struct receiver {
    struct mock_queue *q;
    atomic_bool stop;
    unsigned int n_packets;
    uint64_t n_bytes;
    struct netif_verdict verdict; /* The first rule broken. */
};

/* Keeps the ring filled.  Without assertions, because of the thread. */
static void
refill(struct mock_queue *q)
{
    while (q->rx_prod - q->rx_cons < NETIF_RING_SIZE) {
        struct mock_slot *slot = &q->rx_slots[NETIF_SLOT(q->rx_prod)];
        struct netif_rx_request req = { .id = q->rx_next_id++ };

        slot->gref = xenemu_grant(q->mock->dom, 0, slot->pfn, false);
        memset(xenemu_dom_page(q->mock->dom, slot->pfn), 0x5a,
               NETIF_PAGE_SIZE);
        req.gref = slot->gref;
        q->rx_ids[NETIF_SLOT(q->rx_prod)] = req.id;
        netif_rx_put(q->rx_page, q->rx_prod, &req);
        netif_ring_push(q->rx_page, q->rx_prod, q->rx_prod + 1);
        q->rx_prod++;
    }
}

static void *
receiver_main(void *r_)
{
    struct receiver *r = r_;
    struct mock_rx_packet *p = xmalloc(sizeof *p);

    for (;;) {
        int result;
        bool stop;

        atomic_read(&r->stop, &stop);
        refill(r->q);
        result = mock_rx_try_take(r->q, p, &r->verdict);
        if (result < 0 || (!result && stop)) {
            break;
        } else if (result > 0) {
            r->n_packets++;
            r->n_bytes += p->info.len;
            for (uint32_t i = 1; i < p->info.len; i++) {
                if (p->data[i] != p->data[0]) {
                    r->verdict.rule = "test.data";
                    break;
                }
            }
        }
    }
    free(p);
    return NULL;
}

/* A frontend that looks at rsp_prod all the time never sees half a packet. */
static void
test_case_55_whole_packets(void **state)
{
    struct mock_queue *q = mock_queue_of(state);
    struct receiver r = { .q = q };
    struct dp_packet *packets[4];
    pthread_t thread;

    q->silent = true;
    for (unsigned int i = 0; i < 4; i++) {
        memset(frame, 2 * i, 3000 + 6000 * i);
        packets[i] = mock_packet(frame, 3000 + 6000 * i);
    }
    assert_int_equal(pthread_create(&thread, NULL, receiver_main, &r), 0);
    for (unsigned int i = 0; i < 3000; i++) {
        xenvif_rx_burst(mock_backend(q), packets, 4);
    }
    while (!mock_rx_count(q, packets)) {
        xenvif_rx_burst(mock_backend(q), packets, 4);
    }
    atomic_store(&r.stop, true);
    pthread_join(thread, NULL);
    for (unsigned int i = 0; i < 4; i++) {
        dp_packet_delete(packets[i]);
    }
    if (r.verdict.rule) {
        fail_msg("%s: %s", r.verdict.rule, r.verdict.text);
    }
    assert_true(r.n_packets > 0);
    assert_int_equal(r.n_packets, mock_rx_count(q, packets));
    assert_int_equal(r.n_bytes, mock_rx_count(q, bytes));
    assert_int_equal(mock_rx_verdicts(q, XENVIF_RX_E_GRANT), 0);
}

/* Two threads send to one queue. */
struct sender {
    struct mock_queue *q;
    struct dp_packet *packet;
};

static void *
sender_main(void *s_)
{
    struct sender *s = s_;

    for (unsigned int i = 0; i < 3000; i++) {
        xenvif_rx_burst(mock_backend(s->q), &s->packet, 1);
    }
    return NULL;
}

static void
test_shared_txq(void **state)
{
    struct mock_queue *q = mock_queue_of(state);
    struct receiver r = { .q = q };
    struct sender senders[2];
    pthread_t threads[2], thread;

    q->silent = true;
    assert_int_equal(pthread_create(&thread, NULL, receiver_main, &r), 0);
    for (unsigned int i = 0; i < 2; i++) {
        memset(frame, 2 * i, 5000);
        senders[i].q = q;
        senders[i].packet = mock_packet(frame, 5000);
        assert_int_equal(pthread_create(&threads[i], NULL, sender_main,
                                        &senders[i]), 0);
    }
    for (unsigned int i = 0; i < 2; i++) {
        pthread_join(threads[i], NULL);
        dp_packet_delete(senders[i].packet);
    }
    atomic_store(&r.stop, true);
    pthread_join(thread, NULL);
    if (r.verdict.rule) {
        fail_msg("%s: %s", r.verdict.rule, r.verdict.text);
    }
    assert_int_equal(r.n_packets, mock_rx_count(q, packets));
    assert_int_equal(r.n_packets + mock_rx_verdicts(q, XENVIF_RX_E_NO_SLOTS),
                     2 * 3000);
}

/* A thread for whose bounce pages there is no room in gntalloc makes do. */
static void *
thread_without_shares(void *s_)
{
    struct sender *s = s_;

    xenvif_rx_burst(mock_backend(s->q), &s->packet, 1);
    return NULL;
}

static void
test_share_fails(void **state)
{
    struct mock_rx_packet *p = xmalloc(sizeof *p);
    struct mock_queue *q = mock_queue_of(state);
    struct sender s = { .q = q };
    pthread_t thread;

    mock_fill_frame(frame, 10000);
    s.packet = mock_packet(frame, 10000);
    mock_rx_post(q, 6);
    for (unsigned int i = 0; i < 2; i++) {
        assert_int_equal(xenemu_set_fault(NULL, "share", 0, ENOSPC, 0, !i),
                         0);
        assert_int_equal(pthread_create(&thread, NULL, thread_without_shares,
                                        &s), 0);
        pthread_join(thread, NULL);
        expect(q, p, frame, 10000);
        assert_false(xenvif_bounce_is_self_granted());
    }
    dp_packet_delete(s.packet);
    assert_int_equal(xenemu_set_fault(NULL, "share", 0, 0, 0, 0), 0);
    free(p);
}

static void
test_case_56_notify_formula(void **state)
{
    struct mock_queue *q = mock_queue_of(state);
    struct mock_rx_packet *p = xmalloc(sizeof *p);

    q->silent = true;
    for (unsigned int i = 0; i < 2000; i++) {
        uint32_t lens[4] = { 60, 60, 60, 60 };
        unsigned int n = 1 + mock_random_range(4);

        /* Ahead, inside of the window, behind; mock_rx_burst() knows when
         * there has to be a notification. */
        netif_ring_store(q->rx_page, NETIF_RSP_EVENT,
                         q->rx_cons + mock_random_range(10) - 3);
        mock_rx_post(q, n);
        send_burst(q, lens, n);
        while (n--) {
            assert_true(mock_rx_take(q, p));
        }
    }
    assert_in_range(mock_rx_count(q, notifies), 200, 1800);
    free(p);
}

static void
test_case_82_never_posts(void **state)
{
    struct mock_queue *q = mock_queue_of(state);
    struct xenvif_queue *queue = mock_backend(q);
    uint32_t lens[NETDEV_MAX_BURST];
    long long int before = time_msec();

    for (unsigned int i = 0; i < NETDEV_MAX_BURST; i++) {
        lens[i] = 1514;
    }
    assert_false(xenvif_rx_is_stalled(queue, time_msec()));
    for (unsigned int i = 0; i < 1000; i++) {
        send_burst(q, lens, NETDEV_MAX_BURST);
    }
    assert_int_equal(mock_rx_verdicts(q, XENVIF_RX_E_NO_SLOTS),
                     1000 * NETDEV_MAX_BURST);
    assert_int_equal(mock_rx_count(q, copy_calls), 0);
    assert_int_equal(mock_rx_count(q, notifies), 0);

    /* It counts how long. */
    assert_false(xenvif_rx_is_stalled(queue, before - 1));
    assert_true(xenvif_rx_is_stalled(queue, time_msec()));
    assert_true(xenvif_rx_is_stalled(queue, time_msec()));

    /* It ends with the first slot, even if there is nothing to send. */
    mock_rx_post(q, 1);
    assert_false(xenvif_rx_is_stalled(queue, time_msec()));
    mock_rx_through(q, frame, 1514, 1);

    /* Again; and now it ends with a packet that goes through. */
    send_burst(q, lens, 1);
    assert_true(xenvif_rx_is_stalled(queue, time_msec()));
    mock_rx_post(q, 1);
    mock_rx_through(q, frame, 1514, 1);
    assert_false(xenvif_rx_is_stalled(queue, time_msec()));
}

/* One slot at a time is not enough for a packet that needs two
 * (CVE-2021-28714); but a guest that takes what fits is not stalled. */
static void
test_case_83_one_slot_for_two(void **state)
{
    struct mock_queue *q = mock_queue_of(state);
    struct xenvif_queue *queue = mock_backend(q);
    const uint32_t large = 5000;

    for (unsigned int i = 0; i < 10; i++) {
        mock_rx_post(q, 1);
        send_burst(q, &large, 1);
        assert_true(xenvif_rx_is_stalled(queue, time_msec()));
        mock_rx_through(q, frame, 100, 1);
        assert_false(xenvif_rx_is_stalled(queue, time_msec()));
    }
    assert_int_equal(mock_rx_verdicts(q, XENVIF_RX_E_NO_SLOTS), 10);
    send_burst(q, &large, 1);
    assert_true(xenvif_rx_is_stalled(queue, time_msec()));
    mock_rx_post(q, 2);
    assert_false(xenvif_rx_is_stalled(queue, time_msec()));
    mock_rx_through(q, frame, 5000, 2);

    /* It need not post as much as the largest packet that was lost needs. */
    send_burst(q, &large, 1);
    send_burst(q, (uint32_t []) { 60 }, 1);
    send_burst(q, &large, 1);
    assert_true(xenvif_rx_is_stalled(queue, time_msec()));
    mock_rx_post(q, 1);
    assert_false(xenvif_rx_is_stalled(queue, time_msec()));
}

/* Whose link is down gets no packets that would show that it takes them. */
static void
test_stalled_guest_gets_another_chance(void **state)
{
    struct mock_queue *q = mock_queue_of(state);
    struct xenvif_queue *queue = mock_backend(q);
    const uint32_t large = 5000;
    long long int now = time_msec();

    send_burst(q, &large, 1);
    for (unsigned int n_posted = 0; n_posted < 2; n_posted++) {
        mock_rx_post(q, n_posted);
        atomic_store_relaxed(&queue->rx_stalled_since, now - 59000);
        assert_true(xenvif_rx_is_stalled(queue, now));
        atomic_store_relaxed(&queue->rx_stalled_since, now - 61000);
        assert_int_equal(xenvif_rx_is_stalled(queue, now), n_posted == 0);
    }
    assert_false(xenvif_rx_is_stalled(queue, now));
}

/* The same page in all slots, or the ring's own page: the guest only harms
 * itself. */
static void
test_case_84_same_gref(void **state)
{
    struct mock_queue *q = mock_queue_of(state);
    struct xenemu_dom *dom = q->mock->dom;
    uint32_t pfn = xenemu_dom_alloc_page(dom);
    int32_t gref = xenemu_grant(dom, 0, pfn, false);
    const uint32_t last = 6300;
    uint32_t lens[NETDEV_MAX_BURST];
    uint64_t packets;

    mock_fill_frame(frame, 9000);
    for (unsigned int i = 0; i < NETDEV_MAX_BURST; i++) {
        lens[i] = last - 200 * (NETDEV_MAX_BURST - 1 - i);
    }
    for (unsigned int i = 0; i < 256; i++) {
        mock_rx_post_gref(q, gref);
    }
    send_burst(q, lens, NETDEV_MAX_BURST);
    assert_int_equal(mock_rx_count(q, packets), NETDEV_MAX_BURST);
    assert_memory_equal(xenemu_dom_page(dom, pfn),
                        frame + NETDEV_MAX_BURST - 1 + 4096, last - 4096);
    assert_int_equal(xenemu_ungrant(dom, gref), 0);

    /* The ring page: indexes and slots are overwritten with rubbish by our
     * own copy, which our private state must survive. */
    for (unsigned int i = 0; i < 50; i++) {
        struct dp_packet *packet = mock_packet(frame, 14 + 80 * i);

        mock_reconnect(q->mock, 0);
        packets = mock_rx_count(q, packets);
        for (unsigned int j = 0; j < 8; j++) {
            mock_rx_post_gref(q, i % 2 ? q->rx_ref : q->tx_ref);
        }
        xenvif_rx_burst(mock_backend(q), &packet, 1);
        xenvif_rx_burst(mock_backend(q), &packet, 1);
        xenvif_rx_burst(mock_backend(q), &packet, 1);
        assert_in_range(mock_rx_count(q, packets), packets + 1, packets + 3);
        dp_packet_delete(packet);
        latch_poll(&q->mock->latch);
    }
    mock_reconnect(q->mock, 0);
    send_one(q, 1514);
}

static void
test_data_validated(void **state)
{
    struct mock_queue *q = mock_queue_of(state);
    struct mock_rx_packet *p = xmalloc(sizeof *p);
    struct dp_packet *packet = mock_packet(frame, 9000);

    mock_rx_post(q, 6);
    mock_rx_burst(q, &packet, 1);
    assert_true(mock_rx_take(q, p));
    assert_int_equal(p->info.flags, NETRXF_more_data);
    xenvif_packet_set_l4_good(packet);
    mock_rx_burst(q, &packet, 1);
    assert_true(mock_rx_take(q, p));
    assert_int_equal(p->info.flags, NETRXF_more_data | NETRXF_data_validated);
    dp_packet_delete(packet);
    free(p);
}

static void
test_unfit_packets(void **state)
{
    struct mock_queue *q = mock_queue_of(state);

    mock_rx_post(q, 20);
    for (uint32_t len = 0; len < 14; len++) {
        expect_drop(q, len, XENVIF_RX_E_OFFLOAD);
    }
    atomic_store(&q->mock->terms.max_frame, 1522);
    expect_drop(q, 1523, XENVIF_RX_E_MTU);
    mock_rx_through(q, frame, 1522, 1);
}

/* The wrap of ring and indexes. */
static void
test_case_37_rx_ring_wrap(void **state)
{
    struct mock *mock = *state;

    for (uint32_t back = 0; back < 20; back++) {
        mock_reconnect(mock, back % 2 ? -back : 256 - back);
        send_one(&mock->queues[0], 65535);
        for (unsigned int i = 0; i < 300; i++) {
            send_one(&mock->queues[0], 4100);
        }
    }
}

#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, mock_setup, \
                                                   mock_teardown)
static int
run(const char *name)
{
    const struct CMUnitTest tests[] = {
        TEST(test_case_37_rx_ring_wrap),
        TEST(test_case_46_sizes),
        TEST(test_case_46_bursts),
        TEST(test_case_46_largest_burst),
        TEST(test_case_47_without_sg),
        TEST(test_case_48_exactly_enough_slots),
        TEST(test_case_49_headroom),
        TEST(test_case_52_offset_zero),
        TEST(test_case_53_bad_grants),
        TEST(test_case_53_whole_call_fails),
        TEST(test_case_54_full_ring),
        TEST(test_case_55_whole_packets),
        TEST(test_case_56_notify_formula),
        TEST(test_case_82_never_posts),
        TEST(test_case_83_one_slot_for_two),
        TEST(test_stalled_guest_gets_another_chance),
        TEST(test_case_84_same_gref),
        TEST(test_shared_txq),
        TEST(test_data_validated),
        TEST(test_unfit_packets),
        TEST(test_share_fails),
    };

    return cmocka_run_group_tests_name(name, tests, NULL, NULL);
}

int
main(void)
{
    return mock_main(run);
}
