/* SPDX-License-Identifier: Apache-2.0 */

#ifndef GUEST_XDP_H
#define GUEST_XDP_H 1

/* The free space in front of received frames. */

#include <stdbool.h>
#include <stdint.h>

struct guest;

/* Allocates what is needed to change the headroom.  Returns 0 or a negative
 * errno. */
int guest_xdp_open(struct guest *);

/* Starts with what the key says that a new connection comes with. */
void guest_xdp_reset(struct guest *);

/* Returns how many values the headroom can have at the moment, the newest in
 * 'headrooms[0]'. */
unsigned int guest_xdp_headrooms(struct guest *, uint16_t headrooms[2]);

/* Begins the change to 'g->xdp_wanted'.  Returns false if that is not possible
 * now.  Main thread. */
bool guest_xdp_start(struct guest *);

/* Takes the next step of a change, given the backend's state 'be'.  Main
 * thread, while connected. */
void guest_xdp_step(struct guest *, unsigned int be);

/* Changes the headroom and waits until that is done.  Returns NULL or an error
 * message to be freed.  Any thread but the main one. */
char *guest_xdp_change(struct guest *, uint32_t headroom);

#endif /* guest/xdp.h */
