/* SPDX-License-Identifier: BSD-2-Clause */
/* Threads and copy-on-write children for tests: bare kernel threads with their own stacks. */
#include <mach/machine/thread_status.h>
#include <mach/thread_switch.h>
#include <mach/host_info.h>
#include "test.h"

#define STACK_SIZE	(16 * 4096ul)

/* sits at the base of its stack */
struct start {
	void		(*fn)(void *);
	void		*arg;
	vm_address_t	 stack;
};

static void set_entry(mach_port_t thread, void (*entry)(struct start *), struct start *start, vm_address_t stack)
{
	struct i386_thread_state state = { 0 };

	state.rip = (uint64_t)entry;
	state.rdi = (uint64_t)start;
	/* as after a call: aligned to 16 before the pushed return address */
	state.ursp = stack + STACK_SIZE - 64 - 8;
	CHECK_OK(thread_set_state(thread, i386_THREAD_STATE, (thread_state_t)&state, i386_THREAD_STATE_COUNT));
	CHECK_OK(thread_resume(thread));
}

static struct start *new_stack(void (*fn)(void *), void *arg, vm_address_t *stack)
{
	struct start *s;

	*stack = 0;
	if (vm_allocate(mach_task_self(), stack, STACK_SIZE, TRUE) != KERN_SUCCESS)
		return NULL;
	s = (struct start *)(*stack + STACK_SIZE - 48);
	*s = (struct start){ fn, arg, *stack };
	return s;
}

/* stacks of threads not joined yet, by thread: the joiner frees them, however the thread ended */
#define THREADS_MAX 512
static struct { mach_port_t thread; vm_address_t stack; } started[THREADS_MAX];

static void remember(mach_port_t thread, vm_address_t stack)
{
	for (unsigned i = 0; i < THREADS_MAX; i++) {
		mach_port_t none = MACH_PORT_NULL;

		if (__atomic_compare_exchange_n(&started[i].thread, &none, thread, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) {
			started[i].stack = stack;
			return;
		}
	}
}

static void free_stack(mach_port_t thread)
{
	for (unsigned i = 0; i < THREADS_MAX; i++)
		if (started[i].thread == thread) {
			vm_deallocate(mach_task_self(), started[i].stack, STACK_SIZE);
			__atomic_store_n(&started[i].thread, MACH_PORT_NULL, __ATOMIC_SEQ_CST);
			return;
		}
}

static void thread_main(struct start *s)
{
	s->fn(s->arg);
	mach_port_t self = mach_thread_self();
	/* one uref from creation, one from mach_thread_self just now: the joiner owns the first */
	thread_terminate_release(self, mach_task_self(), self, MACH_PORT_NULL, 0, 0);
	/* behind a proxy that takes a while, and wants the processor */
	for (;;)
		test_sleep(1000);
}

mach_port_t test_thread(void (*fn)(void *), void *arg)
{
	mach_port_t thread = MACH_PORT_NULL;
	vm_address_t stack;
	struct start *s = new_stack(fn, arg, &stack);

	if (!CHECK(s != NULL))
		return MACH_PORT_NULL;
	if (!CHECK_OK(thread_create(mach_task_self(), &thread))) {
		vm_deallocate(mach_task_self(), stack, STACK_SIZE);
		return MACH_PORT_NULL;
	}
	remember(thread, stack);
	set_entry(thread, thread_main, s, stack);
	return thread;
}

void test_thread_join(mach_port_t thread)
{
	for (int i = 0; i < 30000; i++) {
		if (test_type(thread) & MACH_PORT_TYPE_DEAD_NAME) {
			mach_port_mod_refs(mach_task_self(), thread, MACH_PORT_RIGHT_DEAD_NAME,
			    -(int)test_urefs(thread, MACH_PORT_RIGHT_DEAD_NAME));
			free_stack(thread);
			return;
		}
		test_sleep(1);
	}
	CHECK(!"the thread ends");
}

void test_sleep(unsigned ms)
{
	thread_switch(MACH_PORT_NULL, SWITCH_OPTION_WAIT, ms);
}

void test_yield(void)
{
	swtch();
}

static void child_main(struct start *s)
{
	mach_init_child();
	s->fn(s->arg);
	task_terminate(mach_task_self());
	for (;;)
		test_sleep(1000);
}

mach_port_t test_fork(void (*fn)(void *), void *arg)
{
	mach_port_t task = MACH_PORT_NULL, thread = MACH_PORT_NULL;
	vm_address_t stack;
	struct start *s = new_stack(fn, arg, &stack);

	if (!CHECK(s != NULL))
		return MACH_PORT_NULL;
	if (CHECK_OK(task_create(mach_task_self(), TRUE, &task)) && CHECK_OK(thread_create(task, &thread))) {
		set_entry(thread, child_main, s, stack);
		mach_port_deallocate(mach_task_self(), thread);
	}
	vm_deallocate(mach_task_self(), stack, STACK_SIZE);
	return task;
}

void test_give(mach_port_t child, mach_port_t name, unsigned disposition)
{
	CHECK_OK(mach_port_insert_right(child, name, name, disposition));
}

unsigned test_cpus(void)
{
	host_basic_info_data_t info;
	mach_msg_type_number_t count = HOST_BASIC_INFO_COUNT;

	return host_info(mach_host_self(), HOST_BASIC_INFO, (host_info_t)&info, &count) == KERN_SUCCESS
	    ? (unsigned)info.avail_cpus : 1;
}
