/* SPDX-License-Identifier: Apache-2.0 */

#ifndef GUEST_REPORT_H
#define GUEST_REPORT_H 1

#include <stdio.h>

struct guest;

/* Prints the state of the driver and of its rings as lines NAME=VALUE.  Any
 * thread that holds no mutex. */
void guest_print_state(struct guest *, FILE *);

#endif /* guest/report.h */
