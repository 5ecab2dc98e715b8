/* SPDX-License-Identifier: Apache-2.0 */

/* Unit test: the grammar of the TX ring.  The numbers in the names are those
 * of the list of cases in the project's test plan. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "util.h"
#include "ring/xenvif-tx-parse.h"

#define MAX_SLOTS 300
#define PAGE 4096

static const struct xenvif_tx_limits no_limits = { .max_frame = 65535 };

/* A chain under construction. */
static union xenvif_tx_slot chain[MAX_SLOTS];
static unsigned int n_chain;

static void
start(void)
{
    memset(chain, 0, sizeof chain);
    n_chain = 0;
}

static void
add_request(uint16_t offset, uint16_t size, uint16_t flags)
{
    assert_in_range(n_chain, 0, MAX_SLOTS - 1);
    chain[n_chain].req = (struct netif_tx_request) {
        .gref = 1000 + n_chain, .offset = offset, .flags = flags,
        .id = n_chain, .size = size,
    };
    n_chain++;
}

static void
add_extra(uint8_t type, uint8_t flags)
{
    assert_in_range(n_chain, 0, MAX_SLOTS - 1);
    chain[n_chain].extra = (struct netif_extra_info) {
        .type = type, .flags = flags,
    };
    n_chain++;
}

/* Two areas of memory with an inaccessible page before and after each, so that
 * an array at the begin of one or at the end of the other cannot be left
 * without notice. */
static uint8_t *area;

static int
group_setup(void **state OVS_UNUSED)
{
    area = mmap(NULL, 5 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return (area == MAP_FAILED
            || mprotect(area + PAGE, PAGE, PROT_READ | PROT_WRITE)
            || mprotect(area + 3 * PAGE, PAGE, PROT_READ | PROT_WRITE));
}

static int
group_teardown(void **state OVS_UNUSED)
{
    return munmap(area, 5 * PAGE);
}

/* Parses slots ['first', 'n') of the chain in both areas. */
static enum xenvif_tx_verdict
parse_at(unsigned int first, unsigned int n, bool more,
         const struct xenvif_tx_limits *limits,
         struct xenvif_tx_packet *packet)
{
    size_t size = n * sizeof chain[0];
    union xenvif_tx_slot *low = (void *) (area + PAGE);
    union xenvif_tx_slot *high = (void *) (area + 4 * PAGE - size);
    struct xenvif_tx_packet again;
    enum xenvif_tx_verdict verdict;

    assert_true(n > first && size <= PAGE);
    memcpy(low, chain, size);
    memcpy(high, chain, size);
    memset(packet, 0xaa, sizeof *packet);
    memset(&again, 0x55, sizeof again);
    verdict = xenvif_tx_parse(high, n, first, more, limits, packet);
    assert_int_equal(xenvif_tx_parse(low, n, first, more, limits, &again),
                     verdict);
    assert_memory_equal(low, chain, size);
    assert_memory_equal(high, chain, size);
    if (verdict < XENVIF_TX_E_FATAL) {
        assert_memory_equal(packet, &again, sizeof again);
        assert_in_range(packet->n_slots, 1, n - first);
        assert_int_equal(packet->first, first);
        assert_int_equal(packet->n_slots, packet->n_data + packet->n_extras);
        assert_int_equal(packet->size, chain[first].req.size);
    }
    return verdict;
}

static enum xenvif_tx_verdict
parse(struct xenvif_tx_packet *packet)
{
    return parse_at(0, n_chain, false, &no_limits, packet);
}

/* A good packet's data slots: which they are, and that their sizes add up. */
static void
check_data(const struct xenvif_tx_packet *packet)
{
    uint32_t sum = 0;

    for (unsigned int i = 0; i < packet->n_data; i++) {
        uint32_t len;
        const struct netif_tx_request *req
            = xenvif_tx_packet_data(chain, packet, i, &len);

        assert_ptr_equal(req, &chain[packet->first + i
                                     + (i ? packet->n_extras : 0)].req);
        assert_true(req->offset + len <= PAGE);
        sum += len;
    }
    assert_int_equal(sum, packet->size);
    assert_in_range(packet->head_size, 1, packet->size);
    assert_in_range(packet->n_data, 1, XENVIF_TX_MAX_DATA_SLOTS);
}

static void
expect_good(unsigned int n_slots)
{
    struct xenvif_tx_packet packet;

    assert_int_equal(parse(&packet), XENVIF_TX_GOOD);
    assert_int_equal(packet.n_slots, n_slots);
    check_data(&packet);
}

static void
expect_error(enum xenvif_tx_verdict verdict, unsigned int n_slots,
             unsigned int n_extras)
{
    struct xenvif_tx_packet packet;

    assert_int_equal(parse(&packet), verdict);
    if (verdict < XENVIF_TX_E_FATAL) {
        assert_int_equal(packet.n_slots, n_slots);
        assert_int_equal(packet.n_extras, n_extras);
    }
}

static void
test_single_slot(void **state OVS_UNUSED)
{
    start();
    add_request(0, 60, 0);
    expect_good(1);
    chain[0].req.flags = NETTXF_csum_blank | NETTXF_data_validated;
    expect_good(1);
    chain[0].req.offset = PAGE - 60;
    expect_good(1);
    chain[0].req.offset++;
    expect_error(XENVIF_TX_E_CROSSING, 0, 0);
    chain[0].req.offset = UINT16_MAX;
    expect_error(XENVIF_TX_E_CROSSING, 0, 0);
    chain[0].req = (struct netif_tx_request) { .size = 4096 };
    expect_good(1);
    chain[0].req.size = 4097;
    expect_error(XENVIF_TX_E_CROSSING, 0, 0);
}

static void
test_case_33_one_byte_first(void **state OVS_UNUSED)
{
    start();
    add_request(PAGE - 1, 60, NETTXF_more_data);
    add_request(0, 59, 0);
    expect_good(2);
    chain[1].req.size = 60;
    expect_error(XENVIF_TX_E_BAD_SIZE, 2, 0);
}

static void
test_case_34_empty_slots(void **state OVS_UNUSED)
{
    start();
    add_request(0, 60, NETTXF_more_data);
    add_request(0, 0, NETTXF_more_data);
    add_request(PAGE, 0, NETTXF_more_data);
    add_request(0, 30, NETTXF_more_data);
    add_request(0, 0, 0);
    expect_good(5);
    chain[2].req.offset = PAGE + 1;
    expect_error(XENVIF_TX_E_CROSSING, 0, 0);
}

static void
test_case_35_shortest(void **state OVS_UNUSED)
{
    start();
    add_request(0, 14, 0);
    expect_good(1);
    for (uint16_t size = 0; size < 14; size++) {
        chain[0].req.size = size;
        expect_error(XENVIF_TX_E_RUNT, 1, 0);
    }
}

static void
test_case_36_page_edges(void **state OVS_UNUSED)
{
    static const struct {
        uint16_t offset, size;
        bool good;
    } edges[] = {
        { 4095, 1, true }, { 4096, 0, true }, { 0, 4096, true },
        { 4090, 6, true }, { 4090, 7, false }, { 4095, 2, false },
        { 4096, 1, false }, { 0, 4097, false }, { 65535, 0, false },
        { 65535, 1, false }, { 1, 65535, false }, { 65535, 65535, false },
    };

    for (size_t i = 0; i < ARRAY_SIZE(edges); i++) {
        start();
        add_request(0, edges[i].size + 60, NETTXF_more_data);
        add_request(edges[i].offset, edges[i].size, 0);
        if (edges[i].good) {
            expect_good(2);
        } else {
            expect_error(XENVIF_TX_E_CROSSING, 0, 0);
        }
    }
}

static void
test_largest_packet(void **state OVS_UNUSED)
{
    for (unsigned int n = 16; n <= 18; n++) {
        uint16_t share = DIV_ROUND_UP(65535, n);

        start();
        for (unsigned int i = 0; i < n; i++) {
            add_request(0, i ? share : 65535, i + 1 < n ? NETTXF_more_data
                                                        : 0);
        }
        expect_good(n);
    }
}

static void
test_limits(void **state OVS_UNUSED)
{
    struct xenvif_tx_limits limits = { .max_frame = 1522 };
    struct xenvif_tx_packet packet;

    start();
    add_request(0, 1522, 0);
    assert_int_equal(parse_at(0, 1, false, &limits, &packet), XENVIF_TX_GOOD);
    chain[0].req.size++;
    assert_int_equal(parse_at(0, 1, false, &limits, &packet),
                     XENVIF_TX_E_OVERSIZE);
    assert_int_equal(packet.n_slots, 1);
}

static void
test_case_80_gso(void **state OVS_UNUSED)
{
    for (unsigned int i = 0; i < 4 * 4 * 3; i++) {
        unsigned int type = i % 4, size = i / 4 % 4 * 1448, agreed = i / 16;
        struct xenvif_tx_limits limits = {
            .max_frame = 1522, .gso_v4 = agreed == 1, .gso_v6 = agreed == 2,
        };
        enum xenvif_tx_verdict verdict;
        struct xenvif_tx_packet packet;

        start();
        add_request(0, 4000, NETTXF_extra_info);
        add_extra(XEN_NETIF_EXTRA_TYPE_GSO, 0);
        chain[1].extra.u.gso.type = type;
        chain[1].extra.u.gso.size = size;
        verdict = parse_at(0, 2, false, &limits, &packet);
        assert_int_equal(packet.n_slots, 2);
        if (!type && !size) {
            /* As good as none. */
            assert_int_equal(verdict, XENVIF_TX_E_OVERSIZE);
        } else if (size && type == agreed && type) {
            assert_int_equal(verdict, XENVIF_TX_GOOD);
            assert_int_equal(packet.gso_type, type);
            assert_int_equal(packet.gso_size, size);
        } else {
            assert_int_equal(verdict, XENVIF_TX_E_GSO_REFUSED);
        }
    }
}

static void
test_case_31_multicast(void **state OVS_UNUSED)
{
    for (unsigned int type = XEN_NETIF_EXTRA_TYPE_MCAST_ADD;
         type <= XEN_NETIF_EXTRA_TYPE_MCAST_DEL; type++) {
        struct xenvif_tx_packet packet;

        /* Neither its size nor its offset means anything. */
        for (unsigned int i = 0; i < 2; i++) {
            start();
            add_request(i ? UINT16_MAX : 0, i, NETTXF_extra_info);
            add_extra(type, 0);
            memcpy(chain[1].extra.u.mcast.addr, "\1\2\3\4\5\6", 6);
            assert_int_equal(parse(&packet), XENVIF_TX_MULTICAST);
            assert_int_equal(packet.multicast_op, type);
            assert_memory_equal(packet.multicast_addr, "\1\2\3\4\5\6", 6);
            assert_int_equal(packet.n_slots, 2);
            assert_int_equal(packet.n_extras, 1);
        }

        /* Case 94: with data, all of which belongs to it. */
        chain[0].req.flags |= NETTXF_more_data;
        add_request(0, 100, NETTXF_more_data);
        add_request(0, 100, 0);
        assert_int_equal(parse(&packet), XENVIF_TX_MULTICAST);
        assert_int_equal(packet.n_slots, 4);
    }
}

/* Every type alone. */
static void
test_case_76_extra_types(void **state OVS_UNUSED)
{
    for (unsigned int type = 0; type <= UINT8_MAX; type++) {
        struct xenvif_tx_packet packet;
        enum xenvif_tx_verdict verdict;

        start();
        add_request(0, 60, NETTXF_extra_info);
        add_extra(type, 0);
        verdict = parse(&packet);
        if (type < 1 || type > 5) {
            assert_int_equal(verdict, XENVIF_TX_E_EXTRA);
        } else if (type == 2 || type == 3) {
            assert_int_equal(verdict, XENVIF_TX_MULTICAST);
        } else {
            assert_int_equal(verdict, XENVIF_TX_GOOD);
        }

        /* Endless. */
        chain[1].extra.flags = XEN_NETIF_EXTRA_FLAG_MORE;
        assert_int_equal(parse(&packet), (type < 1 || type > 5
                                          ? XENVIF_TX_E_EXTRA
                                          : XENVIF_TX_E_CUT));
    }
}

/* Every sequence of up to 6 types out of 1 ... 6. */
static void
test_case_76_extra_sequences(void **state OVS_UNUSED)
{
    for (unsigned int n = 1; n <= 6; n++) {
        unsigned int n_sequences = 1;

        for (unsigned int i = 0; i < n; i++) {
            n_sequences *= 6;
        }
        for (unsigned int s = 0; s < n_sequences; s++) {
            struct xenvif_tx_packet packet;
            enum xenvif_tx_verdict verdict;
            unsigned int seen = 0;
            bool bad = false;

            start();
            add_request(0, 60, NETTXF_extra_info | NETTXF_more_data);
            for (unsigned int i = 0, rest = s; i < n; i++, rest /= 6) {
                unsigned int type = 1 + rest % 6;

                add_extra(type, i + 1 < n ? XEN_NETIF_EXTRA_FLAG_MORE : 0);
                bad |= type == 6 || seen & (1u << type);
                seen |= 1u << type;
            }
            add_request(0, 20, 0);
            verdict = parse(&packet);
            if (bad) {
                assert_int_equal(verdict, XENVIF_TX_E_EXTRA);
            } else {
                assert_int_equal(verdict, (seen & 0xc ? XENVIF_TX_MULTICAST
                                           : XENVIF_TX_GOOD));
                assert_int_equal(packet.n_slots, n + 2);
                assert_int_equal(packet.n_extras, n);
            }
        }
    }
}

static void
test_case_75_slot_limits(void **state OVS_UNUSED)
{
    for (unsigned int n = 1; n <= 260; n++) {
        start();
        for (unsigned int i = 0; i < n; i++) {
            add_request(0, i ? 1 : 1000, i + 1 < n ? NETTXF_more_data : 0);
        }
        if (n <= 18) {
            expect_good(n);
        } else if (n <= 20) {
            expect_error(XENVIF_TX_E_TOO_MANY_SLOTS, n, 0);
        } else {
            expect_error(XENVIF_TX_E_ENDLESS, 0, 0);
        }
    }
}

static void
test_case_74_sizes_do_not_add_up(void **state OVS_UNUSED)
{
    start();
    add_request(0, 100, NETTXF_more_data);
    add_request(0, 99, 0);
    expect_good(2);
    for (uint16_t size = 100; size <= 4096; size += 37) {
        chain[1].req.size = size;
        expect_error(XENVIF_TX_E_BAD_SIZE, 2, 0);
    }

    /* A sum that would fit if it were cut to 16 bits. */
    start();
    for (unsigned int i = 0; i < 18; i++) {
        add_request(0, i ? 4096 : 17 * 4096 % 65536 + 100,
                    i < 17 ? NETTXF_more_data : 0);
    }
    expect_error(XENVIF_TX_E_BAD_SIZE, 18, 0);
}

/* XSA-432: all numbers of slots with all small sizes, spread in three ways. */
static void
test_case_77_slots_and_sizes(void **state OVS_UNUSED)
{
    for (unsigned int i = 0; i < 3 * 21 * 129; i++) {
        unsigned int way = i / (21 * 129), n = 1 + i / 129 % 21;
        uint16_t total = i % 129, left = total;
        struct xenvif_tx_packet packet;
        enum xenvif_tx_verdict verdict;

        start();
        add_request(0, total, n > 1 ? NETTXF_more_data : 0);
        for (unsigned int j = 1; j < n; j++) {
            uint16_t size = (way == 0 ? 0
                             : way == 1 ? left > 1
                             : j + 1 < n || !left ? 0 : left - 1);

            add_request(j, size, j + 1 < n ? NETTXF_more_data : 0);
            left -= size;
        }
        verdict = parse(&packet);
        if (n > 20) {
            assert_int_equal(verdict, XENVIF_TX_E_ENDLESS);
            continue;
        }
        assert_int_equal(packet.n_slots, n);
        if (total < 14) {
            assert_int_equal(verdict, XENVIF_TX_E_RUNT);
        } else if (n > 18) {
            assert_int_equal(verdict, XENVIF_TX_E_TOO_MANY_SLOTS);
        } else {
            assert_int_equal(verdict, XENVIF_TX_GOOD);
            check_data(&packet);
        }
    }
}

/* XSA-448. */
static void
test_case_78_all_slots_empty(void **state OVS_UNUSED)
{
    for (unsigned int n = 1; n <= 20; n++) {
        start();
        for (unsigned int i = 0; i < n; i++) {
            add_request(0, 0, i + 1 < n ? NETTXF_more_data : 0);
        }
        expect_error(XENVIF_TX_E_RUNT, n, 0);
    }
}

/* The longest chain there is, cut off at each slot. */
static void
test_unfinished_chains(void **state OVS_UNUSED)
{
    struct xenvif_tx_packet packet;

    start();
    add_request(0, 1000, NETTXF_more_data | NETTXF_extra_info);
    for (unsigned int type = 1; type <= 5; type++) {
        add_extra(type, type < 5 ? XEN_NETIF_EXTRA_FLAG_MORE : 0);
    }
    for (unsigned int i = 0; i < 30; i++) {
        add_request(0, 1, NETTXF_more_data);
    }
    for (unsigned int n = 1; n <= n_chain; n++) {
        /* 1 + 5 + 19 slots belong to a packet; another one is too much. */
        bool endless = n > 25;

        assert_int_equal(parse_at(0, n, false, &no_limits, &packet),
                         endless ? XENVIF_TX_E_ENDLESS : XENVIF_TX_E_CUT);
        assert_int_equal(parse_at(0, n, true, &no_limits, &packet),
                         endless ? XENVIF_TX_E_ENDLESS : XENVIF_TX_N_VERDICTS);
    }
    assert_int_equal(XENVIF_TX_MAX_CHAIN, 26);
}

/* Packets one after the other, and in the middle of an array. */
static void
test_consecutive_packets(void **state OVS_UNUSED)
{
    struct xenvif_tx_packet packet;
    unsigned int at = 0;

    start();
    for (unsigned int i = 1; i <= 18; i++) {
        for (unsigned int j = 0; j < i; j++) {
            add_request(0, j ? 10 : 300, j + 1 < i ? NETTXF_more_data : 0);
        }
    }
    for (unsigned int i = 1; i <= 18; i++) {
        assert_int_equal(parse_at(at, n_chain, false, &no_limits, &packet),
                         XENVIF_TX_GOOD);
        assert_int_equal(packet.n_slots, i);
        check_data(&packet);
        at += i;
    }
    assert_int_equal(at, n_chain);
}

/* An independent model: a machine that looks at one slot after the other. */
static enum xenvif_tx_verdict
model(unsigned int first, unsigned int n, bool more,
      const struct xenvif_tx_limits *limits, unsigned int *n_slots,
      unsigned int *n_extras)
{
    enum { EXTRA, DATA, END } next;
    const struct netif_tx_request *head = &chain[first].req;
    unsigned int counts[256] = { 0 }, n_data = 1, i;
    unsigned int gso_type = 0, gso_size = 0;
    unsigned long long int others = 0;

    next = (head->flags & NETTXF_extra_info ? EXTRA
            : head->flags & NETTXF_more_data ? DATA : END);
    *n_extras = 0;
    for (i = first + 1; next != END; i++) {
        const union xenvif_tx_slot *slot = &chain[i];

        if (i >= n) {
            return more ? XENVIF_TX_N_VERDICTS : XENVIF_TX_E_CUT;
        }
        if (next == EXTRA) {
            if (slot->extra.type == 0 || slot->extra.type >= 6
                || ++counts[slot->extra.type] == 2) {
                return XENVIF_TX_E_EXTRA;
            }
            if (slot->extra.type == 1) {
                gso_size = slot->extra.u.gso.size;
                gso_type = slot->extra.u.gso.type;
            }
            ++*n_extras;
            if (!(slot->extra.flags & 1)) {
                next = head->flags & NETTXF_more_data ? DATA : END;
            }
        } else {
            n_data++;
            others += slot->req.size;
            if (n_data == 21) {
                return XENVIF_TX_E_ENDLESS;
            }
            if ((unsigned int) slot->req.offset + slot->req.size > 4096) {
                return XENVIF_TX_E_CROSSING;
            }
            next = slot->req.flags & NETTXF_more_data ? DATA : END;
        }
    }
    *n_slots = i - first;
    if (counts[2] || counts[3]) {
        return XENVIF_TX_MULTICAST;
    } else if (head->size < 14) {
        return XENVIF_TX_E_RUNT;
    } else if (others + 1 > head->size) {
        return XENVIF_TX_E_BAD_SIZE;
    } else if (n_data > 18) {
        return XENVIF_TX_E_TOO_MANY_SLOTS;
    } else if (head->offset + (head->size - others) > 4096) {
        return XENVIF_TX_E_CROSSING;
    } else if (gso_type || gso_size) {
        return ((gso_type == 1 && limits->gso_v4)
                || (gso_type == 2 && limits->gso_v6)) && gso_size
               ? XENVIF_TX_GOOD : XENVIF_TX_E_GSO_REFUSED;
    }
    return (head->size > limits->max_frame ? XENVIF_TX_E_OVERSIZE
            : XENVIF_TX_GOOD);
}

static uint32_t
random_u32(void)
{
    static uint64_t state = 88172645463325252ULL;

    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state >> 16;
}

/* A random slot, more often than not one that makes sense. */
static void
random_slot(union xenvif_tx_slot *slot)
{
    uint32_t r = random_u32();

    for (unsigned int i = 0; i < ARRAY_SIZE(slot->words); i++) {
        slot->words[i] = random_u32();
    }
    if (r % 8 == 0) {
        return;
    }
    if (r % 8 < 3) {
        slot->extra.type = 1 + (r >> 8) % 5;
        slot->extra.flags = (r >> 16) % 3 == 0;
        slot->extra.u.gso.size %= 1500;
        slot->extra.u.gso.type %= 4;
        return;
    }
    slot->req.flags &= (r >> 8) % 4 ? NETTXF_more_data : 0xffff;
    slot->req.size %= (r >> 16) % 4 ? 300 : 6000;
    slot->req.offset %= (r >> 24) % 4 ? 3000 : 5000;
}

static void
test_random_chains(void **state OVS_UNUSED)
{
    unsigned int seen[XENVIF_TX_N_VERDICTS + 1] = { 0 };

    for (unsigned int round = 0; round < 200000; round++) {
        unsigned int n = 1 + random_u32() % 40, first = random_u32() % n;
        struct xenvif_tx_limits limits = {
            .max_frame = round % 2 ? 65535 : 1522,
            .gso_v4 = round % 3 == 0, .gso_v6 = round % 5 == 0,
        };
        bool more = random_u32() % 2;
        unsigned int n_slots = 0, n_extras = 0;
        enum xenvif_tx_verdict expected, verdict;
        struct xenvif_tx_packet packet;

        for (unsigned int i = 0; i < n; i++) {
            random_slot(&chain[i]);
        }
        if (round % 4) {
            chain[first].req.size = random_u32() % 8000;
        }
        if (round % 7 == 0) {
            for (unsigned int i = first; i < n; i++) {
                chain[i].req.flags = random_u32() % 30 ? NETTXF_more_data : 0;
                chain[i].req.size %= 50;
                chain[i].req.offset %= 2000;
            }
            chain[first].req.size = 1000;
        }
        expected = model(first, n, more, &limits, &n_slots, &n_extras);
        verdict = parse_at(first, n, more, &limits, &packet);
        assert_int_equal(verdict, expected);
        if (verdict < XENVIF_TX_E_FATAL) {
            assert_int_equal(packet.n_slots, n_slots);
            assert_int_equal(packet.n_extras, n_extras);
        }
        if (verdict == XENVIF_TX_GOOD) {
            check_data(&packet);
        }
        if (n - first >= XENVIF_TX_MAX_CHAIN) {
            assert_int_not_equal(verdict, XENVIF_TX_N_VERDICTS);
        }
        seen[verdict]++;
    }

    /* The parser has a use for each but those that come from elsewhere. */
    for (unsigned int i = 0; i <= XENVIF_TX_N_VERDICTS; i++) {
        bool elsewhere = (i == XENVIF_TX_ANSWERED || i == XENVIF_TX_E_GRANT
                          || i == XENVIF_TX_E_CSUM || i == XENVIF_TX_E_GSO
                          || i == XENVIF_TX_E_POLICED
                          || i == XENVIF_TX_E_RING);

        assert_true(elsewhere ? !seen[i] : seen[i] > 0);
    }
}

static void
test_slot_is_answered(void **state OVS_UNUSED)
{
    static const int16_t statuses[] = { 0, -1, -2, 1, 2, -3, INT16_MAX,
                                        INT16_MIN };
    union xenvif_tx_slot slot = { .words = { 0 } };

    for (unsigned int id = 0; id <= UINT16_MAX; id += 111) {
        for (size_t i = 0; i < ARRAY_SIZE(statuses); i++) {
            slot.req = (struct netif_tx_request) { .gref = 7, .id = id };
            struct netif_tx_response rsp = { .id = id,
                                             .status = statuses[i] };

            assert_int_equal(xenvif_tx_slot_is_answered(&slot), id == 7);
            memcpy(&slot, &rsp, sizeof rsp);
            assert_int_equal(xenvif_tx_slot_is_answered(&slot), i < 3);
            slot.req.id++;
            assert_false(xenvif_tx_slot_is_answered(&slot));
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_single_slot),
        cmocka_unit_test(test_case_31_multicast),
        cmocka_unit_test(test_case_33_one_byte_first),
        cmocka_unit_test(test_case_34_empty_slots),
        cmocka_unit_test(test_case_35_shortest),
        cmocka_unit_test(test_case_36_page_edges),
        cmocka_unit_test(test_largest_packet),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_case_74_sizes_do_not_add_up),
        cmocka_unit_test(test_case_75_slot_limits),
        cmocka_unit_test(test_case_76_extra_types),
        cmocka_unit_test(test_case_76_extra_sequences),
        cmocka_unit_test(test_case_77_slots_and_sizes),
        cmocka_unit_test(test_case_78_all_slots_empty),
        cmocka_unit_test(test_case_80_gso),
        cmocka_unit_test(test_unfinished_chains),
        cmocka_unit_test(test_consecutive_packets),
        cmocka_unit_test(test_random_chains),
        cmocka_unit_test(test_slot_is_answered),
    };

    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
