/*
 * Copyright (c) 2026 The ovs-xenvif authors.
 *
 * Licensed under the Apache License, Version 2.0 (the "License");
 * you may not use this file except in compliance with the License.
 * You may obtain a copy of the License at:
 *
 *     http://www.apache.org/licenses/LICENSE-2.0
 *
 * Unless required by applicable law or agreed to in writing, software
 * distributed under the License is distributed on an "AS IS" BASIS,
 * WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
 * See the License for the specific language governing permissions and
 * limitations under the License.
 */

/* The control ring. */

#include <config.h>

#include "xenvif-ctrl.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

#include "openvswitch/poll-loop.h"
#include "util.h"
#include "xenvif-grant.h"

/* Flags that a guest may choose from. */
#define SUPPORTED_FLAGS (XEN_NETIF_CTRL_HASH_TYPE_IPV4          \
                         | XEN_NETIF_CTRL_HASH_TYPE_IPV4_TCP    \
                         | XEN_NETIF_CTRL_HASH_TYPE_IPV6        \
                         | XEN_NETIF_CTRL_HASH_TYPE_IPV6_TCP)

/* Entries of a mapping that one message can carry: a page full. */
#define MAPPING_PER_MESSAGE (XENVIF_PAGE_SIZE / sizeof(uint32_t))

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
                 uint32_t port, const struct xenvif_hash *hash, char **problem)
{
    struct xenvif_ctrl *ctrl = xzalloc(sizeof *ctrl);
    struct xenvif_ring_page *page = NULL;
    int error = xenvif_event_open(&ctrl->event, domid, port, port);

    ctrl->domid = domid;
    ctrl->n_queues = n_queues;
    ctrl->read_page = xenvif_grant_read;
    ctrl->hash = xmemdup(hash, sizeof *hash);
    if (error) {
        *problem = xasprintf("cannot bind event channel %"PRIu32" of the "
                             "control ring (%s)", port, ovs_strerror(error));
    } else if (!(page = xenvif_grant_map(domid, gref))) {
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
        ctrl->hash_changed = true;
    }
    return status;
}

void
xenvif_ctrl_execute(struct xenvif_ctrl *ctrl,
                    const struct xen_netif_ctrl_request *request,
                    struct xen_netif_ctrl_response *response)
{
    response->id = request->id;
    response->type = request->type;
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
    default:
        response->status = set(ctrl, request);
        break;
    }

    ctrl->n_messages++;
    if (response->status != XEN_NETIF_CTRL_STATUS_SUCCESS) {
        ctrl->n_refused++;
    }
}

/* Answers the next message. */
static void
run_one(struct xenvif_ctrl *ctrl)
{
    union ctrl_slot slot, answer;

    xenvif_ring_read_slot(&ctrl->ring, ctrl->ring.req_cons, slot.words);
    xenvif_ctrl_execute(ctrl, &slot.request, &answer.response);
    xenvif_ring_write_slot(&ctrl->ring, ctrl->ring.req_cons, answer.words,
                           RESPONSE_WORDS);
    ctrl->ring.req_cons++;
}

bool
xenvif_ctrl_run(struct xenvif_ctrl *ctrl)
{
    struct xenvif_ring *ring = &ctrl->ring;
    uint32_t prod;

    if (ctrl->broken) {
        return false;
    }
    xenvif_event_drain(&ctrl->event, true);
    prod = xenvif_ring_req_prod(ring);
    if (xenvif_ring_n_unanswered(ring, prod) > ring->size) {
        ctrl->broken = true;
        return false;
    }
    for (int i = 0; i < XENVIF_CTRL_BURST && ring->req_cons != prod; i++) {
        run_one(ctrl);
    }
    if (ring->req_cons != ring->rsp_prod
        && xenvif_ring_publish(ring, ring->req_cons)) {
        xenvif_event_notify(&ctrl->event, ctrl->event.tx_port);
    }
    return xenvif_ring_arm(ring, 1);
}

void
xenvif_ctrl_wait(const struct xenvif_ctrl *ctrl)
{
    if (!ctrl->broken) {
        poll_fd_wait(ctrl->event.fd, POLLIN);
    }
}
