/* SPDX-License-Identifier: Apache-2.0 */

#ifndef XENVIF_FEATURES_H
#define XENVIF_FEATURES_H 1

/* What a guest and its backend agree on, in XenStore, about the packets that
 * they exchange. */

#include <stdbool.h>

/* A frame may be longer than the MTU by its header and two VLAN tags. */
#define XENVIF_FRAME_OVERHEAD 22

/* What both sides agreed on for a connection.  Constant while it lasts. */
struct xenvif_features {
    bool sg;                    /* RX packets may take several slots. */
    bool gso_v4, gso_v6;        /* Guest takes TCP segments to be cut. */
    bool csum_v4, csum_v6;      /* Guest takes partial checksums. */
    bool rx_notify;             /* Guest kicks when it posts RX slots. */
    bool split_channels;        /* TX and RX have a channel each. */
    bool persistent;            /* Pages, once used, stay mapped. */
};

#endif /* xenvif-features.h */
