/* SPDX-License-Identifier: Apache-2.0 */

/* How what is kept of a vif is written and read. */

#include <config.h>

#include "vif/xenvif-saved-format.h"

#include <stdlib.h>
#include <string.h>

#include "openvswitch/dynamic-string.h"
#include "util.h"
#include "packet/xenvif-hash.h"
#include "packet/xenvif-multicast.h"
#include "vif/xenvif-bus.h"
#include "xen/xenvif-gref.h"
#include "xen/xenvif-store.h"

/* Bytes that every domain may write into a node, a little less. */
#define NODE_SIZE 2000

static int
write_key(const char *dir, const struct xenvif_hash *hash)
{
    struct ds s = DS_EMPTY_INITIALIZER;
    int error;

    for (size_t i = 0; i < sizeof hash->key; i++) {
        ds_put_format(&s, "%02x", hash->key[i]);
    }
    error = xenvif_store_write(XENVIF_STORE_NO_TXN, dir, "hash-key",
                               ds_cstr(&s));
    ds_destroy(&s);
    return error;
}

static int
write_mapping(const char *dir, const struct xenvif_hash *hash)
{
    struct ds s = DS_EMPTY_INITIALIZER;
    int error;

    for (uint32_t i = 0; i < hash->mapping_size; i++) {
        ds_put_format(&s, "%"PRIu32" ", hash->mapping[i]);
    }
    error = xenvif_store_write(XENVIF_STORE_NO_TXN, dir, "hash-mapping",
                               ds_cstr(&s));
    ds_destroy(&s);
    return error;
}

int
xenvif_saved_write_hash(const char *dir, const struct xenvif_hash *hash)
{
    int error = xenvif_store_printf(XENVIF_STORE_NO_TXN, dir, "hash-toeplitz",
                                    "%d", hash->toeplitz);

    if (!error) {
        error = xenvif_store_printf(XENVIF_STORE_NO_TXN, dir, "hash-flags",
                                    "%"PRIu32, hash->flags);
    }
    if (!error) {
        error = write_key(dir, hash);
    }
    return error ? error : write_mapping(dir, hash);
}

int
xenvif_saved_write_multicast(const char *dir,
                             struct xenvif_multicast *multicast,
                             unsigned int *version)
{
    struct eth_addr addrs[XENVIF_MULTICAST_MAX];
    struct ds s = DS_EMPTY_INITIALIZER;
    unsigned int n = xenvif_multicast_get(multicast, addrs, version);
    int error;

    for (unsigned int i = 0; i < n; i++) {
        ds_put_format(&s, ETH_ADDR_FMT" ", ETH_ADDR_ARGS(addrs[i]));
    }
    error = xenvif_store_write(XENVIF_STORE_NO_TXN, dir, "multicast",
                               ds_cstr(&s));
    ds_destroy(&s);
    return error;
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

/* The pages that are mapped are kept in one node, whatever the number of
 * queues: a driver domain may have no more than a thousand nodes for all its
 * guests.  Grant references are mostly consecutive, and saved as such:
 * "QUEUE:FIRST-LAST", followed by an "r" if they are read-only. */

/* Appends the rows of 'queue', as many as there is room for. */
static void
put_rows(struct ds *s, unsigned int queue,
         const struct xenvif_gref_table *table)
{
    struct xenvif_gref_id list[XENVIF_GREF_MAX];
    uint32_t n = xenvif_gref_list(table, list);
    uint32_t end;

    for (uint32_t i = 0; i < n && s->length < NODE_SIZE - 32; i = end) {
        end = i + 1;
        while (end < n && list[end].readonly == list[i].readonly
               && list[end].gref - list[i].gref == end - i) {
            end++;
        }
        ds_put_format(s, "%u:%"PRIu32"-%"PRIu32"%s ", queue, list[i].gref,
                      list[end - 1].gref, list[i].readonly ? "r" : "");
    }
}

int
xenvif_saved_write_grefs(const char *dir,
                         struct xenvif_gref_table *const *tables,
                         unsigned int n_queues)
{
    struct ds s = DS_EMPTY_INITIALIZER;
    int error;

    for (unsigned int i = 0; i < n_queues; i++) {
        put_rows(&s, i, tables[i]);
    }
    error = xenvif_store_write(XENVIF_STORE_NO_TXN, dir, "grefs", ds_cstr(&s));
    ds_destroy(&s);
    return error;
}

/* A row, parsed. */
struct row {
    uint32_t queue, first, last;
    bool readonly;
};

static bool
parse_row(char *word, struct row *row)
{
    char *colon = strchr(word, ':');
    char *dash = colon ? strchr(colon, '-') : NULL;

    if (!dash || !dash[1]) {
        return false;
    }
    *colon = *dash = '\0';
    row->readonly = dash[strlen(dash + 1)] == 'r';
    if (row->readonly) {
        dash[strlen(dash + 1)] = '\0';
    }
    return (xenvif_parse_u32(word, &row->queue)
            && xenvif_parse_u32(colon + 1, &row->first)
            && xenvif_parse_u32(dash + 1, &row->last)
            && row->last >= row->first
            && row->last - row->first < XENVIF_GREF_MAX);
}

/* Appends the pages of 'row' to the '*n' in 'list', as far as they fit. */
static void
expand_row(const struct row *row, struct xenvif_gref_id *list, uint32_t *n)
{
    for (uint32_t i = 0;
         i <= row->last - row->first && *n < XENVIF_GREF_MAX; i++) {
        list[*n].gref = row->first + i;
        list[*n].readonly = row->readonly;
        ++*n;
    }
}

void
xenvif_saved_read_grefs(const char *dir, struct xenvif_gref_table **tables,
                        unsigned int n_queues)
{
    char *s = xenvif_store_read(XENVIF_STORE_NO_TXN, dir, "grefs");
    struct xenvif_gref_id list[XENVIF_GREF_MAX];
    char *save_ptr = NULL;
    uint32_t queue = 0;
    uint32_t n = 0;
    struct row row;

    /* Rows of a queue follow each other: map them when the next one begins. */
    for (char *word = s ? strtok_r(s, " ", &save_ptr) : NULL;
         word && parse_row(word, &row) && row.queue < n_queues;
         word = strtok_r(NULL, " ", &save_ptr)) {
        if (row.queue != queue) {
            xenvif_gref_add_some(tables[queue], list, n);
            queue = row.queue;
            n = 0;
        }
        expand_row(&row, list, &n);
    }
    if (n) {
        xenvif_gref_add_some(tables[queue], list, n);
    }
    free(s);
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

int
xenvif_saved_remove(const char *dir)
{
    return xenvif_store_remove_dir(dir);
}
