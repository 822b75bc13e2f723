/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Multiboot entry: 32-bit protected mode without paging -> 64-bit C at the linked address.
 *
 * The boot page tables map the first 4 GiB at 0 (dropped by pmap_bootstrap), at DIRECT_BASE
 * and, the first 2 GiB, at KVIRT_BASE. Anything that can go wrong before C runs is told on
 * COM1 and on the VGA text screen.
 */
#include <machine/asm.h>

#define PHYS(sym)	(sym - KVIRT_BASE)
#define MB_MAGIC	0x1badb002
#define MB_LOADED	0x2badb002
#define MB2_MAGIC	0xe85250d6
#define MB2_LOADED	0x36d76289
#define MB_FLAGS	0x00010003		/* aligned modules, memory info, addresses below */

	.section .multiboot, "a"
	.balign 8
multiboot_header:
	.long	MB_MAGIC
	.long	MB_FLAGS
	.long	-(MB_MAGIC + MB_FLAGS)
	.long	PHYS(multiboot_header)
	.long	PHYS(kernel_image_start)
	.long	PHYS(kernel_data_end)
	.long	PHYS(kernel_image_end)
	.long	PHYS(boot_entry)

	.balign 8
multiboot2_header:
	.long	MB2_MAGIC
	.long	0				/* i386: entered in 32-bit protected mode */
	.long	multiboot2_end - multiboot2_header
	.long	-(MB2_MAGIC + multiboot2_end - multiboot2_header)
	.word	2, 0				/* addresses, as above */
	.long	24
	.long	PHYS(multiboot2_header)
	.long	PHYS(kernel_image_start)
	.long	PHYS(kernel_data_end)
	.long	PHYS(kernel_image_end)
	.word	3, 0				/* entry */
	.long	12
	.long	PHYS(boot_entry)
	.balign	8
	.word	6, 0				/* modules at page boundaries */
	.long	8
	.word	0, 0
	.long	8
multiboot2_end:

	.section .text.boot, "ax"
	.code32
	.globl	boot_entry
boot_entry:
	cli
	cld
	movl	$PHYS(boot_stack_top), %esp
	movl	%eax, %ebp			/* magic */
	movl	%ebx, PHYS(boot_multiboot_info)
	movl	%eax, PHYS(boot_multiboot_magic)
	call	serial_setup
	movl	$PHYS(msg_not_multiboot), %esi
	cmpl	$MB_LOADED, %ebp
	je	1f
	cmpl	$MB2_LOADED, %ebp
	jne	boot_fail
1:

	/* CPUID exists if RFLAGS.ID can be toggled. */
	pushfl
	popl	%eax
	movl	%eax, %ecx
	xorl	$0x200000, %eax
	pushl	%eax
	popfl
	pushfl
	popl	%eax
	pushl	%ecx
	popfl
	xorl	%ecx, %eax
	movl	$PHYS(msg_no_cpuid), %esi
	jz	boot_fail
	movl	$0x80000000, %eax
	cpuid
	cmpl	$0x80000001, %eax
	movl	$PHYS(msg_no_long_mode), %esi
	jb	boot_fail
	movl	$0x80000001, %eax
	cpuid
	btl	$29, %edx
	jnc	boot_fail
	movl	%edx, %edi			/* bit 20: NX */
	movl	$1, %eax
	cpuid
	btl	$26, %edx
	movl	$PHYS(msg_no_sse2), %esi
	jnc	boot_fail

	/* Page directories for 4 GiB of 2 MiB pages. */
	movl	$PHYS(boot_pd), %ebx
	movl	$0x83, %eax
	xorl	%edx, %edx
	movl	$2048, %ecx
1:	movl	%eax, (%ebx)
	movl	%edx, 4(%ebx)
	addl	$0x200000, %eax
	addl	$8, %ebx
	loop	1b
	movl	$PHYS(boot_pdpt_low), %ebx
	movl	$PHYS(boot_pd) + 3, %eax
	movl	$4, %ecx
2:	movl	%eax, (%ebx)
	addl	$0x1000, %eax
	addl	$8, %ebx
	loop	2b
	movl	$PHYS(boot_pdpt_high), %ebx
	movl	$PHYS(boot_pd) + 3, 510*8(%ebx)
	movl	$PHYS(boot_pd) + 0x1003, 511*8(%ebx)
	movl	$PHYS(boot_pml4), %ebx
	movl	$PHYS(boot_pdpt_low) + 3, (%ebx)
	movl	$PHYS(boot_pdpt_low) + 3, 256*8(%ebx)
	movl	$PHYS(boot_pdpt_high) + 3, 511*8(%ebx)

	movl	%cr4, %eax
	orl	$0x20, %eax			/* PAE */
	movl	%eax, %cr4
	movl	%ebx, %cr3
	movl	$0xc0000080, %ecx		/* EFER: SCE, LME, NXE when there */
	rdmsr
	orl	$0x101, %eax
	btl	$20, %edi
	jnc	3f
	orl	$0x800, %eax
3:	wrmsr
	movl	%cr0, %eax
	orl	$0x80010001, %eax		/* PG, WP, PE */
	andl	$~0x6000000c, %eax		/* caching on, no FPU emulation, TS clear */
	movl	%eax, %cr0
	lgdt	PHYS(boot_gdt_ptr)
	ljmp	$SEL_KERNEL_CS, $PHYS(boot_long)

/* => esi: message.  Prints it on COM1 and VGA, stops. */
boot_fail:
	movl	$0xb8000, %edi
4:	lodsb
	testb	%al, %al
	jz	6f
	movb	%al, (%edi)
	movb	$0x4f, 1(%edi)
	addl	$2, %edi
	movb	%al, %bl
	movw	$0x3fd, %dx
	movl	$100000, %ecx
5:	inb	%dx, %al
	testb	$0x20, %al
	loopz	5b
	movb	%bl, %al
	movw	$0x3f8, %dx
	outb	%al, %dx
	jmp	4b
6:	hlt
	jmp	6b

/* COM1: 115200 8n1, FIFO on, no interrupts. */
serial_setup:
	movl	$PHYS(serial_init_table), %esi
	movl	$7, %ecx
7:	movzwl	(%esi), %edx
	movb	2(%esi), %al
	outb	%al, %dx
	addl	$3, %esi
	loop	7b
	ret

serial_init_table:
	.word	0x3f9; .byte 0
	.word	0x3fb; .byte 0x80
	.word	0x3f8; .byte 1
	.word	0x3f9; .byte 0
	.word	0x3fb; .byte 3
	.word	0x3fa; .byte 0xc7
	.word	0x3fc; .byte 0x0b

msg_not_multiboot:
	.asciz	"Ernst: not started by a Multiboot loader; use GRUB's \"multiboot2\" or qemu -kernel\r\n"
msg_no_cpuid:
	.asciz	"Ernst: this processor has no CPUID; an x86-64 processor is needed\r\n"
msg_no_long_mode:
	.asciz	"Ernst: this processor has no 64-bit mode; an x86-64 processor is needed\r\n"
msg_no_sse2:
	.asciz	"Ernst: this processor has no SSE2; an x86-64 processor is needed\r\n"

	.code64
boot_long:
	movabsq	$boot_high, %rax
	jmp	*%rax
boot_high:
	movl	$SEL_KERNEL_DS, %eax
	movl	%eax, %ss
	xorl	%eax, %eax
	movl	%eax, %ds
	movl	%eax, %es
	movl	%eax, %fs
	movl	%eax, %gs
	movq	$boot_stack_top, %rsp
	xorl	%ebp, %ebp
	movl	boot_multiboot_info(%rip), %edi
	movl	boot_multiboot_magic(%rip), %esi
	call	machine_start
8:	hlt
	jmp	8b

	.section .rodata, "a"
	.balign	8
boot_gdt:
	.quad	0
	.quad	0x00af9b000000ffff		/* kernel code, 64-bit */
	.quad	0x00cf93000000ffff		/* kernel data */
boot_gdt_ptr:
	.word	. - boot_gdt - 1
	.long	PHYS(boot_gdt)
	.long	0

	.section .bss.page_aligned, "aw", @nobits
	.balign	4096
	.globl	boot_pml4
boot_pml4:	.skip	4096
boot_pdpt_low:	.skip	4096
boot_pdpt_high:	.skip	4096
boot_pd:	.skip	4 * 4096
	.globl	boot_stack, boot_stack_top
boot_stack:	.skip	4 * 4096
boot_stack_top:

	.section .data, "aw"
	.balign	8
boot_multiboot_info:	.long	0
boot_multiboot_magic:	.long	0

	.section .note.GNU-stack, "", @progbits
