/* SPDX-License-Identifier: BSD-2-Clause */
/* Threads, tasks, processors and their sets: priorities, assignment, information, samples, exceptions and their handlers, gsync. */
#include <stdlib.h>
#include <string.h>
#include <mach/exception.h>
#include <mach/exception_ports.h>
#include <mach/gsync.h>
#include <mach/host_info.h>
#include <mach/machine/thread_status.h>
#include <mach/mig_errors.h>
#include <mach/pc_sample.h>
#include <mach/policy.h>
#include <mach/processor_info.h>
#include <mach/task_info.h>
#include <mach/thread_info.h>
#include <mach/thread_switch.h>
#include <u/exception_ports.h>
#include <u/mach4.h>
#include <u/mach_debug.h>
#include "cases.h"
#include "user.h"

#define PRIV	sim_init_argument(SIM_HOST_PRIV)

static mach_port_t self, set, set_control, cpu;
static volatile bool stop;
static volatile unsigned count;

static void drop(mach_port_t name) { u_mach_port_deallocate(self, name); }

/* rights that came in an array: in the message, or in memory of this task. => the first, a reference to each given back */
static mach_port_t take(mach_port_t *names, mach_msg_type_number_t n, const mach_port_t *here)
{
	vm_address_t at = (vm_address_t)names;
	mach_port_t name, first = MACH_PORT_NULL;

	for (mach_msg_type_number_t i = 0; i < n; i++) {
		if (names == here)
			name = names[i];
		else
			sim_read(at + i * sizeof name, &name, sizeof name);
		if (i == 0)
			first = name;
		drop(name);
	}
	if (names != here)
		u_vm_deallocate(self, at, n * sizeof name);
	return first;
}

static void sleeps(uint64_t ms)
{
	while (!stop) {
		count++;
		user_sleep((unsigned)ms);
	}
	user_exit();
}

/* enters the kernel all the time, and can be preempted there */
static void works(uint64_t argument)
{
	vm_address_t at;

	(void)argument;
	while (!stop) {
		at = 0;
		count++;
		if (u_vm_allocate(user_task_self(), &at, 4096, 1) == KERN_SUCCESS) {
			(void)sim_try_write(at, &at, sizeof at);
			u_vm_deallocate(user_task_self(), at, 4096);
		}
		(void)sim_trap(60, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
	}
	user_exit();
}

/* one in a task of its own */
static mach_port_t start_task(sim_program_t *fn, uint64_t argument, mach_port_t *thread)
{
	mach_port_t task = MACH_PORT_NULL;

	stop = false;
	count = 0;
	CHECK_OK(u_task_create(self, 0, &task));
	*thread = user_thread(task, fn, argument);
	CHECK(*thread != MACH_PORT_NULL);
	return task;
}

static void end_task(mach_port_t task, mach_port_t thread)
{
	CHECK_OK(u_task_terminate(task));
	user_sleep(5);
	drop(thread);
	drop(task);
}

static int priority_of(mach_port_t thread, int *policy)
{
	struct thread_sched_info info;
	mach_msg_type_number_t n = THREAD_SCHED_INFO_COUNT;

	CHECK_OK(u_thread_info(thread, THREAD_SCHED_INFO, (thread_info_t)&info, &n));
	*policy = info.policy;
	return info.base_priority;
}

static void priorities_and_policies_are_kept_within_their_limits(void)
{
	mach_port_t thread, task = start_task(works, 0, &thread);
	int policy;

	CHECK_OK(u_thread_priority(thread, 30, 0));
	CHECK(priority_of(thread, &policy) == 30 && policy == POLICY_TIMESHARE);
	CHECK(u_thread_priority(thread, 200, 0) == KERN_INVALID_ARGUMENT);
	CHECK(u_thread_priority(thread, 1, 0) == KERN_FAILURE);
	CHECK(u_thread_policy(thread, POLICY_FIXEDPRI, 10) == KERN_FAILURE);
	CHECK_OK(u_processor_set_policy_enable(set_control, POLICY_FIXEDPRI));
	CHECK_OK(u_thread_policy(thread, POLICY_FIXEDPRI, 10));
	CHECK(priority_of(thread, &policy) == 30 && policy == POLICY_FIXEDPRI);
	user_sleep(100);
	CHECK(u_processor_set_policy_disable(set_control, POLICY_FIXEDPRI, 0) == KERN_SUCCESS);
	CHECK_OK(u_processor_set_policy_disable(set_control, POLICY_FIXEDPRI, 1));
	CHECK_OK(u_thread_max_priority(thread, set_control, 20));
	CHECK_OK(u_thread_max_priority(thread, set_control, 40));
	CHECK(u_thread_max_priority(thread, set, 40) != KERN_SUCCESS);
	CHECK_OK(u_task_priority(task, 45, 1));
	CHECK_OK(u_task_priority(task, 26, 0));
	CHECK(u_task_priority(task, -1, 0) == KERN_INVALID_ARGUMENT);
	CHECK_OK(u_processor_set_max_priority(set_control, 20, 1));
	CHECK_OK(u_processor_set_max_priority(set_control, 10, 0));
	CHECK(u_thread_wire(PRIV, thread, 1) == KERN_INVALID_ARGUMENT);
	end_task(task, thread);
}

static void depresses(uint64_t argument)
{
	(void)argument;
	while (!stop) {
		count++;
		(void)sim_trap(61, MACH_PORT_NULL, SWITCH_OPTION_DEPRESS, 50, 0, 0, 0, 0, 0, 0, 0, 0);
		(void)sim_trap(59, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
	}
	user_exit();
}

static void a_thread_gives_way_to_others(void)
{
	mach_port_t thread, other, task = start_task(depresses, 0, &thread), second = start_task(works, 0, &other);

	user_sleep(50);
	CHECK_OK(u_thread_depress_abort(thread));
	CHECK(sim_trap(76, thread, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0) == KERN_SUCCESS);
	for (unsigned i = 0; i < 10; i++) {
		(void)sim_trap(61, other, SWITCH_OPTION_NONE, 0, 0, 0, 0, 0, 0, 0, 0, 0);
		(void)sim_trap(61, thread, SWITCH_OPTION_DEPRESS, 1, 0, 0, 0, 0, 0, 0, 0, 0);
		(void)sim_trap(61, other, SWITCH_OPTION_WAIT, 1, 0, 0, 0, 0, 0, 0, 0, 0);
	}
	CHECK(sim_trap(61, other, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0) == KERN_INVALID_ARGUMENT);
	CHECK(count > 0);
	end_task(task, thread);
	end_task(second, other);
}

static void a_set_of_processors_runs_what_is_assigned_to_it(void)
{
	mach_port_t mine, mine_name, got, thread, task, host;
	struct processor_set_basic_info info;
	struct processor_set_sched_info sched;
	struct processor_basic_info processor;
	static mach_port_t list[64];
	mach_port_t *names = list;
	mach_msg_type_number_t n;

	CHECK_OK(u_processor_set_create(PRIV, &mine, &mine_name));
	task = start_task(works, 0, &thread);
	CHECK_OK(u_task_assign(task, mine, 1));
	CHECK_OK(u_task_get_assignment(task, &got));
	CHECK(got == mine_name);
	drop(got);
	CHECK_OK(u_thread_get_assignment(thread, &got));
	CHECK(got == mine_name);
	drop(got);
	/* no processor: it waits */
	count = 0;
	user_sleep(50);
	CHECK(count <= 1);
	n = 64;
	CHECK_OK(u_processor_set_tasks(mine, &names, &n));
	CHECK(n == 1);
	(void)take(names, n, list);
	names = list;
	n = 64;
	CHECK_OK(u_processor_set_threads(mine, &names, &n));
	CHECK(n == 1);
	(void)take(names, n, list);
	CHECK(u_processor_assign(cpu, mine, 1) == KERN_FAILURE || true);
	n = PROCESSOR_SET_BASIC_INFO_COUNT;
	CHECK_OK(u_processor_set_info(mine_name, PROCESSOR_SET_BASIC_INFO, &host, (processor_set_info_t)&info, &n));
	drop(host);
	CHECK(info.task_count == 1 && info.thread_count == 1);
	n = PROCESSOR_SET_SCHED_INFO_COUNT;
	CHECK_OK(u_processor_set_info(mine_name, PROCESSOR_SET_SCHED_INFO, &host, (processor_set_info_t)&sched, &n));
	drop(host);
	n = PROCESSOR_BASIC_INFO_COUNT;
	CHECK_OK(u_processor_info(cpu, PROCESSOR_BASIC_INFO, &host, (processor_info_t)&processor, &n));
	drop(host);
	CHECK_OK(u_processor_get_assignment(cpu, &got));
	drop(got);
	CHECK_OK(u_thread_assign_default(thread));
	count = 0;
	user_sleep(50);
	CHECK(count > 0);
	CHECK_OK(u_thread_assign(thread, mine));
	CHECK_OK(u_task_assign_default(task, 0));
	CHECK_OK(u_task_assign(task, mine, 0));
	/* whatever is in it goes to the default set */
	CHECK_OK(u_processor_set_destroy(mine));
	count = 0;
	user_sleep(50);
	CHECK(count > 0);
	drop(mine);
	drop(mine_name);
	end_task(task, thread);
}

static void information_of_every_flavour(void)
{
	union { integer_t words[1024]; struct task_basic_info task; struct thread_basic_info thread; } u;
	mach_port_t thread, task = start_task(sleeps, 1, &thread), name;
	mach_msg_type_number_t n;
	static mach_port_t list[64];
	mach_port_t *names = list;
	time_value_t now, delta = { 0, 1000 }, old;
	time_value64_t now64, old64;
	char version[512];

	for (int flavor = 0; flavor < 6; flavor++) {
		n = 1024;
		CHECK(u_task_info(task, flavor, u.words, &n) == KERN_SUCCESS || flavor == 0 || flavor > 3);
		n = 1024;
		CHECK(u_thread_info(thread, flavor, u.words, &n) == KERN_SUCCESS || flavor == 0 || flavor > 2);
		n = 1024;
		CHECK(u_host_info(user_host_self(), flavor, u.words, &n) == KERN_SUCCESS || flavor == 0 || flavor > 4);
		n = 1;
		CHECK(u_host_info(user_host_self(), flavor, u.words, &n) != KERN_SUCCESS || flavor == HOST_PROCESSOR_SLOTS);
		n = 1;
		CHECK(u_task_info(task, flavor, u.words, &n) != KERN_SUCCESS);
		n = 1;
		CHECK(u_thread_info(thread, flavor, u.words, &n) != KERN_SUCCESS);
	}
	n = 64;
	CHECK_OK(u_host_processor_sets(PRIV, &names, &n));
	(void)take(names, n, list);
	names = list;
	n = 64;
	if (u_processor_set_processors(set, &names, &n) == KERN_SUCCESS)
		(void)take(names, n, list);
	CHECK_OK(u_host_get_kernel_version(user_host_self(), version));
	CHECK(strncmp(version, "Ernst", 5) == 0);
	CHECK_OK(u_host_get_time(user_host_self(), &now));
	CHECK_OK(u_host_adjust_time(PRIV, delta, &old));
	user_sleep(50);
	CHECK_OK(u_host_set_time(PRIV, now));
	CHECK(u_host_set_time(user_host_self(), now) != KERN_SUCCESS);
	CHECK_OK(u_host_get_time64(user_host_self(), &now64));
	CHECK_OK(u_host_get_uptime64(user_host_self(), &old64));
	CHECK_OK(u_host_adjust_time64(PRIV, (time_value64_t){ 0, -1000000 }, &old64));
	CHECK_OK(u_host_set_time64(PRIV, now64));
	CHECK_OK(u_task_set_name(task, "a name that is a little too long for what is kept of it"));
	CHECK_OK(u_thread_set_name(thread, "short"));
	CHECK_OK(u_thread_get_name(thread, version));
	CHECK(strcmp(version, "short") == 0);
	for (int which = 0; which < 6; which++) {
		if (u_task_get_special_port(task, which, &name) == KERN_SUCCESS && name != MACH_PORT_NULL)
			drop(name);
		if (u_thread_get_special_port(thread, which, &name) == KERN_SUCCESS && name != MACH_PORT_NULL)
			drop(name);
	}
	CHECK(u_processor_control(cpu, u.words, 1) != KERN_SUCCESS);
	CHECK(u_processor_start(cpu) != 99);
	end_task(task, thread);
}

static void samples_are_taken_and_counted(void)
{
	static sampled_pc_t samples[MAX_PC_SAMPLES];
	mach_port_t thread, task = start_task(works, 0, &thread);
	sampled_pc_seqno_t number = 0;
	mach_msg_type_number_t n = 0;
	int tick = 0, taken = 0;

	CHECK(u_thread_get_sampled_pcs(thread, &number, samples, &n) == KERN_FAILURE);
	CHECK(u_task_disable_pc_sampling(task, &taken) == KERN_FAILURE);
	CHECK_OK(u_task_enable_pc_sampling(task, &tick, SAMPLED_PC_PERIODIC | SAMPLED_PC_VM_FAULTS));
	CHECK_OK(u_thread_enable_pc_sampling(thread, &tick, SAMPLED_PC_PERIODIC));
	user_sleep(200);
	n = MAX_PC_SAMPLES;
	CHECK_OK(u_task_get_sampled_pcs(task, &number, samples, &n));
	CHECK(n > 0);
	number = 0;
	n = MAX_PC_SAMPLES;
	CHECK_OK(u_thread_get_sampled_pcs(thread, &number, samples, &n));
	CHECK_OK(u_thread_disable_pc_sampling(thread, &taken));
	CHECK_OK(u_task_disable_pc_sampling(task, &taken));
	/* one that nobody ends */
	CHECK_OK(u_task_enable_pc_sampling(task, &tick, SAMPLED_PC_PERIODIC));
	CHECK_OK(u_thread_enable_pc_sampling(thread, &tick, SAMPLED_PC_PERIODIC));
	end_task(task, thread);
}

static void a_thread_is_stopped_looked_at_and_sent_on(void)
{
	mach_port_t thread, task = start_task(sleeps, 10000, &thread);
	struct i386_thread_state state;
	natural_t words[256];
	mach_msg_type_number_t n = i386_THREAD_STATE_COUNT;
	static mach_port_t list[8];
	mach_port_t *names = list;

	user_sleep(5);
	CHECK_OK(u_thread_suspend(thread));
	CHECK_OK(u_thread_suspend(thread));
	CHECK_OK(u_thread_abort(thread));
	CHECK_OK(u_thread_get_state(thread, i386_THREAD_STATE, (thread_state_t)&state, &n));
	CHECK_OK(u_thread_set_state(thread, i386_THREAD_STATE, (thread_state_t)&state, n));
	for (int flavor = -2; flavor < 12; flavor++) {
		n = 256;
		if (u_thread_get_state(thread, flavor, (thread_state_t)words, &n) == KERN_SUCCESS)
			(void)u_thread_set_state(thread, flavor, (thread_state_t)words, n);
		CHECK(u_thread_set_state(thread, flavor, (thread_state_t)words, 1) != 99);
	}
	CHECK_OK(u_thread_resume(thread));
	CHECK_OK(u_thread_resume(thread));
	CHECK(u_thread_resume(thread) == KERN_FAILURE);
	CHECK_OK(u_task_suspend(task));
	CHECK_OK(u_task_suspend(task));
	CHECK_OK(u_task_resume(task));
	CHECK_OK(u_task_resume(task));
	CHECK(u_task_resume(task) == KERN_FAILURE);
	n = 8;
	CHECK_OK(u_task_threads(task, &names, &n));
	CHECK(n == 1);
	(void)take(names, n, list);
	CHECK(u_task_ras_control(task, 0, 0, 0) != 99);
	CHECK_OK(u_task_set_emulation(task, 0x1000, 20));
	CHECK_OK(u_task_set_emulation(task, 0, 20));
	end_task(task, thread);
}

/* --- exceptions --- */

struct raise {
	mach_msg_header_t h;
	struct { mach_msg_type_t type; uint64_t value; } item[4];
	char room[2048];
};
static struct raise raised;
static vm_address_t trouble;

static void touches_nothing(uint64_t at)
{
	uint64_t v = 5;

	sim_write(at, &v, sizeof v);		/* until somebody helps */
	count = 77;
	sleeps(1000);
}

static void answer(int id, kern_return_t kr)
{
	struct { mach_msg_header_t h; mach_msg_type_t type; int code, pad; } r = {
		.h = { .msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_MOVE_SEND_ONCE, 0), .msgh_remote_port = raised.h.msgh_remote_port,
		    .msgh_size = sizeof r, .msgh_id = id },
		.type = { .msgt_name = MACH_MSG_TYPE_INTEGER_32, .msgt_size = 32, .msgt_inline = 1, .msgt_number = 1 },
		.code = kr,
	};

	CHECK_OK(mach_msg(&r.h, MACH_SEND_MSG, sizeof r, 0, MACH_PORT_NULL, 0, MACH_PORT_NULL));
}

static bool next_exception(mach_port_t port)
{
	bool come = mach_msg(&raised.h, MACH_RCV_MSG | MACH_RCV_TIMEOUT, 0, sizeof raised, port, 500, MACH_PORT_NULL) == MACH_MSG_SUCCESS;

	if (come && raised.h.msgh_id != EXC_RAISE_STATE_ID)
		for (unsigned i = 0; i < 2; i++)
			drop((mach_port_t)raised.item[i].value);
	return come;
}

static void a_handler_repairs_what_a_thread_did(void)
{
	mach_port_t port = user_port(), thread, task;

	trouble = 0x40000000;
	CHECK_OK(u_task_create(self, 0, &task));
	CHECK_OK(u_task_set_special_port(task, 3, port));
	count = 0;
	stop = false;
	thread = user_thread(task, touches_nothing, trouble);
	CHECK(next_exception(port) && raised.h.msgh_id == EXC_RAISE_ID);
	/* not yet: it tries again */
	answer(EXC_RAISE_ID + 100, KERN_SUCCESS);
	CHECK(next_exception(port));
	CHECK_OK(u_vm_allocate(task, &trouble, 4096, 0));
	answer(EXC_RAISE_ID + 100, KERN_SUCCESS);
	user_sleep(5);
	CHECK(count >= 77);
	end_task(task, thread);
	u_mach_port_destroy(self, port);
}

/* each behaviour, for a thread, a task and the host; the handler says no, nonsense or dies */
static void handlers_of_every_kind_may_fail(void)
{
	for (int behavior = EXCEPTION_DEFAULT; behavior <= EXCEPTION_STATE_IDENTITY; behavior++)
		for (int how = 0; how < 4; how++) {
			mach_port_t port = user_port(), last = user_port(), thread, task, got;
			mach_port_type_t type;
			int b, f;

			CHECK_OK(u_task_create(self, 0, &task));
			CHECK_OK(u_task_set_exception_ports(task, EXC_MASK_ALL, last, EXCEPTION_DEFAULT, 0));
			thread = user_thread(task, touches_nothing, 0x40000000);
			CHECK_OK(u_thread_set_exception_ports(thread, EXC_MASK_BAD_ACCESS, port, behavior, i386_THREAD_STATE));
			CHECK_OK(u_thread_get_exception_action(thread, EXC_BAD_ACCESS, &got, &b, &f));
			CHECK(b == behavior);
			drop(got);
			CHECK_OK(u_task_get_exception_action(task, EXC_SOFTWARE, &got, &b, &f));
			drop(got);
			if (!CHECK(next_exception(port)))
				return;
			if (how == 0)
				answer(raised.h.msgh_id + 100, KERN_FAILURE);
			else if (how == 1)
				answer(4711, KERN_SUCCESS);
			else if (how == 2)
				drop(raised.h.msgh_remote_port);
			else
				answer(raised.h.msgh_id + 100, KERN_SUCCESS);
			/* then it is the task's handler's */
			if (next_exception(how == 3 && behavior == EXCEPTION_DEFAULT ? port : last) && how != 1)
				answer(EXC_RAISE_ID + 100, KERN_FAILURE);
			user_sleep(5);
			if (u_mach_port_type(self, task, &type) == KERN_SUCCESS && !(type & MACH_PORT_TYPE_DEAD_NAME))
				CHECK_OK(u_task_terminate(task));
			if (how == 1)
				drop(raised.h.msgh_remote_port);
			user_sleep(5);
			u_mach_port_destroy(self, port);
			u_mach_port_destroy(self, last);
			drop(thread);
			drop(task);
		}
	CHECK(u_task_set_exception_ports(self, 0, MACH_PORT_NULL, EXCEPTION_DEFAULT, 0) == KERN_INVALID_ARGUMENT);
}

static void the_host_hears_of_what_nobody_handles(void)
{
	mach_port_t port = user_port(), thread, task, got = MACH_PORT_NULL;
	int b, f;

	CHECK_OK(u_host_set_exception_ports(PRIV, EXC_MASK_ALL, port, EXCEPTION_DEFAULT, 0));
	CHECK(u_host_set_exception_ports(user_host_self(), EXC_MASK_ALL, port, EXCEPTION_DEFAULT, 0) != KERN_SUCCESS);
	CHECK_OK(u_host_get_exception_action(PRIV, EXC_BAD_ACCESS, &got, &b, &f));
	drop(got);
	task = start_task(touches_nothing, 0x40000000, &thread);
	CHECK(next_exception(port));
	answer(EXC_RAISE_ID + 100, KERN_FAILURE);
	user_sleep(5);
	CHECK_OK(u_host_set_exception_ports(PRIV, EXC_MASK_ALL, MACH_PORT_NULL, EXCEPTION_DEFAULT, 0));
	drop(thread);
	drop(task);
	u_mach_port_destroy(self, port);
}

/* --- waiting for words of memory --- */

static vm_address_t word;

static void waits_for_a_word(uint64_t how)
{
	count += u_gsync_wait(user_task_self(), word, 0, 0, how ? 5 : 0, how ? GSYNC_TIMED : 0) == KERN_SUCCESS;
	while (!stop)
		user_sleep(1);
	user_exit();
}

static void threads_wait_for_words_of_memory(void)
{
	mach_port_t task, thread[4];
	uint32_t v = 0;

	word = 0;
	stop = false;
	count = 0;
	CHECK_OK(u_vm_allocate(self, &word, 4096, 1));
	CHECK_OK(u_vm_inherit(self, word, 4096, VM_INHERIT_SHARE));
	sim_write(word, &v, sizeof v);
	CHECK_OK(u_task_create(self, 1, &task));
	for (unsigned i = 0; i < 4; i++)
		thread[i] = user_thread(task, waits_for_a_word, i == 3);
	user_sleep(20);
	CHECK(count == 0);
	CHECK_OK(u_gsync_requeue(task, word, word + 64, 1, 0));
	CHECK_OK(u_gsync_wake(task, word, 1, GSYNC_MUTATE));
	user_sleep(2);
	CHECK(count >= 1);
	CHECK_OK(u_gsync_requeue(task, word, word + 64, 0, GSYNC_BROADCAST));
	CHECK_OK(u_gsync_wake(task, word + 64, 0, GSYNC_BROADCAST));
	user_sleep(2);
	CHECK(count >= 2);
	CHECK(u_gsync_wait(self, word, 7, 0, 0, 0) == KERN_INVALID_ARGUMENT);
	CHECK(u_gsync_wait(self, 0, 0, 0, 0, 0) == KERN_INVALID_ADDRESS);
	CHECK(u_gsync_wait(self, word, 1, 0, 1, GSYNC_TIMED | GSYNC_SHARED) == KERN_TIMEDOUT);
	CHECK(u_gsync_wait(self, word, 1, 0, 1, GSYNC_TIMED | GSYNC_QUAD) == KERN_TIMEDOUT);
	CHECK_OK(u_gsync_wake(self, word, 2, GSYNC_SHARED | GSYNC_BROADCAST));
	CHECK(sim_trap(120, word, 1, 0, 1, GSYNC_TIMED, 0, 0, 0, 0, 0, 0) == KERN_TIMEDOUT);
	CHECK(sim_trap(121, word, 1, GSYNC_BROADCAST, 0, 0, 0, 0, 0, 0, 0, 0) == KERN_SUCCESS);
	for (unsigned i = 0; i < 4; i++)
		drop(thread[i]);
	CHECK_OK(u_task_terminate(task));
	drop(task);
	CHECK_OK(u_vm_deallocate(self, word, 4096));
}

static void init(uint64_t argument)
{
	static mach_port_t list[8];
	mach_port_t *names = list;
	mach_msg_type_number_t n = 8;

	(void)argument;
	self = user_task_self();
	u_mach_port_destroy(self, user_port());
	(void)user_host_self();
	CHECK_OK(u_processor_set_default(user_host_self(), &set));
	CHECK_OK(u_host_processor_set_priv(PRIV, set, &set_control));
	CHECK_OK(u_host_processors(PRIV, &names, &n));
	cpu = take(names, n, list);
	/* it was the last reference */
	names = list;
	n = 8;
	CHECK_OK(u_host_processors(PRIV, &names, &n));
	user_sleep(1);
	RUN(priorities_and_policies_are_kept_within_their_limits);
	RUN(a_thread_gives_way_to_others);
	RUN(a_set_of_processors_runs_what_is_assigned_to_it);
	RUN(information_of_every_flavour);
	RUN(samples_are_taken_and_counted);
	RUN(a_thread_is_stopped_looked_at_and_sent_on);
	RUN(a_handler_repairs_what_a_thread_did);
	RUN(handlers_of_every_kind_may_fail);
	RUN(the_host_hears_of_what_nobody_handles);
	RUN(threads_wait_for_words_of_memory);
	exit(cases_end());
}

int main(void)
{
	static struct sim_config cf = { .cf_cpus = 1, .cf_memory_mb = 64, .cf_init = init };

	sim_boot(&cf);
	return 1;
}
