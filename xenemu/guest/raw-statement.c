/* SPDX-License-Identifier: Apache-2.0 */

#include "guest/raw-statement.h"

#include <string.h>
#include <time.h>

#include "guest/error.h"
#include "guest/guest.h"
#include "guest/parse.h"

const char *
guest_raw_value(const struct raw *raw, const char *key)
{
    size_t len = strlen(key);

    for (unsigned int i = 0; i < raw->n_words; i++) {
        if (!strncmp(raw->words[i], key, len) && raw->words[i][len] == '=') {
            return raw->words[i] + len + 1;
        }
    }
    return NULL;
}

uint32_t
guest_raw_u32(const struct raw *raw, const char *key, uint32_t missing,
              uint32_t max, char **errorp)
{
    const char *value = guest_raw_value(raw, key);
    uint32_t number = missing;

    if (value && (!guest_parse_u32(value, &number) || number > max)) {
        if (!*errorp) {
            *errorp = guest_error("%s=%s: number up to %u needed", key,
                                  value, max);
        }
        return missing;
    }
    return number;
}

void
guest_raw_sleep(struct raw *raw, unsigned int ms)
{
    struct timespec ts = {
        .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L,
    };

    pthread_mutex_unlock(&raw->q->mutex);
    nanosleep(&ts, NULL);
    pthread_mutex_lock(&raw->q->mutex);
}
