/* SPDX-License-Identifier: Apache-2.0 */

/* The processes of the host, and what is left of those that died.
 *
 * A process is alive as long as it holds a record lock on its byte of the
 * file "procs".  The kernel drops such a lock when the process ends, however
 * it ends, and a child does not inherit it. */

#include "hypervisor/host.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Returns the first character that tells the state of the process or thread
 * in folder 'path' of /proc, or 0. */
static char
read_state(const char *path)
{
    char buf[512];
    int fd = openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC);

    if (fd < 0) {
        return 0;
    }
    ssize_t n = read(fd, buf, sizeof buf - 1);
    close(fd);
    buf[n > 0 ? n : 0] = '\0';
    char *p = strrchr(buf, ')');
    return p && p[1] ? p[2] : 0;
}

static bool
all_threads_stopped(pid_t pid)
{
    char path[600];
    bool stopped = true;

    snprintf(path, sizeof path, "/proc/%ld/task", (long) pid);
    DIR *dir = opendir(path);
    struct dirent *entry;
    while (dir && stopped && (entry = readdir(dir))) {
        if (entry->d_name[0] != '.') {
            snprintf(path, sizeof path, "/proc/%ld/task/%s/stat", (long) pid,
                     entry->d_name);
            stopped = !strchr("RSD", read_state(path));
        }
    }
    if (dir) {
        closedir(dir);
    }
    return stopped;
}

/* Waits until the process in 'index', which was sent a SIGSTOP, has stopped
 * (or ended). */
void
xh_proc_wait_stopped(unsigned int index)
{
    pid_t pid;

    for (int i = 0; i < 1000; i++) {
        if (!xh_proc_alive(index, &pid) || all_threads_stopped(pid)) {
            return;
        }
        usleep(1000);
    }
}

/* Returns when process 'pid' started, in clock ticks since boot, or 0 if it
 * can't be told. */
uint64_t
xh_start_time(pid_t pid)
{
    char path[64], buf[1024];

    snprintf(path, sizeof path, "/proc/%ld/stat", (long) pid);
    int fd = openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return 0;
    }
    ssize_t n = read(fd, buf, sizeof buf - 1);
    close(fd);
    if (n <= 0) {
        return 0;
    }
    buf[n] = '\0';

    /* The name, field 2, is in parentheses and may hold anything; the start
     * time is field 22. */
    char *p = strrchr(buf, ')');
    for (int field = 2; p && field < 22; field++) {
        p = strchr(p + 1, ' ');
    }
    return p ? strtoull(p + 1, NULL, 10) : 0;
}

static struct flock
lock_of(unsigned int index)
{
    return (struct flock) {
        .l_type = F_WRLCK,
        .l_whence = SEEK_SET,
        .l_start = index,
        .l_len = 1,
    };
}

/* Is the process in 'index' still there?  Stores its id in '*pid' if so. */
bool
xh_proc_alive(unsigned int index, pid_t *pid)
{
    const struct xh_proc *proc = &xh.host->procs[index];
    struct flock lock = lock_of(index);

    /* A process does not see locks of its own. */
    if ((int) index == xh.index
        || (proc->pid == getpid() && proc->start == xh_start_time(getpid()))) {
        *pid = getpid();
        return true;
    }
    if (fcntl(xh.procs_fd, F_GETLK, &lock) || lock.l_type == F_UNLCK) {
        return false;
    }
    *pid = lock.l_pid;
    return true;
}

static int
find_free(void)
{
    for (unsigned int i = 0; i < XH_MAX_PROCS; i++) {
        struct flock lock = lock_of(i);

        if (!xh.host->procs[i].used && !fcntl(xh.procs_fd, F_SETLK, &lock)) {
            return i;
        }
    }
    return -1;
}

/* Enters the calling process into the table.  Returns 0 or -errno. */
int
xh_proc_register_locked(void)
{
    int index = find_free();

    if (index < 0) {
        xh_reap_locked();
        index = find_free();
        if (index < 0) {
            return -ENFILE;
        }
    }

    struct xh_proc *proc = &xh.host->procs[index];
    memset(proc, 0, sizeof *proc);
    proc->pid = getpid();
    proc->start = xh_start_time(proc->pid);
    snprintf(proc->comm, sizeof proc->comm, "%s",
             program_invocation_short_name);
    /* A program that does not know domains may be told to be one's. */
    const char *domid = getenv("XENEMU_DOMID");
    uint8_t slot = domid ? xh_slot(strtoul(domid, NULL, 10)) : XH_NO_SLOT;
    if (slot != XH_NO_SLOT && xh_dom(slot)->domid) {
        proc->runs[slot / 64] |= UINT64_C(1) << slot % 64;
    }
    proc->used = true;
    if ((uint32_t) index >= xh.host->proc_top) {
        xh.host->proc_top = index + 1;
    }
    xh.index = index;
    return 0;
}

static void
reap_ports(unsigned int index)
{
    for (uint32_t slot = 0; slot < xh.host->dom_top; slot++) {
        for (uint32_t p = 0; p < xh_dom(slot)->port_top; p++) {
            if (xh.host->ports[slot][p].proc == index + 1) {
                xh_port_disown_locked(slot, p);
            }
        }
    }
}

/* Removes the FIFOs of event channel handles, whose numbers begin with the
 * index of the process. */
static void
reap_fifos(unsigned int index)
{
    int fd = openat(xh.dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    struct dirent *entry;

    while (dir && (entry = readdir(dir))) {
        unsigned int chan;

        if (sscanf(entry->d_name, "ev.%u", &chan) == 1
            && chan / XH_MAX_CHANS == index) {
            unlinkat(xh.dirfd, entry->d_name, 0);
        }
    }
    if (dir) {
        closedir(dir);
    } else if (fd >= 0) {
        close(fd);
    }
}

/* Maps and shares go first: their end may have to be told through a port. */
static void
reap(unsigned int index)
{
    struct xh_proc *proc = &xh.host->procs[index];

    xh_copiers_forget(index);
    for (uint32_t i = 0; i < xh.host->rec_top; i++) {
        const struct xh_rec *rec = &xh.host->recs[i];

        if ((rec->kind == XH_REC_MAP || rec->kind == XH_REC_SHARE)
            && rec->proc == index) {
            xh_rec_release_locked(i);
        }
    }
    reap_ports(index);
    reap_fifos(index);
    proc->used = false;
}

/* Releases what dead processes held, and what waited for that. */
void
xh_reap_locked(void)
{
    bool any = false;
    pid_t pid;

    for (uint32_t i = 0; i < xh.host->proc_top; i++) {
        if (xh.host->procs[i].used && !xh_proc_alive(i, &pid)) {
            reap(i);
            any = true;
        }
    }
    if (any) {
        xh_recs_retry_locked();
    }
    for (uint32_t slot = 0; slot < xh.host->dom_top; slot++) {
        xh_domain_try_free_locked(slot);
    }
}

void
xh_reap(void)
{
    xh_lock();
    xh_reap_locked();
    xh_unlock();
}

/* Sends 'sig' to the process in 'index'.  Returns 0 or -errno. */
int
xh_proc_signal(unsigned int index, int sig)
{
    pid_t pid, again;

    if (!xh_proc_alive(index, &pid)) {
        return -ESRCH;
    }
    int fd = syscall(SYS_pidfd_open, pid, 0);
    if (fd < 0) {
        return -errno;
    }
    /* It is certain now that 'fd' is the process that holds the lock. */
    int error = 0;
    if (!xh_proc_alive(index, &again) || again != pid) {
        error = -ESRCH;
    } else if (syscall(SYS_pidfd_send_signal, fd, sig, NULL, 0)) {
        error = -errno;
    }
    close(fd);
    return error;
}
