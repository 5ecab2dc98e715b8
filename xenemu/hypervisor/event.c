/* SPDX-License-Identifier: Apache-2.0 */

/* Event channels: the ports and what moves over them.
 *
 * A port has one word with two flags.  An event that finds the port unmasked
 * masks it and goes as four bytes into the FIFO of the handle that owns the
 * port; one that finds it masked is remembered there, and goes when the port
 * is unmasked.  So each port has at most one event in a FIFO, and raising and
 * unmasking take no lock. */

#include "hypervisor/host.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

static struct xh_port *
port_of(uint8_t slot, uint32_t port)
{
    return &xh.host->ports[slot][port];
}

bool
xh_port_is(uint8_t slot, uint32_t port, enum xh_port_state state)
{
    return (port < XH_MAX_PORTS
            && XH_BIND_STATE(atomic_load(&port_of(slot, port)->bind))
               == state);
}

/* FIFOs are opened for reading too, so that the death of the only reader is no
 * signal for us. */
#define CHAN_FLAGS (O_RDWR | O_NONBLOCK)

static const char *
chan_name(uint32_t chan, char name[32])
{
    snprintf(name, 32, "ev.%"PRIu32, chan);
    return name;
}

static bool
write_port(int fd, uint32_t port)
{
    return fd >= 0 && write(fd, &port, sizeof port) == sizeof port;
}

/* Writes 'port' into FIFO 'chan', which 'cache' keeps open for the next
 * time. */
static bool
push_cached(uint32_t chan, uint32_t port, struct xh_chan_fd *cache)
{
    char name[32];

    pthread_mutex_lock(&cache->mutex);
    if (cache->chan != chan) {
        if (cache->fd >= 0) {
            close(cache->fd);
        }
        cache->fd = openat(xh.dirfd, chan_name(chan, name),
                           CHAN_FLAGS | O_CLOEXEC);
        cache->chan = cache->fd >= 0 ? chan : 0;
    }
    bool ok = write_port(cache->fd, port);
    pthread_mutex_unlock(&cache->mutex);
    return ok;
}

/* The same without a cache. */
static bool
push_once(uint32_t chan, uint32_t port)
{
    char name[32];
    int fd = xh_open_briefly(chan_name(chan, name), CHAN_FLAGS);
    bool ok = write_port(fd, port);

    if (fd >= 0) {
        xh_close_briefly(fd);
    }
    return ok;
}

/* Writes an event into the FIFO of the handle that owns the port.  'cache' may
 * be NULL. */
static void
push(uint8_t slot, uint32_t port, struct xh_chan_fd *cache)
{
    uint32_t chan = atomic_load(&port_of(slot, port)->chan);

    if (!chan) {
        return;                 /* Just being closed. */
    }
    if ((cache && push_cached(chan, port, cache)) || push_once(chan, port)) {
        xh_count(slot, XH_CNT_events, 1);
    }
}

/* An event happens at a port. */
void
xh_port_raise(uint8_t slot, uint32_t port, struct xh_chan_fd *cache)
{
    _Atomic uint32_t *flags = &port_of(slot, port)->flags;
    uint32_t old = atomic_load(flags);

    for (;;) {
        if (old & XH_PORT_PENDING) {
            /* A read alone could miss a concurrent unmask.  */
            if (atomic_compare_exchange_weak(flags, &old, old)) {
                return;
            }
        } else if (old & XH_PORT_MASKED) {
            if (atomic_compare_exchange_weak(flags, &old,
                                             old | XH_PORT_PENDING)) {
                return;
            }
        } else if (atomic_compare_exchange_weak(flags, &old,
                                                XH_PORT_MASKED)) {
            push(slot, port, cache);
            return;
        }
    }
}

/* The owner is ready for the next event of a port. */
void
xh_port_unmask(uint8_t slot, uint32_t port, struct xh_chan_fd *cache)
{
    _Atomic uint32_t *flags = &port_of(slot, port)->flags;
    uint32_t old = atomic_load(flags);

    for (;;) {
        if (!(old & XH_PORT_MASKED)) {
            return;
        }
        uint32_t new = old & XH_PORT_PENDING ? XH_PORT_MASKED : 0;
        if (atomic_compare_exchange_weak(flags, &old, new)) {
            if (new) {
                push(slot, port, cache);
            }
            return;
        }
    }
}

/* Sends an event from a port to its peer, if it still has one.  Returns 0, or
 * -EINVAL if nothing can be sent from such a port.  Takes no lock. */
int
xh_port_send(uint8_t slot, uint32_t port, struct xh_chan_fd *cache)
{
    uint64_t bind = atomic_load_explicit(&port_of(slot, port)->bind,
                                         memory_order_acquire);

    switch (XH_BIND_STATE(bind)) {
    case XH_PORT_INTERDOMAIN: {
        uint8_t peer = XH_BIND_SLOT(bind);
        uint32_t peer_port = XH_BIND_PORT(bind);
        uint64_t back = atomic_load(&port_of(peer, peer_port)->bind);

        /* Should both ends be closed just now, the peer's number may belong
         * to somebody else already. */
        if (XH_BIND_STATE(back) == XH_PORT_INTERDOMAIN
            && XH_BIND_SLOT(back) == slot && XH_BIND_PORT(back) == port) {
            xh_port_raise(peer, peer_port, cache);
        }
        return 0;
    }
    case XH_PORT_UNBOUND:
        return 0;
    case XH_PORT_FREE:
    case XH_PORT_VIRQ:
    default:
        return -EINVAL;
    }
}

/* Takes a free port of a domain, whose state the caller sets.  Returns 0 if
 * there is none; port 0 is never used. */
uint32_t
xh_port_new_locked(uint8_t slot)
{
    struct xh_dom *dom = xh_dom(slot);

    for (uint32_t p = 1; p < XH_MAX_PORTS; p++) {
        struct xh_port *port = port_of(slot, p);

        if (xh_port_is(slot, p, XH_PORT_FREE)) {
            atomic_store(&port->flags, 0);
            atomic_store(&port->chan, 0);
            port->proc = 0;
            port->keep = false;
            dom->n_ports++;
            if (p >= dom->port_top) {
                dom->port_top = p + 1;
            }
            return p;
        }
    }
    return 0;
}

/* Closes a port.  Its peer can be bound again by the same domain. */
void
xh_port_close_locked(uint8_t slot, uint32_t p)
{
    struct xh_port *port = port_of(slot, p);
    uint64_t bind = atomic_load(&port->bind);

    if (XH_BIND_STATE(bind) == XH_PORT_FREE) {
        return;
    }
    if (XH_BIND_STATE(bind) == XH_PORT_INTERDOMAIN) {
        struct xh_port *peer = port_of(XH_BIND_SLOT(bind), XH_BIND_PORT(bind));
        uint64_t back = atomic_load(&peer->bind);

        if (XH_BIND_STATE(back) == XH_PORT_INTERDOMAIN
            && XH_BIND_SLOT(back) == slot && XH_BIND_PORT(back) == p) {
            atomic_store(&peer->bind, XH_BIND(XH_PORT_UNBOUND,
                                              xh_dom(slot)->domid, 0, 0));
        }
    }
    atomic_store(&port->bind, XH_BIND(XH_PORT_FREE, 0, 0, 0));
    atomic_store(&port->chan, 0);
    port->proc = 0;
    port->keep = false;
    xh_dom(slot)->n_ports--;
}

/* The owner of a port is gone: closes it, unless it is the domain's own. */
void
xh_port_disown_locked(uint8_t slot, uint32_t p)
{
    struct xh_port *port = port_of(slot, p);

    if (!port->keep) {
        xh_port_close_locked(slot, p);
        return;
    }
    /* The next owner gets the event that this one may have left unread. */
    atomic_fetch_or(&port->flags, XH_PORT_MASKED | XH_PORT_PENDING);
    atomic_store(&port->chan, 0);
    port->proc = 0;
}

/* Makes the calling process the owner of a port that delivers to FIFO
 * 'chan'. */
void
xh_port_own(uint8_t slot, uint32_t p, uint32_t chan)
{
    struct xh_port *port = port_of(slot, p);

    port->proc = xh.index + 1;
    atomic_store(&port->chan, chan);
}

/* Raises virtual interrupt 'virq' in a domain. */
void
xh_raise_virq(uint8_t slot, unsigned int virq)
{
    for (uint32_t p = 0; p < xh_dom(slot)->port_top; p++) {
        uint64_t bind = atomic_load(&port_of(slot, p)->bind);

        if (XH_BIND_STATE(bind) == XH_PORT_VIRQ
            && XH_BIND_PORT(bind) == virq) {
            xh_port_raise(slot, p, NULL);
        }
    }
}
