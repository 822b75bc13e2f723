/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fault-tolerant access to user memory, and switching of kernel stacks. The exception table sends a fault at a
 * marked instruction to its fixup; trap.c tries to resolve the fault first.
 */
#include <machine/asm.h>
#include "asm_macros.h"
#include "asm_offsets.h"

#define KERN_INVALID_ADDRESS	1
#define KERN_NO_SPACE		3

	.text

/* kern_return_t copyin(uint64_t user_from, void *to, size_t n) */
	.globl	copyin
	.balign	16
copyin:
	xchgq	%rdi, %rsi
	movq	%rsi, %rax
	addq	%rdx, %rax
	jc	copy_fault
	shrq	$47, %rax
	jnz	copy_check_end
copy_bytes:
	STAC
	cmpq	$32, %rdx			/* a message header: every message twice */
	je	copy_header
	cmpq	$64, %rdx
	ja	copy_long
	/* small: a jump to as many moves as there are words; a word takes 8 bytes of them */
	movl	%edx, %ecx
	andl	$0x78, %ecx
	movq	$copy_words_end, %rax
	subq	%rcx, %rax
	jmp	*%rax
	.irp	at, 56, 48, 40, 32, 24, 16, 8, 0
11:	{disp8} movq	\at(%rsi), %rcx
12:	{disp8} movq	%rcx, \at(%rdi)
	EXTABLE	11b, copy_fault
	EXTABLE	12b, copy_fault
	.endr
copy_words_end:
	testl	$7, %edx
	jz	copy_done
	movl	%edx, %ecx
	andl	$0x78, %ecx
	addq	%rcx, %rsi
	addq	%rcx, %rdi
	andl	$7, %edx
4:	movb	(%rsi), %al
5:	movb	%al, (%rdi)
	incq	%rsi
	incq	%rdi
	decl	%edx
	jnz	4b
copy_done:
	CLAC
	xorl	%eax, %eax
	ret
copy_header:
21:	movq	(%rsi), %rax
22:	movq	8(%rsi), %rcx
23:	movq	%rax, (%rdi)
24:	movq	%rcx, 8(%rdi)
25:	movq	16(%rsi), %rax
26:	movq	24(%rsi), %rcx
27:	movq	%rax, 16(%rdi)
28:	movq	%rcx, 24(%rdi)
	jmp	copy_done
	EXTABLE	21b, copy_fault
	EXTABLE	22b, copy_fault
	EXTABLE	23b, copy_fault
	EXTABLE	24b, copy_fault
	EXTABLE	25b, copy_fault
	EXTABLE	26b, copy_fault
	EXTABLE	27b, copy_fault
	EXTABLE	28b, copy_fault
copy_long:
	movq	%rdx, %rcx
	shrq	$3, %rcx
6:	rep movsq
	andl	$7, %edx
	jnz	4b
	jmp	copy_done
	EXTABLE	4b, copy_fault
	EXTABLE	5b, copy_fault
	EXTABLE	6b, copy_fault

/* the end may be exactly the end of user space */
copy_check_end:
	movq	%rsi, %rax
	addq	%rdx, %rax
	decq	%rax
	shrq	$47, %rax
	jz	copy_bytes
copy_fault:
	CLAC
	movl	$KERN_INVALID_ADDRESS, %eax
	ret

/* kern_return_t copyout(const void *from, uint64_t user_to, size_t n) */
	.globl	copyout
	.balign	16
copyout:
	xchgq	%rdi, %rsi			/* rdi: user, rsi: kernel */
	movq	%rdi, %rax
	addq	%rdx, %rax
	jc	copy_fault
	shrq	$47, %rax
	jz	copy_bytes
	movq	%rdi, %rax
	addq	%rdx, %rax
	decq	%rax
	shrq	$47, %rax
	jz	copy_bytes
	jmp	copy_fault

/* kern_return_t copyin_word(uint64_t user_from, uint32_t *to) */
	.globl	copyin_word
	.balign	16
copyin_word:
	testb	$3, %dil
	jnz	copy_fault
	movq	%rdi, %rax
	shrq	$47, %rax
	jnz	copy_fault
	STAC
7:	movl	(%rdi), %eax
	EXTABLE	7b, copy_fault
	CLAC
	movl	%eax, (%rsi)
	xorl	%eax, %eax
	ret

/* kern_return_t copyinstr(uint64_t user_from, char *to, size_t max, size_t *len) */
	.globl	copyinstr
	.balign	16
copyinstr:
	xorl	%r8d, %r8d
	STAC
8:	cmpq	%rdx, %r8
	jae	10f
	movq	%rdi, %rax
	shrq	$47, %rax
	jnz	copy_fault
9:	movb	(%rdi), %al
	EXTABLE	9b, copy_fault
	movb	%al, (%rsi, %r8)
	incq	%rdi
	incq	%r8
	testb	%al, %al
	jnz	8b
	CLAC
	testq	%rcx, %rcx
	jz	11f
	movq	%r8, (%rcx)
11:	xorl	%eax, %eax
	ret
10:	CLAC
	movl	$KERN_NO_SPACE, %eax
	ret

/* bool user_cas32(uint64_t user, uint32_t old, uint32_t new, uint32_t *seen): false on a fault */
	.globl	user_cas32
	.balign	16
user_cas32:
	movq	%rdi, %rax
	shrq	$47, %rax
	jnz	13f
	movl	%esi, %eax
	STAC
12:	lock cmpxchgl %edx, (%rdi)
	EXTABLE	12b, 13f
	CLAC
	movl	%eax, (%rcx)
	movl	$1, %eax
	ret
13:	CLAC
	xorl	%eax, %eax
	ret

/* bool kernel_probe(const void *, uint64_t *): read memory that may not be there (debugger, backtraces) */
	.globl	kernel_probe
	.balign	16
kernel_probe:
14:	movq	(%rdi), %rax
	EXTABLE	14b, 15f
	movq	%rax, (%rsi)
	movl	$1, %eax
	ret
15:	xorl	%eax, %eax
	ret

/* struct thread *context_switch_stacks(struct thread *old, struct thread *new): => old, on new's stack */
	.globl	context_switch_stacks
	.balign	16
context_switch_stacks:
	pushq	%rbx
	pushq	%rbp
	pushq	%r12
	pushq	%r13
	pushq	%r14
	pushq	%r15
	movq	%rsp, MT_KERNEL_RSP(%rdi)
	movq	MT_KERNEL_RSP(%rsi), %rsp
	popq	%r15
	popq	%r14
	popq	%r13
	popq	%r12
	popq	%rbp
	popq	%rbx
	movq	%rdi, %rax
	ret

/* first activation on a prepared stack: rbx = fn, rax = previous thread */
	.globl	stack_start
stack_start:
	movq	%rax, %rdi
	xorl	%ebp, %ebp
	call	*%rbx
	ud2

/* void call_continuation(void (*fn)(void)) */
	.globl	call_continuation
	.balign	16
call_continuation:
	movq	%gs:CP_KERNEL_RSP, %rsp
	xorl	%ebp, %ebp
	call	*%rdi
	ud2

	.section .note.GNU-stack, "", @progbits
