/* SPDX-License-Identifier: Apache-2.0 */

#ifndef GUEST_TAP_H
#define GUEST_TAP_H 1

/* A TAP device, so that the guest's network stack is the kernel's. */

#include <stdbool.h>
#include <stdint.h>

struct guest;
struct guest_queue;
struct guest_rx_frame;

/* Creates the TAP device that the user asked for, if any, without carrier.
 * Returns 0 or a negative errno. */
int guest_tap_open(struct guest *);

/* Removes the device, if there is one. */
void guest_tap_close(struct guest *);

/* Gives each of 'n_queues' queues a queue of the device.  Returns 0 or a
 * negative errno. */
int guest_tap_attach(struct guest *, unsigned int n_queues);

/* Tells the kernel whether the device has a carrier, if there is a device. */
void guest_tap_carrier(struct guest *, bool on);

/* Sends what the kernel has for the guest to send.  Returns true if there may
 * be more. */
bool guest_tap_poll(struct guest_queue *);

/* Gives a received frame to the kernel, if there is a device. */
void guest_tap_deliver(struct guest_queue *, const struct guest_rx_frame *);

#endif /* guest/tap.h */
