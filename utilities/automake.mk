# SPDX-License-Identifier: Apache-2.0

# Where xl and its relatives look for hotplug scripts.
xenscriptsdir = $(sysconfdir)/xen/scripts
dist_xenscripts_SCRIPTS = utilities/vif-xenvif
# Its parts.
dist_xenscripts_DATA = \
	utilities/vif-xenvif-guard.sh \
	utilities/vif-xenvif-keys.sh

# What grants cost here.  It knows nothing of Open vSwitch.
sbin_PROGRAMS += utilities/xenvif-grant-cost
utilities_xenvif_grant_cost_CPPFLAGS = -D_GNU_SOURCE $(XEN_CFLAGS)
utilities_xenvif_grant_cost_CFLAGS = $(WARNING_CFLAGS) $(SANITIZER_CFLAGS)
utilities_xenvif_grant_cost_LDADD = $(XEN_LIBS)
utilities_xenvif_grant_cost_SOURCES = utilities/xenvif-grant-cost.c

# What xentop shows of other network interfaces.
dist_sbin_SCRIPTS = utilities/xenvif-top
