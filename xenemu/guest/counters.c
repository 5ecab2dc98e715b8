/* SPDX-License-Identifier: Apache-2.0 */

#include "guest/counters.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "guest/guest.h"

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
