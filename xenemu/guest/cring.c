/* SPDX-License-Identifier: Apache-2.0 */

/* The control ring: one message at a time, each of which has to be answered
 * within seconds.  Any thread may send one while the backend is connected. */

#include "guest/cring.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <xenevtchn.h>

#include "guest/clock.h"
#include "guest/guest.h"
#include "guest/log.h"
#include "guest/pages.h"
#include "netif/check.h"
#include "netif/ring.h"
#include "xenemu.h"

/* What a Windows guest waits for an answer, with a CPU of its own. */
#define TIMEOUT_MS 5000

struct guest_cring {
    pthread_mutex_t mutex;      /* Held from a message to its answer. */
    bool usable;                /* The backend is connected. */
    struct guest_page shared;   /* Ring page. */
    void *page;
    struct xenevtchn_handle *xce;
    int port;
    uint32_t prod;              /* Of requests, and of responses taken. */
    uint16_t next_id;
};

int
guest_cring_open(struct guest *g)
{
    struct guest_cring *c = calloc(1, sizeof *c);

    if (!c) {
        return -ENOMEM;
    }
    pthread_mutex_init(&c->mutex, NULL);
    c->shared.pfn = GUEST_NO_PAGE;
    g->cring = c;
    return 0;
}

static int
share(struct guest *g, struct guest_cring *c)
{
    uint32_t pfn = xenemu_dom_alloc_page(g->dom);

    if (pfn == GUEST_NO_PAGE) {
        return -ENOMEM;
    }
    if (!guest_page_grant(g, &c->shared, pfn, false)) {
        xenemu_dom_free_page(g->dom, pfn);
        return -ENOSPC;
    }
    c->page = xenemu_dom_page(g->dom, pfn);
    c->prod = g->cfg.start_index;
    netif_ring_init(c->page, c->prod);
    c->next_id = 1;
    c->xce = xenevtchn_open(NULL, 0);
    if (!c->xce) {
        return -errno;
    }
    c->port = xenevtchn_bind_unbound_port(c->xce, g->backend_id);
    return c->port < 0 ? -errno : 0;
}

int
guest_cring_share(struct guest *g)
{
    struct guest_cring *c = g->cring;
    int error;

    pthread_mutex_lock(&c->mutex);
    error = share(g, c);
    pthread_mutex_unlock(&c->mutex);
    return error;
}

void
guest_cring_enable(struct guest *g)
{
    struct guest_cring *c = g->cring;

    pthread_mutex_lock(&c->mutex);
    c->usable = c->page != NULL;
    pthread_mutex_unlock(&c->mutex);
}

void
guest_cring_unshare(struct guest *g, bool strict)
{
    struct guest_cring *c = g->cring;

    pthread_mutex_lock(&c->mutex);
    c->usable = false;
    if (c->xce) {
        if (c->port >= 0) {
            xenevtchn_unbind(c->xce, c->port);
        }
        xenevtchn_close(c->xce);
        c->xce = NULL;
    }
    c->page = NULL;
    guest_page_drop(g, &c->shared, strict);
    pthread_mutex_unlock(&c->mutex);
}

bool
guest_cring_keys(struct guest *g, uint32_t *gref, uint32_t *port)
{
    const struct guest_cring *c = g->cring;

    *gref = c->shared.gref;
    *port = c->port;
    return c->page != NULL;
}

/* Waits for the event that a response brings.  Returns false if none came in
 * time. */
static bool
await_event(struct guest_cring *c)
{
    uint64_t deadline = guest_now_ms() + TIMEOUT_MS;

    while (netif_ring_arm(c->page, c->prod - 1) == false) {
        uint64_t now = guest_now_ms();
        struct pollfd pfd = {
            .fd = xenevtchn_fd(c->xce), .events = POLLIN,
        };
        int port;

        if (now >= deadline || poll(&pfd, 1, deadline - now) <= 0) {
            return false;
        }
        port = xenevtchn_pending(c->xce);
        if (port >= 0) {
            xenevtchn_unmask(c->xce, port);
        }
    }
    return true;
}

/* Sends '*req' and takes the answer. */
static bool
exchange(struct guest *g, struct guest_cring *c,
         const struct xen_netif_ctrl_request *req,
         struct guest_answer *answer)
{
    struct xen_netif_ctrl_response rsp;
    struct netif_verdict v;
    uint32_t prod;

    netif_ctrl_put(c->page, c->prod, req);
    c->prod++;
    if (netif_ring_push(c->page, c->prod - 1, c->prod)) {
        xenevtchn_notify(c->xce, c->port);
    }
    if (!await_event(c)) {
        bool lost = netif_ring_load(c->page, NETIF_RSP_PROD) == c->prod;

        c->usable = false;
        guest_violation(g, NULL, lost ? "event.lost" : "ctrl.timeout",
                        "message %u of type %u: no %s in %u ms", req->id,
                        req->type, lost ? "event" : "answer", TIMEOUT_MS);
        return false;
    }

    prod = netif_ring_load(c->page, NETIF_RSP_PROD);
    rsp = netif_ctrl_get(c->page, c->prod - 1);
    if (!netif_check_ctrl(req, &rsp, c->prod - 1, prod, &v)) {
        c->usable = false;
        guest_verdict(g, NULL, &v);
        return false;
    }
    answer->status = rsp.status;
    answer->data = rsp.data;
    return true;
}

static bool
send_locked(struct guest *g, struct guest_cring *c, uint16_t type,
            const uint32_t data[3], struct guest_answer *answer)
{
    struct xen_netif_ctrl_request req = { .id = c->next_id, .type = type };

    if (!c->usable) {
        return false;
    }
    memcpy(req.data, data, sizeof req.data);
    c->next_id += c->next_id == UINT16_MAX ? 2 : 1; /* Never 0. */
    return exchange(g, c, &req, answer);
}

bool
guest_cring_send(struct guest *g, uint16_t type, const uint32_t data[3],
                 struct guest_answer *answer)
{
    struct guest_cring *c = g->cring;
    bool ok;

    pthread_mutex_lock(&c->mutex);
    ok = send_locked(g, c, type, data, answer);
    pthread_mutex_unlock(&c->mutex);
    return ok;
}

bool
guest_cring_send_page(struct guest *g, uint16_t type, unsigned int nr,
                      void *content, size_t len, bool readonly,
                      uint32_t data[3], struct guest_answer *answer)
{
    struct guest_cring *c = g->cring;
    uint32_t pfn = xenemu_dom_alloc_page(g->dom);
    struct guest_page page;
    bool ok;

    if (pfn == GUEST_NO_PAGE || !guest_page_grant(g, &page, pfn, readonly)) {
        guest_log(g, "no page left for a message");
        return false;
    }
    memcpy(xenemu_dom_page(g->dom, pfn), content, len);
    data[nr] = page.gref;

    pthread_mutex_lock(&c->mutex);
    ok = send_locked(g, c, type, data, answer);
    pthread_mutex_unlock(&c->mutex);
    if (!ok) {
        guest_page_drop(g, &page, false);
    } else if (guest_page_revoke(g, NULL, &page, "ctrl.grant-in-use")) {
        if (!readonly) {
            memcpy(content, xenemu_dom_page(g->dom, pfn), len);
        }
        xenemu_dom_free_page(g->dom, pfn);
    }
    return ok;
}

const char *
guest_cring_status(uint32_t status)
{
    switch (status) {
    case XEN_NETIF_CTRL_STATUS_SUCCESS: return "success";
    case XEN_NETIF_CTRL_STATUS_NOT_SUPPORTED: return "not supported";
    case XEN_NETIF_CTRL_STATUS_INVALID_PARAMETER: return "invalid parameter";
    case XEN_NETIF_CTRL_STATUS_BUFFER_OVERFLOW: return "buffer overflow";
    }
    return "?";
}
