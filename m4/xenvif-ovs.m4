# SPDX-License-Identifier: Apache-2.0

# Open vSwitch: where its source is, how it is built, what it offers.

# XENVIF_CHECK_OVS
#
# Sets ovs_srcdir and ovs_builddir.  Unless --with-ovs-build names a finished
# build, unpacks (if need be) and configures Open vSwitch in our build
# directory; "make" builds it.
AC_DEFUN([XENVIF_CHECK_OVS],
  [AC_ARG_WITH([ovs-source],
     [AS_HELP_STRING([--with-ovs-source=DIR-OR-TARBALL],
        [Open vSwitch source (default: the one in /usr/src of Debian's
         openvswitch-source)])],
     [], [with_ovs_source=])
   AC_ARG_WITH([ovs-build],
     [AS_HELP_STRING([--with-ovs-build=DIR],
        [use the Open vSwitch built in DIR instead of building one])],
     [], [with_ovs_build=])
   AC_ARG_VAR([OVS_CONFIGURE_ARGS],
     [more arguments for Open vSwitch's configure, e.g. --with-dpdk=shared])
   AS_CASE(["$with_ovs_source"], [yes|no],
     [AC_MSG_ERROR([--with-ovs-source needs a folder or a tarball])])
   AS_CASE(["$with_ovs_build"], [yes],
     [AC_MSG_ERROR([--with-ovs-build needs a folder])],
     [no], [with_ovs_build=])

   AS_IF([test -n "$with_ovs_build"],
         [XENVIF_USE_OVS_BUILD], [XENVIF_MAKE_OVS_BUILD])
   AC_SUBST([ovs_srcdir])
   AC_SUBST([ovs_builddir])
   AM_CONDITIONAL([PRIVATE_OVS], [test -z "$with_ovs_build"])
   XENVIF_OVS_FLAGS])

# XENVIF_OVS_VAR([SHELL-VARIABLE], [MAKE-VARIABLES])
AC_DEFUN([XENVIF_OVS_VAR],
  [$1=`"$srcdir/build-aux/ovs-build" var "$ovs_builddir" $2` ||
     AC_MSG_ERROR([cannot read Open vSwitch's Makefile in $ovs_builddir])])

AC_DEFUN([XENVIF_USE_OVS_BUILD],
  [AC_MSG_CHECKING([for an Open vSwitch build])
   ovs_builddir=`cd "$with_ovs_build" 2>/dev/null && pwd`
   for file in Makefile config.h tests/atlocal vswitchd/bridge.o \
               vswitchd/system-stats.o ofproto/libofproto.la \
               lib/libsflow.la lib/libopenvswitch.la; do
     AS_IF([test ! -e "$ovs_builddir/$file"],
       [AC_MSG_ERROR([$with_ovs_build has no $file
  name a folder in which Open vSwitch was built,
  or leave --with-ovs-build out])])
   done
   XENVIF_OVS_VAR([ovs_srcdir], [abs_top_srcdir])
   ovs_srcdir=`cd "$ovs_srcdir" && pwd`
   AC_MSG_RESULT([$ovs_builddir (source $ovs_srcdir)])
   AS_IF([test -n "$with_ovs_source"],
     [AS_IF([test "`cd "$with_ovs_source" 2>/dev/null && pwd -P`" != \
                  "`cd "$ovs_srcdir" && pwd -P`"],
       [AC_MSG_ERROR([$with_ovs_build was built from
  $ovs_srcdir and not from
  $with_ovs_source])])])])

# The folders are the ones of Debian's openvswitch packages, so that its tools
# find the daemon, and the other way around.
AC_DEFUN([XENVIF_MAKE_OVS_BUILD],
  [AC_MSG_CHECKING([for Open vSwitch source])
   ovs_source=`"$srcdir/build-aux/ovs-build" find "$with_ovs_source"` ||
     AC_MSG_ERROR([no Open vSwitch source
  install Debian's openvswitch-source or use --with-ovs-source])
   AC_MSG_RESULT([$ovs_source])
   AC_MSG_CHECKING([for a configured Open vSwitch (takes a while to make)])
   eval "set x $OVS_CONFIGURE_ARGS"
   shift
   ovs_srcdir=`"$srcdir/build-aux/ovs-build" prepare "$ovs_source" . \
       --prefix=/usr --sysconfdir=/etc --localstatedir=/var \
       --disable-silent-rules CC="$CC" LDFLAGS="$LDFLAGS" \
       CFLAGS="$CFLAGS${SANITIZER_CFLAGS:+ $SANITIZER_CFLAGS}" \
       PYTHON3="$PYTHON3" "$[@]"` ||
     AC_MSG_ERROR([cannot configure Open vSwitch in `pwd`/ovs-build
  see ovs-build.log])
   ovs_builddir=`pwd`/ovs-build
   AC_MSG_RESULT([$ovs_builddir])])

# XENVIF_OVS_FLAGS
#
# OVS_CFLAGS: those flags of Open vSwitch's compilation that change what its
# headers mean (-m, -f, -D, ...), as far as our compiler takes them.  Warnings
# and -O are ours.  OVS_LIBS, OVS_LDFLAGS: for a daemon.
AC_DEFUN([XENVIF_OVS_FLAGS],
  [AC_MSG_CHECKING([for Open vSwitch's compiler flags])
   XENVIF_OVS_VAR([ovs_cflags], [CFLAGS AM_CFLAGS])
   XENVIF_OVS_VAR([OVS_LIBS], [LIBS])
   XENVIF_OVS_VAR([OVS_LDFLAGS], [DPDK_vswitchd_LDFLAGS])
   OVS_CFLAGS=
   xenvif_prefix=
   for flag in $ovs_cflags; do
     AS_IF([test -n "$xenvif_prefix"],
       [flag="$xenvif_prefix $flag" xenvif_prefix=])
     AS_CASE(["$flag"],
       [-include|-I|-isystem|-D|-U], [xenvif_prefix=$flag],
       [-m*|-f*|-D*|-U*|-I*|-isystem*|-include*|-pthread],
       [AS_CASE([" $CFLAGS $SANITIZER_CFLAGS $OVS_CFLAGS "], [*" $flag "*], [],
          [XENVIF_TRY_FLAG([$flag], [OVS_CFLAGS="$OVS_CFLAGS $flag"])])])
   done
   AC_MSG_RESULT([${OVS_CFLAGS:-none}])
   AC_SUBST([OVS_CFLAGS])
   AC_SUBST([OVS_LIBS])
   AC_SUBST([OVS_LDFLAGS])])

# XENVIF_CHECK_OVS_MEMBER([VARIABLE], [STRUCT.MEMBER], [HEADER])
#
# Sets output variable VARIABLE to 1 or 0.
AC_DEFUN([XENVIF_CHECK_OVS_MEMBER],
  [AC_CHECK_MEMBER([$2], [$1=1], [$1=0], [[#include <config.h>
#include "$3"]])
   AC_SUBST([$1])])

# XENVIF_CHECK_OVS_API
#
# What differs between the releases that we build with is asked of the headers
# and not of a version number, because distributions backport.
AC_DEFUN([XENVIF_CHECK_OVS_API],
  [OVS_INCLUDES="-I$ovs_builddir/include -I$ovs_srcdir/include \
-I$ovs_builddir/lib -I$ovs_srcdir/lib -I$ovs_builddir -I$ovs_srcdir"
   AC_SUBST([OVS_INCLUDES])
   xenvif_save_CPPFLAGS=$CPPFLAGS
   xenvif_save_ovs_CFLAGS=$CFLAGS
   CPPFLAGS="$CPPFLAGS $OVS_INCLUDES"
   CFLAGS="$CFLAGS $OVS_CFLAGS"
   AC_CHECK_MEMBER([struct netdev_class.rxq_recv], [],
     [AC_MSG_ERROR([cannot use Open vSwitch's netdev-provider.h
  see config.log])],
     [[#include <config.h>
#include "netdev-provider.h"]])
   XENVIF_CHECK_OVS_MEMBER([HAVE_CSUM_START],
     [struct dp_packet.csum_start], [dp-packet.h])
   XENVIF_CHECK_OVS_MEMBER([HAVE_OFFLOADS],
     [struct dp_packet.offloads], [dp-packet.h])
   dnl Not the member: with DPDK, it is in the mbuf.
   AC_CHECK_DECL([dp_packet_set_tso_segsz], [HAVE_TSO_SEGSZ=1],
     [HAVE_TSO_SEGSZ=0], [[#include <config.h>
#include "dp-packet.h"]])
   AC_SUBST([HAVE_TSO_SEGSZ])
   AC_CHECK_DECL([dp_packet_hwol_is_tunnel], [HAVE_TUNNEL_OFFLOADS=1],
     [HAVE_TUNNEL_OFFLOADS=0], [[#include <config.h>
#include "dp-packet.h"]])
   AC_SUBST([HAVE_TUNNEL_OFFLOADS])
   AC_CHECK_DECL([unixctl_command_reply_json], [HAVE_UNIXCTL_JSON=1],
     [HAVE_UNIXCTL_JSON=0], [[#include <config.h>
#include "unixctl.h"]])
   AC_SUBST([HAVE_UNIXCTL_JSON])
   XENVIF_CHECK_OVS_MEMBER([HAVE_BATCH_CAPACITY],
     [struct dp_packet_batch.capacity], [dp-packet.h])
   CPPFLAGS=$xenvif_save_CPPFLAGS
   CFLAGS=$xenvif_save_ovs_CFLAGS])
