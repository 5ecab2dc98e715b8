/* SPDX-License-Identifier: Apache-2.0 */

/* Unit test: segmentation in software.  Every segment is judged by itself, the
 * way its receiver will. */

#include <config.h>

#include "mock-frontend.h"

#include <stdlib.h>
#include <string.h>

#include "frames.h"
#include "util.h"
#include "packet/xenvif-gso.h"
#include "packet/xenvif-offload.h"
#include "packet/xenvif-ovs-compat.h"

static struct frame frame;

/* Checks the IP header of segment 'i' and puts back into 'headers' what may
 * differ from the original. */
static void
check_ip(uint8_t *headers, uint32_t len, uint32_t i)
{
    uint8_t *ip = headers + frame.l3;
    const uint8_t *orig = frame.data + frame.l3;

    assert_true(frame_ip_is_ok(&frame, headers, len));
    if (frame.spec.v6) {
        memcpy(ip + 4, orig + 4, 2);
    } else {
        assert_int_equal(frame_get16(ip + 4),
                         (uint16_t) (frame_get16(orig + 4) + i));
        memcpy(ip + 2, orig + 2, 4);
        memcpy(ip + 10, orig + 10, 2);
    }
}

/* The same for the TCP header of the segment that begins with byte 'ofs' of
 * the payload. */
static void
check_tcp(uint8_t *headers, uint32_t ofs, bool last)
{
    uint8_t *tcp = headers + frame.l4;
    const uint8_t *orig = frame.data + frame.l4;
    uint16_t flags = frame.spec.tcp_flags;

    flags &= ~(last ? 0 : FRAME_TCP_FIN | FRAME_TCP_PSH);
    flags &= ~(ofs ? FRAME_TCP_CWR : 0);
    assert_int_equal(tcp[13], flags);
    assert_int_equal(frame_get32(tcp + 4), frame_get32(orig + 4) + ofs);
    tcp[13] = orig[13];
    memcpy(tcp + 4, orig + 4, 4);
    memcpy(tcp + 16, orig + 16, 2);
}

/* Checks segment 'i', 'segment', and frees it.  Returns how much payload it
 * has. */
static uint32_t
check_segment(struct dp_packet *segment, uint32_t i, uint32_t ofs,
              uint32_t mss)
{
    uint32_t len = dp_packet_size(segment);
    uint32_t n = MIN(mss, frame.spec.payload - ofs);
    uint8_t *data = dp_packet_data(segment);

    assert_int_equal(len, frame.payload + n);
    assert_true(xenvif_packet_l4_is_partial(segment));
    assert_false(xenvif_packet_is_tso(segment));
    assert_true(xenvif_offload_complete_l4(segment));
    assert_true(frame_l4_is_ok(&frame, data, len));
    assert_memory_equal(data + frame.payload,
                        frame.data + frame.payload + ofs, n);
    check_ip(data, len, i);
    check_tcp(data, ofs, ofs + n == frame.spec.payload);
    assert_memory_equal(data, frame.data, frame.payload);

    dp_packet_delete(segment);
    return n;
}

/* Cuts the frame, behind which there are 'padding' bytes. */
static void
check_frame(uint32_t mss, uint32_t padding)
{
    struct dp_packet *packet = mock_packet(frame.data, frame.len + padding);
    struct dp_packet **segments;
    uint32_t ofs = 0;
    size_t n;

    xenvif_packet_set_l4_partial(packet, frame.spec.v6, true,
                                 frame.l4, 16);
    xenvif_packet_set_tso(packet, mss);
    n = xenvif_gso_segment(packet, mss, &segments);
    assert_int_equal(n, MAX(1, DIV_ROUND_UP(frame.spec.payload, mss)));
    for (size_t i = 0; i < n; i++) {
        ofs += check_segment(segments[i], i, ofs, mss);
    }
    assert_int_equal(ofs, frame.spec.payload);
    free(segments);

    /* Left alone. */
    mock_assert_packet(packet, frame.data, frame.len + padding);
    assert_true(xenvif_packet_is_tso(packet));
    dp_packet_delete(packet);
}

/* Leaves a packet as it is when a guest leaves the checksum to us. */
static void
make_frame(const struct frame_spec *spec)
{
    frame_make(&frame, spec);
    frame_put16(frame.data + frame_csum_ofs(&frame), mock_random());
}

static void
test_case_50_all_shapes(void **state OVS_UNUSED)
{
    static const uint32_t mss[] = { 1, 7, 536, 1448, 1460, 8948 };

    for (unsigned int i = 0; i < 2 * 3 * 6 * 11; i++) {
        struct frame_spec spec = {
            .v6 = i % 2, .proto = FRAME_TCP,
            .tcp_flags = mock_random_range(256),
            .n_tags = i / 2 % 3, .ip_options = i % 11,
            .tcp_options = mock_random_range(11),
        };
        uint32_t size = mss[i / 6 % ARRAY_SIZE(mss)];

        spec.payload = mock_random_range(MIN(20 * size, 65000));
        make_frame(&spec);
        check_frame(size, 0);
    }
}

/* Around whole segments. */
static void
test_case_50_edges(void **state OVS_UNUSED)
{
    for (uint32_t payload = 0; payload < 100; payload++) {
        for (uint32_t mss = 1; mss < 50; mss += 1 + mss / 7) {
            const struct frame_spec spec = {
                .v6 = payload % 2, .proto = FRAME_TCP, .payload = payload,
                .tcp_flags = FRAME_TCP_ACK | FRAME_TCP_PSH | FRAME_TCP_FIN
                             | FRAME_TCP_CWR,
            };

            make_frame(&spec);
            check_frame(mss, 0);
        }
    }
}

static void
test_case_50_largest(void **state OVS_UNUSED)
{
    for (unsigned int i = 0; i < 2; i++) {
        struct frame_spec spec = { .v6 = i, .proto = FRAME_TCP,
                                   .tcp_flags = FRAME_TCP_PSH };

        spec.payload = 65535 - 14 - (i ? 40 : 20) - 20;
        make_frame(&spec);
        check_frame(1460, 0);
        check_frame(65535, 0);
        check_frame(UINT32_MAX, 0);
    }
}

/* Sequence numbers and identifications that wrap. */
static void
test_case_50_wrap(void **state OVS_UNUSED)
{
    const struct frame_spec spec = { .proto = FRAME_TCP, .payload = 50000 };
    uint8_t *ip, *tcp;

    frame_make(&frame, &spec);
    ip = frame.data + frame.l3;
    tcp = frame.data + frame.l4;
    frame_put16(ip + 4, 0xfffe);
    memset(tcp + 4, 0xff, 4);
    check_frame(1000, 0);
}

/* What is behind the end of the IP packet is no payload. */
static void
test_case_50_padding(void **state OVS_UNUSED)
{
    for (unsigned int i = 0; i < 60; i++) {
        const struct frame_spec spec = {
            .v6 = i % 2, .proto = FRAME_TCP, .payload = i,
        };

        make_frame(&spec);
        check_frame(1 + i / 2, i);
    }
}

/* What cannot be cut. */
static void
expect_refused(uint32_t len)
{
    struct dp_packet *packet = mock_packet(frame.data, len);
    struct dp_packet **segments;

    assert_int_equal(xenvif_gso_segment(packet, 100, &segments), 0);
    dp_packet_delete(packet);
}

static void
test_case_80_refused(void **state OVS_UNUSED)
{
    for (unsigned int i = 0; i < 6; i++) {
        struct frame_spec spec = {
            .v6 = i % 2, .proto = FRAME_TCP, .n_tags = i / 2, .ip_options = 1,
            .tcp_options = 3, .payload = 1000,
        };

        make_frame(&spec);
        for (uint32_t len = 0; len < frame.len; len += 1 + len / 100) {
            expect_refused(len);
        }
        for (unsigned int words = 0; words < 5; words++) {
            frame.data[frame.l4 + 12] = words << 4;
            expect_refused(frame.len);
        }

        /* Fragments. */
        make_frame(&spec);
        if (spec.v6) {
            frame.data[frame.l3 + 6] = 44;
        } else {
            frame_put16(frame.data + frame.l3 + 6, 0x2000);
        }
        expect_refused(frame.len);

        spec.proto = FRAME_UDP;
        make_frame(&spec);
        expect_refused(frame.len);
    }
}

/* More segments than may be made of one packet, and headers that are too long
 * to be repeated in each of them. */
static void
test_case_80_limits(void **state OVS_UNUSED)
{
    struct frame_spec spec = {
        .proto = FRAME_TCP, .payload = 10 * XENVIF_GSO_MAX_SEGMENTS,
    };
    uint32_t headers;

    make_frame(&spec);
    check_frame(10, 0);
    spec.payload++;
    make_frame(&spec);
    check_frame(11, 0);
    spec.payload = 100 * XENVIF_GSO_MAX_SEGMENTS + 1;
    make_frame(&spec);
    expect_refused(frame.len);

    spec.v6 = true;
    spec.payload = 1000;
    do {
        spec.ip_options++;
        make_frame(&spec);
        headers = frame.payload;
        if (headers <= XENVIF_GSO_MAX_HEADERS) {
            check_frame(100, 0);
        }
    } while (headers <= XENVIF_GSO_MAX_HEADERS);
    expect_refused(frame.len);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_case_50_all_shapes),
        cmocka_unit_test(test_case_50_edges),
        cmocka_unit_test(test_case_50_largest),
        cmocka_unit_test(test_case_50_wrap),
        cmocka_unit_test(test_case_50_padding),
        cmocka_unit_test(test_case_80_refused),
        cmocka_unit_test(test_case_80_limits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
