/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Job control: sessions, process groups, controlling terminals.
 *
 * OBJECT   struct session: counted by its processes.  A terminal (struct tty_job) and a session
 *          point at each other while it controls the session.
 * LOCKS    process_lock.
 * TESTS    tests/unit/unix, tests/linux
 */
#include <stdlib.h>
#include "process.h"

struct session *
session_create(int sid)
{
	struct session *session = calloc(1, sizeof(*session));

	if (session != NULL) {
		session->se_refs = 1;
		session->se_sid = sid;
	}
	return session;
}

/* A leader that lives holds a reference, and one that ends lets go of the terminal. */
void
session_rel(struct session *session)
{
	if (__atomic_sub_fetch(&session->se_refs, 1, __ATOMIC_ACQ_REL) == 0)
		free(session);
}

static struct process *job_acting;	/* at start only */

void
job_act_for(struct process *process)
{
	job_acting = process;
}

static struct process *
job_current(void)
{
	struct uthread *thread = uthread_current();

	return thread == NULL ? job_acting : thread->t_process;
}

/*
 * A group is orphaned when no living member has a parent outside of the group and inside of the
 * session; `without` is a process to think away.
 */
static bool
job_orphaned_without(int pgid, const struct process *without)
{
	struct process *process;

	for (process = process_next(NULL); process != NULL; process = process_next(process)) {
		const struct process *parent = process->p_parent;

		if (process->p_pgid != pgid || process == without ||
		    process->p_state == PROCESS_ZOMBIE || parent == NULL || parent == without)
			continue;
		if (parent->p_pgid != pgid && parent->p_session == process->p_session)
			return false;
	}
	return true;
}

bool
job_group_orphaned(int pgid)
{
	return job_orphaned_without(pgid, NULL);
}

static bool
job_group_stopped(int pgid)
{
	struct process *process;

	for (process = process_next(NULL); process != NULL; process = process_next(process)) {
		if (process->p_pgid == pgid && process->p_state == PROCESS_STOPPED)
			return true;
	}
	return false;
}

static void
job_hangup_group(int pgid)
{
	struct lx_siginfo info;

	if (!job_group_orphaned(pgid) || !job_group_stopped(pgid))
		return;
	signal_fill(&info, LXS_HUP, LX_SI_KERNEL, 0, 0);
	signal_post_group(pgid, &info);
	signal_fill(&info, LXS_CONT, LX_SI_KERNEL, 0, 0);
	signal_post_group(pgid, &info);
}

/*
 * Only a group that this end makes an orphan is hung up: one that was an orphan before may stop and go on as it likes.
 * => the process is a zombie, its children are init's and stand before older
 */
void
job_leave(struct process *process, const struct process *older)
{
	const struct process *parent = process->p_parent;
	struct process *child;

	if (parent != NULL && parent->p_pgid != process->p_pgid && parent->p_session == process->p_session)
		job_hangup_group(process->p_pgid);
	for (child = process_init->p_children; child != older; child = child->p_sibling) {
		if (child->p_pgid != process->p_pgid && child->p_state == PROCESS_STOPPED &&
		    child->p_session == process->p_session)
			job_hangup_group(child->p_pgid);
	}
}

void
job_session_end(struct process *leader)
{
	struct tty_job *tty = leader->p_session->se_tty;
	struct lx_siginfo info;
	int foreground;

	if (tty == NULL)
		return;
	foreground = tty->tj_foreground;
	tty->tj_session = tty->tj_foreground = 0;
	leader->p_session->se_tty = NULL;
	if (foreground == 0)
		return;
	signal_fill(&info, LXS_HUP, LX_SI_KERNEL, 0, 0);
	signal_post_group(foreground, &info);
	signal_fill(&info, LXS_CONT, LX_SI_KERNEL, 0, 0);
	signal_post_group(foreground, &info);
}

int
job_setsid(struct process *process)
{
	struct session *session;

	if (signal_group_exists(process->p_pid))
		return -LX_EPERM;
	session = session_create(process->p_pid);
	if (session == NULL)
		return -LX_ENOMEM;
	session_rel(process->p_session);
	process->p_session = session;
	process->p_pgid = process->p_pid;
	process_publish(process);
	return process->p_pid;
}

/* Is pgid a group of this session? */
static bool
job_group_in_session(int pgid, const struct session *session)
{
	struct process *process;

	for (process = process_next(NULL); process != NULL; process = process_next(process)) {
		if (process->p_pgid == pgid && process->p_session == session)
			return true;
	}
	return false;
}

int
job_setpgid(struct process *caller, int pid, int pgid)
{
	struct process *process = pid == 0 ? caller : process_lookup(pid);

	if (pgid < 0)
		return -LX_EINVAL;
	if (process == NULL || (process != caller && process->p_parent != caller))
		return -LX_ESRCH;
	if (process != caller) {
		if (process->p_session != caller->p_session)
			return -LX_EPERM;
		if (process->p_execed)
			return -LX_EACCES;
	}
	if (process->p_session->se_sid == process->p_pid)
		return -LX_EPERM;
	if (pgid == 0)
		pgid = process->p_pid;
	if (pgid != process->p_pid && !job_group_in_session(pgid, process->p_session))
		return -LX_EPERM;
	process->p_pgid = pgid;
	process_publish(process);
	return 0;
}

int
job_tty_acquire(struct tty_job *job, bool force)
{
	struct process *process = job_current();
	int error = 0;

	if (process == NULL)
		return -LX_EPERM;
	mutex_lock(&process_lock);
	if (job->tj_session == process->p_session->se_sid &&
	    process->p_session->se_tty == job)
		goto out;
	if (process->p_session->se_sid != process->p_pid || process->p_session->se_tty != NULL) {
		error = -LX_EPERM;
		goto out;
	}
	if (job->tj_session != 0) {
		struct process *other = process_next(NULL);

		if (!force || !cred_super(process->p_cred)) {
			error = -LX_EPERM;
			goto out;
		}
		for (; other != NULL; other = process_next(other)) {
			if (other->p_session->se_tty == job)
				other->p_session->se_tty = NULL;
		}
	}
	job->tj_session = process->p_session->se_sid;
	job->tj_foreground = process->p_pgid;
	process->p_session->se_tty = job;
out:
	mutex_unlock(&process_lock);
	return error;
}

void
job_tty_open(struct tty_job *job)
{
	if (job_current() != NULL)
		job_tty_acquire(job, false);
}

int
job_tty_release(struct tty_job *job)
{
	struct process *process = job_current();
	int error = -LX_ENOTTY;

	if (process == NULL)
		return error;
	mutex_lock(&process_lock);
	if (process->p_session->se_tty == job) {
		if (process->p_session->se_sid == process->p_pid)
			job_session_end(process);
		error = 0;
	}
	mutex_unlock(&process_lock);
	return error;
}

int
job_tty_get_group(struct tty_job *job)
{
	struct process *process = job_current();
	int result = -LX_ENOTTY;

	mutex_lock(&process_lock);
	if (process != NULL && process->p_session->se_tty == job)
		result = job->tj_foreground;
	mutex_unlock(&process_lock);
	return result;
}

int
job_tty_get_session(struct tty_job *job)
{
	struct process *process = job_current();
	int result = -LX_ENOTTY;

	mutex_lock(&process_lock);
	if (process != NULL && process->p_session->se_tty == job)
		result = job->tj_session;
	mutex_unlock(&process_lock);
	return result;
}

/* => process_lock held; 0 go on, or -LX_E... after a signal was sent */
static int
job_check_locked(struct process *process, struct tty_job *job, int sig)
{
	struct lx_siginfo info;
	struct uthread *thread = uthread_current();
	uint64_t mask = thread != NULL ? thread->t_slot->us_mask : 0;

	if (process->p_session->se_tty != job || process->p_pgid == job->tj_foreground ||
	    job->tj_foreground == 0)
		return 0;
	if ((mask & sigbit(sig)) != 0 || (process->p_ignored & sigbit(sig)) != 0)
		return sig == LXS_TTIN ? -LX_EIO : 0;
	if (job_group_orphaned(process->p_pgid))
		return -LX_EIO;
	signal_fill(&info, sig, LX_SI_KERNEL, 0, 0);
	signal_post_group(process->p_pgid, &info);
	return -LX_ERESTARTSYS;
}

int
job_tty_check(struct tty_job *job, int sig)
{
	struct process *process = job_current();
	int error;

	if (process == NULL)
		return 0;
	mutex_lock(&process_lock);
	error = job_check_locked(process, job, sig);
	mutex_unlock(&process_lock);
	return error;
}

int
job_tty_set_group(struct tty_job *job, int group)
{
	struct process *process = job_current();
	int error;

	if (process == NULL)
		return -LX_ENOTTY;
	mutex_lock(&process_lock);
	error = job_check_locked(process, job, LXS_TTOU);
	if (error == 0) {
		if (process->p_session->se_tty != job)
			error = -LX_ENOTTY;
		else if (group < 0)
			error = -LX_EINVAL;
		else if (!signal_group_exists(group))
			error = -LX_ESRCH;
		else if (!job_group_in_session(group, process->p_session))
			error = -LX_EPERM;
		else
			job->tj_foreground = group;
	}
	mutex_unlock(&process_lock);
	return error;
}

void
job_tty_signal(struct tty_job *job, int sig)
{
	struct lx_siginfo info;

	signal_fill(&info, sig, LX_SI_KERNEL, 0, 0);
	mutex_lock(&process_lock);
	if (job->tj_foreground != 0)
		signal_post_group(job->tj_foreground, &info);
	mutex_unlock(&process_lock);
}

void
job_tty_hangup(struct tty_job *job)
{
	struct process *leader;
	struct lx_siginfo info;

	mutex_lock(&process_lock);
	leader = job->tj_session == 0 ? NULL : process_lookup(job->tj_session);
	if (leader != NULL && leader->p_session->se_tty == job) {
		signal_fill(&info, LXS_HUP, LX_SI_KERNEL, 0, 0);
		signal_post_process(leader, &info);
		if (leader->p_session != NULL)
			job_session_end(leader);
	}
	mutex_unlock(&process_lock);
}

struct item *
job_ctty_item(void)
{
	struct process *process = job_current();
	struct item *item = NULL;

	if (process == NULL)
		return NULL;
	mutex_lock(&process_lock);
	if (process->p_session->se_tty != NULL) {
		item = process->p_session->se_tty->tj_tty;
		item_ref(item);
	}
	mutex_unlock(&process_lock);
	return item;
}

void
job_signal_self(int sig)
{
	struct uthread *thread = uthread_current();
	struct lx_siginfo info;

	if (thread == NULL)
		return;
	mutex_lock(&process_lock);
	if (!thread->t_dead) {
		signal_fill(&info, sig, LX_SI_KERNEL, 0, 0);
		signal_post_thread(thread, &info);
	}
	mutex_unlock(&process_lock);
}

void
job_signal_owner(int owner, int sig)
{
	struct lx_siginfo info;
	struct process *process;

	signal_fill(&info, sig, LX_SI_KERNEL, 0, 0);
	mutex_lock(&process_lock);
	if (owner < 0) {
		signal_post_group(-owner, &info);
	} else {
		process = process_lookup(owner);
		if (process != NULL)
			signal_post_process(process, &info);
	}
	mutex_unlock(&process_lock);
}

int
job_current_pid(void)
{
	struct process *process = job_current();

	return process == NULL ? 0 : process->p_pid;
}

const struct cred *
job_current_cred(void)
{
	static const struct cred system_cred;
	struct process *process = job_current();

	return process == NULL ? &system_cred : process->p_cred;
}

uint64_t
job_current_fsize_limit(void)
{
	struct process *process = job_current();

	return process == NULL ? RLIM_INFINITY : process->p_limits[RLIMIT_FSIZE].rl_soft;
}
