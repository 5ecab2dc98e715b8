/* SPDX-License-Identifier: Apache-2.0 */

#ifndef XENVIF_RING_H
#define XENVIF_RING_H 1

/* The backend's end of a ring shared with a guest.
 *
 * This is the only code that touches the memory of a shared ring.  The guest
 * may change every byte of it at any moment, so:
 *
 *   - a slot is read exactly once, word by word, into private memory, with
 *     accesses that the compiler can neither repeat nor split (XSA-155);
 *
 *   - nothing that the backend owns (its consumer and response indexes) is
 *     ever read back from shared memory;
 *
 *   - indexes run freely through 2**32 and are only compared by difference.
 *
 * Layout and index rules: xen/include/public/io/ring.h.
 *
 * Thread-safety: a struct xenvif_ring belongs to one thread at a time, except
 * for xenvif_ring_snapshot(). */

#include <stdbool.h>
#include <stdint.h>

#include "compiler.h"
#include "ovs-atomic.h"
#include "util.h"

/* Bytes of the page that a ring occupies. */
#define XENVIF_PAGE_SIZE 4096

/* Number of slots in a TX or RX ring and words of 32 bits in a slot: what
 * netif.h calls netif_tx and netif_rx, in one page. */
enum {
    XENVIF_TX_RING_SIZE = 256,
    XENVIF_TX_SLOT_WORDS = 3,
    XENVIF_RX_RING_SIZE = 256,
    XENVIF_RX_SLOT_WORDS = 2,
};

/* A shared ring page, as it lies in memory. */
struct xenvif_ring_page {
    ATOMIC(uint32_t) req_prod;  /* Written by the guest. */
    ATOMIC(uint32_t) req_event; /* Written by us: kick us when passed. */
    ATOMIC(uint32_t) rsp_prod;  /* Written by us. */
    ATOMIC(uint32_t) rsp_event; /* Written by the guest. */
    uint8_t pad[48];
    ATOMIC(uint32_t) words[(XENVIF_PAGE_SIZE - 64) / 4];
};
BUILD_ASSERT_DECL(sizeof(struct xenvif_ring_page) == XENVIF_PAGE_SIZE);

struct xenvif_ring {
    struct xenvif_ring_page *page; /* Shared; not owned. */
    uint32_t size;                 /* Slots, a power of 2. */
    uint32_t slot_words;           /* Words per slot. */

    /* Private indexes.  Requests are answered in order, so a request that was
     * consumed but not answered lies in [rsp_prod, req_cons). */
    uint32_t req_cons;             /* Next request to consume. */
    uint32_t rsp_prod;             /* Next response to write. */

    /* Copy of 'rsp_prod' for threads that do not own the ring.  The one in the
     * shared page would be the guest's word. */
    atomic_uint32_t rsp_shown;
};

/* Where a ring is, as any thread may know it. */
struct xenvif_ring_snapshot {
    uint32_t req_prod;             /* The guest's. */
    uint32_t rsp_prod;             /* What was answered; between two bursts,
                                    * also what was consumed. */
    uint32_t size;                 /* Slots. */
};

/* Returns the number of requests that the guest published and we did not
 * answer, from the private view of 'ring' and the value 'req_prod'.  More than
 * 'ring->size' means that the guest broke the ring. */
static inline uint32_t
xenvif_ring_n_unanswered(const struct xenvif_ring *ring, uint32_t req_prod)
{
    return req_prod - ring->rsp_prod;
}

/* Reads the guest's producer index, so that the slots before it can be read
 * afterward. */
static inline uint32_t
xenvif_ring_req_prod(const struct xenvif_ring *ring)
{
    uint32_t prod;

    atomic_read_explicit(&ring->page->req_prod, &prod, memory_order_acquire);
    return prod;
}

/* Returns where 'ring', which is attached, is.  What is shown can be a burst
 * old.  Any thread. */
static inline struct xenvif_ring_snapshot
xenvif_ring_snapshot(const struct xenvif_ring *ring)
{
    struct xenvif_ring_snapshot snapshot = {
        .req_prod = xenvif_ring_req_prod(ring),
        .size = ring->size,
    };

    atomic_read_relaxed(&CONST_CAST(struct xenvif_ring *, ring)->rsp_shown,
                        &snapshot.rsp_prod);
    return snapshot;
}

/* Starts to serve the ring in 'page' at the place where an earlier backend or
 * a fresh frontend left it: the shared response index is the first request
 * without an answer, because responses are always published in order.
 *
 * Returns false if the indexes cannot be those of an honest guest. */
static inline bool
xenvif_ring_attach(struct xenvif_ring *ring, struct xenvif_ring_page *page,
                   uint32_t size, uint32_t slot_words)
{
    ring->page = page;
    ring->size = size;
    ring->slot_words = slot_words;
    atomic_read_relaxed(&page->rsp_prod, &ring->rsp_prod);
    atomic_init(&ring->rsp_shown, ring->rsp_prod);
    ring->req_cons = ring->rsp_prod;
    return xenvif_ring_n_unanswered(ring, xenvif_ring_req_prod(ring)) <= size;
}

/* Copies the request at free-running 'index' to 'words', which has room for
 * the ring's 'slot_words'.  Each word is fetched once. */
static inline void
xenvif_ring_read_slot(const struct xenvif_ring *ring, uint32_t index,
                      uint32_t *words)
{
    uint32_t slot = index & (ring->size - 1);

    for (uint32_t i = 0; i < ring->slot_words; i++) {
        atomic_read_relaxed(&ring->page->words[slot * ring->slot_words + i],
                            &words[i]);
    }
}

/* Writes the first 'n_words' of the response slot at free-running 'index'.
 * The guest may not look at it before xenvif_ring_publish(). */
static inline void
xenvif_ring_write_slot(struct xenvif_ring *ring, uint32_t index,
                       const uint32_t *words, uint32_t n_words)
{
    uint32_t slot = index & (ring->size - 1);

    for (uint32_t i = 0; i < n_words; i++) {
        atomic_store_relaxed(&ring->page->words[slot * ring->slot_words + i],
                             words[i]);
    }
}

/* Makes all responses before free-running index 'rsp_prod' visible to the
 * guest.  Returns true if the guest asked to be notified of one of them.
 *
 * The full barrier pairs with the one between the guest's store of rsp_event
 * and its last look at rsp_prod before it goes to sleep. */
static inline bool
xenvif_ring_publish(struct xenvif_ring *ring, uint32_t rsp_prod)
{
    uint32_t old = ring->rsp_prod;
    uint32_t event;

    ring->rsp_prod = rsp_prod;
    atomic_store_relaxed(&ring->rsp_shown, rsp_prod);
    atomic_store_explicit(&ring->page->rsp_prod, rsp_prod,
                          memory_order_release);
    atomic_thread_fence(memory_order_seq_cst);
    atomic_read_relaxed(&ring->page->rsp_event, &event);
    return rsp_prod - event < rsp_prod - old;
}

/* Leaves the request event index behind the producer, so that the guest's
 * pushes do not kick us.  It stays there untouched while we poll: the line is
 * the one that the guest's producer index lives in, and writing it for every
 * burst would take it away from the guest's CPU. */
static inline void
xenvif_ring_disarm(struct xenvif_ring *ring)
{
    atomic_store_relaxed(&ring->page->req_event, ring->req_cons);
}

/* Asks the guest for a kick as soon as 'n' requests past those consumed are
 * there.  Returns true if they already are, in which case the guest may not
 * kick, and the caller must not sleep.
 *
 * The full barrier pairs with the one between the guest's store of req_prod
 * and its look at req_event: without it both sides could miss each other and
 * the wakeup would be lost forever. */
static inline bool
xenvif_ring_arm(struct xenvif_ring *ring, uint32_t n)
{
    uint32_t prod;

    atomic_store_relaxed(&ring->page->req_event, ring->req_cons + n);
    atomic_thread_fence(memory_order_seq_cst);
    prod = xenvif_ring_req_prod(ring);
    return prod - ring->req_cons >= n;
}

#endif /* xenvif-ring.h */
