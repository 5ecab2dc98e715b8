/* SPDX-License-Identifier: Apache-2.0 */

#ifndef GUEST_CTL_H
#define GUEST_CTL_H 1

/* The control socket.  Main thread. */

struct guest;

/* Starts to listen for commands.  Returns 0 or a negative errno. */
int guest_ctl_open(struct guest *);

/* Ends all connections, waiting for the commands that are being executed. */
void guest_ctl_close(struct guest *);

#endif /* guest/ctl.h */
