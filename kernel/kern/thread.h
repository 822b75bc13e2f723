/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * OBJECT  A thread: the unit of scheduling. It belongs to one task for life.
 * STATES  th_state below. A thread that waits with a continuation owns no kernel stack.
 * REFS    One for being alive (dropped when it has halted and been reaped), one for each pointer
 *         kept elsewhere (ports hold none: the kobject is cleared under the port lock).
 *
 * Legend: (I) immutable after create; (t) thread lock; (k) task lock; (c) only the thread itself or
 * whoever holds it stopped; (q) lock of the queue it waits on; (r) run queue lock; (p) set lock; (a) atomic.
 */
#ifndef KERN_THREAD_H
#define KERN_THREAD_H

#include <stdbool.h>
#include <stdint.h>
#include <mach/kern_return.h>
#include <kern/lock.h>
#include <kern/queue.h>
#include <kern/timer.h>
#include <kern/wait.h>
#include <machine/context.h>
#include <machine/cpu.h>
#include <ipc/ipc_thread.h>

struct task;
struct cpu;
struct ipc_port;
struct processor_set;
struct run_queue;
struct sampler;

/* th_state bits */
#define TH_RUN		0x01	/* running or on a run queue */
#define TH_WAIT		0x02	/* waits */
#define TH_SUSP		0x04	/* stopped or asked to stop */
#define TH_UNINT	0x08	/* the wait cannot be interrupted */
#define TH_HALTED	0x10	/* stopped at a clean point */
#define TH_IDLE		0x20	/* a CPU's idle thread */
#define TH_DEAD		0x40	/* terminated, being reaped */
#define TH_CLEAN	0x80	/* stopped on the way to user mode (or never ran) */

/* th_ast bits: (a) acted on at the next return to user mode */
#define AST_PREEMPT	0x1
#define AST_TERMINATE	0x2
#define AST_SUSPEND	0x4
#define AST_ABORT	0x8
#define AST_MIGRATE	0x10	/* its processor is (or was) of another set */
#define AST_DEBUG	0x20	/* the kernel touched memory it watches: machine_debug_taken */

#define THREAD_NAME_MAX	32

/* a sleep lock held, for the lock checker */
#define LOCKDEP_SLEEP_MAX	8
struct lockdep_held {
	const void	*lh_lock;
	const struct lock_class *lh_class;
	uintptr_t	 lh_pc;
	uint64_t	 lh_since;
};

struct thread {
	struct machine_thread th_machine;	/* (c) user registers, FPU; first: the trap entry addresses it */

	struct task	*th_task;		/* (I) */
	struct queue	 th_task_link;		/* (k) task's thread list */
	uint32_t	 th_refs;		/* (a) */
	struct spinlock	 th_lock;

	/* running and waiting */
	uint32_t	 th_state;		/* (t) */
	uint32_t	 th_ast;		/* (a) */
	void		*th_stack;		/* (c) kernel stack or NULL */
	continuation_t	 th_continuation;	/* (c) where to go on; NULL: the stack says */
	enum wait_result th_wait_result;	/* (t) set by the waker */
	uint32_t	 th_wait_number;	/* (q) its place among all who ever waited in its event bucket */
	struct queue	 th_wait_link;		/* (q) link in the wait queue or event bucket */
	const void	*th_wait_event;		/* (q) */
	struct timer	 th_wait_timer;		/* (t) */
	int32_t		 th_suspend_count;	/* (t) user suspends */
	int32_t		 th_hold_count;		/* (t) reasons to stay stopped; TH_SUSP when above 0 */
	bool		 th_active;		/* (t) false once termination began */
	bool		 th_stop_waiters;	/* (t) somebody waits for it to stop or to die */
	bool		 th_preempted;		/* (c) gave up the CPU against its will */
	bool		 th_gave;		/* (c) hands its CPU to a thread by name and stays runnable */
	bool		 th_stack_reserved;	/* (c) always finds a stack (kern/stack.c): two of the kernel's own */

	/* scheduling */
	struct queue	 th_run_link;		/* (r) */
	struct run_queue *th_runq;		/* (r) queue it is on or NULL */
	struct cpu	*th_last_cpu;		/* (t) */
	struct cpu	*th_bound_cpu;		/* (t) NULL = any of its set */
	struct processor_set *th_pset;		/* (t)(p) with a reference; changes while on no run queue */
	struct queue	 th_pset_link;		/* (p) */
	int16_t		 th_base_pri;		/* (t) */
	int16_t		 th_max_pri;		/* (t) best it may have */
	int16_t		 th_pri;		/* (t) effective: what the run queues use */
	int16_t		 th_depress_pri;	/* (t) -1 when not depressed */
	int32_t		 th_policy;		/* (t) */
	int32_t		 th_policy_data;	/* (t) quantum in ms for fixed priority */
	struct thread	*th_handoff_to;		/* (c) woken by thread_go_handoff, to be handed the CPU */
	uint64_t	 th_policy_area[6];	/* (t) private to the policy in force */
	struct queue	 th_donations;		/* (t) threads which lend their priority */
	struct timer	 th_depress_timer;
	uint64_t	 th_cpu_usage;		/* (t) decayed recent use, ns */
	uint64_t	 th_usage_stamp;	/* (t) uptime of the last decay */
	uint64_t	 th_priced;		/* (t) ticks when th_pri was computed; 0: it must be before it counts */
	uint64_t	 th_user_ns, th_system_ns;	/* (c) */
	uint32_t	 th_found_user, th_found_system;	/* (c) by the end of a quantum: in which mode */
	struct sampler	*th_sampler;		/* sample lock */
	uint64_t	 th_ticks;		/* (c) CPU time not yet in the two above: sched_settle */
	uint64_t	 th_stop_ticks;		/* (c) when it last left a CPU */
	uint64_t	 th_created;		/* (I) wall clock ns */

	/* ports; written only by right_exchange, under the task lock */
	struct ipc_port	*th_self;		/* kernel port */
	struct ipc_port	*th_self_right;		/* what thread_self gives (may be interposed) */
	struct ipc_port	*th_exception;
	struct exception_actions *th_actions;	/* (k) ports by kind of exception, or NULL */

	struct ipc_thread th_ipc;		/* (c)(q) message trap state across a wait */
	uint32_t	 th_sid;		/* (I) security label, from the creator */
	bool		 th_vm_privilege;	/* (c) may use the reserved pages */
	bool		 th_timed;		/* (t) one of its timers was set, once */
#ifdef DEBUG
	uint32_t	 th_held_count;		/* (c) */
#endif
	/* from here on nothing is cleared when it is made */
	char		 th_name[THREAD_NAME_MAX];	/* (t) */
	uintptr_t	 th_saved[8];		/* (c)(q) arguments of any other continuation; the record of a gsync waiter */
#ifdef DEBUG
	struct lockdep_held th_held[LOCKDEP_SLEEP_MAX];	/* (c) sleep locks held */
#endif
};

static inline struct thread *thread_self(void) { return current_thread(); }
static inline struct task *task_self(void) { return current_thread()->th_task; }

/* => a reference for the caller; suspended (count 1), no user state; fails on shortage or dying task */
kern_return_t	thread_create_in(struct task *, struct thread **);
/* => a kernel thread of the kernel task, started at fn(arg); fn never returns */
struct thread	*kernel_thread(const char *name, void (*fn)(void *), void *arg, int priority);
void		thread_ref(struct thread *);
void		thread_release(struct thread *);
/* => may block; the thread is at a clean point or gone afterwards */
void		thread_terminate_internal(struct thread *);
/* => start its termination, without waiting for it */
void		thread_end(struct thread *);
/* => a thread of `task` which starts in the kernel at fn(arg) and may go to user mode */
kern_return_t	thread_create_kernel_start(struct task *, void (*fn)(void *), void *arg, struct thread **);
/* => stop at a clean point and hold (nests); false when it terminates meanwhile */
bool		thread_hold_and_wait(struct thread *);
void		thread_hold(struct thread *);
void		thread_unhold(struct thread *);
/* => thread locked; unhold: true: who waits for it to stop is to be woken after unlocking (th_stop_waiters) */
void		thread_hold_locked(struct thread *);
bool		thread_unhold_locked(struct thread *);
/* => called on the way to user mode when th_ast is set; may not return */
void		ast_taken(void);
/* => wait until it has stopped, or is let go by all who held it; false: it dies, or the caller was interrupted */
bool		thread_wait_stopped(struct thread *);
struct thread	*thread_create_idle(struct cpu *);
void		thread_setup(struct thread *, int priority);
void		thread_init(void);
/* => set th_ast bits and make a running thread look at them */
void		thread_ast_set(struct thread *, uint32_t bits);

#endif
