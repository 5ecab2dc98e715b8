/* SPDX-License-Identifier: Apache-2.0 */

/* Pages that are granted to the backend, and what becomes of those that it
 * would not give back. */

#include "guest/pages.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>

#include "guest/guest.h"
#include "guest/log.h"
#include "guest/paths.h"
#include "xenemu.h"

/* More references than any grant table has. */
#define MAX_GREFS 65536

bool
guest_page_grant(struct guest *g, struct guest_page *page, uint32_t pfn,
                 bool readonly)
{
    int32_t gref = g->fixed_grefs[pfn];

    if (!gref) {
        gref = xenemu_grant(g->dom, g->backend_id, pfn, readonly);
    }
    if (gref < 0) {
        return false;
    }
    page->pfn = pfn;
    page->gref = gref;
    return true;
}

bool
guest_page_fix(struct guest *g, uint32_t pfn, bool readonly)
{
    int32_t gref = xenemu_grant(g->dom, g->backend_id, pfn, readonly);

    if (gref < 0) {
        return false;
    }
    g->fixed_grefs[pfn] = gref;
    return true;
}

void
guest_page_keep(struct guest *g, const struct guest_page *page)
{
    struct guest_page *array;

    pthread_mutex_lock(&g->mutex);
    array = realloc(g->leftover, (g->n_leftover + 1) * sizeof *array);
    if (array) {
        array[g->n_leftover++] = *page;
        g->leftover = array;
    }
    pthread_mutex_unlock(&g->mutex);
}

bool
guest_page_revoke(struct guest *g, struct guest_queue *q,
                  struct guest_page *page, const char *rule)
{
    int error = (page->gref == g->fixed_grefs[page->pfn] ? 0
                 : xenemu_ungrant(g->dom, page->gref));

    if (!error) {
        return true;
    }
    guest_page_keep(g, page);
    guest_violation(g, q, rule, "grant %u: %s", page->gref,
                    error == -EBUSY ? "still in use by the backend"
                    : "lost");
    page->pfn = GUEST_NO_PAGE;
    return false;
}

void
guest_page_drop(struct guest *g, struct guest_page *page, bool strict)
{
    int error;

    if (page->pfn == GUEST_NO_PAGE) {
        return;
    }
    if (g->fixed_grefs[page->pfn]
        && g->fixed_grefs[page->pfn] != page->gref) {
        /* Granted once more by hand. */
        xenemu_ungrant(g->dom, g->fixed_grefs[page->pfn]);
    }
    g->fixed_grefs[page->pfn] = 0;
    error = xenemu_ungrant(g->dom, page->gref);
    if (error == -EBUSY) {
        guest_page_keep(g, page);
        if (strict) {
            guest_violation(g, NULL, "bus.grant-in-use", "grant %u is still "
                            "in use although the backend is closed",
                            page->gref);
        }
    } else {
        xenemu_dom_free_page(g->dom, page->pfn);
    }
    page->pfn = GUEST_NO_PAGE;
}

void
guest_page_free(struct guest *g, uint32_t pfn, bool strict)
{
    struct guest_page page = { .pfn = pfn, .gref = g->fixed_grefs[pfn] };

    if (page.gref) {
        guest_page_drop(g, &page, strict);
    } else {
        xenemu_dom_free_page(g->dom, pfn);
    }
}

void
guest_leftover_retry(struct guest *g, bool strict)
{
    struct guest_page *old;
    unsigned int n;

    pthread_mutex_lock(&g->mutex);
    old = g->leftover;
    n = g->n_leftover;
    g->leftover = NULL;
    g->n_leftover = 0;
    pthread_mutex_unlock(&g->mutex);

    for (unsigned int i = 0; i < n; i++) {
        guest_page_drop(g, &old[i], strict);
    }
    free(old);
}

int
guest_pages_lock(struct guest *g)
{
    char path[128];

    guest_lock_path(path, sizeof path, g->cfg.domid);
    g->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    return g->lock_fd < 0 || flock(g->lock_fd, LOCK_SH) ? -errno : 0;
}

void
guest_pages_reclaim(struct guest *g)
{
    unsigned int n_grants = 0;
    bool busy = false;

    if (g->reclaimed) {
        return;
    }
    g->reclaimed = true;
    if (flock(g->lock_fd, LOCK_EX | LOCK_NB)) {
        flock(g->lock_fd, LOCK_SH);
        return;                 /* Another process drives another device. */
    }
    for (uint32_t i = XENEMU_FIRST_GREF; i < MAX_GREFS; i++) {
        int error = xenemu_ungrant(g->dom, i);

        n_grants += !error;
        busy |= error == -EBUSY;
    }
    if (busy) {
        guest_log(g, "the backend still uses pages of an earlier guest");
    } else {
        for (uint32_t i = XENEMU_FIRST_PFN; i < xenemu_dom_n_pages(g->dom);
             i++) {
            xenemu_dom_free_page(g->dom, i);
        }
    }
    if (n_grants) {
        guest_log(g, "took back %u grants of an earlier guest", n_grants);
    }
    flock(g->lock_fd, LOCK_SH);
}
