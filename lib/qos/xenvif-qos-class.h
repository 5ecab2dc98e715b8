/* SPDX-License-Identifier: Apache-2.0 */

#ifndef XENVIF_QOS_CLASS_H
#define XENVIF_QOS_CLASS_H 1

/* What each type of quality of service has to offer to the port, which knows
 * nothing else of it. */

#include <stdbool.h>
#include <stdint.h>

#include "netdev.h"
#include "qos/xenvif-qos-sink.h"
#include "rate/xenvif-shaper.h"

/* Queue ids are below this, as with Linux's. */
#define XENVIF_QOS_N_IDS 61440

/* At most this many queues at a time. */
#define XENVIF_QOS_MAX_QUEUES XENVIF_SHAPER_MAX_QUEUES

struct xenvif_qos {
    const struct xenvif_qos_class *class;
};

/* Functions that set something return NULL, or what is wrong, in words, which
 * the caller frees; in that case nothing was changed.  They set '*changed' if
 * something is different now.
 *
 * All but 'send' and 'poll' are called by the main thread only. */
struct xenvif_qos_class {
    const char *type;           /* As users write it. */

    /* Creates a 'qos' as 'details' want it, or returns NULL and sets
     * '*problem'. */
    struct xenvif_qos *(*create)(const struct smap *details,
                                 char **problem);
    void (*destroy)(struct xenvif_qos *);
    char *(*set)(struct xenvif_qos *, const struct smap *details,
                 bool *changed);
    void (*get)(const struct xenvif_qos *, struct smap *details);

    /* Returns a warning about a legal but doubtful configuration, or NULL.
     * Optional. */
    char *(*doubts)(struct xenvif_qos *);

    /* Queues.  All NULL if there are none; functions return false if there is
     * no such queue. */
    char *(*set_queue)(struct xenvif_qos *, unsigned int id,
                       const struct smap *details, bool *changed);
    bool (*delete_queue)(struct xenvif_qos *, unsigned int id,
                         bool *changed);
    bool (*get_queue)(struct xenvif_qos *, unsigned int id,
                      struct smap *details);
    bool (*get_queue_stats)(struct xenvif_qos *, unsigned int id,
                            struct netdev_queue_stats *);
    size_t (*list_queues)(struct xenvif_qos *,
                          unsigned int ids[XENVIF_QOS_MAX_QUEUES]);

    /* See netdev_xenvif_qos_send(), _poll(), _wait(), _flush().  The last
     * three are NULL where no packets wait. */
    void (*send)(struct xenvif_qos *, struct xenvif_qos_sink *,
                 struct dp_packet_batch *);
    void (*poll)(struct xenvif_qos *, struct xenvif_qos_sink *);
    void (*wait)(struct xenvif_qos *, const struct xenvif_qos_sink *);
    void (*flush)(struct xenvif_qos *, struct xenvif_qos_sink *);

    /* Delivers all that waits, now and in the future: something else takes
     * over.  NULL where no packets wait. */
    void (*retire)(struct xenvif_qos *, struct xenvif_qos_sink *);
};

extern const struct xenvif_qos_class xenvif_qos_egress_policer;
extern const struct xenvif_qos_class xenvif_qos_trtcm_policer;
extern const struct xenvif_qos_class xenvif_qos_htb;

/* Reads the number 'key', 'min' to 'max', from 'details', or takes 'missing'
 * if it is not there.  Returns NULL, or what is wrong. */
char *xenvif_qos_parse(const struct smap *details, const char *key,
                       uint64_t min, uint64_t max, uint64_t missing,
                       uint64_t *value);

#endif /* xenvif-qos-class.h */
