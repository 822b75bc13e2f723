/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Address maps: entries, their attributes, inheritance (see map.h, entry.h).
 *
 * REFS    an entry owns one reference to its amap or object. Parts of a clipped entry share the amap with disjoint slots.
 * LOCKS   vm_lock for writing in everything that changes entries. Backings of removed entries are released after
 *         unlocking, since that may free much memory. Parent before child in vm_map_fork (the child is not visible).
 * TESTS   tests/unit/vm/entry_test.c, tests/boot/vm_*.c
 */
#include <vm/map.h>
#include <vm/amap.h>
#include <vm/copy.h>
#include <vm/fault.h>
#include <vm/kmem.h>
#include <vm/object.h>
#include <vm/page.h>
#include <vm/swap.h>
#include <vm/pageout.h>
#include <kern/counter.h>
#include <kern/panic.h>
#include <kern/slab.h>
#include <kern/timer.h>
#include <machine/pmap.h>

/* the lowest address chosen when the user leaves the choice: page 0 stays free for null pointers */
#define FIRST_ANYWHERE	PAGE_SIZE

static const struct lock_class map_class = { "vm map", LOCK_RANK_MAP, LOCK_CLASS_MULTIPLE };

static struct slab_cache *map_cache, *entry_cache;

void
vm_init(void)
{
	map_cache = slab_cache_create("vm map", sizeof(struct vm_map), 8);
	entry_cache = slab_cache_create("vm entry", sizeof(struct vm_entry), 8);
	vm_amap_bootstrap();
	vm_object_bootstrap();
	vm_swap_bootstrap();
	vm_copy_bootstrap();
	kmem_bootstrap();
}

bool
vm_range_round(uint64_t addr, uint64_t size, uint64_t *start, uint64_t *end)
{
	uint64_t stop;

	if (addr > VM_USER_MAX || __builtin_add_overflow(addr, size, &stop) || stop > VM_USER_MAX)
		return false;
	*start = page_trunc(addr);
	*end = page_round(stop);		/* VM_USER_MAX is page aligned */
	return true;
}

/* entries */

struct vm_entry *
vm_map_new_entry(void)
{
	struct vm_entry *e = fault_point("vm_entry") ? NULL : slab_zalloc(entry_cache);

	if (e != NULL)
		counter_add(COUNT_MAP_ENTRY, 1);
	return e;
}

void
vm_map_free_entry(struct vm_entry *e)
{
	if (e->ve_amap != NULL)
		vm_amap_release(e->ve_amap);
	if (e->ve_object != NULL)
		vm_object_release(e->ve_object);
	counter_add(COUNT_MAP_ENTRY, -1);
	slab_free(entry_cache, e);
}

void
vm_map_entry_dispose(struct vm_entry *e)
{
	if (e->ve_amap != NULL && __atomic_load_n(&e->ve_amap->am_refs, __ATOMIC_ACQUIRE) != 1)
		vm_amap_clear(e->ve_amap, e->ve_index, vm_entry_pages(e));
	vm_map_free_entry(e);
}

void
vm_map_link_entry(struct vm_map *map, struct vm_entry *e)
{
	vm_entry_insert(&map->vm_tree, e);
	map->vm_size += e->ve_end - e->ve_start;
	if (e->ve_max_prot == VM_PROT_NONE)
		map->vm_size_none += e->ve_end - e->ve_start;
}

void
vm_map_unlink_entry(struct vm_map *map, struct vm_entry *e)
{
	vm_entry_remove(&map->vm_tree, e);
	map->vm_size -= e->ve_end - e->ve_start;
	if (e->ve_max_prot == VM_PROT_NONE)
		map->vm_size_none -= e->ve_end - e->ve_start;
}

/* split e so that one part ends and the next begins at addr, which lies inside; e becomes the upper part */
static bool
clip(struct vm_map *map, struct vm_entry *e, uint64_t addr)
{
	struct vm_entry *low = vm_map_new_entry();

	if (low == NULL)
		return false;
	*low = *e;
	if (e->ve_amap != NULL)
		vm_amap_ref(e->ve_amap);
	if (e->ve_object != NULL)
		vm_object_ref(e->ve_object);
	low->ve_end = addr;
	e->ve_index += (addr - e->ve_start) >> PAGE_SHIFT;
	vm_entry_resize(&map->vm_tree, e, addr, e->ve_end);
	vm_entry_insert(&map->vm_tree, low);
	return true;
}

bool
vm_map_clip_range(struct vm_map *map, uint64_t start, uint64_t end)
{
	struct vm_entry *e = vm_entry_find(&map->vm_tree, start);

	if (e != NULL && e->ve_start < start && !clip(map, e, start))
		return false;
	e = end < map->vm_tree.et_max ? vm_entry_find(&map->vm_tree, end) : NULL;
	return e == NULL || e->ve_start >= end || clip(map, e, end);
}

kern_return_t
vm_map_check_range(struct vm_map *map, uint64_t start, uint64_t end, vm_prot_t prot)
{
	struct vm_entry *e = vm_entry_find(&map->vm_tree, start);
	uint64_t at = start;

	for (; at < end; at = e->ve_end, e = vm_entry_next(&map->vm_tree, e)) {
		if (e == NULL || e->ve_start > at)
			return KERN_INVALID_ADDRESS;
		if ((e->ve_prot & prot) != prot)
			return KERN_PROTECTION_FAILURE;
	}
	return KERN_SUCCESS;
}

static bool
entries_alike(const struct vm_entry *a, const struct vm_entry *b)
{
	return a->ve_end == b->ve_start && a->ve_amap == b->ve_amap && a->ve_object == b->ve_object &&
	    (a->ve_amap == NULL || a->ve_index + vm_entry_pages(a) == b->ve_index) &&
	    (a->ve_object == NULL || a->ve_index + vm_entry_pages(a) == b->ve_index) &&
	    a->ve_prot == b->ve_prot && a->ve_max_prot == b->ve_max_prot && a->ve_inherit == b->ve_inherit &&
	    a->ve_wired == b->ve_wired && a->ve_wired_prot == b->ve_wired_prot && a->ve_cache == b->ve_cache;
}

/* join the entries around [start, end) that have become parts of one again */
static void
simplify(struct vm_map *map, uint64_t start, uint64_t end)
{
	struct vm_entry *e = vm_entry_find_from(&map->vm_tree, start), *prev;

	while (e != NULL && e->ve_start <= end) {
		struct vm_entry *next = vm_entry_next(&map->vm_tree, e);

		prev = vm_entry_prev(&map->vm_tree, e);
		if (prev != NULL && entries_alike(prev, e)) {
			uint64_t stop = e->ve_end;

			vm_entry_remove(&map->vm_tree, e);
			vm_entry_resize(&map->vm_tree, prev, prev->ve_start, stop);
			vm_map_free_entry(e);	/* not the last reference to its backing: nothing to free below it */
		}
		e = next;
	}
}

/* maps */

uint32_t vm_map_seed;

static struct vm_map *
map_alloc(struct pmap *pmap)
{
	struct vm_map *map = fault_point("vm_map") ? NULL : slab_zalloc(map_cache);

	if (map == NULL)
		return NULL;
	rw_lock_init(&map->vm_lock, &map_class);
	vm_entry_tree_init(&map->vm_tree, VM_USER_MIN, VM_USER_MAX, vm_map_seed != 0 ? vm_map_seed : (uint32_t)clock_uptime_ns());
	map->vm_pmap = pmap;
	map->vm_refs = 1;
	map->vm_size_limit = map->vm_size_limit_max = vm_page_total() << PAGE_SHIFT;
	counter_add(COUNT_MAP, 1);
	return map;
}

struct vm_map *
vm_map_create(void)
{
	struct pmap *pmap = pmap_create();
	struct vm_map *map;

	if (pmap == NULL)
		return NULL;
	map = map_alloc(pmap);
	if (map == NULL)
		pmap_destroy(pmap);
	return map;
}

void
vm_map_ref(struct vm_map *map)
{
	__atomic_fetch_add(&map->vm_refs, 1, __ATOMIC_RELAXED);
}

void
vm_map_release(struct vm_map *map)
{
	if (map == NULL || __atomic_fetch_sub(&map->vm_refs, 1, __ATOMIC_ACQ_REL) != 1)
		return;
	vm_map_clear(map);
	pmap_destroy(map->vm_pmap);
	counter_add(COUNT_MAP, -1);
	slab_free(map_cache, map);
}

void
vm_map_clear(struct vm_map *map)
{
	rw_lock_write(&map->vm_lock);
	map->vm_dead = true;
	rw_unlock_write(&map->vm_lock);
	vm_map_remove(map, VM_USER_MIN, VM_USER_MAX);
}

static bool
within_limit(const struct vm_map *map, uint64_t size)
{
	uint64_t used = map->vm_size - map->vm_size_none;

	return used <= map->vm_size_limit && size <= map->vm_size_limit - used;
}

kern_return_t
vm_map_find_space(struct vm_map *map, uint64_t size, uint64_t mask, uint64_t *start)
{
	unsigned shift;

	/* alignment to the highest bit of the mask satisfies any mask */
	mask |= PAGE_MASK;
	for (shift = 1; (mask & (mask + 1)) != 0; shift <<= 1)
		mask |= mask >> shift;
	return vm_entry_find_space(&map->vm_tree, FIRST_ANYWHERE, size, mask, start) ? KERN_SUCCESS : KERN_NO_SPACE;
}

/* is [start, end) free and inside the map? */
static kern_return_t
check_free(struct vm_map *map, uint64_t start, uint64_t end)
{
	struct vm_entry *e;

	if (start >= end || end > map->vm_tree.et_max || start < map->vm_tree.et_min)
		return KERN_INVALID_ADDRESS;
	e = vm_entry_find_from(&map->vm_tree, start);
	return e == NULL || e->ve_start >= end ? KERN_SUCCESS : KERN_NO_SPACE;
}

/* choose or check the place of a new entry. => lock held */
static kern_return_t
place(struct vm_map *map, uint64_t size, uint64_t mask, bool anywhere, vm_prot_t max_prot, uint64_t *start)
{
	if (map->vm_dead)
		return KERN_INVALID_ARGUMENT;
	if (anywhere) {
		if (size > VM_USER_MAX)
			return KERN_NO_SPACE;
	} else if (*start > VM_USER_MAX || size > VM_USER_MAX - *start) {
		return KERN_INVALID_ADDRESS;
	} else if (*start & mask) {
		return KERN_NO_SPACE;
	}
	if (max_prot != VM_PROT_NONE && !within_limit(map, size))
		return KERN_NO_SPACE;
	if (anywhere)
		return vm_map_find_space(map, size, mask, start);
	return check_free(map, *start, *start + size);
}

/* extend the anonymous entry that ends where the new one would begin */
static bool
grow_previous(struct vm_map *map, uint64_t start, uint64_t size, struct vm_attr attr)
{
	struct vm_entry *e = start == 0 ? NULL : vm_entry_find(&map->vm_tree, start - 1);

	if (e == NULL || e->ve_amap == NULL || e->ve_wired != 0 || map->vm_wire_future ||
	    e->ve_prot != attr.va_prot || e->ve_max_prot != attr.va_max_prot || e->ve_inherit != attr.va_inherit ||
	    attr.va_max_prot == VM_PROT_NONE ||
	    !vm_amap_extend(e->ve_amap, e->ve_index + vm_entry_pages(e), size >> PAGE_SHIFT))
		return false;
	vm_entry_resize(&map->vm_tree, e, e->ve_start, e->ve_end + size);
	map->vm_size += size;
	return true;
}

static void
entry_set(struct vm_entry *e, uint64_t start, uint64_t size, struct vm_attr attr)
{
	e->ve_start = start;
	e->ve_end = start + size;
	e->ve_prot = attr.va_prot;
	e->ve_max_prot = attr.va_max_prot;
	e->ve_inherit = attr.va_inherit;
}

/* give a new entry its backing. => KERN_RESOURCE_SHORTAGE */
static kern_return_t
entry_back(struct vm_entry *e, uint64_t size, struct vm_object *object, uint64_t offset, bool copy)
{
	if (object == NULL) {
		e->ve_amap = vm_amap_create(size >> PAGE_SHIFT, NULL, 0);
	} else if (copy && object->vo_kind == OBJECT_PAGER) {
		e->ve_amap = vm_amap_create(size >> PAGE_SHIFT, object, offset >> PAGE_SHIFT);
	} else {
		e->ve_object = object;
		e->ve_index = offset >> PAGE_SHIFT;
		e->ve_cache = object->vo_cache;
		vm_object_ref(object);
		return KERN_SUCCESS;
	}
	return e->ve_amap != NULL ? KERN_SUCCESS : KERN_RESOURCE_SHORTAGE;
}

/* => size is page aligned and not 0; e has its backing; the caller keeps it on failure */
kern_return_t
vm_map_enter_entry(struct vm_map *map, uint64_t *addr, uint64_t size, uint64_t mask, bool anywhere,
    struct vm_entry *e, struct vm_attr attr)
{
	bool fresh = e->ve_amap != NULL && e->ve_amap->am_backing == NULL && !e->ve_amap->am_shared;
	uint64_t start = page_trunc(*addr);
	kern_return_t kr;

	rw_lock_write(&map->vm_lock);
	kr = place(map, size, mask, anywhere, attr.va_max_prot, &start);
	if (kr == KERN_SUCCESS) {
		if (fresh && !anywhere && grow_previous(map, start, size, attr)) {
			rw_unlock_write(&map->vm_lock);
			vm_map_free_entry(e);
			*addr = start;
			return KERN_SUCCESS;
		}
		entry_set(e, start, size, attr);
		vm_map_link_entry(map, e);
		if (map->vm_wire_future && attr.va_prot != VM_PROT_NONE)
			kr = vm_map_wire_entry(map, e, attr.va_prot);
		if (kr != KERN_SUCCESS) {
			vm_map_unlink_entry(map, e);
			pmap_remove(map->vm_pmap, start, start + size);
		}
	}
	rw_unlock_write(&map->vm_lock);
	if (kr == KERN_SUCCESS)
		*addr = start;
	return kr;
}

kern_return_t
vm_map_enter(struct vm_map *map, uint64_t *addr, uint64_t size, uint64_t mask, bool anywhere, struct vm_object *object,
    uint64_t offset, bool copy, struct vm_attr attr)
{
	struct vm_entry *e = vm_map_new_entry();
	kern_return_t kr;

	if (e == NULL)
		return KERN_RESOURCE_SHORTAGE;
	kr = entry_back(e, size, object, offset, copy);
	/* a private copy is a snapshot: what others map writable must push from now on */
	if (kr == KERN_SUCCESS && object != NULL && e->ve_amap != NULL)
		vm_object_write_protect(object, offset >> PAGE_SHIFT, size >> PAGE_SHIFT);
	if (kr == KERN_SUCCESS)
		kr = vm_map_enter_entry(map, addr, size, mask, anywhere, e, attr);
	if (kr != KERN_SUCCESS)
		vm_map_free_entry(e);
	return kr;
}

kern_return_t
vm_map_allocate(struct vm_map *map, uint64_t *addr, uint64_t size, bool anywhere)
{
	if (size == 0) {
		*addr = 0;
		return KERN_SUCCESS;
	}
	if (page_round(size) < size)
		return anywhere ? KERN_NO_SPACE : KERN_INVALID_ADDRESS;
	return vm_map_enter(map, addr, page_round(size), 0, anywhere, NULL, 0, false, VM_ATTR_DEFAULT);
}

kern_return_t
vm_map_enter_anon(struct vm_map *map, uint64_t addr, uint64_t size, vm_prot_t cur, vm_prot_t max)
{
	uint64_t start, end;

	if (size == 0)
		return KERN_SUCCESS;
	if (!vm_range_round(addr, size, &start, &end))
		return KERN_INVALID_ADDRESS;
	return vm_map_enter(map, &start, end - start, 0, false, NULL, 0, false,
	    (struct vm_attr){ cur, max, VM_INHERIT_DEFAULT });
}

kern_return_t
vm_map_remove(struct vm_map *map, uint64_t start, uint64_t end)
{
	struct vm_entry *e, *next;
	struct queue gone, *q;

	if (start >= end)
		return KERN_SUCCESS;
	KASSERT(((start | end) & PAGE_MASK) == 0);
	queue_init(&gone);
	rw_lock_write(&map->vm_lock);
	if (!vm_map_clip_range(map, start, end)) {
		rw_unlock_write(&map->vm_lock);
		return KERN_RESOURCE_SHORTAGE;
	}
	for (e = vm_entry_find_from(&map->vm_tree, start); e != NULL && e->ve_start < end; e = next) {
		next = vm_entry_next(&map->vm_tree, e);
		if (e->ve_wired != 0)
			vm_map_unwire_entry(map, e);
		vm_map_unlink_entry(map, e);
		pmap_remove(map->vm_pmap, e->ve_start, e->ve_end);
		queue_push_tail(&gone, &e->ve_link);
	}
	rw_unlock_write(&map->vm_lock);
	while ((q = queue_pop_head(&gone)) != NULL)
		vm_map_entry_dispose(queue_entry(q, struct vm_entry, ve_link));
	vm_page_wake();
	return KERN_SUCCESS;
}

kern_return_t
vm_map_protect(struct vm_map *map, uint64_t start, uint64_t end, vm_prot_t prot, bool set_max)
{
	struct vm_entry *e;
	kern_return_t kr = KERN_SUCCESS;

	if (start >= end)
		return KERN_SUCCESS;
	rw_lock_write(&map->vm_lock);
	for (e = vm_entry_find_from(&map->vm_tree, start); e != NULL && e->ve_start < end;
	    e = vm_entry_next(&map->vm_tree, e))
		if ((e->ve_max_prot & prot) != prot)
			kr = KERN_PROTECTION_FAILURE;
	if (kr == KERN_SUCCESS && !vm_map_clip_range(map, start, end))
		kr = KERN_RESOURCE_SHORTAGE;
	if (kr != KERN_SUCCESS) {
		rw_unlock_write(&map->vm_lock);
		return kr;
	}
	for (e = vm_entry_find_from(&map->vm_tree, start); e != NULL && e->ve_start < end;
	    e = vm_entry_next(&map->vm_tree, e)) {
		vm_prot_t old = e->ve_prot;

		if (set_max) {
			if (prot == VM_PROT_NONE && e->ve_max_prot != VM_PROT_NONE)
				map->vm_size_none += e->ve_end - e->ve_start;
			e->ve_max_prot = prot;
			e->ve_prot &= prot;
		} else {
			e->ve_prot = prot;
		}
		/* access gained comes by faults, which know about copy-on-write */
		if (old & ~e->ve_prot)
			pmap_protect(map->vm_pmap, e->ve_start, e->ve_end, old & e->ve_prot);
	}
	simplify(map, start, end);
	rw_unlock_write(&map->vm_lock);
	return KERN_SUCCESS;
}

kern_return_t
vm_map_set_inherit(struct vm_map *map, uint64_t start, uint64_t end, vm_inherit_t inherit)
{
	struct vm_entry *e;

	if (start >= end)
		return KERN_SUCCESS;
	rw_lock_write(&map->vm_lock);
	if (!vm_map_clip_range(map, start, end)) {
		rw_unlock_write(&map->vm_lock);
		return KERN_RESOURCE_SHORTAGE;
	}
	for (e = vm_entry_find_from(&map->vm_tree, start); e != NULL && e->ve_start < end;
	    e = vm_entry_next(&map->vm_tree, e))
		e->ve_inherit = inherit;
	simplify(map, start, end);
	rw_unlock_write(&map->vm_lock);
	return KERN_SUCCESS;
}

/* inheritance */

/* the amap copied last: the next part of a clipped region takes the same copy, whole and in constant time */
struct fork_state {
	struct vm_amap	*fs_amap, *fs_copy;
};

/*
 * A copy of e in c. The slots of a private amap that no entry covers are empty, so all parts of a region may share one
 * copy of all of it.
 */
static kern_return_t
fork_copy(struct vm_map *map, struct vm_entry *e, struct vm_entry *c, struct fork_state *fs)
{
	struct vm_amap *am = e->ve_amap;

	if (am == NULL || vm_amap_is_shared(am) || e->ve_wired != 0)
		return vm_copy_backing(map, e, e->ve_start, e->ve_end, c);
	if (am == fs->fs_amap) {
		c->ve_amap = fs->fs_copy;
		vm_amap_ref(fs->fs_copy);
	} else {
		c->ve_amap = vm_amap_copy(am, 0, am->am_slots);
		if (c->ve_amap == NULL)
			return KERN_RESOURCE_SHORTAGE;
		fs->fs_amap = am;
		fs->fs_copy = c->ve_amap;
	}
	c->ve_index = e->ve_index;
	if (e->ve_prot & VM_PROT_WRITE)
		pmap_protect(map->vm_pmap, e->ve_start, e->ve_end, e->ve_prot & ~VM_PROT_WRITE);
	return KERN_SUCCESS;
}

static kern_return_t
fork_entry(struct vm_map *map, struct vm_entry *e, struct vm_map *child, struct fork_state *fs)
{
	struct vm_entry *c;
	kern_return_t kr = KERN_SUCCESS;

	if (e->ve_inherit == VM_INHERIT_NONE)
		return KERN_SUCCESS;
	c = vm_map_new_entry();
	if (c == NULL)
		return KERN_RESOURCE_SHORTAGE;
	if (e->ve_inherit == VM_INHERIT_SHARE) {
		c->ve_amap = e->ve_amap;
		c->ve_object = e->ve_object;
		c->ve_index = e->ve_index;
		if (c->ve_amap != NULL) {
			vm_amap_set_shared(c->ve_amap);
			vm_amap_ref(c->ve_amap);
		} else {
			vm_object_ref(c->ve_object);
		}
	} else {
		kr = fork_copy(map, e, c, fs);
	}
	if (kr != KERN_SUCCESS) {
		vm_map_free_entry(c);
		return kr;
	}
	c->ve_start = e->ve_start;
	c->ve_end = e->ve_end;
	c->ve_prot = e->ve_prot;
	c->ve_max_prot = e->ve_max_prot;
	c->ve_inherit = e->ve_inherit;
	c->ve_cache = e->ve_cache;
	vm_map_link_entry(child, c);
	return KERN_SUCCESS;
}

struct vm_map *
vm_map_fork(struct vm_map *map)
{
	struct vm_map *child = vm_map_create();
	struct fork_state fs = { NULL, NULL };
	struct vm_entry *e;
	kern_return_t kr = KERN_SUCCESS;

	if (child == NULL)
		return NULL;
	rw_lock_write(&map->vm_lock);
	child->vm_size_limit = map->vm_size_limit;
	child->vm_size_limit_max = map->vm_size_limit_max;
	for (e = vm_entry_first(&map->vm_tree); e != NULL && kr == KERN_SUCCESS; e = vm_entry_next(&map->vm_tree, e))
		kr = fork_entry(map, e, child, &fs);
	rw_unlock_write(&map->vm_lock);
	if (kr != KERN_SUCCESS) {
		vm_map_release(child);
		return NULL;
	}
	return child;
}
