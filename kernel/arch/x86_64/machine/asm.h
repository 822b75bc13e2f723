/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Constants shared by C and assembler: selectors, address-space layout, offsets in the
 * structures assembler touches (checked against the C definitions in asm_check.c).
 */
#ifndef MACHINE_ASM_H
#define MACHINE_ASM_H

/* Address-space layout. */
#define KVIRT_BASE	0xffffffff80000000	/* kernel image, physical 0 */
#define DIRECT_BASE	0xffff800000000000	/* all of physical memory */

/* Global descriptor table. The first user selectors live in the default LDT. */
#define SEL_KERNEL_CS	0x08
#define SEL_KERNEL_DS	0x10
#define SEL_TSS		0x18			/* 16 bytes */
#define SEL_LDT		0x28			/* 16 bytes */
#define SEL_USER_GDT	0x40			/* first of the i386_set_gdt entries */
#define USER_GDT_ENTRIES 4
#define SEL_BOOT_CS32	0x60			/* 32-bit code, used by the AP trampoline only */
#define GDT_ENTRIES	13

#define SEL_USER_DS	0x17			/* LDT entry 2, privilege 3 */
#define SEL_USER_CS	0x1f			/* LDT entry 3, privilege 3 */
#define SEL_USER_CS32	0x0f			/* LDT entry 1: 32-bit code (SYSRET to compat) */
#define SEL_STAR_USER	0x000f			/* STAR[63:48]: +16 = USER_CS, +8 = USER_DS */

/* Interrupt stack table slots. */
#define IST_DF		1
#define IST_NMI		2
#define IST_DB		3
#define IST_MC		4
#define IST_COUNT	4
#define IST_STACK_SIZE	4096

/* struct trap_frame, from the lowest address. */
#define TF_R15		0
#define TF_R14		8
#define TF_R13		16
#define TF_R12		24
#define TF_RBP		32
#define TF_RBX		40
#define TF_R11		48
#define TF_R10		56
#define TF_R9		64
#define TF_R8		72
#define TF_RCX		80
#define TF_RDX		88
#define TF_RSI		96
#define TF_RDI		104
#define TF_RAX		112
#define TF_VECTOR	120
#define TF_ERROR	128
#define TF_RIP		136
#define TF_CS		144
#define TF_RFLAGS	152
#define TF_RSP		160
#define TF_SS		168
#define TF_SIZE		176

#define VECTOR_SYSCALL	256			/* TF_VECTOR of a frame made by syscall */

#endif
