/* SPDX-License-Identifier: Apache-2.0 */

/* Unit test: checksums that were left open inside of a tunnel. */

#include <config.h>

#include "mock-frontend.h"

#include <string.h>

#include "frames.h"
#include "util.h"
#include "packet/xenvif-inner.h"
#include "packet/xenvif-ovs-compat.h"

/* Bytes in front of the inner frame: Ethernet, IPv4, UDP and VXLAN. */
enum { OUTER = 14 + 20 + 8 + 8 };

static struct frame inner;

/* Returns a packet with 'inner' inside, whose checksum is left open, as a port
 * says that looked at the packet before 'shift' more bytes of tags came. */
static struct dp_packet *
make_packet(int shift)
{
    static const uint8_t outer[OUTER] = {
        2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0,
        0x45, 0, 0, 0, 0, 1, 0, 0, 64, 17, 0, 0, 10, 1, 1, 1, 10, 1, 1, 2,
        0x80, 0, 0x12, 0xb5,
    };
    struct dp_packet *packet = xenvif_packet_new(OUTER + inner.len);
    uint8_t *data = dp_packet_data(packet);
    uint32_t ofs = frame_csum_ofs(&inner);

    memcpy(data, outer, OUTER);
    memcpy(data + OUTER, inner.data, inner.len);
    frame_put16(data + 16, OUTER - 14 + inner.len);
    frame_put16(data + 38, OUTER - 34 + inner.len);
    frame_put16(data + OUTER + ofs,
                frame_pseudo(&inner, inner.data, inner.len - inner.l4));
    xenvif_packet_set_l4_partial(packet, false, false,
                                 OUTER + inner.l4 - shift, ofs - inner.l4);
    return packet;
}

static void
expect_complete(struct dp_packet *packet)
{
    uint8_t *data = dp_packet_data(packet);

    /* Older releases do not say what was left open. */
    if (XENVIF_OVS_HAVE_CSUM_START) {
        assert_memory_equal(data + OUTER, inner.data, inner.len);
    } else {
        assert_int_equal(frame_get16(data + OUTER + frame_csum_ofs(&inner)),
                         frame_pseudo(&inner, inner.data,
                                      inner.len - inner.l4));
    }
    /* That of the outer packet is somebody else's. */
    assert_int_equal(frame_get16(data + 40), 0);
    assert_true(xenvif_packet_l4_is_partial(packet));
}

static void
test_completes(void **state OVS_UNUSED)
{
    for (unsigned int i = 0; i < 400; i++) {
        const struct frame_spec spec = {
            .v6 = i % 2, .proto = i / 2 % 2 ? FRAME_TCP : FRAME_UDP,
            .payload = mock_random_range(1400),
        };
        struct dp_packet *packet;

        frame_make(&inner, &spec);
        packet = make_packet((int) (i / 4 % 5) * 4 - 8);
        xenvif_inner_complete(packet);
        expect_complete(packet);
        /* Once is enough. */
        xenvif_inner_complete(packet);
        expect_complete(packet);
        dp_packet_delete(packet);
    }
}

/* What is no open checksum is left alone. */
static void
test_leaves_alone(void **state OVS_UNUSED)
{
    for (unsigned int i = 0; i < 5000; i++) {
        const struct frame_spec spec = {
            .v6 = i % 2, .proto = i / 2 % 2 ? FRAME_TCP : FRAME_UDP,
            .payload = 20,
        };
        struct dp_packet *packet, *copy;
        uint8_t *data;

        frame_make(&inner, &spec);
        packet = make_packet(0);
        data = dp_packet_data(packet);
        switch (i % 5) {
        case 0:                 /* It is complete already. */
            memcpy(data + OUTER, inner.data, inner.len);
            break;
        case 1:                 /* Nobody left anything open. */
            xenvif_packet_clear_l4_partial(packet);
            break;
        case 2:                 /* It is the outer one. */
            xenvif_packet_set_l4_partial(packet, false, false, 34, 6);
            break;
        case 3:                 /* The packet is cut short. */
            dp_packet_set_size(packet, OUTER
                               + mock_random_range(inner.len - 1));
            break;
        case 4:                 /* The place is wrong. */
            xenvif_packet_set_l4_partial(packet, false, false,
                                         200 + mock_random_range(65000), 6);
            break;
        }
        copy = dp_packet_clone(packet);
        xenvif_inner_complete(packet);
        assert_int_equal(dp_packet_size(packet), dp_packet_size(copy));
        assert_memory_equal(dp_packet_data(packet), dp_packet_data(copy),
                            dp_packet_size(copy));
        dp_packet_delete(copy);
        dp_packet_delete(packet);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_completes),
        cmocka_unit_test(test_leaves_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
