/* SPDX-License-Identifier: Apache-2.0 */

#ifndef XENVIF_QOS_H
#define XENVIF_QOS_H 1

/* Quality of service of any type, for a port that knows none of them: finding
 * a type, its configuration, its queues, and the packets that pass through it.
 *
 * Threads: packets may come from any thread.  All else is for the main thread.
 *
 * Functions that set something return NULL on success.  Otherwise nothing was
 * changed, and they return a text for users that says what is wrong, which the
 * caller frees.  They set '*changed' to true if anything is different now. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "netdev.h"
#include "openvswitch/hmap.h"
#include "openvswitch/thread.h"
#include "qos/xenvif-qos-sink.h"

struct smap;
struct sset;

/* Queue ids are below this, as with Linux's. */
#define XENVIF_QOS_N_IDS 61440

/* At most this many queues at a time. */
#define XENVIF_QOS_MAX_QUEUES 256

/* The first member of each type's own struct.  Only the files in qos/ look at
 * what is in it. */
struct xenvif_qos {
    const struct xenvif_qos_class *class;

    /* Protects the queues, and all else that packets have in common with the
     * configuration. */
    struct ovs_mutex mutex;
    struct hmap *queues;        /* Of struct xenvif_rate_queue.  Set by
                                 * 'create' and constant; NULL if the type has
                                 * no queues. */
};

/* Types, as users write them. */

/* Adds all of them to 'types'. */
void xenvif_qos_get_types(struct sset *types);

/* Returns true if there is such a type, and sets '*has_queues'. */
bool xenvif_qos_find_type(const char *type, bool *has_queues);

/* Life cycle and configuration. */

/* Creates a 'qos' of 'type', which must exist, from 'details'.  Returns NULL
 * and sets '*problem' if they make no sense. */
struct xenvif_qos *xenvif_qos_create(const char *type,
                                     const struct smap *details,
                                     char **problem);

/* No thread may be using it. */
void xenvif_qos_destroy(struct xenvif_qos *);

const char *xenvif_qos_type(const struct xenvif_qos *);
char *xenvif_qos_set(struct xenvif_qos *, const struct smap *details,
                     bool *changed) OVS_WARN_UNUSED_RESULT;
void xenvif_qos_get(struct xenvif_qos *, struct smap *details);

/* Returns a warning about a legal but doubtful configuration, or NULL.  The
 * caller frees it. */
char *xenvif_qos_get_doubts(struct xenvif_qos *) OVS_WARN_UNUSED_RESULT;

/* Queues.  Functions that look for a queue return false if there is none of
 * that id, or if the type has none at all. */

bool xenvif_qos_has_queues(const struct xenvif_qos *);

/* Creates or changes queue 'id' of a type that has queues. */
char *xenvif_qos_set_queue(struct xenvif_qos *, unsigned int id,
                           const struct smap *details, bool *changed)
    OVS_WARN_UNUSED_RESULT;
bool xenvif_qos_delete_queue(struct xenvif_qos *, unsigned int id,
                             bool *changed);
bool xenvif_qos_get_queue(struct xenvif_qos *, unsigned int id,
                          struct smap *details);
bool xenvif_qos_get_queue_stats(struct xenvif_qos *, unsigned int id,
                                struct netdev_queue_stats *);

/* Stores the ids of all queues in 'ids', in ascending order.  Returns how many
 * there are. */
size_t xenvif_qos_list_queues(struct xenvif_qos *,
                              unsigned int ids[XENVIF_QOS_MAX_QUEUES]);

/* Packets. */

/* Takes the packets in 'batch' on their way to 'sink', and leaves in it those
 * that are to be delivered now.  Others wait, or were dropped and counted.
 * Any thread. */
void xenvif_qos_send(struct xenvif_qos *, struct xenvif_qos_sink *,
                     struct dp_packet_batch *batch);

/* Delivers waiting packets whose time has come.  To be called often.  Any
 * thread. */
void xenvif_qos_poll(struct xenvif_qos *, struct xenvif_qos_sink *);

/* Makes poll_block() wake up when xenvif_qos_poll() has something to do, also
 * if a packet comes from another thread. */
void xenvif_qos_wait(struct xenvif_qos *, const struct xenvif_qos_sink *);

/* Drops, and counts, the packets that wait: the guest is gone. */
void xenvif_qos_flush(struct xenvif_qos *, struct xenvif_qos_sink *);

/* Delivers all packets that wait, and from now on those that are still sent,
 * because something else takes over. */
void xenvif_qos_retire(struct xenvif_qos *, struct xenvif_qos_sink *);

#endif /* xenvif-qos.h */
