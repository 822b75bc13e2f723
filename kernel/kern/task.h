/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * OBJECT  A task: an address space, a port name space and threads.
 * STATES  active; dying (tk_active false: its threads are being terminated, space and map emptied); freed at the
 *         last reference.
 * Legend: (I) immutable; (k) task lock; (l) task list lock; (a) atomic.
 */
#ifndef KERN_TASK_H
#define KERN_TASK_H

#include <stdbool.h>
#include <stdint.h>
#include <mach/kern_return.h>
#include <kern/lock.h>
#include <kern/queue.h>
#include <machine/context.h>

struct ipc_space;
struct ipc_port;
struct processor_set;
struct sampler;
struct vm_map;

#define TASK_PORT_REGISTER_MAX	4
#define TASK_NAME_MAX		64

/* System call redirection: shared read-only by parent and children until one changes it */
struct emulation_vector {
	uint32_t	ev_refs;	/* (a) */
	int32_t		ev_start;	/* first number */
	uint32_t	ev_count;
	uint64_t	ev_entry[];	/* 0 = not redirected */
};

struct task_events {
	uint64_t te_faults, te_zero_fills, te_reactivations, te_pageins, te_cow_faults, te_sent, te_received;
};

struct task {
	struct machine_task tk_machine;		/* (k) LDT, I/O permissions */
	struct vm_map	*tk_map;		/* (I) */
	struct ipc_space *tk_space;		/* (I) */
	uint32_t	 tk_refs;		/* (a) */
	struct spinlock	 tk_lock;
	bool		 tk_active;		/* (k) */
	bool		 tk_essential;		/* (k) its death is the system's */
	struct queue	 tk_link;		/* (l) all tasks */
	struct queue	 tk_pset_link;		/* pset lock */
	struct queue	 tk_threads;		/* (k) */
	int32_t		 tk_thread_count;	/* (k) */
	int32_t		 tk_suspend_count;	/* (k) user suspends */
	int32_t		 tk_priority;		/* (k) for new threads */
	struct processor_set *tk_pset;		/* (k) with a reference; for new threads */
	struct emulation_vector *tk_emulation;	/* (k) replaced whole, never NULL; the trap path reads it through the CPU */
	struct sampler	*tk_sampler;		/* sample lock */
	uint64_t	 tk_dead_user_ns, tk_dead_system_ns;	/* (k) of terminated threads */
	uint64_t	 tk_created;		/* (I) wall clock ns */
	struct task_events tk_events;		/* (a) statistics */

	/* ports; written only by the exchange helper under the task lock */
	struct ipc_port	*tk_self;		/* kernel port */
	struct ipc_port	*tk_self_right;		/* what mach_task_self gives */
	struct ipc_port	*tk_exception;
	struct exception_actions *tk_actions;	/* (k) ports by kind of exception, or NULL */
	struct ipc_port	*tk_bootstrap;
	struct ipc_port	*tk_registered[TASK_PORT_REGISTER_MAX];
	bool		 tk_cleaned;		/* (k) task_cleanup has begun */
	bool		 tk_gone;		/* (k) and has ended */
	uint32_t	 tk_sid;		/* (I) security label */
	char		 tk_name[TASK_NAME_MAX];	/* (k) */
};

extern struct task *kernel_task;

/* => parent may be NULL (first task); a reference for the caller */
kern_return_t	task_create_internal(struct task *parent, bool inherit, struct task **);
void		task_ref(struct task *);
void		task_release(struct task *);
kern_return_t	task_terminate_internal(struct task *);	/* may block */
/* => the last thread of a dying task is gone: name space and memory go */
void		task_cleanup(struct task *);
void		task_init(void);

#endif
