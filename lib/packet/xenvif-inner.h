/* SPDX-License-Identifier: Apache-2.0 */

#ifndef XENVIF_INNER_H
#define XENVIF_INNER_H 1

/* Checksums inside of a tunnel that is none of Open vSwitch's. */

struct dp_packet;

/* If a TCP or UDP checksum is left open in 'packet' that is not the outermost
 * one, completes it.  A network stack whose device can do that sends such
 * packets through tunnels of its own; the ring protocol cannot describe them.
 * What is left open of the outermost checksum stays so. */
void xenvif_inner_complete(struct dp_packet *packet);

#endif /* xenvif-inner.h */
