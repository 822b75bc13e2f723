/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The end of a process, and waiting for it.
 *
 * STATES   RUNNING or STOPPED -> EXITING: threads and task are gone, nobody can run its code.
 *          EXITING -> ZOMBIE: descriptors are closed, children are init's, the parent knows.
 *          The first step is bounded and done under process_lock, also by interrupt-like callers
 *          that hold locks of a tty; the second may block in close operations, so it runs in the
 *          worker that serves exit, or in the reaper.
 * LOCKS    process_lock; released around closing.
 * TESTS    tests/linux
 */
#include <stdlib.h>
#include <string.h>
#include "process.h"
#include "system.h"

#define WNOHANG_	1
#define WSTOPPED_	2
#define WEXITED_	4
#define WCONTINUED_	8
#define WNOWAIT_	0x01000000

static struct process *reap_list;	/* process_lock */
static struct wait_queue reap_queue;

static int64_t
time_value_ns(time_value64_t time)
{
	return time.seconds * 1000000000 + time.nanoseconds;
}

void
process_usage(struct process *process, struct usage *usage)
{
	struct task_basic_info basic;
	struct task_thread_times_info times;
	struct task_events_info events;
	mach_msg_type_number_t count = TASK_BASIC_INFO_COUNT;
	mach_port_t task;

	*usage = process->p_usage_past;
	/* A vfork child's time is its parent's: it has no task. */
	if (process->p_space == NULL || process->p_vfork_place >= 0)
		return;
	task = process->p_space->sp_task;
	if (task_info(task, TASK_BASIC_INFO, (task_info_t)&basic, &count) == KERN_SUCCESS) {
		usage->u_user += time_value_ns(basic.user_time64);
		usage->u_system += time_value_ns(basic.system_time64);
		if (basic.resident_size / 1024 > usage->u_maxrss)
			usage->u_maxrss = basic.resident_size / 1024;
	}
	count = TASK_THREAD_TIMES_INFO_COUNT;
	if (task_info(task, TASK_THREAD_TIMES_INFO, (task_info_t)&times, &count) ==
	    KERN_SUCCESS) {
		usage->u_user += time_value_ns(times.user_time64);
		usage->u_system += time_value_ns(times.system_time64);
	}
	count = TASK_EVENTS_INFO_COUNT;
	if (task_info(task, TASK_EVENTS_INFO, (task_info_t)&events, &count) == KERN_SUCCESS) {
		usage->u_minflt += events.faults - events.pageins;
		usage->u_majflt += events.pageins;
	}
}

void
process_vfork_done(struct process *process)
{
	if (!process->p_vfork)
		return;
	process->p_vfork = false;
	wait_queue_wake(&process->p_vfork_wait);
}

struct space *
process_strip(struct process *process)
{
	struct space *space = process->p_space;
	bool last = space != NULL && space->sp_refs == 1;

	/* With the last reference the task goes soon, and its threads with it. */
	while (process->p_threads != NULL)
		uthread_destroy(process->p_threads, !last);
	if (space == NULL)
		return NULL;
	uthread_drop_spares(process, !last);
	if (process->p_vfork_place >= 0) {
		vm_deallocate(space->sp_task, process->p_share_address, UNIX_SHARE_SIZE);
		space->sp_vfork_places &= ~(1u << process->p_vfork_place);
		process->p_vfork_place = -1;
	}
	process->p_space = NULL;
	return space_put(space);
}

/* => process_lock held; false if it is ending already */
static bool
process_exit_begin(struct process *process, int status)
{
	if (process->p_state == PROCESS_EXITING || process->p_state == PROCESS_ZOMBIE)
		return false;
	process_usage(process, &process->p_usage_past);
	process->p_state = PROCESS_EXITING;
	process->p_status = status;
	process->p_stop_report = process->p_continue_report = false;
	__atomic_store_n(&process->p_killed, true, __ATOMIC_SEQ_CST);
	timer_set(process, 0, 0);
	process->p_dead_space = process_strip(process);
	process_vfork_done(process);
	signal_flush(&process->p_pending, ~0ull);
	process->p_share = NULL;	/* freed once the descriptors are closed */
	return true;
}

void
process_notify_parent(struct process *process, int code, int status)
{
	struct process *parent = process->p_parent;
	struct lx_siginfo info;

	if (parent == NULL)
		return;
	wait_queue_wake(&parent->p_wait);
	if ((code == LX_CLD_STOPPED || code == LX_CLD_CONTINUED) &&
	    (parent->p_child_flags & CHILD_NO_STOP) != 0)
		return;
	if (process->p_exit_signal == 0)
		return;
	signal_fill(&info, process->p_exit_signal, code, process->p_pid,
	    process->p_cred->c_uid);
	info.si_status = status;
	info.si_utime = process->p_usage_past.u_user / 10000000;
	info.si_stime = process->p_usage_past.u_system / 10000000;
	signal_post_process(parent, &info);
}

static void
process_zombie_notify(struct process *process)
{
	int status = process->p_status;
	struct process *parent = process->p_parent;

	if ((status & 0x7f) == 0)
		process_notify_parent(process, LX_CLD_EXITED, (status >> 8) & 0xff);
	else
		process_notify_parent(process, LX_CLD_KILLED, status & 0x7f);
	if (parent != NULL && process->p_exit_signal == LXS_CHLD &&
	    ((parent->p_ignored & sigbit(LXS_CHLD)) != 0 ||
	    (parent->p_child_flags & CHILD_NO_WAIT) != 0))
		process_destroy(process);
}

/* Children of the dead go to the front of init's list; => the first that was there before.  => process_lock held */
static struct process *
process_orphan_children(struct process *process)
{
	struct process *child, *older = process_init->p_children;

	while ((child = process->p_children) != NULL) {
		process->p_children = child->p_sibling;
		child->p_parent = process_init;
		child->p_sibling = process_init->p_children;
		process_init->p_children = child;
		child->p_exit_signal = LXS_CHLD;
		process_publish(child);
		if (child->p_state == PROCESS_ZOMBIE)
			process_zombie_notify(child);
	}
	return older;
}

/* => no lock held; the process is EXITING and nobody else finishes it */
static void
process_exit_finish(struct process *process)
{
	struct item *cwd, *root, *exe;
	struct process *older;
	int status = process->p_status;

	space_destroy(process->p_dead_space);
	process->p_dead_space = NULL;
	fdtable_close_all(process->p_fds, process->p_pid);
	mutex_lock(&process_lock);
	if (process->p_share_index != 0)
		share_free(process->p_share_index);
	cwd = process->p_cwd;
	root = process->p_root;
	exe = process->p_exe;
	process->p_cwd = process->p_root = process->p_exe = NULL;
	mutex_unlock(&process_lock);
	item_rel(cwd);
	item_rel(root);
	if (exe != NULL)
		item_rel(exe);
	if (process == process_first)
		system_end(status);
	mutex_lock(&process_lock);
	older = process_orphan_children(process);
	if (process->p_session->se_sid == process->p_pid)
		job_session_end(process);
	process->p_state = PROCESS_ZOMBIE;
	job_leave(process, older);
	process_zombie_notify(process);
	mutex_unlock(&process_lock);
}

void
process_terminate(struct process *process, int status)
{
	if (!process_exit_begin(process, status))
		return;
	process->p_reap_next = reap_list;
	reap_list = process;
	wait_queue_wake(&reap_queue);
}

void
process_exit(struct process *process, int status)
{
	bool ours;

	mutex_lock(&process_lock);
	ours = process_exit_begin(process, status);
	mutex_unlock(&process_lock);
	if (ours)
		process_exit_finish(process);
}

static void *
reaper(void *argument)
{
	struct process *process;

	(void)argument;
	mutex_lock(&process_lock);
	for (;;) {
		while ((process = reap_list) == NULL)
			wait_sleep(&reap_queue, &process_lock, WAIT_FOREVER);
		reap_list = process->p_reap_next;
		mutex_unlock(&process_lock);
		process_exit_finish(process);
		mutex_lock(&process_lock);
	}
	return NULL;
}

void
reaper_start(void)
{
	wait_queue_init(&reap_queue);
	cthread_detach(cthread_fork(reaper, NULL));
}

static bool
wait_matches(const struct process *parent, const struct process *child, int pid)
{
	if (pid > 0)
		return child->p_pid == pid;
	if (pid == -1)
		return true;
	return child->p_pgid == (pid == 0 ? parent->p_pgid : -pid);
}

/* Does the child have something to say that is asked for?  Fills in and consumes it. */
static bool
wait_report(struct process *child, int options, int *status, struct lx_siginfo *info)
{
	bool keep = (options & WNOWAIT_) != 0;

	signal_fill(info, LXS_CHLD, 0, child->p_pid, child->p_cred->c_uid);
	if (child->p_state == PROCESS_ZOMBIE && (options & WEXITED_) != 0) {
		*status = child->p_status;
		info->si_code = (*status & 0x7f) == 0 ? LX_CLD_EXITED : LX_CLD_KILLED;
		info->si_status = (*status & 0x7f) == 0 ? *status >> 8 : *status & 0x7f;
		return true;
	}
	if (child->p_stop_report && (options & WSTOPPED_) != 0) {
		child->p_stop_report = keep;
		*status = wait_status_stop(child->p_stop_signal);
		info->si_code = LX_CLD_STOPPED;
		info->si_status = child->p_stop_signal;
		return true;
	}
	if (child->p_continue_report && (options & WCONTINUED_) != 0) {
		child->p_continue_report = keep;
		*status = 0xffff;
		info->si_code = LX_CLD_CONTINUED;
		info->si_status = LXS_CONT;
		return true;
	}
	return false;
}

static void
usage_add(struct usage *sum, const struct usage *more)
{
	sum->u_user += more->u_user;
	sum->u_system += more->u_system;
	sum->u_minflt += more->u_minflt;
	sum->u_majflt += more->u_majflt;
	if (more->u_maxrss > sum->u_maxrss)
		sum->u_maxrss = more->u_maxrss;
}

/* => process_lock held; child id, 0 none yet, -LX_ECHILD none ever */
static int
wait_scan(struct process *parent, int pid, int options, int *status, struct usage *usage,
    struct lx_siginfo *info)
{
	struct process *child;
	bool any = false;
	int found;

	for (child = parent->p_children; child != NULL; child = child->p_sibling) {
		if (!wait_matches(parent, child, pid))
			continue;
		any = true;
		if (!wait_report(child, options, status, info))
			continue;
		*usage = child->p_usage_past;
		usage_add(usage, &child->p_usage_children);
		found = child->p_pid;
		if (child->p_state == PROCESS_ZOMBIE && (options & WNOWAIT_) == 0) {
			usage_add(&parent->p_usage_children, usage);
			process_destroy(child);
		}
		return found;
	}
	return any ? 0 : -LX_ECHILD;
}

int
process_wait(struct process *parent, int pid, int options, int *status, struct usage *usage,
    struct lx_siginfo *info)
{
	int result;

	mutex_lock(&process_lock);
	for (;;) {
		result = wait_scan(parent, pid, options, status, usage, info);
		if (result != 0 || (options & WNOHANG_) != 0)
			break;
		result = wait_sleep(&parent->p_wait, &process_lock, WAIT_FOREVER);
		if (result != 0) {
			/* The signal may be the SIGCHLD of what we wait for. */
			int again = wait_scan(parent, pid, options, status, usage, info);

			if (again != 0)
				result = again;
			break;
		}
	}
	mutex_unlock(&process_lock);
	return result;
}
