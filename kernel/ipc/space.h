/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * OBJECT  A name space: the rights of one task. The task and those who work on the space point at it.
 * STATES  active; dead (is_active false): empty for good.
 * REFS    the task, each operation in progress, outstanding message-accepted requests.
 * LOCKS   is_lock (IPC_SPACE) guards the table and is taken before any port's lock.
 *
 * Legend: (I) immutable; (s) is_lock; (a) atomic.
 */
#ifndef IPC_SPACE_H
#define IPC_SPACE_H

#include <stdbool.h>
#include <stdint.h>
#include <kern/lock.h>
#include <ipc/entry.h>
#include <ipc/ipc.h>

struct ipc_space {
	struct spinlock	 is_lock;
	uint32_t	 is_refs;	/* (a) */
	bool		 is_active;	/* (s) */
	mach_port_name_t is_task_name;	/* (a) what mach_task_self gave last: only a guess */
	mach_port_name_t is_host_name;	/* (a) and mach_host_self */
	struct task	*is_task;	/* (I) for messages and labels; not referenced */
	struct ipc_table is_table;	/* (s) */
};

static inline void ipc_space_lock(struct ipc_space *space) { spin_lock(&space->is_lock); }
static inline void ipc_space_unlock(struct ipc_space *space) { spin_unlock(&space->is_lock); }

void		 ipc_space_init(void);
/* => the current task's */
struct ipc_space *ipc_space_self(void);

#endif
