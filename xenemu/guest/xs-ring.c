/* SPDX-License-Identifier: Apache-2.0 */

#include "guest/xs-ring.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>
#include <xen/io/xs_wire.h>

struct xs_event {
    struct xs_event *next;
    char data[];                /* Path, null byte, token, null byte. */
};

struct xs_ring {
    struct xenstore_domain_interface *intf;
    struct xenevtchn_handle *xce;
    uint32_t port;
    pthread_t reader;
    int stop_fd;                /* Written once to end the reader. */
    int event_fd;               /* Semaphore: one unit per queued event. */

    pthread_mutex_t request_mutex; /* Held from request to reply. */
    uint32_t last_id;           /* Of the last request. */

    pthread_mutex_t mutex;      /* Protects all that follows. */
    pthread_cond_t cond;        /* Event on the port, or a reply. */
    bool awaiting;              /* Reply to 'last_id' not yet there. */
    uint32_t reply_type;
    char *reply;
    size_t reply_len;
    struct xs_event *first, **last;
};

/* Shared index words.  Everything is little-endian and naturally aligned, so
 * that one load sees one store. */
static uint32_t
load_index(const uint32_t *index)
{
    return __atomic_load_n(index, __ATOMIC_ACQUIRE);
}

static void
store_index(uint32_t *index, uint32_t value)
{
    /* The other side may be about to sleep on what this store changes, so it
     * has to be visible before the notification that follows. */
    __atomic_store_n(index, value, __ATOMIC_SEQ_CST);
}

static struct timespec
deadline_after(unsigned int seconds)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    ts.tv_sec += seconds;
    return ts;
}

/* Sleeps until the port fires.  Returns false if the reader has to end. */
static bool
wait_for_port(struct xs_ring *xs)
{
    struct pollfd fds[2] = {
        { .fd = xenevtchn_fd(xs->xce), .events = POLLIN },
        { .fd = xs->stop_fd, .events = POLLIN },
    };

    if (poll(fds, 2, -1) < 0 && errno != EINTR) {
        return false;
    }
    if (fds[1].revents) {
        return false;
    }
    if (fds[0].revents & POLLIN) {
        int port = xenevtchn_pending(xs->xce);

        if (port >= 0) {
            xenevtchn_unmask(xs->xce, port);
        }
    } else if (fds[0].revents) {
        return false;
    }

    /* There may be space for a writer now. */
    pthread_mutex_lock(&xs->mutex);
    pthread_cond_broadcast(&xs->cond);
    pthread_mutex_unlock(&xs->mutex);
    return true;
}

/* Reads 'n' bytes of the response stream.  Returns false at the end. */
static bool
read_bytes(struct xs_ring *xs, void *dst_, size_t n)
{
    struct xenstore_domain_interface *intf = xs->intf;
    char *dst = dst_;

    while (n) {
        uint32_t cons = intf->rsp_cons;
        uint32_t avail = load_index(&intf->rsp_prod) - cons;
        uint32_t ofs = MASK_XENSTORE_IDX(cons);
        size_t chunk = XENSTORE_RING_SIZE - ofs;

        if (avail > XENSTORE_RING_SIZE) {
            fprintf(stderr, "xs-ring: bad response index\n");
            return false;
        }
        if (!avail) {
            if (!wait_for_port(xs)) {
                return false;
            }
            continue;
        }
        chunk = chunk < avail ? chunk : avail;
        chunk = chunk < n ? chunk : n;
        memcpy(dst, intf->rsp + ofs, chunk);
        store_index(&intf->rsp_cons, cons + chunk);
        xenevtchn_notify(xs->xce, xs->port);
        dst += chunk;
        n -= chunk;
    }
    return true;
}

/* Writes 'n' bytes of the request stream. */
static int
write_bytes(struct xs_ring *xs, const void *src_, size_t n)
{
    struct xenstore_domain_interface *intf = xs->intf;
    struct timespec deadline = deadline_after(XS_RING_TIMEOUT_S);
    const char *src = src_;
    int error = 0;

    pthread_mutex_lock(&xs->mutex);
    while (n && !error) {
        uint32_t prod = intf->req_prod;
        uint32_t space = XENSTORE_RING_SIZE
                         - (prod - load_index(&intf->req_cons));
        uint32_t ofs = MASK_XENSTORE_IDX(prod);
        size_t chunk = XENSTORE_RING_SIZE - ofs;

        if (!space || space > XENSTORE_RING_SIZE) {
            error = -pthread_cond_timedwait(&xs->cond, &xs->mutex, &deadline);
            continue;
        }
        chunk = chunk < space ? chunk : space;
        chunk = chunk < n ? chunk : n;
        memcpy(intf->req + ofs, src, chunk);
        store_index(&intf->req_prod, prod + chunk);
        xenevtchn_notify(xs->xce, xs->port);
        src += chunk;
        n -= chunk;
    }
    pthread_mutex_unlock(&xs->mutex);
    return error;
}

/* Queues a watch event.  Takes ownership of 'payload'. */
static void
queue_event(struct xs_ring *xs, char *payload, size_t len)
{
    struct xs_event *event = malloc(sizeof *event + len + 2);
    uint64_t one = 1;

    if (event) {
        event->next = NULL;
        memcpy(event->data, payload, len);
        event->data[len] = event->data[len + 1] = '\0';
        pthread_mutex_lock(&xs->mutex);
        *xs->last = event;
        xs->last = &event->next;
        pthread_mutex_unlock(&xs->mutex);
        if (write(xs->event_fd, &one, sizeof one) < 0) {
            perror("xs-ring: eventfd");
        }
    }
    free(payload);
}

/* Hands a reply to the thread that waits for it.  One that nobody waits for
 * belongs to an earlier user of the ring that died, or came too late. */
static void
deliver_reply(struct xs_ring *xs, const struct xsd_sockmsg *msg,
              char *payload)
{
    pthread_mutex_lock(&xs->mutex);
    if (xs->awaiting && msg->req_id == xs->last_id) {
        xs->awaiting = false;
        xs->reply_type = msg->type;
        xs->reply = payload;
        xs->reply_len = msg->len;
        payload = NULL;
        pthread_cond_broadcast(&xs->cond);
    }
    pthread_mutex_unlock(&xs->mutex);
    free(payload);
}

static void *
reader_main(void *xs_)
{
    struct xs_ring *xs = xs_;
    struct xsd_sockmsg msg;

    while (read_bytes(xs, &msg, sizeof msg)) {
        char *payload;

        if (msg.len > XENSTORE_PAYLOAD_MAX) {
            fprintf(stderr, "xs-ring: message of %u bytes\n", msg.len);
            break;
        }
        payload = malloc(msg.len + 1);
        if (!payload || !read_bytes(xs, payload, msg.len)) {
            free(payload);
            break;
        }
        payload[msg.len] = '\0';
        if (msg.type == XS_WATCH_EVENT) {
            queue_event(xs, payload, msg.len);
        } else {
            deliver_reply(xs, &msg, payload);
        }
    }
    return NULL;
}

static int
parse_error(const char *text)
{
    for (size_t i = 0; i < sizeof xsd_errors / sizeof xsd_errors[0]; i++) {
        if (!strcmp(xsd_errors[i].errstring, text)) {
            return -xsd_errors[i].errnum;
        }
    }
    return -EIO;
}

/* Waits for the reply to request 'xs->last_id'. */
static int
await_reply(struct xs_ring *xs, uint32_t type, char **replyp, size_t *lenp)
{
    struct timespec deadline = deadline_after(XS_RING_TIMEOUT_S);
    int error = 0;

    pthread_mutex_lock(&xs->mutex);
    while (xs->awaiting && !error) {
        error = -pthread_cond_timedwait(&xs->cond, &xs->mutex, &deadline);
    }
    if (xs->awaiting) {
        xs->awaiting = false;
    } else {
        error = (xs->reply_type == type ? 0
                 : xs->reply_type == XS_ERROR ? parse_error(xs->reply)
                 : -EPROTO);
        if (!error && replyp) {
            *replyp = xs->reply;
            *lenp = xs->reply_len;
        } else {
            free(xs->reply);
        }
        xs->reply = NULL;
    }
    pthread_mutex_unlock(&xs->mutex);
    return error;
}

/* Sends a request whose payload is the concatenation of up to two parts and
 * returns its reply in '*replyp' if that is nonnull. */
static int
talk(struct xs_ring *xs, uint32_t type, uint32_t tx, const void *a,
     size_t a_len, const void *b, size_t b_len, char **replyp, size_t *lenp)
{
    struct xsd_sockmsg msg = { .type = type, .tx_id = tx };
    char buf[sizeof msg + XENSTORE_PAYLOAD_MAX];
    int error;

    if (a_len + b_len > XENSTORE_PAYLOAD_MAX) {
        return -E2BIG;
    }
    msg.len = a_len + b_len;

    pthread_mutex_lock(&xs->request_mutex);
    pthread_mutex_lock(&xs->mutex);
    msg.req_id = ++xs->last_id;
    xs->awaiting = true;
    pthread_mutex_unlock(&xs->mutex);

    memcpy(buf, &msg, sizeof msg);
    memcpy(buf + sizeof msg, a, a_len);
    if (b_len) {
        memcpy(buf + sizeof msg + a_len, b, b_len);
    }
    error = write_bytes(xs, buf, sizeof msg + msg.len);
    if (!error) {
        error = await_reply(xs, type, replyp, lenp);
    }
    pthread_mutex_unlock(&xs->request_mutex);
    return error;
}

static void
destroy(struct xs_ring *xs)
{
    close(xs->stop_fd);
    close(xs->event_fd);
    pthread_cond_destroy(&xs->cond);
    pthread_mutex_destroy(&xs->mutex);
    pthread_mutex_destroy(&xs->request_mutex);
    xenevtchn_close(xs->xce);
    free(xs);
}

struct xs_ring *
xs_ring_open(void *page, struct xenevtchn_handle *xce, uint32_t port)
{
    struct xs_ring *xs = calloc(1, sizeof *xs);
    pthread_condattr_t attr;
    struct timespec now;
    int error;

    if (!xs) {
        xenevtchn_close(xce);
        errno = ENOMEM;
        return NULL;
    }
    clock_gettime(CLOCK_REALTIME, &now);
    xs->intf = page;
    xs->xce = xce;
    xs->port = port;
    /* So that a late reply to an earlier user of the ring is not mistaken. */
    xs->last_id = now.tv_nsec ^ (now.tv_sec << 12);
    xs->last = &xs->first;
    xs->stop_fd = eventfd(0, EFD_CLOEXEC);
    xs->event_fd = eventfd(0, EFD_CLOEXEC | EFD_SEMAPHORE | EFD_NONBLOCK);
    pthread_mutex_init(&xs->request_mutex, NULL);
    pthread_mutex_init(&xs->mutex, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&xs->cond, &attr);
    pthread_condattr_destroy(&attr);

    error = pthread_create(&xs->reader, NULL, reader_main, xs);
    if (error) {
        destroy(xs);
        errno = error;
        return NULL;
    }

    /* Old servers do not know this request, which is no reason to give up. */
    error = talk(xs, XS_RESET_WATCHES, 0, "", 1, NULL, 0, NULL, NULL);
    if (error == -ETIMEDOUT) {
        xs_ring_close(xs);
        errno = ETIMEDOUT;
        return NULL;
    }
    return xs;
}

void
xs_ring_close(struct xs_ring *xs)
{
    uint64_t one = 1;
    const char *token;
    char *path;

    if (!xs) {
        return;
    }
    if (write(xs->stop_fd, &one, sizeof one) < 0) {
        perror("xs-ring: eventfd");
    }
    pthread_join(xs->reader, NULL);
    while ((path = xs_ring_next_event(xs, &token))) {
        free(path);
    }
    destroy(xs);
}

static char *
talk_for_text(struct xs_ring *xs, uint32_t type, uint32_t tx,
              const char *path, size_t *lenp)
{
    char *reply = NULL;
    size_t len;
    int error;

    error = talk(xs, type, tx, path, strlen(path) + 1, NULL, 0, &reply, &len);
    if (error) {
        errno = -error;
        return NULL;
    }
    if (lenp) {
        *lenp = len;
    }
    return reply;
}

char *
xs_ring_read(struct xs_ring *xs, uint32_t tx, const char *path, size_t *lenp)
{
    return talk_for_text(xs, XS_READ, tx, path, lenp);
}

char *
xs_ring_directory(struct xs_ring *xs, uint32_t tx, const char *path,
                  size_t *lenp)
{
    return talk_for_text(xs, XS_DIRECTORY, tx, path, lenp);
}

int
xs_ring_write(struct xs_ring *xs, uint32_t tx, const char *path,
              const void *value, size_t len)
{
    return talk(xs, XS_WRITE, tx, path, strlen(path) + 1, value, len, NULL,
                NULL);
}

int
xs_ring_mkdir(struct xs_ring *xs, uint32_t tx, const char *path)
{
    return talk(xs, XS_MKDIR, tx, path, strlen(path) + 1, NULL, 0, NULL,
                NULL);
}

int
xs_ring_rm(struct xs_ring *xs, uint32_t tx, const char *path)
{
    return talk(xs, XS_RM, tx, path, strlen(path) + 1, NULL, 0, NULL, NULL);
}

int
xs_ring_begin(struct xs_ring *xs, uint32_t *txp)
{
    char *reply = talk_for_text(xs, XS_TRANSACTION_START, 0, "", NULL);

    if (!reply) {
        return -errno;
    }
    *txp = strtoul(reply, NULL, 10);
    free(reply);
    return 0;
}

int
xs_ring_commit(struct xs_ring *xs, uint32_t tx)
{
    return talk(xs, XS_TRANSACTION_END, tx, "T", 2, NULL, 0, NULL, NULL);
}

int
xs_ring_abort(struct xs_ring *xs, uint32_t tx)
{
    return talk(xs, XS_TRANSACTION_END, tx, "F", 2, NULL, 0, NULL, NULL);
}

int
xs_ring_transact(struct xs_ring *xs,
                 int (*cb)(struct xs_ring *, uint32_t tx, void *aux),
                 void *aux)
{
    for (;;) {
        uint32_t tx;
        int error = xs_ring_begin(xs, &tx);

        if (error) {
            return error;
        }
        error = cb(xs, tx, aux);
        if (error) {
            xs_ring_abort(xs, tx);
            return error;
        }
        error = xs_ring_commit(xs, tx);
        if (error != -EAGAIN) {
            return error;
        }
    }
}

int
xs_ring_watch(struct xs_ring *xs, const char *path, const char *token)
{
    return talk(xs, XS_WATCH, 0, path, strlen(path) + 1, token,
                strlen(token) + 1, NULL, NULL);
}

int
xs_ring_unwatch(struct xs_ring *xs, const char *path, const char *token)
{
    return talk(xs, XS_UNWATCH, 0, path, strlen(path) + 1, token,
                strlen(token) + 1, NULL, NULL);
}

int
xs_ring_event_fd(const struct xs_ring *xs)
{
    return xs->event_fd;
}

char *
xs_ring_next_event(struct xs_ring *xs, const char **tokenp)
{
    struct xs_event *event;
    uint64_t unit;
    size_t len;

    if (read(xs->event_fd, &unit, sizeof unit) != sizeof unit) {
        return NULL;
    }
    pthread_mutex_lock(&xs->mutex);
    event = xs->first;
    if (event) {
        xs->first = event->next;
        if (!xs->first) {
            xs->last = &xs->first;
        }
    }
    pthread_mutex_unlock(&xs->mutex);
    if (!event) {
        return NULL;
    }

    /* Gives the caller one block that starts with the path. */
    len = strlen(event->data) + 1;
    len += strlen(event->data + len) + 1;
    memmove(event, event->data, len);
    *tokenp = (char *) event + strlen((char *) event) + 1;
    return (char *) event;
}
