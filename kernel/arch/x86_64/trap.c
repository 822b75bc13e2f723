/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Exceptions and interrupts after entry.S.
 *
 * From user mode: page faults go to vm_fault, the rest becomes a Mach exception (interface reference section 8).
 * From kernel mode: a fault on a user address, or at an instruction of the exception table, is resolved or sent
 * to its fixup; anything else is a kernel bug and is reported in full.
 * TESTS   tests/boot: exceptions, hostile pointers.
 */
#include <stddef.h>
#include <debug/kdb.h>
#include <mach/exception.h>
#include <mach/kern_return.h>
#include <kern/emulation.h>
#include <kern/exception.h>
#include <kern/panic.h>
#include <kern/sched.h>
#include <kern/task.h>
#include <kern/thread.h>
#include <machine/asm.h>
#include <machine/copy.h>
#include <machine/seg.h>
#include <machine/smp.h>
#include <machine/trap.h>
#include <machine/x86.h>
#include <vm/fault.h>
#include <vm/map.h>
#include <vm/page.h>

enum {
	T_DIVIDE, T_DEBUG, T_NMI, T_BREAKPOINT, T_OVERFLOW, T_BOUND, T_OPCODE, T_NO_FPU, T_DOUBLE, T_FPU_SEGMENT,
	T_TSS, T_SEGMENT, T_STACK, T_PROTECTION, T_PAGE, T_RESERVED, T_FPU, T_ALIGNMENT, T_MACHINE_CHECK, T_SIMD,
};

#define PF_PRESENT	1
#define PF_WRITE	2
#define PF_USER		4
#define PF_RESERVED	8
#define PF_FETCH	16

/* EXC_ codes of the interface */
#define CODE_DIVIDE	1
#define CODE_INTO	2
#define CODE_FPU	5
#define CODE_OPCODE	1
#define CODE_BOUND	7
#define CODE_DEBUG	1
#define CODE_INT3	2

struct extable_entry {
	uint64_t at, fixup;
};
extern const struct extable_entry extable_start[], extable_end[];
extern char iret_user[], iret_redirect[];
extern bool console_lock_broken;		/* output goes past the console lock */

void	trap_from_user(struct user_regs *);
void	trap_from_kernel(struct user_regs *);
void	trap_paranoid(struct user_regs *);
void	trap_iret_fault(struct user_regs *);
void	trap_bad_syscall(struct user_regs *);

static const char *const trap_names[] = {
	"divide error", "debug", "NMI", "breakpoint", "overflow", "bound", "invalid opcode", "no FPU", "double fault",
	"FPU segment", "invalid TSS", "segment not present", "stack fault", "general protection", "page fault",
	"reserved", "FPU error", "alignment check", "machine check", "SIMD error",
};

static const char *trap_name(uint64_t n)
{
	if (n == VECTOR_SYSCALL)
		return "system call";
	return n < sizeof trap_names / sizeof trap_names[0] ? trap_names[n] : "unknown trap";
}

static vm_prot_t fault_access(uint64_t error)
{
	if (error & PF_WRITE)
		return VM_PROT_WRITE;
	return error & PF_FETCH ? VM_PROT_EXECUTE : VM_PROT_READ;
}

static void interrupt_dispatch(struct user_regs *regs)
{
	struct cpu *cpu = cpu_self();

	cpu->cp_interrupt_depth++;
	cpu_machine_of(cpu)->cm_interrupts++;
	switch (regs->trapno) {
	case VECTOR_TIMER:
		lapic_eoi();
		cpu->cp_tick_in_user = regs_from_user(regs);
		timer_interrupt();
		break;
	case VECTOR_RESCHEDULE:
		lapic_eoi();
		break;
	case VECTOR_CALL:
		lapic_eoi();
		smp_interrupt_call();
		break;
	case VECTOR_TLB:
		lapic_eoi();
		tlb_interrupt();
		break;
	case VECTOR_SPURIOUS:
		break;
	case VECTOR_ERROR:
		lapic_eoi();
		break;
	default:
		plat_irq(regs->trapno);
		break;
	}
	cpu->cp_interrupt_depth--;
}

/* a pre-emption asked for by an interrupt in user mode becomes the AST that return to user acts on */
static void user_interrupt(struct user_regs *regs)
{
	interrupt_dispatch(regs);
	if (cpu_self()->cp_need_resched)
		__atomic_or_fetch(&current_thread()->th_ast, AST_PREEMPT, __ATOMIC_RELAXED);
}

static void user_page_fault(struct user_regs *regs, uint64_t address)
{
	kern_return_t kr;

	if (address >= VM_USER_MAX)
		exception(EXC_BAD_ACCESS, T_PAGE, address);
	kr = vm_fault(current_thread()->th_task->tk_map, page_trunc(address), fault_access(regs->error), true);
	if (kr != KERN_SUCCESS && kr != KERN_ABORTED)
		exception(EXC_BAD_ACCESS, kr, address);
}

/* the obsolete ways into Mach: lcall 7,0 and int 0x80 with a vector set are passed over */
static bool skip_obsolete_call(struct user_regs *regs)
{
	static const uint8_t lcall[7] = { 0x9a, 0, 0, 0, 0, 7, 0 };
	uint8_t code[7];

	/* QEMU's TCG numbers the gate by 16 */
	if ((regs->error == 0x80 * 8 + 2 || regs->error == 0x80 * 16 + 2) && current_thread()->th_task->tk_emulation != &no_emulation) {
		regs->rip += 2;
		return true;
	}
	if (copyin(regs->rip, code, sizeof code) != KERN_SUCCESS)
		return false;
	for (unsigned i = 0; i < sizeof code; i++) {
		if (code[i] != lcall[i])
			return false;
	}
	regs->rip += sizeof code;
	return true;
}

static int64_t fpu_status(bool simd)
{
	uint32_t mxcsr;
	uint16_t status;

	if (simd) {
		__asm__ volatile("stmxcsr %0" : "=m"(mxcsr));
		return mxcsr;
	}
	__asm__ volatile("fnstsw %0; fnclex" : "=am"(status));
	return status;
}

static void debug_exception(struct user_regs *regs)
{
	struct machine_thread *mt = &current_thread()->th_machine;

	mt->mt_debug[6] = read_dr6() & 0x600f;
	write_dr6(0xffff0ff0);
	interrupts_enable();
	regs->rflags &= ~RFLAGS_TF;
	/* watches of execution report before the instruction: a handler that changes nothing lets it run */
	for (unsigned i = 0; i < 4; i++) {
		if ((mt->mt_debug[6] >> i & 1) && (mt->mt_debug[7] >> (16 + 4 * i) & 3) == 0)
			regs->rflags |= RFLAGS_RF;
	}
	exception(EXC_BREAKPOINT, CODE_DEBUG, 0);
}

/* => not from user mode: remembered for the way back to it */
static void kernel_debug_trap(struct user_regs *regs)
{
	uint64_t dr6 = read_dr6();
	struct thread *th = current_thread();

	write_dr6(0xffff0ff0);
	/* a trap flag of the user that fires inside the entry code has done its work */
	regs->rflags &= ~RFLAGS_TF;
	if (th == NULL || !th->th_machine.mt_debug_active || (dr6 & 0xf) == 0)
		return;
	th->th_machine.mt_debug_hits |= dr6 & 0xf;
	__atomic_or_fetch(&th->th_ast, AST_DEBUG, __ATOMIC_RELAXED);
}

void machine_debug_taken(void)
{
	struct thread *th = current_thread();
	struct machine_thread *mt = &th->th_machine;
	uint8_t hits;

	__atomic_fetch_and(&th->th_ast, ~AST_DEBUG, __ATOMIC_RELAXED);
	hits = __atomic_exchange_n(&mt->mt_debug_hits, 0, __ATOMIC_RELAXED);
	if (hits == 0 || !mt->mt_debug_active)
		return;
	mt->mt_debug[6] = hits;
	exception(EXC_BREAKPOINT, CODE_DEBUG, 0);
}

/* => interrupts off, regs is the current thread's mt_regs, kernel stack empty below this frame */
void trap_from_user(struct user_regs *regs)
{
	uint64_t address = 0;

	if (regs->trapno >= 32) {
		user_interrupt(regs);
		return;
	}
	if (regs->trapno == T_PAGE)
		address = read_cr2();
	if (regs->trapno == T_DEBUG)
		debug_exception(regs);
	interrupts_enable();
	switch (regs->trapno) {
	case T_PAGE:
		user_page_fault(regs, address);
		return;
	case T_DIVIDE:
		exception(EXC_ARITHMETIC, CODE_DIVIDE, 0);
	case T_BREAKPOINT:
		exception(EXC_BREAKPOINT, CODE_INT3, 0);
	case T_OVERFLOW:
		exception(EXC_ARITHMETIC, CODE_INTO, 0);
	case T_BOUND:
		exception(EXC_SOFTWARE, CODE_BOUND, 0);
	case T_FPU:
	case T_SIMD:
		exception(EXC_ARITHMETIC, CODE_FPU, fpu_status(regs->trapno == T_SIMD));
	case T_PROTECTION:
		if (skip_obsolete_call(regs))
			return;
		/* fall through */
	case T_TSS:
	case T_SEGMENT:
	case T_STACK:
		exception(EXC_BAD_INSTRUCTION, regs->trapno, regs->error & 0xffff);
	case T_ALIGNMENT:
		exception(EXC_BAD_ACCESS, T_ALIGNMENT, 0);
	default:
		exception(EXC_BAD_INSTRUCTION, CODE_OPCODE, 0);
	}
}

/* a number without a trap or a redirection; 0 is one of the unassigned entries of the table */
void trap_bad_syscall(struct user_regs *regs)
{
	interrupts_enable();
	if ((uint32_t)regs->rax == 0) {
		regs->rax = KERN_INVALID_ARGUMENT;
		return;
	}
	exception(EXC_BAD_INSTRUCTION, CODE_OPCODE, 0);
}

/* the return to user mode faulted: raised = frame of that fault, with the user's general registers */
void trap_iret_fault(struct user_regs *raised)
{
	struct user_regs *regs = &current_thread()->th_machine.mt_regs;
	struct user_regs copy = *raised;
	const uint64_t *user = (const uint64_t *)raised->rsp;

	copy.rip = user[0];
	copy.cs = user[1];
	copy.rflags = user[2];
	copy.rsp = user[3];
	copy.ss = user[4];
	*regs = copy;
	trap_from_user(regs);
}

static uint64_t extable_fixup(uint64_t rip)
{
	for (const struct extable_entry *e = extable_start; e < extable_end; e++) {
		if (e->at == rip)
			return e->fixup;
	}
	return 0;
}

static void kernel_fault(struct user_regs *regs, uint64_t address) __attribute__((noreturn));
static void kernel_fault(struct user_regs *regs, uint64_t address)
{
	struct thread *th = current_thread();

	__atomic_store_n(&console_lock_broken, true, __ATOMIC_SEQ_CST);
	kprintf("\nkernel fault: %s (vector %lu, error %#lx) at %#lx", trap_name(regs->trapno),
	    (unsigned long)regs->trapno, (unsigned long)regs->error, (unsigned long)regs->rip);
	if (regs->trapno == T_PAGE)
		kprintf(": %s address %#lx, %s%s", regs->error & PF_FETCH ? "execute" :
		    regs->error & PF_WRITE ? "write" : "read", (unsigned long)address,
		    address < 4096 ? "a null pointer" : address < VM_USER_MAX ? "a user address" : "a kernel address",
		    regs->error & PF_PRESENT ? " with other protection" : " not mapped");
	kprintf("\nCPU %u, thread %s of task %s\n", cpu_self()->cp_id, th ? th->th_name : "none",
	    th && th->th_task ? th->th_task->tk_name : "none");
	trap_print_regs(regs);
	backtrace_print(regs->rip, regs->rbp);
	panic("%s in the kernel", trap_name(regs->trapno));
}

static void kernel_page_fault(struct user_regs *regs)
{
	uint64_t address = read_cr2(), fixup = extable_fixup(regs->rip);
	struct thread *th = current_thread();

	if (fixup != 0 && address < VM_USER_MAX && th != NULL && th->th_task != NULL && (regs->rflags & RFLAGS_IF) &&
	    cpu_self()->cp_preempt_off == 0) {
		interrupts_enable();
		kern_return_t kr = vm_fault(th->th_task->tk_map, page_trunc(address), fault_access(regs->error), false);
		interrupts_disable();
		if (kr == KERN_SUCCESS)
			return;
	}
	if (fixup == 0)
		kernel_fault(regs, address);
	regs->rip = fixup;
}

void trap_from_kernel(struct user_regs *regs)
{
	struct cpu *cpu;

	if (regs->trapno >= 32) {
		interrupt_dispatch(regs);
		cpu = cpu_self();
		if (cpu->cp_need_resched && cpu->cp_preempt_off == 0 && cpu->cp_interrupt_depth == 0 &&
		    (regs->rflags & RFLAGS_IF) && cpu->cp_thread != NULL && cpu->cp_thread != cpu->cp_idle_thread)
			sched_preempt();
		return;
	}
	switch (regs->trapno) {
	case T_PAGE:
		kernel_page_fault(regs);
		return;
	case T_BREAKPOINT:
		kdb_enter("breakpoint in the kernel");
		return;
	case T_PROTECTION:
		if (extable_fixup(regs->rip) != 0) {
			regs->rip = extable_fixup(regs->rip);
			return;
		}
		/* fall through */
	default:
		kernel_fault(regs, 0);
	}
}

/* NMI, #MC, #DF and #DB of the kernel, on their own stacks */
void trap_paranoid(struct user_regs *regs)
{
	switch (regs->trapno) {
	case T_NMI:
		smp_interrupt_nmi(regs);
		return;
	case T_DEBUG:
		kernel_debug_trap(regs);
		return;
	default:
		kernel_fault(regs, 0);
	}
}
