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
#include <mach/mig_errors.h>

void		 ipc_kobject_init(void);
/* => nothing locked; consumes the request; the answer to be sent, or NULL */
struct ipc_kmsg	*ipc_kobject_server(struct ipc_kmsg *request);
/* => the routine of an id that only answers, and the bytes of its largest answer; NULL: none, or one that does something else */
mig_routine_t	 ipc_kobject_routine(mach_msg_id_t, uint32_t *reply_max);
/* => an answer without results, to the request's reply port, whose right it takes over */
void		 ipc_kobject_reply_header(mach_msg_header_t *reply, const mach_msg_header_t *request, kern_return_t);
/* => a notification to a kernel object, which listens to none: true, and the send-once right is consumed */
bool		 ipc_kobject_notify(struct ipc_port *soright);

#endif
