/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * /proc/PID: one process as text.
 *
 * LOCKS    none: procinfo.h gives copies.
 * TESTS    tests/linux
 */
#include <mach.h>
#include <cthreads.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "procfs.h"
#include "../vfs.h"

int text_mounts(struct pbuf *b, int pid);
extern const struct pentry proc_net_entries[];

static long long
ticks(int64_t ns)
{
	return (long long)(ns / 10000000);
}

/* => free() the result; null and *error set when the process is gone */
static struct proc_info *
info_get(int pid, int *error)
{
	struct proc_info *i = malloc(sizeof(*i));

	*error = -LX_ENOMEM;
	if (i == NULL)
		return NULL;
	*error = proc_info_get(pid, i);
	if (*error == 0)
		return i;
	free(i);
	return NULL;
}

/* The terminal as stat has it: the old packed form. */
static int
tty_nr(uint64_t dev)
{
	uint32_t minor = lx_minor(dev);

	return (int)((minor & 0xff) | lx_major(dev) << 8 | (minor & ~0xffu) << 12);
}

static int
text_stat(struct pbuf *b, int pid)
{
	struct proc_info *i;
	int error;

	i = info_get(pid, &error);
	if (i == NULL)
		return error;
	pbuf_printf(b, "%d (%s) %c %d %d %d %d %d 0 %llu 0 %llu 0 %lld %lld %lld %lld ", i->pi_pid,
	    i->pi_name, i->pi_state, i->pi_ppid, i->pi_pgid, i->pi_sid, tty_nr(i->pi_tty_dev),
	    i->pi_tty_pgrp, (unsigned long long)i->pi_minflt, (unsigned long long)i->pi_majflt,
	    ticks(i->pi_utime), ticks(i->pi_stime), ticks(i->pi_cutime), ticks(i->pi_cstime));
	pbuf_printf(b, "%d %d %d 0 %lld %llu %llu 18446744073709551615 %llu %llu %llu 0 0 ",
	    20 + i->pi_nice, i->pi_nice, i->pi_threads, ticks(i->pi_start_time),
	    (unsigned long long)i->pi_virtual, (unsigned long long)i->pi_resident / 4096,
	    (unsigned long long)i->pi_code_start, (unsigned long long)i->pi_code_end,
	    (unsigned long long)i->pi_stack_start);
	pbuf_printf(b, "%llu %llu %llu %llu 0 0 0 %d 0 0 0 0 0 0 0 0 %llu %llu %llu %llu %llu 0\n",
	    (unsigned long long)(i->pi_sig_pending & 0x7fffffff),
	    (unsigned long long)(i->pi_sig_blocked & 0x7fffffff),
	    (unsigned long long)(i->pi_sig_ignored & 0x7fffffff),
	    (unsigned long long)(i->pi_sig_caught & 0x7fffffff), i->pi_exit_signal,
	    (unsigned long long)i->pi_brk_start, (unsigned long long)i->pi_args_start,
	    (unsigned long long)i->pi_args_end, (unsigned long long)i->pi_env_start,
	    (unsigned long long)i->pi_env_end);
	free(i);
	return 0;
}

static const char *
state_name(char state)
{
	switch (state) {
	case 'R':
		return "R (running)";
	case 'T':
		return "T (stopped)";
	case 'Z':
		return "Z (zombie)";
	default:
		return "S (sleeping)";
	}
}

static int
text_status(struct pbuf *b, int pid)
{
	struct proc_info *i;
	uint32_t g;
	int error;

	i = info_get(pid, &error);
	if (i == NULL)
		return error;
	pbuf_printf(b, "Name:\t%s\nUmask:\t0022\nState:\t%s\nTgid:\t%d\nNgid:\t0\nPid:\t%d\n"
	    "PPid:\t%d\nTracerPid:\t0\n", i->pi_name, state_name(i->pi_state), i->pi_pid,
	    i->pi_pid, i->pi_ppid);
	pbuf_printf(b, "Uid:\t%u\t%u\t%u\t%u\nGid:\t%u\t%u\t%u\t%u\nFDSize:\t%d\nGroups:\t",
	    (unsigned)i->pi_uid, (unsigned)i->pi_euid, (unsigned)i->pi_suid,
	    (unsigned)i->pi_euid, (unsigned)i->pi_gid, (unsigned)i->pi_egid,
	    (unsigned)i->pi_sgid, (unsigned)i->pi_egid, i->pi_fd_size);
	for (g = 0; g < i->pi_ngroups; g++)
		pbuf_printf(b, "%u ", (unsigned)i->pi_groups[g]);
	pbuf_printf(b, "\nVmPeak:\t%8llu kB\nVmSize:\t%8llu kB\nVmRSS:\t%8llu kB\nThreads:\t%d\n",
	    (unsigned long long)i->pi_virtual / 1024, (unsigned long long)i->pi_virtual / 1024,
	    (unsigned long long)i->pi_resident / 1024, i->pi_threads);
	pbuf_printf(b, "SigPnd:\t%016llx\nShdPnd:\t%016llx\nSigBlk:\t%016llx\nSigIgn:\t%016llx\n"
	    "SigCgt:\t%016llx\n", 0ULL, (unsigned long long)i->pi_sig_pending,
	    (unsigned long long)i->pi_sig_blocked, (unsigned long long)i->pi_sig_ignored,
	    (unsigned long long)i->pi_sig_caught);
	free(i);
	return 0;
}

static int
text_statm(struct pbuf *b, int pid)
{
	struct proc_info *i;
	int error;

	i = info_get(pid, &error);
	if (i == NULL)
		return error;
	pbuf_printf(b, "%llu %llu 0 %llu 0 0 0\n", (unsigned long long)i->pi_virtual / 4096,
	    (unsigned long long)i->pi_resident / 4096,
	    (unsigned long long)(i->pi_code_end - i->pi_code_start) / 4096);
	free(i);
	return 0;
}

static int
text_comm(struct pbuf *b, int pid)
{
	struct proc_info *i;
	int error;

	i = info_get(pid, &error);
	if (i == NULL)
		return error;
	pbuf_printf(b, "%s\n", i->pi_name);
	free(i);
	return 0;
}

/* Memory of the process as it is now: arguments, environment. */
static int
add_memory(struct pbuf *b, int pid, uint64_t start, uint64_t end)
{
	char piece[1024];
	int64_t n;

	while (start < end && b->pb_size < 1u << 20) {
		n = (int64_t)(end - start);
		if (n > (int64_t)sizeof(piece))
			n = sizeof(piece);
		n = proc_info_read(pid, start, piece, (size_t)n);
		if (n <= 0)
			return 0;
		pbuf_add(b, piece, (size_t)n);
		start += (uint64_t)n;
	}
	return 0;
}

static int
text_cmdline(struct pbuf *b, int pid)
{
	struct proc_info *i;
	int error;

	i = info_get(pid, &error);
	if (i == NULL)
		return error;
	error = i->pi_state == 'Z' ? 0 : add_memory(b, pid, i->pi_args_start, i->pi_args_end);
	free(i);
	return error;
}

static int
text_environ(struct pbuf *b, int pid)
{
	struct proc_info *i;
	int error;

	i = info_get(pid, &error);
	if (i == NULL)
		return error;
	error = i->pi_state == 'Z' ? 0 : add_memory(b, pid, i->pi_env_start, i->pi_env_end);
	free(i);
	return error;
}

static int
text_maps(struct pbuf *b, int pid)
{
	struct proc_region r;
	uint64_t at = 0;
	int n;

	for (n = 0; n < 65536 && proc_info_region(pid, &at, &r) == 0; n++) {
		pbuf_printf(b, "%08llx-%08llx %c%c%c%c %08llx 00:00 0 %s%s\n",
		    (unsigned long long)r.pr_start, (unsigned long long)r.pr_end,
		    r.pr_prot & VM_PROT_READ ? 'r' : '-', r.pr_prot & VM_PROT_WRITE ? 'w' : '-',
		    r.pr_prot & VM_PROT_EXECUTE ? 'x' : '-', r.pr_shared ? 's' : 'p',
		    (unsigned long long)r.pr_offset, r.pr_name[0] != 0 ?
		    "                         " : "", r.pr_name);
		if (at < r.pr_end)
			at = r.pr_end;
	}
	return 0;
}

static int
text_limits(struct pbuf *b, int pid)
{
	struct proc_info *i;
	int error;

	i = info_get(pid, &error);
	if (i == NULL)
		return error;
	pbuf_printf(b, "Limit                     Soft Limit           Hard Limit           "
	    "Units     \nMax open files            %-20llu %-20llu files     \n",
	    (unsigned long long)i->pi_nofile_limit, (unsigned long long)i->pi_nofile_limit);
	free(i);
	return 0;
}

static int
text_mountinfo(struct pbuf *b, int pid)
{
	(void)pid;
	pbuf_printf(b, "1 1 1:0 / / rw - ext2 /dev/root rw\n");
	return 0;
}

static int
text_cgroup(struct pbuf *b, int pid)
{
	(void)pid;
	pbuf_printf(b, "0::/\n");
	return 0;
}

static int
text_zero(struct pbuf *b, int pid)
{
	(void)pid;
	pbuf_printf(b, "0\n");
	return 0;
}

static int
text_loginuid(struct pbuf *b, int pid)
{
	(void)pid;
	pbuf_printf(b, "4294967295");
	return 0;
}

/* ---- links ---- */

static int64_t
cut(const char *text, int64_t n, char *data, size_t size)
{
	if (n > (int64_t)size)
		n = (int64_t)size;
	memcpy(data, text, (size_t)n);
	return n;
}

/* The name of an item for people: a path, or what it is and its number. */
static int64_t
item_name(struct item *item, char *data, size_t size)
{
	char text[64];
	struct lx_stat st;
	int64_t n;

	n = vfs_path_of(NULL, item, data, size);
	if (n != -LX_ENOENT)
		return n;
	if (item->i_ops->io_getattr(item, &st) != 0)
		st.st_ino = 0;
	if (item->i_mode == LX_S_IFIFO || item->i_mode == LX_S_IFSOCK)
		n = snprintf(text, sizeof(text), "%s:[%llu]",
		    item->i_mode == LX_S_IFIFO ? "pipe" : "socket",
		    (unsigned long long)st.st_ino);
	else if (item->i_mode == LX_S_IFREG || item->i_mode == LX_S_IFDIR)
		n = snprintf(text, sizeof(text), "/%llu (deleted)", (unsigned long long)st.st_ino);
	else
		n = snprintf(text, sizeof(text), "anon_inode:[%s]", item->i_ops->io_name);
	return cut(text, n, data, size);
}

static int
link_which(const struct pnode *node)
{
	switch (node->pn_entry->pe_name[0]) {
	case 'e':
		return PROC_LINK_EXE;
	case 'c':
		return PROC_LINK_CWD;
	default:
		return PROC_LINK_ROOT;
	}
}

static int
link_follow(const struct pnode *node, struct item **out)
{
	char path[8];

	return proc_info_link(node->pn_pid, link_which(node), out, path, sizeof(path));
}

static int64_t
link_text(const struct pnode *node, char *data, size_t size)
{
	char *path = calloc(1, LX_PATH_MAX);
	struct item *item;
	int64_t n;

	if (path == NULL)
		return -LX_ENOMEM;
	n = proc_info_link(node->pn_pid, link_which(node), &item, path, LX_PATH_MAX);
	if (n == 0) {
		n = item_name(item, data, size);
		if (n < 0 && path[0] != 0)
			n = cut(path, (int64_t)strlen(path), data, size);
		item_rel(item);
	}
	free(path);
	return n;
}

/* Exactly this descriptor of the process. */
static int
fd_file(const struct pnode *node, struct file **file)
{
	int fd = proc_info_file(node->pn_pid, node->pn_number, file);

	if (fd < 0)
		return fd;
	if (fd == node->pn_number)
		return 0;
	file_rel(*file);
	return -LX_ENOENT;
}

static int
fd_follow(const struct pnode *node, struct item **out)
{
	struct file *file;
	int error;

	error = fd_file(node, &file);
	if (error != 0)
		return error;
	item_ref(file->f_item);
	*out = file->f_item;
	file_rel(file);
	return 0;
}

static int64_t
fd_link(const struct pnode *node, char *data, size_t size)
{
	struct file *file;
	int64_t n;

	n = fd_file(node, &file);
	if (n != 0)
		return n;
	n = item_name(file->f_item, data, size);
	file_rel(file);
	return n;
}

static int
fd_next(const struct pnode *node, int after)
{
	struct file *file;
	int fd;

	fd = proc_info_file(node->pn_pid, after + 1, &file);
	if (fd < 0)
		return -1;
	file_rel(file);
	return fd;
}

static int
task_next(const struct pnode *node, int after)
{
	int tid;

	return proc_info_threads(node->pn_pid, after, &tid, 1) == 1 ? tid : -1;
}

#define FILE_ENTRY(n, t)	{ .pe_name = n, .pe_mode = LX_S_IFREG | 0444, .pe_text = t }
#define SOFT_ENTRY(n, t)	{ .pe_name = n, .pe_mode = LX_S_IFREG | 0644, .pe_text = t }
#define LINK_ENTRY(n)		{ .pe_name = n, .pe_mode = LX_S_IFLNK | 0777,		\
				  .pe_link = link_text, .pe_follow = link_follow }

static const struct pentry fd_entry = {
	.pe_name = "", .pe_mode = LX_S_IFLNK | 0700, .pe_link = fd_link, .pe_follow = fd_follow,
};

static const struct pentry task_entries[] = {
	FILE_ENTRY("stat", text_stat),
	FILE_ENTRY("status", text_status),
	FILE_ENTRY("statm", text_statm),
	FILE_ENTRY("comm", text_comm),
	FILE_ENTRY("cmdline", text_cmdline),
	{ 0 },
};

static const struct pentry task_entry = {
	.pe_name = "", .pe_mode = LX_S_IFDIR | 0555, .pe_children = task_entries,
};

static const struct pentry pid_entries[] = {
	FILE_ENTRY("stat", text_stat),
	FILE_ENTRY("status", text_status),
	FILE_ENTRY("statm", text_statm),
	FILE_ENTRY("comm", text_comm),
	FILE_ENTRY("cmdline", text_cmdline),
	{ .pe_name = "environ", .pe_mode = LX_S_IFREG | 0400, .pe_text = text_environ },
	FILE_ENTRY("maps", text_maps),
	FILE_ENTRY("limits", text_limits),
	FILE_ENTRY("mounts", text_mounts),
	FILE_ENTRY("mountinfo", text_mountinfo),
	FILE_ENTRY("cgroup", text_cgroup),
	SOFT_ENTRY("oom_score_adj", text_zero),
	SOFT_ENTRY("loginuid", text_loginuid),
	LINK_ENTRY("exe"),
	LINK_ENTRY("cwd"),
	LINK_ENTRY("root"),
	{ .pe_name = "fd", .pe_mode = LX_S_IFDIR | 0500, .pe_next = fd_next,
	  .pe_number = &fd_entry },
	{ .pe_name = "task", .pe_mode = LX_S_IFDIR | 0555, .pe_next = task_next,
	  .pe_number = &task_entry },
	{ .pe_name = "net", .pe_mode = LX_S_IFDIR | 0555, .pe_children = proc_net_entries },
	{ 0 },
};

const struct pentry proc_pid_entry = {
	.pe_name = "", .pe_mode = LX_S_IFDIR | 0555, .pe_children = pid_entries,
};
