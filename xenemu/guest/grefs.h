/* SPDX-License-Identifier: Apache-2.0 */

#ifndef GUEST_GREFS_H
#define GUEST_GREFS_H 1

/* Pages that stay granted. */

#include <stdbool.h>
#include <stdint.h>

struct guest;
struct guest_answer;
struct guest_queue;

/* Grants the queue's pages for good.  The queue's mutex has to be held.
 * Returns false if the grant table is full. */
bool guest_grefs_fix(struct guest_queue *);

/* Asks how many pages of queue 'queue' the backend keeps mapped. */
bool guest_grefs_size(struct guest *, uint32_t queue, struct guest_answer *);

/* Tells the backend about the first 'n' of the queue's grants that stay. */
bool guest_grefs_add(struct guest *, struct guest_queue *, unsigned int n,
                     struct guest_answer *);

/* Has the backend forget them again.  Sets '*n_refused' to how many it says
 * that it does not know. */
bool guest_grefs_del(struct guest *, struct guest_queue *, unsigned int n,
                     unsigned int *n_refused, struct guest_answer *);

/* Tells the backend about the pages of all queues.  It may know nothing of
 * such messages, or take only some.  Main thread. */
void guest_grefs_start(struct guest *);

#endif /* guest/grefs.h */
