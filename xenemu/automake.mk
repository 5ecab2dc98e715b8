# SPDX-License-Identifier: Apache-2.0


# Code of this folder knows nothing of Open vSwitch: each target sets its own
# CPPFLAGS, CFLAGS and LDADD, because the defaults in Makefile.am are those of
# code that does.
xenemu_cppflags = \
	-D_GNU_SOURCE -DXENEMU_LIBDIR='"$(pkglibdir)"' \
	-I$(top_srcdir)/xenemu $(XEN_CFLAGS) $(XENCTRL_CFLAGS)
xenemu_cflags = $(WARNING_CFLAGS) $(SANITIZER_CFLAGS)

xenemu_core = \
	xenemu/hypervisor/admin.c \
	xenemu/hypervisor/copy.c \
	xenemu/hypervisor/domain.c \
	xenemu/hypervisor/event.c \
	xenemu/hypervisor/evtchn.c \
	xenemu/hypervisor/fault.c \
	xenemu/hypervisor/gntshr.c \
	xenemu/hypervisor/gnttab.c \
	xenemu/hypervisor/grant.c \
	xenemu/hypervisor/handle.h \
	xenemu/hypervisor/host.c \
	xenemu/hypervisor/host.h \
	xenemu/hypervisor/proc.c \
	xenemu/hypervisor/rec.c \
	xenemu/hypervisor/xenctrl.c \
	xenemu/xenemu-admin.h \
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
	-Wl,--version-script=$(srcdir)/xenemu/hypervisor/libxenemu.map
xenemu_libxenemu_la_LIBADD = -lpthread -ldl
xenemu_libxenemu_la_SOURCES = $(xenemu_core) xenemu/hypervisor/files.c
EXTRA_DIST += \
	xenemu/README.rst \
	xenemu/guest/README.rst \
	xenemu/hypervisor/README.rst \
	xenemu/hypervisor/libxenemu.map \
	xenemu/netif/README.rst \
	xenemu/toolstack/README.rst

xenemu_programs = xenemu/xenemu xenemu/xenemu-guest
xenemu_xenemu_CPPFLAGS = $(xenemu_cppflags)
xenemu_xenemu_CFLAGS = $(xenemu_cflags)
xenemu_xenemu_LDADD = xenemu/libxenemu-core.la $(XEN_LIBS) -lpthread
xenemu_xenemu_SOURCES = \
	xenemu/toolstack/cmd.c \
	xenemu/toolstack/cmd.h \
	xenemu/toolstack/domain.c \
	xenemu/toolstack/hotplug.c \
	xenemu/toolstack/show.c \
	xenemu/toolstack/start.c \
	xenemu/toolstack/vif.c \
	xenemu/toolstack/xs.c

xenemu_xenemu_guest_CPPFLAGS = $(xenemu_cppflags)
xenemu_xenemu_guest_CFLAGS = $(xenemu_cflags)
xenemu_xenemu_guest_LDADD = xenemu/libxenemu-core.la $(XEN_LIBS) -lpthread
xenemu_xenemu_guest_SOURCES = \
	xenemu/guest/bus.c \
	xenemu/guest/bus.h \
	xenemu/guest/clock.h \
	xenemu/guest/config.c \
	xenemu/guest/config.h \
	xenemu/guest/counters.c \
	xenemu/guest/counters.h \
	xenemu/guest/cring.c \
	xenemu/guest/cring.h \
	xenemu/guest/ctl-client.c \
	xenemu/guest/ctl-client.h \
	xenemu/guest/ctl-command.h \
	xenemu/guest/ctl-data.c \
	xenemu/guest/ctl-life.c \
	xenemu/guest/ctl-proto.c \
	xenemu/guest/ctl-store.c \
	xenemu/guest/ctl.c \
	xenemu/guest/ctl.h \
	xenemu/guest/error.c \
	xenemu/guest/error.h \
	xenemu/guest/frame.h \
	xenemu/guest/gen.c \
	xenemu/guest/gen.h \
	xenemu/guest/grefs.c \
	xenemu/guest/grefs.h \
	xenemu/guest/guest.h \
	xenemu/guest/hash.c \
	xenemu/guest/hash.h \
	xenemu/guest/help.c \
	xenemu/guest/help.h \
	xenemu/guest/keys.c \
	xenemu/guest/keys.h \
	xenemu/guest/kick.c \
	xenemu/guest/kick.h \
	xenemu/guest/log.c \
	xenemu/guest/log.h \
	xenemu/guest/main.c \
	xenemu/guest/multicast.c \
	xenemu/guest/multicast.h \
	xenemu/guest/offload.c \
	xenemu/guest/offload.h \
	xenemu/guest/options.c \
	xenemu/guest/options.h \
	xenemu/guest/orders.c \
	xenemu/guest/orders.h \
	xenemu/guest/pages.c \
	xenemu/guest/pages.h \
	xenemu/guest/parse.c \
	xenemu/guest/parse.h \
	xenemu/guest/paths.c \
	xenemu/guest/paths.h \
	xenemu/guest/profile.c \
	xenemu/guest/profile.h \
	xenemu/guest/queue.c \
	xenemu/guest/queue.h \
	xenemu/guest/raw-slots.c \
	xenemu/guest/raw-slots.h \
	xenemu/guest/raw-statement.c \
	xenemu/guest/raw-statement.h \
	xenemu/guest/raw.c \
	xenemu/guest/raw.h \
	xenemu/guest/report.c \
	xenemu/guest/report.h \
	xenemu/guest/rx.c \
	xenemu/guest/rx.h \
	xenemu/guest/sink.c \
	xenemu/guest/sink.h \
	xenemu/guest/tap.c \
	xenemu/guest/tap.h \
	xenemu/guest/tx.c \
	xenemu/guest/tx.h \
	xenemu/guest/xdp.c \
	xenemu/guest/xdp.h \
	xenemu/guest/xs-ring.c \
	xenemu/guest/xs-ring.h \
	xenemu/netif/check.c \
	xenemu/netif/check.h \
	xenemu/netif/hash.c \
	xenemu/netif/hash.h \
	xenemu/netif/ring.h
