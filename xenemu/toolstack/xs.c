/* SPDX-License-Identifier: Apache-2.0 */

/* XenStore, as the command "xenemu" uses it. */

#include "toolstack/cmd.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Returns the connection to the host's xenstored, or ends the program. */
struct xs_handle *
cmd_xs(void)
{
    static struct xs_handle *xs;

    if (!xs) {
        xs = xs_open(0);
        if (!xs) {
            cmd_error("cannot reach xenstored in %s: %s", xh.dir,
                      strerror(errno));
            exit(CMD_FAILED);
        }
    }
    return xs;
}

/* Writes 'dir'/'key'. */
bool
cmd_xs_write(xs_transaction_t t, const char *dir, const char *key,
             const char *value)
{
    char *path = cmd_printf("%s/%s", dir, key);
    bool ok = xs_write(cmd_xs(), t, path, value, strlen(value));

    free(path);
    return ok;
}

/* Returns the value of 'dir'/'key', to be freed by the caller, or NULL. */
char *
cmd_xs_read(xs_transaction_t t, const char *dir, const char *key)
{
    char *path = cmd_printf("%s/%s", dir, key);
    unsigned int len;
    char *value = xs_read(cmd_xs(), t, path, &len);

    free(path);
    return value;
}

/* Makes a folder of domain 'owner' that 'reader', unless negative, may also
 * read. */
bool
cmd_xs_mkdir(xs_transaction_t t, const char *path, unsigned int owner,
             int reader)
{
    struct xs_permissions perms[2] = {
        { .id = owner, .perms = XS_PERM_NONE },
        { .id = reader < 0 ? 0 : reader, .perms = XS_PERM_READ },
    };

    return (xs_mkdir(cmd_xs(), t, path)
            && xs_set_permissions(cmd_xs(), t, path, perms,
                                  reader < 0 ? 1 : 2));
}

/* Runs 'body' in a transaction, again whenever it met another one.  Returns 0
 * or -errno. */
int
cmd_xs_transaction(bool (*body)(xs_transaction_t, void *), void *aux)
{
    for (;;) {
        xs_transaction_t t = xs_transaction_start(cmd_xs());

        if (!t) {
            return -errno;
        }
        if (!body(t, aux)) {
            int error = errno;
            xs_transaction_end(cmd_xs(), t, true);
            return error ? -error : -EIO;
        }
        if (xs_transaction_end(cmd_xs(), t, false)) {
            return 0;
        }
        if (errno != EAGAIN) {
            return -errno;
        }
    }
}

/* Is the value of 'path' one of 'wanted' (in which "" stands for a node that
 * is gone)? */
static bool
is_wanted(const char *path, const char *const *wanted)
{
    unsigned int len;
    char *value = xs_read(cmd_xs(), XBT_NULL, path, &len);
    bool found = false;

    for (; *wanted && !found; wanted++) {
        found = value ? **wanted && !strcmp(value, *wanted) : !**wanted;
    }
    free(value);
    return found;
}

/* Waits until 'path' has one of the values 'wanted', a list that ends in NULL.
 * Returns false if it does not within 'timeout_ms'. */
bool
cmd_xs_wait(const char *path, const char *const *wanted,
            unsigned int timeout_ms)
{
    uint64_t deadline = xh_now() + (uint64_t) timeout_ms * 1000000;
    struct pollfd pfd = { .fd = xs_fileno(cmd_xs()), .events = POLLIN };
    bool found;

    if (!xs_watch(cmd_xs(), path, "wait")) {
        return false;
    }
    while (!(found = is_wanted(path, wanted))) {
        uint64_t now = xh_now();
        char **event;

        if (now >= deadline
            || poll(&pfd, 1, (deadline - now) / 1000000 + 1) < 0) {
            break;
        }
        while ((event = xs_check_watch(cmd_xs()))) {
            free(event);
        }
    }
    xs_unwatch(cmd_xs(), path, "wait");
    return found;
}
