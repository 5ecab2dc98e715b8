/* SPDX-License-Identifier: Apache-2.0 */

/* Control commands that touch XenStore as the guest.  Keys are relative to
 * the device's own directory; "." is that directory, and keys that start with
 * "/" are absolute. */

#include "guest/ctl-command.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "guest/error.h"
#include "guest/guest.h"
#include "guest/multicast.h"
#include "guest/parse.h"
#include "guest/xs-ring.h"

static void
make_path(const struct guest *g, const char *key, char *path, size_t size)
{
    if (*key == '/') {
        snprintf(path, size, "%s", key);
    } else if (!strcmp(key, ".")) {
        snprintf(path, size, "%s", g->dir);
    } else {
        snprintf(path, size, "%s/%s", g->dir, key);
    }
}

/* The driver has to know about what is written behind its back, to judge the
 * backend's answers. */
static void
note_write(struct guest *g, const char *key, const char *value)
{
    uint32_t state;

    if (!strcmp(key, "state") && guest_parse_u32(value, &state)) {
        pthread_mutex_lock(&g->mutex);
        g->frontend_state = state;
        g->reached_connected |= state == 4;
        pthread_mutex_unlock(&g->mutex);
    } else if (!strcmp(key, "request-multicast-control")) {
        guest_multicast_note_filter(g, !strcmp(value, "1"));
    }
}

static char *
cmd_write(struct guest_ctl *c, const char *path)
{
    struct guest *g = c->guest;
    char *value = c->rest + strspn(c->rest, " \t");
    size_t len;
    int error;

    /* The value is all that follows the key, with its spaces. */
    value += strcspn(value, " \t");
    value += *value ? 1 : 0;
    note_write(g, c->args[0], value);
    len = guest_unescape(value);
    error = xs_ring_write(g->xs, 0, path, value, len);
    return error ? guest_error("%s: %s", path, strerror(-error)) : NULL;
}

static char *
cmd_read(struct guest_ctl *c, const char *path)
{
    size_t len;
    char *value = xs_ring_read(c->guest->xs, 0, path, &len);

    if (!value) {
        return guest_error("%s: %s", path, strerror(errno));
    }
    for (size_t i = 0; i < len; i++) {
        if (isprint((unsigned char) value[i]) && value[i] != '\\') {
            putc(value[i], c->out);
        } else {
            fprintf(c->out, "\\x%02x", (unsigned char) value[i]);
        }
    }
    putc('\n', c->out);
    free(value);
    return NULL;
}

static char *
cmd_list(struct guest_ctl *c, const char *path)
{
    size_t len;
    char *names = xs_ring_directory(c->guest->xs, 0, path, &len);

    if (!names) {
        return guest_error("%s: %s", path, strerror(errno));
    }
    for (char *p = names; p < names + len; p += strlen(p) + 1) {
        fprintf(c->out, "%s\n", p);
    }
    free(names);
    return NULL;
}

bool
guest_ctl_store(struct guest_ctl *c, const char *name, char **errorp)
{
    char path[4096];
    int error;

    if (strncmp(name, "xs-", 3)) {
        return false;
    }
    if (!c->n_args) {
        *errorp = guest_error("%s: key missing", name);
        return true;
    }
    make_path(c->guest, c->args[0], path, sizeof path);
    if (!strcmp(name, "xs-write")) {
        *errorp = cmd_write(c, path);
    } else if (!strcmp(name, "xs-read")) {
        *errorp = cmd_read(c, path);
    } else if (!strcmp(name, "xs-ls")) {
        *errorp = cmd_list(c, path);
    } else if (!strcmp(name, "xs-rm")) {
        error = xs_ring_rm(c->guest->xs, 0, path);
        if (error) {
            *errorp = guest_error("%s: %s", path, strerror(-error));
        }
    } else {
        return false;
    }
    return true;
}
