/* SPDX-License-Identifier: BSD-2-Clause */
/* C Threads and libmach's own helpers. Threads here are C Threads only: test_thread's have no thread data. */
#include <cthreads.h>
#include "harness/test.h"

#define THREADS	6
#define ROUNDS	2000

static struct mutex lock = MUTEX_INITIALIZER;
static struct condition turn = CONDITION_INITIALIZER;
static unsigned counter;
static int whose;

/* A joined thread has yet to leave the kernel: wait until this task has one thread again. */
static void settle(void)
{
	for (int i = 0; i < 2000; i++) {
		mach_port_t *threads;
		mach_msg_type_number_t count = 0;

		CHECK_OK(task_threads(mach_task_self(), &threads, &count));
		for (mach_msg_type_number_t t = 0; t < count; t++)
			mach_port_deallocate(mach_task_self(), threads[t]);
		vm_deallocate(mach_task_self(), (vm_address_t)threads, count * sizeof(*threads));
		if (count == 1)
			return;
		test_sleep(1);
	}
	CHECK(!"the threads end");
}

static any_t end_quietly(any_t unused)
{
	__atomic_fetch_add(&counter, 1, __ATOMIC_RELAXED);
	return unused;
}

/* The library keeps the pages of its thread structures: let it have enough before anything is counted. */
__attribute__((constructor)) static void fill_library_caches(void)
{
	cthread_t threads[40];

	for (int i = 0; i < 40; i++)
		threads[i] = cthread_fork(end_quietly, NULL);
	for (int i = 0; i < 40; i++)
		cthread_join(threads[i]);
	settle();
}

static any_t count_up(any_t times)
{
	for (uintptr_t i = 0; i < (uintptr_t)times; i++) {
		mutex_lock(&lock);
		counter = counter + 1;
		if (i % 64 == 0)
			cthread_yield();
		mutex_unlock(&lock);
	}
	return times;
}

TEST(mutex_keeps_threads_apart)
{
	cthread_t threads[THREADS];

	counter = 0;
	for (int i = 0; i < THREADS; i++)
		REQUIRE((threads[i] = cthread_fork(count_up, (any_t)ROUNDS)) != CTHREAD_NULL);
	for (int i = 0; i < THREADS; i++)
		CHECK_EQ(cthread_join(threads[i]), ROUNDS);
	settle();
	CHECK_EQ(counter, THREADS * ROUNDS);
	CHECK(mutex_try_lock(&lock));
	CHECK(!mutex_try_lock(&lock));
	mutex_unlock(&lock);
}

static any_t ping(any_t me)
{
	int self = (int)(uintptr_t)me;

	for (int i = 0; i < ROUNDS / 4; i++) {
		mutex_lock(&lock);
		while (whose != self)
			condition_wait(&turn, &lock);
		whose = !self;
		condition_signal(&turn);
		mutex_unlock(&lock);
	}
	return me;
}

TEST(condition_hands_the_turn_over)
{
	cthread_t a, b;

	whose = 0;
	a = cthread_fork(ping, (any_t)0);
	b = cthread_fork(ping, (any_t)1);
	REQUIRE(a != CTHREAD_NULL && b != CTHREAD_NULL);
	CHECK_EQ(cthread_join(a), 0);
	CHECK_EQ(cthread_join(b), 1);
	settle();
	CHECK_EQ(whose, 0);
}

static any_t wait_for_broadcast(any_t unused)
{
	mutex_lock(&lock);
	counter++;
	while (whose == 0)
		condition_wait(&turn, &lock);
	counter--;
	mutex_unlock(&lock);
	return unused;
}

TEST(broadcast_wakes_every_waiter)
{
	cthread_t threads[THREADS];

	counter = 0;
	whose = 0;
	for (int i = 0; i < THREADS; i++)
		REQUIRE((threads[i] = cthread_fork(wait_for_broadcast, NULL)) != CTHREAD_NULL);
	for (int i = 0; i < 5000 && __atomic_load_n(&counter, __ATOMIC_RELAXED) != THREADS; i++)
		test_sleep(1);
	mutex_lock(&lock);
	CHECK_EQ(counter, THREADS);
	whose = 1;
	condition_broadcast(&turn);
	mutex_unlock(&lock);
	for (int i = 0; i < THREADS; i++)
		cthread_join(threads[i]);
	settle();
	CHECK_EQ(counter, 0);
}

TEST(condition_wait_times_out)
{
	mutex_lock(&lock);
	CHECK_EQ(condition_wait_timeout(&turn, &lock, 20), KERN_TIMEDOUT);
	CHECK(mutex_held(&lock));
	mutex_unlock(&lock);
}

static any_t look_at_self(any_t out)
{
	cthread_t *slot = out;

	cthread_set_data(cthread_self(), out);
	/* a call needs a reply port of this thread's own */
	mach_port_type_t type;
	CHECK_OK(mach_port_type(mach_task_self(), mach_task_self(), &type));
	CHECK(cthread_self()->ct_reply_port != MACH_PORT_NULL);
	CHECK(cthread_data(cthread_self()) == out);
	*slot = cthread_self();
	return NULL;
}

TEST(thread_data_is_the_threads_own)
{
	cthread_t seen[THREADS], threads[THREADS];

	for (int i = 0; i < THREADS; i++)
		REQUIRE((threads[i] = cthread_fork(look_at_self, &seen[i])) != CTHREAD_NULL);
	for (int i = 0; i < THREADS; i++) {
		cthread_t thread = threads[i];

		cthread_join(thread);
		CHECK(seen[i] == thread);
	}
	settle();
}

TEST(detached_threads_vanish)
{
	int before = cthread_count();

	counter = 0;
	for (int i = 0; i < 20; i++) {
		cthread_t thread = cthread_fork(end_quietly, NULL);

		REQUIRE(thread != CTHREAD_NULL);
		cthread_detach(thread);
	}
	for (int i = 0; i < 5000 && (cthread_count() != before ||
	    __atomic_load_n(&counter, __ATOMIC_RELAXED) != 20); i++)
		test_sleep(1);
	CHECK_EQ(counter, 20);
	CHECK_EQ(cthread_count(), before);
	settle();
}

static any_t play_kernel(any_t port)
{
	struct { mach_msg_header_t h; mach_msg_type_t t; kern_return_t code; char pad[4]; } reply;
	struct test_message m;
	mach_port_t p = (mach_port_t)(uintptr_t)port;

	CHECK_OK(test_receive_wait(p, &m, 5000));
	CHECK_EQ(m.h.msgh_id, 2023);
	mig_reply_setup(&m.h, &reply.h);
	reply.code = KERN_ABORTED;
	CHECK_OK(mach_msg(&reply.h, MACH_SEND_MSG, sizeof(reply), 0, 0, 0, 0));
	return NULL;
}

TEST(shortcut_on_a_right_that_is_no_kernel_object_sends_the_message)
{
	mach_port_t p = test_port_with_send();
	cthread_t server = cthread_fork(play_kernel, (any_t)(uintptr_t)p);

	REQUIRE(server != CTHREAD_NULL);
	CHECK_EQ(vm_deallocate(p, 0x1000, 0x1000), KERN_ABORTED);
	cthread_join(server);
	settle();
	test_port_destroy(p);
}
