/* SPDX-License-Identifier: Apache-2.0 */

/* What the driver reads from XenStore and writes to it. */

#include "guest/keys.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "guest/cring.h"
#include "guest/guest.h"
#include "guest/log.h"
#include "guest/parse.h"
#include "guest/xs-ring.h"
#include "netif/check.h"

static char *
read_key(struct guest *g, const char *dir, const char *key, size_t *lenp)
{
    char path[512];

    snprintf(path, sizeof path, "%s/%s", dir, key);
    return xs_ring_read(g->xs, 0, path, lenp);
}

/* Returns the number in a key, or 'missing' if there is none. */
static uint32_t
read_u32(struct guest *g, const char *dir, const char *key, uint32_t missing)
{
    char *value = read_key(g, dir, key, NULL);
    uint32_t number;

    if (!value || !guest_parse_u32(value, &number)) {
        number = missing;
    }
    free(value);
    return number;
}

int
guest_keys_locate(struct guest *g)
{
    char path[512];
    char *backend = read_key(g, g->dir, "backend", NULL);

    if (!backend) {
        return -errno;
    }
    g->backend_id = read_u32(g, g->dir, "backend-id", 0);
    if (g->backend) {
        snprintf(path, sizeof path, "%s/state", g->backend);
        xs_ring_unwatch(g->xs, path, "backend");
        free(g->backend);
    }
    g->backend = backend;
    snprintf(path, sizeof path, "%s/state", g->backend);
    return xs_ring_watch(g->xs, path, "backend");
}

unsigned int
guest_keys_backend_state(struct guest *g)
{
    char *value = read_key(g, g->backend, "state", NULL);
    uint32_t state = 0;

    if (value && !guest_parse_u32(value, &state)) {
        state = 99;
    }
    free(value);
    return state;
}

int
guest_keys_backend_online(struct guest *g)
{
    return (int) read_u32(g, g->backend, "online", -1);
}

unsigned int
guest_keys_frontend_state(struct guest *g)
{
    return read_u32(g, g->dir, "state", 0);
}

bool
guest_keys_frontend_exists(struct guest *g)
{
    char *value = xs_ring_read(g->xs, 0, g->dir, NULL);
    bool exists = value != NULL;

    free(value);
    return exists;
}

void
guest_keys_check_features(struct guest *g)
{
    for (const char *const *key = netif_backend_features; *key; key++) {
        struct netif_verdict v;
        size_t len = 0;
        char *value = read_key(g, g->backend, *key, &len);

        if (!netif_check_feature(*key, value, len, &v)) {
            guest_verdict(g, NULL, &v);
        }
        free(value);
    }
}

void
guest_keys_read_offer(struct guest *g)
{
    struct guest_offer *o = &g->offer;

    o->max_queues = read_u32(g, g->backend, "multi-queue-max-queues", 0);
    o->max_queues_present = o->max_queues != 0;
    o->max_queues = o->max_queues ? o->max_queues : 1;
    o->split = read_u32(g, g->backend, "feature-split-event-channels", 0);
    o->sg = read_u32(g, g->backend, "feature-sg", 0);
    o->gso_tcpv4 = read_u32(g, g->backend, "feature-gso-tcpv4", 0);
    o->gso_tcpv6 = read_u32(g, g->backend, "feature-gso-tcpv6", 0);
    o->csum_ipv6 = read_u32(g, g->backend, "feature-ipv6-csum-offload", 0);
    o->headroom = read_u32(g, g->backend, "feature-xdp-headroom", 0);
    o->multicast = read_u32(g, g->backend, "feature-multicast-control", 0);
    o->dynamic_multicast = read_u32(g, g->backend,
                                    "feature-dynamic-multicast-control", 0);
    o->ctrl_ring = read_u32(g, g->backend, "feature-ctrl-ring", 0);
    o->persistent = read_u32(g, g->backend, "feature-persistent", 0);
}

int
guest_keys_read_mac(struct guest *g, uint8_t mac[6])
{
    char *value = read_key(g, g->dir, "mac", NULL);
    int error = value && guest_parse_mac(value, mac) ? 0 : -EINVAL;

    free(value);
    return error;
}

unsigned int
guest_keys_read_mtu(struct guest *g)
{
    return read_u32(g, g->dir, "mtu", 1500);
}

/* Aux data of write_keys(). */
struct key_writer {
    struct guest *g;
    struct xs_ring *xs;
    uint32_t tx;
    unsigned int n_queues;
    bool split;
    bool with_state;
    int error;                  /* First that occurred. */
};

static bool
is_unset(const struct guest_config *cfg, const char *key)
{
    for (unsigned int i = 0; i < cfg->n_unsets; i++) {
        if (!strcmp(cfg->unsets[i], key)) {
            return true;
        }
    }
    return false;
}

static void
put(struct key_writer *w, const char *key, const void *value, size_t len)
{
    char path[512];

    if (w->error || is_unset(&w->g->cfg, key)) {
        return;
    }
    snprintf(path, sizeof path, "%s/%s", w->g->dir, key);
    w->error = xs_ring_write(w->xs, w->tx, path, value, len);
}

/* Removes a key that an earlier connection may have left behind and that
 * would mislead the backend. */
static void
drop(struct key_writer *w, const char *key)
{
    char path[512];
    int error;

    if (w->error) {
        return;
    }
    snprintf(path, sizeof path, "%s/%s", w->g->dir, key);
    error = xs_ring_rm(w->xs, w->tx, path);
    w->error = error == -ENOENT ? 0 : error;
}

static void
put_u32(struct key_writer *w, const char *key, uint32_t value)
{
    char text[16];

    snprintf(text, sizeof text, "%"PRIu32, value);
    put(w, key, text, strlen(text));
}

static void
put_queue(struct key_writer *w, const struct guest_queue *q)
{
    char prefix[16] = "";
    char key[64];

    if (w->n_queues > 1) {
        snprintf(prefix, sizeof prefix, "queue-%u/", q->idx);
    }
    snprintf(key, sizeof key, "%stx-ring-ref", prefix);
    put_u32(w, key, q->tx.shared.gref);
    snprintf(key, sizeof key, "%srx-ring-ref", prefix);
    put_u32(w, key, q->rx.shared.gref);
    if (w->split) {
        snprintf(key, sizeof key, "%sevent-channel-tx", prefix);
        put_u32(w, key, q->tx.port);
        snprintf(key, sizeof key, "%sevent-channel-rx", prefix);
        put_u32(w, key, q->rx.port);
    } else {
        snprintf(key, sizeof key, "%sevent-channel-tx", prefix);
        drop(w, key);
        snprintf(key, sizeof key, "%sevent-channel-rx", prefix);
        drop(w, key);
        snprintf(key, sizeof key, "%sevent-channel", prefix);
        put_u32(w, key, q->tx.port);
    }
}

static void
put_cring(struct key_writer *w)
{
    uint32_t gref, port;

    if (guest_cring_keys(w->g, &gref, &port)) {
        put_u32(w, "ctrl-ring-ref", gref);
        put_u32(w, "event-channel-ctrl", port);
    } else {
        drop(w, "ctrl-ring-ref");
        drop(w, "event-channel-ctrl");
    }
}

/* Returns what "@txN", "@rxN", "@evtchnN", "@ctrl" and "@evtchn-ctrl" stand
 * for in a value: the reference or port that queue N or the control ring
 * really has. */
static bool
lookup_symbol(struct guest *g, const char *name, uint32_t *valuep)
{
    unsigned int idx;
    int end = 0;

    if (sscanf(name, "@tx%u%n", &idx, &end) == 1 && !name[end]
        && idx < g->n_allocated) {
        *valuep = g->queues[idx]->tx.shared.gref;
    } else if (sscanf(name, "@rx%u%n", &idx, &end) == 1 && !name[end]
               && idx < g->n_allocated) {
        *valuep = g->queues[idx]->rx.shared.gref;
    } else if (sscanf(name, "@evtchn%u%n", &idx, &end) == 1 && !name[end]
               && idx < g->n_allocated) {
        *valuep = g->queues[idx]->tx.port;
    } else if (!strcmp(name, "@ctrl") || !strcmp(name, "@evtchn-ctrl")) {
        uint32_t gref, port;

        if (!guest_cring_keys(g, &gref, &port)) {
            return false;
        }
        *valuep = name[1] == 'c' ? gref : port;
    } else {
        return false;
    }
    return true;
}

/* Writes the keys that the user set by hand. */
static void
put_sets(struct key_writer *w)
{
    const struct guest_config *cfg = &w->g->cfg;

    for (unsigned int i = 0; i < cfg->n_sets && !w->error; i++) {
        char *key = strdup(cfg->sets[i]);
        char *value = key ? strchr(key, '=') : NULL;
        uint32_t number;

        if (value) {
            *value++ = '\0';
            if (lookup_symbol(w->g, value, &number)) {
                put_u32(w, key, number);
            } else {
                put(w, key, value, guest_unescape(value));
            }
        }
        free(key);
    }
}

/* Returns true if this kind of guest says how many queues there are. */
static bool
wants_mq_key(const struct key_writer *w)
{
    switch (w->g->cfg.habits.mq_key) {
    case GUEST_MQ_OFFERED: return w->g->offer.max_queues_present;
    case GUEST_MQ_SEVERAL: return w->n_queues > 1;
    case GUEST_MQ_ALWAYS: return true;
    }
    return false;
}

static int
write_keys(struct xs_ring *xs, uint32_t tx, void *w_)
{
    struct key_writer *w = w_;
    const struct guest_config *cfg = &w->g->cfg;

    w->xs = xs;
    w->tx = tx;
    w->error = 0;
    if (wants_mq_key(w)) {
        put_u32(w, "multi-queue-num-queues", w->n_queues);
    } else {
        drop(w, "multi-queue-num-queues");
    }
    for (unsigned int i = 0; i < w->n_queues; i++) {
        put_queue(w, w->g->queues[i]);
    }
    for (unsigned int i = 0; i < GUEST_N_FEATURES; i++) {
        if (cfg->features[i] >= 0) {
            put_u32(w, guest_feature_keys[i], cfg->features[i]);
        } else {
            drop(w, guest_feature_keys[i]);
        }
    }
    if (cfg->headroom) {
        put_u32(w, "xdp-headroom", cfg->headroom);
    } else {
        drop(w, "xdp-headroom");
    }
    if (cfg->persistent) {
        put_u32(w, "feature-persistent", 1);
    } else {
        drop(w, "feature-persistent");
    }
    put_cring(w);
    if (cfg->habits.vifname) {
        put(w, "vifname", "xennet0", 7);
    } else {
        drop(w, "vifname");
    }
    for (unsigned int i = 0; i < cfg->n_unsets; i++) {
        drop(w, cfg->unsets[i]);
    }
    put_sets(w);
    if (w->with_state) {
        put_u32(w, "state", 4);
    }
    return w->error;
}

int
guest_keys_connect(struct guest *g, unsigned int n_queues, bool split,
                   bool with_state)
{
    struct key_writer w = {
        .g = g, .n_queues = n_queues, .split = split,
        .with_state = with_state,
    };

    return xs_ring_transact(g->xs, write_keys, &w);
}

int
guest_keys_put(struct guest *g, const char *key, uint32_t value)
{
    char path[128], text[16];

    snprintf(path, sizeof path, "%s/%s", g->dir, key);
    snprintf(text, sizeof text, "%"PRIu32, value);
    return xs_ring_write(g->xs, 0, path, text, strlen(text));
}

void
guest_keys_remove_features(struct guest *g)
{
    for (unsigned int i = 0; i < GUEST_N_FEATURES; i++) {
        char path[128];

        snprintf(path, sizeof path, "%s/%s", g->dir, guest_feature_keys[i]);
        xs_ring_rm(g->xs, 0, path);
    }
}

/* Aux data of write_state(). */
struct state_writer {
    const char *dir;
    unsigned int state;
};

static int
write_state(struct xs_ring *xs, uint32_t tx, void *w_)
{
    const struct state_writer *w = w_;
    char path[128], text[16];
    char *old;

    /* Never bring a directory back that the toolstack has removed. */
    snprintf(path, sizeof path, "%s/state", w->dir);
    old = xs_ring_read(xs, tx, path, NULL);
    if (!old) {
        return -errno;
    }
    free(old);
    snprintf(text, sizeof text, "%u", w->state);
    return xs_ring_write(xs, tx, path, text, strlen(text));
}

int
guest_keys_set_state(struct guest *g, unsigned int state)
{
    struct state_writer w = { .dir = g->dir, .state = state };
    int error = xs_ring_transact(g->xs, write_state, &w);

    if (error && error != -ENOENT) {
        guest_log(g, "cannot write state %u: %s", state, strerror(-error));
    }
    pthread_mutex_lock(&g->mutex);
    g->frontend_state = state;
    pthread_mutex_unlock(&g->mutex);
    return error;
}
