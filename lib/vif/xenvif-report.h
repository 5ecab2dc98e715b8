/* SPDX-License-Identifier: Apache-2.0 */

#ifndef XENVIF_REPORT_H
#define XENVIF_REPORT_H 1

/* The report about a vif, for users and for the port that follows it. */

#include <stdbool.h>
#include <stdint.h>

#include "rate/xenvif-credit.h"
#include "ring/xenvif-queue.h"

/* Why a vif is served by this process, or why it is not. */
enum xenvif_owner {
    XENVIF_NOT_OURS,            /* No port, and not our hotplug script. */
    XENVIF_KERNEL,              /* Linux xen-netback is bound to it. */
    XENVIF_OURS_BY_PORT,        /* There is a port for it in OVSDB. */
    XENVIF_OURS_BY_SCRIPT,      /* Its hotplug script is ours. */
    XENVIF_OURS_BY_HISTORY,     /* We served it before. */
};

struct xenvif_report {
    bool present;               /* True if XenStore has a directory for it. */
    enum xenvif_owner owner;    /* Who serves it, and why. */
    unsigned int frontend;      /* F/state. */
    unsigned int backend;       /* B/state, as we see it. */
    bool online;                /* B/online. */
    bool connected;             /* True if the data path is up. */
    bool stalled;               /* True if the guest does not take packets. */
    int unpolled;               /* First queue that no thread polls, or
                                 * XENVIF_POLLED_ALL. */
    unsigned int fault;         /* A vif error, or 0. */
    unsigned int n_queues;      /* Number of queues; 0 unless connected. */
    struct xenvif_features features; /* Agreed on; valid while connected. */
    struct xenvif_uses uses;    /* What the guest makes use of; likewise. */
    struct xenvif_offers offers; /* What the guest was offered; likewise. */
    uint32_t mtu;               /* MTU that the toolstack asks for, or 0. */
    struct xenvif_credit_config rate; /* The toolstack's limit. */
    uint32_t n_bad_rates;       /* Limits that were not understood. */
    uint64_t n_maps_refused;    /* Pages not mapped because the guest, or all
                                 * guests, had as many as allowed. */
    uint32_t n_connects;        /* Connections made so far. */
    uint32_t n_carrier_changes; /* Changes of the carrier so far. */
    char mac[18];               /* The guest's address, as the toolstack wrote
                                 * it, or "". */
    char reason[160];           /* Why traffic does not flow, or "". */
    long long int since;        /* When 'reason' became true, in ms of the wall
                                 * clock. */
    char last_error[160];       /* The last thing that went wrong since the
                                 * last connect, or "". */
};

struct xenvif_observed;

/* Writes into 'report->reason' why traffic does not flow, or "".  'has_port'
 * is true if a port claims the vif; 'observed' is where 'report' is from. */
void xenvif_report_explain(struct xenvif_report *report, bool has_port,
                           const struct xenvif_observed *observed);

struct xenvif_conn;

/* Takes over what the guest at the other end of a connection makes use of.
 * Returns true if that changed.  Control thread. */
bool xenvif_report_follow(struct xenvif_report *report,
                          const struct xenvif_conn *conn);

/* Returns, as a text that the caller frees, since when 'report->reason' has
 * been true. */
char *xenvif_report_since(const struct xenvif_report *report);

/* Returns true if packets can pass. */
static inline bool
xenvif_report_carrier(const struct xenvif_report *report)
{
    return report->connected && !report->stalled && !report->fault;
}

/* Returns in words who serves a vif. */
const char *xenvif_owner_to_string(enum xenvif_owner);

#endif /* xenvif-report.h */
