/* SPDX-License-Identifier: Apache-2.0 */

/* A guest of an emulated Xen host: a complete network frontend as a process.
 *
 * This file starts the parts, waits for XenStore, signals and orders, and
 * ends them again. */

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>
#include <xenevtchn.h>

#include "guest/bus.h"
#include "guest/counters.h"
#include "guest/cring.h"
#include "guest/ctl-client.h"
#include "guest/ctl.h"
#include "guest/error.h"
#include "guest/gen.h"
#include "guest/guest.h"
#include "guest/hash.h"
#include "guest/help.h"
#include "guest/keys.h"
#include "guest/log.h"
#include "guest/multicast.h"
#include "guest/options.h"
#include "guest/orders.h"
#include "guest/pages.h"
#include "guest/tap.h"
#include "guest/xdp.h"
#include "guest/xs-ring.h"
#include "xenemu.h"

/* Attaches to the domain and to xenstored.  Returns false after reporting
 * why not. */
static bool
open_domain(struct guest *g)
{
    struct xenevtchn_handle *xce;
    uint32_t port;
    int error;

    g->dom = xenemu_dom_open(NULL, g->cfg.domid);
    if (!g->dom) {
        guest_log(g, "cannot open domain: %s", strerror(errno));
        return false;
    }
    xce = xenevtchn_open(NULL, 0);
    if (!xce) {
        guest_log(g, "cannot open event channels: %s", strerror(errno));
        return false;
    }
    port = xenemu_dom_store_port(g->dom);
    error = xenemu_evtchn_adopt(g->dom, xce, port);
    if (error) {
        guest_log(g, "cannot take over port %u to xenstored: %s", port,
                  strerror(-error));
        xenevtchn_close(xce);
        return false;
    }
    g->xs = xs_ring_open(xenemu_dom_page(g->dom, XENEMU_STORE_PFN), xce,
                         port);
    if (!g->xs) {
        guest_log(g, "xenstored does not answer: %s", strerror(errno));
        return false;
    }
    return true;
}

static bool
open_device(struct guest *g)
{
    int error = guest_pages_lock(g);
    char *text;

    if (error) {
        guest_log(g, "cannot lock: %s", strerror(-error));
        return false;
    }
    g->fixed_grefs = calloc(xenemu_dom_n_pages(g->dom),
                            sizeof *g->fixed_grefs);
    if (!g->fixed_grefs || guest_cring_open(g) || guest_hash_open(g)
        || guest_xdp_open(g) || guest_multicast_open(g)) {
        guest_log(g, "out of memory");
        return false;
    }
    error = guest_bus_open(g);
    if (error) {
        guest_log(g, "no network device %u: %s", g->cfg.devid,
                  strerror(-error));
        return false;
    }
    if (!g->cfg.mac_set && guest_keys_read_mac(g, g->cfg.mac)) {
        guest_log(g, "the toolstack gave no MAC address");
        return false;
    }
    error = guest_tap_open(g);
    if (error) {
        guest_log(g, "cannot create TAP device %s: %s", g->cfg.tap,
                  strerror(-error));
        return false;
    }
    text = g->cfg.pktgen ? guest_gen_start(g, g->cfg.pktgen) : NULL;
    if (text) {
        guest_log(g, "%s", text);
        free(text);
        return false;
    }
    error = guest_ctl_open(g);
    if (error) {
        guest_log(g, "cannot open control socket: %s", strerror(-error));
        return false;
    }
    return true;
}

static void
drain_events(struct guest *g)
{
    const char *token;
    uint64_t value;
    char *path;

    /* What happened is found out by looking. */
    while ((path = xs_ring_next_event(g->xs, &token))) {
        free(path);
    }
    if (read(g->order_fd, &value, sizeof value) < 0 && errno != EAGAIN) {
        guest_log(g, "eventfd read failed");
    }
}

/* The first signal unloads the driver, the second one ends the wait. */
static bool
take_signal(struct guest *g, int signal_fd)
{
    static bool asked;
    struct signalfd_siginfo info;

    if (read(signal_fd, &info, sizeof info) != sizeof info) {
        return true;
    }
    if (asked) {
        g->exit_code = GUEST_EXIT_ERROR;
        return false;
    }
    asked = true;
    guest_bus_order(g, GUEST_GOAL_EXIT);
    return true;
}

static void
run(struct guest *g, int signal_fd)
{
    struct pollfd fds[3] = {
        { .fd = xs_ring_event_fd(g->xs), .events = POLLIN },
        { .fd = g->order_fd, .events = POLLIN },
        { .fd = signal_fd, .events = POLLIN },
    };

    while (guest_bus_run(g)) {
        int n = poll(fds, 3, 500);

        if (n > 0 && fds[2].revents && !take_signal(g, signal_fd)) {
            break;
        }
        drain_events(g);
    }
}

static int
block_signals(void)
{
    sigset_t set;

    signal(SIGPIPE, SIG_IGN);
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static void
init_guest(struct guest *g)
{
    pthread_condattr_t attr;

    memset(g, 0, sizeof *g);
    guest_config_init(&g->cfg);
    pthread_mutex_init(&g->mutex, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&g->cond, &attr);
    pthread_condattr_destroy(&attr);
    g->order_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
}

int
main(int argc, char *argv[])
{
    static struct guest guest;
    struct guest *g = &guest;
    int signal_fd;
    char *error;

    if (argc > 1 && !strcmp(argv[1], "--help")) {
        guest_usage(stdout);
        return GUEST_EXIT_OK;
    }
    if (argc > 1 && !strcmp(argv[1], "ctl")) {
        return guest_ctl_main(argv + 2);
    }
    init_guest(g);
    error = guest_config_parse_env(&g->cfg);
    if (!error) {
        error = guest_config_parse_args(&g->cfg, argv + 1);
    }
    if (error) {
        fprintf(stderr, "xenemu-guest: %s (see --help)\n", error);
        free(error);
        return GUEST_EXIT_USAGE;
    }
    signal_fd = block_signals();
    if (!open_domain(g) || !open_device(g)) {
        return GUEST_EXIT_ERROR;
    }

    run(g, signal_fd);

    guest_ctl_close(g);
    guest_print_stats(g, stdout);
    guest_tap_close(g);
    guest_bus_close(g);
    xs_ring_close(g->xs);
    xenemu_dom_close(g->dom);
    return g->exit_code;
}
