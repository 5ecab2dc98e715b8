/* SPDX-License-Identifier: Apache-2.0 */

#ifndef XENVIF_TX_PARSE_H
#define XENVIF_TX_PARSE_H 1

/* The grammar of the TX ring: from slots to packets.
 *
 * Everything here works on a private copy of the slots and touches nothing
 * else, so that it can be tested and fuzzed with an ordinary array.
 *
 * A packet is a request, then the extra infos that it announces, then further
 * requests as long as 'more_data' is set (xen/include/public/io/netif.h, "TX
 * packet layout").  The first request carries the size of the whole packet;
 * its own share is what the others leave. */

#include <stdbool.h>
#include <stdint.h>

#include <xen/xen.h>
#include <xen/io/netif.h>

#include "packet/xenvif-counters.h"
#include "xen/xenvif-ring.h"

/* Data slots of a packet: what every backend has to accept, and from where on
 * the guest is not just unlucky but broken.  The kernel's backend has the same
 * limits. */
enum {
    XENVIF_TX_MAX_DATA_SLOTS = 18,
    XENVIF_TX_FATAL_DATA_SLOTS = 20,
};

/* Extra info types are 1 ... XENVIF_EXTRA_MAX; Linux added the last one (XDP)
 * to its own copy of netif.h. */
enum { XENVIF_EXTRA_MAX = 5 };

/* The longest chain that is looked at. */
#define XENVIF_TX_MAX_CHAIN (XENVIF_TX_FATAL_DATA_SLOTS + XENVIF_EXTRA_MAX + 1)

/* A slot of the TX ring, copied out of it.  What it holds, a request or an
 * extra info, follows from the slots before it. */
union xenvif_tx_slot {
    uint32_t words[XENVIF_TX_SLOT_WORDS];
    struct netif_tx_request req;
    struct netif_extra_info extra;
};
BUILD_ASSERT_DECL(sizeof(union xenvif_tx_slot)
                  == XENVIF_TX_SLOT_WORDS * sizeof(uint32_t));

/* What a packet may be like. */
struct xenvif_tx_limits {
    uint32_t max_frame;         /* Bytes of a frame that is not GSO. */
    bool gso_v4, gso_v6;        /* GSO types agreed with the guest. */
};

/* One packet, as found in an array of slots. */
struct xenvif_tx_packet {
    unsigned int first;         /* Index of its first slot in the array. */
    unsigned int n_slots;       /* All its slots, extra infos included. */
    unsigned int n_extras;      /* Extra infos, directly after the first. */
    unsigned int n_data;        /* Requests: n_slots - n_extras. */
    uint32_t size;              /* Bytes of the packet. */
    uint32_t head_size;         /* Bytes of them in the first request. */
    uint16_t flags;             /* NETTXF_* of the first request. */

    /* From extra infos; 0 if there is none. */
    uint16_t gso_size;          /* Payload bytes per segment. */
    uint8_t gso_type;           /* XEN_NETIF_GSO_TYPE_*. */
    uint8_t multicast_op;       /* XEN_NETIF_EXTRA_TYPE_MCAST_*. */
    uint8_t multicast_addr[6];
};

/* Finds the packet that starts at 'slots[first]' and judges it.
 *
 * 'slots' has 'n' elements, of which 'first' is one.  If 'more' is true then
 * the guest published further slots that are not in the array.
 *
 * Fills in '*packet' and returns a verdict.  On a packet error, 'n_slots' and
 * 'n_extras' still tell which slots have to be answered.  After a vif error,
 * '*packet' says nothing.  XENVIF_TX_N_VERDICTS means that the packet's end
 * lies in slots that are not in the array; the caller has to come back with
 * them.  It is not returned if the array holds XENVIF_TX_MAX_CHAIN slots from
 * 'first' on. */
enum xenvif_tx_verdict
xenvif_tx_parse(const union xenvif_tx_slot *slots, unsigned int n,
                unsigned int first, bool more,
                const struct xenvif_tx_limits *, struct xenvif_tx_packet *);

/* Returns data slot 'i' of 'packet', 0 <= i < packet->n_data, and stores the
 * number of bytes it contributes in '*len'. */
static inline const struct netif_tx_request *
xenvif_tx_packet_data(const union xenvif_tx_slot *slots,
                      const struct xenvif_tx_packet *packet,
                      unsigned int i, uint32_t *len)
{
    unsigned int index = packet->first + i + (i ? packet->n_extras : 0);
    const struct netif_tx_request *req = &slots[index].req;

    *len = i ? req->size : packet->head_size;
    return req;
}

/* Returns true if 'slot', a request found unanswered in the ring of a backend
 * that died, was overwritten by its response already.  The response's status
 * is small and its id that of the request, which the response does not reach.
 * Once in a while a good reference looks the same: that packet is lost. */
static inline bool
xenvif_tx_slot_is_answered(const union xenvif_tx_slot *slot)
{
    uint16_t low = slot->words[0];
    int16_t high = slot->words[0] >> 16;

    return low == slot->req.id
           && (high == NETIF_RSP_OKAY || high == NETIF_RSP_ERROR
               || high == NETIF_RSP_DROPPED);
}

#endif /* xenvif-tx-parse.h */
