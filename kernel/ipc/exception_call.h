/* SPDX-License-Identifier: BSD-2-Clause */
/* The message of an exception in one straight line; see exception_call.c. */
#ifndef IPC_EXCEPTION_CALL_H
#define IPC_EXCEPTION_CALL_H

#include <ipc/ipc.h>
#include <mach/mig_errors.h>

/*
 * For the current thread: interrupts off, nothing locked, nothing on its kernel stack that is wanted again.
 * => returns when the general path has to do it, with nothing changed; else the handler is in user mode, the thread waits as after
 * ipc_exception_rpc, and *stage says whom to ask next
 */
void	ipc_exception_call(const struct ipc_exception *, uintptr_t *stage, void (*done)(kern_return_t));
/* exception.c: where a thread goes on whose handler has answered */
void	ipc_exception_continue(void);

#define EXC_REPLY_DISTANCE	100
/* what stands behind the header of an answer that says nothing but success; the header's id is known to be right */
#define IPC_EXCEPTION_ANSWER_SIZE	((uint32_t)sizeof(mig_reply_header_t))

#endif
