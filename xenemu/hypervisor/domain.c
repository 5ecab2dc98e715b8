/* SPDX-License-Identifier: Apache-2.0 */

/* Domains: their table, their memory and the part of xenemu.h that is about
 * them. */

#include "hypervisor/host.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "xenemu-admin.h"

struct xenemu_dom {
    uint32_t epoch;
    uint32_t gen;
    uint16_t domid;
    uint8_t slot;
    uint32_t n_pages;
    uint8_t *base;

    /* References that were freed in this process: the ones to take first,
     * because their entries are in the cache. */
    pthread_mutex_t mutex;
    uint32_t n_free;
    uint32_t free[1024];
};

/* The domain on whose behalf handles are opened: of the thread, of the
 * process, else of the environment. */
static __thread int thread_domid = -1;
static _Atomic int process_domid = -1;

/* Which domain opens the next handle? */
uint16_t
xh_calling_domid(void)
{
    if (thread_domid >= 0) {
        return thread_domid;
    }
    int domid = atomic_load(&process_domid);
    if (domid >= 0) {
        return domid;
    }
    const char *s = getenv("XENEMU_DOMID");
    return s ? strtoul(s, NULL, 10) : 0;
}

int
xenemu_act_as(int domid)
{
    int old = thread_domid;

    thread_domid = domid;
    return old;
}

/* Returns the slot of domain 'domid', or XH_NO_SLOT.  Takes no lock. */
uint8_t
xh_slot(uint16_t domid)
{
    return atomic_load_explicit(&xh.host->slot_of[domid],
                                memory_order_acquire);
}

/* As xh_slot(), but for domains only that were not destroyed. */
uint8_t
xh_slot_alive(uint16_t domid)
{
    uint8_t slot = xh_slot(domid);

    return (slot != XH_NO_SLOT
            && atomic_load(&xh_dom(slot)->state) != XH_DOM_DYING
            ? slot : XH_NO_SLOT);
}

static int
pick_domid(void)
{
    for (uint32_t n = 0; n < XH_MAX_DOMID; n++) {
        uint32_t domid = xh.host->next_domid;

        xh.host->next_domid = domid + 1 < XH_MAX_DOMID ? domid + 1 : 1;
        if (xh_slot(domid) == XH_NO_SLOT) {
            return domid;
        }
    }
    return -ENOSPC;
}

static int
pick_slot(void)
{
    for (int i = 0; i < XH_MAX_DOMS; i++) {
        if (atomic_load(&xh_dom(i)->state) == XH_DOM_FREE) {
            return i;
        }
    }
    return -ENOSPC;
}

static int
create_memory(uint32_t gen, uint32_t n_pages)
{
    char name[32];

    snprintf(name, sizeof name, "mem.%"PRIu32, gen);
    int fd = openat(xh.dirfd, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC,
                    0666);
    if (fd < 0) {
        return -errno;
    }
    int error = ftruncate(fd, (off_t) n_pages * XENEMU_PAGE_SIZE) ? -errno : 0;
    close(fd);
    return error;
}

/* Gives every domain what the domain builder gives it: the XenStore page,
 * granted to domain 0, and an unbound port for xenstored. */
static int
equip(uint8_t slot)
{
    struct xh_dom *dom = xh_dom(slot);
    uint32_t port = xh_port_new_locked(slot);

    if (!port) {
        return -ENOSPC;
    }
    xh.host->ports[slot][port].keep = true;
    atomic_store(&xh.host->ports[slot][port].flags, XH_PORT_MASKED);
    atomic_store(&xh.host->ports[slot][port].bind,
                 XH_BIND(XH_PORT_UNBOUND, 0, 0, 0));
    dom->store_port = port;
    atomic_fetch_or(&xh.host->pages[slot][0], 1);
    int32_t gref = xh_grant_new(slot, 0, XENEMU_STORE_PFN, false,
                                XH_STORE_GREF);
    return gref < 0 ? gref : 0;
}

static int
create_locked(uint16_t domid, const char *name, uint32_t n_pages,
              bool any_domid)
{
    if (!n_pages || n_pages > XH_MAX_PAGES || domid >= XH_MAX_DOMID) {
        return -EINVAL;
    }
    xh_reap_locked();
    int id = any_domid ? pick_domid() : domid;
    int slot = pick_slot();
    if (id < 0 || slot < 0) {
        return -ENOSPC;
    }
    if (xh_slot(id) != XH_NO_SLOT) {
        return -EEXIST;
    }

    struct xh_dom *dom = xh_dom(slot);
    uint32_t gen = ++xh.host->next_gen;
    int error = create_memory(gen, n_pages);
    if (error) {
        return error;
    }
    memset(dom, 0, sizeof *dom);
    dom->domid = id;
    dom->n_pages = n_pages;
    snprintf(dom->name, sizeof dom->name, "%s", name);
    atomic_store(&dom->gen, gen);
    if ((uint32_t) slot >= xh.host->dom_top) {
        xh.host->dom_top = slot + 1;
    }
    error = equip(slot);
    if (error) {
        return error;
    }
    atomic_store(&dom->state, XH_DOM_RUNNING);
    atomic_store(&xh.host->slot_of[id], slot);
    return slot;
}

/* Creates domain 'domid' (or, if 'any_domid', the next one that is free) with
 * 'n_pages' pages of memory.  Returns its slot or -errno. */
int
xh_domain_create(uint16_t domid, const char *name, uint32_t n_pages,
                 bool any_domid)
{
    xh_lock();
    int slot = create_locked(domid, name, n_pages, any_domid);
    xh_unlock();
    return slot;
}

/* Ends the domain in 'slot': nobody can map, copy or bind any more.  What is
 * mapped stays, and keeps it as a zombie. */
void
xh_domain_kill_locked(uint8_t slot)
{
    struct xh_dom *dom = xh_dom(slot);

    atomic_store(&dom->state, XH_DOM_DYING);
    for (uint32_t port = 0; port < dom->port_top; port++) {
        xh_port_close_locked(slot, port);
    }
    xh_domain_try_free_locked(slot);
}

static bool
is_being_copied(uint8_t slot)
{
    uint32_t top = atomic_load(&xh.host->copier_top);

    for (uint32_t i = 0; i < top; i++) {
        struct xh_copier *copier = &xh.host->copiers[i];
        uint32_t n = atomic_load(&copier->n_keys);

        for (uint32_t j = 0; j < n; j++) {
            uint32_t key = atomic_load(&copier->keys[j]);
            if (key && XH_KEY_SLOT(key) == slot) {
                return true;
            }
        }
    }
    return false;
}

/* Zeroes part of the host's file, giving its memory back where possible. */
static void
zero(void *p, size_t n)
{
    if (madvise(p, n, MADV_REMOVE)) {
        memset(p, 0, n);
    }
}

/* Takes a dying domain that nobody uses any more out of the table. */
bool
xh_domain_try_free_locked(uint8_t slot)
{
    struct xh_dom *dom = xh_dom(slot);
    char name[32];

    if (atomic_load(&dom->state) != XH_DOM_DYING || dom->n_mapped
        || is_being_copied(slot)) {
        return false;
    }
    atomic_store(&xh.host->slot_of[dom->domid], XH_NO_SLOT);
    snprintf(name, sizeof name, "mem.%"PRIu32, atomic_load(&dom->gen));
    unlinkat(xh.dirfd, name, 0);

    zero(xh.host->grants[slot], sizeof xh.host->grants[slot]);
    zero(xh.host->ports[slot], sizeof xh.host->ports[slot]);
    zero(xh.host->pages[slot], sizeof xh.host->pages[slot]);
    for (uint32_t i = 0; i < xh.host->proc_top; i++) {
        xh.host->procs[i].runs[slot / 64] &= ~(UINT64_C(1) << slot % 64);
    }
    atomic_store(&dom->state, XH_DOM_FREE);
    return true;
}

/* Takes a page of the domain in 'slot'.  Returns UINT32_MAX if none is free.
 * Takes no lock. */
uint32_t
xh_page_alloc(uint8_t slot)
{
    struct xh_dom *dom = xh_dom(slot);
    uint32_t n_words = (dom->n_pages + 63) / 64;
    uint32_t start = atomic_load(&dom->page_hint);

    for (uint32_t i = 0; i < n_words; i++) {
        uint32_t w = (start + i) % n_words;
        _Atomic uint64_t *word = &xh.host->pages[slot][w];
        uint64_t old = atomic_load(word);

        while (~old) {
            int bit = __builtin_ctzll(~old);

            if (w * 64 + bit >= dom->n_pages) {
                break;
            }
            if (atomic_compare_exchange_weak(word, &old,
                                             old | UINT64_C(1) << bit)) {
                atomic_store(&dom->page_hint, w);
                return w * 64 + bit;
            }
        }
    }
    return UINT32_MAX;
}

void
xh_page_free(uint8_t slot, uint32_t pfn)
{
    struct xh_dom *dom = xh_dom(slot);

    if (pfn < dom->n_pages) {
        atomic_fetch_and(&xh.host->pages[slot][pfn / 64],
                         ~(UINT64_C(1) << pfn % 64));
        atomic_store(&dom->page_hint, pfn / 64);
    }
}

static struct xenemu_dom *
dom_open(uint16_t domid, int *error)
{
    uint8_t slot = xh_slot(domid);

    *error = slot == XH_NO_SLOT ? ENOENT : ESRCH;
    if (xh_slot_alive(domid) == XH_NO_SLOT) {
        return NULL;
    }

    int fd = xh_mem_open(slot, O_RDWR);
    struct xenemu_dom *dom = calloc(1, sizeof *dom);
    if (fd < 0 || !dom) {
        *error = errno;
    } else {
        dom->epoch = xh.epoch;
        dom->gen = atomic_load(&xh_dom(slot)->gen);
        dom->domid = domid;
        dom->slot = slot;
        dom->n_pages = xh_dom(slot)->n_pages;
        dom->base = xh_map_file(fd, (size_t) dom->n_pages * XENEMU_PAGE_SIZE);
        *error = dom->base ? 0 : errno;
    }
    if (fd >= 0) {
        xh_close_briefly(fd);
    }
    if (*error) {
        free(dom);
        return NULL;
    }
    pthread_mutex_init(&dom->mutex, NULL);
    xh.host->procs[xh.index].runs[slot / 64] |= UINT64_C(1) << slot % 64;
    return dom;
}

struct xenemu_dom *
xenemu_dom_open(const char *dir, uint16_t domid)
{
    int error = -xh_acquire(dir);

    if (error) {
        errno = error;
        return NULL;
    }
    xh_lock();
    struct xenemu_dom *dom = dom_open(domid, &error);
    xh_unlock();
    if (!dom) {
        xh_release();
        errno = error;
        return NULL;
    }
    atomic_store(&process_domid, domid);
    return dom;
}

void
xenemu_dom_close(struct xenemu_dom *dom)
{
    int expected;

    if (!dom) {
        return;
    }
    expected = dom->domid;
    atomic_compare_exchange_strong(&process_domid, &expected, -1);
    munmap(dom->base, (size_t) dom->n_pages * XENEMU_PAGE_SIZE);
    if (dom->epoch == xh.epoch) {
        xh_lock();
        xh.host->procs[xh.index].runs[dom->slot / 64]
            &= ~(UINT64_C(1) << dom->slot % 64);
        xh_unlock();
        xh_release();
    }
    pthread_mutex_destroy(&dom->mutex);
    free(dom);
}

/* Is the domain still the one that was opened? */
static bool
is_current(const struct xenemu_dom *dom)
{
    return dom->epoch == xh.epoch
           && atomic_load_explicit(&xh_dom(dom->slot)->gen,
                                   memory_order_relaxed) == dom->gen
           && atomic_load_explicit(&xh_dom(dom->slot)->state,
                                   memory_order_relaxed) != XH_DOM_FREE;
}

uint32_t
xenemu_dom_n_pages(const struct xenemu_dom *dom)
{
    return dom->n_pages;
}

void *
xenemu_dom_page(const struct xenemu_dom *dom, uint32_t pfn)
{
    return (pfn < dom->n_pages
            ? dom->base + (size_t) pfn * XENEMU_PAGE_SIZE : NULL);
}

uint32_t
xenemu_dom_alloc_page(struct xenemu_dom *dom)
{
    return is_current(dom) ? xh_page_alloc(dom->slot) : UINT32_MAX;
}

void
xenemu_dom_free_page(struct xenemu_dom *dom, uint32_t pfn)
{
    if (is_current(dom)) {
        xh_page_free(dom->slot, pfn);
    }
}

static int32_t
pop_free(struct xenemu_dom *dom)
{
    pthread_mutex_lock(&dom->mutex);
    int32_t gref = dom->n_free ? (int32_t) dom->free[--dom->n_free] : -1;
    pthread_mutex_unlock(&dom->mutex);
    return gref;
}

int32_t
xenemu_grant(struct xenemu_dom *dom, uint16_t to, uint32_t pfn, bool readonly)
{
    if (!is_current(dom)) {
        return -ESRCH;
    }
    if (pfn >= dom->n_pages) {
        return -EINVAL;
    }
    return xh_grant_new(dom->slot, to, pfn, readonly, pop_free(dom));
}

int
xenemu_ungrant(struct xenemu_dom *dom, uint32_t gref)
{
    if (!is_current(dom)) {
        return -ESRCH;
    }
    int error = xh_grant_end(dom->slot, gref);
    if (error == -EBUSY) {
        /* Perhaps it is only a dead process that has it in use. */
        xh_reap();
        error = xh_grant_end(dom->slot, gref);
    }
    if (!error) {
        pthread_mutex_lock(&dom->mutex);
        if (dom->n_free < sizeof dom->free / sizeof dom->free[0]) {
            dom->free[dom->n_free++] = gref;
        }
        pthread_mutex_unlock(&dom->mutex);
    }
    return error;
}

void
xenemu_revoke(struct xenemu_dom *dom, uint32_t gref)
{
    if (is_current(dom) && gref < XH_MAX_GREFS) {
        _Atomic uint64_t *word = &xh.host->grants[dom->slot][gref].word;
        uint64_t old = atomic_load(word);

        while (old & XH_GRANT_VALID
               && !atomic_compare_exchange_weak(
                      word, &old, ((old & ~XH_GRANT_VALID)
                                   | XH_GRANT_REVOKED))) {
            continue;
        }
    }
}

uint32_t
xenemu_dom_store_port(const struct xenemu_dom *dom)
{
    return is_current(dom) ? xh_dom(dom->slot)->store_port : 0;
}

int
xenemu_get_counters(const char *dir, uint16_t domid,
                    struct xenemu_counters *counters)
{
    int error = xh_attach(dir);

    if (error) {
        return error;
    }
    uint8_t slot = xh_slot(domid);
    if (slot == XH_NO_SLOT) {
        return -ENOENT;
    }
#define XENEMU_COUNTER(NAME)                                            \
    counters->NAME = atomic_load_explicit(                              \
        &xh_dom(slot)->counters[XH_CNT_##NAME], memory_order_relaxed);
    XENEMU_COUNTERS
#undef XENEMU_COUNTER
    return 0;
}

/* Is the port one end of a connection between a domain and xenstored? */
static bool
is_store_port(uint8_t slot, uint32_t p)
{
    const struct xh_port *port = &xh.host->ports[slot][p];
    uint64_t bind = atomic_load(&port->bind);

    return (port->keep || XH_BIND_STATE(bind) == XH_PORT_VIRQ
            || (XH_BIND_STATE(bind) == XH_PORT_INTERDOMAIN
                && xh.host->ports[XH_BIND_SLOT(bind)][XH_BIND_PORT(bind)]
                   .keep));
}

static uint32_t
count_ports(uint8_t slot)
{
    uint32_t n = 0;

    for (uint32_t p = 0; p < xh_dom(slot)->port_top; p++) {
        n += (!xh_port_is(slot, p, XH_PORT_FREE) && !is_store_port(slot, p));
    }
    return n;
}

int
xenemu_get_usage(const char *dir, uint16_t domid, uint32_t *n_mapped,
                 uint32_t *n_ports)
{
    int error = xh_attach(dir);

    if (error) {
        return error;
    }
    xh_lock();
    xh_reap_locked();
    uint8_t slot = xh_slot(domid);
    if (slot == XH_NO_SLOT) {
        error = -ENOENT;
    } else {
        *n_mapped = (xh_dom(slot)->n_mapped
                     - atomic_load(&xh.host->grants[slot][XH_STORE_GREF]
                                   .n_maps));
        *n_ports = count_ports(slot);
    }
    xh_unlock();
    return error;
}
