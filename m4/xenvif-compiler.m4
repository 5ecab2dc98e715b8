# SPDX-License-Identifier: Apache-2.0

# The compiler, its warnings, its sanitizers and its coverage.

# XENVIF_REQUIRE_COMPILER
#
# Says what to install before AC_PROG_CC says only what is missing.
AC_DEFUN([XENVIF_REQUIRE_COMPILER],
  [AC_CHECK_PROGS([xenvif_found_cc], [${CC%% *} gcc cc clang])
   AS_IF([test -z "$xenvif_found_cc"],
         [AC_MSG_ERROR([no C compiler found
  install Debian's build-essential])])
   AC_CHECK_PROGS([xenvif_found_make], [make])
   AS_IF([test -z "$xenvif_found_make"],
         [AC_MSG_ERROR([no make found
  install Debian's build-essential])])])

# XENVIF_COVERAGE
#
# COVERAGE_CFLAGS: for what --enable-coverage covers, which is the provider.
# COVERAGE_LDFLAGS: for what is linked with that.  Counters are atomic because
# threads that poll and the control thread run the same functions.
AC_DEFUN([XENVIF_COVERAGE],
  [AC_ARG_ENABLE([coverage],
     [AS_HELP_STRING([--enable-coverage],
        [count which lines and branches of lib/ run, for "make coverage"])],
     [], [enable_coverage=no])
   AC_ARG_VAR([GCOV],
     [the gcov of the compiler (default: gcov; for clang, "llvm-cov gcov")])
   : "${GCOV=gcov}"
   COVERAGE_CFLAGS=
   COVERAGE_LDFLAGS=
   AS_IF([test "x$enable_coverage" != xno],
     [: "${CFLAGS=-O0 -g}"
      COVERAGE_CFLAGS="--coverage -fprofile-update=atomic"
      COVERAGE_LDFLAGS=--coverage
      AC_CHECK_PROGS([GCOVR], [gcovr])
      AS_IF([test -z "$GCOVR"],
            [AC_MSG_ERROR([gcovr not found
  install Debian's gcovr])])])
   AC_SUBST([COVERAGE_CFLAGS])
   AC_SUBST([COVERAGE_LDFLAGS])
   AM_CONDITIONAL([COVERAGE], [test "x$enable_coverage" != xno])])

# XENVIF_SANITIZERS
#
# SANITIZER_CFLAGS: for everything that --enable-asan covers, which is all of
# Open vSwitch, the provider and the tests, but not the emulation library that
# is loaded into programs of others, such as xenstored.
AC_DEFUN([XENVIF_SANITIZERS],
  [AC_ARG_ENABLE([asan],
     [AS_HELP_STRING([--enable-asan],
        [build with AddressSanitizer and UndefinedBehaviorSanitizer,
         Open vSwitch included])],
     [], [enable_asan=no])
   AS_IF([test "x$enable_asan" != xno],
     [: "${CFLAGS=-O1 -g}"
      SANITIZER_CFLAGS="-fsanitize=address,undefined -fno-omit-frame-pointer"],
     [: "${CFLAGS=-O2 -g}"
      SANITIZER_CFLAGS=])
   AC_SUBST([SANITIZER_CFLAGS])
   AC_SUBST([enable_asan])])

# XENVIF_TRY_FLAG([FLAG], [IF-ACCEPTED])
#
# Runs IF-ACCEPTED if the compiler takes FLAG without a word.
AC_DEFUN([XENVIF_TRY_FLAG],
  [xenvif_save_CFLAGS=$CFLAGS
   CFLAGS="$CFLAGS -Werror $1"
   AC_COMPILE_IFELSE([AC_LANG_SOURCE([[int xenvif_dummy;]])],
                     [xenvif_flag_ok=yes], [xenvif_flag_ok=no])
   CFLAGS=$xenvif_save_CFLAGS
   AS_IF([test $xenvif_flag_ok = yes], [$2])])

# XENVIF_WARNINGS
#
# WARNING_CFLAGS: the warnings that our sources are free of.
# --enable-Werror makes errors of them in our sources, not in Open vSwitch's.
AC_DEFUN([XENVIF_WARNINGS],
  [AC_ARG_ENABLE([Werror],
     [AS_HELP_STRING([--enable-Werror], [make errors of warnings])],
     [], [enable_Werror=no])
   AC_MSG_CHECKING([which warnings $CC knows])
   WARNING_CFLAGS=
   for flag in -Wall -Wextra -Wno-sign-compare -Wshadow -Wmissing-prototypes \
               -Wstrict-prototypes -Wold-style-definition -Wpointer-arith \
               -Wformat-security -Wbad-function-cast -Wthread-safety; do
     XENVIF_TRY_FLAG([$WARNING_CFLAGS $flag],
                     [AS_VAR_APPEND([WARNING_CFLAGS], [" $flag"])])
   done
   AC_MSG_RESULT([$WARNING_CFLAGS])
   AS_IF([test "x$enable_Werror" != xno],
         [WARNING_CFLAGS="$WARNING_CFLAGS -Werror"])
   AC_SUBST([WARNING_CFLAGS])])
