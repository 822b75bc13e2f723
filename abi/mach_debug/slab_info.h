/* SPDX-License-Identifier: BSD-2-Clause */
/* What host_slab_info tells about one kernel memory cache. */
#ifndef MACH_DEBUG_SLAB_INFO_H
#define MACH_DEBUG_SLAB_INFO_H

#include <stddef.h>
#include <mach/machine/vm_types.h>

#define CACHE_NAME_MAX_LEN	32

typedef struct cache_info {
	int flags;
	rpc_vm_size_t cpu_pool_size;
	rpc_vm_size_t obj_size;
	rpc_vm_size_t align;
	rpc_vm_size_t buf_size;
	rpc_vm_size_t slab_size;
	rpc_long_natural_t bufs_per_slab;
	rpc_long_natural_t nr_objs;
	rpc_long_natural_t nr_bufs;
	rpc_long_natural_t nr_slabs;
	rpc_long_natural_t nr_free_slabs;
	char name[CACHE_NAME_MAX_LEN];
} cache_info_t;
typedef cache_info_t *cache_info_array_t;

_Static_assert(sizeof(cache_info_t) == 120, "cache_info");
_Static_assert(offsetof(cache_info_t, slab_size) == 40, "slab size");
_Static_assert(offsetof(cache_info_t, name) == 88, "cache name");

#endif
