/* SPDX-License-Identifier: Apache-2.0 */

/* The control ring. */

#include <config.h>

#include "ring/xenvif-ctrl-ring.h"

#include <errno.h>
#include <string.h>

#include "openvswitch/poll-loop.h"
#include "util.h"
#include "rate/xenvif-budget.h"
#include "xen/xenvif-grant.h"
#include "xen/xenvif-gref.h"

/* Flags that a guest may choose from. */
#define SUPPORTED_FLAGS (XEN_NETIF_CTRL_HASH_TYPE_IPV4          \
                         | XEN_NETIF_CTRL_HASH_TYPE_IPV4_TCP    \
                         | XEN_NETIF_CTRL_HASH_TYPE_IPV6        \
                         | XEN_NETIF_CTRL_HASH_TYPE_IPV6_TCP)

/* Entries of a mapping that one message can carry: a page full. */
#define MAPPING_PER_MESSAGE (XENVIF_PAGE_SIZE / sizeof(uint32_t))

/* References that one message can carry: likewise. */
#define GREFS_PER_MESSAGE (XENVIF_PAGE_SIZE / sizeof(struct xen_netif_gref))

/* Slots as words and as what they mean. */
union ctrl_slot {
    uint32_t words[XENVIF_CTRL_SLOT_WORDS];
    struct xen_netif_ctrl_request request;
    struct xen_netif_ctrl_response response;
};
BUILD_ASSERT_DECL(sizeof(union ctrl_slot)
                  == XENVIF_CTRL_SLOT_WORDS * sizeof(uint32_t));

#define RESPONSE_WORDS \
    (sizeof(struct xen_netif_ctrl_response) / sizeof(uint32_t))

struct xenvif_ctrl *
xenvif_ctrl_open(uint16_t domid, uint32_t n_queues, uint32_t gref,
                 uint32_t port, const struct xenvif_hash *hash,
                 struct xenvif_budget *budget, char **problem)
{
    struct xenvif_ctrl *ctrl = xzalloc(sizeof *ctrl);
    struct xenvif_ring_page *page = NULL;
    int error = xenvif_event_open(&ctrl->event, domid, port, port);

    ctrl->domid = domid;
    ctrl->n_queues = n_queues;
    ctrl->budget = budget;
    ctrl->read_page = xenvif_grant_read;
    ctrl->write_page = xenvif_grant_write;
    ctrl->hash = xmemdup(hash, sizeof *hash);
    if (error) {
        *problem = xasprintf("cannot bind event channel %"PRIu32" of the "
                             "control ring (%s)", port, ovs_strerror(error));
    } else if (!(page = xenvif_grant_map(domid, gref, true))) {
        *problem = xasprintf("cannot map control ring, grant %"PRIu32" (%s)",
                             gref, ovs_strerror(errno));
    } else if (!xenvif_ring_attach(&ctrl->ring, page, XENVIF_CTRL_RING_SIZE,
                                   XENVIF_CTRL_SLOT_WORDS)) {
        *problem = xstrdup("indexes of control ring are out of range");
    } else {
        return ctrl;
    }
    ctrl->ring.page = page;
    xenvif_ctrl_close(ctrl);
    return NULL;
}

void
xenvif_ctrl_close(struct xenvif_ctrl *ctrl)
{
    if (ctrl) {
        xenvif_grant_unmap(ctrl->ring.page);
        xenvif_event_close(&ctrl->event);
        free(ctrl->del.list);
        free(ctrl->hash);
        free(ctrl);
    }
}

static uint32_t
set_algorithm(struct xenvif_ctrl *ctrl, uint32_t algorithm)
{
    if (algorithm > XEN_NETIF_CTRL_HASH_ALGORITHM_TOEPLITZ) {
        return XEN_NETIF_CTRL_STATUS_INVALID_PARAMETER;
    }
    ctrl->hash->toeplitz
        = algorithm == XEN_NETIF_CTRL_HASH_ALGORITHM_TOEPLITZ;
    return XEN_NETIF_CTRL_STATUS_SUCCESS;
}

static uint32_t
set_flags(struct xenvif_ctrl *ctrl, uint32_t flags)
{
    if (!ctrl->hash->toeplitz || flags & ~SUPPORTED_FLAGS) {
        return XEN_NETIF_CTRL_STATUS_INVALID_PARAMETER;
    }
    ctrl->hash->flags = flags;
    return XEN_NETIF_CTRL_STATUS_SUCCESS;
}

static uint32_t
set_key(struct xenvif_ctrl *ctrl, uint32_t gref, uint32_t len)
{
    uint8_t key[XENVIF_HASH_KEY_SIZE];

    if (len > sizeof key) {
        return XEN_NETIF_CTRL_STATUS_BUFFER_OVERFLOW;
    }
    if (len && !ctrl->read_page(ctrl->domid, gref, key, len)) {
        return XEN_NETIF_CTRL_STATUS_INVALID_PARAMETER;
    }
    xenvif_hash_set_key(ctrl->hash, key, len);
    return XEN_NETIF_CTRL_STATUS_SUCCESS;
}

static uint32_t
set_mapping_size(struct xenvif_ctrl *ctrl, uint32_t size)
{
    if (size > XENVIF_HASH_MAPPING_MAX) {
        return XEN_NETIF_CTRL_STATUS_INVALID_PARAMETER;
    }
    ctrl->hash->mapping_size = size;
    memset(ctrl->hash->mapping, 0, sizeof ctrl->hash->mapping);
    return XEN_NETIF_CTRL_STATUS_SUCCESS;
}

/* Replaces 'len' entries of the mapping, the first of which is 'first', unless
 * one of the new ones is no queue. */
static uint32_t
set_mapping(struct xenvif_ctrl *ctrl, uint32_t gref, uint32_t len,
            uint32_t first)
{
    uint32_t mapping[MAPPING_PER_MESSAGE];

    if (len > MAPPING_PER_MESSAGE
        || (uint64_t) first + len > ctrl->hash->mapping_size) {
        return XEN_NETIF_CTRL_STATUS_INVALID_PARAMETER;
    }
    if (len && !ctrl->read_page(ctrl->domid, gref, mapping,
                                len * sizeof *mapping)) {
        return XEN_NETIF_CTRL_STATUS_INVALID_PARAMETER;
    }
    for (uint32_t i = 0; i < len; i++) {
        if (mapping[i] >= ctrl->n_queues) {
            return XEN_NETIF_CTRL_STATUS_INVALID_PARAMETER;
        }
    }
    memcpy(&ctrl->hash->mapping[first], mapping, len * sizeof *mapping);
    return XEN_NETIF_CTRL_STATUS_SUCCESS;
}

/* Executes a message that changes the configuration. */
static uint32_t
set(struct xenvif_ctrl *ctrl, const struct xen_netif_ctrl_request *request)
{
    uint32_t status;

    switch (request->type) {
    case XEN_NETIF_CTRL_TYPE_SET_HASH_ALGORITHM:
        status = set_algorithm(ctrl, request->data[0]);
        break;
    case XEN_NETIF_CTRL_TYPE_SET_HASH_FLAGS:
        status = set_flags(ctrl, request->data[0]);
        break;
    case XEN_NETIF_CTRL_TYPE_SET_HASH_KEY:
        status = set_key(ctrl, request->data[0], request->data[1]);
        break;
    case XEN_NETIF_CTRL_TYPE_SET_HASH_MAPPING_SIZE:
        status = set_mapping_size(ctrl, request->data[0]);
        break;
    case XEN_NETIF_CTRL_TYPE_SET_HASH_MAPPING:
        status = set_mapping(ctrl, request->data[0], request->data[1],
                             request->data[2]);
        break;
    default:
        status = XEN_NETIF_CTRL_STATUS_NOT_SUPPORTED;
        break;
    }
    if (status == XEN_NETIF_CTRL_STATUS_SUCCESS) {
        ctrl->changed |= XENVIF_CTRL_HASH;
    }
    return status;
}

/* Reads the list of references that a message comes with.  Returns NULL and
 * stores a status if that is not possible. */
static struct xen_netif_gref *
read_grefs(struct xenvif_ctrl *ctrl,
           const struct xen_netif_ctrl_request *request, uint32_t *status)
{
    uint32_t n = request->data[2];
    struct xen_netif_gref *list;

    if (!ctrl->grefs) {
        *status = XEN_NETIF_CTRL_STATUS_NOT_SUPPORTED;
        return NULL;
    }
    if (n > GREFS_PER_MESSAGE) {
        *status = XEN_NETIF_CTRL_STATUS_BUFFER_OVERFLOW;
        return NULL;
    }
    list = xmalloc(MAX(n, 1) * sizeof *list);
    if (request->data[0] >= ctrl->n_queues
        || (n && !ctrl->read_page(ctrl->domid, request->data[1], list,
                                  n * sizeof *list))) {
        *status = XEN_NETIF_CTRL_STATUS_INVALID_PARAMETER;
        free(list);
        return NULL;
    }
    return list;
}

/* Maps all pages of a list, or none. */
static uint32_t
add_grefs(struct xenvif_ctrl *ctrl,
          const struct xen_netif_ctrl_request *request)
{
    uint32_t status = XEN_NETIF_CTRL_STATUS_SUCCESS;
    struct xen_netif_gref *list = read_grefs(ctrl, request, &status);
    struct xenvif_gref_id ids[GREFS_PER_MESSAGE];
    uint32_t n = request->data[2];

    if (!list) {
        return status;
    }
    for (uint32_t i = 0; i < n; i++) {
        ids[i].gref = list[i].ref;
        ids[i].readonly = list[i].flags & XEN_NETIF_CTRLF_GREF_readonly;
    }
    free(list);
    if (!xenvif_gref_add(ctrl->grefs[request->data[0]], ids, n)) {
        return XEN_NETIF_CTRL_STATUS_INVALID_PARAMETER;
    }
    ctrl->changed |= XENVIF_CTRL_GREFS;
    return XEN_NETIF_CTRL_STATUS_SUCCESS;
}

/* Begins to unmap the pages of a list.  Says in the list which were not
 * mapped.  Returns false, with the status of the answer in '*status', if that
 * is all. */
static bool
begin_del(struct xenvif_ctrl *ctrl,
          const struct xen_netif_ctrl_request *request, uint32_t *status)
{
    struct xen_netif_gref *list = read_grefs(ctrl, request, status);
    uint32_t grefs[GREFS_PER_MESSAGE];
    bool found[GREFS_PER_MESSAGE];
    uint32_t n = request->data[2];

    if (!list) {
        return false;
    }
    if (ctrl->forget_grefs && !ctrl->forget_grefs(ctrl->forget_aux)) {
        *status = XEN_NETIF_CTRL_STATUS_INVALID_PARAMETER;
        free(list);
        return false;
    }
    for (uint32_t i = 0; i < n; i++) {
        grefs[i] = list[i].ref;
    }
    ctrl->changed |= XENVIF_CTRL_GREFS;
    ctrl->del.request = *request;
    ctrl->del.list = list;
    ctrl->del.n_removed = xenvif_gref_remove(ctrl->grefs[request->data[0]],
                                             grefs, n, found);
    for (uint32_t i = 0; i < n; i++) {
        list[i].status = (found[i] ? XEN_NETIF_CTRL_STATUS_SUCCESS
                          : XEN_NETIF_CTRL_STATUS_INVALID_PARAMETER);
    }
    ctrl->del.grace = ctrl->del.n_removed ? xenvif_grace_ask() : 0;
    return true;
}

/* Ends what begin_del() began, after the grace period.  Returns the status. */
static uint32_t
finish_del(struct xenvif_ctrl *ctrl, uint32_t *n_removed)
{
    const struct xen_netif_ctrl_request *request = &ctrl->del.request;
    uint32_t status = XEN_NETIF_CTRL_STATUS_SUCCESS;
    uint32_t n = request->data[2];

    xenvif_gref_settle(ctrl->grefs[request->data[0]]);
    if (ctrl->del.n_removed) {
        xenvif_budget_spend(ctrl->budget, XENVIF_PRICE_GRACE);
    }
    *n_removed = ctrl->del.n_removed;
    if (n && !ctrl->write_page(ctrl->domid, request->data[1], ctrl->del.list,
                               n * sizeof *ctrl->del.list)) {
        status = XEN_NETIF_CTRL_STATUS_INVALID_PARAMETER;
    }
    free(ctrl->del.list);
    ctrl->del.list = NULL;
    return status;
}

static uint32_t
get_gref_size(const struct xenvif_ctrl *ctrl, uint32_t queue, uint32_t *size)
{
    if (!ctrl->grefs) {
        return XEN_NETIF_CTRL_STATUS_NOT_SUPPORTED;
    }
    if (queue >= ctrl->n_queues) {
        return XEN_NETIF_CTRL_STATUS_INVALID_PARAMETER;
    }
    *size = XENVIF_GREF_MAX;
    return XEN_NETIF_CTRL_STATUS_SUCCESS;
}

/* Fills in the rest of an answer, whose status is there. */
static void
complete_response(struct xenvif_ctrl *ctrl,
                  const struct xen_netif_ctrl_request *request,
                  struct xen_netif_ctrl_response *response)
{
    response->id = request->id;
    response->type = request->type;
    xenvif_counter_add(&ctrl->n_messages, 1);
    if (response->status != XEN_NETIF_CTRL_STATUS_SUCCESS) {
        xenvif_counter_add(&ctrl->n_refused, 1);
    }
}

bool
xenvif_ctrl_execute(struct xenvif_ctrl *ctrl,
                    const struct xen_netif_ctrl_request *request,
                    struct xen_netif_ctrl_response *response)
{
    response->data = 0;

    switch (request->type) {
    case XEN_NETIF_CTRL_TYPE_GET_HASH_FLAGS:
        if (ctrl->hash->toeplitz) {
            response->status = XEN_NETIF_CTRL_STATUS_SUCCESS;
            response->data = SUPPORTED_FLAGS;
        } else {
            response->status = XEN_NETIF_CTRL_STATUS_NOT_SUPPORTED;
        }
        break;
    case XEN_NETIF_CTRL_TYPE_GET_HASH_MAPPING_SIZE:
        response->status = XEN_NETIF_CTRL_STATUS_SUCCESS;
        response->data = XENVIF_HASH_MAPPING_MAX;
        break;
    case XEN_NETIF_CTRL_TYPE_GET_GREF_MAPPING_SIZE:
        response->status = get_gref_size(ctrl, request->data[0],
                                         &response->data);
        break;
    case XEN_NETIF_CTRL_TYPE_ADD_GREF_MAPPING:
        response->status = add_grefs(ctrl, request);
        break;
    case XEN_NETIF_CTRL_TYPE_DEL_GREF_MAPPING:
        if (begin_del(ctrl, request, &response->status)) {
            return false;
        }
        break;
    default:
        response->status = set(ctrl, request);
        break;
    }

    complete_response(ctrl, request, response);
    return true;
}

/* Writes the answer to the next message. */
static void
put_response(struct xenvif_ctrl *ctrl, const union ctrl_slot *answer)
{
    xenvif_ring_write_slot(&ctrl->ring, ctrl->ring.req_cons, answer->words,
                           RESPONSE_WORDS);
    ctrl->ring.req_cons++;
}

/* Ends the message that waits for a grace period, if that is over.  Returns
 * false if it is not. */
static bool
finish_one(struct xenvif_ctrl *ctrl)
{
    union ctrl_slot answer;

    if (!xenvif_grace_is_over(ctrl->del.grace)) {
        return false;
    }
    answer.response.status = finish_del(ctrl, &answer.response.data);
    complete_response(ctrl, &ctrl->del.request, &answer.response);
    put_response(ctrl, &answer);
    return true;
}

/* Answers the next message, or begins to. */
static void
run_one(struct xenvif_ctrl *ctrl)
{
    union ctrl_slot slot, answer;

    xenvif_budget_spend(ctrl->budget, XENVIF_PRICE_MESSAGE);
    xenvif_ring_read_slot(&ctrl->ring, ctrl->ring.req_cons, slot.words);
    if (xenvif_ctrl_execute(ctrl, &slot.request, &answer.response)) {
        put_response(ctrl, &answer);
    }
}

/* Answers messages before 'prod', as many as one turn may take. */
static void
run_burst(struct xenvif_ctrl *ctrl, uint32_t prod)
{
    int64_t keep = MAX(XENVIF_BUDGET_RESERVE,
                       (xenvif_budget_left(ctrl->budget)
                        - XENVIF_CTRL_BURST_PRICE));

    for (int i = 0; (i < XENVIF_CTRL_BURST && ctrl->ring.req_cons != prod
                     && xenvif_budget_can_spend(ctrl->budget, keep));
         i++) {
        run_one(ctrl);
        if (ctrl->del.list && !finish_one(ctrl)) {
            break;
        }
    }
}

bool
xenvif_ctrl_run(struct xenvif_ctrl *ctrl)
{
    struct xenvif_ring *ring = &ctrl->ring;
    uint32_t prod;

    if (ctrl->broken || (ctrl->del.list && !finish_one(ctrl))) {
        return false;
    }
    xenvif_event_drain(&ctrl->event, ring->req_cons);
    prod = xenvif_ring_req_prod(ring);
    if (xenvif_ring_n_unanswered(ring, prod) > ring->size) {
        ctrl->broken = true;
        return false;
    }
    run_burst(ctrl, prod);
    if (ring->req_cons != ring->rsp_prod
        && xenvif_ring_publish(ring, ring->req_cons)) {
        xenvif_event_notify(&ctrl->event, ctrl->event.tx_port);
    }

    /* Whoever cannot go on now will be back without an event. */
    ctrl->armed = !xenvif_ctrl_is_held(ctrl);
    return ctrl->armed && xenvif_ring_arm(ring, 1);
}

bool
xenvif_ctrl_is_held(const struct xenvif_ctrl *ctrl)
{
    return (ctrl->del.list
            || !xenvif_budget_can_spend(ctrl->budget, XENVIF_BUDGET_RESERVE));
}

void
xenvif_ctrl_wait(struct xenvif_ctrl *ctrl)
{
    if (ctrl->broken || ctrl->del.list) {
        /* The end of a grace period wakes the thread by itself. */
        return;
    }
    if (ctrl->armed) {
        xenvif_event_wait(&ctrl->event);
    } else {
        /* This may be the case already: time passed since we looked. */
        poll_timer_wait_until(xenvif_budget_due(ctrl->budget,
                                                XENVIF_BUDGET_RESERVE));
    }
}
