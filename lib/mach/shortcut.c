/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Routines that have a trap: the trap first, and the message when the trap
 * says that the right is not a kernel object of this node.
 *
 * A task port may be some server's that stands between us and the kernel
 * (a debugger, a network server); only a message reaches it.
 * TESTS	tests/boot
 */
#include <mach/mach_traps.h>
#include <mach_init.h>
#include <mach/mach_interface.h>
#include <mach/mach_port.h>
#include <mach/mach_host.h>
#include <mach/gnumach.h>
#include "rpc.h"

#define USE_MESSAGE(kr)	__builtin_expect((kr) == MACH_SEND_INTERRUPTED, 0)

kern_return_t vm_map(mach_port_t task, vm_address_t *address, vm_size_t size, vm_address_t mask,
    boolean_t anywhere, mach_port_t memory_object, vm_offset_t offset, boolean_t copy,
    vm_prot_t cur_protection, vm_prot_t max_protection, vm_inherit_t inheritance)
{
	kern_return_t kr = syscall_vm_map(task, address, size, mask, anywhere, memory_object,
	    offset, copy, cur_protection, max_protection, inheritance);

	if (USE_MESSAGE(kr))
		kr = vm_map_rpc(task, address, size, mask, anywhere, memory_object, offset, copy,
		    cur_protection, max_protection, inheritance);
	return kr;
}

kern_return_t vm_allocate(mach_port_t task, vm_address_t *address, vm_size_t size,
    boolean_t anywhere)
{
	kern_return_t kr = syscall_vm_allocate(task, address, size, anywhere);

	if (USE_MESSAGE(kr))
		kr = vm_allocate_rpc(task, address, size, anywhere);
	return kr;
}

kern_return_t vm_deallocate(mach_port_t task, vm_address_t address, vm_size_t size)
{
	kern_return_t kr = syscall_vm_deallocate(task, address, size);

	if (USE_MESSAGE(kr))
		kr = vm_deallocate_rpc(task, address, size);
	return kr;
}

kern_return_t task_create(mach_port_t parent, boolean_t inherit_memory, mach_port_t *child)
{
	kern_return_t kr = syscall_task_create(parent, inherit_memory, child);

	if (USE_MESSAGE(kr))
		kr = task_create_rpc(parent, inherit_memory, child);
	return kr;
}

kern_return_t task_terminate(mach_port_t task)
{
	kern_return_t kr = syscall_task_terminate(task);

	if (USE_MESSAGE(kr))
		kr = task_terminate_rpc(task);
	return kr;
}

kern_return_t task_suspend(mach_port_t task)
{
	kern_return_t kr = syscall_task_suspend(task);

	if (USE_MESSAGE(kr))
		kr = task_suspend_rpc(task);
	return kr;
}

kern_return_t task_set_special_port(mach_port_t task, int which, mach_port_t port)
{
	kern_return_t kr = syscall_task_set_special_port(task, which, port);

	if (USE_MESSAGE(kr))
		kr = task_set_special_port_rpc(task, which, port);
	return kr;
}

kern_return_t mach_port_allocate(mach_port_t task, mach_port_right_t right,
    mach_port_name_t *name)
{
	kern_return_t kr = syscall_mach_port_allocate(task, right, name);

	if (USE_MESSAGE(kr))
		kr = mach_port_allocate_rpc(task, right, name);
	return kr;
}

kern_return_t mach_port_deallocate(mach_port_t task, mach_port_name_t name)
{
	kern_return_t kr = syscall_mach_port_deallocate(task, name);

	if (USE_MESSAGE(kr))
		kr = mach_port_deallocate_rpc(task, name);
	return kr;
}

kern_return_t mach_port_insert_right(mach_port_t task, mach_port_name_t name, mach_port_t right,
    mach_msg_type_name_t disposition)
{
	kern_return_t kr = syscall_mach_port_insert_right(task, name, right, disposition);

	if (USE_MESSAGE(kr))
		kr = mach_port_insert_right_rpc(task, name, right, disposition);
	return kr;
}

kern_return_t mach_port_allocate_name(mach_port_t task, mach_port_right_t right,
    mach_port_name_t name)
{
	kern_return_t kr = syscall_mach_port_allocate_name(task, right, name);

	if (USE_MESSAGE(kr))
		kr = mach_port_allocate_name_rpc(task, right, name);
	return kr;
}

kern_return_t thread_depress_abort(mach_port_t thread)
{
	kern_return_t kr = syscall_thread_depress_abort(thread);

	if (USE_MESSAGE(kr))
		kr = thread_depress_abort_rpc(thread);
	return kr;
}

kern_return_t gsync_wait(mach_port_t task, vm_address_t addr, unsigned val1, unsigned val2, natural_t msec, int flags)
{
	kern_return_t kr = syscall_gsync_wait(task, addr, val1, val2, msec, flags);

	if (USE_MESSAGE(kr))
		kr = gsync_wait_rpc(task, addr, val1, val2, msec, flags);
	return kr;
}

kern_return_t gsync_wake(mach_port_t task, vm_address_t addr, unsigned val, int flags)
{
	kern_return_t kr = syscall_gsync_wake(task, addr, val, flags);

	if (USE_MESSAGE(kr))
		kr = gsync_wake_rpc(task, addr, val, flags);
	return kr;
}
