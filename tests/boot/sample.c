/* SPDX-License-Identifier: BSD-2-Clause */
/* Where time goes: samples of program counters (interface reference 18, mach4), and the split of CPU time. */
#include <mach/mach4.h>
#include <mach/mach_host.h>
#include <mach/pc_sample.h>
#include <mach/task_info.h>
#include <mach/thread_info.h>
#include "harness/test.h"

#define SELF	mach_task_self()
#define PAGE	4096ul

static volatile bool stop;
static sampled_pc_t samples[MAX_PC_SAMPLES];

static void __attribute__((noinline)) spin(void *arg)
{
	(void)arg;
	while (!stop)
		__asm__ volatile("pause");
}
/* not optimised into it: what follows spin() in memory */
static void __attribute__((noinline)) use_kernel(void *arg)
{
	(void)arg;
	while (!stop) {
		vm_address_t a = 0;

		if (vm_allocate(SELF, &a, 256 * PAGE, TRUE) == KERN_SUCCESS)
			vm_deallocate(SELF, a, 256 * PAGE);
	}
}

static bool in_spin(uint64_t pc)
{
	return pc >= (uint64_t)spin && pc < (uint64_t)spin + 64;
}

static mach_port_t start(void (*fn)(void *))
{
	stop = false;
	return test_thread(fn, NULL);
}

static void end(mach_port_t t)
{
	stop = true;
	test_thread_join(t);
}

TEST(samples_of_a_thread_say_where_it_is)
{
	mach_port_t t = start(spin);
	sampled_pc_seqno_t seqno = 0;
	mach_msg_type_number_t n = 0;
	int tick = 0, count = 0;

	CHECK_EQ(thread_get_sampled_pcs(t, &seqno, samples, &n), KERN_FAILURE);
	CHECK_EQ(thread_disable_pc_sampling(t, &count), KERN_FAILURE);
	CHECK_OK(thread_enable_pc_sampling(t, &tick, SAMPLED_PC_PERIODIC));
	CHECK_EQ(tick, 10000);
	for (int i = 0; i < 200 && seqno < 10; i++) {
		test_sleep(20);
		CHECK_OK(thread_get_sampled_pcs(t, &seqno, samples, &n));
		for (unsigned k = 0; k < n; k++) {
			CHECK(in_spin(samples[k].pc));
			CHECK_EQ(samples[k].sampletype, SAMPLED_PC_PERIODIC);
			CHECK_EQ(samples[k].id, samples[0].id);
		}
	}
	CHECK(seqno >= 10);
	CHECK_OK(thread_disable_pc_sampling(t, &count));
	CHECK(count >= (int)seqno);
	CHECK_EQ(thread_get_sampled_pcs(t, &seqno, samples, &n), KERN_FAILURE);
	end(t);
}

/* only this task's faults, and the ring keeps the last ones */
TEST(samples_of_a_task_are_its_faults)
{
	sampled_pc_seqno_t seqno = 0;
	mach_msg_type_number_t n = 0;
	vm_address_t a = 0;
	unsigned zero = 0;
	int tick, count = 0;

	CHECK_OK(vm_allocate(SELF, &a, 1000 * PAGE, TRUE));
	CHECK_OK(task_enable_pc_sampling(SELF, &tick, SAMPLED_PC_VM_ZFILL_FAULTS));
	for (unsigned i = 0; i < 100; i++)
		*(volatile char *)(a + i * PAGE) = 1;
	CHECK_OK(task_get_sampled_pcs(SELF, &seqno, samples, &n));
	CHECK(n >= 100 && n < 200);
	CHECK(seqno >= n);
	for (unsigned i = 0; i < n; i++)
		zero += samples[i].sampletype == SAMPLED_PC_VM_ZFILL_FAULTS;
	CHECK_EQ(zero, n);
	CHECK_OK(task_get_sampled_pcs(SELF, &seqno, samples, &n));
	CHECK(n < 20);				/* nothing twice */
	for (unsigned i = 100; i < 1000; i++)
		*(volatile char *)(a + i * PAGE) = 1;
	CHECK_OK(task_get_sampled_pcs(SELF, &seqno, samples, &n));
	CHECK_EQ(n, MAX_PC_SAMPLES);
	seqno += 1000;				/* not yet */
	CHECK_OK(task_get_sampled_pcs(SELF, &seqno, samples, &n));
	CHECK_EQ(n, 0);
	CHECK_OK(task_disable_pc_sampling(SELF, &count));
	CHECK(count >= 1000);
	CHECK_EQ(task_disable_pc_sampling(SELF, &count), KERN_FAILURE);
	CHECK_OK(vm_deallocate(SELF, a, 1000 * PAGE));
}

TEST(sampling_checks_what_it_is_asked)
{
	mach_port_t t, task, p = test_port_with_send();
	sampled_pc_seqno_t seqno = 0;
	mach_msg_type_number_t n = 0;
	int v;

	CHECK_OK(task_create(SELF, FALSE, &task));
	CHECK_OK(thread_create(task, &t));
	CHECK_EQ(task_enable_pc_sampling(task, &v, 0), KERN_INVALID_ARGUMENT);
	CHECK_EQ(task_enable_pc_sampling(task, &v, 0x80000000), KERN_INVALID_ARGUMENT);
	CHECK_EQ(task_enable_pc_sampling(t, &v, SAMPLED_PC_PERIODIC), KERN_INVALID_ARGUMENT);
	CHECK_EQ(thread_enable_pc_sampling(task, &v, SAMPLED_PC_PERIODIC), KERN_INVALID_ARGUMENT);
	CHECK_EQ(thread_enable_pc_sampling(t, &v, 2), KERN_INVALID_ARGUMENT);
	CHECK_EQ(task_disable_pc_sampling(t, &v), KERN_INVALID_ARGUMENT);
	CHECK_EQ(thread_disable_pc_sampling(task, &v), KERN_INVALID_ARGUMENT);
	CHECK_EQ(task_get_sampled_pcs(t, &seqno, samples, &n), KERN_INVALID_ARGUMENT);
	CHECK_EQ(task_get_sampled_pcs(task, &seqno, samples, &n), KERN_FAILURE);
	CHECK_EQ(thread_get_sampled_pcs(task, &seqno, samples, &n), KERN_INVALID_ARGUMENT);
	/* twice changes the events; a sampled task and thread may end */
	CHECK_OK(task_enable_pc_sampling(task, &v, SAMPLED_PC_PERIODIC));
	CHECK_OK(task_enable_pc_sampling(task, &v, SAMPLED_PC_VM_FAULTS));
	CHECK_OK(thread_enable_pc_sampling(t, &v, SAMPLED_PC_PERIODIC));
	CHECK_OK(task_terminate(task));
	mach_port_deallocate(SELF, t);
	mach_port_deallocate(SELF, task);
	test_port_destroy(p);
}

/* --- the split of CPU time --- */

static int64_t ns(time_value64_t t)
{
	return t.seconds * 1000000000 + t.nanoseconds;
}

static struct thread_basic_info times(mach_port_t t)
{
	struct thread_basic_info info = { 0 };
	mach_msg_type_number_t n = THREAD_BASIC_INFO_COUNT;

	CHECK_OK(thread_info(t, THREAD_BASIC_INFO, (thread_info_t)&info, &n));
	return info;
}

/* => percent of its time that was system time, after at least 1.5 s of it */
static int64_t system_share(void (*fn)(void *))
{
	mach_port_t t = start(fn);
	struct thread_basic_info info, last = times(t);
	int64_t user = 0, system = 0;

	for (int i = 0; i < 400 && user + system < 1500000000; i++) {
		test_sleep(25);
		info = times(t);
		user = ns(info.user_time64);
		system = ns(info.system_time64);
		CHECK(user >= ns(last.user_time64) && system >= ns(last.system_time64));
		last = info;
	}
	end(t);
	test_say("# user %ld ms, system %ld ms", user / 1000000, system / 1000000);
	return user + system > 0 ? system * 100 / (user + system) : -1;
}

TEST_FLAGS(time_in_the_kernel_is_system_time, TEST_LOCAL)
{
	CHECK(system_share(spin) < 30);
	CHECK(system_share(use_kernel) > 60);
}

TEST(times_of_ended_threads_are_the_tasks)
{
	struct task_basic_info before, after;
	mach_msg_type_number_t n = TASK_BASIC_INFO_COUNT;
	mach_port_t t;

	CHECK_OK(task_info(SELF, TASK_BASIC_INFO, (task_info_t)&before, &n));
	t = start(spin);
	test_sleep(300);
	end(t);
	CHECK_OK(task_info(SELF, TASK_BASIC_INFO, (task_info_t)&after, &n));
	CHECK(ns(after.user_time64) + ns(after.system_time64) - ns(before.user_time64) - ns(before.system_time64) > 20000000);
}
