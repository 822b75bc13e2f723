/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copies that survive a memory object's refusal.
 *
 * The page behind a window may fail to come (the device answered an error).  The kernel then
 * sends an exception of the faulting thread; if the thread is inside the code below, it continues
 * at fault_copy_fixup, and the copy returns -EIO.  The code uses no stack, so nothing needs to be
 * undone.
 * TESTS     tests/boot (unix)
 */
#include <mach.h>
#include <cthreads.h>
#include <string.h>

#include "enode.h"

extern const char fault_copy_begin[], fault_copy_end[], fault_copy_fixup[];

__asm__(
	".text\n"
	".globl fault_copy_begin, fault_copy_end, fault_copy_fixup, fault_copy_raw, fault_zero_raw\n"
	"fault_copy_begin:\n"
	"fault_copy_raw:\n"			/* to rdi, from rsi, size rdx */
	"	mov	%rdx, %rcx\n"
	"	shr	$3, %rcx\n"
	"	rep movsq\n"
	"	mov	%edx, %ecx\n"
	"	and	$7, %ecx\n"
	"	rep movsb\n"
	"	xor	%eax, %eax\n"
	"	ret\n"
	"fault_zero_raw:\n"			/* to rdi, size rsi */
	"	xor	%eax, %eax\n"
	"	mov	%rsi, %rcx\n"
	"	shr	$3, %rcx\n"
	"	rep stosq\n"
	"	mov	%esi, %ecx\n"
	"	and	$7, %ecx\n"
	"	rep stosb\n"
	"	ret\n"
	"fault_copy_end:\n"
	"fault_copy_fixup:\n"
	"	mov	$-5, %eax\n"		/* -LX_EIO */
	"	ret\n"
);

int fault_copy_raw(void *to, const void *from, size_t size);
int fault_zero_raw(void *to, size_t size);

int
fault_copy(void *to, const void *from, size_t size)
{
	return fault_copy_raw(to, from, size);
}

int
fault_zero(void *to, size_t size)
{
	return fault_zero_raw(to, size);
}

bool
fault_fixup(mach_port_t thread)
{
	struct i386_thread_state state;
	mach_msg_type_number_t count = i386_THREAD_STATE_COUNT;

	if (thread_get_state(thread, i386_REGS_SEGS_STATE, (thread_state_t)&state, &count) !=
	    KERN_SUCCESS)
		return false;
	if (state.rip < (uintptr_t)fault_copy_begin || state.rip >= (uintptr_t)fault_copy_end)
		return false;
	state.rip = (uintptr_t)fault_copy_fixup;
	return thread_set_state(thread, i386_REGS_SEGS_STATE, (thread_state_t)&state, count) ==
	    KERN_SUCCESS;
}

/* The server has a bug: say where, so that somebody can find it. */
static void
fault_report(mach_port_t thread, const uint8_t *request)
{
	struct i386_thread_state state = { 0 };
	mach_msg_type_number_t count = i386_THREAD_STATE_COUNT;
	int32_t exception, code;
	int64_t subcode;

	memcpy(&exception, request + 72, sizeof(exception));
	memcpy(&code, request + 88, sizeof(code));
	memcpy(&subcode, request + 104, sizeof(subcode));
	(void)thread_get_state(thread, i386_REGS_SEGS_STATE, (thread_state_t)&state, &count);
	mach_printf("unix: exception %d code %d address %#lx at %#lx, stack %#lx\n", exception,
	    code, (unsigned long)subcode, (unsigned long)state.rip, (unsigned long)state.rsp);
}

/* The exceptions of the server's own threads. */
static any_t
fault_loop(any_t argument)
{
	mach_port_t port = (mach_port_t)(uintptr_t)argument, thread, task;
	union {
		mach_msg_header_t	head;
		uint8_t			bytes[512];
	} request;
	mig_reply_header_t reply;
	bool fixed;

	for (;;) {
		if (mach_msg(&request.head, MACH_RCV_MSG, 0, sizeof(request), port, 0,
		    MACH_PORT_NULL) != MACH_MSG_SUCCESS || request.head.msgh_id != 2400 ||
		    request.head.msgh_size != 112)
			continue;
		memcpy(&thread, request.bytes + 40, sizeof(thread));
		memcpy(&task, request.bytes + 56, sizeof(task));
		fixed = fault_fixup(thread);
		if (!fixed)
			fault_report(thread, request.bytes);
		memset(&reply, 0, sizeof(reply));
		reply.Head.msgh_bits = MACH_MSGH_BITS(
		    MACH_MSGH_BITS_REMOTE(request.head.msgh_bits), 0);
		reply.Head.msgh_remote_port = request.head.msgh_remote_port;
		reply.Head.msgh_size = sizeof(reply);
		reply.Head.msgh_id = 2500;
		reply.RetCodeType.msgt_name = MACH_MSG_TYPE_INTEGER_32;
		reply.RetCodeType.msgt_size = 32;
		reply.RetCodeType.msgt_number = 1;
		reply.RetCodeType.msgt_inline = TRUE;
		reply.RetCode = fixed ? KERN_SUCCESS : KERN_FAILURE;
		(void)mach_msg(&reply.Head, MACH_SEND_MSG, sizeof(reply), 0, MACH_PORT_NULL, 0,
		    MACH_PORT_NULL);
		mach_port_deallocate(mach_task_self(), thread);
		mach_port_deallocate(mach_task_self(), task);
	}
	return NULL;
}

/* Exceptions of this task come here from now on. */
int
fault_start(void)
{
	mach_port_t task = mach_task_self(), port;
	cthread_t thread;

	if (mach_port_allocate(task, MACH_PORT_RIGHT_RECEIVE, &port) != KERN_SUCCESS ||
	    mach_port_insert_right(task, port, port, MACH_MSG_TYPE_MAKE_SEND) != KERN_SUCCESS)
		return -LX_ENOMEM;
	thread = cthread_fork(fault_loop, (any_t)(uintptr_t)port);
	if (thread == CTHREAD_NULL)
		return -LX_ENOMEM;
	cthread_detach(thread);
	return task_set_special_port(task, TASK_EXCEPTION_PORT, port) == KERN_SUCCESS ? 0 :
	    -LX_EINVAL;
}
