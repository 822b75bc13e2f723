/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The pool of C threads that serve requests and exceptions.
 *
 * OBJECT   struct sleeper, one per C thread that ever sleeps, kept for ever (wait.h).
 * RULES    At least one thread is in the receive, unless every one is running: a worker that is
 *          about to sleep starts another one when nobody is left to receive.  The pool never
 *          shrinks; it is bounded by the threads of processes, each having one request at most.
 * LOCKS    none but atomic counters.
 * RIGHTS   replies go out with the next receive; one that cannot be sent (its owner died) is
 *          destroyed with what it carries. An error in its body has destroyed the header's right, and no reply has more
 *          than one item with memory or rights: that one.
 * TESTS    tests/linux
 */
#include <stdlib.h>
#include <string.h>
#include "process.h"
#include "unix_server.h"
#include "worker.h"

#define WORKER_MESSAGE_MAX	16384
#define WORKER_FIRST		4

mach_port_t worker_set;
static int worker_receiving;		/* atomic: threads in the receive */

/* The sleeper of the calling thread; null: no memory. */
static struct sleeper *
sleeper_make(void)
{
	cthread_t self = cthread_self();
	struct sleeper *sleeper = cthread_data(self);

	if (sleeper == NULL) {
		sleeper = calloc(1, sizeof(*sleeper));
		cthread_set_data(self, sleeper);
	}
	return sleeper;
}

/* Threads that need one have it from their start, when there is memory. */
struct sleeper *
sleeper_current(void)
{
	struct sleeper *sleeper = sleeper_make();

	if (sleeper == NULL)
		abort();
	return sleeper;
}

struct uthread *
uthread_current(void)
{
	return sleeper_current()->sl_thread;
}

#define UNSUPPORTED_ID	70085		/* unix_sys_unsupported */

/* Serve one request of a thread.  => false: no reply */
static boolean_t
worker_serve(struct sleeper *sleeper, mach_msg_header_t *request, mach_msg_header_t *reply)
{
	struct uthread *thread = uthread_by_payload(request->msgh_protected_payload);
	boolean_t known;

	if (thread == NULL)
		return FALSE;
	/* The one request without a reply: the next may come while it is served, and it touches nothing of the thread. */
	if (request->msgh_id == UNSUPPORTED_ID) {
		known = unix_server(request, reply);
		uthread_rel(thread);
		return known;
	}
	/* A second request while one is being served: only a program that lies does this. */
	if (__atomic_exchange_n(&thread->t_busy, true, __ATOMIC_ACQ_REL)) {
		uthread_rel(thread);
		return FALSE;
	}
	sleeper->sl_thread = thread;
	__atomic_store_n(&thread->t_sleeper, sleeper, __ATOMIC_SEQ_CST);
	known = unix_server(request, reply);
	__atomic_store_n(&thread->t_sleeper, NULL, __ATOMIC_SEQ_CST);
	sleeper->sl_thread = NULL;
	__atomic_store_n(&thread->t_busy, false, __ATOMIC_RELEASE);
	uthread_rel(thread);
	return known;
}

/* Throw a message away with the rights and memory in it. */
static void
worker_discard(mach_msg_header_t *request)
{
	/* The payload is no name. */
	request->msgh_local_port = MACH_PORT_NULL;
	request->msgh_bits &= ~MACH_MSGH_BITS_LOCAL_MASK;
	mach_msg_destroy(request);
}

/* => true: there is a reply to send */
static bool
worker_handle(struct sleeper *sleeper, mach_msg_header_t *request, mach_msg_header_t *reply)
{
	kern_return_t code;

	if (MACH_MSGH_BITS_LOCAL(request->msgh_bits) != MACH_MSG_TYPE_PROTECTED_PAYLOAD) {
		if (exception_handle(request, reply))
			return true;
		worker_discard(request);
		return false;
	}
	if (!worker_serve(sleeper, request, reply)) {
		worker_discard(request);
		return false;
	}
	code = ((mig_reply_header_t *)reply)->RetCode;
	if (reply->msgh_remote_port == MACH_PORT_NULL) {
		/* Nobody waits, or a simple routine was called, which answers nobody: a reply right that came along goes. */
		if ((reply->msgh_bits & MACH_MSGH_BITS_COMPLEX) != 0)
			mach_msg_destroy(reply);
		else if (code != KERN_SUCCESS)
			worker_discard(request);
		else if (request->msgh_remote_port != MACH_PORT_NULL)
			mach_port_deallocate(mach_task_self(), request->msgh_remote_port);
		return false;
	}
	if ((reply->msgh_bits & MACH_MSGH_BITS_COMPLEX) == 0 && code != KERN_SUCCESS) {
		if (code == MIG_NO_REPLY) {
			if (request->msgh_remote_port != MACH_PORT_NULL)
				mach_port_deallocate(mach_task_self(), request->msgh_remote_port);
			return false;
		}
		/* The stub consumed nothing: what came along goes, but for the reply right. */
		request->msgh_remote_port = MACH_PORT_NULL;
		request->msgh_bits &= ~MACH_MSGH_BITS_REMOTE_MASK;
		worker_discard(request);
	}
	return true;
}

/*
 * Send the reply in the buffer and receive the next request into it.  A reply right that is not
 * send-once, and so could be full, belongs to a program that lies: nobody waits for it.
 */
static mach_msg_return_t
worker_reply_receive(mach_msg_header_t *buffer)
{
	mach_msg_option_t option = MACH_SEND_MSG | MACH_RCV_MSG;
	mach_msg_return_t mr;

	if (MACH_MSGH_BITS_REMOTE(buffer->msgh_bits) != MACH_MSG_TYPE_MOVE_SEND_ONCE)
		option |= MACH_SEND_TIMEOUT;
	mr = mach_msg(buffer, option, buffer->msgh_size, WORKER_MESSAGE_MAX, worker_set, 0,
	    MACH_PORT_NULL);
	if (mr != MACH_MSG_SUCCESS && (mr & 0x10004000) == 0x10000000) {
		/* The reply right is gone, and its name may be another's by now; what could not be taken in is still here. */
		if (mr == MACH_SEND_INVALID_MEMORY || mr == MACH_SEND_INVALID_RIGHT)
			buffer->msgh_remote_port = MACH_PORT_NULL;
		mach_msg_destroy(buffer);
	}
	return mr;
}

static void *
worker(void *argument)
{
	struct sleeper *sleeper = sleeper_make();
	mach_msg_header_t *request = malloc(WORKER_MESSAGE_MAX);
	mach_msg_header_t *reply = malloc(WORKER_MESSAGE_MAX);
	mach_msg_header_t *swap;
	mach_msg_return_t mr;
	bool send = false;

	(void)argument;
	/* One worker fewer: the next that sleeps starts another. */
	if (sleeper == NULL || request == NULL || reply == NULL) {
		free(request);
		free(reply);
		free(sleeper);
		return NULL;
	}
	for (;;) {
		__atomic_add_fetch(&worker_receiving, 1, __ATOMIC_RELAXED);
		if (send) {
			swap = request;
			request = reply;
			reply = swap;
			mr = worker_reply_receive(request);
		} else {
			mr = mach_msg(request, MACH_RCV_MSG, 0, WORKER_MESSAGE_MAX, worker_set,
			    MACH_MSG_TIMEOUT_NONE, MACH_PORT_NULL);
		}
		__atomic_sub_fetch(&worker_receiving, 1, __ATOMIC_RELAXED);
		send = mr == MACH_MSG_SUCCESS && worker_handle(sleeper, request, reply);
	}
	return NULL;
}

static void
worker_spawn(void)
{
	cthread_t thread = cthread_fork(worker, NULL);

	if (thread != CTHREAD_NULL)
		cthread_detach(thread);
}

void
worker_will_sleep(void)
{
	if (uthread_current() != NULL &&
	    __atomic_load_n(&worker_receiving, __ATOMIC_RELAXED) < 1)
		worker_spawn();
}

void
worker_did_sleep(void)
{
}

void
worker_start(void)
{
	int i;

	for (i = 0; i < WORKER_FIRST; i++)
		worker_spawn();
}
