/* SPDX-License-Identifier: Apache-2.0 */

/* Meters, which let a packet pass or not at once. */

#include <config.h>

#include "rate/xenvif-meter.h"

void
xenvif_meter_init(struct xenvif_meter *meter,
                  const struct xenvif_meter_config *config, int64_t now)
{
    xenvif_bucket_init(&meter->committed, config->cir, config->cbs, now);
    xenvif_bucket_init(&meter->excess, config->eir, config->ebs, now);
}

void
xenvif_meter_change(struct xenvif_meter *meter,
                    const struct xenvif_meter_config *config, int64_t now)
{
    xenvif_bucket_change(&meter->committed, config->cir, config->cbs, now);
    xenvif_bucket_change(&meter->excess, config->eir, config->ebs, now);
}

enum xenvif_color
xenvif_meter_mark(struct xenvif_meter *meter, uint32_t len,
                  enum xenvif_color color, int64_t now)
{
    xenvif_bucket_refill(&meter->committed, now);
    xenvif_bucket_refill(&meter->excess, now);

    if (color == XENVIF_GREEN && xenvif_bucket_take(&meter->committed, len)) {
        return XENVIF_GREEN;
    }
    if (color != XENVIF_RED && xenvif_bucket_take(&meter->excess, len)) {
        return XENVIF_YELLOW;
    }
    return XENVIF_RED;
}
