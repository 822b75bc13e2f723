/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Two things that end the same wait, or take the same object apart, at the same moment: with the kernel's racer on, which makes processors
 * dawdle at locks and between steps, so that moments are long. Each test counts what must be the same on both sides.
 * A word "seconds=N" on the module's line sets the time of each (default 2).
 */
#include <mach/gnumach.h>
#include <mach/gsync.h>
#include "harness/test.h"

#define SELF mach_task_self()

enum { STRENGTH = 2 };

static volatile bool stop;
static volatile uint64_t sent, received, others;
static mach_port_t port, set;

static void add(volatile uint64_t *counter)
{
	__atomic_fetch_add(counter, 1, __ATOMIC_RELAXED);
}

static mach_msg_return_t receive(mach_port_t from, unsigned ms)
{
	struct { mach_msg_header_t h; char room[64]; } m;
	mach_msg_return_t mr = mach_msg_trap(&m.h, MACH_RCV_MSG | MACH_RCV_TIMEOUT, 0, sizeof m, from, ms, 0);

	if (mr == MACH_MSG_SUCCESS) {
		add(&received);
		if (m.h.msgh_remote_port != MACH_PORT_NULL)
			mach_port_deallocate(SELF, m.h.msgh_remote_port);
	} else if (mr != MACH_RCV_TIMED_OUT && mr != MACH_RCV_INTERRUPTED) {
		CHECK_EQ(mr, MACH_RCV_TIMED_OUT);
	} else {
		add(&others);
	}
	return mr;
}

static mach_msg_return_t send(unsigned ms)
{
	mach_msg_header_t h = { .msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, 0), .msgh_remote_port = port, .msgh_id = 1 };
	mach_msg_return_t mr = mach_msg_trap(&h, MACH_SEND_MSG | MACH_SEND_TIMEOUT, sizeof h, 0, 0, ms, 0);

	if (mr == MACH_MSG_SUCCESS) {
		add(&sent);
	} else if (mr == MACH_SEND_TIMED_OUT || mr == MACH_SEND_INTERRUPTED) {
		/* given back: with it a reference to the right */
		mach_port_deallocate(SELF, h.msgh_remote_port);
		add(&others);
	} else {
		CHECK_EQ(mr, MACH_SEND_TIMED_OUT);
	}
	return mr;
}

static void receiver(void *arg)
{
	uint64_t n = 0;

	while (!stop)
		receive(*(mach_port_t *)arg, 1 + n++ % 2);
}

static void sender(void *arg)
{
	unsigned ms = (unsigned)(uintptr_t)arg;

	while (!stop) {
		send(ms);
		/* about as often as the receivers' time is over */
		if (ms == 0)
			test_sleep(1);
	}
}

static void run(void (*fn)(void *), void *arg, mach_port_t *threads, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		threads[i] = test_thread(fn, arg);
}

static void finish(mach_port_t *threads, unsigned n)
{
	stop = true;
	for (unsigned i = 0; i < n; i++)
		test_thread_join(threads[i]);
}

static void begin(void)
{
	stop = false;
	sent = received = others = 0;
	port = test_port_with_send();
	CHECK_OK(mach_port_allocate(SELF, MACH_PORT_RIGHT_PORT_SET, &set));
}

/* what is still queued counts as received; then nothing may be missing and nothing too many */
static void balance(mach_port_t from)
{
	while (receive(from, 0) == MACH_MSG_SUCCESS)
		;
	CHECK_EQ(received, sent);
	test_say("# %ld messages, %ld waits ended otherwise", (int64_t)sent, (int64_t)others);
	mach_port_destroy(SELF, set);
	test_port_destroy(port);
}

/* A receiver says when it is about to wait. Every other time a message comes just then, else nothing does and its time ends: so the
   results of two waits in a row differ. */
static volatile uint64_t about;

static void announced_receiver(void *arg)
{
	while (!stop) {
		about++;
		receive(*(mach_port_t *)arg, 1);
	}
}

static void spin(unsigned n)
{
	for (volatile unsigned i = 0; i < n; i++)
		;
}

static void prompt_sender(void *arg)
{
	(void)arg;
	for (uint64_t seen = 0, now; !stop; seen = now) {
		while ((now = about) == seen && !stop)
			__asm__ volatile("pause");
		spin(now * 31 % 256);
		if (now % 2)
			send(0);
	}
}

static void time_and_message(mach_port_t *from)
{
	mach_port_t threads[2];

	test_racer(STRENGTH);
	run(announced_receiver, from, threads, 1);
	run(prompt_sender, NULL, threads + 1, 1);
	test_sleep(test_seconds(2) * 1000);
	finish(threads, 2);
	test_racer(0);
	balance(*from);
}

TEST(a_receive_ends_by_its_time_or_by_a_message)
{
	begin();
	time_and_message(&port);
}

TEST(a_receive_from_a_set_ends_by_its_time_or_by_a_message)
{
	begin();
	CHECK_OK(mach_port_move_member(SELF, port, set));
	time_and_message(&set);
}

static void slow_receiver(void *arg)
{
	(void)arg;
	while (!stop) {
		receive(port, 1);
		test_sleep(1);
	}
}

TEST(a_send_ends_by_its_time_or_by_room_in_the_queue)
{
	mach_port_t threads[4];

	begin();
	CHECK_OK(mach_port_set_qlimit(SELF, port, 1));
	test_racer(STRENGTH);
	run(slow_receiver, NULL, threads, 1);
	run(sender, (void *)1, threads + 1, 3);
	test_sleep(test_seconds(2) * 1000);
	finish(threads, 4);
	test_racer(0);
	balance(port);
}

/* breaks the waits of whom it is given */
static void breaker(void *arg)
{
	mach_port_t *victims = arg;

	for (unsigned i = 0; !stop; i++) {
		thread_abort(victims[i % 2]);
		if (i % 4 == 3)
			test_yield();
	}
}

TEST(a_wait_ends_by_an_abort_or_by_a_message)
{
	mach_port_t threads[5];

	begin();
	CHECK_OK(mach_port_set_qlimit(SELF, port, 1));
	test_racer(STRENGTH);
	run(receiver, &port, threads, 2);
	run(sender, (void *)1, threads + 2, 2);
	/* one receiver and one sender */
	run(breaker, &threads[1], threads + 4, 1);
	test_sleep(test_seconds(2) * 1000);
	finish(threads, 5);
	test_racer(0);
	balance(port);
}

static volatile unsigned word;

/* waits for the word to change, then for a message that nobody sends: only its time may end that */
static void word_waiter(void *arg)
{
	while (!stop) {
		gsync_wait(SELF, (vm_address_t)(uintptr_t)&word, word, 0, 1, GSYNC_TIMED);
		CHECK_EQ(receive(*(mach_port_t *)arg, 1), MACH_RCV_TIMED_OUT);
	}
}

static void word_changer(void *arg)
{
	(void)arg;
	while (!stop) {
		word++;
		gsync_wake(SELF, (vm_address_t)(uintptr_t)&word, 0, GSYNC_BROADCAST);
	}
}

TEST(a_wake_of_a_word_ends_no_later_wait)
{
	mach_port_t threads[3];

	begin();
	test_racer(STRENGTH);
	run(word_waiter, (void *)&port, threads, 2);
	run(word_changer, NULL, threads + 2, 1);
	test_sleep(test_seconds(2) * 1000);
	test_racer(0);
	finish(threads, 3);
	balance(port);
}

/* --- threads and tasks taken apart while others work on them --- */

static mach_port_t victim;
static volatile bool victim_ready;

static void idle_life(void *arg)
{
	(void)arg;
	for (;;)
		receive(port, 1);
}

/* meddlers at work: a name is given up only when nobody uses it */
static volatile unsigned inside;

static void meddle_while(void (*what)(mach_port_t, unsigned), unsigned i)
{
	for (; !stop; i++) {
		__atomic_fetch_add(&inside, 1, __ATOMIC_SEQ_CST);
		if (victim_ready)
			what(victim, i);
		__atomic_fetch_sub(&inside, 1, __ATOMIC_SEQ_CST);
		if (!victim_ready)
			test_yield();
	}
}

/* everything a holder of a thread's port can ask for; all but success may come, as the thread goes */
static void meddle(mach_port_t thread, unsigned what)
{
	struct thread_basic_info info;
	mach_msg_type_number_t count = THREAD_BASIC_INFO_COUNT;
	mach_port_t p = MACH_PORT_NULL;

	switch (what % 7) {
	case 0:
		thread_suspend(thread);
		break;
	case 1:
		thread_resume(thread);
		break;
	case 2:
		thread_abort(thread);
		break;
	case 3:
		thread_info(thread, THREAD_BASIC_INFO, (thread_info_t)&info, &count);
		break;
	case 4:
		if (thread_get_special_port(thread, THREAD_KERNEL_PORT, &p) == KERN_SUCCESS)
			mach_port_deallocate(SELF, p);
		break;
	case 5:
		thread_depress_abort(thread);
		break;
	case 6:
		thread_set_special_port(thread, THREAD_EXCEPTION_PORT, MACH_PORT_NULL);
		break;
	}
}

static void meddler(void *arg)
{
	meddle_while(meddle, (unsigned)(uintptr_t)arg);
}

/* => it has ended, and no meddler uses its name */
static void rest_of(mach_port_t name)
{
	__atomic_store_n(&victim_ready, false, __ATOMIC_SEQ_CST);
	while (__atomic_load_n(&inside, __ATOMIC_SEQ_CST) != 0)
		test_sleep(1);
	for (int i = 0; i < 5000 && !(test_type(name) & MACH_PORT_TYPE_DEAD_NAME); i++)
		test_sleep(1);
	CHECK(test_type(name) & MACH_PORT_TYPE_DEAD_NAME);
}

TEST(a_thread_ends_while_others_stop_it_start_it_and_ask_for_it)
{
	mach_port_t threads[2];
	unsigned n = 0;

	begin();
	run(meddler, (void *)0, threads, 1);
	run(meddler, (void *)3, threads + 1, 1);
	test_racer(STRENGTH);
	for (unsigned ms = 0; ms < test_seconds(2) * 1000; ms += 20, n++) {
		victim = test_thread(idle_life, NULL);
		if (n % 2) {		/* at its clean point it is ended by who ends it */
			CHECK_OK(thread_suspend(victim));
			CHECK_OK(thread_abort(victim));
		}
		victim_ready = true;
		test_sleep(5);
		CHECK_OK(thread_terminate(victim));
		rest_of(victim);
		test_thread_join(victim);
	}
	test_racer(0);
	finish(threads, 2);
	test_say("# %d threads", n);
	while (receive(port, 0) == MACH_MSG_SUCCESS)
		;
	mach_port_destroy(SELF, set);
	test_port_destroy(port);
}

static void busy_child(void *arg)
{
	(void)arg;
	for (;;) {
		vm_address_t a = 0;
		mach_port_t p;

		if (vm_allocate(SELF, &a, 8 * 4096, TRUE) == KERN_SUCCESS) {
			*(volatile char *)a = 1;
			vm_deallocate(SELF, a, 8 * 4096);
		}
		if (mach_port_allocate(SELF, MACH_PORT_RIGHT_RECEIVE, &p) == KERN_SUCCESS)
			mach_port_destroy(SELF, p);
	}
}

static void meddle_task(mach_port_t task, unsigned what)
{
	mach_port_t p = MACH_PORT_NULL;
	vm_address_t a = 0;
	vm_offset_t data;
	mach_msg_type_number_t n;

	switch (what % 7) {
	case 0:
		task_suspend(task);
		break;
	case 1:
		task_resume(task);
		break;
	case 2:
		if (thread_create(task, &p) == KERN_SUCCESS) {
			thread_terminate(p);
			mach_port_deallocate(SELF, p);
		}
		break;
	case 3:
		vm_allocate(task, &a, 3 * 4096, TRUE);
		break;
	case 4:
		if (vm_read(task, (vm_address_t)&received & ~4095ul, 4096, &data, &n) == KERN_SUCCESS)
			vm_deallocate(SELF, data, n);
		break;
	case 5:
		mach_port_insert_right(task, 200 + what % 64, port, MACH_MSG_TYPE_MAKE_SEND);
		break;
	case 6:
		if (task_create(task, TRUE, &p) == KERN_SUCCESS) {
			task_terminate(p);
			mach_port_deallocate(SELF, p);
		}
		break;
	}
}

static void task_meddler(void *arg)
{
	meddle_while(meddle_task, (unsigned)(uintptr_t)arg);
}

TEST(a_task_ends_while_others_stop_it_fill_it_and_copy_it)
{
	mach_port_t threads[2];
	unsigned n = 0;

	begin();
	run(task_meddler, (void *)0, threads, 1);
	run(task_meddler, (void *)4, threads + 1, 1);
	test_racer(STRENGTH);
	for (unsigned ms = 0; ms < test_seconds(2) * 1000; ms += 40, n++) {
		victim = test_fork(busy_child, NULL);
		victim_ready = true;
		test_sleep(10);
		CHECK_OK(task_terminate(victim));
		rest_of(victim);
		mach_port_destroy(SELF, victim);
	}
	test_racer(0);
	finish(threads, 2);
	test_say("# %d tasks", n);
	mach_port_destroy(SELF, set);
	test_port_destroy(port);
}
