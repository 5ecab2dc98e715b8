/* SPDX-License-Identifier: Apache-2.0 */

/* Slots made by hand, and the responses to them. */

#include "guest/raw-slots.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "guest/clock.h"
#include "guest/error.h"
#include "guest/guest.h"
#include "guest/kick.h"
#include "guest/multicast.h"
#include "guest/pages.h"
#include "guest/parse.h"
#include "guest/raw-statement.h"
#include "guest/rx.h"
#include "netif/check.h"
#include "netif/ring.h"
#include "xenemu.h"

/* A reference that is in no guest's table. */
#define BAD_GREF 0x00fffff0

/* Takes a free page of the ring, or NULL. */
static uint32_t
take_page(uint32_t *pages, unsigned int *n)
{
    return *n ? pages[--*n] : GUEST_NO_PAGE;
}

/* Returns the reference that 'name' stands for.  If that needs a page, takes
 * one from 'pages' and remembers it in '*page'. */
static uint32_t
make_gref(struct raw *raw, const char *name, bool readonly, uint32_t *pages,
          unsigned int *n_pages, struct guest_page *page, char **errorp)
{
    struct guest *g = raw->guest;
    uint32_t number = 0;
    uint32_t pfn;
    int32_t gref;

    page->pfn = GUEST_NO_PAGE;
    if (!strcmp(name, "bad")) {
        return BAD_GREF;
    } else if (!strcmp(name, "ring")) {
        return raw->q->tx.shared.gref;
    } else if (!strcmp(name, "rxring")) {
        return raw->q->rx.shared.gref;
    } else if (!strcmp(name, "last")) {
        return raw->last_gref;
    } else if (guest_parse_u32(name, &number)) {
        return number;
    } else if (strcmp(name, "self") && strcmp(name, "ro")
               && strcmp(name, "revoked") && strcmp(name, "other")) {
        *errorp = guest_error("gref=%s: unknown", name);
        return 0;
    }

    pfn = take_page(pages, n_pages);
    if (pfn == GUEST_NO_PAGE) {
        *errorp = guest_error("no free page left");
        return 0;
    }
    /* "other" lets a domain have the page that is not the backend's. */
    gref = xenemu_grant(g->dom, strcmp(name, "other") ? g->backend_id
                        : g->cfg.domid, pfn,
                        readonly || !strcmp(name, "ro"));
    if (gref < 0) {
        pages[(*n_pages)++] = pfn;
        *errorp = guest_error("grant table is full");
        return 0;
    }
    page->pfn = pfn;
    page->gref = gref;
    raw->last_gref = gref;
    if (!strcmp(name, "revoked")) {
        xenemu_revoke(g->dom, gref);
    }
    return gref;
}

/* Parses a list of names, or a number. */
static uint32_t
parse_flags(const struct raw *raw, char **errorp)
{
    static const struct {
        const char *name;
        uint16_t bit;
    } names[] = {
        { "csum", NETTXF_csum_blank },
        { "valid", NETTXF_data_validated },
        { "more", NETTXF_more_data },
        { "extra", NETTXF_extra_info },
    };
    const char *s = guest_raw_value(raw, "flags");
    uint32_t flags = 0;

    if (!s || guest_parse_u32(s, &flags)) {
        return flags;
    }
    while (*s) {
        size_t len = strcspn(s, ",");
        size_t i;

        for (i = 0; i < sizeof names / sizeof names[0]; i++) {
            if (strlen(names[i].name) == len
                && !memcmp(names[i].name, s, len)) {
                flags |= names[i].bit;
                break;
            }
        }
        if (i >= sizeof names / sizeof names[0]) {
            *errorp = guest_error("flags=%s: unknown", s);
            return 0;
        }
        s += len + (s[len] == ',');
    }
    return flags;
}

/* Writes hexadecimal digits to 'buf'.  Returns the number of bytes, or -1. */
static int
parse_hex(const char *s, uint8_t *buf, unsigned int size)
{
    unsigned int n = 0;

    for (; s[0] && s[1] && n < size; s += 2) {
        char digits[3] = { s[0], s[1], '\0' };
        char *end;

        buf[n++] = strtoul(digits, &end, 16);
        if (*end) {
            return -1;
        }
    }
    return *s ? -1 : (int) n;
}

/* Fills 'len' bytes of a page: by default with a broadcast frame, each byte of
 * which behind the header is its position in the packet. */
static char *
fill(struct raw *raw, uint8_t *page, uint32_t ofs, uint32_t len)
{
    const char *data = guest_raw_value(raw, "data");
    uint8_t header[14] = {
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0x88, 0xb5,
    };

    if (ofs >= NETIF_PAGE_SIZE) {
        return NULL;
    }
    len = len < NETIF_PAGE_SIZE - ofs ? len : NETIF_PAGE_SIZE - ofs;
    if (data && !strcmp(data, "zero")) {
        memset(page + ofs, 0, len);
    } else if (data && strcmp(data, "pattern")) {
        if (parse_hex(data, page + ofs, NETIF_PAGE_SIZE - ofs) < 0) {
            return guest_error("data: hexadecimal digits needed, for at "
                               "most the rest of a page");
        }
    } else {
        memcpy(header + 6, raw->guest->cfg.mac, 6);
        for (uint32_t i = 0; i < len; i++) {
            uint32_t position = raw->position + i;

            page[ofs + i] = position < 14 ? header[position] : position;
        }
    }
    return NULL;
}

static bool
has_room(const struct guest_ring *r)
{
    return r->prod - r->cons < NETIF_RING_SIZE;
}

/* tx: one data slot. */
static char *
do_tx(struct raw *raw, unsigned int nr)
{
    struct guest_queue *q = raw->q;
    unsigned int slot = NETIF_SLOT(q->tx.prod);
    const char *gref = guest_raw_value(raw, "gref");
    struct netif_tx_request req;
    char *error = NULL;
    uint32_t len;

    req.offset = guest_raw_u32(raw, "off", 0, UINT16_MAX, &error);
    req.size = guest_raw_u32(raw, "size", 60, UINT16_MAX, &error);
    req.id = nr + guest_raw_u32(raw, "id", 0x8000 | q->tx_next_id++,
                                UINT16_MAX, &error);
    len = guest_raw_u32(raw, "len", req.size, UINT16_MAX, &error);
    req.flags = error ? 0 : parse_flags(raw, &error);
    if (!error && !has_room(&q->tx)) {
        error = guest_error("TX ring is full");
    }
    if (!error) {
        req.gref = make_gref(raw, gref ? gref : "self", true, q->tx_free,
                             &q->n_tx_free, &q->tx_page[slot], &error);
    }
    if (!error && q->tx_page[slot].pfn != GUEST_NO_PAGE) {
        error = fill(raw, xenemu_dom_page(raw->guest->dom,
                                          q->tx_page[slot].pfn),
                     req.offset, len);
    }
    if (error) {
        return error;
    }
    raw->position = req.flags & NETTXF_more_data ? raw->position + len : 0;
    q->tx_expect[slot] = (struct netif_tx_slot) {
        .kind = NETIF_SLOT_DATA, .n_slots = 1, .id = req.id,
    };
    netif_tx_put(q->tx.page, q->tx.prod++, &req);
    return NULL;
}

/* extra: one extra slot. */
static char *
do_extra(struct raw *raw, unsigned int nr)
{
    struct guest_queue *q = raw->q;
    unsigned int slot = NETIF_SLOT(q->tx.prod);
    const char *value;
    struct netif_extra_info extra;
    uint8_t bytes[8] = { 0 };
    char *error = NULL;
    unsigned int size, type;

    (void) nr;
    bytes[0] = guest_raw_u32(raw, "type", 1, UINT8_MAX, &error);
    value = guest_raw_value(raw, "flags");
    bytes[1] = (value && !strcmp(value, "more") ? 1
                : guest_raw_u32(raw, "flags", 0, UINT8_MAX, &error));
    value = guest_raw_value(raw, "gso");
    if (value && sscanf(value, "%u:%u", &size, &type) == 2) {
        bytes[2] = size;
        bytes[3] = size >> 8;
        bytes[4] = type;
    }
    value = guest_raw_value(raw, "mcast");
    if (value && !guest_parse_mac(value, bytes + 2)) {
        error = error ? error : guest_error("mcast: bad address");
    }
    value = guest_raw_value(raw, "data");
    if (value && parse_hex(value, bytes + 2, 6) < 0) {
        error = error ? error : guest_error("data: up to 6 bytes");
    }
    if (!error && !has_room(&q->tx)) {
        error = guest_error("TX ring is full");
    }
    if (error) {
        return error;
    }
    if (bytes[0] == XEN_NETIF_EXTRA_TYPE_MCAST_ADD
        || bytes[0] == XEN_NETIF_EXTRA_TYPE_MCAST_DEL) {
        guest_multicast_note(raw->guest,
                             bytes[0] == XEN_NETIF_EXTRA_TYPE_MCAST_ADD,
                             bytes + 2);
    }
    memcpy(&extra, bytes, sizeof extra);
    q->tx_expect[slot] = (struct netif_tx_slot) {
        .kind = NETIF_SLOT_EXTRA, .n_slots = 1,
    };
    q->tx_page[slot].pfn = GUEST_NO_PAGE;
    netif_tx_put_extra(q->tx.page, q->tx.prod++, &extra);
    return NULL;
}

/* rx: one request. */
static char *
do_rx(struct raw *raw, unsigned int nr)
{
    struct guest_queue *q = raw->q;
    unsigned int slot = NETIF_SLOT(q->rx.prod);
    const char *gref = guest_raw_value(raw, "gref");
    struct netif_rx_request req = { .id = 0 };
    char *error = NULL;

    req.id = nr + guest_raw_u32(raw, "id", q->rx.prod + q->rx_salt,
                                UINT32_MAX, &error);
    if (!error && !has_room(&q->rx)) {
        error = guest_error("RX ring is full");
    }
    if (!error) {
        req.gref = make_gref(raw, gref ? gref : "self", false, q->rx_free,
                             &q->n_rx_free, &q->rx_page[slot], &error);
    }
    if (error) {
        return error;
    }
    q->rx_id[slot] = req.id;
    q->rx_spoiled[slot] = gref && strcmp(gref, "self");
    netif_rx_put(q->rx.page, q->rx.prod++, &req);
    return NULL;
}

static char *
repeat(struct raw *raw, char *(*cb)(struct raw *, unsigned int))
{
    char *error = NULL;
    bool has_id = guest_raw_value(raw, "id") != NULL;
    uint32_t n = guest_raw_u32(raw, "repeat", 1, 65536, &error);

    for (uint32_t i = 0; i < n && !error; i++) {
        error = cb(raw, has_id ? i : 0);
    }
    return error;
}

/* Publishes requests. */
static char *
push(struct raw *raw, struct guest_ring *r)
{
    const char *when = raw->n_words ? raw->words[0] : "";
    bool asked = netif_ring_push(r->page, r->pushed, r->prod);

    if ((asked || !strcmp(when, "always")) && strcmp(when, "never")) {
        guest_queue_kick(raw->q, r);
    }
    r->pushed = r->prod;
    return NULL;
}

/* Waits until 'n' responses are there, at most 'ms' milliseconds.  Returns
 * how many are, at most those that are asked for. */
static uint32_t
await(struct raw *raw, const struct guest_ring *r, uint32_t n, uint32_t ms)
{
    uint64_t deadline = guest_now_ms() + ms;
    uint32_t asked = r->pushed - r->cons;
    uint32_t there;

    for (;;) {
        there = (r->page ? netif_ring_load(r->page, NETIF_RSP_PROD) - r->cons
                 : 0);
        if (there > asked) {
            fprintf(raw->out, "bad rsp_prod=%u\n", r->cons + there);
            return 0;
        }
        if (!r->page || there >= n || guest_now_ms() >= deadline) {
            return there;
        }
        guest_raw_sleep(raw, 1);
    }
}

/* Parses "[all|N] [MS]". */
static void
parse_wait(const struct raw *raw, uint32_t *n, uint32_t *ms)
{
    if (raw->n_words > 0) {
        guest_parse_u32(raw->words[0], n);
    }
    if (raw->n_words > 1) {
        guest_parse_u32(raw->words[1], ms);
    }
}

/* rsp: prints TX responses. */
static char *
do_rsp(struct raw *raw)
{
    struct guest_queue *q = raw->q;
    struct guest_ring *r = &q->tx;
    uint32_t n = r->pushed - r->cons;
    uint32_t ms = 1000;
    uint32_t there;

    parse_wait(raw, &n, &ms);
    there = await(raw, r, n, ms);
    for (uint32_t i = 0; i < there; i++, r->cons++) {
        unsigned int slot = NETIF_SLOT(r->cons);
        struct netif_tx_response rsp = netif_tx_get(r->page, r->cons);
        struct guest_page *page = &q->tx_page[slot];

        if (q->tx_expect[slot].kind == NETIF_SLOT_EXTRA) {
            fprintf(raw->out, "rsp idx=%u extra status=%d\n", r->cons,
                    rsp.status);
        } else {
            fprintf(raw->out, "rsp idx=%u id=%u status=%d%s\n", r->cons,
                    rsp.id, rsp.status,
                    rsp.id == q->tx_expect[slot].id ? "" : " WRONG-ID");
        }
        if (page->pfn != GUEST_NO_PAGE
            && guest_page_revoke(raw->guest, q, page, "tx.grant-in-use")) {
            q->tx_free[q->n_tx_free++] = page->pfn;
        }
        page->pfn = GUEST_NO_PAGE;
        q->tx_expect[slot].kind = NETIF_SLOT_FREE;
        GUEST_COUNT(q, tx_done, 1);
    }
    fprintf(raw->out, "rsp count=%u outstanding=%u\n", there,
            r->pushed - r->cons);
    return NULL;
}

static void
print_rx_data(struct raw *raw, const struct guest_page *page,
              const struct netif_rx_response *rsp, uint32_t bytes)
{
    const uint8_t *data;

    if (page->pfn == GUEST_NO_PAGE || rsp->status <= 0
        || rsp->offset + rsp->status > NETIF_PAGE_SIZE) {
        return;
    }
    data = xenemu_dom_page(raw->guest->dom, page->pfn);
    fprintf(raw->out, " data=");
    for (uint32_t i = 0; i < bytes && i < (uint32_t) rsp->status; i++) {
        fprintf(raw->out, "%02x", data[rsp->offset + i]);
    }
}

/* rxrsp: prints RX responses. */
static char *
do_rxrsp(struct raw *raw)
{
    struct guest_queue *q = raw->q;
    struct guest_ring *r = &q->rx;
    char *error = NULL;
    uint32_t bytes = guest_raw_u32(raw, "bytes", 0, 4096, &error);
    uint32_t n = 1;
    uint32_t ms = 1000;
    uint32_t there;

    if (error) {
        return error;
    }
    parse_wait(raw, &n, &ms);
    there = await(raw, r, n, ms);
    for (uint32_t i = 0; i < there; i++, r->cons++) {
        struct netif_rx_response rsp = netif_rx_get(r->page, r->cons).rsp;
        unsigned int slot = NETIF_SLOT(r->cons);

        fprintf(raw->out, "rxrsp idx=%u id=%u offset=%u flags=%#x status=%d",
                r->cons, rsp.id, rsp.offset, rsp.flags, rsp.status);
        if (bytes) {
            print_rx_data(raw, &q->rx_page[slot], &rsp, bytes);
        }
        fprintf(raw->out, "%s\n", rsp.id == q->rx_id[slot] ? ""
                : " WRONG-ID");
        guest_rx_release(q, r->cons, "rx.grant-in-use");
    }
    fprintf(raw->out, "rxrsp count=%u outstanding=%u\n", there,
            r->pushed - r->cons);
    return NULL;
}

/* grant: grants a page and prints its reference. */
static char *
do_grant(struct raw *raw)
{
    struct guest *g = raw->guest;
    bool readonly = raw->n_words && !strcmp(raw->words[0], "ro");
    uint32_t pfn = xenemu_dom_alloc_page(g->dom);
    struct guest_page page;

    if (pfn == GUEST_NO_PAGE) {
        return guest_error("no free page left");
    }
    if (!guest_page_grant(g, &page, pfn, readonly)) {
        xenemu_dom_free_page(g->dom, pfn);
        return guest_error("grant table is full");
    }
    guest_page_keep(g, &page);
    raw->last_gref = page.gref;
    fprintf(raw->out, "gref=%u\n", page.gref);
    return NULL;
}

bool
guest_raw_slots(struct raw *raw, const char *name, char **errorp)
{
    if (!strcmp(name, "tx")) {
        *errorp = repeat(raw, do_tx);
    } else if (!strcmp(name, "extra")) {
        *errorp = repeat(raw, do_extra);
    } else if (!strcmp(name, "rx")) {
        *errorp = repeat(raw, do_rx);
    } else if (!strcmp(name, "push")) {
        *errorp = push(raw, &raw->q->tx);
    } else if (!strcmp(name, "rxpush")) {
        *errorp = push(raw, &raw->q->rx);
    } else if (!strcmp(name, "rsp")) {
        *errorp = do_rsp(raw);
    } else if (!strcmp(name, "rxrsp")) {
        *errorp = do_rxrsp(raw);
    } else if (!strcmp(name, "grant")) {
        *errorp = do_grant(raw);
    } else {
        return false;
    }
    return true;
}
