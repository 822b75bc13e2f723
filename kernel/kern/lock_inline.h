/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The uncontended spin lock of release builds, inline: nothing is checked, so that a pair costs about ten instructions.
 * Debug builds have the checked functions of kern/lock.c in their place.
 */
#ifndef KERN_LOCK_INLINE_H
#define KERN_LOCK_INLINE_H

#include <machine/cpu.h>

void	spin_lock_slow(struct spinlock *);	/* pre-emption is off; spins until it has the lock */

static inline void spin_lock(struct spinlock *l)
{
	uint32_t none = 0;

	preempt_disable();
	if (__builtin_expect(!__atomic_compare_exchange_n(&l->sl_word, &none, 1, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED), 0))
		spin_lock_slow(l);
}

static inline void spin_unlock(struct spinlock *l)
{
	__atomic_store_n(&l->sl_word, 0, __ATOMIC_RELEASE);
	preempt_enable();
}

static inline unsigned long spin_lock_irq(struct spinlock *l)
{
	unsigned long flags = interrupts_disable();

	spin_lock(l);
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

#endif
