/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Thread states: what a handler or debugger reads is what the thread has, what it writes is what the thread goes on with, and what
 * would harm the kernel is refused or taken out. Interface reference section 9.
 */
#include <mach/machine/mach_i386.h>
#include <mach/thread_special_ports.h>
#include <mach/x86_64/debug_state.h>
#include "harness/exception.h"

#define SELF	mach_task_self()
#define STACK	(4 * 4096ul)

/* --- a thread that runs from trap to trap --- */

static struct {
	mach_port_t thread, port;
	vm_address_t stack;
	struct test_raise raise;
	bool waits;			/* in an exception */
	struct i386_thread_state s;
} puppet;

static kern_return_t get(int flavor, void *state, unsigned count)
{
	mach_msg_type_number_t n = count;

	return thread_get_state(puppet.thread, flavor, state, &n);
}

static kern_return_t set(int flavor, const void *state, unsigned count)
{
	return thread_set_state(puppet.thread, flavor, (thread_state_t)(uintptr_t)state, count);
}

#define GET(flavor, s)	get((flavor), &(s), sizeof(s) / 4)
#define SET(flavor, s)	set((flavor), &(s), sizeof(s) / 4)

static void puppet_make(void (*code)(void))
{
	puppet.port = test_port_with_send();
	puppet.stack = 0;
	puppet.waits = false;
	CHECK_OK(vm_allocate(SELF, &puppet.stack, STACK, TRUE));
	CHECK_OK(thread_create(SELF, &puppet.thread));
	CHECK_OK(thread_set_special_port(puppet.thread, THREAD_EXCEPTION_PORT, puppet.port));
	puppet.s = (struct i386_thread_state){ .rip = (uint64_t)code, .ursp = puppet.stack + STACK - 16 };
	CHECK_OK(SET(i386_THREAD_STATE, puppet.s));
}

/* => it raised something; puppet.s is where it stands */
static bool puppet_run(void)
{
	if (puppet.waits)
		CHECK_OK(test_raise_reply(&puppet.raise, KERN_SUCCESS));
	else
		CHECK_OK(thread_resume(puppet.thread));
	puppet.waits = test_raise_receive(puppet.port, &puppet.raise, 20000);
	if (puppet.waits)
		test_raise_drop(&puppet.raise);
	CHECK_OK(GET(i386_THREAD_STATE, puppet.s));
	return puppet.waits;
}

static bool raised(int exception, int code)
{
	return CHECK_EQ(puppet.raise.exception, exception) && CHECK_EQ(puppet.raise.code, code);
}

static void puppet_end(void)
{
	CHECK_OK(thread_terminate(puppet.thread));
	if (puppet.waits)
		mach_port_deallocate(SELF, puppet.raise.h.msgh_remote_port);
	mach_port_deallocate(SELF, puppet.thread);
	test_port_destroy(puppet.port);
	vm_deallocate(SELF, puppet.stack, STACK);
}

/* --- general registers --- */

extern void stops(void);
__asm__(".text; stops: int3; jmp stops");

TEST(every_general_register_is_read_and_written)
{
	uint64_t *r = (uint64_t *)&puppet.s;

	puppet_make(stops);
	REQUIRE(puppet_run());
	for (unsigned i = 0; i < 16; i++)
		r[i] = 0x1000000010000000ull * i + i;
	puppet.s.rip = (uint64_t)stops;
	puppet.s.ursp = 0x123456789abcdef0;
	puppet.s.rfl = 0x8d5;		/* the arithmetic flags */
	CHECK_OK(SET(i386_THREAD_STATE, puppet.s));
	REQUIRE(puppet_run());
	for (unsigned i = 0; i < 16; i++)
		if (i != 11)		/* the unused one */
			CHECK_EQ(r[i], 0x1000000010000000ull * i + i);
	CHECK_EQ(puppet.s.rip, (uint64_t)stops + 1);
	CHECK_EQ(puppet.s.ursp, 0x123456789abcdef0);
	CHECK_EQ(puppet.s.rfl & 0x8d5, 0x8d5);
	CHECK_EQ(puppet.s.cs, USER_CS);
	CHECK_EQ(puppet.s.ss, USER_DS);
	puppet_end();
}

TEST(privileged_flags_are_taken_out)
{
	puppet_make(stops);
	puppet.s.rfl = ~0ull & ~0x100ull;	/* all but single step */
	CHECK_OK(SET(i386_THREAD_STATE, puppet.s));
	REQUIRE(puppet_run());
	raised(EXC_BREAKPOINT, EXC_I386_BPT);
	CHECK_EQ(puppet.s.rfl & 0x3000, 0);	/* IOPL */
	CHECK_EQ(puppet.s.rfl & 0x4000, 0);	/* NT */
	CHECK(puppet.s.rfl & 0x200);		/* IF */
	puppet.s.rfl = 0;
	puppet.s.rip = (uint64_t)stops;
	CHECK_OK(SET(i386_THREAD_STATE, puppet.s));
	REQUIRE(puppet_run());
	CHECK(puppet.s.rfl & 0x200);
	puppet_end();
}

TEST(instruction_pointers_that_are_none_become_exceptions)
{
	static const uint64_t bad[] = {
		0, 0x7fffffffffff, 0x800000000000, 1ull << 63, 0xffff7fffffffffff, 0xffff800000000000, 0xffffffff80100000, ~0ull,
	};

	puppet_make(stops);
	for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++) {
		puppet.s.rip = bad[i];
		CHECK_OK(SET(i386_THREAD_STATE, puppet.s));
		if (!puppet_run())
			break;
		if (puppet.raise.exception != EXC_BAD_INSTRUCTION || puppet.raise.code != EXC_I386_GPFLT)
			CHECK_EQ(puppet.raise.exception, EXC_BAD_ACCESS);
		CHECK_EQ(puppet.s.rip, bad[i]);
	}
	/* and it goes on when repaired */
	puppet.s.rip = (uint64_t)stops;
	CHECK_OK(SET(i386_THREAD_STATE, puppet.s));
	REQUIRE(puppet_run());
	raised(EXC_BREAKPOINT, EXC_I386_BPT);
	puppet_end();
}

extern void pushes(void);
__asm__(".text; pushes: pushq %rax; int3");

TEST(stack_pointers_that_are_none_become_exceptions)
{
	static const uint64_t bad[] = { 0, 8, 0x800000000008, 1ull << 63, 0xffff800000000010, 0xffffffff80100000 };

	puppet_make(pushes);
	for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++) {
		puppet.s.rip = (uint64_t)pushes;
		puppet.s.ursp = bad[i];
		CHECK_OK(SET(i386_THREAD_STATE, puppet.s));
		if (!puppet_run())
			break;
		CHECK(puppet.raise.exception == EXC_BAD_ACCESS || puppet.raise.exception == EXC_BAD_INSTRUCTION);
		CHECK_EQ(puppet.s.rip, (uint64_t)pushes);
		CHECK_EQ(puppet.s.ursp, bad[i]);
	}
	puppet_end();
}

TEST(segments_must_be_a_users)
{
	static const unsigned bad_cs[] = { 0, 3, 7, 8, 0x10, 0x1c, 0x1d, 0x1e, 0x1001f, 0x8000001f };
	/* such that only the processor can tell: descriptors that are the kernel's, of another kind or not there */
	static const unsigned strange[] = { 0x0b, 0x13, 0x23, 0x2b, 0x33, 0x43, 0x17, 0xfffb, 0xffff };

	puppet_make(stops);
	for (unsigned i = 0; i < sizeof bad_cs / sizeof *bad_cs; i++) {
		puppet.s.cs = bad_cs[i];
		puppet.s.ss = USER_DS;
		if (!CHECK_EQ(SET(i386_REGS_SEGS_STATE, puppet.s), KERN_INVALID_ARGUMENT))
			test_say("# CS 0x%x", bad_cs[i]);
		puppet.s.cs = USER_CS;
		puppet.s.ss = bad_cs[i];
		if (!CHECK_EQ(SET(i386_REGS_SEGS_STATE, puppet.s), KERN_INVALID_ARGUMENT))
			test_say("# SS 0x%x", bad_cs[i]);
	}
	for (unsigned i = 0; i < sizeof strange / sizeof *strange; i++) {
		puppet.s.cs = strange[i];
		puppet.s.ss = USER_DS;
		puppet.s.rip = (uint64_t)stops;
		CHECK_OK(SET(i386_REGS_SEGS_STATE, puppet.s));
		if (!puppet_run() || !raised(EXC_BAD_INSTRUCTION, EXC_I386_GPFLT)) {
			test_say("# CS 0x%x", strange[i]);
			break;
		}
		CHECK_EQ(puppet.raise.subcode, strange[i] & ~3u);
		CHECK_EQ(puppet.s.cs, strange[i]);
		CHECK_EQ(puppet.s.rip, (uint64_t)stops);
	}
	/* the plain flavour forces both */
	CHECK_OK(SET(i386_THREAD_STATE, puppet.s));
	REQUIRE(puppet_run());
	raised(EXC_BREAKPOINT, EXC_I386_BPT);
	puppet_end();
}

TEST(segment_bases_are_user_addresses)
{
	struct i386_fsgs_base_state b = { .fs_base = 0x1234567000, .gs_base = 0x7ffffffff000 }, got = { 0, 0 };

	puppet_make(stops);
	CHECK_OK(SET(i386_FSGS_BASE_STATE, b));
	REQUIRE(puppet_run());
	CHECK_OK(GET(i386_FSGS_BASE_STATE, got));
	CHECK_EQ(got.fs_base, b.fs_base);
	CHECK_EQ(got.gs_base, b.gs_base);
	b.fs_base = 0x800000000000;
	CHECK_EQ(SET(i386_FSGS_BASE_STATE, b), KERN_INVALID_ARGUMENT);
	b = (struct i386_fsgs_base_state){ 0, 0xffff800000000000 };
	CHECK_EQ(SET(i386_FSGS_BASE_STATE, b), KERN_INVALID_ARGUMENT);
	b.gs_base = 1ull << 63 | 0x5000;		/* the top bit is cleared */
	CHECK_OK(SET(i386_FSGS_BASE_STATE, b));
	CHECK_OK(GET(i386_FSGS_BASE_STATE, got));
	CHECK_EQ(got.gs_base, 0x5000);
	puppet_end();
}

/* --- floating point --- */

uint8_t test_x87[80], test_xmm[16][16];
extern void stores_fpu(void);
__asm__(".text; stores_fpu: int3; fstpt test_x87(%rip); fstpt test_x87+10(%rip)\n"
    " movups %xmm0, test_xmm(%rip); movups %xmm15, test_xmm+16(%rip); int3; jmp stores_fpu");

TEST(x87_registers_are_read_and_written)
{
	struct i386_float_state f, back;

	puppet_make(stores_fpu);
	REQUIRE(puppet_run());
	CHECK_OK(GET(i386_FLOAT_STATE, f));
	CHECK_EQ(f.initialized, 1);
	struct i386_fp_save *env = (struct i386_fp_save *)(void *)f.hw_state;
	CHECK_EQ(env->fp_control & 0xffff, 0x37f);
	CHECK_EQ(env->fp_tag & 0xffff, 0xffff);
	env->fp_tag = 0xfffa;			/* two registers in use */
	env->fp_status = 0;
	for (unsigned i = 0; i < 80; i++)
		f.hw_state[sizeof *env + i] = (uint8_t)(i + 1);
	CHECK_OK(SET(i386_FLOAT_STATE, f));
	CHECK_OK(GET(i386_FLOAT_STATE, back));
	CHECK(__builtin_memcmp(f.hw_state + sizeof *env, back.hw_state + sizeof *env, 80) == 0);
	REQUIRE(puppet_run());
	CHECK(__builtin_memcmp(test_x87, f.hw_state + sizeof *env, 20) == 0);
	/* control words with bits no processor has */
	env->fp_control = 0xffff;
	env->fp_status = 0xffff;
	env->fp_tag = 0;
	CHECK_OK(SET(i386_FLOAT_STATE, f));
	puppet_run();
	puppet_end();
}

/* struct i386_xfloat_state with room for the image */
static struct xfloat_room {
	int fpkind, initialized, exc_status, fp_save_kind;
	uint8_t image[4080];
} xfloat, xback;

static unsigned xfloat_count(void)
{
	vm_size_t size = 0;

	CHECK_OK(i386_get_xstate_size(mach_host_self(), &size));
	CHECK(size >= 16 + 512 && size <= sizeof xfloat);
	return (unsigned)(size / 4);
}

/* what was never used is not kept: it is told as it starts, not as the memory was before */
TEST(registers_never_used_read_back_in_their_start_state)
{
	unsigned n = xfloat_count(), wrong = 0;
	mach_port_t t;

	CHECK_OK(thread_create(SELF, &t));
	CHECK_OK(thread_get_state(t, i386_XFLOAT_STATE, (thread_state_t)&xfloat, &n));
	CHECK_EQ(*(uint16_t *)xfloat.image, 0x37f);
	CHECK_EQ(*(uint32_t *)(xfloat.image + 24), 0x1f80);
	for (unsigned i = 2; i < n * 4 - 16; i++)
		wrong += xfloat.image[i] != 0 && (i < 24 || i >= 32);
	CHECK_EQ(wrong, 0);
	CHECK_OK(thread_terminate(t));
	mach_port_deallocate(SELF, t);
}

TEST(vector_registers_are_read_and_written)
{
	unsigned n = xfloat_count();

	puppet_make(stores_fpu);
	REQUIRE(puppet_run());
	CHECK_OK(get(i386_XFLOAT_STATE, &xfloat, n));
	CHECK_EQ(get(i386_XFLOAT_STATE, &xfloat, n - 1), KERN_INVALID_ARGUMENT);
	CHECK_EQ(xfloat.initialized, 1);
	CHECK_EQ(*(uint16_t *)xfloat.image, 0x37f);
	CHECK_EQ(*(uint32_t *)(xfloat.image + 24), 0x1f80);
	for (unsigned i = 0; i < 256; i++)
		xfloat.image[160 + i] = (uint8_t)(i ^ 0x5a);
	if (n > (16 + 512) / 4)
		*(uint64_t *)(xfloat.image + 512) |= 3;
	CHECK_OK(set(i386_XFLOAT_STATE, &xfloat, n));
	CHECK_EQ(set(i386_XFLOAT_STATE, &xfloat, n - 1), KERN_INVALID_ARGUMENT);
	REQUIRE(puppet_run());
	raised(EXC_BREAKPOINT, EXC_I386_BPT);
	CHECK(__builtin_memcmp(test_xmm[0], xfloat.image + 160, 16) == 0);
	CHECK(__builtin_memcmp(test_xmm[1], xfloat.image + 160 + 240, 16) == 0);
	puppet_end();
}

/* upper halves, where the processor has them: component 2 begins at 576 in the standard form */
uint8_t test_ymm[32];
extern void stores_ymm(void);
__asm__(".text; stores_ymm: int3; vmovups %ymm3, test_ymm(%rip); int3");

TEST(avx_registers_are_read_and_written)
{
	unsigned n = xfloat_count();

	if (n < (16 + 576 + 256) / 4) {
		test_say("# skip: this processor has no AVX");
		return;
	}
	puppet_make(stores_ymm);
	REQUIRE(puppet_run());
	CHECK_OK(get(i386_XFLOAT_STATE, &xfloat, n));
	*(uint64_t *)(xfloat.image + 512) |= 7;
	for (unsigned i = 0; i < 16; i++) {
		xfloat.image[160 + 48 + i] = (uint8_t)i;
		xfloat.image[576 + 48 + i] = (uint8_t)(16 + i);
	}
	CHECK_OK(set(i386_XFLOAT_STATE, &xfloat, n));
	REQUIRE(puppet_run());
	raised(EXC_BREAKPOINT, EXC_I386_BPT);
	for (unsigned i = 0; i < 32; i++)
		CHECK_EQ(test_ymm[i], i);
	puppet_end();
}

TEST(hostile_floating_point_images_are_made_harmless)
{
	unsigned n = xfloat_count();

	puppet_make(stops);
	REQUIRE(puppet_run());
	for (unsigned round = 0; round < 40; round++) {
		for (unsigned i = 0; i < sizeof xfloat.image; i++)
			xfloat.image[i] = round == 0 ? 0xff : (uint8_t)test_random();
		xfloat.fpkind = (int)test_random();
		xfloat.initialized = 1;
		xfloat.exc_status = -1;
		xfloat.fp_save_kind = round % 2 ? FP_XSAVE : FP_FXSAVE;
		CHECK_OK(set(i386_XFLOAT_STATE, &xfloat, n));
		/* a mask of exceptions taken away and flags set: this thread uses no floating point, so nothing comes of it */
		if (!puppet_run() || !raised(EXC_BREAKPOINT, EXC_I386_BPT))
			break;
		CHECK_OK(get(i386_XFLOAT_STATE, &xback, n));
		CHECK_EQ(*(uint32_t *)(xback.image + 24) >> 16, 0);		/* MXCSR's reserved half */
	}
	xfloat.fp_save_kind = 77;
	CHECK_EQ(set(i386_XFLOAT_STATE, &xfloat, n), KERN_INVALID_ARGUMENT);
	xfloat.fp_save_kind = FP_FNSAVE;
	CHECK_EQ(set(i386_XFLOAT_STATE, &xfloat, n), KERN_INVALID_ARGUMENT);
	xfloat.fp_save_kind = -1;
	CHECK_EQ(set(i386_XFLOAT_STATE, &xfloat, n), KERN_INVALID_ARGUMENT);
	puppet_end();
}

static void hostile_self(void *arg)
{
	(void)arg;
	for (unsigned round = 0; round < 40; round++) {
		for (unsigned i = 0; i < sizeof xfloat.image; i++)
			xfloat.image[i] = round == 0 ? 0xff : (uint8_t)test_random();
		xfloat.initialized = 1;
		xfloat.fp_save_kind = round % 2 ? FP_XSAVE : FP_FXSAVE;
		*(uint16_t *)xfloat.image = 0x37f;
		*(uint16_t *)(xfloat.image + 2) = 0;
		thread_set_self_state(i386_XFLOAT_STATE, (thread_state_t)&xfloat, sizeof xfloat / 4);
		test_yield();
	}
}

TEST(a_thread_may_do_that_to_itself)
{
	test_thread_join(test_thread(hostile_self, NULL));
}

/* --- debug registers --- */

uint64_t test_watched[2];
extern void touches(void);
extern char touches_stored[], touches_loaded[], touches_entry[], touches_past[];
__asm__(".text; touches: int3; movq $1, test_watched(%rip)\n touches_stored: movq test_watched(%rip), %rax\n"
    " touches_loaded: nop\n touches_entry: nop\n touches_past: int3");

static void watch_with(int flavor)
{
	struct i386_debug_state d32 = { .dr = { (unsigned)(uintptr_t)test_watched } };
	struct x86_64_debug_state d = { .dr = { [0] = (uintptr_t)test_watched, [7] = 1u | 9u << 16 } };

	d32.dr[7] = d.dr[7];
	puppet_make(touches);
	REQUIRE(puppet_run());
	if (flavor == i386_DEBUG_STATE)
		CHECK_OK(SET(flavor, d32));
	else
		CHECK_OK(SET(flavor, d));
	REQUIRE(puppet_run());
	raised(EXC_BREAKPOINT, EXC_I386_SGL);
	CHECK_EQ(puppet.s.rip, (uint64_t)touches_stored);
	CHECK_OK(GET(x86_64_DEBUG_STATE, d));
	CHECK_EQ(d.dr[6], 1);
	CHECK_EQ(d.dr[0], (uintptr_t)test_watched);
	CHECK_EQ(d.dr[7], 1u | 9u << 16 | 0x400);
	/* loads and stores */
	d.dr[7] = 1u | 11u << 16;
	CHECK_OK(SET(x86_64_DEBUG_STATE, d));
	REQUIRE(puppet_run());
	raised(EXC_BREAKPOINT, EXC_I386_SGL);
	CHECK_EQ(puppet.s.rip, (uint64_t)touches_loaded);
	/* execution: before the instruction, once, when the handler changes nothing */
	d.dr[2] = (uintptr_t)touches_entry;
	d.dr[7] = 1u << 4 | 15u << 24;		/* condition 3 with a length: made plain below */
	d.dr[7] = 1u << 4 | 12u << 24;
	CHECK_OK(SET(x86_64_DEBUG_STATE, d));
	CHECK_OK(GET(x86_64_DEBUG_STATE, d));
	CHECK_EQ(d.dr[7], 1u << 4 | 0x400);
	REQUIRE(puppet_run());
	raised(EXC_BREAKPOINT, EXC_I386_SGL);
	CHECK_EQ(puppet.s.rip, (uint64_t)touches_entry);
	CHECK_OK(GET(x86_64_DEBUG_STATE, d));
	CHECK_EQ(d.dr[6], 4);
	REQUIRE(puppet_run());
	raised(EXC_BREAKPOINT, EXC_I386_BPT);
	CHECK_EQ(puppet.s.rip, (uint64_t)touches_past + 1);
	puppet_end();
}

TEST(watchpoints_stop_a_thread) { watch_with(x86_64_DEBUG_STATE); }
TEST(watchpoints_of_32_bits_stop_a_thread) { watch_with(i386_DEBUG_STATE); }

static void store_there(void *arg)
{
	for (int i = 0; i < 50; i++) {
		*(volatile uint64_t *)arg = (uint64_t)i;
		test_yield();
	}
}

TEST(watchpoints_are_one_threads_only)
{
	struct x86_64_debug_state d = { .dr = { [3] = (uintptr_t)&test_watched[1], [7] = 1u << 6 | 9u << 28 } };

	puppet_make(touches);
	CHECK_OK(SET(x86_64_DEBUG_STATE, d));
	mach_port_t t = test_thread(store_there, &test_watched[1]);
	REQUIRE(puppet_run());
	raised(EXC_BREAKPOINT, EXC_I386_BPT);
	test_thread_join(t);		/* no exception: there is no handler for it */
	puppet_end();
}

mach_port_t test_self;
extern void calls_kernel(void);
extern char calls_kernel_end[];
__asm__(".text; calls_kernel: movl $-72, %eax; movl test_self(%rip), %edi; movl $1, %esi; leaq test_watched(%rip), %rdx\n"
    " syscall; calls_kernel_end: int3");

/* what the kernel does to watched memory on the thread's behalf is told when the call is over */
TEST_FLAGS(watched_memory_may_be_the_kernels_buffer, TEST_LOCAL)
{
	struct x86_64_debug_state d = { .dr = { (uintptr_t)&test_watched[0], (uintptr_t)&test_watched[1],
	    [7] = 1u | 4u | 9u << 16 | 11u << 20 } };

	test_self = SELF;
	test_watched[0] = 0;
	puppet_make(calls_kernel);
	CHECK_OK(SET(x86_64_DEBUG_STATE, d));
	REQUIRE(puppet_run());
	raised(EXC_BREAKPOINT, EXC_I386_SGL);
	CHECK_EQ(puppet.s.rip, (uint64_t)calls_kernel_end);
	CHECK_EQ(puppet.s.rax, KERN_SUCCESS);
	CHECK(test_watched[0] != 0);
	CHECK_OK(GET(x86_64_DEBUG_STATE, d));
	CHECK_EQ(d.dr[6], 1);
	REQUIRE(puppet_run());
	raised(EXC_BREAKPOINT, EXC_I386_BPT);
	CHECK_EQ(puppet.s.rip, (uint64_t)calls_kernel_end + 1);
	mach_port_mod_refs(SELF, (mach_port_t)test_watched[0], MACH_PORT_RIGHT_RECEIVE, -1);
	puppet_end();
}
TEST(hostile_debug_states_are_refused_or_made_harmless)
{
	struct x86_64_debug_state d = { { 0 } }, got;
	static const uint64_t bad[] = { 0x800000000000, 1ull << 63, 0xffff800000000000, 0xffffffff80100000, ~0ull };

	puppet_make(stops);
	for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++) {
		d.dr[i % 4] = bad[i];
		d.dr[7] = 0xff;
		CHECK_EQ(SET(x86_64_DEBUG_STATE, d), KERN_INVALID_ARGUMENT);
		d.dr[i % 4] = 0;
	}
	d.dr[7] = 1u << 6 | 2u << 28;		/* a port */
	CHECK_EQ(SET(x86_64_DEBUG_STATE, d), KERN_INVALID_ARGUMENT);
	d.dr[7] = 1u << 13 | 1u << 11 | 1u << 15;	/* general detect and what there is not */
	d.dr[6] = ~0ull;
	CHECK_OK(SET(x86_64_DEBUG_STATE, d));
	CHECK_OK(GET(x86_64_DEBUG_STATE, got));
	CHECK_EQ(got.dr[7], 0x400);
	CHECK_EQ(got.dr[6], 0xffff);
	CHECK_EQ(set(x86_64_DEBUG_STATE, &d, 15), KERN_INVALID_ARGUMENT);
	CHECK_EQ(get(x86_64_DEBUG_STATE, &d, 15), KERN_INVALID_ARGUMENT);
	REQUIRE(puppet_run());
	raised(EXC_BREAKPOINT, EXC_I386_BPT);
	puppet_end();
}

/* --- single step --- */

extern void steps(void);
extern char steps_end[];
__asm__(".text; steps: int3; nop; incq %rax; movl $-31, %eax; syscall; nop; nop; steps_end: int3");

TEST(a_handler_steps_through_code)
{
	unsigned n = 0;
	uint64_t last;

	puppet_make(steps);
	REQUIRE(puppet_run());
	last = puppet.s.rip;
	for (; n < 20; n++) {
		puppet.s.rfl |= 0x100;
		CHECK_OK(SET(i386_THREAD_STATE, puppet.s));
		if (!puppet_run() || puppet.raise.code != EXC_I386_SGL)
			break;
		raised(EXC_BREAKPOINT, EXC_I386_SGL);
		CHECK(puppet.s.rip > last && puppet.s.rip <= (uint64_t)steps_end);
		last = puppet.s.rip;
	}
	raised(EXC_BREAKPOINT, EXC_I386_BPT);
	CHECK(n >= 5 && n <= 7);
	CHECK_EQ(puppet.s.rip, (uint64_t)steps_end + 1);
	puppet_end();
}

/* --- flavours --- */

TEST(flavours_are_listed_and_unknown_ones_refused)
{
	natural_t list[8] = { 0 };
	mach_msg_type_number_t n = 8;

	puppet_make(stops);
	CHECK_OK(thread_get_state(puppet.thread, THREAD_STATE_FLAVOR_LIST, list, &n));
	CHECK_EQ(n, 3);
	CHECK_EQ(list[0], 1);
	CHECK_EQ(list[2], 3);
	CHECK_EQ(set(THREAD_STATE_FLAVOR_LIST, list, 3), KERN_INVALID_ARGUMENT);
	CHECK_EQ(get(THREAD_STATE_FLAVOR_LIST, list, 2), KERN_INVALID_ARGUMENT);
	for (int flavor = -3; flavor < 40; flavor++) {
		if (flavor >= 0 && flavor <= 9 && flavor != i386_V86_ASSIST_STATE)
			continue;
		CHECK_EQ(get(flavor, &xback, sizeof xback / 4), KERN_INVALID_ARGUMENT);
		CHECK_EQ(set(flavor, &xback, sizeof xback / 4), KERN_INVALID_ARGUMENT);
	}
	struct i386_isa_port_map_state ports;
	CHECK_OK(GET(i386_ISA_PORT_MAP_STATE, ports));
	CHECK_EQ(ports.pm[0], 0xff);
	CHECK_OK(SET(i386_ISA_PORT_MAP_STATE, ports));	/* accepted, without effect */
	puppet_end();
	CHECK_EQ(thread_get_state(SELF, i386_THREAD_STATE, list, &n), KERN_INVALID_ARGUMENT);
}
