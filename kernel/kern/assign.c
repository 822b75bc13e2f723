/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who is in which processor set: assignment of processors, tasks and threads (mach_host subsystem); the end of sets.
 *
 * LOCKS   The assignment mutex is held by whoever moves something or makes or ends a set, so each knows where things are. A
 *         task or thread that moves is on both lists' locks (by address); a task's lock comes before, a thread's after them.
 *         Creation and termination do not take the mutex: they find the set under the task's or thread's lock.
 * RIGHTS  nothing but the request's own.
 * TESTS   tests/boot/processor_set.c
 */
#include <kern/mig_kernel.h>
#include <kern/sched.h>
#include <kern/slab.h>
#include <kern/thread_rpc.h>
#include <kern/timer.h>
#include <mach/mach_host.server.h>
#include <machine/cpu.h>

#define LOOK_AGAIN_NS	1000000ull

static const struct lock_class assign_class = { "assignment", LOCK_RANK_PSETS, 0 };
static struct mutex assign_mutex;

void
assign_init(void)
{
	mutex_init(&assign_mutex, &assign_class);
}

void
assign_lock(void)
{
	mutex_lock(&assign_mutex);
}

void
assign_unlock(void)
{
	mutex_unlock(&assign_mutex);
}

static void
lock_two(struct processor_set *a, struct processor_set *b)
{
	spin_lock(a < b ? &a->ps_set_lock : &b->ps_set_lock);
	spin_lock(a < b ? &b->ps_set_lock : &a->ps_set_lock);
}

static void
unlock_two(struct processor_set *a, struct processor_set *b)
{
	spin_unlock(&a->ps_set_lock);
	spin_unlock(&b->ps_set_lock);
}

/* until the processor is left by that thread (NULL: any) which belongs elsewhere; => nothing locked */
static void
wait_for_stranger(struct cpu *c, const struct thread *t)
{
	while (c != cpu_self() && sched_runs_stranger(c, t)) {
		assert_wait_deadline(wait_for_stranger, true, clock_uptime_ns() + LOOK_AGAIN_NS);
		if (thread_block(NULL) == WAIT_INTERRUPTED)
			return;
	}
}

/* --- processors --- */

void
processor_change_set(struct processor *p, struct processor_set *to)
{
	struct processor_set *from = p->pr_pset;

	if (to != NULL)
		pset_ref(to);
	__atomic_store_n(&p->pr_pset, to, __ATOMIC_RELAXED);
	sched_move_cpu(p->pr_cpu, to);
	if (from != NULL)
		pset_release(from);
}

/* the first one runs the kernel's threads and takes the interrupts */
static bool
is_master(const struct processor *p)
{
	return p->pr_cpu->cp_id == 0;
}

kern_return_t
processor_assign(processor_t p, processor_set_t set, boolean_t wait)
{
	kern_return_t kr = KERN_SUCCESS;

	if (p == NULL || set == NULL)
		return KERN_INVALID_ARGUMENT;
	assign_lock();
	if (p->pr_pset == NULL || !set->ps_active || (is_master(p) && set != p->pr_pset))
		kr = KERN_FAILURE;
	else if (set != p->pr_pset)
		processor_change_set(p, set);
	assign_unlock();
	if (kr == KERN_SUCCESS && wait)
		wait_for_stranger(p->pr_cpu, NULL);
	return kr;
}

/* one that is off line goes back to the default set */
kern_return_t
processor_start(processor_t p)
{
	kern_return_t kr = KERN_FAILURE;

	if (p == NULL)
		return KERN_INVALID_ARGUMENT;
	assign_lock();
	if (p->pr_pset == NULL && p->pr_cpu->cp_online) {
		processor_change_set(p, &default_pset);
		kr = KERN_SUCCESS;
	}
	assign_unlock();
	return kr;
}

/* off line it still answers the other processors' interrupts, but runs no thread */
kern_return_t
processor_exit(processor_t p)
{
	kern_return_t kr = KERN_FAILURE;

	if (p == NULL)
		return KERN_INVALID_ARGUMENT;
	assign_lock();
	if (p->pr_pset != NULL && !is_master(p)) {
		processor_change_set(p, NULL);
		kr = KERN_SUCCESS;
	}
	assign_unlock();
	if (kr == KERN_SUCCESS)
		wait_for_stranger(p->pr_cpu, NULL);
	return kr;
}

kern_return_t
processor_get_assignment(processor_t p, processor_set_name_t *set)
{
	kern_return_t kr = KERN_FAILURE;

	if (p == NULL)
		return KERN_INVALID_ARGUMENT;
	assign_lock();
	if (p->pr_pset != NULL) {
		pset_ref(p->pr_pset);
		*set = p->pr_pset;
		kr = KERN_SUCCESS;
	}
	assign_unlock();
	return kr;
}

/* --- threads --- */

/* => assignments locked; false: the thread has ended, or the set has */
static bool
thread_change_set(struct thread *t, struct processor_set *to)
{
	struct processor_set *from = t->th_pset;
	unsigned long flags;
	bool moves;

	if (from == to)
		return true;
	lock_two(from, to);
	moves = to->ps_active && !queue_empty(&t->th_pset_link);
	if (moves) {
		bool queued;

		queue_remove(&t->th_pset_link);
		from->ps_thread_count--;
		queue_push_tail(&to->ps_threads, &t->th_pset_link);
		to->ps_thread_count++;
		pset_ref(to);
		flags = spin_lock_irq(&t->th_lock);
		queued = sched_remove(t);
		t->th_pset = to;
		pset_limit_thread(to, t);
		if (queued)
			sched_setrun(t);
		else if (t->th_state & TH_RUN)
			thread_ast_set(t, AST_MIGRATE);
		spin_unlock_irq(&t->th_lock, flags);
	}
	unlock_two(from, to);
	if (moves)
		pset_release(from);
	return moves;
}

static bool
may_be_assigned(const struct task *task)
{
	return task != kernel_task;
}

kern_return_t
thread_assign(thread_t t, processor_set_t set)
{
	struct cpu *c;
	bool done;

	if (t == NULL || set == NULL || !may_be_assigned(t->th_task))
		return KERN_INVALID_ARGUMENT;
	assign_lock();
	done = thread_change_set(t, set);
	assign_unlock();
	if (!done)
		return KERN_FAILURE;
	c = __atomic_load_n(&t->th_last_cpu, __ATOMIC_RELAXED);
	if (c != NULL && t != current_thread())
		wait_for_stranger(c, t);
	return KERN_SUCCESS;
}

kern_return_t
thread_assign_default(thread_t t)
{
	return thread_assign(t, &default_pset);
}

kern_return_t
thread_get_assignment(thread_t t, processor_set_name_t *set)
{
	if (t == NULL)
		return KERN_INVALID_ARGUMENT;
	*set = thread_pset_ref(t);
	return KERN_SUCCESS;
}

/* --- tasks --- */

/* => assignments locked; false: the task has ended, or the set has */
static bool
task_change_set(struct task *t, struct processor_set *to)
{
	struct processor_set *from = t->tk_pset;
	bool moves;

	if (from == to)
		return true;
	spin_lock(&t->tk_lock);
	lock_two(from, to);
	moves = to->ps_active && !queue_empty(&t->tk_pset_link);
	if (moves) {
		queue_remove(&t->tk_pset_link);
		from->ps_task_count--;
		queue_push_tail(&to->ps_tasks, &t->tk_pset_link);
		to->ps_task_count++;
		pset_ref(to);
		t->tk_pset = to;
	}
	unlock_two(from, to);
	spin_unlock(&t->tk_lock);
	if (moves)
		pset_release(from);
	return moves;
}

/* new threads of the task are in the new set from its move on: the list has all others */
kern_return_t
task_assign(task_t task, processor_set_t set, boolean_t assign_threads)
{
	kern_return_t kr = KERN_SUCCESS;
	struct thread **threads;
	uint32_t n;

	if (task == NULL || set == NULL || !may_be_assigned(task))
		return KERN_INVALID_ARGUMENT;
	assign_lock();
	if (!task_change_set(task, set))
		kr = KERN_FAILURE;
	else if (assign_threads) {
		kr = task_thread_list(task, &threads, &n);
		for (uint32_t i = 0; kr == KERN_SUCCESS && i < n; i++) {
			(void)thread_change_set(threads[i], set);
			thread_release(threads[i]);
		}
		if (kr == KERN_SUCCESS)
			kfree(threads, n * sizeof *threads);
	}
	assign_unlock();
	return kr;
}

kern_return_t
task_assign_default(task_t task, boolean_t assign_threads)
{
	return task_assign(task, &default_pset, assign_threads);
}

kern_return_t
task_get_assignment(task_t task, processor_set_name_t *set)
{
	if (task == NULL)
		return KERN_INVALID_ARGUMENT;
	*set = task_pset_ref(task);
	return KERN_SUCCESS;
}

/* --- sets --- */

kern_return_t
processor_set_create(host_priv_t host, processor_set_t *set, processor_set_name_t *name)
{
	struct processor_set *p;

	if (host == NULL)
		return KERN_INVALID_ARGUMENT;
	assign_lock();
	p = pset_create();
	assign_unlock();
	if (p == NULL)
		return KERN_RESOURCE_SHORTAGE;
	pset_ref(p);
	*set = *name = p;
	return KERN_SUCCESS;
}

/* => a referenced task or thread of the set, NULL: there is none */
static struct task *
first_task(struct processor_set *set)
{
	struct task *t = NULL;

	spin_lock(&set->ps_set_lock);
	if (!queue_empty(&set->ps_tasks)) {
		t = queue_entry(queue_first(&set->ps_tasks), struct task, tk_pset_link);
		task_ref(t);
	}
	spin_unlock(&set->ps_set_lock);
	return t;
}

static struct thread *
first_thread(struct processor_set *set)
{
	struct thread *t = NULL;

	spin_lock(&set->ps_set_lock);
	if (!queue_empty(&set->ps_threads)) {
		t = queue_entry(queue_first(&set->ps_threads), struct thread, th_pset_link);
		thread_ref(t);
	}
	spin_unlock(&set->ps_set_lock);
	return t;
}

/* Processors first, so that what moves after them finds them; tasks before threads: no thread comes after its task has gone */
kern_return_t
processor_set_destroy(processor_set_t set)
{
	struct thread *thread;
	struct task *task;

	if (set == NULL)
		return KERN_INVALID_ARGUMENT;
	if (set == &default_pset)
		return KERN_FAILURE;
	assign_lock();
	if (!pset_deactivate(set)) {
		assign_unlock();
		return KERN_FAILURE;
	}
	for (uint32_t i = 0; i < cpu_count; i++)
		if (processor_of(cpu_get(i))->pr_pset == set)
			processor_change_set(processor_of(cpu_get(i)), &default_pset);
	while ((task = first_task(set)) != NULL) {
		(void)task_change_set(task, &default_pset);
		task_release(task);
	}
	while ((thread = first_thread(set)) != NULL) {
		(void)thread_change_set(thread, &default_pset);
		thread_release(thread);
	}
	assign_unlock();
	pset_release(set);	/* of being active */
	return KERN_SUCCESS;
}
