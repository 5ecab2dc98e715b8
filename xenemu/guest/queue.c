/* SPDX-License-Identifier: Apache-2.0 */

/* The life of a queue: its shared pages, its event channels and the thread
 * that serves it. */

#include "guest/queue.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>
#include <xenevtchn.h>

#include "guest/clock.h"
#include "guest/gen.h"
#include "guest/grefs.h"
#include "guest/guest.h"
#include "guest/kick.h"
#include "guest/log.h"
#include "guest/pages.h"
#include "guest/rx.h"
#include "guest/tap.h"
#include "guest/tx.h"
#include "netif/check.h"
#include "netif/ring.h"
#include "xenemu.h"

/* How often a sleeping queue looks whether a wakeup was lost. */
#define TICK_NS (500 * UINT64_C(1000000))

/* How often one that gets no events looks for TX responses, if it waits for
 * them. */
#define POLL_NS UINT64_C(1000000)

static void
clear_pages(struct guest_queue *q)
{
    q->tx.shared.pfn = q->rx.shared.pfn = GUEST_NO_PAGE;
    q->tx.page = q->rx.page = NULL;
    for (unsigned int i = 0; i < NETIF_RING_SIZE; i++) {
        q->tx_page[i].pfn = q->rx_page[i].pfn = GUEST_NO_PAGE;
        q->tx_expect[i] = (struct netif_tx_slot) { .kind = NETIF_SLOT_FREE };
        q->rx_spoiled[i] = false;
    }
    q->n_tx_free = q->n_rx_free = 0;
    q->n_fixed = q->n_staged = 0;
}

struct guest_queue *
guest_queue_new(struct guest *g, unsigned int idx)
{
    struct guest_queue *q = calloc(1, sizeof *q);

    if (!q) {
        return NULL;
    }
    q->guest = g;
    q->idx = idx;
    q->tap_fd = -1;
    q->random = guest_now_ns() | 1;
    q->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    pthread_mutex_init(&q->mutex, NULL);
    clear_pages(q);
    return q;
}

static bool
share_ring(struct guest_queue *q, struct guest_ring *r)
{
    struct guest *g = q->guest;
    uint32_t pfn = xenemu_dom_alloc_page(g->dom);
    uint32_t start = g->cfg.start_index;

    if (pfn == GUEST_NO_PAGE) {
        return false;
    }
    r->page = xenemu_dom_page(g->dom, pfn);
    netif_ring_init(r->page, start);
    r->prod = r->pushed = r->cons = start;
    r->active = true;
    r->event = start + 1;
    r->unseen_since = 0;
    if (!guest_page_grant(g, &r->shared, pfn, false)) {
        r->page = NULL;
        xenemu_dom_free_page(g->dom, pfn);
        return false;
    }
    return true;
}

static bool
fill_free_lists(struct guest_queue *q)
{
    struct xenemu_dom *dom = q->guest->dom;

    while (q->n_tx_free < NETIF_RING_SIZE) {
        uint32_t pfn = xenemu_dom_alloc_page(dom);

        if (pfn == GUEST_NO_PAGE) {
            return false;
        }
        q->tx_free[q->n_tx_free++] = pfn;
    }
    while (q->n_rx_free < NETIF_RING_SIZE) {
        uint32_t pfn = xenemu_dom_alloc_page(dom);

        if (pfn == GUEST_NO_PAGE) {
            return false;
        }
        q->rx_free[q->n_rx_free++] = pfn;
    }
    return true;
}

static int
open_ports(struct guest_queue *q, bool split)
{
    struct guest *g = q->guest;

    q->xce = xenevtchn_open(NULL, 0);
    if (!q->xce) {
        return -errno;
    }
    q->tx.port = xenevtchn_bind_unbound_port(q->xce, g->backend_id);
    q->rx.port = q->tx.port;
    if (q->tx.port >= 0 && split) {
        q->rx.port = xenevtchn_bind_unbound_port(q->xce, g->backend_id);
    }
    return q->tx.port < 0 || q->rx.port < 0 ? -errno : 0;
}

int
guest_queue_share(struct guest_queue *q, bool split)
{
    int error;

    pthread_mutex_lock(&q->mutex);
    clear_pages(q);
    q->tx_next_id = 0;
    q->tx_stopped = q->mcast_sent = false;
    q->disturbed = false;
    q->rx_salt = 0x4000 + 0x111 * q->idx;
    error = open_ports(q, split);
    if (!error && (!share_ring(q, &q->tx) || !share_ring(q, &q->rx)
                   || !fill_free_lists(q)
                   || (q->guest->fixed && !guest_grefs_fix(q)))) {
        error = -ENOMEM;
    }
    if (!error) {
        guest_rx_refill(q);
    }
    pthread_mutex_unlock(&q->mutex);
    return error;
}

static void
close_ports(struct guest_queue *q)
{
    if (!q->xce) {
        return;
    }
    if (q->tx.port >= 0) {
        xenevtchn_unbind(q->xce, q->tx.port);
    }
    if (q->rx.port >= 0 && q->rx.port != q->tx.port) {
        xenevtchn_unbind(q->xce, q->rx.port);
    }
    xenevtchn_close(q->xce);
    q->xce = NULL;
}

void
guest_queue_unshare(struct guest_queue *q, bool strict)
{
    struct guest *g = q->guest;

    pthread_mutex_lock(&q->mutex);
    close_ports(q);
    guest_page_drop(g, &q->tx.shared, strict);
    guest_page_drop(g, &q->rx.shared, strict);
    for (unsigned int i = 0; i < NETIF_RING_SIZE; i++) {
        guest_page_drop(g, &q->tx_page[i], strict);
        guest_page_drop(g, &q->rx_page[i], strict);
    }
    while (q->n_tx_free) {
        guest_page_free(g, q->tx_free[--q->n_tx_free], strict);
    }
    while (q->n_rx_free) {
        guest_page_free(g, q->rx_free[--q->n_rx_free], strict);
    }
    clear_pages(q);
    pthread_mutex_unlock(&q->mutex);
}

/* Does what there is to do now.  Returns true if there may be more.  Sets
 * '*wake_ns' to when there will be more without any event. */
static bool
run_once(struct guest_queue *q, uint64_t *wake_ns)
{
    struct guest *g = q->guest;
    bool busy = false;

    if (__atomic_load_n(&g->raw, __ATOMIC_ACQUIRE) || q->disturbed) {
        return false;
    }
    if (q->tx.active) {
        busy |= guest_tx_gc(q);
    }
    if (q->rx.active) {
        busy |= guest_rx_poll(q);
    }
    if (__atomic_load_n(&g->may_send, __ATOMIC_ACQUIRE)) {
        busy |= guest_tap_poll(q);
        busy |= guest_gen_poll(q, wake_ns);
    }
    guest_tx_flush(q);
    return busy;
}

/* Takes one event from the event channel. */
static void
take_event(struct guest_queue *q)
{
    int port = xenevtchn_pending(q->xce);

    if (port < 0) {
        return;
    }
    xenevtchn_unmask(q->xce, port);
    GUEST_COUNT(q, events, 1);
    if (port == q->tx.port) {
        q->tx.active = true;
    }
    if (port == q->rx.port) {
        q->rx.active = true;
    }
}

/* A ring that sleeps has asked for an event for the next response.  If that
 * response is there for long and no event came, a real guest would hang. */
static void
check_wakeup(struct guest_queue *q, struct guest_ring *r, const char *name)
{
    struct guest *g = q->guest;
    uint64_t now;

    if (r->active || q->disturbed
        || (int32_t) (netif_ring_load(r->page, NETIF_RSP_PROD)
                      - r->event) < 0) {
        r->unseen_since = 0;
        return;
    }
    now = guest_now_ms();
    if (!r->unseen_since) {
        r->unseen_since = now;
    } else if (now - r->unseen_since > g->cfg.wakeup * UINT64_C(1000)) {
        guest_violation(g, q, "event.lost", "%s responses without an event "
                        "for %u s", name, g->cfg.wakeup);
        r->active = true;
    }
}

/* Returns how long queue 'q' may sleep, in ns, if nothing happens until
 * 'wake_ns'. */
static uint64_t
get_delay(const struct guest_queue *q, uint64_t wake_ns)
{
    uint64_t now = wake_ns == UINT64_MAX ? 0 : guest_now_ns();
    uint64_t delay = wake_ns > now ? wake_ns - now : 0;

    if (q->tx_stopped && q->guest->cfg.habits.tx_poll && delay > POLL_NS) {
        return POLL_NS;         /* As if it tried to send. */
    }
    return delay < TICK_NS ? delay : TICK_NS;
}

/* Sleeps until there is something to do.  Only looks for it if 'busy'. */
static void
wait_for_work(struct guest_queue *q, bool busy, uint64_t wake_ns)
{
    struct guest *g = q->guest;
    bool raw = __atomic_load_n(&g->raw, __ATOMIC_ACQUIRE);
    bool want_tap = (!raw && !q->tx_stopped && q->tap_fd >= 0
                     && __atomic_load_n(&g->may_send, __ATOMIC_ACQUIRE));
    struct pollfd fds[3] = {
        { .fd = xenevtchn_fd(q->xce), .events = POLLIN },
        { .fd = q->wake_fd, .events = POLLIN },
        { .fd = want_tap ? q->tap_fd : -1, .events = POLLIN },
    };
    struct timespec ts = { 0, 0 };
    uint64_t value;
    int n;

    if (!busy && !g->cfg.spin) {
        ts.tv_nsec = get_delay(q, wake_ns);
    }
    n = ppoll(fds, 3, &ts, NULL);

    pthread_mutex_lock(&q->mutex);
    if (n > 0 && fds[0].revents) {
        take_event(q);
    }
    if (g->cfg.spin || (n > 0 && fds[1].revents)) {
        if (n > 0 && read(q->wake_fd, &value, sizeof value) < 0) {
            /* Nothing was in it: this is only to empty it. */
        }
        q->tx.active = q->rx.active = true;
    }
    q->tap_ready |= n > 0 && fds[2].revents;
    if (!n && ts.tv_nsec && g->cfg.wakeup && !raw) {
        if (!__atomic_load_n(&g->held, __ATOMIC_ACQUIRE)) {
            check_wakeup(q, &q->tx, "TX");
        }
        check_wakeup(q, &q->rx, "RX");
    }
    pthread_mutex_unlock(&q->mutex);
}

static void *
queue_main(void *q_)
{
    struct guest_queue *q = q_;

    while (!__atomic_load_n(&q->stop, __ATOMIC_ACQUIRE)) {
        uint64_t wake_ns = UINT64_MAX;
        bool busy;

        pthread_mutex_lock(&q->mutex);
        busy = run_once(q, &wake_ns);
        pthread_mutex_unlock(&q->mutex);
        wait_for_work(q, busy, wake_ns);
    }
    return NULL;
}

int
guest_queue_start(struct guest_queue *q)
{
    q->stop = false;
    return -pthread_create(&q->thread, NULL, queue_main, q);
}

void
guest_queue_stop(struct guest_queue *q)
{
    __atomic_store_n(&q->stop, true, __ATOMIC_RELEASE);
    guest_queue_wake(q);
    pthread_join(q->thread, NULL);
}
