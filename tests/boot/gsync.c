/* SPDX-License-Identifier: BSD-2-Clause */
/* Waiting on words of memory: interface reference section 16. */
#include <mach/gnumach.h>
#include <mach/gsync.h>
#include <mach/mach_traps.h>
#include <mach/mach_host.h>
#include "harness/test.h"

#define SELF	mach_task_self()
#define PAGE	4096ul
#define AT(p)	((vm_address_t)(uintptr_t)(p))

enum { NOT_YET = -1, WAITERS = 4 };

/* One page for the words and results, shared with children when a test says so. */
struct shared {
	_Alignas(8) volatile unsigned word[4];
	volatile int	 result[WAITERS];
	volatile unsigned waiting, woken;
};

static struct shared *sh;

static void make_page(vm_inherit_t inherit)
{
	vm_address_t a = 0;

	CHECK_OK(vm_allocate(SELF, &a, PAGE, TRUE));
	CHECK_OK(vm_inherit(SELF, a, PAGE, inherit));
	sh = (struct shared *)a;
	for (int i = 0; i < WAITERS; i++)
		sh->result[i] = NOT_YET;
}

static void free_page(void)
{
	CHECK_OK(vm_deallocate(SELF, AT(sh), PAGE));
}

/* what each waiter does */
static struct { unsigned word, value, value2, ms; int flags; } how;

/* the message, where the library takes a trap for the caller's own task */
kern_return_t gsync_wait_rpc(mach_port_t task, vm_address_t addr, unsigned val1, unsigned val2, natural_t msec, int flags);
static bool by_message;

static void waiter(void *arg)
{
	kern_return_t (*wait)(mach_port_t, vm_address_t, unsigned, unsigned, natural_t, int) = by_message ? gsync_wait_rpc : gsync_wait;

	__atomic_fetch_add(&sh->waiting, 1, __ATOMIC_SEQ_CST);
	sh->result[(uintptr_t)arg] = wait(SELF, AT(&sh->word[how.word]), how.value, how.value2, how.ms, how.flags);
	__atomic_fetch_add(&sh->woken, 1, __ATOMIC_SEQ_CST);
}

/* n threads that wait on word w for its value 0 */
static void start_waiters(mach_port_t *t, unsigned n, unsigned w, int flags)
{
	how.word = w;
	how.value = how.value2 = 0;
	how.flags = flags;
	sh->waiting = sh->woken = 0;
	for (unsigned i = 0; i < n; i++) {
		sh->result[i] = NOT_YET;
		t[i] = test_thread(waiter, (void *)(uintptr_t)i);
	}
	while (sh->waiting != n)
		test_sleep(1);
	test_sleep(30);
	CHECK_EQ(sh->woken, 0);
}

static void join(mach_port_t *t, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		test_thread_join(t[i]);
}

static void expect_woken(unsigned n)
{
	for (int i = 0; i < 2000 && sh->woken < n; i++)
		test_sleep(1);
	test_sleep(20);
	CHECK_EQ(sh->woken, n);
}

static int64_t now_ms(void)
{
	time_value64_t t = { 0, 0 };

	CHECK_OK(host_get_uptime64(mach_host_self(), &t));
	return t.seconds * 1000 + t.nanoseconds / 1000000;
}

TEST(another_value_is_refused)
{
	make_page(VM_INHERIT_COPY);
	CHECK_EQ(gsync_wait(SELF, AT(&sh->word[0]), 1, 0, 0, 0), KERN_INVALID_ARGUMENT);
	CHECK_EQ(gsync_wait(SELF, AT(&sh->word[0]), 1, 0, 1000, GSYNC_TIMED), KERN_INVALID_ARGUMENT);
	CHECK_EQ(gsync_wait(SELF, AT(&sh->word[0]), 1, 0, 0, GSYNC_SHARED), KERN_INVALID_ARGUMENT);
	free_page();
}

TEST(address_must_be_aligned_and_mapped)
{
	vm_address_t gone;

	make_page(VM_INHERIT_COPY);
	CHECK_EQ(gsync_wait(SELF, AT(sh) + 1, 0, 0, 10, GSYNC_TIMED), KERN_INVALID_ADDRESS);
	CHECK_EQ(gsync_wait(SELF, AT(sh) + 2, 0, 0, 10, GSYNC_TIMED), KERN_INVALID_ADDRESS);
	CHECK_EQ(gsync_wait(SELF, 0xffff800000000000, 0, 0, 10, GSYNC_TIMED), KERN_INVALID_ADDRESS);
	/* the second word is beyond the end of what is mapped, if the next page is not */
	gone = AT(sh);
	free_page();
	CHECK_EQ(gsync_wait(SELF, gone, 0, 0, 10, GSYNC_TIMED), KERN_INVALID_ADDRESS);
	CHECK_EQ(gsync_wait(SELF, gone, 0, 0, 10, GSYNC_TIMED | GSYNC_SHARED), KERN_INVALID_ADDRESS);
}

TEST(wait_ends_with_its_time)
{
	int64_t start = now_ms(), took;

	make_page(VM_INHERIT_COPY);
	CHECK_EQ(gsync_wait(SELF, AT(&sh->word[0]), 0, 0, 50, GSYNC_TIMED), KERN_TIMEDOUT);
	took = now_ms() - start;
	CHECK(took >= 49);
	CHECK(took < 2000);
	CHECK_EQ(gsync_wait(SELF, AT(&sh->word[0]), 0, 0, 0, GSYNC_TIMED), KERN_TIMEDOUT);
	CHECK_EQ(gsync_wait(SELF, AT(&sh->word[0]), 0, 0, 1, GSYNC_TIMED | GSYNC_SHARED), KERN_TIMEDOUT);
	free_page();
}

TEST(wake_releases_one_waiter_at_a_time)
{
	mach_port_t t[3];

	make_page(VM_INHERIT_COPY);
	start_waiters(t, 3, 0, 0);
	for (unsigned n = 1; n <= 3; n++) {
		CHECK_OK(gsync_wake(SELF, AT(&sh->word[0]), 0, 0));
		expect_woken(n);
	}
	join(t, 3);
	for (int i = 0; i < 3; i++)
		CHECK_EQ(sh->result[i], KERN_SUCCESS);
	free_page();
}

TEST(broadcast_releases_all)
{
	mach_port_t t[WAITERS];

	make_page(VM_INHERIT_COPY);
	start_waiters(t, WAITERS, 0, 0);
	CHECK_OK(gsync_wake(SELF, AT(&sh->word[0]), 0, GSYNC_BROADCAST));
	expect_woken(WAITERS);
	join(t, WAITERS);
	for (int i = 0; i < WAITERS; i++)
		CHECK_EQ(sh->result[i], KERN_SUCCESS);
	free_page();
}

TEST(wake_without_waiters_is_not_remembered)
{
	make_page(VM_INHERIT_COPY);
	CHECK_OK(gsync_wake(SELF, AT(&sh->word[0]), 0, 0));
	CHECK_OK(gsync_wake(SELF, AT(&sh->word[0]), 0, GSYNC_BROADCAST));
	CHECK_EQ(gsync_wait(SELF, AT(&sh->word[0]), 0, 0, 20, GSYNC_TIMED), KERN_TIMEDOUT);
	free_page();
}

TEST(wake_of_another_word_or_kind_of_key_releases_nobody)
{
	mach_port_t t[1];

	make_page(VM_INHERIT_COPY);
	start_waiters(t, 1, 0, 0);
	CHECK_OK(gsync_wake(SELF, AT(&sh->word[1]), 0, GSYNC_BROADCAST));
	CHECK_OK(gsync_wake(SELF, AT(&sh->word[0]), 0, GSYNC_BROADCAST | GSYNC_SHARED));
	test_sleep(30);
	CHECK_EQ(sh->woken, 0);
	CHECK_OK(gsync_wake(SELF, AT(&sh->word[0]), 0, 0));
	expect_woken(1);
	join(t, 1);
	free_page();
}

TEST(mutate_stores_before_it_wakes)
{
	mach_port_t t[1];

	make_page(VM_INHERIT_COPY);
	CHECK_OK(gsync_wake(SELF, AT(&sh->word[0]), 77, 0));
	CHECK_EQ(sh->word[0], 0);
	start_waiters(t, 1, 0, 0);
	CHECK_OK(gsync_wake(SELF, AT(&sh->word[0]), 77, GSYNC_MUTATE));
	expect_woken(1);
	CHECK_EQ(sh->word[0], 77);
	CHECK_EQ(sh->word[1], 0);
	join(t, 1);
	CHECK_OK(gsync_wake(SELF, AT(&sh->word[0]), 78, GSYNC_MUTATE | GSYNC_BROADCAST));
	CHECK_EQ(gsync_wait(SELF, AT(&sh->word[0]), 0, 0, 0, 0), KERN_INVALID_ARGUMENT);	/* the message has no answer, this has */
	CHECK_EQ(sh->word[0], 78);	/* without waiters too */
	free_page();
}

TEST(mutate_does_not_write_what_is_read_only)
{
	make_page(VM_INHERIT_COPY);
	sh->word[0] = 5;
	CHECK_OK(vm_protect(SELF, AT(sh), PAGE, FALSE, VM_PROT_READ));
	gsync_wake(SELF, AT(&sh->word[0]), 6, GSYNC_MUTATE);
	CHECK_EQ(sh->word[0], 5);
	CHECK_EQ(gsync_wait(SELF, AT(&sh->word[0]), 5, 0, 10, GSYNC_TIMED), KERN_TIMEDOUT);	/* reading is enough */
	free_page();
}

TEST(quad_compares_both_words)
{
	mach_port_t t[1];

	make_page(VM_INHERIT_COPY);
	sh->word[0] = 1;
	sh->word[1] = 2;
	CHECK_EQ(gsync_wait(SELF, AT(&sh->word[0]), 1, 3, 10, GSYNC_TIMED | GSYNC_QUAD), KERN_INVALID_ARGUMENT);
	CHECK_EQ(gsync_wait(SELF, AT(&sh->word[0]), 3, 2, 10, GSYNC_TIMED | GSYNC_QUAD), KERN_INVALID_ARGUMENT);
	CHECK_EQ(gsync_wait(SELF, AT(&sh->word[0]), 1, 2, 10, GSYNC_TIMED | GSYNC_QUAD), KERN_TIMEDOUT);
	/* without the flag val2 does not count */
	CHECK_EQ(gsync_wait(SELF, AT(&sh->word[0]), 1, 3, 10, GSYNC_TIMED), KERN_TIMEDOUT);
	sh->word[0] = sh->word[1] = 0;
	start_waiters(t, 1, 0, GSYNC_QUAD);
	CHECK_OK(gsync_wake(SELF, AT(&sh->word[0]), 0, 0));
	expect_woken(1);
	join(t, 1);
	free_page();
}

/* --- requeue --- */

TEST(requeue_moves_one)
{
	mach_port_t t[3];

	make_page(VM_INHERIT_COPY);
	start_waiters(t, 3, 0, 0);
	CHECK_OK(gsync_requeue(SELF, AT(&sh->word[0]), AT(&sh->word[2]), FALSE, 0));
	test_sleep(20);
	CHECK_EQ(sh->woken, 0);
	CHECK_OK(gsync_wake(SELF, AT(&sh->word[2]), 0, GSYNC_BROADCAST));
	expect_woken(1);
	CHECK_OK(gsync_wake(SELF, AT(&sh->word[0]), 0, GSYNC_BROADCAST));
	expect_woken(3);
	join(t, 3);
	free_page();
}

TEST(requeue_moves_all_and_wakes_one)
{
	mach_port_t t[WAITERS];

	make_page(VM_INHERIT_COPY);
	start_waiters(t, WAITERS, 0, 0);
	CHECK_OK(gsync_requeue(SELF, AT(&sh->word[0]), AT(&sh->word[2]), TRUE, GSYNC_BROADCAST));
	expect_woken(1);
	CHECK_OK(gsync_wake(SELF, AT(&sh->word[0]), 0, GSYNC_BROADCAST));	/* nobody is left there */
	expect_woken(1);
	CHECK_OK(gsync_wake(SELF, AT(&sh->word[2]), 0, 0));
	expect_woken(2);
	CHECK_OK(gsync_wake(SELF, AT(&sh->word[2]), 0, GSYNC_BROADCAST));
	expect_woken(WAITERS);
	join(t, WAITERS);
	for (int i = 0; i < WAITERS; i++)
		CHECK_EQ(sh->result[i], KERN_SUCCESS);
	free_page();
}

TEST(requeue_to_nowhere_or_to_itself_moves_nobody)
{
	mach_port_t t[2];

	make_page(VM_INHERIT_COPY);
	start_waiters(t, 2, 0, 0);
	gsync_requeue(SELF, AT(&sh->word[0]), 0xffff800000000000, FALSE, GSYNC_BROADCAST);
	gsync_requeue(SELF, AT(&sh->word[0]), AT(&sh->word[0]), FALSE, GSYNC_BROADCAST);
	gsync_requeue(SELF, 3, AT(&sh->word[0]), TRUE, GSYNC_BROADCAST);
	test_sleep(20);
	CHECK_EQ(sh->woken, 0);
	CHECK_OK(gsync_wake(SELF, AT(&sh->word[0]), 0, GSYNC_BROADCAST));
	expect_woken(2);
	join(t, 2);
	free_page();
}

TEST(moved_waiter_still_times_out)
{
	mach_port_t t[1];

	make_page(VM_INHERIT_COPY);
	how.ms = 150;
	start_waiters(t, 1, 0, GSYNC_TIMED);
	CHECK_OK(gsync_requeue(SELF, AT(&sh->word[0]), AT(&sh->word[2]), FALSE, 0));
	expect_woken(1);
	CHECK_EQ(sh->result[0], KERN_TIMEDOUT);
	join(t, 1);
	free_page();
}

/* --- the end of waiters --- */

/* an abort breaks the wait for the answer, not what another task does meanwhile */
TEST_FLAGS(aborted_waiter_is_told_so, TEST_LOCAL)
{
	mach_port_t t[1];

	make_page(VM_INHERIT_COPY);
	start_waiters(t, 1, 0, 0);
	CHECK_OK(thread_abort(t[0]));
	expect_woken(1);
	CHECK_EQ(sh->result[0], KERN_INTERRUPTED);
	join(t, 1);
	free_page();
}

TEST_FLAGS(aborted_waiter_by_message_is_told_so, TEST_LOCAL)
{
	mach_port_t t[1];

	make_page(VM_INHERIT_COPY);
	by_message = true;
	start_waiters(t, 1, 0, 0);
	CHECK_OK(thread_abort(t[0]));
	expect_woken(1);
	CHECK_EQ(sh->result[0], KERN_INTERRUPTED);
	join(t, 1);
	by_message = false;
	free_page();
}

TEST(suspended_waiter_is_woken_but_runs_later)
{
	mach_port_t t[1];

	make_page(VM_INHERIT_COPY);
	start_waiters(t, 1, 0, 0);
	CHECK_OK(thread_suspend(t[0]));
	CHECK_OK(gsync_wake(SELF, AT(&sh->word[0]), 0, 0));
	test_sleep(30);
	CHECK_EQ(sh->woken, 0);
	CHECK_OK(thread_resume(t[0]));
	expect_woken(1);
	CHECK_EQ(sh->result[0], KERN_SUCCESS);
	join(t, 1);
	free_page();
}

/* --- several tasks --- */

static void child_waits(void *arg)
{
	waiter(arg);
}

static mach_port_t start_child(int flags)
{
	mach_port_t task;

	how.word = how.value = how.value2 = how.ms = 0;
	how.flags = flags;
	sh->waiting = sh->woken = 0;
	sh->result[0] = NOT_YET;
	task = test_fork(child_waits, NULL);
	for (int i = 0; i < 2000 && sh->waiting != 1; i++)
		test_sleep(1);
	test_sleep(30);
	return task;
}

static void end_child(mach_port_t task)
{
	CHECK_OK(task_terminate(task));
	mach_port_destroy(SELF, task);
}

TEST(shared_key_works_across_tasks)
{
	mach_port_t task;

	make_page(VM_INHERIT_SHARE);
	task = start_child(GSYNC_SHARED);
	CHECK_EQ(sh->woken, 0);
	CHECK_OK(gsync_wake(SELF, AT(&sh->word[0]), 9, GSYNC_SHARED | GSYNC_MUTATE));
	expect_woken(1);
	CHECK_EQ(sh->result[0], KERN_SUCCESS);
	CHECK_EQ(sh->word[0], 9);
	mach_port_destroy(SELF, task);
	free_page();
}

TEST(private_key_belongs_to_its_task)
{
	mach_port_t task;

	make_page(VM_INHERIT_SHARE);
	task = start_child(0);
	CHECK_OK(gsync_wake(SELF, AT(&sh->word[0]), 0, GSYNC_BROADCAST));
	test_sleep(30);
	CHECK_EQ(sh->woken, 0);
	/* by its own task's port it is reached from here */
	CHECK_OK(gsync_wake(task, AT(&sh->word[0]), 0, 0));
	expect_woken(1);
	CHECK_EQ(sh->result[0], KERN_SUCCESS);
	mach_port_destroy(SELF, task);
	free_page();
}

TEST(copied_memory_is_another_shared_key)
{
	mach_port_t task;
	struct shared *results;

	/* results in a shared page; the word waited on in one that the child has a copy of */
	make_page(VM_INHERIT_SHARE);
	results = sh;
	vm_address_t a = 0;
	CHECK_OK(vm_allocate(SELF, &a, PAGE, TRUE));
	*(volatile unsigned *)a = 0;
	sh = results;
	sh->waiting = sh->woken = 0;
	how.word = (unsigned)((a - AT(&sh->word[0])) / sizeof(unsigned));
	how.value = how.value2 = 0;
	how.ms = 200;
	how.flags = GSYNC_SHARED | GSYNC_TIMED;
	task = test_fork(child_waits, NULL);
	for (int i = 0; i < 2000 && sh->waiting != 1; i++)
		test_sleep(1);
	test_sleep(30);
	CHECK_OK(gsync_wake(SELF, a, 0, GSYNC_SHARED | GSYNC_BROADCAST));
	expect_woken(1);
	CHECK_EQ(sh->result[0], KERN_TIMEDOUT);
	CHECK_OK(vm_deallocate(SELF, a, PAGE));
	mach_port_destroy(SELF, task);
	free_page();
}

TEST(task_killed_while_it_waits_is_gone)
{
	mach_port_t task;

	make_page(VM_INHERIT_SHARE);
	task = start_child(GSYNC_SHARED);
	end_child(task);
	CHECK_OK(gsync_wake(SELF, AT(&sh->word[0]), 0, GSYNC_SHARED | GSYNC_BROADCAST));
	test_sleep(10);
	CHECK_EQ(sh->woken, 0);
	free_page();
}

TEST(waiter_terminated_while_it_waits_is_gone)
{
	mach_port_t task;
	thread_array_t list;
	mach_msg_type_number_t n = 0;

	make_page(VM_INHERIT_SHARE);
	task = start_child(GSYNC_SHARED);
	CHECK_OK(task_threads(task, &list, &n));
	CHECK_EQ(n, 1);
	CHECK_OK(thread_terminate(list[0]));
	mach_port_destroy(SELF, list[0]);
	CHECK_OK(vm_deallocate(SELF, AT(list), n * sizeof *list));
	CHECK_OK(gsync_wake(SELF, AT(&sh->word[0]), 0, GSYNC_SHARED | GSYNC_BROADCAST));
	test_sleep(10);
	CHECK_EQ(sh->woken, 0);
	end_child(task);
	free_page();
}

TEST(wait_on_the_memory_of_another_task)
{
	mach_port_t task;
	vm_address_t a = 0;

	CHECK_OK(task_create(SELF, FALSE, &task));
	CHECK_OK(vm_allocate(task, &a, PAGE, TRUE));
	CHECK_EQ(gsync_wait(task, a, 1, 0, 20, GSYNC_TIMED), KERN_INVALID_ARGUMENT);
	CHECK_EQ(gsync_wait(task, a, 0, 0, 20, GSYNC_TIMED), KERN_TIMEDOUT);
	CHECK_OK(gsync_wake(task, a, 1, GSYNC_MUTATE));
	CHECK_EQ(gsync_wait(task, a, 0, 0, 20, GSYNC_TIMED), KERN_INVALID_ARGUMENT);
	CHECK_OK(task_terminate(task));
	CHECK(gsync_wait(task, a, 0, 0, 20, GSYNC_TIMED) != KERN_SUCCESS);
	mach_port_deallocate(SELF, task);
}

/* --- as programs use it: a lock and a counter --- */

static volatile unsigned lock_word;	/* 0 free, 1 held, 2 held and waited for */
static volatile unsigned long counted;

static void lock(void)
{
	unsigned none = 0;

	if (__atomic_compare_exchange_n(&lock_word, &none, 1, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
		return;
	while (__atomic_exchange_n(&lock_word, 2, __ATOMIC_ACQUIRE) != 0)
		gsync_wait(SELF, AT(&lock_word), 2, 0, 0, 0);
}

static void unlock(void)
{
	if (__atomic_exchange_n(&lock_word, 0, __ATOMIC_RELEASE) == 2)
		gsync_wake(SELF, AT(&lock_word), 0, 0);
}

static void count(void *arg)
{
	(void)arg;
	for (int i = 0; i < 2000; i++) {
		lock();
		unsigned long v = counted;
		for (volatile int k = 0; k < 20; k++)
			;
		counted = v + 1;
		unlock();
	}
}

TEST(lock_made_of_it_excludes_and_loses_no_wakeup)
{
	mach_port_t t[6];

	counted = lock_word = 0;
	for (int i = 0; i < 6; i++)
		t[i] = test_thread(count, NULL);
	join(t, 6);
	CHECK_EQ(counted, 12000);
}

/* The traps: the own task only, and the number of those woken */

static void trap_waiter(void *arg)
{
	__atomic_fetch_add(&sh->waiting, 1, __ATOMIC_SEQ_CST);
	sh->result[(uintptr_t)arg] = gsync_wait_self(AT(&sh->word[0]), 0, 0, 0, 0);
	__atomic_fetch_add(&sh->woken, 1, __ATOMIC_SEQ_CST);
}

TEST(trap_wakes_so_many_and_says_how_many)
{
	mach_port_t t[WAITERS];
	int woken = 0;

	make_page(VM_INHERIT_COPY);
	for (uintptr_t i = 0; i < WAITERS; i++)
		t[i] = test_thread(trap_waiter, (void *)i);
	while (sh->waiting != WAITERS)
		test_sleep(1);
	test_sleep(20);
	CHECK_EQ(gsync_wake_self(AT(&sh->word[1]), 10, 0), 0);
	CHECK_EQ(gsync_wake_self(AT(&sh->word[0]), 0, 0), 0);
	CHECK_EQ(gsync_wake_self(AT(&sh->word[0]), 2, 0), 2);
	expect_woken(2);
	/* the message wakes them as well: it is the same queue */
	CHECK_OK(gsync_wake(SELF, AT(&sh->word[0]), 0, 0));
	expect_woken(3);
	woken = gsync_wake_self(AT(&sh->word[0]), ~0u, 0);
	CHECK_EQ(woken, 1);
	join(t, WAITERS);
	for (int i = 0; i < WAITERS; i++)
		CHECK_EQ(sh->result[i], KERN_SUCCESS);
	free_page();
}

TEST(trap_refuses_what_the_message_refuses)
{
	make_page(VM_INHERIT_COPY);
	CHECK_EQ(gsync_wait_self(AT(&sh->word[0]), 1, 0, 0, 0), KERN_INVALID_ARGUMENT);
	CHECK_EQ(gsync_wait_self(AT(&sh->word[0]), 0, 0, 5, GSYNC_TIMED), KERN_TIMEDOUT);
	CHECK_EQ(gsync_wait_self(AT(&sh->word[0]) + 2, 0, 0, 5, GSYNC_TIMED), KERN_INVALID_ADDRESS);
	CHECK_EQ(gsync_wait_self(8, 0, 0, 5, GSYNC_TIMED), KERN_INVALID_ADDRESS);
	CHECK_EQ(gsync_wait_self(~7ul, 0, 0, 5, GSYNC_TIMED), KERN_INVALID_ADDRESS);
	CHECK_EQ(gsync_wake_self(8, 1, 0), -KERN_INVALID_ADDRESS);
	CHECK_EQ(gsync_wake_self(~7ul, 1, GSYNC_SHARED), -KERN_INVALID_ADDRESS);
	CHECK_EQ(gsync_wake_self(AT(&sh->word[0]) + 1, 1, 0), -KERN_INVALID_ADDRESS);
	free_page();
}
