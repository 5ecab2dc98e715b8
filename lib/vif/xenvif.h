/* SPDX-License-Identifier: Apache-2.0 */

#ifndef XENVIF_H
#define XENVIF_H 1

/* One virtual interface: what XenStore says about it, whether it is ours, its
 * connection while there is one, and what outlives a connection.
 *
 * Threads: the control thread owns a vif, all of whose blocking business it
 * does.  PMD and other threads reach the connection through an RCU pointer and
 * the counters at any time.  What the two sides tell each other (a port's
 * settings in one direction, the state to show to users in the other) is
 * protected by a mutex that is never held while anything blocks. */

#include <stdbool.h>
#include <stdint.h>

#include "openvswitch/hmap.h"
#include "openvswitch/thread.h"
#include "openvswitch/vlog.h"
#include "ovs-atomic.h"
#include "ovs-rcu.h"
#include "rate/xenvif-bucket.h"
#include "ring/xenvif-conn.h"
#include "ring/xenvif-terms.h"
#include "vif/xenvif-bus.h"
#include "vif/xenvif-kernel.h"
#include "vif/xenvif-observed.h"
#include "vif/xenvif-report.h"
#include "vif/xenvif-saved.h"
#include "xen/xenvif-grace.h"

struct latch;

/* What a port asks of its vif. */
struct xenvif_settings {
    uint32_t max_queues;        /* To offer to the guest. */
    bool poll;                  /* Do PMD threads have to poll? */
    bool partial, tso;          /* See struct xenvif_terms. */
};

struct xenvif {
    /* Constant. */
    struct hmap_node node;      /* In the control thread's table. */
    uint16_t domid, handle;

    /* Data plane. */
    OVSRCU_TYPE(struct xenvif_conn *) conn; /* NULL if not connected. */
    struct xenvif_terms terms;  /* What all its connections rely on. */
    atomic_bool down;           /* True if the administrator took the port
                                 * down; set by the port. */

    /* Between the control thread and ports. */
    struct ovs_mutex mutex;
    const void *port OVS_GUARDED; /* Who claims the vif, or NULL. */
    unsigned int n_claims OVS_GUARDED; /* 'port' and those it replaced. */
    char *port_name OVS_GUARDED;
    struct xenvif_settings settings OVS_GUARDED;
    struct xenvif_report report OVS_GUARDED;
    bool changed OVS_GUARDED;   /* By a port: the control thread must look. */

    /* Control thread only. */
    uint64_t turn;              /* Number of the last turn that served it. */
    bool dirty;                 /* Something in XenStore changed. */
    bool seen;                  /* Was B/state adopted? */
    bool served;                /* Did we ever offer or connect? */
    struct xenvif_kernel kernel; /* What xen-netback does. */
    char *backend_dir;          /* B; NULL until there is XenStore. */
    char *error_dir;            /* Where a backend tells its troubles. */
    struct xenvif_saved saved;  /* What is kept for the next process. */
    char *frontend_dir;         /* F, with a watch on F/state; or NULL. */
    struct xenvif_conn *dying;  /* Connection that is being taken down. */
    bool drain_dying;           /* Are its requests to be answered? */
    xenvif_grace dying_grace;   /* When nobody uses it any more. */
    bool has_port;              /* Does a port claim the vif? */
    struct xenvif_observed observed; /* What XenStore said last. */
    bool has_rate;              /* What was taken over of the limit that... */
    char rate_text[XENVIF_OBSERVED_RATE_TEXT]; /* ...the toolstack wants. */
    struct xenvif_report now; /* What 'report' will be. */
    long long int stalled_ms;   /* How long it has not taken packets. */
    uint64_t held_seen;         /* 'held_events' a second ago. */
    bool storm;                 /* Did it grow in the second before? */
    struct xenvif_settings offered; /* Settings in force. */
    uint64_t n_refused_before;  /* Of 'conn', when it was last looked at. */
    bool refused_unpublished;   /* Did that change since it was shown? */
    long long int retry_at;     /* When to look again, in ms. */
    long long int retry_interval; /* Ms until the look after that. */
    struct xenvif_bucket connects; /* That it may make now. */
    struct vlog_rate_limit rl;  /* No guest can hide another one's messages. */
};

/* Creates a vif of which nothing is known yet.  'fault_latch' wakes the
 * control thread on a vif error. */
struct xenvif *xenvif_create(uint16_t domid, uint16_t handle,
                             struct latch *fault_latch);

/* Frees what xenvif_is_forgotten(). */
void xenvif_destroy(struct xenvif *);

/* Ends a disconnect that was waiting for a grace period, if that is over.
 * Control thread. */
void xenvif_settle(struct xenvif *);

/* Looks at XenStore and takes a step of the vif's life if there is one to be
 * taken.  'own_dir' is the XenStore directory of the domain that this process
 * runs in.  Returns true if 'xenvif->report' changed.  Control thread. */
bool xenvif_run(struct xenvif *, const char *own_dir);

/* Notices a vif error and, if 'periodic' (about once a second), a guest that
 * does not take packets.  Returns true if 'xenvif->report' changed.  Control
 * thread. */
bool xenvif_upkeep(struct xenvif *, bool periodic);

/* Answers messages on the guest's control ring.  Returns true if there may be
 * more.  Control thread. */
bool xenvif_run_ctrl(struct xenvif *);

/* Makes poll_block() wake up when there is something to do, in XenStore too if
 * 'have_store'.  Control thread. */
void xenvif_wait(const struct xenvif *, bool have_store);

/* Forgets paths and the watch, which went with the connection to XenStore.
 * The data path goes on.  Control thread. */
void xenvif_store_lost(struct xenvif *);

/* Can the vif be destroyed?  True if there is neither a directory in XenStore
 * nor a port that knows it. */
bool xenvif_is_forgotten(struct xenvif *);

/* Copies what users are shown.  Any thread. */
void xenvif_get_report(struct xenvif *, struct xenvif_report *);

/* Returns the vif's connection, or NULL.  Valid until the calling thread
 * quiesces. */
static inline struct xenvif_conn *
xenvif_get_conn(const struct xenvif *xenvif)
{
    return ovsrcu_get(struct xenvif_conn *,
                      &CONST_CAST(struct xenvif *, xenvif)->conn);
}

/* How many queues to offer to a guest if nobody says how many. */
unsigned int xenvif_default_queues(void);

#endif /* xenvif.h */
