/* SPDX-License-Identifier: Apache-2.0 */

/* Starting and ending a host. */

#include "toolstack/cmd.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <glob.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "xenemu-admin.h"

static void
print_env(bool preload)
{
    printf("export XENEMU_DIR='%s'\n"
           "export XENSTORED_RUNDIR='%s'\n"
           "export XENEMU_PRELOAD='%s'\n",
           xh.dir, xh.dir, cmd_library());
    if (preload) {
        printf("export LD_PRELOAD='%s'\n", cmd_library());
    } else {
        printf("# LD_PRELOAD=\"$XENEMU_PRELOAD\" PROGRAM runs a program on "
               "this host.\n");
    }
}

/* Returns the path of xenstored, or NULL. */
static char *
find_xenstored(void)
{
    static const char *const patterns[] = {
        "/usr/lib/xen-*/bin/xenstored", "/usr/sbin/xenstored",
        "/usr/local/sbin/xenstored"
    };
    const char *env = getenv("XENSTORED");
    char *path = NULL;

    if (env && *env) {
        return strdup(env);
    }
    for (size_t i = 0; !path && i < sizeof patterns / sizeof patterns[0];
         i++) {
        glob_t found;

        if (!glob(patterns[i], 0, NULL, &found)) {
            path = strdup(found.gl_pathv[found.gl_pathc - 1]);
            globfree(&found);
        }
    }
    return path;
}

/* What the child does to become xenstored. */
static void
become_xenstored(const char *path, const char *log)
{
    int in = open("/dev/null", O_RDONLY);
    int out = open(log, O_WRONLY | O_CREAT | O_APPEND, 0666);

    if (in < 0 || out < 0) {
        _exit(127);
    }
    dup2(in, STDIN_FILENO);
    dup2(out, STDOUT_FILENO);
    dup2(out, STDERR_FILENO);
    setsid();
    setenv("LD_PRELOAD", cmd_library(), true);
    unsetenv("XENEMU_COST");
    unsetenv("XENEMU_DOMID");
    execl(path, path, "--no-fork", (char *) NULL);
    _exit(127);
}

/* Waits until xenstored answers.  Returns false if it died or keeps quiet. */
static bool
wait_for_xenstored(pid_t pid)
{
    for (int i = 0; i < 1000; i++) {
        struct xs_handle *xs = xs_open(0);

        if (xs) {
            xs_close(xs);
            return true;
        }
        if (waitpid(pid, NULL, WNOHANG) == pid) {
            return false;
        }
        usleep(10000);
    }
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    return false;
}

static bool
record_pid(pid_t pid)
{
    char *path = cmd_printf("%s/xenstored.pid", xh.dir);
    FILE *f = fopen(path, "w");

    free(path);
    if (!f) {
        return false;
    }
    fprintf(f, "%ld\n", (long) pid);
    return !fclose(f);
}

static int
start_xenstored(void)
{
    char *path = find_xenstored();

    if (!path || access(path, X_OK)) {
        return cmd_error("%s not found (Debian package xen-utils-common "
                         "depends on it: xen-utils-4.17 or later)",
                         path ? path : "xenstored");
    }
    if (access(cmd_library(), R_OK)) {
        return cmd_error("%s: %s", cmd_library(), strerror(errno));
    }
    char *log = cmd_printf("%s/xenstored.log", xh.dir);
    pid_t pid = fork();
    if (!pid) {
        become_xenstored(path, log);
    }
    bool ok = pid > 0 && record_pid(pid) && wait_for_xenstored(pid);
    if (!ok) {
        cmd_error("%s did not start: see %s", path, log);
    }
    free(path);
    free(log);
    return ok ? CMD_OK : CMD_FAILED;
}

/* What the toolstack's start-up leaves in XenStore about domain 0. */
static int
write_dom0(void)
{
    const char *dom0 = "/local/domain/0";

    if (!cmd_xs_write(XBT_NULL, dom0, "domid", "0")
        || !cmd_xs_write(XBT_NULL, dom0, "name", "Domain-0")
        || !cmd_xs_mkdir(XBT_NULL, "/local/domain/0/backend", 0, -1)
        || !cmd_xs_mkdir(XBT_NULL, "/tool", 0, -1)
        || !cmd_xs_mkdir(XBT_NULL, "/libxl", 0, -1)
        || !cmd_xs_mkdir(XBT_NULL, "/vm", 0, -1)) {
        return cmd_error("cannot write to XenStore: %s", strerror(errno));
    }
    return CMD_OK;
}

/* Takes DIR, the only argument that is no option, into the environment. */
static bool
take_dir(int argc, char **argv)
{
    if (argc > optind + 1) {
        cmd_usage("too many arguments");
        return false;
    }
    if (argc > optind) {
        setenv("XENEMU_DIR", argv[optind], true);
    }
    return true;
}

static const char *
host_dir(void)
{
    static char new_dir[] = "/dev/shm/xenemu.XXXXXX";
    const char *dir = getenv("XENEMU_DIR");

    return dir && *dir ? dir : mkdtemp(new_dir);
}

int
cmd_host_start(int argc, char **argv)
{
    static const struct option options[] = {
        { "gntalloc-limit", required_argument, NULL, 'g' },
        { "dom0-memory", required_argument, NULL, 'm' },
        { NULL, 0, NULL, 0 },
    };
    long limit = XH_GNTALLOC_LIMIT, mb = 64;
    int c;

    while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (c == 'g' && !cmd_parse_number(optarg, 0, XH_MAX_PAGES, &limit)) {
            return cmd_usage("%s: not a number of pages", optarg);
        } else if (c == 'm' && !cmd_parse_number(optarg, 1, 1024, &mb)) {
            return cmd_usage("%s: not a size from 1 to 1024 MB", optarg);
        } else if (c == '?') {
            return CMD_USAGE;
        }
    }
    if (!take_dir(argc, argv)) {
        return CMD_USAGE;
    }
    const char *dir = host_dir();
    int error = dir ? xh_create(dir, mb * 256, limit) : -errno;
    if (error == -EEXIST) {
        return cmd_error("%s: there is a host already", dir);
    } else if (error) {
        return cmd_error("%s: cannot create a host: %s", dir ? dir : "?",
                         strerror(-error));
    }
    setenv("XENEMU_DIR", dir, true);
    cmd_attach();
    int rc = start_xenstored();
    if (!rc) {
        rc = write_dom0();
    }
    if (rc) {
        return rc;
    }
    print_env(false);
    return CMD_OK;
}

/* Ends the process in 'index' of the table and waits until it is gone. */
static void
end_process(unsigned int index)
{
    pid_t pid;

    xh_proc_signal(index, SIGTERM);
    for (int i = 0; i < 300 && xh_proc_alive(index, &pid); i++) {
        if (i == 200) {
            xh_proc_signal(index, SIGKILL);
        }
        usleep(10000);
    }
}

static long
recorded_pid(void)
{
    char *path = cmd_printf("%s/xenstored.pid", xh.dir);
    FILE *f = fopen(path, "r");
    long pid = -1;

    free(path);
    if (f) {
        if (fscanf(f, "%ld", &pid) != 1) {
            pid = -1;
        }
        fclose(f);
    }
    return pid;
}

/* Ends xenstored, and tells who else is still there. */
static void
end_processes(void)
{
    long xenstored = recorded_pid();

    for (uint32_t i = 0; i < xh.host->proc_top; i++) {
        const struct xh_proc *proc = &xh.host->procs[i];
        pid_t pid;

        if ((int) i == xh.index || !proc->used || !xh_proc_alive(i, &pid)) {
            continue;
        }
        if (proc->pid == xenstored) {
            end_process(i);
        } else {
            fprintf(stderr, "xenemu: process %ld (%s) still uses the host\n",
                    (long) pid, proc->comm);
        }
    }
}

int
cmd_host_stop(int argc, char **argv)
{
    optind = 1;
    if (!take_dir(argc, argv)) {
        return CMD_USAGE;
    }
    cmd_attach();
    for (uint32_t slot = 0; slot < xh.host->dom_top; slot++) {
        uint16_t domid = xh_dom(slot)->domid;

        if (domid && xh_slot(domid) == slot) {
            domain_destroy(domid, true, false);
        }
    }
    end_processes();

    static const char *const files[] = {
        "xenstored.pid", "xenstored.log", "socket", "socket_ro",
    };
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        unlinkat(xh.dirfd, files[i], 0);
    }
    char *dir = strdup(xh.dir);
    int error = dir ? xenemu_host_remove(dir) : -ENOMEM;
    if (error) {
        cmd_error("%s: %s", dir, strerror(-error));
    }
    free(dir);
    return error ? CMD_FAILED : CMD_OK;
}

int
cmd_env(int argc, char **argv)
{
    static const struct option options[] = {
        { "preload", no_argument, NULL, 'p' },
        { NULL, 0, NULL, 0 },
    };
    bool preload = false;
    int c;

    while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (c == '?') {
            return CMD_USAGE;
        }
        preload = true;
    }
    if (!take_dir(argc, argv)) {
        return CMD_USAGE;
    }
    cmd_attach();
    print_env(preload);
    return CMD_OK;
}
