/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Thread state flavours (interface reference section 9).
 * LOCKS   the caller holds the thread stopped, or it is the current one: then what lives in registers is read and
 *         written there as well.
 * TESTS   tests/boot: thread state, exceptions.
 */
#include <stddef.h>
#include <kern/panic.h>
#include <kern/string.h>
#include <kern/task.h>
#include <kern/thread.h>
#include <mach/x86_64/debug_state.h>
#include <mach/x86_64/thread_status.h>
#include <machine/asm.h>
#include <machine/fpu.h>
#include <machine/seg.h>
#include <machine/smp.h>
#include <machine/x86.h>

/* flags a user may have; IOPL, NT, RF are taken out, IF is forced */
#define RFLAGS_USER	(0xfffffull & ~(RFLAGS_IOPL | RFLAGS_NT | RFLAGS_RF))
#define DR7_USER	0xffff03ffu		/* enables, conditions and lengths; not GD */
#define MXCSR_VALID	0xffffu
#define USER_LIMIT	0x800000000000ull

static void get_general(const struct user_regs *r, struct i386_thread_state *s)
{
	*s = (struct i386_thread_state){
		.r8 = r->r8, .r9 = r->r9, .r10 = r->r10, .r11 = r->r11, .r12 = r->r12, .r13 = r->r13, .r14 = r->r14,
		.r15 = r->r15, .rdi = r->rdi, .rsi = r->rsi, .rbp = r->rbp, .rbx = r->rbx, .rdx = r->rdx,
		.rcx = r->rcx, .rax = r->rax, .rip = r->rip, .cs = r->cs, .rfl = r->rflags, .ursp = r->rsp,
		.ss = r->ss,
	};
}

static kern_return_t set_general(struct user_regs *r, const struct i386_thread_state *s, bool segments)
{
	if (segments && ((s->cs & 3) != 3 || (s->ss & 3) != 3 || s->cs > 0xffff || s->ss > 0xffff ||
	    s->cs < 8 || s->ss < 8))
		return KERN_INVALID_ARGUMENT;
	r->r8 = s->r8;
	r->r9 = s->r9;
	r->r10 = s->r10;
	r->r11 = s->r11;
	r->r12 = s->r12;
	r->r13 = s->r13;
	r->r14 = s->r14;
	r->r15 = s->r15;
	r->rdi = s->rdi;
	r->rsi = s->rsi;
	r->rbp = s->rbp;
	r->rbx = s->rbx;
	r->rdx = s->rdx;
	r->rcx = s->rcx;
	r->rax = s->rax;
	r->rip = s->rip;
	r->rsp = s->ursp;
	r->rflags = (s->rfl & RFLAGS_USER) | RFLAGS_IF;
	r->cs = segments ? s->cs : SEL_USER_CS;
	r->ss = segments ? s->ss : SEL_USER_DS;
	r->trapno = 0;			/* sysret would spoil RCX and R11 */
	return KERN_SUCCESS;
}

/* the two bits a register has in the full tag word */
static unsigned full_tag(const struct fpu_state *f, unsigned physical)
{
	unsigned top = f->fs_status >> 11 & 7;
	const uint8_t *st = f->fs_st[(physical - top) & 7];
	uint16_t exponent;
	uint64_t mantissa;

	if (!(f->fs_tag >> physical & 1))
		return 3;
	memcpy(&exponent, st + 8, 2);
	memcpy(&mantissa, st, 8);
	exponent &= 0x7fff;
	if (exponent == 0x7fff)
		return 2;
	if (exponent == 0)
		return mantissa == 0 ? 1 : 2;
	return mantissa >> 63 ? 0 : 2;
}

static void get_float(const struct fpu_state *f, struct i386_float_state *s)
{
	struct i386_fp_save *env = (struct i386_fp_save *)s->hw_state;
	uint8_t *regs = s->hw_state + sizeof *env;
	unsigned tag = 0;

	f = fpu_x87(f);
	memset(s, 0, sizeof *s);
	s->fpkind = FP_387X;
	s->initialized = 1;
	for (unsigned i = 0; i < 8; i++)
		tag |= full_tag(f, i) << (2 * i);
	env->fp_control = f->fs_control;
	env->fp_status = f->fs_status;
	env->fp_tag = tag;
	env->fp_eip = f->fs_rip;
	env->fp_opcode = f->fs_opcode;
	env->fp_dp = f->fs_rdp;
	for (unsigned i = 0; i < 8; i++)
		memcpy(regs + 10 * i, f->fs_st[i], 10);
}

static void set_float(struct fpu_state *f, const struct i386_float_state *s)
{
	const struct i386_fp_save *env = (const struct i386_fp_save *)s->hw_state;
	const uint8_t *regs = s->hw_state + sizeof *env;

	f->fs_control = env->fp_control & 0x1f7f;
	f->fs_status = env->fp_status;
	f->fs_tag = 0;
	for (unsigned i = 0; i < 8; i++)
		f->fs_tag |= (env->fp_tag >> (2 * i) & 3) != 3 ? 1u << i : 0;
	f->fs_rip = env->fp_eip;
	f->fs_opcode = env->fp_opcode & 0x7ff;
	f->fs_rdp = env->fp_dp;
	for (unsigned i = 0; i < 8; i++)
		memcpy(f->fs_st[i], regs + 10 * i, 10);
	if (cpu_features.xcr0)
		f->fs_xstate_bv |= 1;
}

static void get_xfloat(const struct fpu_state *f, struct i386_xfloat_state *s)
{
	s->fpkind = FP_387X;
	s->initialized = 1;
	s->exc_status = 0;
	s->fp_save_kind = cpu_features.xsaveopt ? FP_XSAVEOPT : cpu_features.xcr0 ? FP_XSAVE : FP_FXSAVE;
	fpu_image_whole(s->hw_state, f);
}

/* => an image xrstor accepts: a user's bits in the header or MXCSR must not fault in the kernel */
static kern_return_t set_xfloat(struct fpu_state *f, const struct i386_xfloat_state *s)
{
	const struct fpu_state *from = (const struct fpu_state *)s->hw_state;
	uint32_t mask = f->fs_mxcsr_mask ? f->fs_mxcsr_mask : MXCSR_VALID & ~0x40u;
	uint64_t bv;

	if (s->fp_save_kind < FP_FXSAVE || s->fp_save_kind > FP_XSAVEOPT)
		return KERN_INVALID_ARGUMENT;
	if (!s->initialized)
		return KERN_SUCCESS;
	memcpy(f, from, cpu_features.xsave_size);
	f->fs_mxcsr &= mask;
	f->fs_mxcsr_mask = mask;
	if (cpu_features.xcr0 == 0)
		return KERN_SUCCESS;
	bv = s->fp_save_kind == FP_FXSAVE ? 3 : f->fs_xstate_bv & cpu_features.xcr0;
	memset(&f->fs_xstate_bv, 0, 64);
	f->fs_xstate_bv = bv;
	return KERN_SUCCESS;
}

static void get_ports(const struct thread *th, struct i386_isa_port_map_state *s)
{
	const uint8_t *map = th->th_task->tk_machine.mk_iomap;

	if (map != NULL)
		memcpy(s->pm, map, sizeof s->pm);
	else
		memset(s->pm, 0xff, sizeof s->pm);
}

/* the condition of watch i, in DR7: 0 execution, 1 store, 2 port, 3 load or store; the two bits above say the length */
#define DR7_CONDITION(i)	(16 + 4 * (i))
#define DR7_ENABLED(dr7, i)	((dr7) >> (2 * (i)) & 3)

/* => addresses of the user's memory only; no watch on ports; DR7 as the processor may have it */
static kern_return_t set_debug(struct thread *th, const uint64_t dr[8])
{
	struct machine_thread *mt = &th->th_machine;
	uint64_t control = (dr[7] & DR7_USER) | 0x400;

	for (unsigned i = 0; i < 4; i++) {
		unsigned condition = control >> DR7_CONDITION(i) & 3;

		if (dr[i] >= USER_LIMIT || (DR7_ENABLED(control, i) && condition == 2))
			return KERN_INVALID_ARGUMENT;
		if (condition == 0)
			control &= ~(0xcull << DR7_CONDITION(i));	/* execution has no length */
	}
	for (unsigned i = 0; i < 4; i++)
		mt->mt_debug[i] = dr[i];
	mt->mt_debug[6] = dr[6] & 0xffff;
	mt->mt_debug[7] = control;
	mt->mt_debug_active = (control & 0xff) != 0;
	if (th == current_thread())
		debug_load(th);
	return KERN_SUCCESS;
}

static kern_return_t set_debug_32(struct thread *th, const uint32_t *words)
{
	uint64_t dr[8];

	for (unsigned i = 0; i < 8; i++)
		dr[i] = words[i];
	return set_debug(th, dr);
}

static kern_return_t set_bases(struct thread *th, const struct i386_fsgs_base_state *s)
{
	struct machine_thread *mt = &th->th_machine;
	unsigned long gs = s->gs_base;

	if (gs >> 63) {
		kprintf("thread_set_state: gs_base %#lx is a kernel address, top bit cleared\n", gs);
		gs &= ~(1ul << 63);
	}
	if (gs >= USER_LIMIT || s->fs_base >= USER_LIMIT)
		return KERN_INVALID_ARGUMENT;
	mt->mt_fs_base = s->fs_base;
	mt->mt_gs_base = gs;
	if (th == current_thread())
		segments_load_bases(mt);
	return KERN_SUCCESS;
}

static uint32_t xfloat_count(void)
{
	return (sizeof(struct i386_xfloat_state) + cpu_features.xsave_size) / 4;
}

uint32_t machine_thread_state_count(int flavor)
{
	switch (flavor) {
	case THREAD_STATE_FLAVOR_LIST:
		return 3;
	case i386_THREAD_STATE:
	case i386_REGS_SEGS_STATE:
		return i386_THREAD_STATE_COUNT;
	case i386_FLOAT_STATE:
		return i386_FLOAT_STATE_COUNT;
	case i386_ISA_PORT_MAP_STATE:
		return i386_ISA_PORT_MAP_STATE_COUNT;
	case i386_DEBUG_STATE:
		return i386_DEBUG_STATE_COUNT;
	case x86_64_DEBUG_STATE:
		return x86_64_DEBUG_STATE_COUNT;
	case i386_FSGS_BASE_STATE:
		return i386_FSGS_BASE_STATE_COUNT;
	case i386_XFLOAT_STATE:
		return xfloat_count();
	}
	return 0;
}

kern_return_t machine_thread_get_state(struct thread *th, int flavor, uint32_t *state, uint32_t *count)
{
	struct machine_thread *mt = &th->th_machine;
	uint32_t need = machine_thread_state_count(flavor);

	if (need == 0 || *count < need || mt->mt_fpu == NULL)
		return KERN_INVALID_ARGUMENT;
	switch (flavor) {
	case THREAD_STATE_FLAVOR_LIST:
		state[0] = i386_THREAD_STATE;
		state[1] = i386_FLOAT_STATE;
		state[2] = i386_ISA_PORT_MAP_STATE;
		break;
	case i386_THREAD_STATE:
	case i386_REGS_SEGS_STATE:
		get_general(&mt->mt_regs, (struct i386_thread_state *)state);
		break;
	case i386_FLOAT_STATE:
		fpu_sync(th);
		get_float(mt->mt_fpu, (struct i386_float_state *)state);
		break;
	case i386_ISA_PORT_MAP_STATE:
		get_ports(th, (struct i386_isa_port_map_state *)state);
		break;
	case i386_DEBUG_STATE:
		for (unsigned i = 0; i < 8; i++)
			state[i] = mt->mt_debug[i];
		break;
	case x86_64_DEBUG_STATE:
		memcpy(state, mt->mt_debug, sizeof mt->mt_debug);
		break;
	case i386_FSGS_BASE_STATE:
		segments_sync(th);
		memcpy(state, &(struct i386_fsgs_base_state){ mt->mt_fs_base, mt->mt_gs_base },
		    sizeof(struct i386_fsgs_base_state));
		break;
	case i386_XFLOAT_STATE:
		fpu_sync(th);
		get_xfloat(mt->mt_fpu, (struct i386_xfloat_state *)state);
		break;
	}
	*count = need;
	return KERN_SUCCESS;
}

static kern_return_t set_fpu(struct thread *th, int flavor, const uint32_t *state)
{
	struct machine_thread *mt = &th->th_machine;
	kern_return_t kr = KERN_SUCCESS;
	unsigned long flags;

	fpu_sync(th);
	flags = interrupts_disable();
	if (flavor == i386_FLOAT_STATE)
		set_float(mt->mt_fpu, (const struct i386_float_state *)state);
	else
		kr = set_xfloat(mt->mt_fpu, (const struct i386_xfloat_state *)state);
	fpu_reload(th);
	interrupts_restore(flags);
	return kr;
}

kern_return_t machine_thread_set_state(struct thread *th, int flavor, const uint32_t *state, uint32_t count)
{
	struct machine_thread *mt = &th->th_machine;
	uint32_t need = machine_thread_state_count(flavor);

	if (need == 0 || flavor == THREAD_STATE_FLAVOR_LIST || count < need || mt->mt_fpu == NULL)
		return KERN_INVALID_ARGUMENT;
	th->th_ipc.it_room = 0;		/* its wait in a receive must end by iretq now */
	switch (flavor) {
	case i386_THREAD_STATE:
	case i386_REGS_SEGS_STATE:
		return set_general(&mt->mt_regs, (const struct i386_thread_state *)state,
		    flavor == i386_REGS_SEGS_STATE);
	case i386_FLOAT_STATE:
	case i386_XFLOAT_STATE:
		return set_fpu(th, flavor, state);
	case i386_DEBUG_STATE:
		return set_debug_32(th, state);
	case x86_64_DEBUG_STATE:
		return set_debug(th, ((const struct x86_64_debug_state *)state)->dr);
	case i386_FSGS_BASE_STATE:
		return set_bases(th, (const struct i386_fsgs_base_state *)state);
	}
	return KERN_SUCCESS;		/* the port map: ignored */
}
