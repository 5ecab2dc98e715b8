/* SPDX-License-Identifier: Apache-2.0 */

/* Showing a host's state, and setting faults. */

#include "toolstack/cmd.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "xenemu-admin.h"

static const char *const counter_names[XH_N_COUNTERS] = {
#define XENEMU_COUNTER(NAME) #NAME,
    XENEMU_COUNTERS
#undef XENEMU_COUNTER
};

static const char *
state_name(const struct xh_dom *dom)
{
    switch (atomic_load(&dom->state)) {
    case XH_DOM_RUNNING:
        return dom->paused ? "paused" : "running";
    case XH_DOM_SHUTDOWN:
        return "crashed";
    case XH_DOM_DYING:
        return "zombie";
    default:
        return "free";
    }
}

static bool
exists(uint32_t slot)
{
    return xh_slot(xh_dom(slot)->domid) == slot;
}

static void
print_domains(void)
{
    printf("%5s %-20s %-8s %8s %8s %8s %6s\n", "DOMID", "NAME", "STATE",
           "MEMORY", "MAPPED", "SHARED", "PORTS");
    for (uint32_t slot = 0; slot < xh.host->dom_top; slot++) {
        const struct xh_dom *dom = xh_dom(slot);

        if (exists(slot)) {
            printf("%5u %-20s %-8s %7"PRIu32"K %8"PRIu32" %8"PRIu32
                   " %6"PRIu32"\n",
                   dom->domid, dom->name, state_name(dom), dom->n_pages * 4,
                   dom->n_mapped, dom->n_shared, dom->n_ports);
        }
    }
}

static void
print_processes(void)
{
    printf("\n%7s %-20s %8s %6s  %s\n", "PID", "PROCESS", "MAPS", "PORTS",
           "RUNS");
    for (uint32_t i = 0; i < xh.host->proc_top; i++) {
        const struct xh_proc *proc = &xh.host->procs[i];
        unsigned int n_maps = 0, n_ports = 0;
        pid_t pid;

        if ((int) i == xh.index || !proc->used || !xh_proc_alive(i, &pid)) {
            continue;
        }
        for (uint32_t r = 0; r < xh.host->rec_top; r++) {
            n_maps += (xh.host->recs[r].kind == XH_REC_MAP
                       && xh.host->recs[r].proc == i);
        }
        for (uint32_t slot = 0; slot < xh.host->dom_top; slot++) {
            for (uint32_t p = 0; p < xh_dom(slot)->port_top; p++) {
                n_ports += xh.host->ports[slot][p].proc == i + 1;
            }
        }
        printf("%7ld %-20s %8u %6u ", (long) pid, proc->comm, n_maps,
               n_ports);
        for (uint32_t slot = 0; slot < xh.host->dom_top; slot++) {
            if (proc->runs[slot / 64] >> slot % 64 & 1) {
                printf(" %u", xh_dom(slot)->domid);
            }
        }
        putchar('\n');
    }
}

int
cmd_list(int argc, char **argv)
{
    if (argc != 1) {
        return cmd_usage("%s takes no argument", argv[0]);
    }
    cmd_attach();
    xh_lock();
    xh_reap_locked();
    print_domains();
    print_processes();
    xh_unlock();
    return CMD_OK;
}

static void
print_grants(uint8_t slot)
{
    uint32_t top = atomic_load(&xh_dom(slot)->gref_top);

    printf("%6s %8s %6s %-3s %s\n", "GREF", "PFN", "TO", "", "MAPS");
    for (uint32_t gref = 0; gref < top; gref++) {
        const struct xh_grant *grant = &xh.host->grants[slot][gref];
        uint64_t word = atomic_load(&grant->word);

        if (word & (XH_GRANT_VALID | XH_GRANT_REVOKED)) {
            printf("%6"PRIu32" %8"PRIu32" %6u %-3s %"PRIu32"%s\n", gref,
                   XH_GRANT_PFN(word), XH_GRANT_TO(word),
                   word & XH_GRANT_RO ? "ro" : "rw",
                   atomic_load(&grant->n_maps),
                   word & XH_GRANT_REVOKED ? " revoked" : "");
        }
    }
}

static void
print_ports(uint8_t slot)
{
    static const char *const states[] = {
        "free", "unbound", "interdomain", "virq"
    };

    printf("\n%6s %-12s %6s %6s %8s %s\n", "PORT", "STATE", "PEER", "PORT",
           "PID", "FLAGS");
    for (uint32_t p = 0; p < xh_dom(slot)->port_top; p++) {
        const struct xh_port *port = &xh.host->ports[slot][p];
        uint64_t bind = atomic_load(&port->bind);
        uint32_t flags = atomic_load(&port->flags);

        if (XH_BIND_STATE(bind) != XH_PORT_FREE) {
            long pid = port->proc ? xh.host->procs[port->proc - 1].pid : 0;

            printf("%6"PRIu32" %-12s %6u %6"PRIu32" %8ld%s%s%s\n", p,
                   states[XH_BIND_STATE(bind)], XH_BIND_DOMID(bind),
                   XH_BIND_PORT(bind), pid,
                   flags & XH_PORT_PENDING ? " pending" : "",
                   flags & XH_PORT_MASKED ? " masked" : "",
                   port->keep ? " store" : "");
        }
    }
}

static void
print_counters(uint8_t slot, const char *only, bool with_domid)
{
    for (int i = 0; i < XH_N_COUNTERS; i++) {
        uint64_t n = atomic_load(&xh_dom(slot)->counters[i]);

        if (only) {
            if (!strcmp(only, counter_names[i])) {
                printf("%"PRIu64"\n", n);
            }
        } else if (with_domid) {
            printf("%u %s %"PRIu64"\n", xh_dom(slot)->domid,
                   counter_names[i], n);
        } else {
            printf("%s %"PRIu64"\n", counter_names[i], n);
        }
    }
}

int
cmd_show(int argc, char **argv)
{
    uint16_t domid;

    if (argc != 2 || !cmd_parse_domid(argv[1], &domid)) {
        return cmd_usage("show needs a domid");
    }
    cmd_attach();
    uint8_t slot = cmd_slot(domid);
    if (slot == XH_NO_SLOT) {
        return CMD_FAILED;
    }
    xh_lock();
    xh_reap_locked();
    print_grants(slot);
    print_ports(slot);
    xh_unlock();
    putchar('\n');
    print_counters(slot, NULL, false);
    return CMD_OK;
}

static bool
is_counter(const char *name)
{
    for (int i = 0; i < XH_N_COUNTERS; i++) {
        if (!strcmp(name, counter_names[i])) {
            return true;
        }
    }
    return false;
}

int
cmd_counters(int argc, char **argv)
{
    uint16_t domid;

    if (argc > 3) {
        return cmd_usage("too many arguments");
    }
    if (argc > 2 && !is_counter(argv[2])) {
        return cmd_usage("%s: no such counter", argv[2]);
    }
    if (argc == 1) {
        cmd_attach();
        for (uint32_t slot = 0; slot < xh.host->dom_top; slot++) {
            if (exists(slot)) {
                print_counters(slot, NULL, true);
            }
        }
        return CMD_OK;
    }
    if (!cmd_parse_domid(argv[1], &domid)) {
        return CMD_USAGE;
    }
    cmd_attach();
    uint8_t slot = cmd_slot(domid);
    if (slot == XH_NO_SLOT) {
        return CMD_FAILED;
    }
    print_counters(slot, argc > 2 ? argv[2] : NULL, false);
    return CMD_OK;
}

static void
print_faults(void)
{
    uint32_t armed = atomic_load(&xh.host->faults_armed);

    for (int i = 0; i < XH_N_CALLS; i++) {
        struct xh_fault *fault = &xh.host->faults[i];
        uint64_t hits = atomic_load(&fault->hits);

        if (armed >> i & 1 || hits) {
            printf("%s: value %"PRId32", skips %"PRId64", fails %"PRId64
                   " more, failed %"PRIu64"\n",
                   xh_call_names[i], atomic_load(&fault->value),
                   atomic_load(&fault->skip), atomic_load(&fault->count),
                   hits);
        }
    }
}

/* Parses a grant status or errno, as a number or by name. */
static bool
parse_value(const char *text, bool status, int *value)
{
    static const struct {
        const char *name;
        int value;
    } errnos[] = {
        { "EPERM", EPERM }, { "ENOENT", ENOENT }, { "EIO", EIO },
        { "EAGAIN", EAGAIN }, { "ENOMEM", ENOMEM }, { "EFAULT", EFAULT },
        { "EBUSY", EBUSY }, { "ENODEV", ENODEV }, { "EINVAL", EINVAL },
        { "EMFILE", EMFILE }, { "ENOSPC", ENOSPC }, { "EACCES", EACCES },
        { "ENOTCONN", ENOTCONN }, { "EINTR", EINTR },
    };
    long number;

    if (cmd_parse_number(text, -13, 133, &number)) {
        *value = number;
        return status ? number < 0 : number > 0;
    }
    if (!strncmp(text, "GNTST_", 6)) {
        text += 6;
    }
    for (int i = -1; status && i > -14; i--) {
        if (!strcmp(text, xh_status_name(i))) {
            *value = i;
            return true;
        }
    }
    for (size_t i = 0; !status && i < sizeof errnos / sizeof *errnos; i++) {
        if (!strcmp(text, errnos[i].name)) {
            *value = errnos[i].value;
            return true;
        }
    }
    return false;
}

static int
set_fault(char *spec, long domid)
{
    char *save = NULL;
    char *call = strtok_r(spec, ":", &save);
    char *text = strtok_r(NULL, ":", &save);
    char *skip_text = strtok_r(NULL, ":", &save);
    char *count_text = strtok_r(NULL, ":", &save);
    bool status = call && !strcmp(call, "segment");
    int value = status ? -1 : EIO;
    long skip = 0, count = 1;

    if (text && !strcmp(text, "off")) {
        count = 0;
    } else if (text && !parse_value(text, status, &value)) {
        return cmd_usage("%s: not a %s", text,
                         status ? "grant status" : "known errno");
    }
    if ((skip_text && !cmd_parse_number(skip_text, 0, INT32_MAX, &skip))
        || (count_text
            && !cmd_parse_number(count_text, 1, INT32_MAX, &count))) {
        return cmd_usage("the number of calls is wrong");
    }
    if (!call || xenemu_set_fault(NULL, call, domid, value, skip, count)) {
        return cmd_usage("%s: no such call", call ? call : "");
    }
    return CMD_OK;
}

int
cmd_fault(int argc, char **argv)
{
    static const struct option options[] = {
        { "domid", required_argument, NULL, 'd' },
        { NULL, 0, NULL, 0 },
    };
    long domid = -1;
    int c;

    while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (c == '?'
            || !cmd_parse_number(optarg, 0, XH_MAX_DOMID - 1, &domid)) {
            return cmd_usage("wrong domid");
        }
    }
    cmd_attach();
    if (optind == argc) {
        print_faults();
        return CMD_OK;
    }
    for (int i = optind; i < argc; i++) {
        int rc = set_fault(argv[i], domid);
        if (rc) {
            return rc;
        }
    }
    return CMD_OK;
}
