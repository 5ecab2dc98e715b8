/* SPDX-License-Identifier: Apache-2.0 */

#ifndef GUEST_H
#define GUEST_H 1

#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1           /* For ppoll(); this header comes first. */
#endif

/* What the parts of the guest program share.
 *
 * Threads: the main thread runs the driver's life cycle (bus.c) and is
 * the only one that creates and destroys queues; each queue has a thread of
 * its own for its two rings (queue.c, tx.c, rx.c); the
 * control socket has a thread for each connection (ctl.c), which takes
 * 'guest->mutex' to give the main thread orders and a queue's mutex to touch
 * its rings. */

#include <net/if.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/uio.h>
#include <xenevtchn.h>

#include "guest/error.h"
#include "guest/xs-ring.h"
#include "netif/check.h"
#include "netif/hash.h"
#include "netif/ring.h"
#include "xenemu.h"

#define GUEST_MAX_QUEUES 64
#define GUEST_MAX_SETS 32
#define GUEST_MAX_FRAME 65535
#define GUEST_NO_PAGE UINT32_MAX

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

/* Counters of a queue.  Written by one thread at a time with the queue's
 * mutex held, read by anyone. */
#define GUEST_COUNTERS                                                       \
    GUEST_COUNTER(tx_packets)       /* Published to the backend. */          \
    GUEST_COUNTER(tx_bytes)                                                  \
    GUEST_COUNTER(tx_slots)         /* Extras included. */                   \
    GUEST_COUNTER(tx_done)          /* Slots answered. */                    \
    GUEST_COUNTER(tx_errors)        /* Packets answered with ERROR. */       \
    GUEST_COUNTER(tx_dropped)       /* Packets answered with DROPPED. */     \
    GUEST_COUNTER(tx_unsent)        /* Packets that did not fit the ring. */ \
    GUEST_COUNTER(tx_ring_full)     /* Times the ring filled up. */          \
    GUEST_COUNTER(tx_csum_blank)                                             \
    GUEST_COUNTER(tx_gso)                                                    \
    GUEST_COUNTER(tx_hashed)        /* Packets with a hash. */               \
    GUEST_COUNTER(rx_packets)                                                \
    GUEST_COUNTER(rx_bytes)                                                  \
    GUEST_COUNTER(rx_slots)         /* Extras included. */                   \
    GUEST_COUNTER(rx_errors)        /* Packets with a negative status. */    \
    GUEST_COUNTER(rx_lost)          /* Packets of no use to the guest. */    \
    GUEST_COUNTER(rx_csum_blank)                                             \
    GUEST_COUNTER(rx_validated)     /* data_validated without csum_blank. */ \
    GUEST_COUNTER(rx_gso)                                                    \
    GUEST_COUNTER(rx_hashed)        /* Packets with a hash. */               \
    GUEST_COUNTER(rx_empty)         /* Times no buffer was left posted. */   \
    GUEST_COUNTER(kicks)            /* Notifications sent. */                \
    GUEST_COUNTER(events)           /* Events received. */                   \
    GUEST_COUNTER(sink_ok)          /* Generated packets, intact. */         \
    GUEST_COUNTER(sink_bytes)                                                \
    GUEST_COUNTER(sink_lost)        /* By gaps in sequence numbers. */       \
    GUEST_COUNTER(sink_reordered)                                            \
    GUEST_COUNTER(sink_duplicate)                                            \
    GUEST_COUNTER(sink_corrupt)                                              \
    GUEST_COUNTER(sink_foreign)     /* Not made by a generator. */           \
    GUEST_COUNTER(echoed)                                                    \
    GUEST_COUNTER(violations)

struct guest_counters {
#define GUEST_COUNTER(NAME) uint64_t NAME;
    GUEST_COUNTERS
#undef GUEST_COUNTER
};

#define GUEST_COUNT(Q, NAME, N)                                              \
    __atomic_store_n(&(Q)->counters.NAME, (Q)->counters.NAME + (N),          \
                     __ATOMIC_RELAXED)

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
 * options.c; see there. */
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

/* What the backend offers, read when it waits in InitWait. */
struct guest_offer {
    bool max_queues_present;
    unsigned int max_queues;
    bool split, sg, gso_tcpv4, gso_tcpv6, csum_ipv6, multicast, headroom;
    bool ctrl_ring, persistent, dynamic_multicast;
};

/* A page that has been granted to the backend. */
struct guest_page {
    uint32_t pfn;               /* GUEST_NO_PAGE: none. */
    uint32_t gref;
};

/* A ring page and the frontend's private indexes. */
struct guest_ring {
    struct guest_page shared;
    void *page;
    uint32_t prod;              /* Next request to write. */
    uint32_t pushed;            /* Requests before this are published. */
    uint32_t cons;              /* Next response to read. */
    bool active;                /* Being polled; else waits for an event. */
    uint32_t event;             /* Response that an event was asked for. */
    uint64_t unseen_since;      /* ms: responses without event, 0: none. */
    int port;                   /* Same for both rings unless split. */
};

struct guest;

struct guest_queue {
    struct guest *guest;
    unsigned int idx;
    pthread_t thread;
    int wake_fd;                /* Written to make the thread look around. */
    bool stop;                  /* Atomic. */

    pthread_mutex_t mutex;      /* Protects all that follows. */
    struct xenevtchn_handle *xce;
    struct guest_ring tx, rx;
    bool disturbed;             /* Shared words were set by hand. */

    struct netif_tx_slot tx_expect[NETIF_RING_SIZE];
    struct guest_page tx_page[NETIF_RING_SIZE]; /* By slot. */
    uint32_t tx_free[NETIF_RING_SIZE]; /* Pages not in use. */
    unsigned int n_tx_free;
    uint16_t tx_next_id;
    bool tx_stopped;            /* Ring was full at the last look. */

    uint16_t rx_id[NETIF_RING_SIZE];
    struct guest_page rx_page[NETIF_RING_SIZE]; /* By slot. */
    bool rx_spoiled[NETIF_RING_SIZE]; /* Posted to fail: status may be < 0. */
    uint32_t rx_free[NETIF_RING_SIZE];
    unsigned int n_rx_free;
    uint16_t rx_salt;           /* Added to the index to make the id. */

    /* Grants that stay as long as the connection, and how many of them the
     * backend was told of; first those of TX pages, then of RX pages. */
    uint32_t fixed[2 * NETIF_RING_SIZE];
    unsigned int n_fixed;
    unsigned int n_staged;

    /* The message about a multicast address that is under way. */
    bool mcast_sent;
    uint32_t mcast_slot;
    int16_t mcast_status;

    int tap_fd;                 /* -1: none. */
    bool tap_ready;             /* The last poll() or read found data. */
    uint64_t gen_next;          /* ns: when the next packet is due. */
    uint64_t random;
    struct guest_counters counters;
};

/* Where the driver is in its life. */
enum guest_phase {
    GUEST_INIT,                 /* F is 1: waits for the backend's 2. */
    GUEST_CONNECTED,            /* F is 4. */
    GUEST_CLOSING,              /* F is 5: waits for the backend's 5. */
    GUEST_CLOSED,               /* F is 6: waits for the backend's 6. */
    GUEST_RETURNED,             /* F is 1 again: waits for the backend's 2. */
    GUEST_DOWN,                 /* At rest with nothing shared. */
    GUEST_SUSPENDED,
    GUEST_UNPLUGGED             /* The backend directory is gone. */
};

/* Where the user wants the driver to be. */
enum guest_goal {
    GUEST_GOAL_UP,
    GUEST_GOAL_RELOAD,          /* Down, then up. */
    GUEST_GOAL_DOWN,
    GUEST_GOAL_RETURN,          /* Mini-OS's shutdown: ends in state 1. */
    GUEST_GOAL_EXIT
};

struct guest {
    struct guest_config cfg;
    struct xenemu_dom *dom;
    struct xs_ring *xs;
    char dir[64];               /* device/vif/N, below the domain's own. */
    volatile sig_atomic_t exit_code;

    /* Main thread only. */
    struct guest_queue *queues[GUEST_MAX_QUEUES];
    unsigned int n_allocated;   /* Queue objects, kept over reconnects. */
    struct guest_offer offer;
    int lock_fd;                /* Locked shared by all in the domain. */
    bool reclaimed;             /* guest_pages_reclaim() was called. */
    char *backend;              /* Path of the backend directory. */
    uint16_t backend_id;
    unsigned int frontend_state; /* As last written. */
    bool reached_connected;     /* F was 4 since it was 1 last. */
    uint64_t deadline;          /* ms: when to give up waiting; 0: never. */
    uint64_t asked_ns;          /* When a state was written; 0: answered. */
    unsigned int asked;         /* That state. */
    bool judged;                /* Does the answer have to come soon? */
    unsigned int cycles;        /* Times it closed before connecting. */
    uint64_t best_us[9];        /* The fastest answer to each state. */
    int online;                 /* Backend's key as last read, -1: none. */
    bool fixed;                 /* Pages stay granted in this connection. */
    uint32_t *fixed_grefs;      /* By page number, 0: none. */
    struct guest_page *leftover; /* Pages that were in use at teardown. */
    unsigned int n_leftover;

    /* Life cycle, protected by 'mutex'. */
    pthread_mutex_t mutex;
    pthread_cond_t cond;        /* Something below changed. */
    int order_fd;               /* Written to wake up the main thread. */
    enum guest_phase phase;
    enum guest_goal goal;
    unsigned int backend_state; /* 0: no such node. */
    unsigned int n_queues;      /* In use; 0: not connected. */
    uint64_t n_connects;
    bool up;                    /* Backend is Connected with these rings. */
    bool failed;                /* The last order was not answered. */
    struct guest_config *next_cfg; /* To take over at the next connect. */
    char command[16];           /* For guest_bus_run(); "": none. */
    uint64_t answer_us, max_answer_us; /* Backend's time to answer. */
    uint64_t answers_us[9];     /* To each state, the last time. */
    uint32_t xdp_wanted;        /* For command "xdp". */
    bool xdp_busy;              /* It is being executed. */

    /* Switches, atomic. */
    bool stalled, held, raw, may_send;

    struct guest_cring *cring;
    struct guest_hash *hash;
    struct guest_xdp *xdp;
    struct guest_multicast *multicast;
    struct guest_tap *tap;
    struct guest_gen *gen;
    struct guest_capture *capture;
};

/* report.c: messages and counters. */
void guest_log(const struct guest *, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Reports a broken rule.  Does not return unless the guest is told to keep
 * going.  'q' may be NULL. */
void guest_violation(struct guest *, struct guest_queue *q, const char *rule,
                     const char *format, ...)
    __attribute__((format(printf, 4, 5)));
void guest_verdict(struct guest *, struct guest_queue *,
                   const struct netif_verdict *);
uint64_t guest_counter_sum(struct guest *, const char *name, bool *found);
void guest_print_stats(struct guest *, FILE *);
void guest_print_state(struct guest *, FILE *);
uint64_t guest_now_ms(void);
uint64_t guest_now_ns(void);
const char *guest_phase_name(enum guest_phase);

/* pages.c: memory that is shared with the backend. */
bool guest_page_grant(struct guest *, struct guest_page *, uint32_t pfn,
                      bool readonly);
bool guest_page_revoke(struct guest *, struct guest_queue *,
                       struct guest_page *, const char *rule);
void guest_page_keep(struct guest *, const struct guest_page *);
void guest_page_drop(struct guest *, struct guest_page *, bool strict);
bool guest_page_fix(struct guest *, uint32_t pfn, bool readonly);
void guest_page_free(struct guest *, uint32_t pfn, bool strict);
void guest_leftover_retry(struct guest *, bool strict);
int guest_pages_lock(struct guest *);
void guest_pages_reclaim(struct guest *);

/* queue.c: a queue's life and its thread. */
struct guest_queue *guest_queue_new(struct guest *, unsigned int idx);
int guest_queue_share(struct guest_queue *, bool split);
int guest_queue_start(struct guest_queue *);
void guest_queue_stop(struct guest_queue *);
void guest_queue_unshare(struct guest_queue *, bool strict);
void guest_queue_wake(struct guest_queue *);
void guest_queue_kick(struct guest_queue *, const struct guest_ring *);

/* tx.c. */

/* A frame to transmit.  'data' is NULL if the pages are already filled: then
 * it is in the first pages of 'q->tx_free', from the top downwards, each used
 * to its end but the last. */
struct guest_tx_frame {
    const uint8_t *data;
    uint32_t len;
    unsigned int n_frags;       /* Slots to spread 'data' over, 0: fewest. */
    uint16_t flags;             /* NETTXF_csum_blank, _data_validated. */
    uint16_t gso_size;
    uint8_t gso_type;
};

/* Extra infos of a packet. */
#define GUEST_MAX_EXTRAS 3

unsigned int guest_tx_room(const struct guest_queue *);
bool guest_tx_frame(struct guest_queue *, const struct guest_tx_frame *);
bool guest_tx_multicast(struct guest_queue *, bool add,
                        const uint8_t mac[6]);
void guest_tx_flush(struct guest_queue *);
bool guest_tx_gc(struct guest_queue *);

/* rx.c. */

/* A frame that was received.  'iov' points into the RX pages. */
struct guest_rx_frame {
    const struct netif_rx_packet *pkt;
    struct iovec iov[NETIF_MAX_DATA_SLOTS];
};

void guest_rx_refill(struct guest_queue *);
bool guest_rx_poll(struct guest_queue *);
void guest_rx_release(struct guest_queue *, uint32_t idx, const char *rule);
void guest_rx_rules(const struct guest *, struct netif_rx_rules *);

/* cring.c: the control ring. */

/* What the backend answered to a message. */
struct guest_answer {
    uint32_t status;            /* XEN_NETIF_CTRL_STATUS_*. */
    uint32_t data;
};

int guest_cring_open(struct guest *);
int guest_cring_share(struct guest *);
void guest_cring_enable(struct guest *);
void guest_cring_unshare(struct guest *, bool strict);
bool guest_cring_keys(struct guest *, uint32_t *gref, uint32_t *port);
bool guest_cring_send(struct guest *, uint16_t type, const uint32_t data[3],
                      struct guest_answer *);
bool guest_cring_send_page(struct guest *, uint16_t type, unsigned int nr,
                           void *content, size_t len, bool readonly,
                           uint32_t data[3], struct guest_answer *);
const char *guest_cring_status(uint32_t status);

/* hash.c: how packets are hashed and distributed. */
int guest_hash_open(struct guest *);
void guest_hash_reset(struct guest *);
bool guest_hash_is_active(const struct guest *);
void guest_hash_check(struct guest_queue *, const struct netif_rx_packet *,
                      const uint8_t *frame, unsigned int len);
bool guest_hash_set(struct guest *, uint16_t type, uint32_t value,
                    struct guest_answer *);
bool guest_hash_set_key(struct guest *, const uint8_t *key, uint32_t len,
                        struct guest_answer *);
bool guest_hash_set_mapping(struct guest *, const uint32_t *queues,
                            uint32_t n, uint32_t first,
                            struct guest_answer *);
bool guest_hash_frame(struct guest *, const uint8_t *frame, unsigned int len,
                      unsigned int total, uint8_t *type, uint32_t *value);
void guest_hash_forget(struct guest *);
void guest_hash_start(struct guest *);

/* grefs.c: pages that stay granted. */
bool guest_grefs_fix(struct guest_queue *);
bool guest_grefs_size(struct guest *, uint32_t queue, struct guest_answer *);
bool guest_grefs_add(struct guest *, struct guest_queue *, unsigned int n,
                     struct guest_answer *);
bool guest_grefs_del(struct guest *, struct guest_queue *, unsigned int n,
                     unsigned int *n_refused, struct guest_answer *);
void guest_grefs_start(struct guest *);

/* xdp.c: the free space in front of received frames. */
int guest_xdp_open(struct guest *);
void guest_xdp_reset(struct guest *);
unsigned int guest_xdp_headrooms(struct guest *, uint16_t headrooms[2]);
bool guest_xdp_start(struct guest *);
void guest_xdp_step(struct guest *, unsigned int be);
char *guest_xdp_change(struct guest *, uint32_t headroom);

/* multicast.c: which multicast frames the guest wants. */
int guest_multicast_open(struct guest *);
void guest_multicast_reset(struct guest *);
void guest_multicast_check(struct guest_queue *, const uint8_t *frame);
char *guest_multicast_change(struct guest *, bool add, const uint8_t mac[6],
                             int16_t *status);
char *guest_multicast_request(struct guest *, bool on);
void guest_multicast_note(struct guest *, bool add, const uint8_t mac[6]);
void guest_multicast_note_filter(struct guest *, bool on);

/* bus.c: the driver's life cycle; main thread. */
int guest_bus_open(struct guest *);
uint64_t guest_bus_best_close(const struct guest *);
bool guest_bus_run(struct guest *);
void guest_bus_close(struct guest *);
void guest_bus_order(struct guest *, enum guest_goal);
void guest_bus_command(struct guest *, const char *name);

/* keys.c: what is read from and written to XenStore. */
int guest_keys_locate(struct guest *);
unsigned int guest_keys_backend_state(struct guest *);
int guest_keys_backend_online(struct guest *);
unsigned int guest_keys_frontend_state(struct guest *);
bool guest_keys_frontend_exists(struct guest *);
void guest_keys_check_features(struct guest *);
void guest_keys_read_offer(struct guest *);
int guest_keys_connect(struct guest *, unsigned int n_queues, bool split,
                       bool with_state);
int guest_keys_put(struct guest *, const char *key, uint32_t value);
void guest_keys_remove_features(struct guest *);
int guest_keys_set_state(struct guest *, unsigned int state);
int guest_keys_read_mac(struct guest *, uint8_t mac[6]);
unsigned int guest_keys_read_mtu(struct guest *);
size_t guest_unescape(char *);

/* offload.c: checksums. */

/* Where the TCP or UDP header of a frame is and where its checksum. */
struct guest_l4 {
    bool ipv6;
    uint8_t proto;
    unsigned int ofs;           /* Of the L4 header in the frame. */
    unsigned int len;           /* Of L4 header and payload. */
    unsigned int csum_ofs;      /* Of the checksum in the L4 header. */
};

bool guest_find_l4(const uint8_t *frame, unsigned int len, struct guest_l4 *);
bool guest_csum_is_outermost(const uint8_t *frame, unsigned int len,
                             unsigned int ofs, unsigned int csum_ofs);
uint16_t guest_pseudo_sum(const uint8_t *frame, const struct guest_l4 *);
uint16_t guest_csum_fold(uint32_t sum);
uint32_t guest_csum_add(uint32_t sum, const void *, size_t n);
void guest_csum_finish(uint8_t *frame, const struct guest_l4 *);

/* tap.c. */
int guest_tap_open(struct guest *);
void guest_tap_close(struct guest *);
int guest_tap_attach(struct guest *, unsigned int n_queues);
void guest_tap_carrier(struct guest *, bool on);
bool guest_tap_poll(struct guest_queue *);
void guest_tap_deliver(struct guest_queue *, const struct guest_rx_frame *);

/* gen.c and sink.c: without a kernel. */
char *guest_gen_start(struct guest *, const char *spec);
void guest_gen_stop(struct guest *);
bool guest_gen_done(struct guest *);
uint64_t guest_gen_sent(struct guest *);
bool guest_gen_poll(struct guest_queue *, uint64_t *wake_ns);
void guest_sink_deliver(struct guest_queue *, const struct guest_rx_frame *);
void guest_echo_deliver(struct guest_queue *, const struct guest_rx_frame *);
bool guest_capture_set(struct guest *, bool on);
void guest_capture_deliver(struct guest_queue *,
                           const struct guest_rx_frame *);
void guest_capture_print(struct guest *, FILE *);

/* options.c. */
void guest_config_init(struct guest_config *);
char *guest_config_set(struct guest_config *, const char *name,
                       const char *value, bool runtime);
char *guest_config_parse_env(struct guest_config *);
char *guest_config_parse_args(struct guest_config *, char *argv[]);
void guest_config_copy(struct guest_config *, const struct guest_config *);
void guest_config_free(struct guest_config *);
bool guest_parse_u32(const char *, uint32_t *);
bool guest_parse_mac(const char *, uint8_t mac[6]);
extern const char *const guest_feature_keys[GUEST_N_FEATURES];

/* profile.c: kinds of guests. */
bool guest_profile_set(struct guest_config *, const char *name);
bool guest_order_set(struct guest_config *, const char *name);

/* help.c. */
void guest_usage(FILE *);

/* ctl.c and ctl-client.c. */
int guest_ctl_open(struct guest *);
void guest_ctl_close(struct guest *);
int guest_ctl_main(char *argv[]);
void guest_ctl_path(char *buf, size_t size, uint32_t domid, uint32_t devid);

/* raw.c: requests made by hand. */
char *guest_raw_set(struct guest *, bool on);
char *guest_raw_run(struct guest *, char *script, FILE *out);

#endif /* guest/guest.h */
