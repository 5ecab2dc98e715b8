/* SPDX-License-Identifier: Apache-2.0 */

#ifndef GUEST_CTL_H
#define GUEST_CTL_H 1

/* What the files that implement control commands share. */

#include "guest/guest.h"

/* One command being executed, in a thread of its connection. */
struct guest_ctl {
    struct guest *guest;
    FILE *out;                  /* For its answer, lines of text. */
    char *args[64];             /* Words after the name, NULL terminated. */
    unsigned int n_args;
    char *rest;                 /* All after the name, for raw.c. */
};

/* Executes command 'name' if it is one of the driver's life cycle, of data, of
 * what the protocol has besides data, or of XenStore respectively.  Returns
 * false if it is not.  Sets '*errorp' to an error message to be freed by the
 * caller, if it failed. */
bool guest_ctl_life(struct guest_ctl *, const char *name, char **errorp);
bool guest_ctl_data(struct guest_ctl *, const char *name, char **errorp);
bool guest_ctl_proto(struct guest_ctl *, const char *name, char **errorp);
bool guest_ctl_store(struct guest_ctl *, const char *name, char **errorp);

/* Returns true once the program ends and commands should, too. */
bool guest_ctl_closing(void);

/* Parses hexadecimal digits.  Returns the number of bytes, 0 if the string is
 * not made of such or too long. */
uint32_t guest_ctl_hex(const char *s, uint8_t *buf, uint32_t size);

#endif /* guest/ctl.h */
