/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Spin locks, sleeping mutexes, sleeping reader/writer locks.
 *
 * A spin lock is one word, test and test-and-set: holders are short by rule (LOCKING.md) and the word fits
 * every object. In debug builds it holds the owner's CPU + 1, which tells who spins on whom; in others 1.
 * A mutex is its owner pointer; the low bit says that somebody sleeps, so both paths are one
 * compare-and-swap when there is no contention.
 */
#include <debug/lockdep.h>
#include <debug/racer.h>
#include <kern/lock.h>
#include <kern/panic.h>
#include <kern/thread.h>
#include <kern/wait.h>
#include <machine/cpu.h>

#define SPIN_REPORT	(1u << 27)	/* pauses before a report: some seconds */

void
spin_lock_init(struct spinlock *l, const struct lock_class *class)
{
	l->sl_word = 0;
#ifdef DEBUG
	l->sl_class = class;
	l->sl_pc = 0;
#else
	(void)class;
#endif
}

static bool
spin_try(struct spinlock *l)
{
#ifdef DEBUG
	uint32_t none = 0;

	return __atomic_compare_exchange_n(&l->sl_word, &none, cpu_self()->cp_id + 1, false,
	    __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
#else
	return machine_spin_try(&l->sl_word);	/* the quick ways look at one bit only: nobody may write another number */
#endif
}

static void __attribute__((noinline))
spin_slow(struct spinlock *l, uintptr_t pc)
{
	uint32_t spins = 0;

	do {
		while (__atomic_load_n(&l->sl_word, __ATOMIC_RELAXED) != 0) {
			cpu_pause();
			if (++spins == SPIN_REPORT)
				lockdep_spin_report(l, pc);
		}
	} while (!spin_try(l));
	lockdep_contended(l, pc, spins);
}

bool
spin_trylock(struct spinlock *l)
{
	preempt_disable();
	race_point();
	if (!spin_try(l)) {
		preempt_enable_no_resched();
		return false;
	}
	lockdep_after_spin(l, (uintptr_t)__builtin_return_address(0));
	return true;
}

#ifdef DEBUG

static void
spin_acquire(struct spinlock *l, uintptr_t pc)
{
	lockdep_before_spin(l, pc);
	race_point();
	if (!spin_try(l))
		spin_slow(l, pc);
	lockdep_after_spin(l, pc);
}

void
spin_lock(struct spinlock *l)
{
	preempt_disable();
	spin_acquire(l, (uintptr_t)__builtin_return_address(0));
}

void
spin_unlock(struct spinlock *l)
{
	lockdep_unlock_spin(l);
	__atomic_store_n(&l->sl_word, 0, __ATOMIC_RELEASE);
	race_unlocked();
	preempt_enable();
}

unsigned long
spin_lock_irq(struct spinlock *l)
{
	unsigned long flags = interrupts_disable();

	preempt_disable();
	spin_acquire(l, (uintptr_t)__builtin_return_address(0));
	return flags;
}

void
spin_unlock_irq(struct spinlock *l, unsigned long flags)
{
	lockdep_unlock_spin(l);
	__atomic_store_n(&l->sl_word, 0, __ATOMIC_RELEASE);
	race_unlocked();
	preempt_enable_no_resched();
	if (flags != 0) {
		interrupts_restore(flags);
		preempt_check();
	}
}

bool
spin_is_held(const struct spinlock *l)
{
	return __atomic_load_n(&l->sl_word, __ATOMIC_RELAXED) == cpu_self()->cp_id + 1;
}

#else

void
spin_lock_contended(struct spinlock *l)
{
	spin_slow(l, 0);
}

#endif

/* --- mutex --- */

#define MUTEX_WAITERS	1ul

void
mutex_init(struct mutex *m, const struct lock_class *class)
{
	m->mx_owner = NULL;
#ifdef DEBUG
	m->mx_class = class;
#else
	(void)class;
#endif
}

static bool
mutex_cas(struct mutex *m, uintptr_t old, uintptr_t new)
{
	return __atomic_compare_exchange_n((uintptr_t *)&m->mx_owner, &old, new, false,
	    __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
}

/* The waiters bit is set, and the owner looked at again, after assert_wait: the owner's wake-up
   comes after its release, so either the release or the bit is seen by the other side */
static void __attribute__((noinline))
mutex_slow(struct mutex *m, uintptr_t me)
{
	for (;;) {
		uintptr_t o = (uintptr_t)__atomic_load_n(&m->mx_owner, __ATOMIC_RELAXED);

		if ((o & ~MUTEX_WAITERS) == 0) {
			/* others may still sleep: take it with the bit kept */
			if (mutex_cas(m, o, me | MUTEX_WAITERS))
				return;
			continue;
		}
		KASSERT((o & ~MUTEX_WAITERS) != me);
		assert_wait(m, false);
		if ((o & MUTEX_WAITERS) == 0 && !mutex_cas(m, o, o | MUTEX_WAITERS)) {
			thread_wait_cancel();
			continue;
		}
		if ((uintptr_t)__atomic_load_n(&m->mx_owner, __ATOMIC_SEQ_CST) != (o | MUTEX_WAITERS)) {
			thread_wait_cancel();
			continue;
		}
		thread_block(NULL);
	}
}

void
mutex_lock(struct mutex *m)
{
	uintptr_t me = (uintptr_t)current_thread();

	lockdep_before_sleep(m, mutex_class(m), (uintptr_t)__builtin_return_address(0));
	if (!mutex_cas(m, 0, me)) {
		lockdep_contended_sleep(mutex_class(m), (uintptr_t)__builtin_return_address(0));
		mutex_slow(m, me);
	}
	lockdep_after_sleep(m, mutex_class(m), (uintptr_t)__builtin_return_address(0));
}

bool
mutex_trylock(struct mutex *m)
{
	if (!mutex_cas(m, 0, (uintptr_t)current_thread()))
		return false;
	lockdep_after_sleep(m, mutex_class(m), (uintptr_t)__builtin_return_address(0));
	return true;
}

void
mutex_unlock(struct mutex *m)
{
	uintptr_t me = (uintptr_t)current_thread();

	KASSERT(((uintptr_t)m->mx_owner & ~MUTEX_WAITERS) == me);
	lockdep_unlock_sleep(m);
	if (mutex_cas(m, me, 0))
		return;
	__atomic_store_n(&m->mx_owner, NULL, __ATOMIC_SEQ_CST);
	thread_wakeup(m);
}

/* --- reader/writer lock: writers have precedence over new readers --- */

void
rw_lock_init(struct rwlock *l, const struct lock_class *class)
{
	static const struct lock_class guard = { "rwlock guard", LOCK_RANK_RW_GUARD, 0 };

	spin_lock_init(&l->rw_lock, &guard);
	l->rw_readers = 0;
	l->rw_writer = l->rw_want_write = l->rw_waiting = false;
#ifdef DEBUG
	l->rw_class = class;
	l->rw_owner = NULL;
#else
	(void)class;
#endif
}

/* guard held on entry and on return */
static void
rw_sleep(struct rwlock *l)
{
	l->rw_waiting = true;
	assert_wait(l, false);
	spin_unlock(&l->rw_lock);
	thread_block(NULL);
	spin_lock(&l->rw_lock);
}

/* => guard held, released */
static void
rw_wake(struct rwlock *l)
{
	bool wake = l->rw_waiting;

	l->rw_waiting = false;
	spin_unlock(&l->rw_lock);
	if (wake)
		thread_wakeup(l);
}

static void
rw_set_owner(struct rwlock *l, struct thread *t)
{
#ifdef DEBUG
	l->rw_owner = t;
#else
	(void)l;
	(void)t;
#endif
}

void
rw_lock_read(struct rwlock *l)
{
	lockdep_before_sleep(l, rwlock_class(l), (uintptr_t)__builtin_return_address(0));
	spin_lock(&l->rw_lock);
	if (l->rw_writer || l->rw_want_write)
		lockdep_contended_sleep(rwlock_class(l), (uintptr_t)__builtin_return_address(0));
	while (l->rw_writer || l->rw_want_write)
		rw_sleep(l);
	l->rw_readers++;
	spin_unlock(&l->rw_lock);
	lockdep_after_sleep(l, rwlock_class(l), (uintptr_t)__builtin_return_address(0));
}

void
rw_lock_write(struct rwlock *l)
{
	lockdep_before_sleep(l, rwlock_class(l), (uintptr_t)__builtin_return_address(0));
	spin_lock(&l->rw_lock);
	if (l->rw_writer || l->rw_want_write || l->rw_readers > 0)
		lockdep_contended_sleep(rwlock_class(l), (uintptr_t)__builtin_return_address(0));
	while (l->rw_writer || l->rw_want_write)
		rw_sleep(l);
	l->rw_want_write = true;
	while (l->rw_readers > 0)
		rw_sleep(l);
	l->rw_want_write = false;
	l->rw_writer = true;
	rw_set_owner(l, current_thread());
	spin_unlock(&l->rw_lock);
	lockdep_after_sleep(l, rwlock_class(l), (uintptr_t)__builtin_return_address(0));
}

bool
rw_trylock_write(struct rwlock *l)
{
	spin_lock(&l->rw_lock);
	if (l->rw_writer || l->rw_want_write || l->rw_readers > 0) {
		spin_unlock(&l->rw_lock);
		return false;
	}
	l->rw_writer = true;
	rw_set_owner(l, current_thread());
	spin_unlock(&l->rw_lock);
	lockdep_after_sleep(l, rwlock_class(l), (uintptr_t)__builtin_return_address(0));
	return true;
}

bool
rw_upgrade(struct rwlock *l)
{
	spin_lock(&l->rw_lock);
	KASSERT(l->rw_readers > 0);
	l->rw_readers--;
	if (l->rw_want_write || l->rw_writer) {
		/* another upgrader waits for us: two can not both keep their read lock */
		rw_wake(l);
		lockdep_unlock_sleep(l);
		return false;
	}
	l->rw_want_write = true;
	while (l->rw_readers > 0)
		rw_sleep(l);
	l->rw_want_write = false;
	l->rw_writer = true;
	rw_set_owner(l, current_thread());
	spin_unlock(&l->rw_lock);
	return true;
}

void
rw_downgrade(struct rwlock *l)
{
	spin_lock(&l->rw_lock);
	KASSERT(l->rw_writer);
	l->rw_writer = false;
	l->rw_readers++;
	rw_set_owner(l, NULL);
	rw_wake(l);
}

void
rw_unlock_read(struct rwlock *l)
{
	lockdep_unlock_sleep(l);
	spin_lock(&l->rw_lock);
	KASSERT(l->rw_readers > 0);
	l->rw_readers--;
	if (l->rw_readers == 0)
		rw_wake(l);
	else
		spin_unlock(&l->rw_lock);
}

void
rw_unlock_write(struct rwlock *l)
{
	lockdep_unlock_sleep(l);
	spin_lock(&l->rw_lock);
	KASSERT(l->rw_writer);
	l->rw_writer = false;
	rw_set_owner(l, NULL);
	rw_wake(l);
}

bool
rw_is_write_held(const struct rwlock *l)
{
#ifdef DEBUG
	return l->rw_writer && l->rw_owner == current_thread();
#else
	return l->rw_writer;
#endif
}
