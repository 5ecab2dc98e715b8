/* SPDX-License-Identifier: Apache-2.0 */

/* The TX ring: frames to requests, and responses to free pages. */

#include "guest/tx.h"

#include <string.h>

#include "guest/frame.h"
#include "guest/guest.h"
#include "guest/hash.h"
#include "guest/kick.h"
#include "guest/log.h"
#include "guest/pages.h"
#include "netif/check.h"
#include "netif/ring.h"
#include "xenemu.h"

/* Extra infos of a packet. */
#define GUEST_MAX_EXTRAS 3

unsigned int
guest_tx_room(const struct guest_queue *q)
{
    return NETIF_RING_SIZE - (q->tx.prod - q->tx.cons);
}

/* One data slot of a frame. */
struct piece {
    struct guest_page page;
    uint16_t ofs, len;
};

/* Returns the number of data slots for frame 'f', 0 if it cannot be sent. */
static unsigned int
count_pieces(const struct guest_queue *q, const struct guest_tx_frame *f)
{
    unsigned int n = (f->len + NETIF_PAGE_SIZE - 1) / NETIF_PAGE_SIZE;

    if (f->data && f->n_frags > n && f->n_frags <= f->len) {
        n = f->n_frags;
    }
    if (!f->len || f->len > GUEST_MAX_FRAME || n > NETIF_MAX_DATA_SLOTS
        || (n > 1 && !q->guest->offer.sg)) {
        return 0;
    }
    return n;
}

/* Cuts frame 'f' into 'n' pieces in free pages and grants these.  Returns
 * false, without effect, if the grant table is full. */
static bool
make_pieces(struct guest_queue *q, const struct guest_tx_frame *f,
            struct piece *pieces, unsigned int n)
{
    struct guest *g = q->guest;
    bool spread = f->data && n * NETIF_PAGE_SIZE >= f->len + NETIF_PAGE_SIZE;
    uint32_t done = 0;

    for (unsigned int i = 0; i < n; i++) {
        uint32_t pfn = q->tx_free[q->n_tx_free - 1 - i];
        uint32_t left = f->len - done;
        struct piece *p = &pieces[i];

        p->len = (spread ? left / (n - i)
                  : left < NETIF_PAGE_SIZE ? left : NETIF_PAGE_SIZE);
        /* Let the backend see other offsets than 0, too. */
        p->ofs = spread && i & 1 ? NETIF_PAGE_SIZE - p->len : 0;
        if (!guest_page_grant(g, &p->page, pfn, true)) {
            while (i) {
                xenemu_ungrant(g->dom, pieces[--i].page.gref);
            }
            return false;
        }
        if (f->data) {
            memcpy((char *) xenemu_dom_page(g->dom, pfn) + p->ofs,
                   f->data + done, p->len);
        }
        done += p->len;
    }
    q->n_tx_free -= n;
    return true;
}

/* Extra infos of a frame. */
struct extras {
    unsigned int n;
    struct netif_extra_info infos[GUEST_MAX_EXTRAS];
};

static void
add_extra(struct extras *e, const struct netif_extra_info *extra)
{
    if (e->n) {
        e->infos[e->n - 1].flags |= XEN_NETIF_EXTRA_FLAG_MORE;
    }
    e->infos[e->n++] = *extra;
}

/* Makes the extra infos of a frame, the first piece of which is 'first', in
 * the order of Windows drivers. */
static void
make_extras(struct guest_queue *q, const struct guest_tx_frame *f,
            const struct piece *first, struct extras *e)
{
    struct guest *g = q->guest;
    const uint8_t *head = xenemu_dom_page(g->dom, first->page.pfn);
    uint32_t value;
    uint8_t type;

    e->n = 0;
    if (f->gso_size) {
        struct netif_extra_info gso = { .type = XEN_NETIF_EXTRA_TYPE_GSO };

        gso.u.gso.size = f->gso_size;
        gso.u.gso.type = f->gso_type;
        add_extra(e, &gso);
        GUEST_COUNT(q, tx_gso, 1);
    }
    if (g->cfg.habits.tx_hash
        && guest_hash_frame(g, head + first->ofs, first->len, f->len, &type,
                            &value)) {
        struct netif_extra_info hash = { .type = XEN_NETIF_EXTRA_TYPE_HASH };

        hash.u.hash.type = type;
        hash.u.hash.algorithm = XEN_NETIF_CTRL_HASH_ALGORITHM_TOEPLITZ;
        memcpy(hash.u.hash.value, &value, sizeof hash.u.hash.value);
        add_extra(e, &hash);
        GUEST_COUNT(q, tx_hashed, 1);
    }
}

static void
put_extras(struct guest_queue *q, const struct extras *e)
{
    for (unsigned int i = 0; i < e->n; i++) {
        unsigned int slot = NETIF_SLOT(q->tx.prod);

        q->tx_expect[slot] = (struct netif_tx_slot) {
            .kind = NETIF_SLOT_EXTRA,
        };
        q->tx_page[slot].pfn = GUEST_NO_PAGE;
        netif_tx_put_extra(q->tx.page, q->tx.prod++, &e->infos[i]);
    }
}

/* Returns the flags of the first request of frame 'f'. */
static uint16_t
first_flags(const struct guest_queue *q, const struct guest_tx_frame *f,
            const struct extras *e)
{
    uint16_t flags = f->flags | (e->n ? NETTXF_extra_info : 0);

    if (q->guest->cfg.habits.csum_bare && flags & NETTXF_csum_blank) {
        flags &= ~NETTXF_data_validated;
    }
    return flags;
}

/* Writes the requests of a frame without publishing them. */
static void
put_pieces(struct guest_queue *q, const struct guest_tx_frame *f,
           const struct piece *pieces, unsigned int n,
           const struct extras *e)
{
    unsigned int n_slots = n + e->n;

    for (unsigned int i = 0; i < n; i++) {
        unsigned int slot = NETIF_SLOT(q->tx.prod);
        struct netif_tx_request req = {
            .gref = pieces[i].page.gref,
            .offset = pieces[i].ofs,
            /* An opaque value, out of the range of grant references so that
             * no backend can take one for the other. */
            .id = 0x8000 | q->tx_next_id++,
            .size = i ? pieces[i].len : f->len,
            .flags = i + 1 < n ? NETTXF_more_data : 0,
        };

        if (!i) {
            req.flags |= first_flags(q, f, e);
        }
        q->tx_expect[slot] = (struct netif_tx_slot) {
            .kind = NETIF_SLOT_DATA, .n_slots = i ? 0 : n_slots,
            .id = req.id,
        };
        q->tx_page[slot] = pieces[i].page;
        netif_tx_put(q->tx.page, q->tx.prod++, &req);
        if (!i) {
            put_extras(q, e);
        }
    }
    GUEST_COUNT(q, tx_packets, 1);
    GUEST_COUNT(q, tx_bytes, f->len);
    GUEST_COUNT(q, tx_slots, n_slots);
    if (f->flags & NETTXF_csum_blank) {
        GUEST_COUNT(q, tx_csum_blank, 1);
    }
}

bool
guest_tx_frame(struct guest_queue *q, const struct guest_tx_frame *f)
{
    struct piece pieces[NETIF_MAX_DATA_SLOTS];
    unsigned int n = count_pieces(q, f);
    unsigned int n_extras = ((f->gso_size != 0)
                             + (q->guest->cfg.habits.tx_hash != 0));
    struct extras extras;

    if (!n || n + n_extras > guest_tx_room(q) || n > q->n_tx_free
        || !make_pieces(q, f, pieces, n)) {
        GUEST_COUNT(q, tx_unsent, 1);
        return false;
    }
    make_extras(q, f, &pieces[0], &extras);
    put_pieces(q, f, pieces, n, &extras);
    return true;
}

bool
guest_tx_multicast(struct guest_queue *q, bool add, const uint8_t mac[6])
{
    struct extras e = { .n = 1 };
    struct netif_tx_request req = {
        .id = 0x8000 | q->tx_next_id++, .flags = NETTXF_extra_info,
    };

    if (guest_tx_room(q) < 2) {
        return false;
    }
    q->mcast_sent = true;
    q->mcast_slot = NETIF_SLOT(q->tx.prod);
    q->tx_expect[q->mcast_slot] = (struct netif_tx_slot) {
        .kind = NETIF_SLOT_DATA, .n_slots = 2, .id = req.id,
    };
    q->tx_page[q->mcast_slot].pfn = GUEST_NO_PAGE;
    netif_tx_put(q->tx.page, q->tx.prod++, &req);

    memset(&e.infos[0], 0, sizeof e.infos[0]);
    e.infos[0].type = (add ? XEN_NETIF_EXTRA_TYPE_MCAST_ADD
                       : XEN_NETIF_EXTRA_TYPE_MCAST_DEL);
    memcpy(e.infos[0].u.mcast.addr, mac, 6);
    put_extras(q, &e);
    return true;
}

void
guest_tx_flush(struct guest_queue *q)
{
    struct guest_ring *r = &q->tx;

    if (r->prod == r->pushed) {
        return;
    }
    if (netif_ring_push(r->page, r->pushed, r->prod)) {
        guest_queue_kick(q, r);
    }
    r->pushed = r->prod;
    guest_tx_gc(q);
}

/* Takes one response that was found to be in order. */
static void
take_response(struct guest_queue *q, const struct netif_tx_response *rsp,
              unsigned int slot)
{
    struct netif_tx_slot *expect = &q->tx_expect[slot];
    struct guest_page *page = &q->tx_page[slot];

    if (q->mcast_sent && slot == q->mcast_slot) {
        q->mcast_sent = false;
        q->mcast_status = rsp->status;
    } else if (expect->n_slots && rsp->status == NETIF_RSP_ERROR) {
        GUEST_COUNT(q, tx_errors, 1);
    } else if (expect->n_slots && rsp->status == NETIF_RSP_DROPPED) {
        GUEST_COUNT(q, tx_dropped, 1);
    }
    if (page->pfn != GUEST_NO_PAGE) {
        if (guest_page_revoke(q->guest, q, page, "tx.grant-in-use")) {
            q->tx_free[q->n_tx_free++] = page->pfn;
        } else {
            uint32_t pfn = xenemu_dom_alloc_page(q->guest->dom);

            if (pfn != GUEST_NO_PAGE) {
                q->tx_free[q->n_tx_free++] = pfn;
            }
        }
        page->pfn = GUEST_NO_PAGE;
    }
    *expect = (struct netif_tx_slot) { .kind = NETIF_SLOT_FREE };
    GUEST_COUNT(q, tx_done, 1);
}

static void
take_responses(struct guest_queue *q, uint32_t prod)
{
    struct netif_tx_response rsps[NETIF_RING_SIZE];
    struct guest_ring *r = &q->tx;
    struct netif_verdict v;

    if (prod - r->cons <= r->pushed - r->cons) {
        for (uint32_t i = r->cons; i != prod; i++) {
            rsps[NETIF_SLOT(i)] = netif_tx_get(r->page, i);
        }
    }
    if (!netif_check_tx(q->tx_expect, rsps, r->cons, prod, r->pushed, &v)) {
        guest_verdict(q->guest, q, &v);
        if (prod - r->cons > r->pushed - r->cons) {
            /* Nothing sensible can be done with it. */
            prod = r->cons;
        }
    }
    for (; r->cons != prod; r->cons++) {
        take_response(q, &rsps[NETIF_SLOT(r->cons)], NETIF_SLOT(r->cons));
    }
}

/* Asks for an event with the next completion, or half of those that are to
 * come.  Returns true if there are some already. */
static bool
arm(struct guest_queue *q)
{
    struct guest_ring *r = &q->tx;

    r->event = r->cons + 1;
    if (q->guest->cfg.habits.half_events) {
        r->event += (r->pushed - r->cons) / 2;
    }
    return netif_ring_arm_at(r->page, r->cons, r->event);
}

bool
guest_tx_gc(struct guest_queue *q)
{
    struct guest_ring *r = &q->tx;
    bool progress = false;

    if (__atomic_load_n(&q->guest->held, __ATOMIC_ACQUIRE)) {
        return false;
    }
    for (;;) {
        uint32_t prod = netif_ring_load(r->page, NETIF_RSP_PROD);

        if (prod != r->cons) {
            uint32_t cons = r->cons;

            take_responses(q, prod);
            progress = true;
            if (r->cons == cons) {
                break;
            }
        }
        if (q->guest->cfg.spin || q->guest->cfg.habits.tx_poll) {
            break;
        }
        if (!arm(q)) {
            r->active = false;
            break;
        }
    }
    if (q->tx_stopped && guest_tx_room(q) > NETIF_MAX_DATA_SLOTS + 3) {
        q->tx_stopped = false;
        progress = true;
    }
    return progress;
}
