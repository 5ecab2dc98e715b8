/* SPDX-License-Identifier: Apache-2.0 */

#ifndef XENVIF_THREAD_H
#define XENVIF_THREAD_H 1

/* The control thread: one for all vifs of the process.
 *
 * It follows XenStore, takes each vif through its life and looks after the
 * connected ones.  Everything that may block is done there.
 *
 * Functions here, unless their comment says otherwise, may be called from any
 * thread that holds no lock of a vif.  They never block for longer than it
 * takes to copy a few hundred bytes. */

#include <stdbool.h>
#include <stdint.h>

#include "vif/xenvif.h"

struct seq;

/* Starts the control thread.  Called once, after the process daemonized: the
 * connection to XenStore does not survive a fork. */
void xenvif_thread_start(void);

/* Returns a seq that changes with the report about any vif. */
struct seq *xenvif_thread_seq(void);

/* Claims vif 'handle' of domain 'domid' for 'port', an opaque name for the
 * claim, with 'settings'.  The vif need not exist yet in XenStore.
 *
 * A vif has one port at a time.  This takes the vif over from any other port:
 * the caller has made sure that the other one has been deleted and only waits
 * for its last user (see xenvif_thread_get_port()).
 *
 * Returns the vif, which stays valid until xenvif_thread_release(). */
struct xenvif *xenvif_thread_claim(uint16_t domid, uint16_t handle,
                                   const void *port, const char *port_name,
                                   const struct xenvif_settings *settings);

/* Returns the name of the port that has claimed the vif, which the caller
 * frees, and the port in '*port'; or NULL. */
char *xenvif_thread_get_port(uint16_t domid, uint16_t handle,
                             const void **port);

/* Changes the settings of the claim of 'port'; does nothing if another port
 * took the vif over. */
void xenvif_thread_set(struct xenvif *, const void *port,
                       const struct xenvif_settings *settings);

/* Gives up the claim of 'port'.  The data path ends.  The guest is not told
 * and stays Connected, and the next port continues where this one stopped. */
void xenvif_thread_release(struct xenvif *, const void *port);

/* A vif in a list of all. */
struct xenvif_thread_entry {
    uint16_t domid;             /* The guest's id. */
    uint16_t handle;            /* Number of the vif within the guest. */
    struct xenvif_report report; /* The report about it. */
    char *port_name;            /* Port that claims it, or NULL. */
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

/* Returns true if there is a connection to XenStore and xenstored answers. */
bool xenvif_thread_is_connected(void);

#endif /* xenvif-thread.h */
