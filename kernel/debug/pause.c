/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pause points: see pause.h.
 * STATES  off -> armed by a test -> taken by the first thread that passes -> off, by a test or when its time is over.
 */
#include <debug/pause.h>
#include <kern/string.h>
#include <kern/timer.h>
#include <kern/wait.h>
#include <machine/cpu.h>

#ifdef DEBUG

#define LONGEST_NS	10000000000ull
#define LOOK_NS		1000000

uint32_t pause_state;
static char pause_name[32];	/* changes only while off: a reader that comes too late takes nothing */

void
pause_disarm(void)
{
	__atomic_store_n(&pause_state, PAUSE_OFF, __ATOMIC_SEQ_CST);
}

void
pause_arm(const char *name)
{
	pause_disarm();
	string_copy(pause_name, name, sizeof pause_name);
	__atomic_store_n(&pause_state, PAUSE_ARMED, __ATOMIC_SEQ_CST);
}

bool
pause_is_taken(void)
{
	return __atomic_load_n(&pause_state, __ATOMIC_ACQUIRE) == PAUSE_TAKEN;
}

/* It looks again and again: whoever thinks that the thread waits for something else may wake it. */
void
pause_here(const char *name, bool spin)
{
	uint32_t state = PAUSE_ARMED;
	uint64_t end = clock_uptime_ns() + LONGEST_NS;

	if (strcmp(pause_name, name) != 0 ||
	    !__atomic_compare_exchange_n(&pause_state, &state, PAUSE_TAKEN, false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED))
		return;
	while (pause_is_taken() && clock_uptime_ns() < end) {
		if (spin) {
			cpu_pause();
			continue;
		}
		thread_will_wait(false, clock_uptime_ns() + LOOK_NS);
		thread_block(NULL);
	}
	state = PAUSE_TAKEN;
	__atomic_compare_exchange_n(&pause_state, &state, PAUSE_OFF, false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED);
}

#else
/* nothing: a translation unit has to have something */
typedef int pause_nothing;
#endif
