/* SPDX-License-Identifier: Apache-2.0 */

/* Grace periods that the control thread does not wait for. */

#include <config.h>

#include "xen/xenvif-grace.h"

#include <stdlib.h>

#include "coverage.h"
#include "latch.h"
#include "ovs-atomic.h"
#include "ovs-rcu.h"
#include "util.h"

COVERAGE_DEFINE(xenvif_grace_period);

/* Grace periods are numbered.  Those up to 'n_over' have ended, 'n_started' is
 * the last one that began, and what is asked for now gets the next one. */
static ATOMIC(uint64_t) n_over = 0;
static uint64_t n_started;
static bool is_wanted;          /* Did anybody ask for the next one? */
static struct latch *wakeup;

void
xenvif_grace_init(struct latch *wakeup_)
{
    wakeup = wakeup_;
}

xenvif_grace
xenvif_grace_ask(void)
{
    is_wanted = true;
    return n_started + 1;
}

bool
xenvif_grace_is_over(xenvif_grace grace)
{
    uint64_t over;

    atomic_read_explicit(&n_over, &over, memory_order_acquire);
    return grace <= over;
}

/* Called when the grace period 'number' has ended. */
static void
end(uint64_t *number)
{
    /* Callbacks of one thread are called in the order of their requests. */
    atomic_store_explicit(&n_over, *number, memory_order_release);
    free(number);
    if (wakeup) {
        latch_set(wakeup);
    }
}

void
xenvif_grace_run(void)
{
    /* One at a time: whoever asks during one gets the next. */
    if (is_wanted && xenvif_grace_is_over(n_started)) {
        uint64_t *number = xmalloc(sizeof *number);

        COVERAGE_INC(xenvif_grace_period);
        is_wanted = false;
        *number = ++n_started;
        ovsrcu_postpone(end, number);
    }
    ovsrcu_quiesce_start();
}
