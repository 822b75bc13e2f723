/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Random calls, some of them wrong, each made twice: once by the kernel's straight line (kernel/ipc/rpc.c) with one of its looks forced to
 * fail, look after look, and once by the general path, where a time limit leaves it. Results, headers and all bytes must be the same.
 * rpc_paths does so for whole conversations with more going on around them; this one is for numbers.
 * The words "messages=N" and "seed=N" on the module's line: how many (1,500; make stress takes 1,000,000), and where to begin.
 */
#include "harness/test.h"

static uint32_t next(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15ull;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return (uint32_t)(z >> 33);
}

enum { ID_END = 0x99, BODY = 256 };

struct echo { mach_msg_header_t h; char body[BODY - 32]; };

static void echo_server(void *arg)
{
	mach_port_t port = (mach_port_t)(uintptr_t)arg;
	struct echo m = { .h.msgh_id = 0 };
	mach_msg_return_t mr = mach_msg_trap(&m.h, MACH_RCV_MSG, 0, sizeof m, port, 0, 0);

	while (mr == MACH_MSG_SUCCESS && m.h.msgh_id != ID_END) {
		bool send = MACH_MSGH_BITS_REMOTE(m.h.msgh_bits) == MACH_MSG_TYPE_PORT_SEND;

		m.h.msgh_bits = MACH_MSGH_BITS(send ? MACH_MSG_TYPE_MOVE_SEND : MACH_MSG_TYPE_MOVE_SEND_ONCE, 0);
		m.h.msgh_local_port = MACH_PORT_NULL;
		m.h.msgh_id++;
		mr = mach_msg_trap(&m.h, MACH_SEND_MSG | MACH_RCV_MSG, m.h.msgh_size, sizeof m, port, 0, 0);
	}
	CHECK_OK(mr);
}

/* One call with a message made from the seed, some of them wrong. => the result; what came is in m */
static mach_msg_return_t random_echo(mach_port_t port, mach_port_t reply, uint64_t seed, unsigned more, struct echo *m)
{
	uint64_t state = seed;
	unsigned size = 32 + next(&state) % (BODY / 8 - 3) * 8, odd = next(&state) % 40, rcv_size = sizeof *m;
	mach_port_t from = reply;

	for (unsigned i = 0; i < sizeof m->body; i++)
		m->body[i] = (char)next(&state);
	m->h = (mach_msg_header_t){ .msgh_bits = MACH_MSGH_BITS(next(&state) % 8 ? MACH_MSG_TYPE_COPY_SEND : MACH_MSG_TYPE_MAKE_SEND,
	    next(&state) % 8 ? MACH_MSG_TYPE_MAKE_SEND_ONCE : MACH_MSG_TYPE_MAKE_SEND), .msgh_remote_port = port,
	    .msgh_local_port = reply, .msgh_id = (int)(1000 + next(&state) % 1000) };
	if (odd == 0)
		m->h.msgh_remote_port = 0x7770000;
	else if (odd == 1)
		m->h.msgh_local_port = 0x7770000;
	else if (odd == 2)
		m->h.msgh_bits = MACH_MSGH_BITS(0x60 + next(&state) % 32, MACH_MSG_TYPE_MAKE_SEND_ONCE);
	else if (odd == 3)
		size -= next(&state) % 40;
	else if (odd == 4)
		rcv_size = size > 36 ? size - 4 : 0;
	else if (odd == 5)
		from = MACH_PORT_NULL;
	return mach_msg_trap(&m->h, MACH_SEND_MSG | MACH_RCV_MSG | more, size, rcv_size, from, 10000, 0);
}

/* an answer that was not waited for must not be the next call's */
static void drain(mach_port_t reply, mach_msg_return_t mr)
{
	struct test_message m;

	if (mr == MACH_RCV_INVALID_NAME)
		CHECK_OK(test_receive_wait(reply, &m, 10000));
	while (test_receive(reply, &m) != MACH_RCV_TIMED_OUT)
		;
}

/* => the same: results, headers and every byte of the buffers, but for the number in the queue */
static bool same_echo(const struct echo *a, const struct echo *b)
{
	const char *x = (const char *)a, *y = (const char *)b;

	for (unsigned i = 0; i < sizeof *a; i++) {
		bool is_seqno = i >= offsetof(mach_msg_header_t, msgh_seqno) && i < offsetof(mach_msg_header_t, msgh_seqno) + 4;

		if (!is_seqno && x[i] != y[i])
			return false;
	}
	return true;
}

static void random_messages(mach_port_t port, mach_port_t reply)
{
	unsigned n = test_number("messages=", 1500), errors = 0;
	uint64_t seed = test_number("seed=", 1);

	for (unsigned i = 0; i < n; i++) {
		struct echo fast, general;
		uint64_t this = seed * 1000000007ull + i;
		mach_msg_return_t a, b;

		test_fault_arm("rpc", 1 + i % 50);
		a = random_echo(port, reply, this, 0, &fast);
		test_fault_arm("rpc", 0);
		if (a != MACH_MSG_SUCCESS)
			drain(reply, a);
		b = random_echo(port, reply, this, MACH_RCV_TIMEOUT, &general);
		if (b != MACH_MSG_SUCCESS)
			drain(reply, b);
		errors += a != MACH_MSG_SUCCESS;
		if (i % 50000 == 49999)
			test_say("# %u messages", i + 1);
		if (!CHECK(a == b && same_echo(&fast, &general))) {
			test_say("# message %u of seed %u: %x and %x", i, (unsigned)seed, (unsigned)a, (unsigned)b);
			return;
		}
	}
	test_say("# %u random messages, look 1 .. 50 failing in each; %u are errors", n, errors);
}

TEST(random_messages_with_a_look_that_fails_are_as_by_the_general_path)
{
	mach_port_t port = test_port_with_send(), reply = test_port(), thread = test_thread(echo_server, (void *)(uintptr_t)port);

	random_messages(port, reply);
	CHECK_OK(test_send(port, MACH_MSG_TYPE_COPY_SEND, 0, 0, ID_END));
	test_thread_join(thread);
	test_port_destroy(port);
	test_port_destroy(reply);
}
