/* SPDX-License-Identifier: Apache-2.0 */

/* Switch to guest: one burst into an RX ring. */

#include <config.h>

#include "ring/xenvif-rx.h"

#include <string.h>
#include <xen/xen.h>
#include <xen/io/netif.h>

#include "coverage.h"
#include "dp-packet.h"
#include "timeval.h"
#include "packet/xenvif-hash.h"
#include "packet/xenvif-multicast.h"
#include "packet/xenvif-offload.h"
#include "packet/xenvif-ovs-compat.h"
#include "ring/xenvif-queue.h"
#include "xen/xenvif-grant.h"

COVERAGE_DEFINE(xenvif_rx_contention);
COVERAGE_DEFINE(xenvif_rx_no_slots);

/* How long after it stalled a guest that has posted anything gets another
 * chance, in ms.  While its link is down, nobody finds out what it does with
 * packets that need less. */
#define STALL_RETRY_MS 60000

/* Data slots that a frontend takes per packet (netif.h,
 * XEN_NETIF_NR_SLOTS_MIN).  A frame of 65535 bytes needs 16. */
#define MAX_DATA_SLOTS 18

/* A slot of the ring: as request, as response, and as the extra info that may
 * take the place of one. */
union rx_slot {
    uint32_t words[XENVIF_RX_SLOT_WORDS];
    struct netif_rx_request req;
    struct netif_rx_response rsp;
    struct netif_extra_info extra;
};
BUILD_ASSERT_DECL(sizeof(union rx_slot)
                  == XENVIF_RX_SLOT_WORDS * sizeof(uint32_t));

/* Extra infos that a packet may come with: GSO, hash, XDP. */
#define MAX_EXTRAS 3

/* Linux's addition to netif.h: tells the guest the headroom of a packet. */
#define EXTRA_TYPE_XDP 5

/* What is to be said and done about a packet besides its data. */
struct rx_plan {
    struct xenvif_rx_offload offload;
    bool completed;             /* Was the checksum completed here? */
    uint32_t headroom;          /* In the first page. */
    uint32_t n_data;            /* Slots for data. */
    unsigned int n_extras;      /* Slots for extra infos. */
    struct netif_extra_info extras[MAX_EXTRAS];
};

/* A packet whose copies are planned. */
struct rx_record {
    const struct dp_packet *packet;
    bool partial;               /* Without a checksum? */
    bool completed;             /* With one that was completed here? */
    bool gso;                   /* To be segmented by the guest? */
    uint32_t first_slot;        /* In 'responses'. */
    uint32_t n_slots;           /* All slots. */
};

/* The segment of a response that has none. */
#define NO_SEGMENT UINT32_MAX

/* Copies and responses that go out together.  Response 'i' belongs to the
 * request at 'req_cons + i'. */
struct rx_burst {
    struct xenvif_queue *queue;
    struct xenvif_features features; /* Of the guest. */
    const struct xenvif_hash *hash; /* The guest's wish, or NULL. */
    uint32_t prod;              /* The guest's producer index. */
    uint32_t max_frame;
    uint32_t headroom;
    bool filter_multicast;
    unsigned int n_records;
    unsigned int n_responses;
    bool notify;
    struct rx_record records[XENVIF_COPY_MAX];
    union rx_slot responses[(1 + MAX_EXTRAS) * XENVIF_COPY_MAX];
    uint32_t segments[(1 + MAX_EXTRAS) * XENVIF_COPY_MAX]; /* In 'copies'. */
    struct xenvif_copy_batch copies;
};

static struct xenvif_counters *
counters(const struct rx_burst *burst)
{
    return &burst->queue->stats->rx;
}

static void
count_verdict(const struct rx_burst *burst, enum xenvif_rx_verdict verdict)
{
    xenvif_counter_add(&burst->queue->stats->rx_verdicts[verdict], 1);
}

/* Returns true unless 'packet' is multicast and not on the guest's list.
 * Broadcasts always pass. */
static bool
is_wanted(const struct rx_burst *burst, const struct dp_packet *packet)
{
    const struct eth_header *eth = dp_packet_data(packet);

    return (!eth_addr_is_multicast(eth->eth_dst)
            || eth_addr_is_broadcast(eth->eth_dst)
            || xenvif_multicast_contains(&burst->queue->terms->multicast,
                                         eth->eth_dst));
}

/* Can 'packet' be sent to this guest as planned? */
static enum xenvif_rx_verdict
judge_packet(const struct rx_burst *burst, const struct dp_packet *packet,
             const struct rx_plan *plan)
{
    if (dp_packet_size(packet) > burst->max_frame && !plan->offload.gso_size) {
        return XENVIF_RX_E_MTU;
    }
    if (OVS_UNLIKELY(burst->filter_multicast)
        && !is_wanted(burst, packet)) {
        return XENVIF_RX_E_MULTICAST;
    }
    if (plan->n_data
        > (burst->features.sg ? MAX_DATA_SLOTS : 1)) {
        return XENVIF_RX_E_TOO_LONG;
    }
    return XENVIF_RX_GOOD;
}

/* Adds what makes the guest cut a TSO packet up. */
static void
plan_gso(struct rx_plan *plan)
{
    if (plan->offload.gso_size) {
        struct netif_extra_info *extra = &plan->extras[plan->n_extras++];

        memset(extra, 0, sizeof *extra);
        extra->type = XEN_NETIF_EXTRA_TYPE_GSO;
        extra->u.gso.size = plan->offload.gso_size;
        extra->u.gso.type = plan->offload.gso_type;
    }
}

/* Adds the hash, if the guest wants to know it. */
static void
plan_hash(const struct rx_burst *burst, const struct dp_packet *packet,
          struct rx_plan *plan)
{
    struct xenvif_hash_result result;

    if (burst->hash
        && xenvif_hash_frame(burst->hash, dp_packet_data(packet),
                             dp_packet_size(packet), &result)) {
        struct netif_extra_info *extra = &plan->extras[plan->n_extras++];

        memset(extra, 0, sizeof *extra);
        extra->type = XEN_NETIF_EXTRA_TYPE_HASH;
        extra->u.hash.type = result.type;
        extra->u.hash.algorithm = XEN_NETIF_CTRL_HASH_ALGORITHM_TOEPLITZ;
        memcpy(extra->u.hash.value, &result.value, sizeof result.value);
    }
}

/* Adds the headroom, if the guest asked for one. */
static void
plan_headroom(const struct rx_burst *burst, struct rx_plan *plan)
{
    if (burst->headroom) {
        struct netif_extra_info *extra = &plan->extras[plan->n_extras++];
        uint16_t headroom = burst->headroom;

        memset(extra, 0, sizeof *extra);
        extra->type = EXTRA_TYPE_XDP;
        memcpy(&extra->u, &headroom, sizeof headroom);
    }
}

/* Remembers that a packet that needs 'n_slots' has no room.  A guest that has
 * some, but not as much (CVE-2021-28714), is stalled as well, unless it takes
 * other packets: hence the smallest need since the last one that it took. */
static void
note_stall(struct xenvif_queue *queue, uint32_t n_slots)
    OVS_REQUIRES(queue->rx_mutex)
{
    long long int since;
    uint32_t needed;

    COVERAGE_INC(xenvif_rx_no_slots);
    atomic_read_relaxed(&queue->rx_stalled_since, &since);
    atomic_read_relaxed(&queue->rx_needed, &needed);
    if (!since || n_slots < needed) {
        atomic_store_relaxed(&queue->rx_needed, n_slots);
    }
    if (!since) {
        atomic_store_relaxed(&queue->rx_stalled_since, time_msec());
    }
}

static void
note_progress(struct xenvif_queue *queue)
{
    long long int since;

    atomic_read_relaxed(&queue->rx_stalled_since, &since);
    if (OVS_UNLIKELY(since)) {
        atomic_store_relaxed(&queue->rx_stalled_since, 0);
    }
}

/* What is no verdict yet: the packet may wait for room. */
#define MAY_WAIT XENVIF_RX_N_VERDICTS

/* Judges a packet that needs 'n_slots', which are not there. */
static enum xenvif_rx_verdict
no_room(struct xenvif_queue *queue, uint32_t n_slots)
    OVS_REQUIRES(queue->rx_mutex)
{
    note_stall(queue, n_slots);
    if (n_slots >= queue->rx_hopeless) {
        return XENVIF_RX_E_NO_SLOTS;
    }
    queue->rx_wanted = n_slots;
    return MAY_WAIT;
}

/* Remembers that the guest has 'n' requests posted. */
static void
note_posted(struct xenvif_queue *queue, uint32_t n)
    OVS_REQUIRES(queue->rx_mutex)
{
    uint32_t most;

    atomic_read_relaxed(&queue->rx_most, &most);
    if (OVS_UNLIKELY(n > most)) {
        atomic_store_relaxed(&queue->rx_most, n);
    }
    if (OVS_UNLIKELY(n >= queue->rx_hopeless)) {
        queue->rx_hopeless = UINT32_MAX;
    }
}

/* Remembers that the first packet of the backlog waited in vain, with 'n'
 * requests posted. */
static void
note_stale(struct xenvif_queue *queue, uint32_t n)
    OVS_REQUIRES(queue->rx_mutex)
{
    if (n < queue->rx_wanted) {
        atomic_store_relaxed(&queue->rx_most, n);
        if (n) {
            queue->rx_hopeless = MIN(queue->rx_hopeless, queue->rx_wanted);
        }
    }
}

/* Prepares 'packet' for the guest and decides how many slots it takes, and for
 * what. */
static enum xenvif_rx_verdict
make_plan(const struct rx_burst *burst, struct dp_packet *packet,
          struct rx_plan *plan)
{
    if (!dp_packet_is_eth(packet)
        || dp_packet_size(packet) < ETH_HEADER_LEN
        || !xenvif_offload_to_guest(&burst->features,
                                    burst->max_frame - XENVIF_FRAME_OVERHEAD,
                                    packet, &plan->offload,
                                    &plan->completed)) {
        return XENVIF_RX_E_OFFLOAD;
    }
    plan->headroom = burst->headroom;
    plan->n_data = DIV_ROUND_UP(plan->headroom + dp_packet_size(packet),
                                XENVIF_PAGE_SIZE);
    plan->n_extras = 0;

    /* In ascending order of their types. */
    plan_gso(plan);
    plan_hash(burst, packet, plan);
    plan_headroom(burst, plan);
    return judge_packet(burst, packet, plan);
}

/* Brings 'len' bytes at 'data' to byte 'offset' of the guest's page 'gref': at
 * once, if the page is mapped, or by way of a bounce page.  Returns the
 * segment of the copy that does it, or NO_SEGMENT. */
static uint32_t
plan_copy(struct rx_burst *burst, uint32_t gref, uint16_t offset,
          const uint8_t *data, uint16_t len)
{
    uint8_t *page = xenvif_gref_lookup(&burst->queue->grefs, gref, true);
    void *buffer;

    if (OVS_UNLIKELY(page)) {
        xenvif_counter_add(&counters(burst)->mapped, 1);
        memcpy(page + offset, data, len);
        return NO_SEGMENT;
    }
    buffer = xenvif_bounce_alloc(burst->copies.bounce, len);
    memcpy(buffer, data, len);
    xenvif_copy_to_guest(&burst->copies, burst->queue->terms->domid, gref,
                         offset, buffer, len);
    return burst->copies.n - 1;
}

/* Takes the next request and plans a response with 'flags' to it: 'len' bytes
 * at 'data', which go to byte 'offset' of the page that the guest posted. */
static void
plan_data(struct rx_burst *burst, const uint8_t *data, uint16_t offset,
          uint16_t len, uint16_t flags)
    OVS_REQUIRES(burst->queue->rx_mutex)
{
    struct xenvif_ring *ring = &burst->queue->rx;
    union rx_slot *rsp = &burst->responses[burst->n_responses];
    union rx_slot slot;

    xenvif_ring_read_slot(ring, ring->req_cons + burst->n_responses,
                          slot.words);
    burst->segments[burst->n_responses]
        = plan_copy(burst, slot.req.gref, offset, data, len);

    rsp->rsp.id = slot.req.id;
    rsp->rsp.offset = offset;
    rsp->rsp.flags = flags;
    rsp->rsp.status = len;
    burst->n_responses++;
}

/* Plans the extra infos, each in the place of a response. */
static void
plan_extras(struct rx_burst *burst, const struct rx_plan *plan)
{
    for (unsigned int i = 0; i < plan->n_extras; i++) {
        union rx_slot *rsp = &burst->responses[burst->n_responses];

        burst->segments[burst->n_responses++] = NO_SEGMENT;
        rsp->extra = plan->extras[i];
        if (i + 1 < plan->n_extras) {
            rsp->extra.flags |= XEN_NETIF_EXTRA_FLAG_MORE;
        }
    }
}

/* Plans 'packet' into the next requests.  Each slot is filled before the next
 * is begun: old Linux frontends crash on a first slot that is shorter than the
 * Ethernet header. */
static void
plan_packet(struct rx_burst *burst, const struct dp_packet *packet,
            const struct rx_plan *plan)
    OVS_REQUIRES(burst->queue->rx_mutex)
{
    struct rx_record *record = &burst->records[burst->n_records++];
    const uint8_t *data = dp_packet_data(packet);
    uint32_t left = dp_packet_size(packet);

    record->packet = packet;
    record->partial = (plan->offload.flags & NETRXF_csum_blank) != 0;
    record->completed = plan->completed;
    record->gso = plan->offload.gso_size != 0;
    record->first_slot = burst->n_responses;
    record->n_slots = plan->n_data + plan->n_extras;
    for (uint32_t i = 0; i < plan->n_data; i++) {
        uint32_t offset = i ? 0 : plan->headroom;
        uint32_t len = MIN(left, XENVIF_PAGE_SIZE - offset);
        uint16_t flags = i + 1 < plan->n_data ? NETRXF_more_data : 0;

        if (!i) {
            flags |= plan->offload.flags;
            flags |= plan->n_extras ? NETRXF_extra_info : 0;
        }
        plan_data(burst, data, offset, len, flags);
        if (!i) {
            plan_extras(burst, plan);
        }
        data += len;
        left -= len;
    }
}

/* Turns the results of the copies of 'record' into the status of its
 * responses.  The shape of the chain stays as it is. */
static void
finish_record(struct rx_burst *burst, const struct rx_record *record)
{
    uint32_t end = record->first_slot + record->n_slots;
    bool ok = true;

    for (uint32_t i = record->first_slot; i < end; i++) {
        uint32_t segment = burst->segments[i];

        if (OVS_UNLIKELY(segment != NO_SEGMENT
                         && !xenvif_copy_is_ok(&burst->copies, segment))) {
            burst->responses[i].rsp.status = NETIF_RSP_ERROR;
            ok = false;
        }
    }
    if (ok) {
        xenvif_count_frame(counters(burst), record->packet);
        xenvif_counter_add(&counters(burst)->csum_partial, record->partial);
        xenvif_counter_add(&counters(burst)->csum_completed,
                           record->completed);
        xenvif_counter_add(&counters(burst)->gso_packets, record->gso);
        note_progress(burst->queue);
    }
    count_verdict(burst, ok ? XENVIF_RX_GOOD : XENVIF_RX_E_GRANT);
}

/* Executes what is planned and publishes the responses. */
static void
flush(struct rx_burst *burst)
    OVS_REQUIRES(burst->queue->rx_mutex)
{
    struct xenvif_ring *ring = &burst->queue->rx;
    uint32_t n = burst->n_responses;

    if (!n) {
        return;
    }
    if (OVS_LIKELY(burst->copies.n)) {
        xenvif_copy_run(&burst->copies);
        xenvif_counter_add(&counters(burst)->copy_calls, 1);
        xenvif_counter_add(&counters(burst)->copies, burst->copies.n);
    }
    for (unsigned int i = 0; i < burst->n_records; i++) {
        finish_record(burst, &burst->records[i]);
    }
    for (uint32_t i = 0; i < n; i++) {
        xenvif_ring_write_slot(ring, ring->req_cons + i,
                               burst->responses[i].words,
                               XENVIF_RX_SLOT_WORDS);
    }
    ring->req_cons += n;
    burst->notify |= xenvif_ring_publish(ring, ring->req_cons);

    xenvif_counter_add(&counters(burst)->slots, n);
    burst->n_records = burst->n_responses = 0;
    xenvif_copy_batch_init(&burst->copies, xenvif_bounce_get());
}

/* Plans to send 'packet', if there is room for it and the guest can take it.
 * Returns MAY_WAIT if there will perhaps be room later. */
static enum xenvif_rx_verdict
try_packet(struct rx_burst *burst, struct dp_packet *packet)
    OVS_REQUIRES(burst->queue->rx_mutex)
{
    uint32_t size = dp_packet_size(packet);
    enum xenvif_rx_verdict verdict;
    struct rx_plan plan;

    verdict = make_plan(burst, packet, &plan);
    if (verdict == XENVIF_RX_GOOD) {
        uint32_t next = burst->queue->rx.req_cons + burst->n_responses;
        uint32_t n_slots = plan.n_data + plan.n_extras;

        if (burst->prod - next < n_slots) {
            verdict = no_room(burst->queue, n_slots);
        }
    }
    if (verdict != XENVIF_RX_GOOD) {
        return verdict;
    }

    if (burst->n_records + plan.n_data > XENVIF_COPY_MAX
        || burst->copies.n + plan.n_data > XENVIF_COPY_MAX
        || burst->n_responses + plan.n_data + plan.n_extras
           > ARRAY_SIZE(burst->responses)
        || !xenvif_bounce_has_room(burst->copies.bounce, plan.n_data, size)) {
        flush(burst);
    }
    plan_packet(burst, packet, &plan);
    return XENVIF_RX_GOOD;
}

/* Sends what waits in the backlog, as far as there is room. */
static void
send_backlog(struct rx_burst *burst)
    OVS_REQUIRES(burst->queue->rx_mutex)
{
    struct xenvif_backlog *backlog = &burst->queue->rx_backlog;
    uint32_t n = 0;

    if (xenvif_backlog_is_stale(backlog, time_msec())) {
        note_stale(burst->queue, burst->prod - burst->queue->rx.req_cons);
    }
    while (xenvif_backlog_is_stale(backlog, time_msec())) {
        count_verdict(burst, XENVIF_RX_E_NO_SLOTS);
        xenvif_backlog_pop(backlog);
    }
    for (; n < xenvif_backlog_count(backlog); n++) {
        enum xenvif_rx_verdict verdict
            = try_packet(burst, xenvif_backlog_peek(backlog, n));

        if (verdict == MAY_WAIT) {
            break;
        } else if (verdict != XENVIF_RX_GOOD) {
            count_verdict(burst, verdict);
        }
    }

    /* They have to live until they are copied. */
    flush(burst);
    while (n--) {
        xenvif_backlog_pop(backlog);
    }
}

/* Sends, queues or drops one packet. */
static void
add_packet(struct rx_burst *burst, struct dp_packet *packet)
    OVS_REQUIRES(burst->queue->rx_mutex)
{
    struct xenvif_backlog *backlog = &burst->queue->rx_backlog;
    enum xenvif_rx_verdict verdict
        = (xenvif_backlog_count(backlog) ? MAY_WAIT
           : try_packet(burst, packet));

    if (verdict == MAY_WAIT) {
        if (xenvif_backlog_push(backlog, packet, time_msec())) {
            xenvif_counter_add(&counters(burst)->queued, 1);
        } else {
            count_verdict(burst, XENVIF_RX_E_NO_SLOTS);
        }
    } else if (verdict != XENVIF_RX_GOOD) {
        count_verdict(burst, verdict);
    }
}

/* Sends 'n' packets, after those that wait, into a ring whose indexes are
 * sane. */
static void
run_burst(struct xenvif_queue *queue, uint32_t prod,
          struct dp_packet **packets, unsigned int n)
    OVS_NO_THREAD_SAFETY_ANALYSIS /* The caller holds queue->rx_mutex. */
{
    struct rx_burst burst;

    burst.queue = queue;
    burst.features = xenvif_common_features(queue->common);
    burst.hash = ovsrcu_get(struct xenvif_hash *, &queue->common->hash);
    burst.prod = prod;
    burst.n_records = burst.n_responses = 0;
    burst.notify = false;
    atomic_read_relaxed(&queue->terms->max_frame, &burst.max_frame);
    atomic_read_relaxed(&queue->common->headroom, &burst.headroom);
    atomic_read_relaxed(&queue->common->filter_multicast,
                        &burst.filter_multicast);
    xenvif_copy_batch_init(&burst.copies, xenvif_bounce_get());

    note_posted(queue, prod - queue->rx.req_cons);
    if (OVS_UNLIKELY(xenvif_backlog_count(&queue->rx_backlog))) {
        send_backlog(&burst);
    }
    for (unsigned int i = 0; i < n; i++) {
        add_packet(&burst, packets[i]);
    }
    flush(&burst);
    atomic_store_relaxed(&queue->rx_n_waiting,
                         xenvif_backlog_count(&queue->rx_backlog));

    if (burst.notify) {
        xenvif_counter_add(&queue->stats->rx.notifies, 1);
        xenvif_event_notify(&queue->event, queue->event.rx_port);
    }
}

bool
xenvif_rx_burst(struct xenvif_queue *queue, struct dp_packet **packets,
                unsigned int n)
{
    bool contended = ovs_mutex_trylock(&queue->rx_mutex);
    bool working = !xenvif_common_fault(queue->common);
    bool broken = false;

    if (contended) {
        COVERAGE_INC(xenvif_rx_contention);
        ovs_mutex_lock(&queue->rx_mutex);
        xenvif_counter_add(&queue->stats->rx.contention, 1);
    }
    if (OVS_LIKELY(working)) {
        uint32_t prod = xenvif_ring_req_prod(&queue->rx);

        broken = (xenvif_ring_n_unanswered(&queue->rx, prod)
                  > queue->rx.size);
        if (OVS_LIKELY(!broken)) {
            run_burst(queue, prod, packets, n);
        } else {
            xenvif_counter_add(
                &queue->stats->rx_verdicts[XENVIF_RX_E_RING], n);
        }
    }
    ovs_mutex_unlock(&queue->rx_mutex);

    if (OVS_UNLIKELY(broken)) {
        xenvif_common_set_fault(queue->common, XENVIF_FAULT_RX_RING);
    }
    return working;
}

bool
xenvif_rx_drop(struct xenvif_queue *queue, enum xenvif_rx_verdict verdict)
{
    if (xenvif_common_fault(queue->common)) {
        return false;
    }
    ovs_mutex_lock(&queue->rx_mutex);
    xenvif_counter_add(&queue->stats->rx_verdicts[verdict], 1);
    ovs_mutex_unlock(&queue->rx_mutex);
    return true;
}

void
xenvif_rx_count_segmented(struct xenvif_queue *queue)
{
    ovs_mutex_lock(&queue->rx_mutex);
    xenvif_counter_add(&queue->stats->rx.gso_segmented, 1);
    ovs_mutex_unlock(&queue->rx_mutex);
}

bool
xenvif_rx_has_posted(struct xenvif_queue *queue, uint32_t n_slots)
{
    uint32_t most;

    atomic_read_relaxed(&queue->rx_most, &most);
    if (OVS_UNLIKELY(most < n_slots)) {
        uint32_t n;

        ovs_mutex_lock(&queue->rx_mutex);
        n = xenvif_ring_req_prod(&queue->rx) - queue->rx.req_cons;
        note_posted(queue, MIN(n, queue->rx.size));
        atomic_read_relaxed(&queue->rx_most, &most);
        ovs_mutex_unlock(&queue->rx_mutex);
    }
    return most >= n_slots;
}

void
xenvif_rx_poll(struct xenvif_queue *queue)
{
    if (OVS_UNLIKELY(xenvif_rx_n_waiting(queue))) {
        xenvif_rx_burst(queue, NULL, 0);
    }
}

bool
xenvif_rx_is_stalled(struct xenvif_queue *queue, long long int since)
{
    long long int stalled_since;
    bool stalled = false;

    atomic_read_relaxed(&queue->rx_stalled_since, &stalled_since);
    if (stalled_since && stalled_since <= since) {
        bool again = time_msec() - stalled_since > STALL_RETRY_MS;
        uint32_t needed, n;

        ovs_mutex_lock(&queue->rx_mutex);
        atomic_read_relaxed(&queue->rx_needed, &needed);
        n = xenvif_ring_req_prod(&queue->rx) - queue->rx.req_cons;
        stalled = n < needed && !(n && again);
        if (!stalled) {
            atomic_store_relaxed(&queue->rx_stalled_since, 0);
        }
        ovs_mutex_unlock(&queue->rx_mutex);
    }
    return stalled;
}
