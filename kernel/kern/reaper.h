/* SPDX-License-Identifier: BSD-2-Clause */
/* Frees dead threads once their CPU has left them. */
#ifndef KERN_REAPER_H
#define KERN_REAPER_H

struct thread;

void	reaper_init(void);
void	reaper_add(struct thread *);	/* in a switch: interrupts off, nothing locked */

#endif
