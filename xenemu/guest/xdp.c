/* SPDX-License-Identifier: Apache-2.0 */

/* The free space that a guest with an XDP program wants in front of received
 * frames, and its change while connected, in Linux's way: state 7 first, then
 * the key, and state 4 when the backend is in state 8. */

#include "guest/xdp.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "guest/clock.h"
#include "guest/guest.h"
#include "guest/keys.h"
#include "guest/log.h"
#include "guest/orders.h"

/* How long packets may be on their way after a change, in ms. */
#define GRACE_MS 1000

enum xdp_step {
    XDP_IDLE,
    XDP_ASKED,                  /* F is 7: waits for the backend's 8. */
    XDP_RETURNED                /* F is 4 again: waits for the backend's 4. */
};

struct guest_xdp {
    enum xdp_step step;         /* Main thread only, like 'deadline'. */
    uint64_t deadline;          /* ms. */

    pthread_mutex_t mutex;      /* Protects what follows. */
    uint16_t now, before;
    uint64_t until;             /* ms: end of 'before', UINT64_MAX: open. */
};

int
guest_xdp_open(struct guest *g)
{
    g->xdp = calloc(1, sizeof *g->xdp);
    if (!g->xdp) {
        return -ENOMEM;
    }
    pthread_mutex_init(&g->xdp->mutex, NULL);
    return 0;
}

static void
set_headroom(struct guest_xdp *xdp, uint16_t now, uint16_t before,
             uint64_t until)
{
    pthread_mutex_lock(&xdp->mutex);
    xdp->now = now;
    xdp->before = before;
    xdp->until = until;
    pthread_mutex_unlock(&xdp->mutex);
}

static void
finish(struct guest *g)
{
    g->xdp->step = XDP_IDLE;
    pthread_mutex_lock(&g->mutex);
    g->xdp_busy = false;
    pthread_cond_broadcast(&g->cond);
    pthread_mutex_unlock(&g->mutex);
}

void
guest_xdp_reset(struct guest *g)
{
    uint16_t headroom = g->offer.headroom ? g->cfg.headroom : 0;

    set_headroom(g->xdp, headroom, headroom, 0);
    finish(g);
}

unsigned int
guest_xdp_headrooms(struct guest *g, uint16_t headrooms[2])
{
    struct guest_xdp *xdp = g->xdp;
    unsigned int n = 1;

    pthread_mutex_lock(&xdp->mutex);
    headrooms[0] = xdp->now;
    if (xdp->now != xdp->before
        && (xdp->until == UINT64_MAX || guest_now_ms() < xdp->until)) {
        headrooms[n++] = xdp->before;
    }
    pthread_mutex_unlock(&xdp->mutex);
    return n;
}

bool
guest_xdp_start(struct guest *g)
{
    struct guest_xdp *xdp = g->xdp;

    if (xdp->step != XDP_IDLE || !g->offer.headroom || !g->up) {
        finish(g);
        return false;
    }
    g->cfg.headroom = g->xdp_wanted;
    set_headroom(xdp, g->cfg.headroom, xdp->now, UINT64_MAX);
    xdp->step = XDP_ASKED;
    xdp->deadline = guest_now_ms() + g->cfg.timeout * UINT64_C(1000);
    guest_keys_set_state(g, 7);
    guest_keys_put(g, "xdp-headroom", g->cfg.headroom);
    return true;
}

void
guest_xdp_step(struct guest *g, unsigned int be)
{
    struct guest_xdp *xdp = g->xdp;

    if (xdp->step == XDP_ASKED && be == 8) {
        xdp->step = XDP_RETURNED;
        guest_keys_set_state(g, 4);
    } else if (xdp->step == XDP_RETURNED && be == 4) {
        set_headroom(xdp, xdp->now, xdp->before, guest_now_ms() + GRACE_MS);
        finish(g);
    } else if (xdp->step != XDP_IDLE && guest_now_ms() > xdp->deadline) {
        finish(g);
        guest_violation(g, NULL, "bus.reconfigure", "backend is in state %u, "
                        "frontend waits in state %u", be, g->frontend_state);
    }
}

char *
guest_xdp_change(struct guest *g, uint32_t headroom)
{
    struct timespec deadline;
    bool done;
    int rc = 0;

    pthread_mutex_lock(&g->mutex);
    g->xdp_wanted = headroom;
    g->xdp_busy = true;
    pthread_mutex_unlock(&g->mutex);
    guest_bus_command(g, "xdp");

    clock_gettime(CLOCK_MONOTONIC, &deadline);
    deadline.tv_sec += g->cfg.timeout + 1;
    pthread_mutex_lock(&g->mutex);
    while (g->xdp_busy && !rc) {
        rc = pthread_cond_timedwait(&g->cond, &g->mutex, &deadline);
    }
    done = !g->xdp_busy && !g->failed;
    pthread_mutex_unlock(&g->mutex);
    return done ? NULL : strdup("not done: not connected, or not offered");
}
