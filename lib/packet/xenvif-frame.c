/* SPDX-License-Identifier: Apache-2.0 */

/* Where the headers of an Ethernet frame are. */

#include <config.h>

#include "packet/xenvif-frame.h"

#include <netinet/in.h>
#include <string.h>

#include "csum.h"
#include "packets.h"
#include "unaligned.h"

/* What is left of a frame. */
struct cursor {
    const uint8_t *data;
    size_t len;
};

/* Returns the next 'n' bytes and steps over them, or NULL. */
static const void *
pull(struct cursor *cursor, size_t n)
{
    const uint8_t *data = cursor->data;

    if (cursor->len < n) {
        return NULL;
    }
    cursor->data += n;
    cursor->len -= n;
    return data;
}

static void
parse_ethernet(struct cursor *cursor, struct xenvif_frame *frame)
{
    const ovs_be16 *type;

    if (!pull(cursor, 2 * ETH_ADDR_LEN)) {
        return;
    }
    while ((type = pull(cursor, sizeof *type))
           && eth_type_vlan(get_unaligned_be16(type))) {
        frame->tagged = true;
        if (!pull(cursor, sizeof(ovs_be16))) {
            return;
        }
    }
    frame->eth_type = type ? ntohs(get_unaligned_be16(type)) : 0;
}

static bool
parse_ipv4(struct cursor *cursor, struct xenvif_frame *frame)
{
    const struct ip_header *ip = (const void *) cursor->data;
    size_t header_len, total_len;

    if (cursor->len < IP_HEADER_LEN) {
        return false;
    }
    header_len = IP_IHL(ip->ip_ihl_ver) * 4;
    total_len = ntohs(ip->ip_tot_len);
    if (IP_VER(ip->ip_ihl_ver) != 4 || header_len < IP_HEADER_LEN
        || total_len < header_len || total_len > cursor->len) {
        return false;
    }

    frame->padded = total_len < cursor->len;
    frame->options = header_len > IP_HEADER_LEN;
    cursor->len = total_len;
    pull(cursor, header_len);
    frame->is_fragment = IP_IS_FRAGMENT(ip->ip_frag_off);
    frame->proto = ip->ip_proto;
    frame->final_dst = true;
    frame->pseudo = csum_add32(0, get_16aligned_be32(&ip->ip_src));
    frame->pseudo = csum_add32(frame->pseudo, get_16aligned_be32(&ip->ip_dst));
    return true;
}

/* Steps over IPv6 extension headers, the first of which has type
 * 'frame->proto', and stores the type of what follows them there. */
static bool
parse_ipv6_extensions(struct cursor *cursor, struct xenvif_frame *frame)
{
    for (;;) {
        const uint8_t *ext;

        switch (frame->proto) {
        case IPPROTO_HOPOPTS:
        case IPPROTO_ROUTING:
        case IPPROTO_DSTOPTS:
        case IPPROTO_FRAGMENT:
            /* Any of them is a multiple of 8 bytes. */
            ext = pull(cursor, 8);
            break;
        default:
            return true;
        }
        if (!ext) {
            return false;
        }
        if (frame->proto == IPPROTO_FRAGMENT) {
            frame->is_fragment = true;
        } else if (!pull(cursor, ext[1] * 8)) {
            return false;
        }
        if (frame->proto == IPPROTO_ROUTING && ext[3]) {
            /* There are hops left before the final destination. */
            frame->final_dst = false;
        }
        frame->proto = ext[0];
        if (frame->is_fragment) {
            /* What follows is the middle of something. */
            return true;
        }
    }
}

static bool
parse_ipv6(struct cursor *cursor, struct xenvif_frame *frame)
{
    const struct ovs_16aligned_ip6_hdr *ip6 = pull(cursor, sizeof *ip6);
    size_t payload_len;

    if (!ip6 || ip6->ip6_ctlun.ip6_un2_vfc >> 4 != 6) {
        return false;
    }
    payload_len = ntohs(ip6->ip6_ctlun.ip6_un1.ip6_un1_plen);
    if (payload_len > cursor->len) {
        return false;
    }
    frame->padded = payload_len < cursor->len;
    cursor->len = payload_len;
    frame->proto = ip6->ip6_ctlun.ip6_un1.ip6_un1_nxt;
    frame->final_dst = true;
    frame->pseudo = csum_continue(0, &ip6->ip6_src, sizeof ip6->ip6_src);
    frame->pseudo = csum_continue(frame->pseudo, &ip6->ip6_dst,
                                  sizeof ip6->ip6_dst);
    if (!parse_ipv6_extensions(cursor, frame)) {
        return false;
    }
    frame->options = cursor->data != (const void *) (ip6 + 1);
    return true;
}

/* A UDP datagram has a length of its own, which its checksum goes by. */
static void
trim_udp(struct cursor *cursor, struct xenvif_frame *frame)
{
    const struct udp_header *udp = (const void *) cursor->data;

    if (frame->proto == IPPROTO_UDP && !frame->is_fragment
        && cursor->len >= UDP_HEADER_LEN) {
        size_t len = ntohs(udp->udp_len);

        if (len >= UDP_HEADER_LEN && len < cursor->len) {
            frame->padded = true;
            cursor->len = len;
        }
    }
}

bool
xenvif_frame_parse(const void *data, size_t len, struct xenvif_frame *frame)
{
    struct cursor cursor = { .data = data, .len = len };
    bool ok;

    memset(frame, 0, sizeof *frame);
    parse_ethernet(&cursor, frame);
    frame->l3_ofs = cursor.data - (const uint8_t *) data;
    switch (frame->eth_type) {
    case ETH_TYPE_IP:
        ok = parse_ipv4(&cursor, frame);
        break;
    case ETH_TYPE_IPV6:
        ok = parse_ipv6(&cursor, frame);
        break;
    default:
        ok = false;
        break;
    }
    if (!ok) {
        return false;
    }

    trim_udp(&cursor, frame);
    frame->l4_ofs = cursor.data - (const uint8_t *) data;
    frame->l4_len = cursor.len;
    frame->pseudo = csum_add32(frame->pseudo, htonl(frame->l4_len));
    frame->pseudo = csum_add16(frame->pseudo, htons(frame->proto));
    return true;
}

uint32_t
xenvif_frame_csum_ofs(const struct xenvif_frame *frame, const void *data,
                      uint32_t *header_len)
{
    const uint8_t *l4 = (const uint8_t *) data + frame->l4_ofs;

    if (frame->is_fragment || !frame->final_dst) {
        return 0;
    }
    switch (frame->proto) {
    case IPPROTO_TCP:
        if (frame->l4_len < TCP_HEADER_LEN) {
            return 0;
        }
        *header_len = (l4[12] >> 4) * 4;
        return (*header_len >= TCP_HEADER_LEN && *header_len <= frame->l4_len
                ? frame->l4_ofs + offsetof(struct tcp_header, tcp_csum) : 0);

    case IPPROTO_UDP:
        *header_len = UDP_HEADER_LEN;
        return (frame->l4_len >= UDP_HEADER_LEN
                && (l4[4] << 8 | l4[5]) == frame->l4_len
                ? frame->l4_ofs + offsetof(struct udp_header, udp_csum) : 0);

    default:
        return 0;
    }
}
