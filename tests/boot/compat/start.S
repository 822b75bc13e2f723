/* SPDX-License-Identifier: BSD-2-Clause */
/* Entry and traps of a program that owes nothing to our libraries. Interface reference sections 2 and 13. */
	.text
	.globl	_start
_start:
	/* all registers as they were given, before anything is touched: 16 words at start_registers */
	movq	%rax, start_registers+0(%rip)
	movq	%rbx, start_registers+8(%rip)
	movq	%rcx, start_registers+16(%rip)
	movq	%rdx, start_registers+24(%rip)
	movq	%rsi, start_registers+32(%rip)
	movq	%rdi, start_registers+40(%rip)
	movq	%rbp, start_registers+48(%rip)
	movq	%rsp, start_registers+56(%rip)
	movq	%r8, start_registers+64(%rip)
	movq	%r9, start_registers+72(%rip)
	movq	%r10, start_registers+80(%rip)
	movq	%r11, start_registers+88(%rip)
	movq	%r12, start_registers+96(%rip)
	movq	%r13, start_registers+104(%rip)
	movq	%r14, start_registers+112(%rip)
	movq	%r15, start_registers+120(%rip)
	movq	%rsp, %rdi
	call	c_start
	ud2

	/* trap(a1..a6, a7, number): six arguments in registers, the seventh stays where a trap with seven wants it, [rsp+8] */
	.globl	trap
trap:
	movl	16(%rsp), %eax
	movq	%rcx, %r10
	syscall
	ret

	/* number in rdi; registers with known values go in, and what comes out is stored at kept_registers */
	.globl	trap_registers
trap_registers:
	pushq	%rbx
	pushq	%rbp
	pushq	%r12
	pushq	%r13
	pushq	%r14
	pushq	%r15
	movl	%edi, %eax
	movq	$0x1001, %rdi
	movq	$0x1002, %rsi
	movq	$0x1003, %rdx
	movq	$0x1004, %r10
	movq	$0x1005, %r8
	movq	$0x1006, %r9
	movq	$0x1007, %rbx
	movq	$0x1008, %rbp
	movq	$0x1009, %r12
	movq	$0x100a, %r13
	movq	$0x100b, %r14
	movq	$0x100c, %r15
	syscall
	movq	%rdi, kept_registers+0(%rip)
	movq	%rsi, kept_registers+8(%rip)
	movq	%rdx, kept_registers+16(%rip)
	movq	%r10, kept_registers+24(%rip)
	movq	%r8, kept_registers+32(%rip)
	movq	%r9, kept_registers+40(%rip)
	movq	%rbx, kept_registers+48(%rip)
	movq	%rbp, kept_registers+56(%rip)
	movq	%r12, kept_registers+64(%rip)
	movq	%r13, kept_registers+72(%rip)
	movq	%r14, kept_registers+80(%rip)
	movq	%r15, kept_registers+88(%rip)
	popq	%r15
	popq	%r14
	popq	%r13
	popq	%r12
	popq	%rbp
	popq	%rbx
	ret

	/* threads: RDI is the argument; faults at a known place, which its handler moves on */
	.globl	thread_faults, thread_fault_at, thread_after
thread_faults:
thread_fault_at:
	movl	$1, 0x10
thread_after:
	movl	$1, thread_went_on(%rip)
1:	movl	$-60, %eax
	syscall
	jmp	1b

	.bss
	.balign	8
	.globl	start_registers, kept_registers
start_registers:
	.zero	128
kept_registers:
	.zero	96
	.section .note.GNU-stack,"",@progbits
