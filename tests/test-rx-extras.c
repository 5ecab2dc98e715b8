/* SPDX-License-Identifier: Apache-2.0 */

/* Component test: what a guest is told about a packet besides its data, and
 * which packets it gets at all.  The numbers in the names are those of the
 * list of cases in the project's test plan. */

#include <config.h>

/* Has netif.h offer its own implementation of the hash. */
#define XEN_NETIF_DEFINE_TOEPLITZ

#include "mock-frontend.h"

#include <string.h>

#include "frames.h"
#include "util.h"
#include "packet/xenvif-hash.h"
#include "packet/xenvif-ovs-compat.h"

static struct frame frame;
static uint8_t key[XENVIF_HASH_KEY_SIZE];

static int
setup(void **state)
{
    mock_setup_ctrl(state, 1, -100);
    mock_limit_mtu(*state);
    return 0;
}

static void
set_flags(struct mock *mock, uint32_t flags)
{
    assert_int_equal(mock_ctrl_call(
        mock, XEN_NETIF_CTRL_TYPE_SET_HASH_FLAGS, flags, 0, 0, NULL), 0);
}

static void
set_toeplitz(struct mock *mock, bool toeplitz)
{
    assert_int_equal(mock_ctrl_call(
        mock, XEN_NETIF_CTRL_TYPE_SET_HASH_ALGORITHM, toeplitz, 0, 0, NULL),
        0);
    mock->rules.hash = toeplitz;
}

static void
configure_hash(struct mock *mock)
{
    mock_fill_frame(key, sizeof key);
    set_toeplitz(mock, true);
    set_flags(mock, 0xf);
    assert_int_equal(mock_ctrl_call_page(
        mock, XEN_NETIF_CTRL_TYPE_SET_HASH_KEY, 0, sizeof key, 0, 0, key,
        sizeof key, NULL), 0);
}

/* The hash of the frame, with or without ports. */
static uint32_t
hash_of_frame(bool ports)
{
    uint32_t addrs = frame.l3 + (frame.spec.v6 ? 8 : 12);
    uint32_t len = frame.spec.v6 ? 32 : 8;
    uint8_t input[36];

    memcpy(input, frame.data + addrs, len);
    memcpy(input + len, frame.data + frame.l4, 4);
    return xen_netif_toeplitz_hash(key, sizeof key, input,
                                   len + (ports ? 4 : 0));
}

/* Sends the frame with 'slots' requests posted, all of which it needs. */
static void
send_frame(struct mock_queue *q, unsigned int slots, struct mock_rx_packet *p)
{
    struct dp_packet *packet = mock_packet(frame.data, frame.len);
    uint64_t n = mock_rx_verdicts(q, XENVIF_RX_E_NO_SLOTS);

    /* One less is not enough. */
    mock_rx_post(q, slots - 1);
    mock_rx_burst(q, &packet, 1);
    assert_int_equal(mock_rx_verdicts(q, XENVIF_RX_E_NO_SLOTS), n + 1);
    assert_false(mock_rx_take(q, p));
    mock_rx_post(q, 1);
    mock_rx_burst(q, &packet, 1);
    dp_packet_delete(packet);
    assert_true(mock_rx_take(q, p));
    assert_int_equal(p->info.error, 0);
    assert_int_equal(p->info.n_slots, slots);
    assert_int_equal(p->info.len, frame.len);
    assert_memory_equal(p->data, frame.data, frame.len);
}

static void
test_case_67_hash_extra(void **state)
{
    struct mock *mock = *state;
    struct mock_queue *q = &mock->queues[0];
    struct mock_rx_packet *p = xmalloc(sizeof *p);

    atomic_store(&mock->terms.max_frame, MOCK_FRAME_MAX);
    configure_hash(mock);
    for (unsigned int i = 0; i < 16 * 2 * 2 * 2; i++) {
        bool v6 = i & 1, tcp = i & 2;
        const struct frame_spec spec = {
            .v6 = v6, .proto = tcp ? FRAME_TCP : FRAME_UDP,
            .n_tags = i >> 2 & 1,
            .payload = mock_random_range(i % 5 ? 1000 : 9000),
        };
        uint32_t flags = i >> 3;
        bool l4 = tcp && flags & (v6 ? 8 : 2);
        bool hashed = l4 || flags & (v6 ? 4 : 1);

        set_flags(mock, flags);
        frame_make(&frame, &spec);
        send_frame(q, DIV_ROUND_UP(frame.len, NETIF_PAGE_SIZE) + hashed, p);
        assert_int_equal(p->info.has_hash, hashed);
        if (hashed) {
            assert_int_equal(p->info.hash_type, 2 * v6 + l4);
            assert_int_equal(p->info.hash_value, hash_of_frame(l4));
        }
    }

    /* Without an algorithm there is no extra info that anybody could take. */
    set_flags(mock, 0xf);
    set_toeplitz(mock, false);
    send_frame(q, DIV_ROUND_UP(frame.len, NETIF_PAGE_SIZE), p);
    assert_false(p->info.has_hash);
    free(p);
}

/* A new connection begins without a hash. */
static void
test_hash_ends_with_connection(void **state)
{
    struct mock *mock = *state;
    const struct frame_spec spec = { .proto = FRAME_TCP, .payload = 100 };
    struct mock_rx_packet *p = xmalloc(sizeof *p);

    frame_make(&frame, &spec);
    configure_hash(mock);
    send_frame(&mock->queues[0], 2, p);
    assert_true(p->info.has_hash);
    mock->rules.hash = false;
    mock_reconnect(mock, 0);
    send_frame(&mock->queues[0], 1, p);
    free(p);
}

/* GSO, hash and headroom, in any combination that there can be. */
static void
test_all_extras(void **state)
{
    struct mock *mock = *state;
    struct mock_queue *q = &mock->queues[0];
    struct mock_rx_packet *p = xmalloc(sizeof *p);

    /* Not GSO with headroom, which xenvif_steer() does not let happen. */
    for (unsigned int i = 0; i < 7; i += 1 + (i == 4)) {
        const struct frame_spec spec = { .proto = FRAME_TCP,
                                         .payload = i & 1 ? 20000 : 1000 };
        unsigned int n_extras = (i & 1) + (i >> 1 & 1) + (i >> 2 & 1);
        struct dp_packet *packet;
        unsigned int n_data;

        mock->rules.gso_tcpv4 = i & 1;
        mock->rules.hash = false;
        mock->rules.headroom = i & 4 ? 256 : 0;
        mock_reconnect(mock, 0);
        if (i & 2) {
            configure_hash(mock);
        }
        frame_make(&frame, &spec);
        packet = mock_packet(frame.data, frame.len);
        xenvif_packet_set_l4_partial(packet, false, true, frame.l4, 16);
        if (i & 1) {
            xenvif_packet_set_tso(packet, MOCK_MTU - 40);
        }
        n_data = DIV_ROUND_UP(frame.len + mock->rules.headroom,
                              NETIF_PAGE_SIZE);
        mock_rx_post(q, n_data + n_extras);
        mock_rx_burst(q, &packet, 1);
        dp_packet_delete(packet);
        assert_true(mock_rx_take(q, p));
        assert_int_equal(p->info.n_slots, n_data + n_extras);
        assert_int_equal(p->info.len, frame.len);
        assert_int_equal(p->info.gso_size, i & 1 ? MOCK_MTU - 40 : 0);
        assert_int_equal(p->info.has_hash, i >> 1 & 1);
    }
    free(p);
}

/* A guest attaches and detaches an XDP program while it is connected. */
static void
test_case_28_headroom_changes(void **state)
{
    struct mock *mock = *state;
    struct mock_queue *q = &mock->queues[0];
    struct mock_rx_packet *p = xmalloc(sizeof *p);
    const struct frame_spec spec = { .proto = FRAME_TCP, .payload = 1400 };

    for (unsigned int i = 0; i < 100; i++) {
        mock->rules.headroom = i % 2 ? 256 : 0;
        atomic_store(&mock->conn->common.headroom, mock->rules.headroom);
        frame_make(&frame, &spec);
        for (unsigned int j = 0; j < 5; j++) {
            send_frame(q, 1 + i % 2, p);
        }
    }
    free(p);
}

/* Many packets with extra infos at once: more responses than copies. */
static void
test_large_bursts(void **state)
{
    struct mock *mock = *state;
    struct mock_queue *q = &mock->queues[0];
    struct mock_rx_packet *p = xmalloc(sizeof *p);
    const struct frame_spec spec = { .proto = FRAME_TCP, .payload = 100 };
    struct dp_packet *packets[NETDEV_MAX_BURST];

    mock->rules.headroom = 256;
    mock_reconnect(mock, 0);
    configure_hash(mock);
    for (unsigned int round = 0; round < 20; round++) {
        for (unsigned int i = 0; i < NETDEV_MAX_BURST; i++) {
            frame_make(&frame, &spec);
            packets[i] = mock_packet(frame.data, frame.len);
        }
        mock_rx_post(q, 3 * NETDEV_MAX_BURST);
        mock_rx_burst(q, packets, NETDEV_MAX_BURST);
        for (unsigned int i = 0; i < NETDEV_MAX_BURST; i++) {
            assert_true(mock_rx_take(q, p));
            assert_int_equal(p->info.n_slots, 3);
            assert_memory_equal(p->data, dp_packet_data(packets[i]),
                                frame.len);
            dp_packet_delete(packets[i]);
        }
    }
    assert_int_equal(mock_rx_count(q, copy_calls), 20);
    free(p);
}

/* A page that cannot be written to costs one packet, whose chain keeps its
 * shape, extra infos included. */
static void
test_case_53_bad_grants(void **state)
{
    struct mock *mock = *state;
    struct mock_queue *q = &mock->queues[0];
    struct mock_rx_packet *p = xmalloc(sizeof *p);
    const struct frame_spec spec = { .proto = FRAME_TCP, .payload = 5000 };

    mock->rules.headroom = 256;
    atomic_store(&mock->terms.max_frame, MOCK_FRAME_MAX);
    mock_reconnect(mock, 0);
    configure_hash(mock);
    frame_make(&frame, &spec);
    for (unsigned int bad = 0; bad < 4; bad++) {
        /* Slots: data, hash, headroom, data. */
        bool is_data = bad == 0 || bad == 3;
        struct dp_packet *packets[2];

        packets[0] = packets[1] = mock_packet(frame.data, frame.len);
        mock_rx_post(q, bad);
        mock_rx_post_gref(q, 30000);
        mock_rx_post(q, 3 - bad + 4);
        mock_rx_burst(q, packets, 2);
        dp_packet_delete(packets[0]);
        assert_true(mock_rx_take(q, p));
        assert_int_equal(p->info.n_slots, 4);
        assert_int_equal(p->info.error, is_data ? NETIF_RSP_ERROR : 0);
        assert_true(p->info.has_hash);
        assert_true(mock_rx_take(q, p));
        assert_int_equal(p->info.error, 0);
        assert_memory_equal(p->data, frame.data, frame.len);
    }
    assert_int_equal(mock_rx_verdicts(q, XENVIF_RX_E_GRANT), 2);
    free(p);
}

/* Multicast control. */

static const struct eth_addr broadcast = ETH_ADDR_C(ff,ff,ff,ff,ff,ff);
static const struct eth_addr listed = ETH_ADDR_C(33,33,00,00,00,01);
static const struct eth_addr unlisted = ETH_ADDR_C(33,33,00,00,00,02);
static const struct eth_addr unicast = ETH_ADDR_C(32,33,00,00,00,02);

/* Sends a packet to 'addr'.  Returns true if the guest gets it. */
static bool
gets(struct mock_queue *q, struct eth_addr addr)
{
    struct mock_rx_packet *p = xmalloc(sizeof *p);
    uint64_t n = mock_rx_verdicts(q, XENVIF_RX_E_MULTICAST);
    struct dp_packet *packet;
    bool result;

    mock_fill_frame(frame.data, 60);
    memcpy(frame.data, &addr, sizeof addr);
    packet = mock_packet(frame.data, 60);
    if (q->rx_prod == q->rx_cons) {
        mock_rx_post(q, 1);
    }
    mock_rx_burst(q, &packet, 1);
    dp_packet_delete(packet);
    result = mock_rx_take(q, p);
    if (result) {
        assert_memory_equal(p->data, frame.data, 60);
    }
    assert_int_equal(mock_rx_verdicts(q, XENVIF_RX_E_MULTICAST), n + !result);
    free(p);
    return result;
}

/* Has the guest edit its list, as it does: in its TX ring. */
static void
edit(struct mock_queue *q, uint8_t type, struct eth_addr addr)
{
    struct netif_extra_info extra = { .flags = 0 };
    struct dp_packet_batch batch;
    uint32_t first = q->tx_prod;

    memcpy(extra.u.mcast.addr, &addr, sizeof addr);
    extra.type = type;
    mock_tx_request(q, 0, 0, 0, NETTXF_extra_info);
    mock_tx_extra(q, &extra);
    mock_tx_end(q);
    mock_tx_push(q);
    assert_int_equal(mock_tx_burst(q, &batch), 0);
    assert_int_equal(mock_tx_reap(q), 2);
    assert_int_equal(mock_tx_status(q, first), NETIF_RSP_OKAY);
}

static void
test_multicast_filter(void **state)
{
    struct mock *mock = *state;
    struct mock_queue *q = &mock->queues[0];

    /* A guest that lists addresses but does not ask for a filter. */
    edit(q, XEN_NETIF_EXTRA_TYPE_MCAST_ADD, listed);
    assert_true(gets(q, unlisted));
    assert_true(gets(q, listed));

    mock->filter_multicast = true;
    mock_reconnect(mock, 0);
    for (unsigned int i = 0; i < 3; i++) {
        assert_true(gets(q, unicast));
        assert_true(gets(q, broadcast));
        assert_true(gets(q, listed));
        assert_false(gets(q, unlisted));
        edit(q, XEN_NETIF_EXTRA_TYPE_MCAST_ADD, unlisted);
        assert_true(gets(q, unlisted));
        edit(q, XEN_NETIF_EXTRA_TYPE_MCAST_DEL, listed);
        assert_false(gets(q, listed));
        edit(q, XEN_NETIF_EXTRA_TYPE_MCAST_ADD, listed);
        edit(q, XEN_NETIF_EXTRA_TYPE_MCAST_DEL, unlisted);
    }

    /* It changes its mind ("dynamic" multicast control). */
    atomic_store(&mock->conn->common.filter_multicast, false);
    assert_true(gets(q, unlisted));
    atomic_store(&mock->conn->common.filter_multicast, true);
    assert_false(gets(q, unlisted));
    assert_int_equal(mock_rx_count(q, broadcast), 3);
}

#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, setup, mock_teardown)

static int
run(const char *name)
{
    const struct CMUnitTest tests[] = {
        TEST(test_case_67_hash_extra),
        TEST(test_hash_ends_with_connection),
        TEST(test_all_extras),
        TEST(test_case_28_headroom_changes),
        TEST(test_large_bursts),
        TEST(test_case_53_bad_grants),
        TEST(test_multicast_filter),
    };

    return cmocka_run_group_tests_name(name, tests, NULL, NULL);
}

int
main(void)
{
    return mock_main(run);
}
