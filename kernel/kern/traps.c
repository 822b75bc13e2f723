/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Traps that are not messages: printing, giving up the CPU, and the shortcuts of requests to
 * memory, tasks and threads (those about ports are in ipc/traps.c).
 *
 * A shortcut serves only when its first argument names a local kernel object of the right kind; otherwise it answers
 * MACH_SEND_INTERRUPTED and the library sends the message.
 */
#include <ipc/ipc.h>
#include <kern/mig_kernel.h>
#include <kern/panic.h>
#include <kern/right.h>
#include <kern/sched.h>
#include <kern/switch.h>
#include <kern/thread_rpc.h>
#include <kern/traps.h>
#include <mach/mach.server.h>
#include <mach/mach_host.server.h>
#include <mach/thread_status.h>
#include <mach/thread_switch.h>
#include <machine/copy.h>
#include <machine/cpu.h>
#include <vm/map.h>

#define USE_MESSAGE	MACH_SEND_INTERRUPTED

long
trap_null(void)
{
	return KERN_SUCCESS;
}

long
trap_invalid(void)
{
	return KERN_INVALID_ARGUMENT;
}

/* --- console --- */

long
trap_mach_print(uint64_t string)
{
	char part[65];
	kern_return_t kr;
	size_t n;

	do {
		n = sizeof part - 1;
		kr = copyinstr(string, part, sizeof part - 1, &n);
		if (kr != KERN_SUCCESS && kr != KERN_NO_SPACE)
			return kr;
		part[kr == KERN_NO_SPACE ? sizeof part - 1 : n] = '\0';
		kprintf("%s", part);
		string += sizeof part - 1;
	} while (kr == KERN_NO_SPACE && !(current_thread()->th_ast & AST_TERMINATE));
	return KERN_SUCCESS;
}

/* --- giving up the CPU --- */

/* only the thread itself begins a depression of its own: none seen is none there */
static inline void
end_depression(void)
{
	struct thread *t = current_thread();

	if (__atomic_load_n(&t->th_depress_pri, __ATOMIC_RELAXED) >= 0)
		thread_depress_abort(t);
}

static void
swtch_continue(void)
{
	end_depression();
	thread_syscall_return(sched_other_runnable());
}

long
trap_swtch(void)
{
	if (!sched_other_runnable())
		return false;
	thread_yield(swtch_continue);
	return false;
}

long
trap_swtch_pri(int priority)
{
	(void)priority;
	if (!sched_other_runnable())
		return false;
	thread_depress(current_thread(), QUANTUM_NS / 1000000);
	thread_yield(swtch_continue);
	return false;
}

static void
thread_switch_continue(void)
{
	current_thread()->th_gave = false;
	end_depression();
	thread_syscall_return(KERN_SUCCESS);
}

/* => takes the named thread off its run queue to be run now; NULL: not possible */
static struct thread *
thread_take_over(mach_port_name_t name)
{
	struct thread *t = name != MACH_PORT_NAME_NULL ? thread_from_name(name) : NULL;
	struct thread *taken = NULL;
	unsigned long flags;

	if (t == NULL)
		return NULL;
	flags = spin_lock_irq(&t->th_lock);
	if (t->th_bound_cpu == NULL && sched_may_run_here(t) && sched_remove(t)) {
		current_thread()->th_handoff_to = t;
		taken = t;
	}
	spin_unlock_irq(&t->th_lock, flags);
	thread_release(t);	/* it is runnable: it keeps itself alive until it ran */
	return taken;
}

long
trap_thread_switch(mach_port_name_t name, int option, uint32_t ms)
{
	struct thread *next;

	if (option != SWITCH_OPTION_NONE && option != SWITCH_OPTION_DEPRESS && option != SWITCH_OPTION_WAIT)
		return KERN_INVALID_ARGUMENT;
	if (option == SWITCH_OPTION_DEPRESS)
		thread_depress(current_thread(), ms);
	next = thread_take_over(name);
	if (option == SWITCH_OPTION_WAIT)
		thread_will_wait(true, clock_uptime_ns() + (uint64_t)ms * 1000000);
	else
		current_thread()->th_gave = next != NULL;
	if (next != NULL)
		thread_handoff(next, thread_switch_continue);
	else if (option == SWITCH_OPTION_WAIT)
		thread_block(thread_switch_continue);
	else
		thread_yield(thread_switch_continue);
	return KERN_SUCCESS;
}

/* --- shortcuts: memory --- */

static struct vm_map *
map_from_name(mach_port_name_t name)
{
	struct task *t = task_from_name(name);
	struct vm_map *map = NULL;

	if (t != NULL) {
		map = t->tk_map;
		vm_map_ref(map);
		task_release(t);
	}
	return map;
}

long
trap_vm_map(mach_port_name_t task, uint64_t user_address, vm_size_t size, vm_address_t mask, boolean_t anywhere,
    mach_port_name_t object, vm_offset_t offset, boolean_t copy, vm_prot_t cur, vm_prot_t max, vm_inherit_t inherit)
{
	struct vm_map *map = map_from_name(task);
	struct ipc_port *port = IP_NULL;
	vm_address_t address;
	kern_return_t kr;

	if (map == NULL)
		return USE_MESSAGE;
	kr = copyin(user_address, &address, sizeof address);
	if (kr != KERN_SUCCESS)
		goto out;
	if (object != MACH_PORT_NAME_NULL && object != MACH_PORT_NAME_DEAD) {
		kr = ipc_port_copyin_send(current_thread()->th_task->tk_space, object, &port);
		if (kr != KERN_SUCCESS)
			goto out;
	}
	kr = vm_map(map, &address, size, mask, anywhere, port, offset, copy, cur, max, inherit);
	if (kr == KERN_SUCCESS)
		kr = copyout(&address, user_address, sizeof address);
	else
		ipc_port_release_send(port);
out:
	vm_map_release(map);
	return kr;
}

long
trap_vm_allocate(mach_port_name_t task, uint64_t user_address, vm_size_t size, boolean_t anywhere)
{
	struct vm_map *map = map_from_name(task);
	vm_address_t address;
	kern_return_t kr;

	if (map == NULL)
		return USE_MESSAGE;
	kr = copyin(user_address, &address, sizeof address);
	if (kr == KERN_SUCCESS)
		kr = vm_allocate(map, &address, size, anywhere);
	if (kr == KERN_SUCCESS)
		kr = copyout(&address, user_address, sizeof address);
	vm_map_release(map);
	return kr;
}

long
trap_vm_deallocate(mach_port_name_t task, vm_address_t address, vm_size_t size)
{
	struct vm_map *map = map_from_name(task);
	kern_return_t kr;

	if (map == NULL)
		return USE_MESSAGE;
	kr = vm_deallocate(map, address, size);
	vm_map_release(map);
	return kr;
}

/* --- shortcuts: tasks and threads --- */

long
trap_task_create(mach_port_name_t parent, boolean_t inherit, uint64_t user_child)
{
	struct task *task = task_from_name(parent), *child;
	mach_port_name_t name;
	kern_return_t kr;

	if (task == NULL)
		return USE_MESSAGE;
	kr = task_create(task, inherit, &child);
	if (kr == KERN_SUCCESS) {
		struct task *child_ref = child;

		task_ref(child_ref);
		name = ipc_port_copyout_send(convert_task_to_port(child), current_thread()->th_task->tk_space);
		if (name == MACH_PORT_NAME_NULL) {	/* nobody would know it */
			(void)task_terminate(child_ref);
			kr = KERN_RESOURCE_SHORTAGE;
		} else {
			/* the name exists whether or not it is told */
			(void)copyout(&name, user_child, sizeof name);
		}
		task_release(child_ref);
	}
	task_release(task);
	return kr;
}

long
trap_task_terminate(mach_port_name_t name)
{
	struct task *task = task_from_name(name);
	kern_return_t kr;

	if (task == NULL)
		return USE_MESSAGE;
	kr = task_terminate(task);
	task_release(task);
	return kr;
}

long
trap_task_suspend(mach_port_name_t name)
{
	struct task *task = task_from_name(name);
	kern_return_t kr;

	if (task == NULL)
		return USE_MESSAGE;
	kr = task_suspend(task);
	task_release(task);
	return kr;
}

long
trap_task_set_special_port(mach_port_name_t name, int which, mach_port_name_t right)
{
	struct task *task = task_from_name(name);
	struct ipc_port *port = IP_NULL;
	kern_return_t kr = KERN_SUCCESS;

	if (task == NULL)
		return USE_MESSAGE;
	if (right == MACH_PORT_NAME_DEAD)
		port = IP_DEAD;
	else if (right != MACH_PORT_NAME_NULL)
		kr = ipc_port_copyin_send(current_thread()->th_task->tk_space, right, &port);
	if (kr == KERN_SUCCESS) {
		kr = task_set_special_port(task, which, port);
		if (kr != KERN_SUCCESS)
			ipc_port_release_send(port);
	}
	task_release(task);
	return kr;
}

long
trap_thread_depress_abort(mach_port_name_t name)
{
	struct thread *t = thread_from_name(name);
	kern_return_t kr;

	if (t == NULL)
		return USE_MESSAGE;
	kr = thread_depress_abort(t);
	thread_release(t);
	return kr;
}

long
trap_thread_set_self_state(int flavor, uint64_t user_state, uint32_t count)
{
	natural_t state[THREAD_STATE_MAX];
	kern_return_t kr;

	if (count > THREAD_STATE_MAX)
		return KERN_INVALID_ARGUMENT;
	kr = copyin(user_state, state, count * sizeof *state);
	if (kr == KERN_SUCCESS)
		kr = machine_thread_set_state(current_thread(), flavor, state, count);
	if (kr == KERN_SUCCESS && (flavor == i386_THREAD_STATE || flavor == i386_REGS_SEGS_STATE))
		thread_return_to_user();
	return kr;
}
