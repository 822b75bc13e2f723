/* SPDX-License-Identifier: BSD-2-Clause */
/* Serial console (16550): polled output, input by interrupt or, for the debugger, polled. console=comN picks the port. */
#include <machine/cpu.h>
#include <machine/trap.h>
#include <machine/x86.h>
#include <plat/pc.h>

#define DATA	0
#define IER	1
#define FIFO	2
#define LCR	3
#define MCR	4
#define LSR	5
#define LSR_DATA	0x01
#define LSR_EMPTY	0x20

static uint16_t serial_port = 0x3f8;
static unsigned serial_isa_irq = 4;
static bool serial_present;

void serial_init(void)
{
	static const uint16_t ports[4] = { 0x3f8, 0x2f8, 0x3e8, 0x2e8 };
	char name[8];

	if (boot_option("console", name, sizeof name) && name[0] == 'c' && name[1] == 'o' && name[2] == 'm' &&
	    name[3] >= '1' && name[3] <= '4') {
		serial_port = ports[name[3] - '1'];
		serial_isa_irq = (name[3] - '1') % 2 == 0 ? 4 : 3;
	} else if (boot_option("console", name, sizeof name) && name[0] >= '1' && name[0] <= '4') {
		serial_port = ports[name[0] - '1'];
	}
	outb(serial_port + IER, 0);
	outb(serial_port + LCR, 0x80);
	outb(serial_port + DATA, 1);
	outb(serial_port + IER, 0);
	outb(serial_port + LCR, 3);
	outb(serial_port + FIFO, 0xc7);
	outb(serial_port + MCR, 0x0b);
	serial_present = inb(serial_port + LSR) != 0xff;
}

void serial_putc(char c)
{
	if (!serial_present)
		return;
	for (int i = 0; i < 100000 && !(inb(serial_port + LSR) & LSR_EMPTY); i++)
		cpu_pause();
	outb(serial_port + DATA, c);
}

int serial_poll(void)
{
	if (!serial_present || !(inb(serial_port + LSR) & LSR_DATA))
		return -1;
	return inb(serial_port + DATA);
}

static void serial_interrupt(unsigned irq, void *arg)
{
	int c;

	(void)irq;
	(void)arg;
	while ((c = serial_poll()) >= 0)
		console_input(c);
}

void serial_enable_irq(void)
{
	if (!serial_present || !irq_register(irq_from_isa(serial_isa_irq), serial_interrupt, NULL))
		return;
	outb(serial_port + IER, 1);
	irq_unmask(irq_from_isa(serial_isa_irq));
	serial_interrupt(0, NULL);
}
