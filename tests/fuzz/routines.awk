# SPDX-License-Identifier: BSD-2-Clause
# From mig -layout: the kernel's routines and the types of their arguments, as C.
BEGIN {
	print "/* Generated from the .defs. */"
	print "#include \"fuzz.h\""
	print "const struct fuzz_routine fuzz_routines[] = {"
}
/^#/ { next }
{
	split($0, part, / \| /)
	fields = ""
	n = 0
	text = part[2]
	while (match(text, /\[[^]]*\]/)) {
		split(substr(text, RSTART + 1, RLENGTH - 2), word, /[\/ ]/)
		flags = substr(text, RSTART, RLENGTH)
		name = word[1] ~ /POLYMORPHIC/ ? 255 : word[1]
		fields = fields sprintf(" { %s, %s, %s, %d },", name, word[2], word[3], \
		    (flags ~ /ool/ ? 1 : 0) + (flags ~ /max/ ? 2 : 0) + (flags ~ /dealloc/ ? 4 : 0))
		text = substr(text, RSTART + RLENGTH)
		n++
	}
	printf "\t{ %s, \"%s\", %d, {%s } },\n", $1, $3, n, fields
}
END {
	print "};"
	print "const unsigned fuzz_routine_count = sizeof fuzz_routines / sizeof fuzz_routines[0];"
}
