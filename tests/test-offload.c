/* SPDX-License-Identifier: Apache-2.0 */

/* Unit test: completing checksums that a guest left to us.  The numbers in the
 * names are those of the list of cases in the project's test plan. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dp-packet.h"
#include "util.h"
#include "packet/xenvif-offload.h"
#include "packet/xenvif-ovs-compat.h"

enum { TCP = 6, UDP = 17 };

/* A frame under construction, and where in it things are. */
static uint8_t frame[2000];
static size_t len;              /* Bytes of the frame. */
static size_t l3, l4;           /* Offsets. */
static bool plain;              /* No tags, options, or extension headers? */
static unsigned int version;    /* 4 or 6. */
static uint8_t last_proto;      /* The one of the L4 header. */

static uint32_t
random_u32(void)
{
    static uint32_t state = 314159265;

    state ^= state << 13;
    state ^= state >> 17;
    state ^= state << 5;
    return state;
}

static void
put16(size_t ofs, uint16_t value)
{
    frame[ofs] = value >> 8;
    frame[ofs + 1] = value;
}

static uint16_t
get16(const uint8_t *p)
{
    return p[0] << 8 | p[1];
}

/* Ethernet header with 'n_tags' VLAN tags. */
static void
add_ethernet(unsigned int n_tags)
{
    for (size_t i = 0; i < sizeof frame; i++) {
        frame[i] = random_u32();
    }
    len = 12;
    plain = !n_tags;
    for (unsigned int i = 0; i < n_tags; i++) {
        put16(len, i + 1 < n_tags ? 0x88a8 : 0x8100);
        len += 4;
    }
}

static void
add_ipv4(unsigned int option_words, uint8_t proto)
{
    put16(len, 0x0800);
    l3 = len + 2;
    version = 4;
    plain = plain && !option_words;
    last_proto = proto;
    frame[l3] = 0x45 + option_words;
    put16(l3 + 6, 0x4000);      /* Do not fragment. */
    frame[l3 + 9] = proto;
    l4 = len = l3 + 20 + 4 * option_words;
}

/* IPv6 header and extension headers, whose types are in 'exts'. */
static void
add_ipv6(const uint8_t *exts, unsigned int n_exts, uint8_t proto)
{
    size_t next;

    put16(len, 0x86dd);
    l3 = len + 2;
    version = 6;
    plain = plain && !n_exts;
    last_proto = proto;
    frame[l3] = 0x60;
    next = l3 + 6;
    len = l3 + 40;
    for (unsigned int i = 0; i < n_exts; i++) {
        unsigned int units = exts[i] == 44 ? 0 : i % 3;

        frame[next] = exts[i];
        next = len;
        frame[len + 1] = units;
        frame[len + 3] = 0;     /* Routing: no segments left. */
        len += 8 + 8 * units;
    }
    frame[next] = proto;
    l4 = len;
}

/* L4 header, payload, and the lengths before them. */
static void
add_l4(size_t payload)
{
    size_t header = last_proto == TCP ? 20 : 8;

    if (last_proto == TCP) {
        frame[l4 + 12] = 0x50;
    } else {
        put16(l4 + 4, header + payload);
    }
    len = l4 + header + payload;
    put16(version == 4 ? l3 + 2 : l3 + 4,
          version == 4 ? len - l3 : len - l3 - 40);
}

static size_t
csum_ofs(void)
{
    return l4 + (last_proto == TCP ? 16 : 6);
}

/* The one's complement sum of RFC 1071, the slow way. */
static uint32_t
add_bytes(uint32_t sum, const uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        sum += i % 2 ? p[i] : p[i] << 8;
    }
    return sum;
}

/* The checksum that a receiver finds for the packet in 'data', whose own is in
 * it: 0 if that is right. */
static uint16_t
verify(const uint8_t *data)
{
    size_t n = len - l4;
    uint32_t sum = (version == 4 ? add_bytes(0, data + l3 + 12, 8)
                    : add_bytes(0, data + l3 + 8, 32));

    sum += last_proto + n;
    sum = add_bytes(sum, data + l4, n);
    while (sum >> 16) {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    return ~sum;
}

/* Makes a packet of the first 'size' bytes of the frame, in memory of just
 * that size, so that no byte behind it can be read unnoticed. */
static bool
complete(size_t size, uint8_t **datap, bool *good)
{
    uint8_t *data = xmalloc(size ? size : 1);
    struct dp_packet packet;
    bool ok;

    memcpy(data, frame, size);
    dp_packet_use_stub(&packet, data, size);
    dp_packet_set_size(&packet, size);
    ok = xenvif_offload_complete_l4(&packet);
    *good = xenvif_packet_l4_is_good(&packet);
    assert_ptr_equal(dp_packet_data(&packet), data);
    assert_int_equal(dp_packet_size(&packet), size);
    dp_packet_uninit(&packet);
    *datap = data;
    return ok;
}

/* Completed correctly, and nothing but the checksum changed.  That it is right
 * is told of plain packets only. */
static void
expect_complete(size_t size)
{
    uint8_t *data;
    bool good;

    assert_true(complete(size, &data, &good));
    assert_int_equal(good, plain && size == len);
    assert_int_equal(verify(data), 0);
    if (last_proto == UDP) {
        assert_int_not_equal(get16(data + csum_ofs()), 0);
    }
    memcpy(data + csum_ofs(), frame + csum_ofs(), 2);
    assert_memory_equal(data, frame, size);
    free(data);
}

/* Left alone. */
static void
expect_refused(size_t size)
{
    uint8_t *data;
    bool good;

    if (complete(size, &data, &good)) {
        fail_msg("%zu bytes of a frame of %zu were accepted", size, len);
    }
    assert_false(good);
    assert_memory_equal(data, frame, size);
    free(data);
}

/* A complete frame, the same with padding, and cut off at every byte. */
static void
check_frame(void)
{
    expect_complete(len);
    expect_complete(len + 1 + random_u32() % 60);
    for (size_t size = 0; size < len; size++) {
        expect_refused(size);
    }
}

static void
test_case_57_ipv4(void **state OVS_UNUSED)
{
    for (unsigned int i = 0; i < 2 * 3 * 11 * 5; i++) {
        add_ethernet(i / 2 % 3);
        add_ipv4(i / 6 % 11, i % 2 ? TCP : UDP);
        add_l4(i / 66 * 7 + i % 13);
        check_frame();
    }
}

static void
test_case_57_ipv6(void **state OVS_UNUSED)
{
    for (unsigned int i = 0; i < 2 * 3 * 10; i++) {
        add_ethernet(i / 2 % 3);
        add_ipv6(NULL, 0, i % 2 ? TCP : UDP);
        add_l4(i);
        check_frame();
    }
}

static void
test_all_lengths(void **state OVS_UNUSED)
{
    for (size_t payload = 0; payload < 1500; payload++) {
        add_ethernet(0);
        if (payload % 3) {
            add_ipv4(0, payload % 2 ? TCP : UDP);
        } else {
            add_ipv6(NULL, 0, payload % 2 ? TCP : UDP);
        }
        add_l4(payload);
        expect_complete(len);
    }
}

static void
test_tcp_options(void **state OVS_UNUSED)
{
    for (unsigned int words = 0; words < 16; words++) {
        add_ethernet(0);
        add_ipv4(0, TCP);
        add_l4(20);
        frame[l4 + 12] = words << 4;
        if (words >= 5 && words <= 10) {
            expect_complete(len);
        } else {
            expect_refused(len);
        }
    }
}

static void
test_extension_headers(void **state OVS_UNUSED)
{
    static const uint8_t exts[] = { 0, 60, 43, 60, 0, 43, 60, 60, 60 };

    for (unsigned int n = 1; n <= ARRAY_SIZE(exts); n++) {
        add_ethernet(n % 3);
        add_ipv6(exts, n, n % 2 ? TCP : UDP);
        add_l4(3 * n);
        check_frame();
    }
}

/* With hops left, the address in the header is not the one that counts. */
static void
test_routing_header(void **state OVS_UNUSED)
{
    static const uint8_t exts[] = { 60, 43, 60 };

    for (unsigned int left = 0; left < 256; left++) {
        add_ethernet(0);
        add_ipv6(exts, 3, TCP);
        frame[l3 + 40 + 8 + 3] = left;
        add_l4(100);
        if (!left) {
            expect_complete(len);
        } else {
            expect_refused(len);
        }
    }
}

static void
test_fragments(void **state OVS_UNUSED)
{
    static const uint8_t ext[] = { 44 };

    for (unsigned int i = 0; i < 16; i++) {
        add_ethernet(0);
        add_ipv4(0, UDP);
        add_l4(100);
        put16(l3 + 6, 1u << i);
        if (i >= 14) {
            expect_complete(len); /* "Do not fragment" and a spare bit. */
        } else {
            expect_refused(len);
        }
        add_ethernet(0);
        add_ipv6(ext, 1, UDP);
        put16(l3 + 42, i << 3 | 1);
        add_l4(100);
        expect_refused(len);
    }
}

/* A sum of zero is sent as its other representation. */
static void
test_case_62_udp_zero(void **state OVS_UNUSED)
{
    for (unsigned int i = 0; i < 2; i++) {
        uint8_t *data;
        uint16_t sum;
        bool good;

        add_ethernet(0);
        if (i) {
            add_ipv6(NULL, 0, UDP);
        } else {
            add_ipv4(0, UDP);
        }
        add_l4(10);

        /* Choose two bytes of payload so that the sum is what is wanted. */
        put16(csum_ofs(), 0);
        put16(l4 + 8, 0);
        sum = verify(frame);
        put16(l4 + 8, sum);
        assert_int_equal(verify(frame), 0);
        assert_true(complete(len, &data, &good));
        assert_int_equal(get16(data + csum_ofs()), 0xffff);
        assert_int_equal(verify(data), 0);
        free(data);
    }
}

/* A datagram may be shorter than the packet it comes in, but not longer. */
static void
test_udp_length(void **state OVS_UNUSED)
{
    for (unsigned int udp_len = 0; udp_len < 60; udp_len++) {
        add_ethernet(0);
        if (udp_len % 2) {
            add_ipv4(0, UDP);
        } else {
            add_ipv6(NULL, 0, UDP);
        }
        add_l4(40);
        put16(l4 + 4, udp_len);
        if (udp_len < 8 || udp_len > 48) {
            expect_refused(len);
        } else {
            size_t size = len;

            len = l4 + udp_len;
            expect_complete(size);
        }
    }
}

static void
test_other_protocols(void **state OVS_UNUSED)
{
    for (unsigned int proto = 0; proto < 256; proto++) {
        if (proto != TCP && proto != UDP) {
            add_ethernet(0);
            add_ipv4(0, proto);
            add_l4(100);
            expect_refused(len);
        }
    }
    for (unsigned int type = 0; type < 0x10000; type += 127) {
        if (type != 0x8100 && type != 0x88a8) {
            add_ethernet(0);
            add_ipv4(0, TCP);
            add_l4(100);
            put16(12, type == 0x0800 ? 0x0806 : type);
            expect_refused(len);
        }
    }
}

static void
test_case_81_hostile_headers(void **state OVS_UNUSED)
{
    /* IPv4: each version and header length. */
    for (unsigned int first = 0; first < 256; first++) {
        add_ethernet(0);
        add_ipv4(0, UDP);
        add_l4(12);
        frame[l3] = first;
        if (first != 0x45) {
            uint8_t *data;
            bool good;

            /* With longer headers, payload is taken for options. */
            if (!complete(len, &data, &good)) {
                assert_memory_equal(data, frame, len);
            } else {
                assert_int_equal(first >> 4, 4);
                assert_in_range(first & 15, 6, 8);
            }
            free(data);
        }
    }

    /* Lengths that are shorter than headers, or longer than the frame. */
    for (unsigned int total = 0; total < 0x10000; total += total < 200 ? 1
                                                                       : 501) {
        add_ethernet(0);
        add_ipv4(0, TCP);
        add_l4(60);
        put16(l3 + 2, total);
        if (total < 40 || total > 100) {
            expect_refused(len);
        }
        add_ethernet(0);
        add_ipv6(NULL, 0, TCP);
        add_l4(60);
        put16(l3 + 4, total);
        if (total < 20 || total > 80) {
            expect_refused(len);
        }
    }
}

/* IPv6 extension headers to the end of the frame, and beyond. */
static void
test_case_81_endless_extensions(void **state OVS_UNUSED)
{
    for (unsigned int units = 0; units < 256; units++) {
        add_ethernet(0);
        add_ipv6(NULL, 0, 0);
        len = 1500;
        put16(l3 + 4, len - l3 - 40);
        for (size_t ofs = l3 + 40; ofs < len; ofs += 8) {
            frame[ofs] = units % 3 == 0 ? 0 : units % 3 == 1 ? 43 : 60;
            frame[ofs + 1] = units;
            frame[ofs + 3] = 0;
        }
        expect_refused(len);
    }
}

/* Any bytes at all behind a plausible beginning. */
static void
test_case_81_noise(void **state OVS_UNUSED)
{
    unsigned int n_accepted = 0;

    for (unsigned int i = 0; i < 100000; i++) {
        uint8_t *data;
        size_t size;
        bool good;

        add_ethernet(i % 3);
        if (i % 2) {
            add_ipv4(random_u32() % 3, random_u32() % 2 ? TCP : UDP);
        } else {
            static const uint8_t exts[] = { 60, 43, 0 };

            add_ipv6(exts, random_u32() % 4, random_u32() % 2 ? TCP : UDP);
        }
        add_l4(random_u32() % 30);
        for (unsigned int n = random_u32() % 4; n; n--) {
            frame[12 + random_u32() % (l4 + 20 - 12)] = random_u32();
        }
        size = len - random_u32() % 2;
        if (complete(size, &data, &good)) {
            n_accepted++;
        } else {
            assert_memory_equal(data, frame, size);
        }
        free(data);
    }
    assert_in_range(n_accepted, 10000, 90000);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_case_57_ipv4),
        cmocka_unit_test(test_case_57_ipv6),
        cmocka_unit_test(test_all_lengths),
        cmocka_unit_test(test_tcp_options),
        cmocka_unit_test(test_extension_headers),
        cmocka_unit_test(test_routing_header),
        cmocka_unit_test(test_fragments),
        cmocka_unit_test(test_case_62_udp_zero),
        cmocka_unit_test(test_udp_length),
        cmocka_unit_test(test_other_protocols),
        cmocka_unit_test(test_case_81_hostile_headers),
        cmocka_unit_test(test_case_81_endless_extensions),
        cmocka_unit_test(test_case_81_noise),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
