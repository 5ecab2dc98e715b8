/* SPDX-License-Identifier: Apache-2.0 */

/* Multicast control: the list of addresses that the guest tells the backend,
 * and whether nothing else comes. */

#include "guest/multicast.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "guest/clock.h"
#include "guest/guest.h"
#include "guest/keys.h"
#include "guest/log.h"
#include "guest/tx.h"
#include "netif/ring.h"

#define MAX_ADDRESSES 256

/* How long packets may be on their way after a change, in ms. */
#define GRACE_MS 1000

/* How long an answer may take, in ms. */
#define TIMEOUT_MS 5000

struct address {
    uint8_t mac[6];
    uint64_t until;             /* ms: when it was taken away; 0: it is not. */
};

struct guest_multicast {
    pthread_mutex_t change;     /* Held while a message is under way. */

    pthread_mutex_t mutex;      /* Protects what follows. */
    bool filter;                /* The guest asked for it... */
    uint64_t since;             /* ...and it holds from this time on, ms. */
    unsigned int n;
    struct address list[MAX_ADDRESSES];
};

int
guest_multicast_open(struct guest *g)
{
    g->multicast = calloc(1, sizeof *g->multicast);
    if (!g->multicast) {
        return -ENOMEM;
    }
    pthread_mutex_init(&g->multicast->change, NULL);
    pthread_mutex_init(&g->multicast->mutex, NULL);
    return 0;
}

void
guest_multicast_reset(struct guest *g)
{
    struct guest_multicast *m = g->multicast;

    pthread_mutex_lock(&m->mutex);
    m->filter = (g->offer.multicast
                 && g->cfg.features[GUEST_F_MULTICAST] == 1);
    m->since = 0;
    m->n = 0;
    pthread_mutex_unlock(&m->mutex);
}

/* Returns the entry of address 'mac', or NULL. */
static struct address *
find(struct guest_multicast *m, const uint8_t mac[6])
{
    for (unsigned int i = 0; i < m->n; i++) {
        if (!memcmp(m->list[i].mac, mac, 6)) {
            return &m->list[i];
        }
    }
    return NULL;
}

void
guest_multicast_check(struct guest_queue *q, const uint8_t *frame)
{
    static const uint8_t broadcast[6] = {
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    };
    struct guest_multicast *m = q->guest->multicast;
    const struct address *a;
    bool ok = true;

    if (!(frame[0] & 1) || !memcmp(frame, broadcast, 6)) {
        return;
    }
    pthread_mutex_lock(&m->mutex);
    if (m->filter) {
        a = find(m, frame);
        ok = ((a && (!a->until || guest_now_ms() < a->until))
              || guest_now_ms() < m->since);
    }
    pthread_mutex_unlock(&m->mutex);
    if (!ok) {
        guest_violation(q->guest, q, "rx.multicast", "frame to "
                        "%02x:%02x:%02x:%02x:%02x:%02x, which is not listed",
                        frame[0], frame[1], frame[2], frame[3], frame[4],
                        frame[5]);
    }
}

/* Puts 'mac' on the list.  Returns false if that is full.  Stores in '*known'
 * whether it was there before. */
static bool
list_add(struct guest_multicast *m, const uint8_t mac[6], bool *known)
{
    struct address *a;

    pthread_mutex_lock(&m->mutex);
    a = find(m, mac);
    *known = a && !a->until;
    if (!a && m->n < MAX_ADDRESSES) {
        a = &m->list[m->n++];
        memcpy(a->mac, mac, 6);
    }
    if (a) {
        a->until = 0;
    }
    pthread_mutex_unlock(&m->mutex);
    return a != NULL;
}

static void
list_remove(struct guest_multicast *m, const uint8_t mac[6])
{
    struct address *a;

    pthread_mutex_lock(&m->mutex);
    a = find(m, mac);
    if (a) {
        a->until = guest_now_ms() + GRACE_MS;
    }
    pthread_mutex_unlock(&m->mutex);
}

/* Waits for the answer to what guest_tx_multicast() sent. */
static bool
await(struct guest_queue *q, int16_t *status)
{
    const struct timespec pause = { .tv_nsec = 1000000 };
    uint64_t deadline = guest_now_ms() + TIMEOUT_MS;
    bool done = false;

    while (!done && guest_now_ms() < deadline) {
        nanosleep(&pause, NULL);
        pthread_mutex_lock(&q->mutex);
        if (q->mcast_sent && q->tx.page) {
            guest_tx_gc(q);
        }
        done = !q->mcast_sent;
        *status = q->mcast_status;
        pthread_mutex_unlock(&q->mutex);
    }
    return done;
}

char *
guest_multicast_change(struct guest *g, bool add, const uint8_t mac[6],
                       int16_t *status)
{
    struct guest_multicast *m = g->multicast;
    struct guest_queue *q = g->queues[0];
    bool known = false;
    bool sent = false;

    if (!q || !__atomic_load_n(&g->may_send, __ATOMIC_ACQUIRE)
        || __atomic_load_n(&g->raw, __ATOMIC_ACQUIRE)) {
        return strdup("not connected, or in raw mode");
    }
    if (add && !list_add(m, mac, &known)) {
        return strdup("too many addresses");
    }
    pthread_mutex_lock(&m->change);
    pthread_mutex_lock(&q->mutex);
    if (q->tx.page && !q->disturbed && guest_tx_multicast(q, add, mac)) {
        guest_tx_flush(q);
        sent = true;
    }
    pthread_mutex_unlock(&q->mutex);
    sent = sent && await(q, status);
    pthread_mutex_unlock(&m->change);

    if (sent && (add ? *status != NETIF_RSP_OKAY && !known
                 : *status == NETIF_RSP_OKAY)) {
        list_remove(m, mac);
    }
    return sent ? NULL : strdup("ring is full, or no answer");
}

void
guest_multicast_note(struct guest *g, bool add, const uint8_t mac[6])
{
    bool known;

    if (add) {
        list_add(g->multicast, mac, &known);
    } else {
        list_remove(g->multicast, mac);
    }
}

void
guest_multicast_note_filter(struct guest *g, bool on)
{
    struct guest_multicast *m = g->multicast;

    pthread_mutex_lock(&m->mutex);
    m->since = on && !m->filter ? guest_now_ms() + GRACE_MS : m->since;
    m->filter = on;
    pthread_mutex_unlock(&m->mutex);
}

char *
guest_multicast_request(struct guest *g, bool on)
{
    if (!g->offer.dynamic_multicast) {
        return strdup("the backend does not offer that");
    }
    guest_multicast_note_filter(g, on);
    return (guest_keys_put(g, "request-multicast-control", on)
            ? strdup("cannot write the key") : NULL);
}
