/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Processor and processor set routines (mach_host subsystem).
 * One set, the default one: creating sets and moving processors between them answers KERN_FAILURE, as the one-processor
 * build of the interface's model does (CAVEATS.md).
 */
#include <kern/mig_kernel.h>
#include <kern/sched.h>
#include <kern/slab.h>
#include <mach/mach_host.server.h>
#include <mach/processor_info.h>
#include <machine/cpu.h>

static kern_return_t
processor_ports(struct ipc_port *(*convert)(struct processor *), mach_port_t **list, uint32_t *count)
{
	uint32_t n = cpu_count;
	mach_port_t *ports = kalloc(n * sizeof *ports);

	if (ports == NULL)
		return KERN_RESOURCE_SHORTAGE;
	for (uint32_t i = 0; i < n; i++)
		ports[i] = convert(processor_of(cpu_get(i)));
	*list = ports;
	*count = n;
	return KERN_SUCCESS;
}

kern_return_t
host_processors(host_priv_t host, processor_array_t *list, mach_msg_type_number_t *count)
{
	if (host == NULL)
		return KERN_INVALID_ARGUMENT;
	return processor_ports(convert_processor_to_port, list, count);
}

kern_return_t
processor_set_processors(processor_set_name_t pset, processor_name_array_t *list, mach_msg_type_number_t *count)
{
	if (pset == NULL)
		return KERN_INVALID_ARGUMENT;
	return processor_ports(convert_processor_name_to_port, list, count);
}

/* processors run from boot to the end */
kern_return_t
processor_start(processor_t p)
{
	return p == NULL ? KERN_INVALID_ARGUMENT : KERN_FAILURE;
}

kern_return_t
processor_exit(processor_t p)
{
	return p == NULL ? KERN_INVALID_ARGUMENT : KERN_FAILURE;
}

kern_return_t
processor_control(processor_t p, processor_info_t command, mach_msg_type_number_t count)
{
	(void)command;
	(void)count;
	return p == NULL ? KERN_INVALID_ARGUMENT : KERN_FAILURE;
}

kern_return_t
processor_info(processor_name_t p, int flavor, host_t *host, processor_info_t out, mach_msg_type_number_t *count)
{
	struct processor_basic_info *info = (struct processor_basic_info *)out;

	if (p == NULL)
		return KERN_INVALID_ARGUMENT;
	if (flavor != PROCESSOR_BASIC_INFO || *count < PROCESSOR_BASIC_INFO_COUNT)
		return KERN_FAILURE;
	info->cpu_type = CPU_TYPE_X86_64;
	info->cpu_subtype = CPU_SUBTYPE_X86_64;
	info->running = p->pr_cpu->cp_online;
	info->slot_num = (integer_t)p->pr_cpu->cp_id;
	info->is_master = p->pr_cpu->cp_id == 0;
	*count = PROCESSOR_BASIC_INFO_COUNT;
	*host = &realhost;
	return KERN_SUCCESS;
}

kern_return_t
processor_get_assignment(processor_t p, processor_set_name_t *pset)
{
	if (p == NULL)
		return KERN_INVALID_ARGUMENT;
	pset_ref(p->pr_pset);
	*pset = p->pr_pset;
	return KERN_SUCCESS;
}

kern_return_t
processor_assign(processor_t p, processor_set_t pset, boolean_t wait)
{
	(void)wait;
	return p == NULL || pset == NULL ? KERN_INVALID_ARGUMENT : KERN_FAILURE;
}

/* --- sets --- */

kern_return_t
processor_set_default(host_t host, processor_set_name_t *pset)
{
	if (host == NULL)
		return KERN_INVALID_ARGUMENT;
	pset_ref(&default_pset);
	*pset = &default_pset;
	return KERN_SUCCESS;
}

kern_return_t
processor_set_create(host_priv_t host, processor_set_t *set, processor_set_name_t *name)
{
	(void)set;
	(void)name;
	return host == NULL ? KERN_INVALID_ARGUMENT : KERN_FAILURE;
}

kern_return_t
processor_set_destroy(processor_set_t pset)
{
	return pset == NULL ? KERN_INVALID_ARGUMENT : KERN_FAILURE;
}

kern_return_t
processor_set_info(processor_set_name_t pset, int flavor, host_t *host, processor_set_info_t out,
    mach_msg_type_number_t *count)
{
	if (pset == NULL)
		return KERN_INVALID_ARGUMENT;
	if (flavor == PROCESSOR_SET_BASIC_INFO && *count >= PROCESSOR_SET_BASIC_INFO_COUNT) {
		struct processor_set_basic_info *info = (struct processor_set_basic_info *)out;

		spin_lock(&pset->ps_set_lock);
		info->processor_count = (integer_t)pset->ps_processor_count;
		info->task_count = (integer_t)pset->ps_task_count;
		info->thread_count = (integer_t)pset->ps_thread_count;
		info->load_average = (integer_t)pset->ps_load_average;
		info->mach_factor = (integer_t)pset->ps_mach_factor;
		spin_unlock(&pset->ps_set_lock);
		*count = PROCESSOR_SET_BASIC_INFO_COUNT;
	} else if (flavor == PROCESSOR_SET_SCHED_INFO && *count >= PROCESSOR_SET_SCHED_INFO_COUNT) {
		struct processor_set_sched_info *info = (struct processor_set_sched_info *)out;

		spin_lock(&pset->ps_set_lock);
		info->policies = (integer_t)pset->ps_policies;
		info->max_priority = pset->ps_max_priority;
		spin_unlock(&pset->ps_set_lock);
		*count = PROCESSOR_SET_SCHED_INFO_COUNT;
	} else
		return flavor == PROCESSOR_SET_BASIC_INFO || flavor == PROCESSOR_SET_SCHED_INFO ? KERN_FAILURE
		    : KERN_INVALID_ARGUMENT;
	*host = &realhost;
	return KERN_SUCCESS;
}

kern_return_t
host_processor_sets(host_t host, processor_set_name_array_t *list, mach_msg_type_number_t *count)
{
	mach_port_t *ports;

	if (host == NULL)
		return KERN_INVALID_ARGUMENT;
	ports = kalloc(sizeof *ports);
	if (ports == NULL)
		return KERN_RESOURCE_SHORTAGE;
	pset_ref(&default_pset);
	ports[0] = convert_pset_name_to_port(&default_pset);
	*list = ports;
	*count = 1;
	return KERN_SUCCESS;
}

kern_return_t
host_processor_set_priv(host_priv_t host, processor_set_name_t name, processor_set_t *pset)
{
	if (host == NULL || name == NULL)
		return KERN_INVALID_ARGUMENT;
	pset_ref(name);
	*pset = name;
	return KERN_SUCCESS;
}

kern_return_t
processor_set_max_priority(processor_set_t pset, int priority, boolean_t change_threads)
{
	struct queue *q;

	if (pset == NULL || !PRI_VALID(priority))
		return KERN_INVALID_ARGUMENT;
	spin_lock(&pset->ps_set_lock);
	pset->ps_max_priority = priority;
	if (change_threads)
		queue_for_each(q, &pset->ps_threads) {
			struct thread *t = queue_entry(q, struct thread, th_pset_link);
			unsigned long flags = spin_lock_irq(&t->th_lock);

			if (t->th_max_pri < priority)
				t->th_max_pri = (int16_t)priority;
			if (t->th_base_pri < priority && t->th_task != kernel_task) {
				t->th_base_pri = (int16_t)priority;
				sched_update_priority(t);
			}
			spin_unlock_irq(&t->th_lock, flags);
		}
	spin_unlock(&pset->ps_set_lock);
	return KERN_SUCCESS;
}

kern_return_t
processor_set_policy_enable(processor_set_t pset, int policy)
{
	if (pset == NULL || sched_policy(policy) == NULL)
		return KERN_INVALID_ARGUMENT;
	spin_lock(&pset->ps_set_lock);
	pset->ps_policies |= 1u << policy;
	spin_unlock(&pset->ps_set_lock);
	return KERN_SUCCESS;
}

/* timesharing can not be disabled; threads of a policy that goes share time */
kern_return_t
processor_set_policy_disable(processor_set_t pset, int policy, boolean_t change_threads)
{
	struct queue *q;

	if (pset == NULL || policy == POLICY_TIMESHARE || sched_policy(policy) == NULL)
		return KERN_INVALID_ARGUMENT;
	spin_lock(&pset->ps_set_lock);
	pset->ps_policies &= ~(1u << policy);
	if (change_threads)
		queue_for_each(q, &pset->ps_threads) {
			struct thread *t = queue_entry(q, struct thread, th_pset_link);
			unsigned long flags = spin_lock_irq(&t->th_lock);

			if (t->th_policy == policy && t->th_task != kernel_task) {
				t->th_policy = POLICY_TIMESHARE;
				sched_update_priority(t);
			}
			spin_unlock_irq(&t->th_lock, flags);
		}
	spin_unlock(&pset->ps_set_lock);
	return KERN_SUCCESS;
}

/* => references of the set's tasks or threads as an array; the set's lists may change meanwhile */
kern_return_t
processor_set_tasks(processor_set_t pset, task_array_t *list, mach_msg_type_number_t *count)
{
	uint32_t room, n = 0;
	struct task **tasks;
	struct queue *q;

	if (pset == NULL)
		return KERN_INVALID_ARGUMENT;
	room = pset->ps_task_count;
	tasks = kalloc(room * sizeof *tasks);
	if (tasks == NULL)
		return KERN_RESOURCE_SHORTAGE;
	spin_lock(&pset->ps_set_lock);
	queue_for_each(q, &pset->ps_tasks) {
		if (n == room)
			break;
		tasks[n] = queue_entry(q, struct task, tk_pset_link);
		task_ref(tasks[n++]);
	}
	spin_unlock(&pset->ps_set_lock);
	for (uint32_t i = 0; i < n; i++)
		((mach_port_t *)tasks)[i] = convert_task_to_port(tasks[i]);
	for (uint32_t i = n; i < room; i++)
		((mach_port_t *)tasks)[i] = IP_NULL;
	*list = (mach_port_t *)tasks;
	*count = room;
	return KERN_SUCCESS;
}

kern_return_t
processor_set_threads(processor_set_t pset, thread_array_t *list, mach_msg_type_number_t *count)
{
	uint32_t room, n = 0;
	struct thread **threads;
	struct queue *q;

	if (pset == NULL)
		return KERN_INVALID_ARGUMENT;
	room = pset->ps_thread_count;
	threads = kalloc(room * sizeof *threads);
	if (threads == NULL)
		return KERN_RESOURCE_SHORTAGE;
	spin_lock(&pset->ps_set_lock);
	queue_for_each(q, &pset->ps_threads) {
		if (n == room)
			break;
		threads[n] = queue_entry(q, struct thread, th_pset_link);
		thread_ref(threads[n++]);
	}
	spin_unlock(&pset->ps_set_lock);
	for (uint32_t i = 0; i < n; i++)
		((mach_port_t *)threads)[i] = convert_thread_to_port(threads[i]);
	for (uint32_t i = n; i < room; i++)
		((mach_port_t *)threads)[i] = IP_NULL;
	*list = (mach_port_t *)threads;
	*count = room;
	return KERN_SUCCESS;
}

/* --- assignment: only to the default set --- */

kern_return_t
thread_assign(thread_t t, processor_set_t pset)
{
	return t == NULL || pset == NULL ? KERN_INVALID_ARGUMENT : KERN_FAILURE;
}

kern_return_t
thread_assign_default(thread_t t)
{
	return t == NULL ? KERN_INVALID_ARGUMENT : KERN_FAILURE;
}

kern_return_t
thread_get_assignment(thread_t t, processor_set_name_t *pset)
{
	if (t == NULL)
		return KERN_INVALID_ARGUMENT;
	pset_ref(t->th_pset);
	*pset = t->th_pset;
	return KERN_SUCCESS;
}

kern_return_t
task_assign(task_t task, processor_set_t pset, boolean_t assign_threads)
{
	(void)assign_threads;
	return task == NULL || pset == NULL ? KERN_INVALID_ARGUMENT : KERN_FAILURE;
}

kern_return_t
task_assign_default(task_t task, boolean_t assign_threads)
{
	(void)assign_threads;
	return task == NULL ? KERN_INVALID_ARGUMENT : KERN_FAILURE;
}

kern_return_t
task_get_assignment(task_t task, processor_set_name_t *pset)
{
	if (task == NULL)
		return KERN_INVALID_ARGUMENT;
	pset_ref(task->tk_pset);
	*pset = task->tk_pset;
	return KERN_SUCCESS;
}
