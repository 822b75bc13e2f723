/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Machine context of threads and tasks: what kern needs of the processor to start, switch and stop threads.
 * The machine layer owns the layout of struct machine_thread and struct machine_task.
 */
#ifndef MACHINE_CONTEXT_H
#define MACHINE_CONTEXT_H

#include <stdbool.h>
#include <stdint.h>
#include <machine/asm.h>
#include <mach/kern_return.h>

struct thread;
struct task;

/* user registers, as the trap entry stores them */
struct user_regs {
	uint64_t r15, r14, r13, r12, rbp, rbx, r11, r10, r9, r8, rax, rcx, rdx, rsi, rdi;
	uint64_t trapno, error;
	uint64_t rip, cs, rflags, rsp, ss;
};

struct fpu_state;
struct cpu;

/* begins struct thread; allocate threads aligned to 16 */
struct machine_thread {
	uint64_t	 mt_slack[8];		/* an exception frame raised by iretq spills below mt_regs */
	struct user_regs mt_regs __attribute__((aligned(16)));
	uint64_t	 mt_kernel_rsp;		/* saved by context_switch while it owns a stack */
	uint64_t	 mt_fs_base, mt_gs_base;
	union {				/* selectors, mostly null */
		struct { uint16_t mt_ds, mt_es, mt_fs, mt_gs; };
		uint64_t mt_selectors;
	};
	struct fpu_state *mt_fpu;		/* NULL: never used, kernel threads */
	struct cpu	*mt_fpu_cpu;		/* CPU that loaded mt_fpu last */
	uint64_t	 mt_debug[8];
	uint64_t	 mt_debug_active;	/* DR7 enables something; a whole word for machine_handoff_ok */
	uint8_t		 mt_debug_hits;		/* watches the kernel ran into on this thread's behalf */
};

struct machine_task {
	uint64_t	*mk_ldt;		/* NULL: the default one */
	uint32_t	 mk_ldt_count;
	bool		 mk_gdt_used;
	uint64_t	 mk_special;		/* not 0: has or had one of these */
	uint64_t	 mk_gdt[4];		/* the task's entries of the GDT */
	uint8_t		*mk_iomap;		/* NULL: no port allowed; else IOMAP_BYTES, 0 = allowed */
};

/* => stack of KERNEL_STACK_SIZE from kern/stack.c; the thread starts at fn on it */
#ifndef KERNEL_STACK_SIZE		/* sanitizers need more */
#define KERNEL_STACK_SIZE	16384
#endif
/* user state as mach-abi section 9 "new thread"; th_task is set (threads of kernel_task never go to user mode).
   => KERN_RESOURCE_SHORTAGE without memory for the FPU state */
kern_return_t machine_thread_init(struct thread *) __attribute__((warn_unused_result));
void	machine_thread_destroy(struct thread *);
kern_return_t machine_task_init(struct task *, struct task *parent);
void	machine_task_destroy(struct task *);

/* prepare `stack` so that the first switch to the thread calls fn(previous thread) on it */
void	stack_prepare(struct thread *, void *stack, void (*fn)(struct thread *prev));
/* save this thread's kernel context, go to new; returns (much later, as old) the thread that ran before it.
   => interrupts off, switches address space, FPU, segment bases as needed */
struct thread *context_switch(struct thread *old, struct thread *new);
/* the stack of the current thread becomes new's, new becomes current (address space and all); returns on the same stack */
void	stack_handoff(struct thread *old, struct thread *new);
/* reset the stack of the current thread to its base and call fn on it */
void	call_continuation(void (*fn)(void)) __attribute__((noreturn));
/* leave the kernel into the current thread's mt_regs; runs ast_taken first when needed */
void	machine_return_to_user(void) __attribute__((noreturn));
/* => interrupts off, kernel stack not needed any more: straight to user mode with MACH_MSG_SUCCESS, where th entered by syscall with a
   canonical RIP */
void	machine_return_from_message(struct thread *) __attribute__((noreturn));
/* where the thread is, or entered the kernel from, in user mode */
static inline uint64_t machine_user_pc(const struct machine_thread *mt) { return mt->mt_regs.rip; }
/* the segments may be of an earlier trap: the message trap's entry writes only what its own ways out read. A state the thread was given
   meanwhile is whole, and is not to be left by sysret */
static inline void machine_set_syscall_result(struct machine_thread *mt, uint64_t v)
{
	mt->mt_regs.rax = v;
	if (mt->mt_regs.trapno == VECTOR_SYSCALL) {
		mt->mt_regs.cs = SEL_USER_CS;
		mt->mt_regs.ss = SEL_USER_DS;
	}
}

/* flavours of mach-abi section 9; count in 32-bit words, in/out */
uint32_t machine_thread_state_count(int flavor);	/* words; 0: no such flavour */
kern_return_t machine_thread_get_state(struct thread *, int flavor, uint32_t *state, uint32_t *count);
kern_return_t machine_thread_set_state(struct thread *, int flavor, const uint32_t *state, uint32_t count);
/* => on the way to user mode with AST_DEBUG, nothing held: the exception of a watch that the kernel ran into */
void	machine_debug_taken(void);
/* => after tk_emulation changed: when it returns no CPU uses the old vector any more */
void	machine_emulation_changed(struct task *);
/* start state of the first thread of a loaded program */
void	machine_set_user_entry(struct thread *, uint64_t pc, uint64_t sp);

#endif
