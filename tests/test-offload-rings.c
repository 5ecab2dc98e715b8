/*
 * Copyright (c) 2026 The ovs-xenvif authors.
 *
 * Licensed under the Apache License, Version 2.0 (the "License");
 * you may not use this file except in compliance with the License.
 * You may obtain a copy of the License at:
 *
 *     http://www.apache.org/licenses/LICENSE-2.0
 *
 * Unless required by applicable law or agreed to in writing, software
 * distributed under the License is distributed on an "AS IS" BASIS,
 * WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
 * See the License for the specific language governing permissions and
 * limitations under the License.
 */

/* Component test: checksum and segmentation offload over the rings, in both
 * directions.  The numbers in the names are those of the list of cases in the
 * project's test plan. */

#include <config.h>

#include "mock-frontend.h"

#include <errno.h>
#include <string.h>

#include "frames.h"
#include "util.h"
#include "xenvif-gso.h"
#include "xenvif-ovs-compat.h"
#include "xenvif-tx.h"

enum { BLANK = NETTXF_csum_blank | NETTXF_data_validated };

static struct frame frame;

static int
setup(void **state, bool partial, bool tso)
{
    struct mock *mock = mock_create(1, false, 0);

    mock_limit_mtu(mock);
    mock->partial = partial;
    mock->tso = mock->gso_offered = tso;
    mock_connect(mock);
    *state = mock;
    return 0;
}

/* What may enter the datapath: everything, partial checksums, nothing. */

static int
setup_tso(void **state)
{
    return setup(state, true, true);
}

static int
setup_partial(void **state)
{
    return setup(state, true, false);
}

static int
setup_off(void **state)
{
    return setup(state, false, false);
}

/* Nothing may enter, but an earlier backend said that TSO packets may. */
static int
setup_off_late(void **state)
{
    struct mock *mock;

    setup(state, false, false);
    mock = *state;
    mock->gso_offered = true;
    mock_reconnect(mock, 0);
    return 0;
}

/* Makes a frame whose checksum field holds the sum of the pseudo-header, as a
 * guest leaves it. */
static void
make_blank(const struct frame_spec *spec)
{
    frame_make(&frame, spec);
    if (spec->proto == FRAME_TCP || spec->proto == FRAME_UDP) {
        frame_put16(frame.data + frame_csum_ofs(&frame),
                    frame_pseudo(&frame, frame.data, frame.len - frame.l4));
    }
}

/* Guest to switch. */

static void
put_frame(struct mock_queue *q, uint16_t flags, uint8_t gso_type,
          uint16_t gso_size)
{
    uint16_t sizes[18];
    unsigned int n = mock_random_layout(frame.len, 18, sizes);

    if (gso_type || gso_size) {
        struct netif_extra_info gso = { .flags = 0 };

        gso.u.gso.type = gso_type;
        gso.u.gso.size = gso_size;
        mock_tx_stage_extra(q, XEN_NETIF_EXTRA_TYPE_GSO, &gso);
    }
    mock_tx_frame(q, frame.data, frame.len, sizes, n, flags);
    mock_tx_push(q);
}

/* Sends the frame, which has to be good, and returns the packet. */
static struct dp_packet *
take_good(struct mock_queue *q, uint16_t flags, uint8_t gso_type,
          uint16_t gso_size)
{
    uint32_t first = q->tx_prod;
    struct dp_packet_batch batch;

    put_frame(q, flags, gso_type, gso_size);
    assert_int_equal(mock_tx_burst(q, &batch), 1);
    mock_tx_reap(q);
    assert_int_equal(mock_tx_status(q, first), NETIF_RSP_OKAY);
    return batch.packets[0];
}

static void
expect_drop(struct mock_queue *q, uint16_t flags, uint8_t gso_type,
            uint16_t gso_size, enum xenvif_tx_verdict verdict)
{
    uint64_t completed = mock_tx_count(q, csum_completed);
    uint64_t partial = mock_tx_count(q, csum_partial);

    put_frame(q, flags, gso_type, gso_size);
    mock_tx_expect_drop(q, NETIF_RSP_ERROR, verdict);
    assert_int_equal(mock_tx_count(q, csum_completed), completed);
    assert_int_equal(mock_tx_count(q, csum_partial), partial);
}

/* All shapes of packets that a checksum can be left open in. */
static bool
next_shape(unsigned int i, struct frame_spec *spec)
{
    memset(spec, 0, sizeof *spec);
    spec->v6 = i % 2;
    spec->proto = i / 2 % 2 ? FRAME_TCP : FRAME_UDP;
    spec->n_tags = i / 4 % 3;
    spec->ip_options = i / 12 % 3;
    spec->tcp_options = spec->proto == FRAME_TCP ? i / 36 * 3 : 0;
    spec->tcp_flags = FRAME_TCP_ACK;
    spec->payload = mock_random_range(1300);
    return i < 2 * 2 * 3 * 3 * 3;
}

/* Is the packet marked as one whose checksum is open, and as one to be cut
 * into segments of 'mss' bytes if that is not 0? */
static void
check_marks(struct dp_packet *packet, uint16_t mss)
{
    assert_true(xenvif_packet_l4_is_partial(packet));
    assert_false(xenvif_packet_l4_is_good(packet));
    assert_int_equal(dp_packet_hwol_is_ipv4(packet), !frame.spec.v6);
    assert_int_equal(dp_packet_hwol_l4_is_tcp(packet),
                     frame.spec.proto == FRAME_TCP);
    assert_int_equal(dp_packet_hwol_l4_is_udp(packet),
                     frame.spec.proto == FRAME_UDP);
    assert_int_equal(xenvif_packet_is_tso(packet), mss > 0);
    if (XENVIF_OVS_HAVE_TSO_SEGSZ) {
        assert_int_equal(xenvif_packet_tso_mss(packet), mss);
    }
}

/* Is it marked as one whose checksum is verified, or as one about which
 * nothing is known? */
static void
check_unmarked(const struct dp_packet *packet, bool good)
{
    assert_int_equal(xenvif_packet_l4_is_good(packet), good);
    assert_false(xenvif_packet_l4_is_partial(packet));
    assert_false(xenvif_packet_is_tso(packet));
}

static void
test_case_57_tx_partial(void **state)
{
    struct mock *mock = *state;
    struct mock_queue *q = &mock->queues[0];
    struct frame_spec spec;
    unsigned int n = 0;

    for (unsigned int i = 0; next_shape(i, &spec); i++, n++) {
        struct dp_packet *packet;

        make_blank(&spec);
        packet = take_good(q, i % 2 ? BLANK : NETTXF_csum_blank, 0, 0);
        mock_assert_packet(packet, frame.data, frame.len);
        check_marks(packet, 0);
        dp_packet_delete(packet);
    }
    assert_int_equal(mock_tx_count(q, csum_partial), n);
    assert_int_equal(mock_tx_count(q, csum_completed), 0);
    assert_int_equal(mock_tx_count(q, gso_packets), 0);
}

static void
test_case_57_tx_completed(void **state)
{
    struct mock *mock = *state;
    struct mock_queue *q = &mock->queues[0];
    struct frame_spec spec;
    unsigned int n = 0;

    for (unsigned int i = 0; next_shape(i, &spec); i++, n++) {
        struct dp_packet *packet;

        make_blank(&spec);
        packet = take_good(q, BLANK, 0, 0);
        assert_true(frame_l4_is_ok(&frame, dp_packet_data(packet),
                                   frame.len));
        frame_put_csum(&frame);
        mock_assert_packet(packet, frame.data, frame.len);
        check_unmarked(packet, true);
        dp_packet_delete(packet);
    }
    assert_int_equal(mock_tx_count(q, csum_completed), n);
    assert_int_equal(mock_tx_count(q, csum_partial), 0);
}

/* What a guest says about complete checksums. */
static void
test_tx_without_offload(void **state)
{
    struct mock *mock = *state;
    struct frame_spec spec;

    for (unsigned int i = 0; next_shape(i, &spec); i++) {
        uint16_t flags = i / 2 % 2 ? NETTXF_data_validated : 0;
        struct dp_packet *packet;

        frame_make(&frame, &spec);
        packet = take_good(&mock->queues[0], flags, 0, 0);
        mock_assert_packet(packet, frame.data, frame.len);
        check_unmarked(packet, flags != 0);
        dp_packet_delete(packet);
    }
    assert_int_equal(mock_tx_count(&mock->queues[0], csum_completed), 0);
    assert_int_equal(mock_tx_count(&mock->queues[0], csum_partial), 0);
}

static uint8_t
gso_type(bool v6)
{
    return v6 ? XEN_NETIF_GSO_TYPE_TCPV6 : XEN_NETIF_GSO_TYPE_TCPV4;
}

static void
test_case_64_tx_gso(void **state)
{
    struct mock *mock = *state;
    struct mock_queue *q = &mock->queues[0];

    for (unsigned int i = 0; i < 60; i++) {
        struct frame_spec spec = {
            .v6 = i % 2, .proto = FRAME_TCP, .n_tags = i / 2 % 2,
            .tcp_flags = FRAME_TCP_ACK, .tcp_options = 3,
        };
        uint16_t mss = 500 + mock_random_range(900);
        bool tso;
        struct dp_packet *packet;

        /* Sizes around one segment, and large ones. */
        spec.payload = (i < 30 ? mss - 1 + i % 3
                        : 2000 + mock_random_range(60000));
        make_blank(&spec);
        tso = spec.payload > mss;

        /* Without csum_blank, as some frontends send it. */
        packet = take_good(q, i % 4 ? BLANK : 0, gso_type(spec.v6), mss);
        mock_assert_packet(packet, frame.data, frame.len);
        check_marks(packet, tso ? mss : 0);
        dp_packet_delete(packet);
    }
    assert_int_equal(mock_tx_count(q, csum_partial), 60);
    assert_in_range(mock_tx_count(q, gso_packets), 30 + 10, 30 + 10);
}

static void
test_case_65_tso_disabled(void **state)
{
    struct mock *mock = *state;
    struct mock_queue *q = &mock->queues[0];

    for (unsigned int i = 0; i < 20; i++) {
        const struct frame_spec spec = {
            .v6 = i % 2, .proto = FRAME_TCP,
            .payload = i < 10 ? 1000 : 30000,
        };

        make_blank(&spec);
        expect_drop(q, BLANK, gso_type(spec.v6), 700,
                    XENVIF_TX_E_GSO_REFUSED);
        if (i >= 10) {
            expect_drop(q, BLANK, 0, 0, XENVIF_TX_E_OVERSIZE);
        }
    }
}

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
            check_unmarked(packet, true);
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
    assert_int_equal(mock_tx_count(q, gso_segmented), 40);
    assert_int_equal(mock_tx_count(q, gso_packets), 0);
    assert_int_equal(mock_tx_count(q, packets), 40);
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
    const struct xenvif_rate_config slow = { .bytes = 1000, .usec = 1000000 };
    const struct frame_spec large = {
        .proto = FRAME_TCP, .payload = 60000, .tcp_flags = FRAME_TCP_ACK,
    };
    struct mock *mock = *state;
    struct mock_queue *q = &mock->queues[0];
    struct dp_packet_batch batch;

    xenvif_rate_set(&mock->rate, &slow, xenvif_bucket_now());
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

/* Checks that a frame with that much payload is dropped with the verdict. */
static void
refuse(struct mock_queue *q, const struct frame_spec *spec, uint8_t type,
       uint16_t size, enum xenvif_tx_verdict verdict)
{
    make_blank(spec);
    expect_drop(q, BLANK, type, size, verdict);
}

static void
test_case_80_gso_lies(void **state)
{
    struct mock *mock = *state;
    struct mock_queue *q = &mock->queues[0];

    for (unsigned int v6 = 0; v6 < 2; v6++) {
        struct frame_spec spec = { .v6 = v6, .proto = FRAME_TCP };
        uint8_t type = gso_type(v6);

        /* No payload. */
        refuse(q, &spec, type, 1460, XENVIF_TX_E_GSO);
        spec.payload = 30000;
        refuse(q, &spec, type, 0, XENVIF_TX_E_GSO_REFUSED);
        refuse(q, &spec, type, 1, XENVIF_TX_E_GSO);
        refuse(q, &spec, type, 58, XENVIF_TX_E_GSO);
        refuse(q, &spec, gso_type(!v6), 1460, XENVIF_TX_E_GSO);
        for (unsigned int other = 0; other < 256; other++) {
            if (other != XEN_NETIF_GSO_TYPE_TCPV4
                && other != XEN_NETIF_GSO_TYPE_TCPV6) {
                refuse(q, &spec, other, 1460, XENVIF_TX_E_GSO_REFUSED);
            }
        }
        spec.proto = FRAME_UDP;
        refuse(q, &spec, type, 1460, XENVIF_TX_E_GSO);
        spec.proto = FRAME_SCTP;
        refuse(q, &spec, type, 1460, XENVIF_TX_E_CSUM);

        /* One segment only is no reason to be longer than others. */
        spec.proto = FRAME_TCP;
        refuse(q, &spec, type, 30000, XENVIF_TX_E_OVERSIZE);
        refuse(q, &spec, type, 65535, XENVIF_TX_E_OVERSIZE);
    }
}

/* At most 512 segments. */
static void
test_case_80_segment_count(void **state)
{
    struct mock *mock = *state;
    struct frame_spec spec = { .proto = FRAME_TCP };

    for (uint16_t mss = 1; mss <= 100; mss += 9) {
        struct dp_packet *packet;

        spec.payload = 512 * mss;
        make_blank(&spec);
        packet = take_good(&mock->queues[0], BLANK, gso_type(false), mss);
        check_marks(packet, mss);
        dp_packet_delete(packet);
        spec.payload++;
        refuse(&mock->queues[0], &spec, gso_type(false), mss,
               XENVIF_TX_E_GSO);
    }
}

/* Headers that would be repeated in each segment. */
static void
test_case_80_long_headers(void **state)
{
    struct mock *mock = *state;
    struct frame_spec spec = { .v6 = true, .proto = FRAME_TCP,
                               .payload = 5000 };
    struct dp_packet *packet;

    do {
        spec.ip_options++;
        make_blank(&spec);
    } while (frame.payload + 8 <= XENVIF_GSO_MAX_HEADERS);
    packet = take_good(&mock->queues[0], BLANK, gso_type(true), 1000);
    check_marks(packet, 1000);
    dp_packet_delete(packet);
    spec.ip_options++;
    refuse(&mock->queues[0], &spec, gso_type(true), 1000, XENVIF_TX_E_GSO);
}

/* Frames that there is no checksum to be left open in, with and without
 * offloads. */
static void
test_case_81_no_checksum(void **state)
{
    struct mock *mock = *state;
    struct mock_queue *q = &mock->queues[0];
    static const uint8_t protos[] = { FRAME_SCTP, 1, 50 };

    for (uint32_t len = 14; len < 40; len++) {
        const struct frame_spec spec = { .proto = FRAME_TCP, .payload = 100 };

        frame_make(&frame, &spec);
        frame.len = len;
        expect_drop(q, BLANK, 0, 0, XENVIF_TX_E_CSUM);
    }
    for (unsigned int i = 0; i < 12; i++) {
        struct frame_spec spec = { .v6 = i % 2, .proto = protos[i / 2 % 3],
                                   .n_tags = i / 6, .payload = 500 };

        frame_make(&frame, &spec);
        expect_drop(q, BLANK, 0, 0, XENVIF_TX_E_CSUM);
        spec.proto = FRAME_UDP;
        spec.ip_options = 1;
        frame_make(&frame, &spec);
        if (spec.v6) {
            frame.data[frame.l3 + 6] = 44;
        } else {
            frame_put16(frame.data + frame.l3 + 6, 0x2000);
        }
        expect_drop(q, BLANK, 0, 0, XENVIF_TX_E_CSUM);

        /* Without the flag they are as good as any other. */
        dp_packet_delete(take_good(q, 0, 0, 0));
    }
}

/* Switch to guest. */

/* Makes a packet of the frame as other ports may hand it over: with anything
 * in the checksum field. */
static struct dp_packet *
partial_packet(void)
{
    struct dp_packet *packet = mock_packet(frame.data, frame.len);

    if (frame.spec.proto == FRAME_SCTP) {
        dp_packet_hwol_set_csum_sctp(packet);
        return packet;
    }
    frame_put16((uint8_t *) dp_packet_data(packet) + frame_csum_ofs(&frame),
                mock_random());
    xenvif_packet_set_l4_partial(packet, frame.spec.v6,
                                 frame.spec.proto == FRAME_TCP, frame.l4,
                                 frame_csum_ofs(&frame) - frame.l4);
    return packet;
}

/* Sends the packet, which is deleted, and takes what the guest gets. */
static void
send_packet(struct mock_queue *q, struct dp_packet *packet, unsigned int slots,
            struct mock_rx_packet *p)
{
    mock_rx_post(q, slots);
    mock_rx_burst(q, &packet, 1);
    dp_packet_delete(packet);
    assert_true(mock_rx_take(q, p));
    assert_int_equal(p->info.error, 0);
    assert_int_equal(p->info.n_slots, slots);
    assert_int_equal(p->info.len, frame.len);
}

static void
expect_rx_drop(struct mock_queue *q, struct dp_packet *packet,
               enum xenvif_rx_verdict verdict)
{
    uint64_t n = mock_rx_verdicts(q, verdict);
    struct mock_rx_packet *p = xmalloc(sizeof *p);

    mock_rx_burst(q, &packet, 1);
    dp_packet_delete(packet);
    assert_false(mock_rx_take(q, p));
    assert_int_equal(mock_rx_verdicts(q, verdict), n + 1);
    free(p);
}

/* Compares what the guest got, apart from the checksum, with the frame. */
static void
check_received(struct mock_rx_packet *p)
{
    uint32_t ofs = frame_csum_ofs(&frame);
    uint16_t sum = frame_get16(p->data + ofs);

    if (p->info.flags & NETRXF_csum_blank) {
        assert_int_equal(sum, frame_pseudo(&frame, p->data,
                                           frame.len - frame.l4));
    } else {
        assert_true(frame_l4_is_ok(&frame, p->data, frame.len));
    }
    memcpy(p->data + ofs, frame.data + ofs, 2);
    assert_memory_equal(p->data, frame.data, frame.len);
}

/* Cases 59 to 61: all shapes to guests of all kinds. */
static void
test_case_59_60_61_rx_partial(void **state)
{
    struct mock *mock = *state;
    struct mock_queue *q = &mock->queues[0];
    struct mock_rx_packet *p = xmalloc(sizeof *p);

    for (unsigned int guest = 0; guest < 4; guest++) {
        unsigned int n_blank = 0, n_completed = 0;
        struct frame_spec spec;

        mock->rules.csum_ipv4 = guest & 1;
        mock->rules.csum_ipv6 = guest & 2;
        mock_reconnect(mock, 0);
        memset(mock->stats, 0, sizeof mock->stats);
        for (unsigned int i = 0; next_shape(i, &spec); i++) {
            bool blank = (!spec.n_tags
                          && guest & (spec.v6 ? 2 : 1));

            frame_make(&frame, &spec);
            send_packet(q, partial_packet(), 1, p);
            assert_int_equal(p->info.flags, NETRXF_data_validated
                             | (blank ? NETRXF_csum_blank : 0));
            check_received(p);
            n_blank += blank;
            n_completed += !blank;
        }
        assert_int_equal(mock_rx_count(q, csum_partial), n_blank);
        assert_int_equal(mock_rx_count(q, csum_completed), n_completed);
    }
    free(p);
}

/* A blank checksum goes from one guest to another as it is. */
static void
test_case_58_vm_to_vm(void **state)
{
    struct mock *mock = *state;
    struct mock_queue *q = &mock->queues[0];
    struct mock_rx_packet *p = xmalloc(sizeof *p);
    struct frame_spec spec;
    unsigned int n = 0;

    mock->rules.csum_ipv6 = true;
    mock_reconnect(mock, 0);
    for (unsigned int i = 0; next_shape(i, &spec); i++) {
        if (!spec.n_tags) {
            make_blank(&spec);
            send_packet(q, take_good(q, BLANK, 0, 0), 1, p);
            assert_int_equal(p->info.flags,
                             NETRXF_data_validated | NETRXF_csum_blank);
            assert_memory_equal(p->data, frame.data, frame.len);
            n++;
        }
    }
    assert_int_equal(mock_rx_count(q, csum_partial), n);
    assert_int_equal(mock_rx_count(q, csum_completed), 0);
    assert_int_equal(mock_tx_count(q, csum_completed), 0);
    free(p);
}

/* The operator has all checksums completed, from one packet to the next. */
static void
test_operator_completes(void **state)
{
    struct mock *mock = *state;
    struct mock_queue *q = &mock->queues[0];
    struct mock_rx_packet *p = xmalloc(sizeof *p);
    unsigned int n[2] = { 0, 0 };
    struct frame_spec spec;

    mock->rules.csum_ipv6 = true;
    mock_reconnect(mock, 0);
    for (unsigned int i = 0; next_shape(i, &spec); i++) {
        bool complete = i / 3 % 2;

        if (!spec.n_tags) {
            atomic_store(&mock->no_csum, complete);
            frame_make(&frame, &spec);
            send_packet(q, partial_packet(), 1, p);
            assert_int_equal(p->info.flags, NETRXF_data_validated
                             | (complete ? 0 : NETRXF_csum_blank));
            check_received(p);
            n[complete]++;
        }
    }
    assert_true(n[0] && n[1]);
    assert_int_equal(mock_rx_count(q, csum_partial), n[0]);
    assert_int_equal(mock_rx_count(q, csum_completed), n[1]);
    free(p);
}

static void
test_case_62_rx_no_checksum(void **state)
{
    struct mock *mock = *state;
    struct mock_queue *q = &mock->queues[0];
    struct mock_rx_packet *p = xmalloc(sizeof *p);
    struct frame_spec spec = { .proto = FRAME_UDP, .payload = 100 };

    /* UDP without a checksum stays without. */
    frame_make(&frame, &spec);
    frame_put16(frame.data + frame_csum_ofs(&frame), 0);
    send_packet(q, mock_packet(frame.data, frame.len), 1, p);
    assert_int_equal(p->info.flags, 0);
    assert_memory_equal(p->data, frame.data, frame.len);

    /* Other checksums left open, and those in the middle of something, cannot
     * be completed.  The port does not offer to. */
    mock_rx_post(q, 1);
    spec.proto = FRAME_SCTP;
    frame_make(&frame, &spec);
    expect_rx_drop(q, partial_packet(), XENVIF_RX_E_OFFLOAD);
    spec.proto = FRAME_UDP;
    frame_make(&frame, &spec);
    frame_put16(frame.data + frame.l3 + 6, 0x2000);
    expect_rx_drop(q, partial_packet(), XENVIF_RX_E_OFFLOAD);
    spec.proto = FRAME_TCP;
    frame_make(&frame, &spec);
    frame.data[frame.l4 + 12] = 0x40; /* A header of 16 bytes. */
    expect_rx_drop(q, partial_packet(), XENVIF_RX_E_OFFLOAD);
    free(p);
}

/* A UDP checksum that comes out as 0 is sent as its other representation. */
static void
test_case_62_rx_udp_zero(void **state)
{
    struct mock *mock = *state;
    struct mock_rx_packet *p = xmalloc(sizeof *p);

    mock->rules.csum_ipv4 = false;
    mock_reconnect(mock, 0);
    for (unsigned int v6 = 0; v6 < 2; v6++) {
        const struct frame_spec spec = {
            .v6 = v6, .proto = FRAME_UDP, .payload = 100,
        };
        uint8_t *payload;
        uint32_t sum;

        /* Move the checksum into the payload. */
        frame_make(&frame, &spec);
        payload = frame.data + frame.payload;
        sum = frame_get16(frame.data + frame_csum_ofs(&frame))
              + frame_get16(payload);
        frame_put16(payload, (sum & UINT16_MAX) + (sum >> 16));
        send_packet(&mock->queues[0], partial_packet(), 1, p);
        assert_int_equal(frame_get16(p->data + frame_csum_ofs(&frame)),
                         UINT16_MAX);
        assert_true(frame_l4_is_ok(&frame, p->data, frame.len));
    }
    free(p);
}

/* The same to be cut into segments of 'mss' bytes.  (Some releases of Open
 * vSwitch do not keep the number, so that it has to be what fits the MTU.) */
static struct dp_packet *
tso_packet(uint16_t mss)
{
    struct dp_packet *packet = partial_packet();

    xenvif_packet_set_tso(packet, mss);
    return packet;
}

/* Cases 50 and 64: guests that cut for themselves. */
static void
test_case_50_64_rx_gso(void **state)
{
    struct mock *mock = *state;
    struct mock_queue *q = &mock->queues[0];
    struct mock_rx_packet *p = xmalloc(sizeof *p);
    unsigned int n_gso = 0;

    mock->rules.csum_ipv6 = true;
    mock->rules.gso_tcpv4 = mock->rules.gso_tcpv6 = true;
    mock_reconnect(mock, 0);
    for (unsigned int i = 0; i < 200; i++) {
        struct frame_spec spec = {
            .v6 = i % 2, .proto = FRAME_TCP, .ip_options = i / 2 % 3,
            .tcp_options = i / 6 % 11, .tcp_flags = FRAME_TCP_ACK,
        };
        uint32_t headers = (spec.v6 ? 40 + 8 * spec.ip_options
                            : 20 + 4 * spec.ip_options)
                           + 20 + 4 * spec.tcp_options;
        uint32_t mss = MOCK_MTU - headers;
        unsigned int n_slots;
        bool gso;

        spec.payload = (i < 100 ? mss - 1 + i % 3
                        : mock_random_range(65535 - 14 - headers));
        gso = spec.payload > mss;
        frame_make(&frame, &spec);
        n_slots = DIV_ROUND_UP(frame.len, NETIF_PAGE_SIZE) + gso;
        send_packet(q, tso_packet(mss), n_slots, p);
        assert_int_equal(p->info.flags & ~NETRXF_more_data,
                         NETRXF_data_validated | NETRXF_csum_blank
                         | (gso ? NETRXF_extra_info : 0));
        assert_int_equal(p->info.gso_size, gso ? mss : 0);
        assert_int_equal(p->info.gso_type, gso ? gso_type(spec.v6) : 0);
        check_received(p);
        n_gso += gso;
    }
    assert_int_equal(mock_rx_count(q, gso_packets), n_gso);
    assert_in_range(n_gso, 100, 199);
    free(p);
}

/* The extra info needs a slot, and without it there is no packet. */
static void
test_case_48_gso_slots(void **state)
{
    struct mock *mock = *state;
    struct mock_queue *q = &mock->queues[0];
    struct mock_rx_packet *p = xmalloc(sizeof *p);

    mock->rules.gso_tcpv4 = true;
    mock_reconnect(mock, 0);
    for (unsigned int n = 1; n <= 16; n++) {
        struct frame_spec spec = { .proto = FRAME_TCP };
        struct dp_packet *packet;

        spec.payload = n * NETIF_PAGE_SIZE - 54 - (n == 16);
        frame_make(&frame, &spec);
        mock_rx_post(q, n);
        expect_rx_drop(q, tso_packet(MOCK_MTU - 40), XENVIF_RX_E_NO_SLOTS);
        mock_rx_post(q, 1);
        packet = tso_packet(MOCK_MTU - 40);
        mock_rx_burst(q, &packet, 1);
        dp_packet_delete(packet);
        assert_true(mock_rx_take(q, p));
        assert_int_equal(p->info.n_slots, n + 1);
        check_received(p);
    }
    free(p);
}

/* A page that cannot be written to, in a chain with an extra info. */
static void
test_case_53_gso_bad_grant(void **state)
{
    struct mock *mock = *state;
    struct mock_queue *q = &mock->queues[0];
    struct mock_rx_packet *p = xmalloc(sizeof *p);
    const struct frame_spec spec = { .proto = FRAME_TCP, .payload = 9000 };

    mock->rules.gso_tcpv4 = true;
    mock_reconnect(mock, 0);
    for (unsigned int bad = 0; bad < 4; bad++) {
        struct dp_packet *packet;

        frame_make(&frame, &spec);
        packet = tso_packet(MOCK_MTU - 40);
        mock_rx_post(q, bad);
        mock_rx_post_gref(q, 30000);
        mock_rx_post(q, 3 - bad);
        mock_rx_burst(q, &packet, 1);
        dp_packet_delete(packet);
        assert_true(mock_rx_take(q, p));
        assert_int_equal(p->info.n_slots, 4);
        assert_int_equal(p->info.gso_size, MOCK_MTU - 40);

        /* The page of the extra info's slot is not needed. */
        assert_int_equal(p->info.error, bad == 1 ? 0 : NETIF_RSP_ERROR);
        assert_int_equal(mock_rx_verdicts(q, XENVIF_RX_E_GRANT),
                         bad + (bad < 1));
    }
    assert_int_equal(mock_rx_count(q, gso_packets), 1);
    free(p);
}

#define TEST(NAME, SETUP) \
    cmocka_unit_test_setup_teardown(NAME, SETUP, mock_teardown)
#define TSO(NAME) TEST(NAME, setup_tso)
#define PARTIAL(NAME) TEST(NAME, setup_partial)
#define OFF(NAME) TEST(NAME, setup_off)
#define LATE(NAME) TEST(NAME, setup_off_late)

static int
run(const char *name)
{
    const struct CMUnitTest tests[] = {
        TSO(test_case_57_tx_partial),
        PARTIAL(test_case_57_tx_partial),
        OFF(test_case_57_tx_completed),
        TSO(test_tx_without_offload),
        OFF(test_tx_without_offload),
        TSO(test_case_64_tx_gso),
        OFF(test_case_65_tso_disabled),
        PARTIAL(test_case_65_tso_disabled),
        LATE(test_tx_gso_cut),
        LATE(test_tx_gso_order),
        LATE(test_tx_gso_rate),
        LATE(test_tx_gso_close),
        TSO(test_case_80_gso_lies),
        LATE(test_case_80_gso_lies),
        TSO(test_case_80_segment_count),
        TSO(test_case_80_long_headers),
        TSO(test_case_81_no_checksum),
        OFF(test_case_81_no_checksum),
        TSO(test_case_59_60_61_rx_partial),
        TSO(test_case_58_vm_to_vm),
        TSO(test_operator_completes),
        TSO(test_case_62_rx_no_checksum),
        TSO(test_case_62_rx_udp_zero),
        TSO(test_case_50_64_rx_gso),
        TSO(test_case_48_gso_slots),
        TSO(test_case_53_gso_bad_grant),
    };

    return cmocka_run_group_tests_name(name, tests, NULL, NULL);
}

int
main(void)
{
    return mock_main(run);
}
