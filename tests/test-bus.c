/* SPDX-License-Identifier: Apache-2.0 */

/* Unit test: the walk of XenBus states.  The numbers in the names are those of
 * the list of cases in the project's test plan. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "util.h"
#include "vif/xenvif-bus.h"

/* States by number, as the tables of everybody have them. */
enum { UNKNOWN, INITIALISING, INITWAIT, INITIALISED, CONNECTED, CLOSING,
       CLOSED, RECONFIGURING, RECONFIGURED, N_STATES };

/* What an action makes of B/state; -1: nothing. */
static int
target(enum xenvif_bus_action action)
{
    switch (action) {
    case XENVIF_BUS_NOTHING:
    case XENVIF_BUS_ATTACH:
        return -1;
    case XENVIF_BUS_OFFER:
        return INITWAIT;
    case XENVIF_BUS_CONNECT:
    case XENVIF_BUS_RECONFIGURED:
        return CONNECTED;
    case XENVIF_BUS_RECONFIGURE:
        return RECONFIGURED;
    case XENVIF_BUS_CLOSING:
        return CLOSING;
    case XENVIF_BUS_CLOSED:
        return CLOSED;
    }
    fail_msg("unknown action %d", action);
    return -1;
}

static struct xenvif_bus_view
make_view(unsigned int frontend, unsigned int backend, unsigned int bits)
{
    return (struct xenvif_bus_view) {
        .frontend = frontend, .backend = backend, .online = bits & 1,
        .connected = bits & 2, .may_connect = bits & 4,
    };
}

/* Everything that can be seen: only steps that a frontend expects. */
static void
test_only_legal_steps(void **state OVS_UNUSED)
{
    static const int legal[][2] = {
        { 1, 2 }, { 2, 4 }, { 2, 5 }, { 4, 5 }, { 5, 6 }, { 6, 2 }, { 6, 5 },
        { 4, 8 }, { 8, 4 }, { 8, 5 },
    };

    for (unsigned int i = 0; i < 12 * 12 * 8; i++) {
        struct xenvif_bus_view view = make_view(i % 12, i / 12 % 12, i / 144);
        enum xenvif_bus_action action = xenvif_bus_next(&view);
        int to = target(action);
        bool ok = to < 0;

        for (size_t j = 0; j < ARRAY_SIZE(legal); j++) {
            ok |= view.backend == legal[j][0] && to == legal[j][1];
        }
        if (!ok) {
            fail_msg("%u/%u: step to %d", view.frontend, view.backend, to);
        }
        if (view.frontend >= N_STATES || view.backend >= N_STATES) {
            assert_int_equal(action, XENVIF_BUS_NOTHING);
        }
        if (action == XENVIF_BUS_CONNECT || action == XENVIF_BUS_ATTACH) {
            assert_int_equal(view.frontend, CONNECTED);
            assert_true(view.may_connect);
        }
        if (action == XENVIF_BUS_ATTACH) {
            assert_int_equal(view.backend, CONNECTED);
            assert_false(view.connected);
        }
        if (view.backend == CLOSED && !view.online) {
            /* The device is on its way out. */
            assert_int_not_equal(to, INITWAIT);
        }
    }
}

/* Does a view with these states always lead to 'action', whatever else? */
static void
expect(unsigned int frontend, unsigned int backend,
       enum xenvif_bus_action action)
{
    for (unsigned int bits = 0; bits < 8; bits++) {
        struct xenvif_bus_view view = make_view(frontend, backend, bits);

        if (xenvif_bus_next(&view) != action) {
            fail_msg("%u/%u: action %d instead of %d", frontend, backend,
                     xenvif_bus_next(&view), action);
        }
    }
}

/* Does it lead to 'yes' if all of the 'bits' are set, else to nothing? */
static void
expect_if(unsigned int frontend, unsigned int backend, unsigned int mask,
          unsigned int bits, enum xenvif_bus_action yes)
{
    for (unsigned int i = 0; i < 8; i++) {
        struct xenvif_bus_view view = make_view(frontend, backend, i);

        assert_int_equal(xenvif_bus_next(&view),
                         (i & mask) == bits ? yes : XENVIF_BUS_NOTHING);
    }
}

enum { ONLINE = 1, IS_CONNECTED = 2, MAY_CONNECT = 4 };

static void
test_frontend_initialising(void **state OVS_UNUSED)
{
    expect(1, 1, XENVIF_BUS_OFFER);
    expect(1, 2, XENVIF_BUS_NOTHING);
    expect(1, 4, XENVIF_BUS_CLOSING); /* Reset without closing. */
    expect(1, 8, XENVIF_BUS_CLOSING);
    expect(1, 5, XENVIF_BUS_CLOSED);
    expect_if(1, 6, ONLINE, ONLINE, XENVIF_BUS_OFFER);
}

static void
test_frontend_initwait_or_initialised(void **state OVS_UNUSED)
{
    for (unsigned int backend = 0; backend < N_STATES; backend++) {
        expect(2, backend, XENVIF_BUS_NOTHING);
        expect(3, backend, XENVIF_BUS_NOTHING);
    }
}

static void
test_frontend_connected(void **state OVS_UNUSED)
{
    expect(4, 1, XENVIF_BUS_OFFER); /* Did not wait for us. */
    expect_if(4, 2, MAY_CONNECT, MAY_CONNECT, XENVIF_BUS_CONNECT);
    expect_if(4, 4, MAY_CONNECT | IS_CONNECTED, MAY_CONNECT,
              XENVIF_BUS_ATTACH);
    expect(4, 8, XENVIF_BUS_RECONFIGURED);
    expect(4, 5, XENVIF_BUS_NOTHING); /* It has to close first. */
    expect_if(4, 6, ONLINE, ONLINE, XENVIF_BUS_OFFER);
}

static void
test_frontend_closing(void **state OVS_UNUSED)
{
    expect(5, 1, XENVIF_BUS_OFFER);
    expect(5, 2, XENVIF_BUS_CLOSING);
    expect(5, 4, XENVIF_BUS_CLOSING);
    expect(5, 8, XENVIF_BUS_CLOSING);
    expect(5, 5, XENVIF_BUS_NOTHING);
    expect(5, 6, XENVIF_BUS_CLOSING);
}

static void
test_frontend_closed(void **state OVS_UNUSED)
{
    expect(6, 1, XENVIF_BUS_OFFER);
    expect(6, 2, XENVIF_BUS_CLOSING);
    expect(6, 4, XENVIF_BUS_CLOSING); /* Skipped Closing. */
    expect(6, 8, XENVIF_BUS_CLOSING);
    expect(6, 5, XENVIF_BUS_CLOSED);
    expect(6, 6, XENVIF_BUS_NOTHING);
}

static void
test_frontend_reconfiguring(void **state OVS_UNUSED)
{
    for (unsigned int backend = 0; backend < N_STATES; backend++) {
        expect(7, backend, (backend == 4 ? XENVIF_BUS_RECONFIGURE
                            : XENVIF_BUS_NOTHING));
        expect(8, backend, XENVIF_BUS_NOTHING);
    }
}

static void
test_frontend_gone(void **state OVS_UNUSED)
{
    expect(0, 2, XENVIF_BUS_CLOSING);
    expect(0, 4, XENVIF_BUS_CLOSING);
    expect(0, 8, XENVIF_BUS_CLOSING);
    expect(0, 5, XENVIF_BUS_CLOSED);
    expect(0, 6, XENVIF_BUS_NOTHING);
}

static void
test_other_numbers(void **state OVS_UNUSED)
{
    static const unsigned int numbers[] = {
        9, 31, 32, 33, 36, 64 + 4, 1000, 0x80000004, UINT_MAX
    };

    for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
        for (unsigned int other = 0; other < N_STATES; other++) {
            expect(numbers[i], other, XENVIF_BUS_NOTHING);
            expect(other, numbers[i], XENVIF_BUS_NOTHING);
        }
        assert_string_equal(xenvif_bus_state_to_string(numbers[i]),
                            "invalid");
    }
    assert_string_equal(xenvif_bus_state_to_string(0), "Unknown");
    assert_string_equal(xenvif_bus_state_to_string(4), "Connected");
    assert_string_equal(xenvif_bus_state_to_string(8), "Reconfigured");
}

/* Takes one step.  Returns false if there was none to take. */
static bool
step(struct xenvif_bus_view *view)
{
    enum xenvif_bus_action action = xenvif_bus_next(view);
    int to = target(action);

    if (action == XENVIF_BUS_NOTHING) {
        return false;
    }
    if (action == XENVIF_BUS_CONNECT || action == XENVIF_BUS_ATTACH) {
        view->connected = true;
    } else if (action == XENVIF_BUS_CLOSING || action == XENVIF_BUS_CLOSED) {
        view->connected = false;
    }
    if (to >= 0) {
        assert_int_not_equal(view->backend, to);
        view->backend = to;
    }
    return true;
}

/* Takes all steps there are.  However it began, it ends soon. */
static void
settle(struct xenvif_bus_view *view)
{
    unsigned int n = 0;

    while (step(view)) {
        assert_in_range(++n, 1, 4);
    }
}

/* Whatever the frontend shows, there is an end to what we do about it. */
static void
test_every_view_settles(void **state OVS_UNUSED)
{
    for (unsigned int i = 0; i < 12 * 12 * 8; i++) {
        struct xenvif_bus_view view = make_view(i % 12, i / 12 % 12, i / 144);

        settle(&view);
    }
}

/* A script: what the frontend writes, and what we have to be at then. */
struct act {
    unsigned int frontend, backend;
};

static void
play(unsigned int backend, const struct act *acts, unsigned int n)
{
    struct xenvif_bus_view view = make_view(0, backend, ONLINE | MAY_CONNECT);

    for (unsigned int i = 0; i < n; i++) {
        view.frontend = acts[i].frontend;
        settle(&view);
        if (view.backend != acts[i].backend) {
            fail_msg("act %u: %u instead of %u", i, view.backend,
                     acts[i].backend);
        }
        assert_int_equal(view.connected, (view.backend == CONNECTED
                                          || view.backend == RECONFIGURED));
    }
}

#define PLAY(BACKEND, ...)                                      \
    do {                                                        \
        static const struct act acts[] = { __VA_ARGS__ };       \
        play(BACKEND, acts, ARRAY_SIZE(acts));                  \
    } while (0)

static void
test_life_of_linux(void **state OVS_UNUSED)
{
    /* Case 9: start, unload, reload. */
    PLAY(1, { 1, 2 }, { 4, 4 }, { 5, 5 }, { 6, 6 }, { 1, 2 }, { 4, 4 });
    /* Case 10: kexec. */
    PLAY(4, { 4, 4 }, { 5, 5 }, { 6, 6 }, { 1, 2 }, { 4, 4 });
    /* Case 13: reset without closing. */
    PLAY(4, { 4, 4 }, { 1, 2 }, { 4, 4 });
    /* Case 28: XDP, twice. */
    PLAY(1, { 1, 2 }, { 4, 4 }, { 7, 8 }, { 4, 4 }, { 7, 8 }, { 4, 4 });
    /* Unloaded while it reconfigures. */
    PLAY(4, { 4, 4 }, { 7, 8 }, { 5, 5 }, { 6, 6 }, { 1, 2 });
    /* Case 16: without Closing. */
    PLAY(4, { 4, 4 }, { 6, 6 }, { 1, 2 });
}

static void
test_life_of_others(void **state OVS_UNUSED)
{
    /* Cases 14 and 15: Mini-OS. */
    PLAY(1, { 4, 4 }, { 5, 5 }, { 6, 6 }, { 1, 2 }, { 1, 2 });
    PLAY(6, { 4, 4 });
    /* Case 17: Windows closes a device that it never opened, in any state. */
    PLAY(1, { 1, 2 }, { 5, 5 }, { 6, 6 }, { 1, 2 }, { 4, 4 });
    PLAY(1, { 5, 5 }, { 6, 6 }, { 1, 2 }, { 4, 4 });
    PLAY(6, { 5, 5 }, { 6, 6 }, { 1, 2 }, { 4, 4 });
    PLAY(1, { 6, 6 }, { 1, 2 });
    /* Case 18: we attach to what an earlier process left. */
    PLAY(4, { 4, 4 }, { 4, 4 });
    PLAY(8, { 4, 4 });
    /* The domain goes away. */
    PLAY(4, { 4, 4 }, { 0, 6 }, { 0, 6 });
    PLAY(2, { 1, 2 }, { 0, 6 });
}

/* Case 6: the toolstack writes 5 into B/state and takes 'online' away. */
static void
test_removal(void **state OVS_UNUSED)
{
    struct xenvif_bus_view view = make_view(CONNECTED, CONNECTED,
                                            IS_CONNECTED | MAY_CONNECT);

    view.backend = CLOSING;
    settle(&view);
    assert_int_equal(view.backend, CLOSING);
    view.frontend = CLOSING;
    settle(&view);
    assert_int_equal(view.backend, CLOSING);
    view.frontend = CLOSED;
    settle(&view);
    assert_int_equal(view.backend, CLOSED);

    /* It does not come back by itself. */
    view.frontend = INITIALISING;
    settle(&view);
    assert_int_equal(view.backend, CLOSED);

    /* Case 7: a guest that does not react loses its directory. */
    view = make_view(CONNECTED, CLOSING, 0);
    view.frontend = UNKNOWN;
    settle(&view);
    assert_int_equal(view.backend, CLOSED);
}

/* Cases 2 and 3: the hotplug script takes its time. */
static void
test_case_02_waits_for_host(void **state OVS_UNUSED)
{
    struct xenvif_bus_view view = make_view(CONNECTED, INITIALISING, ONLINE);

    settle(&view);
    assert_int_equal(view.backend, INITWAIT);
    assert_false(view.connected);
    view.may_connect = true;
    settle(&view);
    assert_int_equal(view.backend, CONNECTED);
    assert_true(view.connected);
}

/* Case 29: a frontend that writes whatever it likes, and then behaves. */
static void
test_case_29_random_frontends(void **state OVS_UNUSED)
{
    static const unsigned int ours[] = { 1, 2, 4, 5, 6, 8 };
    uint32_t r = 2463534242u;

    for (unsigned int round = 0; round < 20000; round++) {
        struct xenvif_bus_view view = make_view(0, ours[round % 6],
                                                ONLINE | MAY_CONNECT);

        for (unsigned int i = 0; i < round % 50; i++) {
            r ^= r << 13;
            r ^= r >> 17;
            r ^= r << 5;
            view.frontend = r % 10;
            view.may_connect = r >> 8 & 1;
            if (r >> 16 & 1) {
                step(&view);
            } else {
                settle(&view);
            }
        }

        /* As after a reboot: close if need be, then open. */
        view.may_connect = true;
        view.frontend = CLOSING;
        settle(&view);
        view.frontend = CLOSED;
        settle(&view);
        assert_false(view.connected);
        view.frontend = INITIALISING;
        settle(&view);
        assert_int_equal(view.backend, INITWAIT);
        view.frontend = CONNECTED;
        settle(&view);
        assert_int_equal(view.backend, CONNECTED);
        assert_true(view.connected);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_only_legal_steps),
        cmocka_unit_test(test_frontend_initialising),
        cmocka_unit_test(test_frontend_initwait_or_initialised),
        cmocka_unit_test(test_frontend_connected),
        cmocka_unit_test(test_frontend_closing),
        cmocka_unit_test(test_frontend_closed),
        cmocka_unit_test(test_frontend_reconfiguring),
        cmocka_unit_test(test_frontend_gone),
        cmocka_unit_test(test_other_numbers),
        cmocka_unit_test(test_every_view_settles),
        cmocka_unit_test(test_life_of_linux),
        cmocka_unit_test(test_life_of_others),
        cmocka_unit_test(test_removal),
        cmocka_unit_test(test_case_02_waits_for_host),
        cmocka_unit_test(test_case_29_random_frontends),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
