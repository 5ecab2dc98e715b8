/* SPDX-License-Identifier: Apache-2.0 */

#ifndef GUEST_MULTICAST_H
#define GUEST_MULTICAST_H 1

/* Which multicast frames the guest wants. */

#include <stdbool.h>
#include <stdint.h>

struct guest;
struct guest_queue;

/* Allocates the list, empty.  Returns 0 or a negative errno. */
int guest_multicast_open(struct guest *);

/* Starts with an empty list, as a new connection does. */
void guest_multicast_reset(struct guest *);

/* Judges whether the guest wanted this frame. */
void guest_multicast_check(struct guest_queue *, const uint8_t *frame);

/* Tells the backend that frames to 'mac' are wanted, or not any more, by an
 * extra info in the TX ring of the first queue.  Stores the status of the
 * answer in '*status'.  Returns NULL or an error message to be freed. */
char *guest_multicast_change(struct guest *, bool add, const uint8_t mac[6],
                             int16_t *status);

/* Takes notice of a message that the user made by hand. */
void guest_multicast_note(struct guest *, bool add, const uint8_t mac[6]);

/* The same for the key that switches the filter on or off. */
void guest_multicast_note_filter(struct guest *, bool on);

/* Switches the filter on or off while connected.  Returns NULL or an error
 * message to be freed. */
char *guest_multicast_request(struct guest *, bool on);

#endif /* guest/multicast.h */
