# -*- shell-script -*-
# shellcheck shell=bash
#
# SPDX-License-Identifier: Apache-2.0

# What check.sh and demo.sh share: installing packages and building.  $top is
# the source tree.

n_jobs=$(nproc)

# What calls of APT's programs need for another release than the machine's, see
# use_suite.
apt=()

# What comes before the commands that configure, make and test, see
# root_of_suite.
inside=()

die () {
    echo "${0##*/}: $*" >&2
    exit 1
}

# packages USE...
#
# Prints the names of the packages that build-aux/packages lists for USE on
# this release of Debian, or on the one that "${apt[@]}" names.
packages () {
    local use name
    for use; do
        sed -n "s/^$use //p" "$top/build-aux/packages"
    done | while read -r name; do
        case $name in
        *'*'*)
            # A glob: what is installed, or else the newest that there is.
            { test ${#apt[@]} -ne 0 ||
                  dpkg-query -W -f '${Status}:${Package}\n' "$name" 2>&1 |
                  sed -n 's/^install ok installed://p' || :
              apt-cache "${apt[@]}" pkgnames |
                  grep -E "^${name%\*}[0-9.]*\$" | sort -rV
            } | sed -n 1p ;;
        *)
            echo "$name" ;;
        esac
    done
}

# is_installed PACKAGE
is_installed () {
    test "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" \
        = installed
}

# install_packages USE...
#
# Installs what is missing.  Asks nothing and starts no service.
install_packages () {
    local name missing=()
    test -z "${XENVIF_NO_INSTALL-}" || return 0
    command -v apt-get >/dev/null || die "this is not Debian: install the" \
        "counterparts of the packages in build-aux/packages yourself and" \
        "set XENVIF_NO_INSTALL=1"
    if ! apt-cache show openvswitch-source >/dev/null 2>&1; then
        apt-get -qq update
    fi
    for name in $(packages "$@"); do
        is_installed "$name" || missing+=("$name")
    done
    if test ${#missing[@]} -eq 0; then
        return 0
    fi
    echo "installing ${missing[*]}"
    local install=(env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1
                   apt-get -qq -y --no-install-recommends
                   -o Dpkg::Use-Pty=0 install "${missing[@]}")
    # Package lists may be too old to find the files that they name.
    "${install[@]}" >/dev/null 2>&1 || {
        apt-get -qq update
        "${install[@]}" >/dev/null
    }
}

# use_suite
#
# Has APT use $suite, a release of Debian that it is not configured for, in an
# APT configuration of our own: mirror and keys are those of this machine.
# Everything is in $cache; calls of apt-get need "${apt[@]}".
use_suite () {
    local dir=$cache/apt uri
    uri=$(apt-get indextargets --format \
              '$(ORIGIN) $(COMPONENT) $(REPO_URI) $(CODENAME)' |
          sed -n 's/^Debian main \([^ ]*\/debian\/\) [a-z]*$/\1/p' | head -n 1)
    test -n "$uri" || die "APT has no Debian mirror that could have $suite"
    mkdir -p "$dir"/{lists/partial,cache}
    cat >"$dir/sources.list" <<EOF_SOURCES
deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $uri $suite main
EOF_SOURCES
    apt+=(-o Dir::Etc::SourceList="$dir/sources.list"
          -o Dir::Etc::SourceParts=/dev/null
          -o Dir::State::Lists="$dir/lists" -o Dir::Cache="$dir/cache")
    apt-get "${apt[@]}" update
}

# new_root ROOT
#
# Makes a folder that packages can be unpacked into.  Newer packages have
# nothing in /bin and /lib any more where older ones have; links make both the
# same.
new_root () {
    local folder
    mkdir -p "$1"/usr/{bin,sbin,lib,lib64}
    for folder in bin sbin lib lib64; do
        ln -s usr/$folder "$1/$folder"
    done
}

# unpack_package FILE ROOT
unpack_package () {
    dpkg-deb --fsys-tarfile "$1" |
        tar -x --keep-directory-symlink -C "$2"
}

# root_of_suite SUITE
#
# Downloads what it takes to build and to run both suites on another release of
# Debian and unpacks that into the folder $build_root/SUITE-root, unless that
# has been done.  Nothing is installed: what packages make of themselves when
# they are installed is made here, as far as anything needs it.
root_of_suite () {
    local suite=$1 cache=$build_root/$1-root.new root=$build_root/$1-root
    local apt=(-o Dir::State::Status=/dev/null -o Debug::NoLocking=1)
    local stamp package
    stamp=$(cksum <"$top/build-aux/packages")
    test "$(cat "$root/stamp" 2>/dev/null)" != "$stamp" || return 0
    rm -rf "$root" "$cache"
    mkdir -p "$cache/debs/partial"
    new_root "$cache/root"
    use_suite || return 1
    # shellcheck disable=SC2046 # A list of names.
    apt-get -qq -y --no-install-recommends "${apt[@]}" \
        -o Dir::Cache::Archives="$cache/debs" --download-only install \
        $(packages root build run check matrix) || return 1
    for package in "$cache"/debs/*.deb; do
        unpack_package "$package" "$cache/root" || return 1
    done
    (cd "$cache/root" &&
     cp usr/share/base-passwd/passwd.master etc/passwd &&
     cp usr/share/base-passwd/group.master etc/group &&
     # tcpdump gives root's rights up to become this user.
     echo tcpdump:x:900:65534::/:/usr/sbin/nologin >>etc/passwd &&
     echo 127.0.0.1 localhost >etc/hosts &&
     ln -sf mawk usr/bin/awk &&
     chroot . /sbin/ldconfig) || return 1
    echo "$stamp" >"$cache/root/stamp"
    mv "$cache/root" "$root"
    rm -rf "$cache"
}

# enter_root SUITE
#
# Has the commands that build and test run in the folder that root_of_suite has
# made.
enter_root () {
    inside=("$top/build-aux/run-in-root" "$build_root/$1-root"
            "$top" "$build_root" --)
}

# Is there no configure script, or one that is older than what it is made of?
needs_boot () {
    test ! -x "$top/configure" ||
        find "$top/configure.ac" "$top/Makefile.am" "$top"/*/automake.mk \
             "$top"/m4/xenvif-*.m4 -newer "$top/configure" | grep -q .
}

# build NAME [CONFIGURE-ARGUMENT...]
#
# Builds in $build_root/NAME, configuring only if that has not been done with
# the same arguments.
build () {
    local dir=$build_root/$1
    shift
    ! needs_boot || (cd "$top" && ./boot.sh) || return 1
    if test -e "$top/config.status"; then
        die "the source tree has been configured in place," \
            "which rules out any other build: run 'make distclean' first"
    fi
    mkdir -p "$dir"
    if test ! -e "$dir/Makefile" ||
            test "$(cat "$dir/.arguments" 2>/dev/null)" != "$*"; then
        (cd "$dir" && "${inside[@]}" "$top/configure" --quiet "$@") ||
            return 1
        echo "$*" >"$dir/.arguments"
    fi
    "${inside[@]}" make -C "$dir" --no-print-directory -j"$n_jobs"
}
