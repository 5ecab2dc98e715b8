/* SPDX-License-Identifier: Apache-2.0 */

/* Control commands about the driver's life cycle, and what to wait for. */

#include "guest/ctl-command.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "guest/bus.h"
#include "guest/clock.h"
#include "guest/config.h"
#include "guest/counters.h"
#include "guest/error.h"
#include "guest/gen.h"
#include "guest/guest.h"
#include "guest/help.h"
#include "guest/options.h"
#include "guest/orders.h"
#include "guest/parse.h"
#include "guest/report.h"

/* What a life cycle command waits for. */
enum target {
    TARGET_UP,                  /* Connected once more than before. */
    TARGET_DOWN,
    TARGET_PHASE                /* Any phase other than connected. */
};

static bool
is_reached(const struct guest *g, enum target target, uint64_t n_connects)
{
    switch (target) {
    case TARGET_UP:
        return g->up && g->n_connects > n_connects;
    case TARGET_DOWN:
        return g->phase == GUEST_DOWN || g->phase == GUEST_UNPLUGGED;
    case TARGET_PHASE:
        return g->phase != GUEST_CONNECTED;
    }
    return false;
}

/* Waits for the outcome of an order. */
static char *
await(struct guest_ctl *c, enum target target, uint64_t n_connects)
{
    struct guest *g = c->guest;
    struct timespec deadline;
    char *error = NULL;
    int rc = 0;

    clock_gettime(CLOCK_MONOTONIC, &deadline);
    deadline.tv_sec += g->cfg.timeout + 1;
    pthread_mutex_lock(&g->mutex);
    while (!is_reached(g, target, n_connects) && !g->failed && !rc
           && !guest_ctl_closing(c)) {
        rc = pthread_cond_timedwait(&g->cond, &g->mutex, &deadline);
    }
    if (!is_reached(g, target, n_connects)) {
        error = guest_error("%s in phase %s, backend state %u",
                            g->failed ? "failed" : "no answer",
                            guest_phase_name(g->phase),
                            g->backend_state);
    }
    pthread_mutex_unlock(&g->mutex);
    return error;
}

/* Removes word 'word' from the arguments.  Returns true if it was there. */
static bool
take_word(struct guest_ctl *c, const char *word)
{
    for (unsigned int i = 0; i < c->n_args; i++) {
        if (!strcmp(c->args[i], word)) {
            memmove(&c->args[i], &c->args[i + 1],
                    (c->n_args - i) * sizeof c->args[0]);
            c->n_args--;
            return true;
        }
    }
    return false;
}

/* Makes a configuration for the next connection out of the present one and
 * the arguments. */
static char *
prepare_config(struct guest_ctl *c)
{
    struct guest *g = c->guest;
    struct guest_config *next = calloc(1, sizeof *next);
    struct guest_config *old = NULL;
    char *error = NULL;

    guest_config_init(next);
    pthread_mutex_lock(&g->mutex);
    guest_config_copy(next, g->next_cfg ? g->next_cfg : &g->cfg);
    pthread_mutex_unlock(&g->mutex);
    for (unsigned int i = 0; i < c->n_args && !error; i++) {
        char *value = strchr(c->args[i], '=');

        if (value) {
            *value++ = '\0';
        }
        error = guest_config_set(next, c->args[i], value ? value : "1", true);
    }
    if (!error) {
        pthread_mutex_lock(&g->mutex);
        old = g->next_cfg;
        g->next_cfg = next;
        pthread_mutex_unlock(&g->mutex);
        next = old;
    }
    if (next) {
        guest_config_free(next);
        free(next);
    }
    return error;
}

static const struct life_command {
    const char *name;
    const char *command;        /* For guest_bus_command(), or NULL. */
    enum guest_goal goal;       /* For guest_bus_order() otherwise. */
    enum target target;
    bool options;               /* Takes options. */
} life_commands[] = {
    { "reload", NULL, GUEST_GOAL_RELOAD, TARGET_UP, true },
    { "connect", NULL, GUEST_GOAL_UP, TARGET_UP, true },
    { "close", NULL, GUEST_GOAL_DOWN, TARGET_DOWN, false },
    { "return", NULL, GUEST_GOAL_RETURN, TARGET_DOWN, false },
    { "jump", "jump", GUEST_GOAL_UP, TARGET_UP, true },
    { "skip-closing", "skip-closing", GUEST_GOAL_UP, TARGET_DOWN, false },
    { "suspend", "suspend", GUEST_GOAL_UP, TARGET_PHASE, false },
    { "resume", "resume", GUEST_GOAL_UP, TARGET_UP, true },
    { "resume-init", "resume-init", GUEST_GOAL_UP, TARGET_UP, true },
};

static char *
run_life_command(struct guest_ctl *c, const struct life_command *lc)
{
    struct guest *g = c->guest;
    bool nowait = take_word(c, "nowait");
    uint64_t n_connects;
    char *error = NULL;

    if (lc->options) {
        error = prepare_config(c);
    } else if (c->n_args) {
        error = guest_error("%s takes no options", lc->name);
    }
    if (error) {
        return error;
    }
    pthread_mutex_lock(&g->mutex);
    n_connects = g->n_connects;
    pthread_mutex_unlock(&g->mutex);
    if (lc->command) {
        guest_bus_command(g, lc->command);
    } else {
        guest_bus_order(g, lc->goal);
    }
    return nowait ? NULL : await(c, lc->target, n_connects);
}

/* Returns true if condition 'cond' holds.  Sets '*errorp' if it is none. */
static bool
evaluate(struct guest *g, const char *cond, char **errorp)
{
    char name[32];
    unsigned long long value;
    bool found = true;
    bool result = false;

    pthread_mutex_lock(&g->mutex);
    if (!strcmp(cond, "up")) {
        result = g->up;
    } else if (!strncmp(cond, "phase=", 6)) {
        result = !strcmp(cond + 6, guest_phase_name(g->phase));
    } else if (sscanf(cond, "backend=%llu", &value) == 1) {
        result = g->backend_state == value;
    } else if (sscanf(cond, "connects>=%llu", &value) == 1) {
        result = g->n_connects >= value;
    } else {
        found = false;
    }
    pthread_mutex_unlock(&g->mutex);
    if (found) {
        return result;
    }
    if (!strcmp(cond, "pktgen")) {
        return guest_gen_done(g);
    }
    if (sscanf(cond, "%31[a-z_]>=%llu", name, &value) == 2) {
        result = guest_counter_sum(g, name, &found) >= value;
    }
    if (!found) {
        *errorp = guest_error("%s: unknown condition", cond);
    }
    return result;
}

static char *
cmd_wait(struct guest_ctl *c)
{
    const struct timespec pause = { .tv_nsec = 5000000 };
    uint64_t deadline = guest_now_ms();
    uint32_t seconds = 10;
    char *error = NULL;

    if (c->n_args < 1 || c->n_args > 2
        || (c->n_args == 2 && !guest_parse_u32(c->args[1], &seconds))) {
        return guest_error("usage: wait CONDITION [SECONDS]");
    }
    deadline += seconds * UINT64_C(1000);
    while (!evaluate(c->guest, c->args[0], &error) && !error) {
        if (guest_now_ms() > deadline || guest_ctl_closing(c)) {
            error = guest_error("%s: not reached", c->args[0]);
        } else {
            nanosleep(&pause, NULL);
        }
    }
    return error;
}

bool
guest_ctl_life(struct guest_ctl *c, const char *name, char **errorp)
{
    struct guest *g = c->guest;

    for (size_t i = 0;
         i < sizeof life_commands / sizeof life_commands[0]; i++) {
        if (!strcmp(name, life_commands[i].name)) {
            *errorp = run_life_command(c, &life_commands[i]);
            return true;
        }
    }
    if (!strcmp(name, "wait")) {
        *errorp = cmd_wait(c);
    } else if (!strcmp(name, "stop")) {
        guest_bus_order(g, GUEST_GOAL_EXIT);
    } else if (!strcmp(name, "stats")) {
        guest_print_stats(g, c->out);
        fprintf(c->out, "pktgen_sent=%llu\n",
                (unsigned long long) guest_gen_sent(g));
    } else if (!strcmp(name, "state") || !strcmp(name, "report")) {
        guest_print_state(g, c->out);
    } else if (!strcmp(name, "help")) {
        guest_usage(c->out);
    } else {
        return false;
    }
    return true;
}
