/* SPDX-License-Identifier: Apache-2.0 */

/* Unit test: what XenStore and the kernel say about a vif. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "mock-store.h"
#include "util.h"
#include "vif/xenvif-bus.h"
#include "vif/xenvif-observed.h"

#define B "/local/domain/0/backend/vif/7/0"
#define F "/local/domain/7/device/vif/0"

static char sysfs[] = "observed-XXXXXX";
static struct xenvif_observed observed;

/* A vif as a toolstack creates it. */
static int
setup(void **state OVS_UNUSED)
{
    store_clear();
    store_put(B"/state", "2");
    store_put(B"/online", "1");
    store_put(F"/state", "4");
    return 0;
}

static bool
look(void)
{
    memset(&observed, 0xee, sizeof observed);
    return xenvif_observed_read(B, F, 7, 0, &observed);
}

static void
test_states(void **state OVS_UNUSED)
{
    assert_true(look());
    assert_int_equal(observed.backend, XenbusStateInitWait);
    assert_int_equal(observed.frontend, XenbusStateConnected);
    assert_true(observed.online);

    /* What is no state. */
    store_put(F"/state", "99");
    store_put(B"/state", "four");
    store_put(B"/online", "2");
    assert_true(look());
    assert_int_equal(observed.frontend, XenbusStateReconfigured + 1);
    assert_int_equal(observed.backend, XenbusStateReconfigured + 1);
    assert_false(observed.online);

    store_drop(F"/state");
    store_drop(B"/online");
    assert_true(look());
    assert_int_equal(observed.frontend, XenbusStateUnknown);
    assert_false(observed.online);
    store_drop(B"/state");
    assert_false(look());
}

/* The key says nothing if it is missing, but if the script is ours it is one
 * of the things that have to come first. */
static void
test_hotplug(void **state OVS_UNUSED)
{
    assert_true(look());
    assert_true(observed.hotplug_missing);
    assert_true(observed.hotplug_done);
    assert_false(observed.our_script);

    store_put(B"/script", "/etc/xen/scripts/"XENVIF_SCRIPT);
    assert_true(look());
    assert_true(observed.our_script);
    assert_true(observed.hotplug_missing);
    assert_false(observed.hotplug_done);
    store_put(B"/script", XENVIF_SCRIPT);
    assert_true(look());
    assert_true(observed.our_script);
    store_put(B"/script", "/etc/xen/scripts/vif-bridge");
    assert_true(look());
    assert_false(observed.our_script);

    store_put(B"/hotplug-status", "");
    assert_true(look());
    assert_false(observed.hotplug_missing);
    assert_false(observed.hotplug_done);
    store_put(B"/hotplug-status", "connected");
    assert_true(look());
    assert_true(observed.hotplug_done);
    assert_string_equal(observed.hotplug_error, "");
}

static void
test_hotplug_error(void **state OVS_UNUSED)
{
    char text[300];

    store_put(B"/hotplug-status", "error");
    assert_true(look());
    assert_false(observed.hotplug_done);
    assert_string_equal(observed.hotplug_error, "it did not say why");
    store_put(B"/hotplug-error", "no bridge");
    assert_true(look());
    assert_string_equal(observed.hotplug_error, "no bridge");

    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    store_put(B"/hotplug-error", text);
    assert_true(look());
    assert_int_equal(strlen(observed.hotplug_error),
                     sizeof observed.hotplug_error - 1);
}

static void
test_values(void **state OVS_UNUSED)
{
    char text[2 * XENVIF_OBSERVED_RATE_TEXT];

    assert_true(look());
    assert_int_equal(observed.mtu, 0);
    assert_string_equal(observed.mac, "");
    assert_false(observed.has_rate);
    assert_string_equal(observed.rate, "");

    store_put(B"/mtu", "9000");
    store_put(B"/mac", "00:16:3e:01:02:03");
    store_put(B"/rate", "125000,1000");
    assert_true(look());
    assert_int_equal(observed.mtu, 9000);
    assert_string_equal(observed.mac, "00:16:3e:01:02:03");
    assert_true(observed.has_rate);
    assert_string_equal(observed.rate, "125000,1000");

    store_put(B"/mtu", "much");
    store_put(B"/mac", "00:16:3e:01:02:03:and:more");
    memset(text, '1', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    store_put(B"/rate", text);
    assert_true(look());
    assert_int_equal(observed.mtu, 0);
    assert_int_equal(strlen(observed.mac), sizeof observed.mac - 1);
    assert_int_equal(strlen(observed.rate), sizeof observed.rate - 1);
}

/* Creates a folder below 'sysfs', or a file if there is 'content'. */
static void
put_file(const char *name, const char *content)
{
    char *path = xasprintf("%s/%s", sysfs, name);

    if (content) {
        FILE *file = fopen(path, "w");

        assert_non_null(file);
        fputs(content, file);
        assert_int_equal(fclose(file), 0);
    } else {
        assert_int_equal(mkdir(path, 0700), 0);
    }
    free(path);
}

static void
drop_file(const char *name)
{
    char *path = xasprintf("%s/%s", sysfs, name);

    assert_int_equal(remove(path), 0);
    free(path);
}

static const char *const folders[] = {
    "bus", "bus/xen-backend", "bus/xen-backend/devices",
    "bus/xen-backend/devices/vif-7-0", "bus/xen-backend/drivers",
};

#define DRIVER "bus/xen-backend/drivers/vif"
#define PROBE "bus/xen-backend/drivers_autoprobe"
#define BOUND "bus/xen-backend/devices/vif-7-0/driver"

static void
expect_kernel(bool bound, bool next)
{
    assert_true(look());
    assert_int_equal(observed.kernel, bound);
    assert_int_equal(observed.kernel_next, next);
}

static void
test_kernel(void **state OVS_UNUSED)
{
    for (size_t i = 0; i < ARRAY_SIZE(folders); i++) {
        put_file(folders[i], NULL);
    }
    expect_kernel(false, false);

    /* A driver that new devices are offered to, or not. */
    put_file(DRIVER, NULL);
    expect_kernel(false, false);
    put_file(PROBE, "0\n");
    expect_kernel(false, false);
    put_file(PROBE, "1\n");
    expect_kernel(false, true);

    /* It has this one already. */
    put_file(BOUND, "");
    expect_kernel(true, false);

    drop_file(BOUND);
    drop_file(DRIVER);
    expect_kernel(false, false);
    drop_file(PROBE);
    for (size_t i = 1; i <= ARRAY_SIZE(folders); i++) {
        drop_file(folders[ARRAY_SIZE(folders) - i]);
    }
}

static int
group_setup(void **state)
{
    return (mock_store_group_setup(state) || !mkdtemp(sysfs)
            || setenv("XENVIF_SYSFS", sysfs, 1));
}

static int
group_teardown(void **state)
{
    return mock_store_group_teardown(state) || rmdir(sysfs);
}

int
main(void)
{
#define TEST(FUNCTION) cmocka_unit_test_setup(FUNCTION, setup)
    const struct CMUnitTest tests[] = {
        TEST(test_states),
        TEST(test_hotplug),
        TEST(test_hotplug_error),
        TEST(test_values),
        TEST(test_kernel),
    };

    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
