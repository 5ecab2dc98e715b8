/* SPDX-License-Identifier: Apache-2.0 */

/* Component test: what we say of a packet is what Open vSwitch finds in it.
 *
 * Frames as an attacker makes them come out of a guest's ring and go ways that
 * packets take through Open vSwitch, of whose code nothing is mocked.  On each
 * of them nothing may end with an assertion or beyond the packet, and a
 * checksum that the guest left out must be right on the wire.
 *
 * XENVIF_BORDER_SEED and XENVIF_BORDER_ROUNDS have it run with other frames,
 * and longer. */

#include <config.h>

#include "mock-frontend.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "flow.h"
#include "frames.h"
#include "netdev-native-tnl.h"
#include "odp-netlink.h"
#include "packets.h"
#include "wild-frames.h"
#include "packet/xenvif-ovs-compat.h"
#include "ring/xenvif-steer.h"
#include "ring/xenvif-tx.h"

#if XENVIF_OVS_HAVE_TUNNEL_OFFLOADS
#include "dp-packet-gso.h"
#include "netdev-provider.h"
#endif

/* Segments of a packet that go all ways; of the others, only what is on the
 * wire is looked at. */
#define MAX_TRAVELLERS 3

static struct wild_frame sent;
static unsigned int seed, round_no;
static const char *way = "none";

/* What to look at when the program dies in a function of Open vSwitch. */
static void
die(int sig)
{
    dprintf(STDERR_FILENO, "signal %d: seed %u, round %u, way \"%s\", "
            "%u bytes, blank %d, GSO %u/%u:\n", sig, seed, round_no, way,
            sent.len, sent.blank, sent.gso_type, sent.gso_size);
    for (uint32_t i = 0; i < MIN(sent.len, 160u); i++) {
        dprintf(STDERR_FILENO, "%02x%s", sent.data[i], i % 16 == 15 ? "\n"
                                                                    : " ");
    }
    dprintf(STDERR_FILENO, "\n");
    signal(sig, SIG_DFL);
    raise(sig);
}

#define EXPECT(CONDITION) \
    do { \
        if (!(CONDITION)) { \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #CONDITION); \
            die(SIGABRT); \
        } \
    } while (0)

static unsigned int
env_number(const char *name, unsigned int value)
{
    const char *s = getenv(name);

    return s && *s ? strtoul(s, NULL, 0) : value;
}

/* What arrives. */

/* Did the guest leave a checksum to us? */
static bool
is_open(void)
{
    return sent.blank || sent.gso_type;
}

/* Has the guest a right to a checksum that is right in the end? */
static bool
is_owed(void)
{
    struct wild_l4 l4;

    return is_open() || (wild_find(sent.data, sent.len, &l4)
                         && wild_csum_is_ok(sent.data, &l4));
}

/* Is the packet on the wire, of which the first 'skip' bytes are a tunnel's,
 * as it should be? */
static void
check_wire(const struct dp_packet *packet, uint32_t skip)
{
    const uint8_t *data = (const uint8_t *) dp_packet_data(packet) + skip;
    struct wild_l4 l4;

    if (is_owed()) {
        EXPECT(wild_find(data, dp_packet_size(packet) - skip, &l4));
        EXPECT(wild_csum_is_ok(data, &l4));
    }
}

/* Sends 'packet', which is deleted, by a port that can do nothing for it. */
static void
send_plain(struct dp_packet *packet, uint32_t skip, bool judge)
{
#if XENVIF_OVS_HAVE_TUNNEL_OFFLOADS
    if (xenvif_packet_is_tso(packet)) {
        static struct dp_packet_batch batches[80];
        struct dp_packet_batch *last = batches;
        struct dp_packet *segment;

        for (size_t i = 0; i < ARRAY_SIZE(batches); i++) {
            dp_packet_batch_init(&batches[i]);
        }
        EXPECT(DIV_ROUND_UP(dp_packet_gso_nr_segs(packet), NETDEV_MAX_BURST)
               <= ARRAY_SIZE(batches));
        EXPECT(dp_packet_gso(packet, &last));
        for (size_t i = 0; i < ARRAY_SIZE(batches); i++) {
            DP_PACKET_BATCH_FOR_EACH (j, segment, &batches[i]) {
                dp_packet_ol_send_prepare(segment, 0);
                if (judge) {
                    check_wire(segment, skip);
                }
            }
            dp_packet_delete_batch(&batches[i], true);
        }
        dp_packet_delete(packet);
        return;
    }
    dp_packet_ol_send_prepare(packet, 0);
    if (judge) {
        check_wire(packet, skip);
    }
#else
    /* Before, what has open checksums was dropped on its way there. */
    if (judge && !xenvif_packet_l4_is_partial(packet)) {
        check_wire(packet, skip);
    }
#endif
    dp_packet_delete(packet);
}

/* Sends 'packet', which is deleted, by a port that has a network card, or the
 * kernel, complete the checksum where Open vSwitch says it is. */
static void
send_card(struct dp_packet *packet)
{
    uint8_t *data = dp_packet_data(packet);
    struct wild_l4 l4;

    if (xenvif_packet_l4_is_partial(packet)
        && !xenvif_packet_l4_is_good(packet)) {
        EXPECT(dp_packet_l3(packet) && dp_packet_l4(packet));
        EXPECT(wild_find(data, dp_packet_size(packet), &l4));
        wild_finish(data, &l4, (uint8_t *) dp_packet_l4(packet) - data);
    }
    check_wire(packet, 0);
    dp_packet_delete(packet);
}

/* The ways.  Each owns the packet. */

/* As a new flow, or one that needs more than a look. */
static void
extract(struct dp_packet *packet, struct flow *flow, int vlan_limit)
{
    flow_limit_vlans(vlan_limit);
    flow_extract(packet, flow);
}

static void
go_up(struct dp_packet *packet)
{
    struct flow flow;

    extract(packet, &flow, 1);
    send_plain(packet, 0, true);
}

static void
go_up_two_tags(struct dp_packet *packet)
{
    struct flow flow;

    extract(packet, &flow, 2);
    send_plain(packet, 0, true);
}

/* Rules that match on nothing but the port. */
static void
go_simple(struct dp_packet *packet)
{
    ovs_be16 dl_type, tci;
    uint8_t frag;

    flow_limit_vlans(1);
    parse_tcp_flags(packet, &dl_type, &frag, &tci);
    send_plain(packet, 0, true);
}

static void
go_card(struct dp_packet *packet)
{
    struct flow flow;

    extract(packet, &flow, 1);
    send_card(packet);
}

static void
go_card_simple(struct dp_packet *packet)
{
    flow_limit_vlans(1);
    parse_tcp_flags(packet, NULL, NULL, NULL);
    send_card(packet);
}

/* From an access port to a trunk. */
static void
go_access(struct dp_packet *packet)
{
    struct flow flow;

    extract(packet, &flow, 1);
    eth_push_vlan(packet, htons(ETH_TYPE_VLAN_8021Q), htons(7));
    send_plain(packet, 0, true);
}

/* The same, and then through conntrack or to a bond. */
static void
go_access_again(struct dp_packet *packet)
{
    struct flow flow;

    extract(packet, &flow, 1);
    eth_push_vlan(packet, htons(ETH_TYPE_VLAN_8021AD), htons(7));
    extract(packet, &flow, 1);
    send_plain(packet, 0, true);
}

/* From a trunk to an access port. */
static void
go_pop(struct dp_packet *packet)
{
    struct flow flow;

    extract(packet, &flow, 1);
    if (flow.vlans[0].tci & htons(VLAN_CFI)
        && dp_packet_size(packet) >= VLAN_ETH_HEADER_LEN) {
        eth_pop_vlan(packet);
    }
    extract(packet, &flow, 1);
    send_plain(packet, 0, true);
}

static void
go_mpls(struct dp_packet *packet)
{
    struct flow flow;

    extract(packet, &flow, 1);
    if (packet->l4_ofs != UINT16_MAX) {
        push_mpls(packet, htons(ETH_TYPE_MPLS), htonl(0x00064140));
    }
    send_plain(packet, 0, true);
}

/* NAT, or a router.  (Before 3.2, Open vSwitch counts the difference of
 * addresses the wrong way in a sum that is open, whoever left it so.) */
static void
go_nat(struct dp_packet *packet)
{
    struct flow flow;

    extract(packet, &flow, 1);
    if (packet->l4_ofs != UINT16_MAX && !flow.nw_frag
        && (XENVIF_OVS_HAVE_CSUM_START
            || !xenvif_packet_l4_is_partial(packet))) {
        if (flow.dl_type == htons(ETH_TYPE_IP)) {
            packet_set_ipv4(packet, htonl(0x0a010203), flow.nw_dst,
                            flow.nw_tos, 63);
        } else {
            struct in6_addr addr = in6addr_loopback;

            packet_set_ipv6(packet, &addr, &flow.ipv6_dst, 0, htonl(1), 63);
        }
        if (flow.nw_proto == IPPROTO_TCP && flow.tp_src
            && dp_packet_l4_size(packet) >= TCP_HEADER_LEN) {
            packet_set_tcp_port(packet, htons(1000), htons(80));
        } else if (flow.nw_proto == IPPROTO_UDP && flow.tp_src
                   && dp_packet_l4_size(packet) >= UDP_HEADER_LEN) {
            packet_set_udp_port(packet, htons(1000), htons(53));
        }
    }
    send_plain(packet, 0, true);
}

/* To a mirror that wants no more than that, for which nothing has to be
 * right. */
static void
go_truncated(struct dp_packet *packet)
{
    struct dp_packet_batch batch;
    struct flow flow;

    extract(packet, &flow, 1);
    dp_packet_batch_init_packet(&batch, packet);
    batch.trunc = true;
    dp_packet_set_cutlen(packet, 64);
    dp_packet_batch_apply_cutlen(&batch);
    if (!xenvif_packet_is_tso(packet)) {
        send_plain(packet, 0, false);
    } else {
        dp_packet_delete(packet);
    }
}

#if XENVIF_OVS_HAVE_TUNNEL_OFFLOADS
/* Into a VXLAN tunnel over IPv4, with a checksum of the outside or without. */
static void
push_vxlan(struct dp_packet *packet, bool csum)
{
    static const uint8_t header[50] = {
        2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x08, 0x00,
        0x45, 0, 0, 0, 0, 0, 0x40, 0, 64, 17, 0, 0,
        172, 31, 1, 1, 172, 31, 1, 2,
        0, 0, 0x12, 0xb5, 0, 0, 0, 0, 0x08, 0, 0, 0, 0, 0, 5, 0,
    };
    struct ovs_action_push_tnl tunnel = {
        .header_len = sizeof header, .tnl_type = OVS_VPORT_TYPE_VXLAN,
    };

    memcpy(tunnel.header, header, sizeof header);
    if (csum) {
        ((uint8_t *) tunnel.header)[41] = 0xff;
    }
    netdev_tnl_push_udp_header(NULL, packet, &tunnel);
}

static void
go_tunnel(struct dp_packet *packet)
{
    struct flow flow;

    extract(packet, &flow, 1);
    push_vxlan(packet, false);
    send_plain(packet, 50, true);
}

static void
go_tunnel_csum(struct dp_packet *packet)
{
    struct flow flow;

    extract(packet, &flow, 1);
    if (xenvif_packet_is_tso(packet)) {
        dp_packet_delete(packet);
        return;
    }
    push_vxlan(packet, true);
    dp_packet_ol_send_prepare(packet, 0);
    if (is_open()) {
        struct wild_l4 l4;

        EXPECT(wild_find(dp_packet_data(packet), dp_packet_size(packet),
                         &l4));
        EXPECT(wild_csum_is_ok(dp_packet_data(packet), &l4));
        EXPECT(wild_ip_is_ok(dp_packet_data(packet), l4.l3));
    }
    send_plain(packet, 50, true);
}
#endif

static const struct way {
    const char *name;
    void (*run)(struct dp_packet *);
} ways[] = {
    { "to the controller", go_up },
    { "to the controller, vlan-limit 2", go_up_two_tags },
    { "by port", go_simple },
    { "to a card", go_card },
    { "to a card by port", go_card_simple },
    { "from an access port", go_access },
    { "from an access port, twice", go_access_again },
    { "to an access port", go_pop },
    { "to MPLS", go_mpls },
    { "NAT", go_nat },
    { "truncated", go_truncated },
#if XENVIF_OVS_HAVE_TUNNEL_OFFLOADS
    { "VXLAN", go_tunnel },
    { "VXLAN with checksum", go_tunnel_csum },
#endif
};

/* To another guest, here the same one. */
static void
go_guest(struct mock_queue *q, struct dp_packet *packet)
{
    static struct mock_rx_packet p;
    struct dp_packet_batch batch;
    struct flow flow;
    struct wild_l4 l4;

    way = "to a guest";
    extract(packet, &flow, 1);
#if XENVIF_OVS_HAVE_TUNNEL_OFFLOADS
    dp_packet_ol_send_prepare(packet, NETDEV_TX_OFFLOAD_TCP_CKSUM
                              | NETDEV_TX_OFFLOAD_UDP_CKSUM);
#endif
    mock_rx_post(q, 20 - (q->rx_prod - q->rx_cons));
    dp_packet_batch_init_packet(&batch, packet);
    xenvif_steer(q->mock->conn, &batch);
    while (mock_rx_take(q, &p)) {
        EXPECT(!p.info.error);
        if (is_open()) {
            EXPECT(wild_find(p.data, p.info.len, &l4));
        }
        if (p.info.flags & NETRXF_csum_blank) {
            EXPECT(!l4.n_tags);
            EXPECT(frame_get16(p.data + wild_csum_ofs(&l4))
                   == wild_pseudo(p.data, &l4));
        } else if (is_open()) {
            EXPECT(wild_csum_is_ok(p.data, &l4));
        }
    }
    dp_packet_delete(packet);
}

/* Is what we say of the packet what Open vSwitch finds? */
static void
check_marks(const struct dp_packet *packet)
{
    struct dp_packet *clone = dp_packet_clone(packet);
    struct flow flow;
    struct wild_l4 l4;

    way = "marks";
    extract(clone, &flow, 1);
    if (xenvif_packet_l4_is_partial(packet)
        || xenvif_packet_is_tso(packet)) {
        EXPECT(wild_find(dp_packet_data(packet), dp_packet_size(packet),
                         &l4));
        EXPECT(clone->l3_ofs == l4.l3);
        EXPECT(clone->l4_ofs == l4.l4);
        EXPECT(dp_packet_l4_size(clone) == l4.l4_len);
#if XENVIF_OVS_HAVE_CSUM_START
        EXPECT(packet->csum_start == l4.l4);
        EXPECT(packet->csum_offset == wild_csum_ofs(&l4) - l4.l4);
    } else {
        EXPECT(!packet->csum_start && !packet->csum_offset);
        EXPECT(!dp_packet_ol_l4_csum_partial(packet));
#endif
    }
    dp_packet_delete(clone);
}

/* Takes 'packet' along all ways. */
static void
travel(struct mock_queue *q, const struct dp_packet *packet)
{
    check_marks(packet);
    for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
        way = ways[i].name;
        ways[i].run(dp_packet_clone_with_headroom(packet, 128));
    }
    if (dp_packet_size(packet) < 20000) {
        go_guest(q, dp_packet_clone(packet));
    }
}

/* Rounds. */

/* Is the checksum to be left open?  That of all that is usual, and of nothing
 * that anything in Open vSwitch can get wrong. */
static bool
leaves_open(const struct mock *mock)
{
    struct wild_l4 l4;

    return (mock->terms.partial && is_open()
            && wild_find(sent.data, sent.len, &l4)
            && !l4.n_tags && !l4.options && l4.l4 + l4.l4_len == sent.len
            && (l4.proto == 6 || !l4.v6 || !mock->terms.tso
                || !XENVIF_OVS_HAVE_CSUM_START));
}

static void
put_frame(struct mock_queue *q)
{
    uint16_t sizes[18];
    unsigned int n = mock_random_layout(sent.len, 18, sizes);
    uint16_t flags = ((sent.blank ? NETTXF_csum_blank : 0)
                      | (sent.validated ? NETTXF_data_validated : 0));

    if (sent.gso_type) {
        struct netif_extra_info gso = { .flags = 0 };

        gso.u.gso.type = sent.gso_type;
        gso.u.gso.size = sent.gso_size;
        mock_tx_stage_extra(q, XEN_NETIF_EXTRA_TYPE_GSO, &gso);
    }
    mock_tx_frame(q, sent.data, sent.len, sizes, n, flags);
    mock_tx_push(q);
}

/* Looks at what one burst brought.  'done' packets came before. */
static void
look_at(struct mock_queue *q, struct dp_packet_batch *batch,
        unsigned int done)
{
    struct dp_packet *packet;

    DP_PACKET_BATCH_FOR_EACH (i, packet, batch) {
        if (done + i < MAX_TRAVELLERS) {
            way = "in";
            EXPECT(xenvif_packet_l4_is_partial(packet)
                   == leaves_open(q->mock));
            travel(q, packet);
        } else {
            way = "segment";
            check_marks(packet);
            go_up(dp_packet_clone(packet));
        }
    }
    dp_packet_delete_batch(batch, true);
}

static uint64_t
count_refused(struct mock_queue *q)
{
    uint64_t n = 0;

    for (unsigned int i = 0; i < XENVIF_TX_N_VERDICTS; i++) {
        n += i == XENVIF_TX_GOOD ? 0 : mock_tx_verdicts(q, i);
    }
    return n;
}

/* Has the provider take the frame.  Returns whether it did. */
static bool
run_frame(struct mock_queue *q)
{
    uint64_t good = mock_tx_verdicts(q, XENVIF_TX_GOOD);
    uint64_t refused = count_refused(q);
    uint32_t first = q->tx_prod;
    unsigned int n = 0;

    put_frame(q);
    way = "in";
    for (;;) {
        struct dp_packet_batch batch;

        dp_packet_batch_init(&batch);
        if (xenvif_tx_burst(mock_backend(q), &batch)) {
            break;
        }
        n += dp_packet_batch_size(&batch);
        look_at(q, &batch, n - dp_packet_batch_size(&batch));
    }
    mock_tx_reap(q);
    EXPECT(mock_tx_verdicts(q, XENVIF_TX_GOOD) == good + (n > 0));
    EXPECT(count_refused(q) == refused + !n);
    EXPECT(mock_tx_status(q, first) == (n ? NETIF_RSP_OKAY
                                        : NETIF_RSP_ERROR));
    return n > 0;
}

static void
test_border(void **state)
{
    struct mock *mock = *state;
    struct mock_queue *q = &mock->queues[0];
    unsigned int n = env_number("XENVIF_BORDER_ROUNDS", 10000);
    unsigned int taken = 0, open = 0;

    signal(SIGABRT, die);
    signal(SIGSEGV, die);       /* Which cmocka had taken. */
    mock_seed(seed * 2654435761u + mock->terms.partial * 2 + mock->terms.tso);
    for (round_no = 0; round_no < n; round_no++) {
        bool large = mock->terms.offers.gso_v4 && !mock_random_range(3);

        wild_make(&sent, large);
        atomic_store(&mock->terms.max_frame, (mock_random_range(20) ? 1522
                                        : 62 + mock_random_range(300)));
        if (run_frame(q)) {
            taken++;
            open += is_open();
        }
    }

    /* Otherwise nothing was tested. */
    assert_in_range(taken, n / 3, n);
    assert_in_range(open, n / 5, n);
}

/* What may enter the datapath. */

static int
setup(void **state, bool partial, bool tso, bool gso_offered)
{
    struct mock *mock = mock_create(1, false, 0);

    mock->terms.partial = partial;
    mock->terms.tso = tso;
    mock_offer_gso(mock, gso_offered);
    mock->rules.csum_ipv6 = true;
    mock_connect(mock);
    *state = mock;
    return 0;
}

static int
setup_tso(void **state)
{
    return setup(state, true, true, true);
}

static int
setup_partial(void **state)
{
    return setup(state, true, false, false);
}

/* A guest that an earlier backend allowed more. */
static int
setup_partial_late(void **state)
{
    return setup(state, true, false, true);
}

static int
setup_off(void **state)
{
    return setup(state, false, false, true);
}

#define TEST(NAME, SETUP) \
    cmocka_unit_test_setup_teardown(NAME, SETUP, mock_teardown)

static int
run(const char *name)
{
    const struct CMUnitTest tests[] = {
        TEST(test_border, setup_tso),
        TEST(test_border, setup_partial),
        TEST(test_border, setup_partial_late),
        TEST(test_border, setup_off),
    };

    seed = env_number("XENVIF_BORDER_SEED", 1);
    return cmocka_run_group_tests_name(name, tests, NULL, NULL);
}

int
main(void)
{
    return mock_main(run);
}
