/* SPDX-License-Identifier: Apache-2.0 */

#ifndef GUEST_CLOCK_H
#define GUEST_CLOCK_H 1

/* Time since some moment in the past, which nobody sets. */

#include <stdint.h>
#include <time.h>

static inline uint64_t
guest_now_ns(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * UINT64_C(1000000000) + ts.tv_nsec;
}

static inline uint64_t
guest_now_ms(void)
{
    return guest_now_ns() / 1000000;
}

#endif /* guest/clock.h */
