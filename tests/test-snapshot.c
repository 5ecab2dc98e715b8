/* SPDX-License-Identifier: Apache-2.0 */

/* Component test: what a thread that does not own a queue sees of it, and how
 * the one that does sleeps.  Build it with -fsanitize=thread to have test_race
 * prove more than that the numbers make sense. */

#include <config.h>

#include "mock-frontend.h"

#include <pthread.h>

#include "openvswitch/poll-loop.h"
#include "timeval.h"
#include "util.h"
#include "ring/xenvif-rx.h"
#include "ring/xenvif-tx.h"
#include "vif/xenvif-polled.h"

#define START UINT32_MAX        /* Of the rings' indexes. */

static uint8_t frame[60];

static int
setup(void **state)
{
    struct mock *mock = mock_create(1, true, START);

    mock_fill_frame(frame, sizeof frame);
    mock->terms.max_backlog = 8;
    mock_connect(mock);
    *state = mock;
    return 0;
}

static void
put(struct mock_queue *q, unsigned int n)
{
    for (unsigned int i = 0; i < n; i++) {
        mock_tx_frame(q, frame, sizeof frame, NULL, 0, 0);
    }
    mock_tx_push(q);
}

static void
take(struct mock_queue *q, unsigned int n)
{
    struct dp_packet_batch batch;

    assert_int_equal(mock_tx_burst(q, &batch), n);
    dp_packet_delete_batch(&batch, true);
    assert_int_equal(mock_tx_reap(q), n);
}

static void
assert_ring(const struct xenvif_ring_snapshot *ring, uint32_t req_prod,
            uint32_t rsp_prod)
{
    assert_int_equal(ring->req_prod, (uint32_t) (START + req_prod));
    assert_int_equal(ring->rsp_prod, (uint32_t) (START + rsp_prod));
    assert_int_equal(ring->size, NETIF_RING_SIZE);
}

static void
test_indexes(void **state)
{
    struct mock_queue *q = mock_queue_of(state);
    struct xenvif_queue_snapshot s = xenvif_queue_snapshot(mock_backend(q));
    struct dp_packet *packet = mock_packet(frame, sizeof frame);

    assert_ring(&s.tx, 0, 0);
    assert_ring(&s.rx, 0, 0);
    put(q, 3);
    mock_rx_post(q, 5);
    s = xenvif_queue_snapshot(mock_backend(q));
    assert_ring(&s.tx, 3, 0);
    assert_ring(&s.rx, 5, 0);
    take(q, 3);
    mock_rx_burst(q, &packet, 1);
    s = xenvif_queue_snapshot(mock_backend(q));
    assert_ring(&s.tx, 3, 3);
    assert_ring(&s.rx, 5, 1);
    assert_false(s.throttled);
    assert_int_equal(s.n_waiting, 0);
    assert_int_equal(s.stalled_since, 0);
    dp_packet_delete(packet);
}

/* What a guest writes over our index is not shown. */
static void
test_private_index(void **state)
{
    struct mock_queue *q = mock_queue_of(state);
    struct xenvif_queue_snapshot s;

    put(q, 1);
    take(q, 1);
    atomic_store_relaxed(&mock_backend(q)->tx.page->rsp_prod, 12345);
    s = xenvif_queue_snapshot(mock_backend(q));
    assert_ring(&s.tx, 1, 1);
    atomic_store_relaxed(&mock_backend(q)->tx.page->rsp_prod, START + 1);
}

static void
test_throttled(void **state)
{
    static const struct xenvif_credit_config rate = {
        .bytes = 60, .usec = 1000 * 1000 * 1000,
    };
    static const struct xenvif_credit_config none = { .bytes = 0 };
    struct mock *mock = *state;
    struct mock_queue *q = &mock->queues[0];
    unsigned int n = 0;

    xenvif_credit_set(&mock->terms.rate, &rate, xenvif_bucket_now());
    assert_false(xenvif_queue_snapshot(mock_backend(q)).throttled);
    put(q, 200);
    for (unsigned int i = 0; i < 100; i++) {
        struct dp_packet_batch batch;

        mock_tx_burst(q, &batch);
        dp_packet_delete_batch(&batch, true);
        n += mock_tx_reap(q);
    }
    assert_in_range(n, 1, 199);
    assert_true(xenvif_queue_snapshot(mock_backend(q)).throttled);
    xenvif_credit_set(&mock->terms.rate, &none, xenvif_bucket_now());
    assert_false(xenvif_queue_snapshot(mock_backend(q)).throttled);
    for (; n < 200; n += mock_tx_reap(q)) {
        struct dp_packet_batch batch;

        assert_true(mock_tx_burst(q, &batch));
        dp_packet_delete_batch(&batch, true);
    }
}

static void
test_waiting(void **state)
{
    struct mock_queue *q = mock_queue_of(state);
    struct dp_packet *packet = mock_packet(frame, sizeof frame);
    struct xenvif_queue_snapshot s;

    mock_rx_burst(q, &packet, 1);
    s = xenvif_queue_snapshot(mock_backend(q));
    assert_int_equal(s.n_waiting, 1);
    assert_true(s.stalled_since > 0);
    mock_rx_post(q, 1);
    xenvif_rx_poll(mock_backend(q));
    s = xenvif_queue_snapshot(mock_backend(q));
    assert_int_equal(s.n_waiting, 0);
    assert_int_equal(s.stalled_since, 0);
    dp_packet_delete(packet);
}

/* Whoever sleeps is awake at once if there is something to do already.  (A
 * sleep that is too long would be cut off by the timer of the loop, and then
 * this would go on all the same, but without events.) */
static void
test_wait(void **state)
{
    struct mock_queue *q = mock_queue_of(state);
    struct xenvif_queue *queue = mock_backend(q);
    uint64_t n;

    put(q, 1);
    xenvif_tx_wait(queue);
    poll_block();
    take(q, 1);
    assert_int_equal(q->tx_kicks, 0);

    /* Nothing to do: the guest is asked for an event. */
    xenvif_tx_wait(queue);
    n = mock_tx_count(q, events);
    put(q, 1);
    assert_int_equal(q->tx_kicks, 1);
    poll_block();
    take(q, 1);
    assert_int_equal(mock_tx_count(q, events), n);
    xenvif_tx_wait(queue);
    assert_int_equal(mock_tx_count(q, events), n + 1);
    poll_timer_wait(0);
    poll_block();

    /* After a vif error nothing touches the ring or takes events. */
    atomic_store_relaxed(&queue->common->fault, XENVIF_TX_E_RING);
    put(q, 1);
    xenvif_tx_wait(queue);
    assert_int_equal(mock_tx_count(q, events), n + 1);
    atomic_store_relaxed(&queue->common->fault, 0);
    poll_timer_wait(0);
    poll_block();
    take(q, 1);
}

/* Whether somebody polls is told after several looks at a queue. */
static void
test_polled(void **state)
{
    struct mock *mock = *state;
    struct xenvif_queue *queue = mock_backend(&mock->queues[0]);
    unsigned int n = 0;

    assert_int_equal(xenvif_polled_check(mock->conn, true), XENVIF_POLLED_ALL);
    do {
        assert_in_range(++n, 1, 100);
    } while (xenvif_polled_check(mock->conn, true) == XENVIF_POLLED_ALL);
    assert_true(n > 1);
    assert_int_equal(xenvif_polled_check(mock->conn, true), 0);

    /* One poll is enough, and so is that nobody needs to. */
    xenvif_polled_count(queue);
    assert_int_equal(xenvif_polled_check(mock->conn, true), XENVIF_POLLED_ALL);
    for (unsigned int i = 0; i < 100; i++) {
        assert_int_equal(xenvif_polled_check(mock->conn, false),
                         XENVIF_POLLED_ALL);
    }
    assert_int_equal(xenvif_polled_check(mock->conn, true), XENVIF_POLLED_ALL);
}

/* Someone who looks while packets pass. */
struct looker {
    pthread_t thread;
    const struct xenvif_queue *queue;
    atomic_bool stop;
    unsigned int n_looks, n_changes;
};

static void *
look(void *looker_)
{
    struct looker *looker = looker_;
    uint32_t last = START;
    bool stop;

    do {
        struct xenvif_queue_snapshot s
            = xenvif_queue_snapshot(looker->queue);

        atomic_read_relaxed(&looker->stop, &stop);
        looker->n_looks++;
        looker->n_changes += s.tx.rsp_prod != last;
        last = s.tx.rsp_prod;
    } while (!stop);
    return NULL;
}

static void
test_race(void **state)
{
    struct mock_queue *q = mock_queue_of(state);
    struct looker looker = { .queue = mock_backend(q) };
    struct dp_packet *packet = mock_packet(frame, sizeof frame);
    struct mock_rx_packet *received = xmalloc(sizeof *received);

    atomic_init(&looker.stop, false);
    assert_int_equal(pthread_create(&looker.thread, NULL, look, &looker), 0);
    for (unsigned int i = 0; i < 2000; i++) {
        put(q, 4);
        take(q, 4);
        mock_rx_post(q, 1);
        mock_rx_burst(q, &packet, 1);
        assert_true(mock_rx_take(q, received));
    }
    atomic_store_relaxed(&looker.stop, true);
    assert_int_equal(pthread_join(looker.thread, NULL), 0);
    assert_true(looker.n_looks > 0);
    dp_packet_delete(packet);
    free(received);
}

static int
run(const char *name)
{
#define TEST(FUNCTION) \
    cmocka_unit_test_setup_teardown(FUNCTION, setup, mock_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_indexes),
        TEST(test_private_index),
        TEST(test_throttled),
        TEST(test_waiting),
        TEST(test_wait),
        TEST(test_polled),
        TEST(test_race),
    };

    return cmocka_run_group_tests_name(name, tests, NULL, NULL);
}

int
main(void)
{
    return mock_main(run);
}
