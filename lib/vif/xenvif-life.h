/* SPDX-License-Identifier: Apache-2.0 */

#ifndef XENVIF_LIFE_H
#define XENVIF_LIFE_H 1

/* What the parts of a vif's life know of each other: xenvif.c takes the steps,
 * xenvif-link.c brings the data path up and down, xenvif-upkeep.c looks
 * after it.  For nobody else.
 *
 * Control thread. */

#include <stdbool.h>

#include "compiler.h"
#include "vif/xenvif.h"

/* When to try again something that a moment may cure, such as rings that the
 * process before us is just leaving.  The interval doubles with each try. */
#define XENVIF_RETRY_MIN_MS 50

/* xenvif.c */

/* Writes down what went wrong where users and toolstacks look for it. */
void xenvif_complain(struct xenvif *, const char *format, ...)
    OVS_PRINTF_FORMAT(2, 3);

/* Arranges for another try. */
void xenvif_retry_later(struct xenvif *);

/* Returns the settings of the port, or defaults for a vif that has none
 * yet. */
struct xenvif_settings xenvif_get_settings(struct xenvif *);

/* Changes B/state. */
void xenvif_write_state(struct xenvif *, unsigned int state);

/* Makes 'xenvif->now' visible.  Returns true if that changed anything. */
bool xenvif_publish_report(struct xenvif *);

/* xenvif-link.c */

/* For a new vif. */
void xenvif_link_init(struct xenvif *);

/* Brings the data path up for a guest that wants to connect, or for one that
 * is Connected already. */
void xenvif_connect(struct xenvif *);
void xenvif_attach(struct xenvif *);

/* Begins to end the data path, if there is one.  Returns true if there is none
 * any more, and false if that takes until a grace period is over: xenvif_run()
 * then takes no step before that, and comes by here again after it.
 *
 * The guest's rings stay as they are, ready for the next connection to
 * continue in them, unless there will be none: then 'drain' answers what the
 * guest asked for. */
bool xenvif_disconnect(struct xenvif *, bool drain);

/* The guest, or the toolstack, ends the connection: ends the data path,
 * forgets what the guest configured, and goes to 'state'. */
void xenvif_close(struct xenvif *, unsigned int state);

#endif /* xenvif-life.h */
