/* SPDX-License-Identifier: Apache-2.0 */

/* Records of the pages that processes have mapped or share, from which
 * everything is released when a process dies.  The records are the truth; the
 * counts in grant entries and domains can be computed from them again. */

#include "hypervisor/host.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Returns the index of a new record, whose kind the caller sets as its last
 * step, or UINT32_MAX if there are too many. */
uint32_t
xh_rec_new_locked(void)
{
    struct xh_host *host = xh.host;
    uint32_t index;

    if (host->rec_free) {
        index = host->rec_free - 1;
        host->rec_free = host->recs[index].next_free;
    } else if (host->rec_top < XH_MAX_RECS) {
        index = host->rec_top++;
    } else {
        return UINT32_MAX;
    }
    memset(&host->recs[index], 0, sizeof host->recs[index]);
    return index;
}

/* Gives back a record that holds nothing. */
void
xh_rec_drop_locked(uint32_t index)
{
    struct xh_rec *rec = &xh.host->recs[index];

    rec->kind = XH_REC_FREE;
    rec->next_free = xh.host->rec_free;
    xh.host->rec_free = index + 1;
}

/* Asks for byte 'offset' of the page to be cleared (unless it is beyond the
 * page) and an event to be sent from local port 'port' (unless that is -1)
 * when the map or share ends.  The caller holds the mutex. */
void
xh_rec_set_notify(uint32_t index, uint32_t offset, uint32_t port)
{
    struct xh_rec *rec = &xh.host->recs[index];

    rec->notify_offset = offset;
    rec->notify_clear = offset < XENEMU_PAGE_SIZE;
    rec->notify_port = port;
    rec->notify_send = port < XH_MAX_PORTS;
}

/* What the owner of a page asked for to happen when its map goes away. */
static void
notify_end(const struct xh_rec *rec)
{
    uint8_t *base = rec->notify_clear ? xh_mem(rec->slot) : NULL;

    if (base) {
        base[(size_t) rec->pfn * XENEMU_PAGE_SIZE + rec->notify_offset] = 0;
    }
    if (rec->notify_send) {
        xh_port_send(rec->mapper, rec->notify_port, NULL);
    }
}

static void
release_share(uint32_t index)
{
    struct xh_rec *rec = &xh.host->recs[index];

    if (xh_grant_end(rec->slot, rec->gref) == -EBUSY) {
        rec->kind = XH_REC_DEFERRED;
        return;
    }
    xh_page_free(rec->slot, rec->pfn);
    xh_dom(rec->slot)->n_shared--;
    xh_rec_drop_locked(index);
}

/* Ends what the record is about.  A shared page that somebody still uses goes
 * later. */
void
xh_rec_release_locked(uint32_t index)
{
    struct xh_rec *rec = &xh.host->recs[index];
    uint8_t slot = rec->slot;

    if (rec->kind != XH_REC_DEFERRED) {
        notify_end(rec);
    }
    if (rec->kind != XH_REC_MAP) {
        release_share(index);
        return;
    }
    atomic_fetch_sub(&xh.host->grants[slot][rec->gref].n_maps, 1);
    xh_dom(slot)->n_mapped--;
    xh_rec_drop_locked(index);
    xh_domain_try_free_locked(slot);
}

/* Tries again to free the shared pages that were still in use. */
void
xh_recs_retry_locked(void)
{
    for (uint32_t i = 0; i < xh.host->rec_top; i++) {
        if (xh.host->recs[i].kind == XH_REC_DEFERRED) {
            release_share(i);
        }
    }
}

static void
recount_maps(uint8_t slot)
{
    struct xh_dom *dom = xh_dom(slot);
    uint32_t *counts = calloc(XH_MAX_GREFS, sizeof *counts);
    uint32_t n_mapped = 0, n_shared = 0;

    if (!counts) {
        return;
    }
    for (uint32_t i = 0; i < xh.host->rec_top; i++) {
        const struct xh_rec *rec = &xh.host->recs[i];

        if (rec->kind != XH_REC_FREE && rec->slot == slot) {
            if (rec->kind == XH_REC_MAP) {
                counts[rec->gref]++;
                n_mapped++;
            } else {
                n_shared++;
            }
        }
    }
    for (uint32_t gref = 0; gref < XH_MAX_GREFS; gref++) {
        if (atomic_load(&xh.host->grants[slot][gref].n_maps)
            != counts[gref]) {
            atomic_store(&xh.host->grants[slot][gref].n_maps, counts[gref]);
        }
    }
    dom->n_mapped = n_mapped;
    dom->n_shared = n_shared;
    free(counts);
}

/* Called when a process died in the middle of changing the records. */
void
xh_recs_recover_locked(void)
{
    struct xh_host *host = xh.host;

    host->rec_free = 0;
    for (uint32_t i = 0; i < host->rec_top; i++) {
        if (host->recs[i].kind == XH_REC_FREE) {
            xh_rec_drop_locked(i);
        }
    }
    for (uint32_t slot = 0; slot < host->dom_top; slot++) {
        struct xh_dom *dom = xh_dom(slot);

        if (atomic_load(&dom->state) == XH_DOM_FREE) {
            continue;
        }
        recount_maps(slot);
        dom->n_ports = 0;
        for (uint32_t port = 0; port < dom->port_top; port++) {
            dom->n_ports += !xh_port_is(slot, port, XH_PORT_FREE);
        }
    }
}
