/* SPDX-License-Identifier: Apache-2.0 */


#ifndef MOCK_FRONTEND_H
#define MOCK_FRONTEND_H 1

/* A scripted, strict frontend for component tests: one vif's data path, from
 * xenvif_conn_open() to xenvif_conn_close(), without XenStore.
 *
 * Both sides are in one process, on an emulated host of the test's own, and
 * take turns: the test puts requests into the rings, runs a burst of the
 * provider, and takes the responses.  Each response is judged by the rules of
 * netif/check.h, each grant is ended as soon as its response is there (which
 * fails if the provider still uses it), and each burst is checked against what
 * the provider and the host counted.  Whatever is wrong fails the test.
 *
 * Functions use cmocka's assertions and are for the test's main thread unless
 * their comment says otherwise. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dp-packet.h"
#include "latch.h"
#include "netif/check.h"
#include "xenemu-admin.h"
#include "xenemu.h"
#include "rate/xenvif-budget.h"
#include "ring/xenvif-conn.h"
#include "packet/xenvif-counters.h"
#include "ring/xenvif-terms.h"

enum {
    MOCK_MAX_QUEUES = 4,
    MOCK_PAGES = 4096,          /* Of a guest's memory. */
    MOCK_FRAME_MAX = 65535,
    MOCK_MTU = 1500,            /* After mock_limit_mtu(). */
};

/* A slot of a ring and the page that belongs to it. */
struct mock_slot {
    uint32_t pfn;
    int32_t gref;               /* While there is a request, or -1. */
    int32_t staged;             /* A grant that stays, or -1. */
    int16_t status;             /* TX: of the last response. */
};

struct mock_queue {
    struct mock *mock;
    unsigned int id;
    void *tx_page, *rx_page;    /* The rings. */
    uint32_t tx_ref, rx_ref;
    uint32_t tx_port, rx_port;  /* The same if there is one channel. */

    /* TX.  Requests in ['tx_pushed', 'tx_prod') are not published yet. */
    uint32_t tx_prod, tx_pushed, tx_cons;
    uint32_t tx_first;          /* Where the packet begins being made. */
    unsigned int n_extras;      /* For the next mock_tx_frame(). */
    struct netif_extra_info extras[8];
    struct netif_tx_slot tx_kinds[NETIF_RING_SIZE];
    struct mock_slot tx_slots[NETIF_RING_SIZE];
    uint16_t tx_next_id;
    unsigned int tx_kicks;      /* Times that a push had to kick. */

    /* RX. */
    uint32_t rx_prod, rx_cons;
    uint16_t rx_ids[NETIF_RING_SIZE];
    struct mock_slot rx_slots[NETIF_RING_SIZE];
    uint16_t rx_next_id;

    bool silent;                /* Never ask for events. */
};

/* The control ring. */
struct mock_ctrl {
    void *page;
    uint32_t ref, port;
    uint32_t prod, cons;
    uint16_t next_id;
};

struct mock {
    uint16_t domid;
    struct xenemu_dom *dom;
    struct xenevtchn_handle *xce;
    unsigned int events[256];   /* Taken and not yet asked for, by port. */
    unsigned int n_queues;
    struct mock_queue queues[MOCK_MAX_QUEUES];

    /* What is agreed on; to be set before mock_connect(). */
    struct netif_rx_rules rules;
    struct mock_ctrl *ctrl;     /* Or NULL. */
    bool persistent;
    bool filter_multicast;
    const struct xenvif_hash *hash; /* Of an earlier backend, or NULL. */

    /* The provider's end. */
    struct xenvif_conn *conn;   /* NULL if not connected. */
    unsigned int changed;       /* XENVIF_CTRL_* bits of mock_ctrl_run(). */
    struct xenvif_budget budget;
    struct xenvif_terms terms;  /* Nothing may wait in a queue by default. */
    struct latch latch;
};

/* A packet that the frontend received. */
struct mock_rx_packet {
    struct netif_rx_packet info;
    uint8_t data[MOCK_FRAME_MAX + 1];
};

/* Runs 'run' twice, each time in a process and on a host of its own: with
 * bounce pages granted to ourselves, and on a host without gntalloc.  'run'
 * is given a name for its group of tests and returns cmocka's result.  Returns
 * the exit status of the program. */
int mock_main(int (*run)(const char *name));

/* Does this process run with bounce pages granted to ourselves? */
bool mock_is_self_granted(void);

/* Creates a domain with a frontend, not connected, whose ring indexes all
 * start at 'start'. */
struct mock *mock_create(unsigned int n_queues, bool split, uint32_t start);

/* The same for cmocka: one queue, one channel, connected. */
int mock_setup(void **state);
int mock_teardown(void **state);

/* The same with 'n_queues' queues, a control ring, and indexes that start at
 * 'start'. */
int mock_setup_ctrl(void **state, unsigned int n_queues, uint32_t start);

/* The only queue, or the first one, of what these set up. */
static inline struct mock_queue *
mock_queue_of(void **state)
{
    struct mock *mock = *state;

    return &mock->queues[0];
}

/* Gives the port an MTU of MOCK_MTU, instead of one that all frames fit. */
void mock_limit_mtu(struct mock *);

/* Disconnects, destroys the domain, and checks that nothing of it is left in
 * use.  mock_stage() must have been undone. */
void mock_destroy(struct mock *);

/* Destroys the domain while it is connected.  The test then calls mock_bury()
 * instead of mock_destroy(), which checks that it is gone once the provider
 * let go of it. */
void mock_kill(struct mock *);
void mock_bury(struct mock *);

/* Checks how many pages of the domain are mapped, and that it has no ports
 * but its own. */
void mock_assert_usage(const struct mock *, unsigned int n_mapped);

/* The same with 'n' pages besides the rings, which are mapped anyway. */
void mock_assert_mapped(const struct mock *, unsigned int n);

/* Gives the frontend, which is not connected, a control ring. */
void mock_add_ctrl(struct mock *);

/* Whether the next connection begins with the offer that the guest may send
 * large TCP segments. */
void mock_offer_gso(struct mock *, bool offered);

/* What the frontend tells the backend. */
void mock_request(const struct mock *, struct xenvif_request *);
struct xenvif_conn *mock_try_connect(struct mock *,
                                     const struct xenvif_request *,
                                     char **problem);
void mock_connect(struct mock *);
void mock_disconnect(struct mock *);

/* Forgets all requests and starts with new rings at 'start', as a frontend
 * does that connects again.  The backend must not be connected. */
void mock_reset(struct mock *, uint32_t start);

/* All three: disconnects, if it is connected, and connects with new rings. */
void mock_reconnect(struct mock *, uint32_t start);

/* The control ring. */

/* Puts a message into the ring and, if 'push', publishes it.  Returns its
 * id. */
uint16_t mock_ctrl_put(struct mock *, uint16_t type, uint32_t data0,
                       uint32_t data1, uint32_t data2, bool push);

/* Takes the next response, which has to be there. */
void mock_ctrl_take(struct mock *, struct xen_netif_ctrl_response *);

/* Runs the provider's end of the control ring as the control thread does, over
 * a grace period if there is one to be waited for.  The guest has spent
 * nothing before.  Returns true if there may be more messages. */
bool mock_ctrl_run(struct mock *);

/* Has one message answered.  Returns the status; stores the data in '*data'
 * unless that is NULL. */
uint32_t mock_ctrl_call(struct mock *, uint16_t type, uint32_t data0,
                        uint32_t data1, uint32_t data2, uint32_t *data);

/* The same with a message that comes with a page, whose reference is
 * 'data'['gref_index'] and whose first 'len' bytes are 'content', where what
 * the backend wrote is stored. */
uint32_t mock_ctrl_call_page(struct mock *, uint16_t type, uint32_t data0,
                             uint32_t data1, uint32_t data2,
                             unsigned int gref_index, void *content,
                             size_t len, uint32_t *data);

/* Asks for the 'n' pages in 'list' to stay mapped for queue 'queue'.  Returns
 * the status. */
uint32_t mock_gref_add(struct mock *, uint32_t queue,
                       struct xen_netif_gref *list, uint32_t n);

/* Takes them back, and stores in 'list' what the provider says of each.
 * Returns how many pages were unmapped. */
uint32_t mock_gref_del(struct mock *, uint32_t queue,
                       struct xen_netif_gref *list, uint32_t n);

/* Lets all grants of the queue's slots stay from now on: those of the TX slots
 * read-only.  Stores the references in 'list', 2 * NETIF_RING_SIZE of them,
 * first those of the TX slots.  There must be no requests. */
void mock_stage(struct mock_queue *, struct xen_netif_gref *list);

/* Ends the grants, which the provider must not have mapped. */
void mock_unstage(struct mock_queue *);

static inline struct xenvif_queue *
mock_backend(const struct mock_queue *q)
{
    return &q->mock->conn->queues[q->id];
}

/* Events that arrived at 'port' since the last call. */
unsigned int mock_take_events(struct mock *, uint32_t port);

/* Pseudo-random numbers, the same in every run. */
uint32_t mock_random(void);
uint32_t mock_random_range(uint32_t n); /* 0 ... n - 1 */
void mock_seed(uint32_t seed);

/* Fills 'frame' with a unicast Ethernet frame of 'len' random bytes. */
void mock_fill_frame(uint8_t *frame, uint32_t len);

/* Cuts 'len' bytes into at most 'max' random sizes, each at most a page and
 * the first at least 1.  Returns how many. */
unsigned int mock_random_layout(uint32_t len, unsigned int max,
                                uint16_t *sizes);

/* TX: from parts to whole packets. */

/* Grants the page of the next slot and returns the reference.  '*page' is its
 * address. */
int32_t mock_tx_grant(struct mock_queue *, uint8_t **page);

/* Puts a request or an extra info into the next slot. */
void mock_tx_request(struct mock_queue *, uint32_t gref, uint16_t offset,
                     uint16_t size, uint16_t flags);
void mock_tx_extra(struct mock_queue *, const struct netif_extra_info *);

/* The slots since the last call are one packet. */
void mock_tx_end(struct mock_queue *);

/* Publishes what was put, and kicks if the backend wants that. */
void mock_tx_push(struct mock_queue *);

/* Has the next mock_tx_frame() carry an extra info. */
void mock_tx_stage_extra(struct mock_queue *, uint8_t type,
                         const struct netif_extra_info *);

/* Puts a frame, cut into 'sizes' ('n' of them; 0: pages as full as possible),
 * each at a random place of a page of its own. */
void mock_tx_frame(struct mock_queue *, const uint8_t *frame, uint32_t len,
                   const uint16_t *sizes, unsigned int n, uint16_t flags);

/* Runs one burst of the provider.  Returns the number of packets, which the
 * caller deletes. */
unsigned int mock_tx_burst(struct mock_queue *, struct dp_packet_batch *);

/* Takes all responses.  Returns how many. */
unsigned int mock_tx_reap(struct mock_queue *);

/* Status of the response to the request with free-running index 'i'. */
int16_t mock_tx_status(const struct mock_queue *, uint32_t i);

/* Puts, publishes and sends 'frame' through, and checks that it arrives. */
void mock_tx_through(struct mock_queue *, const uint8_t *frame, uint32_t len,
                     const uint16_t *sizes, unsigned int n);

/* One burst that has to bring no packet, all of whose requests are answered
 * with 'status'. */
void mock_tx_expect_drop(struct mock_queue *, int16_t status,
                         enum xenvif_tx_verdict);

/* One burst that has to end with a vif error. */
void mock_tx_expect_fault(struct mock_queue *, enum xenvif_tx_verdict);

void mock_assert_packet(const struct dp_packet *, const uint8_t *frame,
                        uint32_t len);

/* RX. */

/* Posts 'n' requests, each with a page of its own. */
void mock_rx_post(struct mock_queue *, unsigned int n);

/* Posts a request with any reference. */
void mock_rx_post_gref(struct mock_queue *, uint32_t gref);

/* Sends 'n' packets in one burst of the provider. */
void mock_rx_burst(struct mock_queue *, struct dp_packet **, unsigned int n);

/* Takes the next packet.  Returns false if there is none. */
bool mock_rx_take(struct mock_queue *, struct mock_rx_packet *);

/* The same for any thread, which owns the frontend's end of the RX ring.
 * Returns 1 or 0, or -1 with '*v' filled in if the packet broke a rule. */
int mock_rx_try_take(struct mock_queue *, struct mock_rx_packet *,
                     struct netif_verdict *v);

/* Sends one frame and checks that it arrives in 'n_slots' slots. */
void mock_rx_through(struct mock_queue *, const uint8_t *frame, uint32_t len,
                     unsigned int n_slots);

/* Returns a new packet with 'len' bytes. */
struct dp_packet *mock_packet(const uint8_t *frame, uint32_t len);

/* Counters of the provider. */
#define mock_tx_count(Q, NAME) \
    xenvif_counter_get(&(Q)->mock->terms.stats[(Q)->id].tx.NAME)
#define mock_rx_count(Q, NAME) \
    xenvif_counter_get(&(Q)->mock->terms.stats[(Q)->id].rx.NAME)
#define mock_tx_verdicts(Q, VERDICT) \
    xenvif_counter_get(&(Q)->mock->terms.stats[(Q)->id].tx_verdicts[VERDICT])
#define mock_rx_verdicts(Q, VERDICT) \
    xenvif_counter_get(&(Q)->mock->terms.stats[(Q)->id].rx_verdicts[VERDICT])

#endif /* mock-frontend.h */
