/* SPDX-License-Identifier: BSD-2-Clause */
/* The common remote procedure call; see fastpath.c. */
#ifndef IPC_FASTPATH_H
#define IPC_FASTPATH_H

#include <stdbool.h>
#include <ipc/ipc.h>
#include <ipc/mqueue.h>

struct ipc_kmsg;
struct thread;

enum ipc_fast {
	IPC_FAST_MISS,		/* nothing has changed */
	IPC_FAST_SENT,		/* the message is with its receiver, who waits for the CPU in *handoff; receive from *source, referenced */
	IPC_FAST_KERNEL,	/* a kernel object's: the header is held, the body raw; *source is the reply port, referenced */
};

/* => a raw message and a receive with no options; nothing locked */
enum ipc_fast	 ipc_fast_send(struct ipc_kmsg *, mach_port_name_t rcv_name, struct ipc_source *, struct thread **handoff);
/* => a raw message sent alone: true: it is with its receiver, who runs; false: nothing has changed */
bool		 ipc_fast_reply(struct ipc_kmsg *);
/*
 * => a kernel object's answer, taken straight to the reply port's waiting owner: true: copied header, its body still held;
 * false: it must be queued
 */
bool		 ipc_fast_answer(struct ipc_kmsg *, const struct ipc_source *, uint32_t rcv_size);
/* => the current thread waits for a message from *source, whose reference it keeps; false: a message is there, or the source is not
   what it was. Receive arguments in th_ipc, no options */
bool		 ipc_fast_wait(struct thread *, const struct ipc_source *);
/* => in the continuation: true when the wait ended with a fast message */
bool		 ipc_fast_received(struct thread *, struct ipc_kmsg **);
/* => a fast message becomes a copied one; MACH_RCV_HEADER_ERROR with bits: only its header is good */
mach_msg_return_t ipc_fast_copyout(struct ipc_kmsg *, struct ipc_space *);

#endif
