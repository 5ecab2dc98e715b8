/* SPDX-License-Identifier: Apache-2.0 */

/* Options, as given on the command line and to a reload. */

#include "guest/options.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "guest/config.h"
#include "guest/error.h"
#include "guest/parse.h"
#include "guest/profile.h"
#include "netif/ring.h"

enum option_kind {
    OPT_U32,
    OPT_BOOL,
    OPT_STRING
};

struct option_desc {
    const char *name;
    enum option_kind kind;
    size_t ofs;                 /* In struct guest_config. */
    uint32_t min, max;
    bool runtime;               /* May change in a reload. */
};

#define U32(NAME, MEMBER, MIN, MAX, RUNTIME)                                 \
    { NAME, OPT_U32, offsetof(struct guest_config, MEMBER), MIN, MAX, RUNTIME }
#define BOOL(NAME, MEMBER, RUNTIME)                                          \
    { NAME, OPT_BOOL, offsetof(struct guest_config, MEMBER), 0, 1, RUNTIME }
#define STRING(NAME, MEMBER)                                                 \
    { NAME, OPT_STRING, offsetof(struct guest_config, MEMBER), 0, 0, false }

static const struct option_desc options[] = {
    U32("domid", domid, 0, 32751, false),
    U32("devid", devid, 0, 65535, false),
    U32("queues", queues, 1, GUEST_MAX_QUEUES, true),
    U32("start-index", start_index, 0, UINT32_MAX, true),
    U32("rx-buffers", rx_buffers, 0, NETIF_RING_SIZE, true),
    U32("xdp-headroom", headroom, 0, NETIF_PAGE_SIZE - 15, true),
    U32("mtu", mtu, 68, 65521, false),
    U32("timeout", timeout, 1, 3600, true),
    U32("wakeup", wakeup, 0, 3600, true),
    BOOL("split", split, true),
    BOOL("ctrl-ring", ctrl_ring, true),
    BOOL("rss", rss, true),
    BOOL("staging", staging, true),
    BOOL("persistent", persistent, true),
    U32("max-queues", habits.max_queues, 0, GUEST_MAX_QUEUES, true),
    U32("answer", habits.answer_ms, 0, 3600000, true),
    U32("cycle", habits.cycle_ms, 0, 3600000, true),
    U32("rx-lazy", habits.rx_lazy, 0, NETIF_RING_SIZE, true),
    BOOL("rewrite", habits.rewrite, true),
    BOOL("close-first", habits.close_first, true),
    BOOL("staging-optional", habits.staging_optional, true),
    BOOL("need-ctrl", habits.need_ctrl, true),
    BOOL("rx-id-slot", habits.rx_id_slot, true),
    BOOL("strict-errors", habits.strict_errors, true),
    BOOL("tx-hash", habits.tx_hash, true),
    BOOL("tx-poll", habits.tx_poll, true),
    BOOL("half-events", habits.half_events, true),
    BOOL("csum-bare", habits.csum_bare, true),
    BOOL("drain", habits.drain, true),
    BOOL("canary", canary, true),
    BOOL("spin", spin, true),
    BOOL("keep-going", keep_going, false),
    BOOL("csum-blank", csum_blank, false),
    BOOL("gso", gso, false),
    BOOL("sink", sink, true),
    BOOL("echo", echo, true),
    STRING("tap", tap),
    STRING("pktgen", pktgen),
};

#define N_OPTIONS (sizeof options / sizeof options[0])

/* Short names of feature keys, which take 0, 1 or "none". */
static const struct {
    const char *name;
    enum guest_feature feature;
} feature_options[] = {
    { "rx-copy", GUEST_F_RX_COPY },
    { "rx-notify", GUEST_F_RX_NOTIFY },
    { "sg", GUEST_F_SG },
    { "gso-tcpv4", GUEST_F_GSO4 },
    { "gso-tcpv6", GUEST_F_GSO6 },
    { "no-csum-offload", GUEST_F_NO_CSUM },
    { "ipv6-csum-offload", GUEST_F_CSUM6 },
    { "multicast-control", GUEST_F_MULTICAST },
};

#define N_FEATURE_OPTIONS (sizeof feature_options / sizeof feature_options[0])

void
guest_config_init(struct guest_config *cfg)
{
    memset(cfg, 0, sizeof *cfg);
    guest_profile_set(cfg, "linux");
    cfg->domid = UINT32_MAX;
    cfg->queues = 1;
    cfg->rx_buffers = NETIF_RING_SIZE;
    cfg->timeout = 30;
    cfg->wakeup = 10;
}

static char *
set_feature(struct guest_config *cfg, unsigned int feature, const char *value)
{
    if (!strcmp(value, "none")) {
        cfg->features[feature] = -1;
    } else if (!strcmp(value, "0") || !strcmp(value, "1")) {
        cfg->features[feature] = *value - '0';
    } else {
        return guest_error("%s: value must be 0, 1 or none",
                           guest_feature_keys[feature]);
    }
    return NULL;
}

/* Sets the feature of "KEY=VALUE". */
static char *
set_feature_key(struct guest_config *cfg, const char *arg)
{
    size_t len = strcspn(arg, "=");

    for (unsigned int i = 0; i < GUEST_N_FEATURES && arg[len]; i++) {
        if (strlen(guest_feature_keys[i]) == len
            && !memcmp(guest_feature_keys[i], arg, len)) {
            return set_feature(cfg, i, arg + len + 1);
        }
    }
    return guest_error("%s: unknown feature", arg);
}

static char *
append(char **list, uint32_t *n, const char *value)
{
    if (*n >= GUEST_MAX_SETS) {
        return guest_error("%s: too many keys", value);
    }
    list[(*n)++] = strdup(value);
    return NULL;
}

/* Sets an option with a value of a kind of its own.  Returns true if 'name'
 * is one, with '*errorp' set in case of failure. */
static bool
set_special(struct guest_config *cfg, const char *name, const char *value,
            char **errorp)
{
    char *error = NULL;

    if (!strcmp(name, "feature")) {
        error = set_feature_key(cfg, value);
    } else if (!strcmp(name, "set")) {
        error = (strchr(value, '=') ? append(cfg->sets, &cfg->n_sets, value)
                 : guest_error("set: KEY=VALUE needed"));
    } else if (!strcmp(name, "unset")) {
        error = append(cfg->unsets, &cfg->n_unsets, value);
    } else if (!strcmp(name, "clear-sets")) {
        guest_config_clear_sets(cfg);
    } else if (!strcmp(name, "order")) {
        error = (guest_order_set(cfg, value) ? NULL
                 : guest_error("order: linux or minios needed"));
    } else if (!strcmp(name, "profile")) {
        error = (guest_profile_set(cfg, value) ? NULL
                 : guest_error("%s: unknown profile", value));
    } else if (!strcmp(name, "mac")) {
        cfg->mac_set = guest_parse_mac(value, cfg->mac);
        error = cfg->mac_set ? NULL : guest_error("mac: bad address");
    } else {
        return false;
    }
    *errorp = error;
    return true;
}

static char *
set_plain(struct guest_config *cfg, const struct option_desc *o,
          const char *value, bool runtime)
{
    void *member = (char *) cfg + o->ofs;

    if (runtime && !o->runtime) {
        return guest_error("%s cannot change at run time", o->name);
    }
    if (o->kind == OPT_STRING) {
        free(*(char **) member);
        *(char **) member = strdup(value);
    } else {
        uint32_t number;

        if (!guest_parse_u32(value, &number) || number < o->min
            || number > o->max) {
            return guest_error("%s: number from %u to %u needed", o->name,
                               o->min, o->max);
        }
        *(uint32_t *) member = number;
        /* Both need one, but it can still be switched off behind them. */
        if ((member == &cfg->rss || member == &cfg->staging) && number) {
            cfg->ctrl_ring = 1;
        }
    }
    return NULL;
}

char *
guest_config_set(struct guest_config *cfg, const char *name,
                 const char *value, bool runtime)
{
    char *error;

    for (size_t i = 0; i < N_OPTIONS; i++) {
        if (!strcmp(name, options[i].name)) {
            return set_plain(cfg, &options[i], value, runtime);
        }
    }
    for (size_t i = 0; i < N_FEATURE_OPTIONS; i++) {
        if (!strcmp(name, feature_options[i].name)) {
            return set_feature(cfg, feature_options[i].feature, value);
        }
    }
    if (set_special(cfg, name, value, &error)) {
        return error;
    }
    return guest_error("%s: unknown option", name);
}

/* Returns true if option 'name' stands alone on the command line. */
static bool
is_switch(const char *name)
{
    for (size_t i = 0; i < N_OPTIONS; i++) {
        if (!strcmp(name, options[i].name)) {
            return options[i].kind == OPT_BOOL;
        }
    }
    for (size_t i = 0; i < N_FEATURE_OPTIONS; i++) {
        if (!strcmp(name, feature_options[i].name)) {
            return true;
        }
    }
    return !strcmp(name, "clear-sets");
}

char *
guest_config_parse_env(struct guest_config *cfg)
{
    const char *profile = getenv("XENEMU_GUEST_PROFILE");

    return (profile && *profile && !guest_profile_set(cfg, profile)
            ? guest_error("XENEMU_GUEST_PROFILE: %s: unknown profile", profile)
            : NULL);
}

char *
guest_config_parse_args(struct guest_config *cfg, char *argv[])
{
    for (; *argv; argv++) {
        const char *arg = *argv;
        const char *value;
        char name[64];
        size_t len;
        char *error;

        if (strncmp(arg, "--", 2)) {
            return guest_error("%s: option expected", arg);
        }
        arg += 2;
        len = strcspn(arg, "=");
        if (len >= sizeof name) {
            return guest_error("%s: unknown option", arg);
        }
        memcpy(name, arg, len);
        name[len] = '\0';
        if (arg[len]) {
            value = arg + len + 1;
        } else if (is_switch(name)) {
            value = "1";
        } else if (!strncmp(name, "no-", 3) && is_switch(name + 3)) {
            memmove(name, name + 3, len - 2);
            value = "0";
        } else if (argv[1]) {
            value = *++argv;
        } else {
            return guest_error("%s: value missing or unknown option", name);
        }
        error = guest_config_set(cfg, name, value, false);
        if (error) {
            return error;
        }
    }
    return cfg->domid == UINT32_MAX ? guest_error("--domid is missing") : NULL;
}
