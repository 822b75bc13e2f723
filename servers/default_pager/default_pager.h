/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of the default pager share. */
#ifndef DEFAULT_PAGER_H
#define DEFAULT_PAGER_H

#include <mach.h>
#include <stdbool.h>

extern mach_port_t host_privileged;
extern mach_port_t request_set;		/* all ports of the program */
/*
 * Memory may be short just when it is our turn to make some free: a call that failed for want of it (or whose message could not be
 * sent) is made again. => true: after a rest; false: the error is of another kind, or it has lasted too long
 */
bool	try_again(kern_return_t, unsigned *tries);
/* the kernel may ask for space again */
void	announce(void);

#endif
