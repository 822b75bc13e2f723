#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Bad definitions: status 1, file:line: reason, and no output.
# usage: error_test.sh MIG
mig=$1
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
status=0 total=0

# check_refuse NAME LINE REASON: bad.defs is refused there, because of that
check_refuse() {
	total=$((total + 1))
	rm -f "$work/u.c" "$work/s.c" "$work/h.h"
	"$mig" -Iabi -user "$work/u.c" -server "$work/s.c" -header "$work/h.h" "$work/bad.defs" \
		> "$work/log" 2>&1
	got=$?
	if [ $got = 1 ] && grep -F "$work/bad.defs:$2: " "$work/log" | grep -qF "$3" &&
	    [ ! -e "$work/u.c" ] && [ ! -e "$work/s.c" ] && [ ! -e "$work/h.h" ]; then
		echo "ok $total - $1"
	else
		echo "not ok $total - $1"
		echo "# want status 1 and bad.defs:$2: $3; status $got:"
		sed 's/^/# /' "$work/log"
		status=1
	fi
}

# check_accept NAME: nothing to complain about in good.defs
check_accept() {
	total=$((total + 1))
	if "$mig" -Iabi -user "$work/u.c" -server "$work/s.c" -header "$work/h.h" "$work/good.defs" \
	    > "$work/log" 2>&1 && [ ! -s "$work/log" ] && [ -s "$work/u.c" ]; then
		echo "ok $total - $1"
	else
		echo "not ok $total - $1"
		sed 's/^/# /' "$work/log"
		status=1
	fi
}

# definitions on standard input
refuse() {
	cat > "$work/bad.defs"
	check_refuse "$@"
}

# the same after a subsystem on line 1 and the standard types on line 2
refuse_body() {
	{ printf 'subsystem bad 100;\n#include <mach/std_types.defs>\n'; cat; } > "$work/bad.defs"
	check_refuse "$@"
}

accept_body() {
	{ printf 'subsystem good 100;\n#include <mach/std_types.defs>\n'; cat; } > "$work/good.defs"
	check_accept "$@"
}

refuse 'no subsystem' 2 'no subsystem statement' <<'X'
type t = MACH_MSG_TYPE_INTEGER_32;
X
refuse 'routine before subsystem' 2 'a routine before the subsystem statement' <<'X'
type p = MACH_MSG_TYPE_COPY_SEND;
routine f(a: p);
X
refuse 'subsystem without base' 1 "'bad': a subsystem needs a name and a base number" <<'X'
subsystem bad;
X
refuse 'two subsystems' 2 'a file describes one subsystem' <<'X'
subsystem bad 100;
subsystem worse 200;
X
refuse 'base too large' 1 'base 2147483647 is too large' <<'X'
subsystem bad 2147483647;
X
refuse 'unknown statement' 2 "'rotuine' is not a statement" <<'X'
subsystem bad 100;
rotuine f(a: b);
X
refuse 'unknown type' 4 "type 'nothing' is not declared" <<'X'
subsystem bad 100;
type p = MACH_MSG_TYPE_COPY_SEND;

routine f(a: p; b: nothing);
X
refuse 'unknown primitive' 2 "type 'MACH_MSG_TYPE_FANCY' is not declared" <<'X'
subsystem bad 100;
type t = MACH_MSG_TYPE_FANCY;
X
refuse_body 'unknown direction' 3 "'into' is not a kind of argument" <<'X'
routine f(p: mach_port_t; into b: int);
X
refuse_body 'unknown flag' 4 "'Later' is not a flag" <<'X'
routine f(p: mach_port_t;
	b: int, Later);
X
refuse_body 'no request port' 3 'routine f has no request port' <<'X'
routine f(a: int);
X
refuse_body 'no arguments' 3 'routine f has no request port' <<'X'
routine f();
X
refuse_body 'two request ports' 3 'arguments a and b play the same part' <<'X'
routine f(requestport a: mach_port_t; requestport b: mach_port_t);
X
refuse_body 'request port that is a number' 3 'argument a: not one port right' <<'X'
routine f(requestport a: int);
X
refuse_body 'two arguments of one name' 3 'two arguments are called a' <<'X'
routine f(p: mach_port_t; a: int; a: int);
X
refuse_body 'two routines of one name' 4 'two routines are called f' <<'X'
routine f(p: mach_port_t);
routine f(p: mach_port_t);
X
refuse_body 'results of a simple routine' 3 'no reply can bring back argument a' <<'X'
simpleroutine f(p: mach_port_t; out a: int);
X
refuse_body 'inout port right' 3 'a server cannot have a port right inout' <<'X'
routine f(p: mach_port_t; inout a: mach_port_t);
X
refuse_body 'empty array' 3 'an array has at least one element' <<'X'
type t = array[0] of int;
X
refuse_body 'array of arrays' 4 'this type cannot be an element of an array' <<'X'
type t = array[*:3] of int;
type u = array[4] of t;
X
refuse_body 'pointer to bounded array' 3 'out-of-line arrays have no maximum' <<'X'
type t = ^array[*:5] of int;
X
refuse_body 'pointer to pointer' 4 'a pointer to a pointer' <<'X'
type t = ^array[] of int;
type u = ^t;
X
refuse_body 'indefinite array of large elements' 4 'the element is larger than 2048 bytes' <<'X'
type t = struct[600] of int;
type u = array[] of t;
X
refuse_body 'enormous array' 3 'is too large for a message' <<'X'
type t = array[99999999] of int;
X
refuse_body 'number too large' 3 'the number is too large' <<'X'
type t = array[4611686018427387904*16] of int;
X
refuse_body 'division by zero' 3 'division by zero' <<'X'
type t = array[8/0] of int;
X
refuse_body 'odd size' 3 'a type has 8 to 65528 bits' <<'X'
type t = (MACH_MSG_TYPE_INTEGER_32, 33);
X
refuse_body 'ports in a struct' 3 'a struct holds only data of fixed size' <<'X'
type t = struct { int a; mach_port_t b; };
X
refuse_body 'struct of ports' 3 'a struct cannot hold port rights' <<'X'
type t = struct[2] of mach_port_t;
X
refuse_body 'empty struct' 3 'a struct without members' <<'X'
type t = struct { };
X
refuse_body 'unlike pair' 3 'the two sides are not of the same kind' <<'X'
type t = MACH_MSG_TYPE_COPY_SEND | MACH_MSG_TYPE_INTEGER_32;
X
refuse_body 'CountInOut of a number' 3 'CountInOut is for inline out arrays' <<'X'
routine f(p: mach_port_t; out a: int, CountInOut);
X
refuse_body 'Dealloc of inline data' 3 'Dealloc is for out-of-line data' <<'X'
routine f(p: mach_port_t; a: int, Dealloc);
X
refuse_body 'ServerCopy of a result' 3 'ServerCopy is for out-of-line in arguments' <<'X'
type t = array[] of int; routine f(p: mach_port_t; out a: t, ServerCopy);
X
refuse_body 'missing semicolon' 4 "'routine': expected ';'" <<'X'
routine f(p: mach_port_t)
routine g(p: mach_port_t);
X
refuse_body 'missing parenthesis' 4 "'end of file': expected" <<'X'
routine f(p: mach_port_t; a: int;

X
refuse_body 'import without a file' 3 'an import needs a file name' <<'X'
import mach;
X
refuse_body 'file name without end' 3 'no closing >' <<'X'
import <mach/port.h;
X
refuse_body 'translation twice' 3 'this translation is given twice' <<'X'
type t = mach_port_t intran: o f(mach_port_t) intran: o g(mach_port_t);
X
refuse_body 'function that returns an array' 3 'a function returns a number or a struct' <<'X'
type t = array[3] of int; function f(p: mach_port_t): t;
X
refuse 'kernel caller that waits' 4 'the kernel does not wait for replies' <<'X'
subsystem kerneluser bad 100;

type p = MACH_MSG_TYPE_COPY_SEND ctype: mach_port_t;
routine f(a: p);
X
refuse 'kernel server and indefinite array' 3 "needs ServerCopy" <<'X'
subsystem kernelserver bad 100; type p = MACH_MSG_TYPE_COPY_SEND ctype: mach_port_t;
type t = array[] of MACH_MSG_TYPE_INTEGER_32;
routine f(a: p; b: t);
X
refuse 'several mistakes in one run' 5 'two arguments are called b' <<'X'
subsystem bad 100;
type p = MACH_MSG_TYPE_COPY_SEND ctype: mach_port_t;
type i = MACH_MSG_TYPE_INTEGER_32 ctype: int;
simpleroutine f(a: p; out b: i);
simpleroutine g(a: p; b: i; b: i);
X

accept_body 'words of the language as names' <<'X'
routine type(in: mach_port_t; out: int; inout: int; routine: int; array: int; struct: int; skip: int);
X
accept_body 'keywords in any case' <<'X'
SimpleRoutine f(RequestPort p: mach_port_t; In a: int);
Routine g(p: mach_port_t; InOut a: int; Out b: int);
Skip 3;
UserPrefix u_; ServerPrefix s_;
X
accept_body 'every separator that users leave out or add' <<'X'
type t = array [ * : 2 * ( 3 + 1 ) ] of int;;
routine f(p : mach_port_t; a : t;);
X
accept_body 'inline type, C types of two words, comments' <<'X'
// a comment
routine f(p: mach_port_t; /* another */ a: (MACH_MSG_TYPE_INTEGER_32, 32) ctype: unsigned int);
X

# the place comes from the file the user wrote, through an include
total=$((total + 1))
echo 'type t = nonsense;' > "$work/inner.defs"
printf 'subsystem outer 100;\n\n#include "inner.defs"\n' > "$work/outer.defs"
if ! "$mig" -user /dev/null -server /dev/null -header /dev/null "$work/outer.defs" > "$work/log" 2>&1 &&
    grep -q 'inner.defs:1: type .nonsense. is not declared' "$work/log"; then
	echo "ok $total - place inside an included file"
else
	echo "not ok $total - place inside an included file"
	status=1
fi

# one output that cannot be written takes back the others
total=$((total + 1))
printf 'subsystem few 100;\n' > "$work/few.defs"
if ! "$mig" -user "$work/few.c" -server "$work/no/such/folder.c" -header /dev/null "$work/few.defs" \
    > "$work/log" 2>&1 && [ ! -e "$work/few.c" ]; then
	echo "ok $total - all outputs or none"
else
	echo "not ok $total - all outputs or none"
	status=1
fi
echo "1..$total"
exit $status
