/* SPDX-License-Identifier: Apache-2.0 */

#ifndef NETDEV_XENVIF_H
#define NETDEV_XENVIF_H 1

/* Registers the netdev classes "xenvif" (polled by PMD threads) and
 * "xenvif-nonpmd" (served by the main thread, which sleeps on the guests'
 * event channels), and starts the thread that follows XenStore.  To be called
 * once by the main thread, after the process daemonized. */
void netdev_xenvif_register(void);

#endif /* netdev-xenvif.h */
