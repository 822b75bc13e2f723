/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel's own remote procedure call: exception_raise, sent for the current thread, which waits for the reply without a
 * stack.
 *
 * OBJECT  it_reply: a port of the kernel's that nobody else holds a send right to, kept by the thread from one exception to the
 *         next. A wait that was broken leaves a send-once right out there: then the port is destroyed with it.
 * RIGHTS  the three rights are consumed whatever happens.
 * TESTS   tests/boot
 */
#include <ipc/ipc.h>
#include <ipc/kmsg.h>
#include <ipc/mqueue.h>
#include <ipc/port.h>
#include <kern/thread.h>
#include <machine/cpu.h>
#include <kern/string.h>
#include <mach/mig_errors.h>

#define EXCEPTION_RAISE_ID	2400
#define EXCEPTION_REPLY_ID	2500

struct exception_request {
	mach_msg_header_t Head;
	mach_msg_type_t	 thread_type;
	struct ipc_port	*thread;
	mach_msg_type_t	 task_type;
	struct ipc_port	*task;
	mach_msg_type_t	 exception_type;
	int32_t		 exception;
	int32_t		 exception_pad;
	mach_msg_type_t	 code_type;
	int32_t		 code;
	int32_t		 code_pad;
	mach_msg_type_t	 subcode_type;
	int64_t		 subcode;
};

_Static_assert(sizeof(struct exception_request) == 112, "exception_raise");

static const mach_msg_type_t right_type = {
	.msgt_name = MACH_MSG_TYPE_PORT_SEND, .msgt_size = 64, .msgt_inline = 1, .msgt_number = 1,
};
static const mach_msg_type_t int_type = {
	.msgt_name = MACH_MSG_TYPE_INTEGER_32, .msgt_size = 32, .msgt_inline = 1, .msgt_number = 1,
};
static const mach_msg_type_t long_type = {
	.msgt_name = MACH_MSG_TYPE_INTEGER_64, .msgt_size = 64, .msgt_inline = 1, .msgt_number = 1,
};

/* => the handler's verdict; consumes the message */
static kern_return_t reply_result(struct ipc_kmsg *kmsg)
{
	const mig_reply_header_t *reply = (const mig_reply_header_t *)(const void *)&kmsg->ikm_header;
	kern_return_t kr = MIG_REPLY_MISMATCH;

	if (reply->Head.msgh_id == EXCEPTION_REPLY_ID && reply->Head.msgh_size == sizeof(*reply) &&
	    !(reply->Head.msgh_bits & MACH_MSGH_BITS_COMPLEX)) {
		uint64_t got, want;

		memcpy(&got, &reply->RetCodeType, sizeof(got));
		memcpy(&want, &int_type, sizeof(want));
		/* the long form means the same */
		kr = (got & ~(1ull << 30)) == want ? reply->RetCode : MIG_TYPE_ERROR;
	}
	/* the send-once right it came by is used up, not destroyed; the fast path has seen to that */
	if (kmsg->ikm_fast) {
		kmsg->ikm_fast = false;
		ipc_kmsg_free_receiver(kmsg);
		return kr;
	}
	if (MACH_MSGH_BITS_REMOTE(kmsg->ikm_header.msgh_bits) == MACH_MSG_TYPE_PORT_SEND_ONCE) {
		struct ipc_port *port = ikm_dest(kmsg);

		ipc_port_lock(port);
		port->ip_sorights--;
		ipc_port_unlock(port);
		ipc_port_release(port);
		kmsg->ikm_header.msgh_remote_port = MACH_PORT_NULL;
	}
	ipc_kmsg_destroy(kmsg);
	return kr;
}

static void drop_reply_port(struct ipc_thread *it)
{
	struct ipc_port *port = it->it_reply;

	it->it_reply = NULL;
	if (port != NULL)
		ipc_port_destroy(port);
}

static kern_return_t exception_finish(mach_msg_return_t mr, struct ipc_kmsg *kmsg)
{
	struct ipc_thread *it = &current_thread()->th_ipc;

	if (mr == MACH_MSG_SUCCESS)
		return reply_result(kmsg);
	if (kmsg != NULL)
		ipc_kmsg_destroy(kmsg);
	drop_reply_port(it);
	return KERN_ABORTED;
}

static void exception_continue(void)
{
	struct ipc_kmsg *kmsg;
	uint32_t size;
	mach_msg_return_t mr = ipc_mqueue_receive_finish(&kmsg, &size);

	current_thread()->th_ipc.it_done(exception_finish(mr, kmsg));
}

static struct ipc_kmsg *make_request(struct ipc_port *port, struct ipc_port *reply, struct ipc_port *thread_right,
    struct ipc_port *task_right, int exception, int code, int64_t subcode)
{
	struct ipc_kmsg *kmsg = ipc_kmsg_alloc_sender(sizeof(struct exception_request));
	struct exception_request *r;

	if (kmsg == NULL)
		return NULL;
	r = (struct exception_request *)(void *)&kmsg->ikm_header;
	*r = (struct exception_request){
		.Head = {
			.msgh_bits = MACH_MSGH_BITS_COMPLEX |
			    MACH_MSGH_BITS(MACH_MSG_TYPE_PORT_SEND, MACH_MSG_TYPE_PORT_SEND_ONCE),
			.msgh_size = sizeof(*r), .msgh_id = EXCEPTION_RAISE_ID,
		},
		.thread_type = right_type, .thread = thread_right, .task_type = right_type, .task = task_right,
		.exception_type = int_type, .exception = exception, .code_type = int_type, .code = code,
		.subcode_type = long_type, .subcode = subcode,
	};
	r->Head.msgh_remote_port = port;
	r->Head.msgh_local_port = ipc_port_make_sonce(reply);
	return kmsg;
}

/* Leave a receiver that got our message, whom we do not wait for after all, to the scheduler */
static void abandon_handoff(struct thread *next)
{
	if (next != NULL)
		thread_handoff(next, NULL);
}

kern_return_t ipc_exception_rpc(struct ipc_port *port, struct ipc_port *thread_right, struct ipc_port *task_right,
    int exception, int code, int64_t subcode, void (*done)(kern_return_t))
{
	struct ipc_thread *it = &current_thread()->th_ipc;
	struct ipc_kmsg *kmsg = NULL;
	struct thread *handoff = NULL;
	struct ipc_source so = { NULL, NULL };
	mach_msg_return_t mr;
	uint32_t size;

	if (it->it_reply == NULL)
		it->it_reply = ipc_port_create_kernel(IKOT_NONE, NULL);
	if (it->it_reply != NULL && IP_VALID(port) && ipc_port_alive(port))
		kmsg = make_request(port, it->it_reply, thread_right, task_right, exception, code, subcode);
	if (kmsg == NULL) {
		ipc_port_release_send(port);
		ipc_port_release_send(thread_right);
		ipc_port_release_send(task_right);
		return KERN_RESOURCE_SHORTAGE;
	}
	it->it_done = done;
	it->it_option = MACH_RCV_MSG;
	so.so_port = it->it_reply;
	ipc_port_ref(so.so_port);
	/* never blocks: a thread has one exception under way at a time */
	mr = ipc_mqueue_send(kmsg, MACH_SEND_ALWAYS, 0, NULL, &handoff);
	if (mr == MACH_MSG_SUCCESS)
		mr = ipc_mqueue_receive(&so, MACH_RCV_MSG, UINT32_MAX, 0, exception_continue, &handoff, &kmsg, &size);
	abandon_handoff(handoff);
	done(exception_finish(mr, kmsg));
	return KERN_SUCCESS;
}

kern_return_t ipc_thread_init(struct thread *thread)
{
	thread->th_ipc = (struct ipc_thread){ 0 };
	return KERN_SUCCESS;
}

void ipc_thread_terminate(struct thread *thread)
{
	drop_reply_port(&thread->th_ipc);
	ipc_kmsg_drop_spare(&thread->th_ipc);
}
