/* SPDX-License-Identifier: Apache-2.0 */

/* Unit test: the list of multicast addresses of a guest. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "util.h"
#include "packet/xenvif-multicast.h"

static struct eth_addr
address(unsigned int i)
{
    return (struct eth_addr) { { { 0x33, 0x33, 0, 0, i >> 8, i } } };
}

static int
setup(void **state)
{
    static struct xenvif_multicast mc;

    xenvif_multicast_init(&mc);
    *state = &mc;
    return 0;
}

static int
teardown(void **state)
{
    xenvif_multicast_destroy(*state);
    return 0;
}

/* Checks that the list holds addresses ['first', 'last') and no others. */
static void
check(struct xenvif_multicast *mc, unsigned int first, unsigned int last)
{
    for (unsigned int i = 0; i < 300; i++) {
        assert_int_equal(xenvif_multicast_contains(mc, address(i)),
                         i >= first && i < last);
    }
}

static void
test_case_91_full_list(void **state)
{
    struct xenvif_multicast *mc = *state;

    check(mc, 0, 0);
    for (unsigned int i = 0; i < 64; i++) {
        assert_true(xenvif_multicast_add(mc, address(i)));
        check(mc, 0, i + 1);
    }
    assert_false(xenvif_multicast_add(mc, address(64)));
    check(mc, 0, 64);

    /* What is there already needs no room. */
    for (unsigned int i = 0; i < 64; i++) {
        assert_true(xenvif_multicast_add(mc, address(i)));
    }
    xenvif_multicast_remove(mc, address(0));
    assert_true(xenvif_multicast_add(mc, address(64)));
    assert_false(xenvif_multicast_add(mc, address(65)));
    check(mc, 1, 65);
}

static void
test_remove(void **state)
{
    struct xenvif_multicast *mc = *state;

    xenvif_multicast_remove(mc, address(1));
    for (unsigned int i = 0; i < 64; i++) {
        xenvif_multicast_add(mc, address(i));
        xenvif_multicast_add(mc, address(i));
    }
    xenvif_multicast_remove(mc, address(200));
    check(mc, 0, 64);
    for (unsigned int i = 64; i > 32; i--) {
        xenvif_multicast_remove(mc, address(i - 1));
        check(mc, 0, i - 1);
    }
    for (unsigned int i = 0; i < 32; i++) {
        xenvif_multicast_remove(mc, address(i));
        check(mc, i + 1, 32);
    }
}

static void
test_clear(void **state)
{
    struct xenvif_multicast *mc = *state;

    for (unsigned int i = 0; i < 70; i++) {
        xenvif_multicast_add(mc, address(i));
    }
    xenvif_multicast_clear(mc);
    check(mc, 0, 0);
    assert_true(xenvif_multicast_add(mc, address(69)));
    check(mc, 69, 70);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_case_91_full_list, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_remove, setup, teardown),
        cmocka_unit_test_setup_teardown(test_clear, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
