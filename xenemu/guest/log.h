/* SPDX-License-Identifier: Apache-2.0 */

#ifndef GUEST_LOG_H
#define GUEST_LOG_H 1

/* Messages, and the judgement on the backend.  Any thread. */

struct guest;
struct guest_queue;
struct netif_verdict;

/* Prints a line for the user, with the name of the device. */
void guest_log(const struct guest *, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Reports a broken rule, and counts it for queue 'q', which may be NULL:
 * XenBus is charged to the first queue.  Does not return unless the guest
 * was told to keep going. */
void guest_violation(struct guest *, struct guest_queue *q, const char *rule,
                     const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* The same for a rule that netif/ found to be broken. */
void guest_verdict(struct guest *, struct guest_queue *,
                   const struct netif_verdict *);

#endif /* guest/log.h */
