/* SPDX-License-Identifier: Apache-2.0 */

/* Unit test: how the guest program judges a backend (xenemu/netif/check.c,
 * xenemu/netif/hash.c), and where it finds checksums (xenemu/guest/offload.c).
 * Each rule is broken once, next to what just keeps it. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "guest/offload.h"
#include "netif/check.h"
#include "netif/hash.h"

#include <arpa/inet.h>
#include <string.h>

/* Indexes start here, so that every packet of some slots wraps both the ring
 * and the 32 bits. */
#define START UINT32_C(0xfffffffe)

static struct netif_verdict verdict;

/* TX. */

static struct netif_tx_slot tx_slots[NETIF_RING_SIZE];
static struct netif_tx_response tx_rsps[NETIF_RING_SIZE];

/* Makes a packet of 'n_data' data and 'n_extra' extra slots, with responses as
 * they should be. */
static void
make_tx_packet(uint32_t idx, unsigned int n_data, unsigned int n_extra)
{
    unsigned int n = n_data + n_extra;

    for (unsigned int i = 0; i < n; i++) {
        struct netif_tx_slot *slot = &tx_slots[NETIF_SLOT(idx + i)];
        struct netif_tx_response *rsp = &tx_rsps[NETIF_SLOT(idx + i)];
        bool extra = i >= 1 && i <= n_extra;

        *slot = (struct netif_tx_slot) {
            .kind = extra ? NETIF_SLOT_EXTRA : NETIF_SLOT_DATA,
            .n_slots = i ? 0 : n, .id = 100 + i,
        };
        *rsp = (struct netif_tx_response) {
            .id = extra ? 0xbeef : 100 + i,
            .status = extra ? NETIF_RSP_NULL : NETIF_RSP_OKAY,
        };
    }
}

static bool
check_tx(unsigned int n_rsps, unsigned int n_reqs)
{
    memset(&verdict, 0, sizeof verdict);
    return netif_check_tx(tx_slots, tx_rsps, START, START + n_rsps,
                          START + n_reqs, &verdict);
}

static struct netif_tx_response *
tx_rsp(unsigned int i)
{
    return &tx_rsps[NETIF_SLOT(START + i)];
}

static int
setup_tx(void **state)
{
    (void) state;
    memset(tx_slots, 0, sizeof tx_slots);
    memset(tx_rsps, 0, sizeof tx_rsps);
    make_tx_packet(START, 2, 2);
    make_tx_packet(START + 4, 1, 0);
    return 0;
}

static void
test_tx_good(void **state)
{
    (void) state;
    assert_true(check_tx(0, 5));
    assert_true(check_tx(4, 5));
    assert_true(check_tx(5, 5));
    tx_rsp(0)->status = NETIF_RSP_ERROR;
    tx_rsp(3)->status = NETIF_RSP_ERROR;
    tx_rsp(4)->status = NETIF_RSP_DROPPED;
    assert_true(check_tx(5, 5));
}

static void
test_tx_rsp_prod(void **state)
{
    (void) state;
    assert_false(check_tx(6, 5));
    assert_string_equal(verdict.rule, "tx.rsp-prod");
    assert_false(check_tx(-1, 5));
    assert_string_equal(verdict.rule, "tx.rsp-prod");
}

static void
test_tx_half_packet(void **state)
{
    (void) state;
    for (unsigned int n = 1; n < 4; n++) {
        assert_false(check_tx(n, 5));
        assert_string_equal(verdict.rule, "tx.half-packet");
    }
}

static void
test_tx_null(void **state)
{
    (void) state;
    tx_rsp(2)->status = NETIF_RSP_OKAY;
    assert_false(check_tx(4, 5));
    assert_string_equal(verdict.rule, "tx.null");
}

static void
test_tx_status(void **state)
{
    static const int16_t bad[] = { NETIF_RSP_NULL, 2, -3, INT16_MIN };

    (void) state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        tx_rsp(3)->status = bad[i];
        assert_false(check_tx(4, 5));
        assert_string_equal(verdict.rule, "tx.status");
    }
}

static void
test_tx_id(void **state)
{
    (void) state;
    tx_rsp(4)->id++;
    assert_true(check_tx(4, 5));
    assert_false(check_tx(5, 5));
    assert_string_equal(verdict.rule, "tx.id");
}

static void
test_tx_unasked(void **state)
{
    (void) state;
    assert_false(check_tx(6, 6));
    assert_string_equal(verdict.rule, "tx.unasked");
}

/* RX. */

static struct netif_rx_rules rules;
static uint16_t rx_ids[NETIF_RING_SIZE];
static union netif_rx_answer rx_answers[NETIF_RING_SIZE];
static struct netif_rx_packet pkt;

static union netif_rx_answer *
answer(unsigned int i)
{
    return &rx_answers[NETIF_SLOT(START + i)];
}

/* Makes answer 'i' a data slot. */
static void
put_data(unsigned int i, int16_t status, uint16_t flags)
{
    answer(i)->rsp = (struct netif_rx_response) {
        .id = 500 + i, .flags = flags, .status = status,
    };
}

static void
put_gso(unsigned int i, uint16_t size, uint8_t type, uint8_t flags)
{
    answer(i)->extra = (struct netif_extra_info) {
        .type = XEN_NETIF_EXTRA_TYPE_GSO, .flags = flags,
    };
    answer(i)->extra.u.gso.size = size;
    answer(i)->extra.u.gso.type = type;
}

static bool
check_rx(unsigned int n_rsps)
{
    memset(&verdict, 0, sizeof verdict);
    return netif_check_rx(&rules, rx_ids, rx_answers, START, START + n_rsps,
                          START + 200, &pkt, &verdict);
}

static void
assert_rx_broken(unsigned int n_rsps, const char *rule)
{
    assert_false(check_rx(n_rsps));
    assert_string_equal(verdict.rule, rule);
    assert_true(pkt.n_slots >= 1);
    assert_true(pkt.n_slots <= n_rsps);
}

static int
setup_rx(void **state)
{
    (void) state;
    rules = (struct netif_rx_rules) {
        .sg = true, .gso_tcpv4 = true, .csum_ipv4 = true, .csum_ipv6 = true,
    };
    for (unsigned int i = 0; i < NETIF_RING_SIZE; i++) {
        rx_ids[NETIF_SLOT(START + i)] = 500 + i;
        put_data(i, 60, 0);
    }
    return 0;
}

static void
test_rx_good(void **state)
{
    (void) state;
    assert_true(check_rx(1));
    assert_int_equal(pkt.n_slots, 1);
    assert_int_equal(pkt.len, 60);

    put_data(0, 4096, NETRXF_more_data | NETRXF_data_validated);
    put_data(1, 4096, NETRXF_more_data);
    put_data(2, 1, 0);
    assert_true(check_rx(5));
    assert_int_equal(pkt.n_slots, 3);
    assert_int_equal(pkt.n_data, 3);
    assert_int_equal(pkt.data[2], START + 2);
    assert_int_equal(pkt.len, 8193);
    assert_int_equal(pkt.flags & NETRXF_data_validated,
                     NETRXF_data_validated);
}

static void
test_rx_gso(void **state)
{
    (void) state;
    put_data(0, 4096, NETRXF_more_data | NETRXF_extra_info
             | NETRXF_csum_blank | NETRXF_data_validated);
    put_gso(1, 1448, XEN_NETIF_GSO_TYPE_TCPV4, 0);
    put_data(2, 100, 0);
    assert_true(check_rx(3));
    assert_int_equal(pkt.n_slots, 3);
    assert_int_equal(pkt.n_data, 2);
    assert_int_equal(pkt.data[1], START + 2);
    assert_int_equal(pkt.gso_size, 1448);

    assert_rx_broken(1, "rx.half-packet");
    assert_rx_broken(2, "rx.half-packet");
    put_gso(1, 0, XEN_NETIF_GSO_TYPE_TCPV4, 0);
    assert_rx_broken(3, "rx.gso");
    put_gso(1, 1448, XEN_NETIF_GSO_TYPE_TCPV6, 0);
    assert_rx_broken(3, "rx.gso");
    put_gso(1, 1448, XEN_NETIF_GSO_TYPE_TCPV4, 2);
    assert_rx_broken(3, "rx.extra");
    put_gso(1, 1448, XEN_NETIF_GSO_TYPE_TCPV4, 1);
    put_gso(2, 1448, XEN_NETIF_GSO_TYPE_TCPV4, 0);
    assert_rx_broken(4, "rx.extra");
}

static void
test_rx_unknown_extra(void **state)
{
    (void) state;
    for (unsigned int type = 0; type < 256; type++) {
        if (type != XEN_NETIF_EXTRA_TYPE_GSO) {
            put_data(0, 60, NETRXF_extra_info);
            answer(1)->extra = (struct netif_extra_info) { .type = type };
            assert_rx_broken(2, "rx.extra");
        }
    }
}

static void
test_rx_id(void **state)
{
    (void) state;
    answer(0)->rsp.id++;
    assert_rx_broken(1, "rx.id");
}

static void
test_rx_flags(void **state)
{
    (void) state;
    put_data(0, 60, NETRXF_gso_prefix);
    assert_rx_broken(1, "rx.flags");
    put_data(0, 60, 0x8000);
    assert_rx_broken(1, "rx.flags");
    put_data(0, 4096, NETRXF_more_data);
    put_data(1, 60, NETRXF_data_validated);
    assert_rx_broken(2, "rx.flags");
}

static void
test_rx_status(void **state)
{
    (void) state;
    put_data(0, 0, 0);
    assert_rx_broken(1, "rx.status");
    put_data(0, 4097, 0);
    assert_rx_broken(1, "rx.status");
    put_data(0, -3, 0);
    assert_rx_broken(1, "rx.status");
    put_data(0, 13, 0);
    assert_rx_broken(1, "rx.length");

    put_data(0, 4096, NETRXF_more_data);
    put_data(1, NETIF_RSP_ERROR, NETRXF_more_data);
    put_data(2, 60, 0);
    assert_true(check_rx(3));
    assert_int_equal(pkt.error, NETIF_RSP_ERROR);
    assert_int_equal(pkt.n_slots, 3);
    assert_int_equal(pkt.len, 0);
}

static void
test_rx_offset(void **state)
{
    (void) state;
    answer(0)->rsp.offset = 2;
    assert_rx_broken(1, "rx.offset");
}

static void
test_rx_fill(void **state)
{
    (void) state;
    put_data(0, 4095, NETRXF_more_data);
    assert_rx_broken(2, "rx.fill");
}

static void
test_rx_half_packet(void **state)
{
    (void) state;
    put_data(0, 4096, NETRXF_more_data);
    put_data(1, 4096, NETRXF_more_data);
    assert_rx_broken(1, "rx.half-packet");
    assert_rx_broken(2, "rx.half-packet");
    assert_true(check_rx(3));
}

static void
test_rx_slots(void **state)
{
    (void) state;
    for (unsigned int i = 0; i < 15; i++) {
        put_data(i, 4096, NETRXF_more_data);
    }
    put_data(15, 4095, 0);
    assert_true(check_rx(16));
    assert_int_equal(pkt.len, UINT16_MAX);
    put_data(15, 4096, 0);
    assert_rx_broken(16, "rx.length");

    for (unsigned int i = 0; i < 18; i++) {
        put_data(i, 4096, NETRXF_more_data);
    }
    assert_rx_broken(19, "rx.slots");

    rules.sg = false;
    put_data(0, 4096, 0);
    assert_true(check_rx(1));
    put_data(0, 4096, NETRXF_more_data);
    assert_rx_broken(2, "rx.slots");
}

static void
test_rx_rsp_prod(void **state)
{
    (void) state;
    assert_false(check_rx(201));
    assert_string_equal(verdict.rule, "rx.rsp-prod");
}

static void
put_hash(unsigned int i, uint8_t algorithm, uint8_t type, uint8_t flags)
{
    answer(i)->extra = (struct netif_extra_info) {
        .type = XEN_NETIF_EXTRA_TYPE_HASH, .flags = flags,
        .u.hash = { type, algorithm, { 0x78, 0x56, 0x34, 0x92 } },
    };
}

static void
test_rx_hash(void **state)
{
    (void) state;
    put_data(0, 60, NETRXF_extra_info | NETRXF_csum_blank
             | NETRXF_data_validated);
    put_hash(1, 1, 3, 0);
    assert_rx_broken(2, "rx.extra");
    rules.hash = true;
    assert_true(check_rx(2));
    assert_true(pkt.has_hash);
    assert_int_equal(pkt.hash_type, 3);
    assert_int_equal(pkt.hash_value, 0x92345678);
    put_hash(1, 1, 4, 0);
    assert_rx_broken(2, "rx.hash");
    put_hash(1, 0, 3, 0);
    assert_rx_broken(2, "rx.hash");

    /* In ascending order of types only. */
    put_gso(1, 1448, XEN_NETIF_GSO_TYPE_TCPV4, 1);
    put_hash(2, 1, 1, 0);
    assert_true(check_rx(3));
    put_hash(1, 1, 1, 1);
    put_gso(2, 1448, XEN_NETIF_GSO_TYPE_TCPV4, 0);
    assert_rx_broken(3, "rx.extra");
}

static void
test_rx_headroom(void **state)
{
    (void) state;
    rules.headroom = 256;
    assert_rx_broken(1, "rx.offset");
    answer(0)->rsp.offset = 256;
    assert_rx_broken(1, "rx.extra");

    put_data(0, 3840, NETRXF_more_data | NETRXF_extra_info);
    answer(0)->rsp.offset = 256;
    answer(1)->extra = (struct netif_extra_info) { .type = 5 };
    put_data(2, 60, 0);
    assert_rx_broken(3, "rx.xdp");
    memcpy(&answer(1)->extra.u, &rules.headroom, sizeof rules.headroom);
    assert_true(check_rx(3));
    assert_int_equal(pkt.len, 3900);
    answer(0)->rsp.status = 3841;
    assert_rx_broken(3, "rx.status");
}

/* A frame of 'len' bytes with the given Ethernet type and, at 'proto_ofs', IP
 * protocol. */
static bool
check_blank(uint16_t type, unsigned int proto_ofs, uint8_t proto)
{
    uint8_t frame[100] = { 0 };

    frame[12] = type >> 8;
    frame[13] = type;
    frame[proto_ofs] = proto;
    memset(&pkt, 0, sizeof pkt);
    pkt.flags = NETRXF_csum_blank | NETRXF_data_validated;
    return netif_check_rx_offload(&rules, &pkt, frame, sizeof frame,
                                  &verdict);
}

static void
test_rx_csum(void **state)
{
    uint8_t frame[60] = { 0 };

    (void) state;
    assert_true(check_blank(0x0800, 23, 6));
    assert_true(check_blank(0x0800, 23, 17));
    assert_false(check_blank(0x0800, 23, 132));
    assert_true(check_blank(0x86dd, 20, 6));
    assert_false(check_blank(0x8100, 23, 6));
    rules.csum_ipv4 = rules.csum_ipv6 = false;
    assert_false(check_blank(0x0800, 23, 6));
    assert_false(check_blank(0x86dd, 20, 6));
    assert_string_equal(verdict.rule, "rx.csum");

    memset(&pkt, 0, sizeof pkt);
    assert_true(netif_check_rx_offload(&rules, &pkt, frame, 60, &verdict));
    pkt.flags = NETRXF_data_validated;
    assert_true(netif_check_rx_offload(&rules, &pkt, frame, 60, &verdict));
    pkt.flags = NETRXF_csum_blank;
    assert_false(netif_check_rx_offload(&rules, &pkt, frame, 60, &verdict));
    pkt.flags = NETRXF_data_validated;
    pkt.gso_size = 1448;
    assert_false(netif_check_rx_offload(&rules, &pkt, frame, 60, &verdict));
    assert_string_equal(verdict.rule, "rx.gso");
}

/* What Linux does with a program attached, it drops. */
static void
test_rx_headroom_gso(void **state)
{
    (void) state;
    rules.headroom = 256;
    put_data(0, 3840, NETRXF_more_data | NETRXF_extra_info
             | NETRXF_csum_blank | NETRXF_data_validated);
    answer(0)->rsp.offset = 256;
    put_gso(1, 1448, XEN_NETIF_GSO_TYPE_TCPV4, XEN_NETIF_EXTRA_FLAG_MORE);
    answer(2)->extra = (struct netif_extra_info) { .type = 5 };
    memcpy(&answer(2)->extra.u, &rules.headroom, sizeof rules.headroom);
    assert_rx_broken(4, "rx.extra");
}

/* Hash: the examples that Microsoft published for receive side scaling, with
 * the key that comes with them. */

static struct netif_hash hash;

struct hash_example {
    const char *src, *dst;
    uint16_t src_port, dst_port;
    uint32_t l3, tcp;
};

static const struct hash_example examples[] = {
    { "66.9.149.187", "161.142.100.80", 2794, 1766, 0x323e8fc2, 0x51ccc178 },
    { "199.92.111.2", "65.69.140.83", 14230, 4739, 0xd718262a, 0xc626b0ea },
    { "24.19.198.95", "12.22.207.184", 12898, 38024, 0xd2d0a5de,
      0x5c2b394a },
    { "38.27.205.30", "209.142.163.6", 48228, 2217, 0x82989176, 0xafc7327f },
    { "153.39.163.191", "202.188.127.2", 44251, 1303, 0x5d1809c5,
      0x10e828a2 },
    { "3ffe:2501:200:1fff::7", "3ffe:2501:200:3::1", 2794, 1766, 0x2cc18cd5,
      0x40207d3d },
    { "3ffe:501:8::260:97ff:fe40:efab", "ff02::1", 14230, 4739, 0x0f0c461c,
      0xdde51bbf },
    { "3ffe:1900:4545:3:200:f8ff:fe21:67cf", "fe80::200:f8ff:fe21:67cf",
      44251, 38024, 0x4b61e985, 0x02d1feef },
};

#define N_EXAMPLES (sizeof examples / sizeof examples[0])

static int
setup_hash(void **state)
{
    static const uint8_t key[NETIF_HASH_KEY_SIZE] = {
        0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67,
        0x25, 0x3d, 0x43, 0xa3, 0x8f, 0xb0, 0xd0, 0xca, 0x2b, 0xcb,
        0xae, 0x7b, 0x30, 0xb4, 0x77, 0xcb, 0x2d, 0xa3, 0x80, 0x30,
        0xf2, 0x0c, 0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac, 0x01, 0xfa,
    };

    (void) state;
    hash = (struct netif_hash) { .toeplitz = true, .flags = 15 };
    memcpy(hash.key, key, sizeof key);
    return 0;
}

static uint8_t *
put16(uint8_t *p, uint16_t value)
{
    p[0] = value >> 8;
    p[1] = value;
    return p + 2;
}

/* Makes a frame of example 'e' with 20 bytes behind the IP header.  Returns
 * its length. */
static unsigned int
make_frame(const struct hash_example *e, uint8_t proto, bool tagged,
           uint8_t *frame)
{
    bool ipv6 = strchr(e->src, ':') != NULL;
    uint8_t *p = frame + 12;

    memset(frame, 0, 100);
    if (tagged) {
        p = put16(put16(p, 0x8100), 5);
    }
    p = put16(p, ipv6 ? 0x86dd : 0x0800);
    if (ipv6) {
        p[0] = 0x60;
        put16(p + 4, 20);
        p[6] = proto;
        inet_pton(AF_INET6, e->src, p + 8);
        inet_pton(AF_INET6, e->dst, p + 24);
        p += 40;
    } else {
        p[0] = 0x45;
        put16(p + 2, 40);
        p[9] = proto;
        inet_pton(AF_INET, e->src, p + 12);
        inet_pton(AF_INET, e->dst, p + 16);
        p += 20;
    }
    put16(put16(p, e->src_port), e->dst_port);
    return p + 20 - frame;
}

static void
assert_hash(const uint8_t *frame, unsigned int len, uint8_t type,
            uint32_t value)
{
    uint8_t found_type = 99;
    uint32_t found = 0;

    assert_true(netif_hash_frame(&hash, frame, len, len, &found_type,
                                 &found));
    assert_int_equal(found_type, type);
    assert_int_equal(found, value);
}

static void
assert_no_hash(const uint8_t *frame, unsigned int len)
{
    uint32_t found;
    uint8_t type;

    assert_false(netif_hash_frame(&hash, frame, len, len, &type, &found));
}

static void
test_hash_examples(void **state)
{
    (void) state;
    for (size_t i = 0; i < N_EXAMPLES; i++) {
        const struct hash_example *e = &examples[i];
        uint8_t l3_type = strchr(e->src, ':') ? 2 : 0;
        uint8_t frame[100];
        unsigned int len = make_frame(e, 6, i & 1, frame);

        hash.flags = 15;
        assert_hash(frame, len, l3_type + 1, e->tcp);
        hash.flags = 1 << l3_type;
        assert_hash(frame, len, l3_type, e->l3);
        hash.flags = 15 & ~(3 << l3_type);
        assert_no_hash(frame, len);

        hash.flags = 15;        /* There is no flag for UDP. */
        len = make_frame(e, 17, i & 1, frame);
        assert_hash(frame, len, l3_type, e->l3);
        hash.flags = 2 << l3_type;
        assert_no_hash(frame, len);
    }
    memset(hash.key, 0, sizeof hash.key);
    assert_int_equal(netif_toeplitz(hash.key, "abcd", 4), 0);
}

static void
test_hash_odd_frames(void **state)
{
    const struct hash_example *v4 = &examples[0], *v6 = &examples[5];
    unsigned int len;
    uint8_t frame[100];

    (void) state;
    len = make_frame(v4, 6, false, frame);
    frame[20] = 0x20;           /* First fragment. */
    assert_hash(frame, len, 0, v4->l3);
    frame[20] = 0;
    frame[14] = 0x44;           /* Header of 16 bytes. */
    assert_no_hash(frame, len);
    frame[14] = 0x4b;           /* Header of 44 bytes, more than there are. */
    assert_no_hash(frame, len);
    frame[14] = 0x45;
    assert_no_hash(frame, len - 1);
    put16(frame + 12, 0x0806);
    assert_no_hash(frame, len);
    for (unsigned int i = 0; i < 14; i++) {
        assert_no_hash(frame, i);
    }

    len = make_frame(v6, 0, false, frame);
    put16(frame + 54, 0x0600);  /* 8 bytes of hop-by-hop options, then TCP. */
    put16(put16(frame + 62, v6->src_port), v6->dst_port);
    assert_hash(frame, len, 3, v6->tcp);
    frame[55] = 2;              /* 24 bytes are more than there are. */
    assert_no_hash(frame, len);
    len = make_frame(v6, 44, false, frame);
    frame[54] = 6;
    assert_hash(frame, len, 2, v6->l3);

    hash.toeplitz = false;
    assert_no_hash(frame, len);
}

static bool
check_hash(const uint8_t *frame, unsigned int len, unsigned int queue)
{
    memset(&verdict, 0, sizeof verdict);
    return netif_check_hash(&hash, &pkt, frame, len, queue, 4, &verdict);
}

static void
test_check_hash(void **state)
{
    const struct hash_example *e = &examples[0];
    uint8_t frame[100];
    unsigned int len = make_frame(e, 6, false, frame);

    (void) state;
    pkt = (struct netif_rx_packet) {
        .len = len, .has_hash = true, .hash_type = 1, .hash_value = e->tcp,
    };
    assert_true(check_hash(frame, len, e->tcp % 4));
    assert_false(check_hash(frame, len, (e->tcp + 1) % 4));
    assert_string_equal(verdict.rule, "rx.hash");
    hash.mapping_size = 3;
    hash.mapping[e->tcp % 3] = 2;
    assert_true(check_hash(frame, len, 2));
    assert_false(check_hash(frame, len, 0));
    hash.mapping[e->tcp % 3] = 7; /* From when there were more queues. */
    assert_true(check_hash(frame, len, 3));

    pkt.hash_value++;
    assert_false(check_hash(frame, len, 3));
    pkt.hash_value--;
    pkt.hash_type = 0;
    assert_false(check_hash(frame, len, 3));
    pkt.has_hash = false;
    assert_false(check_hash(frame, len, 3));

    /* A packet without hash is one of hash 0. */
    put16(frame + 12, 0x88b5);
    hash.mapping[0] = 1;
    assert_true(check_hash(frame, len, 1));
    assert_false(check_hash(frame, len, 2));
    hash.flags = 0;
    assert_true(check_hash(frame, len, 2));
    pkt.has_hash = true;
    assert_false(check_hash(frame, len, 2));
}

/* Control ring. */

static void
test_ctrl(void **state)
{
    struct xen_netif_ctrl_request req = { .id = 7, .type = 2 };
    struct xen_netif_ctrl_response rsp = { .id = 7, .type = 2 };

    (void) state;
    for (rsp.status = 0; rsp.status <= 3; rsp.status++) {
        assert_true(netif_check_ctrl(&req, &rsp, UINT32_MAX, 0, &verdict));
    }
    assert_false(netif_check_ctrl(&req, &rsp, UINT32_MAX, 0, &verdict));
    assert_string_equal(verdict.rule, "ctrl.status");
    rsp.status = 0;
    for (unsigned int n = 0; n < 3; n += 2) {
        assert_false(netif_check_ctrl(&req, &rsp, 9, 9 + n, &verdict));
        assert_string_equal(verdict.rule, "ctrl.rsp-prod");
    }
    rsp.type = 3;
    assert_false(netif_check_ctrl(&req, &rsp, 9, 10, &verdict));
    assert_string_equal(verdict.rule, "ctrl.id");
    rsp.type = 2;
    rsp.id = 0;
    assert_false(netif_check_ctrl(&req, &rsp, 9, 10, &verdict));
    assert_string_equal(verdict.rule, "ctrl.id");
}

/* XenBus. */

static void
test_states(void **state)
{
    static const unsigned int illegal[] = { 0, 3, 7, 9, 99, UINT32_MAX };
    static const unsigned int walk[] = { 0, 1, 2, 4, 5, 6, 2, 5, 6, 5, 6 };

    (void) state;
    for (size_t i = 0; i < sizeof illegal / sizeof illegal[0]; i++) {
        assert_false(netif_check_state_step(2, illegal[i], &verdict));
        assert_string_equal(verdict.rule, "bus.state");
    }
    for (size_t i = 1; i < sizeof walk / sizeof walk[0]; i++) {
        assert_true(netif_check_state_step(walk[i - 1], walk[i], &verdict));
    }
    /* States may be missed, but nothing leads back to 1. */
    assert_true(netif_check_state_step(4, 2, &verdict));
    for (unsigned int old = 2; old < 9; old++) {
        assert_false(netif_check_state_step(old, 1, &verdict));
        assert_string_equal(verdict.rule, "bus.step");
    }
}

static bool
check_feature(const char *key, const char *value)
{
    return netif_check_feature(key, value, value ? strlen(value) : 0,
                               &verdict);
}

static void
test_features(void **state)
{
    (void) state;
    assert_true(check_feature("feature-sg", "1"));
    assert_true(check_feature("feature-sg", "0"));
    assert_false(check_feature("feature-sg", NULL));
    assert_false(check_feature("feature-sg", ""));
    assert_false(check_feature("feature-sg", "01"));
    assert_false(check_feature("feature-sg", "1\n"));
    assert_false(netif_check_feature("feature-sg", "1", 2, &verdict));
    assert_false(check_feature("feature-rx-copy", "0"));
    assert_false(check_feature("feature-rx-flip", "1"));
    assert_true(check_feature("feature-rx-flip", "0"));
    assert_true(check_feature("feature-no-csum-offload", NULL));
    assert_true(check_feature("multi-queue-max-queues", "8"));
    assert_false(check_feature("multi-queue-max-queues", "0"));
    assert_false(check_feature("multi-queue-max-queues", "-1"));
    assert_false(check_feature("multi-queue-max-queues", "8x"));
    assert_true(check_feature("feature-gso-tcpv4-prefix", NULL));
    assert_false(check_feature("feature-gso-tcpv4-prefix", "1"));
}

/* Checksums: a UDP packet whose checksum was computed by hand. */

static void
test_checksum(void **state)
{
    uint8_t frame[14 + 20 + 8 + 4] = {
        0x00, 0x16, 0x3e, 0x00, 0x00, 0x01, 0x00, 0x16, 0x3e, 0x00, 0x00,
        0x02, 0x08, 0x00,
        0x45, 0x00, 0x00, 0x20, 0x00, 0x00, 0x40, 0x00, 0x40, 0x11, 0x00,
        0x00, 0x0a, 0x00, 0x00, 0x01, 0x0a, 0x00, 0x00, 0x02,
        0x00, 0x01, 0x00, 0x02, 0x00, 0x0c, 0x00, 0x00,
        0x12, 0x34, 0x56, 0x78,
    };
    struct guest_l4 l4;

    (void) state;
    assert_true(guest_find_l4(frame, sizeof frame, &l4));
    assert_int_equal(l4.ofs, 34);
    assert_int_equal(l4.len, 12);
    /* 0a00 + 0001 + 0a00 + 0002 + 0011 + 000c. */
    assert_int_equal(guest_pseudo_sum(frame, &l4), 0x1420);
    guest_csum_finish(frame, &l4);
    /* Complement of 1420 + 0001 + 0002 + 000c + 1234 + 5678. */
    assert_int_equal(frame[40] << 8 | frame[41], 0x8324);

    frame[17] = 0x21;           /* A payload that is cut short is found. */
    assert_true(guest_find_l4(frame, sizeof frame, &l4));
    assert_false(guest_find_l4(frame, 41, &l4));
    frame[20] = 0x20;           /* More fragments. */
    assert_false(guest_find_l4(frame, sizeof frame, &l4));
    frame[20] = 0;
    frame[14] = 0x4f;           /* Header longer than the packet. */
    assert_false(guest_find_l4(frame, sizeof frame, &l4));
}

/* A frame with another one inside, as VXLAN has it. */
static void
test_outermost_checksum(void **state)
{
    static const uint8_t inner[] = {
        2, 0, 0, 0, 0, 3, 2, 0, 0, 0, 0, 4, 8, 0,
        0x45, 0, 0, 40, 0, 1, 0, 0, 64, 6, 0, 0, 10, 2, 1, 1, 10, 2, 1, 2,
    };
    uint8_t frame[14 + 20 + 8 + 8 + sizeof inner + 20] = {
        2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0,
        0x45, 0, 0, sizeof frame - 14, 0, 1, 0, 0, 64, 17, 0, 0,
        10, 1, 1, 1, 10, 1, 1, 2,
        0x80, 0, 0x12, 0xb5, 0, sizeof frame - 34,
    };
    unsigned int tcp = sizeof frame - 20;

    (void) state;
    memcpy(frame + 50, inner, sizeof inner);
    assert_true(guest_csum_is_outermost(frame, sizeof frame, 34, 6));
    assert_false(guest_csum_is_outermost(frame, sizeof frame, 34, 16));
    assert_false(guest_csum_is_outermost(frame, sizeof frame, tcp, 16));
    /* IP in IP: the outer one has no such checksum. */
    frame[23] = 4;
    assert_false(guest_csum_is_outermost(frame, sizeof frame, 34, 6));
    assert_false(guest_csum_is_outermost(frame, sizeof frame, tcp, 16));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_tx_good, setup_tx),
        cmocka_unit_test_setup(test_tx_rsp_prod, setup_tx),
        cmocka_unit_test_setup(test_tx_half_packet, setup_tx),
        cmocka_unit_test_setup(test_tx_null, setup_tx),
        cmocka_unit_test_setup(test_tx_status, setup_tx),
        cmocka_unit_test_setup(test_tx_id, setup_tx),
        cmocka_unit_test_setup(test_tx_unasked, setup_tx),
        cmocka_unit_test_setup(test_rx_good, setup_rx),
        cmocka_unit_test_setup(test_rx_gso, setup_rx),
        cmocka_unit_test_setup(test_rx_unknown_extra, setup_rx),
        cmocka_unit_test_setup(test_rx_id, setup_rx),
        cmocka_unit_test_setup(test_rx_flags, setup_rx),
        cmocka_unit_test_setup(test_rx_status, setup_rx),
        cmocka_unit_test_setup(test_rx_offset, setup_rx),
        cmocka_unit_test_setup(test_rx_fill, setup_rx),
        cmocka_unit_test_setup(test_rx_half_packet, setup_rx),
        cmocka_unit_test_setup(test_rx_slots, setup_rx),
        cmocka_unit_test_setup(test_rx_rsp_prod, setup_rx),
        cmocka_unit_test_setup(test_rx_hash, setup_rx),
        cmocka_unit_test_setup(test_rx_headroom, setup_rx),
        cmocka_unit_test_setup(test_rx_csum, setup_rx),
        cmocka_unit_test_setup(test_rx_headroom_gso, setup_rx),
        cmocka_unit_test_setup(test_hash_examples, setup_hash),
        cmocka_unit_test_setup(test_hash_odd_frames, setup_hash),
        cmocka_unit_test_setup(test_check_hash, setup_hash),
        cmocka_unit_test(test_ctrl),
        cmocka_unit_test(test_states),
        cmocka_unit_test(test_features),
        cmocka_unit_test(test_checksum),
        cmocka_unit_test(test_outermost_checksum),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
