/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The victim. All its threads stand still while commands are read: the task is suspended by us, once.
 *
 * A thread that raised something waits for our answer as well (struct stop). To let a thread past a breakpoint the others are held by
 * thread_suspend, the breakpoint is lifted, and the one thread runs a single instruction.
 */
#include <stdio.h>
#include <string.h>
#include <mach/mig_errors.h>
#include <mach/task_special_ports.h>
#include "debugger.h"

#define STOPS_MAX	64
#define FLAG_TF		0x100ul
#define STEP_LIMIT	10000u			/* ms; a script's patience */

struct target target;
static struct stop stops[STOPS_MAX];
static unsigned stop_count;

/* --- threads --- */

void target_threads(void)
{
	thread_array_t list;
	mach_msg_type_number_t n;

	for (unsigned i = 0; i < target.thread_count; i++)
		mach_port_deallocate(SELF, target.threads[i]);
	target.thread_count = 0;
	if (task_threads(target.task, &list, &n) != KERN_SUCCESS)
		return;
	for (unsigned i = 0; i < n; i++) {
		if (target.thread_count < sizeof target.threads / sizeof *target.threads)
			target.threads[target.thread_count++] = list[i];
		else
			mach_port_deallocate(SELF, list[i]);
	}
	vm_deallocate(SELF, (vm_address_t)list, n * sizeof *list);
	if (target_thread_number(target.current) == 0)
		target.current = target.thread_count > 0 ? target.threads[0] : MACH_PORT_NULL;
}

int target_thread_number(mach_port_t thread)
{
	for (unsigned i = 0; i < target.thread_count; i++)
		if (target.threads[i] == thread)
			return (int)i + 1;
	return 0;
}

bool target_get(mach_port_t thread, struct i386_thread_state *s)
{
	mach_msg_type_number_t n = i386_THREAD_STATE_COUNT;

	return thread_get_state(thread, i386_REGS_SEGS_STATE, (thread_state_t)s, &n) == KERN_SUCCESS;
}

bool target_set(mach_port_t thread, const struct i386_thread_state *s)
{
	return thread_set_state(thread, i386_THREAD_STATE, (thread_state_t)(uintptr_t)s, i386_THREAD_STATE_COUNT) == KERN_SUCCESS;
}

static void hold_others(mach_port_t but, bool hold)
{
	for (unsigned i = 0; i < target.thread_count; i++) {
		if (target.threads[i] == but)
			continue;
		if (hold)
			thread_suspend(target.threads[i]);
		else
			thread_resume(target.threads[i]);
	}
}

/* --- exceptions --- */

struct stop *target_stop_of(mach_port_t thread)
{
	for (unsigned i = 0; i < stop_count; i++)
		if (stops[i].thread == thread)
			return &stops[i];
	return NULL;
}

static void answer(const struct stop *s, kern_return_t code)
{
	mig_reply_header_t r;

	memset(&r, 0, sizeof r);
	r.Head.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_MOVE_SEND_ONCE, 0);
	r.Head.msgh_remote_port = s->reply;
	r.Head.msgh_id = EXC_RAISE_ID + 100;
	r.RetCodeType = (mach_msg_type_t){ .msgt_name = MACH_MSG_TYPE_INTEGER_32, .msgt_size = 32, .msgt_inline = 1, .msgt_number = 1 };
	r.RetCode = code;
	if (mach_msg(&r.Head, MACH_SEND_MSG, sizeof r, 0, MACH_PORT_NULL, 0, MACH_PORT_NULL) != MACH_MSG_SUCCESS)
		mach_port_deallocate(SELF, s->reply);
}

/* answer it, forget it */
static void dismiss(struct stop *s, kern_return_t code)
{
	answer(s, code);
	mach_port_deallocate(SELF, s->thread);
	*s = stops[--stop_count];
}

void target_raised(const struct raise_message *m)
{
	struct stop s = { m->thread.name, m->exception, m->code, m->subcode, m->h.msgh_remote_port, false };

	mach_port_deallocate(SELF, m->task.name);
	if (m->task.name != target.task || stop_count == STOPS_MAX) {
		answer(&s, KERN_FAILURE);
		mach_port_deallocate(SELF, s.thread);
		return;
	}
	stops[stop_count++] = s;
}

static struct stop *untold(void)
{
	for (unsigned i = 0; i < stop_count; i++)
		if (!stops[i].told)
			return &stops[i];
	return NULL;
}

static const char *access_error(int code)
{
	switch (code) {
	case KERN_INVALID_ADDRESS:
		return "no memory there";
	case KERN_PROTECTION_FAILURE:
		return "not allowed there";
	case KERN_MEMORY_ERROR:
		return "its pager failed";
	case EXC_I386_PGFLT:
		return "the kernel's half";
	}
	return "fault";
}

static void tell_cause(const struct stop *s, const struct i386_thread_state *r, int breakpoint)
{
	static const char *const kinds[] = { "?", "bad access", "bad instruction", "arithmetic", "emulation", "software", "breakpoint" };
	const char *kind = s->exception > 0 && s->exception <= EXC_BREAKPOINT ? kinds[s->exception] : kinds[0];

	if (breakpoint >= 0)
		printf("breakpoint %d", breakpoint);
	else if (s->exception == EXC_BAD_ACCESS)
		printf("bad access to %lx (%s)", (unsigned long)s->subcode, access_error(s->code));
	else if (s->exception == EXC_BREAKPOINT && s->code == EXC_I386_SGL)
		printf("watch or step");
	else
		printf("%s, code %d, subcode %lx", kind, s->code, (unsigned long)s->subcode);
	printf(" at %s\n", where(r->rip));
}

/* says what stopped it, and makes it the current thread */
static void tell(struct stop *s)
{
	struct i386_thread_state r;
	int breakpoint = -1;

	s->told = true;
	target_threads();
	target.current = s->thread;
	if (!target_get(s->thread, &r))
		return;
	if (s->exception == EXC_BREAKPOINT && s->code == EXC_I386_BPT && (breakpoint = breakpoint_at(r.rip - 1)) >= 0) {
		r.rip--;
		target_set(s->thread, &r);
	}
	printf("thread %d: ", target_thread_number(s->thread));
	tell_cause(s, &r, breakpoint);
}

/* --- running --- */

/* => the task runs; false: it has ended. Suspended again when something has come */
static bool run_until_stop(bool stepping)
{
	char *line;

	if (task_resume(target.task) != KERN_SUCCESS)
		return false;
	for (;;) {
		switch (event_wait(&line, STEP_LIMIT)) {
		case EVENT_STOP:
			task_suspend(target.task);
			return true;
		case EVENT_END:
			return false;
		case EVENT_LINE:
		case EVENT_TIMEOUT:
			task_suspend(target.task);
			if (untold() == NULL)
				printf(stepping ? "it waits in the kernel\n" : "stopped\n");
			return true;
		}
	}
}

/* one instruction of one thread. => false: the task has ended */
static bool step_thread(mach_port_t thread)
{
	struct i386_thread_state r;
	struct stop *s = target_stop_of(thread);
	bool alive;
	int lifted;

	if (!target_get(thread, &r))
		return true;
	lifted = breakpoint_at(r.rip);
	r.rfl |= FLAG_TF;
	target_set(thread, &r);
	target_threads();
	hold_others(thread, true);
	if (lifted >= 0)
		breakpoint_lift(lifted, true);
	if (s != NULL)
		dismiss(s, KERN_SUCCESS);
	alive = run_until_stop(true);
	if (!alive)
		return false;
	if (lifted >= 0)
		breakpoint_lift(lifted, false);
	hold_others(thread, false);
	if (target_get(thread, &r) && (r.rfl & FLAG_TF)) {
		r.rfl &= ~FLAG_TF;
		target_set(thread, &r);
	}
	return true;
}

/* => it stopped for the step and nothing else */
static bool only_stepped(mach_port_t thread)
{
	struct stop *s = target_stop_of(thread);

	return s != NULL && !s->told && s->exception == EXC_BREAKPOINT && s->code == EXC_I386_SGL;
}

void target_step(unsigned count)
{
	mach_port_t thread = target.current;
	struct stop *s;
	struct i386_thread_state r;

	for (unsigned i = 0; i < count; i++) {
		if (!step_thread(thread)) {
			target_ended();
			return;
		}
		if (!only_stepped(thread))
			break;
		target_stop_of(thread)->told = true;
	}
	if ((s = untold()) != NULL)
		tell(s);
	else if (target_get(thread, &r))
		printf("thread %d: at %s\n", target_thread_number(thread), where(r.rip));
}

/* threads that stand at breakpoints pass them one by one. => false: it ended, or something else came up */
static bool pass_breakpoints(void)
{
	struct i386_thread_state r;

	target_threads();
	for (unsigned i = 0; i < target.thread_count; i++) {
		mach_port_t thread = target.threads[i];

		if (!target_get(thread, &r) || breakpoint_at(r.rip) < 0)
			continue;
		if (!step_thread(thread)) {
			target_ended();
			return false;
		}
		if (only_stepped(thread))
			target_stop_of(thread)->told = true;
	}
	return untold() == NULL;
}

void target_continue(void)
{
	struct stop *s;

	if (untold() == NULL && pass_breakpoints()) {
		if (target.task == MACH_PORT_NULL)
			return;
		while (stop_count > 0)
			dismiss(&stops[0], KERN_SUCCESS);
		if (!run_until_stop(false)) {
			target_ended();
			return;
		}
	}
	if ((s = untold()) != NULL)
		tell(s);
}

void target_pass(void)
{
	struct stop *s = target_stop_of(target.current);

	if (s == NULL) {
		printf("no exception\n");
		return;
	}
	dismiss(s, KERN_FAILURE);
	target_continue();
}

/* --- attaching --- */

bool target_attach(mach_port_t task)
{
	if (task_suspend(task) != KERN_SUCCESS) {
		mach_port_deallocate(SELF, task);
		return false;
	}
	target.task = task;
	target.saved_port = MACH_PORT_NULL;
	(void)task_get_special_port(task, TASK_EXCEPTION_PORT, &target.saved_port);
	(void)task_set_special_port(task, TASK_EXCEPTION_PORT, event_exception_port());
	event_watch_end(task);
	target_threads();
	return true;
}

static void forget(void)
{
	for (unsigned i = 0; i < target.thread_count; i++)
		mach_port_deallocate(SELF, target.threads[i]);
	if (target.saved_port != MACH_PORT_NULL)
		mach_port_deallocate(SELF, target.saved_port);
	mach_port_deallocate(SELF, target.task);
	target = (struct target){ 0 };
}

void target_detach(void)
{
	breakpoint_delete_all();
	watch_clear_all();
	(void)task_set_special_port(target.task, TASK_EXCEPTION_PORT, target.saved_port);
	while (stop_count > 0)
		dismiss(&stops[0], KERN_SUCCESS);
	(void)task_resume(target.task);
	forget();
}

void target_ended(void)
{
	printf("the task has ended\n");
	while (stop_count > 0)
		dismiss(&stops[0], KERN_FAILURE);
	breakpoint_delete_all();
	forget();
}
