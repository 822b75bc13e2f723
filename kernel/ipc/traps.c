/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The port traps. Shortcuts for kernel RPCs: on a task that is not a kernel object here they say so, and the caller sends the
 * message instead.
 */
#include <ipc/ipc_traps.h>
#include <ipc/port.h>
#include <ipc/right.h>
#include <ipc/space.h>
#include <kern/mig_kernel.h>
#include <kern/right.h>
#include <kern/task.h>
#include <kern/thread.h>
#include <machine/copy.h>
#include <machine/cpu.h>
#include <mach/mach_port.server.h>

long trap_mach_reply_port(void)
{
	mach_port_name_t name = MACH_PORT_NAME_NULL;
	struct ipc_port *port;

	if (ipc_port_create_in(ipc_space_self(), &name, &port) != KERN_SUCCESS)
		return MACH_PORT_NAME_NULL;
	ipc_port_unlock(port);
	return name;
}

/*
 * The name a right was given last time, with one more user reference: without a look at the port's lock or the reverse hash.
 * => port as seen in its slot a moment ago, not referenced, only compared; false: not (or no more) the name of a send right to it
 */
static inline bool name_again(struct ipc_space *space, const struct ipc_port *port, mach_port_name_t name)
{
	struct ipc_entry *e;
	bool same;

	ipc_space_lock(space);
	e = ipc_entry_lookup(&space->is_table, name);
	same = e != NULL && e->ie_object == port && IE_TYPE(e->ie_bits) == MACH_PORT_TYPE_SEND &&
	    ipc_port_alive(port) && ipc_label_copyout(port, MACH_MSG_TYPE_PORT_SEND);
	if (same && IE_UREFS(e->ie_bits) < IE_UREFS_MAX)
		e->ie_bits++;
	else if (same)
		e->ie_bits |= IE_PINNED;
	ipc_space_unlock(space);
	return same;
}

long trap_mach_thread_self(void)
{
	struct thread *self = current_thread();
	struct ipc_space *space = self->th_task->tk_space;
	mach_port_name_t name = self->th_ipc.it_self_name;

	if (!name_again(space, __atomic_load_n(&self->th_self_right, __ATOMIC_RELAXED), name)) {
		name = ipc_port_copyout_send(right_copy(&self->th_task->tk_lock, &self->th_self_right), space);
		self->th_ipc.it_self_name = name;
	}
	return name;
}

long trap_mach_task_self(void)
{
	struct task *task = current_thread()->th_task;
	struct ipc_space *space = task->tk_space;
	mach_port_name_t name = __atomic_load_n(&space->is_task_name, __ATOMIC_RELAXED);

	if (!name_again(space, __atomic_load_n(&task->tk_self_right, __ATOMIC_RELAXED), name)) {
		name = ipc_port_copyout_send(right_copy(&task->tk_lock, &task->tk_self_right), space);
		__atomic_store_n(&space->is_task_name, name, __ATOMIC_RELAXED);
	}
	return name;
}

long trap_mach_host_self(void)
{
	struct ipc_space *space = ipc_space_self();
	mach_port_name_t name = __atomic_load_n(&space->is_host_name, __ATOMIC_RELAXED);

	if (!name_again(space, realhost.h_self, name)) {
		name = ipc_port_copyout_send(convert_host_to_port(&realhost), space);
		__atomic_store_n(&space->is_host_name, name, __ATOMIC_RELAXED);
	}
	return name;
}

/* => the name space of a local task, referenced; NULL: use the message */
static struct ipc_space *space_of(uint64_t name)
{
	struct task *task = task_from_name((mach_port_name_t)name);
	struct ipc_space *space;

	if (task == NULL)
		return NULL;
	space = task->tk_space;
	ipc_space_ref(space);
	task_release(task);
	return space;
}

long trap_mach_port_allocate(uint64_t task, uint64_t right, uint64_t namep)
{
	struct ipc_space *space = space_of(task);
	mach_port_name_t name;
	kern_return_t kr;

	if (space == NULL)
		return MACH_SEND_INTERRUPTED;
	kr = mach_port_allocate(space, (mach_port_right_t)right, &name);
	if (kr == KERN_SUCCESS && copyout(&name, namep, sizeof(name)) != KERN_SUCCESS) {
		(void)mach_port_destroy(space, name);
		kr = KERN_INVALID_ADDRESS;
	}
	ipc_space_release(space);
	return kr;
}

/* => space locked: the task is the caller's own, whose space this is */
static inline bool is_own(struct ipc_space *space, const struct task *task, mach_port_name_t name)
{
	const struct ipc_entry *e = ipc_entry_lookup(&space->is_table, name);

	return e != NULL && (e->ie_bits & MACH_PORT_TYPE_SEND) &&
	    e->ie_object == __atomic_load_n(&task->tk_self, __ATOMIC_RELAXED) && ipc_port_alive(e->ie_object);
}

static __attribute__((noinline)) long deallocate(mach_port_name_t task, mach_port_name_t name)
{
	struct ipc_space *space = space_of(task);
	kern_return_t kr;

	if (space == NULL)
		return MACH_SEND_INTERRUPTED;
	kr = mach_port_deallocate(space, name);
	ipc_space_release(space);
	return kr;
}

long trap_mach_port_deallocate(uint64_t task, uint64_t name)
{
	const struct task *self = current_thread()->th_task;
	struct ipc_space *space = self->tk_space;
	struct ipc_entry *e;

	/* one of several user references of the caller's own: nobody else hears of it */
	ipc_space_lock(space);
	if (__builtin_expect(is_own(space, self, (mach_port_name_t)task), 1)) {
		e = ipc_entry_lookup(&space->is_table, (mach_port_name_t)name);
		if (e != NULL && (e->ie_bits & (MACH_PORT_TYPE_SEND | IE_PINNED)) == MACH_PORT_TYPE_SEND && IE_UREFS(e->ie_bits) > 1 &&
		    ipc_port_alive(e->ie_object)) {
			e->ie_bits--;
			ipc_space_unlock(space);
			return KERN_SUCCESS;
		}
	}
	ipc_space_unlock(space);
	return deallocate((mach_port_name_t)task, (mach_port_name_t)name);
}

long trap_mach_port_insert_right(uint64_t task, uint64_t name, uint64_t right, uint64_t type)
{
	struct ipc_space *space = space_of(task);
	struct ipc_port *port;
	kern_return_t kr = KERN_INVALID_VALUE;
	unsigned held;

	if (space == NULL)
		return MACH_SEND_INTERRUPTED;
	if (MACH_MSG_TYPE_PORT_ANY((uint32_t)type) && MACH_PORT_NAME_VALID((mach_port_name_t)name)) {
		kr = ipc_right_copyin_name(ipc_space_self(), (mach_port_name_t)right, (unsigned)type, true, &port);
		if (kr == KERN_SUCCESS) {
			held = ipc_right_held_type((unsigned)type);
			kr = mach_port_insert_right(space, (mach_port_name_t)name, port, held);
			if (kr != KERN_SUCCESS)
				ipc_right_destroy_held(port, held);
		}
	}
	ipc_space_release(space);
	return kr;
}

long trap_mach_port_allocate_name(uint64_t task, uint64_t right, uint64_t name)
{
	struct ipc_space *space = space_of(task);
	kern_return_t kr;

	if (space == NULL)
		return MACH_SEND_INTERRUPTED;
	kr = mach_port_allocate_name(space, (mach_port_right_t)right, (mach_port_name_t)name);
	ipc_space_release(space);
	return kr;
}
