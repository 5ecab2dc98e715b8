/* SPDX-License-Identifier: Apache-2.0 */

#ifndef XENVIF_BUDGET_H
#define XENVIF_BUDGET_H 1

/* What one guest, with all its vifs, may cost the host besides traffic: time
 * of the control thread, which serves all guests, and mapped pages, of which a
 * process can have only so many.
 *
 * Time is charged by what a request makes the thread do, by the prices below,
 * and not by the clock: a guest must not pay for the time that another one
 * takes.  The account may be overdrawn by one request; nothing else is done
 * for the guest until it is balanced again.
 *
 * Threads: the control thread, except for what says otherwise. */

#include <stdbool.h>
#include <stdint.h>

#include "openvswitch/hmap.h"
#include "rate/xenvif-bucket.h"

/* Prices, in microseconds, rounded up from what the parts take in an ordinary
 * dom0. */
enum {
    XENVIF_PRICE_LOOK = 500,    /* Reading what XenStore says of a vif. */
    XENVIF_PRICE_CONNECT = 2000, /* Connecting, besides... */
    XENVIF_PRICE_QUEUE = 1000,  /* ...each queue: rings, event channels. */
    XENVIF_PRICE_MESSAGE = 20,  /* A message on the control ring, besides... */
    XENVIF_PRICE_MAP = 20,      /* ...a call that maps or unmaps, besides... */
    XENVIF_PRICE_PAGE = 4,      /* ...each page. */
    XENVIF_PRICE_GRACE = 500,   /* Having all threads let go of something. */
};

/* So much of an account, in microseconds, is for what XenStore says of the
 * guest's vifs: what the guest asks for in its rings never spends the last of
 * it, so that its toolstack does not have to wait for as long as it asks. */
#define XENVIF_BUDGET_RESERVE (10 * 1000)

/* The account of one guest. */
struct xenvif_budget {
    struct hmap_node node;      /* By domid. */
    uint16_t domid;
    unsigned int n_refs;        /* Vifs. */
    struct xenvif_bucket work;  /* Of microseconds. */
    uint32_t n_pages;           /* Mapped for good at present. */
};

/* How many pages may stay mapped. */
struct xenvif_budget_limits {
    uint32_t total;             /* By this process... */
    uint32_t guest;             /* ...and of one guest. */
};

/* Derives limits from the number of mappings that the kernel lets a process
 * have, as the file 'path' says, or from Linux's default if that cannot be
 * read.  (Each page that is mapped by itself takes one of those, as do rings,
 * thread stacks and large allocations, without which Open vSwitch ends.) */
struct xenvif_budget_limits xenvif_budget_read_limits(const char *path);

/* The limits in force: read from the running kernel at the first call, unless
 * they have been set.  Any thread. */
struct xenvif_budget_limits xenvif_budget_get_limits(void);
void xenvif_budget_set_limits(const struct xenvif_budget_limits *);

/* A guest that has not spent anything, and is known to nobody else. */
void xenvif_budget_init(struct xenvif_budget *, uint16_t domid);

/* Returns the account of domain 'domid', shared by its vifs, until
 * xenvif_budget_unref().  Any thread. */
struct xenvif_budget *xenvif_budget_ref(uint16_t domid);
void xenvif_budget_unref(struct xenvif_budget *);

/* Is there anything left to spend, if 'keep' microseconds are to be kept? */
bool xenvif_budget_can_spend(struct xenvif_budget *, int64_t keep);

/* Spends 'usec', whether there is so much or not. */
void xenvif_budget_spend(struct xenvif_budget *, uint32_t usec);

/* Returns what is left, in microseconds; less than 0 if it is overdrawn. */
int64_t xenvif_budget_left(struct xenvif_budget *);

/* Returns when there will be something to spend, if 'keep' microseconds are to
 * be kept, as time_msec() has it: not after now if there is. */
long long int xenvif_budget_due(struct xenvif_budget *, int64_t keep);

/* Returns how many more pages of the guest may be mapped. */
uint32_t xenvif_budget_page_room(const struct xenvif_budget *);

/* Notes that 'n' pages, for which there is room, are mapped, or that they are
 * not any more. */
void xenvif_budget_take_pages(struct xenvif_budget *, uint32_t n);
void xenvif_budget_give_pages(struct xenvif_budget *, uint32_t n);

#endif /* xenvif-budget.h */
