/* SPDX-License-Identifier: BSD-2-Clause */
/* Between the files of routines. */
#ifndef KERN_THREAD_RPC_H
#define KERN_THREAD_RPC_H

#include <stdint.h>
#include <mach/kern_return.h>

struct task;
struct thread;

/* => a referenced snapshot of the task's threads in *list (kalloc'ed, *count * 8 bytes) */
kern_return_t	task_thread_list(struct task *, struct thread ***list, uint32_t *count);
/* lowest priority until `ms` are over (0: no time limit) or thread_depress_abort */
void		thread_depress(struct thread *, uint64_t ms);

#endif
