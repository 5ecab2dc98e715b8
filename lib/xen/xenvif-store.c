/* SPDX-License-Identifier: Apache-2.0 */

/* Access to XenStore for the control thread. */

#include <config.h>

#include "xen/xenvif-store.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <xenstore.h>

#include "coverage.h"
#include "openvswitch/poll-loop.h"
#include "openvswitch/vlog.h"
#include "timeval.h"
#include "util.h"
#include "xen/xenvif-store-open.h"

VLOG_DEFINE_THIS_MODULE(xenvif_store);

COVERAGE_DEFINE(xenvif_store_request);
COVERAGE_DEFINE(xenvif_store_event);

/* How often a connection is checked, or tried. */
#define CHECK_INTERVAL_MS 1000

static struct xs_handle *xs;    /* NULL if there is no connection. */
static unsigned int connections; /* Number made so far. */
static long long int next_check; /* When to check or try again, in ms. */

/* Returns a positive errno value for a call that failed, and gives up on a
 * connection that will never work again. */
static int
failure(void)
{
    int error = errno ? errno : EIO;

    switch (error) {
    case EBADF: case EPIPE: case ECONNRESET: case EIO: case ENOTCONN:
        next_check = 0;
        break;
    default:
        break;
    }
    return error;
}

static void
try_connect(void)
{
    xs = xenvif_store_open();
    if (xs) {
        /* The first time is while Open vSwitch starts: not worth logging. */
        VLOG(connections ? VLL_INFO : VLL_DBG, "connected to XenStore");
        connections++;
    }
}

/* The library does not tell when its reader thread meets the end of the
 * connection, so a cheap request has to find out. */
static void
check_connection(void)
{
    if (!xenvif_store_answers(xs)) {
        VLOG_WARN("lost the connection to XenStore (%s)",
                  ovs_strerror(errno));
        xenvif_store_close();
        try_connect();
    }
}

bool
xenvif_store_run(unsigned int *generation)
{
    if ((!xs && xenvif_store_open_is_due()) || time_msec() >= next_check) {
        next_check = time_msec() + CHECK_INTERVAL_MS;
        if (xs) {
            check_connection();
        } else {
            try_connect();
        }
    }
    *generation = connections;
    return xs != NULL;
}

void
xenvif_store_wait(void)
{
    if (xs) {
        poll_fd_wait(xs_fileno(xs), POLLIN);
    } else {
        xenvif_store_open_wait();
    }
    poll_timer_wait_until(next_check);
}

void
xenvif_store_close(void)
{
    if (xs) {
        xs_close(xs);
        xs = NULL;
    }
}

char *
xenvif_store_next_event(const char **token)
{
    char **event = xs ? xs_check_watch(xs) : NULL;
    size_t path_size, token_size;
    char *copy;

    if (!event) {
        return NULL;
    }
    COVERAGE_INC(xenvif_store_event);

    /* Path and token in one block, so that the caller frees one thing. */
    path_size = strlen(event[XS_WATCH_PATH]) + 1;
    token_size = strlen(event[XS_WATCH_TOKEN]) + 1;
    copy = xmalloc(path_size + token_size);
    memcpy(copy, event[XS_WATCH_PATH], path_size);
    memcpy(copy + path_size, event[XS_WATCH_TOKEN], token_size);
    *token = copy + path_size;
    free(event);
    return copy;
}

int
xenvif_store_watch(const char *path, const char *token)
{
    COVERAGE_INC(xenvif_store_request);
    return xs && xs_watch(xs, path, token) ? 0 : failure();
}

void
xenvif_store_unwatch(const char *path, const char *token)
{
    if (xs) {
        COVERAGE_INC(xenvif_store_request);
        xs_unwatch(xs, path, token);
    }
}

xenvif_store_txn
xenvif_store_begin(void)
{
    COVERAGE_INC(xenvif_store_request);
    return xs ? xs_transaction_start(xs) : XENVIF_STORE_NO_TXN;
}

int
xenvif_store_commit(xenvif_store_txn txn)
{
    COVERAGE_INC(xenvif_store_request);
    return xs && xs_transaction_end(xs, txn, false) ? 0 : failure();
}

void
xenvif_store_abort(xenvif_store_txn txn)
{
    if (xs) {
        xs_transaction_end(xs, txn, true);
    }
}

/* Is 'value', 'len' bytes and a terminator, a string without surprises? */
static bool
is_printable(const char *value, unsigned int len)
{
    for (unsigned int i = 0; i < len; i++) {
        if (value[i] < ' ' || value[i] > '~') {
            return false;
        }
    }
    return true;
}

static char *
make_path(const char *dir, const char *key)
{
    return xasprintf("%s/%s", dir, key);
}

char *
xenvif_store_read(xenvif_store_txn txn, const char *dir, const char *key)
{
    char *path = make_path(dir, key);
    unsigned int len;
    char *value;

    COVERAGE_INC(xenvif_store_request);
    errno = EIO;
    value = xs ? xs_read(xs, txn, path, &len) : NULL;
    if (!value) {
        errno = failure();
    } else if (!is_printable(value, len)) {
        free(value);
        value = NULL;
        errno = EINVAL;
    }
    free(path);
    return value;
}

int
xenvif_store_read_u32(xenvif_store_txn txn, const char *dir, const char *key,
                      uint32_t *value)
{
    char *s = xenvif_store_read(txn, dir, key);
    int error = 0;

    if (!s) {
        return errno;
    }
    if (!xenvif_parse_u32(s, value)) {
        error = EINVAL;
    }
    free(s);
    return error;
}

int
xenvif_store_read_own_domid(uint16_t *domid)
{
    /* A path that does not start at the root starts at the own domain. */
    char *s = xs ? xs_read(xs, XBT_NULL, "domid", NULL) : NULL;
    uint32_t value;
    int error = 0;

    if (!s) {
        return failure();
    }
    if (xenvif_parse_u32(s, &value) && value <= UINT16_MAX) {
        *domid = value;
    } else {
        error = EINVAL;
    }
    free(s);
    return error;
}

int
xenvif_store_write(xenvif_store_txn txn, const char *dir, const char *key,
                   const char *value)
{
    char *path = make_path(dir, key);
    int error = 0;

    COVERAGE_INC(xenvif_store_request);
    errno = EIO;
    if (!xs || !xs_write(xs, txn, path, value, strlen(value))) {
        error = failure();
    }
    free(path);
    return error;
}

int
xenvif_store_printf(xenvif_store_txn txn, const char *dir, const char *key,
                    const char *format, ...)
{
    va_list args;
    char *value;
    int error;

    va_start(args, format);
    value = xvasprintf(format, args);
    va_end(args);
    error = xenvif_store_write(txn, dir, key, value);
    free(value);
    return error;
}

int
xenvif_store_remove(const char *dir, const char *key)
{
    char *path = make_path(dir, key);
    int error = ENOTCONN;

    if (xs) {
        COVERAGE_INC(xenvif_store_request);
        error = xs_rm(xs, XBT_NULL, path) || errno == ENOENT ? 0 : errno;
    }
    free(path);
    return error;
}

char **
xenvif_store_list(const char *dir, unsigned int *n)
{
    char **names = NULL;

    *n = 0;
    if (xs) {
        COVERAGE_INC(xenvif_store_request);
        names = xs_directory(xs, XBT_NULL, dir, n);
        if (!names) {
            failure();
            *n = 0;
        }
    }
    return names;
}

int
xenvif_store_remove_dir(const char *dir)
{
    const char *slash = strrchr(dir, '/');
    char *parent = xmemdup0(dir, slash - dir);
    int error = xenvif_store_remove(parent, slash + 1);
    unsigned int n;

    if (!error) {
        char **names = xenvif_store_list(parent, &n);

        if (names && !n) {
            xs_rm(xs, XBT_NULL, parent);
        }
        free(names);
    }
    free(parent);
    return error;
}

bool
xenvif_parse_u32(const char *s, uint32_t *value)
{
    size_t len = strspn(s, "0123456789");
    uint64_t number;

    if (len < 1 || len > 10 || s[len]) {
        return false;
    }
    number = strtoull(s, NULL, 10);
    *value = number;
    return number <= UINT32_MAX;
}
