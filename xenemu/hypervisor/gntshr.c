/* SPDX-License-Identifier: Apache-2.0 */

/* The ABI of libxengnttab for sharing pages of one's own, with the behaviour
 * of Linux's /dev/xen/gntalloc. */

#include "hypervisor/handle.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

xengntshr_handle *
xengntshr_open(struct xentoollog_logger *logger, unsigned int flags)
{
    (void) logger;
    (void) flags;

    /* A host that does not have the kernel module loaded. */
    const char *env = getenv("XENEMU_NO_GNTALLOC");
    if (env && atoi(env) > 0) {
        errno = ENOENT;
        return NULL;
    }
    return xh_handle_open();
}

int
xengntshr_close(xengntshr_handle *xgs)
{
    return xh_handle_close(xgs);
}

int
xengntshr_fd(xengntshr_handle *xgs)
{
    return xgs->fd;
}

/* Shares one page with domain 'domid'.  Returns 0 or -errno. */
static int
share_page_locked(xengntshr_handle *h, uint16_t domid, bool writable,
                  uint32_t *index, uint32_t *ref)
{
    *index = xh_rec_new_locked();
    if (*index == UINT32_MAX) {
        return -ENOSPC;
    }
    struct xh_rec *rec = &xh.host->recs[*index];
    rec->slot = h->slot;
    rec->mapper = h->slot;
    rec->proc = xh.index;
    rec->pfn = xh_page_alloc(h->slot);
    int32_t gref = (rec->pfn == UINT32_MAX ? -ENOMEM
                    : xh_grant_new(h->slot, domid, rec->pfn, !writable, -1));
    if (gref < 0) {
        xh_page_free(h->slot, rec->pfn);
        xh_rec_drop_locked(*index);
        return gref;
    }
    rec->gref = *ref = gref;
    rec->kind = XH_REC_SHARE;
    xh_dom(h->slot)->n_shared++;
    return 0;
}

/* Shares all pages of an area.  Stores how many it could in '*n'. */
static int
share_pages_locked(xengntshr_handle *h, struct xh_area *area, uint16_t domid,
                   bool writable, uint32_t *refs, uint32_t *n)
{
    xh_recs_retry_locked();
    if (xh_dom(h->slot)->n_shared + area->count > xh.host->gntalloc_limit) {
        return -ENOSPC;
    }
    for (; *n < area->count; ++*n) {
        int error = share_page_locked(h, domid, writable, &area->recs[*n],
                                      &refs[*n]);
        if (error) {
            return error;
        }
    }
    return 0;
}

/* Maps the pages, which are new to their owner, so they hold zeros. */
static int
fill(xengntshr_handle *h, struct xh_area *area)
{
    uint32_t i, n;

    for (i = 0; i < area->count; i += n) {
        uint32_t pfn = xh.host->recs[area->recs[i]].pfn;

        for (n = 1; i + n < area->count; n++) {
            if (xh.host->recs[area->recs[i + n]].pfn != pfn + n) {
                break;
            }
        }
        if (!xh_area_fill(area, i, h->slot, pfn, n, PROT_READ | PROT_WRITE)) {
            return -ENOMEM;
        }
    }
    memset(area->start, 0, (size_t) area->count * XENEMU_PAGE_SIZE);
    return 0;
}

static void *
share(xengntshr_handle *h, uint32_t domid, int count, uint32_t *refs,
      bool writable, struct xh_area **areap)
{
    uint32_t n = 0;

    if (!xh_handle_usable(h)) {
        return NULL;
    }
    int error = -xh_fault(XH_CALL_share, h->domid);
    if (!error && count <= 0) {
        error = -EINVAL;
    }
    struct xh_area *area = error ? NULL : xh_area_new(count);
    if (area) {
        if (domid == XH_DOMID_SELF) {
            domid = h->domid;
        }
        xh_lock();
        error = share_pages_locked(h, area, domid, writable, refs, &n);
        xh_unlock();
        if (!error) {
            error = fill(h, area);
        }
        if (error) {
            xh_area_destroy(area, n);
        }
    } else if (!error) {
        error = -ENOMEM;
    }
    if (error) {
        errno = -error;
        return NULL;
    }
    void *start = area->start;
    if (areap) {
        *areap = area;
    }
    xh_area_add(h, area);
    return start;
}

void *
xengntshr_share_pages(xengntshr_handle *xgs, uint32_t domid, int count,
                      uint32_t *refs, int writable)
{
    return share(xgs, domid, count, refs, writable, NULL);
}

void *
xengntshr_share_page_notify(xengntshr_handle *xgs, uint32_t domid,
                            uint32_t *ref, int writable, uint32_t offset,
                            evtchn_port_t port)
{
    struct xh_area *area;
    void *p = share(xgs, domid, 1, ref, writable, &area);

    if (p) {
        xh_lock();
        xh_rec_set_notify(area->recs[0], offset, port);
        xh_unlock();
    }
    return p;
}

int
xengntshr_unshare(xengntshr_handle *xgs, void *start, uint32_t count)
{
    if (xgs->epoch != xh.epoch) {
        errno = EBADF;
        return -1;
    }
    struct xh_area *area = xh_area_take(xgs, start, count);
    if (!area) {
        errno = EINVAL;
        return -1;
    }
    xh_area_destroy(area, count);
    return 0;
}
