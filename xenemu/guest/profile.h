/* SPDX-License-Identifier: Apache-2.0 */

#ifndef GUEST_PROFILE_H
#define GUEST_PROFILE_H 1

/* Kinds of guests. */

#include <stdbool.h>

struct guest_config;

/* Sets all in which guests like 'name' differ from others.  Returns false if
 * there are none. */
bool guest_profile_set(struct guest_config *, const char *name);

/* Sets the order of connecting, and the feature keys, of guest 'name', "linux"
 * or "minios".  Returns false if there is no such order. */
bool guest_order_set(struct guest_config *, const char *name);

#endif /* guest/profile.h */
