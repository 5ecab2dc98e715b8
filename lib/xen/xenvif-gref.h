/* SPDX-License-Identifier: Apache-2.0 */

#ifndef XENVIF_GREF_H
#define XENVIF_GREF_H 1

/* Pages of a guest that stay mapped, by grant reference: those that the guest
 * named over the control ring ("gref mappings" of netif.h), or all that it
 * uses, if both sides agreed on persistent grants.
 *
 * A slot that refers to such a page is served by memcpy, without a call into
 * the hypervisor.  The page is shared memory as long as it is mapped: what is
 * copied out of it is copied once and judged afterwards.
 *
 * Pages are mapped a list at a time, with one call, which takes one of the
 * mappings that the kernel lets a process have.  They can only be unmapped in
 * the same way.  When a guest takes back some pages of a list, the others are
 * mapped anew; until then, they are copied like any other page.
 *
 * The control thread changes the table of a queue, other threads look things
 * up in it. */

#include <stdbool.h>
#include <stdint.h>

#include "cmap.h"
#include "openvswitch/list.h"
#include "openvswitch/thread.h"
#include "ovs-atomic.h"

struct latch;
struct xenvif_budget;

/* Entries that a queue's table may have: two rings full. */
#define XENVIF_GREF_MAX 512

/* References that wait to be mapped. */
#define XENVIF_GREF_WANTED_MAX 64

/* What a page is mapped as. */
struct xenvif_gref_id {
    uint32_t gref;
    bool readonly;              /* Can only be read. */
};

struct xenvif_gref {
    struct cmap_node node;
    struct xenvif_gref_id id;
    uint8_t *page;
    struct xenvif_gref_map *map; /* That it is a part of. */
    bool gone;                  /* Did the guest take it back? */
};

/* Pages that were mapped with one call. */
struct xenvif_gref_map {
    struct ovs_list list_node;
    uint8_t *pages;
    uint32_t n;
    bool doomed;                /* In the table's list 'doomed'? */
    struct xenvif_gref entries[]; /* 'n' of them. */
};

struct xenvif_gref_table {
    uint16_t domid;             /* The guest's. */
    struct cmap map;            /* Of struct xenvif_gref. */

    /* Control thread only. */
    struct xenvif_budget *budget; /* Of the guest; not owned. */
    struct ovs_list maps;       /* Whose pages can be found. */
    struct ovs_list doomed;     /* Whose pages cannot any more. */
    uint64_t n_refused;         /* Pages that were one too many. */

    /* Persistent grants: references seen in the rings that are not mapped. */
    bool persistent;            /* Constant. */
    atomic_llong retry_at;      /* ms: not to be looked at before. */
    struct latch *wakeup;       /* Of the control thread; not owned. */
    struct ovs_mutex mutex;
    unsigned int n_wanted OVS_GUARDED;
    struct xenvif_gref_id wanted[XENVIF_GREF_WANTED_MAX] OVS_GUARDED;
};

void xenvif_gref_table_init(struct xenvif_gref_table *, uint16_t domid,
                            bool persistent, struct xenvif_budget *,
                            struct latch *wakeup);

/* Unmaps everything.  No other thread may be using the table any more. */
void xenvif_gref_table_destroy(struct xenvif_gref_table *);

/* Stores what is mapped in 'list', by ascending reference, and returns how
 * much that is.  Control thread. */
uint32_t xenvif_gref_list(const struct xenvif_gref_table *,
                          struct xenvif_gref_id list[XENVIF_GREF_MAX]);

/* Returns where page 'gref' is mapped, writable if 'write', or NULL.  Valid
 * until the calling thread quiesces.  Most guests have nothing mapped, which
 * is found out without a call. */
uint8_t *xenvif_gref_lookup__(struct xenvif_gref_table *, uint32_t gref,
                              bool write);

static inline uint8_t *
xenvif_gref_lookup(struct xenvif_gref_table *table, uint32_t gref, bool write)
{
    return (OVS_UNLIKELY(table->persistent || !cmap_is_empty(&table->map))
            ? xenvif_gref_lookup__(table, gref, write) : NULL);
}

/* Maps all 'n' pages in 'list', which it sorts, or none of them.  Returns
 * false if one of them cannot be mapped, is mapped already, or is in the list
 * twice, or if they are more than the table or the guest's budget has room
 * for.  Control thread. */
bool xenvif_gref_add(struct xenvif_gref_table *, struct xenvif_gref_id *list,
                     uint32_t n);

/* Maps those of the 'n' pages in 'list' that can be mapped.  Gives up when
 * that has failed a few times: whoever lists what cannot be mapped does not
 * keep the control thread busy.  Returns true if all of them are mapped now.
 * Control thread. */
bool xenvif_gref_add_some(struct xenvif_gref_table *,
                          struct xenvif_gref_id *list, uint32_t n);

/* Makes the 'n' pages in 'grefs' impossible to find.  Stores in 'found' which
 * of them were mapped; returns how many.  They stay mapped until
 * xenvif_gref_settle().  Control thread. */
uint32_t xenvif_gref_remove(struct xenvif_gref_table *, const uint32_t *grefs,
                            uint32_t n, bool *found);

/* Unmaps what was removed, a grace period (see xenvif-grace.h) ago.  Control
 * thread. */
void xenvif_gref_settle(struct xenvif_gref_table *);

/* Maps what other threads looked up in vain, if grants are persistent.  If
 * something cannot be mapped, what they look up in the next second is not even
 * noted: a guest that uses references that cannot be mapped, or one too many
 * on a host where no more may be, does not keep the control thread busy.
 * Control thread. */
void xenvif_gref_run(struct xenvif_gref_table *);

#endif /* xenvif-gref.h */
