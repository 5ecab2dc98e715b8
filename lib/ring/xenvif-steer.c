/* SPDX-License-Identifier: Apache-2.0 */

/* Which of a guest's queues gets a packet. */

#include <config.h>

#include "ring/xenvif-steer.h"

#include <netinet/in.h>

#include "dp-packet.h"
#include "hash.h"
#include "packets.h"
#include "packet/xenvif-frame.h"
#include "packet/xenvif-gso.h"
#include "packet/xenvif-hash.h"
#include "packet/xenvif-inner.h"
#include "packet/xenvif-offload.h"
#include "packet/xenvif-ovs-compat.h"
#include "ring/xenvif-conn.h"
#include "ring/xenvif-rx.h"

/* Packets distributed at a time. */
#define MAX_PACKETS NETDEV_MAX_BURST

/* Does what is at 'frame->l4_ofs' begin with a source and a destination
 * port? */
static bool
has_ports(const struct xenvif_frame *frame)
{
    switch (frame->proto) {
    case IPPROTO_TCP:
    case IPPROTO_UDP:
    case IPPROTO_SCTP:
    case IPPROTO_DCCP:
    case IPPROTO_UDPLITE:
        return !frame->is_fragment && frame->l4_len >= 2 * sizeof(ovs_be16);
    default:
        return false;
    }
}

/* Returns a hash of the flow that 'packet' belongs to: of its IP addresses and
 * ports; of the addresses alone for fragments, of which only the first one has
 * ports, and where there are none; of the Ethernet addresses if it is not IP.
 *
 * The hash that the datapath may have put into the packet will not do.  It has
 * none for what an exact rule for a port forwards, unless there was an upcall;
 * it knows the packet as it was before actions rewrote it, or as the network
 * card saw it; and it separates the first fragment from the others.  So the
 * packets of one flow would overtake each other.  Nor is ours left in the
 * packet, where it would mean something else to groups and bonds. */
static uint32_t
hash_flow(const struct dp_packet *packet)
{
    const uint8_t *data = dp_packet_data(packet);
    size_t size = dp_packet_size(packet);
    struct xenvif_frame frame;
    uint32_t hash;

    if (!xenvif_frame_parse(data, size, &frame)) {
        return hash_bytes(data, MIN(size, 2 * ETH_ADDR_LEN), 0);
    } else if (frame.eth_type == ETH_TYPE_IPV6) {
        hash = hash_bytes(data + frame.l3_ofs + 8, 32, 0);
    } else {
        hash = hash_bytes(data + frame.l3_ofs + 12, 8, 0);
    }
    return (has_ports(&frame) ? hash_bytes(data + frame.l4_ofs, 4, hash)
            : hash);
}

/* Returns the queue for 'packet'. */
static uint32_t
choose_queue(const struct xenvif_conn *conn, const struct xenvif_hash *hash,
             const struct dp_packet *packet)
{
    if (hash) {
        struct xenvif_hash_result result = { .value = 0 };

        /* A packet that no type of hash applies to goes where 0 goes. */
        xenvif_hash_frame(hash, dp_packet_data(packet),
                          dp_packet_size(packet), &result);
        return xenvif_hash_queue(hash, result.value, conn->n_queues);
    }
    return conn->n_queues > 1 ? hash_flow(packet) % conn->n_queues : 0;
}

/* Sends 'n' packets, at most MAX_PACKETS, to the queues that they belong to:
 * one burst for each queue, in the order of their first packets. */
static bool
distribute(struct xenvif_conn *conn, struct dp_packet **all, size_t n)
{
    const struct xenvif_hash *hash
        = ovsrcu_get(struct xenvif_hash *, &conn->common.hash);
    struct dp_packet *packets[MAX_PACKETS];
    uint32_t queues[MAX_PACKETS];
    bool ok = true;

    if (conn->n_queues == 1) {
        return xenvif_rx_burst(&conn->queues[0], all, n);
    }
    for (size_t i = 0; i < n; i++) {
        queues[i] = choose_queue(conn, hash, all[i]);
    }
    for (size_t i = 0; i < n; i++) {
        uint32_t queue = queues[i];
        unsigned int n_packets = 0;

        if (queue == UINT32_MAX) {
            continue;
        }
        for (size_t j = i; j < n; j++) {
            if (queues[j] == queue) {
                packets[n_packets++] = all[j];
                queues[j] = UINT32_MAX;
            }
        }
        ok &= xenvif_rx_burst(&conn->queues[queue], packets, n_packets);
    }
    return ok;
}

/* Has the guest room for TSO packet 'packet', now or at other times?  (Some
 * guests keep few requests posted.) */
static bool
has_room_for(struct xenvif_conn *conn, const struct dp_packet *packet)
{
    const struct xenvif_hash *hash
        = ovsrcu_get(struct xenvif_hash *, &conn->common.hash);
    uint32_t queue = choose_queue(conn, hash, packet);
    uint32_t n_extras = 1 + (hash != NULL);

    return xenvif_rx_has_posted(&conn->queues[queue], n_extras
                                + DIV_ROUND_UP(dp_packet_size(packet),
                                               XENVIF_PAGE_SIZE));
}

/* Must 'packet' be cut before this guest can take it? */
static bool
needs_segmentation(struct xenvif_conn *conn, const struct dp_packet *packet)
{
    struct xenvif_features features;
    uint32_t headroom;

    if (!xenvif_packet_is_tso(packet)) {
        return false;
    }
    features = xenvif_common_features(&conn->common);
    /* A guest with an XDP program drops what does not fit one page. */
    atomic_read_relaxed(&conn->common.headroom, &headroom);
    return (headroom
            || !xenvif_offload_takes_tso(&features, packet)
            || !has_room_for(conn, packet));
}

/* Cuts 'packet' and sends the segments, all to the queue of the packet that
 * they come from. */
static bool
send_segments(struct xenvif_conn *conn, struct dp_packet *packet)
{
    const struct xenvif_hash *hash
        = ovsrcu_get(struct xenvif_hash *, &conn->common.hash);
    uint32_t queue = choose_queue(conn, hash, packet);
    struct dp_packet **segments = NULL;
    uint32_t max_frame, mss;
    size_t n = 0;
    bool ok = true;

    atomic_read_relaxed(&conn->common.terms->max_frame, &max_frame);
    mss = xenvif_offload_mss(packet, max_frame - XENVIF_FRAME_OVERHEAD);
    if (mss) {
        n = xenvif_gso_segment(packet, mss, &segments);
    }
    if (!n) {
        return xenvif_rx_drop(&conn->queues[queue], XENVIF_RX_E_OFFLOAD);
    }
    xenvif_rx_count_segmented(&conn->queues[queue]);
    for (size_t i = 0; i < n; i += MAX_PACKETS) {
        ok &= xenvif_rx_burst(&conn->queues[queue], &segments[i],
                              MIN(n - i, MAX_PACKETS));
    }
    for (size_t i = 0; i < n; i++) {
        dp_packet_delete(segments[i]);
    }
    free(segments);
    return ok;
}

bool
xenvif_steer(struct xenvif_conn *conn, struct dp_packet_batch *batch)
{
    struct dp_packet **packets = batch->packets;
    size_t n = dp_packet_batch_size(batch);
    size_t done = 0;
    bool ok = true;

    /* The protocol cannot describe an inner checksum. */
    for (size_t i = 0; i < n; i++) {
        xenvif_packet_finish_tunnel(packets[i]);
        xenvif_inner_complete(packets[i]);
    }

    /* Runs of packets that can go as they are, with those between them that
     * cannot. */
    while (done < n) {
        size_t i = done;

        while (i < n && i - done < MAX_PACKETS
               && !needs_segmentation(conn, packets[i])) {
            i++;
        }
        if (i > done) {
            ok &= distribute(conn, &packets[done], i - done);
            done = i;
        } else {
            ok &= send_segments(conn, packets[done++]);
        }
    }
    return ok;
}
