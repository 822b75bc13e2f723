/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mach_msg_server: the loop of a server with one thread.
 *
 * The reply of one request and the receive of the next are one call, so that
 * the kernel can hand the processor over. The two buffers change roles each
 * time.
 * RIGHTS	a request the routine refused is destroyed here, but for its reply
 *		right, which the reply consumed; a reply that cannot be sent is
 *		destroyed whole; a reply right sent to a simple routine, which
 *		answers nobody, is dropped
 * TESTS	tests/boot
 */
#include <mach/message.h>
#include <mach/mig_errors.h>
#include <mach/mig_support.h>
#include <mach/vm_param.h>
#include <mach_init.h>
#include <mach_lib.h>
#include <mach/mach_interface.h>
#include <mach/mach_port.h>

/* Decide what becomes of request and reply; whether reply is to be sent. */
static boolean_t settle(mach_msg_header_t *request, mig_reply_header_t *reply)
{
	boolean_t simple = reply->Head.msgh_remote_port == MACH_PORT_NULL;
	boolean_t complex = (reply->Head.msgh_bits & MACH_MSGH_BITS_COMPLEX) != 0;

	if (!complex && reply->RetCode == MIG_NO_REPLY) {
		reply->Head.msgh_remote_port = MACH_PORT_NULL;
	} else if (!complex && reply->RetCode != KERN_SUCCESS) {
		/* the reply right goes with the reply, not with the request, but for a simple routine */
		if (!simple)
			request->msgh_remote_port = MACH_PORT_NULL;
		mach_msg_destroy(request);
	} else if (simple && MACH_PORT_VALID(request->msgh_remote_port)) {
		mach_port_deallocate(mach_task_self(), request->msgh_remote_port);
	}
	if (reply->Head.msgh_remote_port != MACH_PORT_NULL)
		return TRUE;
	if (reply->Head.msgh_bits & MACH_MSGH_BITS_COMPLEX)
		mach_msg_destroy(&reply->Head);
	return FALSE;
}

mach_msg_return_t mach_msg_server_timeout(
    boolean_t (*demux)(mach_msg_header_t *request, mach_msg_header_t *reply),
    mach_msg_size_t max_size, mach_port_t rcv_name, mach_msg_option_t option,
    mach_msg_timeout_t timeout)
{
	vm_size_t buffer_size = round_page(max_size);
	vm_address_t buffers = 0;
	mach_msg_header_t *request, *reply, *other;
	mach_msg_return_t mr;

	mr = vm_allocate(mach_task_self(), &buffers, 2 * buffer_size, TRUE);
	if (mr != KERN_SUCCESS)
		return mr;
	request = (mach_msg_header_t *)buffers;
	reply = (mach_msg_header_t *)(buffers + buffer_size);
	mr = mach_msg(request, MACH_RCV_MSG | option, 0, max_size, rcv_name, timeout,
	    MACH_PORT_NULL);
	while (mr == MACH_MSG_SUCCESS) {
		/* a demultiplexer that knows no such routine may leave the reply as it is */
		mig_reply_setup(request, reply);
		demux(request, reply);
		if (!settle(request, (mig_reply_header_t *)reply)) {
			mr = mach_msg(request, MACH_RCV_MSG | option, 0, max_size, rcv_name,
			    timeout, MACH_PORT_NULL);
			continue;
		}
		other = request;
		request = reply;
		reply = other;
		/* a client without room for its reply must not hold the server */
		mr = mach_msg(request, MACH_SEND_MSG | MACH_RCV_MSG | option |
		    (MACH_MSGH_BITS_REMOTE(request->msgh_bits) == MACH_MSG_TYPE_MOVE_SEND_ONCE ?
		    0 : MACH_SEND_TIMEOUT), request->msgh_size, max_size, rcv_name, timeout,
		    MACH_PORT_NULL);
		if (mr == MACH_SEND_INVALID_DEST || mr == MACH_SEND_TIMED_OUT) {
			mach_msg_destroy(request);
			mr = mach_msg(request, MACH_RCV_MSG | option, 0, max_size, rcv_name,
			    timeout, MACH_PORT_NULL);
		}
	}
	vm_deallocate(mach_task_self(), buffers, 2 * buffer_size);
	return mr;
}

mach_msg_return_t mach_msg_server(
    boolean_t (*demux)(mach_msg_header_t *request, mach_msg_header_t *reply),
    mach_msg_size_t max_size, mach_port_t rcv_name)
{
	return mach_msg_server_timeout(demux, max_size, rcv_name, MACH_MSG_OPTION_NONE,
	    MACH_MSG_TIMEOUT_NONE);
}
