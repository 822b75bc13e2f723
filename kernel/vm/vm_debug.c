/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The vm routines of the mach_debug subsystem: regions, objects and their pages as the kernel sees them.
 * Kernel addresses are not shown to users: objects are named by a number that is only good for comparing.
 */
#include <vm/amap.h>
#include <vm/copy.h>
#include <vm/map.h>
#include <vm/object.h>
#include <vm/page.h>
#include <vm/vm_user.h>
#include <ipc/ipc.h>
#include <kern/mig_kernel.h>
#include <kern/slab.h>
#include <kern/string.h>
#include <mach_debug/mach_debug.server.h>

/* equal for equal pointers, and no way back */
static uint64_t
cookie(const void *p)
{
	return p == NULL ? 0 : ((uintptr_t)p * 0x9e3779b97f4a7c15ull) >> 16;
}

static struct ipc_port *
name_right(struct vm_object *o)
{
	return o != NULL && o->vo_name != NULL ? ipc_port_make_send(o->vo_name) : IP_NULL;
}

kern_return_t
mach_vm_region_info(vm_task_t map, vm_address_t address, vm_region_info_t *info, mach_port_t *object)
{
	struct vm_object *o;
	struct vm_entry *e;

	if (map == NULL)
		return KERN_INVALID_TASK;
	memset(info, 0, sizeof *info);
	rw_lock_read(&map->vm_lock);
	e = vm_entry_find_from(&map->vm_tree, address);
	if (e == NULL) {
		rw_unlock_read(&map->vm_lock);
		return KERN_NO_SPACE;
	}
	info->vri_start = e->ve_start;
	info->vri_end = e->ve_end;
	info->vri_protection = e->ve_prot;
	info->vri_max_protection = e->ve_max_prot;
	info->vri_inheritance = e->ve_inherit;
	info->vri_wired_count = e->ve_wired != 0;
	info->vri_user_wired_count = e->ve_wired;
	info->vri_object = cookie(e->ve_amap != NULL ? (void *)e->ve_amap : (void *)e->ve_object);
	info->vri_offset = e->ve_index << PAGE_SHIFT;
	info->vri_needs_copy = e->ve_amap != NULL && e->ve_amap->am_backing != NULL;
	info->vri_sharing = e->ve_amap != NULL && e->ve_amap->am_shared ? e->ve_amap->am_refs : 0;
	o = vm_entry_object(e);
	if (o != NULL)
		vm_object_ref(o);
	rw_unlock_read(&map->vm_lock);
	*object = name_right(o);
	if (o != NULL)
		vm_object_release(o);
	return KERN_SUCCESS;
}

kern_return_t
mach_vm_object_info(vm_object_t o, vm_object_info_t *info, mach_port_t *shadow, mach_port_t *copy)
{
	if (o == NULL)
		return KERN_INVALID_ARGUMENT;
	memset(info, 0, sizeof *info);
	spin_lock(&o->vo_lock);
	info->voi_object = cookie(o);
	info->voi_pagesize = PAGE_SIZE;
	info->voi_size = o->vo_size;
	info->voi_ref_count = o->vo_refs;
	info->voi_resident_page_count = o->vo_resident;
	info->voi_absent_count = o->vo_absent;
	info->voi_copy_strategy = o->vo_copy_strategy;
	info->voi_state = VOI_STATE_PAGER_CREATED | VOI_STATE_PAGER_INITIALIZED |
	    (o->vo_ready ? VOI_STATE_PAGER_READY : 0) | (o->vo_may_cache ? VOI_STATE_CAN_PERSIST : 0) |
	    (o->vo_dead ? 0 : VOI_STATE_ALIVE);
	spin_unlock(&o->vo_lock);
	*shadow = IP_NULL;
	*copy = IP_NULL;
	return KERN_SUCCESS;
}

static vm_page_info_state_t
page_state(const struct vm_page *p)
{
	return VPI_STATE_TABLED | VPI_STATE_PAGER |
	    (p->pg_flags & PG_BUSY ? VPI_STATE_BUSY : 0) | (p->pg_flags & PG_WANTED ? VPI_STATE_WANTED : 0) |
	    (p->pg_flags & PG_ABSENT ? VPI_STATE_ABSENT : 0) | (p->pg_flags & PG_ERROR ? VPI_STATE_ERROR : 0) |
	    (p->pg_flags & PG_DIRTY ? VPI_STATE_DIRTY : 0) | (p->pg_flags & PG_PRECIOUS ? VPI_STATE_PRECIOUS : 0) |
	    (p->pg_queue == PAGE_QUEUE_ACTIVE ? VPI_STATE_ACTIVE : 0) |
	    (p->pg_queue == PAGE_QUEUE_INACTIVE ? VPI_STATE_INACTIVE : 0);
}

/* the pages of an object as records; *count in: room in *out, out: records; beyond it out of line */
static kern_return_t
object_pages(struct vm_object *o, vm_page_phys_info_t **out, mach_msg_type_number_t *count)
{
	vm_page_phys_info_t *list = *out;
	struct vm_map_copy *copy;
	uint64_t room = *count, at = 0, n = 0, want = o->vo_resident;
	struct vm_page *p;
	kern_return_t kr = KERN_SUCCESS;

	if (want > room) {
		if (want > UINT32_MAX / sizeof *list)
			return KERN_RESOURCE_SHORTAGE;
		room = want;
		list = kalloc(room * sizeof *list);
		if (list == NULL)
			return KERN_RESOURCE_SHORTAGE;
	}
	/* what comes in meanwhile and has no room is left out */
	while (n < room) {
		spin_lock(&o->vo_lock);
		p = ptree_next(&o->vo_pages, &at, UINT64_MAX >> PAGE_SHIFT);
		if (p != NULL) {
			memset(&list[n], 0, sizeof list[n]);
			list[n].vpi_offset = at << PAGE_SHIFT;
			list[n].vpi_phys_addr = vm_page_to_phys(p);
			list[n].vpi_wire_count = p->pg_wired;
			list[n].vpi_page_lock = p->pg_lock & VM_PROT_ALL;
			list[n].vpi_unlock_request = p->pg_lock >> 4;
			list[n].vpi_state = page_state(p);
		}
		spin_unlock(&o->vo_lock);
		if (p == NULL)
			break;
		n++;
		at++;
	}
	if (list != *out) {
		kr = vm_map_copy_from_kernel(list, n * sizeof *list, &copy);
		kfree(list, room * sizeof *list);
		if (kr == KERN_SUCCESS)
			*out = (vm_page_phys_info_t *)copy;
	}
	if (kr == KERN_SUCCESS)
		*count = n;
	return kr;
}

kern_return_t
mach_vm_object_pages(vm_object_t o, vm_page_info_array_t *pages, mach_msg_type_number_t *count)
{
	/* both records have one layout on a 64-bit machine */
	_Static_assert(sizeof(vm_page_info_t) == sizeof(vm_page_phys_info_t), "page info");
	return o == NULL ? KERN_INVALID_ARGUMENT : object_pages(o, (vm_page_phys_info_t **)pages, count);
}

kern_return_t
mach_vm_object_pages_phys(vm_object_t o, vm_page_phys_info_array_t *pages, mach_msg_type_number_t *count)
{
	return o == NULL ? KERN_INVALID_ARGUMENT : object_pages(o, pages, count);
}
