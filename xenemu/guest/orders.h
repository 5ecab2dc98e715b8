/* SPDX-License-Identifier: Apache-2.0 */

#ifndef GUEST_ORDERS_H
#define GUEST_ORDERS_H 1

/* Orders for the driver, which the main thread carries out. */

#include "guest/guest.h"

/* Sets a goal for the driver.  Any thread. */
void guest_bus_order(struct guest *, enum guest_goal);

/* Gives the driver command 'name': "jump", "skip-closing", "suspend",
 * "resume", "resume-init" or "xdp".  Any thread. */
void guest_bus_command(struct guest *, const char *name);

#endif /* guest/orders.h */
