/* SPDX-License-Identifier: Apache-2.0 */

#ifndef XENVIF_SAVED_H
#define XENVIF_SAVED_H 1

/* What is kept of one vif for the process that serves the guest after this
 * one: what the guest configured over its control ring and with multicast
 * requests, the pages that it had mapped for good, and whether xen-netback
 * interfered.
 *
 * Guests send their configuration once per connection.  A connection survives
 * this process, so its configuration has to survive it, too.
 *
 * This object decides what has to be written, and when; xenvif-saved-format.h
 * says where it is and what it looks like.  What a guest changes is written at
 * once if the last change was a while ago.  Otherwise it has to wait, so that
 * a guest that changes its mind all the time does not keep xenstored busy.
 * What could not be written is tried again.
 *
 * The list of mapped pages has a rule of its own: it must be removed before
 * the guest is told that any of them is unmapped.  The next process would map
 * a page that the guest uses for something else.
 *
 * Control thread. */

#include <stdbool.h>

struct xenvif_conn;
struct xenvif_hash;
struct xenvif_multicast;

/* Something that is kept. */
struct xenvif_saved_part {
    bool unsaved;               /* True if it changed since it was written. */
    long long int due;          /* When it may be written next, in ms. */
};

struct xenvif_saved {
    char *dir;                  /* Where it is kept; NULL if not known. */
    struct xenvif_conn *conn;   /* The connection that it is about, or NULL. */
    struct xenvif_saved_part hash; /* How packets are distributed. */
    struct xenvif_saved_part grefs; /* Pages that are mapped. */
    struct xenvif_saved_part multicast; /* Addresses that are listed. */
    unsigned int multicast_version; /* Of the list, when it was looked at. */
    bool grefs_there;           /* True if a list of pages may be in 'dir'. */
};

/* Initializes the object of a vif that has no connection. */
void xenvif_saved_init(struct xenvif_saved *);

/* Frees what the object owns.  What was written stays. */
void xenvif_saved_destroy(struct xenvif_saved *);

/* Sets the directory, whose name the object takes over and frees.  NULL when
 * the connection to XenStore is lost: what changes has to wait until there is
 * a directory again. */
void xenvif_saved_set_dir(struct xenvif_saved *, char *dir);

/* Forgets everything, because there will be a new connection, or none. */
void xenvif_saved_clear(struct xenvif_saved *);

/* Loads into '*hash', and adds to 'multicast', what a guest configured that is
 * connected already. */
void xenvif_saved_load(const struct xenvif_saved *, struct xenvif_hash *hash,
                       struct xenvif_multicast *multicast);

/* From now on, keeps the configuration of 'conn', which was just opened.  If
 * that continues what an earlier process or port had ('resumed'), maps the
 * pages that were mapped then.  Persistent grants come back by themselves. */
void xenvif_saved_begin(struct xenvif_saved *, struct xenvif_conn *conn,
                        bool resumed);

/* The connection of xenvif_saved_begin() ends.  If the guest stays connected
 * ('keep'), writes its hash configuration, which goes with the connection, if
 * that had to wait. */
void xenvif_saved_end(struct xenvif_saved *, bool keep);

/* The guest changed something: 'changed' is what xenvif_conn_run_ctrl()
 * returned. */
void xenvif_saved_note_changed(struct xenvif_saved *, unsigned int changed);

/* Notes whether the list of multicast addresses changed, which threads that
 * poll the guest do.  To be called about once a second. */
void xenvif_saved_look(struct xenvif_saved *);

/* Writes what changed and is due at 'now', in ms. */
void xenvif_saved_run(struct xenvif_saved *, long long int now);

/* Returns when xenvif_saved_run() will have something to write, in ms, or
 * LLONG_MAX if that takes more than time: whoever makes it possible wakes the
 * control thread. */
long long int xenvif_saved_next(const struct xenvif_saved *);

/* Keeps whether xen-netback interfered, or returns what was kept.  See
 * xenvif-kernel.h. */
void xenvif_saved_set_conflict(struct xenvif_saved *, bool conflict);
bool xenvif_saved_get_conflict(const struct xenvif_saved *);

#endif /* xenvif-saved.h */
