/* SPDX-License-Identifier: BSD-2-Clause */
/* Tasks and threads: life, state, suspension, abortion. Interface reference sections 9, 10, 12. */
#include <mach/gnumach.h>
#include <mach/machine/thread_status.h>
#include <mach/task_info.h>
#include <mach/thread_info.h>
#include <mach/task_special_ports.h>
#include <mach/thread_special_ports.h>
#include "harness/test.h"

#define SELF mach_task_self()

TEST(new_thread_reads_back_zero_state)
{
	struct i386_thread_state s;
	mach_msg_type_number_t n = i386_THREAD_STATE_COUNT;
	mach_port_t t;

	CHECK_OK(thread_create(SELF, &t));
	CHECK_OK(thread_get_state(t, i386_THREAD_STATE, (thread_state_t)&s, &n));
	CHECK_EQ(n, i386_THREAD_STATE_COUNT);
	CHECK_EQ(s.rip, 0);
	CHECK_EQ(s.rax, 0);
	CHECK_EQ(s.cs, 0x1f);
	CHECK_EQ(s.ss, 0x17);
	CHECK_EQ(s.rfl, 0x200);
	/* it never ran: there is no processor where it did */
	struct thread_sched_info sched;
	n = THREAD_SCHED_INFO_COUNT;
	CHECK_OK(thread_info(t, THREAD_SCHED_INFO, (thread_info_t)&sched, &n));
	CHECK_EQ(sched.last_processor, 0);
	CHECK_OK(thread_terminate(t));
	mach_port_deallocate(SELF, t);
}

TEST(a_thread_of_another_task_ends_with_names_and_memory_there)
{
	mach_port_t task, t, name = 0x1234;
	vm_address_t a = 0, here = 0;

	CHECK_OK(vm_allocate(SELF, &here, 4096, TRUE));
	CHECK_OK(task_create(SELF, FALSE, &task));
	CHECK_OK(task_set_name(task, "another"));
	a = here;
	CHECK_OK(vm_allocate(task, &a, 4096, FALSE));
	CHECK_OK(thread_create(task, &t));
	CHECK_OK(mach_port_allocate_name(SELF, MACH_PORT_RIGHT_DEAD_NAME, name));
	CHECK_OK(mach_port_allocate_name(task, MACH_PORT_RIGHT_DEAD_NAME, name));
	CHECK_OK(thread_terminate_release(t, task, name, MACH_PORT_NULL, a, 4096));
	CHECK_EQ(test_type(name), MACH_PORT_TYPE_DEAD_NAME);
	CHECK_EQ(*(volatile char *)here, 0);
	CHECK_OK(mach_port_allocate_name(task, MACH_PORT_RIGHT_DEAD_NAME, name));	/* it is free there */
	CHECK_OK(vm_allocate(task, &a, 4096, FALSE));
	mach_port_destroy(SELF, name);
	mach_port_deallocate(SELF, t);
	CHECK_OK(task_terminate(task));
	mach_port_deallocate(SELF, task);
	CHECK_OK(vm_deallocate(SELF, here, 4096));
}

TEST_FLAGS(state_counts_are_checked, TEST_LOCAL)
{
	struct i386_thread_state s = { 0 };
	mach_msg_type_number_t n = i386_THREAD_STATE_COUNT - 1;
	mach_port_t t;

	CHECK_OK(thread_create(SELF, &t));
	CHECK_EQ(thread_get_state(t, i386_THREAD_STATE, (thread_state_t)&s, &n), KERN_INVALID_ARGUMENT);
	CHECK_EQ(thread_set_state(t, i386_THREAD_STATE, (thread_state_t)&s, 1), KERN_INVALID_ARGUMENT);
	n = i386_THREAD_STATE_COUNT;
	CHECK_EQ(thread_get_state(t, i386_V86_ASSIST_STATE, (thread_state_t)&s, &n), KERN_INVALID_ARGUMENT);
	CHECK_EQ(thread_get_state(t, 9999, (thread_state_t)&s, &n), KERN_INVALID_ARGUMENT);
	n = i386_THREAD_STATE_COUNT;
	mach_port_t me = mach_thread_self();
	CHECK_EQ(thread_get_state(me, i386_THREAD_STATE, (thread_state_t)&s, &n), KERN_INVALID_ARGUMENT);
	mach_port_deallocate(SELF, me);
	CHECK_OK(thread_terminate(t));
	mach_port_deallocate(SELF, t);
}

TEST(state_set_is_state_got_with_the_flags_a_user_may_have)
{
	struct i386_thread_state s = { .r8 = 8, .r15 = 15, .rdi = 1, .rbp = 2, .rax = 3, .rip = 0x401000, .rfl = ~0ul & 0x3fffff,
	    .ursp = 0x7000, .cs = 0x8, .ss = 0x10 }, got;
	mach_msg_type_number_t n = i386_THREAD_STATE_COUNT;
	mach_port_t t;

	CHECK_OK(thread_create(SELF, &t));
	CHECK_OK(thread_set_state(t, i386_THREAD_STATE, (thread_state_t)&s, i386_THREAD_STATE_COUNT));
	CHECK_OK(thread_get_state(t, i386_THREAD_STATE, (thread_state_t)&got, &n));
	CHECK_EQ(got.r8, 8);
	CHECK_EQ(got.r15, 15);
	CHECK_EQ(got.rip, 0x401000);
	CHECK_EQ(got.ursp, 0x7000);
	CHECK_EQ(got.cs, 0x1f);
	CHECK_EQ(got.ss, 0x17);
	CHECK_EQ(got.rfl & 0x3000, 0);	/* no I/O privilege */
	CHECK(got.rfl & 0x200);
	CHECK_OK(thread_terminate(t));
	mach_port_deallocate(SELF, t);
}

static volatile unsigned counter;

static void count(void *arg)
{
	(void)arg;
	for (;;)
		counter++;
}

TEST(suspended_thread_stands_still)
{
	mach_port_t t = test_thread(count, NULL);

	test_sleep(30);
	CHECK_OK(thread_suspend(t));
	unsigned before = counter;
	test_sleep(30);
	CHECK_EQ(counter, before);
	CHECK_OK(thread_suspend(t));
	CHECK_OK(thread_resume(t));
	test_sleep(20);
	CHECK_EQ(counter, before);
	CHECK_OK(thread_resume(t));
	test_sleep(50);
	CHECK(counter != before);
	CHECK_EQ(thread_resume(t), KERN_FAILURE);
	CHECK_OK(thread_terminate(t));
	test_thread_join(t);
}

TEST(suspended_task_stands_still)
{
	mach_port_t task = test_fork(count, NULL);
	struct task_thread_times_info a, b;
	mach_msg_type_number_t n = TASK_THREAD_TIMES_INFO_COUNT;

	test_sleep(50);
	CHECK_OK(task_suspend(task));
	CHECK_OK(task_info(task, TASK_THREAD_TIMES_INFO, (task_info_t)&a, &n));
	test_sleep(50);
	n = TASK_THREAD_TIMES_INFO_COUNT;
	CHECK_OK(task_info(task, TASK_THREAD_TIMES_INFO, (task_info_t)&b, &n));
	CHECK(__builtin_memcmp(&a, &b, sizeof a) == 0);
	CHECK_OK(task_resume(task));
	CHECK_EQ(task_resume(task), KERN_FAILURE);
	CHECK_OK(task_terminate(task));
	mach_port_destroy(SELF, task);
}

TEST(runaway_thread_can_be_read_and_redirected)
{
	struct i386_thread_state s;
	mach_msg_type_number_t n = i386_THREAD_STATE_COUNT;
	mach_port_t t = test_thread(count, NULL);

	test_sleep(20);
	CHECK_OK(thread_suspend(t));
	CHECK_OK(thread_abort(t));
	CHECK_OK(thread_get_state(t, i386_THREAD_STATE, (thread_state_t)&s, &n));
	CHECK(s.rip >= (uint64_t)count && s.rip < (uint64_t)count + 64);
	CHECK_OK(thread_terminate(t));
	test_thread_join(t);
}

TEST(terminated_thread_is_an_invalid_destination)
{
	struct thread_basic_info info;
	mach_msg_type_number_t n = THREAD_BASIC_INFO_COUNT;
	mach_port_t t;

	CHECK_OK(thread_create(SELF, &t));
	CHECK_OK(thread_info(t, THREAD_BASIC_INFO, (thread_info_t)&info, &n));
	CHECK_EQ(info.suspend_count, 1);
	CHECK_EQ(info.run_state, TH_STATE_STOPPED);
	CHECK_EQ(info.base_priority, 25);
	CHECK_OK(thread_terminate(t));
	n = THREAD_BASIC_INFO_COUNT;
	CHECK_EQ(thread_info(t, THREAD_BASIC_INFO, (thread_info_t)&info, &n), MACH_SEND_INVALID_DEST);
	mach_port_deallocate(SELF, t);
}

TEST(dead_task_is_an_invalid_destination)
{
	mach_port_t task;

	CHECK_OK(task_create(SELF, FALSE, &task));
	CHECK_OK(task_terminate(task));
	CHECK(test_is_dead(task));
	CHECK_EQ(task_resume(task), MACH_SEND_INVALID_DEST);
	mach_port_deallocate(SELF, task);
}

TEST(many_threads_come_and_go)
{
	enum { N = 200 };
	static mach_port_t threads[N];

	for (int round = 0; round < (test_is_proxied ? 2 : 5); round++) {
		for (int i = 0; i < N; i++)
			threads[i] = test_thread((void (*)(void *))test_yield, NULL);
		for (int i = 0; i < N; i++)
			test_thread_join(threads[i]);
	}
}

static void receive_forever(void *arg)
{
	struct test_message m;

	mach_msg(&m.h, MACH_RCV_MSG, 0, sizeof m, (mach_port_t)(uintptr_t)arg, 0, 0);
}

TEST(thousand_waiting_threads_and_their_task_die_together)
{
	mach_port_t p = test_port(), threads[64];

	for (int i = 0; i < 64; i++)
		threads[i] = test_thread(receive_forever, (void *)(uintptr_t)p);
	test_sleep(50);
	for (int i = 0; i < 64; i++) {
		CHECK_OK(thread_terminate(threads[i]));
		test_thread_join(threads[i]);
	}
	test_port_destroy(p);
}

TEST(task_inherits_special_ports)
{
	mach_port_t p = test_port_with_send(), task, got = MACH_PORT_NULL;

	CHECK_OK(task_create(SELF, FALSE, &task));
	CHECK_OK(task_set_special_port(task, TASK_BOOTSTRAP_PORT, SELF));
	CHECK_OK(task_set_special_port(task, TASK_BOOTSTRAP_PORT, p));
	CHECK_OK(task_set_special_port(task, TASK_EXCEPTION_PORT, p));
	CHECK_OK(task_set_special_port(task, TASK_EXCEPTION_PORT, p));
	mach_port_t child;
	CHECK_OK(task_create(task, FALSE, &child));
	CHECK_OK(task_get_special_port(child, TASK_BOOTSTRAP_PORT, &got));
	CHECK_EQ(got, p);
	CHECK_OK(task_get_special_port(child, TASK_EXCEPTION_PORT, &got));
	CHECK_EQ(got, p);
	CHECK_EQ(task_get_special_port(child, 77, &got), KERN_INVALID_ARGUMENT);
	CHECK_OK(task_terminate(child));
	CHECK_OK(task_terminate(task));
	mach_port_deallocate(SELF, child);
	mach_port_deallocate(SELF, task);
	test_port_destroy(p);
}

TEST(registered_ports_are_copied_to_children)
{
	mach_port_t p = test_port_with_send(), list[4] = { p, MACH_PORT_NULL, p, MACH_PORT_NULL }, task;
	mach_port_array_t got;
	mach_msg_type_number_t n = 0;

	/* often: the array of a call is small */
	for (int i = 0; i < 20; i++)
		CHECK_OK(mach_ports_register(SELF, list, 4));
	CHECK_OK(task_create(SELF, FALSE, &task));
	CHECK_OK(mach_ports_lookup(task, &got, &n));
	CHECK_EQ(n, 4);
	if (n == 4) {
		CHECK_EQ(got[0], p);
		CHECK_EQ(got[1], MACH_PORT_NULL);
		CHECK_EQ(got[2], p);
	}
	vm_deallocate(SELF, (vm_address_t)got, n * sizeof *got);
	CHECK_OK(task_terminate(task));
	mach_port_deallocate(SELF, task);
	list[0] = list[2] = MACH_PORT_NULL;
	CHECK_OK(mach_ports_register(SELF, list, 4));
	test_port_destroy(p);
}
