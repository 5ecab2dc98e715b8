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

/* Checksum offload between the netif protocol and Open vSwitch's packets. */

#include <config.h>

#include "xenvif-offload.h"

#include <netinet/in.h>
#include <stddef.h>

#include "csum.h"
#include "dp-packet.h"
#include "packets.h"
#include "unaligned.h"
#include "xenvif-ovs-compat.h"

/* A frame being parsed: what is left of it. */
struct cursor {
    uint8_t *data;
    size_t len;
};

/* Returns the next 'n' bytes and steps over them, or NULL. */
static void *
cursor_pull(struct cursor *cursor, size_t n)
{
    uint8_t *data = cursor->data;

    if (cursor->len < n) {
        return NULL;
    }
    cursor->data += n;
    cursor->len -= n;
    return data;
}

/* What the checksum covers. */
struct l4 {
    uint8_t *data;              /* L4 header. */
    size_t len;                 /* L4 header and payload, no padding. */
    uint8_t proto;              /* IPPROTO_*. */
    uint32_t pseudo;            /* Partial sum of the pseudo-header. */
};

/* Steps over Ethernet header and VLAN tags.  Returns the Ethernet type in host
 * byte order, or 0 if the frame is too short. */
static uint16_t
pull_ethernet(struct cursor *cursor)
{
    ovs_be16 *type;

    if (!cursor_pull(cursor, 2 * ETH_ADDR_LEN)) {
        return 0;
    }
    do {
        type = cursor_pull(cursor, sizeof *type);
    } while (type && eth_type_vlan(get_unaligned_be16(type))
             && cursor_pull(cursor, sizeof *type));
    return type ? ntohs(get_unaligned_be16(type)) : 0;
}

static bool
parse_ipv4(struct cursor *cursor, struct l4 *l4)
{
    const struct ip_header *ip = (const void *) cursor->data;

    if (cursor->len < IP_HEADER_LEN) {
        return false;
    }

    size_t header_len = IP_IHL(ip->ip_ihl_ver) * 4;
    size_t total_len = ntohs(ip->ip_tot_len);

    if (IP_VER(ip->ip_ihl_ver) != 4 || header_len < IP_HEADER_LEN
        || total_len < header_len || total_len > cursor->len
        || IP_IS_FRAGMENT(ip->ip_frag_off)) {
        return false;
    }
    l4->data = cursor->data + header_len;
    l4->len = total_len - header_len;
    l4->proto = ip->ip_proto;
    l4->pseudo = packet_csum_pseudoheader(ip);
    /* packet_csum_pseudoheader() took the length from the header. */
    return true;
}

/* Steps over extension headers, of which the first has type '*proto', to a
 * header that is none and stores its type in '*proto'. */
static bool
skip_ipv6_extensions(struct cursor *cursor, uint8_t *proto)
{
    for (;;) {
        switch (*proto) {
        case IPPROTO_HOPOPTS:
        case IPPROTO_ROUTING:
        case IPPROTO_DSTOPTS: {
            /* Any of them is a multiple of 8 bytes. */
            const uint8_t *ext = cursor_pull(cursor, 8);

            if (!ext || !cursor_pull(cursor, ext[1] * 8)) {
                return false;
            }
            if (*proto == IPPROTO_ROUTING && ext[3]) {
                /* The pseudo-header has the final destination, which is not
                 * the one in the IPv6 header. */
                return false;
            }
            *proto = ext[0];
            break;
        }
        default:
            return true;
        }
    }
}

static bool
parse_ipv6(struct cursor *cursor, struct l4 *l4)
{
    const struct ovs_16aligned_ip6_hdr *ip6
        = cursor_pull(cursor, sizeof *ip6);

    size_t payload_len;

    if (!ip6 || ip6->ip6_ctlun.ip6_un2_vfc >> 4 != 6) {
        return false;
    }
    payload_len = ntohs(ip6->ip6_ctlun.ip6_un1.ip6_un1_plen);
    if (payload_len > cursor->len) {
        return false;
    }
    cursor->len = payload_len;
    l4->proto = ip6->ip6_ctlun.ip6_un1.ip6_un1_nxt;
    if (!skip_ipv6_extensions(cursor, &l4->proto)) {
        return false;
    }
    l4->data = cursor->data;
    l4->len = cursor->len;
    l4->pseudo = csum_continue(0, &ip6->ip6_src, sizeof ip6->ip6_src);
    l4->pseudo = csum_continue(l4->pseudo, &ip6->ip6_dst,
                               sizeof ip6->ip6_dst);
    l4->pseudo = csum_add32(l4->pseudo, htonl(l4->len));
    l4->pseudo = csum_add16(l4->pseudo, htons(l4->proto));
    return true;
}

/* Returns the offset of the checksum in an L4 header of 'proto', and the size
 * of that header in '*header_len'; or -1. */
static int
l4_csum_offset(uint8_t proto, size_t *header_len)
{
    switch (proto) {
    case IPPROTO_TCP:
        *header_len = TCP_HEADER_LEN;
        return offsetof(struct tcp_header, tcp_csum);
    case IPPROTO_UDP:
        *header_len = UDP_HEADER_LEN;
        return offsetof(struct udp_header, udp_csum);
    default:
        return -1;
    }
}

bool
xenvif_offload_complete_l4(struct dp_packet *packet)
{
    struct cursor cursor = { .data = dp_packet_data(packet),
                             .len = dp_packet_size(packet) };
    size_t header_len;
    struct l4 l4;
    bool parsed;
    int ofs;

    switch (pull_ethernet(&cursor)) {
    case ETH_TYPE_IP:
        parsed = parse_ipv4(&cursor, &l4);
        break;
    case ETH_TYPE_IPV6:
        parsed = parse_ipv6(&cursor, &l4);
        break;
    default:
        parsed = false;
        break;
    }
    if (!parsed) {
        return false;
    }
    ofs = l4_csum_offset(l4.proto, &header_len);
    if (ofs < 0 || l4.len < header_len) {
        return false;
    }

    ovs_be16 *field = ALIGNED_CAST(ovs_be16 *, l4.data + ofs);
    ovs_be16 sum;

    put_unaligned_be16(field, 0);
    sum = csum_finish(csum_continue(l4.pseudo, l4.data, l4.len));
    if (!sum && l4.proto == IPPROTO_UDP) {
        /* RFC 768: a sum of 0 would mean that there is none. */
        sum = OVS_BE16_MAX;
    }
    put_unaligned_be16(field, sum);
    xenvif_packet_set_l4_good(packet);
    return true;
}
