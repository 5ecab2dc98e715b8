/* SPDX-License-Identifier: Apache-2.0 */

#ifndef GUEST_RAW_STATEMENT_H
#define GUEST_RAW_STATEMENT_H 1

/* A statement of a script in raw mode. */

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct guest;
struct guest_queue;

/* A statement "NAME [WORD | KEY=VALUE]..." being executed with the queue's
 * mutex held. */
struct raw {
    struct guest *guest;
    struct guest_queue *q;
    FILE *out;
    char *words[64];            /* After the name, NULL terminated. */
    unsigned int n_words;

    /* State from statement to statement of one script. */
    uint32_t last_gref;         /* Of the last page granted. */
    uint32_t position;          /* In the packet being made. */
};

/* Returns the value of KEY=VALUE, or NULL. */
const char *guest_raw_value(const struct raw *, const char *key);

/* Returns the number in KEY=NUMBER, 'missing' if there is none, and sets
 * '*errorp' if it is none or above 'max'. */
uint32_t guest_raw_u32(const struct raw *, const char *key, uint32_t missing,
                       uint32_t max, char **errorp);

/* Sleeps for some milliseconds without holding the queue's mutex. */
void guest_raw_sleep(struct raw *, unsigned int ms);

#endif /* guest/raw-statement.h */
