/* SPDX-License-Identifier: Apache-2.0 */

#ifndef TEST_XENEMU_H
#define TEST_XENEMU_H 1

/* What the tests of the emulated host share: a host of their own in a scratch
 * folder, with a guest, and children that take part in it. */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include <xenevtchn.h>
#include <xengnttab.h>

#include "xenemu-admin.h"
#include "hypervisor/host.h"
#include "xenemu.h"

#define GUEST 7                 /* Domid of the guest of each test. */
#define GUEST_PAGES 64

struct env {
    char dir[64];
    struct xenemu_dom *guest;
};

static int
setup(void **state)
{
    struct env *env = calloc(1, sizeof *env);

    assert_non_null(env);
    strcpy(env->dir, "/dev/shm/test-xenemu.XXXXXX");
    assert_non_null(mkdtemp(env->dir));
    setenv("XENEMU_DIR", env->dir, true);
    unsetenv("XENEMU_DOMID");
    assert_int_equal(xenemu_host_create(env->dir, 4096), 0);
    assert_int_equal(xenemu_domain_create(NULL, GUEST, GUEST_PAGES), GUEST);
    env->guest = xenemu_dom_open(NULL, GUEST);
    assert_non_null(env->guest);

    /* The tests are the backend; only what says otherwise is the guest. */
    xenemu_act_as(0);
    *state = env;
    return 0;
}

static int
teardown(void **state)
{
    struct env *env = *state;

    xenemu_dom_close(env->guest);
    /* Not 0 after a test that failed: the next one must not suffer. */
    xh.n_users = 0;
    assert_int_equal(xenemu_host_remove(env->dir), 0);
    assert_int_equal(access(env->dir, F_OK), -1);
    free(env);
    return 0;
}

/* A process of its own that runs 'body', tells us that it is ready when that
 * returns, and then waits to be killed. */
struct child {
    pid_t pid;
    int result;                 /* What 'body' returned. */
};

static inline struct child
start_child(int (*body)(void *), void *aux)
{
    struct child child = { .result = -1 };
    int fds[2];

    assert_int_equal(pipe(fds), 0);
    child.pid = fork();
    assert_true(child.pid >= 0);
    if (!child.pid) {
        /* A test that fails does not come to its kill_child(). */
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        close(fds[0]);
        int result = body(aux);
        if (write(fds[1], &result, sizeof result) != sizeof result) {
            _exit(1);
        }
        for (;;) {
            pause();
        }
    }
    close(fds[1]);
    assert_int_equal(read(fds[0], &child.result, sizeof child.result),
                     sizeof child.result);
    close(fds[0]);
    return child;
}

static inline void
kill_child(struct child *child)
{
    int status;

    assert_int_equal(kill(child->pid, SIGKILL), 0);
    assert_int_equal(waitpid(child->pid, &status, 0), child->pid);
    assert_true(WIFSIGNALED(status));
}

static inline uint64_t
counter(uint16_t domid, size_t offset)
{
    struct xenemu_counters counters;

    assert_int_equal(xenemu_get_counters(NULL, domid, &counters), 0);
    return *(uint64_t *) ((char *) &counters + offset);
}
#define COUNTER(DOMID, NAME) \
    counter(DOMID, offsetof(struct xenemu_counters, NAME))

#endif /* test-xenemu.h */
