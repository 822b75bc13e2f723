#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Build newlib from Debian's source package with Debian's own compiler, once.
#	build.sh OUTPUT TARBALL
# leaves OUTPUT/root (headers) and OUTPUT/libnewlib.a: libc and libm without the
# members our own layer replaces. What the tools say goes to OUTPUT/log.
set -eu
out=$1 tarball=$2
mkdir -p "$out"
out=$(cd "$out" && pwd)
unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES CC CFLAGS CONFIG O || :

if [ ! -f "$tarball" ]; then
	echo "newlib: $tarball is missing; type: apt-get install newlib-source" >&2
	exit 1
fi

build() {
	rm -rf "${out:?}/src" "${out:?}/build" "${out:?}/bin" "${out:?}/root"
	mkdir -p "$out/src" "$out/build" "$out/bin"
	tar -C "$out/src" --strip-components=1 -xf "$tarball"
	for tool in gcc ar ranlib as ld nm strip objdump readelf; do
		ln -s "$(command -v $tool)" "$out/bin/x86_64-elf-$tool"
	done
	ln -s "$(command -v gcc)" "$out/bin/x86_64-elf-cc"
	PATH=$out/bin:$PATH
	cd "$out/build"
	../src/configure --target=x86_64-elf --prefix="$out/root" --disable-libgloss \
		--disable-multilib --disable-shared --disable-nls --disable-newlib-supplied-syscalls \
		--enable-newlib-io-long-long --enable-newlib-io-c99-formats \
		--enable-newlib-retargetable-locking --enable-newlib-global-stdio-streams \
		CFLAGS_FOR_TARGET="-O2 -g -fno-pic -fno-pie -fno-stack-protector -fcf-protection=none -fno-common -D__DYNAMIC_REENT__"
	make -j"$(nproc)" all-target-newlib
	make install-target-newlib
	lib=$out/root/x86_64-elf/lib
	printf 'create %s\naddlib %s\naddlib %s\nsave\nend\n' \
		"$out/libnewlib.a" "$lib/libc.a" "$lib/libm.a" | ar -M
	ar d "$out/libnewlib.a" lib_a-lock.o lib_a-getreent.o lib_a-environ.o
	ranlib "$out/libnewlib.a"
}

rm -f "$out/libnewlib.a"
if ! (build) > "$out/log" 2>&1; then
	tail -n 20 "$out/log" >&2
	echo "newlib: the build failed; all of it is in $out/log" >&2
	rm -f "$out/libnewlib.a"
	exit 1
fi
rm -rf "$out/src" "$out/build"
