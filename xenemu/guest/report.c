/* SPDX-License-Identifier: Apache-2.0 */

/* Messages, broken rules and counters. */

#include "guest/guest.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

uint64_t
guest_now_ns(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * UINT64_C(1000000000) + ts.tv_nsec;
}

uint64_t
guest_now_ms(void)
{
    return guest_now_ns() / 1000000;
}

void
guest_log(const struct guest *g, const char *format, ...)
{
    char text[512];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    fprintf(stderr, "xenemu-guest %u.%u: %s\n", g->cfg.domid, g->cfg.devid,
            text);
}

/* Ends the process without asking the driver, like a kernel that panics.  The
 * control socket goes too, so that nobody waits for an answer. */
static void __attribute__((noreturn))
die_of_violation(struct guest *g)
{
    char path[128];

    guest_print_stats(g, stdout);
    fflush(stdout);
    guest_ctl_path(path, sizeof path, g->cfg.domid, g->cfg.devid);
    unlink(path);
    _exit(GUEST_EXIT_VIOLATION);
}

static void
report(struct guest *g, struct guest_queue *q, const char *rule,
       const char *text)
{
    if (q) {
        fprintf(stderr, "VIOLATION: %s: queue %u: %s\n", rule, q->idx, text);
        GUEST_COUNT(q, violations, 1);
    } else {
        fprintf(stderr, "VIOLATION: %s: %s\n", rule, text);
        /* Those of XenBus are charged to the first queue. */
        if (g->queues[0]) {
            __atomic_fetch_add(&g->queues[0]->counters.violations, 1,
                               __ATOMIC_RELAXED);
        }
    }
    fflush(stderr);
    if (!g->cfg.keep_going) {
        die_of_violation(g);
    }
}

void
guest_violation(struct guest *g, struct guest_queue *q, const char *rule,
                const char *format, ...)
{
    char text[256];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    report(g, q, rule, text);
}

void
guest_verdict(struct guest *g, struct guest_queue *q,
              const struct netif_verdict *v)
{
    report(g, q, v->rule, v->text);
}

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

/* One row of the list of counters. */
struct counter_row {
    const char *name;
    size_t ofs;
};

static const struct counter_row counter_rows[] = {
#define GUEST_COUNTER(NAME) { #NAME, offsetof(struct guest_counters, NAME) },
    GUEST_COUNTERS
#undef GUEST_COUNTER
};

#define N_ROWS (sizeof counter_rows / sizeof counter_rows[0])

static uint64_t
read_counter(const struct guest_queue *q, const struct counter_row *row)
{
    const char *base = (const char *) &q->counters;

    return __atomic_load_n((const uint64_t *) (base + row->ofs),
                           __ATOMIC_RELAXED);
}

uint64_t
guest_counter_sum(struct guest *g, const char *name, bool *found)
{
    unsigned int n = __atomic_load_n(&g->n_allocated, __ATOMIC_ACQUIRE);
    uint64_t sum = 0;

    *found = false;
    for (size_t i = 0; i < N_ROWS; i++) {
        if (!strcmp(counter_rows[i].name, name)) {
            *found = true;
            for (unsigned int j = 0; j < n; j++) {
                sum += read_counter(g->queues[j], &counter_rows[i]);
            }
        }
    }
    return sum;
}

void
guest_print_stats(struct guest *g, FILE *out)
{
    unsigned int n = __atomic_load_n(&g->n_allocated, __ATOMIC_ACQUIRE);
    bool found;

    for (size_t i = 0; i < N_ROWS; i++) {
        const char *name = counter_rows[i].name;

        fprintf(out, "%s=%llu\n", name,
                (unsigned long long) guest_counter_sum(g, name, &found));
    }
    for (unsigned int j = 0; j < n && n > 1; j++) {
        for (size_t i = 0; i < N_ROWS; i++) {
            fprintf(out, "q%u.%s=%llu\n", j, counter_rows[i].name,
                    (unsigned long long) read_counter(g->queues[j],
                                                      &counter_rows[i]));
        }
    }
}

static void
print_ring(FILE *out, unsigned int idx, const char *name,
           const struct guest_ring *r)
{
    fprintf(out, "q%u.%s.req_prod=%u\n", idx, name, r->pushed);
    fprintf(out, "q%u.%s.rsp_cons=%u\n", idx, name, r->cons);
    if (r->page) {
        fprintf(out, "q%u.%s.req_event=%u\n", idx, name,
                netif_ring_load(r->page, NETIF_REQ_EVENT));
        fprintf(out, "q%u.%s.rsp_prod=%u\n", idx, name,
                netif_ring_load(r->page, NETIF_RSP_PROD));
        fprintf(out, "q%u.%s.rsp_event=%u\n", idx, name,
                netif_ring_load(r->page, NETIF_RSP_EVENT));
        fprintf(out, "q%u.%s.gref=%u\n", idx, name, r->shared.gref);
        fprintf(out, "q%u.%s.port=%d\n", idx, name, r->port);
    }
}

void
guest_print_state(struct guest *g, FILE *out)
{
    unsigned int n = __atomic_load_n(&g->n_allocated, __ATOMIC_ACQUIRE);

    pthread_mutex_lock(&g->mutex);
    fprintf(out, "phase=%s\n", guest_phase_name(g->phase));
    fprintf(out, "frontend_state=%u\n", g->frontend_state);
    fprintf(out, "backend_state=%u\n", g->backend_state);
    fprintf(out, "up=%d\n", g->up);
    fprintf(out, "connects=%llu\n", (unsigned long long) g->n_connects);
    fprintf(out, "queues=%u\n", g->n_queues);
    fprintf(out, "answer_us=%llu\n", (unsigned long long) g->answer_us);
    fprintf(out, "max_answer_us=%llu\n",
            (unsigned long long) g->max_answer_us);
    fprintf(out, "best_close_us=%llu\n",
            (unsigned long long) guest_bus_best_close(g));
    for (unsigned int i = 0; i < 9; i++) {
        if (g->answers_us[i]) {
            fprintf(out, "answer%u_us=%llu\n", i,
                    (unsigned long long) g->answers_us[i]);
        }
    }
    fprintf(out, "leftover_pages=%u\n", g->n_leftover);
    for (unsigned int i = 0; i < g->n_queues; i++) {
        fprintf(out, "q%u.fixed=%u\n", i, g->queues[i]->n_fixed);
        fprintf(out, "q%u.staged=%u\n", i, g->queues[i]->n_staged);
    }
    pthread_mutex_unlock(&g->mutex);
    fprintf(out, "stalled=%d\n", __atomic_load_n(&g->stalled,
                                                  __ATOMIC_RELAXED));
    fprintf(out, "held=%d\n", __atomic_load_n(&g->held, __ATOMIC_RELAXED));
    fprintf(out, "raw=%d\n", __atomic_load_n(&g->raw, __ATOMIC_RELAXED));

    for (unsigned int i = 0; i < n; i++) {
        struct guest_queue *q = g->queues[i];

        pthread_mutex_lock(&q->mutex);
        print_ring(out, i, "tx", &q->tx);
        print_ring(out, i, "rx", &q->rx);
        pthread_mutex_unlock(&q->mutex);
    }
}
