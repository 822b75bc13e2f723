/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How much more N processors do than one: N unrelated tasks (or pairs of tasks) against one, the other processors idle, in the same
 * run. In operations per time, on plain multi-threaded TCG: only the ratio means anything, and only when the host's processors are free.
 * Each window of time is told too, WINDOW begin|end operation workers done: on a busy host tools/performance divides by the time which
 * the host gave to the processors' threads meanwhile.
 * Lines: RATIO operation N best median, in thousandths
 */
#include <mach/mach_host.h>
#include "../mach/bench.h"

enum { MOST = 4, ROUNDS = 5, WINDOW_MS = 250 };

/* one page for each worker, so that they share no line */
struct worker { volatile uint64_t done; volatile bool go; char rest[PAGE - 16]; };
struct world { struct worker worker[MOST]; };
static struct world *w;

static unsigned my_number;

static void wait_to_go(struct worker *me)
{
	while (!me->go)
		test_sleep(1);
}

static void faults(struct worker *me)
{
	enum { PAGES = 64 };
	vm_address_t a = 0;

	vm_allocate(SELF, &a, PAGES * PAGE, TRUE);
	for (unsigned long i = 0; i < PAGES; i++) {
		*(volatile char *)(a + i * PAGE) = 1;
		me->done++;
	}
	vm_deallocate(SELF, a, PAGES * PAGE);
}

static void port_churn(struct worker *me)
{
	mach_port_t p = MACH_PORT_NULL;

	mach_port_allocate(SELF, MACH_PORT_RIGHT_RECEIVE, &p);
	mach_port_destroy(SELF, p);
	me->done++;
}

static void allocation(struct worker *me)
{
	vm_address_t a = 0;

	syscall_vm_allocate(SELF, &a, PAGE, TRUE);
	*(volatile char *)a = 1;
	syscall_vm_deallocate(SELF, a, PAGE);
	me->done++;
}

static void kernel_call(struct worker *me)
{
	mach_port_type_t type;

	mach_port_type(SELF, SELF, &type);
	me->done++;
}

static void compute(struct worker *me)
{
	for (volatile int i = 0; i < 100; i++)
		;
	me->done++;
}

static mach_port_t rpc_to, rpc_reply;

static void rpc(struct worker *me)
{
	mach_msg_header_t m[2];

	m[0] = (mach_msg_header_t){ .msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, MACH_MSG_TYPE_MAKE_SEND_ONCE),
	    .msgh_remote_port = rpc_to, .msgh_local_port = rpc_reply };
	if (mach_msg(m, MACH_SEND_MSG | MACH_RCV_MSG, 32, sizeof m, rpc_reply, 0, MACH_PORT_NULL) == MACH_MSG_SUCCESS)
		me->done++;
}

static void rpc_server(void *arg)
{
	mach_port_t port = (mach_port_t)(uintptr_t)arg;
	mach_msg_header_t m[2];
	mach_msg_return_t r;

	while ((r = mach_msg(m, MACH_RCV_MSG, 0, sizeof m, port, 0, MACH_PORT_NULL)) == MACH_RCV_INVALID_NAME)
		test_sleep(1);
	while (r == MACH_MSG_SUCCESS) {
		m[0].msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_MOVE_SEND_ONCE, 0);
		m[0].msgh_local_port = MACH_PORT_NULL;
		r = mach_msg(m, MACH_SEND_MSG | MACH_RCV_MSG, 32, sizeof m, port, 0, MACH_PORT_NULL);
	}
}

static const struct operation { const char *name; void (*step)(struct worker *); } operations[] = {
	{ "rpc_pairs", rpc }, { "zero_fill_faults", faults }, { "port_allocate_destroy", port_churn },
	{ "vm_allocate_touch_deallocate", allocation }, { "kernel_calls", kernel_call }, { "user_mode_only", compute },
};
static const struct operation *operation;

static void worker_main(void *arg)
{
	struct worker *me = &w->worker[my_number];

	(void)arg;
	if (operation->step == rpc) {
		while (!(test_type(rpc_to) & MACH_PORT_TYPE_SEND))
			test_sleep(1);
		mach_port_allocate(SELF, MACH_PORT_RIGHT_RECEIVE, &rpc_reply);
	}
	for (;;) {
		wait_to_go(me);
		while (me->go)
			operation->step(me);
	}
}

static uint64_t now_ns(void)
{
	time_value64_t t = { 0 };

	host_get_uptime64(mach_host_self(), &t);
	return (uint64_t)t.seconds * 1000000000 + (uint64_t)t.nanoseconds;
}

/* => operations per second of n workers at once */
static uint64_t rate(unsigned n)
{
	uint64_t t, done = 0;

	for (unsigned i = 0; i < n; i++)
		w->worker[i].go = true;
	test_sleep(20);
	test_say("WINDOW begin %s %u 0", operation->name, n);
	t = now_ns();
	for (unsigned i = 0; i < n; i++)
		done -= w->worker[i].done;
	test_sleep(WINDOW_MS);
	for (unsigned i = 0; i < n; i++)
		done += w->worker[i].done;
	t = now_ns() - t;
	test_say("WINDOW end %s %u %ld", operation->name, n, (int64_t)done);
	for (unsigned i = 0; i < n; i++)
		w->worker[i].go = false;
	test_sleep(5);
	return done * 1000000000 / t;
}

static void measure(unsigned cpus)
{
	uint64_t ratio[ROUNDS];

	for (unsigned r = 0; r < ROUNDS; r++) {
		uint64_t one = rate(1), all = rate(cpus);

		ratio[r] = one ? all * 1000 / one : 0;
		for (unsigned k = r; k > 0 && ratio[k - 1] > ratio[k]; k--) {
			uint64_t x = ratio[k];

			ratio[k] = ratio[k - 1];
			ratio[k - 1] = x;
		}
	}
	test_say("RATIO %s %u %ld %ld", operation->name, cpus, (int64_t)ratio[ROUNDS - 1], (int64_t)ratio[ROUNDS / 2]);
}

TEST_FLAGS(ratios, TEST_MAY_LEAK)
{
	unsigned cpus = test_cpus() < MOST ? test_cpus() : MOST;
	vm_address_t a = 0;

	CHECK_OK(vm_allocate(SELF, &a, sizeof *w, TRUE));
	CHECK_OK(vm_inherit(SELF, a, sizeof *w, VM_INHERIT_SHARE));
	for (vm_size_t at = 0; at < sizeof *w; at += PAGE)
		*(volatile char *)(a + at) = 0;
	w = (struct world *)a;
	for (unsigned o = 0; o < sizeof operations / sizeof operations[0]; o++) {
		mach_port_t worker[MOST], server[MOST];

		operation = &operations[o];
		for (unsigned i = 0; i < cpus; i++) {
			my_number = i;
			server[i] = MACH_PORT_NULL;
			if (operation->step == rpc) {
				mach_port_t p = test_port_with_send();

				rpc_to = BENCH_CHILD_PORT;
				server[i] = test_fork(rpc_server, (void *)BENCH_CHILD_PORT);
				worker[i] = test_fork(worker_main, NULL);
				mach_port_insert_right(worker[i], BENCH_CHILD_PORT, p, MACH_MSG_TYPE_MAKE_SEND);
				mach_port_insert_right(server[i], BENCH_CHILD_PORT, p, MACH_MSG_TYPE_MOVE_RECEIVE);
			} else {
				worker[i] = test_fork(worker_main, NULL);
			}
		}
		test_sleep(30);
		measure(cpus);
		for (unsigned i = 0; i < cpus; i++) {
			task_terminate(worker[i]);
			if (server[i])
				task_terminate(server[i]);
		}
		test_sleep(20);
	}
}
