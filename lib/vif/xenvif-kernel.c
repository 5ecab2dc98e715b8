/* SPDX-License-Identifier: Apache-2.0 */

/* Linux xen-netback beside us. */

#include <config.h>

#include "vif/xenvif-kernel.h"

#include <xen/io/xenbus.h>

#include "timeval.h"
#include "vif/xenvif-observed.h"

/* How long the driver core may take to offer a new vif to xen-netback, in ms.
 * It does so at once; a host may be busy. */
#define KERNEL_PATIENCE_MS 1000

/* Is the conflict over?  A guest's driver that starts anew is served by
 * whatever the kernel has bound. */
static bool
is_over(const struct xenvif_kernel *kernel,
        const struct xenvif_observed *observed)
{
    return (observed->frontend == XenbusStateInitialising
            || (!observed->kernel && !observed->online)
            || (kernel->closed && observed->backend == XenbusStateInitWait));
}

bool
xenvif_kernel_run(struct xenvif_kernel *kernel,
                  const struct xenvif_observed *observed, bool connected)
{
    if (!kernel->conflict) {
        kernel->conflict = observed->kernel && connected;
        kernel->closed = false;
        return kernel->conflict;
    }
    if (is_over(kernel, observed)) {
        kernel->conflict = false;
        return true;
    }
    kernel->closed |= observed->backend > XenbusStateConnected;
    return false;
}

bool
xenvif_kernel_may_resume(const struct xenvif_observed *observed)
{
    return (observed->online
            && observed->backend > XenbusStateConnected
            && observed->backend <= XenbusStateClosed
            && observed->frontend >= XenbusStateConnected
            && observed->frontend <= XenbusStateClosed);
}

void
xenvif_kernel_resume(struct xenvif_kernel *kernel)
{
    kernel->conflict = kernel->closed = true;
}

bool
xenvif_kernel_is_coming(struct xenvif_kernel *kernel,
                        const struct xenvif_observed *observed)
{
    if (!observed->kernel_next
        || observed->backend != XenbusStateInitialising) {
        kernel->patience = 0;
        return false;
    }
    if (!kernel->patience) {
        kernel->patience = time_msec() + KERNEL_PATIENCE_MS;
    }
    return time_msec() < kernel->patience;
}
