/* SPDX-License-Identifier: Apache-2.0 */

#ifndef XENVIF_GSO_H
#define XENVIF_GSO_H 1

/* Segmentation in software, for guests that cannot take TSO packets. */

#include <stddef.h>
#include <stdint.h>

struct dp_packet;

/* Limits on the work, and the memory, that a single packet can cause, whether
 * it is cut here or elsewhere in Open vSwitch: a tiny segment size would turn
 * one packet into tens of thousands, and long headers go into each segment.
 * With 128 bytes of payload per segment, the largest packet is within the
 * first one.  The second one has room for two VLAN tags and as much IPv6 and
 * TCP as Linux's backend takes. */
#define XENVIF_GSO_MAX_SEGMENTS 512
#define XENVIF_GSO_MAX_HEADERS 278

/* Cuts 'packet', a TCP packet over IPv4 or IPv6, into segments with at most
 * 'mss' bytes of payload, 'mss' > 0, whose TCP checksums are left to whoever
 * sends them.
 *
 * Returns the segments in '*segments', an array that the caller frees with
 * what is in it, and their number; 0 if the packet cannot be cut or is beyond
 * the limits above.  'packet' itself is left alone. */
size_t xenvif_gso_segment(const struct dp_packet *packet, uint32_t mss,
                          struct dp_packet ***segments);

#endif /* xenvif-gso.h */
