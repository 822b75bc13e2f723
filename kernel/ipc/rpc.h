/* SPDX-License-Identifier: BSD-2-Clause */
/* The remote procedure call in one straight line; see rpc.c. */
#ifndef IPC_RPC_H
#define IPC_RPC_H

#include <stdint.h>
#include <mach/port.h>

struct thread;

/*
 * mach_msg_trap with exactly MACH_SEND_MSG | MACH_RCV_MSG, from the trap entry: interrupts off, kernel stack empty.
 * => returns when the general path has to do the call, with nothing changed; else the receiver is in user mode
 */
void	ipc_rpc(uint64_t msg, uint64_t option, uint64_t send_size, uint64_t rcv_size, uint64_t rcv_name);

/* => interrupts on, nothing locked: this CPU has its message buffer again, if memory can be had. prepare: if it has none */
void	ipc_rpc_refill(void);
void	ipc_rpc_prepare(void);

#endif
