/* SPDX-License-Identifier: Apache-2.0 */

/* Component test: which queue of a guest gets a packet, and packets that are
 * cut before a guest can take them.  The numbers in the names are those of the
 * list of cases in the project's test plan. */

#include <config.h>

#include "mock-frontend.h"

#include <string.h>

#include "frames.h"
#include "ovs-atomic.h"
#include "ovs-thread.h"
#include "timeval.h"
#include "util.h"
#include "packet/xenvif-gso.h"
#include "packet/xenvif-hash.h"
#include "packet/xenvif-ovs-compat.h"
#include "ring/xenvif-rx.h"
#include "ring/xenvif-steer.h"

enum { N_QUEUES = 3 };

static uint8_t data[MOCK_FRAME_MAX];
static struct frame frame;

static int
setup(void **state)
{
    mock_setup_ctrl(state, N_QUEUES, -100);
    mock_limit_mtu(*state);
    return 0;
}

static int
setup_single(void **state)
{
    mock_setup_ctrl(state, 1, -100);
    mock_limit_mtu(*state);
    return 0;
}

/* Posts as many requests as there is room for in every queue. */
static void
post_all(struct mock *mock)
{
    for (unsigned int i = 0; i < mock->n_queues; i++) {
        struct mock_queue *q = &mock->queues[i];

        mock_rx_post(q, NETIF_RING_SIZE - (q->rx_prod - q->rx_cons));
    }
}

/* A packet that carries 'number' and belongs to flow 'flow'. */
static struct dp_packet *
make_packet(uint32_t flow, uint32_t number)
{
    static const uint8_t header[14] = { 0x02, 0, 0, 0, 0, 1, 0x02, 0, 0, 0,
                                        0, 0, 0x88, 0xb5 };

    mock_fill_frame(data, 60);
    memcpy(data, header, sizeof header);
    memcpy(data + 8, &flow, sizeof flow);
    memcpy(data + 14, &number, sizeof number);
    return mock_packet(data, 60);
}

/* Takes a packet out of queue 'q' and returns its number, or -1. */
static int64_t
take_number(struct mock_queue *q)
{
    struct mock_rx_packet *p = xmalloc(sizeof *p);
    int64_t result = -1;
    uint32_t number;

    if (mock_rx_take(q, p)) {
        assert_int_equal(p->info.error, 0);
        memcpy(&number, p->data + 14, sizeof number);
        result = number;
    }
    free(p);
    return result;
}

static void
steer(struct mock *mock, struct dp_packet_batch *batch)
{
    assert_true(xenvif_steer(mock->conn, batch));
    dp_packet_delete_batch(batch, true);
}

/* The queue that has something for the guest, of which there must be one. */
static struct mock_queue *
find_queue(struct mock *mock)
{
    struct mock_queue *found = NULL;

    for (unsigned int i = 0; i < mock->n_queues; i++) {
        struct mock_queue *q = &mock->queues[i];

        if (netif_ring_load(q->rx_page, NETIF_RSP_PROD) != q->rx_cons) {
            assert_null(found);
            found = q;
        }
    }
    assert_non_null(found);
    return found;
}

/* Sends 'frame' and returns the queue that it came out of.  What the datapath
 * knows of the flow depends on the way that the packet took. */
static unsigned int
send_some_way(struct mock *mock)
{
    struct mock_rx_packet *p = xmalloc(sizeof *p);
    struct dp_packet *packet = mock_packet(frame.data, frame.len);
    struct dp_packet_batch batch;
    struct mock_queue *q;

    if (mock_random_range(2)) {
        dp_packet_set_rss_hash(packet, mock_random());
    }
    dp_packet_batch_init_packet(&batch, packet);
    post_all(mock);
    steer(mock, &batch);
    q = find_queue(mock);
    assert_true(mock_rx_take(q, p));
    assert_int_equal(p->info.len, frame.len);
    assert_memory_equal(p->data, frame.data, frame.len);
    free(p);
    return q->id;
}

/* The frame as it was, but for what makes no other flow of it. */
static void
change_payload(void)
{
    uint32_t ofs = frame.payload ? MAX(frame.payload, frame.l4 + 4) : 14;

    mock_fill_frame(data, frame.len);
    memcpy(frame.data + ofs, data + ofs, frame.len - ofs);
}

/* Sends each of 'n' flows that 'make' makes several times: every flow keeps
 * its queue, and all queues are used if there are 'many' flows. */
static void
check_flows(struct mock *mock, unsigned int n, bool many,
            void (*make)(unsigned int i))
{
    unsigned int n_seen[N_QUEUES] = { 0 };

    for (unsigned int i = 0; i < n; i++) {
        unsigned int queue;

        make(i);
        queue = send_some_way(mock);
        n_seen[queue]++;
        for (unsigned int j = 0; j < 5; j++) {
            change_payload();
            assert_int_equal(send_some_way(mock), queue);
        }
    }
    for (unsigned int i = 0; i < N_QUEUES; i++) {
        assert_true(many ? n_seen[i] > n / N_QUEUES / 3
                    : n_seen[i] == 0 || n_seen[i] == n);
    }
}

/* Flows between the same two hosts: only the ports differ. */
static void
make_ports(unsigned int i, struct frame_spec spec)
{
    static uint8_t first[256];
    static uint32_t l4;

    frame_make(&frame, &spec);
    if (!i) {
        l4 = frame.l4;
        memcpy(first, frame.data, l4);
    } else {
        memcpy(frame.data, first, l4);
    }
}

static void
make_udp(unsigned int i)
{
    make_ports(i, (struct frame_spec) { .proto = FRAME_UDP, .payload = 40 });
}

static void
make_tcp_v6(unsigned int i)
{
    make_ports(i, (struct frame_spec) {
        .v6 = true, .proto = FRAME_TCP, .payload = 40, .n_tags = 1,
    });
}

static void
make_sctp(unsigned int i)
{
    make_ports(i, (struct frame_spec) { .proto = FRAME_SCTP, .payload = 40 });
}

/* Something like GRE, where there are no ports. */
static void
make_other_ip(unsigned int i)
{
    make_ports(i, (struct frame_spec) { .proto = 47, .payload = 40 });
}

static void
make_hosts(unsigned int i)
{
    const struct frame_spec spec = {
        .v6 = i % 2, .proto = 47, .payload = 40, .n_tags = i % 3,
    };

    frame_make(&frame, &spec);
}

static void
make_no_ip(unsigned int i)
{
    mock_fill_frame(frame.data, 60);
    frame_put16(frame.data + 12, 0x88b5);
    memcpy(frame.data + 8, &i, sizeof i);
    frame.payload = 0;
    frame.len = 60;
}

/* Without a wish of the guest: by the flow, however the datapath looked its
 * rule up, and whether or not it computed a hash for that. */
static void
test_flows_keep_their_queue(void **state)
{
    struct mock *mock = *state;

    check_flows(mock, 90, true, make_udp);
    check_flows(mock, 90, true, make_tcp_v6);
    check_flows(mock, 90, true, make_sctp);
    check_flows(mock, 90, true, make_hosts);
    check_flows(mock, 90, true, make_no_ip);
    check_flows(mock, 20, false, make_other_ip);
}

/* Only the first fragment of a datagram has the ports. */
static void
test_fragments_stay_together(void **state)
{
    struct mock *mock = *state;

    for (unsigned int i = 0; i < 60; i++) {
        const struct frame_spec spec = {
            .v6 = i % 2, .proto = FRAME_UDP, .payload = 40,
        };
        unsigned int queue;

        frame_make(&frame, &spec);
        if (spec.v6) {
            /* A fragment header in the place of the UDP header. */
            frame.data[frame.l3 + 6] = 44;
            memset(frame.data + frame.l4, 0, 8);
            frame.data[frame.l4] = FRAME_UDP;
            frame.data[frame.l4 + 3] = 1;
        } else {
            frame_put16(frame.data + frame.l3 + 6, 0x2000);
        }
        queue = send_some_way(mock);
        for (unsigned int j = 1; j < 6; j++) {
            change_payload();
            if (spec.v6) {
                frame_put16(frame.data + frame.l4 + 2, j * 40 | (j < 5));
            } else {
                frame_put16(frame.data + frame.l3 + 6,
                            j * 5 | (j < 5 ? 0x2000 : 0));
                mock_fill_frame(data, 8);
                memcpy(frame.data + frame.l4, data, 8);
            }
            assert_int_equal(send_some_way(mock), queue);
        }
    }
}

/* Every length in a frame may be a lie. */
static void
test_rubbish(void **state)
{
    struct mock *mock = *state;

    for (unsigned int i = 0; i < 2000; i++) {
        const struct frame_spec spec = {
            .v6 = i % 2, .proto = i % 3 ? FRAME_UDP : FRAME_TCP,
            .n_tags = i % 4, .payload = 20,
        };

        frame_make(&frame, &spec);
        mock_fill_frame(data, frame.len);
        for (unsigned int j = mock_random_range(5); j; j--) {
            uint32_t ofs = 12 + mock_random_range(frame.len - 12);

            frame.data[ofs] = data[ofs];
        }
        frame.len = 14 + mock_random_range(frame.len - 13);
        send_some_way(mock);
    }
}

/* Packets of several flows in one batch: each flow in order. */
static void
test_order_within_flows(void **state)
{
    struct mock *mock = *state;
    unsigned int flow_queue[8];

    for (unsigned int i = 0; i < ARRAY_SIZE(flow_queue); i++) {
        make_no_ip(i);
        memcpy(frame.data, "\2\0\0\0\0\1\2\0", 8);
        flow_queue[i] = send_some_way(mock);
    }
    for (unsigned int round = 0; round < 200; round++) {
        unsigned int n = 1 + mock_random_range(NETDEV_MAX_BURST);
        uint32_t queues[NETDEV_MAX_BURST];
        struct dp_packet_batch batch;

        dp_packet_batch_init(&batch);
        for (unsigned int i = 0; i < n; i++) {
            uint32_t flow = mock_random_range(ARRAY_SIZE(flow_queue));

            queues[i] = flow_queue[flow];
            dp_packet_batch_add(&batch, make_packet(flow, i));
        }
        post_all(mock);
        steer(mock, &batch);
        for (unsigned int i = 0; i < n; i++) {
            assert_int_equal(take_number(&mock->queues[queues[i]]), i);
        }
        for (unsigned int i = 0; i < N_QUEUES; i++) {
            assert_int_equal(take_number(&mock->queues[i]), -1);
        }
    }
}

/* One copy call and at most one notification for each queue. */
static void
test_one_burst_per_queue(void **state)
{
    struct mock *mock = *state;
    struct dp_packet_batch batch;
    struct xenemu_counters before, after;

    dp_packet_batch_init(&batch);
    for (unsigned int i = 0; i < NETDEV_MAX_BURST; i++) {
        dp_packet_batch_add(&batch, make_packet(i, i));
    }
    post_all(mock);
    assert_int_equal(xenemu_get_counters(NULL, 0, &before), 0);
    steer(mock, &batch);
    assert_int_equal(xenemu_get_counters(NULL, 0, &after), 0);
    assert_int_equal(after.copy_calls - before.copy_calls, N_QUEUES);
    assert_int_equal(after.notifies - before.notifies, N_QUEUES);
}

static void
test_case_73_stops_with_vif(void **state)
{
    struct mock *mock = *state;
    struct dp_packet_batch batch;

    dp_packet_batch_init(&batch);
    for (unsigned int i = 0; i < NETDEV_MAX_BURST; i++) {
        dp_packet_batch_add(&batch, make_packet(i, i));
    }
    post_all(mock);
    netif_ring_store(mock->queues[1].rx_page, NETIF_REQ_PROD, 1000000);
    xenvif_steer(mock->conn, &batch);
    assert_int_equal(xenvif_common_fault(&mock->conn->common),
                     XENVIF_FAULT_RX_RING);
    assert_int_equal(mock_rx_count(&mock->queues[1], packets), 0);
    for (unsigned int i = 0; i < N_QUEUES; i++) {
        uint64_t packets = mock_rx_count(&mock->queues[i], packets);

        assert_false(xenvif_steer(mock->conn, &batch));
        assert_int_equal(mock_rx_count(&mock->queues[i], packets), packets);
    }
    dp_packet_delete_batch(&batch, true);
}

/* The guest's own hash. */

static void
configure(struct mock *mock, uint32_t flags, uint32_t *mapping, uint32_t n)
{
    uint8_t key[XENVIF_HASH_KEY_SIZE];

    mock_fill_frame(key, sizeof key);
    assert_int_equal(mock_ctrl_call(
        mock, XEN_NETIF_CTRL_TYPE_SET_HASH_ALGORITHM, 1, 0, 0, NULL), 0);
    assert_int_equal(mock_ctrl_call(
        mock, XEN_NETIF_CTRL_TYPE_SET_HASH_FLAGS, flags, 0, 0, NULL), 0);
    assert_int_equal(mock_ctrl_call_page(
        mock, XEN_NETIF_CTRL_TYPE_SET_HASH_KEY, 0, sizeof key, 0, 0, key,
        sizeof key, NULL), 0);
    assert_int_equal(mock_ctrl_call(
        mock, XEN_NETIF_CTRL_TYPE_SET_HASH_MAPPING_SIZE, n, 0, 0, NULL), 0);
    assert_int_equal(mock_ctrl_call_page(
        mock, XEN_NETIF_CTRL_TYPE_SET_HASH_MAPPING, 0, n, 0, 0, mapping,
        n * sizeof *mapping, NULL), 0);
    mock->rules.hash = true;
}

/* Sends the frame and returns the queue that it came out of, and what the
 * guest was told. */
static unsigned int
send_frame(struct mock *mock, struct mock_rx_packet *p)
{
    struct dp_packet *packet = mock_packet(frame.data, frame.len);
    struct dp_packet_batch batch;
    struct mock_queue *q;

    /* The datapath's hash does not count. */
    dp_packet_set_rss_hash(packet, mock_random());
    dp_packet_batch_init_packet(&batch, packet);
    post_all(mock);
    steer(mock, &batch);
    q = find_queue(mock);
    assert_true(mock_rx_take(q, p));
    assert_int_equal(p->info.len, frame.len);
    assert_memory_equal(p->data, frame.data, frame.len);
    return q->id;
}

static void
test_case_68_guest_hash(void **state)
{
    static const uint32_t sizes[] = { 0, 1, 2, 100, 128 };
    struct mock *mock = *state;
    struct mock_rx_packet *p = xmalloc(sizeof *p);

    for (unsigned int i = 0; i < ARRAY_SIZE(sizes); i++) {
        uint32_t mapping[128], size = sizes[i];
        unsigned int n_seen[N_QUEUES] = { 0 };

        for (uint32_t j = 0; j < size; j++) {
            mapping[j] = mock_random_range(N_QUEUES);
        }
        configure(mock, 0xf, mapping, size);
        for (unsigned int j = 0; j < 100; j++) {
            const struct frame_spec spec = {
                .v6 = j % 2, .proto = j / 2 % 2 ? FRAME_TCP : FRAME_UDP,
                .payload = 20,
            };
            unsigned int queue;

            frame_make(&frame, &spec);
            queue = send_frame(mock, p);
            assert_true(p->info.has_hash);
            assert_int_equal(queue, size ? mapping[p->info.hash_value % size]
                             : p->info.hash_value % N_QUEUES);
            n_seen[queue]++;

            /* The same flow has the same hash and the same queue. */
            mock_fill_frame(frame.data + frame.payload, 20);
            assert_int_equal(send_frame(mock, p), queue);
        }
        for (unsigned int j = 0; size != 1 && size != 2 && j < N_QUEUES;
             j++) {
            assert_true(n_seen[j] > 0);
        }
    }
    free(p);
}

/* A packet that no flag applies to goes where a hash of 0 goes. */
static void
test_case_67_without_hash(void **state)
{
    struct mock *mock = *state;
    struct mock_rx_packet *p = xmalloc(sizeof *p);
    uint32_t mapping[] = { 2, 0, 1 };
    const struct frame_spec udp = { .proto = FRAME_UDP, .payload = 20 };

    configure(mock, XEN_NETIF_CTRL_HASH_TYPE_IPV4_TCP, mapping, 3);
    for (unsigned int i = 0; i < 20; i++) {
        frame_make(&frame, &udp);
        assert_int_equal(send_frame(mock, p), 2);
        assert_false(p->info.has_hash);
    }
    free(p);
}

/* After a reconnect with fewer queues (or a mapping kept from before): no
 * packet is lost. */
static void
test_case_68_too_large_entries(void **state)
{
    struct mock *mock = *state;
    struct mock_rx_packet *p = xmalloc(sizeof *p);
    struct xenvif_hash hash;

    memset(&hash, 0, sizeof hash);
    hash.toeplitz = true;
    hash.flags = 0xf;
    xenvif_hash_set_key(&hash, "0123456789", 10);
    hash.mapping_size = 128;
    for (unsigned int i = 0; i < 128; i++) {
        hash.mapping[i] = i % 64;
    }
    mock->hash = &hash;
    mock->rules.hash = true;
    mock_reconnect(mock, 0);
    for (unsigned int i = 0; i < 100; i++) {
        const struct frame_spec spec = { .proto = FRAME_TCP, .payload = i };
        unsigned int queue;

        frame_make(&frame, &spec);
        queue = send_frame(mock, p);
        assert_int_equal(queue,
                         hash.mapping[p->info.hash_value % 128] % N_QUEUES);
    }
    mock->hash = NULL;
    free(p);
}

/* The configuration changes while another thread sends. */

struct sender {
    struct mock *mock;
    atomic_bool stop;
    uint64_t n_sent;
};

static void *
sender_main(void *s_)
{
    struct sender *s = s_;
    bool stop = false;

    while (!stop) {
        struct dp_packet_batch batch;

        dp_packet_batch_init(&batch);
        for (unsigned int i = 0; i < NETDEV_MAX_BURST; i++) {
            struct dp_packet *packet = mock_packet(frame.data, frame.len);
            uint8_t *port = (uint8_t *) dp_packet_data(packet) + frame.l4;

            frame_put16(port, s->n_sent++);
            dp_packet_batch_add(&batch, packet);
        }
        xenvif_steer(s->mock->conn, &batch);
        dp_packet_delete_batch(&batch, true);
        ovsrcu_quiesce();
        atomic_read(&s->stop, &stop);
    }
    return NULL;
}

/* Has every queue got a packet? */
static bool
all_queues_used(const struct mock *mock)
{
    for (unsigned int i = 0; i < N_QUEUES; i++) {
        if (!mock_rx_count(&mock->queues[i], packets)) {
            return false;
        }
    }
    return true;
}

static void
test_case_68_change_under_traffic(void **state)
{
    const struct frame_spec spec = { .proto = FRAME_TCP, .payload = 20 };
    struct mock *mock = *state;
    struct sender s = { .mock = mock };
    struct mock_rx_packet *p = xmalloc(sizeof *p);
    uint64_t n_packets = 0, n_dropped = 0;
    pthread_t thread;

    frame_make(&frame, &spec);
    thread = ovs_thread_create("sender", sender_main, &s);
    for (unsigned int i = 0; i < 300 || !all_queues_used(mock); i++) {
        uint32_t mapping[128];

        for (unsigned int j = 0; j < 128; j++) {
            mapping[j] = mock_random_range(N_QUEUES);
        }
        configure(mock, 0xf, mapping, mock_random_range(129));
        if (i % 10 == 0) {
            mock_ctrl_call(mock, XEN_NETIF_CTRL_TYPE_SET_HASH_ALGORITHM, 0, 0,
                           0, NULL);
        }
        for (unsigned int j = 0; j < N_QUEUES; j++) {
            while (mock_rx_take(&mock->queues[j], p)) {
                assert_int_equal(p->info.error, 0);
                assert_int_equal(p->info.len, frame.len);
                n_packets++;
            }
        }
        post_all(mock);
    }
    atomic_store(&s.stop, true);
    xpthread_join(thread, NULL);
    for (unsigned int j = 0; j < N_QUEUES; j++) {
        while (mock_rx_take(&mock->queues[j], p)) {
            n_packets++;
        }
        n_dropped += mock_rx_verdicts(&mock->queues[j],
                                      XENVIF_RX_E_NO_SLOTS);
    }
    assert_int_equal(n_packets + n_dropped, s.n_sent);
    free(p);
}

/* TSO packets that the guest does not take. */

/* A packet to be cut into segments of 'mss' bytes of payload. */
static struct dp_packet *
tso_packet(uint32_t mss)
{
    struct dp_packet *packet = mock_packet(frame.data, frame.len);

    frame_put16((uint8_t *) dp_packet_data(packet) + frame_csum_ofs(&frame),
                mock_random());
    xenvif_packet_set_l4_partial(packet, frame.spec.v6, true, frame.l4, 16);
    xenvif_packet_set_tso(packet, mss);
    return packet;
}

/* Bytes of payload in a segment that is as long as the MOCK_MTU permits. */
static uint32_t
full_mss(void)
{
    return MOCK_MTU - (frame.payload - frame.l3);
}

/* Checks flags and checksums of segment 'p'.  A guest that merely cannot cut
 * packets gets segments without checksums, too. */
static void
check_segment(struct mock *mock, struct mock_rx_packet *p)
{
    bool tx_csum_offload;
    bool blank;

    atomic_read(&mock->terms.tx_csum_offload, &tx_csum_offload);
    blank = (tx_csum_offload && !frame.spec.n_tags
             && (frame.spec.v6 ? mock->rules.csum_ipv6
                 : mock->rules.csum_ipv4));
    assert_int_equal(p->info.flags & ~(NETRXF_extra_info | NETRXF_more_data),
                     NETRXF_data_validated | (blank ? NETRXF_csum_blank : 0));
    assert_int_equal(p->info.gso_size, 0);
    assert_true(frame_ip_is_ok(&frame, p->data, p->info.len));
    if (blank) {
        assert_int_equal(frame_get16(p->data + frame_csum_ofs(&frame)),
                         frame_pseudo(&frame, p->data,
                                      p->info.len - frame.l4));
    } else {
        assert_true(frame_l4_is_ok(&frame, p->data, p->info.len));
    }
}

/* Checks that the guest got the frame in segments, in queue 'q'. */
static void
expect_segments(struct mock_queue *q, uint32_t mss)
{
    struct mock_rx_packet *p = xmalloc(sizeof *p);
    const uint8_t *tcp = frame.data + frame.l4;
    uint32_t ofs = 0;

    do {
        uint32_t n = MIN(mss, frame.spec.payload - ofs);

        assert_true(mock_rx_take(q, p));
        assert_int_equal(p->info.error, 0);
        assert_int_equal(p->info.len, frame.payload + n);
        check_segment(q->mock, p);
        assert_int_equal(frame_get32(p->data + frame.l4 + 4),
                         frame_get32(tcp + 4) + ofs);
        assert_memory_equal(p->data + frame.payload,
                            frame.data + frame.payload + ofs, n);
        ofs += n;
    } while (ofs < frame.spec.payload);
    assert_false(mock_rx_take(q, p));
    free(p);
}

static void
send_tso(struct mock *mock, uint32_t mss)
{
    struct dp_packet_batch batch;

    dp_packet_batch_init_packet(&batch, tso_packet(mss));
    post_all(mock);
    steer(mock, &batch);
}

/* What keeps a guest from taking a TSO packet as it is. */
enum obstacle {
    NO_GSO, OTHER_FAMILY, NO_CSUM, NO_SG, TAGGED, HEADROOM, OPERATOR,
    NOTHING, N_OBSTACLES
};

static void
set_obstacle(struct mock *mock, enum obstacle obstacle, bool v6)
{
    struct netif_rx_rules *rules = &mock->rules;
    bool gso = obstacle != NO_GSO;

    memset(rules, 0, sizeof *rules);
    rules->sg = obstacle != NO_SG;
    rules->csum_ipv4 = obstacle != NO_CSUM || v6;
    rules->csum_ipv6 = obstacle != NO_CSUM || !v6;
    rules->gso_tcpv4 = gso && !(obstacle == OTHER_FAMILY && !v6);
    rules->gso_tcpv6 = gso && !(obstacle == OTHER_FAMILY && v6);
    rules->headroom = obstacle == HEADROOM ? 256 : 0;
    atomic_store(&mock->terms.tx_csum_offload, obstacle != OPERATOR);
    mock_reconnect(mock, 0);
}

static void
test_case_50_51_segmentation(void **state)
{
    struct mock *mock = *state;
    uint32_t n_gso = 0;

    for (unsigned int i = 0; i < 2 * N_OBSTACLES; i++) {
        enum obstacle obstacle = i / 2;

        set_obstacle(mock, obstacle, i % 2);
        for (unsigned int j = 0; j < 20; j++) {
            struct frame_spec spec = {
                .v6 = i % 2, .proto = FRAME_TCP,
                .n_tags = obstacle == TAGGED ? 1 + j % 2 : 0,
                .tcp_flags = FRAME_TCP_ACK | FRAME_TCP_PSH, .tcp_options = 3,
                .payload = 1 + mock_random_range(j % 3 ? 60000 : 3000),
            };
            struct mock_queue *q;

            frame_make(&frame, &spec);
            send_tso(mock, full_mss());
            q = find_queue(mock);
            if (obstacle == NOTHING) {
                struct mock_rx_packet *p = xmalloc(sizeof *p);

                assert_true(mock_rx_take(q, p));
                assert_int_equal(p->info.len, frame.len);
                assert_int_equal(p->info.gso_size > 0,
                                 spec.payload > full_mss());
                n_gso += p->info.gso_size > 0;
                free(p);
            } else {
                expect_segments(q, full_mss());
            }
        }
    }
    assert_true(n_gso > 20);
}

/* A guest that never has as many requests posted as a TSO packet needs gets it
 * in segments, and takes these as it goes; one that has gets it whole. */
static void
test_few_requests(void **state)
{
    struct mock *mock = *state;
    struct mock_queue *q = &mock->queues[0];
    const struct frame_spec spec = { .proto = FRAME_TCP, .payload = 50000 };
    struct xenvif_queue *queue;

    mock->terms.max_backlog = XENVIF_BACKLOG_MAX_PACKETS;
    set_obstacle(mock, NOTHING, false);
    queue = mock_backend(q);
    frame_make(&frame, &spec);
    for (unsigned int i = 0; i < 20; i++) {
        struct mock_rx_packet *p = xmalloc(sizeof *p);
        struct dp_packet_batch batch;
        uint32_t n_bytes = 0;

        dp_packet_batch_init_packet(&batch, tso_packet(full_mss()));
        mock_rx_post(q, i < 10 ? 12 : 14);
        steer(mock, &batch);
        if (i < 10) {
            while (n_bytes < spec.payload) {
                assert_true(mock_rx_take(q, p));
                assert_int_equal(p->info.gso_size, 0);
                n_bytes += p->info.len - frame.payload;
                if (!xenvif_rx_n_waiting(queue)) {
                    continue;
                }
                mock_rx_post(q, 1);
                xenvif_rx_poll(queue);
            }
            assert_int_equal(mock_rx_count(q, gso_segmented), i + 1);
            assert_int_equal(n_bytes, spec.payload);
        } else {
            assert_true(mock_rx_take(q, p));
            assert_int_equal(p->info.len, frame.len);
            assert_int_equal(p->info.gso_size, full_mss());
        }
        assert_false(mock_rx_take(q, p));
        assert_false(xenvif_rx_is_stalled(queue, time_msec()));
        while (q->rx_prod != q->rx_cons) {
            const struct frame_spec small = {
                .proto = FRAME_TCP, .payload = 1
            };
            struct dp_packet *packet;

            frame_make(&frame, &small);
            packet = mock_packet(frame.data, frame.len);
            dp_packet_batch_init_packet(&batch, packet);
            steer(mock, &batch);
            assert_true(mock_rx_take(q, p));
        }
        frame_make(&frame, &spec);
        free(p);
    }
    assert_int_equal(mock_rx_count(q, gso_segmented), 10);
    assert_int_equal(mock_rx_verdicts(q, XENVIF_RX_E_NO_SLOTS), 0);
}

/* TSO packets between others keep their place. */
static void
test_case_50_order(void **state)
{
    struct mock *mock = *state;
    struct mock_queue *q = &mock->queues[0];
    const struct frame_spec spec = { .proto = FRAME_TCP, .payload = 5000 };

    set_obstacle(mock, NO_GSO, false);
    for (unsigned int round = 0; round < 30; round++) {
        struct mock_rx_packet *p = xmalloc(sizeof *p);
        bool tso[NETDEV_MAX_BURST];
        struct dp_packet_batch batch;
        uint32_t ofs = 0;

        dp_packet_batch_init(&batch);
        frame_make(&frame, &spec);
        for (unsigned int i = 0; i < NETDEV_MAX_BURST; i++) {
            tso[i] = mock_random_range(6) == 0;
            dp_packet_batch_add(&batch, tso[i] ? tso_packet(full_mss())
                                : make_packet(0, i));
        }
        post_all(mock);
        steer(mock, &batch);

        unsigned int i = 0;

        while (i < NETDEV_MAX_BURST) {
            uint32_t number;

            assert_true(mock_rx_take(q, p));
            if (tso[i]) {
                assert_memory_equal(p->data + frame.payload,
                                    frame.data + frame.payload + ofs,
                                    p->info.len - frame.payload);
                ofs += p->info.len - frame.payload;
                if (ofs < spec.payload) {
                    continue;
                }
            } else {
                assert_int_equal(p->info.len, 60);
                memcpy(&number, p->data + 14, sizeof number);
                assert_int_equal(number, i);
            }
            ofs = 0;
            i++;
        }
        assert_false(mock_rx_take(q, p));
        free(p);
    }
}

/* All segments go to the queue that the whole packet belongs to. */
static void
test_case_50_guest_hash(void **state)
{
    struct mock *mock = *state;
    uint32_t mapping[128];

    for (unsigned int i = 0; i < 128; i++) {
        mapping[i] = i % N_QUEUES;
    }
    set_obstacle(mock, NO_GSO, false);
    configure(mock, 0xf, mapping, 128);
    for (unsigned int i = 0; i < 30; i++) {
        const struct frame_spec spec = {
            .v6 = i % 2, .proto = FRAME_TCP, .payload = 20000,
        };
        struct mock_rx_packet *p = xmalloc(sizeof *p);
        struct frame large;
        unsigned int queue;

        /* Where does a small packet of the flow go? */
        frame_make(&frame, &spec);
        memcpy(&large, &frame, sizeof large);
        frame.len = frame.payload;
        frame_put16(frame.data + frame.l3 + (spec.v6 ? 4 : 2),
                    frame.len - frame.l3 - (spec.v6 ? 40 : 0));
        queue = send_frame(mock, p);
        memcpy(&frame, &large, sizeof frame);
        send_tso(mock, full_mss());
        expect_segments(&mock->queues[queue], full_mss());
        free(p);
    }
}

/* What is marked as TSO but is none. */
static void
test_case_80_not_tcp(void **state)
{
    struct mock *mock = *state;
    struct mock_queue *q = &mock->queues[0];
    struct frame_spec spec = { .proto = FRAME_UDP, .payload = 5000 };

    frame_make(&frame, &spec);
    send_tso(mock, 1000);
    assert_int_equal(take_number(q), -1);
    assert_int_equal(mock_rx_verdicts(q, XENVIF_RX_E_OFFLOAD), 1);
    spec.proto = FRAME_TCP;
    frame_make(&frame, &spec);
    frame_put16(frame.data + frame.l3 + 6, 0x2000);
    send_tso(mock, 1000);
    assert_int_equal(take_number(q), -1);
    assert_int_equal(mock_rx_verdicts(q, XENVIF_RX_E_OFFLOAD), 2);
    assert_int_equal(mock_rx_verdicts(q, XENVIF_RX_GOOD), 0);
}

/* The largest packet cut into as many segments as may be: every segment is
 * delivered or counted.  One that would make more is dropped as a whole. */
static void
test_case_80_many_segments(void **state)
{
    struct mock *mock = *state;
    struct mock_queue *q = &mock->queues[0];
    struct frame_spec spec = { .proto = FRAME_TCP, .payload = 65535 - 54 };
    uint32_t mss = DIV_ROUND_UP(spec.payload, XENVIF_GSO_MAX_SEGMENTS);

    atomic_store(&mock->terms.max_frame, mss + 40 + XENVIF_FRAME_OVERHEAD);
    frame_make(&frame, &spec);
    send_tso(mock, mss);
    assert_int_equal(mock_rx_verdicts(q, XENVIF_RX_GOOD), NETIF_RING_SIZE);
    assert_int_equal(mock_rx_verdicts(q, XENVIF_RX_E_NO_SLOTS),
                     XENVIF_GSO_MAX_SEGMENTS - NETIF_RING_SIZE);

    atomic_store(&mock->terms.max_frame, mss - 1 + 40 + XENVIF_FRAME_OVERHEAD);
    send_tso(mock, mss - 1);
    assert_int_equal(mock_rx_verdicts(q, XENVIF_RX_E_OFFLOAD), 1);
    assert_int_equal(mock_rx_verdicts(q, XENVIF_RX_GOOD), NETIF_RING_SIZE);
    assert_int_equal(mock_rx_count(q, gso_segmented), 1);
}

#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, setup, mock_teardown)
#define TEST_SINGLE(NAME) \
    cmocka_unit_test_setup_teardown(NAME, setup_single, mock_teardown)

static int
run(const char *name)
{
    const struct CMUnitTest tests[] = {
        TEST(test_flows_keep_their_queue),
        TEST(test_fragments_stay_together),
        TEST(test_rubbish),
        TEST(test_order_within_flows),
        TEST(test_one_burst_per_queue),
        TEST(test_case_73_stops_with_vif),
        TEST(test_case_68_guest_hash),
        TEST(test_case_67_without_hash),
        TEST(test_case_68_too_large_entries),
        TEST(test_case_68_change_under_traffic),
        TEST(test_case_50_51_segmentation),
        TEST_SINGLE(test_few_requests),
        TEST_SINGLE(test_case_50_order),
        TEST(test_case_50_guest_hash),
        TEST_SINGLE(test_case_80_not_tcp),
        TEST_SINGLE(test_case_80_many_segments),
    };

    return cmocka_run_group_tests_name(name, tests, NULL, NULL);
}

int
main(void)
{
    return mock_main(run);
}
