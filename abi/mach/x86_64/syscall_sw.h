/* SPDX-License-Identifier: BSD-2-Clause */
/* The trap stub: number to EAX, fourth argument to R10, SYSCALL. */
#ifndef MACH_X86_64_SYSCALL_SW_H
#define MACH_X86_64_SYSCALL_SW_H

#include <mach/x86_64/asm.h>

#ifndef kernel_trap
#define kernel_trap(name, number, args) \
	ENTRY(name)			; \
	movl	$number, %eax		; \
	movq	%rcx, %r10		; \
	syscall				; \
	ret				; \
	END(name)
#endif

#endif
