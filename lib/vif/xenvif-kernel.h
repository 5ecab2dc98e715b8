/* SPDX-License-Identifier: Apache-2.0 */

#ifndef XENVIF_KERNEL_H
#define XENVIF_KERNEL_H 1

/* The kernel's own backend, Linux xen-netback, beside us: which of the two
 * serves a vif.
 *
 * A vif that xen-netback was bound to before we served it is the kernel's.
 * The driver core also offers a vif to xen-netback that we are serving, when
 * the module is loaded.  xen-netback fails, because the event channels are
 * ours, and drives B/state to Closing and Closed.  The guest would never come
 * back if we obeyed, and notices nothing if we do not: a conflict, in which
 * the states in XenStore mean nothing.  It lasts until the guest or the
 * toolstack starts anew.
 *
 * Control thread. */

#include <stdbool.h>

struct xenvif_observed;

struct xenvif_kernel {
    bool conflict;              /* True during a conflict. */
    bool closed;                /* True if B/state was past Connected since
                                 * then. */
    long long int patience;     /* End, in ms, of the time that xen-netback has
                                 * to take a new vif; 0 if none was seen. */
};

/* Updates the state after a look that brought 'observed'.  'connected' is true
 * if our data path is up.  Returns true if a conflict began or ended. */
bool xenvif_kernel_run(struct xenvif_kernel *,
                       const struct xenvif_observed *observed,
                       bool connected);

/* Returns true if 'observed' looks as if a conflict that an earlier process
 * had was not over. */
bool xenvif_kernel_may_resume(const struct xenvif_observed *observed);

/* Continues a conflict that an earlier process had. */
void xenvif_kernel_resume(struct xenvif_kernel *);

/* Returns true if xen-netback is about to take a vif that just appeared, so
 * that anything that we wrote would mix with what it writes.  It has time
 * until 'patience', because it may also fail. */
bool xenvif_kernel_is_coming(struct xenvif_kernel *,
                             const struct xenvif_observed *);

#endif /* xenvif-kernel.h */
