/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The one way to write a stored right: exchange under the lock, release the old one after unlocking.
 * The one way to read it: copy it under the lock. Both work for naked pointers kept in the same way.
 */
#ifndef KERN_RIGHT_H
#define KERN_RIGHT_H

#include <ipc/ipc.h>
#include <kern/lock.h>

/* => the right that was there: the caller's now */
static inline struct ipc_port *
right_exchange(struct spinlock *lock, struct ipc_port **slot, struct ipc_port *new)
{
	struct ipc_port *old;

	spin_lock(lock);
	old = *slot;
	*slot = new;
	spin_unlock(lock);
	return old;
}

/* => a send right of the caller's own; IP_NULL and IP_DEAD as they are */
struct ipc_port *right_copy(struct spinlock *lock, struct ipc_port *const *slot);

#endif
