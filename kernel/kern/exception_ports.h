/* SPDX-License-Identifier: BSD-2-Clause */
/* Exception ports by kind of exception: an addition to the special ports of threads and tasks. */
#ifndef KERN_EXCEPTION_PORTS_H
#define KERN_EXCEPTION_PORTS_H

#include <stdbool.h>
#include <mach/exception_ports.h>
#include <mach/kern_return.h>

struct ipc_port;
struct task;
struct thread;

/* one kind's: who hears of it, and how; no port: nobody */
struct exception_action {
	struct ipc_port	*ea_port;	/* a send right */
	int16_t		 ea_behavior;
	int16_t		 ea_flavor;
};

struct exception_actions {
	struct exception_action eas_action[EXC_TYPES_COUNT];
};

/* where an exception may go, in this order */
enum exception_stage { EXCEPTION_STAGE_THREAD, EXCEPTION_STAGE_TASK, EXCEPTION_STAGE_HOST, EXCEPTION_STAGES };

/* => the action of the thread for a kind at a stage, with a send right of the caller's own; false: nobody is there */
bool	exception_action_of(struct thread *, enum exception_stage, int kind, struct exception_action *);
/*
 * => the thread's task locked: the port that hears of the kind first, by exception_raise, and whom to ask after it. Not counted: good only
 * until the task is unlocked, and perhaps dead. IP_NULL: look with exception_action_of
 */
struct ipc_port *exception_first_port(const struct thread *, int kind, enum exception_stage *after);
/* => a copy of the parent's for a child: KERN_RESOURCE_SHORTAGE without memory */
kern_return_t exception_actions_inherit(struct task *child, struct task *parent);
/* => the thread or task is marked as ended: nobody can set any again */
void	exception_actions_drop(struct task *, struct exception_actions **);

#endif
