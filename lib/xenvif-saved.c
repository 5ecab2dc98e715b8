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

/* What a guest configured, kept for the next process. */

#include <config.h>

#include "xenvif-saved.h"

#include <stdlib.h>
#include <string.h>

#include "openvswitch/dynamic-string.h"
#include "ovs-rcu.h"
#include "util.h"
#include "xenvif-bus.h"
#include "xenvif-gref.h"
#include "xenvif-hash.h"
#include "xenvif-multicast.h"
#include "xenvif-store.h"

/* Bytes that every domain may write into a node, a little less. */
#define NODE_SIZE 2000

void
xenvif_saved_write_hash(const char *dir, const struct xenvif_hash *hash)
{
    struct ds s = DS_EMPTY_INITIALIZER;

    xenvif_store_printf(XENVIF_STORE_NO_TXN, dir, "hash-toeplitz", "%d",
                        hash->toeplitz);
    xenvif_store_printf(XENVIF_STORE_NO_TXN, dir, "hash-flags", "%"PRIu32,
                        hash->flags);
    for (size_t i = 0; i < sizeof hash->key; i++) {
        ds_put_format(&s, "%02x", hash->key[i]);
    }
    xenvif_store_write(XENVIF_STORE_NO_TXN, dir, "hash-key", ds_cstr(&s));
    ds_clear(&s);
    for (uint32_t i = 0; i < hash->mapping_size; i++) {
        ds_put_format(&s, "%"PRIu32" ", hash->mapping[i]);
    }
    xenvif_store_write(XENVIF_STORE_NO_TXN, dir, "hash-mapping", ds_cstr(&s));
    ds_destroy(&s);
}

unsigned int
xenvif_saved_write_multicast(const char *dir,
                             struct xenvif_multicast *multicast)
{
    struct eth_addr addrs[XENVIF_MULTICAST_MAX];
    struct ds s = DS_EMPTY_INITIALIZER;
    unsigned int n, version;

    n = xenvif_multicast_get(multicast, addrs, &version);
    for (unsigned int i = 0; i < n; i++) {
        ds_put_format(&s, ETH_ADDR_FMT" ", ETH_ADDR_ARGS(addrs[i]));
    }
    xenvif_store_write(XENVIF_STORE_NO_TXN, dir, "multicast", ds_cstr(&s));
    ds_destroy(&s);
    return version;
}

void
xenvif_saved_read_multicast(const char *dir,
                            struct xenvif_multicast *multicast)
{
    char *s = xenvif_store_read(XENVIF_STORE_NO_TXN, dir, "multicast");
    char *save_ptr = NULL;
    char *word;

    for (word = s ? strtok_r(s, " ", &save_ptr) : NULL; word;
         word = strtok_r(NULL, " ", &save_ptr)) {
        struct eth_addr addr;

        if (eth_addr_from_string(word, &addr)) {
            xenvif_multicast_add(multicast, addr);
        }
    }
    free(s);
}

static void
read_key(const char *dir, struct xenvif_hash *hash)
{
    char *s = xenvif_store_read(XENVIF_STORE_NO_TXN, dir, "hash-key");
    uint8_t key[XENVIF_HASH_KEY_SIZE];
    bool ok = s && strlen(s) == 2 * sizeof key;

    for (size_t i = 0; ok && i < sizeof key; i++) {
        key[i] = hexits_value(s + 2 * i, 2, &ok);
    }
    xenvif_hash_set_key(hash, key, ok ? sizeof key : 0);
    free(s);
}

static void
read_mapping(const char *dir, struct xenvif_hash *hash)
{
    char *s = xenvif_store_read(XENVIF_STORE_NO_TXN, dir, "hash-mapping");
    char *save_ptr = NULL;
    char *word;

    hash->mapping_size = 0;
    for (word = s ? strtok_r(s, " ", &save_ptr) : NULL;
         word && hash->mapping_size < XENVIF_HASH_MAPPING_MAX;
         word = strtok_r(NULL, " ", &save_ptr)) {
        uint32_t queue;

        if (!xenvif_parse_u32(word, &queue) || queue >= XENVIF_MAX_QUEUES) {
            hash->mapping_size = 0;
            break;
        }
        hash->mapping[hash->mapping_size++] = queue;
    }
    free(s);
}

void
xenvif_saved_read_hash(const char *dir, struct xenvif_hash *hash)
{
    uint32_t value;

    memset(hash, 0, sizeof *hash);
    if (!xenvif_store_read_u32(XENVIF_STORE_NO_TXN, dir, "hash-toeplitz",
                               &value)) {
        hash->toeplitz = value == 1;
    }
    if (!xenvif_store_read_u32(XENVIF_STORE_NO_TXN, dir, "hash-flags",
                               &value)) {
        hash->flags = value;
    }
    read_key(dir, hash);
    read_mapping(dir, hash);
}

/* Grant references come in a row mostly, and are saved as such: "FIRST-LAST",
 * with an "r" behind it if they are read-only. */

static char *
grefs_dir(const char *dir)
{
    return xasprintf("%s/grefs", dir);
}

void
xenvif_saved_write_grefs(const char *dir, unsigned int queue,
                         const struct xenvif_gref_table *table)
{
    struct xenvif_gref_id list[XENVIF_GREF_MAX];
    uint32_t n = xenvif_gref_list(table, list);
    struct ds s = DS_EMPTY_INITIALIZER;
    char *subdir = grefs_dir(dir);
    char key[16];
    uint32_t end;

    for (uint32_t i = 0; i < n && s.length < NODE_SIZE - 24; i = end) {
        end = i + 1;
        while (end < n && list[end].readonly == list[i].readonly
               && list[end].gref - list[i].gref == end - i) {
            end++;
        }
        ds_put_format(&s, "%"PRIu32"-%"PRIu32"%s ", list[i].gref,
                      list[end - 1].gref, list[i].readonly ? "r" : "");
    }
    snprintf(key, sizeof key, "%u", queue);
    xenvif_store_write(XENVIF_STORE_NO_TXN, subdir, key, ds_cstr(&s));
    ds_destroy(&s);
    free(subdir);
}

/* Maps the pages that 'word' names. */
static bool
map_row(struct xenvif_gref_table *table, char *word)
{
    char *dash = strchr(word, '-');
    bool readonly = *word && word[strlen(word) - 1] == 'r';
    uint32_t first, last;

    if (!dash) {
        return false;
    }
    *dash = '\0';
    if (readonly) {
        dash[strlen(dash + 1)] = '\0';
    }
    if (!xenvif_parse_u32(word, &first) || !xenvif_parse_u32(dash + 1, &last)
        || last < first || last - first >= XENVIF_GREF_MAX) {
        return false;
    }
    for (uint32_t i = 0; i <= last - first; i++) {
        xenvif_gref_add(table, first + i, readonly);
    }
    return true;
}

void
xenvif_saved_read_grefs(const char *dir, unsigned int queue,
                        struct xenvif_gref_table *table)
{
    char *subdir = grefs_dir(dir);
    char *save_ptr = NULL;
    char key[16];
    char *s;

    snprintf(key, sizeof key, "%u", queue);
    s = xenvif_store_read(XENVIF_STORE_NO_TXN, subdir, key);
    for (char *word = s ? strtok_r(s, " ", &save_ptr) : NULL;
         word && map_row(table, word);
         word = strtok_r(NULL, " ", &save_ptr)) {
        continue;
    }
    free(s);
    free(subdir);

    /* The additions made other threads wait for us. */
    ovsrcu_quiesce_start();
}

int
xenvif_saved_remove_grefs(const char *dir)
{
    return xenvif_store_remove(dir, "grefs");
}

void
xenvif_saved_write_conflict(const char *dir, bool conflict)
{
    if (conflict) {
        xenvif_store_write(XENVIF_STORE_NO_TXN, dir, "conflict", "1");
    } else {
        xenvif_store_remove(dir, "conflict");
    }
}

bool
xenvif_saved_read_conflict(const char *dir)
{
    uint32_t value;

    return (!xenvif_store_read_u32(XENVIF_STORE_NO_TXN, dir, "conflict",
                                   &value)
            && value == 1);
}

void
xenvif_saved_remove(const char *dir)
{
    xenvif_store_remove_dir(dir);
}
