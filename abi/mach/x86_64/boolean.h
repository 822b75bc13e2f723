/* SPDX-License-Identifier: BSD-2-Clause */
/* Machine part of the truth value type. */
#ifndef MACH_X86_64_BOOLEAN_H
#define MACH_X86_64_BOOLEAN_H

#ifndef __ASSEMBLER__
typedef int boolean_t;
#endif

#endif
