/* SPDX-License-Identifier: Apache-2.0 */

/* Ethernet frames for tests. */

#include <config.h>

#include "frames.h"

#include "mock-frontend.h"

static uint32_t
add_bytes(uint32_t sum, const uint8_t *p, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        sum += i % 2 ? p[i] : p[i] << 8;
    }
    return sum;
}

static uint16_t
fold(uint32_t sum)
{
    while (sum >> 16) {
        sum = (sum & UINT16_MAX) + (sum >> 16);
    }
    return sum;
}

static uint32_t
l4_header_len(const struct frame_spec *spec)
{
    return (spec->proto == FRAME_TCP ? 20 + 4 * spec->tcp_options
            : spec->proto == FRAME_UDP ? 8 : 0);
}

uint32_t
frame_csum_ofs(const struct frame *f)
{
    return f->l4 + (f->spec.proto == FRAME_TCP ? 16 : 6);
}

uint16_t
frame_pseudo(const struct frame *f, const uint8_t *data, uint32_t l4_len)
{
    uint32_t sum = (f->spec.v6 ? add_bytes(0, data + f->l3 + 8, 32)
                    : add_bytes(0, data + f->l3 + 12, 8));

    return fold(sum + f->spec.proto + (l4_len >> 16) + (l4_len & UINT16_MAX));
}

bool
frame_ip_is_ok(const struct frame *f, const uint8_t *data, uint32_t len)
{
    if (f->spec.v6) {
        return frame_get16(data + f->l3 + 4) == len - f->l3 - 40;
    }
    return (frame_get16(data + f->l3 + 2) == len - f->l3
            && fold(add_bytes(0, data + f->l3, f->l4 - f->l3)) == UINT16_MAX);
}

bool
frame_l4_is_ok(const struct frame *f, const uint8_t *data, uint32_t len)
{
    uint32_t n = len - f->l4;

    return fold(add_bytes(frame_pseudo(f, data, n), data + f->l4, n))
           == UINT16_MAX;
}

void
frame_put_csum(struct frame *f)
{
    uint8_t *csum = f->data + frame_csum_ofs(f);
    uint32_t n = f->len - f->l4;
    uint16_t sum;

    frame_put16(csum, 0);
    sum = ~fold(add_bytes(frame_pseudo(f, f->data, n), f->data + f->l4, n));
    if (!sum && f->spec.proto == FRAME_UDP) {
        sum = UINT16_MAX;
    }
    frame_put16(csum, sum);
}

static void
make_ipv4(struct frame *f)
{
    uint8_t *ip = f->data + f->l3;
    uint32_t len = 20 + 4 * f->spec.ip_options;

    ip[0] = 0x45 + f->spec.ip_options;
    frame_put16(ip + 2, f->len - f->l3);
    frame_put16(ip + 6, 0x4000); /* Do not fragment. */
    ip[9] = f->spec.proto;
    frame_put16(ip + 10, 0);
    frame_put16(ip + 10, ~fold(add_bytes(0, ip, len)));
}

static void
make_ipv6(struct frame *f)
{
    uint8_t *ip = f->data + f->l3;
    uint8_t *next = ip + 6;
    uint8_t *ext = ip + 40;

    ip[0] = 0x60;
    frame_put16(ip + 4, f->len - f->l3 - 40);
    for (unsigned int i = 0; i < f->spec.ip_options; i++) {
        *next = 60;             /* Destination options, 8 bytes. */
        next = ext;
        ext[1] = 0;
        ext += 8;
    }
    *next = f->spec.proto;
}

void
frame_make(struct frame *f, const struct frame_spec *spec)
{
    uint8_t *type = f->data + 12;
    uint8_t *l4;

    f->spec = *spec;
    f->l3 = 14 + 4 * spec->n_tags;
    f->l4 = f->l3 + (spec->v6 ? 40 + 8 * spec->ip_options
                     : 20 + 4 * spec->ip_options);
    f->payload = f->l4 + l4_header_len(spec);
    f->len = f->payload + spec->payload;
    assert_in_range(f->len, 14, UINT16_MAX);
    mock_fill_frame(f->data, f->len);
    for (unsigned int i = 0; i < spec->n_tags; i++, type += 4) {
        frame_put16(type, i + 1 < spec->n_tags ? 0x88a8 : 0x8100);
    }
    frame_put16(type, spec->v6 ? 0x86dd : 0x0800);
    if (spec->v6) {
        make_ipv6(f);
    } else {
        make_ipv4(f);
    }

    l4 = f->data + f->l4;
    if (spec->proto == FRAME_TCP) {
        l4[12] = (5 + spec->tcp_options) << 4;
        l4[13] = spec->tcp_flags;
    } else if (spec->proto == FRAME_UDP) {
        frame_put16(l4 + 4, f->len - f->l4);
    }
    if (l4_header_len(spec)) {
        frame_put_csum(f);
    }
}
