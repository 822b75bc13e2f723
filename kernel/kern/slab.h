/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Object caches and general kernel memory.
 *
 * slab_alloc and kalloc up to KALLOC_DIRECT_MAX never sleep and may be called under any lock of
 * lower rank than LOCK_RANK_SLAB; they return NULL when memory is short. kalloc above
 * that size goes through the kernel map and may sleep.
 */
#ifndef KERN_SLAB_H
#define KERN_SLAB_H

#include <stddef.h>
#include <stdint.h>

#define KALLOC_DIRECT_MAX	(32u * 1024)

struct slab_cache;

struct slab_cache *slab_cache_create(const char *name, size_t size, size_t align);
void	*slab_alloc(struct slab_cache *);	/* contents undefined (poisoned in debug builds) */
void	*slab_zalloc(struct slab_cache *);
void	 slab_free(struct slab_cache *, void *);
/* => as many as there were, at most n */
unsigned slab_alloc_many(struct slab_cache *, void **, unsigned n);
void	 slab_free_many(struct slab_cache *, void *const *, unsigned n);
void	*kalloc(size_t size);
void	*kzalloc(size_t size);
void	 kfree(void *, size_t size);
void	 slab_bootstrap(void);			/* after vm_page_bootstrap */

#endif
