/* SPDX-License-Identifier: Apache-2.0 */

/* Component test: events of guests that bring work, and of others. */

#include <config.h>

#include "mock-frontend.h"

#include <poll.h>
#include <xenevtchn.h>

#include "openvswitch/poll-loop.h"
#include "timeval.h"
#include "util.h"
#include "ring/xenvif-ctrl-ring.h"
#include "xen/xenvif-event.h"

/* More than a guest may send at once without a request. */
#define MANY 5000

static atomic_uint64_t n_held;

static uint64_t
held(void)
{
    uint64_t n;

    atomic_read_relaxed(&n_held, &n);
    return n;
}

/* Returns the queue's end of the events, with the held ones counted. */
static struct xenvif_event *
event_of(struct mock_queue *q)
{
    struct xenvif_event *event = &mock_backend(q)->event;

    atomic_store_relaxed(&n_held, 0);
    event->n_held = &n_held;
    return event;
}

static bool
is_readable(const struct xenvif_event *event)
{
    struct pollfd pfd = { .fd = event->fd, .events = POLLIN };

    return poll(&pfd, 1, 0) == 1;
}

/* The guest kicks without having anything to say.  Returns how often we had to
 * look. */
static unsigned int
storm(struct mock_queue *q, struct xenvif_event *event, uint32_t port,
      unsigned int n_kicks, uint32_t progress)
{
    unsigned int n = 0;

    for (unsigned int i = 0; i < n_kicks; i++) {
        assert_int_equal(xenevtchn_notify(q->mock->xce, port), 0);
        if (is_readable(event)) {
            assert_true(xenvif_event_drain(event, progress) > 0);
            n++;
        }
    }
    return n;
}

/* Sleeps as a thread of the provider does until 'n' events were there.
 * Returns how often it was woken up. */
static unsigned int
sleep_for_events(struct xenvif_event *event, uint32_t progress, unsigned int n)
{
    unsigned int n_turns = 0;

    for (unsigned int i = 0; i < n; n_turns++) {
        xenvif_event_wait(event);
        poll_block();
        i += xenvif_event_drain(event, progress);
    }
    return n_turns;
}

static void
test_storm(void **state)
{
    struct mock_queue *q = mock_queue_of(state);
    struct xenvif_event *event = event_of(q);
    long long int start = time_msec();
    unsigned int n = storm(q, event, q->tx_port, MANY, 0);
    long long int ms = time_msec() - start;

    /* So many at once, and then some as time goes by. */
    assert_in_range(n, 1000, 1100 + ms / 20);
    assert_true(held() > 0);
    assert_false(is_readable(event));

    /* What came last gets through by itself, and without many turns. */
    assert_in_range(sleep_for_events(event, 0, 1), 1, 4);
    assert_true(storm(q, event, q->tx_port, MANY, 0) < MANY / 10);
}

/* The same guest gets work done as before, only later. */
static void
test_work_after_storm(void **state)
{
    struct mock_queue *q = mock_queue_of(state);
    struct xenvif_event *event = event_of(q);
    uint32_t progress = 0;

    storm(q, event, q->tx_port, MANY, 0);
    for (unsigned int i = 0; i < MANY; i++) {
        assert_int_equal(xenevtchn_notify(q->mock->xce, q->tx_port), 0);
        if (i < 2) {
            sleep_for_events(event, progress, 1);
        } else if (!xenvif_event_drain(event, progress)) {
            fail_msg("event %u did not come", i);
        }
        progress += 2;
    }
}

/* Whoever has something to say can say it as often as he likes. */
static void
test_honest(void **state)
{
    struct mock_queue *q = mock_queue_of(state);
    struct xenvif_event *event = event_of(q);

    xenvif_event_drain(event, -1000);
    for (uint32_t i = 0; i < MANY; i++) {
        assert_int_equal(xenevtchn_notify(q->mock->xce, q->tx_port), 0);
        assert_int_equal(xenvif_event_drain(event, i - 1000), 1);
    }
    assert_int_equal(held(), 0);
}

/* Full rings that are answered only in the end, as those of a guest that has
 * reached its rate. */
static void
test_late_answers(void **state)
{
    struct mock_queue *q = mock_queue_of(state);
    struct xenvif_event *event = event_of(q);

    for (uint32_t i = 0; i < 20; i++) {
        assert_int_equal(storm(q, event, q->tx_port, 512, 512 * i), 512);
    }
    assert_int_equal(held(), 0);
}

/* Two channels of one queue share what there is, and both come back. */
static void
test_split(void **state OVS_UNUSED)
{
    struct mock *mock = mock_create(1, true, 0);
    struct mock_queue *q = &mock->queues[0];
    struct xenvif_event *event;

    mock_connect(mock);
    event = event_of(q);
    storm(q, event, q->tx_port, MANY, 0);
    storm(q, event, q->rx_port, MANY, 0);
    assert_true(event->tx_masked && event->rx_masked);
    sleep_for_events(event, 0, 2);
    mock_destroy(mock);
}

/* A guest that spins on its control ring has as many events as messages. */
static void
test_control_ring(void **state)
{
    struct mock *mock = *state;
    struct xenvif_event *event = &mock->conn->ctrl->event;

    atomic_store_relaxed(&n_held, 0);
    event->n_held = &n_held;
    for (unsigned int i = 0; i < MANY; i++) {
        mock_ctrl_call(mock, XEN_NETIF_CTRL_TYPE_GET_HASH_MAPPING_SIZE, 0, 0,
                       0, NULL);
    }
    assert_int_equal(held(), 0);
    for (unsigned int i = 0; i < MANY; i++) {
        bool more = false;

        assert_int_equal(xenevtchn_notify(mock->xce, mock->ctrl->port), 0);
        xenvif_conn_run_ctrl(mock->conn, &more);
    }
    assert_true(held() > 0);

    /* Messages are answered all the same whenever somebody looks. */
    mock_ctrl_call(mock, XEN_NETIF_CTRL_TYPE_GET_HASH_MAPPING_SIZE, 0, 0, 0,
                   NULL);
}

static int
setup_ctrl(void **state)
{
    return mock_setup_ctrl(state, 1, 0);
}

#define TEST(NAME) \
    cmocka_unit_test_setup_teardown(NAME, mock_setup, mock_teardown)

static int
run(const char *name)
{
    const struct CMUnitTest tests[] = {
        TEST(test_storm),
        TEST(test_work_after_storm),
        TEST(test_honest),
        TEST(test_late_answers),
        cmocka_unit_test(test_split),
        cmocka_unit_test_setup_teardown(test_control_ring, setup_ctrl,
                                        mock_teardown),
    };

    return cmocka_run_group_tests_name(name, tests, NULL, NULL);
}

int
main(void)
{
    return mock_main(run);
}
