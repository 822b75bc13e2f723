/* SPDX-License-Identifier: BSD-2-Clause */
/* What the proxy (proxy.c) has between a program and the kernel: a port for each object. */
#ifndef PROXY_LINK_H
#define PROXY_LINK_H

#include "test.h"

/* whose message it is that has a right: what the kernel sends, what the program sends, and of that what the kernel will send to */
enum proxy_way { PROXY_OUT, PROXY_IN, PROXY_IN_HEARD };

/* before anything is counted: memory, ports; all proxies are in the set */
void		proxy_links_init(mach_port_t set);
/* => consumes a send right; gives the one that the other side is to have instead */
mach_port_t	proxy_exchange(mach_port_t right, enum proxy_way);
/* the object behind a port of ours, with a reference; *from_kernel: the port was given to the kernel. 0: there is none any more */
mach_port_t	proxy_real(mach_port_t proxy, bool *from_kernel);
/* memory that is touched before anything is counted */
void		*proxy_room(size_t bytes);
/* the end of a link, when the message is one of its notifications. => it was */
bool		proxy_notification(const mach_msg_header_t *);

#endif
