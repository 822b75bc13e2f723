/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What kernels send: memory_object_create and the memory object protocol.
 *
 * RIGHTS  a simple routine keeps what it returns KERN_SUCCESS for; every control right that comes with a message is one reference more
 *         than the object's own.
 */
#include "default_pager.h"
#include "object.h"
#include <mach/memory_object_server.h>
#include <mach/memory_object_default_server.h>

static void
drop(mach_port_t right)
{
	if (right != MACH_PORT_NULL && right != MACH_PORT_DEAD)
		mach_port_deallocate(mach_task_self(), right);
}

static void
say_ready(mach_port_t control, memory_object_copy_strategy_t strategy)
{
	unsigned tries = 0;

	while (try_again(memory_object_ready(control, FALSE, strategy), &tries))
		;
}

static void
say_full(void)
{
	static uint64_t said;
	uint64_t blocks, unused, left;

	store_space(&blocks, &unused, &left);
	if (said == blocks)
		return;
	said = blocks;
	mach_printf("default_pager: no more paging space to give: all %lu KiB are promised\n", (unsigned long)(blocks * BLOCK / 1024));
}

kern_return_t
memory_object_create(mach_port_t self, mach_port_t port, vm_size_t size, mach_port_t control, mach_port_t name, vm_size_t page_size)
{
	struct object *o;
	uint64_t blocks, unused, left;

	(void)self;
	if (page_size != BLOCK || object_create(port, size, true, &o) != KERN_SUCCESS) {
		store_space(&blocks, &unused, &left);
		if (left < 64)
			say_full();
		/* no: what is not promised cannot be relied upon; the death of the port says it too */
		memory_object_destroy(control, KERN_RESOURCE_SHORTAGE);
		drop(control);
		drop(name);
		mach_port_mod_refs(mach_task_self(), port, MACH_PORT_RIGHT_RECEIVE, -1);
		return KERN_SUCCESS;
	}
	o->ob_control = control;
	o->ob_name = name;
	mach_port_move_member(mach_task_self(), port, request_set);
	say_ready(control, MEMORY_OBJECT_COPY_NONE);
	return KERN_SUCCESS;
}

/* a task has mapped an object of its own */
kern_return_t
memory_object_init(mach_port_t port, mach_port_t control, mach_port_t name, vm_size_t page_size)
{
	struct object *o = object_lookup(port);

	if (o == NULL || o->ob_control != MACH_PORT_NULL || page_size != BLOCK) {
		memory_object_destroy(control, KERN_FAILURE);
		drop(control);
		drop(name);
		return KERN_SUCCESS;
	}
	o->ob_control = control;
	o->ob_name = name;
	say_ready(control, MEMORY_OBJECT_COPY_DELAY);
	return KERN_SUCCESS;
}

kern_return_t
memory_object_terminate(mach_port_t port, mach_port_t control, mach_port_t name)
{
	struct object *o = object_lookup(port);

	/* the receive rights that come have the names of the send rights there are */
	mach_port_mod_refs(mach_task_self(), control, MACH_PORT_RIGHT_RECEIVE, -1);
	mach_port_mod_refs(mach_task_self(), name, MACH_PORT_RIGHT_RECEIVE, -1);
	if (o == NULL || o->ob_control != control)
		return KERN_SUCCESS;
	drop(o->ob_control);
	drop(o->ob_name);
	o->ob_control = o->ob_name = MACH_PORT_NULL;
	if (o->ob_internal)
		object_destroy(o);
	return KERN_SUCCESS;
}

kern_return_t
memory_object_data_request(mach_port_t port, mach_port_t control, vm_offset_t offset, vm_size_t length, vm_prot_t access)
{
	struct object *o = object_lookup(port);

	(void)access;
	if (o != NULL && o->ob_control == control)
		object_read(o, offset, length);
	drop(control);
	return KERN_SUCCESS;
}

static void
write_back(mach_port_t port, mach_port_t control, vm_offset_t offset, vm_offset_t data, mach_msg_type_number_t size)
{
	struct object *o = object_lookup(port);

	if (o != NULL && o->ob_control == control)
		object_write(o, offset, data, size);
	vm_deallocate(mach_task_self(), data, size);
	drop(control);
}

kern_return_t
memory_object_data_initialize(mach_port_t port, mach_port_t control, vm_offset_t offset, vm_offset_t data,
    mach_msg_type_number_t size)
{
	write_back(port, control, offset, data, size);
	return KERN_SUCCESS;
}

kern_return_t
memory_object_data_return(mach_port_t port, mach_port_t control, vm_offset_t offset, vm_offset_t data,
    mach_msg_type_number_t size, boolean_t dirty, boolean_t kernel_copy)
{
	(void)dirty;
	(void)kernel_copy;
	write_back(port, control, offset, data, size);
	return KERN_SUCCESS;
}

/* nothing is ever locked here, and no completion asked for */
kern_return_t
memory_object_data_unlock(mach_port_t port, mach_port_t control, vm_offset_t offset, vm_size_t length, vm_prot_t access)
{
	(void)port;
	(void)offset;
	(void)length;
	(void)access;
	drop(control);
	return KERN_SUCCESS;
}

kern_return_t
memory_object_copy(mach_port_t port, mach_port_t control, vm_offset_t offset, vm_size_t length, mach_port_t copy)
{
	(void)port;
	(void)offset;
	(void)length;
	mach_port_mod_refs(mach_task_self(), copy, MACH_PORT_RIGHT_RECEIVE, -1);
	drop(control);
	return KERN_SUCCESS;
}

kern_return_t
memory_object_lock_completed(mach_port_t port, mach_port_t control, vm_offset_t offset, vm_size_t length)
{
	(void)port;
	(void)offset;
	(void)length;
	drop(control);
	return KERN_SUCCESS;
}

kern_return_t
memory_object_supply_completed(mach_port_t port, mach_port_t control, vm_offset_t offset, vm_size_t length, kern_return_t result,
    vm_offset_t error_offset)
{
	(void)port;
	(void)offset;
	(void)length;
	(void)result;
	(void)error_offset;
	drop(control);
	return KERN_SUCCESS;
}

kern_return_t
memory_object_change_completed(mach_port_t port, boolean_t may_cache, memory_object_copy_strategy_t strategy)
{
	(void)port;
	(void)may_cache;
	(void)strategy;
	return KERN_SUCCESS;
}
