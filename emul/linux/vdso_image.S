/* SPDX-License-Identifier: BSD-2-Clause */
/* The image of vdso/, whole pages of it. Outside the library's code: who is interrupted in it is in the program. */
	.section .vdso, "a"
	.globl	emul_vdso
	.balign	4096
emul_vdso:
	.incbin	"vdso.so"
	.balign	4096

	.section .note.GNU-stack, "", @progbits
