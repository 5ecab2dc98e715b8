/* SPDX-License-Identifier: Apache-2.0 */

/* Network interfaces: what the toolstack writes to XenStore about them. */

#include "toolstack/cmd.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEVICE_TIMEOUT_MS 10000

void
vif_free(struct vif *vif)
{
    free(vif->mac);
    free(vif->bridge);
    free(vif->script);
    free(vif->rate);
    free(vif->vifname);
    free(vif->ip);
    free(vif->type);
    memset(vif, 0, sizeof *vif);
}

/* Turns a rate as xl has it ("10Mb/s", "2MB/s@20ms") into what stands in
 * XenStore: bytes, and microseconds in which they may be sent. */
static char *
parse_rate(const char *text)
{
    double value, interval = 50000;
    char unit[8] = "", time_unit[8] = "us";
    int n = 0;

    if (sscanf(text, "%lf%7[KMGbB]/s%n", &value, unit, &n) != 2 || !n
        || value <= 0) {
        return NULL;
    }
    if (text[n] == '@'
        && sscanf(text + n + 1, "%lf%7[mus]", &interval, time_unit) != 2) {
        return NULL;
    }
    for (const char *p = unit; *p; p++) {
        value *= (*p == 'K' ? 1e3 : *p == 'M' ? 1e6 : *p == 'G' ? 1e9
                  : *p == 'b' ? 0.125 : 1);
    }
    interval *= (!strcmp(time_unit, "s") ? 1e6
                 : !strcmp(time_unit, "ms") ? 1e3 : 1);
    return cmd_printf("%.0f,%.0f", value * interval / 1e6, interval);
}

static void
set_text(char **text, const char *value)
{
    free(*text);
    *text = cmd_printf("%s", value);
}

static bool
set_key(struct vif *vif, const char *key, const char *value)
{
    struct {
        const char *name;
        char **text;
    } texts[] = {
        { "mac", &vif->mac }, { "bridge", &vif->bridge },
        { "script", &vif->script }, { "vifname", &vif->vifname },
        { "ip", &vif->ip }, { "type", &vif->type },
    };
    long number;

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        if (!strcmp(key, texts[i].name)) {
            set_text(texts[i].text, value);
            return true;
        }
    }
    if (!strcmp(key, "rate")) {
        free(vif->rate);
        vif->rate = parse_rate(value);
        return vif->rate;
    } else if (!strcmp(key, "mtu")) {
        return cmd_parse_number(value, 68, 65535, &vif->mtu);
    } else if (!strcmp(key, "devid")) {
        bool ok = cmd_parse_number(value, 0, 65535, &number);
        vif->devid = number;
        return ok;
    } else if (!strcmp(key, "backend")) {
        return cmd_parse_domid(value, &vif->backend);
    } else if (!strcmp(key, "layout")) {
        vif->layout = strcmp(value, "xapi") ? VIF_LIBXL : VIF_XAPI;
        return !strcmp(value, "xapi") || !strcmp(value, "libxl");
    }
    return false;
}

/* Parses "key=value,..." into '*vif', which vif_free() frees.  Complains and
 * returns false if it is wrong. */
bool
vif_parse(const char *spec, struct vif *vif)
{
    char *copy = cmd_printf("%s", spec), *save = NULL;
    bool ok = true;

    memset(vif, 0, sizeof *vif);
    vif->devid = -1;
    vif->mtu = 1500;
    vif->type = cmd_printf("vif");
    for (char *item = strtok_r(copy, ",", &save); item && ok;
         item = strtok_r(NULL, ",", &save)) {
        char *value = strchr(item, '=');

        if (value) {
            *value++ = '\0';
        }
        ok = value && set_key(vif, item, value);
        if (!ok) {
            cmd_usage("vif: \"%s%s%s\" is not understood", item,
                      value ? "=" : "", value ? value : "");
        }
    }
    free(copy);
    if (!ok) {
        vif_free(vif);
    }
    return ok;
}

static char *
f_path(uint16_t domid, int devid)
{
    return cmd_printf("/local/domain/%u/device/vif/%d", domid, devid);
}

static char *
b_path(uint16_t backend, uint16_t domid, int devid)
{
    return cmd_printf("/local/domain/%u/backend/vif/%u/%d", backend, domid,
                      devid);
}

/* Where this command remembers what it needs to remove an interface. */
static char *
own_path(uint16_t domid, int devid)
{
    return cmd_printf("/xenemu/%u/vif/%d", domid, devid);
}

struct add {
    const struct vif *vif;
    char *f, *b, *own, *libxl;
    bool exists;
};

static bool
write_number(xs_transaction_t t, const char *dir, const char *key, long n)
{
    char text[32];

    snprintf(text, sizeof text, "%ld", n);
    return cmd_xs_write(t, dir, key, text);
}

static bool
write_if(xs_transaction_t t, const char *dir, const char *key,
         const char *value)
{
    return !value || cmd_xs_write(t, dir, key, value);
}

/* The keys of the backend, in the order in which the toolstack writes them
 * (which matters to nobody, since it is one transaction). */
static bool
write_backend_keys(xs_transaction_t t, const struct add *add, const char *dir)
{
    const struct vif *vif = add->vif;
    bool libxl = vif->layout == VIF_LIBXL;

    return (cmd_xs_write(t, dir, "frontend", add->f)
            && write_number(t, dir, "frontend-id", vif->domid)
            && cmd_xs_write(t, dir, "online", "1")
            && cmd_xs_write(t, dir, "state", "1")
            && cmd_xs_write(t, dir, "script",
                            vif->script ? vif->script : "")
            && (!libxl || write_if(t, dir, "vifname", vif->vifname))
            && cmd_xs_write(t, dir, "mac", vif->mac)
            && (!libxl || write_if(t, dir, "ip", vif->ip))
            && write_if(t, dir, "rate", vif->rate)
            && (!libxl || vif->mtu == 1500
                || write_number(t, dir, "mtu", vif->mtu))
            && (!libxl || cmd_xs_write(t, dir, "bridge", vif->bridge))
            && write_number(t, dir, "handle", vif->devid)
            && (!libxl || cmd_xs_write(t, dir, "type", vif->type))
            && (!libxl || cmd_xs_write(t, dir, "hotplug-status", "")));
}

static bool
set_read_only(xs_transaction_t t, const struct add *add, const char *key)
{
    struct xs_permissions perms[2] = {
        { .id = add->vif->backend, .perms = XS_PERM_NONE },
        { .id = add->vif->domid, .perms = XS_PERM_READ },
    };
    char *path = cmd_printf("%s/%s", add->f, key);
    bool ok = xs_set_permissions(cmd_xs(), t, path, perms, 2);

    free(path);
    return ok;
}

static bool
write_frontend_keys(xs_transaction_t t, const struct add *add)
{
    const struct vif *vif = add->vif;

    if (!cmd_xs_write(t, add->f, "backend", add->b)
        || !write_number(t, add->f, "backend-id", vif->backend)
        || !cmd_xs_write(t, add->f, "state", "1")
        || !write_number(t, add->f, "handle", vif->devid)
        || !cmd_xs_write(t, add->f, "mac", vif->mac)) {
        return false;
    }
    if (vif->layout == VIF_XAPI) {
        return (cmd_xs_write(t, add->f, "disconnect", "0")
                && (vif->mtu == 1500
                    || write_number(t, add->f, "mtu", vif->mtu)));
    }
    /* These the guest may read, but not change. */
    return (write_number(t, add->f, "mtu", vif->mtu)
            && cmd_xs_write(t, add->f, "trusted", "1")
            && set_read_only(t, add, "mtu")
            && set_read_only(t, add, "trusted"));
}

/* XAPI keeps the network's properties in a tree of its own. */
static bool
write_xapi_keys(xs_transaction_t t, const struct add *add)
{
    const struct vif *vif = add->vif;
    char *dom = cmd_printf("/local/domain/%u", vif->domid);
    char *vm = cmd_xs_read(t, dom, "vm");
    bool ok = false;

    if (vm && strrchr(vm, '/')) {
        char *dir = cmd_printf("/xapi/%s/private/vif/%d",
                               strrchr(vm, '/') + 1, vif->devid);
        ok = (cmd_xs_write(t, dir, "bridge", vif->bridge)
              && cmd_xs_write(t, dir, "mac", vif->mac)
              && write_number(t, dir, "MTU", vif->mtu));
        free(dir);
    }
    free(vm);
    free(dom);
    return ok;
}

static bool
write_own_keys(xs_transaction_t t, const struct add *add)
{
    const struct vif *vif = add->vif;

    return (cmd_xs_write(t, add->own, "backend", add->b)
            && write_number(t, add->own, "backend-id", vif->backend)
            && write_if(t, add->own, "script", vif->script)
            && write_if(t, add->own, "vifname", vif->vifname)
            && cmd_xs_write(t, add->own, "type", vif->type)
            && cmd_xs_write(t, add->own, "layout",
                            vif->layout == VIF_XAPI ? "xapi" : "libxl"));
}

static bool
add_body(xs_transaction_t t, void *add_)
{
    struct add *add = add_;
    const struct vif *vif = add->vif;
    char *there = cmd_xs_read(t, add->own, "backend");

    add->exists = there;
    free(there);
    if (add->exists) {
        errno = EEXIST;
        return false;
    }
    /* Remains of an interface with the same number, or what somebody else
     * wrote there, must not be taken for ours. */
    xs_rm(cmd_xs(), t, add->f);
    xs_rm(cmd_xs(), t, add->b);
    if (!cmd_xs_mkdir(t, add->f, vif->domid, vif->backend)
        || !cmd_xs_mkdir(t, add->b, vif->backend, vif->domid)
        || !write_frontend_keys(t, add)
        || !write_backend_keys(t, add, add->b)
        || !write_own_keys(t, add)) {
        return false;
    }
    if (vif->layout == VIF_XAPI) {
        return write_xapi_keys(t, add);
    }
    return (cmd_xs_write(t, add->libxl, "frontend", add->f)
            && cmd_xs_write(t, add->libxl, "backend", add->b)
            && write_backend_keys(t, add, add->libxl));
}

/* Returns the lowest number that no interface of the domain has. */
static int
free_devid(uint16_t domid)
{
    for (int devid = 0; ; devid++) {
        char *own = own_path(domid, devid);
        char *there = cmd_xs_read(XBT_NULL, own, "backend");
        bool found = !there;

        free(own);
        free(there);
        if (found) {
            return devid;
        }
    }
}

static void
set_defaults(struct vif *vif)
{
    if (vif->devid < 0) {
        vif->devid = free_devid(vif->domid);
    }
    if (!vif->mac) {
        vif->mac = cmd_printf("00:16:3e:%02x:%02x:%02x",
                              vif->domid >> 8 & 0x7f, vif->domid & 0xff,
                              vif->devid & 0xff);
    }
    if (!vif->bridge) {
        vif->bridge = cmd_printf("xenbr0");
    }
}

/* Waits for the backend, then runs the hotplug step.  A backend that does not
 * answer makes the addition fail, and what was written is removed again. */
static int
finish_add(const struct vif *vif, const char *b)
{
    static const char *const init_wait[] = { "2", NULL };
    char *state = cmd_printf("%s/state", b);
    int rc = CMD_OK;

    if (!cmd_xs_wait(state, init_wait, DEVICE_TIMEOUT_MS)) {
        char *now = cmd_xs_read(XBT_NULL, b, "state");
        rc = cmd_error("vif%u.%d: backend is in state %s, not in 2, after "
                       "%d s", vif->domid, vif->devid, now ? now : "-",
                       DEVICE_TIMEOUT_MS / 1000);
        free(now);
    } else {
        rc = vif_hotplug(vif, b, true);
    }
    free(state);
    if (rc) {
        vif_remove(vif->domid, vif->devid, true);
    }
    return rc;
}

/* Adds an interface, and waits for the backend if 'wait'.  Fills in what
 * 'vif' leaves open. */
int
vif_add(struct vif *vif, bool wait)
{
    set_defaults(vif);
    struct add add = {
        .vif = vif,
        .f = f_path(vif->domid, vif->devid),
        .b = b_path(vif->backend, vif->domid, vif->devid),
        .own = own_path(vif->domid, vif->devid),
        .libxl = cmd_printf("/libxl/%u/device/vif/%d", vif->domid,
                            vif->devid),
    };
    int error = cmd_xs_transaction(add_body, &add);
    int rc = CMD_OK;

    if (add.exists) {
        rc = cmd_error("domain %u has an interface %d already", vif->domid,
                       vif->devid);
    } else if (error) {
        rc = cmd_error("cannot write to XenStore: %s", strerror(-error));
    } else if (wait) {
        rc = finish_add(vif, add.b);
    }
    free(add.f);
    free(add.b);
    free(add.own);
    free(add.libxl);
    return rc;
}

struct remove {
    const char *f, *b;
    bool force;
};

/* Asks the backend to close, as the toolstack does. */
static bool
remove_body(xs_transaction_t t, void *remove_)
{
    struct remove *r = remove_;
    char *state = cmd_xs_read(t, r->b, "state");
    bool ok = true;

    if (r->force) {
        xs_rm(cmd_xs(), t, r->f);
    }
    if (state) {
        ok = (cmd_xs_write(t, r->b, "online", "0")
              && (!strcmp(state, "6") || cmd_xs_write(t, r->b, "state", "5")));
    }
    free(state);
    return ok;
}

static bool
close_backend(const char *f, const char *b, bool force)
{
    static const char *const closed[] = { "6", "", NULL };
    struct remove r = { .f = f, .b = b, .force = force };
    char *state = cmd_printf("%s/state", b);
    bool ok = (!cmd_xs_transaction(remove_body, &r)
               && cmd_xs_wait(state, closed, DEVICE_TIMEOUT_MS));

    free(state);
    return ok;
}

/* Removes 'path', and the folders above it that are empty then, though not
 * those at the top of the tree. */
static bool
remove_path(xs_transaction_t t, char *path)
{
    if (!xs_rm(cmd_xs(), t, path) && errno != ENOENT) {
        return false;
    }
    for (;;) {
        char *slash = strrchr(path, '/');
        unsigned int n;

        *slash = '\0';
        if (!strchr(path + 1, '/')) {
            return true;
        }
        char **names = xs_directory(cmd_xs(), t, path, &n);
        if (names && n) {
            free(names);
            return true;
        }
        free(names);
        xs_rm(cmd_xs(), t, path);
    }
}

static bool
delete_body(xs_transaction_t t, void *paths_)
{
    for (char **p = paths_; *p; p++) {
        char *path = cmd_printf("%s", *p);
        bool ok = remove_path(t, path);

        free(path);
        if (!ok) {
            return false;
        }
    }
    return true;
}

static bool
load_vif(uint16_t domid, int devid, struct vif *vif)
{
    char *own = own_path(domid, devid);
    char *backend = cmd_xs_read(XBT_NULL, own, "backend-id");
    char *layout = cmd_xs_read(XBT_NULL, own, "layout");

    memset(vif, 0, sizeof *vif);
    vif->domid = domid;
    vif->devid = devid;
    vif->backend = backend ? strtoul(backend, NULL, 10) : 0;
    vif->layout = layout && !strcmp(layout, "xapi") ? VIF_XAPI : VIF_LIBXL;
    vif->script = cmd_xs_read(XBT_NULL, own, "script");
    vif->vifname = cmd_xs_read(XBT_NULL, own, "vifname");
    vif->type = cmd_xs_read(XBT_NULL, own, "type");
    bool found = backend && vif->type;
    free(own);
    free(backend);
    free(layout);
    if (!found) {
        vif_free(vif);
    }
    return found;
}

/* Removes an interface.  With 'force' the frontend is not waited for, and
 * what does not go on its own accord is removed nevertheless. */
int
vif_remove(uint16_t domid, int devid, bool force)
{
    struct vif vif;

    if (!load_vif(domid, devid, &vif)) {
        return cmd_error("domain %u has no interface %d", domid, devid);
    }
    char *f = f_path(domid, devid);
    char *b = b_path(vif.backend, domid, devid);
    int rc = CMD_OK;
    if (!close_backend(f, b, force)) {
        rc = cmd_error("vif%u.%d: the backend does not close", domid, devid);
    }
    if (!rc || force) {
        char *paths[] = {
            b, f, cmd_printf("/libxl/%u/device/vif/%d", domid, devid),
            own_path(domid, devid), NULL
        };

        vif_hotplug(&vif, b, false);
        int error = cmd_xs_transaction(delete_body, paths);
        if (error) {
            rc = cmd_error("cannot write to XenStore: %s", strerror(-error));
        }
        free(paths[2]);
        free(paths[3]);
    }
    free(f);
    free(b);
    vif_free(&vif);
    return rc;
}

/* Removes all interfaces of a domain that is being destroyed. */
int
vif_remove_all(uint16_t domid)
{
    char *path = cmd_printf("/xenemu/%u/vif", domid);
    unsigned int n = 0;
    char **devids = xs_directory(cmd_xs(), XBT_NULL, path, &n);
    int rc = CMD_OK;

    for (unsigned int i = 0; devids && i < n; i++) {
        rc |= vif_remove(domid, atoi(devids[i]), true);
    }
    free(devids);
    free(path);
    return rc;
}

int
cmd_network_attach(int argc, char **argv)
{
    static const struct option options[] = {
        { "no-wait", no_argument, NULL, 'n' },
        { NULL, 0, NULL, 0 },
    };
    bool wait = true;
    uint16_t domid;
    struct vif vif;
    int c;

    while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (c == '?') {
            return CMD_USAGE;
        }
        wait = false;
    }
    if (argc < optind + 1 || argc > optind + 2) {
        return cmd_usage("network-attach needs a domid and an interface");
    }
    if (!cmd_parse_domid(argv[optind], &domid)
        || !vif_parse(argc > optind + 1 ? argv[optind + 1] : "", &vif)) {
        return CMD_USAGE;
    }
    cmd_attach();
    vif.domid = domid;
    int rc = (cmd_slot(domid) == XH_NO_SLOT ? CMD_FAILED
              : vif_add(&vif, wait));
    if (!rc) {
        printf("%d\n", vif.devid);
    }
    vif_free(&vif);
    return rc;
}

int
cmd_network_detach(int argc, char **argv)
{
    static const struct option options[] = {
        { "force", no_argument, NULL, 'f' },
        { NULL, 0, NULL, 0 },
    };
    bool force = false;
    uint16_t domid;
    long devid;
    int c;

    while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (c == '?') {
            return CMD_USAGE;
        }
        force = true;
    }
    if (argc != optind + 2 || !cmd_parse_domid(argv[optind], &domid)
        || !cmd_parse_number(argv[optind + 1], 0, 65535, &devid)) {
        return cmd_usage("network-detach needs a domid and a devid");
    }
    cmd_attach();
    return vif_remove(domid, devid, force);
}
