/* SPDX-License-Identifier: Apache-2.0 */

/* Unit test: index arithmetic of the shared rings. */

#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "util.h"
#include "xen/xenvif-ring.h"

static struct xenvif_ring_page *page;
static uint32_t *words;         /* The same, as the guest sees it. */

enum { REQ_PROD, REQ_EVENT, RSP_PROD, RSP_EVENT, SLOTS = 16 };

/* Places where arithmetic could go wrong. */
static const uint32_t edges[] = {
    0, 1, 2, 255, 256, 257, 0x7fffffff, 0x80000000, 0xffffff00, 0xfffffffe,
    0xffffffff
};

static int
setup(void **state OVS_UNUSED)
{
    page = xzalloc(sizeof *page);
    words = (uint32_t *) page;
    return 0;
}

static int
teardown(void **state OVS_UNUSED)
{
    free(page);
    return 0;
}

static void
attach(struct xenvif_ring *ring, uint32_t at, uint32_t n)
{
    words[REQ_PROD] = at + n;
    words[RSP_PROD] = at;
    assert_true(xenvif_ring_attach(ring, page, XENVIF_TX_RING_SIZE,
                                   XENVIF_TX_SLOT_WORDS));
}

static void
test_layout(void **state OVS_UNUSED)
{
    assert_int_equal(offsetof(struct xenvif_ring_page, req_prod), 0);
    assert_int_equal(offsetof(struct xenvif_ring_page, req_event), 4);
    assert_int_equal(offsetof(struct xenvif_ring_page, rsp_prod), 8);
    assert_int_equal(offsetof(struct xenvif_ring_page, rsp_event), 12);
    assert_int_equal(offsetof(struct xenvif_ring_page, words), 64);
    assert_true(XENVIF_TX_RING_SIZE * XENVIF_TX_SLOT_WORDS
                <= ARRAY_SIZE(page->words));
    assert_true(XENVIF_RX_RING_SIZE * XENVIF_RX_SLOT_WORDS
                <= ARRAY_SIZE(page->words));
}

static void
test_attach(void **state OVS_UNUSED)
{
    for (size_t i = 0; i < ARRAY_SIZE(edges); i++) {
        for (unsigned int n = 0; n < 600; n++) {
            struct xenvif_ring ring;
            uint32_t at = edges[i];
            bool ok;

            words[RSP_PROD] = at;
            words[REQ_PROD] = at + n;
            ok = xenvif_ring_attach(&ring, page, 256, 3);
            assert_int_equal(ok, n <= 256);
            assert_int_equal(ring.req_cons, at);
            assert_int_equal(ring.rsp_prod, at);
            assert_int_equal(xenvif_ring_n_unanswered(&ring, at + n), n);

            /* A producer behind is as bad as one too far ahead. */
            words[REQ_PROD] = at - n;
            assert_int_equal(xenvif_ring_attach(&ring, page, 256, 3), n == 0);
        }
    }
}

/* Every index finds its own slot and touches no other. */
static void
test_slots(void **state OVS_UNUSED)
{
    for (uint32_t slot_words = 2; slot_words <= 3; slot_words++) {
        for (uint32_t index = -600; index != 600; index++) {
            uint32_t value[3] = { index, index + 1, index + 2 };
            uint32_t place = SLOTS + index % 256 * slot_words;
            struct xenvif_ring ring = {
                .page = page, .size = 256, .slot_words = slot_words,
            };
            uint32_t found[3] = { 0 };

            memset(page, 0, sizeof *page);
            xenvif_ring_write_slot(&ring, index, value, slot_words);
            for (uint32_t i = 0; i < sizeof *page / 4; i++) {
                assert_int_equal(words[i], (i >= place
                                            && i < place + slot_words
                                            ? index + i - place : 0));
            }
            xenvif_ring_read_slot(&ring, index, found);
            assert_memory_equal(found, value, slot_words * 4);
        }
    }
}

/* A response that is shorter than the slot leaves the rest alone. */
static void
test_partial_write(void **state OVS_UNUSED)
{
    struct xenvif_ring ring = { .page = page, .size = 256, .slot_words = 3 };
    uint32_t word = 0x12345678;

    memset(page, 0xee, sizeof *page);
    xenvif_ring_write_slot(&ring, 255, &word, 1);
    assert_int_equal(words[SLOTS + 255 * 3], word);
    assert_int_equal(words[SLOTS + 255 * 3 + 1], 0xeeeeeeee);
    assert_int_equal(words[SLOTS + 255 * 3 + 2], 0xeeeeeeee);
    assert_int_equal(words[SLOTS + 254 * 3 + 2], 0xeeeeeeee);
}

/* The guest asked for an event at response 'event' (rsp_event counts from 1):
 * it is due if that response is one of those being published. */
static bool
is_due(uint32_t old, uint32_t n, uint32_t event)
{
    for (uint32_t i = 0; i < n; i++) {
        if (old + i + 1 == event) {
            return true;
        }
    }
    return false;
}

static void
test_publish(void **state OVS_UNUSED)
{
    for (size_t i = 0; i < ARRAY_SIZE(edges); i++) {
        for (uint32_t n = 0; n <= 256; n += n < 4 ? 1 : 42) {
            for (uint32_t ahead = -300; ahead != 300; ahead++) {
                struct xenvif_ring ring;
                bool notify;

                attach(&ring, edges[i], 256);
                words[RSP_EVENT] = edges[i] + ahead;
                notify = xenvif_ring_publish(&ring, edges[i] + n);
                assert_int_equal(notify, is_due(edges[i], n,
                                                edges[i] + ahead));
                assert_int_equal(words[RSP_PROD], edges[i] + n);
                assert_int_equal(ring.rsp_prod, edges[i] + n);
                assert_int_equal(words[RSP_EVENT], edges[i] + ahead);
            }
        }
    }
}

/* What we own is never read back. */
static void
test_private_indexes(void **state OVS_UNUSED)
{
    struct xenvif_ring ring;

    attach(&ring, 100, 10);
    words[RSP_PROD] = 7777;
    words[REQ_EVENT] = 8888;
    words[RSP_EVENT] = 103;
    assert_int_equal(xenvif_ring_n_unanswered(&ring, words[REQ_PROD]), 10);
    assert_true(xenvif_ring_publish(&ring, 105));
    assert_int_equal(words[RSP_PROD], 105);
    assert_int_equal(ring.req_cons, 100);
}

/* Does a push from 'old' to 'new' kick a backend that wrote req_event? */
static bool
kicks(uint32_t old, uint32_t new)
{
    return new - words[REQ_EVENT] < new - old;
}

static void
test_arm(void **state OVS_UNUSED)
{
    for (size_t i = 0; i < ARRAY_SIZE(edges); i++) {
        for (uint32_t there = 0; there < 20; there++) {
            for (uint32_t n = 1; n < 20; n++) {
                uint32_t at = edges[i];
                struct xenvif_ring ring;

                attach(&ring, at, there);
                assert_int_equal(xenvif_ring_arm(&ring, n), there >= n);

                /* The kick comes with the push that makes it 'n', if it is
                 * not there yet. */
                for (uint32_t prod = at + there; prod != at + 20; prod++) {
                    assert_int_equal(kicks(prod, prod + 1),
                                     prod + 1 == at + n);
                }
            }
        }
    }
}

/* While we poll no push kicks, until 2**32 slots later. */
static void
test_disarm(void **state OVS_UNUSED)
{
    for (size_t i = 0; i < ARRAY_SIZE(edges); i++) {
        uint32_t at = edges[i];
        struct xenvif_ring ring;

        attach(&ring, at, 0);
        xenvif_ring_disarm(&ring);
        for (uint32_t n = 0; n < 100000; n += 97) {
            assert_false(kicks(at + n, at + n + 97));
        }
        assert_false(kicks(at - 200, at - 1));
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_layout),
        cmocka_unit_test(test_attach),
        cmocka_unit_test(test_slots),
        cmocka_unit_test(test_partial_write),
        cmocka_unit_test(test_publish),
        cmocka_unit_test(test_private_indexes),
        cmocka_unit_test(test_arm),
        cmocka_unit_test(test_disarm),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
