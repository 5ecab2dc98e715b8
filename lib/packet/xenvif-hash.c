/* SPDX-License-Identifier: Apache-2.0 */

/* The hash by which a guest wants its packets distributed. */

#include <config.h>

#include "packet/xenvif-hash.h"

#include <netinet/in.h>
#include <string.h>
#include <xen/xen.h>
#include <xen/io/netif.h>

#include "openvswitch/util.h"
#include "packets.h"
#include "util.h"
#include "packet/xenvif-frame.h"

/* Returns the 32 bits of 'key' that begin at bit 'n'. */
static uint32_t
key_window(const uint8_t *key, unsigned int n)
{
    uint64_t window = 0;

    for (unsigned int i = 0; i < 5; i++) {
        unsigned int byte = n / 8 + i;

        window = window << 8 | (byte < XENVIF_HASH_KEY_SIZE ? key[byte] : 0);
    }
    return window >> (8 - n % 8);
}

/* Every set bit of the input contributes the part of the key that is as far to
 * the right as the bit is; contributions are added without carry.  So what a
 * byte contributes depends on its place and value only. */
static void
fill_table(struct xenvif_hash *hash)
{
    for (unsigned int i = 0; i < XENVIF_HASH_INPUT_MAX; i++) {
        uint32_t *row = hash->table[i];

        row[0] = 0;
        for (unsigned int bit = 0; bit < 8; bit++) {
            unsigned int value = 0x80 >> bit;

            row[value] = key_window(hash->key, i * 8 + bit);
        }
        for (unsigned int value = 1; value < 256; value++) {
            unsigned int lowest = value & -value;

            row[value] = row[lowest] ^ row[value ^ lowest];
        }
    }
}

void
xenvif_hash_set_key(struct xenvif_hash *hash, const void *key, size_t len)
{
    memset(hash->key, 0, sizeof hash->key);
    memcpy(hash->key, key, MIN(len, sizeof hash->key));
    fill_table(hash);
}

uint32_t
xenvif_hash_bytes(const struct xenvif_hash *hash, const void *data_,
                  size_t len)
{
    const uint8_t *data = data_;
    uint32_t value = 0;

    for (size_t i = 0; i < len; i++) {
        value ^= hash->table[i][data[i]];
    }
    return value;
}

/* Collects what is hashed: both addresses and, if 'ports', both ports. */
static size_t
get_input(const struct xenvif_frame *frame, const uint8_t *data, bool ports,
          uint8_t input[XENVIF_HASH_INPUT_MAX])
{
    bool v6 = frame->eth_type == ETH_TYPE_IPV6;
    size_t addrs_ofs = v6 ? 8 : 12;
    size_t len = v6 ? 32 : 8;

    memcpy(input, data + frame->l3_ofs + addrs_ofs, len);
    if (ports) {
        memcpy(input + len, data + frame->l4_ofs, 4);
        len += 4;
    }
    return len;
}

bool
xenvif_hash_frame(const struct xenvif_hash *hash, const void *data, size_t len,
                  struct xenvif_hash_result *result)
{
    uint8_t input[XENVIF_HASH_INPUT_MAX];
    struct xenvif_frame frame;
    unsigned int l3_type, l4_type;
    bool tcp;

    if (!hash->toeplitz || !hash->flags
        || !xenvif_frame_parse(data, len, &frame)) {
        return false;
    }
    if (frame.eth_type == ETH_TYPE_IPV6) {
        l3_type = _XEN_NETIF_CTRL_HASH_TYPE_IPV6;
        l4_type = _XEN_NETIF_CTRL_HASH_TYPE_IPV6_TCP;
    } else {
        l3_type = _XEN_NETIF_CTRL_HASH_TYPE_IPV4;
        l4_type = _XEN_NETIF_CTRL_HASH_TYPE_IPV4_TCP;
    }

    tcp = (frame.proto == IPPROTO_TCP && !frame.is_fragment
           && frame.l4_len >= 4 && hash->flags & (1u << l4_type));
    if (!tcp && !(hash->flags & (1u << l3_type))) {
        return false;
    }
    result->type = tcp ? l4_type : l3_type;
    result->value = xenvif_hash_bytes(hash, input,
                                      get_input(&frame, data, tcp, input));
    return true;
}

uint32_t
xenvif_hash_queue(const struct xenvif_hash *hash, uint32_t value,
                  uint32_t n_queues)
{
    if (hash->mapping_size) {
        value = hash->mapping[value % hash->mapping_size];
    }
    return value % n_queues;
}
