/* SPDX-License-Identifier: Apache-2.0 */

#ifndef XENVIF_THREAD_H
#define XENVIF_THREAD_H 1

/* The control thread: one for all vifs of the process.
 *
 * It follows XenStore, walks each vif through its life and looks after the
 * connected ones.  Whatever blocks is done there.
 *
 * Functions here may be called from any thread that holds no lock of a vif,
 * and never block for longer than it takes to copy a few hundred bytes. */

#include <stdbool.h>
#include <stdint.h>

#include "vif/xenvif.h"

struct seq;

/* Starts the control thread.  Called once, after the process daemonized: the
 * connection to XenStore does not survive a fork. */
void xenvif_thread_start(void);

/* Changes whenever the information about some vif did. */
struct seq *xenvif_thread_seq(void);

/* Claims vif 'handle' of domain 'domid' for 'port', an opaque name for the
 * claim, with 'settings'.  The vif need not exist yet in XenStore.
 *
 * A vif has one port at a time.  If there is another one, this takes the vif
 * over from it: the caller has made sure that the other one is only a shadow
 * of a port that was deleted (see xenvif_thread_get_port()).
 *
 * Returns the vif, which stays valid until xenvif_thread_release(). */
struct xenvif *xenvif_thread_claim(uint16_t domid, uint16_t handle,
                                   const void *port, const char *port_name,
                                   const struct xenvif_settings *settings);

/* Returns the name of the port that has claimed the vif, which the caller
 * frees, and the port in '*port'; or NULL. */
char *xenvif_thread_get_port(uint16_t domid, uint16_t handle,
                             const void **port);

/* Changes the settings of a claim; nothing if it was taken over. */
void xenvif_thread_set(struct xenvif *, const void *port,
                       const struct xenvif_settings *settings);

/* Gives up the claim of 'port'.  The data path ends, the guest is not told
 * anything and stays Connected: the next port continues where this one was. */
void xenvif_thread_release(struct xenvif *, const void *port);

/* What is known about a vif. */
struct xenvif_thread_entry {
    uint16_t domid, handle;
    struct xenvif_report report;
    char *port_name;            /* NULL if no port claims it. */
};

/* Returns all vifs known, '*n' of them, sorted.  The caller frees the result
 * with xenvif_thread_free_list(). */
struct xenvif_thread_entry *xenvif_thread_list(size_t *n);
void xenvif_thread_free_list(struct xenvif_thread_entry *, size_t n);

/* Sorts the 'n' vifs in 'array' in the order in which a turn serves them:
 * those of guests that have most left of their budgets come first, and of
 * those that have as much left, for instance because they belong to the same
 * guest, the one whose turn was longest ago.  Control thread; public for
 * tests. */
void xenvif_thread_sort(struct xenvif **array, size_t n);

/* Is there a connection to XenStore, and does that answer? */
bool xenvif_thread_is_connected(void);

#endif /* xenvif-thread.h */
