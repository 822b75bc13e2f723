/* SPDX-License-Identifier: BSD-2-Clause */
/* Sampling of program counters (mach4 4000-4005): where threads are at each tick and at each fault. */
#ifndef KERN_SAMPLE_H
#define KERN_SAMPLE_H

#include <stdint.h>
#include <mach/pc_sample.h>

struct cpu_sched;
struct sampler;

/* how many samplers there are; most of the time none */
extern uint32_t samplers;

/* => note the current thread for whoever samples these events */
void	pc_sample_slow(sampled_pc_flavor_t events);

static inline void
pc_sample(sampled_pc_flavor_t events)
{
	if (__builtin_expect(__atomic_load_n(&samplers, __ATOMIC_RELAXED) != 0, 0))
		pc_sample_slow(events);
}

void	sample_cpu_init(struct cpu_sched *);
/* => the owner goes: nobody else uses its sampler any more */
void	sampler_free(struct sampler *);

#endif
