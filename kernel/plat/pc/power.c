/* SPDX-License-Identifier: BSD-2-Clause */
/* Ending a run: reset, power-off, halt, and QEMU's isa-debug-exit. */
#include <kern/panic.h>
#include <machine/cpu.h>
#include <machine/x86.h>
#include <plat/pc.h>

static void stop(void) __attribute__((noreturn));
static void stop(void)
{
	for (;;)
		__asm__ volatile("cli; hlt");
}

void plat_reboot(void)
{
	static const struct { uint16_t limit; uint64_t base; } __attribute__((packed)) no_idt = { 0, 0 };

	interrupts_disable();
	acpi_reset();
	for (int i = 0; i < 100000 && (inb(0x64) & 2); i++)
		cpu_pause();
	outb(0x64, 0xfe);
	for (int i = 0; i < 1000000; i++)
		cpu_pause();
	/* no answer: a triple fault resets every PC */
	__asm__ volatile("lidt %0; int3" :: "m"(no_idt));
	stop();
}

void plat_halt(void)
{
	interrupts_disable();
	kprintf("halted\n");
	acpi_poweroff();
	stop();
}

/* QEMU ends with (status << 1) | 1 when isa-debug-exit is there at 0xf4 */
void plat_exit(int status)
{
	interrupts_disable();
	outl(0xf4, status);
	plat_reboot();
}
