/* SPDX-License-Identifier: Apache-2.0 */

/* The command "xenemu": starts and ends an emulated Xen host, and plays its
 * toolstack. */

#include "toolstack/cmd.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifndef XENEMU_LIBDIR
#define XENEMU_LIBDIR "/usr/local/lib/ovs-xenvif"
#endif

static const struct cmd commands[] = {
    { "host-start", "[--gntalloc-limit=PAGES] [--dom0-memory=MB] [DIR]",
      "start a host in DIR (default: $XENEMU_DIR, else a new folder)",
      cmd_host_start },
    { "host-stop", "[DIR]",
      "destroy its domains, end its xenstored and remove its files",
      cmd_host_stop },
    { "env", "[--preload] [DIR]",
      "print what a shell needs to use the host: eval \"$(xenemu env DIR)\"",
      cmd_env },
    { "create", "[--name=NAME] [--memory=MB] [--domid=N] [--vif=SPEC]... "
      "[--no-wait]",
      "create a domain and print its domid", cmd_create },
    { "destroy", "[--keep-processes] DOMID",
      "kill what runs the domain and remove it", cmd_destroy },
    { "crash", "DOMID", "kill what runs the domain; keep it as crashed",
      cmd_crash },
    { "pause", "DOMID", "stop what runs the domain", cmd_pause },
    { "unpause", "DOMID", "let it run again", cmd_unpause },
    { "network-attach", "[--no-wait] DOMID SPEC",
      "add a network interface, print its devid", cmd_network_attach },
    { "network-detach", "[--force] DOMID DEVID",
      "remove a network interface", cmd_network_detach },
    { "domid-next", "DOMID", "let the next domain created be that one",
      cmd_domid_next },
    { "list", "", "show domains and processes", cmd_list },
    { "show", "DOMID", "show a domain's grants, ports and counters",
      cmd_show },
    { "counters", "[DOMID [NAME]]", "print counters of all or one domain",
      cmd_counters },
    { "fault", "[--domid=N] CALL[:VALUE[:SKIP[:COUNT]]] | CALL:off",
      "let calls of the libraries fail; without arguments show what is set",
      cmd_fault },
};
#define N_COMMANDS (sizeof commands / sizeof commands[0])

static void
print_help(void)
{
    printf("usage: xenemu [--dir=DIR] COMMAND [ARGUMENT]...\n"
           "An emulated Xen host, for machines without Xen.\n\n");
    for (size_t i = 0; i < N_COMMANDS; i++) {
        printf("  %s %s\n      %s\n", commands[i].name, commands[i].args,
               commands[i].help);
    }
    printf("\nThe host is the one in DIR, by default $XENEMU_DIR.\n"
           "SPEC is key=value,...: mac, bridge, script, rate, mtu, vifname, "
           "ip, type,\ndevid, backend (a domid), layout (libxl or xapi).\n"
           "CALL is one of");
    for (int i = 0; i < XH_N_CALLS; i++) {
        printf(" %s", xh_call_names[i]);
    }
    printf(".\nExit status: 0 if all went well, 1 if not, 2 for a wrong "
           "command line.\n");
}

int
cmd_error(const char *format, ...)
{
    va_list args;

    fprintf(stderr, "xenemu: ");
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    putc('\n', stderr);
    return CMD_FAILED;
}

int
cmd_usage(const char *format, ...)
{
    va_list args;

    fprintf(stderr, "xenemu: ");
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fprintf(stderr, " (see xenemu --help)\n");
    return CMD_USAGE;
}

/* As sprintf(), into memory that the caller frees. */
char *
cmd_printf(const char *format, ...)
{
    char *s;
    va_list args;

    va_start(args, format);
    if (vasprintf(&s, format, args) < 0) {
        cmd_error("out of memory");
        abort();
    }
    va_end(args);
    return s;
}

bool
cmd_parse_number(const char *text, long min, long max, long *value)
{
    char *end;

    errno = 0;
    *value = strtol(text, &end, 10);
    return (end != text && !*end && !errno && *value >= min && *value <= max);
}

bool
cmd_parse_domid(const char *text, uint16_t *domid)
{
    long value;

    if (!cmd_parse_number(text, 0, XH_MAX_DOMID - 1, &value)) {
        cmd_usage("\"%s\" is not a domid", text);
        return false;
    }
    *domid = value;
    return true;
}

/* Attaches to the host, or ends the program. */
void
cmd_attach(void)
{
    const char *dir = getenv("XENEMU_DIR");
    int error = xh_attach(NULL);

    if (error) {
        cmd_error("%s: no emulated host here: %s",
                  dir ? dir : "XENEMU_DIR is not set", strerror(-error));
        exit(CMD_FAILED);
    }
    setenv("XENSTORED_RUNDIR", xh.dir, true);
    setenv("XENEMU_DIR", xh.dir, true);
}

/* Returns the slot of a domain, or XH_NO_SLOT after saying that it is not
 * there. */
uint8_t
cmd_slot(uint16_t domid)
{
    uint8_t slot = xh_slot(domid);

    if (slot == XH_NO_SLOT) {
        cmd_error("there is no domain %u", domid);
    }
    return slot;
}

/* Where is the library to preload?  Next to this program while it is not
 * installed. */
const char *
cmd_library(void)
{
    static char path[PATH_MAX + 64];
    static const char *const places[] = {
        "libxenemu.so", ".libs/libxenemu.so", "../.libs/libxenemu.so",
        "../xenemu/.libs/libxenemu.so"
    };
    const char *env = getenv("XENEMU_PRELOAD");
    char exe[PATH_MAX];

    if (env && *env && !access(env, R_OK)) {
        return env;
    }
    ssize_t n = readlink("/proc/self/exe", exe, sizeof exe - 1);
    if (n > 0) {
        exe[n] = '\0';
        *strrchr(exe, '/') = '\0';
        for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
            snprintf(path, sizeof path, "%s/%s", exe, places[i]);
            if (!access(path, R_OK)) {
                return path;
            }
        }
    }
    snprintf(path, sizeof path, "%s/libxenemu.so", XENEMU_LIBDIR);
    return path;
}

int
main(int argc, char **argv)
{
    int arg = 1;

    unsetenv("XENEMU_DOMID");   /* The toolstack is domain 0's. */
    if (argc > arg && !strncmp(argv[arg], "--dir=", 6)) {
        setenv("XENEMU_DIR", argv[arg] + 6, true);
        arg++;
    }
    if (argc <= arg) {
        return cmd_usage("which command?");
    }
    if (!strcmp(argv[arg], "--help") || !strcmp(argv[arg], "-h")
        || !strcmp(argv[arg], "help")) {
        print_help();
        return CMD_OK;
    }
    for (size_t i = 0; i < N_COMMANDS; i++) {
        if (!strcmp(argv[arg], commands[i].name)) {
            return commands[i].run(argc - arg, argv + arg);
        }
    }
    return cmd_usage("%s: no such command", argv[arg]);
}
