/* SPDX-License-Identifier: Apache-2.0 */

#include "netif/check.h"

#include <stdarg.h>
#include <stdio.h>

#define RXF_KNOWN (NETRXF_data_validated | NETRXF_csum_blank \
                   | NETRXF_more_data | NETRXF_extra_info)

static bool __attribute__((format(printf, 3, 4)))
fail(struct netif_verdict *v, const char *rule, const char *format, ...)
{
    va_list args;

    v->rule = rule;
    va_start(args, format);
    vsnprintf(v->text, sizeof v->text, format, args);
    va_end(args);
    return false;
}

static bool
check_tx_response(const struct netif_tx_slot *slot,
                  const struct netif_tx_response *rsp, uint32_t idx,
                  struct netif_verdict *v)
{
    switch (slot->kind) {
    case NETIF_SLOT_EXTRA:
        if (rsp->status != NETIF_RSP_NULL) {
            return fail(v, "tx.null", "response %u answers an extra slot "
                        "with status %d", idx, rsp->status);
        }
        return true;

    case NETIF_SLOT_DATA:
        if (rsp->id != slot->id) {
            return fail(v, "tx.id", "response %u has id %u, request had %u",
                        idx, rsp->id, slot->id);
        }
        if (rsp->status != NETIF_RSP_OKAY && rsp->status != NETIF_RSP_ERROR
            && rsp->status != NETIF_RSP_DROPPED) {
            return fail(v, "tx.status", "response %u has status %d", idx,
                        rsp->status);
        }
        return true;

    default:
        return fail(v, "tx.unasked", "response %u answers no request", idx);
    }
}

bool
netif_check_tx(const struct netif_tx_slot slots[],
               const struct netif_tx_response rsps[], uint32_t cons,
               uint32_t prod, uint32_t req_prod, struct netif_verdict *v)
{
    if (prod - cons > req_prod - cons) {
        return fail(v, "tx.rsp-prod", "rsp_prod %u is not in [%u, %u]", prod,
                    cons, req_prod);
    }

    while (cons != prod) {
        unsigned int n = slots[NETIF_SLOT(cons)].n_slots;

        /* A frontend that frees the packet at its first response loses the
         * rest; and NULL responses have to come with their data response. */
        if (n > prod - cons) {
            return fail(v, "tx.half-packet", "packet at %u has %u slots but "
                        "rsp_prod is %u", cons, n, prod);
        }
        /* No first slot: the caller did not follow the contract, or these
         * requests were made without regard to packets. */
        n = n ? n : 1;
        for (; n; n--, cons++) {
            if (!check_tx_response(&slots[NETIF_SLOT(cons)],
                                   &rsps[NETIF_SLOT(cons)], cons, v)) {
                return false;
            }
        }
    }
    return true;
}

/* A walk over the responses of one packet. */
struct rx_walk {
    const struct netif_rx_rules *rules;
    const uint16_t *ids;
    const union netif_rx_answer *answers;
    uint32_t idx;               /* Next response. */
    uint32_t prod;              /* End of responses. */
    struct netif_rx_packet *pkt;
    struct netif_verdict *v;
};

static bool
walk_gso(struct rx_walk *w, const struct netif_extra_info *extra)
{
    struct netif_rx_packet *pkt = w->pkt;

    pkt->gso_size = extra->u.gso.size;
    pkt->gso_type = extra->u.gso.type;
    if (!pkt->gso_size) {
        return fail(w->v, "rx.gso", "GSO extra %u has size 0", w->idx);
    }
    if (!(pkt->gso_type == XEN_NETIF_GSO_TYPE_TCPV4 && w->rules->gso_tcpv4)
        && !(pkt->gso_type == XEN_NETIF_GSO_TYPE_TCPV6
             && w->rules->gso_tcpv6)) {
        return fail(w->v, "rx.gso", "GSO extra %u has type %u, which was not "
                    "announced", w->idx, pkt->gso_type);
    }
    return true;
}

static bool
walk_hash(struct rx_walk *w, const struct netif_extra_info *extra)
{
    struct netif_rx_packet *pkt = w->pkt;
    const uint8_t *value = extra->u.hash.value;

    pkt->has_hash = true;
    pkt->hash_type = extra->u.hash.type;
    pkt->hash_value = (uint32_t) value[3] << 24 | value[2] << 16
                      | value[1] << 8 | value[0];
    if (extra->u.hash.algorithm != XEN_NETIF_CTRL_HASH_ALGORITHM_TOEPLITZ
        || pkt->hash_type > _XEN_NETIF_CTRL_HASH_TYPE_IPV6_TCP) {
        return fail(w->v, "rx.hash", "hash extra %u has algorithm %u, "
                    "type %u", w->idx, extra->u.hash.algorithm,
                    pkt->hash_type);
    }
    return true;
}

static bool
walk_xdp(struct rx_walk *w, const struct netif_extra_info *extra)
{
    uint16_t headroom;

    memcpy(&headroom, &extra->u, sizeof headroom);
    if (headroom != w->rules->headroom) {
        return fail(w->v, "rx.xdp", "XDP extra %u says headroom %u, not %u",
                    w->idx, headroom, w->rules->headroom);
    }
    return true;
}

/* Judges the content of an extra info. */
static bool
walk_extra(struct rx_walk *w, const struct netif_extra_info *extra)
{
    /* A guest with an XDP program drops what does not fit one page. */
    if (extra->type == XEN_NETIF_EXTRA_TYPE_GSO && !w->rules->headroom) {
        return walk_gso(w, extra);
    }
    if (extra->type == XEN_NETIF_EXTRA_TYPE_HASH && w->rules->hash) {
        return walk_hash(w, extra);
    }
    if (extra->type == NETIF_EXTRA_TYPE_XDP && w->rules->headroom) {
        return walk_xdp(w, extra);
    }
    return fail(w->v, "rx.extra", "extra %u has type %u, which was not asked "
                "for", w->idx, extra->type);
}

/* Walks the extra slots that follow the first response. */
static bool
walk_extras(struct rx_walk *w)
{
    unsigned int seen = 0;
    bool more = true;

    for (; more; w->idx++) {
        struct netif_extra_info extra = w->answers[NETIF_SLOT(w->idx)].extra;

        if (w->idx == w->prod) {
            return fail(w->v, "rx.half-packet", "extra %u is missing",
                        w->idx);
        }
        if (extra.flags & ~XEN_NETIF_EXTRA_FLAG_MORE) {
            return fail(w->v, "rx.extra", "extra %u has flags %#x", w->idx,
                        extra.flags);
        }
        if (extra.type < 8 && seen >> extra.type) {
            return fail(w->v, "rx.extra", "extra %u of type %u repeats it or "
                        "follows a higher one", w->idx, extra.type);
        }
        if (!walk_extra(w, &extra)) {
            return false;
        }
        seen |= 1u << extra.type;
        w->pkt->n_slots++;
        more = extra.flags & XEN_NETIF_EXTRA_FLAG_MORE;
    }
    if (w->rules->headroom && !(seen & 1u << NETIF_EXTRA_TYPE_XDP)) {
        return fail(w->v, "rx.extra", "XDP extra is missing before %u",
                    w->idx);
    }
    return true;
}

/* Judges the data response 'rsp' at 'w->idx' by itself. */
static bool
check_rx_response(struct rx_walk *w, const struct netif_rx_response *rsp,
                  unsigned int room, bool first)
{
    unsigned int headroom = first ? w->rules->headroom : 0;
    uint16_t known = first ? RXF_KNOWN : NETRXF_more_data;
    uint16_t id = w->ids[NETIF_SLOT(w->idx)];

    if (rsp->id != id) {
        return fail(w->v, "rx.id", "response %u has id %u, request had %u",
                    w->idx, rsp->id, id);
    }
    if (rsp->flags & ~known) {
        return fail(w->v, "rx.flags", "response %u (%s slot) has flags %#x",
                    w->idx, first ? "first" : "later", rsp->flags);
    }
    if (rsp->status < 0) {
        if (rsp->status != NETIF_RSP_ERROR
            && rsp->status != NETIF_RSP_DROPPED) {
            return fail(w->v, "rx.status", "response %u has status %d",
                        w->idx, rsp->status);
        }
        return true;
    }
    if (!rsp->status || (unsigned int) rsp->status > room) {
        return fail(w->v, "rx.status", "response %u has status %d, page has "
                    "room for %u", w->idx, rsp->status, room);
    }
    if (rsp->offset != headroom) {
        return fail(w->v, "rx.offset", "response %u has offset %u", w->idx,
                    rsp->offset);
    }
    return true;
}

/* Takes one data response into the packet.  Sets '*morep' to its more_data
 * flag. */
static bool
walk_data(struct rx_walk *w, bool first, bool *morep)
{
    unsigned int room = NETIF_PAGE_SIZE - (first ? w->rules->headroom : 0);
    struct netif_rx_packet *pkt = w->pkt;
    struct netif_rx_response rsp;

    if (w->idx == w->prod) {
        return fail(w->v, "rx.half-packet", "data slot %u is missing, "
                    "rsp_prod is there", w->idx);
    }
    if (pkt->n_data >= (w->rules->sg ? NETIF_MAX_DATA_SLOTS : 1)) {
        return fail(w->v, "rx.slots", "packet has more than %u data slots",
                    pkt->n_data);
    }
    rsp = w->answers[NETIF_SLOT(w->idx)].rsp;
    if (!check_rx_response(w, &rsp, room, first)) {
        return false;
    }
    *morep = rsp.flags & NETRXF_more_data;
    if (rsp.status < 0) {
        pkt->error = pkt->error ? pkt->error : rsp.status;
    } else if (*morep && (unsigned int) rsp.status != room) {
        return fail(w->v, "rx.fill", "response %u holds %d bytes of %u but "
                    "is not the last", w->idx, rsp.status, room);
    } else {
        pkt->len += rsp.status;
    }
    pkt->data[pkt->n_data++] = w->idx++;
    pkt->n_slots++;
    return true;
}

bool
netif_check_rx(const struct netif_rx_rules *rules, const uint16_t ids[],
               const union netif_rx_answer answers[], uint32_t cons,
               uint32_t prod, uint32_t req_prod, struct netif_rx_packet *pkt,
               struct netif_verdict *v)
{
    struct rx_walk w = {
        .rules = rules, .ids = ids, .answers = answers, .idx = cons,
        .prod = prod, .pkt = pkt, .v = v,
    };
    bool more;
    bool ok;

    memset(pkt, 0, sizeof *pkt);
    if (prod - cons > req_prod - cons) {
        return fail(v, "rx.rsp-prod", "rsp_prod %u is not in [%u, %u]", prod,
                    cons, req_prod);
    }

    ok = walk_data(&w, true, &more);
    if (ok) {
        pkt->flags = answers[NETIF_SLOT(cons)].rsp.flags;
        if (pkt->flags & NETRXF_extra_info) {
            ok = walk_extras(&w);
        } else if (rules->headroom) {
            ok = fail(v, "rx.extra", "packet at %u has no XDP extra", cons);
        }
    }
    while (ok && more) {
        ok = walk_data(&w, false, &more);
    }
    if (!ok) {
        pkt->n_slots = pkt->n_slots ? pkt->n_slots : 1;
        return false;
    }
    if (pkt->error) {
        pkt->len = 0;
    } else if (pkt->len < 14 || pkt->len > UINT16_MAX) {
        return fail(v, "rx.length", "packet at %u has %u bytes", cons,
                    pkt->len);
    }
    return true;
}

static unsigned int
get_be16(const uint8_t *p)
{
    return p[0] << 8 | p[1];
}

/* Judges csum_blank on a frame: a guest finishes the checksum only of plain
 * TCP and UDP directly in IPv4 or IPv6, and silently drops others. */
static bool
check_csum_blank(const struct netif_rx_rules *rules, const uint8_t *frame,
                 unsigned int len, struct netif_verdict *v)
{
    unsigned int type = len >= 14 ? get_be16(frame + 12) : 0;
    unsigned int proto;

    if (type == 0x0800 && len >= 34) {
        if (!rules->csum_ipv4) {
            return fail(v, "rx.csum", "csum_blank on IPv4, which the guest "
                        "does not take");
        }
        if (get_be16(frame + 20) & 0x3fff) {
            return fail(v, "rx.csum", "csum_blank on a fragment");
        }
        proto = frame[23];
    } else if (type == 0x86dd && len >= 54) {
        if (!rules->csum_ipv6) {
            return fail(v, "rx.csum", "csum_blank on IPv6, which the guest "
                        "does not take");
        }
        proto = frame[20];
        if (proto != 6 && proto != 17) {
            return true;        /* Extension headers may precede. */
        }
    } else {
        return fail(v, "rx.csum", "csum_blank on ethertype %#06x of %u bytes",
                    type, len);
    }
    if (proto != 6 && proto != 17) {
        return fail(v, "rx.csum", "csum_blank on IP protocol %u", proto);
    }
    return true;
}

bool
netif_check_rx_offload(const struct netif_rx_rules *rules,
                       const struct netif_rx_packet *pkt,
                       const uint8_t *frame, unsigned int len,
                       struct netif_verdict *v)
{
    bool blank = pkt->flags & NETRXF_csum_blank;
    bool validated = pkt->flags & NETRXF_data_validated;

    if (blank && !validated) {
        return fail(v, "rx.csum", "csum_blank without data_validated");
    }
    if (pkt->gso_size && !blank) {
        return fail(v, "rx.gso", "GSO without csum_blank");
    }
    return !blank || check_csum_blank(rules, frame, len, v);
}

bool
netif_check_ctrl(const struct xen_netif_ctrl_request *req,
                 const struct xen_netif_ctrl_response *rsp, uint32_t cons,
                 uint32_t prod, struct netif_verdict *v)
{
    if (prod - cons != 1) {
        return fail(v, "ctrl.rsp-prod", "rsp_prod is %u, the only request is "
                    "%u", prod, cons);
    }
    if (rsp->id != req->id || rsp->type != req->type) {
        return fail(v, "ctrl.id", "answer %u has id %u and type %u, the "
                    "message had %u and %u", cons, rsp->id, rsp->type,
                    req->id, req->type);
    }
    if (rsp->status > XEN_NETIF_CTRL_STATUS_BUFFER_OVERFLOW) {
        return fail(v, "ctrl.status", "answer %u to type %u has status %u",
                    cons, rsp->type, rsp->status);
    }
    return true;
}

/* Steps that a backend takes.  The toolstack may write 5 at any moment. */
static const uint16_t state_steps[9] = {
    [1] = 1 << 2 | 1 << 5,
    [2] = 1 << 4 | 1 << 5,
    [4] = 1 << 5 | 1 << 8,
    [5] = 1 << 6,
    [6] = 1 << 2 | 1 << 5,
    [8] = 1 << 4 | 1 << 5,
};

bool
netif_check_state_step(unsigned int old, unsigned int new,
                       struct netif_verdict *v)
{
    uint16_t reached;
    uint16_t before;

    if (new >= 9 || !state_steps[new]) {
        return fail(v, "bus.state", "backend state %u", new);
    }
    if (old == new || !old || old >= 9) {
        return true;            /* The first look, or complained before. */
    }

    reached = state_steps[old];
    do {
        before = reached;
        for (unsigned int i = 0; i < 9; i++) {
            if (before & 1 << i) {
                reached |= state_steps[i];
            }
        }
    } while (reached != before);
    if (!(reached & 1 << new)) {
        return fail(v, "bus.step", "backend went from state %u to %u", old,
                    new);
    }
    return true;
}

const char *const netif_backend_features[] = {
    "feature-rx-copy",
    "feature-rx-flip",
    "feature-sg",
    "feature-gso-tcpv4",
    "feature-gso-tcpv6",
    "feature-ipv6-csum-offload",
    "feature-no-csum-offload",
    "feature-split-event-channels",
    "feature-multicast-control",
    "feature-dynamic-multicast-control",
    "feature-ctrl-ring",
    "feature-xdp-headroom",
    "multi-queue-max-queues",
    "feature-gso-tcpv4-prefix",
    "feature-gso-tcpv6-prefix",
    NULL
};

bool
netif_check_feature(const char *key, const char *value, size_t len,
                    struct netif_verdict *v)
{
    bool one = value && len == 1 && *value == '1';
    bool zero = value && len == 1 && *value == '0';

    if (strstr(key, "-prefix")) {
        if (value && !zero) {
            return fail(v, "bus.feature", "backend has %s", key);
        }
        return true;
    }
    if (!strcmp(key, "feature-no-csum-offload") && !value) {
        return true;            /* The one whose default is as good. */
    }
    if (!value) {
        return fail(v, "bus.feature", "backend has no %s", key);
    }
    if (!strcmp(key, "multi-queue-max-queues")) {
        if (len < 1 || len > 5 || *value < '1' || *value > '9'
            || strspn(value, "0123456789") != len) {
            return fail(v, "bus.feature", "%s is \"%.20s\"", key, value);
        }
        return true;
    }
    if (!one && !zero) {
        return fail(v, "bus.feature", "%s is \"%.20s\" (%zu bytes)", key,
                    value, len);
    }
    if (!strcmp(key, "feature-rx-copy") && !one) {
        return fail(v, "bus.feature", "%s is 0", key);
    }
    if (!strcmp(key, "feature-rx-flip") && !zero) {
        return fail(v, "bus.feature", "%s is 1", key);
    }
    return true;
}
