/* SPDX-License-Identifier: BSD-2-Clause */
/* The racer: see racer.h. What it does depends on the time stamp counter and so differs from run to run. */
#include <debug/racer.h>
#include <machine/cpu.h>

#ifdef DEBUG

/* a dawdle is below 2^k ticks, each k alike: from some instructions to several operations of another processor */
#define SHORTEST	8
#define LONGEST		17

uint32_t racer_strength;

void
racer_set(uint32_t strength)
{
	__atomic_store_n(&racer_strength, strength, __ATOMIC_SEQ_CST);
}

/* a number that nobody can foresee; the counter's low bits may stand still */
static uint32_t
racer_random(void)
{
	uint64_t x = cpu_ticks() * 0x9e3779b97f4a7c15ull;

	return (uint32_t)(x >> 32) ^ (uint32_t)(x >> 17);
}

void
racer_dawdle(void)
{
	uint32_t strength = __atomic_load_n(&racer_strength, __ATOMIC_RELAXED), r = racer_random();
	uint64_t until;

	if (strength == 0 || r % strength != 0)
		return;
	r /= strength;
	until = cpu_ticks() + (r >> 8) % (1u << (SHORTEST + r % (LONGEST - SHORTEST + 1)));
	while ((int64_t)(cpu_ticks() - until) < 0)
		cpu_pause();
}

void
racer_preempt(void)
{
	uint32_t strength = __atomic_load_n(&racer_strength, __ATOMIC_RELAXED);

	racer_dawdle();
	if (strength != 0 && racer_random() % (strength * 4) == 0)
		cpu_self()->cp_need_resched = 1;
}

#else
/* nothing: a translation unit has to have something */
typedef int racer_nothing;
#endif
