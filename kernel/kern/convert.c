/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From rights to kernel objects and back, for the generated servers and the trap shortcuts.
 * RIGHTS  see mig_kernel.h.
 */
#include <kern/mig_kernel.h>
#include <kern/right.h>
#include <machine/cpu.h>

static void
ref_task(void *t)
{
	task_ref(t);
}

static void
ref_thread(void *t)
{
	thread_ref(t);
}

static void
ref_pset(void *p)
{
	pset_ref(p);
}

static void
ref_none(void *object)
{
	(void)object;		/* hosts and processors are for ever */
}

struct task *
convert_port_to_task(struct ipc_port *port)
{
	return ipc_kobject_lookup(port, IKOT_TASK, ref_task);
}

struct thread *
convert_port_to_thread(struct ipc_port *port)
{
	return ipc_kobject_lookup(port, IKOT_THREAD, ref_thread);
}

/* a task's map and its names live as long as the task does, and longer while referenced */
static void *
take_map(void *t)
{
	struct vm_map *map = ((struct task *)t)->tk_map;

	vm_map_ref(map);
	return map;
}

static void *
take_space(void *t)
{
	struct ipc_space *space = ((struct task *)t)->tk_space;

	ipc_space_ref(space);
	return space;
}

struct vm_map *
convert_port_to_map(struct ipc_port *port)
{
	return ipc_kobject_take(port, IKOT_TASK, take_map);
}

struct ipc_space *
convert_port_to_space(struct ipc_port *port)
{
	return ipc_kobject_take(port, IKOT_TASK, take_space);
}

struct host *
convert_port_to_host_priv(struct ipc_port *port)
{
	return ipc_kobject_lookup(port, IKOT_HOST_PRIV, ref_none);
}

struct host *
convert_port_to_host(struct ipc_port *port)
{
	struct host *h = ipc_kobject_lookup(port, IKOT_HOST, ref_none);

	return h != NULL ? h : convert_port_to_host_priv(port);
}

/* a control port serves wherever the name port does, for processors by their own name port only */
struct processor *
convert_port_to_processor(struct ipc_port *port)
{
	struct processor *p = ipc_kobject_lookup(port, IKOT_PROCESSOR, ref_none);

	return p != NULL && port == p->pr_self ? p : NULL;
}

struct processor *
convert_port_to_processor_name(struct ipc_port *port)
{
	return ipc_kobject_lookup(port, IKOT_PROCESSOR, ref_none);
}

struct processor_set *
convert_port_to_pset(struct ipc_port *port)
{
	return ipc_kobject_lookup(port, IKOT_PSET, ref_pset);
}

struct processor_set *
convert_port_to_pset_name(struct ipc_port *port)
{
	struct processor_set *p = ipc_kobject_lookup(port, IKOT_PSET_NAME, ref_pset);

	return p != NULL ? p : convert_port_to_pset(port);
}

/* The kernel port slot is read under the task lock; a dead object's port is gone: IP_NULL */
struct ipc_port *
convert_task_to_port(struct task *t)
{
	struct ipc_port *port;

	if (t == NULL)
		return IP_NULL;
	spin_lock(&t->tk_lock);
	port = ipc_port_make_send(t->tk_self);
	spin_unlock(&t->tk_lock);
	task_release(t);
	return port;
}

struct ipc_port *
convert_thread_to_port(struct thread *t)
{
	struct ipc_port *port;

	if (t == NULL)
		return IP_NULL;
	spin_lock(&t->th_task->tk_lock);
	port = ipc_port_make_send(t->th_self);
	spin_unlock(&t->th_task->tk_lock);
	thread_release(t);
	return port;
}

struct ipc_port *
convert_host_to_port(struct host *h)
{
	return h != NULL ? ipc_port_make_send(h->h_self) : IP_NULL;
}

struct ipc_port *
convert_processor_to_port(struct processor *p)
{
	return p != NULL ? ipc_port_make_send(p->pr_self) : IP_NULL;
}

struct ipc_port *
convert_processor_name_to_port(struct processor *p)
{
	return p != NULL ? ipc_port_make_send(p->pr_name_self) : IP_NULL;
}

struct ipc_port *
convert_pset_to_port(struct processor_set *p)
{
	struct ipc_port *port;

	if (p == NULL)
		return IP_NULL;
	spin_lock(&p->ps_set_lock);
	port = ipc_port_make_send(p->ps_self);
	spin_unlock(&p->ps_set_lock);
	pset_release(p);
	return port;
}

struct ipc_port *
convert_pset_name_to_port(struct processor_set *p)
{
	struct ipc_port *port;

	if (p == NULL)
		return IP_NULL;
	spin_lock(&p->ps_set_lock);
	port = ipc_port_make_send(p->ps_name_self);
	spin_unlock(&p->ps_set_lock);
	pset_release(p);
	return port;
}

struct task *
task_from_name(mach_port_name_t name)
{
	return ipc_name_to_kobject(current_thread()->th_task->tk_space, name, IKOT_TASK, ref_task);
}

struct thread *
thread_from_name(mach_port_name_t name)
{
	return ipc_name_to_kobject(current_thread()->th_task->tk_space, name, IKOT_THREAD, ref_thread);
}
