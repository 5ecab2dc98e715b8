/* SPDX-License-Identifier: Apache-2.0 */

#ifndef XENVIF_STORE_OPEN_H
#define XENVIF_STORE_OPEN_H 1

/* How XenStore is reached.  For xenvif-store and the control thread only. */

#include <stdbool.h>

struct xs_handle;

/* Returns a connection to a XenStore that answers, which the caller closes
 * with xs_close(), or NULL.  Does not wait for an answer: when
 * it comes, xenvif_store_open_is_due() says that it is time to call this
 * again. */
struct xs_handle *xenvif_store_open(void);

/* Did an answer come since the last call? */
bool xenvif_store_open_is_due(void);

/* Makes poll_block() wake up when one comes. */
void xenvif_store_open_wait(void);

/* Makes a cheap request, which blocks, and returns whether it was answered. */
bool xenvif_store_answers(struct xs_handle *);

#endif /* xenvif-store-open.h */
