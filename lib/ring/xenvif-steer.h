/* SPDX-License-Identifier: Apache-2.0 */

#ifndef XENVIF_STEER_H
#define XENVIF_STEER_H 1

/* Which of a guest's queues gets a packet. */

#include <stdbool.h>
#include <stdint.h>

struct dp_packet_batch;
struct xenvif_conn;

/* Sends the packets of 'batch', of which it does not take ownership, to the
 * queues of 'conn'.
 *
 * If the guest configured a hash then that decides.  Otherwise it is a hash of
 * the packet's addresses and ports, so that a flow keeps its queue whatever
 * thread sends it and whatever way it took through the datapath.
 *
 * Returns false, and counts nothing, if the vif stopped because of a vif
 * error. */
bool xenvif_steer(struct xenvif_conn *conn, struct dp_packet_batch *batch);

#endif /* xenvif-steer.h */
