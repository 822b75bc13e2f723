/* SPDX-License-Identifier: BSD-2-Clause */
/* Page size and rounding. */
#ifndef MACH_VM_PARAM_H
#define MACH_VM_PARAM_H

#include <mach/machine/vm_param.h>
#include <mach/machine/vm_types.h>

#define round_page(x) \
	((vm_offset_t)((((vm_offset_t)(x)) + PAGE_SIZE - 1) & ~((vm_offset_t)PAGE_SIZE - 1)))
#define trunc_page(x)	((vm_offset_t)(((vm_offset_t)(x)) & ~((vm_offset_t)PAGE_SIZE - 1)))
#define page_aligned(x)	((((vm_offset_t)(x)) & (PAGE_SIZE - 1)) == 0)
#define atop(x)		((vm_size_t)(((vm_size_t)(x)) >> PAGE_SHIFT))
#define ptoa(x)		((vm_offset_t)(((vm_offset_t)(x)) << PAGE_SHIFT))

#endif
