/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Processors and interrupt hardware of the machine: finding them, and starting other processors by INIT and
 * start-up interrupts through the trampoline page.
 */
#include <kern/panic.h>
#include <kern/stack.h>
#include <kern/startup.h>
#include <kern/string.h>
#include <kern/thread.h>
#include <machine/context.h>
#include <machine/lapic.h>
#include <machine/pmap.h>
#include <machine/smp.h>
#include <machine/x86.h>
#include <plat/pc.h>
#include <plat/trampoline.h>

static uint32_t first_ids[64];
static uint32_t room = 64;
uint32_t plat_cpu_count;
uint32_t *plat_cpu_apic_ids = first_ids;

extern char trampoline_start[], trampoline_end[];

/* => called from the table parsers; more than one page of them is beyond any machine of today */
void plat_add_cpu(uint32_t apic_id)
{
	for (uint32_t i = 0; i < plat_cpu_count; i++) {
		if (plat_cpu_apic_ids[i] == apic_id)
			return;
	}
	if (plat_cpu_count == room) {
		uint32_t *more;

		if (room != 64)
			return;
		more = phys_to_kv(boot_page_steal());
		memcpy(more, first_ids, sizeof first_ids);
		plat_cpu_apic_ids = more;
		room = 1024;
	}
	plat_cpu_apic_ids[plat_cpu_count++] = apic_id;
}

/* the boot processor is number 0 whatever the order of the tables */
static void boot_cpu_first(uint32_t boot_id)
{
	plat_add_cpu(boot_id);
	for (uint32_t i = 0; i < plat_cpu_count; i++) {
		if (plat_cpu_apic_ids[i] == boot_id) {
			plat_cpu_apic_ids[i] = plat_cpu_apic_ids[0];
			plat_cpu_apic_ids[0] = boot_id;
		}
	}
	boot_cpu.cp_apic_id = boot_id;
}

static void limit_cpus(void)
{
	char value[8];
	uint32_t n = 0;

	if (!boot_option("cpus", value, sizeof value))
		return;
	for (const char *p = value; *p >= '0' && *p <= '9'; p++)
		n = n * 10 + *p - '0';
	if (n >= 1 && n < plat_cpu_count)
		plat_cpu_count = n;
}

void plat_find_hardware(void)
{
	const char *from = "ACPI";

	if (!acpi_find()) {
		plat_cpu_count = 0;
		from = mptable_find() ? "MP table" : "no table";
	}
	lapic_init();
	boot_cpu_first(lapic_id());
	limit_cpus();
	kprintf("hardware: %u processor%s (%s)%s\n", plat_cpu_count, plat_cpu_count == 1 ? "" : "s", from,
	    cpu_features.x2apic ? ", x2APIC" : "");
}

void plat_interrupts_init(void)
{
	ioapic_init();
	serial_enable_irq();
	kbd_enable_irq();
}

bool plat_start_cpu(struct cpu *cpu, uint64_t cr3)
{
	char *page = phys_to_kv(TRAMPOLINE_PHYS);
	struct trampoline_data *data = (struct trampoline_data *)(page + TRAMPOLINE_DATA);

	memcpy(page, trampoline_start, trampoline_end - trampoline_start);
	data->td_cr3 = cr3;
	data->td_cr4 = read_cr4() & (CR4_PGE | 0x20);
	data->td_stack = cpu->cp_kernel_rsp;
	data->td_entry = (uint64_t)cpu_ap_start;
	data->td_cpu = (uint64_t)cpu;
	data->td_efer = rdmsr(MSR_EFER) & 0xd01;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	lapic_send(cpu->cp_apic_id, LAPIC_IPI_INIT);
	delay_us(10000);
	for (int attempt = 0; attempt < 2; attempt++) {
		lapic_send(cpu->cp_apic_id, LAPIC_IPI_STARTUP | TRAMPOLINE_PHYS >> 12);
		for (int i = 0; i < 2000; i++) {
			if (__atomic_load_n(&cpu->cp_online, __ATOMIC_ACQUIRE))
				return true;
			delay_us(100);
		}
	}
	return false;
}
