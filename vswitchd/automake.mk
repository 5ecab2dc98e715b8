# SPDX-License-Identifier: Apache-2.0

# The program must be called ovs-vswitchd: that name decides where its pidfile,
# its log and its control socket are.
sbin_PROGRAMS += vswitchd/ovs-vswitchd
vswitchd_ovs_vswitchd_SOURCES = vswitchd/xenvif-vswitchd.c
vswitchd_ovs_vswitchd_LDFLAGS = $(AM_LDFLAGS) $(OVS_LDFLAGS)
vswitchd_ovs_vswitchd_LDADD = \
	$(ovs_objs) lib/libxenvif.la $(ovs_libs) $(XEN_LIBS) $(OVS_LIBS)

$(vswitchd_ovs_vswitchd_OBJECTS): $(ovs_stamp)

# Manual pages are written as Open vSwitch's are.
man_MANS += vswitchd/ovs-xenvif.5
EXTRA_DIST += vswitchd/ovs-xenvif.5.xml
CLEANFILES += vswitchd/ovs-xenvif.5

vswitchd/ovs-xenvif.5: vswitchd/ovs-xenvif.5.xml
	$(AM_V_GEN)$(MKDIR_P) vswitchd && PYTHONPATH='$(ovs_srcdir)/python' \
	PYTHONDONTWRITEBYTECODE=yes $(PYTHON3) \
	'$(ovs_srcdir)/build-aux/xml2nroff' --version=$(PACKAGE_VERSION) \
	'$(srcdir)/vswitchd/ovs-xenvif.5.xml' \
	| $(SED) '/^\.TH/s/Open vSwitch/ovs-xenvif/g' >$@.tmp && mv $@.tmp $@
