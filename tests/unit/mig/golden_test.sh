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

# one file per routine
total=$((total + 1))
if "$mig" -Iabi -i "$work/one_" -user /dev/null -server /dev/null -header /dev/null "$here/golden.defs" &&
    cat "$work"/one_golden_add.c "$work"/one_golden_list.c "$work"/one_golden_write.c > /dev/null; then
	echo "ok $total - one file per routine"
else
	echo "not ok $total - one file per routine"
	status=1
fi

# callers in the kernel
total=$((total + 1))
if "$mig" -Iabi -DKERNEL_USER=1 -user "$work/pager.c" -server /dev/null -header /dev/null \
	abi/mach/memory_object.defs; then
	echo "ok $total - kernel callers"
else
	echo "not ok $total - kernel callers"
	status=1
fi

# both compilers, as generated files are compiled everywhere
for cc in gcc clang; do
	command -v $cc > /dev/null || continue
	for name in user server one_golden_add one_golden_list one_golden_write pager; do
		total=$((total + 1))
		if $cc -std=gnu11 -O2 -Wall -Wextra -Wmissing-prototypes -Werror -Iabi -I$here -I$here/shim -c -o "$work/object.o" \
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
