/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The default pager: keeps the anonymous memory that has no room in physical memory on devices.
 *
 * Arguments: the names of the privileged host port and of the device master port, then the devices to page to (rd2 ...).
 *
 * It must never wait for itself: everything it touches is wired, its one thread may use the memory reserve, and the pages that pass
 * through are never touched here, only moved from message to message. README.md says more.
 */
#include "default_pager.h"
#include "object.h"
#include <device/device_types.h>
#include <mach/default_pager_server.h>
#include <mach/gnumach.h>
#include <mach/mach_host.h>
#include <mach/memory_object_default_server.h>
#include <mach/memory_object_server.h>
#include <mach/mig_errors.h>
#include <mach/mig_support.h>
#include <mach/notify.h>
#include <mach/policy.h>
#include <mach/thread_switch.h>
#include <mach/vm_wire.h>

#define REQUEST_MAX	1024
#define REPLY_MAX	8192
#define TRIES		400		/* of 5 ms */
#define PRIORITY	8		/* before all ordinary threads: they wait for this one */

mach_port_t host_privileged, request_set;
static mach_port_t pager_port;

static void
fatal(const char *what, kern_return_t kr)
{
	mach_printf("default_pager: %s: error %x\n", what, kr);
	task_terminate(mach_task_self());
}

static unsigned
number(const char *s)
{
	unsigned n = 0;

	while (*s >= '0' && *s <= '9')
		n = n * 10 + (unsigned)(*s++ - '0');
	return n;
}

bool
try_again(kern_return_t kr, unsigned *tries)
{
	bool device_error = kr >= D_IO_ERROR && kr <= D_READ_ONLY && kr != D_NO_MEMORY;

	if (kr == KERN_SUCCESS || device_error || ++*tries > TRIES)
		return false;
	thread_switch(MACH_PORT_NULL, SWITCH_OPTION_WAIT, 5);
	return true;
}

void
announce(void)
{
	mach_port_t manager = pager_port, old;
	kern_return_t kr;

	/* in: who we are, a right is made of it; out: who it was */
	old = manager;
	kr = vm_set_default_memory_manager(host_privileged, &old);
	if (kr != KERN_SUCCESS)
		fatal("cannot be the default memory manager", kr);
	if (old != MACH_PORT_NULL && old != MACH_PORT_DEAD)
		mach_port_deallocate(mach_task_self(), old);
}

static void
raise_priority(void)
{
	mach_port_t self = mach_thread_self(), name = MACH_PORT_NULL, set = MACH_PORT_NULL;

	if (processor_set_default(mach_host_self(), &name) == KERN_SUCCESS &&
	    host_processor_set_priv(host_privileged, name, &set) == KERN_SUCCESS)
		thread_max_priority(self, set, PRIORITY);
	if (set != MACH_PORT_NULL)
		processor_set_policy_enable(set, POLICY_FIXEDPRI);
	thread_priority(self, PRIORITY, FALSE);
	thread_policy(self, POLICY_FIXEDPRI, 100);
	if (thread_wire(host_privileged, self, TRUE) != KERN_SUCCESS)
		fatal("thread_wire", KERN_FAILURE);
	if (name != MACH_PORT_NULL)
		mach_port_deallocate(mach_task_self(), name);
	if (set != MACH_PORT_NULL)
		mach_port_deallocate(mach_task_self(), set);
	mach_port_deallocate(mach_task_self(), self);
}

/* nobody has a right to an object a task had made */
static boolean_t
no_senders(mach_msg_header_t *request)
{
	struct object *o = object_lookup(request->msgh_local_port);

	if (request->msgh_id != MACH_NOTIFY_NO_SENDERS)
		return FALSE;
	if (o != NULL && !o->ob_internal)
		object_destroy(o);
	return TRUE;
}

/* => is there a reply to send? */
static boolean_t
serve(mach_msg_header_t *request, mig_reply_header_t *reply)
{
	mig_reply_setup(request, &reply->Head);
	if (memory_object_server(request, &reply->Head) || memory_object_default_server(request, &reply->Head)) {
		if (reply->RetCode != KERN_SUCCESS && reply->RetCode != MIG_NO_REPLY)
			mach_msg_destroy(request);
		return FALSE;
	}
	if (no_senders(request))
		return FALSE;
	if (request->msgh_local_port == pager_port)
		(void)default_pager_server(request, &reply->Head);
	if (!(reply->Head.msgh_bits & MACH_MSGH_BITS_COMPLEX) && reply->RetCode != KERN_SUCCESS) {
		/* the reply right goes with the reply */
		request->msgh_remote_port = MACH_PORT_NULL;
		mach_msg_destroy(request);
	}
	return reply->Head.msgh_remote_port != MACH_PORT_NULL;
}

/* buffers of our own: mach_msg_server's would not be wired */
static void
loop(void)
{
	static union {
		mach_msg_header_t head;
		char bytes[REQUEST_MAX];
	} request;
	static union {
		mig_reply_header_t head;
		char bytes[REPLY_MAX];
	} reply;

	for (;;) {
		mach_msg_return_t mr = mach_msg(&request.head, MACH_RCV_MSG | MACH_RCV_LARGE, 0, sizeof request, request_set, 0,
		    MACH_PORT_NULL);

		if (mr != MACH_MSG_SUCCESS) {
			/* nobody who may send here sends more than fits: take it away */
			if (mr == MACH_RCV_TOO_LARGE)
				(void)mach_msg(&request.head, MACH_RCV_MSG, 0, sizeof request, request_set, 0, MACH_PORT_NULL);
			continue;
		}
		if (!serve(&request.head, &reply.head))
			continue;
		/* a client that does not take its answer is not waited for */
		mr = mach_msg(&reply.head.Head, MACH_SEND_MSG | MACH_SEND_TIMEOUT, reply.head.Head.msgh_size, 0, MACH_PORT_NULL, 0,
		    MACH_PORT_NULL);
		if (mr != MACH_MSG_SUCCESS)
			mach_msg_destroy(&reply.head.Head);
	}
}

int
main(int argc, char **argv)
{
	uint64_t blocks, unused, unpromised;
	kern_return_t kr;

	if (argc < 4)
		fatal("arguments: host port, device port, devices", KERN_INVALID_ARGUMENT);
	host_privileged = number(argv[1]);
	kr = mach_port_allocate(mach_task_self(), MACH_PORT_RIGHT_PORT_SET, &request_set);
	if (kr == KERN_SUCCESS)
		kr = mach_port_allocate(mach_task_self(), MACH_PORT_RIGHT_RECEIVE, &pager_port);
	if (kr == KERN_SUCCESS)
		kr = mach_port_move_member(mach_task_self(), pager_port, request_set);
	if (kr == KERN_SUCCESS)
		kr = vm_wire_all(host_privileged, mach_task_self(), VM_WIRE_CURRENT);
	if (kr != KERN_SUCCESS)
		fatal("start", kr);
	for (int i = 3; i < argc; i++) {
		kr = store_add(number(argv[2]), argv[i]);
		if (kr != KERN_SUCCESS)
			mach_printf("default_pager: %s cannot be paged to: error %x\n", argv[i], kr);
	}
	store_space(&blocks, &unused, &unpromised);
	if (blocks == 0)
		fatal("no paging space", KERN_FAILURE);
	raise_priority();
	announce();
	mach_printf("default_pager: %lu KiB of paging space\n", (unsigned long)(blocks * BLOCK / 1024));
	loop();
	return 0;
}
