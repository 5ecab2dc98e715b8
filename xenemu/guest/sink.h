/* SPDX-License-Identifier: Apache-2.0 */

#ifndef GUEST_SINK_H
#define GUEST_SINK_H 1

/* Where received frames go without a kernel. */

#include <stdbool.h>
#include <stdio.h>

struct guest;
struct guest_queue;
struct guest_rx_frame;

/* Judges and counts a frame. */
void guest_sink_deliver(struct guest_queue *, const struct guest_rx_frame *);

/* Sends a frame back to where it came from.  Multicast stays: two guests that
 * echo would otherwise never stop. */
void guest_echo_deliver(struct guest_queue *, const struct guest_rx_frame *);

/* Starts or stops to remember the frames that come in.  Returns false if out
 * of memory. */
bool guest_capture_set(struct guest *, bool on);

/* Remembers a received frame, if that is switched on. */
void guest_capture_deliver(struct guest_queue *,
                           const struct guest_rx_frame *);

/* Prints the frames captured, the oldest first. */
void guest_capture_print(struct guest *, FILE *);

#endif /* guest/sink.h */
