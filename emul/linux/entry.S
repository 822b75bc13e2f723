/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where the kernel and the server enter the library, and its only way out. Register conventions: docs/unix.md.
 */
#include "tcb.h"

	.text

.macro save_registers
	movq	%rsp, %gs:R_RSP
	movq	%gs:TCB_SELF, %rsp
	movq	%rdi, %gs:R_RDI
	movq	%rsi, %gs:R_RSI
	movq	%rdx, %gs:R_RDX
	movq	%r10, %gs:R_R10
	movq	%r8, %gs:R_R8
	movq	%r9, %gs:R_R9
	movq	%rbx, %gs:R_RBX
	movq	%rbp, %gs:R_RBP
	movq	%r12, %gs:R_R12
	movq	%r13, %gs:R_R13
	movq	%r14, %gs:R_R14
	movq	%r15, %gs:R_R15
.endm

/*
 * A redirected call: RCX return address, R11 flags. Handlers are C functions of the six arguments; they find
 * the saved registers in the thread structure. Results -512 .. -514 want the restart rules.
 */
	.globl	emul_entry_syscall
emul_entry_syscall:
	save_registers
	movq	%rcx, %gs:R_RCX
	movq	%rcx, %gs:R_RIP
	movq	%r11, %gs:R_R11
	movq	%r11, %gs:R_RFLAGS
	movq	%rax, %gs:TCB_CALL
	cld
	movq	%r10, %rcx
	cmpq	$EMUL_CALLS, %rax
	jae	1f
	leaq	emul_calls(%rip), %rbx
	movq	(%rbx,%rax,8), %rax
	testq	%rax, %rax
	jz	1f
	call	*%rax
2:	leaq	514(%rax), %rcx
	cmpq	$2, %rcx
	movq	%rax, %gs:R_RAX
	jbe	3f
	jmp	emul_exit
1:	call	emul_unknown_call
	jmp	2b
3:	movq	%rax, %rdi
	call	emul_interrupted
	jmp	emul_exit

/* The program was interrupted by a signal or its own fault: nothing may change before it is saved. */
	.globl	emul_entry_signal
emul_entry_signal:
	save_registers
	movq	%rax, %gs:R_RAX
	movq	%rcx, %gs:R_RCX
	movq	%r11, %gs:R_R11
	pushfq
	popq	%rax
	movq	%rax, %gs:R_RFLAGS
	movq	%gs:TCB_SLOT, %rax
	movq	SLOT_RIP(%rax), %rax
	movq	%rax, %gs:R_RIP
	movq	$-1, %gs:TCB_CALL
	cld
	call	emul_faulted
	jmp	emul_exit

/* RDI entry, RSI program stack, RDX share, RCX slot */
	.globl	emul_entry_exec
emul_entry_exec:
	cld
	xorl	%ebp, %ebp
	call	emul_exec
	jmp	emul_exit

/* RDI slot; RSP inside the library stack of this thread */
	.globl	emul_entry_child
emul_entry_child:
	cld
	movq	%gs:TCB_SELF, %rsp
	xorl	%ebp, %ebp
	call	emul_child
	jmp	emul_exit

/*
 * The way out: restartable from emul_exit_start at any instruction. It reads the saved registers through GS and
 * writes nothing. The flags are popped from the thread structure itself.
 */
emul_exit_pending:
	movq	%gs:TCB_SELF, %rsp
	call	emul_deliver
emul_exit:
	.globl	emul_exit_start, emul_exit_end
emul_exit_start:
	movq	%gs:TCB_SLOT, %rax
	movq	SLOT_MASK(%rax), %rcx
	notq	%rcx
	testq	%rcx, SLOT_PENDING(%rax)
	jnz	emul_exit_pending
	movq	%gs:TCB_SELF, %rsp
	leaq	R_RFLAGS(%rsp), %rsp
	popfq
	movq	%gs:R_RAX, %rax
	movq	%gs:R_RBX, %rbx
	movq	%gs:R_RCX, %rcx
	movq	%gs:R_RDX, %rdx
	movq	%gs:R_RSI, %rsi
	movq	%gs:R_RDI, %rdi
	movq	%gs:R_RBP, %rbp
	movq	%gs:R_R8, %r8
	movq	%gs:R_R9, %r9
	movq	%gs:R_R10, %r10
	movq	%gs:R_R11, %r11
	movq	%gs:R_R12, %r12
	movq	%gs:R_R13, %r13
	movq	%gs:R_R14, %r14
	movq	%gs:R_R15, %r15
	movq	%gs:R_RSP, %rsp
	jmpq	*%gs:R_RIP
emul_exit_end:

/*
 * int emul_wait_msg(msg, option, send_size, rcv_size, rcv_name, timeout, notify), int emul_wait_gsync(address, value, 0, ms, flags):
 * mach_msg_trap and gsync_wait_self for waits which a signal must break.
 * A signal that is already there, or arrives before the trap, makes it return MACH_SEND_INTERRUPTED with nothing done.
 */
	.globl	emul_wait_msg, emul_wait_gsync, emul_wait_start, emul_wait_end, emul_wait_fixup
emul_wait_gsync:
	movq	$-120, %gs:TCB_TRAP
	jmp	emul_wait_start
emul_wait_msg:
	movq	$-25, %gs:TCB_TRAP
emul_wait_start:
	movq	%gs:TCB_SLOT, %rax
	movq	SLOT_MASK(%rax), %r11
	notq	%r11
	testq	%r11, SLOT_PENDING(%rax)
	jnz	emul_wait_fixup
	movq	%rcx, %r10
	movq	%gs:TCB_TRAP, %rax
	syscall
emul_wait_end:
	ret
emul_wait_fixup:
	movl	$0x10000007, %eax
	ret

/* Faults of program addresses continue at a fixup: see the table in header.c's section */
.macro fixup from, to, target
	.pushsection .fixups, "a"
	.quad	\from, \to, \target
	.popsection
.endm

/* long emul_copy(void *to, const void *from, size_t n): 0 or -EFAULT; either side may be the program's */
	.globl	emul_copy
emul_copy:
	movq	%rdx, %rcx
	andl	$7, %edx
	shrq	$3, %rcx
1:	rep movsq
	movl	%edx, %ecx
2:	rep movsb
3:	xorl	%eax, %eax
	ret
4:	movq	$-14, %rax
	ret
	fixup	1b, 3b, 4b

/* size_t emul_copy_some(void *to, const void *from, size_t n): how many bytes at the end were left out because of a fault */
	.globl	emul_copy_some
emul_copy_some:
	movq	%rdx, %rcx
	andl	$7, %edx
	shrq	$3, %rcx
1:	rep movsq
2:	movl	%edx, %ecx
3:	rep movsb
4:	movq	%rcx, %rax
	ret
5:	leaq	(%rdx,%rcx,8), %rcx	/* up to the very byte */
	jmp	3b
	fixup	1b, 2b, 5b
	fixup	3b, 4b, 4b

/* size_t emul_zero_some(void *to, size_t n): the same */
	.globl	emul_zero_some
emul_zero_some:
	movq	%rsi, %rcx
	andl	$7, %esi
	shrq	$3, %rcx
	xorl	%eax, %eax
1:	rep stosq
2:	movl	%esi, %ecx
3:	rep stosb
4:	movq	%rcx, %rax
	ret
5:	leaq	(%rsi,%rcx,8), %rcx
	jmp	3b
	fixup	1b, 2b, 5b
	fixup	3b, 4b, 4b

/* long emul_strlen(const char *s, size_t max): length, max when there is no NUL before it, or -EFAULT */
	.globl	emul_strlen
emul_strlen:
	xorl	%eax, %eax
1:	cmpq	%rsi, %rax
	jae	3f
2:	cmpb	$0, (%rdi,%rax)
	je	3f
	incq	%rax
	jmp	1b
3:	ret
4:	movq	$-14, %rax
	ret
	fixup	2b, 3b, 4b

/* long emul_cmpxchg(uint32_t *p, uint32_t old, uint32_t new, uint32_t *was) */
	.globl	emul_cmpxchg
emul_cmpxchg:
	movl	%esi, %eax
1:	lock cmpxchgl %edx, (%rdi)
2:	movl	%eax, (%rcx)
	xorl	%eax, %eax
	ret
3:	movq	$-14, %rax
	ret
	fixup	1b, 2b, 3b

/* long emul_xsave(void *area, uint64_t mask), emul_xrstor: 0, or -EFAULT, also for an image the processor refuses */
	.globl	emul_xsave, emul_xrstor, emul_fxsave, emul_fxrstor
emul_xsave:
	movl	%esi, %eax
	movq	%rsi, %rdx
	shrq	$32, %rdx
1:	xsave64	(%rdi)
2:	xorl	%eax, %eax
	ret
3:	movq	$-14, %rax
	ret
	fixup	1b, 2b, 3b
emul_xrstor:
	movl	%esi, %eax
	movq	%rsi, %rdx
	shrq	$32, %rdx
1:	xrstor64 (%rdi)
2:	xorl	%eax, %eax
	ret
3:	movq	$-14, %rax
	ret
	fixup	1b, 2b, 3b
emul_fxsave:
1:	fxsave64 (%rdi)
2:	xorl	%eax, %eax
	ret
3:	movq	$-14, %rax
	ret
	fixup	1b, 2b, 3b
emul_fxrstor:
1:	fxrstor64 (%rdi)
2:	xorl	%eax, %eax
	ret
3:	movq	$-14, %rax
	ret
	fixup	1b, 2b, 3b

/* mach_msg_trap(msg, option, send_size, rcv_size, rcv_name, timeout, notify) and the other traps */
.macro trap name, number
	.globl	\name
\name:	movq	%rcx, %r10
	movl	$\number, %eax
	syscall
	ret
.endm
	trap	mach_msg_trap, -25
	trap	mach_reply_port, -26
	trap	mach_thread_self, -27
	trap	emul_task_self_trap, -28
	trap	mach_print, -30
	trap	swtch_pri, -59
	trap	thread_switch, -61
	trap	syscall_vm_map, -64
	trap	syscall_vm_allocate, -65
	trap	syscall_vm_deallocate, -66
	trap	syscall_mach_port_deallocate, -73
	trap	thread_set_self_state, -77
	trap	gsync_wait_self, -120
	trap	gsync_wake_self, -121

	.section .note.GNU-stack, "", @progbits
