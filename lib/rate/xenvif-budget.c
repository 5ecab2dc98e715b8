/* SPDX-License-Identifier: Apache-2.0 */

/* What one guest may cost the host. */

#include <config.h>

#include "rate/xenvif-budget.h"

#include <stdio.h>
#include <stdlib.h>

#include "hash.h"
#include "openvswitch/thread.h"
#include "openvswitch/vlog.h"
#include "ovs-atomic.h"
#include "ovs-thread.h"
#include "timeval.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(xenvif_budget);

/* Microseconds of the control thread per second, and at once: a twentieth of
 * it for each guest.  A Windows guest with eight queues, which connects three
 * times when it boots and spins while it waits for answers, needs less than
 * 60 ms to do so. */
#define WORK_RATE (50 * 1000)
#define WORK_BURST (250 * 1000)

/* Linux's default for vm.max_map_count. */
#define DEFAULT_MAX_MAPS 65530
#define MAX_MAPS_FILE "/proc/sys/vm/max_map_count"

/* More pages than these do not become mapped however much the kernel allows:
 * half of what Xen lets a domain map by default. */
#define MAX_TOTAL (128 * 1024)

/* Protects the table and the limits. */
static struct ovs_mutex mutex = OVS_MUTEX_INITIALIZER;
static struct hmap budgets OVS_GUARDED_BY(mutex)
    = HMAP_INITIALIZER(&budgets);
static struct xenvif_budget_limits limits OVS_GUARDED_BY(mutex);

static uint32_t n_total_pages;  /* Control thread only. */

struct xenvif_budget_limits
xenvif_budget_read_limits(const char *path)
{
    struct xenvif_budget_limits result;
    unsigned int max_maps = 0;
    FILE *file = fopen(path, "r");

    if (file) {
        if (fscanf(file, "%u", &max_maps) != 1) {
            max_maps = 0;
        }
        fclose(file);
    }
    if (!max_maps) {
        max_maps = DEFAULT_MAX_MAPS;
    }

    /* Three eighths stay for everything else.  One guest gets an eighth of the
     * others, which is, by default, more than ten queues need. */
    result.total = MIN((uint64_t) max_maps * 5 / 8, MAX_TOTAL);
    result.guest = result.total / 8;
    return result;
}

struct xenvif_budget_limits
xenvif_budget_get_limits(void)
{
    struct xenvif_budget_limits result;

    ovs_mutex_lock(&mutex);
    if (!limits.total) {
        limits = xenvif_budget_read_limits(MAX_MAPS_FILE);
        VLOG_DBG("at most %"PRIu32" pages stay mapped, %"PRIu32" of a guest",
                 limits.total, limits.guest);
    }
    result = limits;
    ovs_mutex_unlock(&mutex);
    return result;
}

void
xenvif_budget_set_limits(const struct xenvif_budget_limits *new_limits)
{
    ovs_mutex_lock(&mutex);
    limits = *new_limits;
    ovs_mutex_unlock(&mutex);
}

void
xenvif_budget_init(struct xenvif_budget *budget, uint16_t domid)
{
    budget->domid = domid;
    budget->n_refs = 1;
    budget->n_pages = 0;
    xenvif_bucket_init(&budget->work, WORK_RATE, WORK_BURST,
                       xenvif_bucket_now());
}

struct xenvif_budget *
xenvif_budget_ref(uint16_t domid)
{
    struct xenvif_budget *budget;

    ovs_mutex_lock(&mutex);
    HMAP_FOR_EACH_WITH_HASH (budget, node, hash_int(domid, 0), &budgets) {
        if (budget->domid == domid) {
            budget->n_refs++;
            goto out;
        }
    }
    budget = xmalloc(sizeof *budget);
    xenvif_budget_init(budget, domid);
    hmap_insert(&budgets, &budget->node, hash_int(domid, 0));

out:
    ovs_mutex_unlock(&mutex);
    return budget;
}

void
xenvif_budget_unref(struct xenvif_budget *budget)
{
    ovs_mutex_lock(&mutex);
    if (!--budget->n_refs) {
        hmap_remove(&budgets, &budget->node);
        free(budget);
    }
    ovs_mutex_unlock(&mutex);
}

int64_t
xenvif_budget_left(struct xenvif_budget *budget)
{
    xenvif_bucket_refill(&budget->work, xenvif_bucket_now());
    return budget->work.level / XENVIF_BUCKET_TOKEN;
}

bool
xenvif_budget_can_spend(struct xenvif_budget *budget, int64_t keep)
{
    return xenvif_budget_left(budget) > keep;
}

void
xenvif_budget_spend(struct xenvif_budget *budget, uint32_t usec)
{
    xenvif_bucket_refill(&budget->work, xenvif_bucket_now());
    budget->work.level -= usec * XENVIF_BUCKET_TOKEN;
}

long long int
xenvif_budget_due(struct xenvif_budget *budget, int64_t keep)
{
    int64_t left = xenvif_budget_left(budget) - keep;

    return (left > 0 ? 0
            : time_msec() + 1 + (1 - left) * 1000 / WORK_RATE);
}

uint32_t
xenvif_budget_page_room(const struct xenvif_budget *budget)
{
    struct xenvif_budget_limits now = xenvif_budget_get_limits();

    return MIN(now.guest - MIN(now.guest, budget->n_pages),
               now.total - MIN(now.total, n_total_pages));
}

void
xenvif_budget_take_pages(struct xenvif_budget *budget, uint32_t n)
{
    budget->n_pages += n;
    n_total_pages += n;
}

void
xenvif_budget_give_pages(struct xenvif_budget *budget, uint32_t n)
{
    budget->n_pages -= n;
    n_total_pages -= n;
}
