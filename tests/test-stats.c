/* SPDX-License-Identifier: Apache-2.0 */

/* Unit test: statistics of a port, through Open vSwitch's netdev layer. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <sched.h>

#include "netdev-provider.h"
#include "netdev-xenvif-private.h"
#include "netdev-xenvif.h"
#include "netdev.h"
#include "openvswitch/ofp-msgs.h"
#include "openvswitch/ofp-port.h"
#include "openvswitch/ofpbuf.h"
#include "openvswitch/vlog.h"
#include "ovs-thread.h"
#include "smap.h"
#include "sset.h"
#include "util.h"

/* A vif that does not exist: the port waits for it. */
static int
group_setup(void **state)
{
    struct smap args = SMAP_INITIALIZER(&args);
    struct netdev *netdev;
    char *error = NULL;
    int status;

    vlog_set_levels(NULL, VLF_ANY_DESTINATION, VLL_OFF);
    setenv("XENSTORED_PATH", "/nonexistent", 1);
    setenv("XENSTORED_RUNDIR", "/nonexistent", 1);
    netdev_xenvif_register();
    status = netdev_open("vif9.3", "xenvif", &netdev);
    if (!status) {
        status = netdev_set_config(netdev, &args, &error);
    }
    smap_destroy(&args);
    free(error);
    *state = netdev;
    return status;
}

static int
group_teardown(void **state)
{
    netdev_close(*state);
    return 0;
}

static struct xenvif_queue_stats *
stats_of(struct netdev *netdev)
{
    return netdev_xenvif_cast(netdev)->vif->terms.stats;
}

static void
get_custom(struct netdev *netdev, struct netdev_custom_stats *custom)
{
    memset(custom, 0, sizeof *custom);
    assert_int_equal(netdev_get_custom_stats(netdev, custom), 0);
    assert_true(custom->size > 0);
}

/* Returns the value of the counter with that name. */
static uint64_t
custom_value(const struct netdev_custom_stats *custom, const char *format, ...)
{
    char name[200];
    va_list args;

    va_start(args, format);
    vsnprintf(name, sizeof name, format, args);
    va_end(args);
    for (unsigned int i = 0; i < custom->size; i++) {
        if (!strcmp(custom->counters[i].name, name)) {
            return custom->counters[i].value;
        }
    }
    fail_msg("there is no %s", name);
    return 0;
}

/* OVSDB takes names of up to 63 bytes, and a name means one thing. */
static void
test_names(void **state)
{
    struct netdev *netdev = *state;
    struct sset names = SSET_INITIALIZER(&names);
    struct netdev_custom_stats custom;

    netdev->n_rxq = XENVIF_MAX_QUEUES;
    get_custom(netdev, &custom);
    for (unsigned int i = 0; i < custom.size; i++) {
        const char *name = custom.counters[i].name;
        size_t len = strnlen(name, sizeof custom.counters[i].name);

        assert_in_range(len, 1, 63);
        assert_int_equal(strspn(name, "abcdefghijklmnopqrstuvwxyz"
                                      "0123456789_"), len);
        if (!sset_add(&names, name)) {
            fail_msg("%s is there twice", name);
        }
        assert_int_equal(custom.counters[i].value, 0);
    }
    sset_destroy(&names);
    netdev_free_custom_stats_counters(&custom);
    netdev->n_rxq = 1;
}

/* Texts for people. */
static void
test_texts(void **state OVS_UNUSED)
{
    struct sset texts = SSET_INITIALIZER(&texts);

    for (unsigned int i = 0; i < XENVIF_TX_N_VERDICTS; i++) {
        assert_true(strlen(xenvif_tx_verdict_to_string(i)) > 3);
        assert_true(sset_add(&texts, xenvif_tx_verdict_to_string(i)) != NULL);
        assert_int_equal(xenvif_tx_verdict_name(i) != NULL, i >= 3);
    }
    sset_clear(&texts);
    for (unsigned int i = 0; i < XENVIF_RX_N_VERDICTS; i++) {
        assert_true(strlen(xenvif_rx_verdict_to_string(i)) > 3);
        assert_true(sset_add(&texts, xenvif_rx_verdict_to_string(i)) != NULL);
        assert_int_equal(xenvif_rx_verdict_name(i) != NULL, i >= 1);
    }
    sset_destroy(&texts);
    assert_true(XENVIF_TX_E_FATAL > XENVIF_TX_E_CSUM);
    assert_int_equal(XENVIF_TX_E_FATAL, XENVIF_TX_E_RING);
    assert_string_equal(xenvif_fault_to_string(XENVIF_TX_E_CUT),
                        xenvif_tx_verdict_to_string(XENVIF_TX_E_CUT));
    assert_string_equal(xenvif_fault_to_string(XENVIF_FAULT_RX_RING),
                        xenvif_rx_verdict_to_string(XENVIF_RX_E_RING));
}

/* Names of Open vSwitch's own statistics, which share a column of the database
 * with ours. */
static const char *const standard_names[] = {
    "rx_packets", "tx_packets", "rx_bytes", "tx_bytes", "rx_dropped",
    "tx_dropped", "rx_errors", "tx_errors", "rx_frame_err", "rx_over_err",
    "rx_crc_err", "rx_missed_errors", "collisions", "rx_multicast_packets",
    "tx_multicast_packets", "rx_broadcast_packets", "tx_broadcast_packets",
    "rx_undersized_errors", "rx_oversize_errors", "rx_fragmented_errors",
    "rx_jabber_errors",
};

/* What Open vSwitch makes of the statistics of a port with as many queues as
 * there can be: it aborts if they do not fit into one message. */
static void
test_size(void **state)
{
    static const enum ofp_version versions[] = {
        OFP10_VERSION, OFP13_VERSION, OFP14_VERSION, OFP15_VERSION,
    };
    struct netdev *netdev = *state;

    netdev->n_rxq = XENVIF_MAX_QUEUES;
    for (size_t v = 0; v < ARRAY_SIZE(versions); v++) {
        struct ofputil_port_stats ops = { .port_no = u16_to_ofp(1) };
        struct ofpbuf *request = ofputil_encode_dump_ports_request(
            versions[v], OFPP_ANY);
        struct ovs_list replies;

        get_custom(netdev, &ops.custom_stats);
        ofpmp_init(&replies, request->data);
        for (int i = 0; i < 3; i++) {
            ofputil_append_port_stat(&replies, &ops);
        }
        ofpbuf_list_delete(&replies);
        ofpbuf_delete(request);
        netdev_free_custom_stats_counters(&ops.custom_stats);
    }
    netdev->n_rxq = 1;
}

static void
test_standard_names(void **state)
{
    struct netdev_custom_stats custom;

    get_custom(*state, &custom);
    for (unsigned int i = 0; i < custom.size; i++) {
        for (size_t j = 0; j < ARRAY_SIZE(standard_names); j++) {
            assert_string_not_equal(custom.counters[i].name,
                                    standard_names[j]);
        }
    }
    netdev_free_custom_stats_counters(&custom);
}

/* Sets all counters of queue 'q' to different numbers. */
static void
set_counters(struct xenvif_queue_stats *stats, uint64_t n)
{
#define XENVIF_COUNTER(NAME)                    \
    atomic_init(&stats->tx.NAME, ++n);          \
    atomic_init(&stats->rx.NAME, ++n);
    XENVIF_COUNTERS
#undef XENVIF_COUNTER
    for (unsigned int i = 0; i < XENVIF_TX_N_VERDICTS; i++) {
        atomic_init(&stats->tx_verdicts[i], ++n);
    }
    for (unsigned int i = 0; i < XENVIF_RX_N_VERDICTS; i++) {
        atomic_init(&stats->rx_verdicts[i], ++n);
    }
}

/* Each total is found under its name, in the direction of the switch, also of
 * queues that the guest does not use any more. */
static void
test_values(void **state)
{
    struct netdev *netdev = *state;
    struct xenvif_queue_stats *stats = stats_of(netdev);
    struct netdev_custom_stats custom;

    set_counters(&stats[0], 0);
    set_counters(&stats[1], 1000);
    set_counters(&stats[XENVIF_MAX_QUEUES - 1], 2000);
    get_custom(netdev, &custom);
#define XENVIF_COUNTER(NAME)                                            \
    assert_int_equal(custom_value(&custom, "rx_"#NAME),                 \
                     3 * xenvif_counter_get(&stats[1].tx.NAME));        \
    assert_int_equal(custom_value(&custom, "tx_"#NAME),                 \
                     3 * xenvif_counter_get(&stats[1].rx.NAME));
    XENVIF_WORK_COUNTERS
#undef XENVIF_COUNTER
    for (unsigned int i = 0; i < XENVIF_TX_N_VERDICTS; i++) {
        if (xenvif_tx_verdict_name(i)) {
            assert_int_equal(custom_value(&custom, "rx_drop_%s",
                                          xenvif_tx_verdict_name(i)),
                             3 * xenvif_counter_get(&stats[1].tx_verdicts[i]));
        }
    }
    for (unsigned int i = 0; i < XENVIF_RX_N_VERDICTS; i++) {
        if (xenvif_rx_verdict_name(i)) {
            assert_int_equal(custom_value(&custom, "tx_drop_%s",
                                          xenvif_rx_verdict_name(i)),
                             3 * xenvif_counter_get(&stats[1].rx_verdicts[i]));
        }
    }
    netdev_free_custom_stats_counters(&custom);
    xenvif_terms_reset_stats(&netdev_xenvif_cast(netdev)->vif->terms);
}

/* What there is of each queue. */
static void
test_queues(void **state)
{
    struct netdev *netdev = *state;
    struct xenvif_queue_stats *stats = stats_of(netdev);
    struct netdev_custom_stats custom;

    netdev->n_rxq = 3;
    for (unsigned int q = 0; q < 3; q++) {
        atomic_init(&stats[q].tx.packets, 10 + q);
        atomic_init(&stats[q].tx.bytes, 20 + q);
        atomic_init(&stats[q].tx_verdicts[XENVIF_TX_GOOD], 1000);
        atomic_init(&stats[q].tx_verdicts[XENVIF_TX_E_RUNT], 30);
        atomic_init(&stats[q].tx_verdicts[XENVIF_TX_E_POLICED], q);
        atomic_init(&stats[q].rx.packets, 40 + q);
        atomic_init(&stats[q].rx.bytes, 50 + q);
        atomic_init(&stats[q].rx_verdicts[XENVIF_RX_GOOD], 1000);
        atomic_init(&stats[q].rx_verdicts[XENVIF_RX_E_GRANT], 60);
        atomic_init(&stats[q].rx_verdicts[XENVIF_RX_E_NO_SLOTS], q);
    }
    get_custom(netdev, &custom);
    for (unsigned int q = 0; q < 3; q++) {
        static const char *const names[] = {
            "rx_q%u_packets", "rx_q%u_bytes", "rx_q%u_drops",
            "tx_q%u_packets", "tx_q%u_bytes", "tx_q%u_drops",
        };

        for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
            assert_int_equal(custom_value(&custom, names[i], q),
                             10 * (i + 1) + q);
        }
    }
    netdev_free_custom_stats_counters(&custom);
    xenvif_terms_reset_stats(&netdev_xenvif_cast(netdev)->vif->terms);
    netdev->n_rxq = 1;
}

/* This machine has many CPUs. */
int
sched_getaffinity(pid_t pid OVS_UNUSED, size_t size, cpu_set_t *set)
{
    memset(set, 0xff, size);
    return 0;
}

/* However many CPUs there are, not every guest is offered a queue for each. */
static void
test_default_queues(void **state OVS_UNUSED)
{
    assert_true(count_cpu_cores() >= 64);
    assert_int_equal(xenvif_default_queues(), 8);
}

static void
test_totals(void **state)
{
    struct netdev *netdev = *state;
    struct xenvif_queue_stats *stats = stats_of(netdev);
    uint64_t rx_errors = 0, tx_errors = 0, tx_dropped = 0;
    struct netdev_custom_stats custom;
    struct netdev_stats totals;

    /* Also of queues that the guest does not use any more. */
    for (unsigned int q = 0; q < XENVIF_MAX_QUEUES; q += 21) {
        atomic_init(&stats[q].tx.packets, 1);
        atomic_init(&stats[q].tx.bytes, 100);
        atomic_init(&stats[q].tx.multicast, 1000);
        atomic_init(&stats[q].rx.packets, 10000);
        atomic_init(&stats[q].rx.bytes, 100000);
        for (unsigned int i = 0; i < XENVIF_TX_N_VERDICTS; i++) {
            atomic_init(&stats[q].tx_verdicts[i], 1 + i);
            if (xenvif_tx_verdict_name(i) && i != XENVIF_TX_E_OVERSIZE
                && i != XENVIF_TX_E_POLICED) {
                rx_errors += 1 + i;
            }
        }
        for (unsigned int i = 0; i < XENVIF_RX_N_VERDICTS; i++) {
            atomic_init(&stats[q].rx_verdicts[i], 100 + i);
            if (i == XENVIF_RX_E_GRANT || i == XENVIF_RX_E_RING) {
                tx_errors += 100 + i;
            } else if (i != XENVIF_RX_GOOD) {
                tx_dropped += 100 + i;
            }
        }
    }
    assert_int_equal(netdev_get_stats(netdev, &totals), 0);
    assert_int_equal(totals.rx_packets, 4);
    assert_int_equal(totals.rx_bytes, 400);
    assert_int_equal(totals.multicast, 4000);
    assert_int_equal(totals.tx_packets, 40000);
    assert_int_equal(totals.tx_bytes, 400000);
    assert_int_equal(totals.rx_errors, rx_errors);
    assert_int_equal(totals.rx_dropped, 4 * (2 + XENVIF_TX_E_OVERSIZE
                                             + XENVIF_TX_E_POLICED));
    assert_int_equal(totals.rx_oversize_errors,
                     4 * (1 + XENVIF_TX_E_OVERSIZE));
    assert_int_equal(totals.rx_undersized_errors,
                     4 * (1 + XENVIF_TX_E_RUNT));
    get_custom(netdev, &custom);
    assert_int_equal(custom_value(&custom, "ovs_rx_qos_drops"),
                     4 * (1 + XENVIF_TX_E_POLICED));
    assert_int_equal(custom_value(&custom, "ovs_tx_failure_drops"),
                     4 * (100 + XENVIF_RX_E_NO_SLOTS));
    assert_int_equal(custom_value(&custom, "ovs_tx_mtu_exceeded_drops"),
                     4 * (100 + XENVIF_RX_E_MTU));
    assert_int_equal(custom_value(&custom, "ovs_tx_invalid_hwol_drops"),
                     4 * (100 + XENVIF_RX_E_OFFLOAD));
    netdev_free_custom_stats_counters(&custom);
    assert_int_equal(totals.tx_errors, tx_errors);
    assert_int_equal(totals.tx_dropped, tx_dropped);
    xenvif_terms_reset_stats(&netdev_xenvif_cast(netdev)->vif->terms);
    assert_int_equal(netdev_get_stats(netdev, &totals), 0);
    assert_int_equal(totals.rx_packets + totals.tx_dropped, 0);
}

/* Each size of a frame is counted in one class, by its bounds. */
static void
test_sizes(void **state)
{
    struct netdev *netdev = *state;
    struct xenvif_queue_stats *stats = stats_of(netdev);
    struct dp_packet *packet = dp_packet_new(65535);
    struct netdev_stats totals;

    memset(dp_packet_put_uninit(packet, 65535), 0, 65535);
    for (uint32_t size = 14; size <= 65535; size++) {
        dp_packet_set_size(packet, size);
        xenvif_count_frame(&stats[0].tx, packet);
        xenvif_count_frame(&stats[1].tx, packet);
        xenvif_count_frame(&stats[2].rx, packet);
    }
    assert_int_equal(netdev_get_stats(netdev, &totals), 0);
    assert_int_equal(totals.rx_packets, 2 * (65536 - 14));
    assert_int_equal(totals.rx_1_to_64_packets, 2 * (65 - 14));
    assert_int_equal(totals.rx_65_to_127_packets, 2 * (128 - 65));
    assert_int_equal(totals.rx_128_to_255_packets, 2 * 128);
    assert_int_equal(totals.rx_256_to_511_packets, 2 * 256);
    assert_int_equal(totals.rx_512_to_1023_packets, 2 * 512);
    assert_int_equal(totals.rx_1024_to_1522_packets, 2 * (1523 - 1024));
    assert_int_equal(totals.rx_1523_to_max_packets, 2 * (65536 - 1523));
    assert_int_equal(totals.tx_1_to_64_packets, 65 - 14);
    assert_int_equal(totals.tx_65_to_127_packets, 128 - 65);
    assert_int_equal(totals.tx_128_to_255_packets, 128);
    assert_int_equal(totals.tx_256_to_511_packets, 256);
    assert_int_equal(totals.tx_512_to_1023_packets, 512);
    assert_int_equal(totals.tx_1024_to_1522_packets, 1523 - 1024);
    assert_int_equal(totals.tx_1523_to_max_packets, 65536 - 1523);
    dp_packet_delete(packet);
    xenvif_terms_reset_stats(&netdev_xenvif_cast(netdev)->vif->terms);
}

/* Options that are refused, and why. */
static void
test_options(void **state OVS_UNUSED)
{
    static const struct {
        const char *name, *key, *value, *text;
    } cases[] = {
        { "odd0", NULL, NULL, "are needed" },
        { "vif1", NULL, NULL, "are needed" },
        { "vif1.2.3", NULL, NULL, "are needed" },
        { "vif70000.1", NULL, NULL, "are needed" },
        { "vif1.70000", NULL, NULL, "are needed" },
        { "vif-1.0", NULL, NULL, "are needed" },
        { "vif1.0", "domid", "x", "options:domid must be" },
        { "vif1.0", "domid", "32752", "options:domid must be" },
        { "vif1.0", "domid", "", "options:domid must be" },
        { "vif1.0", "handle", "65536", "options:handle must be" },
        { "vif1.0", "handle", "-1", "options:handle must be" },
        { "vif1.0", "n_rxq", "0", "options:n_rxq must be" },
        { "vif1.0", "n_rxq", "65", "options:n_rxq must be" },
        { "vif1.0", "n_rxq", "many", "options:n_rxq must be" },
        { "vif1.0", "n_rxq", "64", NULL },
        { "vif1.0", "domid", "2", NULL },
        { "vif1.0", NULL, NULL, NULL },
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct smap args = SMAP_INITIALIZER(&args);
        struct netdev *netdev;
        char *error = NULL;
        int status;

        if (cases[i].key) {
            smap_add(&args, cases[i].key, cases[i].value);
        }
        assert_int_equal(netdev_open(cases[i].name, "xenvif", &netdev), 0);
        status = netdev_set_config(netdev, &args, &error);
        assert_int_equal(status != 0, cases[i].text != NULL);
        if (cases[i].text && (!error || !strstr(error, cases[i].text))) {
            fail_msg("%s: %s", cases[i].name, error ? error : "no text");
        }
        free(error);
        netdev_close(netdev);
        smap_destroy(&args);
    }
}

/* Returns true if the log has a line with 'text'. */
static bool
log_has(FILE *stream, const char *text)
{
    bool found = false;
    char line[500];

    rewind(stream);
    while (!found && fgets(line, sizeof line, stream)) {
        found = strstr(line, text) != NULL;
    }
    return found;
}

/* A port that no datapath takes, because that of its bridge is the kernel's,
 * says what is wrong; others do not. */
static void
test_not_taken(void **state OVS_UNUSED)
{
    static const char text[] = "no datapath took the port";
    char name[] = "/tmp/test-stats.XXXXXX";
    int fd = mkstemp(name);
    FILE *log = fdopen(fd, "r");

    assert_non_null(log);
    vlog_set_levels(NULL, VLF_FILE, VLL_WARN);
    assert_int_equal(vlog_set_log_file(name), 0);
    unlink(name);
    for (int taken = 1; taken >= 0; taken--) {
        struct smap args = SMAP_INITIALIZER(&args);
        struct netdev *netdev;

        assert_int_equal(netdev_open("vif8.1", "xenvif", &netdev), 0);
        assert_int_equal(netdev_set_config(netdev, &args, NULL), 0);
        if (taken) {
            assert_int_equal(netdev_reconfigure(netdev), 0);
        }
        netdev_close(netdev);
        assert_int_equal(log_has(log, text), !taken);
        smap_destroy(&args);
    }
    vlog_set_levels(NULL, VLF_FILE, VLL_OFF);
    fclose(log);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_texts),
        cmocka_unit_test(test_size),
        cmocka_unit_test(test_standard_names),
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_queues),
        cmocka_unit_test(test_default_queues),
        cmocka_unit_test(test_totals),
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_options),
        cmocka_unit_test(test_not_taken),
    };

    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
