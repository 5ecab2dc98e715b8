/* SPDX-License-Identifier: Apache-2.0 */

#ifndef XENVIF_KERNEL_H
#define XENVIF_KERNEL_H 1

/* The kernel's own backend, Linux xen-netback, beside us: whose is a vif?
 *
 * A vif that xen-netback was bound to before we served it is the kernel's.
 * The driver core also offers a vif to xen-netback that we are serving, when
 * the module is loaded.  xen-netback fails, because the event channels are
 * ours, and drives B/state to Closing and Closed.  The guest would never come
 * back if we obeyed, and notices nothing if we do not: a conflict, in which
 * the states in XenStore are not to be believed.  It lasts until the guest or
 * the toolstack starts anew.
 *
 * Control thread. */

#include <stdbool.h>

struct xenvif_observed;

struct xenvif_kernel {
    bool conflict;              /* Did xen-netback interfere with us? */
    bool closed;                /* Was B/state past Connected since then? */
    long long int patience;     /* Until when, in ms, xen-netback has time to
                                 * take a new vif; 0 if none was seen. */
};

/* Takes notice of '*observed', while our data path is up or not ('connected').
 * Returns true if a conflict began or ended. */
bool xenvif_kernel_run(struct xenvif_kernel *, const struct xenvif_observed *,
                       bool connected);

/* Does '*observed' look as if a conflict that an earlier process had was still
 * there? */
bool xenvif_kernel_may_resume(const struct xenvif_observed *);

/* Resumes it. */
void xenvif_kernel_resume(struct xenvif_kernel *);

/* Is xen-netback about to take a vif that just appeared?  Whatever we wrote
 * would mix with what it writes.  Not for longer than 'patience', because it
 * may also fail. */
bool xenvif_kernel_is_coming(struct xenvif_kernel *,
                             const struct xenvif_observed *);

#endif /* xenvif-kernel.h */
