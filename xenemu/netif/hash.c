/* SPDX-License-Identifier: Apache-2.0 */

/* The hash by which a guest has its packets distributed. */

#include "netif/hash.h"

#include <stdarg.h>
#include <stdio.h>

#define PROTO_TCP 6

/* Where a frame's headers are. */
struct flow {
    bool ipv6;
    bool fragment;
    uint8_t proto;              /* Behind IPv6 extension headers. */
    unsigned int addr_ofs;      /* Source and destination address. */
    unsigned int l4_ofs;
    unsigned int l4_len;
};

static unsigned int
be16(const uint8_t *p)
{
    return p[0] << 8 | p[1];
}

uint32_t
netif_toeplitz(const uint8_t key[NETIF_HASH_KEY_SIZE], const void *data_,
               unsigned int len)
{
    const uint8_t *data = data_;
    uint32_t window = ((uint32_t) key[0] << 24 | key[1] << 16 | key[2] << 8
                       | key[3]);
    uint32_t hash = 0;

    /* The window slides over the key, one bit for each bit of the data. */
    for (unsigned int bit = 0; bit < 8 * len; bit++) {
        unsigned int next = bit + 32;
        unsigned int byte = next / 8;

        if (data[bit / 8] & 0x80 >> bit % 8) {
            hash ^= window;
        }
        window <<= 1;
        if (byte < NETIF_HASH_KEY_SIZE && key[byte] & 0x80 >> next % 8) {
            window |= 1;
        }
    }
    return hash;
}

static bool
parse_ipv4(const uint8_t *frame, unsigned int len, unsigned int total,
           unsigned int ofs, struct flow *flow)
{
    const uint8_t *ip = frame + ofs;
    unsigned int ihl, ip_len;

    if (len < ofs + 20) {
        return false;
    }
    ihl = 4 * (ip[0] & 15);
    ip_len = be16(ip + 2);
    if (ip[0] >> 4 != 4 || ihl < 20 || ip_len < ihl
        || ip_len > total - ofs) {
        return false;
    }
    flow->ipv6 = false;
    flow->fragment = be16(ip + 6) & 0x3fff;
    flow->proto = ip[9];
    flow->addr_ofs = ofs + 12;
    flow->l4_ofs = ofs + ihl;
    flow->l4_len = ip_len - ihl;
    return true;
}

static bool
parse_ipv6(const uint8_t *frame, unsigned int len, unsigned int total,
           unsigned int ofs, struct flow *flow)
{
    const uint8_t *ip = frame + ofs;
    unsigned int pos = ofs + 40;
    unsigned int end;
    uint8_t next;

    if (len < pos || ip[0] >> 4 != 6) {
        return false;
    }
    end = pos + be16(ip + 4);
    next = ip[6];
    if (end > total) {
        return false;
    }
    flow->fragment = false;
    /* Hop-by-hop, routing, fragment, destination options. */
    while (!flow->fragment
           && (next == 0 || next == 43 || next == 44 || next == 60)) {
        if (pos + 8 > end || pos + 8 > len) {
            return false;
        }
        flow->fragment = next == 44;
        next = frame[pos];
        pos += 8 + (flow->fragment ? 0 : 8 * frame[pos + 1]);
        if (pos > end) {
            return false;
        }
    }
    flow->ipv6 = true;
    flow->proto = next;
    flow->addr_ofs = ofs + 8;
    flow->l4_ofs = pos;
    flow->l4_len = end - pos;
    return true;
}

/* Finds the IP header, behind any number of VLAN tags. */
static bool
parse(const uint8_t *frame, unsigned int len, unsigned int total,
      struct flow *flow)
{
    unsigned int ofs = 12;
    unsigned int type;

    do {
        if (len < ofs + 2) {
            return false;
        }
        type = be16(frame + ofs);
        ofs += type == 0x8100 || type == 0x88a8 ? 4 : 2;
    } while (type == 0x8100 || type == 0x88a8);

    return (type == 0x0800 ? parse_ipv4(frame, len, total, ofs, flow)
            : type == 0x86dd ? parse_ipv6(frame, len, total, ofs, flow)
            : false);
}

bool
netif_hash_frame(const struct netif_hash *hash, const uint8_t *frame,
                 unsigned int len, unsigned int total, uint8_t *type,
                 uint32_t *value)
{
    struct flow flow;
    uint8_t input[36];
    unsigned int l3_type, l4_type, n;

    if (!hash->toeplitz || !hash->flags
        || !parse(frame, len, total, &flow)) {
        return false;
    }
    l3_type = (flow.ipv6 ? _XEN_NETIF_CTRL_HASH_TYPE_IPV6
               : _XEN_NETIF_CTRL_HASH_TYPE_IPV4);
    l4_type = (flow.ipv6 ? _XEN_NETIF_CTRL_HASH_TYPE_IPV6_TCP
               : _XEN_NETIF_CTRL_HASH_TYPE_IPV4_TCP);

    n = flow.ipv6 ? 32 : 8;
    memcpy(input, frame + flow.addr_ofs, n);
    if (hash->flags & 1u << l4_type && flow.proto == PROTO_TCP
        && !flow.fragment && flow.l4_len >= 4 && flow.l4_ofs + 4 <= len) {
        memcpy(input + n, frame + flow.l4_ofs, 4);
        n += 4;
        *type = l4_type;
    } else if (hash->flags & 1u << l3_type) {
        *type = l3_type;
    } else {
        return false;
    }
    *value = netif_toeplitz(hash->key, input, n);
    return true;
}

uint32_t
netif_hash_queue(const struct netif_hash *hash, uint32_t value,
                 unsigned int n_queues)
{
    if (hash->mapping_size) {
        value = hash->mapping[value % hash->mapping_size];
    }
    return value % n_queues;
}

static bool __attribute__((format(printf, 2, 3)))
fail(struct netif_verdict *v, const char *format, ...)
{
    va_list args;

    v->rule = "rx.hash";
    va_start(args, format);
    vsnprintf(v->text, sizeof v->text, format, args);
    va_end(args);
    return false;
}

bool
netif_check_hash(const struct netif_hash *hash,
                 const struct netif_rx_packet *pkt, const uint8_t *frame,
                 unsigned int len, unsigned int queue, unsigned int n_queues,
                 struct netif_verdict *v)
{
    uint32_t value = 0;
    uint8_t type = 0;
    bool hashed = netif_hash_frame(hash, frame, len, pkt->len, &type, &value);
    uint32_t wanted;

    if (hashed != pkt->has_hash) {
        return fail(v, "packet of %u bytes has %s hash extra, flags are %#x",
                    pkt->len, pkt->has_hash ? "a" : "no", hash->flags);
    }
    if (hashed && (pkt->hash_type != type || pkt->hash_value != value)) {
        return fail(v, "hash is %#010x of type %u instead of %#010x of type "
                    "%u", pkt->hash_value, pkt->hash_type, value, type);
    }
    if (!hash->toeplitz || !hash->flags) {
        return true;            /* The backend is free to choose. */
    }
    wanted = netif_hash_queue(hash, value, n_queues);
    if (queue != wanted) {
        return fail(v, "packet with hash %#010x came on queue %u instead of "
                    "%u", value, queue, wanted);
    }
    return true;
}
