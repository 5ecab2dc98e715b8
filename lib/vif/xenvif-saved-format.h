/* SPDX-License-Identifier: Apache-2.0 */

#ifndef XENVIF_SAVED_FORMAT_H
#define XENVIF_SAVED_FORMAT_H 1

/* How what is kept of a vif (see xenvif-saved.h, which decides when) is
 * written into XenStore and read again.
 *
 * It is in a directory of our own domain, /local/domain/OWN/data/xenvif/DOMID/
 * HANDLE, which other guests can neither read nor write: the toolstack lets
 * every domain write "data", so that a driver domain can.
 *
 * Functions that write or remove return 0 or a positive errno value.  Control
 * thread. */

#include <stdbool.h>
#include <stdint.h>

struct xenvif_gref_table;
struct xenvif_hash;
struct xenvif_multicast;

/* Saves 'hash' in directory 'dir'. */
int xenvif_saved_write_hash(const char *dir, const struct xenvif_hash *hash);

/* Saves the list of multicast addresses.  Stores in '*version' which version
 * of the list that is, also if it fails. */
int xenvif_saved_write_multicast(const char *dir,
                                 struct xenvif_multicast *multicast,
                                 unsigned int *version);

/* Loads what was saved in 'dir' into '*hash' or 'multicast'.  A value that
 * makes no sense is treated as if it had never been set. */
void xenvif_saved_read_hash(const char *dir, struct xenvif_hash *hash);
void xenvif_saved_read_multicast(const char *dir,
                                 struct xenvif_multicast *multicast);

/* Saves whether xen-netback interfered, or returns what was saved. */
void xenvif_saved_write_conflict(const char *dir, bool conflict);
bool xenvif_saved_read_conflict(const char *dir);

/* Saves what the tables of all queues have mapped, as far as it fits a node of
 * XenStore; and maps what was saved, as far as it can be mapped.  Pages that
 * are missed are copied. */
int xenvif_saved_write_grefs(const char *dir,
                             struct xenvif_gref_table *const *tables,
                             unsigned int n_queues);
void xenvif_saved_read_grefs(const char *dir,
                             struct xenvif_gref_table **tables,
                             unsigned int n_queues);

/* Removes the list of pages. */
int xenvif_saved_remove_grefs(const char *dir);

/* Removes everything that was saved in 'dir'. */
int xenvif_saved_remove(const char *dir);

#endif /* xenvif-saved-format.h */
