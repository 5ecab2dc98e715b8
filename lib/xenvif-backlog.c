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

/* Packets that wait until a guest makes room for them. */

#include <config.h>

#include "xenvif-backlog.h"

#include "dp-packet.h"
#include "util.h"

BUILD_ASSERT_DECL(IS_POW2(XENVIF_BACKLOG_MAX_PACKETS));

#define INDEX(I) ((I) % XENVIF_BACKLOG_MAX_PACKETS)

void
xenvif_backlog_init(struct xenvif_backlog *backlog, uint32_t max_packets)
{
    backlog->max_packets = MIN(max_packets, XENVIF_BACKLOG_MAX_PACKETS);
    backlog->head = backlog->tail = 0;
    backlog->n_bytes = 0;
}

void
xenvif_backlog_destroy(struct xenvif_backlog *backlog)
{
    while (xenvif_backlog_count(backlog)) {
        xenvif_backlog_pop(backlog);
    }
}

bool
xenvif_backlog_push(struct xenvif_backlog *backlog,
                    const struct dp_packet *packet, long long int now)
{
    size_t n_bytes = backlog->n_bytes + dp_packet_size(packet);

    if (xenvif_backlog_count(backlog) >= backlog->max_packets
        || n_bytes > XENVIF_BACKLOG_MAX_BYTES) {
        return false;
    }
    backlog->n_bytes = n_bytes;
    backlog->entries[INDEX(backlog->tail)].packet = dp_packet_clone(packet);
    backlog->entries[INDEX(backlog->tail)].time = now;
    backlog->tail++;
    return true;
}

struct dp_packet *
xenvif_backlog_peek(const struct xenvif_backlog *backlog, uint32_t i)
{
    return backlog->entries[INDEX(backlog->head + i)].packet;
}

bool
xenvif_backlog_is_stale(const struct xenvif_backlog *backlog,
                        long long int now)
{
    return (xenvif_backlog_count(backlog)
            && (now - backlog->entries[INDEX(backlog->head)].time
                > XENVIF_BACKLOG_MAX_AGE));
}

void
xenvif_backlog_pop(struct xenvif_backlog *backlog)
{
    struct dp_packet *packet = backlog->entries[INDEX(backlog->head)].packet;

    backlog->n_bytes -= dp_packet_size(packet);
    backlog->head++;
    dp_packet_delete(packet);
}
