/* SPDX-License-Identifier: BSD-2-Clause */
/* Physical memory and kernel memory lie where a Linux program, with or without sanitizers, may have mappings. */
#ifndef HOST_MACHINE_PMAP_H
#define HOST_MACHINE_PMAP_H

#define phys_to_kv	processor_phys_to_kv
#define kv_to_phys	processor_kv_to_phys
#include_next <machine/pmap.h>
#undef phys_to_kv
#undef kv_to_phys
#undef KERNEL_MAP_START
#undef KERNEL_MAP_END

#define SIM_RAM_BASE	0x7ea000000000ull
#define KERNEL_MAP_START 0x7eb000000000ull
#define KERNEL_MAP_END	0x7eb040000000ull

static inline void *phys_to_kv(pmap_paddr_t pa) { return (void *)(pa + SIM_RAM_BASE); }
static inline pmap_paddr_t kv_to_phys(const void *p) { return (uint64_t)p - SIM_RAM_BASE; }

#endif
