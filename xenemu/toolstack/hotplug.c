/* SPDX-License-Identifier: Apache-2.0 */

/* The hotplug step of a network interface: a script, or what the simplest
 * script would do. */

#include "toolstack/cmd.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define SCRIPT_TIMEOUT_MS 40000

/* Returns the path of the key with which XAPI's scripts tell that they are
 * done, to be freed by the caller; NULL if the domain has no UUID. */
char *
vif_hotplug_key(const struct vif *vif)
{
    char *dom = cmd_printf("/local/domain/%u", vif->domid);
    char *vm = cmd_xs_read(XBT_NULL, dom, "vm");
    char *key = NULL;

    if (vm && strrchr(vm, '/')) {
        key = cmd_printf("/xapi/%s/hotplug/%u/vif/%d/hotplug",
                         strrchr(vm, '/') + 1, vif->domid, vif->devid);
    }
    free(vm);
    free(dom);
    return key;
}

static void
set_script_env(const struct vif *vif, const char *b_path)
{
    char *name = cmd_printf("vif%u.%d", vif->domid, vif->devid);
    const char *relative = strstr(b_path, "backend/");

    setenv("script", vif->script, true);
    setenv("XENBUS_TYPE", "vif", true);
    setenv("XENBUS_BASE_PATH", "backend", true);
    /* Relative paths mean domain 0's, because scripts talk to xenstored over
     * its socket. */
    setenv("XENBUS_PATH", vif->backend ? b_path : relative, true);
    setenv("vif", vif->vifname ? vif->vifname : name, true);
    if (!strcmp(vif->type, "vif_ioemu")) {
        setenv("INTERFACE", vif->vifname ? vif->vifname : name, true);
    }
    free(name);
}

/* Waits for the script.  Returns its wait status, or -1 if it takes too long
 * and had to be killed, with its children. */
static int
wait_for_script(pid_t pid)
{
    for (int i = 0; i < SCRIPT_TIMEOUT_MS / 10; i++) {
        int status;

        if (waitpid(pid, &status, WNOHANG) == pid) {
            return status;
        }
        usleep(10000);
    }
    kill(-pid, SIGKILL);
    waitpid(pid, NULL, 0);
    return -1;
}

static int
run_script(const struct vif *vif, const char *b_path, const char *action)
{
    pid_t pid = fork();

    if (!pid) {
        setpgid(0, 0);
        set_script_env(vif, b_path);
        /* What a script prints is no result of this command. */
        dup2(STDERR_FILENO, STDOUT_FILENO);
        execl(vif->script, vif->script, action, "type_if=vif",
              (char *) NULL);
        fprintf(stderr, "xenemu: %s: %s\n", vif->script, strerror(errno));
        _exit(127);
    }
    if (pid < 0) {
        return cmd_error("cannot run %s: %s", vif->script, strerror(errno));
    }
    setpgid(pid, pid);
    int status = wait_for_script(pid);
    if (status == -1) {
        return cmd_error("%s %s did not end within %d s", vif->script, action,
                         SCRIPT_TIMEOUT_MS / 1000);
    }
    char *said = cmd_xs_read(XBT_NULL, b_path, "hotplug-status");
    char *why = cmd_xs_read(XBT_NULL, b_path, "hotplug-error");
    /* What going online left there does not matter when going offline. */
    bool ok = status == 0 && (!strcmp(action, "offline")
                              || !said || strcmp(said, "error"));
    if (!ok) {
        cmd_error("%s %s failed%s%s", vif->script, action, why ? ": " : "",
                  why ? why : "");
    }
    free(said);
    free(why);
    return ok ? CMD_OK : CMD_FAILED;
}

/* What a script does at the least. */
static int
pretend_script(const struct vif *vif, const char *b_path, bool online)
{
    char *key = vif->layout == VIF_XAPI ? vif_hotplug_key(vif) : NULL;
    bool ok = true;

    if (online) {
        ok = (cmd_xs_write(XBT_NULL, b_path, "hotplug-status", "connected")
              && (!key || xs_write(cmd_xs(), XBT_NULL, key, "online", 6)));
    } else if (key) {
        xs_rm(cmd_xs(), XBT_NULL, key);
    }
    free(key);
    return ok ? CMD_OK : cmd_error("cannot write hotplug-status: %s",
                                   strerror(errno));
}

/* Runs the hotplug step for the backend in 'b_path'. */
int
vif_hotplug(const struct vif *vif, const char *b_path, bool online)
{
    if (!vif->script || !*vif->script) {
        return pretend_script(vif, b_path, online);
    }
    if (online && vif->layout == VIF_XAPI) {
        int rc = run_script(vif, b_path, "add");
        if (rc) {
            return rc;
        }
    }
    return run_script(vif, b_path, online ? "online" : "offline");
}
