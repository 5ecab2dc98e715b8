/* SPDX-License-Identifier: Apache-2.0 */

#ifndef NETDEV_XENVIF_PRIVATE_H
#define NETDEV_XENVIF_PRIVATE_H 1

/* Shared by the parts of the netdev class. */

#include <stdbool.h>
#include <stdint.h>

#include "dp-packet.h"
#include "netdev-provider.h"
#include "openvswitch/dynamic-string.h"
#include "openvswitch/shash.h"
#include "openvswitch/thread.h"
#include "openvswitch/token-bucket.h"
#include "ovs-atomic.h"
#include "ovs-rcu.h"
#include "packets.h"
#include "qos/xenvif-qos-sink.h"
#include "vif/xenvif.h"

/* Why traffic does not flow although the vif is well. */
#define NETDEV_XENVIF_DOWN "port is administratively down"

/* Packets dropped on their way to the guest before they got near a ring.
 * Name of the counter, and when it counts. */
#define NETDEV_XENVIF_DROPS                                             \
    NETDEV_XENVIF_DROP(disconnected, "guest is not connected")          \
    NETDEV_XENVIF_DROP(down, NETDEV_XENVIF_DOWN)                        \
    NETDEV_XENVIF_DROP(qos_policed, "policer")                          \
    NETDEV_XENVIF_DROP(qos_full, "no room in the shaper's queue")       \
    NETDEV_XENVIF_DROP(qos_aged, "too long in the shaper's queue")

struct netdev_xenvif_drops {
#define NETDEV_XENVIF_DROP(NAME, TEXT) atomic_uint64_t NAME;
    NETDEV_XENVIF_DROPS
#undef NETDEV_XENVIF_DROP
};

/* How many rxqs a port has: as many as its guest has queues, or more.  Each
 * change makes the datapath redistribute the rxqs of all ports. */
struct netdev_xenvif_rxqs {
    unsigned int n;             /* How many there should be. */
    unsigned int n_queues;      /* Queues of the guest; 0 if disconnected. */
    long long int changed_at;   /* When 'n_queues' changed, in ms. */
    long long int grown_at;     /* When 'n' grew, in ms. */
};

/* Quality of service towards the guest.  Belongs to netdev-xenvif-qos.c; all
 * but the pointer is for the main thread. */
struct netdev_xenvif_qos {
    OVSRCU_TYPE(struct xenvif_qos *) current; /* NULL if there is none. */
    struct xenvif_qos_sink sink; /* Where it brings packets. */
    bool refused;               /* True if the last type was not accepted. */
    struct ds problems;         /* With the last configuration. */
    struct ds old_problems;     /* With the one before it. */
};

struct netdev_xenvif {
    struct netdev up;

    /* Set by the first successful set_config() and constant after that. */
    struct xenvif *vif;         /* Claimed; NULL before. */

    bool taken;                 /* Has a datapath ever taken the port? */

    /* netdev-xenvif-follow.c */
    struct ovs_list list_node;  /* In the list of all devices. */
    unsigned int n_repeats;     /* Announcements of a change still due. */
    struct token_bucket announce_tokens; /* Limits announcements. */
    struct netdev_xenvif_rxqs rxqs; /* How many there should be. */

    atomic_bool admin_up;       /* NETDEV_UP. */
    struct netdev_xenvif_drops tx_drops;

    struct netdev_xenvif_qos qos;

    struct ovs_mutex mutex;
    enum netdev_flags flags OVS_GUARDED;
    struct eth_addr etheraddr OVS_GUARDED;
    uint32_t user_mtu OVS_GUARDED; /* From mtu_request; 0 if none. */
    uint32_t n_rxq_option OVS_GUARDED; /* options:n_rxq; 0 if none. */
    bool tx_csum OVS_GUARDED;   /* options:tx-csum-offload. */
    unsigned int requested_n_rxq OVS_GUARDED;
    unsigned int requested_n_txq OVS_GUARDED;

    /* What Open vSwitch was told of the vif last: its carrier, its status and
     * so on.  The vif's own report may be newer, because announcements are
     * limited: Open vSwitch sees nothing newer, or a guest could have the
     * database written as often as it likes. */
    struct xenvif_report announced OVS_GUARDED;
};

bool netdev_xenvif_is_class(const struct netdev_class *);

/* Adds all ports of both classes to 'ports', by name.  The caller closes them.
 */
void netdev_xenvif_get_ports(struct shash *ports);

static inline struct netdev_xenvif *
netdev_xenvif_cast(const struct netdev *netdev)
{
    ovs_assert(netdev_xenvif_is_class(netdev_get_class(netdev)));
    return CONTAINER_OF(netdev, struct netdev_xenvif, up);
}

/* Is the port administratively up?  Any thread. */
static inline bool
netdev_xenvif_is_up(const struct netdev_xenvif *dev)
{
    bool up;

    atomic_read_relaxed(&CONST_CAST(struct netdev_xenvif *, dev)->admin_up,
                        &up);
    return up;
}

/* The MTU in force, in bytes without the Ethernet header. */
uint32_t netdev_xenvif_mtu(const struct netdev_xenvif *);

/* Limits frames to the MTU in force, in both directions. */
void netdev_xenvif_apply_mtu(struct netdev_xenvif *);

/* Adds the names of offloads that are not used in each direction, each with
 * the reason.  Adds nothing if the guest is not connected.  Main thread. */
void netdev_xenvif_missing_features(const struct netdev_xenvif *,
                                    struct smap *to_guest,
                                    struct smap *from_guest);

/* Sends packets to the guest, or drops and counts those that it cannot take.
 * Leaves 'batch' empty.  Any thread. */
void netdev_xenvif_deliver(struct netdev_xenvif *, struct dp_packet_batch *);

/* netdev-xenvif-follow.c: keeps 'announced' of a device up to date, from
 * construction to destruction.  Main thread, but for the first two. */
void netdev_xenvif_follow(struct netdev_xenvif *);
void netdev_xenvif_unfollow(struct netdev_xenvif *);
void netdev_xenvif_update_announced(struct netdev_xenvif *);
void netdev_xenvif_run(const struct netdev_class *);
void netdev_xenvif_wait(const struct netdev_class *);

/* How long, in ms, a guest must use fewer queues before rxqs are removed. */
#define NETDEV_XENVIF_QUIET_MS (3 * 60 * 1000)

/* Updates 'rxqs' for a guest that has 'n_queues' of the 'max' that it was
 * offered, at time 'now' (ms).  Returns true if 'rxqs->n' changed, which
 * happens at most three times in NETDEV_XENVIF_QUIET_MS, whatever the guest
 * does. */
bool netdev_xenvif_rxqs_run(struct netdev_xenvif_rxqs *rxqs,
                            unsigned int n_queues, unsigned int max,
                            long long int now);

/* Returns when, in ms, netdev_xenvif_rxqs_run() is due again even if the
 * number of queues does not change; LLONG_MAX for never. */
long long int netdev_xenvif_rxqs_next(const struct netdev_xenvif_rxqs *);

/* netdev-xenvif-stats.c */
int netdev_xenvif_get_stats(const struct netdev *, struct netdev_stats *);
int netdev_xenvif_get_custom_stats(const struct netdev *,
                                   struct netdev_custom_stats *);

/* netdev-xenvif-json.c: returns an object that the caller destroys.  Main
 * thread. */
struct json *netdev_xenvif_to_json(const struct netdev_xenvif *);

/* netdev-xenvif-show.c */
void netdev_xenvif_unixctl_init(void);

#endif /* netdev-xenvif-private.h */
