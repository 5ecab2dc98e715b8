# SPDX-License-Identifier: Apache-2.0


# Code of this folder knows nothing of Open vSwitch: each target sets its own
# CPPFLAGS, CFLAGS and LDADD, because the defaults in Makefile.am are those of
# code that does.
xenemu_cppflags = \
	-D_GNU_SOURCE -DXENEMU_LIBDIR='"$(pkglibdir)"' \
	-I$(top_srcdir)/xenemu $(XEN_CFLAGS) $(XENCTRL_CFLAGS)
xenemu_cflags = $(WARNING_CFLAGS) $(SANITIZER_CFLAGS)

xenemu_core = \
	xenemu/lib-admin.c \
	xenemu/lib-copy.c \
	xenemu/lib-domain.c \
	xenemu/lib-event.c \
	xenemu/lib-evtchn.c \
	xenemu/lib-fault.c \
	xenemu/lib-gntshr.c \
	xenemu/lib-gnttab.c \
	xenemu/lib-grant.c \
	xenemu/lib-handle.h \
	xenemu/lib-host.c \
	xenemu/lib-proc.c \
	xenemu/lib-rec.c \
	xenemu/lib-xenctrl.c \
	xenemu/xenemu-admin.h \
	xenemu/xenemu-host.h \
	xenemu/xenemu.h

# The emulated libraries for programs of ours, which are linked with them:
# commands, guests and component tests.
noinst_LTLIBRARIES += xenemu/libxenemu-core.la
xenemu_libxenemu_core_la_CPPFLAGS = $(xenemu_cppflags)
xenemu_libxenemu_core_la_CFLAGS = $(xenemu_cflags)
xenemu_libxenemu_core_la_LIBTOOLFLAGS = --tag=disable-shared
xenemu_libxenemu_core_la_SOURCES = $(xenemu_core)

# The emulated libraries to be loaded in front of the real ones, into programs
# that were not built by us and have no sanitizer in them.
#
# Neither these nor the programs below are installed unless configure was told
# to: a production host has no use for them.  A library that is not installed
# is a shared one only if it has an -rpath.
if INSTALL_XENEMU
bin_PROGRAMS += $(xenemu_programs)
pkglib_LTLIBRARIES += xenemu/libxenemu.la
xenemu_rpath =
else
noinst_PROGRAMS += $(xenemu_programs)
noinst_LTLIBRARIES += xenemu/libxenemu.la
xenemu_rpath = -rpath '$(pkglibdir)'
endif
xenemu_libxenemu_la_CPPFLAGS = $(xenemu_cppflags)
xenemu_libxenemu_la_CFLAGS = $(WARNING_CFLAGS)
xenemu_libxenemu_la_LIBTOOLFLAGS = --tag=disable-static
xenemu_libxenemu_la_LDFLAGS = \
	-module -avoid-version -shared -Wl,-Bsymbolic $(xenemu_rpath) \
	-Wl,--version-script=$(srcdir)/xenemu/libxenemu.map
xenemu_libxenemu_la_LIBADD = -lpthread -ldl
xenemu_libxenemu_la_SOURCES = $(xenemu_core) xenemu/lib-files.c
EXTRA_DIST += xenemu/libxenemu.map

xenemu_programs = xenemu/xenemu xenemu/xenemu-guest
xenemu_xenemu_CPPFLAGS = $(xenemu_cppflags)
xenemu_xenemu_CFLAGS = $(xenemu_cflags)
xenemu_xenemu_LDADD = xenemu/libxenemu-core.la $(XEN_LIBS) -lpthread
xenemu_xenemu_SOURCES = \
	xenemu/cmd-domain.c \
	xenemu/cmd-hotplug.c \
	xenemu/cmd-show.c \
	xenemu/cmd-start.c \
	xenemu/cmd-vif.c \
	xenemu/cmd-xs.c \
	xenemu/cmd.c \
	xenemu/cmd.h

xenemu_xenemu_guest_CPPFLAGS = $(xenemu_cppflags)
xenemu_xenemu_guest_CFLAGS = $(xenemu_cflags)
xenemu_xenemu_guest_LDADD = xenemu/libxenemu-core.la $(XEN_LIBS) -lpthread
xenemu_xenemu_guest_SOURCES = \
	xenemu/guest-bus.c \
	xenemu/guest-cring.c \
	xenemu/guest-ctl-client.c \
	xenemu/guest-ctl-data.c \
	xenemu/guest-ctl-life.c \
	xenemu/guest-ctl-proto.c \
	xenemu/guest-ctl-store.c \
	xenemu/guest-ctl.c \
	xenemu/guest-ctl.h \
	xenemu/guest-gen.c \
	xenemu/guest-gen.h \
	xenemu/guest-grefs.c \
	xenemu/guest-hash.c \
	xenemu/guest-help.c \
	xenemu/guest-keys.c \
	xenemu/guest-multicast.c \
	xenemu/guest-offload.c \
	xenemu/guest-options.c \
	xenemu/guest-pages.c \
	xenemu/guest-profile.c \
	xenemu/guest-queue.c \
	xenemu/guest-raw-slots.c \
	xenemu/guest-raw.c \
	xenemu/guest-raw.h \
	xenemu/guest-report.c \
	xenemu/guest-rx.c \
	xenemu/guest-sink.c \
	xenemu/guest-tap.c \
	xenemu/guest-tx.c \
	xenemu/guest-xdp.c \
	xenemu/guest.c \
	xenemu/guest.h \
	xenemu/netif-check.c \
	xenemu/netif-check.h \
	xenemu/netif-hash.c \
	xenemu/netif-hash.h \
	xenemu/netif-ring.h \
	xenemu/xs-ring.c \
	xenemu/xs-ring.h
