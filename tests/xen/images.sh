# -*- shell-script -*-
# shellcheck shell=bash
#
# SPDX-License-Identifier: Apache-2.0

# Makes what the virtual machine boots from: the hypervisor and the kernel in
# the forms that need no unpacking there (an emulated processor is slow), and
# an initramfs for dom0 and one for guests.

# Kernel modules that dom0 and guests get, with all that these depend on.
dom0_modules="9p 9pnet_virtio virtio_pci tun veth xenfs xen-evtchn xen-gntalloc
    xen-gntdev xen-netback xen-privcmd"
guest_modules="xen-netfront 8021q vxlan"

# Programs that dom0 and guests get, besides busybox.  xen-init-dom0 and its
# like have no place in PATH; they are found by name.
dom0_programs="dash ethtool ip iperf3 kmod libxl-save-helper tcpdump xl
    xen-init-dom0 xenconsole xenconsoled xenstore-control xenstore-exists
    xenstore-list xenstore-ls xenstore-read xenstore-rm xenstore-watch
    xenstore-write xenstored"
guest_programs="dash ethtool ip iperf3"

# le_bytes FILE OFFSET N
#
# Prints the little-endian number of N bytes at OFFSET of FILE.
le_bytes () {
    od -A n -t "u$3" -j "$2" -N "$3" --endian=little "$1" | tr -d ' '
}

# unpack_kernel FILE OUTPUT
#
# Writes the ELF file that is inside a bzImage (its boot protocol says where).
unpack_kernel () {
    local in=$1 out=$2 start length magic tool
    start=$((($(le_bytes "$in" $((0x1f1)) 1) + 1) * 512
             + $(le_bytes "$in" $((0x248)) 4)))
    length=$(le_bytes "$in" $((0x24c)) 4)
    magic=$(od -A n -t x1 -j $start -N 4 "$in" | tr -d ' ')
    case $magic in
    fd377a58) tool="xz -dc --single-stream" ;;
    28b52ffd) tool="zstd -dcq" ;;
    1f8b*) tool="gzip -dc" ;;
    02214c18) tool="lz4 -dcq" ;;
    *) die "$in: unknown compression ($magic)" ;;
    esac
    # The size of the kernel follows what is compressed, in four bytes.
    tail -c +$((start + 1)) "$in" 2>/dev/null | head -c $((length - 4)) |
        $tool >"$out" || test ${PIPESTATUS[2]} -eq 0
}

# find_kernel
#
# Prints the path of the kernel: Debian's packages have it in /boot, since
# Linux 6.16 with the modules.
find_kernel () {
    local file
    for file in "$sysroot/boot/vmlinuz-$kernel_version" \
            "$sysroot/usr/lib/modules/$kernel_version/vmlinuz"; do
        if test -e "$file"; then
            echo "$file"
            return
        fi
    done
    die "no package has the kernel $kernel_version"
}

# find_program NAME
#
# Prints the path of a program of the unpacked packages.  What Xen's packages
# have in PATH are scripts that choose between versions of Xen.
find_program () {
    local file
    for file in "$sysroot"/usr/{lib/xen-*/bin,bin,sbin}/"$1"; do
        if test -e "$file"; then
            echo "$file"
            return
        fi
    done
}

# libraries FILE
#
# Prints the paths of the shared libraries of a program, as they are among the
# unpacked packages: their own loader tells.
libraries () {
    local dir=$sysroot/usr/lib path
    path=$dir/x86_64-linux-gnu:$dir
    "$dir/x86_64-linux-gnu/ld-linux-x86-64.so.2" --inhibit-cache \
        --library-path "$path" --list "$1" |
        sed -n 's/.*=> \(\/.*\) (0x.*/\1/p'
}

# add_program ROOT FILE [NAME]
add_program () {
    local root=$1 file=$2 name=${3:-${2##*/}} library
    cp -L "$file" "$root/usr/bin/$name"
    # Scripts have no libraries.
    test "$(head -c 2 "$file")" != '#!' || return 0
    libraries "$file" | while read -r library; do
        case $library in
        "$sysroot"/*) cp -Ln "$library" "$root/usr/lib/" ;;
        *) die "${file##*/}: no package of the virtual machine has $library"
        esac
    done
}

# add_modules ROOT MODULE...
add_modules () {
    local root=$1 name file
    shift
    for name; do
        modprobe -d "$sysroot" -S "$kernel_version" --show-depends "$name" ||
            die "kernel $kernel_version has no module $name"
    done | sed -n 's/^insmod \([^ ]*\).*/\1/p' | sort -u |
    while read -r file; do
        mkdir -p "$root/usr/lib/modules/$kernel_version"
        cp "$file" "$root/usr/lib/modules/$kernel_version/"
    done
    cp "$sysroot/usr/lib/modules/$kernel_version"/modules.builtin* \
        "$root/usr/lib/modules/$kernel_version/"
    : >"$root/usr/lib/modules/$kernel_version/modules.order"
    depmod -b "$root" "$kernel_version"
}

# make_root ROOT INIT
#
# Makes a file system with busybox, its commands, the C library and /init.
make_root () {
    local root=$1 init=$2 name
    rm -rf "$root"
    mkdir -p "$root/usr"/{bin,lib} "$root"/{dev,etc,proc,root,run,sys,tmp,var}
    ln -s usr/bin "$root/bin"
    ln -s usr/bin "$root/sbin"
    ln -s usr/lib "$root/lib"
    ln -s usr/lib "$root/lib64"
    ln -s bin "$root/usr/sbin"
    cp "$sysroot/usr/bin/busybox" "$root/usr/bin/busybox"
    "$sysroot/usr/bin/busybox" --list | while read -r name; do
        test "$name" = busybox || ln -s busybox "$root/usr/bin/$name"
    done
    cp -L "$sysroot"/usr/lib/x86_64-linux-gnu/{ld-linux-x86-64,libc}.so.? \
        "$sysroot"/usr/lib/x86_64-linux-gnu/libgcc_s.so.1 "$root/usr/lib/"
    ln -s /proc/mounts "$root/etc/mtab"
    echo 'root:x:0:0:root:/root:/bin/sh' >"$root/etc/passwd"
    echo 'root:x:0:' >"$root/etc/group"
    cp "$init" "$root/init"
    chmod +x "$root/init"
}

# add_xdp_programs ROOT
#
# Compiles two XDP programs for guests, if something here can do that.
add_xdp_programs () {
    local verdict=1 name
    if command -v clang >/dev/null; then
        mkdir -p "$1/usr/share/xdp"
        for name in drop pass; do
            clang -target bpf -O2 -g -DVERDICT=$verdict \
                -c "$here/guest-xdp.c" -o "$1/usr/share/xdp/$name.o"
            verdict=$((verdict + 1))
        done
    fi
}

# pack_root ROOT OUTPUT
pack_root () {
    (cd "$1" && find . | cpio --quiet -o -H newc -R 0:0) | gzip -1 >"$2.new"
    mv "$2.new" "$2"
}

# make_image NAME
#
# Makes $cache/NAME.img unless it is there and nothing that it is made from is
# newer.
make_image () {
    local name=$1 root=$cache/$1.root image=$cache/$1.img program file
    if test -e "$image" && test "$here/$name-init" -ot "$image" &&
            test "$here/images.sh" -ot "$image" &&
            test "$here/guest-net-up" -ot "$image" &&
            test "$here/guest-console" -ot "$image" &&
            test "$here/guest-xdp.c" -ot "$image" &&
            test "$cache/stamp" -ot "$image"; then
        return 0
    fi
    make_root "$root" "$here/$name-init"
    local programs=${name}_programs modules=${name}_modules
    for program in ${!programs}; do
        file=$(find_program "$program")
        test -n "$file" || die "no package has the program $program"
        # A link to busybox is in its place.
        rm -f "$root/usr/bin/$program"
        add_program "$root" "$file"
    done
    add_modules "$root" ${!modules}
    # Debian's /bin/sh: it is what the hotplug script has to do with, and
    # busybox's would prefer its own commands to the real ones.
    ln -sf dash "$root/usr/bin/sh"
    # For guests, and for driver domains, which get dom0's files.
    install -m 644 "$here/guest-console" "$root/usr/bin/"
    case $name in
    dom0)
        # Busybox's ignores most of what modprobe.d may say.
        ln -sf kmod "$root/usr/bin/modprobe" ;;
    guest)
        install -m 755 "$here/guest-net-up" "$root/usr/bin/net-up"
        add_xdp_programs "$root" ;;
    esac
    pack_root "$root" "$image"
    rm -rf "$root"
}

# make_images
#
# Makes xen, vmlinux, vmlinux.gz, dom0.img and guest.img in $cache.
make_images () {
    local kernel
    if test ! -e "$cache/vmlinux"; then
        gzip -dc "$sysroot"/boot/xen-*[0-9]-amd64.gz >"$cache/xen"
        kernel=$(find_kernel)
        unpack_kernel "$kernel" "$cache/vmlinux.new"
        strip "$cache/vmlinux.new"
        mv "$cache/vmlinux.new" "$cache/vmlinux"
    fi
    make_image dom0
    make_image guest
}
