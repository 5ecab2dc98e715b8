/* SPDX-License-Identifier: Apache-2.0 */

#ifndef XENVIF_QOS_SINK_H
#define XENVIF_QOS_SINK_H 1

/* Where a type of quality of service brings packets: a port, or a test.
 *
 * All three functions may be called from any thread. */

#include <stdbool.h>
#include <stdint.h>

#include "dp-packet.h"

/* Why packets do not get there.  Each has a counter of the port. */
enum xenvif_qos_drop {
    XENVIF_QOS_DROP_POLICED,    /* A policer did not let them pass. */
    XENVIF_QOS_DROP_FULL,       /* There was no room for them to wait. */
    XENVIF_QOS_DROP_AGED,       /* They had waited for too long. */
    XENVIF_QOS_DROP_FLUSHED,    /* They waited when the guest went. */
};

struct xenvif_qos_sink {
    /* Delivers the packets in 'batch', which is empty afterwards. */
    void (*deliver)(struct xenvif_qos_sink *, struct dp_packet_batch *batch);

    /* Returns true if packets that were delivered wait for the guest on all of
     * its queues, so that others had better wait here, where priorities are
     * honoured. */
    bool (*is_held_back)(const struct xenvif_qos_sink *);

    /* Counts 'n' packets that were dropped. */
    void (*count_drops)(struct xenvif_qos_sink *, enum xenvif_qos_drop,
                        uint32_t n);

    /* True if whoever polls sleeps until something wakes it up. */
    bool sleeps;
};

#endif /* xenvif-qos-sink.h */
