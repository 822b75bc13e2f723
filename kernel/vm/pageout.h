/* SPDX-License-Identifier: BSD-2-Clause */
/* The pageout daemon: takes pages back when memory is short. */
#ifndef VM_PAGEOUT_H
#define VM_PAGEOUT_H

#include <stdbool.h>
#include <stdint.h>

void	vm_pageout_init(void);		/* starts the daemon; threads work */
uint64_t vm_pageout_progress(void);	/* rises as anonymous pages leave memory and pagers give back what they were sent */
bool	vm_pageout_held_up(void);		/* pages could go, but for pagers that are slow to take them */
uint64_t vm_pageout_verdicts(void);	/* rises as it finds, having looked at all pages, that none can go */
void	vm_pageout_kick(void);		/* any context that may wake a thread */

#endif
