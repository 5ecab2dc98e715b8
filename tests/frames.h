/* SPDX-License-Identifier: Apache-2.0 */

#ifndef FRAMES_H
#define FRAMES_H 1

/* Ethernet frames for tests, made and judged without any code of the provider
 * or of Open vSwitch. */

#include <stdbool.h>
#include <stdint.h>

enum { FRAME_TCP = 6, FRAME_UDP = 17, FRAME_SCTP = 132 };

enum {
    FRAME_TCP_FIN = 0x001,
    FRAME_TCP_SYN = 0x002,
    FRAME_TCP_PSH = 0x008,
    FRAME_TCP_ACK = 0x010,
    FRAME_TCP_CWR = 0x080,
};

/* What a frame is to be like. */
struct frame_spec {
    bool v6;
    uint8_t proto;              /* FRAME_TCP, FRAME_UDP or any other. */
    uint16_t tcp_flags;         /* FRAME_TCP_*. */
    unsigned int n_tags;        /* VLAN tags. */
    unsigned int ip_options;    /* IPv4: words; IPv6: extension headers. */
    unsigned int tcp_options;   /* Words. */
    uint32_t payload;           /* Bytes behind the L4 header. */
};

struct frame {
    struct frame_spec spec;
    uint32_t len;
    uint32_t l3, l4, payload;   /* Offsets. */
    uint8_t data[65536];
};

/* Makes a unicast frame with random addresses, ports, options and payload and
 * correct checksums. */
void frame_make(struct frame *, const struct frame_spec *);

static inline uint16_t
frame_get16(const uint8_t *p)
{
    return p[0] << 8 | p[1];
}

static inline uint32_t
frame_get32(const uint8_t *p)
{
    return (uint32_t) frame_get16(p) << 16 | frame_get16(p + 2);
}

static inline void
frame_put16(uint8_t *p, uint16_t value)
{
    p[0] = value >> 8;
    p[1] = value;
}

/* Returns the offset of the L4 checksum of TCP and UDP. */
uint32_t frame_csum_ofs(const struct frame *);

/* Returns the sum of the pseudo-header for 'l4_len' bytes, in host byte order
 * and folded to 16 bits. */
uint16_t frame_pseudo(const struct frame *, const uint8_t *data,
                      uint32_t l4_len);

/* Writes the L4 checksum. */
void frame_put_csum(struct frame *);

/* Are the checksums in 'data', a packet with the headers of the frame that has
 * 'len' bytes without padding, right? */
bool frame_ip_is_ok(const struct frame *, const uint8_t *data, uint32_t len);
bool frame_l4_is_ok(const struct frame *, const uint8_t *data, uint32_t len);

#endif /* frames.h */
