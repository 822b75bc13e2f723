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
#include "system.h"

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
	bool present;

	fault->f_address = rip;
	fault->f_error = 0;
	fault->f_code = LX_SI_KERNEL;
	switch (exception) {
	case EXC_BAD_ACCESS:
		fault->f_sig = LXS_SEGV;
		fault->f_trap = TRAP_PAGE;
		fault->f_address = subcode;
		/* What keeps the lowest pages empty is no mapping to Linux. */
		present = code == KERN_PROTECTION_FAILURE && fault->f_address >= UNIX_LOW_END;
		fault->f_code = present ? 2 : 1;
		/* Reading or writing is not told: a write by a program is what is asked for. */
		fault->f_error = 6 | present;
		if (code == KERN_RESOURCE_SHORTAGE)
			fault->f_sig = LXS_KILL;	/* no memory left: who asked for it goes */
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
	/* A call number beyond the vector: the library says ENOSYS. A fault after a call finds other registers there. */
	if (exception == EXC_BAD_INSTRUCTION && state.rcx == state.rip &&
	    state.rax >= SPACE_EMUL_CALLS && state.rax <= INT64_MAX) {
		state.rip = emul_header.ue_syscall;
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

/* A thread that is not ours: the program made it by kernel requests, or its process has just ended.  => process_lock held */
static void
exception_stranger(mach_port_t kernel_task)
{
	struct process *process;

	for (process = process_next(NULL); process != NULL; process = process_next(process))
		if (process->p_space != NULL && process->p_space->sp_task == kernel_task)
			process_terminate(process, wait_status_signal(LXS_SEGV));
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

/* Every process can get at the exception port: what it sends itself must not pass for names of rights. */
static bool
exception_well_formed(const mach_msg_header_t *request)
{
	const char *body = (const char *)request;
	int at;

	if (request->msgh_id != 2400 || request->msgh_size != EXCEPTION_SIZE ||
	    (request->msgh_bits & MACH_MSGH_BITS_COMPLEX) == 0)
		return false;
	for (at = 32; at <= 48; at += 16) {
		const mach_msg_type_t *type = (const mach_msg_type_t *)(body + at);

		if (type->msgt_name != MACH_MSG_TYPE_MOVE_SEND || type->msgt_number != 1 ||
		    !type->msgt_inline)
			return false;
	}
	return true;
}

boolean_t
exception_handle(mach_msg_header_t *request, mach_msg_header_t *reply)
{
	char *body = (char *)request;
	mach_port_t kernel_thread, kernel_task;
	struct uthread *thread;
	bool ended = false;

	if (!exception_well_formed(request))
		return FALSE;
	kernel_thread = *(mach_port_t *)(body + 40);
	kernel_task = *(mach_port_t *)(body + 56);
	mutex_lock(&process_lock);
	thread = uthread_by_port(kernel_thread);
	if (thread == NULL)
		exception_stranger(kernel_task);
	else if (!exception_divert(thread, *(int *)(body + 72), *(int *)(body + 88),
	    *(int64_t *)(body + 104)))
		process_terminate(thread->t_process, wait_status_signal(LXS_SEGV));
	ended = uthread_by_port(kernel_thread) == NULL;
	mutex_unlock(&process_lock);
	/* The task goes soon: until then the fault must not come again. */
	if (ended)
		kernel_insist(thread_suspend, kernel_thread);
	mach_port_deallocate(mach_task_self(), kernel_thread);
	mach_port_deallocate(mach_task_self(), kernel_task);
	exception_reply(request, reply, KERN_SUCCESS);
	return TRUE;
}
