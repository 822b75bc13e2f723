/* SPDX-License-Identifier: BSD-2-Clause */
/* The cache of reply ports, for those who must empty it. */
#ifndef LIB_MACH_REPLY_PORT_H
#define LIB_MACH_REPLY_PORT_H

/* The cached names mean nothing in this task: forget them. */
void reply_port_forget(void);

#endif
