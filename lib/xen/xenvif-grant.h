/* SPDX-License-Identifier: Apache-2.0 */

#ifndef XENVIF_GRANT_H
#define XENVIF_GRANT_H 1

/* Grants: pages of a guest mapped here, batches of grant copies, and the pages
 * of our own that the copies go through.
 *
 * This is the only code that calls libxengnttab. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <xengnttab.h>

#include "util.h"

/* Opens the grant drivers for the process, which runs in domain 'own_domid'.
 * Cheap once it succeeded.  Called by the control thread, before anything else
 * in this file.  Returns 0 or a positive errno value. */
int xenvif_grant_open(uint16_t own_domid);

/* Maps page 'gref' of domain 'domid' for reading and, if 'writable', writing.
 * Returns NULL with errno set on failure.  May block for a long time when the
 * domain misbehaves: not for PMD threads. */
void *xenvif_grant_map(uint16_t domid, uint32_t gref, bool writable);

/* Unmaps what xenvif_grant_map() returned; NULL is fine. */
void xenvif_grant_unmap(void *page);

/* The same for a list of 'n' pages, which become one range of addresses and
 * can only be unmapped together: all of them, or none. */
void *xenvif_grant_map_list(uint16_t domid, uint32_t *grefs, uint32_t n,
                            bool writable);
void xenvif_grant_unmap_list(void *pages, uint32_t n);

/* Copies the first 'len' bytes, at most a page, of page 'gref' of domain
 * 'domid' to 'data'.  Returns true if that worked. */
bool xenvif_grant_read(uint16_t domid, uint32_t gref, void *data, size_t len);

/* The opposite: copies 'data' to the page. */
bool xenvif_grant_write(uint16_t domid, uint32_t gref, const void *data,
                        size_t len);

/* Bounce pages.
 *
 * The local end of a grant copy lies in pages that the calling thread owns and
 * that the domain granted to itself: Xen then finds both ends of a copy in
 * grant tables and nothing needs to be pinned, which saves about 40 % of the
 * cost of a segment.  Where the host has no gntalloc driver, or no pages left
 * in it, they are ordinary memory.
 *
 * A buffer never crosses a page, because a segment must not. */

/* Pages per thread.  The longest packet takes 17 of them. */
#define XENVIF_BOUNCE_PAGES 64

struct xenvif_bounce;

/* Returns the calling thread's bounce pages, created at the first call, with
 * everything in them free.  They go away with the thread. */
struct xenvif_bounce *xenvif_bounce_get(void);

/* Returns true if 'n' more buffers that hold 'size' bytes in all are certain
 * to fit, each at most a page long. */
bool xenvif_bounce_has_room(const struct xenvif_bounce *, size_t n,
                            size_t size);

/* Takes 'len' bytes, 0 < len <= a page, for which there is room. */
void *xenvif_bounce_alloc(struct xenvif_bounce *, size_t len);

/* Batches of grant copies.  All segments of a batch belong to one queue and
 * one direction. */

/* Segments in a batch: a little more than a burst of single-slot packets. */
#define XENVIF_COPY_MAX 96

struct xenvif_copy_batch {
    struct xenvif_bounce *bounce;
    uint32_t n;
    struct xengnttab_grant_copy_segment segs[XENVIF_COPY_MAX];
};

/* Empties 'batch' and makes it use 'bounce'. */
void xenvif_copy_batch_init(struct xenvif_copy_batch *,
                            struct xenvif_bounce *bounce);

/* Adds a copy of 'len' bytes between byte 'offset' of page 'gref' of domain
 * 'domid' and 'buffer', which is from xenvif_bounce_alloc().  The caller has
 * checked that 'offset' + 'len' stays within a page: a single segment that
 * does not would fail all. */
void xenvif_copy_from_guest(struct xenvif_copy_batch *, uint16_t domid,
                            uint32_t gref, uint16_t offset,
                            void *buffer, uint16_t len);
void xenvif_copy_to_guest(struct xenvif_copy_batch *, uint16_t domid,
                          uint32_t gref, uint16_t offset,
                          const void *buffer, uint16_t len);

/* Executes 'batch', which is not empty, with a single call. */
void xenvif_copy_run(struct xenvif_copy_batch *);

/* Did segment 'i' of an executed batch succeed? */
static inline bool
xenvif_copy_is_ok(const struct xenvif_copy_batch *batch, uint32_t i)
{
    return !batch->segs[i].status;
}

/* Are the bounce pages granted by the domain to itself?  True until a thread
 * had to do without. */
bool xenvif_bounce_is_self_granted(void);

#endif /* xenvif-grant.h */
