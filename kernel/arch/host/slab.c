/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Object caches and general kernel memory from malloc, in place of kern/slab.c: so that a sanitizer knows every object's bounds
 * and life. The points where an allocation may be made to fail are the same.
 */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>
#include <kern/counter.h>
#include <kern/panic.h>
#include <kern/slab.h>
#include <kern/slab_info.h>

#define CACHES_MAX	64
#define POISON_MAX	1024

struct slab_cache {
	const char	*sc_name;
	size_t		 sc_size, sc_align;
	uint64_t	 sc_used;	/* (a) */
};

static struct slab_cache caches[CACHES_MAX];
static unsigned cache_count;

static void *get(size_t size, size_t align)
{
	void *p;

	if (posix_memalign(&p, align < 16 ? 16 : align, size) != 0)
		panic("no host memory");
	/* nobody may rely on zeros */
	memset(p, 0x5a, size < POISON_MAX ? size : POISON_MAX);
	return p;
}

struct slab_cache *slab_cache_create(const char *name, size_t size, size_t align)
{
	struct slab_cache *c = &caches[cache_count++];

	KASSERT(cache_count <= CACHES_MAX);
	*c = (struct slab_cache){ name, size, align, 0 };
	return c;
}

void *slab_alloc(struct slab_cache *c)
{
	if (fault_point("slab_alloc"))
		return NULL;
	__atomic_fetch_add(&c->sc_used, 1, __ATOMIC_RELAXED);
	return get(c->sc_size, c->sc_align);
}

void *slab_zalloc(struct slab_cache *c)
{
	void *o = slab_alloc(c);

	return o != NULL ? memset(o, 0, c->sc_size) : NULL;
}

void slab_free(struct slab_cache *c, void *o)
{
	__atomic_fetch_sub(&c->sc_used, 1, __ATOMIC_RELAXED);
	free(o);
}

unsigned slab_alloc_many(struct slab_cache *c, void **objects, unsigned n)
{
	unsigned got = 0;

	while (got < n && (objects[got] = slab_alloc(c)) != NULL)
		got++;
	return got;
}

void slab_free_many(struct slab_cache *c, void *const *objects, unsigned n)
{
	while (n > 0)
		slab_free(c, objects[--n]);
}

void *kalloc(size_t size)
{
	if (fault_point(size <= 2032 ? "slab_alloc" : size <= KALLOC_DIRECT_MAX ? "kalloc_pages" : "kmem_alloc"))
		return NULL;
	if (size > 1ull << 30)
		return NULL;
	return get(size, 16);
}

void *kzalloc(size_t size)
{
	void *p = kalloc(size);

	return p != NULL ? memset(p, 0, size) : NULL;
}

void kfree(void *p, size_t size)
{
	(void)size;
	free(p);
}

void slab_bootstrap(void) { }
void slab_cpu_init(struct cpu *c) { (void)c; }

uint32_t slab_info_get(struct slab_info *info, uint32_t max)
{
	for (unsigned i = 0; i < cache_count && i < max; i++)
		info[i] = (struct slab_info){
			.si_name = caches[i].sc_name, .si_obj_size = (uint32_t)caches[i].sc_size,
			.si_buf_size = (uint32_t)caches[i].sc_size, .si_slab_size = 4096, .si_bufs_per_slab = 1,
			.si_objects = caches[i].sc_used, .si_buffers = caches[i].sc_used, .si_slabs = caches[i].sc_used,
		};
	return cache_count;
}
