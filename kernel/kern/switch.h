/* SPDX-License-Identifier: BSD-2-Clause */
/* Between wait.c, sched.c and switch.c: not for others. */
#ifndef KERN_SWITCH_H
#define KERN_SWITCH_H

#include <stdbool.h>
#include <kern/wait.h>

struct thread;

/* a stop request waits: the thread first reaches its clean point */
#define AST_STOP_LATER	(AST_ABORT | AST_TERMINATE)

void	wait_init(void);
void	wait_event_clear(struct thread *);
void	thread_wait_timeout(void *thread);
/* thread locked: may this CPU run it now? */
bool	sched_may_run_here(const struct thread *);
/* interrupts off: the best thread for this CPU, off its queue; the idle thread when there is none.
   keep_stack: the current thread keeps its own, so a thread without one must get one first */
struct thread *sched_choose(bool keep_stack);
/* interrupts off, th_continuation and th_preempted set: returns when the thread runs again (no continuation) */
void	thread_switch_to(struct thread *next);
/* stop at a clean point: thread locked with interrupts off, TH_SUSP set; the thread goes on to user mode */
void	thread_stop_self(void) __attribute__((noreturn));
/* interrupts off, on the CPU's first switch */
void	thread_start_idle(struct thread *boot) __attribute__((noreturn));
void	sched_note_running(struct thread *);

#endif
