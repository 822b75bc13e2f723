/* SPDX-License-Identifier: BSD-2-Clause */
/* Not linked: its assembler output becomes asm_offsets.h. */
#include <stddef.h>
#include <kern/syscall_table.h>
#include <kern/task.h>
#include <kern/thread.h>
#include <mach/message.h>
#include <machine/asm.h>
#include <machine/cpu.h>

#define DEFINE(name, value) __asm__ volatile("\n.ascii \"->" #name " %c0\"" :: "i"(value))

void asm_offsets(void);
void asm_offsets(void)
{
	DEFINE(TH_AST, offsetof(struct thread, th_ast));
	DEFINE(MT_KERNEL_RSP, offsetof(struct thread, th_machine.mt_kernel_rsp));
	DEFINE(MACH_TRAPS, MACH_TRAP_COUNT);
	DEFINE(MACH_TRAP_ARGS, offsetof(struct mach_trap, mt_args));
}

#define CHECK(constant, type, field) _Static_assert((constant) == offsetof(type, field), #field)
CHECK(CP_SELF, struct cpu, cp_self);
CHECK(CP_THREAD, struct cpu, cp_thread);
CHECK(CP_KERNEL_RSP, struct cpu, cp_kernel_rsp);
CHECK(CP_SCRATCH, struct cpu, cp_scratch);
CHECK(CP_EMULATION, struct cpu, cp_emulation);
CHECK(EV_START, struct emulation_vector, ev_start);
CHECK(EV_COUNT, struct emulation_vector, ev_count);
CHECK(EV_ENTRY, struct emulation_vector, ev_entry);
CHECK(MT_REGS, struct thread, th_machine.mt_regs);
CHECK(UR_R15, struct user_regs, r15);
CHECK(UR_R12, struct user_regs, r12);
CHECK(UR_RBP, struct user_regs, rbp);
CHECK(UR_RBX, struct user_regs, rbx);
CHECK(UR_R11, struct user_regs, r11);
CHECK(UR_R8, struct user_regs, r8);
CHECK(UR_RAX, struct user_regs, rax);
CHECK(UR_RDI, struct user_regs, rdi);
CHECK(UR_TRAPNO, struct user_regs, trapno);
CHECK(UR_ERROR, struct user_regs, error);
CHECK(UR_RIP, struct user_regs, rip);
CHECK(UR_CS, struct user_regs, cs);
CHECK(UR_RSP, struct user_regs, rsp);
CHECK(UR_SS, struct user_regs, ss);
_Static_assert(MACH_SEND_RCV == (MACH_SEND_MSG | MACH_RCV_MSG), "the options tested at the entry");
_Static_assert(UR_SIZE == sizeof(struct user_regs), "size of user_regs");
_Static_assert(sizeof(struct mach_trap) == 16, "mach_trap_table is indexed by shifts");
