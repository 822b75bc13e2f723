/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Messages to ports whose receiver is the kernel.
 *
 * RIGHTS  a routine that succeeds (or says MIG_NO_REPLY) has consumed the rights and memory of the request's body; one that
 *         fails has consumed nothing, and the request is destroyed here.
 */
#ifndef IPC_KOBJECT_H
#define IPC_KOBJECT_H

#include <stdbool.h>
#include <ipc/ipc.h>

void		 ipc_kobject_init(void);
/* => nothing locked; consumes the request; the answer to be sent, or NULL */
struct ipc_kmsg	*ipc_kobject_server(struct ipc_kmsg *request);
/* => a notification the kernel itself asked for: true when soright is to a kernel object's port (then consumed) */
bool		 ipc_kobject_notify(struct ipc_port *soright, int id, uint32_t value);
/*
 * Dead-name notifications to the kernel: fn(kobject of `listener`, value) is called, nothing locked, when `port` dies.
 * One function for each kind. => KERN_RESOURCE_SHORTAGE, KERN_INVALID_CAPABILITY (dead already)
 */
void		 ipc_kobject_set_dead_name(enum ipc_kotype, void (*fn)(void *kobject, uint32_t value));
kern_return_t	 ipc_kobject_request_dead(struct ipc_port *port, struct ipc_port *listener, uint32_t value);

#endif
