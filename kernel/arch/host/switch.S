/* SPDX-License-Identifier: BSD-2-Clause */
/* Switching of stacks. */
	.text

/* void *sim_switch_stacks(void **save, void *sp, void *value): => value of whoever switches back */
	.globl	sim_switch_stacks
	.balign	16
sim_switch_stacks:
	pushq	%rbx
	pushq	%rbp
	pushq	%r12
	pushq	%r13
	pushq	%r14
	pushq	%r15
	movq	%rsp, (%rdi)
	movq	%rsi, %rsp
	popq	%r15
	popq	%r14
	popq	%r13
	popq	%r12
	popq	%rbp
	popq	%rbx
	movq	%rdx, %rax
	ret

/* first activation of a stack made by sim_stack_prepare: rbx = function, rax = value */
	.globl	sim_stack_start
sim_stack_start:
	movq	%rax, %rdi
	movq	%rbx, %rsi
	xorl	%ebp, %ebp
	call	sim_stack_begin
	ud2

/* void sim_stack_restart(void *top, void (*fn)(void)): fn runs on the emptied stack */
	.globl	sim_stack_restart
	.balign	16
sim_stack_restart:
	movq	%rdi, %rsp
	xorl	%ebp, %ebp
	call	*%rsi
	ud2

	.section .note.GNU-stack, "", @progbits
