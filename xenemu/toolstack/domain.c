/* SPDX-License-Identifier: Apache-2.0 */

/* Domains: making, stopping and ending them. */

#include "toolstack/cmd.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include <xen/xen.h>
#include <xen/sched.h>

#define MAX_VIFS 64

struct create {
    const char *name;
    long mb, domid;
    bool wait;
    unsigned int n_vifs;
    struct vif vifs[MAX_VIFS];
};

static char *
new_uuid(void)
{
    uint8_t b[16];

    if (getrandom(b, sizeof b, 0) != sizeof b) {
        memset(b, 0, sizeof b);
    }
    b[6] = (b[6] & 0x0f) | 0x40;
    b[8] = (b[8] & 0x3f) | 0x80;
    return cmd_printf("%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-"
                      "%02x%02x%02x%02x%02x%02x",
                      b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8],
                      b[9], b[10], b[11], b[12], b[13], b[14], b[15]);
}

struct describe {
    uint8_t slot;
    char *uuid;
};

/* Folders of the guest: those that it may only read, and its own. */
static bool
make_folders(xs_transaction_t t, const char *dom, uint16_t domid)
{
    static const char *const read_only[] = {
        "cpu", "memory", "device", "control", "store",
    };
    static const char *const own[] = {
        "data", "drivers", "feature", "attr", "error", "backend",
        "control/shutdown", "device/suspend", "device/suspend/event-channel",
    };
    bool ok = cmd_xs_mkdir(t, dom, 0, domid);

    for (size_t i = 0; ok && i < sizeof read_only / sizeof *read_only; i++) {
        char *path = cmd_printf("%s/%s", dom, read_only[i]);
        ok = cmd_xs_mkdir(t, path, 0, domid);
        free(path);
    }
    for (size_t i = 0; ok && i < sizeof own / sizeof *own; i++) {
        char *path = cmd_printf("%s/%s", dom, own[i]);
        ok = cmd_xs_mkdir(t, path, domid, -1);
        free(path);
    }
    return ok;
}

static bool
describe_body(xs_transaction_t t, void *describe_)
{
    const struct describe *d = describe_;
    const struct xh_dom *domain = xh_dom(d->slot);
    char *dom = cmd_printf("/local/domain/%u", domain->domid);
    char *vm = cmd_printf("/vm/%s", d->uuid);
    char *id = cmd_printf("%u", domain->domid);
    char *port = cmd_printf("%u", domain->store_port);
    char *memory = cmd_printf("%u", domain->n_pages * 4);

    xs_rm(cmd_xs(), t, dom);
    bool ok = (make_folders(t, dom, domain->domid)
               && cmd_xs_mkdir(t, vm, 0, domain->domid)
               && cmd_xs_write(t, vm, "uuid", d->uuid)
               && cmd_xs_write(t, vm, "name", domain->name)
               && cmd_xs_write(t, dom, "vm", vm)
               && cmd_xs_write(t, dom, "name", domain->name)
               && cmd_xs_write(t, dom, "domid", id)
               && cmd_xs_write(t, dom, "memory/target", memory)
               && cmd_xs_write(t, dom, "memory/static-max", memory)
               && cmd_xs_write(t, dom, "cpu/0/availability", "online")
               && cmd_xs_write(t, dom, "store/port", port)
               && cmd_xs_write(t, dom, "store/ring-ref", "1"));
    free(dom);
    free(vm);
    free(id);
    free(port);
    free(memory);
    return ok;
}

static int
describe_domain(uint8_t slot)
{
    struct describe d = { .slot = slot, .uuid = new_uuid() };
    int error = cmd_xs_transaction(describe_body, &d);

    free(d.uuid);
    if (!error && !xs_introduce_domain(cmd_xs(), xh_dom(slot)->domid,
                                       XENEMU_STORE_PFN,
                                       xh_dom(slot)->store_port)) {
        error = -errno;
    }
    return error;
}

static int
create(struct create *c)
{
    char name[64];
    int slot = xh_domain_create(c->domid < 0 ? 0 : c->domid,
                                c->name ? c->name : "", c->mb * 256,
                                c->domid < 0);

    if (slot < 0) {
        return cmd_error("cannot create a domain: %s", strerror(-slot));
    }
    struct xh_dom *dom = xh_dom(slot);
    uint16_t domid = dom->domid;
    if (!c->name) {
        snprintf(name, sizeof name, "guest%u", domid);
        memcpy(dom->name, name, sizeof name);
    }
    int error = describe_domain(slot);
    int rc = error ? cmd_error("cannot make domain %u known to xenstored: %s",
                               domid, strerror(-error)) : CMD_OK;
    for (unsigned int i = 0; !rc && i < c->n_vifs; i++) {
        c->vifs[i].domid = domid;
        rc = vif_add(&c->vifs[i], c->wait);
    }
    if (rc) {
        domain_destroy(domid, true, true);
        return rc;
    }
    printf("%u\n", domid);
    return CMD_OK;
}

static bool
parse_create(int argc, char **argv, struct create *c)
{
    static const struct option options[] = {
        { "name", required_argument, NULL, 'n' },
        { "memory", required_argument, NULL, 'm' },
        { "domid", required_argument, NULL, 'd' },
        { "vif", required_argument, NULL, 'v' },
        { "no-wait", no_argument, NULL, 'w' },
        { NULL, 0, NULL, 0 },
    };
    int opt;

    while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
        bool ok = opt != '?';

        switch (opt) {
        case 'n':
            c->name = optarg;
            break;
        case 'm':
            ok = cmd_parse_number(optarg, 1, 1024, &c->mb);
            break;
        case 'd':
            ok = cmd_parse_number(optarg, 1, XH_MAX_DOMID - 1, &c->domid);
            break;
        case 'v':
            ok = (c->n_vifs < MAX_VIFS
                  && vif_parse(optarg, &c->vifs[c->n_vifs]));
            c->n_vifs += ok;
            break;
        case 'w':
            c->wait = false;
            break;
        }
        if (!ok) {
            cmd_usage("%s: wrong value", optarg ? optarg : "create");
            return false;
        }
    }
    if (optind < argc) {
        cmd_usage("%s: what is this?", argv[optind]);
        return false;
    }
    return true;
}

int
cmd_create(int argc, char **argv)
{
    struct create *c = calloc(1, sizeof *c);
    int rc = CMD_USAGE;

    if (!c) {
        return cmd_error("out of memory");
    }
    c->mb = 32;
    c->domid = -1;
    c->wait = true;
    if (parse_create(argc, argv, c)) {
        cmd_attach();
        cmd_xs();               /* Nothing is made if xenstored is gone. */
        rc = create(c);
    }
    for (unsigned int i = 0; i < c->n_vifs; i++) {
        vif_free(&c->vifs[i]);
    }
    free(c);
    return rc;
}

static bool
runs(unsigned int proc, uint8_t slot)
{
    return (xh.host->procs[proc].used
            && xh.host->procs[proc].runs[slot / 64] >> slot % 64 & 1);
}

/* Signals the processes that run a domain.
 *
 * Nobody must be stopped while it has the host's mutex, so they are stopped
 * by somebody who has it, and keeps it until they are. */
static void
signal_domain(uint8_t slot, int sig)
{
    xh_lock();
    for (uint32_t i = 0; i < xh.host->proc_top; i++) {
        if ((int) i != xh.index && runs(i, slot) && !xh_proc_signal(i, sig)
            && sig == SIGSTOP) {
            xh_proc_wait_stopped(i);
        }
    }
    xh_unlock();
}

/* Kills the processes that run a domain, and waits until they are gone. */
static void
kill_domain(uint8_t slot)
{
    pid_t pid;

    signal_domain(slot, SIGKILL);
    for (uint32_t i = 0; i < xh.host->proc_top; i++) {
        for (int j = 0; j < 500 && (int) i != xh.index && runs(i, slot)
             && xh_proc_alive(i, &pid); j++) {
            usleep(10000);
        }
    }
    xh_reap();
}

/* Waits until xenstored has let go of a domain that died. */
static void
wait_for_release(uint16_t domid)
{
    for (int i = 0; i < 200 && xs_is_domain_introduced(cmd_xs(), domid);
         i++) {
        usleep(10000);
    }
}

static void
tell_xenstored(void)
{
    uint8_t dom0 = xh_slot(0);

    if (dom0 != XH_NO_SLOT) {
        xh_raise_virq(dom0, VIRQ_DOM_EXC);
    }
}

static void
remove_from_xenstore(uint16_t domid)
{
    char *dom = cmd_printf("/local/domain/%u", domid);
    char *vm = cmd_xs_read(XBT_NULL, dom, "vm");
    char *libxl = cmd_printf("/libxl/%u", domid);
    char *own = cmd_printf("/xenemu/%u", domid);

    if (vm && strrchr(vm, '/')) {
        char *xapi = cmd_printf("/xapi/%s", strrchr(vm, '/') + 1);
        xs_rm(cmd_xs(), XBT_NULL, xapi);
        xs_rm(cmd_xs(), XBT_NULL, vm);
        free(xapi);
    }
    xs_rm(cmd_xs(), XBT_NULL, dom);
    xs_rm(cmd_xs(), XBT_NULL, libxl);
    xs_rm(cmd_xs(), XBT_NULL, own);
    free(dom);
    free(vm);
    free(libxl);
    free(own);
}

/* Destroys a domain, in the order in which the toolstack does it.  Without
 * 'detach' its backends are not told and not waited for. */
int
domain_destroy(uint16_t domid, bool kill_processes, bool detach)
{
    uint8_t slot = cmd_slot(domid);

    if (slot == XH_NO_SLOT) {
        return CMD_FAILED;
    }
    if (kill_processes) {
        signal_domain(slot, SIGSTOP);
    }
    if (detach) {
        /* A backend that does not close was complained about, and does not
         * keep the domain alive. */
        vif_remove_all(domid);
    }
    if (kill_processes) {
        kill_domain(slot);
    }
    xh_lock();
    if (xh_slot_alive(domid) == slot) {
        xh_domain_kill_locked(slot);
    }
    xh_unlock();
    tell_xenstored();
    wait_for_release(domid);
    remove_from_xenstore(domid);
    xh_reap();
    return CMD_OK;
}

int
cmd_destroy(int argc, char **argv)
{
    static const struct option options[] = {
        { "keep-processes", no_argument, NULL, 'k' },
        { NULL, 0, NULL, 0 },
    };
    bool kill_processes = true;
    uint16_t domid;
    int c;

    while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (c == '?') {
            return CMD_USAGE;
        }
        kill_processes = false;
    }
    if (argc != optind + 1) {
        return cmd_usage("destroy needs a domid");
    }
    if (!cmd_parse_domid(argv[optind], &domid)) {
        return CMD_USAGE;
    }
    if (!domid) {
        return cmd_usage("domain 0 goes with host-stop");
    }
    cmd_attach();
    return domain_destroy(domid, kill_processes, true);
}

/* Reads the domid of commands that have no other argument, attaches, and
 * stores the domain's slot.  Returns an exit code. */
static int
get_domain(int argc, char **argv, uint8_t *slot)
{
    uint16_t domid;

    if (argc != 2) {
        return cmd_usage("%s needs a domid", argv[0]);
    }
    if (!cmd_parse_domid(argv[1], &domid)) {
        return CMD_USAGE;
    }
    if (!domid) {
        return cmd_usage("%s is not for domain 0", argv[0]);
    }
    cmd_attach();
    *slot = cmd_slot(domid);
    return *slot == XH_NO_SLOT ? CMD_FAILED : CMD_OK;
}

int
cmd_crash(int argc, char **argv)
{
    uint8_t slot;
    int rc = get_domain(argc, argv, &slot);

    if (!rc) {
        uint32_t expected = XH_DOM_RUNNING;

        kill_domain(slot);
        xh_dom(slot)->shutdown_reason = SHUTDOWN_crash;
        atomic_compare_exchange_strong(&xh_dom(slot)->state, &expected,
                                       XH_DOM_SHUTDOWN);
        tell_xenstored();
    }
    return rc;
}

int
cmd_pause(int argc, char **argv)
{
    uint8_t slot;
    int rc = get_domain(argc, argv, &slot);

    if (!rc) {
        xh_dom(slot)->paused = true;
        signal_domain(slot, SIGSTOP);
    }
    return rc;
}

int
cmd_unpause(int argc, char **argv)
{
    uint8_t slot;
    int rc = get_domain(argc, argv, &slot);

    if (!rc) {
        xh_dom(slot)->paused = false;
        signal_domain(slot, SIGCONT);
    }
    return rc;
}

int
cmd_domid_next(int argc, char **argv)
{
    uint16_t domid;

    if (argc != 2 || !cmd_parse_domid(argv[1], &domid) || !domid) {
        return cmd_usage("domid-next needs a domid above 0");
    }
    cmd_attach();
    xh_lock();
    xh.host->next_domid = domid;
    xh_unlock();
    return CMD_OK;
}
