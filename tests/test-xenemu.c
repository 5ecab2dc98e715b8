/* SPDX-License-Identifier: Apache-2.0 */

/* Tests of the emulated host: grants, copies, maps, shares and domains. */

/* Before all other headers of Xen, which it wants to see as tools do. */
#include <xenctrl.h>

#include "test-xenemu.h"

#include <pthread.h>
#include <stdatomic.h>

/* A page of the guest, granted to domain 0, with a pattern in it. */
struct page {
    uint32_t pfn;
    uint8_t *data;
    int32_t gref;
};

static struct page
new_page(struct env *env, uint16_t to, bool readonly)
{
    struct page page = { .pfn = xenemu_dom_alloc_page(env->guest) };

    assert_int_not_equal(page.pfn, UINT32_MAX);
    page.data = xenemu_dom_page(env->guest, page.pfn);
    for (int i = 0; i < XENEMU_PAGE_SIZE; i++) {
        page.data[i] = i * 7 + page.pfn;
    }
    page.gref = xenemu_grant(env->guest, to, page.pfn, readonly);
    assert_true(page.gref >= XENEMU_FIRST_GREF);
    return page;
}

static xengnttab_grant_copy_segment_t
from_guest(void *to, uint32_t gref, uint16_t offset, uint16_t len)
{
    return (xengnttab_grant_copy_segment_t) {
        .source.foreign = { .ref = gref, .offset = offset, .domid = GUEST },
        .dest.virt = to,
        .len = len,
        .flags = GNTCOPY_source_gref,
        .status = 99,
    };
}

static xengnttab_grant_copy_segment_t
to_guest(uint32_t gref, uint16_t offset, void *from, uint16_t len)
{
    return (xengnttab_grant_copy_segment_t) {
        .source.virt = from,
        .dest.foreign = { .ref = gref, .offset = offset, .domid = GUEST },
        .len = len,
        .flags = GNTCOPY_dest_gref,
        .status = 99,
    };
}

static xengnttab_handle *
gnttab_open(void)
{
    xengnttab_handle *xgt = xengnttab_open(NULL, 0);

    assert_non_null(xgt);
    return xgt;
}

/* Copies one segment; returns its status. */
static int
copy_one(xengnttab_handle *xgt, xengnttab_grant_copy_segment_t segment)
{
    assert_int_equal(xengnttab_grant_copy(xgt, 1, &segment), 0);
    return segment.status;
}

static void
test_copy(void **state)
{
    struct page page = new_page(*state, 0, false);
    xengnttab_handle *xgt = gnttab_open();
    uint8_t buf[XENEMU_PAGE_SIZE];

    memset(buf, 0xaa, sizeof buf);
    assert_int_equal(copy_one(xgt, from_guest(buf, page.gref, 10, 100)), 0);
    assert_memory_equal(buf, page.data + 10, 100);
    assert_int_equal(buf[100], 0xaa);

    assert_int_equal(copy_one(xgt, from_guest(buf, page.gref, 0, 4096)), 0);
    assert_memory_equal(buf, page.data, 4096);

    memset(buf, 0x55, sizeof buf);
    assert_int_equal(copy_one(xgt, to_guest(page.gref, 4000, buf, 96)), 0);
    assert_memory_equal(page.data + 4000, buf, 96);
    assert_int_not_equal(page.data[3999], 0x55);

    /* No bytes, no operation, and no look at the reference. */
    assert_int_equal(copy_one(xgt, from_guest(buf, 30000, 0, 0)), 0);
    assert_int_equal(COUNTER(0, copy_calls), 4);
    assert_int_equal(COUNTER(0, copy_segments), 4);
    assert_int_equal(COUNTER(0, copy_hypercalls), 3);
    assert_int_equal(COUNTER(0, copy_bytes), 100 + 4096 + 96);
    assert_int_equal(COUNTER(0, copy_errors), 0);
    assert_int_equal(COUNTER(0, violations), 0);
    xengnttab_close(xgt);
}

static void
test_copy_between_guest_pages(void **state)
{
    struct page a = new_page(*state, 0, true), b = new_page(*state, 0, false);
    xengnttab_handle *xgt = gnttab_open();
    xengnttab_grant_copy_segment_t segment = {
        .source.foreign = { .ref = a.gref, .offset = 1, .domid = GUEST },
        .dest.foreign = { .ref = b.gref, .offset = 2, .domid = GUEST },
        .len = 4000,
        .flags = GNTCOPY_source_gref | GNTCOPY_dest_gref,
    };

    assert_int_equal(copy_one(xgt, segment), 0);
    assert_memory_equal(b.data + 2, a.data + 1, 4000);
    xengnttab_close(xgt);
}

static void
test_copy_refused(void **state)
{
    struct env *env = *state;
    struct page ro = new_page(env, 0, true), other = new_page(env, 3, false);
    xengnttab_handle *xgt = gnttab_open();
    uint8_t buf[16] = "canary of mine";

    assert_int_equal(copy_one(xgt, from_guest(buf, 20000, 0, 16)),
                     GNTST_general_error);
    assert_int_equal(copy_one(xgt, from_guest(buf, other.gref, 0, 16)),
                     GNTST_general_error);
    assert_int_equal(copy_one(xgt, from_guest(buf, 1u << 31, 0, 16)),
                     GNTST_bad_gntref);
    xengnttab_grant_copy_segment_t segment = from_guest(buf, ro.gref, 0, 16);
    segment.source.foreign.domid = 99;
    assert_int_equal(copy_one(xgt, segment), GNTST_bad_domain);
    assert_string_equal((char *) buf, "canary of mine");

    memcpy(buf, ro.data, 16);
    assert_int_equal(copy_one(xgt, to_guest(ro.gref, 0, (char *) buf + 1, 8)),
                     GNTST_general_error);
    assert_memory_equal(buf, ro.data, 16);
    assert_int_equal(copy_one(xgt, from_guest(buf, ro.gref, 0, 16)), 0);

    assert_int_equal(COUNTER(0, violations), 5);
    assert_int_equal(COUNTER(0, copy_errors), 5);

    assert_int_equal(xenemu_domain_destroy(NULL, GUEST), 0);
    assert_int_equal(copy_one(xgt, from_guest(buf, ro.gref, 0, 16)),
                     GNTST_bad_domain);
    xengnttab_close(xgt);
}

static void
test_copy_one_failure_stops_no_other(void **state)
{
    struct page page = new_page(*state, 0, false);
    xengnttab_handle *xgt = gnttab_open();
    uint8_t buf[40][8];
    xengnttab_grant_copy_segment_t segments[40];

    for (int i = 0; i < 40; i++) {
        segments[i] = from_guest(buf[i], i == 20 ? 999 : page.gref, i, 8);
    }
    assert_int_equal(xengnttab_grant_copy(xgt, 40, segments), 0);
    for (int i = 0; i < 40; i++) {
        assert_int_equal(segments[i].status,
                         i == 20 ? GNTST_general_error : 0);
        if (i != 20) {
            assert_memory_equal(buf[i], page.data + i, 8);
        }
    }
    assert_int_equal(COUNTER(0, copy_hypercalls), 3);
    xengnttab_close(xgt);
}

/* As gntdev does: what came before in a full batch is copied, the rest is not
 * and says "okay" all the same. */
static void
test_copy_whole_call_fails(void **state)
{
    struct page page = new_page(*state, 0, false);
    xengnttab_handle *xgt = gnttab_open();
    uint8_t buf[30];
    xengnttab_grant_copy_segment_t segments[30];

    memset(buf, 0, sizeof buf);
    memset(page.data, 0x11, 30);
    for (int i = 0; i < 30; i++) {
        segments[i] = from_guest(&buf[i], page.gref, i, 1);
    }
    segments[25].source.foreign.offset = 4096;
    assert_int_equal(xengnttab_grant_copy(xgt, 30, segments), -1);
    assert_int_equal(errno, EINVAL);
    for (int i = 0; i < 30; i++) {
        assert_int_equal(buf[i], i < 16 ? 0x11 : 0);
        assert_int_equal(segments[i].status, i < 25 ? 0 : 99);
    }

    segments[0].flags = 0;
    assert_int_equal(xengnttab_grant_copy(xgt, 1, segments), -1);
    assert_int_equal(errno, EINVAL);

    segments[1] = to_guest(page.gref, 4000, buf, 97);
    assert_int_equal(xengnttab_grant_copy(xgt, 1, &segments[1]), -1);
    assert_int_equal(errno, EINVAL);
    assert_int_equal(COUNTER(0, violations), 3);
    xengnttab_close(xgt);
}

static void
test_copy_splits_at_local_pages(void **state)
{
    struct page page = new_page(*state, 0, false);
    xengnttab_handle *xgt = gnttab_open();
    uint8_t *buf = aligned_alloc(4096, 3 * 4096);
    xengnttab_grant_copy_segment_t segments[17];

    for (int i = 0; i < 17; i++) {
        segments[i] = from_guest(buf + 4090, page.gref, 0, 100);
    }
    /* 8 segments of two operations are one hypercall, 17 are three. */
    assert_int_equal(xengnttab_grant_copy(xgt, 8, segments), 0);
    assert_int_equal(COUNTER(0, copy_hypercalls), 1);
    assert_int_equal(xengnttab_grant_copy(xgt, 17, segments), 0);
    assert_int_equal(COUNTER(0, copy_hypercalls), 4);
    assert_memory_equal(buf + 4090, page.data, 100);
    xengnttab_close(xgt);
    free(buf);
}

static void
test_copy_mixed_directions_is_a_violation(void **state)
{
    struct page page = new_page(*state, 0, false);
    xengnttab_handle *xgt = gnttab_open();
    uint8_t buf[8] = { 0 };
    xengnttab_grant_copy_segment_t segments[2] = {
        from_guest(buf, page.gref, 0, 8), to_guest(page.gref, 8, buf, 8)
    };

    assert_int_equal(xengnttab_grant_copy(xgt, 2, segments), 0);
    assert_int_equal(COUNTER(0, violations), 1);
    xengnttab_close(xgt);
}

static void
test_grant_life(void **state)
{
    struct env *env = *state;
    struct page page = new_page(env, 0, false);
    xengnttab_handle *xgt = gnttab_open();
    uint8_t buf[8];

    assert_int_equal(xenemu_ungrant(env->guest, page.gref), 0);
    assert_int_equal(xenemu_ungrant(env->guest, page.gref), -EINVAL);
    assert_int_equal(copy_one(xgt, from_guest(buf, page.gref, 0, 8)),
                     GNTST_general_error);
    /* The reference is the next one to be used again. */
    assert_int_equal(xenemu_grant(env->guest, 0, page.pfn, false), page.gref);
    assert_int_equal(copy_one(xgt, from_guest(buf, page.gref, 0, 8)), 0);

    /* After a revoke it is not, until the grant is ended. */
    xenemu_revoke(env->guest, page.gref);
    assert_int_equal(copy_one(xgt, from_guest(buf, page.gref, 0, 8)),
                     GNTST_general_error);
    assert_int_not_equal(xenemu_grant(env->guest, 0, page.pfn, false),
                         page.gref);
    assert_int_equal(xenemu_ungrant(env->guest, page.gref), 0);
    assert_int_equal(xenemu_grant(env->guest, 0, 5000, false), -EINVAL);
    xengnttab_close(xgt);
}

static void
test_grant_table_full(void **state)
{
    struct env *env = *state;
    unsigned int n = 0;
    int32_t gref;

    while ((gref = xenemu_grant(env->guest, 0, 1, false)) >= 0) {
        n++;
    }
    assert_int_equal(gref, -ENOSPC);
    assert_int_equal(n, XH_MAX_GREFS - XENEMU_FIRST_GREF);
    assert_int_equal(xenemu_ungrant(env->guest, 12345), 0);
    assert_int_equal(xenemu_grant(env->guest, 0, 1, false), 12345);
}

static void
test_pages(void **state)
{
    struct env *env = *state;
    bool seen[GUEST_PAGES] = { false };
    uint32_t pfn;
    unsigned int n = 0;

    assert_int_equal(xenemu_dom_n_pages(env->guest), GUEST_PAGES);
    while ((pfn = xenemu_dom_alloc_page(env->guest)) != UINT32_MAX) {
        assert_in_range(pfn, XENEMU_FIRST_PFN, GUEST_PAGES - 1);
        assert_false(seen[pfn]);
        seen[pfn] = true;
        n++;
    }
    assert_int_equal(n, GUEST_PAGES - 1);
    xenemu_dom_free_page(env->guest, 17);
    assert_int_equal(xenemu_dom_alloc_page(env->guest), 17);
    assert_null(xenemu_dom_page(env->guest, GUEST_PAGES));
}

static void
test_map(void **state)
{
    struct env *env = *state;
    struct page a = new_page(env, 0, false), b = new_page(env, 0, true);
    uint32_t refs[2] = { b.gref, a.gref }, n_mapped, n_ports;
    xengnttab_handle *xgt = gnttab_open();

    uint8_t *p = xengnttab_map_domain_grant_refs(xgt, 2, GUEST, refs,
                                                 PROT_READ);
    assert_non_null(p);
    assert_memory_equal(p, b.data, 4096);
    assert_memory_equal(p + 4096, a.data, 4096);
    a.data[5] ^= 0xff;
    assert_int_equal(p[4096 + 5], a.data[5]);
    assert_int_equal(xenemu_ungrant(env->guest, a.gref), -EBUSY);
    assert_int_equal(xenemu_get_usage(NULL, GUEST, &n_mapped, &n_ports), 0);
    assert_int_equal(n_mapped, 2);

    /* Address and number must be those of the map. */
    assert_int_equal(xengnttab_unmap(xgt, p, 1), -1);
    assert_int_equal(errno, EINVAL);
    assert_int_equal(xengnttab_unmap(xgt, p + 4096, 1), -1);
    assert_int_equal(xengnttab_unmap(xgt, p, 2), 0);
    assert_int_equal(xengnttab_unmap(xgt, p, 2), -1);
    assert_int_equal(xenemu_ungrant(env->guest, a.gref), 0);

    assert_null(xengnttab_map_grant_ref(xgt, GUEST, b.gref,
                                        PROT_READ | PROT_WRITE));
    assert_int_equal(errno, EINVAL);
    assert_null(xengnttab_map_grant_ref(xgt, GUEST, a.gref, PROT_READ));
    assert_null(xengnttab_map_grant_ref(xgt, 99, b.gref, PROT_READ));
    assert_null(xengnttab_map_domain_grant_refs(xgt, 2, GUEST, refs,
                                                PROT_READ));
    assert_int_equal(COUNTER(0, map_errors), 4);
    assert_int_equal(xenemu_get_usage(NULL, GUEST, &n_mapped, &n_ports), 0);
    assert_int_equal(n_mapped, 0);

    /* Closing the handle unmaps. */
    assert_non_null(xengnttab_map_grant_ref(xgt, GUEST, b.gref, PROT_READ));
    xengnttab_close(xgt);
    assert_int_equal(xenemu_ungrant(env->guest, b.gref), 0);
}

static void
test_zombie(void **state)
{
    struct env *env = *state;
    struct page page = new_page(env, 0, false);
    uint32_t n_mapped, n_ports;
    xengnttab_handle *xgt = gnttab_open();
    uint8_t *p = xengnttab_map_grant_ref(xgt, GUEST, page.gref,
                                         PROT_READ | PROT_WRITE);

    assert_non_null(p);
    assert_int_equal(xenemu_domain_destroy(NULL, GUEST), 0);
    assert_int_equal(xenemu_domain_destroy(NULL, GUEST), -ESRCH);
    p[1] = 0x77;
    assert_int_equal(page.data[1], 0x77);
    assert_null(xengnttab_map_grant_ref(xgt, GUEST, page.gref, PROT_READ));
    assert_int_equal(xenemu_get_usage(NULL, GUEST, &n_mapped, &n_ports), 0);
    assert_int_equal(n_mapped, 1);
    assert_int_equal(xenemu_domain_create(NULL, GUEST, 8), -EEXIST);
    errno = 0;
    assert_null(xenemu_dom_open(NULL, GUEST));
    assert_int_equal(errno, ESRCH);

    assert_int_equal(xengnttab_unmap(xgt, p, 1), 0);
    assert_int_equal(xenemu_get_usage(NULL, GUEST, &n_mapped, &n_ports),
                     -ENOENT);

    /* A new domain with the same number has nothing of the old one. */
    assert_int_equal(xenemu_domain_create(NULL, GUEST, GUEST_PAGES), GUEST);
    assert_int_equal(xenemu_grant(env->guest, 0, 1, false), -ESRCH);
    uint8_t buf[8];
    assert_int_equal(copy_one(xgt, from_guest(buf, page.gref, 0, 8)),
                     GNTST_general_error);
    xenemu_dom_close(env->guest);
    env->guest = xenemu_dom_open(NULL, GUEST);
    assert_non_null(env->guest);
    struct page again = new_page(env, 0, false);
    assert_int_equal(copy_one(xgt, from_guest(buf, again.gref, 0, 8)), 0);
    assert_memory_equal(buf, again.data, 8);
    xengnttab_close(xgt);
}

static int
map_body(void *page_)
{
    struct page *page = page_;
    xenemu_act_as(0);
    xengnttab_handle *xgt = xengnttab_open(NULL, 0);

    return (xgt && xengnttab_map_grant_ref(xgt, GUEST, page->gref,
                                           PROT_READ | PROT_WRITE));
}

static void
test_dead_process_unmaps(void **state)
{
    struct env *env = *state;
    struct page page = new_page(env, 0, false);
    struct child child = start_child(map_body, &page);

    assert_int_equal(child.result, true);
    assert_int_equal(xenemu_ungrant(env->guest, page.gref), -EBUSY);
    kill_child(&child);
    assert_int_equal(xenemu_ungrant(env->guest, page.gref), 0);
}

/* Is killed while it holds the mutex and a record that is half made. */
static int
die_with_mutex(void *unused)
{
    (void) unused;
    if (xh_attach(NULL)) {
        return -1;
    }
    xh_lock();
    xh_rec_new_locked();
    xh_dom(xh_slot(GUEST))->n_mapped += 5;
    return 0;
}

static void
test_dead_process_with_mutex(void **state)
{
    struct env *env = *state;
    struct page page = new_page(env, 0, false);
    uint32_t n_mapped, n_ports;
    struct child child = start_child(die_with_mutex, NULL);

    assert_int_equal(child.result, 0);
    kill_child(&child);
    assert_int_equal(xenemu_get_usage(NULL, GUEST, &n_mapped, &n_ports), 0);
    assert_int_equal(n_mapped, 0);

    xengnttab_handle *xgt = gnttab_open();
    assert_non_null(xengnttab_map_grant_ref(xgt, GUEST, page.gref,
                                            PROT_READ));
    assert_int_equal(xenemu_get_usage(NULL, GUEST, &n_mapped, &n_ports), 0);
    assert_int_equal(n_mapped, 1);
    xengnttab_close(xgt);
}

/* Is killed in the middle of a copy. */
static int
die_copying(void *page_)
{
    struct page *page = page_;

    if (xh_attach(NULL)) {
        return -1;
    }
    struct xh_copier *copier = xh_copier_get();
    atomic_store(&copier->keys[0], XH_KEY(xh_slot(GUEST), page->gref));
    atomic_store(&copier->n_keys, 1);
    return 0;
}

static void
test_dead_process_copying(void **state)
{
    struct env *env = *state;
    struct page page = new_page(env, 0, false);
    struct child child = start_child(die_copying, &page);

    assert_int_equal(child.result, 0);
    assert_int_equal(xenemu_ungrant(env->guest, page.gref), -EBUSY);
    kill_child(&child);
    assert_int_equal(xenemu_ungrant(env->guest, page.gref), 0);
}

/* A thread copies a page all the time, several times in each call, while the
 * guest grants it, ends that, and scribbles over the page: a copy that says
 * okay must never have seen the scribble. */
#define RACE_COPIES 8

struct race {
    _Atomic int32_t gref;
    _Atomic bool stop;
    _Atomic unsigned long n_okay, n_refused, n_torn;
};

static void
race_copy(struct race *race, xengnttab_handle *xgt,
          uint8_t buf[][XENEMU_PAGE_SIZE])
{
    xengnttab_grant_copy_segment_t segments[RACE_COPIES];

    for (int i = 0; i < RACE_COPIES; i++) {
        segments[i] = from_guest(buf[i], atomic_load(&race->gref), 0,
                                 XENEMU_PAGE_SIZE);
    }
    xengnttab_grant_copy(xgt, RACE_COPIES, segments);
    for (int i = 0; i < RACE_COPIES; i++) {
        if (segments[i].status) {
            race->n_refused++;
        } else if (buf[i][0] != 0x33
                   || memcmp(buf[i], buf[i] + 1, XENEMU_PAGE_SIZE - 1)) {
            race->n_torn++;
        } else {
            race->n_okay++;
        }
    }
}

static void *
race_copier(void *race_)
{
    static uint8_t buf[RACE_COPIES][XENEMU_PAGE_SIZE];
    struct race *race = race_;

    xenemu_act_as(0);
    xengnttab_handle *xgt = xengnttab_open(NULL, 0);
    while (xgt && !atomic_load(&race->stop)) {
        race_copy(race, xgt, buf);
    }
    xengnttab_close(xgt);
    return NULL;
}

static void
test_copy_against_ungrant(void **state)
{
    struct race race = { .stop = false };
    struct page page = new_page(*state, 0, false);
    uint8_t slot = xh_slot(GUEST);
    unsigned long n_busy = 0;
    pthread_t thread;

    memset(page.data, 0x33, XENEMU_PAGE_SIZE);
    atomic_store(&race.gref, page.gref);
    assert_int_equal(pthread_create(&thread, NULL, race_copier, &race), 0);
    /* Long enough for each side to have met the other many times. */
    uint64_t end = xh_now() + UINT64_C(3000000000);
    while (xh_now() < end
           && (race.n_okay < 50000 || race.n_refused < 50000
               || n_busy < 50000)) {
        int error;

        while ((error = xh_grant_end(slot, page.gref)) == -EBUSY) {
            n_busy++;
        }
        assert_int_equal(error, 0);
        memset(page.data, 0xee, XENEMU_PAGE_SIZE);
        /* Or the compiler leaves the scribble out. */
        atomic_thread_fence(memory_order_seq_cst);
        memset(page.data, 0x33, XENEMU_PAGE_SIZE);
        assert_int_equal(xh_grant_new(slot, 0, page.pfn, false, page.gref),
                         page.gref);
    }
    atomic_store(&race.stop, true);
    pthread_join(thread, NULL);
    print_message("%lu copies, %lu refused, %lu times busy\n",
                  atomic_load(&race.n_okay), atomic_load(&race.n_refused),
                  n_busy);
    assert_int_equal(race.n_torn, 0);
    assert_int_not_equal(race.n_okay, 0);
}

static void
test_share(void **state)
{
    struct env *env = *state;
    struct page page = new_page(env, 0, false);
    xengntshr_handle *xgs = xengntshr_open(NULL, 0);
    xengnttab_handle *xgt = gnttab_open();
    uint32_t refs[3];

    assert_non_null(xgs);
    uint8_t *p = xengntshr_share_pages(xgs, 0, 3, refs, 1);
    assert_non_null(p);
    for (int i = 0; i < 3 * 4096; i++) {
        assert_int_equal(p[i], 0);
    }

    /* From the guest into the last page, through our own reference. */
    xengnttab_grant_copy_segment_t segment = {
        .source.foreign = { .ref = page.gref, .offset = 3, .domid = GUEST },
        .dest.foreign = { .ref = refs[2], .offset = 50, .domid = 0 },
        .len = 1000,
        .flags = GNTCOPY_source_gref | GNTCOPY_dest_gref,
    };
    assert_int_equal(copy_one(xgt, segment), 0);
    assert_memory_equal(p + 2 * 4096 + 50, page.data + 3, 1000);

    /* And back, saying "myself" for our domid. */
    memset(p, 0x42, 4096);
    segment.source.foreign.ref = refs[0];
    segment.source.foreign.domid = 0x7ff0;
    segment.dest.foreign.ref = page.gref;
    segment.dest.foreign.domid = GUEST;
    assert_int_equal(copy_one(xgt, segment), 0);
    assert_memory_equal(page.data + 50, p, 1000);

    /* What is mapped when it is given back is freed later. */
    uint8_t *map = xengnttab_map_grant_ref(xgt, 0, refs[1], PROT_READ);
    assert_non_null(map);
    assert_int_equal(xengntshr_unshare(xgs, p, 2), -1);
    assert_int_equal(xengntshr_unshare(xgs, p, 3), 0);
    assert_int_equal(xh_dom(0)->n_shared, 1);
    assert_int_equal(xengnttab_unmap(xgt, map, 1), 0);
    assert_non_null(xengntshr_share_pages(xgs, 0, 1, refs, 0));
    assert_int_equal(xh_dom(0)->n_shared, 1);
    xengntshr_close(xgs);
    assert_int_equal(xh_dom(0)->n_shared, 0);
    xengnttab_close(xgt);
}

static int
share_body(void *refs)
{
    xenemu_act_as(0);
    xengntshr_handle *xgs = xengntshr_open(NULL, 0);

    return xgs && xengntshr_share_pages(xgs, 0, 1024, refs, 1);
}

static void
test_share_limit(void **state)
{
    uint32_t refs[1025];
    xengntshr_handle *xgs = xengntshr_open(NULL, 0);

    (void) state;
    assert_non_null(xgs);
    assert_null(xengntshr_share_pages(xgs, 0, 1025, refs, 1));
    assert_int_equal(errno, ENOSPC);

    struct child child = start_child(share_body, refs);
    assert_int_equal(child.result, true);
    assert_null(xengntshr_share_pages(xgs, 0, 1, refs, 1));
    assert_int_equal(errno, ENOSPC);
    kill_child(&child);
    xh_reap();
    assert_non_null(xengntshr_share_pages(xgs, 0, 1024, refs, 1));
    xengntshr_close(xgs);

    setenv("XENEMU_NO_GNTALLOC", "1", true);
    assert_null(xengntshr_open(NULL, 0));
    assert_int_equal(errno, ENOENT);
    unsetenv("XENEMU_NO_GNTALLOC");
}

static void
test_faults(void **state)
{
    struct page page = new_page(*state, 0, false);
    xengnttab_handle *xgt = gnttab_open();
    uint8_t buf[8] = { 0 };

    assert_int_equal(xenemu_set_fault(NULL, "nonsense", -1, 1, 0, 1),
                     -EINVAL);

    /* One passes, two fail, the fourth passes again. */
    assert_int_equal(xenemu_set_fault(NULL, "segment", -1, GNTST_eagain, 1,
                                      2), 0);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(copy_one(xgt, from_guest(buf, page.gref, 0, 8)),
                         i == 1 || i == 2 ? GNTST_eagain : 0);
    }

    /* A failed call says that every segment is okay. */
    memset(buf, 0, sizeof buf);
    assert_int_equal(xenemu_set_fault(NULL, "copy", -1, EFAULT, 0, 1), 0);
    xengnttab_grant_copy_segment_t segment = from_guest(buf, page.gref, 0, 8);
    assert_int_equal(xengnttab_grant_copy(xgt, 1, &segment), -1);
    assert_int_equal(errno, EFAULT);
    assert_int_equal(segment.status, GNTST_okay);
    assert_int_equal(buf[1], 0);

    assert_int_equal(xenemu_set_fault(NULL, "map", -1, ENOMEM, 0, 1), 0);
    assert_null(xengnttab_map_grant_ref(xgt, GUEST, page.gref, PROT_READ));
    assert_int_equal(errno, ENOMEM);

    /* Meant for another domain. */
    assert_int_equal(xenemu_set_fault(NULL, "map", 5, ENOMEM, 0, 1), 0);
    assert_non_null(xengnttab_map_grant_ref(xgt, GUEST, page.gref,
                                            PROT_READ));
    assert_int_equal(xenemu_set_fault(NULL, "map", 0, EIO, 0, 100), 0);
    assert_null(xengnttab_map_grant_ref(xgt, GUEST, page.gref, PROT_READ));
    assert_int_equal(xenemu_set_fault(NULL, "map", 0, EIO, 0, 0), 0);
    assert_non_null(xengnttab_map_grant_ref(xgt, GUEST, page.gref,
                                            PROT_READ));

    assert_int_equal(xenemu_set_fault(NULL, "open", -1, EMFILE, 0, 1), 0);
    assert_null(xengnttab_open(NULL, 0));
    assert_int_equal(errno, EMFILE);
    xengnttab_close(xgt);
}

static void
test_costs(void **state)
{
    struct page page = new_page(*state, 0, false);
    xengnttab_handle *xgt = gnttab_open();
    xengnttab_grant_copy_segment_t segments[4];
    uint8_t buf[8];

    for (int i = 0; i < 4; i++) {
        segments[i] = from_guest(buf, page.gref, 0, 8);
    }
    setenv("XENEMU_COST", "copy=1000000,segment=500000", true);
    xh_costs_init();
    uint64_t start = xh_now();
    assert_int_equal(xengnttab_grant_copy(xgt, 4, segments), 0);
    assert_true(xh_now() - start >= 3000000);
    setenv("XENEMU_COST", "copy=0,segment=0", true);
    xh_costs_init();
    unsetenv("XENEMU_COST");
    xengnttab_close(xgt);
}

static int
inherit_body(void *xgt)
{
    xengnttab_grant_copy_segment_t segment = { .flags = GNTCOPY_source_gref };
    uint32_t refs[2];

    xenemu_act_as(0);
    if (xengnttab_grant_copy(xgt, 1, &segment) != -1 || errno != EBADF) {
        return 1;
    }
    xengnttab_close(xgt);

    /* With handles of its own the child is a process like any other. */
    xengntshr_handle *xgs = xengntshr_open(NULL, 0);
    return !xgs || !xengntshr_share_pages(xgs, 0, 2, refs, 1) ? 2 : 0;
}

static void
test_fork(void **state)
{
    struct page page = new_page(*state, 0, false);
    xengnttab_handle *xgt = gnttab_open();
    uint8_t *p = xengnttab_map_grant_ref(xgt, GUEST, page.gref, PROT_READ);
    struct env *env = *state;

    assert_non_null(p);
    struct child child = start_child(inherit_body, xgt);
    assert_int_equal(child.result, 0);
    assert_int_equal(xh_dom(0)->n_shared, 2);
    kill_child(&child);
    xh_reap();
    assert_int_equal(xh_dom(0)->n_shared, 0);

    /* The child took nothing of ours with it. */
    assert_int_equal(xenemu_ungrant(env->guest, page.gref), -EBUSY);
    assert_memory_equal(p, page.data, 4096);
    assert_int_equal(xengnttab_unmap(xgt, p, 1), 0);
    xengnttab_close(xgt);
}

static void
test_domain_info(void **state)
{
    xc_interface *xch = xc_interface_open(NULL, NULL, 0);

    (void) state;
    assert_non_null(xch);
#if XEN_DOMCTL_INTERFACE_VERSION <= 0x15
    xc_dominfo_t info[3];

    assert_int_equal(xc_domain_getinfo(xch, 0, 3, info), 2);
    assert_int_equal(info[0].domid, 0);
    assert_int_equal(info[1].domid, GUEST);
    assert_int_equal(info[1].nr_pages, GUEST_PAGES);
    assert_false(info[1].dying);
    assert_int_equal(xc_domain_getinfo(xch, GUEST + 1, 1, info), -1);
#else
    xc_domaininfo_t info;

    assert_int_equal(xc_domain_getinfo_single(xch, GUEST, &info), 0);
    assert_int_equal(info.domain, GUEST);
    assert_int_equal(xc_domain_getinfo_single(xch, GUEST + 1, &info), -1);
#endif
    xc_interface_close(xch);
}

static void
test_domids(void **state)
{
    (void) state;
    int a = xenemu_domain_create(NULL, -1, 8);
    int b = xenemu_domain_create(NULL, -1, 8);

    assert_int_equal(a, 1);
    assert_int_equal(b, 2);
    assert_int_equal(xenemu_domain_destroy(NULL, a), 0);
    assert_int_equal(xenemu_domain_create(NULL, -1, 8), 3);
    assert_int_equal(xenemu_domain_create(NULL, a, 8), a);
    assert_int_equal(xenemu_domain_create(NULL, GUEST, 8), -EEXIST);
    assert_int_equal(xenemu_domain_create(NULL, -1, 0), -EINVAL);
    assert_int_equal(xenemu_domain_destroy(NULL, 0), -ESRCH);
    assert_int_equal(xenemu_domain_destroy(NULL, 100), -ESRCH);
}

/* A handle belongs to the domain of the thread that opened it. */
static void
test_acting_domain(void **state)
{
    struct env *env = *state;
    struct page page = new_page(env, 0, false);
    uint8_t buf[8];

    assert_int_equal(xenemu_act_as(-1), 0);
    xengnttab_handle *guest = gnttab_open();
    assert_int_equal(xenemu_act_as(0), -1);
    xengnttab_handle *dom0 = gnttab_open();
    assert_int_equal(copy_one(guest, from_guest(buf, page.gref, 0, 8)),
                     GNTST_general_error);
    assert_int_equal(copy_one(dom0, from_guest(buf, page.gref, 0, 8)), 0);
    assert_int_equal(COUNTER(GUEST, copy_calls), 1);
    assert_int_equal(COUNTER(0, copy_calls), 1);
    xenemu_act_as(99);
    assert_null(xengnttab_open(NULL, 0));
    assert_int_equal(errno, ENODEV);
    xenemu_act_as(0);
    xengnttab_close(guest);
    xengnttab_close(dom0);
}

#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_copy),
        TEST(test_copy_between_guest_pages),
        TEST(test_copy_refused),
        TEST(test_copy_one_failure_stops_no_other),
        TEST(test_copy_whole_call_fails),
        TEST(test_copy_splits_at_local_pages),
        TEST(test_copy_mixed_directions_is_a_violation),
        TEST(test_grant_life),
        TEST(test_grant_table_full),
        TEST(test_pages),
        TEST(test_map),
        TEST(test_zombie),
        TEST(test_dead_process_unmaps),
        TEST(test_dead_process_with_mutex),
        TEST(test_dead_process_copying),
        TEST(test_copy_against_ungrant),
        TEST(test_share),
        TEST(test_share_limit),
        TEST(test_faults),
        TEST(test_costs),
        TEST(test_fork),
        TEST(test_domain_info),
        TEST(test_domids),
        TEST(test_acting_domain),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
