/* SPDX-License-Identifier: Apache-2.0 */

#ifndef HYPERVISOR_HANDLE_H
#define HYPERVISOR_HANDLE_H 1

/* Handles of libxengnttab (gnttab and gntshr): what they have in common. */

#include "hypervisor/host.h"

#include <xengnttab.h>

#define XH_N_BUCKETS 256

/* Pages mapped or shared by one call. */
struct xh_area {
    struct xh_area *next;
    void *start;
    uint32_t count;
    uint32_t recs[];            /* Record of each page. */
};

struct xengntdev_handle {
    uint32_t epoch;
    uint16_t domid;             /* The domain that opened it. */
    uint8_t slot;
    int fd;
    pthread_mutex_t mutex;      /* Guards 'areas'. */
    struct xh_area *areas[XH_N_BUCKETS];
};

struct xengntdev_handle *xh_handle_open(void);
bool xh_handle_usable(const struct xengntdev_handle *);
int xh_handle_close(struct xengntdev_handle *);

struct xh_area *xh_area_new(uint32_t count);
void xh_area_add(struct xengntdev_handle *, struct xh_area *);
struct xh_area *xh_area_take(struct xengntdev_handle *, const void *start,
                             uint32_t count);
void xh_area_destroy(struct xh_area *, uint32_t n);
bool xh_area_fill(struct xh_area *, uint32_t at, uint8_t slot, uint32_t pfn,
                  uint32_t n, int prot);

/* Returns why domain 'domid' may not use the grant with entry 'word', or NULL
 * if it may. */
static inline const char *
xh_grant_refusal(uint64_t word, uint16_t domid, bool write)
{
    if (!(word & XH_GRANT_VALID)) {
        return "the reference is not granted";
    } else if (XH_GRANT_TO(word) != domid) {
        return "the reference is granted to another domain";
    } else if (write && word & XH_GRANT_RO) {
        return "the reference is granted read-only";
    } else {
        return NULL;
    }
}

#endif /* hypervisor/handle.h */
