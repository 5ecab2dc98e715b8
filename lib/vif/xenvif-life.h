/* SPDX-License-Identifier: Apache-2.0 */

#ifndef XENVIF_LIFE_H
#define XENVIF_LIFE_H 1

/* What the parts of a vif's life have in common: xenvif.c takes the steps,
 * xenvif-link.c brings the data path up and down, and xenvif-upkeep.c looks
 * after it.  They call what is here, which calls none of them.  For nobody
 * else.
 *
 * Control thread. */

#include <stdbool.h>

#include "compiler.h"
#include "vif/xenvif.h"

/* When to try again something that a moment may cure, such as rings that the
 * process before us is just leaving.  The interval doubles with each try. */
#define XENVIF_RETRY_MIN_MS 50

/* Reports what went wrong where users and toolstacks look for it: in the log,
 * in XenStore and in 'xenvif->now', which the caller publishes.  Logs and
 * writes nothing if that is what went wrong last. */
void xenvif_complain(struct xenvif *, const char *format, ...)
    OVS_PRINTF_FORMAT(2, 3);

/* Writes into XenStore what xenvif_complain() could not write, because where
 * to was not known yet; and what it did write, to be on the safe side. */
void xenvif_write_error(struct xenvif *);

/* Arranges for another try. */
void xenvif_retry_later(struct xenvif *);

/* Returns the settings of the port, or defaults for a vif that has none
 * yet. */
struct xenvif_settings xenvif_get_settings(struct xenvif *);

/* Changes B/state. */
void xenvif_write_state(struct xenvif *, unsigned int state);

/* Publishes 'xenvif->now' as 'xenvif->report'.  Returns true if that changed
 * anything. */
bool xenvif_publish_report(struct xenvif *);

#endif /* xenvif-life.h */
