/* SPDX-License-Identifier: BSD-2-Clause */
/* Traps, kernel calls, ports, tasks, threads, switches. */
#include <mach/machine/thread_status.h>
#include <mach/mach_host.h>
#include <mach/policy.h>
#include "bench.h"

extern long bench_trap0(long number);
__asm__(".text; bench_trap0: movslq %edi, %rax; syscall; ret");

__attribute__((noinline)) void bench_mark(void)
{
	__asm__ volatile("");
}

bool bench_loop(const char *key)
{
	static const char *looping;
	static bool looked;

	if (looping) {
		if (looping != key)
			return false;
		bench_mark();
		return true;
	}
	if (looked && test_argc <= 3)
		return false;
	looked = true;
	for (int i = 1; i < test_argc; i++) {
		const char *a = test_argv[i], *k = "loop=";

		/* byte by byte: the last argument ends with user memory */
		for (; *k && *a == *k; a++, k++)
			;
		if (*k)
			continue;
		for (k = key; *a && *a == *k; a++, k++)
			;
		if (*a || *k)
			continue;
		looping = key;
		test_say("LOOP %s", key);
		return true;
	}
	return false;
}

void bench_report(const char *key, uint64_t ticks, uint64_t n)
{
	test_say("BENCH %s %ld.%ld", key, (int64_t)(ticks / n), (int64_t)(ticks * 10 / n % 10));
}

TEST_FLAGS(traps, TEST_MAY_LEAK)
{
	BENCH("trap", 5000, bench_trap0(-31));
	BENCH("mach_task_self", 5000, (mach_task_self)());
	BENCH("mach_thread_self", 5000, mach_thread_self());
}

TEST_FLAGS(kernel_calls, TEST_MAY_LEAK)
{
	mach_port_t p = test_port();
	vm_statistics_data_t vs;
	mach_port_type_t type;

	BENCH("vm_statistics", 2000, vm_statistics(SELF, &vs));
	BENCH("mach_port_type", 2000, mach_port_type(SELF, p, &type));
	BENCH("port_allocate_destroy", 1000, mach_port_t q;
	    mach_port_allocate(SELF, MACH_PORT_RIGHT_RECEIVE, &q); mach_port_destroy(SELF, q));
}

TEST_FLAGS(tasks_and_threads, TEST_MAY_LEAK)
{
	mach_port_t t;

	BENCH("task_create_terminate", 200, task_create(SELF, FALSE, &t); task_terminate(t); mach_port_deallocate(SELF, t));
	BENCH("thread_create_terminate", 200, thread_create(SELF, &t); thread_terminate(t); mach_port_deallocate(SELF, t));
}

static void switcher(void *arg)
{
	(void)arg;
	CHECK_OK(thread_policy(mach_thread_self(), POLICY_FIXEDPRI, 30));
	for (;;)
		bench_trap0(-60);
}

static void switch_with_child(void *arg)
{
	(void)arg;
	CHECK_OK(thread_policy(mach_thread_self(), POLICY_FIXEDPRI, 30));
	for (int i = 0; i < 100; i++)
		bench_trap0(-60);
	BENCH("context_switch_pair", 2000, bench_trap0(-60));
}

/* at fixed priorities: with timesharing one side would soon be worse, and never be switched to */
TEST_FLAGS(context_switch, TEST_MAY_LEAK)
{
	mach_port_t pset, control, child;

	CHECK_OK(processor_set_default(test_host_priv, &pset));
	CHECK_OK(host_processor_set_priv(test_host_priv, pset, &control));
	CHECK_OK(processor_set_policy_enable(control, POLICY_FIXEDPRI));
	child = test_fork(switcher, NULL);

	test_thread_join(test_thread(switch_with_child, NULL));
	task_terminate(child);
}

static volatile uint32_t word;

static void waker(void *arg)
{
	(void)arg;
	for (;;) {
		while (word != 1)
			gsync_wait(SELF, (vm_address_t)&word, 0, 0, 0, 0);
		word = 0;
		gsync_wake(SELF, (vm_address_t)&word, 0, 0);
	}
}

TEST_FLAGS(gsync, TEST_MAY_LEAK)
{
	mach_port_t t = test_thread(waker, NULL);

	test_sleep(10);
	BENCH("gsync_ping_pong", 500,
	    word = 1; gsync_wake(SELF, (vm_address_t)&word, 0, 0);
	    while (word != 0)
		gsync_wait(SELF, (vm_address_t)&word, 1, 0, 0, 0));
	thread_terminate(t);
}

/* one message buffer, the reply and the next exception in one call, both rights dropped: as the anchors were measured */
static volatile bool handler_repairs;

static void repair(mach_port_t thread)
{
	struct i386_thread_state s;
	mach_msg_type_number_t n = i386_THREAD_STATE_COUNT;

	CHECK_OK(thread_get_state(thread, i386_THREAD_STATE, (thread_state_t)&s, &n));
	s.rip += 2;
	CHECK_OK(thread_set_state(thread, i386_THREAD_STATE, (thread_state_t)&s, n));
}

static void handler(void *arg)
{
	union {
		struct { mach_msg_header_t h; struct port_item thread, task; char rest[64]; } m;
		struct { mach_msg_header_t h; mach_msg_type_t type; int code, pad; } reply;
	} u;
	mach_port_t port = (mach_port_t)(uintptr_t)arg;
	mach_msg_return_t mr = mach_msg(&u.m.h, MACH_RCV_MSG, 0, sizeof u, port, 0, MACH_PORT_NULL);

	while (mr == MACH_MSG_SUCCESS) {
		if (handler_repairs)
			repair(u.m.thread.port.name);
		mach_port_deallocate(SELF, u.m.thread.port.name);
		mach_port_deallocate(SELF, u.m.task.port.name);
		u.reply.h.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_MOVE_SEND_ONCE, 0);
		u.reply.h.msgh_local_port = MACH_PORT_NULL;
		u.reply.h.msgh_id += 100;
		u.reply.type = (mach_msg_type_t){ .msgt_name = MACH_MSG_TYPE_INTEGER_32, .msgt_size = 32, .msgt_inline = 1,
		    .msgt_number = 1 };
		u.reply.code = KERN_SUCCESS;
		mr = mach_msg(&u.m.h, MACH_SEND_MSG | MACH_RCV_MSG, sizeof u.reply, sizeof u, port, 0, MACH_PORT_NULL);
	}
}

TEST_FLAGS(exceptions, TEST_MAY_LEAK)
{
	mach_port_t p = test_port_with_send(), self = mach_thread_self();
	mach_port_t t = test_thread(handler, (void *)(uintptr_t)p);

	CHECK_OK(thread_set_special_port(self, 3, p));
	BENCH("exception", 500, __asm__ volatile("int3"));
	handler_repairs = true;
	BENCH("exception_repair", 500, __asm__ volatile("ud2"));
	CHECK_OK(thread_set_special_port(self, 3, MACH_PORT_NULL));
	thread_terminate(t);
}

/* from `syscall` of a redirected number to the handler's first instruction, which is rdtsc; two moves and one rdtsc are ours */
extern uint32_t bench_redirect(void);
extern void bench_redirected(void);
__asm__(".text; bench_redirect: rdtsc; movl %eax, %esi; movl $7000, %eax; syscall; ret\n"
    "bench_redirected: rdtsc; subl %esi, %eax; jmp *%rcx");

TEST_FLAGS(redirection, TEST_MAY_LEAK)
{
	uint32_t least = ~0u;

	CHECK_OK(task_set_emulation(SELF, (vm_address_t)bench_redirected, 7000));
	for (int i = 0; i < 100; i++) {
		uint32_t n = bench_redirect() - 3;

		least = n < least ? n : least;
	}
	bench_report("redirection", least, 1);
	CHECK_OK(task_set_emulation(SELF, 0, 7000));
}
