/* SPDX-License-Identifier: BSD-2-Clause */
/* The list of all tasks, and who hears of new ones. */
#ifndef KERN_TASK_LIST_H
#define KERN_TASK_LIST_H

#include <kern/lock.h>
#include <kern/queue.h>

struct ipc_port;
struct task;

extern struct spinlock task_list_lock;
extern struct queue task_list;		/* tk_link */
extern struct ipc_port *new_task_port;	/* a send right */

void	task_wait_cleaned(struct task *);

#endif
