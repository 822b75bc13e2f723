/* SPDX-License-Identifier: BSD-2-Clause */
/* Kernel stacks. */
#ifndef KERN_STACK_H
#define KERN_STACK_H

#include <stdbool.h>
#include <stdint.h>

struct thread;

void	 stack_init(void);		/* the helper thread that makes stacks */
/* => lowest address of KERNEL_STACK_SIZE bytes; may sleep; NULL on shortage */
void	*stack_alloc(void);
/* => never sleeps, any context with interrupts off; NULL when none is at hand. The last ones are for the reserved (th_stack_reserved) */
void	*stack_try_alloc(bool reserved);
void	 stack_free(void *);		/* any context with interrupts off or on */
/* a runnable thread found no stack: it is queued when one has been made (thread lock not held) */
void	 stack_wait(struct thread *);
void	 stack_usage(uint32_t *total);

#endif
