/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What ipc/ needs of the kernel, for a host program: threads that a script runs one at a time, locks that check their order,
 * memory from malloc, "user" addresses that are the program's own.
 */
#ifndef TESTS_UNIT_IPC_SHIM_H
#define TESTS_UNIT_IPC_SHIM_H

#include <stdbool.h>
#include <stdint.h>
#include <mach/message.h>

#define SHIM_BLOCKED	(-1000000L)

struct thread;
struct task;

struct task	*shim_task(void);
void		 shim_task_end(struct task *);
struct thread	*shim_thread(struct task *);
void		 shim_thread_end(struct thread *);
/* => the current thread's task becomes t's */
void		 shim_run_as(struct thread *);
/* => result of the trap, or SHIM_BLOCKED */
long		 shim_mach_msg(struct thread *, void *msg, uint32_t option, uint32_t send_size, uint32_t rcv_size,
		    uint32_t rcv_name, uint32_t timeout, uint32_t notify);
/* => a woken thread goes on: its result, or SHIM_BLOCKED when it still waits */
long		 shim_resume(struct thread *);
/* its wait times out or is interrupted */
void		 shim_break(struct thread *, bool timed_out);
bool		 shim_runnable(struct thread *);
/* the nth allocation from now fails; 0: none */
extern int	 shim_fail_at;
/* conservation: counters as they were, or a complaint */
void		 shim_count_start(void);
bool		 shim_count_same(void);

#endif
