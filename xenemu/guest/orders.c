/* SPDX-License-Identifier: Apache-2.0 */

#include "guest/orders.h"

#include <stdio.h>
#include <unistd.h>

#include "guest/guest.h"
#include "guest/log.h"

static void
wake_main(struct guest *g)
{
    uint64_t one = 1;

    if (write(g->order_fd, &one, sizeof one) < 0) {
        guest_log(g, "eventfd write failed");
    }
}

void
guest_bus_order(struct guest *g, enum guest_goal goal)
{
    pthread_mutex_lock(&g->mutex);
    if (g->goal != GUEST_GOAL_EXIT) {
        g->goal = goal;
    }
    g->failed = false;
    pthread_mutex_unlock(&g->mutex);
    wake_main(g);
}

void
guest_bus_command(struct guest *g, const char *name)
{
    pthread_mutex_lock(&g->mutex);
    snprintf(g->command, sizeof g->command, "%s", name);
    g->failed = false;
    pthread_mutex_unlock(&g->mutex);
    wake_main(g);
}
