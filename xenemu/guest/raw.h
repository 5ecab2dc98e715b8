/* SPDX-License-Identifier: Apache-2.0 */

#ifndef GUEST_RAW_H
#define GUEST_RAW_H 1

/* Requests made by hand. */

#include <stdbool.h>
#include <stdio.h>

struct guest;

/* Switches raw mode on or off.  Returns NULL or an error message to be
 * freed. */
char *guest_raw_set(struct guest *, bool on);

/* Runs a script of statements separated by ';', printing to 'out'.  Returns
 * NULL or an error message to be freed.  Modifies 'script'. */
char *guest_raw_run(struct guest *, char *script, FILE *out);

#endif /* guest/raw.h */
