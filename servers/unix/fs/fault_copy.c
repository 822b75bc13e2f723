/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copies that survive a memory object's refusal.
 *
 * The page behind a window may fail to come (the device answered an error).  The kernel then
 * sends an exception of the faulting thread; if the thread is inside the code below, it continues
 * at fault_copy_fixup, and the copy returns -EIO.  The code uses no stack, so nothing needs to be
 * undone.
 * TESTS     tests/boot (unix)
 */
#include <mach.h>

#include "enode.h"

extern const char fault_copy_begin[], fault_copy_end[], fault_copy_fixup[];

__asm__(
	".text\n"
	".globl fault_copy_begin, fault_copy_end, fault_copy_fixup, fault_copy_raw, fault_zero_raw\n"
	"fault_copy_begin:\n"
	"fault_copy_raw:\n"			/* to rdi, from rsi, size rdx */
	"	mov	%rdx, %rcx\n"
	"	shr	$5, %rcx\n"
	"	jz	2f\n"
	"1:	mov	(%rsi), %rax\n"
	"	mov	8(%rsi), %r8\n"
	"	mov	16(%rsi), %r9\n"
	"	mov	24(%rsi), %r10\n"
	"	mov	%rax, (%rdi)\n"
	"	mov	%r8, 8(%rdi)\n"
	"	mov	%r9, 16(%rdi)\n"
	"	mov	%r10, 24(%rdi)\n"
	"	add	$32, %rsi\n"
	"	add	$32, %rdi\n"
	"	dec	%rcx\n"
	"	jnz	1b\n"
	"2:	and	$31, %edx\n"
	"	jz	4f\n"
	"3:	mov	(%rsi), %al\n"
	"	mov	%al, (%rdi)\n"
	"	inc	%rsi\n"
	"	inc	%rdi\n"
	"	dec	%edx\n"
	"	jnz	3b\n"
	"4:	xor	%eax, %eax\n"
	"	ret\n"
	"fault_zero_raw:\n"			/* to rdi, size rsi */
	"	test	%rsi, %rsi\n"
	"	jz	6f\n"
	"5:	movb	$0, (%rdi)\n"
	"	inc	%rdi\n"
	"	dec	%rsi\n"
	"	jnz	5b\n"
	"6:	xor	%eax, %eax\n"
	"	ret\n"
	"fault_copy_end:\n"
	"fault_copy_fixup:\n"
	"	mov	$-5, %eax\n"		/* -LX_EIO */
	"	ret\n"
);

int fault_copy_raw(void *to, const void *from, size_t size);
int fault_zero_raw(void *to, size_t size);

int
fault_copy(void *to, const void *from, size_t size)
{
	return fault_copy_raw(to, from, size);
}

int
fault_zero(void *to, size_t size)
{
	return fault_zero_raw(to, size);
}

bool
fault_fixup(mach_port_t thread)
{
	struct i386_thread_state state;
	mach_msg_type_number_t count = i386_THREAD_STATE_COUNT;

	if (thread_get_state(thread, i386_REGS_SEGS_STATE, (thread_state_t)&state, &count) !=
	    KERN_SUCCESS)
		return false;
	if (state.rip < (uintptr_t)fault_copy_begin || state.rip >= (uintptr_t)fault_copy_end)
		return false;
	state.rip = (uintptr_t)fault_copy_fixup;
	return thread_set_state(thread, i386_REGS_SEGS_STATE, (thread_state_t)&state, count) ==
	    KERN_SUCCESS;
}
