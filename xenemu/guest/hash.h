/* SPDX-License-Identifier: Apache-2.0 */

#ifndef GUEST_HASH_H
#define GUEST_HASH_H 1

/* How packets are hashed and distributed. */

#include <stdbool.h>
#include <stdint.h>

struct guest;
struct guest_answer;
struct guest_queue;
struct netif_rx_packet;

/* Allocates what is needed to judge hashes.  Returns 0 or a negative errno. */
int guest_hash_open(struct guest *);

/* Forgets all that was agreed on, as a new connection does. */
void guest_hash_reset(struct guest *);

/* Gives up judging: the user configured something that is not known here. */
void guest_hash_forget(struct guest *);

/* Returns true if packets may have a hash. */
bool guest_hash_is_active(const struct guest *);

/* Judges a packet by the configurations that are in force. */
void guest_hash_check(struct guest_queue *, const struct netif_rx_packet *,
                      const uint8_t *frame, unsigned int len);

/* Hashes a frame that the guest sends as the backend is to hash those that it
 * receives.  Returns false if it has no hash. */
bool guest_hash_frame(struct guest *, const uint8_t *frame, unsigned int len,
                      unsigned int total, uint8_t *type, uint32_t *value);

/* Sends one of the messages that carry nothing but a number.  Returns false if
 * there was no answer. */
bool guest_hash_set(struct guest *, uint16_t type, uint32_t value,
                    struct guest_answer *);

/* Sets the key, of which 'len' bytes are given; the rest is 0. */
bool guest_hash_set_key(struct guest *, const uint8_t *key, uint32_t len,
                        struct guest_answer *);

/* Sets 'n' entries of the mapping, up to NETIF_HASH_MAPPING_MAX, the first of
 * which is 'first'. */
bool guest_hash_set_mapping(struct guest *, const uint32_t *queues,
                            uint32_t n, uint32_t first,
                            struct guest_answer *);

/* Does what a Windows driver does once it is connected: it chooses no
 * algorithm, which shows whether anybody answers, and then, given several
 * queues, Toeplitz, a mapping, a key and all types of hash.  Main thread. */
void guest_hash_start(struct guest *);

#endif /* guest/hash.h */
