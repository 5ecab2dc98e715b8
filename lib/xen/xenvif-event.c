/* SPDX-License-Identifier: Apache-2.0 */

/* Event channels of one queue. */

#include <config.h>

#include "xen/xenvif-event.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>
#include <xenevtchn.h>

#include "coverage.h"
#include "openvswitch/poll-loop.h"
#include "sat-math.h"
#include "socket-util.h"
#include "util.h"

COVERAGE_DEFINE(xenvif_notify);
COVERAGE_DEFINE(xenvif_event);
COVERAGE_DEFINE(xenvif_event_held);

/* What an event costs that brings no work, in tokens of which there is one
 * each ms: so there can be 20 a second.  The burst is twice what the requests
 * of a full TX ring and a full RX ring can cause before we answer the first
 * one, which is when a guest has reached its rate. */
#define EVENT_COST 50
#define EVENT_BURST (1024 * EVENT_COST)

/* Binds a port to 'remote'.  Returns 0 or a positive errno value. */
static int
bind_port(struct xenvif_event *event, uint16_t domid, uint32_t remote,
          uint32_t *port)
{
    int local = xenevtchn_bind_interdomain(event->xce, domid, remote);

    if (local < 0) {
        return errno ? errno : EINVAL;
    }
    *port = local;
    return 0;
}

/* Descriptors that guests leave to the rest of the process, which aborts where
 * it cannot do without one: a quarter of them, but no more than this. */
#define MAX_RESERVED_FDS 256

/* Is 'fd', a new descriptor, one of those?  The kernel gives out the lowest
 * free one, so its number says how many are in use. */
static bool
is_reserved(int fd)
{
    struct rlimit limit;

    return (!getrlimit(RLIMIT_NOFILE, &limit)
            && limit.rlim_cur != RLIM_INFINITY
            && fd >= limit.rlim_cur - MIN(limit.rlim_cur / 4,
                                          MAX_RESERVED_FDS));
}

/* Opens the handle.  Returns 0 or a positive errno value. */
static int
open_handle(struct xenvif_event *event)
{
    event->xce = xenevtchn_open(NULL, 0);
    if (!event->xce) {
        return errno ? errno : ENODEV;
    }
    event->fd = xenevtchn_fd(event->xce);
    return is_reserved(event->fd) ? EMFILE : set_nonblocking(event->fd);
}

int
xenvif_event_open(struct xenvif_event *event, uint16_t domid,
                  uint32_t remote_tx, uint32_t remote_rx)
{
    int error = open_handle(event);

    event->tx_masked = event->rx_masked = false;
    event->progress = 0;
    token_bucket_init(&event->tokens, 1, EVENT_BURST);

    if (!error) {
        error = bind_port(event, domid, remote_tx, &event->tx_port);
    }
    if (!error && remote_rx != remote_tx) {
        error = bind_port(event, domid, remote_rx, &event->rx_port);
    } else {
        event->rx_port = event->tx_port;
    }
    if (error && event->xce) {
        /* Closing the handle releases whatever was bound. */
        xenevtchn_close(event->xce);
        event->xce = NULL;
    }
    return error;
}

void
xenvif_event_close(struct xenvif_event *event)
{
    if (event->xce) {
        xenevtchn_unbind(event->xce, event->tx_port);
        if (event->rx_port != event->tx_port) {
            xenevtchn_unbind(event->xce, event->rx_port);
        }
        xenevtchn_close(event->xce);
        event->xce = NULL;
    }
}

bool
xenvif_event_notify(const struct xenvif_event *event, uint32_t port)
{
    COVERAGE_INC(xenvif_notify);
    return !xenevtchn_notify(event->xce, port);
}

/* Pays for events with the work that there was. */
static void
earn(struct xenvif_event *event, uint32_t progress)
{
    struct token_bucket *tokens = &event->tokens;
    uint32_t earned = sat_mul(progress - event->progress, EVENT_COST);

    tokens->tokens = MIN(sat_add(tokens->tokens, earned), tokens->burst);
    event->progress = progress;
}

/* Unmasks 'port' if it is masked and the guest can pay. */
static void
unmask(struct xenvif_event *event, uint32_t port, bool *masked)
{
    if (*masked && token_bucket_withdraw(&event->tokens, EVENT_COST)) {
        xenevtchn_unmask(event->xce, port);
        *masked = false;
    }
}

unsigned int
xenvif_event_drain(struct xenvif_event *event, uint32_t progress)
{
    bool taken = false;
    unsigned int n = 0;
    int port;

    earn(event, progress);

    /* A port stays silent from its event on until it is unmasked, so that
     * there are at most two. */
    while (n < 2 && (port = xenevtchn_pending(event->xce)) >= 0) {
        COVERAGE_INC(xenvif_event);
        event->tx_masked |= port == event->tx_port;
        event->rx_masked |= port != event->tx_port;
        taken = true;
        n++;
    }
    unmask(event, event->tx_port, &event->tx_masked);
    unmask(event, event->rx_port, &event->rx_masked);
    if (OVS_UNLIKELY(taken && (event->tx_masked || event->rx_masked))) {
        uint64_t orig;

        COVERAGE_INC(xenvif_event_held);
        if (event->n_held) {
            atomic_add_relaxed(event->n_held, 1, &orig);
        }
    }
    return n;
}

void
xenvif_event_wait(struct xenvif_event *event)
{
    poll_fd_wait(event->fd, POLLIN);
    if (OVS_UNLIKELY(event->tx_masked || event->rx_masked)) {
        token_bucket_wait(&event->tokens, EVENT_COST);
    }
}
