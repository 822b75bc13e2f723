/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory of the kernel's objects: pages gone for very many of them, divided. A program of its own: it leaves names and caches behind */
#include <mach/machine/thread_status.h>
#include <mach/mach_host.h>
#include <mach_debug/mach_debug.h>
#include "../mach/bench.h"

static int64_t free_bytes(void)
{
	struct vm_statistics st = { 0 };

	CHECK_OK(vm_statistics(SELF, &st));
	return (int64_t)st.free_count * (int64_t)PAGE;
}

void bench_report(const char *key, uint64_t bytes, uint64_t n)
{
	test_say("BENCH %s %ld.%ld", key, (int64_t)(bytes / n), (int64_t)(bytes * 10 / n % 10));
}

/* what the body took for n objects */
#define BYTES(key, n, ...) do {								\
	int64_t bytes_before = free_bytes();						\
	for (unsigned bytes_i = 0; bytes_i < (n); bytes_i++) { __VA_ARGS__; }		\
	bench_report(key, (uint64_t)(bytes_before - free_bytes()), (n));		\
} while (0)

TEST_FLAGS(bytes_of_ports_and_messages, TEST_MAY_LEAK)
{
	enum { PORTS = 20000, MESSAGES = 5 };
	mach_port_t p = MACH_PORT_NULL, first = MACH_PORT_NULL;

	BYTES("receive_right_bytes", PORTS, mach_port_allocate(SELF, MACH_PORT_RIGHT_RECEIVE, &p); first = first ? first : p);
	BYTES("queued_message_bytes", PORTS, if (bytes_i % MESSAGES == 0) first++;
	    test_send(first, MACH_MSG_TYPE_MAKE_SEND, 0, 0, 1));
	while (first > 0 && p >= first)
		mach_port_destroy(SELF, p--);
}

void bytes_waiter(void);
/* waits for ever at port RBX, without a stack or memory: RSP lies under a word of zero */
__asm__(".text\n"
    "bytes_waiter: movl $2, %esi; xorl %edx, %edx; movl $64, %r10d; movl %ebx, %r8d; xorl %r9d, %r9d; movl $-25, %eax; syscall\n"
    "jmp bytes_waiter\n");

static void add_waiter(mach_port_t task, mach_port_t port, vm_address_t page)
{
	struct i386_thread_state state = { .rip = (uint64_t)bytes_waiter, .rdi = page, .rbx = port, .ursp = page + PAGE - 64 };
	mach_port_t thread = MACH_PORT_NULL;

	thread_create(task, &thread);
	thread_set_state(thread, i386_THREAD_STATE, (thread_state_t)&state, i386_THREAD_STATE_COUNT);
	thread_resume(thread);
	mach_port_deallocate(SELF, thread);
}

static void idle_child(void *arg)
{
	(void)arg;
	for (;;)
		test_sleep(100000);
}

static unsigned stacks_in_use(void)
{
	mach_port_t set = MACH_PORT_NULL;
	vm_size_t space, resident, most;
	vm_offset_t stack;
	unsigned n = 0;

	CHECK_OK(processor_set_default(mach_host_self(), &set));
	CHECK_OK(processor_set_stack_usage(set, &n, &space, &resident, &most, &stack));
	mach_port_deallocate(SELF, set);
	return n;
}

TEST_FLAGS(bytes_of_blocked_threads, TEST_MAY_LEAK)
{
	enum { MANY = 10000 };
	mach_port_t child = test_fork(idle_child, NULL), port = MACH_PORT_NULL;
	vm_address_t page = 0;
	int64_t before;

	CHECK_OK(vm_allocate(child, &page, PAGE, TRUE));
	CHECK_OK(mach_port_allocate(child, MACH_PORT_RIGHT_RECEIVE, &port));
	add_waiter(child, port, page);
	test_sleep(10);
	before = free_bytes();
	for (unsigned i = 0; i < MANY; i++)
		add_waiter(child, port, page);
	test_sleep(1000);
	bench_report("blocked_thread_bytes", (uint64_t)(before - free_bytes()), MANY);
	bench_report("stacks_of_10000_blocked", stacks_in_use(), 1);
	task_terminate(child);
}

TEST_FLAGS(bytes_of_tasks, TEST_MAY_LEAK)
{
	enum { MANY = 1000 };
	static mach_port_t task[MANY];

	BYTES("empty_task_bytes", MANY, task_create(SELF, FALSE, &task[bytes_i]));
	for (unsigned i = 0; i < MANY; i++)
		task_terminate(task[i]);
}
