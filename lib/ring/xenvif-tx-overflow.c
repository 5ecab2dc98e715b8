/* SPDX-License-Identifier: Apache-2.0 */

/* Packets left over when a burst yields more than one batch. */

#include <config.h>

#include "ring/xenvif-tx-overflow.h"

#include <stdlib.h>
#include <string.h>

#include "dp-packet.h"
#include "util.h"
#include "packet/xenvif-gso.h"
#include "packet/xenvif-offload.h"
#include "packet/xenvif-ovs-compat.h"

/* Beyond that many packets that wait, no other one is cut.  A burst holds no
 * more than 64 pages of data, which make some 200 segments of a usual size. */
#define MAX_WAITING 1024

void
xenvif_tx_overflow_destroy(struct xenvif_tx_overflow *segments)
{
    while (!xenvif_tx_overflow_is_empty(segments)) {
        dp_packet_delete(segments->packets[segments->head++]);
    }
    free(segments->packets);
    memset(segments, 0, sizeof *segments);
}

/* Appends 'n' packets. */
static void
append(struct xenvif_tx_overflow *segments, struct dp_packet **packets,
       size_t n)
{
    if (xenvif_tx_overflow_is_empty(segments)) {
        segments->head = segments->n = 0;
    }
    if (segments->n + n > segments->allocated) {
        segments->allocated = MAX(segments->n + n, 2 * segments->allocated);
        segments->packets = xrealloc(segments->packets, segments->allocated
                                     * sizeof *segments->packets);
    }
    memcpy(&segments->packets[segments->n], packets, n * sizeof *packets);
    segments->n += n;
}

void
xenvif_tx_overflow_append(struct xenvif_tx_overflow *segments,
                          struct dp_packet *packet)
{
    append(segments, &packet, 1);
}

size_t
xenvif_tx_overflow_cut(struct xenvif_tx_overflow *segments,
                       const struct dp_packet *packet, uint32_t mss,
                       bool partial)
{
    struct dp_packet **cut = NULL;
    size_t n = 0;

    if (segments->n - segments->head < MAX_WAITING) {
        n = xenvif_gso_segment(packet, mss, &cut);
    }
    if (!n) {
        return 0;
    }
    for (size_t i = 0; !partial && i < n; i++) {
        xenvif_packet_clear_l4_partial(cut[i]);
        xenvif_offload_complete_l4(cut[i]);
    }
    append(segments, cut, n);
    free(cut);
    return n;
}

size_t
xenvif_tx_overflow_take(struct xenvif_tx_overflow *segments,
                        struct dp_packet_batch *batch)
{
    size_t n = 0;

    while (!xenvif_tx_overflow_is_empty(segments)
           && !dp_packet_batch_is_full(batch)) {
        dp_packet_batch_add(batch, segments->packets[segments->head++]);
        n++;
    }
    return n;
}
