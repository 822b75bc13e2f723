/* SPDX-License-Identifier: BSD-2-Clause */
/* Thread state flavours of this machine. */
#ifndef MACH_X86_64_THREAD_STATUS_H
#define MACH_X86_64_THREAD_STATUS_H

#include <stddef.h>
#include <stdint.h>
#include <mach/x86_64/fp_reg.h>
#include <mach/x86_64/vm_types.h>

#define THREAD_STATE_FLAVOR_LIST	0
#define i386_THREAD_STATE		1
#define i386_FLOAT_STATE		2
#define i386_ISA_PORT_MAP_STATE		3
#define i386_V86_ASSIST_STATE		4	/* not on this machine: KERN_INVALID_ARGUMENT */
#define i386_REGS_SEGS_STATE		5
#define i386_DEBUG_STATE		6
#define i386_FSGS_BASE_STATE		7
#define i386_XFLOAT_STATE		8

/* General registers; i386_REGS_SEGS_STATE takes CS and SS from the caller as well. */
struct i386_thread_state {
	uint64_t r8;
	uint64_t r9;
	uint64_t r10;
	uint64_t r11;
	uint64_t r12;
	uint64_t r13;
	uint64_t r14;
	uint64_t r15;
	uint64_t rdi;
	uint64_t rsi;
	uint64_t rbp;
	uint64_t rsp;			/* unused, reads 0: the user's stack pointer is ursp */
	uint64_t rbx;
	uint64_t rdx;
	uint64_t rcx;
	uint64_t rax;
	uint64_t rip;
	unsigned int cs;
	uint64_t rfl;
	uint64_t ursp;
	unsigned int ss;
};
#define i386_THREAD_STATE_COUNT	(sizeof(struct i386_thread_state) / sizeof(unsigned int))
#define i386_REGS_SEGS_STATE_COUNT	i386_THREAD_STATE_COUNT

/* Floating point state in the layout of the 387. */
#define FP_STATE_BYTES		(sizeof(struct i386_fp_save) + sizeof(struct i386_fp_regs))

struct i386_float_state {
	int fpkind;
	int initialized;
	unsigned char hw_state[FP_STATE_BYTES];
	int exc_status;
};
#define i386_FLOAT_STATE_COUNT	(sizeof(struct i386_float_state) / sizeof(unsigned int))

/* Floating point state as the processor's XSAVE image; its size: i386_get_xstate_size. */
struct i386_xfloat_state {
	int fpkind;
	int initialized;
	int exc_status;
	int fp_save_kind;
	unsigned char hw_state[];
};

#define PORT_MAP_BITS		0x400
struct i386_isa_port_map_state {
	unsigned char pm[PORT_MAP_BITS >> 3];
};
#define i386_ISA_PORT_MAP_STATE_COUNT \
	(sizeof(struct i386_isa_port_map_state) / sizeof(unsigned int))

struct i386_debug_state {
	unsigned int dr[8];
};
#define i386_DEBUG_STATE_COUNT	(sizeof(struct i386_debug_state) / sizeof(unsigned int))

struct i386_fsgs_base_state {
	unsigned long fs_base;
	unsigned long gs_base;
};
#define i386_FSGS_BASE_STATE_COUNT \
	(sizeof(struct i386_fsgs_base_state) / sizeof(unsigned int))

/* Selectors of 64-bit user code and data. */
#define USER_CS		0x1f
#define USER_DS		0x17

_Static_assert(sizeof(struct i386_thread_state) == 168, "general state");
_Static_assert(i386_THREAD_STATE_COUNT == 42, "general state count");
_Static_assert(offsetof(struct i386_thread_state, r15) == 56, "r15");
_Static_assert(offsetof(struct i386_thread_state, rdi) == 64, "rdi");
_Static_assert(offsetof(struct i386_thread_state, rsi) == 72, "rsi");
_Static_assert(offsetof(struct i386_thread_state, rbp) == 80, "rbp");
_Static_assert(offsetof(struct i386_thread_state, rsp) == 88, "rsp");
_Static_assert(offsetof(struct i386_thread_state, rbx) == 96, "rbx");
_Static_assert(offsetof(struct i386_thread_state, rax) == 120, "rax");
_Static_assert(offsetof(struct i386_thread_state, rip) == 128, "rip");
_Static_assert(offsetof(struct i386_thread_state, cs) == 136, "cs");
_Static_assert(offsetof(struct i386_thread_state, rfl) == 144, "rfl");
_Static_assert(offsetof(struct i386_thread_state, ursp) == 152, "ursp");
_Static_assert(offsetof(struct i386_thread_state, ss) == 160, "ss");
_Static_assert(sizeof(struct i386_float_state) == 120, "float state");
_Static_assert(offsetof(struct i386_float_state, hw_state) == 8, "float image");
_Static_assert(offsetof(struct i386_float_state, exc_status) == 116, "float exception status");
_Static_assert(sizeof(struct i386_isa_port_map_state) == 128, "port map state");
_Static_assert(sizeof(struct i386_debug_state) == 32, "debug state");
_Static_assert(sizeof(struct i386_fsgs_base_state) == 16, "segment base state");
_Static_assert(offsetof(struct i386_xfloat_state, hw_state) == 16, "xsave image");

#endif
