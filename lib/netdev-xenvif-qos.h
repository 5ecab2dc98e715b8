/* SPDX-License-Identifier: Apache-2.0 */

#ifndef NETDEV_XENVIF_QOS_H
#define NETDEV_XENVIF_QOS_H 1

/* Quality of service towards the guest: Open vSwitch's callbacks, and the
 * hooks through which packets get there.
 *
 * Threads: what is configured is a pointer under RCU.  The callbacks are the
 * main thread's; packets come from any thread.  Each type has locks of its
 * own. */

#include <stdbool.h>

#include "dp-packet.h"
#include "ovs-rcu.h"
#include "netdev-xenvif-private.h"

struct xenvif_qos;
struct sset;

void netdev_xenvif_qos_construct(struct netdev_xenvif *);

/* No thread may be sending any more. */
void netdev_xenvif_qos_destruct(struct netdev_xenvif *);

/* Drops the packets that wait, because the guest is gone.  Main thread. */
void netdev_xenvif_qos_flush(struct netdev_xenvif *);

/* Returns a text about what is wrong with the configuration, which the caller
 * frees, or NULL if nothing is.  Main thread. */
char *netdev_xenvif_qos_problems(const struct netdev_xenvif *);

/* Returns the quality of service in force, or NULL.  Valid until the caller
 * quiesces.  Any thread. */
static inline struct xenvif_qos *
netdev_xenvif_qos_get(const struct netdev_xenvif *dev)
{
    return ovsrcu_get(struct xenvif_qos *,
                      &CONST_CAST(struct netdev_xenvif *, dev)->qos.current);
}

/* Applies the quality of service to 'batch'.  Packets left in it are to be
 * delivered now; the others were queued, or dropped and counted.  Any
 * thread. */
void netdev_xenvif_qos_send(struct xenvif_qos *, struct netdev_xenvif *,
                            struct dp_packet_batch *batch);

/* Delivers queued packets whose time has come.  Must be called often.  Any
 * thread. */
void netdev_xenvif_qos_poll(struct xenvif_qos *, struct netdev_xenvif *);

/* Makes poll_block() wake up when netdev_xenvif_qos_poll() has something to
 * do, also if a packet comes from another thread.  Main thread. */
void netdev_xenvif_qos_wait(const struct netdev_xenvif *);

/* Callbacks of struct netdev_class. */
int netdev_xenvif_get_qos_types(const struct netdev *, struct sset *);
int netdev_xenvif_get_qos_capabilities(const struct netdev *,
                                       const char *type,
                                       struct netdev_qos_capabilities *);
int netdev_xenvif_get_qos(const struct netdev *, const char **typep,
                          struct smap *details);
int netdev_xenvif_set_qos(struct netdev *, const char *type,
                          const struct smap *details);
int netdev_xenvif_get_queue(const struct netdev *, unsigned int queue_id,
                            struct smap *details);
int netdev_xenvif_set_queue(struct netdev *, unsigned int queue_id,
                            const struct smap *details);
int netdev_xenvif_delete_queue(struct netdev *, unsigned int queue_id);
int netdev_xenvif_get_queue_stats(const struct netdev *,
                                  unsigned int queue_id,
                                  struct netdev_queue_stats *);
int netdev_xenvif_queue_dump_start(const struct netdev *, void **statep);
int netdev_xenvif_queue_dump_next(const struct netdev *, void *state,
                                  unsigned int *queue_id,
                                  struct smap *details);
int netdev_xenvif_queue_dump_done(const struct netdev *, void *state);
int netdev_xenvif_dump_queue_stats(const struct netdev *,
                                   netdev_dump_queue_stats_cb *, void *aux);

#endif /* netdev-xenvif-qos.h */
