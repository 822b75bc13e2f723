/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Objects of one size out of whole pages; the library must not need a C
 * library's allocator, which in turn needs its locks.
 * LOCKS	po_lock: a leaf
 */
#include <mach/mach_traps.h>
#include <mach/vm_param.h>
#include <mach_init.h>
#include <mach/mach_interface.h>
#include "internal.h"

static void pool_put(struct pool *pool, void *object)
{
	*(void **)object = pool->po_free;
	pool->po_free = object;
}

static void *pool_take(struct pool *pool)
{
	void *object;

	spin_lock(&pool->po_lock);
	object = pool->po_free;
	if (object != NULL)
		pool->po_free = *(void **)object;
	spin_unlock(&pool->po_lock);
	return object;
}

void *pool_alloc(struct pool *pool)
{
	void *object = pool_take(pool);
	vm_address_t page = 0;
	char *bytes;

	if (object == NULL) {
		if (vm_allocate(mach_task_self(), &page, PAGE_SIZE, TRUE) != KERN_SUCCESS)
			return NULL;
		object = (void *)page;
		spin_lock(&pool->po_lock);
		for (size_t at = pool->po_size; at + pool->po_size <= PAGE_SIZE;
		    at += pool->po_size)
			pool_put(pool, (char *)page + at);
		spin_unlock(&pool->po_lock);
	}
	bytes = object;
	for (size_t i = 0; i < pool->po_size; i++)
		bytes[i] = 0;
	return object;
}

void pool_free(struct pool *pool, void *object)
{
	spin_lock(&pool->po_lock);
	pool_put(pool, object);
	spin_unlock(&pool->po_lock);
}
