/* SPDX-License-Identifier: Apache-2.0 */

/* Open vSwitch's ingress policing. */

#include <config.h>

#include "rate/xenvif-ingress.h"

#include <string.h>

#include "util.h"

/* Bursts that vswitch.xml promises where none is configured. */
#define DEFAULT_KBITS_BURST 8000
#define DEFAULT_KPKTS_BURST 16

#define BYTES_PER_KBIT 125
#define PACKETS_PER_KPKT 1000

void
xenvif_ingress_init(struct xenvif_ingress *policer)
    OVS_NO_THREAD_SAFETY_ANALYSIS
{
    memset(policer, 0, sizeof *policer);
    atomic_init(&policer->active, false);
    ovs_mutex_init(&policer->mutex);
}

void
xenvif_ingress_destroy(struct xenvif_ingress *policer)
{
    ovs_mutex_destroy(&policer->mutex);
}

void
xenvif_ingress_set(struct xenvif_ingress *policer,
                   const struct xenvif_ingress_config *config, uint64_t now)
{
    uint64_t kbits_burst = (config->kbits_burst ? config->kbits_burst
                            : DEFAULT_KBITS_BURST);
    uint64_t kpkts_burst = (config->kpkts_burst ? config->kpkts_burst
                            : DEFAULT_KPKTS_BURST);

    ovs_mutex_lock(&policer->mutex);
    if (memcmp(config, &policer->config, sizeof *config)) {
        policer->config = *config;
        xenvif_bucket_init(&policer->bytes,
                           (uint64_t) config->kbits_rate * BYTES_PER_KBIT,
                           kbits_burst * BYTES_PER_KBIT, now);
        xenvif_bucket_init(&policer->packets,
                           (uint64_t) config->kpkts_rate * PACKETS_PER_KPKT,
                           kpkts_burst * PACKETS_PER_KPKT, now);
        atomic_store_relaxed(&policer->active,
                             config->kbits_rate || config->kpkts_rate);
    }
    ovs_mutex_unlock(&policer->mutex);
}

bool
xenvif_ingress_admit(struct xenvif_ingress *policer, uint32_t size,
                     uint64_t now)
{
    bool ok;

    ovs_mutex_lock(&policer->mutex);
    xenvif_bucket_refill(&policer->bytes, now);
    xenvif_bucket_refill(&policer->packets, now);
    ok = (!policer->config.kbits_rate
          || policer->bytes.level >= size * XENVIF_BUCKET_TOKEN);
    if (ok && policer->config.kpkts_rate) {
        ok = xenvif_bucket_take(&policer->packets, 1);
    }
    if (ok && policer->config.kbits_rate) {
        xenvif_bucket_take(&policer->bytes, size);
    }
    ovs_mutex_unlock(&policer->mutex);
    return ok;
}
