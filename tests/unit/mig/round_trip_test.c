/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every kind of argument through a real message, and then messages nobody should send.
 *
 * Round trips: results are right, no right and no memory is lost. Hostile requests: real requests
 * with words changed, as far as a kernel would let them pass; the server may refuse or accept, but
 * reads only what is there, loses nothing, and leaves the request alone. Hostile replies: the same
 * for the caller's stubs.
 */
#include <stdio.h>
#include <stdlib.h>

#include <mach/mig_errors.h>
#include <mach/message.h>

#include "fake_kernel.h"
#include "tour_calls.h"

static unsigned tests, failures;
extern int tour_object_references;

static void
result(const char *kind, const char *name, const char *wrong)
{
	tests++;
	if (wrong != NULL)
		failures++;
	printf("%sok %u - %s: %s\n", wrong != NULL ? "not " : "", tests, kind, name);
	if (wrong != NULL)
		printf("# %s\n", wrong);
	fflush(stdout);
}

static void
round_trip(const struct tour_call *call)
{
	const char *wrong;

	fake_reset();
	tour_object_references = 0;
	wrong = call->run(1);
	if (wrong == NULL && fake_rights() != 0)
		wrong = "the server still holds rights";
	if (wrong == NULL && tour_object_references != 0)
		wrong = "references from translations are left";
	result("round trip", call->name, wrong);
}

static const char *
hostile_once(unsigned *seed, unsigned *accepted, unsigned *refused)
{
	static _Alignas(8) char message[65536 + 64];
	unsigned size = fake_capture.size;
	const char *broken;

	__builtin_memcpy(message, fake_capture.bytes, size);
	fake_mutate(message, &size, sizeof(message), seed);
	fake_reset();
	tour_object_references = 0;
	switch (fake_deliver(message, size, &broken)) {
	case FAKE_REFUSED:
		return NULL;
	case FAKE_BAD_ID:
		break;
	case FAKE_DONE:
		if (fake_reply_code() == MIG_BAD_ARGUMENTS)
			(*refused)++;
		else
			(*accepted)++;
		break;
	}
	if (broken == NULL && fake_rights() != 0)
		broken = "rights were lost";
	if (broken == NULL && tour_object_references != 0)
		broken = "references were lost";
	return broken;
}

static void
hostile_requests(const struct tour_call *call, unsigned rounds)
{
	const char *wrong = NULL;
	unsigned seed = 12345, accepted = 0, refused = 0, at = 0;
	char name[160];

	fake_capture.active = true;
	call->run(0);
	fake_capture.active = false;
	for (unsigned i = 0; i < rounds && wrong == NULL; i++) {
		at = seed;
		wrong = hostile_once(&seed, &accepted, &refused);
	}
	if (wrong == NULL && refused == 0)
		wrong = "no request was refused";
	snprintf(name, sizeof(name), "%s (%u accepted, %u refused, seed %u)", call->name, accepted, refused,
	    at);
	result("hostile requests", name, wrong);
}

/* the bytes of a request are all its own: none too many, none missing */
static void
wrong_sizes(const struct tour_call *call)
{
	static _Alignas(8) char message[65536 + 64];
	static const int off[] = { 8, 16, 24, -8 };
	const char *wrong = NULL, *broken;

	fake_capture.active = true;
	call->run(0);
	fake_capture.active = false;
	for (unsigned i = 0; i < sizeof(off) / sizeof(off[0]) && wrong == NULL; i++) {
		unsigned size = fake_capture.size + (unsigned)off[i];

		if (size < 32)
			continue;
		__builtin_memset(message, 0, sizeof(message));
		__builtin_memcpy(message, fake_capture.bytes, size < fake_capture.size ? size : fake_capture.size);
		fake_reset();
		tour_object_references = 0;
		if (fake_deliver(message, size, &broken) == FAKE_DONE && fake_reply_code() != MIG_BAD_ARGUMENTS)
			wrong = off[i] > 0 ? "more bytes than there should be" : "fewer bytes than there should be";
	}
	result("wrong sizes", call->name, wrong);
}

static void
hostile_replies(const struct tour_call *call, unsigned rounds)
{
	fake_reply_mutation.active = true;
	fake_reply_mutation.seed = 54321;
	for (unsigned i = 0; i < rounds; i++) {
		fake_reset();
		tour_object_references = 0;
		call->run(0);
	}
	fake_reply_mutation.active = false;
	result("hostile replies", call->name, NULL);
}

static void
unknown_id(void)
{
	_Alignas(8) mach_msg_header_t message = { .msgh_bits = 0x1513, .msgh_remote_port = 1 };
	static const int ids[] = { 4999, 5010, 5018, 5025, 0, -1, 0x7fffffff };
	const char *broken, *wrong = NULL;

	for (unsigned i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		message.msgh_id = ids[i];
		if (fake_deliver(&message, 32, &broken) != FAKE_BAD_ID || fake_reply_code() != MIG_BAD_ID)
			wrong = "an id without a routine was served";
	}
	result("demultiplexer", "ids without a routine", wrong);
}

int
main(int argc, char **argv)
{
	unsigned rounds = argc > 1 ? (unsigned)atoi(argv[1]) : 4000;

	for (unsigned i = 0; i < tour_call_count; i++)
		round_trip(&tour_calls[i]);
	unknown_id();
	for (unsigned i = 0; i < tour_call_count; i++)
		wrong_sizes(&tour_calls[i]);
	for (unsigned i = 0; i < tour_call_count; i++)
		hostile_requests(&tour_calls[i], rounds);
	for (unsigned i = 0; i < tour_call_count; i++)
		hostile_replies(&tour_calls[i], rounds / 8);
	fake_reset();
	printf("1..%u\n", tests);
	return failures != 0;
}
