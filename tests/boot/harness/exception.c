/* SPDX-License-Identifier: BSD-2-Clause */
#include <mach/gnumach.h>
#include <mach/task_special_ports.h>
#include "exception.h"

#define SELF	mach_task_self()

bool test_raise_receive(mach_port_t port, struct test_raise *m, unsigned ms)
{
	m->h.msgh_id = 0;
	if (!CHECK_OK(mach_msg(&m->h, MACH_RCV_MSG | MACH_RCV_TIMEOUT, 0, sizeof *m, port, ms, MACH_PORT_NULL)))
		return false;
	return CHECK_EQ(m->h.msgh_id, EXC_RAISE_ID) && CHECK_EQ(m->h.msgh_size, 112) && CHECK_EQ(m->h.msgh_bits, 0x80001112);
}

void test_raise_drop(const struct test_raise *m)
{
	CHECK_OK(mach_port_deallocate(SELF, m->thread.port.name));
	CHECK_OK(mach_port_deallocate(SELF, m->task.port.name));
}

kern_return_t test_raise_reply_with(const struct test_raise *m, mach_msg_header_t *h, unsigned size, int id)
{
	h->msgh_bits = (h->msgh_bits & MACH_MSGH_BITS_COMPLEX) | MACH_MSGH_BITS(MACH_MSG_TYPE_MOVE_SEND_ONCE, 0);
	h->msgh_remote_port = m->h.msgh_remote_port;
	h->msgh_local_port = MACH_PORT_NULL;
	h->msgh_id = id;
	return mach_msg(h, MACH_SEND_MSG, size, 0, MACH_PORT_NULL, 0, MACH_PORT_NULL);
}

kern_return_t test_raise_reply(const struct test_raise *m, int code)
{
	struct { mach_msg_header_t h; mach_msg_type_t type; int code, pad; } r = {
		.type = { .msgt_name = MACH_MSG_TYPE_INTEGER_32, .msgt_size = 32, .msgt_inline = 1, .msgt_number = 1 },
		.code = code,
	};

	return test_raise_reply_with(m, &r.h, sizeof r, m->h.msgh_id + 100);
}

/* --- threads that raise one exception --- */

#define NOTHING	0x7e57

static uint64_t escape_sp;

static __attribute__((noreturn)) void leave(void)
{
	mach_port_t self = mach_thread_self();

	thread_terminate_release(self, SELF, self, MACH_PORT_NULL, 0, 0);
	for (;;)
		;
}

static void run_body(void *body)
{
	__asm__ volatile("movq %%rsp, %0" : "=m"(escape_sp));
	((void (*)(void))body)();
	/* nothing raised: say so by the number in RAX */
	__asm__ volatile("movl %0, %%eax; ud2" :: "i"(NOTHING) : "rax");
}

bool test_trap(void (*body)(void), struct test_trap *trap)
{
	mach_port_t port = test_port_with_send(), t;
	mach_msg_type_number_t n;
	struct i386_thread_state away;

	CHECK_OK(task_set_special_port(SELF, TASK_EXCEPTION_PORT, port));
	t = test_thread(run_body, (void *)(uintptr_t)body);
	bool came = test_raise_receive(port, &trap->raise, 20000);
	CHECK_OK(task_set_special_port(SELF, TASK_EXCEPTION_PORT, MACH_PORT_NULL));
	if (!came) {
		thread_terminate(t);
		test_thread_join(t);
		test_port_destroy(port);
		return false;
	}
	CHECK_EQ(trap->raise.thread.port.name, t);
	CHECK_EQ(trap->raise.task.port.name, SELF);
	n = i386_REGS_SEGS_STATE_COUNT;
	CHECK_OK(thread_get_state(t, i386_REGS_SEGS_STATE, (thread_state_t)&trap->state, &n));
	n = i386_DEBUG_STATE_COUNT;
	CHECK_OK(thread_get_state(t, i386_DEBUG_STATE, (thread_state_t)&trap->debug, &n));
	n = i386_FLOAT_STATE_COUNT;
	CHECK_OK(thread_get_state(t, i386_FLOAT_STATE, (thread_state_t)&trap->fpu, &n));
	away = trap->state;
	away.rip = (uint64_t)leave;
	away.ursp = (escape_sp & ~15ull) - 8;
	away.rfl = 0x202;
	CHECK_OK(thread_set_state(t, i386_THREAD_STATE, (thread_state_t)&away, i386_THREAD_STATE_COUNT));
	test_raise_drop(&trap->raise);
	CHECK_OK(test_raise_reply(&trap->raise, KERN_SUCCESS));
	test_thread_join(t);
	test_port_destroy(port);
	return trap->state.rax != NOTHING;
}
