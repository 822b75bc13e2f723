/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Processors, processor sets, the host object: what they are and who is in them. Who moves where is in assign.c.
 *
 * OBJECT  see processor.h.
 * LOCKS   set lock (spin, two by address), after the task lock; the list of sets (spin, interrupt).
 * TESTS   tests/boot/processor_set.c
 */
#include <ipc/ipc.h>
#include <kern/counter.h>
#include <kern/mig_kernel.h>
#include <kern/panic.h>
#include <kern/processor.h>
#include <kern/sched.h>
#include <kern/slab.h>
#include <kern/string.h>
#include <kern/task.h>
#include <kern/thread.h>
#include <machine/cpu.h>

static const struct lock_class pset_class = { "processor set", LOCK_RANK_PSET, LOCK_CLASS_MULTIPLE };
static const struct lock_class pset_list_class = { "list of processor sets", LOCK_RANK_RUNQ, LOCK_CLASS_IRQ };

struct host realhost;
struct processor_set default_pset;
static struct spinlock pset_list_lock = SPIN_LOCK_INITIALIZER(&pset_list_class);
struct queue pset_list = { &pset_list, &pset_list };
static struct processor **processors;	/* by CPU number; replaced whole when it grows */
static uint32_t processors_size;

/* --- processors --- */

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
	c->cp_pset = c->cp_sched->cs_pset = &default_pset;
	pset_ref(&default_pset);
	default_pset.ps_processor_count++;	/* CPUs come one after another, before any runs user programs */
}

struct processor *
processor_of(const struct cpu *c)
{
	return c->cp_id < processors_size ? processors[c->cp_id] : NULL;
}

bool
processor_running(const struct cpu *c)
{
	return c->cp_online && processor_of(c) != NULL && __atomic_load_n(&processor_of(c)->pr_pset, __ATOMIC_RELAXED) != NULL;
}

/* --- sets --- */

static void
pset_setup(struct processor_set *p)
{
	memset(p, 0, sizeof *p);
	spin_lock_init(&p->ps_set_lock, &pset_class);
	p->ps_set_refs = 1;
	p->ps_active = true;
	run_queue_init(&p->ps_runq);
	p->ps_runq.rq_stranded = true;
	queue_init(&p->ps_tasks);
	queue_init(&p->ps_threads);
	p->ps_max_priority = PRI_BEST_USER;
	p->ps_policies = 1u << POLICY_TIMESHARE;
}

static void
pset_list_add(struct processor_set *p)
{
	unsigned long flags = spin_lock_irq(&pset_list_lock);

	queue_push_tail(&pset_list, &p->ps_link);
	spin_unlock_irq(&pset_list_lock, flags);
}

void
pset_bootstrap(void)
{
	pset_setup(&default_pset);
	pset_list_add(&default_pset);
}

struct processor_set *
pset_create(void)
{
	struct processor_set *p = kalloc(sizeof *p);

	if (p == NULL)
		return NULL;
	pset_setup(p);
	p->ps_self = ipc_port_create_kernel(IKOT_PSET, p);
	p->ps_name_self = p->ps_self != IP_NULL ? ipc_port_create_kernel(IKOT_PSET_NAME, p) : IP_NULL;
	if (p->ps_name_self == IP_NULL) {
		ipc_port_destroy_kernel(p->ps_self);
		kfree(p, sizeof *p);
		return NULL;
	}
	counter_add(COUNT_PROCESSOR_SET, 1);
	pset_ref(p);
	pset_list_add(p);
	return p;
}

bool
pset_deactivate(struct processor_set *p)
{
	struct ipc_port *self, *name;
	unsigned long flags;
	bool first;

	spin_lock(&p->ps_set_lock);
	first = p->ps_active;
	p->ps_active = false;
	self = p->ps_self;
	name = p->ps_name_self;
	p->ps_self = p->ps_name_self = IP_NULL;
	spin_unlock(&p->ps_set_lock);
	if (!first)
		return false;
	flags = spin_lock_irq(&pset_list_lock);
	queue_remove(&p->ps_link);
	spin_unlock_irq(&pset_list_lock, flags);
	ipc_port_destroy_kernel(self);
	ipc_port_destroy_kernel(name);
	return true;
}

void
pset_ref(struct processor_set *p)
{
	__atomic_fetch_add(&p->ps_set_refs, 1, __ATOMIC_RELAXED);
}

void
pset_release(struct processor_set *p)
{
	if (__atomic_sub_fetch(&p->ps_set_refs, 1, __ATOMIC_ACQ_REL) > 0)
		return;
	KASSERT(p != &default_pset && !p->ps_active);
	KASSERT(queue_empty(&p->ps_tasks) && queue_empty(&p->ps_threads) && p->ps_runq.rq_count == 0);
	counter_add(COUNT_PROCESSOR_SET, -1);
	kfree(p, sizeof *p);
}

/* --- who is in it --- */

struct processor_set *
thread_pset_ref(struct thread *t)
{
	unsigned long flags = spin_lock_irq(&t->th_lock);
	struct processor_set *p = t->th_pset;

	pset_ref(p);
	spin_unlock_irq(&t->th_lock, flags);
	return p;
}

struct processor_set *
task_pset_ref(struct task *t)
{
	struct processor_set *p;

	spin_lock(&t->tk_lock);
	p = t->tk_pset;
	pset_ref(p);
	spin_unlock(&t->tk_lock);
	return p;
}

void
pset_add_task(struct task *t)
{
	struct processor_set *p, *gone = NULL;

	spin_lock(&t->tk_lock);
	p = t->tk_pset;
	spin_lock(&p->ps_set_lock);
	if (!p->ps_active) {
		spin_unlock(&p->ps_set_lock);
		gone = p;
		t->tk_pset = p = &default_pset;
		pset_ref(p);
		spin_lock(&p->ps_set_lock);
	}
	queue_push_tail(&p->ps_tasks, &t->tk_pset_link);
	p->ps_task_count++;
	spin_unlock(&p->ps_set_lock);
	spin_unlock(&t->tk_lock);
	if (gone != NULL)
		pset_release(gone);
}

void
pset_remove_task(struct task *t)
{
	struct processor_set *p;

	spin_lock(&t->tk_lock);
	p = t->tk_pset;
	spin_lock(&p->ps_set_lock);
	queue_remove(&t->tk_pset_link);
	p->ps_task_count--;
	spin_unlock(&p->ps_set_lock);
	spin_unlock(&t->tk_lock);
}

void
pset_limit_thread(const struct processor_set *p, struct thread *t)
{
	if (t->th_task == kernel_task)
		return;
	if (t->th_max_pri < p->ps_max_priority)
		t->th_max_pri = (int16_t)p->ps_max_priority;
	if (t->th_base_pri < t->th_max_pri)
		t->th_base_pri = t->th_max_pri;
	if (!(p->ps_policies & 1u << t->th_policy))
		t->th_policy = POLICY_TIMESHARE;
	t->th_priced = 0;
}

/* Nobody else knows the thread yet. The set may be one that is being destroyed: its threads are moved after its tasks */
void
pset_add_thread(struct task *task, struct thread *t)
{
	struct processor_set *p = task->tk_pset;

	pset_ref(p);
	spin_lock(&p->ps_set_lock);
	t->th_pset = p;
	pset_limit_thread(p, t);
	t->th_pri = t->th_base_pri;
	queue_push_tail(&p->ps_threads, &t->th_pset_link);
	p->ps_thread_count++;
	spin_unlock(&p->ps_set_lock);
}

/*
 * => off the list; its last steps are still those of a thread of the set. The thread's lock keeps it from being moved, and so
 * its set from going, but comes after the set's in the order: hence the attempts.
 */
void
pset_remove_thread(struct thread *t)
{
	bool done;

	do {
		unsigned long flags = spin_lock_irq(&t->th_lock);
		struct processor_set *p = t->th_pset;

		done = spin_trylock(&p->ps_set_lock);
		if (done) {
			queue_remove(&t->th_pset_link);
			p->ps_thread_count--;
			spin_unlock(&p->ps_set_lock);
		}
		spin_unlock_irq(&t->th_lock, flags);
	} while (!done);
}

static void
member_ref(struct queue *q, bool tasks, void **slot)
{
	if (tasks) {
		*slot = queue_entry(q, struct task, tk_pset_link);
		task_ref(*slot);
	} else {
		*slot = queue_entry(q, struct thread, th_pset_link);
		thread_ref(*slot);
	}
}

/* the array's size is told by its count */
static kern_return_t
members_trim(bool tasks, void ***list, uint32_t room, uint32_t n)
{
	void **exact = n > 0 ? kalloc(n * sizeof *exact) : NULL;

	if (exact != NULL)
		memcpy(exact, *list, n * sizeof *exact);
	else
		for (uint32_t i = 0; i < n; i++)
			tasks ? task_release((*list)[i]) : thread_release((*list)[i]);
	kfree(*list, room * sizeof **list);
	*list = exact;
	return exact != NULL || n == 0 ? KERN_SUCCESS : KERN_RESOURCE_SHORTAGE;
}

kern_return_t
pset_members(struct processor_set *p, bool tasks, void ***list, uint32_t *count)
{
	const uint32_t *size = tasks ? &p->ps_task_count : &p->ps_thread_count;
	struct queue *members = tasks ? &p->ps_tasks : &p->ps_threads, *q;
	void **found = NULL;
	uint32_t room = 0, n = 0;

	for (;;) {
		spin_lock(&p->ps_set_lock);
		n = *size;
		if (n <= room)
			break;
		spin_unlock(&p->ps_set_lock);
		kfree(found, room * sizeof *found);
		room = n;
		found = kalloc(room * sizeof *found);
		if (found == NULL)
			return KERN_RESOURCE_SHORTAGE;
	}
	n = 0;
	queue_for_each(q, members)
		member_ref(q, tasks, &found[n++]);
	spin_unlock(&p->ps_set_lock);
	*list = found;
	*count = n;
	return n == room ? KERN_SUCCESS : members_trim(tasks, list, room, n);
}

/* --- load --- */

static void
pset_load(const struct processor_set *p, uint32_t *cpus, uint32_t *runnable)
{
	*cpus = 0;
	*runnable = runq_length(&p->ps_runq);
	for (uint32_t i = 0; i < cpu_count; i++) {
		struct cpu *c = cpu_get(i);

		if (c->cp_sched == NULL || c->cp_sched->cs_pset != p)
			continue;
		++*cpus;
		*runnable += runq_length(c->cp_sched->cs_runq) + !__atomic_load_n(&c->cp_idle, __ATOMIC_RELAXED);
	}
}

void
pset_load_update(void (*one)(struct processor_set *, uint32_t cpus, uint32_t runnable))
{
	unsigned long flags = spin_lock_irq(&pset_list_lock);
	struct queue *q;

	queue_for_each(q, &pset_list) {
		struct processor_set *p = queue_entry(q, struct processor_set, ps_link);
		uint32_t cpus, runnable;

		pset_load(p, &cpus, &runnable);
		one(p, cpus, runnable);
	}
	spin_unlock_irq(&pset_list_lock, flags);
}
