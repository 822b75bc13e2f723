/* SPDX-License-Identifier: BSD-2-Clause */
/* Copies of stored rights. */
#include <debug/pause.h>
#include <kern/right.h>

struct ipc_port *
right_copy(struct spinlock *lock, struct ipc_port *const *slot)
{
	struct ipc_port *port;

	spin_lock(lock);
	port = ipc_port_copy_send(*slot);
	spin_unlock(lock);
	pause_point("right copied");
	return port;
}
