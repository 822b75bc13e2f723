/* SPDX-License-Identifier: BSD-2-Clause */
/* Between the files of arch/host. */
#ifndef ARCH_HOST_MACHINE_H
#define ARCH_HOST_MACHINE_H

#include <stdbool.h>
#include <stdint.h>
#include <kern/thread.h>
#include <machine/cpu.h>

struct sim_stack;

/* what lies in mt_slack: nothing spills below mt_regs here */
struct sim_user {
	void		*su_bottom;	/* stack of the user program; NULL: it has not started */
	void		*su_sp;		/* while it is in the kernel */
	void		*su_fiber;
};
static inline struct sim_user *sim_user_of(struct thread *t)
{
	_Static_assert(sizeof(struct sim_user) <= sizeof t->th_machine.mt_slack, "room for the user context");
	return (struct sim_user *)(void *)t->th_machine.mt_slack;
}

#define USER_STACK_SIZE	(256 * 1024ul)
/* the PC of a thread that is in a trap */
#define SIM_PC_TRAP	0x7000

extern struct sim_cpu sim_boot_cpu;
extern uint32_t plat_cpu_count;

/* on the host thread that is the CPU */
void	sim_cpu_here(struct sim_cpu *);
/* at every trap: what is due */
void	sim_tick(void);
/* between them a translation of user memory may be used */
void	sim_access_begin(void);
void	sim_access_end(void);
void	timer_interrupt(void);
void	sched_preempt(void);
void	trap_bad_syscall(uint32_t number);
/* the first switch to the thread calls fn(previous thread) */
void	sim_thread_prepare(struct thread *, void (*fn)(void *prev));
const struct sim_stack *sim_thread_stack(struct thread *);
void	sim_user_free(struct sim_user *);
/* leave the kernel stack for the user program; returns when its PC is not a program's */
void	sim_user_resume(struct thread *);
void	sim_user_fiber_end(void);

#endif
