/* SPDX-License-Identifier: Apache-2.0 */

/* Kinds of guests: what their drivers write, in which order, and what they
 * insist on. */

#include "guest/profile.h"

#include <string.h>

#include "guest/config.h"

/* For keys that are not written. */
#define NONE (-1)

struct profile {
    const char *name;
    enum guest_order order;
    bool split;
    bool ctrl_ring, rss;
    int features[GUEST_N_FEATURES];
    struct guest_habits habits;
};

static const struct profile profiles[] = {
    {
        .name = "linux",
        .split = true,
        .features = {
            [GUEST_F_RX_COPY] = 1, [GUEST_F_RX_NOTIFY] = 1,
            [GUEST_F_SG] = 1, [GUEST_F_GSO4] = 1, [GUEST_F_GSO6] = 1,
            [GUEST_F_NO_CSUM] = NONE, [GUEST_F_CSUM6] = 1,
            [GUEST_F_MULTICAST] = NONE,
        },
    },
    {
        .name = "windows",
        .split = true,
        .ctrl_ring = true, .rss = true,
        .features = {
            [GUEST_F_RX_COPY] = 1, [GUEST_F_RX_NOTIFY] = 1,
            [GUEST_F_SG] = 1, [GUEST_F_GSO4] = 1, [GUEST_F_GSO6] = 1,
            [GUEST_F_NO_CSUM] = 0, [GUEST_F_CSUM6] = 1,
            [GUEST_F_MULTICAST] = 0,
        },
        .habits = {
            .mq_key = GUEST_MQ_ALWAYS, .close_first = 1, .cycle_ms = 100,
            .answer_ms = 1000, .need_ctrl = 1, .rx_id_slot = 1, .tx_hash = 1,
        },
    },
    {
        .name = "freebsd",
        .features = {
            [GUEST_F_RX_COPY] = 1, [GUEST_F_RX_NOTIFY] = 1,
            [GUEST_F_SG] = 1, [GUEST_F_GSO4] = 1, [GUEST_F_GSO6] = NONE,
            [GUEST_F_NO_CSUM] = NONE, [GUEST_F_CSUM6] = NONE,
            [GUEST_F_MULTICAST] = NONE,
        },
        .habits = {
            .mq_key = GUEST_MQ_SEVERAL, .rewrite = 1, .half_events = 1,
        },
    },
    {
        .name = "netbsd",
        .features = {
            [GUEST_F_RX_COPY] = 1, [GUEST_F_RX_NOTIFY] = 1,
            [GUEST_F_SG] = 1, [GUEST_F_GSO4] = NONE, [GUEST_F_GSO6] = NONE,
            [GUEST_F_NO_CSUM] = NONE, [GUEST_F_CSUM6] = 1,
            [GUEST_F_MULTICAST] = NONE,
        },
        .habits = {
            .max_queues = 1, .mq_key = GUEST_MQ_NEVER, .vifname = 1,
            .half_events = 1, .rx_lazy = 204, .csum_bare = 1,
        },
    },
    {
        .name = "minios",
        .order = GUEST_ORDER_MINIOS,
        .features = {
            [GUEST_F_RX_COPY] = 1, [GUEST_F_RX_NOTIFY] = NONE,
            [GUEST_F_SG] = NONE, [GUEST_F_GSO4] = NONE,
            [GUEST_F_GSO6] = NONE, [GUEST_F_NO_CSUM] = NONE,
            [GUEST_F_CSUM6] = NONE, [GUEST_F_MULTICAST] = NONE,
        },
        .habits = {
            .max_queues = 1, .mq_key = GUEST_MQ_NEVER, .drain = 1,
        },
    },
    {
        .name = "unikraft",
        .order = GUEST_ORDER_MINIOS,
        .features = {
            [GUEST_F_RX_COPY] = 1, [GUEST_F_RX_NOTIFY] = NONE,
            [GUEST_F_SG] = NONE, [GUEST_F_GSO4] = NONE,
            [GUEST_F_GSO6] = NONE, [GUEST_F_NO_CSUM] = NONE,
            [GUEST_F_CSUM6] = NONE, [GUEST_F_MULTICAST] = NONE,
        },
        .habits = {
            .max_queues = 1, .mq_key = GUEST_MQ_ALWAYS, .strict_errors = 1,
            .tx_poll = 1, .drain = 1,
        },
    },
};

static const struct profile *
find(const char *name)
{
    for (size_t i = 0; i < sizeof profiles / sizeof profiles[0]; i++) {
        if (!strcmp(profiles[i].name, name)) {
            return &profiles[i];
        }
    }
    return NULL;
}

bool
guest_order_set(struct guest_config *cfg, const char *name)
{
    const struct profile *p = find(name);

    if (!p || (strcmp(name, "linux") && strcmp(name, "minios"))) {
        return false;
    }
    cfg->order = p->order;
    memcpy(cfg->features, p->features, sizeof cfg->features);
    return true;
}

bool
guest_profile_set(struct guest_config *cfg, const char *name)
{
    const struct profile *p = find(name);

    if (!p) {
        return false;
    }
    cfg->order = p->order;
    memcpy(cfg->features, p->features, sizeof cfg->features);
    cfg->habits = p->habits;
    cfg->split = p->split;
    cfg->ctrl_ring = p->ctrl_ring;
    cfg->rss = p->rss;
    return true;
}
