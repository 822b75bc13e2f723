/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The Mach trap table: entry -n of interface reference section 2. The machine layer calls mt_fn with the mt_args
 * arguments as 64-bit integers in the C calling convention (7 and up copied from the user's stack; when that
 * fails the trap returns KERN_INVALID_ADDRESS) and puts the result into rax.
 */
#ifndef KERN_SYSCALL_TABLE_H
#define KERN_SYSCALL_TABLE_H

#include <stdint.h>

#define MACH_TRAP_COUNT	130

typedef long mach_trap_fn(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t);

struct mach_trap {
	mach_trap_fn	*mt_fn;
	uint64_t	 mt_args;
};

extern const struct mach_trap mach_trap_table[MACH_TRAP_COUNT];

#endif
