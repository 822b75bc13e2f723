/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Processors, processor sets, the host object.
 *
 * OBJECT  see processor.h. All CPUs are in the default set.
 * LOCKS   set lock (spin), after the task lock.
 */
#include <ipc/ipc.h>
#include <kern/mig_kernel.h>
#include <kern/panic.h>
#include <kern/processor.h>
#include <kern/sched.h>
#include <kern/slab.h>
#include <kern/task.h>
#include <kern/thread.h>
#include <machine/cpu.h>

static const struct lock_class pset_class = { "processor set", LOCK_RANK_PSET, 0 };

struct host realhost;
struct processor_set default_pset;
static struct processor **processors;	/* by CPU number; replaced whole when it grows */
static uint32_t processors_size;

void
pset_bootstrap(void)
{
	struct processor_set *p = &default_pset;

	spin_lock_init(&p->ps_set_lock, &pset_class);
	p->ps_set_refs = 1;
	queue_init(&p->ps_tasks);
	queue_init(&p->ps_threads);
	p->ps_max_priority = PRI_BEST;
	p->ps_policies = 1u << POLICY_TIMESHARE | 1u << POLICY_FIXEDPRI;
}

static struct ipc_port *
kernel_port(enum ipc_kotype kind, void *object)
{
	struct ipc_port *port = ipc_port_create_kernel(kind, object);

	if (port == IP_NULL)
		panic("no memory for a host port");
	return port;
}

void
processor_init(void)
{
	realhost.h_self = kernel_port(IKOT_HOST, &realhost);
	realhost.h_priv_self = kernel_port(IKOT_HOST_PRIV, &realhost);
	default_pset.ps_self = kernel_port(IKOT_PSET, &default_pset);
	default_pset.ps_name_self = kernel_port(IKOT_PSET_NAME, &default_pset);
}

void
processor_add(struct cpu *c)
{
	struct processor *p = kzalloc(sizeof *p), **table = processors;

	if (c->cp_id >= processors_size) {
		uint32_t size = c->cp_id + 16;

		table = kzalloc(size * sizeof *table);
		if (table == NULL)
			panic("no memory for processor %u", c->cp_id);
		for (uint32_t i = 0; i < processors_size; i++)
			table[i] = processors[i];
		processors_size = size;
	}
	if (p == NULL)
		panic("no memory for processor %u", c->cp_id);
	p->pr_cpu = c;
	p->pr_pset = &default_pset;
	p->pr_self = kernel_port(IKOT_PROCESSOR, p);
	p->pr_name_self = kernel_port(IKOT_PROCESSOR, p);
	table[c->cp_id] = p;
	processors = table;
	c->cp_sched->cs_pset = &default_pset;
	spin_lock(&default_pset.ps_set_lock);
	default_pset.ps_processor_count++;
	spin_unlock(&default_pset.ps_set_lock);
}

struct processor *
processor_of(const struct cpu *c)
{
	return c->cp_id < processors_size ? processors[c->cp_id] : NULL;
}

void
pset_ref(struct processor_set *p)
{
	__atomic_fetch_add(&p->ps_set_refs, 1, __ATOMIC_RELAXED);
}

void
pset_release(struct processor_set *p)
{
	uint32_t left = __atomic_sub_fetch(&p->ps_set_refs, 1, __ATOMIC_ACQ_REL);

	KASSERT(left > 0);		/* the default set stays */
	(void)left;
}

void
pset_add_task(struct processor_set *p, struct task *t)
{
	spin_lock(&p->ps_set_lock);
	queue_push_tail(&p->ps_tasks, &t->tk_pset_link);
	p->ps_task_count++;
	spin_unlock(&p->ps_set_lock);
}

void
pset_remove_task(struct processor_set *p, struct task *t)
{
	spin_lock(&p->ps_set_lock);
	queue_remove(&t->tk_pset_link);
	p->ps_task_count--;
	spin_unlock(&p->ps_set_lock);
}

void
pset_add_thread(struct processor_set *p, struct thread *t)
{
	spin_lock(&p->ps_set_lock);
	queue_push_tail(&p->ps_threads, &t->th_pset_link);
	p->ps_thread_count++;
	spin_unlock(&p->ps_set_lock);
}

void
pset_remove_thread(struct processor_set *p, struct thread *t)
{
	spin_lock(&p->ps_set_lock);
	queue_remove(&t->th_pset_link);
	p->ps_thread_count--;
	spin_unlock(&p->ps_set_lock);
}
