/* SPDX-License-Identifier: Apache-2.0 */

/* Functions of xenemu-admin.h. */

#include "xenemu-admin.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "hypervisor/host.h"

int
xenemu_host_create(const char *dir, uint32_t dom0_pages)
{
    return xh_create(dir, dom0_pages, XH_GNTALLOC_LIMIT);
}

/* Is 'name' one of the files that make up a host? */
static bool
is_ours(const char *name)
{
    unsigned int n;

    return (!strcmp(name, "host") || !strcmp(name, "host.new")
            || !strcmp(name, "procs") || !strcmp(name, "log")
            || sscanf(name, "mem.%u", &n) == 1
            || sscanf(name, "ev.%u", &n) == 1);
}

int
xenemu_host_remove(const char *dir)
{
    DIR *d = opendir(dir);
    struct dirent *entry;

    if (!d) {
        return -errno;
    }
    while ((entry = readdir(d))) {
        if (is_ours(entry->d_name)) {
            unlinkat(dirfd(d), entry->d_name, 0);
        }
    }
    closedir(d);
    if (!xh.n_users) {
        xh_detach();
    }
    return rmdir(dir) && errno != ENOTEMPTY ? -errno : 0;
}

int
xenemu_domain_create(const char *dir, int domid, uint32_t n_pages)
{
    char name[32] = "";
    int error = xh_attach(dir);

    if (error) {
        return error;
    }
    int slot = xh_domain_create(domid < 0 ? 0 : domid, name, n_pages,
                                domid < 0);
    return slot < 0 ? slot : (int) xh_dom(slot)->domid;
}

int
xenemu_domain_destroy(const char *dir, uint16_t domid)
{
    int error = xh_attach(dir);

    if (error) {
        return error;
    }
    xh_lock();
    uint8_t slot = xh_slot_alive(domid);
    if (slot == XH_NO_SLOT || !domid) {
        error = -ESRCH;
    } else {
        xh_domain_kill_locked(slot);
    }
    xh_unlock();
    return error;
}

static int
call_by_name(const char *name)
{
    for (int i = 0; i < XH_N_CALLS; i++) {
        if (!strcmp(name, xh_call_names[i])) {
            return i;
        }
    }
    return -1;
}

int
xenemu_set_fault(const char *dir, const char *name, int domid, int value,
                 int64_t skip, int64_t count)
{
    int error = xh_attach(dir);
    int call = call_by_name(name);

    if (error) {
        return error;
    }
    if (call < 0) {
        return -EINVAL;
    }

    struct xh_fault *fault = &xh.host->faults[call];
    atomic_fetch_and(&xh.host->faults_armed, ~(1u << call));
    atomic_store(&fault->value, value);
    atomic_store(&fault->domid, domid);
    atomic_store(&fault->skip, skip);
    atomic_store(&fault->count, count);
    atomic_store(&fault->hits, 0);
    if (count > 0) {
        atomic_fetch_or(&xh.host->faults_armed, 1u << call);
    }
    return 0;
}
