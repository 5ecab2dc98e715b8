/* SPDX-License-Identifier: Apache-2.0 */

#ifndef XENVIF_OVS_COMPAT_H
#define XENVIF_OVS_COMPAT_H 1

/* What differs between releases of Open vSwitch, and nothing else: packet
 * allocation, the marks that a packet carries about its checksums, and JSON
 * from commands. */

#include <stdbool.h>
#include <stdint.h>

#include "xenvif-config.h"

#include "dp-packet.h"
#include "openvswitch/json.h"
#include "unixctl.h"
#include "userspace-tso.h"
#include "util.h"

/* Room in front of a received frame for tunnel headers and tags, as other
 * userspace ports have it.  DP_NETDEV_HEADROOM would do for one VLAN tag. */
#define XENVIF_PACKET_HEADROOM 128

/* Room after it, into which conntrack's FTP helper writes up to 45 bytes when
 * it replaces an address by a longer one: it looks only whether the allocation
 * as a whole has room for these. */
#define XENVIF_PACKET_TAILROOM 64

#if XENVIF_OVS_HAVE_OFFLOADS
#error "Open vSwitch 3.6 and later are not supported yet"
#endif

/* Since 3.2, builds with DPDK free packets with free_cacheline(). */
#if XENVIF_OVS_HAVE_CSUM_START && defined(DPDK_NETDEV)
#define xenvif_packet_malloc(SIZE) xmalloc_cacheline(SIZE)
#else
#define xenvif_packet_malloc(SIZE) xmalloc(SIZE)
#endif

/* Returns a new packet with room for a frame of 'size' bytes, at most 65535,
 * and its size set to that; the content is not initialised.
 *
 * One allocation for structure and buffer is a good deal cheaper than two.
 * dp_packet_delete() frees it as a whole. */
static inline struct dp_packet *
xenvif_packet_new(uint32_t size)
{
    /* 'allocated_' has 16 bits.  An Ethernet header has to be at an even
     * address. */
    uint32_t tailroom = MIN(XENVIF_PACKET_TAILROOM, UINT16_MAX - size);
    uint32_t headroom = MIN(XENVIF_PACKET_HEADROOM,
                            (UINT16_MAX - size - tailroom) & ~1u);
    uint32_t room = headroom + size + tailroom;
    struct dp_packet *packet = xenvif_packet_malloc(sizeof *packet + room);

    dp_packet_use_stub(packet, packet + 1, room);
    dp_packet_reserve(packet, headroom);
    dp_packet_set_size(packet, size);
    return packet;
}

/* May packets with a partial checksum enter the datapath?  Since 3.2 they may,
 * because what a port cannot complete itself is completed in software.  Before
 * that, they were dropped where they could not leave as they are. */
static inline bool
xenvif_datapath_takes_partial(void)
{
    return XENVIF_OVS_HAVE_CSUM_START || userspace_tso_enabled();
}

/* Is a partial checksum of UDP over IPv6 completed, whatever port the packet
 * leaves by, in a datapath that takes TSO packets or one that does not?  With
 * userspace TSO, it is left to Linux when its device sends the packet, for
 * which Open vSwitch, since 3.2, takes the pseudo-header from a wrong place.
 */
static inline bool
xenvif_datapath_takes_partial_udp6(bool tso)
{
    return !XENVIF_OVS_HAVE_CSUM_START || !tso;
}

/* May TSO packets? */
static inline bool
xenvif_datapath_takes_tso(void)
{
    return userspace_tso_enabled();
}

/* Is the packet's L4 checksum left to the port that sends it (and its field
 * only fit to be replaced)? */
static inline bool
xenvif_packet_l4_is_partial(const struct dp_packet *packet)
{
    return dp_packet_hwol_tx_l4_checksum(packet);
}

/* Marks the L4 checksum as verified. */
static inline void
xenvif_packet_set_l4_good(struct dp_packet *packet)
{
    *dp_packet_ol_flags_ptr(packet) |= DP_PACKET_OL_RX_L4_CKSUM_GOOD;
}

/* Completes the checksums of a packet that goes through a tunnel.  What is
 * left open is that of the packet inside, as of 3.3, whatever the port says it
 * can do; before that, no such packet gets into a tunnel. */
static inline void
xenvif_packet_finish_tunnel(struct dp_packet *packet OVS_UNUSED)
{
#if XENVIF_OVS_HAVE_TUNNEL_OFFLOADS
    if (OVS_UNLIKELY(dp_packet_hwol_is_tunnel(packet))) {
        dp_packet_ol_send_prepare(packet, 0);
    }
#endif
}

/* Leaves the TCP or UDP checksum of the packet to the port that sends it.  The
 * L4 header begins at 'l4_ofs' and its checksum 'csum_ofs' bytes after it. */
static inline void
xenvif_packet_set_l4_partial(struct dp_packet *packet, bool ipv6, bool tcp,
                             uint16_t l4_ofs OVS_UNUSED,
                             uint16_t csum_ofs OVS_UNUSED)
{
#if XENVIF_OVS_HAVE_CSUM_START
    packet->csum_start = l4_ofs;
    packet->csum_offset = csum_ofs;
    dp_packet_ol_set_l4_csum_partial(packet);
#endif
    if (ipv6) {
        dp_packet_hwol_set_tx_ipv6(packet);
    } else {
        dp_packet_hwol_set_tx_ipv4(packet);
    }
    if (tcp) {
        dp_packet_hwol_set_csum_tcp(packet);
    } else {
        dp_packet_hwol_set_csum_udp(packet);
    }
}

/* Undoes that. */
static inline void
xenvif_packet_clear_l4_partial(struct dp_packet *packet)
{
    /* Since 3.2, both flags of the RX mask together say that the checksum is
     * partial. */
    *dp_packet_ol_flags_ptr(packet) &= ~(DP_PACKET_OL_RX_L4_CKSUM_MASK
                                         | DP_PACKET_OL_TX_L4_MASK
                                         | DP_PACKET_OL_TX_IPV4
                                         | DP_PACKET_OL_TX_IPV6);
#if XENVIF_OVS_HAVE_CSUM_START
    packet->csum_start = packet->csum_offset = 0;
#endif
}

/* Returns where the sum of the checksum begins that is left open, as the port
 * that received the packet was told, and stores in '*csum_ofs' how far behind
 * that its field is; 0 if nobody said so. */
static inline uint16_t
xenvif_packet_csum_start(const struct dp_packet *packet OVS_UNUSED,
                         uint16_t *csum_ofs)
{
#if XENVIF_OVS_HAVE_CSUM_START
    *csum_ofs = packet->csum_offset;
    return packet->csum_start;
#else
    *csum_ofs = 0;
    return 0;
#endif
}

/* Is the packet TCP data to be cut into segments by the port that sends it? */
static inline bool
xenvif_packet_is_tso(const struct dp_packet *packet)
{
    return dp_packet_hwol_is_tso(packet);
}

/* Has the packet cut into segments of 'mss' bytes of payload by the port that
 * sends it.  (Before 3.3, Open vSwitch did not keep 'mss'.) */
static inline void
xenvif_packet_set_tso(struct dp_packet *packet, uint16_t mss OVS_UNUSED)
{
#if XENVIF_OVS_HAVE_TSO_SEGSZ
    dp_packet_set_tso_segsz(packet, mss);
#endif
    dp_packet_hwol_set_tcp_seg(packet);
}

/* Returns the bytes of payload per segment of a TSO packet, or 0 if they are
 * not known. */
static inline uint16_t
xenvif_packet_tso_mss(const struct dp_packet *packet OVS_UNUSED)
{
#if XENVIF_OVS_HAVE_TSO_SEGSZ
    return dp_packet_get_tso_segsz(packet);
#else
    return 0;
#endif
}

/* Does the packet's L4 checksum count as verified? */
static inline bool
xenvif_packet_l4_is_good(const struct dp_packet *packet)
{
#if XENVIF_OVS_HAVE_CSUM_START
    return dp_packet_l4_checksum_good(packet);
#else
    return dp_packet_l4_checksum_valid(packet);
#endif
}

/* Did the user say "ovs-appctl --format json"?  Possible since 3.4. */
static inline bool
xenvif_unixctl_is_json(struct unixctl_conn *conn OVS_UNUSED)
{
#if XENVIF_OVS_HAVE_UNIXCTL_JSON
    return (unixctl_command_get_output_format(conn)
            == UNIXCTL_OUTPUT_FMT_JSON);
#else
    return false;
#endif
}

/* Replies with 'json', which is freed: as such if the user said it that way,
 * otherwise as text. */
static inline void
xenvif_unixctl_reply_json(struct unixctl_conn *conn, struct json *json)
{
    char *s;

#if XENVIF_OVS_HAVE_UNIXCTL_JSON
    if (xenvif_unixctl_is_json(conn)) {
        unixctl_command_reply_json(conn, json);
        return;
    }
#endif
    s = json_to_string(json, JSSF_SORT);
    unixctl_command_reply(conn, s);
    free(s);
    json_destroy(json);
}

#endif /* xenvif-ovs-compat.h */
