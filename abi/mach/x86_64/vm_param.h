/* SPDX-License-Identifier: BSD-2-Clause */
/* Page size and the range of user addresses. */
#ifndef MACH_X86_64_VM_PARAM_H
#define MACH_X86_64_VM_PARAM_H

#define PAGE_SHIFT		12
#define I386_PGBYTES		4096
#define VM_MIN_ADDRESS		0x0
/* Exclusive. */
#define VM_MAX_ADDRESS		0x800000000000
#ifndef PAGE_SIZE
#define PAGE_SIZE		4096
#endif
#ifndef PAGE_MASK
#define PAGE_MASK		(PAGE_SIZE - 1)
#endif

/* Round to whole pages. */
#define i386_round_page(x)	((((vm_offset_t)(x)) + PAGE_SIZE - 1) & ~((vm_offset_t)PAGE_SIZE - 1))
#define i386_trunc_page(x)	(((vm_offset_t)(x)) & ~((vm_offset_t)PAGE_SIZE - 1))

#endif
