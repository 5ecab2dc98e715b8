/* SPDX-License-Identifier: Apache-2.0 */

/* Tests of the emulated host: a process that runs out of descriptors or of
 * mappings.  Calls have to fail as the real drivers' do, or not to fail where
 * those do not. */

#include "test-xenemu.h"

#include <sys/resource.h>

/* A page of the guest, granted to domain 0, that begins with 'mark'. */
static int32_t
grant_page(struct env *env, uint8_t mark)
{
    uint32_t pfn = xenemu_dom_alloc_page(env->guest);
    int32_t gref;

    assert_int_not_equal(pfn, UINT32_MAX);
    *(uint8_t *) xenemu_dom_page(env->guest, pfn) = mark;
    gref = xenemu_grant(env->guest, 0, pfn, false);
    assert_true(gref > 0);
    return gref;
}

static struct rlimit usual_limit;

/* Lets no descriptor be opened any more. */
static void
forbid_descriptors(void)
{
    struct rlimit limit = usual_limit;
    int fd = dup(STDERR_FILENO);

    assert_true(fd >= 0);
    close(fd);
    limit.rlim_cur = fd;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    assert_int_equal(dup(STDERR_FILENO), -1);
    assert_int_equal(errno, EMFILE);
}

static void
allow_descriptors(void)
{
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &usual_limit), 0);
}

static int
allow_and_teardown(void **state)
{
    allow_descriptors();
    return teardown(state);
}

/* Neither maps nor copies nor notifications need a descriptor of their own. */
static void
test_no_descriptors(void **state)
{
    int32_t grefs[2] = { grant_page(*state, 1), grant_page(*state, 2) };
    xengnttab_handle *xgt = xengnttab_open(NULL, 0);
    xenevtchn_handle *xce = xenevtchn_open(NULL, 0);
    xenevtchn_handle *peer = xenevtchn_open(NULL, 0);
    xengnttab_grant_copy_segment_t segment = {
        .source.foreign = { .ref = grefs[1], .domid = GUEST },
        .dest.virt = &(uint8_t [1]) { 0 },
        .len = 1,
        .flags = GNTCOPY_source_gref,
    };
    uint8_t *pages[2];
    int ports[2];

    assert_true(xgt && xce && peer);
    ports[0] = xenevtchn_bind_unbound_port(xce, 0);
    ports[1] = xenevtchn_bind_interdomain(peer, 0, ports[0]);
    assert_true(ports[0] > 0 && ports[1] > 0);
    assert_int_equal(xenevtchn_pending(peer), ports[1]);

    forbid_descriptors();
    for (int i = 0; i < 2; i++) {
        pages[i] = xengnttab_map_grant_ref(xgt, GUEST, grefs[i],
                                           PROT_READ | PROT_WRITE);
        assert_non_null(pages[i]);
        assert_int_equal(*pages[i], i + 1);
    }
    assert_int_equal(xengnttab_grant_copy(xgt, 1, &segment), 0);
    assert_int_equal(segment.status, GNTST_okay);
    assert_int_equal(*(uint8_t *) segment.dest.virt, 2);
    for (int i = 0; i < 3; i++) {
        struct pollfd pfd = { .fd = xenevtchn_fd(xce), .events = POLLIN };

        assert_int_equal(xenevtchn_notify(peer, ports[1]), 0);
        assert_int_equal(poll(&pfd, 1, 0), 1);
        assert_int_equal(xenevtchn_pending(xce), ports[0]);
        assert_int_equal(xenevtchn_unmask(xce, ports[0]), 0);
    }
    allow_descriptors();

    for (int i = 0; i < 2; i++) {
        assert_int_equal(xengnttab_unmap(xgt, pages[i], 1), 0);
    }
    xenevtchn_close(peer);
    xenevtchn_close(xce);
    xengnttab_close(xgt);
}

/* Opening needs one; what is refused leaves nothing. */
static void
test_no_descriptors_to_open(void **state)
{
    struct env *env = *state;
    xengnttab_handle *xgt = xengnttab_open(NULL, 0);
    char name[sizeof env->dir + 32];

    assert_non_null(xgt);
    forbid_descriptors();
    assert_null(xengnttab_open(NULL, 0));
    assert_int_equal(errno, EMFILE);
    assert_null(xenevtchn_open(NULL, 0));
    assert_int_equal(errno, EMFILE);
    allow_descriptors();

    snprintf(name, sizeof name, "%s/ev.%u", env->dir,
             xh.index * XH_MAX_CHANS + xh.host->next_chan % XH_MAX_CHANS);
    assert_int_equal(access(name, F_OK), -1);
    xengnttab_close(xgt);
}

/* Takes all mappings that the kernel lets a process have but 'n_left'.
 * Returns where they are and stores how many bytes that is. */
static void
take_mappings(unsigned int n_left, uint8_t **start, size_t *size)
{
    const size_t page = XENEMU_PAGE_SIZE;
    size_t n_pages = 1 << 18, n = 0;

    /* Every second page can be read, so that neighbours differ. */
    *start = mmap(NULL, n_pages * page, PROT_NONE,
                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    *size = n_pages * page;
    assert_true(*start != MAP_FAILED);
    while (n + 1 < n_pages
           && !mprotect(*start + (n + 1) * page, page, PROT_READ)) {
        n += 2;
    }
    if (n + 1 >= n_pages) {
        munmap(*start, *size);
        *start = NULL;
        return;
    }
    for (unsigned int i = 0; i < n_left; i++) {
        /* Joins three mappings. */
        n -= 2;
        assert_int_equal(mprotect(*start + (n + 1) * page, page, PROT_NONE),
                         0);
    }
}

/* Either a page that can be used, or ENOMEM and nothing. */
static bool
try_map(xengnttab_handle *xgt, int32_t gref)
{
    uint32_t n_mapped, n_ports;
    uint8_t *page = xengnttab_map_grant_ref(xgt, GUEST, gref,
                                            PROT_READ | PROT_WRITE);

    if (page) {
        assert_int_equal(*page, 3);
        *page = 3;
        assert_int_equal(xengnttab_unmap(xgt, page, 1), 0);
        return true;
    }
    assert_int_equal(errno, ENOMEM);
    assert_int_equal(xenemu_get_usage(NULL, GUEST, &n_mapped, &n_ports), 0);
    assert_int_equal(n_mapped, 0);
    return false;
}

static void
test_no_mappings(void **state)
{
    int32_t gref = grant_page(*state, 3);
    xengnttab_handle *xgt = xengnttab_open(NULL, 0);
    xengntshr_handle *xgs = xengntshr_open(NULL, 0);
    unsigned int n_failed = 0, n_good = 0;

    assert_true(xgt && xgs);
    for (unsigned int n_left = 0; n_left < 4; n_left++) {
        uint32_t refs[2];
        uint8_t *start;
        size_t size;
        void *shared;

        take_mappings(n_left, &start, &size);
        if (!start) {
            skip();             /* No such limit here, or a high one. */
        }
        if (try_map(xgt, gref)) {
            n_good++;
        } else {
            n_failed++;
        }
        shared = xengntshr_share_pages(xgs, 0, 2, refs, 1);
        if (shared) {
            memset(shared, 1, 2 * XENEMU_PAGE_SIZE);
            assert_int_equal(xengntshr_unshare(xgs, shared, 2), 0);
        } else {
            assert_int_equal(errno, ENOMEM);
            assert_int_equal(xh_dom(0)->n_shared, 0);
        }
        munmap(start, size);
    }
    assert_true(n_failed > 0 && n_good > 0);
    assert_true(try_map(xgt, gref));
    xengntshr_close(xgs);
    xengnttab_close(xgt);
}

#define TEST(NAME) \
    cmocka_unit_test_setup_teardown(NAME, setup, allow_and_teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_no_descriptors),
        TEST(test_no_descriptors_to_open),
        TEST(test_no_mappings),
    };

    assert_int_equal(getrlimit(RLIMIT_NOFILE, &usual_limit), 0);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
