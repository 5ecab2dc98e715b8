/* SPDX-License-Identifier: Apache-2.0 */

#ifndef XENVIF_OBSERVED_H
#define XENVIF_OBSERVED_H 1

/* What XenStore, and the kernel, say about a vif at one moment.  Control
 * thread. */

#include <stdbool.h>
#include <stdint.h>

/* The hotplug script whose name in B/script makes a vif ours. */
#define XENVIF_SCRIPT "vif-xenvif"

/* Room for any value of B/rate that can be understood, and one byte more. */
#define XENVIF_OBSERVED_RATE_TEXT 34

struct xenvif_observed {
    unsigned int backend;       /* B/state. */
    unsigned int frontend;      /* F/state; 0 if there is no such node. */
    bool online;                /* B/online: the toolstack wants the vif. */
    bool hotplug_done;          /* Is the hotplug script done, if any? */
    bool hotplug_missing;       /* Is there no B/hotplug-status? */
    char hotplug_error[100];    /* Why it failed, or "". */
    bool our_script;            /* Is it ours? */
    bool kernel;                /* Is Linux xen-netback bound to the vif? */
    bool kernel_next;           /* If not: is it loaded, and will the kernel
                                 * offer new vifs to it? */
    uint32_t mtu;               /* B/mtu, 0 if there is none. */
    char mac[18];               /* B/mac, or "". */
    bool has_rate;              /* Is there B/rate? */
    char rate[XENVIF_OBSERVED_RATE_TEXT]; /* Its text, cut if too long. */
};

/* Reads all there is to know about the vif whose backend's directory is
 * 'backend_dir' and whose frontend's is 'frontend_dir'.  Returns false if the
 * toolstack removed it, or never created it. */
bool xenvif_observed_read(const char *backend_dir, const char *frontend_dir,
                          uint16_t domid, uint16_t handle,
                          struct xenvif_observed *);

/* Reads a XenBus state from 'dir'.  Returns 0 if there is none and a number
 * that is no state if it cannot be understood. */
unsigned int xenvif_observed_read_state(const char *dir);

#endif /* xenvif-observed.h */
