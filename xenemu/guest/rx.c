/* SPDX-License-Identifier: Apache-2.0 */

/* The RX ring: posting buffers, and responses to frames. */

#include "guest/rx.h"

#include <string.h>

#include "guest/frame.h"
#include "guest/guest.h"
#include "guest/hash.h"
#include "guest/kick.h"
#include "guest/log.h"
#include "guest/multicast.h"
#include "guest/pages.h"
#include "guest/sink.h"
#include "guest/tap.h"
#include "guest/xdp.h"
#include "netif/check.h"
#include "netif/ring.h"
#include "xenemu.h"

#define CANARY 0xa5

/* Responses after which new buffers are posted, even if there are more: the
 * backend shall not run out of them meanwhile. */
#define BATCH 64

void
guest_rx_rules(const struct guest *g, struct netif_rx_rules *rules)
{
    const int *f = g->cfg.features;

    rules->sg = f[GUEST_F_SG] == 1;
    rules->gso_tcpv4 = f[GUEST_F_GSO4] == 1;
    rules->gso_tcpv6 = f[GUEST_F_GSO6] == 1;
    /* The defaults of these two differ. */
    rules->csum_ipv4 = f[GUEST_F_NO_CSUM] != 1;
    rules->csum_ipv6 = f[GUEST_F_CSUM6] == 1;
    rules->headroom = 0;
    rules->hash = guest_hash_is_active(g);
}

/* Posts one buffer.  Returns false if the grant table is full. */
static bool
post_buffer(struct guest_queue *q)
{
    struct guest *g = q->guest;
    unsigned int slot = NETIF_SLOT(q->rx.prod);
    uint32_t pfn = q->rx_free[q->n_rx_free - 1];
    struct netif_rx_request req = {
        .id = (g->cfg.habits.rx_id_slot ? slot : q->rx.prod + q->rx_salt),
    };

    if (g->cfg.canary) {
        memset(xenemu_dom_page(g->dom, pfn), CANARY, NETIF_PAGE_SIZE);
    }
    if (!guest_page_grant(g, &q->rx_page[slot], pfn, false)) {
        return false;
    }
    q->n_rx_free--;
    req.gref = q->rx_page[slot].gref;
    q->rx_id[slot] = req.id;
    q->rx_spoiled[slot] = false;
    netif_rx_put(q->rx.page, q->rx.prod++, &req);
    return true;
}

void
guest_rx_refill(struct guest_queue *q)
{
    struct guest *g = q->guest;
    struct guest_ring *r = &q->rx;

    if (__atomic_load_n(&g->stalled, __ATOMIC_ACQUIRE)
        || (r->prod - r->cons + g->cfg.habits.rx_lazy > g->cfg.rx_buffers
            && r->prod != r->cons)) {
        return;
    }
    while (r->prod - r->cons < g->cfg.rx_buffers && q->n_rx_free
           && post_buffer(q)) {
        continue;
    }
    if (r->prod != r->pushed) {
        if (netif_ring_push(r->page, r->pushed, r->prod)) {
            guest_queue_kick(q, r);
        }
        r->pushed = r->prod;
    }
}

void
guest_rx_release(struct guest_queue *q, uint32_t idx, const char *rule)
{
    struct guest_page *page = &q->rx_page[NETIF_SLOT(idx)];
    uint32_t pfn = page->pfn;

    if (pfn == GUEST_NO_PAGE) {
        return;
    }
    if (!guest_page_revoke(q->guest, q, page, rule)) {
        pfn = xenemu_dom_alloc_page(q->guest->dom);
    }
    page->pfn = GUEST_NO_PAGE;
    if (pfn != GUEST_NO_PAGE) {
        q->rx_free[q->n_rx_free++] = pfn;
    }
}

/* Returns true if all bytes from 'ofs' on are as they were when the page was
 * posted. */
static bool
is_untouched(const uint8_t *page, unsigned int ofs, unsigned int end)
{
    for (; ofs < end; ofs++) {
        if (page[ofs] != CANARY) {
            return false;
        }
    }
    return true;
}

/* Judges whether the backend wrote only what it says it did. */
static void
check_canary(struct guest_queue *q, uint32_t first,
             const struct netif_rx_packet *pkt,
             const struct guest_rx_frame *f)
{
    unsigned int j = 0;

    for (unsigned int i = 0; i < pkt->n_slots; i++) {
        const struct guest_page *p = &q->rx_page[NETIF_SLOT(first + i)];
        const uint8_t *page;
        unsigned int start = 0;
        unsigned int end = 0;

        if (p->pfn == GUEST_NO_PAGE) {
            continue;
        }
        page = xenemu_dom_page(q->guest->dom, p->pfn);
        if (j < pkt->n_data && pkt->data[j] == first + i) {
            start = (const uint8_t *) f->iov[j].iov_base - page;
            end = start + f->iov[j].iov_len;
            j++;
        }
        if (!is_untouched(page, 0, start)
            || !is_untouched(page, end, NETIF_PAGE_SIZE)) {
            guest_violation(q->guest, q, "rx.canary", "page of response %u "
                            "was written outside [%u, %u)", first + i, start,
                            end);
        }
    }
}

static void
deliver(struct guest_queue *q, const struct netif_rx_packet *pkt,
        struct guest_rx_frame *f)
{
    struct guest *g = q->guest;

    GUEST_COUNT(q, rx_packets, 1);
    GUEST_COUNT(q, rx_bytes, pkt->len);
    if (pkt->flags & NETRXF_csum_blank) {
        GUEST_COUNT(q, rx_csum_blank, 1);
    } else if (pkt->flags & NETRXF_data_validated) {
        GUEST_COUNT(q, rx_validated, 1);
    }
    if (pkt->gso_size) {
        GUEST_COUNT(q, rx_gso, 1);
    }
    if (pkt->has_hash) {
        GUEST_COUNT(q, rx_hashed, 1);
    }

    guest_capture_deliver(q, f);
    if (g->cfg.sink) {
        guest_sink_deliver(q, f);
    }
    if (g->cfg.echo) {
        guest_echo_deliver(q, f);
    }
    guest_tap_deliver(q, f);
}

/* Takes a good packet whose first response is 'first'. */
static void
take_packet(struct guest_queue *q, const struct netif_rx_rules *rules,
            uint32_t first, const struct netif_rx_packet *pkt,
            const union netif_rx_answer *answers)
{
    struct guest *g = q->guest;
    struct guest_rx_frame f = { .pkt = pkt };
    struct netif_verdict v;

    for (unsigned int i = 0; i < pkt->n_data; i++) {
        unsigned int slot = NETIF_SLOT(pkt->data[i]);
        uint32_t pfn = q->rx_page[slot].pfn;

        if (pfn == GUEST_NO_PAGE) {
            GUEST_COUNT(q, rx_lost, 1);
            return;
        }
        f.iov[i].iov_base = ((char *) xenemu_dom_page(g->dom, pfn)
                             + answers[slot].rsp.offset);
        f.iov[i].iov_len = answers[slot].rsp.status;
    }
    if (g->cfg.canary) {
        check_canary(q, first, pkt, &f);
    }

    /* No more access by the backend before the frame is looked at.  The pages
     * stay valid until the next refill. */
    for (unsigned int i = 0; i < pkt->n_slots; i++) {
        guest_rx_release(q, first + i, "rx.grant-in-use");
    }
    if (!netif_check_rx_offload(rules, pkt, f.iov[0].iov_base,
                                f.iov[0].iov_len, &v)) {
        guest_verdict(g, q, &v);
    }
    guest_hash_check(q, pkt, f.iov[0].iov_base, f.iov[0].iov_len);
    guest_multicast_check(q, f.iov[0].iov_base);
    deliver(q, pkt, &f);
}

/* Takes a packet that the backend could not deliver. */
static void
take_error(struct guest_queue *q, uint32_t first,
           const struct netif_rx_packet *pkt)
{
    bool spoiled = false;

    GUEST_COUNT(q, rx_errors, 1);
    for (unsigned int i = 0; i < pkt->n_slots; i++) {
        spoiled |= q->rx_spoiled[NETIF_SLOT(first + i)];
        guest_rx_release(q, first + i, "rx.grant-in-use");
    }
    if (!spoiled || q->guest->cfg.habits.strict_errors) {
        guest_violation(q->guest, q, "rx.status", "packet at %u has status "
                        "%d%s", first, pkt->error, spoiled ? ""
                        : " although its buffers were good");
    }
}

/* Takes the next packet, with the headroom that is agreed on or, while that
 * changes, was. */
static bool
judge_packet(struct guest_queue *q, struct netif_rx_rules *rules,
             const union netif_rx_answer *answers, uint32_t prod,
             struct netif_rx_packet *pkt, struct netif_verdict *v)
{
    uint16_t headrooms[2];
    unsigned int n = guest_xdp_headrooms(q->guest, headrooms);

    while (n) {
        rules->headroom = headrooms[--n];
        if (netif_check_rx(rules, q->rx_id, answers, q->rx.cons, prod,
                           q->rx.pushed, pkt, v)) {
            return true;
        }
    }
    return false;
}

/* Takes the packets whose responses end at 'prod', or as many as fit into a
 * batch. */
static void
take_answers(struct guest_queue *q, uint32_t prod)
{
    union netif_rx_answer answers[NETIF_RING_SIZE];
    struct guest *g = q->guest;
    struct guest_ring *r = &q->rx;
    struct netif_rx_rules rules;
    uint32_t start = r->cons;

    guest_rx_rules(g, &rules);
    if (prod - r->cons <= r->pushed - r->cons) {
        for (uint32_t i = r->cons; i != prod; i++) {
            answers[NETIF_SLOT(i)] = netif_rx_get(r->page, i);
        }
    }
    while (r->cons != prod && r->cons - start < BATCH) {
        struct netif_rx_packet pkt;
        struct netif_verdict v;
        bool ok = judge_packet(q, &rules, answers, prod, &pkt, &v);

        if (!ok) {
            guest_verdict(g, q, &v);
            if (prod - r->cons > r->pushed - r->cons) {
                return;
            }
            for (unsigned int i = 0; i < pkt.n_slots; i++) {
                guest_rx_release(q, r->cons + i, "rx.grant-in-use");
            }
            GUEST_COUNT(q, rx_lost, 1);
        } else if (pkt.error) {
            take_error(q, r->cons, &pkt);
        } else {
            take_packet(q, &rules, r->cons, &pkt, answers);
        }
        GUEST_COUNT(q, rx_slots, pkt.n_slots);
        r->cons += pkt.n_slots;
    }
}

bool
guest_rx_poll(struct guest_queue *q)
{
    struct guest_ring *r = &q->rx;
    uint32_t prod = netif_ring_load(r->page, NETIF_RSP_PROD);
    uint32_t cons = r->cons;

    if (prod != cons) {
        take_answers(q, prod);
        if (r->cons == r->prod) {
            GUEST_COUNT(q, rx_empty, 1);
        }
    }
    guest_rx_refill(q);
    if (r->cons != cons || q->guest->cfg.spin) {
        return r->cons != cons;
    }
    r->event = r->cons + 1;
    if (!netif_ring_arm(r->page, r->cons)) {
        r->active = false;
        return false;
    }
    /* If the index is beyond all reason there is no point in hurrying. */
    return prod == cons;
}
