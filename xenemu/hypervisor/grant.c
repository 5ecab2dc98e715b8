/* SPDX-License-Identifier: Apache-2.0 */

/* Grant tables: granting, ending a grant, and the copiers that keep a grant
 * from being ended while they use it.
 *
 * A copier writes down which grants it is about to use and looks at their
 * entries only then; who ends a grant marks its entry and looks only then
 * whether a copier has written it down.  With a full barrier between the two
 * steps on both sides, at least one of them sees the other.  No counter has
 * to be corrected when a copier is killed: what it wrote down is erased. */

#include "hypervisor/host.h"

#include <errno.h>
#include <sched.h>
#include <unistd.h>

static __thread struct {
    struct xh_copier *copier;
    uint32_t epoch;
} my_copier;
static pthread_key_t copier_key;
static pthread_once_t copier_once = PTHREAD_ONCE_INIT;

static void
forget(struct xh_copier *copier)
{
    atomic_store(&copier->n_keys, 0);
    atomic_store(&copier->proc, 0);
}

static void
thread_exit(void *copier)
{
    if (my_copier.copier == copier && my_copier.epoch == xh.epoch
        && xh.host) {
        forget(copier);
    }
}

static void
make_copier_key(void)
{
    pthread_key_create(&copier_key, thread_exit);
}

static struct xh_copier *
copier_new(void)
{
    pthread_once(&copier_once, make_copier_key);
    for (uint32_t i = 0; i < XH_MAX_COPIERS; i++) {
        struct xh_copier *copier = &xh.host->copiers[i];
        uint32_t expected = 0;

        if (atomic_compare_exchange_strong(&copier->proc, &expected,
                                           xh.index + 1)) {
            uint32_t top = atomic_load(&xh.host->copier_top);
            while (top <= i && !atomic_compare_exchange_weak(
                       &xh.host->copier_top, &top, i + 1)) {
                continue;
            }
            my_copier.copier = copier;
            my_copier.epoch = xh.epoch;
            pthread_setspecific(copier_key, copier);
            return copier;
        }
    }
    return NULL;
}

/* Returns the calling thread's copier, or NULL if there are too many. */
struct xh_copier *
xh_copier_get(void)
{
    return (my_copier.copier && my_copier.epoch == xh.epoch
            ? my_copier.copier : copier_new());
}

/* Erases the copiers of process 'proc', which is dead. */
void
xh_copiers_forget(unsigned int proc)
{
    uint32_t top = atomic_load(&xh.host->copier_top);

    for (uint32_t i = 0; i < top; i++) {
        if (atomic_load(&xh.host->copiers[i].proc) == proc + 1) {
            forget(&xh.host->copiers[i]);
        }
    }
}

static bool
is_being_copied(uint32_t key)
{
    uint32_t top = atomic_load_explicit(&xh.host->copier_top,
                                        memory_order_acquire);

    for (uint32_t i = 0; i < top; i++) {
        struct xh_copier *copier = &xh.host->copiers[i];
        uint32_t n = atomic_load_explicit(&copier->n_keys,
                                          memory_order_acquire);

        for (uint32_t j = 0; j < n; j++) {
            if (atomic_load_explicit(&copier->keys[j], memory_order_relaxed)
                == key) {
                return true;
            }
        }
    }
    return false;
}

/* Returns the entry of 'gref' once nobody is in the middle of ending it.  The
 * caller has written the grant down already (or counted its map), so that the
 * end fails if it comes later.  Takes no lock. */
uint64_t
xh_grant_settled(uint8_t slot, uint32_t gref)
{
    _Atomic uint64_t *word = &xh.host->grants[slot][gref].word;
    uint64_t value = atomic_load_explicit(word, memory_order_acquire);

    for (int i = 0; value & XH_GRANT_ENDING; i++) {
        if (i > 20000) {
            return 0;           /* Who was ending it died over that. */
        }
        if (i > 100) {
            sched_yield();
        }
        value = atomic_load_explicit(word, memory_order_acquire);
    }
    return value;
}

static bool
claim(uint8_t slot, uint32_t gref, uint64_t value)
{
    struct xh_grant *grant = &xh.host->grants[slot][gref];
    uint64_t expected = 0;

    return !atomic_load_explicit(&grant->word, memory_order_relaxed)
           && !atomic_load(&grant->n_maps)
           && atomic_compare_exchange_strong(&grant->word, &expected, value);
}

static void
raise_top(struct xh_dom *dom, uint32_t gref)
{
    uint32_t top = atomic_load_explicit(&dom->gref_top, memory_order_relaxed);

    while (top <= gref && !atomic_compare_exchange_weak(&dom->gref_top, &top,
                                                        gref + 1)) {
        continue;
    }
}

/* Grants page 'pfn' of the domain in 'slot' to domain 'to'.  Tries reference
 * 'want' first unless that is negative.  Returns the reference, or -ENOSPC.
 * Takes no lock. */
int32_t
xh_grant_new(uint8_t slot, uint16_t to, uint32_t pfn, bool readonly,
             int32_t want)
{
    struct xh_dom *dom = xh_dom(slot);
    uint64_t value = (XH_GRANT_WORD(to, pfn) | XH_GRANT_VALID
                      | (readonly ? XH_GRANT_RO : 0));

    if (want >= 0 && claim(slot, want, value)) {
        raise_top(dom, want);
        return want;
    }
    for (uint32_t i = 0; i < XH_MAX_GREFS; i++) {
        uint32_t n = atomic_fetch_add_explicit(&dom->gref_hint, 1,
                                               memory_order_relaxed);
        uint32_t gref = (XENEMU_FIRST_GREF
                         + n % (XH_MAX_GREFS - XENEMU_FIRST_GREF));

        if (claim(slot, gref, value)) {
            raise_top(dom, gref);
            return gref;
        }
    }
    return -ENOSPC;
}

/* Ends a grant and frees its reference.  Returns 0, -EBUSY if it is mapped or
 * being copied, -EINVAL if there is no such grant.  Takes no lock. */
int
xh_grant_end(uint8_t slot, uint32_t gref)
{
    if (gref >= XH_MAX_GREFS) {
        return -EINVAL;
    }

    struct xh_grant *grant = &xh.host->grants[slot][gref];
    uint64_t value = atomic_load(&grant->word);
    do {
        if (!(value & (XH_GRANT_VALID | XH_GRANT_REVOKED))) {
            return -EINVAL;
        }
        if (value & XH_GRANT_ENDING || atomic_load(&grant->n_maps)) {
            return -EBUSY;
        }
    } while (!atomic_compare_exchange_weak(&grant->word, &value,
                                           value | XH_GRANT_ENDING));

    atomic_thread_fence(memory_order_seq_cst);
    if (atomic_load(&grant->n_maps) || is_being_copied(XH_KEY(slot, gref))) {
        atomic_fetch_and(&grant->word, ~XH_GRANT_ENDING);
        return -EBUSY;
    }
    atomic_store(&grant->word, 0);
    return 0;
}
