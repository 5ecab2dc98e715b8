/* SPDX-License-Identifier: Apache-2.0 */

#ifndef XENEMU_H
#define XENEMU_H 1

/* The emulated Xen host, as a guest's kernel sees it.
 *
 * A backend never includes this file: it uses libxengnttab, libxenevtchn and
 * libxenstore, whose ABI the emulation library answers.  A guest program needs
 * what those libraries do not offer because it is a kernel's business: memory
 * of its own that it grants and revokes page by page, and the page and port
 * over which it talks to xenstored.
 *
 * Everything that the domains of one host share lives in one folder, named by
 * the environment variable XENEMU_DIR.  Event channels of a guest are used
 * through the libxenevtchn ABI; the calling domain is the one that was opened
 * last with xenemu_dom_open() or, without such a call, the one named by the
 * environment variable XENEMU_DOMID (default: 0).
 *
 * All functions are thread-safe unless their comment says otherwise. */

#include <stdbool.h>
#include <stdint.h>

#define XENEMU_PAGE_SIZE 4096

/* Page frame numbers with a meaning of their own, in every domain. */
#define XENEMU_STORE_PFN 0      /* XenStore ring, granted as reference 1. */
#define XENEMU_FIRST_PFN 1      /* First page that the guest may use. */

/* References below this one are reserved, as on Xen
 * (GNTTAB_NR_RESERVED_ENTRIES). */
#define XENEMU_FIRST_GREF 8

struct xenemu_dom;

/* Attaches the calling process to domain 'domid' of the host in folder 'dir'
 * (NULL: $XENEMU_DIR) and records the process as one that runs the domain, so
 * that pausing or destroying the domain stops or kills it.  Returns NULL with
 * errno set if the host or the domain does not exist (ENOENT) or the domain is
 * dying (ESRCH). */
struct xenemu_dom *xenemu_dom_open(const char *dir, uint16_t domid);

/* Detaches.  Grants stay as they are: they belong to the domain.  Event
 * channels of this process are closed by xenevtchn_close() or its exit. */
void xenemu_dom_close(struct xenemu_dom *);

/* Number of pages of the domain's memory. */
uint32_t xenemu_dom_n_pages(const struct xenemu_dom *);

/* Address of page 'pfn' in this process; valid until xenemu_dom_close(). */
void *xenemu_dom_page(const struct xenemu_dom *, uint32_t pfn);

/* Takes a page out of the domain's free pages, or gives it back.  The content
 * is whatever it was, as in a kernel.  Returns UINT32_MAX if none is free. */
uint32_t xenemu_dom_alloc_page(struct xenemu_dom *);
void xenemu_dom_free_page(struct xenemu_dom *, uint32_t pfn);

/* Grants domain 'to' access to page 'pfn'.  Returns the reference, at least
 * XENEMU_FIRST_GREF, or a negative errno (-ENOSPC: table full). */
int32_t xenemu_grant(struct xenemu_dom *, uint16_t to, uint32_t pfn,
                     bool readonly);

/* Ends the access given by 'gref' and frees the reference.  Returns 0, or
 * -EBUSY if the other domain has the page mapped or is just copying, in which
 * case the grant stays; -EINVAL if 'gref' is not granted. */
int xenemu_ungrant(struct xenemu_dom *, uint32_t gref);

/* Ends the access without freeing the reference for reuse, at any moment a
 * hostile guest likes (the entry becomes invalid even while it is in use by a
 * running copy).  For tests. */
void xenemu_revoke(struct xenemu_dom *, uint32_t gref);

/* Local event channel port to xenstored, already connected by the toolstack.
 * To use it, a process takes it over with xenemu_evtchn_adopt(). */
uint32_t xenemu_dom_store_port(const struct xenemu_dom *);

/* Makes 'port' of the calling domain, which no process owns, deliver to the
 * event channel handle 'xce'.  Returns 0 or a negative errno. */
struct xenevtchn_handle;
int xenemu_evtchn_adopt(struct xenemu_dom *, struct xenevtchn_handle *xce,
                        uint32_t port);

/* What a domain did, as counted by the host.  All counts are of calls unless
 * they say otherwise, and never go backwards. */
#define XENEMU_COUNTERS                                                     \
    XENEMU_COUNTER(copy_calls)       /* Grant copy ioctls. */               \
    XENEMU_COUNTER(copy_hypercalls)  /* Those took these, 16 ops each. */   \
    XENEMU_COUNTER(copy_segments)    /* Segments asked for. */              \
    XENEMU_COUNTER(copy_errors)      /* Copy operations that failed. */      \
    XENEMU_COUNTER(copy_bytes)       /* Bytes copied. */                    \
    XENEMU_COUNTER(map_calls)                                               \
    XENEMU_COUNTER(map_pages)                                               \
    XENEMU_COUNTER(map_errors)                                              \
    XENEMU_COUNTER(unmap_calls)                                             \
    XENEMU_COUNTER(unmap_pages)                                             \
    XENEMU_COUNTER(notifies)         /* Event channel notifications sent. */ \
    XENEMU_COUNTER(events)           /* Event channel events delivered. */  \
    XENEMU_COUNTER(binds)                                                   \
    XENEMU_COUNTER(unbinds)                                                 \
    XENEMU_COUNTER(violations)       /* Uses that Xen would have refused. */

struct xenemu_counters {
#define XENEMU_COUNTER(NAME) uint64_t NAME;
    XENEMU_COUNTERS
#undef XENEMU_COUNTER
};

/* Reads the counters of domain 'domid' of the host in 'dir' (NULL:
 * $XENEMU_DIR).  Returns 0 or a negative errno. */
int xenemu_get_counters(const char *dir, uint16_t domid,
                        struct xenemu_counters *);

/* Pages of domain 'domid' that other domains have mapped at the moment, and
 * event channels it has open; both 0 once everything was cleaned up.  What
 * xenstored uses to talk to the domain is not counted.  Returns a negative
 * errno on failure. */
int xenemu_get_usage(const char *dir, uint16_t domid, uint32_t *n_mapped,
                     uint32_t *n_ports);

#endif /* xenemu.h */
