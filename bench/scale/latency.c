/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How long a thread of fixed priority waits for the processor when it is woken, by a timer or by a message, while a hundred
 * timesharing threads are runnable, which compute or keep the kernel busy with one kind of call. In executed instructions, one CPU under
 * -icount, from the end of the wait (or the sender's call) to the woken thread's next instruction in user mode.
 * Lines: LATENCY load by median worst wakes
 */
#include <mach/mach_host.h>
#include <mach/policy.h>
#include "../mach/bench.h"

enum { THREADS = 100, WAKES = 200, PRIORITY = 10, ID_STAMP = 7, MIB = 1 << 20 };

enum load { COMPUTE, CALLS, MEMORY, COPIES, PORTS, TASKS, LOADS };
static const char *const load_names[LOADS] = { "computing", "kernel_calls", "memory", "copies_of_1_MiB", "ports", "tasks" };

static volatile enum load load;
static volatile bool over;
static mach_port_t stamps;
static volatile bool stamping;

static void some_memory(void)
{
	vm_address_t a = 0;

	if (vm_allocate(SELF, &a, 16 * PAGE, TRUE) != KERN_SUCCESS)
		return;
	for (unsigned long i = 0; i < 16; i++)
		*(volatile char *)(a + i * PAGE) = 1;
	vm_deallocate(SELF, a, 16 * PAGE);
}

static vm_address_t source;

static void a_copy(void)
{
	vm_offset_t data = 0;
	mach_msg_type_number_t n = 0;

	if (vm_read(SELF, source, MIB, &data, &n) != KERN_SUCCESS)
		return;
	for (unsigned long i = 0; i < n; i += 16 * PAGE)
		*(volatile char *)(data + i) = 1;
	vm_deallocate(SELF, data, n);
}

static void some_ports(void)
{
	mach_port_t set = MACH_PORT_NULL, p[16];

	mach_port_allocate(SELF, MACH_PORT_RIGHT_PORT_SET, &set);
	for (unsigned i = 0; i < 16; i++) {
		p[i] = MACH_PORT_NULL;
		mach_port_allocate(SELF, MACH_PORT_RIGHT_RECEIVE, &p[i]);
		mach_port_move_member(SELF, p[i], set);
	}
	mach_port_destroy(SELF, set);
	for (unsigned i = 0; i < 16; i++)
		mach_port_destroy(SELF, p[i]);
}

static void a_task(void)
{
	mach_port_t task = MACH_PORT_NULL;

	if (task_create(SELF, TRUE, &task) != KERN_SUCCESS)
		return;
	task_terminate(task);
	mach_port_deallocate(SELF, task);
}

/* whoever runs sends it, between two calls */
static void send_stamp(void)
{
	struct { mach_msg_header_t h; uint64_t stamp; } m;

	m.h = (mach_msg_header_t){ .msgh_bits = MACH_MSG_TYPE_COPY_SEND, .msgh_remote_port = stamps, .msgh_id = ID_STAMP };
	stamping = false;
	m.stamp = bench_now();
	mach_msg(&m.h, MACH_SEND_MSG, sizeof m, 0, 0, 0, MACH_PORT_NULL);
}

static void worker(void *arg)
{
	(void)arg;
	while (!over) {
		mach_port_type_t type;

		if (stamping)
			send_stamp();
		switch (load) {
		case CALLS:
			mach_port_type(SELF, SELF, &type);
			break;
		case MEMORY:
			some_memory();
			break;
		case COPIES:
			a_copy();
			break;
		case PORTS:
			some_ports();
			break;
		case TASKS:
			a_task();
			break;
		default:
			for (volatile int i = 0; i < 1000; i++)
				;
		}
	}
}

static uint64_t waits[WAKES];

static void report(const char *by)
{
	for (unsigned i = 1; i < WAKES; i++)
		for (unsigned k = i; k > 0 && waits[k - 1] > waits[k]; k--) {
			uint64_t t = waits[k];

			waits[k] = waits[k - 1];
			waits[k - 1] = t;
		}
	test_say("LATENCY %s %s %ld %ld %u", load_names[load], by, (int64_t)waits[WAKES / 2], (int64_t)waits[WAKES - 1], WAKES);
}

/* the deadline is a whole number of milliseconds after the call, which costs a little */
static uint64_t by_timer(unsigned i)
{
	struct test_message m;
	unsigned ms = 1 + i % 3;
	uint64_t t = bench_now();

	if (mach_msg(&m.h, MACH_RCV_MSG | MACH_RCV_TIMEOUT, 0, sizeof m, stamps, ms, MACH_PORT_NULL) != MACH_RCV_TIMED_OUT)
		test_say("# a message");
	return bench_now() - t - ms * 1000000ull;
}

static uint64_t by_message(unsigned i)
{
	struct { mach_msg_header_t h; uint64_t stamp; char more[64]; } m;

	(void)i;
	stamping = true;
	if (mach_msg(&m.h, MACH_RCV_MSG, 0, sizeof m, stamps, 0, MACH_PORT_NULL) != MACH_MSG_SUCCESS)
		test_say("# no message");
	return bench_now() - m.stamp;
}

static void measurer(void *arg)
{
	(void)arg;
	CHECK_OK(thread_policy(mach_thread_self(), POLICY_FIXEDPRI, 30));
	CHECK_OK(thread_priority(mach_thread_self(), PRIORITY, FALSE));
	for (load = COMPUTE; load < LOADS; load++) {
		for (unsigned i = 0; i < WAKES; i++)
			waits[i] = by_timer(i);
		report("timer");
		for (unsigned i = 0; i < WAKES; i++)
			waits[i] = by_message(i);
		report("message");
	}
	over = true;
}

TEST_FLAGS(latency_of_a_fixed_priority_thread, TEST_MAY_LEAK)
{
	mach_port_t pset, control, t;

	CHECK_OK(processor_set_default(test_host_priv, &pset));
	CHECK_OK(host_processor_set_priv(test_host_priv, pset, &control));
	CHECK_OK(processor_set_policy_enable(control, POLICY_FIXEDPRI));
	CHECK_OK(vm_allocate(SELF, &source, MIB, TRUE));
	for (unsigned long i = 0; i < MIB; i += PAGE)
		*(volatile char *)(source + i) = 1;
	stamps = test_port_with_send();
	for (unsigned i = 0; i < THREADS; i++)
		test_thread(worker, NULL);
	t = test_thread(measurer, NULL);
	while (!over)
		test_sleep(100);
	test_thread_join(t);
}
