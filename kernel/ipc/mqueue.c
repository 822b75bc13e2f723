/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Message queues.
 *
 * A receiver waits only where there is no message, a sender only where the queue is full. Who wakes a thread takes it off the
 * ring under the queue's lock, fills in the result and then makes it runnable; a thread that finds itself still on the ring
 * after its wait was broken takes itself off under the same lock. So a wake-up is never lost and never doubled.
 * Blocked senders leave their message with the thread: whoever makes room queues it in their order.
 *
 * LOCKS   port, then set. Receive through a set finds the ready member under the set's lock and looks again under both.
 * RIGHTS  a send consumes the message unless it fails.
 * TESTS   tests/unit/ipc, tests/boot
 */
#include <ipc/mqueue.h>
#include <ipc/kobject.h>
#include <ipc/notify.h>
#include <ipc/pset.h>
#include <ipc/right.h>
#include <ipc/ring.h>
#include <ipc/space.h>
#include <kern/panic.h>
#include <kern/task.h>
#include <kern/thread.h>
#include <machine/cpu.h>

#define WAKE_AT_ONCE	32	/* receivers that learn of a death in one locked section */
#define FLUSH_BATCH	16	/* how many a dead port lets go at a time */

static struct thread *ring_thread(struct queue *link)
{
	return queue_entry(link, struct thread, th_wait_link);
}

static struct ipc_kmsg *ring_kmsg(struct queue *link)
{
	return queue_entry(link, struct ipc_kmsg, ikm_link);
}

static uint64_t deadline_after(uint32_t option_set, uint32_t ms)
{
	return option_set ? clock_uptime_ns() + (uint64_t)ms * 1000000 : 0;
}

/* => false: none is left to wake */
static bool wake_receiver(struct queue **ring, mach_msg_return_t result)
{
	struct queue *link = ring_pop(ring);
	struct thread *th;

	if (link == NULL)
		return false;
	th = ring_thread(link);
	th->th_ipc.it_queued = IPC_NOT_QUEUED;
	th->th_ipc.it_result = (uint32_t)result;
	thread_go(th, WAIT_AWAKENED);
	return true;
}

void ipc_mqueue_wake_receivers(struct queue **ring, mach_msg_return_t result)
{
	while (wake_receiver(ring, result))
		;
}

void ipc_mqueue_end_receivers(struct queue **ring, struct spinlock *lock)
{
	unsigned woken = 0;

	while (wake_receiver(ring, MACH_RCV_PORT_DIED))
		if (++woken % WAKE_AT_ONCE == 0) {
			spin_unlock(lock);
			spin_lock(lock);
		}
}

/*
 * Give the message to a waiting receiver. One whose buffer is too small learns the size and goes on without it.
 * => ring's lock and port locked; false: nobody took it
 */
static bool mqueue_deliver(struct ipc_port *port, struct ipc_kmsg *kmsg, struct queue **receivers,
    struct thread **handoff)
{
	struct queue *link;

	while ((link = ring_pop(receivers)) != NULL) {
		struct thread *th = ring_thread(link);
		struct ipc_thread *it = &th->th_ipc;

		it->it_queued = IPC_NOT_QUEUED;
		if (kmsg->ikm_header.msgh_size > it->it_rcv_size) {
			it->it_needed_size = kmsg->ikm_header.msgh_size;
			it->it_result = MACH_RCV_TOO_LARGE;
			thread_go(th, WAIT_AWAKENED);
			continue;
		}
		it->it_kmsg = kmsg;
		it->it_result = MACH_MSG_SUCCESS;
		kmsg->ikm_header.msgh_seqno = port->ip_seqno;
		if (handoff != NULL && *handoff == NULL) {
			if (thread_go_handoff(th, WAIT_AWAKENED)) {
				*handoff = th;
				port->ip_seqno++;
				return true;
			}
		} else if (thread_go(th, WAIT_AWAKENED)) {
			port->ip_seqno++;
			return true;
		}
		/* its wait was broken already; it does not look at this without our lock */
		it->it_kmsg = NULL;
	}
	return false;
}

/* => port locked: the message is delivered or queued */
static void mqueue_post(struct ipc_port *port, struct ipc_kmsg *kmsg, struct thread **handoff)
{
	struct ipc_pset *pset = port->ip_set;

	if (pset == NULL) {
		if (port->ip_receivers != NULL && port->ip_messages == NULL &&
		    mqueue_deliver(port, kmsg, &port->ip_receivers, handoff))
			return;
		ring_push(&port->ip_messages, &kmsg->ikm_link);
		port->ip_msgcount++;
		return;
	}
	ipc_pset_lock(pset);
	if (pset->ps_receivers == NULL || port->ip_messages != NULL ||
	    !mqueue_deliver(port, kmsg, &pset->ps_receivers, handoff)) {
		ring_push(&port->ip_messages, &kmsg->ikm_link);
		port->ip_msgcount++;
		if (!(port->ip_flags & IP_F_READY)) {
			port->ip_flags |= IP_F_READY;
			ring_push(&pset->ps_ready, &port->ip_ready_link);
		}
	}
	ipc_pset_unlock(pset);
}

/* => port locked: while there is room, messages of blocked senders are queued, the first come first */
static void mqueue_admit(struct ipc_port *port)
{
	struct queue *link;

	while (port->ip_msgcount < port->ip_qlimit && (link = ring_pop(&port->ip_senders)) != NULL) {
		struct thread *th = ring_thread(link);
		struct ipc_thread *it = &th->th_ipc;
		struct ipc_kmsg *kmsg = it->it_kmsg;

		it->it_queued = IPC_NOT_QUEUED;
		it->it_kmsg = NULL;
		it->it_result = MACH_MSG_SUCCESS;
		if (thread_go(th, WAIT_AWAKENED))
			mqueue_post(port, kmsg, NULL);
		else
			it->it_kmsg = kmsg;	/* timed out: it takes the message back */
	}
}

/* => port and its set, if any, locked: a message has left the queue; the others get their turn */
static void mqueue_ready_next(struct ipc_port *port, struct ipc_pset *pset)
{
	if (pset == NULL || !(port->ip_flags & IP_F_READY))
		return;
	ring_remove(&pset->ps_ready, &port->ip_ready_link);
	if (port->ip_messages != NULL)
		ring_push(&pset->ps_ready, &port->ip_ready_link);
	else
		port->ip_flags &= (uint8_t)~IP_F_READY;
}

/* => port locked, has a message: the first, off the queue */
static struct ipc_kmsg *mqueue_take(struct ipc_port *port)
{
	struct ipc_kmsg *kmsg = ring_kmsg(ring_pop(&port->ip_messages));
	struct ipc_pset *pset = port->ip_set;

	port->ip_msgcount--;
	kmsg->ikm_header.msgh_seqno = port->ip_seqno++;
	if (pset != NULL) {
		ipc_pset_lock(pset);
		mqueue_ready_next(port, pset);
		ipc_pset_unlock(pset);
	}
	return kmsg;
}

void ipc_mqueue_changed(struct ipc_port *port)
{
	struct ipc_pset *pset = port->ip_set;
	struct queue **receivers = pset != NULL ? &pset->ps_receivers : &port->ip_receivers;
	struct queue *link;

	if (pset != NULL)
		ipc_pset_lock(pset);
	while (port->ip_messages != NULL && *receivers != NULL) {
		/* off the queue first: who gets it may free it before we look again */
		link = ring_pop(&port->ip_messages);
		if (!mqueue_deliver(port, ring_kmsg(link), receivers, NULL)) {
			ring_push(&port->ip_messages, link);
			port->ip_messages = link;
			break;
		}
		port->ip_msgcount--;
		mqueue_ready_next(port, pset);
	}
	if (pset != NULL)
		ipc_pset_unlock(pset);
	mqueue_admit(port);
}

void ipc_mqueue_flush(struct ipc_port *port)
{
	struct ipc_kmsg *batch[FLUSH_BATCH];
	struct queue *link;
	unsigned n;

	do {
		n = 0;
		ipc_port_lock(port);
		while (n < FLUSH_BATCH && (link = ring_pop(&port->ip_messages)) != NULL) {
			port->ip_msgcount--;
			batch[n++] = ring_kmsg(link);
		}
		while (n < FLUSH_BATCH && (link = ring_pop(&port->ip_senders)) != NULL) {
			struct ipc_thread *it = &ring_thread(link)->th_ipc;
			struct ipc_kmsg *kmsg = it->it_kmsg;

			it->it_queued = IPC_NOT_QUEUED;
			it->it_kmsg = NULL;
			it->it_result = MACH_MSG_SUCCESS;
			if (thread_go(ring_thread(link), WAIT_AWAKENED))
				batch[n++] = kmsg;
			else
				it->it_kmsg = kmsg;
		}
		ipc_port_unlock(port);
		for (unsigned i = 0; i < n; i++)
			ipc_kmsg_destroy(batch[i]);
	} while (n == FLUSH_BATCH);
}

/* Sending */

/* => port locked and full; unlocks it and waits. The message is the thread's */
static void mqueue_wait_to_send(struct ipc_port *port, struct ipc_kmsg *kmsg, uint32_t option, uint32_t timeout,
    continuation_t cont)
{
	struct thread *self = current_thread();
	struct ipc_thread *it = &self->th_ipc;

	ipc_port_ref_inline(port);
	it->it_object = port;
	it->it_on_set = false;
	it->it_kmsg = kmsg;
	it->it_queued = IPC_QUEUED_SENDER;
	ring_push(&port->ip_senders, &self->th_wait_link);
	thread_will_wait(true, deadline_after(option & MACH_SEND_TIMEOUT, timeout));
	ipc_port_unlock(port);
	thread_block(cont);
}

mach_msg_return_t ipc_mqueue_send(struct ipc_kmsg *kmsg, uint32_t option, uint32_t timeout, continuation_t cont,
    struct thread **handoff)
{
	struct ipc_port *dest;
	struct ipc_kmsg *reply;

	/* a kernel object's answer is sent in turn, always to be queued */
	for (;; kmsg = reply, option = MACH_SEND_ALWAYS) {
		dest = ikm_dest(kmsg);
		if (!IP_VALID(dest) || (kmsg->ikm_header.msgh_bits & MACH_MSGH_BITS_CIRCULAR)) {
			ipc_kmsg_destroy(kmsg);
			return MACH_MSG_SUCCESS;
		}
		if (dest->ip_state == IP_KERNEL && dest->ip_kotype != IKOT_NONE) {
			if ((reply = ipc_kobject_server(kmsg)) == NULL)
				return MACH_MSG_SUCCESS;
			continue;
		}
		break;
	}
	ipc_port_lock(dest);
	if (!ipc_port_alive(dest)) {
		ipc_port_unlock(dest);
		ipc_kmsg_destroy(kmsg);
		return MACH_MSG_SUCCESS;
	}
	if (dest->ip_msgcount >= dest->ip_qlimit && !(option & MACH_SEND_ALWAYS) &&
	    MACH_MSGH_BITS_REMOTE(kmsg->ikm_header.msgh_bits) != MACH_MSG_TYPE_PORT_SEND_ONCE) {
		if ((option & MACH_SEND_TIMEOUT) && timeout == 0) {
			ipc_port_unlock(dest);
			return MACH_SEND_TIMED_OUT;
		}
		mqueue_wait_to_send(dest, kmsg, option, timeout, cont);
		return ipc_mqueue_send_finish(&kmsg);	/* only when cont is NULL */
	}
	mqueue_post(dest, kmsg, handoff);
	ipc_port_unlock(dest);
	return MACH_MSG_SUCCESS;
}

mach_msg_return_t ipc_mqueue_send_finish(struct ipc_kmsg **kmsgp)
{
	struct thread *self = current_thread();
	struct ipc_thread *it = &self->th_ipc;
	struct ipc_port *port = it->it_object;
	mach_msg_return_t mr = MACH_MSG_SUCCESS;

	if (self->th_wait_result != WAIT_AWAKENED) {
		ipc_port_lock(port);
		if (it->it_queued == IPC_QUEUED_SENDER) {
			ring_remove(&port->ip_senders, &self->th_wait_link);
			it->it_queued = IPC_NOT_QUEUED;
		}
		ipc_port_unlock(port);
		mr = self->th_wait_result == WAIT_TIMED_OUT ? MACH_SEND_TIMED_OUT : MACH_SEND_INTERRUPTED;
	}
	*kmsgp = it->it_kmsg;
	it->it_kmsg = NULL;
	it->it_object = NULL;
	ipc_port_release(port);
	return mr;
}

/* Receiving */

mach_msg_return_t ipc_mqueue_source(struct ipc_space *space, mach_port_name_t name, struct ipc_source *so)
{
	struct ipc_entry *e;
	mach_msg_return_t mr = MACH_MSG_SUCCESS;

	*so = (struct ipc_source){ NULL, NULL };
	if (ipc_right_lookup(space, name, &e) != KERN_SUCCESS)
		return MACH_RCV_INVALID_NAME;
	if (e->ie_bits & MACH_PORT_TYPE_RECEIVE) {
		so->so_port = e->ie_object;
		if (so->so_port->ip_set != NULL)
			mr = MACH_RCV_IN_SET;
		else
			ipc_port_ref_inline(so->so_port);
	} else if (e->ie_bits & MACH_PORT_TYPE_PORT_SET) {
		so->so_set = e->ie_object;
		ipc_pset_ref(so->so_set);
	} else {
		mr = MACH_RCV_INVALID_NAME;
	}
	ipc_space_unlock(space);
	return mr;
}

/* The message has left the queue: tell the sender who forced it in */
static void mqueue_accepted(struct ipc_kmsg *kmsg)
{
	struct ipc_marequest *mar;

	if (kmsg == NULL || kmsg->ikm_marequest == NULL)
		return;
	mar = kmsg->ikm_marequest;
	kmsg->ikm_marequest = NULL;
	ipc_marequest_destroy(mar);
}

static void source_release(struct ipc_source *so)
{
	if (so->so_port != NULL)
		ipc_port_release(so->so_port);
	else
		ipc_pset_release(so->so_set);
}

/* The first message, when the buffer is large enough or the message is to be lost. => port locked, has a message */
static mach_msg_return_t mqueue_first(struct ipc_port *port, uint32_t option, uint32_t rcv_size,
    struct ipc_kmsg **kmsgp, uint32_t *size)
{
	uint32_t needed = ring_kmsg(port->ip_messages)->ikm_header.msgh_size;

	*size = needed;
	if (needed > rcv_size && (option & MACH_RCV_LARGE))
		return MACH_RCV_TOO_LARGE;
	*kmsgp = mqueue_take(port);
	mqueue_admit(port);
	return needed > rcv_size ? MACH_RCV_TOO_LARGE : MACH_MSG_SUCCESS;
}

/* => ring's lock held: join it as a receiver */
static void mqueue_enqueue_receiver(struct queue **ring, struct ipc_source *so, uint32_t option, uint32_t rcv_size,
    uint32_t timeout)
{
	struct thread *self = current_thread();
	struct ipc_thread *it = &self->th_ipc;

	it->it_on_set = so->so_set != NULL;
	it->it_object = it->it_on_set ? (void *)so->so_set : (void *)so->so_port;
	it->it_kmsg = NULL;
	it->it_rcv_size = rcv_size;
	it->it_queued = IPC_QUEUED_RECEIVER;
	ring_push(ring, &self->th_wait_link);
	thread_will_wait(true, deadline_after(option & MACH_RCV_TIMEOUT, timeout));
}

/* => MACH_RCV_IN_PROGRESS: waiting, nothing locked; else the result */
static mach_msg_return_t receive_port(struct ipc_source *so, uint32_t option, uint32_t rcv_size, uint32_t timeout,
    struct ipc_kmsg **kmsgp, uint32_t *size)
{
	struct ipc_port *port = so->so_port;
	mach_msg_return_t mr = MACH_RCV_IN_PROGRESS;

	ipc_port_lock(port);
	if (port->ip_state != IP_KERNEL && (port->ip_state != IP_SPACE || port->ip_space != ipc_space_self()))
		mr = MACH_RCV_PORT_DIED;
	else if (port->ip_set != NULL)
		mr = MACH_RCV_PORT_CHANGED;
	else if (port->ip_messages != NULL)
		mr = mqueue_first(port, option, rcv_size, kmsgp, size);
	else if ((option & MACH_RCV_TIMEOUT) && timeout == 0)
		mr = MACH_RCV_TIMED_OUT;
	else
		mqueue_enqueue_receiver(&port->ip_receivers, so, option, rcv_size, timeout);
	ipc_port_unlock(port);
	return mr;
}

static mach_msg_return_t receive_set(struct ipc_source *so, uint32_t option, uint32_t rcv_size, uint32_t timeout,
    struct ipc_kmsg **kmsgp, uint32_t *size)
{
	struct ipc_pset *pset = so->so_set;
	mach_msg_return_t mr = MACH_RCV_IN_PROGRESS;
	struct ipc_port *port;

	ipc_pset_lock(pset);
	while (pset->ps_ready != NULL) {
		port = queue_entry(pset->ps_ready, struct ipc_port, ip_ready_link);
		ipc_port_ref_inline(port);
		ipc_pset_unlock(pset);
		ipc_port_lock(port);
		if (port->ip_set == pset && port->ip_messages != NULL)
			mr = mqueue_first(port, option, rcv_size, kmsgp, size);
		ipc_port_unlock(port);
		ipc_port_release(port);
		if (mr != MACH_RCV_IN_PROGRESS)
			return mr;
		ipc_pset_lock(pset);
	}
	if (!pset->ps_active)
		mr = MACH_RCV_PORT_DIED;
	else if ((option & MACH_RCV_TIMEOUT) && timeout == 0)
		mr = MACH_RCV_TIMED_OUT;
	else
		mqueue_enqueue_receiver(&pset->ps_receivers, so, option, rcv_size, timeout);
	ipc_pset_unlock(pset);
	return mr;
}

mach_msg_return_t ipc_mqueue_receive(struct ipc_source *so, uint32_t option, uint32_t rcv_size, uint32_t timeout,
    continuation_t cont, struct thread **handoff, struct ipc_kmsg **kmsgp, uint32_t *size)
{
	mach_msg_return_t mr;
	struct thread *next;

	*kmsgp = NULL;
	mr = so->so_port != NULL ? receive_port(so, option, rcv_size, timeout, kmsgp, size) :
	    receive_set(so, option, rcv_size, timeout, kmsgp, size);
	next = handoff != NULL ? *handoff : NULL;
	if (next != NULL)
		*handoff = NULL;
	if (mr != MACH_RCV_IN_PROGRESS) {
		/* we go on and so does the other: before anything here can block */
		if (next != NULL)
			thread_handoff(next, NULL);
		source_release(so);
		mqueue_accepted(*kmsgp);
		return mr;
	}
	if (next != NULL) {
		thread_handoff(next, cont);
	} else {
		thread_block(cont);
	}
	return ipc_mqueue_receive_finish(kmsgp, size);	/* only when cont is NULL */
}

mach_msg_return_t ipc_mqueue_receive_finish(struct ipc_kmsg **kmsgp, uint32_t *size)
{
	struct thread *self = current_thread();
	struct ipc_thread *it = &self->th_ipc;
	struct ipc_source so = { NULL, NULL };
	mach_msg_return_t mr = (mach_msg_return_t)it->it_result;
	struct spinlock *lock;

	if (it->it_on_set)
		so.so_set = it->it_object;
	else
		so.so_port = it->it_object;
	*kmsgp = NULL;
	if (self->th_wait_result != WAIT_AWAKENED) {
		lock = it->it_on_set ? &so.so_set->ps_lock : &so.so_port->ip_lock;
		spin_lock(lock);
		if (it->it_queued == IPC_QUEUED_RECEIVER) {
			ring_remove(it->it_on_set ? &so.so_set->ps_receivers : &so.so_port->ip_receivers,
			    &self->th_wait_link);
			it->it_queued = IPC_NOT_QUEUED;
		}
		spin_unlock(lock);
		mr = self->th_wait_result == WAIT_TIMED_OUT ? MACH_RCV_TIMED_OUT : MACH_RCV_INTERRUPTED;
	} else if (mr == MACH_RCV_TOO_LARGE) {
		*size = it->it_needed_size;
	} else if (mr == MACH_MSG_SUCCESS) {
		*kmsgp = it->it_kmsg;
	}
	it->it_kmsg = NULL;
	it->it_object = NULL;
	source_release(&so);
	mqueue_accepted(*kmsgp);
	return mr;
}
