/* SPDX-License-Identifier: Apache-2.0 */

/* Component test: checksum and segmentation offload over the rings, in both
 * directions.  The numbers in the names are those of the list of cases in the
 * project's test plan. */

#include <config.h>

#include "offload-frontend.h"

#include <string.h>

#include "util.h"
#include "packet/xenvif-ovs-compat.h"

/* Guest to switch. */

static void
test_case_57_tx_partial(void **state)
{
    struct mock *mock = *state;
    struct mock_queue *q = &mock->queues[0];
    struct frame_spec spec;
    unsigned int n = 0, n_open = 0;

    for (unsigned int i = 0; next_shape(i, &spec); i++, n++) {
        struct dp_packet *packet;

        make_blank(&spec);
        packet = take_good(q, i % 2 ? BLANK : NETTXF_csum_blank, 0, 0);
        if (is_left_open(mock)) {
            check_marks(packet, 0);
            n_open++;
        } else {
            check_unmarked(packet, is_plain());
            frame_put_csum(&frame);
        }
        mock_assert_packet(packet, frame.data, frame.len);
        dp_packet_delete(packet);
    }
    assert_true(n_open && n_open < n);
    assert_int_equal(mock_tx_count(q, csum_partial), n_open);
    assert_int_equal(mock_tx_count(q, csum_completed), n - n_open);
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
        check_unmarked(packet, is_plain());
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
        check_unmarked(packet, flags && is_plain());
        dp_packet_delete(packet);
    }
    assert_int_equal(mock_tx_count(&mock->queues[0], csum_completed), 0);
    assert_int_equal(mock_tx_count(&mock->queues[0], csum_partial), 0);
}

static void
test_case_64_tx_gso(void **state)
{
    struct mock *mock = *state;
    struct mock_queue *q = &mock->queues[0];

    for (unsigned int i = 0; i < 60; i++) {
        struct frame_spec spec = {
            .v6 = i % 2, .proto = FRAME_TCP,
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
        memset(mock->terms.stats, 0, sizeof mock->terms.stats);
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
        make_blank(&spec);
        if (is_left_open(mock)) {
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
            atomic_store(&mock->terms.tx_csum_offload, !complete);
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
        TSO(test_case_80_gso_lies),
        LATE(test_case_80_gso_lies),
        TSO(test_case_80_segment_count),
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
