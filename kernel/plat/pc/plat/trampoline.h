/* SPDX-License-Identifier: BSD-2-Clause */
/* The page other processors start in, and what it is told. */
#ifndef PLAT_TRAMPOLINE_H
#define PLAT_TRAMPOLINE_H

#define TRAMPOLINE_PHYS	0x8000
#define TRAMPOLINE_DATA	0xf00

#ifndef __ASSEMBLER__
#include <stdint.h>
struct trampoline_data {
	uint64_t td_cr3, td_cr4, td_efer, td_stack, td_entry, td_cpu;
};
#endif

#endif
