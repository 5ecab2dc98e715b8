/*
 * Copyright (c) 2026 The ovs-xenvif authors.
 *
 * Licensed under the Apache License, Version 2.0 (the "License");
 * you may not use this file except in compliance with the License.
 * You may obtain a copy of the License at:
 *
 *     http://www.apache.org/licenses/LICENSE-2.0
 *
 * Unless required by applicable law or agreed to in writing, software
 * distributed under the License is distributed on an "AS IS" BASIS,
 * WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
 * See the License for the specific language governing permissions and
 * limitations under the License.
 */

/* Pages of a guest that stay mapped. */

#include <config.h>

#include "xenvif-gref.h"

#include <stdlib.h>

#include "hash.h"
#include "latch.h"
#include "ovs-atomic.h"
#include "ovs-rcu.h"
#include "timeval.h"
#include "util.h"
#include "xenvif-grant.h"

/* Pages that all guests together may have mapped: half of what Xen lets a
 * domain map by default, so that rings and other backends keep room. */
#define MAX_TOTAL (128 * 1024)

/* How long after a failure persistent grants are left alone, in ms. */
#define RETRY_MS 1000

static atomic_uint32_t n_total = 0;

void
xenvif_gref_table_init(struct xenvif_gref_table *table, uint16_t domid,
                       bool persistent, struct latch *wakeup)
    OVS_NO_THREAD_SAFETY_ANALYSIS /* Nobody else knows the table yet. */
{
    table->domid = domid;
    cmap_init(&table->map);
    table->persistent = persistent;
    table->wakeup = wakeup;
    ovs_mutex_init(&table->mutex);
    table->n_wanted = 0;
    atomic_init(&table->retry_at, 0);
}

/* Unmaps and frees an entry that nobody can see any more. */
static void
destroy_entry(struct xenvif_gref *entry)
{
    uint32_t orig;

    xenvif_grant_unmap(entry->page);
    atomic_sub(&n_total, 1, &orig);
    free(entry);
}

void
xenvif_gref_table_destroy(struct xenvif_gref_table *table)
{
    struct xenvif_gref *entry;

    CMAP_FOR_EACH (entry, node, &table->map) {
        cmap_remove(&table->map, &entry->node, hash_int(entry->gref, 0));
        destroy_entry(entry);
    }
    cmap_destroy(&table->map);
    ovs_mutex_destroy(&table->mutex);
}

static struct xenvif_gref *
find(const struct xenvif_gref_table *table, uint32_t gref)
{
    struct xenvif_gref *entry;

    CMAP_FOR_EACH_WITH_HASH (entry, node, hash_int(gref, 0), &table->map) {
        if (entry->gref == gref) {
            return entry;
        }
    }
    return NULL;
}

/* Has page 'gref' mapped for the next time. */
static void
want(struct xenvif_gref_table *table, uint32_t gref, bool readonly)
{
    long long int retry_at;

    atomic_read_relaxed(&table->retry_at, &retry_at);
    if (cmap_count(&table->map) >= XENVIF_GREF_MAX
        || (retry_at && time_msec() < retry_at)
        || ovs_mutex_trylock(&table->mutex)) {
        return;
    }
    if (table->n_wanted < XENVIF_GREF_WANTED_MAX) {
        table->wanted[table->n_wanted].gref = gref;
        table->wanted[table->n_wanted].readonly = readonly;
        if (!table->n_wanted++) {
            latch_set(table->wakeup);
        }
    }
    ovs_mutex_unlock(&table->mutex);
}

uint8_t *
xenvif_gref_lookup__(struct xenvif_gref_table *table, uint32_t gref,
                     bool write)
{
    struct xenvif_gref *entry = find(table, gref);

    if (entry) {
        return write && entry->readonly ? NULL : entry->page;
    }
    if (table->persistent) {
        want(table, gref, !write);
    }
    return NULL;
}

bool
xenvif_gref_add(struct xenvif_gref_table *table, uint32_t gref, bool readonly)
{
    struct xenvif_gref *entry;
    uint32_t total;
    void *page;

    atomic_read(&n_total, &total);
    if (total >= MAX_TOTAL || cmap_count(&table->map) >= XENVIF_GREF_MAX
        || find(table, gref)) {
        return false;
    }
    page = xenvif_grant_map(table->domid, gref, !readonly);
    if (!page) {
        return false;
    }
    atomic_add(&n_total, 1, &total);
    entry = xmalloc(sizeof *entry);
    entry->gref = gref;
    entry->readonly = readonly;
    entry->page = page;
    cmap_insert(&table->map, &entry->node, hash_int(gref, 0));
    return true;
}

static int
compare_ids(const void *a_, const void *b_)
{
    const struct xenvif_gref_id *a = a_, *b = b_;

    return a->gref < b->gref ? -1 : a->gref > b->gref;
}

uint32_t
xenvif_gref_list(const struct xenvif_gref_table *table,
                 struct xenvif_gref_id list[XENVIF_GREF_MAX])
{
    const struct xenvif_gref *entry;
    uint32_t n = 0;

    CMAP_FOR_EACH (entry, node, &table->map) {
        list[n].gref = entry->gref;
        list[n++].readonly = entry->readonly;
    }
    qsort(list, n, sizeof *list, compare_ids);
    return n;
}

uint32_t
xenvif_gref_remove(struct xenvif_gref_table *table, const uint32_t *grefs,
                   uint32_t n, bool *found)
{
    struct xenvif_gref **entries = xmalloc(MAX(n, 1) * sizeof *entries);
    uint32_t n_found = 0;

    for (uint32_t i = 0; i < n; i++) {
        struct xenvif_gref *entry = find(table, grefs[i]);

        found[i] = entry != NULL;
        if (entry) {
            cmap_remove(&table->map, &entry->node, hash_int(grefs[i], 0));
            entries[n_found++] = entry;
        }
    }
    if (n_found) {
        ovsrcu_synchronize();
        for (uint32_t i = 0; i < n_found; i++) {
            destroy_entry(entries[i]);
        }
    }

    /* Both a removal and the wait made other threads wait for us. */
    ovsrcu_quiesce_start();
    free(entries);
    return n_found;
}

void
xenvif_gref_run(struct xenvif_gref_table *table)
{
    unsigned int n = 0;
    bool ok = true;

    if (!table->persistent) {
        return;
    }
    ovs_mutex_lock(&table->mutex);
    for (; n < table->n_wanted; n++) {
        uint32_t gref = table->wanted[n].gref;

        /* It may have been looked up more than once. */
        ok &= (xenvif_gref_add(table, gref, table->wanted[n].readonly)
               || find(table, gref));
    }
    table->n_wanted = 0;
    ovs_mutex_unlock(&table->mutex);
    if (n) {
        atomic_store_relaxed(&table->retry_at,
                             ok ? 0 : time_msec() + RETRY_MS);
        ovsrcu_quiesce_start();
    }
}
