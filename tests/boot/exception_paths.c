/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Exceptions by the straight line and by the general path: what handler and thread see must not depend on the way. A handler that waits
 * in a plain receive may be reached by the one, a handler with a time-out only by the other.
 */
#include <mach/exception.h>
#include <mach/task_special_ports.h>
#include <mach/thread_special_ports.h>
#include "harness/test.h"

#define SELF mach_task_self()
#define PAGE 4096u

struct raise {
	mach_msg_header_t h;
	struct port_item thread, task;
	mach_msg_type_t t1; int exception, p1;
	mach_msg_type_t t2; int code, p2;
	mach_msg_type_t t3; int64_t subcode;
};
struct answer { mach_msg_header_t h; mach_msg_type_t type; int code, pad; };
union message { struct raise m; struct answer reply; char room[256]; };

/* what the handler does; written by the thread that raises, while the handler waits */
static struct {
	bool plain;		/* receives without options, and with its answer */
	bool keeps;		/* the rights it is given */
	bool fresh_memory;	/* receives where nothing was written before */
	bool dying;		/* who raises may be gone */
	int code;		/* of its answer */
	int distance;		/* of the answer's id */
	unsigned size;
	mach_port_t from;	/* its port, or a set with it */
} how;

static volatile int raised;
static struct raise seen;

/* what is always the same */
static void look(const struct raise *m, mach_port_t port)
{
	CHECK_EQ(m->h.msgh_bits, 0x80001112);
	CHECK_EQ(m->h.msgh_size, 112);
	CHECK_EQ(m->h.msgh_local_port, port);
	CHECK_EQ(m->h.msgh_id, 2400);
	if (!how.dying) {
		CHECK_EQ(test_type(m->h.msgh_remote_port), MACH_PORT_TYPE_SEND_ONCE);
		CHECK_EQ(test_type(m->thread.port.name), MACH_PORT_TYPE_SEND);
	}
	CHECK_EQ(m->task.port.name, SELF);
	CHECK_EQ(*(const uint64_t *)&m->thread.type, 0x120004011);
	CHECK_EQ(*(const uint64_t *)&m->task.type, 0x120004011);
	CHECK_EQ(*(const uint64_t *)&m->t1, 0x120002002);
	CHECK_EQ(*(const uint64_t *)&m->t2, 0x120002002);
	CHECK_EQ(*(const uint64_t *)&m->t3, 0x12000400b);
	CHECK_EQ(m->exception, EXC_BREAKPOINT);
	CHECK_EQ(m->code, 2);
	CHECK_EQ(m->subcode, 0);
	CHECK(m->p1 == 0 && m->p2 == 0);
}

/* memory that nothing was ever written to */
static union message *fresh_page(void)
{
	vm_address_t page = 0;

	CHECK_OK(vm_allocate(SELF, &page, PAGE, TRUE));
	return (union message *)page;
}

static void answer_to(union message *m)
{
	m->reply.h.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_MOVE_SEND_ONCE, 0);
	m->reply.h.msgh_local_port = MACH_PORT_NULL;
	m->reply.h.msgh_id += how.distance;
	m->reply.type = (mach_msg_type_t){ .msgt_name = MACH_MSG_TYPE_INTEGER_32, .msgt_size = 32, .msgt_inline = 1, .msgt_number = 1 };
	m->reply.code = how.code;
}

/* => the result of waiting for the next, whose place *m is */
static mach_msg_return_t answer_and_wait(union message **m, union message *usual)
{
	union message *old = *m;
	mach_msg_return_t mr;

	answer_to(old);
	if (how.plain && !how.fresh_memory) {
		mr = mach_msg(&old->m.h, MACH_SEND_MSG | MACH_RCV_MSG, how.size, sizeof *old, how.from, 0, 0);
		if (mr != MACH_SEND_INVALID_DEST)
			return mr;
		/* the thread waits no more */
		mach_port_deallocate(SELF, old->m.h.msgh_remote_port);
		return mach_msg(&old->m.h, MACH_RCV_MSG, 0, sizeof *old, how.from, 0, 0);
	}
	CHECK_OK(mach_msg(&old->reply.h, MACH_SEND_MSG, how.size, 0, 0, 0, 0));
	*m = how.fresh_memory ? fresh_page() : usual;
	mr = mach_msg(&(*m)->m.h, MACH_RCV_MSG | (how.plain ? 0 : MACH_RCV_TIMEOUT), 0, sizeof **m, how.from, how.plain ? 0 : 100000, 0);
	if (old != usual)
		vm_deallocate(SELF, (vm_address_t)old, PAGE);
	return mr;
}

static void handler(void *arg)
{
	static union message usual;
	mach_port_t port = (mach_port_t)(uintptr_t)arg;
	union message *m = &usual;
	mach_msg_return_t mr = mach_msg(&m->m.h, MACH_RCV_MSG, 0, sizeof *m, how.from, 0, MACH_PORT_NULL);

	while (mr == MACH_MSG_SUCCESS && m->m.h.msgh_id == 2400) {
		look(&m->m, port);
		seen = m->m;
		raised++;
		if (!how.keeps) {
			mach_port_deallocate(SELF, m->m.thread.port.name);
			mach_port_deallocate(SELF, m->m.task.port.name);
		}
		mr = answer_and_wait(&m, &usual);
	}
	if (m != &usual)
		vm_deallocate(SELF, (vm_address_t)m, PAGE);
}

static void breakpoint(int times)
{
	int before = raised;

	for (int i = 0; i < times; i++)
		__asm__ volatile("int3");
	CHECK_EQ(raised - before, times);
}

static void reset(mach_port_t from)
{
	how.plain = true;
	how.keeps = how.fresh_memory = how.dying = false;
	how.code = KERN_SUCCESS;
	how.distance = 100;
	how.size = sizeof(struct answer);
	how.from = from;
}

static void with_handler(void (*run)(mach_port_t port), bool through_a_set)
{
	mach_port_t port = test_port_with_send(), set = MACH_PORT_NULL, self = mach_thread_self(), t;

	reset(port);
	if (through_a_set) {
		CHECK_OK(mach_port_allocate(SELF, MACH_PORT_RIGHT_PORT_SET, &set));
		CHECK_OK(mach_port_move_member(SELF, port, set));
		how.from = set;
	}
	t = test_thread(handler, (void *)(uintptr_t)port);
	CHECK_OK(thread_set_special_port(self, THREAD_EXCEPTION_PORT, port));
	run(port);
	CHECK_OK(thread_set_special_port(self, THREAD_EXCEPTION_PORT, MACH_PORT_NULL));
	CHECK_OK(test_send(port, MACH_MSG_TYPE_COPY_SEND, 0, 0, 1));
	test_thread_join(t);
	mach_port_deallocate(SELF, self);
	if (set != MACH_PORT_NULL)
		CHECK_OK(mach_port_destroy(SELF, set));
	test_port_destroy(port);
}

static void both_ways(mach_port_t port)
{
	(void)port;
	for (int i = 0; i < 40; i++) {
		how.plain = i & 1;
		how.fresh_memory = i & 4;
		breakpoint(2);
	}
}

/* the kernel's port for a thread's answers is made with its first exception, and stays */
static void once(mach_port_t port)
{
	(void)port;
	breakpoint(1);
}

TEST_FLAGS(the_first_exception, TEST_MAY_LEAK) { with_handler(once, false); }

TEST(handler_and_thread_see_the_same_by_both_ways) { with_handler(both_ways, false); }
TEST(the_same_through_a_port_set) { with_handler(both_ways, true); }

static void count_rights(mach_port_t port)
{
	mach_port_t self = mach_thread_self();
	unsigned threads = test_urefs(self, MACH_PORT_RIGHT_SEND), tasks = test_urefs(SELF, MACH_PORT_RIGHT_SEND);

	(void)port;
	for (int i = 0; i < 20; i++) {
		how.keeps = true;
		how.plain = i % 3 != 0;
		breakpoint(1);
		CHECK_EQ(seen.thread.port.name, self);
		CHECK_EQ(test_urefs(self, MACH_PORT_RIGHT_SEND), ++threads);
		CHECK_EQ(test_urefs(SELF, MACH_PORT_RIGHT_SEND), ++tasks);
	}
	for (int i = 0; i < 20; i++) {
		mach_port_deallocate(SELF, self);
		mach_port_deallocate(SELF, SELF);
	}
	mach_port_deallocate(SELF, self);
}

TEST(each_exception_gives_one_reference_of_each_right) { with_handler(count_rights, false); }

static volatile int heard_by_task;

/* the task's handler: always content */
static void content(void *arg)
{
	static union message m;
	mach_port_t port = (mach_port_t)(uintptr_t)arg;
	mach_msg_return_t mr = mach_msg(&m.m.h, MACH_RCV_MSG, 0, sizeof m, port, 0, MACH_PORT_NULL);

	while (mr == MACH_MSG_SUCCESS && m.m.h.msgh_id == 2400) {
		look(&m.m, port);
		heard_by_task++;
		mach_port_deallocate(SELF, m.m.thread.port.name);
		mach_port_deallocate(SELF, m.m.task.port.name);
		m.reply.h.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_MOVE_SEND_ONCE, 0);
		m.reply.h.msgh_local_port = MACH_PORT_NULL;
		m.reply.h.msgh_id = 2500;
		m.reply.type = (mach_msg_type_t){ .msgt_name = MACH_MSG_TYPE_INTEGER_32, .msgt_size = 32,
		    .msgt_inline = 1, .msgt_number = 1 };
		m.reply.code = KERN_SUCCESS;
		mr = mach_msg(&m.m.h, MACH_SEND_MSG | MACH_RCV_MSG, sizeof m.reply, sizeof m, port, 0, MACH_PORT_NULL);
	}
}

/* a thread that only the task's handler hears of, by a name that is new each time but the first */
static void unnamed(void *arg)
{
	int before = heard_by_task;

	(void)arg;
	for (int i = 0; i < 10; i++)
		__asm__ volatile("int3");
	CHECK_EQ(heard_by_task - before, 10);
}

static void pass_over(mach_port_t port)
{
	mach_port_t second = test_port_with_send(), t = test_thread(content, (void *)(uintptr_t)second);

	(void)port;
	CHECK_OK(task_set_special_port(SELF, TASK_EXCEPTION_PORT, second));
	for (int i = 0; i < 24; i++) {
		int before = heard_by_task;

		how.plain = i & 1;
		how.code = i % 4 == 0 ? KERN_FAILURE : KERN_SUCCESS;
		how.distance = i % 4 == 1 ? 101 : 100;
		how.size = i % 4 == 2 ? sizeof(mach_msg_header_t) : sizeof(struct answer);
		breakpoint(1);
		CHECK_EQ(heard_by_task - before, i % 4 != 3);
	}
	test_thread_join(test_thread(unnamed, NULL));
	CHECK_OK(task_set_special_port(SELF, TASK_EXCEPTION_PORT, MACH_PORT_NULL));
	CHECK_OK(test_send(second, MACH_MSG_TYPE_COPY_SEND, 0, 0, 1));
	test_thread_join(t);
	test_port_destroy(second);
}

TEST(a_handler_that_says_no_or_nonsense_is_passed_over) { with_handler(pass_over, false); }

static void fail_each_look(mach_port_t port)
{
	(void)port;
	for (unsigned k = 1; k <= 60; k++) {
		how.keeps = k & 1;
		test_sleep(1);
		test_fault_arm("rpc", k);
		breakpoint(1);
		test_fault_arm("rpc", 0);
		breakpoint(1);
		if (how.keeps) {
			for (int i = 0; i < 2; i++) {
				mach_port_deallocate(SELF, seen.thread.port.name);
				mach_port_deallocate(SELF, SELF);
			}
		}
	}
}

TEST(each_look_that_fails_leaves_the_exception_to_the_general_path) { with_handler(fail_each_look, false); }

/* the thread waits for an answer that does not come, and is stopped, let go, aborted, ended */
static void raises_for_ever(void *arg)
{
	(void)arg;
	for (;;)
		__asm__ volatile("int3");
}

TEST(a_thread_in_the_straight_line_can_be_stopped_and_ended)
{
	mach_port_t port = test_port_with_send(), t;

	unsigned tasks = test_urefs(SELF, MACH_PORT_RIGHT_SEND);

	reset(port);
	/* test_thread_join takes away all references to the thread that has ended, also those of a handler that is late */
	how.dying = how.keeps = true;
	t = test_thread(handler, (void *)(uintptr_t)port);
	CHECK_OK(task_set_special_port(SELF, TASK_EXCEPTION_PORT, port));
	for (int i = 0; i < 20; i++) {
		mach_port_t victim = test_thread(raises_for_ever, NULL);

		test_sleep(2);
		CHECK_OK(thread_suspend(victim));
		CHECK_OK(thread_abort(victim));
		test_yield();
		CHECK_OK(thread_resume(victim));
		test_yield();
		CHECK_OK(thread_terminate(victim));
		test_thread_join(victim);
	}
	CHECK(raised > 20);
	CHECK_OK(task_set_special_port(SELF, TASK_EXCEPTION_PORT, MACH_PORT_NULL));
	CHECK_OK(test_send(port, MACH_MSG_TYPE_COPY_SEND, 0, 0, 1));
	test_thread_join(t);
	test_port_destroy(port);
	CHECK_OK(mach_port_mod_refs(SELF, SELF, MACH_PORT_RIGHT_SEND, (int)tasks - (int)test_urefs(SELF, MACH_PORT_RIGHT_SEND)));
}
