# SPDX-License-Identifier: Apache-2.0

# Unit and component tests: programs that use cmocka, one per file
# tests/test-NAME.c, each a test of its own in the suite.  Component tests talk
# to the provider as a frontend on the emulated libraries, in one process.
unit_tests = \
	tests/test-backlog \
	tests/test-budget \
	tests/test-bus \
	tests/test-conn \
	tests/test-ctrl \
	tests/test-event \
	tests/test-features \
	tests/test-follow \
	tests/test-frame \
	tests/test-gref \
	tests/test-gref-limits \
	tests/test-gso \
	tests/test-hash \
	tests/test-hostile \
	tests/test-inner \
	tests/test-meter \
	tests/test-multicast \
	tests/test-netfront-checks \
	tests/test-observed \
	tests/test-offload \
	tests/test-offload-border \
	tests/test-offload-cut \
	tests/test-offload-rings \
	tests/test-ingress \
	tests/test-port-qos \
	tests/test-qos-types \
	tests/test-shaper \
	tests/test-shaper-rates \
	tests/test-credit \
	tests/test-ring \
	tests/test-rx \
	tests/test-rx-extras \
	tests/test-saved \
	tests/test-saved-when \
	tests/test-show \
	tests/test-snapshot \
	tests/test-stats \
	tests/test-steer \
	tests/test-store \
	tests/test-store-open \
	tests/test-tx \
	tests/test-tx-hostile \
	tests/test-tx-parse \
	tests/test-vif-life \
	tests/test-vif-state \
	tests/test-xenemu \
	tests/test-xenemu-event \
	tests/test-xenemu-limits

check_PROGRAMS += $(unit_tests)

check_LTLIBRARIES += tests/libmock.la
tests_libmock_la_LIBTOOLFLAGS = --tag=disable-shared
tests_libmock_la_SOURCES = \
	tests/frames.c \
	tests/frames.h \
	tests/mock-ctrl.c \
	tests/mock-frontend.c \
	tests/mock-frontend.h \
	tests/mock-ring.c \
	xenemu/netif/check.c \
	xenemu/netif/check.h

# Programs of several files.
tests_test_offload_cut_SOURCES = \
	tests/offload-frontend.c tests/offload-frontend.h \
	tests/test-offload-cut.c
tests_test_offload_rings_SOURCES = \
	tests/offload-frontend.c tests/offload-frontend.h \
	tests/test-offload-rings.c
tests_test_offload_border_SOURCES = \
	tests/test-offload-border.c tests/wild-frames.c tests/wild-frames.h

# Programs that have a port, and no control thread.
tests_test_port_qos_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=ovs_thread_create
tests_test_port_qos_SOURCES = \
	tests/port-frontend.c tests/port-frontend.h tests/test-port-qos.c
tests_test_show_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=ovs_thread_create
tests_test_show_SOURCES = \
	tests/port-frontend.c tests/port-frontend.h tests/test-show.c

# Programs that have a XenStore of their own.
tests_test_observed_SOURCES = \
	tests/mock-store.c tests/mock-store.h tests/test-observed.c
tests_test_saved_SOURCES = \
	tests/mock-store.c tests/mock-store.h tests/test-saved.c
tests_test_saved_when_SOURCES = \
	tests/mock-store.c tests/mock-store.h tests/test-saved-when.c
tests_test_vif_life_SOURCES = \
	tests/mock-store.c tests/mock-store.h tests/test-vif-life.c
tests_test_store_SOURCES = \
	tests/mock-store.c tests/mock-store.h tests/test-store.c

# Programs that know nothing of Open vSwitch.
tests_test_netfront_checks_CPPFLAGS = $(xenemu_cppflags)
tests_test_netfront_checks_LDADD = $(CMOCKA_LIBS)
tests_test_netfront_checks_SOURCES = \
	tests/test-netfront-checks.c \
	xenemu/guest/offload.c \
	xenemu/netif/check.c \
	xenemu/netif/hash.c
tests_test_xenemu_CPPFLAGS = $(xenemu_cppflags)
tests_test_xenemu_LDADD = \
	xenemu/libxenemu-core.la $(XEN_LIBS) $(CMOCKA_LIBS) -lpthread
tests_test_xenemu_SOURCES = tests/test-xenemu.c tests/test-xenemu.h
tests_test_xenemu_event_CPPFLAGS = $(xenemu_cppflags)
tests_test_xenemu_event_LDADD = $(tests_test_xenemu_LDADD)
tests_test_xenemu_event_SOURCES = \
	tests/test-xenemu-event.c tests/test-xenemu.h
tests_test_xenemu_limits_CPPFLAGS = $(xenemu_cppflags)
tests_test_xenemu_limits_LDADD = $(tests_test_xenemu_LDADD)
tests_test_xenemu_limits_SOURCES = \
	tests/test-xenemu-limits.c tests/test-xenemu.h

# Autotest suites.  Open vSwitch's macros are included from its source tree
# and expanded into the suites, so the suites are made in the build directory
# and never distributed.
COMMON_AT = \
	tests/xenvif-macros.at
TESTSUITE_AT = \
	tests/testsuite.at \
	tests/xenemu-command.at \
	tests/xenvif-unit.at \
	tests/xenvif-utilities.at \
	tests/xenvif-vswitchd.at
SYSTEM_TESTSUITE_AT = \
	tests/system-xenvif-testsuite.at \
	tests/system-xenvif-macros.at \
	tests/system-xenvif-guest-macros.at \
	tests/system-xenvif-daemon.at \
	tests/system-xenvif-traffic.at \
	tests/system-xenvif-lifecycle.at \
	tests/system-xenvif-link.at \
	tests/system-xenvif-rings.at \
	tests/system-xenvif-hostile.at \
	tests/system-xenvif-bystander.at \
	tests/system-xenvif-offload.at \
	tests/system-xenvif-border.at \
	tests/system-xenvif-profiles.at \
	tests/system-xenvif-events.at \
	tests/system-xenvif-mapped.at \
	tests/system-xenvif-hotplug.at \
	tests/system-xenvif-keys.at \
	tests/system-xenvif-dpdk.at \
	tests/system-xenvif-ports.at \
	tests/system-xenvif-qos.at \
	tests/system-xenvif-resources.at \
	tests/system-xenvif-rate.at \
	tests/system-xenvif-monitor.at \
	tests/system-xenvif-tools.at
EXTRA_DIST += \
	$(COMMON_AT) $(TESTSUITE_AT) $(SYSTEM_TESTSUITE_AT) \
	tests/bench-qos \
	tests/bench-ingress.py \
	tests/flow-collector.py \
	tests/run-isolated \
	tests/run-profiles \
	tests/run-split \
	tests/run-traffic \
	tests/system-traffic-testsuite.at \
	tests/system-traffic-macros.at \
	tests/odd-frames.py \
	tests/sctp-frame.py \
	tests/tcp-peer.py \
	tests/traffic-differences \
	tests/unix-proxy.py

AUTOTEST = $(AUTOM4TE) --language=autotest \
	-I . -I '$(srcdir)' -I '$(ovs_srcdir)'
AUTOTEST_PATH = \
	tests:$(abs_top_builddir)/xenemu:$(ovs_builddir)/utilities:$(ovs_builddir)/ovsdb

TESTSUITE = tests/testsuite
SYSTEM_TESTSUITE = tests/system-xenvif-testsuite

package.m4: config.status
	$(AM_V_GEN){ \
	echo 'm4_define([AT_PACKAGE_NAME], [$(PACKAGE_NAME)])'; \
	echo 'm4_define([AT_PACKAGE_TARNAME], [$(PACKAGE_TARNAME)])'; \
	echo 'm4_define([AT_PACKAGE_VERSION], [$(PACKAGE_VERSION)])'; \
	echo 'm4_define([AT_PACKAGE_STRING], [$(PACKAGE_STRING)])'; \
	echo 'm4_define([AT_PACKAGE_BUGREPORT], [$(PACKAGE_BUGREPORT)])'; \
	echo 'm4_define([AT_PACKAGE_URL], [$(PACKAGE_URL)])'; } >$@

# The list of programs above, for xenvif-unit.at.
tests/xenvif-unit-list.at: Makefile
	$(AM_V_GEN)for test in $(unit_tests); do \
	echo "XENVIF_UNIT([$${test#tests/test-}])"; done >$@

$(TESTSUITE): package.m4 tests/xenvif-unit-list.at $(COMMON_AT) $(TESTSUITE_AT)
	$(AM_V_GEN)$(AUTOTEST) -o $@.tmp '$(srcdir)/tests/testsuite.at' && \
	mv $@.tmp $@

$(SYSTEM_TESTSUITE): package.m4 $(COMMON_AT) $(SYSTEM_TESTSUITE_AT)
	$(AM_V_GEN)$(AUTOTEST) -o $@.tmp \
	'$(srcdir)/tests/system-xenvif-testsuite.at' && mv $@.tmp $@

check_DATA += $(TESTSUITE) $(SYSTEM_TESTSUITE)

# "make check": everything that needs neither root nor namespaces.
check-local:
	$(SHELL) '$(TESTSUITE)' -C tests 'AUTOTEST_PATH=$(AUTOTEST_PATH)' \
	$(TESTSUITEFLAGS)

# "make check-system": the daemon, xenstored and guests, as root, in namespaces
# of the suite's own.  JOBS: how many tests at a time, each of those with
# namespaces of its own.
JOBS = 1
check-system: all $(check_PROGRAMS) $(check_DATA)
	$(SHELL) '$(srcdir)/tests/run-split' $(JOBS) \
	'$(SYSTEM_TESTSUITE)' -C tests 'AUTOTEST_PATH=$(AUTOTEST_PATH)' \
	-- $(TESTSUITEFLAGS)

# "make check-traffic": Open vSwitch's traffic tests over veth and over xenvif
# ports.
TRAFFIC_SUITES = \
	tests/suite-traffic-veth-off tests/suite-traffic-veth-on \
	tests/suite-traffic-xenvif-off tests/suite-traffic-xenvif-on

tests/suite-traffic.stamp: package.m4 $(COMMON_AT) \
		tests/system-xenvif-macros.at \
		tests/system-traffic-macros.at \
		tests/system-traffic-testsuite.at
	$(AM_V_GEN)for suite in $(TRAFFIC_SUITES); do \
	offloads=$${suite##*-} && ports=$${suite%-*} && \
	{ echo "m4_define([XENVIF_TRAFFIC_PORTS], [$${ports##*-}])"; \
	echo "m4_define([XENVIF_TRAFFIC_OFFLOADS], [$$offloads])"; } \
	>$$suite.at && \
	$(AUTOTEST) -o $$suite $$suite.at \
	'$(srcdir)/tests/system-traffic-testsuite.at' || exit 1; done && \
	touch $@

check-traffic: all tests/suite-traffic.stamp
	$(PYTHON3) '$(srcdir)/tests/run-traffic' $(JOBS) \
	'$(srcdir)/tests/traffic-differences' tests/suite-traffic -C tests \
	'AUTOTEST_PATH=$(AUTOTEST_PATH)' -- $(TESTSUITEFLAGS)

# "make check-profiles": its tests that are for all kinds of guests, once with
# each kind.
check-profiles: all $(check_PROGRAMS) $(check_DATA)
	$(SHELL) '$(srcdir)/tests/run-profiles' \
	$(SHELL) '$(srcdir)/tests/run-isolated' \
	$(SHELL) '$(SYSTEM_TESTSUITE)' -C tests \
	'AUTOTEST_PATH=$(AUTOTEST_PATH)' -k profiles $(TESTSUITEFLAGS)

# "make check-asan", "make check-valgrind": the same tests, watched.
check-asan: $(ovs_stamp)
	test -e asan/Makefile || { $(MKDIR_P) asan && cd asan && \
	'$(abs_srcdir)/configure' --enable-asan CC='$(CC)' \
	--with-ovs-source='$(ovs_srcdir)'; }
	cd asan && $(MAKE) check
	if test `id -u` = 0; then cd asan && $(MAKE) check-system; fi

# What belongs to a thread that still runs at the end is "possibly" lost.
VALGRIND = valgrind --quiet --error-exitcode=99 --leak-check=full \
	--show-leak-kinds=definite --errors-for-leak-kinds=definite \
	--log-file=valgrind.%p --num-callers=20 \
	--suppressions=$(ovs_srcdir)/tests/glibc.supp \
	--suppressions=$(ovs_srcdir)/tests/openssl.supp
check-valgrind: all $(check_PROGRAMS) $(check_DATA)
	XENVIF_VALGRIND='$(VALGRIND)' $(MAKE) check
	if test `id -u` = 0; then \
	XENVIF_VALGRIND='$(VALGRIND)' $(MAKE) check-system; fi

# "make coverage": what of lib/ the unit tests run, and the system tests that
# COVERAGE_SYSTEM selects (as TESTSUITEFLAGS would; "1-" is all of them).  The
# report is printed even if a test failed.  The branches of assertions and log
# macros are nobody's to test.
COVERAGE_SYSTEM =
COVERAGE_MIN = 0
coverage: all $(check_PROGRAMS) $(check_DATA)
if COVERAGE
	find lib -name '*.gcda' -exec rm -f {} +
	status=0; $(MAKE) check || status=1; \
	if test -n '$(COVERAGE_SYSTEM)'; then \
	$(MAKE) check-system TESTSUITEFLAGS='$(COVERAGE_SYSTEM)' || status=1; \
	fi; \
	$(MKDIR_P) coverage && top=`cd '$(srcdir)' && pwd -P` && \
	$(GCOVR) --root "$$top" --filter "$$top/lib/" \
	--gcov-executable '$(GCOV)' \
	--exclude-branches-by-pattern '.*(ovs_assert|VLOG_)' \
	--json-summary coverage/summary.json \
	--html-details coverage/index.html lib && \
	$(PYTHON3) '$(srcdir)/build-aux/coverage-report' \
	--min-lines=$(COVERAGE_MIN) coverage/summary.json && \
	echo "line by line: coverage/index.html" && exit $$status
else
	@echo "configure with --enable-coverage first" >&2; exit 1
endif

# "make check-xen": a real Xen and Linux guests under QEMU.
check-xen: all
	XENVIF_BUILDDIR='$(abs_builddir)' $(srcdir)/tests/xen/run

EXTRA_DIST += \
	tests/xen/README.rst \
	tests/xen/checks.sh \
	tests/xen/demo.sh \
	tests/xen/dom0-init \
	tests/xen/dom0-main \
	tests/xen/guest-console \
	tests/xen/guest-init \
	tests/xen/guest-net-up \
	tests/xen/guest-xdp.c \
	tests/xen/guests.sh \
	tests/xen/images.sh \
	tests/xen/packages.sh \
	tests/xen/run \
	tests/xen/scenarios/10-basics.sh \
	tests/xen/scenarios/20-openflow.sh \
	tests/xen/scenarios/25-queues.sh \
	tests/xen/scenarios/27-offloads.sh \
	tests/xen/scenarios/30-lifecycle.sh \
	tests/xen/scenarios/40-restart.sh \
	tests/xen/scenarios/45-netback.sh \
	tests/xen/scenarios/50-grant-cost.sh \
	tests/xen/scenarios/60-driver-domain.sh \
	tests/xen/scenarios/60-hotplug.sh \
	tests/xen/scenarios/70-xenstored.sh \
	tests/xen/switch.sh

.PHONY: check-system check-profiles check-traffic check-asan check-valgrind \
	check-xen coverage

CLEANFILES += \
	package.m4 \
	tests/xenvif-unit-list.at \
	$(TESTSUITE) \
	$(TESTSUITE).log \
	$(SYSTEM_TESTSUITE) \
	$(SYSTEM_TESTSUITE).log

clean-local:
	rm -rf coverage tests/profile-*.log tests/profile-*.dir
	find lib -name '*.gc[dn][ao]' -exec rm -f {} +
	-test ! -f '$(TESTSUITE)' || $(SHELL) '$(TESTSUITE)' -C tests --clean
	-test ! -f '$(SYSTEM_TESTSUITE)' || \
	$(SHELL) '$(SYSTEM_TESTSUITE)' -C tests --clean
	-rm -rf tests/suite-traffic* $(SYSTEM_TESTSUITE)-[1-9a]* \
	$(SYSTEM_TESTSUITE).out

DISTCLEANFILES += tests/atconfig
