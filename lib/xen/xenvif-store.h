/* SPDX-License-Identifier: Apache-2.0 */

#ifndef XENVIF_STORE_H
#define XENVIF_STORE_H 1

/* Access to XenStore for the control thread.
 *
 * This is the only code that calls libxenstore.  All calls block until
 * xenstored answers and belong to the control thread alone.
 *
 * The connection may break at any moment.  Calls then fail with EIO or the
 * like, xenvif_store_run() notices and connects again, and everything has to
 * be read anew.
 *
 * Values in XenStore may come from a guest.  What the functions here return is
 * free of control characters and not longer than XenStore allows (4096
 * bytes). */

#include <stdbool.h>
#include <stdint.h>

#include "compiler.h"

/* Connects if there is no connection; checks it if there is one, at most once
 * a second.  Returns true while connected.  '*generation' changes with every
 * new connection: watches have to be set anew then. */
bool xenvif_store_run(unsigned int *generation);

/* Makes poll_block() wake up when an event is there or xenvif_store_run() has
 * something to do. */
void xenvif_store_wait(void);

/* Closes the connection. */
void xenvif_store_close(void);

/* Returns the next event of a watch: the caller frees the path that changed,
 * and '*token', the token of the watch, stays valid as long as that.  Returns
 * NULL if there is none. */
char *xenvif_store_next_event(const char **token);

/* Sets a watch on 'path'.  An event follows at once.  Returns 0 or a positive
 * errno value. */
int xenvif_store_watch(const char *path, const char *token);
void xenvif_store_unwatch(const char *path, const char *token);

/* A transaction, or no transaction. */
typedef uint32_t xenvif_store_txn;
#define XENVIF_STORE_NO_TXN 0

/* Begins a transaction.  Returns XENVIF_STORE_NO_TXN on failure. */
xenvif_store_txn xenvif_store_begin(void);

/* Ends 'txn'.  Returns 0, EAGAIN if it has to be done all over because
 * somebody else changed what it touched, or another positive errno value. */
int xenvif_store_commit(xenvif_store_txn txn);
void xenvif_store_abort(xenvif_store_txn txn);

/* Reads node 'dir'/'key'.  Returns a string that the caller frees, or NULL if
 * the node does not exist (ENOENT in errno), cannot be read, or holds bytes
 * that are not printable ASCII (EINVAL). */
char *xenvif_store_read(xenvif_store_txn, const char *dir, const char *key);

/* Reads a node that holds a decimal number of 32 bits.  Returns 0, ENOENT if
 * there is no such node, EINVAL if it holds anything else, or another positive
 * errno value. */
int xenvif_store_read_u32(xenvif_store_txn, const char *dir, const char *key,
                          uint32_t *value);

/* Writes node 'dir'/'key'.  Returns 0 or a positive errno value. */
int xenvif_store_write(xenvif_store_txn, const char *dir, const char *key,
                       const char *value);
int xenvif_store_printf(xenvif_store_txn, const char *dir, const char *key,
                        const char *format, ...) OVS_PRINTF_FORMAT(4, 5);

/* Removes node 'dir'/'key'; it is no error if there is none.  Returns 0 or a
 * positive errno value. */
int xenvif_store_remove(const char *dir, const char *key);

/* Removes 'dir' with all that is in it, and then the directory that it is in,
 * if that is empty now.  Returns 0, also if 'dir' did not exist, or a positive
 * errno value if it may still be there. */
int xenvif_store_remove_dir(const char *dir);

/* Reads the id of the domain that this process runs in.  Returns 0 or a
 * positive errno value. */
int xenvif_store_read_own_domid(uint16_t *domid);

/* Returns the names of the children of 'dir', '*n' of them, in memory that the
 * caller frees with one free().  Returns NULL if there are none. */
char **xenvif_store_list(const char *dir, unsigned int *n);

/* Parses a decimal number the way XenStore keys are written: 1 to 10 digits
 * and nothing else.  Returns true if it fits 32 bits. */
bool xenvif_parse_u32(const char *s, uint32_t *value);

#endif /* xenvif-store.h */
