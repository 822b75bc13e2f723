/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The racer (debug builds): widens the windows in which threads can meet. While it is on, a processor that takes or releases a lock,
 * or passes a race_point, now and then dawdles, or lets another thread run first. What needs two processors within nanoseconds of
 * each other happens within seconds then. On by the word "racer" on the kernel's command line, or by tests through device "counters".
 */
#ifndef DEBUG_RACER_H
#define DEBUG_RACER_H

#include <stdbool.h>
#include <stdint.h>

#define RACER_DEFAULT	8

#ifdef DEBUG
extern uint32_t racer_strength;		/* 0: off; n: every n-th point dawdles */

void	racer_set(uint32_t strength);
/* => any context, any locks */
void	racer_dawdle(void);
/* => pre-emption off, nothing held: perhaps the caller is to be pre-empted once it is on again */
void	racer_preempt(void);

/* between two steps that nobody else should see apart */
static inline void race_point(void)
{
	if (__builtin_expect(__atomic_load_n(&racer_strength, __ATOMIC_RELAXED) != 0, 0))
		racer_dawdle();
}

/* at the end of a locked section */
static inline void race_unlocked(void)
{
	if (__builtin_expect(__atomic_load_n(&racer_strength, __ATOMIC_RELAXED) != 0, 0))
		racer_preempt();
}
#else
static inline void racer_set(uint32_t strength) { (void)strength; }
#define race_point()	((void)0)
#define race_unlocked()	((void)0)
#endif

#endif
