/* SPDX-License-Identifier: Apache-2.0 */

#ifndef XENVIF_EVENT_H
#define XENVIF_EVENT_H 1

/* Event channels of one queue.
 *
 * Each queue has a handle of its own on the event channel driver, because the
 * driver serialises notifications over one handle.  A queue uses one channel
 * for both rings or one for each ("split event channels").
 *
 * This is the only code that calls libxenevtchn. */

#include <stdbool.h>
#include <stdint.h>

#include "openvswitch/token-bucket.h"
#include "ovs-atomic.h"

struct xenevtchn_handle;

struct xenvif_event {
    struct xenevtchn_handle *xce; /* Owned. */
    int fd;                     /* To poll for POLLIN; owned by 'xce'. */
    uint32_t tx_port;           /* Our ends of the channels; the same... */
    uint32_t rx_port;           /* ...if there is only one. */

    /* Of the thread that takes events. */
    bool tx_masked, rx_masked;  /* Taken, and not unmasked yet? */
    uint32_t progress;          /* See xenvif_event_drain(). */
    struct token_bucket tokens;

    /* Events that were held back are counted there; not owned; NULL if nobody
     * wants to know. */
    atomic_uint64_t *n_held;
};

/* Opens a handle and binds it to ports 'remote_tx' and 'remote_rx' of domain
 * 'domid', which may be the same.
 *
 * A port can be bound by one backend at a time, which makes the binding the
 * lock that keeps a second backend away from the rings: bind before anything
 * else.  Returns 0, or a positive errno value and nothing is left open; EINVAL
 * means that a port does not exist or somebody else has it, EMFILE that more
 * handles would leave the process too few file descriptors. */
int xenvif_event_open(struct xenvif_event *, uint16_t domid,
                      uint32_t remote_tx, uint32_t remote_rx);

/* Unbinds and closes.  No other thread may be using the event any more. */
void xenvif_event_close(struct xenvif_event *);

/* Notifies the guest over 'port', one of 'event''s.  Any thread.  Returns
 * false if the guest closed its end. */
bool xenvif_event_notify(const struct xenvif_event *, uint32_t port);

/* Takes all events that are pending and lets further ones come.  Returns how
 * many there were.
 *
 * A guest can send events without end, and each costs whoever sleeps on them a
 * turn.  Those of an honest guest bring work: they are paid for with
 * 'progress', a number that grows by one with each slot that the guest filled
 * and we answered.  Of others a guest has some at once, and a few a second
 * after that.  Beyond that, its port stays masked until it can pay again: what
 * it asks for meanwhile waits for that long.
 *
 * This is for the one thread that sleeps until events come.  From the moment
 * that an event is there the kernel keeps the port masked, so events that
 * nobody takes, because the rings are polled, cost nothing; whoever sleeps on
 * them next finds them.  To take one without unmasking the port would silence
 * it for good. */
unsigned int xenvif_event_drain(struct xenvif_event *, uint32_t progress);

/* Makes poll_block() wake up when there is an event to take, or a port to
 * unmask.  The same thread. */
void xenvif_event_wait(struct xenvif_event *);

#endif /* xenvif-event.h */
