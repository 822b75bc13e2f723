/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Exceptions of processes: faults become signals.
 *
 * OBJECT   the exception port of every space.  The thread stands still until the reply.
 * RULES    In library code: a fixup of the library's table (a bad address the program gave), or
 *          the end of the process.  In program code: the slot is filled and the thread diverted,
 *          or, when no handler can run, the end by the signal.
 * LOCKS    process_lock.
 * RIGHTS   the message's rights are names we have already: one reference each is dropped.
 * TESTS    tests/linux
 */
#include <string.h>
#include <mach/exception.h>
#include "process.h"

#define EXCEPTION_SIZE	112

struct fault {
	int		f_sig, f_code, f_trap;
	uint64_t	f_address, f_error;
};

#define TRAP_DIVIDE	0
#define TRAP_DEBUG	1
#define TRAP_INT3	3
#define TRAP_OVERFLOW	4
#define TRAP_BOUND	5
#define TRAP_OPCODE	6
#define TRAP_GENERAL	13
#define TRAP_PAGE	14
#define TRAP_ALIGN	17
#define TRAP_FLOAT	16

static void
fault_translate(int exception, int code, int64_t subcode, uint64_t rip, struct fault *fault)
{
	fault->f_address = rip;
	fault->f_error = 0;
	fault->f_code = LX_SI_KERNEL;
	switch (exception) {
	case EXC_BAD_ACCESS:
		fault->f_sig = LXS_SEGV;
		fault->f_code = code == KERN_PROTECTION_FAILURE ? 2 : 1;
		fault->f_trap = TRAP_PAGE;
		fault->f_address = subcode;
		/* Reading or writing is not told: a write by a program is what is asked for. */
		fault->f_error = 6 | (code == KERN_PROTECTION_FAILURE);
		if (code == KERN_MEMORY_ERROR) {
			fault->f_sig = LXS_BUS;
			fault->f_code = 2;
		}
		break;
	case EXC_BAD_INSTRUCTION:
		fault->f_sig = code == 1 ? LXS_ILL : LXS_SEGV;
		fault->f_code = code == 1 ? 2 : LX_SI_KERNEL;
		fault->f_trap = code == 1 ? TRAP_OPCODE : TRAP_GENERAL;
		fault->f_error = code == 1 ? 0 : subcode;
		if (code != 1)
			fault->f_address = 0;
		break;
	case EXC_ARITHMETIC:
		fault->f_sig = LXS_FPE;
		fault->f_code = code == 1 ? 1 : code == 2 ? 2 : 7;
		fault->f_trap = code == 1 ? TRAP_DIVIDE : code == 2 ? TRAP_OVERFLOW : TRAP_FLOAT;
		break;
	case EXC_BREAKPOINT:
		fault->f_sig = LXS_TRAP;
		fault->f_code = code == 1 ? 2 : LX_SI_KERNEL;
		fault->f_trap = code == 1 ? TRAP_DEBUG : TRAP_INT3;
		if (code != 1)
			fault->f_address = 0;
		break;
	default:
		fault->f_sig = LXS_SEGV;
		fault->f_trap = TRAP_BOUND;
		break;
	}
}

/* => process_lock held; true: the thread may go on */
static bool
exception_divert(struct uthread *thread, int exception, int code, int64_t subcode)
{
	struct i386_thread_state state;
	struct unix_slot *slot = thread->t_slot;
	struct fault fault;
	uint64_t fixup;

	if (uthread_get_state(thread, &state) != 0)
		return false;
	if (emul_contains(state.rip)) {
		/* A signal's diversion met a fault of the program: that comes again. */
		if (state.rip == emul_header.ue_signal)
			return true;
		fixup = emul_fixup(state.rip);
		if (fixup == 0)
			return false;
		state.rip = fixup;
		return uthread_set_state(thread, &state) == 0;
	}
	fault_translate(exception, code, subcode, state.rip, &fault);
	if (signal_fault_fatal(thread, fault.f_sig)) {
		process_terminate(thread->t_process, wait_status_signal(fault.f_sig));
		return true;
	}
	slot->us_fault_code = fault.f_code;
	slot->us_fault_trap = fault.f_trap;
	slot->us_fault_address = fault.f_address;
	slot->us_fault_error = fault.f_error;
	slot->us_fault_sig = fault.f_sig;
	slot->us_rip = state.rip;
	state.rip = emul_header.ue_signal;
	return uthread_set_state(thread, &state) == 0;
}

static void
exception_reply(const mach_msg_header_t *request, mach_msg_header_t *reply, kern_return_t code)
{
	mig_reply_header_t *out = (mig_reply_header_t *)reply;

	memset(out, 0, sizeof(*out));
	out->Head.msgh_bits = MACH_MSGH_BITS(MACH_MSGH_BITS_REMOTE(request->msgh_bits), 0);
	out->Head.msgh_remote_port = request->msgh_remote_port;
	out->Head.msgh_size = sizeof(*out);
	out->Head.msgh_id = request->msgh_id + 100;
	out->RetCodeType.msgt_name = MACH_MSG_TYPE_INTEGER_32;
	out->RetCodeType.msgt_size = 32;
	out->RetCodeType.msgt_number = 1;
	out->RetCodeType.msgt_inline = TRUE;
	out->RetCode = code;
}

boolean_t
exception_handle(mach_msg_header_t *request, mach_msg_header_t *reply)
{
	char *body = (char *)request;
	mach_port_t kernel_thread, kernel_task;
	struct uthread *thread;
	kern_return_t code = KERN_SUCCESS;

	if (request->msgh_id != 2400 || request->msgh_size != EXCEPTION_SIZE)
		return FALSE;
	kernel_thread = *(mach_port_t *)(body + 40);
	kernel_task = *(mach_port_t *)(body + 56);
	mutex_lock(&process_lock);
	thread = uthread_by_port(kernel_thread);
	if (thread == NULL)
		code = KERN_FAILURE;
	else if (!exception_divert(thread, *(int *)(body + 72), *(int *)(body + 88),
	    *(int64_t *)(body + 104)))
		process_terminate(thread->t_process, wait_status_signal(LXS_SEGV));
	mutex_unlock(&process_lock);
	mach_port_deallocate(mach_task_self(), kernel_thread);
	mach_port_deallocate(mach_task_self(), kernel_task);
	exception_reply(request, reply, code);
	return TRUE;
}
