/* SPDX-License-Identifier: Apache-2.0 */

#ifndef XENVIF_INGRESS_H
#define XENVIF_INGRESS_H 1

/* Open vSwitch's ingress policing: packets of a guest beyond a rate, in bytes
 * or in packets, are dropped.
 *
 * Belongs to the operator of the switch, as the rate of xenvif-credit.h, which
 * drops nothing, belongs to the toolstack.
 *
 * Any thread.  A port without policing costs a look at one flag per burst.
 * With it, threads that poll queues of the same vif take turns for each
 * packet, for a few instructions. */

#include <stdbool.h>
#include <stdint.h>

#include "openvswitch/thread.h"
#include "ovs-atomic.h"
#include "rate/xenvif-bucket.h"

/* Rates per second and bursts, in units of 1000 bits or 1000 packets, as in
 * the columns of the Interface table.  A rate of 0 is no limit, a burst of 0
 * the default of Open vSwitch. */
struct xenvif_ingress_config {
    uint32_t kbits_rate, kbits_burst;
    uint32_t kpkts_rate, kpkts_burst;
};

struct xenvif_ingress {
    atomic_bool active;
    struct ovs_mutex mutex;
    struct xenvif_ingress_config config OVS_GUARDED;
    struct xenvif_bucket bytes OVS_GUARDED;
    struct xenvif_bucket packets OVS_GUARDED;
};

void xenvif_ingress_init(struct xenvif_ingress *);
void xenvif_ingress_destroy(struct xenvif_ingress *);

/* Changes the limits.  Buckets are full afterwards, unless nothing changed.
 * 'now' is that of xenvif_bucket_now(). */
void xenvif_ingress_set(struct xenvif_ingress *,
                        const struct xenvif_ingress_config *, uint64_t now);

static inline bool
xenvif_ingress_is_active(const struct xenvif_ingress *policer)
{
    bool active;

    atomic_read_relaxed(&CONST_CAST(struct xenvif_ingress *, policer)->active,
                        &active);
    return active;
}

/* May a packet of 'size' bytes pass?  If so, it is charged for. */
bool xenvif_ingress_admit(struct xenvif_ingress *, uint32_t size,
                          uint64_t now);

#endif /* xenvif-ingress.h */
