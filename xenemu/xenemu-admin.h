/* SPDX-License-Identifier: Apache-2.0 */

#ifndef XENEMU_ADMIN_H
#define XENEMU_ADMIN_H 1

/* What tests in one process need besides xenemu.h: a host of their own with
 * domains, without xenstored and without the 'xenemu' command. */

#include <stdint.h>

/* Creates a host in folder 'dir', which is made if it does not exist, with
 * domain 0, which has 'dom0_pages' pages of memory, and attaches the process
 * to it.  Returns 0 or a negative errno. */
int xenemu_host_create(const char *dir, uint32_t dom0_pages);

/* Removes the host's files from 'dir' and, if it is empty then, the folder.
 * All handles and domains must be closed.  Returns 0 or a negative errno. */
int xenemu_host_remove(const char *dir);

/* Creates a domain with 'n_pages' pages of memory in the host in 'dir' (NULL:
 * $XENEMU_DIR).  'domid' -1 takes the next free one.  Returns the domid or a
 * negative errno. */
int xenemu_domain_create(const char *dir, int domid, uint32_t n_pages);

/* Destroys a domain, but kills no process.  Returns 0 or a negative errno. */
int xenemu_domain_destroy(const char *dir, uint16_t domid);

/* Lets handles that the calling thread opens from now on belong to domain
 * 'domid' (-1: to the process's domain again, see xenemu.h).  Returns what was
 * set before. */
int xenemu_act_as(int domid);

/* Makes calls named 'call' (as the command 'xenemu fault' names them) fail
 * with 'value', a grant status for "segment", else an errno: after 'skip'
 * calls that pass, the next 'count' ones.  'domid' -1 means of any domain.
 * 'count' 0 ends that.  Returns 0 or a negative errno. */
int xenemu_set_fault(const char *dir, const char *call, int domid, int value,
                     int64_t skip, int64_t count);

#endif /* xenemu-admin.h */
