/* SPDX-License-Identifier: Apache-2.0 */

/* Unit test: what follows from what XenStore and the kernel say of a vif,
 * without either: whose it is beside xen-netback, and what users are told. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>
#include <xen/io/xenbus.h>

#include "timeval.h"
#include "util.h"
#include "vif/xenvif-kernel.h"
#include "vif/xenvif-observed.h"
#include "vif/xenvif-polled.h"
#include "vif/xenvif-report.h"

/* xen-netback. */

static struct xenvif_observed
connected_observed(void)
{
    return (struct xenvif_observed) {
        .frontend = XenbusStateConnected,
        .backend = XenbusStateConnected,
        .online = true,
        .hotplug_done = true,
    };
}

/* A vif that xen-netback has before we connect is no conflict. */
static void
test_kernel_was_first(void **state OVS_UNUSED)
{
    struct xenvif_observed observed = connected_observed();
    struct xenvif_kernel kernel = { .conflict = false };

    observed.kernel = true;
    assert_false(xenvif_kernel_run(&kernel, &observed, false));
    assert_false(kernel.conflict);
}

/* It gets hold of a vif in use, drives the states to Closed, and lets go: the
 * conflict lasts until the guest, or the toolstack, starts anew. */
static void
test_conflict(void **state OVS_UNUSED)
{
    struct xenvif_observed observed = connected_observed();
    struct xenvif_kernel kernel = { .conflict = false };

    assert_false(xenvif_kernel_run(&kernel, &observed, true));
    observed.kernel = true;
    assert_true(xenvif_kernel_run(&kernel, &observed, true));
    assert_true(kernel.conflict);
    observed.backend = XenbusStateClosing;
    assert_false(xenvif_kernel_run(&kernel, &observed, true));
    observed.backend = XenbusStateClosed;
    assert_false(xenvif_kernel_run(&kernel, &observed, true));
    observed.kernel = false;
    assert_false(xenvif_kernel_run(&kernel, &observed, true));
    assert_true(kernel.conflict);

    /* The next process finds it. */
    assert_true(xenvif_kernel_may_resume(&observed));

    observed.frontend = XenbusStateInitialising;
    assert_false(xenvif_kernel_may_resume(&observed));
    assert_true(xenvif_kernel_run(&kernel, &observed, true));
    assert_false(kernel.conflict);
}

static void
test_conflict_ends(void **state OVS_UNUSED)
{
    struct xenvif_observed observed = connected_observed();
    struct xenvif_kernel kernel;

    /* The toolstack made the backend anew. */
    xenvif_kernel_resume(&kernel);
    observed.backend = XenbusStateInitWait;
    assert_true(xenvif_kernel_run(&kernel, &observed, true));
    assert_false(kernel.conflict);

    /* The toolstack wants it to go. */
    xenvif_kernel_resume(&kernel);
    observed = connected_observed();
    observed.online = false;
    assert_true(xenvif_kernel_run(&kernel, &observed, true));
    assert_false(kernel.conflict);

    /* But not while xen-netback has it. */
    xenvif_kernel_resume(&kernel);
    observed.kernel = true;
    assert_false(xenvif_kernel_run(&kernel, &observed, true));
    assert_true(kernel.conflict);
}

/* A new vif that the driver core is about to offer to xen-netback is left
 * alone for a while, and no longer. */
static void
test_kernel_is_coming(void **state OVS_UNUSED)
{
    struct xenvif_observed observed = { .backend = XenbusStateInitialising };
    struct xenvif_kernel kernel = { .conflict = false };

    assert_false(xenvif_kernel_is_coming(&kernel, &observed));
    observed.kernel_next = true;
    assert_true(xenvif_kernel_is_coming(&kernel, &observed));
    assert_true(kernel.patience > time_msec());
    kernel.patience = time_msec() - 1;
    assert_false(xenvif_kernel_is_coming(&kernel, &observed));

    observed.backend = XenbusStateInitWait;
    assert_false(xenvif_kernel_is_coming(&kernel, &observed));
    assert_int_equal(kernel.patience, 0);
}

/* What users are told: the first thing that keeps traffic from flowing. */

static struct xenvif_report report;
static struct xenvif_observed observed;

static void
expect_reason(bool has_port, const char *text)
{
    xenvif_report_explain(&report, has_port, &observed);
    assert_string_equal(report.reason, text);
}

static void
test_explain(void **state OVS_UNUSED)
{
    memset(&report, 0, sizeof report);
    memset(&observed, 0, sizeof observed);
    report.unpolled = XENVIF_POLLED_ALL;
    expect_reason(true, "no such vif in XenStore");
    report.present = true;
    expect_reason(false, "no port of this switch, and its hotplug script is "
                  "not vif-xenvif");
    report.owner = XENVIF_KERNEL;
    expect_reason(true, "Linux xen-netback is bound to the vif");
    report.owner = XENVIF_OURS_BY_SCRIPT;
    expect_reason(false, "no port of this switch");
    expect_reason(true, "waiting for the hotplug script to write "
                  "hotplug-status=connected");
    ovs_strlcpy(observed.hotplug_error, "no such bridge",
                sizeof observed.hotplug_error);
    expect_reason(true, "the hotplug script failed: no such bridge");
    observed.hotplug_error[0] = '\0';
    observed.hotplug_done = true;
    report.frontend = XenbusStateInitialising;
    expect_reason(true, "waiting for the guest (frontend is Initialising)");
    ovs_strlcpy(report.last_error, "something", sizeof report.last_error);
    expect_reason(true, "something");

    report.connected = true;
    expect_reason(true, "");
    assert_true(xenvif_report_carrier(&report));
    report.unpolled = 3;
    expect_reason(true, "connected, but no thread polls queue 3 (see "
                  "pmd-cpu-mask and pmd-rxq-show)");
    assert_true(xenvif_report_carrier(&report));
    report.stalled = true;
    expect_reason(true, "guest does not post RX slots");
    assert_false(xenvif_report_carrier(&report));
    report.fault = XENVIF_TX_E_RING;
    expect_reason(true, "stopped until the guest reconnects: TX ring index "
                  "out of range");
    assert_false(xenvif_report_carrier(&report));
}

static void
test_owners(void **state OVS_UNUSED)
{
    for (enum xenvif_owner a = XENVIF_NOT_OURS; a <= XENVIF_OURS_BY_HISTORY;
         a++) {
        for (enum xenvif_owner b = XENVIF_NOT_OURS; b < a; b++) {
            assert_string_not_equal(xenvif_owner_to_string(a),
                                    xenvif_owner_to_string(b));
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kernel_was_first),
        cmocka_unit_test(test_conflict),
        cmocka_unit_test(test_conflict_ends),
        cmocka_unit_test(test_kernel_is_coming),
        cmocka_unit_test(test_explain),
        cmocka_unit_test(test_owners),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
