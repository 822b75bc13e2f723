/* SPDX-License-Identifier: BSD-2-Clause */
/* The pageout daemon: takes pages of memory objects back when memory is short. */
#ifndef VM_PAGEOUT_H
#define VM_PAGEOUT_H

void	vm_pageout_init(void);		/* starts the daemon; threads work */
void	vm_pageout_kick(void);		/* any context that may wake a thread */

#endif
