/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The scheduler: shares, policies, pre-emption, giving the CPU away. Interface reference sections 2 and 12.
 * Shares are taken from the kernel's accounts, and instructions are the clock (sched.modules): nothing depends on what else the host does.
 * The emulator runs the CPUs in turn then, each to the next time any of them waits for: of the time from one CPU to another
 * only the order of magnitude is meant.
 */
#include <mach/mach_host.h>
#include <mach/policy.h>
#include <mach/thread_info.h>
#include <mach/thread_switch.h>
#include "harness/test.h"

#define SELF	mach_task_self()

enum { SPINNERS_MAX = 2 * 64 + 1, WORSE = 40, BETTER = 10 };

static volatile bool stop;
static mach_port_t spinners[SPINNERS_MAX];
static unsigned spinner_count;

static void spin(void *arg)
{
	(void)arg;
	while (!stop)
		__asm__ volatile("pause");
}

/* the caller may not lose the CPU to what it makes: new threads get the worse priority before they run */
static void start_spinners(unsigned n, int priority)
{
	stop = false;
	spinner_count = n;
	for (unsigned i = 0; i < n; i++) {
		spinners[i] = test_thread(spin, NULL);
		CHECK_OK(thread_priority(spinners[i], priority, FALSE));
	}
}

static void end_spinners(void)
{
	stop = true;
	for (unsigned i = 0; i < spinner_count; i++)
		test_thread_join(spinners[i]);
	spinner_count = 0;
}

static int64_t now_ns(void)
{
	time_value64_t t = { 0, 0 };

	CHECK_OK(host_get_uptime64(mach_host_self(), &t));
	return t.seconds * 1000000000 + t.nanoseconds;
}

static int64_t used_ns(mach_port_t thread)
{
	struct thread_basic_info info;
	mach_msg_type_number_t n = THREAD_BASIC_INFO_COUNT;

	if (!CHECK_OK(thread_info(thread, THREAD_BASIC_INFO, (thread_info_t)&info, &n)))
		return 0;
	return (info.user_time64.seconds + info.system_time64.seconds) * 1000000000 + info.user_time64.nanoseconds
	    + info.system_time64.nanoseconds;
}

static struct thread_sched_info sched_info(mach_port_t thread)
{
	struct thread_sched_info info = { 0 };
	mach_msg_type_number_t n = THREAD_SCHED_INFO_COUNT;

	CHECK_OK(thread_info(thread, THREAD_SCHED_INFO, (thread_info_t)&info, &n));
	return info;
}

static mach_port_t control_of_default_set(void)
{
	mach_port_t name = MACH_PORT_NULL, control = MACH_PORT_NULL;

	CHECK_OK(processor_set_default(mach_host_self(), &name));
	CHECK_OK(host_processor_set_priv(test_host_priv, name, &control));
	mach_port_deallocate(SELF, name);
	return control;
}

/* --- shares --- */

/* => largest distance from the mean, percent */
static unsigned spread(unsigned threads, unsigned ms)
{
	int64_t before[SPINNERS_MAX], got[SPINNERS_MAX], sum = 0, mean, worst = 0;

	for (unsigned i = 0; i < threads; i++)
		before[i] = used_ns(spinners[i]);
	test_sleep(ms);
	for (unsigned i = 0; i < threads; i++)
		sum += got[i] = used_ns(spinners[i]) - before[i];
	mean = sum / threads;
	if (!CHECK(mean > 0))
		return 100;
	for (unsigned i = 0; i < threads; i++) {
		int64_t d = got[i] > mean ? got[i] - mean : mean - got[i];

		worst = d > worst ? d : worst;
	}
	test_say("# %d threads on %d CPUs: %ld ms each, at most %ld percent off", threads, test_cpus(), mean / 1000000,
	    worst * 100 / mean);
	return (unsigned)(worst * 100 / mean);
}

/* one CPU waits for the others' turns */
static bool takes_turns(void)
{
	return test_cpus() > 1;
}

static void equal_shares(unsigned threads)
{
	unsigned least = 100;

	start_spinners(threads, 25);
	test_sleep(300);	/* their beginnings are history */
	for (int i = 0; i < 3 && least >= 20; i++) {
		unsigned s = spread(threads, 2000);

		least = s < least ? s : least;
	}
	end_spinners();
	CHECK(least < 20);
}

TEST(equal_threads_get_equal_shares) { equal_shares(4 * test_cpus()); }
/* one more than fits: threads have to go round the CPUs */
TEST(shares_are_equal_when_threads_do_not_divide_by_cpus) { equal_shares(2 * test_cpus() + 1); }

TEST(all_cpu_time_is_accounted_for)
{
	unsigned cpus = test_cpus(), n = 2 * cpus;
	int64_t start, sum = 0, wall;

	start_spinners(n, WORSE);
	test_sleep(50);
	start = now_ns();
	for (unsigned i = 0; i < n; i++)
		sum -= used_ns(spinners[i]);
	test_sleep(1000);
	for (unsigned i = 0; i < n; i++)
		sum += used_ns(spinners[i]);
	wall = now_ns() - start;
	end_spinners();
	CHECK(sum < wall * cpus * 110 / 100);
	CHECK(sum > wall * cpus * 80 / 100);
}

TEST(fixed_priority_beats_timesharing)
{
	unsigned cpus = test_cpus(), n = 2 * cpus;
	mach_port_t control = control_of_default_set();
	int64_t fixed = 0, shared = 0;

	CHECK_OK(processor_set_policy_enable(control, POLICY_FIXEDPRI));
	start_spinners(n, 30);
	for (unsigned i = 0; i < cpus; i++)
		CHECK_OK(thread_policy(spinners[i], POLICY_FIXEDPRI, 20));
	CHECK_EQ(sched_info(spinners[0]).policy, POLICY_FIXEDPRI);
	CHECK_EQ(sched_info(spinners[0]).data, 20);
	CHECK_EQ(sched_info(spinners[cpus]).policy, POLICY_TIMESHARE);
	test_sleep(500);	/* the timesharing ones have become worse by use */
	for (unsigned i = 0; i < n; i++)
		*(i < cpus ? &fixed : &shared) -= used_ns(spinners[i]);
	test_sleep(1000);
	for (unsigned i = 0; i < n; i++)
		*(i < cpus ? &fixed : &shared) += used_ns(spinners[i]);
	end_spinners();
	test_say("# fixed %ld ms, timesharing %ld ms", fixed / 1000000, shared / 1000000);
	CHECK(fixed > 9 * shared);
	CHECK_OK(processor_set_policy_disable(control, POLICY_FIXEDPRI, TRUE));
	mach_port_deallocate(SELF, control);
}

TEST(policies_are_checked)
{
	mach_port_t control = control_of_default_set(), t;

	CHECK_OK(thread_create(SELF, &t));
	CHECK_OK(processor_set_policy_disable(control, POLICY_FIXEDPRI, TRUE));
	CHECK_EQ(thread_policy(t, POLICY_FIXEDPRI, 10), KERN_FAILURE);	/* not enabled */
	CHECK_EQ(thread_policy(t, 0, 0), KERN_INVALID_ARGUMENT);
	CHECK_EQ(thread_policy(t, 77, 0), KERN_INVALID_ARGUMENT);
	CHECK_OK(thread_policy(t, POLICY_TIMESHARE, 0));
	CHECK_OK(processor_set_policy_enable(control, POLICY_FIXEDPRI));
	CHECK_OK(thread_policy(t, POLICY_FIXEDPRI, 10));
	CHECK_OK(processor_set_policy_disable(control, POLICY_FIXEDPRI, TRUE));
	CHECK_EQ(sched_info(t).policy, POLICY_TIMESHARE);
	CHECK_EQ(processor_set_policy_disable(control, POLICY_TIMESHARE, FALSE), KERN_INVALID_ARGUMENT);
	CHECK_EQ(processor_set_policy_enable(control, 77), KERN_INVALID_ARGUMENT);
	CHECK_OK(thread_terminate(t));
	mach_port_deallocate(SELF, t);
	mach_port_deallocate(SELF, control);
}

TEST(priorities_are_checked)
{
	mach_port_t control = control_of_default_set(), t;

	CHECK_OK(thread_create(SELF, &t));
	CHECK_EQ(sched_info(t).base_priority, 25);
	CHECK_EQ(thread_priority(t, -1, FALSE), KERN_INVALID_ARGUMENT);
	CHECK_EQ(thread_priority(t, 65, FALSE), KERN_INVALID_ARGUMENT);
	CHECK_OK(thread_priority(t, 40, TRUE));
	CHECK_EQ(sched_info(t).base_priority, 40);
	CHECK_EQ(sched_info(t).max_priority, 40);
	CHECK_EQ(thread_priority(t, 39, FALSE), KERN_FAILURE);	/* beyond its maximum */
	CHECK_OK(thread_max_priority(t, control, BETTER));
	CHECK_OK(thread_priority(t, BETTER, FALSE));
	CHECK_EQ(sched_info(t).base_priority, BETTER);
	CHECK_EQ(thread_max_priority(t, control, 65), KERN_INVALID_ARGUMENT);
	CHECK_OK(thread_terminate(t));
	mach_port_deallocate(SELF, t);
	mach_port_deallocate(SELF, control);
}

TEST(task_priority_is_for_new_threads_or_for_all)
{
	mach_port_t task, a, b;

	CHECK_OK(task_create(SELF, FALSE, &task));
	CHECK_OK(thread_create(task, &a));
	CHECK_OK(task_priority(task, 30, FALSE));
	CHECK_OK(thread_create(task, &b));
	CHECK_EQ(sched_info(a).base_priority, 25);
	CHECK_EQ(sched_info(b).base_priority, 30);
	CHECK_OK(task_priority(task, 35, TRUE));
	CHECK_EQ(sched_info(a).base_priority, 35);
	CHECK_EQ(sched_info(b).base_priority, 35);
	CHECK_EQ(task_priority(task, 1000, TRUE), KERN_INVALID_ARGUMENT);
	CHECK_OK(task_terminate(task));
	mach_port_deallocate(SELF, a);
	mach_port_deallocate(SELF, b);
	mach_port_deallocate(SELF, task);
}

/* --- pre-emption --- */

static volatile int64_t woken_at;

static void note_wakeups(void *arg)
{
	mach_port_t p = (mach_port_t)(uintptr_t)arg;
	struct test_message m;

	while (mach_msg(&m.h, MACH_RCV_MSG, 0, sizeof m, p, 0, 0) == MACH_MSG_SUCCESS && m.h.msgh_id)
		woken_at = now_ns();
}

static void sort(int64_t *v, int n)
{
	for (int i = 1; i < n; i++)
		for (int j = i; j > 0 && v[j - 1] > v[j]; j--) {
			int64_t t = v[j];

			v[j] = v[j - 1];
			v[j - 1] = t;
		}
}

/* spinners with quanta of a second: who comes sooner has pre-empted. The median, for the host may take emulated CPUs away */
static void start_long_quanta(void)
{
	mach_port_t control = control_of_default_set();

	CHECK_OK(processor_set_policy_enable(control, POLICY_FIXEDPRI));
	start_spinners(2 * test_cpus(), WORSE);
	for (unsigned i = 0; i < spinner_count; i++)
		CHECK_OK(thread_policy(spinners[i], POLICY_FIXEDPRI, 1000));
	mach_port_deallocate(SELF, control);
}

TEST(woken_thread_of_better_priority_pre_empts_at_once)
{
	enum { ROUNDS = 41 };
	mach_port_t p = test_port_with_send(), control = control_of_default_set(), t;
	static int64_t late[ROUNDS];

	t = test_thread(note_wakeups, (void *)(uintptr_t)p);
	CHECK_OK(thread_max_priority(t, control, BETTER));
	CHECK_OK(thread_priority(t, BETTER, FALSE));
	start_long_quanta();
	for (int i = 0; i < ROUNDS; i++) {
		test_sleep(10);
		woken_at = 0;
		int64_t sent = now_ns();
		CHECK_OK(test_send(p, MACH_MSG_TYPE_COPY_SEND, 0, 0, 1));
		if (test_cpus() == 1)
			CHECK(woken_at != 0);	/* it ran before the send returned */
		while (!woken_at && now_ns() - sent < 1000000000)
			;
		CHECK(woken_at != 0);
		late[i] = woken_at - sent;
	}
	CHECK_OK(test_send(p, MACH_MSG_TYPE_COPY_SEND, 0, 0, 0));
	test_thread_join(t);
	end_spinners();
	sort(late, ROUNDS);
	test_say("# latency: median %ld us, worst %ld us", late[ROUNDS / 2] / 1000, late[ROUNDS - 1] / 1000);
	CHECK(late[ROUNDS / 2] < (takes_turns() ? 300000000 : 5000000));
	test_port_destroy(p);
	mach_port_deallocate(SELF, control);
}

TEST(sleeper_comes_back_in_time_while_all_cpus_are_busy)
{
	enum { ROUNDS = 21 };
	static int64_t late[ROUNDS];

	start_long_quanta();
	for (int i = 0; i < ROUNDS; i++) {
		int64_t start = now_ns();

		test_sleep(20);
		late[i] = now_ns() - start;
		CHECK(late[i] >= 19000000);
	}
	end_spinners();
	sort(late, ROUNDS);
	CHECK(late[ROUNDS / 2] < (takes_turns() ? 300000000 : 35000000));
}

/* --- giving the CPU away --- */

static volatile unsigned order[4], arrived;

static void arrive(void *arg)
{
	order[__atomic_fetch_add(&arrived, 1, __ATOMIC_SEQ_CST) & 3] = (unsigned)(uintptr_t)arg;
}

TEST(thread_switch_hands_the_cpu_to_the_named_thread)
{
	mach_port_t me = mach_thread_self(), control = control_of_default_set(), t[3];
	unsigned first = 0;

	/* better than those it makes: with one CPU they stay in the queue until it gives way */
	CHECK_OK(thread_max_priority(me, control, BETTER));
	CHECK_OK(thread_priority(me, BETTER, FALSE));
	for (int round = 0; round < 20; round++) {
		arrived = 0;
		for (unsigned i = 0; i < 3; i++)
			t[i] = test_thread(arrive, (void *)(uintptr_t)(i + 1));
		bool waiting = arrived == 0;
		CHECK_OK(thread_switch(t[1], SWITCH_OPTION_NONE, 0));
		if (test_cpus() == 1) {
			CHECK(waiting);
			first += order[0] == 2;
		}
		for (unsigned i = 0; i < 3; i++)
			test_thread_join(t[i]);
	}
	/* the end of a quantum may come in between */
	if (test_cpus() == 1)
		CHECK(first >= 15);
	CHECK_OK(thread_priority(me, 25, FALSE));
	CHECK_OK(thread_max_priority(me, control, 25));
	mach_port_deallocate(SELF, me);
	mach_port_deallocate(SELF, control);
}

TEST(thread_switch_to_nothing_runnable_returns)
{
	mach_port_t t;

	CHECK_OK(thread_create(SELF, &t));
	CHECK_OK(thread_switch(t, SWITCH_OPTION_NONE, 0));		/* suspended */
	CHECK_OK(thread_switch(MACH_PORT_NULL, SWITCH_OPTION_NONE, 0));
	CHECK_OK(thread_switch(0x7777, SWITCH_OPTION_NONE, 0));	/* no such name */
	CHECK_OK(thread_switch(SELF, SWITCH_OPTION_NONE, 0));		/* not a thread */
	CHECK_EQ(thread_switch(MACH_PORT_NULL, 3, 0), KERN_INVALID_ARGUMENT);
	CHECK_OK(thread_terminate(t));
	mach_port_deallocate(SELF, t);
}

static volatile int64_t depressed_for;

static void depress(void *arg)
{
	int64_t start = now_ns();

	thread_switch(MACH_PORT_NULL, SWITCH_OPTION_DEPRESS, (mach_msg_timeout_t)(uintptr_t)arg);
	depressed_for = now_ns() - start;
}

TEST(depression_ends_with_its_time_and_with_the_call)
{
	mach_port_t me = mach_thread_self();

	start_spinners(2 * test_cpus(), WORSE);
	depress((void *)60);
	CHECK(depressed_for > 30000000);	/* all CPUs have something better to do */
	CHECK(depressed_for < 500000000);
	CHECK(!sched_info(me).depressed);
	end_spinners();
	CHECK_OK(thread_switch(MACH_PORT_NULL, SWITCH_OPTION_DEPRESS, 100000));
	CHECK(!sched_info(me).depressed);	/* nobody else: back at once, and not depressed any more */
	mach_port_deallocate(SELF, me);
}

TEST(depression_can_be_aborted)
{
	mach_port_t t;

	start_spinners(2 * test_cpus(), WORSE);
	depressed_for = 0;
	t = test_thread(depress, (void *)20000);
	test_sleep(100);
	CHECK(sched_info(t).depressed);
	CHECK_EQ(sched_info(t).base_priority, 25);
	CHECK(sched_info(t).cur_priority > WORSE);
	CHECK_OK(thread_depress_abort(t));
	test_thread_join(t);
	CHECK(depressed_for > 0 && depressed_for < 10000000000);
	end_spinners();

	CHECK_OK(thread_create(SELF, &t));
	CHECK_OK(thread_depress_abort(t));	/* not depressed: succeeds as well */
	CHECK_EQ(syscall_thread_depress_abort(t), test_is_proxied ? MACH_SEND_INTERRUPTED : KERN_SUCCESS);
	CHECK_OK(thread_terminate(t));
	mach_port_deallocate(SELF, t);
}

TEST(swtch_tells_whether_others_could_run)
{
	int64_t start;

	start_spinners(3 * test_cpus(), 25);
	test_sleep(100);
	CHECK_EQ(swtch(), TRUE);
	start = now_ns();
	CHECK_EQ(swtch_pri(0), TRUE);
	CHECK(now_ns() - start < 2000000000);
	end_spinners();
}

/* --- many --- */

static mach_port_t ring[65];

static void pass_on(void *arg)
{
	unsigned i = (unsigned)(uintptr_t)arg;
	struct test_message m;

	do {
		if (!CHECK_OK(mach_msg(&m.h, MACH_RCV_MSG, 0, sizeof m, ring[i], 0, 0)))
			return;
		CHECK_OK(test_send(ring[i + 1], MACH_MSG_TYPE_COPY_SEND, 0, 0, m.h.msgh_id));
	} while (m.h.msgh_id);
}

TEST(token_goes_round_many_threads_among_spinning_ones)
{
	mach_port_t t[64];
	struct test_message m;

	for (unsigned i = 0; i < 65; i++)
		ring[i] = test_port_with_send();
	for (unsigned i = 0; i < 64; i++)
		t[i] = test_thread(pass_on, (void *)(uintptr_t)i);
	start_spinners(test_cpus(), WORSE);
	for (int id = 20; id >= 0; id--) {
		CHECK_OK(test_send(ring[0], MACH_MSG_TYPE_COPY_SEND, 0, 0, id));
		if (!CHECK_OK(test_receive_wait(ring[64], &m, 10000)))
			break;
		CHECK_EQ(m.h.msgh_id, id);
	}
	end_spinners();
	for (unsigned i = 0; i < 64; i++)
		test_thread_join(t[i]);
	for (unsigned i = 0; i < 65; i++)
		test_port_destroy(ring[i]);
}
