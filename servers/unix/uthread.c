/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Threads of processes: kernel thread, request port, slot; and moving a running one aside.
 *
 * OBJECT   struct uthread (process.h).  The payload of its request port is index | serial << 16,
 *          so that a message that was received before the port died cannot name another thread.
 * STATES   listed in its process (t_dead clear) -> dead (unlisted, kernel thread terminated).
 * REFS     the table holds one until uthread_destroy, a request being served one.
 * LOCKS    process_lock for lists; thread_table_lock (leaf spin lock) for the table.
 * RIGHTS   t_kernel: a send right; t_request: the receive right, member of worker_set.
 * TESTS    tests/linux
 */
#include <stdlib.h>
#include <string.h>
#include "process.h"
#include "system.h"

#define UTHREADS_MAX	4096
#define UTHREAD_PORT_NAME	8	/* of the send right for requests in the task */
#define UTHREAD_PORT_TRIES	1024

static struct uthread *thread_table[UTHREADS_MAX];	/* thread_table_lock */
static spin_lock_t thread_table_lock;
static unsigned int thread_table_next;			/* process_lock: where to look first */
static unsigned int thread_table_top;			/* process_lock: all are below */
static unsigned int thread_number;			/* process_lock */
static uint64_t thread_serial;				/* process_lock */

unsigned int
uthread_count(void)
{
	return thread_number;
}

struct uthread *
uthread_lookup(int tid)
{
	unsigned int i;

	for (i = 0; i < thread_table_top; i++) {
		struct uthread *thread = thread_table[i];

		if (thread != NULL && thread->t_tid == tid && !thread->t_dead)
			return thread;
	}
	return NULL;
}

struct uthread *
uthread_by_port(mach_port_t kernel)
{
	unsigned int i;

	for (i = 0; i < thread_table_top; i++) {
		struct uthread *thread = thread_table[i];

		if (thread != NULL && thread->t_kernel == kernel && !thread->t_dead)
			return thread;
	}
	return NULL;
}

struct uthread *
uthread_by_payload(uint64_t payload)
{
	unsigned int index = payload & 0xffff;
	struct uthread *thread = NULL;

	if (index >= UTHREADS_MAX)
		return NULL;
	spin_lock(&thread_table_lock);
	thread = thread_table[index];
	if (thread != NULL && thread->t_serial == payload >> 16)
		uthread_ref(thread);
	else
		thread = NULL;
	spin_unlock(&thread_table_lock);
	return thread;
}

void
uthread_ref(struct uthread *thread)
{
	__atomic_add_fetch(&thread->t_refs, 1, __ATOMIC_RELAXED);
}

void
uthread_rel(struct uthread *thread)
{
	if (__atomic_sub_fetch(&thread->t_refs, 1, __ATOMIC_ACQ_REL) != 0)
		return;
	process_rel(thread->t_process);
	free(thread);
}

/* => process_lock held */
static int
uthread_enter(struct uthread *thread)
{
	unsigned int tries, index;

	for (tries = 0; tries < UTHREADS_MAX; tries++) {
		index = (thread_table_next + tries) % UTHREADS_MAX;
		if (thread_table[index] == NULL)
			break;
	}
	if (tries == UTHREADS_MAX)
		return -LX_EAGAIN;
	thread_table_next = index + 1;
	if (index >= thread_table_top)
		thread_table_top = index + 1;
	thread->t_index = index;
	spin_lock(&thread_table_lock);
	thread_table[index] = thread;
	spin_unlock(&thread_table_lock);
	thread_number++;
	return 0;
}

static void
uthread_leave(struct uthread *thread)
{
	spin_lock(&thread_table_lock);
	thread_table[thread->t_index] = NULL;
	spin_unlock(&thread_table_lock);
	if (thread->t_index < thread_table_next)
		thread_table_next = thread->t_index;
	thread_number--;
}

/* A request that does not name its thread would be nobody's. */
static int
uthread_mark_port(struct uthread *thread)
{
	if (mach_port_set_protected_payload(mach_task_self(), thread->t_request,
	    thread->t_index | (thread->t_serial << 16)) != KERN_SUCCESS)
		return -LX_EAGAIN;
	thread->t_slot->us_port = thread->t_name;
	return 0;
}

/* The request port, and its send right in the task under a fixed name. => process_lock held */
static int
uthread_make_port(struct uthread *thread, mach_port_t task)
{
	/* Low names keep the task's table of names small; those of a running library are passed. */
	mach_port_t name = UTHREAD_PORT_NAME + thread->t_slot_index;
	struct process *process = thread->t_process;
	kern_return_t kr;
	int tries;

	if (process->p_spare_count > 0) {
		thread->t_request = process->p_spares[--process->p_spare_count].sr_port;
		thread->t_name = process->p_spares[process->p_spare_count].sr_name;
		return uthread_mark_port(thread);
	}
	kr = mach_port_allocate(mach_task_self(), MACH_PORT_RIGHT_RECEIVE, &thread->t_request);
	if (kr != KERN_SUCCESS)
		return -LX_EAGAIN;
	kr = mach_port_move_member(mach_task_self(), thread->t_request, worker_set);
	if (kr != KERN_SUCCESS)
		return -LX_EAGAIN;
	for (tries = 0; tries < UTHREAD_PORT_TRIES; tries++, name++) {
		kr = mach_port_insert_right(task, name, thread->t_request,
		    MACH_MSG_TYPE_MAKE_SEND);
		if (kr != KERN_NAME_EXISTS)
			break;
	}
	if (kr != KERN_SUCCESS)
		return -LX_EAGAIN;
	thread->t_name = name;
	return uthread_mark_port(thread);
}

static int
uthread_make_kernel(struct uthread *thread, mach_port_t task, const struct uthread_start *start)
{
	struct i386_thread_state state;
	struct i386_fsgs_base_state base;
	struct process *process = thread->t_process;
	uint64_t slot = process->p_share_address + offsetof(struct unix_share, uh_slots) +
	    thread->t_slot_index * sizeof(struct unix_slot);
	kern_return_t kr;

	kr = thread_create(task, &thread->t_kernel);
	if (kr != KERN_SUCCESS)
		return -LX_EAGAIN;
	memset(&state, 0, sizeof(state));
	state.rip = start->us_rip;
	state.ursp = start->us_rsp;
	state.rfl = 0x202;
	state.rdi = start->us_exec ? start->us_rdi : slot;
	state.rsi = start->us_rsi;
	if (start->us_exec) {
		state.rdx = process->p_share_address;
		state.rcx = slot;
	}
	kr = thread_set_state(thread->t_kernel, i386_THREAD_STATE, (thread_state_t)&state,
	    i386_THREAD_STATE_COUNT);
	if (kr != KERN_SUCCESS)
		return -LX_EAGAIN;
	base.fs_base = start->us_fs;
	base.gs_base = start->us_gs;
	kr = thread_set_state(thread->t_kernel, i386_FSGS_BASE_STATE, (thread_state_t)&base,
	    i386_FSGS_BASE_STATE_COUNT);
	return kr == KERN_SUCCESS ? 0 : -LX_EAGAIN;
}

/* => process_lock held; a free slot of the share pages or -1 */
static int
uthread_find_slot(struct process *process)
{
	struct uthread *thread;
	unsigned int slot;

	for (slot = 0; slot < UNIX_SHARE_SLOTS; slot++) {
		for (thread = process->p_threads; thread != NULL; thread = thread->t_next) {
			if (thread->t_slot_index == slot)
				break;
		}
		if (thread == NULL)
			return slot;
	}
	return -1;
}

static void
uthread_drop_rights(struct uthread *thread, bool kill_kernel)
{
	if (thread->t_request != MACH_PORT_NULL)
		mach_port_mod_refs(mach_task_self(), thread->t_request, MACH_PORT_RIGHT_RECEIVE,
		    -1);
	/* The task lives on: what is left of the right there is a dead name. */
	if (thread->t_request != MACH_PORT_NULL && thread->t_name != MACH_PORT_NULL && kill_kernel)
		mach_port_deallocate(thread->t_process->p_space->sp_task, thread->t_name);
	if (thread->t_kernel != MACH_PORT_NULL) {
		if (kill_kernel)
			kernel_insist(thread_terminate, thread->t_kernel);
		mach_port_deallocate(mach_task_self(), thread->t_kernel);
	}
	thread->t_request = thread->t_kernel = MACH_PORT_NULL;
}

int
uthread_create(struct process *process, const struct uthread_start *start, struct uthread **out)
{
	struct uthread *thread = calloc(1, sizeof(*thread));
	int slot = uthread_find_slot(process);
	int error;

	if (thread == NULL || slot < 0) {
		free(thread);
		return thread == NULL ? -LX_ENOMEM : -LX_EAGAIN;
	}
	thread->t_tid = start->us_tid;
	thread->t_serial = ++thread_serial;
	thread->t_refs = 1;
	thread->t_process = process;
	thread->t_slot_index = slot;
	thread->t_slot = &process->p_share->uh_slots[slot];
	memset(thread->t_slot, 0, sizeof(*thread->t_slot));
	thread->t_slot->us_tid = start->us_tid;
	thread->t_slot->us_mask = start->us_mask;
	error = uthread_enter(thread);
	if (error != 0) {
		free(thread);
		return error;
	}
	process_ref(process);
	error = uthread_make_port(thread, process->p_space->sp_task);
	if (error == 0)
		error = uthread_make_kernel(thread, process->p_space->sp_task, start);
	if (error != 0) {
		uthread_leave(thread);
		uthread_drop_rights(thread, true);
		uthread_rel(thread);
		return error;
	}
	thread->t_next = process->p_threads;
	process->p_threads = thread;
	process->p_share->uh_threads = ++process->p_thread_count;
	*out = thread;
	return 0;
}

void
uthread_run(struct uthread *thread)
{
	kernel_insist(thread_resume, thread->t_kernel);
}

void
uthread_destroy(struct uthread *thread, bool kill_kernel)
{
	struct uthread **link = &thread->t_process->p_threads;
	struct sleeper *sleeper;

	while (*link != thread)
		link = &(*link)->t_next;
	*link = thread->t_next;
	thread->t_process->p_share->uh_threads = --thread->t_process->p_thread_count;
	__atomic_store_n(&thread->t_dead, true, __ATOMIC_SEQ_CST);
	sleeper = __atomic_load_n(&thread->t_sleeper, __ATOMIC_SEQ_CST);
	if (sleeper != NULL)
		sleeper_wake(sleeper);
	signal_flush(&thread->t_pending, ~0ull);
	uthread_leave(thread);
	uthread_drop_rights(thread, kill_kernel);
	uthread_rel(thread);
}

void
uthread_retire(struct uthread *thread)
{
	struct process *process = thread->t_process;
	struct spare_port *spare = &process->p_spares[process->p_spare_count];

	if (process->p_spare_count < PROCESS_SPARES) {
		spare->sr_port = thread->t_request;
		spare->sr_name = thread->t_name;
		process->p_spare_count++;
		thread->t_request = MACH_PORT_NULL;
	}
	uthread_destroy(thread, true);
}

void
uthread_drop_spares(struct process *process, bool task_lives)
{
	struct spare_port *spare;

	while (process->p_spare_count > 0) {
		spare = &process->p_spares[--process->p_spare_count];
		mach_port_mod_refs(mach_task_self(), spare->sr_port, MACH_PORT_RIGHT_RECEIVE, -1);
		if (task_lives)
			mach_port_deallocate(process->p_space->sp_task, spare->sr_name);
	}
}

bool
uthread_interrupted(const struct uthread *thread, bool killable_only)
{
	const struct process *process = thread->t_process;
	uint64_t pending;

	if (__atomic_load_n(&thread->t_dead, __ATOMIC_SEQ_CST) ||
	    __atomic_load_n(&process->p_killed, __ATOMIC_SEQ_CST))
		return true;
	if (killable_only)
		return false;
	if (process->p_state == PROCESS_STOPPED)
		return true;
	pending = __atomic_load_n(&thread->t_pending.sq_set, __ATOMIC_SEQ_CST) |
	    __atomic_load_n(&process->p_pending.sq_set, __ATOMIC_SEQ_CST);
	if (pending & thread->t_waiting_for)
		return true;
	return (pending & ~(thread->t_slot->us_mask & ~SIGSET_UNMASKABLE)) != 0;
}

int
uthread_get_state(struct uthread *thread, struct i386_thread_state *state)
{
	mach_msg_type_number_t count;
	unsigned int tries = 0;
	kern_return_t kr;

	do {
		count = i386_THREAD_STATE_COUNT;
		kr = thread_get_state(thread->t_kernel, i386_THREAD_STATE, (thread_state_t)state, &count);
	} while (kernel_again(kr, &tries));
	return kr == KERN_SUCCESS ? 0 : -LX_ESRCH;
}

int
uthread_set_state(struct uthread *thread, const struct i386_thread_state *state)
{
	unsigned int tries = 0;
	kern_return_t kr;

	do {
		kr = thread_set_state(thread->t_kernel, i386_THREAD_STATE, (thread_state_t)state,
		    i386_THREAD_STATE_COUNT);
	} while (kernel_again(kr, &tries));
	return kr == KERN_SUCCESS ? 0 : -LX_ESRCH;
}

/* Move a suspended thread to where it will look at its signals (docs/unix.md). */
static void
uthread_divert(struct uthread *thread)
{
	const struct unix_emul_header *emul = &emul_header;
	struct i386_thread_state state;

	if (uthread_get_state(thread, &state) != 0)
		return;
	if (state.rip == emul->ue_wait_end) {
		kernel_insist(thread_abort, thread->t_kernel);
	} else if (state.rip >= emul->ue_wait_start && state.rip < emul->ue_wait_end) {
		state.rip = emul->ue_wait_fixup;
		uthread_set_state(thread, &state);
	} else if (state.rip > emul->ue_exit_start && state.rip < emul->ue_exit_end) {
		state.rip = emul->ue_exit_start;
		uthread_set_state(thread, &state);
	} else if (!emul_contains(state.rip)) {
		thread->t_slot->us_rip = state.rip;
		state.rip = emul->ue_signal;
		uthread_set_state(thread, &state);
	}
}

void
uthread_kick(struct uthread *thread)
{
	struct sleeper *sleeper = __atomic_load_n(&thread->t_sleeper, __ATOMIC_SEQ_CST);

	if (sleeper != NULL) {
		sleeper_wake(sleeper);
		return;
	}
	if (uthread_current() == thread)
		return;
	if (kernel_insist(thread_suspend, thread->t_kernel) != KERN_SUCCESS)
		return;
	uthread_divert(thread);
	kernel_insist(thread_resume, thread->t_kernel);
}

void
uthread_suspend(struct uthread *thread)
{
	if (thread->t_stopped)
		return;
	thread->t_stopped = true;
	kernel_insist(thread_suspend, thread->t_kernel);
}

void
uthread_resume(struct uthread *thread)
{
	if (!thread->t_stopped)
		return;
	thread->t_stopped = false;
	kernel_insist(thread_resume, thread->t_kernel);
}
