/* SPDX-License-Identifier: Apache-2.0 */

/* Guest to switch: one burst from a TX ring. */

#include <config.h>

#include "ring/xenvif-tx.h"

#include <errno.h>

#include "coverage.h"
#include "dp-packet.h"
#include "openvswitch/poll-loop.h"
#include "packet/xenvif-multicast.h"
#include "packet/xenvif-offload.h"
#include "packet/xenvif-ovs-compat.h"
#include "rate/xenvif-credit.h"
#include "rate/xenvif-ingress.h"
#include "ring/xenvif-queue.h"
#include "ring/xenvif-rx.h"
#include "ring/xenvif-tx-parse.h"
#include "xen/xenvif-grant.h"

COVERAGE_DEFINE(xenvif_tx_contention);

/* Slots after which a burst ends.  Slots are what a burst costs us, whether
 * they hold a good packet or not. */
#define BURST_SLOTS 64

/* How long a sleeping thread may overlook a guest that does not kick although
 * it was asked to, in ms. */
#define MISSED_EVENT_MS 1000

/* How soon it looks whether a guest made room for packets that wait, in ms. */
#define BACKLOG_WAIT_MS 1

/* So that the chain that begins in the last of them is seen whole. */
#define BURST_WINDOW (BURST_SLOTS + XENVIF_TX_MAX_CHAIN)

/* A packet of the burst: how it was judged and where its copies are. */
struct tx_record {
    struct xenvif_tx_packet packet;
    enum xenvif_tx_verdict verdict;
    uint32_t first_seg, n_segs; /* Its segments of the copy batch. */
    struct xenvif_tx_offload offload;
    uint32_t n_pieces;          /* Data slots that are not empty... */
    struct {
        const uint8_t *data;    /* ...and where their data will be. */
        uint32_t len;
    } pieces[XENVIF_TX_MAX_DATA_SLOTS];
};

struct tx_burst {
    struct xenvif_queue *queue;
    unsigned int n_window;      /* Slots read from the ring. */
    unsigned int n_slots;       /* Slots that 'records' cover. */
    unsigned int n_records;
    unsigned int n_packets;     /* Packets that they may become. */
    int64_t credit;             /* Bytes that the guest may send now. */
    uint64_t policed_at;        /* The time, or 0 if there is no policing. */
    union xenvif_tx_slot window[BURST_WINDOW];
    struct tx_record records[BURST_SLOTS];
    struct xenvif_copy_batch copies;
};

static struct xenvif_counters *
counters(const struct tx_burst *burst)
{
    return &burst->queue->stats->tx;
}

static void
count_verdict(const struct tx_burst *burst, enum xenvif_tx_verdict verdict)
{
    xenvif_counter_add(&burst->queue->stats->tx_verdicts[verdict], 1);
}

/* Copies requests out of the ring, as many as there are and one burst may look
 * at.  Returns true if the guest published more than those. */
static bool
read_window(struct tx_burst *burst, uint32_t prod)
{
    struct xenvif_ring *ring = &burst->queue->tx;
    uint32_t n = prod - ring->req_cons;

    burst->n_window = MIN(n, BURST_WINDOW);
    for (unsigned int i = 0; i < burst->n_window; i++) {
        xenvif_ring_read_slot(ring, ring->req_cons + i,
                              burst->window[i].words);
    }
    return n > burst->n_window;
}

/* Was any request of 'packet' answered by a backend that died before it could
 * publish the answer? */
static bool
was_answered(const struct tx_burst *burst,
             const struct xenvif_tx_packet *packet)
{
    struct xenvif_queue *queue = burst->queue;

    if (OVS_LIKELY(!queue->tx_recovering)) {
        return false;
    }
    if ((int32_t) (queue->tx.req_cons + packet->first
                   - queue->tx_recover_end) >= 0) {
        queue->tx_recovering = false;
        return false;
    }
    for (unsigned int i = 0; i < packet->n_slots; i++) {
        bool is_extra = i && i <= packet->n_extras;

        if (!is_extra && xenvif_tx_slot_is_answered(
                             &burst->window[packet->first + i])) {
            return true;
        }
    }
    return false;
}

/* Finds a place for 'len' bytes of a slot's data: where they are, if the page
 * is mapped, or in a bounce page, and plans a copy to it. */
static const uint8_t *
plan_piece(struct tx_burst *burst, const struct netif_tx_request *req,
           uint32_t len)
{
    const uint8_t *page = xenvif_gref_lookup(&burst->queue->grefs, req->gref,
                                             false);
    uint8_t *buffer;

    if (OVS_UNLIKELY(page)) {
        xenvif_counter_add(&counters(burst)->mapped, 1);
        return page + req->offset;
    }
    buffer = xenvif_bounce_alloc(burst->copies.bounce, len);
    xenvif_copy_from_guest(&burst->copies, burst->queue->terms->domid,
                           req->gref, req->offset, buffer, len);
    return buffer;
}

/* Is there room left for the copies of 'packet' in this burst? */
static bool
has_room(const struct tx_burst *burst, const struct xenvif_tx_packet *packet)
{
    return (burst->copies.n + packet->n_data <= XENVIF_COPY_MAX
            && xenvif_bounce_has_room(burst->copies.bounce, packet->n_data,
                                      packet->size));
}

/* Adds the copies that bring the data of 'record' here. */
static void
plan_copies(struct tx_burst *burst, struct tx_record *record)
{
    const struct xenvif_tx_packet *packet = &record->packet;

    record->first_seg = burst->copies.n;
    for (unsigned int i = 0; i < packet->n_data; i++) {
        uint32_t len;
        const struct netif_tx_request *req
            = xenvif_tx_packet_data(burst->window, packet, i, &len);

        if (len) {
            /* A slot without data says nothing about its grant (XSA-448). */
            record->pieces[record->n_pieces].data
                = plan_piece(burst, req, len);
            record->pieces[record->n_pieces++].len = len;
        }
    }
    record->n_segs = burst->copies.n - record->first_seg;
}

/* Returns how many packets the datapath will receive at most in place of
 * 'packet'. */
static unsigned int
n_pieces(const struct tx_burst *burst, const struct xenvif_tx_packet *packet)
{
    return (packet->gso_type && !burst->queue->terms->tso
            ? DIV_ROUND_UP(packet->size, packet->gso_size) : 1);
}

/* Decides what becomes of the good packet in 'record', before the cost of
 * copying it.  Returns false if there is no room left for it in this burst. */
static bool
plan_packet(struct tx_burst *burst, struct tx_record *record)
{
    const struct xenvif_tx_packet *packet = &record->packet;

    if (!has_room(burst, packet)) {
        return false;
    }
    burst->credit -= packet->size;
    if (OVS_UNLIKELY(burst->policed_at)
        && !xenvif_ingress_admit(&burst->queue->terms->policer, packet->size,
                                 burst->policed_at)) {
        record->verdict = XENVIF_TX_E_POLICED;
    } else {
        plan_copies(burst, record);
        burst->n_packets += n_pieces(burst, packet);
    }
    return true;
}

/* Takes credit for one burst.  Returns 0 if the vif is at its limit. */
static int64_t
take_credit(const struct xenvif_queue *queue)
{
    struct xenvif_credit *rate = &queue->terms->rate;
    int64_t credit;

    if (OVS_LIKELY(!xenvif_credit_is_limited(rate))) {
        return XENVIF_CREDIT_NO_LIMIT;
    }
    credit = xenvif_credit_reserve(rate, queue->id, xenvif_bucket_now());
    if (!credit) {
        xenvif_counter_add(&queue->stats->tx.throttled, 1);
    }
    return credit;
}

/* Gives back what is left of 'credit' after 'burst', or less than nothing. */
static void
settle_credit(const struct tx_burst *burst, int64_t credit)
{
    if (OVS_UNLIKELY(credit != XENVIF_CREDIT_NO_LIMIT)) {
        xenvif_credit_settle(&burst->queue->terms->rate, burst->queue->id,
                             credit, credit - burst->credit);
    }
}

static uint32_t
max_frame(const struct tx_burst *burst)
{
    uint32_t size;

    atomic_read_relaxed(&burst->queue->terms->max_frame, &size);
    return size;
}

/* Judges the packets in the window and plans their copies, until the burst is
 * full.  Returns a vif error that ended it, or XENVIF_TX_GOOD. */
static enum xenvif_tx_verdict
plan_burst(struct tx_burst *burst, bool more)
{
    const struct xenvif_tx_limits limits = {
        .max_frame = max_frame(burst),
        .gso_v4 = burst->queue->terms->offers.gso_v4,
        .gso_v6 = burst->queue->terms->offers.gso_v6,
    };

    while (burst->n_slots < burst->n_window
           && burst->n_slots < BURST_SLOTS
           && burst->n_packets < NETDEV_MAX_BURST
           && burst->credit > 0) {
        struct tx_record *record = &burst->records[burst->n_records];

        record->n_segs = record->n_pieces = 0;
        record->verdict = xenvif_tx_parse(burst->window, burst->n_window,
                                          burst->n_slots, more, &limits,
                                          &record->packet);
        if (record->verdict == XENVIF_TX_N_VERDICTS) {
            break;
        }
        if (record->verdict >= XENVIF_TX_E_FATAL) {
            return record->verdict;
        }
        if (was_answered(burst, &record->packet)) {
            record->verdict = XENVIF_TX_ANSWERED;
        } else if (record->verdict == XENVIF_TX_GOOD
                   && !plan_packet(burst, record)) {
            break;
        }
        burst->n_slots += record->packet.n_slots;
        burst->n_records++;
    }
    return XENVIF_TX_GOOD;
}

/* Does what the guest left to us, or leaves it to whoever sends 'packet'. */
static enum xenvif_tx_verdict
apply_offloads(const struct tx_burst *burst, struct tx_record *record,
               struct dp_packet *packet)
{
    const struct xenvif_tx_packet *tx_packet = &record->packet;
    const struct xenvif_datapath datapath = {
        .partial = burst->queue->terms->partial,
        .tso = burst->queue->terms->tso,
        .max_frame = max_frame(burst),
    };

    record->offload = (struct xenvif_tx_offload) { .cut_mss = 0 };
    if (tx_packet->flags & NETTXF_csum_blank || tx_packet->gso_type) {
        return xenvif_offload_from_guest(packet, tx_packet->gso_type,
                                         tx_packet->gso_size, &datapath,
                                         &record->offload);
    }
    if (tx_packet->flags & NETTXF_data_validated) {
        xenvif_offload_set_good(packet);
    }
    return XENVIF_TX_GOOD;
}

/* Has the datapath receive the pieces of 'packet', which is freed. */
static enum xenvif_tx_verdict
deliver_pieces(const struct tx_burst *burst, const struct tx_record *record,
               struct dp_packet *packet)
{
    bool partial = record->offload.partial;
    size_t n = xenvif_tx_overflow_cut(&burst->queue->tx_segments, packet,
                                      record->offload.cut_mss, partial);
    struct xenvif_counters *c = counters(burst);

    if (n) {
        xenvif_count_frame(c, packet);
        xenvif_counter_add(&c->gso_segmented, 1);
        xenvif_counter_add(partial ? &c->csum_partial : &c->csum_completed, n);
    }
    dp_packet_delete(packet);
    return n ? XENVIF_TX_GOOD : XENVIF_TX_E_GSO;
}

/* Has the datapath receive 'packet', in pieces if it has to be.  Returns what
 * became of it. */
static enum xenvif_tx_verdict
deliver(const struct tx_burst *burst, const struct tx_record *record,
        struct dp_packet *packet, struct dp_packet_batch *batch)
{
    struct xenvif_tx_overflow *segments = &burst->queue->tx_segments;
    struct xenvif_counters *c = counters(burst);

    if (OVS_UNLIKELY(record->offload.cut_mss)) {
        return deliver_pieces(burst, record, packet);
    }
    xenvif_count_frame(c, packet);
    xenvif_counter_add(&c->csum_partial, xenvif_packet_l4_is_partial(packet));
    xenvif_counter_add(&c->csum_completed, record->offload.completed);
    xenvif_counter_add(&c->gso_packets, xenvif_packet_is_tso(packet));
    if (OVS_LIKELY(xenvif_tx_overflow_is_empty(segments))) {
        dp_packet_batch_add(batch, packet);
    } else {
        xenvif_tx_overflow_append(segments, packet);
    }
    return XENVIF_TX_GOOD;
}

/* Makes a packet of the data that was copied.  Returns NULL and changes the
 * verdict if that is not possible. */
static struct dp_packet *
build_packet(const struct tx_burst *burst, struct tx_record *record)
{
    const struct xenvif_copy_batch *copies = &burst->copies;
    uint32_t end = record->first_seg + record->n_segs;
    struct dp_packet *packet;
    uint8_t *data;

    for (uint32_t i = record->first_seg; i < end; i++) {
        if (OVS_UNLIKELY(!xenvif_copy_is_ok(copies, i))) {
            record->verdict = XENVIF_TX_E_GRANT;
            return NULL;
        }
    }

    packet = xenvif_packet_new(record->packet.size);
    data = dp_packet_data(packet);
    for (uint32_t i = 0; i < record->n_pieces; i++) {
        memcpy(data, record->pieces[i].data, record->pieces[i].len);
        data += record->pieces[i].len;
    }

    record->verdict = apply_offloads(burst, record, packet);
    if (record->verdict != XENVIF_TX_GOOD) {
        dp_packet_delete(packet);
        return NULL;
    }
    return packet;
}

/* Edits the guest's multicast list.  Returns the status of the response. */
static int16_t
edit_multicast(const struct tx_burst *burst,
               const struct xenvif_tx_packet *packet)
{
    struct xenvif_multicast *multicast = &burst->queue->terms->multicast;
    struct eth_addr addr;

    memcpy(&addr, packet->multicast_addr, sizeof addr);
    if (packet->multicast_op == XEN_NETIF_EXTRA_TYPE_MCAST_DEL) {
        xenvif_multicast_remove(multicast, addr);
        return NETIF_RSP_OKAY;
    }
    return (eth_addr_is_multicast(addr)
            && xenvif_multicast_add(multicast, addr)
            ? NETIF_RSP_OKAY : NETIF_RSP_ERROR);
}

/* Does what is to be done with 'record' now that its data is here.  Returns
 * the status of the response. */
static int16_t
finish_record(const struct tx_burst *burst, struct tx_record *record,
              struct dp_packet_batch *batch)
{
    if (record->verdict == XENVIF_TX_GOOD) {
        struct dp_packet *packet = build_packet(burst, record);

        if (packet) {
            record->verdict = deliver(burst, record, packet, batch);
        }
    }

    count_verdict(burst, record->verdict);
    switch (record->verdict) {
    case XENVIF_TX_GOOD:
    case XENVIF_TX_ANSWERED:
    case XENVIF_TX_E_POLICED:
        return NETIF_RSP_OKAY;
    case XENVIF_TX_MULTICAST:
        return edit_multicast(burst, &record->packet);
#define XENVIF_TX_ERROR(ENUM, NAME, TEXT) case XENVIF_TX_E_##ENUM:
    XENVIF_TX_PACKET_ERRORS
    XENVIF_TX_VIF_ERRORS
#undef XENVIF_TX_ERROR
    case XENVIF_TX_N_VERDICTS:
    default:
        return NETIF_RSP_ERROR;
    }
}

/* Writes one response for each slot of 'record'.
 *
 * A response overwrites only as much of its slot as it needs.  If we die
 * before the responses are published, the next backend can still walk the
 * chain (and see that it was answered): in an extra info only the status is
 * written, which lies beyond its type and flags. */
static void
write_responses(struct tx_burst *burst, const struct tx_record *record,
                int16_t status)
{
    struct xenvif_ring *ring = &burst->queue->tx;
    const struct xenvif_tx_packet *packet = &record->packet;

    for (unsigned int i = 0; i < packet->n_slots; i++) {
        const union xenvif_tx_slot *slot = &burst->window[packet->first + i];
        bool is_extra = i && i <= packet->n_extras;
        uint32_t word;

        if (is_extra) {
            word = (slot->words[0] & UINT16_MAX) | NETIF_RSP_NULL << 16;
        } else {
            word = slot->req.id | (uint32_t) (uint16_t) status << 16;
        }
        xenvif_ring_write_slot(ring, ring->req_cons + packet->first + i,
                               &word, 1);
    }
}

/* Executes the copies and turns 'burst' into packets in 'batch' and responses
 * in the ring. */
static void
finish_burst(struct tx_burst *burst, struct dp_packet_batch *batch)
{
    int16_t status[BURST_SLOTS];

    if (burst->copies.n) {
        xenvif_copy_run(&burst->copies);
        xenvif_counter_add(&counters(burst)->copy_calls, 1);
        xenvif_counter_add(&counters(burst)->copies, burst->copies.n);
    }
    for (unsigned int i = 0; i < burst->n_records; i++) {
        status[i] = finish_record(burst, &burst->records[i], batch);
    }

    /* Only now, right before they are published: see write_responses(). */
    for (unsigned int i = 0; i < burst->n_records; i++) {
        write_responses(burst, &burst->records[i], status[i]);
    }
}

/* Publishes the responses of 'burst' and notifies the guest if it wants to
 * know. */
static void
publish_burst(struct tx_burst *burst)
{
    struct xenvif_queue *queue = burst->queue;
    struct xenvif_ring *ring = &queue->tx;

    ring->req_cons += burst->n_slots;
    xenvif_counter_add(&counters(burst)->slots, burst->n_slots);
    if (xenvif_ring_publish(ring, ring->req_cons)) {
        xenvif_counter_add(&counters(burst)->notifies, 1);
        xenvif_event_notify(&queue->event, queue->event.tx_port);
    }
}

/* Processes requests up to 'prod', of which there is at least one.  Returns a
 * vif error or XENVIF_TX_GOOD. */
static enum xenvif_tx_verdict
run_burst(struct xenvif_queue *queue, uint32_t prod,
          struct dp_packet_batch *batch)
{
    struct tx_burst burst;
    enum xenvif_tx_verdict verdict;
    int64_t credit = take_credit(queue);

    if (credit <= 0) {
        return XENVIF_TX_GOOD;
    }
    burst.queue = queue;
    burst.credit = credit;
    burst.policed_at = (xenvif_ingress_is_active(&queue->terms->policer)
                        ? xenvif_bucket_now() : 0);
    burst.n_slots = burst.n_records = burst.n_packets = 0;
    xenvif_copy_batch_init(&burst.copies, xenvif_bounce_get());

    verdict = plan_burst(&burst, read_window(&burst, prod));
    settle_credit(&burst, credit);
    if (burst.n_records) {
        finish_burst(&burst, batch);
        publish_burst(&burst);
    }
    if (verdict != XENVIF_TX_GOOD) {
        count_verdict(&burst, verdict);
    }
    return verdict;
}

int
xenvif_tx_burst(struct xenvif_queue *queue, struct dp_packet_batch *batch)
{
    struct xenvif_ring *ring = &queue->tx;
    enum xenvif_tx_verdict verdict = XENVIF_TX_GOOD;
    uint32_t prod;

    if (OVS_UNLIKELY(xenvif_common_fault(queue->common))) {
        return EAGAIN;
    }
    if (OVS_UNLIKELY(atomic_flag_test_and_set(&queue->tx_busy))) {
        COVERAGE_INC(xenvif_tx_contention);
        return EAGAIN;
    }

    prod = xenvif_ring_req_prod(ring);
    if (OVS_UNLIKELY(xenvif_ring_n_unanswered(ring, prod) > ring->size)) {
        verdict = XENVIF_TX_E_RING;
        xenvif_counter_add(&queue->stats->tx_verdicts[verdict], 1);
    } else if (prod != ring->req_cons
               && xenvif_tx_overflow_is_empty(&queue->tx_segments)) {
        verdict = run_burst(queue, prod, batch);
    }
    xenvif_tx_overflow_take(&queue->tx_segments, batch);
    atomic_flag_clear(&queue->tx_busy);

    if (OVS_UNLIKELY(verdict != XENVIF_TX_GOOD)) {
        xenvif_common_set_fault(queue->common, verdict);
    }
    return dp_packet_batch_is_empty(batch) ? EAGAIN : 0;
}

unsigned int
xenvif_tx_n_pending(const struct xenvif_queue *queue)
{
    uint32_t n = xenvif_ring_req_prod(&queue->tx) - queue->tx.req_cons;

    return (MIN(n, queue->tx.size)
            + (queue->tx_segments.n - queue->tx_segments.head));
}

long long int
xenvif_tx_wait_ms(const struct xenvif_queue *queue)
{
    struct xenvif_credit *rate = &queue->terms->rate;

    /* What was cut already has been paid for. */
    return (xenvif_tx_overflow_is_empty(&queue->tx_segments)
            ? xenvif_credit_wait_ms(rate, queue->id, xenvif_bucket_now()) : 0);
}

bool
xenvif_tx_arm(struct xenvif_queue *queue)
{
    bool ready = true;

    if (!atomic_flag_test_and_set(&queue->tx_busy)) {
        ready = (!xenvif_tx_overflow_is_empty(&queue->tx_segments)
                 || xenvif_ring_arm(&queue->tx, 1));
        atomic_flag_clear(&queue->tx_busy);
    }
    return ready;
}

/* Takes the events of 'queue', which are paid for by the slots it filled. */
static void
drain_events(struct xenvif_queue *queue)
{
    uint64_t slots = (xenvif_counter_get(&queue->stats->tx.slots)
                      + xenvif_counter_get(&queue->stats->rx.slots));

    xenvif_counter_add(&queue->stats->tx.events,
                       xenvif_event_drain(&queue->event, slots));
}

void
xenvif_tx_wait(struct xenvif_queue *queue)
{
    long long int wait_ms = MISSED_EVENT_MS;

    if (xenvif_common_fault(queue->common)) {
        return;
    }

    /* Let events come before the guest is asked for one. */
    drain_events(queue);
    if (xenvif_tx_arm(queue)) {
        /* A guest that sent more than its rate allows will not send an event
         * when it may go on. */
        wait_ms = xenvif_tx_wait_ms(queue);
        if (!wait_ms) {
            poll_immediate_wake();
            return;
        }
    }
    if (xenvif_rx_n_waiting(queue)) {
        wait_ms = MIN(wait_ms, BACKLOG_WAIT_MS);
    }
    xenvif_event_wait(&queue->event);
    poll_timer_wait(MIN(wait_ms, MISSED_EVENT_MS));
}
