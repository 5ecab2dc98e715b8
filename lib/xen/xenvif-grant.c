/* SPDX-License-Identifier: Apache-2.0 */

/* Grants.  See the header for what this is and who may call it. */

#include <config.h>

#include "xen/xenvif-grant.h"

#include <errno.h>
#include <stdio.h>
#include <sys/mman.h>
#include <xen/xen.h>
#include <xen/grant_table.h>
#include <xentoollog.h>

#include "coverage.h"
#include "openvswitch/thread.h"
#include "openvswitch/vlog.h"
#include "ovs-atomic.h"
#include "ovs-thread.h"
#include "util.h"
#include "xen/xenvif-ring.h"

VLOG_DEFINE_THIS_MODULE(xenvif_grant);

COVERAGE_DEFINE(xenvif_grant_copy);
COVERAGE_DEFINE(xenvif_grant_copy_failed);

static struct vlog_rate_limit rl = VLOG_RATE_LIMIT_INIT(5, 20);

/* The drivers, opened once and kept for the life of the process.  The kernel
 * lets any number of threads use one descriptor at a time. */
static struct ovs_mutex open_mutex = OVS_MUTEX_INITIALIZER;
static ATOMIC(xengnttab_handle *) gnttab = NULL;
static ATOMIC(xengntshr_handle *) gntshr = NULL;
static atomic_bool self_granted = true;
static uint16_t own_domid;      /* Set before 'gnttab'. */

/* The library reports every failed call, which a hostile guest can cause at
 * will, so its words pass a rate limit. */
static void OVS_PRINTF_FORMAT(5, 0)
log_message(xentoollog_logger *logger OVS_UNUSED,
            xentoollog_level level OVS_UNUSED, int errnoval,
            const char *context OVS_UNUSED, const char *format, va_list args)
{
    if (!VLOG_DROP_DBG(&rl)) {
        char *message = xvasprintf(format, args);

        VLOG_DBG("libxengnttab: %s%s%s", message, errnoval > 0 ? ": " : "",
                 errnoval > 0 ? ovs_strerror(errnoval) : "");
        free(message);
    }
}

static xentoollog_logger logger = { .vmessage = log_message };

/* A status that no call returns, for segments that were not executed. */
#define STATUS_NOT_RUN INT16_MIN

static xengnttab_handle *
get_gnttab(void)
{
    xengnttab_handle *handle;

    atomic_read_relaxed(&gnttab, &handle);
    return handle;
}

static xengntshr_handle *
get_gntshr(void)
{
    xengntshr_handle *handle;

    atomic_read_relaxed(&gntshr, &handle);
    return handle;
}

int
xenvif_grant_open(uint16_t own_domid_)
{
    int error = 0;

    ovs_mutex_lock(&open_mutex);
    if (!get_gnttab()) {
        xengnttab_handle *tab = xengnttab_open(&logger, 0);

        if (!tab) {
            error = errno ? errno : ENODEV;
        } else {
            xengntshr_handle *shr = xengntshr_open(&logger, 0);

            if (!shr) {
                VLOG_INFO("no gntalloc driver (%s): grant copies use ordinary "
                          "memory", ovs_strerror(errno));
            }
            own_domid = own_domid_;
            atomic_store_relaxed(&gntshr, shr);
            atomic_store_explicit(&gnttab, tab, memory_order_release);
        }
    }
    ovs_mutex_unlock(&open_mutex);
    return error;
}

void *
xenvif_grant_map_list(uint16_t domid, uint32_t *grefs, uint32_t n,
                      bool writable)
{
    return xengnttab_map_domain_grant_refs(
        get_gnttab(), n, domid, grefs,
        PROT_READ | (writable ? PROT_WRITE : 0));
}

void
xenvif_grant_unmap_list(void *pages, uint32_t n)
{
    if (pages && xengnttab_unmap(get_gnttab(), pages, n)) {
        VLOG_ERR_RL(&rl, "cannot unmap %"PRIu32" page%s of a guest (%s)",
                    n, n > 1 ? "s" : "", ovs_strerror(errno));
    }
}

void *
xenvif_grant_map(uint16_t domid, uint32_t gref, bool writable)
{
    return xenvif_grant_map_list(domid, &gref, 1, writable);
}

void
xenvif_grant_unmap(void *page)
{
    xenvif_grant_unmap_list(page, 1);
}

/* Copies a single segment.  Returns true if that worked. */
static bool
copy_one(struct xengnttab_grant_copy_segment *seg)
{
    seg->status = STATUS_NOT_RUN;
    return !xengnttab_grant_copy(get_gnttab(), 1, seg) && !seg->status;
}

bool
xenvif_grant_read(uint16_t domid, uint32_t gref, void *data, size_t len)
{
    struct xengnttab_grant_copy_segment seg = {
        .source.foreign = { .ref = gref, .domid = domid },
        .dest.virt = data,
        .len = len,
        .flags = GNTCOPY_source_gref,
    };

    return copy_one(&seg);
}

bool
xenvif_grant_write(uint16_t domid, uint32_t gref, const void *data, size_t len)
{
    struct xengnttab_grant_copy_segment seg = {
        .source.virt = CONST_CAST(void *, data),
        .dest.foreign = { .ref = gref, .domid = domid },
        .len = len,
        .flags = GNTCOPY_dest_gref,
    };

    return copy_one(&seg);
}

struct xenvif_bounce {
    uint8_t *pages;             /* XENVIF_BOUNCE_PAGES pages. */
    uint32_t used;              /* Bytes handed out, gaps included. */
    uint16_t domid;             /* Our own, if 'granted'. */
    bool granted;               /* Are 'refs' valid? */
    uint32_t refs[XENVIF_BOUNCE_PAGES];
};

static ovsthread_key_t bounce_key;

static void
bounce_destroy(void *bounce_)
{
    struct xenvif_bounce *bounce = bounce_;

    if (bounce->granted) {
        xengntshr_unshare(get_gntshr(), bounce->pages, XENVIF_BOUNCE_PAGES);
    } else {
        free_pagealign(bounce->pages);
    }
    free(bounce);
}

static struct xenvif_bounce *
bounce_create(void)
{
    struct xenvif_bounce *bounce = xzalloc(sizeof *bounce);
    xengntshr_handle *shr = get_gntshr();

    bounce->domid = own_domid;
    if (shr) {
        bounce->pages = xengntshr_share_pages(shr, bounce->domid,
                                              XENVIF_BOUNCE_PAGES,
                                              bounce->refs, true);
        bounce->granted = bounce->pages != NULL;
        if (!bounce->granted) {
            VLOG_INFO("cannot share %d more pages with ourselves (%s; see the "
                      "limit parameter of the gntalloc driver): grant copies "
                      "of this thread use ordinary memory",
                      XENVIF_BOUNCE_PAGES, ovs_strerror(errno));
        }
    }
    if (!bounce->granted) {
        atomic_store_relaxed(&self_granted, false);
        bounce->pages = xmalloc_pagealign(XENVIF_BOUNCE_PAGES
                                          * XENVIF_PAGE_SIZE);
    }
    return bounce;
}

struct xenvif_bounce *
xenvif_bounce_get(void)
{
    static struct ovsthread_once once = OVSTHREAD_ONCE_INITIALIZER;
    struct xenvif_bounce *bounce;

    if (ovsthread_once_start(&once)) {
        ovsthread_key_create(&bounce_key, bounce_destroy);
        ovsthread_once_done(&once);
    }

    bounce = ovsthread_getspecific(bounce_key);
    if (OVS_UNLIKELY(!bounce)) {
        bounce = bounce_create();
        ovsthread_setspecific(bounce_key, bounce);
    }
    bounce->used = 0;
    return bounce;
}

/* Buffers start on a cache line of their own. */
#define BOUNCE_ALIGN 64

bool
xenvif_bounce_has_room(const struct xenvif_bounce *bounce, size_t n,
                       size_t size)
{
    /* A buffer may waste up to as much as itself at the end of a page, and
     * less than BOUNCE_ALIGN for its alignment. */
    return (bounce->used + 2 * size + n * BOUNCE_ALIGN
            <= XENVIF_BOUNCE_PAGES * XENVIF_PAGE_SIZE);
}

void *
xenvif_bounce_alloc(struct xenvif_bounce *bounce, size_t len)
{
    uint32_t start = ROUND_UP(bounce->used, BOUNCE_ALIGN);

    if (start % XENVIF_PAGE_SIZE + len > XENVIF_PAGE_SIZE) {
        start = ROUND_UP(start, XENVIF_PAGE_SIZE);
    }
    bounce->used = start + len;
    ovs_assert(bounce->used <= XENVIF_BOUNCE_PAGES * XENVIF_PAGE_SIZE);
    return bounce->pages + start;
}

bool
xenvif_bounce_is_self_granted(void)
{
    bool granted;

    atomic_read_relaxed(&self_granted, &granted);
    return granted && get_gntshr();
}

void
xenvif_copy_batch_init(struct xenvif_copy_batch *batch,
                       struct xenvif_bounce *bounce)
{
    batch->bounce = bounce;
    batch->n = 0;
}

/* Fills in the local end of a copy.  Returns the flag 'gref_flag' if it is a
 * reference. */
static uint16_t
set_local(const struct xenvif_bounce *bounce, const void *buffer,
          uint16_t gref_flag, union xengnttab_copy_ptr *ptr)
{
    if (!bounce->granted) {
        ptr->virt = CONST_CAST(void *, buffer);
        return 0;
    }

    size_t ofs = (const uint8_t *) buffer - bounce->pages;

    ptr->foreign.ref = bounce->refs[ofs / XENVIF_PAGE_SIZE];
    ptr->foreign.offset = ofs % XENVIF_PAGE_SIZE;
    ptr->foreign.domid = bounce->domid;
    return gref_flag;
}

static struct xengnttab_grant_copy_segment *
add_segment(struct xenvif_copy_batch *batch, uint16_t len)
{
    ovs_assert(batch->n < XENVIF_COPY_MAX);

    struct xengnttab_grant_copy_segment *seg = &batch->segs[batch->n++];

    seg->len = len;
    seg->status = STATUS_NOT_RUN;
    return seg;
}

void
xenvif_copy_from_guest(struct xenvif_copy_batch *batch, uint16_t domid,
                       uint32_t gref, uint16_t offset,
                       void *buffer, uint16_t len)
{
    struct xengnttab_grant_copy_segment *seg = add_segment(batch, len);

    seg->source.foreign.ref = gref;
    seg->source.foreign.offset = offset;
    seg->source.foreign.domid = domid;
    seg->flags = GNTCOPY_source_gref | set_local(batch->bounce, buffer,
                                                 GNTCOPY_dest_gref,
                                                 &seg->dest);
}

void
xenvif_copy_to_guest(struct xenvif_copy_batch *batch, uint16_t domid,
                     uint32_t gref, uint16_t offset,
                     const void *buffer, uint16_t len)
{
    struct xengnttab_grant_copy_segment *seg = add_segment(batch, len);

    seg->dest.foreign.ref = gref;
    seg->dest.foreign.offset = offset;
    seg->dest.foreign.domid = domid;
    seg->flags = GNTCOPY_dest_gref | set_local(batch->bounce, buffer,
                                               GNTCOPY_source_gref,
                                               &seg->source);
}

void
xenvif_copy_run(struct xenvif_copy_batch *batch)
{
    COVERAGE_INC(xenvif_grant_copy);
    if (OVS_UNLIKELY(xengnttab_grant_copy(get_gnttab(), batch->n,
                                          batch->segs))) {
        /* The driver presets the status of segments to success before it
         * executes them, so none can be believed. */
        COVERAGE_INC(xenvif_grant_copy_failed);
        VLOG_WARN_RL(&rl, "grant copy of %"PRIu32" segments failed (%s)",
                     batch->n, ovs_strerror(errno));
        for (uint32_t i = 0; i < batch->n; i++) {
            batch->segs[i].status = STATUS_NOT_RUN;
        }
    }
}
