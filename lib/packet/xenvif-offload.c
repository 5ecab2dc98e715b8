/* SPDX-License-Identifier: Apache-2.0 */

/* Checksum and segmentation offload. */

#include <config.h>

#include "packet/xenvif-offload.h"

#include <netinet/in.h>
#include <xen/xen.h>
#include <xen/io/netif.h>

#include "csum.h"
#include "dp-packet.h"
#include "packets.h"
#include "unaligned.h"
#include "packet/xenvif-frame.h"
#include "packet/xenvif-gso.h"
#include "packet/xenvif-ovs-compat.h"

/* Parses 'packet' as far as its TCP or UDP checksum, whose offset is returned;
 * 0 if there is none. */
static uint32_t
parse(const struct dp_packet *packet, struct xenvif_frame *frame,
      uint32_t *header_len)
{
    const uint8_t *data = dp_packet_data(packet);

    return (xenvif_frame_parse(data, dp_packet_size(packet), frame)
            ? xenvif_frame_csum_ofs(frame, data, header_len) : 0);
}

static void
put_csum(struct dp_packet *packet, uint32_t ofs, ovs_be16 sum)
{
    uint8_t *data = dp_packet_data(packet);

    put_unaligned_be16(ALIGNED_CAST(ovs_be16 *, data + ofs), sum);
}

static void
put_pseudo(struct dp_packet *packet, const struct xenvif_frame *frame,
           uint32_t ofs)
{
    put_csum(packet, ofs, (OVS_FORCE ovs_be16) ~csum_finish(frame->pseudo));
}

/* Is the packet one that nothing in Open vSwitch sees otherwise than we do,
 * whatever happens to it there?
 *
 * Of VLAN tags, no more are skipped than "vlan-limit" says, by default one,
 * and another may be pushed on the way.  The pseudo-header is made with what
 * the IPv6 header says comes next, which may be an extension header.  Where a
 * packet is truncated (a mirror's snaplen), the length of what is left behind
 * the IP header is computed as if padding were still there, and must not come
 * out below 0. */
static bool
is_plain(const struct xenvif_frame *frame)
{
    return !(frame->tagged || frame->options || frame->padded);
}

static void
complete_l4(struct dp_packet *packet, const struct xenvif_frame *frame,
            uint32_t ofs)
{
    const uint8_t *data = dp_packet_data(packet);
    ovs_be16 sum;

    put_csum(packet, ofs, 0);
    sum = csum_finish(csum_continue(frame->pseudo, data + frame->l4_ofs,
                                    frame->l4_len));
    if (!sum && frame->proto == IPPROTO_UDP) {
        /* RFC 768: a sum of 0 would mean that there is none. */
        sum = OVS_BE16_MAX;
    }
    put_csum(packet, ofs, sum);
}

bool
xenvif_offload_complete_l4(struct dp_packet *packet)
{
    struct xenvif_frame frame;
    uint32_t header_len;
    uint32_t ofs = parse(packet, &frame, &header_len);

    if (!ofs) {
        return false;
    }
    complete_l4(packet, &frame, ofs);
    if (is_plain(&frame)) {
        xenvif_packet_set_l4_good(packet);
    }
    return true;
}

void
xenvif_offload_set_good(struct dp_packet *packet)
{
    struct xenvif_frame frame;
    uint32_t header_len;

    if (parse(packet, &frame, &header_len) && is_plain(&frame)) {
        xenvif_packet_set_l4_good(packet);
    }
}

/* Is a guest's GSO extra info true of the packet? */
static bool
gso_is_sane(const struct xenvif_frame *frame, uint32_t header_len,
            uint8_t gso_type, uint16_t gso_size)
{
    uint16_t eth_type = (gso_type == XEN_NETIF_GSO_TYPE_TCPV4
                         ? ETH_TYPE_IP : ETH_TYPE_IPV6);
    uint32_t payload = frame->l4_len - header_len;

    return (frame->proto == IPPROTO_TCP && frame->eth_type == eth_type
            && payload
            && frame->l4_ofs + header_len <= XENVIF_GSO_MAX_HEADERS
            && DIV_ROUND_UP(payload, gso_size) <= XENVIF_GSO_MAX_SEGMENTS);
}

static uint32_t
frame_mss(const struct xenvif_frame *frame, uint32_t header_len, uint32_t mtu)
{
    uint32_t headers = frame->l4_ofs - frame->l3_ofs + header_len;

    return (frame->proto == IPPROTO_TCP && mtu > headers
            ? mtu - headers : 0);
}

/* Returns the bytes of payload per segment of a packet that is to be cut on
 * arrival, or 0 if it cannot be. */
static uint32_t
cut_mss(const struct xenvif_frame *frame, uint32_t header_len,
        uint16_t gso_size, uint32_t max_frame)
{
    uint32_t mss = MIN(gso_size, frame_mss(frame, header_len, max_frame
                                           - XENVIF_FRAME_OVERHEAD));

    return (mss && DIV_ROUND_UP(frame->l4_len - header_len, mss)
                   <= XENVIF_GSO_MAX_SEGMENTS ? mss : 0);
}

/* May the checksum of the packet be left open? */
static bool
may_leave_open(const struct xenvif_datapath *datapath,
               const struct xenvif_frame *frame)
{
    return (datapath->partial && is_plain(frame)
            && (frame->proto == IPPROTO_TCP || frame->eth_type == ETH_TYPE_IP
                || xenvif_datapath_takes_partial_udp6(datapath->tso)));
}

enum xenvif_tx_verdict
xenvif_offload_from_guest(struct dp_packet *packet, uint8_t gso_type,
                          uint16_t gso_size,
                          const struct xenvif_datapath *datapath,
                          struct xenvif_tx_offload *offload)
{
    struct xenvif_frame frame;
    uint32_t header_len;
    uint32_t ofs = parse(packet, &frame, &header_len);
    bool is_tso;

    offload->completed = false;
    offload->cut_mss = 0;
    if (!ofs) {
        return XENVIF_TX_E_CSUM;
    }
    if (gso_type && !gso_is_sane(&frame, header_len, gso_type, gso_size)) {
        return XENVIF_TX_E_GSO;
    }
    is_tso = gso_type && frame.l4_len - header_len > gso_size;
    if (gso_type && !is_tso && dp_packet_size(packet) > datapath->max_frame) {
        /* A GSO extra info that turned out to be pointless must not have
         * lifted the limit. */
        return XENVIF_TX_E_OVERSIZE;
    }

    offload->partial = may_leave_open(datapath, &frame);
    if (is_tso && !(offload->partial && datapath->tso)) {
        offload->cut_mss = cut_mss(&frame, header_len, gso_size,
                                   datapath->max_frame);
        return offload->cut_mss ? XENVIF_TX_GOOD : XENVIF_TX_E_GSO;
    }
    if (!offload->partial) {
        complete_l4(packet, &frame, ofs);
        if (is_plain(&frame)) {
            xenvif_packet_set_l4_good(packet);
        }
        offload->completed = true;
        return XENVIF_TX_GOOD;
    }
    if (is_tso) {
        xenvif_packet_set_tso(packet, gso_size);
    }
    /* Whatever the guest left there: before 3.2, ports of Linux rely on it;
     * since then, a UDP checksum of 0 is taken to mean that there is none. */
    put_pseudo(packet, &frame, ofs);
    xenvif_packet_set_l4_partial(packet, frame.eth_type == ETH_TYPE_IPV6,
                                 frame.proto == IPPROTO_TCP, frame.l4_ofs,
                                 ofs - frame.l4_ofs);
    return XENVIF_TX_GOOD;
}

bool
xenvif_offload_takes_tso(const struct xenvif_features *features,
                         const struct dp_packet *packet)
{
    struct xenvif_frame frame;

    /* A guest looks for what to checksum right behind the Ethernet header, and
     * may sum up to the end of the frame. */
    return (features->sg
            && xenvif_frame_parse(dp_packet_data(packet),
                                  dp_packet_size(packet), &frame)
            && !frame.tagged && !frame.padded
            && (frame.eth_type == ETH_TYPE_IPV6
                ? features->gso_v6 && features->csum_v6
                : features->gso_v4 && features->csum_v4));
}

uint32_t
xenvif_offload_mss(const struct dp_packet *packet, uint32_t mtu)
{
    uint32_t mss = xenvif_packet_tso_mss(packet);
    struct xenvif_frame frame;
    uint32_t header_len;

    if (!parse(packet, &frame, &header_len)) {
        return 0;
    }
    return mss ? mss : frame_mss(&frame, header_len, mtu);
}

/* Fills in what makes the guest cut the packet up. */
static void
set_gso(const struct dp_packet *packet, const struct xenvif_frame *frame,
        uint32_t header_len, uint32_t mtu, struct xenvif_rx_offload *offload)
{
    uint32_t mss = xenvif_packet_tso_mss(packet);

    if (!mss) {
        mss = frame_mss(frame, header_len, mtu);
    }
    if (frame->l4_len - header_len > mss) {
        offload->gso_size = mss;
        offload->gso_type = (frame->eth_type == ETH_TYPE_IPV6
                             ? XEN_NETIF_GSO_TYPE_TCPV6
                             : XEN_NETIF_GSO_TYPE_TCPV4);
    }
}

bool
xenvif_offload_to_guest(const struct xenvif_features *features, uint32_t mtu,
                        struct dp_packet *packet,
                        struct xenvif_rx_offload *offload, bool *completed)
{
    struct xenvif_frame frame;
    uint32_t header_len, ofs;
    bool takes_partial;

    offload->flags = 0;
    offload->gso_size = offload->gso_type = 0;
    *completed = false;
    if (!xenvif_packet_l4_is_partial(packet)) {
        if (xenvif_packet_l4_is_good(packet)) {
            offload->flags = NETRXF_data_validated;
        }
        return true;
    }

    ofs = parse(packet, &frame, &header_len);
    if (!ofs) {
        return false;
    }
    takes_partial = (!frame.tagged && !frame.padded
                     && (frame.eth_type == ETH_TYPE_IPV6
                         ? features->csum_v6 : features->csum_v4));

    /* Windows requires both flags in any case, and more so with GSO. */
    offload->flags = NETRXF_data_validated;
    if (takes_partial) {
        /* What is in the field is whatever came out of rewriting addresses.
         * The guest relies on the sum of the pseudo-header. */
        put_pseudo(packet, &frame, ofs);
        offload->flags |= NETRXF_csum_blank;
        if (xenvif_packet_is_tso(packet)) {
            set_gso(packet, &frame, header_len, mtu, offload);
        }
    } else {
        complete_l4(packet, &frame, ofs);
        *completed = true;
    }
    return true;
}
