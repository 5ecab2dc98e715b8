/* SPDX-License-Identifier: Apache-2.0 */

/* What is kept of one vif for the next process. */

#include <config.h>

#include "vif/xenvif-saved.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "util.h"
#include "packet/xenvif-hash.h"
#include "packet/xenvif-multicast.h"
#include "ring/xenvif-conn.h"
#include "ring/xenvif-ctrl-ring.h"
#include "vif/xenvif-saved-format.h"

/* How long after a write the next one of the same part has to wait. */
#define HASH_INTERVAL_MS 100
#define GREFS_INTERVAL_MS 1000
#define MULTICAST_INTERVAL_MS 0 /* Changes are looked for once a second. */

/* How long after a write that failed it is tried again. */
#define RETRY_INTERVAL_MS 1000

void
xenvif_saved_init(struct xenvif_saved *saved)
{
    memset(saved, 0, sizeof *saved);
}

void
xenvif_saved_destroy(struct xenvif_saved *saved)
{
    free(saved->dir);
}

void
xenvif_saved_set_dir(struct xenvif_saved *saved, char *dir)
{
    free(saved->dir);
    saved->dir = dir;
}

void
xenvif_saved_clear(struct xenvif_saved *saved)
{
    saved->grefs_there = xenvif_saved_remove(saved->dir) != 0;
}

void
xenvif_saved_load(const struct xenvif_saved *saved, struct xenvif_hash *hash,
                  struct xenvif_multicast *multicast)
{
    xenvif_saved_read_hash(saved->dir, hash);
    xenvif_saved_read_multicast(saved->dir, multicast);
}

/* The guest wants pages unmapped: see struct xenvif_ctrl. */
static bool
forget_grefs(void *saved_)
{
    struct xenvif_saved *saved = saved_;

    if (saved->grefs_there) {
        if (!saved->dir || xenvif_saved_remove_grefs(saved->dir)) {
            return false;
        }
        saved->grefs_there = false;
    }
    return true;
}

/* Looks at the list of multicast addresses.  Returns its length. */
static unsigned int
look_at_multicast(struct xenvif_saved *saved, unsigned int *version)
{
    return xenvif_multicast_get(&saved->conn->common.terms->multicast, NULL,
                                version);
}

void
xenvif_saved_begin(struct xenvif_saved *saved, struct xenvif_conn *conn,
                   bool resumed)
{
    saved->conn = conn;
    saved->hash.unsaved = saved->grefs.unsaved = false;
    saved->multicast.unsaved
        = look_at_multicast(saved, &saved->multicast_version) > 0;
    saved->grefs_there |= resumed;
    if (conn->ctrl) {
        conn->ctrl->forget_grefs = forget_grefs;
        conn->ctrl->forget_aux = saved;
        if (resumed && !conn->common.features.persistent) {
            xenvif_saved_read_grefs(saved->dir, conn->grefs, conn->n_queues);
        }
    }
}

void
xenvif_saved_end(struct xenvif_saved *saved, bool keep)
{
    if (keep && saved->hash.unsaved && saved->dir) {
        xenvif_saved_write_hash(saved->dir, saved->conn->ctrl->hash);
    }
    saved->hash.unsaved = saved->grefs.unsaved = false;
    saved->multicast.unsaved = false;
    saved->conn = NULL;
}

void
xenvif_saved_note_changed(struct xenvif_saved *saved, unsigned int changed)
{
    if (changed & XENVIF_CTRL_HASH) {
        saved->hash.unsaved = true;
    }
    if (changed & XENVIF_CTRL_GREFS
        && !saved->conn->common.features.persistent) {
        saved->grefs.unsaved = true;
    }
}

void
xenvif_saved_look(struct xenvif_saved *saved)
{
    unsigned int version;

    look_at_multicast(saved, &version);
    if (version != saved->multicast_version) {
        saved->multicast_version = version;
        saved->multicast.unsaved = true;
    }
}

/* Returns when 'part' can be written, in ms, or LLONG_MAX. */
static long long int
get_due(const struct xenvif_saved *saved, const struct xenvif_saved_part *part)
{
    return part->unsaved && saved->dir ? part->due : LLONG_MAX;
}

/* Likewise, for the list of pages.  Pages that are being unmapped cannot be
 * found, and some of them may be mapped again. */
static long long int
get_grefs_due(const struct xenvif_saved *saved)
{
    return (saved->grefs.unsaved && saved->conn->ctrl->del.list
            ? LLONG_MAX : get_due(saved, &saved->grefs));
}

/* Notes what came of writing 'part' at 'now'. */
static void
note_written(struct xenvif_saved_part *part, int error, long long int now,
             int interval)
{
    part->unsaved = error != 0;
    part->due = now + (error ? RETRY_INTERVAL_MS : interval);
}

void
xenvif_saved_run(struct xenvif_saved *saved, long long int now)
{
    struct xenvif_conn *conn = saved->conn;

    if (now >= get_due(saved, &saved->hash)) {
        note_written(&saved->hash,
                     xenvif_saved_write_hash(saved->dir, conn->ctrl->hash),
                     now, HASH_INTERVAL_MS);
    }
    if (now >= get_grefs_due(saved)) {
        /* What failed may have been written nevertheless. */
        saved->grefs_there = true;
        note_written(&saved->grefs,
                     xenvif_saved_write_grefs(saved->dir, conn->grefs,
                                              conn->n_queues),
                     now, GREFS_INTERVAL_MS);
    }
    if (now >= get_due(saved, &saved->multicast)) {
        note_written(&saved->multicast,
                     xenvif_saved_write_multicast(
                         saved->dir, &conn->common.terms->multicast,
                         &saved->multicast_version),
                     now, MULTICAST_INTERVAL_MS);
    }
}

long long int
xenvif_saved_next(const struct xenvif_saved *saved)
{
    return MIN(get_grefs_due(saved), MIN(get_due(saved, &saved->hash),
                                         get_due(saved, &saved->multicast)));
}

void
xenvif_saved_set_conflict(struct xenvif_saved *saved, bool conflict)
{
    xenvif_saved_write_conflict(saved->dir, conflict);
}

bool
xenvif_saved_get_conflict(const struct xenvif_saved *saved)
{
    return xenvif_saved_read_conflict(saved->dir);
}
