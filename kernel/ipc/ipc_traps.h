/* SPDX-License-Identifier: BSD-2-Clause */
/* The message and port traps, as the trap table (kern/syscall_table.h) calls them. Results go to the user's rax. */
#ifndef IPC_IPC_TRAPS_H
#define IPC_IPC_TRAPS_H

#include <stdint.h>

/* -25: may not return (the thread waits without a stack) */
long	mach_msg_trap(uint64_t msg, uint64_t option, uint64_t send_size, uint64_t rcv_size, uint64_t rcv_name,
	    uint64_t timeout, uint64_t notify);
long	trap_mach_reply_port(void);						/* -26 */
long	trap_mach_thread_self(void);						/* -27 */
long	trap_mach_task_self(void);						/* -28 */
long	trap_mach_host_self(void);						/* -29 */
/* MACH_SEND_INTERRUPTED when `task` is not a local task's port: the library then sends the message */
long	trap_mach_port_allocate(uint64_t task, uint64_t right, uint64_t namep);	/* -72 */
long	trap_mach_port_deallocate(uint64_t task, uint64_t name);		/* -73 */
long	trap_mach_port_insert_right(uint64_t task, uint64_t name, uint64_t right, uint64_t type);	/* -74 */
long	trap_mach_port_allocate_name(uint64_t task, uint64_t right, uint64_t name);	/* -75 */

#endif
