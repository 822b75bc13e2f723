/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * OBJECT  The thread structure of the emulation library: the last page of the thread's block (unix_protocol.h);
 *         the GS base points at it. The library stack grows down from it.
 * Everything here can be scribbled over by the program: that harms the process alone.
 */
#ifndef EMUL_TCB_H
#define EMUL_TCB_H

/* offsets known to entry.S */
#define TCB_SELF	0
#define TCB_SLOT	8
#define TCB_REGS	16
#define R_RAX		(TCB_REGS + 0)
#define R_RBX		(TCB_REGS + 8)
#define R_RCX		(TCB_REGS + 16)
#define R_RDX		(TCB_REGS + 24)
#define R_RSI		(TCB_REGS + 32)
#define R_RDI		(TCB_REGS + 40)
#define R_RBP		(TCB_REGS + 48)
#define R_R8		(TCB_REGS + 56)
#define R_R9		(TCB_REGS + 64)
#define R_R10		(TCB_REGS + 72)
#define R_R11		(TCB_REGS + 80)
#define R_R12		(TCB_REGS + 88)
#define R_R13		(TCB_REGS + 96)
#define R_R14		(TCB_REGS + 104)
#define R_R15		(TCB_REGS + 112)
#define R_RSP		(TCB_REGS + 120)
#define R_RIP		(TCB_REGS + 128)
#define R_RFLAGS	(TCB_REGS + 136)
#define TCB_CALL	(TCB_REGS + 144)
#define TCB_TRAP	(TCB_REGS + 152)

#define SLOT_MASK	0
#define SLOT_PENDING	8
#define SLOT_RIP	16

#ifndef __ASSEMBLER__

#include <stddef.h>
#include <stdint.h>
#include "unix_protocol.h"

struct emul_regs {
	uint64_t rax, rbx, rcx, rdx, rsi, rdi, rbp, r8, r9, r10, r11, r12, r13, r14, r15, rsp, rip, rflags;
};

struct emul_process;

struct tcb {
	struct tcb		*t_self;
	struct unix_slot	*t_slot;
	struct emul_regs	 t_regs;	/* the program's */
	int64_t			 t_call;	/* number of the call being done; -1: none (a fault, a signal) */
	int64_t			 t_trap;	/* number of the trap in a wait that signals break */
	struct emul_process	*t_process;
	uint64_t		 t_block;	/* start of the block */
	uint32_t		 t_reply_port;
	uint32_t		 t_mask_saved;	/* t_old_mask is to be restored */
	uint64_t		 t_old_mask;	/* before sigsuspend, ppoll, pselect6 */
	uint64_t		 t_fs_base;
	uint64_t		 t_clear_tid;	/* CLONE_CHILD_CLEARTID */
	uint64_t		 t_robust_list;
	uint64_t		 t_alt_stack, t_alt_size;	/* sigaltstack */
	uint32_t		 t_alt_flags;
	int32_t			 t_child_tid;	/* what a cloned child stores at t_set_tid */
	uint64_t		 t_set_tid;	/* CLONE_CHILD_SETTID */
	uint64_t		 t_stack_block;	/* vfork child: the block was made for it */
	int64_t			 t_deadline;	/* of the call being restarted, when t_restarting */
	uint32_t		 t_restarting;
	uint32_t		 t_child_kind;	/* enum emul_child: what emul_child finds itself to be */
	uint32_t		 t_clone;	/* which clone made it (announce) */
	uint64_t		 t_parent_tid;	/* CLONE_PARENT_SETTID in a shared space */
	uint8_t			 t_xstate[] __attribute__((aligned(64)));
};
_Static_assert(offsetof(struct tcb, t_slot) == TCB_SLOT, "entry.S");
_Static_assert(offsetof(struct tcb, t_regs) == TCB_REGS, "entry.S");
_Static_assert(offsetof(struct tcb, t_regs.rflags) == R_RFLAGS, "entry.S");
_Static_assert(offsetof(struct tcb, t_regs.rip) == R_RIP, "entry.S");
_Static_assert(offsetof(struct tcb, t_call) == TCB_CALL, "entry.S");
_Static_assert(offsetof(struct tcb, t_trap) == TCB_TRAP, "entry.S");
_Static_assert(sizeof(struct tcb) <= 1024, "room for the extended state in the page");

#define TCB_XSTATE_MAX	(4096 - sizeof(struct tcb))

static inline struct tcb *tcb_self(void)
{
	struct tcb *t;

	__asm__("movq %%gs:0, %0" : "=r"(t));
	return t;
}

#endif
#endif
