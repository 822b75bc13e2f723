/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * OBJECT  The host (one), its processors (one per CPU) and processor sets.
 * REFS    host and processors are never freed; a set counts references (its tasks, threads and processors hold none: a set is
 *         emptied before it goes).
 * Legend: (I) immutable; (p) pset lock.
 */
#ifndef KERN_PROCESSOR_H
#define KERN_PROCESSOR_H

#include <stdint.h>
#include <kern/lock.h>
#include <kern/queue.h>

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
	struct processor_set *pr_pset;		/* (p) */
	struct ipc_port	*pr_self;		/* (I) control port */
	struct ipc_port	*pr_name_self;		/* (I) name port */
};

struct processor_set {
	struct spinlock	 ps_set_lock;
	uint32_t	 ps_set_refs;
	struct queue	 ps_tasks;		/* (p) tk_pset_link */
	struct queue	 ps_threads;		/* (p) th_pset_link */
	uint32_t	 ps_task_count;		/* (p) */
	uint32_t	 ps_thread_count;	/* (p) */
	uint32_t	 ps_processor_count;	/* (p) */
	int		 ps_max_priority;	/* (p) best priority of new threads */
	uint32_t	 ps_policies;		/* (p) enabled policies, bit = policy number */
	uint32_t	 ps_load_average;	/* (p) scale 1000 */
	uint32_t	 ps_mach_factor;	/* (p) scale 1000 */
	struct ipc_port	*ps_self;		/* (I) control port */
	struct ipc_port	*ps_name_self;		/* (I) name port */
};

extern struct host realhost;
extern struct processor_set default_pset;

void	pset_bootstrap(void);			/* default set, before any task */
void	processor_init(void);			/* ports; ipc works */
void	processor_add(struct cpu *);		/* a CPU joins the default set */
struct processor *processor_of(const struct cpu *);
void	pset_ref(struct processor_set *);
void	pset_release(struct processor_set *);
void	pset_add_task(struct processor_set *, struct task *);
void	pset_remove_task(struct processor_set *, struct task *);
void	pset_add_thread(struct processor_set *, struct thread *);
void	pset_remove_thread(struct processor_set *, struct thread *);
/* load averages: 1, 5, 15 minutes, scale 1000 */
extern uint32_t host_load_average[3], host_mach_factor[3];
void	load_init(void);

#endif
