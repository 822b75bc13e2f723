/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copies of memory in transit: copyin, copyout, overwrite (see copy.h).
 *
 * Snapshot rule: when copyin returns, no mapping anywhere can change what the copy holds. The tree of an anonymous region is shared
 * first, under its lock, so that later faults see it shared; existing writable mappings are lowered next. A move
 * takes the entries themselves after their mappings are gone.
 * RIGHTS  a copy is consumed on success only, except by discard.
 * LOCKS   the map's, for writing, in copyin and copyout. Access to pages of copies and of other maps pins pages and
 *         holds no lock while bytes are moved.
 * TESTS   tests/boot/vm_copy.c
 */
#include <vm/copy.h>
#include <debug/stale.h>
#include <vm/amap.h>
#include <vm/fault.h>
#include <vm/map.h>
#include <vm/object.h>
#include <vm/page.h>
#include <kern/counter.h>
#include <kern/panic.h>
#include <kern/slab.h>
#include <kern/string.h>
#include <kern/task.h>
#include <kern/thread.h>
#include <kern/wait.h>
#include <machine/copy.h>
#include <machine/cpu.h>
#include <machine/pmap.h>

static struct slab_cache *copy_cache;

void
vm_copy_bootstrap(void)
{
	copy_cache = slab_cache_create("vm map copy", sizeof(struct vm_map_copy), 8);
}

static struct vm_map_copy *
copy_alloc(uint64_t size, bool bytes)
{
	struct vm_map_copy *c;

	if (fault_point("vm_map_copy"))
		return NULL;
	c = bytes ? kalloc(sizeof *c + size) : slab_alloc(copy_cache);
	if (c == NULL)
		return NULL;
	c->cp_size = size;
	c->cp_offset = 0;
	queue_init(&c->cp_entries);
	c->cp_bytes = bytes;
	c->cp_laundry = false;
	counter_add(COUNT_MAP_COPY, 1);
	return c;
}

/* => its entries are gone */
static void
copy_free(struct vm_map_copy *c)
{
	counter_add(COUNT_MAP_COPY, -1);
	if (c->cp_bytes)
		kfree(c, sizeof *c + c->cp_size);
	else
		slab_free(copy_cache, c);
}

void
vm_map_copy_discard(struct vm_map_copy *c)
{
	struct queue *q;

	if (c == NULL)
		return;
	while ((q = queue_pop_head(&c->cp_entries)) != NULL)
		vm_map_entry_dispose(queue_entry(q, struct vm_entry, ve_link));
	copy_free(c);
}

uint64_t
vm_map_copy_size(const struct vm_map_copy *c)
{
	return c == NULL ? 0 : c->cp_size;
}

/* copies of entries */

/* page by page into fresh memory: for wired and device memory, whose pages have to stay where they are */
static kern_return_t
copy_eagerly(struct vm_map *map, struct vm_entry *e, uint64_t start, uint64_t end, struct vm_entry *to)
{
	struct vm_amap *am = vm_amap_create((end - start) >> PAGE_SHIFT, NULL, 0);
	kern_return_t kr = KERN_SUCCESS;
	uint64_t va;

	if (am == NULL)
		return KERN_RESOURCE_SHORTAGE;
	for (va = start; va < end && kr == KERN_SUCCESS; va += PAGE_SIZE) {
		struct fault f = { .f_pmap = map->vm_pmap, .f_va = va, .f_want = VM_PROT_READ, .f_pin = true };
		struct vm_page *p;

		/* resident by its nature; a wired object page whose pager fails is an error like any other */
		enum resolve r = vm_fault_resolve(&f, e);

		if (r == RESOLVE_WAIT)
			thread_wait_cancel();
		if (r != RESOLVE_DONE) {
			kr = r == RESOLVE_SHORTAGE ? KERN_RESOURCE_SHORTAGE : KERN_MEMORY_ERROR;
			break;
		}
		p = f.f_phys < boot_memory_max ? vm_page_grab() : NULL;
		if (p != NULL) {
			pmap_copy_page(f.f_phys, vm_page_to_phys(p));
			spin_lock(&am->am_lock);
			kr = vm_amap_insert_locked(am, (va - start) >> PAGE_SHIFT, p);
			spin_unlock(&am->am_lock);
			if (kr == KERN_SUCCESS)
				vm_pageq_activate(p);
			else
				vm_page_release(p);
		} else {
			kr = KERN_RESOURCE_SHORTAGE;
		}
		if (f.f_page != NULL)
			vm_page_unpin(f.f_page);
	}
	if (kr != KERN_SUCCESS) {
		vm_amap_release(am);
		return kr;
	}
	to->ve_amap = am;
	to->ve_index = 0;
	return KERN_SUCCESS;
}

kern_return_t
vm_copy_backing(struct vm_map *map, struct vm_entry *e, uint64_t start, uint64_t end, struct vm_entry *to)
{
	uint64_t index = e->ve_index + ((start - e->ve_start) >> PAGE_SHIFT);
	uint64_t pages = (end - start) >> PAGE_SHIFT;

	if (e->ve_amap == NULL && e->ve_object == NULL)
		return KERN_INVALID_ADDRESS;
	if (e->ve_wired != 0 || (e->ve_object != NULL && e->ve_object->vo_kind == OBJECT_DEVICE))
		return copy_eagerly(map, e, start, end, to);
	if (e->ve_amap == NULL) {
		to->ve_amap = vm_amap_create(pages, e->ve_object, index);
		if (to->ve_amap == NULL)
			return KERN_RESOURCE_SHORTAGE;
		vm_object_write_protect(e->ve_object, index, pages);
		return KERN_SUCCESS;
	}
	to->ve_amap = vm_amap_copy(e->ve_amap, index, pages);
	if (to->ve_amap == NULL)
		return KERN_RESOURCE_SHORTAGE;
	to->ve_index = index;
	if (vm_amap_is_shared(e->ve_amap))
		vm_amap_write_protect(e->ve_amap, index, pages);
	else if (e->ve_prot & VM_PROT_WRITE)
		pmap_protect(map->vm_pmap, start, end, e->ve_prot & ~VM_PROT_WRITE);
	return KERN_SUCCESS;
}

/* move bytes between the kernel and any map, page by page */

static bool
bytes_in_range(uint64_t addr, uint64_t size)
{
	return addr <= VM_USER_MAX && size <= VM_USER_MAX - addr;
}

kern_return_t
vm_map_read_kernel(struct vm_map *map, uint64_t addr, void *buf, uint64_t size)
{
	return bytes_in_range(addr, size) ? vm_map_move_bytes(map, addr, buf, size, false) : KERN_INVALID_ADDRESS;
}

kern_return_t
vm_map_write_kernel(struct vm_map *map, uint64_t addr, const void *buf, uint64_t size)
{
	return bytes_in_range(addr, size) ? vm_map_move_bytes(map, addr, (uint8_t *)buf, size, true) : KERN_INVALID_ADDRESS;
}

/* copyin */

static bool
is_current_map(const struct vm_map *map)
{
	return current_thread()->th_task->tk_map == map;
}

static kern_return_t
copyin_bytes(struct vm_map *map, uint64_t addr, uint64_t size, struct vm_map_copy **out)
{
	struct vm_map_copy *c = copy_alloc(size, true);
	kern_return_t kr;

	if (c == NULL)
		return KERN_RESOURCE_SHORTAGE;
	if (is_current_map(map))
		kr = copyin(addr, c->cp_data, size);
	else
		kr = vm_map_read_kernel(map, addr, c->cp_data, size);
	if (kr != KERN_SUCCESS) {
		copy_free(c);
		return kr;
	}
	c->cp_offset = addr & PAGE_MASK;
	*out = c;
	return KERN_SUCCESS;
}

/* an entry for the part of e in [start, end), appended to the copy with addresses from 0 */
static struct vm_entry *
copy_append(struct vm_map_copy *c, uint64_t base, uint64_t start, uint64_t end)
{
	struct vm_entry *to = vm_map_new_entry();

	if (to == NULL)
		return NULL;
	to->ve_start = start - base;
	to->ve_end = end - base;
	to->ve_prot = VM_PROT_DEFAULT;
	to->ve_max_prot = VM_PROT_ALL;
	to->ve_inherit = VM_INHERIT_DEFAULT;
	queue_push_tail(&c->cp_entries, &to->ve_link);
	return to;
}

/* => map write-locked, range checked */
static kern_return_t
copy_entries(struct vm_map *map, uint64_t start, uint64_t end, struct vm_map_copy *c)
{
	struct vm_entry *e = vm_entry_find(&map->vm_tree, start), *to;
	uint64_t at, stop;
	kern_return_t kr;

	for (at = start; at < end; at = stop, e = vm_entry_next(&map->vm_tree, e)) {
		stop = e->ve_end < end ? e->ve_end : end;
		to = copy_append(c, start, at, stop);
		if (to == NULL)
			return KERN_RESOURCE_SHORTAGE;
		kr = vm_copy_backing(map, e, at, stop, to);
		if (kr != KERN_SUCCESS)
			return kr;
	}
	return KERN_SUCCESS;
}

/* can the entry itself go into a copy, or make room for one? It must be nobody else's memory */
static bool
movable(const struct vm_entry *e)
{
	return e->ve_amap != NULL && !vm_amap_is_shared(e->ve_amap);
}

/* => map write-locked, range checked and clipped; nothing is changed on failure but clips */
static kern_return_t
move_entries(struct vm_map *map, uint64_t start, uint64_t end, struct vm_map_copy *c, struct queue *gone)
{
	struct vm_entry *e, *next, *to;
	struct queue taken, *q;
	kern_return_t kr = KERN_SUCCESS;

	/* first what can fail: copies of what cannot be moved */
	for (e = vm_entry_find(&map->vm_tree, start); e != NULL && e->ve_start < end && kr == KERN_SUCCESS;
	    e = vm_entry_next(&map->vm_tree, e)) {
		if (movable(e))
			continue;
		to = copy_append(c, start, e->ve_start, e->ve_end);
		kr = to == NULL ? KERN_RESOURCE_SHORTAGE : vm_copy_backing(map, e, e->ve_start, e->ve_end, to);
	}
	if (kr != KERN_SUCCESS)
		return kr;
	/* point of no return: take the entries out, in order */
	queue_init(&taken);
	while (!queue_empty(&c->cp_entries))
		queue_push_tail(&taken, queue_pop_head(&c->cp_entries));
	for (e = vm_entry_find(&map->vm_tree, start); e != NULL && e->ve_start < end; e = next) {
		next = vm_entry_next(&map->vm_tree, e);
		if (e->ve_wired != 0)
			vm_map_unwire_entry(map, e);
		vm_map_unlink_entry(map, e);
		/* what was shared above and is no longer was copied all the same */
		q = queue_empty(&taken) ? NULL : queue_first(&taken);
		if (q == NULL || queue_entry(q, struct vm_entry, ve_link)->ve_start != e->ve_start - start) {
			e->ve_start -= start;
			e->ve_end -= start;
			e->ve_prot = VM_PROT_DEFAULT;
			e->ve_max_prot = VM_PROT_ALL;
			e->ve_inherit = VM_INHERIT_DEFAULT;
			queue_push_tail(&c->cp_entries, &e->ve_link);
		} else {
			queue_push_tail(gone, &e->ve_link);
			queue_push_tail(&c->cp_entries, queue_pop_head(&taken));
		}
	}
	pmap_remove(map->vm_pmap, start, end);
	return KERN_SUCCESS;
}

static kern_return_t
copyin_entries(struct vm_map *map, uint64_t addr, uint64_t size, bool destroy, struct vm_map_copy **out)
{
	struct vm_map_copy *c = copy_alloc(size, false);
	uint64_t start, end;
	struct queue gone, *q;
	kern_return_t kr;

	if (c == NULL)
		return KERN_RESOURCE_SHORTAGE;
	queue_init(&gone);
	c->cp_offset = addr & PAGE_MASK;
	if (!vm_range_round(addr, size, &start, &end)) {
		copy_free(c);
		return KERN_INVALID_ADDRESS;
	}
	rw_lock_write(&map->vm_lock);
	kr = vm_map_check_range(map, start, end, VM_PROT_READ);
	if (kr == KERN_SUCCESS && destroy && !vm_map_clip_range(map, start, end))
		kr = KERN_RESOURCE_SHORTAGE;
	if (kr == KERN_SUCCESS)
		kr = destroy ? move_entries(map, start, end, c, &gone) : copy_entries(map, start, end, c);
	rw_unlock_write(&map->vm_lock);
	while ((q = queue_pop_head(&gone)) != NULL)
		vm_map_entry_dispose(queue_entry(q, struct vm_entry, ve_link));
	if (kr != KERN_SUCCESS) {
		vm_map_copy_discard(c);
		return kr;
	}
	*out = c;
	return KERN_SUCCESS;
}

kern_return_t
vm_map_copyin(struct vm_map *map, uint64_t addr, uint64_t size, bool source_destroy, struct vm_map_copy **out)
{
	uint64_t start, end;
	kern_return_t kr;

	if (size == 0) {
		*out = NULL;
		return KERN_SUCCESS;
	}
	if (!vm_range_round(addr, size, &start, &end))
		return KERN_INVALID_ADDRESS;
	if (size > VM_COPY_BYTES_MAX)
		return copyin_entries(map, addr, size, source_destroy, out);
	kr = copyin_bytes(map, addr, size, out);
	if (kr == KERN_SUCCESS && source_destroy) {
		kr = vm_map_remove(map, start, end);
		if (kr != KERN_SUCCESS) {
			vm_map_copy_discard(*out);
			*out = NULL;
		}
	}
	return kr;
}

/* pages the kernel fills */

kern_return_t
vm_map_copy_from_pages(struct vm_page **pages, uint64_t count, struct vm_map_copy **out)
{
	struct vm_map_copy *c = copy_alloc(count << PAGE_SHIFT, false);
	struct vm_entry *e = c != NULL ? copy_append(c, 0, 0, count << PAGE_SHIFT) : NULL;
	struct vm_amap *am = e != NULL ? vm_amap_create(count, NULL, 0) : NULL;
	uint64_t i;

	if (am == NULL) {
		vm_map_copy_discard(c);
		return KERN_RESOURCE_SHORTAGE;
	}
	e->ve_amap = am;
	for (i = 0; i < count; i++) {
		kern_return_t kr;

		spin_lock(&am->am_lock);
		kr = vm_amap_insert_locked(am, i, pages[i]);
		spin_unlock(&am->am_lock);
		if (kr != KERN_SUCCESS)
			break;
	}
	if (i < count) {
		/* the caller keeps the pages: on no queue yet, so nobody has taken one of them */
		while (i > 0) {
			struct vm_page *p = vm_amap_steal(am, --i);

			KASSERT(p == pages[i]);
			(void)p;
		}
		vm_map_copy_discard(c);
		return KERN_RESOURCE_SHORTAGE;
	}
	for (i = 0; i < count; i++) {
		if (pages[i]->pg_flags & PG_LAUNDRY)
			c->cp_laundry = true;
		else
			vm_pageq_activate(pages[i]);
	}
	*out = c;
	return KERN_SUCCESS;
}

/* an amap of `pages` fresh pages with the bytes at `offset`, zeros around them */
static struct vm_amap *
amap_of_bytes(const uint8_t *data, uint64_t size, uint64_t offset)
{
	uint64_t pages = page_round(offset + size) >> PAGE_SHIFT, i, n;
	struct vm_amap *am = vm_amap_create(pages, NULL, 0);

	for (i = 0; am != NULL && i < pages; i++) {
		struct vm_page *p = vm_page_grab();
		kern_return_t kr;
		uint8_t *kv;

		if (p == NULL)
			break;
		kv = vm_page_kv(p);
		n = PAGE_SIZE - offset < size ? PAGE_SIZE - offset : size;
		if (n != PAGE_SIZE)
			pmap_zero_page(vm_page_to_phys(p));
		memcpy(kv + offset, data, n);
		data += n;
		size -= n;
		offset = 0;
		spin_lock(&am->am_lock);
		kr = vm_amap_insert_locked(am, i, p);
		spin_unlock(&am->am_lock);
		if (kr != KERN_SUCCESS) {
			vm_page_release(p);
			break;
		}
		/* the default pager reads its store into such pages: on no queue, or it might come to wait for itself */
		if (!current_thread()->th_vm_privilege)
			vm_pageq_activate(p);
	}
	if (am != NULL && i < pages) {
		vm_amap_release(am);
		am = NULL;
	}
	return am;
}

kern_return_t
vm_map_copy_from_kernel(const void *data, uint64_t size, struct vm_map_copy **out)
{
	struct vm_map_copy *c;
	struct vm_entry *e;

	if (size == 0) {
		*out = NULL;
		return KERN_SUCCESS;
	}
	stale_look(data, size);
	c = copy_alloc(size, size <= VM_COPY_BYTES_MAX);
	if (c == NULL)
		return KERN_RESOURCE_SHORTAGE;
	if (c->cp_bytes) {
		memcpy(c->cp_data, data, size);
	} else {
		e = copy_append(c, 0, 0, page_round(size));
		if (e != NULL)
			e->ve_amap = amap_of_bytes(data, size, 0);
		if (e == NULL || e->ve_amap == NULL) {
			vm_map_copy_discard(c);
			return KERN_RESOURCE_SHORTAGE;
		}
	}
	*out = c;
	return KERN_SUCCESS;
}

/* reading a copy */

static struct vm_entry *
copy_entry_at(const struct vm_map_copy *c, uint64_t at)
{
	struct queue *q;

	queue_for_each(q, &c->cp_entries) {
		struct vm_entry *e = queue_entry(q, struct vm_entry, ve_link);

		if (at < e->ve_end)
			return e;
	}
	return NULL;
}

kern_return_t
vm_map_copy_to_kernel(const struct vm_map_copy *c, uint64_t offset, void *buf, uint64_t size)
{
	uint64_t pa, n, at;
	struct vm_page *p;
	kern_return_t kr;

	if (size == 0)
		return KERN_SUCCESS;
	if (c == NULL || offset > c->cp_size || size > c->cp_size - offset)
		return KERN_INVALID_ARGUMENT;
	if (c->cp_bytes) {
		memcpy(buf, c->cp_data + offset, size);
		return KERN_SUCCESS;
	}
	for (at = c->cp_offset + offset; size > 0; at += n, size -= n, buf = (uint8_t *)buf + n) {
		n = PAGE_SIZE - (at & PAGE_MASK);
		if (n > size)
			n = size;
		kr = vm_entry_pin(copy_entry_at(c, at), at, &p, &pa);
		if (kr != KERN_SUCCESS)
			return kr;
		memcpy(buf, (uint8_t *)phys_to_kv(pa) + (at & PAGE_MASK), n);
		vm_page_unpin(p);
	}
	return KERN_SUCCESS;
}

struct vm_page *
vm_map_copy_take_page(struct vm_map_copy *c, uint64_t index, kern_return_t *kr)
{
	struct vm_page *p = NULL, *src;
	struct vm_entry *e = NULL;
	uint64_t pa, at = index << PAGE_SHIFT, n;

	*kr = KERN_SUCCESS;

	if (!c->cp_bytes && c->cp_offset == 0) {
		e = copy_entry_at(c, at);
		p = vm_amap_steal(e->ve_amap, e->ve_index + ((at - e->ve_start) >> PAGE_SHIFT));
		if (p != NULL) {
			/* what the sender had behind the end is not part of the message */
			if (c->cp_size - at < PAGE_SIZE)
				memset((uint8_t *)vm_page_kv(p) + (c->cp_size - at), 0, PAGE_SIZE - (c->cp_size - at));
			return p;
		}
	}
	while ((p = vm_page_grab()) == NULL)
		if (!vm_page_wait()) {
			*kr = KERN_RESOURCE_SHORTAGE;
			return NULL;
		}
	if (!c->cp_bytes && c->cp_offset == 0) {
		*kr = vm_entry_pin(e, at, &src, &pa);
		if (*kr == KERN_SUCCESS) {
			pmap_copy_page(pa, vm_page_to_phys(p));
			vm_page_unpin(src);
		}
	} else {
		n = c->cp_size - at < PAGE_SIZE ? c->cp_size - at : PAGE_SIZE;
		if (n < PAGE_SIZE)
			pmap_zero_page(vm_page_to_phys(p));
		*kr = vm_map_copy_to_kernel(c, at, vm_page_kv(p), n);
	}
	if (*kr != KERN_SUCCESS) {
		vm_page_release(p);
		return NULL;
	}
	return p;
}

/* copyout */

/* bytes become an entry of fresh memory, so that one road leads into the map */
static kern_return_t
bytes_to_entry(struct vm_map_copy *c)
{
	struct vm_entry *e = copy_append(c, 0, 0, page_round(c->cp_offset + c->cp_size));

	if (e == NULL)
		return KERN_RESOURCE_SHORTAGE;
	e->ve_amap = amap_of_bytes(c->cp_data, c->cp_size, c->cp_offset);
	if (e->ve_amap != NULL)
		return KERN_SUCCESS;
	queue_remove(&e->ve_link);
	vm_map_free_entry(e);
	return KERN_RESOURCE_SHORTAGE;
}

kern_return_t
vm_map_copyout(struct vm_map *map, uint64_t *addr, struct vm_map_copy *c)
{
	uint64_t start, span, used;
	struct queue *q;
	kern_return_t kr = KERN_SUCCESS;

	if (c == NULL) {
		*addr = 0;
		return KERN_SUCCESS;
	}
	if (queue_empty(&c->cp_entries))
		kr = bytes_to_entry(c);
	if (kr != KERN_SUCCESS)
		return kr;
	span = page_round(c->cp_offset + c->cp_size);
	rw_lock_write(&map->vm_lock);
	used = map->vm_size - map->vm_size_none;
	if (map->vm_dead)
		kr = KERN_INVALID_ARGUMENT;
	else if (used > map->vm_size_limit || span > map->vm_size_limit - used)
		kr = KERN_NO_SPACE;
	else
		kr = vm_map_find_space(map, span, 0, &start);
	if (kr == KERN_SUCCESS) {
		while ((q = queue_pop_head(&c->cp_entries)) != NULL) {
			struct vm_entry *e = queue_entry(q, struct vm_entry, ve_link);

			e->ve_start += start;
			e->ve_end += start;
			vm_map_link_entry(map, e);
			if (map->vm_wire_future)
				(void)vm_map_wire_entry(map, e, VM_PROT_DEFAULT);
			else if (c->cp_laundry && !current_thread()->th_vm_privilege)
				vm_amap_dry(e->ve_amap);
		}
	}
	rw_unlock_write(&map->vm_lock);
	if (kr != KERN_SUCCESS)
		return kr;
	*addr = start + c->cp_offset;
	copy_free(c);
	return KERN_SUCCESS;
}

/* overwrite */

/*
 * Whole pages over one private entry: the entries of the copy take the place of what was there.
 * => KERN_FAILURE when it is not that simple; nothing changed
 */
static kern_return_t
overwrite_replace(struct vm_map *map, uint64_t addr, struct vm_map_copy *c)
{
	uint64_t end = addr + c->cp_size;
	struct vm_entry *e, *n;
	struct queue *q;

	rw_lock_write(&map->vm_lock);
	e = vm_entry_find(&map->vm_tree, addr);
	if (e == NULL || e->ve_end < end || !movable(e) || e->ve_wired != 0 || !(e->ve_prot & VM_PROT_WRITE) ||
	    !vm_map_clip_range(map, addr, end)) {
		rw_unlock_write(&map->vm_lock);
		return KERN_FAILURE;
	}
	e = vm_entry_find(&map->vm_tree, addr);
	vm_map_unlink_entry(map, e);
	pmap_remove(map->vm_pmap, addr, end);
	while ((q = queue_pop_head(&c->cp_entries)) != NULL) {
		n = queue_entry(q, struct vm_entry, ve_link);
		n->ve_start += addr;
		n->ve_end += addr;
		n->ve_prot = e->ve_prot;
		n->ve_max_prot = e->ve_max_prot;
		n->ve_inherit = e->ve_inherit;
		vm_map_link_entry(map, n);
	}
	rw_unlock_write(&map->vm_lock);
	vm_map_entry_dispose(e);
	copy_free(c);
	return KERN_SUCCESS;
}

/* one page at a time through pinned pages of both */
static kern_return_t
overwrite_bytes(struct vm_map *map, uint64_t addr, struct vm_map_copy *c)
{
	uint64_t done, n, pa, src_at, room;
	struct vm_page *p;
	kern_return_t kr;

	if (c->cp_bytes)
		return vm_map_write_kernel(map, addr, c->cp_data, c->cp_size);
	for (done = 0; done < c->cp_size; done += n) {
		src_at = c->cp_offset + done;
		n = c->cp_size - done;
		room = PAGE_SIZE - (src_at & PAGE_MASK);
		if (n > room)
			n = room;
		kr = vm_entry_pin(copy_entry_at(c, src_at), src_at, &p, &pa);
		if (kr != KERN_SUCCESS)
			return kr;
		kr = vm_map_write_kernel(map, addr + done, (uint8_t *)phys_to_kv(pa) + (src_at & PAGE_MASK), n);
		vm_page_unpin(p);
		if (kr != KERN_SUCCESS)
			return kr;
	}
	return KERN_SUCCESS;
}

kern_return_t
vm_map_copy_overwrite(struct vm_map *map, uint64_t addr, struct vm_map_copy *c)
{
	uint64_t start, end;
	kern_return_t kr;

	if (c == NULL)
		return KERN_SUCCESS;
	if (!vm_range_round(addr, c->cp_size, &start, &end))
		return KERN_INVALID_ADDRESS;
	rw_lock_read(&map->vm_lock);
	kr = vm_map_check_range(map, start, end, VM_PROT_WRITE);
	rw_unlock_read(&map->vm_lock);
	if (kr != KERN_SUCCESS)
		return kr;
	if (!c->cp_bytes && c->cp_offset == 0 && start == addr && end == addr + c->cp_size &&
	    overwrite_replace(map, addr, c) == KERN_SUCCESS)
		return KERN_SUCCESS;
	kr = overwrite_bytes(map, addr, c);
	if (kr == KERN_SUCCESS)
		vm_map_copy_discard(c);
	return kr;
}
