/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The vm routines of the gnumach subsystem: wiring of whole maps, synchronisation, physical memory, limits.
 * RIGHTS  as in vm_user.c
 */
#include <vm/amap.h>
#include <vm/copy.h>
#include <vm/fault.h>
#include <vm/map.h>
#include <vm/memory_object.h>
#include <vm/object.h>
#include <vm/page.h>
#include <vm/vm_user.h>
#include <ipc/ipc.h>
#include <kern/mig_kernel.h>
#include <kern/slab.h>
#include <kern/string.h>
#include <mach/gnumach.server.h>
#include <machine/pmap.h>

kern_return_t
vm_cache_statistics(vm_task_t map, vm_cache_statistics_data_t *st)
{
	uint64_t active, inactive;

	if (map == NULL)
		return KERN_INVALID_ARGUMENT;
	memset(st, 0, sizeof *st);
	vm_pageq_counts(true, &active, &inactive);
	st->cache_object_count = vm_object_cached_count();
	st->cache_count = active + inactive;
	st->active_tmp_count = active;
	st->inactive_tmp_count = inactive;
	return KERN_SUCCESS;
}

kern_return_t
vm_wire_all(mach_port_t host, vm_task_t map, vm_wire_t flags)
{
	struct vm_entry *e;
	uint64_t at = 0, end;
	kern_return_t kr = KERN_SUCCESS;

	if (convert_port_to_host_priv(host) == NULL)
		return convert_port_to_host(host) != NULL ? KERN_NO_ACCESS : KERN_INVALID_HOST;
	if (!vm_user_map(map))
		return KERN_INVALID_TASK;
	if (flags & ~VM_WIRE_ALL)
		return KERN_INVALID_ARGUMENT;
	rw_lock_write(&map->vm_lock);
	map->vm_wire_future = flags & VM_WIRE_FUTURE;
	rw_unlock_write(&map->vm_lock);
	/* by address: entries come and go while one is being wired */
	while (kr == KERN_SUCCESS && (flags == VM_WIRE_NONE || (flags & VM_WIRE_CURRENT))) {
		vm_prot_t prot = VM_PROT_NONE;
		bool skip;

		rw_lock_read(&map->vm_lock);
		e = vm_entry_find_from(&map->vm_tree, at);
		if (e == NULL) {
			rw_unlock_read(&map->vm_lock);
			break;
		}
		at = e->ve_start;
		end = e->ve_end;
		if (flags != VM_WIRE_NONE)
			prot = e->ve_prot;
		skip = flags == VM_WIRE_NONE ? e->ve_wired == 0 : e->ve_wired != 0 || prot == VM_PROT_NONE;
		rw_unlock_read(&map->vm_lock);
		if (!skip)
			kr = vm_map_wire(map, at, end, prot);
		at = end;
	}
	return kr;
}

kern_return_t
vm_object_sync(vm_object_t o, vm_offset_t offset, vm_size_t size, boolean_t should_flush, boolean_t should_return,
    boolean_t should_iosync)
{
	(void)should_iosync;		/* the pages have been sent when this returns; the pager orders the rest */
	if (o == NULL || (offset & PAGE_MASK) != 0)
		return KERN_INVALID_ARGUMENT;
	vm_object_clean(o, offset, size, should_return ? MEMORY_OBJECT_RETURN_ALL : MEMORY_OBJECT_RETURN_NONE,
	    should_flush, VM_PROT_NO_CHANGE);
	return KERN_SUCCESS;
}

kern_return_t
vm_msync(vm_task_t map, vm_address_t address, vm_size_t size, vm_sync_t flags)
{
	uint64_t start, end, at, part_end, offset;
	struct vm_object *o;
	struct vm_entry *e;

	if (!vm_user_map(map) || (flags & ~7u) || !vm_range_round(address, size, &start, &end) ||
	    ((flags & VM_SYNC_SYNCHRONOUS) && (flags & VM_SYNC_ASYNCHRONOUS)))
		return KERN_INVALID_ARGUMENT;
	for (at = start; at < end; at = part_end) {
		rw_lock_read(&map->vm_lock);
		e = vm_entry_find(&map->vm_tree, at);
		if (e == NULL) {
			rw_unlock_read(&map->vm_lock);
			return KERN_INVALID_ADDRESS;
		}
		part_end = e->ve_end < end ? e->ve_end : end;
		offset = (e->ve_index << PAGE_SHIFT) + (at - e->ve_start);
		o = e->ve_object;
		if (o != NULL)
			vm_object_ref(o);
		rw_unlock_read(&map->vm_lock);
		if (o == NULL)
			continue;
		if (o->vo_kind == OBJECT_PAGER)
			vm_object_clean(o, offset, part_end - at, MEMORY_OBJECT_RETURN_ALL,
			    flags & VM_SYNC_INVALIDATE, VM_PROT_NO_CHANGE);
		vm_object_release(o);
	}
	return KERN_SUCCESS;
}

/* an entry with wired pages from p on; takes the pages over on success */
static kern_return_t
contiguous_entry(struct vm_page *p, uint64_t pages, struct vm_entry *e)
{
	struct vm_amap *am = vm_amap_create(pages, NULL, 0);
	kern_return_t kr = KERN_SUCCESS;
	uint64_t i;

	if (am == NULL)
		return KERN_RESOURCE_SHORTAGE;
	for (i = 0; i < pages && kr == KERN_SUCCESS; i++) {
		pmap_zero_page(vm_page_to_phys(&p[i]));
		spin_lock(&am->am_lock);
		kr = vm_amap_insert_locked(am, i, &p[i]);
		spin_unlock(&am->am_lock);
	}
	if (kr != KERN_SUCCESS) {
		while (--i > 0)
			(void)vm_amap_steal(am, i - 1);
		vm_amap_release(am);
		return kr;
	}
	for (i = 0; i < pages; i++)
		vm_page_wire(&p[i]);		/* on no queue until it is unwired */
	e->ve_amap = am;
	e->ve_wired = 1;
	e->ve_wired_prot = VM_PROT_DEFAULT;
	return KERN_SUCCESS;
}

kern_return_t
vm_allocate_contiguous(host_priv_t host, vm_task_t map, vm_address_t *vaddr, rpc_phys_addr_t *paddr, vm_size_t size,
    rpc_phys_addr_t pmin, rpc_phys_addr_t pmax, rpc_phys_addr_t palign)
{
	uint64_t len = page_round(size), pages = len >> PAGE_SHIFT, i;
	unsigned order = 0;
	struct vm_entry *e;
	struct vm_page *p;
	kern_return_t kr;

	if (host == NULL)
		return KERN_INVALID_HOST;
	if (!vm_user_map(map))
		return KERN_INVALID_TASK;
	if (size == 0 || len < size || (palign & (palign - 1)) != 0 || pmin >= pmax)
		return KERN_INVALID_ARGUMENT;
	while (order <= VM_PAGE_MAX_ORDER && ((PAGE_SIZE << order) < len || (PAGE_SIZE << order) < palign))
		order++;
	p = order <= VM_PAGE_MAX_ORDER ? vm_page_grab_contig(order, pmin, pmax) : NULL;
	if (p == NULL)
		return KERN_RESOURCE_SHORTAGE;
	for (i = pages; i < 1ull << order; i++)
		vm_page_release(&p[i]);
	e = vm_map_new_entry();
	kr = e != NULL ? contiguous_entry(p, pages, e) : KERN_RESOURCE_SHORTAGE;
	if (kr != KERN_SUCCESS) {
		for (i = 0; i < pages; i++)
			vm_page_release(&p[i]);
		if (e != NULL)
			vm_map_free_entry(e);
		return kr;
	}
	*vaddr = 0;
	kr = vm_map_enter_entry(map, vaddr, len, 0, true, e, VM_ATTR_DEFAULT);
	if (kr != KERN_SUCCESS) {
		vm_map_unwire_entry(map, e);
		vm_map_free_entry(e);
		return kr;
	}
	*paddr = vm_page_to_phys(p);
	/* drivers do not fault on it later; what cannot be entered now still could be then */
	for (i = 0; i < pages; i++)
		(void)vm_fault(map, *vaddr + (i << PAGE_SHIFT), VM_PROT_DEFAULT, false);
	return KERN_SUCCESS;
}

/* the frame mapped at va, 0 when none is resident */
static uint64_t
phys_of(struct vm_map *map, uint64_t va)
{
	pmap_paddr_t pa;

	return pmap_extract(map->vm_pmap, va, &pa) ? page_trunc(pa) : 0;
}

kern_return_t
vm_pages_phys(host_priv_t host, vm_task_t map, vm_address_t vaddr, vm_size_t size, rpc_phys_addr_array_t *pages,
    mach_msg_type_number_t *count)
{
	uint64_t start, end, n, i;
	struct vm_map_copy *copy = NULL;
	rpc_phys_addr_t *list = *pages;
	kern_return_t kr = KERN_SUCCESS;

	if (host == NULL)
		return KERN_INVALID_HOST;
	if (!vm_user_map(map))
		return KERN_INVALID_TASK;
	if ((vaddr & PAGE_MASK) != 0 || (size & PAGE_MASK) != 0 || !vm_range_round(vaddr, size, &start, &end))
		return KERN_INVALID_ARGUMENT;
	n = (end - start) >> PAGE_SHIFT;
	if (n > UINT32_MAX / sizeof *list)
		return KERN_INVALID_ARGUMENT;
	if (n > *count) {
		list = kalloc(n * sizeof *list);
		if (list == NULL)
			return KERN_RESOURCE_SHORTAGE;
	}
	for (i = 0; i < n; i++)
		list[i] = phys_of(map, start + (i << PAGE_SHIFT));
	if (list != *pages) {
		kr = vm_map_copy_from_kernel(list, n * sizeof *list, &copy);
		kfree(list, n * sizeof *list);
		if (kr == KERN_SUCCESS)
			*pages = (rpc_phys_addr_array_t)copy;
	}
	if (kr == KERN_SUCCESS)
		*count = n;
	return kr;
}

kern_return_t
vm_set_size_limit(mach_port_t host, vm_task_t map, vm_size_t current_limit, vm_size_t max_limit)
{
	bool privileged = convert_port_to_host_priv(host) != NULL;
	kern_return_t kr = KERN_SUCCESS;

	if (!privileged && convert_port_to_host(host) == NULL)
		return KERN_INVALID_HOST;
	if (!vm_user_map(map))
		return KERN_INVALID_TASK;
	if (current_limit > max_limit)
		return KERN_INVALID_ARGUMENT;
	rw_lock_write(&map->vm_lock);
	if (max_limit > map->vm_size_limit_max && !privileged) {
		kr = KERN_NO_ACCESS;
	} else {
		map->vm_size_limit = current_limit;
		map->vm_size_limit_max = max_limit;
	}
	rw_unlock_write(&map->vm_lock);
	return kr;
}

kern_return_t
vm_get_size_limit(vm_task_t map, vm_size_t *current_limit, vm_size_t *max_limit)
{
	if (map == NULL)
		return KERN_INVALID_ARGUMENT;
	rw_lock_read(&map->vm_lock);
	*current_limit = map->vm_size_limit;
	*max_limit = map->vm_size_limit_max;
	rw_unlock_read(&map->vm_lock);
	return KERN_SUCCESS;
}
