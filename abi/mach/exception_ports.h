/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An addition to the interface: exception ports by kind of exception, for threads, tasks and the host, and what their messages carry.
 * Names and meanings are those other Machs have; the routines are in exception_ports.defs, the messages in exc_state.defs.
 */
#ifndef MACH_EXCEPTION_PORTS_H
#define MACH_EXCEPTION_PORTS_H

#include <mach/exception.h>

#define EXC_TYPES_COUNT			7	/* kinds 1 to 6; 0 is none */

typedef int exception_mask_t;
typedef int exception_behavior_t;

#define EXC_MASK_BAD_ACCESS		(1 << EXC_BAD_ACCESS)
#define EXC_MASK_BAD_INSTRUCTION	(1 << EXC_BAD_INSTRUCTION)
#define EXC_MASK_ARITHMETIC		(1 << EXC_ARITHMETIC)
#define EXC_MASK_EMULATION		(1 << EXC_EMULATION)
#define EXC_MASK_SOFTWARE		(1 << EXC_SOFTWARE)
#define EXC_MASK_BREAKPOINT		(1 << EXC_BREAKPOINT)
#define EXC_MASK_ALL			0x7e

/* what the message carries */
#define EXCEPTION_DEFAULT		1	/* exception_raise: rights to thread and task */
#define EXCEPTION_STATE			2	/* exception_raise_state: a state of the thread, and takes one back */
#define EXCEPTION_STATE_IDENTITY	3	/* exception_raise_state_identity: both */

#define EXC_RAISE_STATE_ID		2401
#define EXC_RAISE_STATE_IDENTITY_ID	2402

#endif
