/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Requests on processes: clone, exec, exit, wait, groups, limits, usage, timers.
 *
 * RIGHTS   the strings of exec are deallocated here, before the reply that may never come.
 * LOCKS    process_lock for short looks.
 * TESTS    tests/linux
 */
#include <stdlib.h>
#include "call.h"
#include "procinfo.h"

kern_return_t
S_unix_proc_clone(mach_port_t call, uint64_t flags, uint64_t block, uint64_t stack,
    uint64_t fs_base, int64_t *result)
{
	(void)call;
	*result = call_result(process_clone(uthread_current(), flags, block, stack, fs_base));
	return KERN_SUCCESS;
}

kern_return_t
S_unix_proc_exec(mach_port_t call, int32_t directory, unix_path_t path,
    mach_msg_type_number_t count, int32_t flags, uint32_t argc, uint32_t envc,
    unix_bulk_t strings, mach_msg_type_number_t strings_count, int64_t *result)
{
	struct exec_args args = { strings, strings_count, argc, envc };
	struct uthread *thread = uthread_current();
	char text[LX_PATH_MAX + 1];
	struct file *start = NULL;

	(void)call;
	*result = 0;
	if (count >= LX_PATH_MAX) {
		*result = -LX_ENAMETOOLONG;
	} else {
		memcpy(text, path, count);
		text[count] = 0;
		if (directory != LX_AT_FDCWD && text[0] != '/' &&
		    (start = call_file(directory)) == NULL)
			*result = -LX_EBADF;
	}
	if (*result == 0)
		*result = process_exec(thread, thread->t_process,
		    start != NULL ? start->f_item : NULL, text, flags, &args);
	if (start != NULL)
		file_rel(start);
	if (strings_count != 0)
		vm_deallocate(mach_task_self(), (vm_address_t)strings, strings_count);
	return KERN_SUCCESS;
}

kern_return_t
S_unix_proc_exit(mach_port_t call, int32_t status)
{
	(void)call;
	process_exit(call_process(), status & 0xff00);
	return MIG_NO_REPLY;
}

kern_return_t
S_unix_thread_exit(mach_port_t call, int32_t status, uint64_t block, uint64_t size)
{
	struct uthread *thread = uthread_current();
	struct process *process = thread->t_process;
	bool last;

	(void)call;
	mutex_lock(&process_lock);
	last = process->p_thread_count == 1;
	if (!last && !thread->t_dead) {
		mach_port_t task = process->p_space->sp_task;

		uthread_retire(thread);
		signal_publish(process);
		/* Only memory of the library's own window is given back this way. */
		if (block >= UNIX_EMUL_BLOCKS && size <= UNIX_BLOCK_SIZE &&
		    block + size <= UNIX_EMUL_END)
			vm_deallocate(task, block, size);
	}
	mutex_unlock(&process_lock);
	if (last)
		process_exit(process, status & 0xff00);
	return MIG_NO_REPLY;
}

/* struct rusage: times, then maxrss at 32, minflt at 64, majflt at 72. */
static void
usage_format(const struct usage *usage, unix_rusage_t out)
{
	int64_t *words = (int64_t *)out;

	memset(out, 0, sizeof(unix_rusage_t));
	words[0] = usage->u_user / 1000000000;
	words[1] = usage->u_user % 1000000000 / 1000;
	words[2] = usage->u_system / 1000000000;
	words[3] = usage->u_system % 1000000000 / 1000;
	words[4] = usage->u_maxrss;
	words[8] = usage->u_minflt;
	words[9] = usage->u_majflt;
}

kern_return_t
S_unix_proc_wait(mach_port_t call, int32_t pid, int32_t options, int64_t *result,
    int32_t *status, unix_rusage_t rusage, unix_siginfo_t siginfo)
{
	struct usage usage;
	struct lx_siginfo info;

	(void)call;
	*status = 0;
	memset(&usage, 0, sizeof(usage));
	memset(&info, 0, sizeof(info));
	*result = call_result(process_wait(call_process(), pid, options, status, &usage, &info));
	usage_format(&usage, rusage);
	memcpy(siginfo, &info, sizeof(info));
	return KERN_SUCCESS;
}

/* May the caller send this signal there? => process_lock held */
static bool
kill_permitted(const struct process *from, const struct process *to, int sig)
{
	const struct cred *a = from->p_cred, *b = to->p_cred;

	if (a->c_euid == 0 || a->c_euid == b->c_uid || a->c_euid == b->c_suid ||
	    a->c_uid == b->c_uid || a->c_uid == b->c_suid)
		return true;
	return sig == LXS_CONT && from->p_session == to->p_session;
}

static int
kill_one(struct process *from, struct process *to, const struct lx_siginfo *info, int sig)
{
	if (!kill_permitted(from, to, sig))
		return -LX_EPERM;
	if (sig != 0)
		signal_post_process(to, info);
	return 0;
}

/* pid as kill(2) takes it.  => process_lock held */
static int
kill_many(struct process *from, int pid, const struct lx_siginfo *info, int sig)
{
	struct process *to = NULL, *next;
	int pgid = pid == 0 ? from->p_pgid : -pid;
	int result = -LX_ESRCH;

	for (next = process_next(NULL); (to = next) != NULL;) {
		next = process_next(to);
		if (pid == -1 ? to == from || to == process_init : to->p_pgid != pgid)
			continue;
		if (kill_one(from, to, info, sig) == 0)
			result = 0;
		else if (result != 0)
			result = -LX_EPERM;
	}
	return result;
}

static int
kill_thread(struct process *from, int pid, int tid, const struct lx_siginfo *info, int sig)
{
	struct uthread *thread = uthread_lookup(tid);

	if (thread == NULL || (pid != 0 && thread->t_process->p_pid != pid))
		return -LX_ESRCH;
	if (!kill_permitted(from, thread->t_process, sig))
		return -LX_EPERM;
	if (sig != 0)
		signal_post_thread(thread, info);
	return 0;
}

kern_return_t
S_unix_proc_kill(mach_port_t call, int32_t pid, int32_t tid, int32_t sig, unix_small_t siginfo,
    mach_msg_type_number_t count, int64_t *result)
{
	struct process *from = call_process(), *to;
	struct lx_siginfo info;

	(void)call;
	*result = -LX_EINVAL;
	if (sig < 0 || sig > SIG_MAX || (tid != 0 && tid < 0))
		return KERN_SUCCESS;
	signal_fill(&info, sig, tid != 0 ? LX_SI_TKILL : LX_SI_USER, from->p_pid,
	    from->p_cred->c_uid);
	if (count == sizeof(info)) {
		memcpy(&info, siginfo, sizeof(info));
		info.si_signo = sig;
		/* Only the kernel may claim to be the kernel or kill(2). */
		if (info.si_code >= 0 || info.si_code == LX_SI_TKILL) {
			*result = -LX_EPERM;
			return KERN_SUCCESS;
		}
	}
	mutex_lock(&process_lock);
	if (tid != 0) {
		*result = kill_thread(from, pid, tid, &info, sig);
	} else if (pid > 0) {
		to = process_lookup(pid);
		*result = to == NULL ? -LX_ESRCH : kill_one(from, to, &info, sig);
	} else {
		*result = kill_many(from, pid, &info, sig);
	}
	mutex_unlock(&process_lock);
	return KERN_SUCCESS;
}

kern_return_t
S_unix_proc_setpgid(mach_port_t call, int32_t pid, int32_t pgid, int64_t *result)
{
	(void)call;
	mutex_lock(&process_lock);
	*result = job_setpgid(call_process(), pid, pgid);
	mutex_unlock(&process_lock);
	return KERN_SUCCESS;
}

kern_return_t
S_unix_proc_getid(mach_port_t call, int32_t pid, int32_t kind, int64_t *result)
{
	struct process *process;

	(void)call;
	mutex_lock(&process_lock);
	process = pid == 0 ? call_process() : process_lookup(pid);
	if (process == NULL)
		*result = -LX_ESRCH;
	else if (kind == 0)
		*result = process->p_pgid;
	else if (kind == 1)
		*result = process->p_session->se_sid;
	else
		*result = process->p_parent != NULL ? process->p_parent->p_pid : 0;
	mutex_unlock(&process_lock);
	return KERN_SUCCESS;
}

kern_return_t
S_unix_proc_setsid(mach_port_t call, int64_t *result)
{
	(void)call;
	mutex_lock(&process_lock);
	*result = job_setsid(call_process());
	mutex_unlock(&process_lock);
	return KERN_SUCCESS;
}

kern_return_t
S_unix_proc_umask(mach_port_t call, uint32_t mask, int64_t *result)
{
	(void)call;
	mutex_lock(&process_lock);
	*result = call_process()->p_umask;
	call_process()->p_umask = mask & 0777;
	mutex_unlock(&process_lock);
	return KERN_SUCCESS;
}

static int
limit_set(struct process *caller, struct process *process, int resource,
    const struct rlimit64 *wanted)
{
	struct rlimit64 *limit = &process->p_limits[resource];

	if (wanted->rl_soft > wanted->rl_hard)
		return -LX_EINVAL;
	if (wanted->rl_hard > limit->rl_hard && caller->p_cred->c_euid != 0)
		return -LX_EPERM;
	if (resource == RLIMIT_NOFILE && wanted->rl_hard > FDTABLE_MAX)
		return -LX_EPERM;
	*limit = *wanted;
	return 0;
}

kern_return_t
S_unix_proc_limit(mach_port_t call, int32_t pid, int32_t resource, int32_t set,
    uint64_t new_soft, uint64_t new_hard, int64_t *result, uint64_t *soft, uint64_t *hard)
{
	struct rlimit64 wanted = { new_soft, new_hard };
	struct process *process;

	(void)call;
	*soft = *hard = 0;
	*result = -LX_EINVAL;
	if (resource < 0 || resource >= RLIMITS)
		return KERN_SUCCESS;
	mutex_lock(&process_lock);
	process = pid == 0 ? call_process() : process_lookup(pid);
	if (process == NULL) {
		*result = -LX_ESRCH;
	} else if (process != call_process() && call_process()->p_cred->c_euid != 0 &&
	    call_process()->p_cred->c_uid != process->p_cred->c_uid) {
		*result = -LX_EPERM;
	} else {
		*soft = process->p_limits[resource].rl_soft;
		*hard = process->p_limits[resource].rl_hard;
		*result = set ? limit_set(call_process(), process, resource, &wanted) : 0;
	}
	mutex_unlock(&process_lock);
	return KERN_SUCCESS;
}

kern_return_t
S_unix_proc_usage(mach_port_t call, int32_t who, int64_t *result, unix_rusage_t rusage)
{
	struct usage usage;

	(void)call;
	memset(&usage, 0, sizeof(usage));
	*result = 0;
	mutex_lock(&process_lock);
	if (who == 0 || who == 1)
		process_usage(call_process(), &usage);
	else if (who == -1)
		usage = call_process()->p_usage_children;
	else
		*result = -LX_EINVAL;
	mutex_unlock(&process_lock);
	usage_format(&usage, rusage);
	return KERN_SUCCESS;
}

kern_return_t
S_unix_proc_priority(mach_port_t call, int32_t which, int32_t who, int32_t set, int32_t value,
    int64_t *result)
{
	struct process *process, *caller = call_process();
	int best = 100;

	(void)call;
	if (value < -20)
		value = -20;
	if (value > 19)
		value = 19;
	*result = which < 0 || which > 2 ? -LX_EINVAL : -LX_ESRCH;
	mutex_lock(&process_lock);
	for (process = process_next(NULL); process != NULL && *result != -LX_EINVAL;
	    process = process_next(process)) {
		if ((which == 0 && process->p_pid != (who ? who : caller->p_pid)) ||
		    (which == 1 && process->p_pgid != (who ? who : caller->p_pgid)) ||
		    (which == 2 && process->p_cred->c_uid !=
		    (who ? (uint32_t)who : caller->p_cred->c_uid)))
			continue;
		if (set && value < process->p_nice && caller->p_cred->c_euid != 0) {
			*result = -LX_EACCES;
			break;
		}
		if (set && process->p_space != NULL) {
			process->p_nice = value;
			/* 25 is the base of timeshared threads; the scale below it is 39 wide; 7 is the best without a right. */
			task_priority(process->p_space->sp_task, value < 7 - 25 ? 7 : 25 + value, TRUE);
		}
		if (process->p_nice < best)
			best = process->p_nice;
		*result = set ? 0 : 20 - best;
	}
	mutex_unlock(&process_lock);
	return KERN_SUCCESS;
}

kern_return_t
S_unix_proc_timer(mach_port_t call, int32_t which, int32_t set, int64_t value, int64_t interval,
    int64_t *result, int64_t *old_value, int64_t *old_interval)
{
	struct process *process = call_process();
	int64_t now = clock_monotonic();

	(void)call;
	*old_value = *old_interval = 0;
	*result = 0;
	if (which != 0) {
		unsupported_count("itimer %d", which);
		*result = -LX_EINVAL;
		return KERN_SUCCESS;
	}
	if (value < 0 || interval < 0 || value > INT64_MAX / 4 || interval > INT64_MAX / 4) {
		*result = -LX_EINVAL;
		return KERN_SUCCESS;
	}
	mutex_lock(&process_lock);
	if (process->p_timer_deadline != 0) {
		*old_value = process->p_timer_deadline > now ? process->p_timer_deadline - now : 1;
		*old_interval = process->p_timer_interval;
	}
	if (set && process->p_state != PROCESS_EXITING)
		timer_set(process, value == 0 ? 0 : now + value, interval);
	mutex_unlock(&process_lock);
	return KERN_SUCCESS;
}

kern_return_t
S_unix_proc_name(mach_port_t call, unix_name_t name, int64_t *result)
{
	struct process *process = call_process();

	(void)call;
	mutex_lock(&process_lock);
	memset(process->p_name, 0, sizeof(process->p_name));
	strncpy(process->p_name, name, sizeof(process->p_name) - 1);
	mutex_unlock(&process_lock);
	*result = 0;
	return KERN_SUCCESS;
}
