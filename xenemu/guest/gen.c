/* SPDX-License-Identifier: Apache-2.0 */

/* The packet generator: numbered UDP packets with a pattern that the sink can
 * check, without any kernel. */

#include "guest/gen.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "guest/clock.h"
#include "guest/frame.h"
#include "guest/guest.h"
#include "guest/kick.h"
#include "guest/offload.h"
#include "guest/parse.h"
#include "guest/tx.h"

/* Packets that one visit of a queue makes at most, and how far a generator
 * that was held up may catch up. */
#define BURST 32
#define CATCH_UP_NS (20 * UINT64_C(1000000))

enum gen_csum {
    CSUM_NONE,
    CSUM_FULL,
    CSUM_BLANK
};

struct gen_spec {
    uint32_t min_size, max_size, frags, flows, ip, vlan, dport;
    uint32_t rate;              /* Packets per second, 0: no limit. */
    uint32_t count;             /* 0: no limit. */
    enum gen_csum csum;
    uint8_t dst[6];
};

struct guest_gen {
    struct guest_gen *previous; /* Kept, as a queue may still look at it. */
    struct gen_spec spec;
    uint16_t nonce;             /* Tells runs apart. */
    uint64_t sent;              /* Atomic. */
    bool stopped;               /* Atomic. */
    uint32_t next_flow[GUEST_MAX_QUEUES];
    uint64_t seqs[];            /* By flow. */
};

const uint8_t *
guest_gen_pattern(void)
{
    static uint8_t pattern[GUEST_MAX_FRAME + 256];
    static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    static bool done;

    pthread_mutex_lock(&mutex);
    if (!done) {
        uint32_t x = 0x9e3779b9;

        for (size_t i = 0; i < sizeof pattern; i++) {
            x ^= x << 13;
            x ^= x >> 17;
            x ^= x << 5;
            pattern[i] = x;
        }
        done = true;
    }
    pthread_mutex_unlock(&mutex);
    return pattern;
}

static bool
parse_size(const char *value, struct gen_spec *spec)
{
    char *dash = strchr(value, '-');
    char low[16];

    if (!dash) {
        return (guest_parse_u32(value, &spec->min_size)
                && guest_parse_u32(value, &spec->max_size));
    }
    if ((size_t) (dash - value) >= sizeof low) {
        return false;
    }
    memcpy(low, value, dash - value);
    low[dash - value] = '\0';
    return (guest_parse_u32(low, &spec->min_size)
            && guest_parse_u32(dash + 1, &spec->max_size));
}

static bool
parse_item(const char *name, const char *value, struct gen_spec *spec)
{
    if (!strcmp(name, "size")) {
        return parse_size(value, spec);
    } else if (!strcmp(name, "rate")) {
        spec->rate = 0;
        return !strcmp(value, "max") || guest_parse_u32(value, &spec->rate);
    } else if (!strcmp(name, "count")) {
        return guest_parse_u32(value, &spec->count);
    } else if (!strcmp(name, "flows")) {
        return guest_parse_u32(value, &spec->flows);
    } else if (!strcmp(name, "frags")) {
        return guest_parse_u32(value, &spec->frags);
    } else if (!strcmp(name, "vlan")) {
        return guest_parse_u32(value, &spec->vlan);
    } else if (!strcmp(name, "dport")) {
        return guest_parse_u32(value, &spec->dport);
    } else if (!strcmp(name, "dst")) {
        return guest_parse_mac(value, spec->dst);
    } else if (!strcmp(name, "ip")) {
        return (guest_parse_u32(value, &spec->ip)
                && (spec->ip == 4 || spec->ip == 6));
    } else if (!strcmp(name, "csum")) {
        spec->csum = (!strcmp(value, "full") ? CSUM_FULL
                      : !strcmp(value, "blank") ? CSUM_BLANK : CSUM_NONE);
        return spec->csum != CSUM_NONE || !strcmp(value, "none");
    }
    return false;
}

/* Parses "name=value,...".  Returns NULL or an error message. */
static char *
parse_spec(const char *text, struct gen_spec *spec)
{
    char *copy = strdup(text);
    char *save = NULL;
    char *error = NULL;

    *spec = (struct gen_spec) {
        .min_size = 60, .max_size = 60, .flows = 1, .ip = 4, .dport = 9,
        .rate = 1000, .dst = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff },
    };
    for (char *item = strtok_r(copy, ",", &save); item && !error;
         item = strtok_r(NULL, ",", &save)) {
        char *value = strchr(item, '=');

        if (value) {
            *value++ = '\0';
        }
        if (!value || !parse_item(item, value, spec)) {
            error = strdup("pktgen: bad item in specification");
        }
    }
    free(copy);
    if (!error && (spec->min_size < 14 || spec->max_size > GUEST_MAX_FRAME
                   || spec->min_size > spec->max_size || !spec->flows
                   || spec->flows > 65536 || spec->vlan > 4094
                   || spec->dport > 65535
                   || spec->frags > NETIF_MAX_DATA_SLOTS)) {
        error = strdup("pktgen: number out of range");
    }
    if (!error && spec->ip == 6 && spec->csum == CSUM_NONE) {
        spec->csum = CSUM_FULL;
    }
    return error;
}

char *
guest_gen_start(struct guest *g, const char *text)
{
    struct gen_spec spec;
    struct guest_gen *gen;
    char *error = parse_spec(text, &spec);

    if (error) {
        return error;
    }
    gen = calloc(1, sizeof *gen + spec.flows * sizeof gen->seqs[0]);
    if (!gen) {
        return strdup("out of memory");
    }
    gen->spec = spec;
    gen->nonce = guest_now_ns() / 1000;
    pthread_mutex_lock(&g->mutex);
    gen->previous = g->gen;
    for (unsigned int i = 0; i < GUEST_MAX_QUEUES; i++) {
        gen->next_flow[i] = i;
    }
    __atomic_store_n(&g->gen, gen, __ATOMIC_RELEASE);
    pthread_mutex_unlock(&g->mutex);
    for (unsigned int i = 0; i < __atomic_load_n(&g->n_allocated,
                                                 __ATOMIC_ACQUIRE); i++) {
        guest_queue_wake(g->queues[i]);
    }
    return NULL;
}

void
guest_gen_stop(struct guest *g)
{
    struct guest_gen *gen = __atomic_load_n(&g->gen, __ATOMIC_ACQUIRE);

    if (gen) {
        __atomic_store_n(&gen->stopped, true, __ATOMIC_RELEASE);
    }
}

uint64_t
guest_gen_sent(struct guest *g)
{
    struct guest_gen *gen = __atomic_load_n(&g->gen, __ATOMIC_ACQUIRE);

    return gen ? __atomic_load_n(&gen->sent, __ATOMIC_ACQUIRE) : 0;
}

bool
guest_gen_done(struct guest *g)
{
    struct guest_gen *gen = __atomic_load_n(&g->gen, __ATOMIC_ACQUIRE);

    return (!gen || __atomic_load_n(&gen->stopped, __ATOMIC_ACQUIRE)
            || (gen->spec.count
                && __atomic_load_n(&gen->sent, __ATOMIC_ACQUIRE)
                >= gen->spec.count));
}

static uint8_t *
put_be16(uint8_t *p, unsigned int value)
{
    *p++ = value >> 8;
    *p++ = value;
    return p;
}

static uint8_t *
put_ipv4(uint8_t *p, const struct guest *g, uint32_t len)
{
    uint8_t *ip = p;
    uint16_t sum;

    memset(ip, 0, 20);
    ip[0] = 0x45;
    put_be16(ip + 2, len);
    ip[8] = 64;
    ip[9] = 17;
    ip[12] = ip[16] = 10;
    ip[13] = ip[17] = 77;
    put_be16(ip + 14, g->cfg.domid);
    put_be16(ip + 18, 0xff01);
    sum = ~guest_csum_fold(guest_csum_add(0, ip, 20));
    put_be16(ip + 10, sum);
    return p + 20;
}

static uint8_t *
put_ipv6(uint8_t *p, const struct guest *g, uint32_t len)
{
    memset(p, 0, 40);
    p[0] = 0x60;
    put_be16(p + 4, len - 40);
    p[6] = 17;
    p[7] = 64;
    p[8] = p[24] = 0xfd;
    put_be16(p + 22, g->cfg.domid);
    put_be16(p + 38, 0xff01);
    return p + 40;
}

/* Returns the length from which on a packet has room for a number. */
static uint32_t
min_numbered(const struct gen_spec *spec)
{
    return ((spec->vlan ? 18 : 14) + (spec->ip == 6 ? 40 : 20) + 8
            + sizeof(struct guest_gen_header));
}

/* Writes a packet of 'size' bytes.  One that is too short for the headers is
 * of an experimental Ethernet type and bears the pattern only. */
static void
make_packet(struct guest *g, const struct guest_gen *gen, uint32_t flow,
            uint64_t seq, uint32_t size, uint8_t *buf)
{
    const struct gen_spec *spec = &gen->spec;
    const uint8_t *pattern = guest_gen_pattern();
    struct guest_gen_header h = {
        .magic = GUEST_GEN_MAGIC, .nonce = gen->nonce,
        .source = g->cfg.domid, .flow = flow, .seq = seq,
    };
    unsigned int l2_len = spec->vlan ? 18 : 14;
    uint8_t *p = buf + 12;
    uint8_t *end = buf + size;

    memcpy(buf, spec->dst, 6);
    memcpy(buf + 6, g->cfg.mac, 6);
    if (size < min_numbered(spec)) {
        p = put_be16(p, GUEST_GEN_ETHERTYPE);
        memcpy(p, pattern, end - p);
        return;
    }
    if (spec->vlan) {
        p = put_be16(p, 0x8100);
        p = put_be16(p, spec->vlan);
    }
    p = put_be16(p, spec->ip == 6 ? 0x86dd : 0x0800);
    p = (spec->ip == 6 ? put_ipv6(p, g, size - l2_len)
         : put_ipv4(p, g, size - l2_len));
    p = put_be16(p, 10000 + flow);
    p = put_be16(p, spec->dport);
    p = put_be16(p, end - p + 4);
    p = put_be16(p, 0);
    memcpy(p, &h, sizeof h);
    p += sizeof h;
    memcpy(p, pattern + guest_gen_shift(&h), end - p);
}

/* Fills in the UDP checksum as the user wants to have it. */
static uint16_t
finish_csum(const struct gen_spec *spec, uint32_t size, uint8_t *buf)
{
    struct guest_l4 l4;

    if (spec->csum == CSUM_NONE || !guest_find_l4(buf, size, &l4)) {
        return 0;
    }
    if (spec->csum == CSUM_FULL) {
        guest_csum_finish(buf, &l4);
        return 0;
    }
    put_be16(buf + l4.ofs + l4.csum_ofs, guest_pseudo_sum(buf, &l4));
    return NETTXF_csum_blank | NETTXF_data_validated;
}

static uint32_t
choose_size(struct guest_queue *q, const struct gen_spec *spec)
{
    q->random ^= q->random << 13;
    q->random ^= q->random >> 7;
    q->random ^= q->random << 17;
    return (spec->min_size
            + q->random % (spec->max_size - spec->min_size + 1));
}

/* Claims one packet of the run's count.  Returns false if none is left. */
static bool
claim_packet(struct guest_gen *gen)
{
    uint64_t n = __atomic_fetch_add(&gen->sent, 1, __ATOMIC_ACQ_REL);

    if (gen->spec.count && n >= gen->spec.count) {
        __atomic_fetch_sub(&gen->sent, 1, __ATOMIC_ACQ_REL);
        return false;
    }
    return true;
}

/* Sends one packet of the queue's next flow. */
static bool
send_packet(struct guest_queue *q, struct guest_gen *gen, unsigned int n)
{
    uint8_t buf[GUEST_MAX_FRAME];
    uint32_t *flow = &gen->next_flow[q->idx];
    struct guest_tx_frame f = {
        .data = buf, .n_frags = gen->spec.frags,
        .len = choose_size(q, &gen->spec),
    };

    if (!claim_packet(gen)) {
        return false;
    }
    if (*flow >= gen->spec.flows) {
        *flow = q->idx;
    }
    make_packet(q->guest, gen, *flow, gen->seqs[*flow], f.len, buf);
    gen->seqs[*flow] += f.len >= min_numbered(&gen->spec);
    f.flags = finish_csum(&gen->spec, f.len, buf);
    *flow += n;
    /* If it does not fit, the sink finds it missing. */
    guest_tx_frame(q, &f);
    return true;
}

/* Returns true if it is time to send, otherwise sets '*wake_ns'. */
static bool
is_due(struct guest_queue *q, const struct gen_spec *spec, unsigned int n,
       uint64_t *wake_ns)
{
    uint64_t now;

    if (!spec->rate) {
        return true;
    }
    now = guest_now_ns();
    if (q->gen_next > now) {
        *wake_ns = q->gen_next;
        return false;
    }
    if (now - q->gen_next > CATCH_UP_NS) {
        q->gen_next = now - CATCH_UP_NS;
    }
    q->gen_next += UINT64_C(1000000000) * n / spec->rate;
    return true;
}

bool
guest_gen_poll(struct guest_queue *q, uint64_t *wake_ns)
{
    struct guest *g = q->guest;
    struct guest_gen *gen = __atomic_load_n(&g->gen, __ATOMIC_ACQUIRE);
    unsigned int n = g->n_queues;

    if (!gen || q->idx >= gen->spec.flows || guest_gen_done(g)) {
        return false;
    }
    n = n < gen->spec.flows ? n : gen->spec.flows;
    for (unsigned int i = 0; i < BURST; i++) {
        if (guest_tx_room(q) <= NETIF_MAX_DATA_SLOTS + 3) {
            if (!q->tx_stopped) {
                q->tx_stopped = true;
                GUEST_COUNT(q, tx_ring_full, 1);
            }
            return false;
        }
        if (!is_due(q, &gen->spec, n, wake_ns)
            || !send_packet(q, gen, g->n_queues)) {
            return false;
        }
    }
    return true;
}
