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
#define IST_STACK_SIZE	8192			/* aligned to it; its lowest word points at struct cpu */

/* struct user_regs. */
#define UR_R15		0
#define UR_R14		8
#define UR_R13		16
#define UR_R12		24
#define UR_RBP		32
#define UR_RBX		40
#define UR_R11		48
#define UR_R10		56
#define UR_R9		64
#define UR_R8		72
#define UR_RAX		80
#define UR_RCX		88
#define UR_RDX		96
#define UR_RSI		104
#define UR_RDI		112
#define UR_TRAPNO	120
#define UR_ERROR	128
#define UR_RIP		136
#define UR_CS		144
#define UR_RFLAGS	152
#define UR_RSP		160
#define UR_SS		168
#define UR_SIZE		176

/* struct cpu */
#define CP_SELF		0
#define CP_THREAD	8
#define CP_KERNEL_RSP	16
#define CP_SCRATCH	24
#define CP_EMULATION	40

/* struct emulation_vector */
#define EV_START	4
#define EV_COUNT	8
#define EV_ENTRY	16

/* struct machine_thread, which begins struct thread */
#define MT_REGS		64

#define MACH_MSG_TRAP	25
#define MACH_SEND_RCV	3			/* MACH_SEND_MSG | MACH_RCV_MSG */
#define VECTOR_SYSCALL	256			/* trapno of a frame made by syscall */

#endif
