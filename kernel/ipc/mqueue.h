/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Message queues: send, receive, waiting.
 *
 * LOCKS   wait state is set under the lock of the queue waited on (the port's or the set's), by both sides.
 */
#ifndef IPC_MQUEUE_H
#define IPC_MQUEUE_H

#include <ipc/kmsg.h>
#include <ipc/port.h>
#include <kern/wait.h>

struct thread;

/* what a receiver waits on: a port or a set, referenced */
struct ipc_source {
	struct ipc_port	*so_port;	/* one of the two is NULL */
	struct ipc_pset	*so_set;
};

/*
 * => held message, consumed on success. Without MACH_SEND_ALWAYS a full queue blocks (with cont, which then must call
 * ipc_mqueue_send_finish) or, timeout 0 and MACH_SEND_TIMEOUT, fails with MACH_SEND_TIMED_OUT.
 * handoff not NULL: a receiver that got the message may be left there, waiting for thread_handoff.
 */
mach_msg_return_t ipc_mqueue_send(struct ipc_kmsg *, uint32_t option, uint32_t timeout, continuation_t cont,
		    struct thread **handoff);
/* => in cont: result of the wait; on error *kmsg is the message */
mach_msg_return_t ipc_mqueue_send_finish(struct ipc_kmsg **);

/* => by name in the current space. MACH_RCV_INVALID_NAME, MACH_RCV_IN_SET */
mach_msg_return_t ipc_mqueue_source(struct ipc_space *, mach_port_name_t, struct ipc_source *);
/*
 * => consumes the source's reference. Blocks with cont (which calls ipc_mqueue_receive_finish), handing the CPU to *handoff.
 * MACH_RCV_TOO_LARGE: *kmsg NULL and *size needed when it stays queued, else the message.
 */
mach_msg_return_t ipc_mqueue_receive(struct ipc_source *, uint32_t option, uint32_t rcv_size, uint32_t timeout,
		    continuation_t cont, struct thread **handoff, struct ipc_kmsg **, uint32_t *size);
mach_msg_return_t ipc_mqueue_receive_finish(struct ipc_kmsg **, uint32_t *size);
/* => port locked, stays so: messages to waiting receivers, blocked senders into the queue */
void		 ipc_mqueue_changed(struct ipc_port *);
/* => lock of the ring held: wakes all with a result */
void		 ipc_mqueue_wake_receivers(struct queue **ring, mach_msg_return_t result);
/* => lock held of a set that is marked dead, so that nobody joins them: all learn of it; the lock is given up now and then */
void		 ipc_mqueue_end_receivers(struct queue **ring, struct spinlock *lock);
/* => nothing locked; the port is dead: its blocked senders go on, their messages are destroyed */
void		 ipc_mqueue_flush(struct ipc_port *);

#endif
