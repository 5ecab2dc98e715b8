/* SPDX-License-Identifier: Apache-2.0 */

/* The list of multicast addresses that a guest wants to receive. */

#include <config.h>

#include "packet/xenvif-multicast.h"

void
xenvif_multicast_init(struct xenvif_multicast *mc)
    OVS_NO_THREAD_SAFETY_ANALYSIS
{
    ovs_mutex_init(&mc->mutex);
    mc->n = mc->version = 0;
}

void
xenvif_multicast_destroy(struct xenvif_multicast *mc)
{
    ovs_mutex_destroy(&mc->mutex);
}

/* Returns the index of 'addr' in the list, or 'mc->n'. */
static unsigned int
find(const struct xenvif_multicast *mc, struct eth_addr addr)
    OVS_REQUIRES(mc->mutex)
{
    unsigned int i;

    for (i = 0; i < mc->n; i++) {
        if (eth_addr_equals(mc->addrs[i], addr)) {
            break;
        }
    }
    return i;
}

bool
xenvif_multicast_add(struct xenvif_multicast *mc, struct eth_addr addr)
{
    bool ok = true;

    ovs_mutex_lock(&mc->mutex);
    if (find(mc, addr) == mc->n) {
        ok = mc->n < XENVIF_MULTICAST_MAX;
        if (ok) {
            mc->addrs[mc->n++] = addr;
            mc->version++;
        }
    }
    ovs_mutex_unlock(&mc->mutex);
    return ok;
}

void
xenvif_multicast_remove(struct xenvif_multicast *mc, struct eth_addr addr)
{
    ovs_mutex_lock(&mc->mutex);

    unsigned int i = find(mc, addr);

    if (i < mc->n) {
        mc->addrs[i] = mc->addrs[--mc->n];
        mc->version++;
    }
    ovs_mutex_unlock(&mc->mutex);
}

void
xenvif_multicast_clear(struct xenvif_multicast *mc)
{
    ovs_mutex_lock(&mc->mutex);
    if (mc->n) {
        mc->n = 0;
        mc->version++;
    }
    ovs_mutex_unlock(&mc->mutex);
}

unsigned int
xenvif_multicast_get(struct xenvif_multicast *mc, struct eth_addr *addrs,
                     unsigned int *version)
{
    unsigned int n;

    ovs_mutex_lock(&mc->mutex);
    n = mc->n;
    if (addrs) {
        memcpy(addrs, mc->addrs, n * sizeof *addrs);
    }
    *version = mc->version;
    ovs_mutex_unlock(&mc->mutex);
    return n;
}

bool
xenvif_multicast_contains(struct xenvif_multicast *mc, struct eth_addr addr)
{
    bool found;

    ovs_mutex_lock(&mc->mutex);
    found = find(mc, addr) < mc->n;
    ovs_mutex_unlock(&mc->mutex);
    return found;
}
