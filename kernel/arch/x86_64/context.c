/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * OBJECT  Machine context of threads and tasks: creating, switching, handing stacks on.
 * STATES  A thread that runs has cp_thread, TSS.RSP0 (end of its mt_regs), cp_kernel_rsp (top of its stack), address
 *         space, emulation vector, segment bases and FPU state on one CPU. machine_switch_state moves all of these;
 *         context_switch moves the kernel stack pointer too, stack_handoff gives the stack along.
 * LOCKS   all switching with interrupts off.
 */
#include <stddef.h>
#include <kern/emulation.h>
#include <kern/panic.h>
#include <kern/slab.h>
#include <kern/string.h>
#include <kern/task.h>
#include <kern/thread.h>
#include <machine/asm.h>
#include <machine/context.h>
#include <machine/fpu.h>
#include <machine/handoff.h>
#include <machine/seg.h>
#include <machine/smp.h>
#include <machine/x86.h>
#include <vm/map.h>


extern char stack_start[];
struct thread *context_switch_stacks(struct thread *old, struct thread *new);
static inline void switch_task(struct cpu *, struct cpu_machine *, struct task *);

kern_return_t machine_thread_init(struct thread *th)
{
	struct machine_thread *mt = &th->th_machine;

	KASSERT((uint64_t)mt % 16 == 0);
	memset(&mt->mt_regs, 0, sizeof *mt - offsetof(struct machine_thread, mt_regs));
	mt->mt_regs.cs = SEL_USER_CS;
	mt->mt_regs.ss = SEL_USER_DS;
	mt->mt_regs.rflags = RFLAGS_IF;
	if (th->th_task == kernel_task || th->th_task == NULL)
		return KERN_SUCCESS;
	/* now, so that a switch never allocates */
	mt->mt_fpu = fpu_alloc();
	return mt->mt_fpu != NULL ? KERN_SUCCESS : KERN_RESOURCE_SHORTAGE;
}

void machine_thread_destroy(struct thread *th)
{
	if (th->th_machine.mt_fpu != NULL)
		fpu_free(th->th_machine.mt_fpu);
	th->th_machine.mt_fpu = NULL;
}

kern_return_t machine_task_init(struct task *task, struct task *parent)
{
	struct machine_task *mk = &task->tk_machine, *from = parent ? &parent->tk_machine : NULL;

	memset(mk, 0, sizeof *mk);
	if (from == NULL || from->mk_iomap == NULL)
		return KERN_SUCCESS;
	mk->mk_special = true;
	mk->mk_iomap = kalloc(IOMAP_BYTES);
	if (mk->mk_iomap == NULL)
		return KERN_RESOURCE_SHORTAGE;
	memcpy(mk->mk_iomap, from->mk_iomap, IOMAP_BYTES);
	return KERN_SUCCESS;
}

static void note_special(struct cpu_machine *cm)
{
	cm->cm_special = cm->cm_ldt != default_ldt || cm->cm_gdt_used || cm->cm_tss.iomap_base != TSS_NO_IOMAP ||
	    cm->cm_debug_loaded || !cpu_features.fsgsbase || !cpu_features.xsaveopt;
}

/* a CPU may still have this task's tables loaded, even under a kernel thread; if it runs the task: the new ones */
static void reload_task(void *arg)
{
	struct cpu *cpu = cpu_self();
	struct cpu_machine *cm = cpu_machine_of(cpu);
	struct task *task = arg;
	bool here = cpu->cp_thread != NULL && cpu->cp_thread->th_task == task;

	if (cm->cm_iomap_task == task) {
		cm->cm_iomap_task = NULL;
		cm->cm_tss.iomap_base = TSS_NO_IOMAP;
	}
	if (cm->cm_task == task) {
		seg_load_ldt(cm, default_ldt, 4);
		cm->cm_task = NULL;
	}
	note_special(cm);
	if (here && cpu->cp_thread->th_machine.mt_fpu != NULL)
		switch_task(cpu, cm, task);
}

void context_drop_task(struct task *task)
{
	cpu_call_all(reload_task, task);
}

void machine_task_destroy(struct task *task)
{
	struct machine_task *mk = &task->tk_machine;
	uint64_t *ldt;
	uint8_t *iomap;
	uint32_t count;

	if (mk->mk_ldt == NULL && mk->mk_iomap == NULL)
		return;
	ldt = mk->mk_ldt;
	iomap = mk->mk_iomap;
	count = mk->mk_ldt_count;
	memset(mk, 0, sizeof *mk);
	context_drop_task(task);
	if (ldt != NULL)
		kfree(ldt, count * 8);
	if (iomap != NULL)
		kfree(iomap, IOMAP_BYTES);
}

void stack_prepare(struct thread *th, void *stack, void (*fn)(struct thread *))
{
	uint64_t *sp = (uint64_t *)((char *)stack + KERNEL_STACK_SIZE);

	*--sp = 0;
	*--sp = (uint64_t)stack_start;
	*--sp = (uint64_t)fn;			/* rbx */
	for (int i = 0; i < 5; i++)
		*--sp = 0;			/* rbp, r12 to r15 */
	th->th_machine.mt_kernel_rsp = (uint64_t)sp;
}

/* nearly always all null: then one store */
static inline void save_selectors(struct machine_thread *mt)
{
	uint32_t ds, es, fs, gs;

	__asm__("movl %%ds, %0; movl %%es, %1; movl %%fs, %2; movl %%gs, %3" : "=r"(ds), "=r"(es), "=r"(fs), "=r"(gs));
	if (__builtin_expect((ds | es | fs | gs) == 0, 1)) {
		mt->mt_selectors = 0;
		return;
	}
	mt->mt_ds = (uint16_t)ds;
	mt->mt_es = (uint16_t)es;
	mt->mt_fs = (uint16_t)fs;
	mt->mt_gs = (uint16_t)gs;
}

static void save_segments(struct machine_thread *mt)
{
	save_selectors(mt);
	if (cpu_features.fsgsbase) {
		__asm__ volatile("rdfsbase %0" : "=r"(mt->mt_fs_base));
		__asm__ volatile("swapgs; rdgsbase %0; swapgs" : "=r"(mt->mt_gs_base));
	}
}

/* a selector the task's LDT no longer has would fault in the kernel: it is loaded as null then */
static void load_selectors(struct cpu *cpu, struct machine_thread *mt)
{
	__asm__ volatile(
	    "1: movw %w0, %%ds; 2: movw %w1, %%es; 3: movw %w2, %%fs\n\t"
	    "swapgs; 4: movw %w3, %%gs; 5: swapgs\n\t"
	    ".pushsection .extable, \"a\"\n\t"
	    ".quad 1b, 2b; .quad 2b, 3b; .quad 3b, 3b + 3; .quad 4b, 5b\n\t"
	    ".popsection"
	    :: "r"(mt->mt_ds), "r"(mt->mt_es), "r"(mt->mt_fs), "r"(mt->mt_gs) : "memory");
	(void)cpu;
}

void segments_sync(struct thread *th)
{
	unsigned long flags = interrupts_disable();

	if (th == current_thread())
		save_segments(&th->th_machine);
	interrupts_restore(flags);
}

void segments_load_bases(struct machine_thread *mt)
{
	unsigned long flags = interrupts_disable();

	wrmsr(MSR_FS_BASE, mt->mt_fs_base);
	wrmsr(MSR_KERNEL_GS_BASE, mt->mt_gs_base);
	interrupts_restore(flags);
}

static inline void switch_segments(struct cpu *cpu, struct machine_thread *from, struct machine_thread *to)
{
	save_selectors(from);
	if (__builtin_expect((from->mt_selectors | to->mt_selectors) != 0, 0)) {
		/* loading a selector changes the base: save it before, set it after */
		save_segments(from);
		load_selectors(cpu, to);
		segments_load_bases(to);
		return;
	}
	if (cpu_features.fsgsbase) {
		__asm__ volatile("rdfsbase %0; wrfsbase %1" : "=&r"(from->mt_fs_base) : "r"(to->mt_fs_base));
		__asm__ volatile("swapgs; rdgsbase %0; wrgsbase %1; swapgs" : "=&r"(from->mt_gs_base) : "r"(to->mt_gs_base));
		return;
	}
	wrmsr(MSR_FS_BASE, to->mt_fs_base);
	wrmsr(MSR_KERNEL_GS_BASE, to->mt_gs_base);
}

/* descriptors and ports of the task's own, or left by the one before */
static __attribute__((noinline)) void switch_special(struct cpu_machine *cm, struct task *task)
{
	struct machine_task *mk = &task->tk_machine;
	const uint64_t *ldt = mk->mk_ldt != NULL ? mk->mk_ldt : default_ldt;

	if (cm->cm_ldt != ldt)
		seg_load_ldt(cm, ldt, mk->mk_ldt != NULL ? mk->mk_ldt_count : 4);
	if (mk->mk_gdt_used || cm->cm_gdt_used) {
		memcpy(&cm->cm_gdt[SEL_USER_GDT / 8], mk->mk_gdt, sizeof mk->mk_gdt);
		cm->cm_gdt_used = mk->mk_gdt_used;
	}
	if (mk->mk_iomap != NULL && cm->cm_iomap_task != task) {
		memcpy(cm->cm_iomap, mk->mk_iomap, IOMAP_BYTES);
		cm->cm_iomap_task = task;
	}
	cm->cm_tss.iomap_base = mk->mk_iomap == NULL ? TSS_NO_IOMAP :
	    offsetof(struct cpu_machine, cm_iomap) - offsetof(struct cpu_machine, cm_tss);
	note_special(cm);
}

static inline void switch_task(struct cpu *cpu, struct cpu_machine *cm, struct task *task)
{
	const struct machine_task *mk = &task->tk_machine;

	pmap_switch(cpu, vm_map_pmap(task->tk_map));
	cpu->cp_emulation = __atomic_load_n(&task->tk_emulation, __ATOMIC_ACQUIRE);
	cm->cm_task = task;
	if (__builtin_expect(mk->mk_special || cm->cm_special, 0))
		switch_special(cm, task);
}

static void switch_debug(struct cpu_machine *cm, struct machine_thread *to)
{
	if (cm->cm_debug_loaded) {
		write_dr7(0x400);
		cm->cm_debug_loaded = false;
	}
	if (to->mt_debug_active) {
		write_dr0(to->mt_debug[0]);
		write_dr1(to->mt_debug[1]);
		write_dr2(to->mt_debug[2]);
		write_dr3(to->mt_debug[3]);
		write_dr7(to->mt_debug[7]);
		cm->cm_debug_loaded = true;
	}
	note_special(cm);
}

void debug_load(struct thread *th)
{
	unsigned long flags = interrupts_disable();

	switch_debug(cpu_machine_of(cpu_self()), &th->th_machine);
	interrupts_restore(flags);
}

/* everything but the kernel stack */
static void machine_switch_state(struct cpu *cpu, struct thread *old, struct thread *new)
{
	struct cpu_machine *cm = cpu_machine_of(cpu);
	bool old_user = machine_is_user(old), new_user = machine_is_user(new);

	if (__builtin_expect(old_user && new_user && machine_handoff_ok(cm, new), 1)) {
		machine_handoff(cpu, cm, old, new);
		return;
	}
	if (new_user && (cpu->cp_pmap == NULL || old->th_task != new->th_task || !old_user))
		switch_task(cpu, cm, new->th_task);
	if (old_user || new_user) {
		fpu_switch(cm, old, new);
		switch_segments(cpu, &old->th_machine, &new->th_machine);
		if (cm->cm_debug_loaded || new->th_machine.mt_debug_active)
			switch_debug(cm, &new->th_machine);
	}
	cm->cm_tss.rsp[0] = (uint64_t)(&new->th_machine.mt_regs + 1);
	cpu->cp_thread = new;
}

struct thread *context_switch(struct thread *old, struct thread *new)
{
	struct cpu *cpu = cpu_self();

	machine_switch_state(cpu, old, new);
	cpu->cp_kernel_rsp = (uint64_t)new->th_stack + KERNEL_STACK_SIZE;
	return context_switch_stacks(old, new);
}

/* => new->th_stack is already the stack in use */
void stack_handoff(struct thread *old, struct thread *new)
{
	machine_switch_state(cpu_self(), old, new);
}

void machine_set_user_entry(struct thread *th, uint64_t pc, uint64_t sp)
{
	th->th_machine.mt_regs.rip = pc;
	th->th_machine.mt_regs.rsp = sp;
	th->th_machine.mt_regs.trapno = 0;
}

static void refresh_emulation(void *arg)
{
	struct cpu *cpu = cpu_self();
	struct thread *th = cpu->cp_thread;

	(void)arg;
	/* under a kernel thread the next user thread's switch sets it */
	cpu->cp_emulation = th != NULL && th->th_task != NULL ?
	    __atomic_load_n(&th->th_task->tk_emulation, __ATOMIC_ACQUIRE) : &no_emulation;
}

void machine_emulation_changed(struct task *task)
{
	cpu_call_all(refresh_emulation, task);
}

void context_init_cpu(struct cpu *cpu)
{
	cpu->cp_emulation = &no_emulation;
}

void context_ready_cpu(struct cpu *cpu)
{
	note_special(cpu_machine_of(cpu));
}
