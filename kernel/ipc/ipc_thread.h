/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the message trap keeps in a thread across a wait. Owned by ipc/.
 *
 * Legend: (c) only the thread itself; (q) lock of the port or set waited on while it_queued, then the thread's.
 */
#ifndef IPC_IPC_THREAD_H
#define IPC_IPC_THREAD_H

#include <stdbool.h>
#include <stdint.h>
#include <mach/message.h>

struct ipc_kmsg;
struct ipc_port;
struct queue;

enum ipc_queued { IPC_NOT_QUEUED, IPC_QUEUED_SENDER, IPC_QUEUED_RECEIVER };

struct ipc_thread {
	uint64_t	 it_msg;		/* (c) user buffer */
	void		*it_object;		/* (c) port or set waited on, referenced */
	struct ipc_kmsg	*it_kmsg;		/* (q) delivered (receive) or to be queued (send) */
	uint32_t	 it_option;		/* (c) */
	uint32_t	 it_rcv_size;		/* (c) */
	uint32_t	 it_room;		/* (q)(t) largest message rpc.c may deliver: 0 but in a plain receive or an exception */
	uint32_t	 it_rcv_name;		/* (c) for the receive half after a blocked send */
	uint32_t	 it_timeout;		/* (c) */
	uint32_t	 it_notify;		/* (c) */
	uint32_t	 it_result;		/* (q) mach_msg_return_t given by the waker */
	uint32_t	 it_seqno;		/* (q) */
	uint32_t	 it_needed_size;	/* (q) too-large message: the size it needs */
	uint8_t		 it_queued;		/* (q) enum ipc_queued */
	bool		 it_on_set;		/* (c) it_object is a set */
	bool		 it_destroying;		/* (c) the outer ipc_kmsg_destroy takes what inner ones leave */
	struct queue	*it_doomed;		/* (c) messages left to it */
	struct ipc_kmsg	*it_spare;		/* (c) small buffer of the message received last, for the next sent */
	struct ipc_port	*it_reply;		/* (c) kernel-held reply port for exceptions, NULL until first */
	void		(*it_done)(kern_return_t);	/* (c) where an exception goes on */
	int32_t		 it_exception_id;	/* (c) id of the request it waits for the answer to */
	mach_port_name_t it_named_thread, it_named_task;	/* (c) what exception handlers were given last */
	mach_port_name_t it_self_name;		/* (c) what mach_thread_self gave last */
	uint64_t	 it_trace;		/* (c) id of the request it works on */
};

#endif
