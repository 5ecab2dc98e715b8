/* SPDX-License-Identifier: Apache-2.0 */

#ifndef XENVIF_METER_H
#define XENVIF_METER_H 1

/* Meters, which let a packet pass or not at once: a single bucket, and the two
 * rate three color marker of RFC 4115.  Arithmetic on bytes and time.
 *
 * Thread-safety: the caller's. */

#include <stdbool.h>
#include <stdint.h>

#include "rate/xenvif-bucket.h"

enum xenvif_color {
    XENVIF_GREEN,
    XENVIF_YELLOW,
    XENVIF_RED,
};

/* Parameters in the RFC's words: rates in bytes/s, at most
 * XENVIF_BUCKET_MAX_RATE, bursts in bytes, at most XENVIF_BUCKET_MAX_DEPTH. */
struct xenvif_meter_config {
    uint64_t cir, cbs;          /* Committed. */
    uint64_t eir, ebs;          /* Excess; both 0 for a single bucket. */
};

struct xenvif_meter {
    struct xenvif_bucket committed, excess;
};

/* A meter that has been idle until time 'now' (ns). */
void xenvif_meter_init(struct xenvif_meter *,
                       const struct xenvif_meter_config *, int64_t now);

/* Changes the parameters and keeps what is in the buckets. */
void xenvif_meter_change(struct xenvif_meter *,
                         const struct xenvif_meter_config *, int64_t now);

/* Returns the color of a packet of 'len' bytes that arrives at time 'now' (ns)
 * with the color 'color', and takes its tokens.  A packet never becomes
 * greener than it was: give all of them XENVIF_GREEN to have the marker not
 * look at colors. */
enum xenvif_color xenvif_meter_mark(struct xenvif_meter *, uint32_t len,
                                    enum xenvif_color color, int64_t now);

#endif /* xenvif-meter.h */
