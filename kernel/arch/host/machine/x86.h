/* SPDX-License-Identifier: BSD-2-Clause */
/* The page tables are the processor's own format, but no processor walks them: nothing is cached. */
#ifndef HOST_MACHINE_X86_H
#define HOST_MACHINE_X86_H

#define invlpg	processor_invlpg
#include_next <machine/x86.h>
#undef invlpg

static inline void invlpg(uint64_t va) { (void)va; }

#endif
