/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Entry to the kernel and the ways out of it.
 *
 * From user mode everything is saved straight into the current thread's mt_regs: the hardware pushes there because
 * TSS.RSP0 points at its end, syscall does it by hand; then the thread's kernel stack is taken, empty. Traps from
 * kernel mode build the same frame on the stack in use. NMI, #DB, #MC and #DF have stacks of their own, because they
 * can come between syscall and the load of the kernel's GS and RSP (there GS is told from nothing in the
 * registers: with FSGSBASE a user may put any value there; the lowest word of those stacks points at struct cpu).
 *
 * The nops labelled smap_* become clac/stac at boot when the processor has SMAP.
 */
#include <machine/asm.h>
#include "asm_offsets.h"
#include "asm_macros.h"

#define MSR_GS_BASE	0xc0000101

.macro PUSH_REGS
	pushq	%rdi
	pushq	%rsi
	pushq	%rdx
	pushq	%rcx
	pushq	%rax
	pushq	%r8
	pushq	%r9
	pushq	%r10
	pushq	%r11
	pushq	%rbx
	pushq	%rbp
	pushq	%r12
	pushq	%r13
	pushq	%r14
	pushq	%r15
.endm

/* those a function preserves; UR_R11 comes next */
.macro POP_PRESERVED
	popq	%r15
	popq	%r14
	popq	%r13
	popq	%r12
	popq	%rbp
	popq	%rbx
.endm

.macro POP_REGS
	POP_PRESERVED
	popq	%r11
	popq	%r10
	popq	%r9
	popq	%r8
	popq	%rax
	popq	%rcx
	popq	%rdx
	popq	%rsi
	popq	%rdi
.endm

	.section .text.entry, "ax"

/*
 * syscall: negative = Mach trap, otherwise system call redirection: only RIP changes; the handler finds the
 * old RIP in RCX and the old RFLAGS in R11 (hence iretq: sysret would overwrite both).
 */
	.globl	syscall_entry
	.balign	64
syscall_entry:
	swapgs
	testl	%eax, %eax
	js	mach_trap
	movq	%rsp, %gs:CP_SCRATCH
	movq	%gs:CP_KERNEL_RSP, %rsp
	pushq	$SEL_USER_DS
	pushq	%gs:CP_SCRATCH
	pushq	%r11
	pushq	$SEL_USER_CS
	pushq	%rcx
	pushq	%rax
	movq	%gs:CP_EMULATION, %rcx
	subl	EV_START(%rcx), %eax
	cmpl	EV_COUNT(%rcx), %eax
	jae	not_redirected
	movq	EV_ENTRY(%rcx, %rax, 8), %rax
	testq	%rax, %rax
	jz	not_redirected
	movq	8(%rsp), %rcx
	movq	%rax, 8(%rsp)
	popq	%rax
	swapgs
	.globl	iret_redirect
iret_redirect:
	iretq

not_redirected:
	popq	%rax
	popq	%rcx
	movq	%gs:CP_THREAD, %rsp
	addq	$MT_REGS + UR_SIZE, %rsp
	pushq	$SEL_USER_DS
	pushq	%gs:CP_SCRATCH
	pushq	%r11
	pushq	$SEL_USER_CS
	pushq	%rcx
	pushq	$0
	pushq	$VECTOR_SYSCALL
	PUSH_REGS
	movq	%rsp, %rdi
	movq	%gs:CP_KERNEL_RSP, %rsp
	xorl	%ebp, %ebp
	call	trap_bad_syscall
	jmp	machine_return_to_user

	.balign	64
mach_trap:
	cmpl	$-MACH_MSG_TRAP, %eax
	je	mach_msg_entry
mach_trap_save:
	movq	%rsp, %gs:CP_SCRATCH
	movq	%gs:CP_THREAD, %rsp
	addq	$MT_REGS + UR_SIZE, %rsp
	pushq	$SEL_USER_DS
	pushq	%gs:CP_SCRATCH
	pushq	%r11
	pushq	$SEL_USER_CS
	pushq	%rcx
	pushq	$0
	pushq	$VECTOR_SYSCALL
	PUSH_REGS
	movq	%gs:CP_KERNEL_RSP, %rsp
mach_trap_general:
	/* RBX, RBP, R12 to R15 stay the user's: the function called preserves them */
	sti
	negl	%eax
	cmpl	$MACH_TRAPS, %eax
	jae	mach_trap_bad
	shll	$4, %eax
	leaq	mach_trap_table(%rax), %rax
	movq	%r10, %rcx
	cmpl	$6, MACH_TRAP_ARGS(%rax)
	ja	mach_trap_many
	call	*(%rax)
mach_trap_return:
	cli
	movq	%gs:CP_THREAD, %r11
	cmpl	$0, TH_AST(%r11)
	jne	mach_trap_ast
	movq	MT_REGS + UR_RIP(%r11), %rcx
	movq	%rcx, %rdx
	shrq	$47, %rdx
	jnz	mach_trap_slow_return
	movq	MT_REGS + UR_RDI(%r11), %rdi
	movq	MT_REGS + UR_RSI(%r11), %rsi
	movq	MT_REGS + UR_RDX(%r11), %rdx
	movq	MT_REGS + UR_R10(%r11), %r10
	movq	MT_REGS + UR_R8(%r11), %r8
	movq	MT_REGS + UR_R9(%r11), %r9
	movq	MT_REGS + UR_RSP(%r11), %rsp
	movq	MT_REGS + UR_RFLAGS(%r11), %r11
	swapgs
	sysretq

mach_trap_ast:
mach_trap_slow_return:
	movq	%rax, MT_REGS + UR_RAX(%r11)
	jmp	machine_return_to_user

/*
 * Send and receive without options: perhaps one straight line to the receiver. Of the frame only what a return from a trap needs is
 * written: the segments are always the same, RAX is the result, and RCX and R11 are lost to whoever executes syscall.
 */
	.balign	64
mach_msg_entry:
	cmpl	$MACH_SEND_RCV, %esi
	jne	mach_trap_save
	movq	%rsp, %gs:CP_SCRATCH
	movq	%gs:CP_THREAD, %rsp
	movq	$VECTOR_SYSCALL, MT_REGS + UR_TRAPNO(%rsp)
	movq	%r15, MT_REGS + UR_R15(%rsp)
	movq	%r14, MT_REGS + UR_R14(%rsp)
	movq	%r13, MT_REGS + UR_R13(%rsp)
	movq	%r12, MT_REGS + UR_R12(%rsp)
	movq	%rbp, MT_REGS + UR_RBP(%rsp)
	movq	%rbx, MT_REGS + UR_RBX(%rsp)
	movq	%r10, MT_REGS + UR_R10(%rsp)
	movq	%r9, MT_REGS + UR_R9(%rsp)
	movq	%r8, MT_REGS + UR_R8(%rsp)
	movq	%rdx, MT_REGS + UR_RDX(%rsp)
	movq	%rsi, MT_REGS + UR_RSI(%rsp)
	movq	%rdi, MT_REGS + UR_RDI(%rsp)
	movq	%rcx, MT_REGS + UR_RIP(%rsp)
	movq	%r11, MT_REGS + UR_RFLAGS(%rsp)
	movq	%gs:CP_SCRATCH, %rcx
	movq	%rcx, MT_REGS + UR_RSP(%rsp)
	movq	%gs:CP_KERNEL_RSP, %rsp
	movq	%r10, %rcx
	call	ipc_rpc			/* preserves no register but RBP and RSP */
	movq	%gs:CP_THREAD, %r11
	movq	MT_REGS + UR_RBX(%r11), %rbx
	movq	MT_REGS + UR_R12(%r11), %r12
	movq	MT_REGS + UR_R13(%r11), %r13
	movq	MT_REGS + UR_R14(%r11), %r14
	movq	MT_REGS + UR_R15(%r11), %r15
	movq	MT_REGS + UR_RDI(%r11), %rdi
	movq	MT_REGS + UR_RSI(%r11), %rsi
	movq	MT_REGS + UR_RDX(%r11), %rdx
	movq	MT_REGS + UR_R10(%r11), %r10
	movq	MT_REGS + UR_R8(%r11), %r8
	movq	MT_REGS + UR_R9(%r11), %r9
	movl	$-MACH_MSG_TRAP, %eax
	jmp	mach_trap_general

mach_trap_bad:
	movq	%gs:CP_THREAD, %rdi
	addq	$MT_REGS, %rdi
	call	trap_bad_syscall
	jmp	machine_return_to_user

/* arguments 7 and up: from the user's stack, in reverse */
mach_trap_many:
	movq	%gs:CP_THREAD, %r11
	movq	MT_REGS + UR_RSP(%r11), %r11
	movl	MACH_TRAP_ARGS(%rax), %r10d
	subl	$6, %r10d
	testl	$1, %r10d
	jz	1f
	subq	$8, %rsp
1:	leaq	(%r11, %r10, 8), %r11
	cmpq	user_stack_limit(%rip), %r11
	ja	mach_trap_fault
	STAC
2:	pushq	(%r11)
	EXTABLE	2b, mach_trap_fault
	subq	$8, %r11
	decl	%r10d
	jnz	2b
	CLAC
	call	*(%rax)
	movq	%gs:CP_KERNEL_RSP, %rsp
	jmp	mach_trap_return

mach_trap_fault:
	CLAC
	movq	%gs:CP_KERNEL_RSP, %rsp
	movl	$1, %eax			/* KERN_INVALID_ADDRESS */
	jmp	mach_trap_return

	.balign	8
user_stack_limit:
	.quad	0x7ffffffffff8

/* void machine_return_from_message(struct thread *) */
	.globl	machine_return_from_message
	.balign	64
machine_return_from_message:
	leaq	MT_REGS(%rdi), %rsp
	POP_PRESERVED
	movq	UR_RFLAGS - UR_R11(%rsp), %r11
	movq	UR_RIP - UR_R11(%rsp), %rcx
	movq	UR_R10 - UR_R11(%rsp), %r10
	movq	UR_R9 - UR_R11(%rsp), %r9
	movq	UR_R8 - UR_R11(%rsp), %r8
	movq	UR_RDX - UR_R11(%rsp), %rdx
	movq	UR_RSI - UR_R11(%rsp), %rsi
	movq	UR_RDI - UR_R11(%rsp), %rdi
	movq	UR_RSP - UR_R11(%rsp), %rsp
	xorl	%eax, %eax
	swapgs
	sysretq

/* Leaves through mt_regs of the current thread, all registers restored; stack not used afterwards */
	.globl	machine_return_to_user
	.balign	64
machine_return_to_user:
	cli
	movq	%gs:CP_THREAD, %rax
	cmpl	$0, TH_AST(%rax)
	jne	return_ast
	leaq	MT_REGS(%rax), %rsp
	cmpl	$VECTOR_SYSCALL, UR_TRAPNO(%rsp)
	jne	1f
	movq	UR_RIP(%rsp), %rcx
	shrq	$47, %rcx
	jnz	1f
	cmpl	$SEL_USER_CS, UR_CS(%rsp)
	jne	1f
	POP_REGS
	movq	UR_RIP - UR_TRAPNO(%rsp), %rcx
	movq	UR_RFLAGS - UR_TRAPNO(%rsp), %r11
	movq	UR_RSP - UR_TRAPNO(%rsp), %rsp
	swapgs
	sysretq
1:	POP_REGS
	addq	$16, %rsp
	swapgs
	.globl	iret_user
iret_user:
	iretq

return_ast:
	movq	%gs:CP_KERNEL_RSP, %rsp
	xorl	%ebp, %ebp
	sti
	call	ast_taken
	jmp	machine_return_to_user

/* Exceptions and interrupts */
.macro VECTOR n, has_error, target=trap_common
	.balign	16
	.if	\has_error == 0
	pushq	$0
	.endif
	pushq	$\n
	jmp	\target
.endm

	.balign	64
	.globl	vector_stubs
vector_stubs:
	VECTOR	0, 0
	VECTOR	1, 0, db_common
	VECTOR	2, 0, paranoid_common
	VECTOR	3, 0
	VECTOR	4, 0
	VECTOR	5, 0
	VECTOR	6, 0
	VECTOR	7, 0
	VECTOR	8, 1, paranoid_common
	VECTOR	9, 0
	VECTOR	10, 1
	VECTOR	11, 1, selector_common
	VECTOR	12, 1, selector_common
	VECTOR	13, 1, selector_common
	VECTOR	14, 1
	VECTOR	15, 0
	VECTOR	16, 0
	VECTOR	17, 1
	VECTOR	18, 0, paranoid_common
	VECTOR	19, 0
	VECTOR	20, 0
	VECTOR	21, 1
	VECTOR	22, 0
	VECTOR	23, 0
	VECTOR	24, 0
	VECTOR	25, 0
	VECTOR	26, 0
	VECTOR	27, 0
	VECTOR	28, 0
	VECTOR	29, 1
	VECTOR	30, 1
	VECTOR	31, 0
	.set	vector, 32
	.rept	224
	VECTOR	vector, 0
	.set	vector, vector + 1
	.endr

	.balign	64
trap_common:
	PUSH_REGS
	CLAC
	cld
	movq	%rsp, %rdi
	testb	$3, UR_CS(%rsp)
	jz	trap_in_kernel
	swapgs
	movq	%gs:CP_KERNEL_RSP, %rsp
	xorl	%ebp, %ebp
	call	trap_from_user
	jmp	machine_return_to_user
trap_in_kernel:
	call	trap_from_kernel
	POP_REGS
	addq	$16, %rsp
	iretq

/*
 * #NP, #SS, #GP. When the return to user mode itself faults, GS is already the user's and every register the
 * user's too; the frame of the iretq tells what was meant. It becomes a trap of the user.
 */
selector_common:
	testb	$3, 24(%rsp)
	jnz	trap_common
	cmpq	$iret_user, 16(%rsp)
	je	iret_fault
	cmpq	$iret_redirect, 16(%rsp)
	jne	trap_common
iret_fault:
	swapgs
	PUSH_REGS
	CLAC
	cld
	movq	%rsp, %rsi
	movq	%gs:CP_KERNEL_RSP, %rsp
	subq	$1024, %rsp
	movq	%rsp, %rdi
	movl	$UR_SIZE / 8, %ecx
	rep movsq				/* the frame overlaps mt_regs: out of its way first */
	movq	%rsp, %rdi
	xorl	%ebp, %ebp
	call	trap_iret_fault
	jmp	machine_return_to_user

/* #DB: from user mode an ordinary trap, moved to the thread's own area */
db_common:
	PUSH_REGS
	CLAC
	cld
	testb	$3, UR_CS(%rsp)
	jz	paranoid_entered
	swapgs
	movq	%rsp, %rsi
	movq	%gs:CP_THREAD, %rdi
	addq	$MT_REGS, %rdi
	movl	$UR_SIZE / 8, %ecx
	rep movsq
	leaq	-UR_SIZE(%rdi), %rdi
	movq	%gs:CP_KERNEL_RSP, %rsp
	xorl	%ebp, %ebp
	call	trap_from_user
	jmp	machine_return_to_user

/* NMI, #MC, #DF, #DB in the kernel: GS may be anyone's */
paranoid_common:
	PUSH_REGS
	CLAC
	cld
paranoid_entered:
	movl	$MSR_GS_BASE, %ecx
	rdmsr
	movl	%eax, %r12d
	movl	%edx, %r13d
	movq	%rsp, %rax
	andq	$-IST_STACK_SIZE, %rax
	movl	4(%rax), %edx
	movl	(%rax), %eax
	wrmsr
	movq	%rsp, %rdi
	movq	%rsp, %rbx
	call	trap_paranoid
	movq	%rbx, %rsp
	movl	$MSR_GS_BASE, %ecx
	movl	%r12d, %eax
	movl	%r13d, %edx
	wrmsr
	POP_REGS
	addq	$16, %rsp
	iretq

	.section .note.GNU-stack, "", @progbits
