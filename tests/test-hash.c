/* SPDX-License-Identifier: Apache-2.0 */

/* Unit test: the hash by which a guest wants its packets distributed.  The
 * numbers in the names are those of the list of cases in the project's test
 * plan. */

#include <config.h>

/* Has netif.h offer its own implementation, which goes bit by bit. */
#define XEN_NETIF_DEFINE_TOEPLITZ

#include "mock-frontend.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "frames.h"
#include "util.h"
#include "packet/xenvif-hash.h"

enum {
    IPV4 = XEN_NETIF_CTRL_HASH_TYPE_IPV4,
    IPV4_TCP = XEN_NETIF_CTRL_HASH_TYPE_IPV4_TCP,
    IPV6 = XEN_NETIF_CTRL_HASH_TYPE_IPV6,
    IPV6_TCP = XEN_NETIF_CTRL_HASH_TYPE_IPV6_TCP,
};

static struct xenvif_hash hash;
static struct frame frame;

/* The verification suite that Microsoft published for RSS. */
static const uint8_t rss_key[XENVIF_HASH_KEY_SIZE] = {
    0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67,
    0x25, 0x3d, 0x43, 0xa3, 0x8f, 0xb0, 0xd0, 0xca, 0x2b, 0xcb,
    0xae, 0x7b, 0x30, 0xb4, 0x77, 0xcb, 0x2d, 0xa3, 0x80, 0x30,
    0xf2, 0x0c, 0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac, 0x01, 0xfa,
};

static const struct rss_vector {
    const char *src, *dst;
    uint16_t src_port, dst_port;
    uint32_t l3, tcp;
} rss_vectors[] = {
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
    { "3ffe:1900:4545:3:200:f8ff:fe21:67cf",
      "fe80::200:f8ff:fe21:67cf", 44251, 38024, 0x4b61e985, 0x02d1feef },
};

static void
make_frame(bool v6, uint8_t proto, unsigned int n_tags, unsigned int options)
{
    const struct frame_spec spec = {
        .v6 = v6, .proto = proto, .tcp_flags = FRAME_TCP_ACK,
        .n_tags = n_tags, .ip_options = options, .payload = 60,
    };

    frame_make(&frame, &spec);
}

/* Hashes the frame in memory of just its size. */
static bool
hash_frame(uint32_t len, struct xenvif_hash_result *result)
{
    uint8_t *copy = xmemdup(frame.data, len ? len : 1);
    bool ok = xenvif_hash_frame(&hash, copy, len, result);

    free(copy);
    return ok;
}

static void
expect_hash(uint8_t type, uint32_t value)
{
    struct xenvif_hash_result result;

    assert_true(hash_frame(frame.len, &result));
    assert_int_equal(1u << result.type, type);
    assert_int_equal(result.value, value);
}

static int
setup(void **state OVS_UNUSED)
{
    memset(&hash, 0, sizeof hash);
    hash.toeplitz = true;
    xenvif_hash_set_key(&hash, rss_key, sizeof rss_key);
    return 0;
}

static void
test_case_66_published_vectors(void **state OVS_UNUSED)
{
    for (unsigned int i = 0; i < ARRAY_SIZE(rss_vectors); i++) {
        const struct rss_vector *v = &rss_vectors[i];
        bool v6 = strchr(v->src, ':') != NULL;
        uint32_t addrs = v6 ? 8 : 12, addr_len = v6 ? 16 : 4;
        int family = v6 ? AF_INET6 : AF_INET;

        make_frame(v6, FRAME_TCP, 0, 0);
        inet_pton(family, v->src, frame.data + frame.l3 + addrs);
        inet_pton(family, v->dst, frame.data + frame.l3 + addrs + addr_len);
        frame_put16(frame.data + frame.l4, v->src_port);
        frame_put16(frame.data + frame.l4 + 2, v->dst_port);

        hash.flags = v6 ? IPV6 : IPV4;
        expect_hash(v6 ? IPV6 : IPV4, v->l3);
        hash.flags = v6 ? IPV6_TCP : IPV4_TCP;
        expect_hash(v6 ? IPV6_TCP : IPV4_TCP, v->tcp);
    }
}

static void
test_case_66_bitwise_reference(void **state OVS_UNUSED)
{
    for (unsigned int i = 0; i < 3000; i++) {
        uint8_t key[XENVIF_HASH_KEY_SIZE], input[XENVIF_HASH_INPUT_MAX];
        unsigned int key_len = i % 4 ? sizeof key : i % (sizeof key + 1);
        unsigned int len = i % (sizeof input + 1);

        mock_fill_frame(key, sizeof key);
        mock_fill_frame(input, sizeof input);
        xenvif_hash_set_key(&hash, key, key_len);
        assert_int_equal(xenvif_hash_bytes(&hash, input, len),
                         xen_netif_toeplitz_hash(key, key_len, input, len));
    }
}

/* Each bit of key and input by itself. */
static void
test_case_66_single_bits(void **state OVS_UNUSED)
{
    for (unsigned int i = 0; i < 8 * XENVIF_HASH_KEY_SIZE; i++) {
        uint8_t key[XENVIF_HASH_KEY_SIZE] = { 0 };

        key[i / 8] = 0x80 >> i % 8;
        xenvif_hash_set_key(&hash, key, sizeof key);
        for (unsigned int j = 0; j < 8 * XENVIF_HASH_INPUT_MAX; j++) {
            uint8_t input[XENVIF_HASH_INPUT_MAX] = { 0 };
            uint32_t expected = i >= j && i - j < 32 ? 1u << (31 - i + j) : 0;

            input[j / 8] = 0x80 >> j % 8;
            assert_int_equal(xenvif_hash_bytes(&hash, input, sizeof input),
                             expected);
        }
    }
}

static void
test_case_69_short_keys(void **state OVS_UNUSED)
{
    for (unsigned int len = 0; len <= sizeof rss_key; len++) {
        static const uint8_t zeros[sizeof rss_key];

        xenvif_hash_set_key(&hash, rss_key, sizeof rss_key);
        xenvif_hash_set_key(&hash, rss_key, len);
        assert_memory_equal(hash.key, rss_key, len);
        assert_memory_equal(hash.key + len, zeros, sizeof zeros - len);
    }
    xenvif_hash_set_key(&hash, "", 0);
    make_frame(false, FRAME_TCP, 0, 0);
    hash.flags = IPV4_TCP;
    expect_hash(IPV4_TCP, 0);
}

/* The kinds of packets of case 67, and which flags apply to them in order of
 * preference. */
enum kind {
    V4_TCP, V4_UDP, V4_FIRST, V4_LATER,
    V6_TCP, V6_UDP, V6_FRAGMENT,
    ARP, N_KINDS
};

static void
make_kind(enum kind kind, unsigned int n_tags)
{
    bool v6 = kind >= V6_TCP && kind <= V6_FRAGMENT;
    bool udp = kind == V4_UDP || kind == V6_UDP;

    make_frame(v6, udp ? FRAME_UDP : FRAME_TCP, n_tags,
               kind == V6_FRAGMENT);
    switch (kind) {
    case V4_FIRST:
        frame_put16(frame.data + frame.l3 + 6, 0x2000);
        break;
    case V4_LATER:
        frame_put16(frame.data + frame.l3 + 6, 0x0001);
        break;
    case V6_FRAGMENT:
        frame.data[frame.l3 + 6] = 44;
        break;
    case ARP:
        frame_put16(frame.data + frame.l3 - 2, 0x0806);
        break;
    case V4_TCP: case V4_UDP: case V6_TCP: case V6_UDP: case N_KINDS:
    default:
        break;
    }
}

/* Returns the reference's hash of the frame. */
static uint32_t
reference(uint8_t type)
{
    bool v6 = type == IPV6 || type == IPV6_TCP;
    unsigned int len = v6 ? 32 : 8;
    uint8_t input[36];

    memcpy(input, frame.data + frame.l3 + (v6 ? 8 : 12), len);
    memcpy(input + len, frame.data + frame.l4, 4);
    if (type == IPV4_TCP || type == IPV6_TCP) {
        len += 4;
    }
    return xen_netif_toeplitz_hash(rss_key, sizeof rss_key, input, len);
}

static void
test_case_67_flags(void **state OVS_UNUSED)
{
    static const uint8_t wants[N_KINDS][2] = {
        [V4_TCP] = { IPV4_TCP, IPV4 },
        [V4_UDP] = { IPV4, },
        [V4_FIRST] = { IPV4, },
        [V4_LATER] = { IPV4, },
        [V6_TCP] = { IPV6_TCP, IPV6 },
        [V6_UDP] = { IPV6, },
        [V6_FRAGMENT] = { IPV6, },
    };

    for (unsigned int i = 0; i < N_KINDS * 16 * 3; i++) {
        const uint8_t *want = wants[i % N_KINDS];
        struct xenvif_hash_result result;
        uint8_t type;

        hash.flags = i / N_KINDS % 16;
        type = (hash.flags & want[0] ? want[0]
                : hash.flags & want[1] ? want[1] : 0);
        make_kind(i % N_KINDS, i / N_KINDS / 16);
        if (type) {
            expect_hash(type, reference(type));
            hash.toeplitz = false;
            assert_false(hash_frame(frame.len, &result));
            hash.toeplitz = true;
        } else {
            assert_false(hash_frame(frame.len, &result));
        }
    }
}

/* Options and extension headers move the ports. */
static void
test_case_67_options(void **state OVS_UNUSED)
{
    for (unsigned int i = 0; i < 11 * 3 * 2; i++) {
        bool v6 = i % 2;

        make_frame(v6, FRAME_TCP, i / 2 % 3, i / 6);
        hash.flags = v6 ? IPV6_TCP | IPV6 : IPV4_TCP | IPV4;
        expect_hash(v6 ? IPV6_TCP : IPV4_TCP,
                    reference(v6 ? IPV6_TCP : IPV4_TCP));
    }
}

/* Nothing behind the end of a frame is looked at; without ports there is no
 * hash of ports. */
static void
test_case_81_truncated_frames(void **state OVS_UNUSED)
{
    hash.flags = IPV4 | IPV4_TCP | IPV6 | IPV6_TCP;
    for (unsigned int i = 0; i < 6; i++) {
        struct xenvif_hash_result result;
        bool v6 = i % 2;

        make_frame(v6, FRAME_TCP, i / 2, 2);
        for (uint32_t len = 0; len < frame.len; len++) {
            assert_false(hash_frame(len, &result));
        }

        /* TCP of 0 ... 4 bytes. */
        for (uint32_t l4_len = 0; l4_len <= 4; l4_len++) {
            uint8_t type = (l4_len < 4 ? (v6 ? IPV6 : IPV4)
                            : (v6 ? IPV6_TCP : IPV4_TCP));

            frame.len = frame.l4 + l4_len;
            frame_put16(frame.data + frame.l3 + (v6 ? 4 : 2),
                        frame.len - frame.l3 - (v6 ? 40 : 0));
            expect_hash(type, reference(type));
        }
    }
}

static void
test_case_68_mapping(void **state OVS_UNUSED)
{
    for (uint32_t size = 0; size <= XENVIF_HASH_MAPPING_MAX; size++) {
        hash.mapping_size = size;
        for (uint32_t i = 0; i < size; i++) {
            hash.mapping[i] = mock_random_range(8);
        }
        for (uint32_t i = 0; i < 300; i++) {
            uint32_t value = i < 200 ? i : mock_random();
            uint32_t entry = size ? hash.mapping[value % size] : value;

            assert_int_equal(xenvif_hash_queue(&hash, value, 8), entry % 8);

            /* After a reconnect with fewer queues. */
            assert_int_equal(xenvif_hash_queue(&hash, value, 3), entry % 3);
            assert_int_equal(xenvif_hash_queue(&hash, value, 1), 0);
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_case_66_published_vectors, setup),
        cmocka_unit_test_setup(test_case_66_bitwise_reference, setup),
        cmocka_unit_test_setup(test_case_66_single_bits, setup),
        cmocka_unit_test_setup(test_case_67_flags, setup),
        cmocka_unit_test_setup(test_case_67_options, setup),
        cmocka_unit_test_setup(test_case_68_mapping, setup),
        cmocka_unit_test_setup(test_case_69_short_keys, setup),
        cmocka_unit_test_setup(test_case_81_truncated_frames, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
