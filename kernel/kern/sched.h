/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Scheduler: run queues, choosing, time accounting, policies.
 *
 * Priorities are 0 (best) to 64 (65 queues per CPU). Each CPU has a run queue; a thread is queued at one CPU
 * of its processor set and may be stolen by others of the set. In a set without processors it waits in the set's own queue.
 */
#ifndef KERN_SCHED_H
#define KERN_SCHED_H

#include <stdbool.h>
#include <stdint.h>
#include <kern/lock.h>
#include <kern/queue.h>
#include <kern/timer.h>

struct cpu;
struct thread;
struct processor_set;

#define PRI_QUEUES	65
#define PRI_BEST	0
#define PRI_SYSTEM	6
#define PRI_BEST_USER	7		/* without the control port of the set: never before the kernel's threads */
#define PRI_USER	25
#define PRI_WORST_USER	63
#define PRI_IDLE	64
#define PRI_VALID(p)	((p) >= 0 && (p) <= PRI_WORST_USER)

#define POLICY_TIMESHARE	1
#define POLICY_FIXEDPRI		2

#define QUANTUM_NS	30000000ull
#define TICK_NS		10000000ull

struct run_queue {
	struct spinlock	 rq_lock;
	uint64_t	 rq_bits[2];		/* non-empty queues */
	uint32_t	 rq_count;
	bool		 rq_stranded;		/* (I) a set's: its threads wait for a processor */
	struct queue	 rq_queues[PRI_QUEUES];
};

/* as of a moment ago; without the lock */
static inline uint32_t
runq_length(const struct run_queue *rq)
{
	return __atomic_load_n(&rq->rq_count, __ATOMIC_RELAXED);
}

/* Scheduling policy, one table per policy number; all called with the thread locked */
struct sched_policy {
	const char	*sp_name;
	int		 sp_number;
	/* effective priority from base priority and recent use; accounts the use so far. The thread does not run elsewhere */
	int		 (*sp_priority)(struct thread *, uint64_t now);
	/* quantum in ns */
	uint64_t	 (*sp_quantum)(struct thread *);
};

/* legend: (r) rq_lock; (o) own CPU with interrupts off */
struct cpu_sched {
	struct run_queue *cs_runq;		/* (o)(r) the one of cs_runqs in use: the other is empty or being emptied */
	struct processor_set *cs_pset;		/* (o)(r) NULL: it runs nothing */
	int		 cs_cur_pri;		/* (o), read by others: priority of the running thread */
	struct timer	 cs_quantum;		/* (o) */
	bool		 cs_quantum_armed;	/* (o) */
	uint64_t	 cs_stamp;		/* (o) ticks when the running thread was charged last */
	uint64_t	 cs_switches;		/* (o) */
	struct run_queue cs_runqs[2];
	struct timer	 cs_sample;		/* sample.c */
};

const struct sched_policy *sched_policy(int number);	/* NULL: no such policy */

void	sched_cpu_init(struct cpu *, struct cpu_sched *);
void	run_queue_init(struct run_queue *);
/* => assignments locked (assign.c), may block for a moment: the CPU leaves its set for another (NULL: for none) with its run
   queue; the thread running there leaves at its next step to user mode, or earlier */
void	sched_move_cpu(struct cpu *, struct processor_set *);
/* the thread running there belongs to another set, and is that one (NULL: any) */
bool	sched_runs_stranger(struct cpu *, const struct thread *);
/* thread lock held: one asked to stop does so even when its set has no processor */
void	sched_unstrand(struct thread *);
/* current thread, on its way to user mode: it goes on where it belongs, or stays; may not return */
void	sched_go_home(void);
/* thread lock held; RUN set, not on a queue */
void	sched_setrun(struct thread *);
/* the same for one that gave its CPU to another: it does not take it back before the quantum ends, be it better or not */
void	sched_setrun_given(struct thread *);
/* thread lock held: take it off its run queue; false when it is not on one */
bool	sched_remove(struct thread *);
/* thread lock held: new effective priority after base, policy, depression or use changed */
void	sched_update_priority(struct thread *);
/* give the CPU away but stay runnable; true when another thread ran */
bool	thread_yield(void (*continuation)(void));
/* interrupt return to kernel mode with pre-emption on and cp_need_resched: interrupts off, on the thread's own stack */
void	sched_preempt(void);
/* interrupts off: the best queued thread, own queue first, then of other CPUs of the set; NULL: none */
struct thread *sched_pick(void);
/* the same, but NULL when the best is worse than `pri` */
struct thread *sched_pick_not_worse(int pri);
void	sched_set_idle(bool);
/* a reschedule interrupt arrived on this CPU */
void	sched_kicked(void);
void	idle_begin(struct thread *prev);
bool	sched_runnable_elsewhere(void);	/* or here, in the CPU's set */
void	sched_charge(struct thread *);		/* (o) account the current thread up to now */
/* the thread's CPU time so far: the sum is exact, the split by what the ends of quanta found; => it may run on meanwhile */
void	sched_times(const struct thread *, uint64_t *user_ns, uint64_t *system_ns);
/* => the current thread, or one no CPU runs: its time is all in th_user_ns and th_system_ns */
void	sched_settle(struct thread *);

#endif
