/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Wiring: keeping the pages of an entry resident and in place; and the identity of memory for gsync.
 *
 * The first wiring of an entry makes every page resident for the access asked and counts a wiring on it; the last
 * takes these back. Private memory is made writable first when the access includes it, so that no
 * copy-on-write happens below a wired page; copies of wired entries are made eagerly (vm_copy_backing).
 * LOCKS   all under the map's write lock. When a page has to be waited for, what was done is undone, the lock
 *         dropped, and everything is tried again from the start.
 * TESTS   tests/boot/vm_wire.c
 */
#include <vm/amap.h>
#include <vm/fault.h>
#include <vm/map.h>
#include <vm/object.h>
#include <vm/page.h>
#include <kern/panic.h>
#include <kern/wait.h>
#include <machine/pmap.h>

#define WIRE_TRIES	1000

/* => the lock of its owner held */
static void
unwire_page(struct vm_page *p)
{
	if (p == NULL || p->pg_wired == 0)
		return;
	/* the pageout daemon takes wired pages off their queue */
	if (p->pg_wired == 1 && p->pg_queue == PAGE_QUEUE_NONE && !(p->pg_flags & PG_LAUNDRY))
		vm_pageq_activate(p);
	vm_page_unwire(p);
}

static void
unwire_slot(struct vm_entry *e, uint64_t index)
{
	struct vm_object *o = e->ve_object;
	struct vm_anon *an;
	struct spinlock *l;

	if (e->ve_amap != NULL) {
		spin_lock(&e->ve_amap->am_lock);
		an = ptree_lookup(&e->ve_amap->am_tree, index, NULL);
		if (an != NULL) {
			l = vm_anon_lock(an);
			unwire_page(an->an_page);
			spin_unlock(l);
		}
		spin_unlock(&e->ve_amap->am_lock);
		if (an != NULL)
			return;
		o = e->ve_amap->am_backing;
		index += e->ve_amap->am_backing_index;
	}
	if (o == NULL || o->vo_kind == OBJECT_DEVICE)
		return;
	spin_lock(&o->vo_lock);
	unwire_page(ptree_lookup(&o->vo_pages, index, NULL));
	spin_unlock(&o->vo_lock);
}

/* take back the wirings of the first `pages` pages */
static void
unwire_pages(struct vm_entry *e, uint64_t pages)
{
	uint64_t i;

	for (i = 0; i < pages; i++)
		unwire_slot(e, e->ve_index + i);
}

void
vm_map_unwire_entry(struct vm_map *map, struct vm_entry *e)
{
	(void)map;
	KASSERT(e->ve_wired != 0);
	e->ve_wired = 0;
	unwire_pages(e, vm_entry_pages(e));
}

/* one attempt; on anything but DONE nothing is wired. RESOLVE_WAIT: the caller must unlock and block */
static enum resolve
wire_attempt(struct vm_map *map, struct vm_entry *e, vm_prot_t prot, kern_return_t *error)
{
	uint64_t i, pages = vm_entry_pages(e);
	enum resolve r = RESOLVE_DONE;
	struct fault f;

	for (i = 0; i < pages; i++) {
		f = (struct fault){ .f_pmap = map->vm_pmap, .f_va = e->ve_start + (i << PAGE_SHIFT), .f_want = prot,
		    .f_enter = true, .f_wire = true };
		do
			r = vm_fault_resolve(&f, e);
		while (r == RESOLVE_AGAIN);
		if (r != RESOLVE_DONE)
			break;
	}
	if (r == RESOLVE_DONE)
		return r;
	if (r == RESOLVE_ERROR)
		*error = f.f_error;
	unwire_pages(e, i);
	return r;
}

/* => never waits: KERN_RESOURCE_SHORTAGE when it would have to */
kern_return_t
vm_map_wire_entry(struct vm_map *map, struct vm_entry *e, vm_prot_t prot)
{
	kern_return_t kr = KERN_RESOURCE_SHORTAGE;
	enum resolve r = wire_attempt(map, e, prot, &kr);

	if (r == RESOLVE_WAIT)
		thread_wait_cancel();
	if (r != RESOLVE_DONE)
		return kr;
	e->ve_wired = 1;
	e->ve_wired_prot = prot;
	return KERN_SUCCESS;
}

/* drop one wiring of each entry in [start, end) */
static void
unwire_range(struct vm_map *map, uint64_t start, uint64_t end)
{
	struct vm_entry *e;

	for (e = vm_entry_find_from(&map->vm_tree, start); e != NULL && e->ve_start < end;
	    e = vm_entry_next(&map->vm_tree, e)) {
		if (e->ve_wired > 1)
			e->ve_wired--;
		else if (e->ve_wired == 1)
			vm_map_unwire_entry(map, e);
	}
}

/* one pass over the range. => lock held; anything but DONE: nothing is wired by this pass */
static enum resolve
wire_pass(struct vm_map *map, uint64_t start, uint64_t end, vm_prot_t prot, kern_return_t *kr)
{
	struct vm_entry *e;
	enum resolve r = RESOLVE_DONE;

	*kr = vm_map_check_range(map, start, end, prot);
	if (*kr == KERN_SUCCESS && !vm_map_clip_range(map, start, end))
		*kr = KERN_RESOURCE_SHORTAGE;
	if (*kr != KERN_SUCCESS)
		return RESOLVE_ERROR;
	for (e = vm_entry_find(&map->vm_tree, start); e != NULL && e->ve_start < end;
	    e = vm_entry_next(&map->vm_tree, e)) {
		if (e->ve_wired == UINT16_MAX) {
			*kr = KERN_RESOURCE_SHORTAGE;
			r = RESOLVE_ERROR;
		} else if (e->ve_wired != 0) {
			e->ve_wired++;
		} else {
			r = wire_attempt(map, e, prot, kr);
			if (r == RESOLVE_DONE) {
				e->ve_wired = 1;
				e->ve_wired_prot = prot;
			}
		}
		if (r != RESOLVE_DONE) {
			unwire_range(map, start, e->ve_start);
			break;
		}
	}
	return r;
}

kern_return_t
vm_map_wire(struct vm_map *map, uint64_t start, uint64_t end, vm_prot_t prot)
{
	unsigned tries;
	enum resolve r;
	kern_return_t kr = KERN_SUCCESS;

	if (start >= end)
		return KERN_SUCCESS;
	for (tries = 0; tries < WIRE_TRIES; tries++) {
		rw_lock_write(&map->vm_lock);
		if (prot == VM_PROT_NONE) {
			if (vm_map_clip_range(map, start, end))
				unwire_range(map, start, end);
			else
				kr = KERN_RESOURCE_SHORTAGE;
			rw_unlock_write(&map->vm_lock);
			return kr;
		}
		r = wire_pass(map, start, end, prot, &kr);
		rw_unlock_write(&map->vm_lock);
		if (r == RESOLVE_DONE)
			return KERN_SUCCESS;
		if (r == RESOLVE_ERROR)
			return kr;
		if (r == RESOLVE_WAIT && thread_block(NULL) == WAIT_INTERRUPTED)
			return KERN_ABORTED;
		if (r == RESOLVE_SHORTAGE && !vm_page_wait())
			return KERN_RESOURCE_SHORTAGE;
	}
	return KERN_RESOURCE_SHORTAGE;
}

/* gsync keys: low bits of vk_base say what it is */
enum { KEY_MAP = 0, KEY_AMAP = 1, KEY_OBJECT = 2, KEY_KIND = 3 };

void
vm_map_key_private(struct vm_map *map, uint64_t addr, struct vm_key *key)
{
	vm_map_ref(map);
	key->vk_base = map;
	key->vk_offset = addr;
}

kern_return_t
vm_map_key(struct vm_map *map, uint64_t addr, bool shared, struct vm_key *key)
{
	struct vm_entry *e;
	kern_return_t kr = KERN_SUCCESS;

	rw_lock_read(&map->vm_lock);
	e = vm_entry_find(&map->vm_tree, addr);
	if (e == NULL || e->ve_prot == VM_PROT_NONE) {
		kr = KERN_INVALID_ADDRESS;
	} else if (!shared || (e->ve_amap == NULL && e->ve_object == NULL)) {
		vm_map_key_private(map, addr, key);
	} else {
		key->vk_offset = (e->ve_index << PAGE_SHIFT) + (addr - e->ve_start);
		if (e->ve_amap != NULL) {
			vm_amap_ref(e->ve_amap);
			key->vk_base = (char *)e->ve_amap + KEY_AMAP;
		} else {
			vm_object_ref(e->ve_object);
			key->vk_base = (char *)e->ve_object + KEY_OBJECT;
		}
	}
	rw_unlock_read(&map->vm_lock);
	return kr;
}

void
vm_map_key_release(struct vm_key *key)
{
	uintptr_t base = (uintptr_t)key->vk_base;

	if ((base & KEY_KIND) == KEY_AMAP)
		vm_amap_release((struct vm_amap *)(base - KEY_AMAP));
	else if ((base & KEY_KIND) == KEY_OBJECT)
		vm_object_release((struct vm_object *)(base - KEY_OBJECT));
	else
		vm_map_release((struct vm_map *)base);
}
