/* SPDX-License-Identifier: Apache-2.0 */

#ifndef GUEST_XS_RING_H
#define GUEST_XS_RING_H 1

/* A XenStore client for a guest: the wire protocol over the ring page that
 * the toolstack gave to the domain, so that xenstored sees the guest and not
 * the host's root user, and applies a guest's permissions and quotas.
 *
 * All functions are thread-safe and block until xenstored has answered, at
 * most XS_RING_TIMEOUT_S seconds.  Paths may be relative to the domain's own
 * directory.  Unless said otherwise, functions return 0 or a negative errno:
 * the one xenstored answered with, or -ETIMEDOUT if it did not answer.
 *
 * 'tx' is a transaction from xs_ring_begin(), or 0 for none. */

#include <stddef.h>
#include <stdint.h>
#include <xenevtchn.h>

#define XS_RING_TIMEOUT_S 30

struct xs_ring;

/* Starts talking over ring 'page', whose event channel is 'port' of 'xce'.
 * The handle must carry no other port and belongs to the new object, also on
 * failure.  Forgets the watches of an earlier user of the ring.  Returns NULL
 * with errno set if xenstored does not answer. */
struct xs_ring *xs_ring_open(void *page, struct xenevtchn_handle *xce,
                             uint32_t port);
void xs_ring_close(struct xs_ring *);

/* Returns the value of 'path', which the caller must free(), with its length
 * in '*lenp' if that is nonnull and a null byte behind it; or NULL with errno
 * set. */
char *xs_ring_read(struct xs_ring *, uint32_t tx, const char *path,
                   size_t *lenp);

/* Returns the names of the children of 'path', each terminated by a null
 * byte, to be freed by the caller, and their total length in '*lenp'; or NULL
 * with errno set. */
char *xs_ring_directory(struct xs_ring *, uint32_t tx, const char *path,
                        size_t *lenp);

int xs_ring_write(struct xs_ring *, uint32_t tx, const char *path,
                  const void *value, size_t len);
int xs_ring_mkdir(struct xs_ring *, uint32_t tx, const char *path);
int xs_ring_rm(struct xs_ring *, uint32_t tx, const char *path);

/* Transactions.  xs_ring_commit() returns -EAGAIN if the whole transaction
 * has to be repeated; xs_ring_transact() does so, and aborts if 'cb' returns
 * other than 0, which it then returns. */
int xs_ring_begin(struct xs_ring *, uint32_t *txp);
int xs_ring_commit(struct xs_ring *, uint32_t tx);
int xs_ring_abort(struct xs_ring *, uint32_t tx);
int xs_ring_transact(struct xs_ring *,
                     int (*cb)(struct xs_ring *, uint32_t tx, void *aux),
                     void *aux);

/* Watches.  Events queue up without bound until they are taken;
 * xs_ring_event_fd() is readable while there are any. */
int xs_ring_watch(struct xs_ring *, const char *path, const char *token);
int xs_ring_unwatch(struct xs_ring *, const char *path, const char *token);
int xs_ring_event_fd(const struct xs_ring *);

/* Takes the oldest event: returns its path, to be freed by the caller, with
 * '*tokenp' pointing to the token inside the same memory; NULL if none. */
char *xs_ring_next_event(struct xs_ring *, const char **tokenp);

#endif /* guest/xs-ring.h */
