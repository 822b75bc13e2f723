/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The routines of tour.defs. Each touches all it is given, checks that every right and block is
 * one the kernel handed over, and consumes them when it succeeds.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake_kernel.h"
#include "tour.server.h"

#define NAME(port) fake_name((const void *)(uintptr_t)(port))
#define PORT(name) ((mach_port_t)(uintptr_t)fake_port(name))

struct tour_object {
	unsigned	name;
	int		references;
};

static struct tour_object objects[65536];
int tour_object_references;
uintptr_t tour_payload(unsigned name);
int tour_simple_sum;
unsigned tour_reply_kind, tour_reply_name;

static void
must(int good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "server: %s\n", what);
	abort();
}

static void
right_use(mach_port_t port)
{
	must(fake_right_known(NAME(port)), "a right the kernel did not give");
	fake_right_release(NAME(port));
}

/* No bytes may come from nowhere. */
static void
copy(void *to, const void *from, size_t bytes)
{
	if (bytes != 0)
		memcpy(to, from, bytes);
}

static long
touch(const void *data, size_t bytes)
{
	const unsigned char *at = data;
	long sum = 0;

	for (size_t i = 0; i < bytes; i++)
		sum += at[i];
	return sum;
}

static void
out_use(const void *data, size_t count, size_t element)
{
	if (count == 0) {
		must(data == NULL, "no data but a pointer");
		return;
	}
	must(fake_block(data, count * element), "memory the kernel did not give");
	touch(data, count * element);
	fake_free(data, count * element);
}

tour_object_t
tour_object_from_port(mach_port_t port)
{
	struct tour_object *object = &objects[NAME(port) % 65536];

	tour_object_references++;
	object->name = NAME(port);
	return object;
}

tour_object_t
tour_object_from_payload(uintptr_t payload)
{
	tour_object_references++;
	must(payload >= (uintptr_t)objects && payload < (uintptr_t)(objects + 65536), "a payload");
	return (tour_object_t)payload;
}

uintptr_t
tour_payload(unsigned name)
{
	objects[name].name = name;
	return (uintptr_t)&objects[name];
}

mach_port_t
tour_object_to_port(tour_object_t object)
{
	tour_object_references--;
	return PORT(object->name);
}

void
tour_object_release(tour_object_t object)
{
	(void)object;
	tour_object_references--;
}

kern_return_t
S_tour_scalars(mach_port_t port, char a, int16_t b, int c, int64_t d, boolean_t e, float f,
    mach_port_name_t g, tour_blob_t h, char *ra, int16_t *rb, int *rc, int64_t *rd, boolean_t *re,
    float *rf, mach_port_name_t *rg, tour_blob_t *rh)
{
	(void)port;
	*ra = a;
	*rb = b;
	*rc = c;
	*rd = d;
	*re = e;
	*rf = f;
	*rg = g;
	*rh = h;
	return KERN_SUCCESS;
}

kern_return_t
S_tour_inout(mach_port_t port, int64_t *address, tour_mixed_t mixed, tour_fixed_t fixed,
    tour_ints_t ints, mach_msg_type_number_t *intsCnt, int *last)
{
	(void)port;
	*address = (int64_t)((uint64_t)*address + (uint64_t)mixed.big);
	for (int i = 0; i < 6; i++)
		fixed[i] = (int16_t)(fixed[i] + 1);
	must(*intsCnt <= 40, "count of an inout array");
	*last = *intsCnt ? ints[*intsCnt - 1] : -1;
	for (unsigned i = 0; i < *intsCnt; i++)
		ints[i] = (int)((unsigned)ints[i] * 2);
	if (*intsCnt > 0)
		*intsCnt -= 1;
	return KERN_SUCCESS;
}

kern_return_t
S_tour_structs(mach_port_t port, tour_mixed_t mixed, tour_bytes_t bytes, tour_words_t words,
    tour_mixed_t *rmixed, tour_bytes_t *rbytes, tour_words_t *rwords)
{
	(void)port;
	*rmixed = mixed;
	*rbytes = bytes;
	*rwords = words;
	return KERN_SUCCESS;
}

kern_return_t
S_tour_variable(mach_port_t port, int head, tour_chars_t chars, mach_msg_type_number_t charsCnt,
    int64_t middle, tour_mixeds_t mixeds, mach_msg_type_number_t mixedsCnt, tour_ints_t ints,
    mach_msg_type_number_t intsCnt, int tail, int *rhead, tour_chars_t rchars,
    mach_msg_type_number_t *rcharsCnt, int64_t *rmiddle, tour_mixeds_t rmixeds,
    mach_msg_type_number_t *rmixedsCnt, tour_ints_t rints, mach_msg_type_number_t *rintsCnt, int *rtail)
{
	(void)port;
	*rhead = head;
	*rmiddle = middle;
	*rtail = tail;
	if (charsCnt > *rcharsCnt)
		charsCnt = *rcharsCnt;
	copy(rchars, chars, charsCnt);
	*rcharsCnt = charsCnt;
	if (mixedsCnt > *rmixedsCnt)
		mixedsCnt = *rmixedsCnt;
	copy(rmixeds, mixeds, mixedsCnt * sizeof(*mixeds));
	*rmixedsCnt = mixedsCnt;
	must(*rintsCnt == 40 && intsCnt <= 40, "capacity of an out array");
	copy(rints, ints, intsCnt * sizeof(*ints));
	*rintsCnt = intsCnt;
	return KERN_SUCCESS;
}

kern_return_t
S_tour_indefinite(mach_port_t port, tour_many_t ints, mach_msg_type_number_t intsCnt,
    boolean_t intsSCopy, int between, tour_many_mixed_t mixed, mach_msg_type_number_t mixedCnt,
    boolean_t mixedSCopy, int flavor, tour_many_t *rints, mach_msg_type_number_t *rintsCnt,
    int *rbetween, tour_many_mixed_t *rmixed, mach_msg_type_number_t *rmixedCnt)
{
	size_t bytes = intsCnt * sizeof(*ints), mixed_bytes = mixedCnt * sizeof(*mixed);

	(void)port;
	touch(ints, bytes);
	touch(mixed, mixed_bytes);
	*rbetween = (int)((unsigned)between + (unsigned)flavor);
	if (intsCnt > *rintsCnt)
		*rints = fake_alloc(bytes);
	copy(*rints, ints, bytes);
	*rintsCnt = intsCnt;
	if (mixedCnt > *rmixedCnt)
		*rmixed = fake_alloc(mixed_bytes);
	copy(*rmixed, mixed, mixed_bytes);
	*rmixedCnt = mixedCnt;
	if (!intsSCopy)
		out_use(ints, intsCnt, sizeof(*ints));
	if (!mixedSCopy)
		out_use(mixed, mixedCnt, sizeof(*mixed));
	return KERN_SUCCESS;
}

static int *
out_copy(const int *data, unsigned count)
{
	int *room = NULL;

	if (count != 0) {
		room = fake_alloc(count * sizeof(int));
		memcpy(room, data, count * sizeof(int));
	}
	return room;
}

kern_return_t
S_tour_out_of_line(mach_port_t port, tour_out_t kept, mach_msg_type_number_t keptCnt, tour_out_t given,
    mach_msg_type_number_t givenCnt, tour_out_t maybe, mach_msg_type_number_t maybeCnt, tour_one_t one,
    tour_row_t row, tour_out_t *rkept, mach_msg_type_number_t *rkeptCnt, tour_out_t *rgiven,
    mach_msg_type_number_t *rgivenCnt, tour_out_t *rmaybe, mach_msg_type_number_t *rmaybeCnt,
    boolean_t *rmaybeDealloc, int *after)
{
	(void)port;
	*after = (int)((uint64_t)*one + (unsigned)row[3]);
	/* whoever keeps what it sends frees it later: here the next call, or the test's end */
	*rkept = out_copy(kept, keptCnt);
	*rkeptCnt = keptCnt;
	*rgiven = out_copy(given, givenCnt);
	*rgivenCnt = givenCnt;
	*rmaybe = out_copy(maybe, maybeCnt);
	*rmaybeCnt = maybeCnt;
	*rmaybeDealloc = maybeCnt > 3;
	out_use(kept, keptCnt, sizeof(int));
	out_use(given, givenCnt, sizeof(int));
	out_use(maybe, maybeCnt, sizeof(int));
	out_use(one, 1, sizeof(*one));
	out_use(row, 4, sizeof(*row));
	return KERN_SUCCESS;
}

kern_return_t
S_tour_strings(mach_port_t port, tour_name_t name, tour_label_t label, tour_old_name_t old, int tail,
    tour_name_t rname, tour_label_t rlabel, tour_old_name_t rold, int *rtail)
{
	(void)port;
	must(strlen(name) < 24 && strlen(label) < 24 && strlen(old) < 24, "a string without an end");
	strcpy(rname, name);
	strcpy(rlabel, label);
	strcpy(rold, old);
	*rtail = tail;
	return KERN_SUCCESS;
}

static void
kind_check(mach_msg_type_name_t kind)
{
	must(kind >= MACH_MSG_TYPE_MOVE_RECEIVE && kind <= MACH_MSG_TYPE_MAKE_SEND_ONCE, "kind of a right");
}

#ifdef KERNEL
kern_return_t
S_tour_rights(mach_port_t port, mach_port_t copied, mach_port_t made, mach_port_t moved,
    mach_port_t once, mach_port_t receive, mach_port_t any, mach_msg_type_name_t anyPoly,
    mach_port_t send, mach_port_t *rcopied, mach_port_t *rmoved, mach_port_t *rany,
    mach_msg_type_name_t *ranyPoly, mach_port_t *rsend)
#else
kern_return_t
S_tour_rights(mach_port_t port, mach_port_t copied, mach_port_t made, mach_port_t moved,
    mach_port_t once, mach_port_t receive, mach_port_t any, mach_msg_type_name_t anyPoly,
    mach_port_t send, mach_port_t *rcopied, mach_port_t *rmoved, mach_port_t *rany,
    mach_msg_type_name_t *ranyPoly, mach_port_t *rsend, mach_msg_type_name_t *rsendPoly)
#endif
{
	(void)port;
	kind_check(anyPoly);
	right_use(copied);
	right_use(made);
	right_use(moved);
	right_use(once);
	right_use(receive);
	right_use(any);
	right_use(send);
	*rcopied = copied;
	*rmoved = moved;
	*rany = any;
	*ranyPoly = anyPoly;
	*rsend = send;
#ifndef KERNEL
	*rsendPoly = MACH_MSG_TYPE_MAKE_SEND;
#endif
	return KERN_SUCCESS;
}

kern_return_t
S_tour_right_arrays(mach_port_t port, tour_ports_fixed_t fixed, tour_ports_t some,
    mach_msg_type_number_t someCnt, tour_ports_poly_t poly, mach_msg_type_number_t polyCnt,
    tour_ports_out_t far, mach_msg_type_number_t farCnt, tour_ports_many_t many,
    mach_msg_type_number_t manyCnt, boolean_t manySCopy, tour_ports_fixed_t rfixed, tour_ports_t rsome,
    mach_msg_type_number_t *rsomeCnt, tour_ports_out_t *rfar, mach_msg_type_number_t *rfarCnt,
    tour_ports_many_t *rmany, mach_msg_type_number_t *rmanyCnt, int *tail)
{
	(void)port;
	copy(rfixed, fixed, 3 * sizeof(*fixed));
	*rsomeCnt = someCnt < *rsomeCnt ? someCnt : *rsomeCnt;
	copy(rsome, some, *rsomeCnt * sizeof(*some));
	*rfar = NULL;
	*rfarCnt = farCnt;
	if (farCnt != 0) {
		*rfar = fake_alloc(farCnt * sizeof(*far));
		copy(*rfar, far, farCnt * sizeof(*far));
	}
	if (manyCnt > *rmanyCnt)
		*rmany = fake_alloc(manyCnt * sizeof(*many));
	copy(*rmany, many, manyCnt * sizeof(*many));
	*rmanyCnt = manyCnt;
	*tail = (int)polyCnt;
	for (int i = 0; i < 3; i++)
		right_use(fixed[i]);
	for (unsigned i = 0; i < someCnt; i++)
		right_use(some[i]);
	for (unsigned i = 0; i < polyCnt; i++)
		right_use(poly[i]);
	for (unsigned i = 0; i < farCnt; i++)
		right_use(far[i]);
	for (unsigned i = 0; i < manyCnt; i++)
		right_use(many[i]);
	out_use(far, farCnt, sizeof(*far));
	if (!manySCopy)
		out_use(many, manyCnt, sizeof(*many));
	return KERN_SUCCESS;
}

kern_return_t
S_tour_simple(mach_port_t port, int value, tour_chars_t chars, mach_msg_type_number_t charsCnt)
{
	(void)port;
	must(charsCnt <= 21, "count of a variable array");
	tour_simple_sum = (int)((unsigned)value + (unsigned)touch(chars, charsCnt));
	return KERN_SUCCESS;
}

kern_return_t
S_tour_translated(tour_object_t object, tour_object_t other, tour_object_t *result)
{
	must(tour_object_references == 2, "two references for two arguments");
	must(object->name != 0 || other->name == 0 || other->name != 0, "names");
	tour_object_references++;
	*result = other;
#ifndef KERNEL
	/* the right itself is the routine's; a kernel's stub releases it */
	fake_right_release(other->name);
#endif
	return KERN_SUCCESS;
}

kern_return_t
S_tour_fail(mach_port_t port, int code, mach_port_t right, tour_out_t data,
    mach_msg_type_number_t dataCnt, int *value)
{
	(void)port;
	*value = 1;
	touch(data, dataCnt * sizeof(*data));
	if (code != KERN_SUCCESS && code != MIG_NO_REPLY)
		return code;
	right_use(right);
	out_use(data, dataCnt, sizeof(*data));
	return code;
}

kern_return_t
S_tour_header(mach_port_t port, mach_port_t back, mach_msg_type_name_t backPoly, natural_t seqno,
    int value, int *rvalue)
{
	(void)port;
	tour_reply_name = NAME(back);
	tour_reply_kind = backPoly;
	must(seqno == 77, "sequence number");
	*rvalue = (int)((unsigned)value + 1);
	return KERN_SUCCESS;
}

kern_return_t
S_tour_reply_port(mach_port_t port, mach_port_t back, mach_msg_type_name_t backPoly, int value,
    int *rvalue)
{
	(void)port;
	tour_reply_name = NAME(back);
	tour_reply_kind = backPoly;
	*rvalue = value;
	return KERN_SUCCESS;
}

kern_return_t
S_tour_request(mach_port_t port, int value)
{
	(void)port;
	tour_simple_sum = value;
	return KERN_SUCCESS;
}

kern_return_t
S_tour_once(mach_port_t port, mach_port_name_t name)
{
	(void)port;
	tour_simple_sum = (int)name;
	return KERN_SUCCESS;
}

kern_return_t
S_tour_poly_port(mach_port_t port, mach_port_t right)
{
	tour_simple_sum = (int)NAME(port);
	right_use(right);
	return KERN_SUCCESS;
}

void
S_tour_procedure(mach_port_t port, int value, int *result)
{
	(void)port;
	*result = value;
}

void
S_tour_simple_procedure(mach_port_t port, int value)
{
	(void)port;
	tour_simple_sum = value;
}

int64_t
S_tour_function(mach_port_t port, int value, int *twice)
{
	(void)port;
	*twice = (int)((unsigned)value * 2);
	return (int64_t)value * value;
}

#ifdef KERNEL
void
ipc_port_release_send(struct ipc_port *port)
{
	fake_right_release(NAME(port));
}
#else
kern_return_t
S_tour_borrowed(mach_port_t port, tour_many_t ints, mach_msg_type_number_t intsCnt, int64_t *sum)
{
	(void)port;
	*sum = 0;
	for (unsigned i = 0; i < intsCnt; i++)
		*sum += ints[i];
	return intsCnt > 0 && ints[0] == -1 ? KERN_NO_SPACE : KERN_SUCCESS;
}
#endif

kern_return_t
S_tour_marked(tour_object_t port, mach_port_name_t *name)
{
	*name = port->name;
	return KERN_SUCCESS;
}
