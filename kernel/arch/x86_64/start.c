/* SPDX-License-Identifier: BSD-2-Clause */
/* First C code of the boot processor: from the loader's state to kernel_main. */
#include <kern/panic.h>
#include <kern/startup.h>
#include <machine/cpu.h>
#include <machine/seg.h>
#include <machine/smp.h>
#include <machine/x86.h>

void	machine_start(uint64_t info, uint32_t magic) __attribute__((noreturn));

void machine_start(uint64_t info, uint32_t magic)
{
	cpu_identify();
	seg_init(&boot_cpu, NULL, NULL);
	seg_load(&boot_cpu);
	context_init_cpu(&boot_cpu);
	cpu_get(0);
	boot_cpu.cp_online = true;
	plat_early_init(info, magic);
	kprintf("Ernst on %s\n", cpu_features.name[0] ? cpu_features.name : cpu_features.vendor);
	plat_screen_pause();
	pmap_bootstrap();
	plat_screen_resume();
	cpu_enable_features();
	context_ready_cpu(&boot_cpu);
	kprintf("memory: %lu MiB\n", (unsigned long)(boot_memory_total >> 20));
	plat_find_hardware();
	timer_hw_init();
	kernel_main();
}

void machine_memory_init(void)
{
	pmap_init();
	fpu_init();
}

void machine_late_init(void)
{
	plat_interrupts_init();
}
