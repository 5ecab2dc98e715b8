/* SPDX-License-Identifier: Apache-2.0 */

#ifndef GUEST_OPTIONS_H
#define GUEST_OPTIONS_H 1

/* Options, as given on the command line and to a reload. */

#include <stdbool.h>

struct guest_config;

/* Sets the defaults, which are Linux's. */
void guest_config_init(struct guest_config *);

/* Sets option 'name'.  If 'runtime', only those that a running guest can
 * change.  Returns NULL or an error message to be freed by the caller. */
char *guest_config_set(struct guest_config *, const char *name,
                       const char *value, bool runtime);

/* Takes the kind of guest from the environment, where a test suite that is to
 * run with another one than Linux names it.  Returns NULL or an error message
 * to be freed. */
char *guest_config_parse_env(struct guest_config *);

/* Parses command line arguments: --name value, --name=value, --switch and
 * --no-switch.  Returns NULL or an error message to be freed. */
char *guest_config_parse_args(struct guest_config *, char *argv[]);

#endif /* guest/options.h */
