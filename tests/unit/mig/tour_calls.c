/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Calls of every routine of tour.defs. Everything a stub writes to lies in blocks of exactly the
 * size it may write, so that the address sanitizer sees one byte too many.
 */
#include "tour_calls.h"

#include <stdlib.h>
#include <string.h>

#include <mach/mig_errors.h>

#include "fake_kernel.h"
#include "tour.user.h"

#define PORT 100

int tour_errors, tour_last_error;
extern int tour_simple_sum;
extern unsigned tour_reply_kind, tour_reply_name;
uintptr_t tour_payload(unsigned name);

void
tour_error(kern_return_t code)
{
	tour_errors++;
	tour_last_error = code;
}

#define CHECK(what) do { if (strict && !(what)) return #what; } while (0)

static const char *
call_scalars(int strict)
{
	tour_blob_t h = { "sixteen bytes.." }, rh;
	char ra;
	int16_t rb;
	int rc;
	int64_t rd;
	boolean_t re;
	float rf;
	mach_port_name_t rg;
	kern_return_t kr = tour_scalars(PORT, 'x', -2, -3, -4000000000ll, 1, 1.5f, 0xdeadbeef, h, &ra, &rb,
	    &rc, &rd, &re, &rf, &rg, &rh);

	CHECK(kr == KERN_SUCCESS);
	CHECK(ra == 'x' && rb == -2 && rc == -3 && rd == -4000000000ll && re == 1 && rf == 1.5f);
	CHECK(rg == 0xdeadbeef);
	CHECK(memcmp(&h, &rh, sizeof(h)) == 0);
	return NULL;
}

static const char *
inout_count(int strict, unsigned count)
{
	tour_mixed_t mixed = { 1, 10, "ab" };
	int16_t fixed[6] = { 0, 1, 2, 3, 4, 5 };
	int *ints = malloc(40 * sizeof(int));
	unsigned ints_count = count;
	int64_t address = 32;
	int last = 0;
	kern_return_t kr;
	int good = 1;

	for (unsigned i = 0; i < 40; i++)
		ints[i] = (int)i;
	kr = tour_inout(PORT, &address, mixed, fixed, ints, &ints_count, &last);
	for (unsigned i = 0; i + 1 < count && count <= 40; i++)
		good = good && ints[i] == (int)i * 2;
	free(ints);
	if (count > 40) {
		CHECK(kr == MIG_ARRAY_TOO_LARGE);
		return NULL;
	}
	CHECK(kr == KERN_SUCCESS && address == 42 && fixed[0] == 1 && fixed[5] == 6);
	CHECK(good && ints_count == (count ? count - 1 : 0));
	CHECK(last == (count ? (int)count - 1 : -1));
	return NULL;
}

static const char *
call_inout(int strict)
{
	static const unsigned counts[] = { 0, 1, 2, 39, 40, 41, 0xffffffff };
	const char *wrong = NULL;

	for (unsigned i = 0; i < sizeof(counts) / sizeof(counts[0]) && wrong == NULL; i++)
		wrong = inout_count(strict, counts[i]);
	return wrong;
}

static const char *
call_structs(int strict)
{
	tour_mixed_t mixed = { -7, 1ll << 40, "cd" }, rmixed;
	tour_bytes_t bytes = { "five" }, rbytes;
	tour_words_t words = { { 1, 2, 3, 4, 5 } }, rwords;
	kern_return_t kr = tour_structs(PORT, mixed, bytes, words, &rmixed, &rbytes, &rwords);

	CHECK(kr == KERN_SUCCESS);
	CHECK(rmixed.kind == -7 && rmixed.big == 1ll << 40 && memcmp(rmixed.tail, "cd", 3) == 0);
	CHECK(memcmp(&bytes, &rbytes, sizeof(bytes)) == 0 && memcmp(&words, &rwords, sizeof(words)) == 0);
	return NULL;
}

static const char *
variable_counts(int strict, unsigned nchars, unsigned nmixed, unsigned nints)
{
	char *chars = calloc(1, 21), *rchars = malloc(21);
	tour_mixed_t *mixeds = calloc(9, sizeof(*mixeds)), *rmixeds = malloc(9 * sizeof(*mixeds));
	int *ints = calloc(40, sizeof(int)), *rints = malloc(40 * sizeof(int));
	unsigned rnchars = 21, rnmixed = 9, rnints = 40;
	int rhead = 0, rtail = 0, same;
	int64_t rmiddle = 0;
	kern_return_t kr;

	for (unsigned i = 0; i < 21; i++)
		chars[i] = (char)i;
	for (unsigned i = 0; i < 9; i++)
		mixeds[i].big = (int64_t)i << 33;
	for (unsigned i = 0; i < 40; i++)
		ints[i] = -(int)i;
	kr = tour_variable(PORT, 11, chars, nchars, 12, mixeds, nmixed, ints, nints, 13, &rhead, rchars,
	    &rnchars, &rmiddle, rmixeds, &rnmixed, rints, &rnints, &rtail);
	same = kr == KERN_SUCCESS && rnchars == nchars && rnmixed == nmixed && rnints == nints &&
	    memcmp(chars, rchars, nchars) == 0 && memcmp(mixeds, rmixeds, nmixed * sizeof(*mixeds)) == 0 &&
	    memcmp(ints, rints, nints * sizeof(int)) == 0 && rhead == 11 && rmiddle == 12 && rtail == 13;
	free(chars);
	free(rchars);
	free(mixeds);
	free(rmixeds);
	free(ints);
	free(rints);
	CHECK(same);
	return NULL;
}

static const char *
call_variable(int strict)
{
	static const unsigned counts[][3] = {
		{ 0, 0, 0 }, { 1, 1, 1 }, { 8, 0, 2 }, { 0, 9, 0 }, { 21, 9, 40 }, { 20, 3, 39 }, { 7, 2, 0 }
	};
	const char *wrong = NULL;

	for (unsigned i = 0; i < sizeof(counts) / sizeof(counts[0]) && wrong == NULL; i++)
		wrong = variable_counts(strict, counts[i][0], counts[i][1], counts[i][2]);
	return wrong;
}

/* A capacity smaller than what the server has: it is told, and the caller's array stays whole. */
static const char *
call_small_capacity(int strict)
{
	char chars[21] = "0123456789abcdefghij", *rchars = malloc(4);
	tour_mixed_t mixeds[2] = { { 0 } }, *rmixeds = malloc(sizeof(*rmixeds));
	int ints[1] = { 5 }, *rints = malloc(40 * sizeof(int));
	unsigned rnchars = 4, rnmixed = 1, rnints = 40;
	int rhead, rtail, same;
	int64_t rmiddle;
	kern_return_t kr = tour_variable(PORT, 1, chars, 20, 2, mixeds, 2, ints, 1, 3, &rhead, rchars,
	    &rnchars, &rmiddle, rmixeds, &rnmixed, rints, &rnints, &rtail);

	same = rnchars == 4 && rnmixed == 1 && memcmp(rchars, "0123", 4) == 0;
	free(rchars);
	free(rmixeds);
	free(rints);
	CHECK(kr == KERN_SUCCESS && same);
	return NULL;
}

static void
give_back(void *data, size_t bytes)
{
	if (fake_block(data, bytes) && bytes != 0)
		fake_free(data, bytes);
}

static const char *
indefinite_counts(int strict, unsigned nints, unsigned nmixed, unsigned capacity)
{
	int *ints = calloc(nints + 1, sizeof(int)), *room = calloc(capacity + 1, sizeof(int));
	tour_mixed_t *mixed = calloc(nmixed + 1, sizeof(*mixed)), *mroom = calloc(85, sizeof(*mixed));
	int *rints = room;
	tour_mixed_t *rmixed = mroom;
	unsigned rnints = capacity, rnmixed = 85;
	int rbetween = 0, same;
	kern_return_t kr;

	for (unsigned i = 0; i < nints; i++)
		ints[i] = (int)(i * 3);
	for (unsigned i = 0; i < nmixed; i++)
		mixed[i].kind = (int)i;
	kr = tour_indefinite(PORT, ints, nints, 1, mixed, nmixed, 2, &rints, &rnints, &rbetween, &rmixed,
	    &rnmixed);
	same = kr == KERN_SUCCESS && rnints == nints && rnmixed == nmixed && rbetween == 3 &&
	    memcmp(ints, rints, nints * sizeof(int)) == 0 &&
	    memcmp(mixed, rmixed, nmixed * sizeof(*mixed)) == 0 && (nints > capacity || rints == room);
	if (kr == KERN_SUCCESS && rints != room)
		give_back(rints, rnints * sizeof(int));
	if (kr == KERN_SUCCESS && rmixed != mroom)
		give_back(rmixed, rnmixed * sizeof(*mixed));
	free(ints);
	free(room);
	free(mixed);
	free(mroom);
	CHECK(same);
	return NULL;
}

static const char *
call_indefinite(int strict)
{
	static const unsigned counts[][3] = {
		{ 0, 0, 512 }, { 1, 1, 1 }, { 512, 85, 512 }, { 513, 86, 512 }, { 2000, 300, 600 }, { 7, 3, 2 },
		{ 513, 1, 0 }, { 100, 200, 100 }
	};
	const char *wrong = NULL;

	for (unsigned i = 0; i < sizeof(counts) / sizeof(counts[0]) && wrong == NULL; i++)
		wrong = indefinite_counts(strict, counts[i][0], counts[i][1], counts[i][2]);
	return wrong;
}

static const char *
out_counts(int strict, unsigned count)
{
	int *kept = fake_alloc(count * 4), *given = fake_alloc(count * 4), *maybe = fake_alloc(count * 4);
	int64_t *one = fake_alloc(8);
	int *row = fake_alloc(16), *rkept = NULL, *rgiven = NULL, *rmaybe = NULL;
	unsigned rnkept = 0, rngiven = 0, rnmaybe = 0;
	int after = 0, same;
	kern_return_t kr;

	for (unsigned i = 0; i < count; i++)
		kept[i] = given[i] = maybe[i] = (int)i + 5;
	*one = 40;
	row[3] = 2;
	kr = tour_out_of_line(PORT, kept, count, given, count, maybe, count, count & 1, one, row, &rkept,
	    &rnkept, &rgiven, &rngiven, &rmaybe, &rnmaybe, &after);
	same = kr == KERN_SUCCESS && rnkept == count && rngiven == count && rnmaybe == count && after == 42;
	for (unsigned i = 0; same && i < count; i++)
		same = rkept[i] == (int)i + 5 && rgiven[i] == rkept[i] && rmaybe[i] == rkept[i];
	/* what was given away is the caller's no longer */
	if (strict && count != 0)
		same = same && !fake_block(given, 1) && fake_block(kept, 1) &&
		    fake_block(maybe, 1) == !(count & 1);
	if (strict) {
		give_back(rkept, rnkept * 4);
		give_back(rgiven, rngiven * 4);
		give_back(rmaybe, rnmaybe * 4);
	}
	CHECK(same);
	return NULL;
}

static const char *
call_out(int strict)
{
	const char *wrong = out_counts(strict, 3);

	if (wrong == NULL)
		wrong = out_counts(strict, 10000);
	if (wrong == NULL)
		wrong = out_counts(strict, 0);
	return wrong;
}

static const char *
call_strings(int strict)
{
	static const char longest[] = "12345678901234567890123";
	char *rname = malloc(24), *rlabel = malloc(24), *rold = malloc(24);
	int tail = 0, same;
	kern_return_t kr = tour_strings(PORT, "short", "", longest, 9, rname, rlabel, rold, &tail);

	same = kr == KERN_SUCCESS && tail == 9 && strcmp(rname, "short") == 0 && strcmp(rlabel, "") == 0 &&
	    strcmp(rold, longest) == 0;
	/* too long: cut, but ended */
	kr = tour_strings(PORT, "a name of more than 24 bytes", "a label of more than 24 bytes", "x", 9, rname,
	    rlabel, rold, &tail);
	same = same && kr == KERN_SUCCESS && strcmp(rname, "a name of more than 24 ") == 0 &&
	    strcmp(rlabel, "a label of more than 24") == 0;
	free(rname);
	free(rlabel);
	free(rold);
	CHECK(same);
	return NULL;
}

static const char *
call_rights(int strict)
{
	mach_port_t rcopied = 0, rmoved = 0, rany = 0, rsend = 0;
	mach_msg_type_name_t kind = 0;
	kern_return_t kr = tour_rights(PORT, 1, 2, 3, 4, 5, 6, MACH_MSG_TYPE_MAKE_SEND_ONCE, 7,
	    MACH_MSG_TYPE_COPY_SEND, &rcopied, &rmoved, &rany, &kind, &rsend);

	CHECK(kr == KERN_SUCCESS);
	CHECK(rcopied == 1 && rmoved == 3 && rany == 6 && rsend == 7);
	CHECK(kind == MACH_MSG_TYPE_PORT_SEND_ONCE);
	kr = tour_rights(PORT, 0, 0, 0, 0, 0, ~0u, MACH_MSG_TYPE_MOVE_SEND, 0, MACH_MSG_TYPE_MOVE_SEND,
	    &rcopied, &rmoved, &rany, &kind, &rsend);
	CHECK(kr == KERN_SUCCESS && rcopied == 0 && rany == ~0u && rsend == 0);
	CHECK(kind == MACH_MSG_TYPE_PORT_SEND);
	return NULL;
}

static const char *
right_array_counts(int strict, unsigned nsome, unsigned nfar, unsigned nmany)
{
	mach_port_t fixed[3] = { 31, 32, 33 }, rfixed[3];
	mach_port_t *some = malloc(7 * 4), *rsome = malloc(7 * 4), *far = fake_alloc(nfar * 4), *rfar = NULL;
	mach_port_t *many = malloc((nmany + 1) * 4), *room = malloc(256 * 4), *rmany = room;
	unsigned rnsome = 7, rnfar = 0, rnmany = 256;
	int tail = 0, same;
	kern_return_t kr;

	for (unsigned i = 0; i < 7; i++)
		some[i] = 40 + i;
	for (unsigned i = 0; i < nfar; i++)
		far[i] = 1000 + i;
	for (unsigned i = 0; i < nmany; i++)
		many[i] = 2000 + i;
	kr = tour_right_arrays(PORT, fixed, some, nsome, some, MACH_MSG_TYPE_MAKE_SEND, nsome, far, nfar, many,
	    nmany, rfixed, rsome, &rnsome, &rfar, &rnfar, &rmany, &rnmany, &tail);
	same = kr == KERN_SUCCESS && rnsome == nsome && rnfar == nfar && rnmany == nmany &&
	    memcmp(fixed, rfixed, sizeof(fixed)) == 0 && memcmp(some, rsome, nsome * 4) == 0 &&
	    (nfar == 0 || memcmp(far, rfar, nfar * 4) == 0) && memcmp(many, rmany, nmany * 4) == 0 &&
	    tail == (int)nsome;
	if (kr == KERN_SUCCESS && strict) {
		give_back(rfar, rnfar * 4);
		if (rmany != room)
			give_back(rmany, rnmany * 4);
		give_back(far, nfar * 4);
	}
	free(some);
	free(rsome);
	free(many);
	free(room);
	CHECK(same);
	return NULL;
}

static const char *
call_right_arrays(int strict)
{
	const char *wrong = right_array_counts(strict, 7, 5, 3);

	if (wrong == NULL)
		wrong = right_array_counts(strict, 0, 0, 0);
	if (wrong == NULL)
		wrong = right_array_counts(strict, 1, 500, 256);
	if (wrong == NULL)
		wrong = right_array_counts(strict, 2, 1, 700);
	return wrong;
}

static const char *
call_simple(int strict)
{
	char chars[21] = { 1, 2, 3 };

	tour_simple_sum = 0;
	CHECK(tour_simple(PORT, 10, chars, 3) == KERN_SUCCESS && tour_simple_sum == 16);
	CHECK(tour_simple(PORT, 10, chars, 22) == MIG_ARRAY_TOO_LARGE);
	tour_simple(PORT, 10, chars, 21);
	return NULL;
}

static const char *
call_translated(int strict)
{
	mach_port_t result = 0;
	kern_return_t kr = tour_translated(PORT, 55, &result);

	CHECK(kr == KERN_SUCCESS && result == 55);
	return NULL;
}

static const char *
call_fail(int strict)
{
	int *data = fake_alloc(12), value = 0;
	kern_return_t kr;

	memset(data, 1, 12);
	kr = tour_fail(PORT, KERN_NO_SPACE, 61, data, 3, &value);
	CHECK(kr == KERN_NO_SPACE && value == 0);
	kr = tour_fail(PORT, KERN_SUCCESS, 61, data, 3, &value);
	CHECK(kr == KERN_SUCCESS && value == 1);
	return NULL;
}

static const char *
call_header(int strict)
{
	int value = 0;
	kern_return_t kr = tour_header(PORT, 99, 1234, MACH_RCV_INTERRUPT, 6, &value);

	CHECK(kr == KERN_SUCCESS && value == 7);
	CHECK(fake_last_timeout == 1234 && fake_last_reply_name == 99);
	CHECK((fake_last_options & (MACH_RCV_TIMEOUT | MACH_RCV_INTERRUPT | MACH_SEND_MSG | MACH_RCV_MSG)) ==
	    (MACH_RCV_TIMEOUT | MACH_RCV_INTERRUPT | MACH_SEND_MSG | MACH_RCV_MSG));
	CHECK(tour_reply_name == 99 && tour_reply_kind == MACH_MSG_TYPE_PORT_SEND_ONCE);
	return NULL;
}

static const char *
call_reply_port(int strict)
{
	int value = 0;
	kern_return_t kr = tour_reply_port(PORT, 6, &value);

	CHECK(kr == KERN_SUCCESS && value == 6);
	CHECK(tour_reply_name == 4711 && tour_reply_kind == MACH_MSG_TYPE_PORT_SEND_ONCE);
	return NULL;
}

static const char *
call_request(int strict)
{
	kern_return_t kr = tour_request(PORT, 88, 5);

	CHECK(kr == KERN_SUCCESS && fake_last_reply_name == 88 && tour_simple_sum == 5);
	CHECK(fake_last_timeout == 7 && (fake_last_options & MACH_SEND_TIMEOUT));
	return NULL;
}

static const char *
call_once(int strict)
{
	kern_return_t kr = tour_once(PORT, 17);

	CHECK(kr == KERN_SUCCESS && tour_simple_sum == 17 &&
	    fake_last_remote_kind == MACH_MSG_TYPE_MOVE_SEND_ONCE);
	return NULL;
}

static const char *
call_poly_port(int strict)
{
	kern_return_t kr = tour_poly_port(PORT, MACH_MSG_TYPE_MOVE_SEND, 21);

	CHECK(kr == KERN_SUCCESS && tour_simple_sum == PORT && fake_last_remote_kind == MACH_MSG_TYPE_MOVE_SEND);
	return NULL;
}

static const char *
call_procedures(int strict)
{
	int result = 0;

	tour_errors = 0;
	tour_procedure(PORT, 8, &result);
	CHECK(result == 8 && tour_errors == 0);
	tour_simple_procedure(PORT, 9);
	CHECK(tour_simple_sum == 9);
	return NULL;
}

static const char *
call_function(int strict)
{
	int twice = 0;
	int64_t square = tour_function(PORT, 1 << 20, &twice);

	CHECK(square == 1ll << 40 && twice == 1 << 21);
	return NULL;
}

static const char *
call_marked(int strict)
{
	mach_port_name_t name = 0;
	kern_return_t kr = tour_marked(PORT, &name);

	CHECK(kr == KERN_SUCCESS && name == PORT);
#ifndef SERVER_KERNEL
	fake_payload = tour_payload(555);
	kr = tour_marked(PORT, &name);
	fake_payload = 0;
	CHECK(kr == KERN_SUCCESS && name == 555);
#endif
	return NULL;
}

#ifndef SERVER_KERNEL
static const char *
call_borrowed(int strict)
{
	int ints[600];
	int64_t sum = 0;
	kern_return_t kr;

	for (int i = 0; i < 600; i++)
		ints[i] = i;
	kr = tour_borrowed(PORT, ints, 10, &sum);
	CHECK(kr == KERN_SUCCESS && sum == 45);
	kr = tour_borrowed(PORT, ints, 600, &sum);
	CHECK(kr == KERN_SUCCESS && sum == 600 * 599 / 2);
	/* refused: what came out of line is freed with the request, and only with it */
	ints[0] = -1;
	kr = tour_borrowed(PORT, ints, 600, &sum);
	CHECK(kr == KERN_NO_SPACE);
	return NULL;
}
#endif

const struct tour_call tour_calls[] = {
	{ "scalars", call_scalars },
	{ "inout", call_inout },
	{ "structs", call_structs },
	{ "variable arrays", call_variable },
	{ "capacity of the caller's arrays", call_small_capacity },
	{ "indefinite arrays", call_indefinite },
	{ "out-of-line data", call_out },
	{ "strings", call_strings },
	{ "rights", call_rights },
	{ "arrays of rights", call_right_arrays },
	{ "simple routine", call_simple },
	{ "translated rights", call_translated },
	{ "failing routine", call_fail },
	{ "reply port, time limit, option, sequence number", call_header },
	{ "server's reply port argument", call_reply_port },
	{ "caller's reply port argument", call_request },
	{ "send-once request port", call_once },
	{ "polymorphic request port", call_poly_port },
	{ "procedures", call_procedures },
	{ "function", call_function },
	{ "protected payload", call_marked },
#ifndef SERVER_KERNEL
	{ "indefinite array without ServerCopy", call_borrowed },
#endif
};

const unsigned tour_call_count = sizeof(tour_calls) / sizeof(tour_calls[0]);
