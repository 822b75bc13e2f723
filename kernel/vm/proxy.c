/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory object proxies.
 *
 * OBJECT  struct vm_proxy: a port that vm_map takes as memory object, for a window of another object or of anonymous memory.
 *         Anonymous memory needs no pager to be exported: the proxy shares the region itself.
 * REFS    one for the port (dropped when it has no senders), one for each vm_map in progress.
 * RIGHTS  on success the rights given are consumed.
 */
#include <vm/proxy.h>
#include <vm/amap.h>
#include <vm/map.h>
#include <vm/object.h>
#include <vm/page.h>
#include <ipc/ipc.h>
#include <kern/mig_kernel.h>
#include <kern/slab.h>
#include <mach/mach4.server.h>

struct vm_proxy {
	uint32_t	 px_refs;	/* atomic */
	vm_prot_t	 px_max_prot;	/* the rest never changes */
	struct ipc_port	*px_port;
	struct vm_object *px_object;	/* one of these two */
	struct vm_amap	*px_amap;
	uint64_t	 px_index;	/* first page */
	uint64_t	 px_size;	/* bytes from there */
};

static void
proxy_ref(void *v)
{
	__atomic_fetch_add(&((struct vm_proxy *)v)->px_refs, 1, __ATOMIC_RELAXED);
}

static void
proxy_release(struct vm_proxy *px)
{
	if (__atomic_fetch_sub(&px->px_refs, 1, __ATOMIC_ACQ_REL) != 1)
		return;
	if (px->px_object != NULL)
		vm_object_release(px->px_object);
	if (px->px_amap != NULL)
		vm_amap_release(px->px_amap);
	kfree(px, sizeof *px);
}

static void
proxy_no_senders(void *kobject, uint32_t mscount)
{
	struct vm_proxy *px = kobject;

	(void)mscount;
	ipc_port_destroy_kernel(px->px_port);
	proxy_release(px);
}

/* => takes over the references in px; a send right, or IP_NULL and px is gone */
static struct ipc_port *
proxy_publish(struct vm_proxy *px)
{
	px->px_refs = 1;
	px->px_port = ipc_port_create_kernel(IKOT_PAGER_PROXY, px);
	if (px->px_port == NULL) {
		proxy_release(px);
		return IP_NULL;
	}
	ipc_kobject_set_no_senders(px->px_port, proxy_no_senders);
	return ipc_port_make_send(px->px_port);
}

bool
vm_proxy_back(struct ipc_port *port, struct vm_entry *e, uint64_t offset, uint64_t size, bool copy, vm_prot_t *cur,
    vm_prot_t *max, kern_return_t *kr)
{
	struct vm_proxy *px = ipc_kobject_lookup(port, IKOT_PAGER_PROXY, proxy_ref);
	uint64_t index;

	if (px == NULL)
		return false;
	*kr = KERN_SUCCESS;
	*cur &= px->px_max_prot;
	*max &= px->px_max_prot;
	index = px->px_index + (offset >> PAGE_SHIFT);
	if (offset > px->px_size || size > page_round(px->px_size) - offset) {
		*kr = KERN_INVALID_ARGUMENT;
	} else if (px->px_amap != NULL) {
		if (copy) {
			e->ve_amap = vm_amap_copy(px->px_amap, index, size >> PAGE_SHIFT);
			if (e->ve_amap != NULL)
				vm_amap_write_protect(px->px_amap, index, size >> PAGE_SHIFT);
		} else {
			e->ve_amap = px->px_amap;
			vm_amap_ref(e->ve_amap);
		}
		e->ve_index = index;
		if (e->ve_amap == NULL)
			*kr = KERN_RESOURCE_SHORTAGE;
	} else if (copy && px->px_object->vo_kind == OBJECT_PAGER) {
		e->ve_amap = vm_amap_create(size >> PAGE_SHIFT, px->px_object, index);
		if (e->ve_amap == NULL)
			*kr = KERN_RESOURCE_SHORTAGE;
		else
			vm_object_write_protect(px->px_object, index, size >> PAGE_SHIFT);
	} else {
		e->ve_object = px->px_object;
		e->ve_index = index;
		e->ve_cache = px->px_object->vo_cache;
		*cur &= px->px_object->vo_max_prot;
		*max &= px->px_object->vo_max_prot;
		vm_object_ref(px->px_object);
	}
	proxy_release(px);
	return true;
}

kern_return_t
memory_object_create_proxy(ipc_space_t space, vm_prot_t max_protection, memory_object_array_t object,
    mach_msg_type_number_t object_count, rpc_vm_offset_array_t offset, mach_msg_type_number_t offset_count,
    rpc_vm_offset_array_t start, mach_msg_type_number_t start_count, rpc_vm_size_array_t len,
    mach_msg_type_number_t len_count, mach_port_t *proxy)
{
	struct vm_proxy *px;
	kern_return_t kr;

	if (space == NULL)
		return KERN_INVALID_TASK;
	/* one window only: what the interface defines so far */
	if (object_count != 1 || offset_count != 1 || start_count != 1 || len_count != 1 || start[0] != 0 ||
	    !IP_VALID(object[0]) || (offset[0] & PAGE_MASK) != 0 || len[0] == 0 || page_round(len[0]) < len[0] ||
	    offset[0] + len[0] < offset[0])
		return KERN_INVALID_ARGUMENT;
	px = kzalloc(sizeof *px);
	if (px == NULL)
		return KERN_RESOURCE_SHORTAGE;
	kr = vm_object_enter(object[0], &px->px_object);
	if (kr != KERN_SUCCESS) {
		kfree(px, sizeof *px);
		return kr;
	}
	px->px_max_prot = max_protection & VM_PROT_ALL;
	px->px_index = offset[0] >> PAGE_SHIFT;
	px->px_size = len[0];
	*proxy = proxy_publish(px);
	if (*proxy == IP_NULL)
		return KERN_RESOURCE_SHORTAGE;
	ipc_port_release_send(object[0]);
	return KERN_SUCCESS;
}

kern_return_t
vm_region_create_proxy(task_t task, vm_address_t address, vm_prot_t max_protection, vm_size_t len, mach_port_t *proxy)
{
	struct vm_proxy *px;
	struct vm_entry *e;
	struct vm_map *map;
	uint64_t start, end;

	if (task == NULL || len == 0 || !vm_range_round(address, len, &start, &end))
		return KERN_INVALID_ARGUMENT;
	map = task->tk_map;
	px = kzalloc(sizeof *px);
	if (px == NULL)
		return KERN_RESOURCE_SHORTAGE;
	rw_lock_write(&map->vm_lock);
	e = vm_entry_find(&map->vm_tree, start);
	if (e == NULL || e->ve_end < end || (e->ve_amap == NULL && e->ve_object == NULL)) {
		rw_unlock_write(&map->vm_lock);
		kfree(px, sizeof *px);
		return e == NULL ? KERN_INVALID_ADDRESS : KERN_INVALID_ARGUMENT;
	}
	px->px_index = e->ve_index + ((start - e->ve_start) >> PAGE_SHIFT);
	px->px_size = end - start;
	px->px_max_prot = max_protection & e->ve_max_prot;
	px->px_amap = e->ve_amap;
	px->px_object = e->ve_object;
	if (px->px_amap != NULL) {
		vm_amap_set_shared(px->px_amap);
		vm_amap_ref(px->px_amap);
	} else {
		vm_object_ref(px->px_object);
	}
	rw_unlock_write(&map->vm_lock);
	*proxy = proxy_publish(px);
	return *proxy != IP_NULL ? KERN_SUCCESS : KERN_RESOURCE_SHORTAGE;
}
