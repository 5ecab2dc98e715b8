/* SPDX-License-Identifier: Apache-2.0 */

#ifndef NETIF_CHECK_H
#define NETIF_CHECK_H 1

/* What a frontend may expect of a backend, by the strictest rules that any
 * guest is known to apply.  Everything here is a pure function on private
 * copies: no shared memory, no I/O, no globals. */

#include "netif/ring.h"

/* The first broken rule that a function found. */
struct netif_verdict {
    const char *rule;           /* Short name, "tx.id"; NULL: none broken. */
    char text[200];             /* What was expected and what was there. */
};

/* TX: responses. */

enum netif_slot_kind {
    NETIF_SLOT_FREE,            /* No request. */
    NETIF_SLOT_DATA,
    NETIF_SLOT_EXTRA
};

/* What the frontend put into a slot of its TX ring. */
struct netif_tx_slot {
    uint8_t kind;               /* enum netif_slot_kind. */
    uint8_t n_slots;            /* First slot of a packet: slots it takes. */
    uint16_t id;
};

/* Judges the TX responses with indexes ['cons', 'prod'), of requests that end
 * at 'req_prod'.  'slots' and 'rsps' are arrays of NETIF_RING_SIZE elements
 * indexed with NETIF_SLOT().  'cons' has to be the first slot of a packet.
 * Returns true if nothing is wrong, otherwise fills in '*v'. */
bool netif_check_tx(const struct netif_tx_slot slots[],
                    const struct netif_tx_response rsps[], uint32_t cons,
                    uint32_t prod, uint32_t req_prod,
                    struct netif_verdict *v);

/* RX: packets. */

/* What the frontend has agreed to receive. */
struct netif_rx_rules {
    bool sg;                    /* More than one slot per packet. */
    bool gso_tcpv4, gso_tcpv6;
    bool csum_ipv4, csum_ipv6;  /* Takes csum_blank. */
    bool hash;                  /* Has configured a hash. */
    uint16_t headroom;          /* XDP headroom, 0: none. */
};

/* A packet that the backend delivered. */
struct netif_rx_packet {
    unsigned int n_slots;       /* Ring slots, extras included. */
    unsigned int n_data;
    uint32_t data[NETIF_MAX_DATA_SLOTS]; /* Indexes of the data slots. */
    uint32_t len;               /* Bytes, 0 if 'error' is not 0. */
    uint16_t flags;             /* Of the first response. */
    int16_t error;              /* First negative status, 0 if none. */
    uint16_t gso_size;          /* 0: no GSO. */
    uint8_t gso_type;           /* XEN_NETIF_GSO_TYPE_*. */
    bool has_hash;
    uint8_t hash_type;          /* Bit number of XEN_NETIF_CTRL_HASH_TYPE_*. */
    uint32_t hash_value;
};

/* Takes the next packet from the RX responses ['cons', 'prod') of requests
 * that end at 'req_prod'.  'ids' holds the id of each request, 'answers' the
 * responses, both indexed with NETIF_SLOT().  'prod' must differ from 'cons'.
 *
 * Returns true if nothing is wrong with the packet; otherwise fills in '*v',
 * and 'pkt->n_slots' tells how many slots to skip. */
bool netif_check_rx(const struct netif_rx_rules *, const uint16_t ids[],
                    const union netif_rx_answer answers[], uint32_t cons,
                    uint32_t prod, uint32_t req_prod,
                    struct netif_rx_packet *pkt, struct netif_verdict *v);

/* Judges the checksum and GSO flags of 'pkt', the first 'len' bytes of which
 * are in 'frame'.  Returns true if they fit each other and the rules. */
bool netif_check_rx_offload(const struct netif_rx_rules *,
                            const struct netif_rx_packet *pkt,
                            const uint8_t *frame, unsigned int len,
                            struct netif_verdict *v);

/* Control ring. */

/* Judges the responses ['cons', 'prod') to the only request that is
 * outstanding, '*req', which has index 'cons'.  'rsp' is the response at
 * 'cons'.  Returns true if nothing is wrong. */
bool netif_check_ctrl(const struct xen_netif_ctrl_request *req,
                      const struct xen_netif_ctrl_response *rsp,
                      uint32_t cons, uint32_t prod, struct netif_verdict *v);

/* XenBus: states of the backend. */

/* Returns true if the backend may have gone from state 'old' to 'new',
 * possibly through states that the frontend did not get to see. */
bool netif_check_state_step(unsigned int old, unsigned int new,
                            struct netif_verdict *v);

/* Judges a feature key 'key' of a backend, which has value 'value' of 'len'
 * bytes (NULL: there is no such key). */
bool netif_check_feature(const char *key, const char *value, size_t len,
                         struct netif_verdict *v);

/* The keys that every backend must have written before InitWait, NULL
 * terminated. */
extern const char *const netif_backend_features[];

#endif /* netif/check.h */
