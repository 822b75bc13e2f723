/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the process service offers to /proc: copies, never pointers into the process table.
 */
#ifndef UNIX_PROCINFO_H
#define UNIX_PROCINFO_H

#include <stddef.h>
#include <stdint.h>
#include <mach.h>
#include "item.h"

struct proc_info {
	int		pi_pid, pi_ppid, pi_pgid, pi_sid;
	int		pi_tty_pgrp;		/* -1 none */
	uint64_t	pi_tty_dev;		/* 0 none */
	char		pi_state;		/* R S T Z */
	char		pi_name[16];
	uint32_t	pi_uid, pi_euid, pi_suid, pi_gid, pi_egid, pi_sgid;
	uint32_t	pi_ngroups;
	uint32_t	pi_groups[CRED_GROUPS_MAX];
	int		pi_threads;
	int64_t		pi_start_time;		/* CLOCK_MONOTONIC ns */
	int64_t		pi_utime, pi_stime;	/* ns */
	int64_t		pi_cutime, pi_cstime;	/* waited-for children */
	int		pi_nice;
	uint64_t	pi_virtual, pi_resident;	/* bytes */
	uint64_t	pi_minflt, pi_majflt;
	uint64_t	pi_args_start, pi_args_end, pi_env_start, pi_env_end;
	uint64_t	pi_stack_start, pi_code_start, pi_code_end, pi_brk_start;
	uint64_t	pi_sig_pending, pi_sig_blocked, pi_sig_ignored, pi_sig_caught;
	uint64_t	pi_fsize_limit, pi_nofile_limit;
	int		pi_exit_signal;
	int		pi_fd_size;		/* descriptors allocated */
};

/* Process ids above `after`, ascending; returns how many were written. */
int	proc_info_list(int after, int *pids, int count);
int	proc_info_highest(void);	/* the highest process id now */
int	proc_info_get(int pid, struct proc_info *info);		/* -LX_ESRCH */
/* Thread ids of a process above `after`. */
int	proc_info_threads(int pid, int after, int *tids, int count);
/* Open descriptors of a process from `from` on: returns fd or -LX_ENOENT; *file gets a reference. */
int	proc_info_file(int pid, int from, struct file **file);
/* Executable, current directory, root: item with a reference; path into buffer (may be empty). */
#define PROC_LINK_EXE	0
#define PROC_LINK_CWD	1
#define PROC_LINK_ROOT	2
int	proc_info_link(int pid, int which, struct item **item, char *path, size_t size);
/* Memory of the process (cmdline, environ): bytes read or -LX_E... */
int64_t	proc_info_read(int pid, uint64_t address, void *data, size_t size);
/* The next memory region at or after *address, for maps. */
struct proc_region {
	uint64_t	pr_start, pr_end;
	vm_prot_t	pr_prot;
	bool		pr_shared;
	uint64_t	pr_offset;
	char		pr_name[64];		/* "[stack]", "[heap]", file name, "" */
};
int	proc_info_region(int pid, uint64_t *address, struct proc_region *region);

/* Whole system. */
struct proc_totals {
	int		pt_processes, pt_threads, pt_running;
	int		pt_last_pid;
	uint64_t	pt_forks;
	int64_t		pt_boot_time;		/* CLOCK_REALTIME seconds */
	int64_t		pt_user, pt_system, pt_idle;	/* ns, all processors */
	int		pt_cpus;
	uint64_t	pt_memory_total, pt_memory_free, pt_memory_cached;
	uint64_t	pt_swap_total, pt_swap_free;
	uint32_t	pt_load[3];		/* scale 1000 */
};
void	proc_info_totals(struct proc_totals *totals);
/* Text of /proc/ernst/unsupported: bytes written (as snprintf: the full length). */
size_t	unsupported_format(char *data, size_t size);
/* Count one (also used by items: "ioctl 0x5401 on pipe"). */
void	unsupported_count(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* /proc/sys/kernel/hostname and so on. */
const char *system_hostname(char buffer[65]);

#endif
