/* SPDX-License-Identifier: Apache-2.0 */

#ifndef GUEST_CONFIG_H
#define GUEST_CONFIG_H 1

/* What the user wants of the guest. */

#include <stdbool.h>
#include <stdint.h>

#define GUEST_MAX_QUEUES 64
#define GUEST_MAX_SETS 32

/* Keys that the frontend writes: 1, 0, or -1 for not written at all. */
#define GUEST_FEATURES                                                       \
    GUEST_FEATURE(RX_COPY,   "request-rx-copy")                              \
    GUEST_FEATURE(RX_NOTIFY, "feature-rx-notify")                            \
    GUEST_FEATURE(SG,        "feature-sg")                                   \
    GUEST_FEATURE(GSO4,      "feature-gso-tcpv4")                            \
    GUEST_FEATURE(GSO6,      "feature-gso-tcpv6")                            \
    GUEST_FEATURE(NO_CSUM,   "feature-no-csum-offload")                      \
    GUEST_FEATURE(CSUM6,     "feature-ipv6-csum-offload")                    \
    GUEST_FEATURE(MULTICAST, "request-multicast-control")

enum guest_feature {
#define GUEST_FEATURE(ID, KEY) GUEST_F_##ID,
    GUEST_FEATURES
#undef GUEST_FEATURE
    GUEST_N_FEATURES
};

/* The names of the keys. */
extern const char *const guest_feature_keys[GUEST_N_FEATURES];

enum guest_order {
    GUEST_ORDER_LINUX,          /* Waits for InitWait. */
    GUEST_ORDER_MINIOS          /* Writes Connected at once. */
};

/* When a guest writes multi-queue-num-queues. */
enum guest_mq_key {
    GUEST_MQ_OFFERED,           /* If the backend offers several queues. */
    GUEST_MQ_SEVERAL,           /* If it uses several. */
    GUEST_MQ_ALWAYS,
    GUEST_MQ_NEVER
};

/* Where kinds of guests differ besides feature keys.  0 is as Linux does. */
struct guest_habits {
    uint32_t max_queues;        /* 0: as many as the user wants. */
    uint32_t mq_key;            /* enum guest_mq_key. */
    uint32_t vifname;           /* Writes the name of its interface. */
    uint32_t rewrite;           /* Removes feature keys before it closes. */
    uint32_t close_first;       /* Closes once before it connects... */
    uint32_t cycle_ms;          /* ...or until answers take less, 0: any. */
    uint32_t answer_ms;         /* Backend's time to answer, 0: any. */
    uint32_t staging_optional;  /* The backend may refuse to map pages. */
    uint32_t need_ctrl;         /* Can't do without a control ring. */
    uint32_t rx_id_slot;        /* Ids of RX requests are slots. */
    uint32_t rx_lazy;           /* Posts when so many buffers are free. */
    uint32_t strict_errors;     /* Dies of any error of RX. */
    uint32_t tx_hash;           /* Sends hash extras. */
    uint32_t tx_poll;           /* No events for TX: looks when it sends. */
    uint32_t half_events;       /* TX events when half of it is done. */
    uint32_t csum_bare;         /* csum_blank without data_validated. */
    uint32_t drain;             /* Needs all TX responses to close. */
};

/* What the user wants.  The settings that a reload may change are copied by
 * guest_config_copy(). */
struct guest_config {
    uint32_t domid, devid;
    uint32_t order;             /* enum guest_order. */
    uint32_t queues;
    uint32_t split;             /* Split event channels, if offered. */
    int features[GUEST_N_FEATURES];
    struct guest_habits habits;
    uint32_t start_index;
    uint32_t rx_buffers;        /* RX requests kept posted. */
    uint32_t headroom;          /* XDP headroom, 0: key not written. */
    uint32_t ctrl_ring;         /* Share one, if offered. */
    uint32_t rss;               /* Configure the hash as Windows does. */
    uint32_t staging;           /* Fixed pages, named over the control ring. */
    uint32_t persistent;        /* Fixed pages, if both sides want that. */
    uint32_t canary;            /* Check RX pages beyond the payload. */
    uint32_t spin;              /* Never sleep. */
    uint32_t mtu;               /* 0: what the toolstack says. */
    bool mac_set;
    uint8_t mac[6];
    uint32_t timeout;           /* Seconds to wait for an answer. */
    uint32_t wakeup;            /* Seconds until a wakeup counts as lost. */
    uint32_t keep_going;
    char *tap;                  /* Name of the TAP device, or NULL. */
    uint32_t csum_blank;        /* TAP: leave checksums to the backend. */
    uint32_t gso;               /* TAP: leave segmentation to the backend. */
    uint32_t sink, echo;
    char *pktgen;               /* Specification, or NULL. */
    char *sets[GUEST_MAX_SETS]; /* KEY=VALUE written last on connect. */
    uint32_t n_sets;
    char *unsets[GUEST_MAX_SETS];
    uint32_t n_unsets;
};

/* Makes '*dst', which must be initialized, a copy of '*src'. */
void guest_config_copy(struct guest_config *, const struct guest_config *);

/* Frees what 'cfg' points to, but not '*cfg'. */
void guest_config_free(struct guest_config *);

/* Forgets the keys that the user wants to be written or left out. */
void guest_config_clear_sets(struct guest_config *);

#endif /* guest/config.h */
