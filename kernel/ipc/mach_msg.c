/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The message trap: send, receive, both.
 *
 * One path for everything; a shortcut for the common remote procedure call can stand before it as long as it changes nothing
 * until it is sure to succeed. A thread that waits keeps its arguments in struct ipc_thread and owns no kernel stack.
 *
 * RIGHTS  see copyin.c and copyout.c. A message that cannot be queued is given back (pseudo-receive).
 * TESTS   tests/boot
 */
#include <ipc/ipc_traps.h>
#include <ipc/fastpath.h>
#include <ipc/kmsg.h>
#include <ipc/kobject.h>
#include <ipc/mach_msg.h>
#include <ipc/mqueue.h>
#include <ipc/notify.h>
#include <ipc/rpc.h>
#include <ipc/space.h>
#include <kern/task.h>
#include <kern/thread.h>
#include <machine/copy.h>
#include <machine/cpu.h>

/* Too large a message stayed queued: only its size is told */
static void tell_size(uint64_t msg, uint32_t size)
{
	(void)copyout(&size, msg + offsetof(mach_msg_header_t, msgh_size), sizeof(size));
}

/* A message by the fast path: rights are few, errors fewer */
static mach_msg_return_t receive_fast(struct thread *self, struct ipc_kmsg *kmsg)
{
	mach_msg_return_t mr = ipc_fast_copyout(kmsg, self->th_task->tk_space);

	if (mr == MACH_MSG_SUCCESS)
		return ipc_kmsg_put(self->th_ipc.it_msg, kmsg, kmsg->ikm_header.msgh_size);
	(void)ipc_kmsg_put(self->th_ipc.it_msg, kmsg, sizeof(mach_msg_header_t));
	return mr;
}

/* => the result of a receive, its message delivered; consumes the message */
static mach_msg_return_t receive_done(struct thread *self, mach_msg_return_t mr, struct ipc_kmsg *kmsg, uint32_t size)
{
	struct ipc_thread *it = &self->th_ipc;
	struct ipc_space *space = self->th_task->tk_space;

	if (mr == MACH_MSG_SUCCESS) {
		if (kmsg->ikm_fast)
			return receive_fast(self, kmsg);
		mr = ipc_kmsg_copyout(kmsg, space, it->it_notify, it->it_option & MACH_RCV_NOTIFY);
		if (mr == MACH_MSG_SUCCESS)
			return ipc_kmsg_put(it->it_msg, kmsg, kmsg->ikm_header.msgh_size);
		if ((mr & ~MACH_MSG_MASK) == MACH_RCV_BODY_ERROR) {
			(void)ipc_kmsg_put(it->it_msg, kmsg, kmsg->ikm_header.msgh_size);
			return mr;
		}
	} else if (kmsg == NULL) {
		if (mr == MACH_RCV_TOO_LARGE)
			tell_size(it->it_msg, size);
		return mr;
	}
	/* the message is lost; the receiver learns where it came */
	ipc_kmsg_copyout_dest(kmsg, space);
	(void)ipc_kmsg_put(it->it_msg, kmsg, sizeof(mach_msg_header_t));
	return mr;
}

void mach_msg_receive_continue(void)
{
	struct thread *self = current_thread();
	struct ipc_kmsg *kmsg;
	uint32_t size;
	mach_msg_return_t mr;

	if (ipc_fast_received(self, &kmsg))
		thread_syscall_return(receive_fast(self, kmsg));
	mr = ipc_mqueue_receive_finish(&kmsg, &size);
	thread_syscall_return(receive_done(self, mr, kmsg, size));
}

/* A receiver was to get the CPU, but this thread goes on: both run */
static void abandon_handoff(struct thread *next)
{
	if (next != NULL)
		thread_handoff(next, NULL);
}

/* The receive half, with the arguments in it_* */
static mach_msg_return_t trap_receive(struct thread *self, struct thread *handoff)
{
	struct ipc_thread *it = &self->th_ipc;
	struct ipc_kmsg *kmsg = NULL;
	struct ipc_source so;
	mach_msg_return_t mr;
	uint32_t size = 0;

	mr = ipc_mqueue_source(self->th_task->tk_space, it->it_rcv_name, &so);
	if (mr == MACH_MSG_SUCCESS)
		mr = ipc_mqueue_receive(&so, it->it_option, it->it_rcv_size, it->it_timeout, mach_msg_receive_continue,
		    &handoff, &kmsg, &size);
	abandon_handoff(handoff);
	return receive_done(self, mr, kmsg, size);
}

/*
 * A message that could not be queued: forced in for who asked to be notified, else given back.
 * => consumes the message
 */
static mach_msg_return_t send_failed(struct thread *self, mach_msg_return_t mr, struct ipc_kmsg *kmsg)
{
	struct ipc_thread *it = &self->th_ipc;
	struct ipc_space *space = self->th_task->tk_space;

	if (mr == MACH_SEND_TIMED_OUT && (it->it_option & MACH_SEND_NOTIFY)) {
		mr = ipc_marequest_create(space, ikm_dest(kmsg), it->it_notify, &kmsg->ikm_marequest);
		if (mr == MACH_MSG_SUCCESS) {
			(void)ipc_mqueue_send(kmsg, MACH_SEND_ALWAYS, 0, NULL, NULL);
			return MACH_SEND_WILL_NOTIFY;
		}
	}
	mr |= ipc_kmsg_copyout_pseudo(kmsg, space);
	(void)ipc_kmsg_put(it->it_msg, kmsg, kmsg->ikm_header.msgh_size);
	return mr;
}

static void send_continue(void)
{
	struct thread *self = current_thread();
	struct ipc_kmsg *kmsg;
	mach_msg_return_t mr = ipc_mqueue_send_finish(&kmsg);

	if (mr != MACH_MSG_SUCCESS)
		mr = send_failed(self, mr, kmsg);
	else if (self->th_ipc.it_option & MACH_RCV_MSG)
		mr = trap_receive(self, NULL);
	thread_syscall_return(mr);
}

/* => receives from *so, which is consumed; waits, seldom returns */
static mach_msg_return_t fast_receive(struct thread *self, struct ipc_source *so, struct thread *handoff)
{
	struct ipc_thread *it = &self->th_ipc;
	struct ipc_kmsg *kmsg;
	mach_msg_return_t mr;
	uint32_t size = 0;

	if (handoff != NULL && ipc_fast_wait(self, so))
		thread_handoff(handoff, mach_msg_receive_continue);	/* does not return */
	mr = ipc_mqueue_receive(so, it->it_option, it->it_rcv_size, 0, mach_msg_receive_continue, &handoff, &kmsg, &size);
	abandon_handoff(handoff);
	return receive_done(self, mr, kmsg, size);
}

/* A kernel object's call: the header is held, *so the reply port. => the result of both halves */
static mach_msg_return_t kernel_call(struct thread *self, struct ipc_kmsg *kmsg, struct ipc_source *so)
{
	struct ipc_space *space = self->th_task->tk_space;
	struct ipc_thread *it = &self->th_ipc;
	mach_msg_return_t mr = MACH_MSG_SUCCESS, put;

	if (kmsg->ikm_header.msgh_bits & MACH_MSGH_BITS_COMPLEX)
		mr = ipc_kmsg_copyin_body(kmsg, space);
	if (mr != MACH_MSG_SUCCESS) {
		ipc_port_release(so->so_port);
		return mr;
	}
	kmsg = ipc_kobject_server(kmsg);
	if (kmsg == NULL || !ipc_fast_answer(kmsg, so, it->it_rcv_size)) {
		if (kmsg != NULL)
			(void)ipc_mqueue_send(kmsg, MACH_SEND_ALWAYS, 0, NULL, NULL);
		return fast_receive(self, so, NULL);
	}
	ipc_port_release(so->so_port);
	if (kmsg->ikm_header.msgh_bits & MACH_MSGH_BITS_COMPLEX)
		mr = ipc_kmsg_copyout_body(kmsg, space);
	put = ipc_kmsg_put(it->it_msg, kmsg, kmsg->ikm_header.msgh_size);
	return mr != 0 ? mr | MACH_RCV_BODY_ERROR : put;
}

/* => MACH_SEND_IN_PROGRESS: the receive half is done too, with the result *done */
static mach_msg_return_t trap_send(struct thread *self, uint32_t send_size, struct thread **handoff,
    mach_msg_return_t *done)
{
	struct ipc_thread *it = &self->th_ipc;
	uint32_t option = it->it_option, timeout = it->it_timeout;
	struct ipc_kmsg *kmsg;
	mach_msg_return_t mr;

	if ((mr = ipc_kmsg_get(it->it_msg, send_size, &kmsg)) != MACH_MSG_SUCCESS)
		return mr;
	kmsg->ikm_trace = it->it_trace;
	if (option == (MACH_SEND_MSG | MACH_RCV_MSG)) {
		struct ipc_source so;
		enum ipc_fast how = ipc_fast_send(kmsg, it->it_rcv_name, &so, handoff);

		if (how != IPC_FAST_MISS) {
			*done = how == IPC_FAST_SENT ? fast_receive(self, &so, *handoff) : kernel_call(self, kmsg, &so);
			return MACH_SEND_IN_PROGRESS;
		}
	} else if (option == MACH_SEND_MSG && ipc_fast_reply(kmsg)) {
		return MACH_MSG_SUCCESS;
	}
	if ((option & MACH_SEND_CANCEL) && it->it_notify == MACH_PORT_NAME_NULL) {
		ipc_kmsg_free_receiver(kmsg);
		return MACH_SEND_INVALID_NOTIFY;
	}
	mr = ipc_kmsg_copyin(kmsg, self->th_task->tk_space,
	    option & MACH_SEND_CANCEL ? it->it_notify : MACH_PORT_NAME_NULL);
	if (mr != MACH_MSG_SUCCESS)
		return mr;
	if ((option & MACH_SEND_NOTIFY) && !(option & MACH_SEND_TIMEOUT)) {
		option |= MACH_SEND_TIMEOUT;
		timeout = 0;
	}
	mr = ipc_mqueue_send(kmsg, option & MACH_SEND_TIMEOUT, timeout, send_continue, handoff);
	return mr == MACH_MSG_SUCCESS ? mr : send_failed(self, mr, kmsg);
}

/* => the largest message that rpc.c may deliver while the thread waits: none if the receive has options, or the return needs iretq */
static inline uint32_t room(const struct thread *self, uint32_t option, uint32_t rcv_size)
{
	return (option & ~(MACH_RCV_LARGE | MACH_SEND_MSG)) == MACH_RCV_MSG && self->th_ipc.it_msg < IPC_ROOM_LIMIT &&
	    self->th_machine.mt_regs.rip < VM_USER_MAX ? rcv_size : 0;
}

long mach_msg_trap(uint64_t msg, uint64_t option, uint64_t send_size, uint64_t rcv_size, uint64_t rcv_name,
    uint64_t timeout, uint64_t notify)
{
	struct thread *self = current_thread(), *handoff = NULL;
	struct ipc_thread *it = &self->th_ipc;
	mach_msg_return_t mr, received = MACH_MSG_SUCCESS;

	it->it_msg = msg;
	it->it_option = (uint32_t)option;
	it->it_rcv_size = (uint32_t)rcv_size;
	it->it_rcv_name = (uint32_t)rcv_name;
	it->it_timeout = (uint32_t)timeout;
	it->it_notify = (uint32_t)notify;
	it->it_room = room(self, (uint32_t)option, (uint32_t)rcv_size);
	ipc_rpc_prepare();
	if (option & MACH_SEND_MSG) {
		/* handing over the CPU pays only when this thread is going to wait */
		mr = trap_send(self, (uint32_t)send_size, option & MACH_RCV_MSG ? &handoff : NULL, &received);
		if (mr == MACH_SEND_IN_PROGRESS)
			return received;
		if (mr != MACH_MSG_SUCCESS || !(option & MACH_RCV_MSG))
			return mr;
	}
	if (option & MACH_RCV_MSG)
		return trap_receive(self, handoff);
	return MACH_MSG_SUCCESS;
}
