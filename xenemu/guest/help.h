/* SPDX-License-Identifier: Apache-2.0 */

#ifndef GUEST_HELP_H
#define GUEST_HELP_H 1

#include <stdio.h>

/* Prints the text of --help. */
void guest_usage(FILE *);

#endif /* guest/help.h */
