/* SPDX-License-Identifier: Apache-2.0 */

/* Pages that stay granted as long as the connection, so that the backend can
 * keep them mapped: either those that it is told of over the control ring
 * ("staging"), or all that it sees ("persistent"). */

#include "guest/grefs.h"

#include "guest/cring.h"
#include "guest/guest.h"
#include "guest/log.h"
#include "guest/pages.h"
#include "netif/ring.h"

bool
guest_grefs_fix(struct guest_queue *q)
{
    struct guest *g = q->guest;

    for (unsigned int i = 0; i < q->n_tx_free; i++) {
        if (!guest_page_fix(g, q->tx_free[i], true)) {
            return false;
        }
        q->fixed[q->n_fixed++] = g->fixed_grefs[q->tx_free[i]];
    }
    for (unsigned int i = 0; i < q->n_rx_free; i++) {
        if (!guest_page_fix(g, q->rx_free[i], false)) {
            return false;
        }
        q->fixed[q->n_fixed++] = g->fixed_grefs[q->rx_free[i]];
    }
    return true;
}

bool
guest_grefs_size(struct guest *g, uint32_t queue, struct guest_answer *answer)
{
    const uint32_t data[3] = { queue, 0, 0 };

    return guest_cring_send(g, XEN_NETIF_CTRL_TYPE_GET_GREF_MAPPING_SIZE,
                            data, answer);
}

/* Makes a list of the first 'n' of the queue's grants that stay. */
static void
make_list(const struct guest_queue *q, struct xen_netif_gref *list,
          unsigned int n)
{
    for (unsigned int i = 0; i < n; i++) {
        bool tx = i < NETIF_RING_SIZE;

        list[i] = (struct xen_netif_gref) {
            .ref = q->fixed[i],
            .flags = tx ? XEN_NETIF_CTRLF_GREF_readonly : 0,
        };
    }
}

bool
guest_grefs_add(struct guest *g, struct guest_queue *q, unsigned int n,
                struct guest_answer *answer)
{
    struct xen_netif_gref list[2 * NETIF_RING_SIZE];
    uint32_t data[3] = { q->idx, 0, n };
    bool ok;

    make_list(q, list, n);
    ok = guest_cring_send_page(g, XEN_NETIF_CTRL_TYPE_ADD_GREF_MAPPING, 1,
                               list, n * sizeof list[0], true, data, answer);
    if (ok && answer->status == XEN_NETIF_CTRL_STATUS_SUCCESS) {
        q->n_staged = n;
    }
    return ok;
}

bool
guest_grefs_del(struct guest *g, struct guest_queue *q, unsigned int n,
                unsigned int *n_refused, struct guest_answer *answer)
{
    struct xen_netif_gref list[2 * NETIF_RING_SIZE];
    uint32_t data[3] = { q->idx, 0, n };

    *n_refused = 0;
    make_list(q, list, n);
    if (!guest_cring_send_page(g, XEN_NETIF_CTRL_TYPE_DEL_GREF_MAPPING, 1,
                               list, n * sizeof list[0], false, data,
                               answer)) {
        return false;
    }
    if (answer->status == XEN_NETIF_CTRL_STATUS_SUCCESS) {
        for (unsigned int i = 0; i < n; i++) {
            *n_refused += list[i].status != XEN_NETIF_CTRL_STATUS_SUCCESS;
        }
        if (*n_refused + answer->data != n) {
            guest_violation(g, q, "ctrl.gref", "%u of %u pages unmapped, %u "
                            "refused", answer->data, n, *n_refused);
        }
        q->n_staged = 0;
    }
    return true;
}

void
guest_grefs_start(struct guest *g)
{
    for (unsigned int i = 0; i < g->n_queues; i++) {
        struct guest_queue *q = g->queues[i];
        struct guest_answer a;
        unsigned int n;

        if (!guest_grefs_size(g, i, &a)) {
            return;
        }
        if (a.status == XEN_NETIF_CTRL_STATUS_NOT_SUPPORTED
            || (a.status == XEN_NETIF_CTRL_STATUS_SUCCESS && !a.data)) {
            guest_log(g, "the backend keeps no pages mapped");
            return;
        }
        n = a.data < q->n_fixed ? a.data : q->n_fixed;
        if (a.status == XEN_NETIF_CTRL_STATUS_SUCCESS
            && !guest_grefs_add(g, q, n, &a)) {
            return;
        }
        if (a.status == XEN_NETIF_CTRL_STATUS_SUCCESS) {
            continue;
        }
        if (g->cfg.habits.staging_optional) {
            guest_log(g, "the backend does not map the pages of queue %u", i);
        } else {
            guest_violation(g, q, "ctrl.refused", "%u pages: %s", n,
                            guest_cring_status(a.status));
        }
    }
}
