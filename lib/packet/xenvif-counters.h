/* SPDX-License-Identifier: Apache-2.0 */

#ifndef XENVIF_COUNTERS_H
#define XENVIF_COUNTERS_H 1

/* Everything that is counted per queue.
 *
 * Directions are the protocol's: TX is what the guest transmits, RX what it
 * receives.  (Open vSwitch counts the same packets the other way round: the
 * names under which users see the counters are made in netdev-xenvif-stats.c.)
 *
 * Each counter has one writer at a time, which holds the queue's TX or RX
 * side, so an increment needs no locked instruction; readers may be anywhere.
 */

#include <stdint.h>

#include "dp-packet.h"
#include "ovs-atomic.h"

/* Verdicts on a guest's TX packet other than "good".  First those that cost
 * the guest this one packet: all its slots are answered, with an error. */
#define XENVIF_TX_PACKET_ERRORS                                             \
    XENVIF_TX_ERROR(TOO_MANY_SLOTS, too_many_slots,                         \
                    "packet of more than 18 data slots")                    \
    XENVIF_TX_ERROR(BAD_SIZE, bad_size,                                     \
                    "fragments are larger than the packet")                 \
    XENVIF_TX_ERROR(RUNT, runt,                                             \
                    "packet shorter than an Ethernet header")               \
    XENVIF_TX_ERROR(GSO_REFUSED, gso_refused,                               \
                    "GSO packet without GSO agreed")                        \
    XENVIF_TX_ERROR(OVERSIZE, oversize,                                     \
                    "packet larger than the port's MTU")                    \
    XENVIF_TX_ERROR(GRANT, grant_error,                                     \
                    "grant that cannot be copied from")                     \
    XENVIF_TX_ERROR(CSUM, bad_csum_offload,                                 \
                    "checksum offload for a packet that has none")          \
    XENVIF_TX_ERROR(GSO, bad_gso,                                           \
                    "GSO extra info that is not true of the packet")

/* Then those of packets that are good and dropped all the same. */
#define XENVIF_TX_DROPS                                                     \
    XENVIF_TX_ERROR(POLICED, policed,                                       \
                    "beyond the ingress policing rate")

/* Then those that no honest frontend can cause: after one of them nothing in
 * the ring can be trusted and the vif stops until the guest reconnects. */
#define XENVIF_TX_VIF_ERRORS                                                \
    XENVIF_TX_ERROR(RING, bad_index,                                        \
                    "TX ring index out of range")                           \
    XENVIF_TX_ERROR(CUT, cut_chain,                                         \
                    "unfinished chain of TX slots")                         \
    XENVIF_TX_ERROR(ENDLESS, endless_chain,                                 \
                    "chain of more than 20 TX data slots")                  \
    XENVIF_TX_ERROR(CROSSING, page_crossing,                                \
                    "TX slot reaches past the end of its page")             \
    XENVIF_TX_ERROR(EXTRA, bad_extra,                                       \
                    "invalid extra info type or sequence")

/* Reasons to drop a packet on its way to the guest. */
#define XENVIF_RX_ERRORS                                                    \
    XENVIF_RX_ERROR(NO_SLOTS, no_slots,                                     \
                    "guest posted too few RX slots")                        \
    XENVIF_RX_ERROR(TOO_LONG, too_long,                                     \
                    "packet does not fit what the guest accepts")           \
    XENVIF_RX_ERROR(MTU, mtu_exceeded,                                      \
                    "packet larger than the port's MTU")                    \
    XENVIF_RX_ERROR(GRANT, grant_error,                                     \
                    "grant that cannot be copied to")                       \
    XENVIF_RX_ERROR(MULTICAST, multicast_filtered,                          \
                    "multicast address that the guest does not want")       \
    XENVIF_RX_ERROR(OFFLOAD, bad_offload,                                   \
                    "offload that the guest cannot take")                   \
    XENVIF_RX_ERROR(RING, bad_index,                                        \
                    "RX ring index out of range")

enum xenvif_tx_verdict {
    XENVIF_TX_GOOD,
    XENVIF_TX_ANSWERED,         /* Already answered before a restart. */
    XENVIF_TX_MULTICAST,        /* Multicast list request, not a packet. */
#define XENVIF_TX_ERROR(ENUM, NAME, TEXT) XENVIF_TX_E_##ENUM,
    XENVIF_TX_PACKET_ERRORS
    XENVIF_TX_DROPS
    XENVIF_TX_VIF_ERRORS
#undef XENVIF_TX_ERROR
    XENVIF_TX_N_VERDICTS
};

/* The first vif error. */
#define XENVIF_TX_E_FATAL XENVIF_TX_E_RING

enum xenvif_rx_verdict {
    XENVIF_RX_GOOD,
#define XENVIF_RX_ERROR(ENUM, NAME, TEXT) XENVIF_RX_E_##ENUM,
    XENVIF_RX_ERRORS
#undef XENVIF_RX_ERROR
    XENVIF_RX_N_VERDICTS
};

/* Counters of either direction that are not verdicts.  First those whose
 * totals are among Open vSwitch's standard statistics... */
#define XENVIF_TRAFFIC_COUNTERS                                             \
    XENVIF_COUNTER(packets)                                                 \
    XENVIF_COUNTER(bytes)           /* Ethernet frames, without FCS. */     \
    XENVIF_COUNTER(multicast)       /* Packets, broadcasts excluded. */     \
    XENVIF_COUNTER(broadcast)       /* Packets. */

/* ...then those that it has no name for. */
#define XENVIF_WORK_COUNTERS                                                \
    XENVIF_COUNTER(slots)           /* Ring slots answered. */              \
    XENVIF_COUNTER(copies)          /* Segments of grant copies. */         \
    XENVIF_COUNTER(copy_calls)      /* Grant copy calls. */                 \
    XENVIF_COUNTER(mapped)          /* Slots served from mapped pages. */   \
    XENVIF_COUNTER(notifies)        /* Event channel notifications sent. */ \
    XENVIF_COUNTER(events)          /* Events received from the guest. */   \
    XENVIF_COUNTER(queued)          /* Packets that had to wait. */         \
    XENVIF_COUNTER(contention)      /* Times a ring was busy elsewhere. */  \
    XENVIF_COUNTER(throttled)       /* Bursts that the rate cut short. */   \
    XENVIF_COUNTER(csum_completed)  /* Checksums computed in software. */  \
    XENVIF_COUNTER(csum_partial)    /* Packets passed without checksum. */  \
    XENVIF_COUNTER(gso_packets)     /* Packets to be segmented later. */    \
    XENVIF_COUNTER(gso_segmented)   /* Packets segmented in software. */

#define XENVIF_COUNTERS XENVIF_TRAFFIC_COUNTERS XENVIF_WORK_COUNTERS

/* Sizes of frames by which they are counted: those of RFC 2819, in the names
 * that Open vSwitch has for them. */
#define XENVIF_SIZES                            \
    XENVIF_SIZE(1_to_64)                        \
    XENVIF_SIZE(65_to_127)                      \
    XENVIF_SIZE(128_to_255)                     \
    XENVIF_SIZE(256_to_511)                     \
    XENVIF_SIZE(512_to_1023)                    \
    XENVIF_SIZE(1024_to_1522)                   \
    XENVIF_SIZE(1523_to_max)

enum xenvif_size {
#define XENVIF_SIZE(NAME) XENVIF_SIZE_##NAME,
    XENVIF_SIZES
#undef XENVIF_SIZE
    XENVIF_N_SIZES
};

typedef ATOMIC(uint64_t) xenvif_counter;

/* Counters of one direction of one queue. */
struct xenvif_counters {
#define XENVIF_COUNTER(NAME) xenvif_counter NAME;
    XENVIF_COUNTERS
#undef XENVIF_COUNTER
    xenvif_counter sizes[XENVIF_N_SIZES]; /* Packets. */
};

struct xenvif_queue_stats {
    struct xenvif_counters tx;
    xenvif_counter tx_verdicts[XENVIF_TX_N_VERDICTS];

    struct xenvif_counters rx;
    xenvif_counter rx_verdicts[XENVIF_RX_N_VERDICTS];
};

/* Adds 'n' to a counter of which the caller is the only writer. */
static inline void
xenvif_counter_add(xenvif_counter *counter, uint64_t n)
{
    uint64_t value;

    atomic_read_relaxed(counter, &value);
    atomic_store_relaxed(counter, value + n);
}

static inline uint64_t
xenvif_counter_get(const xenvif_counter *counter)
{
    uint64_t value;

    atomic_read_relaxed(CONST_CAST(xenvif_counter *, counter), &value);
    return value;
}

/* Returns the class of a frame of 'size' bytes, which is not 0. */
static inline enum xenvif_size
xenvif_size_class(uint32_t size)
{
    if (size <= 64) {
        return XENVIF_SIZE_1_to_64;
    } else if (size < 1024) {
        /* The bounds are powers of two from here on. */
        return XENVIF_SIZE_65_to_127 + log_2_floor(size) - 6;
    } else {
        return (size <= 1522 ? XENVIF_SIZE_1024_to_1522
                : XENVIF_SIZE_1523_to_max);
    }
}

/* Counts 'packet', an Ethernet frame that went through. */
static inline void
xenvif_count_frame(struct xenvif_counters *counters,
                   const struct dp_packet *packet)
{
    const struct eth_header *eth = dp_packet_data(packet);
    uint32_t size = dp_packet_size(packet);

    xenvif_counter_add(&counters->packets, 1);
    xenvif_counter_add(&counters->bytes, size);
    xenvif_counter_add(&counters->sizes[xenvif_size_class(size)], 1);
    if (OVS_UNLIKELY(eth_addr_is_multicast(eth->eth_dst))) {
        xenvif_counter_add(eth_addr_is_broadcast(eth->eth_dst)
                           ? &counters->broadcast : &counters->multicast, 1);
    }
}

/* Returns what the verdict means, for a person who reads a log. */
const char *xenvif_tx_verdict_to_string(enum xenvif_tx_verdict);
const char *xenvif_rx_verdict_to_string(enum xenvif_rx_verdict);

/* Returns the name of the verdict's counter, without a prefix, or NULL if
 * the verdict is not an error. */
const char *xenvif_tx_verdict_name(enum xenvif_tx_verdict);
const char *xenvif_rx_verdict_name(enum xenvif_rx_verdict);

#endif /* xenvif-counters.h */
