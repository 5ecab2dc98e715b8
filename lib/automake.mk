# SPDX-License-Identifier: Apache-2.0

noinst_LTLIBRARIES += lib/libxenvif.la
# Linked into programs only, so there is no need for a second, -fPIC object.
lib_libxenvif_la_LIBTOOLFLAGS = --tag=disable-shared
lib_libxenvif_la_CFLAGS = $(AM_CFLAGS) $(COVERAGE_CFLAGS)
lib_libxenvif_la_SOURCES = \
	lib/netdev-xenvif-follow.c \
	lib/netdev-xenvif-json.c \
	lib/netdev-xenvif-private.h \
	lib/netdev-xenvif-qos.c \
	lib/netdev-xenvif-qos.h \
	lib/netdev-xenvif-show.c \
	lib/netdev-xenvif-stats.c \
	lib/netdev-xenvif.c \
	lib/netdev-xenvif.h \
	lib/packet/xenvif-counters.c \
	lib/packet/xenvif-counters.h \
	lib/packet/xenvif-features.c \
	lib/packet/xenvif-features.h \
	lib/packet/xenvif-frame.c \
	lib/packet/xenvif-frame.h \
	lib/packet/xenvif-gso.c \
	lib/packet/xenvif-gso.h \
	lib/packet/xenvif-hash.c \
	lib/packet/xenvif-hash.h \
	lib/packet/xenvif-inner.c \
	lib/packet/xenvif-inner.h \
	lib/packet/xenvif-multicast.c \
	lib/packet/xenvif-multicast.h \
	lib/packet/xenvif-offload.c \
	lib/packet/xenvif-offload.h \
	lib/packet/xenvif-ovs-compat.h \
	lib/qos/xenvif-qos-class.h \
	lib/qos/xenvif-qos-htb.c \
	lib/qos/xenvif-qos-policer.c \
	lib/qos/xenvif-qos-sink.h \
	lib/qos/xenvif-qos.c \
	lib/qos/xenvif-qos.h \
	lib/rate/xenvif-bucket.h \
	lib/rate/xenvif-budget.c \
	lib/rate/xenvif-budget.h \
	lib/rate/xenvif-credit.c \
	lib/rate/xenvif-credit.h \
	lib/rate/xenvif-ingress.c \
	lib/rate/xenvif-ingress.h \
	lib/rate/xenvif-meter.c \
	lib/rate/xenvif-meter.h \
	lib/rate/xenvif-rate-queue.h \
	lib/rate/xenvif-shaper.c \
	lib/rate/xenvif-shaper.h \
	lib/ring/xenvif-backlog.c \
	lib/ring/xenvif-backlog.h \
	lib/ring/xenvif-conn.c \
	lib/ring/xenvif-conn.h \
	lib/ring/xenvif-ctrl-ring.c \
	lib/ring/xenvif-ctrl-ring.h \
	lib/ring/xenvif-queue.c \
	lib/ring/xenvif-queue.h \
	lib/ring/xenvif-request.h \
	lib/ring/xenvif-rx.c \
	lib/ring/xenvif-rx.h \
	lib/ring/xenvif-steer.c \
	lib/ring/xenvif-steer.h \
	lib/ring/xenvif-terms.c \
	lib/ring/xenvif-terms.h \
	lib/ring/xenvif-tx-overflow.c \
	lib/ring/xenvif-tx-overflow.h \
	lib/ring/xenvif-tx-parse.c \
	lib/ring/xenvif-tx-parse.h \
	lib/ring/xenvif-tx.c \
	lib/ring/xenvif-tx.h \
	lib/vif/xenvif-bus.c \
	lib/vif/xenvif-bus.h \
	lib/vif/xenvif-kernel.c \
	lib/vif/xenvif-kernel.h \
	lib/vif/xenvif-life.c \
	lib/vif/xenvif-life.h \
	lib/vif/xenvif-link.c \
	lib/vif/xenvif-link.h \
	lib/vif/xenvif-observed.c \
	lib/vif/xenvif-observed.h \
	lib/vif/xenvif-polled.c \
	lib/vif/xenvif-polled.h \
	lib/vif/xenvif-report.c \
	lib/vif/xenvif-report.h \
	lib/vif/xenvif-saved-format.c \
	lib/vif/xenvif-saved-format.h \
	lib/vif/xenvif-saved.c \
	lib/vif/xenvif-saved.h \
	lib/vif/xenvif-thread.c \
	lib/vif/xenvif-thread.h \
	lib/vif/xenvif-upkeep.c \
	lib/vif/xenvif.c \
	lib/vif/xenvif.h \
	lib/xen/xenvif-event.c \
	lib/xen/xenvif-event.h \
	lib/xen/xenvif-grace.c \
	lib/xen/xenvif-grace.h \
	lib/xen/xenvif-grant.c \
	lib/xen/xenvif-grant.h \
	lib/xen/xenvif-gref.c \
	lib/xen/xenvif-gref.h \
	lib/xen/xenvif-ring.h \
	lib/xen/xenvif-store-open.c \
	lib/xen/xenvif-store-open.h \
	lib/xen/xenvif-store.c \
	lib/xen/xenvif-store.h

$(lib_libxenvif_la_OBJECTS): $(ovs_stamp)

EXTRA_DIST += \
	lib/README.rst \
	lib/packet/README.rst \
	lib/qos/README.rst \
	lib/rate/README.rst \
	lib/ring/README.rst \
	lib/vif/README.rst \
	lib/xen/README.rst
