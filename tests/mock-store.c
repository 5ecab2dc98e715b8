/* SPDX-License-Identifier: Apache-2.0 */

/* A small XenStore in the test program, in place of libxenstore. */

#include <config.h>

#include "mock-store.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <xenstore.h>

#include <cmocka.h>

#include "openvswitch/vlog.h"
#include "sset.h"
#include "util.h"
#include "xen/xenvif-store.h"

#define MAX_NODES 512

/* XenStore takes no more per message. */
#define MAX_MESSAGE 4096

struct node {
    char *path;
    char *value;
    unsigned int len;
};

struct mock_store mock_store = { .fail_write_at = -1 };

static struct node nodes[MAX_NODES]; /* 'mock_store.n_nodes' of them. */

/* Copy of the nodes at the begin of a transaction. */
static struct node before[MAX_NODES];
static unsigned int n_before;

static void
clear(struct node *array, unsigned int *n)
{
    for (unsigned int i = 0; i < *n; i++) {
        free(array[i].path);
        free(array[i].value);
    }
    *n = 0;
}

static void
copy(struct node *to, unsigned int *n_to, const struct node *from,
     unsigned int n_from)
{
    clear(to, n_to);
    for (unsigned int i = 0; i < n_from; i++) {
        to[i].path = xstrdup(from[i].path);
        to[i].value = xmemdup0(from[i].value, from[i].len);
        to[i].len = from[i].len;
    }
    *n_to = n_from;
}

static struct node *
find(const char *path)
{
    for (unsigned int i = 0; i < mock_store.n_nodes; i++) {
        if (!strcmp(nodes[i].path, path)) {
            return &nodes[i];
        }
    }
    return NULL;
}

void
store_put_bytes(const char *path, const void *value, unsigned int len)
{
    struct node *node = find(path);

    if (!node) {
        assert_in_range(mock_store.n_nodes, 0, MAX_NODES - 1);
        node = &nodes[mock_store.n_nodes++];
        node->path = xstrdup(path);
    } else {
        free(node->value);
    }
    node->value = xmemdup0(value, len);
    node->len = len;
}

void
store_put(const char *path, const char *value)
{
    store_put_bytes(path, value, strlen(value));
}

static void
remove_node(struct node *node)
{
    free(node->path);
    free(node->value);
    *node = nodes[--mock_store.n_nodes];
}

void
store_drop(const char *path)
{
    struct node *node = find(path);

    if (node) {
        remove_node(node);
    }
}

const char *
store_get(const char *path)
{
    struct node *node = find(path);

    return node ? node->value : NULL;
}

void
store_clear(void)
{
    assert_false(mock_store.in_transaction);
    clear(nodes, &mock_store.n_nodes);
    clear(before, &n_before);
    free(mock_store.last_written);
    memset(&mock_store, 0, sizeof mock_store);
    mock_store.fail_write_at = -1;
    store_put("/local/domain/0/domid", "0");
}

int
mock_store_group_setup(void **state)
{
    unsigned int generation;

    (void) state;
    vlog_set_levels(NULL, VLF_ANY_DESTINATION, VLL_OFF);
    store_clear();
    return !xenvif_store_run(&generation);
}

int
mock_store_group_teardown(void **state)
{
    (void) state;
    xenvif_store_close();
    store_clear();
    clear(nodes, &mock_store.n_nodes);
    return 0;
}

/* libxenstore. */

static struct xs_handle *const handle = (struct xs_handle *) &mock_store;

struct xs_handle *
xs_open(unsigned long flags OVS_UNUSED)
{
    return handle;
}

void
xs_close(struct xs_handle *xsh)
{
    assert_ptr_equal(xsh, handle);
}

/* Nobody changes anything behind the back of the program. */
bool
xs_watch(struct xs_handle *h, const char *path OVS_UNUSED,
         const char *token OVS_UNUSED)
{
    assert_ptr_equal(h, handle);
    return true;
}

bool
xs_unwatch(struct xs_handle *h, const char *path OVS_UNUSED,
           const char *token OVS_UNUSED)
{
    assert_ptr_equal(h, handle);
    return true;
}

void *
xs_read(struct xs_handle *h, xs_transaction_t t, const char *path,
        unsigned int *len)
{
    struct node *node;

    assert_ptr_equal(h, handle);
    assert_true(!t || mock_store.in_transaction);
    node = find(path[0] == '/' ? path : "/local/domain/0/domid");
    if (!node) {
        errno = ENOENT;
        return NULL;
    }
    if (len) {
        *len = node->len;
    }
    return xmemdup0(node->value, node->len);
}

bool
xs_write(struct xs_handle *h, xs_transaction_t t, const char *path,
         const void *data, unsigned int len)
{
    assert_ptr_equal(h, handle);
    assert_int_equal(!t, !mock_store.in_transaction);
    assert_true(strlen(path) + 1 + len <= MAX_MESSAGE);
    if (mock_store.fail_write_at >= 0 && !mock_store.fail_write_at--) {
        errno = EACCES;
        return false;
    }
    store_put_bytes(path, data, len);
    mock_store.n_writes++;
    free(mock_store.last_written);
    mock_store.last_written = xstrdup(path);
    return true;
}

/* Removes the node and all below it. */
bool
xs_rm(struct xs_handle *h, xs_transaction_t t, const char *path)
{
    size_t len = strlen(path);

    assert_ptr_equal(h, handle);
    assert_int_equal(!t, !mock_store.in_transaction);
    if (mock_store.fail_removes) {
        errno = EACCES;
        return false;
    }
    for (unsigned int i = mock_store.n_nodes; i--;) {
        const char *other = nodes[i].path;

        if (!strncmp(other, path, len) && (!other[len] || other[len] == '/')) {
            remove_node(&nodes[i]);
        }
    }
    return true;
}

/* Returns the names of the node's children, in one block, as the library does.
 */
char **
xs_directory(struct xs_handle *h, xs_transaction_t t OVS_UNUSED,
             const char *path, unsigned int *n)
{
    struct sset names = SSET_INITIALIZER(&names);
    size_t len = strlen(path), size = 0;
    const char *name;
    char **result, *p;

    assert_ptr_equal(h, handle);
    for (unsigned int i = 0; i < mock_store.n_nodes; i++) {
        const char *other = nodes[i].path;

        if (!strncmp(other, path, len) && other[len] == '/') {
            char *child = xmemdup0(other + len + 1,
                                   strcspn(other + len + 1, "/"));

            size += sset_add(&names, child) ? strlen(child) + 1 : 0;
            free(child);
        }
    }
    *n = sset_count(&names);
    result = xmalloc(MAX(1, *n * sizeof *result + size));
    p = (char *) (result + *n);
    *n = 0;
    SSET_FOR_EACH (name, &names) {
        result[(*n)++] = strcpy(p, name);
        p += strlen(name) + 1;
    }
    sset_destroy(&names);
    return result;
}

xs_transaction_t
xs_transaction_start(struct xs_handle *h)
{
    assert_ptr_equal(h, handle);
    assert_false(mock_store.in_transaction);
    mock_store.in_transaction = true;
    copy(before, &n_before, nodes, mock_store.n_nodes);
    return 1;
}

bool
xs_transaction_end(struct xs_handle *h, xs_transaction_t t, bool abort)
{
    assert_ptr_equal(h, handle);
    assert_int_equal(t, 1);
    assert_true(mock_store.in_transaction);
    mock_store.in_transaction = false;
    if (abort || mock_store.n_conflicts) {
        copy(nodes, &mock_store.n_nodes, before, n_before);
    }
    if (abort) {
        mock_store.n_aborts++;
    } else if (mock_store.n_conflicts) {
        mock_store.n_conflicts--;
        errno = EAGAIN;
        return false;
    } else {
        mock_store.n_commits++;
    }
    return true;
}
