/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mach_msg: the trap itself. The kernel gives the argument registers back and finds argument 7 where the caller put it, so nothing
 * is saved to ask again; the rare cases are msg.c's.
 */
	.text
	.globl	mach_msg
	.type	mach_msg, @function
	.balign	32
mach_msg:
	testl	$0x440, %esi		/* options of the library */
	jnz	mach_msg_again
	movl	$-25, %eax
	movq	%rcx, %r10
	syscall
	testl	%eax, %eax
	jnz	1f
	ret
1:	movq	%r10, %rcx
	cmpl	$0x10000007, %eax	/* MACH_SEND_INTERRUPTED: all of it again */
	je	mach_msg_again
	cmpl	$0x10004005, %eax	/* MACH_RCV_INTERRUPTED: what was sent is sent */
	je	2f
	ret
2:	andl	$~1, %esi
	xorl	%edx, %edx
	jmp	mach_msg_again
	.size	mach_msg, . - mach_msg

	.section .note.GNU-stack, "", @progbits
