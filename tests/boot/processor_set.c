/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Processor sets: rights, who runs where, moving under load, sets without processors, sets and tasks that end meanwhile.
 * Interface reference 10 and 12.
 */
#include <mach/mach4.h>
#include <mach/mach_host.h>
#include <mach/machine/thread_status.h>
#include <mach/policy.h>
#include <mach/processor_info.h>
#include <mach/thread_info.h>
#include <mach/thread_switch.h>
#include "harness/test.h"

#define SELF	mach_task_self()
#define PAGE	4096ul

enum { CPUS_MAX = 64, MANY = 24 };

struct set { mach_port_t control, name; };

static mach_port_t cpus[CPUS_MAX], host, default_name, default_control;
static unsigned cpu_n;

/* names that stay: nothing here is counted */
void test_prepare(void)
{
	processor_array_t list;
	mach_msg_type_number_t n = 0;

	host = mach_host_self();
	CHECK_OK(processor_set_default(host, &default_name));
	CHECK_OK(host_processor_set_priv(test_host_priv, default_name, &default_control));
	CHECK_OK(host_processors(test_host_priv, &list, &n));
	for (cpu_n = 0; cpu_n < n && cpu_n < CPUS_MAX; cpu_n++)
		cpus[cpu_n] = list[cpu_n];
	vm_deallocate(SELF, (vm_address_t)list, n * sizeof *list);
}

static struct set new_set(void)
{
	struct set s = { MACH_PORT_NULL, MACH_PORT_NULL };

	CHECK_OK(processor_set_create(test_host_priv, &s.control, &s.name));
	return s;
}

static void end_set(struct set s)
{
	CHECK_OK(processor_set_destroy(s.control));
	mach_port_deallocate(SELF, s.control);
	mach_port_deallocate(SELF, s.name);
}

static struct processor_set_basic_info set_info(mach_port_t name)
{
	struct processor_set_basic_info info = { -1, -1, -1, -1, -1 };
	mach_msg_type_number_t n = PROCESSOR_SET_BASIC_INFO_COUNT;
	mach_port_t h = MACH_PORT_NULL;

	CHECK_OK(processor_set_info(name, PROCESSOR_SET_BASIC_INFO, &h, (processor_set_info_t)&info, &n));
	mach_port_deallocate(SELF, h);
	return info;
}

static struct thread_sched_info sched_info(mach_port_t thread)
{
	struct thread_sched_info info = { 0 };
	mach_msg_type_number_t n = THREAD_SCHED_INFO_COUNT;

	CHECK_OK(thread_info(thread, THREAD_SCHED_INFO, (thread_info_t)&info, &n));
	return info;
}

static bool is_assigned(kern_return_t (*get)(mach_port_t, mach_port_t *), mach_port_t object, mach_port_t name)
{
	mach_port_t set = MACH_PORT_NULL;
	bool same;

	CHECK_OK(get(object, &set));
	same = set == name;
	mach_port_deallocate(SELF, set);
	return same;
}

static unsigned slot(mach_port_t processor)
{
	struct processor_basic_info info = { 0 };
	mach_msg_type_number_t n = PROCESSOR_BASIC_INFO_COUNT;
	mach_port_t h = MACH_PORT_NULL;

	CHECK_OK(processor_info(processor, PROCESSOR_BASIC_INFO, &h, (processor_info_t)&info, &n));
	mach_port_deallocate(SELF, h);
	return (unsigned)info.slot_num;
}

static bool contains(const mach_port_t *list, unsigned n, mach_port_t port)
{
	for (unsigned i = 0; i < n; i++)
		if (list[i] == port)
			return true;
	return false;
}

static void drop_ports(mach_port_t *list, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (list[i])
			mach_port_deallocate(SELF, list[i]);
	vm_deallocate(SELF, (vm_address_t)list, n * sizeof *list);
}

/* --- threads that count --- */

static volatile bool stop;
static volatile uint64_t turns[MANY];
static mach_port_t spinners[MANY];

static void spin(void *arg)
{
	while (!stop)
		turns[(uintptr_t)arg]++;
}

/* worse than the caller */
static void start_spinners(unsigned n)
{
	stop = false;
	for (unsigned i = 0; i < n; i++) {
		turns[i] = 0;
		spinners[i] = test_thread(spin, (void *)(uintptr_t)i);
		CHECK_OK(thread_priority(spinners[i], 40, FALSE));
	}
}

static void end_spinners(unsigned n)
{
	stop = true;
	for (unsigned i = 0; i < n; i++)
		test_thread_join(spinners[i]);
}

/* wait until it has run more, or not for a while */
static bool runs(unsigned i)
{
	uint64_t before = turns[i];

	for (int n = 0; n < 500; n++) {
		if (turns[i] != before)
			return true;
		test_sleep(10);
	}
	return false;
}

static bool stands(unsigned i)
{
	uint64_t before = turns[i];

	test_sleep(60);
	return turns[i] == before;
}

/* --- rights --- */

TEST(new_set_is_empty_and_has_a_control_and_a_name_port)
{
	struct set s = new_set();
	struct processor_set_basic_info info = set_info(s.name);
	mach_port_t control = MACH_PORT_NULL;
	processor_set_name_array_t list;
	mach_msg_type_number_t n = 0;

	CHECK(s.control != s.name);
	CHECK_EQ(info.processor_count, 0);
	CHECK_EQ(info.task_count, 0);
	CHECK_EQ(info.thread_count, 0);
	set_info(s.control);		/* the control port is good for information too */
	CHECK_OK(host_processor_set_priv(test_host_priv, s.name, &control));
	CHECK_EQ(control, s.control);
	mach_port_deallocate(SELF, control);
	CHECK_OK(host_processor_set_priv(test_host_priv, s.control, &control));
	mach_port_deallocate(SELF, control);
	if (CHECK_OK(host_processor_sets(host, &list, &n))) {
		CHECK(contains(list, n, s.name));
		CHECK(contains(list, n, default_name));
		drop_ports(list, n);
	}
	end_set(s);
}

TEST(sets_are_made_by_the_privileged_only)
{
	struct set s;

	CHECK_EQ(processor_set_create(host, &s.control, &s.name), KERN_INVALID_ARGUMENT);
	CHECK_EQ(processor_set_create(SELF, &s.control, &s.name), KERN_INVALID_ARGUMENT);
}

TEST(name_port_controls_nothing)
{
	struct set s = new_set();
	mach_port_t t, control;
	mach_port_array_t list;
	mach_msg_type_number_t n = 0;

	CHECK_OK(thread_create(SELF, &t));
	CHECK_EQ(processor_set_destroy(s.name), KERN_INVALID_ARGUMENT);
	CHECK_EQ(thread_assign(t, s.name), KERN_INVALID_ARGUMENT);
	CHECK_EQ(task_assign(SELF, s.name, FALSE), KERN_INVALID_ARGUMENT);
	CHECK_EQ(processor_assign(cpus[cpu_n - 1], s.name, TRUE), KERN_INVALID_ARGUMENT);
	CHECK_EQ(thread_max_priority(t, s.name, 10), KERN_INVALID_ARGUMENT);
	CHECK_EQ(processor_set_max_priority(s.name, 10, FALSE), KERN_INVALID_ARGUMENT);
	CHECK_EQ(processor_set_policy_enable(s.name, POLICY_FIXEDPRI), KERN_INVALID_ARGUMENT);
	CHECK_EQ(processor_set_policy_disable(s.name, POLICY_FIXEDPRI, FALSE), KERN_INVALID_ARGUMENT);
	CHECK_EQ(processor_set_tasks(s.name, &list, &n), KERN_INVALID_ARGUMENT);
	CHECK_EQ(processor_set_threads(s.name, &list, &n), KERN_INVALID_ARGUMENT);
	CHECK_EQ(host_processor_set_priv(host, s.name, &control), KERN_INVALID_ARGUMENT);
	CHECK_EQ(host_processor_set_priv(test_host_priv, SELF, &control), KERN_INVALID_ARGUMENT);
	CHECK_OK(thread_terminate(t));
	mach_port_deallocate(SELF, t);
	end_set(s);
}

TEST(ports_of_a_destroyed_set_are_dead)
{
	struct set s = new_set();
	mach_port_t me = mach_thread_self();

	CHECK_OK(processor_set_destroy(s.control));
	CHECK(test_is_dead(s.control));
	CHECK(test_is_dead(s.name));
	CHECK_EQ(processor_set_destroy(s.control), MACH_SEND_INVALID_DEST);
	CHECK_EQ(thread_assign(me, s.control), KERN_INVALID_ARGUMENT);
	mach_port_deallocate(SELF, me);
	mach_port_deallocate(SELF, s.control);
	mach_port_deallocate(SELF, s.name);
	CHECK_EQ(processor_set_destroy(default_control), KERN_FAILURE);
}

/* --- assignment: the books --- */

TEST(tasks_and_threads_are_assigned_and_inherited)
{
	struct set s = new_set();
	mach_port_t task, child, a, b;
	mach_port_array_t list;
	mach_msg_type_number_t n = 0;

	CHECK_OK(task_create(SELF, FALSE, &task));
	CHECK_OK(thread_create(task, &a));
	CHECK(is_assigned(task_get_assignment, task, default_name));
	CHECK(is_assigned(thread_get_assignment, a, default_name));
	CHECK_OK(task_assign(task, s.control, FALSE));
	CHECK(is_assigned(task_get_assignment, task, s.name));
	CHECK(is_assigned(thread_get_assignment, a, default_name));
	CHECK_OK(thread_create(task, &b));
	CHECK(is_assigned(thread_get_assignment, b, s.name));
	CHECK_OK(task_create(task, FALSE, &child));
	CHECK(is_assigned(task_get_assignment, child, s.name));
	CHECK_EQ(set_info(s.name).task_count, 2);
	CHECK_EQ(set_info(s.name).thread_count, 1);
	if (CHECK_OK(processor_set_tasks(s.control, &list, &n))) {
		CHECK_EQ(n, 2);
		CHECK(contains(list, n, task) && contains(list, n, child));
		drop_ports(list, n);
	}
	CHECK_OK(task_assign(task, s.control, TRUE));
	CHECK(is_assigned(thread_get_assignment, a, s.name));
	if (CHECK_OK(processor_set_threads(s.control, &list, &n))) {
		CHECK_EQ(n, 2);
		CHECK(contains(list, n, a) && contains(list, n, b));
		drop_ports(list, n);
	}
	CHECK_OK(thread_assign_default(a));
	CHECK(is_assigned(thread_get_assignment, a, default_name));
	CHECK_OK(task_assign_default(task, TRUE));
	CHECK(is_assigned(task_get_assignment, task, default_name));
	CHECK(is_assigned(thread_get_assignment, b, default_name));
	CHECK_EQ(set_info(s.name).thread_count, 0);
	CHECK_OK(task_terminate(child));
	CHECK_EQ(set_info(s.name).task_count, 0);
	CHECK_OK(task_terminate(task));
	mach_port_deallocate(SELF, a);
	mach_port_deallocate(SELF, b);
	mach_port_deallocate(SELF, child);
	mach_port_deallocate(SELF, task);
	end_set(s);
}

TEST(only_tasks_and_threads_are_assigned_and_only_to_sets)
{
	struct set s = new_set();
	mach_port_t t, name;

	CHECK_OK(thread_create(SELF, &t));
	CHECK_EQ(thread_assign(SELF, s.control), KERN_INVALID_ARGUMENT);
	CHECK_EQ(task_assign(t, s.control, TRUE), KERN_INVALID_ARGUMENT);
	CHECK_EQ(thread_assign(t, SELF), KERN_INVALID_ARGUMENT);
	CHECK_EQ(task_assign(SELF, host, TRUE), KERN_INVALID_ARGUMENT);
	CHECK_EQ(thread_assign_default(SELF), KERN_INVALID_ARGUMENT);
	CHECK_EQ(task_assign_default(t, TRUE), KERN_INVALID_ARGUMENT);
	CHECK_EQ(thread_get_assignment(SELF, &name), KERN_INVALID_ARGUMENT);
	CHECK_EQ(task_get_assignment(t, &name), KERN_INVALID_ARGUMENT);
	CHECK_EQ(processor_get_assignment(t, &name), KERN_INVALID_ARGUMENT);
	CHECK_EQ(processor_assign(t, s.control, TRUE), KERN_INVALID_ARGUMENT);
	CHECK_EQ(processor_assign(cpus[0], t, TRUE), KERN_INVALID_ARGUMENT);
	CHECK_EQ(processor_start(t), KERN_INVALID_ARGUMENT);
	CHECK_EQ(processor_exit(t), KERN_INVALID_ARGUMENT);
	CHECK_OK(thread_terminate(t));
	mach_port_deallocate(SELF, t);
	end_set(s);
}

/* the kernel's own threads must run whatever the administrator does */
TEST(kernel_task_stays_in_the_default_set)
{
	struct set s = new_set();
	mach_port_array_t list, threads;
	mach_msg_type_number_t n = 0, m = 0;
	unsigned kernels = 0;

	REQUIRE(processor_set_tasks(default_control, &list, &n) == KERN_SUCCESS);
	for (unsigned i = 0; i < n; i++) {
		mach_port_t t = MACH_PORT_NULL;

		if (thread_create(list[i], &t) == KERN_SUCCESS) {
			thread_terminate(t);
			mach_port_deallocate(SELF, t);
			continue;
		}
		kernels++;
		CHECK_EQ(task_assign(list[i], s.control, TRUE), KERN_INVALID_ARGUMENT);
		if (CHECK_OK(task_threads(list[i], &threads, &m))) {
			CHECK_EQ(thread_assign(threads[0], s.control), KERN_INVALID_ARGUMENT);
			drop_ports(threads, m);
		}
	}
	CHECK_EQ(kernels, 1);
	drop_ports(list, n);
	end_set(s);
}

TEST(set_limits_the_priorities_and_policies_of_who_enters)
{
	struct set s = new_set();
	mach_port_t task, t, u;

	CHECK_OK(processor_set_max_priority(s.control, 30, FALSE));
	CHECK_OK(task_create(SELF, FALSE, &task));
	CHECK_OK(thread_create(task, &t));
	CHECK_OK(processor_set_policy_enable(default_control, POLICY_FIXEDPRI));
	CHECK_OK(thread_policy(t, POLICY_FIXEDPRI, 50));
	CHECK_EQ(thread_policy(t, POLICY_FIXEDPRI, -1), KERN_INVALID_ARGUMENT);
	CHECK_OK(task_assign(task, s.control, TRUE));
	CHECK_EQ(sched_info(t).policy, POLICY_TIMESHARE);
	CHECK_EQ(sched_info(t).base_priority, 30);
	CHECK_EQ(sched_info(t).max_priority, 30);
	CHECK_OK(thread_create(task, &u));
	CHECK_EQ(sched_info(u).base_priority, 30);
	CHECK_EQ(thread_priority(u, 29, FALSE), KERN_FAILURE);
	CHECK_EQ(thread_max_priority(u, default_control, 20), KERN_FAILURE);	/* not its set */
	CHECK_OK(thread_max_priority(u, s.control, 20));
	CHECK_OK(thread_priority(u, 20, FALSE));
	CHECK_OK(processor_set_max_priority(s.control, 35, TRUE));
	CHECK_EQ(sched_info(t).base_priority, 35);
	CHECK_EQ(sched_info(u).max_priority, 35);
	CHECK_EQ(processor_set_max_priority(s.control, 64, TRUE), KERN_INVALID_ARGUMENT);
	CHECK_OK(processor_set_policy_disable(default_control, POLICY_FIXEDPRI, TRUE));
	CHECK_OK(task_terminate(task));
	mach_port_deallocate(SELF, t);
	mach_port_deallocate(SELF, u);
	mach_port_deallocate(SELF, task);
	end_set(s);
}

/* better than the kernel's threads is nobody without the set's control port */
TEST(priorities_better_than_the_kernels_need_the_control_port)
{
	mach_port_t t;

	CHECK_OK(thread_create(SELF, &t));
	CHECK_EQ(thread_priority(t, 6, FALSE), KERN_FAILURE);
	CHECK_OK(thread_priority(t, 7, FALSE));
	CHECK_OK(thread_max_priority(t, default_control, 0));
	CHECK_OK(thread_priority(t, 0, FALSE));
	CHECK_OK(thread_terminate(t));
	mach_port_deallocate(SELF, t);
}

/* --- processors --- */

TEST(boot_processor_stays_in_the_default_set)
{
	struct set s = new_set();

	CHECK_EQ(processor_assign(cpus[0], s.control, TRUE), KERN_FAILURE);
	CHECK_OK(processor_assign(cpus[0], default_control, TRUE));	/* it is there */
	CHECK_EQ(processor_exit(cpus[0]), KERN_FAILURE);
	CHECK_EQ(processor_start(cpus[0]), KERN_FAILURE);
	CHECK(is_assigned(processor_get_assignment, cpus[0], default_name));
	end_set(s);
}

TEST(processors_move_between_sets)
{
	struct set s = new_set();
	processor_array_t list;
	mach_msg_type_number_t n = 0;

	for (unsigned i = 1; i < cpu_n; i++) {
		CHECK_OK(processor_assign(cpus[i], s.control, i & 1));
		CHECK(is_assigned(processor_get_assignment, cpus[i], s.name));
		CHECK_EQ(set_info(s.name).processor_count, i);
		CHECK_EQ(set_info(default_name).processor_count, cpu_n - i);
	}
	if (CHECK_OK(processor_set_processors(s.name, &list, &n))) {
		CHECK_EQ(n, cpu_n - 1);
		for (unsigned i = 0; i < n; i++)
			CHECK_EQ(slot(list[i]), i + 1);
		/* names: to look, not to command */
		for (unsigned i = 0; i < n; i++)
			CHECK_EQ(processor_control(list[i], NULL, 0), KERN_INVALID_ARGUMENT);
		drop_ports(list, n);
	}
	if (cpu_n > 1)
		CHECK_OK(processor_assign(cpus[1], default_control, TRUE));
	end_set(s);		/* gives the others back */
	CHECK_EQ(set_info(default_name).processor_count, cpu_n);
	for (unsigned i = 1; i < cpu_n; i++)
		CHECK(is_assigned(processor_get_assignment, cpus[i], default_name));
}

TEST(processor_goes_off_line_and_comes_back)
{
	mach_port_t last = cpus[cpu_n - 1], set;
	struct processor_basic_info info;
	mach_msg_type_number_t n = PROCESSOR_BASIC_INFO_COUNT;
	mach_port_t h = MACH_PORT_NULL;

	if (cpu_n < 2)
		return;
	start_spinners(2 * cpu_n);
	test_sleep(20);
	CHECK_OK(processor_exit(last));
	CHECK_EQ(test_cpus(), cpu_n - 1);
	CHECK_OK(processor_info(last, PROCESSOR_BASIC_INFO, &h, (processor_info_t)&info, &n));
	mach_port_deallocate(SELF, h);
	CHECK_EQ(info.running, FALSE);
	CHECK_EQ(processor_exit(last), KERN_FAILURE);
	CHECK_EQ(processor_assign(last, default_control, TRUE), KERN_FAILURE);
	CHECK_EQ(processor_get_assignment(last, &set), KERN_FAILURE);
	for (unsigned i = 0; i < 2 * cpu_n; i++)
		CHECK(runs(i));
	for (int round = 0; round < 20; round++)
		for (unsigned i = 0; i < 2 * cpu_n; i++)
			CHECK(round == 0 || sched_info(spinners[i]).last_processor != (integer_t)cpu_n - 1 || !runs(i));
	CHECK_OK(processor_start(last));
	CHECK_EQ(processor_start(last), KERN_FAILURE);
	CHECK_EQ(test_cpus(), cpu_n);
	CHECK(is_assigned(processor_get_assignment, last, default_name));
	end_spinners(2 * cpu_n);
}

TEST(processors_take_no_commands)
{
	int command[4] = { 0 };

	CHECK_EQ(processor_control(cpus[0], command, 4), KERN_FAILURE);
	CHECK_EQ(processor_control(SELF, command, 4), KERN_INVALID_ARGUMENT);
}

/* --- who runs where --- */

TEST(threads_run_on_the_processors_of_their_set_only)
{
	struct set s = new_set();
	unsigned n = 3 + cpu_n, there = 0;

	if (cpu_n < 2) {
		end_set(s);
		return;
	}
	start_spinners(n);
	CHECK_OK(processor_assign(cpus[cpu_n - 1], s.control, TRUE));
	for (unsigned i = 0; i < 3; i++)
		CHECK_OK(thread_assign(spinners[i], s.control));
	for (unsigned i = 0; i < 3; i++)
		CHECK(runs(i));
	for (int round = 0; round < 60; round++) {
		test_sleep(5);
		for (unsigned i = 0; i < n; i++) {
			bool in = sched_info(spinners[i]).last_processor == (integer_t)cpu_n - 1;

			CHECK_EQ(in, i < 3);
			there += in;
		}
	}
	CHECK(there > 0);
	for (unsigned i = 0; i < n; i++)
		CHECK(runs(i));
	end_spinners(n);
	end_set(s);
}

TEST(thread_moves_itself_at_once)
{
	struct set s = new_set();
	mach_port_t me = mach_thread_self();

	if (cpu_n >= 2) {
		CHECK_OK(processor_assign(cpus[1], s.control, TRUE));
		for (int i = 0; i < 20; i++) {
			CHECK_OK(thread_assign(me, s.control));
			CHECK_EQ(sched_info(me).last_processor, 1);
			CHECK_OK(thread_assign_default(me));
			CHECK(sched_info(me).last_processor != 1);
		}
	}
	mach_port_deallocate(SELF, me);
	end_set(s);
}

TEST(set_without_processor_keeps_its_threads_waiting)
{
	struct set s = new_set();

	start_spinners(2);
	CHECK(runs(0));
	CHECK_OK(thread_assign(spinners[0], s.control));
	CHECK(stands(0));
	CHECK(runs(1));
	CHECK_EQ(set_info(s.name).thread_count, 1);
	if (cpu_n >= 2) {
		for (int i = 0; i < 5; i++) {
			CHECK_OK(processor_assign(cpus[1], s.control, TRUE));
			CHECK(runs(0));
			CHECK_OK(processor_assign(cpus[1], default_control, TRUE));
			CHECK(stands(0));
		}
	}
	CHECK_OK(thread_assign_default(spinners[0]));
	CHECK(runs(0));
	end_spinners(2);
	end_set(s);
}

static void echo(void *arg)
{
	mach_port_t *p = arg;
	struct test_message m;

	do {
		if (!CHECK_OK(mach_msg(&m.h, MACH_RCV_MSG, 0, sizeof m, p[0], 0, 0)))
			return;
		CHECK_OK(test_send(p[1], MACH_MSG_TYPE_COPY_SEND, 0, 0, m.h.msgh_id));
	} while (m.h.msgh_id);
}

TEST(message_to_a_thread_without_processor_waits_for_one)
{
	struct set s = new_set();
	mach_port_t p[2] = { test_port_with_send(), test_port_with_send() }, t = test_thread(echo, p);
	struct test_message m;

	test_sleep(10);
	CHECK_OK(thread_assign(t, s.control));
	CHECK_OK(test_send(p[0], MACH_MSG_TYPE_COPY_SEND, 0, 0, 7));
	CHECK_EQ(test_receive_wait(p[1], &m, 50), MACH_RCV_TIMED_OUT);
	CHECK_OK(thread_assign_default(t));
	CHECK_OK(test_receive_wait(p[1], &m, 10000));
	CHECK_EQ(m.h.msgh_id, 7);
	CHECK_OK(test_send(p[0], MACH_MSG_TYPE_COPY_SEND, 0, 0, 0));
	test_thread_join(t);
	test_port_destroy(p[0]);
	test_port_destroy(p[1]);
	end_set(s);
}

TEST(thread_without_processor_is_stopped_looked_at_and_ended)
{
	struct set s = new_set();
	struct i386_thread_state state;
	mach_msg_type_number_t n = i386_THREAD_STATE_COUNT;
	mach_port_t task;

	start_spinners(2);
	CHECK(runs(0));
	for (int i = 0; i < 2; i++)
		CHECK_OK(thread_assign(spinners[i], s.control));
	CHECK_OK(thread_get_state(spinners[0], i386_THREAD_STATE, (thread_state_t)&state, &n));
	CHECK(state.rip != 0);
	CHECK_OK(thread_suspend(spinners[0]));
	CHECK_OK(thread_abort(spinners[0]));
	CHECK_OK(thread_set_state(spinners[0], i386_THREAD_STATE, (thread_state_t)&state, n));
	CHECK_OK(thread_resume(spinners[0]));
	CHECK(stands(0));
	CHECK_OK(thread_terminate(spinners[1]));
	CHECK_OK(thread_assign_default(spinners[0]));
	CHECK(runs(0));
	end_spinners(2);

	stop = false;
	task = test_fork(spin, NULL);
	CHECK_OK(task_assign(task, s.control, TRUE));
	CHECK_OK(task_suspend(task));
	CHECK_OK(task_resume(task));
	CHECK_OK(task_terminate(task));
	mach_port_deallocate(SELF, task);
	CHECK_EQ(set_info(s.name).task_count, 0);
	end_set(s);
}

/* --- a lock holder that loses its processors would stop everybody --- */

static void use_memory(void *arg)
{
	while (!stop) {
		vm_address_t a = 0;

		if (vm_allocate(SELF, &a, 64 * PAGE, TRUE) != KERN_SUCCESS)
			continue;
		for (unsigned i = 0; i < 64; i++)
			*(volatile char *)(a + i * PAGE) = 1;
		vm_deallocate(SELF, a, 64 * PAGE);
		turns[(uintptr_t)arg]++;
	}
}

TEST(thread_inside_the_kernel_finishes_there_without_processors)
{
	struct set s = new_set();

	stop = false;
	for (unsigned i = 0; i < 4; i++) {
		spinners[i] = test_thread(use_memory, (void *)(uintptr_t)i);
		CHECK_OK(thread_priority(spinners[i], 40, FALSE));
	}
	for (int round = 0; round < 25; round++) {
		vm_address_t a = 0;

		test_sleep(1 + test_random() % 5);
		for (unsigned i = 0; i < 4; i++)
			CHECK_OK(thread_assign(spinners[i], s.control));
		CHECK_OK(vm_allocate(SELF, &a, PAGE, TRUE));	/* this map's lock is free */
		CHECK_OK(vm_deallocate(SELF, a, PAGE));
		for (unsigned i = 0; i < 4; i++)
			CHECK_OK(thread_assign_default(spinners[i]));
	}
	for (unsigned i = 0; i < 4; i++)
		CHECK(runs(i));
	end_spinners(4);
	end_set(s);
}

/* --- under load --- */

TEST(processors_move_under_load)
{
	struct set s[2] = { new_set(), new_set() };
	mach_port_t p[4][2], e[4];
	struct test_message m;
	unsigned n = 3 * cpu_n > MANY ? MANY : 3 * cpu_n, answers = 0;

	start_spinners(n);
	for (unsigned i = 0; i < 4; i++) {
		p[i][0] = test_port_with_send();
		p[i][1] = test_port_with_send();
		CHECK_OK(mach_port_set_qlimit(SELF, p[i][1], MACH_PORT_QLIMIT_MAX));
		e[i] = test_thread(echo, p[i]);
	}
	for (unsigned i = 0; i < n; i++)
		if (i % 3)
			CHECK_OK(thread_assign(spinners[i], s[i % 3 - 1].control));
	for (int round = 0; round < 80; round++) {
		unsigned who = test_random() % 4;

		if (cpu_n > 1) {
			unsigned set = test_random() % 3;

			CHECK_OK(processor_assign(cpus[1 + test_random() % (cpu_n - 1)],
			    set == 2 ? default_control : s[set].control, test_random() & 1));
		}
		CHECK_OK(thread_assign(spinners[test_random() % n], s[test_random() & 1].control));
		CHECK_OK(thread_assign_default(spinners[test_random() % n]));
		CHECK_OK(thread_assign(e[who], round & 1 ? s[who & 1].control : default_control));
		CHECK_OK(test_send(p[who][0], MACH_MSG_TYPE_COPY_SEND, 0, 0, 1));
		test_sleep(test_random() % 3);
		for (unsigned i = 0; i < 4; i++)
			while (test_receive(p[i][1], &m) == MACH_MSG_SUCCESS)
				answers++;
	}
	end_set(s[0]);
	end_set(s[1]);
	for (unsigned i = 0; i < n; i++)
		CHECK(runs(i));
	end_spinners(n);
	for (unsigned i = 0; i < 4; i++) {
		CHECK_OK(test_send(p[i][0], MACH_MSG_TYPE_COPY_SEND, 0, 0, 0));
		test_thread_join(e[i]);
		while (test_receive(p[i][1], &m) == MACH_MSG_SUCCESS)
			answers++;
		test_port_destroy(p[i][0]);
		test_port_destroy(p[i][1]);
	}
	CHECK_EQ(answers, 84);
	CHECK_EQ(set_info(default_name).processor_count, cpu_n);
}

TEST(sets_are_destroyed_under_load)
{
	unsigned n = 2 * cpu_n > MANY ? MANY : 2 * cpu_n;

	start_spinners(n);
	for (int round = 0; round < 30; round++) {
		struct set s = new_set();

		for (unsigned i = 0; i < n; i++)
			if (test_random() & 1)
				CHECK_OK(thread_assign(spinners[i], s.control));
		if (cpu_n > 1 && round % 3)
			CHECK_OK(processor_assign(cpus[1 + test_random() % (cpu_n - 1)], s.control, FALSE));
		test_sleep(test_random() % 4);
		end_set(s);
	}
	for (unsigned i = 0; i < n; i++)
		CHECK(runs(i));
	end_spinners(n);
	CHECK_EQ(set_info(default_name).processor_count, cpu_n);
}

static struct set moving;

/* moves tasks about until the caller's last one has gone */
static void mover(void *arg)
{
	mach_port_t *tasks = arg;

	while (!stop)
		for (unsigned i = 0; i < 4; i++) {
			task_assign(tasks[i], moving.control, TRUE);
			task_assign_default(tasks[i], TRUE);
		}
}

static void family(void *arg)
{
	mach_port_t t;

	(void)arg;
	for (int i = 0; i < 3; i++)
		if (thread_create(mach_task_self(), &t) != KERN_SUCCESS)
			break;
	for (;;)
		swtch();
}

TEST(tasks_end_while_they_are_moved)
{
	mach_port_t tasks[4], t;

	moving = new_set();
	if (cpu_n > 1)
		CHECK_OK(processor_assign(cpus[1], moving.control, TRUE));
	for (int round = 0; round < 8; round++) {
		for (unsigned i = 0; i < 4; i++)
			tasks[i] = test_fork(family, NULL);
		stop = false;
		t = test_thread(mover, tasks);
		test_sleep(2);
		if (cpu_n > 1 && round == 4)
			CHECK_OK(processor_assign(cpus[1], default_control, TRUE));
		for (unsigned i = 0; i < 4; i++)
			CHECK_OK(task_terminate(tasks[i]));
		stop = true;
		test_thread_join(t);
		for (unsigned i = 0; i < 4; i++)
			mach_port_deallocate(SELF, tasks[i]);
	}
	CHECK_EQ(set_info(moving.name).task_count, 0);
	CHECK_EQ(set_info(moving.name).thread_count, 0);
	end_set(moving);
}

TEST(set_destroyed_by_two_dies_once)
{
	for (int round = 0; round < 20; round++) {
		struct set s = new_set();
		mach_port_t other = MACH_PORT_NULL;
		kern_return_t first, second;

		CHECK_OK(host_processor_set_priv(test_host_priv, s.name, &other));
		first = processor_set_destroy(s.control);
		second = processor_set_destroy(other);
		CHECK_OK(first);
		CHECK(second != KERN_SUCCESS);
		mach_port_deallocate(SELF, other);
		mach_port_deallocate(SELF, s.control);
		mach_port_deallocate(SELF, s.name);
	}
}
