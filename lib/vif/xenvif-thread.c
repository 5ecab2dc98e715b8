/* SPDX-License-Identifier: Apache-2.0 */

/* The control thread. */

#include <config.h>

#include "vif/xenvif-thread.h"

#include <stdlib.h>
#include <string.h>

#include "hash.h"
#include "latch.h"
#include "openvswitch/poll-loop.h"
#include "openvswitch/vlog.h"
#include "ovs-thread.h"
#include "seq.h"
#include "timeval.h"
#include "util.h"
#include "rate/xenvif-budget.h"
#include "xen/xenvif-grace.h"
#include "xen/xenvif-grant.h"

VLOG_DEFINE_THIS_MODULE(xenvif_control);

/* How often connected vifs are looked after. */
#define CHECK_INTERVAL_MS 1000

/* How long a turn of the thread may take, if that is for us to say. */
#define TURN_USEC 5000

/* Token of the watch on all backends.  Those on frontends are "DOMID/HANDLE".
 */
#define ROOT_TOKEN "root"

/* Protects the table.  A vif is only freed by the control thread, and only
 * while nobody claims it, so the holder of a claim needs no lock. */
static struct ovs_mutex table_mutex = OVS_MUTEX_INITIALIZER;
static struct hmap vifs OVS_GUARDED_BY(table_mutex)
    = HMAP_INITIALIZER(&vifs);

static struct seq *info_seq;    /* See xenvif_thread_seq(). */
static struct latch wakeup;     /* Something for the control thread to do. */
static atomic_bool connected = false;
static ATOMIC(long long int) last_turn = 0; /* Of the control thread, in ms. */

/* The control thread makes a turn each second.  If it does not for so long, in
 * ms, it waits for a xenstored that does not answer. */
#define STORE_TIMEOUT_MS 5000

/* Control thread only. */
static char *own_dir;           /* "/local/domain/OWN"; NULL if not known. */
static long long int next_check;

static uint32_t
hash_vif(uint16_t domid, uint16_t handle)
{
    return hash_int(domid << 16 | handle, 0);
}

static struct xenvif *
find_vif(uint16_t domid, uint16_t handle)
    OVS_REQUIRES(table_mutex)
{
    struct xenvif *xenvif;

    HMAP_FOR_EACH_WITH_HASH (xenvif, node, hash_vif(domid, handle), &vifs) {
        if (xenvif->domid == domid && xenvif->handle == handle) {
            return xenvif;
        }
    }
    return NULL;
}

/* Returns the vif, created if need be. */
static struct xenvif *
get_vif(uint16_t domid, uint16_t handle)
    OVS_REQUIRES(table_mutex)
{
    struct xenvif *xenvif = find_vif(domid, handle);

    if (!xenvif) {
        xenvif = xenvif_create(domid, handle, &wakeup);
        hmap_insert(&vifs, &xenvif->node, hash_vif(domid, handle));
    }
    return xenvif;
}

/* Parses "DOMID/HANDLE" and whatever follows after another slash. */
static bool
parse_vif_path(const char *s, uint16_t *domid, uint16_t *handle)
{
    unsigned int d, h;
    int n = 0;

    if (!ovs_scan(s, "%u/%u%n", &d, &h, &n) || !n
        || (s[n] && s[n] != '/') || d > UINT16_MAX || h > UINT16_MAX) {
        return false;
    }
    *domid = d;
    *handle = h;
    return true;
}

static void
mark_dirty(uint16_t domid, uint16_t handle)
{
    ovs_mutex_lock(&table_mutex);
    get_vif(domid, handle)->dirty = true;
    ovs_mutex_unlock(&table_mutex);
}

/* Finds the vifs of the domain whose backends are in 'domain_dir'. */
static void
scan_domain(const char *domain_dir, const char *domain)
{
    unsigned int n;
    char **handles = xenvif_store_list(domain_dir, &n);

    for (unsigned int i = 0; i < n; i++) {
        char *path = xasprintf("%s/%s", domain, handles[i]);
        uint16_t domid, handle;

        if (parse_vif_path(path, &domid, &handle)) {
            mark_dirty(domid, handle);
        }
        free(path);
    }
    free(handles);
}

/* Finds all vifs in XenStore. */
static void
scan_all(void)
{
    char *root = xasprintf("%s/backend/vif", own_dir);
    unsigned int n;
    char **domains = xenvif_store_list(root, &n);

    for (unsigned int i = 0; i < n; i++) {
        char *domain_dir = xasprintf("%s/%s", root, domains[i]);

        scan_domain(domain_dir, domains[i]);
        free(domain_dir);
    }
    free(domains);
    free(root);
}

static void
mark_all_dirty(void)
{
    struct xenvif *xenvif;

    ovs_mutex_lock(&table_mutex);
    HMAP_FOR_EACH (xenvif, node, &vifs) {
        xenvif->dirty = true;
    }
    ovs_mutex_unlock(&table_mutex);
}

/* Marks the vif that an event of the watch on all backends is about, or all if
 * it is about a whole domain. */
static void
handle_root_event(const char *path)
{
    char *root = xasprintf("%s/backend/vif/", own_dir);
    uint16_t domid, handle;

    if (!strncmp(path, root, strlen(root))
        && parse_vif_path(path + strlen(root), &domid, &handle)) {
        mark_dirty(domid, handle);
    } else {
        scan_all();
        mark_all_dirty();
    }
    free(root);
}

/* Takes all events of watches.  However many a guest causes, what is left of
 * them is one mark per vif. */
static void
drain_events(void)
{
    const char *token;
    char *path;

    while ((path = xenvif_store_next_event(&token))) {
        uint16_t domid, handle;

        if (!strcmp(token, ROOT_TOKEN)) {
            handle_root_event(path);
        } else if (parse_vif_path(token, &domid, &handle)) {
            struct xenvif *xenvif;

            ovs_mutex_lock(&table_mutex);
            xenvif = find_vif(domid, handle);
            if (xenvif) {
                xenvif->dirty = true;
            }
            ovs_mutex_unlock(&table_mutex);
        }
        free(path);
    }
}

/* Begins to use a new connection to XenStore.  Returns true on success. */
static bool
start_session(void)
{
    struct xenvif *xenvif;
    uint16_t own_domid;
    char *root;
    int error;

    if (xenvif_store_read_own_domid(&own_domid)) {
        return false;
    }
    error = xenvif_grant_open(own_domid);
    if (error) {
        static struct vlog_rate_limit rl = VLOG_RATE_LIMIT_INIT(1, 1);

        VLOG_WARN_RL(&rl, "cannot use grants (%s)", ovs_strerror(error));
        return false;
    }

    free(own_dir);
    own_dir = xasprintf("/local/domain/%"PRIu16, own_domid);
    ovs_mutex_lock(&table_mutex);
    HMAP_FOR_EACH (xenvif, node, &vifs) {
        xenvif_store_lost(xenvif);
    }
    ovs_mutex_unlock(&table_mutex);

    root = xasprintf("%s/backend/vif", own_dir);
    error = xenvif_store_watch(root, ROOT_TOKEN);
    if (!error) {
        /* Maps of a domain that died keep it from going away, and no key of
         * ours need change when it dies. */
        error = xenvif_store_watch("@releaseDomain", ROOT_TOKEN);
    }
    free(root);
    return !error;
}

/* Keeps the connection to XenStore.  Returns true while there is one. */
static bool
run_store(void)
{
    static unsigned int session;
    unsigned int generation;
    bool ok = xenvif_store_run(&generation);

    if (ok && generation != session) {
        ok = start_session();
        if (ok) {
            session = generation;
        }
    }
    atomic_store_relaxed(&connected, ok);
    return ok;
}

/* Returns all vifs, so that they can be worked on without a lock: only this
 * thread frees them. */
static struct xenvif **
snapshot_vifs(size_t *n)
{
    struct xenvif **array;
    struct xenvif *xenvif;

    ovs_mutex_lock(&table_mutex);
    array = xmalloc(MAX(1, hmap_count(&vifs)) * sizeof *array);
    *n = 0;
    HMAP_FOR_EACH (xenvif, node, &vifs) {
        array[(*n)++] = xenvif;
    }
    ovs_mutex_unlock(&table_mutex);
    return array;
}

/* Frees 'xenvif' if there is no reason to remember it. */
static void
collect_garbage(struct xenvif *xenvif)
{
    bool forgotten;

    ovs_mutex_lock(&table_mutex);
    forgotten = xenvif_is_forgotten(xenvif);
    if (forgotten) {
        hmap_remove(&vifs, &xenvif->node);
    }
    ovs_mutex_unlock(&table_mutex);
    if (forgotten) {
        xenvif_destroy(xenvif);
    }
}

static int
compare_vifs(const void *a_, const void *b_)
{
    struct xenvif *const *a = a_, *const *b = b_;
    int64_t left_a = (*a)->terms.budget->work.level;
    int64_t left_b = (*b)->terms.budget->work.level;

    if (left_a != left_b) {
        return left_a > left_b ? -1 : 1;
    }
    return (*a)->turn < (*b)->turn ? -1 : (*a)->turn > (*b)->turn;
}

void
xenvif_thread_sort(struct xenvif **array, size_t n)
{
    qsort(array, n, sizeof *array, compare_vifs);
}

/* Does what guests ask for, at most one step for each vif, so that none can
 * keep the others waiting.  If that takes long nevertheless, those who asked
 * for most lately have to wait for the next turn.  Returns true if something
 * changed. */
static bool
serve_vifs(struct xenvif **array, size_t n, bool have_store)
{
    static uint64_t turn;
    long long int deadline = time_usec() + TURN_USEC;
    bool changed = false;

    turn++;
    xenvif_thread_sort(array, n);
    for (size_t i = 0; i < n; i++) {
        if (time_usec() >= deadline) {
            latch_set(&wakeup);
            break;
        }
        array[i]->turn = turn;
        xenvif_settle(array[i]);
        if (xenvif_run_ctrl(array[i])) {
            latch_set(&wakeup);
        }
        if (have_store) {
            changed |= xenvif_run(array[i], own_dir);
            collect_garbage(array[i]);
        }
    }
    return changed;
}

/* One turn. */
static void
run_vifs(bool have_store)
{
    bool check = time_msec() >= next_check;
    bool changed = false;
    size_t n;
    struct xenvif **array = snapshot_vifs(&n);

    for (size_t i = 0; i < n; i++) {
        changed |= xenvif_upkeep(array[i], check);
        xenvif_budget_left(array[i]->terms.budget); /* As of now. */
    }
    changed |= serve_vifs(array, n, have_store);
    free(array);
    if (check) {
        next_check = time_msec() + CHECK_INTERVAL_MS;
    }
    if (changed) {
        seq_change(info_seq);
    }
}

/* Sleeps until there is something to do. */
static void
wait(bool have_store)
{
    struct xenvif *xenvif;

    latch_wait(&wakeup);
    xenvif_store_wait();
    poll_timer_wait_until(next_check);
    ovs_mutex_lock(&table_mutex);
    HMAP_FOR_EACH (xenvif, node, &vifs) {
        xenvif_wait(xenvif, have_store);
    }
    ovs_mutex_unlock(&table_mutex);
    poll_block();
}

static void *
control_main(void *aux OVS_UNUSED)
{
    ovsrcu_quiesce_start();
    for (;;) {
        bool have_store;

        /* (Since the end of the last turn, nobody has to wait for us while we
         * wait for xenstored.) */
        latch_poll(&wakeup);
        atomic_store_relaxed(&last_turn, time_msec());
        have_store = run_store();
        if (have_store) {
            drain_events();
        }
        run_vifs(have_store);
        xenvif_grace_run();
        wait(have_store);
    }
    return NULL;
}

void
xenvif_thread_start(void)
{
    info_seq = seq_create();
    latch_init(&wakeup);
    xenvif_grace_init(&wakeup);
    ovs_thread_create("xenvif", control_main, NULL);
}

struct seq *
xenvif_thread_seq(void)
{
    return info_seq;
}

struct xenvif *
xenvif_thread_claim(uint16_t domid, uint16_t handle, const void *port,
                    const char *port_name,
                    const struct xenvif_settings *settings)
{
    struct xenvif *xenvif;

    ovs_mutex_lock(&table_mutex);
    xenvif = get_vif(domid, handle);
    ovs_mutex_lock(&xenvif->mutex);
    if (xenvif->port != port) {
        /* A new port starts to count at 0. */
        xenvif_terms_reset_stats(&xenvif->terms);
    }
    xenvif->port = port;
    xenvif->n_claims++;
    free(xenvif->port_name);
    xenvif->port_name = xstrdup(port_name);
    xenvif->settings = *settings;
    xenvif->changed = true;
    ovs_mutex_unlock(&xenvif->mutex);
    ovs_mutex_unlock(&table_mutex);
    latch_set(&wakeup);
    return xenvif;
}

char *
xenvif_thread_get_port(uint16_t domid, uint16_t handle, const void **port)
{
    struct xenvif *xenvif;
    char *name = NULL;

    ovs_mutex_lock(&table_mutex);
    xenvif = find_vif(domid, handle);
    if (xenvif) {
        ovs_mutex_lock(&xenvif->mutex);
        *port = xenvif->port;
        name = nullable_xstrdup(xenvif->port_name);
        ovs_mutex_unlock(&xenvif->mutex);
    }
    ovs_mutex_unlock(&table_mutex);
    return name;
}

void
xenvif_thread_set(struct xenvif *xenvif, const void *port,
                  const struct xenvif_settings *settings)
{
    ovs_mutex_lock(&xenvif->mutex);
    if (xenvif->port == port) {
        xenvif->settings = *settings;
        xenvif->changed = true;
    }
    ovs_mutex_unlock(&xenvif->mutex);
    latch_set(&wakeup);
}

void
xenvif_thread_release(struct xenvif *xenvif, const void *port)
{
    ovs_mutex_lock(&xenvif->mutex);
    xenvif->n_claims--;
    if (xenvif->port == port) {
        xenvif->port = NULL;
        free(xenvif->port_name);
        xenvif->port_name = NULL;
        xenvif->changed = true;
    }
    ovs_mutex_unlock(&xenvif->mutex);
    latch_set(&wakeup);
}

static int
compare_entries(const void *a_, const void *b_)
{
    const struct xenvif_thread_entry *a = a_;
    const struct xenvif_thread_entry *b = b_;

    return (a->domid != b->domid ? a->domid - b->domid
            : a->handle - b->handle);
}

struct xenvif_thread_entry *
xenvif_thread_list(size_t *n)
{
    struct xenvif_thread_entry *entries, *entry;
    struct xenvif *xenvif;

    ovs_mutex_lock(&table_mutex);
    *n = hmap_count(&vifs);
    entries = entry = xzalloc(MAX(1, *n) * sizeof *entries);
    HMAP_FOR_EACH (xenvif, node, &vifs) {
        entry->domid = xenvif->domid;
        entry->handle = xenvif->handle;
        ovs_mutex_lock(&xenvif->mutex);
        entry->report = xenvif->report;
        entry->port_name = nullable_xstrdup(xenvif->port_name);
        ovs_mutex_unlock(&xenvif->mutex);
        entry++;
    }
    ovs_mutex_unlock(&table_mutex);
    qsort(entries, *n, sizeof *entries, compare_entries);
    return entries;
}

void
xenvif_thread_free_list(struct xenvif_thread_entry *entries, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        free(entries[i].port_name);
    }
    free(entries);
}

bool
xenvif_thread_is_connected(void)
{
    long long int since;
    bool is_connected;

    atomic_read_relaxed(&connected, &is_connected);
    atomic_read_relaxed(&last_turn, &since);
    return is_connected && time_msec() - since < STORE_TIMEOUT_MS;
}
