/* SPDX-License-Identifier: Apache-2.0 */

/* Packets that wait until a guest makes room for them. */

#include <config.h>

#include "ring/xenvif-backlog.h"

#include "coverage.h"
#include "dp-packet.h"
#include "ovs-atomic.h"
#include "util.h"

COVERAGE_DEFINE(xenvif_backlog_domain_full);
COVERAGE_DEFINE(xenvif_backlog_host_full);

BUILD_ASSERT_DECL(IS_POW2(XENVIF_BACKLOG_MAX_PACKETS));

#define INDEX(I) ((I) % XENVIF_BACKLOG_MAX_PACKETS)

/* Bytes that wait for each domain, and for all of them beyond what nobody can
 * take from a domain.  Any number of threads count here; those of a domain
 * whose guest takes its packets do not. */
static atomic_uint32_t domain_bytes[UINT16_MAX + 1];
static atomic_uint32_t host_bytes;

/* How much of the 'n_bytes' of a domain counts for the host. */
static uint32_t
beyond_minimum(uint32_t n_bytes)
{
    return (n_bytes > XENVIF_BACKLOG_DOMAIN_MIN
            ? n_bytes - XENVIF_BACKLOG_DOMAIN_MIN : 0);
}

static void
release_bytes(const struct xenvif_backlog *backlog, uint32_t n_bytes)
{
    uint32_t old, extra, orig;

    atomic_sub_relaxed(&domain_bytes[backlog->domid], n_bytes, &old);
    extra = beyond_minimum(old) - beyond_minimum(old - n_bytes);
    if (extra) {
        atomic_sub_relaxed(&host_bytes, extra, &orig);
    }
}

/* Counts 'n_bytes' more, unless that is too much for the domain or for the
 * host.  (Threads that come to a bound at the same time may refuse each other
 * what one of them could have had.) */
static bool
charge_bytes(const struct xenvif_backlog *backlog, uint32_t n_bytes)
{
    uint32_t old, extra, all = 0;

    atomic_add_relaxed(&domain_bytes[backlog->domid], n_bytes, &old);
    extra = beyond_minimum(old + n_bytes) - beyond_minimum(old);
    if (extra) {
        atomic_add_relaxed(&host_bytes, extra, &all);
        all += extra;
    }
    if (OVS_UNLIKELY(old + n_bytes > XENVIF_BACKLOG_DOMAIN_MAX)) {
        COVERAGE_INC(xenvif_backlog_domain_full);
    } else if (OVS_UNLIKELY(all > XENVIF_BACKLOG_HOST_MAX)) {
        COVERAGE_INC(xenvif_backlog_host_full);
    } else {
        return true;
    }
    release_bytes(backlog, n_bytes);
    return false;
}

void
xenvif_backlog_init(struct xenvif_backlog *backlog, uint16_t domid,
                    uint32_t max_packets)
{
    backlog->domid = domid;
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
    /* What the copy takes. */
    uint32_t n_bytes = sizeof *packet + dp_packet_size(packet);

    if (xenvif_backlog_count(backlog) >= backlog->max_packets
        || backlog->n_bytes + n_bytes > XENVIF_BACKLOG_MAX_BYTES
        || !charge_bytes(backlog, n_bytes)) {
        return false;
    }
    backlog->n_bytes += n_bytes;
    backlog->entries[INDEX(backlog->tail)].n_bytes = n_bytes;
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
    uint32_t n_bytes = backlog->entries[INDEX(backlog->head)].n_bytes;

    release_bytes(backlog, n_bytes);
    backlog->n_bytes -= n_bytes;
    backlog->head++;
    dp_packet_delete(packet);
}
