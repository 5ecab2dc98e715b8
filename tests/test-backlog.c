/* SPDX-License-Identifier: Apache-2.0 */

/* Unit and component test: packets that wait until a guest makes room for
 * them.  The numbers in the names are those of the list of cases in the
 * project's test plan. */

#include <config.h>

#include "mock-frontend.h"

#include <string.h>

#include "frames.h"
#include "ovs-thread.h"
#include "timeval.h"
#include "util.h"
#include "ring/xenvif-backlog.h"
#include "packet/xenvif-ovs-compat.h"
#include "ring/xenvif-rx.h"

enum { MAX_PACKETS = XENVIF_BACKLOG_MAX_PACKETS };

static struct xenvif_backlog backlog;
static uint8_t data[MOCK_FRAME_MAX];

/* A packet of 'len' bytes that carries 'number'. */
static struct dp_packet *
make_packet(uint32_t number, uint32_t len)
{
    mock_fill_frame(data, len);
    memcpy(data + 14, &number, sizeof number);
    return mock_packet(data, len);
}

static uint32_t
number_of(const void *packet_data)
{
    uint32_t number;

    memcpy(&number, (const uint8_t *) packet_data + 14, sizeof number);
    return number;
}

static bool
push(uint32_t number, uint32_t len, long long int now)
{
    struct dp_packet *packet = make_packet(number, len);
    bool ok = xenvif_backlog_push(&backlog, packet, now);

    dp_packet_delete(packet);
    return ok;
}

/* The queue by itself. */

static void
test_order(void **state OVS_UNUSED)
{
    uint32_t head = 0, tail = 0;

    xenvif_backlog_init(&backlog, 1, 100);

    /* Free-running indexes wrap, too. */
    backlog.head = backlog.tail = -5000;
    for (unsigned int i = 0; i < 10000; i++) {
        if (mock_random_range(2)) {
            bool ok = push(tail, 60, 0);

            assert_int_equal(ok, tail - head < 100);
            tail += ok;
        } else if (tail != head) {
            xenvif_backlog_pop(&backlog);
            head++;
        }
        assert_int_equal(xenvif_backlog_count(&backlog), tail - head);
        for (uint32_t j = head; j != tail; j++) {
            struct dp_packet *p = xenvif_backlog_peek(&backlog, j - head);

            assert_int_equal(number_of(dp_packet_data(p)), j);
        }
    }
    assert_true(head > 1000);
    xenvif_backlog_destroy(&backlog);
    assert_int_equal(xenvif_backlog_count(&backlog), 0);
}

static void
test_case_82_bounds(void **state OVS_UNUSED)
{
    static const uint32_t limits[] = {
        0, 1, 2, MAX_PACKETS, MAX_PACKETS + 1, UINT32_MAX
    };
    uint32_t left;

    for (unsigned int i = 0; i < ARRAY_SIZE(limits); i++) {
        uint32_t n = MIN(limits[i], MAX_PACKETS);

        xenvif_backlog_init(&backlog, 1, limits[i]);
        for (uint32_t j = 0; j < n; j++) {
            assert_true(push(j, 60, 0));
        }
        assert_false(push(n, 60, 0));
        assert_int_equal(xenvif_backlog_count(&backlog), n);
        if (n) {
            xenvif_backlog_pop(&backlog);
            assert_true(push(n, 60, 0));
        }
        xenvif_backlog_destroy(&backlog);
    }

    /* Large packets: a mebibyte of them, with what surrounds them. */
    xenvif_backlog_init(&backlog, 1, MAX_PACKETS);
    for (unsigned int i = 0; i < 15; i++) {
        assert_true(push(i, 65000, 0));
    }
    left = 1024 * 1024 - 15 * (65000 + sizeof(struct dp_packet));
    left -= 2 * sizeof(struct dp_packet) + 60;
    assert_false(push(15, left + sizeof(struct dp_packet) + 61, 0));
    assert_true(push(15, left, 0));
    assert_false(push(16, 61, 0));
    assert_true(push(16, 60, 0));
    assert_false(push(17, 18, 0));
    xenvif_backlog_pop(&backlog);
    assert_true(push(17, 65000, 0));
    xenvif_backlog_destroy(&backlog);
    assert_int_equal(backlog.n_bytes, 0);
}

/* All queues of all guests. */

enum { N_BACKLOGS = 160, PER_DOMAIN = 8 };

static struct xenvif_backlog *backlogs[N_BACKLOGS];

static uint16_t
domid_of(unsigned int i)
{
    return 1 + i / PER_DOMAIN;
}

/* Bytes that 'n' of 'backlogs' keep, as far as one can know. */
static size_t
n_kept(unsigned int first, unsigned int n)
{
    size_t n_bytes = 0;

    for (unsigned int i = first; i < first + n; i++) {
        for (uint32_t j = 0; j < xenvif_backlog_count(backlogs[i]); j++) {
            struct dp_packet *p = xenvif_backlog_peek(backlogs[i], j);

            n_bytes += sizeof *p + dp_packet_get_allocated(p);
        }
    }
    return n_bytes;
}

static void
setup_backlogs(void)
{
    for (unsigned int i = 0; i < N_BACKLOGS; i++) {
        backlogs[i] = xmalloc(sizeof *backlogs[i]);
        xenvif_backlog_init(backlogs[i], domid_of(i), MAX_PACKETS);
    }
}

/* Fills the queues of one domain, and returns how many bytes it got. */
static size_t
fill(unsigned int domain, uint32_t len)
{
    struct dp_packet *packet = make_packet(0, len);

    for (unsigned int i = 0; i < PER_DOMAIN; i++) {
        while (xenvif_backlog_push(backlogs[domain * PER_DOMAIN + i], packet,
                                   0)) {
            continue;
        }
    }
    dp_packet_delete(packet);
    return n_kept(domain * PER_DOMAIN, PER_DOMAIN);
}

/* One guest with many queues; and many such guests, which leave the others
 * what everybody is entitled to. */
static void
test_sums(void **state OVS_UNUSED)
{
    enum { N_DOMAINS = N_BACKLOGS / PER_DOMAIN, PACKET = 70000 };
    size_t first = 0, n_bytes;

    setup_backlogs();
    for (unsigned int round = 0; round < 2; round++) {
        for (unsigned int i = 0; i < N_DOMAINS; i++) {
            n_bytes = fill(i, 65000);
            if (!i && !first) {
                first = n_bytes;
            }
            assert_in_range(n_bytes, XENVIF_BACKLOG_DOMAIN_MIN - PACKET,
                            XENVIF_BACKLOG_DOMAIN_MAX);
            if (!i) {
                /* What was freed can be used again. */
                assert_int_equal(n_bytes, first);
                assert_true(n_bytes > XENVIF_BACKLOG_DOMAIN_MAX - PACKET);
            }
        }
        n_bytes = n_kept(0, N_BACKLOGS);
        assert_in_range(n_bytes, XENVIF_BACKLOG_HOST_MAX - PACKET,
                        XENVIF_BACKLOG_HOST_MAX
                        + N_DOMAINS * XENVIF_BACKLOG_DOMAIN_MIN);
        if (round) {
            break;
        }

        /* The last ones came too late for more than that; not if another one
         * goes. */
        n_bytes = n_kept(N_BACKLOGS - PER_DOMAIN, PER_DOMAIN);
        assert_in_range(n_bytes, 0, XENVIF_BACKLOG_DOMAIN_MIN + PACKET);
        for (unsigned int i = 0; i < PER_DOMAIN; i++) {
            xenvif_backlog_destroy(backlogs[i]);
        }
        n_bytes = fill(N_DOMAINS - 1, 65000);
        assert_true(n_bytes > XENVIF_BACKLOG_DOMAIN_MAX - PACKET);
        for (unsigned int i = 0; i < N_BACKLOGS; i++) {
            xenvif_backlog_destroy(backlogs[i]);
        }
    }
    for (unsigned int i = 0; i < N_BACKLOGS; i++) {
        xenvif_backlog_destroy(backlogs[i]);
        free(backlogs[i]);
    }
}

/* Small packets take more memory than their bytes. */
static void
test_small_packets(void **state OVS_UNUSED)
{
    size_t n_bytes;

    setup_backlogs();
    n_bytes = fill(0, 60);
    assert_in_range(n_bytes, 0, XENVIF_BACKLOG_DOMAIN_MAX);
    for (unsigned int i = 0; i < N_BACKLOGS; i++) {
        xenvif_backlog_destroy(backlogs[i]);
        free(backlogs[i]);
    }
}

/* Threads that fill and empty queues of one domain lose no room. */
static void *
filler_main(void *first)
{
    struct xenvif_backlog *const *own = first;
    struct dp_packet *packet = dp_packet_new(65000);

    dp_packet_put_zeros(packet, 65000);
    for (unsigned int i = 0; i < 3000; i++) {
        for (unsigned int j = 0; j < PER_DOMAIN / 2; j++) {
            xenvif_backlog_push(own[j], packet, 0);
            if (i % 40 > 20 && xenvif_backlog_count(own[j])) {
                xenvif_backlog_pop(own[j]);
                xenvif_backlog_destroy(own[j]);
            }
        }
    }
    for (unsigned int j = 0; j < PER_DOMAIN / 2; j++) {
        xenvif_backlog_destroy(own[j]);
    }
    dp_packet_delete(packet);
    return NULL;
}

static void
test_sums_of_threads(void **state OVS_UNUSED)
{
    pthread_t threads[2];
    size_t n_bytes;

    setup_backlogs();
    n_bytes = fill(0, 65000);
    for (unsigned int i = 0; i < PER_DOMAIN; i++) {
        xenvif_backlog_destroy(backlogs[i]);
    }
    for (unsigned int i = 0; i < 2; i++) {
        threads[i] = ovs_thread_create("filler", filler_main,
                                       &backlogs[i * PER_DOMAIN / 2]);
    }
    for (unsigned int i = 0; i < 2; i++) {
        xpthread_join(threads[i], NULL);
    }
    assert_int_equal(fill(0, 65000), n_bytes);
    for (unsigned int i = 0; i < N_BACKLOGS; i++) {
        xenvif_backlog_destroy(backlogs[i]);
        free(backlogs[i]);
    }
}

static void
test_age(void **state OVS_UNUSED)
{
    xenvif_backlog_init(&backlog, 1, 10);
    assert_false(xenvif_backlog_is_stale(&backlog, LLONG_MAX / 2));
    assert_true(push(0, 60, 5000));
    assert_true(push(1, 60, 5600));
    assert_false(xenvif_backlog_is_stale(&backlog, 5000));
    assert_false(xenvif_backlog_is_stale(&backlog, 6000));
    assert_true(xenvif_backlog_is_stale(&backlog, 6001));
    xenvif_backlog_pop(&backlog);
    assert_false(xenvif_backlog_is_stale(&backlog, 6600));
    assert_true(xenvif_backlog_is_stale(&backlog, 6601));
    xenvif_backlog_destroy(&backlog);
}

/* What is known about a packet waits with it; the packet itself stays the
 * caller's. */
static void
test_copies(void **state OVS_UNUSED)
{
    struct dp_packet *packet = make_packet(1, 60);
    struct dp_packet *copy;

    xenvif_backlog_init(&backlog, 1, 10);
    xenvif_packet_set_l4_partial(packet, false, true, 34, 16);
    xenvif_packet_set_tso(packet, 500);
    assert_true(xenvif_backlog_push(&backlog, packet, 0));
    copy = xenvif_backlog_peek(&backlog, 0);
    assert_ptr_not_equal(copy, packet);
    memset(dp_packet_data(packet), 0, 60);
    dp_packet_delete(packet);
    assert_memory_equal(dp_packet_data(copy), data, 60);
    assert_true(xenvif_packet_l4_is_partial(copy));
    assert_true(xenvif_packet_is_tso(copy));
    assert_true(dp_packet_is_eth(copy));
    xenvif_backlog_destroy(&backlog);
}

/* In a queue of a vif. */

static int
setup(void **state)
{
    struct mock *mock = mock_create(1, false, -100);

    mock->terms.max_backlog = 100;
    mock_connect(mock);
    *state = mock;
    return 0;
}

/* Sends packets with the numbers ['number', 'number' + 'n') of 'len' bytes. */
static void
send_burst(struct mock_queue *q, uint32_t number, unsigned int n, uint32_t len)
{
    struct dp_packet *packets[NETDEV_MAX_BURST];

    assert_in_range(n, 1, NETDEV_MAX_BURST);
    for (unsigned int i = 0; i < n; i++) {
        packets[i] = make_packet(number + i, len);
    }
    mock_rx_burst(q, packets, n);
    for (unsigned int i = 0; i < n; i++) {
        dp_packet_delete(packets[i]);
    }
}

static void
expect(struct mock_queue *q, uint32_t number, unsigned int n, uint32_t len)
{
    struct mock_rx_packet *p = xmalloc(sizeof *p);

    for (unsigned int i = 0; i < n; i++) {
        assert_true(mock_rx_take(q, p));
        assert_int_equal(p->info.error, 0);
        assert_int_equal(p->info.len, len);
        assert_int_equal(number_of(p->data), number + i);
    }
    assert_false(mock_rx_take(q, p));
    free(p);
}

static void
test_waits_for_room(void **state)
{
    struct mock *mock = *state;
    struct mock_queue *q = &mock->queues[0];
    struct xenvif_queue *queue = mock_backend(q);

    mock_rx_post(q, 2);
    send_burst(q, 0, 5, 60);
    expect(q, 0, 2, 60);
    assert_int_equal(xenvif_rx_n_waiting(queue), 3);
    assert_int_equal(mock_rx_count(q, queued), 3);
    assert_int_equal(mock_rx_verdicts(q, XENVIF_RX_E_NO_SLOTS), 0);

    /* Nothing moves without room. */
    xenvif_rx_poll(queue);
    expect(q, 2, 0, 60);
    assert_int_equal(xenvif_rx_n_waiting(queue), 3);

    mock_rx_post(q, 1);
    xenvif_rx_poll(queue);
    expect(q, 2, 1, 60);

    /* New packets go behind those that wait. */
    mock_rx_post(q, 3);
    send_burst(q, 5, 4, 60);
    expect(q, 3, 3, 60);
    assert_int_equal(xenvif_rx_n_waiting(queue), 3);
    mock_rx_post(q, 20);
    xenvif_rx_poll(queue);
    expect(q, 6, 3, 60);
    assert_int_equal(xenvif_rx_n_waiting(queue), 0);
    assert_int_equal(mock_rx_count(q, packets), 9);
    assert_int_equal(mock_rx_count(q, queued), 6);
    assert_int_equal(mock_rx_verdicts(q, XENVIF_RX_E_NO_SLOTS), 0);
}

/* A packet that needs two slots is not overtaken by one that needs one. */
static void
test_keeps_order(void **state)
{
    struct mock *mock = *state;
    struct mock_queue *q = &mock->queues[0];

    mock_rx_post(q, 1);
    send_burst(q, 0, 1, 5000);
    send_burst(q, 1, 1, 60);
    expect(q, 0, 0, 60);
    assert_int_equal(xenvif_rx_n_waiting(mock_backend(q)), 2);
    mock_rx_post(q, 1);
    xenvif_rx_poll(mock_backend(q));
    expect(q, 0, 1, 5000);
    mock_rx_post(q, 1);
    xenvif_rx_poll(mock_backend(q));
    expect(q, 1, 1, 60);
}

/* Random room and bursts: everything arrives, in order, unless the queue is
 * full, and every packet is accounted for. */
static void
test_random(void **state)
{
    struct mock *mock = *state;
    struct mock_queue *q = &mock->queues[0];
    struct mock_rx_packet *p = xmalloc(sizeof *p);
    uint32_t sent = 0, next = 0, taken = 0;

    for (unsigned int i = 0; i < 3000; i++) {
        unsigned int n = 1 + mock_random_range(8);
        unsigned int room = NETIF_RING_SIZE - (q->rx_prod - q->rx_cons);
        unsigned int n_posted = mock_random_range(8);

        mock_rx_post(q, MIN(room, n_posted));
        if (i % 3) {
            send_burst(q, sent, n, 14 + 4 + mock_random_range(9000));
            sent += n;
        } else {
            xenvif_rx_poll(mock_backend(q));
        }
        assert_in_range(xenvif_rx_n_waiting(mock_backend(q)), 0, 100);
        while (mock_rx_take(q, p)) {
            assert_true(number_of(p->data) >= next);
            next = number_of(p->data) + 1;
            taken++;
        }
    }
    assert_int_equal(taken, mock_rx_count(q, packets));
    assert_int_equal(sent, taken + mock_rx_verdicts(q, XENVIF_RX_E_NO_SLOTS)
                           + xenvif_rx_n_waiting(mock_backend(q)));
    assert_true(mock_rx_verdicts(q, XENVIF_RX_E_NO_SLOTS) > 0);
    assert_true(mock_rx_count(q, queued) > 100);
    free(p);
}

/* Makes all that waits as old as packets get. */
static void
age(struct xenvif_queue *queue)
{
    ovs_mutex_lock(&queue->rx_mutex);
    for (unsigned int i = 0; i < MAX_PACKETS; i++) {
        queue->rx_backlog.entries[i].time -= XENVIF_BACKLOG_MAX_AGE + 1;
    }
    ovs_mutex_unlock(&queue->rx_mutex);
}

/* A guest that never posts anything: memory is bounded, and with time what
 * waits is thrown away. */
static void
test_case_82_never_posts(void **state)
{
    struct mock *mock = *state;
    struct mock_queue *q = &mock->queues[0];
    struct xenvif_queue *queue = mock_backend(q);
    struct dp_packet *packet = make_packet(0, 60);

    for (unsigned int i = 0; i < 1000; i++) {
        assert_true(xenvif_rx_burst(queue, &packet, 1));
    }
    dp_packet_delete(packet);
    assert_int_equal(xenvif_rx_n_waiting(queue), 100);
    assert_int_equal(mock_rx_verdicts(q, XENVIF_RX_E_NO_SLOTS), 900);
    assert_true(xenvif_rx_is_stalled(queue, time_msec()));

    age(queue);
    xenvif_rx_poll(queue);
    assert_int_equal(xenvif_rx_n_waiting(queue), 0);
    assert_int_equal(mock_rx_verdicts(q, XENVIF_RX_E_NO_SLOTS), 1000);
    assert_int_equal(mock_rx_count(q, packets), 0);

    /* And the guest recovers. */
    mock_rx_post(q, 5);
    send_burst(q, 7, 5, 60);
    expect(q, 7, 5, 60);
    assert_false(xenvif_rx_is_stalled(queue, time_msec()));
}

/* A guest that has room, but never as much as some packets need: those hold up
 * the others once, not again and again. */
static void
test_never_posts_enough(void **state)
{
    struct mock *mock = *state;
    struct mock_queue *q = &mock->queues[0];
    struct xenvif_queue *queue = mock_backend(q);

    mock_rx_post(q, 2);
    send_burst(q, 0, 1, 9000);
    send_burst(q, 1, 1, 60);
    expect(q, 0, 0, 60);
    assert_int_equal(xenvif_rx_n_waiting(queue), 2);
    age(queue);
    send_burst(q, 2, 2, 60);
    expect(q, 2, 2, 60);
    assert_int_equal(mock_rx_verdicts(q, XENVIF_RX_E_NO_SLOTS), 2);

    for (unsigned int i = 0; i < 50; i++) {
        mock_rx_post(q, 2);
        send_burst(q, 100, 1, 9000);
        send_burst(q, 101, 1, 60);
        expect(q, 101, 1, 60);
        send_burst(q, 102, 1, 60);
        expect(q, 102, 1, 60);
        assert_int_equal(xenvif_rx_n_waiting(queue), 0);
        assert_false(xenvif_rx_is_stalled(queue, time_msec()));
    }
    assert_int_equal(mock_rx_verdicts(q, XENVIF_RX_E_NO_SLOTS), 2 + 50);

    /* Those of two slots still wait. */
    mock_rx_post(q, 1);
    send_burst(q, 200, 1, 5000);
    assert_int_equal(xenvif_rx_n_waiting(queue), 1);

    /* It has learnt to post more. */
    mock_rx_post(q, 2);
    xenvif_rx_poll(queue);
    expect(q, 200, 1, 5000);
    mock_rx_post(q, 2);
    send_burst(q, 201, 1, 9000);
    expect(q, 201, 1, 9000);
    send_burst(q, 202, 1, 9000);
    assert_int_equal(xenvif_rx_n_waiting(queue), 1);
    mock_rx_post(q, 3);
    xenvif_rx_poll(queue);
    expect(q, 202, 1, 9000);
}

/* One whose ring is empty may come back, whatever waits for it. */
static void
test_pauses(void **state)
{
    struct mock *mock = *state;
    struct mock_queue *q = &mock->queues[0];
    struct xenvif_queue *queue = mock_backend(q);

    for (unsigned int i = 0; i < 5; i++) {
        send_burst(q, 0, 2, 9000);
        age(queue);
        send_burst(q, 2, 1, 9000);
        send_burst(q, 3, 1, 60);
        assert_int_equal(xenvif_rx_n_waiting(queue), 2);
        mock_rx_post(q, 3);
        xenvif_rx_poll(queue);
        expect(q, 2, 1, 9000);
        mock_rx_post(q, 1);
        xenvif_rx_poll(queue);
        expect(q, 3, 1, 60);
    }
    assert_int_equal(mock_rx_verdicts(q, XENVIF_RX_E_NO_SLOTS), 2 * 5);
}

/* What waits and then turns out to be impossible is dropped without holding
 * up the rest. */
static void
test_unfit_while_waiting(void **state)
{
    struct mock *mock = *state;
    struct mock_queue *q = &mock->queues[0];

    send_burst(q, 0, 3, 1514);
    send_burst(q, 3, 3, 60);
    atomic_store(&mock->terms.max_frame, 1000);
    mock_rx_post(q, 10);
    xenvif_rx_poll(mock_backend(q));
    expect(q, 3, 3, 60);
    assert_int_equal(xenvif_rx_n_waiting(mock_backend(q)), 0);
    assert_int_equal(mock_rx_verdicts(q, XENVIF_RX_E_MTU), 3);
}

/* Checksums that are completed here are counted once, however long the packet
 * has to wait. */
static void
test_csum_counted_once(void **state)
{
    struct mock *mock = *state;
    struct mock_queue *q = &mock->queues[0];
    const struct frame_spec spec = {
        .v6 = true, .proto = FRAME_UDP, .payload = 100,
    };
    struct frame *f = xmalloc(sizeof *f);
    struct mock_rx_packet *p = xmalloc(sizeof *p);
    struct dp_packet *packet;

    frame_make(f, &spec);
    packet = mock_packet(f->data, f->len);
    frame_put16((uint8_t *) dp_packet_data(packet) + frame_csum_ofs(f), 77);
    xenvif_packet_set_l4_partial(packet, true, false, 54, 6);
    mock_rx_burst(q, &packet, 1);
    dp_packet_delete(packet);
    for (unsigned int i = 0; i < 5; i++) {
        xenvif_rx_poll(mock_backend(q));
    }
    mock_rx_post(q, 1);
    xenvif_rx_poll(mock_backend(q));
    assert_true(mock_rx_take(q, p));
    assert_int_equal(p->info.len, f->len);
    assert_memory_equal(p->data, f->data, f->len);
    assert_int_equal(p->info.flags, NETRXF_data_validated);
    assert_int_equal(mock_rx_count(q, csum_completed), 1);
    free(f);
    free(p);
}

/* The connection ends with packets in the queue, which go, too: a leak checker
 * would tell. */
static void
test_disconnect(void **state)
{
    struct mock *mock = *state;
    struct mock_queue *q = &mock->queues[0];

    send_burst(q, 0, 20, 1514);
    mock_reconnect(mock, 0);
    assert_int_equal(xenvif_rx_n_waiting(mock_backend(q)), 0);
    mock_rx_post(q, 3);
    xenvif_rx_poll(mock_backend(q));
    expect(q, 0, 0, 60);
    send_burst(q, 50, 3, 60);
    expect(q, 50, 3, 60);
}

#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, setup, mock_teardown)

static int
run(const char *name)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_case_82_bounds),
        cmocka_unit_test(test_sums),
        cmocka_unit_test(test_small_packets),
        cmocka_unit_test(test_sums_of_threads),
        cmocka_unit_test(test_age),
        cmocka_unit_test(test_copies),
        TEST(test_waits_for_room),
        TEST(test_keeps_order),
        TEST(test_random),
        TEST(test_case_82_never_posts),
        TEST(test_never_posts_enough),
        TEST(test_pauses),
        TEST(test_unfit_while_waiting),
        TEST(test_csum_counted_once),
        TEST(test_disconnect),
    };

    return cmocka_run_group_tests_name(name, tests, NULL, NULL);
}

int
main(void)
{
    return mock_main(run);
}
