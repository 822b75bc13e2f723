/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * TLB consistency.
 *
 * A pmap counts its changes (pm_generation) and knows the CPUs that have it loaded (pm_cpus). A change is sent to those
 * only; a CPU that holds an older state under a PCID notices when it loads the pmap again. An idle CPU is not woken:
 * it is marked stale and flushes before it leaves the idle loop. Order that makes this right: the initiator changes
 * the entry, raises the generation, then reads pm_cpus; a CPU sets its bit, then reads the generation, then loads.
 *
 * LOCKS   shoot_lock: one shootdown at a time. Whoever waits for it or for answers with interrupts off answers other
 *         CPUs' requests itself (smp_poll), so a CPU that spins on any spin lock only delays: spin locks held with
 *         interrupts off are never held across a shootdown of another CPU except pm_lock and PV locks, which no interrupt
 *         handler takes.
 * TESTS   tests/boot: smp stress.
 */
#include <stddef.h>
#include <kern/panic.h>
#include <machine/cpu.h>
#include <machine/lapic.h>
#include <machine/pte.h>
#include <machine/seg.h>
#include <machine/smp.h>
#include <machine/trap.h>
#include <machine/x86.h>
#include <vm/page.h>

static uint32_t shoot_lock;			/* (a) */
static const struct tlb_batch *shoot_batch;	/* while shoot_lock is held */
static uint64_t shoot_generation;
static uint32_t shoot_waiting;			/* (a) */
extern uint8_t *tlb_pending;			/* (a) per CPU */

void pmap_cpu_set(struct pmap *pm, uint32_t id, bool on)
{
	uint64_t bit = 1ull << (id & 63);

	if (on)
		__atomic_or_fetch(&pm->pm_cpus[id / 64], bit, __ATOMIC_SEQ_CST);
	else
		__atomic_and_fetch(&pm->pm_cpus[id / 64], ~bit, __ATOMIC_RELEASE);
}

bool tlb_is_remote(const struct pmap *pm)
{
	uint32_t self = cpu_self()->cp_id;

	if (cpu_count == 1)
		return false;
	if (pm == kernel_pmap)
		return true;
	for (uint32_t i = 0; i * 64 < cpu_count; i++) {
		uint64_t w = __atomic_load_n(&pm->pm_cpus[i], __ATOMIC_SEQ_CST);

		if (i == self / 64)
			w &= ~(1ull << (self & 63));
		if (w != 0)
			return true;
	}
	return false;
}

void tlb_batch_add(struct tlb_batch *tb, uint64_t va)
{
	if (tb->tb_count < TLB_PAGES_MAX)
		tb->tb_pages[tb->tb_count] = va;
	tb->tb_count++;
}

static void flush_all(bool global)
{
	uint64_t cr4;

	if (global && cpu_features.pge) {
		cr4 = read_cr4();
		write_cr4(cr4 & ~CR4_PGE);
		write_cr4(cr4);
	} else {
		write_cr3(read_cr3());
	}
}

/* on this CPU; generation: the state of the pmap this flush brings about */
static void flush_local(const struct tlb_batch *tb, uint64_t generation)
{
	struct cpu *cpu = cpu_self();
	struct cpu_machine *cm = cpu_machine_of(cpu);
	struct pcid_slot *slot = &cm->cm_pcids[cm->cm_pcid];

	if (tb->tb_pmap != kernel_pmap) {
		if (cpu->cp_pmap != tb->tb_pmap)
			return;
		if (slot->ps_generation + 1 == generation)
			slot->ps_generation = generation;
	}
	if (tb->tb_count > TLB_PAGES_MAX) {
		flush_all(tb->tb_pmap == kernel_pmap);
		return;
	}
	for (uint32_t i = 0; i < tb->tb_count; i++)
		invlpg(tb->tb_pages[i]);
}

void tlb_interrupt(void)
{
	uint32_t id = cpu_self()->cp_id;

	if (tlb_pending == NULL || !__atomic_load_n(&tlb_pending[id], __ATOMIC_ACQUIRE))
		return;
	cpu_machine_of(cpu_self())->cm_shootdowns++;
	flush_local(shoot_batch, shoot_generation);
	__atomic_store_n(&tlb_pending[id], 0, __ATOMIC_RELAXED);
	__atomic_sub_fetch(&shoot_waiting, 1, __ATOMIC_RELEASE);
}

/* leaving idle: whatever changed meanwhile */
void tlb_wake(struct cpu_machine *cm)
{
	if (__atomic_load_n(&cm->cm_tlb_stale, __ATOMIC_ACQUIRE)) {
		__atomic_store_n(&cm->cm_tlb_stale, false, __ATOMIC_SEQ_CST);
		flush_all(false);
	}
}

static bool leave_idle_alone(struct cpu_machine *cm)
{
	if (!__atomic_load_n(&cm->cm_lazy, __ATOMIC_SEQ_CST))
		return false;
	__atomic_store_n(&cm->cm_tlb_stale, true, __ATOMIC_SEQ_CST);
	return __atomic_load_n(&cm->cm_lazy, __ATOMIC_SEQ_CST);
}

static bool wants(const struct pmap *pm, const struct cpu *cpu)
{
	if (!cpu->cp_online)
		return false;
	if (pm == kernel_pmap)
		return true;
	if (!(__atomic_load_n(&pm->pm_cpus[cpu->cp_id / 64], __ATOMIC_SEQ_CST) >> (cpu->cp_id & 63) & 1))
		return false;
	return !leave_idle_alone(cpu_machine_of(cpu));
}

static void flush_remote(const struct tlb_batch *tb, uint64_t generation)
{
	struct cpu *self = cpu_self();

	while (__atomic_exchange_n(&shoot_lock, 1, __ATOMIC_ACQUIRE))
		smp_poll();
	shoot_batch = tb;
	shoot_generation = generation;
	for (uint32_t i = 0; i < cpu_count; i++) {
		struct cpu *cpu = cpu_table[i];

		if (cpu == self || !wants(tb->tb_pmap, cpu))
			continue;
		__atomic_add_fetch(&shoot_waiting, 1, __ATOMIC_RELAXED);
		__atomic_store_n(&tlb_pending[i], 1, __ATOMIC_RELEASE);
		lapic_send(cpu->cp_apic_id, LAPIC_IPI_FIXED | VECTOR_TLB);
	}
	while (__atomic_load_n(&shoot_waiting, __ATOMIC_ACQUIRE) != 0)
		smp_poll();
	__atomic_store_n(&shoot_lock, 0, __ATOMIC_RELEASE);
}

void tlb_flush(struct tlb_batch *tb)
{
	uint64_t generation;

	if (tb->tb_count == 0)
		return;
	generation = __atomic_add_fetch(&tb->tb_pmap->pm_generation, 1, __ATOMIC_SEQ_CST);
	flush_local(tb, generation);
	if (tlb_pending != NULL && tlb_is_remote(tb->tb_pmap))
		flush_remote(tb, generation);
	tb->tb_count = 0;
}

/* the slot of this CPU that holds pm, or the next to be replaced */
static uint32_t find_pcid(struct cpu_machine *cm, struct pmap *pm, bool *hit)
{
	for (uint32_t i = 1; i < PCID_SLOTS; i++) {
		struct pcid_slot *s = &cm->cm_pcids[i];

		if (s->ps_pmap == pm && s->ps_id == pm->pm_id) {
			*hit = true;
			return i;
		}
	}
	*hit = false;
	cm->cm_pcid_next = cm->cm_pcid_next % (PCID_SLOTS - 1) + 1;
	return cm->cm_pcid_next;
}

/* => interrupts off. Kernel threads stay on whatever is loaded */
void pmap_switch(struct cpu *cpu, struct pmap *pm)
{
	struct cpu_machine *cm = cpu_machine_of(cpu);
	struct pmap *old = cpu->cp_pmap;
	struct pcid_slot *slot;
	uint64_t generation, cr3;
	uint32_t index = 0;
	bool keep = false;

	if (old == pm)
		return;
	if (pm != kernel_pmap)
		pmap_cpu_set(pm, cpu->cp_id, true);
	generation = __atomic_load_n(&pm->pm_generation, __ATOMIC_SEQ_CST);
	if (cpu_features.pcid && cpu_features.invpcid && pm != kernel_pmap) {
		index = find_pcid(cm, pm, &keep);
		slot = &cm->cm_pcids[index];
		keep = keep && slot->ps_generation == generation;
	}
	slot = &cm->cm_pcids[index];
	*slot = (struct pcid_slot){ pm, pm->pm_id, generation };
	cm->cm_pcid = index;
	cpu->cp_pmap = pm;
	cr3 = pm->pm_cr3 | index | (keep ? 1ull << 63 : 0);
	write_cr3(cr3);
	if (old != NULL && old != kernel_pmap)
		pmap_cpu_set(old, cpu->cp_id, false);
}
