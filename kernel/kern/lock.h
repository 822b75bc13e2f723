/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Spin locks, sleeping mutexes and sleeping reader/writer locks.
 *
 * A spin lock disables pre-emption while held; the _irq form also disables
 * interrupts on this CPU. Nothing sleeps (thread_block, mutex_lock, rw_lock_*,
 * copyin/copyout of pageable memory) while a spin lock is held: the debug build
 * checks this, the order of lock_class.h, and interrupt safety.
 */
#ifndef KERN_LOCK_H
#define KERN_LOCK_H

#include <stdbool.h>
#include <stdint.h>
#include <kern/lock_class.h>
#include <machine/cpu.h>
#include <machine/spin.h>

struct thread;

struct spinlock {
	uint32_t		 sl_word;	/* 0 free, 1 held; owner CPU + 1 in debug builds */
#ifdef DEBUG
	const struct lock_class	*sl_class;
	uintptr_t		 sl_pc;		/* where it was taken */
#endif
};

void	spin_lock_init(struct spinlock *, const struct lock_class *);
#ifdef DEBUG
void	spin_lock(struct spinlock *);
void	spin_unlock(struct spinlock *);
/* => returns the previous interrupt state for spin_unlock_irq */
unsigned long spin_lock_irq(struct spinlock *);
void	spin_unlock_irq(struct spinlock *, unsigned long);
bool	spin_is_held(const struct spinlock *);		/* by this CPU; always true in release */
#else
void	spin_lock_contended(struct spinlock *);

static inline void spin_lock(struct spinlock *l)
{
	preempt_disable();
	if (!machine_spin_try(&l->sl_word))
		spin_lock_contended(l);
}

static inline void spin_unlock(struct spinlock *l)
{
	__atomic_store_n(&l->sl_word, 0, __ATOMIC_RELEASE);
	preempt_enable();
}

static inline unsigned long spin_lock_irq(struct spinlock *l)
{
	unsigned long flags = interrupts_disable();

	preempt_disable();
	if (!machine_spin_try(&l->sl_word))
		spin_lock_contended(l);
	return flags;
}

static inline void spin_unlock_irq(struct spinlock *l, unsigned long flags)
{
	__atomic_store_n(&l->sl_word, 0, __ATOMIC_RELEASE);
	preempt_enable_no_resched();
	if (flags != 0) {
		interrupts_restore(flags);
		if (__builtin_expect(preempt_wanted(), 0))
			preempt_check();
	}
}

static inline bool spin_is_held(const struct spinlock *l) { (void)l; return true; }
#endif
bool	spin_trylock(struct spinlock *);

/* => interrupts off from before the first to after the second, so that pre-emption need not be counted off */
#ifdef DEBUG
static inline bool spin_try_quick(struct spinlock *l) { return spin_trylock(l); }
static inline void spin_unlock_quick(struct spinlock *l) { spin_unlock(l); }
#else
static inline __attribute__((always_inline)) bool spin_try_quick(struct spinlock *l)
{
	return machine_spin_try(&l->sl_word);
}
static inline void spin_unlock_quick(struct spinlock *l) { __atomic_store_n(&l->sl_word, 0, __ATOMIC_RELEASE); }
#endif
#ifdef DEBUG
#define SPIN_LOCK_INITIALIZER(class)	{ 0, (class), 0 }
#else
/* the class counts as used, though nothing of it is kept */
#ifdef __clang__
#pragma clang diagnostic ignored "-Wunneeded-internal-declaration"
#endif
#define SPIN_LOCK_INITIALIZER(class)	{ (uint32_t)(0 * sizeof(class)) }
#endif

struct mutex {
	struct thread	*mx_owner;	/* atomic; low bit: there are waiters */
#ifdef DEBUG
	const struct lock_class *mx_class;
#endif
};

void	mutex_init(struct mutex *, const struct lock_class *);
void	mutex_lock(struct mutex *);
bool	mutex_trylock(struct mutex *);
void	mutex_unlock(struct mutex *);

struct rwlock {
	struct spinlock	 rw_lock;
	int32_t		 rw_readers;
	bool		 rw_writer;
	bool		 rw_want_write;
	bool		 rw_waiting;
#ifdef DEBUG
	const struct lock_class *rw_class;
	struct thread	*rw_owner;
#endif
};

void	rw_lock_init(struct rwlock *, const struct lock_class *);
void	rw_lock_read(struct rwlock *);
void	rw_lock_write(struct rwlock *);
bool	rw_trylock_write(struct rwlock *);
bool	rw_upgrade(struct rwlock *);	/* => false: not upgraded and the read lock was lost */
void	rw_downgrade(struct rwlock *);
void	rw_unlock_read(struct rwlock *);
void	rw_unlock_write(struct rwlock *);
bool	rw_is_write_held(const struct rwlock *);

#ifdef DEBUG
#define mutex_class(m)		((m)->mx_class)
#define rwlock_class(l)		((l)->rw_class)
#else
#define mutex_class(m)		((const struct lock_class *)0)
#define rwlock_class(l)		((const struct lock_class *)0)
#endif

#endif
