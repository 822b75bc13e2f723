/* SPDX-License-Identifier: BSD-2-Clause */
/* Processors: the per-CPU structure, interrupts, cross-CPU calls. */
#ifndef MACHINE_CPU_H
#define MACHINE_CPU_H

#include <stdbool.h>
#include <stdint.h>

struct thread;
struct pmap;
struct processor_set;
struct emulation_vector;
struct ipc_kmsg;
struct cpu_sched;		/* kern/sched.c */
struct cpu_caches;		/* kern/slab.c, vm/page.c per-CPU parts hang here */

struct cpu {
	struct cpu	*cp_self;		/* gs:0 */
	struct thread	*cp_thread;		/* gs:8 current thread */
	uint64_t	 cp_kernel_rsp;		/* gs:16 top of the current thread's kernel stack */
	uint64_t	 cp_scratch;		/* gs:24 for the syscall entry */
	int32_t		 cp_preempt_off;	/* gs:32 pre-emption disabled count */
	uint32_t	 cp_need_resched;	/* gs:36 */
	const struct emulation_vector *cp_emulation; /* gs:40 of the current task; never NULL */
	uint32_t	 cp_id;			/* 0..cpu_count-1, the Mach slot number */
	uint32_t	 cp_apic_id;
	bool		 cp_online;
	bool		 cp_idle;		/* atomic: halted in the idle loop */
	uint32_t	 cp_interrupt_depth;
	struct thread	*cp_idle_thread;
	struct pmap	*cp_pmap;		/* loaded */
	struct processor_set *cp_pset;		/* atomic; what it runs threads of: owned by kern/sched.c */
	struct cpu_sched *cp_sched;		/* owned by kern/sched.c */
	void		*cp_timer_queue;	/* owned by kern/timer.c */
	void		*cp_slab;		/* owned by kern/slab.c */
	void		*cp_vm;			/* owned by vm/page.c */
	void		*cp_trace;		/* owned by debug/trace.c */
	void		*cp_lockdep;		/* owned by debug/lockdep.c */
	void		*cp_machine;		/* GDT, TSS, IST stacks: arch */
	struct ipc_kmsg	*cp_message;		/* owned by ipc/rpc.c */
	int64_t		*cp_counters;		/* owned by kern/counter.c */
	bool		 cp_tick_in_user;	/* the timer's interrupt came in user mode */
};

extern uint32_t cpu_count;			/* CPUs found and started */
struct cpu	*cpu_get(uint32_t id);
static inline struct cpu *cpu_self(void)
{
	struct cpu *c;
	__asm__ volatile("movq %%gs:0, %0" : "=r"(c));
	return c;
}
static inline struct thread *current_thread(void)
{
	struct thread *t;
	__asm__ volatile("movq %%gs:8, %0" : "=r"(t));
	return t;
}

static inline unsigned long interrupts_disable(void)
{
	unsigned long f;
	__asm__ volatile("pushfq; popq %0; cli" : "=r"(f) :: "memory");
	return f & 0x200;
}
static inline void interrupts_restore(unsigned long f)
{
	if (f)
		__asm__ volatile("sti" ::: "memory");
}
static inline void interrupts_enable(void) { __asm__ volatile("sti" ::: "memory"); }
static inline bool interrupts_enabled(void)
{
	unsigned long f;
	__asm__ volatile("pushfq; popq %0" : "=r"(f));
	return f & 0x200;
}
static inline void preempt_disable(void) { __asm__ volatile("incl %%gs:32" ::: "memory"); }
static inline void preempt_enable_no_resched(void) { __asm__ volatile("decl %%gs:32" ::: "memory"); }
/* cp_need_resched */
static inline bool preempt_wanted(void)
{
	bool wanted;

	__asm__ volatile("cmpl $0, %%gs:36" : "=@ccne"(wanted) :: "memory");
	return wanted;
}
void	preempt_check(void);			/* kern/switch.c */
/* reschedules when asked to */
static inline void preempt_enable(void)
{
	preempt_enable_no_resched();
	if (__builtin_expect(preempt_wanted(), 0))
		preempt_check();
}
/* a counter of this CPU that never stops; differences only */
static inline uint64_t cpu_ticks(void)
{
	uint64_t low, high;		/* the instruction clears their upper halves */
	__asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
	return high << 32 | low;
}
uint64_t cpu_ticks_to_ns(uint64_t ticks);	/* of a difference */
static inline void cpu_pause(void) { __asm__ volatile("pause"); }
void	cpu_idle_wait(void);			/* interrupts off on entry: enable and halt until one */

void	cpu_kick(struct cpu *);			/* reschedule interrupt: makes it look at cp_need_resched */
void	cpu_call_all(void (*fn)(void *), void *arg);	/* here and on every other CPU, waits */
void	cpu_call_one(struct cpu *, void (*fn)(void *), void *arg);	/* waits; may be this CPU */
void	cpu_stop_others(void);			/* panic: NMI stop, saves their registers for backtraces */

void	cpu_resume_others(void);
void	cpu_backtrace_others(void);	/* while they are stopped */

/* provided by plat: one-shot interrupt at an absolute uptime on this CPU; 0 = none */
void	timer_hw_set(uint64_t deadline_ns);
uint64_t timer_hw_now(void);			/* ns since boot, monotonic on all CPUs */
uint64_t rtc_wall_ns(void);			/* wall clock at boot */
void	console_putc(char);			/* serial + screen, any context */
int	console_poll(void);			/* kdb: raw input character or -1 */
/* input of the console in interrupt context goes to this hook, set by device/ */
extern void (*console_input_hook)(int c);
void	plat_reboot(void) __attribute__((noreturn));
void	plat_halt(void) __attribute__((noreturn));
void	plat_exit(int status) __attribute__((noreturn));	/* isa-debug-exit when there, else reboot */

/* boot information, from multiboot */
struct boot_module { uint64_t bm_start, bm_size; const char *bm_line; };
extern struct boot_module *boot_modules;
extern uint32_t boot_module_count;
extern const char *boot_command_line;
extern const char *boot_command_line_end;	/* of the kernel's own words: at a lone "--" or the end */
extern const void *boot_info_raw;
extern uint64_t boot_info_size;
struct memory_range { uint64_t mr_start, mr_end; };		/* usable RAM, page aligned, modules and kernel excluded */
extern struct memory_range boot_memory[];
extern uint32_t boot_memory_count;
extern struct memory_range boot_ram[];				/* all RAM, nothing cut out */
extern uint32_t boot_ram_count;
extern uint64_t boot_memory_total, boot_memory_max;		/* bytes of RAM; highest RAM address */

#endif
