# SPDX-License-Identifier: Apache-2.0

# Libraries and programs that Debian packages bring.

m4_ifndef([PKG_PROG_PKG_CONFIG],
  [m4_fatal([pkg.m4 not found (install Debian's pkg-config)])])

# XENVIF_PKG([PREFIX], [MODULES], [DEBIAN-PACKAGE])
AC_DEFUN([XENVIF_PKG],
  [PKG_CHECK_MODULES([$1], [$2], [],
     [AC_MSG_ERROR([not found: $2
  install Debian's $3])])])

# XENVIF_CHECK_PYTHON
#
# Open vSwitch's build generates code with Python 3.
AC_DEFUN([XENVIF_CHECK_PYTHON],
  [AC_PATH_PROG([PYTHON3], [python3])
   AS_IF([test -z "$PYTHON3"],
         [AC_MSG_ERROR([python3 not found
  install Debian's python3])])])

# XENVIF_CHECK_LIBRARIES
#
# XEN_*: what the provider calls.  XENCTRL_*: only for the emulated host, which
# answers the calls that xenstored makes.
AC_DEFUN([XENVIF_CHECK_LIBRARIES],
  [PKG_PROG_PKG_CONFIG
   AS_IF([test -z "$PKG_CONFIG"],
         [AC_MSG_ERROR([pkg-config not found
  install Debian's pkg-config])])
   XENVIF_PKG([XEN], [xengnttab xenevtchn xenstore xentoollog], [libxen-dev])
   XENVIF_PKG([XENCTRL], [xencontrol], [libxen-dev])
   XENVIF_PKG([CMOCKA], [cmocka], [libcmocka-dev])])

# XENVIF_CHECK_RST2MAN
#
# Without it (Debian's python3-docutils) some manual pages are not made.
AC_DEFUN([XENVIF_CHECK_RST2MAN],
  [AC_CHECK_PROGS([RST2MAN], [rst2man rst2man.py])
   AM_CONDITIONAL([HAVE_RST2MAN], [test -n "$RST2MAN"])])
