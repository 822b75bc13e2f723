/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Words of user memory from C, for a path that has no time for copyin and copyout.
 *
 * Between user_access_begin and user_access_end, with interrupts off: a fault is not resolved but goes to `label`, where the
 * window is still open. The caller has compared the address with VM_USER_MAX; what then goes beyond it, into addresses that do
 * not exist, faults as well.
 */
#ifndef MACHINE_USER_ACCESS_H
#define MACHINE_USER_ACCESS_H

#include <stdbool.h>
#include <stdint.h>

/* three bytes of nop that become stac or clac at boot when the processor has SMAP */
#define USER_ACCESS_WINDOW(byte)						\
	__asm__ volatile("771: .byte 0x0f, 0x1f, 0x00\n\t"			\
	    ".pushsection .smap_patch, \"a\"; .quad 771b, " #byte "; .popsection" ::: "memory")

static inline void user_access_begin(void) { USER_ACCESS_WINDOW(0xcb); }
static inline void user_access_end(void) { USER_ACCESS_WINDOW(0xca); }

#define user_load_as(instruction, value, address, at, label)			\
	__asm__ volatile goto("772: " instruction " " #at "(%1), %0\n\t"	\
	    ".pushsection .extable, \"a\"; .quad 772b, %l2; .popsection"	\
	    : "=r"(value) : "r"(address) : "memory" : label)
#define user_store_as(instruction, value, address, at, label)			\
	__asm__ volatile goto("772: " instruction " %0, " #at "(%1)\n\t"	\
	    ".pushsection .extable, \"a\"; .quad 772b, %l2; .popsection"	\
	    :: "re"(value), "r"(address) : "memory" : label)

/* 32 and 64 bits; value is of that type */
#define user_load32(value, address, at, label)	user_load_as("movl", value, address, at, label)
#define user_store32(value, address, at, label)	user_store_as("movl", (uint32_t)(value), address, at, label)
#define user_store(value, address, at, label)	user_store_as("movq", (uint64_t)(value), address, at, label)

/* => false: not all of them */
static inline __attribute__((always_inline)) bool user_copy_words(void *to, const void *from, uint64_t words)
{
	__asm__ volatile("773: rep movsq; 774:\n\t"
	    ".pushsection .extable, \"a\"; .quad 773b, 774b; .popsection"
	    : "+D"(to), "+S"(from), "+c"(words) :: "memory");
	return words == 0;
}
#define user_load_words(to, address, words)	user_copy_words(to, (const void *)(address), words)
#define user_store_words(from, address, words)	user_copy_words((void *)(address), from, words)

#endif
