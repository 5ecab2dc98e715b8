/* SPDX-License-Identifier: Apache-2.0 */

/* How the guest wants its packets hashed and distributed, and whether they
 * are.
 *
 * While a change is under way, and for a while after the backend agreed to it,
 * packets may come that were hashed by what was before.  So several
 * configurations can be in force at a time. */

#include "guest/hash.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "guest/clock.h"
#include "guest/cring.h"
#include "guest/guest.h"
#include "guest/log.h"
#include "netif/hash.h"
#include "netif/ring.h"

/* How long packets may be on their way, in ms. */
#define GRACE_MS 1000

/* Changes that can be made within that time. */
#define MAX_ERAS 32

/* The mapping that guest_hash_start() sets up: as many entries as every
 * backend takes. */
#define START_MAPPING 128

struct era {
    struct netif_hash hash;
    uint64_t until;             /* ms: not in force any more; 0: still is. */
};

struct guest_hash {
    pthread_mutex_t change;     /* Held while a change is made. */

    pthread_mutex_t mutex;      /* Protects what follows. */
    bool active;                /* There was any change; also atomic. */
    bool unknown;               /* Configured behind our back. */
    unsigned int newest;        /* In 'eras', which is used in circles. */
    unsigned int n_eras;
    struct era eras[MAX_ERAS];
};

int
guest_hash_open(struct guest *g)
{
    struct guest_hash *h = calloc(1, sizeof *h);

    if (!h) {
        return -ENOMEM;
    }
    pthread_mutex_init(&h->change, NULL);
    pthread_mutex_init(&h->mutex, NULL);
    g->hash = h;
    guest_hash_reset(g);
    return 0;
}

void
guest_hash_reset(struct guest *g)
{
    struct guest_hash *h = g->hash;

    pthread_mutex_lock(&h->change);
    pthread_mutex_lock(&h->mutex);
    __atomic_store_n(&h->active, false, __ATOMIC_RELEASE);
    h->unknown = false;
    h->newest = 0;
    h->n_eras = 1;
    memset(&h->eras[0], 0, sizeof h->eras[0]);
    pthread_mutex_unlock(&h->mutex);
    pthread_mutex_unlock(&h->change);
}

bool
guest_hash_is_active(const struct guest *g)
{
    return __atomic_load_n(&g->hash->active, __ATOMIC_ACQUIRE);
}

void
guest_hash_forget(struct guest *g)
{
    struct guest_hash *h = g->hash;

    pthread_mutex_lock(&h->mutex);
    h->unknown = true;
    __atomic_store_n(&h->active, true, __ATOMIC_RELEASE);
    pthread_mutex_unlock(&h->mutex);
}

void
guest_hash_check(struct guest_queue *q, const struct netif_rx_packet *pkt,
                 const uint8_t *frame, unsigned int len)
{
    struct guest *g = q->guest;
    struct guest_hash *h = g->hash;
    struct netif_verdict v, newest = { .rule = "rx.hash" };
    bool ok;

    if (!guest_hash_is_active(g)) {
        return;
    }
    pthread_mutex_lock(&h->mutex);
    ok = h->unknown;
    for (unsigned int i = 0; i < h->n_eras && !ok; i++) {
        struct era *era = &h->eras[(h->newest - i) % MAX_ERAS];

        if (era->until && guest_now_ms() > era->until) {
            h->n_eras = i;
            break;
        }
        ok = netif_check_hash(&era->hash, pkt, frame, len, q->idx,
                              g->n_queues, &v);
        newest = i ? newest : v;
    }
    pthread_mutex_unlock(&h->mutex);
    if (!ok) {
        guest_verdict(g, q, &newest);
    }
}

bool
guest_hash_frame(struct guest *g, const uint8_t *frame, unsigned int len,
                 unsigned int total, uint8_t *type, uint32_t *value)
{
    struct guest_hash *h = g->hash;
    bool hashed;

    if (!guest_hash_is_active(g)) {
        return false;
    }
    pthread_mutex_lock(&h->mutex);
    hashed = netif_hash_frame(&h->eras[h->newest].hash, frame, len, total,
                              type, value);
    pthread_mutex_unlock(&h->mutex);
    return hashed;
}

/* Returns the configuration to be changed next, a copy of the newest one that
 * is in force as well from now on.  Only for the thread that holds
 * 'h->change'. */
static struct netif_hash
begin_change(struct guest_hash *h)
{
    struct netif_hash hash;

    pthread_mutex_lock(&h->change);
    pthread_mutex_lock(&h->mutex);
    hash = h->eras[h->newest].hash;
    pthread_mutex_unlock(&h->mutex);
    return hash;
}

/* Puts 'hash' in force, together with what was before. */
static void
announce(struct guest_hash *h, const struct netif_hash *hash)
{
    pthread_mutex_lock(&h->mutex);
    h->newest = (h->newest + 1) % MAX_ERAS;
    h->n_eras += h->n_eras < MAX_ERAS;
    h->eras[h->newest].hash = *hash;
    h->eras[h->newest].until = 0;
    __atomic_store_n(&h->active, true, __ATOMIC_RELEASE);
    pthread_mutex_unlock(&h->mutex);
}

/* Ends the change that was announced: the old configuration goes out of force
 * if the backend accepted it, else the new one. */
static bool
end_change(struct guest_hash *h, bool answered,
           const struct guest_answer *answer)
{
    unsigned int old;

    pthread_mutex_lock(&h->mutex);
    old = (h->newest + MAX_ERAS - 1) % MAX_ERAS;
    if (answered && answer->status == XEN_NETIF_CTRL_STATUS_SUCCESS) {
        h->eras[old].until = guest_now_ms() + GRACE_MS;
    } else {
        h->newest = old;
        h->n_eras--;
    }
    pthread_mutex_unlock(&h->mutex);
    pthread_mutex_unlock(&h->change);
    return answered;
}

bool
guest_hash_set(struct guest *g, uint16_t type, uint32_t value,
               struct guest_answer *answer)
{
    const uint32_t data[3] = { value, 0, 0 };
    struct netif_hash next = begin_change(g->hash);

    switch (type) {
    case XEN_NETIF_CTRL_TYPE_SET_HASH_ALGORITHM:
        next.toeplitz = value == XEN_NETIF_CTRL_HASH_ALGORITHM_TOEPLITZ;
        break;
    case XEN_NETIF_CTRL_TYPE_SET_HASH_FLAGS:
        next.flags = value;
        break;
    case XEN_NETIF_CTRL_TYPE_SET_HASH_MAPPING_SIZE:
        next.mapping_size = value;
        memset(next.mapping, 0, sizeof next.mapping);
        break;
    }
    announce(g->hash, &next);
    return end_change(g->hash, guest_cring_send(g, type, data, answer),
                      answer);
}

bool
guest_hash_set_key(struct guest *g, const uint8_t *key, uint32_t len,
                   struct guest_answer *answer)
{
    uint32_t data[3] = { 0, len, 0 };
    struct netif_hash next = begin_change(g->hash);
    uint8_t buf[NETIF_PAGE_SIZE];

    len = len < sizeof buf ? len : sizeof buf;
    memcpy(buf, key, len);
    memset(next.key, 0, sizeof next.key);
    memcpy(next.key, key, len < sizeof next.key ? len : sizeof next.key);
    announce(g->hash, &next);
    return end_change(
        g->hash, guest_cring_send_page(g, XEN_NETIF_CTRL_TYPE_SET_HASH_KEY, 0,
                                       buf, len, true, data, answer), answer);
}

bool
guest_hash_set_mapping(struct guest *g, const uint32_t *queues, uint32_t n,
                       uint32_t first, struct guest_answer *answer)
{
    uint32_t data[3] = { 0, n, first };
    struct netif_hash next = begin_change(g->hash);
    uint32_t buf[NETIF_HASH_MAPPING_MAX];

    memcpy(buf, queues, n * sizeof buf[0]);
    for (uint32_t i = 0; i < n && first + i < NETIF_HASH_MAPPING_MAX; i++) {
        next.mapping[first + i] = queues[i];
    }
    announce(g->hash, &next);
    return end_change(
        g->hash, guest_cring_send_page(
            g, XEN_NETIF_CTRL_TYPE_SET_HASH_MAPPING, 0, buf,
            n * sizeof buf[0], true, data, answer), answer);
}

/* A step of guest_hash_start() that must not fail. */
static bool
insist(struct guest *g, const char *what, bool answered,
       const struct guest_answer *answer)
{
    if (answered && answer->status != XEN_NETIF_CTRL_STATUS_SUCCESS) {
        guest_violation(g, NULL, "ctrl.refused", "%s: %s", what,
                        guest_cring_status(answer->status));
        return false;
    }
    return answered;
}

void
guest_hash_start(struct guest *g)
{
    /* The key of the published examples, which any will do instead of. */
    static const uint8_t key[NETIF_HASH_KEY_SIZE] = {
        0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67,
        0x25, 0x3d, 0x43, 0xa3, 0x8f, 0xb0, 0xd0, 0xca, 0x2b, 0xcb,
        0xae, 0x7b, 0x30, 0xb4, 0x77, 0xcb, 0x2d, 0xa3, 0x80, 0x30,
        0xf2, 0x0c, 0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac, 0x01, 0xfa,
    };
    uint32_t mapping[START_MAPPING];
    struct guest_answer a;

    if (!insist(g, "no algorithm",
                guest_hash_set(g, XEN_NETIF_CTRL_TYPE_SET_HASH_ALGORITHM,
                               XEN_NETIF_CTRL_HASH_ALGORITHM_NONE, &a), &a)
        || g->n_queues < 2 || !g->cfg.rss) {
        return;
    }
    /* Not the order that a backend without any mapping would come to. */
    for (uint32_t i = 0; i < START_MAPPING; i++) {
        mapping[i] = (i + i / g->n_queues) % g->n_queues;
    }
    if (insist(g, "algorithm",
               guest_hash_set(g, XEN_NETIF_CTRL_TYPE_SET_HASH_ALGORITHM,
                              XEN_NETIF_CTRL_HASH_ALGORITHM_TOEPLITZ, &a), &a)
        && insist(g, "mapping size",
                  guest_hash_set(g, XEN_NETIF_CTRL_TYPE_SET_HASH_MAPPING_SIZE,
                                 START_MAPPING, &a), &a)
        && insist(g, "mapping",
                  guest_hash_set_mapping(g, mapping, START_MAPPING, 0, &a),
                  &a)
        && insist(g, "key", guest_hash_set_key(g, key, sizeof key, &a), &a)) {
        insist(g, "flags",
               guest_hash_set(g, XEN_NETIF_CTRL_TYPE_SET_HASH_FLAGS, 15, &a),
               &a);
    }
}
