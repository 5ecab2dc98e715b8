/* SPDX-License-Identifier: Apache-2.0 */

/* What becomes of received frames without a kernel: the sink that judges
 * generated packets, the echo, and the capture. */

#include "guest/sink.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "guest/frame.h"
#include "guest/gen.h"
#include "guest/guest.h"
#include "guest/log.h"
#include "guest/offload.h"
#include "guest/tx.h"
#include "netif/check.h"

#define N_SOURCES 64
#define N_LOCKS 64
#define N_CAPTURED 64

/* What was received of one flow. */
struct sink_flow {
    bool known;
    uint16_t nonce;
    uint64_t max;               /* Highest sequence number. */
    uint64_t window;            /* Bit N: 'max' - N was received. */
};

/* Flows of one generator. */
struct sink_source {
    uint16_t domid;
    struct sink_flow flows[65536];
};

static struct sink_source *sources[N_SOURCES];
static pthread_mutex_t sources_mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t flow_mutexes[N_LOCKS] = {
    [0 ... N_LOCKS - 1] = PTHREAD_MUTEX_INITIALIZER
};

static struct sink_source *
find_source(uint16_t domid)
{
    struct sink_source *source = NULL;

    pthread_mutex_lock(&sources_mutex);
    for (unsigned int i = 0; i < N_SOURCES; i++) {
        if (!sources[i]) {
            sources[i] = calloc(1, sizeof *source);
            if (sources[i]) {
                sources[i]->domid = domid;
            }
        }
        if (!sources[i] || sources[i]->domid == domid) {
            source = sources[i];
            break;
        }
    }
    pthread_mutex_unlock(&sources_mutex);
    return source;
}

/* Returns the frame in one piece, copied into 'buf' if need be. */
static const uint8_t *
linearize(const struct guest_rx_frame *f, uint8_t *buf)
{
    uint32_t ofs = 0;

    if (f->pkt->n_data == 1) {
        return f->iov[0].iov_base;
    }
    for (unsigned int i = 0; i < f->pkt->n_data; i++) {
        memcpy(buf + ofs, f->iov[i].iov_base, f->iov[i].iov_len);
        ofs += f->iov[i].iov_len;
    }
    return buf;
}

/* Accounts for packet 'h'.  A number that is skipped counts as lost until it
 * comes after all. */
static void
account(struct guest_queue *q, struct sink_flow *flow,
        const struct guest_gen_header *h)
{
    uint64_t behind = flow->max - h->seq;

    if (!flow->known || flow->nonce != h->nonce) {
        flow->known = true;
        flow->nonce = h->nonce;
        flow->max = h->seq;
        flow->window = 1;
        GUEST_COUNT(q, sink_lost, h->seq);
    } else if (h->seq > flow->max) {
        uint64_t ahead = h->seq - flow->max;

        flow->window = ahead < 64 ? flow->window << ahead | 1 : 1;
        flow->max = h->seq;
        GUEST_COUNT(q, sink_lost, ahead - 1);
    } else if (behind < 64 && flow->window & UINT64_C(1) << behind) {
        GUEST_COUNT(q, sink_duplicate, 1);
    } else {
        if (behind < 64) {
            flow->window |= UINT64_C(1) << behind;
        }
        GUEST_COUNT(q, sink_reordered, 1);
        GUEST_COUNT(q, sink_lost, -1);
    }
}

/* Returns true if the frame's checksum is what its flags say. */
static bool
check_csum(const struct guest_rx_frame *f, const uint8_t *frame,
           const struct guest_l4 *l4)
{
    const uint8_t *csum = frame + l4->ofs + l4->csum_ofs;
    uint16_t value = csum[0] << 8 | csum[1];
    uint16_t pseudo = guest_pseudo_sum(frame, l4);

    if (f->pkt->flags & NETRXF_csum_blank) {
        return value == pseudo;
    }
    return (!value && !l4->ipv6)
           || guest_csum_fold(guest_csum_add(pseudo, frame + l4->ofs,
                                             l4->len)) == 0xffff;
}

/* Judges a generated packet's bytes. */
static bool
check_packet(const struct guest_rx_frame *f, const uint8_t *frame,
             const struct guest_l4 *l4, const struct guest_gen_header *h)
{
    uint32_t ofs = l4->ofs + 8 + sizeof *h;
    uint32_t udp_len = frame[l4->ofs + 4] << 8 | frame[l4->ofs + 5];

    return (l4->ofs + l4->len == f->pkt->len && udp_len == l4->len
            && !memcmp(frame + ofs, guest_gen_pattern() + guest_gen_shift(h),
                       f->pkt->len - ofs)
            && check_csum(f, frame, l4));
}

/* Judges a packet too short to have a number. */
static bool
is_short_packet(const struct guest_rx_frame *f, const uint8_t *frame)
{
    return (f->pkt->len >= 14
            && (frame[12] << 8 | frame[13]) == GUEST_GEN_ETHERTYPE
            && !memcmp(frame + 14, guest_gen_pattern(), f->pkt->len - 14));
}

static void
report_corrupt(struct guest_queue *q, const struct guest_rx_frame *f)
{
    GUEST_COUNT(q, sink_corrupt, 1);
    if (q->counters.sink_corrupt <= 3) {
        guest_log(q->guest, "queue %u: corrupt packet of %u bytes, flags %#x",
                  q->idx, f->pkt->len, f->pkt->flags);
    }
}

void
guest_sink_deliver(struct guest_queue *q, const struct guest_rx_frame *f)
{
    uint8_t buf[GUEST_MAX_FRAME];
    const uint8_t *frame = linearize(f, buf);
    struct guest_gen_header h;
    struct sink_source *source;
    struct guest_l4 l4;

    if (!guest_find_l4(frame, f->pkt->len, &l4) || l4.proto != 17
        || l4.ofs + 8 + sizeof h > f->pkt->len) {
        if (is_short_packet(f, frame)) {
            GUEST_COUNT(q, sink_ok, 1);
            GUEST_COUNT(q, sink_bytes, f->pkt->len);
        } else {
            GUEST_COUNT(q, sink_foreign, 1);
        }
        return;
    }
    memcpy(&h, frame + l4.ofs + 8, sizeof h);
    if (h.magic != GUEST_GEN_MAGIC) {
        GUEST_COUNT(q, sink_foreign, 1);
        return;
    }
    source = find_source(h.source);
    if (!source || !check_packet(f, frame, &l4, &h)) {
        report_corrupt(q, f);
        return;
    }
    pthread_mutex_lock(&flow_mutexes[h.flow % N_LOCKS]);
    account(q, &source->flows[h.flow], &h);
    pthread_mutex_unlock(&flow_mutexes[h.flow % N_LOCKS]);
    GUEST_COUNT(q, sink_ok, 1);
    GUEST_COUNT(q, sink_bytes, f->pkt->len);
}

static void
swap(uint8_t *a, uint8_t *b, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint8_t tmp = a[i];

        a[i] = b[i];
        b[i] = tmp;
    }
}

void
guest_echo_deliver(struct guest_queue *q, const struct guest_rx_frame *f)
{
    const struct netif_rx_packet *pkt = f->pkt;
    uint8_t buf[GUEST_MAX_FRAME];
    struct guest_tx_frame tx = { .data = buf, .len = pkt->len };
    const uint8_t *frame = linearize(f, buf);
    unsigned int type;

    if (frame[0] & 1
        || !__atomic_load_n(&q->guest->may_send, __ATOMIC_ACQUIRE)) {
        return;
    }
    if (frame != buf) {
        memcpy(buf, frame, pkt->len);
    }
    type = buf[12] << 8 | buf[13];
    swap(buf, buf + 6, 6);
    if (type == 0x0800 && pkt->len >= 34) {
        swap(buf + 26, buf + 30, 4);
    } else if (type == 0x86dd && pkt->len >= 54) {
        swap(buf + 22, buf + 38, 16);
    }
    /* The two directions number their flags differently. */
    if (pkt->flags & NETRXF_csum_blank) {
        tx.flags |= NETTXF_csum_blank;
    }
    if (pkt->flags & NETRXF_data_validated) {
        tx.flags |= NETTXF_data_validated;
    }
    if (pkt->gso_size) {
        tx.gso_size = pkt->gso_size;
        tx.gso_type = pkt->gso_type;
    }
    if (guest_tx_frame(q, &tx)) {
        GUEST_COUNT(q, echoed, 1);
    }
}

/* The last frames received, for a person or a test to look at. */
struct guest_capture {
    pthread_mutex_t mutex;
    bool on;                    /* Atomic. */
    uint64_t n;                 /* Frames captured since it is on. */
    struct captured {
        struct netif_rx_packet pkt;
        unsigned int queue;
        uint8_t *data;
    } frames[N_CAPTURED];
};

bool
guest_capture_set(struct guest *g, bool on)
{
    struct guest_capture *c;

    pthread_mutex_lock(&g->mutex);
    c = g->capture;
    if (!c) {
        c = calloc(1, sizeof *c);
        if (c) {
            pthread_mutex_init(&c->mutex, NULL);
            __atomic_store_n(&g->capture, c, __ATOMIC_RELEASE);
        }
    }
    pthread_mutex_unlock(&g->mutex);
    if (!c) {
        return false;
    }
    pthread_mutex_lock(&c->mutex);
    if (on) {
        c->n = 0;
    }
    __atomic_store_n(&c->on, on, __ATOMIC_RELEASE);
    pthread_mutex_unlock(&c->mutex);
    return true;
}

void
guest_capture_deliver(struct guest_queue *q, const struct guest_rx_frame *f)
{
    struct guest_capture *c = __atomic_load_n(&q->guest->capture,
                                              __ATOMIC_ACQUIRE);
    struct captured *slot;
    uint32_t ofs = 0;

    if (!c || !__atomic_load_n(&c->on, __ATOMIC_ACQUIRE)) {
        return;
    }
    pthread_mutex_lock(&c->mutex);
    slot = &c->frames[c->n++ % N_CAPTURED];
    free(slot->data);
    slot->pkt = *f->pkt;
    slot->queue = q->idx;
    slot->data = malloc(f->pkt->len);
    for (unsigned int i = 0; slot->data && i < f->pkt->n_data; i++) {
        memcpy(slot->data + ofs, f->iov[i].iov_base, f->iov[i].iov_len);
        ofs += f->iov[i].iov_len;
    }
    pthread_mutex_unlock(&c->mutex);
}

void
guest_capture_print(struct guest *g, FILE *out)
{
    struct guest_capture *c = __atomic_load_n(&g->capture, __ATOMIC_ACQUIRE);

    if (!c) {
        return;
    }
    pthread_mutex_lock(&c->mutex);
    for (uint64_t i = c->n > N_CAPTURED ? c->n - N_CAPTURED : 0; i < c->n;
         i++) {
        const struct captured *slot = &c->frames[i % N_CAPTURED];

        fprintf(out, "frame q=%u len=%u slots=%u flags=%#x gso=%u data=",
                slot->queue, slot->pkt.len, slot->pkt.n_slots,
                slot->pkt.flags, slot->pkt.gso_size);
        for (uint32_t j = 0; slot->data && j < slot->pkt.len; j++) {
            fprintf(out, "%02x", slot->data[j]);
        }
        fprintf(out, "\n");
    }
    pthread_mutex_unlock(&c->mutex);
}
