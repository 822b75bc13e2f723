/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Kernel virtual memory from mmap, in place of vm/kmem.c: the host's page tables are not ours to write. Each range has unmapped
 * guard pages, as in the kernel. kernel_map exists and is empty.
 */
#define _GNU_SOURCE
#include <string.h>
#include <sys/mman.h>
#include <kern/counter.h>
#include <kern/lock.h>
#include <kern/panic.h>
#include <machine/pmap.h>
#include <vm/kmem.h>
#include <vm/map.h>
#include <vm/page.h>
#include "stacks.h"

static const struct lock_class kernel_map_class = { "kernel map", LOCK_RANK_KERNEL_MAP, 0 };
static struct vm_map kernel_map_store;
struct vm_map *kernel_map = &kernel_map_store;

void kmem_bootstrap(void)
{
	struct vm_map *map = kernel_map;

	rw_lock_init(&map->vm_lock, &kernel_map_class);
	vm_entry_tree_init(&map->vm_tree, KERNEL_MAP_START, KERNEL_MAP_END, 1);
	map->vm_pmap = kernel_pmap;
	map->vm_refs = 1;
	map->vm_size_limit = map->vm_size_limit_max = KERNEL_MAP_END - KERNEL_MAP_START;
}

void *kmem_alloc(uint64_t size)
{
	uint64_t len = page_round(size);
	char *p;

	if (len < size || len == 0 || len > 1ull << 30 || fault_point("kmem"))
		return NULL;
	p = mmap(NULL, len + 2 * PAGE_SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (p == MAP_FAILED || mprotect(p + PAGE_SIZE, len, PROT_READ | PROT_WRITE) != 0)
		return NULL;
	/* as vm/kmem.c counts: an entry, and pages */
	counter_add(COUNT_MAP_ENTRY, 1);
	counter_add(COUNT_PAGE_USED, (int64_t)(len / PAGE_SIZE));
	return p + PAGE_SIZE;
}

void kmem_free(void *kv, uint64_t size)
{
	uint64_t len = page_round(size);

	sim_stack_forget(kv, len);
	counter_add(COUNT_MAP_ENTRY, -1);
	counter_add(COUNT_PAGE_USED, -(int64_t)(len / PAGE_SIZE));
	munmap((char *)kv - PAGE_SIZE, len + 2 * PAGE_SIZE);
}

void *kmem_map_device(uint64_t phys, uint64_t size)
{
	(void)phys;
	(void)size;
	return NULL;
}
