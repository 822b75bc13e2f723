/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Serial lines (16550). One is the console's: polled output, input by interrupt or, for the debugger, polled; console=comN picks it.
 * The others are devices. Lines 0 and 2, 1 and 3 share an interrupt.
 * LOCKS   serial_lock (interrupts off): the registers of the lines that are devices: while a speed is set, data is not data. The
 *         console's line belongs to the holder of the console lock.
 */
#include <kern/lock.h>
#include <machine/cpu.h>
#include <machine/lines.h>
#include <machine/trap.h>
#include <machine/x86.h>
#include <plat/pc.h>

#define DATA	0
#define IER	1
#define FIFO	2
#define LCR	3
#define MCR	4
#define LSR	5
#define MSR	6
#define LSR_DATA	0x01
#define LSR_EMPTY	0x20
#define LCR_8N1		0x03
#define LCR_BREAK	0x40
#define LCR_DIVISOR	0x80
#define MCR_RUNNING	0x0b		/* DTR, RTS, interrupts */
#define BASE_SPEED	115200u

static const uint16_t ports[SERIAL_LINES] = { 0x3f8, 0x2f8, 0x3e8, 0x2e8 };
static const struct lock_class serial_class = { "serial lines", LOCK_RANK_CPU_CALL, LOCK_CLASS_IRQ };
static struct spinlock serial_lock = SPIN_LOCK_INITIALIZER(&serial_class);
static unsigned console_unit;
static bool started[SERIAL_LINES];	/* input is wanted */
static bool interrupt_taken[2];
static bool serial_present;
void (*serial_hook)(unsigned unit, char c);

static unsigned isa_irq(unsigned unit)
{
	return unit % 2 == 0 ? 4 : 3;
}

static void set_divisor(uint16_t port, unsigned divisor)
{
	outb(port + LCR, LCR_DIVISOR | LCR_8N1);
	outb(port + DATA, divisor);
	outb(port + IER, divisor >> 8);
	outb(port + LCR, LCR_8N1);
}

/* => false: nothing answers there */
static bool line_init(uint16_t port)
{
	outb(port + IER, 0);
	set_divisor(port, 1);
	outb(port + FIFO, 0xc7);
	outb(port + MCR, MCR_RUNNING);
	return inb(port + LSR) != 0xff;
}

void serial_init(void)
{
	char name[8];

	if (boot_option("console", name, sizeof name)) {
		if (name[0] == 'c' && name[1] == 'o' && name[2] == 'm' && name[3] >= '1' && name[3] <= '4')
			console_unit = (unsigned)(name[3] - '1');
		else if (name[0] >= '1' && name[0] <= '4')
			console_unit = (unsigned)(name[0] - '1');
	}
	serial_present = line_init(ports[console_unit]);
}

static void line_put(uint16_t port, char c)
{
	for (int i = 0; i < 100000 && !(inb(port + LSR) & LSR_EMPTY); i++)
		cpu_pause();
	outb(port + DATA, c);
}

static int line_poll(uint16_t port)
{
	return inb(port + LSR) & LSR_DATA ? inb(port + DATA) : -1;
}

void serial_putc(char c)
{
	if (serial_present)
		line_put(ports[console_unit], c);
}

int serial_poll(void)
{
	return serial_present ? line_poll(ports[console_unit]) : -1;
}

static int device_poll(uint16_t port)
{
	unsigned long flags = spin_lock_irq(&serial_lock);
	int c = line_poll(port);

	spin_unlock_irq(&serial_lock, flags);
	return c;
}

static void line_interrupt(unsigned irq, void *arg)
{
	unsigned odd = arg != NULL;
	int c;

	(void)irq;
	for (unsigned unit = odd; unit < SERIAL_LINES; unit += 2) {
		if (!__atomic_load_n(&started[unit], __ATOMIC_ACQUIRE))
			continue;
		if (unit == console_unit) {
			for (int n = 0; n < 64 && (c = line_poll(ports[unit])) >= 0; n++)
				console_input(c);
			continue;
		}
		for (int n = 0; n < 64 && (c = device_poll(ports[unit])) >= 0; n++)
			if (serial_hook != NULL)
				serial_hook(unit, (char)c);
	}
}

static bool line_interrupt_on(unsigned unit)
{
	unsigned irq = irq_from_isa(isa_irq(unit));

	if (!interrupt_taken[unit % 2]) {
		if (!irq_register(irq, line_interrupt, unit % 2 ? (void *)1 : NULL))
			return false;
		interrupt_taken[unit % 2] = true;
	}
	__atomic_store_n(&started[unit], true, __ATOMIC_RELEASE);
	outb(ports[unit] + IER, 1);
	irq_unmask(irq);
	return true;
}

void serial_enable_irq(void)
{
	if (serial_present && line_interrupt_on(console_unit))
		line_interrupt(0, console_unit % 2 ? (void *)1 : NULL);
}

unsigned serial_console_unit(void)
{
	return console_unit;
}

/* => device lock held: one at a time */
bool serial_line_start(unsigned unit)
{
	return line_init(ports[unit]) && line_interrupt_on(unit);
}

void serial_line_put(unsigned unit, char c)
{
	for (int i = 0; i < 100000; i++) {
		unsigned long flags = spin_lock_irq(&serial_lock);
		bool room = inb(ports[unit] + LSR) & LSR_EMPTY;

		if (room)
			outb(ports[unit] + DATA, c);
		spin_unlock_irq(&serial_lock, flags);
		if (room)
			return;
		cpu_pause();
	}
}

bool serial_line_speed(unsigned unit, unsigned speed)
{
	unsigned long flags;

	if (speed == 0 || speed > BASE_SPEED || BASE_SPEED % speed != 0 || BASE_SPEED / speed > 0xffff)
		return false;
	flags = spin_lock_irq(&serial_lock);
	set_divisor(ports[unit], BASE_SPEED / speed);
	outb(ports[unit] + IER, 1);
	spin_unlock_irq(&serial_lock, flags);
	return true;
}

unsigned serial_line_modem(unsigned unit)
{
	return inb(ports[unit] + MCR) | (unsigned)inb(ports[unit] + MSR) << 8;
}

void serial_line_control(unsigned unit, unsigned bits)
{
	outb(ports[unit] + MCR, (bits & 3) | (MCR_RUNNING & ~3u));
}

void serial_line_break(unsigned unit, bool on)
{
	unsigned long flags = spin_lock_irq(&serial_lock);

	outb(ports[unit] + LCR, LCR_8N1 | (on ? LCR_BREAK : 0));
	spin_unlock_irq(&serial_lock, flags);
}
