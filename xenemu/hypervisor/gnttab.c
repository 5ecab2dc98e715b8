/* SPDX-License-Identifier: Apache-2.0 */

/* The ABI of libxengnttab for mapping and copying, with the behaviour of
 * Linux's /dev/xen/gntdev on top of Xen. */

#include "hypervisor/handle.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

/* Opens a handle of either kind.  Returns NULL with errno set. */
struct xengntdev_handle *
xh_handle_open(void)
{
    int error = -xh_acquire(NULL);

    if (error) {
        errno = error;
        return NULL;
    }
    struct xengntdev_handle *h = calloc(1, sizeof *h);
    error = h ? xh_fault(XH_CALL_open, xh_calling_domid()) : ENOMEM;
    if (!error) {
        h->epoch = xh.epoch;
        h->domid = xh_calling_domid();
        h->slot = xh_slot_alive(h->domid);
        h->fd = eventfd(0, EFD_CLOEXEC);
        error = (h->fd < 0 ? errno : h->slot == XH_NO_SLOT ? ENODEV : 0);
        if (error && h->fd >= 0) {
            close(h->fd);
        }
        pthread_mutex_init(&h->mutex, NULL);
    }
    if (error) {
        free(h);
        xh_release();
        errno = error;
        return NULL;
    }
    return h;
}

/* Does the handle work in this process, and its domain still exist?  Sets
 * errno if not. */
bool
xh_handle_usable(const struct xengntdev_handle *h)
{
    if (h->epoch != xh.epoch) {
        errno = EBADF;          /* Inherited over a fork(). */
        return false;
    }
    if (xh_slot_alive(h->domid) != h->slot) {
        errno = ESRCH;
        return false;
    }
    return true;
}

static struct xh_area **
bucket_of(struct xengntdev_handle *h, const void *start)
{
    return &h->areas[((uintptr_t) start / XENEMU_PAGE_SIZE) % XH_N_BUCKETS];
}

/* Returns a new area of 'count' pages of address space without content, or
 * NULL with errno set. */
struct xh_area *
xh_area_new(uint32_t count)
{
    struct xh_area *area = malloc(sizeof *area
                                  + count * sizeof area->recs[0]);
    if (!area) {
        return NULL;
    }
    area->count = count;
    area->start = mmap(NULL, (size_t) count * XENEMU_PAGE_SIZE, PROT_NONE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (area->start == MAP_FAILED) {
        free(area);
        return NULL;
    }
    return area;
}

void
xh_area_add(struct xengntdev_handle *h, struct xh_area *area)
{
    pthread_mutex_lock(&h->mutex);
    area->next = *bucket_of(h, area->start);
    *bucket_of(h, area->start) = area;
    pthread_mutex_unlock(&h->mutex);
}

/* Takes the area that begins at 'start' and has 'count' pages out of the
 * handle.  Returns NULL if there is none. */
struct xh_area *
xh_area_take(struct xengntdev_handle *h, const void *start, uint32_t count)
{
    pthread_mutex_lock(&h->mutex);
    struct xh_area **p = bucket_of(h, start);
    while (*p && ((*p)->start != start || (*p)->count != count)) {
        p = &(*p)->next;
    }
    struct xh_area *area = *p;
    if (area) {
        *p = area->next;
    }
    pthread_mutex_unlock(&h->mutex);
    return area;
}

/* Frees the area, and what its first 'n' pages hold of the host. */
void
xh_area_destroy(struct xh_area *area, uint32_t n)
{
    munmap(area->start, (size_t) area->count * XENEMU_PAGE_SIZE);
    xh_lock();
    for (uint32_t i = 0; i < n; i++) {
        xh_rec_release_locked(area->recs[i]);
    }
    xh_unlock();
    free(area);
}

/* Puts 'n' pages of a domain from 'pfn' on into an area from page 'at' on.
 * Returns false with errno set if there are too many mappings, or no memory
 * for another one. */
bool
xh_area_fill(struct xh_area *area, uint32_t at, uint8_t slot, uint32_t pfn,
             uint32_t n, int prot)
{
    int fd = xh_mem_open(slot, prot & PROT_WRITE ? O_RDWR : O_RDONLY);

    if (fd < 0) {
        return false;
    }
    void *p = mmap((uint8_t *) area->start + (size_t) at * XENEMU_PAGE_SIZE,
                   (size_t) n * XENEMU_PAGE_SIZE, prot, MAP_SHARED | MAP_FIXED,
                   fd, (off_t) pfn * XENEMU_PAGE_SIZE);
    xh_close_briefly(fd);
    return p != MAP_FAILED;
}

int
xh_handle_close(struct xengntdev_handle *h)
{
    if (!h) {
        return 0;
    }
    for (int i = 0; i < XH_N_BUCKETS; i++) {
        while (h->areas[i]) {
            struct xh_area *area = h->areas[i];

            h->areas[i] = area->next;
            if (h->epoch == xh.epoch) {
                xh_area_destroy(area, area->count);
            } else {
                munmap(area->start, (size_t) area->count * XENEMU_PAGE_SIZE);
                free(area);
            }
        }
    }
    if (h->epoch == xh.epoch) {
        xh_release();
    }
    close(h->fd);
    pthread_mutex_destroy(&h->mutex);
    free(h);
    return 0;
}

xengnttab_handle *
xengnttab_open(struct xentoollog_logger *logger, unsigned int flags)
{
    (void) logger;
    (void) flags;
    return xh_handle_open();
}

int
xengnttab_close(xengnttab_handle *xgt)
{
    return xh_handle_close(xgt);
}

int
xengnttab_fd(xengnttab_handle *xgt)
{
    return xgt->fd;
}

/* Linux no longer has such a limit, and its library says so. */
int
xengnttab_set_max_grants(xengnttab_handle *xgt, uint32_t nr_grants)
{
    (void) xgt;
    (void) nr_grants;
    return 0;
}

/* Pins reference 'gref' of domain 'domid' for a map and returns its page in
 * '*pfn'.  Returns the status of the grant operation. */
static int
pin(struct xengntdev_handle *h, uint32_t domid, uint32_t gref, bool write,
    uint8_t *slot, uint32_t *pfn, const char **why)
{
    if (domid == XH_DOMID_SELF) {
        domid = h->domid;
    }
    *slot = domid < XH_MAX_DOMID ? xh_slot_alive(domid) : XH_NO_SLOT;
    if (*slot == XH_NO_SLOT) {
        *why = "no such domain, or it is dying";
        return GNTST_bad_domain;
    }
    if (gref >= XH_MAX_GREFS) {
        *why = "the reference is outside of the grant table";
        return GNTST_bad_gntref;
    }

    struct xh_grant *grant = &xh.host->grants[*slot][gref];
    atomic_fetch_add(&grant->n_maps, 1);
    atomic_thread_fence(memory_order_seq_cst);
    uint64_t word = xh_grant_settled(*slot, gref);
    *why = xh_grant_refusal(word, h->domid, write);
    if (*why) {
        atomic_fetch_sub(&grant->n_maps, 1);
        return GNTST_general_error;
    }
    *pfn = XH_GRANT_PFN(word);
    return GNTST_okay;
}

/* Maps one page.  Stores its record's index in '*rec'.  Returns a status. */
static int
map_page_locked(struct xengntdev_handle *h, uint32_t domid, uint32_t gref,
                int prot, uint32_t *index, const char **why)
{
    uint8_t slot;
    uint32_t pfn;

    *index = xh_rec_new_locked();
    if (*index == UINT32_MAX) {
        *why = "too many maps";
        return GNTST_no_space;
    }
    int status = pin(h, domid, gref, prot & PROT_WRITE, &slot, &pfn, why);
    struct xh_rec *rec = &xh.host->recs[*index];
    if (status) {
        xh_rec_drop_locked(*index);
        return status;
    }
    rec->slot = slot;
    rec->mapper = h->slot;
    rec->proc = xh.index;
    rec->gref = gref;
    rec->pfn = pfn;
    rec->kind = XH_REC_MAP;
    xh_dom(slot)->n_mapped++;
    return 0;
}

/* Maps all pages of an area.  Returns 0 or an errno; stores in '*n' how many
 * pages have a record. */
static int
map_pages(struct xengntdev_handle *h, struct xh_area *area,
          const uint32_t *domids, bool one_domid, const uint32_t *refs,
          int prot, uint32_t *n)
{
    *n = 0;
    while (*n < area->count) {
        uint32_t i = *n;
        uint32_t domid = domids[one_domid ? 0 : i];
        const char *why = "";

        xh_lock();
        int status = map_page_locked(h, domid, refs[i], prot,
                                     &area->recs[i], &why);
        xh_unlock();
        if (status) {
            /* The driver has no other word for it. */
            xh_violation(h->domid, "map", status, domid, refs[i], why);
            return EINVAL;
        }
        *n += 1;
        const struct xh_rec *rec = &xh.host->recs[area->recs[i]];
        if (!xh_area_fill(area, i, rec->slot, rec->pfn, 1, prot)) {
            return errno;
        }
    }
    return 0;
}

static void *
map(struct xengntdev_handle *h, uint32_t count, const uint32_t *domids,
    bool one_domid, const uint32_t *refs, int prot, struct xh_area **areap)
{
    uint64_t begin = xh_cost_begin();

    if (!xh_handle_usable(h)) {
        return NULL;
    }
    xh_count(h->slot, XH_CNT_map_calls, 1);
    xh_mem_trim();
    int error = xh_fault(XH_CALL_map, h->domid);
    struct xh_area *area = NULL;
    if (!error && !(count && (area = xh_area_new(count)))) {
        error = count ? errno : EINVAL;
    }
    if (area) {
        uint32_t n;

        error = map_pages(h, area, domids, one_domid, refs, prot, &n);
        if (error) {
            xh_area_destroy(area, n);
        }
    }
    xh_cost_end(begin, XH_CALL_map, 0, 0);
    if (error) {
        xh_count(h->slot, XH_CNT_map_errors, 1);
        errno = error;
        return NULL;
    }
    xh_count(h->slot, XH_CNT_map_pages, count);
    if (areap) {
        *areap = area;
    }
    void *start = area->start;
    xh_area_add(h, area);
    return start;
}

void *
xengnttab_map_grant_ref(xengnttab_handle *xgt, uint32_t domid, uint32_t ref,
                        int prot)
{
    return map(xgt, 1, &domid, true, &ref, prot, NULL);
}

void *
xengnttab_map_grant_refs(xengnttab_handle *xgt, uint32_t count,
                         uint32_t *domids, uint32_t *refs, int prot)
{
    return map(xgt, count, domids, false, refs, prot, NULL);
}

void *
xengnttab_map_domain_grant_refs(xengnttab_handle *xgt, uint32_t count,
                                uint32_t domid, uint32_t *refs, int prot)
{
    return map(xgt, count, &domid, true, refs, prot, NULL);
}

void *
xengnttab_map_grant_ref_notify(xengnttab_handle *xgt, uint32_t domid,
                               uint32_t ref, int prot, uint32_t offset,
                               evtchn_port_t port)
{
    struct xh_area *area;

    /* The kernel clears a byte through the map, so it must be writable. */
    if (offset < XENEMU_PAGE_SIZE && !(prot & PROT_WRITE)) {
        errno = EINVAL;
        return NULL;
    }
    void *p = map(xgt, 1, &domid, true, &ref, prot, &area);
    if (p) {
        xh_lock();
        xh_rec_set_notify(area->recs[0], offset, port);
        xh_unlock();
    }
    return p;
}

int
xengnttab_unmap(xengnttab_handle *xgt, void *start, uint32_t count)
{
    uint64_t begin = xh_cost_begin();

    if (xgt->epoch != xh.epoch) {
        errno = EBADF;
        return -1;
    }
    int error = xh_fault(XH_CALL_unmap, xgt->domid);
    if (error) {
        errno = error;
        return -1;
    }
    xh_count(xgt->slot, XH_CNT_unmap_calls, 1);
    struct xh_area *area = xh_area_take(xgt, start, count);
    if (!area) {
        xh_violation(xgt->domid, "unmap", XH_ERRNO(EINVAL), xgt->domid, count,
                     "no map begins there and has that many pages");
        errno = EINVAL;
        return -1;
    }
    xh_area_destroy(area, count);
    xh_count(xgt->slot, XH_CNT_unmap_pages, count);
    xh_mem_trim();
    xh_cost_end(begin, XH_CALL_unmap, 0, 0);
    return 0;
}
