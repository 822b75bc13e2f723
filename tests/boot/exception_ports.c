/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Handlers of exceptions: which port hears, what the message carries, and what becomes of the thread when its handler is gone, dies,
 * lies or faults itself.
 */
#include <mach/exc_state.h>
#include <mach/exc_state_server.h>
#include <mach/exception_ports.h>
#include <mach/exception_ports_user.h>
#include <mach/task_special_ports.h>
#include <mach/thread_special_ports.h>
#include <mach_debug/mach_debug.h>
#include "harness/exception.h"

#define SELF	mach_task_self()

/* --- victims: children that raise one exception --- */

static void raise_ud2(void *arg) { (void)arg; __asm__ volatile("ud2"); }
static void raise_int3(void *arg) { (void)arg; __asm__ volatile("int3"); }
static void raise_nothing(void *arg) { (void)arg; }

/* what comes after the exception does not end by itself */
static void raise_ud2_and_stay(void *arg)
{
	raise_ud2(arg);
	for (;;)
		test_sleep(1000);
}

static bool ended(mach_port_t task)
{
	for (int i = 0; i < 1000 && !(test_type(task) & MACH_PORT_TYPE_DEAD_NAME); i++)
		test_sleep(10);
	return test_type(task) & MACH_PORT_TYPE_DEAD_NAME;
}

/* a child of this task, with its exceptions at port */
static mach_port_t victim(void (*fn)(void *), mach_port_t port)
{
	mach_port_t task;

	CHECK_OK(task_set_special_port(SELF, TASK_EXCEPTION_PORT, port));
	task = test_fork(fn, NULL);
	CHECK_OK(task_set_special_port(SELF, TASK_EXCEPTION_PORT, MACH_PORT_NULL));
	return task;
}

static void bury(mach_port_t task)
{
	CHECK(ended(task));
	mach_port_destroy(SELF, task);
}

/* --- handlers that are not there, or go --- */

TEST(dead_handler_port_ends_the_task)
{
	mach_port_t port = test_port_with_send(), task = victim(raise_nothing, port);

	bury(task);
	CHECK_OK(task_set_special_port(SELF, TASK_EXCEPTION_PORT, port));
	test_port_destroy(port);
	task = test_fork(raise_ud2, NULL);		/* inherits a dead right */
	bury(task);
	CHECK_OK(task_set_special_port(SELF, TASK_EXCEPTION_PORT, MACH_PORT_NULL));
}

TEST(handler_that_dies_before_it_receives_ends_the_task)
{
	mach_port_t port = test_port_with_send(), task = victim(raise_ud2, port);
	mach_port_status_t status = { 0 };

	for (int i = 0; i < 500 && status.mps_msgcount == 0; i++) {
		test_sleep(5);
		CHECK_OK(mach_port_get_receive_status(SELF, port, &status));
	}
	CHECK_EQ(status.mps_msgcount, 1);
	CHECK(!(test_type(task) & MACH_PORT_TYPE_DEAD_NAME));
	test_port_destroy(port);
	bury(task);
}

TEST(handler_that_drops_the_reply_right_ends_the_task)
{
	mach_port_t port = test_port_with_send(), task = victim(raise_ud2, port);
	struct test_raise m;

	REQUIRE(test_raise_receive(port, &m, 20000));
	test_raise_drop(&m);
	CHECK(!(test_type(task) & MACH_PORT_TYPE_DEAD_NAME));
	CHECK_OK(mach_port_deallocate(SELF, m.h.msgh_remote_port));
	bury(task);
	test_port_destroy(port);
}

static mach_port_t middle_port;

/* in a task of its own: takes the message and ends with it */
static void receive_and_end(void *arg)
{
	struct test_raise m;

	(void)arg;
	while (!(test_type(middle_port) & MACH_PORT_TYPE_RECEIVE))
		test_sleep(1);
	test_raise_receive(middle_port, &m, 20000);
}

TEST(handler_task_that_ends_after_receiving_ends_the_thread_that_waits)
{
	mach_port_t task, handler;

	middle_port = test_port_with_send();
	task = victim(raise_ud2, middle_port);
	handler = test_fork(receive_and_end, NULL);
	test_give(handler, middle_port, MACH_MSG_TYPE_MOVE_RECEIVE);
	bury(handler);
	bury(task);
	mach_port_mod_refs(SELF, middle_port, MACH_PORT_RIGHT_DEAD_NAME, -1);
}

TEST(refused_by_the_thread_port_goes_to_the_task_port)
{
	mach_port_t a = test_port_with_send(), b = test_port_with_send(), task = victim(raise_ud2, b), host = test_port_with_send();
	struct test_raise m;
	int codes[] = { KERN_FAILURE, MIG_BAD_ID, -1 };

	/* a child with more ports: each refuses in its way */
	REQUIRE(test_raise_receive(b, &m, 20000));
	CHECK_OK(host_set_exception_ports(test_host_priv, EXC_MASK_ALL, host, EXCEPTION_DEFAULT, 0));
	CHECK_OK(thread_set_special_port(m.thread.port.name, THREAD_EXCEPTION_PORT, a));
	CHECK_OK(test_raise_reply(&m, KERN_SUCCESS));		/* the instruction again */
	for (unsigned i = 0; i < 3; i++) {
		mach_port_t port = i == 0 ? a : i == 1 ? b : host;

		test_raise_drop(&m);
		REQUIRE(test_raise_receive(port, &m, 20000));
		CHECK_EQ(m.exception, EXC_BAD_INSTRUCTION);
		CHECK(!(test_type(task) & MACH_PORT_TYPE_DEAD_NAME));
		CHECK_OK(test_raise_reply(&m, codes[i]));
	}
	test_raise_drop(&m);
	bury(task);
	CHECK_OK(host_set_exception_ports(test_host_priv, EXC_MASK_ALL, MACH_PORT_NULL, 0, 0));
	test_port_destroy(a);
	test_port_destroy(b);
	test_port_destroy(host);
}

/* --- answers that are none --- */

struct answer {
	mach_msg_header_t h;
	mach_msg_type_t type;
	int code, pad;
	struct port_item right;
	struct data_item memory;
	char room[64];
};

static void good_answer(struct answer *a)
{
	__builtin_memset(a, 0, sizeof *a);
	a->type = (mach_msg_type_t){ .msgt_name = MACH_MSG_TYPE_INTEGER_32, .msgt_size = 32, .msgt_inline = 1, .msgt_number = 1 };
}

static void hostile(unsigned n, struct answer *a, unsigned *size, int *id, mach_port_t right)
{
	*size = 48;
	*id = 2500;
	switch (n) {
	case 0: *id = 2400; break;
	case 1: *id = 71; break;				/* as if the right had died */
	case 2: *id = 2501; break;
	case 3: *size = 32; break;
	case 4: *size = 40; break;
	case 5: *size = 56; break;
	case 6: *size = 112; break;
	case 7: a->type.msgt_name = MACH_MSG_TYPE_INTEGER_64; break;
	case 8: a->type.msgt_size = 8; break;
	case 9: a->type.msgt_number = 2; break;
	case 10: a->type.msgt_number = 0; break;
	case 11: *(uint64_t *)&a->type = ~0ull; break;
	case 12: a->type.msgt_inline = 0; break;
	case 13: a->code = -305; break;
	case 14: a->code = KERN_ABORTED; break;
	case 15:						/* with a right and memory, which are to go */
		a->h.msgh_bits = MACH_MSGH_BITS_COMPLEX;
		a->right = (struct port_item){ test_type_port(MACH_MSG_TYPE_MAKE_SEND, 1), { right } };
		a->memory = (struct data_item){ test_type_ool(4096, false), (void *)((uintptr_t)&middle_port & ~4095ul) };
		*size = sizeof *a - 64;
		break;
	}
}

TEST(answers_that_are_none_end_the_task)
{
	mach_port_t right = test_port();

	for (unsigned n = 0; n < 16; n++) {
		mach_port_t port = test_port_with_send(), task = victim(raise_ud2, port);
		struct test_raise m;
		struct answer a;
		unsigned size;
		int id;

		if (!test_raise_receive(port, &m, 20000))
			break;
		test_raise_drop(&m);
		good_answer(&a);
		hostile(n, &a, &size, &id, right);
		if (!CHECK_OK(test_raise_reply_with(&m, &a.h, size, id)))
			mach_port_deallocate(SELF, m.h.msgh_remote_port);
		if (!CHECK(ended(task))) {
			test_say("# answer %d", n);
			task_terminate(task);
		}
		mach_port_destroy(SELF, task);
		test_port_destroy(port);
	}
	mach_port_destroy(SELF, right);
}

TEST(long_form_answer_is_one)
{
	mach_port_t port = test_port_with_send(), task = victim(raise_int3, port);
	struct test_raise m;
	struct answer a;

	REQUIRE(test_raise_receive(port, &m, 20000));
	test_raise_drop(&m);
	good_answer(&a);
	a.type.msgt_longform = 1;
	CHECK_OK(test_raise_reply_with(&m, &a.h, 48, 2500));
	bury(task);						/* it came to its end */
	test_port_destroy(port);
}

/* --- threads that are taken away while their handler thinks --- */

TEST(waiting_task_can_be_terminated_and_a_late_answer_is_lost)
{
	mach_port_t port = test_port_with_send(), task = victim(raise_ud2, port);
	struct test_raise m;

	REQUIRE(test_raise_receive(port, &m, 20000));
	CHECK_OK(task_terminate(task));
	bury(task);
	CHECK_EQ(test_type(m.thread.port.name) & MACH_PORT_TYPE_DEAD_NAME, MACH_PORT_TYPE_DEAD_NAME);
	mach_port_destroy(SELF, m.thread.port.name);
	CHECK_EQ(test_raise_reply(&m, KERN_SUCCESS), MACH_SEND_INVALID_DEST);	/* to nobody */
	mach_port_destroy(SELF, m.h.msgh_remote_port);
	test_port_destroy(port);
}

TEST(aborted_wait_runs_the_instruction_again)
{
	mach_port_t port = test_port_with_send(), task = victim(raise_ud2, port);
	struct test_raise m, again;

	REQUIRE(test_raise_receive(port, &m, 20000));
	CHECK_OK(thread_abort(m.thread.port.name));
	REQUIRE(test_raise_receive(port, &again, 20000));
	CHECK_EQ(again.thread.port.name, m.thread.port.name);
	CHECK(again.h.msgh_remote_port != m.h.msgh_remote_port);
	CHECK_EQ(test_raise_reply(&m, KERN_SUCCESS), MACH_SEND_INVALID_DEST);	/* the first wait is over */
	mach_port_destroy(SELF, m.h.msgh_remote_port);
	test_sleep(50);
	struct test_message none;
	CHECK_EQ(test_receive(port, &none), MACH_RCV_TIMED_OUT);
	CHECK(!(test_type(task) & MACH_PORT_TYPE_DEAD_NAME));
	CHECK_OK(test_raise_reply(&again, KERN_FAILURE));
	test_raise_drop(&m);
	test_raise_drop(&again);
	bury(task);
	test_port_destroy(port);
}

TEST(suspended_while_it_waits_goes_on_when_resumed)
{
	mach_port_t port = test_port_with_send(), task = victim(raise_int3, port);
	struct test_raise m;

	REQUIRE(test_raise_receive(port, &m, 20000));
	CHECK_OK(task_suspend(task));
	CHECK_OK(test_raise_reply(&m, KERN_SUCCESS));
	test_raise_drop(&m);
	test_sleep(50);
	CHECK(!(test_type(task) & MACH_PORT_TYPE_DEAD_NAME));
	CHECK_OK(task_resume(task));
	bury(task);
	test_port_destroy(port);
}

/* --- handlers that fault --- */

static mach_port_t double_port, outer_port;

static void faulting_handler(void *arg)
{
	mach_port_t self = mach_thread_self();
	struct test_raise m;

	(void)arg;
	CHECK_OK(thread_set_special_port(self, THREAD_EXCEPTION_PORT, outer_port));
	mach_port_deallocate(SELF, self);
	test_raise_receive(double_port, &m, 20000);
	__asm__ volatile("int3");				/* somebody repairs that */
	test_raise_drop(&m);
	CHECK_OK(test_raise_reply(&m, KERN_SUCCESS));
}

TEST(handler_that_faults_is_handled_itself)
{
	mach_port_t task, t;
	struct test_raise m;

	double_port = test_port_with_send();
	outer_port = test_port_with_send();
	t = test_thread(faulting_handler, NULL);
	task = victim(raise_int3, double_port);
	REQUIRE(test_raise_receive(outer_port, &m, 20000));
	CHECK_EQ(m.thread.port.name, t);
	CHECK(!(test_type(task) & MACH_PORT_TYPE_DEAD_NAME));
	test_raise_drop(&m);
	CHECK_OK(test_raise_reply(&m, KERN_SUCCESS));
	bury(task);
	test_thread_join(t);
	test_port_destroy(double_port);
	test_port_destroy(outer_port);
}

/* a task whose only thread serves its own exceptions and faults: it waits for itself, harms nobody and can be ended */
static mach_port_t own_port;

static void serve_myself(void *arg)
{
	(void)arg;
	mach_port_t port = test_port_with_send();

	task_set_special_port(SELF, TASK_EXCEPTION_PORT, port);
	__asm__ volatile("ud2");
}

TEST(task_that_waits_for_its_own_answer_can_be_terminated)
{
	mach_port_t task = test_fork(serve_myself, NULL);

	(void)own_port;
	test_sleep(100);
	CHECK(!(test_type(task) & MACH_PORT_TYPE_DEAD_NAME));
	CHECK_OK(task_terminate(task));
	bury(task);
}

/* --- ports by kind, states in the message --- */

static void two_kinds(void *arg) { (void)arg; __asm__ volatile("int3; ud2"); }

TEST(kinds_go_to_ports_of_their_own_and_children_inherit_them)
{
	mach_port_t breaks = test_port_with_send(), rest = test_port_with_send(), port, task;
	struct test_raise m;
	int behavior, flavor;

	CHECK_OK(task_set_exception_ports(SELF, EXC_MASK_BREAKPOINT, breaks, EXCEPTION_DEFAULT, 0));
	CHECK_OK(task_get_exception_action(SELF, EXC_BREAKPOINT, &port, &behavior, &flavor));
	CHECK_EQ(port, breaks);
	CHECK_EQ(behavior, EXCEPTION_DEFAULT);
	mach_port_deallocate(SELF, port);
	CHECK_OK(task_get_exception_action(SELF, EXC_ARITHMETIC, &port, &behavior, &flavor));
	CHECK_EQ(port, MACH_PORT_NULL);
	CHECK_EQ(behavior, 0);
	task = victim(two_kinds, rest);
	CHECK_OK(task_set_exception_ports(SELF, EXC_MASK_ALL, MACH_PORT_NULL, 0, 0));
	REQUIRE(test_raise_receive(breaks, &m, 20000));
	CHECK_EQ(m.exception, EXC_BREAKPOINT);
	test_raise_drop(&m);
	CHECK_OK(test_raise_reply(&m, KERN_SUCCESS));
	REQUIRE(test_raise_receive(rest, &m, 20000));
	CHECK_EQ(m.exception, EXC_BAD_INSTRUCTION);
	test_raise_drop(&m);
	CHECK_OK(test_raise_reply(&m, KERN_FAILURE));
	bury(task);
	test_port_destroy(breaks);
	test_port_destroy(rest);
}

TEST(host_hears_of_what_nobody_handles)
{
	mach_port_t port = test_port_with_send(), back, task;
	struct test_raise m;
	int behavior, flavor;

	CHECK_OK(host_set_exception_ports(test_host_priv, EXC_MASK_BAD_INSTRUCTION, port, EXCEPTION_DEFAULT, 0));
	CHECK_OK(host_get_exception_action(test_host_priv, EXC_BAD_INSTRUCTION, &back, &behavior, &flavor));
	CHECK_EQ(back, port);
	mach_port_deallocate(SELF, back);
	task = test_fork(raise_ud2, NULL);
	REQUIRE(test_raise_receive(port, &m, 20000));
	test_raise_drop(&m);
	CHECK_OK(test_raise_reply(&m, KERN_FAILURE));
	bury(task);
	task = test_fork(raise_int3, NULL);			/* of another kind */
	bury(task);
	CHECK_OK(host_set_exception_ports(test_host_priv, EXC_MASK_ALL, MACH_PORT_NULL, 0, 0));
	test_port_destroy(port);
}

struct raise_state {
	mach_msg_header_t h;
	mach_msg_type_t t1; int exception, p1;
	mach_msg_type_t t2; int code, p2;
	mach_msg_type_t t3; int64_t subcode;
	mach_msg_type_t t4; int flavor, p4;
	mach_msg_type_t t5; struct i386_thread_state state;
	char room[64];
};
struct reply_state {
	mach_msg_header_t h;
	mach_msg_type_t t1; int code, p1;
	mach_msg_type_t t2; int flavor, p2;
	mach_msg_type_t t3; struct i386_thread_state state;
	char room[64];
};

static void state_reply(struct reply_state *r, const struct i386_thread_state *s)
{
	__builtin_memset(r, 0, sizeof *r);
	r->t1 = r->t2 = r->t3 = (mach_msg_type_t){ .msgt_name = MACH_MSG_TYPE_INTEGER_32, .msgt_size = 32, .msgt_inline = 1,
	    .msgt_number = 1 };
	r->t3.msgt_number = i386_THREAD_STATE_COUNT;
	r->flavor = i386_THREAD_STATE;
	r->state = *s;
}
#define STATE_REPLY_SIZE (sizeof(struct reply_state) - 64)

static kern_return_t send_state(const mach_msg_header_t *to, struct reply_state *r, unsigned size, int id)
{
	r->h.msgh_bits = (r->h.msgh_bits & MACH_MSGH_BITS_COMPLEX) | MACH_MSGH_BITS(MACH_MSG_TYPE_MOVE_SEND_ONCE, 0);
	r->h.msgh_remote_port = to->msgh_remote_port;
	r->h.msgh_id = id;
	return mach_msg(&r->h, MACH_SEND_MSG, size, 0, MACH_PORT_NULL, 0, MACH_PORT_NULL);
}

/* a child whose exceptions go to port with its general registers */
static mach_port_t state_victim(void (*fn)(void *), mach_port_t port, int behavior)
{
	mach_port_t task;

	CHECK_OK(task_set_exception_ports(SELF, EXC_MASK_ALL, port, behavior, i386_THREAD_STATE));
	task = test_fork(fn, NULL);
	CHECK_OK(task_set_exception_ports(SELF, EXC_MASK_ALL, MACH_PORT_NULL, 0, 0));
	return task;
}

TEST(state_comes_with_the_message_and_goes_back)
{
	mach_port_t port = test_port_with_send(), task = state_victim(raise_ud2, port, EXCEPTION_STATE);
	struct raise_state m;
	struct reply_state r;

	REQUIRE(mach_msg(&m.h, MACH_RCV_MSG | MACH_RCV_TIMEOUT, 0, sizeof m, port, 20000, MACH_PORT_NULL) == 0);
	CHECK_EQ(m.h.msgh_id, EXC_RAISE_STATE_ID);
	CHECK_EQ(m.h.msgh_bits, 0x1112);			/* no rights to the thread or task */
	CHECK_EQ(m.h.msgh_size, sizeof m - 64);
	CHECK_EQ(m.exception, EXC_BAD_INSTRUCTION);
	CHECK_EQ(m.code, EXC_I386_INVOP);
	CHECK_EQ(m.flavor, i386_THREAD_STATE);
	CHECK_EQ(m.t5.msgt_number, i386_THREAD_STATE_COUNT);
	CHECK_EQ(m.state.cs, USER_CS);
	CHECK_EQ(*(uint16_t *)m.state.rip, 0x0b0f);		/* the child is a copy of this task */
	m.state.rip += 2;
	state_reply(&r, &m.state);
	CHECK_OK(send_state(&m.h, &r, STATE_REPLY_SIZE, 2501));
	bury(task);
	test_port_destroy(port);
}

static void hostile_state(unsigned n, struct reply_state *r, unsigned *size, int *id)
{
	*size = STATE_REPLY_SIZE;
	*id = 2501;
	switch (n) {
	case 0: *id = 2500; break;
	case 1: *id = 2502; break;
	case 2: *size = 48; break;				/* success without a state */
	case 3: *size = 72; r->t3.msgt_number = 0; break;
	case 4: *size -= 8; break;
	case 5: *size += 8; break;
	case 6: r->t3.msgt_number = 0x40000000 + i386_THREAD_STATE_COUNT; break;
	case 7: r->t3.msgt_number = ~0u; break;
	case 8: r->t3.msgt_number--; break;
	case 9: r->t3.msgt_size = 64; break;
	case 10: r->t3.msgt_inline = 0; break;
	case 11: r->flavor = 1000; break;
	case 12: r->flavor = 0; break;
	case 13: r->flavor = i386_XFLOAT_STATE; break;		/* too short for it */
	case 14: r->t2.msgt_name = MACH_MSG_TYPE_PORT_NAME; break;
	case 15: r->code = KERN_FAILURE; break;
	case 16: r->flavor = i386_REGS_SEGS_STATE; r->state.cs = 8; break;
	}
}

TEST(states_that_are_none_end_the_task)
{
	for (unsigned n = 0; n < 17; n++) {
		mach_port_t port = test_port_with_send(), task = state_victim(raise_ud2_and_stay, port, EXCEPTION_STATE);
		struct raise_state m;
		struct reply_state r;
		unsigned size;
		int id;

		if (!CHECK_OK(mach_msg(&m.h, MACH_RCV_MSG | MACH_RCV_TIMEOUT, 0, sizeof m, port, 20000, MACH_PORT_NULL)))
			break;
		m.state.rip += 2;
		state_reply(&r, &m.state);
		hostile_state(n, &r, &size, &id);
		CHECK_OK(send_state(&m.h, &r, size, id));
		if (!CHECK(ended(task))) {
			test_say("# answer %d", n);
			task_terminate(task);
		}
		mach_port_destroy(SELF, task);
		test_port_destroy(port);
	}
}

/* the library's demultiplexer and stubs */
static struct { int calls, exception, flavor; bool identity; } caught;

kern_return_t catch_exception_raise_state(mach_port_t port, int exception, int code, int64_t subcode, int *flavor,
    thread_state_t old_state, mach_msg_type_number_t old_count, thread_state_t new_state,
    mach_msg_type_number_t *new_count)
{
	struct i386_thread_state *s = (struct i386_thread_state *)(void *)new_state;

	(void)port;
	(void)code;
	(void)subcode;
	caught.calls++;
	caught.exception = exception;
	caught.flavor = *flavor;
	caught.identity = false;
	__builtin_memcpy(new_state, old_state, old_count * sizeof *new_state);
	*new_count = old_count;
	s->rip += exception == EXC_BAD_INSTRUCTION ? 2 : 0;
	return KERN_SUCCESS;
}

kern_return_t catch_exception_raise_state_identity(mach_port_t port, mach_port_t thread, mach_port_t task, int exception, int code,
    int64_t subcode, int *flavor, thread_state_t old_state, mach_msg_type_number_t old_count, thread_state_t new_state,
    mach_msg_type_number_t *new_count)
{
	kern_return_t kr = catch_exception_raise_state(port, exception, code, subcode, flavor, old_state, old_count, new_state, new_count);

	CHECK(test_type(thread) & MACH_PORT_TYPE_SEND);
	CHECK(test_type(task) & MACH_PORT_TYPE_SEND);
	mach_port_deallocate(SELF, thread);
	mach_port_deallocate(SELF, task);
	caught.identity = true;
	return kr;
}

boolean_t exc_state_server(mach_msg_header_t *in, mach_msg_header_t *out);

TEST(library_stubs_serve_states_with_identity)
{
	for (int behavior = EXCEPTION_STATE; behavior <= EXCEPTION_STATE_IDENTITY; behavior++) {
		mach_port_t port = test_port_with_send(), task = state_victim(two_kinds, port, behavior);
		static struct test_message in, out;

		caught.calls = 0;
		for (int i = 0; i < 2; i++) {
			if (!CHECK_OK(test_receive_wait(port, &in, 20000)))
				break;
			CHECK(exc_state_server(&in.h, &out.h));
			CHECK_OK(mach_msg(&out.h, MACH_SEND_MSG, out.h.msgh_size, 0, MACH_PORT_NULL, 0, MACH_PORT_NULL));
		}
		bury(task);
		CHECK_EQ(caught.calls, 2);
		CHECK_EQ(caught.exception, EXC_BAD_INSTRUCTION);
		CHECK_EQ(caught.flavor, i386_THREAD_STATE);
		CHECK_EQ(caught.identity, behavior == EXCEPTION_STATE_IDENTITY);
		test_port_destroy(port);
	}
}

TEST(exception_ports_check_their_arguments)
{
	mach_port_t port = test_port_with_send(), self = mach_thread_self(), back;
	int behavior, flavor;

	CHECK_EQ(task_set_exception_ports(SELF, 0, port, EXCEPTION_DEFAULT, 0), KERN_INVALID_ARGUMENT);
	CHECK_EQ(task_set_exception_ports(SELF, 1, port, EXCEPTION_DEFAULT, 0), KERN_INVALID_ARGUMENT);
	CHECK_EQ(task_set_exception_ports(SELF, -1, port, EXCEPTION_DEFAULT, 0), KERN_INVALID_ARGUMENT);
	CHECK_EQ(task_set_exception_ports(SELF, 0x80, port, EXCEPTION_DEFAULT, 0), KERN_INVALID_ARGUMENT);
	for (int b = -1; b < 6; b++)
		if (b < EXCEPTION_DEFAULT || b > EXCEPTION_STATE_IDENTITY)
			CHECK_EQ(thread_set_exception_ports(self, EXC_MASK_ALL, port, b, i386_THREAD_STATE), KERN_INVALID_ARGUMENT);
	for (int f = -2; f < 30; f++)
		if (f <= 0 || f > 9 || f == i386_V86_ASSIST_STATE)
			CHECK_EQ(thread_set_exception_ports(self, EXC_MASK_ALL, port, EXCEPTION_STATE, f), KERN_INVALID_ARGUMENT);
	for (int kind = -1; kind < 10; kind++)
		if (kind < 1 || kind > 6) {
			CHECK_EQ(thread_get_exception_action(self, kind, &back, &behavior, &flavor), KERN_INVALID_ARGUMENT);
			CHECK_EQ(task_get_exception_action(SELF, kind, &back, &behavior, &flavor), KERN_INVALID_ARGUMENT);
			CHECK_EQ(host_get_exception_action(test_host_priv, kind, &back, &behavior, &flavor), KERN_INVALID_ARGUMENT);
		}
	/* only the right to the object will do */
	CHECK_EQ(host_set_exception_ports(mach_host_self(), EXC_MASK_ALL, port, EXCEPTION_DEFAULT, 0), KERN_INVALID_ARGUMENT);
	CHECK_EQ(host_get_exception_action(mach_host_self(), 1, &back, &behavior, &flavor), KERN_INVALID_ARGUMENT);
	CHECK_EQ(task_set_exception_ports(test_host_priv, EXC_MASK_ALL, port, EXCEPTION_DEFAULT, 0), KERN_INVALID_ARGUMENT);
	CHECK_EQ(thread_set_exception_ports(SELF, EXC_MASK_ALL, port, EXCEPTION_DEFAULT, 0), KERN_INVALID_ARGUMENT);
	CHECK_EQ(test_urefs(port, MACH_PORT_RIGHT_SEND), 1);
	mach_port_deallocate(SELF, self);
	test_port_destroy(port);
}

TEST(ports_go_with_the_thread_and_the_task_that_had_them)
{
	mach_port_t port = test_port_with_send(), thread, task;
	mach_port_status_t status;

	CHECK_OK(thread_create(SELF, &thread));
	CHECK_OK(thread_set_exception_ports(thread, EXC_MASK_ALL, port, EXCEPTION_STATE_IDENTITY, i386_XFLOAT_STATE));
	CHECK_OK(thread_set_exception_ports(thread, EXC_MASK_ARITHMETIC, port, EXCEPTION_DEFAULT, 0));
	CHECK_OK(thread_terminate(thread));
	CHECK_OK(task_create(SELF, FALSE, &task));
	CHECK_OK(task_set_exception_ports(task, EXC_MASK_ALL, port, EXCEPTION_STATE, i386_DEBUG_STATE));
	CHECK_OK(task_terminate(task));
	mach_port_deallocate(SELF, thread);
	mach_port_deallocate(SELF, task);
	CHECK_OK(mach_port_deallocate(SELF, port));		/* the only send right left */
	CHECK_OK(mach_port_get_receive_status(SELF, port, &status));
	CHECK_EQ(status.mps_srights, FALSE);
	mach_port_mod_refs(SELF, port, MACH_PORT_RIGHT_RECEIVE, -1);
}

/* --- setters and getters race with exceptions and ends --- */

static volatile bool racing;
static mach_port_t race_ports[2], race_task;

static void race_set(void *arg)
{
	unsigned n = (unsigned)(uintptr_t)arg;

	for (unsigned i = 0; racing; i++) {
		mach_port_t back;
		int behavior, flavor;

		task_set_exception_ports(race_task, EXC_MASK_ALL, race_ports[i & 1], EXCEPTION_DEFAULT + (int)(i + n) % 3,
		    i386_THREAD_STATE);
		task_set_special_port(race_task, TASK_EXCEPTION_PORT, race_ports[(i + 1) & 1]);
		if (task_get_exception_action(race_task, EXC_BREAKPOINT, &back, &behavior, &flavor) == KERN_SUCCESS && back)
			mach_port_deallocate(SELF, back);
	}
}

TEST(setters_race_with_the_end_of_the_task)
{
	race_ports[0] = test_port_with_send();
	race_ports[1] = test_port_with_send();
	for (int round = 0; round < 20; round++) {
		mach_port_t t[3];

		CHECK_OK(task_create(SELF, FALSE, &race_task));
		racing = true;
		for (unsigned i = 0; i < 3; i++)
			t[i] = test_thread(race_set, (void *)(uintptr_t)i);
		test_sleep(10);
		CHECK_OK(task_terminate(race_task));
		test_sleep(5);
		racing = false;
		for (unsigned i = 0; i < 3; i++)
			test_thread_join(t[i]);
		mach_port_destroy(SELF, race_task);
	}
	test_port_destroy(race_ports[0]);
	test_port_destroy(race_ports[1]);
}

/* --- shortage --- */

static volatile int *go;

static void raise_when_told(void *arg)
{
	(void)arg;
	while (!*go)
		;
	__asm__ volatile("int3");
}

/* memory is short when the message is made: the handler hears of it a little later. A proxy would be short of it, too */
TEST_FLAGS(exception_that_meets_a_shortage_is_delivered, TEST_LOCAL)
{
	vm_address_t page = 0;

	CHECK_OK(vm_allocate(SELF, &page, 4096, TRUE));
	CHECK_OK(vm_inherit(SELF, page, 4096, VM_INHERIT_SHARE));
	go = (volatile int *)page;
	for (unsigned nth = 1; nth <= 4; nth++) {
		mach_port_t port = test_port_with_send(), task;
		struct test_raise m;

		*go = 0;
		task = victim(raise_when_told, port);
		test_sleep(20);
		test_fault_arm("*", nth);
		*go = 1;
		test_sleep(60);
		test_fault_arm("*", 0);
		if (!test_raise_receive(port, &m, 20000))
			break;
		test_raise_drop(&m);
		CHECK_OK(test_raise_reply(&m, KERN_SUCCESS));
		bury(task);
		test_port_destroy(port);
	}
	CHECK_OK(vm_deallocate(SELF, page, 4096));
}

/* --- many at once --- */

#define WAITERS 300

static void raise_and_end(void *arg)
{
	(void)arg;
	__asm__ volatile("int3");
}

/* a thread that waits for its handler owns no kernel stack. Only the kernel's own messages pass a full queue */
TEST_FLAGS(waiting_threads_hold_no_stacks, TEST_LOCAL)
{
	mach_port_t port = test_port_with_send(), *t;
	natural_t before, during;
	vm_size_t reserved, space, resident, max, most;
	vm_address_t list = 0;

	CHECK_OK(vm_allocate(SELF, &list, sizeof *t * WAITERS, TRUE));
	t = (mach_port_t *)list;
	CHECK_OK(task_set_special_port(SELF, TASK_EXCEPTION_PORT, port));
	CHECK_OK(host_stack_usage(mach_host_self(), &reserved, &before, &space, &resident, &max, &most));
	for (unsigned i = 0; i < WAITERS; i++)
		t[i] = test_thread(raise_and_end, NULL);
	for (int i = 0; i < 1000; i++) {
		mach_port_status_t status;

		CHECK_OK(mach_port_get_receive_status(SELF, port, &status));
		if (status.mps_msgcount == WAITERS)
			break;
		test_sleep(10);
	}
	CHECK_OK(host_stack_usage(mach_host_self(), &reserved, &during, &space, &resident, &max, &most));
	if (!CHECK(during < before + 20))
		test_say("# %d stacks before, %d with %d waiting threads", before, during, WAITERS);
	for (unsigned i = 0; i < WAITERS; i++) {
		struct test_raise m;

		if (!test_raise_receive(port, &m, 20000))
			break;
		test_raise_drop(&m);
		CHECK_OK(test_raise_reply(&m, KERN_SUCCESS));
	}
	for (unsigned i = 0; i < WAITERS; i++)
		test_thread_join(t[i]);
	CHECK_OK(task_set_special_port(SELF, TASK_EXCEPTION_PORT, MACH_PORT_NULL));
	CHECK_OK(vm_deallocate(SELF, list, sizeof *t * WAITERS));
	test_port_destroy(port);
}

/* --- threads raise without end; others answer, abort, suspend, look, change and end them --- */

#define VICTIMS	4

static mach_port_t storm_port, storm_task;
static volatile bool storming;
static volatile unsigned storm_answers;

static void raise_on(void *arg)
{
	(void)arg;
	for (;;)
		__asm__ volatile("int3");
}

static void raise_in_four(void *arg)
{
	for (unsigned i = 1; i < VICTIMS; i++)
		test_thread(raise_on, NULL);
	raise_on(arg);
}

static void storm_answer(void *arg)
{
	struct test_raise m;

	(void)arg;
	while (storming) {
		if (mach_msg(&m.h, MACH_RCV_MSG | MACH_RCV_TIMEOUT, 0, sizeof m, storm_port, 10, MACH_PORT_NULL) != MACH_MSG_SUCCESS)
			continue;
		mach_port_deallocate(SELF, m.thread.port.name);
		mach_port_deallocate(SELF, m.task.port.name);
		/* the thread may have been aborted: then there is nobody */
		if (test_random() % 16 == 0 || test_raise_reply(&m, KERN_SUCCESS) != MACH_MSG_SUCCESS)
			mach_port_destroy(SELF, m.h.msgh_remote_port);
		storm_answers++;
	}
}

static void storm_disturb(void *arg)
{
	(void)arg;
	while (storming) {
		thread_array_t list;
		mach_msg_type_number_t n = 0, count;
		struct i386_thread_state s;

		if (task_threads(storm_task, &list, &n) != KERN_SUCCESS) {
			test_sleep(1);
			continue;
		}
		for (unsigned i = 0; i < n; i++) {
			switch (test_random() % 6) {
			case 0:
				thread_abort(list[i]);
				break;
			case 1:
				if (thread_suspend(list[i]) == KERN_SUCCESS)
					thread_resume(list[i]);
				break;
			case 2:
				count = i386_THREAD_STATE_COUNT;
				if (thread_suspend(list[i]) != KERN_SUCCESS)
					break;
				if (thread_get_state(list[i], i386_THREAD_STATE, (thread_state_t)&s, &count) == KERN_SUCCESS)
					thread_set_state(list[i], i386_THREAD_STATE, (thread_state_t)&s, count);
				thread_resume(list[i]);
				break;
			case 3:
				thread_set_exception_ports(list[i], EXC_MASK_BREAKPOINT, storm_port, EXCEPTION_DEFAULT, 0);
				break;
			case 4:
				if (test_random() % 32 == 0)
					thread_terminate(list[i]);
				break;
			}
			mach_port_deallocate(SELF, list[i]);
		}
		vm_deallocate(SELF, (vm_address_t)list, n * sizeof *list);
	}
}

static void drain(mach_port_t port)
{
	struct test_raise m;

	while (mach_msg(&m.h, MACH_RCV_MSG | MACH_RCV_TIMEOUT, 0, sizeof m, port, 0, MACH_PORT_NULL) == MACH_MSG_SUCCESS) {
		mach_port_deallocate(SELF, m.thread.port.name);
		mach_port_deallocate(SELF, m.task.port.name);
		mach_port_deallocate(SELF, m.h.msgh_remote_port);
	}
}

/* a reply right dropped ends the task: then there is a new one. Registers changed while a thread is on its way are its own loss */
TEST(exceptions_in_a_storm)
{
	mach_port_t helpers[4];

	storm_port = test_port_with_send();
	storm_answers = 0;
	storming = true;
	storm_task = victim(raise_in_four, storm_port);
	helpers[0] = test_thread(storm_answer, NULL);
	helpers[1] = test_thread(storm_answer, NULL);
	helpers[2] = test_thread(storm_disturb, NULL);
	helpers[3] = test_thread(storm_disturb, NULL);
	for (int i = 0; i < 60; i++) {
		mach_port_t old = storm_task;

		test_sleep(30);
		if (i % 4 != 0)
			continue;
		storm_task = victim(raise_in_four, storm_port);
		task_terminate(old);
		test_sleep(2);
		mach_port_destroy(SELF, old);
	}
	storming = false;
	task_terminate(storm_task);
	for (unsigned i = 0; i < 4; i++)
		test_thread_join(helpers[i]);
	mach_port_destroy(SELF, storm_task);
	test_sleep(50);
	drain(storm_port);
	CHECK(storm_answers > 100);
	test_say("# %d answers", storm_answers);
	test_port_destroy(storm_port);
}
