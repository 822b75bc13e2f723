/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A simulated processor: what only a kernel may do (interrupts off, waiting for them) is replaced by words in memory; the rest
 * is the processor's own header. GS points at struct cpu here too: a Linux program has no other use for it.
 *
 * Interrupts are polled: when they are enabled, while the processor spins, at every trap and when it is idle.
 */
#ifndef HOST_MACHINE_CPU_H
#define HOST_MACHINE_CPU_H

#define interrupts_disable	processor_interrupts_disable
#define interrupts_restore	processor_interrupts_restore
#define interrupts_enable	processor_interrupts_enable
#define interrupts_enabled	processor_interrupts_enabled
#define cpu_ticks		processor_ticks
#define cpu_pause		processor_pause
#include_next <machine/cpu.h>
#undef interrupts_disable
#undef interrupts_restore
#undef interrupts_enable
#undef interrupts_enabled
#undef cpu_ticks
#undef cpu_pause

#define SIM_PENDING_TIMER	1u
#define SIM_PENDING_CALL	2u
#define SIM_PENDING_KICK	4u

/* Legend: (o) own processor; (a) atomic */
struct sim_cpu {
	struct cpu	 sc_cpu;	/* first: GS points at it */
	unsigned long	 sc_enabled;	/* (o) interrupts */
	uint32_t	 sc_pending;	/* (a) SIM_PENDING_* */
	uint32_t	 sc_access;	/* (a) odd while it uses a translation of user memory */
	uint64_t	 sc_deadline;	/* (o) of its timer, 0: none */
	void		*sc_host_sp;	/* where the host thread waits while the kernel runs on it */
	void		*sc_host_fiber;
	const void	*sc_host_bottom;
	unsigned long	 sc_host_size;
};

static inline struct sim_cpu *sim_cpu_self(void) { return (struct sim_cpu *)(void *)cpu_self(); }

void	sim_poll(void);			/* => interrupts on: takes what is pending, may switch threads */
void	sim_pause(void);
uint64_t timer_hw_now(void);

static inline unsigned long interrupts_disable(void)
{
	struct sim_cpu *sc = sim_cpu_self();
	unsigned long f = sc->sc_enabled;

	sc->sc_enabled = 0;
	return f;
}
static inline void interrupts_enable(void)
{
	struct sim_cpu *sc = sim_cpu_self();

	sc->sc_enabled = 1;
	if (__builtin_expect(__atomic_load_n(&sc->sc_pending, __ATOMIC_RELAXED) != 0, 0))
		sim_poll();
}
static inline void interrupts_restore(unsigned long f)
{
	if (f)
		interrupts_enable();
}
static inline bool interrupts_enabled(void) { return sim_cpu_self()->sc_enabled != 0; }
static inline uint64_t cpu_ticks(void) { return timer_hw_now(); }
static inline void cpu_pause(void) { sim_pause(); }

#endif
