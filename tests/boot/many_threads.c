/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Very many threads of one task, each blocked in receive at a port of its own: none keeps a kernel stack, each costs a bounded amount of
 * memory, and every one answers when its message comes.
 * The word "threads=N" on the module's line: how many (20,000). make stress takes 100,000, in a machine of 1 GiB.
 */
#include <mach/machine/thread_status.h>
#include <mach/mach_host.h>
#include <mach/thread_info.h>
#include <mach_debug/mach_debug.h>
#include "harness/test.h"

#define SELF	mach_task_self()
#define PAGE	4096ul

/* shared by the two tasks */
struct world {
	unsigned	 threads;
	volatile unsigned made, sent, failed;
	volatile bool	 go, looked;
	volatile unsigned blocked;	/* of those that were looked at */
	volatile unsigned answers;	/* counted by many_begin */
	mach_port_t	 port[];
};
static struct world *w;

/*
 * Such a thread has no stack and no memory: all that it needs is in its registers. R12 is its buffer, which all share, RBX its port, R13
 * the count of answers; RSP lies under a word of zero, the seventh argument.
 */
void many_begin(void);
__asm__(".text\n"
    "many_begin:\n"
    "	movq	%r12, %rdi\n"
    "	movl	$2, %esi\n"		/* MACH_RCV_MSG */
    "	xorl	%edx, %edx\n"
    "	movl	$256, %r10d\n"
    "	movl	%ebx, %r8d\n"
    "	xorl	%r9d, %r9d\n"
    "	movl	$-25, %eax\n"		/* mach_msg_trap */
    "	syscall\n"
    "	testl	%eax, %eax\n"
    "	jnz	1f\n"
    "	lock incl (%r13)\n"
    "	jmp	many_begin\n"
    "1:	ud2\n");

static bool make_one(mach_port_t *port, vm_address_t memory)
{
	struct i386_thread_state state = { 0 };
	mach_port_t thread = MACH_PORT_NULL;

	if (mach_port_allocate(SELF, MACH_PORT_RIGHT_RECEIVE, port) != KERN_SUCCESS || thread_create(SELF, &thread) != KERN_SUCCESS)
		return false;
	state.rip = (uint64_t)many_begin;
	state.rbx = *port;
	state.r12 = memory;
	state.r13 = (uint64_t)&w->answers;
	state.ursp = memory + PAGE - 64;
	return thread_set_state(thread, i386_THREAD_STATE, (thread_state_t)&state, i386_THREAD_STATE_COUNT) == KERN_SUCCESS &&
	    thread_resume(thread) == KERN_SUCCESS && mach_port_deallocate(SELF, thread) == KERN_SUCCESS;
}

static void child(void *arg)
{
	vm_address_t memory = 0;

	(void)arg;
	if (vm_allocate(SELF, &memory, PAGE, TRUE) != KERN_SUCCESS)
		w->failed = 1;
	for (unsigned i = 0; i < w->threads && !w->failed; i++) {
		if (make_one(&w->port[i], memory))
			w->made++;
		else
			w->failed = 1;
	}
	while (!w->go)
		test_sleep(10);
	for (unsigned i = 0; i < w->threads && !w->failed; i++) {
		if (test_send(w->port[i], MACH_MSG_TYPE_MAKE_SEND, 0, 0, (int)i) == MACH_MSG_SUCCESS)
			w->sent++;
		else
			w->failed = 1;
	}
	for (;;)
		test_sleep(1000);
}

/* wait while the count grows; => it has come to n */
static bool comes_to(volatile unsigned *count, unsigned n)
{
	unsigned before = *count;

	for (unsigned still = 0; *count < n && !w->failed && still < 3000; still++) {
		test_sleep(10);
		if (*count != before)
			still = 0;
		before = *count;
	}
	return *count == n && !w->failed;
}

static bool is_blocked(mach_port_t thread)
{
	thread_basic_info_data_t info;
	mach_msg_type_number_t n = THREAD_BASIC_INFO_COUNT;

	return thread_info(thread, THREAD_BASIC_INFO, (thread_info_t)&info, &n) == KERN_SUCCESS &&
	    info.run_state == TH_STATE_WAITING && (info.flags & TH_FLAGS_SWAPPED);
}

/* each waits, without a kernel stack; the child's own, which sleeps, too */
static void count_blocked(void *arg)
{
	mach_port_t task = (mach_port_t)(uintptr_t)arg;
	mach_port_array_t list;
	mach_msg_type_number_t n = 0;
	unsigned blocked = 0;

	while (!(test_type(task) & MACH_PORT_TYPE_SEND))
		test_sleep(1);
	if (task_threads(task, &list, &n) != KERN_SUCCESS)
		n = 0;
	for (unsigned i = 0; i < n; i++) {
		for (unsigned ms = 0; !is_blocked(list[i]) && ms < 1000; ms++)
			test_sleep(1);
		blocked += is_blocked(list[i]);
	}
	w->blocked = blocked;
	w->looked = true;
}

/* in a task of its own, whose names end with it */
static void look_at_each(mach_port_t task)
{
	mach_port_t looker;

	w->looked = false;
	looker = test_fork(count_blocked, (void *)(uintptr_t)task);
	test_give(looker, task, MACH_MSG_TYPE_COPY_SEND);
	for (unsigned i = 0; !w->looked && i < 6000; i++)
		test_sleep(10);
	CHECK(w->looked);
	CHECK_EQ(w->blocked, w->threads + 1);
	task_terminate(looker);
	mach_port_deallocate(SELF, looker);
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

static int64_t free_bytes(void)
{
	struct vm_statistics st = { 0 };

	CHECK_OK(vm_statistics(SELF, &st));
	return (int64_t)st.free_count * (int64_t)PAGE;
}

static void look_at(mach_port_t task, int64_t before)
{
	int64_t used = before - free_bytes();
	unsigned stacks;

	look_at_each(task);
	stacks = stacks_in_use();
	CHECK(stacks <= test_cpus() + 2);
	test_say("# %u threads blocked in receive: %ld bytes each, %u kernel stacks in use with %u CPUs", w->threads, used / w->threads,
	    stacks, test_cpus());
}

TEST(threads_blocked_in_receive_keep_no_stack_and_answer)
{
	unsigned n = test_number("threads=", 20000);
	vm_size_t size = (sizeof *w + n * sizeof w->port[0] + PAGE - 1) & ~(PAGE - 1);
	vm_address_t a = 0;
	mach_port_t task;
	int64_t before;

	CHECK_OK(vm_allocate(SELF, &a, size, TRUE));
	CHECK_OK(vm_inherit(SELF, a, size, VM_INHERIT_SHARE));
	for (vm_size_t at = 0; at < size; at += PAGE)
		*(volatile char *)(a + at) = 0;
	w = (struct world *)a;
	w->threads = n;
	before = free_bytes();
	task = test_fork(child, NULL);
	if (CHECK(comes_to(&w->made, n)))
		look_at(task, before);
	w->go = true;
	CHECK(comes_to(&w->answers, n));
	look_at_each(task);
	CHECK(stacks_in_use() <= test_cpus() + 2);
	if (w->failed)
		test_say("# %u made, %u sent, %u answers", w->made, w->sent, w->answers);
	CHECK_OK(task_terminate(task));
	mach_port_deallocate(SELF, task);
	w = NULL;
	CHECK_OK(vm_deallocate(SELF, a, size));
}
