/* SPDX-License-Identifier: Apache-2.0 */

/* Component test: quality of service of a port, through Open vSwitch's netdev
 * layer, up to the guest's ring.  (For the types themselves see
 * test-qos-types.c.) */

#include <config.h>

#include "port-frontend.h"

#include <errno.h>
#include <string.h>

#include "netdev-xenvif-qos.h"
#include "openvswitch/poll-loop.h"
#include "ovs-rcu.h"
#include "smap.h"
#include "sset.h"
#include "util.h"
#include "qos/xenvif-qos-class.h"

static struct netdev_xenvif *dev;
static struct netdev *netdev;

static int
setup(void **state OVS_UNUSED)
{
    dev = port_create(2, false);
    netdev = &dev->up;
    return 0;
}

static int
teardown(void **state OVS_UNUSED)
{
    port_destroy(dev);
    return 0;
}

/* Configures 'type' with up to two keys (NULL: none). */
static int
set_qos(const char *type, const char *key1, const char *value1,
        const char *key2, const char *value2)
{
    struct smap details = SMAP_INITIALIZER(&details);
    int error;

    if (key1) {
        smap_add(&details, key1, value1);
    }
    if (key2) {
        smap_add(&details, key2, value2);
    }
    error = netdev_set_qos(netdev, type, &details);
    smap_destroy(&details);
    return error;
}

static int
set_queue(unsigned int id, const char *key, const char *value)
{
    struct smap details = SMAP_INITIALIZER(&details);
    int error;

    smap_add(&details, key, value);
    error = netdev_set_queue(netdev, id, &details);
    smap_destroy(&details);
    return error;
}

/* Checks what is wrong with the configuration; NULL: nothing. */
static void
expect_problem(const char *expected)
{
    char *problem = netdev_xenvif_qos_problems(dev);

    if (!expected) {
        assert_null(problem);
    } else {
        assert_non_null(problem);
        if (!strstr(problem, expected)) {
            fail_msg("\"%s\" is not in \"%s\"", expected, problem);
        }
        free(problem);
    }
}

static void
expect_type(const char *expected)
{
    struct smap details = SMAP_INITIALIZER(&details);
    const char *type;

    assert_int_equal(netdev_get_qos(netdev, &type, &details), 0);
    assert_string_equal(type, expected);
    smap_destroy(&details);
}

static void
test_types(void **state OVS_UNUSED)
{
    struct netdev_qos_capabilities caps;
    struct sset types = SSET_INITIALIZER(&types);

    assert_int_equal(netdev_get_qos_types(netdev, &types), 0);
    assert_true(sset_contains(&types, "linux-htb"));
    assert_true(sset_contains(&types, "egress-policer"));
    assert_true(sset_contains(&types, "trtcm-policer"));
    sset_destroy(&types);
    assert_int_equal(netdev_xenvif_get_qos_capabilities(netdev, "linux-htb",
                                                        &caps), 0);
    assert_int_equal(caps.n_queues, XENVIF_QOS_N_IDS);
    assert_int_equal(netdev_xenvif_get_qos_capabilities(
                         netdev, "egress-policer", &caps), 0);
    assert_int_equal(caps.n_queues, 0);
    assert_int_equal(netdev_xenvif_get_qos_capabilities(netdev, "linux-sfq",
                                                        &caps), EOPNOTSUPP);
}

/* What is wrong changes nothing, and is told. */
static void
test_problems(void **state OVS_UNUSED)
{
    struct smap none = SMAP_INITIALIZER(&none);

    expect_type("");
    expect_problem(NULL);
    assert_int_equal(set_qos("egress-policer", "cir", "1000000", "cbs",
                             "20000"), 0);
    expect_type("egress-policer");
    expect_problem(NULL);
    assert_int_equal(set_qos("egress-policer", "cir", "many", "cbs", "20000"),
                     EINVAL);
    expect_type("egress-policer");
    expect_problem("QoS egress-policer: cir \"many\" is not a number");
    assert_int_equal(netdev_xenvif_set_qos(netdev, "linux-sfq", &none),
                     EOPNOTSUPP);
    expect_type("egress-policer");
    expect_problem("QoS type linux-sfq is not supported");

    /* It is forgotten with the next configuration. */
    assert_int_equal(set_qos("egress-policer", "cir", "1000000", "cbs",
                             "20000"), 0);
    expect_problem(NULL);
    assert_int_equal(set_qos("", NULL, NULL, NULL, NULL), 0);
    expect_type("");
}

static void
test_queues(void **state OVS_UNUSED)
{
    struct netdev_queue_stats stats;
    struct smap details = SMAP_INITIALIZER(&details);

    assert_int_equal(set_queue(1, "max-rate", "1000000"), EOPNOTSUPP);
    assert_int_equal(netdev_delete_queue(netdev, 1), EOPNOTSUPP);
    assert_int_equal(set_qos("linux-htb", "max-rate", "100000000", NULL, NULL),
                     0);
    assert_int_equal(set_queue(1, "max-rate", "1000000"), 0);
    assert_int_equal(set_queue(1, "max-rate", "1000000"), 0);
    assert_int_equal(set_queue(XENVIF_QOS_N_IDS, "max-rate", "1000000"),
                     EINVAL);
    expect_problem("queue ids end at");
    assert_int_equal(netdev_get_queue(netdev, 1, &details), 0);
    assert_string_equal(smap_get(&details, "max-rate"), "1000000");
    smap_destroy(&details);
    smap_init(&details);
    assert_int_equal(netdev_get_queue(netdev, 2, &details), ENOENT);
    smap_destroy(&details);
    assert_int_equal(netdev_get_queue_stats(netdev, 1, &stats), 0);
    assert_int_equal(stats.tx_packets, 0);
    assert_int_equal(netdev_get_queue_stats(netdev, 2, &stats), ENOENT);
    assert_int_equal(netdev_delete_queue(netdev, 2), ENOENT);
    assert_int_equal(netdev_delete_queue(netdev, 1), 0);

    /* Queues of a type that was refused are nobody's. */
    assert_int_equal(set_qos("trtcm-policer", "cir", "1", NULL, NULL), EINVAL);
    assert_int_equal(set_queue(1, "max-rate", "1000000"), EOPNOTSUPP);
    assert_int_equal(netdev_delete_queue(netdev, 1), EOPNOTSUPP);
}

static void
sum_ids(unsigned int id, struct netdev_queue_stats *stats OVS_UNUSED,
        void *sum)
{
    *(unsigned int *) sum = *(unsigned int *) sum * 10 + id;
}

/* Queues are listed in order of their ids, with the default one, 0. */
static void
test_dump(void **state OVS_UNUSED)
{
    struct netdev_queue_dump dump;
    struct smap details = SMAP_INITIALIZER(&details);
    unsigned int id, sum = 1;
    void *dump_state;

    assert_int_equal(netdev_dump_queue_stats(netdev, sum_ids, &sum),
                     EOPNOTSUPP);
    assert_int_equal(netdev_xenvif_queue_dump_start(netdev, &dump_state),
                     EOPNOTSUPP);
    assert_int_equal(set_qos("linux-htb", "max-rate", "100000000", NULL, NULL),
                     0);
    assert_int_equal(set_queue(7, "max-rate", "1000000"), 0);
    assert_int_equal(set_queue(2, "max-rate", "1000000"), 0);
    assert_int_equal(set_queue(5, "max-rate", "1000000"), 0);
    assert_int_equal(netdev_dump_queue_stats(netdev, sum_ids, &sum), 0);
    assert_int_equal(sum, 10257);
    sum = 1;
    NETDEV_QUEUE_FOR_EACH (&id, &details, &dump, netdev) {
        sum = sum * 10 + id;
        assert_string_equal(smap_get(&details, "max-rate"),
                            id ? "1000000" : "100000000");
    }
    assert_int_equal(sum, 10257);
    smap_destroy(&details);
}

static uint64_t
drops(const char *name)
{
    struct netdev_custom_stats custom;
    uint64_t value = UINT64_MAX;

    assert_int_equal(netdev_get_custom_stats(netdev, &custom), 0);
    for (unsigned int i = 0; i < custom.size; i++) {
        if (!strcmp(custom.counters[i].name, name)) {
            value = custom.counters[i].value;
        }
    }
    netdev_free_custom_stats_counters(&custom);
    return value;
}

static void
send_packets(unsigned int n)
{
    struct dp_packet_batch batch;
    uint8_t frame[1000];

    mock_fill_frame(frame, sizeof frame);
    dp_packet_batch_init(&batch);
    for (unsigned int i = 0; i < n; i++) {
        dp_packet_batch_add(&batch, mock_packet(frame, sizeof frame));
    }
    assert_int_equal(netdev_send(netdev, 0, &batch, false), 0);
}

static unsigned int
receive_all(void)
{
    struct mock_rx_packet *packet = xmalloc(sizeof *packet);
    struct mock *mock = port_mock(dev);
    unsigned int n = 0;

    for (unsigned int i = 0; i < mock->n_queues; i++) {
        while (mock_rx_take(&mock->queues[i], packet)) {
            n++;
        }
    }
    free(packet);
    return n;
}

/* What a policer lets pass gets to the guest; the rest is counted. */
static void
test_policed(void **state OVS_UNUSED)
{
    struct mock *mock = port_mock(dev);

    mock_rx_post(&mock->queues[0], 20);
    mock_rx_post(&mock->queues[1], 20);
    send_packets(3);
    assert_int_equal(receive_all(), 3);
    assert_int_equal(set_qos("egress-policer", "cir", "1", "cbs", "4000"), 0);
    send_packets(10);
    assert_in_range(receive_all(), 1, 9);
    assert_in_range(drops("ovs_tx_qos_policed_drops"), 1, 9);

    /* Where nothing can be delivered, nothing is policed. */
    ovsrcu_set(&dev->vif->conn, NULL);
    send_packets(10);
    assert_int_equal(drops("ovs_tx_disconnected_drops"), 10);
    ovsrcu_set(&dev->vif->conn, mock->conn);
}

/* What waits in a shaper is dropped when the guest goes, is sent when its time
 * has come, and leaves with the shaper. */
static void
test_shaped(void **state OVS_UNUSED)
{
    struct mock *mock = port_mock(dev);
    unsigned int n;

    mock_rx_post(&mock->queues[0], 60);
    mock_rx_post(&mock->queues[1], 60);
    assert_int_equal(set_qos("linux-htb", "max-rate", "8000", NULL, NULL), 0);
    assert_int_equal(set_queue(0, "max-rate", "8000"), 0);
    send_packets(20);
    n = receive_all();
    assert_in_range(n, 0, 19);
    netdev_xenvif_qos_poll(netdev_xenvif_qos_get(dev), dev);
    netdev_xenvif_qos_wait(dev);
    poll_timer_wait(0);
    poll_block();
    netdev_xenvif_qos_flush(dev);
    assert_in_range(drops("ovs_tx_disconnected_drops"), 1, 20);

    send_packets(20);
    receive_all();
    assert_int_equal(set_qos("", NULL, NULL, NULL, NULL), 0);
    receive_all();
    netdev_xenvif_qos_flush(dev);
    netdev_xenvif_qos_wait(dev);
}

static int
run(const char *group)
{
#define TEST(FUNCTION) \
    cmocka_unit_test_setup_teardown(FUNCTION, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_types),
        TEST(test_problems),
        TEST(test_queues),
        TEST(test_dump),
        TEST(test_policed),
        TEST(test_shaped),
    };

    return cmocka_run_group_tests_name(group, tests, port_group_setup,
                                       port_group_teardown);
}

int
main(void)
{
    return mock_main(run);
}
