/* SPDX-License-Identifier: Apache-2.0 */

#ifndef GUEST_CTL_CLIENT_H
#define GUEST_CTL_CLIENT_H 1

/* "xenemu-guest ctl": the other end of the control socket. */

/* Runs "xenemu-guest ctl" with the words 'argv': DOMID [DEVID] COMMAND...
 * Returns an exit status. */
int guest_ctl_main(char *argv[]);

#endif /* guest/ctl-client.h */
