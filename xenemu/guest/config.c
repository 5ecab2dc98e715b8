/* SPDX-License-Identifier: Apache-2.0 */

#include "guest/config.h"

#include <stdlib.h>
#include <string.h>

const char *const guest_feature_keys[GUEST_N_FEATURES] = {
#define GUEST_FEATURE(ID, KEY) [GUEST_F_##ID] = KEY,
    GUEST_FEATURES
#undef GUEST_FEATURE
};

static void
free_list(char **list, uint32_t *n)
{
    while (*n) {
        free(list[--*n]);
    }
}

void
guest_config_clear_sets(struct guest_config *cfg)
{
    free_list(cfg->sets, &cfg->n_sets);
    free_list(cfg->unsets, &cfg->n_unsets);
}

void
guest_config_free(struct guest_config *cfg)
{
    free(cfg->tap);
    free(cfg->pktgen);
    guest_config_clear_sets(cfg);
}

void
guest_config_copy(struct guest_config *dst, const struct guest_config *src)
{
    guest_config_free(dst);
    *dst = *src;
    dst->tap = src->tap ? strdup(src->tap) : NULL;
    dst->pktgen = src->pktgen ? strdup(src->pktgen) : NULL;
    for (uint32_t i = 0; i < src->n_sets; i++) {
        dst->sets[i] = strdup(src->sets[i]);
    }
    for (uint32_t i = 0; i < src->n_unsets; i++) {
        dst->unsets[i] = strdup(src->unsets[i]);
    }
}
