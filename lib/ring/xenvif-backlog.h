/* SPDX-License-Identifier: Apache-2.0 */

#ifndef XENVIF_BACKLOG_H
#define XENVIF_BACKLOG_H 1

/* Packets that wait until a guest makes room for them: a short queue that
 * evens out bursts, where the guest's CPU is busy with something else.
 *
 * Memory that waits for a guest is memory that a guest can make us spend
 * (XSA-392), so that the queue is bounded in packets, bytes and time, and so
 * are all queues of a domain, and those of all domains, in bytes.  Bytes are
 * those of memory.
 *
 * Thread-safety: the caller's, for each queue. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct dp_packet;

/* Bounds of a queue.  At 1 Gbit/s it empties within 9 ms. */
#define XENVIF_BACKLOG_MAX_PACKETS 512
#define XENVIF_BACKLOG_MAX_BYTES (1024 * 1024)

/* Bytes for all queues of a domain, and for all domains.  The latter is only
 * for what a domain has beyond a minimum that nobody can take from it. */
#define XENVIF_BACKLOG_DOMAIN_MIN (128 * 1024)
#define XENVIF_BACKLOG_DOMAIN_MAX (4 * 1024 * 1024)
#define XENVIF_BACKLOG_HOST_MAX (64 * 1024 * 1024)

/* Packets that are older are of no use any more, in ms. */
#define XENVIF_BACKLOG_MAX_AGE 1000

struct xenvif_backlog {
    uint16_t domid;
    uint32_t max_packets;       /* At most XENVIF_BACKLOG_MAX_PACKETS. */
    uint32_t head, tail;        /* Free-running; packets are in between. */
    size_t n_bytes;
    struct {
        struct dp_packet *packet;
        long long int time;     /* When it came, in ms. */
        uint32_t n_bytes;       /* That it takes. */
    } entries[XENVIF_BACKLOG_MAX_PACKETS];
};

/* A queue for up to 'max_packets', which may be 0, that wait for domain
 * 'domid'. */
void xenvif_backlog_init(struct xenvif_backlog *, uint16_t domid,
                         uint32_t max_packets);

/* Frees what is in the queue. */
void xenvif_backlog_destroy(struct xenvif_backlog *);

static inline uint32_t
xenvif_backlog_count(const struct xenvif_backlog *backlog)
{
    return backlog->tail - backlog->head;
}

/* Appends a copy of 'packet', which came at time 'now' (ms).  (A copy, because
 * packets of some ports belong to pools that must not run dry.)  Returns false
 * if there is no room: in this queue, for this domain, or on this host. */
bool xenvif_backlog_push(struct xenvif_backlog *,
                         const struct dp_packet *packet, long long int now);

/* Returns packet 'i', 0 <= i < xenvif_backlog_count(), which stays in the
 * queue. */
struct dp_packet *xenvif_backlog_peek(const struct xenvif_backlog *,
                                      uint32_t i);

/* Is the first packet too old at time 'now' (ms)? */
bool xenvif_backlog_is_stale(const struct xenvif_backlog *,
                             long long int now);

/* Removes and frees the first packet. */
void xenvif_backlog_pop(struct xenvif_backlog *);

#endif /* xenvif-backlog.h */
