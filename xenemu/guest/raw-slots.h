/* SPDX-License-Identifier: Apache-2.0 */

#ifndef GUEST_RAW_SLOTS_H
#define GUEST_RAW_SLOTS_H 1

#include <stdbool.h>

struct raw;

/* Executes statement 'name' if it is one about slots.  Returns false if it is
 * not.  Sets '*errorp' to an error message to be freed, if it failed. */
bool guest_raw_slots(struct raw *, const char *name, char **errorp);

#endif /* guest/raw-slots.h */
