/* SPDX-License-Identifier: Apache-2.0 */

#ifndef GUEST_CRING_H
#define GUEST_CRING_H 1

/* The control ring. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct guest;

/* What the backend answered to a message. */
struct guest_answer {
    uint32_t status;            /* XEN_NETIF_CTRL_STATUS_*. */
    uint32_t data;
};

/* Allocates what a control ring needs.  Returns 0 or a negative errno. */
int guest_cring_open(struct guest *);

/* Shares a new control ring, which guest_cring_unshare() undoes, also in case
 * of failure.  Returns 0 or a negative errno.  Main thread. */
int guest_cring_share(struct guest *);

/* Allows messages, now that the backend is connected. */
void guest_cring_enable(struct guest *);

/* Takes the ring back, if there is one.  'strict' is as in
 * guest_page_drop().  Main thread. */
void guest_cring_unshare(struct guest *, bool strict);

/* Stores what the keys of the control ring have to say.  Returns false if
 * there is no ring. */
bool guest_cring_keys(struct guest *, uint32_t *gref, uint32_t *port);

/* Sends a message of type 'type' and waits for the answer.  Returns false if
 * there is no control ring in use, or no answer. */
bool guest_cring_send(struct guest *, uint16_t type, const uint32_t data[3],
                      struct guest_answer *);

/* The same with a page that has 'len' bytes of 'content', to which it is
 * copied back unless 'readonly'.  The page's reference becomes number 'nr' of
 * 'data'. */
bool guest_cring_send_page(struct guest *, uint16_t type, unsigned int nr,
                           void *content, size_t len, bool readonly,
                           uint32_t data[3], struct guest_answer *);

/* Returns the name of a status in an answer. */
const char *guest_cring_status(uint32_t status);

#endif /* guest/cring.h */
