/* SPDX-License-Identifier: BSD-2-Clause */
/* Entry of a native program: RSP points to argc; hand that to C on an aligned stack. */
	.text
	.globl	_start
	.type	_start, @function
_start:
	xorl	%ebp, %ebp
	movq	%rsp, %rdi
	andq	$-16, %rsp
	call	crt0_start
	ud2
	.size	_start, . - _start

	.section .note.GNU-stack, "", @progbits
