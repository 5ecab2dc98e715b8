/* SPDX-License-Identifier: Apache-2.0 */

#include "guest/paths.h"

#include <stdio.h>
#include <stdlib.h>

/* Returns the folder of the host that the program's environment names. */
static const char *
host_dir(void)
{
    const char *dir = getenv("XENEMU_DIR");

    return dir ? dir : ".";
}

void
guest_ctl_path(char *buf, size_t size, uint32_t domid, uint32_t devid)
{
    snprintf(buf, size, "%s/guest.%u.%u.ctl", host_dir(), domid, devid);
}

void
guest_lock_path(char *buf, size_t size, uint32_t domid)
{
    snprintf(buf, size, "%s/guest.%u.lock", host_dir(), domid);
}
