/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A call to a kernel object in one straight line: a small request without rights or memory, a routine that only answers, and
 * the answer goes to where the caller waits for it.
 *
 * Nothing is queued: the routine runs on the request and the answer, both on the caller's stack, and the answer is copied to the
 * caller's buffer as if it had been sent to the reply port and received there. Whether it can is looked at when it is ready, for
 * the routine may have slept, or changed that very port; if it cannot it is sent after all.
 *
 * RIGHTS  the copied send right of the destination would be made and dropped again: it is not counted, but where its end would be
 *         told (IP_F_KNOSENDERS) the call is not done here. The reply right is made at the port, for all to see, and never has a name.
 * LOCKS   those of rpc.c until the routine begins; then none, and the routine may sleep.
 * TESTS   tests/boot: kernel_paths compares it with the general path; every test that calls the kernel
 */
#include <debug/calls.h>
#include <debug/stale.h>
#include <ipc/ipc_traps.h>
#include <ipc/kernel_call.h>
#include <ipc/kmsg.h>
#include <ipc/kobject.h>
#include <ipc/mqueue.h>
#include <ipc/port.h>
#include <ipc/space.h>
#include <kern/string.h>
#include <kern/task.h>
#include <kern/thread.h>
#include <kern/wait.h>
#include <machine/copy.h>

#define REQUEST_MAX	512u
#define REPLY_MAX	512u
#define HEADER_SIZE	((uint32_t)sizeof(mach_msg_header_t))

/* One look in the part that changes nothing; as in rpc.c */
#define HOLDS(condition)	(!fault_look("rpc") && (condition))

/* what the answer is in: a message, but for its memory */
struct answer {
	struct ipc_kmsg	 an_kmsg;
	char		 an_body[REPLY_MAX - sizeof(mach_msg_header_t)];
};

/* => the answer, held, was not taken: it is sent, and the caller receives what there is to receive */
static void __attribute__((noreturn, noinline)) answer_slowly(struct answer *an, uint64_t msg, uint32_t rcv_size,
    mach_port_name_t name)
{
	uint32_t size = an->an_kmsg.ikm_header.msgh_size;
	struct ipc_kmsg *kmsg = ipc_kmsg_alloc_patiently(size);

	if (kmsg != NULL) {
		memcpy(&kmsg->ikm_header, &an->an_kmsg.ikm_header, size);
		kmsg->ikm_trace = current_thread()->th_ipc.it_trace;
		(void)ipc_mqueue_send(kmsg, MACH_SEND_ALWAYS, 0, NULL, NULL);
	} else {
		an->an_kmsg.ikm_marequest = NULL;
		ipc_kmsg_clean(&an->an_kmsg);
	}
	thread_syscall_return(mach_msg_trap(msg, MACH_RCV_MSG, 0, rcv_size, name, 0, 0));
}

/* => received from the reply port in the moment in which it was sent there; false: it must be sent, nothing has changed */
static inline bool take_answer(struct ipc_port *port, mach_msg_header_t *h, uint32_t rcv_size, mach_port_name_t name)
{
	bool ok;

	if (h->msgh_size > rcv_size)
		return false;
	ipc_port_lock(port);
	ok = port->ip_state == IP_SPACE && port->ip_space == current_thread()->th_task->tk_space && port->ip_name == name &&
	    port->ip_set == NULL && port->ip_messages == NULL && port->ip_receivers == NULL && !(port->ip_flags & IP_F_PAYLOAD);
	if (!ok) {
		ipc_port_unlock(port);
		return false;
	}
	port->ip_sorights--;
	h->msgh_seqno = port->ip_seqno++;
	/* never the last reference: the name has one */
	counter_add(COUNT_PORT_REF, -1);
	__atomic_fetch_sub(&port->ip_refs, 1, __ATOMIC_RELEASE);
	ipc_port_unlock(port);
	h->msgh_bits = (h->msgh_bits & MACH_MSGH_BITS_COMPLEX) | MACH_MSGH_BITS(0, MACH_MSG_TYPE_PORT_SEND_ONCE);
	h->msgh_remote_port = MACH_PORT_NULL;
	h->msgh_protected_payload = name;
	return true;
}

/* => an answer as the user is to see it; the result */
static inline mach_msg_return_t put(const mach_msg_header_t *h, uint64_t msg)
{
	stale_look(h, h->msgh_size);
	return copyout(h, msg, h->msgh_size) == KERN_SUCCESS ? MACH_MSG_SUCCESS : MACH_RCV_INVALID_DATA;
}

/* => an answer with rights or memory, held, to the user; the result */
static mach_msg_return_t __attribute__((noinline)) put_complex(struct answer *an, uint64_t msg)
{
	mach_msg_return_t mr = ipc_kmsg_copyout_body(&an->an_kmsg, ipc_space_self());
	mach_msg_return_t put_mr = put(&an->an_kmsg.ikm_header, msg);

	return mr != 0 ? mr | MACH_RCV_BODY_ERROR : put_mr;
}

/* => interrupts on, nothing locked, the reply right made, the destination referenced: the routine, and what becomes of its answer */
static inline mach_msg_return_t run(mig_routine_t routine, mach_msg_header_t *request, uint64_t msg, uint32_t rcv_size,
    mach_port_name_t name)
{
	struct answer an __attribute__((aligned(16)));
	mach_msg_header_t *h = &an.an_kmsg.ikm_header;
	struct ipc_port *reply = request->msgh_local_port;
	kern_return_t kr;

	stale_fill(&an, sizeof an);
	ipc_kobject_reply_header(h, request, MIG_BAD_ID);
	routine(request, h);
	kr = ((mig_reply_header_t *)(void *)h)->RetCode;
	calls_note(request->msgh_id, kr);
	ipc_port_release(request->msgh_remote_port);
	if (kr != KERN_SUCCESS) {
		h->msgh_bits &= ~MACH_MSGH_BITS_COMPLEX;
		h->msgh_size = sizeof(mig_reply_header_t);
	} else if (h->msgh_bits & MACH_MSGH_BITS_COMPLEX) {
		ipc_kmsg_copyin_kernel(&an.an_kmsg);
	}
	if (!take_answer(reply, h, rcv_size, name))
		answer_slowly(&an, msg, rcv_size, name);
	if (h->msgh_bits & MACH_MSGH_BITS_COMPLEX)
		return put_complex(&an, msg);
	return put(h, msg);
}

/* => interrupts off: the request's body from the processor's buffer, where rpc.c has put it */
static inline void take_body(void *body, uint32_t size)
{
	const uint64_t *from = (const uint64_t *)(const void *)(&cpu_self()->cp_message->ikm_header + 1);
	uint64_t *to = body;

	for (uint32_t n = size / sizeof(*to); n > 0; n--)
		*to++ = *from++;
}

void ipc_kernel_call(struct ipc_port *dest, struct ipc_port *reply, uint64_t msg, uint64_t sizes, mach_port_name_t name,
    mach_msg_id_t id)
{
	mach_msg_header_t request[REQUEST_MAX / HEADER_SIZE];
	uint32_t reply_max, size = (uint32_t)sizes;
	mig_routine_t routine = ipc_kobject_routine(id, &reply_max);

	if (!HOLDS(dest->ip_state == IP_KERNEL && !(dest->ip_flags & IP_F_KNOSENDERS) && ipc_label_send(dest)) ||
	    !HOLDS(routine != NULL && reply_max <= REPLY_MAX && size <= REQUEST_MAX) ||
	    !HOLDS(spin_try_quick(&reply->ip_lock)))
		return;
	/* nothing can fail from here on */
	ipc_port_make_sonce_locked(reply);
	spin_unlock_quick(&reply->ip_lock);
	ipc_port_ref_inline(dest);
	if (size != HEADER_SIZE)
		take_body(request + 1, size - HEADER_SIZE);
	spin_unlock_quick(&ipc_space_self()->is_lock);
	interrupts_enable();
	request[0] = (mach_msg_header_t){
		.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_PORT_SEND, MACH_MSG_TYPE_PORT_SEND_ONCE), .msgh_size = size,
		.msgh_remote_port = dest, .msgh_local_port = reply, .msgh_id = id,
	};
	thread_syscall_return(run(routine, request, msg, (uint32_t)(sizes >> 32), name));
}
