/* SPDX-License-Identifier: Apache-2.0 */

/* Unit test: finding the headers of a frame.  (Damaged and hostile frames are
 * in test-offload.c, which looks at the same code from above.) */

#include <config.h>

#include "mock-frontend.h"

#include <stdlib.h>
#include <string.h>

#include "csum.h"
#include "frames.h"
#include "util.h"
#include "packet/xenvif-frame.h"

static struct frame frame;

/* Parses the first 'len' bytes in memory of just that size. */
static bool
parse(uint32_t len, struct xenvif_frame *parsed)
{
    uint8_t *copy = len ? xmemdup(frame.data, len) : xmalloc(1);
    bool ok = xenvif_frame_parse(copy, len, parsed);

    free(copy);
    return ok;
}

/* Parses the whole frame, behind which there is padding. */
static void
parse_all(struct xenvif_frame *parsed)
{
    assert_true(parse(frame.len + mock_random_range(30), parsed));
    assert_int_equal(parsed->eth_type, frame.spec.v6 ? 0x86dd : 0x0800);
    assert_int_equal(parsed->tagged, frame.spec.n_tags > 0);
    assert_int_equal(parsed->l3_ofs, frame.l3);
}

static void
test_offsets(void **state OVS_UNUSED)
{
    for (unsigned int i = 0; i < 3 * 4 * 11 * 2; i++) {
        static const uint8_t protos[] = { FRAME_TCP, FRAME_UDP, 132, 200 };
        struct frame_spec spec = {
            .v6 = i % 2, .n_tags = i / 2 % 3, .proto = protos[i / 6 % 4],
            .ip_options = i / 24, .payload = mock_random_range(2000),
        };
        bool has_csum = i / 6 % 4 < 2;
        struct xenvif_frame parsed;
        uint32_t header_len, ofs;

        spec.tcp_options = spec.proto == FRAME_TCP ? mock_random_range(11) : 0;
        frame_make(&frame, &spec);
        parse_all(&parsed);
        assert_int_equal(parsed.l4_ofs, frame.l4);
        assert_int_equal(parsed.l4_len, frame.len - frame.l4);
        assert_int_equal(parsed.proto, spec.proto);
        assert_false(parsed.is_fragment);
        assert_true(parsed.final_dst);
        assert_int_equal(ntohs((OVS_FORCE ovs_be16)
                               ~csum_finish(parsed.pseudo)),
                         frame_pseudo(&frame, frame.data,
                                      frame.len - frame.l4));

        ofs = xenvif_frame_csum_ofs(&parsed, frame.data, &header_len);
        assert_int_equal(ofs, has_csum ? frame_csum_ofs(&frame) : 0);
        if (has_csum) {
            assert_int_equal(header_len, frame.payload - frame.l4);
        }
    }
}

/* No byte may be missing, not even of what is not looked at. */
static void
test_truncated(void **state OVS_UNUSED)
{
    for (unsigned int i = 0; i < 6; i++) {
        const struct frame_spec spec = {
            .v6 = i % 2, .n_tags = i / 2, .proto = FRAME_UDP,
            .ip_options = 3, .payload = 30,
        };
        struct xenvif_frame parsed;

        frame_make(&frame, &spec);
        for (uint32_t len = 0; len < frame.len; len++) {
            assert_false(parse(len, &parsed));

            /* The type is known as soon as its bytes are there. */
            assert_int_equal(parsed.eth_type, len < frame.l3 ? 0
                             : spec.v6 ? 0x86dd : 0x0800);
        }
    }
}

/* Tags without end. */
static void
test_many_tags(void **state OVS_UNUSED)
{
    for (unsigned int n = 0; n <= 300; n += 1 + n / 10) {
        const struct frame_spec spec = {
            .n_tags = n, .proto = FRAME_TCP, .payload = 10,
        };
        struct xenvif_frame parsed;

        frame_make(&frame, &spec);
        parse_all(&parsed);
        if (n) {
            assert_false(parse(frame.l3 - 2, &parsed));
            assert_int_equal(parsed.eth_type, 0);
            assert_true(parsed.tagged);
        }
    }
}

static void
test_fragments(void **state OVS_UNUSED)
{
    struct frame_spec spec = { .proto = FRAME_UDP, .payload = 100 };
    struct xenvif_frame parsed;
    uint32_t header_len;

    for (unsigned int bit = 0; bit < 16; bit++) {
        frame_make(&frame, &spec);
        frame_put16(frame.data + frame.l3 + 6, 1u << bit);
        parse_all(&parsed);
        assert_int_equal(parsed.is_fragment, bit < 14);
        assert_int_equal(
            xenvif_frame_csum_ofs(&parsed, frame.data, &header_len),
            bit < 14 ? 0 : frame_csum_ofs(&frame));
    }

    /* IPv6: with its header, even the first and only fragment is one. */
    spec.v6 = true;
    spec.ip_options = 2;
    frame_make(&frame, &spec);
    frame.data[frame.l3 + 40] = 44;
    parse_all(&parsed);
    assert_true(parsed.is_fragment);
    assert_int_equal(parsed.proto, FRAME_UDP);
    assert_int_equal(parsed.l4_ofs, frame.l4);
    assert_int_equal(xenvif_frame_csum_ofs(&parsed, frame.data, &header_len),
                     0);
}

static void
test_routing_header(void **state OVS_UNUSED)
{
    const struct frame_spec spec = {
        .v6 = true, .proto = FRAME_TCP, .ip_options = 2, .payload = 100,
    };

    frame_make(&frame, &spec);
    frame.data[frame.l3 + 6] = 43;
    for (unsigned int left = 0; left < 256; left++) {
        struct xenvif_frame parsed;
        uint32_t header_len;

        frame.data[frame.l3 + 43] = left;
        parse_all(&parsed);
        assert_int_equal(parsed.final_dst, !left);
        assert_int_equal(
            xenvif_frame_csum_ofs(&parsed, frame.data, &header_len),
            left ? 0 : frame_csum_ofs(&frame));
    }
}

static void
test_versions(void **state OVS_UNUSED)
{
    for (unsigned int i = 0; i < 2 * 256; i++) {
        const struct frame_spec spec = {
            .v6 = i % 2, .proto = 200, .payload = 60,
        };
        uint8_t first = i / 2;
        struct xenvif_frame parsed;
        bool ok;

        frame_make(&frame, &spec);
        frame.data[frame.l3] = first;
        ok = parse(frame.len, &parsed);
        assert_int_equal(ok, spec.v6 ? first >> 4 == 6
                             : first >> 4 == 4 && (first & 15) >= 5);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_offsets),
        cmocka_unit_test(test_truncated),
        cmocka_unit_test(test_many_tags),
        cmocka_unit_test(test_fragments),
        cmocka_unit_test(test_routing_header),
        cmocka_unit_test(test_versions),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
