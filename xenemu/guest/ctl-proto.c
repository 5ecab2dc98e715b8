/* SPDX-License-Identifier: Apache-2.0 */

/* Control commands about what the protocol has besides data: messages of the
 * control ring, headroom for XDP, multicast addresses. */

#include "guest/ctl-command.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "guest/cring.h"
#include "guest/error.h"
#include "guest/grefs.h"
#include "guest/guest.h"
#include "guest/hash.h"
#include "guest/multicast.h"
#include "guest/parse.h"
#include "guest/xdp.h"
#include "netif/hash.h"
#include "netif/ring.h"

/* Prints what the backend answered to a message. */
static char *
print_answer(struct guest_ctl *c, bool answered,
             const struct guest_answer *a)
{
    if (!answered) {
        return guest_error("no control ring in use, or no answer");
    }
    fprintf(c->out, "status=%u (%s) data=%u\n", a->status,
            guest_cring_status(a->status), a->data);
    return NULL;
}

/* Messages with up to three numbers. */
static const struct number_message {
    const char *name;
    uint16_t type;
    bool set;                   /* Takes a number and changes the hash. */
} number_messages[] = {
    { "get-flags", XEN_NETIF_CTRL_TYPE_GET_HASH_FLAGS, false },
    { "hash-flags", XEN_NETIF_CTRL_TYPE_SET_HASH_FLAGS, true },
    { "get-mapping-size", XEN_NETIF_CTRL_TYPE_GET_HASH_MAPPING_SIZE, false },
    { "hash-mapping-size", XEN_NETIF_CTRL_TYPE_SET_HASH_MAPPING_SIZE, true },
    { "hash-algorithm", XEN_NETIF_CTRL_TYPE_SET_HASH_ALGORITHM, true },
};

static char *
send_number(struct guest_ctl *c, const struct number_message *m)
{
    const uint32_t none[3] = { 0, 0, 0 };
    struct guest_answer a;
    uint32_t value;

    if (!m->set) {
        return print_answer(c, guest_cring_send(c->guest, m->type, none, &a),
                            &a);
    }
    if (c->n_args != 2 || !guest_parse_u32(c->args[1], &value)) {
        return guest_error("usage: ctrl %s N", m->name);
    }
    return print_answer(c, guest_hash_set(c->guest, m->type, value, &a), &a);
}

static char *
send_key(struct guest_ctl *c)
{
    uint8_t key[NETIF_PAGE_SIZE];
    struct guest_answer a;
    uint32_t len = (c->n_args == 2
                    ? guest_parse_hex(c->args[1], key, sizeof key) : 0);

    if (c->n_args > 2 || (c->n_args == 2 && !len)) {
        return guest_error("usage: ctrl hash-key [HEX]");
    }
    return print_answer(c, guest_hash_set_key(c->guest, key, len, &a), &a);
}

/* Parses "OFFSET:A,B,C".  Returns how many there are, UINT32_MAX if it is
 * something else. */
static uint32_t
parse_mapping(char *arg, uint32_t *first, uint32_t *queues)
{
    char *save = NULL;
    char *list = strchr(arg, ':');
    uint32_t n = 0;

    if (list) {
        *list++ = '\0';
    }
    if (!list || !guest_parse_u32(arg, first)) {
        return UINT32_MAX;
    }
    for (char *s = strtok_r(list, ",", &save); s;
         s = strtok_r(NULL, ",", &save)) {
        if (n >= NETIF_HASH_MAPPING_MAX || !guest_parse_u32(s, &queues[n])) {
            return UINT32_MAX;
        }
        n++;
    }
    return n;
}

static char *
send_mapping(struct guest_ctl *c)
{
    uint32_t queues[NETIF_HASH_MAPPING_MAX];
    uint32_t first = 0;
    uint32_t n = (c->n_args == 2 ? parse_mapping(c->args[1], &first, queues)
                  : UINT32_MAX);
    struct guest_answer a;

    if (n == UINT32_MAX) {
        return guest_error("usage: ctrl hash-mapping OFFSET:A,B,C...");
    }
    return print_answer(
        c, guest_hash_set_mapping(c->guest, queues, n, first, &a), &a);
}

/* Sends any message.  What it does to the hash is followed as far as
 * possible. */
static char *
send_raw(struct guest_ctl *c)
{
    struct guest *g = c->guest;
    uint32_t words[4] = { 0, 0, 0, 0 };
    struct guest_answer a;
    bool ok = c->n_args >= 2 && c->n_args <= 5;

    for (unsigned int i = 1; i < c->n_args && ok; i++) {
        ok = guest_parse_u32(c->args[i], &words[i - 1]);
    }
    if (!ok || words[0] > UINT16_MAX) {
        return guest_error("usage: ctrl raw TYPE [D0 [D1 [D2]]]");
    }
    for (size_t i = 0;
         i < sizeof number_messages / sizeof number_messages[0]; i++) {
        if (words[0] == number_messages[i].type && number_messages[i].set
            && !words[2] && !words[3]) {
            return print_answer(c, guest_hash_set(g, words[0], words[1], &a),
                                &a);
        }
    }
    ok = guest_cring_send(g, words[0], words + 1, &a);
    if (ok && words[0] >= XEN_NETIF_CTRL_TYPE_SET_HASH_FLAGS
        && words[0] <= XEN_NETIF_CTRL_TYPE_SET_HASH_ALGORITHM
        && words[0] != XEN_NETIF_CTRL_TYPE_GET_HASH_MAPPING_SIZE
        && a.status == XEN_NETIF_CTRL_STATUS_SUCCESS) {
        guest_hash_forget(g);
    }
    return print_answer(c, ok, &a);
}

static char *
cmd_ctrl(struct guest_ctl *c)
{
    const char *name = c->n_args ? c->args[0] : "";

    for (size_t i = 0;
         i < sizeof number_messages / sizeof number_messages[0]; i++) {
        if (!strcmp(name, number_messages[i].name)) {
            return send_number(c, &number_messages[i]);
        }
    }
    if (!strcmp(name, "hash-key")) {
        return send_key(c);
    } else if (!strcmp(name, "hash-mapping")) {
        return send_mapping(c);
    } else if (!strcmp(name, "raw")) {
        return send_raw(c);
    }
    return guest_error("ctrl %s: unknown message", name);
}

/* What a gref command's arguments say. */
struct gref_args {
    uint32_t queue;
    uint32_t n;
};

static bool
parse_gref_args(struct guest_ctl *c, struct gref_args *a)
{
    bool ok = c->n_args > 0;

    for (unsigned int i = 1; i < c->n_args && ok; i++) {
        const char *arg = c->args[i];

        ok = (!strncmp(arg, "q=", 2) ? guest_parse_u32(arg + 2, &a->queue)
              : !strncmp(arg, "n=", 2) && guest_parse_u32(arg + 2, &a->n));
    }
    return ok;
}

static char *
cmd_gref(struct guest_ctl *c)
{
    struct guest *g = c->guest;
    struct gref_args args = { .queue = 0, .n = UINT32_MAX };
    const char *name = c->n_args ? c->args[0] : "";
    unsigned int n_refused = 0;
    struct guest_queue *q;
    struct guest_answer a;
    char *error;
    bool ok;

    if (!parse_gref_args(c, &args)) {
        return guest_error("usage: gref size|add|del [q=N] [n=N]");
    } else if (!strcmp(name, "size")) {
        return print_answer(c, guest_grefs_size(g, args.queue, &a), &a);
    }
    if (args.queue >= __atomic_load_n(&g->n_allocated, __ATOMIC_ACQUIRE)) {
        return guest_error("no such queue");
    }
    q = g->queues[args.queue];
    args.n = args.n < q->n_fixed ? args.n : q->n_fixed;
    if (!strcmp(name, "add")) {
        return print_answer(c, guest_grefs_add(g, q, args.n, &a), &a);
    } else if (strcmp(name, "del")) {
        return guest_error("gref %s: unknown", name);
    }
    ok = guest_grefs_del(g, q, args.n, &n_refused, &a);
    error = print_answer(c, ok, &a);
    if (!error) {
        fprintf(c->out, "refused=%u\n", n_refused);
    }
    return error;
}

static char *
cmd_xdp(struct guest_ctl *c)
{
    uint32_t headroom;

    if (c->n_args != 1 || !guest_parse_u32(c->args[0], &headroom)
        || headroom > NETIF_PAGE_SIZE - 15) {
        return guest_error("usage: xdp HEADROOM");
    }
    return guest_xdp_change(c->guest, headroom);
}

static char *
cmd_mcast(struct guest_ctl *c)
{
    const char *name = c->n_args == 2 ? c->args[0] : "";
    bool add = !strcmp(name, "add");
    int16_t status = 0;
    uint8_t mac[6];
    char *error;

    if (!strcmp(name, "request") && (!strcmp(c->args[1], "0")
                                     || !strcmp(c->args[1], "1"))) {
        return guest_multicast_request(c->guest, *c->args[1] == '1');
    }
    if ((!add && strcmp(name, "del")) || !guest_parse_mac(c->args[1], mac)) {
        return guest_error("usage: mcast add|del MAC | "
                           "mcast request 0|1");
    }
    error = guest_multicast_change(c->guest, add, mac, &status);
    if (!error) {
        fprintf(c->out, "status=%d\n", status);
    }
    return error;
}

bool
guest_ctl_proto(struct guest_ctl *c, const char *name, char **errorp)
{
    if (!strcmp(name, "ctrl")) {
        *errorp = cmd_ctrl(c);
    } else if (!strcmp(name, "gref")) {
        *errorp = cmd_gref(c);
    } else if (!strcmp(name, "xdp")) {
        *errorp = cmd_xdp(c);
    } else if (!strcmp(name, "mcast")) {
        *errorp = cmd_mcast(c);
    } else {
        return false;
    }
    return true;
}
