/* SPDX-License-Identifier: Apache-2.0 */

/* Unit test: what is agreed on with a guest, in words. */

#include <config.h>

#include "mock-frontend.h"

#include <string.h>

#include "openvswitch/dynamic-string.h"
#include "smap.h"
#include "util.h"
#include "packet/xenvif-features.h"
#include "packet/xenvif-hash.h"
#include "vif/xenvif-report.h"

static const struct xenvif_feature_settings all_on = {
    .partial = true, .tso = true, .tx_csum = true,
};

/* A guest that has everything. */
static void
fill(struct xenvif_features *f, struct xenvif_uses *u, struct xenvif_offers *o)
{
    memset(f, true, sizeof *f);
    memset(u, true, sizeof *u);
    memset(o, true, sizeof *o);
}

static void
assert_features(const struct xenvif_features *f, const struct xenvif_uses *u,
                const char *expected)
{
    struct ds ds = DS_EMPTY_INITIALIZER;

    ds_put_char(&ds, ':');
    xenvif_features_format(&ds, f, u);
    assert_string_equal(ds_cstr(&ds) + 1, expected);
    ds_destroy(&ds);
}

static void
assert_offers(const struct xenvif_offers *o, const char *expected)
{
    struct ds ds = DS_EMPTY_INITIALIZER;

    ds_put_char(&ds, ':');
    xenvif_offers_format(&ds, o);
    assert_string_equal(ds_cstr(&ds) + 1, expected);
    ds_destroy(&ds);
}

static void
test_names(void **state OVS_UNUSED)
{
    struct xenvif_features f;
    struct xenvif_uses u;
    struct xenvif_offers o;

    fill(&f, &u, &o);
    assert_features(&f, &u, "sg csum-offload ipv6-csum-offload gso-tcpv4 "
                    "gso-tcpv6 rx-notify persistent split-event-channels "
                    "ctrl-ring hash gref-mapping multicast-control "
                    "xdp-headroom");
    assert_offers(&o, "ipv6-csum-offload gso-tcpv4 gso-tcpv6");
    memset(&f, 0, sizeof f);
    memset(&u, 0, sizeof u);
    memset(&o, 0, sizeof o);
    assert_features(&f, &u, "");
    assert_offers(&o, "");
    f.rx_notify = u.hash = o.gso_v6 = true;
    assert_features(&f, &u, "rx-notify hash");
    assert_offers(&o, "gso-tcpv6");
}

/* Checks why 'name' is missing; NULL if it is not. */
static void
assert_why(const struct smap *missing, const char *name, const char *expected)
{
    const char *reason = smap_get(missing, name);

    if (expected) {
        assert_non_null(reason);
        assert_string_equal(reason, expected);
    } else {
        assert_null(reason);
    }
}

/* Checks why a guest gets no large IPv4 packets. */
static void
assert_gso(const struct xenvif_features *f,
           const struct xenvif_feature_settings *s, const char *expected)
{
    struct smap missing = SMAP_INITIALIZER(&missing);

    xenvif_features_explain(f, s, &missing);
    assert_why(&missing, "gso-tcpv4", expected);
    smap_destroy(&missing);
}

static void
test_missing_to_guest(void **state OVS_UNUSED)
{
    struct smap missing = SMAP_INITIALIZER(&missing);
    struct xenvif_feature_settings s = all_on;
    struct xenvif_features f, none = { .sg = false };
    struct xenvif_uses u;
    struct xenvif_offers o;

    fill(&f, &u, &o);
    xenvif_features_explain(&f, &s, &missing);
    assert_int_equal(smap_count(&missing), 0);

    xenvif_features_explain(&none, &s, &missing);
    assert_int_equal(smap_count(&missing), 5);
    assert_why(&missing, "sg", "the guest did not write feature-sg");
    assert_why(&missing, "csum-offload",
               "the guest wrote feature-no-csum-offload");
    assert_why(&missing, "ipv6-csum-offload",
               "the guest did not write feature-ipv6-csum-offload");
    assert_why(&missing, "gso-tcpv6",
               "the guest did not write feature-gso-tcpv6");
    smap_clear(&missing);

    /* Who is to blame, one after the other. */
    s.tso = false;
    assert_gso(&f, &s, "userspace-tso-enable is off");
    s.tx_csum = false;
    assert_gso(&f, &s, "options:tx-csum-offload is false");
    f.csum_v4 = false;
    assert_gso(&f, &s, "it needs csum-offload");
    f.sg = false;
    assert_gso(&f, &s, "it needs sg");
    f.gso_v4 = false;
    assert_gso(&f, &s, "the guest did not write feature-gso-tcpv4");
    xenvif_features_explain(&f, &s, &missing);
    assert_why(&missing, "ipv6-csum-offload",
               "options:tx-csum-offload is false");
    smap_destroy(&missing);
}

static void
test_missing_from_guest(void **state OVS_UNUSED)
{
    struct smap missing = SMAP_INITIALIZER(&missing);
    struct xenvif_feature_settings s = all_on;
    struct xenvif_offers all, none = { .gso_v4 = false };
    struct xenvif_features f;
    struct xenvif_uses u;

    fill(&f, &u, &all);
    xenvif_offers_explain(&all, &s, &missing);
    assert_int_equal(smap_count(&missing), 0);
    xenvif_offers_explain(&none, &s, &missing);
    assert_int_equal(smap_count(&missing), 3);
    assert_why(&missing, "gso-tcpv4", "userspace-tso-enable was off, or "
               "another backend served the guest, when it connected");
    smap_clear(&missing);

    s.tso = s.partial = false;
    xenvif_offers_explain(&none, &s, &missing);
    assert_int_equal(smap_count(&missing), 3);
    assert_why(&missing, "gso-tcpv6", "userspace-tso-enable is off");
    assert_why(&missing, "ipv6-csum-offload", "userspace-tso-enable is off");
    smap_clear(&missing);

    xenvif_offers_explain(&all, &s, &missing);
    assert_int_equal(smap_count(&missing), 2);
    assert_why(&missing, "gso-tcpv4", "offered when the guest connected, but "
               "userspace-tso-enable is off now: cut on arrival");
    smap_destroy(&missing);
}

/* What a report says of a connection follows what the guest does. */
static void
test_follow(void **state)
{
    static const struct xenvif_features expected = {
        .csum_v4 = true, .split_channels = true,
    };
    struct mock *mock = mock_create(1, true, 0);
    struct xenvif_report report = { .present = true };
    struct xen_netif_gref grefs[2 * NETIF_RING_SIZE];

    *state = mock;
    mock_add_ctrl(mock);
    mock->rules.sg = mock->rules.csum_ipv6 = false;
    mock->rules.gso_tcpv4 = mock->rules.gso_tcpv6 = false;
    mock->rules.csum_ipv4 = true;
    mock_connect(mock);
    assert_true(xenvif_report_follow(&report, mock->conn));
    assert_memory_equal(&report.features, &expected, sizeof expected);
    assert_features(&report.features, &report.uses,
                    "csum-offload split-event-channels ctrl-ring");
    assert_false(xenvif_report_follow(&report, mock->conn));

    assert_int_equal(mock_ctrl_call(
                         mock, XEN_NETIF_CTRL_TYPE_SET_HASH_ALGORITHM,
                         XEN_NETIF_CTRL_HASH_ALGORITHM_TOEPLITZ, 0, 0, NULL),
                     XEN_NETIF_CTRL_STATUS_SUCCESS);
    assert_true(xenvif_report_follow(&report, mock->conn));
    assert_true(report.uses.hash);

    mock_stage(&mock->queues[0], grefs);
    assert_int_equal(mock_gref_add(mock, 0, grefs, 3),
                     XEN_NETIF_CTRL_STATUS_SUCCESS);
    assert_true(xenvif_report_follow(&report, mock->conn));
    assert_true(report.uses.gref_mapping);
    assert_int_equal(mock_gref_del(mock, 0, grefs, 3), 3);
    assert_true(xenvif_report_follow(&report, mock->conn));
    assert_false(report.uses.gref_mapping);
    mock_unstage(&mock->queues[0]);

    atomic_store_relaxed(&mock->conn->common.filter_multicast, true);
    atomic_store_relaxed(&mock->conn->common.headroom, 192);
    assert_true(xenvif_report_follow(&report, mock->conn));
    assert_features(&report.features, &report.uses,
                    "csum-offload split-event-channels ctrl-ring hash "
                    "multicast-control xdp-headroom");
}

static int
run(const char *name)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_missing_to_guest),
        cmocka_unit_test(test_missing_from_guest),
        cmocka_unit_test_teardown(test_follow, mock_teardown),
    };

    return cmocka_run_group_tests_name(name, tests, NULL, NULL);
}

int
main(void)
{
    return mock_main(run);
}
