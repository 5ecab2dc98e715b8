/* SPDX-License-Identifier: Apache-2.0 */

/* The control socket: accepts connections and reads commands from them, one
 * per line.  The answer to each is any number of lines, then one that is "ok"
 * or starts with "error: ". */

#include "guest/ctl.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "guest/ctl-command.h"
#include "guest/error.h"
#include "guest/guest.h"
#include "guest/paths.h"

#define MAX_CONNECTIONS 32

static struct guest *the_guest;
static int listen_fd = -1;
static pthread_t listener;
static bool closing;            /* Atomic. */

static pthread_mutex_t conns_mutex = PTHREAD_MUTEX_INITIALIZER;
static int conns[MAX_CONNECTIONS]; /* Descriptor + 1, 0: free. */

static bool
is_closing(void)
{
    return __atomic_load_n(&closing, __ATOMIC_ACQUIRE);
}

/* Executes the command in 'line', which it may modify. */
static char *
execute(struct guest_ctl *c, char *line)
{
    char *save = NULL;
    char *copy = strdup(line);
    char *name = strtok_r(line, " \t", &save);
    char *error = NULL;

    c->rest = copy + strspn(copy, " \t");
    c->rest += strcspn(c->rest, " \t");
    c->n_args = 0;
    while (name && c->n_args < sizeof c->args / sizeof c->args[0] - 1
           && (c->args[c->n_args] = strtok_r(NULL, " \t", &save))) {
        c->n_args++;
    }
    c->args[c->n_args] = NULL;
    if (name && !guest_ctl_life(c, name, &error)
        && !guest_ctl_data(c, name, &error)
        && !guest_ctl_proto(c, name, &error)
        && !guest_ctl_store(c, name, &error)) {
        error = guest_error("%s: unknown command", name);
    }
    free(copy);
    return error;
}

static void *
connection_main(void *slot_)
{
    int *slot = slot_;
    int fd = *slot - 1;
    struct guest_ctl c = { .guest = the_guest, .closing = &closing };
    FILE *in = fdopen(dup(fd), "r");
    char *line = NULL;
    size_t size = 0;
    ssize_t len;

    c.out = fdopen(dup(fd), "w");
    while (in && c.out && (len = getline(&line, &size, in)) > 0) {
        char *error;

        if (line[len - 1] == '\n') {
            line[len - 1] = '\0';
        }
        error = execute(&c, line);
        if (error) {
            fprintf(c.out, "error: %s\n", error);
        } else {
            fprintf(c.out, "ok\n");
        }
        fflush(c.out);
        free(error);
    }
    free(line);
    if (in) {
        fclose(in);
    }
    if (c.out) {
        fclose(c.out);
    }
    pthread_mutex_lock(&conns_mutex);
    close(fd);
    *slot = 0;
    pthread_mutex_unlock(&conns_mutex);
    return NULL;
}

static void
start_connection(int fd)
{
    pthread_t thread;
    int *slot = NULL;

    pthread_mutex_lock(&conns_mutex);
    for (unsigned int i = 0; i < MAX_CONNECTIONS && !slot; i++) {
        if (!conns[i]) {
            slot = &conns[i];
            *slot = fd + 1;
        }
    }
    if (!slot || pthread_create(&thread, NULL, connection_main, slot)) {
        if (slot) {
            *slot = 0;
        }
        close(fd);
    } else {
        pthread_detach(thread);
    }
    pthread_mutex_unlock(&conns_mutex);
}

static void *
listener_main(void *unused)
{
    (void) unused;
    while (!is_closing()) {
        int fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC);

        if (fd >= 0) {
            start_connection(fd);
        } else if (errno != EINTR && errno != ECONNABORTED) {
            break;
        }
    }
    return NULL;
}

int
guest_ctl_open(struct guest *g)
{
    struct sockaddr_un sun = { .sun_family = AF_UNIX };

    the_guest = g;
    guest_ctl_path(sun.sun_path, sizeof sun.sun_path, g->cfg.domid,
                   g->cfg.devid);
    unlink(sun.sun_path);
    listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (listen_fd < 0
        || bind(listen_fd, (struct sockaddr *) &sun, sizeof sun)
        || listen(listen_fd, 8)) {
        return -errno;
    }
    return -pthread_create(&listener, NULL, listener_main, NULL);
}

void
guest_ctl_close(struct guest *g)
{
    const struct timespec pause = { .tv_nsec = 2000000 };
    char path[128];
    bool busy = true;

    __atomic_store_n(&closing, true, __ATOMIC_RELEASE);
    pthread_mutex_lock(&g->mutex);
    pthread_cond_broadcast(&g->cond);
    pthread_mutex_unlock(&g->mutex);
    guest_ctl_path(path, sizeof path, g->cfg.domid, g->cfg.devid);
    unlink(path);
    shutdown(listen_fd, SHUT_RDWR);
    pthread_join(listener, NULL);
    close(listen_fd);

    while (busy) {
        busy = false;
        pthread_mutex_lock(&conns_mutex);
        for (unsigned int i = 0; i < MAX_CONNECTIONS; i++) {
            if (conns[i]) {
                shutdown(conns[i] - 1, SHUT_RD);
                busy = true;
            }
        }
        pthread_mutex_unlock(&conns_mutex);
        nanosleep(&pause, NULL);
    }
}
