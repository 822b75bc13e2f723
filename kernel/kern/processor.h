/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * OBJECT  The host (one), its processors (one per CPU) and processor sets.
 * STATES  A processor is in a set, or in none: then it is off line and runs nothing. The boot processor is in the default set
 *         for ever. A set is active until it is destroyed: then it has no ports, and soon no processor, task or thread.
 * REFS    host and processors are never freed. A set has one reference for being active and one from each of its processors,
 *         tasks and threads.
 * LOCKS   see assign.c for what changes under which locks.
 * Legend: (I) immutable; (m) assignment mutex; (p) set lock; (l) list lock; (r) lock of the set's run queue.
 */
#ifndef KERN_PROCESSOR_H
#define KERN_PROCESSOR_H

#include <stdbool.h>
#include <stdint.h>
#include <mach/kern_return.h>
#include <kern/lock.h>
#include <kern/queue.h>
#include <kern/sched.h>

struct cpu;
struct ipc_port;
struct task;
struct thread;

struct host {
	struct ipc_port	*h_self;		/* (I) host port: information only */
	struct ipc_port	*h_priv_self;		/* (I) privileged host port */
};

struct processor {
	struct cpu	*pr_cpu;		/* (I) */
	struct processor_set *pr_pset;		/* (m) NULL: off line */
	struct ipc_port	*pr_self;		/* (I) control port */
	struct ipc_port	*pr_name_self;		/* (I) name port */
};

struct processor_set {
	struct spinlock	 ps_set_lock;
	uint32_t	 ps_set_refs;		/* (a) */
	bool		 ps_active;		/* (p) */
	struct queue	 ps_link;		/* (l)(m) all sets */
	struct run_queue ps_runq;		/* threads that wait because the set has no processor */
	uint32_t	 ps_processor_count;	/* (r) */
	struct queue	 ps_tasks;		/* (p) tk_pset_link */
	struct queue	 ps_threads;		/* (p) th_pset_link */
	uint32_t	 ps_task_count;		/* (p) */
	uint32_t	 ps_thread_count;	/* (p) */
	int		 ps_max_priority;	/* (p) best priority of new threads */
	uint32_t	 ps_policies;		/* (p) enabled policies, bit = policy number */
	uint32_t	 ps_load_average;	/* (l) scale 1000 */
	uint32_t	 ps_mach_factor;	/* (l) scale 1000 */
	struct ipc_port	*ps_self;		/* (p) control port */
	struct ipc_port	*ps_name_self;		/* (p) name port */
};

extern struct host realhost;
extern struct processor_set default_pset;

void	pset_bootstrap(void);			/* default set, before any task */
void	processor_init(void);			/* ports; ipc works */
void	processor_add(struct cpu *);		/* a CPU joins the default set */
struct processor *processor_of(const struct cpu *);
bool	processor_running(const struct cpu *);	/* not off line */
/* => an active set without anything in it, and a reference; NULL: no memory */
struct processor_set *pset_create(void);
/* => assignments locked: no ports, no name, nothing new in it; false: it was so already */
bool	pset_deactivate(struct processor_set *);
void	pset_ref(struct processor_set *);
void	pset_release(struct processor_set *);
/* => tk_pset holds a reference; a set destroyed meanwhile is the default set */
void	pset_add_task(struct task *);
void	pset_remove_task(struct task *);
/* => task locked: the thread joins the task's set and keeps to its rules */
void	pset_add_thread(struct task *, struct thread *);
void	pset_remove_thread(struct thread *);
/* => thread locked: its priorities and policy are what the set permits */
void	pset_limit_thread(const struct processor_set *, struct thread *);
/* => the thread's, the task's set, with a reference */
struct processor_set *thread_pset_ref(struct thread *);
struct processor_set *task_pset_ref(struct task *);
/* => a referenced snapshot of the set's tasks or threads (kalloc'ed, *count * 8 bytes, NULL when there are none) */
kern_return_t	pset_members(struct processor_set *, bool tasks, void ***list, uint32_t *count);
/* all active sets, by ps_link; assignments locked */
extern struct queue pset_list;
/* timer interrupt: load of each set from its queues */
void	pset_load_update(void (*one)(struct processor_set *, uint32_t cpus, uint32_t runnable));

/* --- assign.c --- */
void	assign_init(void);
void	assign_lock(void);
void	assign_unlock(void);
/* => assignments locked; the processor joins the set, NULL: goes off line */
void	processor_change_set(struct processor *, struct processor_set *);

/* load averages: 1, 5, 15 minutes, scale 1000 */
extern uint32_t host_load_average[3], host_mach_factor[3];
void	load_init(void);

#endif
