/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Many threads of several tasks send, receive, move rights, map, fork and die at random for a while. Seeds are fixed and
 * printed. A word "seconds=N" on the module's line sets the time (default 5); make stress uses it. "locks=1": how often each lock was
 * waited for is told at the end (make performance).
 */
#include <mach/mach_host.h>
#include "harness/test.h"

#define SELF mach_task_self()

enum { PORTS = 24, THREADS = 12 };

static mach_port_t ports[PORTS];
static volatile bool stop;
static volatile uint64_t operations;

/*
 * A worker reads names out of ports[] and gets names in messages, and uses them until its operation ends. A name destroyed meanwhile
 * may be given out again at once, for another worker's reply port, task or thread. So what is taken out of ports[] dies at once, but
 * its name is kept (a dead name) until the main thread has all workers waiting between two operations.
 */
enum { OLD_NAMES = 4096 };
static mach_port_t old_names[OLD_NAMES];
static volatile unsigned old_count;
static volatile bool pause;
static volatile unsigned paused;

static uint64_t seeds[THREADS];

/* every thread its own generator: xorshift */
static uint32_t next(uint64_t *s)
{
	*s ^= *s << 13;
	*s ^= *s >> 7;
	*s ^= *s << 17;
	return (uint32_t)(*s >> 16);
}

static void drop(struct test_message *m)
{
	mach_msg_destroy(&m->h);
}

static void send_random(uint64_t *s)
{
	struct { mach_msg_header_t h; struct port_item item; struct data_item data; } m;
	mach_port_t to = ports[next(s) % PORTS], other = ports[next(s) % PORTS];
	static const unsigned kinds[] = { MACH_MSG_TYPE_COPY_SEND, MACH_MSG_TYPE_MAKE_SEND_ONCE, MACH_MSG_TYPE_MAKE_SEND,
	    MACH_MSG_TYPE_MOVE_RECEIVE };
	vm_address_t a = 0;

	m.h = (mach_msg_header_t){ .msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, next(s) % 2 ? MACH_MSG_TYPE_MAKE_SEND_ONCE : 0) |
	    MACH_MSGH_BITS_COMPLEX, .msgh_remote_port = to, .msgh_id = (int)next(s) };
	m.h.msgh_local_port = MACH_MSGH_BITS_LOCAL(m.h.msgh_bits) ? other : MACH_PORT_NULL;
	m.item = (struct port_item){ test_type_port(kinds[next(s) % 16 == 0 ? 3 : next(s) % 3], 1), { ports[next(s) % PORTS] } };
	unsigned size = (1 + next(s) % 8) * 4096;
	m.data = (struct data_item){ test_type_ool(0, false), NULL };
	if (next(s) % 3 == 0 && vm_allocate(SELF, &a, size, TRUE) == KERN_SUCCESS) {
		*(volatile uint32_t *)a = size;
		m.data = (struct data_item){ test_type_ool(size, true), (void *)a };
	}
	switch (mach_msg(&m.h, MACH_SEND_MSG | MACH_SEND_TIMEOUT, sizeof m, 0, 0, next(s) % 3, 0)) {
	case MACH_MSG_SUCCESS:
		break;
	case MACH_SEND_TIMED_OUT:	/* given back: rights and memory like those of a message received */
		mach_msg_destroy(&m.h);
		break;
	default:			/* not taken */
		if (a)
			vm_deallocate(SELF, a, size);
	}
}

static void receive_random(uint64_t *s)
{
	struct test_message m;

	if (mach_msg(&m.h, MACH_RCV_MSG | MACH_RCV_TIMEOUT, 0, sizeof m, ports[next(s) % PORTS], next(s) % 3, 0) == MACH_MSG_SUCCESS)
		drop(&m);
}

/* keep the population of ports alive: replace what has died or been moved away, and now and then what has not */
static void renew(uint64_t *s)
{
	unsigned i = next(s) % PORTS, place;
	mach_port_t fresh = MACH_PORT_NULL;

	if ((next(s) % 4 && test_type(ports[i]) & MACH_PORT_TYPE_RECEIVE) || old_count >= OLD_NAMES - THREADS)
		return;
	if (mach_port_allocate(SELF, MACH_PORT_RIGHT_RECEIVE, &fresh) != KERN_SUCCESS)
		return;
	mach_port_insert_right(SELF, fresh, fresh, MACH_MSG_TYPE_MAKE_SEND);
	place = __atomic_fetch_add(&old_count, 1, __ATOMIC_SEQ_CST);
	old_names[place] = __atomic_exchange_n(&ports[i], fresh, __ATOMIC_SEQ_CST);
	mach_port_mod_refs(SELF, old_names[place], MACH_PORT_RIGHT_RECEIVE, -1);
}

static void memory_random(uint64_t *s)
{
	vm_address_t a = 0, b = 0;
	vm_size_t size = (1 + next(s) % 16) * 4096;

	if (vm_allocate(SELF, &a, size, TRUE) != KERN_SUCCESS)
		return;
	*(volatile char *)(a + next(s) % size) = 1;
	if (next(s) % 2 && vm_allocate(SELF, &b, size, TRUE) == KERN_SUCCESS) {
		vm_copy(SELF, a, size, b);
		*(volatile char *)(a + next(s) % size) = 2;
		*(volatile char *)(b + next(s) % size) = 3;
		vm_deallocate(SELF, b, size);
	}
	vm_deallocate(SELF, a, size);
}

static void empty_child(void *arg) { (void)arg; }

static void task_random(uint64_t *s)
{
	mach_port_t task = MACH_PORT_NULL;

	if (next(s) % 8)
		return;
	if (next(s) % 2) {
		task = test_fork(empty_child, NULL);
		if (next(s) % 2)
			task_terminate(task);
	} else if (task_create(SELF, FALSE, &task) == KERN_SUCCESS) {
		task_terminate(task);
	}
	if (task)
		mach_port_deallocate(SELF, task);
}

static void wait_while_paused(void)
{
	if (!pause)
		return;
	__atomic_fetch_add(&paused, 1, __ATOMIC_SEQ_CST);
	while (pause)
		test_sleep(1);
	__atomic_fetch_sub(&paused, 1, __ATOMIC_SEQ_CST);
}

static void worker(void *arg)
{
	uint64_t *s = &seeds[(uintptr_t)arg % 100];

	*s = 0x9e3779b97f4a7c15ull * ((uintptr_t)arg + 1);
	while (!stop) {
		switch (next(s) % 8) {
		case 0: case 1: case 2: send_random(s); break;
		case 3: case 4: receive_random(s); break;
		case 5: renew(s); break;
		case 6: memory_random(s); break;
		case 7: task_random(s); break;
		}
		__atomic_fetch_add(&operations, 1, __ATOMIC_RELAXED);
		wait_while_paused();
	}
}

/* => false: a worker does not come out of its operation */
static bool all_paused(unsigned n)
{
	for (unsigned ms = 0; ms < 30000 && paused != n; ms++)
		test_sleep(1);
	return paused == n;
}

static void destroy_old_names(void)
{
	pause = true;
	if (CHECK(all_paused(THREADS))) {
		for (unsigned i = 0; i < old_count; i++)
			mach_port_destroy(SELF, old_names[i]);
		old_count = 0;
	}
	pause = false;
	CHECK(all_paused(0));
}

/* names that rights arrived under are thrown away wholesale: the space is emptied of everything not there at the start */
TEST_FLAGS(random_load_from_many_threads, TEST_MAY_LEAK)
{
	mach_port_t threads[THREADS];
	unsigned limit = test_seconds(5);

	for (int i = 0; i < PORTS; i++)
		ports[i] = test_port_with_send();
	for (int i = 0; i < THREADS; i++)
		threads[i] = test_thread(worker, (void *)(uintptr_t)i);
	unsigned still = 0;

	for (unsigned t = 0; t < limit; t++) {
		uint64_t before = operations;

		test_sleep(1000);
		/* a busy host may stop a guest for seconds; a dead kernel stays dead */
		still = operations != before ? 0 : still + 1;
		CHECK(still != 15);
		destroy_old_names();
		if (t % 60 == 59)
			test_say("# %d s, %ld operations", (int)t + 1, (int64_t)operations);
	}
	stop = true;
	for (int i = 0; i < THREADS; i++)
		test_thread_join(threads[i]);
	for (int i = 0; i < PORTS; i++)
		mach_port_destroy(SELF, ports[i]);
	for (unsigned i = 0; i < old_count; i++)
		mach_port_destroy(SELF, old_names[i]);
	test_say("# %ld operations", (int64_t)operations);
	if (test_number("locks=", 0))
		test_say_locks();
}

static bool contains(const mach_port_t *list, unsigned n, mach_port_t port)
{
	for (unsigned i = 0; i < n; i++)
		if (list[i] == port)
			return true;
	return false;
}

/* the same load inside a task that is killed in the middle: everything it had must come back */
static void stress_child(void *arg)
{
	(void)arg;
	stop = false;
	for (int i = 0; i < PORTS; i++)
		ports[i] = test_port_with_send();
	for (int i = 0; i < THREADS; i++)
		test_thread(worker, (void *)(uintptr_t)(i + 100));
	test_sleep(100000);
}

TEST(task_killed_under_load_leaves_nothing_behind)
{
	mach_port_t name = MACH_PORT_NULL, set = MACH_PORT_NULL;
	mach_port_array_t before, after;
	mach_msg_type_number_t n, m;

	CHECK_OK(processor_set_default(mach_host_self(), &name));
	CHECK_OK(host_processor_set_priv(test_host_priv, name, &set));
	REQUIRE(processor_set_tasks(set, &before, &n) == KERN_SUCCESS);
	for (int round = 0; round < 5; round++) {
		mach_port_t task = test_fork(stress_child, NULL);

		test_sleep(150);
		CHECK_OK(task_terminate(task));
		mach_port_destroy(SELF, task);
	}
	test_sleep(100);
	/* its children live on: the one it was about to start has no thread that could ever end it */
	REQUIRE(processor_set_tasks(set, &after, &m) == KERN_SUCCESS);
	for (unsigned i = 0; i < m; i++) {
		if (!contains(before, n, after[i]))
			task_terminate(after[i]);
		mach_port_deallocate(SELF, after[i]);
	}
	for (unsigned i = 0; i < n; i++)
		mach_port_deallocate(SELF, before[i]);
	vm_deallocate(SELF, (vm_address_t)before, n * sizeof *before);
	vm_deallocate(SELF, (vm_address_t)after, m * sizeof *after);
	mach_port_deallocate(SELF, name);
	mach_port_deallocate(SELF, set);
}
