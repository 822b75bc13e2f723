/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Priorities, policies, depression, wiring: routines of the mach_host subsystem about scheduling.
 * Lower numbers are better; th_max_pri is the best a thread may ask for without the set's control port.
 */
#include <kern/mig_kernel.h>
#include <kern/sched.h>
#include <kern/slab.h>
#include <kern/thread_rpc.h>
#include <kern/timer.h>
#include <mach/mach_host.server.h>
#include <machine/cpu.h>

kern_return_t
thread_priority(thread_t t, int priority, boolean_t set_max)
{
	kern_return_t kr = KERN_SUCCESS;
	unsigned long flags;

	if (t == NULL || !PRI_VALID(priority))
		return KERN_INVALID_ARGUMENT;
	flags = spin_lock_irq(&t->th_lock);
	if (priority < t->th_max_pri)
		kr = KERN_FAILURE;
	else {
		t->th_base_pri = (int16_t)priority;
		if (set_max)
			t->th_max_pri = (int16_t)priority;
		sched_update_priority(t);
	}
	spin_unlock_irq(&t->th_lock, flags);
	return kr;
}

kern_return_t
thread_max_priority(thread_t t, processor_set_t pset, int priority)
{
	kern_return_t kr = KERN_SUCCESS;
	unsigned long flags;

	if (t == NULL || pset == NULL || !PRI_VALID(priority))
		return KERN_INVALID_ARGUMENT;
	flags = spin_lock_irq(&t->th_lock);
	if (t->th_pset != pset)
		kr = KERN_FAILURE;
	else {
		t->th_max_pri = (int16_t)priority;
		if (t->th_base_pri < priority)
			t->th_base_pri = (int16_t)priority;
		sched_update_priority(t);
	}
	spin_unlock_irq(&t->th_lock, flags);
	return kr;
}

kern_return_t
task_priority(task_t task, int priority, boolean_t change_threads)
{
	struct thread **threads;
	kern_return_t kr = KERN_SUCCESS;
	uint32_t n;

	if (task == NULL || !PRI_VALID(priority))
		return KERN_INVALID_ARGUMENT;
	spin_lock(&task->tk_lock);
	task->tk_priority = priority;
	spin_unlock(&task->tk_lock);
	if (!change_threads)
		return KERN_SUCCESS;
	kr = task_thread_list(task, &threads, &n);
	if (kr != KERN_SUCCESS)
		return kr;
	for (uint32_t i = 0; i < n; i++) {
		if (thread_priority(threads[i], priority, false) != KERN_SUCCESS)
			kr = KERN_FAILURE;
		thread_release(threads[i]);
	}
	kfree(threads, n * sizeof *threads);
	return kr;
}

/* the set's lock: against the policy's being disabled meanwhile */
kern_return_t
thread_policy(thread_t t, int policy, int data)
{
	const struct sched_policy *p = sched_policy(policy);
	kern_return_t kr = KERN_SUCCESS;
	struct processor_set *set;
	unsigned long flags;

	if (t == NULL || p == NULL || (policy == POLICY_FIXEDPRI && data < 0))
		return KERN_INVALID_ARGUMENT;
	set = thread_pset_ref(t);
	spin_lock(&set->ps_set_lock);
	flags = spin_lock_irq(&t->th_lock);
	if (t->th_pset != set || !(set->ps_policies & 1u << policy))
		kr = KERN_FAILURE;
	else {
		t->th_policy = policy;
		t->th_policy_data = policy == POLICY_FIXEDPRI ? data : 0;
		sched_update_priority(t);
	}
	spin_unlock_irq(&t->th_lock, flags);
	spin_unlock(&set->ps_set_lock);
	pset_release(set);
	return kr;
}

/* --- depression --- */

void
thread_depress(struct thread *t, uint64_t ms)
{
	unsigned long flags = spin_lock_irq(&t->th_lock);

	t->th_depress_pri = PRI_WORST_USER;
	if (ms != 0) {
		t->th_timed = true;
		timer_set(&t->th_depress_timer, clock_uptime_ns() + ms * 1000000);
	} else
		timer_cancel(&t->th_depress_timer);
	sched_update_priority(t);
	spin_unlock_irq(&t->th_lock, flags);
}

kern_return_t
thread_depress_abort(thread_t t)
{
	unsigned long flags;

	if (t == NULL)
		return KERN_INVALID_ARGUMENT;
	flags = spin_lock_irq(&t->th_lock);
	if (t->th_depress_pri >= 0) {
		timer_cancel(&t->th_depress_timer);
		t->th_depress_pri = -1;
		sched_update_priority(t);
	}
	spin_unlock_irq(&t->th_lock, flags);
	return KERN_SUCCESS;
}

/* A wired thread may use the memory reserve; kernel stacks are never paged, so that is all */
kern_return_t
thread_wire(host_priv_t host, thread_t t, boolean_t wired)
{
	if (host == NULL || t == NULL)
		return KERN_INVALID_ARGUMENT;
	if (t != current_thread())
		return KERN_INVALID_ARGUMENT;
	t->th_vm_privilege = wired;
	return KERN_SUCCESS;
}
