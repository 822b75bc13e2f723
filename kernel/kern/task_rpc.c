/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Task routines of the kernel interface (mach and gnumach subsystems).
 * RIGHTS  a port argument is consumed on success and untouched on failure.
 */
#include <debug/pause.h>
#include <ipc/ipc.h>
#include <kern/mig_kernel.h>
#include <kern/panic.h>
#include <kern/right.h>
#include <kern/sched.h>
#include <kern/slab.h>
#include <kern/string.h>
#include <kern/task_list.h>
#include <kern/thread_rpc.h>
#include <kern/times.h>
#include <mach/gnumach.server.h>
#include <mach/mach.server.h>
#include <mach/mach_host.server.h>
#include <mach/task_info.h>
#include <machine/cpu.h>
#include <machine/pmap.h>
#include <vm/map.h>
#include <vm/page.h>

#define NOTIFY_NEW_TASK_ID	4400

/* message of the task_notify subsystem */
struct new_task_message {
	mach_msg_header_t	 head;
	mach_msg_type_t		 task_type;
	mach_port_t		 task;
	mach_msg_type_t		 parent_type;
	mach_port_t		 parent;
};

static const mach_msg_type_t send_right_type = {
	.msgt_name = MACH_MSG_TYPE_PORT_SEND, .msgt_size = 64, .msgt_number = 1, .msgt_inline = 1,
};

static void
new_task_notify(struct task *task, struct task *parent)
{
	struct ipc_port *port = right_copy(&task_list_lock, &new_task_port);
	struct new_task_message m;

	if (!IP_VALID(port)) {
		ipc_port_release_send(port);
		return;
	}
	task_ref(task);
	task_ref(parent);
	memset(&m, 0, sizeof m);
	m.head.msgh_bits = MACH_MSGH_BITS_COMPLEX | MACH_MSGH_BITS(MACH_MSG_TYPE_PORT_SEND, 0);
	m.head.msgh_size = sizeof m;
	m.head.msgh_remote_port = port;
	m.head.msgh_id = NOTIFY_NEW_TASK_ID;
	m.task_type = m.parent_type = send_right_type;
	m.task = convert_task_to_port(task);
	m.parent = convert_task_to_port(parent);
	(void)ipc_kernel_send(&m.head, sizeof m);	/* lost when memory is short */
}

kern_return_t
task_create(task_t parent, boolean_t inherit, task_t *child)
{
	struct task *t;
	kern_return_t kr;

	if (parent == NULL)
		return KERN_INVALID_ARGUMENT;
	kr = task_create_internal(parent, inherit, &t);
	if (kr != KERN_SUCCESS)
		return kr;
	new_task_notify(t, parent);
	*child = t;
	return KERN_SUCCESS;
}

kern_return_t
task_terminate(task_t task)
{
	return task != NULL ? task_terminate_internal(task) : KERN_INVALID_ARGUMENT;
}

/* => a referenced snapshot of the task's threads in *list (kalloc'ed, *count * 8 bytes) */
kern_return_t
task_thread_list(struct task *task, struct thread ***list, uint32_t *count)
{
	struct thread **threads = NULL;
	uint32_t room = 0, n;
	struct queue *q;

	for (;;) {
		spin_lock(&task->tk_lock);
		n = (uint32_t)task->tk_thread_count;
		if (n <= room)
			break;
		spin_unlock(&task->tk_lock);
		kfree(threads, room * sizeof *threads);
		room = n;
		threads = kalloc(room * sizeof *threads);
		if (threads == NULL)
			return KERN_RESOURCE_SHORTAGE;
	}
	n = 0;
	queue_for_each(q, &task->tk_threads) {
		threads[n] = queue_entry(q, struct thread, th_task_link);
		thread_ref(threads[n++]);
	}
	spin_unlock(&task->tk_lock);
	if (n == 0) {
		kfree(threads, room * sizeof *threads);
		threads = NULL;
	} else if (n < room) {		/* the array's size is told by the count */
		struct thread **exact = kalloc(n * sizeof *threads);

		if (exact != NULL)
			memcpy(exact, threads, n * sizeof *threads);
		else
			for (uint32_t i = 0; i < n; i++)
				thread_release(threads[i]);
		kfree(threads, room * sizeof *threads);
		if (exact == NULL)
			return KERN_RESOURCE_SHORTAGE;
		threads = exact;
	}
	*list = threads;
	*count = n;
	return KERN_SUCCESS;
}

kern_return_t
task_threads(task_t task, thread_array_t *list, mach_msg_type_number_t *count)
{
	struct thread **threads;
	mach_port_t *ports;
	uint32_t n;
	kern_return_t kr;

	if (task == NULL)
		return KERN_INVALID_ARGUMENT;
	kr = task_thread_list(task, &threads, &n);
	if (kr != KERN_SUCCESS)
		return kr;
	ports = (mach_port_t *)threads;
	for (uint32_t i = 0; i < n; i++)
		ports[i] = convert_thread_to_port(threads[i]);
	*list = ports;
	*count = n;
	return KERN_SUCCESS;
}

/* --- information --- */

static void
task_times(struct task *task, uint64_t *user, uint64_t *system)
{
	struct queue *q;

	*user = *system = 0;
	queue_for_each(q, &task->tk_threads) {
		uint64_t u, s;

		sched_times(queue_entry(q, struct thread, th_task_link), &u, &s);
		*user += u;
		*system += s;
	}
}

static void
task_basic(struct task *task, struct task_basic_info *info)
{
	memset(info, 0, sizeof *info);
	info->virtual_size = task == kernel_task ? 0 : task->tk_map->vm_size;
	info->resident_size = pmap_resident_count(vm_map_pmap(task->tk_map)) * PAGE_SIZE;
	spin_lock(&task->tk_lock);
	info->suspend_count = task->tk_suspend_count;
	info->base_priority = task->tk_priority;
	info->user_time = time_rpc(task->tk_dead_user_ns);
	info->system_time = time_rpc(task->tk_dead_system_ns);
	info->creation_time = time_rpc(task->tk_created);
	info->user_time64 = time_64(task->tk_dead_user_ns);
	info->system_time64 = time_64(task->tk_dead_system_ns);
	info->creation_time64 = time_64(task->tk_created);
	spin_unlock(&task->tk_lock);
}

static void
task_events_get(struct task *task, struct task_events_info *info)
{
	const struct task_events *e = &task->tk_events;

	info->faults = e->te_faults;
	info->zero_fills = e->te_zero_fills;
	info->reactivations = e->te_reactivations;
	info->pageins = e->te_pageins;
	info->cow_faults = e->te_cow_faults;
	info->messages_sent = e->te_sent;
	info->messages_received = e->te_received;
}

static void
task_thread_times(struct task *task, struct task_thread_times_info *info)
{
	uint64_t user, system;

	memset(info, 0, sizeof *info);
	spin_lock(&task->tk_lock);
	task_times(task, &user, &system);
	spin_unlock(&task->tk_lock);
	info->user_time = time_rpc(user);
	info->system_time = time_rpc(system);
	info->user_time64 = time_64(user);
	info->system_time64 = time_64(system);
}

kern_return_t
task_info(task_t task, int flavor, task_info_t out, mach_msg_type_number_t *count)
{
	if (task == NULL)
		return KERN_INVALID_ARGUMENT;
	switch (flavor) {
	case TASK_BASIC_INFO:
		if (*count < TASK_BASIC_INFO_COUNT)
			return KERN_INVALID_ARGUMENT;
		task_basic(task, (struct task_basic_info *)out);
		*count = TASK_BASIC_INFO_COUNT;
		return KERN_SUCCESS;
	case TASK_EVENTS_INFO:
		if (*count < TASK_EVENTS_INFO_COUNT)
			return KERN_INVALID_ARGUMENT;
		task_events_get(task, (struct task_events_info *)out);
		*count = TASK_EVENTS_INFO_COUNT;
		return KERN_SUCCESS;
	case TASK_THREAD_TIMES_INFO:
		if (*count < TASK_THREAD_TIMES_INFO_COUNT)
			return KERN_INVALID_ARGUMENT;
		task_thread_times(task, (struct task_thread_times_info *)out);
		*count = TASK_THREAD_TIMES_INFO_COUNT;
		return KERN_SUCCESS;
	default:
		return KERN_INVALID_ARGUMENT;
	}
}

/* --- suspension: each thread is held once while the task's count is above 0 --- */

kern_return_t
task_suspend(task_t task)
{
	struct thread **threads, *self = current_thread();
	uint32_t n;
	kern_return_t kr;
	bool first;

	if (task == NULL || task == kernel_task)
		return KERN_INVALID_ARGUMENT;
	spin_lock(&task->tk_lock);
	first = task->tk_suspend_count++ == 0;
	if (first) {
		struct queue *q;

		queue_for_each(q, &task->tk_threads)
			thread_hold(queue_entry(q, struct thread, th_task_link));
	}
	spin_unlock(&task->tk_lock);
	kr = task_thread_list(task, &threads, &n);
	if (kr != KERN_SUCCESS)
		return KERN_SUCCESS;	/* held, though perhaps not stopped yet */
	for (uint32_t i = 0; i < n; i++) {
		if (threads[i] != self)
			thread_wait_stopped(threads[i]);
		thread_release(threads[i]);
	}
	kfree(threads, n * sizeof *threads);
	return KERN_SUCCESS;
}

kern_return_t
task_resume(task_t task)
{
	struct queue *q;
	bool last;

	if (task == NULL || task == kernel_task)
		return KERN_INVALID_ARGUMENT;
	spin_lock(&task->tk_lock);
	if (task->tk_suspend_count == 0) {
		spin_unlock(&task->tk_lock);
		return KERN_FAILURE;
	}
	last = --task->tk_suspend_count == 0;
	if (last)
		queue_for_each(q, &task->tk_threads)
			thread_unhold(queue_entry(q, struct thread, th_task_link));
	spin_unlock(&task->tk_lock);
	return KERN_SUCCESS;
}

/* --- ports --- */

static struct ipc_port **
task_port_slot(struct task *task, int which)
{
	switch (which) {
	case TASK_KERNEL_PORT:
		return &task->tk_self_right;
	case TASK_EXCEPTION_PORT:
		return &task->tk_exception;
	case TASK_BOOTSTRAP_PORT:
		return &task->tk_bootstrap;
	default:
		return NULL;
	}
}

kern_return_t
task_get_special_port(task_t task, int which, mach_port_t *out)
{
	struct ipc_port **slot;

	if (task == NULL || (slot = task_port_slot(task, which)) == NULL)
		return KERN_INVALID_ARGUMENT;
	*out = right_copy(&task->tk_lock, slot);
	return KERN_SUCCESS;
}

/* => a slot written after task_drop_rights would leak its right: the slots of a dying task stay empty */
kern_return_t
task_set_special_port(task_t task, int which, mach_port_t port)
{
	struct ipc_port **slot, *old;

	if (task == NULL || (slot = task_port_slot(task, which)) == NULL)
		return KERN_INVALID_ARGUMENT;
	spin_lock(&task->tk_lock);
	if (!task->tk_active) {
		spin_unlock(&task->tk_lock);
		return KERN_FAILURE;
	}
	old = *slot;
	*slot = port;
	spin_unlock(&task->tk_lock);
	ipc_port_release_send(old);
	return KERN_SUCCESS;
}

kern_return_t
mach_ports_register(task_t task, mach_port_array_t ports, mach_msg_type_number_t count)
{
	struct ipc_port *swap[TASK_PORT_REGISTER_MAX];

	if (task == NULL || count > TASK_PORT_REGISTER_MAX)
		return KERN_INVALID_ARGUMENT;
	for (uint32_t i = 0; i < TASK_PORT_REGISTER_MAX; i++)
		swap[i] = i < count ? ports[i] : IP_NULL;
	spin_lock(&task->tk_lock);
	if (!task->tk_active) {
		spin_unlock(&task->tk_lock);
		return KERN_INVALID_ARGUMENT;
	}
	for (uint32_t i = 0; i < TASK_PORT_REGISTER_MAX; i++) {
		struct ipc_port *old = task->tk_registered[i];

		task->tk_registered[i] = swap[i];
		swap[i] = old;
	}
	spin_unlock(&task->tk_lock);
	for (uint32_t i = 0; i < TASK_PORT_REGISTER_MAX; i++)
		ipc_port_release_send(swap[i]);
	kfree(ports, count * sizeof *ports);
	return KERN_SUCCESS;
}

kern_return_t
mach_ports_lookup(task_t task, mach_port_array_t *out, mach_msg_type_number_t *count)
{
	mach_port_t *ports;

	if (task == NULL)
		return KERN_INVALID_ARGUMENT;
	ports = kalloc(TASK_PORT_REGISTER_MAX * sizeof *ports);
	if (ports == NULL)
		return KERN_RESOURCE_SHORTAGE;
	spin_lock(&task->tk_lock);
	for (uint32_t i = 0; i < TASK_PORT_REGISTER_MAX; i++)
		ports[i] = ipc_port_copy_send(task->tk_registered[i]);
	spin_unlock(&task->tk_lock);
	pause_point("rights copied");
	*out = ports;
	*count = TASK_PORT_REGISTER_MAX;
	return KERN_SUCCESS;
}

kern_return_t
task_ras_control(task_t task, vm_address_t base, vm_address_t bounds, int flavor)
{
	(void)task;
	(void)base;
	(void)bounds;
	(void)flavor;
	return KERN_FAILURE;
}

/* --- gnumach --- */

kern_return_t
task_set_name(task_t task, kernel_debug_name_t name)
{
	if (task == NULL)
		return KERN_INVALID_ARGUMENT;
	spin_lock(&task->tk_lock);
	string_copy(task->tk_name, name, sizeof task->tk_name);
	spin_unlock(&task->tk_lock);
	return KERN_SUCCESS;
}

kern_return_t
task_set_essential(task_t task, boolean_t essential)
{
	if (task == NULL)
		return KERN_INVALID_ARGUMENT;
	spin_lock(&task->tk_lock);
	task->tk_essential = essential;
	spin_unlock(&task->tk_lock);
	return KERN_SUCCESS;
}

kern_return_t
register_new_task_notification(host_priv_t host, mach_port_t port)
{
	if (host == NULL)
		return KERN_INVALID_HOST;
	spin_lock(&task_list_lock);
	if (new_task_port != IP_NULL) {
		spin_unlock(&task_list_lock);
		return KERN_NO_ACCESS;
	}
	new_task_port = port;
	spin_unlock(&task_list_lock);
	return KERN_SUCCESS;
}
