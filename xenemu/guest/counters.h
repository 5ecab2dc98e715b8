/* SPDX-License-Identifier: Apache-2.0 */

#ifndef GUEST_COUNTERS_H
#define GUEST_COUNTERS_H 1

/* What is counted for each queue. */

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct guest;

/* Counters of a queue.  Written by one thread at a time with the queue's
 * mutex held, read by anyone. */
#define GUEST_COUNTERS                                                       \
    GUEST_COUNTER(tx_packets)       /* Published to the backend. */          \
    GUEST_COUNTER(tx_bytes)                                                  \
    GUEST_COUNTER(tx_slots)         /* Extras included. */                   \
    GUEST_COUNTER(tx_done)          /* Slots answered. */                    \
    GUEST_COUNTER(tx_errors)        /* Packets answered with ERROR. */       \
    GUEST_COUNTER(tx_dropped)       /* Packets answered with DROPPED. */     \
    GUEST_COUNTER(tx_unsent)        /* Packets that did not fit the ring. */ \
    GUEST_COUNTER(tx_ring_full)     /* Times the ring filled up. */          \
    GUEST_COUNTER(tx_csum_blank)                                             \
    GUEST_COUNTER(tx_gso)                                                    \
    GUEST_COUNTER(tx_hashed)        /* Packets with a hash. */               \
    GUEST_COUNTER(rx_packets)                                                \
    GUEST_COUNTER(rx_bytes)                                                  \
    GUEST_COUNTER(rx_slots)         /* Extras included. */                   \
    GUEST_COUNTER(rx_errors)        /* Packets with a negative status. */    \
    GUEST_COUNTER(rx_lost)          /* Packets of no use to the guest. */    \
    GUEST_COUNTER(rx_csum_blank)                                             \
    GUEST_COUNTER(rx_validated)     /* data_validated without csum_blank. */ \
    GUEST_COUNTER(rx_gso)                                                    \
    GUEST_COUNTER(rx_hashed)        /* Packets with a hash. */               \
    GUEST_COUNTER(rx_empty)         /* Times no buffer was left posted. */   \
    GUEST_COUNTER(kicks)            /* Notifications sent. */                \
    GUEST_COUNTER(events)           /* Events received. */                   \
    GUEST_COUNTER(sink_ok)          /* Generated packets, intact. */         \
    GUEST_COUNTER(sink_bytes)                                                \
    GUEST_COUNTER(sink_lost)        /* By gaps in sequence numbers. */       \
    GUEST_COUNTER(sink_reordered)                                            \
    GUEST_COUNTER(sink_duplicate)                                            \
    GUEST_COUNTER(sink_corrupt)                                              \
    GUEST_COUNTER(sink_foreign)     /* Not made by a generator. */           \
    GUEST_COUNTER(echoed)                                                    \
    GUEST_COUNTER(violations)

struct guest_counters {
#define GUEST_COUNTER(NAME) uint64_t NAME;
    GUEST_COUNTERS
#undef GUEST_COUNTER
};

#define GUEST_COUNT(Q, NAME, N)                                              \
    __atomic_store_n(&(Q)->counters.NAME, (Q)->counters.NAME + (N),          \
                     __ATOMIC_RELAXED)

/* Returns the sum of counter 'name' over all queues and sets '*found' to
 * whether there is such a counter.  Any thread. */
uint64_t guest_counter_sum(struct guest *, const char *name, bool *found);

/* Prints all counters as lines NAME=VALUE: sums, then those of each queue if
 * there are several.  Any thread. */
void guest_print_stats(struct guest *, FILE *);

#endif /* guest/counters.h */
