/* SPDX-License-Identifier: Apache-2.0 */

/* XenBus: the walk of states and the keys that go with it. */

#include <config.h>

#include "vif/xenvif-bus.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "packets.h"
#include "util.h"
#include "xen/xenvif-ring.h"

/* Sets of XenBus states. */
#define S(STATE) (1u << XenbusState##STATE)
#define UP (S(Connected) | S(Reconfigured))

/* What a row of the table requires besides the two states. */
enum condition {
    ALWAYS,
    IF_ONLINE,
    IF_MAY_CONNECT,
    IF_MAY_ATTACH,
};

/* The walk.  The first row that matches says what to do; if there is none,
 * nothing is to be done.  Every action is one legal step of B/state: 1->2,
 * 2->4, 2->5, 4->5, 5->6, 6->2, and 6->5, which Linux does too.
 *
 * Sources: Linux xen-netback (states and order), libxl and XAPI (who writes
 * B/state besides the backend), and what the frontends in use expect. */
static const struct row {
    unsigned int frontend;      /* Set of F/state. */
    unsigned int backend;       /* Set of B/state. */
    enum condition condition;
    enum xenvif_bus_action action;
} walk[] = {
    /* A device that the toolstack just made.  Mini-OS and Unikraft do not wait
     * for InitWait; others close what they never opened, which has to start
     * from InitWait as well. */
    { S(Initialising) | S(Connected) | S(Closing) | S(Closed),
      S(Initialising), ALWAYS, XENVIF_BUS_OFFER },

    /* The guest is ready. */
    { S(Connected), S(InitWait), IF_MAY_CONNECT, XENVIF_BUS_CONNECT },

    /* We, or the process before us, connected earlier. */
    { S(Connected), S(Connected), IF_MAY_ATTACH, XENVIF_BUS_ATTACH },

    /* Linux changes its XDP headroom.  It holds a lock while it waits for the
     * answer, so there always is one. */
    { S(Reconfiguring), S(Connected), ALWAYS, XENVIF_BUS_RECONFIGURE },
    { S(Connected), S(Reconfigured), ALWAYS, XENVIF_BUS_RECONFIGURED },

    /* The guest closes, or is closed already, or was reset without closing, or
     * its directory is gone. */
    { S(Closing) | S(Closed) | S(Unknown), S(InitWait),
      ALWAYS, XENVIF_BUS_CLOSING },
    { S(Closing) | S(Closed) | S(Unknown) | S(Initialising), UP,
      ALWAYS, XENVIF_BUS_CLOSING },
    { S(Closed) | S(Unknown) | S(Initialising), S(Closing),
      ALWAYS, XENVIF_BUS_CLOSED },

    /* A frontend that closes a closed device wants to see us do it. */
    { S(Closing), S(Closed), ALWAYS, XENVIF_BUS_CLOSING },

    /* Driver reload, kexec, a boot loader that hands over. */
    { S(Initialising) | S(Connected), S(Closed),
      IF_ONLINE, XENVIF_BUS_OFFER },
};

static bool
condition_holds(enum condition condition, const struct xenvif_bus_view *view)
{
    switch (condition) {
    case ALWAYS:
        return true;
    case IF_ONLINE:
        return view->online;
    case IF_MAY_CONNECT:
        return view->may_connect;
    case IF_MAY_ATTACH:
        return view->may_connect && !view->connected;
    default:
        OVS_NOT_REACHED();
    }
}

enum xenvif_bus_action
xenvif_bus_next(const struct xenvif_bus_view *view)
{
    if (view->frontend > XenbusStateReconfigured
        || view->backend > XenbusStateReconfigured) {
        return XENVIF_BUS_NOTHING;
    }
    for (size_t i = 0; i < ARRAY_SIZE(walk); i++) {
        const struct row *row = &walk[i];

        if (row->frontend & (1u << view->frontend)
            && row->backend & (1u << view->backend)
            && condition_holds(row->condition, view)) {
            return row->action;
        }
    }
    return XENVIF_BUS_NOTHING;
}

const char *
xenvif_bus_state_to_string(unsigned int state)
{
    static const char *const names[] = {
        [XenbusStateUnknown] = "Unknown",
        [XenbusStateInitialising] = "Initialising",
        [XenbusStateInitWait] = "InitWait",
        [XenbusStateInitialised] = "Initialised",
        [XenbusStateConnected] = "Connected",
        [XenbusStateClosing] = "Closing",
        [XenbusStateClosed] = "Closed",
        [XenbusStateReconfiguring] = "Reconfiguring",
        [XenbusStateReconfigured] = "Reconfigured",
    };

    return state < ARRAY_SIZE(names) ? names[state] : "invalid";
}

/* Features that are always on or off.  All are written, also those that are
 * off: frontends disagree about what a missing key means. */
static const struct {
    const char *key;
    const char *value;
} offer_keys[] = {
    { "feature-rx-copy", "1" },
    { "feature-rx-flip", "0" },
    { "feature-sg", "1" },
    /* 0 means that we do take IPv4 packets without a checksum: Linux sends
     * them whatever we write here. */
    { "feature-no-csum-offload", "0" },
    { "feature-split-event-channels", "1" },
    { "feature-multicast-control", "1" },
    { "feature-dynamic-multicast-control", "1" },
    /* Windows drivers do not work without. */
    { "feature-ctrl-ring", "1" },
    { "feature-xdp-headroom", "1" },
    { "feature-persistent", "1" },
};

/* Does the directory still exist?  A state written into one that does not
 * would bring it back to life. */
static int
check_backend_dir(xenvif_store_txn txn, const char *backend_dir)
{
    char *state = xenvif_store_read(txn, backend_dir, "state");

    if (!state) {
        return errno;
    }
    free(state);
    return 0;
}

static int
write_state(xenvif_store_txn txn, const char *backend_dir, unsigned int state)
{
    return xenvif_store_printf(txn, backend_dir, "state", "%u", state);
}

static int
write_offer(xenvif_store_txn txn, const char *backend_dir,
            const struct xenvif_bus_offer *offer)
{
    const struct {
        const char *key;
        bool on;
    } choices[] = {
#define XENVIF_OFFER(MEMBER, NAME, KEY, SETTING) { KEY, offer->SETTING },
        XENVIF_OFFERS
#undef XENVIF_OFFER
    };
    int error = 0;

    for (size_t i = 0; !error && i < ARRAY_SIZE(offer_keys); i++) {
        error = xenvif_store_write(txn, backend_dir, offer_keys[i].key,
                                   offer_keys[i].value);
    }
    for (size_t i = 0; !error && i < ARRAY_SIZE(choices); i++) {
        error = xenvif_store_write(txn, backend_dir, choices[i].key,
                                   choices[i].on ? "1" : "0");
    }
    if (!error) {
        error = xenvif_store_printf(txn, backend_dir, "multi-queue-max-queues",
                                    "%"PRIu32, offer->max_queues);
    }
    return error ? error : write_state(txn, backend_dir, XenbusStateInitWait);
}

/* How often a transaction that met with another one is tried again at once.
 * After that it can wait: others must not. */
#define MAX_TRIES 5

/* Writes 'offer', unless it is NULL, and 'state' in one transaction. */
static int
write_transaction(const char *backend_dir,
                  const struct xenvif_bus_offer *offer, unsigned int state)
{
    int error = EAGAIN;

    for (int i = 0; error == EAGAIN && i < MAX_TRIES; i++) {
        xenvif_store_txn txn = xenvif_store_begin();

        if (txn == XENVIF_STORE_NO_TXN) {
            return EIO;
        }
        error = check_backend_dir(txn, backend_dir);
        if (!error) {
            error = (offer ? write_offer(txn, backend_dir, offer)
                     : write_state(txn, backend_dir, state));
        }
        if (error) {
            xenvif_store_abort(txn);
            return error;
        }
        error = xenvif_store_commit(txn);
    }
    return error;
}

int
xenvif_bus_write_offer(const char *backend_dir,
                       const struct xenvif_bus_offer *offer)
{
    return write_transaction(backend_dir, offer, XenbusStateInitWait);
}

int
xenvif_bus_write_state(const char *backend_dir, unsigned int state)
{
    return write_transaction(backend_dir, NULL, state);
}

/* Reads number 'key'.  Returns NULL on success or a text for the user. */
static char *
read_number(const char *dir, const char *key, uint32_t *value)
{
    int error = xenvif_store_read_u32(XENVIF_STORE_NO_TXN, dir, key, value);

    switch (error) {
    case 0:
        return NULL;
    case ENOENT:
        return xasprintf("frontend did not write %s", key);
    case EINVAL:
        return xasprintf("frontend's %s is not a number", key);
    default:
        return xasprintf("cannot read %s (%s)", key, ovs_strerror(error));
    }
}

/* Reads feature 'key'; a frontend that does not know it did not write it.  Any
 * value but 0 and 1 is taken as 'missing' too. */
static bool
read_feature(const char *dir, const char *key, bool missing)
{
    uint32_t value;

    return (!xenvif_store_read_u32(XENVIF_STORE_NO_TXN, dir, key, &value)
            && value <= 1 ? value : missing);
}

/* Reads the event channels: two of them or one for both rings. */
static char *
read_ports(const char *dir, struct xenvif_request_queue *queue)
{
    if (!xenvif_store_read_u32(XENVIF_STORE_NO_TXN, dir, "event-channel-tx",
                               &queue->tx_port)
        && !xenvif_store_read_u32(XENVIF_STORE_NO_TXN, dir,
                                  "event-channel-rx", &queue->rx_port)) {
        return NULL;
    }

    char *problem = read_number(dir, "event-channel", &queue->tx_port);

    queue->rx_port = queue->tx_port;
    return problem;
}

static char *
read_queue(const char *dir, struct xenvif_request_queue *queue)
{
    char *problem = read_number(dir, "tx-ring-ref", &queue->tx_ref);

    if (!problem) {
        problem = read_number(dir, "rx-ring-ref", &queue->rx_ref);
    }
    if (!problem) {
        problem = read_ports(dir, queue);
    }
    if (!problem && (!queue->tx_port || !queue->rx_port)) {
        problem = xstrdup("frontend's event channel is 0");
    }
    if (!problem && queue->tx_ref == queue->rx_ref) {
        problem = xstrdup("frontend's rings are the same page");
    }
    return problem;
}

/* Does 'queue' use a page that is a ring of another queue already? */
static char *
check_sharing(const struct xenvif_request *request, unsigned int queue)
{
    const struct xenvif_request_queue *b = &request->queues[queue];

    for (unsigned int i = 0; i < queue; i++) {
        const struct xenvif_request_queue *a = &request->queues[i];

        if (a->tx_ref == b->tx_ref || a->tx_ref == b->rx_ref
            || a->rx_ref == b->tx_ref || a->rx_ref == b->rx_ref) {
            return xasprintf("frontend's queues %u and %u share a ring page",
                             i, queue);
        }
    }
    return NULL;
}

static char *
read_n_queues(const char *dir, unsigned int max_queues, unsigned int *n_queues)
{
    uint32_t n;
    int error = xenvif_store_read_u32(XENVIF_STORE_NO_TXN, dir,
                                      "multi-queue-num-queues", &n);

    if (error == ENOENT) {
        n = 1;
    } else if (error || n < 1 || n > max_queues) {
        return xasprintf("frontend's multi-queue-num-queues is not between 1 "
                         "and %u", max_queues);
    }
    *n_queues = n;
    return NULL;
}

void
xenvif_bus_read_offers(const char *backend_dir, struct xenvif_offers *offers)
{
#define XENVIF_OFFER(MEMBER, NAME, KEY, SETTING)                \
    offers->MEMBER = read_feature(backend_dir, KEY, false);
    XENVIF_OFFERS
#undef XENVIF_OFFER
}

static void
read_features(const char *dir, struct xenvif_request *request)
{
    struct xenvif_features *f = &request->features;

#define XENVIF_KEY_FEATURE(MEMBER, NAME, KEY, YES)      \
    f->MEMBER = read_feature(dir, KEY, false) == YES;
    XENVIF_KEY_FEATURES
#undef XENVIF_KEY_FEATURE
    f->split_channels
        = request->queues[0].tx_port != request->queues[0].rx_port;
}

/* A control ring takes two keys.  With one of them, the frontend has to do
 * without it. */
static void
read_ctrl(const char *dir, struct xenvif_request *request)
{
    request->has_ctrl
        = (!xenvif_store_read_u32(XENVIF_STORE_NO_TXN, dir, "ctrl-ring-ref",
                                  &request->ctrl_ref)
           && !xenvif_store_read_u32(XENVIF_STORE_NO_TXN, dir,
                                     "event-channel-ctrl",
                                     &request->ctrl_port)
           && request->ctrl_port);
}

uint32_t
xenvif_bus_read_headroom(const char *dir)
{
    uint32_t headroom;

    return (!xenvif_store_read_u32(XENVIF_STORE_NO_TXN, dir, "xdp-headroom",
                                   &headroom)
            && headroom < XENVIF_PAGE_SIZE - ETH_HEADER_LEN ? headroom : 0);
}

bool
xenvif_bus_read_filter_multicast(const char *dir)
{
    return read_feature(dir, "request-multicast-control", false);
}

char *
xenvif_bus_read_request(const char *dir, unsigned int max_queues,
                        struct xenvif_request *request)
{
    char *problem = read_n_queues(dir, max_queues, &request->n_queues);

    if (problem) {
        return problem;
    }
    if (!read_feature(dir, "request-rx-copy", false)) {
        return xstrdup("frontend does not ask for rx-copy");
    }

    /* The frontend does not remove the keys of an earlier connection, so that
     * only one of the two layouts means anything. */
    for (unsigned int i = 0; !problem && i < request->n_queues; i++) {
        char *queue_dir = (request->n_queues > 1
                           ? xasprintf("%s/queue-%u", dir, i)
                           : xstrdup(dir));

        problem = read_queue(queue_dir, &request->queues[i]);
        free(queue_dir);
        if (!problem) {
            problem = check_sharing(request, i);
        }
    }
    if (!problem) {
        read_features(dir, request);
        read_ctrl(dir, request);
        request->headroom = xenvif_bus_read_headroom(dir);
        request->filter_multicast = xenvif_bus_read_filter_multicast(dir);
    }
    return problem;
}
