/*
 * Copyright (c) 2026 The ovs-xenvif authors.
 *
 * Licensed under the Apache License, Version 2.0 (the "License");
 * you may not use this file except in compliance with the License.
 * You may obtain a copy of the License at:
 *
 *     http://www.apache.org/licenses/LICENSE-2.0
 *
 * Unless required by applicable law or agreed to in writing, software
 * distributed under the License is distributed on an "AS IS" BASIS,
 * WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
 * See the License for the specific language governing permissions and
 * limitations under the License.
 */

/* Switch to guest: one burst into an RX ring. */

#include <config.h>

#include "xenvif-rx.h"

#include <string.h>
#include <xen/xen.h>
#include <xen/io/netif.h>

#include "coverage.h"
#include "dp-packet.h"
#include "timeval.h"
#include "xenvif-grant.h"
#include "xenvif-ovs-compat.h"
#include "xenvif-queue.h"

COVERAGE_DEFINE(xenvif_rx_contention);
COVERAGE_DEFINE(xenvif_rx_no_slots);

/* Data slots that a frontend takes per packet (netif.h,
 * XEN_NETIF_NR_SLOTS_MIN).  A frame of 65535 bytes needs 16. */
#define MAX_DATA_SLOTS 18

/* A slot of the ring, as request and as response. */
union rx_slot {
    uint32_t words[XENVIF_RX_SLOT_WORDS];
    struct netif_rx_request req;
    struct netif_rx_response rsp;
};
BUILD_ASSERT_DECL(sizeof(union rx_slot)
                  == XENVIF_RX_SLOT_WORDS * sizeof(uint32_t));

/* A packet whose copies are planned. */
struct rx_record {
    const struct dp_packet *packet;
    uint32_t first;             /* In 'responses' and 'copies'. */
    uint32_t n;                 /* Slots. */
};

/* Copies and responses that go out together.  Response 'i' belongs to the
 * request at 'req_cons + i' and to segment 'i'. */
struct rx_burst {
    struct xenvif_queue *queue;
    uint32_t prod;              /* The guest's producer index. */
    uint32_t max_frame;
    unsigned int n_records;
    bool notify;
    struct rx_record records[XENVIF_COPY_MAX];
    union rx_slot responses[XENVIF_COPY_MAX];
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

/* Can 'packet', which takes 'n_slots', be sent to this guest at all? */
static enum xenvif_rx_verdict
judge_packet(const struct rx_burst *burst, const struct dp_packet *packet,
             uint32_t n_slots)
{
    if (!dp_packet_is_eth(packet)
        || dp_packet_size(packet) < ETH_HEADER_LEN) {
        return XENVIF_RX_E_OFFLOAD;
    }
    if (dp_packet_size(packet) > burst->max_frame) {
        return XENVIF_RX_E_MTU;
    }
    if (n_slots > (burst->queue->shared->features.sg ? MAX_DATA_SLOTS : 1)) {
        return XENVIF_RX_E_TOO_LONG;
    }
    return XENVIF_RX_GOOD;
}

/* Remembers that a packet that needed 'n_slots' was dropped for want of them.
 * The head of the queue, so to speak, decides: one free slot is no progress
 * for a guest that needs two (CVE-2021-28714). */
static void
note_stall(struct xenvif_queue *queue, uint32_t n_slots)
{
    long long int since;

    COVERAGE_INC(xenvif_rx_no_slots);
    atomic_read_relaxed(&queue->rx_stalled_since, &since);
    if (!since) {
        atomic_store_relaxed(&queue->rx_needed, n_slots);
        atomic_store_relaxed(&queue->rx_stalled_since, time_msec());
    }
}

static void
note_progress(struct xenvif_queue *queue, uint32_t n_slots)
{
    long long int since;
    uint32_t needed;

    atomic_read_relaxed(&queue->rx_stalled_since, &since);
    if (OVS_UNLIKELY(since)) {
        atomic_read_relaxed(&queue->rx_needed, &needed);
        if (n_slots >= needed) {
            atomic_store_relaxed(&queue->rx_stalled_since, 0);
        }
    }
}

/* Copies one slot's share, 'len' bytes at 'data', to a bounce page and plans
 * the copy from there to the page that the guest posted. */
static void
plan_slot(struct rx_burst *burst, uint32_t index, const uint8_t *data,
          uint16_t len, uint16_t flags)
    OVS_REQUIRES(burst->queue->rx_mutex)
{
    union rx_slot *rsp = &burst->responses[burst->copies.n];
    void *buffer = xenvif_bounce_alloc(burst->copies.bounce, len);
    union rx_slot slot;

    xenvif_ring_read_slot(&burst->queue->rx, index, slot.words);
    memcpy(buffer, data, len);
    xenvif_copy_to_guest(&burst->copies, burst->queue->shared->domid,
                         slot.req.gref, 0, buffer, len);

    rsp->rsp.id = slot.req.id;
    rsp->rsp.offset = 0;
    rsp->rsp.flags = flags;
    rsp->rsp.status = len;
}

/* Plans 'packet' into the next 'n_slots' requests.  Each slot is filled before
 * the next is begun: old Linux frontends crash on a first slot that is shorter
 * than the Ethernet header. */
static void
plan_packet(struct rx_burst *burst, const struct dp_packet *packet,
            uint32_t n_slots)
    OVS_REQUIRES(burst->queue->rx_mutex)
{
    struct rx_record *record = &burst->records[burst->n_records++];
    const uint8_t *data = dp_packet_data(packet);
    uint32_t left = dp_packet_size(packet);

    record->packet = packet;
    record->first = burst->copies.n;
    record->n = n_slots;
    for (uint32_t i = 0; i < n_slots; i++) {
        uint32_t len = MIN(left, XENVIF_PAGE_SIZE);
        uint16_t flags = 0;

        if (!i && xenvif_packet_l4_is_good(packet)) {
            flags |= NETRXF_data_validated;
        }
        if (i + 1 < n_slots) {
            flags |= NETRXF_more_data;
        }
        plan_slot(burst, burst->queue->rx.req_cons + burst->copies.n,
                  data, len, flags);
        data += len;
        left -= len;
    }
}

/* Turns the results of the copies of 'record' into the status of its
 * responses.  The shape of the chain stays as it is. */
static void
finish_record(struct rx_burst *burst, const struct rx_record *record)
{
    bool ok = true;

    for (uint32_t i = record->first; i < record->first + record->n; i++) {
        if (OVS_UNLIKELY(!xenvif_copy_is_ok(&burst->copies, i))) {
            burst->responses[i].rsp.status = NETIF_RSP_ERROR;
            ok = false;
        }
    }
    if (ok) {
        xenvif_count_frame(counters(burst), record->packet);
        note_progress(burst->queue, record->n);
    }
    count_verdict(burst, ok ? XENVIF_RX_GOOD : XENVIF_RX_E_GRANT);
}

/* Executes what is planned and publishes the responses. */
static void
flush(struct rx_burst *burst)
    OVS_REQUIRES(burst->queue->rx_mutex)
{
    struct xenvif_ring *ring = &burst->queue->rx;
    uint32_t n = burst->copies.n;

    if (!n) {
        return;
    }
    xenvif_copy_run(&burst->copies);
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

    xenvif_counter_add(&counters(burst)->copy_calls, 1);
    xenvif_counter_add(&counters(burst)->copies, n);
    xenvif_counter_add(&counters(burst)->slots, n);
    burst->n_records = 0;
    xenvif_copy_batch_init(&burst->copies, xenvif_bounce_get());
}

/* Sends or drops one packet. */
static void
add_packet(struct rx_burst *burst, const struct dp_packet *packet)
    OVS_REQUIRES(burst->queue->rx_mutex)
{
    uint32_t size = dp_packet_size(packet);
    uint32_t n_slots = DIV_ROUND_UP(size, XENVIF_PAGE_SIZE);
    enum xenvif_rx_verdict verdict = judge_packet(burst, packet, n_slots);

    if (verdict == XENVIF_RX_GOOD) {
        uint32_t next = burst->queue->rx.req_cons + burst->copies.n;

        if (burst->prod - next < n_slots) {
            verdict = XENVIF_RX_E_NO_SLOTS;
            note_stall(burst->queue, n_slots);
        }
    }
    if (verdict != XENVIF_RX_GOOD) {
        count_verdict(burst, verdict);
        return;
    }

    if (burst->copies.n + n_slots > XENVIF_COPY_MAX
        || !xenvif_bounce_has_room(burst->copies.bounce, n_slots, size)) {
        flush(burst);
    }
    plan_packet(burst, packet, n_slots);
}

/* Sends 'n' packets into a ring whose indexes are sane. */
static void
run_burst(struct xenvif_queue *queue, uint32_t prod,
          struct dp_packet **packets, unsigned int n)
    OVS_NO_THREAD_SAFETY_ANALYSIS /* The caller holds queue->rx_mutex. */
{
    struct rx_burst burst;

    burst.queue = queue;
    burst.prod = prod;
    burst.n_records = 0;
    burst.notify = false;
    atomic_read_relaxed(
        CONST_CAST(atomic_uint32_t *, queue->shared->max_frame),
        &burst.max_frame);
    xenvif_copy_batch_init(&burst.copies, xenvif_bounce_get());

    for (unsigned int i = 0; i < n; i++) {
        add_packet(&burst, packets[i]);
    }
    flush(&burst);

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
    bool working = !xenvif_shared_fault(queue->shared);
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
        xenvif_shared_set_fault(queue->shared, XENVIF_FAULT_RX_RING);
    }
    return working;
}

bool
xenvif_rx_is_stalled(struct xenvif_queue *queue, long long int since)
{
    long long int stalled_since;
    bool stalled = false;

    atomic_read_relaxed(&queue->rx_stalled_since, &stalled_since);
    if (stalled_since && stalled_since <= since) {
        uint32_t needed;

        ovs_mutex_lock(&queue->rx_mutex);
        atomic_read_relaxed(&queue->rx_needed, &needed);
        stalled = (xenvif_ring_req_prod(&queue->rx) - queue->rx.req_cons
                   < needed);
        if (!stalled) {
            atomic_store_relaxed(&queue->rx_stalled_since, 0);
        }
        ovs_mutex_unlock(&queue->rx_mutex);
    }
    return stalled;
}
