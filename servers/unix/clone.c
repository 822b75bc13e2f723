/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * clone: fork, vfork, threads.
 *
 * RIGHTS   on failure nothing is left behind; on success the child runs.
 * LOCKS    process_lock, released while memory is copied and while a vfork parent waits.
 * TESTS    tests/linux
 */
#include <stdlib.h>
#include <string.h>
#include "process.h"

#define CLONE_SIGNAL		0xffull
#define CLONE_VM		0x100ull
#define CLONE_FS		0x200ull
#define CLONE_FILES		0x400ull
#define CLONE_SIGHAND		0x800ull
#define CLONE_VFORK		0x4000ull
#define CLONE_PARENT		0x8000ull
#define CLONE_THREAD		0x10000ull
#define CLONE_SYSVSEM		0x40000ull
#define CLONE_SETTLS		0x80000ull
#define CLONE_PARENT_SETTID	0x100000ull
#define CLONE_CHILD_CLEARTID	0x200000ull
#define CLONE_DETACHED		0x400000ull
#define CLONE_CHILD_SETTID	0x1000000ull
#define CLONE_THREAD_SET	(CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD)
#define CLONE_KNOWN		(CLONE_SIGNAL | CLONE_THREAD_SET | CLONE_VFORK | CLONE_SYSVSEM | \
	CLONE_SETTLS | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID | CLONE_DETACHED | \
	CLONE_CHILD_SETTID)

struct clone_call {
	struct uthread	*cc_parent;
	uint64_t	cc_flags;
	struct uthread_start cc_start;
	struct space	*cc_space;	/* fork: the copy, until the child has it */
};

static int
clone_check(const struct clone_call *call)
{
	const struct process *process = call->cc_parent->t_process;
	uint64_t flags = call->cc_flags;

	if (process->p_killed || call->cc_parent->t_dead)
		return -LX_EINTR;
	if ((flags & ~CLONE_KNOWN) != 0)
		return -LX_EINVAL;
	if ((flags & CLONE_THREAD) != 0) {
		if ((flags & CLONE_THREAD_SET) != CLONE_THREAD_SET)
			return -LX_EINVAL;
	} else if ((flags & (CLONE_FS | CLONE_FILES | CLONE_SIGHAND)) != 0) {
		/* Processes that share tables: not here. */
		return -LX_EINVAL;
	}
	if ((flags & CLONE_SIGNAL) > SIG_MAX)
		return -LX_EINVAL;
	/* Also for the superuser, or a limit set by root would limit nobody. */
	if (process_count_user(process->p_cred->c_uid) >=
	    process->p_limits[RLIMIT_NPROC].rl_soft)
		return -LX_EAGAIN;
	return 0;
}

static int
clone_thread(struct clone_call *call)
{
	struct uthread *thread;
	int tid = pid_alloc();
	int error;

	if (tid < 0)
		return tid;
	call->cc_start.us_tid = tid;
	error = uthread_create(call->cc_parent->t_process, &call->cc_start, &thread);
	if (error != 0)
		return error;
	uthread_run(thread);
	return tid;
}

/* Where a vfork child's share pages go in its parent's space. */
static int
clone_vfork_place(struct process *child, uint64_t *address)
{
	struct space *space = child->p_space;
	int place;

	for (place = 0; place < 15; place++) {
		if ((space->sp_vfork_places & (1u << place)) == 0)
			break;
	}
	if (place == 15)
		return -LX_EAGAIN;
	space->sp_vfork_places |= 1u << place;
	child->p_vfork_place = place;
	*address = UNIX_EMUL_SHARE_VFORK + place * 0x10000ull;
	return 0;
}

static int
clone_space(struct clone_call *call, struct process *parent, struct process *child)
{
	uint64_t address = UNIX_EMUL_SHARE;
	int error;

	error = share_alloc(&child->p_share_index, &child->p_share);
	if (error != 0)
		return error;
	fdtable_attach(child->p_fds, child, child->p_share);
	if ((call->cc_flags & CLONE_VM) != 0) {
		child->p_space = parent->p_space;
		child->p_space->sp_refs++;
		error = clone_vfork_place(child, &address);
	} else {
		child->p_space = call->cc_space;
		call->cc_space = NULL;
	}
	if (error == 0)
		error = space_map_share(child->p_space, child, address);
	return error;
}

/* Undo a child that never ran; its space is left to be destroyed. */
static void
clone_undo(struct clone_call *call, struct process *child)
{
	struct space *space;

	child->p_state = PROCESS_EXITING;
	space = process_strip(child);
	if (space != NULL)
		call->cc_space = space;		/* else the child did not have it yet, or it is its parent's */
	fdtable_close_all(child->p_fds, child->p_pid);
	if (child->p_share != NULL)
		share_free(child->p_share_index);
	child->p_share = NULL;
	if (child->p_exe != NULL)
		item_rel(child->p_exe);
	item_rel(child->p_cwd);
	item_rel(child->p_root);
	child->p_cwd = child->p_root = child->p_exe = NULL;
	process_destroy(child);
}

static int
clone_process(struct clone_call *call, struct process **out)
{
	struct process *parent = call->cc_parent->t_process;
	struct process *child;
	struct uthread *thread;
	int error;

	error = process_create(parent, &child);
	if (error != 0)
		return error;
	child->p_exit_signal = call->cc_flags & CLONE_SIGNAL;
	error = clone_space(call, parent, child);
	if (error == 0) {
		call->cc_start.us_tid = child->p_pid;
		process_publish(child);
		child->p_share->uh_exec = parent->p_share->uh_exec;
		child->p_share->uh_brk_start = child->p_space->sp_brk_start;
		error = uthread_create(child, &call->cc_start, &thread);
	}
	if (error != 0) {
		clone_undo(call, child);
		return error;
	}
	child->p_vfork = (call->cc_flags & CLONE_VFORK) != 0;
	*out = child;
	uthread_run(thread);
	return child->p_pid;
}

/*
 * Copy the parent's memory, which takes time, without the lock.
 * => process_lock held on entry and return; a signal that came meanwhile comes first, so that a
 *    kill of a group does not miss the child
 */
static int
clone_copy(struct clone_call *call)
{
	struct space *space = call->cc_parent->t_process->p_space, *dead;
	int error;

	space->sp_refs++;
	mutex_unlock(&process_lock);
	error = space_fork(space, &call->cc_space);
	mutex_lock(&process_lock);
	dead = space_put(space);
	if (dead != NULL) {
		mutex_unlock(&process_lock);
		space_destroy(dead);
		mutex_lock(&process_lock);
	}
	if (error == 0 && uthread_interrupted(call->cc_parent, false))
		error = -UNIX_ERESTARTNOINTR;
	return error;
}

static void
clone_wait_vfork(struct process *child)
{
	process_ref(child);
	while (child->p_vfork &&
	    wait_sleep_killable(&child->p_vfork_wait, &process_lock, WAIT_FOREVER) == 0)
		;
	child->p_vfork = false;
	process_rel(child);
}

int64_t
process_clone(struct uthread *parent, uint64_t flags, uint64_t block, uint64_t stack,
    uint64_t fs_base)
{
	struct clone_call call = { .cc_parent = parent, .cc_flags = flags };
	struct process *child = NULL;
	int result;

	call.cc_start.us_rip = emul_header.ue_child;
	call.cc_start.us_rsp = stack;
	call.cc_start.us_gs = block;
	call.cc_start.us_fs = fs_base;
	mutex_lock(&process_lock);
	result = clone_check(&call);
	if (result == 0 && (flags & CLONE_VM) == 0)
		result = clone_copy(&call);
	call.cc_start.us_mask = parent->t_slot->us_mask;
	if (result == 0 && (flags & CLONE_THREAD) != 0)
		result = clone_thread(&call);
	else if (result == 0)
		result = clone_process(&call, &child);
	if (child != NULL && child->p_vfork)
		clone_wait_vfork(child);
	mutex_unlock(&process_lock);
	space_destroy(call.cc_space);
	return result;
}
