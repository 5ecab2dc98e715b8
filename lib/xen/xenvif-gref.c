/* SPDX-License-Identifier: Apache-2.0 */

/* Pages of a guest that stay mapped. */

#include <config.h>

#include "xen/xenvif-gref.h"

#include <stdlib.h>
#include <string.h>

#include "hash.h"
#include "latch.h"
#include "ovs-atomic.h"
#include "ovs-rcu.h"
#include "timeval.h"
#include "util.h"
#include "rate/xenvif-budget.h"
#include "xen/xenvif-grant.h"
#include "xen/xenvif-ring.h"

/* How long after a failure persistent grants are left alone, in ms. */
#define RETRY_MS 1000

/* Calls that may fail before xenvif_gref_add_some() gives up. */
#define MAX_FAILURES 16

void
xenvif_gref_table_init(struct xenvif_gref_table *table, uint16_t domid,
                       bool persistent, struct xenvif_budget *budget,
                       struct latch *wakeup)
    OVS_NO_THREAD_SAFETY_ANALYSIS /* Nobody else knows the table yet. */
{
    table->domid = domid;
    cmap_init(&table->map);
    table->budget = budget;
    ovs_list_init(&table->maps);
    ovs_list_init(&table->doomed);
    table->n_refused = 0;
    table->persistent = persistent;
    table->wakeup = wakeup;
    ovs_mutex_init(&table->mutex);
    table->n_wanted = 0;
    atomic_init(&table->retry_at, 0);
}

static struct xenvif_gref *
find(const struct xenvif_gref_table *table, uint32_t gref)
{
    struct xenvif_gref *entry;

    CMAP_FOR_EACH_WITH_HASH (entry, node, hash_int(gref, 0), &table->map) {
        if (entry->id.gref == gref) {
            return entry;
        }
    }
    return NULL;
}

/* Maps the 'n' pages in 'list', all of them readonly or none, with one call.
 * There is room for them in the guest's budget.  Returns NULL if that fails.
 */
static struct xenvif_gref_map *
map_pages(struct xenvif_gref_table *table, const struct xenvif_gref_id *list,
          uint32_t n)
{
    uint32_t grefs[XENVIF_GREF_MAX];
    struct xenvif_gref_map *map;
    uint8_t *pages;

    for (uint32_t i = 0; i < n; i++) {
        grefs[i] = list[i].gref;
    }
    xenvif_budget_spend(table->budget,
                        XENVIF_PRICE_MAP + n * XENVIF_PRICE_PAGE);
    pages = xenvif_grant_map_list(table->domid, grefs, n, !list[0].readonly);
    if (!pages) {
        return NULL;
    }
    xenvif_budget_take_pages(table->budget, n);

    map = xmalloc(sizeof *map + n * sizeof map->entries[0]);
    map->pages = pages;
    map->n = n;
    map->doomed = false;
    for (uint32_t i = 0; i < n; i++) {
        map->entries[i].id = list[i];
        map->entries[i].page = pages + i * XENVIF_PAGE_SIZE;
        map->entries[i].map = map;
        map->entries[i].gone = false;
    }
    return map;
}

/* Unmaps and frees what nobody can find any more. */
static void
unmap_pages(struct xenvif_gref_table *table, struct xenvif_gref_map *map)
{
    xenvif_budget_spend(table->budget,
                        XENVIF_PRICE_MAP + map->n * XENVIF_PRICE_PAGE);
    xenvif_grant_unmap_list(map->pages, map->n);
    xenvif_budget_give_pages(table->budget, map->n);
    free(map);
}

/* Makes the pages of 'map' known to other threads. */
static void
publish(struct xenvif_gref_table *table, struct xenvif_gref_map *map)
{
    for (uint32_t i = 0; i < map->n; i++) {
        struct xenvif_gref *entry = &map->entries[i];

        cmap_insert(&table->map, &entry->node, hash_int(entry->id.gref, 0));
    }
    ovs_list_push_back(&table->maps, &map->list_node);

    /* That made other threads wait for us. */
    ovsrcu_quiesce_start();
}

static void
unmap_all(struct xenvif_gref_table *table, struct ovs_list *maps)
{
    struct xenvif_gref_map *map;

    LIST_FOR_EACH_POP (map, list_node, maps) {
        unmap_pages(table, map);
    }
}

void
xenvif_gref_table_destroy(struct xenvif_gref_table *table)
{
    unmap_all(table, &table->maps);
    unmap_all(table, &table->doomed);
    cmap_destroy(&table->map);
    ovs_mutex_destroy(&table->mutex);
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
        return write && entry->id.readonly ? NULL : entry->page;
    }
    if (table->persistent) {
        want(table, gref, !write);
    }
    return NULL;
}

static int
compare_ids(const void *a_, const void *b_)
{
    const struct xenvif_gref_id *a = a_, *b = b_;

    return a->gref < b->gref ? -1 : a->gref > b->gref;
}

/* Pages that can be written to first. */
static int
compare_kinds(const void *a_, const void *b_)
{
    const struct xenvif_gref_id *a = a_, *b = b_;

    return (a->readonly != b->readonly ? a->readonly - b->readonly
            : compare_ids(a, b));
}

/* Returns how many of the 'n' pages in 'list' are of the kind of the first
 * one. */
static uint32_t
count_kind(const struct xenvif_gref_id *list, uint32_t n)
{
    uint32_t i = 0;

    while (i < n && list[i].readonly == list[0].readonly) {
        i++;
    }
    return i;
}

/* Sorts 'list' by kind.  Removes what is mapped already or is in there twice,
 * and returns what is left. */
static uint32_t
tidy_up(const struct xenvif_gref_table *table, struct xenvif_gref_id *list,
        uint32_t n)
{
    uint32_t n_left = 0;

    qsort(list, n, sizeof *list, compare_ids);
    for (uint32_t i = 0; i < n; i++) {
        if ((!n_left || list[i].gref != list[n_left - 1].gref)
            && !find(table, list[i].gref)) {
            list[n_left++] = list[i];
        }
    }
    qsort(list, n_left, sizeof *list, compare_kinds);
    return n_left;
}

bool
xenvif_gref_add(struct xenvif_gref_table *table, struct xenvif_gref_id *list,
                uint32_t n)
{
    struct xenvif_gref_map *first, *second = NULL;
    uint32_t n_first;

    if (!n) {
        return true;
    }
    if (n > XENVIF_GREF_MAX - MIN(XENVIF_GREF_MAX, cmap_count(&table->map))
        || tidy_up(table, list, n) < n) {
        return false;
    }
    if (n > xenvif_budget_page_room(table->budget)) {
        table->n_refused += n;
        return false;
    }
    n_first = count_kind(list, n);
    first = map_pages(table, list, n_first);
    if (first && n_first < n) {
        second = map_pages(table, list + n_first, n - n_first);
        if (!second) {
            unmap_pages(table, first);
            return false;
        }
    }
    if (!first) {
        return false;
    }
    publish(table, first);
    if (second) {
        publish(table, second);
    }
    return true;
}

/* Maps the 'n' pages in 'list', all of a kind, or else each half of them by
 * itself. */
static void
map_or_split(struct xenvif_gref_table *table,
             const struct xenvif_gref_id *list, uint32_t n,
             unsigned int *n_failures)
{
    struct xenvif_gref_map *map;

    if (*n_failures >= MAX_FAILURES) {
        return;
    }
    map = map_pages(table, list, n);
    if (map) {
        publish(table, map);
        return;
    }
    ++*n_failures;
    if (n > 1) {
        map_or_split(table, list, n / 2, n_failures);
        map_or_split(table, list + n / 2, n - n / 2, n_failures);
    }
}

bool
xenvif_gref_add_some(struct xenvif_gref_table *table,
                     struct xenvif_gref_id *list, uint32_t n)
{
    uint32_t room = XENVIF_GREF_MAX - MIN(XENVIF_GREF_MAX,
                                          cmap_count(&table->map));
    uint32_t budget_room = xenvif_budget_page_room(table->budget);
    unsigned int n_failures = 0;
    uint32_t n_todo = tidy_up(table, list, n);
    bool complete = n_todo <= MIN(room, budget_room);

    n_todo = MIN(n_todo, room);
    if (n_todo > budget_room) {
        table->n_refused += n_todo - budget_room;
        n_todo = budget_room;
    }
    while (n_todo) {
        uint32_t n_kind = count_kind(list, n_todo);

        map_or_split(table, list, n_kind, &n_failures);
        list += n_kind;
        n_todo -= n_kind;
    }
    return complete && !n_failures;
}

uint32_t
xenvif_gref_list(const struct xenvif_gref_table *table,
                 struct xenvif_gref_id list[XENVIF_GREF_MAX])
{
    const struct xenvif_gref *entry;
    uint32_t n = 0;

    CMAP_FOR_EACH (entry, node, &table->map) {
        list[n++] = entry->id;
    }
    qsort(list, n, sizeof *list, compare_ids);
    return n;
}

/* Makes all pages of 'map' impossible to find. */
static void
doom(struct xenvif_gref_table *table, struct xenvif_gref_map *map)
{
    for (uint32_t i = 0; i < map->n; i++) {
        struct xenvif_gref *entry = &map->entries[i];

        cmap_remove(&table->map, &entry->node, hash_int(entry->id.gref, 0));
    }
    map->doomed = true;
    ovs_list_remove(&map->list_node);
    ovs_list_push_back(&table->doomed, &map->list_node);
}

uint32_t
xenvif_gref_remove(struct xenvif_gref_table *table, const uint32_t *grefs,
                   uint32_t n, bool *found)
{
    struct xenvif_gref **entries = xmalloc(MAX(n, 1) * sizeof *entries);
    uint32_t n_found = 0;

    for (uint32_t i = 0; i < n; i++) {
        struct xenvif_gref *entry = find(table, grefs[i]);

        found[i] = entry && !entry->gone;
        if (found[i]) {
            entry->gone = true;
            entries[n_found++] = entry;
        }
    }
    for (uint32_t i = 0; i < n_found; i++) {
        if (!entries[i]->map->doomed) {
            doom(table, entries[i]->map);
        }
    }
    free(entries);

    /* Removals make other threads wait for us. */
    ovsrcu_quiesce_start();
    return n_found;
}

void
xenvif_gref_settle(struct xenvif_gref_table *table)
{
    struct xenvif_gref_id list[XENVIF_GREF_MAX];
    struct xenvif_gref_map *map;
    uint32_t n = 0;

    LIST_FOR_EACH_POP (map, list_node, &table->doomed) {
        for (uint32_t i = 0; i < map->n; i++) {
            if (!map->entries[i].gone && n < XENVIF_GREF_MAX) {
                list[n++] = map->entries[i].id;
            }
        }
        unmap_pages(table, map);
    }
    if (n) {
        xenvif_gref_add_some(table, list, n);
    }
}

void
xenvif_gref_run(struct xenvif_gref_table *table)
{
    struct xenvif_gref_id wanted[XENVIF_GREF_WANTED_MAX];
    unsigned int n;

    if (!table->persistent
        || !xenvif_budget_can_spend(table->budget, XENVIF_BUDGET_RESERVE)) {
        return;
    }
    ovs_mutex_lock(&table->mutex);
    n = table->n_wanted;
    memcpy(wanted, table->wanted, n * sizeof *wanted);
    table->n_wanted = 0;
    ovs_mutex_unlock(&table->mutex);
    if (n) {
        bool ok = xenvif_gref_add_some(table, wanted, n);

        atomic_store_relaxed(&table->retry_at,
                             ok ? 0 : time_msec() + RETRY_MS);
    }
}
