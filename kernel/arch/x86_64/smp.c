/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Several processors: starting them, calling functions on them, stopping them for a panic, idling.
 *
 * LOCKS   call_lock serialises cross-CPU calls; its holder waits with interrupts on, or polls its own calls and
 *         shootdowns when they are off, so two CPUs that wait for each other both go on.
 * TESTS   tests/boot at 1, 2, 4 CPUs.
 */
#include <stddef.h>
#include <kern/lock.h>
#include <kern/panic.h>
#include <kern/slab.h>
#include <kern/startup.h>
#include <kern/string.h>
#include <kern/thread.h>
#include <machine/lapic.h>
#include <machine/smp.h>
#include <machine/trap.h>
#include <machine/x86.h>
#include <vm/map.h>
#include <vm/page.h>

struct call {
	void	(*fn)(void *);
	void	*arg;
	uint32_t waiting;		/* (a) CPUs that have not run it */
};

static uint32_t call_lock;		/* (a) plain word: taken with interrupts on or polled */
static struct call *call_current;	/* (a) */
static uint8_t *call_pending;		/* (a) per CPU: must run call_current */
static bool stop_requested;		/* (a) */

void smp_interrupt_call(void)
{
	uint32_t id = cpu_self()->cp_id;
	struct call *c;

	if (call_pending == NULL || !__atomic_exchange_n(&call_pending[id], 0, __ATOMIC_ACQ_REL))
		return;
	c = __atomic_load_n(&call_current, __ATOMIC_ACQUIRE);
	c->fn(c->arg);
	__atomic_sub_fetch(&c->waiting, 1, __ATOMIC_RELEASE);
}

/* what a CPU must still do for others while it spins with interrupts off */
void smp_poll(void)
{
	if (!interrupts_enabled()) {
		smp_interrupt_call();
		tlb_interrupt();
	}
	cpu_pause();
}

static void call_on(void (*fn)(void *), void *arg, struct cpu *only)
{
	struct call c = { fn, arg, 0 };
	struct cpu *self;
	unsigned long flags;

	preempt_disable();
	self = cpu_self();
	if (call_pending != NULL) {
		while (__atomic_exchange_n(&call_lock, 1, __ATOMIC_ACQUIRE))
			smp_poll();
		call_current = &c;
		for (uint32_t i = 0; i < cpu_count; i++) {
			struct cpu *cpu = cpu_table[i];

			if (cpu == self || !cpu->cp_online || (only != NULL && cpu != only))
				continue;
			__atomic_add_fetch(&c.waiting, 1, __ATOMIC_RELAXED);
			__atomic_store_n(&call_pending[i], 1, __ATOMIC_RELEASE);
			lapic_send(cpu->cp_apic_id, LAPIC_IPI_FIXED | VECTOR_CALL);
		}
	}
	if (only == NULL || only == self) {
		flags = interrupts_disable();
		fn(arg);
		interrupts_restore(flags);
	}
	if (call_pending != NULL) {
		while (__atomic_load_n(&c.waiting, __ATOMIC_ACQUIRE) != 0)
			smp_poll();
		__atomic_store_n(&call_lock, 0, __ATOMIC_RELEASE);
	}
	preempt_enable();
}

void cpu_call_all(void (*fn)(void *), void *arg)
{
	call_on(fn, arg, NULL);
}

void cpu_call_one(struct cpu *cpu, void (*fn)(void *), void *arg)
{
	call_on(fn, arg, cpu);
}

void cpu_kick(struct cpu *cpu)
{
	if (cpu != cpu_self())
		lapic_send(cpu->cp_apic_id, LAPIC_IPI_FIXED | VECTOR_RESCHEDULE);
}

/* sti; hlt: nothing can come between the two */
void cpu_idle_wait(void)
{
	struct cpu_machine *cm = cpu_machine_of(cpu_self());

	__atomic_store_n(&cm->cm_lazy, true, __ATOMIC_SEQ_CST);
	if (!cpu_self()->cp_need_resched)
		__asm__ volatile("sti; hlt; cli" ::: "memory");
	__atomic_store_n(&cm->cm_lazy, false, __ATOMIC_SEQ_CST);
	tlb_wake(cm);
	interrupts_enable();
}

/* panic: an NMI stops every other CPU wherever it is; its registers stay readable */
void cpu_stop_others(void)
{
	struct cpu *self = cpu_self();

	__atomic_store_n(&stop_requested, true, __ATOMIC_SEQ_CST);
	for (uint32_t i = 0; i < cpu_count && cpu_table != NULL; i++) {
		if (cpu_table[i] != self && cpu_table[i]->cp_online)
			lapic_nmi(cpu_table[i]->cp_apic_id);
	}
	for (uint32_t i = 0; i < cpu_count && cpu_table != NULL; i++) {
		struct cpu_machine *cm = cpu_machine_of(cpu_table[i]);

		for (int n = 0; n < 1000000 && cpu_table[i] != self && cpu_table[i]->cp_online &&
		    !__atomic_load_n(&cm->cm_stopped, __ATOMIC_ACQUIRE); n++)
			cpu_pause();
	}
}

void cpu_resume_others(void)
{
	__atomic_store_n(&stop_requested, false, __ATOMIC_SEQ_CST);
}

void smp_interrupt_nmi(const struct user_regs *regs)
{
	struct cpu_machine *cm = cpu_machine_of(cpu_self());

	if (!__atomic_load_n(&stop_requested, __ATOMIC_ACQUIRE))
		return;
	cm->cm_stop_regs = regs;
	__atomic_store_n(&cm->cm_stopped, true, __ATOMIC_RELEASE);
	while (__atomic_load_n(&stop_requested, __ATOMIC_ACQUIRE))
		cpu_pause();
	__atomic_store_n(&cm->cm_stopped, false, __ATOMIC_RELEASE);
}

/* after cpu_stop_others: where every other CPU was */
void cpu_backtrace_others(void)
{
	for (uint32_t i = 0; i < cpu_count && cpu_table != NULL; i++) {
		struct cpu *cpu = cpu_table[i];
		const struct user_regs *r = cpu_machine_of(cpu)->cm_stop_regs;

		if (cpu == cpu_self() || !cpu->cp_online)
			continue;
		if (!cpu_machine_of(cpu)->cm_stopped || r == NULL) {
			kprintf("CPU %u does not answer\n", i);
			continue;
		}
		kprintf("CPU %u: thread %s, %s\n", i, cpu->cp_thread ? cpu->cp_thread->th_name : "none",
		    regs_from_user(r) ? "in user mode" : "in the kernel");
		if (!regs_from_user(r))
			backtrace_print(r->rip, r->rbp);
	}
}

/* => false: no memory; the processor stays off */
static bool cpu_create(uint32_t id)
{
	struct cpu *cpu = kzalloc(sizeof *cpu);
	struct cpu_machine *cm = kmem_alloc(page_round(sizeof *cm));
	struct vm_page *stacks = vm_page_grab_contig(3, 0, ~0ull);

	_Static_assert(IST_COUNT * IST_STACK_SIZE == PAGE_SIZE << 3, "order of the interrupt stacks");
	if (cpu == NULL || cm == NULL || stacks == NULL)
		return false;
	memset(phys_to_kv(vm_page_to_phys(stacks)), 0, IST_COUNT * IST_STACK_SIZE);
	cpu->cp_id = id;
	cpu->cp_apic_id = plat_cpu_apic_ids[id];
	seg_init(cpu, cm, phys_to_kv(vm_page_to_phys(stacks)));
	context_init_cpu(cpu);
	cpu_table[id] = cpu;
	return true;
}

void cpus_start(void)
{
	struct cpu **table = kzalloc(plat_cpu_count * sizeof *table);
	uint8_t *pending = kzalloc(plat_cpu_count);
	uint32_t n = 1;

	if (plat_cpu_count <= 1 || table == NULL || pending == NULL)
		return;
	table[0] = &boot_cpu;
	cpu_table = table;
	while (n < plat_cpu_count && cpu_create(n) && kernel_cpu_init(table[n]) == KERN_SUCCESS)
		n++;
	if (n < plat_cpu_count)
		kprintf("no memory for %u of %u CPUs\n", plat_cpu_count - n, plat_cpu_count);
	call_pending = pending;
	__atomic_store_n(&cpu_count, n, __ATOMIC_RELEASE);
	pmap_low_map(true);
	for (uint32_t i = 1; i < cpu_count; i++) {
		table[i]->cp_kernel_rsp = (uint64_t)table[i]->cp_idle_thread->th_stack + KERNEL_STACK_SIZE;
		if (!plat_start_cpu(table[i], pmap_kernel_root()))
			kprintf("CPU %u (APIC %u) does not start\n", i, table[i]->cp_apic_id);
	}
	pmap_low_map(false);
}

/* another processor, on its idle thread's stack, GS not yet set */
void cpu_ap_start(struct cpu *cpu)
{
	seg_load(cpu);
	cpu_enable_features();
	context_ready_cpu(cpu);
	pmap_init_cpu(cpu);
	lapic_init();
	timer_hw_init_cpu();
	__atomic_store_n(&cpu->cp_online, true, __ATOMIC_RELEASE);
	kernel_ap_main();
}
