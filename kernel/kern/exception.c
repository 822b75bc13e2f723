/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * User exceptions: thread's port, then task's port, then the host's, else the task ends.
 *
 * The thread waits for the handler's answer with a continuation and owns no stack meanwhile; what it needs to try the
 * next port is in th_saved.
 * RIGHTS  the message takes a send right to the port, one to the thread, one to the task.
 */
#include <ipc/exception_call.h>
#include <ipc/ipc.h>
#include <kern/exception.h>
#include <kern/exception_ports.h>
#include <kern/mig_kernel.h>
#include <kern/panic.h>
#include <kern/timer.h>
#include <kern/wait.h>
#include <mach/exception.h>
#include <machine/cpu.h>

#define SHORTAGE_NS	10000000ull	/* between attempts to get memory */

enum { SAVED_EXC, SAVED_CODE, SAVED_SUBCODE, SAVED_STAGE };

static void exception_next(struct thread *) __attribute__((noreturn));

static const char *
exception_name(int exc)
{
	static const char *const names[] = {
		"?", "bad access", "bad instruction", "arithmetic", "emulation", "software", "breakpoint",
	};

	return exc > 0 && exc < (int)(sizeof names / sizeof names[0]) ? names[exc] : names[0];
}

static void
exception_done(kern_return_t kr)
{
	struct thread *t = current_thread();

	/* aborted: the instruction runs again, or what set_state said */
	if (kr == KERN_SUCCESS || kr == KERN_ABORTED || (t->th_ast & AST_TERMINATE))
		thread_return_to_user();
	exception_next(t);
}

/* => KERN_SUCCESS: nobody is there; else why the message could not be sent. Does not return when it was */
static kern_return_t
exception_send(struct thread *t, enum exception_stage stage)
{
	struct exception_action action;
	struct ipc_exception e = {
		.ie_kind = (int)t->th_saved[SAVED_EXC], .ie_code = (int)t->th_saved[SAVED_CODE],
		.ie_subcode = (int64_t)t->th_saved[SAVED_SUBCODE],
	};

	if (!exception_action_of(t, stage, e.ie_kind, &action)) {
		ipc_port_release_send(action.ea_port);
		return KERN_SUCCESS;
	}
	e.ie_behavior = action.ea_behavior;
	e.ie_flavor = action.ea_flavor;
	if (action.ea_behavior != EXCEPTION_STATE) {
		thread_ref(t);
		task_ref(t->th_task);
		e.ie_thread = convert_thread_to_port(t);
		e.ie_task = convert_task_to_port(t->th_task);
	}
	return ipc_exception_rpc(action.ea_port, &e, exception_done);
}

/* send to the port of one stage; returns when there is none. A task is not ended because the kernel is short of memory just now */
static void
exception_try(struct thread *t, enum exception_stage stage)
{
	while (exception_send(t, stage) == KERN_RESOURCE_SHORTAGE) {
		assert_wait_deadline(&t->th_saved, true, clock_uptime_ns() + SHORTAGE_NS);
		/* ended, or aborted: the instruction runs again, or what set_state said */
		if (thread_block(NULL) == WAIT_INTERRUPTED)
			thread_return_to_user();
	}
}

static void
exception_next(struct thread *t)
{
	while (t->th_saved[SAVED_STAGE] < EXCEPTION_STAGES)
		exception_try(t, (enum exception_stage)t->th_saved[SAVED_STAGE]++);
	/* a task being taken apart may run into its own missing memory: that is nobody's fault */
	if (t->th_task->tk_active)
		kprintf("task %s: %s exception, code %d, subcode %#lx, at pc %#lx sp %#lx: no handler, terminated\n",
		    t->th_task->tk_name, exception_name((int)t->th_saved[SAVED_EXC]), (int)t->th_saved[SAVED_CODE],
		    t->th_saved[SAVED_SUBCODE], t->th_machine.mt_regs.rip, t->th_machine.mt_regs.rsp);
	(void)task_terminate_internal(t->th_task);
	thread_return_to_user();
}

void
exception(int exc, int code, int64_t subcode)
{
	struct thread *t = current_thread();

	t->th_saved[SAVED_EXC] = (uintptr_t)exc;
	t->th_saved[SAVED_CODE] = (uintptr_t)code;
	t->th_saved[SAVED_SUBCODE] = (uintptr_t)subcode;
	t->th_saved[SAVED_STAGE] = EXCEPTION_STAGE_THREAD;
	interrupts_disable();
	ipc_exception_call(&(struct ipc_exception){ .ie_kind = exc, .ie_code = code, .ie_subcode = subcode },
	    &t->th_saved[SAVED_STAGE], exception_done);
	interrupts_enable();
	exception_next(t);
}
