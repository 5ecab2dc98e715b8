/* SPDX-License-Identifier: Apache-2.0 */

#ifndef XENVIF_GRACE_H
#define XENVIF_GRACE_H 1

/* Grace periods that the control thread does not wait for.
 *
 * What other threads may be using is taken away in two steps: the control
 * thread makes it unreachable, and frees it when every thread has let go of
 * what it had reached before.  A thread that polls many busy rings lets go
 * only every so often, which is long for a thread that has all guests to
 * serve.  So the latter goes on, and the second step comes in a later turn.
 * All requests of a turn share one grace period.
 *
 * Control thread. */

#include <stdbool.h>
#include <stdint.h>

struct latch;

/* A grace period that was asked for; 0 for none. */
typedef uint64_t xenvif_grace;

/* Has 'wakeup' set whenever a grace period has ended. */
void xenvif_grace_init(struct latch *wakeup);

/* Asks for a grace period that begins after this moment. */
xenvif_grace xenvif_grace_ask(void);

/* Has it ended? */
bool xenvif_grace_is_over(xenvif_grace);

/* Starts what was asked for since the last call.  Called at the end of each
 * turn, after which the thread is quiescent. */
void xenvif_grace_run(void);

#endif /* xenvif-grace.h */
