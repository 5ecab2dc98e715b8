/* SPDX-License-Identifier: Apache-2.0 */

#ifndef XENVIF_MULTICAST_H
#define XENVIF_MULTICAST_H 1

/* The list of multicast addresses that a guest wants to receive ("multicast
 * control" of netif.h).  The guest edits it with extra infos in its TX ring,
 * whether it asked for filtering or not. */

#include <stdbool.h>

#include "openvswitch/thread.h"
#include "packets.h"

/* Addresses that a guest may list: as many as the kernel's backend takes. */
#define XENVIF_MULTICAST_MAX 64

struct xenvif_multicast {
    struct ovs_mutex mutex;
    unsigned int version OVS_GUARDED; /* Changes with the list. */
    unsigned int n OVS_GUARDED;
    struct eth_addr addrs[XENVIF_MULTICAST_MAX] OVS_GUARDED;
};

void xenvif_multicast_init(struct xenvif_multicast *);
void xenvif_multicast_destroy(struct xenvif_multicast *);

/* Adds 'addr' to the list.  Returns false if there is no room for it.  Adding
 * an address twice changes nothing. */
bool xenvif_multicast_add(struct xenvif_multicast *, struct eth_addr addr);

/* Takes 'addr' out of the list, if it is in it. */
void xenvif_multicast_remove(struct xenvif_multicast *, struct eth_addr addr);

/* Empties the list. */
void xenvif_multicast_clear(struct xenvif_multicast *);

/* Copies the list to 'addrs', which has room for XENVIF_MULTICAST_MAX or is
 * NULL, and returns its length.  '*version' is different from what it was if,
 * and only if, the list changed in between. */
unsigned int xenvif_multicast_get(struct xenvif_multicast *,
                                  struct eth_addr *addrs,
                                  unsigned int *version);

/* Is 'addr' in the list? */
bool xenvif_multicast_contains(struct xenvif_multicast *,
                               struct eth_addr addr);

#endif /* xenvif-multicast.h */
