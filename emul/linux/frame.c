/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Signal frames: the layout Linux programs find on their stack, pushed before a handler and popped by rt_sigreturn.
 * A frame that is read back is the program's: it is copied whole, then checked.
 */
#include "emul.h"

#define XSTATE_MAGIC1	0x46505853u
#define XSTATE_MAGIC2	0x46505845u
#define XSTATE_SW	464		/* software bytes inside the 512 of FXSAVE */
#define RED_ZONE	128
#define UC_FLAGS	7		/* extended state, SS saved, SS restored strictly */
#define USER_FLAGS	0x40dd5ull	/* CF PF AF ZF SF TF DF OF AC */

struct sigcontext {
	uint64_t r8, r9, r10, r11, r12, r13, r14, r15, rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip, rflags;
	uint16_t cs, gs, fs, ss;
	uint64_t error, trapno, oldmask, cr2, fpstate, reserved[8];
};

struct ucontext {
	uint64_t flags, link;
	uint64_t stack_sp;
	int32_t	 stack_flags, stack_pad;
	uint64_t stack_size;
	struct sigcontext mc;
	uint64_t mask;
};

struct rt_sigframe {
	uint64_t restorer;
	struct ucontext uc;
	struct lx_siginfo info;
};
_Static_assert(sizeof(struct sigcontext) == 256 && offsetof(struct ucontext, mc) == 40, "Linux's frame");

struct sw_bytes { uint32_t magic1, size; uint64_t features; uint32_t xstate_size, pad[7]; };

static void save_context(const struct emul_regs *r, struct sigcontext *c)
{
	*c = (struct sigcontext){
		.r8 = r->r8, .r9 = r->r9, .r10 = r->r10, .r11 = r->r11, .r12 = r->r12, .r13 = r->r13, .r14 = r->r14, .r15 = r->r15,
		.rdi = r->rdi, .rsi = r->rsi, .rbp = r->rbp, .rbx = r->rbx, .rdx = r->rdx, .rax = r->rax, .rcx = r->rcx,
		.rsp = r->rsp, .rip = r->rip, .rflags = r->rflags, .cs = 0x33, .ss = 0x2b,
	};
}

static void load_context(struct emul_regs *r, const struct sigcontext *c)
{
	*r = (struct emul_regs){
		.r8 = c->r8, .r9 = c->r9, .r10 = c->r10, .r11 = c->r11, .r12 = c->r12, .r13 = c->r13, .r14 = c->r14, .r15 = c->r15,
		.rdi = c->rdi, .rsi = c->rsi, .rbp = c->rbp, .rbx = c->rbx, .rdx = c->rdx, .rax = c->rax, .rcx = c->rcx,
		.rsp = c->rsp, .rip = c->rip, .rflags = (c->rflags & USER_FLAGS) | 0x202,
	};
}

#define XSTATE_HEADER	512		/* 64 bytes after those of FXSAVE; the processor wants the most of them zero */

/* bytes of the extended state in a frame, with the mark behind it */
static uint32_t xstate_size(void)
{
	return emul_xstate_mask ? emul_xstate_size + 4 : 512;
}

/* The present extended state straight into the frame, marked as Linux marks it */
static long push_xstate(uint64_t to)
{
	const uint32_t magic2 = XSTATE_MAGIC2;
	const uint64_t header[8] = { 0 };
	struct sw_bytes sw = { .magic1 = XSTATE_MAGIC1, .size = emul_xstate_size + 4, .features = emul_xstate_mask,
	    .xstate_size = emul_xstate_size };

	if (!emul_xstate_mask)
		return emul_fxsave((void *)to);
	if (emul_copy((void *)(to + XSTATE_HEADER), header, sizeof header) < 0 || emul_xsave((void *)to, emul_xstate_mask) < 0 ||
	    emul_copy((void *)(to + XSTATE_SW), &sw, sizeof sw) < 0)
		return -LX_EFAULT;
	return emul_copy((void *)(to + emul_xstate_size), &magic2, sizeof magic2);
}

static uint64_t frame_stack(const struct tcb *t, const struct emul_sigaction *sa)
{
	uint64_t sp = t->t_regs.rsp - RED_ZONE;
	bool on_alt = t->t_alt_size && t->t_regs.rsp - t->t_alt_stack - 1 < t->t_alt_size;

	if (sa->sa_flags & EMUL_SA_ONSTACK && t->t_alt_size && !on_alt)
		sp = t->t_alt_stack + t->t_alt_size;
	return sp;
}

long emul_frame_push(struct tcb *t, const struct emul_sigaction *sa, const struct lx_siginfo *info, uint64_t mask,
    uint64_t trapno, uint64_t error, uint64_t cr2)
{
	struct rt_sigframe frame = { .restorer = sa->sa_restorer, .info = *info };
	uint64_t fpstate = (frame_stack(t, sa) - xstate_size()) & ~63ull;
	uint64_t sp = ((fpstate - sizeof frame) & ~15ull) - 8;

	if (!(sa->sa_flags & EMUL_SA_RESTORER))
		return -LX_EFAULT;
	save_context(&t->t_regs, &frame.uc.mc);
	frame.uc.flags = UC_FLAGS;
	frame.uc.stack_sp = t->t_alt_stack;
	frame.uc.stack_size = t->t_alt_size;
	frame.uc.stack_flags = t->t_alt_size ? (int32_t)t->t_alt_flags : 2;
	frame.uc.mc.error = error;
	frame.uc.mc.trapno = trapno;
	frame.uc.mc.cr2 = cr2;
	frame.uc.mc.oldmask = mask;
	frame.uc.mc.fpstate = fpstate;
	frame.uc.mask = mask;
	if (push_xstate(fpstate) < 0 || emul_copy((void *)sp, &frame, sizeof frame) < 0)
		return -LX_EFAULT;
	if (t->t_alt_flags)		/* SS_AUTODISARM */
		t->t_alt_stack = t->t_alt_size = t->t_alt_flags = 0;
	t->t_regs.rdi = (uint64_t)info->si_signo;
	t->t_regs.rsi = sp + offsetof(struct rt_sigframe, info);
	t->t_regs.rdx = sp + offsetof(struct rt_sigframe, uc);
	t->t_regs.rax = 0;
	t->t_regs.rsp = sp;
	t->t_regs.rip = sa->sa_handler;
	t->t_regs.rflags &= ~0x500ull;	/* DF, TF */
	return 0;
}

/* Take back the extended state, straight from the frame; one that cannot be read or that the processor refuses is fatal, as in Linux. */
static long pop_xstate(uint64_t from)
{
	struct sw_bytes sw;
	uint32_t magic2 = 0;

	if (emul_copy(&sw, (const void *)(from + XSTATE_SW), sizeof sw) < 0)
		return -LX_EFAULT;
	if (!emul_xstate_mask || sw.magic1 != XSTATE_MAGIC1 || sw.xstate_size != emul_xstate_size)
		return emul_fxrstor((const void *)from);
	if (emul_copy(&magic2, (const void *)(from + emul_xstate_size), sizeof magic2) < 0)
		return -LX_EFAULT;
	if (magic2 != XSTATE_MAGIC2)
		return emul_fxrstor((const void *)from);
	return emul_xrstor((const void *)from, sw.features & emul_xstate_mask);
}

long emul_rt_sigreturn(long a, long b, long c, long d, long e, long f)
{
	struct tcb *t = tcb_self();
	struct rt_sigframe frame;

	(void)a, (void)b, (void)c, (void)d, (void)e, (void)f;
	if (emul_copy(&frame, (const void *)(t->t_regs.rsp - 8), sizeof frame) < 0 ||
	    (frame.uc.mc.fpstate && pop_xstate(frame.uc.mc.fpstate) < 0)) {
		unix_sig_fatal(emul_call_port(), LXS_SEGV);
		return -LX_EFAULT;
	}
	load_context(&t->t_regs, &frame.uc.mc);
	emul_mask_set(t, frame.uc.mask);
	if (!(frame.uc.stack_flags & 2) && frame.uc.stack_size) {
		t->t_alt_stack = frame.uc.stack_sp;
		t->t_alt_size = frame.uc.stack_size;
		t->t_alt_flags = (uint32_t)frame.uc.stack_flags & (1u << 31);
	}
	t->t_call = -1;
	/* the result register is part of what was interrupted, even where it looks like a restart code */
	return (long)t->t_regs.rax;
}
