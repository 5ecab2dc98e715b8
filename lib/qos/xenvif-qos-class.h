/* SPDX-License-Identifier: Apache-2.0 */

#ifndef XENVIF_QOS_CLASS_H
#define XENVIF_QOS_CLASS_H 1

/* What a type of quality of service has to implement.  Whoever uses one calls
 * the functions of xenvif-qos.h. */

#include <stdbool.h>
#include <stdint.h>

#include "netdev.h"
#include "qos/xenvif-qos.h"
#include "qos/xenvif-qos-sink.h"
#include "rate/xenvif-rate-queue.h"

struct smap;

/* The functions are called by the main thread, with the mutex of the 'qos'
 * held, except for those that say otherwise.
 *
 * Those that set something return NULL on success.  Otherwise they change
 * nothing and return a text for users that says what is wrong, which the
 * caller frees.  They set '*changed' to true if anything is different now. */
struct xenvif_qos_class {
    const char *type;           /* As users write it. */

    /* Creates a 'qos' of the class from 'details' and sets 'queues', if it has
     * any; the caller sets 'class' and 'mutex'.  Returns NULL and sets
     * '*problem' if the details make no sense. */
    struct xenvif_qos *(*create)(const struct xenvif_qos_class *,
                                 const struct smap *details, char **problem);

    /* Frees it.  No other thread knows it any more; its mutex is gone. */
    void (*destroy)(struct xenvif_qos *);

    char *(*set)(struct xenvif_qos *, const struct smap *details,
                 bool *changed);
    void (*get)(const struct xenvif_qos *, struct smap *details);

    /* Returns a warning about a legal but doubtful configuration, or NULL.
     * Optional. */
    char *(*get_doubts)(const struct xenvif_qos *);

    /* Queues.  All NULL if the type has none. */

    /* Changes 'queue', or creates queue 'id' if that is NULL.  There is room
     * for another one. */
    char *(*set_queue)(struct xenvif_qos *, struct xenvif_rate_queue *queue,
                       uint32_t id, const struct smap *details,
                       bool *changed);

    /* Deletes 'queue', or sets it back to what it was initially if it is the
     * default queue.  Returns true if that changed anything. */
    bool (*delete_queue)(struct xenvif_qos *, struct xenvif_rate_queue *queue);

    void (*get_queue)(const struct xenvif_rate_queue *,
                      struct smap *details);

    /* Fills in all but the time of creation. */
    void (*get_queue_stats)(const struct xenvif_rate_queue *,
                            struct netdev_queue_stats *);

    /* Packets: see the functions of xenvif-qos.h.  Called without the mutex;
     * 'send' and 'poll' by any thread.  All but 'send' are NULL if no packets
     * ever wait. */
    void (*send)(struct xenvif_qos *, struct xenvif_qos_sink *,
                 struct dp_packet_batch *);
    void (*poll)(struct xenvif_qos *, struct xenvif_qos_sink *);
    void (*wait)(struct xenvif_qos *, const struct xenvif_qos_sink *);
    void (*flush)(struct xenvif_qos *, struct xenvif_qos_sink *);
    void (*retire)(struct xenvif_qos *, struct xenvif_qos_sink *);
};

/* All types.  A new one is declared here and listed in xenvif-qos.c. */
extern const struct xenvif_qos_class xenvif_qos_egress_policer;
extern const struct xenvif_qos_class xenvif_qos_trtcm_policer;
extern const struct xenvif_qos_class xenvif_qos_htb;

/* For classes: reads the number 'key' from 'details' into '*value', or takes
 * 'missing' if the key is not there.  Returns NULL, or what is wrong, for the
 * caller to free, if it is not a number from 'min' to 'max'. */
char *xenvif_qos_parse(const struct smap *details, const char *key,
                       uint64_t min, uint64_t max, uint64_t missing,
                       uint64_t *value) OVS_WARN_UNUSED_RESULT;

#endif /* xenvif-qos-class.h */
