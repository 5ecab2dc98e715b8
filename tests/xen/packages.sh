# -*- shell-script -*-
# shellcheck shell=bash
#
# SPDX-License-Identifier: Apache-2.0

# What the virtual machine consists of: Debian packages, unpacked into a folder
# and never installed.  They come with all that they depend on, so that they
# fit together whatever this machine has installed, and from whatever release
# of Debian they are.
#
# Sets sysroot (the unpacked packages) and kernel_version.

# Everything that is in the virtual machine and not ours.  xen-system stands
# for a hypervisor and the tools that go with it.
xen_packages="${XENVIF_XEN_PACKAGES:-xen-system-amd64}
    ${XENVIF_XEN_KERNEL:-linux-image-amd64}
    busybox-static dash ethtool iperf3 iproute2 libcap-ng0 tcpdump"

# The folders of the kernel's package that hold modules we may want.
module_folders="drivers/block drivers/net drivers/virtio drivers/xen crypto
    fs lib net arch/x86/crypto"

# Unpacks a package.
unpack () {
    local package=$1 folder paths=(.)
    case ${package##*/} in
    linux-image-* | linux-binary-* | linux-modules-*)
        paths=(./boot './usr/lib/modules/*/vmlinuz')
        for folder in $module_folders; do
            paths+=("./lib/modules/*/kernel/$folder"
                    "./usr/lib/modules/*/kernel/$folder")
        done
        paths+=('./lib/modules/*/modules.*' './usr/lib/modules/*/modules.*')
        # Half of these patterns match nothing, which tar calls an error.
        dpkg-deb --fsys-tarfile "$package" |
            tar -x --wildcards --keep-directory-symlink -C "$sysroot" \
                "${paths[@]}" 2>/dev/null || : ;;
    *)
        unpack_package "$package" "$sysroot" ;;
    esac
}

# get_packages
#
# Fills $cache/root unless it has these packages already.
get_packages () {
    local stamp package
    sysroot=$cache/root
    stamp="$suite $(echo $xen_packages)"
    if test "$(cat "$cache/stamp" 2>/dev/null)" != "$stamp"; then
        rm -rf "$cache"
        mkdir -p "$cache/debs/partial"
        new_root "$sysroot"
        # No status: packages that are installed here are wanted as well.
        apt=(-qq -y --no-install-recommends -o Dir::State::Status=/dev/null
             -o Debug::NoLocking=1)
        if test -n "$suite"; then
            use_suite
        fi
        apt-get "${apt[@]}" -o Dir::Cache::Archives="$cache/debs" \
            --download-only install $xen_packages
        for package in "$cache"/debs/*.deb; do
            unpack "$package"
        done
        rm -rf "$cache/debs"
        echo "$stamp" >"$cache/stamp"
    fi
    kernel_version=$(cd "$sysroot/usr/lib/modules" && echo *)
    test -e "$sysroot/usr/lib/modules/$kernel_version/modules.dep" ||
        depmod -b "$sysroot" "$kernel_version"
}
