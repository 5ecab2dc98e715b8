/*
 * Copyright (c) 2026 The ovs-xenvif authors.
 *
 * Licensed under the Apache License, Version 2.0 (the "License");
 * you may not use this file except in compliance with the License.
 * You may obtain a copy of the License at:
 *
 *     http://www.apache.org/licenses/LICENSE-2.0
 *
 * Unless required by applicable law or agreed to in writing, software
 * distributed under the License is distributed on an "AS IS" BASIS,
 * WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
 * See the License for the specific language governing permissions and
 * limitations under the License.
 */

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
