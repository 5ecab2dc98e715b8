/* SPDX-License-Identifier: Apache-2.0 */

/* Frames as nobody but an attacker sends them. */

#include <config.h>

#include "wild-frames.h"

#include <string.h>

#include "frames.h"
#include "mock-frontend.h"

enum {
    HOPOPTS = 0, ICMP = 1, TCP = 6, UDP = 17, ROUTING = 43, FRAGMENT = 44,
    GRE = 47, ESP = 50, AH = 51, DSTOPTS = 60, SCTP = 132, MOBILITY = 135,
};

/* The judge. */

static uint32_t
add_bytes(uint32_t sum, const uint8_t *p, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        sum += i % 2 ? p[i] : p[i] << 8;
    }
    return sum;
}

static uint16_t
fold(uint32_t sum)
{
    while (sum >> 16) {
        sum = (sum & UINT16_MAX) + (sum >> 16);
    }
    return sum;
}

/* Finds the IPv4 payload, in ['*ofs', '*end'). */
static bool
find_ipv4(const uint8_t *data, uint32_t *ofs, uint32_t *end,
          struct wild_l4 *l4)
{
    const uint8_t *ip = data + *ofs;
    uint32_t header_len, total;

    if (*end - *ofs < 20) {
        return false;
    }
    header_len = (ip[0] & 15) * 4;
    total = frame_get16(ip + 2);
    if (ip[0] >> 4 != 4 || header_len < 20 || total < header_len
        || total > *end - *ofs || frame_get16(ip + 6) & 0x3fff) {
        return false;
    }
    l4->options = header_len > 20;
    l4->proto = ip[9];
    *end = *ofs + total;
    *ofs += header_len;
    return true;
}

static bool
find_ipv6(const uint8_t *data, uint32_t *ofs, uint32_t *end,
          struct wild_l4 *l4)
{
    const uint8_t *ip = data + *ofs;

    if (*end - *ofs < 40 || ip[0] >> 4 != 6
        || frame_get16(ip + 4) > *end - *ofs - 40) {
        return false;
    }
    *end = *ofs + 40 + frame_get16(ip + 4);
    *ofs += 40;
    l4->proto = ip[6];
    while (l4->proto == HOPOPTS || l4->proto == DSTOPTS
           || l4->proto == ROUTING) {
        const uint8_t *ext = data + *ofs;

        if (*end - *ofs < 8 || *end - *ofs < 8u + ext[1] * 8u
            || (l4->proto == ROUTING && ext[3])) {
            return false;
        }
        l4->options = true;
        l4->proto = ext[0];
        *ofs += 8 + ext[1] * 8;
    }
    return true;
}

/* Steps over the Ethernet header, tags and labels.  Returns false if that
 * leads to no IP header. */
static bool
find_ip(const uint8_t *data, uint32_t len, struct wild_l4 *l4)
{
    uint32_t ofs = 12;
    uint16_t type;

    do {
        if (ofs + 2 > len) {
            return false;
        }
        type = frame_get16(data + ofs);
        ofs += 2;
        if (type == 0x8100 || type == 0x88a8) {
            l4->n_tags++;
            ofs += 2;
        }
    } while (type == 0x8100 || type == 0x88a8);
    if (type == 0x8847) {
        do {
            ofs += 4;
            if (ofs >= len) {
                return false;
            }
        } while (!(data[ofs - 2] & 1));
        type = data[ofs] >> 4 == 6 ? 0x86dd : 0x0800;
    }
    l4->l3 = ofs;
    l4->v6 = type == 0x86dd;
    return type == 0x0800 || type == 0x86dd;
}

bool
wild_find(const uint8_t *data, uint32_t len, struct wild_l4 *l4)
{
    uint32_t ofs, left;

    memset(l4, 0, sizeof *l4);
    if (!find_ip(data, len, l4)) {
        return false;
    }
    ofs = l4->l3;
    if (ofs > len || (l4->v6 ? !find_ipv6(data, &ofs, &len, l4)
                      : !find_ipv4(data, &ofs, &len, l4))) {
        return false;
    }
    l4->l4 = ofs;
    l4->l4_len = left = len - ofs;
    if (l4->proto == TCP) {
        l4->header_len = left < 20 ? 0 : (data[ofs + 12] >> 4) * 4;
        return l4->header_len >= 20 && l4->header_len <= left;
    }
    if (l4->proto == UDP) {
        l4->header_len = 8;
        l4->l4_len = left < 8 ? 0 : frame_get16(data + ofs + 4);
        return l4->l4_len >= 8 && l4->l4_len <= left;
    }
    return false;
}

uint16_t
wild_pseudo(const uint8_t *data, const struct wild_l4 *l4)
{
    return fold(add_bytes(0, data + l4->l3 + (l4->v6 ? 8 : 12),
                          l4->v6 ? 32 : 8) + l4->proto + l4->l4_len);
}

bool
wild_csum_is_ok(const uint8_t *data, const struct wild_l4 *l4)
{
    return (fold(add_bytes(wild_pseudo(data, l4), data + l4->l4, l4->l4_len))
            == UINT16_MAX
            && (l4->proto == TCP
                || frame_get16(data + wild_csum_ofs(l4))));
}

void
wild_finish(uint8_t *data, const struct wild_l4 *l4, uint32_t start)
{
    uint16_t sum = ~fold(add_bytes(0, data + start,
                                   l4->l4 + l4->l4_len - start));

    frame_put16(data + wild_csum_ofs(l4),
                !sum && l4->proto == UDP ? UINT16_MAX : sum);
}

bool
wild_ip_is_ok(const uint8_t *data, uint32_t l3)
{
    return fold(add_bytes(0, data + l3, (data[l3] & 15) * 4)) == UINT16_MAX;
}

/* The generator.  It writes from the first byte to the last, with lengths that
 * are filled in when what they count is there. */

static bool
chance(uint32_t percent)
{
    return mock_random_range(100) < percent;
}

#define PICK(ARRAY) (ARRAY)[mock_random_range(ARRAY_SIZE(ARRAY))]

static void
add16(struct wild_frame *f, uint16_t value)
{
    frame_put16(f->data + f->len, value);
    f->len += 2;
}

static void
add_random(struct wild_frame *f, uint32_t n)
{
    mock_fill_frame(f->data + f->len, n);
    f->len += n;
}

static void
add_tags(struct wild_frame *f)
{
    static const uint8_t counts[] = { 0, 0, 0, 0, 0, 0, 1, 1, 2, 2, 3, 7 };

    for (unsigned int n = PICK(counts); n; n--) {
        static const uint16_t types[] = {
            0x8100, 0x8100, 0x88a8, 0x88a8, 0x8100, 0x9100,
        };

        add16(f, PICK(types));
        add16(f, chance(50) ? mock_random() : 0);
    }
}

/* Adds extension headers and returns the type of what is to follow them. */
static uint8_t
add_extensions(struct wild_frame *f, uint32_t next, uint8_t proto)
{
    static const uint8_t types[] = {
        HOPOPTS, DSTOPTS, DSTOPTS, ROUTING, ROUTING, AH, FRAGMENT, MOBILITY,
    };

    if (chance(60)) {
        f->data[next] = proto;
        return proto;
    }
    for (unsigned int n = 1 + mock_random_range(4); n; n--) {
        uint8_t type = PICK(types);
        uint32_t units = mock_random_range(3);
        uint32_t ext = f->len;

        f->data[next] = type;
        add_random(f, 8 + (type == FRAGMENT ? 0 : units * 8));
        f->data[ext + 1] = type == AH ? units * 2 : units;
        if (type == FRAGMENT) {
            frame_put16(f->data + ext + 2, chance(50) ? 0 : mock_random());
        } else {
            f->data[ext + 3] = chance(85) ? 0 : mock_random();
        }
        next = ext;
    }
    f->data[next] = proto;
    return proto;
}

static void add_l4(struct wild_frame *, uint8_t proto, uint32_t payload,
                   unsigned int depth);
static void add_l2(struct wild_frame *, uint32_t payload, unsigned int depth);

static uint8_t
pick_proto(void)
{
    static const uint8_t protos[] = {
        TCP, TCP, TCP, TCP, UDP, UDP, UDP, UDP, UDP, ICMP, GRE, SCTP, ESP,
    };

    return PICK(protos);
}

/* Adds an IP packet. */
static void
add_ipv4(struct wild_frame *f, uint32_t payload, unsigned int depth)
{
    uint32_t ip = f->len;
    uint32_t n_options = chance(75) ? 0 : 1 + mock_random_range(10);
    uint8_t proto = pick_proto();

    add_random(f, 20 + 4 * n_options);
    memset(f->data + ip + 20, 1, 4 * n_options);
    f->data[ip] = (chance(99) ? 0x45 : mock_random()) + n_options;
    f->data[ip + 9] = proto;
    frame_put16(f->data + ip + 6, chance(90) ? 0x4000 : mock_random());
    add_l4(f, proto, payload, depth);
    frame_put16(f->data + ip + 2, f->len - ip);
    frame_put16(f->data + ip + 10, 0);
    frame_put16(f->data + ip + 10,
                ~fold(add_bytes(0, f->data + ip, 20 + 4 * n_options)));
}

static void
add_ipv6(struct wild_frame *f, uint32_t payload, unsigned int depth)
{
    uint32_t ip = f->len;
    uint8_t proto;

    add_random(f, 40);
    f->data[ip] = chance(99) ? 0x60 : mock_random();
    proto = add_extensions(f, ip + 6, pick_proto());
    add_l4(f, proto, payload, depth);
    frame_put16(f->data + ip + 4, f->len - ip - 40);
}

/* Adds a UDP datagram, perhaps one with a frame in it: VXLAN or Geneve. */
static void
add_udp(struct wild_frame *f, uint32_t payload, unsigned int depth)
{
    uint32_t udp = f->len;

    add_random(f, 8);
    if (chance(15) && depth < 2) {
        frame_put16(f->data + udp + 2, chance(50) ? 4789 : 6081);
        add16(f, f->data[udp + 3] == 4789 % 256 ? 0x0800 : 0);
        add16(f, 0x6558);
        add_random(f, 4);
        add_l2(f, payload, depth + 1);
    } else {
        add_random(f, payload);
    }
    frame_put16(f->data + udp + 4, chance(92) ? f->len - udp
                : mock_random_range(f->len - udp + 8));
}

static void
add_l4(struct wild_frame *f, uint8_t proto, uint32_t payload,
       unsigned int depth)
{
    uint32_t l4 = f->len;
    uint32_t n_options = chance(50) ? 0 : mock_random_range(11);

    switch (proto) {
    case TCP:
        add_random(f, 20 + 4 * n_options);
        f->data[l4 + 12] = (chance(97) ? 5 + n_options : mock_random()) << 4;
        add_random(f, payload);
        break;
    case UDP:
        add_udp(f, payload, depth);
        break;
    case GRE:
        if (depth < 2) {
            add16(f, 0);
            add16(f, 0x6558);
            add_l2(f, payload, depth + 1);
            break;
        }
        /* Fall through. */
    default:
        add_random(f, payload);
        break;
    }
}

/* Adds what is neither an IPv4 nor an IPv6 packet to a simple eye. */
static void
add_oddity(struct wild_frame *f, uint32_t payload, unsigned int depth)
{
    switch (mock_random_range(5)) {
    case 0:                     /* MPLS. */
        add16(f, 0x8847);
        for (unsigned int n = mock_random_range(4); n; n--) {
            add_random(f, 4);
            f->data[f->len - 2] &= ~1;
        }
        add_random(f, 4);
        f->data[f->len - 2] |= 1;
        add_ipv4(f, payload, depth);
        break;
    case 1:                     /* PPPoE. */
        add16(f, 0x8864);
        add16(f, 0x1100);
        add16(f, mock_random());
        add16(f, payload + 42);
        add16(f, 0x0021);
        add_ipv4(f, payload, depth);
        break;
    case 2:                     /* LLC and SNAP. */
        add16(f, mock_random_range(1500));
        add16(f, 0xaaaa);
        add16(f, 0x0300);
        add16(f, 0);
        add16(f, 0x0800);
        add_ipv4(f, payload, depth);
        break;
    case 3:                     /* ARP. */
        add16(f, 0x0806);
        add16(f, 1);
        add16(f, 0x0800);
        add16(f, 0x0604);
        add_random(f, 22);
        break;
    default:
        add_random(f, 2 + payload);
        break;
    }
}

static void
add_l2(struct wild_frame *f, uint32_t payload, unsigned int depth)
{
    uint32_t kind = mock_random_range(100);

    add_random(f, 12);
    add_tags(f);
    if (kind < 12) {
        add_oddity(f, payload, depth);
    } else if (kind < 58) {
        add16(f, 0x0800);
        add_ipv4(f, payload, depth);
    } else {
        add16(f, 0x86dd);
        add_ipv6(f, payload, depth);
    }
}

/* Fills in the checksum as a guest leaves it, honest or not. */
static void
put_csum(struct wild_frame *f)
{
    struct wild_l4 l4;
    uint16_t sum;

    if (!wild_find(f->data, f->len, &l4)) {
        return;
    }
    sum = wild_pseudo(f->data, &l4);
    if (!f->blank && !f->gso_type) {
        frame_put16(f->data + wild_csum_ofs(&l4), sum);
        wild_finish(f->data, &l4, l4.l4);
    } else {
        frame_put16(f->data + wild_csum_ofs(&l4),
                    chance(70) ? sum : chance(50) ? 0 : mock_random());
    }
}

/* Adds what is not so. */
static void
lie(struct wild_frame *f)
{
    if (chance(15)) {
        add_random(f, 1 + mock_random_range(chance(90) ? 40 : 400));
    }
    if (chance(8)) {
        f->len = 14 + mock_random_range(f->len - 13);
    }
    if (chance(10)) {
        for (unsigned int n = 1 + mock_random_range(3); n; n--) {
            f->data[12 + mock_random_range(MIN(f->len, 90u) - 12)]
                = mock_random();
        }
    }
}

static uint32_t
pick_payload(bool large)
{
    return (chance(40) ? mock_random_range(40)
            : !large ? mock_random_range(1300)
            : chance(90) ? mock_random_range(8000)
            : mock_random_range(64000));
}

void
wild_make(struct wild_frame *f, bool large)
{
    f->len = 0;
    add_l2(f, pick_payload(large), 0);
    f->blank = chance(80);
    f->validated = f->blank ? chance(80) : chance(30);
    f->gso_type = f->gso_size = 0;
    if (large && chance(60)) {
        struct wild_l4 l4;

        wild_find(f->data, f->len, &l4);
        f->gso_type = (l4.v6 ^ chance(3)) + 1;
        f->gso_size = chance(70) ? 1200 + mock_random_range(300)
                      : chance(80) ? mock_random_range(3000) : mock_random();
    }
    put_csum(f);
    lie(f);
    if (f->len > UINT16_MAX) {
        f->len = UINT16_MAX;
    }
}
