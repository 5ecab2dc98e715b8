/* SPDX-License-Identifier: Apache-2.0 */

#ifndef GUEST_PATHS_H
#define GUEST_PATHS_H 1

/* Files of a guest in the folder of its host. */

#include <stddef.h>
#include <stdint.h>

/* Writes the path of the control socket of a device into 'buf'. */
void guest_ctl_path(char *buf, size_t size, uint32_t domid, uint32_t devid);

/* The same for the file that all guest processes of a domain lock. */
void guest_lock_path(char *buf, size_t size, uint32_t domid);

#endif /* guest/paths.h */
