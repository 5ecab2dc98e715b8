# Copyright (c) 2026 The ovs-xenvif authors.
#
# Licensed under the Apache License, Version 2.0 (the "License");
# you may not use this file except in compliance with the License.
# You may obtain a copy of the License at:
#
#     http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS,
# WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
# See the License for the specific language governing permissions and
# limitations under the License.

noinst_LTLIBRARIES += lib/libxenvif.la
# Linked into programs only, so there is no need for a second, -fPIC object.
lib_libxenvif_la_LIBTOOLFLAGS = --tag=disable-shared
lib_libxenvif_la_CFLAGS = $(AM_CFLAGS) $(COVERAGE_CFLAGS)
lib_libxenvif_la_SOURCES = \
	lib/netdev-xenvif-policer.c \
	lib/netdev-xenvif-follow.c \
	lib/netdev-xenvif-json.c \
	lib/netdev-xenvif-private.h \
	lib/netdev-xenvif-qos-class.h \
	lib/netdev-xenvif-qos.c \
	lib/netdev-xenvif-qos.h \
	lib/netdev-xenvif-shaper.c \
	lib/netdev-xenvif-show.c \
	lib/netdev-xenvif-stats.c \
	lib/netdev-xenvif.c \
	lib/netdev-xenvif.h \
	lib/xenvif-backlog.c \
	lib/xenvif-backlog.h \
	lib/xenvif-bucket.h \
	lib/xenvif-budget.c \
	lib/xenvif-budget.h \
	lib/xenvif-bus.c \
	lib/xenvif-bus.h \
	lib/xenvif-check.c \
	lib/xenvif-conn.c \
	lib/xenvif-conn.h \
	lib/xenvif-connect.c \
	lib/xenvif-control.c \
	lib/xenvif-control.h \
	lib/xenvif-counters.c \
	lib/xenvif-counters.h \
	lib/xenvif-ctrl.c \
	lib/xenvif-ctrl.h \
	lib/xenvif-event.c \
	lib/xenvif-event.h \
	lib/xenvif-frame.c \
	lib/xenvif-frame.h \
	lib/xenvif-grace.c \
	lib/xenvif-grace.h \
	lib/xenvif-grant.c \
	lib/xenvif-grant.h \
	lib/xenvif-gref.c \
	lib/xenvif-gref.h \
	lib/xenvif-gso.c \
	lib/xenvif-gso.h \
	lib/xenvif-hash.c \
	lib/xenvif-hash.h \
	lib/xenvif-info.c \
	lib/xenvif-info.h \
	lib/xenvif-inner.c \
	lib/xenvif-inner.h \
	lib/xenvif-kernel.c \
	lib/xenvif-kernel.h \
	lib/xenvif-life.h \
	lib/xenvif-meter.c \
	lib/xenvif-meter.h \
	lib/xenvif-multicast.c \
	lib/xenvif-multicast.h \
	lib/xenvif-offload.c \
	lib/xenvif-offload.h \
	lib/xenvif-ovs-compat.h \
	lib/xenvif-policer.c \
	lib/xenvif-policer.h \
	lib/xenvif-polled.c \
	lib/xenvif-polled.h \
	lib/xenvif-qos.c \
	lib/xenvif-qos.h \
	lib/xenvif-queue.h \
	lib/xenvif-rate.c \
	lib/xenvif-rate.h \
	lib/xenvif-ring.h \
	lib/xenvif-rx.c \
	lib/xenvif-rx.h \
	lib/xenvif-saved.c \
	lib/xenvif-saved.h \
	lib/xenvif-segments.c \
	lib/xenvif-segments.h \
	lib/xenvif-steer.c \
	lib/xenvif-steer.h \
	lib/xenvif-store-open.c \
	lib/xenvif-store-open.h \
	lib/xenvif-store.c \
	lib/xenvif-store.h \
	lib/xenvif-tx-parse.c \
	lib/xenvif-tx-parse.h \
	lib/xenvif-tx.c \
	lib/xenvif-tx.h \
	lib/xenvif-view.c \
	lib/xenvif-view.h \
	lib/xenvif.c \
	lib/xenvif.h

$(lib_libxenvif_la_OBJECTS): $(ovs_stamp)
