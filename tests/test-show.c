/* SPDX-License-Identifier: Apache-2.0 */

/* Component test: the commands xenvif/show, xenvif/list and xenvif/help. */

#include <config.h>

#include "port-frontend.h"

#include <string.h>

#include "openvswitch/json.h"
#include "timeval.h"
#include "util.h"
#include "xenvif-config.h"

static struct netdev_xenvif *dev;
static char name[20];

/* What the control thread found out, what the database was told of it, and an
 * option.  Nobody else writes them. */
static struct xenvif_report *report, *announced;
static bool *tx_csum;

static int
setup(void **state OVS_UNUSED)
    OVS_NO_THREAD_SAFETY_ANALYSIS
{
    dev = port_create(2, true);
    report = &dev->vif->report;
    announced = &dev->announced;
    tx_csum = &dev->tx_csum;
    ovs_strlcpy(name, netdev_get_name(&dev->up), sizeof name);
    *report = (struct xenvif_report) {
        .present = true, .owner = XENVIF_OURS_BY_PORT, .online = true,
        .frontend = XenbusStateConnected, .backend = XenbusStateConnected,
        .connected = true, .unpolled = -1, .n_queues = 2,
        .n_connects = 3, .n_carrier_changes = 5,
    };
    *announced = *report;
    return 0;
}

static int
teardown(void **state OVS_UNUSED)
{
    port_destroy(dev);
    return 0;
}

/* Checks that a line of 'text', which is freed, is 'line'. */
static void
expect_line(char *text, const char *line)
{
    char *needle = xasprintf("\n%s\n", line);
    char *all = xasprintf("\n%s", text);

    if (!strstr(all, needle)) {
        fail_msg("no line \"%s\" in:%s", line, all);
    }
    free(needle);
    free(all);
    free(text);
}

static void
expect_no_text(char *text, const char *part)
{
    assert_null(strstr(text, part));
    free(text);
}

static char *
show(void)
{
    return port_command("xenvif/show", name, NULL);
}

static void
test_state(void **state OVS_UNUSED)
{
    char *head = xasprintf("%s (xenvif): domid %"PRIu16", handle 0, rxqs 2, "
                           "txqs 1", name, dev->vif->domid);

    expect_line(show(), head);
    free(head);
    expect_line(show(), "  status: up");
    expect_line(show(), "  served by: ours (port)");
    expect_line(show(), "  frontend state: 4 (Connected)");
    expect_line(show(), "  online: yes, connects: 3, carrier changes: 5");
    expect_no_text(show(), "guest MAC");
    expect_no_text(show(), "rate of the guest");
    expect_no_text(show(), "not understood");
    expect_no_text(show(), "not mapped");
    expect_no_text(show(), "last error");

    ovs_strlcpy(report->mac, "00:16:3e:01:02:03",
                sizeof report->mac);
    report->rate = (struct xenvif_credit_config) {
        .bytes = 125000, .usec = 1000,
    };
    report->n_bad_rates = 7;
    report->n_maps_refused = 9;
    ovs_strlcpy(report->last_error, "odd",
                sizeof report->last_error);
    expect_line(show(), "  guest MAC: 00:16:3e:01:02:03");
    expect_line(show(), "  rate of the guest: 125000 bytes every 1000 us "
                "(1000000 kbit/s)");
    expect_line(show(), "  rates not understood: 7");
    expect_line(show(), "  pages not mapped, because they were one too many: "
                "9");
    expect_line(show(), "  last error: odd");
}

static void
test_reason(void **state OVS_UNUSED)
{
    enum netdev_flags old;

    netdev_get_class(&dev->up)->update_flags(&dev->up, NETDEV_UP, 0, &old);
    expect_line(show(), "  status: down: port is administratively down");
    ovs_strlcpy(report->reason, "because",
                sizeof report->reason);
    report->since = 0;
    report->connected = report->online = false;
    expect_line(show(), "  status: down: because (since 1970-01-01 00:00:00 "
                "UTC)");
    expect_line(show(), "  online: no, connects: 3, carrier changes: 5");
    expect_no_text(show(), "features");
    netdev_get_class(&dev->up)->update_flags(&dev->up, 0, NETDEV_UP, &old);
    expect_line(show(), "  status: down: because (since 1970-01-01 00:00:00 "
                "UTC)");
}

static void
test_features(void **state OVS_UNUSED)
{
    expect_line(show(), "  features: none");
    expect_line(show(), "  offered features: none");
    expect_line(show(), "  event channels: single");
    expect_line(show(), "  no sg to the guest: the guest did not write "
                "feature-sg");
    expect_line(show(), "  no gso-tcpv4 from the guest: userspace-tso-enable "
                "is off");
    report->features.sg = report->features.split_channels = true;
    report->uses.hash = true;
    report->offers.gso_v4 = true;
    expect_line(show(), "  features: sg split-event-channels hash");
    expect_line(show(), "  offered features: gso-tcpv4");
    expect_line(show(), "  event channels: split");
    expect_no_text(show(), "no sg to");
    expect_no_text(show(), "tx-csum-offload");
    *tx_csum = false;
    expect_line(show(), "  tx-csum-offload: false, the guest gets complete "
                "checksums");
    *tx_csum = true;
}

static void
test_ctrl(void **state OVS_UNUSED)
{
    struct mock *mock = port_mock(dev);

    expect_line(show(), "  control ring: 0 messages, 0 refused");
    mock_ctrl_call(mock, XEN_NETIF_CTRL_TYPE_SET_HASH_ALGORITHM, 0, 0, 0,
                   NULL);
    mock_ctrl_call(mock, 999, 0, 0, 0, NULL);
    expect_line(show(), "  control ring: 2 messages, 1 refused");
}

static void
test_queues(void **state OVS_UNUSED)
{
    struct mock_queue *q = &port_mock(dev)->queues[1];
    struct xenvif_queue_stats *stats = &dev->vif->terms.stats[1];
    struct dp_packet_batch batch;
    uint8_t frame[60];

    expect_line(show(), "    TX ring: req_prod 0, req_cons 0, rsp_prod 0, 0 "
                "of 256 slots posted");
    expect_line(show(), "    from guest:");
    expect_no_text(show(), "dropped");
    mock_fill_frame(frame, sizeof frame);
    mock_tx_frame(q, frame, sizeof frame, NULL, 0, 0);
    mock_tx_push(q);
    mock_rx_post(q, 7);
    expect_line(show(), "    TX ring: req_prod 1, req_cons 0, rsp_prod 0, 1 "
                "of 256 slots posted");
    expect_line(show(), "    RX ring: req_prod 7, req_cons 0, rsp_prod 0, 7 "
                "of 256 slots posted");
    assert_int_equal(mock_tx_burst(q, &batch), 1);
    dp_packet_delete_batch(&batch, true);
    assert_int_equal(mock_tx_reap(q), 1);
    expect_line(show(), "    TX ring: req_prod 1, req_cons 1, rsp_prod 1, 0 "
                "of 256 slots posted");

    xenvif_counter_add(&stats->tx.packets, 12);
    xenvif_counter_add(&stats->tx.throttled, 3);
    xenvif_counter_add(&stats->rx.bytes, 4);
    xenvif_counter_add(&stats->tx_verdicts[XENVIF_TX_GOOD], 12);
    xenvif_counter_add(&stats->tx_verdicts[XENVIF_TX_E_RUNT], 5);
    xenvif_counter_add(&stats->rx_verdicts[XENVIF_RX_E_MTU], 6);
    expect_line(show(), "    from guest: packets=12 throttled=3");
    expect_line(show(), "    to guest: bytes=4");
    expect_line(show(), "    to guest dropped 6: packet larger than the "
                "port's MTU");
    expect_line(show(), "    from guest dropped 5: packet shorter than an "
                "Ethernet header");
}

/* What waits, and for what. */
static void
test_waiting(void **state OVS_UNUSED)
{
    static const struct xenvif_credit_config rate = {
        .bytes = 60, .usec = 1000 * 1000 * 1000,
    };
    struct mock *mock = port_mock(dev);
    struct mock_queue *q = &mock->queues[0];
    struct dp_packet_batch batch;
    uint8_t frame[60];
    char *text;

    expect_no_text(show(), "wait");
    mock_fill_frame(frame, sizeof frame);
    xenvif_credit_set(&mock->terms.rate, &rate, xenvif_bucket_now());
    do {
        mock_tx_frame(q, frame, sizeof frame, NULL, 0, 0);
        mock_tx_push(q);
        mock_tx_burst(q, &batch);
        dp_packet_delete_batch(&batch, true);
    } while (mock_tx_reap(q));
    expect_line(show(), "    from guest: 1 requests wait for the rate of the "
                "guest");
    atomic_store_relaxed(&mock_backend(q)->rx_stalled_since,
                         time_msec() - 5000);
    text = show();
    assert_non_null(strstr(text, "    to guest: no room for 5"));
    assert_non_null(strstr(text, " ms, 0 packets wait\n"));
    free(text);
}

/* A guest that is not connected has no rings, but counters. */
static void
test_disconnected(void **state OVS_UNUSED)
{
    ovsrcu_set(&dev->vif->conn, NULL);
    expect_no_text(show(), "ring");
    expect_line(show(), "  queue 1:");
    expect_line(show(), "    to guest:");
    dev->up.n_rxq = 0;
    expect_line(show(), "  queue 0:");
    expect_no_text(show(), "  queue 1:");
}

/* A port that was not given its options yet. */
static void
test_not_configured(void **state OVS_UNUSED)
{
    struct netdev *netdev;

    assert_int_equal(netdev_open("odd0", "xenvif-nonpmd", &netdev), 0);
    expect_line(port_command("xenvif/show", "odd0", NULL),
                "odd0 (xenvif-nonpmd): not configured");
    free(port_command("xenvif/show", "--json", "odd0", NULL));
    expect_line(port_command("xenvif/show", NULL),
                "odd0 (xenvif-nonpmd): not configured");
    netdev_close(netdev);
}

static void
test_show_all(void **state OVS_UNUSED)
{
    char *line = xasprintf("XenStore: not connected, grant copies: %s, "
                           "ovs-xenvif: "XENVIF_VERSION,
                           mock_is_self_granted() ? "self-granted pages"
                           : "plain memory");

    expect_line(port_command("xenvif/show", NULL), line);
    expect_line(port_command("xenvif/show", NULL), "  status: up");
    free(line);
}

static void
test_list(void **state OVS_UNUSED)
{
    struct json *json;
    char *line = xasprintf("%-12s %-16s Connected      Connected      "
                           "ours (port)", name + 3, name);
    char *text;

    expect_line(port_command("xenvif/list", NULL), line);
    free(line);
    text = port_command("xenvif/list", "--json", NULL);
    json = json_from_string(text);
    free(text);
    assert_int_equal(json->type, JSON_ARRAY);
    json_destroy(json);

    ovs_strlcpy(report->reason, "because",
                sizeof report->reason);
    text = port_command("xenvif/list", NULL);
    assert_non_null(strstr(text, "Connected      because\n"));
    free(text);
    text = port_command("xenvif/list", "--json", NULL);
    assert_non_null(strstr(text, "\"reason\":\"because\""));
    free(text);
}

static void
expect_error(char *text, const char *expected)
{
    assert_non_null(strstr(text, "error: "));
    assert_non_null(strstr(text, expected));
    free(text);
}

static void
test_errors(void **state OVS_UNUSED)
{
    expect_error(port_command("xenvif/show", "vif77.7", NULL),
                 "there is no xenvif port named \"vif77.7\"");
    expect_error(port_command("xenvif/show", "--xml", NULL),
                 "xenvif/show: unknown argument \"--xml\"");
    expect_error(port_command("xenvif/show", name, "b", NULL),
                 "xenvif/show: unknown argument \"b\"");
    expect_error(port_command("xenvif/list", "--xml", NULL),
                 "xenvif/list: unknown argument \"--xml\"");
    expect_error(port_command("xenvif/list", name, NULL),
                 "xenvif/list takes no port");
    expect_line(port_command("xenvif/help", NULL),
                "xenvif/show [--json] [port]");
}

/* Returns member 'key' of 'object'. */
static const struct json *
member(const struct json *object, const char *key)
{
    const struct json *value = shash_find_data(json_object(object), key);

    if (!value) {
        fail_msg("there is no %s", key);
    }
    return value;
}

static void
check_integer(const struct json *object, const char *key, long long int n)
{
    assert_int_equal(json_integer(member(object, key)), n);
}

static void
check_string(const struct json *object, const char *key, const char *s)
{
    assert_string_equal(json_string(member(object, key)), s);
}

static void
test_json(void **state OVS_UNUSED)
{
    struct xenvif_queue_stats *stats = &dev->vif->terms.stats[1];
    struct json *port;

    report->features.sg = announced->features.sg = true;
    xenvif_counter_add(&stats->tx.packets, 12);
    xenvif_counter_add(&stats->tx_verdicts[XENVIF_TX_E_RUNT], 5);
    xenvif_counter_add(&stats->rx_verdicts[XENVIF_RX_E_MTU], 6);
    mock_ctrl_call(port_mock(dev), 999, 0, 0, 0, NULL);

    port = netdev_xenvif_to_json(dev);
    check_string(port, "name", name);
    check_string(port, "type", "xenvif");
    check_integer(port, "domid", dev->vif->domid);
    check_integer(port, "handle", 0);
    check_string(member(port, "status"), "features", "sg");
    check_string(member(port, "status"), "offered_features", "");
    check_string(member(port, "status"), "status", "connected");
    check_string(member(port, "missing_features"), "csum-offload",
                  "the guest wrote feature-no-csum-offload");
    check_string(member(port, "missing_offered_features"), "gso-tcpv4",
                  "userspace-tso-enable is off");
    check_integer(member(port, "control_ring"), "messages", 1);
    check_integer(member(port, "control_ring"), "refused", 1);
    check_integer(member(port, "statistics"), "rx_packets", 12);
    check_integer(member(port, "statistics"), "rx_drop_runt", 5);
    assert_int_equal(member(port, "queues")->type, JSON_ARRAY);
    json_destroy(port);
}

/* All ports, and one, are arrays with the same object in them. */
static void
test_json_command(void **state OVS_UNUSED)
{
    char *all, *one;

    xenvif_counter_add(
        &dev->vif->terms.stats[0].rx_verdicts[XENVIF_RX_E_MTU], 6);
    all = port_command("xenvif/show", "--json", NULL);
    one = port_command("xenvif/show", name, "--json", NULL);
    assert_string_equal(all, one);
    assert_non_null(strstr(one, "\"drop_mtu_exceeded\":6"));
    free(all);
    free(one);
}

static int
run(const char *group)
{
#define TEST(FUNCTION) \
    cmocka_unit_test_setup_teardown(FUNCTION, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_state),
        TEST(test_reason),
        TEST(test_features),
        TEST(test_ctrl),
        TEST(test_queues),
        TEST(test_waiting),
        TEST(test_disconnected),
        TEST(test_not_configured),
        TEST(test_show_all),
        TEST(test_list),
        TEST(test_errors),
        TEST(test_json),
        TEST(test_json_command),
    };

    return cmocka_run_group_tests_name(group, tests, port_group_setup,
                                       port_group_teardown);
}

int
main(void)
{
    return mock_main(run);
}
