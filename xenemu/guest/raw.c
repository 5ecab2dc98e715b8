/* SPDX-License-Identifier: Apache-2.0 */

/* Raw mode: the queues' threads rest, and requests are made by hand, right or
 * wrong.  This file runs scripts and touches the shared words of the rings;
 * raw-slots.c makes slots. */

#include "guest/raw.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "guest/clock.h"
#include "guest/error.h"
#include "guest/guest.h"
#include "guest/kick.h"
#include "guest/parse.h"
#include "guest/raw-slots.h"
#include "guest/raw-statement.h"
#include "netif/ring.h"

static const char *const word_names[] = {
    [NETIF_REQ_PROD] = "req_prod",
    [NETIF_REQ_EVENT] = "req_event",
    [NETIF_RSP_PROD] = "rsp_prod",
    [NETIF_RSP_EVENT] = "rsp_event",
};

/* Returns the ring page that the first word names, or NULL. */
static void *
find_page(struct raw *raw, char **errorp)
{
    struct guest_queue *q = raw->q;

    if (raw->n_words && !strcmp(raw->words[0], "tx")) {
        return q->tx.page;
    } else if (raw->n_words && !strcmp(raw->words[0], "rx")) {
        return q->rx.page;
    }
    *errorp = guest_error("tx or rx needed");
    return NULL;
}

static char *
do_get(struct raw *raw)
{
    char *error = NULL;
    void *page = find_page(raw, &error);

    for (unsigned int i = 0; page && i < 4; i++) {
        fprintf(raw->out, "%s.%s=%u\n", raw->words[0], word_names[i],
                netif_ring_load(page, i));
    }
    return error;
}

/* Parses the new value of a shared word that now is 'value': "N", "+N" and
 * "-N" (relative), "req+N", "rsp-N" (relative to a producer), "random". */
static bool
parse_index(struct raw *raw, const void *page, const char *s,
            uint32_t *value)
{
    uint32_t number = 0;

    if (!strcmp(s, "random")) {
        struct guest_queue *q = raw->q;

        q->random ^= q->random << 13;
        q->random ^= q->random >> 7;
        q->random ^= q->random << 17;
        *value = q->random;
        return true;
    }
    if (!strncmp(s, "req", 3) || !strncmp(s, "rsp", 3)) {
        *value = netif_ring_load(page, s[2] == 'q' ? NETIF_REQ_PROD
                                 : NETIF_RSP_PROD);
        s += 3;
        if (!*s) {
            return true;
        }
    }
    if (*s != '+' && *s != '-') {
        return guest_parse_u32(s, value);
    }
    if (!guest_parse_u32(s + 1, &number)) {
        return false;
    }
    *value += *s == '+' ? number : -number;
    return true;
}

static char *
do_set(struct raw *raw)
{
    char *error = NULL;
    void *page = find_page(raw, &error);

    if (error) {
        return error;
    }
    for (unsigned int i = 0; raw->n_words == 3 && i < 4; i++) {
        uint32_t value = netif_ring_load(page, i);

        if (!strcmp(raw->words[1], word_names[i])) {
            if (!parse_index(raw, page, raw->words[2], &value)) {
                return guest_error("%s: bad value", raw->words[2]);
            }
            netif_ring_store(page, i, value);
            raw->q->disturbed |= i == NETIF_REQ_PROD || i == NETIF_RSP_PROD;
            if (i == NETIF_REQ_PROD) {
                guest_queue_kick(raw->q, *raw->words[0] == 't' ? &raw->q->tx
                                 : &raw->q->rx);
            }
            return NULL;
        }
    }
    return guest_error("usage: set tx|rx WORD VALUE");
}

/* Writes random bytes all over a ring page for a while. */
static char *
do_scribble(struct raw *raw)
{
    char *error = NULL;
    uint8_t *page = find_page(raw, &error);
    uint32_t ms = 0, seed = 1;
    uint64_t end, x;

    if (error) {
        return error;
    }
    if (raw->n_words < 2 || !guest_parse_u32(raw->words[1], &ms)
        || (raw->n_words > 2 && !guest_parse_u32(raw->words[2], &seed))) {
        return guest_error("usage: scribble tx|rx MS [SEED]");
    }
    raw->q->disturbed = true;
    x = seed * UINT64_C(0x9e3779b97f4a7c15) | 1;
    for (end = guest_now_ms() + ms; guest_now_ms() < end;) {
        for (int i = 0; i < 64; i++) {
            x ^= x << 13;
            x ^= x >> 7;
            x ^= x << 17;
            __atomic_store_n(&page[x % NETIF_PAGE_SIZE], x >> 32,
                             __ATOMIC_RELAXED);
        }
        guest_queue_kick(raw->q, &raw->q->tx);
        guest_raw_sleep(raw, 1);
        if (!raw->q->tx.page) {
            return guest_error("not connected any more");
        }
    }
    return NULL;
}

static char *
execute(struct raw *raw, char *statement)
{
    char *save = NULL;
    char *name = strtok_r(statement, " \t\n", &save);
    char *error = NULL;
    uint32_t ms;

    raw->n_words = 0;
    while (name && raw->n_words < sizeof raw->words / sizeof raw->words[0] - 1
           && (raw->words[raw->n_words] = strtok_r(NULL, " \t\n", &save))) {
        raw->n_words++;
    }
    if (!name || guest_raw_slots(raw, name, &error)) {
        return error;
    }
    if (!strcmp(name, "get")) {
        return do_get(raw);
    } else if (!strcmp(name, "set")) {
        return do_set(raw);
    } else if (!strcmp(name, "scribble")) {
        return do_scribble(raw);
    } else if (!strcmp(name, "sleep") && raw->n_words == 1
               && guest_parse_u32(raw->words[0], &ms)) {
        guest_raw_sleep(raw, ms);
        return NULL;
    }
    return guest_error("%s: unknown statement", name);
}

char *
guest_raw_run(struct guest *g, char *script, FILE *out)
{
    struct raw raw = { .guest = g, .out = out };
    uint32_t idx = 0;
    char *error = NULL;
    char *save = NULL;
    int end = 0;

    if (!__atomic_load_n(&g->raw, __ATOMIC_ACQUIRE)) {
        return guest_error("raw mode is off");
    }
    if (sscanf(script, " q=%u%n", &idx, &end) == 1) {
        script += end;
    }
    if (idx >= __atomic_load_n(&g->n_allocated, __ATOMIC_ACQUIRE)) {
        return guest_error("no such queue");
    }
    raw.q = g->queues[idx];

    pthread_mutex_lock(&raw.q->mutex);
    for (char *s = strtok_r(script, ";", &save); s && !error;
         s = strtok_r(NULL, ";", &save)) {
        error = (raw.q->tx.page ? execute(&raw, s)
                 : guest_error("not connected"));
    }
    pthread_mutex_unlock(&raw.q->mutex);
    return error;
}

/* Returns true if no queue waits for TX completions. */
static bool
is_drained(struct guest *g, unsigned int n)
{
    bool drained = true;

    for (unsigned int i = 0; i < n; i++) {
        pthread_mutex_lock(&g->queues[i]->mutex);
        drained &= g->queues[i]->tx.prod == g->queues[i]->tx.cons;
        pthread_mutex_unlock(&g->queues[i]->mutex);
    }
    return drained;
}

/* Returns the rings to the queues' threads in a sane state. */
static void
resume_queue(struct guest_queue *q)
{
    pthread_mutex_lock(&q->mutex);
    q->tx.prod = q->tx.pushed;
    q->rx.prod = q->rx.pushed;
    q->tx.active = q->rx.active = true;
    pthread_mutex_unlock(&q->mutex);
    guest_queue_wake(q);
}

char *
guest_raw_set(struct guest *g, bool on)
{
    const struct timespec pause = { .tv_nsec = 1000000 };
    unsigned int n = __atomic_load_n(&g->n_allocated, __ATOMIC_ACQUIRE);
    uint64_t deadline = guest_now_ms() + 1000;
    bool was_sending = __atomic_load_n(&g->may_send, __ATOMIC_ACQUIRE);

    if (!on) {
        __atomic_store_n(&g->raw, false, __ATOMIC_RELEASE);
        for (unsigned int i = 0; i < n; i++) {
            resume_queue(g->queues[i]);
        }
        return NULL;
    }

    __atomic_store_n(&g->may_send, false, __ATOMIC_RELEASE);
    while (!is_drained(g, n) && guest_now_ms() < deadline) {
        nanosleep(&pause, NULL);
    }
    __atomic_store_n(&g->raw, true, __ATOMIC_RELEASE);
    __atomic_store_n(&g->may_send, was_sending, __ATOMIC_RELEASE);
    /* Whoever is in the middle of something finishes it first. */
    for (unsigned int i = 0; i < n; i++) {
        pthread_mutex_lock(&g->queues[i]->mutex);
        pthread_mutex_unlock(&g->queues[i]->mutex);
    }
    return is_drained(g, n) ? NULL
           : guest_error("the backend owes TX responses");
}
