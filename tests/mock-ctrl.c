/* SPDX-License-Identifier: Apache-2.0 */

/* A scripted frontend: its control ring, and pages that stay granted. */

#include <config.h>

#include "mock-frontend.h"

#include <sched.h>
#include <string.h>
#include <xenevtchn.h>

#include "util.h"
#include "ring/xenvif-ctrl-ring.h"

/* Slots of the control ring, 16 bytes each. */
enum { CTRL_SIZE = 128, CTRL_SLOT_BYTES = 16 };

static uint8_t *
ctrl_slot(const struct mock_ctrl *ctrl, uint32_t index)
{
    return ((uint8_t *) ctrl->page + NETIF_RING_SLOTS
            + index % CTRL_SIZE * CTRL_SLOT_BYTES);
}

uint16_t
mock_ctrl_put(struct mock *mock, uint16_t type, uint32_t data0,
              uint32_t data1, uint32_t data2, bool push)
{
    struct mock_ctrl *ctrl = mock->ctrl;
    struct xen_netif_ctrl_request req = {
        .id = ctrl->next_id++, .type = type, .data = { data0, data1, data2 },
    };

    assert_true(ctrl->prod - ctrl->cons < CTRL_SIZE);
    memcpy(ctrl_slot(ctrl, ctrl->prod++), &req, sizeof req);
    if (push && netif_ring_push(ctrl->page, ctrl->prod - 1, ctrl->prod)) {
        assert_int_equal(xenevtchn_notify(mock->xce, ctrl->port), 0);
    }
    return req.id;
}

void
mock_ctrl_take(struct mock *mock, struct xen_netif_ctrl_response *rsp)
{
    struct mock_ctrl *ctrl = mock->ctrl;
    uint32_t prod = netif_ring_load(ctrl->page, NETIF_RSP_PROD);

    assert_in_range(prod - ctrl->cons, 1, ctrl->prod - ctrl->cons);
    memcpy(rsp, ctrl_slot(ctrl, ctrl->cons++), sizeof *rsp);
    netif_ring_arm(ctrl->page, ctrl->cons);
}

bool
mock_ctrl_run(struct mock *mock)
{
    bool more = false;

    mock->budget.work.level = mock->budget.work.depth;
    mock->changed |= xenvif_conn_run_ctrl(mock->conn, &more);
    while (mock->conn->ctrl && mock->conn->ctrl->del.list) {
        xenvif_grace_run();
        sched_yield();
        mock->changed |= xenvif_conn_run_ctrl(mock->conn, &more);
    }
    return more;
}

uint32_t
mock_ctrl_call(struct mock *mock, uint16_t type, uint32_t data0,
               uint32_t data1, uint32_t data2, uint32_t *data)
{
    struct xen_netif_ctrl_response rsp;
    uint16_t id;

    assert_int_equal(mock->ctrl->prod, mock->ctrl->cons);
    mock_take_events(mock, mock->ctrl->port);
    id = mock_ctrl_put(mock, type, data0, data1, data2, true);
    assert_false(mock_ctrl_run(mock));

    /* A guest that waits for the answer has asked for an event. */
    assert_int_equal(mock_take_events(mock, mock->ctrl->port), 1);
    mock_ctrl_take(mock, &rsp);
    assert_int_equal(rsp.id, id);
    assert_int_equal(rsp.type, type);
    assert_int_equal(mock->ctrl->prod, mock->ctrl->cons);
    if (data) {
        *data = rsp.data;
    }
    return rsp.status;
}

uint32_t
mock_ctrl_call_page(struct mock *mock, uint16_t type, uint32_t data0,
                    uint32_t data1, uint32_t data2, unsigned int gref_index,
                    void *content, size_t len, uint32_t *data)
{
    uint32_t args[] = { data0, data1, data2 };
    uint32_t pfn = xenemu_dom_alloc_page(mock->dom);
    int32_t gref = xenemu_grant(mock->dom, 0, pfn, false);
    uint8_t *page = xenemu_dom_page(mock->dom, pfn);
    uint32_t status;

    assert_true(gref > 0 && len <= NETIF_PAGE_SIZE);
    memset(page, 0x77, NETIF_PAGE_SIZE);
    memcpy(page, content, len);
    args[gref_index] = gref;
    status = mock_ctrl_call(mock, type, args[0], args[1], args[2], data);
    memcpy(content, page, len);
    for (size_t i = len; i < NETIF_PAGE_SIZE; i++) {
        assert_int_equal(page[i], 0x77);
    }

    /* The page is the guest's again with the response. */
    assert_int_equal(xenemu_ungrant(mock->dom, gref), 0);
    xenemu_dom_free_page(mock->dom, pfn);
    return status;
}

uint32_t
mock_gref_add(struct mock *mock, uint32_t queue, struct xen_netif_gref *list,
              uint32_t n)
{
    return mock_ctrl_call_page(mock, XEN_NETIF_CTRL_TYPE_ADD_GREF_MAPPING,
                               queue, 0, n, 1, list, n * sizeof *list, NULL);
}

uint32_t
mock_gref_del(struct mock *mock, uint32_t queue, struct xen_netif_gref *list,
              uint32_t n)
{
    uint32_t n_removed;

    assert_int_equal(mock_ctrl_call_page(
        mock, XEN_NETIF_CTRL_TYPE_DEL_GREF_MAPPING, queue, 0, n, 1, list,
        n * sizeof *list, &n_removed), XEN_NETIF_CTRL_STATUS_SUCCESS);
    return n_removed;
}

void
mock_stage(struct mock_queue *q, struct xen_netif_gref *list)
{
    for (unsigned int i = 0; i < 2 * NETIF_RING_SIZE; i++) {
        bool is_tx = i < NETIF_RING_SIZE;
        struct mock_slot *slot = (is_tx ? &q->tx_slots[i]
                                  : &q->rx_slots[i - NETIF_RING_SIZE]);

        assert_true(slot->gref == -1 && slot->staged == -1);
        slot->staged = xenemu_grant(q->mock->dom, 0, slot->pfn, is_tx);
        assert_true(slot->staged > 0);
        memset(&list[i], 0, sizeof list[i]);
        list[i].ref = slot->staged;
        list[i].flags = is_tx ? XEN_NETIF_CTRLF_GREF_readonly : 0;
    }
}

static void
unstage_slots(struct mock_queue *q, struct mock_slot *slots)
{
    for (unsigned int i = 0; i < NETIF_RING_SIZE; i++) {
        assert_int_equal(slots[i].gref, -1);
        assert_int_equal(xenemu_ungrant(q->mock->dom, slots[i].staged), 0);
        slots[i].staged = -1;
    }
}

void
mock_unstage(struct mock_queue *q)
{
    unstage_slots(q, q->tx_slots);
    unstage_slots(q, q->rx_slots);
}
