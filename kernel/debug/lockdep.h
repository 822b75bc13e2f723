/* SPDX-License-Identifier: BSD-2-Clause */
/* Run-time checks of the lock rules; nothing in release builds. */
#ifndef DEBUG_LOCKDEP_H
#define DEBUG_LOCKDEP_H

#include <stdint.h>
#include <kern/lock.h>

#ifdef DEBUG
/* spin locks: held list per CPU */
void	lockdep_before_spin(const struct spinlock *, uintptr_t pc);
void	lockdep_after_spin(struct spinlock *, uintptr_t pc);
void	lockdep_unlock_spin(struct spinlock *);
void	lockdep_spin_report(const struct spinlock *, uintptr_t pc);
void	lockdep_contended(const struct spinlock *, uintptr_t pc, uint32_t spins);
/* sleep locks: held list per thread */
void	lockdep_before_sleep(const void *lock, const struct lock_class *, uintptr_t pc);
void	lockdep_after_sleep(const void *lock, const struct lock_class *, uintptr_t pc);
void	lockdep_unlock_sleep(const void *lock);
void	lockdep_contended_sleep(const struct lock_class *, uintptr_t pc);
/* => lines on the console: places that were contended, or held longer than so */
void	lockdep_say(uint64_t longer_than_ns);
/* the current thread is about to give up its CPU, or may sleep */
void	lockdep_may_sleep(const char *what);
/* the current thread leaves the kernel or blocks with a continuation: it holds nothing at all */
void	lockdep_holds_nothing(const char *what);
struct cpu;
void	lockdep_cpu_init(struct cpu *);
#else
#define lockdep_before_spin(l, pc)	((void)(pc))
#define lockdep_after_spin(l, pc)	((void)(pc))
#define lockdep_unlock_spin(l)		((void)0)
#define lockdep_spin_report(l, pc)	((void)0)
#define lockdep_contended(l, pc, n)	((void)(pc))
#define lockdep_before_sleep(l, c, pc)	((void)0)
#define lockdep_after_sleep(l, c, pc)	((void)0)
#define lockdep_unlock_sleep(l)		((void)0)
#define lockdep_contended_sleep(c, pc)	((void)(pc))
#define lockdep_say(ns)			((void)0)
#define lockdep_may_sleep(what)		((void)0)
#define lockdep_holds_nothing(what)	((void)0)
#define lockdep_cpu_init(c)		((void)0)
#endif

#endif
