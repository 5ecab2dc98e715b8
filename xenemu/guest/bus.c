/* SPDX-License-Identifier: Apache-2.0 */

/* The driver's life cycle: what it does in answer to the backend's state and
 * to the user's orders.  Only the main thread runs this. */

#include "guest/bus.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "guest/clock.h"
#include "guest/config.h"
#include "guest/cring.h"
#include "guest/error.h"
#include "guest/grefs.h"
#include "guest/guest.h"
#include "guest/hash.h"
#include "guest/keys.h"
#include "guest/kick.h"
#include "guest/log.h"
#include "guest/multicast.h"
#include "guest/pages.h"
#include "guest/queue.h"
#include "guest/tap.h"
#include "guest/tx.h"
#include "guest/xdp.h"
#include "netif/check.h"

/* How often a guest closes before it connects, in search of a backend that
 * answers in time: on a busy machine anybody can be late. */
#define MAX_CYCLES 30

const char *
guest_phase_name(enum guest_phase phase)
{
    switch (phase) {
    case GUEST_INIT: return "init";
    case GUEST_CONNECTED: return "connected";
    case GUEST_CLOSING: return "closing";
    case GUEST_CLOSED: return "closed";
    case GUEST_RETURNED: return "returned";
    case GUEST_DOWN: return "down";
    case GUEST_SUSPENDED: return "suspended";
    case GUEST_UNPLUGGED: return "unplugged";
    }
    return "?";
}

static void
set_phase(struct guest *g, enum guest_phase phase)
{
    pthread_mutex_lock(&g->mutex);
    g->phase = phase;
    if (phase != GUEST_CONNECTED) {
        g->up = false;
    }
    pthread_cond_broadcast(&g->cond);
    pthread_mutex_unlock(&g->mutex);
}

static enum guest_goal
get_goal(struct guest *g)
{
    enum guest_goal goal;

    pthread_mutex_lock(&g->mutex);
    goal = g->goal;
    pthread_mutex_unlock(&g->mutex);
    return goal;
}

/* Writes a state and starts waiting for the backend's answer to it. */
static void
ask_state(struct guest *g, unsigned int state)
{
    g->asked_ns = guest_now_ns();
    g->asked = state;
    g->judged = true;
    g->deadline = guest_now_ms() + g->cfg.timeout * UINT64_C(1000);
    if (state == 1) {
        g->reached_connected = false;
    } else if (state == 4) {
        g->reached_connected = true;
        g->deadline = 0;
    }
    guest_keys_set_state(g, state);
}

/* Writes state Initialising.  The backend may answer any time, since it may
 * not even be running. */
static void
ask_init(struct guest *g)
{
    ask_state(g, 1);
    g->deadline = 0;
    g->judged = false;
}

static void
note_answer(struct guest *g)
{
    if (g->asked_ns) {
        uint64_t us = (guest_now_ns() - g->asked_ns) / 1000;

        pthread_mutex_lock(&g->mutex);
        g->answer_us = us;
        g->answers_us[g->asked] = us;
        if (us > g->max_answer_us) {
            g->max_answer_us = us;
        }
        pthread_mutex_unlock(&g->mutex);
        g->asked_ns = 0;
        if (g->judged && g->cfg.habits.answer_ms
            && us > g->cfg.habits.answer_ms * UINT64_C(1000)) {
            guest_violation(g, NULL, "bus.slow", "backend took %llu us to "
                            "answer state %u", (unsigned long long) us,
                            g->asked);
        }
        if (g->judged
            && (!g->best_us[g->asked] || us < g->best_us[g->asked])) {
            g->best_us[g->asked] = us;
        }
    }
    g->deadline = 0;
}

/* Judges the step that the backend took, in the light of our own state. */
static void
check_backend_state(struct guest *g, unsigned int old, unsigned int new)
{
    struct netif_verdict v;

    if (!netif_check_state_step(old, new, &v)) {
        guest_verdict(g, NULL, &v);
    } else if (old && new == 4 && !g->reached_connected) {
        guest_violation(g, NULL, "bus.step", "backend is Connected, the "
                        "frontend was not");
    } else if (new == 8 && g->frontend_state != 7) {
        guest_violation(g, NULL, "bus.step", "backend is Reconfigured, the "
                        "frontend did not ask for it");
    } else if ((new == 5 || new == 6) && g->frontend_state == 4
               && g->online == 1 && guest_keys_frontend_state(g) == 4) {
        guest_violation(g, NULL, "bus.unasked-close", "backend went to state "
                        "%u under a connected frontend", new);
    } else if (new == 2 && g->up && g->frontend_state == 4) {
        guest_violation(g, NULL, "bus.unasked-close", "backend went back to "
                        "InitWait under a connected frontend");
    }
}

/* Reads the backend's state and judges it. */
static unsigned int
read_backend_state(struct guest *g)
{
    unsigned int old = g->backend_state;
    unsigned int new = guest_keys_backend_state(g);

    if (new != old) {
        int online = new ? guest_keys_backend_online(g) : g->online;
        bool removed = !new && !guest_keys_frontend_exists(g);

        if (!new && old && online == 1 && !removed) {
            guest_violation(g, NULL, "bus.gone", "backend directory vanished "
                            "from under an online device");
        }
        g->online = online;
        if (new) {
            check_backend_state(g, old, new);
        }
        pthread_mutex_lock(&g->mutex);
        g->backend_state = new;
        pthread_cond_broadcast(&g->cond);
        pthread_mutex_unlock(&g->mutex);
    }
    return new;
}

/* Ends the traffic.  The pages stay shared. */
static void
stop_queues(struct guest *g)
{
    __atomic_store_n(&g->may_send, false, __ATOMIC_RELEASE);
    guest_tap_carrier(g, false);
    for (unsigned int i = 0; i < g->n_queues; i++) {
        guest_queue_stop(g->queues[i]);
    }
}

static void
unshare_queues(struct guest *g, bool strict)
{
    unsigned int n = g->n_queues;

    pthread_mutex_lock(&g->mutex);
    g->n_queues = 0;
    pthread_mutex_unlock(&g->mutex);
    for (unsigned int i = 0; i < n; i++) {
        guest_queue_unshare(g->queues[i], strict);
    }
    guest_cring_unshare(g, strict);
}

static int
share_queues(struct guest *g, unsigned int n, bool split)
{
    while (g->n_allocated < n) {
        struct guest_queue *q = guest_queue_new(g, g->n_allocated);

        if (!q) {
            return -ENOMEM;
        }
        g->queues[g->n_allocated] = q;
        __atomic_store_n(&g->n_allocated, g->n_allocated + 1,
                         __ATOMIC_RELEASE);
    }
    for (unsigned int i = 0; i < n; i++) {
        int error = guest_queue_share(g->queues[i], split);

        if (error) {
            while (i != UINT32_MAX) {
                guest_queue_unshare(g->queues[i--], false);
            }
            return error;
        }
    }
    pthread_mutex_lock(&g->mutex);
    g->n_queues = n;
    pthread_mutex_unlock(&g->mutex);
    return guest_tap_attach(g, n);
}

/* Shares queues, and a control ring if both sides want one. */
static int
share_rings(struct guest *g, unsigned int n, bool split)
{
    bool persistent = g->cfg.persistent && g->offer.persistent;
    int error;

    g->fixed = persistent || (g->cfg.staging && g->offer.ctrl_ring);
    guest_hash_reset(g);
    guest_xdp_reset(g);
    guest_multicast_reset(g);
    error = share_queues(g, n, split);
    if (!error && g->cfg.ctrl_ring && g->offer.ctrl_ring) {
        error = guest_cring_share(g);
    }
    return error;
}

static void
take_next_config(struct guest *g)
{
    struct guest_config *next;

    pthread_mutex_lock(&g->mutex);
    next = g->next_cfg;
    g->next_cfg = NULL;
    pthread_mutex_unlock(&g->mutex);
    if (next) {
        guest_config_copy(&g->cfg, next);
        guest_config_free(next);
        free(next);
    }
}

/* Shares rings and writes Connected, in the order of the kind of guest. */
static int
connect_rings(struct guest *g)
{
    bool minios = g->cfg.order == GUEST_ORDER_MINIOS;
    unsigned int n;
    bool split;
    int error;

    memset(&g->offer, 0, sizeof g->offer);
    if (!minios) {
        guest_keys_check_features(g);
        guest_keys_read_offer(g);
        if (g->cfg.habits.need_ctrl && !g->offer.ctrl_ring) {
            guest_violation(g, NULL, "bus.feature", "backend has no control "
                            "ring, which this guest cannot do without");
        }
    }
    n = g->offer.max_queues_present ? g->offer.max_queues : 1;
    n = n < g->cfg.queues ? n : g->cfg.queues;
    if (g->cfg.habits.max_queues && n > g->cfg.habits.max_queues) {
        n = g->cfg.habits.max_queues;
    }
    split = g->cfg.split && g->offer.split;

    error = share_rings(g, n, split);
    if (!error) {
        if (minios) {
            g->reached_connected = true;
            g->asked_ns = guest_now_ns();
            g->asked = 4;
            g->judged = false;
        }
        error = guest_keys_connect(g, n, split, minios);
    }
    if (error) {
        unshare_queues(g, false);
        return error;
    }
    for (unsigned int i = 0; i < n; i++) {
        guest_queue_start(g->queues[i]);
    }
    if (minios) {
        pthread_mutex_lock(&g->mutex);
        g->frontend_state = 4;
        pthread_mutex_unlock(&g->mutex);
        g->deadline = 0;
    } else {
        ask_state(g, 4);
        /* Linux does not wait for the backend to be connected as well. */
        __atomic_store_n(&g->may_send, true, __ATOMIC_RELEASE);
    }
    guest_tap_carrier(g, true);
    return 0;
}

/* The step_*() functions below do what there is to do in one phase, given
 * the backend's state 'be', and return true if the phase changed. */

static bool
start_close(struct guest *g)
{
    __atomic_store_n(&g->may_send, false, __ATOMIC_RELEASE);
    set_phase(g, GUEST_CLOSING);
    if (g->cfg.habits.rewrite) {
        guest_keys_remove_features(g);
    }
    ask_state(g, 5);
    return true;
}

uint64_t
guest_bus_best_close(const struct guest *g)
{
    uint64_t us = g->best_us[1];

    us = us > g->best_us[5] ? us : g->best_us[5];
    return us > g->best_us[6] ? us : g->best_us[6];
}

/* Windows closes before it connects: whoever drove the device before may have
 * left it in any state.  It spins at a high priority until the backend answers
 * each step, so that a backend that takes long every time is not one to
 * connect to.  Returns true if it is to close (again). */
static bool
wants_cycle(struct guest *g)
{
    uint64_t limit_us = g->cfg.habits.cycle_ms * UINT64_C(1000);

    if (!g->cfg.habits.close_first) {
        return false;
    }
    if (!g->cycles) {
        memset(g->best_us, 0, sizeof g->best_us);
    } else if (!limit_us || guest_bus_best_close(g) <= limit_us) {
        return false;
    } else if (g->cycles >= MAX_CYCLES) {
        guest_violation(g, NULL, "bus.slow-close", "the backend took %llu us "
                        "or more to answer a step of %u closes",
                        (unsigned long long) guest_bus_best_close(g),
                        g->cycles);
        return false;
    }
    g->cycles++;
    return true;
}

static bool
step_init(struct guest *g, unsigned int be)
{
    enum guest_goal goal = get_goal(g);
    int error;

    if (goal != GUEST_GOAL_UP && goal != GUEST_GOAL_RELOAD) {
        if (be < 2 || be == 6) {
            set_phase(g, GUEST_DOWN);   /* Nobody has begun anything. */
            return true;
        }
        return (be == 2 || be == 4) && start_close(g);
    }
    if (be != 2 && g->cfg.order != GUEST_ORDER_MINIOS) {
        return false;
    }

    note_answer(g);
    if (be == 2 && wants_cycle(g)) {
        return start_close(g);
    }
    /* A backend that waits for a connection has let go of the last one. */
    guest_leftover_retry(g, be == 2);
    if (be != 4 && be != 5) {
        guest_pages_reclaim(g);
    }
    take_next_config(g);
    error = connect_rings(g);
    if (error) {
        guest_log(g, "cannot connect: %s", strerror(-error));
        g->exit_code = GUEST_EXIT_ERROR;
        pthread_mutex_lock(&g->mutex);
        g->goal = GUEST_GOAL_EXIT;
        g->failed = true;
        pthread_mutex_unlock(&g->mutex);
        return true;
    }
    pthread_mutex_lock(&g->mutex);
    g->goal = GUEST_GOAL_UP;
    pthread_mutex_unlock(&g->mutex);
    set_phase(g, GUEST_CONNECTED);
    return true;
}

/* Sends the messages that follow a connection at once. */
static void
start_messages(struct guest *g)
{
    guest_cring_enable(g);
    if (g->cfg.rss || g->cfg.habits.need_ctrl) {
        guest_hash_start(g);
    }
    if (g->cfg.staging) {
        guest_grefs_start(g);
    }
}

static void
come_up(struct guest *g)
{
    note_answer(g);
    g->cycles = 0;
    start_messages(g);
    __atomic_store_n(&g->may_send, true, __ATOMIC_RELEASE);
    for (unsigned int i = 0; i < g->n_queues; i++) {
        guest_queue_wake(g->queues[i]);
    }
    pthread_mutex_lock(&g->mutex);
    g->up = true;
    g->n_connects++;
    pthread_cond_broadcast(&g->cond);
    pthread_mutex_unlock(&g->mutex);
}

/* Closes the device without a stop at Closing, and stays down. */
static void
close_at_once(struct guest *g)
{
    stop_queues(g);
    pthread_mutex_lock(&g->mutex);
    g->goal = GUEST_GOAL_DOWN;
    pthread_mutex_unlock(&g->mutex);
    set_phase(g, GUEST_CLOSED);
    ask_state(g, 6);
}

static bool
step_connected(struct guest *g, unsigned int be)
{
    if (be == 4 && !g->up) {
        come_up(g);
    }
    guest_xdp_step(g, be);
    if (get_goal(g) != GUEST_GOAL_UP) {
        return start_close(g);
    }
    /* A backend that has not connected yet may still be closed from before,
     * if this guest does not wait for InitWait. */
    if ((g->up || g->cfg.order != GUEST_ORDER_MINIOS)
        && (be == 5 || be == 6)) {
        close_at_once(g);
        return true;
    }
    return false;
}

/* Judges, for guests that wait for that, whether the backend answered all
 * requests in the TX rings before it closed.  Queues are stopped. */
static void
check_drained(struct guest *g)
{
    bool excused = (__atomic_load_n(&g->held, __ATOMIC_ACQUIRE)
                    || __atomic_load_n(&g->raw, __ATOMIC_ACQUIRE));

    for (unsigned int i = 0; i < g->n_queues && !excused; i++) {
        struct guest_queue *q = g->queues[i];
        uint32_t left = 0;

        pthread_mutex_lock(&q->mutex);
        if (!q->disturbed) {
            guest_tx_gc(q);
            left = q->tx.pushed - q->tx.cons;
        }
        pthread_mutex_unlock(&q->mutex);
        if (left) {
            guest_violation(g, q, "bus.drain", "%u TX requests are not "
                            "answered although the backend closes", left);
        }
    }
}

static bool
step_closing(struct guest *g, unsigned int be)
{
    if (be != 5 && be != 6) {
        return false;
    }
    note_answer(g);
    stop_queues(g);             /* None if the rings were never shared. */
    if (g->cfg.habits.drain) {
        check_drained(g);
    }
    set_phase(g, GUEST_CLOSED);
    ask_state(g, 6);
    return true;
}

static bool
step_closed(struct guest *g, unsigned int be)
{
    enum guest_goal goal = get_goal(g);

    if (be != 6) {
        return false;
    }
    note_answer(g);
    unshare_queues(g, true);
    guest_leftover_retry(g, true);
    if (goal == GUEST_GOAL_RETURN
        || (goal == GUEST_GOAL_EXIT
            && g->cfg.order == GUEST_ORDER_MINIOS)) {
        set_phase(g, GUEST_RETURNED);
        ask_state(g, 1);
    } else {
        set_phase(g, GUEST_DOWN);
    }
    return true;
}

static bool
step_returned(struct guest *g, unsigned int be)
{
    if (be != 2 && g->online == 1) {
        return false;
    }
    note_answer(g);
    set_phase(g, GUEST_DOWN);
    return true;
}

static bool
step_down(struct guest *g)
{
    enum guest_goal goal = get_goal(g);

    if (goal != GUEST_GOAL_UP && goal != GUEST_GOAL_RELOAD) {
        return false;
    }
    take_next_config(g);
    if (g->cfg.order == GUEST_ORDER_LINUX) {
        ask_state(g, 1);
        g->deadline = 0;        /* Drivers wait as long as it takes... */
        g->judged = g->online == 1; /* ...but may not like it. */
    }
    set_phase(g, GUEST_INIT);
    return true;
}

/* The backend directory is gone. */
static void
unplug(struct guest *g)
{
    guest_log(g, "device was unplugged");
    if (g->n_queues) {
        if (g->phase == GUEST_CONNECTED || g->phase == GUEST_CLOSING) {
            stop_queues(g);
        }
        unshare_queues(g, false);
    }
    set_phase(g, GUEST_UNPLUGGED);
    g->deadline = 0;
}

/* Nothing is left of the device.  If a new one appears, starts over. */
static bool
step_unplugged(struct guest *g, unsigned int be)
{
    if (!be || !guest_keys_frontend_exists(g) || guest_keys_locate(g)) {
        return false;
    }
    guest_leftover_retry(g, false);
    pthread_mutex_lock(&g->mutex);
    g->frontend_state = 1;
    if (g->goal == GUEST_GOAL_DOWN) {
        g->goal = GUEST_GOAL_UP;
    }
    pthread_mutex_unlock(&g->mutex);
    g->reached_connected = false;
    set_phase(g, GUEST_INIT);
    return true;
}

static bool
step(struct guest *g)
{
    unsigned int be;

    if (g->phase == GUEST_SUSPENDED) {
        return false;           /* A suspended guest sees nothing. */
    }
    be = read_backend_state(g);
    if (!be && g->phase != GUEST_UNPLUGGED && g->phase != GUEST_INIT) {
        unplug(g);
        return true;
    }
    switch (g->phase) {
    case GUEST_INIT: return step_init(g, be);
    case GUEST_CONNECTED: return step_connected(g, be);
    case GUEST_CLOSING: return step_closing(g, be);
    case GUEST_CLOSED: return step_closed(g, be);
    case GUEST_RETURNED: return step_returned(g, be);
    case GUEST_DOWN: return step_down(g);
    case GUEST_UNPLUGGED: return step_unplugged(g, be);
    case GUEST_SUSPENDED: break;
    }
    return false;
}

/* The backend does not answer.  Gives up on it. */
static void
give_up(struct guest *g)
{
    guest_log(g, "backend does not answer in phase %s (state %u)",
              guest_phase_name(g->phase), g->backend_state);
    g->exit_code = GUEST_EXIT_ERROR;
    g->deadline = 0;
    if (g->phase == GUEST_CLOSING) {
        stop_queues(g);
    }
    unshare_queues(g, false);
    pthread_mutex_lock(&g->mutex);
    g->failed = true;
    if (g->goal != GUEST_GOAL_EXIT) {
        g->goal = GUEST_GOAL_DOWN;
    }
    pthread_mutex_unlock(&g->mutex);
    set_phase(g, GUEST_DOWN);
}

/* Tears the rings down without a word to the backend. */
static void
forget_rings(struct guest *g)
{
    stop_queues(g);
    unshare_queues(g, false);
}

/* Tells whoever waits for command 'name' that it is not possible. */
static void
refuse(struct guest *g, const char *name)
{
    guest_log(g, "cannot %s in phase %s", name, guest_phase_name(g->phase));
    pthread_mutex_lock(&g->mutex);
    g->failed = true;
    g->xdp_busy = false;
    pthread_cond_broadcast(&g->cond);
    pthread_mutex_unlock(&g->mutex);
}

/* Does what the user wants that is no plain goal.  Returns true if the phase
 * changed. */
static bool
obey_command(struct guest *g, const char *command)
{
    bool connected = g->phase == GUEST_CONNECTED;

    if (!strcmp(command, "jump") && connected && g->up) {
        forget_rings(g);
        set_phase(g, GUEST_INIT);
        ask_init(g);
    } else if (!strcmp(command, "xdp")) {
        if (!connected || !guest_xdp_start(g)) {
            refuse(g, command);
        }
        return false;
    } else if (!strcmp(command, "skip-closing") && connected) {
        close_at_once(g);
    } else if (!strcmp(command, "suspend") && connected) {
        forget_rings(g);
        set_phase(g, GUEST_SUSPENDED);
    } else if (!strncmp(command, "resume", 6)
               && g->phase == GUEST_SUSPENDED) {
        if (guest_keys_locate(g)) {
            return false;
        }
        /* Whatever the backend was before is of no interest any more. */
        pthread_mutex_lock(&g->mutex);
        g->backend_state = 0;
        g->frontend_state = 1;
        pthread_mutex_unlock(&g->mutex);
        g->reached_connected = false;
        set_phase(g, GUEST_INIT);
        if (!strcmp(command, "resume-init")) {
            ask_init(g);
        }
    } else {
        refuse(g, command);
        return false;
    }
    return true;
}

bool
guest_bus_run(struct guest *g)
{
    char command[sizeof g->command];
    bool changed;

    do {
        pthread_mutex_lock(&g->mutex);
        memcpy(command, g->command, sizeof command);
        g->command[0] = '\0';
        pthread_mutex_unlock(&g->mutex);
        changed = command[0] && obey_command(g, command);
        changed |= step(g);
    } while (changed);

    if (g->deadline && guest_now_ms() > g->deadline) {
        give_up(g);
    }
    return (get_goal(g) != GUEST_GOAL_EXIT
            || (g->phase != GUEST_DOWN && g->phase != GUEST_SUSPENDED
                && g->phase != GUEST_UNPLUGGED));
}

int
guest_bus_open(struct guest *g)
{
    int error;

    snprintf(g->dir, sizeof g->dir, "device/vif/%u", g->cfg.devid);
    error = guest_keys_locate(g);
    if (error) {
        return error;
    }
    g->online = -1;
    g->phase = GUEST_INIT;
    if (g->cfg.order == GUEST_ORDER_LINUX) {
        ask_init(g);
    }
    return 0;
}

void
guest_bus_close(struct guest *g)
{
    guest_leftover_retry(g, false);
    free(g->backend);
}
