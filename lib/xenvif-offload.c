/*
 * Copyright (c) 2026 The ovs-xenvif authors.
 *
 * Licensed under the Apache License, Version 2.0 (the "License");
 * you may not use this file except in compliance with the License.
 * You may obtain a copy of the License at:
 *
 *     http://www.apache.org/licenses/LICENSE-2.0
 *
 * Unless required by applicable law or agreed to in writing, software
 * distributed under the License is distributed on an "AS IS" BASIS,
 * WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
 * See the License for the specific language governing permissions and
 * limitations under the License.
 */

/* Checksum offload between the netif protocol and Open vSwitch's packets. */

#include <config.h>

#include "xenvif-offload.h"

#include <netinet/in.h>

#include "csum.h"
#include "dp-packet.h"
#include "unaligned.h"
#include "xenvif-frame.h"
#include "xenvif-ovs-compat.h"

bool
xenvif_offload_complete_l4(struct dp_packet *packet)
{
    uint8_t *data = dp_packet_data(packet);
    struct xenvif_frame frame;
    uint32_t ofs, header_len;
    ovs_be16 *field;
    ovs_be16 sum;

    if (!xenvif_frame_parse(data, dp_packet_size(packet), &frame)) {
        return false;
    }
    ofs = xenvif_frame_csum_ofs(&frame, data, &header_len);
    if (!ofs) {
        return false;
    }

    field = ALIGNED_CAST(ovs_be16 *, data + ofs);
    put_unaligned_be16(field, 0);
    sum = csum_finish(csum_continue(frame.pseudo, data + frame.l4_ofs,
                                    frame.l4_len));
    if (!sum && frame.proto == IPPROTO_UDP) {
        /* RFC 768: a sum of 0 would mean that there is none. */
        sum = OVS_BE16_MAX;
    }
    put_unaligned_be16(field, sum);
    xenvif_packet_set_l4_good(packet);
    return true;
}
