/* SPDX-License-Identifier: Apache-2.0 */

#ifndef GUEST_KEYS_H
#define GUEST_KEYS_H 1

/* What the driver reads from XenStore and writes to it. */

#include <stdbool.h>
#include <stdint.h>

struct guest;

/* Finds the backend and watches its state.  Returns 0 or a negative errno. */
int guest_keys_locate(struct guest *);

/* Returns the backend's state, 0 if it has none, 99 if it is no number. */
unsigned int guest_keys_backend_state(struct guest *);

/* Returns the backend's "online" key, -1 if it has none. */
int guest_keys_backend_online(struct guest *);

/* Returns the frontend's state as XenStore has it, 0 if there is none. */
unsigned int guest_keys_frontend_state(struct guest *);

/* Returns true if the toolstack has not taken the device away. */
bool guest_keys_frontend_exists(struct guest *);

/* Judges the keys that a backend promises with InitWait. */
void guest_keys_check_features(struct guest *);

/* Reads what the backend offers. */
void guest_keys_read_offer(struct guest *);

/* Reads the MAC address that the toolstack chose.  Returns 0 or a negative
 * errno. */
int guest_keys_read_mac(struct guest *, uint8_t mac[6]);

/* Returns the MTU that the toolstack wants the guest to have. */
unsigned int guest_keys_read_mtu(struct guest *);

/* Writes, in one transaction, all that the backend has to know about the
 * first 'n_queues' queues and, if 'with_state', state Connected.  Returns 0
 * or a negative errno. */
int guest_keys_connect(struct guest *, unsigned int n_queues, bool split,
                       bool with_state);

/* Writes a number to a key of the device.  Returns 0 or a negative errno. */
int guest_keys_put(struct guest *, const char *key, uint32_t value);

/* Removes all feature keys, for guests that write them anew. */
void guest_keys_remove_features(struct guest *);

/* Writes the frontend's state, unless the device was removed (-ENOENT). */
int guest_keys_set_state(struct guest *, unsigned int state);

#endif /* guest/keys.h */
