/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The process table: identities, relations, what fork copies.
 *
 * OBJECT   struct process (process.h).
 * STATES   RUNNING <-> STOPPED, -> EXITING -> ZOMBIE -> gone (process_destroy by wait, or at
 *          once when the parent does not want to know).
 * REFS     the table holds one, each thread one; the last release frees.  So a request being
 *          served may look at its process even after the process ended.
 * LOCKS    process_lock.
 * TESTS    tests/linux
 */
#include <stdlib.h>
#include <string.h>
#include "process.h"

#define PROCESS_HASH	256
#define PROCESS_MEMORY	(512u << 10)	/* of a small one, with the kernel's and the server's part */
#define PROCESS_LIMIT_LEAST	64
#define PROCESS_LIMIT_MOST	2048

struct mutex process_lock;
struct process *process_init;
struct process *process_first;

static struct process *process_hash[PROCESS_HASH];	/* process_lock */
static struct process process_ring;			/* process_lock: head */
static unsigned int process_number;			/* process_lock */
static uint64_t process_fork_count;			/* process_lock */
static int pid_last;					/* process_lock */

void
process_start(void)
{
	mutex_init(&process_lock);
	process_ring.p_next = process_ring.p_prev = &process_ring;
}

struct process *
process_lookup(int pid)
{
	struct process *process = process_hash[(unsigned int)pid % PROCESS_HASH];

	while (process != NULL && process->p_pid != pid)
		process = process->p_hash_next;
	return process;
}

struct process *
process_next(struct process *process)
{
	process = process == NULL ? process_ring.p_next : process->p_next;
	return process == &process_ring ? NULL : process;
}

static bool
pid_in_use(int pid)
{
	struct process *process;

	if (process_lookup(pid) != NULL || uthread_lookup(pid) != NULL)
		return true;
	for (process = process_next(NULL); process != NULL; process = process_next(process)) {
		if (process->p_pgid == pid || process->p_session->se_sid == pid)
			return true;
	}
	return false;
}

int
pid_alloc(void)
{
	int tries;

	for (tries = 0; tries < PID_MAX; tries++) {
		pid_last = pid_last >= PID_MAX - 1 ? 2 : pid_last + 1;
		if (!pid_in_use(pid_last))
			return pid_last;
	}
	return -LX_EAGAIN;
}

int
process_last_pid(void)
{
	return pid_last;
}

unsigned int
process_count(void)
{
	return process_number;
}

uint64_t
process_forks(void)
{
	return process_fork_count;
}

unsigned int
process_count_user(uint32_t uid)
{
	struct process *process;
	unsigned int count = 0;

	for (process = process_next(NULL); process != NULL; process = process_next(process)) {
		if (process->p_cred->c_uid == uid)
			count += process->p_thread_count > 0 ? process->p_thread_count : 1;
	}
	return count;
}

/* => process_lock held; in pid order, so that process_next() walks ascending */
static void
process_enter(struct process *process)
{
	struct process **bucket = &process_hash[(unsigned int)process->p_pid % PROCESS_HASH];
	struct process *before = process_ring.p_prev;

	while (before != &process_ring && before->p_pid > process->p_pid)
		before = before->p_prev;
	process->p_prev = before;
	process->p_next = before->p_next;
	before->p_next->p_prev = process;
	before->p_next = process;
	process->p_hash_next = *bucket;
	*bucket = process;
	process_number++;
}

/* As many as memory holds without being full of them, and as the tables hold twice over. */
static uint64_t
process_default_limit(void)
{
	uint64_t limit = system_page->uy_memory / PROCESS_MEMORY;

	return limit < PROCESS_LIMIT_LEAST ? PROCESS_LIMIT_LEAST :
	    limit > PROCESS_LIMIT_MOST ? PROCESS_LIMIT_MOST : limit;
}

static void
process_defaults(struct process *process)
{
	int i;

	for (i = 0; i < RLIMITS; i++)
		process->p_limits[i].rl_soft = process->p_limits[i].rl_hard = RLIM_INFINITY;
	process->p_limits[RLIMIT_STACK].rl_soft = UNIX_STACK_SIZE;
	process->p_limits[4].rl_soft = 0;			/* core */
	process->p_limits[RLIMIT_NPROC].rl_soft = process->p_limits[RLIMIT_NPROC].rl_hard =
	    process_default_limit();
	process->p_limits[RLIMIT_NOFILE].rl_soft = 1024;
	process->p_limits[RLIMIT_NOFILE].rl_hard = FDTABLE_MAX;
	process->p_umask = 022;
}

/* What a child has from its parent.  => process_lock held, all allocations done */
static void
process_inherit(struct process *process, struct process *parent)
{
	process->p_parent = parent;
	process->p_sibling = parent->p_children;
	parent->p_children = process;
	process->p_pgid = parent->p_pgid;
	process->p_session = parent->p_session;
	__atomic_add_fetch(&process->p_session->se_refs, 1, __ATOMIC_RELAXED);
	process->p_ignored = parent->p_ignored;
	process->p_caught = parent->p_caught;
	process->p_child_flags = parent->p_child_flags;
	process->p_cred = parent->p_cred;
	cred_ref(process->p_cred);
	memcpy(process->p_limits, parent->p_limits, sizeof(process->p_limits));
	process->p_umask = parent->p_umask;
	process->p_cwd = parent->p_cwd;
	process->p_root = parent->p_root;
	item_ref(process->p_cwd);
	item_ref(process->p_root);
	process->p_exe = parent->p_exe;
	if (process->p_exe != NULL)
		item_ref(process->p_exe);
	memcpy(process->p_name, parent->p_name, sizeof(process->p_name));
	process->p_nice = parent->p_nice;
}

static void
process_free(struct process *process)
{
	if (process->p_fds != NULL)
		fdtable_destroy(process->p_fds);
	free(process->p_exe_path);
	free(process);
}

static int
process_allocate(struct process *parent, struct process **out)
{
	struct process *process = calloc(1, sizeof(*process));
	int pid;

	if (process == NULL)
		return -LX_ENOMEM;
	if (parent != NULL) {
		if (parent->p_exe_path != NULL)
			process->p_exe_path = strdup(parent->p_exe_path);
		process->p_fds = fdtable_copy(parent->p_fds);
	} else {
		process->p_fds = fdtable_create();
	}
	if (process->p_fds == NULL) {
		process_free(process);
		return -LX_ENOMEM;
	}
	pid = parent == NULL ? 1 : pid_alloc();
	if (pid < 0) {
		fdtable_close_all(process->p_fds, 0);
		process_free(process);
		return pid;
	}
	process->p_pid = pid;
	*out = process;
	return 0;
}

int
process_create(struct process *parent, struct process **out)
{
	struct process *process;
	struct session *session = NULL;
	int error;

	error = process_allocate(parent, &process);
	if (error != 0)
		return error;
	if (parent == NULL) {
		session = session_create(1);
		process->p_cred = cred_create_root();
		if (session == NULL || process->p_cred == NULL) {
			free(session);
			free(process->p_cred);
			process_free(process);
			return -LX_ENOMEM;
		}
		process->p_session = session;
		process->p_pgid = 1;
		pid_last = 1;
		process_defaults(process);
	} else {
		process_inherit(process, parent);
	}
	process->p_refs = 1;
	process->p_state = PROCESS_RUNNING;
	process->p_vfork_place = -1;
	process->p_exit_signal = LXS_CHLD;
	process->p_start_time = clock_monotonic();
	wait_queue_init(&process->p_wait);
	wait_queue_init(&process->p_vfork_wait);
	process_enter(process);
	process_fork_count++;
	*out = process;
	return 0;
}

static void
process_unlink_parent(struct process *process)
{
	struct process **link;

	if (process->p_parent == NULL)
		return;
	link = &process->p_parent->p_children;
	while (*link != process)
		link = &(*link)->p_sibling;
	*link = process->p_sibling;
	process->p_parent = NULL;
}

void
process_destroy(struct process *process)
{
	struct process **link = &process_hash[(unsigned int)process->p_pid % PROCESS_HASH];

	process_unlink_parent(process);
	while (*link != process)
		link = &(*link)->p_hash_next;
	*link = process->p_hash_next;
	process->p_next->p_prev = process->p_prev;
	process->p_prev->p_next = process->p_next;
	process_number--;
	process_rel(process);
}

void
process_ref(struct process *process)
{
	__atomic_add_fetch(&process->p_refs, 1, __ATOMIC_RELAXED);
}

void
process_rel(struct process *process)
{
	if (__atomic_sub_fetch(&process->p_refs, 1, __ATOMIC_ACQ_REL) != 0)
		return;
	cred_rel(process->p_cred);
	session_rel(process->p_session);
	process_free(process);
}

void
process_publish(struct process *process)
{
	struct unix_share *share = process->p_share;

	if (share == NULL)
		return;
	share->uh_pid = process->p_pid;
	share->uh_ppid = process->p_parent != NULL ? process->p_parent->p_pid : 0;
	share->uh_pgid = process->p_pgid;
	share->uh_sid = process->p_session->se_sid;
	share->uh_uid = process->p_cred->c_uid;
	share->uh_euid = process->p_cred->c_euid;
	share->uh_gid = process->p_cred->c_gid;
	share->uh_egid = process->p_cred->c_egid;
}

int
process_ctx(struct process *process, struct vfs_ctx *ctx)
{
	mutex_lock(&process_lock);
	if (process->p_cwd == NULL) {
		mutex_unlock(&process_lock);
		return -LX_EINTR;
	}
	ctx->v_root = process->p_root;
	ctx->v_cwd = process->p_cwd;
	ctx->v_cred = process->p_cred;
	ctx->v_umask = process->p_umask;
	item_ref(ctx->v_root);
	item_ref(ctx->v_cwd);
	cred_ref(ctx->v_cred);
	mutex_unlock(&process_lock);
	return 0;
}

void
process_ctx_rel(struct vfs_ctx *ctx)
{
	item_rel(ctx->v_root);
	item_rel(ctx->v_cwd);
	cred_rel(ctx->v_cred);
}
