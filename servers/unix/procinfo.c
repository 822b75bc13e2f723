/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copies of what the process service knows, for /proc.
 *
 * LOCKS    process_lock for each look; memory of a process is read without it, through a task
 *          right of our own, because a page of it may have to be fetched from a file.
 * TESTS    tests/linux
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <mach/default_pager.h>
#include <mach/gnumach.h>
#include <mach/mach_host.h>
#include "process.h"
#include "procinfo.h"

int
proc_info_list(int after, int *pids, int count)
{
	struct process *process;
	int n = 0;

	mutex_lock(&process_lock);
	for (process = process_next(NULL); process != NULL && n < count;
	    process = process_next(process)) {
		if (process->p_pid > after)
			pids[n++] = process->p_pid;
	}
	mutex_unlock(&process_lock);
	return n;
}

int
proc_info_highest(void)
{
	struct process *process;
	int highest = 0;

	mutex_lock(&process_lock);
	for (process = process_next(NULL); process != NULL; process = process_next(process))
		highest = process->p_pid;
	mutex_unlock(&process_lock);
	return highest;
}

static char
info_state(const struct process *process)
{
	const struct uthread *thread;

	if (process->p_state == PROCESS_ZOMBIE || process->p_state == PROCESS_EXITING)
		return 'Z';
	if (process->p_state == PROCESS_STOPPED)
		return 'T';
	for (thread = process->p_threads; thread != NULL; thread = thread->t_next) {
		struct thread_basic_info basic;
		mach_msg_type_number_t count = THREAD_BASIC_INFO_COUNT;

		if (thread == uthread_current())
			return 'R';
		if (thread_info(thread->t_kernel, THREAD_BASIC_INFO, (thread_info_t)&basic,
		    &count) == KERN_SUCCESS && basic.run_state == TH_STATE_RUNNING)
			return 'R';
	}
	return 'S';
}

static void
info_signals(const struct process *process, struct proc_info *info)
{
	info->pi_sig_pending = process->p_pending.sq_set;
	if (process->p_threads != NULL)
		info->pi_sig_blocked = process->p_threads->t_slot->us_mask;
	info->pi_sig_ignored = process->p_ignored;
	info->pi_sig_caught = process->p_caught;
	info->pi_exit_signal = process->p_exit_signal;
}

static void
info_memory(const struct process *process, struct proc_info *info)
{
	const struct space *space = process->p_space;
	struct task_basic_info basic;
	mach_msg_type_number_t count = TASK_BASIC_INFO_COUNT;

	if (space == NULL)
		return;
	info->pi_args_start = space->sp_args_start;
	info->pi_args_end = space->sp_args_end;
	info->pi_env_start = space->sp_env_start;
	info->pi_env_end = space->sp_env_end;
	info->pi_stack_start = space->sp_stack_start;
	info->pi_code_start = space->sp_code_start;
	info->pi_code_end = space->sp_code_end;
	info->pi_brk_start = space->sp_brk_start;
	if (task_info(space->sp_task, TASK_BASIC_INFO, (task_info_t)&basic, &count) ==
	    KERN_SUCCESS) {
		info->pi_virtual = basic.virtual_size;
		info->pi_resident = basic.resident_size;
	}
}

static void
info_identity(const struct process *process, struct proc_info *info)
{
	const struct cred *cred = process->p_cred;
	struct tty_job *tty = process->p_session->se_tty;

	info->pi_pid = process->p_pid;
	info->pi_ppid = process->p_parent != NULL ? process->p_parent->p_pid : 0;
	info->pi_pgid = process->p_pgid;
	info->pi_sid = process->p_session->se_sid;
	info->pi_tty_pgrp = tty != NULL ? tty->tj_foreground : -1;
	/* The device number comes from the item, asked by the caller without our lock. */
	info->pi_tty_dev = tty != NULL ? 1 : 0;
	memcpy(info->pi_name, process->p_name, sizeof(info->pi_name));
	info->pi_uid = cred->c_uid;
	info->pi_euid = cred->c_euid;
	info->pi_suid = cred->c_suid;
	info->pi_gid = cred->c_gid;
	info->pi_egid = cred->c_egid;
	info->pi_sgid = cred->c_sgid;
	info->pi_ngroups = cred->c_ngroups;
	memcpy(info->pi_groups, cred->c_groups, sizeof(info->pi_groups));
}

int
proc_info_get(int pid, struct proc_info *info)
{
	struct process *process;
	struct item *tty = NULL;
	struct usage usage;
	struct lx_stat stat;

	memset(info, 0, sizeof(*info));
	mutex_lock(&process_lock);
	process = process_lookup(pid);
	if (process == NULL) {
		mutex_unlock(&process_lock);
		return -LX_ESRCH;
	}
	info_identity(process, info);
	info_signals(process, info);
	info_memory(process, info);
	info->pi_state = info_state(process);
	info->pi_threads = process->p_thread_count > 0 ? process->p_thread_count : 1;
	info->pi_start_time = process->p_start_time;
	process_usage(process, &usage);
	info->pi_utime = usage.u_user;
	info->pi_stime = usage.u_system;
	info->pi_minflt = usage.u_minflt;
	info->pi_majflt = usage.u_majflt;
	info->pi_cutime = process->p_usage_children.u_user;
	info->pi_cstime = process->p_usage_children.u_system;
	info->pi_nice = process->p_nice;
	info->pi_fsize_limit = process->p_limits[RLIMIT_FSIZE].rl_soft;
	info->pi_nofile_limit = process->p_limits[RLIMIT_NOFILE].rl_soft;
	info->pi_fd_size = process->p_fds->ft_size;
	if (process->p_session->se_tty != NULL) {
		tty = process->p_session->se_tty->tj_tty;
		item_ref(tty);
	}
	mutex_unlock(&process_lock);
	if (tty != NULL) {
		if (tty->i_ops->io_getattr(tty, &stat) == 0)
			info->pi_tty_dev = stat.st_rdev;
		item_rel(tty);
	}
	return 0;
}

int
proc_info_threads(int pid, int after, int *tids, int count)
{
	struct process *process;
	struct uthread *thread;
	int n = 0, best;

	mutex_lock(&process_lock);
	process = process_lookup(pid);
	while (process != NULL && n < count) {
		best = 0;
		for (thread = process->p_threads; thread != NULL; thread = thread->t_next) {
			if (thread->t_tid > after && (best == 0 || thread->t_tid < best))
				best = thread->t_tid;
		}
		if (best == 0)
			break;
		tids[n++] = after = best;
	}
	mutex_unlock(&process_lock);
	return n;
}

int
proc_info_file(int pid, int from, struct file **file)
{
	struct process *process;
	int fd = -1;

	mutex_lock(&process_lock);
	process = process_lookup(pid);
	if (process != NULL)
		fd = fdtable_next(process->p_fds, from, file);
	mutex_unlock(&process_lock);
	return fd < 0 ? -LX_ENOENT : fd;
}

int
proc_info_link(int pid, int which, struct item **item, char *path, size_t size)
{
	struct process *process;
	struct item *found = NULL;

	path[0] = 0;
	mutex_lock(&process_lock);
	process = process_lookup(pid);
	if (process != NULL && which == PROC_LINK_EXE) {
		found = process->p_exe;
		if (process->p_exe_path != NULL) {
			snprintf(path, size, "%s", process->p_exe_path);
		}
	} else if (process != NULL) {
		found = which == PROC_LINK_CWD ? process->p_cwd : process->p_root;
	}
	if (found != NULL)
		item_ref(found);
	mutex_unlock(&process_lock);
	*item = found;
	return found != NULL ? 0 : -LX_ENOENT;
}

/* A task right of our own, so that the process may die meanwhile. */
static mach_port_t
info_task(int pid)
{
	struct process *process;
	mach_port_t task = MACH_PORT_NULL;

	mutex_lock(&process_lock);
	process = process_lookup(pid);
	if (process != NULL && process->p_space != NULL) {
		task = process->p_space->sp_task;
		if (mach_port_mod_refs(mach_task_self(), task, MACH_PORT_RIGHT_SEND, 1) !=
		    KERN_SUCCESS)
			task = MACH_PORT_NULL;
	}
	mutex_unlock(&process_lock);
	return task;
}

int64_t
proc_info_read(int pid, uint64_t address, void *data, size_t size)
{
	mach_port_t task = info_task(pid);
	vm_offset_t copy;
	mach_msg_type_number_t count;
	kern_return_t kr;

	if (task == MACH_PORT_NULL)
		return -LX_ESRCH;
	kr = vm_read(task, address, size, &copy, &count);
	mach_port_deallocate(mach_task_self(), task);
	if (kr != KERN_SUCCESS)
		return -LX_EIO;
	memcpy(data, (void *)copy, count);
	vm_deallocate(mach_task_self(), copy, count);
	return count;
}

int
proc_info_region(int pid, uint64_t *address, struct proc_region *region)
{
	mach_port_t task = info_task(pid), name = MACH_PORT_NULL;
	vm_address_t start = *address;
	vm_size_t size;
	vm_prot_t prot, most;
	vm_inherit_t inherit;
	boolean_t shared;
	vm_offset_t offset;
	kern_return_t kr;

	if (task == MACH_PORT_NULL)
		return -LX_ESRCH;
	kr = vm_region(task, &start, &size, &prot, &most, &inherit, &shared, &name, &offset);
	mach_port_deallocate(mach_task_self(), task);
	if (kr != KERN_SUCCESS)
		return -LX_ENOENT;
	if (name != MACH_PORT_NULL)
		mach_port_deallocate(mach_task_self(), name);
	memset(region, 0, sizeof(*region));
	region->pr_start = start;
	region->pr_end = start + size;
	region->pr_prot = prot;
	region->pr_shared = inherit == VM_INHERIT_SHARE;
	region->pr_offset = offset;
	if (start < UNIX_STACK_TOP && start + size >= UNIX_STACK_TOP - 4096)
		strcpy(region->pr_name, "[stack]");
	else if (start >= UNIX_EMUL_BASE && start < UNIX_EMUL_END)
		strcpy(region->pr_name, "[emulation]");
	*address = start + size;
	return 0;
}

static void
totals_cpu(struct proc_totals *totals)
{
	struct process *process;
	struct usage usage;
	int64_t all;

	for (process = process_next(NULL); process != NULL; process = process_next(process)) {
		process_usage(process, &usage);
		totals->pt_user += usage.u_user;
		totals->pt_system += usage.u_system;
		if (process->p_parent == NULL) {
			totals->pt_user += process->p_usage_children.u_user;
			totals->pt_system += process->p_usage_children.u_system;
		}
	}
	all = clock_monotonic() * totals->pt_cpus;
	totals->pt_idle = all - totals->pt_user - totals->pt_system;
	if (totals->pt_idle < 0)
		totals->pt_idle = 0;
}

/* what the default pager has, if there is one */
static void
swap_totals(struct proc_totals *totals)
{
	default_pager_info_t info;
	mach_port_t pager = MACH_PORT_NULL;

	if (vm_set_default_memory_manager(host_privileged, &pager) != KERN_SUCCESS || !MACH_PORT_VALID(pager))
		return;
	if (default_pager_info(pager, &info) == KERN_SUCCESS) {
		totals->pt_swap_total = info.dpi_total_space;
		totals->pt_swap_free = info.dpi_free_space;
	}
	mach_port_deallocate(mach_task_self(), pager);
}

void
proc_info_totals(struct proc_totals *totals)
{
	struct vm_statistics vm;
	struct vm_cache_statistics cache;
	struct host_load_info load;
	mach_msg_type_number_t count = HOST_LOAD_INFO_COUNT;
	int i;

	memset(totals, 0, sizeof(*totals));
	totals->pt_cpus = system_page->uy_cpus;
	totals->pt_memory_total = system_page->uy_memory;
	totals->pt_boot_time = system_page->uy_boot_time / 1000000000;
	if (vm_statistics(mach_task_self(), &vm) == KERN_SUCCESS)
		totals->pt_memory_free = (uint64_t)vm.free_count * vm.pagesize;
	if (vm_cache_statistics(mach_task_self(), &cache) == KERN_SUCCESS)
		totals->pt_memory_cached = (uint64_t)cache.cache_count * vm_page_size;
	swap_totals(totals);
	if (host_info(mach_host_self(), HOST_LOAD_INFO, (host_info_t)&load, &count) ==
	    KERN_SUCCESS) {
		for (i = 0; i < 3; i++)
			totals->pt_load[i] = load.avenrun[i];
	}
	mutex_lock(&process_lock);
	totals->pt_processes = process_count();
	totals->pt_threads = uthread_count();
	totals->pt_running = 1;
	totals->pt_last_pid = process_last_pid();
	totals->pt_forks = process_forks();
	totals_cpu(totals);
	mutex_unlock(&process_lock);
}
