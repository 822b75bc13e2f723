/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What operations cost when there is much of something: names of a task, members of a port set, bytes of a message, threads. Each line is
 * CURVE figure series x y, y in executed instructions per operation; tools/performance draws them. One CPU under -icount.
 */
#include <mach/machine/thread_status.h>
#include "../mach/bench.h"

enum { OPS = 64 };

static void say(const char *figure, const char *series, unsigned x, uint64_t ticks, uint64_t n)
{
	test_say("CURVE %s %s %u %ld", figure, series, x, (int64_t)(ticks / n));
}

/* the body for i in 0 .. n-1, once; => ticks */
#define RUN(n, ...) ({									\
	uint64_t run_t = bench_now();							\
	for (unsigned i = 0; i < (n); i++) { __VA_ARGS__; }				\
	bench_now() - run_t;								\
})
/* the least of some runs of n */
#define LEAST(n, ...) ({								\
	uint64_t least_t = ~0ull;							\
	for (unsigned least_b = 0; least_b < BATCHES; least_b++) {			\
		uint64_t least_r = RUN(n, __VA_ARGS__);					\
		least_t = least_r < least_t ? least_r : least_t;			\
	}										\
	least_t;									\
})

static mach_port_t *names;	/* ports of this task, each with a send right */
static mach_port_t *theirs;	/* ports of the child's, by its names */
static mach_port_t *rights;	/* send rights for them, by names of this task */

static mach_port_t *room(unsigned n)
{
	vm_address_t a = 0;

	CHECK_OK(vm_allocate(SELF, &a, n * sizeof(mach_port_t), TRUE));
	for (vm_size_t at = 0; at < n * sizeof(mach_port_t); at += PAGE)
		*(volatile char *)(a + at) = 0;
	return (mach_port_t *)a;
}

static void make(unsigned i)
{
	mach_port_allocate(SELF, MACH_PORT_RIGHT_RECEIVE, &names[i]);
	mach_port_insert_right(SELF, names[i], names[i], MACH_MSG_TYPE_MAKE_SEND);
}

/* a message to the port of that name, received again at `from` in the same call */
static void pass(mach_port_t to, mach_port_t from)
{
	struct test_message m;

	m.h = (mach_msg_header_t){ .msgh_bits = MACH_MSG_TYPE_COPY_SEND, .msgh_remote_port = to };
	if (mach_msg(&m.h, MACH_SEND_MSG | MACH_RCV_MSG, 32, sizeof m, from, 0, MACH_PORT_NULL) != MACH_MSG_SUCCESS)
		test_say("# no message");
}

/* n names are there; the others of the arrays are free */
static void names_at(unsigned n)
{
	say("names", "allocate_and_insert", n, LEAST(1, for (unsigned k = 0; k < OPS; k++) make(n + k);
	    if (least_b < BATCHES - 1) { for (unsigned k = 0; k < OPS; k++) mach_port_destroy(SELF, names[n + k]); }), OPS);
	say("names", "delete", n, RUN(OPS, mach_port_destroy(SELF, names[n + i])), OPS);
	say("names", "send_by_name", n, LEAST(OPS, mach_port_t to = names[test_random() % n]; pass(to, to)), OPS);
}

TEST_FLAGS(name_spaces, TEST_MAY_LEAK)
{
	enum { MOST = 100000 };
	unsigned n = 0;

	names = room(MOST + OPS);
	for (unsigned to = 1; to <= MOST; to *= 10) {
		uint64_t worst = 0;

		for (; n < to; n++) {
			uint64_t t = RUN(1, make(n));

			worst = t > worst ? t : worst;
		}
		names_at(n);
		say("names", "worst_allocate_and_insert", n, worst, 1);
	}
	for (unsigned i = 0; i < n; i++)
		mach_port_destroy(SELF, names[i]);
}

static void idle_child(void *arg)
{
	(void)arg;
	for (;;)
		test_sleep(100000);
}

static mach_port_t child;

static mach_port_t take(mach_port_t name)
{
	mach_port_t right = MACH_PORT_NULL;
	mach_msg_type_name_t type;

	mach_port_extract_right(child, name, MACH_MSG_TYPE_MAKE_SEND, &right, &type);
	return right;
}

/* rights for ports of another task: to be found by their port when one more arrives */
TEST_FLAGS(rights_from_elsewhere, TEST_MAY_LEAK)
{
	enum { MOST = 100000 };
	unsigned n = 0;

	child = test_fork(idle_child, NULL);
	theirs = room(MOST + OPS);
	rights = room(MOST + OPS);
	for (unsigned to = 1; to <= MOST; to *= 10) {
		for (; n < to; n++) {
			mach_port_allocate(child, MACH_PORT_RIGHT_RECEIVE, &theirs[n]);
			rights[n] = take(theirs[n]);
		}
		for (unsigned i = n; i < n + OPS; i++)
			mach_port_allocate(child, MACH_PORT_RIGHT_RECEIVE, &theirs[i]);
		say("rights", "arrives_new", n, RUN(OPS, rights[n + i] = take(theirs[n + i])), OPS);
		say("rights", "deleted", n, RUN(OPS, mach_port_deallocate(SELF, rights[n + i])), OPS);
		say("rights", "arrives_again", n, LEAST(OPS, take(theirs[test_random() % n])), OPS);
		for (unsigned i = n; i < n + OPS; i++)
			mach_port_destroy(child, theirs[i]);
	}
	task_terminate(child);
	for (unsigned i = 0; i < n; i++)
		mach_port_destroy(SELF, rights[i]);
}

TEST_FLAGS(port_sets, TEST_MAY_LEAK)
{
	enum { MOST = 10000 };
	mach_port_t set = MACH_PORT_NULL;
	unsigned n = 0;

	CHECK_OK(mach_port_allocate(SELF, MACH_PORT_RIGHT_PORT_SET, &set));
	for (unsigned i = 0; i < MOST + OPS; i++)
		make(i);
	for (unsigned to = 1; to <= MOST; to *= 10) {
		for (; n < to; n++)
			mach_port_move_member(SELF, names[n], set);
		say("sets", "receive", n, LEAST(OPS, pass(names[test_random() % n], set)), OPS);
		say("sets", "add", n, RUN(OPS, mach_port_move_member(SELF, names[n + i], set)), OPS);
		say("sets", "remove", n, RUN(OPS, mach_port_move_member(SELF, names[n + i], MACH_PORT_NULL)), OPS);
	}
	mach_port_destroy(SELF, set);
	for (unsigned i = 0; i < MOST + OPS; i++)
		mach_port_destroy(SELF, names[i]);
}

/* --- by size --- */

struct inline_message { mach_msg_header_t h; mach_msg_type_long_t type; char data[65536]; };
static struct inline_message call __attribute__((aligned(64)));

static void server(void *arg)
{
	static struct inline_message m __attribute__((aligned(64)));
	mach_port_t port = (mach_port_t)(uintptr_t)arg;
	mach_msg_return_t r;

	while ((r = mach_msg(&m.h, MACH_RCV_MSG, 0, sizeof m, port, 0, MACH_PORT_NULL)) == MACH_RCV_INVALID_NAME)
		test_sleep(1);
	while (r == MACH_MSG_SUCCESS) {
		unsigned size = m.h.msgh_id ? m.h.msgh_size : 32;

		m.h.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_MOVE_SEND_ONCE, 0);
		m.h.msgh_local_port = MACH_PORT_NULL;
		r = mach_msg(&m.h, MACH_SEND_MSG | MACH_RCV_MSG, size, sizeof m, port, 0, MACH_PORT_NULL);
	}
}

static void rpc(mach_port_t to, mach_port_t reply, unsigned bytes, int echo)
{
	call.h = (mach_msg_header_t){ .msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, MACH_MSG_TYPE_MAKE_SEND_ONCE),
	    .msgh_remote_port = to, .msgh_local_port = reply, .msgh_id = echo };
	call.type = (mach_msg_type_long_t){ .msgtl_header.msgt_inline = 1, .msgtl_header.msgt_longform = 1,
	    .msgtl_name = MACH_MSG_TYPE_BYTE, .msgtl_size = 8, .msgtl_number = bytes };
	if (mach_msg(&call.h, MACH_SEND_MSG | MACH_RCV_MSG, bytes ? 32 + (unsigned)sizeof call.type + bytes : 32, sizeof call, reply,
	    0, MACH_PORT_NULL) != MACH_MSG_SUCCESS)
		test_say("# rpc failed");
}

TEST_FLAGS(messages_by_size, TEST_MAY_LEAK)
{
	mach_port_t p = test_port_with_send(), reply = test_port();

	child = test_fork(server, (void *)BENCH_CHILD_PORT);
	CHECK_OK(mach_port_insert_right(child, BENCH_CHILD_PORT, p, MACH_MSG_TYPE_MOVE_RECEIVE));
	for (unsigned echo = 0; echo < 2; echo++) {
		const char *series = echo ? "request_and_answer" : "request";

		rpc(p, reply, 0, 0);
		say("sizes", series, 0, LEAST(OPS, rpc(p, reply, 0, (int)echo)), OPS);
		for (unsigned bytes = 64; bytes <= 65536 - 64; bytes = bytes * 2 > 65536 - 64 ? bytes + 65536 : bytes * 2)
			say("sizes", series, bytes, LEAST(OPS, rpc(p, reply, bytes, (int)echo)), OPS);
		say("sizes", series, 65536 - 64, LEAST(OPS, rpc(p, reply, 65536 - 64, (int)echo)), OPS);
	}
	task_terminate(child);
}

/* --- threads --- */

void curve_waiter(void);
/* waits for ever at port RBX, with no memory of its own but a word of zero: RSP lies under it */
__asm__(".text\n"
    "curve_waiter: movl $2, %esi; xorl %edx, %edx; movl $64, %r10d; movl %ebx, %r8d; xorl %r9d, %r9d; movl $-25, %eax; syscall\n"
    "jmp curve_waiter\n");

static void add_waiter(mach_port_t port, vm_address_t page)
{
	struct i386_thread_state state = { .rip = (uint64_t)curve_waiter, .rdi = page, .rbx = port, .ursp = page + PAGE - 64 };
	mach_port_t thread = MACH_PORT_NULL;

	thread_create(child, &thread);
	thread_set_state(thread, i386_THREAD_STATE, (thread_state_t)&state, i386_THREAD_STATE_COUNT);
	thread_resume(thread);
	mach_port_deallocate(SELF, thread);
}

TEST_FLAGS(blocked_threads, TEST_MAY_LEAK)
{
	enum { MOST = 10000 };
	mach_port_t p = test_port_with_send(), reply = test_port(), port;
	vm_address_t page = 0;
	unsigned n = 0;

	CHECK_OK(vm_allocate(SELF, &page, PAGE, TRUE));
	test_thread(server, (void *)(uintptr_t)p);
	child = test_fork(idle_child, NULL);
	CHECK_OK(mach_port_allocate(child, MACH_PORT_RIGHT_RECEIVE, &port));
	for (unsigned to = 1; to <= MOST; to *= 10) {
		for (; n < to; n++)
			add_waiter(port, page);
		test_sleep(100);
		say("threads", "null_rpc", n, LEAST(OPS, rpc(p, reply, 0, 0)), OPS);
		say("threads", "create_and_terminate", n, LEAST(OPS, mach_port_t t = MACH_PORT_NULL;
		    thread_create(child, &t); thread_terminate(t); mach_port_deallocate(SELF, t)), OPS);
	}
	task_terminate(child);
}
