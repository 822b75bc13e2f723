/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Thread routines of the kernel interface (mach and gnumach subsystems).
 * RIGHTS  a port argument is consumed on success and untouched on failure.
 */
#include <ipc/ipc.h>
#include <kern/mig_kernel.h>
#include <kern/panic.h>
#include <kern/right.h>
#include <kern/sched.h>
#include <kern/string.h>
#include <kern/thread_rpc.h>
#include <kern/times.h>
#include <mach/gnumach.server.h>
#include <mach/mach.server.h>
#include <mach/mach_port.server.h>
#include <mach/thread_info.h>
#include <machine/context.h>
#include <machine/cpu.h>
#include <vm/map.h>

kern_return_t
thread_create(task_t task, thread_t *child)
{
	if (task == NULL || task == kernel_task)
		return KERN_INVALID_ARGUMENT;
	return thread_create_in(task, child);
}

kern_return_t
thread_terminate(thread_t t)
{
	if (t == NULL || t->th_task == kernel_task)
		return KERN_INVALID_ARGUMENT;
	thread_terminate_internal(t);
	return KERN_SUCCESS;
}

kern_return_t
thread_suspend(thread_t t)
{
	unsigned long flags;

	if (t == NULL || t->th_task == kernel_task)
		return KERN_INVALID_ARGUMENT;
	/* the count and what it stands for change together: a resume may come at any moment */
	flags = spin_lock_irq(&t->th_lock);
	if (t->th_suspend_count++ == 0)
		thread_hold_locked(t);
	spin_unlock_irq(&t->th_lock, flags);
	if (t != current_thread())
		thread_wait_stopped(t);
	return KERN_SUCCESS;
}

kern_return_t
thread_resume(thread_t t)
{
	unsigned long flags;
	bool waiters;

	if (t == NULL || t->th_task == kernel_task)
		return KERN_INVALID_ARGUMENT;
	flags = spin_lock_irq(&t->th_lock);
	if (t->th_suspend_count == 0) {
		spin_unlock_irq(&t->th_lock, flags);
		return KERN_FAILURE;
	}
	waiters = --t->th_suspend_count == 0 && thread_unhold_locked(t);
	spin_unlock_irq(&t->th_lock, flags);
	if (waiters)
		thread_wakeup(&t->th_stop_waiters);
	return KERN_SUCCESS;
}

/* => thread locked, held: it goes to its clean point, unless it is there */
static void
thread_push_to_clean_point(struct thread *t)
{
	if (t->th_state & TH_CLEAN) {
		__atomic_fetch_and(&t->th_ast, ~AST_ABORT, __ATOMIC_RELAXED);
		__atomic_store_n(&t->th_state, t->th_state | TH_HALTED, __ATOMIC_RELAXED);
		return;
	}
	if (t->th_state & (TH_RUN | TH_WAIT | TH_DEAD))
		return;
	t->th_state |= TH_RUN;		/* frozen in the kernel */
	sched_setrun(t);
}

/* Break what the thread waits for; it is at a clean point afterwards: its registers say all */
kern_return_t
thread_abort(thread_t t)
{
	unsigned long flags;

	if (t == NULL || t == current_thread() || t->th_task == kernel_task)
		return KERN_INVALID_ARGUMENT;
	thread_hold(t);
	thread_ast_set(t, AST_ABORT);
	thread_interrupt(t);
	flags = spin_lock_irq(&t->th_lock);
	thread_push_to_clean_point(t);
	spin_unlock_irq(&t->th_lock, flags);
	while (thread_wait_stopped(t)) {
		bool clean;

		flags = spin_lock_irq(&t->th_lock);
		clean = t->th_state & TH_CLEAN;
		spin_unlock_irq(&t->th_lock, flags);
		if (clean || current_thread()->th_ast & AST_TERMINATE)
			break;
		/* it began another wait, on its stack: break that too */
		thread_interrupt(t);
	}
	thread_unhold(t);
	return KERN_SUCCESS;
}

/* --- state --- */

kern_return_t
thread_get_state(thread_t t, int flavor, thread_state_t state, mach_msg_type_number_t *count)
{
	kern_return_t kr;

	if (t == NULL || t == current_thread() || t->th_task == kernel_task)
		return KERN_INVALID_ARGUMENT;
	if (!thread_hold_and_wait(t))
		return KERN_FAILURE;
	kr = machine_thread_get_state(t, flavor, state, count);
	thread_unhold(t);
	return kr;
}

kern_return_t
thread_set_state(thread_t t, int flavor, thread_state_t state, mach_msg_type_number_t count)
{
	kern_return_t kr;

	if (t == NULL || t == current_thread() || t->th_task == kernel_task)
		return KERN_INVALID_ARGUMENT;
	if (!thread_hold_and_wait(t))
		return KERN_FAILURE;
	kr = machine_thread_set_state(t, flavor, state, count);
	/* in the middle of a trap there is a shorter way out than by all registers: not with this set */
	if (!(__atomic_load_n(&t->th_state, __ATOMIC_RELAXED) & TH_CLEAN))
		thread_ast_set(t, AST_PREEMPT);
	thread_unhold(t);
	return kr;
}

/* --- information --- */

static int
thread_run_state(const struct thread *t)
{
	if (t->th_state & TH_HALTED)
		return TH_STATE_HALTED;
	if (t->th_state & TH_SUSP)
		return TH_STATE_STOPPED;
	if (t->th_state & TH_WAIT)
		return t->th_state & TH_UNINT ? TH_STATE_UNINTERRUPTIBLE : TH_STATE_WAITING;
	return TH_STATE_RUNNING;
}

static void
thread_basic(struct thread *t, struct thread_basic_info *info)
{
	uint64_t user, system;
	unsigned long flags;

	sched_times(t, &user, &system);
	memset(info, 0, sizeof *info);
	info->user_time = time_rpc(user);
	info->system_time = time_rpc(system);
	info->user_time64 = time_64(user);
	info->system_time64 = time_64(system);
	info->creation_time = time_rpc(t->th_created);
	info->creation_time64 = time_64(t->th_created);
	flags = spin_lock_irq(&t->th_lock);
	info->cpu_usage = (integer_t)(t->th_cpu_usage / 1000000 > TH_USAGE_SCALE ? TH_USAGE_SCALE
	    : t->th_cpu_usage / 1000000);
	info->base_priority = t->th_base_pri;
	info->cur_priority = t->th_pri;
	info->run_state = thread_run_state(t);
	info->flags = (t->th_stack == NULL ? TH_FLAGS_SWAPPED : 0) | (t->th_state & TH_IDLE ? TH_FLAGS_IDLE : 0);
	info->suspend_count = t->th_suspend_count;
	if (!(t->th_state & TH_RUN) && (int64_t)(cpu_ticks() - t->th_stop_ticks) > 0)
		info->sleep_time = (integer_t)(cpu_ticks_to_ns(cpu_ticks() - t->th_stop_ticks) / 1000000000);
	spin_unlock_irq(&t->th_lock, flags);
}

static void
thread_sched_get(struct thread *t, struct thread_sched_info *info)
{
	unsigned long flags = spin_lock_irq(&t->th_lock);

	info->policy = t->th_policy;
	info->data = t->th_policy == POLICY_FIXEDPRI ? t->th_policy_data : 0;
	info->base_priority = t->th_base_pri;
	info->max_priority = t->th_max_pri;
	info->cur_priority = t->th_pri;
	info->depressed = t->th_depress_pri >= 0;
	info->depress_priority = t->th_depress_pri >= 0 ? t->th_base_pri : -1;
	info->last_processor = t->th_last_cpu != NULL ? (integer_t)t->th_last_cpu->cp_id : 0;
	spin_unlock_irq(&t->th_lock, flags);
}

kern_return_t
thread_info(thread_t t, int flavor, thread_info_t out, mach_msg_type_number_t *count)
{
	if (t == NULL)
		return KERN_INVALID_ARGUMENT;
	switch (flavor) {
	case THREAD_BASIC_INFO: {
		struct thread_basic_info info;

		/* callers built with the last word missing are served as well */
		if (*count < THREAD_BASIC_INFO_COUNT - 1)
			return KERN_INVALID_ARGUMENT;
		if (*count > THREAD_BASIC_INFO_COUNT)
			*count = THREAD_BASIC_INFO_COUNT;
		thread_basic(t, &info);
		memcpy(out, &info, *count * sizeof(integer_t));
		return KERN_SUCCESS;
	}
	case THREAD_SCHED_INFO:
		if (*count < THREAD_SCHED_INFO_COUNT)
			return KERN_INVALID_ARGUMENT;
		thread_sched_get(t, (struct thread_sched_info *)out);
		*count = THREAD_SCHED_INFO_COUNT;
		return KERN_SUCCESS;
	default:
		return KERN_INVALID_ARGUMENT;
	}
}

/* --- ports --- */

static struct ipc_port **
thread_port_slot(struct thread *t, int which)
{
	switch (which) {
	case THREAD_KERNEL_PORT:
		return &t->th_self_right;
	case THREAD_EXCEPTION_PORT:
		return &t->th_exception;
	default:
		return NULL;
	}
}

kern_return_t
thread_get_special_port(thread_t t, int which, mach_port_t *out)
{
	struct ipc_port **slot;

	if (t == NULL || (slot = thread_port_slot(t, which)) == NULL)
		return KERN_INVALID_ARGUMENT;
	*out = right_copy(&t->th_task->tk_lock, slot);
	return KERN_SUCCESS;
}

kern_return_t
thread_set_special_port(thread_t t, int which, mach_port_t port)
{
	struct ipc_port **slot, *old;

	if (t == NULL || (slot = thread_port_slot(t, which)) == NULL)
		return KERN_INVALID_ARGUMENT;
	spin_lock(&t->th_task->tk_lock);
	if (t->th_self == IP_NULL) {		/* ended: its slots stay empty */
		spin_unlock(&t->th_task->tk_lock);
		return KERN_FAILURE;
	}
	old = *slot;
	*slot = port;
	spin_unlock(&t->th_task->tk_lock);
	ipc_port_release_send(old);
	return KERN_SUCCESS;
}

/* --- gnumach --- */

/* the last steps of a library thread in one call: names go, its stack goes, it goes */
kern_return_t
thread_terminate_release(thread_t t, task_t task, mach_port_name_t thread_name, mach_port_name_t reply_port,
    vm_address_t address, vm_size_t size)
{
	if (t == NULL || t->th_task == kernel_task)
		return KERN_INVALID_ARGUMENT;
	if (task == NULL)
		return KERN_INVALID_ARGUMENT;
	mach_port_deallocate(task->tk_space, thread_name);
	if (reply_port != MACH_PORT_NAME_NULL)
		mach_port_destroy(task->tk_space, reply_port);
	if (address != 0 || size != 0)
		vm_deallocate(task->tk_map, address, size);
	return thread_terminate(t);
}

kern_return_t
thread_set_name(thread_t t, kernel_debug_name_t name)
{
	unsigned long flags;

	if (t == NULL)
		return KERN_INVALID_ARGUMENT;
	flags = spin_lock_irq(&t->th_lock);
	string_copy(t->th_name, name, sizeof t->th_name);
	spin_unlock_irq(&t->th_lock, flags);
	return KERN_SUCCESS;
}

kern_return_t
thread_get_name(thread_t t, kernel_debug_name_t name)
{
	unsigned long flags;

	if (t == NULL)
		return KERN_INVALID_ARGUMENT;
	flags = spin_lock_irq(&t->th_lock);
	string_copy(name, t->th_name, sizeof t->th_name);
	spin_unlock_irq(&t->th_lock, flags);
	return KERN_SUCCESS;
}
