#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Every routine of every definition file against the written table of message layouts.
# usage: layout_test.sh MIG TABLE
mig=$1 table=$2
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT

for file in $(sed -n 's/^subsystem //p' "$table"); do
	# the sampling routines are there for kernels that have them
	echo "subsystem $file"
	"$mig" -Iabi -DMACH_PCSAMPLE=1 -layout - "abi/$file.defs" || echo "0 broken $file"
done > "$work/have"

awk '
function plain(text) {		# what the table does not say
	gsub(/ dealloc\[\]\]/, "]", text)
	gsub(/ max or ool\]| max\]/, "]", text)
	gsub(/ max or ool dealloc\]/, " dealloc]", text)
	return text
}
function same(want, have,   i, n, m, w, h) {
	n = split(want, w, /, /)
	m = split(plain(have), h, /, /)
	if (n != m)
		return 0
	for (i = 1; i <= n; i++) {
		if (w[i] !~ /\[/)		# no single descriptor to compare with
			sub(/\[.*/, "", h[i])
		if (w[i] != h[i])
			return 0
	}
	return 1
}
/^#/ || /^$/ { next }
/^subsystem / { file = $2; next }
FNR == NR { split($0, part, / \| /); name = $3; kind[file, $1] = name; request[file, $1] = part[2]; reply[file, $1] = part[3]; next }
{
	split($0, part, / \| /)
	total++
	key = file SUBSEP $1
	seen[key] = 1
	label = file " " $1 " " $2
	if (kind[key] == $2 && same(part[2], request[key]) && same(part[3], reply[key])) {
		print "ok " total " - " label
	} else {
		print "not ok " total " - " label
		print "# want " part[2] " | " part[3]
		print "# have " kind[key] " " request[key] " | " reply[key]
		bad = 1
	}
}
END {
	for (key in kind)
		if (!(key in seen)) {
			total++
			bad = 1
			print "not ok " total " - " key " " kind[key] " is in the table"
		}
	print "1.." total
	exit bad
}' "$work/have" "$table"
