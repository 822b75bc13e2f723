/* SPDX-License-Identifier: BSD-2-Clause */
/* A call to a kernel object in one straight line; see kernel_call.c. */
#ifndef IPC_KERNEL_CALL_H
#define IPC_KERNEL_CALL_H

#include <stdint.h>
#include <mach/message.h>

struct ipc_port;

/*
 * A request as rpc.c takes them, in mach_msg_trap with exactly MACH_SEND_MSG | MACH_RCV_MSG of the current thread, who has a send
 * right to `dest` and waits for the answer at `reply`, whose receive right it has under that name. The body is in the processor's
 * message buffer. `sizes`: of the request, and of the room for the answer in the upper half.
 * => its space locked, interrupts off since the trap: returns with nothing changed when the general path has to do the call; else
 * the space is unlocked and the thread in user mode
 */
void	ipc_kernel_call(struct ipc_port *dest, struct ipc_port *reply, uint64_t msg, uint64_t sizes, mach_port_name_t name,
	    mach_msg_id_t id);

#endif
