/* SPDX-License-Identifier: BSD-2-Clause */
/* Between wait.c, sched.c and switch.c: not for others. */
#ifndef KERN_SWITCH_H
#define KERN_SWITCH_H

#include <stdbool.h>
#include <kern/processor.h>
#include <kern/sched.h>
#include <kern/thread.h>
#include <kern/wait.h>
#include <machine/cpu.h>


/* a stop request waits: the thread first reaches its clean point */
#define AST_STOP_LATER	(AST_ABORT | AST_TERMINATE)

void	wait_init(void);
void	wait_event_clear_slow(struct thread *);
void	thread_wait_timeout(void *thread);
/* interrupts off: the best thread for this CPU, off its queue; the idle thread when there is none.
   keep_stack: the current thread keeps its own, so a thread without one must get one first */
struct thread *sched_choose(bool keep_stack);
/* interrupts off, th_continuation and th_preempted set: returns when the thread runs again (no continuation) */
void	thread_switch_to(struct thread *next);
/* stop at a clean point: thread locked with interrupts off, TH_SUSP set; the thread goes on to user mode */
void	thread_stop_self(void) __attribute__((noreturn));
/* interrupts off, on the CPU's first switch */
void	thread_start_idle(struct thread *boot) __attribute__((noreturn));
void	sched_arm_quantum(struct cpu_sched *, struct thread *);
/* interrupts off, current thread: => it is queued here and the best one, not worse, is off the queue for machine_handoff, which comes
   before sched_exchange_end. NULL: nothing done, the general way */
struct thread *sched_exchange(struct thread *);
void	sched_exchange_end(struct thread *);

/* after a wait ended without thread_wakeup the thread is still in its bucket */
static inline void
wait_event_clear(struct thread *t)
{
	if (__atomic_load_n(&t->th_wait_event, __ATOMIC_ACQUIRE) != NULL)
		wait_event_clear_slow(t);
}

static inline bool
sched_other_runnable(void)
{
	return runq_length(cpu_self()->cp_sched->cs_runq) > 0 || sched_runnable_elsewhere();
}

/* thread locked: may this CPU run it now? */
static inline bool
sched_may_run_here(const struct thread *t)
{
	struct cpu *c = cpu_self();

	return t->th_bound_cpu == NULL ? c->cp_sched->cs_pset == t->th_pset : t->th_bound_cpu == c;
}

/* interrupts off: the current thread, wherever it is in the kernel, goes on better at a processor of its own set */
static inline bool
sched_should_leave(const struct thread *t)
{
	return !sched_may_run_here(t) && t->th_bound_cpu == NULL && t->th_pset->ps_processor_count > 0;
}

/* interrupts off: this CPU, c, goes from old to next */
static inline __attribute__((always_inline)) void
sched_account_switch(struct cpu *c, struct thread *old, struct thread *next)
{
	struct cpu_sched *s = c->cp_sched;
	uint64_t now = cpu_ticks();

	old->th_ticks += now - s->cs_stamp;
	old->th_stop_ticks = now;
	s->cs_stamp = now;
	__atomic_store_n(&next->th_last_cpu, c, __ATOMIC_RELAXED);
	s->cs_switches++;
	__atomic_store_n(&s->cs_cur_pri, next->th_pri, __ATOMIC_RELAXED);
	if (__builtin_expect(!s->cs_quantum_armed, 0))
		sched_arm_quantum(s, next);
}

#endif
