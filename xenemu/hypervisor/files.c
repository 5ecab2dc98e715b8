/* SPDX-License-Identifier: Apache-2.0 */

/* The files under /proc/xen that xenstored opens.
 *
 * This is linked into the preloaded library only, because it takes the place
 * of the C library's open() and fopen(). */

#include "hypervisor/host.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Which header declares these depends on feature macros. */
int open64(const char *, int, ...);
int openat64(int, const char *, int, ...);

/* A file with the number of domain 0's port for xenstored. */
static int
open_port(void)
{
    char text[16];
    int fd = memfd_create("xsd_port", MFD_CLOEXEC);
    uint8_t slot = xh_slot(0);

    if (fd >= 0 && slot != XH_NO_SLOT) {
        int n = snprintf(text, sizeof text, "%"PRIu32"\n",
                         xh_dom(slot)->store_port);
        if (write(fd, text, n) != n) {
            close(fd);
            return -1;
        }
        lseek(fd, 0, SEEK_SET);
    }
    return fd;
}

/* A file whose first page is domain 0's XenStore page. */
static int
open_page(void)
{
    uint8_t slot = xh_slot(0);

    if (slot == XH_NO_SLOT) {
        errno = ENOENT;
        return -1;
    }
    int brief = xh_mem_open(slot, O_RDWR);
    int fd = brief < 0 ? -1 : fcntl(brief, F_DUPFD_CLOEXEC, 0);

    if (brief >= 0) {
        xh_close_briefly(brief);
    }
    return fd;
}

/* Opens 'path' if it is one of ours.  Returns whether it is. */
static bool
open_special(const char *path, int *fd)
{
    if (!path || strncmp(path, "/proc/xen/xsd_", 14)) {
        return false;
    }
    int error = -xh_attach(NULL);
    if (error) {
        errno = error;
        *fd = -1;
    } else if (!strcmp(path, "/proc/xen/xsd_port")) {
        *fd = open_port();
    } else if (!strcmp(path, "/proc/xen/xsd_kva")) {
        *fd = open_page();
    } else {
        return false;
    }
    return true;
}

/* The mode argument is there only if a file can be created. */
#define GET_MODE(FLAGS, MODE)                                   \
    do {                                                        \
        if ((FLAGS) & (O_CREAT | __O_TMPFILE)) {                \
            va_list args_;                                      \
            va_start(args_, FLAGS);                             \
            MODE = va_arg(args_, int);                          \
            va_end(args_);                                      \
        }                                                       \
    } while (0)

#define DEFINE_OPEN(NAME)                                       \
    int                                                         \
    NAME(const char *path, int flags, ...)                      \
    {                                                           \
        static int (*next)(const char *, int, ...);             \
        int mode = 0, fd;                                       \
                                                                \
        GET_MODE(flags, mode);                                  \
        if (open_special(path, &fd)) {                          \
            return fd;                                          \
        }                                                       \
        if (!next) {                                            \
            *(void **) &next = dlsym(RTLD_NEXT, #NAME);         \
        }                                                       \
        return next(path, flags, mode);                         \
    }

#define DEFINE_OPENAT(NAME)                                     \
    int                                                         \
    NAME(int dirfd, const char *path, int flags, ...)           \
    {                                                           \
        static int (*next)(int, const char *, int, ...);        \
        int mode = 0, fd;                                       \
                                                                \
        GET_MODE(flags, mode);                                  \
        if (open_special(path, &fd)) {                          \
            return fd;                                          \
        }                                                       \
        if (!next) {                                            \
            *(void **) &next = dlsym(RTLD_NEXT, #NAME);         \
        }                                                       \
        return next(dirfd, path, flags, mode);                  \
    }

#define DEFINE_FOPEN(NAME)                                      \
    FILE *                                                      \
    NAME(const char *path, const char *mode)                    \
    {                                                           \
        static FILE *(*next)(const char *, const char *);       \
        int fd;                                                 \
                                                                \
        if (open_special(path, &fd)) {                          \
            return fd < 0 ? NULL : fdopen(fd, mode);            \
        }                                                       \
        if (!next) {                                            \
            *(void **) &next = dlsym(RTLD_NEXT, #NAME);         \
        }                                                       \
        return next(path, mode);                                \
    }

DEFINE_OPEN(open)
DEFINE_OPEN(open64)
DEFINE_OPENAT(openat)
DEFINE_OPENAT(openat64)
DEFINE_FOPEN(fopen)
DEFINE_FOPEN(fopen64)
