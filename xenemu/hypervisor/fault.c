/* SPDX-License-Identifier: Apache-2.0 */

/* What users of the emulation asked it to do on top: charge a cost for calls,
 * let calls fail, and complain about uses that Xen would have refused. */

#include "hypervisor/host.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <xen/xen.h>
#include <xen/grant_table.h>

const char *const xh_call_names[XH_N_CALLS] = {
#define XH_CALL(NAME) #NAME,
    XH_CALLS
#undef XH_CALL
};

bool xh_costs_any;
uint32_t xh_costs[XH_N_CALLS];

/* Monotonic time in nanoseconds. */
uint64_t
xh_now(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t) ts.tv_sec * 1000000000 + ts.tv_nsec;
}

/* A hypercall keeps the CPU, so this does not sleep. */
void
xh_spin_until(uint64_t deadline)
{
    while (xh_now() < deadline) {
        continue;
    }
}

static void
set_cost(const char *text)
{
    char name[32];
    unsigned int ns;

    if (sscanf(text, "%31[a-z]=%u", name, &ns) == 2) {
        for (int i = 0; i < XH_N_CALLS; i++) {
            if (!strcmp(name, xh_call_names[i])) {
                xh_costs[i] = ns;
                xh_costs_any |= ns > 0;
                return;
            }
        }
    }
    fprintf(stderr, "xenemu: XENEMU_COST: \"%s\" is not understood\n", text);
}

/* Reads $XENEMU_COST: "call=nanoseconds,...". */
void
xh_costs_init(void)
{
    const char *env = getenv("XENEMU_COST");
    char *copy, *text, *save = NULL;

    if (!env || !(copy = strdup(env))) {
        return;
    }
    for (text = strtok_r(copy, ", ", &save); text;
         text = strtok_r(NULL, ", ", &save)) {
        set_cost(text);
    }
    free(copy);
}

/* The part of xh_fault() for when a fault of 'call' is armed. */
int
xh_fault_slow(enum xh_call call, uint16_t domid)
{
    struct xh_fault *fault = &xh.host->faults[call];
    int32_t only = atomic_load(&fault->domid);

    if (only >= 0 && only != domid) {
        return 0;
    }
    if (atomic_load(&fault->skip) > 0
        && atomic_fetch_sub(&fault->skip, 1) > 0) {
        return 0;
    }
    int64_t left = atomic_fetch_sub(&fault->count, 1);
    if (left == 1) {
        atomic_fetch_and(&xh.host->faults_armed, ~(1u << call));
    }
    if (left <= 0) {
        return 0;
    }
    atomic_fetch_add(&fault->hits, 1);
    return atomic_load(&fault->value);
}

/* Name of a grant table status, as Xen's headers spell it. */
const char *
xh_status_name(int status)
{
    static const char *const names[] = {
        "okay", "general_error", "bad_domain", "bad_gntref", "bad_handle",
        "bad_virt_addr", "bad_dev_addr", "no_device_space",
        "permission_denied", "bad_page", "bad_copy_arg", "address_too_big",
        "eagain", "no_space",
    };

    return (status <= 0 && -status < (int) (sizeof names / sizeof names[0])
            ? names[-status] : "unknown");
}

/* May one more line be logged now?  Ten at once, then five per second.  Tells
 * how many were left out before this one. */
static bool
may_log(unsigned int *n_left_out)
{
    static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    static uint64_t last;
    static uint64_t credit = 10ULL * 200000000;
    static unsigned int left_out;
    bool ok;

    pthread_mutex_lock(&mutex);
    uint64_t now = xh_now();
    credit += last ? now - last : 0;
    last = now;
    if (credit > 10ULL * 200000000) {
        credit = 10ULL * 200000000;
    }
    ok = credit >= 200000000;
    if (ok) {
        credit -= 200000000;
        *n_left_out = left_out;
        left_out = 0;
    } else {
        left_out++;
    }
    pthread_mutex_unlock(&mutex);
    return ok;
}

/* Writes a line to the file "log" in the host's folder and, with
 * XENEMU_VERBOSE=1, to stderr. */
void
xh_log(const char *format, ...)
{
    static int verbose = -1;
    char line[512];
    unsigned int n_left_out;
    va_list args;

    if (!may_log(&n_left_out)) {
        return;
    }
    int n = snprintf(line, sizeof line, "%s[%ld]: ",
                     program_invocation_short_name, (long) getpid());
    va_start(args, format);
    n += vsnprintf(line + n, sizeof line - n, format, args);
    va_end(args);
    if (n > (int) sizeof line - 40) {
        n = sizeof line - 40;
    }
    if (n_left_out) {
        n += snprintf(line + n, sizeof line - n, " (%u left out)",
                      n_left_out);
    }
    line[n++] = '\n';

    int fd = openat(xh.dirfd, "log", O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC,
                    0666);
    if (fd >= 0) {
        ssize_t ignored = write(fd, line, n);
        (void) ignored;
        close(fd);
    }
    if (verbose < 0) {
        const char *env = getenv("XENEMU_VERBOSE");
        verbose = env && atoi(env) > 0;
    }
    if (verbose) {
        fprintf(stderr, "xenemu: %.*s", n, line);
    }
}

/* Domain 'domid' did in 'call', with reference or port 'ref' of domain 'peer',
 * what Xen would have refused with 'status' (a grant status or XH_ERRNO()). */
void
xh_violation(uint16_t domid, const char *call, int status, uint16_t peer,
             uint32_t ref, const char *why)
{
    uint8_t slot = xh_slot(domid);

    if (slot != XH_NO_SLOT) {
        xh_count(slot, XH_CNT_violations, 1);
    }
    xh_log("violation: domain %u: %s of %u in domain %u: %s%s: %s",
           domid, call, ref, peer, status <= XH_ERRNO(0) ? "" : "GNTST_",
           (status <= XH_ERRNO(0) ? strerror(XH_ERRNO(0) - status)
            : xh_status_name(status)), why);
}
