/* SPDX-License-Identifier: Apache-2.0 */

/* Unit test: ways to XenStore, and a xenstored that is not there.  The library
 * is replaced by one with a device that can always be opened, and a socket
 * that is there while xenstored is. */

#include <config.h>

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xenstore.h>

#include <cmocka.h>

#include "openvswitch/poll-loop.h"
#include "openvswitch/vlog.h"
#include "ovs-thread.h"
#include "socket-util.h"
#include "timeval.h"
#include "util.h"
#include "xen/xenvif-store.h"

#define TIME_LIMIT_S 300

struct xs_handle {
    bool is_socket;
    unsigned int life;          /* Of xenstored, when this was opened. */
};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static bool has_socket;         /* In this domain, while it runs. */
static bool has_device = true;
static bool running;            /* xenstored. */
static unsigned int life;
static bool refuses;            /* The device: everything, at once. */
static unsigned int n_open, n_waiting;
static unsigned int n_opened;   /* So far. */
static int pipe_fds[2];

struct xs_handle *
xs_open(unsigned long flags)
{
    struct xs_handle *xs = NULL;

    pthread_mutex_lock(&mutex);
    if ((has_socket && running)
        || (has_device && !(flags & XS_OPEN_SOCKETONLY))) {
        xs = xmalloc(sizeof *xs);
        xs->is_socket = has_socket && running;
        xs->life = life;
        n_open++;
        n_opened++;
    } else {
        errno = ENOENT;
    }
    pthread_mutex_unlock(&mutex);
    return xs;
}

void
xs_close(struct xs_handle *xs)
{
    pthread_mutex_lock(&mutex);
    n_open--;
    pthread_mutex_unlock(&mutex);
    free(xs);
}

int
xs_fileno(struct xs_handle *xs OVS_UNUSED)
{
    return pipe_fds[0];
}

/* A socket breaks; a request to the device waits for the next xenstored. */
void *
xs_read(struct xs_handle *xs, xs_transaction_t t OVS_UNUSED,
        const char *path OVS_UNUSED, unsigned int *len OVS_UNUSED)
{
    void *value = NULL;

    pthread_mutex_lock(&mutex);
    n_waiting++;
    pthread_cond_broadcast(&changed);
    while (!xs->is_socket && !running && !refuses) {
        pthread_cond_wait(&changed, &mutex);
    }
    n_waiting--;
    if (refuses) {
        errno = EACCES;
    } else if (!xs->is_socket || (running && xs->life == life)) {
        value = xstrdup("0");
    } else {
        errno = EIO;
    }
    pthread_mutex_unlock(&mutex);
    return value;
}

static void
set_running(bool running_)
{
    pthread_mutex_lock(&mutex);
    running = running_;
    life += running;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&mutex);
}

/* Waits until a request to the device waits. */
static void
wait_for_request(void)
{
    pthread_mutex_lock(&mutex);
    while (!n_waiting) {
        pthread_cond_wait(&changed, &mutex);
    }
    pthread_mutex_unlock(&mutex);
}

/* What the control thread does until it is, or is not, connected. */
static void
run_until(bool connected)
{
    unsigned int generation;

    while (xenvif_store_run(&generation) != connected) {
        xenvif_store_wait();
        poll_block();
    }
}

/* Not connected, and stays so for some turns, none of which blocks. */
static void
expect_no_connection(void)
{
    long long int end = time_msec() + 1200;
    unsigned int generation;

    do {
        assert_false(xenvif_store_run(&generation));
        xenvif_store_wait();
        poll_timer_wait(100);
        poll_block();
    } while (time_msec() < end);
}

static unsigned int
get_n_open(void)
{
    unsigned int n;

    pthread_mutex_lock(&mutex);
    n = n_open;
    pthread_mutex_unlock(&mutex);
    return n;
}

static unsigned int
get_generation(void)
{
    unsigned int generation;

    assert_true(xenvif_store_run(&generation));
    return generation;
}

/* Only one connection is left open in the end. */
static void
expect_one_connection(void)
{
    while (get_n_open() != 1) {
        usleep(1000);
    }
}

static int
teardown(void **state OVS_UNUSED)
{
    xenvif_store_close();
    set_running(true);
    while (get_n_open()) {
        unsigned int generation;

        /* A device that answered is closed by whoever gets it. */
        usleep(1000);
        if (xenvif_store_run(&generation)) {
            xenvif_store_close();
        }
    }
    has_socket = false;
    set_running(false);
    return 0;
}

static void
test_killed_and_back(void **state OVS_UNUSED)
{
    unsigned int generation;

    has_socket = true;
    set_running(true);
    run_until(true);
    generation = get_generation();
    set_running(false);
    run_until(false);
    wait_for_request();
    expect_no_connection();
    set_running(true);
    run_until(true);
    assert_int_not_equal(get_generation(), generation);
    expect_one_connection();
    assert_int_equal(get_n_open(), 1);

    /* It is the socket: the device would make us wait for ever. */
    set_running(false);
    run_until(false);
}

/* The switch starts first. */
static void
test_first_of_a_boot(void **state OVS_UNUSED)
{
    has_socket = true;
    expect_no_connection();
    wait_for_request();
    set_running(true);
    run_until(true);
    expect_one_connection();
    set_running(false);
    run_until(false);
}

/* In a driver domain there is but the device. */
static void
test_device(void **state OVS_UNUSED)
{
    expect_no_connection();
    wait_for_request();
    set_running(true);
    run_until(true);
    get_generation();
    expect_one_connection();
}

static void
test_device_at_once(void **state OVS_UNUSED)
{
    set_running(true);
    run_until(true);
    expect_one_connection();
}

/* What does not work is not tried without a break. */
static void
test_device_refuses(void **state OVS_UNUSED)
{
    long long int start = time_msec();
    unsigned int before = n_opened;

    refuses = true;
    expect_no_connection();
    assert_in_range(n_opened - before, 1,
                    (time_msec() - start) / 1000 + 2);
    refuses = false;
    set_running(true);
    run_until(true);
    expect_one_connection();
}

static void
test_nothing(void **state OVS_UNUSED)
{
    has_device = false;
    expect_no_connection();
    assert_int_equal(get_n_open(), 0);
    has_device = true;
}

#define TEST(NAME) cmocka_unit_test_teardown(NAME, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_killed_and_back),
        TEST(test_first_of_a_boot),
        TEST(test_device),
        TEST(test_device_at_once),
        TEST(test_device_refuses),
        TEST(test_nothing),
    };

    /* Whoever waits for an answer that does not come is ended by this. */
    alarm(TIME_LIMIT_S);
    vlog_set_levels(NULL, VLF_ANY_DESTINATION, VLL_OFF);
    xpipe_nonblocking(pipe_fds);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
