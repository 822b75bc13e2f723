/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Help for the routines of unix.defs (call_*.c): who calls, and conversions.
 */
#ifndef UNIX_CALL_H
#define UNIX_CALL_H

#include <string.h>
#include "process.h"
#include "unix_server.h"

static inline struct process *
call_process(void)
{
	return uthread_current()->t_process;
}

/* The description of a descriptor with a reference, or null. */
static inline struct file *
call_file(int fd)
{
	return fdtable_get(call_process()->p_fds, fd);
}

/* An interrupted call is one to restart, by default as SA_RESTART says. */
static inline int64_t
call_result(int64_t result)
{
	return result == -LX_EINTR ? -UNIX_ERESTARTSYS : result;
}

#endif
