/* SPDX-License-Identifier: Apache-2.0 */

/* Frames with offloads over the rings. */

#include <config.h>

#include "offload-frontend.h"

#include <string.h>

#include "util.h"
#include "packet/xenvif-ovs-compat.h"

struct frame frame;

static int
setup(void **state, bool partial, bool tso)
{
    struct mock *mock = mock_create(1, false, 0);

    mock_limit_mtu(mock);
    mock->terms.partial = partial;
    mock->terms.tso = tso;
    mock_offer_gso(mock, tso);
    mock_connect(mock);
    *state = mock;
    return 0;
}

/* What may enter the datapath: everything, partial checksums, nothing. */

int
setup_tso(void **state)
{
    return setup(state, true, true);
}

int
setup_partial(void **state)
{
    return setup(state, true, false);
}

int
setup_off(void **state)
{
    return setup(state, false, false);
}

/* Nothing may enter, but an earlier backend said that TSO packets may. */
int
setup_off_late(void **state)
{
    struct mock *mock;

    setup(state, false, false);
    mock = *state;
    mock_offer_gso(mock, true);
    mock_reconnect(mock, 0);
    return 0;
}

/* Makes a frame whose checksum field holds the sum of the pseudo-header, as a
 * guest leaves it. */
void
make_blank(const struct frame_spec *spec)
{
    frame_make(&frame, spec);
    if (spec->proto == FRAME_TCP || spec->proto == FRAME_UDP) {
        frame_put16(frame.data + frame_csum_ofs(&frame),
                    frame_pseudo(&frame, frame.data, frame.len - frame.l4));
    }
}

void
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
struct dp_packet *
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

void
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
bool
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

/* Is the frame of a shape that there is something to be said of? */
bool
is_plain(void)
{
    return !frame.spec.n_tags && !frame.spec.ip_options;
}

/* Is that left open, where checksums may be? */
bool
is_left_open(const struct mock *mock)
{
    return (is_plain() && (frame.spec.proto == FRAME_TCP || !frame.spec.v6
                           || !XENVIF_OVS_HAVE_CSUM_START
                           || !mock->terms.tso));
}

/* Is the packet marked as one whose checksum is open, and as one to be cut
 * into segments of 'mss' bytes if that is not 0? */
void
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
void
check_unmarked(const struct dp_packet *packet, bool good)
{
    assert_int_equal(xenvif_packet_l4_is_good(packet), good);
    assert_false(xenvif_packet_l4_is_partial(packet));
    assert_false(xenvif_packet_is_tso(packet));
}

uint8_t
gso_type(bool v6)
{
    return v6 ? XEN_NETIF_GSO_TYPE_TCPV6 : XEN_NETIF_GSO_TYPE_TCPV4;
}

/* Checks that a frame with that much payload is dropped with the verdict. */
void
refuse(struct mock_queue *q, const struct frame_spec *spec, uint8_t type,
       uint16_t size, enum xenvif_tx_verdict verdict)
{
    make_blank(spec);
    expect_drop(q, BLANK, type, size, verdict);
}
