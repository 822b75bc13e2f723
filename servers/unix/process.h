/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Processes, threads, spaces and sessions of the process service.
 *
 * LOCKS    process_lock guards every field marked (p), all lists and both tables.  (a) is an
 *          atomic word.  (f) is guarded by ft_lock of the descriptor table.  Unmarked fields are
 *          immutable once the object is in its table.  Order: README.md.
 */
#ifndef UNIX_PROCESS_H
#define UNIX_PROCESS_H

#include <stdbool.h>
#include <stdint.h>
#include <mach.h>
#include <cthreads.h>
#include "cred.h"
#include "fdtable.h"
#include "item.h"
#include "job.h"
#include "protocol/unix_protocol.h"
#include "sigset.h"
#include "vfs.h"
#include "wait.h"
#include "worker.h"

#define SPACE_EMUL_CALLS 1024		/* entries of the emulation vector */
#define PID_MAX		32768
#define RLIMITS		16
#define RLIMIT_CPU	0
#define RLIMIT_FSIZE	1
#define RLIMIT_DATA	2
#define RLIMIT_STACK	3
#define RLIMIT_NPROC	6
#define RLIMIT_NOFILE	7
#define RLIM_INFINITY	UINT64_MAX

struct rlimit64 {
	uint64_t	rl_soft;
	uint64_t	rl_hard;
};

/* A task with the program's memory.  REFS: processes (a vfork child borrows its parent's). */
struct space {
	uint32_t	sp_refs;	/* (p) */
	mach_port_t	sp_task;	/* a send right, dropped with the last reference */
	uint32_t	sp_vfork_places; /* (p) bit i: UNIX_EMUL_SHARE_VFORK + i * 64 KiB in use */
	uint64_t	sp_args_start, sp_args_end, sp_env_start, sp_env_end;
	uint64_t	sp_stack_start, sp_code_start, sp_code_end, sp_brk_start;
};

struct session {
	uint32_t	se_refs;	/* (a) processes */
	int		se_sid;
	struct tty_job	*se_tty;	/* (p) */
};

/* A signal waiting to be taken. */
struct sig_entry {
	struct sig_entry *sq_next;
	struct lx_siginfo sq_info;
};

struct sig_queue {
	uint64_t	sq_set;		/* (p) written; (a) read by uthread_interrupted */
	struct sig_entry *sq_head;	/* (p) oldest first */
	uint32_t	sq_count;	/* (p) */
};

enum process_state {
	PROCESS_RUNNING,	/* threads run; p_space, p_share are there */
	PROCESS_STOPPED,	/* the same, every thread suspended once more */
	PROCESS_EXITING,	/* being taken apart by one worker; no new threads or requests */
	PROCESS_ZOMBIE,		/* only identity, relations, status, usage */
};

/* The request port of a thread that ended, with its send right in the task: for the next thread. */
#define PROCESS_SPARES	8
struct spare_port {
	mach_port_t	sr_port;	/* receive right, member of worker_set */
	mach_port_t	sr_name;	/* in the task */
};

#define CHILD_NO_WAIT	1	/* SIGCHLD: SA_NOCLDWAIT */
#define CHILD_NO_STOP	2	/* SIGCHLD: SA_NOCLDSTOP */

/* Sums for getrusage and times, nanoseconds. */
struct usage {
	int64_t		u_user, u_system;
	uint64_t	u_minflt, u_majflt;
	uint64_t	u_maxrss;	/* KiB */
};

struct process {
	int		p_pid;
	uint32_t	p_refs;		/* (a) the table, threads */
	struct process	*p_hash_next;	/* (p) */
	struct process	*p_next, *p_prev; /* (p) ring of all, by pid */
	struct process	*p_parent;	/* (p) */
	struct process	*p_children;	/* (p) first; chained by p_sibling */
	struct process	*p_sibling;	/* (p) */
	enum process_state p_state;	/* (p) */
	int		p_pgid;		/* (p) */
	struct session	*p_session;	/* (p) */
	bool		p_execed;	/* (p) setpgid by the parent is over */
	bool		p_killed;	/* (a) by SIGKILL or its like */

	struct space	*p_space;	/* (p) */
	struct unix_share *p_share;	/* (p) the server's mapping */
	uint64_t	p_share_address;	/* where the process sees it */
	unsigned int	p_share_index;
	int		p_vfork_place;	/* -1 unless in a parent's space */
	struct uthread	*p_threads;	/* (p) chained by t_next */
	unsigned int	p_thread_count;	/* (p) */
	struct spare_port p_spares[PROCESS_SPARES];	/* (p) */
	unsigned int	p_spare_count;	/* (p) */
	unsigned int	p_slots_used;	/* (p) highest slot ever used + 1 */

	int		p_status;	/* (p) wait status of a zombie */
	int		p_exit_signal;
	int		p_stop_signal;	/* (p) why stopped */
	bool		p_stop_report;	/* (p) WUNTRACED has something to say */
	bool		p_continue_report; /* (p) */
	struct wait_queue p_wait;	/* children changed; woken under (p) */
	bool		p_vfork;	/* (p) the parent waits for our exec or exit */
	struct wait_queue p_vfork_wait;	/* where it waits */
	struct process	*p_reap_next;	/* (p) in the reaper's list */
	struct space	*p_dead_space;	/* of who finishes the end: to be destroyed */

	struct sig_queue p_pending;	/* (p) for any thread */
	uint64_t	p_ignored;	/* (p), (a) read */
	uint64_t	p_caught;	/* (p), (a) read */
	uint32_t	p_child_flags;	/* (p) CHILD_NO_WAIT, CHILD_NO_STOP */

	struct cred	*p_cred;	/* (p) exchanged whole */
	struct rlimit64	p_limits[RLIMITS];	/* (p) */
	uint32_t	p_umask;	/* (p) */
	struct item	*p_cwd, *p_root; /* (p) a reference each */
	struct item	*p_exe;		/* (p) a reference or null */
	char		*p_exe_path;	/* (p) */
	char		p_name[16];	/* (p) */
	int		p_nice;		/* (p) */
	struct fdtable	*p_fds;
	int64_t		p_start_time;
	struct usage	p_usage_past;	/* (p) of tasks before exec; own usage of a zombie */
	struct usage	p_usage_children; /* (p) */

	int64_t		p_timer_deadline; /* (p) 0 none; ITIMER_REAL */
	int64_t		p_timer_interval; /* (p) */
};

struct uthread {
	int		t_tid;
	uint64_t	t_serial;	/* never used twice; in the payload of the port */
	unsigned int	t_index;	/* in the thread table */
	uint32_t	t_refs;		/* (a) table, request being served */
	struct process	*t_process;	/* valid while the thread is listed or served */
	struct uthread	*t_next;	/* (p) */
	mach_port_t	t_kernel;	/* send right of the kernel thread */
	mach_port_t	t_request;	/* our receive right */
	mach_port_t	t_name;		/* of the send right in the task */
	struct unix_slot *t_slot;	/* the server's mapping */
	unsigned int	t_slot_index;
	struct sig_queue t_pending;	/* (p) for this thread */
	uint64_t	t_waiting_for;	/* (p), (a) read: rt_sigtimedwait's set */
	bool		t_stopped;	/* (p) suspended because the process is stopped */
	bool		t_dead;		/* (a) no more requests; the kernel thread is going */
	bool		t_busy;		/* (a) a request is being served */
	struct sleeper	*t_sleeper;	/* (a) the worker serving it */
};

extern struct mutex process_lock;
extern struct process *process_init;	/* pid 1, without a task; set once */
extern struct process *process_first;	/* pid 2: the shell or command of the start */
extern mach_port_t host_privileged, device_master;

/* process.c */
void		process_start(void);
/* A new process under parent (null: the first), not yet in a space.  => process_lock held */
int		process_create(struct process *parent, struct process **out);
/* Out of the table and relations: of a zombie, or undo of create.  => process_lock held */
void		process_destroy(struct process *process);
void		process_ref(struct process *process);
void		process_rel(struct process *process);
struct process	*process_lookup(int pid);	/* => process_lock held; no reference */
struct process	*process_next(struct process *process);	/* null: first; ring of all by pid */
int		pid_alloc(void);		/* -LX_EAGAIN */
unsigned int	process_count_user(uint32_t uid);
unsigned int	process_count(void);
uint64_t	process_forks(void);
int		process_last_pid(void);
/* The share page's copies of ids. => process_lock held */
void		process_publish(struct process *process);
/* Takes references; -LX_EINTR if the process is gone. */
int		process_ctx(struct process *process, struct vfs_ctx *ctx);
void		process_ctx_rel(struct vfs_ctx *ctx);

/* uthread.c */
/*
 * A thread of process in its space with the given registers, stopped (suspend count 1).
 * => process_lock held
 */
struct uthread_start {
	int		us_tid;
	uint64_t	us_rip, us_rsp, us_fs, us_gs;
	uint64_t	us_rdi, us_rsi;
	bool		us_exec;	/* rdx, rcx: share page and slot; else rdi = slot */
	uint64_t	us_mask;	/* first contents of the slot's mask */
};
int		uthread_create(struct process *process, const struct uthread_start *start,
		    struct uthread **out);
void		uthread_run(struct uthread *thread);
/* Unlist, kill the kernel thread and the ports.  => process_lock held */
void		uthread_destroy(struct uthread *thread, bool kill_kernel);
/* The same for a thread that ends by itself: its request port is kept for another.  => process_lock held */
void		uthread_retire(struct uthread *thread);
/* Give up the ports kept so far, in the task too if it lives on.  => process_lock held */
void		uthread_drop_spares(struct process *process, bool task_lives);
void		uthread_ref(struct uthread *thread);
void		uthread_rel(struct uthread *thread);
struct uthread	*uthread_lookup(int tid);	/* => process_lock held */
struct uthread	*uthread_by_port(mach_port_t kernel);	/* => process_lock held */
struct uthread	*uthread_by_payload(uint64_t payload);	/* takes a reference */
bool		uthread_interrupted(const struct uthread *thread, bool killable_only);
/* Make it look at its signals. => process_lock held */
void		uthread_kick(struct uthread *thread);
unsigned int	uthread_count(void);
void		uthread_suspend(struct uthread *thread);	/* for a stop; => process_lock */
void		uthread_resume(struct uthread *thread);
/* Divert a thread stopped in an exception. => process_lock held */
int		uthread_get_state(struct uthread *thread, struct i386_thread_state *state);
int		uthread_set_state(struct uthread *thread, const struct i386_thread_state *state);

/* space.c */
int		space_start(const char *emul_device);
int		space_create(struct space **out);	/* from the template: nothing of a program */
int		space_fork(struct space *parent, struct space **out);
/* => process_lock held; the space if that was the last reference, to be destroyed later */
struct space	*space_put(struct space *space);
void		space_destroy(struct space *space);	/* => no lock held; takes null */
int		space_map_share(struct space *space, struct process *process, uint64_t address);
extern struct unix_emul_header emul_header;
bool		emul_contains(uint64_t rip);
uint64_t	emul_fixup(uint64_t rip);	/* 0 none */
extern volatile struct unix_system *system_page;

/* share.c */
int		share_start(void);
int		share_alloc(unsigned int *index, struct unix_share **out);
void		share_free(unsigned int index);
mach_port_t	share_object(void);
uint64_t	share_offset(unsigned int index);

/* signal.c */
void		signal_post_process(struct process *process, const struct lx_siginfo *info);
void		signal_post_thread(struct uthread *thread, const struct lx_siginfo *info);
void		signal_post_group(int pgid, const struct lx_siginfo *info);
bool		signal_group_exists(int pgid);
void		signal_fill(struct lx_siginfo *info, int sig, int code, int pid, uint32_t uid);
/* Take one signal: number, or 0.  May stop or kill the caller's process. */
int		signal_take(struct uthread *thread, struct lx_siginfo *info);
int		signal_take_set(struct uthread *thread, uint64_t set, struct lx_siginfo *info);
void		signal_flush(struct sig_queue *queue, uint64_t set);
uint64_t	signal_pending(const struct uthread *thread);
void		signal_publish(struct process *process);	/* slots' us_pending */
void		signal_continue(struct process *process);
void		signal_stop(struct process *process, int sig);
/* No handler can run (blocked, ignored, default): the fault is fatal. */
bool		signal_fault_fatal(struct uthread *thread, int sig);

/* exit.c */
/*
 * End the process with a wait status: its threads stop now; what remains is done by the reaper.
 * => process_lock held; any other lock may be held as well
 */
void		process_terminate(struct process *process, int status);
/* The same, done completely by the calling worker.  => no lock held */
void		process_exit(struct process *process, int status);
/*
 * Take threads and space away.
 * => process_lock held; a space to be destroyed after it is released, or null: until then threads
 *    of that space may still run, but nothing they ask for is done
 */
struct space	*process_strip(struct process *process);
void		process_vfork_done(struct process *process);	/* => process_lock held */
void		reaper_start(void);
/* Tell the parent of a change of state. => process_lock held */
void		process_notify_parent(struct process *process, int code, int status);
int		process_wait(struct process *parent, int pid, int options, int *status,
		    struct usage *usage, struct lx_siginfo *info);
void		process_usage(struct process *process, struct usage *usage);

/* clone.c, exec.c */
int64_t		process_clone(struct uthread *thread, uint64_t flags, uint64_t block,
		    uint64_t stack, uint64_t fs_base);
struct exec_args {
	const char	*ea_strings;	/* argc + envc strings, each with NUL */
	size_t		ea_size;
	uint32_t	ea_argc, ea_envc;
};
int		process_exec(struct uthread *thread, struct process *process,
		    struct item *start, const char *path, int flags,
		    const struct exec_args *args);

/* job.c */
struct session	*session_create(int sid);
void		session_rel(struct session *session);
/* Before the first process runs: who opens its console. */
void		job_act_for(struct process *process);
int		job_setsid(struct process *process);
int		job_setpgid(struct process *caller, int pid, int pgid);
/* A process is going: groups it leaves orphaned and stopped get SIGHUP, SIGCONT. */
void		job_leave(struct process *process, const struct process *older);
void		job_session_end(struct process *leader);
bool		job_group_orphaned(int pgid);

/* timer.c */
void		timer_start(void);
void		timer_set(struct process *process, int64_t deadline, int64_t interval);

/* exception.c */
boolean_t	exception_handle(mach_msg_header_t *request, mach_msg_header_t *reply);

#endif
