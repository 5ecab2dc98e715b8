/* SPDX-License-Identifier: Apache-2.0 */

/* What XenStore, and the kernel, say about a vif at one moment. */

#include <config.h>

#include "vif/xenvif-observed.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "openvswitch/dynamic-string.h"
#include "util.h"
#include "vif/xenvif-bus.h"
#include "xen/xenvif-store.h"

unsigned int
xenvif_observed_read_state(const char *dir)
{
    uint32_t state;

    switch (xenvif_store_read_u32(XENVIF_STORE_NO_TXN, dir, "state",
                                  &state)) {
    case 0:
        return MIN(state, XenbusStateReconfigured + 1);
    case EINVAL:
        return XenbusStateReconfigured + 1;
    default:
        return XenbusStateUnknown;
    }
}

/* Reads a text, or "" if there is none that can be printed.  Returns false if
 * there is no such node. */
static bool
read_text(const char *dir, const char *key, char *text, size_t size)
{
    char *value = xenvif_store_read(XENVIF_STORE_NO_TXN, dir, key);
    bool exists = value || errno != ENOENT;

    ovs_strlcpy(text, value ? value : "", size);
    free(value);
    return exists;
}

/* The hotplug script says "connected" when it is done, or "error" and why.
 * Not all toolstacks create the key before that, so that without it our script
 * is yet to come, and another one may never write it. */
static void
read_hotplug(const char *backend_dir, struct xenvif_observed *observed)
{
    char *status = xenvif_store_read(XENVIF_STORE_NO_TXN, backend_dir,
                                     "hotplug-status");

    observed->hotplug_missing = !status && errno == ENOENT;
    observed->hotplug_done = (status ? !strcmp(status, "connected")
                              : (observed->hotplug_missing
                                 && !observed->our_script));
    if (status && !strcmp(status, "error")) {
        read_text(backend_dir, "hotplug-error", observed->hotplug_error,
                  sizeof observed->hotplug_error);
        if (!observed->hotplug_error[0]) {
            ovs_strlcpy(observed->hotplug_error, "it did not say why",
                        sizeof observed->hotplug_error);
        }
    }
    free(status);
}

static bool
read_our_script(const char *backend_dir)
{
    char *script = xenvif_store_read(XENVIF_STORE_NO_TXN, backend_dir,
                                     "script");
    const char *slash = script ? strrchr(script, '/') : NULL;
    bool ours = script && !strcmp(slash ? slash + 1 : script, XENVIF_SCRIPT);

    free(script);
    return ours;
}

/* Returns the name of a file below the folder of the kernel's bus of backends,
 * which the caller frees. */
static char * OVS_PRINTF_FORMAT(1, 2)
kernel_file(const char *format, ...)
{
    const char *sysfs = getenv("XENVIF_SYSFS");
    struct ds name = DS_EMPTY_INITIALIZER;
    va_list args;

    ds_put_format(&name, "%s/bus/xen-backend/", sysfs ? sysfs : "/sys");
    va_start(args, format);
    ds_put_format_valist(&name, format, args);
    va_end(args);
    return ds_steal_cstr(&name);
}

/* The kernel's driver core keeps a link to the driver of each device. */
static bool
read_kernel(uint16_t domid, uint16_t handle)
{
    char *link = kernel_file("devices/vif-%"PRIu16"-%"PRIu16"/driver", domid,
                             handle);
    bool bound = !access(link, F_OK);

    free(link);
    return bound;
}

/* Does the driver core have a driver for vifs, and offer new ones to it? */
static bool
read_kernel_next(void)
{
    char *driver = kernel_file("drivers/vif");
    char *name = kernel_file("drivers_autoprobe");
    bool next = false;

    if (!access(driver, F_OK)) {
        FILE *file = fopen(name, "r");

        next = file && fgetc(file) == '1';
        if (file) {
            fclose(file);
        }
    }
    free(driver);
    free(name);
    return next;
}

/* Reads a number, or 0 if there is none. */
static uint32_t
read_number(const char *dir, const char *key)
{
    uint32_t value;

    return xenvif_store_read_u32(XENVIF_STORE_NO_TXN, dir, key,
                                 &value) ? 0 : value;
}

bool
xenvif_observed_read(const char *backend_dir, const char *frontend_dir,
                     uint16_t domid, uint16_t handle,
                     struct xenvif_observed *observed)
{
    memset(observed, 0, sizeof *observed);
    observed->backend = xenvif_observed_read_state(backend_dir);
    if (observed->backend == XenbusStateUnknown) {
        return false;
    }
    observed->frontend = xenvif_observed_read_state(frontend_dir);
    observed->online = read_number(backend_dir, "online") == 1;
    observed->our_script = read_our_script(backend_dir);
    read_hotplug(backend_dir, observed);
    observed->kernel = read_kernel(domid, handle);
    observed->kernel_next = !observed->kernel && read_kernel_next();
    observed->mtu = read_number(backend_dir, "mtu");
    read_text(backend_dir, "mac", observed->mac, sizeof observed->mac);
    observed->has_rate = read_text(backend_dir, "rate", observed->rate,
                                   sizeof observed->rate);
    return true;
}
