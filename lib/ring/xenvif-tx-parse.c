/* SPDX-License-Identifier: Apache-2.0 */

/* The grammar of the TX ring. */

#include <config.h>

#include "ring/xenvif-tx-parse.h"

#include <string.h>

#include "packets.h"

/* Where the parser is. */
struct cursor {
    const union xenvif_tx_slot *slots;
    unsigned int n;             /* Elements of 'slots'. */
    unsigned int i;             /* Next slot to look at. */
    bool more;                  /* Are there slots after the last? */
};

/* Returns the next slot, or NULL at the end of the array. */
static const union xenvif_tx_slot *
cursor_next(struct cursor *cursor)
{
    return cursor->i < cursor->n ? &cursor->slots[cursor->i++] : NULL;
}

/* Verdict on a chain that runs past the end of the array. */
static enum xenvif_tx_verdict
cursor_end(const struct cursor *cursor)
{
    return cursor->more ? XENVIF_TX_N_VERDICTS : XENVIF_TX_E_CUT;
}

static void
take_extra(const struct netif_extra_info *extra,
           struct xenvif_tx_packet *packet)
{
    switch (extra->type) {
    case XEN_NETIF_EXTRA_TYPE_GSO:
        packet->gso_size = extra->u.gso.size;
        packet->gso_type = extra->u.gso.type;
        break;

    case XEN_NETIF_EXTRA_TYPE_MCAST_ADD:
    case XEN_NETIF_EXTRA_TYPE_MCAST_DEL:
        packet->multicast_op = extra->type;
        memcpy(packet->multicast_addr, extra->u.mcast.addr,
               sizeof packet->multicast_addr);
        break;

    default:
        /* A hash is the guest's word against ours and only good to unbalance
         * the flow cache; XDP means something only on the way to a guest. */
        break;
    }
}

/* Walks the extra infos after the first request. */
static enum xenvif_tx_verdict
parse_extras(struct cursor *cursor, struct xenvif_tx_packet *packet)
{
    const union xenvif_tx_slot *slot;
    unsigned int seen = 0;

    do {
        slot = cursor_next(cursor);
        if (!slot) {
            return cursor_end(cursor);
        }

        unsigned int type = slot->extra.type;

        if (!type || type > XENVIF_EXTRA_MAX || seen & (1u << type)) {
            return XENVIF_TX_E_EXTRA;
        }
        seen |= 1u << type;
        take_extra(&slot->extra, packet);
        packet->n_extras++;
    } while (slot->extra.flags & XEN_NETIF_EXTRA_FLAG_MORE);

    return XENVIF_TX_GOOD;
}

/* Walks the requests after the first and adds up their sizes in '*sum'. */
static enum xenvif_tx_verdict
parse_fragments(struct cursor *cursor, struct xenvif_tx_packet *packet,
                uint32_t *sum)
{
    uint16_t flags = packet->flags;

    while (flags & NETTXF_more_data) {
        const union xenvif_tx_slot *slot = cursor_next(cursor);

        if (!slot) {
            return cursor_end(cursor);
        }
        if (++packet->n_data > XENVIF_TX_FATAL_DATA_SLOTS) {
            return XENVIF_TX_E_ENDLESS;
        }
        if (slot->req.offset + (uint32_t) slot->req.size > XENVIF_PAGE_SIZE) {
            return XENVIF_TX_E_CROSSING;
        }
        *sum += slot->req.size;
        flags = slot->req.flags;
    }
    return XENVIF_TX_GOOD;
}

/* Judges a packet whose slots are all known. */
static enum xenvif_tx_verdict
judge(const struct netif_tx_request *head, uint32_t sum,
      const struct xenvif_tx_limits *limits, struct xenvif_tx_packet *packet)
{
    if (packet->multicast_op) {
        /* The request around it has neither a page nor a size. */
        return XENVIF_TX_MULTICAST;
    }
    if (packet->size < ETH_HEADER_LEN) {
        return XENVIF_TX_E_RUNT;
    }
    if (sum >= packet->size) {
        return XENVIF_TX_E_BAD_SIZE;
    }
    packet->head_size = packet->size - sum;
    if (packet->n_data > XENVIF_TX_MAX_DATA_SLOTS) {
        return XENVIF_TX_E_TOO_MANY_SLOTS;
    }
    if (head->offset + packet->head_size > XENVIF_PAGE_SIZE) {
        return XENVIF_TX_E_CROSSING;
    }
    if (packet->gso_type || packet->gso_size) {
        bool agreed = (packet->gso_type == XEN_NETIF_GSO_TYPE_TCPV4
                       ? limits->gso_v4
                       : packet->gso_type == XEN_NETIF_GSO_TYPE_TCPV6
                       ? limits->gso_v6
                       : false);

        return agreed && packet->gso_size ? XENVIF_TX_GOOD
                                          : XENVIF_TX_E_GSO_REFUSED;
    }
    if (packet->size > limits->max_frame) {
        return XENVIF_TX_E_OVERSIZE;
    }
    return XENVIF_TX_GOOD;
}

enum xenvif_tx_verdict
xenvif_tx_parse(const union xenvif_tx_slot *slots, unsigned int n,
                unsigned int first, bool more,
                const struct xenvif_tx_limits *limits,
                struct xenvif_tx_packet *packet)
{
    struct cursor cursor = { .slots = slots, .n = n, .i = first,
                             .more = more };
    const struct netif_tx_request *head = &cursor_next(&cursor)->req;
    enum xenvif_tx_verdict verdict;
    uint32_t sum = 0;

    memset(packet, 0, sizeof *packet);
    packet->first = first;
    packet->n_data = 1;
    packet->size = head->size;
    packet->flags = head->flags;

    if (head->flags & NETTXF_extra_info) {
        verdict = parse_extras(&cursor, packet);
        if (verdict != XENVIF_TX_GOOD) {
            return verdict;
        }
    }
    verdict = parse_fragments(&cursor, packet, &sum);
    if (verdict != XENVIF_TX_GOOD) {
        return verdict;
    }
    packet->n_slots = cursor.i - first;
    return judge(head, sum, limits, packet);
}
