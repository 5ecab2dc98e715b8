/* SPDX-License-Identifier: Apache-2.0 */

#ifndef GUEST_CTL_COMMAND_H
#define GUEST_CTL_COMMAND_H 1

/* What the files that implement control commands share. */

#include <stdbool.h>
#include <stdio.h>

struct guest;

/* One command being executed, in a thread of its connection. */
struct guest_ctl {
    struct guest *guest;
    const bool *closing;        /* Atomic: see guest_ctl_closing(). */
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
static inline bool
guest_ctl_closing(const struct guest_ctl *c)
{
    return __atomic_load_n(c->closing, __ATOMIC_ACQUIRE);
}

#endif /* guest/ctl-command.h */
