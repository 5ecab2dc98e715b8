/* SPDX-License-Identifier: Apache-2.0 */

/* Control commands about the data path. */

#include "guest/ctl-command.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "guest/error.h"
#include "guest/frame.h"
#include "guest/gen.h"
#include "guest/guest.h"
#include "guest/kick.h"
#include "guest/parse.h"
#include "guest/raw.h"
#include "guest/sink.h"
#include "guest/tx.h"

/* Sets an atomic switch from an argument "on" or "off" and makes the queues
 * look at it. */
static char *
set_switch(struct guest_ctl *c, bool *member)
{
    struct guest *g = c->guest;
    bool on = c->n_args == 1 && !strcmp(c->args[0], "on");

    if (!on && (c->n_args != 1 || strcmp(c->args[0], "off"))) {
        return guest_error("on or off needed");
    }
    __atomic_store_n(member, on, __ATOMIC_RELEASE);
    for (unsigned int i = 0; i < __atomic_load_n(&g->n_allocated,
                                                 __ATOMIC_ACQUIRE); i++) {
        guest_queue_wake(g->queues[i]);
    }
    return NULL;
}

static char *
cmd_pktgen(struct guest_ctl *c)
{
    if (c->n_args != 1) {
        return guest_error("usage: pktgen SPEC | pktgen stop");
    }
    if (!strcmp(c->args[0], "stop")) {
        guest_gen_stop(c->guest);
        return NULL;
    }
    return guest_gen_start(c->guest, c->args[0]);
}

static char *
cmd_capture(struct guest_ctl *c)
{
    bool on = c->n_args == 1 && !strcmp(c->args[0], "on");

    if (!on && (c->n_args != 1 || strcmp(c->args[0], "off"))) {
        return guest_error("on or off needed");
    }
    return (guest_capture_set(c->guest, on) ? NULL
            : guest_error("out of memory"));
}

/* What a send command's arguments say. */
struct send_args {
    uint32_t queue, count, frags;
    struct guest_tx_frame frame;
    uint8_t data[GUEST_MAX_FRAME];
};

static char *
parse_send(struct guest_ctl *c, struct send_args *a)
{
    a->count = 1;
    for (unsigned int i = 0; i < c->n_args; i++) {
        const char *arg = c->args[i];
        bool ok;

        if (!strncmp(arg, "q=", 2)) {
            ok = guest_parse_u32(arg + 2, &a->queue);
        } else if (!strncmp(arg, "n=", 2)) {
            ok = guest_parse_u32(arg + 2, &a->count);
        } else if (!strncmp(arg, "frags=", 6)) {
            ok = (guest_parse_u32(arg + 6, &a->frags)
                  && a->frags <= NETIF_MAX_DATA_SLOTS);
        } else if (!strcmp(arg, "csum")) {
            a->frame.flags |= NETTXF_csum_blank | NETTXF_data_validated;
            ok = true;
        } else if (!strcmp(arg, "valid")) {
            a->frame.flags |= NETTXF_data_validated;
            ok = true;
        } else {
            a->frame.len = guest_parse_hex(arg, a->data, sizeof a->data);
            ok = a->frame.len > 0;
        }
        if (!ok) {
            return guest_error("%s: bad argument", arg);
        }
    }
    a->frame.data = a->data;
    a->frame.n_frags = a->frags;
    return NULL;
}

/* Sends the frame in the arguments, as the driver sends any other. */
static char *
cmd_send(struct guest_ctl *c)
{
    struct guest *g = c->guest;
    struct send_args *a = calloc(1, sizeof *a);
    char *error = a ? parse_send(c, a) : guest_error("out of memory");

    if (!error && __atomic_load_n(&g->raw, __ATOMIC_ACQUIRE)) {
        error = guest_error("not in raw mode");
    }
    if (!error && (!a->frame.len
                   || a->queue >= __atomic_load_n(&g->n_allocated,
                                                  __ATOMIC_ACQUIRE))) {
        error = guest_error("no frame, or no such queue");
    }
    while (!error && a->count--) {
        struct guest_queue *q = g->queues[a->queue];

        pthread_mutex_lock(&q->mutex);
        if (!q->tx.page || q->disturbed) {
            error = guest_error("not connected, or ring is in disorder");
        } else if (!guest_tx_frame(q, &a->frame)) {
            error = guest_error("frame does not fit the ring");
        } else {
            guest_tx_flush(q);
        }
        pthread_mutex_unlock(&q->mutex);
    }
    free(a);
    return error;
}

/* Notifies the backend without any reason, any number of times. */
static char *
cmd_kick(struct guest_ctl *c)
{
    struct send_args *a = calloc(1, sizeof *a);
    struct guest *g = c->guest;
    char *error = a ? parse_send(c, a) : guest_error("out of memory");

    if (!error && a->queue >= __atomic_load_n(&g->n_allocated,
                                              __ATOMIC_ACQUIRE)) {
        error = guest_error("no such queue");
    }
    while (!error && a->count--) {
        struct guest_queue *q = g->queues[a->queue];

        pthread_mutex_lock(&q->mutex);
        if (q->xce) {
            guest_queue_kick(q, &q->tx);
        } else {
            error = guest_error("not connected");
        }
        pthread_mutex_unlock(&q->mutex);
    }
    free(a);
    return error;
}

bool
guest_ctl_data(struct guest_ctl *c, const char *name, char **errorp)
{
    struct guest *g = c->guest;

    if (!strcmp(name, "stall")) {
        *errorp = set_switch(c, &g->stalled);
    } else if (!strcmp(name, "hold")) {
        *errorp = set_switch(c, &g->held);
    } else if (!strcmp(name, "pktgen")) {
        *errorp = cmd_pktgen(c);
    } else if (!strcmp(name, "capture")) {
        *errorp = cmd_capture(c);
    } else if (!strcmp(name, "captured")) {
        guest_capture_print(g, c->out);
    } else if (!strcmp(name, "send")) {
        *errorp = cmd_send(c);
    } else if (!strcmp(name, "kick")) {
        *errorp = cmd_kick(c);
    } else if (!strcmp(name, "raw")) {
        bool on = c->n_args == 1 && !strcmp(c->args[0], "on");

        *errorp = (on || (c->n_args == 1 && !strcmp(c->args[0], "off"))
                   ? guest_raw_set(g, on)
                   : guest_error("on or off needed"));
    } else if (!strcmp(name, "slots")) {
        *errorp = guest_raw_run(g, c->rest, c->out);
    } else {
        return false;
    }
    return true;
}
