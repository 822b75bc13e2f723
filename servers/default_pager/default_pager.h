/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of the default pager share. */
#ifndef DEFAULT_PAGER_H
#define DEFAULT_PAGER_H

#include <mach.h>

extern mach_port_t host_privileged;
extern mach_port_t request_set;		/* all ports of the program */
/* the kernel may ask for space again */
void	announce(void);

#endif
