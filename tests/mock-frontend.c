/* SPDX-License-Identifier: Apache-2.0 */


/* A scripted frontend: its host, its domain and its connection.  Traffic is in
 * mock-ring.c. */

#include <config.h>

#include "mock-frontend.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <xenevtchn.h>

#include "openvswitch/vlog.h"
#include "socket-util.h"
#include "util.h"
#include "xen/xenvif-grant.h"

#define DOM0_PAGES 4096

/* Nothing here takes longer, not even under valgrind. */
#define TIME_LIMIT_S 900

/* Event channels that domain 0, in which the provider runs, has bound. */
static unsigned int n_dom0_ports;

/* The program. */

static volatile sig_atomic_t interrupted;

static void
note_signal(int sig)
{
    interrupted = sig;
}

static int
run_in_child(int (*run)(const char *), const char *name)
{
    alarm(TIME_LIMIT_S);
    vlog_set_levels(NULL, VLF_ANY_DESTINATION, VLL_OFF);
    setenv("XENEMU_DOMID", "0", 1);
    xenemu_act_as(0);
    if (xenemu_host_create(getenv("XENEMU_DIR"), DOM0_PAGES)
        || xenvif_grant_open(0)) {
        fprintf(stderr, "cannot create an emulated host\n");
        return EXIT_FAILURE;
    }
    fprintf(stderr, "%s:\n", name);
    return run(name) ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int
wait_for(pid_t pid)
{
    int status;

    while (waitpid(pid, &status, 0) < 0) {
        if (errno != EINTR) {
            return EXIT_FAILURE;
        }
        if (interrupted) {
            kill(pid, SIGKILL);
        }
    }
    if (WIFSIGNALED(status)) {
        fprintf(stderr, "killed by signal %d\n", WTERMSIG(status));
    }
    return (WIFEXITED(status) && !interrupted
            ? WEXITSTATUS(status) : EXIT_FAILURE);
}

/* The provider opens its drivers once and for all, so that each variant needs
 * a process of its own. */
static int
run_variant(int (*run)(const char *), const char *name, bool gntalloc)
{
    char dir[] = "/dev/shm/xenvif-unit.XXXXXX";
    int status;
    pid_t pid;

    if (!mkdtemp(dir)) {
        fprintf(stderr, "%s: %s\n", dir, ovs_strerror(errno));
        return EXIT_FAILURE;
    }
    setenv("XENEMU_DIR", dir, 1);
    setenv("XENEMU_NO_GNTALLOC", gntalloc ? "0" : "1", 1);
    fflush(NULL);
    pid = fork();
    if (!pid) {
        exit(run_in_child(run, name));
    }
    status = pid < 0 ? EXIT_FAILURE : wait_for(pid);
    if (xenemu_host_remove(dir)) {
        fprintf(stderr, "cannot remove %s\n", dir);
        status = EXIT_FAILURE;
    }
    return status;
}

int
mock_main(int (*run)(const char *name))
{
    struct sigaction action = { .sa_handler = note_signal };
    int status;

    /* Whatever ends the program, the host's files go. */
    sigaction(SIGHUP, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    signal(SIGPIPE, SIG_IGN);
    status = run_variant(run, "bounce pages granted to ourselves", true);
    if (!interrupted) {
        status |= run_variant(run, "no gntalloc", false);
    }
    if (interrupted) {
        signal(interrupted, SIG_DFL);
        raise(interrupted);
    }
    return status;
}

bool
mock_is_self_granted(void)
{
    return xenvif_bounce_is_self_granted();
}

/* Random numbers. */

static uint32_t random_state = 1;

void
mock_seed(uint32_t seed)
{
    random_state = seed ? seed : 1;
}

uint32_t
mock_random(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 17;
    random_state ^= random_state << 5;
    return random_state;
}

uint32_t
mock_random_range(uint32_t n)
{
    return (uint64_t) mock_random() * n >> 32;
}

void
mock_fill_frame(uint8_t *frame, uint32_t len)
{
    for (uint32_t i = 0; i < len; i++) {
        frame[i] = mock_random();
    }
    if (len) {
        frame[0] &= ~1;
    }
}

unsigned int
mock_random_layout(uint32_t len, unsigned int max, uint16_t *sizes)
{
    unsigned int n = 0;

    while (len) {
        /* What is left must fit the slots that are left. */
        uint32_t room = (max - n - 1) * NETIF_PAGE_SIZE;
        uint32_t least = len > room ? len - room : n == 0;
        uint32_t most = MIN(len, NETIF_PAGE_SIZE);

        assert_true(n < max && least <= most);
        sizes[n] = (mock_random_range(4)
                    ? least + mock_random_range(most - least + 1) : most);
        if (n == 0 && !sizes[n]) {
            sizes[n] = 1;
        }
        len -= sizes[n++];
    }
    return n;
}

/* The domain. */

static uint32_t
alloc_page(struct mock *mock)
{
    uint32_t pfn = xenemu_dom_alloc_page(mock->dom);

    assert_int_not_equal(pfn, UINT32_MAX);
    return pfn;
}

static uint32_t
alloc_port(struct mock *mock)
{
    int port = xenevtchn_bind_unbound_port(mock->xce, 0);

    assert_in_range(port, 1, ARRAY_SIZE(mock->events) - 1);
    return port;
}

/* Allocates a ring page. */
static uint32_t
alloc_ring(struct mock *mock, void **page)
{
    uint32_t pfn = alloc_page(mock);
    int32_t gref = xenemu_grant(mock->dom, 0, pfn, false);

    assert_true(gref > 0);
    *page = xenemu_dom_page(mock->dom, pfn);
    return gref;
}

static void
create_queue(struct mock *mock, unsigned int id, bool split)
{
    struct mock_queue *q = &mock->queues[id];

    q->mock = mock;
    q->id = id;
    q->tx_ref = alloc_ring(mock, &q->tx_page);
    q->rx_ref = alloc_ring(mock, &q->rx_page);
    q->tx_port = alloc_port(mock);
    q->rx_port = split ? alloc_port(mock) : q->tx_port;
    for (unsigned int i = 0; i < NETIF_RING_SIZE; i++) {
        q->tx_slots[i].pfn = alloc_page(mock);
        q->rx_slots[i].pfn = alloc_page(mock);
        q->tx_slots[i].gref = q->rx_slots[i].gref = -1;
        q->tx_slots[i].staged = q->rx_slots[i].staged = -1;
    }
}

struct mock *
mock_create(unsigned int n_queues, bool split, uint32_t start)
{
    struct mock *mock = xzalloc(sizeof *mock);
    int domid = xenemu_domain_create(NULL, -1, MOCK_PAGES);

    assert_true(domid > 0);
    mock_seed(domid * 7919 + start + n_queues);
    mock->domid = domid;
    mock->dom = xenemu_dom_open(NULL, domid);
    assert_non_null(mock->dom);
    xenemu_act_as(domid);
    mock->xce = xenevtchn_open(NULL, 0);
    xenemu_act_as(0);
    assert_non_null(mock->xce);
    assert_int_equal(set_nonblocking(xenevtchn_fd(mock->xce)), 0);

    mock->n_queues = n_queues;
    for (unsigned int i = 0; i < n_queues; i++) {
        create_queue(mock, i, split);
    }
    mock->rules.sg = mock->rules.csum_ipv4 = true;
    xenvif_budget_init(&mock->budget, domid);
    latch_init(&mock->latch);
    xenvif_terms_init(&mock->terms, domid, &mock->budget, &mock->latch);
    mock->terms.max_backlog = 0;
    atomic_store(&mock->terms.max_frame, MOCK_FRAME_MAX);
    mock_reset(mock, start);
    return mock;
}

int
mock_setup(void **state)
{
    struct mock *mock = mock_create(1, false, 0);

    mock_connect(mock);
    *state = mock;
    return 0;
}

int
mock_setup_ctrl(void **state, unsigned int n_queues, uint32_t start)
{
    struct mock *mock = mock_create(n_queues, false, start);

    mock_add_ctrl(mock);
    mock_reset(mock, start);
    mock_connect(mock);
    *state = mock;
    return 0;
}

int
mock_teardown(void **state)
{
    mock_destroy(*state);
    return 0;
}

/* Ends the grants of requests that nobody answered. */
static void
forget_slots(struct mock *mock, struct mock_slot *slots)
{
    for (unsigned int i = 0; i < NETIF_RING_SIZE; i++) {
        if (slots[i].gref >= 0 && slots[i].gref != slots[i].staged) {
            assert_int_equal(xenemu_ungrant(mock->dom, slots[i].gref), 0);
        }
        slots[i].gref = -1;
    }
}

void
mock_reset(struct mock *mock, uint32_t start)
{
    assert_null(mock->conn);
    for (unsigned int i = 0; i < mock->n_queues; i++) {
        struct mock_queue *q = &mock->queues[i];

        forget_slots(mock, q->tx_slots);
        forget_slots(mock, q->rx_slots);
        memset(q->tx_kinds, 0, sizeof q->tx_kinds);
        q->tx_prod = q->tx_pushed = q->tx_cons = q->tx_first = start;
        q->rx_prod = q->rx_cons = start;
        q->n_extras = 0;
        netif_ring_init(q->tx_page, start);
        netif_ring_init(q->rx_page, start);
    }
    if (mock->ctrl) {
        mock->ctrl->prod = mock->ctrl->cons = start;
        netif_ring_init(mock->ctrl->page, start);
    }
}

void
mock_reconnect(struct mock *mock, uint32_t start)
{
    if (mock->conn) {
        mock_disconnect(mock);
    }
    mock_reset(mock, start);
    mock_connect(mock);
}

void
mock_limit_mtu(struct mock *mock)
{
    atomic_store(&mock->terms.max_frame, MOCK_MTU + XENVIF_FRAME_OVERHEAD);
}

void
mock_add_ctrl(struct mock *mock)
{
    struct mock_ctrl *ctrl = xzalloc(sizeof *ctrl);

    assert_null(mock->conn);
    ctrl->ref = alloc_ring(mock, &ctrl->page);
    ctrl->port = alloc_port(mock);
    ctrl->next_id = 1;
    netif_ring_init(ctrl->page, 0);
    mock->ctrl = ctrl;
}

void
mock_assert_usage(const struct mock *mock, unsigned int n_mapped)
{
    unsigned int own_ports = mock->ctrl != NULL;
    uint32_t mapped, ports;

    for (unsigned int i = 0; i < mock->n_queues; i++) {
        const struct mock_queue *q = &mock->queues[i];

        own_ports += q->tx_port == q->rx_port ? 1 : 2;
    }
    assert_int_equal(xenemu_get_usage(NULL, mock->domid, &mapped, &ports), 0);
    assert_int_equal(mapped, n_mapped);
    assert_int_equal(ports, own_ports);
    assert_int_equal(xenemu_get_usage(NULL, 0, &mapped, &ports), 0);
    assert_int_equal(ports, n_dom0_ports);
}

void
mock_assert_mapped(const struct mock *mock, unsigned int n)
{
    mock_assert_usage(mock, 2 * mock->n_queues + (mock->ctrl != NULL) + n);
}

static void
free_mock(struct mock *mock)
{
    latch_destroy(&mock->latch);
    xenvif_terms_destroy(&mock->terms);
    free(mock->ctrl);
    free(mock);
}

/* Disconnects, as the provider does it. */
static void
close_conn(struct mock *mock)
{
    xenvif_conn_close(mock->conn);
    mock->conn = NULL;
    n_dom0_ports -= mock->ctrl != NULL;
    for (unsigned int i = 0; i < mock->n_queues; i++) {
        const struct mock_queue *q = &mock->queues[i];

        n_dom0_ports -= q->tx_port == q->rx_port ? 1 : 2;
    }
}

void
mock_destroy(struct mock *mock)
{
    if (mock->conn) {
        mock_disconnect(mock);
    }
    mock_reset(mock, 0);
    for (unsigned int i = 0; i < mock->n_queues; i++) {
        struct mock_queue *q = &mock->queues[i];

        assert_int_equal(xenemu_ungrant(mock->dom, q->tx_ref), 0);
        assert_int_equal(xenemu_ungrant(mock->dom, q->rx_ref), 0);
    }
    if (mock->ctrl) {
        assert_int_equal(xenemu_ungrant(mock->dom, mock->ctrl->ref), 0);
    }
    mock_assert_usage(mock, 0);
    xenevtchn_close(mock->xce);
    xenemu_dom_close(mock->dom);
    assert_int_equal(xenemu_domain_destroy(NULL, mock->domid), 0);
    free_mock(mock);
}

void
mock_kill(struct mock *mock)
{
    assert_int_equal(xenemu_domain_destroy(NULL, mock->domid), 0);
}

void
mock_bury(struct mock *mock)
{
    unsigned int n = 2 * mock->n_queues + (mock->ctrl != NULL);
    uint32_t mapped, ports;

    /* As long as we have something of it mapped it lives on as a zombie. */
    assert_non_null(mock->conn);
    for (unsigned int i = 0; i < mock->n_queues; i++) {
        n += cmap_count(&mock->conn->queues[i].grefs.map);
    }
    assert_int_equal(xenemu_get_usage(NULL, mock->domid, &mapped, &ports), 0);
    assert_int_equal(mapped, n);
    close_conn(mock);
    assert_int_equal(xenemu_get_usage(NULL, mock->domid, &mapped, &ports),
                     -ENOENT);
    xenevtchn_close(mock->xce);
    xenemu_dom_close(mock->dom);
    free_mock(mock);
}

/* The connection. */

void
mock_request(const struct mock *mock, struct xenvif_request *request)
{
    memset(request, 0, sizeof *request);
    request->n_queues = mock->n_queues;
    request->features.sg = mock->rules.sg;
    request->features.csum_v4 = mock->rules.csum_ipv4;
    request->features.csum_v6 = mock->rules.csum_ipv6;
    request->features.gso_v4 = mock->rules.gso_tcpv4;
    request->features.gso_v6 = mock->rules.gso_tcpv6;
    request->features.persistent = mock->persistent;
    request->headroom = mock->rules.headroom;
    request->filter_multicast = mock->filter_multicast;
    if (mock->ctrl) {
        request->has_ctrl = true;
        request->ctrl_ref = mock->ctrl->ref;
        request->ctrl_port = mock->ctrl->port;
    }
    for (unsigned int i = 0; i < mock->n_queues; i++) {
        const struct mock_queue *q = &mock->queues[i];

        request->queues[i].tx_ref = q->tx_ref;
        request->queues[i].rx_ref = q->rx_ref;
        request->queues[i].tx_port = q->tx_port;
        request->queues[i].rx_port = q->rx_port;
        request->features.split_channels = q->tx_port != q->rx_port;
    }
}

void
mock_offer_gso(struct mock *mock, bool offered)
{
    mock->terms.offers.gso_v4 = mock->terms.offers.gso_v6 = offered;
}

struct xenvif_conn *
mock_try_connect(struct mock *mock, const struct xenvif_request *request,
                 char **problem)
{
    return xenvif_conn_open(&mock->terms, request, mock->hash, problem);
}

void
mock_connect(struct mock *mock)
{
    struct xenvif_request request;
    char *problem;

    mock_request(mock, &request);
    mock->conn = mock_try_connect(mock, &request, &problem);
    if (!mock->conn) {
        fail_msg("cannot connect: %s", problem);
    }
    for (unsigned int i = 0; i < mock->n_queues; i++) {
        n_dom0_ports += request.features.split_channels ? 2 : 1;
    }
    n_dom0_ports += mock->ctrl != NULL;
    mock_assert_usage(mock, 2 * mock->n_queues + (mock->ctrl != NULL));
}

void
mock_disconnect(struct mock *mock)
{
    close_conn(mock);
    mock_assert_usage(mock, 0);
}

unsigned int
mock_take_events(struct mock *mock, uint32_t port)
{
    unsigned int n;
    int p;

    assert_in_range(port, 1, ARRAY_SIZE(mock->events) - 1);
    while ((p = xenevtchn_pending(mock->xce)) >= 0) {
        mock->events[p]++;
        assert_int_equal(xenevtchn_unmask(mock->xce, p), 0);
    }
    n = mock->events[port];
    mock->events[port] = 0;
    return n;
}
