/* SPDX-License-Identifier: BSD-2-Clause */
/* The stub of every trap, from the trap table. */
#include <mach/syscall_sw.h>

	.section .note.GNU-stack, "", @progbits
