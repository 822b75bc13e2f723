/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Signals: posting, default actions, stopping and continuing, taking.
 *
 * OBJECT   struct sig_queue, one per process and one per thread; sq_set is what is in the list.
 * RULES    A signal in a queue was neither ignored nor default-ignored when it was posted, or it
 *          was blocked.  Default actions are done here, at once, unless every thread blocks the
 *          signal or the process is stopped; handlers are the library's affair (docs/unix.md).
 *          pid 1 is spared by every signal it has no handler for.
 * LOCKS    process_lock held in every function but the pure ones.
 * TESTS    tests/linux
 */
#include <stdlib.h>
#include <string.h>
#include "process.h"

#define SIG_QUEUE_MAX	1024	/* entries of one queue: real-time signals beyond are lost */

void
signal_fill(struct lx_siginfo *info, int sig, int code, int pid, uint32_t uid)
{
	memset(info, 0, sizeof(*info));
	info->si_signo = sig;
	info->si_code = code;
	info->si_pid = pid;
	info->si_uid = uid;
}

static void
queue_add(struct sig_queue *queue, const struct lx_siginfo *info)
{
	struct sig_entry *entry, **link;
	uint64_t bit = sigbit(info->si_signo);

	if ((queue->sq_set & bit) != 0 &&
	    (info->si_signo < 32 || queue->sq_count >= SIG_QUEUE_MAX))
		return;
	entry = malloc(sizeof(*entry));
	if (entry != NULL) {
		entry->sq_next = NULL;
		entry->sq_info = *info;
		for (link = &queue->sq_head; *link != NULL; link = &(*link)->sq_next)
			;
		*link = entry;
		queue->sq_count++;
	}
	/* Without memory the signal still arrives, only its details are lost. */
	__atomic_or_fetch(&queue->sq_set, bit, __ATOMIC_SEQ_CST);
}

static void
queue_take(struct sig_queue *queue, int sig, struct lx_siginfo *info)
{
	struct sig_entry **link, *entry;
	bool more = false, found = false;

	signal_fill(info, sig, LX_SI_USER, 0, 0);
	for (link = &queue->sq_head; *link != NULL;) {
		entry = *link;
		if (entry->sq_info.si_signo == sig && found) {
			more = true;
			break;
		}
		if (entry->sq_info.si_signo == sig) {
			*info = entry->sq_info;
			*link = entry->sq_next;
			queue->sq_count--;
			free(entry);
			found = true;
			continue;
		}
		link = &entry->sq_next;
	}
	if (!more)
		__atomic_and_fetch(&queue->sq_set, ~sigbit(sig), __ATOMIC_SEQ_CST);
}

void
signal_flush(struct sig_queue *queue, uint64_t set)
{
	struct sig_entry **link = &queue->sq_head;

	while (*link != NULL) {
		struct sig_entry *entry = *link;

		if (sigbit(entry->sq_info.si_signo) & set) {
			*link = entry->sq_next;
			queue->sq_count--;
			free(entry);
		} else {
			link = &entry->sq_next;
		}
	}
	__atomic_and_fetch(&queue->sq_set, ~set, __ATOMIC_SEQ_CST);
}

uint64_t
signal_pending(const struct uthread *thread)
{
	return thread->t_pending.sq_set | thread->t_process->p_pending.sq_set;
}

void
signal_publish(struct process *process)
{
	struct uthread *thread;

	for (thread = process->p_threads; thread != NULL; thread = thread->t_next)
		__atomic_store_n(&thread->t_slot->us_pending, signal_pending(thread),
		    __ATOMIC_SEQ_CST);
}

static uint64_t
signal_mask(const struct uthread *thread)
{
	return __atomic_load_n(&thread->t_slot->us_mask, __ATOMIC_SEQ_CST) & ~SIGSET_UNMASKABLE;
}

/* A thread that the signal may be given to now, or null if it is blocked everywhere. */
static struct uthread *
signal_find_thread(struct process *process, int sig)
{
	struct uthread *thread;
	uint64_t bit = sigbit(sig);

	for (thread = process->p_threads; thread != NULL; thread = thread->t_next) {
		if ((signal_mask(thread) & bit) == 0 || (thread->t_waiting_for & bit) != 0)
			return thread;
	}
	return NULL;
}

static bool
signal_ignored(const struct process *process, int sig)
{
	uint64_t bit = sigbit(sig);

	if (bit & SIGSET_UNMASKABLE)
		return false;
	if (process->p_ignored & bit)
		return true;
	if (process->p_caught & bit)
		return false;
	return sig_default_action(sig) == SIG_ACT_IGNORE ||
	    sig_default_action(sig) == SIG_ACT_CONTINUE;
}

void
signal_stop(struct process *process, int sig)
{
	struct uthread *thread;

	if (process->p_state != PROCESS_RUNNING)
		return;
	process->p_state = PROCESS_STOPPED;
	process->p_stop_signal = sig;
	process->p_stop_report = true;
	process->p_continue_report = false;
	for (thread = process->p_threads; thread != NULL; thread = thread->t_next) {
		struct sleeper *sleeper = thread->t_sleeper;

		if (sleeper != NULL)
			sleeper_wake(sleeper);
		uthread_suspend(thread);
	}
	process_notify_parent(process, LX_CLD_STOPPED, sig);
}

/* The default action of an unblocked signal.  => true if the process still runs */
static bool
signal_default(struct process *process, int sig)
{
	switch (sig_default_action(sig)) {
	case SIG_ACT_TERMINATE:
		if (process == process_init)
			return true;
		process_terminate(process, wait_status_signal(sig));
		return false;
	case SIG_ACT_STOP:
		if (process == process_init ||
		    (sig != LXS_STOP && job_group_orphaned(process->p_pgid)))
			return true;
		signal_stop(process, sig);
		return false;
	default:
		return true;
	}
}

void
signal_continue(struct process *process)
{
	struct uthread *thread;

	if (process->p_state != PROCESS_STOPPED)
		return;
	process->p_state = PROCESS_RUNNING;
	process->p_stop_report = false;
	process->p_continue_report = true;
	process_notify_parent(process, LX_CLD_CONTINUED, LXS_CONT);
	for (thread = process->p_threads; thread != NULL; thread = thread->t_next) {
		uint64_t set = signal_pending(thread) & ~signal_mask(thread);
		int sig = sig_first(set & ~process->p_caught);

		/* What was fatal while it was stopped is so now. */
		if (sig != 0 && !signal_default(process, sig))
			return;
		if (set != 0)
			uthread_kick(thread);
	}
	for (thread = process->p_threads; thread != NULL; thread = thread->t_next)
		uthread_resume(thread);
}

/* Effects of generating a signal, whatever becomes of it. */
static void
signal_side_effects(struct process *process, int sig)
{
	uint64_t flush = 0;
	struct uthread *thread;

	if (sig == LXS_CONT)
		flush = SIGSET_STOP;
	else if (sigbit(sig) & SIGSET_STOP)
		flush = sigbit(LXS_CONT);
	if (flush == 0)
		return;
	signal_flush(&process->p_pending, flush);
	for (thread = process->p_threads; thread != NULL; thread = thread->t_next)
		signal_flush(&thread->t_pending, flush);
	signal_publish(process);
	if (sig == LXS_CONT)
		signal_continue(process);
}

static void
signal_post(struct process *process, struct uthread *target, const struct lx_siginfo *info)
{
	int sig = info->si_signo;
	struct uthread *thread = target;
	bool blocked;

	if (process->p_state == PROCESS_EXITING || process->p_state == PROCESS_ZOMBIE)
		return;
	if (sig == LXS_KILL) {
		signal_default(process, sig);
		return;
	}
	signal_side_effects(process, sig);
	if (process->p_state == PROCESS_EXITING)
		return;
	if (target == NULL)
		thread = signal_find_thread(process, sig);
	blocked = thread == NULL || ((signal_mask(thread) & sigbit(sig)) != 0 &&
	    (thread->t_waiting_for & sigbit(sig)) == 0);
	if (!blocked && (thread->t_waiting_for & sigbit(sig)) == 0) {
		if (signal_ignored(process, sig))
			return;
		if ((process->p_caught & sigbit(sig)) == 0 &&
		    (process->p_state == PROCESS_RUNNING || sig == LXS_STOP)) {
			signal_default(process, sig);
			return;
		}
	}
	queue_add(target != NULL ? &target->t_pending : &process->p_pending, info);
	signal_publish(process);
	/* A mask may have been loosened between our look and the publication: look again. */
	if (thread == NULL)
		thread = signal_find_thread(process, sig);
	if (thread != NULL && ((signal_mask(thread) & sigbit(sig)) == 0 ||
	    (thread->t_waiting_for & sigbit(sig)) != 0) &&
	    process->p_state == PROCESS_RUNNING)
		uthread_kick(thread);
}

void
signal_post_process(struct process *process, const struct lx_siginfo *info)
{
	signal_post(process, NULL, info);
}

void
signal_post_thread(struct uthread *thread, const struct lx_siginfo *info)
{
	signal_post(thread->t_process, thread, info);
}

void
signal_post_group(int pgid, const struct lx_siginfo *info)
{
	struct process *process;

	for (process = process_next(NULL); process != NULL; process = process_next(process)) {
		if (process->p_pgid == pgid)
			signal_post(process, NULL, info);
	}
}

bool
signal_group_exists(int pgid)
{
	struct process *process;

	for (process = process_next(NULL); process != NULL; process = process_next(process)) {
		if (process->p_pgid == pgid)
			return true;
	}
	return false;
}

bool
signal_fault_fatal(struct uthread *thread, int sig)
{
	return (thread->t_process->p_caught & sigbit(sig)) == 0 ||
	    (signal_mask(thread) & sigbit(sig)) != 0;
}

int
signal_take_set(struct uthread *thread, uint64_t set, struct lx_siginfo *info)
{
	struct process *process = thread->t_process;
	int sig = sig_first(thread->t_pending.sq_set & set);

	if (sig != 0) {
		queue_take(&thread->t_pending, sig, info);
	} else {
		sig = sig_first(process->p_pending.sq_set & set);
		if (sig == 0)
			return 0;
		queue_take(&process->p_pending, sig, info);
	}
	signal_publish(process);
	return sig;
}

int
signal_take(struct uthread *thread, struct lx_siginfo *info)
{
	struct process *process = thread->t_process;
	int sig;

	if (thread->t_dead)
		return 0;
	for (;;) {
		sig = signal_take_set(thread, ~signal_mask(thread), info);
		if (sig == 0 || (process->p_caught & sigbit(sig)) != 0)
			return sig;
		if (!signal_ignored(process, sig) && !signal_default(process, sig))
			return 0;
	}
}
