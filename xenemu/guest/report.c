/* SPDX-License-Identifier: Apache-2.0 */

/* What the driver and its rings are at, for users. */

#include "guest/report.h"

#include <stdio.h>

#include "guest/bus.h"
#include "guest/guest.h"
#include "netif/ring.h"

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
