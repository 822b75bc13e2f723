/* SPDX-License-Identifier: BSD-2-Clause */
/* Figures of the object caches, for host_slab_info and the debugger; per-CPU set-up. */
#ifndef KERN_SLAB_INFO_H
#define KERN_SLAB_INFO_H

#include <stdint.h>

struct cpu;

struct slab_info {
	const char	*si_name;
	uint64_t	 si_cpu_pool, si_obj_size, si_buf_size, si_slab_size;
	uint64_t	 si_bufs_per_slab, si_objects, si_buffers, si_slabs, si_free_slabs;
};

/* => fills at most max; the number there are */
uint32_t slab_info_get(struct slab_info *, uint32_t max);
void	 slab_cpu_init(struct cpu *);

#endif
