/* SPDX-License-Identifier: Apache-2.0 */

#ifndef GUEST_H
#define GUEST_H 1

/* Types that the parts of the guest program share.  The functions of each have
 * a header of their own.
 *
 * Threads: the main thread runs the driver's life cycle (bus.c) and is the
 * only one that creates and destroys queues.  Each queue has a thread of its
 * own for its two rings (queue.c, tx.c, rx.c).  The control socket has a
 * thread for each connection (ctl.c), which takes 'guest->mutex' to give the
 * main thread orders (orders.c), and a queue's mutex to touch its rings. */

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "guest/config.h"
#include "guest/counters.h"
#include "netif/check.h"

struct xenemu_dom;
struct xenevtchn_handle;
struct xs_ring;

#define GUEST_NO_PAGE UINT32_MAX

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

#endif /* guest/guest.h */
