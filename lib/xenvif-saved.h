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

#ifndef XENVIF_SAVED_H
#define XENVIF_SAVED_H 1

/* What a guest configured over its control ring, kept for the process that
 * serves the guest after this one.
 *
 * Guests send their configuration once per connection and a connection
 * survives us, so that it has to as well.  It is in a directory of our own
 * domain, /local/domain/OWN/xenvif/DOMID/HANDLE, which guests can neither read
 * nor write.  Control thread. */

#include <stdint.h>

struct xenvif_hash;

/* Saves 'hash' in directory 'dir'. */
void xenvif_saved_write(const char *dir, const struct xenvif_hash *hash);

/* Loads what was saved in 'dir' into '*hash', as far as it makes sense; what
 * does not is as if it had never been set. */
void xenvif_saved_read(const char *dir, struct xenvif_hash *hash);

/* Forgets what was saved in 'dir'. */
void xenvif_saved_remove(const char *dir);

#endif /* xenvif-saved.h */
