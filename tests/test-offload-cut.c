/* SPDX-License-Identifier: Apache-2.0 */

/* Component test: packets of a guest that are cut on arrival, because the
 * datapath does not take them as they are.  The numbers in the names are those
 * of the list of cases in the project's test plan. */

#include <config.h>

#include "offload-frontend.h"

#include <errno.h>

#include "util.h"
#include "packet/xenvif-gso.h"
#include "ring/xenvif-tx.h"

/* Polls the guest.  (What it sent was counted when it came, not in pieces.) */
static unsigned int
take_batch(struct mock_queue *q, struct dp_packet_batch *batch)
{
    int error;

    dp_packet_batch_init(batch);
    error = xenvif_tx_burst(mock_backend(q), batch);
    assert_int_equal(error, dp_packet_batch_is_empty(batch) ? EAGAIN : 0);
    return dp_packet_batch_size(batch);
}

/* Takes packets until their payloads are as long as that of the frame, and
 * checks each. */
static void
take_segments(struct mock_queue *q, uint32_t mss)
{
    uint32_t headers = frame.len - frame.spec.payload;
    uint32_t ofs = 0;

    while (ofs < frame.spec.payload) {
        struct dp_packet_batch batch;
        struct dp_packet *packet;

        assert_true(take_batch(q, &batch) > 0);
        DP_PACKET_BATCH_FOR_EACH (i, packet, &batch) {
            uint32_t len = dp_packet_size(packet) - headers;
            const uint8_t *data = dp_packet_data(packet);

            assert_int_equal(len, MIN(mss, frame.spec.payload - ofs));
            assert_memory_equal(data + headers, frame.data + headers + ofs,
                                len);
            assert_true(frame_l4_is_ok(&frame, data, dp_packet_size(packet)));
            check_unmarked(packet, is_plain());
            ofs += len;
        }
        dp_packet_delete_batch(&batch, true);
    }
    assert_int_equal(ofs, frame.spec.payload);
}

/* A guest goes on sending what it was once offered to. */
static void
test_tx_gso_cut(void **state)
{
    struct mock *mock = *state;
    struct mock_queue *q = &mock->queues[0];

    for (unsigned int i = 0; i < 40; i++) {
        struct frame_spec spec = {
            .v6 = i % 2, .proto = FRAME_TCP, .n_tags = i / 2 % 2,
            .tcp_flags = FRAME_TCP_ACK, .tcp_options = 3,
            .payload = i < 4 ? 100 : 9001 + mock_random_range(50000),
        };
        uint16_t mss = i % 3 ? 500 + mock_random_range(500) : 9000;
        uint32_t headers, segments;

        make_blank(&spec);
        headers = frame.len - frame.l3 - spec.payload;
        segments = MIN(mss, MOCK_MTU - headers);
        put_frame(q, BLANK, gso_type(spec.v6), mss);
        take_segments(q, segments);
        mock_tx_reap(q);
    }
    assert_int_equal(mock_tx_count(q, gso_segmented), 36);
    assert_int_equal(mock_tx_count(q, gso_packets), 0);
    assert_int_equal(mock_tx_count(q, packets), 40);
}

/* The datapath takes what is to be cut, but not of all shapes. */
static void
test_tx_gso_odd(void **state)
{
    struct mock *mock = *state;
    struct mock_queue *q = &mock->queues[0];

    for (unsigned int i = 0; i < 40; i++) {
        struct frame_spec spec = {
            .v6 = i % 2, .proto = FRAME_TCP, .tcp_flags = FRAME_TCP_ACK,
            .n_tags = i / 2 % 3, .ip_options = i / 2 % 3 ? 0 : 1,
            .payload = 9001 + mock_random_range(50000),
        };

        make_blank(&spec);
        put_frame(q, BLANK, gso_type(spec.v6), 1000);
        take_segments(q, 1000);
        mock_tx_reap(q);
    }
    assert_int_equal(mock_tx_count(q, gso_segmented), 40);
    assert_int_equal(mock_tx_count(q, gso_packets), 0);
    assert_int_equal(mock_tx_count(q, csum_partial), 0);
}

/* With this MTU there would be more segments than one packet may become.  It
 * must not count, or be answered, as one that was received. */
static void
test_tx_gso_small_mtu(void **state)
{
    const struct frame_spec spec = { .proto = FRAME_TCP, .payload = 60000 };
    struct mock *mock = *state;
    struct mock_queue *q = &mock->queues[0];

    atomic_store(&mock->terms.max_frame, 100 + 22);
    refuse(q, &spec, gso_type(false), 1000, XENVIF_TX_E_GSO);
    assert_int_equal(mock_tx_count(q, gso_segmented), 0);
    assert_int_equal(mock_tx_count(q, packets), 0);
    atomic_store(&mock->terms.max_frame, MOCK_MTU + 22);
    put_frame(q, BLANK, gso_type(false), 1000);
    take_segments(q, 1000);
    mock_tx_reap(q);
}

/* What waits to be received is bounded, too. */
static void
test_tx_gso_many(void **state)
{
    const struct frame_spec spec = {
        .proto = FRAME_TCP, .payload = 500 * 4, .n_tags = 1,
    };
    struct mock *mock = *state;
    struct mock_queue *q = &mock->queues[0];
    struct dp_packet_batch batch;
    uint64_t n_dropped;
    unsigned int n = 0;

    make_blank(&spec);
    for (unsigned int i = 0; i < 30; i++) {
        struct netif_extra_info gso = { .flags = 0 };

        gso.u.gso.type = XEN_NETIF_GSO_TYPE_TCPV4;
        gso.u.gso.size = 4;
        mock_tx_stage_extra(q, XEN_NETIF_EXTRA_TYPE_GSO, &gso);
        mock_tx_frame(q, frame.data, frame.len, NULL, 0, BLANK);
    }
    mock_tx_push(q);
    while (take_batch(q, &batch)) {
        n += dp_packet_batch_size(&batch);
        dp_packet_delete_batch(&batch, true);
    }
    mock_tx_reap(q);
    n_dropped = mock_tx_verdicts(q, XENVIF_TX_E_GSO);
    assert_int_equal(n_dropped, mock->terms.tso ? 30 - 3 : 0);
    assert_int_equal(n, (30 - n_dropped) * 500);
    assert_int_equal(mock_tx_count(q, packets), 30 - n_dropped);
}

/* What comes after a packet that is cut stays behind it. */
static void
test_tx_gso_order(void **state)
{
    const struct frame_spec large = {
        .proto = FRAME_TCP, .payload = 50000, .tcp_flags = FRAME_TCP_ACK,
    };
    const struct frame_spec small = { .proto = FRAME_UDP, .payload = 10 };
    struct mock *mock = *state;
    struct mock_queue *q = &mock->queues[0];
    struct dp_packet_batch batch;
    unsigned int n = 0;

    make_blank(&large);
    put_frame(q, BLANK, XEN_NETIF_GSO_TYPE_TCPV4, 1000);
    frame_make(&frame, &small);
    put_frame(q, 0, 0, 0);
    while (take_batch(q, &batch)) {
        struct dp_packet *packet;

        DP_PACKET_BATCH_FOR_EACH (i, packet, &batch) {
            assert_int_equal(dp_packet_size(packet) == frame.len, n == 50);
            n++;
        }
        dp_packet_delete_batch(&batch, true);
    }
    assert_int_equal(n, 51);
}

/* What was cut waits for no rate of the guest: it was paid for as a whole. */
static void
test_tx_gso_rate(void **state)
{
    const struct xenvif_credit_config slow = { .bytes = 1000,
    .usec = 1000000 };
    const struct frame_spec large = {
        .proto = FRAME_TCP, .payload = 60000, .tcp_flags = FRAME_TCP_ACK,
    };
    struct mock *mock = *state;
    struct mock_queue *q = &mock->queues[0];
    struct dp_packet_batch batch;

    xenvif_credit_set(&mock->terms.rate, &slow, xenvif_bucket_now());
    make_blank(&large);
    put_frame(q, BLANK, XEN_NETIF_GSO_TYPE_TCPV4, 200);
    while (take_batch(q, &batch) == NETDEV_MAX_BURST) {
        dp_packet_delete_batch(&batch, true);
        assert_true(xenvif_tx_arm(mock_backend(q)));
        assert_int_equal(xenvif_tx_wait_ms(mock_backend(q)), 0);
    }
    dp_packet_delete_batch(&batch, true);
    assert_true(xenvif_tx_wait_ms(mock_backend(q)) > 0);
}

/* Packets that are still waiting go with the connection. */
static void
test_tx_gso_close(void **state)
{
    const struct frame_spec large = {
        .proto = FRAME_TCP, .payload = 60000, .tcp_flags = FRAME_TCP_ACK,
    };
    struct mock *mock = *state;
    struct mock_queue *q = &mock->queues[0];
    struct dp_packet_batch batch;

    make_blank(&large);
    put_frame(q, BLANK, XEN_NETIF_GSO_TYPE_TCPV4, 200);
    assert_int_equal(take_batch(q, &batch), NETDEV_MAX_BURST);
    dp_packet_delete_batch(&batch, true);
    mock_reconnect(mock, 0);
    assert_int_equal(take_batch(&mock->queues[0], &batch), 0);
}

/* Headers that would be repeated in each segment. */
static void
test_case_80_long_headers(void **state)
{
    struct mock *mock = *state;
    struct frame_spec spec = { .v6 = true, .proto = FRAME_TCP,
                               .payload = 5000 };

    do {
        spec.ip_options++;
        make_blank(&spec);
    } while (frame.payload + 8 <= XENVIF_GSO_MAX_HEADERS);
    put_frame(&mock->queues[0], BLANK, gso_type(true), 1000);
    take_segments(&mock->queues[0], 1000);
    mock_tx_reap(&mock->queues[0]);
    spec.ip_options++;
    refuse(&mock->queues[0], &spec, gso_type(true), 1000, XENVIF_TX_E_GSO);
}

static int
run(const char *name)
{
    const struct CMUnitTest tests[] = {
        LATE(test_tx_gso_cut),
        TSO(test_tx_gso_odd),
        LATE(test_tx_gso_small_mtu),
        TSO(test_tx_gso_many),
        LATE(test_tx_gso_many),
        LATE(test_tx_gso_order),
        LATE(test_tx_gso_rate),
        LATE(test_tx_gso_close),
        TSO(test_case_80_long_headers),
    };

    return cmocka_run_group_tests_name(name, tests, NULL, NULL);
}

int
main(void)
{
    return mock_main(run);
}
