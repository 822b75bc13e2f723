#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Generated files of golden.defs against the ones kept in golden/.
# usage: golden_test.sh MIG [-update]
mig=$1 here=tests/unit/mig
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
status=0 total=0

"$mig" -Iabi -user "$work/user.c" -server "$work/server.c" -header "$work/user.h" \
	-sheader "$work/server.h" -iheader "$work/ids.h" -layout "$work/layout" -list "$work/list" \
	"$here/golden.defs" || exit 1
if [ "$2" = -update ]; then
	mkdir -p "$here/golden"
	cp "$work"/* "$here/golden"
	exit
fi
for name in user.c server.c user.h server.h ids.h layout list; do
	total=$((total + 1))
	if diff -u "$here/golden/$name" "$work/$name" > "$work/diff"; then
		echo "ok $total - golden $name"
	else
		echo "not ok $total - golden $name"
		sed 's/^/# /' "$work/diff"
		status=1
	fi
done

# both compilers, as generated files are compiled everywhere
for cc in gcc clang; do
	command -v $cc > /dev/null || continue
	for name in user server; do
		total=$((total + 1))
		if $cc -std=gnu11 -O2 -Wall -Wextra -Wmissing-prototypes -Werror -Iabi -I$here -c -o "$work/object.o" \
		    "$work/$name.c" > "$work/log" 2>&1; then
			echo "ok $total - $name.c compiles with $cc"
		else
			echo "not ok $total - $name.c compiles with $cc"
			sed 's/^/# /' "$work/log"
			status=1
		fi
	done
done
echo "1..$total"
exit $status
