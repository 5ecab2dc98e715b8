/* SPDX-License-Identifier: Apache-2.0 */

/* Attaching a process to the host, and the mutex of the slow paths. */

#include "hypervisor/host.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct xh_self xh = {
    .dirfd = -1, .procs_fd = -1, .spare_fd = -1, .index = -1
};

/* Guards attaching, 'n_users' and new entries of xh.mem. */
static pthread_mutex_t self_mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t fork_once = PTHREAD_ONCE_INIT;

/* Held while the descriptor in reserve is used for something, by the thread
 * whose 'has_spare' is true. */
static pthread_mutex_t spare_mutex = PTHREAD_MUTEX_INITIALIZER;
static _Thread_local bool has_spare;

/* Maps 'size' bytes of 'fd' for reading and writing.
 *
 * A process that called mlockall(MCL_FUTURE), as ovs-vswitchd can, would have
 * every page of a sparse file allocated by a plain mmap(). */
void *
xh_map_file(int fd, size_t size)
{
    void *p = mmap(NULL, size, PROT_NONE, MAP_SHARED | MAP_NORESERVE, fd, 0);

    if (p == MAP_FAILED) {
        return NULL;
    }
    munlock(p, size);
    if (mprotect(p, size, PROT_READ | PROT_WRITE)) {
        munmap(p, size);
        return NULL;
    }
    return p;
}

static int
init_host(struct xh_host *host, uint32_t gntalloc_limit)
{
    pthread_mutexattr_t attr;

    pthread_mutexattr_init(&attr);
    pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
    pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
    int error = pthread_mutex_init(&host->mutex, &attr);
    pthread_mutexattr_destroy(&attr);

    memset(host->slot_of, XH_NO_SLOT, sizeof host->slot_of);
    host->size = sizeof *host;
    host->next_domid = 1;
    host->gntalloc_limit = gntalloc_limit;
    return -error;
}

/* Creates a file of 'size' bytes; returns its descriptor or -errno. */
static int
create_file(int dirfd, const char *name, size_t size)
{
    int fd = openat(dirfd, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);

    if (fd >= 0 && ftruncate(fd, size)) {
        int error = errno;
        close(fd);
        return -error;
    }
    return fd >= 0 ? fd : -errno;
}

static int
create_files(int dirfd, uint32_t gntalloc_limit)
{
    int fd = create_file(dirfd, "procs", XH_MAX_PROCS);
    if (fd < 0) {
        return fd;
    }
    close(fd);

    /* The name "host" appears only when all is in place. */
    fd = create_file(dirfd, "host.new", sizeof(struct xh_host));
    if (fd < 0) {
        return fd;
    }
    struct xh_host *host = xh_map_file(fd, sizeof *host);
    int error = host ? init_host(host, gntalloc_limit) : -errno;
    if (host) {
        host->magic = XH_MAGIC;
        munmap(host, sizeof *host);
    }
    close(fd);
    if (!error && renameat(dirfd, "host.new", dirfd, "host")) {
        error = -errno;
    }
    return error;
}

/* Creates a host in folder 'dir', which is made if need be, attaches to it
 * and creates domain 0 with 'dom0_pages' pages.  Returns 0 or -errno; -EEXIST
 * if there is one already. */
int
xh_create(const char *dir, uint32_t dom0_pages, uint32_t gntalloc_limit)
{
    if (mkdir(dir, 0777) && errno != EEXIST) {
        return -errno;
    }
    int dirfd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dirfd < 0) {
        return -errno;
    }
    int error = create_files(dirfd, gntalloc_limit);
    close(dirfd);
    if (error) {
        return error;
    }
    error = xh_attach(dir);
    if (!error) {
        int slot = xh_domain_create(0, "Domain-0", dom0_pages, false);
        error = slot < 0 ? slot : 0;
    }
    return error;
}

/* In a child nothing of the parent's is ours: its locks are not inherited, so
 * its records would not be reaped with us.  Its memory stays mapped. */
static void
after_fork_in_child(void)
{
    static const struct xh_self detached = {
        .dirfd = -1, .procs_fd = -1, .spare_fd = -1, .index = -1
    };
    uint32_t epoch = xh.epoch;

    if (xh.dirfd >= 0) {
        close(xh.dirfd);
    }
    if (xh.procs_fd >= 0) {
        close(xh.procs_fd);
    }
    if (xh.spare_fd >= 0) {
        close(xh.spare_fd);
    }
    xh = detached;
    xh.epoch = epoch + 1;
    pthread_mutex_init(&self_mutex, NULL);
    pthread_mutex_init(&spare_mutex, NULL);
}

static void
init_fork(void)
{
    pthread_atfork(NULL, NULL, after_fork_in_child);
}

static int
open_spare(void)
{
    return openat(xh.dirfd, "host", O_PATH | O_CLOEXEC);
}

/* Opens file 'name' of the host's folder for a moment, until
 * xh_close_briefly().  What needs this needs no descriptor on a real host, so
 * that one is kept for when there are no others.  Returns a descriptor, or -1
 * with errno set. */
int
xh_open_briefly(const char *name, int flags)
{
    int fd = openat(xh.dirfd, name, flags | O_CLOEXEC);

    if (fd >= 0 || (errno != EMFILE && errno != ENFILE)) {
        return fd;
    }
    pthread_mutex_lock(&spare_mutex);
    if (xh.spare_fd >= 0) {
        close(xh.spare_fd);
        xh.spare_fd = -1;
    }
    fd = openat(xh.dirfd, name, flags | O_CLOEXEC);
    if (fd >= 0) {
        has_spare = true;
        return fd;
    }
    int error = errno;
    xh.spare_fd = open_spare();
    pthread_mutex_unlock(&spare_mutex);
    errno = error;
    return -1;
}

/* Keeps errno. */
void
xh_close_briefly(int fd)
{
    int error = errno;

    close(fd);
    if (has_spare) {
        has_spare = false;
        xh.spare_fd = open_spare();
        pthread_mutex_unlock(&spare_mutex);
    }
    errno = error;
}

static void
detach(void)
{
    if (!xh.host) {
        return;
    }
    for (int i = 0; i < XH_MAX_DOMS; i++) {
        if (xh.mem[i].base) {
            munmap(xh.mem[i].base, xh.mem[i].size);
        }
    }
    memset(xh.mem, 0, sizeof xh.mem);
    munmap(xh.host, sizeof *xh.host);
    close(xh.dirfd);
    close(xh.procs_fd);         /* Releases our lock: the others reap us. */
    if (xh.spare_fd >= 0) {
        close(xh.spare_fd);
    }
    xh.host = NULL;
    xh.dirfd = xh.procs_fd = xh.spare_fd = xh.index = -1;
    xh.epoch++;
}

/* Detaches from the host.  No thread may be in a call of this library. */
void
xh_detach(void)
{
    pthread_mutex_lock(&self_mutex);
    detach();
    pthread_mutex_unlock(&self_mutex);
}

static int
map_host(void)
{
    struct stat st;
    int fd = openat(xh.dirfd, "host", O_RDWR | O_CLOEXEC);

    if (fd < 0) {
        return -errno;
    }
    if (fstat(fd, &st) || st.st_size != sizeof *xh.host) {
        close(fd);
        return -EPROTO;
    }
    xh.host = xh_map_file(fd, sizeof *xh.host);
    int error = xh.host ? 0 : -errno;
    close(fd);
    if (!error && (xh.host->magic != XH_MAGIC
                   || xh.host->size != sizeof *xh.host)) {
        munmap(xh.host, sizeof *xh.host);
        xh.host = NULL;
        error = -EPROTO;
    }
    return error;
}

static int
attach(const char *dir)
{
    pthread_once(&fork_once, init_fork);
    xh_costs_init();
    if (!realpath(dir, xh.dir)) {
        return -errno;
    }
    xh.dirfd = open(xh.dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    xh.procs_fd = (xh.dirfd < 0 ? -1
                   : openat(xh.dirfd, "procs", O_RDWR | O_CLOEXEC));
    int error = xh.procs_fd < 0 ? -errno : map_host();
    if (!error) {
        xh.spare_fd = open_spare();
        error = xh.spare_fd < 0 ? -errno : 0;
    }
    if (!error) {
        xh.epoch++;
        xh_lock();
        error = xh_proc_register_locked();
        xh_unlock();
    }
    if (error) {
        if (xh.host) {
            munmap(xh.host, sizeof *xh.host);
        }
        if (xh.spare_fd >= 0) {
            close(xh.spare_fd);
        }
        if (xh.procs_fd >= 0) {
            close(xh.procs_fd);
        }
        if (xh.dirfd >= 0) {
            close(xh.dirfd);
        }
        xh.host = NULL;
        xh.dirfd = xh.procs_fd = xh.spare_fd = -1;
    }
    return error;
}

/* Is the host that we are attached to still the one in 'dir'?  It is not if
 * it was ended, and perhaps another one started there. */
static bool
is_attached_to(const char *dir)
{
    struct stat there, ours;
    char path[4096];

    if (snprintf(path, sizeof path, "%s/procs", dir) >= (int) sizeof path) {
        return false;
    }
    return !stat(path, &there) && !fstat(xh.procs_fd, &ours)
           && there.st_dev == ours.st_dev && there.st_ino == ours.st_ino;
}

static int
attach_to(const char *dir)
{
    if (!dir) {
        dir = getenv("XENEMU_DIR");
    }
    if (!dir || !*dir) {
        return -ENOENT;
    }
    if (xh.host) {
        if (is_attached_to(dir)) {
            return 0;
        }
        if (xh.n_users) {
            return -EBUSY;
        }
        detach();
    }
    return attach(dir);
}

/* Attaches the process to the host in 'dir' (NULL: $XENEMU_DIR), if it is not
 * yet.  Returns 0 or -errno: -EBUSY if it is attached to another host and
 * still uses that one. */
int
xh_attach(const char *dir)
{
    pthread_mutex_lock(&self_mutex);
    int error = attach_to(dir);
    pthread_mutex_unlock(&self_mutex);
    return error;
}

/* As xh_attach(), and stays attached until xh_release(). */
int
xh_acquire(const char *dir)
{
    pthread_mutex_lock(&self_mutex);
    int error = attach_to(dir);
    if (!error) {
        xh.n_users++;
    }
    pthread_mutex_unlock(&self_mutex);
    return error;
}

void
xh_release(void)
{
    pthread_mutex_lock(&self_mutex);
    xh.n_users--;
    pthread_mutex_unlock(&self_mutex);
}

/* Takes the host's mutex.  If its last owner died with it, what that process
 * left half done is set right first. */
void
xh_lock(void)
{
    if (pthread_mutex_lock(&xh.host->mutex) == EOWNERDEAD) {
        pthread_mutex_consistent(&xh.host->mutex);
        xh_recs_recover_locked();
    }
}

void
xh_unlock(void)
{
    pthread_mutex_unlock(&xh.host->mutex);
}

/* Opens the file with the memory of the domain in 'slot', until
 * xh_close_briefly(). */
int
xh_mem_open(uint8_t slot, int flags)
{
    char name[32];

    snprintf(name, sizeof name, "mem.%"PRIu32,
             atomic_load(&xh_dom(slot)->gen));
    return xh_open_briefly(name, flags);
}

/* Returns where the memory of the domain in 'slot' is mapped, or NULL if it
 * can't be.  The domain must be kept from going away by a grant in use or by
 * the caller being part of it.  Takes no lock after the first time. */
uint8_t *
xh_mem(uint8_t slot)
{
    struct xh_mem *mem = &xh.mem[slot];
    struct xh_dom *dom = xh_dom(slot);
    uint32_t gen = atomic_load_explicit(&dom->gen, memory_order_acquire);

    if (atomic_load_explicit(&mem->gen, memory_order_acquire) == gen) {
        return mem->base;
    }

    pthread_mutex_lock(&self_mutex);
    if (atomic_load(&mem->gen) != gen) {
        /* The old mapping belongs to a domain that is gone, so nobody can be
         * copying from it. */
        if (mem->base) {
            munmap(mem->base, mem->size);
        }
        mem->size = (size_t) dom->n_pages * XENEMU_PAGE_SIZE;
        int fd = xh_mem_open(slot, O_RDWR);
        mem->base = fd >= 0 ? xh_map_file(fd, mem->size) : NULL;
        if (fd >= 0) {
            xh_close_briefly(fd);
        }
        atomic_store_explicit(&mem->gen, mem->base ? gen : 0,
                              memory_order_release);
    }
    uint8_t *base = mem->base;
    pthread_mutex_unlock(&self_mutex);
    return base;
}

/* Unmaps the memory of domains that are gone.  For slow paths. */
void
xh_mem_trim(void)
{
    pthread_mutex_lock(&self_mutex);
    for (uint32_t i = 0; i < xh.host->dom_top; i++) {
        struct xh_mem *mem = &xh.mem[i];
        uint32_t gen = atomic_load(&mem->gen);

        if (gen && (gen != atomic_load(&xh_dom(i)->gen)
                    || atomic_load(&xh_dom(i)->state) == XH_DOM_FREE)) {
            atomic_store(&mem->gen, 0);
            munmap(mem->base, mem->size);
            mem->base = NULL;
        }
    }
    pthread_mutex_unlock(&self_mutex);
}
