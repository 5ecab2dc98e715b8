/* SPDX-License-Identifier: Apache-2.0 */

/* The ABI of libxenevtchn, with the behaviour of Linux's /dev/xen/evtchn. */

#include "hypervisor/host.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <xenevtchn.h>

/* What a handle knows about a port of its own.  Never freed before the
 * handle, because a notification takes no lock of the handle. */
struct lport {
    _Atomic bool bound;
    struct xh_chan_fd to_peer;
};

struct xenevtchn_handle {
    uint32_t epoch;
    uint16_t domid;
    uint8_t slot;
    uint32_t chan;
    int fd;
    int restricted_to;          /* The only peer allowed, or -1. */
    pthread_mutex_t mutex;      /* Guards new entries of 'ports'. */
    _Atomic(struct lport *) ports[XH_MAX_PORTS];
};

/* Does the handle work in this process, and its domain still exist?  Sets
 * errno if not. */
static bool
is_usable(const xenevtchn_handle *xce)
{
    if (xce->epoch != xh.epoch) {
        errno = EBADF;          /* Inherited over a fork(). */
        return false;
    }
    if (xh_slot_alive(xce->domid) != xce->slot) {
        errno = ESRCH;
        return false;
    }
    return true;
}

static struct lport *
find_lport(xenevtchn_handle *xce, uint32_t port)
{
    struct lport *lport = (port < XH_MAX_PORTS
                           ? atomic_load_explicit(&xce->ports[port],
                                                  memory_order_acquire)
                           : NULL);

    return (lport && atomic_load_explicit(&lport->bound, memory_order_relaxed)
            ? lport : NULL);
}

/* Makes 'port' one of the handle's.  Returns false if out of memory. */
static bool
add_lport(xenevtchn_handle *xce, uint32_t port)
{
    pthread_mutex_lock(&xce->mutex);
    struct lport *lport = atomic_load(&xce->ports[port]);
    if (!lport) {
        lport = calloc(1, sizeof *lport);
        if (lport) {
            lport->to_peer.fd = -1;
            pthread_mutex_init(&lport->to_peer.mutex, NULL);
            atomic_store(&xce->ports[port], lport);
        }
    }
    if (lport) {
        atomic_store(&lport->bound, true);
    }
    pthread_mutex_unlock(&xce->mutex);
    return lport;
}

static void
remove_lport(struct lport *lport)
{
    atomic_store(&lport->bound, false);
    pthread_mutex_lock(&lport->to_peer.mutex);
    if (lport->to_peer.fd >= 0) {
        close(lport->to_peer.fd);
    }
    lport->to_peer.fd = -1;
    lport->to_peer.chan = 0;
    pthread_mutex_unlock(&lport->to_peer.mutex);
}

static int
open_fifo(xenevtchn_handle *xce, unsigned int flags)
{
    char name[32];

    xh_lock();
    xce->chan = (xh.index * XH_MAX_CHANS
                 + ++xh.host->next_chan % XH_MAX_CHANS);
    xh_unlock();
    snprintf(name, sizeof name, "ev.%"PRIu32, xce->chan);
    unlinkat(xh.dirfd, name, 0);
    if (mkfifoat(xh.dirfd, name, 0666)) {
        return -errno;
    }
    xce->fd = openat(xh.dirfd, name, O_RDWR | (flags & XENEVTCHN_NO_CLOEXEC
                                               ? 0 : O_CLOEXEC));
    if (xce->fd < 0) {
        int error = -errno;

        unlinkat(xh.dirfd, name, 0);
        return error;
    }
    return 0;
}

xenevtchn_handle *
xenevtchn_open(struct xentoollog_logger *logger, unsigned int flags)
{
    (void) logger;
    int error = -xh_acquire(NULL);
    if (error) {
        errno = error;
        return NULL;
    }

    xenevtchn_handle *xce = calloc(1, sizeof *xce);
    error = xce ? xh_fault(XH_CALL_open, xh_calling_domid()) : ENOMEM;
    if (!error) {
        xce->epoch = xh.epoch;
        xce->domid = xh_calling_domid();
        xce->slot = xh_slot_alive(xce->domid);
        xce->restricted_to = -1;
        pthread_mutex_init(&xce->mutex, NULL);
        error = xce->slot == XH_NO_SLOT ? ENODEV : -open_fifo(xce, flags);
    }
    if (error) {
        free(xce);
        xh_release();
        errno = error;
        return NULL;
    }
    return xce;
}

/* A descriptor that came through an exec() belongs to a process that the host
 * regards as dead, so there is nothing to continue with. */
xenevtchn_handle *
xenevtchn_fdopen(struct xentoollog_logger *logger, int fd, unsigned int flags)
{
    (void) logger;
    (void) fd;
    (void) flags;
    errno = EOPNOTSUPP;
    return NULL;
}

static void
close_ports(xenevtchn_handle *xce)
{
    char name[32];

    snprintf(name, sizeof name, "ev.%"PRIu32, xce->chan);
    unlinkat(xh.dirfd, name, 0);

    xh_lock();
    for (uint32_t port = 0; port < XH_MAX_PORTS; port++) {
        if (find_lport(xce, port)
            && atomic_load(&xh.host->ports[xce->slot][port].chan)
               == xce->chan) {
            xh_port_disown_locked(xce->slot, port);
            xh_count(xce->slot, XH_CNT_unbinds, 1);
        }
    }
    xh_unlock();
    xh_release();
}

int
xenevtchn_close(xenevtchn_handle *xce)
{
    if (!xce) {
        return 0;
    }
    if (xce->epoch == xh.epoch) {
        close_ports(xce);
    }
    for (uint32_t port = 0; port < XH_MAX_PORTS; port++) {
        struct lport *lport = atomic_load(&xce->ports[port]);

        if (lport) {
            remove_lport(lport);
            pthread_mutex_destroy(&lport->to_peer.mutex);
            free(lport);
        }
    }
    close(xce->fd);
    pthread_mutex_destroy(&xce->mutex);
    free(xce);
    return 0;
}

int
xenevtchn_fd(xenevtchn_handle *xce)
{
    return xce->fd;
}

int
xenevtchn_notify(xenevtchn_handle *xce, evtchn_port_t port)
{
    uint64_t begin = xh_cost_begin();

    if (!is_usable(xce)) {
        return -1;
    }
    xh_count(xce->slot, XH_CNT_notifies, 1);
    int error = xh_fault(XH_CALL_notify, xce->domid);
    struct lport *lport = find_lport(xce, port);
    if (!error && !lport) {
        error = ENOTCONN;
        xh_violation(xce->domid, "notify", XH_ERRNO(error), xce->domid, port,
                     "the port is not bound through this handle");
    } else if (!error) {
        error = -xh_port_send(xce->slot, port, &lport->to_peer);
        if (error) {
            xh_violation(xce->domid, "notify", XH_ERRNO(error), xce->domid,
                         port, "such a port sends nothing");
        }
    }
    xh_cost_end(begin, XH_CALL_notify, 0, 0);
    if (error) {
        errno = error;
        return -1;
    }
    return 0;
}

/* Makes a new port of the handle's domain with 'bind'.  Returns the port or
 * -errno. */
static int
new_port_locked(xenevtchn_handle *xce, uint64_t bind)
{
    uint32_t port = xh_port_new_locked(xce->slot);

    if (!port) {
        return -ENOSPC;
    }
    if (!add_lport(xce, port)) {
        xh_dom(xce->slot)->n_ports--;
        return -ENOMEM;
    }
    xh_port_own(xce->slot, port, xce->chan);
    atomic_store(&xh.host->ports[xce->slot][port].bind, bind);
    xh_count(xce->slot, XH_CNT_binds, 1);
    return port;
}

static int
fail(int error)
{
    errno = error;
    return -1;
}

/* Begins a bind call: returns 0 or an errno with which it fails. */
static int
begin_bind(xenevtchn_handle *xce, int peer)
{
    if (!is_usable(xce)) {
        return errno;
    }
    if (xce->restricted_to >= 0 && peer != xce->restricted_to) {
        return EACCES;
    }
    return xh_fault(XH_CALL_bind, xce->domid);
}

xenevtchn_port_or_error_t
xenevtchn_bind_unbound_port(xenevtchn_handle *xce, uint32_t domid)
{
    int error = begin_bind(xce, domid);

    if (error) {
        return fail(error);
    }
    if (domid == XH_DOMID_SELF) {
        domid = xce->domid;
    }
    xh_lock();
    int port = new_port_locked(xce, XH_BIND(XH_PORT_UNBOUND, domid, 0, 0));
    xh_unlock();
    return port < 0 ? fail(-port) : port;
}

/* May the handle's domain bind to 'port' of the domain in 'slot'? */
static bool
is_open_to(xenevtchn_handle *xce, uint8_t slot, uint32_t port)
{
    if (!xh_port_is(slot, port, XH_PORT_UNBOUND)) {
        return false;
    }
    uint64_t bind = atomic_load(&xh.host->ports[slot][port].bind);
    return XH_BIND_DOMID(bind) == xce->domid;
}

static int
bind_interdomain_locked(xenevtchn_handle *xce, uint16_t domid, uint32_t remote)
{
    uint8_t slot = xh_slot(domid);

    if (slot == XH_NO_SLOT) {
        return -ESRCH;
    }
    if (!is_open_to(xce, slot, remote)) {
        /* Perhaps it is bound to a process of ours that died. */
        xh_reap_locked();
        slot = xh_slot(domid);
        if (slot == XH_NO_SLOT || !is_open_to(xce, slot, remote)) {
            return -EINVAL;
        }
    }
    int port = new_port_locked(xce, XH_BIND(XH_PORT_INTERDOMAIN, domid, slot,
                                            remote));
    if (port > 0) {
        atomic_store(&xh.host->ports[slot][remote].bind,
                     XH_BIND(XH_PORT_INTERDOMAIN, xce->domid, xce->slot,
                             port));
        /* What came before we were bound may be lost, so Xen has us look. */
        xh_port_raise(xce->slot, port, NULL);
    }
    return port;
}

xenevtchn_port_or_error_t
xenevtchn_bind_interdomain(xenevtchn_handle *xce, uint32_t domid,
                           evtchn_port_t remote)
{
    int error = begin_bind(xce, domid);

    if (error) {
        return fail(error);
    }
    if (domid == XH_DOMID_SELF) {
        domid = xce->domid;
    }
    int port = -ESRCH;
    if (domid < XH_MAX_DOMID) {
        xh_lock();
        port = bind_interdomain_locked(xce, domid, remote);
        xh_unlock();
    }
    if (port < 0) {
        xh_violation(xce->domid, "bind_interdomain", XH_ERRNO(-port), domid,
                     remote, (port == -EINVAL
                              ? "the port is not unbound for this domain"
                              : "cannot bind"));
        return fail(-port);
    }
    return port;
}

xenevtchn_port_or_error_t
xenevtchn_bind_virq(xenevtchn_handle *xce, unsigned int virq)
{
    int error = begin_bind(xce, -1);
    int port = -EEXIST;

    if (error) {
        return fail(error);
    }
    xh_lock();
    xh_reap_locked();
    for (uint32_t p = 0; p < xh_dom(xce->slot)->port_top; p++) {
        uint64_t bind = atomic_load(&xh.host->ports[xce->slot][p].bind);

        if (XH_BIND_STATE(bind) == XH_PORT_VIRQ
            && XH_BIND_PORT(bind) == virq) {
            xh_unlock();
            return fail(EEXIST);
        }
    }
    port = new_port_locked(xce, XH_BIND(XH_PORT_VIRQ, 0, 0, virq));
    xh_unlock();
    return port < 0 ? fail(-port) : port;
}

int
xenevtchn_unbind(xenevtchn_handle *xce, evtchn_port_t port)
{
    if (xce->epoch != xh.epoch) {
        return fail(EBADF);
    }
    int error = xh_fault(XH_CALL_unbind, xce->domid);
    if (error) {
        return fail(error);
    }
    struct lport *lport = find_lport(xce, port);
    if (!lport) {
        xh_violation(xce->domid, "unbind", XH_ERRNO(ENOTCONN), xce->domid,
                     port, "the port is not bound through this handle");
        return fail(ENOTCONN);
    }
    remove_lport(lport);
    xh_lock();
    if (atomic_load(&xh.host->ports[xce->slot][port].chan) == xce->chan) {
        xh_port_disown_locked(xce->slot, port);
        xh_count(xce->slot, XH_CNT_unbinds, 1);
    }
    xh_unlock();
    return 0;
}

xenevtchn_port_or_error_t
xenevtchn_pending(xenevtchn_handle *xce)
{
    for (;;) {
        uint32_t port;
        ssize_t n = read(xce->fd, &port, sizeof port);

        if (n < 0) {
            return -1;
        }
        if (n != sizeof port) {
            return fail(EIO);
        }
        /* It may have been unbound since. */
        if (find_lport(xce, port)) {
            return port;
        }
    }
}

int
xenevtchn_unmask(xenevtchn_handle *xce, evtchn_port_t port)
{
    if (!is_usable(xce)) {
        return -1;
    }
    /* As with the kernel, somebody else's port is silently ignored. */
    if (find_lport(xce, port)) {
        xh_port_unmask(xce->slot, port, NULL);
    }
    return 0;
}

int
xenevtchn_restrict(xenevtchn_handle *xce, domid_t domid)
{
    if (xce->restricted_to >= 0) {
        return fail(EACCES);
    }
    xce->restricted_to = domid;
    return 0;
}

int
xenemu_evtchn_adopt(struct xenemu_dom *dom, struct xenevtchn_handle *xce,
                    uint32_t port)
{
    int error = 0;

    if (!is_usable(xce)) {
        return -errno;
    }
    if (!dom || port >= XH_MAX_PORTS || !port) {
        return -EINVAL;
    }
    xh_lock();
    struct xh_port *p = &xh.host->ports[xce->slot][port];
    if (p->proc) {
        xh_reap_locked();
    }
    if (xh_port_is(xce->slot, port, XH_PORT_FREE)) {
        error = -EINVAL;
    } else if (p->proc) {
        error = -EBUSY;
    } else if (!add_lport(xce, port)) {
        error = -ENOMEM;
    } else {
        xh_port_own(xce->slot, port, xce->chan);
        atomic_fetch_or(&p->flags, XH_PORT_PENDING | XH_PORT_MASKED);
    }
    xh_unlock();
    if (!error) {
        xh_port_unmask(xce->slot, port, NULL);
    }
    return error;
}
