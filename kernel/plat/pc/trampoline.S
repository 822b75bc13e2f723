/* SPDX-License-Identifier: BSD-2-Clause */
/* Start of another processor: copied to TRAMPOLINE_PHYS, real mode -> 64-bit mode -> cpu_ap_start(cpu). */
#include <machine/asm.h>
#include <plat/trampoline.h>

#define AT(sym)	(TRAMPOLINE_PHYS + sym - trampoline_start)
#define DATA(n)	(TRAMPOLINE_PHYS + TRAMPOLINE_DATA + 8 * (n))

	.section .rodata, "a"
	.globl	trampoline_start, trampoline_end
	.balign	16
	.code16
trampoline_start:
	cli
	cld
	xorw	%ax, %ax
	movw	%ax, %ds
	lgdtl	AT(trampoline_gdt_ptr)
	movl	%cr0, %eax
	orl	$1, %eax
	movl	%eax, %cr0
	ljmpl	$0x18, $AT(trampoline32)
	.code32
trampoline32:
	movl	$SEL_KERNEL_DS, %eax
	movl	%eax, %ds
	movl	%eax, %ss
	movl	%cr4, %eax
	orl	DATA(1), %eax
	movl	%eax, %cr4
	movl	DATA(0), %eax
	movl	%eax, %cr3
	movl	$0xc0000080, %ecx
	movl	DATA(2), %eax
	xorl	%edx, %edx
	andl	$~0x400, %eax
	wrmsr
	movl	%cr0, %eax
	orl	$0x80010001, %eax
	andl	$~0x6000000c, %eax
	movl	%eax, %cr0
	ljmpl	$SEL_KERNEL_CS, $AT(trampoline64)
	.code64
trampoline64:
	movl	$TRAMPOLINE_PHYS + TRAMPOLINE_DATA, %esi
	xorl	%eax, %eax
	movl	%eax, %ds
	movl	%eax, %es
	movl	%eax, %fs
	movl	%eax, %gs
	movq	24(%rsi), %rsp
	movq	40(%rsi), %rdi
	movq	32(%rsi), %rax
	xorl	%ebp, %ebp
	pushq	$0
	jmp	*%rax

	.balign	8
trampoline_gdt:
	.quad	0
	.quad	0x00af9b000000ffff
	.quad	0x00cf93000000ffff
	.quad	0x00cf9b000000ffff
trampoline_gdt_ptr:
	.word	. - trampoline_gdt - 1
	.long	AT(trampoline_gdt)
trampoline_end:

	.section .note.GNU-stack, "", @progbits
