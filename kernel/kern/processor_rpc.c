/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Processors and processor sets: information, lists, limits (mach_host subsystem). Assignment is in assign.c.
 * RIGHTS  nothing but the request's own.
 * TESTS   tests/boot/host.c, processor_set.c
 */
#include <kern/mig_kernel.h>
#include <kern/sched.h>
#include <kern/slab.h>
#include <mach/mach_host.server.h>
#include <mach/processor_info.h>
#include <machine/cpu.h>

/* => the processors of a set, NULL: all there are */
static kern_return_t
processor_ports(const struct processor_set *set, struct ipc_port *(*convert)(struct processor *), mach_port_t **list,
    uint32_t *count)
{
	mach_port_t *ports;
	uint32_t n = 0, i;

	assign_lock();
	for (i = 0; i < cpu_count; i++)
		n += set == NULL || processor_of(cpu_get(i))->pr_pset == set;
	ports = n > 0 ? kalloc(n * sizeof *ports) : NULL;
	if (ports == NULL && n > 0) {
		assign_unlock();
		return KERN_RESOURCE_SHORTAGE;
	}
	for (i = n = 0; i < cpu_count; i++)
		if (set == NULL || processor_of(cpu_get(i))->pr_pset == set)
			ports[n++] = convert(processor_of(cpu_get(i)));
	assign_unlock();
	*list = ports;
	*count = n;
	return KERN_SUCCESS;
}

kern_return_t
host_processors(host_priv_t host, processor_array_t *list, mach_msg_type_number_t *count)
{
	if (host == NULL)
		return KERN_INVALID_ARGUMENT;
	return processor_ports(NULL, convert_processor_to_port, list, count);
}

kern_return_t
processor_set_processors(processor_set_name_t pset, processor_name_array_t *list, mach_msg_type_number_t *count)
{
	if (pset == NULL)
		return KERN_INVALID_ARGUMENT;
	return processor_ports(pset, convert_processor_name_to_port, list, count);
}

/* this machine's processors take no commands */
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
	info->running = processor_running(p->pr_cpu);
	info->slot_num = (integer_t)p->pr_cpu->cp_id;
	info->is_master = p->pr_cpu->cp_id == 0;
	*count = PROCESSOR_BASIC_INFO_COUNT;
	*host = &realhost;
	return KERN_SUCCESS;
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
	struct queue *q;
	uint32_t n = 0;

	if (host == NULL)
		return KERN_INVALID_ARGUMENT;
	assign_lock();
	queue_for_each(q, &pset_list)
		n++;
	ports = kalloc(n * sizeof *ports);
	if (ports == NULL) {
		assign_unlock();
		return KERN_RESOURCE_SHORTAGE;
	}
	n = 0;
	queue_for_each(q, &pset_list) {
		struct processor_set *p = queue_entry(q, struct processor_set, ps_link);

		pset_ref(p);
		ports[n++] = convert_pset_name_to_port(p);
	}
	assign_unlock();
	*list = ports;
	*count = n;
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

/* --- limits; a thread that enters the set meanwhile finds the new ones --- */

static kern_return_t
change_threads(struct processor_set *pset, void (*change)(struct thread *, int), int arg)
{
	struct thread **threads;
	kern_return_t kr;
	uint32_t n;

	kr = pset_members(pset, false, (void ***)&threads, &n);
	if (kr != KERN_SUCCESS)
		return kr;
	for (uint32_t i = 0; i < n; i++) {
		unsigned long flags = spin_lock_irq(&threads[i]->th_lock);

		if (threads[i]->th_pset == pset && threads[i]->th_task != kernel_task)
			change(threads[i], arg);
		spin_unlock_irq(&threads[i]->th_lock, flags);
		thread_release(threads[i]);
	}
	kfree(threads, n * sizeof *threads);
	return KERN_SUCCESS;
}

static void
limit_priority(struct thread *t, int priority)
{
	if (t->th_max_pri < priority)
		t->th_max_pri = (int16_t)priority;
	if (t->th_base_pri < priority) {
		t->th_base_pri = (int16_t)priority;
		sched_update_priority(t);
	}
}

kern_return_t
processor_set_max_priority(processor_set_t pset, int priority, boolean_t change)
{
	if (pset == NULL || !PRI_VALID(priority))
		return KERN_INVALID_ARGUMENT;
	spin_lock(&pset->ps_set_lock);
	pset->ps_max_priority = priority;
	spin_unlock(&pset->ps_set_lock);
	return change ? change_threads(pset, limit_priority, priority) : KERN_SUCCESS;
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

static void
leave_policy(struct thread *t, int policy)
{
	if (t->th_policy != policy)
		return;
	t->th_policy = POLICY_TIMESHARE;
	sched_update_priority(t);
}

/* timesharing can not be disabled; threads of a policy that goes share time */
kern_return_t
processor_set_policy_disable(processor_set_t pset, int policy, boolean_t change)
{
	if (pset == NULL || policy == POLICY_TIMESHARE || sched_policy(policy) == NULL)
		return KERN_INVALID_ARGUMENT;
	spin_lock(&pset->ps_set_lock);
	pset->ps_policies &= ~(1u << policy);
	spin_unlock(&pset->ps_set_lock);
	return change ? change_threads(pset, leave_policy, policy) : KERN_SUCCESS;
}

/* --- lists --- */

kern_return_t
processor_set_tasks(processor_set_t pset, task_array_t *list, mach_msg_type_number_t *count)
{
	struct task **tasks;
	kern_return_t kr;

	if (pset == NULL)
		return KERN_INVALID_ARGUMENT;
	kr = pset_members(pset, true, (void ***)&tasks, count);
	if (kr != KERN_SUCCESS)
		return kr;
	for (uint32_t i = 0; i < *count; i++)
		((mach_port_t *)tasks)[i] = convert_task_to_port(tasks[i]);
	*list = (mach_port_t *)tasks;
	return KERN_SUCCESS;
}

kern_return_t
processor_set_threads(processor_set_t pset, thread_array_t *list, mach_msg_type_number_t *count)
{
	struct thread **threads;
	kern_return_t kr;

	if (pset == NULL)
		return KERN_INVALID_ARGUMENT;
	kr = pset_members(pset, false, (void ***)&threads, count);
	if (kr != KERN_SUCCESS)
		return kr;
	for (uint32_t i = 0; i < *count; i++)
		((mach_port_t *)threads)[i] = convert_thread_to_port(threads[i]);
	*list = (mach_port_t *)threads;
	return KERN_SUCCESS;
}
