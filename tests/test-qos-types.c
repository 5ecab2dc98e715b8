/* SPDX-License-Identifier: Apache-2.0 */

/* Unit test: the types of quality of service, with a sink of the test's own in
 * place of a port.  (For their arithmetic see test-meter.c and
 * test-shaper.c.) */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dp-packet.h"
#include "openvswitch/vlog.h"
#include "ovs-rcu.h"
#include "smap.h"
#include "util.h"
#include "qos/xenvif-qos.h"

enum { PACKET_LEN = 1000, N_REASONS = XENVIF_QOS_DROP_FLUSHED + 1 };

struct sink {
    struct xenvif_qos_sink up;
    bool held_back;
    unsigned int n_delivered;
    uint64_t n_dropped[N_REASONS];
};

static struct sink *
sink_cast(const struct xenvif_qos_sink *up)
{
    return CONTAINER_OF(up, struct sink, up);
}

static void
deliver(struct xenvif_qos_sink *up, struct dp_packet_batch *batch)
{
    struct sink *sink = sink_cast(up);
    struct dp_packet *packet;

    DP_PACKET_BATCH_FOR_EACH (i, packet, batch) {
        assert_int_equal(dp_packet_size(packet), PACKET_LEN);
        sink->n_delivered++;
    }
    dp_packet_delete_batch(batch, true);
    dp_packet_batch_init(batch);
}

static bool
is_held_back(const struct xenvif_qos_sink *up)
{
    return sink_cast(up)->held_back;
}

static void
count_drops(struct xenvif_qos_sink *up, enum xenvif_qos_drop reason,
            uint32_t n)
{
    sink_cast(up)->n_dropped[reason] += n;
}

static struct sink sink;

static int
setup(void **state OVS_UNUSED)
{
    memset(&sink, 0, sizeof sink);
    sink.up.deliver = deliver;
    sink.up.is_held_back = is_held_back;
    sink.up.count_drops = count_drops;
    return 0;
}

/* Sends 'n' packets, at most a batch, for queue 'priority'.  What the type
 * leaves in the batch is delivered at once. */
static void
send_packets(struct xenvif_qos *qos, unsigned int n, uint32_t priority)
{
    struct dp_packet_batch batch;

    dp_packet_batch_init(&batch);
    for (unsigned int i = 0; i < n; i++) {
        struct dp_packet *packet = dp_packet_new(PACKET_LEN);

        dp_packet_set_size(packet, PACKET_LEN);
        packet->md.skb_priority = priority;
        dp_packet_batch_add(&batch, packet);
    }
    xenvif_qos_send(qos, &sink.up, &batch);
    deliver(&sink.up, &batch);
}

/* Creates a QoS of 'type' with one or two settings, which has to work. */
static struct xenvif_qos *
create(const char *type, const char *key1,
       const char *value1, const char *key2, const char *value2)
{
    struct smap details = SMAP_INITIALIZER(&details);
    struct xenvif_qos *qos;
    char *problem;

    smap_add(&details, key1, value1);
    if (key2) {
        smap_add(&details, key2, value2);
    }
    qos = xenvif_qos_create(type, &details, &problem);
    assert_null(problem);
    assert_non_null(qos);
    assert_string_equal(xenvif_qos_type(qos), type);
    smap_destroy(&details);
    return qos;
}

/* Expects 'type' to refuse 'key' = 'value' with a text that has 'word'. */
static void
expect_refused(const char *type, const char *key,
               const char *value, const char *word)
{
    struct smap details = SMAP_INITIALIZER(&details);
    char *problem;

    smap_add(&details, key, value);
    assert_null(xenvif_qos_create(type, &details, &problem));
    assert_non_null(problem);
    assert_non_null(strstr(problem, word));
    free(problem);
    smap_destroy(&details);
}

static void
test_wrong_values(void **state OVS_UNUSED)
{
    static const char *const values[] = { "", "x", "-1", "1e6", "1.5", " 1" };

    for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
        expect_refused("egress-policer", "cir", values[i], "cir");
        expect_refused("trtcm-policer", "eir", values[i], "eir");
        expect_refused("linux-htb", "max-rate", values[i], "max-rate");
    }
    expect_refused("egress-policer", "cbs", "1000", "cir is needed");
    expect_refused("egress-policer", "cir", "1000", "needs a cbs");
    expect_refused("trtcm-policer", "eir", "1000", "needs a ebs");
}

/* What a policer does not let pass is counted, the rest goes on at once. */
static void
test_policer(void **state OVS_UNUSED)
{
    struct xenvif_qos *qos = create("egress-policer", "cir", "1",
                                    "cbs", "10000");

    send_packets(qos, 30, 0);
    assert_in_range(sink.n_delivered, 9, 10);
    assert_int_equal(sink.n_dropped[XENVIF_QOS_DROP_POLICED],
                     30 - sink.n_delivered);
    xenvif_qos_destroy(qos);
}

/* Queues of a policer have rates of their own, beside the default one. */
static void
test_policer_queues(void **state OVS_UNUSED)
{
    struct xenvif_qos *qos = create("trtcm-policer", "cir", "1",
                                    "cbs", "40000");
    struct smap details = SMAP_INITIALIZER(&details);
    struct netdev_queue_stats stats;
    unsigned int ids[XENVIF_QOS_MAX_QUEUES];
    bool changed = false;
    char *problem;

    smap_add(&details, "cir", "1");
    smap_add(&details, "cbs", "20000");
    problem = xenvif_qos_set_queue(qos, 7, &details, &changed);
    assert_null(problem);
    assert_true(changed);
    assert_int_equal(xenvif_qos_list_queues(qos, ids), 2);
    assert_true(ids[0] == 7 || ids[1] == 7);

    send_packets(qos, 30, 7);
    assert_in_range(sink.n_delivered, 18, 20);
    assert_true(xenvif_qos_get_queue_stats(qos, 7, &stats));
    assert_int_equal(stats.tx_packets, sink.n_delivered);
    assert_int_equal(stats.tx_errors, 30 - sink.n_delivered);
    assert_false(xenvif_qos_get_queue_stats(qos, 8, &stats));

    /* The same again changes nothing. */
    changed = false;
    assert_null(xenvif_qos_set_queue(qos, 7, &details, &changed));
    assert_false(changed);
    assert_true(xenvif_qos_delete_queue(qos, 7, &changed));
    assert_false(xenvif_qos_delete_queue(qos, 7, &changed));
    assert_int_equal(xenvif_qos_list_queues(qos, ids), 1);
    smap_destroy(&details);
    xenvif_qos_destroy(qos);
}

static void
set_htb_queue(struct xenvif_qos *qos, unsigned int id, const char *key,
              const char *value)
{
    struct smap details = SMAP_INITIALIZER(&details);
    bool changed = false;

    smap_add(&details, key, value);
    assert_null(xenvif_qos_set_queue(qos, id, &details, &changed));
    assert_true(changed);
    smap_destroy(&details);
}

/* While packets wait for the guest on all of its queues, others wait here. */
static void
test_htb_held_back(void **state OVS_UNUSED)
{
    struct xenvif_qos *qos = create("linux-htb", "max-rate",
                                    "1000000000000", NULL, NULL);

    set_htb_queue(qos, 1, "priority", "1");
    sink.held_back = true;
    send_packets(qos, 10, 0);
    send_packets(qos, 10, 1);
    assert_int_equal(sink.n_delivered, 0);
    xenvif_qos_poll(qos, &sink.up);
    assert_int_equal(sink.n_delivered, 0);

    sink.held_back = false;
    while (sink.n_delivered < 20) {
        xenvif_qos_poll(qos, &sink.up);
    }
    for (unsigned int i = 0; i < N_REASONS; i++) {
        assert_int_equal(sink.n_dropped[i], 0);
    }
    xenvif_qos_destroy(qos);
}

/* A queue that is full, and a guest that goes. */
static void
test_htb_drops(void **state OVS_UNUSED)
{
    struct xenvif_qos *qos = create("linux-htb", "max-rate",
                                    "1000000000000", NULL, NULL);
    struct netdev_queue_stats stats;

    set_htb_queue(qos, 1, "limit", "5");
    sink.held_back = true;
    send_packets(qos, 20, 1);
    assert_int_equal(sink.n_dropped[XENVIF_QOS_DROP_FULL], 15);
    assert_true(xenvif_qos_get_queue_stats(qos, 1, &stats));
    assert_int_equal(stats.tx_errors, 15);

    xenvif_qos_flush(qos, &sink.up);
    assert_int_equal(sink.n_dropped[XENVIF_QOS_DROP_FLUSHED], 5);
    sink.held_back = false;
    xenvif_qos_poll(qos, &sink.up);
    assert_int_equal(sink.n_delivered, 0);
    xenvif_qos_destroy(qos);
}

/* What waits when something else takes over is delivered, whatever the rate,
 * and so is what comes after that. */
static void
test_htb_retires(void **state OVS_UNUSED)
{
    struct xenvif_qos *qos = create("linux-htb", "max-rate", "12000",
                                    NULL, NULL);
    unsigned int n;

    for (unsigned int i = 0; i < 4; i++) {
        send_packets(qos, 30, 0);
    }
    n = sink.n_delivered;
    assert_true(n < 100);
    xenvif_qos_retire(qos, &sink.up);
    assert_int_equal(sink.n_delivered, 120);
    send_packets(qos, 30, 0);
    assert_int_equal(sink.n_delivered, 150);
    xenvif_qos_destroy(qos);
}

static void
test_htb_settings(void **state OVS_UNUSED)
{
    struct xenvif_qos *qos = create("linux-htb", "max-rate", "1000000",
                                    NULL, NULL);
    struct smap details = SMAP_INITIALIZER(&details);
    bool changed = false;
    char *text;

    xenvif_qos_get(qos, &details);
    assert_string_equal(smap_get(&details, "max-rate"), "1000000");
    assert_null(xenvif_qos_set(qos, &details, &changed));
    assert_false(changed);
    smap_replace(&details, "max-rate", "2000000");
    assert_null(xenvif_qos_set(qos, &details, &changed));
    assert_true(changed);

    /* A wrong value changes nothing. */
    smap_replace(&details, "max-rate", "fast");
    text = xenvif_qos_set(qos, &details, &changed);
    assert_non_null(strstr(text, "fast"));
    free(text);
    smap_clear(&details);
    xenvif_qos_get(qos, &details);
    assert_string_equal(smap_get(&details, "max-rate"), "2000000");

    /* More is promised than there is. */
    assert_null(xenvif_qos_get_doubts(qos));
    set_htb_queue(qos, 1, "min-rate", "1500000");
    set_htb_queue(qos, 2, "min-rate", "1500000");
    text = xenvif_qos_get_doubts(qos);
    assert_non_null(strstr(text, "add up to more"));
    free(text);
    smap_destroy(&details);
    xenvif_qos_destroy(qos);
}

#define TEST(NAME) cmocka_unit_test_setup(NAME, setup)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_wrong_values),
        TEST(test_policer),
        TEST(test_policer_queues),
        TEST(test_htb_held_back),
        TEST(test_htb_drops),
        TEST(test_htb_retires),
        TEST(test_htb_settings),
    };

    vlog_set_levels(NULL, VLF_ANY_DESTINATION, VLL_OFF);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
