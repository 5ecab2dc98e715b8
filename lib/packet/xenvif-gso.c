/* SPDX-License-Identifier: Apache-2.0 */

/* Segmentation in software. */

#include <config.h>

#include "packet/xenvif-gso.h"

#include <netinet/in.h>

#include "csum.h"
#include "dp-packet.h"
#include "packets.h"
#include "unaligned.h"
#include "util.h"
#include "packet/xenvif-frame.h"
#include "packet/xenvif-ovs-compat.h"

/* A packet to be cut. */
struct original {
    const uint8_t *data;
    struct xenvif_frame frame;
    uint32_t headers;           /* Bytes of all headers. */
    uint32_t payload;           /* Bytes after them. */
};

/* Corrects the IP header of the segment, number 'i', which has 'l4_len' bytes
 * of L4 header and payload. */
static void
fix_ip(const struct xenvif_frame *frame, uint8_t *data, uint32_t i,
       uint32_t l4_len)
{
    uint32_t l3_len = frame->l4_ofs - frame->l3_ofs;

    if (frame->eth_type == ETH_TYPE_IPV6) {
        struct ovs_16aligned_ip6_hdr *ip6
            = ALIGNED_CAST(struct ovs_16aligned_ip6_hdr *,
                           data + frame->l3_ofs);

        ip6->ip6_ctlun.ip6_un1.ip6_un1_plen
            = htons(l3_len - sizeof *ip6 + l4_len);
    } else {
        struct ip_header *ip = ALIGNED_CAST(struct ip_header *,
                                            data + frame->l3_ofs);

        ip->ip_tot_len = htons(l3_len + l4_len);
        ip->ip_id = htons(ntohs(ip->ip_id) + i);
        ip->ip_csum = 0;
        ip->ip_csum = csum(ip, l3_len);
    }
}

/* Corrects the TCP header of the segment that carries the payload from byte
 * 'ofs' on and has 'l4_len' bytes of TCP header and payload.  The checksum
 * becomes what it has to be where it is left open: the sum of the
 * pseudo-header. */
static void
fix_tcp(const struct xenvif_frame *frame, uint8_t *data, uint32_t ofs,
        uint32_t l4_len, bool last)
{
    uint32_t pseudo = csum_add32(frame->pseudo, ~htonl(frame->l4_len));
    struct tcp_header *tcp = ALIGNED_CAST(struct tcp_header *,
                                          data + frame->l4_ofs);
    uint16_t flags = TCP_FLAGS(tcp->tcp_ctl);

    put_16aligned_be32(&tcp->tcp_seq,
                       htonl(ntohl(get_16aligned_be32(&tcp->tcp_seq)) + ofs));
    if (!last) {
        flags &= ~(TCP_FIN | TCP_PSH);
    }
    if (ofs) {
        flags &= ~TCP_CWR;
    }
    tcp->tcp_ctl = TCP_CTL(flags, TCP_OFFSET(tcp->tcp_ctl));
    pseudo = csum_add32(pseudo, htonl(l4_len));
    tcp->tcp_csum = (OVS_FORCE ovs_be16) ~csum_finish(pseudo);
}

static struct dp_packet *
make_segment(const struct original *original, uint32_t i, uint32_t ofs,
             uint32_t len)
{
    uint32_t headers = original->headers;
    uint32_t l4_len = headers - original->frame.l4_ofs + len;
    struct dp_packet *segment = xenvif_packet_new(headers + len);
    uint8_t *data = dp_packet_data(segment);

    memcpy(data, original->data, headers);
    memcpy(data + headers, original->data + headers + ofs, len);
    fix_ip(&original->frame, data, i, l4_len);
    fix_tcp(&original->frame, data, ofs, l4_len,
            ofs + len == original->payload);
    xenvif_packet_set_l4_partial(segment,
                                 original->frame.eth_type == ETH_TYPE_IPV6,
                                 true, original->frame.l4_ofs,
                                 offsetof(struct tcp_header, tcp_csum));
    return segment;
}

size_t
xenvif_gso_segment(const struct dp_packet *packet, uint32_t mss,
                   struct dp_packet ***segments)
{
    struct original original = { .data = dp_packet_data(packet) };
    uint32_t header_len;
    size_t n;

    if (!xenvif_frame_parse(original.data, dp_packet_size(packet),
                            &original.frame)
        || original.frame.proto != IPPROTO_TCP
        || !xenvif_frame_csum_ofs(&original.frame, original.data,
                                  &header_len)) {
        return 0;
    }
    original.headers = original.frame.l4_ofs + header_len;
    original.payload = original.frame.l4_len - header_len;
    n = MAX(1, DIV_ROUND_UP(original.payload, mss));
    if (n > XENVIF_GSO_MAX_SEGMENTS
        || original.headers > XENVIF_GSO_MAX_HEADERS) {
        return 0;
    }
    *segments = xmalloc(n * sizeof **segments);
    for (size_t i = 0; i < n; i++) {
        uint32_t ofs = i * mss;

        (*segments)[i] = make_segment(&original, i, ofs,
                                      MIN(mss, original.payload - ofs));
    }
    return n;
}
