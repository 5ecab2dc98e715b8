/* SPDX-License-Identifier: Apache-2.0 */

#ifndef XENVIF_OBSERVED_H
#define XENVIF_OBSERVED_H 1

/* The state of a vif in XenStore and in the kernel at one moment.  Control
 * thread. */

#include <stdbool.h>
#include <stdint.h>

/* The hotplug script whose name in B/script makes a vif ours. */
#define XENVIF_SCRIPT "vif-xenvif"

/* Size of a buffer for B/rate: one byte more than any valid value needs. */
#define XENVIF_OBSERVED_RATE_TEXT 34

struct xenvif_observed {
    unsigned int backend;       /* B/state. */
    unsigned int frontend;      /* F/state; 0 if there is no such node. */
    bool online;                /* B/online: the toolstack wants the vif. */
    bool hotplug_done;          /* True unless a hotplug script has yet to
                                 * finish. */
    bool hotplug_missing;       /* True if there is no B/hotplug-status. */
    char hotplug_error[100];    /* Why the script failed, or "". */
    bool our_script;            /* True if the script is ours. */
    bool kernel;                /* True if Linux xen-netback is bound to the
                                 * vif. */
    bool kernel_next;           /* True if xen-netback is not bound, but loaded
                                 * and about to be offered new vifs. */
    uint32_t mtu;               /* B/mtu, or 0 if there is none. */
    char mac[18];               /* B/mac, or "". */
    bool has_rate;              /* True if there is B/rate. */
    char rate[XENVIF_OBSERVED_RATE_TEXT]; /* Its text, cut if too long. */
};

/* Reads the state of the vif whose backend's directory is
 * 'backend_dir' and whose frontend's is 'frontend_dir'.  Returns false if the
 * toolstack removed it, or never created it. */
bool xenvif_observed_read(const char *backend_dir, const char *frontend_dir,
                          uint16_t domid, uint16_t handle,
                          struct xenvif_observed *);

/* Reads a XenBus state from 'dir'.  Returns 0 if there is none and a number
 * that is not a state if it cannot be understood. */
unsigned int xenvif_observed_read_state(const char *dir);

#endif /* xenvif-observed.h */
