/* SPDX-License-Identifier: Apache-2.0 */

#ifndef XENVIF_BUS_H
#define XENVIF_BUS_H 1

/* XenBus: the walk of two states, the frontend's and ours, through the life of
 * a vif, as a table; and the keys that both sides write into XenStore on the
 * way.
 *
 * "B" is the backend's area, /local/domain/OWN/backend/vif/DOMID/HANDLE, and
 * "F" the frontend's, /local/domain/DOMID/device/vif/HANDLE.  A guest can
 * write anything into F and nothing into B. */

#include <stdbool.h>
#include <stdint.h>

#include <xen/io/xenbus.h>

#include "ring/xenvif-request.h"
#include "xen/xenvif-store.h"

/* The next thing that a backend does. */
enum xenvif_bus_action {
    XENVIF_BUS_NOTHING,
    XENVIF_BUS_OFFER,           /* Publish features, go to InitWait. */
    XENVIF_BUS_CONNECT,         /* Connect, go to Connected. */
    XENVIF_BUS_ATTACH,          /* Connect; state is Connected already. */
    XENVIF_BUS_RECONFIGURE,     /* Re-read what may change, to Reconfigured. */
    XENVIF_BUS_RECONFIGURED,    /* Re-read, back to Connected. */
    XENVIF_BUS_CLOSING,         /* Disconnect, go to Closing. */
    XENVIF_BUS_CLOSED,          /* Disconnect, go to Closed. */
};

/* Everything that decides about the next action. */
struct xenvif_bus_view {
    unsigned int frontend;      /* F/state; 0 if there is no such node. */
    unsigned int backend;       /* B/state, as we see it. */
    bool online;                /* B/online: the toolstack wants the vif. */
    bool connected;             /* True if the data path is up. */
    bool may_connect;           /* True if the host is ready for it. */
};

/* Returns the next action, which changes B/state by at most one legal step. */
enum xenvif_bus_action xenvif_bus_next(const struct xenvif_bus_view *);

/* Returns the name of a XenBus state, e.g. "InitWait". */
const char *xenvif_bus_state_to_string(unsigned int state);

/* The backend's offer to frontends. */
struct xenvif_bus_offer {
    uint32_t max_queues;        /* 1 ... XENVIF_MAX_QUEUES. */
    bool partial;               /* True to offer IPv6 checksum offload. */
    bool tso;                   /* True to offer TCP segmentation offload. */
};

/* Writes 'offer' and state InitWait into 'backend_dir', in one transaction
 * that does nothing if the directory went away.  Returns 0 or a positive errno
 * value, ENOENT if it did. */
int xenvif_bus_write_offer(const char *backend_dir,
                           const struct xenvif_bus_offer *);

/* Writes B/state in the same careful way. */
int xenvif_bus_write_state(const char *backend_dir, unsigned int state);

/* Returns true if the frontend asks for multicast packets to be filtered,
 * which may change while it is connected. */
bool xenvif_bus_read_filter_multicast(const char *frontend_dir);

/* Reads the offers in the backend's directory, whichever backend wrote
 * them. */
void xenvif_bus_read_offers(const char *backend_dir, struct xenvif_offers *);

/* Returns the headroom that the frontend asks for, in bytes, or 0 if it asks
 * for none or for so much that there is no room for a packet. */
uint32_t xenvif_bus_read_headroom(const char *frontend_dir);

/* Reads the frontend's request from 'frontend_dir' and checks it; more than
 * 'max_queues' queues are an error.  Returns NULL on success, otherwise a text
 * about what is wrong, which the caller frees. */
char *xenvif_bus_read_request(const char *frontend_dir,
                              unsigned int max_queues,
                              struct xenvif_request *);

#endif /* xenvif-bus.h */
