/* SPDX-License-Identifier: Apache-2.0 */

#include "guest/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "guest/counters.h"
#include "guest/error.h"
#include "guest/guest.h"
#include "guest/paths.h"
#include "netif/check.h"

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
