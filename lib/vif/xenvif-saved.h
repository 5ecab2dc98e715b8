/* SPDX-License-Identifier: Apache-2.0 */

#ifndef XENVIF_SAVED_H
#define XENVIF_SAVED_H 1

/* What a guest configured over its control ring and with multicast requests,
 * the pages that it had mapped for good, and whether xen-netback interfered,
 * kept for the process that serves the guest after this one.
 *
 * Guests send their configuration once per connection and a connection
 * survives us, so that it has to as well.  It is in a directory of our own
 * domain, /local/domain/OWN/data/xenvif/DOMID/HANDLE, which other guests can
 * neither read nor write: the toolstack lets every domain write "data", so
 * that a driver domain can.  Control thread. */

#include <stdbool.h>
#include <stdint.h>

struct xenvif_gref_table;
struct xenvif_hash;
struct xenvif_multicast;

/* Saves 'hash', or the list of multicast addresses, in directory 'dir'.  The
 * latter returns the version of the list that it saved. */
void xenvif_saved_write_hash(const char *dir, const struct xenvif_hash *hash);
unsigned int xenvif_saved_write_multicast(const char *dir,
                                          struct xenvif_multicast *multicast);

/* Loads what was saved in 'dir' into '*hash' or 'multicast', as far as it
 * makes sense; what does not is as if it had never been set. */
void xenvif_saved_read_hash(const char *dir, struct xenvif_hash *hash);
void xenvif_saved_read_multicast(const char *dir,
                                 struct xenvif_multicast *multicast);

/* Saves whether xen-netback interfered, or returns what was saved.  See
 * xenvif-kernel.h. */
void xenvif_saved_write_conflict(const char *dir, bool conflict);
bool xenvif_saved_read_conflict(const char *dir);

/* Saves what the tables of all queues have mapped, as far as it fits a node of
 * XenStore; and maps what was saved, as far as it can be mapped.  What is
 * missed is served by grant copies.
 *
 * What was saved has to be removed before the guest is told that any of it is
 * unmapped: if it were mapped by the next process, that would use a page that
 * the guest uses for something else. */
void xenvif_saved_write_grefs(const char *dir,
                              struct xenvif_gref_table *const *tables,
                              unsigned int n_queues);
void xenvif_saved_read_grefs(const char *dir,
                             struct xenvif_gref_table **tables,
                             unsigned int n_queues);

/* Forgets what is mapped.  Returns 0 or a positive errno value. */
int xenvif_saved_remove_grefs(const char *dir);

/* Forgets what was saved in 'dir'. */
void xenvif_saved_remove(const char *dir);

#endif /* xenvif-saved.h */
