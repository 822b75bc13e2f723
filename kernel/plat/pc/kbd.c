/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The PS/2 controller: a keyboard, scan code set 1 (translated), United States layout, to characters and ANSI key sequences; the bytes of
 * a mouse and, when asked for, the bare scan codes go to device/.
 * LOCKS   ps2_lock (interrupts off): the controller's registers.
 */
#include <kern/lock.h>
#include <machine/cpu.h>
#include <machine/lines.h>
#include <machine/trap.h>
#include <machine/x86.h>
#include <plat/pc.h>

#define KBD_DATA	0x60
#define KBD_STATUS	0x64
#define STATUS_OUTPUT	0x01		/* a byte is there */
#define STATUS_INPUT	0x02		/* the last one was not taken yet */
#define STATUS_MOUSE	0x20		/* it is the mouse's */
#define ISA_KEYBOARD	1
#define ISA_MOUSE	12
#define SPINS		20000

static const struct lock_class ps2_class = { "PS/2 controller", LOCK_RANK_CPU_CALL, LOCK_CLASS_IRQ };
static struct spinlock ps2_lock = SPIN_LOCK_INITIALIZER(&ps2_class);
static bool mouse_runs;

void (*keyboard_hook)(unsigned code);
void (*mouse_hook)(unsigned byte);
bool keyboard_raw;

static const char plain[] =
    "\0\0331234567890-=\177\tqwertyuiop[]\r\0asdfghjkl;'`\0\\zxcvbnm,./\0*\0 ";
static const char shifted[] =
    "\0\033!@#$%^&*()_+\177\tQWERTYUIOP{}\r\0ASDFGHJKL:\"~\0|ZXCVBNM<>?\0*\0 ";

static bool shift, control, alt, caps, extended;
static char queue[8];				/* rest of a key sequence, for polling */
static unsigned queued;

static const char *extended_key(unsigned code)
{
	switch (code) {
	case 0x48: return "\033[A";
	case 0x50: return "\033[B";
	case 0x4d: return "\033[C";
	case 0x4b: return "\033[D";
	case 0x47: return "\033[H";
	case 0x4f: return "\033[F";
	case 0x52: return "\033[2~";
	case 0x53: return "\033[3~";
	case 0x49: return "\033[5~";
	case 0x51: return "\033[6~";
	case 0x1c: return "\r";
	case 0x35: return "/";
	}
	return "";
}

/* => true when the code was a modifier or a release */
static bool modifier(unsigned code)
{
	bool down = !(code & 0x80);

	switch (code & 0x7f) {
	case 0x2a:
	case 0x36:
		shift = extended ? shift : down;
		return true;
	case 0x1d:
		control = down;
		return true;
	case 0x38:
		alt = down;
		return true;
	case 0x3a:
		caps ^= down;
		return true;
	}
	return !down;
}

/* feed one scan code; => characters it makes, in queue */
static void scan(unsigned code)
{
	const char *s;
	char c;

	if (code == 0xe0) {
		extended = true;
		return;
	}
	if (modifier(code)) {
		extended = false;
		return;
	}
	queued = 0;
	if (extended) {
		extended = false;
		for (s = extended_key(code); *s != '\0'; s++)
			queue[queued++] = *s;
		return;
	}
	if (code >= sizeof plain - 1)
		return;
	c = plain[code];
	if (shift != (caps && c >= 'a' && c <= 'z'))
		c = shifted[code];
	if (c == '\0')
		return;
	if (control)
		c &= 0x1f;
	if (alt)
		queue[queued++] = '\033';
	queue[queued++] = c;
}

/* => a byte, its source in *status; -1: none */
static int read_byte(unsigned *status)
{
	unsigned long flags = spin_lock_irq(&ps2_lock);
	int c = -1;

	*status = inb(KBD_STATUS);
	if (*status & STATUS_OUTPUT)
		c = inb(KBD_DATA);
	spin_unlock_irq(&ps2_lock, flags);
	return c;
}

static void key(unsigned code)
{
	if (__atomic_load_n(&keyboard_raw, __ATOMIC_ACQUIRE)) {
		keyboard_hook(code);
		return;
	}
	scan(code);
	for (unsigned i = 0; i < queued; i++)
		console_input((unsigned char)queue[i]);
	queued = 0;
}

static void kbd_interrupt(unsigned irq, void *arg)
{
	unsigned status;
	int c;

	(void)irq;
	(void)arg;
	for (int n = 0; n < 64 && (c = read_byte(&status)) >= 0; n++) {
		if (!(status & STATUS_MOUSE))
			key((unsigned)c);
		else if (mouse_hook != NULL)
			mouse_hook((unsigned)c);
	}
}

/* --- commands; => ps2_lock held --- */

static bool ps2_write(uint16_t port, uint8_t byte)
{
	for (int i = 0; inb(KBD_STATUS) & STATUS_INPUT; i++) {
		if (i == SPINS)
			return false;
	}
	outb(port, byte);
	return true;
}

static int ps2_answer(void)
{
	for (int i = 0; i < SPINS; i++) {
		if (inb(KBD_STATUS) & STATUS_OUTPUT)
			return inb(KBD_DATA);
	}
	return -1;
}

/* => the mouse acknowledged */
static bool mouse_command(uint8_t command)
{
	return ps2_write(KBD_STATUS, 0xd4) && ps2_write(KBD_DATA, command) && ps2_answer() == 0xfa;
}

static bool mouse_enable(void)
{
	int config;

	while (inb(KBD_STATUS) & STATUS_OUTPUT)
		(void)inb(KBD_DATA);
	if (!ps2_write(KBD_STATUS, 0xa8) || !ps2_write(KBD_STATUS, 0x20) || (config = ps2_answer()) < 0)
		return false;
	/* its interrupt on, its clock not off */
	if (!ps2_write(KBD_STATUS, 0x60) || !ps2_write(KBD_DATA, (uint8_t)((config | 2) & ~0x20)))
		return false;
	return mouse_command(0xf6) && mouse_command(0xf4);
}

bool mouse_start(void)
{
	unsigned long flags;
	bool ok;

	if (mouse_runs || inb(KBD_STATUS) == 0xff)
		return mouse_runs;
	flags = spin_lock_irq(&ps2_lock);
	ok = mouse_enable();
	spin_unlock_irq(&ps2_lock, flags);
	if (!ok || !irq_register(irq_from_isa(ISA_MOUSE), kbd_interrupt, NULL))
		return false;
	irq_unmask(irq_from_isa(ISA_MOUSE));
	mouse_runs = true;
	return true;
}

void keyboard_leds(unsigned bits)
{
	unsigned long flags = spin_lock_irq(&ps2_lock);

	if (ps2_write(KBD_DATA, 0xed) && ps2_answer() == 0xfa && ps2_write(KBD_DATA, bits & 7))
		(void)ps2_answer();
	spin_unlock_irq(&ps2_lock, flags);
}

int kbd_poll(void)
{
	unsigned status = inb(KBD_STATUS);
	int c;

	/* the kernel's debugger: the others stand still, perhaps with the lock */
	if (queued == 0 && status != 0xff && (status & STATUS_OUTPUT)) {
		c = inb(KBD_DATA);
		if (!(status & STATUS_MOUSE))
			scan((unsigned)c);
	}
	if (queued == 0)
		return -1;
	c = (unsigned char)queue[0];
	queued--;
	for (unsigned i = 0; i < queued; i++)
		queue[i] = queue[i + 1];
	return c;
}

void kbd_enable_irq(void)
{
	if (inb(KBD_STATUS) == 0xff || !irq_register(irq_from_isa(ISA_KEYBOARD), kbd_interrupt, NULL))
		return;
	while (inb(KBD_STATUS) & STATUS_OUTPUT)
		(void)inb(KBD_DATA);
	irq_unmask(irq_from_isa(ISA_KEYBOARD));
}
