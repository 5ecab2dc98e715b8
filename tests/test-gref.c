/* SPDX-License-Identifier: Apache-2.0 */

/* Component test: pages of a guest that stay mapped.  The numbers in the names
 * are those of the list of cases in the project's test plan. */

#include <config.h>

#include "mock-frontend.h"

#include <pthread.h>
#include <sched.h>
#include <string.h>

#include "frames.h"
#include "latch.h"
#include "ovs-atomic.h"
#include "ovs-rcu.h"
#include "ovs-thread.h"
#include "timeval.h"
#include "util.h"
#include "ring/xenvif-ctrl-ring.h"
#include "xen/xenvif-gref.h"

enum {
    N_QUEUES = 2,
    MAX_GREFS = XENVIF_GREF_MAX
};

enum {
    SUCCESS = XEN_NETIF_CTRL_STATUS_SUCCESS,
    INVALID = XEN_NETIF_CTRL_STATUS_INVALID_PARAMETER,
    OVERFLOW = XEN_NETIF_CTRL_STATUS_BUFFER_OVERFLOW,
};

static uint8_t frame[MOCK_FRAME_MAX];
static struct frame tcp_frame;
static struct xen_netif_gref list[MAX_GREFS];

static int
setup(void **state)
{
    return mock_setup_ctrl(state, N_QUEUES, -20);
}

static void
test_get_size(void **state)
{
    struct mock *mock = *state;
    uint32_t size;

    for (uint32_t queue = 0; queue < N_QUEUES; queue++) {
        assert_int_equal(mock_ctrl_call(
            mock, XEN_NETIF_CTRL_TYPE_GET_GREF_MAPPING_SIZE, queue, 0, 0,
            &size), SUCCESS);
        assert_int_equal(size, MAX_GREFS);
    }
    assert_int_equal(mock_ctrl_call(
        mock, XEN_NETIF_CTRL_TYPE_GET_GREF_MAPPING_SIZE, N_QUEUES, 0, 0,
        &size), INVALID);
    assert_int_equal(mock_ctrl_call(
        mock, XEN_NETIF_CTRL_TYPE_GET_GREF_MAPPING_SIZE, UINT32_MAX, 0, 0,
        &size), INVALID);
}

static void
test_case_71_add_and_del(void **state)
{
    struct mock *mock = *state;
    struct xen_netif_gref one = { .ref = mock->queues[0].rx_ref };
    struct xen_netif_gref orig[MAX_GREFS];

    mock_stage(&mock->queues[0], list);
    assert_int_equal(mock_gref_add(mock, 0, list, MAX_GREFS), SUCCESS);
    mock_assert_mapped(mock, MAX_GREFS);

    /* The table is full; that of the other queue is not. */
    assert_int_equal(mock_gref_add(mock, 0, &one, 1), INVALID);
    mock_assert_mapped(mock, MAX_GREFS);
    assert_int_equal(mock_gref_add(mock, 1, &one, 1), SUCCESS);
    mock_assert_mapped(mock, MAX_GREFS + 1);
    assert_int_equal(mock_gref_del(mock, 1, &one, 1), 1);
    assert_int_equal(one.status, SUCCESS);

    /* A part, then everything. */
    memcpy(orig, list, sizeof orig);
    memset(&list[100].status, 0x55, sizeof list[100].status);
    assert_int_equal(mock_gref_del(mock, 0, &list[100], 200), 200);
    mock_assert_mapped(mock, MAX_GREFS - 200);
    assert_int_equal(mock_gref_del(mock, 0, list, MAX_GREFS), MAX_GREFS - 200);
    for (unsigned int i = 0; i < MAX_GREFS; i++) {
        assert_int_equal(list[i].ref, orig[i].ref);
        assert_int_equal(list[i].flags, orig[i].flags);
        assert_int_equal(list[i].status,
                         i >= 100 && i < 300 ? INVALID : SUCCESS);
    }
    mock_assert_mapped(mock, 0);
    mock_unstage(&mock->queues[0]);
}

/* One entry that cannot be mapped, at any place of the list. */
static void
test_case_71_all_or_nothing(void **state)
{
    static const uint32_t bad[] = { 0, 5, 30000, 1u << 20, UINT32_MAX };
    struct mock *mock = *state;

    mock_stage(&mock->queues[0], list);
    for (unsigned int i = 0; i < 40; i++) {
        struct xen_netif_gref orig = list[i];

        list[i].ref = bad[i % ARRAY_SIZE(bad)];
        assert_int_equal(mock_gref_add(mock, 0, list, 40), INVALID);
        mock_assert_mapped(mock, 0);

        /* The same twice in a list. */
        list[i] = list[(i + 1) % 40];
        assert_int_equal(mock_gref_add(mock, 0, list, 40), INVALID);
        mock_assert_mapped(mock, 0);
        list[i] = orig;
    }

    /* What is mapped already stays mapped when it is there twice. */
    assert_int_equal(mock_gref_add(mock, 0, &list[20], 1), SUCCESS);
    assert_int_equal(mock_gref_add(mock, 0, list, 40), INVALID);
    mock_assert_mapped(mock, 1);
    assert_int_equal(mock_gref_add(mock, 0, list, 20), SUCCESS);
    mock_assert_mapped(mock, 21);
    assert_int_equal(mock_gref_del(mock, 0, list, 40), 21);
    mock_assert_mapped(mock, 0);
    mock_unstage(&mock->queues[0]);
}

/* Twice in a list of what is to be unmapped. */
static void
test_case_71_del_twice(void **state)
{
    struct mock *mock = *state;
    struct xen_netif_gref twice[3];

    mock_stage(&mock->queues[0], list);
    assert_int_equal(mock_gref_add(mock, 0, list, 2), SUCCESS);
    twice[0] = twice[1] = list[0];
    twice[2] = list[1];
    assert_int_equal(mock_gref_del(mock, 0, twice, 3), 2);
    assert_int_equal(twice[0].status, SUCCESS);
    assert_int_equal(twice[1].status, INVALID);
    assert_int_equal(twice[2].status, SUCCESS);
    mock_assert_mapped(mock, 0);
    mock_unstage(&mock->queues[0]);
}

/* Whoever keeps a list of what is mapped is asked first. */

struct keeper {
    struct mock *mock;
    unsigned int n_mapped;      /* When it was asked. */
    unsigned int n_asked;
    bool answer;
};

static bool
forget(void *keeper_)
{
    struct keeper *keeper = keeper_;

    mock_assert_mapped(keeper->mock, keeper->n_mapped);
    keeper->n_asked++;
    return keeper->answer;
}

static void
test_case_18_forget_first(void **state)
{
    struct mock *mock = *state;
    struct keeper keeper = { .mock = mock, .n_mapped = 40 };

    mock_stage(&mock->queues[0], list);
    mock->conn->ctrl->forget_grefs = forget;
    mock->conn->ctrl->forget_aux = &keeper;
    assert_int_equal(mock_gref_add(mock, 0, list, 40), SUCCESS);
    assert_int_equal(mock->changed, XENVIF_CTRL_GREFS);
    assert_int_equal(keeper.n_asked, 0);

    /* It cannot forget: nothing is unmapped. */
    mock->changed = 0;
    assert_int_equal(mock_ctrl_call_page(
        mock, XEN_NETIF_CTRL_TYPE_DEL_GREF_MAPPING, 0, 0, 10, 1, list,
        10 * sizeof *list, NULL), INVALID);
    mock_assert_mapped(mock, 40);
    assert_int_equal(keeper.n_asked, 1);
    assert_int_equal(mock->changed, 0);
    keeper.answer = true;
    assert_int_equal(mock_gref_del(mock, 0, list, 40), 40);
    assert_int_equal(keeper.n_asked, 2);
    assert_int_equal(mock->changed, XENVIF_CTRL_GREFS);
    mock_assert_mapped(mock, 0);
    mock_unstage(&mock->queues[0]);
}

static void
test_bad_parameters(void **state)
{
    static const uint16_t types[] = { XEN_NETIF_CTRL_TYPE_ADD_GREF_MAPPING,
                                      XEN_NETIF_CTRL_TYPE_DEL_GREF_MAPPING };
    struct mock *mock = *state;

    mock_stage(&mock->queues[0], list);
    for (unsigned int i = 0; i < ARRAY_SIZE(types); i++) {
        uint16_t type = types[i];

        assert_int_equal(mock_ctrl_call(mock, type, 0, 5, 513, NULL),
                         OVERFLOW);
        assert_int_equal(mock_ctrl_call(mock, type, 0, 5, UINT32_MAX, NULL),
                         OVERFLOW);
        assert_int_equal(mock_ctrl_call(mock, type, 0, 5, 1u << 29, NULL),
                         OVERFLOW);
        assert_int_equal(mock_ctrl_call(mock, type, 0, 5, 1, NULL), INVALID);
        assert_int_equal(mock_ctrl_call(mock, type, 0, 5, 0, NULL), SUCCESS);
        assert_int_equal(mock_ctrl_call(mock, type, N_QUEUES, 5, 0, NULL),
                         INVALID);
        assert_int_equal(mock_ctrl_call_page(mock, type, N_QUEUES, 0, 1, 1,
                                             list, sizeof *list, NULL),
                         INVALID);
        assert_int_equal(mock_ctrl_call_page(mock, type, UINT32_MAX, 0, 1, 1,
                                             list, sizeof *list, NULL),
                         INVALID);
    }
    mock_assert_mapped(mock, 0);

    /* Where the results of DEL cannot be written. */
    assert_int_equal(mock_gref_add(mock, 0, list, 1), SUCCESS);
    assert_int_equal(mock_ctrl_call(
        mock, XEN_NETIF_CTRL_TYPE_DEL_GREF_MAPPING, 0, list[0].ref, 1, NULL),
        INVALID);
    assert_int_equal(mock_gref_del(mock, 0, list, 1), 1);
    mock_unstage(&mock->queues[0]);
}

/* Traffic over slots whose pages are all, partly or not mapped. */

struct usage {
    uint64_t copies, mapped, calls;
};

static void
tx_usage(struct mock_queue *q, struct usage *usage)
{
    usage->copies = mock_tx_count(q, copies);
    usage->mapped = mock_tx_count(q, mapped);
    usage->calls = mock_tx_count(q, copy_calls);
}

static void
rx_usage(struct mock_queue *q, struct usage *usage)
{
    usage->copies = mock_rx_count(q, copies);
    usage->mapped = mock_rx_count(q, mapped);
    usage->calls = mock_rx_count(q, copy_calls);
}

/* Sends packets in both directions, once around each ring and more.  Returns
 * how many slots with data were served by copies and from mapped pages in each
 * direction. */
static void
exchange(struct mock_queue *q, struct usage *tx, struct usage *rx)
{
    struct usage tx_end, rx_end;
    uint32_t slots = 0;

    tx_usage(q, tx);
    rx_usage(q, rx);
    for (unsigned int i = 0; i < 120; i++) {
        uint32_t len = 14 + mock_random_range(15000);
        uint32_t n = DIV_ROUND_UP(len, NETIF_PAGE_SIZE);
        uint16_t sizes[18];
        unsigned int n_sizes = mock_random_layout(len, 8, sizes);

        mock_fill_frame(frame, len);
        mock_tx_through(q, frame, len, sizes, n_sizes);
        for (unsigned int j = 0; j < n_sizes; j++) {
            slots += sizes[j] > 0;
        }
        mock_rx_post(q, n);
        mock_rx_through(q, frame, len, n);
    }
    tx_usage(q, &tx_end);
    rx_usage(q, &rx_end);
    tx->copies = tx_end.copies - tx->copies;
    tx->mapped = tx_end.mapped - tx->mapped;
    tx->calls = tx_end.calls - tx->calls;
    rx->copies = rx_end.copies - rx->copies;
    rx->mapped = rx_end.mapped - rx->mapped;
    rx->calls = rx_end.calls - rx->calls;
    assert_int_equal(tx->copies + tx->mapped, slots);
}

static void
test_case_71_data_path(void **state)
{
    struct mock *mock = *state;
    struct mock_queue *q = &mock->queues[1];
    struct usage tx, rx;

    mock_stage(q, list);
    exchange(q, &tx, &rx);
    assert_int_equal(tx.mapped + rx.mapped, 0);

    /* The table of another queue is none of this one's business. */
    assert_int_equal(mock_gref_add(mock, 0, list, MAX_GREFS), SUCCESS);
    exchange(q, &tx, &rx);
    assert_int_equal(tx.mapped + rx.mapped, 0);
    assert_int_equal(mock_gref_del(mock, 0, list, MAX_GREFS), MAX_GREFS);

    assert_int_equal(mock_gref_add(mock, 1, list, MAX_GREFS), SUCCESS);
    exchange(q, &tx, &rx);
    assert_int_equal(tx.copies + rx.copies, 0);
    assert_int_equal(tx.calls + rx.calls, 0);
    assert_true(tx.mapped > 256 && rx.mapped > 256);

    /* Half of each ring, so that one packet has both kinds. */
    assert_int_equal(mock_gref_del(mock, 1, &list[128], 256), 256);
    exchange(q, &tx, &rx);
    assert_true(tx.copies > 50 && tx.mapped > 50);
    assert_true(rx.copies > 50 && rx.mapped > 50);

    assert_int_equal(mock_gref_del(mock, 1, list, MAX_GREFS), MAX_GREFS - 256);
    exchange(q, &tx, &rx);
    assert_int_equal(tx.mapped + rx.mapped, 0);
    mock_unstage(q);
}

/* Bursts of many packets from and to mapped pages. */
static void
test_case_71_bursts(void **state)
{
    struct mock *mock = *state;
    struct mock_queue *q = &mock->queues[0];
    struct mock_rx_packet *p = xmalloc(sizeof *p);

    mock_stage(q, list);
    assert_int_equal(mock_gref_add(mock, 0, list, MAX_GREFS), SUCCESS);
    for (unsigned int round = 0; round < 50; round++) {
        unsigned int n = 1 + mock_random_range(NETDEV_MAX_BURST);
        struct dp_packet_batch batch;

        mock_fill_frame(frame, 2000);
        for (unsigned int i = 0; i < n; i++) {
            mock_tx_frame(q, frame, 60 + 20 * i, NULL, 0, 0);
        }
        mock_tx_push(q);
        assert_int_equal(mock_tx_burst(q, &batch), n);
        mock_tx_reap(q);
        mock_rx_post(q, n);
        mock_rx_burst(q, batch.packets, n);
        dp_packet_delete_batch(&batch, true);
        for (unsigned int i = 0; i < n; i++) {
            assert_true(mock_rx_take(q, p));
            assert_int_equal(p->info.len, 60 + 20 * i);
            assert_memory_equal(p->data, frame, 60 + 20 * i);
        }
    }
    assert_int_equal(mock_tx_count(q, copy_calls), 0);
    assert_int_equal(mock_rx_count(q, copy_calls), 0);
    assert_int_equal(mock_gref_del(mock, 0, list, MAX_GREFS), MAX_GREFS);
    mock_unstage(q);
    free(p);
}

static void
test_readonly(void **state)
{
    struct mock *mock = *state;
    struct mock_queue *q = &mock->queues[0];
    struct usage tx, rx;

    /* A page granted read-only cannot be mapped otherwise... */
    mock_stage(q, list);
    list[0].flags = 0;
    assert_int_equal(mock_gref_add(mock, 0, list, 1), INVALID);
    list[0].flags = XEN_NETIF_CTRLF_GREF_readonly;
    assert_int_equal(mock_gref_add(mock, 0, list, 1), SUCCESS);
    assert_int_equal(mock_gref_del(mock, 0, list, 1), 1);

    /* ...and one mapped read-only is not written to. */
    for (unsigned int i = 0; i < MAX_GREFS; i++) {
        list[i].flags = XEN_NETIF_CTRLF_GREF_readonly;
    }
    assert_int_equal(mock_gref_add(mock, 0, list, MAX_GREFS), SUCCESS);
    exchange(q, &tx, &rx);
    assert_int_equal(tx.copies, 0);
    assert_int_equal(rx.mapped, 0);
    assert_int_equal(mock_gref_del(mock, 0, list, MAX_GREFS), MAX_GREFS);
    mock_unstage(q);
}

static void
test_case_71_disconnect(void **state)
{
    struct mock *mock = *state;
    struct usage tx, rx;

    mock_stage(&mock->queues[0], list);
    for (unsigned int round = 0; round < 5; round++) {
        for (uint32_t i = 0; i < N_QUEUES; i++) {
            assert_int_equal(mock_gref_add(mock, i, list, MAX_GREFS), SUCCESS);
        }
        mock_assert_mapped(mock, N_QUEUES * MAX_GREFS);

        /* This checks that nothing is mapped any more. */
        mock_reconnect(mock, 0);
        exchange(&mock->queues[0], &tx, &rx);
        assert_int_equal(tx.mapped + rx.mapped, 0);
    }
    mock_unstage(&mock->queues[0]);
}

/* The domain dies: it goes as soon as its pages are unmapped. */
static void
test_case_8_domain_dies(void **state OVS_UNUSED)
{
    struct mock *mock = mock_create(N_QUEUES, true, 0);

    mock_add_ctrl(mock);
    mock_connect(mock);
    mock_stage(&mock->queues[0], list);
    assert_int_equal(mock_gref_add(mock, 0, list, MAX_GREFS), SUCCESS);
    mock_kill(mock);
    mock_bury(mock);
}

/* A mapped page that changes while a packet is taken out of it: what becomes
 * of it is one packet, whose checksum is right for the bytes that it has. */

struct scribbler {
    uint8_t *page;
    uint32_t start, end;        /* Bytes to change. */
    atomic_bool stop;
};

static void *
scribbler_main(void *s_)
{
    struct scribbler *s = s_;
    bool stop = false;

    for (uint32_t i = 0; !stop; i++) {
        volatile uint8_t *p = &s->page[s->start + i % (s->end - s->start)];

        *p = *p * 5 + 1;
        atomic_read(&s->stop, &stop);
    }
    return NULL;
}

static void
test_case_72_page_changes(void **state)
{
    const struct frame_spec spec = { .proto = FRAME_TCP, .payload = 1400 };
    struct mock *mock = *state;
    struct mock_queue *q = &mock->queues[0];
    struct scribbler s = { .start = 0 };
    unsigned int n_changed = 0;
    pthread_t thread;
    int32_t gref;

    frame_make(&tcp_frame, &spec);
    s.start = tcp_frame.payload;
    s.end = tcp_frame.len;
    mock_stage(q, list);
    assert_int_equal(mock_gref_add(mock, 0, list, MAX_GREFS), SUCCESS);
    gref = mock_tx_grant(q, &s.page);
    memcpy(s.page, tcp_frame.data, tcp_frame.len);
    assert_int_equal(pthread_create(&thread, NULL, scribbler_main, &s), 0);
    for (unsigned int i = 0; i < 3000 || !n_changed; i++) {
        struct dp_packet_batch batch;
        uint8_t *data;

        mock_tx_request(q, gref, 0, tcp_frame.len, NETTXF_csum_blank);
        mock_tx_end(q);
        mock_tx_push(q);
        assert_int_equal(mock_tx_burst(q, &batch), 1);
        data = dp_packet_data(batch.packets[0]);
        assert_int_equal(dp_packet_size(batch.packets[0]), tcp_frame.len);
        assert_true(frame_l4_is_ok(&tcp_frame, data, tcp_frame.len));
        n_changed += memcmp(data + s.start, tcp_frame.data + s.start,
                            s.end - s.start) != 0;
        dp_packet_delete_batch(&batch, true);
        assert_int_equal(mock_tx_reap(q), 1);
    }
    atomic_store(&s.stop, true);
    pthread_join(thread, NULL);
    assert_int_equal(mock_tx_count(q, copies), 0);
    assert_int_equal(mock_gref_del(mock, 0, list, MAX_GREFS), MAX_GREFS);
    mock_unstage(q);
}

/* Pages come and go while another thread looks them up: as long as it holds
 * one, the page stays. */

struct reader {
    struct xenvif_gref_table *table;
    atomic_bool stop;
    atomic_count n_found, n_missed;
};

static void *
reader_main(void *r_)
{
    struct reader *r = r_;
    bool stop = false;

    for (uint32_t i = 0; !stop; i++) {
        uint8_t *page = xenvif_gref_lookup(r->table, list[i % 64].ref, false);

        if (page) {
            for (uint32_t ofs = 0; ofs < NETIF_PAGE_SIZE; ofs += 64) {
                ovs_assert(page[ofs] == (uint8_t) (i % 64));
            }
            atomic_count_inc(&r->n_found);
        } else {
            atomic_count_inc(&r->n_missed);
        }
        if (i % 16 == 0) {
            ovsrcu_quiesce();
        }
        atomic_read(&r->stop, &stop);
    }
    return NULL;
}

static void
test_case_71_del_while_used(void **state)
{
    struct mock *mock = *state;
    struct mock_queue *q = &mock->queues[0];
    struct reader r = { .table = &mock_backend(q)->grefs };
    pthread_t thread;

    mock_stage(q, list);
    for (unsigned int i = 0; i < 64; i++) {
        memset(xenemu_dom_page(mock->dom, q->tx_slots[i].pfn), i,
               NETIF_PAGE_SIZE);
    }
    thread = ovs_thread_create("reader", reader_main, &r);
    for (unsigned int i = 0;
         i < 300 || atomic_count_get(&r.n_found) < 100
         || atomic_count_get(&r.n_missed) < 100; i++) {
        unsigned int first = mock_random_range(64);
        unsigned int n = 1 + mock_random_range(64 - first);

        assert_int_equal(mock_gref_add(mock, 0, &list[first], n), SUCCESS);
        mock_assert_mapped(mock, n);
        sched_yield();
        assert_int_equal(mock_gref_del(mock, 0, &list[first], n), n);
        mock_assert_mapped(mock, 0);
    }
    atomic_store(&r.stop, true);
    xpthread_join(thread, NULL);
    mock_unstage(q);
}

/* Persistent grants: no messages, a page stays mapped once it was used. */

static int
setup_persistent(void **state)
{
    struct mock *mock = mock_create(1, false, -300);

    mock->persistent = true;
    mock_stage(&mock->queues[0], list);
    mock_connect(mock);
    *state = mock;
    return 0;
}

static int
teardown_persistent(void **state)
{
    struct mock *mock = *state;

    mock_disconnect(mock);
    mock_reset(mock, 0);
    mock_unstage(&mock->queues[0]);
    mock_destroy(mock);
    return 0;
}

static void
run_control(struct mock *mock)
{
    assert_false(mock_ctrl_run(mock));
}

/* Sends 'len' bytes of 'frame' to page 'gref'.  Returns the error in the
 * guest's response, or 0. */
static int
send_to(struct mock_queue *q, uint32_t gref, uint32_t len)
{
    struct mock_rx_packet *p = xmalloc(sizeof *p);
    struct dp_packet *packet = mock_packet(frame, len);
    int error;

    mock_rx_post_gref(q, gref);
    mock_rx_burst(q, &packet, 1);
    dp_packet_delete(packet);
    assert_true(mock_rx_take(q, p));
    assert_int_equal(p->info.n_slots, 1);
    error = p->info.error;
    free(p);
    return error;
}

/* Sends 'n' packets in each direction, one slot each, and expects 'mapped' of
 * those slots to be served from mapped pages. */
static void
expect_persistent(struct mock *mock, unsigned int n, unsigned int mapped)
{
    struct mock_queue *q = &mock->queues[0];
    uint64_t n_tx = mock_tx_count(q, mapped), n_rx = mock_rx_count(q, mapped);
    uint64_t copies = mock_tx_count(q, copies) + mock_rx_count(q, copies);

    for (unsigned int i = 0; i < n; i++) {
        mock_fill_frame(frame, 1000);
        mock_tx_through(q, frame, 1000, NULL, 0);
        mock_rx_post(q, 1);
        mock_rx_through(q, frame, 1000, 1);
    }
    assert_int_equal(mock_tx_count(q, mapped), n_tx + mapped);
    assert_int_equal(mock_rx_count(q, mapped), n_rx + mapped);
    assert_int_equal(mock_tx_count(q, copies) + mock_rx_count(q, copies),
                     copies + 2 * (n - mapped));
}

static void
test_persistent_first_use(void **state)
{
    struct mock *mock = *state;

    /* Around the ring, 20 slots at a time: copied at first. */
    for (unsigned int i = 0; i < NETIF_RING_SIZE; i += 16) {
        assert_false(latch_poll(&mock->latch));
        expect_persistent(mock, 16, 0);
        assert_true(latch_poll(&mock->latch));
        mock_assert_usage(mock, 2 + 2 * i);
        run_control(mock);
        mock_assert_usage(mock, 2 + 2 * (i + 16));
    }

    /* And from then on never again. */
    for (unsigned int i = 0; i < 3; i++) {
        expect_persistent(mock, NETIF_RING_SIZE, NETIF_RING_SIZE);
        assert_false(latch_poll(&mock->latch));
        run_control(mock);
    }
    mock_assert_usage(mock, 2 + MAX_GREFS);
}

/* The list of pages to be mapped is bounded; what finds no place in it is
 * copied and comes later. */
static void
test_persistent_wanted_is_bounded(void **state)
{
    struct mock *mock = *state;

    expect_persistent(mock, NETIF_RING_SIZE, 0);
    run_control(mock);
    mock_assert_usage(mock, 2 + XENVIF_GREF_WANTED_MAX);
    expect_persistent(mock, NETIF_RING_SIZE, XENVIF_GREF_WANTED_MAX / 2);
    for (unsigned int i = 0; i < MAX_GREFS / XENVIF_GREF_WANTED_MAX; i++) {
        struct usage tx, rx;

        run_control(mock);
        exchange(&mock->queues[0], &tx, &rx);
    }
    run_control(mock);
    mock_assert_usage(mock, 2 + MAX_GREFS);
    expect_persistent(mock, NETIF_RING_SIZE, NETIF_RING_SIZE);
}

/* A guest with more pages than the table has entries. */
static void
test_persistent_full_table(void **state)
{
    struct mock *mock = *state;
    struct mock_queue *q = &mock->queues[0];
    uint32_t pfn = xenemu_dom_alloc_page(mock->dom);
    int32_t gref = xenemu_grant(mock->dom, 0, pfn, false);

    for (unsigned int i = 0; i < NETIF_RING_SIZE; i += 16) {
        expect_persistent(mock, 16, 0);
        run_control(mock);
    }
    latch_poll(&mock->latch);
    for (unsigned int i = 0; i < 3; i++) {
        uint64_t copies = mock_rx_count(q, copies);

        mock_fill_frame(frame, 500);
        assert_int_equal(send_to(q, gref, 500), 0);
        assert_memory_equal(xenemu_dom_page(mock->dom, pfn), frame, 500);
        assert_int_equal(mock_rx_count(q, copies), copies + 1);
        assert_false(latch_poll(&mock->latch));
        run_control(mock);
        mock_assert_usage(mock, 2 + MAX_GREFS);
    }
    assert_int_equal(xenemu_ungrant(mock->dom, gref), 0);
}

/* As if a second had passed since something could not be mapped. */
static void
pass_second(struct mock_queue *q)
{
    struct xenvif_gref_table *table = &mock_backend(q)->grefs;
    long long int retry_at;

    atomic_read(&table->retry_at, &retry_at);
    assert_in_range(retry_at, time_msec() + 1, time_msec() + 1000);
    atomic_store(&table->retry_at, retry_at - 1000);
}

/* References that cannot be mapped, or not for writing. */
static void
test_persistent_bad_grants(void **state)
{
    struct mock *mock = *state;
    struct mock_queue *q = &mock->queues[0];
    uint32_t pfn = xenemu_dom_alloc_page(mock->dom);
    int32_t readonly = xenemu_grant(mock->dom, 0, pfn, true);
    const uint32_t grefs[] = { 0, 30000, UINT32_MAX, readonly };
    struct dp_packet_batch batch;

    for (unsigned int i = 0; i < 3 * ARRAY_SIZE(grefs); i++) {
        /* Not tried again before a second has passed. */
        for (unsigned int j = 0; j < 3; j++) {
            assert_int_equal(send_to(q, grefs[i % ARRAY_SIZE(grefs)], 1000),
                             NETIF_RSP_ERROR);
            assert_int_equal(latch_poll(&mock->latch), !j);
            run_control(mock);
            mock_assert_usage(mock, 2);
        }
        pass_second(q);
    }

    /* A page that the guest sent from is mapped read-only, and stays that when
     * it is posted to receive. */
    for (unsigned int i = 0; i < 2; i++) {
        mock_tx_request(q, readonly, 0, 60, 0);
        mock_tx_end(q);
        mock_tx_push(q);
        assert_int_equal(mock_tx_burst(q, &batch), 1);
        dp_packet_delete_batch(&batch, true);
        mock_tx_reap(q);
        assert_int_equal(mock_tx_count(q, mapped), i);
        run_control(mock);
        mock_assert_usage(mock, 3);
        assert_int_equal(send_to(q, readonly, 1000), NETIF_RSP_ERROR);
    }
    mock_disconnect(mock);
    assert_int_equal(xenemu_ungrant(mock->dom, readonly), 0);
    mock_reset(mock, 0);
    mock_connect(mock);
}

#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, setup, mock_teardown)
#define PERSISTENT(NAME) \
    cmocka_unit_test_setup_teardown(NAME, setup_persistent, \
                                    teardown_persistent)

static int
run(const char *name)
{
    const struct CMUnitTest tests[] = {
        TEST(test_get_size),
        TEST(test_case_71_add_and_del),
        TEST(test_case_71_all_or_nothing),
        TEST(test_case_71_del_twice),
        TEST(test_case_18_forget_first),
        TEST(test_bad_parameters),
        TEST(test_case_71_data_path),
        TEST(test_case_71_bursts),
        TEST(test_readonly),
        TEST(test_case_71_disconnect),
        cmocka_unit_test(test_case_8_domain_dies),
        TEST(test_case_72_page_changes),
        TEST(test_case_71_del_while_used),
        PERSISTENT(test_persistent_first_use),
        PERSISTENT(test_persistent_wanted_is_bounded),
        PERSISTENT(test_persistent_full_table),
        PERSISTENT(test_persistent_bad_grants),
    };

    return cmocka_run_group_tests_name(name, tests, NULL, NULL);
}

int
main(void)
{
    return mock_main(run);
}
