/* SPDX-License-Identifier: Apache-2.0 */

#ifndef PORT_FRONTEND_H
#define PORT_FRONTEND_H 1

/* A port of type "xenvif" and a mock frontend at its other end, in one process
 * without the daemon and without the control thread: what that would find out
 * is the test's to say, in port->vif->report.
 *
 * The program is to be linked with "-Wl,--wrap=ovs_thread_create". */

#include "mock-frontend.h"
#include "netdev-xenvif-private.h"

/* For cmocka: registers the classes, and lets log messages go.  Once in a
 * process. */
int port_group_setup(void **state);
int port_group_teardown(void **state);

/* Creates a port "vifDOMID.0" with so many queues and, if 'ctrl', a control
 * ring, for a guest that is connected. */
struct netdev_xenvif *port_create(unsigned int n_queues, bool ctrl);
void port_destroy(struct netdev_xenvif *);

/* The frontend. */
struct mock *port_mock(const struct netdev_xenvif *);

/* Calls a command as ovs-appctl does.  Returns the answer, or the error with
 * "error: " before it, which the caller frees.  Arguments end with NULL. */
char *port_command(const char *command, ...)
    __attribute__((sentinel));

#endif /* port-frontend.h */
