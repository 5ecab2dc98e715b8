/* SPDX-License-Identifier: Apache-2.0 */

#ifndef XENVIF_FEATURES_H
#define XENVIF_FEATURES_H 1

/* What a guest and its backend agree on about the packets that they exchange,
 * and the names by which users are shown that.
 *
 * Names are those of the keys in netif.h, without "feature-". */

#include <stdbool.h>

struct ds;
struct smap;

/* A frame may be longer than the MTU by its header and two VLAN tags. */
#define XENVIF_FRAME_OVERHEAD 22

/* What the guest says in XenStore: member, name, key, and the value of the key
 * that means yes.  A key that is missing has the value 0. */
#define XENVIF_KEY_FEATURES                                                  \
    /* RX packets may take several slots. */                                 \
    XENVIF_KEY_FEATURE(sg, "sg", "feature-sg", 1)                            \
    /* Guest takes partial checksums. */                                     \
    XENVIF_KEY_FEATURE(csum_v4, "csum-offload", "feature-no-csum-offload",   \
                       0)                                                    \
    XENVIF_KEY_FEATURE(csum_v6, "ipv6-csum-offload",                         \
                       "feature-ipv6-csum-offload", 1)                       \
    /* Guest takes TCP segments to be cut. */                                \
    XENVIF_KEY_FEATURE(gso_v4, "gso-tcpv4", "feature-gso-tcpv4", 1)          \
    XENVIF_KEY_FEATURE(gso_v6, "gso-tcpv6", "feature-gso-tcpv6", 1)          \
    /* Guest kicks when it posts RX slots. */                                \
    XENVIF_KEY_FEATURE(rx_notify, "rx-notify", "feature-rx-notify", 1)       \
    /* Pages, once used, stay mapped. */                                     \
    XENVIF_KEY_FEATURE(persistent, "persistent", "feature-persistent", 1)

/* What both sides agreed on for a connection.  Constant while it lasts. */
struct xenvif_features {
#define XENVIF_KEY_FEATURE(MEMBER, NAME, KEY, YES) bool MEMBER;
    XENVIF_KEY_FEATURES
#undef XENVIF_KEY_FEATURE
    bool split_channels;        /* TX and RX have a channel each. */
};

/* What a guest makes use of, of all that it is offered without a choice:
 * member and name.  All but the control ring may change while it is
 * connected. */
#define XENVIF_USES                                                          \
    XENVIF_USE(ctrl_ring, "ctrl-ring")                                       \
    XENVIF_USE(hash, "hash")    /* Says how to choose a queue. */            \
    /* Has pages mapped by messages on the control ring. */                  \
    XENVIF_USE(gref_mapping, "gref-mapping")                                 \
    XENVIF_USE(multicast_control, "multicast-control")                       \
    XENVIF_USE(xdp_headroom, "xdp-headroom")

struct xenvif_uses {
#define XENVIF_USE(MEMBER, NAME) bool MEMBER;
    XENVIF_USES
#undef XENVIF_USE
};

/* What a guest may leave to the switch, which depends on the switch: member,
 * name, the backend's key, and the setting of the switch (see struct
 * xenvif_feature_settings) that decides. */
#define XENVIF_OFFERS                                                        \
    XENVIF_OFFER(csum_v6, "ipv6-csum-offload", "feature-ipv6-csum-offload",  \
                 partial)                                                    \
    XENVIF_OFFER(gso_v4, "gso-tcpv4", "feature-gso-tcpv4", tso)              \
    XENVIF_OFFER(gso_v6, "gso-tcpv6", "feature-gso-tcpv6", tso)

/* What the guest was offered when it connected, by us or by a backend before
 * us. */
struct xenvif_offers {
#define XENVIF_OFFER(MEMBER, NAME, KEY, SETTING) bool MEMBER;
    XENVIF_OFFERS
#undef XENVIF_OFFER
};

/* Settings of this switch that decide about features. */
struct xenvif_feature_settings {
    bool partial;               /* Does the datapath take partial checksums? */
    bool tso;                   /* Does it take TSO packets? */
    bool tx_csum;               /* options:tx-csum-offload. */
};

/* Append the names of what is there, with a blank between two of them. */
void xenvif_features_format(struct ds *, const struct xenvif_features *,
                            const struct xenvif_uses *);
void xenvif_offers_format(struct ds *, const struct xenvif_offers *);

/* Add to 'missing' the names of checksum offloads and segmentation that are
 * not made use of on the way to the guest, or from the guest, and the reason
 * for each. */
void xenvif_features_explain(const struct xenvif_features *,
                             const struct xenvif_feature_settings *,
                             struct smap *missing);
void xenvif_offers_explain(const struct xenvif_offers *,
                           const struct xenvif_feature_settings *,
                           struct smap *missing);

#endif /* xenvif-features.h */
