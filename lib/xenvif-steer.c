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

/* Which of a guest's queues gets a packet. */

#include <config.h>

#include "xenvif-steer.h"

#include "dp-packet.h"
#include "xenvif-conn.h"
#include "xenvif-hash.h"
#include "xenvif-rx.h"

/* Returns the queue for 'packet'. */
static uint32_t
choose_queue(const struct xenvif_conn *conn, const struct xenvif_hash *hash,
             const struct dp_packet *packet, uint32_t fallback)
{
    if (hash) {
        struct xenvif_hash_result result = { .value = 0 };

        /* A packet that no type of hash applies to goes where 0 goes. */
        xenvif_hash_frame(hash, dp_packet_data(packet),
                          dp_packet_size(packet), &result);
        return xenvif_hash_queue(hash, result.value, conn->n_queues);
    }
    return (dp_packet_rss_valid(packet) ? dp_packet_get_rss_hash(packet)
            : fallback) % conn->n_queues;
}

bool
xenvif_steer(struct xenvif_conn *conn, struct dp_packet_batch *batch,
             uint32_t fallback)
{
    const struct xenvif_hash *hash
        = ovsrcu_get(struct xenvif_hash *, &conn->shared.hash);
    struct dp_packet *packets[NETDEV_MAX_BURST];
    uint32_t queues[NETDEV_MAX_BURST];
    size_t n = dp_packet_batch_size(batch);
    bool ok = true;

    if (conn->n_queues == 1) {
        return xenvif_rx_burst(&conn->queues[0], batch->packets, n);
    }
    for (size_t i = 0; i < n; i++) {
        queues[i] = choose_queue(conn, hash, batch->packets[i], fallback);
    }

    /* One burst for each queue, in the order of their first packets. */
    for (size_t i = 0; i < n; i++) {
        uint32_t queue = queues[i];
        unsigned int n_packets = 0;

        if (queue == UINT32_MAX) {
            continue;
        }
        for (size_t j = i; j < n; j++) {
            if (queues[j] == queue) {
                packets[n_packets++] = batch->packets[j];
                queues[j] = UINT32_MAX;
            }
        }
        ok &= xenvif_rx_burst(&conn->queues[queue], packets, n_packets);
    }
    return ok;
}
