/* SPDX-License-Identifier: Apache-2.0 */

/* What xenstored calls of libxenctrl, whose ABI differs between releases of
 * Xen: the headers that this is compiled with must be those of the xenstored
 * that is to run. */

#include "hypervisor/host.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <xenctrl.h>

struct xc_interface_core {
    uint32_t epoch;
};

xc_interface *
xc_interface_open(xentoollog_logger *logger, xentoollog_logger *dombuild,
                  unsigned int flags)
{
    (void) logger;
    (void) dombuild;
    (void) flags;

    int error = -xh_acquire(NULL);
    xc_interface *xch = error ? NULL : calloc(1, sizeof *xch);
    if (error) {
        errno = error;
    } else if (!xch) {
        xh_release();
    } else {
        xch->epoch = xh.epoch;
    }
    return xch;
}

int
xc_interface_close(xc_interface *xch)
{
    if (xch && xch->epoch == xh.epoch) {
        xh_release();
    }
    free(xch);
    return 0;
}

/* Returns the slot of the first domain whose id is at least 'domid', or
 * XH_NO_SLOT. */
static uint8_t
next_domain(uint32_t domid)
{
    uint8_t best = XH_NO_SLOT;

    for (uint32_t i = 0; i < xh.host->dom_top; i++) {
        const struct xh_dom *dom = xh_dom(i);

        if (xh_slot(dom->domid) == i && dom->domid >= domid
            && (best == XH_NO_SLOT || dom->domid < xh_dom(best)->domid)) {
            best = i;
        }
    }
    return best;
}

#if XEN_DOMCTL_INTERFACE_VERSION <= 0x15
int
xc_domain_getinfo(xc_interface *xch, uint32_t first_domid,
                  unsigned int max_doms, xc_dominfo_t *info)
{
    unsigned int n;

    (void) xch;
    for (n = 0; n < max_doms; n++) {
        uint8_t slot = next_domain(first_domid);
        if (slot == XH_NO_SLOT) {
            break;
        }

        const struct xh_dom *dom = xh_dom(slot);
        uint32_t state = atomic_load(&dom->state);
        memset(&info[n], 0, sizeof info[n]);
        info[n].domid = dom->domid;
        info[n].dying = state == XH_DOM_DYING;
        info[n].shutdown = state == XH_DOM_SHUTDOWN;
        info[n].shutdown_reason = dom->shutdown_reason;
        info[n].crashed = (info[n].shutdown
                           && info[n].shutdown_reason == SHUTDOWN_crash);
        info[n].paused = dom->paused;
        info[n].nr_pages = dom->n_pages;
        info[n].max_memkb = (unsigned long) dom->n_pages * 4;
        info[n].nr_online_vcpus = 1;
        first_domid = dom->domid + 1;
    }
    if (!n && max_doms) {
        errno = ESRCH;
        return -1;
    }
    return n;
}
#else
int
xc_domain_getinfo_single(xc_interface *xch, uint32_t domid,
                         xc_domaininfo_t *info)
{
    uint8_t slot = next_domain(domid);

    (void) xch;
    if (slot == XH_NO_SLOT || xh_dom(slot)->domid != domid) {
        errno = ESRCH;
        return -1;
    }
    const struct xh_dom *dom = xh_dom(slot);
    uint32_t state = atomic_load(&dom->state);
    memset(info, 0, sizeof *info);
    info->domain = dom->domid;
    info->flags = (state == XH_DOM_DYING ? XEN_DOMINF_dying
                   : state == XH_DOM_SHUTDOWN
                   ? (XEN_DOMINF_shutdown
                      | dom->shutdown_reason << XEN_DOMINF_shutdownshift)
                   : XEN_DOMINF_running);
    info->tot_pages = dom->n_pages;
    info->max_pages = dom->n_pages;
    info->nr_online_vcpus = 1;
    return 0;
}
#endif
