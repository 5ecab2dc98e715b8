/* SPDX-License-Identifier: Apache-2.0 */

#ifndef XENVIF_OFFLOAD_H
#define XENVIF_OFFLOAD_H 1

/* Checksum and segmentation offload: between the flags and extra infos of the
 * netif protocol and the marks on Open vSwitch's packets. */

#include <stdbool.h>
#include <stdint.h>

#include "packet/xenvif-counters.h"
#include "packet/xenvif-features.h"

struct dp_packet;

/* Guest to switch.
 *
 * Every length in a packet may be a guest's lie and is checked against the
 * frame.  VLAN tags and IPv6 extension headers are handled.
 *
 * What is said to Open vSwitch about a checksum is believed by everything that
 * the packet meets there: each looks for the headers in its own way, and has
 * no words for "I cannot find that".  So it is said of plain packets only:
 * without VLAN tags, IPv4 options, IPv6 extension headers and padding.  All
 * others leave here with complete checksums, and as packets that nobody has
 * verified. */

/* What the datapath takes. */
struct xenvif_datapath {
    bool partial;               /* Partial checksums? */
    bool tso;                   /* TSO packets? */
    uint32_t max_frame;         /* Bytes of a packet that is none. */
};

/* What became of a packet. */
struct xenvif_tx_offload {
    bool partial;               /* Is the checksum, or that of each segment,
                                 * left to the port that sends it? */
    bool completed;             /* Was the packet's completed? */
    uint32_t cut_mss;           /* Bytes of payload for each segment that the
                                 * packet, which is unchanged, is to be cut
                                 * into by the caller; 0 if it is not. */
};

/* Does what the guest left to us when it sent 'packet' with
 * XEN_NETTXF_csum_blank or, if 'gso_type' is not 0, to be cut into segments of
 * 'gso_size' bytes: here, or by marks for whoever sends it. */
enum xenvif_tx_verdict
xenvif_offload_from_guest(struct dp_packet *packet, uint8_t gso_type,
                          uint16_t gso_size, const struct xenvif_datapath *,
                          struct xenvif_tx_offload *);

/* Marks 'packet', whose checksum the guest says is right, as verified, if it
 * is one to say such things of. */
void xenvif_offload_set_good(struct dp_packet *packet);

/* Computes the TCP or UDP checksum of 'packet', an Ethernet frame whose
 * checksum field holds anything, and marks it as verified if that is
 * possible.  Returns false, with the packet unchanged, if there is no TCP or
 * UDP checksum to compute in it: fragments, truncated headers, other
 * protocols. */
bool xenvif_offload_complete_l4(struct dp_packet *packet);

/* Switch to guest. */

/* What to tell the guest about a packet. */
struct xenvif_rx_offload {
    uint16_t flags;             /* XEN_NETRXF_*. */
    uint16_t gso_size;          /* 0 if the packet is no TSO packet. */
    uint8_t gso_type;           /* XEN_NETIF_GSO_TYPE_*. */
};

/* Can a guest with these features take TSO packet 'packet' as it is? */
bool xenvif_offload_takes_tso(const struct xenvif_features *features,
                              const struct dp_packet *packet);

/* Returns the bytes of payload per segment of TSO packet 'packet' for a port
 * that takes IP packets of up to 'mtu' bytes, or 0 if it cannot be segmented.
 */
uint32_t xenvif_offload_mss(const struct dp_packet *packet, uint32_t mtu);

/* Prepares 'packet' for a guest with 'features' and says what to tell it.  A
 * checksum that the guest cannot complete is completed here, which sets
 * '*completed'.  The caller has already segmented any TSO packet that the
 * guest cannot take.  Returns false if that is impossible. */
bool xenvif_offload_to_guest(const struct xenvif_features *features,
                             uint32_t mtu, struct dp_packet *packet,
                             struct xenvif_rx_offload *offload,
                             bool *completed);

#endif /* xenvif-offload.h */
