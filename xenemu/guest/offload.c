/* SPDX-License-Identifier: Apache-2.0 */

/* Internet checksums, and where a frame has them. */

#include "guest/offload.h"

static unsigned int
be16(const uint8_t *p)
{
    return p[0] << 8 | p[1];
}

uint32_t
guest_csum_add(uint32_t sum, const void *data, size_t n)
{
    const uint8_t *p = data;
    uint64_t total = sum;

    for (; n > 1; n -= 2, p += 2) {
        total += be16(p);
    }
    if (n) {
        total += *p << 8;
    }
    while (total >> 32) {
        total = (total & UINT32_MAX) + (total >> 32);
    }
    return total;
}

uint16_t
guest_csum_fold(uint32_t sum)
{
    while (sum >> 16) {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    return sum;
}

/* Sets 'l4->ofs', '->len' and '->proto' for an IPv4 header at 'ofs'. */
static bool
find_in_ipv4(const uint8_t *frame, unsigned int len, unsigned int ofs,
             struct guest_l4 *l4)
{
    const uint8_t *ip = frame + ofs;
    unsigned int ihl, total;

    if (len < ofs + 20) {
        return false;
    }
    ihl = (ip[0] & 15) * 4;
    total = be16(ip + 2);
    if (ip[0] >> 4 != 4 || ihl < 20 || total < ihl
        || be16(ip + 6) & 0x3fff) {
        return false;
    }
    l4->ipv6 = false;
    l4->proto = ip[9];
    l4->ofs = ofs + ihl;
    l4->len = total - ihl;
    return true;
}

static bool
find_in_ipv6(const uint8_t *frame, unsigned int len, unsigned int ofs,
             struct guest_l4 *l4)
{
    const uint8_t *ip = frame + ofs;
    unsigned int end, pos = ofs + 40;
    uint8_t next;

    if (len < ofs + 40 || ip[0] >> 4 != 6) {
        return false;
    }
    end = pos + be16(ip + 4);
    next = ip[6];
    /* Hop-by-hop, routing and destination options may precede. */
    while (next == 0 || next == 43 || next == 60) {
        if (pos + 8 > len || pos + 8 > end) {
            return false;
        }
        next = frame[pos];
        pos += 8 + 8 * frame[pos + 1];
    }
    if (pos > end) {
        return false;
    }
    l4->ipv6 = true;
    l4->proto = next;
    l4->ofs = pos;
    l4->len = end - pos;
    return true;
}

bool
guest_find_l4(const uint8_t *frame, unsigned int len, struct guest_l4 *l4)
{
    unsigned int ofs = 12;
    unsigned int type = len >= 14 ? be16(frame + ofs) : 0;
    bool found;

    for (int i = 0; i < 2 && (type == 0x8100 || type == 0x88a8); i++) {
        ofs += 4;
        type = len >= ofs + 2 ? be16(frame + ofs) : 0;
    }
    ofs += 2;
    found = (type == 0x0800 ? find_in_ipv4(frame, len, ofs, l4)
             : type == 0x86dd ? find_in_ipv6(frame, len, ofs, l4)
             : false);
    if (!found || (l4->proto != 6 && l4->proto != 17)) {
        return false;
    }
    l4->csum_ofs = l4->proto == 6 ? 16 : 6;
    return l4->ofs + l4->csum_ofs + 2 <= len && l4->len >= l4->csum_ofs + 2;
}

bool
guest_csum_is_outermost(const uint8_t *frame, unsigned int len,
                        unsigned int ofs, unsigned int csum_ofs)
{
    struct guest_l4 l4;

    return (guest_find_l4(frame, len, &l4) && l4.ofs == ofs
            && l4.csum_ofs == csum_ofs);
}

uint16_t
guest_pseudo_sum(const uint8_t *frame, const struct guest_l4 *l4)
{
    uint32_t sum = l4->proto + (l4->len & 0xffff) + (l4->len >> 16);
    unsigned int ip = 14;

    while (be16(frame + ip - 2) == 0x8100 || be16(frame + ip - 2) == 0x88a8) {
        ip += 4;
    }
    sum = (l4->ipv6 ? guest_csum_add(sum, frame + ip + 8, 32)
           : guest_csum_add(sum, frame + ip + 12, 8));
    return guest_csum_fold(sum);
}

void
guest_csum_finish(uint8_t *frame, const struct guest_l4 *l4)
{
    uint8_t *csum = frame + l4->ofs + l4->csum_ofs;
    uint16_t value;

    csum[0] = csum[1] = 0;
    value = ~guest_csum_fold(guest_csum_add(guest_pseudo_sum(frame, l4),
                                            frame + l4->ofs, l4->len));
    if (!value && l4->proto == 17) {
        value = 0xffff;
    }
    csum[0] = value >> 8;
    csum[1] = value;
}
