/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pause points (debug builds): steps with a name at which a test makes one thread stand still, does something meanwhile, and lets
 * it go on. So a test meets a race in every run that the racer (racer.h) meets now and then. Tests say so by device "counters".
 */
#ifndef DEBUG_PAUSE_H
#define DEBUG_PAUSE_H

#include <stdbool.h>
#include <stdint.h>

#ifdef DEBUG
enum pause_state { PAUSE_OFF, PAUSE_ARMED, PAUSE_TAKEN };

extern uint32_t pause_state;

/* the next thread that comes to the point of this name is to stop there; one that stands at a point goes on */
void	pause_arm(const char *name);
void	pause_disarm(void);
/* => a thread stands at the point */
bool	pause_is_taken(void);
void	pause_here(const char *name, bool spin);

static inline bool pause_is_armed(void)
{
	return __builtin_expect(__atomic_load_n(&pause_state, __ATOMIC_RELAXED) == PAUSE_ARMED, 0);
}

/* => may block, nothing locked. Nobody stands longer than some seconds, whatever a test forgets */
static inline void pause_point(const char *name)
{
	if (pause_is_armed())
		pause_here(name, false);
}

/* => interrupts on, any locks: the processor stands still with the thread, so a test needs another */
static inline void pause_spin(const char *name)
{
	if (pause_is_armed())
		pause_here(name, true);
}
#else
static inline void pause_arm(const char *name) { (void)name; }
static inline void pause_disarm(void) { }
static inline bool pause_is_taken(void) { return false; }
#define pause_point(name)	((void)0)
#define pause_spin(name)	((void)0)
#endif

#endif
