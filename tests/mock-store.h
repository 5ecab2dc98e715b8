/* SPDX-License-Identifier: Apache-2.0 */

#ifndef MOCK_STORE_H
#define MOCK_STORE_H 1

/* A small XenStore in the test program.  mock-store.c has the functions of
 * libxenstore that xenvif-store.c calls and takes their place; watches never
 * fire.  Paths that do not start at the root start at domain 0. */

#include <stdbool.h>

/* What happened, and what is to happen. */
struct mock_store {
    unsigned int n_nodes;
    bool in_transaction;
    unsigned int n_commits, n_aborts;
    unsigned int n_conflicts;   /* Commits that are to fail with EAGAIN. */
    int fail_write_at;          /* The write that is to fail, or -1. */
    bool fail_removes;          /* True if removes are to fail. */
    unsigned int n_writes;      /* Writes that did not fail. */
    char *last_written;         /* Path, or NULL. */
};

extern struct mock_store mock_store;

/* For cmocka: connects xenvif-store.c to it, and disconnects.  The log is
 * off from then on. */
int mock_store_group_setup(void **state);
int mock_store_group_teardown(void **state);

/* Starts with nothing but domain 0's id.  There must be no transaction. */
void store_clear(void);

void store_put(const char *path, const char *value);
void store_put_bytes(const char *path, const void *value, unsigned int len);

/* Removes a single node, which need not exist. */
void store_drop(const char *path);

/* Returns the value of a node, valid until it changes, or NULL. */
const char *store_get(const char *path);

#endif /* mock-store.h */
