/* SPDX-License-Identifier: Apache-2.0 */

/* Component test: a guest that does something else with the shared memory at
 * the same time.  The numbers in the names are those of the list of cases in
 * the project's test plan. */

#include <config.h>

#include "mock-frontend.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <xenevtchn.h>

#include "ovs-atomic.h"
#include "timeval.h"
#include "util.h"
#include "ring/xenvif-rx.h"
#include "ring/xenvif-tx.h"

/* How long a test with threads runs, in ms. */
#define DURATION 700

static uint8_t frame[MOCK_FRAME_MAX];

static bool
is_set(atomic_bool *flag)
{
    bool value;

    atomic_read(flag, &value);
    return value;
}

/* A few pages with permanent grants, for traffic that nobody keeps books on.
 */
enum { POOL = 16 };

struct pool {
    struct xenemu_dom *dom;
    uint32_t grefs[POOL];
    uint8_t *pages[POOL];
};

static void
pool_create(struct pool *pool, struct xenemu_dom *dom, bool readonly)
{
    pool->dom = dom;
    for (unsigned int i = 0; i < POOL; i++) {
        uint32_t pfn = xenemu_dom_alloc_page(dom);
        int32_t gref = xenemu_grant(dom, 0, pfn, readonly);

        assert_true(gref > 0);
        pool->grefs[i] = gref;
        pool->pages[i] = xenemu_dom_page(dom, pfn);
        memset(pool->pages[i], i, NETIF_PAGE_SIZE);
    }
}

static void
pool_destroy(struct pool *pool)
{
    for (unsigned int i = 0; i < POOL; i++) {
        assert_int_equal(xenemu_ungrant(pool->dom, pool->grefs[i]), 0);
    }
}

/* Honest traffic in both directions, after whatever happened. */
static void
check_recovered(struct mock *mock)
{
    struct mock_queue *q = &mock->queues[0];

    mock_reconnect(mock, 0);
    latch_poll(&mock->latch);
    for (unsigned int i = 0; i < 50; i++) {
        mock_fill_frame(frame, 9000);
        mock_tx_through(q, frame, 9000, NULL, 0);
        mock_rx_post(q, 3);
        mock_rx_through(q, frame, 9000, 3);
    }
}

/* Case 72: bytes of the ring pages change at random while bursts run. */

struct flipper {
    void *rings[2];
    unsigned int one_in;        /* A flip in this many is in the indexes. */
    atomic_bool stop;
    pthread_mutex_t mutex;      /* Held while flipping. */
    atomic_count n_flips;
};

static void *
flipper_main(void *f_)
{
    struct flipper *f = f_;
    uint32_t state = 12345;

    while (!is_set(&f->stop)) {
        pthread_mutex_lock(&f->mutex);
        for (unsigned int i = 0; i < 32; i++) {
            uint32_t *ring = f->rings[i % 2];
            unsigned int word;

            state = state * 1664525 + 1013904223;
            word = (state >> 8) % f->one_in ? 16 + (state >> 10) % 768
                                            : (state >> 20) % 4;
            __atomic_fetch_xor(&ring[word], 1u << (state >> 27),
                               __ATOMIC_RELAXED);
            atomic_count_inc(&f->n_flips);
        }
        pthread_mutex_unlock(&f->mutex);
        sched_yield();
    }
    return NULL;
}

/* Writes requests into the rings as an honest guest would, whatever is in them
 * at the moment, and lets a burst run in each direction, every other time only
 * after some flips: the two threads may have to share a CPU. */
static void
drive(struct mock_queue *q, const struct pool *tx, const struct pool *rx,
      struct dp_packet *packet, struct flipper *f)
{
    unsigned int n_flips = atomic_count_get(&f->n_flips);

    uint32_t tx_prod = netif_ring_load(q->tx_page, NETIF_RSP_PROD);
    uint32_t rx_prod = netif_ring_load(q->rx_page, NETIF_RSP_PROD);
    struct dp_packet *packets[2] = { packet, packet };
    unsigned int n = 1 + mock_random_range(60);
    struct dp_packet_batch batch;

    for (unsigned int i = 0; i < n; i++) {
        struct netif_tx_request tx_req = {
            .gref = tx->grefs[i % POOL], .id = i, .size = i % 3 ? 100 : 300,
            .flags = i % 3 || i + 1 >= n ? 0 : NETTXF_more_data,
        };
        struct netif_rx_request rx_req = {
            .gref = rx->grefs[i % POOL], .id = i,
        };

        netif_tx_put(q->tx_page, tx_prod++, &tx_req);
        netif_rx_put(q->rx_page, rx_prod++, &rx_req);
    }
    netif_ring_store(q->tx_page, NETIF_REQ_PROD, tx_prod);
    netif_ring_store(q->rx_page, NETIF_REQ_PROD, rx_prod);
    while (n % 2 && atomic_count_get(&f->n_flips) == n_flips) {
        sched_yield();
    }

    dp_packet_batch_init(&batch);
    xenvif_tx_burst(mock_backend(q), &batch);
    assert_true(dp_packet_batch_size(&batch) <= NETDEV_MAX_BURST);
    dp_packet_delete_batch(&batch, true);
    xenvif_rx_burst(mock_backend(q), packets, 2);
    xenvif_tx_n_pending(mock_backend(q));
    xenvif_tx_arm(mock_backend(q));
    xenvif_rx_is_stalled(mock_backend(q), time_msec());
}

static void
run_flipper(struct mock *mock, unsigned int one_in)
{
    struct mock_queue *q = &mock->queues[0];
    struct flipper f = {
        .rings = { q->tx_page, q->rx_page }, .one_in = one_in,
        .mutex = PTHREAD_MUTEX_INITIALIZER,
    };
    struct dp_packet *packet = mock_packet(frame, 5000);
    long long int end = time_msec() + DURATION;
    unsigned int n_faults = 0;
    struct pool tx, rx;
    pthread_t thread;

    pool_create(&tx, mock->dom, true);
    pool_create(&rx, mock->dom, false);
    assert_int_equal(pthread_create(&thread, NULL, flipper_main, &f), 0);
    while (time_msec() < end) {
        drive(q, &tx, &rx, packet, &f);
        if (xenvif_common_fault(mock_backend(q)->common)) {
            assert_true(latch_poll(&mock->latch));
            pthread_mutex_lock(&f.mutex);
            mock_reconnect(mock, mock_random());
            pthread_mutex_unlock(&f.mutex);
            n_faults++;
        }
    }
    atomic_store(&f.stop, true);
    pthread_join(thread, NULL);
    mock_disconnect(mock);
    pool_destroy(&tx);
    pool_destroy(&rx);
    dp_packet_delete(packet);

    /* It was a test of something. */
    assert_true(atomic_count_get(&f.n_flips) > 100);
    assert_true(n_faults > 0);
    assert_true(mock_tx_verdicts(q, XENVIF_TX_GOOD) > 0);
    assert_true(mock_rx_verdicts(q, XENVIF_RX_GOOD) > 0);
    check_recovered(mock);
}

static void
test_case_72_flipped_slots(void **state)
{
    run_flipper(*state, 100000);
}

static void
test_case_72_flipped_indexes(void **state)
{
    run_flipper(*state, 5);
}

/* Rings that hold nothing but noise from the beginning. */
static void
test_case_72_noise(void **state)
{
    struct mock *mock = *state;
    struct mock_queue *q = &mock->queues[0];
    struct dp_packet *packet = mock_packet(frame, 5000);
    unsigned int n_verdicts = 0;

    for (unsigned int round = 0; round < 3000; round++) {
        struct dp_packet_batch batch;
        uint32_t *ring = q->tx_page;

        mock_reconnect(mock, round);
        for (unsigned int i = 16; i < 1024; i++) {
            /* Noise of which parts are plausible. */
            ring[i] = mock_random() & (round % 2 ? 0xff0f010f : UINT32_MAX);
        }
        netif_ring_store(ring, NETIF_REQ_PROD, round + 256);
        for (unsigned int i = 0; i < 20; i++) {
            dp_packet_batch_init(&batch);
            xenvif_tx_burst(mock_backend(q), &batch);
            dp_packet_delete_batch(&batch, true);
        }
        for (unsigned int i = 0; i < 8; i++) {
            mock_rx_post_gref(q, mock_random() >> (round % 32));
        }
        xenvif_rx_burst(mock_backend(q), &packet, 1);
        latch_poll(&mock->latch);
    }
    for (unsigned int i = 0; i < XENVIF_TX_N_VERDICTS; i++) {
        n_verdicts += mock_tx_verdicts(q, i) > 0;
    }
    assert_true(n_verdicts >= 5);
    dp_packet_delete(packet);
    check_recovered(mock);
}

/* Case 79: grants are revoked while copies from them run. */

struct revoker {
    struct pool *pool;
    atomic_bool go;
    atomic_bool done;
};

static void *
revoker_main(void *r_)
{
    struct revoker *r = r_;

    while (!is_set(&r->go)) {
        sched_yield();
    }
    for (unsigned int i = 0; i < POOL; i++) {
        xenemu_revoke(r->pool->dom, r->pool->grefs[i]);
        sched_yield();
    }
    atomic_store(&r->done, true);
    return NULL;
}

static void
put_pool(struct mock_queue *q, const struct pool *pool)
{
    for (unsigned int i = 0; i < POOL; i++) {
        mock_tx_request(q, pool->grefs[i], 0, 4096, 0);
        mock_tx_end(q);
    }
    mock_tx_push(q);
}

static void
test_case_79_revoked_meanwhile(void **state)
{
    struct mock *mock = *state;
    struct mock_queue *q = &mock->queues[0];

    for (unsigned int round = 0; round < 50; round++) {
        struct dp_packet_batch batch;
        struct dp_packet *packet;
        struct revoker r = { .pool = NULL };
        struct pool pool;
        pthread_t thread;
        bool last;
        unsigned int n;

        pool_create(&pool, mock->dom, true);
        r.pool = &pool;
        assert_int_equal(pthread_create(&thread, NULL, revoker_main, &r), 0);
        do {
            last = is_set(&r.done);
            put_pool(q, &pool);
            atomic_store(&r.go, true);
            n = mock_tx_burst(q, &batch);
            DP_PACKET_BATCH_FOR_EACH (i, packet, &batch) {
                const uint8_t *data = dp_packet_data(packet);

                assert_int_equal(dp_packet_size(packet), 4096);
                assert_memory_equal(data, pool.pages[data[0]], 4096);
            }
            dp_packet_delete_batch(&batch, true);
            assert_int_equal(mock_tx_reap(q), POOL);
        } while (!last);
        assert_int_equal(n, 0);
        pthread_join(thread, NULL);
        pool_destroy(&pool);
    }
    assert_int_equal(mock_tx_verdicts(q, XENVIF_TX_GOOD)
                     + mock_tx_verdicts(q, XENVIF_TX_E_GRANT),
                     mock_tx_count(q, slots));
}

/* Case 43: polling and sleeping in turns, while the guest sends at random
 * moments and kicks only when it is asked to. */

enum { WAKEUPS = 20000 };

struct kicker {
    struct mock_queue *q;
    uint32_t gref;
    unsigned int n_kicks;
    atomic_bool stop;
};

static void *
kicker_main(void *k_)
{
    struct kicker *k = k_;
    struct mock_queue *q = k->q;
    uint32_t prod = 0, state = 1;

    while (prod < WAKEUPS && !is_set(&k->stop)) {
        struct netif_tx_request req = {
            .gref = k->gref, .id = prod, .size = 60,
        };

        state = state * 1664525 + 1013904223;
        for (unsigned int i = state >> 22; i; i--) {
            atomic_thread_fence(memory_order_seq_cst);
        }
        if (prod - netif_ring_load(q->tx_page, NETIF_RSP_PROD)
            == NETIF_RING_SIZE) {
            sched_yield();
            continue;
        }
        netif_tx_put(q->tx_page, prod, &req);
        prod++;
        if (netif_ring_push(q->tx_page, prod - 1, prod)) {
            xenevtchn_notify(q->mock->xce, q->tx_port);
            k->n_kicks++;
        }
    }
    return NULL;
}

static void
test_case_43_no_lost_wakeup(void **state)
{
    struct mock *mock = *state;
    struct mock_queue *q = &mock->queues[0];
    struct xenvif_queue *queue = mock_backend(q);
    unsigned int n = 0, n_sleeps = 0, n_lost = 0;
    struct kicker k = { .q = q };
    struct pool pool;
    pthread_t thread;

    pool_create(&pool, mock->dom, true);
    k.gref = pool.grefs[0];
    assert_int_equal(pthread_create(&thread, NULL, kicker_main, &k), 0);
    while (n < WAKEUPS && n_lost < 3) {
        struct dp_packet_batch batch;

        dp_packet_batch_init(&batch);
        if (!xenvif_tx_burst(queue, &batch)) {
            n += dp_packet_batch_size(&batch);
            dp_packet_delete_batch(&batch, true);
            continue;
        }
        xenvif_event_drain(&queue->event, queue->tx.req_cons);
        if (!xenvif_tx_arm(queue)) {
            struct pollfd pfd = { .fd = queue->event.fd, .events = POLLIN };

            n_sleeps++;
            n_lost += poll(&pfd, 1, 2000) == 0;
        }
    }
    atomic_store(&k.stop, true);
    pthread_join(thread, NULL);
    pool_destroy(&pool);
    assert_int_equal(n_lost, 0);
    assert_int_equal(n, WAKEUPS);
    assert_true(n_sleeps > 0 && k.n_kicks > 0);
    check_recovered(mock);
}

/* Two threads poll the same queue, as happens for a moment when a port is
 * deleted and added again: each packet comes once. */

struct poller {
    struct xenvif_queue *queue;
    atomic_bool *stop;
    unsigned int n;
};

static void *
poller_main(void *p_)
{
    struct poller *p = p_;

    while (!is_set(p->stop)) {
        struct dp_packet_batch batch;

        dp_packet_batch_init(&batch);
        if (!xenvif_tx_burst(p->queue, &batch)) {
            p->n += dp_packet_batch_size(&batch);
            dp_packet_delete_batch(&batch, true);
        }
    }
    return NULL;
}

static void
test_two_pollers(void **state)
{
    struct mock *mock = *state;
    struct mock_queue *q = &mock->queues[0];
    atomic_bool stop = false;
    struct poller pollers[2];
    pthread_t threads[2];

    for (unsigned int i = 0; i < 2; i++) {
        pollers[i] = (struct poller) { mock_backend(q), &stop, 0 };
        assert_int_equal(pthread_create(&threads[i], NULL, poller_main,
                                        &pollers[i]), 0);
    }
    /* Nothing stands still here, so nobody can tell when an event is due. */
    q->silent = true;
    mock_fill_frame(frame, 60);
    for (unsigned int i = 0; i < 5000; i++) {
        while (q->tx_prod - q->tx_cons == NETIF_RING_SIZE) {
            mock_tx_reap(q);
            sched_yield();
        }
        mock_tx_frame(q, frame, 60, NULL, 0, 0);
        mock_tx_push(q);
    }
    while (q->tx_prod != q->tx_cons) {
        mock_tx_reap(q);
        sched_yield();
    }
    atomic_store(&stop, true);
    for (unsigned int i = 0; i < 2; i++) {
        pthread_join(threads[i], NULL);
    }
    assert_int_equal(pollers[0].n + pollers[1].n, 5000);
    assert_int_equal(mock_tx_count(q, packets), 5000);
}

#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, mock_setup, \
                                                   mock_teardown)
static int
run(const char *name)
{
    const struct CMUnitTest tests[] = {
        TEST(test_case_43_no_lost_wakeup),
        TEST(test_case_72_flipped_slots),
        TEST(test_case_72_flipped_indexes),
        TEST(test_case_72_noise),
        TEST(test_case_79_revoked_meanwhile),
        TEST(test_two_pollers),
    };

    return cmocka_run_group_tests_name(name, tests, NULL, NULL);
}

int
main(void)
{
    return mock_main(run);
}
