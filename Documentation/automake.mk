# SPDX-License-Identifier: Apache-2.0

nobase_dist_doc_DATA += \
	Documentation/howto/coexistence.rst \
	Documentation/howto/debugging.rst \
	Documentation/howto/driver-domains.rst \
	Documentation/howto/restart.rst \
	Documentation/howto/toolstacks.rst \
	Documentation/howto/xapi.rst \
	Documentation/internals/contributing-code.rst \
	Documentation/internals/test-cases.rst \
	Documentation/intro/install.rst \
	Documentation/intro/install/xen-host.rst \
	Documentation/ref/xenemu-guest.8.rst \
	Documentation/ref/xenvif-grant-cost.8.rst \
	Documentation/ref/xenvif-top.8.rst \
	Documentation/topics/design.rst \
	Documentation/topics/frontends.rst \
	Documentation/topics/qos-latency.svg \
	Documentation/topics/qos.rst \
	Documentation/topics/security.rst \
	Documentation/topics/testing.rst \
	Documentation/topics/xenemu.rst \
	Documentation/topics/xenvif.rst

# Pages of ref/ become manual pages where there is a program for it.  Those of
# programs that are not installed are not, either.
if HAVE_RST2MAN
rst_mans = \
	Documentation/xenvif-grant-cost.8 \
	Documentation/xenvif-top.8
xenemu_mans = \
	Documentation/xenemu-guest.8
if INSTALL_XENEMU
man_MANS += $(rst_mans) $(xenemu_mans)
else
man_MANS += $(rst_mans)
noinst_DATA += $(xenemu_mans)
endif
CLEANFILES += $(rst_mans) $(xenemu_mans)

Documentation/xenemu-guest.8: Documentation/ref/xenemu-guest.8.rst
	$(AM_V_GEN)$(MKDIR_P) Documentation && $(RST2MAN) \
	'$(srcdir)/Documentation/ref/xenemu-guest.8.rst' >$@.tmp && mv $@.tmp $@
Documentation/xenvif-grant-cost.8: Documentation/ref/xenvif-grant-cost.8.rst
	$(AM_V_GEN)$(MKDIR_P) Documentation && $(RST2MAN) \
	'$(srcdir)/Documentation/ref/xenvif-grant-cost.8.rst' >$@.tmp && \
	mv $@.tmp $@
Documentation/xenvif-top.8: Documentation/ref/xenvif-top.8.rst
	$(AM_V_GEN)$(MKDIR_P) Documentation && $(RST2MAN) \
	'$(srcdir)/Documentation/ref/xenvif-top.8.rst' >$@.tmp && mv $@.tmp $@
endif
