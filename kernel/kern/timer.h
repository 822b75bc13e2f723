/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One-shot high-resolution timers; per-CPU pairing heaps, so that setting one never allocates.
 * Functions run in interrupt context, interrupts off, no locks held.
 */
#ifndef KERN_TIMER_H
#define KERN_TIMER_H

#include <stdbool.h>
#include <stdint.h>

struct cpu;

struct timer {
	uint64_t	 tm_deadline;		/* uptime ns */
	void		(*tm_fn)(void *);
	void		*tm_arg;
	struct cpu	*tm_cpu;		/* where it is queued, NULL: idle */
	struct timer	*tm_child, *tm_next;	/* heap: first child, next sibling */
	struct timer	*tm_prev;		/* previous sibling, or parent of the first child */
};

void	 timer_init(struct timer *, void (*fn)(void *), void *arg);
void	 timer_set(struct timer *, uint64_t deadline_ns);
/* => false when it was not queued (it may be running on another CPU) */
bool	 timer_cancel(struct timer *);
/* as timer_cancel, and waits until its function does not run any more; no locks of that function held */
void	 timer_drain(struct timer *);
void	 timer_cpu_init(struct cpu *);
void	 clock_init(void);
void	 clock_set_wall(uint64_t ns);
/* slew by `ns` over time; => the part of an earlier adjustment that was left */
int64_t	 clock_adjust(int64_t ns);
void	 timer_interrupt(void);			/* from the machine's timer interrupt */
uint64_t clock_uptime_ns(void);			/* monotonic since boot */
uint64_t clock_wall_ns(void);			/* since 1970 */

#endif
