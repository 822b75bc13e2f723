/* SPDX-License-Identifier: BSD-2-Clause */
/* Shared by the files of the library. */
#ifndef CTHREADS_INTERNAL_H
#define CTHREADS_INTERNAL_H

#include <cthreads.h>

/* Memory for small objects of one size; never given back, so that a late wake finds it mapped. */
struct pool {
	spin_lock_t po_lock;
	size_t po_size;
	void *po_free;
};

#define POOL_INITIALIZER(type) \
	{ SPIN_LOCK_INITIALIZER, sizeof(type) < sizeof(void *) ? sizeof(void *) : sizeof(type), NULL }

void *pool_alloc(struct pool *pool);
void pool_free(struct pool *pool, void *object);

#endif
