/* SPDX-License-Identifier: Apache-2.0 */

#ifndef GUEST_BUS_H
#define GUEST_BUS_H 1

/* The driver's life cycle.  Main thread, but for guest_bus_best_close(). */

#include "guest/guest.h"

/* Returns the name of 'phase', as users know it. */
const char *guest_phase_name(enum guest_phase);

/* Finds the device and starts to drive it.  Returns 0 or a negative errno. */
int guest_bus_open(struct guest *);

/* Looks at the backend and at the user's orders and does what follows from
 * them.  Returns false once the driver is down and the program may end. */
bool guest_bus_run(struct guest *);

/* Frees what the driver still has.  It must be down. */
void guest_bus_close(struct guest *);

/* Returns how long the backend took at best for the slowest step of a close,
 * in us. */
uint64_t guest_bus_best_close(const struct guest *);

#endif /* guest/bus.h */
