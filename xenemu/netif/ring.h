/* SPDX-License-Identifier: Apache-2.0 */

#ifndef NETIF_RING_H
#define NETIF_RING_H 1

/* The frontend's access to the memory of a netif ring.
 *
 * Everything in a ring page is written by two processes at once, so nothing
 * here hands out pointers into it: each word is loaded or stored exactly
 * once, with the memory order that the protocol needs, and slots are copied
 * to or from private structures. */

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <xen/xen.h>
#include <xen/io/netif.h>

#define NETIF_RING_SIZE 256     /* Slots of a TX or an RX ring. */
#define NETIF_SLOT(IDX) ((IDX) & (NETIF_RING_SIZE - 1))
#define NETIF_PAGE_SIZE 4096
#define NETIF_MAX_DATA_SLOTS XEN_NETIF_NR_SLOTS_MIN

#define NETIF_CTRL_RING_SIZE 128 /* Slots of a control ring. */

/* Linux's copy of the header knows one type of extra info more than Xen's: the
 * headroom of a frame, a 16-bit number. */
#define NETIF_EXTRA_TYPE_XDP 5

/* Offset of the slots in a ring page. */
#define NETIF_RING_SLOTS 64

/* The shared words at the start of a ring page. */
enum netif_ring_word {
    NETIF_REQ_PROD,
    NETIF_REQ_EVENT,
    NETIF_RSP_PROD,
    NETIF_RSP_EVENT
};

_Static_assert(sizeof(struct netif_tx_request) == 12, "TX request");
_Static_assert(sizeof(struct netif_tx_response) == 4, "TX response");
_Static_assert(sizeof(struct netif_rx_request) == 8, "RX request");
_Static_assert(sizeof(struct netif_rx_response) == 8, "RX response");
_Static_assert(sizeof(struct netif_extra_info) == 8, "extra info");
_Static_assert(sizeof(struct xen_netif_ctrl_request) == 16, "message");
_Static_assert(sizeof(struct xen_netif_ctrl_response) == 12, "answer");

/* Loads a shared index word; later loads of slots are not moved before it. */
static inline uint32_t
netif_ring_load(const void *page, enum netif_ring_word word)
{
    return __atomic_load_n((const uint32_t *) page + word, __ATOMIC_ACQUIRE);
}

/* Stores a shared index word; earlier stores to slots are visible first. */
static inline void
netif_ring_store(void *page, enum netif_ring_word word, uint32_t value)
{
    __atomic_store_n((uint32_t *) page + word, value, __ATOMIC_RELEASE);
}

/* Initializes a ring page whose indexes all start at 'start', which is 0
 * for every known guest.  The event indexes then are one ahead, so that the
 * first publish of either side notifies. */
static inline void
netif_ring_init(void *page, uint32_t start)
{
    memset(page, 0, NETIF_PAGE_SIZE);
    netif_ring_store(page, NETIF_REQ_PROD, start);
    netif_ring_store(page, NETIF_REQ_EVENT, start + 1);
    netif_ring_store(page, NETIF_RSP_PROD, start);
    netif_ring_store(page, NETIF_RSP_EVENT, start + 1);
}

/* Publishes requests up to 'prod', of which those before 'old' have been
 * published before.  Returns true if the backend has asked for a
 * notification. */
static inline bool
netif_ring_push(void *page, uint32_t old, uint32_t prod)
{
    uint32_t event;

    netif_ring_store(page, NETIF_REQ_PROD, prod);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    event = netif_ring_load(page, NETIF_REQ_EVENT);
    return prod - event < prod - old;
}

/* Asks for an event once the responses before 'event' are published, while
 * those before 'cons' have been taken.  Returns true if there is something to
 * take already, in which case there may be no event for it. */
static inline bool
netif_ring_arm_at(void *page, uint32_t cons, uint32_t event)
{
    netif_ring_store(page, NETIF_RSP_EVENT, event);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    return netif_ring_load(page, NETIF_RSP_PROD) != cons;
}

/* Asks for an event once response 'cons' is published.  Returns true if it
 * is already, in which case there will be no event for it. */
static inline bool
netif_ring_arm(void *page, uint32_t cons)
{
    return netif_ring_arm_at(page, cons, cons + 1);
}

static inline void
netif_store_words(void *page, unsigned int ofs, const void *src,
                  unsigned int n_words)
{
    uint32_t *dst = (void *) ((char *) page + ofs);

    for (unsigned int i = 0; i < n_words; i++) {
        uint32_t word;

        memcpy(&word, (const char *) src + 4 * i, 4);
        __atomic_store_n(&dst[i], word, __ATOMIC_RELAXED);
    }
}

static inline void
netif_tx_put(void *page, uint32_t idx, const struct netif_tx_request *req)
{
    netif_store_words(page, NETIF_RING_SLOTS + 12 * NETIF_SLOT(idx), req, 3);
}

static inline void
netif_tx_put_extra(void *page, uint32_t idx,
                   const struct netif_extra_info *extra)
{
    netif_store_words(page, NETIF_RING_SLOTS + 12 * NETIF_SLOT(idx), extra,
                      2);
}

static inline struct netif_tx_response
netif_tx_get(const void *page, uint32_t idx)
{
    const uint32_t *src;
    struct netif_tx_response rsp;
    uint32_t word;

    src = (const void *) ((const char *) page + NETIF_RING_SLOTS
                              + 12 * NETIF_SLOT(idx));
    word = __atomic_load_n(src, __ATOMIC_RELAXED);
    memcpy(&rsp, &word, sizeof rsp);
    return rsp;
}

static inline void
netif_rx_put(void *page, uint32_t idx, const struct netif_rx_request *req)
{
    netif_store_words(page, NETIF_RING_SLOTS + 8 * NETIF_SLOT(idx), req, 2);
}

/* A response of the RX ring, or an extra info in the place of one. */
union netif_rx_answer {
    struct netif_rx_response rsp;
    struct netif_extra_info extra;
    uint64_t word;
};

static inline union netif_rx_answer
netif_rx_get(const void *page, uint32_t idx)
{
    const uint64_t *src;
    union netif_rx_answer answer;

    src = (const void *) ((const char *) page + NETIF_RING_SLOTS
                              + 8 * NETIF_SLOT(idx));
    answer.word = __atomic_load_n(src, __ATOMIC_RELAXED);
    return answer;
}

/* Offset of slot 'idx' of a control ring. */
static inline unsigned int
netif_ctrl_ofs(uint32_t idx)
{
    return NETIF_RING_SLOTS + 16 * (idx & (NETIF_CTRL_RING_SIZE - 1));
}

static inline void
netif_ctrl_put(void *page, uint32_t idx,
               const struct xen_netif_ctrl_request *req)
{
    netif_store_words(page, netif_ctrl_ofs(idx), req, 4);
}

static inline struct xen_netif_ctrl_response
netif_ctrl_get(const void *page, uint32_t idx)
{
    const uint32_t *src;
    struct xen_netif_ctrl_response rsp;
    uint32_t words[3];

    src = (const void *) ((const char *) page + netif_ctrl_ofs(idx));
    for (unsigned int i = 0; i < 3; i++) {
        words[i] = __atomic_load_n(&src[i], __ATOMIC_RELAXED);
    }
    memcpy(&rsp, words, sizeof rsp);
    return rsp;
}

#endif /* netif/ring.h */
