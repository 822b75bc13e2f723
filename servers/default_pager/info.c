/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What tasks ask: objects of their own, statistics, paging files (mach/default_pager.defs).
 * Arrays too large for the message go out of line.
 */
#include "default_pager.h"
#include "object.h"
#include <mach/default_pager_server.h>
#include <mach/notify.h>

kern_return_t
default_pager_object_create(mach_port_t pager, mach_port_t *port, vm_size_t size)
{
	mach_port_t previous = MACH_PORT_NULL;
	struct object *o;
	kern_return_t kr;

	(void)pager;
	kr = mach_port_allocate(mach_task_self(), MACH_PORT_RIGHT_RECEIVE, port);
	if (kr != KERN_SUCCESS)
		return kr;
	kr = object_create(*port, size, false, &o);
	if (kr != KERN_SUCCESS) {
		mach_port_mod_refs(mach_task_self(), *port, MACH_PORT_RIGHT_RECEIVE, -1);
		return kr;
	}
	mach_port_move_member(mach_task_self(), *port, request_set);
	/* the reply makes the first send right */
	kr = mach_port_request_notification(mach_task_self(), *port, MACH_NOTIFY_NO_SENDERS, 1, *port, MACH_MSG_TYPE_MAKE_SEND_ONCE,
	    &previous);
	if (kr != KERN_SUCCESS)
		object_destroy(o);
	return kr;
}

kern_return_t
default_pager_info(mach_port_t pager, default_pager_info_t *info)
{
	uint64_t blocks, unused, unpromised;

	(void)pager;
	store_space(&blocks, &unused, &unpromised);
	info->dpi_total_space = blocks * BLOCK;
	info->dpi_free_space = unused * BLOCK;
	info->dpi_page_size = BLOCK;
	return KERN_SUCCESS;
}

/* room for `want` records of `size` bytes: what there is, or out of line. => false: no memory */
static bool
room_for(void **array, mach_msg_type_number_t have, unsigned want, vm_size_t size)
{
	vm_address_t a = 0;

	if (want <= have)
		return true;
	if (vm_allocate(mach_task_self(), &a, want * size, TRUE) != KERN_SUCCESS)
		return false;
	*array = (void *)a;
	return true;
}

kern_return_t
default_pager_objects(mach_port_t pager, default_pager_object_array_t *objects, mach_msg_type_number_t *count,
    mach_port_array_t *ports, mach_msg_type_number_t *ports_count)
{
	default_pager_object_array_t inlined = *objects;
	struct object *o;
	unsigned n = 0;

	(void)pager;
	while (object_at(n) != NULL)
		n++;
	if (!room_for((void **)objects, *count, n, sizeof **objects))
		return KERN_RESOURCE_SHORTAGE;
	if (!room_for((void **)ports, *ports_count, n, sizeof **ports)) {
		if (*objects != inlined)
			vm_deallocate(mach_task_self(), (vm_address_t)*objects, n * sizeof **objects);
		return KERN_RESOURCE_SHORTAGE;
	}
	for (unsigned i = 0; i < n; i++) {
		o = object_at(i);
		(*objects)[i].dpo_object = o->ob_port;
		(*objects)[i].dpo_size = o->ob_used * BLOCK;
		/* moved into the message: one reference more */
		(*ports)[i] = o->ob_name;
		if (o->ob_name != MACH_PORT_NULL)
			mach_port_mod_refs(mach_task_self(), o->ob_name, MACH_PORT_RIGHT_SEND, 1);
	}
	*count = *ports_count = n;
	return KERN_SUCCESS;
}

kern_return_t
default_pager_object_pages(mach_port_t pager, mach_port_t name, default_pager_page_array_t *pages, mach_msg_type_number_t *count)
{
	struct object *o = object_by_name(name);
	unsigned n = 0;

	(void)pager;
	if (o == NULL)
		return KERN_INVALID_ARGUMENT;
	if (!room_for((void **)pages, *count, o->ob_used, sizeof **pages))
		return KERN_RESOURCE_SHORTAGE;
	for (uint64_t i = 0; i < o->ob_pages; i++)
		if (o->ob_block[i] != 0)
			(*pages)[n++].dpp_offset = i * BLOCK;
	*count = n;
	mach_port_deallocate(mach_task_self(), name);
	return KERN_SUCCESS;
}

kern_return_t
default_pager_paging_file(mach_port_t pager, mach_port_t master, default_pager_filename_t name, boolean_t add)
{
	kern_return_t kr;

	(void)pager;
	name[sizeof(default_pager_filename_t) - 1] = 0;
	kr = add ? store_add(master, name) : store_remove(name);
	if (kr != KERN_SUCCESS)
		return kr;
	if (add)
		announce();
	if (master != MACH_PORT_NULL)
		mach_port_deallocate(mach_task_self(), master);
	return KERN_SUCCESS;
}

/* there is no file server to page to yet */
kern_return_t
default_pager_register_fileserver(mach_port_t pager, mach_port_t fileserver)
{
	(void)pager;
	(void)fileserver;
	return KERN_FAILURE;
}
