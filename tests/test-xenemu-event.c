/* SPDX-License-Identifier: Apache-2.0 */

/* Tests of the emulated host: event channels. */

#include "test-xenemu.h"

#include <dirent.h>
#include <pthread.h>

#include <xen/xen.h>

struct pair {
    xenevtchn_handle *dom0, *guest;
    int dom0_port, guest_port;
};

static xenevtchn_handle *
evtchn_open(int domid)
{
    xenemu_act_as(domid);
    xenevtchn_handle *xce = xenevtchn_open(NULL, 0);
    xenemu_act_as(0);

    assert_non_null(xce);
    int fd = xenevtchn_fd(xce);
    assert_int_equal(fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK), 0);
    return xce;
}

static bool
is_readable(xenevtchn_handle *xce)
{
    struct pollfd pfd = { .fd = xenevtchn_fd(xce), .events = POLLIN };

    return poll(&pfd, 1, 0) == 1 && pfd.revents & POLLIN;
}

static void
assert_no_event(xenevtchn_handle *xce)
{
    assert_false(is_readable(xce));
    assert_int_equal(xenevtchn_pending(xce), -1);
    assert_int_equal(errno, EAGAIN);
}

static void
assert_event(xenevtchn_handle *xce, int port)
{
    assert_true(is_readable(xce));
    assert_int_equal(xenevtchn_pending(xce), port);
}

/* A connection between domain 0 and the guest, without events. */
static struct pair
connect_pair(void)
{
    struct pair p = { .dom0 = evtchn_open(0), .guest = evtchn_open(GUEST) };

    p.guest_port = xenevtchn_bind_unbound_port(p.guest, 0);
    assert_true(p.guest_port > 0);
    p.dom0_port = xenevtchn_bind_interdomain(p.dom0, GUEST, p.guest_port);
    assert_true(p.dom0_port > 0);

    /* Whoever binds is always told once. */
    assert_event(p.dom0, p.dom0_port);
    assert_no_event(p.dom0);
    assert_int_equal(xenevtchn_unmask(p.dom0, p.dom0_port), 0);
    assert_no_event(p.dom0);
    assert_no_event(p.guest);
    return p;
}

static void
close_pair(struct pair *p)
{
    assert_int_equal(xenevtchn_close(p->dom0), 0);
    assert_int_equal(xenevtchn_close(p->guest), 0);
}

static void
test_masking(void **state)
{
    struct pair p = connect_pair();

    (void) state;
    assert_int_equal(xenevtchn_notify(p.dom0, p.dom0_port), 0);
    assert_event(p.guest, p.guest_port);

    /* Masked until it says that it is ready, then once for any number. */
    assert_int_equal(xenevtchn_notify(p.dom0, p.dom0_port), 0);
    assert_int_equal(xenevtchn_notify(p.dom0, p.dom0_port), 0);
    assert_no_event(p.guest);
    assert_int_equal(xenevtchn_unmask(p.guest, p.guest_port), 0);
    assert_event(p.guest, p.guest_port);
    assert_no_event(p.guest);
    assert_int_equal(xenevtchn_unmask(p.guest, p.guest_port), 0);
    assert_no_event(p.guest);
    assert_int_equal(xenevtchn_unmask(p.guest, p.guest_port), 0);
    assert_no_event(p.guest);

    assert_int_equal(xenevtchn_notify(p.guest, p.guest_port), 0);
    assert_event(p.dom0, p.dom0_port);
    assert_int_equal(COUNTER(0, notifies), 3);
    assert_int_equal(COUNTER(GUEST, events), 2);
    assert_int_equal(COUNTER(GUEST, notifies), 1);
    close_pair(&p);
}

static void
test_bind_rules(void **state)
{
    struct pair p = connect_pair();

    (void) state;
    /* Bound already. */
    assert_int_equal(xenevtchn_bind_interdomain(p.dom0, GUEST, p.guest_port),
                     -1);
    assert_int_equal(errno, EINVAL);
    /* Not there, or not for us. */
    assert_int_equal(xenevtchn_bind_interdomain(p.dom0, GUEST, 77), -1);
    assert_int_equal(errno, EINVAL);
    assert_int_equal(xenevtchn_bind_interdomain(p.dom0, GUEST, 1u << 30), -1);
    assert_int_equal(errno, EINVAL);
    int port = xenevtchn_bind_unbound_port(p.guest, 3);
    assert_int_equal(xenevtchn_bind_interdomain(p.dom0, GUEST, port), -1);
    assert_int_equal(errno, EINVAL);
    assert_int_equal(xenevtchn_bind_interdomain(p.dom0, 99, 1), -1);
    assert_int_equal(errno, ESRCH);
    assert_int_equal(COUNTER(0, violations), 5);

    assert_int_equal(xenevtchn_notify(p.dom0, 500), -1);
    assert_int_equal(errno, ENOTCONN);
    assert_int_equal(xenevtchn_unbind(p.dom0, 500), -1);
    assert_int_equal(errno, ENOTCONN);
    close_pair(&p);
}

static void
test_port_belongs_to_handle(void **state)
{
    struct pair p = connect_pair();
    xenevtchn_handle *other = evtchn_open(0);

    (void) state;
    assert_int_equal(xenevtchn_notify(other, p.dom0_port), -1);
    assert_int_equal(errno, ENOTCONN);
    assert_int_equal(xenevtchn_unmask(other, p.dom0_port), 0);
    xenevtchn_close(other);
    close_pair(&p);
}

static void
test_closed_peer(void **state)
{
    struct pair p = connect_pair();
    uint32_t n_mapped, n_ports;

    (void) state;
    assert_int_equal(xenevtchn_notify(p.guest, p.guest_port), 0);
    assert_int_equal(xenevtchn_unbind(p.dom0, p.dom0_port), 0);
    /* What was still unread is gone with the port. */
    assert_int_equal(xenevtchn_pending(p.dom0), -1);
    assert_int_equal(errno, EAGAIN);

    /* Nobody hears it, and that is no error. */
    assert_int_equal(xenevtchn_notify(p.guest, p.guest_port), 0);
    assert_no_event(p.guest);

    /* The same domain can bind again, and another cannot. */
    int port = xenevtchn_bind_interdomain(p.dom0, GUEST, p.guest_port);
    assert_true(port > 0);
    assert_event(p.dom0, port);
    assert_int_equal(xenevtchn_unmask(p.dom0, port), 0);
    assert_int_equal(xenevtchn_notify(p.guest, p.guest_port), 0);
    assert_event(p.dom0, port);
    assert_int_equal(xenevtchn_notify(p.dom0, port), 0);
    assert_event(p.guest, p.guest_port);

    /* And now the guest's end goes. */
    assert_int_equal(xenevtchn_close(p.guest), 0);
    assert_int_equal(xenevtchn_notify(p.dom0, port), 0);
    assert_int_equal(xenevtchn_close(p.dom0), 0);
    assert_int_equal(xenemu_get_usage(NULL, GUEST, &n_mapped, &n_ports), 0);
    assert_int_equal(n_ports, 0);
    assert_int_equal(xenemu_get_usage(NULL, 0, &n_mapped, &n_ports), 0);
    assert_int_equal(n_ports, 0);
}

static int
bind_body(void *port)
{
    xenemu_act_as(0);
    xenevtchn_handle *xce = xenevtchn_open(NULL, 0);

    return (xce ? xenevtchn_bind_interdomain(xce, GUEST, *(int *) port)
            : -1);
}

/* The event channel is the lock that keeps a second backend out, and the
 * death of the first must open it at once. */
static void
test_killed_backend(void **state)
{
    xenevtchn_handle *guest = evtchn_open(GUEST), *dom0 = evtchn_open(0);
    int guest_port = xenevtchn_bind_unbound_port(guest, 0);
    DIR *dir;

    for (int i = 0; i < 20; i++) {
        struct child child = start_child(bind_body, &guest_port);
        assert_true(child.result > 0);
        assert_int_equal(xenevtchn_bind_interdomain(dom0, GUEST, guest_port),
                         -1);
        assert_int_equal(errno, EINVAL);
        kill_child(&child);

        /* The guest has noticed nothing. */
        assert_int_equal(xenevtchn_notify(guest, guest_port), 0);
        int port = xenevtchn_bind_interdomain(dom0, GUEST, guest_port);
        assert_true(port > 0);
        assert_event(dom0, port);
        assert_int_equal(xenevtchn_unbind(dom0, port), 0);
    }
    xenevtchn_close(guest);
    xenevtchn_close(dom0);

    /* No FIFO of the killed ones stays behind. */
    struct env *env = *state;
    assert_non_null(dir = opendir(env->dir));
    struct dirent *entry;
    while ((entry = readdir(dir))) {
        assert_int_not_equal(strncmp(entry->d_name, "ev.", 3), 0);
    }
    closedir(dir);
}

static unsigned int
count_descriptors(void)
{
    DIR *dir = opendir("/proc/self/fd");
    unsigned int n = 0;

    assert_non_null(dir);
    while (readdir(dir)) {
        n++;
    }
    closedir(dir);
    return n;
}

/* Descriptors that are kept open for notifying peers must not pile up. */
static void
test_descriptors(void **state)
{
    xenevtchn_handle *dom0 = evtchn_open(0);
    unsigned int n = count_descriptors();

    (void) state;
    for (int i = 0; i < 200; i++) {
        xenevtchn_handle *guest = evtchn_open(GUEST);
        int guest_port = xenevtchn_bind_unbound_port(guest, 0);
        int port = xenevtchn_bind_interdomain(dom0, GUEST, guest_port);

        assert_event(dom0, port);
        assert_int_equal(xenevtchn_notify(dom0, port), 0);
        assert_event(guest, guest_port);
        assert_int_equal(xenevtchn_unbind(dom0, port), 0);
        xenevtchn_close(guest);
    }
    assert_int_equal(count_descriptors(), n);
    xenevtchn_close(dom0);
}

static void
test_blocking_pending(void **state)
{
    struct pair p = connect_pair();
    int fd = xenevtchn_fd(p.guest);

    (void) state;
    assert_int_equal(fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (!pid) {
        usleep(20000);
        _exit(0);
    }
    assert_int_equal(xenevtchn_notify(p.dom0, p.dom0_port), 0);
    assert_int_equal(xenevtchn_pending(p.guest), p.guest_port);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    close_pair(&p);
}

/* The port over which a guest talks to xenstored outlives the processes that
 * run the guest. */
static void
test_store_port(void **state)
{
    struct env *env = *state;
    uint32_t store_port = xenemu_dom_store_port(env->guest);
    xenevtchn_handle *xenstored = evtchn_open(0);
    int port = xenevtchn_bind_interdomain(xenstored, GUEST, store_port);

    assert_true(port > 0);
    assert_event(xenstored, port);
    assert_int_equal(xenevtchn_unmask(xenstored, port), 0);
    for (int i = 0; i < 3; i++) {
        xenevtchn_handle *guest = evtchn_open(GUEST);
        xenevtchn_handle *second = evtchn_open(GUEST);

        /* Nobody listens yet: it is told when somebody does. */
        assert_int_equal(xenevtchn_notify(xenstored, port), 0);
        assert_int_equal(xenemu_evtchn_adopt(env->guest, guest, store_port),
                         0);
        assert_int_equal(xenemu_evtchn_adopt(env->guest, second, store_port),
                         -EBUSY);
        assert_event(guest, store_port);
        assert_no_event(guest);
        assert_int_equal(xenevtchn_unmask(guest, store_port), 0);
        assert_int_equal(xenevtchn_notify(guest, store_port), 0);
        assert_event(xenstored, port);
        assert_int_equal(xenevtchn_unmask(xenstored, port), 0);
        xenevtchn_close(guest);
        xenevtchn_close(second);
    }
    xenevtchn_handle *guest = evtchn_open(GUEST);
    assert_int_equal(xenemu_evtchn_adopt(env->guest, guest, 55), -EINVAL);
    xenevtchn_close(guest);
    xenevtchn_close(xenstored);
}

static void
test_virq(void **state)
{
    xenevtchn_handle *xce = evtchn_open(0);
    int port = xenevtchn_bind_virq(xce, VIRQ_DOM_EXC);

    (void) state;
    assert_true(port > 0);
    assert_int_equal(xenevtchn_bind_virq(xce, VIRQ_DOM_EXC), -1);
    assert_int_equal(errno, EEXIST);
    assert_no_event(xce);
    xh_raise_virq(xh_slot(0), VIRQ_DOM_EXC);
    assert_event(xce, port);
    assert_int_equal(xenevtchn_notify(xce, port), -1);
    assert_int_equal(errno, EINVAL);
    xenevtchn_close(xce);
}

static void
test_restrict(void **state)
{
    xenevtchn_handle *xce = evtchn_open(0), *guest = evtchn_open(GUEST);
    int port = xenevtchn_bind_unbound_port(guest, 0);

    (void) state;
    assert_int_equal(xenevtchn_restrict(xce, GUEST), 0);
    assert_int_equal(xenevtchn_restrict(xce, 5), -1);
    assert_int_equal(xenevtchn_bind_unbound_port(xce, 5), -1);
    assert_int_equal(errno, EACCES);
    assert_int_equal(xenevtchn_bind_virq(xce, 0), -1);
    assert_true(xenevtchn_bind_interdomain(xce, GUEST, port) > 0);
    xenevtchn_close(xce);
    xenevtchn_close(guest);
}

static void
test_destroyed_domain(void **state)
{
    struct pair p = connect_pair();

    (void) state;
    assert_int_equal(xenemu_domain_destroy(NULL, GUEST), 0);
    assert_int_equal(xenevtchn_notify(p.dom0, p.dom0_port), 0);
    assert_int_equal(xenevtchn_notify(p.guest, p.guest_port), -1);
    assert_int_equal(errno, ESRCH);
    assert_int_equal(xenevtchn_bind_interdomain(p.dom0, GUEST, p.guest_port),
                     -1);
    close_pair(&p);
}

static void
test_faults(void **state)
{
    struct pair p = connect_pair();

    (void) state;
    assert_int_equal(xenemu_set_fault(NULL, "notify", -1, EIO, 0, 1), 0);
    assert_int_equal(xenevtchn_notify(p.dom0, p.dom0_port), -1);
    assert_int_equal(errno, EIO);
    assert_no_event(p.guest);
    assert_int_equal(xenemu_set_fault(NULL, "bind", -1, ENOSPC, 0, 1), 0);
    assert_int_equal(xenevtchn_bind_unbound_port(p.guest, 0), -1);
    assert_int_equal(errno, ENOSPC);
    assert_int_equal(xenemu_set_fault(NULL, "unbind", -1, EINTR, 0, 1), 0);
    assert_int_equal(xenevtchn_unbind(p.dom0, p.dom0_port), -1);
    assert_int_equal(errno, EINTR);
    assert_int_equal(xenevtchn_unbind(p.dom0, p.dom0_port), 0);
    close_pair(&p);
}

/* Two processes that answer each other's events: none may get lost. */
static int
echo_body(void *guest_port)
{
    xenemu_act_as(0);
    xenevtchn_handle *xce = xenevtchn_open(NULL, 0);
    int port = xce ? xenevtchn_bind_interdomain(xce, GUEST,
                                                *(int *) guest_port) : -1;

    if (port < 0) {
        return -1;
    }
    pid_t pid = fork();
    if (!pid) {
        for (;;) {
            pause();            /* Only to see that a child does no harm. */
        }
    }
    for (int i = 0; i < 5001; i++) {
        if (xenevtchn_pending(xce) != port || xenevtchn_unmask(xce, port)
            || xenevtchn_notify(xce, port)) {
            return -2;
        }
    }
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    return 0;
}

static void *
echo_guest(void *p_)
{
    struct pair *p = p_;

    for (int i = 0; i < 5000; i++) {
        if (xenevtchn_pending(p->guest) != p->guest_port
            || xenevtchn_unmask(p->guest, p->guest_port)
            || xenevtchn_notify(p->guest, p->guest_port)) {
            return (void *) 1;
        }
    }
    return NULL;
}

static void
test_ping_pong(void **state)
{
    struct pair p = { .guest = evtchn_open(GUEST) };
    int fd = xenevtchn_fd(p.guest);
    pthread_t thread;
    void *failed;

    (void) state;
    p.guest_port = xenevtchn_bind_unbound_port(p.guest, 0);
    assert_int_equal(fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK), 0);
    assert_int_equal(pthread_create(&thread, NULL, echo_guest, &p), 0);
    struct child child = start_child(echo_body, &p.guest_port);
    assert_int_equal(child.result, 0);
    pthread_join(thread, &failed);
    assert_null(failed);
    kill_child(&child);
    xenevtchn_close(p.guest);
}

#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_masking),
        TEST(test_bind_rules),
        TEST(test_port_belongs_to_handle),
        TEST(test_closed_peer),
        TEST(test_killed_backend),
        TEST(test_descriptors),
        TEST(test_blocking_pending),
        TEST(test_store_port),
        TEST(test_virq),
        TEST(test_restrict),
        TEST(test_destroyed_domain),
        TEST(test_faults),
        TEST(test_ping_pong),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
