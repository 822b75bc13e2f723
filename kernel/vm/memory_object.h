/* SPDX-License-Identifier: BSD-2-Clause */
/* Cleaning and flushing of memory objects, for pagers and for vm_msync. */
#ifndef VM_MEMORY_OBJECT_H
#define VM_MEMORY_OBJECT_H

#include <stdbool.h>
#include <stdint.h>
#include <mach/memory_object.h>
#include <mach/vm_prot.h>

struct vm_object;

/* => no locks; returns when the pages have been sent, not when the pager has them */
void	vm_object_clean(struct vm_object *, uint64_t offset, uint64_t size, memory_object_return_t, bool flush,
	    vm_prot_t lock);

#endif
