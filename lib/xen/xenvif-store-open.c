/* SPDX-License-Identifier: Apache-2.0 */

/* How XenStore is reached.
 *
 * In the domain that xenstored runs in, usually domain 0, it is a socket.
 * Elsewhere, and everywhere if XenStore has a domain of its own, it is a
 * device of the kernel.  Domain 0 has that as well.  It can be opened whether
 * there is a xenstored or not, and a request that nobody answers blocks.  So
 * the first one is made by a thread of its own, and there is no connection
 * before it is answered.  A socket, once there is one, is preferred. */

#include <config.h>

#include "xen/xenvif-store-open.h"

#include <errno.h>
#include <stdlib.h>
#include <xenstore.h>

#include "latch.h"
#include "openvswitch/vlog.h"
#include "ovs-rcu.h"
#include "ovs-thread.h"
#include "util.h"

VLOG_DEFINE_THIS_MODULE(xenvif_store_open);

static struct ovs_mutex mutex = OVS_MUTEX_INITIALIZER;

/* The connection through the device whose first request waits, or NULL. */
static struct xs_handle *asking OVS_GUARDED_BY(mutex);

/* One whose first request was answered, or NULL. */
static struct xs_handle *answered OVS_GUARDED_BY(mutex);

/* Will anybody want it? */
static bool wanted OVS_GUARDED_BY(mutex);

/* Returns the latch that is set when a request was answered. */
static struct latch *
get_latch(void)
{
    static struct ovsthread_once once = OVSTHREAD_ONCE_INITIALIZER;
    static struct latch latch;

    if (ovsthread_once_start(&once)) {
        latch_init(&latch);
        ovsthread_once_done(&once);
    }
    return &latch;
}

bool
xenvif_store_answers(struct xs_handle *xs)
{
    char *domid = xs_read(xs, XBT_NULL, "domid", NULL);
    bool ok = domid || errno == ENOENT;

    free(domid);
    return ok;
}

static void *
ask_main(void *xs_)
{
    struct xs_handle *xs = xs_;
    bool ok;

    /* Nobody must have to wait for us. */
    ovsrcu_quiesce_start();
    ok = xenvif_store_answers(xs);
    ovs_mutex_lock(&mutex);
    ok = ok && wanted;
    asking = NULL;
    answered = ok ? xs : NULL;
    ovs_mutex_unlock(&mutex);
    if (ok) {
        latch_set(get_latch());
    } else {
        /* There will be another try, but not at once. */
        xs_close(xs);
    }
    return NULL;
}

/* Returns the connection through the device if it works and 'want' is true.
 */
static struct xs_handle *
open_device(bool want)
{
    struct xs_handle *xs;

    ovs_mutex_lock(&mutex);
    wanted = want;
    xs = answered;
    answered = NULL;
    if (want && !xs && !asking) {
        asking = xs_open(0);
        if (asking) {
            VLOG_DBG("waiting for XenStore to answer");
            pthread_detach(ovs_thread_create("xenvif_store", ask_main,
                                             asking));
        }
    }
    ovs_mutex_unlock(&mutex);
    if (!want && xs) {
        xs_close(xs);
        xs = NULL;
    }
    return xs;
}

struct xs_handle *
xenvif_store_open(void)
{
    struct xs_handle *xs = xs_open(XS_OPEN_SOCKETONLY);
    struct xs_handle *device = open_device(!xs);

    return xs ? xs : device;
}

bool
xenvif_store_open_is_due(void)
{
    return latch_poll(get_latch());
}

void
xenvif_store_open_wait(void)
{
    latch_wait(get_latch());
}
