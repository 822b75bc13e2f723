/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Exception ports by kind of exception (subsystem exception_ports, an addition to the interface).
 *
 * OBJECT  exception_actions: a table by kind, made when the first port is set, gone with its thread or task; the host's is static.
 * LOCKS   the task's lock for those of the task and of its threads, the kernel task's for the host's.
 * RIGHTS  set consumes the right on success; a table holds one send right for each kind.
 * TESTS   tests/boot/exception_ports.c
 */
#include <ipc/ipc.h>
#include <kern/exception_ports.h>
#include <kern/mig_kernel.h>
#include <kern/slab.h>
#include <machine/context.h>
#include <mach/exception_ports.server.h>

#define STATE_COUNT_MAX	1024u		/* words a message carries inline */

static struct exception_actions host_actions;
static struct exception_actions *host_table = &host_actions;

/* whose table: th NULL for a task's or the host's */
struct owner {
	struct task		 *ow_task;	/* its lock */
	struct thread		 *ow_thread;
	struct exception_actions **ow_slot;
};

/* => lock held */
static bool
owner_alive(const struct owner *o)
{
	return o->ow_thread != NULL ? o->ow_thread->th_self != IP_NULL : o->ow_task->tk_active;
}

static bool
behavior_ok(int behavior, int flavor)
{
	uint32_t count;

	if (behavior == EXCEPTION_DEFAULT)
		return true;
	if (behavior != EXCEPTION_STATE && behavior != EXCEPTION_STATE_IDENTITY)
		return false;
	count = flavor != 0 ? machine_thread_state_count(flavor) : 0;
	return count > 0 && count <= STATE_COUNT_MAX;
}

/* => lock held; the kinds of the mask get copies of port, old ones go to old[] */
static void
table_set(struct exception_actions *table, int mask, struct ipc_port *port, int behavior, int flavor,
    struct ipc_port *old[EXC_TYPES_COUNT])
{
	for (int kind = 0; kind < EXC_TYPES_COUNT; kind++) {
		struct exception_action *a = &table->eas_action[kind];

		old[kind] = IP_NULL;
		if (!(mask & 1 << kind))
			continue;
		old[kind] = a->ea_port;
		*a = (struct exception_action){ ipc_port_copy_send(port), (int16_t)behavior, (int16_t)flavor };
		if (port == IP_NULL)
			*a = (struct exception_action){ IP_NULL, 0, 0 };
	}
}

static kern_return_t
owner_set(const struct owner *o, int mask, struct ipc_port *port, int behavior, int flavor)
{
	struct ipc_port *old[EXC_TYPES_COUNT];
	struct exception_actions *fresh;
	bool alive;

	if (mask == 0 || (mask & ~EXC_MASK_ALL) || (port != IP_NULL && !behavior_ok(behavior, flavor)))
		return KERN_INVALID_ARGUMENT;
	fresh = kzalloc(sizeof *fresh);
	if (fresh == NULL)
		return KERN_RESOURCE_SHORTAGE;
	spin_lock(&o->ow_task->tk_lock);
	alive = owner_alive(o);
	if (alive) {
		if (*o->ow_slot == NULL) {
			*o->ow_slot = fresh;
			fresh = NULL;
		}
		table_set(*o->ow_slot, mask, port, behavior, flavor, old);
	}
	spin_unlock(&o->ow_task->tk_lock);
	kfree(fresh, sizeof *fresh);
	if (!alive)
		return KERN_FAILURE;
	for (int kind = 0; kind < EXC_TYPES_COUNT; kind++)
		ipc_port_release_send(old[kind]);
	ipc_port_release_send(port);
	return KERN_SUCCESS;
}

/* => lock held */
static bool
table_get(const struct exception_actions *table, int kind, struct exception_action *out)
{
	if (table == NULL || table->eas_action[kind].ea_port == IP_NULL)
		return false;
	*out = table->eas_action[kind];
	out->ea_port = ipc_port_copy_send(out->ea_port);
	return true;
}

static kern_return_t
owner_get(const struct owner *o, int kind, mach_port_t *port, int *behavior, int *flavor)
{
	struct exception_action a = { IP_NULL, 0, 0 };

	if (kind <= 0 || kind >= EXC_TYPES_COUNT)
		return KERN_INVALID_ARGUMENT;
	spin_lock(&o->ow_task->tk_lock);
	(void)table_get(*o->ow_slot, kind, &a);
	spin_unlock(&o->ow_task->tk_lock);
	*port = a.ea_port;
	*behavior = a.ea_behavior;
	*flavor = a.ea_flavor;
	return KERN_SUCCESS;
}

bool
exception_action_of(struct thread *t, enum exception_stage stage, int kind, struct exception_action *out)
{
	struct task *owner = stage == EXCEPTION_STAGE_HOST ? kernel_task : t->th_task;
	struct exception_actions *table;
	struct ipc_port *special = IP_NULL;
	bool found;

	spin_lock(&owner->tk_lock);
	if (stage == EXCEPTION_STAGE_THREAD) {
		table = t->th_actions;
		special = t->th_exception;
	} else if (stage == EXCEPTION_STAGE_TASK) {
		table = owner->tk_actions;
		special = owner->tk_exception;
	} else {
		table = host_table;
	}
	found = table_get(table, kind, out);
	if (!found || out->ea_port == IP_DEAD)
		*out = (struct exception_action){ ipc_port_copy_send(special), EXCEPTION_DEFAULT, 0 };
	spin_unlock(&owner->tk_lock);
	return IP_VALID(out->ea_port);
}

/* => lock held: as exception_first_port, of one stage; *set: somebody is there */
static struct ipc_port *
first_of(const struct exception_actions *table, struct ipc_port *special, int kind, bool *set)
{
	const struct exception_action *a = table != NULL ? &table->eas_action[kind] : NULL;

	*set = true;
	if (a != NULL && a->ea_port != IP_NULL)
		return a->ea_behavior == EXCEPTION_DEFAULT ? a->ea_port : IP_NULL;
	*set = special != IP_NULL;
	return special;
}

struct ipc_port *
exception_first_port(const struct thread *t, int kind, enum exception_stage *after)
{
	struct ipc_port *port;
	bool set;

	*after = EXCEPTION_STAGE_TASK;
	port = first_of(t->th_actions, t->th_exception, kind, &set);
	if (set)
		return port;
	*after = EXCEPTION_STAGE_HOST;
	return first_of(t->th_task->tk_actions, t->th_task->tk_exception, kind, &set);
}

kern_return_t
exception_actions_inherit(struct task *child, struct task *parent)
{
	struct exception_actions *table;

	if (parent->tk_actions == NULL)
		return KERN_SUCCESS;
	table = kzalloc(sizeof *table);
	if (table == NULL)
		return KERN_RESOURCE_SHORTAGE;
	spin_lock(&parent->tk_lock);
	for (int kind = 1; kind < EXC_TYPES_COUNT && parent->tk_actions != NULL; kind++)
		(void)table_get(parent->tk_actions, kind, &table->eas_action[kind]);
	spin_unlock(&parent->tk_lock);
	child->tk_actions = table;
	return KERN_SUCCESS;
}

void
exception_actions_drop(struct task *task, struct exception_actions **slot)
{
	struct exception_actions *table;

	spin_lock(&task->tk_lock);
	table = *slot;
	*slot = NULL;
	spin_unlock(&task->tk_lock);
	if (table == NULL)
		return;
	for (int kind = 0; kind < EXC_TYPES_COUNT; kind++)
		ipc_port_release_send(table->eas_action[kind].ea_port);
	kfree(table, sizeof *table);
}

/* --- routines --- */

kern_return_t
thread_set_exception_ports(thread_t t, int mask, mach_port_t port, int behavior, int flavor)
{
	if (t == NULL || t->th_task == kernel_task)
		return KERN_INVALID_ARGUMENT;
	return owner_set(&(struct owner){ t->th_task, t, &t->th_actions }, mask, port, behavior, flavor);
}

kern_return_t
thread_get_exception_action(thread_t t, int kind, mach_port_t *port, int *behavior, int *flavor)
{
	if (t == NULL)
		return KERN_INVALID_ARGUMENT;
	return owner_get(&(struct owner){ t->th_task, t, &t->th_actions }, kind, port, behavior, flavor);
}

kern_return_t
task_set_exception_ports(task_t task, int mask, mach_port_t port, int behavior, int flavor)
{
	if (task == NULL || task == kernel_task)
		return KERN_INVALID_ARGUMENT;
	return owner_set(&(struct owner){ task, NULL, &task->tk_actions }, mask, port, behavior, flavor);
}

kern_return_t
task_get_exception_action(task_t task, int kind, mach_port_t *port, int *behavior, int *flavor)
{
	if (task == NULL)
		return KERN_INVALID_ARGUMENT;
	return owner_get(&(struct owner){ task, NULL, &task->tk_actions }, kind, port, behavior, flavor);
}

kern_return_t
host_set_exception_ports(host_priv_t host, int mask, mach_port_t port, int behavior, int flavor)
{
	if (host == NULL)
		return KERN_INVALID_ARGUMENT;
	return owner_set(&(struct owner){ kernel_task, NULL, &host_table }, mask, port, behavior, flavor);
}

kern_return_t
host_get_exception_action(host_priv_t host, int kind, mach_port_t *port, int *behavior, int *flavor)
{
	if (host == NULL)
		return KERN_INVALID_ARGUMENT;
	return owner_get(&(struct owner){ kernel_task, NULL, &host_table }, kind, port, behavior, flavor);
}
