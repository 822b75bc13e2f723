/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Blocking and waking.
 *
 * A wait begins when thread_will_wait sets TH_WAIT and ends when one waker (thread_go, time-out, interrupt)
 * clears it under the thread lock: exactly one wins, whichever CPU the thread is still on. A thread keeps TH_RUN
 * until the CPU has left it for another one (thread_dispatch in switch.c), so a waker on a second CPU
 * that comes in between only clears TH_WAIT and the first CPU makes the thread runnable again: nobody runs a
 * thread whose context is not saved yet.
 *
 * A thread asked to stop (TH_SUSP) which is woken from a wait with a continuation stays off the run queues until it is
 * resumed: such a wait holds nothing others need, and the state others see stays put.
 *
 * LOCKS   bucket lock before thread lock; both with interrupts off.
 */
#include <debug/lockdep.h>
#include <debug/racer.h>
#include <debug/trace.h>
#include <kern/panic.h>
#include <kern/sched.h>
#include <kern/switch.h>
#include <kern/thread.h>
#include <machine/cpu.h>

#define WAIT_BUCKETS	256
#define WAKE_BATCH	8

static const struct lock_class bucket_class = { "wait bucket", LOCK_RANK_WAIT_HASH, LOCK_CLASS_IRQ };

static struct wait_bucket {
	struct spinlock	 wb_lock;
	struct queue	 wb_threads;	/* by th_wait_link */
	uint32_t	 wb_next;	/* th_wait_number of who comes next */
} __attribute__((aligned(64))) wait_buckets[WAIT_BUCKETS];

void
wait_init(void)
{
	for (unsigned i = 0; i < WAIT_BUCKETS; i++) {
		spin_lock_init(&wait_buckets[i].wb_lock, &bucket_class);
		queue_init(&wait_buckets[i].wb_threads);
	}
}

static struct wait_bucket *
bucket_of(const void *event)
{
	uint64_t h = (uintptr_t)event * 0x9e3779b97f4a7c15ull;

	return &wait_buckets[h >> 56];
}

void
thread_will_wait(bool interruptible, uint64_t deadline)
{
	struct thread *t = current_thread();
	unsigned long flags = spin_lock_irq(&t->th_lock);

	KASSERT(!(t->th_state & TH_WAIT));
	if (interruptible && (t->th_ast & (AST_TERMINATE | AST_ABORT)) != 0)
		t->th_wait_result = WAIT_INTERRUPTED;
	else {
		t->th_state |= interruptible ? TH_WAIT : TH_WAIT | TH_UNINT;
		if (deadline != 0) {
			t->th_timed = true;
			timer_set(&t->th_wait_timer, deadline);
		}
	}
	spin_unlock_irq(&t->th_lock, flags);
}

/* => thread locked. false: it was not waiting (any more) */
static inline bool
wait_end(struct thread *t, enum wait_result result)
{
	if (!(t->th_state & TH_WAIT))
		return false;
	/* the waiter looks for TH_WAIT without the lock and then at the result: the result is there first */
	t->th_wait_result = result;
	race_point();
	__atomic_store_n(&t->th_state, t->th_state & ~(uint32_t)(TH_WAIT | TH_UNINT), __ATOMIC_RELEASE);
	race_point();
	if (__builtin_expect(t->th_wait_timer.tm_deadline != 0, 0)) {
		timer_cancel(&t->th_wait_timer);
		t->th_wait_timer.tm_deadline = 0;
	}
	return true;
}

/* => thread locked, not waiting, TH_RUN clear */
static void
wait_make_runnable(struct thread *t)
{
	if ((t->th_state & TH_SUSP) && t->th_continuation != NULL && !(__atomic_load_n(&t->th_ast, __ATOMIC_RELAXED) & AST_STOP_LATER))
		return;
	t->th_state |= TH_RUN;
	sched_setrun(t);
}

bool
thread_go(struct thread *t, enum wait_result result)
{
	unsigned long flags = spin_lock_irq(&t->th_lock);
	bool was_waiting = wait_end(t, result);

	if (was_waiting && !(t->th_state & TH_RUN))
		wait_make_runnable(t);
	spin_unlock_irq(&t->th_lock, flags);
	return was_waiting;
}

bool
thread_go_handoff(struct thread *t, enum wait_result result)
{
	unsigned long flags = spin_lock_irq(&t->th_lock);
	bool was_waiting = wait_end(t, result);

	if (was_waiting && !(t->th_state & TH_RUN)) {
		if (__builtin_expect(!(t->th_state & TH_SUSP) && sched_may_run_here(t), 1)) {
			t->th_state |= TH_RUN;
			current_thread()->th_handoff_to = t;
		} else
			wait_make_runnable(t);
	}
	spin_unlock_irq(&t->th_lock, flags);
	return was_waiting;
}

/* A timer that had left the heap when its wait ended finds either no wait or a later one: the later
   wait's own deadline decides */
void
thread_wait_timeout(void *arg)
{
	struct thread *t = arg;
	unsigned long flags = spin_lock_irq(&t->th_lock);
	uint64_t deadline = t->th_wait_timer.tm_deadline;

	if (deadline != 0 && __atomic_load_n(&t->th_wait_timer.tm_cpu, __ATOMIC_RELAXED) == NULL && deadline <= clock_uptime_ns()) {
		t->th_wait_timer.tm_deadline = 0;
		if (wait_end(t, WAIT_TIMED_OUT) && !(t->th_state & TH_RUN))
			wait_make_runnable(t);
	}
	spin_unlock_irq(&t->th_lock, flags);
}

bool
thread_interrupt(struct thread *t)
{
	unsigned long flags = spin_lock_irq(&t->th_lock);
	bool done = false;

	if (!(t->th_state & TH_UNINT) && wait_end(t, WAIT_INTERRUPTED)) {
		done = true;
		if (!(t->th_state & TH_RUN))
			wait_make_runnable(t);
	}
	spin_unlock_irq(&t->th_lock, flags);
	return done;
}

void
assert_wait_deadline(const void *event, bool interruptible, uint64_t deadline)
{
	struct thread *t = current_thread();
	struct wait_bucket *b = bucket_of(event);
	unsigned long flags = spin_lock_irq(&b->wb_lock);

	KASSERT(__atomic_load_n(&t->th_wait_event, __ATOMIC_RELAXED) == NULL);
	__atomic_store_n(&t->th_wait_event, event, __ATOMIC_RELAXED);
	queue_push_tail(&b->wb_threads, &t->th_wait_link);
	t->th_wait_number = b->wb_next++;
	thread_will_wait(interruptible, deadline);
	spin_unlock_irq(&b->wb_lock, flags);
}

void
assert_wait(const void *event, bool interruptible)
{
	assert_wait_deadline(event, interruptible, 0);
}

/* => bucket locked: wakes at most n of those that wait for the event and came before `end`; how many it woke */
static unsigned
wake_some(struct wait_bucket *b, const void *event, unsigned n, uint32_t end)
{
	struct queue *q, *next;
	unsigned woken = 0;

	queue_for_each_safe(q, next, &b->wb_threads) {
		struct thread *t = queue_entry(q, struct thread, th_wait_link);

		if (t->th_wait_event != event)
			continue;
		if (woken == n || (int32_t)(t->th_wait_number - end) >= 0)
			break;
		queue_remove(q);
		race_point();
		woken += thread_go(t, WAIT_AWAKENED);
		race_point();
		/* the thread looks at this without the lock: from here on its link is its own and it may wait for something else, which
		   a wake-up still to come would end */
		__atomic_store_n(&t->th_wait_event, NULL, __ATOMIC_RELEASE);
	}
	return woken;
}

/* All who wait now: a batch at a time, for there may be thousands. Who waits again meanwhile is not woken again */
void
thread_wakeup(const void *event)
{
	struct wait_bucket *b = bucket_of(event);
	unsigned long flags = spin_lock_irq(&b->wb_lock);
	uint32_t end = b->wb_next;

	while (wake_some(b, event, WAKE_BATCH, end) == WAKE_BATCH) {
		spin_unlock_irq(&b->wb_lock, flags);
		flags = spin_lock_irq(&b->wb_lock);
	}
	spin_unlock_irq(&b->wb_lock, flags);
}

void
thread_wakeup_one(const void *event)
{
	struct wait_bucket *b = bucket_of(event);
	unsigned long flags = spin_lock_irq(&b->wb_lock);

	wake_some(b, event, 1, b->wb_next);
	spin_unlock_irq(&b->wb_lock, flags);
}

void
wait_event_clear_slow(struct thread *t)
{
	const void *event = __atomic_load_n(&t->th_wait_event, __ATOMIC_RELAXED);
	struct wait_bucket *b;
	unsigned long flags;

	if (event == NULL)
		return;
	b = bucket_of(event);
	flags = spin_lock_irq(&b->wb_lock);
	if (t->th_wait_event != NULL) {
		queue_remove(&t->th_wait_link);
		__atomic_store_n(&t->th_wait_event, NULL, __ATOMIC_RELEASE);
	}
	spin_unlock_irq(&b->wb_lock, flags);
}

void
thread_wait_cancel(void)
{
	struct thread *t = current_thread();
	unsigned long flags = spin_lock_irq(&t->th_lock);

	wait_end(t, WAIT_AWAKENED);
	spin_unlock_irq(&t->th_lock, flags);
	wait_event_clear(t);
}
