/* SPDX-License-Identifier: Apache-2.0 */

/* The daemon: Open vSwitch's own, which additionally knows our netdev classes.
 *
 * Open vSwitch has no place where a program could add a netdev class.  The
 * main function of the daemon, compiled here out of the Open vSwitch source
 * tree, calls bridge_init() exactly once: after it has parsed the options,
 * gone into the background and opened its log, and before any bridge exists.
 * That is the moment to register a class whose callbacks may log and start
 * threads, so that this call is led through a function of ours.  A constructor
 * would run too early (there is no log and no thread id yet), and the linker's
 * --wrap option is without effect in a build with link-time optimization. */

#include <config.h>

#include "bridge.h"
#include "netdev-xenvif.h"

static void
register_and_init_bridges(const char *remote)
{
    netdev_xenvif_register();
    bridge_init(remote);
}

#define bridge_init register_and_init_bridges
#include "vswitchd/ovs-vswitchd.c"
