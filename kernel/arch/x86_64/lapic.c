/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Local APIC, memory-mapped or x2APIC (used when the processor has it): identification, end of interrupt,
 * interprocessor interrupts, and the registers of its timer for plat's timer.c.
 * LOCKS   none: each CPU has its own; sending runs with interrupts off because it takes two writes.
 */
#include <stddef.h>
#include <machine/cpu.h>
#include <machine/lapic.h>
#include <machine/smp.h>
#include <machine/trap.h>
#include <machine/x86.h>

#define APIC_BASE_ENABLE	0x800ull
#define APIC_BASE_X2APIC	0x400ull
#define ICR_PENDING		0x1000
#define ICR_NMI			0x4400

uint64_t lapic_phys = 0xfee00000;
static volatile uint32_t *lapic_regs;		/* NULL: x2APIC */
static bool lapic_ready;

uint32_t lapic_read(unsigned reg)
{
	if (lapic_regs == NULL)
		return rdmsr(MSR_X2APIC + (reg >> 4));
	return lapic_regs[reg / 4];
}

void lapic_write(unsigned reg, uint32_t v)
{
	if (lapic_regs == NULL)
		wrmsr(MSR_X2APIC + (reg >> 4), v);
	else
		lapic_regs[reg / 4] = v;
}

void lapic_init(void)
{
	uint64_t base = rdmsr(MSR_APIC_BASE) | APIC_BASE_ENABLE;

	if (cpu_features.x2apic) {
		wrmsr(MSR_APIC_BASE, base);
		wrmsr(MSR_APIC_BASE, base | APIC_BASE_X2APIC);
	} else {
		wrmsr(MSR_APIC_BASE, base);
		if (lapic_regs == NULL)
			lapic_regs = pmap_map_physical(lapic_phys, 4096, true);
	}
	lapic_write(LAPIC_TPR, 0);
	lapic_write(LAPIC_LVT_TIMER, LAPIC_MASKED);
	lapic_write(LAPIC_LVT_LINT0, LAPIC_MASKED);
	lapic_write(LAPIC_LVT_LINT1, 0x400);			/* NMI */
	lapic_write(LAPIC_LVT_ERROR, VECTOR_ERROR);
	lapic_write(LAPIC_SPURIOUS, 0x100 | VECTOR_SPURIOUS);
	lapic_write(LAPIC_EOI, 0);
	lapic_ready = true;
}

void lapic_eoi(void)
{
	lapic_write(LAPIC_EOI, 0);
}

uint32_t lapic_id(void)
{
	return lapic_regs == NULL ? lapic_read(LAPIC_ID) : lapic_read(LAPIC_ID) >> 24;
}

void lapic_send(uint32_t apic_id, uint32_t command)
{
	unsigned long flags;

	if (!lapic_ready)
		return;
	flags = interrupts_disable();
	if (lapic_regs == NULL) {
		__asm__ volatile("mfence; lfence" ::: "memory");
		wrmsr(MSR_X2APIC + (LAPIC_ICR >> 4), (uint64_t)apic_id << 32 | command);
	} else {
		while (lapic_read(LAPIC_ICR) & ICR_PENDING)
			cpu_pause();
		lapic_write(LAPIC_ICR_HIGH, apic_id << 24);
		lapic_write(LAPIC_ICR, command);
	}
	interrupts_restore(flags);
}

void lapic_nmi(uint32_t apic_id)
{
	lapic_send(apic_id, ICR_NMI);
}
