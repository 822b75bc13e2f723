/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The vm routines of the mach and mach_host subsystems, under their MIG names.
 *
 * A user's addresses and sizes become page ranges in user_range or vm_range_round and go no further as numbers.
 * RIGHTS  rights and copies in arguments are consumed on success only. The map is the caller's reference.
 * TESTS   tests/boot/vm_args.c and the others
 */
#include <vm/amap.h>
#include <vm/copy.h>
#include <vm/fault.h>
#include <vm/map.h>
#include <vm/object.h>
#include <vm/page.h>
#include <vm/proxy.h>
#include <vm/swap.h>
#include <ipc/ipc.h>
#include <kern/mig_kernel.h>
#include <kern/string.h>
#include <mach/mach.server.h>
#include <mach/mach_host.server.h>
#include <vm/vm_user.h>

/* bytes a task may wire with the unprivileged host port */
#define USER_WIRE_MAX	(64 * 1024ull)

bool
vm_user_map(const struct vm_map *map)
{
	return map != NULL && map != kernel_map;
}

/* a range that may reach over unmapped space: what lies above the map is cut off. => false on overflow */
static bool
user_range(uint64_t addr, uint64_t size, uint64_t *start, uint64_t *end)
{
	uint64_t stop;

	if (__builtin_add_overflow(addr, size, &stop))
		return false;
	if (addr > VM_USER_MAX)
		addr = VM_USER_MAX;
	if (stop > VM_USER_MAX)
		stop = VM_USER_MAX;
	*start = page_trunc(addr);
	*end = size == 0 ? *start : page_round(stop);
	return true;
}

kern_return_t
vm_allocate(vm_task_t map, vm_address_t *address, vm_size_t size, boolean_t anywhere)
{
	return vm_user_map(map) ? vm_map_allocate(map, address, size, anywhere) : KERN_INVALID_ARGUMENT;
}

kern_return_t
vm_deallocate(vm_task_t map, vm_address_t address, vm_size_t size)
{
	uint64_t start, end;

	if (!vm_user_map(map) || !user_range(address, size, &start, &end))
		return KERN_INVALID_ARGUMENT;
	return vm_map_remove(map, start, end);
}

kern_return_t
vm_protect(vm_task_t map, vm_address_t address, vm_size_t size, boolean_t set_maximum, vm_prot_t prot)
{
	uint64_t start, end;

	if (!vm_user_map(map) || (prot & ~VM_PROT_ALL) || !user_range(address, size, &start, &end))
		return KERN_INVALID_ARGUMENT;
	return vm_map_protect(map, start, end, prot, set_maximum);
}

static bool
valid_inherit(vm_inherit_t inherit)
{
	return inherit == VM_INHERIT_SHARE || inherit == VM_INHERIT_COPY || inherit == VM_INHERIT_NONE;
}

kern_return_t
vm_inherit(vm_task_t map, vm_address_t address, vm_size_t size, vm_inherit_t inherit)
{
	uint64_t start, end;

	if (!vm_user_map(map) || !valid_inherit(inherit) || !user_range(address, size, &start, &end))
		return KERN_INVALID_ARGUMENT;
	return vm_map_set_inherit(map, start, end, inherit);
}

kern_return_t
vm_read(vm_task_t map, vm_address_t address, vm_size_t size, vm_offset_t *data, mach_msg_type_number_t *count)
{
	struct vm_map_copy *copy;
	kern_return_t kr;

	if (!vm_user_map(map) || size > UINT32_MAX)
		return KERN_INVALID_ARGUMENT;
	kr = vm_map_copyin(map, address, size, false, &copy);
	if (kr != KERN_SUCCESS)
		return kr;
	*data = (vm_offset_t)copy;
	*count = size;
	return KERN_SUCCESS;
}

kern_return_t
vm_write(vm_task_t map, vm_address_t address, vm_offset_t data, mach_msg_type_number_t count)
{
	struct vm_map_copy *copy = (struct vm_map_copy *)data;

	if (!vm_user_map(map) || (address & PAGE_MASK) != 0 || (count & PAGE_MASK) != 0 ||
	    (copy != NULL && (copy->cp_offset != 0 || copy->cp_size != count)))
		return KERN_INVALID_ARGUMENT;
	return vm_map_copy_overwrite(map, address, copy);
}

kern_return_t
vm_copy(vm_task_t map, vm_address_t source, vm_size_t size, vm_address_t dest)
{
	struct vm_map_copy *copy;
	kern_return_t kr;

	if (!vm_user_map(map) || ((source | size | dest) & PAGE_MASK) != 0)
		return KERN_INVALID_ARGUMENT;
	kr = vm_map_copyin(map, source, size, false, &copy);
	if (kr != KERN_SUCCESS)
		return kr;
	kr = vm_map_copy_overwrite(map, dest, copy);
	if (kr != KERN_SUCCESS)
		vm_map_copy_discard(copy);
	return kr;
}

/* the memory object below an entry, or NULL */
struct vm_object *
vm_entry_object(const struct vm_entry *e)
{
	return e->ve_amap != NULL ? e->ve_amap->am_backing : e->ve_object;
}

kern_return_t
vm_region(vm_task_t map, vm_address_t *address, vm_size_t *size, vm_prot_t *prot, vm_prot_t *max_prot,
    vm_inherit_t *inherit, boolean_t *is_shared, mach_port_t *name, vm_offset_t *offset)
{
	struct vm_object *o = NULL;
	struct vm_entry *e;

	if (map == NULL)
		return KERN_INVALID_ARGUMENT;
	rw_lock_read(&map->vm_lock);
	e = vm_entry_find_from(&map->vm_tree, *address);
	if (e == NULL) {
		rw_unlock_read(&map->vm_lock);
		return KERN_NO_SPACE;
	}
	*address = e->ve_start;
	*size = e->ve_end - e->ve_start;
	*prot = e->ve_prot;
	*max_prot = e->ve_max_prot;
	*inherit = e->ve_inherit;
	*offset = e->ve_index << PAGE_SHIFT;
	*is_shared = e->ve_amap != NULL ? e->ve_amap->am_shared && e->ve_amap->am_refs > 1 :
	    e->ve_object != NULL && e->ve_object->vo_refs > 1;
	o = vm_entry_object(e);
	if (o != NULL) {
		if (e->ve_amap != NULL)
			*offset += e->ve_amap->am_backing_index << PAGE_SHIFT;
		vm_object_ref(o);
	}
	rw_unlock_read(&map->vm_lock);
	*name = IP_NULL;
	if (o != NULL) {
		if (o->vo_name != NULL)
			*name = ipc_port_make_send(o->vo_name);
		vm_object_release(o);
	}
	return KERN_SUCCESS;
}

kern_return_t
vm_statistics(vm_task_t map, vm_statistics_data_t *st)
{
	struct vm_events ev;
	uint64_t active, inactive;

	if (map == NULL)
		return KERN_INVALID_ARGUMENT;
	vm_page_events(&ev);
	vm_pageq_counts(false, &active, &inactive);
	*st = (vm_statistics_data_t){
		.pagesize = PAGE_SIZE, .free_count = vm_page_free_count(), .inactive_count = inactive,
		.wire_count = vm_page_wired_count(), .zero_fill_count = ev.ve_zero_fill, .reactivations = ev.ve_reactivations,
		.pageins = ev.ve_pageins, .pageouts = ev.ve_pageouts, .faults = ev.ve_faults, .cow_faults = ev.ve_cow,
		.lookups = ev.ve_lookups, .hits = ev.ve_hits,
	};
	/* the kernel's own pages count as active: they stay until they are freed */
	st->active_count = vm_page_total() - st->free_count - st->inactive_count - st->wire_count;
	return KERN_SUCCESS;
}

/* an entry backed by what a memory object port stands for; IP_NULL and IP_DEAD: zero-filled memory */
static kern_return_t
map_backing(struct vm_entry *e, struct ipc_port *port, uint64_t offset, uint64_t size, bool copy, struct vm_attr *attr)
{
	struct vm_object *o;
	kern_return_t kr;

	if (!IP_VALID(port)) {
		e->ve_amap = vm_amap_create(size >> PAGE_SHIFT, NULL, 0);
		return e->ve_amap != NULL ? KERN_SUCCESS : KERN_RESOURCE_SHORTAGE;
	}
	if (vm_proxy_back(port, e, offset, size, copy, &attr->va_prot, &attr->va_max_prot, &kr))
		return kr;
	kr = vm_object_enter(port, &o);
	if (kr != KERN_SUCCESS)
		return kr;
	if (o->vo_kind == OBJECT_DEVICE && (offset > o->vo_size || size > o->vo_size - offset)) {
		kr = KERN_INVALID_ARGUMENT;
	} else if (copy && o->vo_kind == OBJECT_PAGER) {
		e->ve_amap = vm_amap_create(size >> PAGE_SHIFT, o, offset >> PAGE_SHIFT);
		if (e->ve_amap == NULL)
			kr = KERN_RESOURCE_SHORTAGE;
		else
			vm_object_write_protect(o, offset >> PAGE_SHIFT, size >> PAGE_SHIFT);
	} else {
		e->ve_object = o;
		e->ve_index = offset >> PAGE_SHIFT;
		e->ve_cache = o->vo_cache;
		attr->va_prot &= o->vo_max_prot;
		attr->va_max_prot &= o->vo_max_prot;
		return KERN_SUCCESS;		/* the entry has the reference */
	}
	vm_object_release(o);
	return kr;
}

kern_return_t
vm_user_map_object(struct vm_map *map, uint64_t *address, uint64_t size, uint64_t mask, bool anywhere,
    struct ipc_port *port, uint64_t offset, bool copy, vm_prot_t cur, vm_prot_t max, vm_inherit_t inherit)
{
	struct vm_attr attr = { cur & max, max, inherit };
	uint64_t len = page_round(size), end;
	struct vm_entry *e;
	kern_return_t kr;

	if (!vm_user_map(map) || size == 0 || ((cur | max) & ~VM_PROT_ALL) || !valid_inherit(inherit) ||
	    (offset & PAGE_MASK) != 0 || __builtin_add_overflow(offset, len, &end))
		return KERN_INVALID_ARGUMENT;
	if (len < size)
		return anywhere ? KERN_NO_SPACE : KERN_INVALID_ADDRESS;
	if (len > VM_USER_MAX)
		return anywhere ? KERN_NO_SPACE : KERN_INVALID_ADDRESS;
	e = vm_map_new_entry();
	if (e == NULL)
		return KERN_RESOURCE_SHORTAGE;
	kr = map_backing(e, port, offset, len, copy, &attr);
	if (kr == KERN_SUCCESS)
		kr = vm_map_enter_entry(map, address, len, mask, anywhere, e, attr);
	if (kr != KERN_SUCCESS)
		vm_map_free_entry(e);
	return kr;
}

kern_return_t
vm_map(vm_task_t map, vm_address_t *address, vm_size_t size, vm_address_t mask, boolean_t anywhere,
    mach_port_t memory_object, vm_offset_t offset, boolean_t copy, vm_prot_t cur, vm_prot_t max, vm_inherit_t inherit)
{
	kern_return_t kr = vm_user_map_object(map, address, size, mask, anywhere, memory_object, offset, copy, cur, max,
	    inherit);

	if (kr == KERN_SUCCESS)
		ipc_port_release_send(memory_object);
	return kr;
}

kern_return_t
vm_machine_attribute(vm_task_t map, vm_address_t address, vm_size_t size, vm_machine_attribute_t attribute,
    vm_machine_attribute_val_t *value)
{
	uint64_t start, end;

	if (!vm_user_map(map) || !vm_range_round(address, size, &start, &end) || attribute != MATTR_CACHE)
		return KERN_INVALID_ARGUMENT;
	switch (*value) {
	case MATTR_VAL_GET:
		*value = MATTR_VAL_ON;
		return KERN_SUCCESS;
	case MATTR_VAL_ON:
	case MATTR_VAL_CACHE_FLUSH:		/* caches are coherent here */
	case MATTR_VAL_DCACHE_FLUSH:
	case MATTR_VAL_ICACHE_FLUSH:
		return KERN_SUCCESS;
	}
	return KERN_INVALID_ARGUMENT;
}

enum { HOST_NOT, HOST_PLAIN, HOST_PRIVILEGED };

static int
host_privilege(struct ipc_port *port)
{
	if (convert_port_to_host_priv(port) != NULL)
		return HOST_PRIVILEGED;
	return convert_port_to_host(port) != NULL ? HOST_PLAIN : HOST_NOT;
}

/* bytes of [start, end) not wired yet count against the unprivileged allowance. => false: too many */
static bool
wire_charge(struct vm_map *map, uint64_t start, uint64_t end, vm_prot_t access)
{
	bool ok = true;

	rw_lock_write(&map->vm_lock);
	if (access == VM_PROT_NONE)
		map->vm_user_wired -= map->vm_user_wired < end - start ? map->vm_user_wired : end - start;
	else if (end - start > USER_WIRE_MAX - map->vm_user_wired)
		ok = false;
	else
		map->vm_user_wired += end - start;
	rw_unlock_write(&map->vm_lock);
	return ok;
}

kern_return_t
vm_wire(mach_port_t host, vm_task_t map, vm_address_t address, vm_size_t size, vm_prot_t access)
{
	int privilege = host_privilege(host);
	uint64_t start, end;
	kern_return_t kr;

	if (privilege == HOST_NOT)
		return KERN_INVALID_HOST;
	if (!vm_user_map(map))
		return KERN_INVALID_TASK;
	if ((access & ~VM_PROT_ALL) || !vm_range_round(address, size, &start, &end))
		return KERN_INVALID_ARGUMENT;
	if (privilege == HOST_PLAIN && !wire_charge(map, start, end, access))
		return KERN_NO_ACCESS;
	kr = vm_map_wire(map, start, end, access);
	if (kr != KERN_SUCCESS && privilege == HOST_PLAIN && access != VM_PROT_NONE)
		wire_charge(map, start, end, VM_PROT_NONE);
	return kr;
}

kern_return_t
vm_set_default_memory_manager(host_priv_t host, mach_port_t manager, mach_port_t *old)
{
	if (host == NULL)
		return KERN_INVALID_HOST;
	/* null only asks who it is */
	*old = manager == IP_NULL ? vm_swap_manager() : vm_swap_set_manager(manager);
	return KERN_SUCCESS;
}
