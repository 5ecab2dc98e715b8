/* SPDX-License-Identifier: Apache-2.0 */

#ifndef XENVIF_LINK_H
#define XENVIF_LINK_H 1

/* Brings a vif's data path up and down.  Control thread. */

#include <stdbool.h>

struct xenvif;

/* Initializes what limits the number of connects of a new vif. */
void xenvif_link_init(struct xenvif *);

/* Brings the data path up for a guest that wants to connect. */
void xenvif_connect(struct xenvif *);

/* Brings the data path up for a guest that is Connected already, with what it
 * configured while an earlier process, or port, served it. */
void xenvif_attach(struct xenvif *);

/* Begins to end the data path, if there is one.  Returns true if there is none
 * any more, and false if that takes until a grace period is over: xenvif_run()
 * then takes no step before that, and gets here again afterwards.
 *
 * The guest's rings stay as they are, ready for the next connection to
 * continue in them.  If there will be none, 'drain' has the guest's last
 * requests answered. */
bool xenvif_disconnect(struct xenvif *, bool drain);

/* The guest, or the toolstack, ends the connection: ends the data path,
 * forgets what the guest configured, and goes to 'state'. */
void xenvif_close(struct xenvif *, unsigned int state);

#endif /* xenvif-link.h */
