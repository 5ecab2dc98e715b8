/*
 * Copyright (c) 2026 The ovs-xenvif authors.
 *
 * Licensed under the Apache License, Version 2.0 (the "License");
 * you may not use this file except in compliance with the License.
 * You may obtain a copy of the License at:
 *
 *     http://www.apache.org/licenses/LICENSE-2.0
 *
 * Unless required by applicable law or agreed to in writing, software
 * distributed under the License is distributed on an "AS IS" BASIS,
 * WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
 * See the License for the specific language governing permissions and
 * limitations under the License.
 */

#ifndef GUEST_CTL_H
#define GUEST_CTL_H 1

/* What the files that implement control commands share. */

#include "guest.h"

/* One command being executed, in a thread of its connection. */
struct guest_ctl {
    struct guest *guest;
    FILE *out;                  /* For its answer, lines of text. */
    char *args[64];             /* Words after the name, NULL terminated. */
    unsigned int n_args;
    char *rest;                 /* All after the name, for guest-raw.c. */
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

char *guest_ctl_error(const char *format, ...)
    __attribute__((format(printf, 1, 2)));

#endif /* guest-ctl.h */
