/* SPDX-License-Identifier: Apache-2.0 */

#ifndef XENVIF_CTRL_RING_H
#define XENVIF_CTRL_RING_H 1

/* The control ring, over which a guest configures how its packets are hashed
 * and distributed (netif.h, "Control messages").
 *
 * Windows drivers send messages while they spin at a raised interrupt level,
 * so that each has to be answered within milliseconds.  That, and that they
 * are no business of the data path, is why the control thread does it. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <xen/xen.h>
#include <xen/io/netif.h>

#include "packet/xenvif-counters.h"
#include "packet/xenvif-hash.h"
#include "xen/xenvif-event.h"
#include "xen/xenvif-grace.h"
#include "xen/xenvif-ring.h"

enum {
    XENVIF_CTRL_RING_SIZE = 128,
    XENVIF_CTRL_SLOT_WORDS = 4,
};

/* Messages answered before somebody else gets a turn, and what they may cost
 * (see xenvif-budget.h). */
#define XENVIF_CTRL_BURST 16
#define XENVIF_CTRL_BURST_PRICE 2000

/* What a guest can change over its control ring. */
#define XENVIF_CTRL_HASH 1      /* How its packets are distributed. */
#define XENVIF_CTRL_GREFS 2     /* Which of its pages are mapped. */

struct xenvif_budget;

/* A message that unmaps pages: answered in two steps, between which all
 * threads let go of the pages. */
struct xenvif_ctrl_del {
    struct xen_netif_ctrl_request request;
    struct xen_netif_gref *list; /* Owned; NULL if there is no message. */
    uint32_t n_removed;
    xenvif_grace grace;
};

struct xenvif_ctrl {
    uint16_t domid;             /* The guest's. */
    uint32_t n_queues;
    struct xenvif_ring ring;
    struct xenvif_event event;  /* 'tx_port' is the ring's. */

    /* Read and write the first 'len' bytes of the guest's page 'gref'.  Return
     * true if that worked.  The real ones in all programs but tests. */
    bool (*read_page)(uint16_t domid, uint32_t gref, void *data, size_t len);
    bool (*write_page)(uint16_t domid, uint32_t gref, const void *data,
                       size_t len);

    /* The table of mapped pages of each queue; not owned.  NULL if mapping is
     * not supported. */
    struct xenvif_gref_table **grefs;
    struct xenvif_ctrl_del del; /* The one that is being executed. */

    struct xenvif_budget *budget; /* Of the guest; not owned. */

    /* Called before pages are unmapped: whoever keeps a list of what is mapped
     * has to forget it.  The guest may do anything with its pages once it was
     * told that they are free.  If it returns false, they are kept.  NULL if
     * nobody keeps one. */
    bool (*forget_grefs)(void *aux);
    void *forget_aux;

    struct xenvif_hash *hash;   /* Configuration; owned. */
    unsigned int changed;       /* XENVIF_CTRL_*, since the caller looked. */
    bool broken;                /* The guest broke the ring. */
    bool armed;                 /* Was the guest asked for an event? */

    /* For any thread to read. */
    xenvif_counter n_messages;  /* Messages answered. */
    xenvif_counter n_refused;   /* Those answered with an error. */
};

/* Maps ring page 'gref' of domain 'domid' and binds its event channel 'port'.
 * 'hash' is the configuration to start with, which is copied.  Returns NULL
 * and stores a text in '*problem', which the caller frees, on failure. */
struct xenvif_ctrl *xenvif_ctrl_open(uint16_t domid, uint32_t n_queues,
                                     uint32_t gref, uint32_t port,
                                     const struct xenvif_hash *hash,
                                     struct xenvif_budget *budget,
                                     char **problem);
void xenvif_ctrl_close(struct xenvif_ctrl *);

/* Answers messages, up to XENVIF_CTRL_BURST of them, as long as the guest's
 * budget allows it and none has to wait for a grace period.  Returns true if
 * there may be more to be answered at once. */
bool xenvif_ctrl_run(struct xenvif_ctrl *);

/* Is there a reason not to answer the next message yet, other than that there
 * is none: the end of a grace period, or of the guest's budget? */
bool xenvif_ctrl_is_held(const struct xenvif_ctrl *);

/* Makes poll_block() wake up when there is something to be answered, after
 * xenvif_ctrl_run(). */
void xenvif_ctrl_wait(struct xenvif_ctrl *);

/* Executes 'request' and fills in '*response'.  The part of the above that
 * tests can call without a ring.  Returns false if there is no answer before a
 * grace period has ended. */
bool xenvif_ctrl_execute(struct xenvif_ctrl *,
                         const struct xen_netif_ctrl_request *request,
                         struct xen_netif_ctrl_response *response);

#endif /* xenvif-ctrl-ring.h */
