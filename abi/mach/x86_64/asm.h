/* SPDX-License-Identifier: BSD-2-Clause */
/* Assembler conveniences. */
#ifndef MACH_X86_64_ASM_H
#define MACH_X86_64_ASM_H

#define ENTRY(name)	.globl name; .p2align 4; .type name, @function; name:
#define END(name)	.size name, . - name
#define EXT(name)	name
#define LEXT(name)	name:

#endif
