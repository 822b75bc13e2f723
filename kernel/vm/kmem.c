/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Kernel virtual memory: ranges of kernel_map with wired pages or device registers, each between unmapped guard pages.
 *
 * LOCKS   kernel_map's vm_lock (KERNEL_MAP) for the address space only; pages are entered and removed without it,
 *         since the range belongs to the caller. All may sleep.
 * TESTS   tests/boot/vm_*.c (conservation)
 */
#include <vm/kmem.h>
#include <vm/map.h>
#include <vm/page.h>
#include <kern/counter.h>
#include <kern/panic.h>
#include <kern/string.h>
#include <machine/pmap.h>

static const struct lock_class kernel_map_class = { "kernel map", LOCK_RANK_KERNEL_MAP, 0 };
static struct vm_map kernel_map_store;
struct vm_map *kernel_map = &kernel_map_store;

void
kmem_bootstrap(void)
{
	struct vm_map *map = kernel_map;

	rw_lock_init(&map->vm_lock, &kernel_map_class);
	vm_entry_tree_init(&map->vm_tree, KERNEL_MAP_START, KERNEL_MAP_END, 1);
	map->vm_pmap = kernel_pmap;
	map->vm_refs = 1;
	map->vm_size_limit = map->vm_size_limit_max = KERNEL_MAP_END - KERNEL_MAP_START;
}

/* reserve size bytes with a guard page before and after. => first byte inside, 0 on shortage */
static uint64_t
kmem_reserve(uint64_t size)
{
	struct vm_entry *e;
	uint64_t start = 0;

	if (size == 0 || size > KERNEL_MAP_END - KERNEL_MAP_START - 2 * PAGE_SIZE || fault_point("kmem"))
		return 0;
	e = vm_map_new_entry();
	if (e == NULL)
		return 0;
	rw_lock_write(&kernel_map->vm_lock);
	if (vm_entry_find_space(&kernel_map->vm_tree, KERNEL_MAP_START, size + 2 * PAGE_SIZE, PAGE_MASK, &start)) {
		e->ve_start = start;
		e->ve_end = start + size + 2 * PAGE_SIZE;
		vm_map_link_entry(kernel_map, e);
		start += PAGE_SIZE;
	}
	rw_unlock_write(&kernel_map->vm_lock);
	if (start == 0)
		vm_map_free_entry(e);
	return start;
}

static void
kmem_unreserve(uint64_t va)
{
	struct vm_entry *e;

	rw_lock_write(&kernel_map->vm_lock);
	e = vm_entry_find(&kernel_map->vm_tree, va);
	vm_map_unlink_entry(kernel_map, e);
	rw_unlock_write(&kernel_map->vm_lock);
	vm_map_free_entry(e);
}

/* unmap and free the pages of [va, end) */
static void
kmem_release_pages(uint64_t va, uint64_t end)
{
	struct vm_page *p;
	pmap_paddr_t pa;

	for (; va < end; va += PAGE_SIZE) {
		if (!pmap_extract(kernel_pmap, va, &pa))
			continue;
		p = vm_page_from_phys(pa);
		pmap_remove(kernel_pmap, va, va + PAGE_SIZE);
		if (p != NULL)
			vm_page_release(p);
	}
}

void *
kmem_alloc(uint64_t size)
{
	uint64_t len = page_round(size), va = len < size ? 0 : kmem_reserve(len), at;

	if (va == 0)
		return NULL;
	for (at = va; at < va + len; at += PAGE_SIZE) {
		struct vm_page *p = vm_page_grab();

		if (p == NULL)
			break;
		pmap_zero_page(vm_page_to_phys(p));
		if (pmap_enter(kernel_pmap, at, vm_page_to_phys(p), p, VM_PROT_READ | VM_PROT_WRITE, true,
		    PMAP_CACHE_NORMAL) != KERN_SUCCESS) {
			vm_page_release(p);
			break;
		}
	}
	if (at < va + len) {
		kmem_release_pages(va, at);
		kmem_unreserve(va);
		return NULL;
	}
	return (void *)va;
}

void
kmem_free(void *kv, uint64_t size)
{
	uint64_t va = (uintptr_t)kv;

	kmem_release_pages(va, va + page_round(size));
	kmem_unreserve(va);
}

void *
kmem_map_device(uint64_t phys, uint64_t size)
{
	uint64_t offset = phys & PAGE_MASK, len = page_round(offset + size), va = kmem_reserve(len), at;

	if (va == 0)
		return NULL;
	for (at = 0; at < len; at += PAGE_SIZE)
		if (pmap_enter(kernel_pmap, va + at, page_trunc(phys) + at, NULL, VM_PROT_READ | VM_PROT_WRITE, true,
		    PMAP_CACHE_OFF) != KERN_SUCCESS)
			break;
	if (at < len) {
		if (at != 0)
			pmap_remove(kernel_pmap, va, va + at);
		kmem_unreserve(va);
		return NULL;
	}
	return (void *)(va + offset);
}
