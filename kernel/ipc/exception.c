/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel's own remote procedure call: exception_raise and its forms with a state, sent for the current thread, which waits
 * for the reply without a stack.
 *
 * OBJECT  it_reply: a port of the kernel's that nobody else holds a send right to, kept by the thread from one exception to the
 *         next. A wait that was broken leaves a send-once right out there: then the port is destroyed with it.
 * RIGHTS  the three rights are consumed whatever happens.
 * TESTS   tests/boot
 */
#include <debug/calls.h>
#include <ipc/exception_call.h>
#include <ipc/ipc.h>
#include <ipc/kmsg.h>
#include <ipc/mqueue.h>
#include <ipc/port.h>
#include <kern/thread.h>
#include <machine/context.h>
#include <machine/cpu.h>
#include <kern/string.h>
#include <mach/exception_ports.h>
#include <mach/mig_errors.h>

/* the pieces requests are made of, in this order */
struct identity_part {
	mach_msg_type_t	 thread_type;
	struct ipc_port	*thread;
	mach_msg_type_t	 task_type;
	struct ipc_port	*task;
};
struct cause_part {
	mach_msg_type_t	 exception_type;
	int32_t		 exception;
	int32_t		 exception_pad;
	mach_msg_type_t	 code_type;
	int32_t		 code;
	int32_t		 code_pad;
	mach_msg_type_t	 subcode_type;
	int64_t		 subcode;
};
/* of requests and of replies */
struct state_part {
	mach_msg_type_t	 flavor_type;
	int32_t		 flavor;
	int32_t		 flavor_pad;
	mach_msg_type_t	 state_type;
	uint32_t	 state[];
};

_Static_assert(sizeof(mach_msg_header_t) + sizeof(struct identity_part) + sizeof(struct cause_part) == 112, "exception_raise");

static const mach_msg_type_t right_type = {
	.msgt_name = MACH_MSG_TYPE_PORT_SEND, .msgt_size = 64, .msgt_inline = 1, .msgt_number = 1,
};
static const mach_msg_type_t int_type = {
	.msgt_name = MACH_MSG_TYPE_INTEGER_32, .msgt_size = 32, .msgt_inline = 1, .msgt_number = 1,
};
static const mach_msg_type_t long_type = {
	.msgt_name = MACH_MSG_TYPE_INTEGER_64, .msgt_size = 64, .msgt_inline = 1, .msgt_number = 1,
};

static mach_msg_type_t words_type(uint32_t count)
{
	mach_msg_type_t type = int_type;

	type.msgt_number = count;
	return type;
}

/* the long form means the same */
static bool type_is(const mach_msg_type_t *got, mach_msg_type_t want)
{
	uint64_t a, b;

	memcpy(&a, got, sizeof(a));
	memcpy(&b, &want, sizeof(b));
	return (a & ~(1ull << 30)) == b;
}

/* the state a handler wants the thread to go on with */
static kern_return_t take_state(const mig_reply_header_t *reply)
{
	const struct state_part *part = (const struct state_part *)(const void *)(reply + 1);
	uint32_t room = reply->Head.msgh_size - sizeof(*reply), count;
	kern_return_t kr;

	if (room < sizeof(*part))
		return MIG_TYPE_ERROR;
	count = part->state_type.msgt_number;
	if (!type_is(&part->flavor_type, int_type) || !type_is(&part->state_type, words_type(count)) ||
	    count > room / 4 || room != sizeof(*part) + ((count * 4 + 7) & ~7u))
		return MIG_TYPE_ERROR;
	kr = machine_thread_set_state(current_thread(), part->flavor, part->state, count);
	return kr == KERN_SUCCESS ? KERN_SUCCESS : KERN_FAILURE;
}

/* => what the handler said */
static kern_return_t verdict(const mig_reply_header_t *reply)
{
	int id = current_thread()->th_ipc.it_exception_id;

	if (reply->Head.msgh_id != id + EXC_REPLY_DISTANCE || reply->Head.msgh_size < sizeof(*reply) ||
	    (reply->Head.msgh_bits & MACH_MSGH_BITS_COMPLEX))
		return MIG_REPLY_MISMATCH;
	if (!type_is(&reply->RetCodeType, int_type))
		return MIG_TYPE_ERROR;
	if (reply->RetCode == KERN_SUCCESS && id != EXC_RAISE_ID)
		return take_state(reply);
	if (reply->Head.msgh_size != sizeof(*reply))
		return MIG_REPLY_MISMATCH;
	/* a wait that was broken is something else, and not the handler's to say */
	return reply->RetCode == KERN_ABORTED ? KERN_FAILURE : reply->RetCode;
}

/* => the handler's verdict; consumes the message */
static kern_return_t reply_result(struct ipc_kmsg *kmsg)
{
	kern_return_t kr = verdict((const mig_reply_header_t *)(const void *)&kmsg->ikm_header);

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

void ipc_exception_continue(void)
{
	struct ipc_kmsg *kmsg;
	uint32_t size;
	mach_msg_return_t mr = ipc_mqueue_receive_finish(&kmsg, &size);

	current_thread()->th_ipc.it_done(exception_finish(mr, kmsg));
}

static void *put_identity(struct identity_part *part, const struct ipc_exception *e)
{
	*part = (struct identity_part){ right_type, e->ie_thread, right_type, e->ie_task };
	return part + 1;
}

static void *put_cause(struct cause_part *part, const struct ipc_exception *e)
{
	*part = (struct cause_part){
		.exception_type = int_type, .exception = e->ie_kind, .code_type = int_type, .code = e->ie_code,
		.subcode_type = long_type, .subcode = e->ie_subcode,
	};
	return part + 1;
}

/* => the message's end; a state that can not be had is an empty one */
static char *put_state(struct state_part *part, int flavor, uint32_t count)
{
	*part = (struct state_part){ .flavor_type = int_type, .flavor = flavor };
	if (count > 0) {
		part->state[(count - 1) & ~1u] = part->state[count - 1] = 0;
		if (machine_thread_get_state(current_thread(), flavor, part->state, &count) != KERN_SUCCESS)
			count = 0;
	}
	part->state_type = words_type(count);
	return (char *)part->state + ((count * 4 + 7) & ~7u);
}

/* => the request without its ports' rights in the header; NULL on shortage. Takes the identity's rights when it succeeds */
static struct ipc_kmsg *make_request(const struct ipc_exception *e)
{
	bool state = e->ie_behavior != EXCEPTION_DEFAULT, identity = e->ie_behavior != EXCEPTION_STATE;
	uint32_t count = state ? machine_thread_state_count(e->ie_flavor) : 0;
	uint32_t size = sizeof(mach_msg_header_t) + sizeof(struct cause_part) + (identity ? sizeof(struct identity_part) : 0);
	struct ipc_kmsg *kmsg;
	char *at;

	size += state ? sizeof(struct state_part) + ((count * 4 + 7) & ~7u) : 0;
	kmsg = ipc_kmsg_alloc_sender(size);
	if (kmsg == NULL)
		return NULL;
	kmsg->ikm_header = (mach_msg_header_t){
		.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_PORT_SEND, MACH_MSG_TYPE_PORT_SEND_ONCE) |
		    (identity ? MACH_MSGH_BITS_COMPLEX : 0),
		.msgh_id = !state ? EXC_RAISE_ID : identity ? EXC_RAISE_STATE_IDENTITY_ID : EXC_RAISE_STATE_ID,
	};
	calls_note(kmsg->ikm_header.msgh_id, KERN_SUCCESS);
	at = (char *)(&kmsg->ikm_header + 1);
	if (identity)
		at = put_identity((struct identity_part *)(void *)at, e);
	at = put_cause((struct cause_part *)(void *)at, e);
	if (state)
		at = put_state((struct state_part *)(void *)at, e->ie_flavor, count);
	kmsg->ikm_header.msgh_size = (uint32_t)(at - (char *)&kmsg->ikm_header);
	return kmsg;
}

/* Leave a receiver that got our message, whom we do not wait for after all, to the scheduler */
static void abandon_handoff(struct thread *next)
{
	if (next != NULL)
		thread_handoff(next, NULL);
}

kern_return_t ipc_exception_rpc(struct ipc_port *port, const struct ipc_exception *e, void (*done)(kern_return_t))
{
	struct ipc_thread *it = &current_thread()->th_ipc;
	struct ipc_kmsg *kmsg = NULL;
	struct thread *handoff = NULL;
	struct ipc_source so = { NULL, NULL };
	bool alive = IP_VALID(port) && ipc_port_alive(port);
	mach_msg_return_t mr;
	uint32_t size;

	if (alive && it->it_reply == NULL)
		it->it_reply = ipc_port_create_kernel(IKOT_NONE, NULL);
	if (alive && it->it_reply != NULL)
		kmsg = make_request(e);
	if (kmsg == NULL) {
		ipc_port_release_send(port);
		ipc_port_release_send(e->ie_thread);
		ipc_port_release_send(e->ie_task);
		return alive ? KERN_RESOURCE_SHORTAGE : KERN_INVALID_CAPABILITY;
	}
	kmsg->ikm_header.msgh_remote_port = port;
	kmsg->ikm_header.msgh_local_port = ipc_port_make_sonce(it->it_reply);
	it->it_exception_id = kmsg->ikm_header.msgh_id;
	it->it_done = done;
	it->it_option = MACH_RCV_MSG;
	/* what rpc.c may answer with: success without a state */
	it->it_room = e->ie_behavior == EXCEPTION_DEFAULT ? IPC_EXCEPTION_ANSWER_SIZE : 0;
	so.so_port = it->it_reply;
	ipc_port_ref(so.so_port);
	/* never blocks: a thread has one exception under way at a time */
	mr = ipc_mqueue_send(kmsg, MACH_SEND_ALWAYS, 0, NULL, &handoff);
	if (mr == MACH_MSG_SUCCESS)
		mr = ipc_mqueue_receive(&so, MACH_RCV_MSG, UINT32_MAX, 0, ipc_exception_continue, &handoff, &kmsg, &size);
	abandon_handoff(handoff);
	done(exception_finish(mr, kmsg));
	return KERN_SUCCESS;
}

void ipc_thread_terminate(struct thread *thread)
{
	drop_reply_port(&thread->th_ipc);
	ipc_kmsg_drop_spare(&thread->th_ipc);
}
