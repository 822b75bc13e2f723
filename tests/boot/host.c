/* SPDX-License-Identifier: BSD-2-Clause */
/* The host: information, processors, sets, statistics, time, and what needs the privileged port. Interface reference 10 and 12. */
#include <mach/gnumach.h>
#include <mach/host_info.h>
#include <mach/mach_host.h>
#include <mach/policy.h>
#include <mach/processor_info.h>
#include <mach/vm_cache_statistics.h>
#include <mach/vm_statistics.h>
#include <mach/vm_wire.h>
#include "harness/test.h"

#define SELF	mach_task_self()
#define HOST	mach_host_self()
#define PAGE	4096ul

/* mach_host_self gives one reference more each time: one name, kept */
static mach_port_t host(void)
{
	static mach_port_t name;

	if (!name)
		name = HOST;
	return name;
}

static integer_t room[1024];

static void drop_ports(mach_port_t *list, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (list[i])
			mach_port_deallocate(SELF, list[i]);
	vm_deallocate(SELF, (vm_address_t)list, n * sizeof *list);
}

/* --- host_info --- */

TEST(basic_information_describes_the_machine)
{
	struct host_basic_info info;
	mach_msg_type_number_t n = HOST_BASIC_INFO_COUNT;

	CHECK_OK(host_info(host(), HOST_BASIC_INFO, (host_info_t)&info, &n));
	CHECK_EQ(n, HOST_BASIC_INFO_COUNT);
	CHECK(info.max_cpus >= info.avail_cpus);
	CHECK(info.avail_cpus >= 1);
	CHECK(info.memory_size > (16ul << 20));
	CHECK_EQ(info.cpu_type, 21);
	CHECK_EQ(info.cpu_subtype, 1);
	/* the privileged port is good for information too */
	CHECK_OK(host_info(test_host_priv, HOST_BASIC_INFO, (host_info_t)&info, &n));
}

TEST(slots_are_those_of_running_cpus)
{
	mach_msg_type_number_t n = 1024;

	CHECK_OK(host_info(host(), HOST_PROCESSOR_SLOTS, room, &n));
	CHECK_EQ(n, test_cpus());
	for (unsigned i = 0; i < n; i++)
		CHECK_EQ(room[i], i);
}

TEST(scheduling_information_in_milliseconds)
{
	struct host_sched_info info;
	mach_msg_type_number_t n = HOST_SCHED_INFO_COUNT;

	CHECK_OK(host_info(host(), HOST_SCHED_INFO, (host_info_t)&info, &n));
	CHECK_EQ(n, HOST_SCHED_INFO_COUNT);
	CHECK_EQ(info.min_timeout, 10);
	CHECK_EQ(info.min_quantum, 30);
}

TEST(load_is_scaled)
{
	struct host_load_info info;
	mach_msg_type_number_t n = HOST_LOAD_INFO_COUNT;

	CHECK_OK(host_info(host(), HOST_LOAD_INFO, (host_info_t)&info, &n));
	CHECK_EQ(n, HOST_LOAD_INFO_COUNT);
	for (int i = 0; i < 3; i++) {
		CHECK(info.avenrun[i] >= 0 && info.avenrun[i] < 100 * LOAD_SCALE);
		CHECK(info.mach_factor[i] >= 0 && info.mach_factor[i] <= 64 * LOAD_SCALE);
	}
}

TEST(too_small_counts_and_unknown_flavours_fail)
{
	static const struct { int flavor; unsigned count; } small[] = {
		{ HOST_BASIC_INFO, HOST_BASIC_INFO_COUNT - 1 }, { HOST_PROCESSOR_SLOTS, 0 },
		{ HOST_SCHED_INFO, HOST_SCHED_INFO_COUNT - 1 }, { HOST_LOAD_INFO, HOST_LOAD_INFO_COUNT - 1 },
	};

	for (unsigned i = 0; i < sizeof small / sizeof *small; i++) {
		mach_msg_type_number_t n = small[i].count;

		CHECK_EQ(host_info(host(), small[i].flavor, room, &n), KERN_FAILURE);
	}
	mach_msg_type_number_t n = 1024;
	CHECK_EQ(host_info(host(), 99, room, &n), KERN_INVALID_ARGUMENT);
	CHECK_EQ(host_info(SELF, HOST_BASIC_INFO, room, &n), KERN_INVALID_ARGUMENT);	/* a port of another kind */
}

TEST(kernel_version_is_a_string)
{
	kernel_version_t version;
	bool ends = false;

	__builtin_memset(version, 1, sizeof version);
	CHECK_OK(host_get_kernel_version(host(), version));
	for (unsigned i = 0; i < sizeof version; i++)
		ends |= version[i] == 0;
	CHECK(ends);
	CHECK(version[0] != 0);
	test_say("# %s", version);
}

/* --- processors --- */

TEST(processors_are_listed_and_described)
{
	processor_array_t list;
	mach_msg_type_number_t n = 0, count;
	unsigned masters = 0;

	REQUIRE(host_processors(test_host_priv, &list, &n) == KERN_SUCCESS);
	CHECK_EQ(n, test_cpus());
	for (unsigned i = 0; i < n; i++) {
		struct processor_basic_info info;
		mach_port_t h = MACH_PORT_NULL;

		count = PROCESSOR_BASIC_INFO_COUNT;
		CHECK_OK(processor_info(list[i], PROCESSOR_BASIC_INFO, &h, (processor_info_t)&info, &count));
		CHECK_EQ(count, PROCESSOR_BASIC_INFO_COUNT);
		CHECK_EQ(h, host());
		CHECK_EQ(info.cpu_type, 21);
		CHECK_EQ(info.cpu_subtype, 1);
		CHECK_EQ(info.running, TRUE);
		CHECK_EQ(info.slot_num, i);
		masters += info.is_master != 0;
		mach_port_deallocate(SELF, h);
		count = PROCESSOR_BASIC_INFO_COUNT - 1;
		CHECK_EQ(processor_info(list[i], PROCESSOR_BASIC_INFO, &h, (processor_info_t)&info, &count), KERN_FAILURE);
	}
	CHECK_EQ(masters, 1);
	drop_ports(list, n);
}

TEST(processors_need_the_privileged_port)
{
	processor_array_t list;
	mach_msg_type_number_t n = 0;

	CHECK(host_processors(host(), &list, &n) != KERN_SUCCESS);
	CHECK(host_processors(SELF, &list, &n) != KERN_SUCCESS);
}

TEST(the_running_processor_is_not_started_again)
{
	processor_array_t list;
	mach_msg_type_number_t n = 0;
	mach_port_t set = MACH_PORT_NULL, name = MACH_PORT_NULL;

	REQUIRE(host_processors(test_host_priv, &list, &n) == KERN_SUCCESS);
	CHECK(processor_start(list[0]) != KERN_SUCCESS);
	CHECK_OK(processor_get_assignment(list[0], &set));
	CHECK_OK(processor_set_default(host(), &name));
	CHECK_EQ(set, name);
	mach_port_deallocate(SELF, set);
	mach_port_deallocate(SELF, name);
	drop_ports(list, n);
}

/* --- sets --- */

TEST(default_set_has_the_processors_tasks_and_threads)
{
	struct processor_set_basic_info basic;
	struct processor_set_sched_info sched;
	mach_msg_type_number_t n = PROCESSOR_SET_BASIC_INFO_COUNT;
	mach_port_t name = MACH_PORT_NULL, h = MACH_PORT_NULL;

	CHECK_OK(processor_set_default(host(), &name));
	CHECK_OK(processor_set_info(name, PROCESSOR_SET_BASIC_INFO, &h, (processor_set_info_t)&basic, &n));
	CHECK_EQ(n, PROCESSOR_SET_BASIC_INFO_COUNT);
	CHECK_EQ(h, host());
	mach_port_deallocate(SELF, h);
	CHECK_EQ(basic.processor_count, test_cpus());
	CHECK(basic.task_count >= 2);		/* the kernel's and this one */
	CHECK(basic.thread_count >= 2);
	n = PROCESSOR_SET_SCHED_INFO_COUNT;
	CHECK_OK(processor_set_info(name, PROCESSOR_SET_SCHED_INFO, &h, (processor_set_info_t)&sched, &n));
	CHECK_EQ(n, PROCESSOR_SET_SCHED_INFO_COUNT);
	CHECK(sched.policies & 1 << POLICY_TIMESHARE || sched.policies & POLICY_TIMESHARE);
	mach_port_deallocate(SELF, h);
	n = PROCESSOR_SET_BASIC_INFO_COUNT - 1;
	CHECK_EQ(processor_set_info(name, PROCESSOR_SET_BASIC_INFO, &h, room, &n), KERN_FAILURE);
	n = PROCESSOR_SET_SCHED_INFO_COUNT - 1;
	CHECK_EQ(processor_set_info(name, PROCESSOR_SET_SCHED_INFO, &h, room, &n), KERN_FAILURE);
	n = 1024;
	CHECK_EQ(processor_set_info(name, 99, &h, room, &n), KERN_INVALID_ARGUMENT);
	mach_port_deallocate(SELF, name);
}

TEST(name_of_a_set_permits_information_only)
{
	mach_port_t name = MACH_PORT_NULL, control = MACH_PORT_NULL;
	task_array_t tasks;
	mach_msg_type_number_t n = 0;

	CHECK_OK(processor_set_default(host(), &name));
	CHECK(processor_set_tasks(name, &tasks, &n) != KERN_SUCCESS);
	CHECK(processor_set_policy_enable(name, POLICY_FIXEDPRI) != KERN_SUCCESS);
	CHECK(processor_set_max_priority(name, 20, FALSE) != KERN_SUCCESS);
	CHECK(host_processor_set_priv(host(), name, &control) != KERN_SUCCESS);	/* not with the unprivileged port */
	CHECK_OK(host_processor_set_priv(test_host_priv, name, &control));
	CHECK(control != name);
	mach_port_deallocate(SELF, control);
	mach_port_deallocate(SELF, name);
}

static bool contains(const mach_port_t *list, unsigned n, mach_port_t port)
{
	for (unsigned i = 0; i < n; i++)
		if (list[i] == port)
			return true;
	return false;
}

TEST(set_lists_its_tasks_and_threads)
{
	mach_port_t name = MACH_PORT_NULL, control = MACH_PORT_NULL, task, thread;
	mach_port_array_t list;
	mach_msg_type_number_t n = 0;

	CHECK_OK(processor_set_default(host(), &name));
	CHECK_OK(host_processor_set_priv(test_host_priv, name, &control));
	CHECK_OK(task_create(SELF, FALSE, &task));
	CHECK_OK(thread_create(task, &thread));
	if (CHECK_OK(processor_set_tasks(control, &list, &n))) {
		CHECK(contains(list, n, task));
		CHECK(contains(list, n, SELF));
		drop_ports(list, n);
	}
	if (CHECK_OK(processor_set_threads(control, &list, &n))) {
		CHECK(contains(list, n, thread));
		drop_ports(list, n);
	}
	CHECK_OK(task_terminate(task));
	mach_port_deallocate(SELF, thread);
	mach_port_deallocate(SELF, task);
	mach_port_deallocate(SELF, control);
	mach_port_deallocate(SELF, name);
}

TEST(sets_of_the_host_are_listed)
{
	mach_port_array_t list;
	mach_msg_type_number_t n = 0;
	mach_port_t name = MACH_PORT_NULL;

	REQUIRE(host_processor_sets(host(), &list, &n) == KERN_SUCCESS);
	CHECK(n >= 1);
	CHECK_OK(processor_set_default(host(), &name));
	CHECK(contains(list, n, name));
	mach_port_deallocate(SELF, name);
	drop_ports(list, n);
}

/* --- statistics --- */

TEST(vm_statistics_follow_the_use_of_memory)
{
	struct vm_statistics before, used, after;
	vm_address_t a = 0;
	unsigned pages = 1000;

	CHECK_OK(vm_statistics(SELF, &before));
	CHECK_EQ(before.pagesize, PAGE);
	CHECK(before.free_count > 0);
	CHECK_OK(vm_allocate(SELF, &a, pages * PAGE, TRUE));
	for (unsigned i = 0; i < pages; i++)
		*(volatile char *)(a + i * PAGE) = 1;
	CHECK_OK(vm_statistics(SELF, &used));
	CHECK(before.free_count - used.free_count >= (integer_t)pages * 9 / 10);
	CHECK(used.zero_fill_count - before.zero_fill_count >= (integer_t)pages);
	CHECK(used.faults - before.faults >= (integer_t)pages);
	CHECK_OK(vm_deallocate(SELF, a, pages * PAGE));
	CHECK_OK(vm_statistics(SELF, &after));
	CHECK(after.free_count - used.free_count >= (integer_t)pages * 9 / 10);
}

TEST(vm_cache_statistics_have_all_words)
{
	struct vm_cache_statistics st;

	__builtin_memset(&st, 0xff, sizeof st);
	CHECK_OK(vm_cache_statistics(SELF, &st));
	for (unsigned i = 0; i < sizeof st / sizeof(integer_t); i++)
		CHECK(((const integer_t *)&st)[i] >= 0);
}

/* --- time --- */

static int64_t ns(time_value64_t t)
{
	return t.seconds * 1000000000 + t.nanoseconds;
}

TEST(uptime_goes_on_and_agrees_with_sleeping)
{
	time_value64_t a, b;

	CHECK_OK(host_get_uptime64(host(), &a));
	test_sleep(50);
	CHECK_OK(host_get_uptime64(host(), &b));
	CHECK(ns(b) - ns(a) >= 49000000);
	CHECK(ns(b) - ns(a) < 5000000000);
	for (int i = 0; i < 1000; i++) {
		a = b;
		if (!CHECK_OK(host_get_uptime64(host(), &b)) || !CHECK(ns(b) >= ns(a)))
			break;
	}
}

TEST(both_forms_of_time_agree)
{
	time_value64_t t64;
	time_value_t t;

	CHECK_OK(host_get_time(host(), &t));
	CHECK_OK(host_get_time64(host(), &t64));
	CHECK(t64.seconds > 1500000000);	/* the machine's clock was read at boot */
	CHECK(t64.seconds - t.seconds <= 1);
	CHECK(t.microseconds >= 0 && t.microseconds < 1000000);
	CHECK(t64.nanoseconds >= 0 && t64.nanoseconds < 1000000000);
}

TEST(time_can_be_set_with_the_privileged_port)
{
	time_value64_t t, got, up, up2;
	time_value_t old;

	CHECK_OK(host_get_time64(host(), &t));
	CHECK_OK(host_get_uptime64(host(), &up));
	got = t;
	got.seconds += 1000;
	CHECK_EQ(host_set_time64(host(), got), KERN_INVALID_HOST);
	CHECK_OK(host_set_time64(test_host_priv, got));
	CHECK_OK(host_get_time64(host(), &got));
	CHECK(got.seconds - t.seconds >= 1000 && got.seconds - t.seconds < 1010);
	CHECK_OK(host_get_uptime64(host(), &up2));
	CHECK(up2.seconds - up.seconds < 10);	/* uptime does not jump */
	old = (time_value_t){ got.seconds - 1000, 0 };
	CHECK_OK(host_set_time(test_host_priv, old));
	CHECK_OK(host_get_time64(host(), &got));
	CHECK(got.seconds - t.seconds >= -1 && got.seconds - t.seconds < 10);
}

TEST(nonsense_is_no_time)
{
	CHECK(host_set_time64(test_host_priv, (time_value64_t){ 1, 1000000000 }) != KERN_SUCCESS);
	CHECK(host_set_time64(test_host_priv, (time_value64_t){ INT64_MAX, 0 }) != KERN_SUCCESS);
	CHECK(host_set_time(test_host_priv, (time_value_t){ 1, 1000000 }) != KERN_SUCCESS);
}

TEST(time_can_be_adjusted_slowly)
{
	time_value64_t old = { 7, 7 };
	time_value_t old_us;

	CHECK_EQ(host_adjust_time64(host(), (time_value64_t){ 0, 1000 }, &old), KERN_INVALID_HOST);
	CHECK_OK(host_adjust_time64(test_host_priv, (time_value64_t){ 10, 0 }, &old));
	CHECK_EQ(old.seconds, 0);
	CHECK_OK(host_adjust_time(test_host_priv, (time_value_t){ 0, 0 }, &old_us));
	CHECK(old_us.seconds >= 8 && old_us.seconds <= 10);	/* what was left of it */
	CHECK_OK(host_adjust_time64(test_host_priv, (time_value64_t){ 0, 0 }, &old));
	CHECK_EQ(ns(old), 0);
}

/* --- privileges --- */

TEST_FLAGS(unprivileged_host_port_does_not_reboot_or_wire_threads, TEST_LOCAL)
{
	mach_port_t me = mach_thread_self();

	CHECK_EQ(host_reboot(host(), 0), KERN_INVALID_HOST);
	CHECK(host_reboot(SELF, 0) != KERN_SUCCESS);
	CHECK(thread_wire(host(), me, TRUE) != KERN_SUCCESS);
	CHECK_OK(thread_wire(test_host_priv, me, TRUE));
	CHECK_OK(thread_wire(test_host_priv, me, FALSE));
	mach_port_deallocate(SELF, me);
}

TEST(wiring_much_needs_the_privileged_port)
{
	vm_address_t a = 0;
	vm_size_t size = 4096 * PAGE;
	struct vm_statistics before, wired;

	CHECK_OK(vm_allocate(SELF, &a, size, TRUE));
	CHECK_OK(vm_wire(host(), SELF, a, PAGE, VM_PROT_READ));	/* a little is free */
	CHECK(vm_wire(host(), SELF, a, size, VM_PROT_READ) != KERN_SUCCESS);
	CHECK_OK(vm_statistics(SELF, &before));
	CHECK_OK(vm_wire(test_host_priv, SELF, a, size, VM_PROT_READ | VM_PROT_WRITE));
	CHECK_OK(vm_statistics(SELF, &wired));
	CHECK(wired.wire_count - before.wire_count >= 4095);
	CHECK_OK(vm_wire(test_host_priv, SELF, a, size, VM_PROT_NONE));
	CHECK_OK(vm_statistics(SELF, &wired));
	CHECK(wired.wire_count - before.wire_count <= 1);
	CHECK_OK(vm_deallocate(SELF, a, size));
	CHECK(vm_wire_all(SELF, SELF, VM_WIRE_ALL) != KERN_SUCCESS);
}

/* nobody can take the registration back: the dead port keeps it */
TEST_FLAGS(new_tasks_are_announced_to_who_may_ask, TEST_MAY_LEAK)
{
	mach_port_t p = test_port_with_send(), task;
	struct {
		mach_msg_header_t h;
		struct port_item task, parent;
		char room[64];
	} m;

	CHECK(register_new_task_notification(host(), p, MACH_MSG_TYPE_COPY_SEND) != KERN_SUCCESS);
	REQUIRE(register_new_task_notification(test_host_priv, p, MACH_MSG_TYPE_COPY_SEND) == KERN_SUCCESS);
	CHECK_OK(task_create(SELF, FALSE, &task));
	CHECK_OK(mach_msg(&m.h, MACH_RCV_MSG | MACH_RCV_TIMEOUT, 0, sizeof m, p, 2000, 0));
	CHECK_EQ(m.h.msgh_id, 4400);
	CHECK_EQ(m.h.msgh_size, 64);
	CHECK_EQ(m.task.port.name, task);
	CHECK_EQ(m.parent.port.name, SELF);
	mach_port_deallocate(SELF, m.task.port.name);
	mach_port_deallocate(SELF, m.parent.port.name);
	CHECK_OK(task_terminate(task));
	mach_port_deallocate(SELF, task);
	CHECK(register_new_task_notification(test_host_priv, p, MACH_MSG_TYPE_COPY_SEND) != KERN_SUCCESS);	/* one only */
	test_port_destroy(p);
	CHECK_OK(task_create(SELF, FALSE, &task));	/* nobody listens any more */
	CHECK_OK(task_terminate(task));
	mach_port_deallocate(SELF, task);
}
