/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every trap of the processor that a program can raise, as the exception it becomes: kind, code, subcode, and the place of the
 * instruction. #NM, #TS, #DF, #MC and #CP can not be raised from user mode; #AC and #XM are not implemented by QEMU's TCG: their tests
 * say "skip" there.
 * Run without SMAP: TCG's lret and iret of a user read the stack as the kernel would, and fault for ever with it.
 */
#include <mach/machine/mach_i386.h>
#include "harness/exception.h"

#define SELF	mach_task_self()

/* a body `trap_NAME` that runs `before`, then the instruction between the labels trap_NAME_at and trap_NAME_after */
#define TRAP(name, before, instruction)						\
	extern void trap_##name(void);						\
	extern char trap_##name##_at[], trap_##name##_after[];			\
	__asm__(".pushsection .text\n trap_" #name ": " before "\n trap_" #name "_at: " instruction	\
	    "\n .code64\n trap_" #name "_after: ret\n .popsection")

/* the same in a 32-bit code segment, with data segments of its own */
#define TRAP32(name, before, instruction)					\
	TRAP(name, "movl $0x17, %eax; movl %eax, %ds; pushq $0x0f; leaq 1f(%rip), %rax; pushq %rax; lretq\n .code32\n 1: " before, \
	    instruction "\n ud2")

static struct test_trap got;

static void expect(void (*body)(void), int exception, int code, int64_t subcode, const char *rip)
{
	got.raise.exception = 0;
	CHECK(test_trap(body, &got));
	CHECK_EQ(got.raise.exception, exception);
	CHECK_EQ(got.raise.code, code);
	CHECK_EQ(got.raise.subcode, subcode);
	CHECK_EQ(got.state.rip, (uint64_t)rip);
}

#define FAULT(name, exception, code, subcode) TEST(name) { expect(trap_##name, exception, code, subcode, trap_##name##_at); }
#define AFTER(name, exception, code, subcode) TEST(name) { expect(trap_##name, exception, code, subcode, trap_##name##_after); }

/* --- #DE --- */
TRAP(divide_by_zero, "xorl %ecx, %ecx; xorl %edx, %edx", "divl %ecx");
FAULT(divide_by_zero, EXC_ARITHMETIC, EXC_I386_DIV, 0)
TRAP(divide_overflow, "movl $0x80000000, %eax; cltd; movl $-1, %ecx", "idivl %ecx");
FAULT(divide_overflow, EXC_ARITHMETIC, EXC_I386_DIV, 0)

/* --- #DB --- */
TRAP(single_step, "pushfq; orl $0x100, (%rsp); popfq", "nop");
AFTER(single_step, EXC_BREAKPOINT, EXC_I386_SGL, 0)
TEST(single_step_shows_in_the_debug_state_and_ends_stepping)
{
	CHECK(test_trap(trap_single_step, &got));
	CHECK_EQ(got.debug.dr[6], 0x4000);
	CHECK_EQ(got.state.rfl & 0x100, 0);
}
/* the flag is put aside while the kernel runs: the step ends after the instruction that follows the trap */
TRAP(single_step_over_a_trap, "movl $-31, %eax; pushfq; orl $0x100, (%rsp); popfq; syscall", "nop");
TEST(single_step_over_a_trap)
{
	CHECK(test_trap(trap_single_step_over_a_trap, &got));
	CHECK_EQ(got.raise.exception, EXC_BREAKPOINT);
	CHECK_EQ(got.raise.code, EXC_I386_SGL);
	/* processors differ by one instruction */
	CHECK(got.state.rip == (uint64_t)trap_single_step_over_a_trap_at ||
	    got.state.rip == (uint64_t)trap_single_step_over_a_trap_after);
}
TRAP(icebp, "", ".byte 0xf1");
TEST(icebp)
{
	CHECK(test_trap(trap_icebp, &got));
	/* TCG: undefined */
	CHECK(got.raise.exception == EXC_BREAKPOINT || got.raise.exception == EXC_BAD_INSTRUCTION);
	CHECK_EQ(got.raise.code, 1);
}

/* --- #BP, #OF, #BR --- */
TRAP(int3, "", "int3");
AFTER(int3, EXC_BREAKPOINT, EXC_I386_BPT, 0)
TRAP(int_3_of_two_bytes, "", ".byte 0xcd, 3");
AFTER(int_3_of_two_bytes, EXC_BREAKPOINT, EXC_I386_BPT, 0)
TRAP(int_4, "", "int $4");
AFTER(int_4, EXC_ARITHMETIC, EXC_I386_INTO, 0)
TRAP32(into, "movl $0x7fffffff, %eax; addl $1, %eax", "into\n trap_into_over:");
extern char trap_into_over[];
TEST(into)
{
	expect(trap_into, EXC_ARITHMETIC, EXC_I386_INTO, 0, trap_into_over);
	CHECK_EQ(got.state.cs, 0x0f);
}
uint32_t test_bounds[2] = { 10, 20 };
TRAP32(bound, "movl $5, %eax", "bound %eax, test_bounds");
FAULT(bound, EXC_SOFTWARE, EXC_I386_BOUND, 0)

/* --- #UD --- */
TRAP(ud2, "", "ud2");
FAULT(ud2, EXC_BAD_INSTRUCTION, EXC_I386_INVOP, 0)
TRAP(into_in_64_bits, "", ".byte 0xce");
FAULT(into_in_64_bits, EXC_BAD_INSTRUCTION, EXC_I386_INVOP, 0)
TRAP(sysenter, "", "sysenter");
TEST(sysenter)
{
	/* not set up: some processors have it undefined in 64-bit mode */
	CHECK(test_trap(trap_sysenter, &got));
	CHECK_EQ(got.raise.exception, EXC_BAD_INSTRUCTION);
	CHECK(got.raise.code == EXC_I386_INVOP || got.raise.code == EXC_I386_GPFLT);
}
TRAP(vmcall, "", "vmcall");
FAULT(vmcall, EXC_BAD_INSTRUCTION, EXC_I386_INVOP, 0)

/* --- numbers of system calls --- */
TRAP(positive_call, "movl $39, %eax", "syscall");
AFTER(positive_call, EXC_BAD_INSTRUCTION, EXC_I386_INVOP, 0)
TRAP(call_beyond_the_table, "movl $-130, %eax", "syscall");
AFTER(call_beyond_the_table, EXC_BAD_INSTRUCTION, EXC_I386_INVOP, 0)
TRAP(lowest_call, "movl $0x80000000, %eax", "syscall");
AFTER(lowest_call, EXC_BAD_INSTRUCTION, EXC_I386_INVOP, 0)
TRAP(call_of_a_large_number, "movl $0x7fffffff, %eax", "syscall");
AFTER(call_of_a_large_number, EXC_BAD_INSTRUCTION, EXC_I386_INVOP, 0)
TEST(registers_of_a_bad_call_are_the_callers)
{
	CHECK(test_trap(trap_positive_call, &got));
	CHECK_EQ(got.state.rax, 39);
	CHECK_EQ(got.state.cs, 0x1f);
	CHECK_EQ(got.state.ss, 0x17);
}

/* --- #NP, #SS: descriptors of the task's own --- */
#define SEL_ABSENT	0x27u		/* LDT entry 4: data that is not present */
#define SEL_ABSENT_CODE	0x2fu
#define SEL_GIVEN	0x37u		/* entry 6: data */

static bool give_descriptors(void)
{
	struct descriptor list[3] = {
		{ 0x0000ffff, 0x00cf7300 }, { 0x0000ffff, 0x00af7b00 }, { 0x0000ffff, 0x00cff300 },
	};
	mach_port_t self = mach_thread_self();
	kern_return_t kr = i386_set_ldt(self, 0x20, list, 3);

	mach_port_deallocate(SELF, self);
	return kr == KERN_SUCCESS;
}

TRAP(absent_data_segment, "movl $0x27, %eax", "movl %eax, %ds");
TEST(absent_data_segment)
{
	REQUIRE(give_descriptors());
	expect(trap_absent_data_segment, EXC_BAD_INSTRUCTION, EXC_I386_SEGNPFLT, SEL_ABSENT & ~3u, trap_absent_data_segment_at);
}
TRAP(absent_code_segment, "pushq $0x2f; leaq 1f(%rip), %rax; pushq %rax", "lretq\n 1:");
TEST(absent_code_segment)
{
	REQUIRE(give_descriptors());
	expect(trap_absent_code_segment, EXC_BAD_INSTRUCTION, EXC_I386_SEGNPFLT, SEL_ABSENT_CODE & ~3u, trap_absent_code_segment_at);
}
TRAP(absent_stack_segment, "movl $0x27, %eax", "movl %eax, %ss");
TEST(absent_stack_segment)
{
	REQUIRE(give_descriptors());
	expect(trap_absent_stack_segment, EXC_BAD_INSTRUCTION, EXC_I386_STKFLT, SEL_ABSENT & ~3u, trap_absent_stack_segment_at);
}
/* the kernel returns to what the handler set: that fault is the thread's as well */
TRAP(given_data_segment, "movl $0x37, %eax; movl %eax, %ds; movl %eax, %es; movl %eax, %fs", "int3");
TEST(given_data_segment)
{
	REQUIRE(give_descriptors());
	expect(trap_given_data_segment, EXC_BREAKPOINT, EXC_I386_BPT, 0, trap_given_data_segment_after);
}
/* TCG has #GP in the place of #SS for such addresses */
TRAP(stack_outside_of_the_address_space, "movabsq $0x8000000000000000, %rcx; movq %rsp, %rdx; movq %rcx, %rsp", "pushq %rax");
TEST(stack_outside_of_the_address_space)
{
	CHECK(test_trap(trap_stack_outside_of_the_address_space, &got));
	CHECK_EQ(got.raise.exception, EXC_BAD_INSTRUCTION);
	CHECK(got.raise.code == EXC_I386_STKFLT || got.raise.code == EXC_I386_GPFLT);
	CHECK_EQ(got.raise.subcode, 0);
	CHECK_EQ(got.state.ursp, 1ull << 63);
}

/* --- #GP --- */
#define PRIVILEGED(name, before, instruction) TRAP(name, before, instruction); FAULT(name, EXC_BAD_INSTRUCTION, EXC_I386_GPFLT, 0)
PRIVILEGED(hlt, "", "hlt")
PRIVILEGED(cli, "", "cli")
PRIVILEGED(sti, "", "sti")
PRIVILEGED(in_without_right, "movl $0x80, %edx", "inb %dx, %al")
PRIVILEGED(out_without_right, "xorl %eax, %eax", "outb %al, $0x80")
PRIVILEGED(outs_without_right, "movl $0x3f8, %edx; leaq test_bounds(%rip), %rsi", "outsb")
PRIVILEGED(move_to_cr0, "movl $0x33, %eax", "movq %rax, %cr0")
PRIVILEGED(move_from_cr3, "", "movq %cr3, %rax")
PRIVILEGED(move_to_dr7, "xorl %eax, %eax", "movq %rax, %dr7")
PRIVILEGED(wrmsr, "movl $0xc0000082, %ecx; xorl %eax, %eax; xorl %edx, %edx", "wrmsr")
PRIVILEGED(rdmsr, "movl $0xc0000082, %ecx", "rdmsr")
PRIVILEGED(lidt, "", "lidt (%rsp)")
PRIVILEGED(ltr, "xorl %eax, %eax", "ltr %ax")
PRIVILEGED(invlpg, "", "invlpg (%rsp)")
PRIVILEGED(wbinvd, "", "wbinvd")
PRIVILEGED(clts, "", "clts")
PRIVILEGED(sysret, "", "sysretq")
PRIVILEGED(swapgs, "", "swapgs")
PRIVILEGED(xsetbv, "xorl %ecx, %ecx; xorl %edx, %edx; movl $7, %eax", "xsetbv")
PRIVILEGED(load_outside_of_the_address_space, "movabsq $0x8000000000001000, %rcx", "movl (%rcx), %eax")
PRIVILEGED(store_outside_of_the_address_space, "movabsq $0x0000800000000000, %rcx", "movl %eax, (%rcx)")
/* gates are the kernel's; TCG counts their index in the error code by 16 */
#define GATE(name, n)								\
	TRAP(name, "", "int $" #n);						\
	TEST(name)								\
	{									\
		CHECK(test_trap(trap_##name, &got));				\
		CHECK_EQ(got.raise.exception, EXC_BAD_INSTRUCTION);		\
		CHECK_EQ(got.raise.code, EXC_I386_GPFLT);			\
		CHECK(got.raise.subcode == n * 8 + 2 || got.raise.subcode == n * 16 + 2);	\
		CHECK_EQ(got.state.rip, (uint64_t)trap_##name##_at);		\
	}
GATE(int_of_a_kernel_gate, 0x21)
GATE(int_of_the_page_fault_gate, 14)
GATE(int_of_the_bound_gate, 5)
GATE(int_of_the_timer_gate, 0xf0)
GATE(int_0x80, 0x80)
TRAP(kernel_selector, "movl $0x10, %eax", "movl %eax, %ss");
FAULT(kernel_selector, EXC_BAD_INSTRUCTION, EXC_I386_GPFLT, 0x10)
TRAP(selector_beyond_the_table, "movl $0xfff7, %eax", "movl %eax, %ds");
FAULT(selector_beyond_the_table, EXC_BAD_INSTRUCTION, EXC_I386_GPFLT, 0xfff4)
TRAP(far_return_to_the_kernel, "pushq $8; leaq 1f(%rip), %rax; pushq %rax", "lretq\n 1:");
FAULT(far_return_to_the_kernel, EXC_BAD_INSTRUCTION, EXC_I386_GPFLT, 8)

/* the obsolete call gate is passed over */
TRAP32(obsolete_call_gate, ".byte 0x9a, 0, 0, 0, 0, 7, 0", "int3\n trap_obsolete_over:");
extern char trap_obsolete_over[];
TEST(obsolete_call_gate) { expect(trap_obsolete_call_gate, EXC_BREAKPOINT, EXC_I386_BPT, 0, trap_obsolete_over); }
TEST(int_0x80_is_passed_over_with_a_vector)
{
	CHECK_OK(task_set_emulation(SELF, 0x1000, 999));
	CHECK(!test_trap(trap_int_0x80, &got));
	CHECK_OK(task_set_emulation(SELF, 0, 999));
}

/* --- #PF --- */
TRAP(load_of_no_memory, "", "movl 0x123, %eax");
FAULT(load_of_no_memory, EXC_BAD_ACCESS, KERN_INVALID_ADDRESS, 0x123)
TRAP(store_to_text, "leaq trap_store_to_text(%rip), %rcx", "movb %al, (%rcx)");
FAULT(store_to_text, EXC_BAD_ACCESS, KERN_PROTECTION_FAILURE, (int64_t)trap_store_to_text)
TRAP(load_of_the_kernel, "movabsq $0xffff800000001000, %rcx", "movl (%rcx), %eax");
FAULT(load_of_the_kernel, EXC_BAD_ACCESS, EXC_I386_PGFLT, (int64_t)0xffff800000001000)
TRAP(store_to_the_kernel, "movq $-8, %rcx", "movl %eax, (%rcx)");
FAULT(store_to_the_kernel, EXC_BAD_ACCESS, EXC_I386_PGFLT, -8)
TRAP(jump_to_no_memory, "movl $0x77, %eax", "jmp *%rax");
TEST(jump_to_no_memory) { expect(trap_jump_to_no_memory, EXC_BAD_ACCESS, KERN_INVALID_ADDRESS, 0x77, (char *)0x77); }
TRAP(jump_to_the_kernel, "movabsq $0xffffffff80000000, %rax", "jmp *%rax");
TEST(jump_to_the_kernel)
{
	expect(trap_jump_to_the_kernel, EXC_BAD_ACCESS, EXC_I386_PGFLT, (int64_t)0xffffffff80000000, (char *)0xffffffff80000000);
}
/* the processor finds it at the jump, or TCG when it fetches there */
TRAP(jump_outside_of_the_address_space, "movabsq $0x0000800000000000, %rax", "jmp *%rax");
TEST(jump_outside_of_the_address_space)
{
	CHECK(test_trap(trap_jump_outside_of_the_address_space, &got));
	CHECK(got.raise.exception == EXC_BAD_INSTRUCTION || got.raise.exception == EXC_BAD_ACCESS);
	CHECK(got.raise.code == EXC_I386_GPFLT || got.raise.code == EXC_I386_PGFLT);
}

/* --- #MF, #XM, #AC --- */
uint16_t test_fpu_control = 0x0300;		/* nothing masked */
TRAP(x87_division, "fninit; fldcw test_fpu_control(%rip); fldz; fld1; fdivp", "fwait");
TEST(x87_division)
{
	/* by the operands' order it is 0 / 1 or 1 / 0: the second raises */
	CHECK(test_trap(trap_x87_division, &got));
	CHECK_EQ(got.raise.exception, EXC_ARITHMETIC);
	CHECK_EQ(got.raise.code, EXC_I386_EXTERR);
	CHECK(got.raise.subcode & 4);			/* ZE */
	CHECK_EQ(got.state.rip, (uint64_t)trap_x87_division_at);
}
uint32_t test_mxcsr = 0x0000, test_mxcsr_masked = 0x1f80;
TRAP(simd_division, "xorps %xmm0, %xmm0; movl $0x3f800000, %eax; movd %eax, %xmm1; ldmxcsr test_mxcsr(%rip)",
    "divss %xmm0, %xmm1; ldmxcsr test_mxcsr_masked(%rip)");
TEST(simd_division)
{
	if (!test_trap(trap_simd_division, &got)) {
		test_say("# skip: this processor raises no SIMD exceptions");
		return;
	}
	CHECK_EQ(got.raise.exception, EXC_ARITHMETIC);
	CHECK_EQ(got.raise.code, EXC_I386_EXTERR);
	CHECK(got.raise.subcode & 4);
	CHECK_EQ(got.state.rip, (uint64_t)trap_simd_division_at);
}
TRAP(unaligned_load, "pushfq; orl $0x40000, (%rsp); popfq; leaq test_bounds(%rip), %rcx",
    "movl 1(%rcx), %eax; pushfq; andl $~0x40000, (%rsp); popfq");
TEST(unaligned_load)
{
	if (!test_trap(trap_unaligned_load, &got)) {
		test_say("# skip: this processor checks no alignment");
		return;
	}
	CHECK_EQ(got.raise.exception, EXC_BAD_ACCESS);
	CHECK_EQ(got.state.rip, (uint64_t)trap_unaligned_load_at);
}

/* --- what a thread did to its flags does not reach the kernel --- */
TRAP(direction_flag_in_a_trap, "std; movl $-31, %eax; syscall; movl $39, %eax", "syscall");
TEST(direction_flag_in_a_trap)
{
	expect(trap_direction_flag_in_a_trap, EXC_BAD_INSTRUCTION, EXC_I386_INVOP, 0, trap_direction_flag_in_a_trap_after);
	CHECK(got.state.rfl & 0x400);
}
TRAP(nested_task_flag, "pushfq; orl $0x4000, (%rsp); popfq; movl $-31, %eax; syscall", "int3");
TEST(nested_task_flag)
{
	expect(trap_nested_task_flag, EXC_BREAKPOINT, EXC_I386_BPT, 0, trap_nested_task_flag_after);
}
