/* SPDX-License-Identifier: Apache-2.0 */

#ifndef XENVIF_H
#define XENVIF_H 1

/* One virtual interface: what XenStore says about it, whether it is ours, its
 * connection while there is one, and what outlives a connection.
 *
 * Threads: the control thread owns a vif and makes all calls for it that may
 * block.  PMD and other threads may reach the connection, through an RCU
 * pointer, and the counters at any time.  A mutex, which is never held across
 * a blocking call, protects what the two sides tell each other: the settings
 * of the port in one direction, the report for users in the other. */

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
    uint32_t max_queues;        /* Number of queues to offer to the guest. */
    bool poll;                  /* True if PMD threads have to poll. */
    bool partial;               /* See struct xenvif_terms. */
    bool tso;                   /* See struct xenvif_terms. */
};

struct xenvif {
    /* Constant. */
    struct hmap_node node;      /* Node in the control thread's table. */
    uint16_t domid;             /* The guest's id. */
    uint16_t handle;            /* Number of the vif within the guest. */

    /* Data plane. */
    OVSRCU_TYPE(struct xenvif_conn *) conn; /* NULL if not connected. */
    struct xenvif_terms terms;  /* What all its connections rely on. */
    atomic_bool down;           /* True if the administrator took the port
                                 * down; set by the port. */

    /* Between the control thread and ports. */
    struct ovs_mutex mutex;
    const void *port OVS_GUARDED; /* The port that claims the vif, or NULL. */
    unsigned int n_claims OVS_GUARDED; /* Claims, of 'port' and of ports that
                                        * it replaced. */
    char *port_name OVS_GUARDED; /* Name of 'port', or NULL. */
    struct xenvif_settings settings OVS_GUARDED; /* Set by 'port'. */
    struct xenvif_report report OVS_GUARDED; /* Shown to users and ports. */
    bool changed OVS_GUARDED;   /* True if a port changed any of this since
                                 * the control thread last looked. */

    /* Control thread only. */
    uint64_t turn;              /* Number of the last turn that served it. */
    bool dirty;                 /* True if something in XenStore changed. */
    bool seen;                  /* True after B/state was adopted. */
    bool served;                /* True after a first offer or connection. */
    struct xenvif_kernel kernel; /* State of the conflict with xen-netback. */
    char *backend_dir;          /* B; NULL while there is no XenStore. */
    char *error_dir;            /* Directory for the last error, or NULL. */
    struct xenvif_saved saved;  /* What is kept for the next process. */
    char *frontend_dir;         /* F, with watches on some of its keys; NULL
                                 * while it is not known. */
    struct xenvif_conn *dying;  /* Connection that is being taken down. */
    bool drain_dying;           /* True if the requests in its rings are to be
                                 * answered. */
    xenvif_grace dying_grace;   /* Over when no thread uses 'dying' any more.
                                 */
    bool has_port;              /* True if a port claims the vif. */
    struct xenvif_observed observed; /* State of XenStore at the last look. */
    bool has_rate;              /* True if the toolstack set a limit. */
    char rate_text[XENVIF_OBSERVED_RATE_TEXT]; /* That limit, as applied. */
    struct xenvif_report now;   /* Draft of the next 'report', which blocking
                                 * calls may interrupt. */
    long long int stalled_ms;   /* For how long, in ms, the guest has not taken
                                 * packets; 0 if it does. */
    uint64_t held_seen;         /* 'terms.held_events' a second ago. */
    bool storm;                 /* True if that grew in the second before. */
    struct xenvif_settings offered; /* Settings that the guest can read. */
    uint64_t n_refused_before;  /* Pages of 'conn' that were not mapped, at the
                                 * last look. */
    bool refused_unpublished;   /* True if that grew since the last report. */
    long long int retry_at;     /* When to look again, in ms, or LLONG_MAX. */
    long long int retry_interval; /* Ms from the next retry to the one after
                                   * it. */
    struct xenvif_bucket connects; /* Connects that are allowed now. */
    struct vlog_rate_limit rl;  /* Of this vif alone, so that no guest can hide
                                 * messages about another one. */
};

/* Creates a vif of which nothing is known yet.  'fault_latch' wakes the
 * control thread on a vif error. */
struct xenvif *xenvif_create(uint16_t domid, uint16_t handle,
                             struct latch *fault_latch);

/* Frees a vif for which xenvif_is_forgotten() returned true. */
void xenvif_destroy(struct xenvif *);

/* Ends a disconnect that was waiting for a grace period, once that is over.
 * Control thread. */
void xenvif_settle(struct xenvif *);

/* Looks at XenStore and takes the next step of the vif's life, if any.
 * 'own_dir' is the XenStore directory of the domain that this process runs in.
 * Returns true if 'xenvif->report' changed.  Control thread. */
bool xenvif_run(struct xenvif *, const char *own_dir);

/* Detects a vif error and, if 'periodic' (about once a second), a guest that
 * does not take packets, queues that are not polled and the like.  Returns
 * true if 'xenvif->report' changed.  Control thread. */
bool xenvif_upkeep(struct xenvif *, bool periodic);

/* Answers messages on the guest's control ring.  Returns true if there may be
 * more.  Control thread. */
bool xenvif_run_ctrl(struct xenvif *);

/* Makes poll_block() wake up when there is something to do: a look at XenStore
 * only counts if 'have_store'.  Control thread. */
void xenvif_wait(const struct xenvif *, bool have_store);

/* Forgets paths and watches, which are gone with the connection to XenStore.
 * The data path continues.  Control thread. */
void xenvif_store_lost(struct xenvif *);

/* Returns true if the vif can be destroyed, because there is neither a
 * directory in XenStore for it nor a port that knows it. */
bool xenvif_is_forgotten(struct xenvif *);

/* Copies the report for users and ports.  Any thread. */
void xenvif_get_report(struct xenvif *, struct xenvif_report *);

/* Returns the vif's connection, or NULL.  Valid until the calling thread
 * quiesces. */
static inline struct xenvif_conn *
xenvif_get_conn(const struct xenvif *xenvif)
{
    return ovsrcu_get(struct xenvif_conn *,
                      &CONST_CAST(struct xenvif *, xenvif)->conn);
}

/* Returns the number of queues to offer if the port does not say. */
unsigned int xenvif_default_queues(void);

#endif /* xenvif.h */
