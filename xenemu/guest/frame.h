/* SPDX-License-Identifier: Apache-2.0 */

#ifndef GUEST_FRAME_H
#define GUEST_FRAME_H 1

/* Frames on their way to and from the rings. */

#include <stdint.h>
#include <sys/uio.h>

#include "netif/check.h"

#define GUEST_MAX_FRAME 65535

/* A frame to transmit.  'data' is NULL if the pages are already filled: then
 * it is in the first pages of 'q->tx_free', from the top downwards, each used
 * to its end but the last. */
struct guest_tx_frame {
    const uint8_t *data;
    uint32_t len;
    unsigned int n_frags;       /* Slots to spread 'data' over, 0: fewest. */
    uint16_t flags;             /* NETTXF_csum_blank, _data_validated. */
    uint16_t gso_size;
    uint8_t gso_type;
};

/* A frame that was received.  'iov' points into the RX pages. */
struct guest_rx_frame {
    const struct netif_rx_packet *pkt;
    struct iovec iov[NETIF_MAX_DATA_SLOTS];
};

#endif /* guest/frame.h */
